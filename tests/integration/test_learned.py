"""What one run learns of a server, the next one knows."""

import unittest

from harness import daemon, maildropd

USERS = {"anna": "sesame"}
MAIL = [b"Message-ID: <%d>\r\n\r\nbody\r\n" % number for number in range(5)]


class LearnedTest(unittest.TestCase):
    def costs(self, server, poll, polls):
        """Round trips of each of so many polls, as the server counts them."""
        costs = []
        for _ in range(polls):
            before = server.stats()["round_trips"]
            poll()
            costs.append(server.stats()["round_trips"] - before)
        return costs

    def running(self, **options):
        with maildropd.MaildropServer(users=USERS, **options) as server:
            server.deliver("anna", MAIL)
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", tls="implicit")}) as evpopd:
                # It begins by itself, and is not counted.
                evpopd.wait_polled()
                return self.costs(server, lambda: evpopd.poll("anna"), 5)

    def once(self, **options):
        with maildropd.MaildropServer(users=USERS, **options) as server:
            server.deliver("anna", MAIL)
            evpopd = daemon.Evpopd({"anna": daemon.account_of(
                server, "anna", tls="implicit")})
            self.addCleanup(evpopd.remove)
            costs = self.costs(server, evpopd.once, 6)
            rows = evpopd.rows("SELECT host, port, tls, facts FROM server")
            self.assertEqual([row[:3] for row in rows],
                             [("localhost", server.tls_port, 0)])
            self.assertNotIn("sesame", rows[0][3])
            (stored,), = evpopd.rows("SELECT count(*) FROM v_message")
            self.assertEqual(stored, len(MAIL))
        return costs

    def test_once_and_daemon(self):
        """--once needs no more round trips than the running daemon."""
        for options in ({}, {"pipelining": False}):
            with self.subTest(options):
                running, once = self.running(**options), self.once(**options)
                print(f"{options}: daemon {running}, --once {once}",
                      flush=True)
                for one, other in zip(once[1:], running):
                    self.assertLessEqual(one, other, (once, running))

    def test_what_is_known_is_not_written_again(self):
        query = "SELECT facts, updated_ms FROM server"
        with maildropd.MaildropServer(users=USERS) as server:
            server.deliver("anna", MAIL)
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", tls="implicit")}) as evpopd:
                evpopd.wait_polled()
                for _ in range(5):
                    evpopd.poll("anna")
                # What is kept back is written at the end.
                evpopd.restart()
                before = evpopd.rows(query)
                self.assertEqual(len(before), 1)
                for _ in range(5):
                    evpopd.poll("anna")
                evpopd.restart()
                self.assertEqual(evpopd.rows(query), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
