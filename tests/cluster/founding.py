"""First starts beside a cluster that lives or lived: an empty disk joins it, it founds no other."""

import contextlib
import pathlib
import re
import shutil
import threading
import time

from scenes import PERSISTENT, Scene, drain, result
from survival_load import all_vote, replicas_agree
from warren_cluster import wait_until

FOUNDS = "founding cluster"


def had_learners(told):
    """The groups that took a learner in, as their leaders' logs tell."""
    return set(map(int, re.findall(
        r"group (\d+): changing its members to \d+ voters and [1-9]\d* learners", told)))


class SecondFirstStart(Scene):
    """a first start of the founder on an empty disk, then of all but one: no second cluster"""

    MESSAGES = 200
    PATIENCE = 5  # s that nothing may be founded in

    def fill(self, asked, queue):
        with self.cluster.connect(asked) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.queue_declare(queue, durable=True, arguments={"x-warren-group": 1})
            for number in range(self.MESSAGES):
                channel.basic_publish("", queue, str(number).encode(), PERSISTENT)

    def all_came(self, asked, queue):
        with self.cluster.connect(asked) as connection:
            channel = connection.channel()
            got = drain(channel, queue)
            channel.queue_delete(queue)
        missing = set(map(str, range(self.MESSAGES))) - set(got)
        return [f"{queue}: {len(missing)} of {self.MESSAGES} messages are lost"] if missing else []

    def cluster_ids(self):
        return {self.cluster.http(node, "/api/warren/status")["cluster_id"] for node in (1, 2, 3)}

    @contextlib.contextmanager
    def started(self, *nodes):
        """Begins to start them; what comes after waits until they serve."""
        threads = [threading.Thread(target=self.cluster.quickstart, args=("resume", node),
                                    kwargs={"check": False}) for node in nodes]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()

    def data(self, node):
        return pathlib.Path(self.cluster.node(node)["data_directory"])

    def nothing_is_founded(self, nodes, logs):
        """Once they run, none of them serves or founds for a while."""
        broken = []
        wait_until(lambda: all(self.cluster.lives(node) for node in nodes), 10, 0.05,
                   "the nodes to be started")
        until = time.monotonic() + self.PATIENCE
        while time.monotonic() < until and not broken:
            states = {row["node"]: row["state"] for row in self.cluster.status()}
            broken += [f"node {node} is {states[node]}: {self.said(node, logs)}"
                       for node in nodes if states[node] != "starting"]
            time.sleep(0.2)
        return broken + self.nobody_founded(nodes, logs)

    def said(self, node, logs):
        return self.cluster.log(node)[logs[node]:]

    def nobody_founded(self, nodes, logs):
        return [f"node {node} founded a second cluster" for node in nodes
                if FOUNDS in self.said(node, logs)]

    def lengths(self):
        return {node: len(self.cluster.log(node)) for node in (1, 2, 3)}

    def run(self):
        self.cluster.wait_for_leaders(1)
        ids = self.cluster_ids()
        broken = self.founder_begins_empty() + self.most_begin_empty()
        if len(ids) != 1 or self.cluster_ids() != ids:
            broken.append(f"the cluster was {ids} and is {self.cluster_ids()}")
        return result("one cluster", broken, 2 * self.MESSAGES, 2 * self.MESSAGES)

    def founder_begins_empty(self):
        queue = self.name("founder")
        self.fill(1, queue)
        self.cluster.stop()
        shutil.rmtree(self.data(1))
        logs = self.lengths()
        with self.started(1):
            broken = self.nothing_is_founded([1], logs)
            if "no answer from" not in self.said(1, logs):
                broken.append(f"the empty node tells no reason to wait: {self.said(1, logs)}")
            self.cluster.quickstart("start")
        wait_until(lambda: all_vote(self.cluster, 2), 60, 0.25,
                   "the empty node to be a voter of every group")
        told = "".join(self.said(node, logs) for node in (1, 2, 3))
        broken += [f"the empty node was never a learner of group {group}"
                   for group in self.cluster.groups(2) if group not in had_learners(told)]
        broken += self.nobody_founded((1, 2, 3), logs)
        replicas_agree(self.cluster)
        self.cluster.kill(2)  # now it counts for the majority, with all that it was given
        self.cluster.wait_for_leaders(1)
        broken += self.all_came(1, queue)
        self.cluster.resume(2)
        replicas_agree(self.cluster)
        return broken

    def most_begin_empty(self):
        queue = self.name("most")
        self.fill(3, queue)
        self.cluster.stop()
        for node in (1, 2):
            self.data(node).rename(self.data(node).with_name("kept"))
        logs = self.lengths()
        with self.started(1, 2, 3):
            broken = self.nothing_is_founded([1, 2, 3], logs)
            self.cluster.stop()
        for node in (1, 2):
            shutil.rmtree(self.data(node))
            self.data(node).with_name("kept").rename(self.data(node))
        self.cluster.quickstart("start")
        self.cluster.wait_for_leaders(1)
        broken += self.all_came(2, queue) + self.nobody_founded((1, 2, 3), logs)
        replicas_agree(self.cluster)
        return broken
