"""The checkers find what they are there to find."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import bit_flips  # noqa: E402
import checks  # noqa: E402
import founding  # noqa: E402
import survival  # noqa: E402
from checks import Blow  # noqa: E402
from workload import Connection, ConsumerReport, Delivery, PublisherReport  # noqa: E402

INFINITY = float("inf")


def came(name, number, redelivered=False, connection=1, at=0.0):
    return Delivery(name, number, redelivered, connection, at)


def consumer(*deliveries, home=1, connections=None, **more):
    connections = connections or [Connection(home, 0.0), Connection(home, 0.0)]
    return ConsumerReport("q", home, deliveries=list(deliveries), connections=connections, **more)


def test_a_lost_confirmed_message_is_found():
    publisher = PublisherReport("p", 1, confirmed={0, 1})
    assert checks.confirmed_were_consumed([publisher], [consumer(came("p", 0))])
    assert not checks.confirmed_were_consumed(
        [publisher], [consumer(came("p", 0)), consumer(came("p", 1))])


def test_a_load_that_never_flowed_is_found():
    assert checks.every_publisher_was_confirmed([PublisherReport("p", 1)])
    assert not checks.every_publisher_was_confirmed([PublisherReport("p", 1, confirmed={0})])


def test_disorder_among_first_deliveries_is_found_and_redelivery_is_not():
    publisher = PublisherReport("p", 1, connections_began=[0])
    assert checks.first_deliveries_are_in_order(
        [publisher], [consumer(came("p", 1), came("p", 0))])
    assert not checks.first_deliveries_are_in_order(
        [publisher], [consumer(came("p", 0), came("p", 1), came("p", 0, True, 2))])


def test_order_is_that_of_one_connection_and_one_consumer():
    late = consumer(came("p", 2), came("p", 1), came("p", 3))
    assert not checks.first_deliveries_are_in_order(
        [PublisherReport("p", 1, connections_began=[0, 2])], [late])
    assert checks.first_deliveries_are_in_order(
        [PublisherReport("p", 1, connections_began=[0, 1])], [late])
    assert not checks.first_deliveries_are_in_order(
        [PublisherReport("p", 1, connections_began=[0])],
        [consumer(came("p", 1)), consumer(came("p", 0))])


def test_a_message_twice_on_one_connection_is_found():
    assert checks.nothing_came_twice_on_one_connection(
        [consumer(came("p", 0), came("p", 0, True))])
    assert not checks.nothing_came_twice_on_one_connection(
        [consumer(came("p", 0), came("p", 0, True, 2))])


def test_a_settled_message_that_comes_back_is_found():
    settler = consumer(came("p", 0, at=1.0), settled={("p", 0): 2.0})
    assert checks.nothing_settled_came_back([settler, consumer(came("p", 0, True, at=2.1))])
    assert checks.nothing_settled_came_back(
        [consumer(came("p", 0, at=1.0), came("p", 0, True, 2, 2.1), settled={("p", 0): 2.0})])
    assert not checks.nothing_settled_came_back([settler, consumer(came("p", 0, True, at=1.9))])
    assert not checks.nothing_settled_came_back([settler, consumer(came("p", 1, at=2.1))])


def test_what_lay_in_a_stopped_node_is_no_settled_message_that_came_back():
    settler = consumer(came("p", 0, at=1.0), settled={("p", 0): 2.0})
    late = consumer(came("p", 0, at=5.5), home=3, connections=[Connection(3, 0.0)])
    assert not checks.nothing_settled_came_back([settler, late], [Blow((3,), 0.5, 5.0)])
    assert checks.nothing_settled_came_back([settler, late], [Blow((2,), 0.5, 5.0)])
    assert checks.nothing_settled_came_back([settler, late], [Blow((3,), 0.5, 3.0)])
    newer = consumer(came("p", 0, at=5.5), home=3, connections=[Connection(3, 4.0)])
    assert checks.nothing_settled_came_back([settler, newer], [Blow((3,), 0.5, 5.0)])


def test_a_run_in_which_no_settle_was_known_is_found():
    assert checks.settles_were_known([consumer()], [Blow((1,), 5.0, 6.0)])
    assert checks.settles_were_known([consumer(settled={("p", 0): 5.5})], [Blow((1,), 5.0, 6.0)])
    assert not checks.settles_were_known(
        [consumer(settled={("p", 0): 4.0})], [Blow((1,), 5.0, 6.0)])


def test_a_message_of_the_round_before_is_found():
    assert checks.nothing_of_another_round_came(
        [PublisherReport("p-2", 1)], [consumer(came("p-1", 0))])
    assert not checks.nothing_of_another_round_came(
        [PublisherReport("p-2", 1)], [consumer(came("p-2", 0))])


def test_what_a_survivor_holds_and_another_gets_is_found():
    blows = [Blow((3,), 2.0, 4.0)]
    holder = consumer(came("p", 0, at=1.0), home=1)
    thief = consumer(came("p", 0, True, at=3.0), home=2)
    assert checks.nobody_else_got_what_survivors_hold([holder, thief], blows)
    earlier = consumer(came("p", 0, at=0.5), home=3, connections=[Connection(3, 0.0, 2.0)])
    assert not checks.nobody_else_got_what_survivors_hold([holder, earlier], blows)
    stopped = consumer(came("p", 0, at=4.5), home=3, connections=[Connection(3, 0.0)])
    assert not checks.nobody_else_got_what_survivors_hold([holder, stopped], blows)
    struck = consumer(came("p", 0, at=1.0), home=3, connections=[Connection(3, 0.0, 2.0)])
    assert not checks.nobody_else_got_what_survivors_hold([struck, thief], blows)


def test_a_missing_redelivered_flag_is_found():
    assert checks.redelivered_is_never_missing([consumer(came("p", 0), came("p", 0, False, 2))])
    assert checks.redelivered_is_never_missing([consumer(came("p", 0)), consumer(came("p", 0))])
    assert checks.redelivered_is_never_missing(
        [consumer(came("p", 0, True), came("p", 0, False, 2))])
    assert not checks.redelivered_is_never_missing(
        [consumer(came("p", 0)), consumer(came("p", 0, True))])


def test_a_survivor_that_loses_its_connection_is_found():
    blows = [Blow((3,), 2.0, 4.0, 9.0)]
    lost = PublisherReport("p", 1, connections=[Connection(1, 0.0, 5.0), Connection(2, 5.1)])
    assert checks.survivors_were_not_disturbed([lost], [], blows)
    later = PublisherReport("p", 1, connections=[Connection(1, 0.0, 9.5)])
    assert not checks.survivors_were_not_disturbed([later], [], blows)
    victim = PublisherReport("p", 3, connections=[Connection(3, 0.0, 2.1), Connection(1, 2.2)])
    assert not checks.survivors_were_not_disturbed([victim], [], blows)
    assert checks.nobody_was_disturbed_before([lost], 6.0)
    assert not checks.nobody_was_disturbed_before([lost], 4.0)


def test_a_survivor_that_loses_its_consumer_is_found():
    blows = [Blow((3,), 2.0, 4.0)]
    assert checks.survivors_were_not_disturbed([], [consumer(cancelled=[3.0])], blows)
    assert not checks.survivors_were_not_disturbed([], [consumer(cancelled=[1.0])], blows)
    assert not checks.survivors_were_not_disturbed([], [consumer(cancelled=[3.0], home=3)], blows)


def test_a_load_too_light_is_found():
    publisher = PublisherReport(
        "p", 1, confirm_times=[8.0 + n / 10 for n in range(1, 21)])
    full = consumer(*[came("p", n, at=1.0) for n in range(5)])
    assert not checks.load_was_real([publisher], [full], 10.0, rate=10, held=5)
    assert len(checks.load_was_real([publisher], [full], 10.0, rate=11, held=5)) == 1
    assert len(checks.load_was_real([publisher], [full], 10.0, rate=10, held=6)) == 1
    acked = consumer(*[came("p", n, at=1.0) for n in range(5)], acked={("p", 0): 2.0})
    assert checks.load_was_real([publisher], [acked], 10.0, rate=10, held=5)
    assert not checks.load_was_real([publisher], [acked], 1.5, rate=0, held=5)


def test_confirms_without_a_majority_are_found():
    assert checks.nothing_was_confirmed([PublisherReport("p", 1, confirm_times=[2.0])], 1.0, 3.0)
    assert not checks.nothing_was_confirmed([PublisherReport("p", 1, confirm_times=[4.0])], 1, 3)


def test_a_publish_that_hangs_is_found():
    assert checks.all_was_decided_within([PublisherReport("p", 1, longest_wait=6.0)], 5.0)
    assert not checks.all_was_decided_within([PublisherReport("p", 1, longest_wait=4.0)], 5.0)


def test_missing_nacks_and_missing_confirms_are_found():
    silent = PublisherReport("p", 1)
    lively = PublisherReport("p", 1, nacked=1, confirm_times=[4.0])
    assert checks.some_were_nacked([silent]) and not checks.some_were_nacked([lively])
    assert checks.confirms_resumed([silent], 3.0) and not checks.confirms_resumed([lively], 3.0)


def digest(group, node, applied, value):
    return {"group": group, "node": node, "applied": applied, "digest": value}


def test_replicas_whose_states_differ_are_found():
    assert checks.states_agree([digest(1, "a", 7, 5), digest(1, "b", 7, 6)])
    assert not checks.states_agree([digest(1, "a", 7, 5), digest(1, "b", 8, 6)])
    assert not checks.states_agree([digest(1, "a", 7, 5), digest(2, "b", 7, 6)])


def test_a_replica_that_does_not_tell_its_state_or_lags_is_found():
    groups = {1: {"members": [{"node": "a"}, {"node": "b"}]}}
    assert not checks.digests_are_complete(groups, [digest(1, "a", 7, 5)])
    assert not checks.digests_are_complete(groups, [digest(1, "a", 7, 5), digest(1, "b", 6, 5)])
    assert checks.digests_are_complete(groups, [digest(1, "a", 7, 5), digest(1, "b", 7, 5)])


def test_the_longest_gap_counts_the_edges():
    assert round(checks.longest_gap([10.0, 10.1, 12.0], 10.0, 13.0)) == 1900
    assert round(checks.longest_gap([], 10.0, 13.0)) == 3000


def test_gaps_are_those_of_survivors():
    blows = [Blow((3,), 10.0, 13.0)]
    survivor = PublisherReport("p", 1, confirm_times=[10.0, 12.0], connections=[Connection(1, 0.0)])
    victim = PublisherReport("p", 3, connections=[Connection(3, 0.0, 10.1)])
    gap = checks.survivors_gap([survivor, victim], lambda r: r.confirm_times, blows)
    assert round(gap) == 2000
    assert checks.survivors_gap([victim], lambda r: r.confirm_times, blows) is None


def test_a_gap_over_its_target_is_found():
    assert checks.over_target(501, 500, "confirm") and not checks.over_target(500, 500, "confirm")
    assert checks.over_target(5001, 500, "confirm", laxer=10)
    assert not checks.over_target(4999, 500, "confirm", laxer=10)
    assert not checks.over_target(None, 500, "confirm")
    assert not checks.over_target(10 ** 6, None, "confirm")


REFUSAL = (bit_flips.REFUSED + "/data/store/000004.log: one bit of a record is wrong at offset 7. "
           "Nothing was changed. Choices: repair the disk and restore the file from a copy of this "
           "very store; or move the directory away and let this node join again with an empty one. "
           "Without such a majority, moving it away loses data")


def test_a_refusal_that_does_not_say_why_is_found():
    assert not bit_flips.refusal_lacks("starts\n" + REFUSAL)
    assert bit_flips.refusal_lacks("") and bit_flips.refusal_lacks(REFUSAL[:60])
    assert bit_flips.refusal_lacks(REFUSAL.replace("/data/store/000004.log: ", ""))
    assert bit_flips.refusal_lacks(REFUSAL.replace("join again", "start"))


def test_the_record_of_a_vote_is_found_in_a_log(tmp_path):
    record = b"\x05h\x00\x00\x00\x03\x05\x09\x02\x07\x00\x00"  # group 3: term 9, vote for node 2
    (tmp_path / "000004.log").write_bytes(bytes(20) + record + bytes(5))
    assert bit_flips.votes(bytes(20) + record) == [20 + 8]
    assert bit_flips.Flip(tmp_path, 1, "vote").offset == 28
    (tmp_path / "000004.log").write_bytes(bytes(40))
    try:
        bit_flips.Flip(tmp_path, 1, "vote")
    except AssertionError:
        return
    raise RuntimeError("a log without a vote was taken")


def test_a_group_that_took_no_learner_in_is_found():
    told = ("group 3: changing its members to 3 voters and 1 learners\n"
            "group 5: changing its members to 3 voters and 0 learners\n")
    assert founding.had_learners(told) == {3}


def outcome(confirm_gap):
    return {"confirm_gap": confirm_gap, "delivery_gap": None, "confirmed": 1, "broken": []}


def test_the_long_form_is_held_to_its_targets_and_the_short_one_to_laxer_ones():
    assert survival.over_targets([("kill_leader", [outcome(600)] * survival.LONG_FORM)])
    assert not survival.over_targets([("kill_leader", [outcome(600)])])
    assert survival.over_targets([("kill_leader", [outcome(6000)])])
    assert not survival.over_targets([("lose_majority", [outcome(9000)])])


def test_the_table_in_the_docs_gets_new_rows_in_the_place_of_old_ones(tmp_path, monkeypatch):
    killed, hung = (survival.FAULTS[name].__doc__ for name in ("kill_leader", "hang_leader"))
    doc = tmp_path / "guarantees.md"
    doc.write_text(f"| Fault | Rounds |\n| --- | --- |\n| {killed} | 20 | old |\n\nThe end.\n")
    monkeypatch.setattr(survival, "DOC", doc)
    survival.update_doc([("kill_leader", [outcome(7)]), ("hang_leader", [outcome(8)])])
    assert doc.read_text() == (
        f"| Fault | Rounds |\n| --- | --- |\n| {killed} | 1 | 7 / 7 | – | 1 | 0 |\n"
        f"| {hung} | 1 | 8 / 8 | – | 1 | 0 |\n\nThe end.\n")
