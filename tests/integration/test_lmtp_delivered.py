"""Mail on its whole way: from POP3 by evpopd to LMTP."""

import re
import unittest

from harness import (corpus, daemon, dovecot, lmtp, maildropd, procs,
                     scripted)

# Short enough for a test, long enough to be seen.
RETRY = {"retry_min": "200ms", "retry_max": "400ms"}

KEY = re.compile(rb"(?m)^X-Evpop-Id: ([0-9a-f]{32}\.[0-9]+)\r\n")


def states(evpopd):
    """Rows of the outbox, by state."""
    return dict(evpopd.rows(
        "SELECT state, count(*) FROM v_outbox GROUP BY state"))


def wait_delivered(evpopd, count):
    """Until so many are delivered, and nothing else is there."""
    procs.wait_for(lambda: states(evpopd) == {"delivered": count},
                   what=f"{count} deliveries")


def without_key(octets):
    """A message as it was before it was delivered, and its key."""
    found = KEY.search(octets)
    return octets[found.end():], found.group(1)


class RealTest(unittest.TestCase):
    """A Dovecot, from one user to another."""

    @unittest.skipUnless(dovecot.available("lmtp"),
                         "Dovecot is not installed")
    def test_from_dovecot_to_dovecot(self):
        port, = procs.free_ports(1)
        users = {name: "secret" for name in
                 ("anna", "bert", "to-anna", "to-bert")}
        with dovecot.Dovecot(users=users,
                             config=dovecot.lmtp(port)) as server:
            mail = {"anna": corpus.messages(60, 400_000),
                    "bert": corpus.messages(40, 200_000, seed=7)}
            for user, messages in mail.items():
                server.deliver(user, messages)
            target = {"type": "lmtp", "deliver_to": "to-{user}",
                      "socket": server.folder / "run/lmtp"}
            accounts = {user: daemon.account_of(
                server, user, deliver="people", keep="until-delivered")
                for user in mail}
            with daemon.Evpopd(accounts, targets={"people": target}) as evpopd:
                wait_delivered(evpopd, 100)
                places = evpopd.rows("SELECT account, place, count(*) FROM "
                                     "v_outbox GROUP BY account, place")
                self.assertEqual(places, [("anna", "to-anna", 60),
                                          ("bert", "to-bert", 40)])
                for user, messages in mail.items():
                    found = [without_key(octets) for octets in
                             server.messages("to-" + user).values()]
                    self.assertEqual(
                        sorted(octets for octets, _ in found),
                        sorted(map(corpus.as_received, messages)))
                    self.assertEqual(len({key for _, key in found}),
                                     len(messages))
                    # What was delivered is deleted there, soon.
                    procs.wait_for(lambda: server.count(user) == 0,
                                   what="the deletions")


class ScriptedTest(unittest.TestCase):
    """Servers that do as they are told, behind maildrops of maildropd."""

    def setUp(self):
        self.mail = [b"Subject: %d\r\n\r\nmessage %d\r\n" % (number, number)
                     for number in range(20)]
        self.drops = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}))
        self.drops.deliver("anna", self.mail)

    def evpopd(self, server, **keys):
        """A daemon that delivers anna's mail there."""
        return daemon.Evpopd(
            {"anna": daemon.account_of(self.drops, "anna", deliver="people")},
            targets={"people": {
                "type": "lmtp", "host": server.host, "port": server.port,
                "deliver_to": "{user}@example.org", "order": "account",
                **RETRY, **keys}})

    def check_all(self, server, count=20):
        """Each once, and in order."""
        came = [without_key(octets)[0] for _, _, octets in server.mail]
        self.assertEqual(came, self.mail[:count])

    def test_in_order(self):
        with lmtp.ScriptedLmtp() as server, self.evpopd(server) as evpopd:
            wait_delivered(evpopd, 20)
        self.check_all(server)
        self.assertEqual({to for _, to, _ in server.mail},
                         {"anna@example.org"})

    def test_refused_for_now(self):
        """Those behind it wait, and no other attempt is made meanwhile."""
        busy = b"450 4.2.1 busy\r\n"
        with lmtp.ScriptedLmtp({"RCPT": [None, None, busy, busy, None],
                                "DATA": [None, None, b"503 no\r\n",
                                         b"503 no\r\n", None]}) as server, \
                self.evpopd(server) as evpopd:
            wait_delivered(evpopd, 20)
            attempts = evpopd.rows(
                "SELECT attempts, count(*) FROM v_outbox GROUP BY attempts")
        self.check_all(server)
        self.assertEqual(attempts, [(1, 19), (3, 1)])

    def test_refused_for_good(self):
        with lmtp.ScriptedLmtp({".": [None, b"554 5.6.0 no\r\n", None]}
                               ) as server, self.evpopd(server) as evpopd:
            procs.wait_for(lambda: states(evpopd) == {
                "delivered": 19, "refused": 1}, what="the deliveries")
            refused = evpopd.rows(
                "SELECT answer FROM v_outbox WHERE state = 'refused'")
            self.assertEqual(refused, [("554 5.6.0 no",)])
            self.assertIn("554 5.6.0 no",
                          evpopd.ctl("outbox", "--state", "refused").stdout)
            evpopd.ctl("outbox", "retry", "--all", "--state", "refused")
            wait_delivered(evpopd, 20)
        self.assertEqual(len(server.mail), 21)
        self.assertEqual(server.mail[-1], server.mail[1])

    def test_doctor(self):
        """A target is tried without mail, whether it works or not."""
        with lmtp.ScriptedLmtp() as server, self.evpopd(server) as evpopd:
            wait_delivered(evpopd, 20)
            shown = evpopd.ctl("doctor", "people").stdout
            self.assertRegex(shown, f"test LMTP ready at {server.host}:"
                             f"{server.port}, without TLS")
            server.answers = {"": b"421 4.3.2 shutting down\r\n"}
            # The one that is idle does not answer for it.
            done = evpopd.ctl("doctor", "people", code=69)
            self.assertIn("421 4.3.2 shutting down",
                          done.stdout + done.stderr)
        self.assertEqual(len(server.mail), 20)

    def test_no_answer(self):
        """It comes again, with the same key."""
        with lmtp.ScriptedLmtp({".": [None, lmtp.hang_up, None]}) as server, \
                self.evpopd(server) as evpopd:
            wait_delivered(evpopd, 20)
        self.assertEqual(len(server.mail), 21)
        keys = [without_key(octets)[1] for _, _, octets in server.mail]
        self.assertEqual(len(set(keys)), 20)
        self.assertEqual(keys[1], keys[2])

    def test_down(self):
        """Mail is fetched meanwhile, and waits."""
        with lmtp.ScriptedLmtp({"": b"421 4.3.2 shutting down\r\n"}
                               ) as server, self.evpopd(server) as evpopd:
            evpopd.wait_polled()
            self.assertEqual(states(evpopd), {"waiting": 20})
            evpopd.wait_logged(r"is down: 421 4.3.2 shutting down")
            procs.wait_for(lambda: server.connections > 3, what="attempts")
            server.answers = {}
            wait_delivered(evpopd, 20)
            self.check_all(server)

    def test_silence_stops_one_message(self):
        with lmtp.ScriptedLmtp({".": [None, scripted.fall_silent(b""), None]}
                               ) as server, \
                self.evpopd(server, timeout="1s") as evpopd:
            wait_delivered(evpopd, 20)
        self.assertEqual(len(server.mail), 21)

    def test_once(self):
        with lmtp.ScriptedLmtp() as server:
            evpopd = self.evpopd(server)
            try:
                evpopd.once()
            finally:
                evpopd.remove()
            self.check_all(server)


if __name__ == "__main__":
    unittest.main()
