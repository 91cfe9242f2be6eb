"""What is asked of evpopd, and what a run has seen of it.

Every figure is computed from the results of the workloads.  A row is a dict of
work, against, asked and seen (for people), and reached: True, False, or None
where it was not measured.
"""

import dataclasses
import typing

import daemons
import fairness
import idle
import limits
import measure
import rivals

SAID = {True: "reached", False: "not reached", None: "not measured"}


class Missing(Exception):
    """A figure that the run does not have."""


class Figures:
    """The medians of a run."""

    def __init__(self, results):
        self._results = {result["name"]: result["figures"]
                         for result in results}

    def median(self, workload, contestant, metric):
        """A median; Missing where it was not measured."""
        runs = self._results.get(workload, {}).get(contestant, [])
        value = measure.median(runs, metric)
        if value is None:
            raise Missing(f"{workload}: {contestant}: {metric}")
        return value

    def ratio(self, workload, theirs, ours, metric="seconds"):
        """How many times ours theirs is."""
        return (self.median(workload, theirs, metric) /
                self.median(workload, ours, metric))


@dataclasses.dataclass(frozen=True)
class Row:
    """One thing asked; see takes Figures and gives (seen, reached)."""

    work: str
    against: str
    asked: str
    see: typing.Callable


def _times(workload, theirs, ours, least, metric="seconds", word="faster"):
    """(asked, see): ours is to be so many times better."""

    def see(figures):
        ratio = figures.ratio(workload, theirs, ours, metric)
        return f"{ratio:.1f} times", ratio >= least

    return f"{least} times {word}", see


def _of_speed(workload, limit, ours, least):
    """(asked, see): ours is to have that part of a limit's speed."""

    def see(figures):
        part = figures.ratio(workload, limit, ours)
        return f"{part:.2f} of its speed", part >= least

    return f"{least} of its speed", see


def _round_trips(figures):
    ours, mpop = (figures.median("idle-30ms", name, "round_trips")
                  for name in (idle.RUNNING, "mpop"))
    return f"{ours:g} (mpop: {mpop:g}, its QUIT among them)", ours <= 3


def _start(figures):
    kinds = daemons.EMPTY_STORE, daemons.OLD_STORE
    seconds, memory = (max(figures.median("accounts", kind, metric)
                           for kind in kinds)
                       for metric in ("seconds", "memory"))
    return (f"{seconds:.1f} s, {memory / 1e6:.0f} MB",
            seconds <= 3 and memory <= 150e6)


def _octets(workload, contestant, below):
    """(asked, see): one of many takes less than so many octets."""

    def see(figures):
        octets = figures.median(workload, contestant, daemons.EACH)
        return f"{octets:,.0f} bytes", octets < below

    return f"less than {below:,} bytes", see


def _sessions(figures):
    at_once, errors, stored = (
        figures.median("sessions", rivals.EVPOPD, metric)
        for metric in ("at_once", "errors", "stored"))
    return (f"{errors:g} errors, {at_once:,.0f} at once",
            errors == 0 and at_once >= stored > 0)


def _answers(figures):
    worst, name = max((figures.median("stored", name, "p99"), name)
                      for name in daemons.QUESTIONS)
    return f"{worst * 1000:.1f} ms ({name})", worst <= 0.050


def _on_time(figures):
    alone, late = (figures.median("fairness", name, "p99")
                   for name in (fairness.ALONE, fairness.BESIDE))
    done, expected = (figures.median("fairness", fairness.BESIDE, metric)
                      for metric in ("done", "expected"))
    return (f"{late * 1000:.0f} ms (alone: {alone * 1000:.0f} ms), "
            f"{done:,.0f} of {expected:,.0f} polls",
            late < 1 and done >= expected)


def _variant(ours):
    """What a row calls a way to run evpopd."""
    return "evpopd, 8 to a server" if ours == rivals.EVPOPD else ours


_MANY = "one maildrop, 20,000 messages of 2 KB, Dovecot, no delay"
_ACCOUNTS = "200 accounts of 20 messages, 30 ms round trip"

ROWS = (
    Row(_MANY, "mpop to a Maildir",
        *_times("many-messages", "mpop", rivals.EVPOPD, 8)),
    Row(_MANY, "a pipelined reader that stores nothing",
        *_of_speed("many-messages", limits.READER, rivals.EVPOPD, 0.7)),
    Row("one maildrop, 2,000 messages, 25 MB", "fetchmail to a command",
        *_times("mixed-messages", "fetchmail", rivals.EVPOPD, 40)),
    *(Row(f"{_ACCOUNTS}; {_variant(ours)}", theirs,
          *_times("many-accounts", program, ours, least))
      for theirs, program, least in (("mpop -a", "mpop", 60),
                                     ("fetchmail", "fetchmail", 250))
      for ours in rivals.EVPOPDS),
    Row("idle poll, processor time of the client; evpopd running", "mpop",
        *_times("idle", "mpop", idle.RUNNING, 8, "cpu", "less")),
    Row("idle poll, 30 ms; evpopd running",
        "round trips in all, connect to last needed reply", "3",
        _round_trips),
    Row("100,000 accounts configured", "start-up and memory", "3 s, 150 MB",
        _start),
    Row("one of them at rest", "memory beyond its own strings",
        *_octets("accounts", daemons.AT_REST, 600)),
    Row("5,000 sessions open at once, load server", "errors", "none",
        _sessions),
    Row("a live plain session", "memory beyond its buffers",
        *_octets("sessions", daemons.ALONE, 12_000)),
    Row("1,000,000 stored messages",
        "list, show and status through the socket, 99th percentile", "50 ms",
        _answers),
    Row("200 accounts beside one of 1,000,000 messages, a server that sends "
        "a byte a second and one that stalls",
        "how late polls begin, 99th percentile", "1 s, none left out",
        _on_time),
)


def rows(results, part):
    """All rows of what is asked.

    part is how much of the full sizes was measured: less than all of them
    says nothing of what is asked, and reached is None.
    """
    figures = Figures(results)
    seen = []
    for row in ROWS:
        try:
            said, reached = row.see(figures)
        except Missing:
            said, reached = "", None
        if said and part != 1:
            said, reached = f"{said}; at {part:g} of the size", None
        seen.append({"work": row.work, "against": row.against,
                     "asked": row.asked, "seen": said, "reached": reached})
    return seen


def table(shown):
    """Rows as a table in Markdown."""
    lines = [("work", "against", "asked", "seen", ""), ("---",) * 5]
    lines += [(row["work"], row["against"], row["asked"], row["seen"],
               SAID[row["reached"]]) for row in shown]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
