"""Another process holds the store's file: nothing is lost, nobody waits long.

The other process is this one, with a connection of sqlite3's in the middle of
a transaction.
"""

import contextlib
import signal
import sqlite3
import unittest

from harness import corpus, daemon, maildropd, procs

USERS = {"anna": "secret", "bert": "secret", "carl": "secret"}
HOLDS = ("BEGIN IMMEDIATE", "BEGIN EXCLUSIVE")


@contextlib.contextmanager
def held(evpopd, statement):
    """The store's file, held by another."""
    other = sqlite3.connect(evpopd.store_file, timeout=daemon.PATIENCE,
                            isolation_level=None)
    try:
        other.execute(statement)
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


def stored(evpopd):
    """How many messages the file holds."""
    with contextlib.closing(sqlite3.connect(evpopd.store_file)) as store:
        return store.execute("SELECT count(*) FROM message").fetchone()[0]


class HeldTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        self.evpopd = daemon.Evpopd({
            name: daemon.account_of(self.server, name, keep="delete")
            for name in USERS})
        self.addCleanup(self.evpopd.remove)

    def fill(self, count):
        for name in USERS:
            self.server.deliver(name, corpus.messages(count))

    def poll(self):
        """Ask for polls, which are refused once the store is busy."""
        for name in USERS:
            status, _, body = self.evpopd.request(
                "POST", f"/v1/accounts/{name}/poll")
            self.assertIn(status, (200, 202, 503), body)

    def left(self):
        return sum(len(list(self.server.maildrop_folder(name).glob("*.eml")))
                   for name in USERS)

    def wait_busy(self):
        procs.wait_for(
            lambda: self.evpopd.get("/v1/status")["store"]["status"] == "busy",
            daemon.PATIENCE, "the store's being busy")

    def test_it_goes_on_by_itself(self):
        self.evpopd.start()
        for name in USERS:
            self.evpopd.wait_polled(name)
        for round_, statement in enumerate(HOLDS, 1):
            with held(self.evpopd, statement):
                self.fill(5)
                self.poll()
                self.wait_busy()
                self.assertEqual(
                    self.evpopd.get("/v1/messages?from=nobody")["messages"], [])
                self.evpopd.get("/v1/polls")
                self.assertEqual(self.left(), 15)
            procs.wait_for(lambda: self.left() == 0, daemon.PATIENCE,
                           "the mail's being fetched")
            procs.wait_for(lambda: stored(self.evpopd) == 15 * round_,
                           daemon.PATIENCE, "the mail's being stored")
            # A session ends a moment after its mail is gone.
            for name in USERS:
                self.evpopd.wait_rest(name)
        self.evpopd.halt()

    def test_it_stops_soon(self):
        for number, statement in zip((signal.SIGTERM, signal.SIGINT), HOLDS):
            self.evpopd.start()
            for name in USERS:
                self.evpopd.wait_polled(name)
            before, there = stored(self.evpopd), self.left()
            with held(self.evpopd, statement):
                self.fill(5)
                self.poll()
                self.evpopd.signal(number)
                self.evpopd.ended()
                self.assertEqual(self.left(), there + 15)
            self.assertEqual(stored(self.evpopd), before)
        self.evpopd.start()
        procs.wait_for(lambda: self.left() == 0, daemon.PATIENCE,
                       "the mail's being fetched")
        self.evpopd.halt()
        self.assertEqual(stored(self.evpopd), 30)

    def test_in_the_middle_of_a_session(self):
        with maildropd.MaildropServer(users={"dora": "secret"},
                                      hold_after=4) as server:
            server.deliver("dora", corpus.messages(9))
            self.evpopd.accounts = {"dora": daemon.account_of(
                server, "dora", keep="delete")}
            self.evpopd.start()
            server.wait_held()
            with held(self.evpopd, HOLDS[0]):
                server.release()
                self.wait_busy()
                self.evpopd.signal(signal.SIGTERM)
                self.evpopd.ended()
                before = stored(self.evpopd)
                folder = server.maildrop_folder("dora")
                self.assertGreaterEqual(
                    len(list(folder.glob("*.eml"))), 9 - before)
            self.assertEqual(stored(self.evpopd), before)
            self.evpopd.start()
            procs.wait_for(lambda: not list(folder.glob("*.eml")),
                           daemon.PATIENCE, "the mail's being fetched")
            self.evpopd.halt()
            self.assertEqual(stored(self.evpopd), 9)

    def test_once(self):
        self.fill(5)
        self.evpopd.once()
        self.fill(5)
        with held(self.evpopd, HOLDS[0]):
            self.evpopd.once(code=75)
            self.assertEqual(self.left(), 15)
        self.evpopd.once()
        self.assertEqual(stored(self.evpopd), 30)


if __name__ == "__main__":
    unittest.main()
