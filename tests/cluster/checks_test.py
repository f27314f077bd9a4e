"""The checkers find what they are there to find."""

import checks
from workload import ConsumerReport, PublisherReport


def consumer(*deliveries):
    return ConsumerReport("q", 1, deliveries=list(deliveries))


def test_a_lost_confirmed_message_is_found():
    publisher = PublisherReport("p", 1, confirmed={0, 1})
    assert checks.confirmed_were_consumed([publisher], [consumer(("p", 0, False, 1))])
    assert not checks.confirmed_were_consumed(
        [publisher], [consumer(("p", 0, False, 1), ("p", 1, False, 1))])


def test_a_load_that_never_flowed_is_found():
    assert checks.every_publisher_was_confirmed([PublisherReport("p", 1)])
    assert not checks.every_publisher_was_confirmed([PublisherReport("p", 1, confirmed={0})])


def test_disorder_among_first_deliveries_is_found_and_redelivery_is_not():
    publisher = PublisherReport("p", 1, connections_began=[0])
    assert checks.first_deliveries_are_in_order(
        [publisher], [consumer(("p", 1, False, 1), ("p", 0, False, 1))])
    assert not checks.first_deliveries_are_in_order(
        [publisher], [consumer(("p", 0, False, 1), ("p", 1, False, 1), ("p", 0, True, 2))])


def test_order_is_that_of_one_connection():
    late = consumer(("p", 2, False, 1), ("p", 1, False, 1), ("p", 3, False, 1))
    assert not checks.first_deliveries_are_in_order(
        [PublisherReport("p", 1, connections_began=[0, 2])], [late])
    assert checks.first_deliveries_are_in_order(
        [PublisherReport("p", 1, connections_began=[0, 1])], [late])


def test_a_message_twice_on_one_connection_is_found():
    assert checks.nothing_came_back_to_a_client_that_stayed(
        [consumer(("p", 0, False, 1), ("p", 0, True, 1))])
    assert not checks.nothing_came_back_to_a_client_that_stayed(
        [consumer(("p", 0, False, 1), ("p", 0, True, 2))])


def test_a_missing_redelivered_flag_is_found():
    assert checks.redelivered_is_never_missing(
        [consumer(("p", 0, False, 1), ("p", 0, False, 2))])


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


def test_the_longest_gap_counts_the_edges():
    assert round(checks.longest_gap([10.0, 10.1, 12.0], 10.0, 13.0)) == 1900
    assert round(checks.longest_gap([], 10.0, 13.0)) == 3000
