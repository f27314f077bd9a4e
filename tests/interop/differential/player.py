"""Plays one scenario against one broker and returns the transcript."""

import time

import amqp_codec as codec
from amqp_values import octets_of
from client import CAPABILITIES, Client
from scenario import BadScenario
from transcript import Transcript

REPLY_TIMEOUT = 15      # a broker that does not answer at all
AWAITED_TIMEOUT = 5     # what a scenario expects and need not come
QUIET_SECONDS = 0.12    # as long as nothing comes, nothing more is coming
REPLY_TO = "$reply_to"  # in a scenario: where the message that came last wants its reply
FRAME_KINDS = {"method": codec.METHOD, "header": codec.CONTENT_HEADER, "body": codec.BODY,
               "heartbeat": codec.HEARTBEAT}
REPLIES = {"basic.get": ("basic.get-ok", "basic.get-empty"), "basic.publish": (),
           "connection.start-ok": ("connection.tune",), "connection.tune-ok": (),
           "basic.recover-async": ()}


def replies_to(action):
    """What answers this method, if something does."""
    name = action.verb
    if name.endswith("-ok") and name not in REPLIES or action.has("no_wait"):
        return ()
    if name in REPLIES:
        return REPLIES[name]
    return (name + "-ok",) if name + "-ok" in codec.BY_NAME else ()


def encode_method(action, reply_to=""):
    values = {}
    _, fields = codec.BY_NAME[action.verb]
    for name, kind in fields:
        if kind == "bit":
            values[name] = action.has(name)
        elif name in action.arguments:
            value = action.arguments[name]
            values[name] = value.plain if kind == "table" or kind in codec.NUMBERS else value.text
            if values[name] == REPLY_TO:
                values[name] = reply_to
    known = {name for name, _ in fields} | {"body", "props", "size"}
    strange = (action.arguments.keys() - known) | (
        {word.text for word in action.words} - {name for name, kind in fields if kind == "bit"}
        - {"bare", "unopened"})
    if strange:
        raise BadScenario(f"{action.verb} has no {', '.join(sorted(strange))}: {action.line}")
    return codec.method(action.channel, action.verb, **values)


def properties_of(action):
    if "props" not in action.arguments:
        return {}
    value = action.arguments["props"]
    if value.typed[0] == "F":
        return {name: typed[1] for name, typed in value.plain}
    return octets_of(value.text)


class Player:
    """REQUIRES: `ports` maps a connection's letter to the port that it connects to."""

    def __init__(self, scenario, ports):
        self.scenario = scenario
        self.ports = ports
        self.clients = {}
        self.everyone = []  # those that were dropped as well
        self.reply_to = ""  # of the message that came last
        self.transcript = Transcript(scenario.prefix)

    def play(self):
        try:
            for first, group in self.groups():
                self.run(first, group)
            self.wait_until_quiet()
            return self.transcript.text()
        finally:
            for client in self.everyone:
                client.close()

    def groups(self):
        """Actions with those that are joined to them."""
        groups = []
        for action in self.scenario.actions:
            if action.joined and groups:
                groups[-1].append(action)
            else:
                groups.append([action])
        return [(group[0], group) for group in groups]

    def run(self, first, group):
        if first.verb == "sleep":
            return self.sleep(first.words[0].plain / 1000)
        if first.verb == "quiet":
            return self.wait_until_quiet()
        if first.verb == "connect":
            return self.connect(first)
        client = self.client_of(first)
        if first.verb == "close":
            client.close()
            return None
        if first.verb == "drop":
            return client.drop()
        for action in group[1:]:
            self.client_of(action)
        marks = {name: len(one.history) for name, one in self.clients.items()}
        client.send(b"".join(self.encode(client, action) for action in group))
        for action in group:
            self.await_answers(action, marks)
        return None

    def connect(self, action):
        name = action.connection
        client = Client(self.ports[name], lambda *frame: self.on_frame(name, *frame))
        self.clients[name] = client
        self.everyone.append(client)
        client.answers_closes = not action.has("silent")
        if action.has("bare"):
            return None
        if action.has("started"):
            return client.await_start()
        options = {key: value.plain if value.typed[0] == "I" else value.text
                   for key, value in action.arguments.items()}
        if "capabilities" in action.arguments:
            options["capabilities"] = [one[1] for one in action.arguments["capabilities"].plain]
        client.shake_hands(**options)
        return None

    def client_of(self, action):
        """Connections and channels that a scenario just uses are opened for it."""
        name = action.connection
        if name not in self.clients:
            client = Client(self.ports[name], lambda *frame: self.on_frame(name, *frame))
            self.clients[name] = client
            self.everyone.append(client)
            client.shake_hands(capabilities=CAPABILITIES)
        client = self.clients[name]
        channel = action.channel
        opens = action.verb == "channel.open" or action.has("unopened")
        if channel and channel not in client.opened:
            if opens:
                client.opened.add(channel)
            else:
                client.open_channel(channel)
        return client

    def on_frame(self, name, kind, channel, payload):
        if kind == codec.CONTENT_HEADER:
            properties = dict(codec.decode_content_header(payload)[3])
            self.reply_to = properties.get("reply_to", ("S", self.reply_to))[1]
        if kind is not None:
            return self.transcript.add_frame(name, kind, channel, payload)
        if payload:
            shown = repr(payload)[2:-1] if payload.startswith(b"AMQP") else payload.hex()
            self.transcript.add(f"{name}0", f"octets that are no frame: {shown}")
        return self.transcript.end(name)

    def encode(self, client, action):
        verb, channel = action.verb, action.channel
        if verb == "octets":
            return octets_of(action.words[0].text)
        if verb == "frame":
            end = octets_of(action.arguments["end"].text) if "end" in action.arguments else b"\xce"
            kind = action.arguments["type"]
            return codec.frame(FRAME_KINDS.get(kind.text, kind.plain), channel or 0,
                               octets_of(action.arguments["payload"].text), end)
        if verb == "header":
            return codec.content_header(channel, action.get("size", 0), properties_of(action),
                                        action.get("class", 60), action.get("weight", 0))
        if verb == "body":
            return codec.frame(codec.BODY, channel, octets_of(action.words[0].text))
        if verb == "end":
            return b""
        if verb not in codec.BY_NAME:
            raise BadScenario(f"no such action: {action.line}")
        out = encode_method(action, self.reply_to)
        if verb == "basic.publish" and not action.has("bare"):
            body = octets_of(action.arguments["body"].text) if "body" in action.arguments else b""
            out += codec.content_header(channel, action.get("size", len(body)),
                                        properties_of(action))
            out += codec.body_frames(channel, body, client.frame_max)
        return out

    def await_answers(self, action, marks):
        connection, channel = action.connection, action.channel or 0
        if action.verb == "end":
            self.await_one(connection, [(0, "end")], REPLY_TIMEOUT, marks)
        elif not action.awaited and action.verb in codec.BY_NAME and replies_to(action):
            replies = [(channel, name) for name in replies_to(action)]
            self.clients[connection].wait_for(replies, REPLY_TIMEOUT, marks[connection])
        for awaited in action.awaited:
            for _ in range(awaited.count):
                if not self.await_one(awaited.connection, awaited.events, AWAITED_TIMEOUT, marks):
                    break

    def await_one(self, connection, events, timeout, marks):
        if self.clients[connection].wait_for(events, timeout, marks.get(connection, 0)):
            return True
        self.transcript.missing(connection, events[0][0], events[0][1])
        return False

    def sleep(self, seconds):
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self.pump(min(left, 0.02)):
                time.sleep(min(left, 0.01))

    def pump(self, timeout):
        living = [client for client in self.clients.values() if not client.ended]
        return any([client.pump(timeout / len(living)) for client in living])

    def wait_until_quiet(self):
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < QUIET_SECONDS:
            if self.pump(0.02):
                quiet_since = time.monotonic()
            elif all(client.ended for client in self.clients.values()):
                return


def names_declared(scenario):
    """(method, argument, name) of what a scenario may leave behind."""
    found = {}
    for action in scenario.actions:
        for kind in ("queue", "exchange"):
            if action.verb == f"{kind}.declare" and kind in action.arguments:
                name = action.arguments[kind].text
                if name and not name.startswith("amq."):
                    found[f"{kind}.delete", kind, name] = None
    return list(found)


def clean_up(scenario, port):
    """Deletes what the scenario declared. A queue that is locked by a dying connection goes with
    that."""
    left = names_declared(scenario)
    if not left:
        return
    client = Client(port).shake_hands()
    try:
        for number, (method, argument, name) in enumerate(left, 1):
            client.open_channel(number)
            client.send(codec.method(number, method, **{argument: name}))
            client.wait_for([(number, method + "-ok")], REPLY_TIMEOUT)
    finally:
        client.close()
