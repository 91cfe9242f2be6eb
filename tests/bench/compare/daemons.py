"""How far a daemon carries: accounts, sessions and messages in great numbers.

Each workload is a function of the plan, as in workloads.
"""

import contextlib
import random
import sqlite3
import statistics
import time

from harness import daemon, procs

import limits
import measure
import rivals
import sessions
import workloads

EMPTY_STORE = "evpopd, an empty store"
OLD_STORE = "evpopd, its store from before"
AT_REST = "evpopd, all polled and at rest"
# Octets of memory that one of many takes.
EACH = "each"
ALONE = "libevpop, sessions alone"
# What is asked through the socket; each answer has its own path.
QUESTIONS = {"status": "/v1/status",
             "list, the newest 50": "/v1/messages?limit=50",
             "list, 50 of an account":
             "/v1/messages?account={owner}&limit=50",
             "show": "/v1/messages/{number}",
             "show, raw": "/v1/messages/{number}/raw"}
SQLITE_ROW = "limit: SQLite reading a message's row alone"


def _start(evpopd):
    """Start it: seconds until it answers, and its memory then."""

    def run():
        started = time.monotonic()
        evpopd.start()
        took = time.monotonic() - started
        used = measure.cpu_seconds(evpopd.pid)
        memory = procs.current_rss(evpopd.pid)
        total = evpopd.get("/v1/status")["accounts"]["total"]
        evpopd.halt()
        if total != len(evpopd.accounts):
            raise measure.Failed(f"knows {total} accounts")
        return {"seconds": took, "cpu": used, "memory": memory}

    return run


def _await_first_polls(evpopd):
    """Wait until every account has been polled; to ask costs the daemon."""
    procs.wait_for(lambda: evpopd.get("/v1/status")["polls"]["total"]
                   >= len(evpopd.accounts), measure.PATIENCE,
                   "the first polls", interval=0.5)


def _polled(accounts):
    """The memory of a daemon that has polled all its accounts and rests."""
    evpopd = daemon.Evpopd(accounts, daemon={"max_sessions_per_host": 64})
    try:
        started = time.monotonic()
        evpopd.start()
        _await_first_polls(evpopd)
        return time.monotonic() - started, procs.current_rss(evpopd.pid)
    finally:
        evpopd.remove()


def _at_rest(accounts):
    """A call: what each of many accounts at rest takes of memory.

    It is told from those beyond the first tenth, whose polls have filled what
    caches there are.  An account's own strings are its name and its user's,
    which nobody shares.
    """

    def run():
        few = dict(list(accounts.items())[:len(accounts) // 10])
        _, memory_of_few = _polled(few)
        took, memory = _polled(accounts)
        strings = statistics.fmean(len(name) + len(keys["user"]) + 2
                                   for name, keys in accounts.items())
        return {"polled": took, "memory": memory,
                EACH: (memory - memory_of_few) / (len(accounts) - len(few)) -
                strings}

    return run


def accounts_configured(plan):
    """100,000 accounts configured: until it answers, and its memory."""
    count = plan.sized(100_000)
    with workloads.LoadServer(tls=False, synthetic=[
            ("user", "secret", count, 1, 500)]) as server:
        accounts = {f"user{number}": daemon.account_of(
            server, f"user{number}", interval="1d")
            for number in range(1, count + 1)}

        def fresh():
            evpopd = daemon.Evpopd(accounts)
            try:
                return _start(evpopd)()
            finally:
                evpopd.remove()

        again = daemon.Evpopd(accounts)
        try:
            _start(again)()
            figures, failed = plan.run({
                EMPTY_STORE: fresh, OLD_STORE: _start(again),
                "limit: SQLite inserting the names alone": limits.inserting(
                    [name.encode() for name in accounts])})
        finally:
            again.remove()
        resting, unpolled = plan.fewer(1).run({AT_REST: _at_rest(accounts)})
    return {"name": "accounts", "main": "seconds",
            "metrics": workloads.FETCHING[:2] + (
                ("polled", "until all were polled", "s"),
                ("memory", "memory", "MB"),
                (EACH, "bytes an account", "count")),
            "title": f"{count:,} accounts configured: until it answers",
            "setting": "From the start of the process, the configuration "
                       "written by this program just before included, until "
                       "its control socket answers; the accounts are enabled, "
                       "and polls begin meanwhile.",
            "figures": {**figures, **resting},
            "failed": {**failed, **unpolled},
            "notes": [f"{AT_REST}: 64 sessions at a time. Octets an account: "
                      "its memory then, less that of a daemon with a tenth of "
                      "the accounts, for each of the others, beyond an "
                      "account's own strings, which are its name and its "
                      "user's."]}


def _fleet(server, users, count):
    """A call: evpopd --once with a session for each of so many accounts."""

    def run():
        evpopd = daemon.Evpopd(
            {user: daemon.account_of(server, user) for user in users},
            daemon={"max_sessions": count, "max_sessions_per_host": count})
        try:
            evpopd.write_config()
            server.restart()
            figures = measure.timed(evpopd.command_line("--once"),
                                    fine=(0, 75))
            (stored,), = evpopd.rows("SELECT count(*) FROM v_message")
            (errors,), = evpopd.rows(
                "SELECT count(*) FROM v_poll WHERE outcome != 'ok'")
        finally:
            evpopd.remove()
        return {**figures, "at_once": server.stats()["connections_peak"],
                "errors": errors, "stored": stored}

    return run


def _library(count):
    """A call: what each of so many sessions of the library takes of memory."""

    def run():
        _, beyond = sessions.beyond_buffers(count)
        return {"at_once": count, "errors": 0, EACH: beyond}

    return run


def sessions_at_once(plan):
    """5,000 sessions open at once: errors."""
    count = plan.sized(5000)
    sessions.allow_descriptors(2 * count + 500)
    users = [f"user{number}" for number in range(1, count + 1)]

    # Sessions stay long enough that the last begins before the first ends.
    delay_ms = 500 + count
    with workloads.LoadServer(tls=False, delay_ms=delay_ms, synthetic=[
            ("user", "secret", count, 1, 2000)]) as server:
        # It takes as long as the delay makes it.
        figures, failed = plan.fewer(3).run({
            rivals.EVPOPD: _fleet(server, users, count),
            ALONE: _library(count),
            limits.READER: limits.reading(server, users, "none", count,
                                          at_once=count)})
    return {"name": "sessions", "main": "seconds",
            "metrics": (("at_once", "sessions at once", "count"),
                        ("errors", "errors", "count"),
                        ("stored", "messages stored", "count"),
                        *workloads.FETCHING,
                        (EACH, "bytes a session", "count")),
            "title": f"{count:,} sessions open at once",
            "setting": f"evpopd --once, {count:,} accounts of one message of "
                       "2 KB on the load server on this machine, without TLS; "
                       f"it acts on what arrives {delay_ms} ms later, so that "
                       "all sessions are open together.",
            "figures": figures, "failed": failed,
            "notes": [f"{ALONE}: on one loop and without that delay, each "
                      "logged in and paused within a message. Octets a "
                      "session: resident memory beyond what the pause keeps "
                      "of the message; what it holds of commands, lines and "
                      "answers is counted."]}


def _requests(ask, count):
    """Seconds of so many calls: their median and 99th percentile."""
    times = []
    for number in range(count):
        started = time.monotonic()
        ask(number)
        times.append(time.monotonic() - started)
    return {"median": statistics.median(times),
            "p99": measure.percentile(times, 99)}


def _asking(evpopd, path_of, count):
    """A call of so many requests, all of which must be answered well."""

    def ask(number):
        path = path_of(number)
        status, _, body = evpopd.request("GET", path)
        if status != 200:
            raise measure.Failed(f"{path}: {status} {body[:200]}")

    return lambda: _requests(ask, count)


def _fill(evpopd, accounts, each):
    """Fetch everything that the store is to hold; what that took."""
    evpopd.write_config()
    figures = measure.timed(evpopd.command_line("--once"))
    (stored,), = evpopd.rows("SELECT count(*) FROM v_message")
    if stored != accounts * each:
        raise measure.Failed(f"stored {stored} of {accounts * each}")
    return figures["seconds"]


def stored_messages(plan):
    """1,000,000 stored messages: list, show and status by the socket."""
    accounts, each, size = plan.sized(1000), 1000, 500
    total = accounts * each
    with workloads.LoadServer(tls=False, synthetic=[
            ("user", "secret", accounts, each, size)]) as server:
        evpopd = daemon.Evpopd(
            {f"user{number}": daemon.account_of(server, f"user{number}",
                                                interval="30d")
             for number in range(1, accounts + 1)},
            daemon={"max_sessions_per_host": 64})
        try:
            filled = _fill(evpopd, accounts, each)
            evpopd.start()
            # A start polls everything once; answers are measured at rest.
            _await_first_polls(evpopd)
            figures, failed = plan.run(_questions(evpopd, accounts, total))
            memory = procs.peak_rss(evpopd.pid)
            octets = evpopd.store_file.stat().st_size
            evpopd.halt()
        finally:
            evpopd.remove()
    return {"name": "stored", "main": "p99",
            "metrics": (("median", "median", "ms"),
                        ("p99", "99th percentile", "ms")),
            "title": f"{total:,} stored messages: answers through the socket",
            "setting": f"{accounts:,} accounts of {each:,} messages; one "
                       "client, one kept connection, requests one after the "
                       "other, the client's own time (Python) included.",
            "figures": figures, "failed": failed,
            "notes": [f"Fetching them took {filled:.0f} s, "
                      f"{total / filled:,.0f} a second; the store has "
                      f"{octets / 1e6:,.0f} MB; peak memory of the daemon "
                      f"that answers: {memory / 1e6:.0f} MB."]}


def _questions(evpopd, accounts, total):
    """What is asked, through the socket and of SQLite alone."""
    chooser = random.Random(1)
    numbers = [chooser.randint(1, total) for _ in range(500)]
    owners = [f"user{chooser.randint(1, accounts)}" for _ in numbers]
    questions = {name: _asking(
        evpopd, lambda at, path=path: path.format(owner=owners[at],
                                                  number=numbers[at]),
        len(numbers)) for name, path in QUESTIONS.items()}

    def by_sqlite():
        query = "SELECT * FROM v_message WHERE id = ?"
        connection = sqlite3.connect(f"file:{evpopd.store_file}?mode=ro",
                                     uri=True)
        with contextlib.closing(connection):
            return _requests(lambda number: connection.execute(
                query, (numbers[number],)).fetchall(), len(numbers))

    questions[SQLITE_ROW] = by_sqlite
    return questions


ALL = {"accounts": accounts_configured, "sessions": sessions_at_once,
       "stored": stored_messages}
