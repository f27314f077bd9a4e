"""Every program of the tutorial that RabbitMQ's users learned from, for today's pika, with the
publisher and the consumer on every pair of nodes."""

import itertools
import multiprocessing
import time
import uuid

import pika
import pytest

from warren_cluster import wait_until

PAIRS = list(itertools.product((1, 2, 3), (1, 2, 3)))
every_pair = pytest.mark.parametrize("publisher,consumer", PAIRS)


def fresh(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def drain(channel, queue, count, auto_ack=True, timeout=20):
    """The first `count` messages of the queue as (method, properties, body)."""
    received = []
    for method, properties, body in channel.consume(
        queue, auto_ack=auto_ack, inactivity_timeout=timeout
    ):
        if method is None:
            break
        received.append((method, properties, body))
        if len(received) == count:
            break
    channel.cancel()
    assert len(received) == count, f"{len(received)} of {count} messages came"
    return received


def bodies(received):
    return [body for _, _, body in received]


@every_pair
def test_hello(connect, publisher, consumer):
    queue = fresh("hello")
    sender = connect(publisher).channel()
    sender.queue_declare(queue=queue)
    sender.basic_publish(exchange="", routing_key=queue, body="How are you")

    receiver = connect(consumer).channel()
    receiver.queue_declare(queue)
    assert bodies(drain(receiver, queue, 1)) == [b"How are you"]
    receiver.queue_delete(queue)


@every_pair
def test_worker_killed_before_its_ack_leaves_the_message_to_another(
        cluster, connect, publisher, consumer):
    queue = fresh("task")
    sender = connect(publisher).channel()
    sender.queue_declare(queue, durable=True)
    sender.basic_publish("", queue, "work", pika.BasicProperties(delivery_mode=2))

    got, told = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.Process(target=hold_one, args=(cluster.port(consumer), queue, told))
    worker.start()
    assert got.poll(20), "the first worker got nothing"
    assert got.recv() == (b"work", False)
    worker.kill()

    second = connect(publisher).channel()
    [(method, _, body)] = drain_unacked(second, queue)
    assert (body, method.redelivered) == (b"work", True)
    second.basic_ack(method.delivery_tag)
    second.queue_delete(queue)


def hold_one(port, queue, told):
    """A worker that takes a message and never acknowledges it."""
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
    [(method, _, body)] = drain_unacked(connection.channel(), queue)
    told.send((body, method.redelivered))
    connection.sleep(60)


def drain_unacked(channel, queue, timeout=20):
    """One message by basic.consume, held and not acknowledged; the consumer stays."""
    received = []
    channel.basic_consume(queue, lambda _, method, properties, body: received.append(
        (method, properties, body)))
    deadline = time.monotonic() + timeout
    while not received and time.monotonic() < deadline:
        channel.connection.process_data_events(time_limit=0.1)
    return received[:1]


@every_pair
def test_fair_dispatch_gives_the_fast_worker_the_rest(connect, publisher, consumer):
    queue = fresh("fair")
    sender = connect(publisher).channel()
    sender.queue_declare(queue, durable=True)
    got = {"slow": [], "fast": []}

    slow, fast = connect(consumer).channel(), connect(publisher).channel()
    slow.basic_qos(prefetch_count=1)
    fast.basic_qos(prefetch_count=1)
    slow.basic_consume(queue, lambda ch, m, p, body: got["slow"].append(body))

    def quick(channel, method, _, body):
        got["fast"].append(body)
        channel.basic_ack(method.delivery_tag)

    fast.basic_consume(queue, quick)
    for i in range(10):
        sender.basic_publish("", queue, str(i))

    def all_taken():
        slow.connection.process_data_events(time_limit=0)
        fast.connection.process_data_events(time_limit=0)
        return len(got["slow"]) + len(got["fast"]) == 10

    wait_until(all_taken, what="ten messages at two workers")
    assert len(got["slow"]) == 1 and len(got["fast"]) == 9
    slow.connection.close()
    sender.queue_delete(queue)


@every_pair
def test_round_robin_among_equals(connect, publisher, consumer):
    queue = fresh("robin")
    sender = connect(publisher).channel()
    sender.queue_declare(queue)
    got = ([], [])
    workers = [connect(consumer).channel(), connect(publisher).channel()]
    for worker, mine in zip(workers, got):
        worker.basic_consume(
            queue, lambda ch, m, p, body, mine=mine: mine.append(body), auto_ack=True
        )
    for i in range(10):
        sender.basic_publish("", queue, str(i))

    def all_taken():
        for worker in workers:
            worker.connection.process_data_events(time_limit=0)
        return sum(map(len, got)) == 10

    wait_until(all_taken, what="ten messages at two workers")
    assert sorted(map(len, got)) == [5, 5]
    assert sorted(got[0] + got[1]) == sorted(str(i).encode() for i in range(10))
    assert got[0] == sorted(got[0]) and got[1] == sorted(got[1])


@every_pair
def test_fanout_reaches_every_exclusive_server_named_queue(connect, publisher, consumer):
    exchange = fresh("logs")
    receiver = connect(consumer).channel()
    receiver.exchange_declare(exchange=exchange, exchange_type="fanout")
    queues = [receiver.queue_declare("", exclusive=True).method.queue for _ in range(3)]
    for queue in queues:
        assert queue.startswith("amq.gen-")
        receiver.queue_bind(queue, exchange)

    # On another node, right after bind-ok.
    sender = connect(publisher).channel()
    sender.basic_publish(exchange, "", "info: hello world!")
    for queue in queues:
        assert bodies(drain(receiver, queue, 1)) == [b"info: hello world!"]
    receiver.exchange_delete(exchange)


@every_pair
def test_direct_with_several_bindings_and_a_key_bound_twice(connect, publisher, consumer):
    exchange = fresh("direct_logs")
    receiver = connect(consumer).channel()
    receiver.exchange_declare(exchange, "direct")
    everything = receiver.queue_declare("", exclusive=True).method.queue
    for severity in ("info", "warning", "error"):
        receiver.queue_bind(everything, exchange, severity)
    errors = receiver.queue_declare("", exclusive=True).method.queue
    receiver.queue_bind(errors, exchange, "error")

    sender = connect(publisher).channel()
    for severity in ("info", "warning", "error", "debug"):
        sender.basic_publish(exchange, severity, severity)
    assert bodies(drain(receiver, everything, 3)) == [b"info", b"warning", b"error"]
    assert bodies(drain(receiver, errors, 1)) == [b"error"]
    receiver.exchange_delete(exchange)


@every_pair
def test_topic_patterns(connect, publisher, consumer):
    exchange = fresh("topic_logs")
    receiver = connect(consumer).channel()
    receiver.exchange_declare(exchange, "topic")
    queues = {}
    for pattern in ("www.#", "www.*", "#", "*.orange.*", "lazy.#", "www.dbq168.com"):
        queues[pattern] = receiver.queue_declare("", exclusive=True).method.queue
        receiver.queue_bind(queues[pattern], exchange, pattern)

    sender = connect(publisher).channel().connection.channel()
    sender.confirm_delivery()
    keys = ["www.dbq168.com", "www", "quick.orange.rabbit", "lazy", "", "www." + "a" * 251]
    assert len(keys[-1]) == 255
    for key in keys:
        sender.basic_publish(exchange, key, key)

    def matched(pattern, count):
        return [m.routing_key for m, _, _ in drain(receiver, queues[pattern], count)]

    assert matched("www.#", 3) == ["www.dbq168.com", "www", keys[-1]]
    assert matched("www.*", 1) == [keys[-1]]
    assert matched("#", 6) == keys
    assert matched("*.orange.*", 1) == ["quick.orange.rabbit"]
    assert matched("lazy.#", 1) == ["lazy"]
    assert matched("www.dbq168.com", 1) == ["www.dbq168.com"]
    receiver.exchange_delete(exchange)


def test_a_routing_key_of_256_octets_is_refused_by_the_client_library(connect):
    channel = connect(1).channel()
    with pytest.raises(Exception):
        channel.basic_publish("amq.topic", "a" * 256, "x")


@pytest.mark.parametrize("node", (1, 2, 3))
def test_redeclaring_with_other_arguments_is_406_and_closes_the_channel(connect, node):
    queue = fresh("hello")
    connection = connect(node)
    channel = connection.channel()
    channel.queue_declare(queue)
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        channel.queue_declare(queue, durable=True)
    assert refused.value.reply_code == 406
    assert refused.value.reply_text == (
        f"PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{queue}' in vhost '/': "
        "received 'true' but current is 'false'"
    )
    assert channel.is_closed and connection.is_open
    connection.channel().queue_delete(queue)


@pytest.mark.parametrize("node", (1, 2, 3))
def test_list_exchanges_shows_the_tutorials_list(cluster, node):
    lines = cluster.ctl(node, "list_exchanges").splitlines()
    assert lines[0] == "Listing exchanges for vhost / ..."
    assert lines[1] == "name\ttype"
    listed = dict(line.split("\t") for line in lines[2:])
    for name, kind in {
        "": "direct",
        "amq.direct": "direct",
        "amq.fanout": "fanout",
        "amq.headers": "headers",
        "amq.match": "headers",
        "amq.rabbitmq.trace": "topic",
        "amq.topic": "topic",
    }.items():
        assert listed[name] == kind


@every_pair
def test_a_publish_right_after_bind_ok_on_another_node_is_routed(connect, publisher, consumer):
    binder = connect(consumer).channel()
    queue = binder.queue_declare("", exclusive=True).method.queue
    sender = connect(publisher).channel()
    sender.confirm_delivery()
    for i in range(20):
        binder.queue_bind(queue, "amq.direct", f"{queue}-{i}")
        # mandatory: pika raises when it is unroutable
        sender.basic_publish("amq.direct", f"{queue}-{i}", str(i), mandatory=True)
    assert bodies(drain(binder, queue, 20)) == [str(i).encode() for i in range(20)]
