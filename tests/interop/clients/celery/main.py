"""The scenarios through Celery: this process sends tasks, real workers run them.

    main.py HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]
"""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

NODES = sys.argv[1].split(",")
os.environ["SCENARIO_NODES"] = sys.argv[1]
os.environ["SCENARIO_QUEUE"] = f"celery-{uuid.uuid4().hex[:8]}"

import celery  # noqa: E402

import tasks  # noqa: E402

PATIENCE = 30
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="warren-celery-"))
WORKERS = []
SCENARIOS = {}


def scenario(name):
    def register(function):
        SCENARIOS[name] = function
        return function
    return register


def equal(actual, expected):
    assert actual == expected, f"{actual!r}, not {expected!r}"


def wait_until(condition, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)


def start_worker(first_node, **environment):
    """A worker with one process, in a process group of its own, which does not outlive a run."""
    nodes = NODES[first_node:] + NODES[:first_node]
    name = f"worker-{len(WORKERS)}"
    path = SCRATCH / f"{name}.log"
    with path.open("w") as log:
        WORKERS.append(subprocess.Popen(
            ["timeout", "--signal=KILL", "300", sys.executable, "-m", "celery", "--app", "tasks",
             "worker", "--concurrency", "1", "--loglevel", "INFO",
             "--hostname", f"{name}@{os.environ['SCENARIO_QUEUE']}"],
            env={**os.environ, "SCENARIO_NODES": ",".join(nodes), **environment},
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True))
    return path


def kill(group):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def mine():
    """The names of this run's workers that answer."""
    queue = os.environ["SCENARIO_QUEUE"]
    return [name for reply in tasks.app.control.ping(timeout=1) for name in reply if queue in name]


@scenario("result")
def result():
    equal(tasks.add.delay(2, 3).get(timeout=PATIENCE), 5)


@scenario("retry")
def retry():
    started = time.monotonic()
    equal(tasks.fail_twice.delay().get(timeout=PATIENCE), 2)
    assert time.monotonic() - started >= 2, "it did not wait for its countdown"


@scenario("eta")
def eta():
    due = time.time() + 1.5
    waiting = [tasks.now.apply_async(countdown=1.5) for _ in range(5)]
    ran = [one.get(timeout=PATIENCE) for one in waiting]
    assert min(ran) >= due - 0.05, f"{due - min(ran):.2f} s too early"


@scenario("chain")
def chain():
    result = celery.chain(tasks.add.s(1, 1), tasks.add.s(2), tasks.add.s(3))()
    equal(result.get(timeout=PATIENCE), 7)


@scenario("group")
def group():
    results = celery.group(tasks.add.s(i, i) for i in range(20))()
    equal(results.get(timeout=PATIENCE), [2 * i for i in range(20)])


@scenario("fair")
def fair():
    busy = tasks.sleep.delay(4)
    started = time.monotonic()
    for one in [tasks.now.delay() for _ in range(10)]:
        one.get(timeout=PATIENCE)
    assert time.monotonic() - started < 3.5, "tasks waited behind a busy worker"
    busy.get(timeout=PATIENCE)


@scenario("control")
def control():
    equal(len(mine()), 2)
    path = SCRATCH / "revoked"
    revoked = tasks.record.apply_async((str(path), 1), countdown=2)
    tasks.app.control.revoke(revoked.id, reply=True)
    tasks.now.apply_async(countdown=3).get(timeout=PATIENCE)
    assert not path.exists(), "a revoked task was run"


@scenario("events")
def events():
    seen = threading.Event()
    with tasks.app.connection() as connection:
        receiver = tasks.app.events.Receiver(
            connection, handlers={"task-succeeded": lambda event: seen.set()})

        def capture():
            with contextlib.suppress(socket.timeout):
                for _ in receiver.itercapture(limit=None, timeout=PATIENCE, wakeup=True):
                    if seen.is_set():
                        return

        threading.Thread(target=capture, daemon=True).start()
        wait_until(lambda: tasks.add.delay(1, 1).get(timeout=PATIENCE) and seen.wait(0.5),
                   "an event")


@scenario("killed-worker")
def killed_worker():
    marker = SCRATCH / "outlive"
    result = tasks.outlive.delay(str(marker))
    wait_until(marker.exists, "the task's start")
    kill(int(marker.read_text()))
    equal(result.get(timeout=PATIENCE), True)


@scenario("failover")
def failover():
    path = SCRATCH / "ran"
    sent = []

    def send():
        tasks.record.apply_async(
            (str(path), len(sent)), ignore_result=True, retry=True,
            retry_policy={"max_retries": 50, "interval_start": 0.1, "interval_max": 0.5})
        sent.append(len(sent))

    def node_is_gone():
        send()
        try:
            host, port = NODES[0].split(":")
            socket.create_connection((host, int(port)), timeout=5).close()
        except ConnectionError:
            return True
        return False

    send()
    wait_until(path.exists, "the first task")
    print("want kill", flush=True)
    wait_until(node_is_gone, "the node's end", 60)
    for _ in range(20):
        send()

    def all_ran():
        return {int(line) for line in path.read_text().split()} == set(sent)

    wait_until(all_ran, "every task", 60)


@scenario("delayed-delivery")
def delayed_delivery():
    log = start_worker(0, SCENARIO_QUEUE=f"{os.environ['SCENARIO_QUEUE']}-quorum",
                       SCENARIO_QUEUE_TYPE="quorum")
    path = SCRATCH / "delayed"
    wait_until(lambda: " ready." in log.read_text(), "the worker", 20)
    sender = subprocess.Popen(
        [sys.executable, "-c", "import sys, tasks\n"
         "tasks.record.apply_async((sys.argv[1], 1), countdown=2, ignore_result=True)", str(path)],
        env={**os.environ, "SCENARIO_QUEUE": f"{os.environ['SCENARIO_QUEUE']}-quorum",
             "SCENARIO_QUEUE_TYPE": "quorum"})
    equal(sender.wait(PATIENCE), 0)
    sent = time.monotonic()
    wait_until(path.exists, "the delayed task", 15)
    assert time.monotonic() - sent > 1, "it ran before its time"


def main():
    print("version", celery.__version__, flush=True)
    try:
        for node in (0, 1):
            start_worker(node)
        wait_until(lambda: len(mine()) == len(WORKERS), "the workers", 60)
        for name in sys.argv[2:] or SCENARIOS:
            try:
                SCENARIOS[name]()
                print("ok", name, flush=True)
            except Exception as error:  # of whatever kind, it is told, and the next one is played
                why = f"{type(error).__name__} {error}".replace("\n", " ")
                print(f"not ok {name}: {why}", flush=True)
    finally:
        for worker in WORKERS:
            kill(worker.pid)
        for log in sorted(SCRATCH.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)


main()
