"""Faults that need a stage of their own: each runs its whole story on a cluster and returns what
was broken. `run` starts from a fresh stage every round; names carry the round's number."""

import time

import pika

from checks import Blow
from survival_load import replicas_agree
from warren_cluster import wait_until
from watch import Watch

PERSISTENT = pika.BasicProperties(delivery_mode=2)


def drain(channel, queue):
    """Everything in the queue, acknowledged."""
    bodies = []
    while True:
        method, _, body = channel.basic_get(queue)
        if method is None:
            return bodies
        channel.basic_ack(method.delivery_tag)
        bodies.append(body.decode())


def result(told, broken, confirmed=0, delivered=0, watched=None):
    """`watched`: what a Watch that ran beside it saw."""
    watched = watched or {"confirm_gap": None, "delivery_gap": None, "confirmed": 0,
                          "delivered": 0, "broken": []}
    return watched | {"confirmed": confirmed + watched["confirmed"],
                      "delivered": delivered + watched["delivered"],
                      "broken": broken + watched["broken"], "told": told}


class Scene:
    settings = ("test.placement=true",)
    power_cut = False
    nodes = 3
    target_ms = None  # as faults.Fault's
    number = 0  # of the round, over all scenes

    def __init__(self, cluster):
        self.cluster = cluster
        Scene.number += 1
        self.number = Scene.number

    def name(self, what):
        return f"{what}-{self.number}"

    def run(self):
        raise NotImplementedError

    def watch(self, node):
        return Watch(self.cluster, node, self.name("watch"))


class ExclusiveOwnerKilled(Scene):
    """a node killed that owned exclusive queues: names free, bindings gone"""

    settings = Scene.settings + ("node.dead_timeout_refused_ms=2000",)
    PATIENCE = 20
    target_ms = 500

    def claim(self, queue):
        """True once this connection owns the queue; 405 while the dead node's client does."""
        with self.cluster.connect(1) as connection:
            try:
                connection.channel().queue_declare(queue, exclusive=True)
                return True
            except pika.exceptions.ChannelClosedByBroker as closed:
                if closed.reply_code not in (405, 541):
                    raise
                return False

    def bindings(self):
        rows = self.cluster.ctl(1, "-q", "list_bindings", "source_name", "destination_name")
        return [row for row in rows.splitlines() if row.startswith(self.name("calls"))]

    def routes(self, channel, key):
        try:
            channel.basic_publish(self.name("calls"), key, b"anyone?", mandatory=True)
            return True
        except pika.exceptions.UnroutableError:
            return False

    def run(self):
        with self.watch(1) as watch:
            return self.watched(watch)

    def watched(self, watch):
        victim = 3
        owner = self.cluster.connect(victim)
        channel = owner.channel()
        channel.exchange_declare(self.name("calls"), "direct", durable=True)
        mine = self.name("mine")
        channel.queue_declare(mine, exclusive=True)
        channel.queue_bind(mine, self.name("calls"), "named")
        nameless = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(nameless, self.name("calls"), "nameless")

        broken = []
        with self.cluster.connect(1, heartbeat=0) as other:
            publisher = other.channel()
            publisher.confirm_delivery()
            if not self.routes(publisher, "named"):
                broken.append("an exclusive queue's binding was not seen by another node")
            if self.claim(mine):
                broken.append("a second connection got a living connection's exclusive queue")
            killed = time.monotonic()
            self.cluster.kill(victim)
            wait_until(lambda: self.claim(mine), self.PATIENCE, 0.2, "the name to be free again")
            freed = time.monotonic() - killed
            wait_until(lambda: not self.bindings(), 10, 0.2, "the dead node's bindings to go")
            broken += [f"{key} is still routed to the dead node's queue"
                       for key in ("named", "nameless") if self.routes(publisher, key)]
        blows = [Blow((victim,), killed, time.monotonic())]
        self.cluster.resume(victim)
        try:
            with self.cluster.connect(victim) as again:
                again.channel().queue_declare(mine, exclusive=True)
        except pika.exceptions.AMQPError as error:
            broken.append(f"the restarted node cannot use the name: {error!r}")
        watched = watch.finish(blows)
        replicas_agree(self.cluster)
        return result(f"free after {freed:.1f} s", broken, watched=watched)


class StaleBindings(Scene):
    """SIGSTOP of a node, bind and unbind elsewhere, let it go on"""

    HUNG = 25  # messages that lie in its sockets when it goes on
    AFTER = 25
    target_ms = 3000

    def publish(self, channel, begin, count):
        for number in range(begin, begin + count):
            channel.basic_publish(self.name("roads"), "key", str(number).encode(), PERSISTENT)

    def run(self):
        with self.watch(1) as watch:
            return self.watched(watch)

    def watched(self, watch):
        victim = 3
        exchange, old, new = self.name("roads"), self.name("old"), self.name("new")
        client = self.cluster.connect(victim, heartbeat=0)
        sender = client.channel()
        other = self.cluster.connect(1, heartbeat=0)
        binder = other.channel()
        binder.exchange_declare(exchange, "direct", durable=True)
        for number, queue in enumerate((old, new)):
            binder.queue_declare(queue, durable=True, arguments={"x-warren-group": number + 1})
        binder.queue_bind(old, exchange, "key")
        self.publish(sender, 0, 1)
        wait_until(lambda: drain(binder, old) == ["0"], 10, 0.05, "the first binding to be used")

        hung = time.monotonic()
        self.cluster.hang(victim)
        try:
            # One after the other: in between both or none may get a message, but none is sent.
            binder.queue_bind(new, exchange, "key")
            binder.queue_unbind(old, exchange, "key")
            self.publish(sender, 1, self.HUNG)
        finally:
            blows = [Blow((victim,), hung, time.monotonic())]
            self.cluster.unhang(victim)
        self.publish(sender, 1 + self.HUNG, self.AFTER)
        expected = [str(number) for number in range(1, 1 + self.HUNG + self.AFTER)]
        got = []

        def arrived():
            got.extend(drain(binder, new))
            return len(got) >= len(expected)

        broken = []
        try:
            wait_until(arrived, 30, 0.1, "all messages in the new queue")
        except AssertionError:
            broken.append(f"{len(expected) - len(got)} of {len(expected)} messages did not come")
        if stale := drain(binder, old):
            broken.append(f"{len(stale)} messages were routed by the old binding, first {stale[0]}")
        if got != expected[:len(got)]:
            broken.append("messages came in another order than sent")
        for connection in (client, other):
            connection.close()
        watched = watch.finish(blows)
        replicas_agree(self.cluster)
        return result(f"{len(got)} messages by the new binding", broken, delivered=len(got),
                      watched=watched)


class Minority(Scene):
    """two of three down: 541 in time; a channel opened meanwhile works once there is a leader"""

    TIMEOUT = 3.0
    settings = Scene.settings + (f"channel_operation_timeout={TIMEOUT * 1000:.0f}",)

    def declare_is_refused_in_time(self):
        """A synchronous method that needs a leader is answered 541 within its timeout."""
        begun = time.monotonic()
        try:
            with self.cluster.connect(1) as connection:
                connection.channel().queue_declare(self.name("never"), durable=True)
            return ["a minority declared a queue"]
        except pika.exceptions.AMQPError as error:
            code = getattr(error, "reply_code", None)
        took = time.monotonic() - begun
        broken = [] if code == 541 else [f"queue.declare without a leader got {error_text(code)}"]
        return broken + ([f"it took {took:.1f} s"] if took > self.TIMEOUT + 2 else [])

    def run(self):
        with self.watch(1) as watch:
            return self.watched(watch)

    def watched(self, watch):
        queue = self.name("patient")
        with self.cluster.connect(1) as connection:
            connection.channel().queue_declare(queue, durable=True,
                                               arguments={"x-warren-group": 1})
        killed = time.monotonic()
        for victim in (2, 3):
            self.cluster.kill(victim)
        time.sleep(4)  # so that the routing lease and the old leaders are gone
        broken = self.declare_is_refused_in_time()
        connection = self.cluster.connect(1, heartbeat=0)
        channel = connection.channel()
        channel.basic_publish("", queue, b"early", PERSISTENT)
        self.cluster.resume(2)
        back = time.monotonic()
        got = []
        channel.basic_consume(queue, lambda _c, method, _p, body: (
            got.append(body), channel.basic_ack(method.delivery_tag)))
        while not got and time.monotonic() < back + 15:
            connection.process_data_events(0.1)
        took = time.monotonic() - back
        if got != [b"early"]:
            broken.append(f"the channel opened without a leader delivered {got}")
        connection.close()
        self.cluster.resume(3)
        watched = watch.finish([Blow((2, 3), killed, back)])
        replicas_agree(self.cluster)
        return result(f"delivered {took:.1f} s after the second node serves", broken,
                      delivered=len(got), watched=watched)


def error_text(code):
    return "no reply code" if code is None else str(code)
