"""What a real server holds comes into the store octet for octet."""

import collections
import hashlib
import unittest

from harness import corpus, daemon, dovecot, maildropd, procs

USERS = {"anna": "secret"}


def digest(octets):
    """As v_message shows it."""
    return hashlib.blake2b(octets, digest_size=32).hexdigest()


class FetchTest(unittest.TestCase):
    def check(self, evpopd, account, expected):
        """The store has exactly these, by every way to read it."""
        got = evpopd.bodies(account)
        self.assertEqual(set(got), set(expected))
        for unique_id, octets in expected.items():
            self.assertTrue(got[unique_id] == octets, unique_id)
        rows = evpopd.rows("SELECT unique_id, size, digest FROM v_message"
                           " WHERE account = ?", account)
        self.assertEqual(sorted(rows), sorted(
            (unique_id, len(octets), digest(octets))
            for unique_id, octets in expected.items()))
        shown = evpopd.account(account)
        self.assertEqual(shown["stored"]["messages"], len(expected))
        self.assertEqual(shown["stored"]["bytes"],
                         sum(map(len, expected.values())))

    def check_ctl(self, evpopd, messages, expected):
        """evpopctl raw gives the same, to a pipe and to a file."""
        for message in messages:
            octets = expected[message["unique_id"]]
            number = str(message["id"])
            self.assertEqual(evpopd.ctl("raw", number, text=False).stdout,
                             octets)
            file = evpopd.folder / "raw.eml"
            evpopd.ctl("raw", "-o", file, number)
            self.assertEqual(file.read_bytes(), octets)
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            file.unlink()

    @unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
    def test_two_thousand_messages_of_dovecot(self):
        mail = corpus.messages(1998, 18_000_000)
        mail += [corpus.message(1, 5_000_000, "mixed"),
                 corpus.message(2, 2_000_000, "long_lines")]
        with dovecot.Dovecot(users=USERS) as server:
            server.deliver("anna", mail)
            account = daemon.account_of(server, "anna", tls="implicit")
            with daemon.Evpopd({"anna": account}) as evpopd:
                shown = evpopd.wait_polled("anna")
                self.assertEqual(shown["last_outcome"], "ok", shown)
                self.assertEqual(shown["session"]["fetched"], 2000)
                expected = server.messages("anna")
                # The server has kept what it was given, ...
                self.assertEqual(
                    collections.Counter(map(digest, expected.values())),
                    collections.Counter(digest(corpus.as_received(octets))
                                        for octets in mail))
                # ... and so has the store.
                self.check(evpopd, "anna", expected)
                messages = evpopd.messages()
                messages.sort(key=lambda one: one["bytes"])
                self.check_ctl(evpopd, messages[::200] + messages[-1:],
                               expected)
                evpopd.restart()
                self.assertEqual(evpopd.wait_polled()["session"]["fetched"], 0)
                self.check(evpopd, "anna", expected)

    def check_ways(self, server, count):
        expected = server.messages("anna")
        self.assertEqual(len(expected), count)
        for tls in ("stls", "none", "implicit"):
            with self.subTest(tls), daemon.Evpopd(
                    {"anna": daemon.account_of(server, "anna",
                                               tls=tls)}) as evpopd:
                shown = evpopd.wait_polled("anna")
                self.assertEqual(shown["last_outcome"], "ok", shown)
                self.check(evpopd, "anna", expected)

    @unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
    def test_each_kind_of_tls_of_dovecot(self):
        with dovecot.Dovecot(users=USERS) as server:
            server.deliver("anna", corpus.messages(150, 1_500_000, seed=2))
            self.check_ways(server, 150)

    def test_each_kind_of_tls_with_oddities(self):
        odd = [b"", b".", b".\r\n", b"\r\n", b"a\r", b"\0", b"\0\r\n.\0\r\n",
               b"x\ny\n", b"\n.\n", b"..\r\n.\r\n..", b"a" * 300_000,
               b".\r\n" * 50_000, b"\xff\xfe\r\n" * 10, b"a\r\n" * 90_000,
               b"Subject: \xff\r\n\r\n", b"Same\r\n", b"Same\r\n"]
        mail = corpus.messages(100, 1_000_000, seed=3, nul=True) + odd
        for pipelining in (True, False):
            with maildropd.MaildropServer(
                    users=USERS, pipelining=pipelining) as server:
                server.deliver("anna", mail)
                self.check_ways(server, len(mail))

    def test_envelopes(self):
        with maildropd.MaildropServer(users=USERS) as server:
            server.deliver("anna", [
                b"From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\n"
                b"To: anna@example.org, Bob <bob@example.net>\r\n"
                b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n"
                b"Date: Tue, 3 Feb 2026 04:05:06 +0100\r\n"
                b"Message-ID: <1@example.org>\r\n\r\nText\r\n"])
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna")}) as evpopd:
                evpopd.wait_polled()
                message, = evpopd.messages()
                rows = evpopd.rows("SELECT sender, subject, date, message_id,"
                                   " recipients FROM v_message")
                listed = evpopd.ctl("messages").stdout
        self.assertEqual(message["subject"], "Grüße")
        self.assertIn("joerg@example.org", message["sender"])
        self.assertIn("Jörg", message["sender"])
        self.assertIn("bob@example.net", message["recipients"])
        self.assertEqual(message["message_id"].strip("<>"), "1@example.org")
        self.assertEqual(message["date"], "2026-02-03T03:05:06.000Z")
        self.assertEqual(rows, [(
            message["sender"], "Grüße", "2026-02-03T03:05:06.000Z",
            message["message_id"], message["recipients"])])
        self.assertIn("Grüße", listed)


class ManyAccountsTest(unittest.TestCase):
    @unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
    def test_twenty_at_once(self):
        users = {f"user{number}": f"secret{number}" for number in range(20)}
        with dovecot.Dovecot(users=users) as server:
            for number, user in enumerate(users):
                server.deliver(user, corpus.messages(40, 400_000,
                                                     seed=100 + number))
            accounts = {user: daemon.account_of(server, user, tls="implicit")
                        for user in users}
            with daemon.Evpopd(accounts, daemon={
                    "max_sessions_per_host": 20}) as evpopd:
                evpopd.wait_polled()
                threads = self.threads(evpopd.pid)
                started = max(evpopd.account(user)["last_started"]
                              for user in users)
                ended = min(evpopd.account(user)["last_finished"]
                            for user in users)
                self.assertLess(started, ended, "not at the same time")
                for user in users:
                    self.assertEqual(evpopd.bodies(user),
                                     server.messages(user))
            # The loop, the writer, those who read for polls, questions and
            # searches, and who reads messages for the index: not one a session.
            self.assertLessEqual(len(threads), 8, threads)

    def threads(self, pid):
        names = procs.run(["sh", "-c", f"cat /proc/{pid}/task/*/comm"])
        return names.stdout.split()

    def test_sessions_are_limited(self):
        with maildropd.MaildropServer(
                synthetic=[("user", "secret", 12, 3, 1000)],
                hold_after=1) as server:
            accounts = {f"user{number}": daemon.account_of(
                server, f"user{number}") for number in range(1, 13)}
            with daemon.Evpopd(accounts, daemon={
                    "max_sessions_per_host": 3}) as evpopd:
                procs.wait_for(
                    lambda: server.stats()["connections_open"] == 3,
                    what="as many sessions as may be")
                self.assertEqual(evpopd.get("/v1/status")["accounts"], {
                    "total": 12, "polling": 3, "queued": 9, "failing": 0,
                    "refused": 0})
                server.release()
                evpopd.wait_polled()
                self.assertEqual(len(evpopd.messages()), 36)
                stats = server.stats()
            self.assertEqual(stats["connections_peak"], 3)
            self.assertEqual(stats["logins"], 12)


if __name__ == "__main__":
    unittest.main(verbosity=2)
