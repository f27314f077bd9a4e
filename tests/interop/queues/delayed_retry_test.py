"""Delayed retry through real clients: what is rejected or lost comes back later and later."""

import time
import uuid

import pika
import pytest

from warren_cluster import wait_until

DURABLE = {"durable": True}
KINDS = [pytest.param(DURABLE, id="replicated"), pytest.param({"exclusive": True}, id="exclusive")]
every_kind = pytest.mark.parametrize("kind", KINDS)


def make_queue(channel, kind=DURABLE, **arguments):
    queue = f"retry-{uuid.uuid4().hex[:8]}"
    channel.queue_declare(queue, arguments={
        f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}, **kind)
    return queue


def take(channel, queue, timeout=10):
    """The next message, and how long it took to come."""
    began = time.monotonic()
    got = []

    def asked():
        got[:] = channel.basic_get(queue)
        return got[0] is not None

    wait_until(asked, timeout, interval=0.01, what="a message")
    return got[0], got[1], time.monotonic() - began


@every_kind
def test_what_is_rejected_waits_longer_each_time(connect, kind):
    channel = connect(1).channel()
    queue = make_queue(channel, kind, delayed_retry_type="failed", delayed_retry_min=300,
                       delayed_retry_max=500)
    channel.basic_publish("", queue, "a", pika.BasicProperties(delivery_mode=2))
    for count, least in enumerate((0, 0.3, 0.5, 0.5)):
        method, _, waited = take(channel, queue)
        assert least * 0.9 <= waited < least + 1
        assert method.redelivered == (count > 0)
        channel.basic_reject(method.delivery_tag, requeue=True)


def test_a_factor_makes_it_grow_faster(connect):
    channel = connect(1).channel()
    queue = make_queue(channel, delayed_retry_type="all", delayed_retry_min=100,
                       delayed_retry_multiplier=4)
    channel.basic_publish("", queue, "a", pika.BasicProperties(delivery_mode=2))
    for least in (0, 0.1, 0.4, 1.6):
        method, _, waited = take(channel, queue)
        assert least * 0.9 <= waited < least + 1
        channel.basic_reject(method.delivery_tag, requeue=True)


def test_others_are_served_meanwhile(connect):
    channel = connect(1).channel()
    queue = make_queue(channel, delayed_retry_type="all", delayed_retry_min=600)
    for body in "ab":
        channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2))
    method, _, _ = take(channel, queue)
    channel.basic_nack(method.delivery_tag, requeue=True)
    assert channel.basic_get(queue, auto_ack=True)[2] == b"b"
    assert channel.basic_get(queue)[0] is None
    _, _, waited = take(channel, queue)
    assert waited > 0.3


@every_kind
def test_what_fails_too_often_is_a_dead_letter_without_a_wait(connect, kind):
    channel = connect(1).channel()
    dead = make_queue(channel, kind)
    queue = make_queue(channel, kind, delayed_retry_type="failed", delayed_retry_min=400,
                       delivery_limit=1, dead_letter_exchange="", dead_letter_routing_key=dead)
    channel.basic_publish("", queue, "a", pika.BasicProperties(delivery_mode=2))
    for least in (0, 0.4):
        method, _, waited = take(channel, queue)
        assert least * 0.9 <= waited
        assert channel.basic_get(dead)[0] is None
        channel.basic_reject(method.delivery_tag, requeue=True)
    _, properties, _ = take(channel, dead)
    assert properties.headers["x-first-death-reason"] == "delivery_limit"


def test_the_wait_outlives_the_leader_and_the_consumer(cluster, connect):
    lost = cluster.connect(2).channel()  # dies with its node
    queue = make_queue(lost, delayed_retry_type="failed", delayed_retry_min=6000)
    lost.confirm_delivery()
    lost.basic_publish("", queue, "a", pika.BasicProperties(delivery_mode=2))
    method, _, _ = take(lost, queue)
    lost.basic_reject(method.delivery_tag, requeue=True)
    rejected = time.monotonic()
    assert lost.queue_declare(queue, passive=True).method.message_count == 0
    cluster.kill(2)
    try:
        other = connect(1).channel()
        method, _, _ = take(other, queue, timeout=20)
        assert 5 < time.monotonic() - rejected < 9
        assert method.redelivered
    finally:
        cluster.resume(2)
        cluster.wait_for_leaders(2)
