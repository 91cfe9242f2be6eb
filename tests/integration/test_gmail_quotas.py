"""Thousands of messages go to Gmail through quotas, 429, 403, 500, 503, cut
connections, answers that are lost, and kill -9: each is there once."""

import collections
import os
import random
import re
import time
import unittest

from harness import daemon, gmail, maildropd, procs

USERS = [f"user{number:02}" for number in range(10)]
MESSAGES = int(os.environ.get("EVPOP_MESSAGES", 1000))
EACH = MESSAGES // len(USERS)
KILLS = min(8, MESSAGES // 500)
KEY = re.compile(rb"(?m)^X-Evpop-Id: ([0-9a-f]{32}\.[0-9]+)\r\n")

# Of a hundred requests, how many end so.
TROUBLES = ([gmail.backend] * 2 + [gmail.unavailable] + [gmail.too_many]
            + [gmail.user_rate] + ["cut", "lost", "late"])


def body(user, number):
    """Some have no Message-ID, some one that cannot be searched for."""
    name = {0: "", 1: f"Message-ID: {user} {number}\r\n"}.get(
        number % 10, f"Message-ID: <{number}.{user}@example.org>\r\n")
    return (f"From: <{user}@example.org>\r\nSubject: {user} {number}\r\n"
            f"Date: Fri, 2 Jan 2026 {number // 3600:02}:"
            f"{number // 60 % 60:02}:{number % 60:02} +0000\r\n{name}\r\n"
            ).encode() + b"some words, again\r\n" * 50


class QuotasTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={user: "secret" for user in USERS}, tls=False, crlf=True))
        self.gmail = self.enterContext(gmail.Gmail())
        self.random = random.Random(17)
        self.evpopd = daemon.Evpopd(
            {user: daemon.account_of(self.server, user, deliver="gmail")
             for user in USERS},
            targets={"gmail": self.gmail.target(
                label="Fetched/{account}", concurrency="8")})
        self.addCleanup(self.evpopd.remove)

    def trouble(self, method, _):
        if self.random.random() >= len(TROUBLES) / 400:
            return None
        chosen = self.random.choice(TROUBLES)
        return chosen if isinstance(chosen, str) else chosen()

    def test_each_is_there_once(self):
        for user in USERS:
            self.server.deliver(
                user, [body(user, number) for number in range(EACH)])
        self.gmail.troubles = self.trouble
        # A tenth of the documented time for the documented units.
        self.gmail.units_a_minute = 150000
        begun = time.monotonic()
        self.evpopd.start()
        for number in range(KILLS):
            wanted = (number + 1) * MESSAGES // (KILLS + 1)
            procs.wait_for(lambda: len(self.gmail.messages) >= wanted,
                           timeout=900, what=f"{wanted} messages at Gmail")
            self.evpopd.kill()
            self.evpopd.start()
        procs.wait_for(
            lambda: self.evpopd.rows("SELECT count(*) FROM v_outbox WHERE "
                                     "state = 'delivered'") == [(MESSAGES,)],
            timeout=900, what="all delivered")
        took = time.monotonic() - begun
        self.evpopd.halt()
        answers = collections.Counter(self.gmail.requests)
        print(f"{took:.0f} s, {KILLS} kills;",
              ", ".join(f"{method} {status or 'cut'}: {count}" for
                        (method, status), count in sorted(answers.items())))
        found = self.gmail.found()
        keys = collections.Counter(KEY.search(one["octets"])[1]
                                   for one in found)
        subjects = collections.Counter(one["header"]["Subject"]
                                       for one in found)
        print(f"lost {MESSAGES - len(subjects)}, "
              f"doubled {sum(keys.values()) - len(keys)}")
        self.assertEqual(len(found), MESSAGES)
        self.assertEqual(len(keys), MESSAGES)
        self.assertEqual(sorted(subjects), sorted(
            f"{user} {number}" for user in USERS for number in range(EACH)))
        for user in USERS:
            self.assertEqual(len(self.gmail.found(f"Fetched/{user}")), EACH)
        # There was what it says there was.
        for method, status in (("import", 500), ("import", 503),
                               ("import", 429), ("import", 403),
                               ("import", 0), ("list", 200), ("get", 200)):
            self.assertGreater(answers[method, status], 0, (method, status))
        self.assertEqual(self.evpopd.rows(
            "SELECT count(*) FROM v_outbox WHERE answer = "
            "'an earlier attempt has imported it'")[0][0] > 0, True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
