"""The tutorial's durability chapter: a durable queue and persistent messages outlive the whole
cluster; what is not durable does not. Runs last: it restarts the cluster that all tests share."""

import uuid

import pika
import pytest


def test_durable_queue_and_persistent_messages_survive_a_restart_of_the_whole_cluster(cluster):
    name = f"durable-{uuid.uuid4().hex[:8]}"
    transient = f"transient-{uuid.uuid4().hex[:8]}"
    with cluster.connect(1) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(name, durable=True)
        channel.queue_declare(transient)
        for i in range(100):
            channel.basic_publish(
                "", name, str(i), pika.BasicProperties(delivery_mode=2), mandatory=True
            )
    cluster.restart()

    for node in (1, 2, 3):
        with cluster.connect(node) as connection:
            declared = connection.channel().queue_declare(name, durable=True, passive=True)
            assert declared.method.message_count == 100
    with cluster.connect(2) as connection:
        channel = connection.channel()
        got = []
        for method, _, body in channel.consume(name, inactivity_timeout=20):
            assert method is not None, f"only {len(got)} came back"
            channel.basic_ack(method.delivery_tag)
            got.append(body)
            if len(got) == 100:
                break
        channel.cancel()
        assert got == [str(i).encode() for i in range(100)]
        channel.queue_delete(name)
    with cluster.connect(3) as connection:
        with pytest.raises(pika.exceptions.ChannelClosedByBroker) as missing:
            connection.channel().queue_declare(transient, passive=True)
        assert missing.value.reply_code == 404
