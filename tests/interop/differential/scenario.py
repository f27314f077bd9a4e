"""Reads scenarios: text files of client actions. README.md tells the language."""

import dataclasses
import pathlib
import re

from amqp_values import text_of

FLAGS_OF_VALUES = {"true": True, "false": False}
TYPED = re.compile(r"([bBsuIilLfdDTtVSxZ]):")
BARE = re.compile(r'[^\s"{}\[\],=]+')
KEY = re.compile(r"([A-Za-z][\w.-]*|\"(?:\\.|[^\"\\])*\")=")
TARGET = re.compile(r"([a-z])(\d+)?$")


class BadScenario(Exception):
    """A line that says nothing this language knows."""


@dataclasses.dataclass
class Value:
    """One value as written: typed as in a field table, and as plain text."""
    typed: tuple
    text: str

    @property
    def plain(self):
        return self.typed[1]


@dataclasses.dataclass
class Awaited:
    """Any one of the methods, so many times."""
    connection: str
    events: list  # of (channel, method)
    count: int = 1


@dataclasses.dataclass
class Action:
    line: str
    connection: str = ""
    channel: int | None = None
    verb: str = ""
    words: list = dataclasses.field(default_factory=list)      # Values without a name
    arguments: dict = dataclasses.field(default_factory=dict)  # name -> Value
    awaited: list = dataclasses.field(default_factory=list)
    joined: bool = False  # goes out in one segment with the action before it

    def has(self, flag):
        return any(word.text == flag for word in self.words)

    def get(self, name, default=None):
        return self.arguments[name].plain if name in self.arguments else default


@dataclasses.dataclass
class Scenario:
    name: str
    file: str
    prefix: str = ""  # what the player puts for @: names that are this scenario's own
    actions: list = dataclasses.field(default_factory=list)


class Line:
    """A cursor over one action's text."""

    def __init__(self, text, prefix):
        self.text = text
        self.prefix = prefix
        self.at = 0

    def fail(self, why):
        raise BadScenario(f"{why} at column {self.at + 1}: {self.text}")

    def skip(self, characters=" "):
        while self.at < len(self.text) and self.text[self.at] in characters:
            self.at += 1

    def ended(self):
        self.skip()
        return self.at >= len(self.text)

    def peek(self):
        return self.text[self.at:self.at + 1]

    def take(self, pattern):
        match = re.compile(pattern).match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def string(self):
        """A quoted string with its escapes; "x"*3 repeats."""
        match = self.take(r'"((?:\\.|[^"\\])*)"')
        if not match:
            self.fail("a string without its end")
        octets = re.sub(rb"\\x([0-9a-f]{2})|\\(.)", unescape,
                        match[1].replace("@", self.prefix).encode())
        times = self.take(r"\*(\d+)")
        return text_of(octets * (int(times[1]) if times else 1))

    def value(self):
        typed = self.take(TYPED.pattern + r'(?=["\w{\[.-]|$|[\s,}\]])')
        kind = typed[1] if typed else None
        if self.peek() == '"':
            text = self.string()
            return Value((kind or "S", text), text)
        if self.peek() == "{":
            return Value(("F", self.table()), "")
        if self.peek() == "[":
            return Value(("A", self.array()), "")
        match = self.take(BARE.pattern)
        text = match[0].replace("@", self.prefix) if match else ""
        if kind:
            return Value((kind, self.typed_bare(kind, text)), text)
        if text in FLAGS_OF_VALUES:
            return Value(("t", FLAGS_OF_VALUES[text]), text)
        if re.fullmatch(r"-?\d+", text):
            return Value(("I", int(text)), text)
        return Value(("S", text), text)

    def typed_bare(self, kind, text):
        if kind in "SxZ":
            return text
        if kind == "t":
            return FLAGS_OF_VALUES[text]
        if kind == "V":
            return None
        if kind == "D":
            scale, number = text.split("/")
            return int(scale), int(number)
        return float(text) if kind in "fd" else int(text)

    def table(self):
        fields = []
        self.at += 1
        while True:
            self.skip(" ,")
            if self.take("}"):
                return fields
            key = self.take(KEY.pattern)
            if not key:
                self.fail("a field without name=")
            fields.append((key[1].strip('"').replace("@", self.prefix), self.value().typed))

    def array(self):
        values = []
        self.at += 1
        while True:
            self.skip(" ,")
            if self.take(r"\]"):
                return values
            values.append(self.value().typed)


def unescape(match):
    if match[1]:
        return bytes([int(match[1], 16)])
    return {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(match[2], match[2])


def read_target(text, line):
    match = TARGET.match(text)
    if not match:
        line.fail(f"'{text}' is no connection and channel")
    return match[1], int(match[2]) if match[2] else None


def read_awaited(line, action):
    """-> basic.deliver x2, b1:basic.cancel, channel.close or connection.close"""
    name = r"[a-z]+\.[a-z-]+|end"
    while not line.ended():
        match = line.take(rf"(?:([a-z]\d+):)?((?:{name})(?: or (?:{name}))*)(?: x(\d+))?,?")
        if not match:
            line.fail("nothing to wait for")
        connection, channel = action.connection, action.channel or 0
        if match[1]:
            connection, channel = read_target(match[1], line)
        events = [(0 if one.startswith("connection.") or one == "end" else channel, one)
                  for one in match[2].split(" or ")]
        action.awaited.append(Awaited(connection, events, int(match[3] or 1)))


def read_action(text, prefix):
    line = Line(text, prefix)
    action = Action(text)
    action.joined = bool(line.take(r"\+\s*"))
    first = line.take(r"\S+")
    if first[0] in ("sleep", "quiet"):
        action.verb = first[0]
    else:
        action.connection, action.channel = read_target(first[0], line)
        line.skip()
        verb = line.take(r"[a-z]+[\w.-]*")
        if not verb:
            line.fail("no action")
        action.verb = verb[0]
    while not line.ended():
        if line.take(r"->\s*"):
            read_awaited(line, action)
            break
        key = line.take(KEY.pattern)
        if key:
            action.arguments[key[1]] = line.value()
        else:
            before = line.at
            action.words.append(line.value())
            if line.at == before:
                line.fail("unreadable")
    return action


def read_scenarios(text, file, first=1):
    """Scenarios of one file; prefixes are numbered from `first`."""
    scenarios = []
    continued = ""
    for number, raw in enumerate(text.splitlines(), 1):
        stripped = continued + raw.strip()
        continued = ""
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("=="):
            name = f"{pathlib.Path(file).stem}: {stripped.strip('= ')}"
            scenarios.append(Scenario(name, file, f"s{first + len(scenarios):03}."))
        elif stripped.endswith("\\"):
            continued = stripped[:-1]
        elif not scenarios:
            raise BadScenario(f"{file}:{number}: an action before the first scenario")
        else:
            try:
                scenarios[-1].actions.append(read_action(stripped, scenarios[-1].prefix))
            except (BadScenario, ValueError, KeyError) as error:
                raise BadScenario(f"{file}:{number}: {error}") from error
    return scenarios


def read_folder(folder):
    scenarios = []
    for path in sorted(pathlib.Path(folder).glob("*.txt")):
        scenarios += read_scenarios(path.read_text(encoding="utf-8"), path.name,
                                    len(scenarios) + 1)
    names = [scenario.name for scenario in scenarios]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BadScenario(f"names that are used twice: {', '.join(sorted(twice))}")
    empty = [scenario.name for scenario in scenarios if not scenario.actions]
    if empty:
        raise BadScenario(f"scenarios without an action: {', '.join(empty)}")
    return scenarios
