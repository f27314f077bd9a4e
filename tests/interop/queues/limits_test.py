"""Limits of replicated and of transient queues through real clients: time to live, length,
overflow, expiry, priorities, deliveries. On every kind of queue, and across a leader's death."""

import time
import uuid

import pika
import pytest

from warren_cluster import wait_until

DURABLE = {"durable": True}
KINDS = [pytest.param(DURABLE, id="replicated"), pytest.param({"exclusive": True}, id="exclusive")]
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def declare(connect):
    """declare(kind, **arguments): a confirming channel on node 1, and a queue there."""
    def make(kind, **arguments):
        channel = connect(1).channel()
        channel.confirm_delivery()
        queue = f"limits-{uuid.uuid4().hex[:8]}"
        channel.queue_declare(queue, arguments={
            f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}, **kind)
        return channel, queue
    return make


def publish(channel, queue, *bodies, **properties):
    for body in bodies:
        channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2, **properties))


def ready(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def get_all(channel, queue):
    bodies = []
    while True:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return bodies
        bodies.append(body)


@every_kind
def test_a_message_goes_when_its_time_is_over(declare, kind):
    channel, queue = declare(kind, message_ttl=300)
    began = time.monotonic()
    publish(channel, queue, "a", "b")
    assert ready(channel, queue) == 2
    wait_until(lambda: ready(channel, queue) == 0, what="both messages to expire")
    assert 0.3 <= time.monotonic() - began < 3


@every_kind
def test_the_expiration_property_expires_one_message(declare, kind):
    channel, queue = declare(kind)
    publish(channel, queue, "short", expiration="100")
    publish(channel, queue, "long", expiration="60000")
    wait_until(lambda: ready(channel, queue) == 1, what="one message to expire")
    assert get_all(channel, queue) == [b"long"]


@every_kind
def test_a_time_to_live_of_zero_reaches_a_waiting_consumer_only(declare, kind):
    channel, queue = declare(kind, message_ttl=0)
    publish(channel, queue, "nobody waits")
    assert ready(channel, queue) == 0
    received = []
    channel.basic_consume(queue, lambda *delivery: received.append(delivery[3]), auto_ack=True)
    publish(channel, queue, "somebody waits")
    wait_until(lambda: channel.connection.process_data_events(0.05) or received,
               what="the message to arrive")
    assert received == [b"somebody waits"]


@every_kind
def test_the_oldest_go_from_a_queue_that_is_too_long(declare, kind):
    channel, queue = declare(kind, max_length=3)
    for i in range(10):
        publish(channel, queue, str(i))
        assert ready(channel, queue) <= 3
    assert get_all(channel, queue) == [b"7", b"8", b"9"]


@every_kind
def test_octets_of_bodies_limit_a_queue(declare, kind):
    channel, queue = declare(kind, max_length_bytes=10)
    publish(channel, queue, "12345", "67890", "abc")
    assert ready(channel, queue) == 2
    assert get_all(channel, queue) == [b"67890", b"abc"]


@every_kind
def test_a_queue_that_rejects_is_never_one_over(declare, kind):
    channel, queue = declare(kind, max_length=2, overflow="reject-publish")
    publish(channel, queue, "a", "b")
    with pytest.raises(pika.exceptions.NackError):
        publish(channel, queue, "c")
    channel.basic_get(queue, auto_ack=True)
    publish(channel, queue, "d")
    assert get_all(channel, queue) == [b"b", b"d"]


def test_a_flood_into_a_queue_that_rejects_leaves_it_exactly_full(connect, declare):
    channel, queue = declare(DURABLE, max_length=100, overflow="reject-publish")
    others = [connect(node).channel() for node in (1, 2, 3)]
    for i in range(300):
        others[i % 3].basic_publish("", queue, str(i))
    for other in others:
        other.queue_declare(queue, passive=True)  # behind its publishes
    assert ready(channel, queue) == 100
    assert len(get_all(channel, queue)) == 100


@every_kind
def test_the_highest_priority_is_served_first(declare, kind):
    channel, queue = declare(kind, max_priority=10)
    for priority in (1, 5, None, 10, 200, 5):
        publish(channel, queue, str(priority), priority=priority)
    assert get_all(channel, queue) == [b"10", b"200", b"5", b"5", b"1", b"None"]


@every_kind
def test_a_quorum_queue_has_strict_priorities(declare, kind):
    channel, queue = declare(kind, queue_type="quorum")
    for priority in (3, None, 5, 31, 200, 0, 4):
        publish(channel, queue, str(priority), priority=priority)
    method, _, body = channel.basic_get(queue)
    assert body == b"31"
    channel.basic_nack(method.delivery_tag)  # to where it stood
    assert get_all(channel, queue) == [b"31", b"200", b"5", b"None", b"4", b"3", b"0"]


@every_kind
def test_a_quorum_queue_with_its_own_priorities_keeps_to_them(declare, kind):
    channel, queue = declare(kind, queue_type="quorum", max_priority=2)
    for priority in (None, 1, 9, 2):
        publish(channel, queue, str(priority), priority=priority)
    assert get_all(channel, queue) == [b"9", b"2", b"1", b"None"]


@every_kind
def test_a_queue_without_priorities_keeps_the_order(declare, kind):
    channel, queue = declare(kind)
    for priority in (1, 9, 5):
        publish(channel, queue, str(priority), priority=priority)
    assert get_all(channel, queue) == [b"1", b"9", b"5"]


@every_kind
def test_an_unused_queue_goes(cluster, declare, kind):
    channel, queue = declare(kind, expires=500)
    time.sleep(0.3)
    assert ready(channel, queue) == 0  # which is use

    began = time.monotonic()
    # Not by declaring it: that would be use.
    wait_until(lambda: queue not in cluster.queues(2), what="the queue to go")
    assert 0.4 < time.monotonic() - began < 5


@every_kind
def test_a_queue_with_a_consumer_does_not_expire(declare, kind):
    channel, queue = declare(kind, expires=300)
    channel.basic_consume(queue, lambda *_: None)
    channel.connection.process_data_events(1.5)
    assert ready(channel, queue) == 0


@every_kind
def test_a_poisonous_message_goes_over_its_limit(declare, kind):
    channel, queue = declare(kind, delivery_limit=2)
    publish(channel, queue, "poison")
    for _ in range(3):
        method, _, _ = channel.basic_get(queue)
        assert method is not None
        channel.basic_reject(method.delivery_tag, requeue=True)
    assert channel.basic_get(queue)[0] is None


def test_limits_outlive_their_leader(cluster, connect):
    names = [f"outlive-{uuid.uuid4().hex[:8]}" for _ in range(4)]
    timed, short, urgent, strict = names
    channel = cluster.connect(2).channel()  # dies with its node
    channel.confirm_delivery()
    channel.queue_declare(timed, durable=True, arguments={"x-message-ttl": 4000})
    channel.queue_declare(short, durable=True, arguments={"x-max-length": 2})
    channel.queue_declare(urgent, durable=True, arguments={"x-max-priority": 5})
    channel.queue_declare(strict, durable=True, arguments={"x-queue-type": "quorum"})
    publish(channel, timed, "a")
    publish(channel, short, "1", "2", "3")
    for priority in (0, 5, 3):
        publish(channel, urgent, str(priority), priority=priority)
    for priority in (None, 5, 3):
        publish(channel, strict, str(priority), priority=priority)
    cluster.kill(2)  # where they were declared, their leader is
    try:
        other = connect(1).channel()
        other.confirm_delivery()
        assert ready(other, timed) == 1
        publish(other, short, "4")
        assert get_all(other, short) == [b"3", b"4"]
        assert get_all(other, urgent) == [b"5", b"3", b"0"]
        assert get_all(other, strict) == [b"5", b"None", b"3"]
        wait_until(lambda: ready(other, timed) == 0, what="the message to expire")
    finally:
        cluster.resume(2)
        cluster.wait_for_leaders(2)
