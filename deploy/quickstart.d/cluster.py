"""A cluster on this machine: where its nodes lie, which ports they have, how they are."""

import http.client
import json
import os
import signal
import socket
import time

from process import Process

HTTP_OFFSET = 10000     # AMQP 5672 -> HTTP 15672
CLUSTER_OFFSET = 20000  # AMQP 5672 -> cluster 25672


class Problem(Exception):
    """Something the user can do something about; its text says what."""


class Node:
    def __init__(self, cluster, number):
        self.cluster = cluster
        self.number = number
        self.directory = os.path.join(cluster.directory, f"node{number}")
        self.data = os.path.join(self.directory, "data")
        self.config = os.path.join(self.directory, "warren.conf")
        self.log = os.path.join(self.directory, "warren.log")
        self.process = Process(os.path.join(self.directory, "pid"))
        self.name = f"warren{number}@127.0.0.1"

    @property
    def amqp(self):
        return self.cluster.base_port + self.number - 1

    @property
    def http(self):
        return self.amqp + HTTP_OFFSET

    @property
    def peers(self):
        return self.amqp + CLUSTER_OFFSET

    def write_config(self, extra):
        os.makedirs(self.data, exist_ok=True)
        lines = [
            "# Written anew by deploy/quickstart at each start.",
            f"node.name = {self.name}",
            f"data_dir = {self.data}",
            f"cluster_name = quickstart-{self.cluster.base_port}",
            f"listeners.tcp.default = 127.0.0.1:{self.amqp}",
            f"management.tcp.port = {self.http}",
            f"cluster.listener = 127.0.0.1:{self.peers}",
        ]
        for node in self.cluster.nodes:
            lines.append(f"cluster_formation.classic_config.nodes.{node.number}"
                         f" = {node.name}:{node.peers}")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines + extra) + "\n")

    def busy_port(self):
        for port in (self.amqp, self.http, self.peers):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return port
        return None

    def start(self, server, extra):
        port = self.busy_port()
        if port:
            raise Problem(f"port {port} of node {self.number} is taken by another program: stop "
                          f"it, or choose other ports with --base-port (its rule: AMQP P, HTTP "
                          f"P+{HTTP_OFFSET}, cluster P+{CLUSTER_OFFSET})")
        self.write_config(extra)
        return self.process.start([server, "--config", self.config], self.log)

    def ready(self):
        """None when it serves clients, else why not."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=1)
        try:
            connection.request("GET", "/api/warren/ready")
            reply = connection.getresponse()
            body = json.loads(reply.read() or b"{}")
            if reply.status != 200:
                return str(body.get("reason") or f"HTTP {reply.status}")
            with socket.create_connection(("127.0.0.1", self.amqp), timeout=1):
                return None
        except (OSError, ValueError, http.client.HTTPException) as error:
            return str(error)
        finally:
            connection.close()

    def state(self):
        if self.process.pid is None:
            return "down"
        if self.process.is_hung:
            return "hung"
        return "serving" if self.ready() is None else "starting"

    def describe(self):
        return {"node": self.number, "name": self.name, "pid": self.process.pid,
                "state": self.state(), "amqp_port": self.amqp, "http_port": self.http,
                "cluster_port": self.peers, "directory": self.directory,
                "data_directory": self.data, "log": self.log}

    def log_tail(self, lines=15):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""


class Cluster:
    """REQUIRES: `directory` holds a cluster.json, or count is given."""

    def __init__(self, directory, base_port, count):
        self.directory = directory
        self.base_port = base_port
        self.nodes = [Node(self, number + 1) for number in range(count)]

    @staticmethod
    def _recorded(directory):
        try:
            with open(os.path.join(directory, "cluster.json"), encoding="utf-8") as file:
                return json.load(file)
        except OSError:
            return None
        except ValueError as error:
            raise Problem(f"{directory}/cluster.json is damaged: {error}") from error

    @classmethod
    def existing(cls, directory):
        known = cls._recorded(directory)
        if not known:
            raise Problem(f"no cluster in {directory}: start one with deploy/quickstart, or name "
                          "another with --data or --base-port")
        return cls(directory, known["base_port"], known["nodes"])

    @classmethod
    def existing_or_new(cls, directory, base_port, count):
        known = cls._recorded(directory)
        if known:
            if count not in (None, known["nodes"]) or base_port not in (None, known["base_port"]):
                raise Problem(f"{directory} holds a cluster of {known['nodes']} nodes from port "
                              f"{known['base_port']}: start it as it is, or a new one with --data")
            return cls(directory, known["base_port"], known["nodes"])
        cluster = cls(directory, base_port or 5672, count or 3)
        if cluster.nodes[-1].peers > 65535 or cluster.base_port < 1:
            limit = 65535 - CLUSTER_OFFSET - len(cluster.nodes)
            limit = 65535 - CLUSTER_OFFSET - len(cluster.nodes)
            raise Problem(f"--base-port must be 1 to {limit}: cluster ports are {CLUSTER_OFFSET} "
                          "above")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "cluster.json"), "w", encoding="utf-8") as file:
            json.dump({"base_port": cluster.base_port, "nodes": len(cluster.nodes)}, file)
        return cluster

    def node(self, number):
        if not 1 <= number <= len(self.nodes):
            raise Problem(f"there is no node {number}: they are 1 to {len(self.nodes)}")
        return self.nodes[number - 1]

    def wait_until_serving(self, nodes, seconds, say):
        """Waits for `nodes`; raises when one ends or time is over."""
        waiting = list(nodes)
        deadline = time.monotonic() + seconds
        reason = ""
        while waiting:
            for node in list(waiting):
                reason = node.ready()
                if reason is None:
                    waiting.remove(node)
                    say(f"node {node.number} serves")
                elif node.process.pid is None:
                    raise Problem(f"node {node.number} ended while starting. The end of {node.log}:"
                                  f"\n{node.log_tail()}")
            if waiting and time.monotonic() > deadline:
                numbers = ", ".join(str(node.number) for node in waiting)
                raise Problem(f"after {seconds} s node {numbers} does not serve yet ({reason}). It "
                              f"goes on trying; look with: deploy/quickstart logs {numbers[0]} "
                              f"--data {self.directory}")
            if waiting:
                time.sleep(0.05)

    def stop(self, seconds, say):
        """SIGTERM to all, then waits. Nodes that hang are let go on first."""
        alive = []
        for node in self.nodes:
            if node.process.send(signal.SIGTERM):
                node.process.send(signal.SIGCONT)
                alive.append(node)
        if not alive:
            say("nothing runs")
        deadline = time.monotonic() + seconds
        while alive:
            for node in list(alive):
                if node.process.pid is None:
                    alive.remove(node)
                    say(f"node {node.number} stopped")
            if alive and time.monotonic() > deadline:
                numbers = ", ".join(str(node.number) for node in alive)
                raise Problem(f"node {numbers} did not stop within {seconds} s. Its log: "
                              f"{alive[0].log}. To end it at once: deploy/quickstart kill "
                              f"{alive[0].number} --data {self.directory}")
            if alive:
                time.sleep(0.02)
