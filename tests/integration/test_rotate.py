"""Mail that is sealed to one key becomes mail that is sealed to another."""

import json
import pathlib
import sqlite3
import unittest

from harness import corpus, daemon, maildropd, procs, scripted

MAIL = corpus.messages(7, seed=16)

WRONG, NOT_FOUND, USAGE, CHANGED = 77, 66, 64, 65


class RotateTest(unittest.TestCase):
    """By who holds the key that it is sealed to."""

    def setUp(self):
        self.server = self.enterContext(
            maildropd.MaildropServer(users={"anna": "p"}))
        self.server.deliver("anna", MAIL[:5])
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna")})
        self.addCleanup(self.evpopd.remove)
        self.folder = pathlib.Path(self.enterContext(
            procs.temporary_folder("evpop-holder-")))
        self.old, self.new = (self.folder / name for name in ("old", "new"))
        self.public = {key: self.evpopd.ctl(
            "key", "generate", key).stdout.strip()
            for key in (self.old, self.new)}
        self.evpopd.seal_to(self.public[self.old])
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.raw = self.read(self.old)
        self.assertEqual(len(self.raw), 5)

    def read(self, *keys):
        words = [word for key in keys for word in ("--key", key)]
        rows = json.loads(self.evpopd.ctl(
            "--json", "messages", *words, "-n", "1000").stdout)["messages"]
        return {row["id"]: self.evpopd.ctl(
            "raw", *words, str(row["id"]), text=False).stdout for row in rows}

    def rotate(self, to=None, code=0, keys=None):
        words = [word for key in keys or (self.old,)
                 for word in ("--key", key)]
        return self.evpopd.ctl("key", "rotate", *words, "--to",
                               to or self.public[self.new], code=code)

    def change(self):
        """New mail is sealed to the new key."""
        self.evpopd.halt()
        self.evpopd.store["seal_to"] = self.public[self.new]
        self.server.deliver("anna", MAIL[5:7])
        self.evpopd.start()
        self.evpopd.wait_polled()

    def bodies(self):
        with sqlite3.connect(self.evpopd.store_file) as store:
            return store.execute("SELECT id, data FROM chunk").fetchall()

    def test_all_of_it(self):
        done = self.rotate(code=78)
        self.assertIn("new mail is not sealed to this key", done.stderr)
        self.assertIn("seal_to", done.stderr)
        self.assertEqual(self.read(self.old), self.raw)
        self.change()
        self.assertEqual(len(self.read(self.old, self.new)), 7)
        self.evpopd.ctl("messages", "--key", self.new, code=WRONG)
        before = self.bodies()
        self.assertEqual(self.rotate().stdout, "sealed 5 messages anew\n")
        self.assertEqual(self.bodies(), before)
        read = self.read(self.new)
        self.assertEqual(len(read), 7)
        self.assertEqual({number: read[number] for number in self.raw},
                         self.raw)
        for number in self.raw:
            self.evpopd.ctl("raw", "--key", self.old, str(number), code=WRONG)
        self.assertEqual(self.rotate().stdout, "sealed 0 messages anew\n")
        deeds = self.evpopd.get("/v1/audit?action=reseal")["audit"]
        self.assertEqual(deeds[0]["object"], "store")
        # What is known by its digest is not fetched again.
        self.evpopd.poll("anna")
        self.assertEqual(len(self.evpopd.messages()), 7)

    def test_two_holders_at_once(self):
        self.change()
        recipients = {}
        with sqlite3.connect(self.evpopd.store_file) as store:
            for number, recipient, key in store.execute(
                    "SELECT message, recipient, key FROM sealed"):
                recipients.setdefault(recipient, []).append((number, key))
        theirs = max(recipients, key=lambda one: len(recipients[one]))
        ours = min(recipients, key=lambda one: len(recipients[one]))
        items = [{"id": number, "old": key[32:48].hex(), "key": key.hex()}
                 for number, key in recipients[theirs]]
        self.rotate()
        read = self.read(self.new)
        # Who has read the keys before, and comes later, changes nothing.
        status, _, body = self.evpopd.request(
            "POST", f"/v1/store/keys?recipient={ours.hex()}",
            {"Content-Type": "application/json"},
            json.dumps({"keys": items}).encode())
        self.assertEqual((status, json.loads(body)),
                         (200, {"resealed": 0, "changed": 5}))
        self.assertEqual(self.read(self.new), read)

    def test_one_that_is_damaged(self):
        self.change()
        self.evpopd.halt()
        with sqlite3.connect(self.evpopd.store_file) as store:
            store.execute("UPDATE sealed SET key = zeroblob(length(key))"
                          " WHERE message = 2")
        self.evpopd.start()
        done = self.rotate(code=CHANGED)
        self.assertEqual(done.stdout,
                         "sealed 4 messages anew, 1 cannot be opened\n")
        self.assertIn("message 2: ", done.stderr)

    def test_wrong_use(self):
        for words, said in (
                (("--key", self.old), "--to"),
                (("--to", self.public[self.new]), "--key"),
                (("--key", self.old, "--to", "x"), "is no public key"),
                (("--key", self.old, "--to", self.public[self.old]),
                 "is the public half of --key")):
            done = self.evpopd.ctl("key", "rotate", *words, code=USAGE)
            self.assertIn(said, done.stderr)
        self.rotate(keys=(self.folder / "none",), code=NOT_FOUND)
        self.evpopd.ctl("key", "public", "--to", "x", self.old, code=USAGE)


class QuarantineTest(unittest.TestCase):
    """What failed too often is sealed, too."""

    def test_read_and_sealed_anew(self):
        server = self.enterContext(scripted.ScriptedServer(
            MAIL[:3], {"RETR 2": scripted.break_off(b"+OK\r\nSubject: cut")}))
        evpopd = daemon.Evpopd({"anna": daemon.account_of(
            server, "anna", timeout_body="300ms")})
        self.addCleanup(evpopd.remove)
        folder = pathlib.Path(self.enterContext(
            procs.temporary_folder("evpop-holder-")))
        old, new = folder / "old", folder / "new"
        public = {key: evpopd.ctl("key", "generate", key).stdout.strip()
                  for key in (old, new)}
        evpopd.seal_to(public[old])
        evpopd.start()
        evpopd.wait_polled()
        for _ in range(3):
            evpopd.poll("anna")
        row, = evpopd.get("/v1/quarantine")["quarantine"]
        self.assertIs(row["sealed"], True)
        number = str(row["id"])

        def check(key, other):
            raw = evpopd.ctl("quarantine", "raw", number, "--key", key,
                             text=False).stdout
            self.assertTrue(raw.startswith(b"Subject: cut"), raw)
            self.assertIn("RETR 2", evpopd.ctl(
                "quarantine", "show", number, "--key", key).stdout)
            for action in ("raw", "show"):
                done = evpopd.ctl("quarantine", action, number, "--key",
                                  other, code=WRONG)
                self.assertIn(f"quarantined message {number}: it is sealed "
                              f"to another key", done.stderr)

        check(old, new)
        evpopd.halt()
        evpopd.store["seal_to"] = public[new]
        evpopd.start()
        self.assertEqual(evpopd.ctl("key", "rotate", "--key", old, "--to",
                                    public[new]).stdout,
                         "sealed 3 messages anew\n")
        check(new, old)


if __name__ == "__main__":
    unittest.main()
