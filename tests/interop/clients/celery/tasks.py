"""The application whose workers main.py starts.

SCENARIO_NODES is the list of nodes as main.py got it, SCENARIO_QUEUE the queue of this run, and
SCENARIO_QUEUE_TYPE its type; the worker's own node comes first.
"""

import os
import pathlib
import time

from celery import Celery

app = Celery("tasks", backend="rpc://", broker=";".join(
    f"amqp://guest:guest@{node}//" for node in os.environ["SCENARIO_NODES"].split(",")))
app.conf.update(
    task_default_queue=os.environ["SCENARIO_QUEUE"],
    task_default_queue_type=os.environ.get("SCENARIO_QUEUE_TYPE", "classic"),
    task_default_exchange_type="topic" if "SCENARIO_QUEUE_TYPE" in os.environ else "direct",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": True},
)


@app.task
def add(left, right):
    return left + right


@app.task(bind=True, max_retries=3)
def fail_twice(self):
    if self.request.retries < 2:
        raise self.retry(countdown=1)
    return self.request.retries


@app.task
def now():
    return time.time()


@app.task
def sleep(seconds):
    time.sleep(seconds)


@app.task(bind=True)
def outlive(self, path):
    """Hangs when it is run first, and says by which process group; when run again, tells how."""
    marker = pathlib.Path(path)
    if marker.exists():
        return self.request.delivery_info["redelivered"]
    partial = marker.with_suffix(".partial")
    partial.write_text(str(os.getpgid(0)))
    partial.rename(marker)
    time.sleep(600)


@app.task
def record(path, number):
    with open(path, "a", encoding="ascii") as file:
        file.write(f"{number}\n")
