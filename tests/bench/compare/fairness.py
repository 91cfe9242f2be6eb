"""Whether an account's polls stay on time beside accounts that trouble it.

Two hundred accounts with the shortest interval, first alone, then beside a
maildrop of a million messages that is fetched for the first time, a server
that sends an octet a second, and one that stalls within a body.
"""

import bisect
import contextlib
import statistics
import time

from harness import daemon, procs

import measure
import workloads

INTERVAL = workloads.SHORTEST_INTERVAL
# Intervals that are watched, at full size.
WATCHED = 5
# Each account has found its moment within the interval after so many seconds:
# half an interval at least lies between two polls.
SETTLING = 1.5 * INTERVAL
# Seconds from one look at the accounts to the next; a moment at which an
# account is due is known half an interval before.
LOOK = 1
# A due time is told in milliseconds of another clock than a poll's.
CLOCKS_DIFFER = 0.5
# Polls that are under way at the end are waited for so many seconds.
OVERTIME = 2 * INTERVAL

ALONE = "evpopd, ordinary accounts alone"
BESIDE = "evpopd, beside the three"
MILLION, SLOW, STALLING = "million1", "slow1", "stalling1"


class Watch:
    """When accounts were due, by /v1/accounts, and when they were polled."""

    def __init__(self, evpopd, names):
        self.evpopd = evpopd
        self.due = {name: [] for name in names}

    def look(self):
        """Note when each account that waits will be due."""
        for account in self.evpopd.pages("/v1/accounts", "accounts"):
            times = self.due.get(account["account"])
            if times is None or account["state"] != "waiting":
                continue
            due = measure.unix(account["next"])
            if not times or due > times[-1] + CLOCKS_DIFFER:
                times.append(due)

    def until(self, end):
        """Look again and again until that moment."""
        while time.time() < end:
            self.look()
            time.sleep(max(0, min(LOOK, end - time.time())))

    def starts(self):
        """When polls of each account began, in order."""
        started = {name: [] for name in self.due}
        for name, moment in self.evpopd.rows(
                "SELECT account, started FROM v_poll ORDER BY started"):
            if name in started:
                started[name].append(measure.unix(moment))
        return started

    def lateness(self, begin, end):
        """Seconds that each poll due in that time was late, None: not begun."""
        started = self.starts()
        late = []
        for name, times in self.due.items():
            for due in times:
                if begin <= due < end:
                    late.append(_late(due, started[name]))
        return late


def _late(due, started):
    at = bisect.bisect_left(started, due - CLOCKS_DIFFER)
    return max(0.0, started[at] - due) if at < len(started) else None


def _watched(evpopd, names, troubles, seconds):
    """Lateness of the ordinary accounts while the others are there."""
    evpopd.wait_polled(*names)
    watch = Watch(evpopd, names)
    watch.until(time.time() + SETTLING)
    begin = time.time()
    end = begin + seconds
    if troubles:
        evpopd.accounts.update(troubles)
        evpopd.write_config()
        evpopd.post("/v1/reload")
    watch.until(end)
    seen = {name: evpopd.account(name) for name in troubles}
    with contextlib.suppress(procs.Timeout):
        procs.wait_for(lambda: None not in watch.lateness(begin, end),
                       OVERTIME, "the last polls", LOOK)
    late = watch.lateness(begin, end)
    # One that has not begun is at least as late as it is now.
    least = time.time() - end
    known = [least if one is None else one for one in late]
    if not known:
        raise measure.Failed("no poll was due")
    return seen, {"median": statistics.median(known),
                  "p99": measure.percentile(known, 99), "most": max(known),
                  "done": len(late) - late.count(None),
                  "expected": len(names) * round(seconds / INTERVAL),
                  "memory": procs.peak_rss(evpopd.pid)}


def _fetched(account):
    """Messages of an account that are in the store."""
    return (account["stored"] or {}).get("messages", 0)


def _told(seen):
    """How it stood with those that trouble the others, at the end."""
    return ("At the end " + "; ".join(
        f"{name} was {account['state']}, {_fetched(account):,} messages "
        f"stored, {account['session']['bytes_in']:,} bytes read in its "
        f"{'session' if account['state'] == 'polling' else 'last session'}"
        + (f" (before: {account['last_text']})" if account["last_text"]
           else "") for name, account in seen.items()) + ".")


@contextlib.contextmanager
def _servers(accounts, messages):
    """The ordinary server, and keys of accounts at the three others."""
    with contextlib.ExitStack() as stack:
        def serve(host, prefix, count, size, number=1, **keywords):
            return stack.enter_context(workloads.LoadServer(
                host=host, tls=False,
                synthetic=[(prefix, "secret", number, count, size)],
                **keywords))

        ordinary = serve("127.0.0.1", "user", 20, 2000, accounts, delay_ms=30)
        others = {
            MILLION: serve("127.0.0.2", "million", messages, 500),
            SLOW: serve("127.0.0.3", "slow", 20, 2000, octets_per_second=1),
            STALLING: serve("127.0.0.4", "stalling", 20, 2000,
                            stall_after=1000)}
        # Each is there for all of the watch; none is polled twice.
        yield ordinary, {name: daemon.account_of(server, name, interval="1h")
                         for name, server in others.items()}


def fairness(plan):
    """Accounts beside one of a million messages, a slow and a stalling one."""
    count, messages = plan.sized(200), plan.sized(1_000_000)
    seconds = plan.sized(WATCHED) * INTERVAL
    names = [f"user{number}" for number in range(1, count + 1)]
    notes = []
    with _servers(count, messages) as (server, troubles):

        def run(beside):
            evpopd = daemon.Evpopd({
                name: daemon.account_of(server, name, interval=f"{INTERVAL}s")
                for name in names})
            try:
                evpopd.start()
                seen, figures = _watched(evpopd, names, beside, seconds)
            finally:
                # Its end would wait for the three.
                evpopd.remove()
            if beside:
                figures["million"] = _fetched(seen[MILLION])
                notes.append(_told(seen))
            return figures

        # A run has many polls in it, and takes long.
        figures, failed = plan.fewer(1).run({
            ALONE: lambda: run({}), BESIDE: lambda: run(troubles)})
    return {"name": "fairness", "main": "p99",
            "metrics": (("median", "late, median", "ms"),
                        ("p99", "late, 99th percentile", "ms"),
                        ("most", "late, at most", "ms"),
                        ("done", "polls", "count"),
                        ("expected", "polls expected", "count"),
                        ("million", "of the million fetched", "count"),
                        ("memory", "peak memory", "MB")),
            "title": f"{count:,} accounts polled every {INTERVAL} s: how late "
                     "polls begin",
            "setting": f"evpopd runs with its defaults; {count:,} accounts of "
                       "20 messages, all known, on the load server, round "
                       f"trip of 30 ms, are watched for {seconds} s. The "
                       "three others are on servers of their own and come by "
                       "a reload as the watch begins: a maildrop of "
                       f"{messages:,} messages of 500 bytes, all new; a "
                       "server that sends a byte a second; one that says "
                       "nothing more after 1,000 bytes of a message.",
            "figures": figures, "failed": failed,
            "notes": ["Late is a poll's beginning (v_poll.started) after the "
                      "time at which it was due, which /v1/accounts told "
                      "before (next, of an account that waits), asked once a "
                      "second in both runs. Expected is one poll of each "
                      "account in each interval. One that had not begun at "
                      "the end counts as late as it was then.", *notes]}


ALL = {"fairness": fairness}
