"""The settings default_user, default_pass, default_vhost and default_user_tags at a founding."""

import os

import pika
import pytest

from warren_cluster import Cluster

SETTINGS = ["default_user = rabbit", "default_pass = carrot", "default_vhost = burrow",
            "default_user_tags.administrator = false", "default_user_tags.monitoring = true"]


@pytest.fixture
def renamed():
    base_port = int(os.environ.get("WARREN_TEST_BASE_PORT", 7672)) + 10
    cluster = Cluster(nodes=1, base_port=base_port, settings=SETTINGS)
    try:
        yield cluster.start()
    finally:
        cluster.destroy()


def open_as(cluster, user, password, vhost):
    credentials = pika.PlainCredentials(user, password)
    return pika.BlockingConnection(pika.ConnectionParameters(
        "127.0.0.1", cluster.base_port, vhost, credentials))


def test_a_cluster_is_founded_with_the_user_and_vhost_that_are_set(renamed):
    with open_as(renamed, "rabbit", "carrot", "burrow") as connection:
        channel = connection.channel()
        channel.exchange_declare("x", "fanout")
        channel.queue_declare("q", durable=True)
        channel.queue_bind("q", "x")
        channel.basic_publish("x", "", b"hay")
        assert channel.basic_get("q", auto_ack=True)[2] == b"hay"
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        open_as(renamed, "rabbit", "guest", "burrow")
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        open_as(renamed, "guest", "guest", "burrow")
    with pytest.raises(pika.exceptions.ProbableAccessDeniedError):
        open_as(renamed, "rabbit", "carrot", "/")


def test_other_settings_later_change_nothing(renamed):
    renamed.quickstart("stop")
    renamed.settings = ["default_user = hare", "default_pass = hare"]
    renamed.quickstart("start")
    open_as(renamed, "rabbit", "carrot", "burrow").close()
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        open_as(renamed, "hare", "hare", "burrow")
