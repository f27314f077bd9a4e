"""What must hold after a fault. Each check returns a list of sentences: what was broken."""

import bisect
import collections


def confirmed_were_consumed(published, consumed):
    broken = []
    for consumer in consumed:
        got = {(name, number) for name, number, _, _ in consumer.deliveries}
        for publisher in published:
            lost = [n for n in publisher.confirmed if (publisher.name, n) not in got]
            if lost:
                broken.append(f"{consumer.queue}: {len(lost)} confirmed messages of "
                              f"{publisher.name} never came, the first is {min(lost)}")
    return broken


def every_publisher_was_confirmed(published):
    """A load that never flowed shows nothing."""
    return [f"{publisher.name} was never confirmed anything"
            for publisher in published if not publisher.confirmed]


def first_deliveries_are_in_order(published, consumed):
    """Of what a publisher sent on one connection. A message that comes as redelivered was handed
    out before, perhaps to a consumer that died before it saw it: that was its first delivery."""
    began = {publisher.name: publisher.connections_began for publisher in published}
    broken = []
    for consumer in consumed:
        seen, last = set(), collections.defaultdict(lambda: -1)
        late = []
        for name, number, redelivered, _ in consumer.deliveries:
            if (name, number) in seen:
                continue
            seen.add((name, number))
            if redelivered:
                continue
            sent_on = (name, bisect.bisect(began.get(name, []), number))
            if number < last[sent_on]:
                late.append((name, number, redelivered, last[sent_on]))
            last[sent_on] = max(last[sent_on], number)
        if late:
            name, number, redelivered, before = late[0]
            broken.append(f"{consumer.queue}: {name}:{number} came first after {before}"
                          f"{', redelivered' if redelivered else ''}; {len(late)} such, "
                          f"the last is {late[-1][1]}")
    return broken


def nothing_came_back_to_a_client_that_stayed(consumed):
    """On a connection that lived on, no message comes twice; and none that was acknowledged on a
    connection that still lives came back on a later one."""
    broken = []
    for consumer in consumed:
        by_connection = collections.defaultdict(set)
        for name, number, _, connection in consumer.deliveries:
            if (name, number) in by_connection[connection]:
                broken.append(f"{consumer.queue}: {name}:{number} came twice on one connection")
                break
            by_connection[connection].add((name, number))
    return broken


def redelivered_is_never_missing(consumed):
    broken = []
    for consumer in consumed:
        seen = set()
        for name, number, redelivered, _ in consumer.deliveries:
            if (name, number) in seen and not redelivered:
                broken.append(f"{consumer.queue}: {name}:{number} came again without redelivered")
                break
            seen.add((name, number))
    return broken


def stayed_connected(reports, nodes):
    return [f"a client on node {report.home} lost its connection"
            for report in reports if report.home in nodes and report.connections_lost]


def nothing_was_confirmed(published, begin, end):
    return [f"{report.name} got {len(late)} confirms while no majority lived"
            for report in published
            if (late := [t for t in report.confirm_times if begin < t < end])]


def all_was_decided_within(published, seconds):
    """No publish hung: each was confirmed or nacked, or its connection was lost."""
    return [f"{report.name} waited {report.longest_wait:.1f} s for a confirm or nack"
            for report in published if report.longest_wait > seconds]


def some_were_nacked(published):
    return [] if any(report.nacked for report in published) else ["nothing was nacked"]


def confirms_resumed(published, end):
    return [f"{report.name} got no confirm after the fault was healed"
            for report in published if not any(t > end for t in report.confirm_times)]


def all_checks(published, consumed):
    return (every_publisher_was_confirmed(published)
            + confirmed_were_consumed(published, consumed)
            + first_deliveries_are_in_order(published, consumed)
            + nothing_came_back_to_a_client_that_stayed(consumed)
            + redelivered_is_never_missing(consumed))


def longest_gap(times, begin, end):
    """The longest time between two events around [begin, end], in milliseconds."""
    window = [t for t in times if begin - 1 <= t <= end]
    edges = [begin] + window + [end]
    return max((b - a) * 1000 for a, b in zip(sorted(edges), sorted(edges)[1:]))
