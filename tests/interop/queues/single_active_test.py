"""Single active consumers through real clients, on different nodes."""

import json
import uuid

import pika
import pytest

from warren_cluster import wait_until


@pytest.fixture
def queue(connect):
    channel = connect(1).channel()
    name = f"single-{uuid.uuid4().hex[:8]}"
    channel.queue_declare(name, durable=True, arguments={"x-single-active-consumer": True})
    return name


class Worker:
    def __init__(self, connection, queue, **arguments):
        self.received = []
        self.channel = connection.channel()
        self.tag = self.channel.basic_consume(
            queue, lambda _, method, __, body: self.received.append((method, body)),
            arguments={f"x-{name}": value for name, value in arguments.items()})

    def work(self, seconds=0.05):
        self.channel.connection.process_data_events(seconds)
        return self.received


def publish(channel, queue, count):
    for i in range(count):
        channel.basic_publish("", queue, str(i))


def test_only_the_first_is_served_and_the_next_takes_over(cluster, connect, queue):
    sender = connect(1).channel()
    sender.confirm_delivery()
    connections = [cluster.connect(node) for node in (1, 2, 3)]
    first, second, third = (Worker(connection, queue) for connection in connections)
    publish(sender, queue, 10)
    wait_until(lambda: len(first.work()) == 10, what="the first worker to have everything")
    assert not second.work(0.3) and not third.work(0.1)
    # It dies with five of them unacknowledged.
    first.channel.basic_ack(first.received[4][0].delivery_tag, multiple=True)
    first.work()
    connections[0].close()
    wait_until(lambda: len(second.work()) == 5, what="the second one to take over")
    assert [body for _, body in second.received] == [b"5", b"6", b"7", b"8", b"9"]
    assert all(method.redelivered for method, _ in second.received)
    assert not third.work(0.3)
    for connection in connections[1:]:
        connection.close()


def test_a_higher_priority_takes_over(connect, queue):
    sender = connect(1).channel()
    sender.confirm_delivery()
    low = Worker(connect(2), queue)
    publish(sender, queue, 1)
    wait_until(lambda: len(low.work()) == 1, what="the only worker to have it")
    high = Worker(connect(3), queue, priority=10)
    publish(sender, queue, 2)
    assert not high.work(0.3) and len(low.work(0.1)) == 1
    low.channel.basic_ack(low.received[0][0].delivery_tag)
    low.work()
    wait_until(lambda: len(high.work()) == 2, what="the more important worker to take over")
    assert len(low.work(0.1)) == 1


def listed(cluster, queue):
    """Asked of a node that hosts none of the consumers, or leads nothing of it."""
    columns = ("queue_name", "consumer_tag", "active", "activity_status")
    rows = json.loads(cluster.ctl(3, "-q", "list_consumers", *columns, "--formatter", "json"))
    return {row["consumer_tag"]: (row["active"], row["activity_status"])
            for row in rows if row["queue_name"] == queue}


def test_listings_tell_who_is_active(cluster, connect, queue):
    first, second = Worker(connect(1), queue), Worker(connect(2), queue)
    assert listed(cluster, queue) == {first.tag: (True, "single_active"),
                                      second.tag: (False, "waiting")}
    first.channel.basic_cancel(first.tag)
    assert listed(cluster, queue) == {second.tag: (True, "single_active")}

    several = f"several-{uuid.uuid4().hex[:8]}"
    first.channel.queue_declare(several, durable=True)
    workers = [Worker(connect(node), several) for node in (1, 2)]
    assert listed(cluster, several) == {worker.tag: (True, "up") for worker in workers}


def test_basic_get_is_refused(connect, queue):
    channel = connect(2).channel()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.basic_get(queue)
    assert closed.value.reply_code == 405
    assert f"queue '{queue}' in vhost '/'" in closed.value.reply_text


def test_an_exclusive_consumer_is_refused(connect, queue):
    channel = connect(2).channel()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.basic_consume(queue, lambda *_: None, exclusive=True)
    assert closed.value.reply_code == 403
