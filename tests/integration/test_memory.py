"""What the daemon takes of memory, however much mail there is."""

import unittest

from harness import corpus, daemon, dovecot, maildropd, procs

# Of one daemon, whatever it fetches: what it takes with nothing to do, the
# memory_limit of 8 MiB twice (bodies under way, and SQLite), and some: 32 to
# 39 MB on a machine at rest, and 42 MB where threads wait for their turn.  Who
# held the mail instead would take more than this.
MOST = 56_000_000


@unittest.skipIf(daemon.sanitized(), "sanitizers take memory of their own")
class MemoryTest(unittest.TestCase):
    @unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
    def test_two_thousand_messages(self):
        with dovecot.Dovecot(users={"anna": "secret"}) as server:
            server.deliver("anna", corpus.messages(2000, 25_000_000))
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", tls="implicit")}) as evpopd:
                shown = evpopd.wait_polled()
                self.assertEqual(shown["session"]["fetched"], 2000, shown)
                peak = evpopd.peak_rss()
        print(f"peak RSS, 2000 messages: {peak / 1e6:.1f} MB", flush=True)
        self.assertLess(peak, MOST)

    def test_large_messages(self):
        with maildropd.MaildropServer(
                synthetic=[("big", "secret", 1, 3, 40_000_000)]) as server:
            with daemon.Evpopd({"big": daemon.account_of(
                    server, "big1")}) as evpopd:
                shown = evpopd.wait_polled()
                self.assertEqual(shown["session"]["fetched"], 3, shown)
                self.assertGreater(shown["stored"]["bytes"], 60_000_000)
                for message in evpopd.messages():
                    done = procs.run(
                        [evpopd.ctl_program, "-s", evpopd.socket, "raw",
                         str(message["id"])], text=False)
                    self.assertEqual(len(done.stdout), message["bytes"])
                peak = evpopd.peak_rss()
        print(f"peak RSS, large messages: {peak / 1e6:.1f} MB", flush=True)
        self.assertLess(peak, MOST)

    def test_a_thousand_accounts(self):
        """Accounts cost memory for what they are, sessions while they run."""
        accounts = 1000
        with maildropd.MaildropServer(
                synthetic=[("user", "secret", accounts, 2, 3000)]) as server:
            with daemon.Evpopd({f"user{number}": daemon.account_of(
                    server, f"user{number}")
                    for number in range(1, accounts + 1)}, daemon={
                        "max_sessions_per_host": 64}) as evpopd:
                procs.wait_for(lambda: evpopd.get("/v1/status")["polls"][
                    "total"] == accounts, what="a poll of every account")
                self.assertEqual(evpopd.rows(
                    "SELECT count(*), count(DISTINCT account) FROM v_message"),
                    [(2 * accounts, accounts)])
                peak = evpopd.peak_rss()
        print(f"peak RSS, 1000 accounts: {peak / 1e6:.1f} MB", flush=True)
        self.assertLess(peak, MOST)

    def test_polls_leave_nothing(self):
        with maildropd.MaildropServer(
                synthetic=[("user", "secret", 1, 200, 500)]) as server:
            with daemon.Evpopd({"user": daemon.account_of(
                    server, "user1", tls="implicit")}) as evpopd:
                evpopd.wait_polled()

                def poll(times):
                    for _ in range(times):
                        evpopd.poll("user")
                    return procs.current_rss(evpopd.pid)

                before = poll(20)
                grown = poll(60) - before
                print(f"growth in 60 polls: {grown / 1e3:.0f} kB", flush=True)
                self.assertLess(grown, 1_500_000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
