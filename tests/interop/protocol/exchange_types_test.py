"""x-consistent-hash, x-modulus-hash and x-random, from every node."""

import collections
import uuid

import pika
import pytest

from warren_cluster import wait_until

NODES = (1, 2, 3)
KEYS = [f"key.{n}" for n in range(600)]


def fresh(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def declare(channel, exchange, queues, arguments=None):
    """An exchange bound to each queue by its key: {queue: key}."""
    channel.exchange_declare(exchange, exchange.rsplit("-", 1)[0], arguments=arguments)
    for queue, key in queues.items():
        channel.queue_declare(queue, durable=True)
        channel.queue_bind(queue, exchange, routing_key=key)


def publish(channel, exchange, messages):
    """(routing key, properties) of each; the body is its number, and each must be routed."""
    channel.confirm_delivery()
    for number, (key, properties) in enumerate(messages):
        channel.basic_publish(exchange, key, str(number), properties, mandatory=True)


def where(channel, queues):
    """Which queue each message is in, by its number."""
    found = {}
    for queue in queues:
        while True:
            method, _, body = channel.basic_get(queue, auto_ack=True)
            if method is None:
                break
            assert int(body) not in found, "a message is in two queues"
            found[int(body)] = queue
    return found


def keyed(keys=KEYS):
    return [(key, None) for key in keys]


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-modulus-hash"])
def test_a_key_goes_to_one_queue_from_whichever_node(connect, kind):
    exchange = fresh(kind)
    queues = {fresh("hashed"): "1" for _ in range(5)}
    channel = connect(1).channel()
    declare(channel, exchange, queues)
    found = []
    for node in NODES:
        publish(connect(node).channel(), exchange, keyed())
        found.append(where(channel, queues))
        assert len(found[-1]) == len(KEYS)
    assert found[0] == found[1] == found[2]
    shares = collections.Counter(found[0].values())
    assert set(shares) == set(queues)
    assert max(shares.values()) < 2 * len(KEYS) / len(queues)


def test_weights_share_and_a_newcomer_takes_its_own_keys_only(connect):
    exchange = fresh("x-consistent-hash")
    queues = {fresh("hashed"): weight for weight in ("1", "1", "1", "3")}
    heavy = list(queues)[-1]
    channel = connect(1).channel()
    declare(channel, exchange, queues)
    publish(connect(2).channel(), exchange, keyed())
    before = where(channel, queues)
    shares = collections.Counter(before.values())
    assert 0.35 * len(KEYS) < shares[heavy] < 0.65 * len(KEYS)

    newcomer = {fresh("hashed"): "1"}
    declare(channel, exchange, newcomer)
    publish(connect(3).channel(), exchange, keyed())
    after = where(channel, {**queues, **newcomer})
    moved = [number for number in before if before[number] != after[number]]
    assert moved and all(after[number] in newcomer for number in moved)
    assert len(moved) < 2 * len(KEYS) / 7

    channel.queue_unbind(list(newcomer)[0], exchange, "1")
    publish(connect(1).channel(), exchange, keyed())
    assert where(channel, queues) == before


def test_hash_of_a_header_or_a_property(connect):
    for arguments, properties in (
            ({"hash-header": "who"}, lambda n: pika.BasicProperties(headers={"who": f"u{n}"})),
            ({"hash-property": "message_id"}, lambda n: pika.BasicProperties(message_id=f"m{n}")),
            ({"hash-property": "timestamp"}, lambda n: pika.BasicProperties(timestamp=n))):
        exchange = fresh("x-consistent-hash")
        queues = {fresh("hashed"): "2" for _ in range(4)}
        channel = connect(1).channel()
        declare(channel, exchange, queues, arguments)
        publish(connect(2).channel(), exchange, [("a", properties(n)) for n in range(200)])
        first = where(channel, queues)
        publish(connect(3).channel(), exchange, [(f"b{n}", properties(n)) for n in range(200)])
        assert where(channel, queues) == first, "the routing key does not count"
        assert len(set(first.values())) == 4


def test_a_random_exchange_uses_all_its_queues(connect):
    exchange = fresh("x-random")
    queues = {fresh("random"): "whatever" for _ in range(3)}
    channel = connect(1).channel()
    declare(channel, exchange, queues)
    publish(connect(2).channel(), exchange, keyed(["same"] * 300))
    shares = collections.Counter(where(channel, queues).values())
    assert set(shares) == set(queues)
    assert min(shares.values()) > 50


@pytest.mark.parametrize("weight", ["0", "-1", "heavy", "1.5", "1000000"])
def test_a_weight_is_a_positive_integer(connect, weight):
    channel = connect(1).channel()
    exchange, queue = fresh("x-consistent-hash"), fresh("hashed")
    declare(channel, exchange, {queue: "1"})
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.queue_bind(queue, exchange, routing_key=weight)
    assert closed.value.reply_code == 406


def test_arguments_that_contradict_are_refused(connect):
    channel = connect(1).channel()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.exchange_declare(fresh("both"), "x-consistent-hash", arguments={
            "hash-header": "a", "hash-property": "message_id"})
    assert closed.value.reply_code == 406
    assert "mutually exclusive" in closed.value.reply_text


def test_hashed_exchanges_survive_a_restart_of_their_node(cluster, connect):
    exchange = fresh("x-consistent-hash")
    queues = {fresh("hashed"): "1" for _ in range(4)}
    channel = connect(1).channel()
    declare(channel, exchange, queues)
    publish(channel, exchange, keyed())
    before = where(channel, queues)
    cluster.kill(3)
    cluster.resume(3)
    wait_until(lambda: cluster.lives(3), what="node 3")
    publish(cluster.connect(3).channel(), exchange, keyed())
    assert where(channel, queues) == before
