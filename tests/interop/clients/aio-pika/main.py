"""The scenarios through aio-pika.

    main.py HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]
"""

import asyncio
import contextlib
import datetime
import decimal
import os
import sys
import time
import uuid

import aio_pika
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.exceptions import (AMQPError, ChannelNotFoundEntity, ChannelPreconditionFailed,
                                 ProbableAuthenticationError, PublishError)
from aiormq.exceptions import ChannelLockedResource

NODES = []
SCENARIOS = {}


def scenario(name):
    def register(function):
        SCENARIOS[name] = function
        return function
    return register


def fresh(name):
    return f"aio-pika-{name}-{uuid.uuid4().hex[:8]}"


async def connect(node=0, password="guest", heartbeat=30):
    return await aio_pika.connect(f"amqp://guest:{password}@{NODES[node]}/?heartbeat={heartbeat}")


@contextlib.asynccontextmanager
async def channel_on(node=0, **options):
    async with await connect(node) as connection:
        yield await connection.channel(**options)


def equal(actual, expected):
    assert actual == expected, f"{actual!r}, not {expected!r}"


async def wait_until(condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        await asyncio.sleep(0.02)


def persistent(body, **properties):
    body = body if isinstance(body, bytes) else str(body).encode()
    return Message(body, delivery_mode=DeliveryMode.PERSISTENT, **properties)


async def queue_of(channel, name, bodies=(), arguments=None):
    """A durable queue with confirmed persistent messages."""
    queue = await channel.declare_queue(fresh(name), durable=True, arguments=arguments)
    await asyncio.gather(*(send(channel, queue, body) for body in bodies))
    return queue


async def send(channel, queue, body, **properties):
    await channel.default_exchange.publish(persistent(body, **properties), queue.name)


async def get(queue, seconds=5, **options):
    deadline = time.monotonic() + seconds
    while (message := await queue.get(fail=False, **options)) is None:
        assert time.monotonic() < deadline, f"{queue} stayed empty"
        await asyncio.sleep(0.02)
    return message


async def drained(queue):
    bodies = []
    while message := await queue.get(fail=False, no_ack=True):
        bodies.append(message.body)
    return bodies


class Inbox:
    """A consumer, and what it has received."""

    def __init__(self):
        self.messages = []

    @classmethod
    async def of(cls, queue, **options):
        inbox = cls()

        async def received(message):
            inbox.messages.append(message)

        inbox.tag = await queue.consume(received, **options)
        return inbox

    def bodies(self):
        return [message.body for message in self.messages]

    async def wait(self, count):
        async def is_there():
            return len(self.messages) >= count
        await wait_until(is_there, f"{count} messages")
        return self.messages

    async def stays(self, count):
        await asyncio.sleep(0.3)
        equal(len(self.messages), count)


async def refused(kind, action):
    try:
        await action
    except kind:
        return
    raise AssertionError(f"it was not refused by {kind.__name__}")


async def passive(connection, name):
    async with connection.channel() as channel:
        return await channel.declare_queue(name, passive=True)


async def wait_until_gone(connection, name):
    async def is_gone():
        try:
            await passive(connection, name)
        except ChannelNotFoundEntity:
            return True
        return False
    await wait_until(is_gone, "the queue's end")


@scenario("hello")
async def hello():
    async with channel_on(0) as here, channel_on(1) as there:
        queue = await here.declare_queue(fresh("hello"))
        await here.default_exchange.publish(Message(b"hello"), queue.name)
        equal((await get(await there.get_queue(queue.name))).body, b"hello")


@scenario("login-refused")
async def login_refused():
    try:
        await connect(password="wrong")
    except ProbableAuthenticationError as error:
        assert "ACCESS_REFUSED" in str(error), error
    else:
        raise AssertionError("a wrong password was accepted")


@scenario("confirms")
async def confirms():
    async with channel_on() as channel:
        queue = await queue_of(channel, "confirms", range(1000))
        equal((await queue.declare()).message_count, 1000)


@scenario("prefetch")
async def prefetch():
    async with channel_on() as channel:
        queue = await queue_of(channel, "prefetch")
        for i in range(20):
            await send(channel, queue, i)
        await channel.set_qos(5)
        inbox = await Inbox.of(queue)
        await inbox.wait(5)
        await inbox.stays(5)
        for count in range(5, 21, 5):
            await (await inbox.wait(count))[count - 1].ack(multiple=True)
        equal(inbox.bodies(), [b"%d" % i for i in range(20)])


@scenario("nack")
async def nack():
    async with channel_on() as channel:
        queue = await queue_of(channel, "nack", ["work"])
        first = await get(queue)
        equal(first.redelivered, False)
        await first.nack(requeue=True)
        again = await get(queue)
        equal((again.redelivered, again.body), (True, b"work"))
        await again.ack()


@scenario("reject")
async def reject():
    async with channel_on() as channel:
        queue = await queue_of(channel, "reject", ["bad", "good"])
        await (await get(queue)).reject(requeue=False)
        equal(await drained(queue), [b"good"])


@scenario("recover")
async def recover():
    async with channel_on() as channel:
        inbox = await Inbox.of(await queue_of(channel, "recover", range(3)))
        await inbox.wait(3)
        await (await channel.get_underlay_channel()).basic_recover(requeue=True)
        again = (await inbox.wait(6))[3:]
        equal([(message.redelivered, message.body) for message in again],
              [(True, b"0"), (True, b"1"), (True, b"2")])


@scenario("return")
async def unroutable():
    async with channel_on(on_return_raises=True) as channel:
        try:
            await channel.default_exchange.publish(Message(b"lost"), fresh("nowhere"))
        except PublishError as error:
            equal(error.frame.reply_code, 312)
        else:
            raise AssertionError("it did not come back")


@scenario("properties")
async def properties():
    moment = datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc)
    headers = {
        "bool": True, "int": -7, "long": 1 << 40, "double": 0.5, "void": None, "time": moment,
        "decimal": decimal.Decimal("1.25"), "string": "text ☃", "bytes": bytearray(b"\x00\xff"),
        "table": {"inner": {"deep": 1}}, "array": [1, "two", [3.5, False], {"k": "v"}]}
    sent = {
        "content_type": "text/plain", "content_encoding": "utf-8", "priority": 3,
        "correlation_id": "correlation", "reply_to": "reply", "expiration": 60, "message_id": "id",
        "timestamp": moment, "type": "type", "user_id": "guest", "app_id": "app"}
    async with channel_on(0) as here, channel_on(1) as there:
        queue = await queue_of(here, "properties")
        await send(here, queue, "", headers=headers, **sent)
        came = await get(await there.get_queue(queue.name))
        equal(dict(came.headers), headers)
        equal({name: getattr(came, name) for name in sent}, sent)
        equal(came.delivery_mode, DeliveryMode.PERSISTENT)


async def bound(channel, exchange, key="", arguments=None):
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, key, arguments=arguments)
    return queue


async def post(exchange, key, body, **properties):
    await exchange.publish(persistent(body, **properties), key, mandatory=False)


@scenario("exchanges")
async def exchanges():
    async with channel_on() as channel:
        for kind, key, match, other in (("direct", "a", "a", "b"), ("fanout", "a", "b", None),
                                        ("topic", "a.*", "a.b", "a.b.c")):
            exchange = await channel.declare_exchange(fresh(kind), ExchangeType(kind))
            queues = [await bound(channel, exchange, key) for _ in range(2)]
            await post(exchange, match, "yes")
            if other:
                await post(exchange, other, "no")
            equal([await drained(queue) for queue in queues], [[b"yes"], [b"yes"]])
        exchange = await channel.declare_exchange(fresh("headers"), ExchangeType.HEADERS)
        whole = await bound(channel, exchange, "", {"x-match": "all", "a": 1, "b": "two"})
        some = await bound(channel, exchange, "", {"x-match": "any", "a": 1, "b": "two"})
        for body, headers in (("both", {"a": 1, "b": "two"}), ("one", {"a": 1, "b": "three"}),
                              ("none", {"c": 1})):
            await post(exchange, "", body, headers=headers)
        equal((await drained(whole), await drained(some)), ([b"both"], [b"both", b"one"]))


@scenario("topic-wildcards")
async def topic_wildcards():
    expected = {"*.orange.*": ["quick.orange.rabbit", "lazy.orange.fox"],
                "#.rabbit": ["quick.orange.rabbit", "rabbit"],
                "lazy.#": ["lazy", "lazy.orange.fox", "lazy.pink.rabbit.x"],
                "#": ["quick.orange.rabbit", "lazy", "lazy.orange.fox", "rabbit", "orange",
                      "lazy.pink.rabbit.x"]}
    async with channel_on() as channel:
        exchange = await channel.declare_exchange(fresh("topic"), ExchangeType.TOPIC)
        queues = {key: await bound(channel, exchange, key) for key in expected}
        for key in expected["#"]:
            await post(exchange, key, key)
        equal({key: [body.decode() for body in await drained(queue)]
               for key, queue in queues.items()}, expected)


@scenario("exchange-binding")
async def exchange_binding():
    async with channel_on() as channel:
        source = await channel.declare_exchange(fresh("source"), ExchangeType.TOPIC)
        destination = await channel.declare_exchange(fresh("destination"), ExchangeType.FANOUT)
        await destination.bind(source, "log.*")
        queue = await bound(channel, destination)
        await post(source, "log.a", "yes")
        await post(source, "metric.a", "no")
        equal(await drained(queue), [b"yes"])


@scenario("server-named")
async def server_named():
    async with channel_on() as channel:
        queue = await channel.declare_queue()
        assert queue.name.startswith("amq.gen-"), queue.name
        await send(channel, queue, "found")
        equal(await drained(queue), [b"found"])


@scenario("exclusive")
async def exclusive():
    name = fresh("exclusive")
    async with await connect(1) as there:
        async with channel_on(0) as here:
            await here.declare_queue(name, exclusive=True)
            await refused(ChannelLockedResource, passive(there, name))
        await wait_until_gone(there, name)


@scenario("auto-delete")
async def auto_delete():
    async with await connect() as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(fresh("auto-delete"), auto_delete=True)
        await queue.cancel((await Inbox.of(queue)).tag)
        await wait_until_gone(connection, queue.name)


@scenario("redeclare")
async def redeclare():
    async with await connect() as connection:
        queue = await queue_of(await connection.channel(), "redeclare")
        other = await connection.channel()
        await refused(ChannelPreconditionFailed, other.declare_queue(queue.name, durable=False))
        await passive(connection, queue.name)


@scenario("missing-queue")
async def missing_queue():
    async with await connect() as connection:
        await refused(ChannelNotFoundEntity, passive(connection, fresh("missing")))
        await (await connection.channel()).declare_queue(exclusive=True)


@scenario("counts")
async def counts():
    async with channel_on() as channel:
        queue = await queue_of(channel, "counts", "abc")
        passively = await channel.declare_queue(queue.name, passive=True)
        equal(passively.declaration_result.message_count, 3)
        equal((await queue.purge()).message_count, 3)
        await send(channel, queue, "d")
        await send(channel, queue, "e")
        equal((await queue.delete(if_empty=False, if_unused=False)).message_count, 2)


@scenario("consumer-cancelled")
async def consumer_cancelled():
    async with channel_on(0) as here, channel_on(1) as there:
        queue = await queue_of(here, "cancelled")
        told = asyncio.get_running_loop().create_future()
        underlay = await here.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(told.set_result)
        inbox = await Inbox.of(queue)
        await there.queue_delete(queue.name)
        equal((await asyncio.wait_for(told, 10)).consumer_tag, inbox.tag)


@scenario("channels")
async def channels():
    async def one(connection):
        async with connection.channel() as channel:
            queue = await channel.declare_queue(exclusive=True)
            inbox = await Inbox.of(queue, no_ack=True)
            for i in range(10):
                await channel.default_exchange.publish(Message(b"%d" % i), queue.name)
            await inbox.wait(10)
            equal(inbox.bodies(), [b"%d" % i for i in range(10)])

    async with await connect() as connection:
        await asyncio.gather(*(one(connection) for _ in range(20)))


@scenario("large-body")
async def large_body():
    body = os.urandom(5 << 20)
    async with channel_on(0) as here, channel_on(1) as there:
        queue = await queue_of(here, "large", [body])
        message = await get(await there.get_queue(queue.name))
        assert message.body == body, "it came back another"


@scenario("heartbeat")
async def heartbeat():
    async with await connect(heartbeat=1) as connection:
        channel = await connection.channel()
        await asyncio.sleep(4)
        queue = await queue_of(channel, "heartbeat", ["alive"])
        equal(await drained(queue), [b"alive"])


@scenario("close-consuming")
async def close_consuming():
    async with channel_on(1) as there:
        async with channel_on(0) as here:
            queue = await queue_of(here, "close")
            for i in range(10):
                await send(here, queue, i)
            await here.set_qos(5)
            await (await Inbox.of(queue)).wait(5)
        inbox = await Inbox.of(await there.get_queue(queue.name))
        came = [(message.redelivered, message.body) for message in await inbox.wait(10)]
        equal(came, [(i < 5, b"%d" % i) for i in range(10)])


@scenario("fair-dispatch")
async def fair_dispatch():
    async with await connect() as connection:
        busy_channel, idle_channel = await connection.channel(), await connection.channel()
        queue = await queue_of(busy_channel, "fair")
        await busy_channel.set_qos(1)
        await idle_channel.set_qos(1)
        busy = await Inbox.of(queue)
        done = []

        async def work(message):
            done.append(message.body)
            await message.ack()

        async def is_done():
            return len(done) == 9

        await (await idle_channel.get_queue(queue.name)).consume(work)
        for i in range(10):
            await send(idle_channel, queue, i)
        await wait_until(is_done, "nine messages")
        equal(len(busy.messages), 1)


@scenario("rpc")
async def rpc():
    async with channel_on(0) as server, channel_on(1) as client:
        queue = await queue_of(server, "rpc")

        async def answer(request):
            async with request.process():
                reply = Message(b"%d" % (int(request.body) * 2),
                                correlation_id=request.correlation_id)
                await server.default_exchange.publish(reply, request.reply_to)

        await queue.consume(answer)
        replies = await client.declare_queue(exclusive=True)
        inbox = await Inbox.of(replies, no_ack=True)
        for i in range(5):
            await send(client, queue, i, reply_to=replies.name, correlation_id=f"request {i}")
        answers = {answer.correlation_id: int(answer.body) for answer in await inbox.wait(5)}
        equal(answers, {f"request {i}": i * 2 for i in range(5)})


@scenario("failover")
async def failover():
    held = [b"held %d" % i for i in range(10)]
    confirmed = list(held)
    doomed = await connect(0)
    channel = await doomed.channel()
    queue = await queue_of(channel, "failover", held)
    await channel.set_qos(len(held))
    await (await Inbox.of(queue)).wait(len(held))
    print("want kill", flush=True)
    deadline = time.monotonic() + 60
    with contextlib.suppress(AMQPError, ConnectionError, RuntimeError):
        while True:
            body = b"message %d" % len(confirmed)
            await send(channel, queue, body)
            confirmed.append(body)
            assert time.monotonic() < deadline, "the node was not killed"
    async with channel_on(1) as channel:
        queue = await channel.get_queue(queue.name)
        for i in range(50):
            await send(channel, queue, f"later {i}")
            confirmed.append(b"later %d" % i)
        inbox = await Inbox.of(queue)

        async def last_is_there():
            return b"later 49" in inbox.bodies()

        await wait_until(last_is_there, "the last message")
        flags = {message.body: message.redelivered for message in inbox.messages}
        missing = set(confirmed) - flags.keys()
        assert not missing, f"{len(missing)} confirmed messages are lost: {sorted(missing)[:3]}"
        assert all(flags[body] for body in held), "a held message came again without the flag"


@scenario("tx")
async def tx():
    async with channel_on(publisher_confirms=False) as channel:
        queue = await channel.declare_queue(fresh("tx"), durable=True)
        transaction = channel.transaction()
        await transaction.select()
        await send(channel, queue, "rolled back")
        await transaction.rollback()
        await send(channel, queue, "committed")
        await transaction.commit()
        equal(await drained(queue), [b"committed"])


@scenario("direct-reply-to")
async def direct_reply_to():
    async with channel_on(0) as server, channel_on(1) as client:
        queue = await queue_of(server, "direct-reply")
        pseudo_queue = await client.get_queue("amq.rabbitmq.reply-to", ensure=False)
        inbox = await Inbox.of(pseudo_queue, no_ack=True)
        await send(client, queue, "ask", reply_to=pseudo_queue.name)
        request = await get(queue)
        await server.default_exchange.publish(Message(b"answer"), request.reply_to)
        await inbox.wait(1)
        equal(inbox.bodies(), [b"answer"])


@scenario("dead-letter")
async def dead_letter():
    async with channel_on() as channel:
        dead = await queue_of(channel, "dead")
        queue = await queue_of(channel, "short-lived", ["late"], {
            "x-message-ttl": 200, "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead.name})
        message = await get(dead)
        [death] = message.headers["x-death"]
        equal((message.body, death["reason"], death["queue"], death["count"]),
              (b"late", "expired", queue.name, 1))


@scenario("priority")
async def priority():
    async with channel_on() as channel:
        queue = await queue_of(channel, "priority", arguments={"x-max-priority": 10})
        for level in (1, 5, 9, 5):
            await send(channel, queue, level, priority=level)
        equal(await drained(queue), [b"9", b"5", b"5", b"1"])


@scenario("max-length")
async def max_length():
    async with channel_on() as channel:
        queue = await queue_of(channel, "max-length", arguments={"x-max-length": 3})
        for i in range(5):
            await send(channel, queue, i)
        equal(await drained(queue), [b"2", b"3", b"4"])


@scenario("single-active-consumer")
async def single_active_consumer():
    async with channel_on() as channel:
        queue = await queue_of(channel, "single", arguments={"x-single-active-consumer": True})
        first, second = [await Inbox.of(queue, no_ack=True) for _ in range(2)]
        for i in range(5):
            await send(channel, queue, i)
        await first.wait(5)
        await second.stays(0)
        await queue.cancel(first.tag)
        await send(channel, queue, "next")
        await second.wait(1)
        equal(second.bodies(), [b"next"])


async def main():
    NODES.extend(sys.argv[1].split(","))
    print("version", aio_pika.__version__, flush=True)
    for name in sys.argv[2:] or SCENARIOS:
        try:
            await asyncio.wait_for(SCENARIOS[name](), 90)
            print("ok", name, flush=True)
        except Exception as error:  # of whatever kind, it is told, and the next one is played
            print(f"not ok {name}: {type(error).__name__} {error}".replace("\n", " "), flush=True)


asyncio.run(main())
