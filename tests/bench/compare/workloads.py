"""Maildrops that evpopd and its rivals fetch, in one run.

Each workload is a function of the plan (Plan) that returns a result: a dict
of name, title, setting, metrics, main (the metric that is compared), figures
(contestant -> list of dicts), failed (contestant -> reason) and notes.
"""

import contextlib
import dataclasses
import random

from harness import corpus, dovecot, maildropd, procs

import limits
import measure
import rivals

SECONDS = ("seconds", "time", "s")
CPU = ("cpu", "processor", "s")
MEMORY = ("memory", "peak memory", "MB")
FETCHING = (SECONDS, CPU, MEMORY)

# Seconds; evpopd's configuration allows no shorter one.
SHORTEST_INTERVAL = 10

_FETCHMAIL = ("fetchmail delivers to a command, which writes a file: what it "
              "starts for each message is in its processor's time.")
_CURL = "curl remembers nothing and is told how many messages there are."


@dataclasses.dataclass
class Plan:
    """How much is measured: rounds, a part of the full sizes, and until when."""

    rounds: int
    part: float
    deadline: float

    def sized(self, count):
        """A count, or as much of it as is measured."""
        return max(1, round(count * self.part))

    def fewer(self, rounds):
        """The same plan with so many rounds at most."""
        return dataclasses.replace(self, rounds=min(rounds, self.rounds))

    def run(self, contestants):
        """Figures of all in turns, and who failed."""
        return measure.in_turns(contestants, self.rounds, self.deadline)


class LoadServer(maildropd.MaildropServer):
    """maildropd without a log of commands, which so much mail would swell.

    hosts are the addresses that it serves the same maildrops on, one port on
    all of them.
    """

    def __init__(self, *, addresses=1, host=maildropd.HOST, **keywords):
        network, _, first = host.rpartition(".")
        self.hosts = [f"{network}.{int(first) + number}"
                      for number in range(addresses)]
        port, = procs.free_ports(1, host)
        super().__init__(host=host, port=port, extra=[
            word for other in self.hosts[1:]
            for word in ("--listen", f"{other}:{port}")], **keywords)

    def command_line(self):
        words = super().command_line()
        at = words.index("--log")
        return words[:at] + words[at + 2:]


def missing(names):
    """Those of some rivals that are not installed: name -> reason."""
    return {name: "not installed" for name in names
            if not rivals.ALL[name].available()}


def compare(plan, server, users, tls, messages, names, bodies, **result):
    """All named rivals and both limits on the same mail."""
    absent = missing(names)
    contestants = {name: rivals.fetching(rivals.ALL[name], server, users, tls,
                                         messages)
                   for name in names if name not in absent}
    contestants[limits.READER] = limits.reading(server, users, tls, messages)
    contestants[limits.SQLITE] = limits.inserting(bodies)
    # The server's caches are as warm for the first as for the last.
    limits.reading(server, users, tls, messages)()
    figures, failed = plan.run(contestants)
    return {"metrics": FETCHING, "main": "seconds", "figures": figures,
            "failed": {**absent, **failed},
            "notes": [_FETCHMAIL, *([_CURL] if "curl" in names else [])],
            **result}


@contextlib.contextmanager
def one_maildrop(bodies):
    """A Dovecot with one maildrop of these messages."""
    with dovecot.Dovecot(users={"anna": "secret"}) as server:
        server.deliver("anna", bodies)
        yield server


def without_dovecot(**result):
    """The result of a workload that needs a Dovecot which is not there."""
    return {"metrics": FETCHING, "main": "seconds", "figures": {},
            "failed": {"Dovecot": "not installed"}, "notes": [], **result}


def on_dovecot(plan, names, bodies, **result):
    """One maildrop on Dovecot, by TLS."""
    if not dovecot.available():
        return without_dovecot(**result)
    with one_maildrop(bodies) as server:
        return compare(plan, server, ["anna"], "implicit", len(bodies), names,
                       [corpus.as_received(body) for body in bodies], **result)


def many_messages(plan):
    """One maildrop of 20,000 messages of 2 KB.

    getmail6, a process for each message, would take a third of the half hour;
    curl is compared on the next maildrop.
    """
    count = plan.sized(20_000)
    bodies = [corpus.message(index, 2000) for index in range(count)]
    octets = sum(map(len, bodies))
    return on_dovecot(
        plan, [rivals.EVPOPD, "mpop", "fetchmail"], bodies,
        name="many-messages", title=f"One maildrop, {count:,} messages of 2 KB",
        setting=f"Dovecot on this machine, TLS, {octets / 1e6:.1f} MB in all, "
                "everything is new and stays on the server.")


def mixed_messages(plan):
    """One maildrop of 2,000 messages, 25 MB in all."""
    count = plan.sized(2000)
    chooser = random.Random(1)
    drawn = [chooser.lognormvariate(0, 1.6) for _ in range(count)]
    each = plan.sized(25_000_000) / sum(drawn)
    # Ordinary mail, that each of them takes: the corpus has worse.
    bodies = [corpus.message(index, max(1000, int(size * each)))
              for index, size in enumerate(drawn)]
    octets = sum(map(len, bodies))
    return on_dovecot(
        plan, [rivals.EVPOPD, "mpop", "fetchmail", "getmail6", "curl"], bodies,
        name="mixed-messages",
        title=f"One maildrop, {count:,} messages, {octets / 1e6:.1f} MB",
        setting="Dovecot on this machine, TLS, sizes as mail has them; "
                "everything is new and stays on the server.")


def many_accounts(plan):
    """200 accounts of 20 messages, 30 ms away.

    getmail6 and curl, which like fetchmail wait for each answer, would take
    five minutes each.
    """
    accounts, each, size = plan.sized(200), 20, 2000
    users = [f"user{number}" for number in range(1, accounts + 1)]
    with LoadServer(synthetic=[("user", "secret", accounts, each, size)],
                    addresses=rivals.SERVERS, delay_ms=30) as server:
        return compare(
            plan, server, users, "none", accounts * each,
            [*rivals.EVPOPDS, "mpop", "fetchmail"],
            limits.random_bodies(accounts * each, size),
            name="many-accounts",
            title=f"{accounts:,} accounts of {each} messages, round trip of "
                  "30 ms",
            setting="The load server on this machine, without TLS; it acts on "
                    "what arrives 30 ms later (connecting itself takes "
                    "nothing). evpopd has 8 sessions with one server at a time "
                    "and 64 in all unless told otherwise. With "
                    f"{rivals.SERVERS} servers, the same accounts are spread "
                    "over as many addresses of this machine; that is not run "
                    "with mpop and fetchmail, which go from one account to "
                    "the next wherever they are.")


ALL = {"many-messages": many_messages, "mixed-messages": mixed_messages,
       "many-accounts": many_accounts}
