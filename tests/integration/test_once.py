"""evpopd --once: whom it polls, what it says, and what it does not try again."""

import unittest

from harness import corpus, daemon, maildropd, procs

NAMES = ("anna", "bert", "carla")


class OnceTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={name: "secret" for name in NAMES}, tls=False))
        self.evpopd = daemon.Evpopd({
            name: daemon.account_of(self.server, name) for name in NAMES})
        self.addCleanup(self.evpopd.remove)
        self.text = None

    def run_once(self, *words, code=0):
        """What it said on standard error."""
        text = self.evpopd.config_text()
        # A file that is written anew counts as changed.
        if text != self.text:
            self.evpopd.write_config()
        self.text = text
        done = self.evpopd.run("--once", *words)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def polled(self):
        """The accounts of which there are polls, in their order."""
        return [name for name, in self.evpopd.rows(
            "SELECT account FROM v_poll ORDER BY started")]

    def test_all_and_some(self):
        self.server.deliver("anna", corpus.messages(14))
        said = self.run_once()
        self.assertRegex(
            said, r"(?m)^3 accounts: 3 ok, 0 failed; 14 messages fetched "
            r"\([0-9.]+ [KM]iB\), in [0-9.]+ s\n\Z")
        self.assertEqual(sorted(self.polled()), list(NAMES))
        said = self.run_once("anna")
        self.assertIn("\n1 account: 1 ok, 0 failed; 0 messages", said)
        self.assertEqual(self.polled()[3:], ["anna"])
        self.run_once("*a", "bert")
        self.assertEqual(sorted(self.polled()[4:]), list(NAMES))
        self.run_once("c*", "carla")
        self.assertEqual(self.polled()[7:], ["carla"])
        # Nothing but what fails.
        self.assertEqual(self.run_once("--quiet"), "")

    def test_wrong_names(self):
        self.evpopd.accounts["bert"]["enabled"] = "no"
        said = self.run_once("ana", "x*", code=64)
        self.assertIn('there is no account "ana"\n        '
                      'did you mean "anna"?', said)
        self.assertIn('no account matches "x*"', said)
        self.assertIn('account "bert" is disabled',
                      self.run_once("anna", "bert", code=78))
        self.assertFalse(self.evpopd.store_file.exists())
        done = self.evpopd.run("anna")
        self.assertEqual(done.returncode, 64)
        self.assertIn("unexpected argument 'anna'", done.stderr)
        self.assertEqual(self.evpopd.run("--quiet").returncode, 64)
        # A pattern leaves it out.
        self.assertIn("2 accounts: 2 ok", self.run_once("*"))

    def test_what_fails(self):
        self.evpopd.accounts["bert"]["port"] = procs.free_ports(1)[0]
        said = self.run_once(code=75)
        self.assertRegex(
            said, r"\n3 accounts: 2 ok, 1 failed; 0 messages fetched .*\n"
            r"  bert: connection failed: .*\n"
            r"    what to do: the failure may be temporary\n\Z")
        said = self.run_once("-q", "bert", code=75)
        self.assertRegex(said, r"\A\S+ warning: bert: connection failed: .*\n\Z")
        self.run_once("anna")

    def test_refused_credentials_are_not_tried_each_time(self):
        password = self.evpopd.folder / "password"
        password.touch(0o600)
        password.write_text("wrong\n")
        bert = self.evpopd.accounts["bert"]
        bert["password_file"] = password
        del bert["password"]
        said = self.run_once(code=75)
        self.assertRegex(said, r"\n  bert: .*\n    what to do: correct the "
                         rf"password in {password}, or user in ")
        self.assertEqual(self.polled().count("bert"), 1)

        # The next runs leave it alone, and say so.
        said = self.run_once(code=75)
        self.assertRegex(
            said, r"bert: not tried: the server refused the credentials "
            r"\d+ s ago \(1 time in a row\), .*tried again in 1 h, once they "
            r"are changed, or with \"evpopd --once bert\"")
        self.assertIn("3 accounts: 2 ok, 1 failed;", said)
        self.assertIn("what to do: correct the password in", said)
        self.assertIn("not tried", self.run_once("b*", code=75))
        self.assertEqual(self.polled().count("bert"), 1)

        # By its name it is tried, and then for longer not.
        said = self.run_once("bert", code=75)
        self.assertNotIn("not tried", said)
        self.assertEqual(self.polled().count("bert"), 2)
        self.assertRegex(self.run_once(code=75),
                         r"\(2 times in a row\).*tried again in 2 h,")
        # Time passes.
        with self.evpopd.database(write=True) as store:
            store.execute("UPDATE account SET refused_ms = refused_ms - ?",
                          (5 * 3600 * 1000,))
        self.assertNotIn("not tried", self.run_once(code=75))
        self.assertIn("(3 times in a row)", self.run_once(code=75))

        # Another password is tried at once.
        password.write_text("wrong, too\n")
        self.assertNotIn("not tried", self.run_once(code=75))
        self.assertIn("(1 time in a row)", self.run_once(code=75))
        password.write_text("secret\n")
        self.run_once()
        self.run_once()

    def test_paused_accounts(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.evpopd.ctl("pause", "bert")
        self.evpopd.halt()
        before = len(self.polled())
        said = self.run_once()
        self.assertIn("bert: not polled: it is paused", said)
        self.assertIn("\n2 accounts: 2 ok, 0 failed;", said)
        self.assertNotIn("bert", self.polled()[before:])
        said = self.run_once("bert")
        self.assertIn("\n1 account: 1 ok, 0 failed;", said)
        self.assertEqual(self.polled()[-1], "bert")
        # It stays so.
        self.assertIn("not polled: it is paused", self.run_once())
        self.assertIn("\n0 accounts: 0 ok, 0 failed;", self.run_once("be*"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
