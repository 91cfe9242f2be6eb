"""A daemon that dies at every step while mail waits to be fetched.

It dies at step N of the poll that notes since when the mail is there, and its
successor ends that; another client deletes one message; a week passes, and the
daemon dies at step N of the poll that fetches the rest.  Then each message is
stored once, and the one that was deleted never.
"""

import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

import agreement  # noqa: E402
from harness import corpus, daemon, maildropd, pop3  # noqa: E402

# Two polls of this mail take fewer; more would be a loop.
STEPS_AT_MOST = 200

WAITING = 6  # the state of a unique-id
WEEK_H = 7 * 24
STEPS = {"unique-id changes written", "commit done", "poll recorded"}


class WaitingTest(unittest.TestCase):
    def run_once(self, evpopd, number=None):
        """Whether it died at the step."""
        evpopd.environment.pop("EVPOP_FAILPOINT", None)
        if number is not None:
            evpopd.environment["EVPOP_FAILPOINT"] = str(number)
        done = evpopd.run("--once")
        self.assertIn(done.returncode, {0} if number is None else
                      {0, -signal.SIGKILL}, done.stderr)
        return done.returncode != 0

    def states(self, evpopd):
        return evpopd.rows("SELECT CAST(unique_id AS TEXT), state FROM uid"
                           " ORDER BY 1")

    def one(self, server, user, number):
        """What came of step `number`: which polls died, and an agreement."""
        server.deliver(user, corpus.messages(4, seed=number))
        all_of_it = server.messages(user)
        evpopd = daemon.Evpopd({"anna": daemon.account_of(
            server, user, keep="delete", fetch_after="7d")})
        self.addCleanup(evpopd.remove)
        evpopd.write_config()
        evpopd.environment["EVPOP_FAILPOINT_LOG"] = evpopd.folder / "steps"
        died = [self.run_once(evpopd, number)]
        self.run_once(evpopd)
        self.assertEqual(self.states(evpopd),
                         [(one, WAITING) for one in sorted(all_of_it)])
        self.assertEqual(server.count(user), 4)
        with pop3.connect(server.host, server.port, user, "secret") as phone:
            phone.dele(2)
        expected = server.messages(user)
        evpopd.age(list(all_of_it), WEEK_H)
        died.append(self.run_once(evpopd, number))
        self.run_once(evpopd)
        found = agreement.compare(evpopd.store_file, {"anna": expected})
        if server.count(user) != 0:
            found.faults.append("some are left on the server")
        met = set((evpopd.folder / "steps").read_text().split("\n"))
        evpopd.remove()
        return died, met, found

    def test_dies_at_every_step(self):
        total, met, died = agreement.Agreement(), set(), [True]
        users = {f"u{number}": "secret" for number in range(STEPS_AT_MOST)}
        with maildropd.MaildropServer(users=users, tls=False) as server:
            for number in range(1, STEPS_AT_MOST):
                died, steps, found = self.one(server, f"u{number}", number)
                met |= steps
                total += found
                if not any(died):
                    break
        self.assertFalse(any(died), "it never came to its end")
        self.assertLessEqual(STEPS, met)
        self.assertGreater(number, 10)
        agreement.table("Mail that waits, at each step", (
            "", "steps", "lost", "doubled"), [
                ("fetch_after", number - 1, total.lost, total.doubled)])
        self.assertEqual((total.lost, total.doubled, total.faults),
                         (0, 0, []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
