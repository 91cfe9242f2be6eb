"""A daemon that dies at every step while its mail is sealed.

Whatever was under way, no file of the store's (the file, its log, a backup,
what a deletion has left) has a word of the mail or a digest of it, also when
another process reads the file and keeps the log from being emptied; and the
holder of the key opens everything afterwards.
"""

import hashlib
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import daemon, maildropd, procs  # noqa: E402

USERS = {"anna": "secret"}

# A poll takes fewer; more would be a loop.
STEPS_AT_MOST = 200

WORDS = (b"Quittengelee", b"Ludmilla", b"Fussmatte", b"Grundriss", b"holunder")


def message(number, lines):
    """Mail of words that may be in no file."""
    text = b"".join(b"%d: Der Schluessel liegt unter der Fussmatte.\r\n" % line
                    for line in range(lines))
    return (b"From: Ludmilla <ludmilla@example.org>\r\n"
            b"Subject: Quittengelee %d\r\n"
            b"Message-ID: <holunder.%d@example.org>\r\n"
            b"Date: Mon, 01 Jan 2024 12:00:00 +0000\r\n\r\n%b"
            % (number, number, text))


def signs(mail):
    """What would tell of this mail: words, digests and their digits."""
    header = mail[:mail.index(b"\r\n\r\n") + 2]
    for digest in (hashlib.sha256(header), hashlib.sha256(mail),
                   hashlib.blake2b(mail, digest_size=32),
                   hashlib.blake2b(header, digest_size=32)):
        yield digest.digest()[:12]
        yield digest.hexdigest()[:24].encode()


class SealedTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(
            maildropd.MaildropServer(users=USERS))
        # Of one piece, and of several.
        self.mail = [message(number, lines)
                     for number, lines in enumerate((3, 5000, 20, 12000, 1))]
        self.server.deliver("anna", self.mail)
        self.signs = [*WORDS, *(sign for one in self.mail
                                for sign in signs(one))]
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna")})
        self.addCleanup(self.evpopd.remove)
        elsewhere = pathlib.Path(
            self.enterContext(procs.temporary_folder("evpop-holder-")))
        self.holder = elsewhere / "holder.key"
        self.key = elsewhere / "evpopd.key"
        self.evpopd.ctl("key", "generate", self.key)
        self.evpopd.daemon["key_file"] = self.key
        self.public = self.evpopd.ctl(
            "key", "generate", self.holder).stdout.strip()
        self.evpopd.store["seal_to"] = self.public

    def check_files(self, signs=None):
        seen = 0
        for path in self.evpopd.folder.glob("*.db*"):
            content = path.read_bytes()
            seen += len(content)
            for sign in signs or self.signs:
                self.assertNotIn(sign, content, path)
        return seen

    def is_over(self):
        """It has died, or all is stored and the poll is recorded."""
        return self.evpopd.has_ended() or self.is_polled()

    def is_polled(self):
        try:
            return "last_outcome" in self.evpopd.account("anna")
        except (ConnectionError, FileNotFoundError):
            return False

    def die(self, number):
        """Start, and die at a step; whether it came to that."""
        self.evpopd.environment["EVPOP_FAILPOINT"] = str(number)
        self.evpopd.start(wait=False)
        procs.wait_for(self.is_over, what="the step")
        if not self.evpopd.has_ended():
            # It may come to the step while it ends.
            try:
                self.evpopd.halt()
                return False
            except AssertionError as error:
                if "ended with -9:" not in str(error):
                    raise
        self.evpopd.kill()
        return True

    def end(self):
        """The next one: all is there, once, and opens."""
        self.evpopd.environment.pop("EVPOP_FAILPOINT", None)
        self.evpopd.start()
        self.evpopd.wait_polled()
        opened = [self.evpopd.ctl("--key", self.holder, "raw", str(row["id"]),
                                  text=False).stdout
                  for row in self.evpopd.messages()]
        self.assertEqual(sorted(opened), sorted(self.mail))
        self.evpopd.ctl("check", "--store")
        self.check_files()
        self.evpopd.halt()
        self.check_files()

    def test_dies_at_every_step(self):
        for number in range(1, STEPS_AT_MOST):
            with self.subTest(step=number):
                died = self.die(number)
                self.check_files()
                self.end()
            if not died:
                break
            for path in self.evpopd.folder.glob("mail.db*"):
                path.unlink()
        self.assertFalse(died, "it never came to its end")

    def test_copies_and_what_is_deleted(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        with self.evpopd.database() as reader:
            # The log is kept as it is meanwhile.
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM message").fetchall()
            self.evpopd.ctl("backup", self.evpopd.folder / "copy.db")
            ids = [str(row["id"]) for row in self.evpopd.messages()]
            self.evpopd.ctl("delete", "--yes", "--reason", "test",
                            *ids[:3])
            self.assertGreater(self.check_files(), 100_000)
        procs.wait_for(lambda: self.evpopd.rows(
            "SELECT (SELECT count(*) FROM removal)"
            " + (SELECT count(*) FROM unfinished)") == [(0,)],
            what="the removal")
        self.check_files()
        self.assertEqual(self.evpopd.rows("SELECT count(*) FROM sealed"),
                         [(2,)])
        self.evpopd.poll("anna")
        self.assertEqual(len(self.evpopd.messages()), 2)
        self.evpopd.kill()
        self.check_files()
        # The copy is a store of its own, for who has the keys.
        for path in self.evpopd.folder.glob("mail.db*"):
            path.unlink()
        (self.evpopd.folder / "copy.db").rename(self.evpopd.store_file)
        self.end()

    def test_dies_while_digests_are_keyed(self):
        """Plain mail was there: what its digests were is in no file."""
        del self.evpopd.store["seal_to"]
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.evpopd.halt()
        plain = self.evpopd.store_file.read_bytes()
        self.evpopd.store["seal_to"] = self.public
        digests = [hashlib.blake2b(one, digest_size=32).digest()
                   for one in self.mail]
        for sign in digests:
            self.assertIn(sign, plain)
        for number in range(1, STEPS_AT_MOST):
            for path in self.evpopd.folder.glob("mail.db*"):
                path.unlink()
            self.evpopd.store_file.write_bytes(plain)
            with self.subTest(step=number):
                died = self.die(number)
                self.evpopd.environment.pop("EVPOP_FAILPOINT", None)
                self.evpopd.start()
                self.evpopd.wait_polled()
                self.assertEqual(
                    self.evpopd.poll("anna")["session"]["fetched"], 0)
                self.assertEqual(
                    sorted(map(self.evpopd.raw, range(1, 6))),
                    sorted(self.mail))
                self.evpopd.ctl("check", "--store")
                self.evpopd.halt()
                self.check_files(digests)
            if not died:
                break
        self.assertFalse(died, "it never came to its end")


if __name__ == "__main__":
    unittest.main(verbosity=2)
