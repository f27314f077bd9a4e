"""What is expected of each scenario: the same frames, a listed difference, or a missing feature.

The lists are data: docs/compatibility.md says which differences are meant and who asks for them,
differences.txt holds their frames, pending.txt names what Warren cannot do yet.
"""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
COMPATIBILITY = HERE.parents[2] / "docs" / "compatibility.md"
DIFFERENCES = HERE / "differences.txt"
PENDING = HERE / "pending.txt"
CITATION = re.compile(r"features\.md (head|§\d[\w.]*)")


def read_compatibility(text):
    """scenario -> the citation of its row. Rows: scenarios | RabbitMQ | Warren | asked for by."""
    listed = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        names = re.findall(r"`([a-z_]+: [^`]+)`", cells[0])
        if not line.startswith("|") or not names:
            continue
        if len(cells) != 4 or not all(cells):
            raise ValueError(f"a row of four cells is due: {line}")
        if not CITATION.search(cells[3]):
            raise ValueError(f"no line of features.md is cited: {line}")
        for name in names:
            if name in listed:
                raise ValueError(f"listed twice: {name}")
            listed[name] = cells[3]
    return listed


def read_differences(text):
    """scenario -> the lines of comparer.differences()"""
    found = {}
    for line in text.splitlines():
        if line.startswith("== "):
            lines = found.setdefault(line[3:], [])
        elif line.strip() and not line.startswith("#"):
            lines.append(line)
    return found


def write_differences(found):
    head = "# The frames of what docs/compatibility.md lists; written by play.py --record.\n"
    blocks = ["\n".join([f"== {name}", *lines]) for name, lines in sorted(found.items())]
    return head + "\n" + "\n\n".join(blocks) + "\n"


def read_pending(text):
    """scenario -> the feature that it waits for"""
    pending, feature = {}, None
    for line in text.splitlines():
        if line.startswith("== "):
            feature = line[3:].strip()
        elif line.strip() and not line.startswith("#"):
            pending[line.strip()] = feature
    return pending


class Verdicts:
    def __init__(self):
        self.listed = read_compatibility(COMPATIBILITY.read_text(encoding="utf-8"))
        self.differences = read_differences(DIFFERENCES.read_text(encoding="utf-8"))
        self.pending = read_pending(PENDING.read_text(encoding="utf-8"))

    def faults(self, known):
        """What is wrong with the lists themselves."""
        for name in sorted((self.listed.keys() | self.pending.keys()) - known):
            yield f"no scenario is called '{name}'"
        for name in sorted(self.listed.keys() & self.pending.keys()):
            yield f"both listed and pending: {name}"
        for name in sorted(self.listed.keys() ^ self.differences.keys()):
            yield f"only in one of compatibility.md and differences.txt: {name}"
