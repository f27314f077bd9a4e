#!/usr/bin/env python3
"""Faults on clusters of real processes under real clients, and what they saw.

    survival.py [--rounds N] [--fault NAME]... [--markdown]

Publishers send persistent messages through one fanout to four queues in four groups and note every
confirm; consumers hold a thousand messages each. After each fault: every confirmed message was
consumed, first deliveries in order, nothing twice to a client that stayed, `redelivered` never
missing, clients on surviving nodes never disturbed, all queues empty, all replicas with the same
log. Faults with a story of their own are in scenes.py and bit_flips.py. Prints for each fault the
longest time without a confirm and without a delivery, seen by clients on surviving nodes.
"""

import argparse
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import survival_load  # noqa: E402
import warren_cluster  # noqa: E402
from bit_flips import BitFlip, LoneBitFlip  # noqa: E402
from faults import FAULTS as UNDER_LOAD  # noqa: E402
from faults import Fault  # noqa: E402
from scenes import ExclusiveOwnerKilled, Minority, StaleBindings  # noqa: E402

FAULTS = UNDER_LOAD | {
    "exclusive_owner_killed": ExclusiveOwnerKilled,
    "stale_bindings": StaleBindings,
    "minority": Minority,
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


def spread(values):
    values = sorted(value for value in values if value is not None)
    if not values:
        return "–"
    p99 = values[min(len(values) - 1, int(len(values) * 0.99))]
    return f"{statistics.median(values):.0f} / {p99:.0f}"


def print_table(rows):
    print("| Fault | Rounds | Longest time without a confirm, median / p99, ms | without a "
          "delivery | Confirmed | Broken |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, outcomes in rows:
        print(f"| {FAULTS[name].__doc__} | {len(outcomes)} "
              f"| {spread(o['confirm_gap'] for o in outcomes)} "
              f"| {spread(o['delivery_gap'] for o in outcomes)} "
              f"| {sum(o['confirmed'] for o in outcomes) or '–'} "
              f"| {sum(bool(o['broken']) for o in outcomes)} |")


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
    parser.add_argument("--logs", metavar="DIR", help="keep the nodes' logs of broken rounds here")
    options = parser.parse_args()

    # So that nodes end with a run that is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("survival.py: ended by SIGTERM"))
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
        (print_table if options.markdown else print_lines)(rows)
    sys.exit(1 if any(o["broken"] for _, outcomes in rows for o in outcomes) else 0)


if __name__ == "__main__":
    main()
