"""Every scenario is played against RabbitMQ and against Warren; they must send the same frames,
but for what docs/compatibility.md lists and pending.txt waits for."""

import pathlib

import pytest

from comparer import differences, report
from scenario import read_folder
from verdicts import Verdicts

SCENARIOS = read_folder(pathlib.Path(__file__).resolve().parent / "scenarios")
LEAST = 300
TRIES_ALONE = 2


def test_there_are_enough_scenarios():
    assert len(SCENARIOS) >= LEAST


def test_the_lists_name_scenarios_that_exist():
    faults = list(Verdicts().faults({scenario.name for scenario in SCENARIOS}))
    assert not faults, "\n".join(faults)


def test_rabbitmq_sends_what_every_scenario_waits_for(contest):
    wrong = [f"{name}\n{transcript}" for name, transcript in contest.theirs.items()
             if "(waited in vain" in transcript or "(could not be played" in transcript]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_both_send_the_same_frames(contest, scenario):
    verdicts = contest.verdicts
    theirs, ours = contest.theirs[scenario.name], contest.ours[scenario.name]
    found = differences(theirs, ours)
    if scenario.name in verdicts.pending:
        assert found, "works now: take it out of pending.txt"
        pytest.xfail(f"waits for {verdicts.pending[scenario.name]}")
    wanted = verdicts.differences.get(scenario.name, [])
    # Eight scenarios at a time make either broker late now and then: what differs only then is no
    # difference between the two.
    for _ in range(TRIES_ALONE):
        if found == wanted:
            break
        theirs, ours = contest.play_alone(scenario)
        found = differences(theirs, ours)
    assert found == wanted, report(scenario, theirs, ours)
