"""Publishers and consumers for the survival tests: real pika clients in processes of their own.

A publisher sends numbered messages to a fanout exchange at a steady rate and notes each confirm; a
consumer holds a fixed number of messages unacknowledged and notes each delivery, each ack, and when
it learned that the acks before are settled. All reconnect to the next node of their list when their
connection is lost, as applications do. Times are of the machine's monotonic clock, which all
processes share.
"""

import asyncio
import collections
import dataclasses
import multiprocessing
import queue as queue_module
import time

import pika
import pika.exceptions
from pika.adapters.asyncio_connection import AsyncioConnection


@dataclasses.dataclass
class Connection:
    node: int
    opened: float
    lost: float = float("inf")  # but by the client's own wish


# `connection`: the number of the client's connection, from 1 (Report.connections).
Delivery = collections.namedtuple("Delivery", "publisher number redelivered connection at")


@dataclasses.dataclass
class PublisherReport:
    name: str
    home: int
    confirmed: set = dataclasses.field(default_factory=set)
    nacked: int = 0
    sent: int = 0
    confirm_times: list = dataclasses.field(default_factory=list)
    connections_began: list = dataclasses.field(default_factory=list)  # with which number
    longest_wait: float = 0.0  # seconds from a publish to its confirm or nack; for ever: inf
    connections: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class ConsumerReport:
    queue: str
    home: int
    deliveries: list = dataclasses.field(default_factory=list)  # in their order
    # (publisher, number) -> when its ack was sent, the last time
    acked: dict = dataclasses.field(default_factory=dict)
    # (publisher, number) -> since when its ack is known to be settled
    settled: dict = dataclasses.field(default_factory=dict)
    connections: list = dataclasses.field(default_factory=list)
    cancelled: list = dataclasses.field(default_factory=list)  # when


class Client:
    """A connection that comes back, on the next address, until told to stop."""

    def __init__(self, ports, report):
        self.ports = ports  # of node `home` and those after it, in a ring
        self.report = report
        self.at = 0
        self.connection = None
        self.channel = None
        self.stopping = False
        self.done = asyncio.Event()

    async def open(self):
        while not self.stopping:
            loop = asyncio.get_running_loop()
            outcome = loop.create_future()

            def settle(value):
                if not outcome.done():
                    outcome.set_result(value)

            connection = AsyncioConnection(
                pika.ConnectionParameters(
                    "127.0.0.1", self.ports[self.at % len(self.ports)], heartbeat=20,
                    socket_timeout=2, stack_timeout=5, blocked_connection_timeout=60),
                on_open_callback=lambda c: c.channel(on_open_callback=lambda ch: settle(ch)),
                on_open_error_callback=lambda c, e: settle(None),
                on_close_callback=lambda c, e: (settle(None), self.on_lost(c)),
            )
            try:
                channel = await asyncio.wait_for(outcome, 10)
            except asyncio.TimeoutError:
                channel = None
            if channel is not None:
                node = (self.report.home - 1 + self.at) % len(self.ports) + 1
                self.report.connections.append(Connection(node, time.monotonic()))
                self.connection = connection
                self.take(channel)
                return
            self.at += 1
            await asyncio.sleep(0.05)

    def take(self, channel):
        self.channel = channel
        channel.add_on_close_callback(lambda ch, reason: self.on_channel_closed(reason))
        self.on_channel(channel)

    def on_channel_closed(self, reason):
        if not self.stopping and self.connection.is_open:
            self.connection.close()

    def on_lost(self, connection):
        if connection is not self.connection:
            return
        self.channel = None
        if self.stopping:
            self.done.set()
            return
        self.report.connections[-1].lost = time.monotonic()
        self.at += 1
        self.on_disconnected()
        asyncio.ensure_future(self.open())

    def on_disconnected(self):
        pass

    async def close(self):
        self.stopping = True
        if self.connection and self.connection.is_open:
            self.connection.close()
            await asyncio.wait_for(self.done.wait(), 30)


class Publisher(Client):
    def __init__(self, ports, report, exchange, rate, confirms, window=1000):
        super().__init__(ports, report)
        self.confirms = confirms  # counts those of all publishers
        self.exchange, self.rate, self.window = exchange, rate, window
        self.unconfirmed = collections.OrderedDict()
        self.next_number = 0

    def on_channel(self, channel):
        self.report.connections_began.append(self.next_number)
        self.tag = 0
        self.unconfirmed = collections.OrderedDict()
        channel.confirm_delivery(self.on_confirm)

    def on_disconnected(self):
        # What was not confirmed may or may not arrive: nothing is claimed of it.
        self.unconfirmed = collections.OrderedDict()

    def on_confirm(self, frame):
        now = time.monotonic()
        method = frame.method
        tags = [method.delivery_tag]
        if method.multiple:
            tags = [tag for tag in self.unconfirmed if tag <= method.delivery_tag]
        acked = isinstance(method, pika.spec.Basic.Ack)
        if acked:
            with self.confirms.get_lock():
                self.confirms.value += len(tags)
        for tag in tags:
            number, sent_at = self.unconfirmed.pop(tag, (None, now))
            if number is None:
                continue
            self.report.longest_wait = max(self.report.longest_wait, now - sent_at)
            if acked:
                self.report.confirmed.add(number)
                self.report.confirm_times.append(now)
            else:
                self.report.nacked += 1

    def publish(self):
        self.tag += 1
        self.unconfirmed[self.tag] = (self.next_number, time.monotonic())
        self.channel.basic_publish(
            self.exchange, "", f"{self.report.name}:{self.next_number}".encode(),
            pika.BasicProperties(delivery_mode=2))
        self.next_number += 1

    async def run(self, stop):
        await self.open()
        start, sent = time.monotonic(), 0
        while not stop.is_set():
            await asyncio.sleep(0.005)
            due = int((time.monotonic() - start) * self.rate)
            while sent < due:
                sent += 1
                if self.channel and self.channel.is_open and len(self.unconfirmed) < self.window:
                    self.publish()
        deadline = time.monotonic() + 30
        while self.unconfirmed and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        if self.unconfirmed:
            self.report.longest_wait = float("inf")
        self.report.sent = self.next_number
        await self.close()


class Consumer(Client):
    """Holds `hold` messages, and learns that its acks are settled when its channel is closed at
    the end: channel.close-ok waits for that. basic.ack has no reply, and nothing else that a plain
    channel is answered waits for the settles before it."""

    def __init__(self, ports, report, hold):
        super().__init__(ports, report)
        self.hold = hold
        self.held = collections.deque()
        self.unvouched = []  # acknowledged on this channel, and perhaps not settled yet
        self.draining = False

    def on_channel(self, channel):
        self.held.clear()
        self.unvouched = []
        self.consume(channel)

    def consume(self, channel):
        channel.basic_qos(prefetch_count=self.hold + 500)
        channel.add_on_cancel_callback(self.on_cancelled)
        self.tag = channel.basic_consume(self.report.queue, self.on_message)

    def on_cancelled(self, frame):
        self.report.cancelled.append(time.monotonic())

    def on_disconnected(self):
        self.held.clear()
        self.unvouched = []

    def on_message(self, channel, method, properties, body):
        name, number = body.decode().split(":")
        message = (name, int(number))
        self.report.deliveries.append(Delivery(
            *message, method.redelivered, len(self.report.connections), time.monotonic()))
        self.held.append((method.delivery_tag, message))
        self.settle(0 if self.draining else self.hold)

    def settle(self, keep):
        while len(self.held) > keep:
            tag, message = self.held.popleft()
            self.channel.basic_ack(tag)
            self.report.acked[message] = time.monotonic()
            self.unvouched.append(message)

    def vouch(self, messages):
        now = time.monotonic()
        for message in messages:
            self.report.settled.setdefault(message, now)

    def pause(self):
        """Every 50 ms, connected or not."""

    async def run(self, stop, idle=3.0):
        await self.open()
        while not stop.is_set():
            await asyncio.sleep(0.05)
            self.pause()
        self.draining = True
        quiet_since = time.monotonic()
        seen = -1
        while time.monotonic() - quiet_since < idle:
            await asyncio.sleep(0.05)
            if self.channel and self.channel.is_open:
                self.settle(0)
                self.pause()
            if len(self.report.deliveries) != seen:
                seen, quiet_since = len(self.report.deliveries), time.monotonic()
        await self.close_channel()
        await self.close()

    async def close_channel(self):
        if not self.channel or not self.channel.is_open:
            return
        self.stopping = True
        channel, told = self.channel, self.unvouched
        channel.close()
        deadline = time.monotonic() + 30
        while not channel.is_closed and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        if channel.is_closed and self.connection.is_open:
            self.vouch(told)


class TransactingConsumer(Consumer):
    """Acknowledges in transactions: tx.commit-ok waits until their settles are committed."""

    def on_channel(self, channel):
        self.held.clear()
        self.unvouched = []
        self.committing = False
        channel.tx_select(lambda _: self.consume(channel))

    def settle(self, keep):
        if not self.committing:  # nothing may be sent until tx.commit-ok
            super().settle(keep)

    def pause(self):
        channel = self.channel
        if not self.unvouched or self.committing or not channel or not channel.is_open:
            return
        told, self.unvouched = self.unvouched, []
        self.committing = True

        def committed(_):
            self.vouch(told)
            if channel is self.channel:
                self.committing = False
                self.settle(0 if self.draining else self.hold)

        channel.tx_commit(committed)

    async def close_channel(self):
        """Closing would roll back what is not committed."""
        deadline = time.monotonic() + 30
        while (self.held or self.unvouched or self.committing) and time.monotonic() < deadline:
            self.pause()
            await asyncio.sleep(0.01)
        await super().close_channel()


class RotatingConsumer(Consumer):
    """Acknowledges one by one at once, and closes its channel every second for another: when
    channel.close-ok is there, its acks are settled. (What arrives between cancel and cancel-ok pika
    gives back by itself: it is no delivery to us.)"""

    PERIOD = 1.0

    def on_channel(self, channel):
        super().on_channel(channel)
        self.rotating = False
        self.began = time.monotonic()

    def pause(self):
        due = time.monotonic() - self.began > self.PERIOD if self.channel else False
        if due and not self.rotating and not self.draining and self.channel.is_open:
            self.rotating = True
            channel = self.channel
            channel.basic_cancel(self.tag, lambda _: self.rotate(channel))

    def rotate(self, channel):
        if channel.is_open:
            self.settle(0)
            channel.close()

    def on_channel_closed(self, reason):
        if not isinstance(reason, pika.exceptions.ChannelClosedByClient):
            super().on_channel_closed(reason)
        elif not self.stopping:
            self.vouch(self.unvouched)
            self.connection.channel(on_open_callback=self.take)


def _run(kind, arguments, stop, reports):
    report = arguments["report"]
    client = kind(**arguments)
    asyncio.run(client.run(stop))
    reports.put(report)


class Workload:
    """Starts the clients, and collects their reports when stopped."""

    def __init__(self):
        self.context = multiprocessing.get_context("fork")
        self.stop_publishers = self.context.Event()
        self.stop_consumers = self.context.Event()
        self.reports = self.context.Queue()
        self.confirms = self.context.Value("Q")
        self.publishers, self.consumers = [], []

    def _start(self, kind, arguments, stop):
        process = self.context.Process(target=_run, args=(kind, arguments, stop, self.reports))
        process.start()
        return process

    def publisher(self, name, home, ports, exchange, rate):
        report = PublisherReport(name, home)
        arguments = dict(ports=ports, report=report, exchange=exchange, rate=rate,
                         confirms=self.confirms)
        self.publishers.append(self._start(Publisher, arguments, self.stop_publishers))

    def consumer(self, queue, home, ports, hold, kind=Consumer):
        arguments = dict(ports=ports, report=ConsumerReport(queue, home), hold=hold)
        self.consumers.append(self._start(kind, arguments, self.stop_consumers))

    def _collect(self, processes, timeout):
        collected = []
        deadline = time.monotonic() + timeout
        while len(collected) < len(processes):
            try:
                collected.append(self.reports.get(timeout=max(0.1, deadline - time.monotonic())))
            except queue_module.Empty:
                raise AssertionError("a client did not end in time") from None
        for process in processes:
            process.join(10)
        return collected

    def finish(self):
        """Publishers end first, then the consumers drain. Returns both lists of reports."""
        self.stop_publishers.set()
        published = self._collect(self.publishers, 60)
        self.stop_consumers.set()
        consumed = self._collect(self.consumers, 120)
        return published, consumed

    def terminate(self):
        for process in self.publishers + self.consumers:
            if process.is_alive():
                process.terminate()
                process.join(5)
