"""Frames and methods of AMQP 0-9-1 with RabbitMQ's extensions, as octets and as values.

Knows no sockets. Lets its caller write what the specification forbids: it is for tests.
"""

import struct

from amqp_values import Reader, decode_properties, encode_properties, encode_table, long, short

HEADER = b"AMQP\x00\x00\x09\x01"
METHOD, CONTENT_HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
END = b"\xce"

# class.method, name, arguments: bit, octet, short, long, longlong, timestamp, sstr, lstr, table.
TABLE = """
10.10 connection.start version_major:octet version_minor:octet server_properties:table \
  mechanisms:lstr locales:lstr
10.11 connection.start-ok client_properties:table mechanism:sstr response:lstr locale:sstr
10.20 connection.secure challenge:lstr
10.21 connection.secure-ok response:lstr
10.30 connection.tune channel_max:short frame_max:long heartbeat:short
10.31 connection.tune-ok channel_max:short frame_max:long heartbeat:short
10.40 connection.open virtual_host:sstr reserved_1:sstr reserved_2:bit
10.41 connection.open-ok reserved_1:sstr
10.50 connection.close reply_code:short reply_text:sstr class_id:short method_id:short
10.51 connection.close-ok
10.60 connection.blocked reason:sstr
10.61 connection.unblocked
10.70 connection.update-secret new_secret:lstr reason:sstr
10.71 connection.update-secret-ok
20.10 channel.open reserved_1:sstr
20.11 channel.open-ok reserved_1:lstr
20.20 channel.flow active:bit
20.21 channel.flow-ok active:bit
20.40 channel.close reply_code:short reply_text:sstr class_id:short method_id:short
20.41 channel.close-ok
30.10 access.request realm:sstr exclusive:bit passive:bit active:bit write:bit read:bit
30.11 access.request-ok ticket:short
40.10 exchange.declare ticket:short exchange:sstr type:sstr passive:bit durable:bit \
  auto_delete:bit internal:bit no_wait:bit arguments:table
40.11 exchange.declare-ok
40.20 exchange.delete ticket:short exchange:sstr if_unused:bit no_wait:bit
40.21 exchange.delete-ok
40.30 exchange.bind ticket:short destination:sstr source:sstr routing_key:sstr no_wait:bit \
  arguments:table
40.31 exchange.bind-ok
40.40 exchange.unbind ticket:short destination:sstr source:sstr routing_key:sstr no_wait:bit \
  arguments:table
40.51 exchange.unbind-ok
50.10 queue.declare ticket:short queue:sstr passive:bit durable:bit exclusive:bit \
  auto_delete:bit no_wait:bit arguments:table
50.11 queue.declare-ok queue:sstr message_count:long consumer_count:long
50.20 queue.bind ticket:short queue:sstr exchange:sstr routing_key:sstr no_wait:bit \
  arguments:table
50.21 queue.bind-ok
50.30 queue.purge ticket:short queue:sstr no_wait:bit
50.31 queue.purge-ok message_count:long
50.40 queue.delete ticket:short queue:sstr if_unused:bit if_empty:bit no_wait:bit
50.41 queue.delete-ok message_count:long
50.50 queue.unbind ticket:short queue:sstr exchange:sstr routing_key:sstr arguments:table
50.51 queue.unbind-ok
60.10 basic.qos prefetch_size:long prefetch_count:short global:bit
60.11 basic.qos-ok
60.20 basic.consume ticket:short queue:sstr consumer_tag:sstr no_local:bit no_ack:bit \
  exclusive:bit no_wait:bit arguments:table
60.21 basic.consume-ok consumer_tag:sstr
60.30 basic.cancel consumer_tag:sstr no_wait:bit
60.31 basic.cancel-ok consumer_tag:sstr
60.40 basic.publish ticket:short exchange:sstr routing_key:sstr mandatory:bit immediate:bit
60.50 basic.return reply_code:short reply_text:sstr exchange:sstr routing_key:sstr
60.60 basic.deliver consumer_tag:sstr delivery_tag:longlong redelivered:bit exchange:sstr \
  routing_key:sstr
60.70 basic.get ticket:short queue:sstr no_ack:bit
60.71 basic.get-ok delivery_tag:longlong redelivered:bit exchange:sstr routing_key:sstr \
  message_count:long
60.72 basic.get-empty reserved_1:sstr
60.80 basic.ack delivery_tag:longlong multiple:bit
60.90 basic.reject delivery_tag:longlong requeue:bit
60.100 basic.recover-async requeue:bit
60.110 basic.recover requeue:bit
60.111 basic.recover-ok
60.120 basic.nack delivery_tag:longlong multiple:bit requeue:bit
85.10 confirm.select no_wait:bit
85.11 confirm.select-ok
90.10 tx.select
90.11 tx.select-ok
90.20 tx.commit
90.21 tx.commit-ok
90.30 tx.rollback
90.31 tx.rollback-ok
"""

NUMBERS = {"octet": ">B", "short": ">H", "long": ">I", "longlong": ">Q"}


def _read_table():
    by_name, by_id = {}, {}
    for line in TABLE.strip().splitlines():
        identity, name, *arguments = line.split()
        key = tuple(int(part) for part in identity.split("."))
        fields = tuple(tuple(argument.split(":")) for argument in arguments)
        by_name[name] = (key, fields)
        by_id[key] = (name, fields)
    return by_name, by_id


BY_NAME, BY_ID = _read_table()


def frame(kind, channel, payload, end=END):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


def raw_method(channel, class_id, method_id, arguments=b""):
    return frame(METHOD, channel, struct.pack(">HH", class_id, method_id) + arguments)


def encode_arguments(fields, values):
    """Consecutive bits share an octet. What is not given is zero or empty."""
    out, bits, count = b"", 0, 0
    for name, kind in fields:
        value = values.get(name)
        if kind == "bit":
            bits |= bool(value) << count
            count += 1
            continue
        if count:
            out, bits, count = out + bytes([bits]), 0, 0
        if kind in NUMBERS:
            out += struct.pack(NUMBERS[kind], value or 0)
        elif kind == "table":
            out += encode_table(value or [])
        else:
            out += (short if kind == "sstr" else long)(value or "")
    return out + bytes([bits]) if count else out


def method(channel, name, **values):
    (class_id, method_id), fields = BY_NAME[name]
    unknown = values.keys() - {field for field, _ in fields}
    if unknown:
        raise ValueError(f"{name} has no argument {', '.join(sorted(unknown))}")
    return raw_method(channel, class_id, method_id, encode_arguments(fields, values))


def decode_method(payload):
    """(name, {argument: value}). What nobody expects is an argument too: bits that have no meaning
    are `stray_bits`, octets behind the last argument `left_over`."""
    reader = Reader(payload)
    key = (reader.number(">H"), reader.number(">H"))
    name, fields = BY_ID.get(key, (f"{key[0]}.{key[1]}", ()))
    values, bits, count, stray = {}, 0, 8, 0
    for field, kind in fields:
        if kind != "bit":
            stray, bits, count = stray | bits, 0, 8
        elif count == 8:
            bits, count = reader.number(">B"), 0
        if kind == "bit":
            values[field] = bool(bits & 1 << count)
            bits &= ~(1 << count)
            count += 1
        elif kind in NUMBERS:
            values[field] = reader.number(NUMBERS[kind])
        elif kind == "table":
            values[field] = reader.table()
        else:
            values[field] = reader.short() if kind == "sstr" else reader.long()
    if stray | bits:
        values["stray_bits"] = stray | bits
    if reader.left():
        values["left_over"] = reader.take(reader.left()).hex()
    return name, values


def content_header(channel, size, properties, class_id=60, weight=0):
    """`properties`: a dict, or the octets themselves."""
    if not isinstance(properties, bytes):
        properties = encode_properties(properties)
    return frame(CONTENT_HEADER, channel,
                 struct.pack(">HHQ", class_id, weight, size) + properties)


def body_frames(channel, body, frame_max):
    room = frame_max - 8
    return b"".join(frame(BODY, channel, body[at:at + room]) for at in range(0, len(body), room))


def decode_content_header(payload):
    """(class, weight, body size, properties, left over)"""
    class_id, weight, size = struct.unpack_from(">HHQ", payload)
    properties, left = decode_properties(payload[12:])
    return class_id, weight, size, properties, left


class FrameReader:
    """Frames out of octets in any pieces."""

    def __init__(self):
        self.buffer = bytearray()

    def add(self, octets):
        self.buffer += octets

    def next(self):
        """(kind, channel, payload), or None when more octets are needed."""
        if len(self.buffer) < 7:
            return None
        kind, channel, size = struct.unpack_from(">BHI", self.buffer)
        if len(self.buffer) < size + 8:
            return None
        payload = bytes(self.buffer[7:7 + size])
        if self.buffer[7 + size] != END[0]:
            raise ValueError("a frame without its end")
        del self.buffer[:size + 8]
        return kind, channel, payload
