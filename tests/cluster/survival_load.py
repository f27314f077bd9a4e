"""What faults strike: four queues in four groups behind a fanout, and clients on all nodes. Two
consumers a queue, on different nodes: one holds a thousand messages and acknowledges the rest; of
the other kind every second acknowledges in transactions, and every second closes its channel again
and again, so that it is known what is settled."""

import itertools
import os
import time

import checks
from warren_cluster import BUILD, SANITIZED, wait_until
from workload import Consumer, RotatingConsumer, TransactingConsumer, Workload

GROUPS = (1, 2, 3, 4)
NODES = (1, 2, 3)
HOLD = 1000  # unacknowledged, each holding consumer
TRANSACTED = 200  # the same of one that acknowledges in transactions
RATE = 600  # a second, each of two publishers: more than is asked for
WARM_UP = 5.0  # s until the consumers hold that much
WINDOW, PATIENCE = 2.0, 8  # s over which a rate is taken, and how often it may be too low
# What must have flowed and been held before a fault: so much a second, and in each queue.
LEAST_RATE, LEAST_HELD = 1000, 1000
# A build that is slow by its nature cannot carry all of it.
SCALE = float(os.environ.get("WARREN_TEST_LOAD_SCALE", 0.2 if SANITIZED else 1.0))

rounds = itertools.count(1)


def told():
    """What the run asks of its load, in words."""
    scale = "" if SCALE == 1 else f" ({SCALE:g} of the full load, for the build {BUILD.name})"
    return (f"before each fault at least {LEAST_RATE * SCALE:.0f} messages a second are confirmed "
            f"and {LEAST_HELD * SCALE:.0f} held in each of {len(GROUPS)} groups{scale}")


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
        other = home % len(NODES) + 1
        queue = f"survival-{group}"
        load.consumer(queue, home, from_home(home), HOLD, Consumer)
        if group % 2:
            load.consumer(queue, other, from_home(other), TRANSACTED, TransactingConsumer)
        else:
            load.consumer(queue, other, from_home(other), 0, RotatingConsumer)
    number = next(rounds)
    for home in (1, 2):
        load.publisher(f"p{home}-{number}", home, from_home(home), "survival", RATE)
    return load


def wait_until_it_flows(cluster, load):
    """The clients fill their hands, and longer where the machine is busy with something else: what
    flowed is judged afterwards (check_load). The queues must be where they are meant to be."""
    time.sleep(WARM_UP - WINDOW)
    for _ in range(PATIENCE):
        before = load.confirms.value
        time.sleep(WINDOW)
        if load.confirms.value - before >= 1.1 * LEAST_RATE * SCALE * WINDOW:
            break
    hosting = {group for group, row in cluster.groups(1).items() if group and row["queues"]}
    assert hosting >= set(GROUPS), f"queues are in the groups {sorted(hosting)} only"


def check_load(published, consumed, blows):
    begin = blows[0].begin
    return (checks.nobody_was_disturbed_before(published + consumed, begin)
            + checks.load_was_real(published, consumed, begin, LEAST_RATE * SCALE,
                                   LEAST_HELD * SCALE)
            + checks.settles_were_known(consumed, blows))


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
    """All have their leader's log to its end, it rests, and what they made of it is the same."""
    def agreed():
        return all_vote(cluster, asked) and all(
            member["match"] == row["last_entry"]
            for row in cluster.groups(asked).values() for member in row["members"])

    def compared():
        groups, digests = cluster.groups(asked), cluster.http(asked, "/api/warren/digests")
        broken = checks.states_agree(digests)
        assert not broken, "; ".join(broken)
        return checks.digests_are_complete(groups, digests)

    wait_until(agreed, 60, 0.25, "all replicas to be voters with the same log")
    wait_until(compared, 30, 0.25, "all replicas to have applied the same log")
