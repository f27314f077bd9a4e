"""Transactions over two groups, with the leader of one, and the client's node, killed within."""

import collections
import random
import threading
import time
import uuid

import pika
import pytest

from warren_cluster import wait_until

PERSISTENT = pika.BasicProperties(delivery_mode=2)


def fresh(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def declare(channel, group):
    queue = fresh(f"tx{group}")
    channel.queue_declare(queue, durable=True, arguments={"x-warren-group": group})
    return queue


def depth(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def drain(channel, queue):
    bodies = []
    while True:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return bodies
        bodies.append(body.decode())


@pytest.fixture
def queues(connect):
    channel = connect(1).channel()
    return [declare(channel, group) for group in (1, 2, 3)]


def test_commit_publishes_and_settles_and_rollback_does_neither(connect, queues):
    source, first, second = queues
    channel, other = connect(2).channel(), connect(3).channel()
    for body in ("a", "b"):
        other.basic_publish("", source, body, PERSISTENT)
    channel.tx_select()
    wait_until(lambda: depth(other, source) == 2)
    one, _, _ = channel.basic_get(source)
    two, _, _ = channel.basic_get(source)
    channel.basic_publish("", first, "x", PERSISTENT)
    channel.basic_publish("", second, "y", PERSISTENT)
    channel.basic_ack(one.delivery_tag)
    channel.tx_rollback()
    assert (depth(other, first), depth(other, second)) == (0, 0)
    channel.basic_ack(one.delivery_tag)
    channel.basic_nack(two.delivery_tag, requeue=True)
    channel.basic_publish("", first, "x", PERSISTENT)
    channel.basic_publish("", second, "y", PERSISTENT)
    assert (depth(other, first), depth(other, second), depth(other, source)) == (0, 0, 0)
    channel.tx_commit()
    assert drain(other, first) == ["x"]
    assert drain(other, second) == ["y"]
    assert drain(other, source) == ["b"]


def test_large_bodies_are_committed_with_the_rest(connect, queues):
    channel, other = connect(2).channel(), connect(3).channel()
    bodies = [bytes([n]) * (3 << 20) for n in (1, 2)]
    channel.tx_select()
    for body in bodies:
        channel.basic_publish("", queues[0], body, PERSISTENT)
    assert depth(other, queues[0]) == 0
    channel.tx_rollback()
    for body in bodies:
        channel.basic_publish("", queues[0], body, PERSISTENT)
    channel.basic_publish("", queues[0], b"small", PERSISTENT)
    channel.tx_commit()
    for body in (*bodies, b"small"):
        assert other.basic_get(queues[0], auto_ack=True)[2] == body


def test_misuse_is_refused_as_rabbitmq_does(connect):
    connection = connect(1)
    for use, text in (
            (lambda channel: channel.tx_commit(), "channel is not transactional"),
            (lambda channel: channel.tx_rollback(), "channel is not transactional"),
            (lambda channel: (channel.confirm_delivery(), channel.tx_select()),
             "cannot switch from confirm to tx mode"),
            (lambda channel: (channel.tx_select(), channel.confirm_delivery()),
             "cannot switch from tx to confirm mode")):
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
            use(connection.channel())
        assert closed.value.reply_code == 406
        assert text in closed.value.reply_text


class Mover(threading.Thread):
    """Moves messages from one queue to two others, two copies each, a transaction a message."""

    def __init__(self, cluster, node, queues):
        super().__init__()
        self.cluster, self.node, self.queues = cluster, node, queues
        self.committed, self.failed = [], []
        self.stopping = False

    def run(self):
        source, first, second = self.queues
        while not self.stopping:
            body = None
            try:
                with self.cluster.connect(self.node) as connection:
                    channel = connection.channel()
                    channel.tx_select()
                    while not self.stopping:
                        body = None
                        method, _, body = channel.basic_get(source)
                        if method is None:
                            time.sleep(0.01)
                            continue
                        for queue in (first, second, first, second):
                            channel.basic_publish("", queue, body, PERSISTENT)
                        channel.basic_ack(method.delivery_tag)
                        channel.tx_commit()
                        self.committed.append(body.decode())
            except (pika.exceptions.AMQPError, OSError):
                if body is not None:
                    self.failed.append(body.decode())
                time.sleep(0.2)


def check(cluster, queues, total, mover):
    """What docs/decisions/0006-transactions.md promises of whatever befell."""
    source, first, second = queues
    channel = cluster.connect(1).channel()
    counts = [collections.Counter(drain(channel, queue)) for queue in (first, second)]
    left = drain(channel, source)
    assert len(set(mover.committed)) == len(mover.committed), "a committed ack came undone"
    for body in (str(number) for number in range(total)):
        copies = [count[body] for count in counts]
        assert all(number % 2 == 0 for number in copies), f"{body}: {copies}, a torn transaction"
        if body not in mover.failed:
            assert copies == ([2, 2] if body in mover.committed else [0, 0]), f"{body}: {copies}"
        elif body not in left:
            assert min(copies) >= 2, f"{body} was settled, and is {copies}"


@pytest.mark.parametrize("victim", ["leader", "client's node"])
def test_a_node_killed_within_commits_tears_no_transaction(cluster, connect, queues, victim):
    source, first, second = queues
    total = 800
    filler = connect(1).channel()
    filler.confirm_delivery()
    for number in range(total):
        filler.basic_publish("", source, str(number), PERSISTENT)
    killed = cluster.number_of(cluster.groups(1)[3]["leader"])
    node = killed if victim == "client's node" else killed % 3 + 1
    mover = Mover(cluster, node, queues)
    mover.start()
    try:
        wait_until(lambda: len(mover.committed) > 20, what="the first commits")
        time.sleep(random.uniform(0, 0.2))
        cluster.kill(killed)
        before = len(mover.committed)
        if victim == "leader":
            wait_until(lambda: len(mover.committed) > before + 20, what="commits without it")
        else:
            time.sleep(1.5)
        cluster.resume(killed)
        wait_until(lambda: len(mover.committed) + len(mover.failed) > before + 40 or
                   len(mover.committed) + len(mover.failed) >= total, what="commits with it")
    finally:
        mover.stopping = True
        mover.join(60)
        if not cluster.lives(killed):
            cluster.resume(killed)
    cluster.wait_for_leaders(1)
    # What the mover held comes back once its node's session is ended, or has attached again.
    wait_until(lambda: cluster.queues(1)[source]["messages_unacknowledged"] == 0, timeout=60,
               interval=0.5, what="what was held")
    check(cluster, queues, total, mover)
