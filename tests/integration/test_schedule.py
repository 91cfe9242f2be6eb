"""Accounts are polled again by themselves."""

import datetime
import unittest

from harness import corpus, daemon, maildropd, procs


class IntervalTest(unittest.TestCase):
    def test_the_next_poll_comes(self):
        with maildropd.MaildropServer(users={"anna": "secret"}) as server:
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", interval="10s")}) as evpopd:
                shown = evpopd.wait_polled()
                server.deliver("anna", corpus.messages(3))
                # Half an interval at least; one and a half at most, but for
                # what a busy machine adds.
                procs.wait_for(
                    lambda: len(evpopd.messages()) == 3,
                    what="a poll by itself")
                first, second = (
                    datetime.datetime.fromisoformat(
                        text.replace("Z", "+00:00")).timestamp()
                    for text in (shown["last_finished"],
                                 evpopd.account("anna")["last_started"]))
                self.assertGreater(second - first, 4.9)
                self.assertLess(second - first, 60)


if __name__ == "__main__":
    unittest.main(verbosity=2)
