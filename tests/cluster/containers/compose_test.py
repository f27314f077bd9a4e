"""deploy/Dockerfile and deploy/compose, for real: the tutorial's hello on every node, a container
killed under load, the whole cluster down and up again."""

import time

import pika
import pytest

from compose import NODES
from load import Consumer, Publisher

PAIRS = [(a, b) for a in NODES for b in NODES]


def other_nodes(node):
    return [n for n in NODES if n != node]


def leader_of(compose, queue):
    for line in compose.ctl(1, "list_queues", "name", "leader").splitlines():
        fields = line.split("\t")
        if fields[0] == queue:
            return int(fields[1].rsplit("-", 1)[1])
    raise AssertionError(f"list_queues shows no {queue}")


def wait_until(condition, what, limit_s=30):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"not after {limit_s} s: {what}"
        time.sleep(0.05)


def get_one(channel, queue):
    got = []
    wait_until(lambda: got.append(channel.basic_get(queue, auto_ack=True)) or got[-1][0],
               f"a message in {queue}")
    return got[-1][2]


def test_the_image_runs_as_nobody_special_and_reports_its_health(compose):
    for node in NODES:
        compose.await_health(node, "healthy")
        state = compose.inspect(node)
        assert state["Config"]["User"] == "5672:5672"
        assert state["Config"]["StopSignal"] == "SIGTERM"
        assert state["RestartCount"] == 0
        assert compose.docker("exec", compose.container(node), "id", "-u").strip() == "5672"


@pytest.mark.parametrize("publish_on, consume_on", PAIRS)
def test_hello_goes_from_every_node_to_every_node(compose, publish_on, consume_on):
    sender = compose.connect(publish_on)
    channel = sender.channel()
    channel.queue_declare(queue="hello")
    channel.basic_publish(exchange="", routing_key="hello", body=b"Hello World!")
    sender.close()
    receiver = compose.connect(consume_on)
    channel = receiver.channel()
    channel.queue_declare(queue="hello")
    for _, _, body in channel.consume("hello", auto_ack=True, inactivity_timeout=10):
        assert body == b"Hello World!"
        break
    channel.queue_delete("hello")
    receiver.close()


@pytest.mark.parametrize("victim", ["leader", "follower"])
def test_a_container_killed_under_load_loses_nothing_and_rejoins(compose, victim):
    queue = f"load-{victim}"
    connection = compose.connect(1)
    connection.channel().queue_declare(queue, durable=True)
    connection.close()
    leader = leader_of(compose, queue)
    killed = leader if victim == "leader" else other_nodes(leader)[0]
    survivors = other_nodes(killed)
    publishers = [Publisher(compose, [node, *other_nodes(node)], queue, f"p{node}")
                  for node in NODES]  # one of them loses its node
    consumer = Consumer(compose, survivors, queue)
    for client in (*publishers, consumer):
        client.start()
    wait_until(lambda: all(len(p.confirmed) > 100 for p in publishers), "load on every node")

    compose.kill(killed)
    at_kill = {p: len(p.confirmed) for p in publishers}
    wait_until(lambda: all(len(p.confirmed) > at_kill[p] + 100 for p in publishers),
               "load goes on after the kill", limit_s=60)

    compose.start(killed)
    compose.await_serving(killed)
    at_return = {p: len(p.confirmed) for p in publishers}
    wait_until(lambda: all(len(p.confirmed) > at_return[p] + 100 for p in publishers),
               "load goes on after the return", limit_s=60)
    for publisher in publishers:
        publisher.finish()
    confirmed = set().union(*(p.confirmed for p in publishers))
    wait_until(lambda: confirmed <= consumer.seen.keys(),
               f"all {len(confirmed)} confirmed messages consumed", limit_s=60)
    consumer.finish()
    compose.await_health(killed, "healthy")

    connection = compose.connect(killed)
    channel = connection.channel()
    assert channel.queue_declare(queue, passive=True).method.message_count == 0
    channel.basic_publish("", queue, b"by the one that came back")
    assert get_one(channel, queue) == b"by the one that came back"
    channel.queue_delete(queue)
    connection.close()
    print(f"{victim} killed: {len(confirmed)} confirmed, none lost")


def test_messages_stay_in_the_volumes_when_all_containers_are_removed(compose):
    connection = compose.connect(2)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare("kept", durable=True)
    for number in range(100):
        channel.basic_publish("", "kept", str(number).encode(),
                              pika.BasicProperties(delivery_mode=2))
    connection.close()

    began = time.monotonic()
    compose.down()
    assert time.monotonic() - began < 30, "SIGTERM ends a node within its grace"
    compose.up(*NODES)
    compose.await_serving()

    connection = compose.connect(3)
    channel = connection.channel()
    assert [get_one(channel, "kept") for _ in range(100)] == [b"%d" % n for n in range(100)]
    channel.queue_delete("kept")
    connection.close()
