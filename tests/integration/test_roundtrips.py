"""How many round trips a poll costs, counted by the server.

A round trip is one that the server saw: commands that arrived after all before
them was answered.  Connecting and the TLS handshake are not counted, nor is
the greeting, for which nobody asks.
"""

import sys
import unittest

from harness import daemon, maildropd

USERS = {"anna": "sesame"}


class RoundTripsTest(unittest.TestCase):
    def costs(self, polls, tls="implicit", deliver_at=(), **options):
        """Round trips, commands and sessions of each of so many polls."""
        costs = []
        with maildropd.MaildropServer(users=USERS, **options) as server:
            server.deliver("anna", [b"Subject: %d\r\n\r\nbody\r\n" % number
                                    for number in range(3)])
            account = daemon.account_of(server, "anna", tls=tls)
            with daemon.Evpopd({"anna": account}) as evpopd:
                evpopd.wait_polled()
                before = self.snapshot(server)
                costs.append(before)
                for poll in range(1, polls):
                    if poll in deliver_at:
                        server.deliver("anna", [b"Subject: new\r\n\r\n.\r\n"])
                        before = self.snapshot(server)
                    evpopd.poll("anna")
                    after = self.snapshot(server)
                    costs.append([now - then for now, then
                                  in zip(after, before)])
                    before = after
                self.assertEqual(len(evpopd.bodies()), server.count("anna"))
        return costs

    def snapshot(self, server):
        stats = server.stats()
        return [stats["round_trips"], len(server.commands()),
                stats["connections"]]

    def show(self, what, costs):
        print(f"{what}: round trips of each poll "
              f"{[cost[0] for cost in costs]}", file=sys.stderr)

    def test_whole_session_in_one_flight(self):
        costs = self.costs(6)
        self.show("pipelining, TLS", costs)
        self.assertEqual(costs[-1][0], 1, costs)
        self.assertEqual(costs[-1][2], 1, costs)

    def test_one_flight_after_stls(self):
        costs = self.costs(6, tls="stls")
        self.show("pipelining, STLS", costs)
        # STLS itself is one, and nothing may go out behind it.
        self.assertEqual(costs[-1][0], 2, costs)

    def test_without_pipelining(self):
        costs = self.costs(4, pipelining=False)
        self.show("no pipelining, AUTH with initial response", costs)
        self.assertLessEqual(costs[-1][0], 3, costs)

    def test_mail_in_three_flights(self):
        """QUIT waits for the last message: Dovecot may cut it else."""
        costs = self.costs(6, deliver_at=(3, 4, 5))
        self.show("new mail in each poll", costs)
        self.assertEqual([cost[0] for cost in costs[4:]], [3, 3], costs)
        self.assertEqual([cost[2] for cost in costs[4:]], [1, 1], costs)

    def test_new_mail_after_quiet_polls(self):
        """QUIT was sent too early: a second session fetches it at once."""
        costs = self.costs(7, deliver_at=(5,))
        self.show("new mail in the sixth poll", costs)
        self.assertEqual(costs[5][2], 2, costs)
        # The next one does not count on quiet any more.
        self.assertEqual(costs[6][2], 1, costs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
