"""One three-node cluster for all interoperability tests of a run."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from warren_cluster import Cluster  # noqa: E402


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster(nodes=3, base_port=5872)
    try:
        yield cluster.start()
    finally:
        cluster.destroy()


@pytest.fixture
def connect(cluster):
    """connect(node) opens a connection that is closed when the test ends."""
    opened = []

    def open_connection(node, **options):
        connection = cluster.connect(node, **options)
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        if connection.is_open:
            connection.close()
