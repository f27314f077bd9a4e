"""One bit flipped in the live write-ahead log of a killed node, in each round one in the record of
a vote and one elsewhere. The node refuses to start, changes nothing, and names the file and the
choices, wherever the bit was."""

import dataclasses
import pathlib
import random
import re
import shutil
import time

from checks import Blow
from survival_load import all_vote, replicas_agree
from scenes import PERSISTENT, Scene, drain, result
from warren_cluster import wait_until

BLOCK, HEADER = 32768, 7  # RocksDB's; a block's end that fits no header is filler
REFUSED = "cannot start: "


# What a refusal must tell: the file (or the store), that nothing was touched, and both choices.
TOLD = (REFUSED, r"store/\S+\.log|/store", r"Nothing was changed", r"restore the file from a copy",
        r"join again with an empty one", r"moving it away loses data")


def refusal_lacks(said):
    """What the line in which a node refuses to start does not tell, of all that it must."""
    line = next((line for line in said.splitlines() if REFUSED in line), "")
    return [pattern for pattern in TOLD if not re.search(pattern, line)]


# A group's hard state in a write batch: the key's length, `h` and the group; the value's length,
# then varints, of which term and vote come first (docs/storage-format.md).
HARD_STATE = re.compile(rb"\x05h(.{4})([\x05-\x40])", re.DOTALL)


def varint(octets, at):
    value = shift = 0
    while True:
        octet = octets[at]
        value |= (octet & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if octet < 0x80:
            return value, at


def votes(octets):
    """Where a written hard state names the node that was voted for."""
    found = []
    for match in HARD_STATE.finditer(octets):
        value = octets[match.end():match.end() + match.group(2)[0]]
        if int.from_bytes(match.group(1), "big") > 64 or len(value) < match.group(2)[0]:
            continue
        term, at = varint(value, 0)
        node, _ = varint(value, at)
        if 0 < term < 1000 and 1 <= node <= 3:
            found.append(match.end() + at)
    return found


class Flip:
    """A bit of a node's log. `aim`: anywhere; the tail, where a power cut would leave its mark; or
    the record of a vote, which must be there."""

    def __init__(self, store, seed, aim):
        generator = random.Random(seed)
        self.aim = aim
        files = sorted(store.glob("*.log"))
        if self.aim == "vote":
            places = [(file, at) for file in files for at in votes(file.read_bytes())]
            assert places, f"no record of a vote in {[file.name for file in files]}"
            self.file, self.offset = generator.choice(places)
        else:
            sizes = [file.stat().st_size for file in files]
            tail = self.aim == "tail" and sizes[-1]
            self.file = files[-1] if tail else generator.choices(files, sizes)[0]
            size = self.file.stat().st_size
            self.offset = generator.randrange(max(0, size - 40) if tail else 0, size)
        self.bit = 1 << generator.randrange(8)

    def toggle(self):
        with open(self.file, "r+b") as file:
            file.seek(self.offset)
            octet = file.read(1)[0] ^ self.bit
            file.seek(self.offset)
            file.write(bytes([octet]))

    def in_filler(self):
        return self.offset % BLOCK > BLOCK - HEADER

    def __str__(self):
        aim = " (a vote)" if self.aim == "vote" else ""
        return f"bit {self.bit:#x} at {self.offset} of {self.file.name}{aim}"


class BitFlip(Scene):
    """one bit flipped in a node's synced log: detected"""

    target_ms = 500

    def aims(self):
        return ("vote", ("anywhere", "tail")[self.number % 2])

    def start_again(self, victim):
        """What the node said of its store, and whether it serves."""
        before = len(self.cluster.log(victim))
        self.cluster.quickstart("resume", victim, check=False)
        return self.cluster.log(victim)[before:], self.cluster.lives(victim)

    def verdict(self, flip, said, serves):
        if serves:
            return [] if flip.in_filler() else [f"{flip}: the node started"]
        lacks = refusal_lacks(said)
        return [f"{flip}: the node ended and did not tell {lacks}: {said}"] if lacks else []

    def fill(self, channel, queue, begin, count):
        for number in range(begin, begin + count):
            channel.basic_publish("", queue, f"{number}:".encode() + bytes(500), PERSISTENT)
        return begin + count

    def run(self):
        self.victim = self.number % 3 + 1
        self.asked = self.victim % 3 + 1
        self.told, self.broken, self.blows = [], [], []
        with self.watch(self.asked) as watch:
            with self.cluster.connect(self.asked, heartbeat=0) as connection:
                channel = connection.channel()
                channel.confirm_delivery()
                self.queue = self.name("flip")
                channel.queue_declare(self.queue, durable=True, arguments={"x-warren-group": 1})
                sent = self.fill(channel, self.queue, 0, 100)
                for aim in self.aims():
                    sent = self.strike(channel, sent, aim)
                got = [int(body.split(":")[0]) for body in drain(channel, self.queue)]
                channel.queue_delete(self.queue)
            if got != list(range(sent)):
                self.broken.append(f"{self.told}: {len(got)} of {sent} messages came, "
                                   f"missing {sorted(set(range(sent)) - set(got))[:3]}")
            watched = watch.finish(self.blows)
        replicas_agree(self.cluster, self.asked)
        return result(f"node {self.victim}, {', '.join(self.told)}", self.broken, sent, len(got),
                      watched)

    def strike(self, channel, sent, aim):
        """Returns how many messages were sent, so far."""
        begin = time.monotonic()
        if self.blows:
            self.blows[-1] = dataclasses.replace(self.blows[-1], until=begin)
        self.cluster.kill(self.victim)
        store = pathlib.Path(self.cluster.node(self.victim)["data_directory"]) / "store"
        flip = Flip(store, self.number, aim)
        flip.toggle()
        said, serves = self.start_again(self.victim)
        self.broken += self.verdict(flip, said, serves)
        sent = self.fill(channel, self.queue, sent, 50)
        self.blows.append(Blow((self.victim,), begin, time.monotonic()))
        if not serves:
            self.admit_again(self.victim, flip, store)
        wait_until(lambda: all_vote(self.cluster, self.asked), 60, 0.25,
                   "the node to be a voter of every group again")
        self.told.append(f"{flip}: {'serves' if serves else 'refused'}")
        return self.fill(channel, self.queue, sent, 50)

    def admit_again(self, victim, flip, store):
        """By either choice that the message names: the repaired store, or an empty one."""
        if self.number % 2:
            shutil.rmtree(store.parent)
        else:
            flip.toggle()
        self.cluster.resume(victim)


class LoneBitFlip(BitFlip):
    """the same on a node that is alone: it refuses to start and says why"""

    nodes = 1
    target_ms = None

    def run(self):
        queue = self.name("flip")
        with self.cluster.connect(1) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.queue_declare(queue, durable=True)
            sent = self.fill(channel, queue, 0, 100)
        self.told, self.broken = [], []
        for aim in self.aims():
            self.strike_alone(aim)
        self.cluster.wait_for_leaders(1)
        with self.cluster.connect(1) as connection:
            channel = connection.channel()
            got = [int(body.split(":")[0]) for body in drain(channel, queue)]
            channel.queue_delete(queue)
        if got != list(range(sent)):
            self.broken.append(f"{self.told}: {len(got)} of {sent} messages came")
        return result(", ".join(self.told), self.broken, sent, len(got))

    def strike_alone(self, aim):
        self.cluster.kill(1)
        store = pathlib.Path(self.cluster.node(1)["data_directory"]) / "store"
        flip = Flip(store, self.number, aim)
        before = {file.name: file.read_bytes() for file in store.glob("*.log")}
        flip.toggle()
        said, serves = self.start_again(1)
        self.broken += self.verdict(flip, said, serves)
        if not serves:
            flip.toggle()
            after = {file.name: file.read_bytes() for file in store.glob("*.log")}
            if after != before:
                self.broken.append(f"{flip}: the node refused, and changed its store")
            self.cluster.resume(1)
        self.told.append(f"{flip}: {'serves' if serves else 'refused'}")
