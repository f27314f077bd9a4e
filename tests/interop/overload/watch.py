"""What must stay true while somebody misbehaves: every node's memory stays bounded, a well-behaved
client on each node is served without a long wait, and no group changes its leader."""

import json
import multiprocessing
import pathlib
import statistics
import threading
import time
import uuid

import pika

from warren_cluster import SANITIZED

MEMORY_LIMIT = (4 << 30) if SANITIZED else (512 << 20)
# Generous: CI machines are small and busy. What is wrong shows as tens of seconds or an error.
LONGEST_WAIT = 5.0


def resident(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"process {pid} has no memory: it is gone")


def be_served(parameters, queue, stop, pipe):
    """A well-behaved client: publishes with confirms and consumes its own, until told to stop."""
    confirms, deliveries, error = [], [], None
    try:
        with pika.BlockingConnection(parameters) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.queue_declare(queue, durable=True)
            got = []
            channel.basic_consume(queue, lambda ch, m, p, body: (
                ch.basic_ack(m.delivery_tag), got.append(body)))
            pipe.send("ready")
            number = 0
            while not stop.is_set():
                start = time.monotonic()
                body = str(number).encode()
                channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2),
                                      mandatory=True)
                confirms.append(time.monotonic() - start)
                while body not in got:
                    connection.process_data_events(time_limit=0.5)
                    if time.monotonic() - start > 60:
                        raise TimeoutError("a confirmed message did not come for 60 s")
                deliveries.append(time.monotonic() - start)
                got.clear()
                number += 1
                connection.sleep(0.02)
            channel.queue_delete(queue)
    except Exception as failure:  # reported by the parent
        error = repr(failure)
    pipe.send((confirms, deliveries, error))


class Bystander:
    def __init__(self, cluster, node):
        self.node = node
        self.stop = multiprocessing.Event()
        self.pipe, theirs = multiprocessing.Pipe()
        parameters = cluster.parameters(node, heartbeat=30)
        queue = f"bystander-{node}-{uuid.uuid4().hex[:6]}"
        self.process = multiprocessing.Process(
            target=be_served, args=(parameters, queue, self.stop, theirs), daemon=True)
        self.process.start()
        word = self.pipe.recv() if self.pipe.poll(30) else "never ready"
        assert word == "ready", f"bystander on node {node}: {word}"

    def finish(self):
        self.stop.set()
        try:
            report = self.pipe.recv() if self.pipe.poll(70) else ([], [], "it hangs")
        except EOFError:
            report = [], [], "it died"
        self.process.join(5)
        self.process.kill()
        return report


class Watch:
    """with Watch(cluster, "slow consumer") as watch: ... ; the exit checks everything."""

    def __init__(self, cluster, what, limit=MEMORY_LIMIT, longest_wait=LONGEST_WAIT):
        self.cluster, self.what = cluster, what
        self.limit, self.longest_wait = limit, longest_wait
        self.done = threading.Event()

    def __enter__(self):
        # A bystander's declare may be a group's first: leaders are noted after it.
        self.bystanders = [Bystander(self.cluster, node) for node in (1, 2, 3)]
        self.pids = {row["node"]: row["pid"] for row in self.cluster.status()}
        self.peaks = {node: resident(pid) for node, pid in self.pids.items()}
        self.leaders = self.all_leaders()
        self.sampler = threading.Thread(target=self.sample, daemon=True)
        self.sampler.start()
        return self

    def sample(self):
        while not self.done.wait(0.05):
            for node, pid in self.pids.items():
                try:
                    self.peaks[node] = max(self.peaks[node], resident(pid))
                except (OSError, AssertionError):
                    self.peaks[node] = float("inf")

    def all_leaders(self):
        self.cluster.wait_for_leaders(1)
        groups = self.cluster.groups(1)
        return {number: (row["leader"], row.get("term")) for number, row in groups.items()}

    def __exit__(self, kind, error, trace):
        reports = [bystander.finish() for bystander in self.bystanders]
        self.done.set()
        self.sampler.join()
        lines = [f"{self.what}: " + ", ".join(
            f"node {node} at most {peak / (1 << 20):.0f} MiB" for node, peak in self.peaks.items())]
        wrong = []
        for bystander, (confirms, deliveries, failure) in zip(self.bystanders, reports):
            node = bystander.node
            if failure:
                wrong.append(f"the bystander on node {node} was disturbed: {failure}")
            for name, waits in (("confirm", confirms), ("delivery", deliveries)):
                if not waits:
                    wrong.append(f"the bystander on node {node} got no {name}")
                    continue
                lines.append(f"  node {node} {name}: {len(waits)}, median "
                             f"{statistics.median(waits) * 1000:.0f} ms, longest "
                             f"{max(waits) * 1000:.0f} ms")
                if max(waits) > self.longest_wait:
                    wrong.append(f"node {node}: a {name} took {max(waits):.1f} s")
        for node, peak in self.peaks.items():
            if peak > self.limit:
                wrong.append(f"node {node} had {peak / (1 << 20):.0f} MiB resident")
        if kind is None:
            after = self.all_leaders()
            if after != self.leaders:
                wrong.append(f"an election: {json.dumps(self.leaders)} -> {json.dumps(after)}")
        report = "\n".join(lines + wrong)
        print(report)
        if kind is None:
            assert not wrong, report
