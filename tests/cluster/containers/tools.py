"""Finds the programs that these tests run, and installs those that are missing."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from packages import Unavailable, install  # noqa: E402,F401

BUILD = pathlib.Path(os.environ.get("WARREN_TEST_BUILD", ROOT / "build/release"))
SCRATCH = ROOT / "build" / "containers"

# Program -> a line as deploy/install-packages reads it: the first alternative that exists.
PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "docker-compose": "docker-compose-v2 | docker-compose",
    "debootstrap": "debootstrap",
    "go": "golang-go",
}
DEBIAN_KEYS = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.4.3"


def need(*programs):
    lines = [PACKAGES[program] for program in programs if not shutil.which(program)]
    if "debootstrap" in programs and not DEBIAN_KEYS.exists():
        lines.append("debian-archive-keyring")
    if lines:
        install(sorted(set(lines)))


def compose_command():
    """`docker compose` where the engine has it, else `docker-compose`."""
    if shutil.which("docker") and runs(["docker", "compose", "version"]):
        return ["docker", "compose"]
    if not shutil.which("docker-compose"):
        install([PACKAGES["docker-compose"]])
    return ["docker", "compose"] if runs(["docker", "compose", "version"]) else ["docker-compose"]


def kustomize_command():
    """kubectl renders kustomizations by itself, without a server. Where apt has no kubectl
    (Ubuntu), the same code comes as a program of its own from the Go module proxy."""
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    if "kubernetes-client" in subprocess.run(
            ["apt-cache", "pkgnames", "kubernetes-client"], capture_output=True, text=True).stdout:
        install(["kubernetes-client"])
        return ["kubectl", "kustomize"]
    binary = SCRATCH / "bin" / "kustomize"
    if not binary.exists():
        need("go")
        subprocess.run(["go", "install", KUSTOMIZE], check=True,
                       env={**os.environ, "GOBIN": str(binary.parent)})
    return [str(binary), "build"]


def runs(command):
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
