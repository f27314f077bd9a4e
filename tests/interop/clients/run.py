#!/usr/bin/env python3
"""Plays scenarios.md through real clients, each a program in its own language in the folder of its
name, against a cluster of three nodes.

    run.py [CLIENT...] [--base-port N] [--markdown]
    run.py [CLIENT...] --broker HOST:PORT    against a broker that runs already, to compare

A client's client.json says what it needs and how it is built and run. Its program gets the nodes
and the scenarios as arguments, says `version V` and then a line a scenario: `ok NAME`, `not ok
NAME: why` or `cannot NAME: why its interface cannot express it`. `want kill` asks for the end of
the first node. What is fetched and built lies in build/clients and is kept while the client's
folder stays as it is.
--markdown ends with the table of docs/compatibility.md.
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import judge  # noqa: E402
import packages  # noqa: E402
from warren_cluster import Cluster  # noqa: E402

SCRATCH = ROOT / "build" / "clients"
AT_ONCE = 3  # programs that play at the same time
PLAY_SECONDS = 150
MANIFESTS = (".json", ".xml", ".lock", ".mod", ".sum", ".toml")
BUILD_SECONDS = 900


class Broken(Exception):
    """A client's own program does not build."""


@dataclasses.dataclass
class Client:
    """What client.json says.

    needs: {program: package of the distribution}; at_least: {program: version};
    fetch: brings what the program is built of; only this and `needs` may fail for want of a
    registry; build: makes the program; run: starts it. All run in a copy of the client's folder.
    """
    client: str
    language: str
    table: str
    run: str
    required: bool = False
    needs: dict = dataclasses.field(default_factory=dict)
    at_least: dict = dataclasses.field(default_factory=dict)
    fetch: str = ""
    build: str = ""
    version: str = ""
    skipped: str = ""
    broken: str = ""
    verdicts: list = dataclasses.field(default_factory=list)

    @property
    def home(self):
        return SCRATCH / self.client

    @property
    def failures(self):
        failures = [f"{v.scenario}: {v.why}" for v in self.verdicts if v.state == "failed"]
        if self.broken:
            failures.append(self.broken)
        if self.skipped and self.required:
            failures.append(f"may not be skipped: {self.skipped}")
        return failures


def environment():
    """The Python that runs this is `python`, for the clients in Python."""
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


def read_clients(names):
    known = {path.parent.name: path for path in sorted(FOLDER.glob("*/client.json"))}
    unknown = set(names) - known.keys()
    if unknown:
        sys.exit(f"run.py: no client is called {', '.join(sorted(unknown))}; "
                 f"there are {', '.join(known)}")
    return [Client(**json.loads(path.read_text())) for name, path in known.items()
            if not names or name in names]


def numbers(version):
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def check_versions(client):
    for program, wanted in client.at_least.items():
        done = subprocess.run([program, "--version"], capture_output=True, text=True)
        found = re.search(r"\d+(\.\d+)+", done.stdout)
        if not found or numbers(found[0]) < numbers(wanted):
            raise packages.Unavailable(
                f"needs {program} {wanted}, here is {found[0] if found else 'none'}")


def step(client, name, command):
    """Runs one command of client.json; returns the end of what it said, None when it succeeded."""
    log = client.home / f"{name}.log"
    with log.open("w") as out:
        try:
            code = subprocess.run(["bash", "-c", command], cwd=client.home, env=environment(),
                                  stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                  timeout=BUILD_SECONDS).returncode
        except subprocess.TimeoutExpired:
            code = f"nothing within {BUILD_SECONDS} s"
    return None if code == 0 else f"{command}: {code}\n{log.read_text(errors='replace')[-2000:]}"


def digest_of(paths):
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def stamped(client, name, command, digest):
    """Runs a step unless it was done for the same files; returns what it said when it failed."""
    stamp = client.home / f"{name}.done"
    if not command or stamp.exists() and stamp.read_text() == digest:
        return None
    stamp.unlink(missing_ok=True)
    said = step(client, name, command)
    if said is None:
        stamp.write_text(digest)
    return said


def prepare(client):
    """Fetches what the client's manifests name, and builds its program, unless that was done."""
    packages.need(client.needs)
    check_versions(client)
    sources = [path for path in (FOLDER / client.client).rglob("*") if path.is_file()]
    shutil.copytree(FOLDER / client.client, client.home, dirs_exist_ok=True)
    manifests = digest_of(path for path in sources if path.suffix in MANIFESTS)
    if said := stamped(client, "fetch", client.fetch, manifests):
        raise packages.Unavailable(said)
    if said := stamped(client, "build", client.build, digest_of(sources)):
        raise Broken(said)


class Play:
    """One run of a client's program; `wants` is set when it asks for a kill or has ended."""

    def __init__(self, client, nodes, scenarios):
        self.lines = []
        self.wants = threading.Event()
        self.errors = client.home / f"{scenarios[0]}.errors"
        command = f"exec {client.run} {','.join(nodes)} {' '.join(scenarios)}"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                ["bash", "-c", command], cwd=client.home, env=environment(), text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                start_new_session=True)
        self.deadline = threading.Timer(PLAY_SECONDS, self.kill)
        self.deadline.start()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if self.lines[-1] == "want kill":
                self.wants.set()
        self.wants.set()

    def kill(self):
        self.lines.append(f"killed after {PLAY_SECONDS} s")
        os.killpg(self.process.pid, signal.SIGKILL)

    def finish(self):
        """What the program said."""
        self.reader.join()
        code = self.process.wait()
        self.deadline.cancel()
        if code != 0:
            tail = self.errors.read_text(errors="replace")[-1500:]
            print(f"--- {self.errors}: exit code {code}\n{tail}", flush=True)
        return self.lines


def play_quiet(client, nodes, scenarios):
    started = time.monotonic()
    lines = Play(client, nodes, scenarios).finish()
    print(f"{client.client}: {len(scenarios)} scenarios in {time.monotonic() - started:.0f} s",
          flush=True)
    return lines


def play_failover(clients, cluster, nodes):
    """Kills the first node under all clients at once; returns what each program said."""
    plays = [Play(client, nodes, ["failover"]) for client in clients]
    patience = time.monotonic() + 60
    for play in plays:
        play.wants.wait(max(0, patience - time.monotonic()))
    cluster.kill(1)
    print(f"node 1 killed under {len(plays)} clients", flush=True)
    return [play.finish() for play in plays]


def calm(client):
    """The scenarios that leave all nodes alive."""
    return [name for name in judge.tables()[client.table] if name != "failover"]


def play_calm(clients, nodes):
    """Each client begins with another node; returns what each program said."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        plays = [pool.submit(play_quiet, client, nodes[i % 3:] + nodes[:i % 3], calm(client))
                 for i, client in enumerate(clients)]
        return [play.result() for play in plays]


def take_down(client, scenarios, awaited, lines):
    versions = [line[8:] for line in lines if line.startswith("version ")]
    client.version = versions[0] if versions else ""
    client.verdicts = judge.judge(scenarios, awaited, lines)


def play_broker(clients, address):
    for client, lines in zip(clients, play_calm(clients, [address] * 3)):
        take_down(client, calm(client), set(), lines)


def play_all(clients, base_port):
    cluster = Cluster(nodes=3, base_port=base_port)
    try:
        cluster.start()
        nodes = [f"127.0.0.1:{cluster.port(number)}" for number in (1, 2, 3)]
        said = zip(clients, play_calm(clients, nodes), play_failover(clients, cluster, nodes))
        for client, first, second in said:
            take_down(client, judge.tables()[client.table], judge.pending(), first + second)
        if any(client.failures for client in clients):
            print(cluster.logs())
    finally:
        cluster.destroy()


def names(client, state):
    return [verdict for verdict in client.verdicts if verdict.state == state]


def print_results(clients):
    for client in clients:
        counts = ", ".join(f"{len(names(client, state))} {state}"
                           for state in ("ok", "cannot", "pending", "failed"))
        print(f"{client.client} {client.version}: "
              f"{'skipped: ' + client.skipped if client.skipped else counts}")
        for verdict in client.verdicts:
            if verdict.state in ("cannot", "pending"):
                print(f"    {verdict.state} {verdict.scenario}: {verdict.why}")
        for failure in client.failures:
            print(f"    FAILED {failure}")


def markdown(clients):
    rows = ["| Client | Language | Version | Passed | Its interface has no | Pending |",
            "| --- | --- | --- | --- | --- | --- |"]
    for client in clients:
        if client.skipped:
            rows.append(f"| {client.client} | {client.language} | – | skipped: "
                        f"{client.skipped.splitlines()[0]} | | |")
            continue
        passed = len(names(client, "ok"))
        played = len(client.verdicts) - len(names(client, "pending")) - len(names(client, "cannot"))
        cannot = "; ".join(f"{verdict.scenario}: {verdict.why}"
                           for verdict in names(client, "cannot"))
        rows.append(f"| {client.client} | {client.language} | {client.version} "
                    f"| {passed} of {played} | {cannot or '–'} "
                    f"| {len(names(client, 'pending')) or '–'} |")
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("client", nargs="*")
    parser.add_argument("--base-port", type=int, default=6272)
    parser.add_argument("--broker")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    clients = read_clients(arguments.client)
    for client in clients:
        client.home.mkdir(parents=True, exist_ok=True)
        try:
            prepare(client)
        except packages.Unavailable as reason:
            client.skipped = str(reason)
        except Broken as reason:
            client.broken = str(reason)
    ready = [client for client in clients if not client.skipped and not client.broken]
    if arguments.broker:
        play_broker(ready, arguments.broker)
    else:
        play_all(ready, arguments.base_port)
    print_results(clients)
    if arguments.markdown:
        print(markdown(clients))
    passed = sum(len(names(client, "ok")) for client in clients)
    failed = sum(len(client.failures) for client in clients)
    skipped = sum(bool(client.skipped) for client in clients)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
