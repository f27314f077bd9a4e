"""More than the broker can take: it slows the culprit down, keeps within its memory, and serves
everybody else."""

import os
import resource
import threading
import time
import uuid

import pytest

import wire
from warren_cluster import wait_until
from watch import Watch
from wire import Wire

DELIVER = b"\0\x3c\0\x3c"
SECONDS = float(os.environ.get("WARREN_TEST_OVERLOAD_SECONDS", 10))


def fresh(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def declare(cluster, node, queue):
    with cluster.connect(node) as connection:
        connection.channel().queue_declare(queue, durable=True)


def delete(cluster, node, queue):
    with cluster.connect(node, blocked_connection_timeout=60) as connection:
        connection.channel().queue_delete(queue)


def flood(port, queue, size, seconds):
    """Publishes as fast as the broker reads, without confirms; the number sent."""
    message = wire.publish(1, "", queue, os.urandom(size))
    count = max(1, (1 << 18) // len(message))
    chunk = message * count
    sent = 0
    with Wire(port, timeout=60).shake_hands().open_channel() as client:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            client.send(chunk)
            sent += count
        # A synchronous method after the last publish: all before it were taken.
        client.send(wire.method(1, 20, 40, b"\0\xc8" + wire.short("bye") + b"\0\0\0\0"))
        client.expect(20, 41)
    return sent


def ready(cluster, node, queue):
    with cluster.connect(node) as connection:
        declared = connection.channel().queue_declare(queue, durable=True, passive=True)
        return declared.method.message_count


def publish_some(cluster, queue, size, count, wait=True):
    """`count` messages; with `wait`, how many are ready once that is what is expected."""
    message = wire.publish(1, "", queue, os.urandom(size))
    with Wire(cluster.port(1), timeout=60).shake_hands().open_channel() as publisher:
        for _ in range(count):
            publisher.send(message)
        publisher.send(wire.method(1, 20, 40, b"\0\xc8" + wire.short("bye") + b"\0\0\0\0"))
        publisher.expect(20, 41)
    if not wait:
        return None
    wait_until(lambda: ready(cluster, 1, queue) >= count, 30, interval=0.2, what="all messages")
    return ready(cluster, 1, queue)


def consume(client, queue, auto_ack):
    arguments = b"\0\0" + wire.short(queue) + wire.short("") + bytes([2 * auto_ack])
    client.send(wire.method(1, 60, 20, arguments + wire.long(b"")))
    client.expect(60, 21)


@pytest.mark.parametrize("size", (1024, 65536))
@pytest.mark.parametrize("node", (1, 2))
def test_publisher_faster_than_the_disk_is_slowed_down(cluster, node, size):
    queue = fresh("flood")
    declare(cluster, 1, queue)
    with Watch(cluster, f"flood of {size} octets through node {node}"):
        sent = flood(cluster.port(node), queue, size, SECONDS)
        wait_until(lambda: ready(cluster, 1, queue) == sent, 60, interval=0.5,
                   what=f"all {sent} messages; {ready(cluster, 1, queue)} are there")
        print(f"{sent / SECONDS:.0f} messages/s of {size} octets")
    delete(cluster, 1, queue)


def test_several_publishers_faster_than_the_disk_are_slowed_down(cluster):
    queues = [fresh("flood") for _ in range(6)]
    for i, queue in enumerate(queues):
        declare(cluster, 1 + i % 3, queue)
    sent = {}

    def run(i, queue):
        sent[queue] = flood(cluster.port(1 + i // 2), queue, 16384, SECONDS)

    with Watch(cluster, "six floods through three nodes"):
        threads = [threading.Thread(target=run, args=item) for item in enumerate(queues)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(sent) == len(queues), "a publisher was thrown out"
        for queue in queues:
            wait_until(lambda: ready(cluster, 2, queue) == sent[queue], 60, interval=0.5,
                       what="all messages of a flood")
    for queue in queues:
        delete(cluster, 3, queue)


@pytest.mark.parametrize("auto_ack", (False, True), ids=("acks", "auto-ack"))
@pytest.mark.parametrize("node", (1, 2))
def test_consumer_that_stops_reading_costs_bounded_memory(cluster, node, auto_ack):
    """No prefetch limit, a backlog of hundreds of MiB, and a socket that nobody reads."""
    queue, size, count = fresh("slow"), 65536, 6000
    declare(cluster, 1, queue)
    with Watch(cluster, f"slow consumer on node {node}"):
        with Wire(cluster.port(node), receive_buffer=4096).shake_hands().open_channel() as slow:
            consume(slow, queue, auto_ack)
            publish_some(cluster, queue, size, count, wait=False)
            time.sleep(SECONDS / 3)
        # The consumer is gone: what it did not get is everybody's again.
        if not auto_ack:
            wait_until(lambda: ready(cluster, 1, queue) == count, 30, interval=0.5,
                       what="the return of what the slow consumer held")
    delete(cluster, 1, queue)


@pytest.mark.parametrize("node", (1, 2))
def test_consumer_without_prefetch_may_hold_everything(cluster, node):
    """Prefetch 0 is no limit: what bounds is what its socket has not taken, not what it holds."""
    queue, size, count = fresh("unlimited"), 65536, 2400
    declare(cluster, 1, queue)
    assert publish_some(cluster, queue, size, count) == count
    with Watch(cluster, f"a consumer on node {node} that holds {count * size >> 20} MiB"):
        with Wire(cluster.port(node), timeout=30).shake_hands().open_channel() as client:
            consume(client, queue, auto_ack=False)
            got = 0
            while got < count:
                kind, _, payload = client.next_frame()
                got += kind == wire.METHOD and payload[:4] == DELIVER
        wait_until(lambda: ready(cluster, 1, queue) == count, 30, interval=0.2,
                   what="the return of all that it held")
    delete(cluster, 1, queue)


@pytest.mark.parametrize("auto_ack", (False, True), ids=("acks", "auto-ack"))
def test_many_consumers_that_stop_reading_cost_bounded_memory(cluster, auto_ack):
    """Each has a window of its own; together they have no more than one session's."""
    queues = [fresh("slow") for _ in range(8)]
    for queue in queues:
        declare(cluster, 1, queue)
        publish_some(cluster, queue, 32768, 1000)
    with Watch(cluster, "200 consumers that do not read"):
        slow = [Wire(cluster.port(2), receive_buffer=4096).shake_hands().open_channel()
                for _ in range(200)]
        for i, client in enumerate(slow):
            consume(client, queues[i % len(queues)], auto_ack)
        time.sleep(SECONDS / 2)
        for client in slow:
            client.close()
    for queue in queues:
        delete(cluster, 1, queue)


def test_many_connections_and_channels(cluster):
    count = 1500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    clients = []
    try:
        with Watch(cluster, f"{count} connections"):
            start = time.monotonic()
            for i in range(count):
                clients.append(Wire(cluster.port(1 + i % 3)).shake_hands().open_channel())
            print(f"{count} connections in {time.monotonic() - start:.1f} s")
            for client in clients:
                client.send(wire.method(1, 50, 10, b"\0\0" + wire.short("") + b"\x04"
                                        + wire.long(b"")))
            for client in clients:
                client.expect(50, 11)
            print(f"and an exclusive queue each after {time.monotonic() - start:.1f} s")
            for client in clients:
                client.close()
            wait_until(lambda: sum(bool(row) for row in cluster.ctl(
                1, "-q", "--no-table-headers", "list_queues", "name").split("\n")) < 20, 60,
                interval=0.5, what="the end of the exclusive queues")
    finally:
        for client in clients:
            client.close()
