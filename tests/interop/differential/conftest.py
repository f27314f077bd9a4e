"""Paths, and both brokers with every scenario played against them, once a run."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "support")]

from contest import Contest  # noqa: E402

IMITATED = "3.10."  # Debian 12's; another version differs by itself
# AMQP ports: RabbitMQ takes three from the first one on, Warren's nodes theirs from the second.
PORTS = os.environ.get("WARREN_TEST_DIFFERENTIAL_PORTS", "6372,6472")


@pytest.fixture(scope="session")
def contest():
    theirs, ours = (int(port) for port in PORTS.split(","))
    with Contest(theirs, ours) as contest:
        if not contest.version().startswith(IMITATED):
            pytest.skip(f"RabbitMQ here is {contest.version()}; {IMITATED}x is imitated")
        contest.play_all()
        yield contest
