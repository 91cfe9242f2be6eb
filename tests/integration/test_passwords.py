"""Where passwords come from, and where they must not go."""

import os
import unittest

from harness import corpus, daemon, maildropd, procs

SECRET = "s3cret with spaces # ; and \u00e4"
USERS = {"anna": SECRET}


class PasswordTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        self.server.deliver("anna", corpus.messages(2))
        self.evpopd = daemon.Evpopd(daemon={"log_level": "debug"})
        self.addCleanup(self.evpopd.remove)

    def file(self, text, mode=0o600):
        path = self.evpopd.folder / "password"
        path.touch(0o600)
        path.write_text(text)
        path.chmod(mode)
        return path

    def poll_with(self, **keys):
        """The account after a poll with the password from there."""
        keys.setdefault("password", None)
        self.evpopd.accounts["anna"] = daemon.account_of(
            self.server, "anna", **keys)
        self.evpopd.start()
        shown = self.evpopd.wait_polled()
        self.evpopd.halt()
        self.assertNotIn(SECRET, self.evpopd.log())
        self.assertNotIn(SECRET, str(shown))
        return shown

    def check_good(self, **keys):
        shown = self.poll_with(**keys)
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(shown["stored"]["messages"], 2)

    def check_refused(self, words, **keys):
        logins = self.server.stats()["logins"]
        shown = self.poll_with(**keys)
        self.assertEqual(shown["last_outcome"], "usage", shown)
        self.assertRegex(shown["last_text"], words)
        self.assertEqual(shown["state"], "failing")
        self.assertEqual(self.server.stats()["logins"], logins)

    def mount_read_only(self, name):
        """A folder that the daemon, and it alone, sees as mounted read-only."""
        folder = self.evpopd.folder / name
        folder.mkdir()
        self.evpopd.under = [
            "unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c",
            f'mount --bind "{folder}" "{folder}" && '
            f'mount -o remount,bind,ro "{folder}" && exec "$@"', "sh"]
        if procs.run([*self.evpopd.under, "true"], check=False).returncode:
            self.skipTest("nothing can be mounted here")
        return folder

    def test_in_the_configuration(self):
        self.check_good(password=SECRET)

    def test_file(self):
        self.check_good(password_file=self.file(SECRET + "\n"))
        self.check_good(password_file=self.file(SECRET))
        self.check_good(password_file=self.file(SECRET + "\nmore\n"))
        self.check_good(password_file=self.file("\ufeff" + SECRET + "\n"))

    def test_file_that_will_not_do(self):
        for mode in (0o640, 0o604, 0o620):
            self.check_refused(
                "chmod 600", password_file=self.file(SECRET, mode))
        path = self.file("\n" + SECRET)
        self.check_refused("empty", password_file=path)
        path.unlink()
        self.check_refused("No such file", password_file=path)
        path.mkdir()
        self.check_refused("regular file", password_file=path)

    def test_handed_in_on_a_read_only_mount(self):
        # As containers do it: root's, readable by all, and no way to change it.
        folder = self.mount_read_only("secrets")
        secret = folder / "anna"
        secret.write_text("\ufeff" + SECRET + "\r\n")
        for mode in (0o444, 0o440, 0o644):
            secret.chmod(mode)
            self.check_good(password_file=secret)
        for mode in (0o464, 0o646, 0o666):
            secret.chmod(mode)
            self.check_refused("chmod 600", password_file=secret)
        # The same file without the mount; and --check says it, too.
        self.evpopd.under = []
        secret.chmod(0o644)
        self.check_refused("let nobody write", password_file=secret)
        self.assertRegex(self.evpopd.run("--check").stderr,
                         "password_file: .*chmod 600 .*let nobody write")

    def test_handed_in_by_its_mode(self):
        secret = self.file(SECRET, 0o444)
        if os.geteuid() == 0:
            self.check_good(password_file=secret)
        else:
            self.check_refused("chmod 600", password_file=secret)

    def test_configuration_on_a_read_only_mount(self):
        folder = self.mount_read_only("configs")
        self.evpopd.config_file = folder / "evpopd.conf"
        self.evpopd.config_file.touch()
        self.evpopd.config_file.chmod(0o644)
        self.check_good(password=SECRET)
        self.evpopd.under = []
        self.assertRegex(self.evpopd.run("--check").stderr, "chmod 600")

    def test_command(self):
        path = self.file(SECRET + "\n")
        self.check_good(password_command=f"cat {path}")
        self.check_good(password_command=f"cat {path} | tr -d x; true")
        path = self.file("\ufeff" + SECRET + "\r\n")
        self.check_good(password_command=f"cat {path}")

    def test_command_that_fails(self):
        self.check_refused("status 3.*locked",
                           password_command="echo locked >&2; exit 3")
        self.check_refused("status 127", password_command="no-such-program-x")
        self.check_refused("empty", password_command="true")
        self.check_refused("signal 9", password_command="kill -9 $$")

    def test_command_outlives_nothing(self):
        """The daemon's end ends a command that hangs, too."""
        mark = self.evpopd.folder / "pid"
        self.evpopd.accounts["anna"] = daemon.account_of(
            self.server, "anna", password=None,
            password_command=f"echo $$ >{mark}; sleep 600")
        self.evpopd.start()
        procs.wait_for(lambda: mark.exists() and mark.read_text().strip(),
                       what="the command's start")
        pid = int(mark.read_text())
        self.evpopd.halt()
        procs.wait_for(lambda: not os.path.exists(f"/proc/{pid}"),
                       what="the command's end")

    def test_credential(self):
        folder = self.evpopd.folder / "credentials"
        folder.mkdir(mode=0o700)
        (folder / "anna").touch(0o600)
        (folder / "anna").write_text(SECRET + "\n")
        self.check_refused("CREDENTIALS_DIRECTORY",
                           password_credential="anna")
        self.evpopd.environment["CREDENTIALS_DIRECTORY"] = folder
        self.check_good(password_credential="anna")
        self.check_refused("No such file", password_credential="bert")

    def test_not_before_tls(self):
        """No password crosses a network in clear text unless allowed."""
        self.evpopd.accounts["anna"] = daemon.account_of(
            self.server, "anna", host="192.0.2.1")
        self.evpopd.write_config()
        done = self.evpopd.run("--check")
        self.assertEqual(done.returncode, 78, done)
        self.assertIn("allow_cleartext", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
