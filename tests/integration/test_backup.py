"""The store is copied while it is written, and a copy takes its place."""

import collections
import os
import sqlite3
import threading
import unittest

from harness import corpus, daemon, dovecot, maildropd, procs


class BackupTest(unittest.TestCase):
    def restored(self, evpopd, copy):
        """evpopd with the same accounts and a copy as its store."""
        other = daemon.Evpopd(evpopd.accounts)
        self.addCleanup(other.remove)
        copy.rename(other.store_file)
        return other

    @unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
    def test_a_copy_under_load_is_restored(self):
        mail = {user: corpus.messages(60, total=900000, seed=seed)
                for seed, user in enumerate(("anna", "bert"), 91)}
        server = self.enterContext(dovecot.Dovecot(
            users={user: "secret" for user in mail}))
        evpopd = daemon.Evpopd({user: daemon.account_of(server, user)
                                for user in mail})
        self.addCleanup(evpopd.remove)
        for user in mail:
            server.deliver(user, mail[user][:10])
        evpopd.start()
        evpopd.wait_polled()
        ended = threading.Event()
        self.addCleanup(ended.set)

        def deliver():
            for place in range(10, 60):
                for user in mail:
                    server.deliver(user, mail[user][place:place + 1])
                    procs.run([evpopd.ctl_program, "-s", evpopd.socket,
                               "poll", user], check=False)
            ended.set()
        load = threading.Thread(target=deliver)
        load.start()
        copies = []
        while not ended.is_set() or len(copies) < 2:
            name = f"copy{len(copies)}.db"
            said = evpopd.ctl("backup", name).stdout
            copies.append(evpopd.folder / name)
            self.assertIn(f"backed up to {copies[-1]}", said)
        load.join()
        # One of the first: much has happened since.
        evpopd.kill()
        for copy in (copies[0], copies[-1]):
            self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
            with sqlite3.connect(copy) as opened:
                had, = opened.execute("SELECT count(*) FROM message"
                                      ).fetchone()
            other = self.restored(evpopd, copy)
            said = other.once().stderr
            other.start()
            other.wait_polled()
            for user in mail:
                self.assertEqual(
                    sorted(other.bodies(user).values()),
                    sorted(map(corpus.as_received, mail[user])), said)
            self.assertLessEqual(had, 120)
            # Nothing came twice: what the copy had was not fetched again.
            fetched = sum(one["fetched"] for one in
                          other.get("/v1/polls?limit=1000")["polls"]
                          if one["id"] > 0)
            self.assertEqual(len(other.messages()), 120)
            self.assertGreaterEqual(fetched, 120 - had)
            self.assertIn("sound", other.ctl("check", "--store").stdout)
            with sqlite3.connect(f"file:{other.store_file}?mode=ro",
                                 uri=True) as opened:
                ids = collections.Counter(
                    row for row in opened.execute(
                        "SELECT account, unique_id FROM v_message"))
            self.assertEqual(max(ids.values()), 1)
            other.halt()

    def small(self, **keywords):
        server = self.enterContext(maildropd.MaildropServer(
            synthetic=[("u", "pw", 1, 300, 3000)], tls=False))
        return self.enterContext(daemon.Evpopd({"anna": {
            "host": server.host, "port": server.port, "tls": "none",
            "user": "u1", "password": "pw", "interval": "1h"}}, **keywords))

    def test_what_is_refused(self):
        evpopd = self.small()
        evpopd.wait_polled()
        evpopd.ctl("backup", "one.db")
        before = (evpopd.folder / "one.db").read_bytes()
        for name, code, words in (
                ("one.db", 77, "is there already"),
                (evpopd.store_file, 77, "is there already"),
                ("no/where.db", 64, "whole path"),
                ("", 64, "is empty"),
                ("..", 64, "whole path"),
                ("/none/x.db", 77, "No such file"),
                ("/dev/null/x", 77, "Not a directory"),
                ("/proc/x.db", 77, "cannot write")):
            with self.subTest(name):
                self.assertIn(words, evpopd.ctl("backup", name,
                                                code=code).stderr)
        self.assertEqual((evpopd.folder / "one.db").read_bytes(), before)
        self.assertIn("backup failed: ", evpopd.log())
        self.assertIn("backup: ", evpopd.log())
        os.symlink("/none", evpopd.folder / "link.db")
        self.assertIn("is there already", evpopd.ctl(
            "backup", "link.db", code=77).stderr)
        # What a killed daemon has left is no hindrance.
        (evpopd.folder / "two.db.evpopd-unfinished").write_bytes(b"half")
        whole = evpopd.folder / "two.db"
        evpopd.ctl("backup", whole)
        self.assertEqual([path.name for path in
                          evpopd.folder.glob("*unfinished*")], [])
        shown = evpopd.get("/v1/store/backup")
        self.assertEqual(
            (shown["file"], shown["status"], shown["bytes"],
             shown["bytes_done"]),
            (str(whole), "ok", whole.stat().st_size, whole.stat().st_size))

    def test_no_room(self):
        """A limit of file sizes is to the daemon what a full disk is."""
        evpopd = self.small()
        evpopd.wait_polled()
        evpopd.halt()
        # Polls that find nothing write little.
        evpopd.under = ["prlimit", "--fsize=400000"]
        evpopd.start()
        evpopd.wait_polled()
        said = evpopd.ctl("backup", "copy.db", code=75).stderr
        self.assertIn("no backup: ", said)
        self.assertEqual(list(evpopd.folder.glob("copy.db*")), [])
        self.assertEqual(evpopd.get("/v1/store/backup")["status"], "full")
        self.assertEqual(len(evpopd.messages()), 300)
        evpopd.poll("anna")

    def test_without_a_daemon(self):
        evpopd = self.small()
        evpopd.wait_polled()
        evpopd.halt()
        copy = evpopd.folder / "copy.db"
        procs.run([evpopd.ctl_program, "--store", evpopd.store_file,
                   "backup", copy])
        done = procs.run([evpopd.ctl_program, "--store", copy, "check",
                          "--store"])
        self.assertIn("sound", done.stdout)

    def test_killed_meanwhile(self):
        """No file of that name comes of it."""
        evpopd = self.small()
        evpopd.wait_polled()
        for place in range(5):
            evpopd.post(f"/v1/store/backup?file=copy{place}.db")
            evpopd.kill()
            copy = evpopd.folder / f"copy{place}.db"
            if copy.exists():
                done = procs.run([evpopd.ctl_program, "--store", copy,
                                  "check", "--store"])
                self.assertIn("sound", done.stdout)
            evpopd.start()
            evpopd.wait_polled()
        # And an orderly end gives it up.
        evpopd.post("/v1/store/backup?file=last.db")
        evpopd.halt()
        self.assertEqual([path.name for path in
                          evpopd.folder.glob("last.db.*")], [])
        evpopd.start()


if __name__ == "__main__":
    unittest.main()
