"""One AMQP connection of a scenario: sends what it is told, notes everything that comes."""

import select
import socket
import time

import amqp_codec as codec

WITH_CONTENT = ("basic.return", "basic.deliver", "basic.get-ok")
CAPABILITIES = ("publisher_confirms", "exchange_exchange_bindings", "basic.nack",
                "consumer_cancel_notify", "connection.blocked", "authentication_failure_close")


class HandshakeFailed(Exception):
    """The broker did not let an ordinary client in."""


class Client:
    def __init__(self, port, note=lambda kind, channel, payload: None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = codec.FrameReader()
        self.note = note
        self.events = []        # (channel, method) that no action has waited for yet
        self.history = []       # the same, and those that were waited for
        self.contents = {}      # channel -> [method, octets that are to come]
        self.frame_max = 131072
        self.answers_closes = True
        self.opened = set()     # channels that were opened once
        self.ended = False
        self.last_arrival = time.monotonic()

    def send(self, octets):
        """What the broker will not take any more is no fault of the scenario's."""
        try:
            self.socket.sendall(octets)
        except OSError:
            self.pump(0)

    def shake_hands(self, virtual_host="/", user="guest", password="guest", frame_max=131072,
                    channel_max=2047, heartbeat=0, capabilities=CAPABILITIES):
        """To connection.open-ok; none of it is noted."""
        note, self.note = self.note, lambda *_: None
        table = [(name, ("t", True)) for name in capabilities]
        self.send(codec.HEADER)
        self.expect("connection.start")
        self.send(codec.method(0, "connection.start-ok", mechanism="PLAIN", locale="en_US",
                               client_properties=[("capabilities", ("F", table))],
                               response=f"\0{user}\0{password}"))
        self.expect("connection.tune")
        self.send(codec.method(0, "connection.tune-ok", frame_max=frame_max,
                               channel_max=channel_max, heartbeat=heartbeat)
                  + codec.method(0, "connection.open", virtual_host=virtual_host))
        self.expect("connection.open-ok")
        self.frame_max = frame_max
        self.note = note
        return self

    def await_start(self):
        """To connection.start, which is not noted."""
        note, self.note = self.note, lambda *_: None
        self.send(codec.HEADER)
        self.expect("connection.start")
        self.note = note

    def expect(self, name, channel=0):
        if not self.wait_for([(channel, name)], 15):
            raise HandshakeFailed(f"no {name}; there came {self.events}")

    def open_channel(self, channel):
        note, self.note = self.note, lambda *_: None
        self.opened.add(channel)
        self.send(codec.method(channel, "channel.open"))
        self.expect("channel.open-ok", channel)
        self.note = note

    def pump(self, timeout):
        """Takes in what comes within the timeout; True when something did."""
        if self.ended:
            return False
        readable, _, _ = select.select([self.socket], [], [], timeout)
        if not readable:
            return False
        try:
            octets = self.socket.recv(1 << 20)
        except OSError:
            octets = b""
        self.last_arrival = time.monotonic()
        if not octets:
            self.finish()
            return True
        self.reader.add(octets)
        self.read_frames()
        return True

    def finish(self):
        self.ended = True
        left = bytes(self.reader.buffer)
        self.note(None, 0, left)
        self.add_event(0, "end")

    def add_event(self, channel, name):
        self.events.append((channel, name))
        self.history.append((channel, name))

    def read_frames(self):
        while not self.ended:
            try:
                found = self.reader.next()
            except ValueError:
                return self.finish()
            if found is None:
                return None
            self.note(*found)
            self.on_frame(*found)

    def on_frame(self, kind, channel, payload):
        if kind == codec.METHOD:
            name, _ = codec.decode_method(payload)
            if name in WITH_CONTENT:
                self.contents[channel] = [name, None]
                return
            self.add_event(channel, name)
            if name == "channel.close" and self.answers_closes:
                self.send(codec.method(channel, "channel.close-ok"))
            if name == "connection.close" and self.answers_closes:
                self.send(codec.method(0, "connection.close-ok"))
        elif kind == codec.CONTENT_HEADER and channel in self.contents:
            self.contents[channel][1] = codec.decode_content_header(payload)[2]
            self.end_content(channel)
        elif kind == codec.BODY and channel in self.contents:
            self.contents[channel][1] -= len(payload)
            self.end_content(channel)

    def end_content(self, channel):
        if self.contents[channel][1] <= 0:
            self.add_event(channel, self.contents.pop(channel)[0])

    def take(self, wanted):
        """Whether one of these has come that nobody waited for; it is used up."""
        for event in self.events:
            if event in wanted:
                self.events.remove(event)
                return True
        return False

    def is_over(self, wanted, since):
        """None of what is wanted can come any more."""
        if self.ended:
            return True
        if (0, "end") in wanted:
            return False
        new = self.history[since:]
        return (0, "connection.close") in new or all((channel, "channel.close") in new
                                                     for channel, _ in wanted)

    def wait_for(self, wanted, timeout, since=None):
        """`wanted`: a list of (channel, method), any of which will do."""
        since = len(self.history) if since is None else since
        deadline = time.monotonic() + timeout
        while not self.take(wanted):
            if self.is_over(wanted, since) or time.monotonic() > deadline:
                return False
            self.pump(max(0.0, min(0.5, deadline - time.monotonic())))
        return True

    def close(self):
        """In good order where that is possible still."""
        if not self.ended:
            self.note = lambda *_: None
            self.send(codec.method(0, "connection.close", reply_code=200, reply_text="bye"))
            self.answers_closes = True
            self.wait_for([(0, "connection.close-ok"), (0, "connection.close"), (0, "end")], 10)
        self.drop()

    def drop(self):
        self.socket.close()
        self.ended = True
