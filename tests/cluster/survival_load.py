"""What faults strike: four queues in four groups behind a fanout, and clients on all nodes."""

from warren_cluster import wait_until
from workload import Workload

GROUPS = (1, 2, 3, 4)
NODES = (1, 2, 3)
HOLD = 1000  # unacknowledged, each consumer
RATE = 500  # a second, each of two publishers


def declare(cluster):
    with cluster.connect(1) as connection:
        channel = connection.channel()
        channel.exchange_declare("survival", "fanout", durable=True)
        for group in GROUPS:
            queue = f"survival-{group}"
            channel.queue_declare(queue, durable=True, arguments={"x-warren-group": group})
            channel.queue_bind(queue, "survival")


def start(cluster):
    load = Workload()
    ports = [cluster.port(node) for node in NODES]

    def from_home(home):
        return ports[home - 1:] + ports[:home - 1]

    for group in GROUPS:
        home = (group - 1) % len(NODES) + 1
        load.consumer(f"survival-{group}", home, from_home(home), HOLD)
    for home in (1, 2):
        load.publisher(f"p{home}", home, from_home(home), "survival", RATE)
    return load


def wait_until_empty(cluster):
    def empty():
        queues = cluster.queues(1)
        return all(queues[f"survival-{group}"]["messages_ready"] == 0
                   and queues[f"survival-{group}"]["messages_unacknowledged"] == 0
                   for group in GROUPS)

    wait_until(empty, 30, 0.25, "all queues to be empty with nothing unacknowledged")


def all_vote(cluster, asked=1):
    """Every group has a leader, and all three nodes as voters."""
    groups = cluster.groups(asked)
    return groups and all(
        row["leader"] and len(row["members"]) == len(NODES)
        and {member["node"] for member in row["members"] if member["voter"]} == cluster.names()
        for row in groups.values())


def replicas_agree(cluster, asked=1):
    """All have their leader's log to its end, and it rests. That equal logs make equal states, the
    simulation shows."""
    def agreed():
        return all_vote(cluster, asked) and all(
            member["match"] == row["last_entry"]
            for row in cluster.groups(asked).values() for member in row["members"])

    wait_until(agreed, 60, 0.25, "all replicas to be voters with the same log")
