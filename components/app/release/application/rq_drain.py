"""Berth: tells an RQ worker to end at a moment at which it loses no job, and waits for its end: rq_drain.py SECONDS PID

After so many seconds without such a moment it is told all the same.

A worker that is told to end between two jobs ends at once, also when it has just taken a job from its queue: that job
is never run, and RQ takes it for failed minutes later, or forgets it (rq.worker.base, BaseWorker._shutdown). It loses
none while the process that runs a job is there, its "horse", and while it waits for a job at an empty queue. So it is
halted, looked at, and only then told.
"""

import os
import signal
import sys
import time
from pathlib import Path

still = 1.0  # Seconds after which it waits for a job, with no more than a few turns at a processor.
few = 3


def main() -> None:
    if len(sys.argv) < 3:  # It has ended by itself; see ExecStop= in systemd.service(5).
        return
    patience, pid = float(sys.argv[1]), int(sys.argv[2])
    try:
        drain(pid, time.monotonic() + patience)
    except (ProcessLookupError, FileNotFoundError) as fault:
        if not is_gone(pid):
            sys.exit(f"berth: the worker cannot be looked at, and is told to end at once: {fault}")


def drain(pid: int, end: float) -> None:
    turns, since = turns_of(pid), time.monotonic()
    while time.monotonic() < end:
        if told_with_horse(pid):
            break
        # One that has only to wait for a processor has something to do.
        if fields_of(pid)[0] != "S" or turns_of(pid) - turns > few:
            turns, since = turns_of(pid), time.monotonic()
        elif time.monotonic() - since > still:
            os.kill(pid, signal.SIGTERM)
            break
        time.sleep(0.01)
    else:
        os.kill(pid, signal.SIGTERM)
    # A second signal would end the job as well, and systemd sends one if this ends first.
    while fields_of(pid)[0] != "Z":
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def told_with_horse(pid: int) -> bool:
    """Whether the worker has a horse, and has been told to end while it had."""
    if not horses_of(pid):
        return False
    os.kill(pid, signal.SIGSTOP)
    try:
        while fields_of(pid)[0] not in "TZ":
            time.sleep(0.001)
        if not horses_of(pid):
            return False
        os.kill(pid, signal.SIGTERM)
        return True
    finally:
        os.kill(pid, signal.SIGCONT)


def horses_of(pid: int) -> list[int]:
    """The processes that run a job, in which alone an interrupt is ignored. RQ's scheduler, another child, takes it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            child = int(path.name)
            if int(fields_of(child)[1]) == pid and ignored_by(child) & 1 << (signal.SIGINT - 1):
                found.append(child)
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found


def ignored_by(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next((line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")), "0"), 16)


def turns_of(pid: int) -> int:
    """How often the worker's main thread has given up its processor. RQ has another one, which listens to commands."""
    status = Path(f"/proc/{pid}/task/{pid}/status").read_text()
    return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches:" in line)


def fields_of(pid: int) -> list[str]:
    """State, parent and what follows: proc_pid_stat(5). The name before them may have any character."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


if __name__ == "__main__":
    main()
