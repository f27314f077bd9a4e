"""Messages of 100 MB: they arrive intact, survive the death of a leader, and cost nobody else
anything."""

import hashlib
import os
import socket
import threading
import time
import uuid

import pika
import pytest

from watch import Watch

SIZE = 100 << 20
# Others' confirms and deliveries while a large body passes; much less on an idle machine.
LONGEST_WAIT = float(os.environ.get("WARREN_TEST_LONGEST_WAIT", 1.0))
PERSISTENT = pika.BasicProperties(delivery_mode=2, headers={"kind": "large"})


def fresh(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def random_body(size=SIZE):
    return os.urandom(1 << 20) * (size >> 20) + os.urandom(1 + size % 1000)


def digest(body):
    return hashlib.sha256(body).hexdigest()


def publish(cluster, node, queue, body):
    with cluster.connect(node, heartbeat=60) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        start = time.monotonic()
        channel.basic_publish("", queue, body, PERSISTENT, mandatory=True)
        print(f"in through node {node} and confirmed: {time.monotonic() - start:.1f} s")


def consume(cluster, node, queue, count):
    """The digests of so many messages, each acknowledged, through basic.consume."""
    got = []
    if count == 0:
        return got
    with cluster.connect(node, heartbeat=60) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        for method, properties, body in channel.consume(queue, inactivity_timeout=60):
            assert method is not None, f"nothing came on node {node}"
            assert properties.headers["kind"] == "large"
            got.append(digest(body))
            channel.basic_ack(method.delivery_tag)
            if len(got) == count:
                break
        channel.cancel()
    return got


def leader_of(cluster, queue):
    rows = cluster.http(1, "/api/queues")
    group = next(row["warren_group"] for row in rows if row["name"] == queue)
    return cluster.number_of(cluster.wait_for_leaders(1)[group]["leader"])


@pytest.fixture
def queue(cluster):
    name = fresh("large")
    with cluster.connect(1) as connection:
        connection.channel().queue_declare(name, durable=True)
    yield name
    with cluster.connect(1, blocked_connection_timeout=60) as connection:
        connection.channel().queue_delete(name)


def test_message_of_100_mb_arrives_intact(cluster, queue):
    body = random_body()
    with Watch(cluster, "a message of 100 MB", longest_wait=LONGEST_WAIT):
        publish(cluster, 1, queue, body)
        for node in (2, 3, 1):
            with cluster.connect(node, heartbeat=60) as connection:
                channel = connection.channel()
                start = time.monotonic()
                method, properties, got = channel.basic_get(queue)
                print(f"out on node {node}: {time.monotonic() - start:.1f} s")
                assert method is not None, f"nothing on node {node}"
                assert digest(got) == digest(body)
                assert properties.headers["kind"] == "large"
                if node == 1:
                    channel.basic_ack(method.delivery_tag)
                else:
                    channel.basic_nack(method.delivery_tag, requeue=True)


def test_several_messages_of_100_mb_at_once(cluster, queue):
    bodies = [random_body() for _ in range(3)]
    with Watch(cluster, "three messages of 100 MB at once", longest_wait=LONGEST_WAIT):
        threads = [threading.Thread(target=publish, args=(cluster, 1 + i, queue, body))
                   for i, body in enumerate(bodies)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(consume(cluster, 2, queue, 3)) == sorted(map(digest, bodies))


def test_large_message_survives_the_death_of_its_leader(cluster, queue):
    body = random_body(30 << 20)
    publish(cluster, 1, queue, body)
    leader = leader_of(cluster, queue)
    cluster.kill(leader)
    try:
        survivor = next(node for node in (1, 2, 3) if node != leader)
        assert consume(cluster, survivor, queue, 1) == [digest(body)]
    finally:
        cluster.resume(leader)
        cluster.wait_for_leaders(1)


def test_large_message_in_the_making_goes_on_when_its_leader_dies(cluster, queue):
    """The publisher's node lives; the leader of the queue's group dies within the body."""
    body = random_body(120 << 20)
    leader = leader_of(cluster, queue)
    survivors = [node for node in (1, 2, 3) if node != leader]
    publisher = threading.Thread(target=publish, args=(cluster, survivors[0], queue, body))
    publisher.start()
    time.sleep(0.3)
    cluster.kill(leader)
    try:
        publisher.join(60)
        assert not publisher.is_alive(), "never confirmed"
        assert consume(cluster, survivors[1], queue, 1) == [digest(body)]
    finally:
        cluster.resume(leader)
        cluster.wait_for_leaders(1)


def test_mandatory_message_that_no_queue_takes_comes_back_whole(cluster):
    body = random_body(8 << 20)
    with cluster.connect(2, heartbeat=60) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        with pytest.raises(pika.exceptions.UnroutableError) as failure:
            channel.basic_publish("", fresh("nowhere"), body, PERSISTENT, mandatory=True)
        assert digest(failure.value.messages[0].body) == digest(body)


def test_connection_cut_within_a_body_leaves_the_queue_as_it_was(cluster, queue):
    connection = cluster.connect(1, heartbeat=60)
    channel = connection.channel()
    body = random_body(40 << 20)
    raw = connection._impl._transport._sock
    cut = threading.Timer(0.2, lambda: raw.shutdown(socket.SHUT_RDWR))
    cut.start()
    with pytest.raises(pika.exceptions.AMQPError):
        while True:
            channel.basic_publish("", queue, body, PERSISTENT)
    with cluster.connect(2) as again:
        declared = again.channel().queue_declare(queue, durable=True, passive=True).method
    whole = declared.message_count
    assert consume(cluster, 2, queue, whole) == [digest(body)] * whole
    publish(cluster, 3, queue, body)
    assert consume(cluster, 1, queue, 1) == [digest(body)]
