"""Plays scenarios by hand, and records the differences that docs/compatibility.md lists.

    play.py                        both brokers, every scenario: prints what differs unexpectedly
    play.py --only REGEX           scenarios whose name matches
    play.py --rounds 5             RabbitMQ only, several times: prints what is not stable
    play.py --show                 prints RabbitMQ's transcripts
    play.py --record               writes differences.txt
    play.py --nodes 3              connections of a scenario go to several nodes of Warren
"""

import argparse
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "support")]

from comparer import differences, report  # noqa: E402
from contest import Contest, play_scenarios  # noqa: E402
from verdicts import DIFFERENCES, write_differences  # noqa: E402


def read_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--ports", default="6372,6472")
    parser.add_argument("--nodes", type=int, default=1)
    return parser.parse_args()


def show_unstable(contest, rounds):
    first = play_scenarios(contest.scenarios, [contest.rabbitmq.port])
    for _ in range(rounds - 1):
        again = play_scenarios(contest.scenarios, [contest.rabbitmq.port])
        for scenario in contest.scenarios:
            a, b = first[scenario.name], again[scenario.name]
            if differences(a, b):
                print(report(scenario, a, b), "\n")


def show_differences(contest):
    for scenario in contest.scenarios:
        theirs, ours = contest.theirs[scenario.name], contest.ours[scenario.name]
        found = differences(theirs, ours)
        wanted = contest.verdicts.differences.get(scenario.name, [])
        pending = scenario.name in contest.verdicts.pending
        if pending and not found:
            print(f"{scenario.name}: works, and is pending still\n")
        if (found != wanted and not pending) or "(waited in vain" in theirs:
            print(report(scenario, theirs, ours), "\n")


def record(contest):
    found = {name: differences(contest.theirs[name], contest.ours[name])
             for name in contest.verdicts.listed}
    DIFFERENCES.write_text(write_differences(found), encoding="utf-8")


def main():
    options = read_options()
    theirs, ours = (int(port) for port in options.ports.split(","))
    with Contest(theirs, ours, options.nodes) as contest:
        contest.scenarios = [scenario for scenario in contest.scenarios
                             if re.search(options.only, scenario.name)]
        if options.rounds:
            return show_unstable(contest, options.rounds)
        started = time.monotonic()
        contest.play_all()
        print(f"{len(contest.scenarios)} scenarios, {time.monotonic() - started:.0f} s\n")
        if options.show:
            for name, transcript in contest.theirs.items():
                print(f"== {name}\n{transcript}\n")
        if options.record:
            record(contest)
        show_differences(contest)


if __name__ == "__main__":
    main()
