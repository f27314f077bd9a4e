"""What must hold after a fault. Each check returns a list of sentences: what was broken.

A blow is what a fault did to some nodes, from `begin` until `end`, when they were let go on or
begun to be started again. Who was connected to another node then must not notice.
"""

import bisect
import collections
import dataclasses

FLUSH = 2.0  # s: what lay in a stopped node's sockets has arrived after it goes on


@dataclasses.dataclass(frozen=True)
class Blow:
    victims: tuple
    begin: float
    end: float
    until: float = float("inf")  # the next blow


def connected_at(report, moment):
    """The number of the connection that was there then, or nothing."""
    for number, connection in enumerate(report.connections, 1):
        if connection.opened < moment < connection.lost:
            return number
    return None


def survives(report, blow):
    """Was it connected to a node that the blow did not strike?"""
    number = connected_at(report, blow.begin)
    return number is not None and report.connections[number - 1].node not in blow.victims


def is_struck(report, number, blows):
    """Did a blow strike the node of this connection while it was there?"""
    connection = report.connections[number - 1]
    return any(connection.node in blow.victims
               and connection.opened < blow.end and connection.lost >= blow.begin
               for blow in blows)


def is_late(report, delivery, blows):
    """Did it lie in the sockets of a node that was stopped? It was handed out before, and is read
    only now."""
    connection = report.connections[delivery.connection - 1]
    return any(connection.node in blow.victims and connection.opened < blow.begin
               and blow.begin <= delivery.at < blow.end + FLUSH for blow in blows)


def by_queue(consumed):
    queues = collections.defaultdict(list)
    for consumer in consumed:
        queues[consumer.queue].append(consumer)
    return queues


def confirmed_were_consumed(published, consumed):
    broken = []
    for queue, consumers in by_queue(consumed).items():
        got = {(d.publisher, d.number) for consumer in consumers for d in consumer.deliveries}
        for publisher in published:
            lost = [n for n in publisher.confirmed if (publisher.name, n) not in got]
            if lost:
                broken.append(f"{queue}: {len(lost)} confirmed messages of "
                              f"{publisher.name} never came, the first is {min(lost)}")
    return broken


def every_publisher_was_confirmed(published):
    """A load that never flowed shows nothing."""
    return [f"{publisher.name} was never confirmed anything"
            for publisher in published if not publisher.confirmed]


def first_deliveries_are_in_order(published, consumed):
    """Of what a publisher sent on one connection: to each consumer of the queue, for who reads
    first of two is not known. A message that comes as redelivered was handed out before, perhaps
    to a consumer that died before it saw it: that was its first delivery."""
    began = {publisher.name: publisher.connections_began for publisher in published}
    broken = []
    for consumer in consumed:
        last = collections.defaultdict(lambda: -1)
        late = []
        for delivery in consumer.deliveries:
            if delivery.redelivered:
                continue
            name, number = delivery.publisher, delivery.number
            sent_on = (name, bisect.bisect(began.get(name, []), number))
            if number < last[sent_on]:
                late.append((name, number, last[sent_on]))
            last[sent_on] = max(last[sent_on], number)
        if late:
            name, number, before = late[0]
            broken.append(f"{consumer.queue}: {name}:{number} came first after {before}; "
                          f"{len(late)} such, the last is {late[-1][1]}")
    return broken


def nothing_came_twice_on_one_connection(consumed):
    broken = []
    for consumer in consumed:
        seen = set()
        for delivery in consumer.deliveries:
            key = (delivery.publisher, delivery.number, delivery.connection)
            if key in seen:
                broken.append(f"{consumer.queue}: {delivery.publisher}:{delivery.number} came "
                              "twice on one connection")
                break
            seen.add(key)
    return broken


def nothing_settled_came_back(consumed, blows=()):
    """What was settled is delivered to nobody any more.

    basic.ack has no reply. A client knows that its acks are settled when it has
    - tx.commit-ok: of the acks in that transaction;
    - channel.close-ok: of all acks on that channel. (connection.close-ok waits for them, too.)
    Both are answered only once the settles are committed (architecture §9, 1); no other reply waits
    for them: an answer to basic.qos or a declare on the same channel may overtake a settle, which
    rides in its session's batch to a group of its own. So one consumer of a queue acknowledges in
    transactions or closes its channel again and again, in the midst of faults. The plain ones know
    it when they end; that nothing of theirs comes after, the listing and the next round's consumers
    show (nothing_of_another_round_came).

    Not counted: what lay in the sockets of a stopped node since before it was settled."""
    broken = []
    for queue, consumers in by_queue(consumed).items():
        settled = {}
        for consumer in consumers:
            for message, at in consumer.settled.items():
                settled[message] = min(at, settled.get(message, at))
        back = [(d, consumer) for consumer in consumers for d in consumer.deliveries
                if d.at > settled.get((d.publisher, d.number), float("inf"))
                and not is_late(consumer, d, blows)]
        if back:
            delivery, consumer = back[0]
            when = delivery.at - settled[(delivery.publisher, delivery.number)]
            broken.append(f"{queue}: {delivery.publisher}:{delivery.number} came "
                          f"{when:.3f} s after its ack was known to be settled, to the consumer "
                          f"of node {consumer.home}; {len(back)} such")
    return broken


def nothing_of_another_round_came(published, consumed):
    """All was acknowledged and every queue empty when the round before ended."""
    names = {publisher.name for publisher in published}
    strange = {(c.queue, d.publisher) for c in consumed for d in c.deliveries
               if d.publisher not in names}
    return [f"{queue}: messages of {name} came, which were settled a round ago"
            for queue, name in sorted(strange)]


def nobody_else_got_what_survivors_hold(consumed, blows):
    """What came on a connection that no blow touched stays with it until its ack, which is sent on
    that same connection: so nobody else ever gets it after it came there."""
    broken = []
    for queue, consumers in by_queue(consumed).items():
        theirs = {}
        for consumer in consumers:
            for d in consumer.deliveries:
                connection = consumer.connections[d.connection - 1]
                if (connection.lost < float("inf")
                        or is_struck(consumer, d.connection, blows)):
                    continue
                message = (d.publisher, d.number)
                if message not in theirs or d.at < theirs[message][0]:
                    theirs[message] = (d.at, consumer)
        taken = [(d, consumer) for consumer in consumers for d in consumer.deliveries
                 if (held := theirs.get((d.publisher, d.number)))
                 and held[1] is not consumer and d.at > held[0]
                 and not is_late(consumer, d, blows)]
        if taken:
            delivery, consumer = taken[0]
            holder = theirs[(delivery.publisher, delivery.number)][1]
            broken.append(f"{queue}: {delivery.publisher}:{delivery.number}, which the consumer of "
                          f"node {holder.home} had, was given to that of node {consumer.home}; "
                          f"{len(taken)} such")
    return broken


def redelivered_is_never_missing(consumed):
    """Of all that a queue's consumers were given, only the first carries no flag."""
    broken = []
    for queue, consumers in by_queue(consumed).items():
        fresh = collections.Counter((d.publisher, d.number) for consumer in consumers
                                    for d in consumer.deliveries if not d.redelivered)
        again = [message for message, count in fresh.items() if count > 1]
        for consumer in consumers:
            seen = set()
            for d in consumer.deliveries:
                if (d.publisher, d.number) in seen and not d.redelivered:
                    again.append((d.publisher, d.number))
                seen.add((d.publisher, d.number))
        if again:
            broken.append(f"{queue}: {again[0][0]}:{again[0][1]} came again without redelivered; "
                          f"{len(again)} such")
    return broken


def survivors_were_not_disturbed(published, consumed, blows):
    """They keep their connections and their consumers."""
    broken = []
    for blow in blows:
        for report in published + consumed:
            if not survives(report, blow):
                continue
            connection = report.connections[connected_at(report, blow.begin) - 1]
            if connection.lost < blow.until:
                broken.append(f"a client on node {connection.node} lost its connection "
                              f"{connection.lost - blow.begin:.1f} s after the blow to "
                              f"{blow.victims}")
        for consumer in consumed:
            if survives(consumer, blow) and any(
                    blow.begin < at < blow.until for at in consumer.cancelled):
                broken.append(f"a consumer of {consumer.queue} on node {consumer.home} was "
                              f"cancelled by the blow to {blow.victims}")
    return broken


def nobody_was_disturbed_before(reports, moment):
    return [f"a client on node {report.home} lost its connection before any fault"
            for report in reports
            if any(connection.lost < moment for connection in report.connections)]


def held_at(consumer, moment):
    """How many messages it had then and had not acknowledged."""
    return sum(delivery.at < moment and consumer.acked.get(
        (delivery.publisher, delivery.number), float("inf")) > moment
        for delivery in consumer.deliveries)


def load_was_real(published, consumed, moment, rate, held, seconds=2.0):
    """In the last seconds before the fault so many confirms came in each, and each queue's
    consumers held so many messages."""
    confirms = sum(moment - seconds < at <= moment
                   for report in published for at in report.confirm_times) / seconds
    broken = []
    if confirms < rate:
        broken.append(f"only {confirms:.0f} messages a second were confirmed before the fault, "
                      f"{rate:.0f} are asked for")
    for queue, consumers in by_queue(consumed).items():
        total = sum(held_at(consumer, moment) for consumer in consumers)
        if total < held:
            broken.append(f"{queue}: only {total} messages were held unacknowledged before the "
                          f"fault, {held:.0f} are asked for")
    return broken


def settles_were_known(consumed, blows):
    """Else nothing_settled_came_back shows nothing."""
    known = any(at < blow.begin for consumer in consumed for at in consumer.settled.values()
                for blow in blows[:1])
    return [] if known else ["no ack was known to be settled before the fault"]


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


def states_agree(digests):
    """Members of a group that have applied as much have the same state. `digests`: of each member,
    as /api/warren/digests gives it."""
    sums = collections.defaultdict(dict)
    for row in digests:
        sums[(row["group"], row["applied"])][row["node"]] = row["digest"]
    return [f"group {group}: at entry {applied} the states differ: {of_nodes}"
            for (group, applied), of_nodes in sorted(sums.items())
            if len(set(of_nodes.values())) > 1]


def digests_are_complete(groups, digests):
    """Is there one of each member of each group, all at one entry?"""
    applied = collections.defaultdict(dict)
    for row in digests:
        applied[row["group"]][row["node"]] = row["applied"]
    return all(set(applied[number]) == {member["node"] for member in row["members"]}
               and len(set(applied[number].values())) == 1
               for number, row in groups.items())


def all_checks(published, consumed, blows=()):
    return (every_publisher_was_confirmed(published)
            + confirmed_were_consumed(published, consumed)
            + first_deliveries_are_in_order(published, consumed)
            + nothing_came_twice_on_one_connection(consumed)
            + nothing_settled_came_back(consumed, blows)
            + nothing_of_another_round_came(published, consumed)
            + nobody_else_got_what_survivors_hold(consumed, blows)
            + redelivered_is_never_missing(consumed)
            + survivors_were_not_disturbed(published, consumed, blows))


def longest_gap(times, begin, end):
    """The longest time between two events around [begin, end], in milliseconds."""
    window = [t for t in times if begin - 1 <= t <= end]
    edges = [begin] + window + [end]
    return max((b - a) * 1000 for a, b in zip(sorted(edges), sorted(edges)[1:]))


def survivors_gap(reports, times, blows):
    """The longest that any client on a surviving node waited; nothing where there is none."""
    gaps = [longest_gap(times(report), blow.begin, blow.end)
            for blow in blows for report in reports if survives(report, blow)]
    return max(gaps) if gaps else None


def over_target(gap, target, what, laxer=1):
    if gap is None or target is None or gap <= target * laxer:
        return []
    return [f"{gap:.0f} ms without a {what}, {target * laxer} are allowed"]
