"""Mail is fetched once, and deleted exactly when the policy says so."""

import datetime
import re
import unittest

from harness import corpus, daemon, dovecot, maildropd, procs

USERS = {"anna": "secret"}


def retrieved(server, sessions):
    """How many messages Dovecot has given away in so many ended sessions."""
    def ended():
        # Of each it logs the end, a little after the client has seen it.
        found = re.findall(r"retr=(\d+)/", server.log())
        return found if len(found) >= sessions else None

    return sum(map(int, procs.wait_for(ended, what="the end in the log")))


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class DovecotTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(dovecot.Dovecot(users=USERS))

    def account(self, **keys):
        return {"anna": daemon.account_of(self.server, "anna", **keys)}

    def test_only_new_mail_is_fetched(self):
        self.server.deliver("anna", corpus.messages(60, seed=1))
        with daemon.Evpopd(self.account()) as evpopd:
            evpopd.wait_polled()
            self.assertEqual(retrieved(self.server, 1), 60)
            self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 0)
            self.server.deliver("anna", corpus.messages(15, seed=2))
            shown = evpopd.poll("anna")
            self.assertEqual(shown["session"]["messages"], 75)
            self.assertEqual(shown["session"]["fetched"], 15)
            self.assertEqual(retrieved(self.server, 3), 75)
            evpopd.restart()
            evpopd.wait_polled()
            self.assertEqual(retrieved(self.server, 4), 75)
            self.assertEqual([one["fetched"] for one in evpopd.get(
                "/v1/polls?account=anna")["polls"]], [0, 15, 0, 60])
            self.assertEqual(evpopd.bodies(), self.server.messages("anna"))

    def test_keep_forever_touches_nothing(self):
        self.server.deliver("anna", corpus.messages(30))
        before = self.server.messages("anna")
        with daemon.Evpopd(self.account(keep="forever")) as evpopd:
            evpopd.wait_polled()
            evpopd.poll("anna")
            self.assertEqual(evpopd.bodies(), before)
        self.assertEqual(self.server.messages("anna"), before)
        self.assertEqual(retrieved(self.server, 4), 30 * 3)
        self.assertNotRegex(self.server.log(), r"del=[1-9]")

    def test_delete_empties_the_maildrop(self):
        self.server.deliver("anna", corpus.messages(80, seed=5))
        before = self.server.messages("anna")
        with daemon.Evpopd(self.account(keep="delete")) as evpopd:
            shown = evpopd.wait_polled()
            self.assertEqual(shown["session"]["deleted"], 80)
            self.assertEqual(self.server.count("anna"), 0)
            self.assertEqual(evpopd.bodies(), before)
            more = corpus.messages(5, seed=6)
            self.server.deliver("anna", more)
            shown = evpopd.poll("anna")
            self.assertEqual(shown["session"]["fetched"], 5)
            self.assertEqual(self.server.count("anna"), 0)
            self.assertEqual(len(evpopd.messages()), 85)

    def test_keep_for_a_while(self):
        self.server.deliver("anna", corpus.messages(20, seed=7))
        before = self.server.messages("anna")
        old = list(before)[::2]
        evpopd = self.enterContext(daemon.Evpopd(self.account(keep="14d")))
        evpopd.wait_polled()
        self.assertEqual(evpopd.poll("anna")["session"]["deleted"], 0)
        self.assertEqual(self.server.messages("anna"), before)
        evpopd.halt()
        evpopd.age(old, 14 * 24 + 1)
        evpopd.age(list(before)[1::2], 14 * 24 - 1)
        evpopd.start()
        shown = evpopd.wait_polled()
        self.assertEqual(shown["session"]["deleted"], 10)
        self.assertEqual(set(self.server.messages("anna")),
                         set(before) - set(old))
        self.assertEqual(evpopd.bodies(), before)

    def test_another_policy_for_what_is_stored(self):
        self.server.deliver("anna", corpus.messages(10, seed=8))
        before = self.server.messages("anna")
        evpopd = self.enterContext(daemon.Evpopd(self.account()))
        evpopd.wait_polled()
        evpopd.accounts["anna"]["keep"] = "delete"
        evpopd.write_config()
        evpopd.post("/v1/reload")
        shown = evpopd.wait_account(
            "anna", lambda one: one["session"]["deleted"] == 10)
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertEqual(self.server.count("anna"), 0)
        self.assertEqual(evpopd.bodies(), before)

    def test_once_deletes_too(self):
        self.server.deliver("anna", corpus.messages(10, seed=9))
        before = self.server.messages("anna")
        evpopd = daemon.Evpopd(self.account(keep="delete"))
        self.addCleanup(evpopd.remove)
        evpopd.once()
        self.assertEqual(self.server.count("anna"), 0)
        evpopd.accounts["anna"]["enabled"] = "no"
        evpopd.start()
        self.assertEqual(evpopd.bodies(), before)
        evpopd.halt()


class LimitsTest(unittest.TestCase):
    def test_messages_per_poll(self):
        for order, expected in (("oldest", list(range(1, 11))),
                                ("newest", list(range(25, 15, -1)))):
            with self.subTest(order), maildropd.MaildropServer(
                    users=USERS) as server:
                ids = server.deliver("anna", corpus.messages(25))
                account = daemon.account_of(
                    server, "anna", order=order, max_messages_per_poll=10)
                with daemon.Evpopd({"anna": account}) as evpopd:
                    evpopd.wait_polled()
                    first = [one["unique_id"]
                             for one in reversed(evpopd.messages())]
                    self.assertEqual(first,
                                     [ids[number - 1] for number in expected])
                    self.assertEqual(
                        evpopd.poll("anna")["session"]["fetched"], 10)
                    self.assertEqual(
                        evpopd.poll("anna")["session"]["fetched"], 5)
                    self.assertEqual(
                        evpopd.poll("anna")["session"]["fetched"], 0)
                    self.assertEqual(evpopd.bodies(),
                                     server.messages("anna"))

    def test_large_messages_stay(self):
        with maildropd.MaildropServer(users=USERS) as server:
            small = corpus.message(1, 2000)
            large = corpus.message(2, 100_000)
            server.deliver("anna", [small, large, small])
            account = daemon.account_of(server, "anna", keep="delete",
                                        max_message_size="50K")
            with daemon.Evpopd({"anna": account}) as evpopd:
                shown = evpopd.wait_polled()
                self.assertEqual(shown["session"]["fetched"], 2)
                self.assertEqual(list(server.messages("anna").values()),
                                 [large])
                self.assertIn("larger than max_message_size", evpopd.log())
                # Equal bytes are two messages all the same.
                self.assertEqual(list(evpopd.bodies().values()),
                                 [small, small])

    def test_times_are_of_now(self):
        with maildropd.MaildropServer(users=USERS) as server:
            server.deliver("anna", corpus.messages(1))
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna")}) as evpopd:
                shown = evpopd.wait_polled()
                message, = evpopd.messages()
        now = datetime.datetime.now(datetime.timezone.utc)
        for text in (message["stored_at"], shown["last_success"]):
            then = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
            self.assertLess(abs((now - then).total_seconds()), 600)


if __name__ == "__main__":
    unittest.main(verbosity=2)
