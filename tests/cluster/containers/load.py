"""Confirmed load from the host: publishers and a consumer that reconnect as applications do."""

import threading
import time

import pika.exceptions

LOST = (pika.exceptions.AMQPError, OSError)


class Client(threading.Thread):
    """Runs `work` on a connection to the first of `nodes` that answers, again after each loss."""

    def __init__(self, compose, nodes):
        super().__init__(daemon=True)
        self.compose, self.nodes, self.turn = compose, list(nodes), 0
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        while not self.stopping.is_set():
            try:
                connection = self.compose.connect(self.nodes[self.turn % len(self.nodes)])
                try:
                    self.work(connection.channel())
                finally:
                    if connection.is_open:
                        connection.close()
            except LOST:
                self.turn += 1
                time.sleep(0.1)
            except Exception as failure:  # shown by finish
                self.failure = failure
                return

    def finish(self, limit_s=60):
        self.stopping.set()
        self.join(limit_s)
        assert not self.is_alive(), f"{type(self).__name__} hangs"
        if self.failure:
            raise self.failure


class Publisher(Client):
    """Publishes number after number, each after the confirm of the one before."""

    def __init__(self, compose, nodes, queue, name):
        super().__init__(compose, nodes)
        self.queue, self.id = queue, name
        self.number = 0
        self.confirmed = set()

    def work(self, channel):
        channel.confirm_delivery()
        properties = pika.BasicProperties(delivery_mode=2)
        while not self.stopping.is_set():
            try:
                channel.basic_publish("", self.queue, f"{self.id}:{self.number}".encode(),
                                      properties, mandatory=True)
            except pika.exceptions.NackError:
                continue  # the broker says so itself: the same again
            self.confirmed.add(f"{self.id}:{self.number}")
            self.number += 1


class Consumer(Client):
    """Acknowledges and counts all that comes."""

    def __init__(self, compose, nodes, queue, prefetch=100):
        super().__init__(compose, nodes)
        self.queue, self.prefetch = queue, prefetch
        self.seen = {}

    def work(self, channel):
        channel.basic_qos(prefetch_count=self.prefetch)
        for method, _, body in channel.consume(self.queue, inactivity_timeout=0.2):
            if method is not None:
                text = body.decode()
                self.seen[text] = self.seen.get(text, 0) + 1
                channel.basic_ack(method.delivery_tag)
            elif self.stopping.is_set():
                return
