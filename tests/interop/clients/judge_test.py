"""What fails a run of the clients, and what does not."""

import judge

SCENARIOS = ["hello", "nack", "tx"]


def states(*lines, awaited=("tx",)):
    return [(verdict.scenario, verdict.state)
            for verdict in judge.judge(SCENARIOS, set(awaited), lines)]


def test_what_is_pending_may_fail():
    assert states("ok hello", "cannot nack: it has none", "not ok tx: refused") == [
        ("hello", "ok"), ("nack", "cannot"), ("tx", "pending")]


def test_what_is_pending_and_passes_fails_the_run():
    assert states("ok hello", "ok nack", "ok tx")[-1] == ("tx", "failed")


def test_silence_is_failure():
    assert states("ok hello", "want kill", "chatter") == [
        ("hello", "ok"), ("nack", "failed"), ("tx", "failed")]


def test_a_scenario_that_the_table_lacks_fails_the_run():
    assert states("ok hello", "ok nack", "not ok tx: refused", "ok unheard-of") == [
        ("unheard-of", "failed"), ("hello", "ok"), ("nack", "ok"), ("tx", "pending")]


def test_a_reason_has_to_be_given():
    assert ("nack", "failed") in states("ok hello", "cannot nack", "not ok tx: refused")


def test_nothing_is_said_twice():
    assert ("hello", "failed") in states("not ok hello: why", "ok hello", "ok nack",
                                         "not ok tx: refused")


def test_tables_and_pending_are_read():
    text = "# T\n## amqp\n| Scenario | What |\n| --- | --- |\n| a-b | c |\n## t\n"
    assert judge.tables(text) == {"amqp": ["a-b"], "t": []}
    assert judge.pending("# why\ntx\n") == {"tx"}


def test_what_is_pending_is_in_a_table():
    assert judge.pending() <= {name for rows in judge.tables().values() for name in rows}
