"""Garbage on the port, frames too large, peers that fall silent: the culprit gets a clear answer
and is gone, nobody else notices."""

import os
import random
import socket
import ssl
import struct
import time

import pytest

import wire
from warren_cluster import wait_until
from watch import Watch
from wire import Wire


def connections(cluster, node):
    return cluster.ctl(node, "-q", "--no-table-headers", "list_connections", "name").split("\n")


def answer_to(port, octets):
    with Wire(port) as client:
        client.send(octets)
        start = time.monotonic()
        answer = client.rest()
        assert time.monotonic() - start < 15, "the socket stayed open"
        return answer


def tls_hello():
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="warren.example")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


WRONG_STARTS = {
    "http": b"GET / HTTP/1.1\r\nHost: warren\r\n\r\n",
    "tls": tls_hello(),
    "random": random.Random(7).randbytes(65536),
    "zeros": bytes(4096),
    "amqp 0-8": b"AMQP\x01\x01\x08\x00",
    "amqp 1.0": b"AMQP\x00\x01\x00\x00",
    "sasl": b"AMQP\x03\x01\x00\x00",
}


@pytest.mark.parametrize("start", WRONG_STARTS, ids=lambda name: name.replace(" ", "-"))
@pytest.mark.parametrize("node", (1, 2, 3))
def test_wrong_protocol_header_is_answered_with_the_right_one_and_the_end(cluster, node, start):
    assert answer_to(cluster.port(node), WRONG_STARTS[start]) == wire.HEADER


def test_thousands_of_garbage_connections_disturb_nobody(cluster):
    garbage = random.Random(11)
    with Watch(cluster, "garbage"):
        for i in range(3000):
            with socket.create_connection(("127.0.0.1", cluster.port(1 + i % 3))) as client:
                client.sendall(garbage.randbytes(garbage.randrange(1, 600)))


def test_garbage_after_the_handshake_is_501(cluster):
    garbage = random.Random(13)
    with Watch(cluster, "garbage after the handshake"):
        clients = [Wire(cluster.port(1 + i % 3)).shake_hands().open_channel() for i in range(60)]
        for client in clients:
            client.send(b"\x01\x00\x01\x00\x00\x00\x04" + garbage.randbytes(4) + b"\x00")
        for client in clients:
            code, text = client.expect_close()
            assert code == 501, text
            client.close()


@pytest.mark.parametrize("size", (wire.FRAME_MAX - 7, 1 << 24, 0xFFFFFFFF))
def test_frame_larger_than_negotiated_is_501_at_once(cluster, size):
    """The answer comes from the size alone: nothing of the payload is awaited or kept."""
    with Watch(cluster, f"frame of {size} octets"):
        for node in (1, 2, 3):
            with Wire(cluster.port(node)).shake_hands().open_channel() as client:
                client.send(struct.pack(">BHI", wire.BODY, 1, size))
                code, text = client.expect_close()
                assert code == 501, text
                assert "frame" in text.lower() or "FRAME_ERROR" in text, text


def test_frame_of_exactly_frame_max_is_taken(cluster):
    with Wire(cluster.port(1)).shake_hands().open_channel() as client:
        body = os.urandom(wire.FRAME_MAX - 8)
        client.send(wire.method(1, 50, 10, b"\0\0" + wire.short("") + b"\x04" + wire.long(b"")))
        name = client.expect(50, 11)
        name = name[1:1 + name[0]].decode()
        client.send(wire.publish(1, "", name, body, delivery_mode=1))
        client.send(wire.method(1, 60, 70, b"\0\0" + wire.short(name) + b"\x01"))
        client.expect(60, 71)
        kinds = [client.next_frame() for _ in range(2)]
        assert kinds[0][0] == wire.CONTENT_HEADER and kinds[1][2] == body


def announce_body(client, size):
    client.send(wire.method(1, 60, 40, b"\0\0" + wire.short("") + wire.short("x") + b"\0"))
    client.send(wire.frame(wire.CONTENT_HEADER, 1, struct.pack(">HHQH", 60, 0, size, 0)))


def test_body_larger_than_max_message_size_is_refused_and_not_kept(cluster):
    with Watch(cluster, "bodies of 200 MB and a terabyte"):
        with Wire(cluster.port(2)).shake_hands().open_channel() as client:
            announce_body(client, 200 << 20)
            for _ in range(200 * 16):
                client.send(wire.frame(wire.BODY, 1, bytes(65536)))
            code, text = wire.read_close(client.expect(20, 40))
            assert code == 406 and "larger than" in text, (code, text)
        # Beyond what any configuration allows it is not a message at all.
        with Wire(cluster.port(2)).shake_hands().open_channel() as client:
            announce_body(client, 1 << 40)
            code, text = client.expect_close()
            assert code == 501 and "larger than" in text, (code, text)


def test_half_open_connection_is_dropped_after_two_missed_heartbeats(cluster):
    """The peer's host vanished: nothing comes, nothing is reset."""
    with Watch(cluster, "half-open"):
        with Wire(cluster.port(1), heartbeat=2).shake_hands() as client:
            name = "127.0.0.1:%d" % client.socket.getsockname()[1]
            assert any(name in row for row in connections(cluster, 1))
            start = time.monotonic()
            wait_until(lambda: not any(name in row for row in connections(cluster, 1)), 15,
                       what="the end of the silent connection")
            assert 2 < time.monotonic() - start < 10
            kinds = set()
            try:
                while (got := client.next_frame()) is not None:
                    kinds.add(got[0])
            except ConnectionResetError:
                pass
            assert kinds <= {wire.HEARTBEAT, wire.METHOD}
            assert wire.HEARTBEAT in kinds, "the broker sent no heartbeats of its own"


def test_handshake_that_stops_half_way_is_dropped(cluster):
    """Slow starters hold little and not for ever (handshake_timeout is 10 s)."""
    with Watch(cluster, "unfinished handshakes"):
        clients = [Wire(cluster.port(1 + i % 3), timeout=30) for i in range(300)]
        for client in clients[::2]:
            client.send(wire.HEADER[:5])
        for client in clients[1::2]:
            client.send(wire.HEADER)
        for client in clients:
            client.rest()
            client.close()


def test_wrong_password_is_refused_in_words(cluster):
    with Wire(cluster.port(1)) as client:
        client.send(wire.HEADER)
        client.expect(10, 10)
        client.send(wire.method(0, 10, 11, wire.capabilities("authentication_failure_close")
                                + wire.short("PLAIN") + wire.long(b"\0guest\0wrong")
                                + wire.short("en_US")))
        code, text = client.expect_close()
        assert code == 403 and text.startswith("ACCESS_REFUSED"), text
