"""Accounts that log in by OAuth 2: consent, tokens, and what becomes of them.

The authorization server is the harness's own, which is strict; the mail server
is Dovecot, which checks the tokens.
"""

import threading
import unittest

from harness import authserver, daemon, dovecot, procs
from test_mechanisms import make_server

MESSAGES = 3


class Oauth(unittest.TestCase):
    """What the tests below do with their servers."""

    @classmethod
    def setUpClass(cls):
        cls.server = make_server("plain xoauth2 oauthbearer")
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()

    def setUp(self):
        self.evpopd = daemon.Evpopd(daemon={"log_level": "debug"})
        self.addCleanup(self.evpopd.remove)
        key = self.evpopd.folder / "evpopd.key"
        self.evpopd.ctl("key", "generate", key)
        self.evpopd.daemon["key_file"] = key

    def authorize(self, **how):
        """An authorization server, and an account that goes by it."""
        keys = how.pop("keys", {})
        self.auth = self.enterContext(authserver.AuthServer(**how))
        self.evpopd.accounts["anna"] = daemon.account_of(
            self.server, "anna", password=None, **self.auth.keys(**keys))

    def post(self, body, **how):
        return self.evpopd.post("/v1/accounts/anna/authorize", body, **how)

    def state(self):
        return self.evpopd.account("anna")["authorization"]

    def poll(self):
        """The account after another poll."""
        return self.evpopd.poll("anna")

    def finished(self, before):
        shown = self.evpopd.account("anna")
        return shown if (shown["last_finished"] != before
                         and shown["state"] != "polling") else None

    def consent(self):
        """By a device; the account after the poll that follows at once."""
        before = self.evpopd.account("anna")["last_finished"]
        self.post({"flow": "device"})
        self.auth.consent()
        return procs.wait_for(lambda: self.finished(before),
                              what="a poll by the new token")

    def check_clean(self):
        """No mistakes were made, and no token stands where it may be read."""
        self.assertEqual(self.auth.mistakes, [])
        self.evpopd.halt()
        said = self.evpopd.log() + self.evpopd.store_file.read_bytes().decode(
            "latin-1")
        for _, form in self.auth.requests:
            for name in ("refresh_token", "device_code", "code",
                         "code_verifier", "client_secret"):
                if name in form:
                    self.assertNotIn(form[name], said, name)

    def begin(self, **how):
        """A daemon whose user has consented, and which has polled."""
        self.authorize(**how)
        self.evpopd.start()
        self.evpopd.wait_polled()
        return self.consent()

    def check(self, shown, state, outcome="ok"):
        self.assertEqual((shown["authorization"]["state"],
                          shown["last_outcome"]), (state, outcome), shown)

    def refreshes(self):
        return len(self.auth.grants("refresh_token"))


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class ConsentTest(Oauth):
    """Every way to get a token for the first time."""

    def test_client_credentials(self):
        self.authorize(secret="s3cret & more",
                       keys={"oauth2_flow": "client-credentials"})
        del self.evpopd.daemon["key_file"]
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(shown["stored"]["messages"], MESSAGES)
        self.assertEqual(shown["authorization"]["state"], "fresh")
        self.assertEqual(shown["authorization"]["flow"], "client-credentials")
        self.poll()
        self.assertEqual(self.auth.tokens(), 1)
        self.check_clean()

    def test_device(self):
        self.authorize()
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.assertEqual(shown["last_outcome"], "auth", shown)
        self.assertEqual(shown["authorization"]["state"], "none")
        self.assertIn("evpopctl oauth anna", shown["authorization"]["advice"])
        self.assertIn("evpopctl oauth anna", shown["advice"])
        asked = self.post({"flow": "device"})
        self.assertEqual(asked["user_code"], "ABCD-EFGH")
        self.assertEqual(asked["verification_uri"], self.auth.base + "/go")
        self.assertEqual(self.state()["state"], "pending")
        procs.wait_for(lambda: self.auth.tokens() > 1,
                       what="questions of the device")
        self.auth.consent(asked["user_code"])
        # It polls at once.
        shown = procs.wait_for(
            lambda: self.evpopd.account("anna")["last_outcome"] == "ok"
            and self.evpopd.account("anna"), what="mail")
        self.assertEqual(shown["authorization"]["state"], "fresh")
        self.assertIsNone(shown["authorization"]["text"])
        self.assertIsNotNone(shown["authorization"]["granted_at"])
        self.check_clean()

    def test_device_outlasts_an_outage(self):
        self.authorize()
        self.evpopd.start()
        before = self.evpopd.wait_polled()["last_finished"]
        self.auth.answers = [(503, {}),
                             (429, {"error": "temporarily_unavailable"})]
        self.post({"flow": "device"})
        self.auth.consent()
        shown = procs.wait_for(lambda: self.finished(before),
                               what="a poll by the new token")
        self.check(shown, "fresh")
        self.assertEqual(self.auth.answers, [])
        self.check_clean()

    def test_device_is_refused(self):
        self.authorize()
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.post({"flow": "device"})
        self.auth.consent(says=False)
        shown = procs.wait_for(
            lambda: self.state()["state"] != "pending" and self.state(),
            what="the end of the flow")
        self.assertEqual(shown["state"], "none")
        self.assertIn("access_denied", shown["text"])
        self.check_clean()

    def test_code(self):
        self.authorize(secret="s3cret")
        self.evpopd.start()
        self.evpopd.wait_polled()
        uri = "http://127.0.0.1:4711/back"
        asked = self.post({"flow": "code", "redirect_uri": uri})
        brought = self.auth.browse(asked["authorization_url"])
        for wrong in ({**brought, "state": "x" * 43},
                      {**brought, "state": ""}):
            with self.subTest(wrong), self.assertRaises(daemon.Refused):
                self.post(wrong)
        self.post(brought)
        self.assertEqual(self.evpopd.rows("SELECT owner FROM token"),
                         [("anna",)])
        procs.wait_for(
            lambda: self.evpopd.account("anna")["last_outcome"] == "ok",
            what="mail")
        # A code is good once.
        with self.assertRaises(daemon.Refused):
            self.post(brought)
        self.check_clean()

    def test_where_browsers_come_back(self):
        self.authorize()
        self.evpopd.start()
        for uri in ("http://example.org/", "https://127.0.0.1/",
                    "http://127.0.0.1:80@example.org/", "", "http://127.0.0.1"):
            with self.subTest(uri), self.assertRaises(daemon.Refused) as to:
                self.post({"flow": "code", "redirect_uri": uri})
            self.assertEqual(to.exception.status, 400)

    def test_a_restart_keeps_the_consent(self):
        self.authorize()
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.consent()
        self.evpopd.halt()
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(len(self.auth.grants("refresh_token")), 1)
        # Another key opens it no more.
        self.evpopd.halt()
        key = self.evpopd.folder / "other.key"
        self.evpopd.ctl("key", "generate", key)
        self.evpopd.daemon["key_file"] = key
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.assertEqual(shown["last_outcome"], "auth", shown)
        self.assertIn("another one", shown["last_text"])
        self.check_clean()

    def test_forgotten(self):
        self.authorize()
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.consent()
        self.evpopd.delete("/v1/accounts/anna/authorize")
        self.assertEqual(self.evpopd.rows("SELECT * FROM token"), [])
        self.assertEqual(self.poll()["authorization"]["state"], "none")


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class StatesTest(Oauth):
    """Each state of a token, reached; the table stands in oauth.h.

    Near its expiry it is in test_oauth_rotated.py.
    """

    def test_fresh(self):
        self.check(self.begin(), "fresh")
        self.check(self.poll(), "fresh")
        self.assertEqual(self.refreshes(), 0)
        self.check_clean()

    def test_expired(self):
        self.begin(lifetime=1)
        procs.wait_for(lambda: self.state()["state"] == "expired",
                       what="a token's end")
        before = self.refreshes()
        shown = self.poll()
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(self.refreshes(), before + 1)
        self.check_clean()

    def test_refused_once(self):
        """Another one is got, and the log-in repeated, in the same poll."""
        self.begin(lifetime=600)
        self.evpopd.halt()
        keys = [b"not the server's", authserver.KEY]
        self.auth.make_token = lambda user, seconds: authserver.make_jwt(
            user, seconds, key=keys.pop(0))
        self.evpopd.start()
        self.check(self.evpopd.wait_polled(), "fresh")
        self.assertEqual(self.refreshes(), 2)
        self.check_clean()

    def test_refused_for_good(self):
        """Two log-ins in a poll, not more, and a word on what to do."""
        self.begin()
        self.evpopd.halt()
        self.auth.make_token = lambda user, seconds: authserver.make_jwt(
            user, seconds, key=b"not the server's")
        before = len(self.server.log())
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.check(shown, "refused", "auth")
        self.assertIn("refuses even a token",
                      shown["authorization"]["text"])
        self.assertEqual(self.refreshes(), 2)
        self.check_clean()
        self.assertGreater(len(self.server.log()), before)

    def test_revoked(self):
        self.begin()
        self.evpopd.halt()
        self.auth.revoke()
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.check(shown, "revoked", "auth")
        self.assertIn("expired or revoked", shown["last_text"])
        self.assertIn("evpopctl oauth anna",
                      shown["authorization"]["advice"])
        self.assertEqual(self.refreshes(), 1)
        # Another consent, and it goes on by itself.
        self.check(self.consent(), "fresh")
        self.check_clean()

    def test_endpoint_down(self):
        """That is no refusal, and passes by itself."""
        self.begin()
        self.evpopd.halt()
        self.auth.is_down = True
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.check(shown, "down", "io")
        self.assertEqual(shown["state"], "failing")
        self.assertIn("tries again by itself", shown["advice"])
        self.auth.is_down = False
        for mood in ((500, b"<html>"), (503, {"error": "server_error"}),
                     (400, {"error": "temporarily_unavailable"}),
                     (200, b"no JSON")):
            with self.subTest(mood):
                self.auth.answers = [mood]
                shown = self.poll()
                self.assertNotEqual(shown["last_outcome"], "ok", shown)
        self.check(self.poll(), "fresh")
        self.check_clean()

    def test_endpoint_that_wants_patience(self):
        self.begin()
        self.evpopd.halt()
        self.auth.answers = [(429, ({"error": "slow_down"},
                                    {"Retry-After": "3600"}))]
        self.evpopd.start()
        self.check(self.evpopd.wait_polled(), "down", "io")
        before = self.refreshes()
        self.check(self.poll(), "down", "io")
        self.assertEqual(self.refreshes(), before)
        self.check_clean()

    def test_endpoint_slow(self):
        """Others go on, and the loop does."""
        self.begin()
        self.evpopd.halt()
        self.evpopd.accounts["bert"] = daemon.account_of(self.server, "anna",
                                                         port=1)
        released = threading.Event()
        self.addCleanup(released.set)
        self.auth.answers = [released]
        self.evpopd.start()
        self.evpopd.wait_polled("bert")
        self.assertEqual(self.evpopd.account("anna")["state"], "polling")
        released.set()
        self.check(self.evpopd.wait_polled("anna"), "fresh")
        self.assertEqual(self.refreshes(), 1)
        self.check_clean()

    def test_rotated(self):
        """Each refresh brings another refresh token, which is kept."""
        self.begin(lifetime=1)
        kept = {self.evpopd.rows("SELECT sealed FROM token")[0]}
        for _ in range(3):
            procs.wait_for(lambda: self.state()["state"] == "expired",
                           what="a token's end")
            self.poll()
            procs.wait_for(
                lambda: self.evpopd.rows("SELECT sealed FROM token")[0]
                not in kept, what="another token in the store")
            kept.add(self.evpopd.rows("SELECT sealed FROM token")[0])
        self.evpopd.restart()
        self.check(self.evpopd.wait_polled(), "fresh")
        self.check_clean()

    def test_wrong_secret(self):
        self.authorize(secret="right", keys={
            "oauth2_flow": "client-credentials",
            "oauth2_client_secret": "wrong"})
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.check(shown, "revoked", "auth")
        self.assertIn("oauth2_client_secret of",
                      shown["authorization"]["advice"])

    def test_many_expire_at_once(self):
        """One refresh each, and the loop is not blocked by who waits."""
        many = 500
        self.authorize(secret="s", lifetime=1, keys={
            "oauth2_flow": "client-credentials"})
        account = self.evpopd.accounts.pop("anna")
        # Nobody listens there: what is measured are the tokens.
        account.update(port=1)
        self.evpopd.accounts.update(
            {f"a{number:03}": {**account, "user": f"u{number}"}
             for number in range(many)})
        self.evpopd.daemon["log_level"] = "info"
        released = threading.Event()
        self.addCleanup(released.set)
        self.auth.answers = [released] * many
        self.evpopd.start()
        procs.wait_for(lambda: self.auth.tokens() > 0, what="a question")
        # Nobody has a token, and whoever asks the daemon is answered.
        for one in self.accounts():
            self.assertIsNone(one["last_finished"], one)
        released.set()
        procs.wait_for(lambda: all(one["last_finished"] for one
                                   in self.accounts()), what="all polls")
        # Each poll fails, and takes a token of its own: they live so short.
        for name in self.evpopd.accounts:
            one = self.evpopd.account(name)
            asked = one["authorization"]["refreshes"] - one["failures"]
            self.assertIn(asked, [0, 1] if one["state"] == "polling"
                          else [0], one)

    def accounts(self):
        return self.evpopd.get("/v1/accounts?limit=1000")["accounts"]


if __name__ == "__main__":
    unittest.main()
