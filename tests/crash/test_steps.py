"""A poll that dies at every step it takes, and the ones that come after it.

Each case has a maildrop and a store of its own: the daemon dies at step N, its
successor dies at some other step, the third one ends well; then store and
server must agree, and one more poll must find nothing to do.  A build with
EVPOP_FAILPOINTS counts the steps.
"""

import concurrent.futures
import dataclasses
import itertools
import pathlib
import random
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

import agreement  # noqa: E402
from harness import corpus, daemon, dovecot, maildropd  # noqa: E402
import stepping  # noqa: E402

# A poll of this mail takes far fewer steps; more would be a loop.
STEPS_AT_MOST = 400

# More deaths of successors than there are steps would say nothing new.
SECOND_DEATHS = 12

WORKERS = 2

# A server that is not well ever so often is well so often, too.
POLLS_AT_MOST = 300

# Of --once, where some account failed.
SOME_FAILED = 75

# The state of a unique-id whose deletion the server has confirmed.
UID_DELETED = 3

# Of which a poll of this mail has each at least once.
STEPS_ALWAYS = {"body chunk written", "commit begun", "commit done",
                "acknowledgement begun", "acknowledgement done", "QUIT sent",
                "QUIT answered", "poll recorded"}
STEPS_OF_DELETION = {"DELE sent", "DELE answered",
                     "unique-id changes written"}


def mail(nul):
    """Messages of every size and oddity, with equal ones among them."""
    twin = corpus.message(1, 3000, "dots")
    return [twin, b"", twin, corpus.message(2, 5000, "plain_8bit_charset"),
            corpus.message(3, 1_000_000, "mixed"), b"\r\n",
            corpus.message(4, 2000, "plain_ascii"), twin,
            b"Subject: it ends in a dot\r\n\r\n.\r\n..\r\n.",
            *([b"Subject: NUL\r\n\r\n\0a\0\r\n.\0\r\n"] if nul else [])]


def whole(octets):
    """What a server sends ends with a line end."""
    return octets + (b"\r\n" if octets and not octets.endswith(b"\r\n")
                     else b"")


@dataclasses.dataclass
class Case:
    """What became of one step."""

    died: bool
    deaths: int
    steps: set  # their names
    agreement: agreement.Agreement


class Servers:
    """Maildrops for the asking, from two threads at once."""

    def __init__(self, server, nul):
        self.server = server
        self._mail = mail(nul)
        self._lock = threading.Lock()

    def fill(self, user):
        """Fill a maildrop; what is in it then."""
        with self._lock:
            if isinstance(self.server, dovecot.Dovecot):
                self.server.add_user(user, "secret")
            ids = self.server.deliver(user, self._mail)
        if isinstance(self.server, dovecot.Dovecot):
            return self.server.messages(user)
        # One that is not well is not to be asked.
        return {unique_id: whole(octets)
                for unique_id, octets in zip(ids, self._mail, strict=True)}


def run_once(evpopd, number=None):
    """One --once, dying at a step if given; its exit code."""
    evpopd.environment.pop("EVPOP_FAILPOINT", None)
    if number is not None:
        evpopd.environment["EVPOP_FAILPOINT"] = str(number)
    return evpopd.run("--once")


def last_poll(evpopd):
    return evpopd.rows("SELECT outcome, fetched, deleted FROM v_poll"
                       " ORDER BY id DESC LIMIT 1")[0]


class StepsTest(unittest.TestCase):
    # Where the server is not well, a poll may fail: with this it says so.
    fails_with = set()

    def run_to_the_end(self, evpopd):
        """Polls until one goes well."""
        for _ in range(POLLS_AT_MOST):
            done = run_once(evpopd)
            if done.returncode not in self.fails_with:
                break
        self.assertEqual(done.returncode, 0, done.stderr)

    def one(self, servers, user, keys, number, chooser):
        """Die at step `number`, and once more, and compare."""
        expected = servers.fill(user)
        evpopd = daemon.Evpopd({"anna": daemon.account_of(
            servers.server, user, **keys)})
        evpopd.environment["EVPOP_FAILPOINT_LOG"] = evpopd.folder / "steps"
        try:
            evpopd.write_config()
            deaths = [number, chooser.randint(1, SECOND_DEATHS)]
            codes = [run_once(evpopd, step).returncode for step in deaths]
            self.assertLessEqual(
                set(codes), {0, -signal.SIGKILL} | self.fails_with, user)
            killed = codes.count(-signal.SIGKILL)
            self.run_to_the_end(evpopd)
            found = agreement.compare(evpopd.store_file, {"anna": expected})
            left = servers.server.count(user)
            if left != (0 if keys["keep"] == "delete" else len(expected)):
                found.faults.append(f"{left} messages are on the server")
            # One more has nothing to do.
            done = run_once(evpopd)
            self.assertEqual(done.returncode, 0, done.stderr)
            if last_poll(evpopd) != ("ok", 0, 0):
                found.faults.append(f"another poll: {last_poll(evpopd)}")
            found.faults += agreement.compare(
                evpopd.store_file, {"anna": expected}, bodies=False).faults
            steps = (evpopd.folder / "steps").read_text().splitlines()
            found.faults = [f"step {number} ({steps[number - 1]}), then "
                            f"{deaths[1]}: {fault}" for fault in found.faults]
            return Case(codes[0] == -signal.SIGKILL, killed, set(steps),
                        found)
        finally:
            evpopd.remove()

    def check(self, title, server, nul=False, **keys):
        """Every step of a poll, on a server."""
        seed = random.randrange(1 << 32)
        servers = Servers(server, nul)
        total, tried, kills = agreement.Agreement(), 0, 0
        names, numbers = set(), iter(stepping.numbers(1, STEPS_AT_MOST))
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            done = False
            while not done and (
                    some := list(itertools.islice(numbers, 4 * WORKERS))):
                cases = pool.map(
                    lambda number: self.one(
                        servers, f"u{number}", keys, number,
                        random.Random(f"{seed} {number}")), some)
                for case in cases:
                    total += case.agreement
                    names |= case.steps
                    kills += case.deaths
                    tried += 1
                    done = done or not case.died
        agreement.table(f"{title} (seed {seed})", (
            "", "steps", "kills", "messages", "lost", "doubled"), [
                ("keep = " + keys["keep"], tried, kills, total.messages,
                 total.lost, total.doubled)])
        self.assertEqual(total.faults, [])
        self.assertTrue(done, "it always died")
        self.assertEqual(STEPS_ALWAYS - names, set())
        if keys["keep"] == "delete":
            self.assertEqual(STEPS_OF_DELETION - names, set())


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class DovecotTest(StepsTest):
    def run_keep(self, keep):
        with dovecot.Dovecot() as server:
            self.check("A poll of Dovecot that dies at each step", server,
                       keep=keep)

    def test_delete(self):
        self.run_keep("delete")

    def test_forever(self):
        self.run_keep("forever")


class MaildropdTest(StepsTest):
    def check_on_maildropd(self, title, extra=(), **keys):
        with maildropd.MaildropServer(
                users={f"u{number}": "secret" for number in
                       range(1, STEPS_AT_MOST + 20)}, tls=False,
                extra=list(extra)) as server:
            self.check(title, server, nul=True, keep="delete", **keys)

    def test_delete(self):
        self.check_on_maildropd("A poll of maildropd that dies at each step")

    def test_slices(self):
        self.check_on_maildropd("A poll in slices that dies at each step",
                                max_deletes_per_session=3)

    def test_empty_bodies(self):
        """Beside that the server answers with nothing at moments."""
        self.fails_with = {SOME_FAILED}
        self.check_on_maildropd(
            "A poll of a server that is not well dies at each step",
            extra=["--empty-bodies", "5"])

    def test_equal_messages_in_slices(self):
        """As long as nobody dies they are as many as they were."""
        with maildropd.MaildropServer(users={"anna": "secret"},
                                      tls=False) as server:
            expected = Servers(server, True).fill("anna")
            evpopd = daemon.Evpopd({"anna": daemon.account_of(
                server, "anna", keep="delete", max_deletes_per_session=3)})
            self.addCleanup(evpopd.remove)
            evpopd.once()
            found = agreement.compare(evpopd.store_file, {"anna": expected})
            self.assertEqual(found.faults, [])
            self.assertEqual(evpopd.rows(
                "SELECT state, count(*) FROM uid GROUP BY state"),
                [(UID_DELETED, len(expected))])


if __name__ == "__main__":
    unittest.main(verbosity=2)
