"""OAuth 2 with servers that others have written, all over HTTPS.

Authlib's server gives the tokens, to somebody who signs in at its pages and
consents; Dovecot asks it, by introspection, whether a token is good.
"""

import os
import re
import unittest

from harness import corpus, daemon, dovecot, procs, provider, typist

MESSAGES = 3
USERS = {"anna": "Anna's own words"}
CLIENTS = {"evpop": None, "evpop-secret": "s3cret & more=words"}

_OAUTH = """\
introspection_mode = post
introspection_url = {url}
tls_ca_cert_file = {authority}
username_attribute = username
active_attribute = active
active_value = true
"""

_OF_2_3 = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {oauth}
}}
"""

_OF_2_4 = """\
passdb oauth2 {{
  mechanisms_filter {{
    xoauth2 = yes
    oauthbearer = yes
  }}
}}
oauth2 {{
  introspection_mode = post
  introspection_url = {url}
  username_attribute = username
  active_attribute = active
  active_value = true
}}
ssl_client_ca_file = {authority}
"""


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
@unittest.skipUnless(provider.available(), "Authlib is not installed")
class RealOauthTest(unittest.TestCase):
    def setUp(self):
        self.server = dovecot.Dovecot(users={"anna": "unused"},
                                      auth_mechanisms="xoauth2 oauthbearer")
        self.addCleanup(self.server.stop)
        self.evpopd = None

    def begin(self, client="evpop", lifetime=3600, trusts=True, **keys):
        """Provider, mail server and daemon; nobody has consented yet."""
        self.provider = self.enterContext(provider.Provider(
            self.server.ca, USERS, CLIENTS, lifetime))
        authority = self.server.give("authority",
                                     self.server.ca_file.read_bytes())
        said = {"url": self.provider.introspection_url, "authority": authority}
        oauth = self.server.give("oauth2.conf",
                                 _OAUTH.format(**said).encode())
        self.server.config = (_OF_2_4 if dovecot.is_2_4() else
                              _OF_2_3).format(oauth=oauth, **said)
        self.server.deliver("anna", corpus.messages(MESSAGES))
        self.server.start()
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(
                self.server, "anna", password=None, tls="implicit",
                **self.provider.keys(client, **keys))},
            daemon={"log_level": "debug"}, environment={
                "SSL_CERT_FILE": self.server.ca_file} if trusts else {})
        self.addCleanup(self.evpopd.remove)
        key = self.evpopd.folder / "evpopd.key"
        self.evpopd.ctl("key", "generate", key)
        self.evpopd.daemon["key_file"] = key
        self.evpopd.start()
        return self.evpopd.wait_polled()

    def authorization(self):
        return self.evpopd.account("anna")["authorization"]

    def post(self, **body):
        return self.evpopd.post("/v1/accounts/anna/authorize", body)

    def press(self, button):
        """Anna opens the page that a device's user is sent to, and answers."""
        asked = self.post(flow="device")
        page = self.provider.visit("anna").open(
            asked["verification_uri_complete"])
        self.assertIn("evpop wants mail offline_access", page.text)
        page.press(button)
        self.assertEqual(page.status, 200)

    def consent(self):
        """By a device; the account after the poll that follows at once."""
        before = self.evpopd.account("anna")["last_finished"]
        self.press("allow")
        return procs.wait_for(
            lambda: self.finished(before), what="a poll by the new token")

    def finished(self, before):
        shown = self.evpopd.account("anna")
        return shown if (shown["last_finished"] != before
                         and shown["state"] != "polling") else None

    def check(self, shown, state, outcome="ok"):
        self.assertEqual((shown["authorization"]["state"],
                          shown["last_outcome"]), (state, outcome), shown)

    def check_clean(self):
        """No rule was broken, and no secret stands where it may be read."""
        self.assertEqual(self.provider.mistakes(), [])
        self.evpopd.halt()
        said = self.evpopd.log() + self.evpopd.store_file.read_bytes().decode(
            "latin-1")
        for path in ("/token", "/introspect"):
            for form in self.provider.asked(path):
                for name in ("refresh_token", "device_code", "code", "token",
                             "code_verifier", "client_secret"):
                    if form.get(name):
                        self.assertFalse(form[name] in said, name)

    def test_device(self):
        self.check(self.begin(), "none", "auth")
        shown = self.consent()
        self.check(shown, "fresh")
        self.assertEqual(shown["stored"]["messages"], MESSAGES)
        # Dovecot has asked, and believed nobody else.
        self.assertEqual(len(self.provider.asked("/introspect")), 1)
        self.check(self.evpopd.poll("anna"), "fresh")
        self.assertEqual(self.provider.refreshes(), 0)
        self.check_clean()

    def test_device_is_refused(self):
        self.begin()
        self.press("deny")
        shown = procs.wait_for(
            lambda: self.authorization()["state"] != "pending"
            and self.authorization(), what="the end of the flow")
        self.assertEqual(shown["state"], "none")
        self.assertIn("access_denied", shown["text"])
        self.check_clean()

    def by_browser(self, button):
        """evpopctl oauth, and Anna's browser; what it said, and its exit."""
        person = typist.Typist(
            self.evpopd.ctl_program, "-s", self.evpopd.socket, "oauth",
            "anna", "--flow", "code", "--no-browser", env={
                name: value for name, value in os.environ.items()
                if name != "DISPLAY"})
        while not (found := re.search(r"(https\S+/authorize\?\S+)\s",
                                      person.seen)):
            self.assertTrue(person.read(), person.seen)
        page = self.provider.visit("anna").open(found[1])
        self.assertIn("wants mail offline_access", page.text)
        page.press(button)
        # The browser has ended at a page that does not open, here: pasted.
        self.assertEqual(page.url.partition("?")[0].rpartition(":")[0],
                         "http://localhost")
        os.write(person.master, (page.url + "\n").encode())
        return person.end(), person.seen, page.brought()

    def test_code(self):
        """With a proof, which the server demands of a client without secret."""
        for client in CLIENTS:
            with self.subTest(client):
                if self.evpopd is None:
                    self.begin(client)
                else:
                    self.evpopd.accounts["anna"].update(
                        self.provider.keys(client))
                    self.evpopd.restart()
                    self.evpopd.wait_polled()
                code, said, brought = self.by_browser("allow")
                self.assertEqual(code, 0, said)
                self.assertIn("has your consent", said)
                self.check(self.evpopd.account("anna"), "fresh")
                # A code is good once.
                with self.assertRaises(daemon.Refused):
                    self.post(**brought)
        forms = self.provider.asked("/token", grant_type="authorization_code")
        self.assertEqual([form["client_id"] for form in forms], list(CLIENTS))
        self.check_clean()

    def test_code_is_denied(self):
        self.begin()
        code, said, _ = self.by_browser("deny")
        self.assertEqual(code, 77, said)
        self.assertIn("access_denied", said)
        self.assertEqual(self.provider.asked("/token"), [])
        self.check_clean()

    def test_client_credentials(self):
        shown = self.begin("evpop-secret", oauth2_scope="mail",
                           oauth2_flow="client-credentials")
        self.check(shown, "fresh")
        self.assertEqual(shown["stored"]["messages"], MESSAGES)
        self.check_clean()

    def test_refreshed_and_rotated(self):
        """Each refresh token is used once, over restarts, too."""
        self.begin(lifetime=1)
        self.consent()
        for number in range(3):
            procs.wait_for(lambda: self.authorization()["state"] == "expired",
                           what="a token's end")
            if number == 1:
                self.evpopd.restart()
                shown = self.evpopd.wait_polled()
            else:
                shown = self.evpopd.poll("anna")
            self.assertEqual(shown["last_outcome"], "ok", shown)
        forms = self.provider.asked("/token", grant_type="refresh_token")
        self.assertGreaterEqual(len(forms), 3)
        self.assertEqual(len({form["refresh_token"] for form in forms}),
                         len(forms))
        self.check_clean()

    def test_signed_out_everywhere(self):
        """An access token that is good no more is replaced in the same poll."""
        self.begin()
        self.consent()
        page = self.provider.visit("anna")
        page.open(self.provider.base + "/consents").press("sign out")
        self.check(self.evpopd.poll("anna"), "fresh")
        self.assertEqual(self.provider.refreshes(), 1)
        self.check_clean()

    def test_consent_is_withdrawn(self):
        self.begin()
        self.consent()
        page = self.provider.visit("anna")
        page.open(self.provider.base + "/consents").press("withdraw")
        shown = self.evpopd.poll("anna")
        self.check(shown, "revoked", "auth")
        self.assertIn("invalid_grant", shown["authorization"]["text"])
        self.assertIn("evpopctl oauth anna",
                      shown["authorization"]["advice"])
        self.check(self.consent(), "fresh")
        self.check_clean()

    def test_wrong_secret(self):
        shown = self.begin("evpop-secret", oauth2_client_secret="wrong",
                           oauth2_flow="client-credentials")
        self.check(shown, "revoked", "auth")
        self.assertIn("invalid_client", shown["authorization"]["text"])
        self.assertIn("oauth2_client_id of",
                      shown["authorization"]["advice"])

    def test_wrong_scope(self):
        self.begin(oauth2_scope="mail everything")
        with self.assertRaises(daemon.Refused) as to:
            self.post(flow="device")
        self.assertEqual(to.exception.error["code"], "authorization_failed")
        self.assertIn("invalid_scope", to.exception.error["message"])
        self.assertIn("oauth2_scope", self.authorization()["advice"])

    def test_nobody_vouches_for_it(self):
        shown = self.begin("evpop-secret", trusts=False,
                           oauth2_flow="client-credentials")
        self.check(shown, "down", "io")
        self.assertIn("certificate is not trusted",
                      shown["authorization"]["advice"])
        self.assertEqual(self.provider.asked("/token"), [])


if __name__ == "__main__":
    unittest.main()
