"""A daemon that dies at every step of a deletion by age.

The messages are old, one of them is large; the daemon dies at step N, and its
successor ends what was begun: then each message is stored whole or has a
tombstone and nothing else, the counters are right, and a poll fetches nothing.
"""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import corpus, daemon, maildropd, procs  # noqa: E402
import stepping  # noqa: E402

USERS = {"anna": "secret"}

# Of which a deletion has each at least once; the rest are a poll's.
STEPS = {"messages deleted", "removal step done", "space given back"}

# A poll and a deletion take fewer; more would be a loop.
STEPS_AT_MOST = 200


class DeletionTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(
            maildropd.MaildropServer(users=USERS))
        # More pieces than a step removes, and some that are small.
        self.server.deliver("anna", corpus.messages(9, seed=3))
        self.server.deliver("anna", [corpus.message(1, 6_000_000, "mixed")])
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna")},
            store={"retain": "2h"})
        self.addCleanup(self.evpopd.remove)
        self.steps = self.evpopd.folder / "steps"
        self.evpopd.environment["EVPOP_FAILPOINT_LOG"] = self.steps

    def names(self):
        return self.steps.read_text().split("\n") if self.steps.exists() else []

    def let_it_be_old(self):
        """As if all were there again and old, but for what has gone."""
        with self.evpopd.database(write=True) as store:
            store.execute("UPDATE message SET stored_ms = stored_ms - ?",
                          (3 * 3600000,))

    def fill(self):
        """A new store with old mail."""
        for path in self.evpopd.folder.glob("mail.db*"):
            path.unlink()
        self.evpopd.environment.pop("EVPOP_FAILPOINT", None)
        self.evpopd.start()
        self.evpopd.wait_polled()
        procs.wait_for(lambda: self.evpopd.rows(
            "SELECT value FROM meta WHERE key = 'indexed'") == [(10,)],
            what="the index")
        self.evpopd.halt()
        self.let_it_be_old()
        self.steps.unlink(missing_ok=True)

    def is_removed(self):
        return self.evpopd.rows(
            "SELECT (SELECT count(*) FROM message)"
            " + (SELECT count(*) FROM removal)"
            " + (SELECT count(*) FROM unfinished)") == [(0,)]

    def is_over(self):
        """It has died, or all is removed and the file is cut."""
        return self.evpopd.has_ended() or (
            self.is_removed()
            and self.evpopd.store_file.stat().st_size < 4_000_000)

    def die(self, number):
        """Start, and die at a step; whether it came to that."""
        self.evpopd.environment["EVPOP_FAILPOINT"] = str(number)
        self.evpopd.start(wait=False)
        procs.wait_for(self.is_over, what="the step")
        if not self.evpopd.has_ended():
            self.evpopd.halt()
            return False
        self.evpopd.kill()
        return True

    def end(self):
        self.evpopd.environment.pop("EVPOP_FAILPOINT", None)
        self.evpopd.start()
        procs.wait_for(self.is_removed, what="the removal")
        self.evpopd.wait_polled()
        self.assertEqual(self.evpopd.poll("anna")["session"]["fetched"], 0)
        self.evpopd.ctl("check", "--store")
        self.assertEqual(self.evpopd.rows(
            "SELECT count(*), (SELECT messages FROM v_account),"
            " (SELECT bytes FROM v_account),"
            " (SELECT count(*) FROM chunk WHERE id >= 0),"
            " (SELECT count(*) FROM sender), (SELECT count(*) FROM"
            " fulltext_docsize) FROM v_tombstone"), [(10, 0, 0, 0, 0, 0)])
        self.evpopd.halt()

    def check_at_death(self):
        """No row without its bytes, whatever was under way."""
        rows = self.evpopd.rows(
            "SELECT (SELECT count(*) FROM message)"
            " + (SELECT count(*) FROM tombstone),"
            " (SELECT count(*) FROM message) = (SELECT messages FROM account)")
        self.assertEqual(rows, [(10, 1)])

    def test_dies_at_every_step(self):
        met = set()
        for number in stepping.numbers(1, STEPS_AT_MOST):
            with self.subTest(step=number):
                self.fill()
                died = self.die(number)
                met |= set(self.names())
                self.check_at_death()
                self.end()
            if not died:
                break
        self.assertFalse(died, "it never came to its end")
        self.assertLessEqual(STEPS, met)


if __name__ == "__main__":
    unittest.main()
