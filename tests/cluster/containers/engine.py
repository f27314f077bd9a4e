"""The container engine: the one that runs here, or one of our own for the length of the tests."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from tools import SCRATCH, Unavailable, need, runs

START_LIMIT_S = 60


class Engine:
    """Sets DOCKER_HOST for this process while it is our own engine that runs."""

    def __init__(self):
        self.process = None
        self.exec_root = None

    def start(self):
        need("docker")
        if runs(["docker", "info"]):
            return self
        need("dockerd")
        if runs(["docker", "info"]):  # its package started it
            return self
        if os.geteuid() != 0:
            raise Unavailable("no engine runs, and to start one takes root")
        return self.start_own()

    def start_own(self):
        # Images stay in build/containers from run to run. Sockets go to a short path: theirs are
        # limited to 107 octets.
        self.exec_root = pathlib.Path(tempfile.mkdtemp(prefix="warren-engine-"))
        SCRATCH.mkdir(parents=True, exist_ok=True)
        log = SCRATCH / "engine.log"
        host = f"unix://{self.exec_root}/docker.sock"
        with log.open("w") as out:
            self.process = subprocess.Popen(
                ["dockerd", "--host", host, "--data-root", str(SCRATCH / "engine"),
                 "--exec-root", str(self.exec_root / "exec"),
                 "--pidfile", str(self.exec_root / "pid")],
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        os.environ["DOCKER_HOST"] = host
        deadline = time.monotonic() + START_LIMIT_S
        while not runs(["docker", "info"]):
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = log.read_text()[-1500:]
                self.stop()
                raise Unavailable(f"dockerd does not start; the end of {log}:\n{text}")
            time.sleep(0.3)
        return self

    def stop(self):
        if self.process is None:
            return
        os.environ.pop("DOCKER_HOST", None)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None
        shutil.rmtree(self.exec_root, ignore_errors=True)
