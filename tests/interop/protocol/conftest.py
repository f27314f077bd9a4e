"""A cluster of its own: these tests place queues in groups, and kill nodes."""

import contextlib
import os

import pika
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


@pytest.fixture
def connect(cluster):
    """connect(node) opens a connection that is closed when the test ends; its node may be gone."""
    opened = []

    def open_connection(node, **options):
        connection = cluster.connect(node, **options)
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        with contextlib.suppress(pika.exceptions.AMQPError):
            connection.close()
