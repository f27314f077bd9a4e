"""Two transcripts of one scenario, frame by frame."""

import difflib


def streams_of(transcript):
    """stream -> its lines; a line is 'a1 basic.get-empty'."""
    streams = {}
    for line in transcript.splitlines():
        stream, _, frame = line.partition(" ")
        streams.setdefault(stream, []).append(frame)
    return streams


def differences(theirs, ours):
    """The frames that only one of the two sent, or sent at another place of the same channel:
    '-' lines are theirs, '+' lines ours. Empty when the transcripts say the same."""
    left, right = streams_of(theirs), streams_of(ours)
    found = []
    for stream in sorted(left.keys() | right.keys()):
        a, b = left.get(stream, []), right.get(stream, [])
        if a == b:
            continue
        matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
        for what, a_from, a_to, b_from, b_to in matcher.get_opcodes():
            if what == "equal":
                continue
            found += [f"- {stream} {line}" for line in a[a_from:a_to]]
            found += [f"+ {stream} {line}" for line in b[b_from:b_to]]
    return found


def report(scenario, theirs, ours):
    """What a reader needs to judge a difference: the actions, and both sides of it."""
    lines = [f"{scenario.file}: {scenario.name}", "  actions:"]
    lines += [f"    {action.line}" for action in scenario.actions]
    lines += ["  RabbitMQ sent:"] + [f"    {line}" for line in theirs.splitlines()]
    lines += ["  frames that differ (- RabbitMQ, + Warren):"]
    lines += [f"    {line}" for line in differences(theirs, ours)]
    return "\n".join(lines)
