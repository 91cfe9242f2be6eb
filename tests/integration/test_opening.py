"""Sealed mail, read by who holds the key as plain mail is read by anybody."""

import json
import os
import pathlib
import pty
import shutil
import sqlite3
import subprocess
import unittest

from harness import corpus, daemon, maildropd, procs

PLAIN = 20  # that come before mail is sealed


def letter(number, *references):
    """One of a conversation."""
    named = "".join(f"References: <letter.{one}@example.org>\r\n"
                    for one in references)
    return (f"From: Anna <anna@example.org>\r\nSubject: letter {number}\r\n"
            f"Message-ID: <letter.{number}@example.org>\r\n{named}"
            f"Date: Thu, 1 Jan 2026 12:0{number}:00 +0000\r\n\r\n"
            f"the letter {number}\r\n").encode()


# The last of the plain ones, and the last of all, are a conversation.
MAIL = corpus.messages(57, seed=15)
MAIL[PLAIN - 1:PLAIN - 1] = [letter(1)]
MAIL += [letter(3, 2), letter(2, 1)]
ROOM = 20 * 1024 * 1024
LARGE = (b"Subject: large\r\nFrom: anna@example.org\r\n\r\n" +
         b"0123456789abcdef0123456789abcdef0123456789abcdef\r\n" * 700_000)

QUERIES = ("invoice", "meeting agenda", "inv*", "in*", '"of the"',
           "from:example", "subject:re", "has:attachment", "-has:attachment",
           "invoice OR ticket", "the -invoice", "(draft OR budget) the",
           "larger:10k", "smaller:3k the", "filename:pdf", "body:quarter",
           "account:anna report", "account:anna -the", "before:2040-01-01 report",
           "since:2040-01-01", "\u8acb\u6c42\u66f8", "\u0441\u0447\u0451\u0442")

NO_KEY, WRONG, NOT_FOUND, USAGE, CHANGED = 78, 77, 66, 64, 65


class Fixture(unittest.TestCase):
    """One maildrop in two stores: plain, and most of it sealed."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(
            procs.temporary_folder("evpop-holder-")))
        cls.key = cls.folder / "holder.key"
        server = cls.enterClassContext(
            maildropd.MaildropServer(users={"anna": "p"}))
        cls.plain, cls.sealed = (
            daemon.Evpopd({"anna": daemon.account_of(server, "anna")})
            for _ in range(2))
        for one in (cls.plain, cls.sealed):
            cls.addClassCleanup(one.remove)
        public = cls.sealed.ctl("key", "generate", cls.key).stdout.strip()
        server.deliver("anna", MAIL[:PLAIN])
        for one in (cls.plain, cls.sealed):
            one.start()
            one.wait_polled()
        cls.sealed.halt()
        cls.sealed.seal_to(public)
        server.deliver("anna", MAIL[PLAIN:])
        cls.sealed.start()
        cls.sealed.wait_polled()
        cls.plain.poll("anna")
        cls.wait_indexed()
        cls.raw = {row["id"]: cls.plain.raw(row["id"])
                   for row in cls.plain.messages()}
        cls.exported = cls.folder / "exported"
        cls.sealed.ctl("export", "--sealed", cls.exported)

    @classmethod
    def wait_indexed(cls):
        procs.wait_for(
            lambda: cls.plain.get("/v1/messages?q=the")["index_complete"],
            procs.PATIENCE, "the index")

    def ctl(self, *words, code=0, key=None, place=(), **keywords):
        """evpopctl of the key's holder."""
        place = place or ("-s", self.sealed.socket)
        done = procs.run([self.sealed.ctl_program, *place, "--key",
                          key or self.key, *words], procs.PATIENCE,
                         check=False, **keywords)
        self.assertEqual(done.returncode, code, (words, done))
        return done


class SameTest(Fixture):
    """What the holder sees is what there would be to see without seals."""

    def places(self):
        """The daemon's socket, its file, and what was exported of it."""
        yield "-s", self.sealed.socket
        yield "--store", self.sealed.store_file
        yield "--in", self.exported

    @staticmethod
    def comparable(rows):
        """Without what differs: of what is not sealed, its unique-id is not
        in an export, and a store that seals keeps a keyed digest; of what is
        sealed nobody keeps whether it is cut."""
        return [{name: value for name, value in row.items()
                 if name not in ("stored_at", "sealed", "cut") and not (
                     row.get("id", PLAIN + 1) <= PLAIN and
                     name in ("unique_id", "digest"))} for row in rows]

    def rows_of_plain(self, *words):
        return self.comparable(self.plain.ctl_json(*words)["messages"])

    def test_lists(self):
        for place in self.places():
            shown = json.loads(self.ctl("--json", "messages", "-n", "1000",
                                        place=place).stdout)["messages"]
            self.assertEqual(len(shown), len(MAIL), place)
            self.assertEqual(self.comparable(shown),
                             self.rows_of_plain("messages", "-n", "1000"))
            self.assertEqual([row["sealed"] for row in reversed(shown)],
                             [False] * PLAIN + [True] * (len(MAIL) - PLAIN))

    def test_pages(self):
        for place in self.places():
            lines = self.ctl("messages", "--all", place=place).stdout
            self.assertEqual(lines, self.plain.ctl("messages",
                                                   "--all").stdout)
            some = self.ctl("messages", "-n", "7", place=place).stdout
            self.assertEqual(some.splitlines()[1].split()[0], "60")
            self.assertEqual(len(some.splitlines()), 8)
            ids = [row["id"] for row in json.loads(self.ctl(
                "--json", "messages", "--after-id", "30", "-n", "4",
                place=place).stdout)["messages"]]
            self.assertEqual(ids, [31, 32, 33, 34])

    def test_conversations(self):
        lengths = {}
        for place in self.places():
            for number in ("1", "20", "25", "59"):
                words = ("messages", "--thread", number)
                want = self.rows_of_plain(*words)
                have = json.loads(self.ctl("--json", *words,
                                           place=place).stdout)["messages"]
                self.assertEqual(self.comparable(have), want)
                lengths[number] = [row["id"] for row in want]
            self.ctl("messages", "--thread", "999", place=place,
                     code=NOT_FOUND)
        self.assertEqual(lengths["20"], [20, 60, 59])
        self.assertEqual(lengths["59"], [20, 60, 59])

    def test_searches(self):
        for place in self.places():
            found = 0
            for query in QUERIES:
                words = ("search", "-n", "1000", "--", query)
                want = self.rows_of_plain(*words)
                have = json.loads(self.ctl("--json", *words,
                                           place=place).stdout)["messages"]
                self.assertEqual(self.comparable(have), want, (place, query))
                found += len(have)
            self.assertGreater(found, 100)
            for query in ("the", "invoice OR ticket", "subject:re"):
                words = ("search", "--rank", "-n", "20", "--", query)
                have = json.loads(self.ctl("--json", *words,
                                           place=place).stdout)
                want = self.plain.ctl_json(*words)
                self.assertEqual(self.comparable(have["messages"]),
                                 self.comparable(want["messages"]), query)
                self.assertEqual((have["ranked_among"], have["ranked_all"]),
                                 (want["ranked_among"], want["ranked_all"]))
            one = self.ctl("search", "the", "-n", "2", place=place).stdout
            self.assertEqual(
                one, self.plain.ctl("search", "the", "-n", "2").stdout)
            have = json.loads(self.ctl(
                "--json", "messages", "-f", "EXAMPLE.org", "-n", "1000",
                place=place).stdout)["messages"]
            self.assertEqual(
                self.comparable(have),
                self.rows_of_plain("messages", "-f", "EXAMPLE.org",
                                   "-n", "1000"))
            self.assertIn("has no words", self.ctl(
                "search", "--", "()", place=place, code=USAGE).stderr)

    def test_reading(self):
        for place in self.places():
            for number in (1, PLAIN, PLAIN + 1, 33, 47, 60):
                number = str(number)
                for words in (("show",), ("show", "-H"), ("--json", "show"),
                              ("--json", "show", "-H")):
                    have = self.ctl(*words, number, place=place).stdout
                    want = self.plain.ctl(*words, number).stdout
                    if words[0] == "--json":
                        have, want = (self.comparable([json.loads(one)])
                                      for one in (have, want))
                    self.assertEqual(have, want, (place, words, number))
                self.assertEqual(
                    self.ctl("raw", number, place=place, text=False).stdout,
                    self.raw[int(number)])

    def test_parts(self):
        messages = self.plain.ctl_json("search", "has:attachment", "-n", "5")
        for place in self.places():
            for message in messages["messages"]:
                number = str(message["id"])
                files = {}
                for who, run in (("plain", self.plain.ctl),
                                 ("sealed", lambda *words: self.ctl(
                                     *words, place=place))):
                    folder = self.folder / who
                    folder.mkdir()
                    run("show", "-a", "all", "-o", folder, number)
                    files[who] = {path.name: path.read_bytes()
                                  for path in folder.iterdir()}
                    shutil.rmtree(folder)
                self.assertEqual(files["sealed"], files["plain"])
                self.assertEqual(
                    self.ctl("show", "-p", "1", number, place=place,
                             text=False).stdout,
                    self.plain.ctl("show", "-p", "1", number,
                                   text=False).stdout)

    def test_export(self):
        for place in self.places():
            out = self.folder / "out"
            self.assertIn(f"exported {len(MAIL)} messages", self.ctl(
                "export", "--eml", out, place=place).stdout)
            self.assertIn("60 there already", self.ctl(
                "export", "--eml", out, place=place).stdout)
            self.assertEqual(
                sorted(path.read_bytes() for path in out.rglob("*.eml")),
                sorted(self.raw.values()))
            shutil.rmtree(out)
            mbox = self.folder / "mbox"
            self.ctl("export", "--mbox", mbox, "-q", "invoice", place=place)
            other = self.folder / "plain.mbox"
            self.plain.ctl("export", "--mbox", other, "-q", "invoice")
            # The first line of each has when it was stored.
            have, want = ([line for line in path.read_bytes().splitlines()
                           if not line.startswith(b"From ")]
                          for path in (mbox, other))
            self.assertEqual(have, want)
            for path in (mbox, other):
                path.unlink()
                path.with_name(path.name + ".export").unlink()

    def test_no_plain_word_is_left_behind(self):
        """The files of an export without a key."""
        for path in self.exported.rglob("*.sealed"):
            content = path.read_bytes()
            self.assertTrue(content.startswith(b"evpop-sealed-1\n"))
            for word in (b"Subject:", b"example.", b"Received"):
                self.assertNotIn(word, content)
        self.assertEqual(len(list(self.exported.rglob("*.sealed"))),
                         len(MAIL) - PLAIN)
        self.assertEqual(len(list(self.exported.rglob("*.eml"))), PLAIN)


class RefusedTest(Fixture):
    """What does not open says so."""

    def setUp(self):
        self.other = self.folder / f"{self.id()}.key"
        self.public = self.sealed.ctl("key", "generate", self.other)

    def copy(self):
        """A folder of the sealed messages alone, by their ids."""
        folder = self.folder / self.id()
        folder.mkdir()
        self.addCleanup(shutil.rmtree, folder)
        paths = {}
        for path in self.exported.rglob("*.sealed"):
            number = int(path.name.partition(".evpop")[2].partition("_")[0])
            paths[number] = shutil.copy(path, folder)
        return folder, {number: pathlib.Path(path)
                        for number, path in paths.items()}

    def test_without_a_key(self):
        for words in (("show", "50"), ("show", "-H", "50")):
            done = self.sealed.ctl(*words, code=NO_KEY)
            self.assertIn("sealed", done.stderr)
            self.assertIn("--key", done.stderr)
        done = self.sealed.ctl("export", "--eml", self.folder / "none",
                               code=NO_KEY)
        self.assertIn("message 21 is sealed", done.stderr)
        self.assertIn("--sealed", done.stderr)
        rows = self.sealed.ctl_json("messages", "-n", "1")["messages"]
        self.assertEqual((rows[0]["sealed"], rows[0]["subject"]), (True, None))
        done = procs.run([self.sealed.ctl_program, "--in", self.exported,
                          "messages"], procs.PATIENCE, check=False)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--in needs --key", done.stderr)

    def test_a_key_that_is_not_there(self):
        done = self.ctl("messages", key=self.folder / "none", code=NOT_FOUND)
        self.assertIn("No such file", done.stderr)
        text = self.folder / "text"
        text.touch(0o600)
        text.write_text("no key\n")
        self.ctl("messages", key=text, code=CHANGED)
        text.chmod(0o644)
        self.ctl("messages", key=text, code=WRONG)

    def test_another_key(self):
        for place in (("-s", self.sealed.socket), ("--in", self.exported)):
            done = self.ctl("raw", "50", key=self.other, code=WRONG,
                            place=place)
            self.assertIn("message 50: it is sealed to another key",
                          done.stderr)
            self.assertEqual(done.stdout, "")
            done = self.ctl("messages", "--all", key=self.other, code=WRONG,
                            place=place)
            self.assertEqual(len(done.stdout.splitlines()), len(MAIL) + 1)
            self.assertIn("30 more cannot be opened", done.stderr)
            # What is not sealed is shown with any key.
            self.assertEqual(self.ctl(
                "raw", "3", key=self.other, text=False,
                place=place).stdout, self.raw[3])
            # Both are tried.
            self.assertEqual(self.ctl(
                "raw", "--key", self.other, "50", text=False,
                place=place).stdout, self.raw[50])
            out = self.folder / "some"
            done = self.ctl("export", "--eml", out, key=self.other,
                            code=WRONG, place=place)
            self.assertIn(f"exported {PLAIN} messages", done.stdout)
            self.assertIn("40 cannot be opened", done.stdout)
            shutil.rmtree(out)

    def test_files_that_were_changed(self):
        folder, paths = self.copy()
        place = ("--in", folder)
        whole = {number: path.read_bytes() for number, path in paths.items()}

        def says(number, words, content, code=CHANGED):
            paths[number].write_bytes(content)
            done = self.ctl("raw", str(number), "-o", folder / "out",
                            place=place, code=code)
            self.assertIn(words, done.stderr)
            self.assertIn(f"message {number}: ", done.stderr)
            self.assertFalse((folder / "out").exists())
            paths[number].write_bytes(whole[number])

        large = max(whole, key=lambda number: len(whole[number]))
        end = len(whole[large])
        says(large, "it is cut", whole[large][:end - 5])
        says(large, "it is cut", whole[large][:end - 100])
        says(large, "a piece of its body was changed",
             whole[large][:end - 60] + b"?" + whole[large][end - 59:])
        says(large, "there is more behind the end", whole[large] + b"x")
        # Its key, and its envelope.
        says(large, "was changed",
             whole[large][:60] + b"????" + whole[large][64:])
        says(large, "envelope was changed",
             whole[large][:220] + b"????" + whole[large][224:])
        # The pieces of one behind the head of another.
        said = self.ctl("raw", str(large), place=place, text=False)
        self.assertEqual(said.stdout, self.raw[large])

    def test_a_list_goes_on_behind_what_was_changed(self):
        folder, paths = self.copy()
        content = paths[40].read_bytes()
        paths[40].write_bytes(content[:220] + b"????" + content[224:])
        paths[41].write_bytes(content[:50])
        paths[42].write_bytes(b"nothing of the kind")
        done = self.ctl("messages", "--all", place=("--in", folder),
                        code=CHANGED)
        self.assertEqual(len(done.stdout.splitlines()),
                         1 + len(MAIL) - PLAIN - 2)
        self.assertIn("message 40: ", done.stderr)
        for number in (41, 42):
            self.assertIn(f"{paths[number].name}: it is no message of an export",
                          done.stderr)
        done = self.ctl("search", "the", place=("--in", folder), code=CHANGED)
        self.assertNotIn("nothing found", done.stdout)

    def test_two_of_one_number(self):
        folder, paths = self.copy()
        shutil.copy(paths[40], folder / "copy.sealed")
        done = self.ctl("messages", place=("--in", folder), code=CHANGED)
        self.assertIn("are both message 40", done.stderr)

    def test_rows_that_were_exchanged(self):
        """By who can write the store's file."""
        store = self.folder / f"{self.id()}.db"
        with sqlite3.connect(self.sealed.store_file) as from_, \
                sqlite3.connect(store) as to:
            from_.backup(to)
        columns = "recipient, key, envelope, same_digest"
        with sqlite3.connect(store) as changed:
            rows = {number: changed.execute(
                f"SELECT {columns} FROM sealed WHERE message = ?",
                (number,)).fetchone() for number in (30, 31)}
            for one, other in ((30, 31), (31, 30)):
                changed.execute(
                    f"UPDATE sealed SET ({columns}) = (?, ?, ?, ?)"
                    f" WHERE message = ?", (*rows[other], one))
            # The body alone, the account, and pieces of the body.
            changed.execute("UPDATE message SET body ="
                            " (SELECT body FROM message WHERE id = 33)"
                            " WHERE id = 32")
            changed.execute("INSERT INTO account(name) VALUES('mallory')")
            changed.execute("UPDATE message SET account = (SELECT id FROM"
                            " account WHERE name = 'mallory') WHERE id = 34")
            body = dict(changed.execute(
                "SELECT id, body FROM message WHERE id IN (35, 36)"))
            changed.execute(
                "UPDATE chunk SET (data, encoding) = (SELECT data, encoding"
                " FROM chunk WHERE id = ?) WHERE id = ?",
                (body[36] << 20, body[35] << 20))
        place = ("--store", store)
        for number, words in ((30, "belongs to another message|was changed"),
                              (31, "belongs to another message|was changed"),
                              (32, "its body is that of another|was changed"),
                              (34, "another account"),
                              (35, "a piece of its body was changed")):
            done = self.ctl("raw", str(number), place=place, code=CHANGED)
            self.assertRegex(done.stderr, f"message {number}: .*({words})")
            self.assertEqual(done.stdout, "")
        done = self.ctl("messages", "-n", "100", place=place, code=CHANGED)
        for number in (30, 31, 32, 34):
            self.assertIn(f"message {number}: ", done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), len(MAIL) + 1)
        self.assertEqual(self.ctl("raw", "37", place=place,
                                  text=False).stdout, self.raw[37])


class PassphraseTest(Fixture):
    """A key under a passphrase."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.locked = cls.folder / "locked.key"
        cls.sealed.ctl("key", "generate", "--passphrase", cls.locked,
                       input="open sesame\n")

    def test_by_a_descriptor(self):
        reads, writes = os.pipe()
        os.write(writes, b"open sesame\n")
        os.close(writes)
        self.addCleanup(os.close, reads)
        # It is not the key of this mail, which says that it was opened.
        done = self.ctl("--passphrase-fd", str(reads), "show", "50",
                        key=self.locked, code=WRONG, pass_fds=(reads,))
        self.assertIn("sealed to another key", done.stderr)
        done = self.ctl("show", "50", key=self.locked, code=WRONG,
                        input="open barley\n")
        self.assertIn("the passphrase is wrong", done.stderr)
        done = self.ctl("show", "50", key=self.locked, code=USAGE, input="")
        self.assertIn("expected the passphrase", done.stderr)
        self.ctl("--passphrase-fd", "x", "show", "50", code=USAGE)

    def test_at_a_terminal(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        with subprocess.Popen(
                [self.sealed.ctl_program, "-s", self.sealed.socket, "--key",
                 self.locked, "show", "50"], stdin=theirs, stderr=theirs,
                stdout=subprocess.DEVNULL) as process:
            os.close(theirs)
            self.addCleanup(process.kill)
            said = b""
            while b": " not in said:
                said += os.read(ours, 1000)
            self.assertIn(b"Passphrase of ", said)
            os.write(ours, b"open sesame\n")
            try:
                while True:
                    said += os.read(ours, 1000)
            except OSError:
                pass
            self.assertEqual(process.wait(procs.PATIENCE), WRONG)
        self.assertIn(b"sealed to another key", said)
        self.assertNotIn(b"sesame", said)


class MemoryTest(unittest.TestCase):
    """A piece is all that is kept of a message."""

    def test_a_large_message(self):
        server = self.enterContext(
            maildropd.MaildropServer(users={"anna": "p"}))
        server.deliver("anna", [MAIL[0], LARGE])
        evpopd = daemon.Evpopd({"anna": daemon.account_of(server, "anna")})
        self.addCleanup(evpopd.remove)
        folder = pathlib.Path(self.enterContext(
            procs.temporary_folder("evpop-holder-")))
        key = folder / "holder.key"
        evpopd.seal_to(evpopd.ctl("key", "generate", key).stdout.strip())
        evpopd.start()
        evpopd.wait_polled()
        # Less than the message has.
        limit = () if daemon.sanitized() else ("prlimit", f"--data={ROOM}")
        number, = (str(row["id"]) for row in evpopd.messages()
                   if row["bytes"] == len(LARGE))
        for words in (("raw", number, "-o", folder / "raw"),
                      ("export", "--eml", folder / "eml"),
                      ("search", "0123456789abcdef" * 3)):
            done = procs.run([*limit, evpopd.ctl_program, "-s", evpopd.socket,
                              "--key", key, *words], procs.PATIENCE)
        self.assertIn("large", done.stdout)
        self.assertEqual((folder / "raw").read_bytes(), LARGE)
        self.assertIn(LARGE, [path.read_bytes() for path in
                              (folder / "eml").rglob("*.eml")])


if __name__ == "__main__":
    unittest.main()
