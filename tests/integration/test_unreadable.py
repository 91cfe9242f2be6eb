"""Lines of a listing that cannot be read are said, and cost no other mail."""

import unittest

from harness import daemon, scripted

MAIL = [b"Message-ID: <%d>\r\nSubject: %d\r\n\r\nbody\r\n" % (number, number)
        for number in range(1, 5)]
SIZES = b"+OK\r\n" + b"".join(b"%d %d\r\n" % (number, len(one))
                              for number, one in enumerate(MAIL, 1)) + b".\r\n"

# What stands between lines that can be read -> how many of them, and what is
# shown of the first.
UNREADABLE = {
    b"two id-2\r\n": (1, "two id-2"),
    b"-2 id-2\r\n": (1, "-2 id-2"),
    b"0 id-2\r\n": (1, "0 id-2"),
    b"4294967296 id-2\r\n": (1, "4294967296 id-2"),
    b"\r\n": (1, ""),
    b"2 " + b"i" * 256 + b"\r\n": (1, "2 iii"),
    b"id-2\r\n": (1, "id-2"),
    b"2\tid-2 \x1b[31m\r\nx\r\n": (1, "x"),
    b"\x1b]0;title\x07 2\r\n? 3\r\n": (2, "]0;title"),
    b"*\r\n" * 1000: (1000, "*"),
}


class UnreadableTest(unittest.TestCase):
    def serve(self, between):
        """A server whose listing has these octets in its midst."""
        listing = (b"+OK\r\n1 id-1\r\n" + between +
                   b"3 id-3\r\n4 id-4\r\n.\r\n")
        return scripted.ScriptedServer(
            MAIL, {"UIDL": listing, "LIST": SIZES})

    def test_what_is_said(self):
        for between, (count, first) in UNREADABLE.items():
            with self.subTest(between=between[:40]), \
                    self.serve(between) as server:
                evpopd = daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna")})
                self.addCleanup(evpopd.remove)
                done = evpopd.once(code=75)
                (outcome, text), = evpopd.rows(
                    "SELECT outcome, text FROM v_poll")
                self.assertEqual(outcome, "protocol")
                self.assertTrue(text.startswith(f"{count} line"), text)
                self.assertIn("not fetched", text)
                self.assertIn(first, text)
                self.assertNotIn("\x1b", text)
                self.assertIn(text, done.stderr)
                (stored,), = evpopd.rows("SELECT count(*) FROM v_message")
                self.assertGreaterEqual(stored, 3)

    def test_other_mail_is_on_time(self):
        with self.serve(b"what? id-2\r\n") as server, daemon.Evpopd(
                {"anna": daemon.account_of(server, "anna",
                                           interval="1h")}) as evpopd:
            shown = evpopd.wait_polled()
            self.assertEqual(shown["last_outcome"], "protocol")
            self.assertIn("what? id-2", shown["last_text"])
            self.assertEqual(shown["failures"], 0)
            self.assertEqual(shown["session"]["fetched"], 3)
            for words in (("accounts",), ("account", "anna"), ("polls",)):
                self.assertIn("what? id-2", evpopd.ctl(*words).stdout)
            # Once it can be read, the message comes, and all is well.
            del server.answers["UIDL"]
            shown = evpopd.poll("anna")
            self.assertEqual(shown["last_outcome"], "ok")
            self.assertIsNone(shown["last_text"])
            self.assertEqual(sorted(evpopd.bodies().values()),
                             sorted(MAIL))

    def test_nothing_is_deleted_for_it(self):
        with self.serve(b"what? id-2\r\n") as server, daemon.Evpopd(
                {"anna": daemon.account_of(server, "anna",
                                           keep="delete")}) as evpopd:
            evpopd.wait_polled()
            self.assertFalse([line for line in server.lines
                              if line == "DELE 2"])

    def test_a_baseline_is_one(self):
        """Mail that comes later is fetched, though each poll has a remark."""
        with self.serve(b"what? id-2\r\n") as server, daemon.Evpopd(
                {"anna": daemon.account_of(server, "anna",
                                           baseline="yes")}) as evpopd:
            shown = evpopd.wait_polled()
            self.assertEqual(shown["session"]["seen"], 3)
            server.answers["UIDL"] = (b"+OK\r\n1 id-1\r\nwhat? id-2\r\n"
                                      b"3 id-3\r\n4 new\r\n.\r\n")
            shown = evpopd.poll("anna")
            self.assertEqual(shown["last_outcome"], "protocol")
            self.assertEqual(shown["session"]["fetched"], 1)
            self.assertEqual(evpopd.bodies(), {"new": MAIL[3]})

    def test_sizes_are_only_hints(self):
        """A line of LIST that cannot be read keeps no message back."""
        sizes = SIZES.replace(b"2 ", b"two ", 1)
        with scripted.ScriptedServer(MAIL, {"LIST": sizes}) as server, \
                daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", max_message_size="1M")}) as evpopd:
            shown = evpopd.wait_polled()
            self.assertEqual(shown["last_outcome"], "ok", shown)
            self.assertEqual(len(evpopd.bodies()), 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
