"""Streams through real clients: where readers begin, what stays and for how long, how readings are
tracked, filters, consumers that take turns, and the death of the node that leads them."""

import json
import threading
import time
import uuid
from datetime import UTC, datetime

import pika
import pytest

from warren_cluster import wait_until


class Reader:
    """One consumer of a stream. It acknowledges what it reads unless told otherwise."""

    def __init__(self, connection, stream, offset=None, tag=None, prefetch=100, acks=True,
                 **arguments):
        self.seen = []  # of (offset, body)
        self.methods = []
        self.acks = acks
        self.channel = connection.channel()
        self.channel.basic_qos(prefetch_count=prefetch)
        given = {f"x-stream-{name.replace('_', '-')}": value for name, value in arguments.items()}
        if offset is not None:
            given["x-stream-offset"] = offset
        self.tag = self.channel.basic_consume(stream, self.on_message, consumer_tag=tag,
                                              arguments=given)

    def on_message(self, channel, method, properties, body):
        self.seen.append((properties.headers["x-stream-offset"], body.decode()))
        self.methods.append(method)
        if self.acks:
            channel.basic_ack(method.delivery_tag)

    def work(self, seconds=0.05):
        self.channel.connection.process_data_events(seconds)
        return self.seen

    def read(self, count, timeout=30):
        wait_until(lambda: len(self.work()) >= count, timeout, interval=0,
                   what=f"{count} messages, {len(self.seen)} came")
        return self.seen

    def stays_at(self, count, seconds=0.5):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.work()
        assert len(self.seen) == count
        return self.seen

    def bodies(self):
        return [body for _, body in self.seen]

    def offsets(self):
        return [offset for offset, _ in self.seen]

    def ack_through(self, place):
        self.channel.basic_ack(self.methods[place].delivery_tag, multiple=True)


@pytest.fixture
def declare(connect):
    """declare(**arguments): a confirming channel on node 1, and a stream that is led there."""
    def make(node=1, **arguments):
        channel = connect(node).channel()
        channel.confirm_delivery()
        stream = f"stream-{uuid.uuid4().hex[:8]}"
        given = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
        channel.queue_declare(stream, durable=True, arguments={"x-queue-type": "stream"} | given)
        return channel, stream
    return make


def publish(channel, stream, bodies, filter_value=None):
    headers = {} if filter_value is None else {"x-stream-filter-value": filter_value}
    for body in bodies:
        channel.basic_publish("", stream, str(body), pika.BasicProperties(headers=headers))


def moment(seconds):
    """Goes out as a timestamp."""
    return datetime.fromtimestamp(int(seconds), UTC)


def numbered(count, start=0):
    return [(i, str(i)) for i in range(start, start + count)]


def leader_of(cluster, node, stream):
    rows = json.loads(cluster.ctl(node, "-q", "list_queues", "name", "leader", "--formatter",
                                  "json"))
    name = next(row["leader"] for row in rows if row["name"] == stream)
    return cluster.number_of(name) if name else None


def kept(channel, stream):
    return channel.queue_declare(stream, passive=True).method.message_count


# Where readers begin.


@pytest.mark.parametrize("node", (1, 2, 3))
def test_every_offset_is_a_place_to_begin(declare, connect, node):
    channel, stream = declare()
    publish(channel, stream, range(10))
    connection = connect(node)
    later = [Reader(connection, stream, offset) for offset in ("next", 12)]
    for offset, begins in (("first", 0), ("last", 9), (0, 0), (4, 4), (9, 9), ("1h", 0),
                           (moment(1_500_000_000), 0)):
        reader = Reader(connection, stream, offset)
        assert reader.read(10 - begins) == numbered(10 - begins, begins), offset
        reader.channel.close()
    assert not later[0].work(0.3) and not later[1].work()
    publish(channel, stream, range(10, 14))
    assert later[0].read(4) == numbered(4, 10)
    assert later[1].read(2) == numbered(2, 12)


def test_a_reader_begins_at_a_moment(declare, connect):
    channel, stream = declare()
    publish(channel, stream, ["before"])
    time.sleep(2.1)
    between = moment(time.time())
    time.sleep(1.1)
    publish(channel, stream, ["after"])
    by_moment = Reader(connect(2), stream, between)
    assert by_moment.read(1)[-1] == (1, "after")
    # What came about then may come as well, what came after must.
    by_interval = Reader(connect(3), stream, "1m")
    assert by_interval.read(2) == [(0, "before"), (1, "after")]


def test_two_readers_read_the_same(declare, connect):
    channel, stream = declare()
    publish(channel, stream, range(200))
    for reader in [Reader(connect(node), stream, "first", prefetch=7) for node in (2, 3)]:
        assert reader.read(200) == numbered(200)
        assert not any(method.redelivered for method in reader.methods)


def test_the_offset_joins_the_publishers_headers(declare, connect):
    channel, stream = declare()
    properties = pika.BasicProperties(headers={"mine": "kept"}, message_id="m", priority=3)
    channel.basic_publish("", stream, "body", properties)
    seen = []
    reader = connect(2).channel()
    reader.basic_qos(prefetch_count=1)
    reader.basic_consume(stream, lambda _, __, p, ___: seen.append(p),
                         arguments={"x-stream-offset": "first"})
    wait_until(lambda: reader.connection.process_data_events(0.05) or seen, what="the message")
    assert seen[0].headers == {"mine": "kept", "x-stream-offset": 0}
    assert (seen[0].message_id, seen[0].priority) == ("m", 3)


# What stays, and for how long.


def test_what_was_acknowledged_stays(declare, connect):
    channel, stream = declare()
    publish(channel, stream, range(20))
    for _ in range(2):
        reader = Reader(connect(2), stream, "first")
        assert reader.read(20) == numbered(20)
        reader.channel.connection.close()
    assert kept(channel, stream) == 20


def test_octets_are_kept_to_the_letter(declare, connect):
    channel, stream = declare(max_length_bytes=1000)
    for i in range(40):
        publish(channel, stream, [f"{i:090d}"])
        assert kept(channel, stream) == min(i + 1, 11)
    reader = Reader(connect(3), stream, "first")
    assert reader.read(11) == [(i, f"{i:090d}") for i in range(29, 40)]
    publish(channel, stream, ["x" * 2000])
    assert kept(channel, stream) == 1, "the newest is kept whatever its size"
    assert Reader(connect(2), stream, 0).read(1) == [(40, "x" * 2000)]


def test_what_is_too_old_goes_with_the_next_publish(declare, connect):
    channel, stream = declare(max_age="1s")
    publish(channel, stream, ["a", "b"])
    assert Reader(connect(2), stream, "first").read(2) == [(0, "a"), (1, "b")]
    time.sleep(2.5)  # ages are told to a second
    publish(channel, stream, ["c"])
    reader = Reader(connect(3), stream, "first")
    reader.read(1)
    assert reader.stays_at(1) == [(2, "c")]


def test_the_newest_stays_however_old(declare, connect):
    channel, stream = declare(max_age="1s")
    publish(channel, stream, ["a"])
    time.sleep(2)
    assert Reader(connect(2), stream, "first").read(1) == [(0, "a")]


# Readings that are tracked.


def test_a_reading_goes_on_under_its_tag(declare, connect):
    channel, stream = declare()
    first = Reader(connect(1), stream, tag="me", acks=False)
    publish(channel, stream, range(10))
    first.read(10)
    first.ack_through(4)
    first.work()
    first.channel.connection.close()
    second = Reader(connect(2), stream, tag="me")
    assert second.read(5) == numbered(5, 5)
    second.channel.connection.close()
    publish(channel, stream, range(10, 12))
    assert Reader(connect(3), stream, tag="me").read(2) == numbered(2, 10)
    assert not Reader(connect(3), stream, tag="other").work(0.3), "its own reading begins next"


def test_tracking_can_be_asked_for_with_an_offset(declare, connect):
    channel, stream = declare()
    publish(channel, stream, range(6))
    wanted = {"tag": "me", "automatic_offset_tracking": True}
    first = Reader(connect(2), stream, "first", acks=False, **wanted)
    first.read(6)
    first.ack_through(2)
    first.channel.connection.close()
    assert Reader(connect(3), stream, "first", **wanted).read(3) == numbered(3, 3)
    assert Reader(connect(3), stream, "first", tag="me").read(6) == numbered(6), \
        "who names an offset and asks for no tracking gets it"


def test_tracking_can_be_declined(declare, connect):
    channel, stream = declare()
    for _ in range(2):
        reader = Reader(connect(2), stream, tag="me", automatic_offset_tracking=False)
        publish(channel, stream, ["x"])
        reader.read(1)
        reader.channel.connection.close()
        publish(channel, stream, ["missed"])
    assert not Reader(connect(2), stream, tag="me", automatic_offset_tracking=False).work(0.3)


def test_tracking_outlives_the_leader(cluster, declare, connect):
    channel, stream = declare()
    first = Reader(connect(1), stream, tag="me", acks=False)
    publish(channel, stream, range(10))
    first.read(10)
    first.ack_through(6)
    first.work()
    first.channel.connection.close()
    channel.connection.close()
    victim = leader_of(cluster, 1, stream)
    cluster.kill(victim)
    try:
        node = victim % 3 + 1
        second = Reader(connect(node), stream, tag="me")
        assert second.read(3) == numbered(3, 7)
    finally:
        cluster.resume(victim)
        cluster.wait_for_leaders(victim)


# Filters.


def test_a_reader_sees_what_it_filters_for(declare, connect):
    channel, stream = declare()
    for i in range(12):
        publish(channel, stream, [i], filter_value=("red", "green", None)[i % 3])
    connection = connect(2)

    def read(count, **arguments):
        reader = Reader(connection, stream, "first", **arguments)
        reader.read(count)
        reader.stays_at(count, 0.2)
        reader.channel.close()
        return reader.offsets()

    assert read(4, filter="red") == [0, 3, 6, 9]
    assert read(8, filter=["red", "green"]) == [0, 1, 3, 4, 6, 7, 9, 10]
    assert read(8, filter="red", match_unfiltered=True) == [0, 2, 3, 5, 6, 8, 9, 11]
    assert read(4, filter="blue", match_unfiltered=True) == [2, 5, 8, 11]
    assert read(12) == list(range(12))


def test_a_filter_goes_on_with_what_comes(declare, connect):
    channel, stream = declare()
    reader = Reader(connect(3), stream, "first", prefetch=1, filter="red")
    for i in range(100):
        publish(channel, stream, [i], filter_value="red" if i % 25 == 24 else "green")
    assert reader.read(4) == [(24, "24"), (49, "49"), (74, "74"), (99, "99")]


# Consumers that take turns.


def test_the_next_consumer_goes_on_where_the_first_had_acknowledged(declare, connect):
    channel, stream = declare(single_active_consumer=True)
    publish(channel, stream, range(10))
    first = Reader(connect(1), stream, "first", tag="a", acks=False)
    second = Reader(connect(2), stream, "first", tag="b")
    first.read(10)
    assert not second.work(0.3)
    first.ack_through(3)
    first.work()
    first.channel.connection.close()
    assert second.read(6) == numbered(6, 4)
    publish(channel, stream, range(10, 12))
    assert second.read(8) == numbered(8, 4)


# Credit.


def test_a_reader_is_handed_its_prefetch(declare, connect):
    channel, stream = declare()
    publish(channel, stream, range(30))
    reader = Reader(connect(2), stream, "first", prefetch=10, acks=False)
    reader.read(10)
    reader.stays_at(10)
    reader.ack_through(3)
    reader.read(14)
    assert reader.stays_at(14) == numbered(14)


def test_a_nack_and_a_reject_make_room_like_an_ack(declare, connect):
    channel, stream = declare()
    publish(channel, stream, range(4))
    reader = Reader(connect(2), stream, "first", prefetch=1, acks=False)
    reader.read(1)
    reader.channel.basic_nack(reader.methods[0].delivery_tag, requeue=True)
    reader.read(2)
    reader.channel.basic_reject(reader.methods[1].delivery_tag, requeue=False)
    reader.read(3)
    reader.channel.basic_nack(reader.methods[2].delivery_tag, requeue=False)
    assert reader.read(4) == numbered(4)
    assert not any(method.redelivered for method in reader.methods)


class Publisher(threading.Thread):
    """Publishes its numbers, each confirmed, from `start` on, until it is told to stop."""

    def __init__(self, cluster, node, stream, start=0, pause=0):
        super().__init__()
        self.pause = pause  # seconds
        self.channel = cluster.connect(node).channel()
        self.channel.confirm_delivery()
        self.stream, self.next = stream, start
        self.stopping = False

    def run(self):
        while not self.stopping:
            publish(self.channel, self.stream, [self.next])
            self.next += 1
            time.sleep(self.pause)
        self.channel.connection.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.join()


def test_an_old_backlog_is_read_while_others_publish(cluster, declare, connect):
    channel, stream = declare()
    for i in range(3000):
        publish(channel, stream, [i])
    with Publisher(cluster, 2, stream, 3000) as publisher:
        old = Reader(connect(3), stream, "first", prefetch=50)
        new = Reader(connect(1), stream, "next", prefetch=50)
        old.read(3100, timeout=60)
        new.read(20)
    for reader in (old, new):
        wait_until(lambda reader=reader: reader.work()[-1][0] == publisher.next - 1,
                   what="the last message")
    assert old.seen == numbered(publisher.next)
    begins = new.seen[0][0]
    assert begins >= 3000 and new.seen == numbered(publisher.next - begins, begins)


# Faults.


def test_readers_miss_nothing_when_the_leader_dies(cluster, declare, connect):
    channel, stream = declare(node=2)
    channel.connection.close()
    victim = leader_of(cluster, 1, stream)
    others = [node for node in (1, 2, 3) if node != victim]
    readers = [Reader(connect(node), stream, "first", prefetch=prefetch)
               for node, prefetch in zip((*others, *others), (10, 20, 100, 1000), strict=True)]
    with Publisher(cluster, others[0], stream, pause=0.01) as publisher:
        for reader in readers:
            reader.read(100)
        cluster.kill(victim)
        try:
            there = publisher.next
            wait_until(lambda: all([reader.work(0.01) and reader.seen[-1][0] > there + 100
                                    for reader in readers]), what="readers to go on")
        finally:
            cluster.resume(victim)
            cluster.wait_for_leaders(victim)
    for reader in readers:
        wait_until(lambda reader=reader: reader.work()[-1][0] >= publisher.next - 1,
                   what="the last message")
        assert reader.seen == numbered(publisher.next)


def test_listings_tell_what_it_is(cluster, declare):
    channel, stream = declare()
    publish(channel, stream, range(3))
    rows = json.loads(cluster.ctl(3, "-q", "list_queues", "name", "type", "messages",
                                  "--formatter", "json"))
    assert {"name": stream, "type": "stream", "messages": 3} in rows


def test_everything_outlives_a_restart_of_the_whole_cluster(cluster):
    stream = f"stream-{uuid.uuid4().hex[:8]}"
    with cluster.connect(1) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(stream, durable=True,
                              arguments={"x-queue-type": "stream", "x-max-length-bytes": 100})
        reader = Reader(connection, stream, tag="me", acks=False)
        publish(channel, stream, [f"{i:010d}" for i in range(20)])
        reader.read(20)
        reader.ack_through(14)
        reader.work()
    cluster.restart()
    cluster.wait_for_leaders(1)
    for node in (1, 2, 3):
        with cluster.connect(node) as connection:
            assert Reader(connection, stream, "first").read(10) == [
                (i, f"{i:010d}") for i in range(10, 20)]
    with cluster.connect(2) as connection:
        assert Reader(connection, stream, tag="me").read(5)[0][0] == 15
        channel = connection.channel()
        channel.confirm_delivery()
        publish(channel, stream, ["more"])
        assert Reader(connection, stream, "last").read(1) == [(20, "more")]
