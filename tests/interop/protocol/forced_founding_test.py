"""warren.force_found: those who answer found a cluster; the others join it when they come."""

import os
import shutil

import pytest

from warren_cluster import Cluster, wait_until

ALONE = 2  # neither the first of the configured nodes nor the last
NODES = (1, 2, 3)


@pytest.fixture
def cluster():
    base_port = int(os.environ.get("WARREN_TEST_BASE_PORT", 7672)) + 10
    cluster = Cluster(nodes=3, base_port=base_port)
    try:
        cluster.start().stop()
        for node in NODES:
            shutil.rmtree(cluster.node(node)["data_directory"])
        yield cluster
    finally:
        cluster.destroy()


def test_who_answers_founds_and_the_others_join(cluster):
    told = {node: len(cluster.log(node)) for node in NODES}
    cluster.settings.append("warren.force_found=true")
    cluster.quickstart("resume", ALONE)
    assert "founding cluster" in cluster.log(ALONE)[told[ALONE]:]
    with cluster.connect(ALONE) as connection:
        channel = connection.channel()
        channel.queue_declare("forced", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", "forced", b"one")
    cluster.start()  # the others, under the same order: there is a cluster, so they found none
    for node in NODES:
        founded = "founding cluster" in cluster.log(node)[told[node]:]
        assert founded == (node == ALONE)
        with cluster.connect(node) as connection:
            declared = connection.channel().queue_declare("forced", passive=True)
        assert declared.method.message_count == 1
    wait_until(lambda: len(cluster.groups(1)[0]["members"]) == 3, what="all nodes in the catalog")
