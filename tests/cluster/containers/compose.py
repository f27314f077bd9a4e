"""deploy/compose as a test sees it: three nodes, their ports, and what an operator does."""

import json
import os
import pathlib
import platform
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pika

from tools import BUILD, ROOT, Unavailable, compose_command, need

NODES = (1, 2, 3)
READY_LIMIT_S = 120
IMAGE = "warren-test"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def built_programs():
    """warren-server and warrenctl as the build left them; nothing where the image must compile
    them: on another distribution than the image's, or when WARREN_TEST_IMAGE=source asks for it."""
    if (os.environ.get("WARREN_TEST_IMAGE") == "source"
            or platform.freedesktop_os_release().get("VERSION_CODENAME") != "bookworm"):
        return []
    programs = [BUILD / "broker/warren-server", BUILD / "broker/warrenctl"]
    missing = [str(program) for program in programs if not program.exists()]
    assert not missing, f"not built: {', '.join(missing)}; tests/run builds them"
    return programs


class Compose:
    def __init__(self, project="warren-test"):
        ports = free_ports(2 * len(NODES))
        self.amqp = dict(zip(NODES, ports))
        self.http = dict(zip(NODES, ports[len(NODES):]))
        self.project = project
        self.command = [*compose_command(), "--project-name", project,
                        "--file", str(ROOT / "deploy/compose/compose.yaml")]
        if "san" in BUILD.name:
            self.command += ["--file", str(pathlib.Path(__file__).with_name("sanitized.yaml"))]
        self.environment = {**os.environ, "WARREN_IMAGE": IMAGE}
        for node in NODES:
            self.environment[f"AMQP_PORT_{node}"] = str(self.amqp[node])
            self.environment[f"HTTP_PORT_{node}"] = str(self.http[node])

    def run(self, *arguments, limit_s=120):
        done = subprocess.run([*self.command, *arguments], env=self.environment, text=True,
                              timeout=limit_s, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"compose {' '.join(arguments)} failed:\n{done.stdout[-4000:]}")
        return done.stdout

    def build(self):
        """The base image from the registry, or without one by deploy/base-image."""
        name = "debian:bookworm-slim"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if (subprocess.run(["docker", "image", "inspect", name], **quiet).returncode
                and subprocess.run(["docker", "pull", name], **quiet).returncode):
            need("debootstrap")
            done = subprocess.run([ROOT / "deploy/base-image"], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode != 0:
                raise Unavailable(f"neither a registry nor a package mirror:\n{done.stdout}")
        if not (programs := built_programs()):
            self.run("build", "warren-1", limit_s=3600)  # one image for all three
            return
        folder = ROOT / "build/image"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["install", "-s", "-t", folder, *programs], check=True)
        self.image("Dockerfile", "--target", "runtime", "--tag", "warren-runtime")
        self.image("Dockerfile.from-host-build", "--tag", IMAGE)

    def image(self, dockerfile, *arguments):
        done = subprocess.run(
            ["docker", "build", "--file", ROOT / "deploy" / dockerfile, *arguments, ROOT],
            env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"deploy/{dockerfile} does not build:\n{done.stdout[-4000:]}")

    def up(self, *nodes):
        self.run("up", "--detach", "--no-build", *(f"warren-{node}" for node in nodes))

    def down(self, volumes=False):
        self.run("down", "--timeout", "30", *(["--volumes"] if volumes else []))

    def container(self, node):
        return self.run("ps", "--quiet", f"warren-{node}").strip().splitlines()[-1]

    def docker(self, *arguments):
        return subprocess.run(["docker", *arguments], check=True, text=True, capture_output=True,
                              timeout=60).stdout

    def kill(self, node):
        self.docker("kill", "--signal", "KILL", self.container(node))

    def start(self, node):
        self.run("start", f"warren-{node}")

    def ctl(self, node, *arguments):
        return self.docker("exec", self.container(node), "warrenctl", "--quiet", *arguments)

    def inspect(self, node):
        return json.loads(self.docker("inspect", self.all_containers()[node]))[0]

    def all_containers(self):
        return {node: self.docker(
            "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.service=warren-{node}",
            "--filter", f"label=com.docker.compose.project={self.project}").strip()
            for node in NODES}

    def serves(self, node):
        try:
            url = f"http://127.0.0.1:{self.http[node]}/api/warren/ready"
            with urllib.request.urlopen(url, timeout=2) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def await_serving(self, *nodes, limit_s=READY_LIMIT_S):
        deadline = time.monotonic() + limit_s
        for node in nodes or NODES:
            while not self.serves(node):
                if time.monotonic() > deadline:
                    raise AssertionError(
                        f"warren-{node} does not serve after {limit_s} s:\n{self.logs()}")
                time.sleep(0.1)

    def await_health(self, node, wanted, limit_s=60):
        deadline = time.monotonic() + limit_s
        while (now := self.inspect(node)["State"]["Health"]["Status"]) != wanted:
            assert time.monotonic() < deadline, f"warren-{node} is {now}, not {wanted}"
            time.sleep(0.5)

    def logs(self):
        return self.run("logs", "--no-color", "--tail", "60")[-6000:]

    def connect(self, node):
        return pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.amqp[node], heartbeat=20, socket_timeout=3, stack_timeout=6,
            blocked_connection_timeout=30))


def disk_is_enough():
    return shutil.disk_usage(ROOT).free > 3 * 2**30
