"""A cluster of its own: these tests fill it up and restart it."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from warren_cluster import Cluster  # noqa: E402


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster(nodes=3, base_port=9472)
    try:
        cluster.start()
        cluster.wait_for_leaders(1)
        yield cluster
    finally:
        cluster.destroy()
