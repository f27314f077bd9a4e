"""Deduplication through real clients: a key is taken once, for as long as the queue knows it."""

import time
import uuid

import pika
import pytest

from warren_cluster import wait_until

DURABLE = {"durable": True}
KINDS = [pytest.param(DURABLE, id="replicated"), pytest.param({"exclusive": True}, id="exclusive")]
every_kind = pytest.mark.parametrize("kind", KINDS)


def make_queue(channel, kind=DURABLE, **arguments):
    queue = f"once-{uuid.uuid4().hex[:8]}"
    arguments = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    channel.queue_declare(queue, arguments={"x-message-deduplication": True, **arguments}, **kind)
    return queue


def publish(channel, queue, key, body="x", header="x-deduplication-header"):
    channel.basic_publish("", queue, body,
                          pika.BasicProperties(delivery_mode=2, headers={header: key}))


def ready(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


@pytest.fixture
def channel(connect):
    channel = connect(1).channel()
    channel.confirm_delivery()
    return channel


@every_kind
def test_a_key_is_taken_once_and_confirmed_each_time(channel, kind):
    queue = make_queue(channel, kind)
    for key in ("a", "b", "a", "a", "c", "b"):
        publish(channel, queue, key)
    assert ready(channel, queue) == 3
    publish(channel, queue, "d", header="x-message-deduplication")
    publish(channel, queue, "d")
    channel.basic_publish("", queue, "without a key")
    channel.basic_publish("", queue, "without a key")
    assert ready(channel, queue) == 6


def test_a_key_is_known_after_its_message_is_consumed_and_for_its_time(channel):
    queue = make_queue(channel, cache_ttl=1500)
    publish(channel, queue, "a")
    channel.basic_get(queue, auto_ack=True)
    publish(channel, queue, "a")
    assert ready(channel, queue) == 0
    time.sleep(1.6)
    publish(channel, queue, "a")
    assert ready(channel, queue) == 1


def test_the_newest_keys_are_known(channel):
    queue = make_queue(channel, cache_size=2)
    for key in "abc":
        publish(channel, queue, key)
    publish(channel, queue, "c")
    assert ready(channel, queue) == 3
    publish(channel, queue, "a")
    assert ready(channel, queue) == 4


def test_other_queues_take_what_one_knows(channel):
    once, often = make_queue(channel), f"often-{uuid.uuid4().hex[:8]}"
    channel.queue_declare(often, **DURABLE)
    for queue in (once, often):
        channel.queue_bind(queue, "amq.fanout")
    for _ in range(3):
        channel.basic_publish("amq.fanout", "", "x",
                              pika.BasicProperties(headers={"x-deduplication-header": "a"}))
    assert (ready(channel, once), ready(channel, often)) == (1, 3)


def test_a_dead_letter_comes_back_to_a_queue_that_has_had_it(channel):
    waiting = f"waiting-{uuid.uuid4().hex[:8]}"
    queue = make_queue(channel, dead_letter_exchange="", dead_letter_routing_key=waiting)
    channel.queue_declare(waiting, durable=True, arguments={
        "x-message-ttl": 200, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue})
    publish(channel, queue, "a")
    method, _, _ = channel.basic_get(queue)
    channel.basic_nack(method.delivery_tag, requeue=False)
    wait_until(lambda: ready(channel, queue) == 1, 10, what="the dead letter")
    publish(channel, queue, "a")
    assert ready(channel, queue) == 1


def test_what_is_refused_may_come_again_and_what_was_taken_is_confirmed(channel):
    queue = make_queue(channel, max_length=1, overflow="reject-publish")
    publish(channel, queue, "a")
    publish(channel, queue, "a")
    with pytest.raises(pika.exceptions.NackError):
        publish(channel, queue, "b")
    assert channel.basic_get(queue, auto_ack=True)[0] is not None
    publish(channel, queue, "b")
    assert ready(channel, queue) == 1


def test_keys_outlive_their_leader(cluster, connect):
    lost = cluster.connect(2).channel()  # dies with its node
    lost.confirm_delivery()
    queue = make_queue(lost)
    for key in range(20):
        publish(lost, queue, key, str(key))
    cluster.kill(2)
    try:
        other = connect(1).channel()
        other.confirm_delivery()
        for key in range(30):
            publish(other, queue, key, str(key))
        assert ready(other, queue) == 30
    finally:
        cluster.resume(2)
        cluster.wait_for_leaders(2)
