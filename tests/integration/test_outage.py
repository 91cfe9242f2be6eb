"""A target is down while 10,000 messages come in; then it has them all."""

import pathlib
import time
import unittest

from harness import daemon, lmtp, maildropd, procs

USERS = [f"user{number:02}" for number in range(10)]
ROUNDS, EACH = 10, 100
MESSAGES = len(USERS) * ROUNDS * EACH

# What the writer, the allocator and the log may add; a message kept in memory
# would add as much for a thousand of them.
GROWTH = 12 << 20


def body(user, number):
    """A message of some KiB that knows its place."""
    return (f"From: <{user}@example.org>\r\nSubject: {number}\r\n\r\n".encode()
            + b"x" * 72 + b"\r\n" * 1 + b"some words, again\r\n" * 120)


class OutageTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={user: "secret" for user in USERS}, tls=False))
        self.sink = self.enterContext(lmtp.ScriptedLmtp())
        self.sink.answers[""] = b"421 4.3.2 down for an hour\r\n"
        self.evpopd = daemon.Evpopd(
            {user: daemon.account_of(self.server, user, deliver="sink",
                                     deliver_to="{account}")
             for user in USERS},
            targets={"sink": {"type": "lmtp", "host": self.sink.host,
                              "port": self.sink.port, "tls": "none",
                              "order": "account", "concurrency": "4",
                              "retry_min": "1s", "retry_max": "2s"}})
        self.addCleanup(self.evpopd.remove)

    def memory(self):
        """Octets that the daemon has in memory now."""
        status = pathlib.Path(f"/proc/{self.evpopd.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def collect(self, number):
        """New mail for all, and a poll of each; how long these took."""
        for user in USERS:
            self.server.deliver(user, [body(user, number * EACH + index)
                                       for index in range(EACH)])
        begun = time.monotonic()
        for user in USERS:
            self.evpopd.post(f"/v1/accounts/{user}/poll")
        procs.wait_for(
            lambda: self.evpopd.rows("SELECT count(*) FROM v_message")[0][0]
            == (number + 1) * len(USERS) * EACH, what="the round's messages")
        for user in USERS:
            self.evpopd.wait_rest(user)
        return time.monotonic() - begun

    def subjects(self):
        """What has arrived, by recipient and in that order."""
        found = {user: [] for user in USERS}
        for _, recipient, octets in self.sink.mail:
            header = octets.partition(b"\r\n\r\n")[0]
            found[recipient].append(int(header.rpartition(b"Subject: ")[2]))
        return found

    def test_ten_thousand(self):
        self.evpopd.start()
        took, memory = [], []
        for number in range(ROUNDS):
            took.append(self.collect(number))
            memory.append(self.memory())
        print("s for a round:", " ".join(f"{one:.2f}" for one in took))
        print("MiB:", " ".join(f"{one / (1 << 20):.1f}" for one in memory))
        # Its polls went well, all of them, and nobody else noticed.
        self.assertEqual(
            self.evpopd.rows("SELECT DISTINCT outcome FROM v_poll"), [("ok",)])
        self.assertLess(memory[-1] - memory[1], GROWTH)
        self.assertEqual(self.evpopd.rows(
            "SELECT count(*), sum(attempts) FROM v_outbox "
            "WHERE state = 'waiting'"), [(MESSAGES, 0)])
        self.assertEqual(self.sink.mail, [])
        target, = self.evpopd.get("/v1/targets")["targets"]
        self.assertEqual(target["state"], "down")

        del self.sink.answers[""]
        begun = time.monotonic()
        procs.wait_for(lambda: len(self.sink.mail) >= MESSAGES, timeout=600,
                       what="all messages at the target")
        print(f"delivered in {time.monotonic() - begun:.1f} s, "
              f"{self.memory() / (1 << 20):.1f} MiB")
        self.assertEqual(self.subjects(), {
            user: list(range(ROUNDS * EACH)) for user in USERS})
        self.assertLess(self.memory() - memory[1], GROWTH)
        self.evpopd.halt()
        self.assertEqual(
            self.evpopd.rows("SELECT state, count(*) FROM v_outbox GROUP BY 1"),
            [("delivered", MESSAGES)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
