"""Field tables and basic properties of AMQP 0-9-1 with their types kept: octets, values, text.

A value is (type letter, value); a table is a list of (name, value), so that order, duplicates and
widths survive. Raises struct.error or IndexError on octets that are cut short.
"""

import struct

FIXED = {"t": ">?", "b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "l": ">q",
         "L": ">q", "f": ">f", "d": ">d", "T": ">Q"}
PROPERTIES = (("content_type", "S"), ("content_encoding", "S"), ("headers", "F"),
              ("delivery_mode", "B"), ("priority", "B"), ("correlation_id", "S"), ("reply_to", "S"),
              ("expiration", "S"), ("message_id", "S"), ("timestamp", "T"), ("type", "S"),
              ("user_id", "S"), ("app_id", "S"), ("cluster_id", "S"))


def octets_of(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def text_of(octets):
    return octets.decode("utf-8", "surrogateescape")


def short(text):
    raw = octets_of(text)
    return bytes([len(raw)]) + raw


def long(text):
    raw = octets_of(text)
    return struct.pack(">I", len(raw)) + raw


def encode_value(value):
    kind, content = value
    out = kind.encode()
    if kind in FIXED:
        return out + struct.pack(FIXED[kind], content)
    if kind in "Sx":
        return out + long(content)
    if kind == "D":
        return out + struct.pack(">BI", *content)
    if kind == "F":
        return out + encode_table(content)
    if kind == "A":
        return out + long(b"".join(encode_value(one) for one in content))
    if kind == "V":
        return out
    return out + octets_of(content)  # a type that nobody knows, octets as they are


def encode_table(table):
    return long(b"".join(short(name) + encode_value(value) for name, value in table))


class Reader:
    def __init__(self, octets):
        self.octets = octets
        self.at = 0

    def left(self):
        return len(self.octets) - self.at

    def take(self, count):
        if self.left() < count:
            raise IndexError("cut short")
        self.at += count
        return self.octets[self.at - count:self.at]

    def number(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def short(self):
        return text_of(self.take(self.number(">B")))

    def long(self):
        return text_of(self.take(self.number(">I")))

    def table(self):
        inner = Reader(self.take(self.number(">I")))
        table = []
        while inner.left():
            name = inner.short()
            table.append((name, inner.value()))
        return table

    def value(self):
        kind = chr(self.take(1)[0])
        if kind in FIXED:
            return kind, self.number(FIXED[kind])
        if kind in "Sx":
            return kind, self.long()
        if kind == "D":
            return kind, (self.number(">B"), self.number(">I"))
        if kind == "F":
            return kind, self.table()
        if kind == "A":
            inner = Reader(self.take(self.number(">I")))
            values = []
            while inner.left():
                values.append(inner.value())
            return kind, values
        if kind == "V":
            return kind, None
        raise ValueError(f"field of type {kind!r}")


def encode_properties(properties):
    """`properties`: a dict of name -> Python value, headers a table."""
    flags, out = 0, b""
    for bit, (name, kind) in enumerate(PROPERTIES):
        if name not in properties:
            continue
        flags |= 1 << (15 - bit)
        value = properties[name]
        if kind == "S":
            out += short(value)
        elif kind == "F":
            out += encode_table(value)
        else:
            out += struct.pack(FIXED[kind], value)
    return struct.pack(">H", flags) + out


def decode_properties(octets):
    """[(name, (type, value))] in the order of the wire, and what is left over."""
    reader = Reader(octets)
    flags = reader.number(">H")
    found = []
    for bit, (name, kind) in enumerate(PROPERTIES):
        if not flags & 1 << (15 - bit):
            continue
        if kind == "S":
            found.append((name, ("S", reader.short())))
        elif kind == "F":
            found.append((name, ("F", reader.table())))
        else:
            found.append((name, (kind, reader.number(FIXED[kind]))))
    if flags & 3:
        found.append(("more_flags", ("u", flags & 3)))
    return found, reader.take(reader.left())


def quoted(text):
    out = ""
    for character in text:
        if character in '"\\':
            out += "\\" + character
        elif character.isprintable():
            out += character
        else:
            out += "".join(f"\\x{octet:02x}" for octet in octets_of(character))
    return f'"{out}"'


def show(value):
    """A value as a scenario would write it. A table is a set to every client, so it is sorted."""
    kind, content = value
    if kind == "F":
        return show_table(content)
    if kind == "A":
        return "[" + ", ".join(show(one) for one in content) + "]"
    if kind == "S":
        return quoted(content)
    if kind == "t":
        return "true" if content else "false"
    if kind == "D":
        return f"D:{content[0]}/{content[1]}"
    if kind == "x":
        return "x:" + quoted(content)
    return kind if kind == "V" else f"{kind}:{content}"


def show_table(table):
    return "{" + ", ".join(sorted(f"{name}={show(value)}" for name, value in table)) + "}"
