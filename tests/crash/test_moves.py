"""An account gets another user or host, and the poll dies at every step.

The server counts its unique-ids from 1 in each maildrop.  Whenever the daemon
dies, the next one must find all mail of both maildrops, each once, and delete
nothing that it does not have.
"""

import collections
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import daemon  # noqa: E402
from harness.drops import Drops, bare, mail  # noqa: E402
import stepping  # noqa: E402

# A poll of this mail takes far fewer steps; more would be a loop.
STEPS_AT_MOST = 200


class MovesTest(unittest.TestCase):
    def poll(self, evpopd, account, step=None):
        """One --once, dying at a step if given; whether it died."""
        evpopd.accounts = {"a": account}
        evpopd.write_config()
        evpopd.environment.pop("EVPOP_FAILPOINT", None)
        if step is not None:
            evpopd.environment["EVPOP_FAILPOINT"] = str(step)
        done = evpopd.run("--once")
        self.assertIn(done.returncode, (0, -signal.SIGKILL), done.stderr)
        self.assertTrue(step is not None or done.returncode == 0, done.stderr)
        return done.returncode != 0

    def expect(self, evpopd, *messages):
        digests = collections.Counter(evpopd.rows(
            "SELECT subject, size FROM v_message"))
        expected = collections.Counter(
            (one.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode(),
             len(one)) for one in messages)
        self.assertEqual(digests, expected)

    def each_step(self, case):
        """Until a step is never reached; how often it died."""
        deaths = 0
        for step in stepping.numbers(1, STEPS_AT_MOST):
            with self.subTest(step=step):
                evpopd = daemon.Evpopd()
                try:
                    died = case(evpopd, step)
                finally:
                    evpopd.remove()
            deaths += died
            if not died:
                print(f"{self.id()}: {deaths} deaths", file=sys.stderr)
                return
        self.fail("it always died")

    def account(self, server, user, host="127.0.0.1", **keys):
        return daemon.account_of(server, user, host=host, **keys)

    def another_user(self, keep):
        u = [mail(b"u", 1), bare(b"u", 2), mail(b"u", 3)]
        v = [mail(b"v", 1), bare(b"v-", 2), mail(b"v", 3), mail(b"v", 4)]

        def case(evpopd, step):
            with Drops(u=u, v=v) as server:
                home = self.account(server, "u")
                away = self.account(server, "v", keep=keep)
                self.poll(evpopd, home)
                died = self.poll(evpopd, away, step)
                for _ in range(2):
                    self.poll(evpopd, away)
                    self.expect(evpopd, *u, *v)
                self.assertEqual(server.holds("v"),
                                 [] if keep == "delete" else v)
                died |= self.poll(evpopd, home, step)
                del server.lines[:]
                self.poll(evpopd, home)
                self.expect(evpopd, *u, *v)
                self.assertEqual(server.said("RETR"), 0)
                self.assertEqual(server.holds("u"), u)
                return died

        self.each_step(case)

    def test_another_user(self):
        self.another_user("forever")

    def test_another_user_and_deletions(self):
        self.another_user("delete")

    def test_another_host(self):
        u = [mail(b"u", 1), bare(b"u", 2), mail(b"u", 3)]

        def case(evpopd, step):
            with Drops(u=u) as server:
                away = self.account(server, "u", "localhost", keep="delete")
                self.poll(evpopd, self.account(server, "u"))
                died = self.poll(evpopd, away, step)
                for _ in range(2):
                    self.poll(evpopd, away)
                    self.expect(evpopd, *u)
                self.assertEqual(server.holds("u"), [])
                return died

        self.each_step(case)


if __name__ == "__main__":
    unittest.main(verbosity=2)
