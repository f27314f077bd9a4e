"""Dead letters through real clients: on every kind of queue, between nodes and groups, with large
bodies, to a target that is full or missing, and from a leader that dies on the way."""

import time
import uuid

import pika
import pytest

from warren_cluster import wait_until

DURABLE = {"durable": True}
KINDS = [pytest.param(DURABLE, id="replicated"), pytest.param({"exclusive": True}, id="exclusive")]
every_kind = pytest.mark.parametrize("kind", KINDS)


def name(what):
    return f"{what}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def channel(connect):
    channel = connect(1).channel()
    channel.confirm_delivery()
    return channel


def declare(channel, kind, queue=None, **arguments):
    queue = queue or name("letters")
    channel.queue_declare(queue, arguments={
        f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}, **kind)
    return queue


def publish(channel, queue, *bodies, **properties):
    for body in bodies:
        channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2, **properties))


def ready(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def get(channel, queue, timeout=20):
    """The next message: its body and headers."""
    found = []

    def something():
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is not None:
            found.append((body, properties.headers))
        return found
    wait_until(something, timeout=timeout, what=f"a message in {queue}")
    return found[0]


def reject_all(channel, queue):
    """Rejected for good when it returns: a channel's close waits for that."""
    rejecting = channel.connection.channel()
    while (method := rejecting.basic_get(queue)[0]) is not None:
        rejecting.basic_reject(method.delivery_tag, requeue=False)
    rejecting.close()


@every_kind
def test_what_is_rejected_arrives_with_its_story(channel, kind):
    grave = declare(channel, kind)
    queue = declare(channel, kind, dead_letter_exchange="", dead_letter_routing_key=grave)
    publish(channel, queue, "a", "b", headers={"own": 1})
    reject_all(channel, queue)
    for body in (b"a", b"b"):
        arrived, headers = get(channel, grave)
        assert arrived == body
        death = headers["x-death"][0]
        assert (death["queue"], death["reason"], death["count"]) == (queue, "rejected", 1)
        assert headers["x-first-death-queue"] == headers["x-last-death-queue"] == queue
        assert headers["own"] == 1


@pytest.mark.parametrize("source, target", [(DURABLE, {"exclusive": True}),
                                            ({"exclusive": True}, DURABLE)])
def test_letters_pass_between_replicated_and_transient_queues(channel, source, target):
    grave = declare(channel, target)
    queue = declare(channel, source, message_ttl=50, dead_letter_exchange="",
                    dead_letter_routing_key=grave)
    publish(channel, queue, "x")
    assert get(channel, grave)[1]["x-death"][0]["reason"] == "expired"


@every_kind
def test_retries_by_a_queue_to_wait_in(channel, kind):
    """The usual way to retry later: work -> wait (expires) -> work, counted by x-death."""
    work, wait = name("work"), name("wait")
    declare(channel, kind, work, dead_letter_exchange="", dead_letter_routing_key=wait)
    declare(channel, kind, wait, message_ttl=100, dead_letter_exchange="",
            dead_letter_routing_key=work)
    publish(channel, work, "job")
    for count in range(1, 4):
        wait_until(lambda: ready(channel, work) == 1, what="the job to come back")
        method, properties, _ = channel.basic_get(work)
        deaths = {death["queue"]: death["count"] for death in (properties.headers or {}).get(
            "x-death", [])}
        assert deaths.get(work, 0) == deaths.get(wait, 0) == count - 1
        channel.basic_reject(method.delivery_tag, requeue=False)


@every_kind
def test_a_large_body_arrives_whole(channel, kind):
    body = bytes(range(256)) * (5 << 12)  # 5 MiB
    grave = declare(channel, kind)
    queue = declare(channel, kind, dead_letter_exchange="", dead_letter_routing_key=grave)
    publish(channel, queue, body)
    reject_all(channel, queue)
    assert get(channel, grave)[0] == body


def test_what_a_full_queue_refuses_is_a_dead_letter(channel):
    grave = declare(channel, DURABLE)
    queue = declare(channel, DURABLE, max_length=1, overflow="reject-publish-dlx",
                    dead_letter_exchange="", dead_letter_routing_key=grave)
    publish(channel, queue, "fits")
    with pytest.raises(pika.exceptions.NackError):
        publish(channel, queue, "does not")
    body, headers = get(channel, grave)
    assert (body, headers["x-first-death-reason"]) == (b"does not", "maxlen")


def test_at_least_once_waits_for_a_queue_to_go_to(channel):
    exchange, grave = name("exchange"), name("grave")
    retained = {"overflow": "reject-publish", "dead_letter_strategy": "at-least-once",
                "dead_letter_exchange": exchange}
    queue = declare(channel, DURABLE, max_length=2, **retained)
    publish(channel, queue, "a", "b")
    reject_all(channel, queue)
    with pytest.raises(pika.exceptions.NackError):
        publish(channel, queue, "one too many: what waits counts")
    channel.exchange_declare(exchange, "fanout")
    declare(channel, DURABLE, grave)
    channel.queue_bind(grave, exchange)
    assert sorted(get(channel, grave)[0] for _ in range(2)) == [b"a", b"b"]
    publish(channel, queue, "fits again")


def test_a_full_target_gets_no_more_than_one_copy_elsewhere(channel):
    """A letter for two queues, of which one refuses: the other has it once, whatever is tried."""
    exchange = name("exchange")
    channel.exchange_declare(exchange, "fanout")
    full = declare(channel, DURABLE, max_length=1, overflow="reject-publish")
    log = declare(channel, DURABLE)
    publish(channel, full, "in the way")
    for target in (full, log):
        channel.queue_bind(target, exchange)
    queue = declare(channel, DURABLE, overflow="reject-publish", max_length=10,
                    dead_letter_strategy="at-least-once", dead_letter_exchange=exchange)
    publish(channel, queue, "letter")
    reject_all(channel, queue)
    wait_until(lambda: ready(channel, log) == 1, what="the letter in the log")
    time.sleep(2.5)  # two tries more
    assert ready(channel, log) == 1
    assert get(channel, full)[0] == b"in the way"
    assert get(channel, full)[0] == b"letter"
    assert ready(channel, log) == 1


def test_headers_that_leave_no_room_for_a_death_stop_nobody(channel):
    grave = declare(channel, DURABLE)
    queue = declare(channel, DURABLE, dead_letter_exchange="", dead_letter_routing_key=grave)
    publish(channel, queue, "brim", headers={"many": [None] * 65530})
    publish(channel, queue, "copies", headers={"CC": ["c"] * 18000})
    reject_all(channel, queue)
    for body in (b"brim", b"copies"):
        arrived, headers = get(channel, grave)
        assert arrived == body
        assert headers["x-first-death-queue"] == queue


def test_what_goes_round_is_dropped_and_the_log_says_so_once(cluster, channel):
    first, second, exchange = name("first"), name("second"), name("both")
    witness = declare(channel, DURABLE)
    channel.exchange_declare(exchange, "fanout")
    declare(channel, DURABLE, first, message_ttl=10, dead_letter_exchange="",
            dead_letter_routing_key=second)
    declare(channel, DURABLE, second, message_ttl=10, dead_letter_exchange=exchange)
    for queue in [first, witness]:
        channel.queue_bind(queue, exchange)
    publish(channel, first, "a", "b", "c")
    # What reaches the witness was kept from the first queue before.
    wait_until(lambda: ready(channel, witness) == 3, what="three letters beside the cycle")

    def said():
        return sum(log.count(f"dead letters of queue '{second}' in vhost '/' go round")
                   for log in map(cluster.log, range(1, cluster.nodes + 1)))
    wait_until(said, what="a warning of the cycle")
    publish(channel, first, "late")
    wait_until(lambda: ready(channel, witness) == 4, what="the late one beside the cycle")
    assert said() == 1
    assert ready(channel, first) == 0


def test_letters_survive_the_leader(cluster, connect):
    """Thousands expire while the node that leads their queue is killed: none is lost."""
    source, grave = name("source"), name("grave")
    channel = cluster.connect(2).channel()  # dies with its node, where the queue's leader is
    channel.confirm_delivery()
    declare(channel, DURABLE, source, message_ttl=1500, dead_letter_exchange="",
            dead_letter_routing_key=grave)
    other = connect(1).channel()
    declare(other, DURABLE, grave)
    bodies = {str(i).encode() for i in range(2000)}
    publisher = connect(1).channel()
    for body in bodies:
        publisher.basic_publish("", source, body, pika.BasicProperties(delivery_mode=2))
    publisher.confirm_delivery()
    publisher.basic_publish("", source, b"last", pika.BasicProperties(delivery_mode=2))
    wait_until(lambda: ready(other, grave) > 0, interval=0.01, what="the first to die")
    cluster.kill(2)
    try:
        arrived = []
        wait_until(lambda: len(set(arrived)) == len(bodies) + 1 or arrived.append(
            get(other, grave)[0]), timeout=60, interval=0, what="every letter")
        assert set(arrived) == bodies | {b"last"}
    finally:
        cluster.resume(2)
        cluster.wait_for_leaders(2)
