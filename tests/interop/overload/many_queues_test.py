"""Ten thousand durable queues: declared through every node, kept across a restart. Runs last."""

import threading
import time
import uuid

import pytest

import wire
from warren_cluster import wait_until
from watch import Watch, resident
from wire import Wire

COUNT = 10_000
PREFIX = f"many-{uuid.uuid4().hex[:6]}-"


def declare_some(cluster, node, numbers):
    with Wire(cluster.port(node), timeout=120).shake_hands().open_channel() as client:
        waiting = 0
        for number in numbers:
            client.send(wire.method(1, 50, 10, b"\0\0" + wire.short(f"{PREFIX}{number}") + b"\x02"
                                    + wire.long(b"")))
            waiting += 1
            if waiting == 100:
                client.expect(50, 11)
                waiting -= 1
        for _ in range(waiting):
            client.expect(50, 11)


def test_ten_thousand_durable_queues(cluster):
    with Watch(cluster, f"{COUNT} queues"):
        failures = []

        def run(node):
            try:
                declare_some(cluster, node, range(node - 1, COUNT, 3))
            except (AssertionError, OSError) as failure:
                failures.append(failure)

        start = time.monotonic()
        threads = [threading.Thread(target=run, args=(node,)) for node in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures
        took = time.monotonic() - start
        print(f"{COUNT} queues in {took:.1f} s: {COUNT / took:.0f} a second")
        start = time.monotonic()
        listed = sum(name.startswith(PREFIX) for name in cluster.queues(2))
        print(f"listed in {time.monotonic() - start:.1f} s")
        assert listed == COUNT


@pytest.mark.parametrize("node", (1, 2, 3))
def test_a_node_with_ten_thousand_queues_restarts(cluster, node):
    cluster.kill(node)
    start = time.monotonic()
    cluster.resume(node)
    took = time.monotonic() - start
    print(f"node {node} serves again after {took:.1f} s")
    assert took < 30
    with cluster.connect(node) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for number in (0, 1, 2, COUNT // 2, COUNT - 1):
            channel.queue_declare(f"{PREFIX}{number}", durable=True, passive=True)
            channel.basic_publish("", f"{PREFIX}{number}", b"still here", mandatory=True)
    pid = next(row["pid"] for row in cluster.status() if row["node"] == node)
    assert resident(pid) < 512 << 20
    wait_until(lambda: all(row["leader"] for row in cluster.groups(node).values()), 30,
               what="a leader in every group")


def delete_some(cluster, node, numbers):
    with Wire(cluster.port(node), timeout=120).shake_hands().open_channel() as client:
        waiting = 0
        for number in numbers:
            client.send(wire.method(1, 50, 40, b"\0\0" + wire.short(f"{PREFIX}{number}") + b"\0"))
            waiting += 1
            if waiting == 100:
                client.expect(50, 41)
                waiting -= 1
        for _ in range(waiting):
            client.expect(50, 41)


def test_ten_thousand_queues_go_again(cluster):
    start = time.monotonic()
    threads = [threading.Thread(target=delete_some, args=(cluster, node, range(node - 1, COUNT, 3)))
               for node in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"deleted in {time.monotonic() - start:.1f} s")
    wait_until(lambda: not any(name.startswith(PREFIX) for name in cluster.queues(3)), 30,
               what="an end of the queues")
