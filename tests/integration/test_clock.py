"""A clock that is wrong when the daemon starts, and is set while it runs."""

import time
import unittest

from harness import corpus, daemon, maildropd, wrong_clock

USERS = {"anna": "secret"}
DAY_S = 86400
COUNT = 5


@unittest.skipIf(daemon.sanitized(), "a sanitizer wants to be loaded first")
class ClockTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        self.server.deliver("anna", corpus.messages(COUNT))

    def clock(self, wrong_s):
        clock = wrong_clock.WrongClock(wrong_s)
        self.addCleanup(clock.remove)
        return clock

    def evpopd(self, clock, **keys):
        keys = {"keep": "14d", **keys}
        evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna", **keys)},
            environment=clock.environment)
        self.addCleanup(evpopd.remove)
        return evpopd

    def stored(self, evpopd):
        """How long ago all of it was stored, at the most and the least."""
        (first, last), = evpopd.rows(
            "SELECT min(stored_ms), max(stored_ms) FROM uid")
        return time.time() - first / 1000, time.time() - last / 1000

    def test_set_while_it_runs(self):
        for wrong_s in (600 - time.time(), -20 * DAY_S, 20 * DAY_S,
                        15 * 365 * DAY_S):
            with self.subTest(wrong_s=wrong_s):
                began = time.time()
                clock = self.clock(wrong_s)
                evpopd = self.evpopd(clock)
                with evpopd:
                    evpopd.wait_polled()
                    clock.set_wrong(0)
                    for _ in range(3):
                        shown = evpopd.poll("anna")
                        self.assertEqual(shown["session"]["deleted"], 0)
                    self.assertEqual(self.server.count("anna"), COUNT)
                    evpopd.wait_logged("the clock was set")
                    most, least = self.stored(evpopd)
                    self.assertLessEqual(most, time.time() - began + 1)
                    self.assertGreaterEqual(least, -1)
                    # What is old in truth is deleted, and only that.
                    evpopd.halt()
                    with evpopd.database(write=True) as store:
                        store.execute(
                            "UPDATE uid SET stored_ms = stored_ms - ?"
                            " WHERE message = 1", (14 * DAY_S * 1000,))
                    evpopd.start()
                    shown = evpopd.wait_polled()
                    self.assertEqual(shown["session"]["deleted"], 1)
                self.server.deliver("anna", corpus.messages(
                    1, seed=int(abs(wrong_s))))

    def test_set_between_two_runs(self):
        clock = self.clock(600 - time.time())
        evpopd = self.evpopd(clock)
        evpopd.once()
        clock.set_wrong(0)
        for _ in range(3):
            evpopd.once()
            self.assertEqual(self.server.count("anna"), COUNT)
        most, least = self.stored(evpopd)
        self.assertLess(most, DAY_S)
        self.assertGreaterEqual(least, -1)

    def test_set_wrong_and_right_again(self):
        clock = self.clock(0)
        with self.evpopd(clock) as evpopd:
            evpopd.wait_polled()
            for wrong_s in (20 * DAY_S, 0, -20 * DAY_S, 0, 20 * DAY_S):
                clock.set_wrong(wrong_s)
                for _ in range(3):
                    evpopd.poll("anna")
                self.assertEqual(self.server.count("anna"), COUNT)

    def test_it_is_said(self):
        clock = self.clock(600 - time.time())
        with self.evpopd(clock) as evpopd:
            evpopd.wait_polled()
            evpopd.wait_logged("clock says 1970-01-01")
            shown = evpopd.get("/v1/status")["clock"]
            self.assertEqual(shown["status"], "behind")
            self.assertIn("nothing is deleted by age", shown["text"])
            self.assertIn("clock says 1970-01-01", evpopd.ctl("status", code=1).stdout)
            clock.set_wrong(0)
            evpopd.poll("anna")
            shown = evpopd.get("/v1/status")["clock"]
            self.assertEqual((shown["status"], shown["times_set"]), ("ok", 1))
            self.assertLess(evpopd.get("/v1/status")["uptime_seconds"], DAY_S)
            self.assertNotIn("clock says", evpopd.ctl("status").stdout)

    def test_polls_go_on_in_time(self):
        """What is due is told by a clock that nobody sets."""
        clock = self.clock(0)
        with self.evpopd(clock, interval="10s", keep="forever") as evpopd:
            for number, wrong_s in enumerate((-365 * DAY_S, 365 * DAY_S)):
                clock.set_wrong(wrong_s)
                self.server.deliver("anna", corpus.messages(
                    1, seed=100 + number))
                evpopd.wait_account("anna", lambda _, number=number: len(
                    evpopd.messages()) == COUNT + 1 + number)


if __name__ == "__main__":
    unittest.main(verbosity=2)
