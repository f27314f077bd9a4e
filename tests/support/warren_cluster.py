"""A Warren cluster of real processes, driven by deploy/quickstart, for tests in Python.

Each Cluster has its own data directory and base port, so that several can live side by side.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pika

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "deploy" / "quickstart"
BUILD = pathlib.Path(os.environ.get("WARREN_TEST_BUILD", ROOT / "build" / "release"))
HTTP_OFFSET = 10000  # deploy/quickstart's rule
CTL = BUILD / "broker" / "warrenctl"


def wait_until(condition, timeout=30, interval=0.05, what="the condition"):
    """Returns the condition's first true value; fails loudly when it stays false."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(interval)


class Cluster:
    def __init__(self, nodes=3, base_port=5872, data=None, settings=()):
        self.nodes = nodes
        self.settings = list(settings)
        self.base_port = base_port
        self.own_data = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="warren-test-"))

    def quickstart(self, *arguments, check=True):
        command = [str(QUICKSTART), *map(str, arguments), "--data", str(self.data)]
        if arguments[0] in ("start", "restart"):
            command += ["--nodes", str(self.nodes), "--base-port", str(self.base_port),
                        "--build-dir", str(BUILD)]
            for setting in self.settings:
                command += ["--set", setting]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout}{done.stderr}{self.logs()}")
        return done.stdout

    def start(self):
        self.quickstart("start")
        return self

    def stop(self):
        self.quickstart("stop")

    def restart(self):
        self.quickstart("restart")

    def status(self):
        return json.loads(self.quickstart("status", "--json"))

    def kill(self, node):
        self.quickstart("kill", node)

    def hang(self, node):
        self.quickstart("hang", node)

    def unhang(self, node):
        self.quickstart("unhang", node)

    def resume(self, node):
        self.quickstart("resume", node)

    def logs(self, lines=40):
        texts = []
        for log in sorted(self.data.glob("**/*.log")):
            tail = log.read_text(errors="replace").splitlines()[-lines:]
            texts.append(f"--- {log}\n" + "\n".join(tail))
        return "\n".join(texts)

    def destroy(self):
        self.quickstart("stop", check=False)
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)

    def port(self, node):
        return self.base_port + node - 1

    def groups(self, node):
        """What a node knows of every group, by number."""
        rows = json.loads(self.ctl(node, "-q", "list_groups", "--formatter", "json"))
        return {row["group"]: row for row in rows}

    def queues(self, node):
        columns = ("name", "messages_ready", "messages_unacknowledged", "consumers", "state")
        rows = json.loads(self.ctl(node, "-q", "list_queues", *columns, "--formatter", "json"))
        return {row["name"]: row for row in rows}

    def number_of(self, name):
        """warren2@host -> 2"""
        return next(row["node"] for row in self.status() if row["name"] == name)

    def wait_for_leaders(self, node, timeout=30):
        return wait_until(
            lambda: all(row["leader"] for row in self.groups(node).values()) and self.groups(node),
            timeout, interval=0.2, what="a leader in every group")

    def parameters(self, node, **options):
        options.setdefault("heartbeat", 30)
        return pika.ConnectionParameters("127.0.0.1", self.port(node), **options)

    def connect(self, node, **options):
        return pika.BlockingConnection(self.parameters(node, **options))

    def ctl(self, node, *arguments, check=True):
        command = [str(CTL), "--port", str(self.port(node) + HTTP_OFFSET), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout
