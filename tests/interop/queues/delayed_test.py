"""Delayed messages through real clients: by header to any queue, through an exchange of type
x-delayed-message, in a transaction, large, and across a leader's death."""

import time
import uuid

import pika
import pytest

from warren_cluster import wait_until

DURABLE = {"durable": True}
KINDS = [pytest.param(DURABLE, id="replicated"), pytest.param({"exclusive": True}, id="exclusive")]
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def channel(connect):
    channel = connect(1).channel()
    channel.confirm_delivery()
    return channel


def fresh(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def delayed(milliseconds, **properties):
    return pika.BasicProperties(delivery_mode=2, headers={"x-delay": milliseconds}, **properties)


def ready(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def arrivals(channel, queue, count, timeout=15):
    """What comes, as (body, when, x-delay)."""
    seen = []

    def on_message(_, method, properties, body):
        channel.basic_ack(method.delivery_tag)
        seen.append((body, time.monotonic(), (properties.headers or {}).get("x-delay")))

    tag = channel.basic_consume(queue, on_message)
    wait_until(lambda: channel.connection.process_data_events(0.01) or len(seen) >= count,
               timeout, what=f"{count} messages")
    channel.basic_cancel(tag)
    return seen


@every_kind
def test_what_is_delayed_comes_by_when_it_is_due(channel, kind):
    queue = fresh("delayed")
    channel.queue_declare(queue, **kind)
    began = time.monotonic()
    for body, delay in (("late", 1200), ("early", 400), ("at once", 0), ("early too", 400)):
        channel.basic_publish("", queue, body, delayed(delay))
    assert ready(channel, queue) == 1
    seen = arrivals(channel, queue, 4)
    assert [body for body, _, _ in seen] == [b"at once", b"early", b"early too", b"late"]
    assert [header for _, _, header in seen] == [0, -400, -400, -1200]
    for (_, when, header) in seen:
        assert 0 <= when - began + header / 1000 < 1, "exact to a second, and never early"


def test_an_exchange_delays_and_routes_as_its_type_says(channel):
    exchange, queue, other = fresh("later"), fresh("wanted"), fresh("other")
    channel.exchange_declare(exchange, "x-delayed-message", durable=True,
                             arguments={"x-delayed-type": "topic"})
    for name, key in ((queue, "orders.*"), (other, "bills.*")):
        channel.queue_declare(name, **DURABLE)
        channel.queue_bind(name, exchange, key)
    channel.basic_publish(exchange, "orders.new", "a", delayed(500), mandatory=True)
    channel.basic_publish(exchange, "orders.new", "b", mandatory=True)
    assert ready(channel, queue) == 1
    with pytest.raises(pika.exceptions.UnroutableError):
        channel.basic_publish(exchange, "nothing", "c", delayed(500), mandatory=True)
    assert [body for body, _, _ in arrivals(channel, queue, 2)] == [b"b", b"a"]
    assert ready(channel, other) == 0


@pytest.mark.parametrize("arguments", [None, {"x-delayed-type": "x-nonsense"},
                                       {"x-delayed-type": "x-delayed-message"},
                                       {"x-delayed-type": 5}])
def test_an_exchange_must_name_a_type_that_exists(connect, arguments):
    channel = connect(1).channel()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        channel.exchange_declare(fresh("later"), "x-delayed-message", arguments=arguments)
    assert refused.value.reply_code == 406
    assert "'x-delayed-type' must be an existing exchange type" in refused.value.reply_text


def test_what_comes_is_not_delayed_again(channel):
    first, second = fresh("first"), fresh("second")
    for name in (first, second):
        channel.queue_declare(name, **DURABLE)
    channel.basic_publish("", first, "a", delayed(300))
    wait_until(lambda: ready(channel, first) == 1, what="the message to be ready")
    _, properties, body = channel.basic_get(first, auto_ack=True)
    channel.basic_publish("", second, body, properties)
    assert ready(channel, second) == 1


def test_listings_count_what_is_delayed(cluster, channel):
    queue = fresh("counted")
    channel.queue_declare(queue, **DURABLE)
    for _ in range(5):
        channel.basic_publish("", queue, "a", delayed(600_000))
    channel.basic_publish("", queue, "b")

    def counted():
        row = cluster.http(2, f"/api/queues/%2F/{queue}")
        return row.get("messages"), row.get("messages_ready"), row.get("messages_delayed")

    wait_until(lambda: counted() == (6, 1, 5), what="the counts")
    assert channel.queue_purge(queue).method.message_count == 6
    wait_until(lambda: counted() == (0, 0, 0), what="the counts after the purge")


def test_a_queue_that_rejects_counts_what_is_delayed(channel):
    queue = fresh("tight")
    channel.queue_declare(queue, arguments={"x-max-length": 2, "x-overflow": "reject-publish"},
                          **DURABLE)
    channel.basic_publish("", queue, "a", delayed(300))
    channel.basic_publish("", queue, "b")
    with pytest.raises(pika.exceptions.NackError):
        channel.basic_publish("", queue, "c", delayed(300))
    assert [body for body, _, _ in arrivals(channel, queue, 2)] == [b"b", b"a"]


def test_a_time_to_live_begins_when_the_message_is_ready(channel):
    queue = fresh("brief")
    channel.queue_declare(queue, **DURABLE)
    channel.basic_publish("", queue, "a", delayed(600, expiration="400"))
    wait_until(lambda: ready(channel, queue) == 1, what="the message to be ready")
    wait_until(lambda: ready(channel, queue) == 0, what="the message to expire")


def test_a_transaction_delays_from_its_commit(connect):
    channel = connect(1).channel()
    queue = fresh("tx")
    channel.queue_declare(queue, **DURABLE)
    channel.tx_select()
    channel.basic_publish("", queue, "a", delayed(500))
    channel.basic_publish("", queue, "b")
    time.sleep(0.6)
    began = time.monotonic()
    channel.tx_commit()
    assert ready(channel, queue) == 1
    wait_until(lambda: ready(channel, queue) == 2, what="the delayed message")
    assert time.monotonic() - began >= 0.4


def test_a_large_message_is_delayed_whole(channel):
    queue = fresh("large")
    channel.queue_declare(queue, **DURABLE)
    body = bytes(range(256)) * 16384  # 4 MiB
    channel.basic_publish("", queue, body, delayed(700))
    assert ready(channel, queue) == 0
    [(came, _, header)] = arrivals(channel, queue, 1)
    assert came == body and header == -700


def test_delays_outlive_their_leader(cluster, connect):
    queue = fresh("outlives")
    channel = cluster.connect(2).channel()  # dies with its node
    channel.tx_select()  # all are committed at one time, however slow the machine is
    channel.queue_declare(queue, **DURABLE)
    began = time.monotonic()
    for number in range(50):
        channel.basic_publish("", queue, str(number), delayed(8000 - number * 20))
    channel.tx_commit()
    cluster.kill(2)  # where it was declared, its leader is
    try:
        other = connect(1).channel()
        assert ready(other, queue) == 0
        seen = arrivals(other, queue, 50, timeout=30)
    finally:
        cluster.resume(2)
        cluster.wait_for_leaders(2)
    assert [int(body) for body, _, _ in seen] == list(reversed(range(50)))
    for (_, when, header) in seen:
        assert 0 <= when - began + header / 1000 < 1.5
