"""Accounts are polled again by themselves."""

import datetime
import unittest

from harness import corpus, daemon, maildropd, procs


def seconds(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


class IntervalTest(unittest.TestCase):
    def test_the_next_poll_comes(self):
        with maildropd.MaildropServer(users={"anna": "secret"}) as server:
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", interval="10s")}) as evpopd:
                shown = evpopd.wait_polled()
                server.deliver("anna", corpus.messages(3))
                # Half an interval at least; how much more, a busy machine
                # has a say in.
                procs.wait_for(
                    lambda: len(evpopd.messages()) == 3,
                    what="a poll by itself")
                first = seconds(shown["last_finished"])
                second = seconds(evpopd.account("anna")["last_started"])
                self.assertGreater(second - first, 4.9)


class RateTest(unittest.TestCase):
    def test_log_ins_are_spaced(self):
        names = ["anna", "bert", "carl", "dora"]
        with maildropd.MaildropServer(
                users=dict.fromkeys(names, "secret")) as server:
            with daemon.Evpopd(
                    {name: daemon.account_of(server, name)
                     for name in names},
                    daemon={"max_logins_per_host": 2}) as evpopd:
                evpopd.wait_polled(*names)
                starts = sorted(
                    seconds(evpopd.account(name)["last_started"])
                    for name in names)
                # Half a second each, of which a busy machine may take some
                # between a log-in's turn and its beginning.
                for one, following in zip(starts, starts[1:]):
                    self.assertGreater(following - one, 0.25)


class AdaptiveTest(unittest.TestCase):
    def test_the_interval_follows_the_mail(self):
        with maildropd.MaildropServer(users={"anna": "secret"}) as server:
            server.deliver("anna", corpus.messages(1))
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", interval="1h", interval_min="40m",
                    interval_max="70m")}) as evpopd:
                evpopd.wait_polled()
                # Half an hour would be too short, ninety minutes too long.
                for expected in (2400, 3600, 4200, 4200):
                    self.assertEqual(
                        evpopd.account("anna")["interval_seconds"], expected)
                    evpopd.poll("anna")


if __name__ == "__main__":
    unittest.main(verbosity=2)
