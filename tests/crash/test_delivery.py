"""A delivery that dies at every step it takes, to every kind of target.

Each case has a maildrop, a store and a place of its own: the daemon dies at
step N, its successor dies at some other step, the third one ends well.  Then
the place holds what the server had: a Maildir, an mbox and an IMAP folder hold
each message once; servers of LMTP, commands and web services have it at least
once, and each time with the same key.  One more run delivers nothing.  A build
with EVPOP_FAILPOINTS counts the steps.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import http.server
import itertools
import mailbox
import os
import pathlib
import random
import re
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

import agreement  # noqa: E402
from harness import (corpus, daemon, dovecot, gmail, maildropd, pop3,  # noqa: E402
                     procs)
import stepping  # noqa: E402

# A run of this mail takes far fewer steps; more would be a loop.
STEPS_AT_MOST = 300

# More deaths of successors than there are steps would say nothing new.
SECOND_DEATHS = 40

WORKERS = 2

# A run that some delivery has failed in ends so, and the next one goes on.
SOME_FAILED = 75
RUNS_AT_MOST = 10

# What the key of a message looks like.
KEY = re.compile(rb"[0-9a-f]{32}\.[0-9]+")
LINE = re.compile(rb"\AX-Evpop-Id: ([0-9a-f]{32}\.[0-9]+)\r\n")

# Of which each run has all, whatever the target.
STEPS_ALWAYS = {"deliver-carry", "deliver-carried", "deliver-settled"}


def crlf(octets):
    """Lines as they were sent."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", octets)


def mail(number):
    """Small ones, a large one, and one that looks like the end of others."""
    twin = corpus.message(number, 2000, "plain_ascii")
    return [twin, corpus.message(number + 1, 300_000, "mixed"), twin,
            b"Subject: ends\r\n\r\nFrom here\r\n>From there\r\n.\r\n..\r\n"]


@dataclasses.dataclass
class Place:
    """Where the mail of one case goes, and what is there: (key, octets)."""

    user: str
    folder: pathlib.Path

    # Whether a message can be there twice after a crash.
    may_double = False
    # Steps that each delivery takes.
    steps = frozenset()

    def keys(self):
        """The section of the target."""
        raise NotImplementedError

    def found(self):
        """What is there."""
        raise NotImplementedError

    def prepare(self):
        """Before the first run."""

    def pass_time(self, evpopd):
        """Before each run that is to come to its end."""

    def close(self):
        """Nothing more is asked of it."""


class Maildir(Place):
    steps = frozenset({"maildir: file written", "maildir: files durable",
                       "maildir: file named", "maildir: names durable"})

    def keys(self):
        return {"type": "maildir", "path": self.folder / "Maildir"}

    def found(self):
        return [(KEY.search(os.fsencode(path.name))[0],
                 crlf(path.read_bytes()))
                for part in ("new", "cur")
                for path in (self.folder / "Maildir" / part).iterdir()]


class MaildirInUse(Maildir):
    """Whose reader moves what is new to cur, with flags, all the time."""

    def found(self):
        for path in (self.folder / "Maildir" / "new").glob("*"):
            path.rename(self.folder / "Maildir" / "cur"
                        / f"{path.name}:2,S")
        return super().found()


class Mbox(Place):
    steps = frozenset({"mbox: locked", "mbox: message added", "mbox: durable",
                       "mbox: unlocked"})

    def keys(self):
        return {"type": "mbox", "path": self.folder / "inbox"}

    def found(self):
        box = mailbox.mbox(self.folder / "inbox", create=False)
        try:
            found = [crlf(box.get_bytes(key)) for key in box.keys()]
        finally:
            box.close()
        found = [re.sub(rb"(?m)^>(>*From )", rb"\1", one) for one in found]
        return [(LINE.match(one)[1], LINE.sub(b"", one)) for one in found]


class Command(Place):
    may_double = True

    def keys(self):
        return {"type": "pipe", "shell": "yes", "command":
                f"cat >{self.folder}/tmp.$$ && "
                f"mv {self.folder}/tmp.$$ {self.folder}/$EVPOP_ID.$$"}

    def found(self):
        return [(KEY.search(os.fsencode(path.name))[0],
                 LINE.sub(b"", crlf(path.read_bytes())))
                for path in self.folder.glob("*.*.*")
                if not path.name.startswith("tmp")]


class Receiver(http.server.ThreadingHTTPServer):
    """Takes what is posted, by path."""

    daemon_threads = True

    def __init__(self):
        self.taken = collections.defaultdict(list)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802
                if self.headers.get("Transfer-Encoding") == "chunked":
                    octets = b""
                    while size := int(self.rfile.readline(), 16):
                        octets += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    size = int(self.headers["Content-Length"])
                    octets = self.rfile.read(size)
                    if len(octets) < size:
                        return
                receiver.taken[self.path].append(
                    (self.headers["webhook-id"].encode(), octets))
                self.send_response(204)
                self.end_headers()

            def handle(self):
                # Who dies says no goodbye.
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def log_message(self, *words):
                pass

        super().__init__(("127.0.0.1", 0), Handler)


class Web(Place):
    may_double = True
    receiver = None

    def keys(self):
        return {"type": "http", "allow_private": "yes", "url":
                f"http://127.0.0.1:{self.receiver.server_port}/{self.user}"}

    def found(self):
        return [(key, LINE.sub(b"", octets)) for key, octets
                in self.receiver.taken[f"/{self.user}"]]


class Gmail(Place):
    steps = frozenset({"gmail: labelled", "gmail: noted", "gmail: importing",
                       "gmail: piece written", "gmail: answered"})

    def prepare(self):
        self.server = gmail.Gmail()
        self.server.wants_from = False
        self.server.start()

    def keys(self):
        return self.server.target(label="Fetched")

    def pass_time(self, evpopd):
        # What may be under way is not looked for at once, and time is short.
        self.server.wait_idle()
        with evpopd.database(write=True) as store:
            store.execute("UPDATE outbox SET note = 'gmail 1' "
                          "WHERE note LIKE 'gmail %'")
            store.execute("UPDATE outbox SET due_ms = 1 "
                          "WHERE state = 0 AND due_ms > 0")

    def found(self):
        found = []
        for one in self.server.found("Fetched"):
            octets = one["octets"]
            # Where a message has no id, one of ours stands above.
            octets = octets[octets.index(b"X-Evpop-Id: "):]
            found.append((LINE.match(octets)[1], LINE.sub(b"", octets)))
        return found

    def close(self):
        self.server.halt()


class OnDovecot(Place):
    """A user of a Dovecot, who is somebody else than whose mail is fetched."""

    server = None

    @property
    def name(self):
        """Who gets it."""
        return f"to-{self.user}"

    def prepare(self):
        self.server.add_user(self.name, "secret")

    def found(self):
        found = []
        for octets in pop3.messages(self.server.host, self.server.port,
                                    self.name, "secret").values():
            # Dovecot's own lines stand above.
            octets = octets[octets.index(b"X-Evpop-Id: "):]
            found.append((LINE.match(octets)[1], LINE.sub(b"", octets)))
        return found


class Lmtp(OnDovecot):
    may_double = True

    def keys(self):
        return {"type": "lmtp", "deliver_to": self.name,
                "socket": self.server.folder / "run/lmtp"}


class Imap(OnDovecot):
    def keys(self):
        return {"type": "imap", "host": self.server.host, "tls": "none",
                "port": self.server.imap_port, "user": self.name,
                "password": "secret"}


@dataclasses.dataclass
class Case:
    """What became of one step."""

    died: bool
    deaths: int
    steps: list  # their names
    messages: int
    lost: int = 0
    doubled: int = 0
    faults: list = dataclasses.field(default_factory=list)


class DeliveryTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={f"u{number}": "secret" for number in
                   range(STEPS_AT_MOST + 20)}, tls=False))
        self.lock = threading.Lock()

    def fill(self, user, number):
        with self.lock:
            messages = mail(number)
            self.server.deliver(user, messages)
            return messages

    def run_once(self, evpopd, number=None):
        """One --once, dying at a step if given; its exit code."""
        evpopd.environment.pop("EVPOP_FAILPOINT", None)
        if number is not None:
            evpopd.environment["EVPOP_FAILPOINT"] = str(number)
        done = evpopd.run("--once")
        self.assertIn(done.returncode, (0, SOME_FAILED, -signal.SIGKILL),
                      done.stderr)
        return done

    def run_to_the_end(self, evpopd, place):
        for _ in range(RUNS_AT_MOST):
            place.pass_time(evpopd)
            done = self.run_once(evpopd)
            if done.returncode == 0:
                return
        waiting = evpopd.rows("SELECT state, attempts, answer FROM v_outbox")
        self.fail(f"it does not come to its end: {waiting}, {done.stderr}")

    def compare(self, place, expected, case):
        """What is there with what there was."""
        wanted = collections.Counter(expected)
        found = place.found()
        there = collections.Counter(octets for _, octets in found)
        by_key = collections.defaultdict(set)
        for key, octets in found:
            by_key[key].add(octets)
        case.lost = sum((wanted - there).values())
        case.doubled = sum((there - wanted).values())
        case.faults += [f"lost: {octets[:60]!r}"
                        for octets in wanted - there]
        case.faults += [f"not what was sent: {octets[:60]!r}"
                        for octets in there if octets not in wanted]
        if not place.may_double:
            case.faults += [f"doubled: {octets[:60]!r}"
                            for octets in there - wanted]
        # Each message has a key of its own, and each repetition the same.
        if len(by_key) != len(expected):
            case.faults.append(f"{len(by_key)} keys")
        if any(len(bodies) > 1 for bodies in by_key.values()):
            case.faults.append("a key stands for two messages")

    def one(self, kind, number, chooser, **keys):
        """Die at step `number`, and once more, and compare."""
        user = f"u{number}"
        expected = self.fill(user, number)
        with procs.temporary_folder() as folder:
            # Servers that are not us may write there.
            folder.chmod(0o755)
            place = kind(user, folder)
            with self.lock:
                place.prepare()
            evpopd = daemon.Evpopd(
                {"anna": daemon.account_of(self.server, user, **{
                    "keep": "until-delivered", "deliver": "there", **keys})},
                targets={"there": {"retry_min": "1s", **place.keys()}})
            evpopd.environment["EVPOP_FAILPOINT_LOG"] = evpopd.folder / "steps"
            try:
                evpopd.write_config()
                deaths = [number, chooser.randint(1, SECOND_DEATHS)]
                codes = [self.run_once(evpopd, step).returncode
                         for step in deaths]
                # What is delivered is deleted by the poll that follows.
                self.run_to_the_end(evpopd, place)
                self.run_to_the_end(evpopd, place)
                steps = (evpopd.folder / "steps").read_text().splitlines()
                case = Case(codes[0] == -signal.SIGKILL,
                            codes.count(-signal.SIGKILL), steps,
                            len(expected))
                self.compare(place, expected, case)
                left = self.server.count(user)
                if left != 0:
                    case.faults.append(f"{left} are left on the server")
                waiting = evpopd.rows("SELECT state, count(*) FROM v_outbox"
                                      " GROUP BY state")
                if waiting != [("delivered", len(expected))]:
                    case.faults.append(f"the outbox has {waiting}")
                name = steps[number - 1] if number <= len(steps) else "none"
                case.faults = [f"step {number} ({name}), then {deaths[1]}: "
                               f"{fault}" for fault in case.faults]
                return case
            finally:
                evpopd.remove()
                place.close()

    def check(self, title, kind, **keys):
        """Every step of a delivery to a kind of place."""
        seed = random.randrange(1 << 32)
        # The steps before the first delivery are a poll's: test_steps.py.
        first = self.one(kind, 0, random.Random(0), **keys)
        self.assertEqual(first.faults, [])
        begun = max(1, first.steps.index("commit done"))
        self.assertEqual((STEPS_ALWAYS | kind.steps) - set(first.steps),
                         set())
        cases, done = [], False
        numbers = iter(stepping.numbers(begun, STEPS_AT_MOST))
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            while not done and (
                    some := list(itertools.islice(numbers, 4 * WORKERS))):
                cases += pool.map(
                    lambda number: self.one(
                        kind, number, random.Random(f"{seed} {number}"),
                        **keys), some)
                done = not all(case.died for case in cases)
        self.assertTrue(done, "it always died")
        agreement.table(f"{title} (seed {seed})", (
            "steps", "kills", "messages", "lost", "doubled"), [
                (len(cases), sum(case.deaths for case in cases),
                 sum(case.messages for case in cases),
                 sum(case.lost for case in cases),
                 sum(case.doubled for case in cases))])
        self.assertEqual([fault for case in cases for fault in case.faults],
                         [])

    def test_maildir(self):
        self.check("Delivering into a Maildir", Maildir)

    def test_maildir_in_use(self):
        self.check("Delivering into a Maildir that is in use", MaildirInUse)

    def test_mbox(self):
        self.check("Delivering into an mbox", Mbox)

    def test_command(self):
        self.check("Delivering to a command", Command)

    def test_gmail(self):
        self.check("Delivering to Gmail", Gmail)

    def test_web(self):
        with Receiver() as receiver:
            threading.Thread(target=receiver.serve_forever,
                             daemon=True).start()
            try:
                self.check("Delivering to a web service",
                           type("WebHere", (Web,), {"receiver": receiver}))
            finally:
                receiver.shutdown()

    @unittest.skipUnless(dovecot.available("lmtp"), "Dovecot is not installed")
    def test_lmtp(self):
        port, = procs.free_ports(1)
        with dovecot.Dovecot(config=dovecot.lmtp(port)) as server:
            self.check("Delivering to Dovecot by LMTP",
                       type("LmtpHere", (Lmtp,), {"server": server}))

    @unittest.skipUnless(dovecot.available("imap-login"),
                         "Dovecot is not installed")
    def test_imap(self):
        with dovecot.Dovecot(imap=True) as server:
            self.check("Delivering to Dovecot by IMAP",
                       type("ImapHere", (Imap,), {"server": server}))


if __name__ == "__main__":
    unittest.main(verbosity=2)
