"""Exchanges of type x-recent-history through real clients: what a new binding is given, by whom and
in which order, and the death of the node that leads the hidden queue."""

import json
import threading
import uuid

import pika
import pytest

from warren_cluster import wait_until

LARGE = 3 << 20  # goes in parts


class History:
    """A channel that confirms, and an exchange of its own that remembers."""

    def __init__(self, connection, length=None, **flags):
        self.channel = connection.channel()
        self.channel.confirm_delivery()
        self.name = f"history-{uuid.uuid4().hex[:8]}"
        arguments = {} if length is None else {"x-recent-history-length": length}
        self.channel.exchange_declare(self.name, "x-recent-history", durable=True,
                                      arguments=arguments, **flags)

    def publish(self, bodies, **headers):
        for body in bodies:
            self.channel.basic_publish(self.name, f"key.{body}", str(body),
                                       pika.BasicProperties(headers=headers or None))


def declare(channel, **options):
    options = {"durable": True, "arguments": {}} | options
    return channel.queue_declare(f"queue-{uuid.uuid4().hex[:8]}", **options).method.queue


def take(channel, queue):
    """All that is there, the oldest first."""
    taken = []
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return taken
        taken.append((method.routing_key, body.decode()))


def bodies(channel, queue):
    return [body for _, body in take(channel, queue)]


def given(connection, history, **options):
    """What a queue of its own is given by a bind there."""
    channel = connection.channel()
    queue = declare(channel, **options)
    channel.queue_bind(queue, history.name)
    return bodies(channel, queue)


def texts(*ranges):
    return [str(number) for numbers in ranges for number in numbers]


@pytest.fixture
def make(connect):
    """make(length): a History of node 1, which leads its hidden queue."""
    def make_one(length=None, node=1, **flags):
        return History(connect(node), length, **flags)
    return make_one


def hosts(cluster):
    """Queues by group, hidden ones too."""
    return {number: group["queues"] for number, group in cluster.groups(1).items()}


# What is given.


@pytest.mark.parametrize("node", (1, 2, 3))
def test_the_last_twenty_are_given_oldest_first(make, connect, node):
    history = make()
    connection = connect(node)
    assert given(connection, history) == []
    history.publish(range(5))
    assert given(connection, history) == texts(range(5))
    history.publish(range(5, 30))
    assert given(connection, history) == texts(range(10, 30))


def test_messages_come_as_they_were_published(make, connect):
    history = make()
    properties = pika.BasicProperties(headers={"mine": "kept"}, message_id="m", priority=3,
                                      delivery_mode=2, expiration="3600000")
    history.channel.basic_publish(history.name, "some.key", b"body", properties)
    channel = connect(2).channel()
    queue = declare(channel)
    channel.queue_bind(queue, history.name)
    method, seen, body = channel.basic_get(queue, auto_ack=True)
    assert (method.exchange, method.routing_key, body) == (history.name, "some.key", b"body")
    assert not method.redelivered
    assert seen == properties


@pytest.mark.parametrize("length", (1, 3, 100))
def test_as_many_as_its_length(make, connect, length):
    history = make(length)
    history.publish(range(150))
    assert given(connect(2), history) == texts(range(150 - length, 150))


def test_a_long_history_comes_in_many_pages(make, connect):
    history = make(3000)
    threads = []
    for start in range(4):
        def publish(channel=connect(1).channel(), start=start):
            channel.confirm_delivery()
            for i in range(start, 4000, 4):
                channel.basic_publish(history.name, "", f"{i:08d}" + "x" * 500)
        threads.append(threading.Thread(target=publish))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history.publish(["end"])
    first = given(connect(2), history)
    assert len(first) == 3000 and len(set(first)) == 3000 and first[-1] == "end"
    assert given(connect(3), history) == first


def test_what_says_no_store_is_routed_and_not_kept(make, connect):
    history = make()
    listener = connect(2).channel()
    queue = declare(listener)
    listener.queue_bind(queue, history.name)
    history.publish([1])
    history.publish([2], **{"x-recent-history-no-store": True})
    history.publish([3], **{"x-recent-history-no-store": False})
    history.publish([4], **{"x-recent-history-no-store": "true"})
    assert bodies(listener, queue) == ["1", "2", "3", "4"]
    assert given(connect(3), history) == ["1", "3", "4"]


def test_large_bodies_are_given_whole(make, connect):
    history = make(3)
    blocks = [bytes([number]) * LARGE for number in range(4)]
    for block in blocks:
        history.channel.basic_publish(history.name, "", block)
    history.publish(["small"])
    channel = connect(2).channel()
    queue = declare(channel)
    channel.queue_bind(queue, history.name)
    seen = [channel.basic_get(queue, auto_ack=True)[2] for _ in range(3)]
    assert seen == [blocks[2], blocks[3], b"small"]


def test_a_second_equal_bind_gives_nothing_another_does(make, connect):
    history = make()
    history.publish(range(3))
    channel = connect(2).channel()
    queue = declare(channel)
    for _ in range(2):
        channel.queue_bind(queue, history.name, "a")
    assert bodies(channel, queue) == texts(range(3))
    channel.queue_bind(queue, history.name, "b")
    assert bodies(channel, queue) == texts(range(3))
    channel.queue_unbind(queue, history.name, "b")
    channel.queue_bind(queue, history.name, "b")
    assert bodies(channel, queue) == texts(range(3))


def test_an_exchange_that_is_bound_routes_what_it_is_given(make, connect):
    history = make()
    history.publish(["a", "b", "c"])
    channel = connect(2).channel()
    queue = declare(channel)
    topic = f"topic-{uuid.uuid4().hex[:8]}"
    channel.exchange_declare(topic, "topic", durable=True)
    channel.queue_bind(queue, topic, "*.b")
    channel.exchange_bind(topic, history.name)
    assert take(channel, queue) == [("key.b", "b")]
    nowhere = f"nowhere-{uuid.uuid4().hex[:8]}"
    channel.exchange_declare(nowhere, "fanout")
    channel.exchange_bind(nowhere, history.name)
    other = make()
    channel.exchange_bind(other.name, history.name)
    assert given(connect(3), other) == ["a", "b", "c"]


@pytest.mark.parametrize("options", (
    {"durable": False}, {"durable": False, "exclusive": True}, {"durable": False,
                                                                "auto_delete": True},
    {"arguments": {"x-queue-type": "quorum"}}, {"arguments": {"x-max-priority": 5}}),
    ids=("transient", "exclusive", "auto-delete", "quorum", "priorities"))
def test_any_kind_of_queue_is_given_it(make, connect, options):
    history = make()
    history.publish(range(7))
    for node in (1, 3):
        assert given(connect(node), history, **options) == texts(range(7))


def test_a_stream_is_given_it(make, connect):
    history = make()
    history.publish(range(7))
    channel = connect(2).channel()
    stream = declare(channel, arguments={"x-queue-type": "stream"})
    channel.queue_bind(stream, history.name)
    channel.basic_qos(prefetch_count=10)
    seen = []
    channel.basic_consume(stream, lambda *event: seen.append(event[3].decode()),
                          arguments={"x-stream-offset": "first"})
    wait_until(lambda: channel.connection.process_data_events(0.05) or len(seen) == 7,
               what="seven messages")
    assert seen == texts(range(7))


def test_publishes_of_the_same_channel_are_in_it(connect):
    history = History(connect(1))
    channel = connect(2).channel()  # no confirms: nothing waits for the publishes but the bind
    queue = declare(channel)
    for i in range(20):
        channel.basic_publish(history.name, "", str(i))
    channel.queue_bind(queue, history.name)
    assert bodies(channel, queue) == texts(range(20))


# What else an exchange has.


@pytest.mark.parametrize("length", (0, -5, "ten", True))
def test_a_length_is_a_number_above_zero(connect, length):
    printed = {"ten": '<<"ten">>', True: "true"}.get(length, length)
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        History(connect(1), length)
    assert closed.value.reply_code == 406
    assert closed.value.reply_text == (
        f"PRECONDITION_FAILED - Invalid argument {printed}, 'x-recent-history-length' must be a "
        "positive integer")


def test_a_mandatory_message_that_only_the_history_keeps_comes_back(make, connect):
    history = make()
    with pytest.raises(pika.exceptions.UnroutableError):
        history.channel.basic_publish(history.name, "", "x", mandatory=True)
    assert given(connect(2), history) == ["x"]
    history.channel.basic_publish(history.name, "", "y", mandatory=True)


def test_nobody_sees_its_queue(cluster, make, connect):
    before = {node: set(cluster.queues(node)) for node in (1, 2, 3)}
    totals = cluster.http(1, "/api/overview")["object_totals"]["queues"]
    count = sum(hosts(cluster).values())
    history = make()
    history.publish(range(3))
    wait_until(lambda: sum(hosts(cluster).values()) == count + 1, what="the group to host it")
    for node in (1, 2, 3):
        assert set(cluster.queues(node)) == before[node]
        bindings = cluster.http(node, "/api/bindings")
        assert not [row for row in bindings if row["source"] == history.name]
        assert "" not in [row["destination"] for row in bindings]
    assert cluster.http(1, "/api/overview")["object_totals"]["queues"] == totals
    rows = json.loads(cluster.ctl(2, "-q", "list_exchanges", "name", "type", "--formatter",
                                  "json"))
    assert {"name": history.name, "type": "x-recent-history"} in rows


def test_its_queue_goes_with_it(cluster, make, connect):
    count = sum(hosts(cluster).values())
    histories = [make(), make(auto_delete=True)]
    for history in histories:
        history.publish(range(3))
    wait_until(lambda: sum(hosts(cluster).values()) == count + 2, what="both to be hosted")
    channel = connect(2).channel()
    queue = declare(channel)
    channel.queue_bind(queue, histories[1].name)
    channel.queue_delete(queue)
    channel.exchange_delete(histories[0].name)
    wait_until(lambda: sum(hosts(cluster).values()) == count, what="both to be gone")
    channel.exchange_declare(histories[0].name, "x-recent-history", durable=True)
    assert given(connect(3), histories[0]) == [], "another exchange of that name"


# Faults.


def test_the_leader_dies_between_publish_and_bind(cluster, connect):
    before = hosts(cluster)
    history = History(connect(2), 50)
    history.publish(range(60))
    large = b"l" * LARGE
    history.channel.basic_publish(history.name, "", large)
    group = wait_until(lambda: [number for number, queues in hosts(cluster).items()
                                if queues > before[number]], what="its group")[0]
    victim = cluster.number_of(cluster.groups(1)[group]["leader"])
    binder = victim % 3 + 1
    channel = connect(binder).channel()
    queue = declare(channel)
    history.channel.connection.close()
    cluster.kill(victim)
    try:
        channel.queue_bind(queue, history.name)
        assert bodies(channel, queue) == texts(range(11, 60)) + [large.decode()]
    finally:
        cluster.resume(victim)
        cluster.wait_for_leaders(victim)
    assert given(connect(victim), history) == texts(range(11, 60)) + [large.decode()]


def test_nothing_is_missing_while_the_leader_dies(cluster, connect):
    """Whoever binds has all that was confirmed before, and all that comes after."""
    before = hosts(cluster)
    history = History(connect(1), 10_000)
    history.publish(["first"])
    group = wait_until(lambda: [number for number, queues in hosts(cluster).items()
                                if queues > before[number]], what="its group")[0]
    victim = cluster.number_of(cluster.groups(1)[group]["leader"])
    others = [node for node in (1, 2, 3) if node != victim]
    history.channel.connection.close()
    confirmed = []
    ended = threading.Event()

    def publish():
        with cluster.connect(others[0]) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            while not ended.is_set():
                body = f"{len(confirmed)}"
                try:
                    channel.basic_publish(history.name, "", body)
                except pika.exceptions.NackError:
                    continue
                confirmed.append(body)

    publisher = threading.Thread(target=publish)
    publisher.start()
    queues = []
    channel = connect(others[1]).channel()
    try:
        wait_until(lambda: len(confirmed) > 50, what="some publishes")
        for round_ in range(4):
            if round_ == 1:
                cluster.kill(victim)
            queue = declare(channel)
            channel.queue_bind(queue, history.name)
            queues.append(queue)
            there = len(confirmed)
            wait_until(lambda there=there: len(confirmed) > there + 20, 60, what="more publishes")
    finally:
        ended.set()
        publisher.join()
        cluster.resume(victim)
        cluster.wait_for_leaders(victim)
    for queue in queues:
        seen = bodies(channel, queue)
        assert set(seen) >= set(confirmed)
        assert "first" in seen


def test_everything_outlives_a_restart_of_the_whole_cluster(cluster):
    with cluster.connect(1) as connection:
        history = History(connection, 5)
        history.publish(range(12))
        channel = connection.channel()
        bound = declare(channel)
        channel.queue_bind(bound, history.name)
    cluster.restart()
    cluster.wait_for_leaders(1)
    for node in (1, 2, 3):
        with cluster.connect(node) as connection:
            assert given(connection, history) == texts(range(7, 12))
    with cluster.connect(2) as connection:
        channel = connection.channel()
        assert bodies(channel, bound) == texts(range(7, 12)), "bound before, and given once"
        channel.confirm_delivery()
        channel.basic_publish(history.name, "", "more")
        assert bodies(channel, bound) == ["more"]
        assert given(connection, history) == texts(range(8, 12)) + ["more"]
