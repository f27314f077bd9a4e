"""Publishers and consumers for the survival tests: real pika clients in processes of their own.

A publisher sends numbered messages to a fanout exchange at a steady rate and notes each confirm; a
consumer holds a fixed number of messages unacknowledged and notes each delivery and each ack. Both
reconnect to the next node of their list when their connection is lost, as applications do.
"""

import asyncio
import collections
import dataclasses
import multiprocessing
import queue as queue_module
import time

import pika
from pika.adapters.asyncio_connection import AsyncioConnection


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
    connections_lost: int = 0


@dataclasses.dataclass
class ConsumerReport:
    queue: str
    home: int
    # (publisher, number, redelivered, connection) in order of delivery
    deliveries: list = dataclasses.field(default_factory=list)
    delivery_times: list = dataclasses.field(default_factory=list)
    # message -> connection on which it was acknowledged
    acked: dict = dataclasses.field(default_factory=dict)
    connections_lost: int = 0
    cancelled: int = 0


class Client:
    """A connection that comes back, on the next address, until told to stop."""

    def __init__(self, ports):
        self.ports = ports
        self.at = 0
        self.epoch = 0
        self.connection = None
        self.channel = None
        self.stopping = False
        self.done = asyncio.Event()
        self.lost = 0

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
                self.epoch += 1
                self.connection, self.channel = connection, channel
                channel.add_on_close_callback(lambda ch, reason: self.on_channel_closed(reason))
                self.on_channel(channel)
                return
            self.at += 1
            await asyncio.sleep(0.05)

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
        self.lost += 1
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
    def __init__(self, ports, report, exchange, rate, window=1000):
        super().__init__(ports)
        self.report, self.exchange, self.rate, self.window = report, exchange, rate, window
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
        for tag in tags:
            number, sent_at = self.unconfirmed.pop(tag, (None, now))
            if number is None:
                continue
            self.report.longest_wait = max(self.report.longest_wait, now - sent_at)
            if acked:
                self.report.confirmed.add(number)
            else:
                self.report.nacked += 1
        if acked:
            self.report.confirm_times.append(now)

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
        self.report.connections_lost = self.lost
        await self.close()


class Consumer(Client):
    def __init__(self, ports, report, hold):
        super().__init__(ports)
        self.report, self.hold = report, hold
        self.held = collections.deque()
        self.draining = False

    def on_channel(self, channel):
        self.held.clear()
        channel.basic_qos(prefetch_count=self.hold + 500)
        channel.add_on_cancel_callback(self.on_cancelled)
        channel.basic_consume(self.report.queue, self.on_message)

    def on_cancelled(self, frame):
        self.report.cancelled += 1

    def on_disconnected(self):
        self.held.clear()

    def on_message(self, channel, method, properties, body):
        name, number = body.decode().split(":")
        message = (name, int(number))
        self.report.deliveries.append((*message, method.redelivered, self.epoch))
        self.report.delivery_times.append(time.monotonic())
        self.held.append((method.delivery_tag, message))
        self.settle(0 if self.draining else self.hold)

    def settle(self, keep):
        while len(self.held) > keep:
            tag, message = self.held.popleft()
            self.channel.basic_ack(tag)
            self.report.acked[message] = self.epoch

    async def run(self, stop, idle=3.0):
        await self.open()
        while not stop.is_set():
            await asyncio.sleep(0.05)
        self.draining = True
        quiet_since = time.monotonic()
        seen = -1
        while time.monotonic() - quiet_since < idle:
            await asyncio.sleep(0.05)
            if self.channel and self.channel.is_open:
                self.settle(0)
            if len(self.report.deliveries) != seen:
                seen, quiet_since = len(self.report.deliveries), time.monotonic()
        self.report.connections_lost = self.lost
        await self.close()


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
        self.publishers, self.consumers = [], []

    def _start(self, kind, arguments, stop):
        process = self.context.Process(target=_run, args=(kind, arguments, stop, self.reports))
        process.start()
        return process

    def publisher(self, name, home, ports, exchange, rate):
        report = PublisherReport(name, home)
        arguments = dict(ports=ports, report=report, exchange=exchange, rate=rate)
        self.publishers.append(self._start(Publisher, arguments, self.stop_publishers))

    def consumer(self, queue, home, ports, hold):
        arguments = dict(ports=ports, report=ConsumerReport(queue, home), hold=hold)
        self.consumers.append(self._start(Consumer, arguments, self.stop_consumers))

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
