"""Polls that find nothing new: what a daemon does nearly all the time.

Each workload is a function of the plan, as in workloads.
"""

import contextlib
import statistics
import time

from harness import daemon, procs

import limits
import measure
import rivals
import workloads

METRICS = (workloads.SECONDS, ("cpu", "processor", "ms"),
           ("round_trips", "round trips in all", "count"), workloads.MEMORY)
RUNNING = "evpopd, running"
# The server sees commands; connecting and the greeting come before.
BEFORE_COMMANDS = 2
# Polls that go before, for those that learn that there is nothing to come.
LEARNING = 6
# Accounts of the daemon that runs, each polled once in an interval (seconds).
ACCOUNTS = 50
INTERVAL = workloads.SHORTEST_INTERVAL


def _trips(server):
    """A call: the round trips that the server has seen of commands so far."""
    return lambda: server.stats()["round_trips"]


def _whole(figures, trips):
    return {**figures, "round_trips": trips + BEFORE_COMMANDS}


def _rival(rival, messages, snapshot):
    """A call of one more poll of a rival that has fetched everything."""
    for _ in range(LEARNING):
        rival.run()

    def run():
        before = snapshot()
        figures = rival.run()
        if rival.stored() != messages:
            raise measure.Failed(f"stores {rival.stored()} of {messages}")
        return _whole(figures, snapshot() - before)

    return run


def _reader(server, user, snapshot):
    """A call of the least that a poll can be."""
    idling = limits.idling(server, user)

    def run():
        before = snapshot()
        figures = idling()
        return _whole(figures, snapshot() - before)

    return run


def _finished(evpopd):
    """When the last poll of each account ended."""
    return {account["account"]: account["last_finished"]
            for account in evpopd.pages("/v1/accounts", "accounts")
            if account["state"] == "waiting"}


def _await_polls(evpopd):
    """Wait until each account has been polled once more."""
    last = _finished(evpopd)

    def all_polled():
        now = _finished(evpopd)
        return len(now) == len(evpopd.accounts) and all(
            ended != last.get(name) for name, ended in now.items())

    procs.wait_for(all_polled, what="polls of all accounts", interval=0.2)


def _daemon(evpopd, messages, snapshot):
    """A call: an interval of a daemon at rest; figures of one of its polls."""
    for _ in range(LEARNING):
        for name in evpopd.accounts:
            # One that is being polled is polled again.
            with contextlib.suppress(daemon.Refused):
                evpopd.post(f"/v1/accounts/{name}/poll")
        evpopd.wait_polled()
    # From here on they come on schedule, spread over the interval.
    _await_polls(evpopd)

    def run():
        before = evpopd.get("/v1/status")["polls"]["total"]
        trips, used = snapshot(), measure.cpu_seconds(evpopd.pid)
        time.sleep(INTERVAL)
        used = measure.cpu_seconds(evpopd.pid) - used
        trips = snapshot() - trips
        status = evpopd.get("/v1/status")
        count = status["polls"]["total"] - before
        polls = evpopd.get(f"/v1/polls?limit={max(1, count)}")["polls"]
        stored = status["store"]["messages"]
        if (stored != messages * len(evpopd.accounts) or count == 0 or
                any(poll["outcome"] != "ok" for poll in polls)):
            raise measure.Failed(f"stores {stored} messages, {count} polls, "
                                 f"the last: {polls[0]}")
        return _whole({
            "seconds": statistics.median(
                measure.unix(poll["finished"]) -
                measure.unix(poll["started"]) for poll in polls),
            "cpu": used / count, "memory": procs.current_rss(evpopd.pid)},
            trips / count)

    return run


def _fetched(stack, server, user, names):
    """Rivals that have fetched all mail: name -> rival, name -> reason."""
    failed = workloads.missing(names)
    fetched = {}
    for name in names:
        if name in failed:
            continue
        rival = stack.enter_context(rivals.installed(
            rivals.ALL[name], server, [user], "none"))
        try:
            rival.run()
            fetched[name] = rival
        except measure.Failed as reason:
            failed[name] = str(reason)
    return fetched, failed


def _running(stack, server, users):
    """A daemon that has fetched all mail of these users."""
    evpopd = stack.enter_context(daemon.Evpopd(
        {user: daemon.account_of(server, user, interval=f"{INTERVAL}s")
         for user in users}))
    evpopd.wait_polled()
    return evpopd


def _idle(plan, delay_ms, **result):
    messages = plan.sized(1000)
    users = [f"user{number}" for number in range(1, ACCOUNTS + 1)]
    with contextlib.ExitStack() as stack:
        # The daemon's polls come when they come, so it has its own server.
        server, its_own = (stack.enter_context(workloads.LoadServer(
            synthetic=[("user", "secret", ACCOUNTS, messages, 500)],
            tls=False)) for _ in range(2))
        fetched, failed = _fetched(stack, server, users[0], [
            rivals.EVPOPD, "mpop", "fetchmail", "getmail6"])
        evpopd = _running(stack, its_own, users)
        # Fetching is not what is measured, and took place without the delay.
        server.restart(delay_ms=delay_ms)
        its_own.restart(delay_ms=delay_ms)
        contestants = {name: _rival(rival, messages, _trips(server))
                       for name, rival in fetched.items()}
        contestants[RUNNING] = _daemon(evpopd, messages, _trips(its_own))
        contestants[limits.READER] = _reader(server, users[0], _trips(server))
        figures, reasons = plan.run(contestants)
    return {"metrics": METRICS, "figures": figures,
            "failed": {**failed, **reasons},
            "setting": f"The load server on this machine, without TLS, a "
                       f"maildrop of {messages:,} messages, all of them known.",
            "notes": [f"{RUNNING}: one of the polls of a daemon with "
                      f"{ACCOUNTS} such accounts, each polled every "
                      f"{INTERVAL} s on schedule; all that the daemon does in "
                      "that time is counted, the record of each poll in the "
                      "store included. All others: one start of the program. "
                      "Round trips in all: one to connect, one for the "
                      "greeting, and those of commands that the server saw; "
                      "a QUIT that waits for all answers is one of them. "
                      "curl is not among them: it cannot tell what is new."],
            **result}


def idle_near(plan):
    """A poll that finds nothing new: the client's processor time."""
    return _idle(plan, 0, name="idle", main="cpu",
                 title="A poll that finds nothing new: processor time")


def idle_far(plan):
    """A poll that finds nothing new, 30 ms away: round trips."""
    return _idle(plan, 30, name="idle-30ms", main="round_trips",
                 title="A poll that finds nothing new, round trip of 30 ms")


ALL = {"idle": idle_near, "idle-30ms": idle_far}
