"""What goes wrong on the way is said, costs nothing, and passes."""

import contextlib
import datetime
import time
import unittest

from harness import (corpus, daemon, dovecot, maildropd, pop3, procs,
                     scripted)

USERS = {"anna": "secret"}
MAIL = b"Subject: one\r\n\r\n" + b"A line of the body.\r\n" * 20


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def poll_without_deadlines(evpopd):
    """Poll anna with those deadlines that a busy machine keeps, too."""
    account = evpopd.accounts["anna"]
    short = [key for key in account if key.startswith("timeout_")]
    if not short:
        return evpopd.poll("anna")
    last = evpopd.account("anna")["last_finished"]
    for key in short:
        del account[key]
    evpopd.write_config()
    # An account that has changed is polled at once.
    evpopd.ctl("reload")
    return evpopd.wait_account("anna", lambda one: one["last_finished"] != last
                               and one["state"] in ("waiting", "failing"))


class CredentialsTest(unittest.TestCase):
    def test_wrong_password(self):
        with maildropd.MaildropServer(users=USERS) as server:
            server.deliver("anna", corpus.messages(5))
            evpopd = daemon.Evpopd()
            self.addCleanup(evpopd.remove)
            file = evpopd.folder / "password"
            file.touch(0o600)
            file.write_text("wrong\n")
            evpopd.accounts["anna"] = daemon.account_of(
                server, "anna", password=None, password_file=file)
            evpopd.start()
            shown = evpopd.wait_polled()
            self.assertEqual(shown["state"], "refused")
            self.assertEqual(shown["last_outcome"], "auth")
            self.assertNotIn("wrong\n", evpopd.log())
            self.assertIn("evpopctl poll anna", evpopd.log())
            done = evpopd.ctl("poll", "--wait", "anna", code=77)
            self.assertIn(shown["last_text"], done.stdout + done.stderr)
            file.write_text("secret\n")
            evpopd.ctl("poll", "--wait", "anna")
            shown = evpopd.account("anna")
            self.assertEqual(shown["state"], "waiting")
            self.assertEqual(shown["failures"], 0)
            self.assertIsNone(shown["last_text"])
            self.assertEqual(shown["stored"]["messages"], 5)
            evpopd.halt()

    def test_correction_and_reload(self):
        with maildropd.MaildropServer(users=USERS) as server:
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", password="wrong")}) as evpopd:
                self.assertEqual(evpopd.wait_polled()["state"], "refused")
                evpopd.accounts["anna"]["password"] = "secret"
                evpopd.write_config()
                evpopd.ctl("reload")
                shown = evpopd.wait_account(
                    "anna", lambda one: one["state"] == "waiting")
                self.assertEqual(shown["last_outcome"], "ok")

    @unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
    def test_wrong_password_of_dovecot(self):
        with dovecot.Dovecot(users=USERS) as server:
            server.deliver("anna", corpus.messages(2))
            with daemon.Evpopd({
                    "anna": daemon.account_of(server, "anna",
                                              password="wrong")}) as evpopd:
                shown = evpopd.wait_polled()
                self.assertEqual(shown["state"], "refused")
                self.assertIn("uthentication failed", shown["last_text"])
                # It is the server that gets another password here.
                server.change_password("anna", "wrong")
                evpopd.post("/v1/accounts/anna/resume")
                shown = evpopd.wait_account(
                    "anna", lambda one: one["state"] == "waiting")
                self.assertEqual(shown["stored"]["messages"], 2)


class OutageTest(unittest.TestCase):
    def test_nobody_listens(self):
        with maildropd.MaildropServer(users=USERS) as server:
            server.deliver("anna", corpus.messages(3))
            account = daemon.account_of(server, "anna", interval="10m")
            server.halt()
            with daemon.Evpopd({"anna": account}) as evpopd:
                shown = evpopd.wait_polled()
                self.assertEqual(shown["state"], "failing")
                self.assertEqual(shown["last_outcome"], "io")
                self.assertIn("refused", shown["last_text"])
                self.assertEqual(shown["failures"], 1)
                for failures in (1, 2, 3):
                    wait = (moment(shown["next"]) - moment(
                        shown["last_finished"])).total_seconds()
                    least = 600 * 2 ** (failures - 1)
                    self.assertGreater(wait, least - 5)
                    self.assertLess(wait, least * 1.25 + 60)
                    shown = evpopd.poll("anna")
                # Its former port may be somebody else's by now.
                server.port = server.tls_port = 0
                server.start()
                evpopd.accounts["anna"]["port"] = server.port
                evpopd.write_config()
                evpopd.ctl("reload")
                shown = evpopd.poll("anna")
                self.assertEqual(shown["failures"], 0)
                self.assertEqual(shown["stored"]["messages"], 3)

    def test_no_such_host(self):
        with daemon.Evpopd({"anna": {
                "host": "no-such-host.invalid", "user": "anna",
                "password": "x", "timeout_resolve": "2s"}}) as evpopd:
            shown = evpopd.wait_polled()
            self.assertIn(shown["last_outcome"], ("io", "timeout"))
            self.assertIn("no-such-host.invalid", shown["last_text"])

    def test_locked_maildrop(self):
        """[IN-USE] is tried again soon."""
        with maildropd.MaildropServer(users=USERS) as server:
            server.deliver("anna", corpus.messages(3))
            with pop3.connect(server.host, server.port, "anna", "secret"):
                evpopd = daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna")})
                self.addCleanup(evpopd.remove)
                evpopd.start()
                shown = evpopd.wait_polled()
            self.assertEqual(shown["state"], "failing", shown)
            self.assertRegex(shown["last_text"], "(?i)lock")
            wait = (moment(shown["next"]) - moment(
                shown["last_finished"])).total_seconds()
            self.assertLess(wait, 100)
            procs.wait_for(lambda: server.stats()["connections_open"] == 0)
            self.assertEqual(evpopd.poll("anna")["stored"]["messages"], 3)
            evpopd.halt()

    @unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
    def test_locked_maildrop_of_dovecot(self):
        with dovecot.Dovecot(users=USERS, lock_session=True) as server, \
                contextlib.ExitStack() as stack:
            server.deliver("anna", corpus.messages(3))
            stack.enter_context(pop3.connect(server.host, server.port,
                                             "anna", "secret"))
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", timeout_login="2s")}) as evpopd:
                shown = evpopd.wait_polled()
                self.assertEqual(shown["state"], "failing", shown)
                self.assertNotEqual(shown["last_outcome"], "ok")
                stack.close()
                shown = poll_without_deadlines(evpopd)
                self.assertEqual(shown["last_outcome"], "ok", shown)
                self.assertEqual(shown["stored"]["messages"], 3)


class BrokenSessionTest(unittest.TestCase):
    """Sessions that end too early leave what was whole, and only that."""

    def check(self, answers, outcome, fetched=0, words=".*", count=3, **keys):
        mail = [MAIL.replace(b"one", b"%d" % number)
                for number in range(count)]
        with scripted.ScriptedServer(mail, answers) as server, daemon.Evpopd(
                {"anna": daemon.account_of(server, "anna",
                                           **keys)}) as evpopd:
            shown = evpopd.wait_polled()
            self.assertEqual(shown["last_outcome"], outcome, shown)
            self.assertRegex(shown["last_text"] or "", words)
            self.assertEqual(shown["session"]["fetched"], fetched)
            self.assertEqual(len(evpopd.messages()), fetched)
            self.assertEqual(shown["state"], "waiting" if outcome == "ok"
                             else "failing")
            # No piece of an unfinished body stays.
            procs.wait_for(lambda: evpopd.rows(
                "SELECT count(*) FROM unfinished") == [(0,)],
                what="the end of unfinished bodies")
            server.answers.clear()
            shown = poll_without_deadlines(evpopd)
            self.assertEqual(shown["last_outcome"], "ok", shown)
            self.assertEqual(shown["session"]["fetched"], count - fetched)
            self.assertEqual(sorted(evpopd.bodies().values()), sorted(mail))
            return server

    def test_in_a_body(self):
        half = b"+OK\r\n" + MAIL[:100]
        self.check({"RETR 2": scripted.break_off(half)}, "io", 1)
        self.check({"RETR 1": scripted.break_off(half)}, "io", 2)
        self.check({"RETR 1": scripted.break_off(half)}, "io", 0, count=1)
        self.check({"RETR 3": scripted.break_off(half)}, "io", 2,
                   keep="delete")

    def test_in_a_large_body(self):
        """Large enough that pieces of it are in the file already."""
        self.check({"RETR 2": scripted.break_off(b"+OK\r\n" +
                                                 b"A line.\r\n" * 300_000)},
                   "io", 1)

    def test_silence_in_a_body(self):
        self.check({"RETR 2": scripted.fall_silent(b"+OK\r\nhalf a li")},
                   "timeout", 1, timeout_body="3s")

    def test_before_the_log_in(self):
        self.check({"": scripted.hang_up}, "io")
        self.check({"": b"220 mail.example.org ESMTP\r\n"}, "protocol",
                   words="not a POP3 server")
        self.check({"USER": scripted.hang_up}, "io")
        self.check({"PASS": scripted.fall_silent(b"")}, "timeout",
                   timeout_login="1s")
        self.check({"": scripted.fall_silent(b"")}, "timeout",
                   timeout_greeting="1s")

    def test_in_a_listing(self):
        self.check({"UIDL": scripted.break_off(b"+OK\r\n1 id-1\r\n2 ")}, "io")
        self.check({"UIDL": b"-ERR what?\r\n",
                    "LIST": scripted.break_off(b"+OK\r\n1 50\r\n")}, "io")

    def test_refused_message(self):
        self.check({"RETR 2": b"-ERR it is damaged\r\n"}, "ok", 2)

    def test_words_of_servers_are_harmless(self):
        self.check({"PASS": b"-ERR [SYS/TEMP] \x1b[31mred\x07 \xff\r\n"},
                   "refused", words=r"^[ -~]*$")

    def test_quit_without_answer(self):
        """Deletions whose outcome is unknown are looked up, not assumed."""
        mail = [b"Message-ID: <1@example.org>\r\n" + MAIL, MAIL]
        with scripted.ScriptedServer(mail, {
                "QUIT": scripted.hang_up}) as server, daemon.Evpopd(
                {"anna": daemon.account_of(server, "anna",
                                           keep="delete")}) as evpopd:
            shown = evpopd.wait_polled()
            self.assertEqual(shown["session"]["deleted"], 0)
            self.assertEqual(shown["stored"]["messages"], 2)
            # The server has kept them: they are deleted, once size and
            # header say that they are the same, or else the octets.
            server.answers.clear()
            server.lines.clear()
            shown = evpopd.poll("anna")
            self.assertEqual(shown["session"]["fetched"], 0)
            self.assertEqual(shown["session"]["deleted"], 2)
            self.assertIn("TOP 1 0", server.lines)
            self.assertNotIn("RETR 1", server.lines)
            self.assertIn("RETR 2", server.lines)
            self.assertIn("DELE 2", server.lines)
            self.assertEqual(len(evpopd.messages()), 2)
            # Now they are gone, and new ones have come.
            server.messages = []
            self.assertEqual(evpopd.poll("anna")["session"]["messages"], 0)
            self.assertEqual(len(evpopd.messages()), 2)

    def test_quit_refused(self):
        with scripted.ScriptedServer([MAIL], {
                "QUIT": b"-ERR some deleted messages not removed\r\n"}) \
                as server, daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna", keep="delete")}) as evpopd:
            shown = evpopd.wait_polled()
            self.assertEqual(shown["session"]["deleted"], 0)
            self.assertIn("not removed", shown["last_text"])
            server.answers.clear()
            shown = evpopd.poll("anna")
            self.assertEqual(shown["session"]["fetched"], 0)
            self.assertEqual(shown["session"]["deleted"], 1)

    def test_one_does_not_hold_up_another(self):
        with scripted.ScriptedServer([MAIL], {
                "": scripted.fall_silent(b"")}) as slow, \
                scripted.ScriptedServer([MAIL]) as good:
            accounts = {"slow": daemon.account_of(slow, "slow"),
                        "good": daemon.account_of(good, "good")}
            with daemon.Evpopd(accounts) as evpopd:
                shown = evpopd.wait_polled("good")
                self.assertEqual(shown["last_outcome"], "ok")
                self.assertEqual(evpopd.account("slow")["state"], "polling")
                # Let the daemon's end not wait for it.
                slow.answers.clear()
                slow.__exit__()

    @unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
    def test_dovecot_killed(self):
        with dovecot.Dovecot(users=USERS) as server:
            mail = corpus.messages(600, 20_000_000, seed=21)
            server.deliver("anna", mail)
            expected = server.messages("anna")
            account = daemon.account_of(server, "anna", tls="implicit",
                                        keep="delete")
            evpopd = daemon.Evpopd({"anna": account})
            self.addCleanup(evpopd.remove)
            evpopd.start()
            procs.wait_for(lambda: evpopd.rows(
                "SELECT count(*) > 5 FROM v_message") == [(1,)],
                what="the first messages")
            server.halt(abruptly=True)
            shown = evpopd.wait_polled()
            stored = len(evpopd.messages())
            if shown["last_outcome"] == "ok":
                self.assertEqual(stored, 600)
            else:
                self.assertLess(stored, 601)
                self.assertIn(shown["last_outcome"], ("io", "tls"))
            server.start()
            time.sleep(0.1)
            shown = evpopd.poll("anna")
            self.assertEqual(shown["last_outcome"], "ok", shown)
            self.assertEqual(evpopd.bodies(), expected)
            self.assertEqual(server.count("anna"), 0)
            evpopd.halt()


if __name__ == "__main__":
    unittest.main(verbosity=2)
