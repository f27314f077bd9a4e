"""A Warren cluster of real processes, driven by deploy/quickstart, for tests in Python.

Each Cluster has its own data directory and base port, so that several can live side by side.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

import pika

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "deploy" / "quickstart"
BUILD = pathlib.Path(os.environ.get("WARREN_TEST_BUILD", ROOT / "build" / "release"))
# A sanitizer keeps what was freed, and a shadow of everything: by a node's usual limit of memory
# all publishers would soon be blocked.
SANITIZED = "san" in BUILD.name
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
    def __init__(self, nodes=3, base_port=5872, data=None, settings=(), programs=BUILD):
        self.nodes = nodes
        self.programs = programs  # a build directory, or one that holds the programs themselves
        self.settings = list(settings)
        if SANITIZED and not any(one.startswith("vm_memory") for one in settings):
            self.settings.append(f"vm_memory_high_watermark.absolute={4 << 30}")
        self.base_port = base_port
        self.known = []
        self.own_data = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="warren-test-"))

    def quickstart(self, *arguments, check=True):
        command = [str(QUICKSTART), *map(str, arguments), "--data", str(self.data)]
        if arguments[0] in ("start", "restart", "resume"):
            command += ["--nodes", str(self.nodes), "--base-port", str(self.base_port),
                        "--build-dir", str(self.programs)]
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

    def node(self, number):
        """What never changes of a node: its name, ports, directories and log."""
        if not self.known:
            self.known = self.status()
        return self.known[number - 1]

    def names(self):
        return {self.node(number)["name"] for number in range(1, self.nodes + 1)}

    def lives(self, number):
        return self.status()[number - 1]["pid"] is not None

    def log(self, number):
        return pathlib.Path(self.node(number)["log"]).read_text(errors="replace")

    def logs(self, lines=40):
        texts = []
        for log in sorted(self.data.glob("node*/warren.log")):
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
        """Every group as its leader sees it, by number; asked of any node."""
        return {row["group"]: row for row in self.http(node, "/api/warren/groups")}

    def http(self, node, path):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port(node) + HTTP_OFFSET}{path}")
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def queues(self, node):
        columns = ("name", "messages_ready", "messages_unacknowledged", "consumers", "state")
        rows = json.loads(self.ctl(node, "-q", "list_queues", *columns, "--formatter", "json"))
        return {row["name"]: row for row in rows}

    def number_of(self, name):
        """warren2@host -> 2"""
        return next(n for n in range(1, self.nodes + 1) if self.node(n)["name"] == name)

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
