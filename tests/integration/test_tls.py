"""Which certificates are believed, and what is said of the others."""

import datetime
import unittest

from harness import certificates, corpus, daemon, maildropd, procs

USERS = {"anna": "secret"}


class CertificateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(procs.temporary_folder())
        cls.ca = certificates.CertificateAuthority(folder / "ca")
        cls.other_ca = certificates.CertificateAuthority(folder / "other",
                                                         "another authority")

    def poll(self, certificate, tls, **keys):
        """An account after a poll of a server with that certificate."""
        with maildropd.MaildropServer(users=USERS,
                                      certificate=certificate) as server:
            server.deliver("anna", corpus.messages(3))
            keys.setdefault("tls_ca", self.ca.file)
            account = daemon.account_of(server, "anna", tls=tls, **keys)
            with daemon.Evpopd({"anna": account}) as evpopd:
                shown = evpopd.wait_polled()
                if shown["last_outcome"] != "ok":
                    done = evpopd.ctl("poll", "--wait", "anna", code=76)
                    self.assertIn(shown["last_text"][:40],
                                  done.stdout + done.stderr)
                    self.assertIn(shown["last_text"], evpopd.log())
            logins = server.stats()["logins"]
            commands = [command for *_, command in server.commands()]
        # No secret and no name went out before the server was believed.
        if shown["last_outcome"] != "ok":
            self.assertEqual(logins, 0)
            self.assertFalse([one for one in commands
                              if one.startswith(("USER", "PASS", "AUTH"))])
        return shown

    def check_good(self, certificate, tls="implicit", **keys):
        shown = self.poll(certificate, tls, **keys)
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(shown["stored"]["messages"], 3)

    def check_refused(self, words, advice, certificate, tls="implicit",
                      **keys):
        shown = self.poll(certificate, tls, **keys)
        self.assertEqual(shown["last_outcome"], "tls", shown)
        self.assertRegex(shown["last_text"], words)
        # Whoever wants to trust it is told its fingerprint.
        self.assertIn("sha256:" + certificate.sha256(), shown["last_text"])
        # To wait does not mend it, and what does is said.
        self.assertIn(advice, shown["advice"])
        self.assertNotIn("temporary", shown["advice"])
        self.assertEqual(shown["state"], "failing")
        self.assertIsNone(shown["last_success"])

    def test_what_an_account_shows(self):
        pin = "sha256:" + self.ca.server().sha256()
        with maildropd.MaildropServer(
                users=USERS, certificate=self.ca.server()) as server:
            keys = {"keep": "14d", "max_octets_per_day": "20M",
                    "interval": "1h"}
            accounts = {
                "anna": daemon.account_of(server, "anna", tls="implicit",
                                          tls_ca=self.ca.file, retain="90d",
                                          **keys),
                "bare": daemon.account_of(server, "anna", auth="USER"),
                "dead": {**daemon.account_of(server, "anna", tls="implicit",
                                             tls_pin=pin, keep="delete"),
                         "port": procs.free_ports(1)[0]}}
            with daemon.Evpopd(accounts) as evpopd:
                evpopd.wait_polled()
                shown = evpopd.account("anna")
                words = evpopd.ctl("account", "anna").stdout
                others = {name: evpopd.account(name)
                          for name in ("bare", "dead")}
                dead = evpopd.ctl("account", "dead").stdout
        expires = datetime.datetime.fromisoformat(
            shown.pop("certificate_expires").replace("Z", "+00:00"))
        days = (expires - datetime.datetime.now(datetime.timezone.utc)).days
        self.assertGreater(days, 0)
        self.assertLessEqual(
            {"keep": "14d", "retain": "90d", "max_octets_per_day": 20 << 20,
             "mechanism": "PLAIN", "tls_ca": str(self.ca.file),
             "tls_pins": []}.items(), shown.items())
        self.assertLessEqual(
            {"keep": "forever", "retain": "forever", "max_octets_per_day": 0,
             "mechanism": "USER", "certificate_expires": None, "tls_ca": None,
             "tls_pins": []}.items(), others["bare"].items())
        self.assertLessEqual(
            {"keep": "delete", "mechanism": None, "tls_pins": [pin],
             "certificate_expires": None}.items(), others["dead"].items())
        self.assertRegex(words, rf"Certificate +until \S+ \({days} days?\)\n")
        for line in (r"Trusted +\S+\n", r"Log-in by +PLAIN\n",
                     r"Keep +14d on the server, 90d here\n",
                     r"At most +20 MiB a day\n"):
            self.assertRegex(words, line)
        self.assertRegex(dead, rf"Pins +{pin}\n")
        self.assertIn("deleted on the server once stored, forever here", dead)
        self.assertNotIn("Certificate ", dead)

    def test_good(self):
        for tls in ("implicit", "stls"):
            self.check_good(self.ca.server(), tls)

    def test_bad(self):
        for words, advice, made in (
                ("expired on 20", "to renew the certificate",
                 self.ca.expired()),
                ("not yet valid", "set this machine's clock",
                 self.ca.not_yet_valid()),
                ("another name .*other.example.net", "set host to a name",
                 self.ca.wrong_name()),
                ("no subjectAltName .*common name .localhost. is not used",
                 "set host to a name", self.ca.without_names()),
                ("self-signed", "set tls_ca to", self.ca.self_signed())):
            with self.subTest(words):
                self.check_refused(words, advice, made)
        self.check_refused("expired", "to renew the certificate",
                           self.ca.expired(), "stls")

    def test_another_authority(self):
        self.check_refused("unknown CA", "set tls_ca to", self.ca.server(),
                           tls_ca=self.other_ca.file)
        # The system's authorities do not know it either.
        self.check_refused("unknown CA", "set tls_ca to", self.ca.server(),
                           tls_ca=None)

    def test_pins(self):
        made = self.ca.self_signed()
        other = self.ca.server("unpinned")
        for tls in ("implicit", "stls"):
            self.check_good(made, tls, tls_ca=None,
                            tls_pin="sha256:" + made.sha256())
        self.check_good(made, tls_ca=None,
                        tls_pin="spki-sha256:" + made.key_sha256())
        self.check_good(made, tls_ca=None, tls_pin="sha256:" + other.sha256() +
                        " sha256:" + made.sha256())
        # A pin is all that counts then, the right authority does not help.
        self.check_refused("matches no pin", "whether they changed", made,
                           tls_pin="sha256:" + other.sha256())
        self.check_refused("matches no pin", "whether they changed", other,
                           tls_pin="spki-sha256:" + made.key_sha256())

    def test_words_lead_to_a_pin_that_works(self):
        made = self.ca.expired()
        shown = self.poll(made, "implicit")
        pin = shown["last_text"].rpartition(" ")[2]
        self.check_good(made, tls_pin=pin)

    def test_client_certificate(self):
        client = self.ca.client()
        with maildropd.MaildropServer(
                users=USERS, certificate=self.ca.server(),
                client_ca=self.ca.file) as server:
            server.deliver("anna", corpus.messages(3))
            base = daemon.account_of(server, "anna", tls="implicit",
                                     tls_ca=self.ca.file)
            with daemon.Evpopd({
                    "with": {**base, "tls_cert": client.certificate,
                             "tls_key": client.key},
                    "without": base}) as evpopd:
                evpopd.wait_polled()
                self.assertEqual(evpopd.account("with")["last_outcome"], "ok")
                self.assertNotEqual(
                    evpopd.account("without")["last_outcome"], "ok")

    def test_files_that_will_not_do(self):
        with maildropd.MaildropServer(users=USERS) as server, \
                procs.temporary_folder() as folder:
            (folder / "empty.pem").write_text("nothing\n")
            for keys in ({"tls_ca": folder / "missing.pem"},
                         {"tls_ca": folder / "empty.pem"}):
                account = daemon.account_of(server, "anna", tls="implicit",
                                            **keys)
                evpopd = daemon.Evpopd({"anna": account})
                self.addCleanup(evpopd.remove)
                done = evpopd.once(code=75)
                self.assertIn(str(keys["tls_ca"]), done.stderr)

    def test_reload_reads_certificates_again(self):
        with maildropd.MaildropServer(users=USERS) as server, \
                procs.temporary_folder() as folder:
            file = folder / "ca.pem"
            file.write_bytes(self.other_ca.file.read_bytes())
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", tls="implicit",
                    tls_ca=file)}) as evpopd:
                self.assertEqual(evpopd.wait_polled()["last_outcome"], "tls")
                file.write_bytes(server.ca_file.read_bytes())
                evpopd.ctl("reload")
                self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")

    def test_stls_that_is_not_offered(self):
        with maildropd.MaildropServer(users=USERS, tls=False) as server:
            server.ca_file = self.ca.file
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", tls="stls")}) as evpopd:
                shown = evpopd.wait_polled()
                self.assertEqual(shown["last_outcome"], "tls", shown)
                self.assertIn("STLS", shown["last_text"])
            self.assertEqual(server.stats()["logins"], 0)
            self.assertFalse([one for *_, one in server.commands()
                              if one.startswith(("USER", "PASS"))])

    def test_plain_port_for_implicit_tls(self):
        """And the other way round: words, not silence."""
        with maildropd.MaildropServer(users=USERS) as server:
            accounts = {
                "tls": daemon.account_of(server, "anna", tls="implicit",
                                         port=server.port),
                "plain": daemon.account_of(server, "anna",
                                           port=server.tls_port,
                                           timeout_greeting="1s")}
            with daemon.Evpopd(accounts) as evpopd:
                evpopd.wait_polled()
                self.assertEqual(evpopd.account("tls")["last_outcome"], "tls")
                self.assertIn(evpopd.account("plain")["last_outcome"],
                              ("timeout", "protocol", "io"))
                for name in accounts:
                    self.assertNotEqual(evpopd.account(name)["last_text"], "")


class ResumptionTest(unittest.TestCase):
    def test_sessions_are_resumed(self):
        """A second poll needs no second full handshake."""
        with maildropd.MaildropServer(users=USERS) as server, daemon.Evpopd(
                {"anna": daemon.account_of(server, "anna",
                                           tls="implicit")}) as evpopd:
            evpopd.wait_polled()
            for _ in range(3):
                self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
            self.assertEqual(server.stats()["tls_handshakes"], 4)
            self.assertEqual(server.stats()["tls_resumed"], 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
