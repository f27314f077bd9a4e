"""A RabbitMQ of the test's own: Debian's program with a node name, ports, an epmd and data of its
own, so that one that serves somebody on this machine is left in peace."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from client import Client, HandshakeFailed

PROGRAM = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONFIG = """
listeners.tcp.default = 127.0.0.1:{amqp}
distribution.listener.interface = 127.0.0.1
disk_free_limit.absolute = 1MB
log.console = false
"""
START_SECONDS = 120


class RabbitMQ:
    """amqp, amqp + 1 and amqp + 2 are its ports: clients, Erlang's distribution, epmd."""

    def __init__(self, amqp):
        self.port = amqp
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="rabbitmq-test-"))
        self.processes = []

    def environment(self):
        distribution, epmd = str(self.port + 1), str(self.port + 2)
        kept = {key: value for key, value in os.environ.items()
                if not key.startswith(("RABBITMQ_", "ERL_"))}
        return kept | {
            "HOME": str(self.data), "LANG": "C.UTF-8", "ERL_EPMD_PORT": epmd,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"differential{self.port}@localhost",
            "RABBITMQ_DIST_PORT": distribution, "RABBITMQ_MNESIA_BASE": str(self.data / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.data / "log"),
            "RABBITMQ_PID_FILE": str(self.data / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self.data / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.data / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(self.data / "environment"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.data / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",
        }

    def start(self):
        if not PROGRAM.exists():
            raise AssertionError(f"{PROGRAM} is missing: tests/run installs Debian's package "
                                 "rabbitmq-server, named in deploy/packages-test.txt")
        (self.data / "rabbitmq.conf").write_text(CONFIG.format(amqp=self.port))
        (self.data / "environment").touch()
        (self.data / "plugins").write_text("[rabbitmq_recent_history_exchange].\n")
        self.launch("epmd", ["epmd", "-port", str(self.port + 2), "-address", "127.0.0.1"])
        self.launch("server", [str(PROGRAM)])
        self.wait_until_it_serves()
        return self

    def launch(self, name, command):
        with open(self.data / f"{name}.out", "wb") as output:
            self.processes.append(subprocess.Popen(
                command, env=self.environment(), cwd=self.data, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True))

    def wait_until_it_serves(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return Client(self.port).shake_hands().close()
            except (OSError, HandshakeFailed) as error:
                died = [process for process in self.processes if process.poll() is not None]
                if died or time.monotonic() > deadline:
                    raise AssertionError(f"RabbitMQ does not start: {error}\n{self.output()}")
            time.sleep(0.3)

    def output(self):
        files = sorted(self.data.glob("*.out")) + sorted(self.data.glob("log/*"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}"
                         for path in files if path.is_file())

    def stop(self):
        """Its data is thrown away, so it need not be asked kindly."""
        for process in reversed(self.processes):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        self.processes = []
        shutil.rmtree(self.data, ignore_errors=True)
