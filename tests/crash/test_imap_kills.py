"""evpopd and an IMAP server that die at random while mail is delivered.

Each message is in its folder once afterwards, whoever died and when, and none
is left on the POP3 server.
"""

import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import (cyrus, daemon, dovecot, imap, maildropd,  # noqa: E402
                     procs, unpacked)

MESSAGES = 400
KILLS = 10


def message(number):
    """Each of its own, now and then one that goes alone."""
    size = 300_000 if number % 50 == 7 else 800
    return (b"Subject: number %d\r\nReceived: from a by b; "
            b"Mon, 6 Jan 2025 10:11:%02d +0100\r\n\r\n"
            % (number, number % 60) + b"text\r\n" * (size // 6))


class ImapKillsTest(unittest.TestCase):
    def setUp(self):
        self.chance = random.Random(20250106)
        self.mail = [message(number) for number in range(MESSAGES)]
        self.source = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}, tls=False))
        self.source.deliver("anna", self.mail)

    def start(self, server):
        """An evpopd that delivers there; the test kills it."""
        evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(
                self.source, "anna", deliver="there", interval="10s",
                keep="until-delivered")},
            targets={"there": {
                "type": "imap", "host": server.host,
                "port": server.imap_port, "tls": "none", "user": "berta",
                "password": "secret", "folder": "Of {account}",
                "retry_min": "1s", "retry_max": "1s"}})
        self.addCleanup(evpopd.kill)
        return evpopd

    def check_all_there(self, evpopd, server):
        evpopd.start()
        try:
            procs.wait_for(
                lambda: evpopd.rows(
                    "SELECT state, count(*) FROM v_outbox GROUP BY state")
                == [("delivered", MESSAGES)], what="all deliveries")
        except procs.Timeout as error:
            waiting = evpopd.rows("SELECT * FROM v_outbox WHERE state "
                                  "<> 'delivered' LIMIT 3")
            self.fail(f"{error}: {waiting}\n{evpopd.log()}\n{server.log()}")
        found = imap.messages(server, "berta", "Of anna")
        self.assertEqual(sorted(one.body for one in found),
                         sorted(self.mail))
        self.assertEqual(len({one.key for one in found}), MESSAGES)
        for one in found:
            self.assertEqual(one.flags - {"\\Recent"}, set())
            self.assertRegex(one.date, r"^[ 0]6-Jan-2025 09:11:")
        procs.wait_for(lambda: self.source.left("anna") == 0,
                       what="the deletions")

    def check_kills(self, server):
        evpopd = self.start(server)
        for _ in range(KILLS):
            evpopd.start(wait=False)
            time.sleep(self.chance.uniform(0.05, 0.5))
            evpopd.kill()
        self.check_all_there(evpopd, server)

    @unittest.skipUnless(dovecot.available("imap"), "Dovecot is not installed")
    def test_dovecot(self):
        with dovecot.Dovecot(users={"berta": "secret"}, imap=True) as server:
            self.check_kills(server)

    @unittest.skipUnless(unpacked.available("cyrus") and
                         cyrus.Cyrus.has_imap(), "Cyrus is not there")
    def test_cyrus(self):
        with cyrus.Cyrus(users={"berta": "secret"}) as server:
            self.check_kills(server)

    @unittest.skipUnless(dovecot.available("imap"), "Dovecot is not installed")
    def test_the_server_dies(self):
        with dovecot.Dovecot(users={"berta": "secret"}, imap=True) as server:
            evpopd = self.start(server)
            evpopd.start(wait=False)
            for _ in range(KILLS // 2):
                time.sleep(self.chance.uniform(0.05, 0.5))
                server.halt(abruptly=True)
                server.start()
            evpopd.kill()
            self.check_all_there(evpopd, server)


if __name__ == "__main__":
    unittest.main()
