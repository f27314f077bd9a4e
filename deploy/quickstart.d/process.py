"""Processes that outlive us, found again by pid file and signalled only when surely ours."""

import json
import os
import select
import signal
import subprocess


def _stat(pid):
    """(state letter, start time in ticks since boot), or None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[19])


def _exe(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return None


class Process:
    """One process, known by (pid, start time, executable): a reused pid is never taken for it."""

    def __init__(self, pid_file):
        self.pid_file = pid_file

    def _read(self):
        try:
            with open(self.pid_file, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    @property
    def pid(self):
        """The pid while the process lives, else None."""
        known = self._read()
        if not known:
            return None
        now = _stat(known["pid"])
        if not now or now[0] in "ZX" or now[1] != known["start_time"]:
            return None
        return known["pid"] if _exe(known["pid"]) == known["exe"] else None

    @property
    def is_hung(self):
        pid = self.pid
        now = _stat(pid) if pid else None
        return bool(now) and now[0] in "Tt"

    def start(self, command, log_file):
        log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     start_new_session=True, close_fds=True)
        finally:
            os.close(log)
        now = _stat(child.pid)
        known = {"pid": child.pid, "start_time": now[1] if now else 0,
                 "exe": os.path.realpath(command[0])}
        # A script's executable is its interpreter.
        known["exe"] = _exe(child.pid) or known["exe"]
        scratch = self.pid_file + ".new"
        with open(scratch, "w", encoding="utf-8") as file:
            json.dump(known, file)
        os.replace(scratch, self.pid_file)
        return child

    def send(self, signal_number, wait=0):
        """True when the process lived and got it. Then waits up to so many seconds for its end:
        that of its last thread, since its ports are taken until then."""
        pid = self.pid
        if pid is None:
            return False
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return False
        try:
            if self.pid != pid:  # checked again: now the handle pins it
                return False
            signal.pidfd_send_signal(handle, signal_number)
            if wait:
                select.select([handle], [], [], wait)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
