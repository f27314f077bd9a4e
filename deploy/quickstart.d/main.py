"""The verbs of deploy/quickstart. Packages are there already when this runs."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from cluster import Cluster, Problem

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_SECONDS = 60
STOP_SECONDS = 30

DESCRIPTION = """\
A Warren cluster on this machine.

  deploy/quickstart              install, build, start three nodes, wait until they serve
  deploy/quickstart stop         stop them; their data stays
  deploy/quickstart restart      stop, then start
  deploy/quickstart status       pid, state, ports and directory of each node (--json)
  deploy/quickstart logs [N]     the end of the logs, of node N or of all (-f: go on)
  deploy/quickstart kill N       SIGKILL node N
  deploy/quickstart hang N       SIGSTOP node N; unhang N: SIGCONT
  deploy/quickstart resume N     start node N again after kill
"""


def say(text):
    print(text, flush=True)


def data_home(base_port):
    home = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local/share")
    return os.path.join(home, "warren", str(base_port or 5672))


def find_program(build_directory, name):
    for folder in ("broker", "."):
        path = os.path.join(build_directory, folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise Problem(f"{name} is not in {build_directory}: was the build interrupted? Run "
                  "deploy/quickstart again")


def run_step(command, what):
    try:
        subprocess.run(command, cwd=ROOT, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Problem(f"{what} failed ({error}); its message is above. When the compiler was "
                      "killed, memory is short: try again with WARREN_BUILD_JOBS=1") from error


def build():
    directory = os.path.join(ROOT, "build", "release")
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        say("Configuring the release build ...")
        run_step(["cmake", "--preset", "release", "--log-level=WARNING"], "cmake")
    say("Building (the first time takes minutes, later seconds) ...")
    jobs = os.environ.get("WARREN_BUILD_JOBS")
    run_step(["ninja", "-C", directory] + (["-j", jobs] if jobs else []) +
             ["warren-server", "warrenctl"], "the build")
    return directory


def start_nodes(cluster, nodes, server, extra):
    begun = time.monotonic()
    children = []
    for node in nodes:
        if node.process.pid is None:
            children.append(node.start(server, extra))
            say(f"node {node.number} started: pid {node.process.pid}, AMQP {node.amqp}, "
                f"HTTP {node.http}, cluster {node.peers}")
        elif node.process.is_hung:
            raise Problem(f"node {node.number} hangs: deploy/quickstart unhang {node.number}")
        else:
            say(f"node {node.number} runs already: pid {node.process.pid}")
    cluster.wait_until_serving(nodes, START_SECONDS, say)
    say(f"Serving after {time.monotonic() - begun:.1f} s.")
    return children


def option_text(cluster):
    return "" if cluster.directory == data_home(5672) else f" --data {cluster.directory}"


def print_directions(cluster, ctl):
    first = cluster.nodes[0]
    ports = ", ".join(str(node.amqp) for node in cluster.nodes)
    option = option_text(cluster)
    say(f"""
Connect   amqp://guest:guest@localhost:{first.amqp}/   (any of the ports {ports})
Watch     {os.path.relpath(ctl)} --port {first.http} cluster_status
          {os.path.relpath(ctl)} --port {first.http} list_queues
          deploy/quickstart status{option};  deploy/quickstart logs -f{option}
Stop      deploy/quickstart stop{option}
Data      {cluster.directory}""")


def do_start(options):
    directory = options.build_dir or build()
    server = find_program(directory, "warren-server")
    ctl = find_program(directory, "warrenctl")
    cluster = Cluster.existing_or_new(options.data, options.base_port, options.nodes)
    start_nodes(cluster, cluster.nodes, server, options.set)
    print_directions(cluster, ctl)


def do_stop(options):
    Cluster.existing(options.data).stop(STOP_SECONDS, say)


def do_restart(options):
    Cluster.existing(options.data).stop(STOP_SECONDS, say)
    do_start(options)


def do_status(options):
    cluster = Cluster.existing(options.data)
    rows = [node.describe() for node in cluster.nodes]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'NODE':<5}{'PID':<9}{'STATE':<10}{'AMQP':<7}{'HTTP':<7}{'CLUSTER':<9}DATA")
    for row in rows:
        print(f"{row['node']:<5}{row['pid'] or '-':<9}{row['state']:<10}{row['amqp_port']:<7}"
              f"{row['http_port']:<7}{row['cluster_port']:<9}{row['data_directory']}")


def do_logs(options):
    cluster = Cluster.existing(options.data)
    nodes = [cluster.node(options.number)] if options.number else cluster.nodes
    files = [node.log for node in nodes if os.path.exists(node.log)]
    if not files:
        raise Problem(f"no logs yet in {cluster.directory}")
    command = [shutil.which("tail") or "tail", "-n", "30"] + (["-F"] if options.follow else [])
    os.execv(command[0], command + files)


def chosen(options):
    if options.number is None:
        raise Problem(f"which node? deploy/quickstart {options.verb} N")
    return Cluster.existing(options.data).node(options.number)


def send(options, signal_number, done):
    node = chosen(options)
    pid = node.process.pid
    if not node.process.send(signal_number):
        raise Problem(f"node {node.number} does not run: deploy/quickstart resume {node.number}")
    say(f"node {node.number} (pid {pid}) {done}")
    return node


def do_kill(options):
    node = chosen(options)
    pid = node.process.pid
    if not node.process.send(signal.SIGKILL, wait=STOP_SECONDS):
        raise Problem(f"node {node.number} does not run: deploy/quickstart resume {node.number}")
    if node.process.pid is not None:
        raise Problem(f"node {node.number} (pid {pid}) was killed, but still lives after "
                      f"{STOP_SECONDS} s: its disk may be stuck")
    say(f"node {node.number} (pid {pid}) killed")


def do_hang(options):
    send(options, signal.SIGSTOP, "hangs")


def do_unhang(options):
    send(options, signal.SIGCONT, "goes on")


def do_resume(options):
    node = chosen(options)
    directory = options.build_dir or os.path.join(ROOT, "build", "release")
    start_nodes(node.cluster, [node], find_program(directory, "warren-server"), options.set)


VERBS = {"start": do_start, "stop": do_stop, "restart": do_restart, "status": do_status,
         "logs": do_logs, "kill": do_kill, "hang": do_hang, "unhang": do_unhang,
         "resume": do_resume}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="deploy/quickstart", description=DESCRIPTION,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", nargs="?", default="start", choices=VERBS, metavar="VERB")
    parser.add_argument("number", nargs="?", type=int, metavar="N", help="a node, from 1")
    parser.add_argument("--nodes", type=int, metavar="N",
                        help="nodes of a new cluster (3); 1 for a laptop")
    parser.add_argument("--base-port", type=int, metavar="P",
                        help="node i serves AMQP on P+i-1 (5672), HTTP 10000 above, the cluster "
                        "20000 above")
    parser.add_argument("--data", metavar="DIR",
                        help="where the cluster lies (~/.local/share/warren/P)")
    parser.add_argument("--build-dir", metavar="DIR", help="take programs from here; build nothing")
    parser.add_argument("--set", action="append", default=[], metavar="'KEY = VALUE'",
                        help="a further line of every node's warren.conf")
    parser.add_argument("--json", action="store_true", help="status for programs")
    parser.add_argument("-f", "--follow", action="store_true", help="logs: go on")
    options = parser.parse_args(arguments)
    if options.nodes is not None and not 1 <= options.nodes <= 9:
        parser.error("--nodes must be 1 to 9")
    options.data = os.path.abspath(options.data or data_home(options.base_port))
    return options


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # quietly, when piped into head
    options = parse(sys.argv[1:])
    try:
        VERBS[options.verb](options)
    except Problem as problem:
        print(f"quickstart: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nquickstart: interrupted; nodes that were started run on "
              "(deploy/quickstart stop)", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
