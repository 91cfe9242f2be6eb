"""A first --once over a distance, beside a bare reader of as many connections.

Two hundred accounts of one Dovecot, twenty messages of 2 KB each, 30 ms away;
the store is new each time.  The bare readers keep nothing, verify nothing but
the certificate, and send all behind their log-in: one as soon as it is
connected, and one, as POP3 has it, when the server has greeted it.  All take
turns; prints medians, and fails only where mail does: time is for people to
read.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import pathlib
import statistics
import subprocess
import sys
import time

_HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "integration"))
sys.path.insert(1, str(_HERE / "compare"))

from harness import corpus, daemon, dovecot, procs

import limits
import measure

PASSWORD = "s3cret words"

# Seconds for a row of the table; then only what is short is repeated.
PATIENCE = 60

# One process for each session, whichever kind of it.
MORE = """\
default_process_limit = {more}
service pop3 {{
  process_limit = {more}
  client_limit = 1
}}
service anvil {{
  client_limit = {clients}
}}
service auth {{
  client_limit = {clients}
}}
"""

# Who keeps passwords derives a key from one at each log-in by SCRAM, Dovecot
# in one process for all; who keeps what came of it does not.
SERVERS = {
    "plain": ("plain", "plain login", False),
    "scram-sha-256": ("scram-sha-256", "plain scram-sha-256", True),
    "scram-sha-256, passwords kept": ("scram-sha-256", "plain scram-sha-256",
                                      False),
}
ITERATIONS = 4096


class Far:
    """The server as it is seen through the relay."""

    def __init__(self, server, ports):
        self.host, self.ca_file = server.host, server.ca_file
        self.password = server.password
        self.port, self.tls_port = ports


@contextlib.contextmanager
def far(server, milliseconds):
    """The server so many milliseconds there and back away."""
    program = daemon.build_folder() / "tests" / "bench" / "bench_delay"
    with subprocess.Popen(
            [program, str(milliseconds * 1000), str(server.port),
             str(server.tls_port)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
            preexec_fn=procs.die_with_parent()) as relay:
        yield Far(server, [int(relay.stdout.readline()) for _ in range(2)])
        relay.stdin.close()


def verifier(password, salt):
    """What a server keeps for SCRAM-SHA-256, as Dovecot writes it."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    parts = [salt, hashlib.sha256(client).digest(),
             hmac.digest(salted, b"Server Key", "sha256")]
    return "{SCRAM-SHA-256}" + ",".join(
        [str(ITERATIONS), *(base64.b64encode(one).decode() for one in parts)])


@contextlib.contextmanager
def serving(mechanisms, keeps_verifiers, options):
    """A Dovecot that lets all in at once; whose mail both fetch.

    The reader has accounts of its own, whose passwords are kept: it sends one,
    to which a key would have to be derived.
    """
    users = options.accounts
    config = MORE.format(more=4 * users + 100, clients=8 * users + 1000)
    server = dovecot.Dovecot(auth_mechanisms=mechanisms, config=config)
    mail = [corpus.message(number, 2000) for number in range(options.messages)]
    names = {"reader": [], "evpop": []}
    for kind, found in names.items():
        for number in range(users):
            found.append(f"{kind}{number:03}")
            server.add_user(found[-1], PASSWORD)
            server.deliver(found[-1], mail)
    if keeps_verifiers:
        for number, user in enumerate(names["evpop"]):
            kept = verifier(PASSWORD, number.to_bytes(16, "big"))
            server.give(f"users/{user}", f"{user}:{kept}\n".encode())
    with server:
        yield server, names


def once(place, tls, auth, users, messages):
    """A call that polls all by --once into a new store."""

    def run():
        evpopd = daemon.Evpopd({
            user: daemon.account_of(place, user, tls, auth=auth,
                                    allow_cleartext="yes")
            for user in users}, daemon={
                "max_sessions": len(users),
                "max_sessions_per_host": len(users)})
        try:
            evpopd.write_config()
            figures = measure.timed(evpopd.command_line("--once"))
            stored, = evpopd.rows("SELECT count(*) FROM v_message")
        finally:
            evpopd.remove()
        if stored != (messages,):
            raise measure.Failed(f"{stored[0]} of {messages} are stored")
        return figures

    return run


def compare(place, tls, name, names, options):
    """A row: medians of the reader and of --once, and their ratio."""
    messages = options.accounts * options.messages
    calls = {
        "reader": limits.reading(place, names["reader"], tls, messages,
                                 at_once=options.accounts),
        "greeted": limits.reading(place, names["reader"], tls, messages,
                                  at_once=options.accounts,
                                  speaks_first=False),
        "evpop": once(place, tls, SERVERS[name][0], names["evpop"], messages)}
    # Dovecot makes its indexes and its processes.
    for call in calls.values():
        call()
    figures, failed = measure.in_turns(calls, options.rounds,
                                       time.monotonic() + PATIENCE)
    if failed:
        raise measure.Failed(str(failed))
    took = {kind: statistics.median(run["seconds"] for run in runs)
            for kind, runs in figures.items()}
    best = {kind: min(run["seconds"] for run in runs)
            for kind, runs in figures.items()}
    return (f"| {name} | {tls} | {took['reader']:.2f} ({best['reader']:.2f}) "
            f"| {took['greeted']:.2f} ({best['greeted']:.2f}) "
            f"| {took['evpop']:.2f} ({best['evpop']:.2f}) "
            f"| {took['evpop'] / took['reader']:.2f} "
            f"| {took['evpop'] / took['greeted']:.2f} "
            f"| {measure.median(figures['evpop'], 'cpu'):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--messages", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--milliseconds", type=int, default=30)
    parser.add_argument("--only", nargs="*", choices=list(SERVERS),
                        default=list(SERVERS))
    parser.add_argument("--tls", nargs="*", choices=["none", "implicit"],
                        default=["none", "implicit"])
    options = parser.parse_args()
    if not dovecot.available():
        print("Dovecot is not installed.")
        return
    rows = []
    for name in options.only:
        _, mechanisms, keeps_verifiers = SERVERS[name]
        with serving(mechanisms, keeps_verifiers,
                     options) as (server, names), \
                far(server, options.milliseconds) as place:
            for tls in options.tls:
                rows.append(compare(place, tls, name, names, options))
    print("Seconds: median (least).\n\n"
          "| log-in | TLS | reader | that is greeted first | --once "
          "| ratio | to the second | its CPU |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
