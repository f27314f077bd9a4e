"""The scenarios through pika's BlockingConnection.

    main.py HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]
"""

import contextlib
import datetime
import decimal
import os
import sys
import time
import uuid

import pika
from pika.exceptions import (AMQPConnectionError, ChannelClosedByBroker,
                             ProbableAuthenticationError, UnroutableError)

NODES = []
SCENARIOS = {}
PERSISTENT = pika.BasicProperties(delivery_mode=2)


def scenario(name):
    def register(function):
        SCENARIOS[name] = function
        return function
    return register


def fresh(name):
    return f"pika-{name}-{uuid.uuid4().hex[:8]}"


@contextlib.contextmanager
def connect(node=0, password="guest", heartbeat=30):
    host, port = NODES[node].split(":")
    connection = pika.BlockingConnection(pika.ConnectionParameters(
        host, int(port), heartbeat=heartbeat,
        credentials=pika.PlainCredentials("guest", password)))
    try:
        yield connection
    finally:
        if connection.is_open:
            connection.close()


def wait_until(connection, condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        connection.process_data_events(0.02)


class Inbox:
    """A consumer, and what it has received as (method, properties, body)."""

    def __init__(self, channel, queue, **options):
        self.connection = channel.connection
        self.messages = []
        self.tag = channel.basic_consume(
            queue, lambda channel, *message: self.messages.append(message), **options)

    def bodies(self):
        return [body for _, _, body in self.messages]

    def wait(self, count):
        wait_until(self.connection, lambda: len(self.messages) >= count,
                   f"{count} messages; {len(self.messages)} came")
        return self.messages

    def stays(self, count):
        self.connection.process_data_events(0.3)
        equal(len(self.messages), count)


def equal(actual, expected):
    assert actual == expected, f"{actual!r}, not {expected!r}"


def get(channel, queue, auto_ack=False, seconds=5):
    deadline = time.monotonic() + seconds
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=auto_ack)
        if method:
            return method, properties, body
        assert time.monotonic() < deadline, f"{queue} stayed empty"
        time.sleep(0.02)


def drained(channel, queue):
    """The bodies of all that is in the queue."""
    bodies = []
    while True:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if not method:
            return bodies
        bodies.append(body)


def queue_of(channel, name, bodies=(), arguments=None):
    """A durable queue with confirmed persistent messages."""
    queue = fresh(name)
    channel.queue_declare(queue, durable=True, arguments=arguments)
    channel.confirm_delivery()
    for body in bodies:
        channel.basic_publish("", queue, body, PERSISTENT)
    return queue


def refused(code, action):
    try:
        action()
    except ChannelClosedByBroker as error:
        equal(error.reply_code, code)
    else:
        raise AssertionError(f"it was not refused with {code}")


def is_gone(connection, queue):
    with contextlib.suppress(ChannelClosedByBroker):
        connection.channel().queue_declare(queue, passive=True)
        return False
    return True


@scenario("hello")
def hello():
    queue = fresh("hello")
    with connect(0) as here, connect(1) as there:
        channel = here.channel()
        channel.queue_declare(queue)
        channel.basic_publish("", queue, "hello")
        equal(get(there.channel(), queue)[2], b"hello")


@scenario("login-refused")
def login_refused():
    try:
        with connect(password="wrong"):
            raise AssertionError("a wrong password was accepted")
    except ProbableAuthenticationError as error:
        assert "403" in str(error), error


@scenario("confirms")
def confirms():
    with connect() as connection:
        channel = connection.channel()
        queue = queue_of(channel, "confirms", (f"{i}" for i in range(1000)))
        equal(channel.queue_declare(queue, passive=True).method.message_count, 1000)


@scenario("prefetch")
def prefetch():
    with connect() as connection:
        channel = connection.channel()
        bodies = [b"%d" % i for i in range(20)]
        queue = queue_of(channel, "prefetch", bodies)
        channel.basic_qos(prefetch_count=5)
        inbox = Inbox(channel, queue)
        inbox.wait(5)
        inbox.stays(5)
        for count in range(5, 21, 5):
            channel.basic_ack(inbox.wait(count)[count - 1][0].delivery_tag, multiple=True)
        equal(inbox.bodies(), bodies)


@scenario("nack")
def nack():
    with connect() as connection:
        channel = connection.channel()
        queue = queue_of(channel, "nack", ["work"])
        method, _, _ = get(channel, queue)
        assert not method.redelivered
        channel.basic_nack(method.delivery_tag, requeue=True)
        method, _, body = get(channel, queue)
        equal((method.redelivered, body), (True, b"work"))
        channel.basic_ack(method.delivery_tag)


@scenario("reject")
def reject():
    with connect() as connection:
        channel = connection.channel()
        queue = queue_of(channel, "reject", ["bad", "good"])
        channel.basic_reject(get(channel, queue)[0].delivery_tag, requeue=False)
        equal(drained(channel, queue), [b"good"])


@scenario("recover")
def recover():
    with connect() as connection:
        channel = connection.channel()
        queue = queue_of(channel, "recover", ["0", "1", "2"])
        inbox = Inbox(channel, queue)
        inbox.wait(3)
        channel.basic_recover(requeue=True)
        inbox.wait(6)
        equal([(method.redelivered, body) for method, _, body in inbox.messages[3:]],
              [(True, b"0"), (True, b"1"), (True, b"2")])


@scenario("return")
def unroutable():
    with connect() as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        try:
            channel.basic_publish("", fresh("nowhere"), "lost", mandatory=True)
        except UnroutableError as error:
            [message] = error.messages
            equal((message.method.reply_code, message.body), (312, b"lost"))
        else:
            raise AssertionError("it did not come back")


@scenario("properties")
def properties():
    sent = pika.BasicProperties(
        content_type="text/plain", content_encoding="utf-8", delivery_mode=2, priority=3,
        correlation_id="correlation", reply_to="reply", expiration="60000", message_id="id",
        timestamp=1700000000, type="type", user_id="guest", app_id="app", headers={
            "bool": True, "int": -7, "long": 1 << 40, "decimal": decimal.Decimal("1.25"),
            "string": "text ☃", "bytes": b"\x00\xff",
            "time": datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc), "void": None,
            "table": {"inner": {"deep": 1}}, "array": [1, "two", [3, False], {"k": "v"}]})
    with connect(0) as here, connect(1) as there:
        channel = here.channel()
        queue = queue_of(channel, "properties")
        channel.basic_publish("", queue, "", sent)
        came = get(there.channel(), queue)[1]
        # pika reads a timestamp without its zone, which is UTC.
        sent.headers["time"] = sent.headers["time"].replace(tzinfo=None)
        came.headers["time"] = came.headers["time"].replace(tzinfo=None)
        for name in vars(sent):
            equal((name, getattr(came, name)), (name, getattr(sent, name)))


def bound(channel, exchange, key="", arguments=None):
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, exchange, key, arguments)
    return queue


def exchange_of(channel, kind):
    exchange = fresh(kind)
    channel.exchange_declare(exchange, kind)
    return exchange


@scenario("exchanges")
def exchanges():
    with connect() as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for kind, match, other in (("direct", "a", "b"), ("fanout", "a", None),
                                   ("topic", "a.b", "a.b.c")):
            exchange = exchange_of(channel, kind)
            queues = [bound(channel, exchange, "a.*" if kind == "topic" else "a") for _ in range(2)]
            channel.basic_publish(exchange, match, "yes")
            if other:
                channel.basic_publish(exchange, other, "no")
            equal([drained(channel, queue) for queue in queues], [[b"yes"], [b"yes"]])
        exchange = exchange_of(channel, "headers")
        whole = bound(channel, exchange, "", {"x-match": "all", "a": 1, "b": "two"})
        some = bound(channel, exchange, "", {"x-match": "any", "a": 1, "b": "two"})
        for body, headers in (("both", {"a": 1, "b": "two"}), ("one", {"a": 1, "b": "three"}),
                              ("none", {"c": 1})):
            channel.basic_publish(exchange, "", body, pika.BasicProperties(headers=headers))
        equal((drained(channel, whole), drained(channel, some)), ([b"both"], [b"both", b"one"]))


@scenario("topic-wildcards")
def topic_wildcards():
    with connect() as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        exchange = exchange_of(channel, "topic")
        queues = {key: bound(channel, exchange, key)
                  for key in ("*.orange.*", "#.rabbit", "lazy.#", "#")}
        keys = ["quick.orange.rabbit", "lazy", "lazy.orange.fox", "rabbit", "orange",
                "lazy.pink.rabbit.x"]
        for key in keys:
            channel.basic_publish(exchange, key, key)
        came = {key: [body.decode() for body in drained(channel, queue)]
                for key, queue in queues.items()}
        equal(came, {"*.orange.*": ["quick.orange.rabbit", "lazy.orange.fox"],
                     "#.rabbit": ["quick.orange.rabbit", "rabbit"],
                     "lazy.#": ["lazy", "lazy.orange.fox", "lazy.pink.rabbit.x"], "#": keys})


@scenario("exchange-binding")
def exchange_binding():
    with connect() as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        source, destination = exchange_of(channel, "topic"), exchange_of(channel, "fanout")
        channel.exchange_bind(destination, source, "log.*")
        queue = bound(channel, destination)
        channel.basic_publish(source, "log.a", "yes")
        channel.basic_publish(source, "metric.a", "no")
        equal(drained(channel, queue), [b"yes"])


@scenario("server-named")
def server_named():
    with connect() as connection:
        channel = connection.channel()
        queue = channel.queue_declare("").method.queue
        assert queue.startswith("amq.gen-"), queue
        channel.basic_publish("", queue, "found")
        equal(get(channel, queue)[2], b"found")


@scenario("exclusive")
def exclusive():
    queue = fresh("exclusive")
    with connect(1) as there:
        with connect(0) as here:
            here.channel().queue_declare(queue, exclusive=True)
            refused(405, lambda: there.channel().queue_declare(queue, passive=True))
        wait_until(there, lambda: is_gone(there, queue), "the queue's end")


@scenario("auto-delete")
def auto_delete():
    queue = fresh("auto-delete")
    with connect() as connection:
        channel = connection.channel()
        channel.queue_declare(queue, auto_delete=True)
        channel.basic_cancel(Inbox(channel, queue).tag)
        wait_until(connection, lambda: is_gone(connection, queue), "the queue's end")


@scenario("redeclare")
def redeclare():
    with connect() as connection:
        queue = queue_of(connection.channel(), "redeclare")
        refused(406, lambda: connection.channel().queue_declare(queue, durable=False))
        connection.channel().queue_declare(queue, passive=True)


@scenario("missing-queue")
def missing_queue():
    with connect() as connection:
        refused(404, lambda: connection.channel().queue_declare(fresh("missing"), passive=True))
        connection.channel().queue_declare("", exclusive=True)


@scenario("counts")
def counts():
    with connect() as connection:
        channel = connection.channel()
        queue = queue_of(channel, "counts", ["a", "b", "c"])
        equal(channel.queue_declare(queue, passive=True).method.message_count, 3)
        equal(channel.queue_purge(queue).method.message_count, 3)
        channel.basic_publish("", queue, "d", PERSISTENT)
        channel.basic_publish("", queue, "e", PERSISTENT)
        equal(channel.queue_delete(queue).method.message_count, 2)


@scenario("consumer-cancelled")
def consumer_cancelled():
    with connect(0) as here, connect(1) as there:
        channel = here.channel()
        queue = queue_of(channel, "cancelled")
        told = []
        channel.add_on_cancel_callback(told.append)
        inbox = Inbox(channel, queue)
        there.channel().queue_delete(queue)
        wait_until(here, lambda: told, "basic.cancel")
        equal(told[0].method.consumer_tag, inbox.tag)


@scenario("channels")
def channels():
    with connect() as connection:
        opened = [connection.channel() for _ in range(20)]
        queues = [channel.queue_declare("", exclusive=True).method.queue for channel in opened]
        inboxes = [Inbox(channel, queue, auto_ack=True)
                   for channel, queue in zip(opened, queues)]
        for number in range(10):
            for channel, queue in zip(opened, queues):
                channel.basic_publish("", queue, f"{queue} {number}")
        for inbox, queue in zip(inboxes, queues):
            inbox.wait(10)
            equal(inbox.bodies(), [f"{queue} {number}".encode() for number in range(10)])


@scenario("large-body")
def large_body():
    body = os.urandom(5 << 20)
    with connect(0) as here, connect(1) as there:
        queue = queue_of(here.channel(), "large", [body])
        assert get(there.channel(), queue)[2] == body, "it came back another"


@scenario("heartbeat")
def heartbeat():
    with connect(heartbeat=1) as connection:
        channel = connection.channel()
        connection.sleep(4)
        queue = queue_of(channel, "heartbeat", ["alive"])
        equal(get(channel, queue)[2], b"alive")


@scenario("close-consuming")
def close_consuming():
    with connect(1) as there:
        with connect(0) as here:
            channel = here.channel()
            bodies = [b"%d" % i for i in range(10)]
            queue = queue_of(channel, "close", bodies)
            channel.basic_qos(prefetch_count=5)
            Inbox(channel, queue).wait(5)
        inbox = Inbox(there.channel(), queue)
        came = [(method.redelivered, body) for method, _, body in inbox.wait(10)]
        equal(came, [(i < 5, body) for i, body in enumerate(bodies)])


@scenario("fair-dispatch")
def fair_dispatch():
    with connect() as connection:
        busy_channel, idle_channel = connection.channel(), connection.channel()
        queue = queue_of(connection.channel(), "fair")
        busy_channel.basic_qos(prefetch_count=1)
        idle_channel.basic_qos(prefetch_count=1)
        busy = Inbox(busy_channel, queue)
        done = []

        def work(channel, method, _, body):
            done.append(body)
            channel.basic_ack(method.delivery_tag)

        idle_channel.basic_consume(queue, work)
        for i in range(10):
            idle_channel.basic_publish("", queue, f"{i}", PERSISTENT)
        wait_until(connection, lambda: len(done) == 9, f"nine messages; {len(done)} came")
        equal(len(busy.messages), 1)


@scenario("rpc")
def rpc():
    with connect(0) as here, connect(1) as there:
        server = here.channel()
        queue = queue_of(server, "rpc")

        def answer(channel, method, request, body):
            channel.basic_publish("", request.reply_to, str(int(body) * 2),
                                  pika.BasicProperties(correlation_id=request.correlation_id))
            channel.basic_ack(method.delivery_tag)

        server.basic_consume(queue, answer)
        client = there.channel()
        replies = client.queue_declare("", exclusive=True).method.queue
        inbox = Inbox(client, replies, auto_ack=True)
        for i in range(5):
            client.basic_publish("", queue, str(i), pika.BasicProperties(
                reply_to=replies, correlation_id=f"request {i}"))
        wait_until(here, lambda: there.process_data_events(0.02) or len(inbox.messages) == 5,
                   "five answers")
        equal({answer.correlation_id: int(body) for _, answer, body in inbox.messages},
              {f"request {i}": i * 2 for i in range(5)})


@scenario("failover")
def failover():
    queue = fresh("failover")
    held = [b"held %d" % i for i in range(10)]
    confirmed = []
    try:
        with connect(0) as connection:
            channel = connection.channel()
            channel.queue_declare(queue, durable=True)
            channel.confirm_delivery()
            for body in held:
                channel.basic_publish("", queue, body, PERSISTENT)
            channel.basic_qos(prefetch_count=len(held))
            Inbox(channel, queue).wait(len(held))
            print("want kill", flush=True)
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                body = b"message %d" % len(confirmed)
                channel.basic_publish("", queue, body, PERSISTENT)
                confirmed.append(body)
        raise AssertionError("the node was not killed")
    except AMQPConnectionError:
        pass
    with connect(1) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for i in range(50):
            channel.basic_publish("", queue, f"later {i}", PERSISTENT)
            confirmed.append(b"later %d" % i)
        inbox = Inbox(channel, queue)
        wait_until(connection, lambda: b"later 49" in inbox.bodies(), "the last message")
        missing = set(held + confirmed) - set(inbox.bodies())
        assert not missing, f"{len(missing)} confirmed messages are lost: {sorted(missing)[:3]}"
        flags = {body: method.redelivered for method, _, body in inbox.messages}
        assert all(flags[body] for body in held), "a held message came again without the flag"


@scenario("tx")
def tx():
    with connect() as connection:
        channel = connection.channel()
        queue = fresh("tx")
        channel.queue_declare(queue, durable=True)
        channel.tx_select()
        channel.basic_publish("", queue, "rolled back", PERSISTENT)
        channel.tx_rollback()
        channel.basic_publish("", queue, "committed", PERSISTENT)
        channel.tx_commit()
        equal(drained(channel, queue), [b"committed"])


@scenario("direct-reply-to")
def direct_reply_to():
    pseudo_queue = "amq.rabbitmq.reply-to"
    with connect(0) as here, connect(1) as there:
        server, client = here.channel(), there.channel()
        queue = queue_of(server, "direct-reply")
        inbox = Inbox(client, pseudo_queue, auto_ack=True)
        client.basic_publish("", queue, "ask", pika.BasicProperties(reply_to=pseudo_queue))
        server.basic_publish("", get(server, queue)[1].reply_to, "answer")
        inbox.wait(1)
        equal(inbox.bodies(), [b"answer"])


@scenario("dead-letter")
def dead_letter():
    with connect() as connection:
        channel = connection.channel()
        dead = queue_of(channel, "dead")
        queue = queue_of(channel, "short-lived", ["late"], {
            "x-message-ttl": 200, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
        _, came, body = get(channel, dead)
        [death] = came.headers["x-death"]
        equal((body, death["reason"], death["queue"], death["count"]),
              (b"late", "expired", queue, 1))


@scenario("priority")
def priority():
    with connect() as connection:
        channel = connection.channel()
        queue = queue_of(channel, "priority", arguments={"x-max-priority": 10})
        for level in (1, 5, 9, 5):
            channel.basic_publish("", queue, f"{level}", pika.BasicProperties(
                delivery_mode=2, priority=level))
        equal(drained(channel, queue), [b"9", b"5", b"5", b"1"])


@scenario("max-length")
def max_length():
    with connect() as connection:
        channel = connection.channel()
        queue = queue_of(channel, "max-length", "01234", {"x-max-length": 3})
        equal(drained(channel, queue), [b"2", b"3", b"4"])


@scenario("single-active-consumer")
def single_active_consumer():
    with connect() as connection:
        channel = connection.channel()
        queue = queue_of(channel, "single", arguments={"x-single-active-consumer": True})
        first, second = (Inbox(channel, queue, auto_ack=True) for _ in range(2))
        for i in range(5):
            channel.basic_publish("", queue, f"{i}", PERSISTENT)
        first.wait(5)
        second.stays(0)
        channel.basic_cancel(first.tag)
        channel.basic_publish("", queue, "next", PERSISTENT)
        second.wait(1)
        equal(second.bodies(), [b"next"])


def main():
    NODES.extend(sys.argv[1].split(","))
    print("version", pika.__version__, flush=True)
    for name in sys.argv[2:] or SCENARIOS:
        try:
            SCENARIOS[name]()
            print("ok", name, flush=True)
        except Exception as error:  # of whatever kind, it is told, and the next one is played
            print(f"not ok {name}: {type(error).__name__} {error}".replace("\n", " "), flush=True)


main()
