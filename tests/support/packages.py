"""Installs the distribution's packages that a test turns out to need."""

import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Unavailable(Exception):
    """A program cannot be had here; the text says why."""


def install(lines):
    """Installs what the lines say, in the form of deploy/packages.txt; raises Unavailable."""
    if os.environ.get("WARREN_SKIP_PACKAGES") == "1":
        raise Unavailable(f"missing, and WARREN_SKIP_PACKAGES=1 is set: {', '.join(lines)}")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write("\n".join(lines) + "\n")
        wanted.flush()
        done = subprocess.run([ROOT / "deploy/install-packages", wanted.name],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Unavailable(f"{', '.join(lines)} could not be installed: {done.stdout[-500:]}")


def need(packages):
    """Installs the packages of those programs that are missing: {program: package}."""
    lines = [package for program, package in packages.items() if not shutil.which(program)]
    if lines:
        install(sorted(set(lines)))
