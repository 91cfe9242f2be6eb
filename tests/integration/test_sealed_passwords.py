"""Keys, and the passwords that are sealed with them in the configuration."""

import os
import unittest

from harness import (corpus, daemon, dovecot, imap_server, maildropd, procs,
                     typist)

SECRET = "s3cret with spaces # ; and ä"
USERS = {"anna": SECRET, "bert": "another"}


class SealedPasswordTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        self.server.deliver("anna", corpus.messages(2))
        self.evpopd = daemon.Evpopd(daemon={"log_level": "debug"})
        self.addCleanup(self.evpopd.remove)
        self.key = self.evpopd.folder / "evpopd.key"
        self.public = self.generate(self.key)

    def generate(self, path, *options, **keywords):
        """Make a key; its public half."""
        return self.evpopd.ctl(
            "key", "generate", *options, path, **keywords).stdout.strip()

    def seal(self, *options, password=SECRET, key=None):
        line = self.evpopd.ctl("seal", "--key", key or self.key, *options,
                               input=password + "\n").stdout
        name, equals, sealed = line.rstrip("\n").split(" ")
        self.assertEqual((name, equals), ("password_sealed", "="))
        self.assertNotIn(SECRET, line)
        return sealed

    def configure(self, sealed, name="anna", **keys):
        keys = {"password": None, "password_sealed": sealed, **keys}
        self.evpopd.accounts[name] = daemon.account_of(
            self.server, "anna", **keys)

    def poll(self, name="anna"):
        """The account after a poll of a daemon of its own."""
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.evpopd.halt()
        self.assertNotIn(SECRET, self.evpopd.log())
        self.assertNotIn(SECRET, str(shown))
        return shown if "last_outcome" in shown else self.fail(shown)

    def check_good(self):
        shown = self.poll()
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(shown["stored"]["messages"], 2)

    def check_refused(self, words):
        logins = self.server.stats()["logins"]
        shown = self.poll()
        self.assertEqual(shown["last_outcome"], "usage", shown)
        self.assertRegex(shown["last_text"], words)
        self.assertIn("password_sealed", shown["advice"])
        self.assertEqual(self.server.stats()["logins"], logins)
        self.assertRegex(self.evpopd.log(), words)

    def check(self, code, words):
        """What --check says."""
        self.evpopd.write_config()
        done = self.evpopd.run("--check")
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, words)
        self.assertNotIn(SECRET, done.stderr)

    def test_by_the_key_in_a_file(self):
        self.evpopd.daemon["key_file"] = self.key
        self.configure(self.seal())
        self.check(0, r"^$")
        self.check_good()
        self.evpopd.once()
        self.assertNotIn(SECRET, self.evpopd.config_file.read_text())

    def test_at_dovecot(self):
        with dovecot.Dovecot(users={"anna": SECRET}) as server:
            server.deliver("anna", corpus.messages(3))
            self.evpopd.daemon["key_file"] = self.key
            self.evpopd.accounts["anna"] = daemon.account_of(
                server, "anna", tls="implicit", password=None,
                password_sealed=self.seal("--account", "anna"))
            shown = self.poll()
            self.assertEqual(shown["last_outcome"], "ok", shown)
            self.assertEqual(shown["stored"]["messages"], 3)

    def test_by_the_key_in_a_credential(self):
        folder = self.evpopd.folder / "credentials"
        folder.mkdir(mode=0o700)
        self.configure(self.seal())
        self.check_refused("needs the daemon's key")
        self.check(0, "warning: .*anna.*password_sealed: no key to try it")
        self.key.rename(folder / "evpopd.key")
        self.evpopd.environment["CREDENTIALS_DIRECTORY"] = folder
        (folder / "evpopd.key").chmod(0o440)
        self.check(0, r"^$")
        self.check_good()

    def test_a_clients_secret_without_the_key(self):
        self.evpopd.accounts["anna"] = daemon.account_of(
            self.server, "anna", password=None, oauth2_client_id="evpop",
            oauth2_client_secret_sealed=self.seal(),
            oauth2_flow="client-credentials",
            oauth2_token_url="https://login.example.org/token")
        self.check(0, r"warning: .*\[account anna\]: "
                   "oauth2_client_secret_sealed: no key to try it")

    def test_bound_to_an_account(self):
        self.evpopd.daemon["key_file"] = self.key
        self.configure(self.seal("--account", "anna"))
        self.check_good()
        # By its id, which stays when the account is renamed.
        self.configure(self.seal("--account", "a-1"), id="a-1")
        self.check(0, r"^$")
        self.configure(self.seal("--account", "bert"))
        self.check(78, r'evpopd.conf:\d+: \[account anna\]: password_sealed '
                       r'is bound to the account "bert", and this is "anna"')
        self.check_refused('bound to the account "bert"')

    def test_bound_to_a_target(self):
        self.evpopd.daemon["key_file"] = self.key
        self.configure(self.seal())
        target = self.evpopd.targets["desk"] = {
            "type": "http", "url": "https://desk.example/",
            "secret_sealed": self.seal("--target", "desk")}
        self.check(0, r"^$")
        for bound in (("--account", "desk"), ("--target", "other")):
            target["secret_sealed"] = self.seal(*bound)
            self.check(78, r"evpopd.conf:\d+: \[target desk\]: "
                           r"secret_sealed: .* is bound to the "
                           rf'{bound[0][2:]} "{bound[1]}", and this is the '
                           r'target "desk"; .*evpopctl seal --target desk')

    def test_secrets_of_a_target(self):
        """All five sources, and a sealed one that is not its own."""
        self.evpopd.daemon["key_file"] = self.key
        folder = self.evpopd.folder / "credentials"
        folder.mkdir(mode=0o700)
        self.evpopd.environment["CREDENTIALS_DIRECTORY"] = folder
        for file in (folder / "desk", self.evpopd.folder / "desk"):
            file.touch(0o600)
            file.write_text("secret\n")
        sources = (("password", "secret"),
                   ("password_file", self.evpopd.folder / "desk"),
                   ("password_command", "echo secret"),
                   ("password_credential", "desk"),
                   ("password_sealed", self.seal(
                       "--target", "desk", password="secret")))
        target = self.enterContext(imap_server.ScriptedImap())
        self.configure(self.seal(), deliver="desk")
        keys = {"type": "imap", "host": "127.0.0.1", "port": target.port,
                "tls": "none", "user": "desk"}
        for number, (key, value) in enumerate(sources):
            with self.subTest(key):
                self.server.deliver("anna", corpus.messages(1))
                self.evpopd.targets["desk"] = {**keys, key: value}
                self.evpopd.once()
                self.assertEqual(len(target.bodies()), 3 + number)
        self.evpopd.targets["desk"] = {**keys, "password_sealed": self.seal(
            "--account", "desk", password="secret")}
        self.server.deliver("anna", corpus.messages(1))
        said = self.evpopd.once(code=75)
        self.assertIn('is bound to the account "desk", and this is the target '
                      '"desk"', said.stderr)
        self.assertEqual(len(target.bodies()), 7)

    def test_with_another_key(self):
        self.evpopd.daemon["key_file"] = self.key
        other = self.evpopd.folder / "other.key"
        self.generate(other)
        self.configure(self.seal(key=other))
        self.check(78, r"\[account anna\]: password_sealed is sealed with the "
                       r"key [0-9a-f]{16}, and evpopd has the key "
                       r"[0-9a-f]{16}; .*evpopctl seal")
        self.check_refused("is sealed with the key")

    def test_damaged(self):
        self.evpopd.daemon["key_file"] = self.key
        sealed = self.seal()
        middle = len(sealed) - 40
        swapped = "A" if sealed[middle] != "A" else "B"
        self.configure(sealed[:middle] + swapped + sealed[middle + 1:])
        self.check(78, "password_sealed is damaged")
        self.check_refused("is damaged")
        # What is no such value at all may be the password, and is not shown.
        self.configure(SECRET)
        self.check(78, "password_sealed: expected \"evpop-password-1:\" and")

    def test_nothing_is_told_by_its_length(self):
        self.assertEqual(len(self.seal(password="x")),
                         len(self.seal(password="x" * 62)))
        self.assertNotEqual(self.seal(), self.seal())

    def test_beside_another_source(self):
        self.configure(self.seal(), password="x")
        self.check(78, "password and password_sealed are both given")

    def check_status(self, path, public):
        """Which key the daemon says that it has."""
        self.assertEqual(self.evpopd.get("/v1/status")["key"],
                         {"source": os.fspath(path), "public": public})
        self.assertRegex(self.evpopd.ctl("status").stdout,
                         rf"(?m)^Key +{path}, {public}$")

    def test_reload_with_another_key(self):
        self.evpopd.daemon["key_file"] = self.key
        self.configure(self.seal(), interval="1h")
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.check_status(self.key, self.public)
        other = self.evpopd.folder / "other.key"
        public = self.generate(other)
        # Nothing of it is applied while a password does not open.
        self.evpopd.daemon["key_file"] = other
        self.evpopd.write_config()
        done = self.evpopd.ctl("reload", code=78)
        self.assertRegex(done.stderr, "is sealed with the key")
        self.assertEqual(self.evpopd.poll("anna")["last_outcome"], "ok")
        self.check_status(self.key, self.public)
        # All of it, once they were sealed anew.
        self.configure(self.seal(key=other), interval="1h")
        self.evpopd.write_config()
        self.evpopd.ctl("reload")
        self.assertEqual(self.evpopd.poll("anna")["last_outcome"], "ok")
        self.check_status(other, public)
        # No key any more, and nothing that needs one.
        del self.evpopd.daemon["key_file"]
        self.configure(None, password=SECRET, interval="1h")
        self.evpopd.write_config()
        self.evpopd.ctl("reload")
        self.assertNotIn("key", self.evpopd.get("/v1/status"))
        self.evpopd.halt()

    def check_no_start(self, words):
        """Neither --check nor the daemon takes the key."""
        self.check(78, words)
        done = self.evpopd.run()
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, words)

    def test_key_that_will_not_do(self):
        self.evpopd.daemon["key_file"] = self.key
        self.configure(self.seal())
        locked = self.evpopd.folder / "locked.key"
        self.generate(locked, "--passphrase", input="a passphrase\n")
        self.evpopd.daemon["key_file"] = locked
        self.check_no_start("locked.key: .*passphrase.*nobody to ask")
        self.key.write_text("password\n")
        self.evpopd.daemon["key_file"] = self.key
        self.check_no_start("evpopd.key: expected a key as .*key generate")
        # Of files that only the daemon may read, --check only warns.
        self.key.chmod(0o644)
        self.check(0, "warning: key_file: .*open to other users.*chmod 600")
        self.assertEqual(self.evpopd.run().returncode, 78)
        self.key.unlink()
        self.check(0, "warning: key_file: .*No such file")
        self.assertEqual(self.evpopd.run().returncode, 78)
        # What can be said without it is said all the same.
        self.evpopd.store["seal_to"] = "evpop-public-1:" + 43 * "A"
        self.check(78, "seal_to: it is no public key")


class KeyTest(unittest.TestCase):
    """evpopctl key and seal, which need no daemon."""

    def setUp(self):
        self.evpopd = daemon.Evpopd()
        self.addCleanup(self.evpopd.remove)
        self.key = self.evpopd.folder / "a.key"

    def ctl(self, *words, **keywords):
        return self.evpopd.ctl(*words, **keywords)

    def test_generate(self):
        public = self.ctl("key", "generate", self.key).stdout
        self.assertRegex(public, r"\Aevpop-public-1:[\w-]{43}\n\Z")
        self.assertEqual(self.key.stat().st_mode & 0o7777, 0o600)
        text = self.key.read_text()
        self.assertRegex(text, r"(?m)^evpop-secret-1:[\w-]{43}$")
        self.assertIn(f"# Its public half: {public}", text)
        self.assertEqual(self.ctl("key", "public", self.key).stdout, public)
        self.assertEqual(self.evpopd.ctl_json("key", "public", self.key),
                         {"public": public.strip()})
        done = self.ctl("key", "generate", self.key, code=74)
        self.assertRegex(done.stderr, "never written over")
        self.assertEqual(self.key.read_text(), text)
        done = self.ctl("key", "generate", self.key / "b", code=74)
        self.assertRegex(done.stderr, "cannot create: Not a directory")

    def test_generate_to_standard_output(self):
        done = self.ctl("key", "generate", "-")
        self.key.touch(0o600)
        self.key.write_text(done.stdout)
        self.assertEqual(self.ctl("key", "public", self.key).stdout,
                         done.stderr)

    def test_under_a_passphrase(self):
        made = self.ctl("key", "generate", "--passphrase", self.key,
                        input="correct horse\n").stdout
        self.assertIn("evpop-secret-argon2id-1:", self.key.read_text())
        self.assertEqual(self.ctl("key", "public", self.key,
                                  input="correct horse\n").stdout, made)
        done = self.ctl("key", "public", self.key, input="x\n", code=77)
        self.assertRegex(done.stderr, "a.key: the passphrase is wrong")
        done = self.ctl("key", "public", self.key, input="", code=64)
        self.assertRegex(done.stderr, "expected the passphrase")
        self.ctl("key", "generate", "--passphrase", self.key.parent / "b.key",
                 input="\n", code=64)
        self.assertFalse((self.key.parent / "b.key").exists())
        # To seal with it: the passphrase first, then the password.
        done = self.ctl("seal", "--key", self.key,
                        input="correct horse\nsecret\n")
        self.assertRegex(done.stdout,
                         r"\Apassword_sealed = evpop-password-1:[\w-]+\n\Z")

    def owned(self, uid):
        """The key is this user's, who reaches it."""
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        self.ctl("key", "generate", self.key)
        os.chown(self.key, uid, -1)
        self.evpopd.let_others_run()

    def test_root_seals_with_the_key_of_the_daemons_user(self):
        """As README has it: key generate, chown evpopd, seal, --check."""
        self.owned(12345)
        self.assertIn("password_sealed = evpop-password-1:", self.ctl(
            "seal", "--key", self.key, input="x\n").stdout)
        self.evpopd.daemon["key_file"] = self.key
        self.evpopd.write_config()
        self.assertNotIn("key_file", self.evpopd.run("--check").stderr)
        self.key.write_text("password\n")
        self.assertIn("expected a key", self.ctl(
            "key", "public", self.key, code=65).stderr)

    def test_who_may_not_read_the_key(self):
        self.owned(12345)
        for folder in (0o711, 0o700):
            inner = self.evpopd.folder / "inner"
            inner.mkdir(exist_ok=True)
            inner.chmod(folder)
            key = inner / "a.key"
            if self.key.exists():
                self.key.rename(key)
            done = procs.run([self.evpopd.ctl_program, "seal", "-k", key],
                             check=False, input="x\n", user=65534)
            self.assertEqual(done.returncode, 77, done.stderr)
            self.assertIn("Permission denied", done.stderr)
            self.assertIn("try sudo", done.stderr)

    def test_wrong_use(self):
        self.ctl("key", "generate", self.key)
        for words in (["key"], ["key", "generate"], ["key", "open", "x"],
                      ["key", "public", "x", "y"],
                      ["key", "public", "--passphrase", self.key],
                      ["seal", "x"], ["seal", "--account", ""],
                      ["seal", "--account", "x" * 256]):
            self.ctl(*words, code=64, input="")
        self.ctl("seal", "--key", self.key, input="\n", code=64)
        self.ctl("seal", "--key", self.key, input="a\0b\n", code=64)
        self.key.chmod(0o640)
        done = self.ctl("seal", "--key", self.key, input="x\n", code=77)
        self.assertRegex(done.stderr, "open to other users")

    def type_seal(self):
        self.ctl("key", "generate", self.key)
        return typist.Typist(self.evpopd.ctl_program, "seal", "--key", self.key)

    def test_typed(self):
        typist = self.type_seal()
        typist.answer("Password: ", SECRET + "\n")
        typist.answer("Once more: ", SECRET + "\n")
        self.assertEqual(typist.end(), 0, typist.seen)
        self.assertNotIn(SECRET, typist.seen)
        self.assertRegex(typist.seen, "password_sealed = evpop-password-1:")

    def test_typed_wrongly(self):
        typist = self.type_seal()
        typist.answer("Password: ", SECRET + "\n")
        typist.answer("Once more: ", SECRET + "!\n")
        self.assertEqual(typist.end(), 64)
        self.assertRegex(typist.seen, "the two differ")

    def test_interrupted_while_typing(self):
        """The terminal is as it was."""
        self.ctl("key", "generate", self.key)
        shell = typist.Typist("/bin/sh", "-c",
                       'trap : INT; "$1" seal --key "$2"; echo "code $?"; '
                       'read line; echo "got $line"', "sh",
                       self.evpopd.ctl_program, self.key)
        shell.answer("Password: ", "secr\x03")
        while "code 130" not in shell.seen:
            self.assertTrue(shell.read(), shell.seen)
        self.assertTrue(shell.echoes())
        os.write(shell.master, b"line\n")
        self.assertEqual(shell.end(), 0)
        self.assertIn("got line", shell.seen)

    def test_where_the_key_is_without_being_named(self):
        """As the daemon: the credential of the service it runs in."""
        self.ctl("key", "generate", self.evpopd.folder / "evpopd.key")
        done = self.ctl("seal", input="x\n", env=os.environ | {
            "CREDENTIALS_DIRECTORY": os.fspath(self.evpopd.folder)})
        self.assertIn("password_sealed = ", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
