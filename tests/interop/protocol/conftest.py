"""A cluster of its own: these tests place queues in groups, and kill nodes."""

import os

import pytest

from warren_cluster import Cluster


@pytest.fixture(scope="session")
def cluster():
    base_port = int(os.environ.get("WARREN_TEST_BASE_PORT", 7672))
    cluster = Cluster(nodes=3, base_port=base_port, settings=["test.placement=true"])
    try:
        cluster.start()
        cluster.wait_for_leaders(1)
        yield cluster
    finally:
        cluster.destroy()
