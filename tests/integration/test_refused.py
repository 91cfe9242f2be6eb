"""An account that fails says so everywhere, and is tried again by itself."""

import datetime
import os
import signal
import sqlite3
import unittest

from harness import daemon, maildropd, procs, scripted

MAIL = b"Subject: one\r\n\r\nA line of the body.\r\n"
WRONG = b"-ERR Logon failure: unknown user name or bad password.\r\n"


def seconds(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def until_next(shown):
    """How long after its last poll an account is tried again."""
    return seconds(shown["next"]) - seconds(shown["last_finished"])


class RefusedTest(unittest.TestCase):
    def server(self, answers=None, mail=(MAIL,)):
        server = scripted.ScriptedServer(mail, answers)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server

    def evpopd(self, accounts, **keys):
        evpopd = daemon.Evpopd(accounts, **keys)
        self.addCleanup(evpopd.remove)
        return evpopd

    def started(self, server, **keys):
        evpopd = self.evpopd({"anna": daemon.account_of(server, "anna",
                                                        **keys)})
        return evpopd.start()

    def wait_state(self, evpopd, state):
        return evpopd.wait_account("anna", lambda one: one["state"] == state)

    def test_once_after_it_worked(self):
        """A server that refuses by mistake is asked again, by itself."""
        server = self.server()
        evpopd = self.started(server, interval="10s")
        evpopd.wait_polled()
        server.messages.append(MAIL.replace(b"one", b"two"))
        server.answers["PASS"] = WRONG
        evpopd.post("/v1/accounts/anna/poll")
        shown = self.wait_state(evpopd, "failing")
        self.assertEqual(shown["last_outcome"], "auth")
        self.assertLess(until_next(shown), 13)
        self.assertIn("the log-in worked before", evpopd.log())
        self.assertNotIn("needs attention", evpopd.log())
        server.answers.clear()
        procs.wait_for(lambda: len(evpopd.messages()) == 2,
                       what="the second message")
        shown = self.wait_state(evpopd, "waiting")
        self.assertIsNone(shown["failing_since"])
        evpopd.halt()

    def test_twice_after_it_worked(self):
        """Then it needs attention, and hours go by; also after a restart."""
        server = self.server()
        evpopd = self.started(server)
        evpopd.wait_polled()
        evpopd.restart()
        evpopd.wait_polled()
        server.answers["PASS"] = WRONG
        first = evpopd.poll("anna")
        self.assertEqual(first["state"], "failing")
        self.assertLess(until_next(first), 76)
        for hours in (1, 2, 4, 8, 12, 12):
            shown = evpopd.poll("anna")
            self.assertEqual(shown["state"], "refused")
            self.assertGreater(until_next(shown), hours * 3600 - 5)
            self.assertLess(until_next(shown), hours * 3600 * 1.25 + 5)
            self.assertEqual(shown["failing_since"], first["failing_since"])
        self.assertEqual(shown["failures"], 7)
        evpopd.restart()
        shown = self.wait_state(evpopd, "refused")
        self.assertGreater(until_next(shown), 3595)
        self.assertLess(until_next(shown), 4505)
        self.assertEqual(shown["failing_since"], first["failing_since"])
        evpopd.halt()

    def test_it_shows_everywhere(self):
        server = self.server({"PASS": WRONG})
        evpopd = self.started(server)
        shown = self.wait_state(evpopd, "refused")
        self.assertGreater(until_next(shown), 3595)
        since = shown["failing_since"]
        self.assertEqual(since, shown["last_finished"])
        advice = (f"correct user or password in section [account anna] "
                  f"({evpopd.config_file}:")
        self.assertIn(advice, shown["advice"])
        self.assertIn('"evpopctl poll anna" tries at once', shown["advice"])
        log = evpopd.log()
        self.assertIn("anna: needs attention: " + shown["advice"], log)
        self.assertRegex(log, "bad password.*next try in "
                         r"[67]\d min")
        out = evpopd.ctl("accounts").stdout
        self.assertRegex(out, rf"anna +needs attention .*failing since {since}"
                         ", Logon failure")
        out = evpopd.ctl("account", "anna").stdout
        self.assertRegex(out, r"(?m)^State +needs attention$")
        self.assertRegex(out, rf"(?m)^Failing +since {since}$")
        self.assertRegex(out, r"(?m)^Failures +1 in a row$")
        self.assertRegex(out, r"(?m)^Last error +Logon failure")
        self.assertIn(advice, out)
        self.assertRegex(out, r"(?m)^Next poll +2\d{3}-")
        out = evpopd.ctl("status", code=1).stdout
        self.assertRegex(out, r"(?m)^Accounts +1, 1 failing, 1 needs "
                         "attention$")
        evpopd.ctl("--json", "status", code=1)
        self.assertEqual(evpopd.get("/v1/status")["accounts"], {
            "total": 1, "polling": 0, "queued": 0, "failing": 1,
            "refused": 1})
        out = evpopd.ctl("poll", "--wait", "anna", code=77).stdout
        self.assertIn(advice, out)
        # A person who pauses it knows.
        evpopd.ctl("pause", "anna")
        evpopd.ctl("status")
        evpopd.ctl("resume", "anna")
        self.wait_state(evpopd, "refused")
        server.answers.clear()
        evpopd.ctl("resume", "anna")
        shown = self.wait_state(evpopd, "waiting")
        self.assertIsNone(shown["advice"])
        evpopd.ctl("status")
        evpopd.halt()

    def test_failing_while_it_is_polled(self):
        """A poll under way does not hide that the last ones failed."""
        server = self.server({"": scripted.hang_up})
        evpopd = self.started(server)
        self.wait_state(evpopd, "failing")
        server.answers[""] = scripted.fall_silent(b"")
        evpopd.post("/v1/accounts/anna/poll")
        shown = self.wait_state(evpopd, "polling")
        self.assertIsNotNone(shown["failing_since"])
        evpopd.ctl("status", code=1)
        self.assertRegex(evpopd.ctl("accounts").stdout,
                         r"anna +polling .*failing since")
        server.__exit__()
        self.wait_state(evpopd, "failing")
        evpopd.halt()

    def test_words_that_mean_not_now(self):
        """Tried again soon, whatever the interval, and ever more rarely."""
        for answers in (
                {"PASS": b"-ERR mailbox locked\r\n"},
                {"PASS": b"-ERR too many connections\r\n"},
                {"PASS": b"-ERR please try again later\r\n"},
                {"PASS": b"-ERR shutting down for maintenance\r\n"},
                {"PASS": b"-ERR internal failure\r\n"},
                {"PASS": b"-ERR disk quota exceeded\r\n"},
                {"PASS": b"-ERR account locked\r\n"},
                {"USER": b"-ERR too many connections\r\n",
                 "PASS": b"-ERR USER first\r\n"},
                {"CAPA": b"+OK\r\nSASL PLAIN\r\n.\r\n",
                 "AUTH": b"-ERR server busy\r\n"},
                {"": scripted.break_off(b"-ERR too many connections\r\n")},
                {"": scripted.break_off(b"-ERR go away\r\n")}):
            with self.subTest(answers):
                server = self.server(answers)
                evpopd = self.started(server)
                shown = self.wait_state(evpopd, "failing")
                self.assertEqual(shown["last_outcome"], "refused")
                for least in (60, 120, 240):
                    self.assertGreater(until_next(shown), least - 5)
                    self.assertLess(until_next(shown), least * 1.25 + 5)
                    shown = evpopd.poll("anna")
                self.assertEqual(shown["state"], "failing")
                self.assertNotIn("needs attention", evpopd.log())
                server.answers.clear()
                self.assertEqual(evpopd.poll("anna")["state"], "waiting")
                evpopd.halt()
                server.__exit__()

    def test_the_server_wants_a_person(self):
        server = self.server({
            "PASS": b"-ERR [SYS/PERM] ask your administrator\r\n"})
        evpopd = self.started(server)
        shown = self.wait_state(evpopd, "refused")
        self.assertGreater(until_next(shown), 6 * 3600 - 5)
        self.assertIn("ask those who run", shown["advice"])
        evpopd.halt()

    def test_the_server_wants_something_else(self):
        """Its words tell what; status repeats it with the provider's page."""
        for words, advice in (
                ("[SYS/PERM] Your account is not enabled for POP access.",
                 "POP3 is turned off for user anna of 127.0.0.1: turn it on "
                 "in the provider's settings"),
                ("[AUTH] Application-specific password required",
                 "127.0.0.1 wants an application password, not that of its "
                 "web page: make one at https://login.yahoo.com/account/"
                 "security, then correct user or password in"),
                ("[AUTH] Web login required",
                 "127.0.0.1 wants user anna to log in on its web page")):
            with self.subTest(words):
                server = self.server({"PASS": b"-ERR %s\r\n"
                                      % words.encode()})
                evpopd = self.started(server, provider="yahoo")
                shown = self.wait_state(evpopd, "refused")
                self.assertIn(advice, shown["advice"])
                self.assertIn(f"needs attention: {advice}", evpopd.log())
                for command, code in ((["status"], 1),
                                      (["account", "anna"], 0)):
                    said = evpopd.ctl(*command, code=code).stdout
                    self.assertIn(advice, " ".join(said.split()))
                evpopd.halt()

    def test_no_way_to_log_in(self):
        """What to do is then another thing than the password."""
        evpopd = self.started(self.server(), auth="apop")
        shown = self.wait_state(evpopd, "refused")
        self.assertIn("no way to log in", shown["last_text"])
        self.assertIn("correct auth, tls or allow_cleartext in section "
                      "[account anna]", shown["advice"])
        evpopd.halt()

    def test_once(self):
        """There is no daemon to ask, then."""
        server = self.server({"PASS": WRONG})
        evpopd = self.evpopd({"anna": daemon.account_of(server, "anna")})
        said = evpopd.once(code=75).stderr
        self.assertRegex(said, "anna: needs attention: correct user or "
                         r"password in section .*evpopd\.conf:\d+\)\n")
        self.assertNotIn("evpopctl", said)
        self.assertNotIn("by itself", said)

    def test_a_reload_tries_at_once(self):
        """By the command and by the signal, whether anything has changed."""
        server = self.server({"PASS": WRONG})
        evpopd = self.evpopd({
            name: daemon.account_of(server, name) for name in ("anna", "bert",
                                                               "carl")})
        evpopd.start()
        evpopd.wait_polled()
        server.answers.clear()
        evpopd.ctl("pause", "carl")
        evpopd.ctl("reload")
        for name in ("anna", "bert"):
            evpopd.wait_account(name, lambda one: one["state"] == "waiting")
        self.assertEqual(evpopd.account("carl")["state"], "paused")
        server.answers["PASS"] = WRONG
        for name in ("anna", "bert"):
            evpopd.poll(name)
            self.assertEqual(evpopd.poll(name)["state"], "refused")
        server.answers.clear()
        evpopd.signal(signal.SIGHUP)
        for name in ("anna", "bert"):
            evpopd.wait_account(name, lambda one: one["state"] == "waiting")
        evpopd.halt()

    def test_a_reload_while_it_is_refused(self):
        """The poll under way had the old password."""
        held = []

        def refuse(connection, line):
            held.append(connection)
            return True

        server = self.server({"PASS": WRONG})
        evpopd = self.started(server)
        self.wait_state(evpopd, "refused")
        server.answers["PASS"] = refuse
        evpopd.post("/v1/accounts/anna/poll")
        procs.wait_for(lambda: held, what="the log-in")
        server.answers.clear()
        evpopd.ctl("reload")
        held[0].sendall(WRONG)
        self.wait_state(evpopd, "waiting")
        evpopd.halt()


class SecretTest(unittest.TestCase):
    """A password's file that changes is tried at once, without a word."""

    def setUp(self):
        server = maildropd.MaildropServer(users={"anna": "secret"})
        server.start()
        self.addCleanup(server.stop)
        self.evpopd = daemon.Evpopd()
        self.addCleanup(self.evpopd.remove)
        self.file = self.evpopd.folder / "password"
        self.evpopd.accounts["anna"] = daemon.account_of(
            server, "anna", password=None, password_file=self.file)

    def write(self, path, text):
        path.touch(0o600)
        path.write_text(text)

    def wait_state(self, state):
        return self.evpopd.wait_account(
            "anna", lambda one: one["state"] == state)

    def test_rewritten(self):
        self.write(self.file, "wrong\n")
        self.evpopd.start()
        shown = self.wait_state("refused")
        self.assertIn(f"correct the password in {self.file}",
                      shown["advice"])
        self.write(self.file, "secret\n")
        self.wait_state("waiting")
        self.evpopd.halt()

    def test_wrong_again(self):
        """Each change is one log-in, and no more."""
        self.write(self.file, "wrong\n")
        self.evpopd.start()
        last = self.wait_state("refused")["last_finished"]
        self.write(self.file, "wrong2\n")
        shown = self.evpopd.wait_account(
            "anna", lambda one: one["last_finished"] != last and
            one["state"] == "refused")
        self.assertEqual(shown["failures"], 2)
        self.assertGreater(until_next(shown), 2 * 3600 - 5)
        self.evpopd.halt()

    def test_missing_then_there(self):
        self.evpopd.start()
        shown = self.wait_state("failing")
        self.assertEqual(shown["last_outcome"], "usage")
        self.assertIn(str(self.file), shown["advice"])
        other = self.evpopd.folder / "new"
        self.write(other, "secret\n")
        os.rename(other, self.file)
        self.wait_state("waiting")
        self.evpopd.halt()

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_made_readable(self):
        self.write(self.file, "secret\n")
        self.file.chmod(0)
        self.evpopd.start()
        self.wait_state("failing")
        self.file.chmod(0o600)
        self.wait_state("waiting")
        self.evpopd.halt()

    def test_made_private(self):
        self.write(self.file, "secret\n")
        self.file.chmod(0o644)
        self.evpopd.start()
        self.wait_state("failing")
        self.file.chmod(0o600)
        self.wait_state("waiting")
        self.evpopd.halt()


class HistoryTest(unittest.TestCase):
    """Every poll leaves its row, however early it fails."""

    def rows(self, evpopd):
        with sqlite3.connect(f"file:{evpopd.store_file}?mode=ro",
                             uri=True) as connection:
            return connection.execute(
                "SELECT account, outcome, text FROM v_poll ORDER BY id"
            ).fetchall()

    def check(self, words, outcome="usage", **keys):
        with self.subTest(words):
            evpopd = daemon.Evpopd({"anna": {
                "host": "127.0.0.1", "port": 1, "tls": "none", "user": "anna",
                "interval": "1h", **keys}})
            self.addCleanup(evpopd.remove)
            evpopd.start()
            evpopd.wait_polled()
            for _ in range(3):
                shown = evpopd.poll("anna")
            self.assertEqual(shown["last_outcome"], outcome)
            evpopd.halt()
            rows = self.rows(evpopd)
            self.assertEqual([row[:2] for row in rows],
                             [("anna", outcome)] * 4)
            for row in rows:
                self.assertRegex(row[2], words)
            evpopd.once(code=75)
            self.assertEqual(len(self.rows(evpopd)), 5)

    def test_passwords(self):
        folder = daemon.build_folder()
        self.check("no-such-file", password_file=folder / "no-such-file")
        self.check("exit", password_command="exit 3")
        self.check("CREDENTIALS_DIRECTORY", password_credential="missing")
        self.check("exit", token_command="exit 3")
        self.check("(?i)empty|nothing", password_command="true")

    def test_certificates(self):
        folder = daemon.build_folder()
        self.check("no-such-ca", "tls", password="x", tls="implicit",
                   tls_ca=folder / "no-such-ca")


if __name__ == "__main__":
    unittest.main(verbosity=2)
