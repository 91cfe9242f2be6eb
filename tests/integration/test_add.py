"""evpopctl add and remove: from an address to its mail, and back."""

import json
import os
import pathlib
import stat
import unittest

from harness import certificates, daemon, maildropd, procs

# A user for each that has mail fetched: one maildrop is one account's.
WORDS = {"anna": "s3cret", "b@example.test": 'a "quoted" #1; ',
         "gone": "s3cret", "mail": "s3cret"}


class Place:
    """A running daemon whose configuration includes a folder of accounts."""

    def __init__(self, server, authority, under=(), **keywords):
        self.authority = authority
        self.evpopd = daemon.Evpopd(
            daemon={"include": "accounts.d/*.conf"},
            environment={"SSL_CERT_FILE": authority.file}, under=under,
            **keywords)
        self.accounts = self.evpopd.folder / "accounts.d"
        self.accounts.mkdir()
        self.server = server

    def __enter__(self):
        self.evpopd.__enter__()
        return self

    def __exit__(self, *words):
        self.evpopd.__exit__(*words)

    def ctl(self, *words, code=0, given="", **keywords):
        return self.evpopd.ctl(
            words[0], "--config", self.evpopd.config_file, *words[1:],
            code=code, input=given,
            env={**os.environ, "SSL_CERT_FILE": str(self.authority.file)},
            **keywords)

    def add(self, *words, code=0, given="", port=None):
        if port is None:
            port = self.server.tls_port
        return self.ctl("add", "--server", f"localhost:{port}",
                        "--password-fd", "0", "--yes", *words, code=code,
                        given=given)


class AddTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(procs.temporary_folder()))
        cls.authority = certificates.CertificateAuthority(folder / "ca")
        cls.server = cls.enterClassContext(maildropd.MaildropServer(
            users=WORDS, certificate=cls.authority.server()))
        cls.place = cls.enterClassContext(Place(cls.server, cls.authority))
        cls.place.evpopd.let_others_run()

    def tearDown(self):
        for file in self.place.accounts.glob("*.conf"):
            file.unlink()
        self.place.evpopd.post("/v1/reload")

    def test_from_an_address_to_mail(self):
        self.server.deliver("mail", [b"Subject: one\r\n\r\nHello\r\n",
                                     b"Subject: two\r\n\r\nHello\r\n"])
        told = self.place.add("--login", "mail", "--name", "first",
                              "mail@example.test", given="s3cret\n").stdout
        for words in (r"Server +localhost, port \d+, TLS",
                      r"Certificate +valid, ", r"Log-in +works, by ",
                      r"2 messages", r"Written to +.*/accounts.d/first.conf",
                      r"first +ok, 2 fetched", r"Its mail +evpopctl messages --account first"):
            self.assertRegex(told, words)
        file = self.place.accounts / "first.conf"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertNotIn("s3cret", told)
        self.assertEqual(len(self.place.evpopd.messages("first")), 2)
        self.assertEqual([one.name for one in self.place.accounts.iterdir()],
                         ["first.conf"])

    def test_a_password_of_any_kind_stays_what_it_is(self):
        self.place.add("b@example.test", "--keep", "14d", "--baseline",
                       "--set", "interval=7m",
                       given='a "quoted" #1; \n')
        account = self.place.evpopd.account("b@example.test")
        self.assertEqual(account["last_outcome"], "ok")
        text = (self.place.accounts / "b@example.test.conf").read_text()
        for line in ("keep = 14d", "baseline = yes", "interval=7m"):
            self.assertIn(line.replace("=7m", " = 7m"), text)

    def test_a_wrong_password(self):
        """Nothing is written, and the daemon does not hear of it."""
        done = self.place.add("--login", "anna", "anna@example.test",
                              code=77, given="wrong\n")
        self.assertIn("refuses the log-in", done.stderr)
        self.assertIn("the password is wrong", done.stderr)
        self.assertEqual(list(self.place.accounts.iterdir()), [])
        # So does one that the daemon would have read for itself.
        for option in ("--password-command", "--password-file"):
            secret = self.place.evpopd.folder / "secret"
            secret.write_text("wrong\n")
            secret.chmod(0o600)
            done = self.place.ctl(
                "add", "--server", f"localhost:{self.server.tls_port}",
                "--yes", "--login", "anna", "anna@example.test", option,
                secret if option.endswith("file") else f"cat {secret}",
                code=77)
            self.assertIn("refuses the log-in", done.stderr)
            self.assertEqual(list(self.place.accounts.iterdir()), [])
            secret.write_text("s3cret\n")
            self.place.ctl(
                "add", "--server", f"localhost:{self.server.tls_port}",
                "--yes", "--login", "anna", "anna@example.test", option,
                secret if option.endswith("file") else f"cat {secret}")
            self.place.ctl("remove", "--yes", "anna@example.test")

    def test_nothing_comes_twice(self):
        self.place.add("--login", "anna", "anna@example.test",
                       given="s3cret\n")
        self.assertIn("already", self.place.add(
            "--login", "anna", "anna@example.test", code=78,
            given="s3cret\n").stderr)
        self.assertIn("fetches this mail already", self.place.add(
            "--login", "anna", "--name", "other", "anna@example.test",
            code=78, given="s3cret\n").stderr)

    def test_remove(self):
        self.place.add("--login", "gone", "--name", "gone",
                       "gone@example.test", given="s3cret\n")
        self.assertIn("there is no terminal to ask", self.place.ctl(
            "remove", "gone", code=64).stderr)
        told = self.place.ctl("remove", "--yes", "gone").stdout
        self.assertIn("stays in the store", told)
        self.assertEqual(list(self.place.accounts.iterdir()), [])
        self.assertNotIn("gone", [one["account"] for one in self.place.
                                  evpopd.get("/v1/accounts")["accounts"]])
        self.assertIn("no account", self.place.ctl(
            "remove", "--yes", "gone", code=66).stderr)

    def test_what_stands_with_others_is_not_removed(self):
        two = self.place.accounts / "two.conf"
        two.touch(0o600)
        two.write_text("".join(
            f"[account {name}]\nhost = localhost\nuser = {name}\n"
            "password = x\nenabled = no\n" for name in ("c", "d")))
        done = self.place.ctl("remove", "--yes", "d", code=78)
        self.assertIn("more than account", done.stderr)
        self.assertIn("line 6", done.stderr)
        self.assertTrue(two.exists())

    def test_a_setting_that_is_wrong(self):
        done = self.place.add("--login", "anna", "anna@example.test",
                              "--set", "intervall=5m", code=78,
                              given="s3cret\n")
        self.assertIn("did you mean interval?", done.stderr)
        self.assertEqual(list(self.place.accounts.iterdir()), [])

    def test_lines_that_are_wrong(self):
        for words, said in (
                (["anna"], "is no address"),
                (["anna@localhost"], "is no address"),
                (["a@b@"], "is no address"),
                (["a@example.test", "--tls", "none"], "expected implicit"),
                (["a@example.test", "--provider", "gmail"], "either"),
                (["a@example.test", "--keep", "soon"], "--keep: invalid"),
                (["a'b@example.test"], "cannot be the name"),
                (["a@example.test", "--name", "../x"], "cannot be the name"),
                (["a@example.test", "--password-file", "/x"], "either")):
            self.assertIn(said, self.place.add(
                "--login", "anna", *words, code=64,
                given="s3cret\n").stderr, words)
        self.assertIn("there is no terminal", self.place.ctl(
            "add", "a@example.test", code=64).stderr)

    def test_nothing_becomes_another_key(self):
        for option, value in (
                ("--login", 'x"\npassword_command = touch /tmp/x\n'),
                ("--deliver", "x\nhost = example.test"),
                ("--set", "interval=5m\nhost=example.test")):
            done = self.place.ctl(
                "add", "--server", f"localhost:{self.server.tls_port}",
                "--dry-run", "anna@example.test", option, value,
                code=64 if option == "--set" else 65)
            self.assertIn("control character", done.stderr)

    def test_the_daemons_user_owns_the_file(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        store = self.place.evpopd.store_file
        os.chown(store, 12345, -1)
        try:
            self.place.add("--login", "anna", "--name", "owned", "--no-poll",
                           "anna@example.test", given="s3cret\n")
        finally:
            os.chown(store, 0, -1)
        self.assertEqual(
            (self.place.accounts / "owned.conf").stat().st_uid, 12345)

    def test_who_may_not_read_the_configuration(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        done = procs.run(
            [self.place.evpopd.ctl_program, "add", "-c",
             self.place.evpopd.config_file, "--password-fd", "0",
             "anna@example.test"], check=False, input="x\n", user=65534)
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn("try sudo", done.stderr)

    def test_who_may_not_write_the_folder(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        place = self.place
        mode = stat.S_IMODE(place.evpopd.config_file.stat().st_mode)
        place.accounts.chmod(0o755)
        place.evpopd.config_file.chmod(0o644)
        place.authority.file.chmod(0o644)
        for folder in (place.authority.folder,
                       place.authority.folder.parent):
            folder.chmod(0o755)
        try:
            done = procs.run(
                [place.evpopd.ctl_program, "add", "-c",
                 place.evpopd.config_file, "--server",
                 f"localhost:{self.server.tls_port}", "--password-fd", "0",
                 "--yes", "--login", "anna", "anna@example.test"],
                check=False, input="s3cret\n", user=65534,
                env={**os.environ,
                     "SSL_CERT_FILE": str(place.authority.file)})
        finally:
            place.evpopd.config_file.chmod(mode)
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn("Permission denied", done.stderr)
        self.assertIn("try sudo", done.stderr)

    def test_dry_run(self):
        told = json.loads(self.place.ctl(
            "add", "--json", "--dry-run", "--server",
            f"localhost:{self.server.tls_port}", "anna@example.test").stdout)
        self.assertEqual(
            (told["host"], told["port"], told["tls"], told["user"]),
            ("localhost", self.server.tls_port, "implicit",
             "anna@example.test"))
        self.assertEqual(list(self.place.accounts.iterdir()), [])

    def test_stls(self):
        told = self.place.add("--login", "anna", "anna@example.test",
                              port=self.server.port, given="s3cret\n").stdout
        self.assertIn("STLS", told)
        self.assertIn("tls = stls", (
            self.place.accounts / "anna@example.test.conf").read_text())

    def test_a_server_that_nobody_vouches_for(self):
        done = self.place.evpopd.ctl(
            "add", "--config", self.place.evpopd.config_file, "--yes",
            "--server", f"localhost:{self.server.tls_port}", "--password-fd",
            "0", "anna@example.test", input="s3cret\n", code=69)
        self.assertIn("unknown CA", done.stderr)

    def test_sealed_where_there_is_a_key(self):
        key = self.place.evpopd.folder / "some.key"
        self.place.evpopd.ctl("key", "generate", key)
        with Place(self.server, self.authority) as place:
            place.evpopd.daemon["key_file"] = key
            place.evpopd.restart()
            told = place.add("--login", "anna", "--name", "anna",
                             "anna@example.test", given="s3cret\n").stdout
            self.assertRegex(told, "Password +sealed")
            text = (place.accounts / "anna.conf").read_text()
            self.assertIn("password_sealed = evpop-password-1:", text)
            self.assertNotIn("s3cret", text)


class WithoutTest(unittest.TestCase):
    def test_no_daemon_and_another_one(self):
        """The account is written, and what is missing is said."""
        with maildropd.MaildropServer(users={"anna": "s3cret"}) as server, \
                Place(server, server.ca) as one, \
                Place(server, server.ca) as other:
            self.assertIn("reads another configuration", one.ctl(
                "add", "-c", other.evpopd.config_file, "--server",
                f"localhost:{server.tls_port}", "--yes", "--password-fd",
                "0", "--login", "anna", "--name", "x", "anna@example.test",
                given="s3cret\n", code=66).stderr)
            one.evpopd.halt()
            done = one.add("--login", "anna", "--name", "later",
                           "anna@example.test", given="s3cret\n", code=69)
            self.assertIn("once it is started", done.stderr)
            one.evpopd.start()
            one.evpopd.wait_polled("later")
            self.assertEqual(
                one.evpopd.account("later")["last_outcome"], "ok")

    def test_no_folder_is_included(self):
        with daemon.Evpopd() as evpopd:
            done = evpopd.ctl("add", "-c", evpopd.config_file, "--yes",
                              "--password-fd", "0", "anna@example.test",
                              input="x\n", code=78)
            self.assertIn("include = accounts.d/*.conf", done.stderr)


if __name__ == "__main__":
    unittest.main()
