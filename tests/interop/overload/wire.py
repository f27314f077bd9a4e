"""AMQP 0-9-1 by hand over a plain socket: for clients that misbehave as no library lets them."""

import socket
import struct
import time

from amqp_codec import BODY, CONTENT_HEADER, HEADER, METHOD, HEARTBEAT, frame  # noqa: F401
from amqp_codec import FrameReader, body_frames, content_header, raw_method as method
from amqp_values import long, short

CONNECTION_CLOSE, CONNECTION_BLOCKED = (10, 50), (10, 60)
FRAME_MAX = 131072


def capabilities(*names):
    table = b"".join(short(name) + b"t\x01" for name in names)
    return long(short("capabilities") + b"F" + long(table))


def publish(channel, exchange, key, body, frame_max=FRAME_MAX, delivery_mode=2):
    """basic.publish with its content, as octets."""
    return (method(channel, 60, 40, b"\0\0" + short(exchange) + short(key) + b"\0")
            + content_header(channel, len(body), {"delivery_mode": delivery_mode})
            + body_frames(channel, body, frame_max))


class Wire:
    def __init__(self, port, heartbeat=0, timeout=20, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.reader = FrameReader()
        self.heartbeat = heartbeat
        self.met = []  # methods of channel 0 that nobody waited for

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def shake_hands(self):
        """Protocol header to connection.open-ok."""
        self.send(HEADER)
        self.expect(10, 10)
        response = b"\0guest\0guest"
        self.send(method(0, 10, 11, capabilities("connection.blocked", "basic.nack")
                         + short("PLAIN") + long(response) + short("en_US")))
        self.expect(10, 30)
        self.send(method(0, 10, 31, struct.pack(">HIH", 2047, FRAME_MAX, self.heartbeat))
                  + method(0, 10, 40, short("/") + b"\0\0"))
        self.expect(10, 41)
        return self

    def open_channel(self, channel=1):
        self.send(method(channel, 20, 10, b"\0"))
        self.expect(20, 11)
        return self

    def fill(self):
        octets = self.socket.recv(1 << 20)
        self.reader.add(octets)
        return len(octets) > 0

    def next_frame(self):
        """(kind, channel, payload), or None at the end of the stream."""
        while (found := self.reader.next()) is None:
            if not self.fill():
                return None
        return found

    def next_method(self):
        """((class, method), arguments) of the next method frame, or None at the end."""
        while True:
            got = self.next_frame()
            if got is None:
                return None
            if got[0] == METHOD:
                return struct.unpack_from(">HH", got[2]), got[2][4:]

    def expect(self, cls, number):
        while True:
            got = self.next_method()
            assert got is not None, f"the broker closed the socket instead of {cls}.{number}"
            assert got[0] != CONNECTION_CLOSE, read_close(got[1])
            if got[0] == (cls, number):
                return got[1]
            self.met.append(got[0])

    def rest(self, most=1 << 20):
        """Everything up to the end of the stream (a reset counts as the end)."""
        out = bytes(self.reader.buffer)
        try:
            while len(out) < most:
                octets = self.socket.recv(65536)
                if not octets:
                    break
                out += octets
        except ConnectionResetError:
            pass
        return out

    def expect_close(self, timeout=20):
        """(reply code, text) of the broker's connection.close; the socket ends after close-ok."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            got = self.next_method()
            assert got is not None, "the socket ended without connection.close"
            if got[0] == CONNECTION_CLOSE:
                try:
                    self.send(method(0, 10, 51))
                    self.rest()
                except (BrokenPipeError, ConnectionResetError):
                    pass
                return read_close(got[1])
        raise AssertionError("no connection.close came")


def read_close(arguments):
    code, size = struct.unpack_from(">HB", arguments)
    return code, arguments[3:3 + size].decode()
