"""Short of memory or disk, a node blocks whoever publishes, in the whole cluster, as RabbitMQ does:
connection.blocked, nothing read; everybody else goes on, and so does the publisher afterwards."""

import os
import threading
import time

import pytest

import wire
from warren_cluster import SANITIZED, Cluster, wait_until
from watch import Bystander, resident
from wire import Wire

WATERMARK = 96 << 20

pytestmark = pytest.mark.skipif(
    SANITIZED, reason="a sanitizer's own memory is above the watermark before anything happens")


def started(port, *settings):
    cluster = Cluster(nodes=3, base_port=port, settings=settings)
    try:
        cluster.start()
        cluster.wait_for_leaders(1)
    except BaseException:
        cluster.destroy()
        raise
    return cluster


@pytest.fixture(scope="module")
def small():
    cluster = started(9572, f"vm_memory_high_watermark.absolute={WATERMARK}")
    yield cluster
    cluster.destroy()


def alarms(cluster, node):
    return cluster.http(node, "/api/warren/status")["alarms"]


def exclusive_queue(client):
    client.send(wire.method(1, 50, 10, b"\0\0" + wire.short("") + b"\x04" + wire.long(b"")))
    name = client.expect(50, 11)
    return name[1:1 + name[0]].decode()


def flood_until_blocked(client, queue, most):
    """Publishes until the broker stops reading; octets sent, and whether it said so."""
    message = wire.publish(1, "", queue, os.urandom(65536))
    blocked = threading.Event()

    def listen():
        deadline = time.monotonic() + 60
        while not blocked.is_set() and time.monotonic() < deadline:
            try:
                client.expect(*wire.CONNECTION_BLOCKED)
                blocked.set()
            except TimeoutError:
                pass
            except (AssertionError, OSError):
                return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    sent = 0
    client.socket.settimeout(5)
    while sent < most and not blocked.is_set():
        try:
            client.send(message)
            sent += len(message)
        except TimeoutError:  # in the middle of a message: what is not read does not go out
            break
    listener.join(20)
    return sent, blocked.is_set()


def test_a_queue_in_memory_blocks_its_publisher_at_the_watermark(small):
    """Transient queues live in memory: nothing but the alarm bounds them."""
    pids = {row["node"]: row["pid"] for row in small.status()}
    with Wire(small.port(1), timeout=30).shake_hands().open_channel() as flooder:
        queue = exclusive_queue(flooder)
        sent, blocked = flood_until_blocked(flooder, queue, 400 << 20)
        assert blocked, f"{sent} octets were taken without a word"
        time.sleep(1)
        print(f"blocked after {sent >> 20} MiB, {resident(pids[1]) >> 20} MiB resident")
        assert resident(pids[1]) < WATERMARK + (48 << 20)
        assert alarms(small, 1) == ["Memory alarm on node " + small.node(1)["name"]]
        assert "Memory alarm on node" in small.ctl(1, "status")
        # The others hear of it, and stop their publishers too.
        wait_until(lambda: alarms(small, 2), 5, what="the alarm on node 2")
        with Wire(small.port(2), timeout=60).shake_hands().open_channel() as elsewhere:
            elsewhere.send(wire.publish(1, "", "nobody", b"x"))
            elsewhere.expect(*wire.CONNECTION_BLOCKED)
            # Who only consumes, declares or asks is served.
            with small.connect(2) as connection:
                channel = connection.channel()
                name = channel.queue_declare("", exclusive=True).method.queue
                assert channel.basic_get(name)[0] is None
            flooder.close()  # its queue goes with it
            elsewhere.expect(10, 61)
    wait_until(lambda: not alarms(small, 1) and not alarms(small, 2), 20, what="the alarm's end")
    bystander = Bystander(small, 1)
    time.sleep(0.5)
    confirms, deliveries, failure = bystander.finish()
    assert confirms and deliveries and failure is None, failure


def test_a_blocked_publisher_that_goes_is_noticed(small):
    with Wire(small.port(1), timeout=30).shake_hands().open_channel() as flooder:
        queue = exclusive_queue(flooder)
        assert flood_until_blocked(flooder, queue, 400 << 20)[1]
        gone = Wire(small.port(1), timeout=20).shake_hands().open_channel()
        name = "127.0.0.1:%d " % gone.socket.getsockname()[1]
        gone.send(wire.publish(1, "", "nobody", b"x"))
        gone.expect(*wire.CONNECTION_BLOCKED)
        listed = lambda: small.ctl(1, "-q", "--no-table-headers", "list_connections", "name",
                                   "state")
        assert any(name in row and "blocked" in row for row in listed().split("\n")), listed()
        gone.close()
        wait_until(lambda: name not in listed(), 10, what="the end of the blocked connection")


def test_a_full_disk_blocks_publishers():
    cluster = started(9672, "disk_free_limit.absolute=1000000000000000")
    try:
        wait_until(lambda: len(alarms(cluster, 3)) == 3, 10, what="three alarms")
        assert alarms(cluster, 3)[0].startswith("Free disk space alarm on node ")
        with Wire(cluster.port(1), timeout=20).shake_hands().open_channel() as client:
            client.send(wire.publish(1, "", "nobody", b"x"))
            reason = client.expect(*wire.CONNECTION_BLOCKED)
            assert reason[1:] == b"low on disk"
        with cluster.connect(1) as connection:
            connection.channel().queue_declare("still-declared", durable=True)
    finally:
        cluster.destroy()
