"""Running contestants in turns, and what one run took."""

import datetime
import os
import signal
import statistics
import subprocess
import threading
import time

from harness import procs

# No run takes so many seconds; one that does is told, and not repeated.
PATIENCE = 600

# A contestant whose run takes longer than the seconds on the left is measured
# that often only: (seconds, runs).
SLOW = ((100, 1), (40, 3))

# A run of so few seconds is repeated though a workload's time is over.
SHORT = 8

# So much of what a failed command has said last is told.
SAID = 300


class Failed(Exception):
    """A contestant did not do what all are measured at."""


def timed(command, *, fine=(0,), environment=None, user=None,
          group=None, patience=PATIENCE):
    """Run a command: seconds, processor seconds and peak memory (bytes).

    The processor's time counts the command's own children, its memory does
    not.  Failed where its exit code is none of the fine ones.
    """
    started = time.monotonic()
    with subprocess.Popen([os.fspath(word) for word in command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, start_new_session=True,
                          user=user, group=group,
                          extra_groups=None if user is None else [], cwd="/",
                          env={**os.environ, **(environment or {})}) as process:
        overrun = threading.Timer(patience, os.killpg,
                                  (process.pid, signal.SIGKILL))
        overrun.start()
        with procs.PeakRss(process.pid) as peak:
            said = process.stderr.read().decode(errors="replace")
            _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - started
        overrun.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    if took >= patience:
        raise Failed(f"took longer than {patience} s")
    if process.returncode not in fine:
        raise Failed(f"ended with {process.returncode}: {said[-SAID:].strip()}")
    return {"seconds": took, "cpu": usage.ru_utime + usage.ru_stime,
            "memory": peak.bytes}


def cpu_seconds(pid):
    """What a running process's threads have had of the processors so far."""
    used = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat",
                  encoding="ascii") as file:
            used += int(file.read().split()[0])
    return used / 1e9


def turns(names, number):
    """The order of a round: each goes first, and before each other, by turns."""
    shift = number // 2 % len(names)
    order = names[shift:] + names[:shift]
    return order[::-1] if number % 2 else order


def in_turns(contestants, rounds, deadline):
    """Run all, in rounds; their figures, and why others have none.

    contestants   name -> a call that returns figures (a dict of numbers)
    deadline      when, by the monotonic clock, only what is short is repeated

    Returns (name -> list of figures, name -> reason).
    """
    figures = {name: [] for name in contestants}
    failed = {}
    most = dict.fromkeys(contestants, rounds)
    last = dict.fromkeys(contestants, 0)
    for number in range(rounds):
        for name in turns(list(contestants), number):
            if name in failed or len(figures[name]) >= most[name]:
                continue
            if last[name] > SHORT and time.monotonic() >= deadline:
                continue
            # What an earlier one has left to be written shall not be its.
            os.sync()
            started = time.monotonic()
            try:
                figures[name].append(contestants[name]())
            except (Failed, AssertionError, OSError, EOFError) as reason:
                failed[name] = str(reason)[:SAID]
                continue
            last[name] = time.monotonic() - started
            print(f"  {name}: {last[name]:.1f} s", flush=True)
            for seconds, runs in SLOW:
                if last[name] > seconds:
                    most[name] = min(most[name], runs)
                    break
    return {name: runs for name, runs in figures.items() if runs}, failed


def median(runs, key):
    """The median of one figure, None where no run has it."""
    known = [run[key] for run in runs if run.get(key) is not None]
    return statistics.median(known) if known else None


def unix(text):
    """Seconds of a time as evpopd's API and views show it."""
    return datetime.datetime.strptime(
        text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(
            tzinfo=datetime.timezone.utc).timestamp()


def percentile(values, percent):
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
