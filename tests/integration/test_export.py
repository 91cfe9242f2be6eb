"""Stored mail goes out into files: whole, once, wherever a run was cut."""

import hashlib
import json
import mailbox
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import time
import unittest

from harness import corpus, daemon, dovecot, maildropd, procs

TRICKY = [
    b"From: a@example.org\r\nSubject: tricky\r\n\r\nFrom here on\r\n"
    b">From there\r\n>>From far\r\n> From none\r\nFromage\r\n" +
    # Longer than what is asked for ahead.
    b"a line of a long message, and more of the same\r\n" * 8000,
    b"Subject: no end\r\n\r\nFrom ",
    b"Subject: one line\r\n\r\n.\r\nfrom small\r\n",
]
MAIL = {"anna": corpus.messages(40, total=400000, seed=81) + TRICKY,
        "bert": corpus.messages(12, total=60000, seed=82)}


def plain(octets):
    return octets.replace(b"\r\n", b"\n")


def ended(messages):
    """As a server gives them: each line has an end."""
    return sorted(one if one.endswith(b"\n") else one + b"\r\n"
                  for one in messages)


def of_mboxrd(octets):
    """The messages of an mbox: each from its From_ line to the next."""
    parts = re.split(rb"^From [^\n]*\n", octets, flags=re.M)
    if parts[0] != b"":
        raise AssertionError(parts[0][:80])
    # An empty line ends each.
    for part in parts[1:]:
        if not part.endswith(b"\n\n"):
            raise AssertionError(part[-80:])
    return [re.sub(rb"^>(>*From )", rb"\1", part[:-1], flags=re.M)
            for part in parts[1:]]


class ExportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not dovecot.available():
            raise unittest.SkipTest("Dovecot is not installed")
        with dovecot.Dovecot(users={"anna": "secret-a",
                                    "bert": "secret-b"}) as server:
            for user, messages in MAIL.items():
                server.deliver(user, messages)
            cls.evpopd = daemon.Evpopd({
                "anna@example.org": daemon.account_of(server, "anna"),
                "bert": daemon.account_of(server, "bert")})
            cls.addClassCleanup(cls.evpopd.remove)
            cls.evpopd.start()
            cls.evpopd.wait_polled()
        cls.raw = {one["id"]: cls.evpopd.raw(one["id"])
                   for one in cls.evpopd.messages()}
        cls.account = {one["id"]: one["account"]
                       for one in cls.evpopd.messages()}
        cls.assertEqual(cls(), len(cls.raw), 55)

    def setUp(self):
        self.folder = pathlib.Path(self.evpopd.folder,
                                   self.id().rpartition(".")[2])
        self.folder.mkdir()
        self.out = self.folder / "out"
        self.addCleanup(procs.remove_folder, self.folder)

    def export(self, *words, **keywords):
        return json.loads(self.evpopd.ctl("--json", "export", *words,
                                          **keywords).stdout)

    # ---- what is there ----

    def maildir_files(self, folder):
        """Octets of whole messages; a Maildir's reader sees the same."""
        self.assertEqual(list((folder / "tmp").iterdir()), [])
        found = [path.read_bytes() for part in ("new", "cur")
                 for path in (folder / part).iterdir()]
        self.assertEqual(len(mailbox.Maildir(folder)), len(found))
        return found

    def expected(self, account=None, change=plain):
        return sorted(change(octets) for number, octets in self.raw.items()
                      if account in (None, self.account[number]))

    def check_maildir(self, out=None):
        out = out or self.out
        self.assertEqual(sorted(path.name for path in out.iterdir()),
                         ["anna@example.org", "bert"])
        for account in ("anna@example.org", "bert"):
            self.assertEqual(sorted(self.maildir_files(out / account)),
                             self.expected(account))

    def check_eml(self):
        found = {path.name: path.read_bytes()
                 for path in self.out.glob("*/*")}
        self.assertEqual(sorted(found.values()),
                         self.expected(change=lambda octets: octets))
        for name, octets in found.items():
            self.assertEqual(octets, self.raw[int(name.partition("-")[0])])

    def check_mbox(self):
        octets = self.out.read_bytes()
        # The last line of one message has no end, and gets one.
        self.assertEqual(
            of_mboxrd(octets), [
                plain(self.raw[number]) if
                self.raw[number].endswith(b"\n") else
                plain(self.raw[number]) + b"\n"
                for number in sorted(self.raw)])
        box = mailbox.mbox(self.out, create=False)
        self.assertEqual(len(box), len(self.raw))
        box.close()

    # ---- forms ----

    def test_maildir(self):
        self.assertEqual(self.export("--maildir", self.out),
                         {"exported": 55, "present": 0, "gone": 0, "failed": 0,
                          "bytes": sum(map(len, self.raw.values()))})
        self.check_maildir()
        # A reader has moved one, and flagged it.
        one = next((self.out / "bert" / "new").iterdir())
        one.rename(self.out / "bert" / "cur" / (one.name + ":2,S"))
        again = self.export("--maildir", self.out)
        self.assertEqual((again["exported"], again["present"]), (0, 55))
        self.check_maildir()
        self.assertEqual(os.stat(self.out).st_mode & 0o777, 0o700)
        for path in self.out.glob("*/*/*"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_folders_and_flags(self):
        self.export("--maildir", self.out, "--folders", "maildir++", "--seen")
        box = mailbox.Maildir(self.out)
        self.assertEqual(sorted(box.list_folders()),
                         ["anna@example%2Eorg", "bert"])
        self.assertEqual({one.get_flags() for one in box.get_folder("bert")},
                         {"S"})
        self.assertEqual(sorted(self.maildir_files(self.out / ".bert")),
                         self.expected("bert"))
        self.assertTrue((self.out / ".bert" / "maildirfolder").exists())
        flat = self.folder / "flat"
        self.export("--maildir", flat, "-A", "bert", "--crlf")
        self.assertEqual(sorted(self.maildir_files(flat)),
                         self.expected("bert", lambda octets: octets))
        some = self.folder / "some"
        self.export("--maildir", some, "-A", "*@example.org")
        self.assertEqual([path.name for path in some.iterdir()],
                         ["anna@example.org"])
        all_in_one = self.folder / "all"
        self.export("--maildir", all_in_one, "--folders", "none")
        self.assertEqual(sorted(self.maildir_files(all_in_one)),
                         self.expected())

    def test_eml(self):
        self.export("--eml", self.out)
        self.check_eml()
        dated = [one for one in self.evpopd.messages() if one["date"]]
        self.assertTrue(dated)
        for one in dated:
            path, = self.out.glob(f"*/{one['id']}-*")
            written = time.strftime("%Y-%m-%dT%H:%M:%S",
                                    time.gmtime(path.stat().st_mtime))
            self.assertIn(written, (one["date"][:19], one["stored_at"][:19]))

    def test_mbox(self):
        self.export("--mbox", self.out)
        self.check_mbox()
        self.assertEqual(self.export("--mbox", self.out)["exported"], 0)
        self.check_mbox()
        kept = self.folder / "crlf"
        self.export("--mbox", kept, "--crlf", "-A", "bert")
        self.assertEqual(sorted(of_mboxrd(kept.read_bytes())),
                         self.expected("bert", lambda octets: octets))

    def test_what_is_asked_for(self):
        least = sorted(self.raw)[-5]
        self.assertEqual(self.export("--eml", self.out, "--after-id",
                                     str(least))["exported"], 4)
        self.assertEqual(self.export("--eml", self.out, "-S", "1h",
                                     "-A", "bert")["exported"], 12)
        self.assertEqual(self.export("--mbox", self.folder / "q", "-q",
                                     "tricky")["exported"], 1)
        for words, code, said in (
                ((), 64, "give one of"),
                (("--eml", "x", "--mbox", "y"), 64, "give one of"),
                (("--eml", self.out, "-A", "none"), 66, "no account"),
                (("--eml", self.out, "-A", "x*"), 66, "no account matches"),
                (("--eml", self.out, "--after-id", "-1"), 64, "--after-id"),
                (("--eml", self.out, "--folders", "maildir++"), 64,
                 "--folders"),
                (("--eml", self.out, "-S", "yesterday"), 64, "since"),
                (("--eml", "/dev/null"), 74, "Not a directory"),
                (("--maildir", "/proc/none/x"), 74, "No such file")):
            self.assertIn(said, self.evpopd.ctl(
                "export", *words, code=code).stderr, words)

    def test_an_mbox_that_others_wrote(self):
        other = self.folder / "other"
        other.write_bytes(b"From me\n\nmine\n")
        said = self.evpopd.ctl("export", "--mbox", other, code=74).stderr
        self.assertIn("no export made it", said)
        self.assertEqual(other.read_bytes(), b"From me\n\nmine\n")
        self.export("--mbox", self.out, "-A", "bert")
        self.assertIn("other options", self.evpopd.ctl(
            "export", "--mbox", self.out, code=74).stderr)
        with open(self.out, "ab") as changed:
            changed.write(b"Status: RO\n")
        octets = self.out.read_bytes()
        self.assertIn("changed by another program", self.evpopd.ctl(
            "export", "--mbox", self.out, "-A", "bert", code=74).stderr)
        self.assertEqual(self.out.read_bytes(), octets)

    # ---- runs that are cut ----

    def kills(self, words, check):
        """A run is killed at any moment, and others go on."""
        chooser = random.Random(83)
        begun = time.monotonic()
        self.evpopd.ctl("export", words, self.folder / "measured")
        whole = time.monotonic() - begun
        cut = 0
        for attempt in range(25):
            with subprocess.Popen(
                    [self.evpopd.ctl_program, "-s", self.evpopd.socket,
                     "export", words, self.out], stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL) as started:
                time.sleep(chooser.uniform(0, whole))
                started.send_signal(signal.SIGKILL)
            cut += started.returncode == -signal.SIGKILL
            if chooser.random() < 0.3 and self.out.exists():
                self.evpopd.ctl("export", words, self.out)
                check()
                for left in self.folder.glob("out*"):
                    left.rename(self.folder / f"{attempt}-{left.name}")
        self.assertGreater(cut, 0)
        self.evpopd.ctl("export", words, self.out)
        check()

    def test_a_maildir_is_cut(self):
        self.kills("--maildir", self.check_maildir)

    def test_files_are_cut(self):
        self.kills("--eml", self.check_eml)

    def test_an_mbox_is_cut(self):
        self.kills("--mbox", self.check_mbox)

    def full(self, words, check):
        """No room for what is larger, as on a full disk."""
        room = sorted(map(len, self.raw.values()))[-3] - 1

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        said = self.evpopd.ctl("export", words, self.out, code=74,
                               preexec_fn=limit).stderr
        self.assertIn("File too large", said)
        self.assertIn("goes on where it ended", said)
        before = self.export(words, self.out)
        self.assertGreater(before["exported"], 0)
        check()
        return before

    def test_no_room_for_a_maildir(self):
        self.assertGreater(self.full("--maildir",
                                     self.check_maildir)["present"], 0)

    def test_no_room_for_files(self):
        self.assertGreater(self.full("--eml", self.check_eml)["present"], 0)

    def test_no_room_for_an_mbox(self):
        self.assertLess(self.full("--mbox", self.check_mbox)["exported"], 55)

    def test_the_daemon_ends_meanwhile(self):
        """What was whole stays, and the next run goes on."""
        other = daemon.Evpopd()
        self.addCleanup(other.remove)
        with subprocess.Popen(
                [self.evpopd.ctl_program, "-s", other.socket, "export",
                 "--eml", self.out], stderr=subprocess.PIPE) as started:
            self.assertIn(b"cannot reach the daemon", started.stderr.read())
        self.assertEqual(started.returncode, 69)
        self.assertFalse(self.out.exists())

    def test_two_at_a_time(self):
        with subprocess.Popen(
                [self.evpopd.ctl_program, "-s", self.evpopd.socket, "export",
                 "--mbox", self.out]) as one:
            with subprocess.Popen(
                    [self.evpopd.ctl_program, "-s", self.evpopd.socket,
                     "export", "--mbox", self.out],
                    stderr=subprocess.PIPE) as two:
                two.stderr.read()
        self.assertIn(one.returncode, (0, 74))
        self.assertIn(two.returncode, (0, 74))
        self.evpopd.ctl("export", "--mbox", self.out)
        self.check_mbox()


class GroupsTest(unittest.TestCase):
    """More messages than are made durable together."""

    COUNT = 2500

    def setUp(self):
        server = self.enterContext(maildropd.MaildropServer(
            synthetic=[("u", "pw", 1, self.COUNT, 700)], tls=False))
        self.evpopd = daemon.Evpopd({"anna": {
            "host": server.host, "port": server.port, "tls": "none",
            "user": "u1", "password": "pw"}})
        self.addCleanup(self.evpopd.remove)
        self.evpopd.once()
        self.out = self.evpopd.folder / "out"

    def command(self, form):
        return [self.evpopd.ctl_program, "--store", self.evpopd.store_file,
                "--json", "export", form, self.out]

    def cut_and_go_on(self, form):
        """Cut behind the first group; what is durable is not fetched again."""
        chooser = random.Random(84)
        least = 0
        for _ in range(6):
            with subprocess.Popen(self.command(form),
                                  stdout=subprocess.DEVNULL) as started:
                try:
                    started.wait(chooser.uniform(0.1, 1))
                except subprocess.TimeoutExpired:
                    started.kill()
            now = self.durable(form)
            self.assertGreaterEqual(now, least)
            least = now
        done = json.loads(procs.run(self.command(form)).stdout)
        self.assertEqual(done["exported"], self.COUNT - least)
        self.assertEqual(self.durable(form), self.COUNT)

    def durable(self, form):
        if form == "--mbox":
            state = pathlib.Path(f"{self.out}.export")
            if not state.exists():
                return 0
            # Ids of the only account count from 1.
            size, last = map(int, state.read_text().splitlines()[2].split())
            whole = self.out.read_bytes()[:size]
            self.assertEqual(len(of_mboxrd(whole)) if whole else 0, last)
            return last
        parts = "anna/new/*" if form == "--maildir" else "anna/[0-9]*"
        found = list(self.out.glob(parts))
        for path in found:
            octets = path.read_bytes()
            if form == "--maildir":
                octets = octets.replace(b"\n", b"\r\n")
            self.assertIn(hashlib.blake2b(octets, digest_size=32)
                          .hexdigest()[:16], path.name)
        return len(found)

    def test_maildir(self):
        self.cut_and_go_on("--maildir")

    def test_files(self):
        self.cut_and_go_on("--eml")

    def test_mbox(self):
        self.cut_and_go_on("--mbox")


class SealedLaterTest(unittest.TestCase):
    """The digests of a store change once, where it begins to seal mail."""

    FORMS = ("--maildir", "--eml", "--mbox")

    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "p", "bert": "p", "carl": "p"}))
        self.server.deliver("anna", MAIL["anna"])
        self.evpopd = self.fresh("anna", "carl")
        self.folder = pathlib.Path(self.enterContext(
            procs.temporary_folder("evpop-export-")))
        self.key = self.folder / "holder.key"

    def fresh(self, *users):
        evpopd = daemon.Evpopd({
            user: daemon.account_of(self.server, user) for user in users})
        self.addCleanup(evpopd.remove)
        evpopd.start()
        evpopd.wait_polled()
        return evpopd

    def seal(self):
        """All digests are keyed, and new mail is sealed."""
        before = {one["digest"] for one in self.evpopd.messages()}
        self.evpopd.halt()
        self.evpopd.seal_to(self.evpopd.ctl(
            "key", "generate", self.key).stdout.strip())
        self.evpopd.start()
        self.evpopd.wait_polled()
        after = {one["digest"] for one in self.evpopd.messages()}
        self.assertEqual(len(after), len(before))
        self.assertEqual(before & after, set())

    def export(self, form, *words, key=False, evpopd=None):
        evpopd = evpopd or self.evpopd
        done = json.loads(evpopd.ctl(
            *(("--key", self.key) if key else ()), "--json", "export", form,
            self.folder / form, "--folders", "none", *words).stdout)
        return done["exported"], done["present"]

    def written(self, form):
        """What is in a form's files."""
        path = self.folder / form
        if form == "--mbox":
            return sorted(of_mboxrd(path.read_bytes()))
        return sorted(one.read_bytes() for one in path.glob(
            "new/*" if form == "--maildir" else "*.eml"))

    def test_an_export_goes_on(self):
        half = sorted(one["id"] for one in self.evpopd.messages())[20]
        for form in self.FORMS:
            # An mbox is refused that was begun with other options.
            words = () if form == "--mbox" else ("--after-id", str(half))
            self.assertEqual(self.export(form, *words),
                             (43 - 21 * bool(words), 0))
        self.seal()
        later = MAIL["bert"][:3]
        self.server.deliver("anna", later)
        self.evpopd.poll("anna")
        for form in self.FORMS:
            began, there = (3, 0) if form == "--mbox" else (24, 22)
            self.assertEqual(self.export(form, key=True), (began, there))
            written = self.written(form)
            if form == "--eml":
                self.assertEqual(written, ended(MAIL["anna"] + later))
            else:
                self.assertEqual(len(written), 46)
                self.assertEqual(len(set(written)), 46)
            self.assertEqual(self.export(form, key=True),
                             (0, 0 if form == "--mbox" else 46))
            self.assertEqual(self.written(form), written)

    def test_ids_of_another_store(self):
        """They are the same, and the mail is not: it is written, too."""
        self.export("--eml")
        self.seal()
        self.server.deliver("bert", MAIL["bert"])
        other = self.fresh("bert")
        self.assertEqual(self.export("--eml", evpopd=other), (12, 0))
        self.assertEqual(self.export("--eml"), (0, 43))
        self.assertEqual(self.export("--eml", evpopd=other), (0, 12))
        self.assertEqual(self.written("--eml"),
                         ended(MAIL["anna"] + MAIL["bert"]))

    def imported(self, path):
        done = json.loads(self.evpopd.ctl(
            "--json", "import", "-A", "carl", path).stdout)
        return done["imported"], done["known"]

    def test_an_import_goes_on(self):
        """And a poll knows what was imported before."""
        self.export("--eml")
        path = self.folder / "--eml"
        self.assertEqual(self.imported(path), (43, 0))
        self.seal()
        self.assertEqual(self.imported(path), (0, 43))
        self.server.deliver("carl", MAIL["anna"])
        shown = self.evpopd.poll("carl")
        self.assertEqual(shown["session"]["adopted"], 43)
        self.assertEqual(len(self.evpopd.messages("carl")), 43)


if __name__ == "__main__":
    unittest.main()
