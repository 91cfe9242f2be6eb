"""keep = until-delivered: a message leaves its server once all have it."""

import unittest

from harness import corpus, daemon, lmtp, maildropd, procs

DOWN = b"421 4.3.2 shutting down\r\n"
REFUSAL = b"550 5.1.1 no such user\r\n"

# More than this a poll does not delete without being asked, otherwise.
GUARD = 20


class UntilDeliveredTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}, tls=False))
        self.sink = self.enterContext(lmtp.ScriptedLmtp())
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(
                self.server, "anna", keep="until-delivered",
                delete_guard=GUARD, deliver="sink, box",
                deliver_to="anna@example.org")},
            targets={
                "sink": {"type": "lmtp", "host": self.sink.host,
                         "port": self.sink.port, "tls": "none",
                         "retry_min": "1s", "retry_max": "1s"},
                "box": {"type": "maildir", "path": "Mail"}})
        self.addCleanup(self.evpopd.remove)
        self.evpopd.targets["box"]["path"] = self.evpopd.folder / "Mail"

    def wait_outbox(self, target, state, count):
        procs.wait_for(lambda: self.evpopd.rows(
            "SELECT count(*) FROM v_outbox WHERE target = ? AND state = ?",
            target, state) == [(count,)],
            what=f"{count} messages {state} at {target}")

    def wait_left(self, count):
        """Poll until so many are left on the server."""
        def are_left():
            self.evpopd.poll("anna")
            return self.server.count("anna") == count
        procs.wait_for(are_left, what=f"{count} messages on the server")

    def is_sound(self):
        self.evpopd.ctl("check", "--store")
        self.evpopd.halt()

    def test_it_stays_until_the_last_target_has_it(self):
        self.sink.answers[""] = DOWN
        self.server.deliver("anna", corpus.messages(2 * GUARD))
        self.evpopd.start()
        self.wait_outbox("box", "delivered", 2 * GUARD)
        for _ in range(3):
            self.evpopd.poll("anna")
        self.assertEqual(self.server.count("anna"), 2 * GUARD)
        del self.sink.answers[""]
        self.wait_outbox("sink", "delivered", 2 * GUARD)
        # All at once, and nobody is asked.
        self.wait_left(0)
        self.assertEqual(self.evpopd.account("anna")["state"], "waiting")
        self.assertEqual(len(self.evpopd.messages("anna")), 2 * GUARD)
        # What has gone does not come again.
        self.evpopd.restart()
        self.evpopd.wait_polled()
        self.assertEqual(len(self.evpopd.messages("anna")), 2 * GUARD)
        self.is_sound()

    def test_what_is_refused_stays(self):
        self.sink.answers["RCPT"] = [REFUSAL, b"250 2.1.5 Ok\r\n"]
        self.evpopd.targets["sink"]["concurrency"] = 1
        self.server.deliver("anna", corpus.messages(3))
        self.evpopd.start()
        self.wait_outbox("sink", "refused", 1)
        self.wait_outbox("sink", "delivered", 2)
        self.wait_left(1)
        self.evpopd.poll("anna")
        self.assertEqual(self.server.count("anna"), 1)
        self.is_sound()

    def test_once_delivers_and_the_next_deletes(self):
        self.server.deliver("anna", corpus.messages(5))
        self.evpopd.once()
        self.evpopd.once()
        self.assertEqual(self.server.count("anna"), 0)
        self.assertEqual(self.evpopd.rows(
            "SELECT count(*) FROM v_outbox WHERE state = 'delivered'"),
            [(10,)])

    def test_what_was_delivered_before_goes_too(self):
        self.evpopd.accounts["anna"]["keep"] = "forever"
        self.server.deliver("anna", corpus.messages(2 * GUARD))
        self.evpopd.start()
        self.wait_outbox("sink", "delivered", 2 * GUARD)
        self.wait_outbox("box", "delivered", 2 * GUARD)
        self.evpopd.poll("anna")
        self.assertEqual(self.server.count("anna"), 2 * GUARD)
        self.evpopd.change("anna", keep="until-delivered")
        self.wait_left(0)
        self.is_sound()

    def test_unique_ids_that_change_meanwhile(self):
        """The server is another, and shows the same messages."""
        self.sink.answers[""] = DOWN
        mail = corpus.messages(5)
        self.server.deliver("anna", mail)
        self.evpopd.start()
        self.wait_outbox("box", "delivered", 5)
        self.server.restart(uid_prefix="new-")
        self.evpopd.poll("anna")
        self.assertEqual(len(self.evpopd.messages("anna")), 5)
        del self.sink.answers[""]
        self.wait_outbox("sink", "delivered", 5)
        self.wait_left(0)
        self.assertEqual(len(self.evpopd.messages("anna")), 5)
        self.is_sound()


if __name__ == "__main__":
    unittest.main(verbosity=2)
