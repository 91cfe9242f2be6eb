"""A store is read without its daemon, and beside it, by the same commands."""

import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

from harness import corpus, daemon, procs, scripted

MAIL = corpus.messages(6, seed=71)
READS = (("messages",), ("messages", "-A", "anna", "-n", "2"),
         ("show", "1"), ("polls",), ("quarantine",), ("quarantine", "show", "1"))
NOBODY = 65534


class OfflineTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(scripted.ScriptedServer(
            MAIL, {"RETR 2": scripted.break_off(b"+OK\r\nSubject: cut")}))
        self.evpopd = self.enterContext(daemon.Evpopd({
            "anna": daemon.account_of(self.server, "anna",
                                      timeout_body="300ms")}))
        self.evpopd.wait_polled()
        for _ in range(3):
            self.evpopd.poll("anna")

    def read(self, *words, code=0, store=None, **keywords):
        """evpopctl --store, without a socket to fall back on."""
        done = procs.run([self.evpopd.ctl_program, "--store",
                          store or self.evpopd.store_file, *words],
                         procs.PATIENCE, check=False, **keywords)
        self.assertEqual(done.returncode, code, (words, done))
        return done

    def same(self, answers):
        """Every answer is the one that the daemon gave."""
        for words, answer in answers.items():
            self.assertEqual(json.loads(self.read("--json", *words).stdout),
                             answer, words)
        raw = self.read("raw", "1", text=False).stdout
        self.assertIn(raw, MAIL)
        accounts = json.loads(self.read("--json", "accounts").stdout)
        one, = accounts["accounts"]
        self.assertEqual((one["account"], one["stored"]["messages"]),
                         ("anna", 5))
        self.assertEqual(json.loads(
            self.read("--json", "account", "anna").stdout)["stored"],
            one["stored"])
        self.assertTrue(json.loads(
            self.read("--json", "check", "--store").stdout)["sound"])

    def test_same_answers_beside_the_daemon_and_without_it(self):
        answers = {words: self.evpopd.ctl_json(*words) for words in READS}
        self.assertEqual(len(answers[("messages",)]["messages"]), 5)
        self.same(answers)
        self.evpopd.kill()
        self.assertGreater(os.stat(f"{self.evpopd.store_file}-wal").st_size, 0)
        self.same(answers)
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.evpopd.halt()
        self.same({words: answer for words, answer in answers.items()
                   if words != ("polls",)})
        self.assertEqual(sorted(path.name for path in
                                self.evpopd.folder.glob("mail.db*-wal*")
                                if path.stat().st_size), [])

    def test_what_changes_needs_a_daemon(self):
        before = self.evpopd.ctl_json("messages")
        for words in (("poll", "anna"), ("pause", "anna"), ("resume", "anna"),
                      ("reload",), ("status",), ("quarantine", "retry", "1")):
            said = self.read(*words, code=69).stderr
            self.assertIn("only a running daemon can do that", said, words)
        self.assertEqual(self.evpopd.ctl_json("messages"), before)
        self.assertIn("either --store or --socket", self.read(
            "-s", "x", "messages", code=64).stderr)
        self.assertIn('there is no account "bert"', self.read(
            "account", "bert", code=66).stderr)
        self.assertIn('there is no account "bert"', self.read(
            "messages", "-A", "bert", code=66).stderr)

    def test_a_folder_that_cannot_be_written(self):
        self.evpopd.halt()
        folder = pathlib.Path(tempfile.mkdtemp(prefix="evpop-offline-"))
        self.addCleanup(procs.remove_folder, folder)
        # A name that a URI must not misread.
        store = folder / "a?b#c%41.db"
        shutil.copy(self.evpopd.store_file, store)
        as_user = {}
        if os.geteuid() == 0:
            self.evpopd.let_others_run()
            for path in (folder, store):
                os.chown(path, NOBODY, NOBODY)
            as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        os.chmod(store, 0o400)
        os.chmod(folder, 0o500)
        self.addCleanup(os.chmod, folder, 0o700)
        shown = json.loads(self.read("--json", "messages", store=store,
                                     **as_user).stdout)
        self.assertEqual(len(shown["messages"]), 5)
        self.assertEqual([path.name for path in folder.iterdir()],
                         [store.name])

    def test_other_files_are_refused_with_words(self):
        self.evpopd.halt()
        folder = self.evpopd.folder
        self.assertIn("No such file", self.read(
            "messages", store=folder / "none.db", code=66).stderr)
        self.assertIn("not a regular file", self.read(
            "messages", store=folder, code=65).stderr)
        text = folder / "text"
        text.write_text("no database\n" * 1000)
        self.assertIn(str(text), self.read(
            "messages", store=text, code=65).stderr)
        other = folder / "other.db"
        with sqlite3.connect(other) as made:
            made.execute("CREATE TABLE t (x)")
        self.assertIn("another program", self.read(
            "messages", store=other, code=65).stderr)
        with sqlite3.connect(self.evpopd.store_file) as changed:
            now, = changed.execute("PRAGMA user_version").fetchone()
        for version, code, words in ((now + 1, 78, "supports up to"),
                                     (now - 1, 77, "evpopd --once")):
            with sqlite3.connect(self.evpopd.store_file) as changed:
                changed.execute(f"PRAGMA user_version = {version}")
            self.assertIn(words, self.read("messages", code=code).stderr)
            self.assertIn(str(version), self.read("messages",
                                                  code=code).stderr)

    def test_its_reader_ends_with_it(self):
        """However evpopctl ends; here while it waits for an answer."""
        script, said = self.evpopd.folder / "slow", self.evpopd.folder / "pid"
        script.write_text(f'#!/bin/sh\necho $$ >{said}.new\n'
                          f'mv {said}.new {said}\necho ready\n'
                          f'exec sleep 1000\n')
        script.chmod(0o700)
        started = subprocess.Popen(
            [self.evpopd.ctl_program, "--store", self.evpopd.store_file,
             "messages"], env={**os.environ, "EVPOPCTL_EVPOPD": str(script)})
        procs.wait_for(said.exists, procs.PATIENCE, "the reader of the store")
        started.send_signal(signal.SIGKILL)
        started.wait()
        reader = pathlib.Path("/proc", said.read_text().strip())
        procs.wait_for(lambda: not (reader / "exe").exists(), procs.PATIENCE,
                       "the end of the reader")
        self.assertIn("EVPOPCTL_EVPOPD", self.read(
            "messages", code=69,
            env={**os.environ, "EVPOPCTL_EVPOPD": "/none"}).stderr)


if __name__ == "__main__":
    unittest.main()
