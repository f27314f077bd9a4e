"""An engine, the image and three nodes for all tests of a run. Leaves nothing running behind."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import tools  # noqa: E402


def not_tested(reason):
    # ctest looks for these words and shows the test as skipped, never as passed.
    pytest.skip(f"CONTAINERS NOT TESTED: {reason}", allow_module_level=True)


@pytest.fixture(scope="session")
def engine():
    from engine import Engine

    own = Engine()
    try:
        yield own.start()
    except tools.Unavailable as reason:
        not_tested(reason)
    finally:
        own.stop()


@pytest.fixture(scope="session")
def compose(engine):
    from compose import Compose, disk_is_enough

    if not disk_is_enough():
        not_tested("less than 3 GiB are free for images")
    cluster = Compose()
    try:
        cluster.build()
    except tools.Unavailable as reason:
        not_tested(reason)
    cluster.down(volumes=True)  # of a run that was killed
    try:
        # In an order that no file names, the last a while after the others.
        cluster.up(3)
        cluster.up(1)
        cluster.up(2)
        cluster.await_serving()
        yield cluster
    finally:
        cluster.down(volumes=True)
