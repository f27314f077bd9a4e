"""The comparer finds every way in which one transcript can be told from another."""

import pathlib
import random
import struct

import pytest

import amqp_codec as codec
from comparer import differences
from scenario import BadScenario, read_scenarios
from transcript import Transcript
from verdicts import read_compatibility, read_differences, read_pending, write_differences

RETURNED = {"reply_code": 312, "reply_text": "NO_ROUTE", "exchange": "", "routing_key": "s001.q"}


def method(name, **values):
    return codec.METHOD, codec.method(0, name, **values)[7:-1]


def header(size, **properties):
    return codec.CONTENT_HEADER, codec.content_header(0, size, properties)[7:-1]


def frames():
    """What a broker might send on two channels and the connection itself."""
    return [
        (1, *method("queue.declare-ok", queue="s001.q", message_count=2, consumer_count=1)),
        (1, *method("basic.return", **RETURNED)),
        (1, *header(3, content_type="text/plain", delivery_mode=2)),
        (1, codec.BODY, b"abc"),
        (1, *method("basic.ack", delivery_tag=2)),
        (2, *method("basic.deliver", consumer_tag="c", delivery_tag=1, redelivered=True,
                    exchange="x", routing_key="k")),
        (2, *header(4, headers=[("a", ("I", 1)), ("time", ("T", 5))])),
        (2, codec.BODY, b"ab"),
        (2, codec.BODY, b"cd"),
        (2, *method("channel.close", reply_code=404, reply_text="NOT_FOUND - no queue 's001.q'",
                    class_id=50, method_id=10)),
        (0, *method("connection.close", reply_code=501, reply_text="FRAME_ERROR", class_id=0)),
    ]


def transcript(sent, end=True):
    out = Transcript("s001.")
    for channel, kind, payload in sent:
        out.add_frame("a", kind, channel, payload)
    if end:
        out.end("a")
    return out.text()


def with_one(position, frame):
    out = frames()
    out[position] = frame
    return out


def test_equal_transcripts_have_no_difference():
    assert differences(transcript(frames()), transcript(frames())) == []


def test_order_across_channels_is_no_difference():
    moved = frames()
    moved = moved[5:10] + moved[:5] + moved[10:]
    assert differences(transcript(frames()), transcript(moved)) == []


@pytest.mark.parametrize("at", range(len(frames())))
def test_a_frame_that_is_missing_is_found(at):
    ours = frames()
    del ours[at]
    assert len(differences(transcript(frames()), transcript(ours))) == 1
    assert len(differences(transcript(ours), transcript(frames()))) == 1


@pytest.mark.parametrize("at", range(len(frames())))
def test_a_frame_that_comes_twice_is_found(at):
    ours = frames()
    ours.insert(at, ours[at])
    assert differences(transcript(frames()), transcript(ours))


def test_two_frames_in_another_order_are_found():
    sent = frames()
    swaps = [(i, i + 1) for i in range(len(sent) - 1) if sent[i][0] == sent[i + 1][0]]
    assert len(swaps) == 8
    for a, b in swaps:
        ours = frames()
        ours[a], ours[b] = ours[b], ours[a]
        assert differences(transcript(sent), transcript(ours)), sent[a]


def test_a_frame_on_another_channel_is_found():
    for at, (channel, kind, payload) in enumerate(frames()):
        ours = with_one(at, (channel + 1, kind, payload))
        assert differences(transcript(frames()), transcript(ours)), at


def test_an_end_that_does_not_come_is_found():
    assert differences(transcript(frames()), transcript(frames(), end=False)) == [
        "- a0 (end of stream)"]


@pytest.mark.parametrize("at, changed", (
    (0, method("queue.declare-ok", queue="s001.r", message_count=2, consumer_count=1)),
    (0, method("queue.declare-ok", queue="s001.q", message_count=3, consumer_count=1)),
    (0, method("queue.declare-ok", queue="s001.q", message_count=2, consumer_count=0)),
    (0, method("queue.delete-ok", message_count=2)),
    (1, method("basic.return", **RETURNED | {"reply_code": 313})),
    (1, method("basic.return", **RETURNED | {"reply_text": "NO_CONSUMERS"})),
    (1, method("basic.return", **RETURNED | {"exchange": "x"})),
    (2, header(3, content_type="text/html", delivery_mode=2)),
    (2, header(3, content_type="text/plain", delivery_mode=1)),
    (2, header(3, content_type="text/plain")),
    (2, header(3, content_type="text/plain", delivery_mode=2, priority=0)),
    (2, header(2, content_type="text/plain", delivery_mode=2)),
    (3, (codec.BODY, b"abd")),
    (3, (codec.BODY, b"abcd")),
    (4, method("basic.nack", delivery_tag=2)),
    (4, method("basic.ack", delivery_tag=3)),
    (4, method("basic.ack", delivery_tag=2, multiple=True)),
    (5, method("basic.deliver", consumer_tag="c", delivery_tag=1, exchange="x", routing_key="k")),
    (5, method("basic.deliver", consumer_tag="d", delivery_tag=1, redelivered=True, exchange="x",
               routing_key="k")),
    (5, method("basic.deliver", consumer_tag="c", delivery_tag=2, redelivered=True, exchange="x",
               routing_key="k")),
    (6, header(4, headers=[("a", ("l", 1)), ("time", ("T", 5))])),
    (6, header(4, headers=[("a", ("I", 2)), ("time", ("T", 5))])),
    (6, header(4, headers=[("b", ("I", 1)), ("time", ("T", 5))])),
    (6, header(4, headers=[("a", ("I", 1)), ("time", ("T", 6))])),
    (6, header(4, headers=[("a", ("I", 1))])),
    (6, header(4, headers=[("a", ("I", 1)), ("a", ("I", 1)), ("time", ("T", 5))])),
    (7, (codec.BODY, b"abc")),
    (9, method("channel.close", reply_code=405, reply_text="NOT_FOUND - no queue 's001.q'",
               class_id=50, method_id=10)),
    (9, method("channel.close", reply_code=404, reply_text="NOT_FOUND - no queue 'q'",
               class_id=50, method_id=10)),
    (9, method("channel.close", reply_code=404, reply_text="NOT_FOUND - no queue 's001.q'",
               class_id=60, method_id=10)),
    (9, method("channel.close", reply_code=404, reply_text="NOT_FOUND - no queue 's001.q'",
               class_id=50, method_id=20)),
    (10, method("connection.close", reply_code=502, reply_text="FRAME_ERROR", class_id=0)),
    (10, method("connection.close-ok")),
))
def test_a_changed_frame_is_found(at, changed):
    ours = with_one(at, (frames()[at][0], *changed))
    found = differences(transcript(frames()), transcript(ours))
    assert found and all(line.split()[1] == f"a{frames()[at][0]}" for line in found)


def test_any_octet_that_changes_a_payload_is_found():
    """Whatever a flipped bit makes of a frame: another text, or a frame that cannot be read."""
    bits = random.Random(5)
    for at, (channel, kind, payload) in enumerate(frames()):
        for _ in range(40):
            damaged = bytearray(payload)
            place = bits.randrange(len(damaged) * 8)
            damaged[place // 8] ^= 1 << place % 8
            try:
                ours = transcript(with_one(at, (channel, kind, bytes(damaged))))
            except (ValueError, IndexError, struct.error):
                continue
            assert differences(transcript(frames()), ours), (at, place)


def test_a_body_cut_otherwise_is_found():
    ours = frames()
    ours[7:9] = [(2, codec.BODY, b"abcd")]
    assert differences(transcript(frames()), transcript(ours))


def test_a_long_body_is_told_by_its_sum():
    long = with_one(3, (1, codec.BODY, b"a" * 5000))
    other = with_one(3, (1, codec.BODY, b"a" * 4999 + b"b"))
    assert len(differences(transcript(long), transcript(other))) == 2


def test_names_that_the_broker_makes_are_told_by_when_they_came():
    def declared(*names):
        return transcript([(1, *method("queue.declare-ok", queue=name)) for name in names])
    first = declared("amq.gen-aaaaaaaaaaaaaaaaaaaaaa", "amq.gen-bbbbbbbbbbbbbbbbbbbbbb")
    assert first == declared("amq.gen-cccccccccccccccccccccc", "amq.gen-dddddddddddddddddddddd")
    assert differences(first, declared("amq.gen-cccccccccccccccccccccc",
                                       "amq.gen-cccccccccccccccccccccc"))


def test_confirms_are_the_same_one_by_one_and_together():
    def confirmed(*methods):
        return transcript([(1, *one) for one in methods])
    apart = confirmed(*[method("basic.ack", delivery_tag=tag) for tag in (1, 2, 3)])
    assert apart == confirmed(method("basic.ack", delivery_tag=3, multiple=True))
    assert differences(apart, confirmed(method("basic.ack", delivery_tag=2, multiple=True)))
    assert differences(apart, confirmed(method("basic.ack", delivery_tag=2, multiple=True),
                                        method("basic.nack", delivery_tag=3)))


def test_a_moment_of_today_is_told_from_a_written_one():
    def died(seconds):
        table = [("x-death", ("A", [("F", [("time", ("T", seconds))])]))]
        return transcript([(1, *header(0, headers=table))])
    assert died(1_790_000_000) == died(1_790_000_009)
    assert differences(died(1_790_000_000), died(77))


def test_scenarios_that_say_nothing_are_refused():
    for text in ("a1 queue.declare", "== x\nqueue.declare", "== x\na1", "== x\na1 b c={d}",
                 '== x\na1 b c="open'):
        with pytest.raises((BadScenario, TypeError)):
            read_scenarios(text, "x.txt")


def test_rows_without_a_citation_are_refused():
    row = "| `exchange: A` | says this | says that | {} |"
    assert read_compatibility(row.format("features.md §4.4")) == {
        "exchange: A": "features.md §4.4"}
    for cited in ("somebody", "features.md", ""):
        with pytest.raises(ValueError):
            read_compatibility(row.format(cited))
    with pytest.raises(ValueError):
        read_compatibility("\n".join([row.format("features.md §4.4")] * 2))


def test_lists_are_read_as_they_are_written():
    found = {"a: B": ["- a1 x", "+ a1 y"], "c: D": ["+ a0 z"]}
    assert read_differences(write_differences(found)) == found
    assert read_pending("# why\n== tx\na: B\n\n== ttl\nc: D\n") == {"a: B": "tx", "c: D": "ttl"}


def test_every_file_of_scenarios_is_read():
    folder = pathlib.Path(__file__).resolve().parent / "scenarios"
    assert len(list(folder.glob("*.txt"))) >= 30
