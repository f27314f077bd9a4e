"""A node that is told to stop (SIGTERM) hands over what it leads before it closes connections."""

import os
import signal
import threading
import time

import pika
import pytest

from warren_cluster import SANITIZED, wait_until

GROUP = 3
LONGEST_GAP = 5 if SANITIZED else 1  # s without a confirm; an election by timeout takes longer


class Publisher(threading.Thread):
    """Publishes with confirms, one by one, until it is told to stop or its node closes."""

    def __init__(self, connection, queue, done):
        super().__init__(daemon=True)
        self.connection, self.queue, self.done = connection, queue, done
        self.confirmed, self.longest_gap, self.closed_by = 0, 0.0, None

    def run(self):
        channel = self.connection.channel()
        channel.confirm_delivery()
        last = time.monotonic()
        try:
            while not self.done.is_set():
                channel.basic_publish("", self.queue, b"x", pika.BasicProperties(delivery_mode=2))
                now = time.monotonic()
                self.longest_gap = max(self.longest_gap, now - last)
                last = now
                self.confirmed += 1
        except pika.exceptions.ConnectionClosedByBroker as closed:
            self.closed_by = closed.reply_code


@pytest.fixture
def queue(cluster, connect):
    channel = connect(1).channel()
    channel.queue_declare("stop", durable=True, arguments={"x-warren-group": GROUP})
    yield "stop"
    connect(1).channel().queue_delete("stop")


def test_leads_nothing_any_more_when_it_says_goodbye(cluster, connect, queue):
    stopped = cluster.number_of(cluster.groups(1)[GROUP]["leader"])
    name, other = cluster.node(stopped)["name"], stopped % 3 + 1
    done = threading.Event()
    its_client = Publisher(connect(stopped), queue, done)
    another = Publisher(connect(other), queue, done)
    for publisher in (its_client, another):
        publisher.start()
    try:
        wait_until(lambda: its_client.confirmed > 50 and another.confirmed > 50)
        os.kill(cluster.status()[stopped - 1]["pid"], signal.SIGTERM)
        its_client.join(20)
        leaders = {row["leader"] for row in cluster.groups(other).values()}
        before = another.confirmed
        wait_until(lambda: another.confirmed > before + 50)
        wait_until(lambda: not cluster.lives(stopped), what=f"node {stopped} to end")
    finally:
        done.set()
        another.join(20)
        if not cluster.lives(stopped):
            cluster.resume(stopped)
    cluster.wait_for_leaders(1)
    assert its_client.closed_by == 320
    assert name not in leaders
    assert max(its_client.longest_gap, another.longest_gap) < LONGEST_GAP
    # All that was confirmed is there; of each publisher one more may be, its confirm lost.
    ready = cluster.queues(1)[queue]["messages_ready"]
    confirmed = its_client.confirmed + another.confirmed
    assert confirmed <= ready <= confirmed + 2
