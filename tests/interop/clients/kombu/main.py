"""The scenarios through kombu, with py-amqp beneath.

    main.py HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]
"""

import collections
import datetime
import decimal
import os
import socket
import sys
import time
import uuid

import kombu
from amqp.exceptions import (AMQPError, AccessRefused, NotFound, PreconditionFailed,
                             ResourceLocked)
from kombu import Connection, Consumer, Exchange, Producer, Queue

NODES = []
OPENED = []  # connections, closed when their scenario ends
SCENARIOS = {}


class Cannot(Exception):
    """kombu's interface cannot express it."""


def scenario(name):
    def register(function):
        SCENARIOS[name] = function
        return function
    return register


def fresh(name):
    return f"kombu-{name}-{uuid.uuid4().hex[:8]}"


def equal(actual, expected):
    assert actual == expected, f"{actual!r}, not {expected!r}"


def connect(node=0, password="guest", heartbeat=0):
    connection = Connection(f"amqp://guest:{password}@{NODES[node]}//", heartbeat=heartbeat,
                            transport_options={"confirm_publish": True})
    OPENED.append(connection)
    connection.connect()
    return connection


def numbers(count):
    return [str(i) for i in range(count)]


def send(channel, queue, *bodies, **properties):
    """Publishes persistently to the queue, each message confirmed."""
    producer = Producer(channel)
    for body in bodies:
        producer.publish(body, routing_key=queue.name, **properties)


def queue_of(channel, name, bodies=(), durable=True, **options):
    """A durable queue with confirmed persistent messages."""
    queue = Queue(fresh(name), channel=channel, durable=durable, **options)
    queue.declare()
    send(channel, queue, *bodies)
    return queue


def wait_until(condition, what, connections=(), seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        for connection in connections:
            try:
                connection.drain_events(timeout=0.02)
            except socket.timeout:
                pass
        if not connections:
            time.sleep(0.02)


def get(queue, **options):
    found = []
    wait_until(lambda: found.append(queue.get(**options)) or found[-1],
               f"a message in {queue.name}")
    return found[-1]


def drained(queue):
    bodies = []
    while message := queue.get(no_ack=True):
        bodies.append(message.payload)
    return bodies


class Inbox:
    """A consumer, and what it has received."""

    def __init__(self, connection, channel, queue, **options):
        self.connection = connection
        self.messages = []
        self.consumer = Consumer(channel, [queue], on_message=self.messages.append,
                                 auto_declare=False, **options)
        self.consumer.consume()

    def bodies(self):
        return [message.payload for message in self.messages]

    def flags(self):
        return [message.delivery_info["redelivered"] for message in self.messages]

    def wait(self, count):
        wait_until(lambda: len(self.messages) >= count, f"{count} messages", [self.connection])
        return self.messages

    def stays(self, count):
        try:
            self.connection.drain_events(timeout=0.3)
        except socket.timeout:
            pass
        equal(len(self.messages), count)


def refused(kind, action):
    try:
        action()
    except kind:
        return
    raise AssertionError(f"it was not refused by {kind.__name__}")


def passive(connection, name):
    return Queue(name, channel=connection.channel()).queue_declare(passive=True)


def wait_until_gone(connection, name):
    def is_gone():
        try:
            passive(connection, name)
        except NotFound:
            return True
        return False
    wait_until(is_gone, "the queue's end")


@scenario("hello")
def hello():
    here, there = connect(0).channel(), connect(1).channel()
    queue = queue_of(here, "hello", ["hello"], durable=False)
    equal(get(queue.bind(there)).payload, "hello")


@scenario("login-refused")
def login_refused():
    try:
        connect(password="wrong")
    except AccessRefused as error:
        equal(error.code, 403)
    else:
        raise AssertionError("a wrong password was accepted")


@scenario("confirms")
def confirms():
    connection = connect()
    queue = queue_of(connection.channel(), "confirms", numbers(1000))
    equal(passive(connection, queue.name), (queue.name, 1000, 0))


@scenario("prefetch")
def prefetch():
    connection = connect()
    channel = connection.channel()
    queue = queue_of(channel, "prefetch", numbers(20))
    channel.basic_qos(0, 5, False)
    inbox = Inbox(connection, channel, queue)
    inbox.wait(5)
    inbox.stays(5)
    for count in range(5, 21, 5):
        inbox.wait(count)[count - 1].ack(multiple=True)
    equal(inbox.bodies(), numbers(20))


@scenario("nack")
def nack():
    queue = queue_of(connect().channel(), "nack", ["work"])
    first = get(queue)
    equal(first.delivery_info["redelivered"], False)
    first.requeue()
    again = get(queue)
    equal((again.delivery_info["redelivered"], again.payload), (True, "work"))
    again.ack()


@scenario("reject")
def reject():
    queue = queue_of(connect().channel(), "reject", ["bad", "good"])
    get(queue).reject()
    equal(drained(queue), ["good"])


@scenario("recover")
def recover():
    connection = connect()
    channel = connection.channel()
    inbox = Inbox(connection, channel, queue_of(channel, "recover", numbers(3)))
    inbox.wait(3)
    inbox.consumer.recover(requeue=True)
    inbox.wait(6)
    equal((inbox.bodies()[3:], inbox.flags()[3:]), (numbers(3), [True] * 3))


@scenario("return")
def unroutable():
    connection = connect()
    came = []
    producer = Producer(connection.channel(), on_return=lambda *told: came.append(told))
    producer.publish("lost", routing_key=fresh("nowhere"), mandatory=True)
    wait_until(lambda: came, "basic.return", [connection])
    error, _, _, message = came[0]
    equal((error.reply_code, message.body), (312, "lost"))


@scenario("properties")
def properties():
    moment = datetime.datetime(2024, 2, 29)
    headers = {
        "bool": True, "int": -7, "long": 1 << 40, "double": 0.5, "decimal": decimal.Decimal("1.25"),
        "string": "text ☃", "time": moment, "void": None,
        "table": {"inner": {"deep": 1}}, "array": [1, "two", [3.5, False], {"k": "v"}]}
    sent = {
        "correlation_id": "correlation", "reply_to": "reply", "message_id": "id",
        "timestamp": 1709164800, "type": "type", "user_id": "guest", "app_id": "app"}
    queue = queue_of(connect(0).channel(), "properties")
    # kombu takes seconds, and writes milliseconds.
    send(queue.channel, queue, b"", headers=headers, priority=3, expiration=60,
         content_type="application/data", content_encoding="binary", **sent)
    came = get(queue.bind(connect(1).channel()))
    equal(came.headers, headers)
    properties = dict(came.properties)
    properties.pop("application_headers")
    equal(properties, {**sent, "priority": 3, "expiration": "60000", "delivery_mode": 2,
                       "content_type": "application/data", "content_encoding": "binary"})


def exchange_of(channel, kind):
    exchange = Exchange(fresh(kind), kind, channel=channel)
    exchange.declare()
    return exchange


def bound(channel, exchange, key="", arguments=None):
    queue = Queue(channel=channel, exclusive=True)
    queue.queue_declare()
    queue.bind_to(exchange, key, arguments)
    return queue


def post(exchange, key, body, **properties):
    Producer(exchange.channel, exchange).publish(body, routing_key=key, **properties)


@scenario("exchanges")
def exchanges():
    channel = connect().channel()
    for kind, key, match, other in (("direct", "a", "a", "b"), ("fanout", "a", "b", None),
                                    ("topic", "a.*", "a.b", "a.b.c")):
        exchange = exchange_of(channel, kind)
        queues = [bound(channel, exchange, key) for _ in range(2)]
        post(exchange, match, "yes")
        if other:
            post(exchange, other, "no")
        equal([drained(queue) for queue in queues], [["yes"], ["yes"]])
    exchange = exchange_of(channel, "headers")
    whole = bound(channel, exchange, "", {"x-match": "all", "a": 1, "b": "two"})
    some = bound(channel, exchange, "", {"x-match": "any", "a": 1, "b": "two"})
    for body, headers in (("both", {"a": 1, "b": "two"}), ("one", {"a": 1, "b": "three"}),
                          ("none", {"c": 1})):
        post(exchange, "", body, headers=headers)
    equal((drained(whole), drained(some)), (["both"], ["both", "one"]))


@scenario("topic-wildcards")
def topic_wildcards():
    expected = {"*.orange.*": ["quick.orange.rabbit", "lazy.orange.fox"],
                "#.rabbit": ["quick.orange.rabbit", "rabbit"],
                "lazy.#": ["lazy", "lazy.orange.fox", "lazy.pink.rabbit.x"],
                "#": ["quick.orange.rabbit", "lazy", "lazy.orange.fox", "rabbit", "orange",
                      "lazy.pink.rabbit.x"]}
    channel = connect().channel()
    exchange = exchange_of(channel, "topic")
    queues = {key: bound(channel, exchange, key) for key in expected}
    for key in expected["#"]:
        post(exchange, key, key)
    equal({key: drained(queue) for key, queue in queues.items()}, expected)


@scenario("exchange-binding")
def exchange_binding():
    channel = connect().channel()
    source, destination = exchange_of(channel, "topic"), exchange_of(channel, "fanout")
    destination.bind_to(source, "log.*")
    queue = bound(channel, destination)
    post(source, "log.a", "yes")
    post(source, "metric.a", "no")
    equal(drained(queue), ["yes"])


@scenario("server-named")
def server_named():
    channel = connect().channel()
    queue = Queue(channel=channel, durable=False)
    queue.queue_declare()
    assert queue.name.startswith("amq.gen-"), queue.name
    send(channel, queue, "found")
    equal(drained(queue), ["found"])


@scenario("exclusive")
def exclusive():
    here, there = connect(0), connect(1)
    queue = queue_of(here.channel(), "exclusive", exclusive=True)
    refused(ResourceLocked, lambda: passive(there, queue.name))
    here.close()
    wait_until_gone(there, queue.name)


@scenario("auto-delete")
def auto_delete():
    connection = connect()
    channel = connection.channel()
    queue = queue_of(channel, "auto-delete", auto_delete=True, durable=False)
    Inbox(connection, channel, queue).consumer.cancel()
    wait_until_gone(connection, queue.name)


@scenario("redeclare")
def redeclare():
    connection = connect()
    name = queue_of(connection.channel(), "redeclare").name
    other = Queue(name, channel=connection.channel(), durable=False)
    refused(PreconditionFailed, other.queue_declare)
    passive(connection, name)


@scenario("missing-queue")
def missing_queue():
    connection = connect()
    refused(NotFound, lambda: passive(connection, fresh("missing")))
    Queue(channel=connection.channel(), exclusive=True).queue_declare()


@scenario("counts")
def counts():
    connection = connect()
    queue = queue_of(connection.channel(), "counts", "abc")
    equal(passive(connection, queue.name).message_count, 3)
    equal(queue.purge(), 3)
    send(queue.channel, queue, "d", "e")
    equal(queue.delete(), 2)


@scenario("consumer-cancelled")
def consumer_cancelled():
    here = connect(0)
    channel = here.channel()
    queue = queue_of(channel, "cancelled")
    told = []
    queue.consume("tag", on_cancel=told.append)
    queue.bind(connect(1).channel()).delete()
    wait_until(lambda: told, "basic.cancel", [here])
    equal(told, ["tag"])


@scenario("channels")
def channels():
    connection = connect()
    each = []
    for _ in range(20):
        channel = connection.channel()
        queue = Queue(channel=channel, exclusive=True)
        queue.queue_declare()
        each.append((channel, queue, Inbox(connection, channel, queue, no_ack=True)))
    for number in numbers(10):
        for channel, queue, _ in each:
            send(channel, queue, f"{queue.name} {number}")
    for _, queue, inbox in each:
        inbox.wait(10)
        equal(inbox.bodies(), [f"{queue.name} {number}" for number in numbers(10)])


@scenario("large-body")
def large_body():
    body = os.urandom(5 << 20)
    queue = queue_of(connect(0).channel(), "large", [body])
    assert get(queue.bind(connect(1).channel())).body == body, "it came back another"


@scenario("heartbeat")
def heartbeat():
    connection = connect(heartbeat=2)
    end = time.monotonic() + 6
    while time.monotonic() < end:
        connection.heartbeat_check()
        try:
            connection.drain_events(timeout=0.5)
        except socket.timeout:
            pass
    equal(drained(queue_of(connection.channel(), "heartbeat", ["alive"])), ["alive"])


@scenario("close-consuming")
def close_consuming():
    here, there = connect(0), connect(1)
    channel = here.channel()
    queue = queue_of(channel, "close", numbers(10))
    channel.basic_qos(0, 5, False)
    Inbox(here, channel, queue).wait(5)
    here.close()
    channel = there.channel()
    inbox = Inbox(there, channel, queue.bind(channel))
    inbox.wait(10)
    equal((inbox.bodies(), inbox.flags()), (numbers(10), [True] * 5 + [False] * 5))


@scenario("fair-dispatch")
def fair_dispatch():
    connection = connect()
    busy_channel, idle_channel = connection.channel(), connection.channel()
    queue = queue_of(connection.channel(), "fair")
    busy_channel.basic_qos(0, 1, False)
    idle_channel.basic_qos(0, 1, False)
    busy = Inbox(connection, busy_channel, queue)
    done = []

    def work(message):
        done.append(message.payload)
        message.ack()

    Consumer(idle_channel, [queue], on_message=work, auto_declare=False).consume()
    send(queue.channel, queue, *numbers(10))
    wait_until(lambda: len(done) == 9, "nine messages", [connection])
    equal(len(busy.messages), 1)


@scenario("rpc")
def rpc():
    here, there = connect(0), connect(1)
    server, client = here.channel(), there.channel()
    queue = queue_of(server, "rpc")

    def answer(request):
        to = Queue(request.properties["reply_to"])
        send(server, to, request.payload * 2, correlation_id=request.properties["correlation_id"])
        request.ack()

    Consumer(server, [queue], on_message=answer, auto_declare=False).consume()
    replies = Queue(channel=client, exclusive=True)
    replies.queue_declare()
    inbox = Inbox(there, client, replies, no_ack=True)
    for i in range(5):
        send(client, queue, i, reply_to=replies.name, correlation_id=f"request {i}")
    wait_until(lambda: len(inbox.messages) == 5, "five answers", [here, there])
    equal({answer.properties["correlation_id"]: answer.payload for answer in inbox.messages},
          {f"request {i}": i * 2 for i in range(5)})


@scenario("failover")
def failover():
    held = [f"held {i}" for i in range(10)]
    confirmed = list(held)
    # One connection that knows all nodes, and goes to the next when one is lost.
    connection = Connection(";".join(f"amqp://guest:guest@{node}//" for node in NODES),
                            failover_strategy="round-robin",
                            transport_options={"confirm_publish": True})
    OPENED.append(connection)
    consuming = connect(0)
    queue = queue_of(connection.default_channel, "failover", held)
    consumer_channel = consuming.channel()
    consumer_channel.basic_qos(0, len(held), False)
    Inbox(consuming, consumer_channel, queue.bind(consumer_channel)).wait(len(held))
    print("want kill", flush=True)
    moves = []
    producer = Producer(connection.default_channel)
    publish = connection.ensure(producer, producer.publish, max_retries=20, interval_start=0.1,
                                errback=lambda error, interval: moves.append(error))
    deadline = time.monotonic() + 60
    last = None
    while last is None or len(confirmed) < last:
        body = f"message {len(confirmed)}"
        publish(body, routing_key=queue.name)
        confirmed.append(body)
        if moves and last is None:
            last = len(confirmed) + 50
        assert time.monotonic() < deadline, "the node was not killed"
    OPENED.remove(consuming)
    channel = connection.channel()
    inbox = Inbox(connection, channel, queue.bind(channel))
    wait_until(lambda: confirmed[-1] in inbox.bodies(), "the last message", [connection])
    flags = dict(zip(inbox.bodies(), inbox.flags()))
    missing = set(confirmed) - flags.keys()
    assert not missing, f"{len(missing)} confirmed messages are lost: {sorted(missing)[:3]}"
    assert all(flags[body] for body in held), "a held message came again without the flag"


@scenario("tx")
def tx():
    connection = Connection(f"amqp://guest:guest@{NODES[0]}//")
    OPENED.append(connection)
    channel = connection.channel()
    queue = Queue(fresh("tx"), channel=channel)
    queue.declare()
    channel.tx_select()
    send(channel, queue, "rolled back")
    channel.tx_rollback()
    send(channel, queue, "committed")
    channel.tx_commit()
    equal(drained(queue), ["committed"])


@scenario("direct-reply-to")
def direct_reply_to():
    there = connect(1)
    server, client = connect(0).channel(), there.channel()
    queue = queue_of(server, "direct-reply")
    pseudo_queue = Queue("amq.rabbitmq.reply-to", channel=client)
    inbox = Inbox(there, client, pseudo_queue, no_ack=True)
    send(client, queue, "ask", reply_to=pseudo_queue.name)
    send(server, Queue(get(queue).properties["reply_to"]), "answer")
    inbox.wait(1)
    equal(inbox.bodies(), ["answer"])


@scenario("dead-letter")
def dead_letter():
    channel = connect().channel()
    dead = queue_of(channel, "dead")
    queue = queue_of(channel, "short-lived", ["late"], message_ttl=0.2, queue_arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name})
    message = get(dead)
    [death] = message.headers["x-death"]
    equal((message.payload, death["reason"], death["queue"], death["count"]),
          ("late", "expired", queue.name, 1))


@scenario("priority")
def priority():
    channel = connect().channel()
    queue = queue_of(channel, "priority", max_priority=10)
    for level in (1, 5, 9, 5):
        send(channel, queue, str(level), priority=level)
    equal(drained(queue), ["9", "5", "5", "1"])


@scenario("max-length")
def max_length():
    queue = queue_of(connect().channel(), "max-length", numbers(5), max_length=3)
    equal(drained(queue), ["2", "3", "4"])


@scenario("single-active-consumer")
def single_active_consumer():
    connection = connect()
    channel = connection.channel()
    queue = queue_of(channel, "single", queue_arguments={"x-single-active-consumer": True})
    first, second = (Inbox(connection, channel, queue, no_ack=True) for _ in range(2))
    send(channel, queue, *numbers(5))
    first.wait(5)
    second.stays(0)
    first.consumer.cancel()
    send(channel, queue, "next")
    second.wait(1)
    equal(second.bodies(), ["next"])


def main():
    NODES.extend(sys.argv[1].split(","))
    print("version", kombu.__version__, flush=True)
    for name in sys.argv[2:] or SCENARIOS:
        try:
            SCENARIOS[name]()
            print("ok", name, flush=True)
        except Cannot as reason:
            print(f"cannot {name}: {reason}", flush=True)
        except Exception as error:  # of whatever kind, it is told, and the next one is played
            print(f"not ok {name}: {type(error).__name__} {error}".replace("\n", " "), flush=True)
        while OPENED:
            try:
                OPENED.pop().close()
            except (AMQPError, OSError):
                pass  # it was lost already


main()
