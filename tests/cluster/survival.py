#!/usr/bin/env python3
"""Faults on clusters of real processes under real clients, and what they saw.

    survival.py [--rounds N] [--fault NAME]... [--markdown | --update-doc]

Publishers send persistent messages through one fanout to four queues in four groups and note every
confirm; two consumers a queue, on different nodes, hold a thousand messages and more. After each
fault: every confirmed message was consumed, nothing came whose ack was known to be settled, first
deliveries in order, nothing of what clients on surviving nodes hold went to others, `redelivered`
never missing, those clients never disturbed, all queues empty, all replicas the same. Faults with
a story of their own are in scenes.py and bit_flips.py. Prints for each fault the longest time
without a confirm and without a delivery, seen by clients on surviving nodes. It fails when anything
was broken, when the load was too light to show anything, and when the p99 of such a time is over
its target; in less than ten rounds, when one is over ten times that.
"""

import argparse
import os
import pathlib
import re
import signal
import statistics
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import checks  # noqa: E402
import survival_load  # noqa: E402
import warren_cluster  # noqa: E402
from bit_flips import BitFlip, LoneBitFlip  # noqa: E402
from faults import FAULTS as UNDER_LOAD  # noqa: E402
from faults import Fault  # noqa: E402
from founding import SecondFirstStart  # noqa: E402
from scenes import ExclusiveOwnerKilled, Minority, StaleBindings  # noqa: E402

DOC = pathlib.Path(__file__).resolve().parents[2] / "docs" / "guarantees.md"
LONG_FORM = 10  # rounds: enough for a p99 to be held to its target
SHORT_FORM_LAXER = 10
ATTACH_GRACE_MS = 2000

FAULTS = UNDER_LOAD | {
    "exclusive_owner_killed": ExclusiveOwnerKilled,
    "stale_bindings": StaleBindings,
    "minority": Minority,
    "second_first_start": SecondFirstStart,
    "bit_flip": BitFlip,
    "lone_bit_flip": LoneBitFlip,
}


def power_cut_programs(scratch):
    """A directory of programs whose server forgets with kill -9 what it did not sync."""
    build = warren_cluster.BUILD
    server = pathlib.Path(os.environ.get(
        "WARREN_TEST_POWER_CUT", build / "tests/cluster/power_cut/warren-server-power-cut"))
    if not server.exists():
        raise SystemExit(f"survival.py: {server} is not built")
    directory = pathlib.Path(scratch)
    (directory / "warren-server").symlink_to(server)
    (directory / "warrenctl").symlink_to(build / "broker" / "warrenctl")
    return directory


class Stage:
    """One cluster at a time, kept while the next fault wants the same kind."""

    def __init__(self, base_port):
        self.base_port = base_port
        self.kind, self.cluster = None, None
        self.scratch = tempfile.TemporaryDirectory(prefix="warren-power-cut-")
        self.clusters = 0

    def for_fault(self, fault):
        kind = (fault.settings, fault.power_cut, getattr(fault, "nodes", 3))
        if self.kind != kind:
            self.clear()
            programs = (power_cut_programs(tempfile.mkdtemp(dir=self.scratch.name))
                        if fault.power_cut else warren_cluster.BUILD)
            self.kind = kind
            self.clusters += 1
            self.cluster = warren_cluster.Cluster(
                nodes=kind[2], base_port=self.base_port + 10 * (self.clusters % 5),
                settings=list(fault.settings), programs=programs)
            self.cluster.start()
        if issubclass(fault, Fault):
            survival_load.declare(self.cluster)
        return self.cluster

    def clear(self):
        if self.cluster:
            self.cluster.destroy()
        self.kind, self.cluster = None, None


def show(value):
    return "–" if value is None else f"{value:.0f} ms"


def run_round(stage, name, keep_logs):
    """One round; what is thrown, too, is something broken, and costs the cluster."""
    fault = FAULTS[name]
    try:
        outcome = fault(stage.for_fault(fault)).run()
        thrown = False
    except Exception:  # noqa: BLE001
        outcome = {"confirm_gap": None, "delivery_gap": None, "confirmed": 0, "delivered": 0,
                   "told": "", "broken": [traceback.format_exc()]}
        thrown = True
    if outcome["broken"] and stage.cluster:
        if keep_logs:
            log = pathlib.Path(keep_logs) / f"{name}-{os.getpid()}-{stage.clusters}.log"
            log.write_text(stage.cluster.logs(100000))
            print(f"  logs in {log}", flush=True)
        else:
            print(stage.cluster.logs(), flush=True)
    if thrown:
        stage.clear()
    return outcome


def p99(values):
    values = sorted(value for value in values if value is not None)
    return values[min(len(values) - 1, int(len(values) * 0.99))] if values else None


def spread(values):
    values = [value for value in values if value is not None]
    return f"{statistics.median(values):.0f} / {p99(values):.0f}" if values else "–"


def over_targets(rows):
    """Where clients on surviving nodes waited too long, of all that struck."""
    broken = []
    for name, outcomes in rows:
        target = FAULTS[name].target_ms
        laxer = 1 if len(outcomes) >= LONG_FORM else SHORT_FORM_LAXER
        for what, more in (("confirm", 0), ("delivery", ATTACH_GRACE_MS)):
            worst = p99([o[f"{what}_gap"] for o in outcomes])
            if target is not None:
                broken += [f"{name}: {sentence}" for sentence in checks.over_target(
                    worst, target + more, what, laxer)]
    return broken


def table(rows):
    lines = ["| Fault | Rounds | Longest time without a confirm, median / p99, ms | without a "
             "delivery | Confirmed | Broken |", "| --- | --- | --- | --- | --- | --- |"]
    for name, outcomes in rows:
        lines.append(f"| {FAULTS[name].__doc__} | {len(outcomes)} "
                     f"| {spread(o['confirm_gap'] for o in outcomes)} "
                     f"| {spread(o['delivery_gap'] for o in outcomes)} "
                     f"| {sum(o['confirmed'] for o in outcomes) or '–'} "
                     f"| {sum(bool(o['broken']) for o in outcomes)} |")
    return "\n".join(lines)


def update_doc(rows):
    """Puts the rows of what struck in the place of theirs in the kept table."""
    text = DOC.read_text()
    for line in table(rows).splitlines()[2:]:
        fault = line.split(" | ")[0]
        text, found = re.subn(rf"^{re.escape(fault)} \|.*$", lambda _: line, text, flags=re.M)
        if not found:
            last = list(re.finditer(r"^\| .* \|$", text, flags=re.M))[-1]
            text = f"{text[:last.end()]}\n{line}{text[last.end():]}"
    DOC.write_text(text)


def print_lines(rows):
    for name, outcomes in rows:
        print(f"{name}: {len(outcomes)} rounds, longest time (median / p99, ms) without a confirm "
              f"{spread(o['confirm_gap'] for o in outcomes)}, without a delivery "
              f"{spread(o['delivery_gap'] for o in outcomes)}; "
              f"{sum(bool(o['broken']) for o in outcomes)} broken")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1, help="how often each fault strikes")
    parser.add_argument("--fault", action="append", choices=FAULTS, help="only this one")
    parser.add_argument("--base-port", type=int, default=6172)
    parser.add_argument("--markdown", action="store_true", help="the table as docs keep it")
    parser.add_argument("--update-doc", action="store_true",
                        help="write the rows of what struck into docs/guarantees.md")
    parser.add_argument("--logs", metavar="DIR", help="keep the nodes' logs of broken rounds here")
    options = parser.parse_args()

    # So that nodes end with a run that is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("survival.py: ended by SIGTERM"))
    print(survival_load.told(), flush=True)
    stage = Stage(options.base_port)
    rows = []
    try:
        for name in options.fault or FAULTS:
            outcomes = []
            rows.append((name, outcomes))
            for number in range(options.rounds):
                outcome = run_round(stage, name, options.logs)
                outcomes.append(outcome)
                print(f"{name} {number + 1}/{options.rounds}, {outcome['told']}: longest time "
                      f"without a confirm {show(outcome['confirm_gap'])}, without a delivery "
                      f"{show(outcome['delivery_gap'])}; {outcome['confirmed']} confirmed, "
                      f"{outcome['delivered']} delivered", flush=True)
                for sentence in outcome["broken"]:
                    print(f"  BROKEN: {sentence}", flush=True)
    finally:
        stage.clear()
        stage.scratch.cleanup()
        if options.markdown:
            print(table(rows))
        else:
            print_lines(rows)
    slow = over_targets(rows)
    for sentence in slow:
        print(f"BROKEN: {sentence}", flush=True)
    if options.update_doc:
        update_doc(rows)
    sys.exit(1 if slow or any(o["broken"] for _, outcomes in rows for o in outcomes) else 0)


if __name__ == "__main__":
    main()
