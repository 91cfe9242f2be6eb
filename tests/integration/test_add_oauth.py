"""evpopctl add, oauth and remove with OAuth 2, from the address to the mail.

The authorization server is the harness's own, which is strict; the mail server
is Dovecot, which checks the tokens.
"""

import os
import re
import unittest
import urllib.parse
import urllib.request

from harness import authserver, daemon, dovecot, procs, typist
from test_mechanisms import MESSAGES, make_server


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class AddOauthTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = make_server("plain xoauth2 oauthbearer")
        cls.addClassCleanup(cls.server.stop)
        # One that asks for client certificates resumes no sessions.
        cls.server.config = cls.server.config.replace(
            dovecot.client_certificates(cls.server.ca_file), "")
        cls.server.start()

    def setUp(self):
        self.auth = self.enterContext(authserver.AuthServer(secret="qu\"iet"))
        authority = self.server.ca_file
        self.evpopd = daemon.Evpopd(
            daemon={"include": "accounts.d/*.conf"},
            environment={"SSL_CERT_FILE": authority})
        self.addCleanup(self.evpopd.remove)
        self.accounts = self.evpopd.folder / "accounts.d"
        self.accounts.mkdir()
        key = self.evpopd.folder / "evpopd.key"
        self.evpopd.ctl("key", "generate", key)
        self.evpopd.daemon["key_file"] = key
        self.evpopd.start()
        self.env = {**os.environ, "SSL_CERT_FILE": str(authority)}
        self.env.pop("DISPLAY", None)

    def ask(self, *words):
        """Somebody at a terminal."""
        return typist.Typist(
            self.evpopd.ctl_program, "-s", self.evpopd.socket, *words,
            env=self.env)

    def add(self, *words):
        """Add anna, at a terminal that is asked for nothing it need not."""
        settings = [f"--set={key}={value}" for key, value in
                    self.auth.keys().items()
                    if "_url" in key or key.endswith("scope")]
        secret = self.evpopd.folder / "client-secret"
        secret.write_text(self.auth.secret + "\n")
        words = ["add", "-c", self.evpopd.config_file, "--yes", "--server",
                 f"localhost:{self.server.tls_port}", "--login", "anna",
                 "--name", "anna", "--client-id", self.auth.client,
                 "--client-secret-fd", "3", *settings, *words,
                 "anna@example.test"]
        return typist.Typist(
            "/bin/sh", "-c", 'exec 3<"$0"; exec "$@"', secret,
            self.evpopd.ctl_program, "-s", self.evpopd.socket, *words,
            env=self.env)

    def wait_seen(self, person, words):
        while not re.search(words, person.seen):
            self.assertTrue(person.read(), person.seen)
        return re.search(words, person.seen)

    def check_fetched(self, person):
        self.assertEqual(person.end(), 0, person.seen)
        self.assertIn("has your consent", person.seen)
        self.assertEqual(len(self.evpopd.messages("anna")), MESSAGES)
        text = (self.accounts / "anna.conf").read_text()
        self.assertIn("oauth2_client_secret_sealed = ", text)
        self.assertNotIn(self.auth.secret, text + person.seen)
        self.assertEqual(self.auth.mistakes, [])

    def come_back(self, address):
        """What a browser does that the user has consented in."""
        brought = self.auth.browse(address)
        query = dict(urllib.parse.parse_qsl(
            urllib.parse.urlsplit(address).query))
        return query["redirect_uri"] + "?" + urllib.parse.urlencode(brought)

    def test_by_a_device(self):
        person = self.add("--flow", "device")
        code = self.wait_seen(person, r"Type[^A-Z]+([A-Z-]{9})\s")[1]
        self.assertIn(self.auth.base + "/go", person.seen)
        self.auth.consent(code)
        self.check_fetched(person)

    def test_by_a_browser(self):
        person = self.add("--flow", "code")
        address = self.wait_seen(person, r"(http\S+/authorize\S+)\s")[1]
        with urllib.request.urlopen(self.come_back(address)) as page:
            self.assertIn(b"You can close this page", page.read())
        self.check_fetched(person)

    def test_the_user_says_no_and_then_yes(self):
        person = self.add("--flow", "device")
        self.wait_seen(person, r"Type")
        self.auth.consent(says=False)
        self.assertEqual(person.end(), 77, person.seen)
        said = " ".join(person.seen.split())
        self.assertIn('"evpopctl oauth anna" asks again', said)
        self.assertIn("waits for a consent", said)
        # The account is there, and waits for a consent.
        self.assertTrue((self.accounts / "anna.conf").exists())
        self.assertEqual(
            self.evpopd.account("anna")["authorization"]["state"], "none")
        person = self.ask("oauth", "anna", "--flow", "code")
        address = self.wait_seen(person, r"(http\S+/authorize\S+)\s")[1]
        self.wait_seen(person, r"paste\s+its\s+address")
        os.write(person.master, (self.come_back(address) + "\n").encode())
        self.check_fetched(person)
        # Its tokens go with it.
        self.assertEqual(self.evpopd.rows("SELECT owner FROM token"),
                         [("anna",)])
        self.evpopd.ctl("remove", "-c", self.evpopd.config_file, "--yes",
                        "anna")
        self.assertEqual(self.evpopd.rows("SELECT * FROM token"), [])

    def test_the_user_gives_up(self):
        """What there is to do was said before, and the account waits."""
        person = self.add("--flow", "device")
        self.wait_seen(person, r"Type")
        said = " ".join(person.seen.split())
        self.assertIn('"evpopctl oauth anna" asks again', said)
        self.assertIn('"evpopctl remove anna" takes the account away', said)
        os.write(person.master, b"\x03")
        self.assertNotEqual(person.end(), 0)
        self.assertTrue((self.accounts / "anna.conf").exists())
        self.evpopd.ctl("remove", "-c", self.evpopd.config_file, "--yes",
                        "anna")
        self.assertEqual(list(self.accounts.iterdir()), [])

    def test_by_the_client_alone(self):
        person = self.add("--flow", "client-credentials")
        self.assertEqual(person.end(), 0, person.seen)
        self.assertNotIn("Type", person.seen)
        self.assertEqual(len(self.evpopd.messages("anna")), MESSAGES)


if __name__ == "__main__":
    unittest.main()
