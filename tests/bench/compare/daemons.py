"""What a daemon that runs for months is asked: idle polls, scale, answers.

Each workload is a function of the plan, as in workloads.
"""

import contextlib
import datetime
import random
import resource
import sqlite3
import statistics
import time

from harness import daemon, procs

import limits
import measure
import rivals
import workloads

TRIPS = ("round_trips", "round trips", "count")
IDLE = (workloads.SECONDS, ("cpu", "processor", "ms"), TRIPS,
        workloads.MEMORY)
RUNNING = "evpopd, running"
# Polls that go before, for those that learn that there is nothing to come.
LEARNING = 6
# Polls of one run of a daemon, since one alone is too short to be measured.
POLLS = 20


def allow_descriptors(count):
    """Let this process and its children have so many; root may raise it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        hard = count
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _idle_rival(rival, messages, snapshot):
    """A call of one more poll of a rival that has fetched everything."""
    for _ in range(LEARNING):
        rival.run()

    def run():
        before = snapshot()
        figures = rival.run()
        figures["round_trips"] = snapshot() - before
        if rival.stored() != messages:
            raise measure.Failed(f"stores {rival.stored()} of {messages}")
        return figures

    return run


def _took(poll):
    """Seconds of a poll as the API shows it."""
    begun, ended = (datetime.datetime.strptime(poll[key],
                                               "%Y-%m-%dT%H:%M:%S.%fZ")
                    for key in ("started", "finished"))
    return (ended - begun).total_seconds()


def _idle_daemon(evpopd, user, messages, snapshot):
    """A call of POLLS more polls by a daemon that runs: figures of one."""
    for _ in range(LEARNING):
        evpopd.poll(user)

    def run():
        trips, used = snapshot(), measure.cpu_seconds(evpopd.pid)
        for _ in range(POLLS):
            evpopd.poll(user)
        used = measure.cpu_seconds(evpopd.pid) - used
        trips = snapshot() - trips
        polls = evpopd.get(f"/v1/polls?account={user}&limit={POLLS}")["polls"]
        stored = evpopd.get("/v1/status")["store"]["messages"]
        if stored != messages or any(poll["outcome"] != "ok"
                                     for poll in polls):
            raise measure.Failed(f"stores {stored} of {messages}: {polls[0]}")
        return {"seconds": statistics.median(map(_took, polls)),
                "cpu": used / POLLS, "round_trips": trips / POLLS,
                "memory": procs.current_rss(evpopd.pid)}

    return run


def _idle(plan, delay_ms, **result):
    messages = plan.sized(1000)
    user = "user1"
    names = [rivals.EVPOPD, "mpop", "fetchmail", "getmail6"]
    failed = workloads.missing(names)
    contestants = {}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(workloads.LoadServer(
            synthetic=[("user", "secret", 1, messages, 500)], tls=False))

        def snapshot():
            return server.stats()["round_trips"]

        fetched = {name: stack.enter_context(rivals.installed(
            rivals.ALL[name], server, [user], "none"))
            for name in names if name not in failed}
        evpopd = stack.enter_context(daemon.Evpopd(
            {user: daemon.account_of(server, user, interval="1d")}))
        for name, rival in fetched.items():
            try:
                rival.run()
            except measure.Failed as reason:
                failed[name] = str(reason)
        evpopd.wait_polled()
        # Fetching is not what is measured, and took place without the delay.
        server.restart(delay_ms=delay_ms)
        for name, rival in fetched.items():
            if name not in failed:
                contestants[name] = _idle_rival(rival, messages, snapshot)
        contestants[RUNNING] = _idle_daemon(evpopd, user, messages, snapshot)
        contestants[limits.READER] = limits.idling(server, user, snapshot)
        figures, reasons = plan.run(contestants)
    return {"metrics": IDLE, "figures": figures,
            "failed": {**failed, **reasons},
            "setting": f"The load server on this machine, without TLS, one "
                       f"maildrop of {messages:,} messages, all of them known.",
            "notes": [f"{RUNNING}: one of {POLLS} polls that were asked for "
                      "through its socket, the asking included; all others: "
                      "one start of the program. A round trip is one that "
                      "the server saw, connecting and its greeting not "
                      "counted. curl is not among them: it cannot tell what "
                      "is new."], **result}


def idle_near(plan):
    """A poll that finds nothing new: the client's processor time."""
    return _idle(plan, 0, name="idle", main="cpu",
                 title="A poll that finds nothing new: processor time")


def idle_far(plan):
    """A poll that finds nothing new, 30 ms away: round trips."""
    return _idle(plan, 30, name="idle-30ms", main="round_trips",
                 title="A poll that finds nothing new, round trip of 30 ms")


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
                "evpopd, an empty store": fresh,
                "evpopd, its store from before": _start(again),
                "limit: SQLite inserting the names alone": limits.inserting(
                    [name.encode() for name in accounts])})
        finally:
            again.remove()
    return {"name": "accounts", "main": "seconds",
            "metrics": workloads.FETCHING[:2] + (("memory", "memory", "MB"),),
            "title": f"{count:,} accounts configured: until it answers",
            "setting": "From the start of the process, the configuration "
                       "written by this program just before included, until "
                       "its control socket answers; the accounts are enabled, "
                       "and polls begin meanwhile.",
            "figures": figures, "failed": failed, "notes": []}


def sessions_at_once(plan):
    """5,000 sessions open at once: errors."""
    count = plan.sized(5000)
    allow_descriptors(2 * count + 500)
    users = [f"user{number}" for number in range(1, count + 1)]

    # Sessions stay long enough that the last begins before the first ends.
    delay_ms = 500 + count
    with workloads.LoadServer(tls=False, delay_ms=delay_ms, synthetic=[
            ("user", "secret", count, 1, 2000)]) as server:

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
            figures["at_once"] = server.stats()["connections_peak"]
            figures["errors"] = errors
            figures["stored"] = stored
            return figures

        figures, failed = plan.run({
            rivals.EVPOPD: run,
            limits.READER: limits.reading(server, users, "none", count,
                                          at_once=count)})
    return {"name": "sessions", "main": "seconds",
            "metrics": (("at_once", "sessions at once", "count"),
                        ("errors", "errors", "count"),
                        ("stored", "messages stored", "count"),
                        *workloads.FETCHING),
            "title": f"{count:,} sessions open at once",
            "setting": f"evpopd --once, {count:,} accounts of one message of "
                       "2 KB on the load server on this machine, without TLS; "
                       f"it acts on what arrives {delay_ms} ms later, so that "
                       "all sessions are open together.",
            "figures": figures, "failed": failed, "notes": []}


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
            procs.wait_for(lambda: evpopd.get("/v1/status")["polls"]["total"]
                           >= accounts, measure.PATIENCE, "the first polls")
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
    asked = {"status": lambda number: "/v1/status",
             "list, the newest 50": lambda number: "/v1/messages?limit=50",
             "list, 50 of an account": lambda number:
             f"/v1/messages?account={owners[number]}&limit=50",
             "show": lambda number: f"/v1/messages/{numbers[number]}",
             "show, raw": lambda number: f"/v1/messages/{numbers[number]}/raw"}
    questions = {name: _asking(evpopd, path_of, len(numbers))
                 for name, path_of in asked.items()}

    def by_sqlite():
        query = "SELECT * FROM v_message WHERE id = ?"
        connection = sqlite3.connect(f"file:{evpopd.store_file}?mode=ro",
                                     uri=True)
        with contextlib.closing(connection):
            return _requests(lambda number: connection.execute(
                query, (numbers[number],)).fetchall(), len(numbers))

    questions["limit: SQLite reading a message's row alone"] = by_sqlite
    return questions


ALL = {"idle": idle_near, "idle-30ms": idle_far,
       "accounts": accounts_configured, "sessions": sessions_at_once,
       "stored": stored_messages}
