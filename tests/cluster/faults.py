"""Faults that strike under load. `strike` does harm and returns the nodes that suffered; `heal`
undoes it."""

import pathlib
import random
import shutil
import time

import checks
import survival_load
from checks import Blow
from warren_cluster import wait_until

GROUPS = survival_load.GROUPS


class Fault:
    settle = 3.0  # seconds of load after the fault before it is healed
    settings = ("test.placement=true",)
    power_cut = False  # on nodes that lose with kill -9 what they did not sync
    # The p99 that is asked for, for clients on surviving nodes; deliveries may take the attach
    # grace longer. Nothing: nothing is asked for.
    target_ms = None

    def __init__(self, cluster):
        self.cluster = cluster
        self.blows = []

    def strike(self):
        raise NotImplementedError

    def heal(self, victims):
        for victim in victims:
            self.cluster.resume(victim)

    def further_checks(self, published, consumed, struck, end):
        return []

    def leader_of(self, group, asked=1):
        return self.cluster.number_of(self.cluster.wait_for_leaders(asked)[group]["leader"])

    def run(self):
        """Load, fault, healing, and what was broken."""
        cluster = self.cluster
        cluster.wait_for_leaders(1)
        load = survival_load.start(cluster)
        try:
            survival_load.wait_until_it_flows(cluster, load)
            struck = time.monotonic()
            victims = self.strike()
            time.sleep(self.settle)
            end = time.monotonic()
            self.heal(victims)
            time.sleep(1.5)
            published, consumed = load.finish()
        finally:
            load.terminate()
        blows = self.blows or [Blow(tuple(victims), struck, end)]
        broken = survival_load.check_load(published, consumed, blows)
        broken += checks.all_checks(published, consumed, blows)
        broken += self.further_checks(published, consumed, struck, end)
        survival_load.wait_until_empty(cluster)
        survival_load.replicas_agree(cluster)
        return {
            "confirm_gap": checks.survivors_gap(published, lambda r: r.confirm_times, blows),
            "delivery_gap": checks.survivors_gap(
                consumed, lambda r: [delivery.at for delivery in r.deliveries], blows),
            "confirmed": sum(len(report.confirmed) for report in published),
            "delivered": sum(len(report.deliveries) for report in consumed),
            "broken": broken,
            "told": f"nodes {victims}",
        }


class KillLeader(Fault):
    """kill -9 of the node that leads a queue"""

    target_ms = 500

    def strike(self):
        victim = self.leader_of(GROUPS[0])
        self.cluster.kill(victim)
        return [victim]


class KillFollower(Fault):
    """kill -9 of a node that leads none of the queues, or the fewest"""

    target_ms = 500

    def strike(self):
        leaders = [self.leader_of(group) for group in GROUPS]
        victim = min((1, 2, 3), key=leaders.count)
        self.cluster.kill(victim)
        return [victim]


class KillCatalogLeader(Fault):
    """kill -9 of the catalog's leader"""

    target_ms = 500

    def strike(self):
        victim = self.leader_of(0)
        self.cluster.kill(victim)
        return [victim]


class RestartEach(Fault):
    """each node killed and restarted in turn"""

    settle = 1.0

    def strike(self):
        times = []
        for victim in (1, 2, 3):
            begin = time.monotonic()
            self.cluster.kill(victim)
            time.sleep(1)
            times.append((begin, time.monotonic()))
            self.cluster.resume(victim)
        nexts = [begin for begin, _ in times[1:]] + [float("inf")]
        self.blows = [Blow((victim,), begin, end, until)
                      for victim, (begin, end), until in zip((1, 2, 3), times, nexts)]
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


class PowerCut(KillAll):
    """power cut of all three: what was not synced is lost"""

    power_cut = True


class TornPowerCut(PowerCut):
    """the same, and every log ends in a write cut short"""

    def strike(self):
        victims = super().strike()
        for victim in victims:
            store = pathlib.Path(self.cluster.node(victim)["data_directory"]) / "store"
            newest = max(store.glob("*.log"), key=lambda log: int(log.stem))
            with newest.open("ab") as log:
                log.write(random.randbytes(random.randint(1, 4096)))
        return victims

    def further_checks(self, published, consumed, struck, end):
        silent = [victim for victim in (1, 2, 3)
                  if "last write was cut short" not in self.cluster.log(victim)]
        return [f"node {victim} does not say that its log was torn" for victim in silent]


class HangLeader(Fault):
    """SIGSTOP of a queue's leader for 10 s"""

    target_ms = 3000
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

    target_ms = 500
    settle = 1.0

    def strike(self):
        victim = self.leader_of(GROUPS[2])
        data = self.cluster.node(victim)["data_directory"]
        self.cluster.kill(victim)
        shutil.rmtree(data)
        return [victim]

    def heal(self, victims):
        super().heal(victims)
        wait_until(lambda: survival_load.all_vote(self.cluster), 60, 0.5,
                   "the wiped node to be a voter of every group again")


class LoseMajority(Fault):
    """kill -9 of two of three: nothing is confirmed, all is nacked in time, service resumes"""

    publish_timeout = 3.0
    settings = Fault.settings + (f"publish.timeout_ms={publish_timeout * 1000:.0f}",)
    settle = 8.0

    def strike(self):
        victims = [2, 3]
        for victim in victims:
            self.cluster.kill(victim)
        self.lost = time.monotonic()
        return victims

    def further_checks(self, published, consumed, struck, end):
        return (checks.nothing_was_confirmed(published, self.lost + 0.5, end)
                + checks.all_was_decided_within(published, self.publish_timeout + 2)
                + checks.some_were_nacked(published)
                + checks.confirms_resumed(published, end))


FAULTS = {
    "kill_leader": KillLeader,
    "kill_follower": KillFollower,
    "kill_catalog_leader": KillCatalogLeader,
    "restart_each": RestartEach,
    "kill_all": KillAll,
    "hang_leader": HangLeader,
    "wipe_disk": WipeDisk,
    "lose_majority": LoseMajority,
    "power_cut": PowerCut,
    "torn_power_cut": TornPowerCut,
}
