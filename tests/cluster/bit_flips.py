"""One bit flipped in the live write-ahead log of a killed node. The node refuses to start, changes
nothing and names the file, wherever the bit was."""

import pathlib
import random
import re
import shutil

from survival_load import replicas_agree
from scenes import PERSISTENT, Scene, drain, result

BLOCK, HEADER = 32768, 7  # RocksDB's; a block's end that fits no header is filler
REFUSED = "cannot start: "


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
    """A bit of a node's log, and the log as it was. `aim`: anywhere; the tail, where a power cut
    would leave its mark; or the record of a vote."""

    AIMS = ("tail", "anywhere", "vote", "anywhere")

    def __init__(self, store, seed):
        generator = random.Random(seed)
        self.aim = self.AIMS[seed % len(self.AIMS)]
        files = sorted(store.glob("*.log"))
        if self.aim == "vote":
            places = [(file, at) for file in files for at in votes(file.read_bytes())]
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

    def start_again(self, victim):
        """What the node said of its store, and whether it serves."""
        before = len(self.cluster.log(victim))
        self.cluster.quickstart("resume", victim, check=False)
        return self.cluster.log(victim)[before:], self.cluster.lives(victim)

    def verdict(self, flip, said, serves):
        if serves:
            return [] if flip.in_filler() else [f"{flip}: the node started"]
        reason = next((line for line in said.splitlines() if REFUSED in line), "")
        named = re.search(r"store/\S+\.log|/store", reason)
        return [] if named else [f"{flip}: the node ended without naming the file: {reason}"]

    def fill(self, channel, queue, begin, count):
        for number in range(begin, begin + count):
            channel.basic_publish("", queue, f"{number}:".encode() + bytes(500), PERSISTENT)
        return begin + count

    def run(self):
        victim = self.number % 3 + 1
        asked = victim % 3 + 1
        queue = self.name("flip")
        connection = self.cluster.connect(asked, heartbeat=0)
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(queue, durable=True, arguments={"x-warren-group": 1})
        sent = self.fill(channel, queue, 0, 100)
        self.cluster.kill(victim)
        store = pathlib.Path(self.cluster.node(victim)["data_directory"]) / "store"
        flip = Flip(store, self.number)
        flip.toggle()
        said, serves = self.start_again(victim)
        broken = self.verdict(flip, said, serves)
        sent = self.fill(channel, queue, sent, 50)
        if not serves:
            self.admit_again(victim, flip, store)
        replicas_agree(self.cluster, asked)
        sent = self.fill(channel, queue, sent, 50)
        got = [int(body.split(":")[0]) for body in drain(channel, queue)]
        if got != list(range(sent)):
            broken.append(f"{flip}: {len(got)} of {sent} messages came, "
                          f"missing {sorted(set(range(sent)) - set(got))[:3]}")
        channel.queue_delete(queue)
        connection.close()
        return result(f"{flip} on node {victim}: {'serves' if serves else 'refused'}", broken,
                      sent, len(got))

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

    def run(self):
        queue = self.name("flip")
        with self.cluster.connect(1) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.queue_declare(queue, durable=True)
            sent = self.fill(channel, queue, 0, 100)
        self.cluster.kill(1)
        store = pathlib.Path(self.cluster.node(1)["data_directory"]) / "store"
        flip = Flip(store, self.number)
        before = {file.name: file.read_bytes() for file in store.glob("*.log")}
        flip.toggle()
        said, serves = self.start_again(1)
        broken = self.verdict(flip, said, serves)
        if not serves:
            flip.toggle()
            after = {file.name: file.read_bytes() for file in store.glob("*.log")}
            if after != before:
                broken.append(f"{flip}: the node refused, and changed its store")
            self.cluster.resume(1)
        self.cluster.wait_for_leaders(1)
        with self.cluster.connect(1) as connection:
            channel = connection.channel()
            got = [int(body.split(":")[0]) for body in drain(channel, queue)]
            channel.queue_delete(queue)
        if got != list(range(sent)):
            broken.append(f"{flip}: {len(got)} of {sent} messages came")
        return result(f"{flip}: {'serves' if serves else 'refused'}", broken, sent, len(got))
