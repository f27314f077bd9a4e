"""Direct reply-to between every pair of nodes."""

import itertools
import time
import uuid

import pika
import pytest

PAIRS = list(itertools.product((1, 2, 3), (1, 2, 3)))
PSEUDO = "amq.rabbitmq.reply-to"


def fresh(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


class Asker:
    def __init__(self, connection):
        self.connection = connection
        self.channel = connection.channel()
        self.replies = []
        self.channel.basic_consume(PSEUDO, self.on_reply, auto_ack=True)

    def on_reply(self, _channel, method, properties, body):
        self.replies.append((properties.correlation_id, body))

    def ask(self, queue, number):
        self.channel.basic_publish("", queue, f"question {number}", pika.BasicProperties(
            reply_to=PSEUDO, correlation_id=str(number)))

    def wait(self, count, timeout=20):
        deadline = time.monotonic() + timeout
        while len(self.replies) < count and time.monotonic() < deadline:
            self.connection.process_data_events(time_limit=0.2)
        assert len(self.replies) == count


def take(channel, queue):
    for method, properties, body in channel.consume(queue, auto_ack=True, inactivity_timeout=20):
        assert method is not None, "no request came"
        channel.cancel()
        return properties, body


@pytest.mark.parametrize("asking,answering", PAIRS)
def test_a_reply_finds_its_way(connect, asking, answering):
    queue = fresh("rpc")
    server = connect(answering).channel()
    server.queue_declare(queue, exclusive=True)
    asker = Asker(connect(asking))
    asker.ask(queue, 1)
    properties, body = take(server, queue)
    assert body == b"question 1"
    assert properties.reply_to.startswith(PSEUDO + ".")
    declared = server.queue_declare(properties.reply_to, passive=True).method
    assert (declared.message_count, declared.consumer_count) == (0, 1)
    server.basic_publish("", properties.reply_to, "answer", pika.BasicProperties(
        correlation_id=properties.correlation_id))
    asker.wait(1)
    assert asker.replies == [("1", b"answer")]


@pytest.mark.parametrize("asking,answering", [(1, 1), (1, 2)])
def test_many_replies_keep_their_order(connect, asking, answering):
    queue = fresh("rpc")
    server = connect(answering).channel()
    server.queue_declare(queue, exclusive=True)
    asker = Asker(connect(asking))
    asker.ask(queue, 0)
    properties, _ = take(server, queue)
    for number in range(2000):
        server.basic_publish("", properties.reply_to, b"x" * (number % 700),
                             pika.BasicProperties(correlation_id=str(number)))
    asker.wait(2000)
    assert [int(number) for number, _ in asker.replies] == list(range(2000))
    assert all(len(body) == int(number) % 700 for number, body in asker.replies)


@pytest.mark.parametrize("asking,answering", [(1, 1), (1, 2)])
def test_a_large_reply_arrives_whole(connect, asking, answering):
    queue = fresh("rpc")
    server = connect(answering).channel()
    server.queue_declare(queue, exclusive=True)
    asker = Asker(connect(asking))
    asker.ask(queue, 0)
    properties, _ = take(server, queue)
    body = bytes(range(256)) * (5 << 12)
    server.basic_publish("", properties.reply_to, body)
    asker.wait(1)
    assert asker.replies[0][1] == body


@pytest.mark.parametrize("asking,answering", [(1, 1), (1, 2)])
def test_who_is_gone_gets_nothing_and_the_reply_comes_back(connect, asking, answering):
    queue = fresh("rpc")
    server = connect(answering).channel()
    server.queue_declare(queue, exclusive=True)
    asker = Asker(connect(asking))
    asker.ask(queue, 0)
    properties, _ = take(server, queue)
    asker.connection.close()
    server.confirm_delivery()
    server.basic_publish("", properties.reply_to, "to nobody")
    with pytest.raises(pika.exceptions.UnroutableError) as returned:
        server.basic_publish("", properties.reply_to, "to nobody", mandatory=True)
    assert returned.value.messages[0].body == b"to nobody"
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        server.queue_declare(properties.reply_to, passive=True)
    assert closed.value.reply_code == 404


def test_a_killed_asker_costs_a_few_seconds_and_no_more(cluster, connect):
    queue = fresh("rpc")
    server = connect(1).channel()
    server.queue_declare(queue, exclusive=True)
    asker = Asker(cluster.connect(3))
    asker.ask(queue, 0)
    properties, _ = take(server, queue)
    cluster.kill(3)
    try:
        server.confirm_delivery()
        begun = time.monotonic()
        with pytest.raises(pika.exceptions.UnroutableError):
            server.basic_publish("", properties.reply_to, "to nobody", mandatory=True)
        assert time.monotonic() - begun < 10
    finally:
        cluster.resume(3)


def test_misuse_is_refused_as_rabbitmq_does(connect):
    connection = connect(1)
    for use, code, text in (
            (lambda channel: channel.basic_consume(PSEUDO, print, auto_ack=False),
             406, "reply consumer cannot acknowledge"),
            (lambda channel: [channel.basic_consume(PSEUDO, print, auto_ack=True)
                              for _ in range(2)],
             406, "reply consumer already set"),
            (lambda channel: (channel.basic_publish("", "q", "x",
                                                    pika.BasicProperties(reply_to=PSEUDO)),
                              channel.queue_declare(fresh("sync"), exclusive=True)),
             406, "fast reply consumer does not exist"),
            (lambda channel: channel.queue_bind(PSEUDO, "amq.direct", "k"), 403, ""),
            (lambda channel: channel.queue_declare(PSEUDO + ".nobody"), 404, "no queue")):
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
            use(connection.channel())
        assert closed.value.reply_code == code
        assert text in closed.value.reply_text
