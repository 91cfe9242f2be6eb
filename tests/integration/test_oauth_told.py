"""What a person is told of tokens: by doctor, account and target."""

import json
import re
import unittest

from harness import authserver, dovecot, gmail, procs
from test_oauth import MESSAGES, Oauth

GOOGLE_SAYS = {"error": "invalid_grant",
               "error_description": "Token has been expired or revoked."}
MICROSOFT_SAYS = {
    "error": "interaction_required",
    "error_description": "AADSTS65001: The user or administrator has not "
                         "consented to use the application."}


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class ToldTest(Oauth):
    def doctor(self, *words, code=1):
        """What it says, its lines whole; there is no TLS, and so a warning."""
        done = self.evpopd.ctl("doctor", *words, code=code)
        return re.sub(r"\n {17}", " ", done.stdout)

    def check_says(self, said, *lines):
        for label, text in lines:
            self.assertRegex(said, rf"(?m)^{label} +.*{text}")

    def no_token(self, body, status=400):
        """The endpoint gives none, and says this; the account is polled."""
        self.auth.answers = [(status, body)]
        self.evpopd.restart()
        self.evpopd.wait_polled()

    def test_consent_is_missing(self):
        self.authorize()
        self.evpopd.start()
        self.evpopd.wait_polled()
        said = self.doctor("anna", code=77)
        self.check_says(
            said, ("Capabilities", "SASL"), ("OAuth 2", "by device"),
            ("Scopes", "mail offline_access"), ("Token", "none"),
            ("What is wrong", "has not yet allowed evpopd"),
            ("What to do", '"evpopctl oauth anna"'))
        self.assertNotIn("takes the password", said)
        # The account says the same.
        self.check_says(self.evpopd.ctl("account", "anna").stdout,
                        ("Token", "none"), ("What is wrong", "not yet"))

    def test_all_is_well(self):
        self.begin()
        said = self.doctor("anna")
        self.check_says(said, ("Consent", "given"), ("Token", "fresh"),
                        ("Expires", r"\d"))
        self.assertNotIn("What to do", said)
        told = json.loads(self.evpopd.ctl("--json", "doctor", "anna", code=1)
                          .stdout)
        self.assertEqual(
            {**told["authorization"], "expires_at": None},
            {**self.evpopd.account("anna")["authorization"],
             "expires_at": None})
        self.check_clean()

    def test_what_the_provider_says(self):
        self.begin()
        for body, wrong, advice in (
                (GOOGLE_SAYS, "expired or revoked", 'in "Testing" loses it'),
                (MICROSOFT_SAYS, "AADSTS65001", "an administrator has to")):
            with self.subTest(wrong):
                self.no_token(body)
                self.check_says(
                    self.doctor("anna", code=77), ("Token", "revoked"),
                    ("What is wrong", wrong), ("What to do", advice))

    def test_endpoint_down(self):
        self.begin()
        self.no_token({"error": "temporarily_unavailable"}, 503)
        self.check_says(self.doctor("anna", code=69), ("Token", "down"),
                        ("What is wrong", "503"),
                        ("What to do", "tries again by itself"))

    def test_pop_is_off(self):
        """Of a provider that has it off for new mailboxes."""
        self.authorize()
        self.evpopd.accounts["anna"].update(provider="outlook", auth="xoauth2")
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.auth.make_token = lambda user, seconds: authserver.make_jwt(
            user, seconds, key=b"not the server's")
        self.consent()
        self.check_says(
            self.doctor("anna", code=77), ("Token", "refused"),
            ("What to do", "POP may be off for the mailbox"))
        said = self.evpopd.ctl("status", code=1).stdout
        self.assertRegex(" ".join(said.split()),
                         "Attention anna: .*POP may be off for the mailbox")

    def test_what_was_given(self):
        """The user has allowed less than was asked for."""
        self.begin()
        self.auth.answers = [(200, {
            "access_token": authserver.make_jwt("anna", 3600),
            "token_type": "Bearer", "scope": "offline_access"})]
        self.evpopd.restart()
        self.evpopd.wait_polled()
        self.check_says(self.doctor("anna"), ("Scopes", "offline_access$"))

    def test_by_the_configuration(self):
        """Without the daemon, and what it has."""
        self.authorize()
        self.evpopd.write_config()
        said = self.doctor("--config", self.evpopd.config_file, "anna")
        self.check_says(said, ("Capabilities", "SASL"))
        self.assertIn("the daemon has the tokens", said.replace("\n", " "))
        self.assertEqual(self.auth.requests, [])

    def test_target(self):
        """Its client has a secret, which is sealed for it."""
        self.authorize(secret="the client's")
        google = self.enterContext(gmail.Gmail("anna@example.test",
                                               tokens=("good",)))
        self.evpopd.targets["gmail"] = google.target(
            **self.auth.keys(oauth2_flow="device"))
        sealed = self.evpopd.ctl(
            "seal", "--key", self.evpopd.daemon["key_file"], "--target",
            "gmail", input="the client's\n").stdout.partition(" = ")[2]
        del self.evpopd.targets["gmail"]["oauth2_client_secret"]
        self.evpopd.targets["gmail"]["oauth2_client_secret_sealed"] = (
            sealed.strip())
        del self.evpopd.targets["gmail"]["token_command"]
        self.evpopd.start()
        said = self.doctor("gmail", code=77)
        self.check_says(said, ("Mail", "cannot be delivered"),
                        ("Token", "none"),
                        ("What to do", '"evpopctl oauth target:gmail"'))
        self.evpopd.post("/v1/targets/gmail/authorize", {"flow": "device"})
        self.auth.make_token = lambda user, seconds: "good"
        self.auth.consent()
        procs.wait_for(lambda: self.evpopd.get("/v1/targets/gmail")[
            "authorization"]["state"] == "fresh", what="a token")
        said = self.doctor("gmail", code=0)
        self.check_says(said, ("Mail", "can be delivered"),
                        ("Scopes", "mail"), ("Token", "fresh"))
        self.check_says(self.evpopd.ctl("targets", "show", "gmail").stdout,
                        ("Token", "fresh"))


if __name__ == "__main__":
    unittest.main()
