"""What can be known of a store: that it is sound, or what is wrong with it."""

import contextlib
import fcntl
import os
import sqlite3
import threading
import unittest

from harness import corpus, daemon, maildropd

USERS = {"anna": "secret", "boris": "secret"}

NOBODY = 65534

# sysexits(3), as evpopd(8) and evpopctl(1) explain them.
EX_DATAERR, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 65, 75, 77, 78


class CheckTest(unittest.TestCase):
    """evpopctl check --store"""

    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users=USERS, tls=False))
        self.evpopd = self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna")}))

    def fill(self, count):
        self.server.deliver("anna", corpus.messages(count, seed=61))
        self.evpopd.poll("anna")

    def test_a_sound_store(self):
        self.evpopd.wait_polled()
        self.assertIsNone(self.evpopd.get("/v1/store/check")["finished"])
        for count in (0, 40):
            self.fill(count)
            said = self.evpopd.ctl("check", "--store").stdout
            self.assertRegex(said, rf"(?m)^Checked +{count} messages, ")
            self.assertRegex(said, r"(?m)^Store +sound$")
        shown = self.evpopd.ctl_json("check", "--store")
        self.assertIs(shown["sound"], True)
        self.assertEqual(shown["messages_done"], 40)
        self.assertEqual(shown["bytes_done"], sum(
            message["bytes"] for message in self.evpopd.messages()))

    def test_a_store_that_is_compressed_in_part(self):
        mail = corpus.messages(80, seed=63)
        for compress, part in (("none", mail[:40]), ("zstd", mail[40:])):
            self.evpopd.store["compress"] = compress
            self.evpopd.restart()
            self.server.deliver("anna", part)
            self.evpopd.poll("anna")
        with self.evpopd.database() as store:
            kinds = store.execute("SELECT encoding, count(*) FROM chunk"
                                  " GROUP BY encoding").fetchall()
        self.assertEqual([kind for kind, _ in kinds], [0, 1])
        self.assertEqual(
            sorted(self.evpopd.raw(one["id"])
                   for one in self.evpopd.messages()),
            sorted(corpus.as_received(octets) for octets in mail))
        said = self.evpopd.ctl("check", "--store").stdout
        self.assertRegex(said, r"(?m)^Store +sound$")

    def damage(self, statement):
        """Change the store behind the daemon's back."""
        self.evpopd.halt()
        with self.evpopd.database(write=True) as store:
            self.assertEqual(store.execute(statement).rowcount, 1)
        self.evpopd.start()
        self.evpopd.wait_polled()

    def test_what_is_wrong_is_told(self):
        self.evpopd.wait_polled()
        self.fill(8)
        first = min(one["id"] for one in self.evpopd.messages())
        self.damage("UPDATE message SET digest = zeroblob(32)"
                    f" WHERE id = {first}")
        said = self.evpopd.ctl("check", "--store", code=EX_DATAERR).stdout
        self.assertRegex(said, r"(?m)^Store +1 problem$")
        self.assertRegex(said, rf"(?m)^ +message {first}\b.*digest")
        shown = self.evpopd.get("/v1/store/check")
        self.assertEqual((shown["sound"], shown["problems"],
                          shown["status"]), (False, 1, "ok"))
        # The daemon goes on all the same.
        self.server.deliver("anna", corpus.messages(2, seed=62))
        self.assertEqual(self.evpopd.poll("anna")["session"]["fetched"], 2)

    def test_polls_go_on_beside_it(self):
        self.evpopd.wait_polled()
        self.fill(300)
        ended = []
        checker = threading.Thread(target=lambda: ended.append(
            self.evpopd.ctl("check", "--store")))
        checker.start()
        self.server.deliver("anna", corpus.messages(20, seed=63))
        self.assertEqual(self.evpopd.poll("anna")["session"]["fetched"], 20)
        checker.join()
        self.assertEqual(len(ended), 1)
        self.assertEqual(self.evpopd.bodies(), self.server.messages("anna"))


class StartTest(unittest.TestCase):
    """A store that cannot be opened is told in a sentence, and by a code."""

    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users=USERS, tls=False))
        self.server.deliver("anna", corpus.messages(5, seed=64))
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna", keep="delete")})
        self.addCleanup(self.evpopd.remove)

    def refused(self, code, *words):
        """Neither with --once nor without does it do anything."""
        for options in (("--once",), ()):
            done = self.evpopd.run(*options)
            self.assertEqual(done.returncode, code, done.stderr)
            last = done.stderr.splitlines()[-1]
            for word in words:
                self.assertIn(word, last)
        self.assertEqual(self.server.count("anna"), 5)

    def test_no_folder(self):
        self.evpopd.store_file = self.evpopd.folder / "none" / "mail.db"
        self.evpopd.write_config()
        self.refused(EX_NOPERM, "none: No such file", "install -d")

    def test_another_file(self):
        self.evpopd.write_config()
        for octets in (b"no database" * 400, b"SQLite format 3\0" * 400):
            self.evpopd.store_file.write_bytes(octets)
            self.refused(EX_DATAERR, "mail.db", "another path")
            self.assertEqual(self.evpopd.store_file.read_bytes(), octets)

    def test_the_database_of_another_program(self):
        self.evpopd.write_config()
        with contextlib.closing(
                sqlite3.connect(self.evpopd.store_file)) as other:
            other.execute("CREATE TABLE recipe (name TEXT)")
            other.commit()
        self.refused(EX_DATAERR, "another program", "another path")

    def test_a_later_version(self):
        self.evpopd.once()
        self.server.deliver("anna", corpus.messages(5, seed=65))
        with self.evpopd.database(write=True) as store:
            store.execute("PRAGMA user_version = 4711")
        self.refused(EX_CONFIG, "4711", "upgrade evpopd")

    def test_another_daemon(self):
        self.server.deliver("boris", corpus.messages(5, seed=66))
        with daemon.Evpopd({"boris": daemon.account_of(
                self.server, "boris")}) as other:
            other.wait_polled()
            self.evpopd.store_file = other.store_file
            self.evpopd.write_config()
            self.refused(EX_TEMPFAIL, f"pid {other.pid}", "evpopctl poll")

    def test_a_lock_of_another_program(self):
        self.evpopd.write_config()
        with open(f"{self.evpopd.store_file}.lock", "w",
                  encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(EX_TEMPFAIL, "pid unknown")

    def test_no_permission(self):
        folder = self.evpopd.folder / "store"
        folder.mkdir(0o500)
        self.evpopd.store_file = folder / "mail.db"
        self.evpopd.write_config()
        if os.geteuid() == 0:
            # Root may write everywhere: be somebody else.
            self.evpopd.let_others_run()
            for path in (self.evpopd.folder, self.evpopd.config_file):
                os.chown(path, NOBODY, NOBODY)
            folder.chmod(0o755)
            self.evpopd.under = ["setpriv", f"--reuid={NOBODY}",
                                 f"--regid={NOBODY}", "--clear-groups"]
        self.refused(EX_NOPERM, "Permission denied")


class ConfigurationTest(unittest.TestCase):
    """evpopd --check: what it says of lines that people bring along"""

    def setUp(self):
        self.evpopd = daemon.Evpopd()
        self.addCleanup(self.evpopd.remove)

    def check(self, code, text):
        """What is said of the lines; the paths are short."""
        self.evpopd.write_config(text)
        done = self.evpopd.run("--check")
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr.replace(str(self.evpopd.config_file), "F")

    def account(self, *lines):
        return "\n".join(("[account a]", "host = pop.example.org",
                          "user = u", "password = x", *lines, ""))

    def test_the_key_of_another_program(self):
        said = self.check(EX_CONFIG, self.account("delete_after = 14"))
        self.assertIn("F:5: delete_after: ", said)
        self.assertIn("keep = 14d", said)
        self.assertNotIn("delete_above", said)
        self.assertIn("F: 1 error\n", said)

    def test_files_that_are_missing(self):
        said = self.check(EX_CONFIG, "[store]\npath = ~/mail.db\n"
                          "[account a]\nhost = h\nuser = u\n"
                          "password_file = ~/nothere\n"
                          "tls_ca = /nonexistent.pem\n")
        for line in (2, 6):
            self.assertRegex(said, rf"(?m)^F:{line}: .*~ is not expanded")
        self.assertRegex(said, r"(?m)^F:7: warning: tls_ca: "
                         r"/nonexistent.pem: No such file")
        # They may be there when they are needed: a warning stops nothing.
        self.assertIn("warning", self.check(
            0, self.account("tls_ca = /nonexistent.pem")))

    def test_what_nobody_sees(self):
        said = self.check(EX_CONFIG, "[account a]\nhost = \u00a0 h\n"
                          "user = \u00a0 u\npassword = x\n")
        for line in (2, 3):
            self.assertRegex(said, rf"(?m)^F:{line}: .*U\+00A0 \(no-break")

    def test_quotes(self):
        said = self.check(EX_CONFIG, "[account a]\nhost = h\n"
                          "user = \"a\" b\npassword = \"x\n")
        self.assertRegex(said, r"\AF:3: .*\nF:4: .*\nF: 2 errors\n\Z")
        said = self.check(0, "[account a]\nhost = h\nuser = 'u'\n"
                          "password = 'secret'\n")
        for line in (3, 4):
            self.assertRegex(said, rf"(?m)^F:{line}: warning: .*quotes are "
                             "part of the value")
        self.assertNotIn("secret", said)

    def test_tunnels(self):
        tunnel = ("[account {0}]\nhost = 127.0.0.1\nport = 1110{0}\n"
                  "tls = none\nuser = info\npassword = x\n")
        self.assertEqual(
            self.check(0, tunnel.format(1) + tunnel.format(2)), "")


class FailingTest(unittest.TestCase):
    """A store that fails while the daemon runs: a lock, for want of worse."""

    def test_polls_pause_and_go_on(self):
        server = self.enterContext(maildropd.MaildropServer(
            users=USERS, tls=False))
        evpopd = self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(server, "anna", keep="delete")}))
        evpopd.wait_polled()
        server.deliver("anna", corpus.messages(5, seed=67))
        before = server.messages("anna")
        with contextlib.closing(sqlite3.connect(
                evpopd.store_file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            last = evpopd.account("anna")["last_finished"]
            evpopd.post("/v1/accounts/anna/poll")
            evpopd.wait_account("anna", lambda one:
                                one["last_finished"] != last)
            shown = evpopd.get("/v1/status")["store"]
            self.assertEqual(shown["status"], "busy")
            self.assertIn("hint", shown)
            self.assertRegex(evpopd.ctl("status", code=1).stdout,
                             r"(?m)^Store +busy: .*mail\.db")
            self.assertRegex(evpopd.log(), r"the store fails: .*mail stays on")
            self.assertEqual(server.messages("anna"), before)
            # Nobody may be told that a poll comes soon.
            said = evpopd.ctl("poll", "anna", code=EX_TEMPFAIL).stderr
            self.assertIn("cannot answer (busy)", said)
            other.execute("ROLLBACK")
        evpopd.wait_logged("the store works again")
        evpopd.wait_account("anna", lambda one:
                            one["stored"]["messages"] == 5 and
                            one["state"] == "waiting")
        self.assertEqual(server.count("anna"), 0)
        self.assertEqual(evpopd.bodies(), before)
        self.assertEqual(evpopd.get("/v1/status")["store"]["status"], "ok")


if __name__ == "__main__":
    unittest.main(verbosity=2)
