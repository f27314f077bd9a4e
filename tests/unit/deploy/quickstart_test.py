"""deploy/quickstart against a stand-in for the broker: verbs, ports, pid files, failures."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "deploy", "quickstart.d"))

from process import Process  # noqa: E402

STAND_IN = f"""#!{os.path.realpath(sys.executable)}
import http.server, socket, sys
conf = dict(line.strip().split(" = ", 1) for line in open(sys.argv[2]) if " = " in line)
if "fail" in conf:
    sys.exit("cannot start: " + conf["fail"])
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{{"status":"ok"}}')
    def log_message(self, *args):
        pass
host, port = conf["listeners.tcp.default"].split(":")
amqp = socket.socket()
amqp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
amqp.bind((host, int(port)))
amqp.listen()
http.server.HTTPServer(("127.0.0.1", int(conf["management.tcp.port"])), Ready).serve_forever()
"""


def free_base():
    """A base port whose ports for three nodes are free now."""
    for base in range(9100 + os.getpid() % 900, 12000, 10):
        try:
            for port in [base + n + k for n in range(3) for k in (0, 10000, 20000)]:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    raise RuntimeError("no free ports")


class Quickstart(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.data = os.path.join(self.folder, "cluster")
        os.mkdir(os.path.join(self.folder, "broker"))
        for name in ("warren-server", "warrenctl"):
            path = os.path.join(self.folder, "broker", name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(STAND_IN)
            os.chmod(path, 0o755)
        self.base = free_base()

    def tearDown(self):
        self.run_it("stop")
        shutil.rmtree(self.folder)

    def run_it(self, *arguments):
        program = os.path.join(ROOT, "deploy/quickstart.d/main.py")
        return subprocess.run([sys.executable, program, *arguments, "--data", self.data,
                               "--build-dir", self.folder], capture_output=True, text=True,
                              timeout=90)

    def ends(self, code, *arguments):
        done = self.run_it(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")

    def start(self, *arguments):
        return self.run_it("start", "--base-port", str(self.base), *arguments)

    def nodes(self):
        return json.loads(self.run_it("status", "--json").stdout)

    def states(self):
        return [node["state"] for node in self.nodes()]

    def test_starts_three_nodes_on_ports_by_rule_and_stops_them(self):
        done = self.start()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"amqp://guest:guest@localhost:{self.base}/", done.stdout)
        self.assertIn(self.data, done.stdout)
        self.assertEqual(self.states(), ["serving"] * 3)
        third = self.nodes()[2]
        self.assertEqual((third["amqp_port"], third["http_port"], third["cluster_port"]),
                         (self.base + 2, self.base + 10002, self.base + 20002))
        again = self.start()
        self.assertIn("runs already", again.stdout)
        self.ends(0, "stop")
        self.assertEqual(self.states(), ["down"] * 3)

    def test_kills_resumes_hangs_and_lets_go_on(self):
        self.start()
        self.ends(0, "kill", "2")
        self.ends(0, "hang", "3")
        self.assertEqual(self.states(), ["serving", "down", "hung"])
        self.ends(1, "kill", "2")
        self.ends(0, "resume", "2")
        self.ends(0, "unhang", "3")
        self.assertEqual(self.states(), ["serving"] * 3)
        self.ends(0, "hang", "1")
        self.ends(0, "restart")
        self.assertEqual(self.states(), ["serving"] * 3)

    def test_says_what_to_do(self):
        self.assertIn("start one with", self.run_it("status").stderr)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.base + 10001))
            taken.listen()
            self.assertIn(f"port {self.base + 10001} of node 2 is taken", self.start().stderr)
        self.assertIn("holds a cluster of 3 nodes", self.start("--nodes", "5").stderr)
        self.assertIn("there is no node 4", self.run_it("kill", "4").stderr)
        self.assertIn("which node?", self.run_it("hang").stderr)

    def test_shows_the_log_of_a_node_that_does_not_start(self):
        failed = self.start("--nodes", "1", "--set", "fail = the disk is gone")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("cannot start: the disk is gone", failed.stderr)
        self.assertIn("cannot start: the disk is gone", self.run_it("logs", "1").stdout)

    def test_never_signals_a_process_that_is_not_its_own(self):
        other = subprocess.Popen(["sleep", "60"])
        try:
            path = os.path.join(self.folder, "pid")
            with open(f"/proc/{other.pid}/stat", encoding="utf-8") as stat:
                started = int(stat.read().split()[21])
            known = {"pid": other.pid, "exe": os.readlink(f"/proc/{other.pid}/exe"),
                     "start_time": started}
            for change in ({"start_time": 1}, {"exe": "/bin/other"}):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(known, file)
                self.assertEqual(Process(path).pid, other.pid)
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(known | change, file)
                self.assertFalse(Process(path).send(signal.SIGKILL))
            time.sleep(0.01)
            self.assertIsNone(other.poll())
        finally:
            other.kill()
            other.wait()


if __name__ == "__main__":
    unittest.main()
