"""What a client's program said of the scenarios, and what is to be made of it."""

import dataclasses
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent
SAID = re.compile(r"(ok|not ok|cannot) ([a-z-]+)(?:: (.+))?$")


@dataclasses.dataclass
class Verdict:
    scenario: str
    state: str  # ok, cannot, pending, or failed
    why: str = ""


def tables(text=None):
    """{table: [scenario]} of scenarios.md."""
    text = text or (FOLDER / "scenarios.md").read_text()
    found = {}
    for line in text.splitlines():
        if line.startswith("## "):
            found[line[3:]] = rows = []
        elif match := re.match(r"\| ([a-z][a-z-]*) \|", line):
            rows.append(match[1])
    return found


def pending(text=None):
    text = text if text is not None else (FOLDER / "pending").read_text()
    return {line for line in text.split("\n") if line and not line.startswith("#")}


def judge(scenarios, awaited, lines):
    """One verdict a scenario, and one for each line that names none of them."""
    said = {}
    verdicts = []
    for line in lines:
        match = SAID.match(line)
        if not match:
            continue
        state, name, why = match[1], match[2], match[3] or ""
        if name not in scenarios:
            verdicts.append(Verdict(name, "failed", "scenarios.md knows no such scenario"))
        elif name in said:
            verdicts.append(Verdict(name, "failed", "the program spoke of it twice"))
        elif state != "ok" and not why:
            verdicts.append(Verdict(name, "failed", f"the program said '{state}' and not why"))
        said[name] = (state, why)
    for name in scenarios:
        state, why = said.get(name, ("", "the program said nothing of it"))
        if state == "cannot":
            verdicts.append(Verdict(name, "cannot", why))
        elif state == "ok" and name in awaited:
            verdicts.append(Verdict(name, "failed", "passes: delete its line in pending"))
        elif state == "ok":
            verdicts.append(Verdict(name, "ok"))
        elif state == "not ok" and name in awaited:
            verdicts.append(Verdict(name, "pending", why))
        else:
            verdicts.append(Verdict(name, "failed", why))
    return verdicts
