"""What a broker sent, frame by frame, as lines of text that two brokers can agree on.

What legitimately varies is given a placeholder: names that the broker makes, moments of time, and
who the broker says it is. A multiple confirm is written out tag by tag.
"""

import re
import zlib

import amqp_codec as codec
from amqp_values import quoted, show, show_table, text_of

LONGEST_BODY = 60
MADE_NAMES = re.compile(r"amq\.(gen|ctag|rabbitmq\.reply-to)[-.][A-Za-z0-9_+/=.-]+")
IDENTITY = ("cluster_name", "copyright", "information", "platform", "product", "version")
WALL_CLOCK = range(1_500_000_000, 1 << 33)  # a timestamp of today, not one that a scenario wrote


class Transcript:
    """One scenario's frames in streams of their own: a broker owes no order across channels."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.streams = {}
        self.made = {}
        self.confirmed = {}

    def add(self, stream, line):
        self.streams.setdefault(stream, []).append(line)

    def end(self, connection):
        self.add(f"{connection}0", "(end of stream)")

    def missing(self, connection, channel, what):
        self.add(f"{connection}{channel}", f"(waited in vain for {what})")

    def add_frame(self, connection, kind, channel, payload):
        stream = f"{connection}{channel}"
        if kind == codec.HEARTBEAT:
            return
        if kind == codec.METHOD:
            name, values = codec.decode_method(payload)
            if name in ("basic.ack", "basic.nack"):
                return self.add_confirms(stream, name, values)
            self.add(stream, self.neutral(show_method(name, values)))
        elif kind == codec.CONTENT_HEADER:
            self.add(stream, self.neutral(show_header(payload)))
        elif kind == codec.BODY:
            self.add(stream, show_body(payload))
        else:
            self.add(stream, f"frame of type {kind}: {payload.hex()}")

    def add_confirms(self, stream, name, values):
        """Tags that were confirmed together or apart are the same to a publisher."""
        done = self.confirmed.setdefault(stream, set())
        last = values["delivery_tag"]
        tags = [last]
        if values["multiple"]:
            tags = [tag for tag in range(1, last + 1) if tag not in done]
        more = "".join(f" {name}" for name in ("requeue", "stray_bits") if values.get(name))
        for tag in tags:
            again = " again" if tag in done else ""
            done.add(tag)
            self.add(stream, f"{name} of publish {tag}{more}{again}")

    def neutral(self, line):
        if self.prefix:
            line = line.replace(self.prefix, "@")

        def numbered(match):
            kind = match[1]
            known = self.made.setdefault(kind, {})
            return f"<{kind} {known.setdefault(match[0], len(known) + 1)}>"
        return MADE_NAMES.sub(numbered, line)

    def text(self):
        out = []
        for stream in sorted(self.streams):
            out += [f"{stream} {line}" for line in self.streams[stream]]
        return "\n".join(out)


def neutral_value(name, value):
    kind, content = value
    if kind == "F":
        return kind, [(key, neutral_value(key, one)) for key, one in content]
    if kind == "A":
        return kind, [neutral_value(name, one) for one in content]
    if kind == "T" and name == "time" and content in WALL_CLOCK:
        return "T", "<now>"
    return value


def show_server_properties(table):
    return show_table([(name, ("S", "<identity>") if name in IDENTITY else value)
                       for name, value in table])


def show_method(name, values):
    shown = []
    for argument, value in values.items():
        if argument.startswith("reserved"):
            continue
        if argument == "mechanisms":  # their order is a setting
            value = " ".join(sorted(value.split()))
        if argument == "server_properties":
            shown.append(f"{argument}={show_server_properties(value)}")
        elif isinstance(value, list):
            shown.append(f"{argument}={show_table(value)}")
        elif isinstance(value, bool):
            shown += [argument] if value else []
        elif isinstance(value, int):
            shown.append(f"{argument}={value}")
        else:
            shown.append(f"{argument}={quoted(value)}")
    return " ".join([name, *shown])


def show_header(payload):
    class_id, weight, size, properties, left = codec.decode_content_header(payload)
    shown = [f"header class={class_id} size={size}"]
    shown += [f"weight={weight}"] if weight else []
    shown += [f"{name}={show(neutral_value(name, value))}" for name, value in properties]
    return " ".join(shown + ([f"left_over={left.hex()}"] if left else []))


def show_body(payload):
    if len(payload) > LONGEST_BODY:
        return f"body of {len(payload)} octets, CRC {zlib.crc32(payload):08x}"
    return "body " + quoted(text_of(payload))

