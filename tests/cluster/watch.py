"""A publisher and a consumer on a node that a scene spares: what they see is held to the same
checks as under load, and gives the scene its times."""

import time

import checks
from warren_cluster import wait_until
from workload import Workload

RATE = 200  # a second
HOLD = 50


class Watch:
    """Start it before the scene's own connections: its clients are forked."""

    def __init__(self, cluster, node, name):
        self.cluster, self.node, self.name = cluster, node, name
        with cluster.connect(node) as connection:
            channel = connection.channel()
            channel.exchange_declare(name, "fanout", durable=True)
            channel.queue_declare(name, durable=True, arguments={"x-warren-group": 2})
            channel.queue_bind(name, name)
        ports = [cluster.port(number) for number in range(1, cluster.nodes + 1)]
        ports = ports[node - 1:] + ports[:node - 1]
        self.load = Workload()
        self.load.consumer(name, node, ports, HOLD)
        self.load.publisher(name, node, ports, name, RATE)
        time.sleep(1.5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.load.terminate()

    def finish(self, blows):
        """The times, what was broken, and how much was confirmed and delivered."""
        published, consumed = self.load.finish()
        wait_until(self.is_empty, 30, 0.25, f"{self.name} to be empty with nothing unacknowledged")
        with self.cluster.connect(self.node) as connection:
            channel = connection.channel()
            channel.queue_delete(self.name)
            channel.exchange_delete(self.name)
        return {
            "confirm_gap": checks.survivors_gap(published, lambda r: r.confirm_times, blows),
            "delivery_gap": checks.survivors_gap(
                consumed, lambda r: [delivery.at for delivery in r.deliveries], blows),
            "broken": checks.all_checks(published, consumed, blows)
            + checks.nobody_was_disturbed_before(published + consumed, blows[0].begin),
            "confirmed": sum(len(report.confirmed) for report in published),
            "delivered": sum(len(report.deliveries) for report in consumed),
        }

    def is_empty(self):
        row = self.cluster.queues(self.node)[self.name]
        return row["messages_ready"] == 0 and row["messages_unacknowledged"] == 0
