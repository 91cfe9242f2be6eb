"""Every way to log in that a real server has, and what is said of refusals."""

import base64
import hashlib
import hmac
import json
import re
import time
import unittest

from harness import certificates, corpus, daemon, dovecot, procs

PASSWORD = "s3cret words # and more"
MESSAGES = 3

# Of `auth`, and what Dovecot calls it; USER and PASS are PLAIN to its log.
BY_PASSWORD = {
    "user": "PLAIN", "plain": "PLAIN", "login": "LOGIN",
    "cram-md5": "CRAM-MD5", "apop": "APOP", "scram-sha-1": "SCRAM-SHA-1",
    "scram-sha-256": "SCRAM-SHA-256"}
BY_TOKEN = {"xoauth2": "XOAUTH2", "oauthbearer": "OAUTHBEARER"}
# What Dovecot says in its JSON (RFC 7628 section 3.2.2, and Google's manner).
TOKEN_REFUSED = {"xoauth2": "(status 401, ",
                 "oauthbearer": "(status invalid_token"}
# Nobody who listens learns the password from these.
CHALLENGED = {"cram-md5", "apop", "scram-sha-1", "scram-sha-256"}

ALL = ("plain login cram-md5 scram-sha-1 scram-sha-256 apop external xoauth2 "
       "oauthbearer")

_KEY = b"a key that the token's issuer and Dovecot share"

_OF_2_3 = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {oauth}
}}
passdb {{
  driver = passwd-file
  mechanisms = external
  args = username_format=%u {certified}
}}
auth_ssl_username_from_cert = yes
"""

_OAUTH = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={keys}/
username_attribute = sub
"""

_OF_2_4 = """\
passdb oauth2 {{
  mechanisms_filter {{
    xoauth2 = yes
    oauthbearer = yes
  }}
}}
oauth2 {{
  introspection_mode = local
  username_attribute = sub
  oauth2_local_validation {{
    dict fs {{
      fs posix {{
        prefix = {keys}/
      }}
    }}
  }}
}}
passdb external {{
  driver = passwd-file
  mechanisms_filter {{
    external = yes
  }}
  passwd_file_path = {certified}
}}
auth_ssl_username_from_cert = yes
"""


def _base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def make_token(user, key=_KEY, seconds=3600):
    """A JWT (RFC 7519) for so many seconds, signed by HS256."""
    now = int(time.time())
    said = b".".join(
        _base64url(json.dumps(part).encode()) for part in (
            {"alg": "HS256", "typ": "JWT"},
            {"sub": user, "iat": now - 7200, "nbf": now - 7200,
             "exp": now + seconds}))
    signature = hmac.new(key, said, hashlib.sha256).digest()
    return (said + b"." + _base64url(signature)).decode()


def make_server(mechanisms=ALL):
    """A Dovecot that takes these, and keeps what is said to its plain port."""
    server = dovecot.Dovecot(users={"anna": PASSWORD},
                             auth_mechanisms=mechanisms)
    server.give("keys/default/HS256/default", base64.b64encode(_KEY))
    keys = server.folder / "keys"
    oauth = server.give("oauth2.conf", _OAUTH.format(keys=keys).encode())
    certified = server.give("certified", b"anna:::::::nopassword=y\n")
    server.config = dovecot.client_certificates(server.ca_file) + (
        _OF_2_4 if dovecot.is_2_4() else _OF_2_3).format(
            oauth=oauth, keys=keys, certified=certified)
    server.keep_dialogs()
    server.deliver("anna", corpus.messages(MESSAGES))
    return server


def in_other_words(secret):
    """A secret as it is, and as SASL would write it."""
    yield secret
    for said in (secret, f"\0anna\0{secret}",
                 f"user=anna\1auth=Bearer {secret}\1\1"):
        yield base64.b64encode(said.encode()).decode().rstrip("=")


class Server(unittest.TestCase):
    """What the tests below do with a server of theirs."""

    def account(self, auth, tls="none", **keys):
        """The keys of an account that logs in in that way."""
        if auth in BY_TOKEN:
            keys.setdefault("password", None)
            keys.setdefault("token", make_token("anna"))
        if auth == "external":
            keys.setdefault("password", None)
            keys.setdefault("tls_cert", self.client.certificate)
            keys.setdefault("tls_key", self.client.key)
        token = keys.pop("token", None)
        if token is not None:
            keys["token_command"] = f"echo {token}"
        self.secrets = [one for one in (token, keys.get("password", PASSWORD))
                        if one is not None]
        user = keys.pop("user", "anna")
        keys.setdefault("password", PASSWORD)
        return {**daemon.account_of(self.server, "anna", tls=tls, auth=auth,
                                    **keys), "user": user}

    def evpopd(self, account):
        """A daemon that would log all it could."""
        evpopd = daemon.Evpopd({"anna": account},
                               daemon={"log_level": "debug"})
        self.addCleanup(evpopd.remove)
        return evpopd

    def check_untold(self, text):
        for secret in self.secrets:
            for words in in_other_words(secret):
                self.assertNotIn(words, text)

    def said(self):
        """Lines of the one connection that evpopd made to the plain port."""
        found, = self.server.client_lines()
        return found

    def fetch(self, auth, tls="none", **keys):
        """A fetch of all mail; the mechanism by Dovecot's log."""
        before = len(self.server.log())
        evpopd = self.evpopd(self.account(auth, tls, **keys))
        done = evpopd.once()
        self.check_untold(done.stderr)
        self.assertIn("debug:", done.stderr)
        self.assertEqual(evpopd.rows("SELECT count(*) FROM v_message"),
                         [(MESSAGES,)])

        def logins():
            return re.findall(
                r"Log(?:in|ged in): user=<anna>, method=([\w-]+)",
                self.server.log()[before:])

        # It logs behind the session: its end is the last of it.
        procs.wait_for(lambda: "Logged out" in self.server.log()[before:],
                       what="the session's end in Dovecot's log")
        self.assertNotIn("auth failed", self.server.log()[before:])
        self.assertEqual(len(logins()), 1)
        return logins()[0]

    def refused(self, auth, tls="none", **keys):
        """The account after a poll whose log-in is refused."""
        before = len(self.server.log())
        account = self.account(auth, tls, **keys)
        with self.evpopd(account) as evpopd:
            shown = evpopd.wait_polled()
            self.check_untold(str(shown))
            evpopd.halt()
            self.check_untold(evpopd.log())
        self.assertEqual(shown["last_outcome"], "auth", shown)
        self.assertEqual(shown["state"], "refused")
        self.assertEqual(shown["stored"]["messages"], 0)
        if "no way to log in" not in shown["last_text"]:
            # Or it would be taken for one of the next session's.
            procs.wait_for(lambda: re.search(
                r"(?:Disconnected|Login aborted): .*\((?!no auth)",
                self.server.log()[before:]),
                what="the refusal in Dovecot's log")
        return shown


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class MechanismTest(Server):
    """A server that offers everything it has."""

    @classmethod
    def setUpClass(cls):
        cls.server = make_server()
        cls.addClassCleanup(cls.server.stop)
        cls.client = cls.server.ca.client("anna")
        cls.server.start()

    def setUp(self):
        self.server.client_lines()

    def check_dialog(self, auth):
        """That it was this mechanism, as the octets on the wire show."""
        said = "".join(line + "\n" for line in self.said())
        if auth == "user":
            self.assertIn(f"USER anna\nPASS {PASSWORD}", said)
        elif auth == "apop":
            self.assertRegex(said, r"(?m)^APOP anna [0-9a-f]{32}$")
        else:
            self.assertRegex(said, f"(?m)^AUTH {auth.upper()}( |$)")
        self.assertEqual(len(re.findall(
            "(?m)^(?:USER|APOP|AUTH) ", said)), 1)
        if auth in CHALLENGED:
            self.check_untold(said)

    def test_by_password(self):
        for auth, method in BY_PASSWORD.items():
            for tls in ("none", "stls", "implicit"):
                with self.subTest(auth, tls=tls):
                    self.assertEqual(self.fetch(auth, tls), method)
                    if tls == "none":
                        self.check_dialog(auth)
                    self.server.client_lines()

    def test_by_token(self):
        for auth, method in BY_TOKEN.items():
            for tls in ("none", "implicit"):
                with self.subTest(auth, tls=tls):
                    self.assertEqual(self.fetch(auth, tls), method)
                    if tls == "none":
                        self.check_dialog(auth)
                    self.server.client_lines()

    def test_by_certificate(self):
        for tls in ("stls", "implicit"):
            with self.subTest(tls=tls):
                self.assertEqual(self.fetch("external", tls), "EXTERNAL")

    def test_wrong_password(self):
        for auth in BY_PASSWORD:
            with self.subTest(auth):
                shown = self.refused(auth, password="wrong words")
                self.assertIn("Authentication failed", shown["last_text"])
                # Once: neither again nor in a plainer way.
                self.assertEqual(len([one for one in self.said() if re.match(
                    "USER|APOP|AUTH", one)]), 1)

    def test_wrong_password_of_auto(self):
        """A refusal for the password's sake does not lead to plainer ways."""
        self.refused("auto", password="wrong words")
        said = [line for line in self.said() if re.match("USER|APOP|AUTH",
                                                         line)]
        self.assertEqual(len(said), 1, said)
        self.assertTrue(said[0].startswith("AUTH SCRAM-SHA-256 "))

    def test_token_of_another_issuer(self):
        token = make_token("anna", b"another key")
        for auth in BY_TOKEN:
            with self.subTest(auth):
                shown = self.refused(auth, token=token)
                self.assertIn(TOKEN_REFUSED[auth], shown["last_text"])
                self.server.client_lines()

    def test_expired_token(self):
        for auth in BY_TOKEN:
            with self.subTest(auth):
                shown = self.refused(auth, token=make_token("anna",
                                                            seconds=-3600))
                self.assertIn(TOKEN_REFUSED[auth], shown["last_text"])

    def test_short_token(self):
        """One that fits into the line of AUTH, and is none of the issuer's."""
        for auth in BY_TOKEN:
            with self.subTest(auth):
                shown = self.refused(auth, token="short")
                self.assertIn(TOKEN_REFUSED[auth], shown["last_text"])
                said = [line for dialog in self.server.client_lines()
                        for line in dialog if line.startswith("AUTH")]
                self.assertRegex(said[0], r"^AUTH \w+ \w+")

    def test_token_of_another_user(self):
        for auth in BY_TOKEN:
            with self.subTest(auth):
                self.refused(auth, token=make_token("bert"))

    def test_certificate_of_another_user(self):
        other = self.server.ca.client("bert")
        shown = self.refused("external", "implicit",
                             tls_cert=other.certificate, tls_key=other.key)
        self.assertNotEqual(shown["last_text"], "")

    def test_certificate_of_another_authority(self):
        with procs.temporary_folder() as folder:
            other = certificates.CertificateAuthority(folder).client("anna")
            account = self.account("external", "implicit",
                                   tls_cert=other.certificate,
                                   tls_key=other.key)
            with self.evpopd(account) as evpopd:
                shown = evpopd.wait_polled()
        # TLS 1.3 tells the client only after its handshake.
        self.assertIn(shown["last_outcome"], ("auth", "tls", "io"), shown)
        self.assertEqual(shown["stored"]["messages"], 0)

    def test_certificate_that_is_not_there(self):
        account = self.account("external", "implicit", tls_cert=None,
                               tls_key=None)
        evpopd = self.evpopd(account)
        evpopd.write_config()
        done = evpopd.run("--check")
        self.assertEqual(done.returncode, 78, done)
        self.assertIn("no password", done.stderr)

    def test_user_that_is_not_there(self):
        for auth in ("scram-sha-256", "cram-md5", "plain"):
            with self.subTest(auth):
                self.refused(auth, user="nobody")


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class StrongestTest(Server):
    """Servers that offer less and less."""

    @classmethod
    def setUpClass(cls):
        cls.server = make_server()
        cls.addClassCleanup(cls.server.stop)
        cls.client = cls.server.ca.client("anna")

    def offer(self, mechanisms):
        """Start the server with these only."""
        self.server.halt()
        self.server.auth_mechanisms = mechanisms
        self.server.start()
        self.server.client_lines()

    def test_auto_takes_the_strongest(self):
        """By password the strongest first, each time without the last one."""
        order = ["scram-sha-256", "scram-sha-1", "cram-md5", "plain", "login"]
        while order:
            with self.subTest(order[0]):
                # What the server names first is not what counts.
                self.offer(" ".join(reversed(order)) + " apop external "
                           "xoauth2 oauthbearer")
                for tls in ("none", "implicit"):
                    self.assertEqual(self.fetch("auto", tls),
                                     order[0].upper())
            del order[0]

    def test_auto_with_nothing_else(self):
        """Where there is no other way, USER and PASS; never APOP unasked."""
        self.offer("plain apop")
        self.server.client_lines()
        self.assertEqual(self.fetch("auto"), "PLAIN")
        self.assertNotIn("APOP", "\n".join(self.said()))

    def test_auto_by_token(self):
        for order in (["oauthbearer", "xoauth2"], ["xoauth2"]):
            with self.subTest(order[0]):
                self.offer(" ".join(reversed(order)) + " plain scram-sha-256")
                self.assertEqual(self.fetch(
                    "auto", password=None, token=make_token("anna")),
                    order[0].upper())

    def test_auto_by_certificate(self):
        """A password proves more than a certificate alone would."""
        self.offer("plain cram-md5 external")
        self.assertEqual(self.fetch(
            "auto", "implicit", tls_cert=self.client.certificate,
            tls_key=self.client.key), "EXTERNAL")
        self.offer("plain scram-sha-1 external")
        self.assertEqual(self.fetch(
            "auto", "implicit", tls_cert=self.client.certificate,
            tls_key=self.client.key), "SCRAM-SHA-1")

    def test_of_the_named_ones_the_strongest(self):
        self.offer("plain login cram-md5 scram-sha-1 scram-sha-256")
        for named, method in (("plain login", "PLAIN"),
                              ("user cram-md5 login", "CRAM-MD5"),
                              ("login user", "LOGIN"),
                              ("apop scram-sha-1 plain", "SCRAM-SHA-1")):
            with self.subTest(named):
                self.assertEqual(self.fetch(named), method)

    def test_not_offered(self):
        self.offer("plain login")
        for auth in ("scram-sha-256", "scram-sha-1", "cram-md5"):
            with self.subTest(auth):
                shown = self.refused(auth)
                self.assertIn("Unsupported authentication mechanism",
                              shown["last_text"])
                self.server.client_lines()
        for auth in BY_TOKEN:
            with self.subTest(auth):
                shown = self.refused(auth)
                self.assertIn("Unsupported authentication mechanism",
                              shown["last_text"])
        with self.subTest("apop"):
            shown = self.refused("apop")
            self.assertRegex(shown["last_text"],
                             "no way to log in: the server offers "
                             "USER, PLAIN, LOGIN, which the account's auth")
        with self.subTest("two"):
            self.server.client_lines()
            shown = self.refused("scram-sha-256 cram-md5")
            self.assertRegex(shown["last_text"], "no way to log in: the "
                             "server offers USER, PLAIN, LOGIN, which")
            # No word of the password's was said.
            self.assertFalse([line for line in self.said() if re.match(
                "USER|PASS|APOP|AUTH", line)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
