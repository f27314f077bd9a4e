#!/usr/bin/env python3
"""Faults on a three-node cluster of real processes under real clients, and what they saw.

    survival.py [--rounds N] [--fault NAME]... [--markdown]

Publishers send persistent messages through one fanout to four queues in four groups and note every
confirm; consumers hold a thousand messages each. After each fault: every confirmed message was
consumed, first deliveries in order, nothing twice to a client that stayed, `redelivered` never
missing, clients on surviving nodes never disturbed, all queues empty. Prints for each fault the
longest time without a confirm and without a delivery, seen by clients on surviving nodes.
"""

import argparse
import pathlib
import shutil
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import checks  # noqa: E402
from warren_cluster import Cluster, wait_until  # noqa: E402
from workload import Workload  # noqa: E402

GROUPS = (1, 2, 3, 4)
HOLD = 1000
RATE = 500  # a second, each of two publishers


class Fault:
    """`strike` does harm and returns the nodes that suffered; `heal` undoes it."""

    settle = 3.0  # seconds of load after the fault before it is healed

    def __init__(self, cluster):
        self.cluster = cluster

    def strike(self):
        raise NotImplementedError

    def heal(self, victims):
        for victim in victims:
            self.cluster.resume(victim)

    def leader_of(self, group, asked=1):
        return self.cluster.number_of(self.cluster.wait_for_leaders(asked)[group]["leader"])


class KillLeader(Fault):
    """kill -9 of the node that leads a queue"""

    def strike(self):
        victim = self.leader_of(GROUPS[0])
        self.cluster.kill(victim)
        return [victim]


class KillFollower(Fault):
    """kill -9 of a node that leads none of the queues, or the fewest"""

    def strike(self):
        leaders = [self.leader_of(group) for group in GROUPS]
        victim = min((1, 2, 3), key=leaders.count)
        self.cluster.kill(victim)
        return [victim]


class KillCatalogLeader(Fault):
    """kill -9 of the catalog's leader"""

    def strike(self):
        victim = self.leader_of(0)
        self.cluster.kill(victim)
        return [victim]


class RestartEach(Fault):
    """each node killed and restarted in turn"""

    settle = 1.0

    def strike(self):
        for victim in (1, 2, 3):
            self.cluster.kill(victim)
            time.sleep(1)
            self.cluster.resume(victim)
        return [1, 2, 3]

    def heal(self, victims):
        pass


class KillAll(Fault):
    """kill -9 of all three at once"""

    settle = 1.0

    def strike(self):
        for victim in (1, 2, 3):
            self.cluster.kill(victim)
        return [1, 2, 3]

    def heal(self, victims):
        self.cluster.quickstart("start")


class HangLeader(Fault):
    """SIGSTOP of a queue's leader for 10 s"""

    settle = 10.0

    def strike(self):
        victim = self.leader_of(GROUPS[1])
        self.cluster.hang(victim)
        return [victim]

    def heal(self, victims):
        for victim in victims:
            self.cluster.unhang(victim)


class WipeDisk(Fault):
    """a node killed and its disk wiped"""

    settle = 1.0

    def strike(self):
        victim = self.leader_of(GROUPS[2])
        data = next(row["data_directory"] for row in self.cluster.status()
                    if row["node"] == victim)
        self.cluster.kill(victim)
        shutil.rmtree(data)
        return [victim]

    def heal(self, victims):
        super().heal(victims)
        name = {row["node"]: row["name"] for row in self.cluster.status()}

        def rejoined():
            groups = self.cluster.groups(1)
            return all(
                {m["node"] for m in row["members"] if m["voter"]} == set(name.values())
                and len(row["members"]) == 3 for row in groups.values())

        wait_until(rejoined, 60, 0.5, "the wiped node to be a voter of every group again")


class LoseMajority(Fault):
    """kill -9 of two of three: nothing is confirmed, and service comes back by itself"""

    settle = 3.0

    def strike(self):
        victims = [2, 3]
        for victim in victims:
            self.cluster.kill(victim)
        return victims


FAULTS = {
    "kill_leader": KillLeader,
    "kill_follower": KillFollower,
    "kill_catalog_leader": KillCatalogLeader,
    "restart_each": RestartEach,
    "kill_all": KillAll,
    "hang_leader": HangLeader,
    "wipe_disk": WipeDisk,
    "lose_majority": LoseMajority,
}


def declare(cluster):
    with cluster.connect(1) as connection:
        channel = connection.channel()
        channel.exchange_declare("survival", "fanout", durable=True)
        for group in GROUPS:
            queue = f"survival-{group}"
            channel.queue_declare(queue, durable=True, arguments={"x-warren-group": group})
            channel.queue_bind(queue, "survival")


def start_load(cluster):
    load = Workload()
    ports = [cluster.port(node) for node in (1, 2, 3)]

    def from_home(home):
        return ports[home - 1:] + ports[:home - 1]

    for group in GROUPS:
        home = (group - 1) % 3 + 1
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

    wait_until(empty, 20, 0.25, "all queues to be empty with nothing unacknowledged")


def replicas_agree(cluster):
    def caught_up():
        return all(row["lag"] == 0 and len(row["members"]) == 3
                   for row in cluster.wait_for_leaders(1).values())

    wait_until(caught_up, 30, 0.25, "all replicas to have the same log")


def run_fault(cluster, name):
    cluster.wait_for_leaders(1)
    fault = FAULTS[name](cluster)
    load = start_load(cluster)
    try:
        time.sleep(HOLD / (2 * RATE) + 2)
        struck = time.monotonic()
        victims = fault.strike()
        time.sleep(fault.settle)
        end = time.monotonic()
        fault.heal(victims)
        time.sleep(1.5)
        published, consumed = load.finish()
    finally:
        load.terminate()
    survivors = {1, 2, 3} - set(victims)
    broken = checks.all_checks(published, consumed)
    broken += checks.stayed_connected(published + consumed, survivors)
    wait_until_empty(cluster)
    replicas_agree(cluster)

    if options_verbose:
        for report in published + consumed:
            times = getattr(report, "confirm_times", None) or report.delivery_times
            print(report.home, getattr(report, "name", getattr(report, "queue", "")),
                  len(times), report.connections_lost, f"{struck:.1f} {end:.1f}",
                  sorted(((b - a, a) for a, b in zip(times, times[1:])), reverse=True)[:3])

    def gap(reports, times):
        values = [checks.longest_gap(times(report), struck, end)
                  for report in reports if report.home in survivors]
        return max(values) if values else None

    return {
        "confirm_gap": gap(published, lambda report: report.confirm_times),
        "delivery_gap": gap(consumed, lambda report: report.delivery_times),
        "confirmed": sum(len(report.confirmed) for report in published),
        "delivered": sum(len(report.deliveries) for report in consumed),
        "broken": broken,
        "victims": victims,
    }


options_verbose = True


def show(value):
    return "–" if value is None else f"{value:.0f} ms"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1, help="how often each fault strikes")
    parser.add_argument("--fault", action="append", choices=FAULTS, help="only this one")
    parser.add_argument("--base-port", type=int, default=6172)
    parser.add_argument("--markdown", action="store_true", help="the table as docs keep it")
    options = parser.parse_args()

    cluster = Cluster(base_port=options.base_port, settings=["test.placement=true"])
    failed = False
    rows = []
    try:
        cluster.start()
        declare(cluster)
        for name in options.fault or FAULTS:
            results = []
            for number in range(options.rounds):
                result = run_fault(cluster, name)
                results.append(result)
                print(f"{name} {number + 1}/{options.rounds}, nodes {result['victims']}: longest time without a confirm "
                      f"{show(result['confirm_gap'])}, without a delivery "
                      f"{show(result['delivery_gap'])}; {result['confirmed']} confirmed, "
                      f"{result['delivered']} delivered", flush=True)
                for sentence in result["broken"]:
                    failed = True
                    print(f"  BROKEN: {sentence}", flush=True)
            rows.append((name, results))
    except BaseException:
        print(cluster.logs())
        raise
    finally:
        cluster.destroy()

    bar = "| " if options.markdown else ""
    for name, results in rows:
        for key in ("confirm_gap", "delivery_gap"):
            values = sorted(r[key] for r in results if r[key] is not None)
            if values:
                p99 = values[min(len(values) - 1, int(len(values) * 0.99))]
                print(f"{bar}{FAULTS[name].__doc__}: {key.replace('_', ' ')} over {len(values)}: "
                      f"median {statistics.median(values):.0f} ms, p99 {p99:.0f} ms")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
