"""Maildirs and mbox files as other programs read and lock them, and disks that
take nothing."""

import email.utils
import mailbox
import os
import pathlib
import re
import shutil
import stat
import subprocess
import unittest

from harness import corpus, dovecot, lmtp, procs

MESSAGE = b"Subject: one\r\n\r\nFrom here\r\ntext\r\n"

# Larger than the disk that it is to go to.
LARGE = b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n" + (
    b"y" * 76 + b"\r\n") * 4000


def can_mount():
    """Whether a test may have a file system of its own."""
    return shutil.which("unshare") is not None and subprocess.run(
        ["unshare", *OWN, "sh", "-c", "mount -t tmpfs none /mnt"],
        capture_output=True, check=False).returncode == 0


OWN = ["-m"] if os.geteuid() == 0 else ["-rm"]


def on_disk(folder, options, before="true", after="true"):
    """Words to run a command under: the folder is a disk of its own."""
    return ["unshare", *OWN, "sh", "-c",
            f"mount -t tmpfs -o {options} none {folder} && cd {folder} && "
            f"{before} && \"$@\"; code=$?; {after}; exit $code", "sh"]


def lf(octets):
    """Lines as they are in files."""
    return octets.replace(b"\r\n", b"\n")


def key_of(number):
    """The line that the test's parcels have in front."""
    return b"X-Evpop-Id: %032x.%d\r\n" % (number, number)


class MaildirTest(unittest.TestCase):
    def carry(self, **keys):
        return self.enterContext(lmtp.Carry(tls=None, **keys))

    @unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
    def test_dovecot_reads(self):
        """Each message, octet for octet, and all of it is new."""
        mail = corpus.messages(60, 600_000)
        with dovecot.Dovecot(users={"anna": "secret"}) as server:
            path = server.maildir("anna")
            carry = self.carry(type="maildir", path=path)
            results = carry.run([carry.letter(octets, path=str(path))
                                 for octets in mail])
            self.assertEqual({one["outcome"] for one in results},
                             {"delivered"})
            # As root the tests deliver for whom the folder belongs to.
            owner = path.stat().st_uid
            for one in results:
                status = os.stat(one["place"])
                self.assertEqual(status.st_uid, owner)
                self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
            box = mailbox.Maildir(path, create=False)
            self.assertEqual({one.get_subdir() for one in box}, {"new"})
            # A server of POP3 ends each line.
            wanted = [key_of(number) + re.sub(
                rb"(?<!\r)\n|(?<!\n)\Z", b"\r\n", octets)
                      for number, octets in enumerate(mail, 1)]
            self.assertTrue(sorted(server.messages("anna").values())
                            == sorted(wanted))

    def test_sub_folder(self):
        carry = self.carry(type="maildir", folder="Lists/evpop")
        path = carry.folder / "Maildir"
        carry.keys["path"] = path
        result, = carry.run([carry.letter(MESSAGE, path=str(path),
                                          folder="Lists/evpop")])
        self.assertEqual(result["outcome"], "delivered")
        box = mailbox.Maildir(path, create=False)
        self.assertEqual(box.list_folders(), ["Lists.evpop"])
        one, = box.get_folder("Lists.evpop")
        self.assertEqual(one.get_payload(), "From here\ntext\n")

    @unittest.skipUnless(can_mount(), "no file system can be mounted")
    def check_disk(self, kind, options, words, before="true", large=True):
        carry = self.carry(type=kind)
        disk = carry.folder / "disk"
        disk.mkdir()
        carry.keys["path"] = disk / "mail"
        results = carry.run(
            [carry.letter(LARGE if large else MESSAGE,
                          path=str(disk / "mail"))],
            under=on_disk(disk, options, before,
                          f"find {disk} -type f -size +0 >"
                          f"{carry.folder}/left"))
        self.assertEqual([one["outcome"] for one in results], ["down"],
                         results)
        self.assertIn(words, results[0]["answer"])
        left = (carry.folder / "left").read_text()
        self.assertEqual(left, "", "half a message is left")

    def test_full_disk(self):
        for kind in ("maildir", "mbox"):
            with self.subTest(kind):
                self.check_disk(kind, "size=64k", "No space left on device")

    def test_no_more_files(self):
        self.check_disk("maildir", "nr_inodes=5", "No space left on device",
                        large=False)

    def test_read_only(self):
        for kind in ("maildir", "mbox"):
            with self.subTest(kind):
                self.check_disk(
                    kind, "size=64k", "Read-only file system",
                    "mkdir mail && rmdir mail && "
                    "mount -o remount,ro none .", large=False)

    # mbox

    def mbox(self, **keys):
        carry = self.carry(type="mbox", **keys)
        carry.keys["path"] = carry.folder / "inbox"
        return carry

    def letters(self, carry, mail):
        return [carry.letter(octets, path=str(carry.keys["path"]))
                for octets in mail]

    def test_mbox_is_read(self):
        """By Python's reader, and by formail(1) where it is."""
        mail = [MESSAGE, *corpus.messages(40, 400_000)]
        carry = self.mbox()
        results = carry.run(self.letters(carry, mail))
        self.assertEqual({one["outcome"] for one in results}, {"delivered"})
        box = mailbox.mbox(carry.keys["path"], create=False)
        found = [re.sub(rb"(?m)^>(>*From )", rb"\1", box.get_bytes(key))
                 for key in box.keys()]
        self.assertTrue(found == [
            lf(key_of(number) + octets) + (b"" if octets.endswith(b"\n")
                                           else b"\n")
            for number, octets in enumerate(mail, 1)])
        first = box[0].get_from()
        self.assertTrue(first.startswith("sender@example.net "), first)
        self.assertIsNotNone(email.utils.parsedate(first.split(" ", 1)[1]))
        box.close()
        if shutil.which("formail"):
            with open(carry.keys["path"], "rb") as file:
                done = subprocess.run(
                    ["formail", "-s", "sh", "-c", "cat >/dev/null; echo one"],
                    stdin=file, capture_output=True, check=True)
            self.assertEqual(done.stdout.count(b"one"), len(mail))

    def test_locked_by_a_reader(self):
        """It waits for who has the file, and is told where that lasts."""
        carry = self.mbox(timeout="1s")
        box = mailbox.mbox(carry.keys["path"])
        box.lock()
        try:
            result, = carry.run(self.letters(carry, [MESSAGE]))
            self.assertEqual(result["outcome"], "later")
            self.assertIn("locked", result["answer"])
        finally:
            box.close()
        result, = carry.run(self.letters(carry, [MESSAGE]))
        self.assertEqual(result["outcome"], "delivered")
        self.assertEqual(os.listdir(carry.folder).count("inbox.lock"), 0)

    @unittest.skipUnless(shutil.which("procmail"), "procmail is not there")
    def test_beside_procmail(self):
        """Both add to one file at once, and neither damages the other's."""
        carry = self.mbox()
        path = carry.keys["path"]
        rules = carry.folder / "procmailrc"
        rules.write_text(f"DEFAULT={path}\nLOCKSLEEP=1\n:0:\n{path}\n")
        other = carry.folder / "other"
        other.write_bytes(b"Subject: other\n\nother text\n")
        others = subprocess.Popen(
            ["sh", "-c", f"for i in 1 2 3 4 5 6 7 8 9 10; do "
             f"procmail -f x@example.org -m {rules} <{other} || exit; done"],
            preexec_fn=procs.die_with_parent())
        letters = self.letters(carry, [MESSAGE] * 30)
        results = [one for number in range(0, 30, 3)
                   for one in carry.run(letters[number:number + 3])]
        self.assertEqual(others.wait(procs.PATIENCE), 0)
        self.assertEqual({one["outcome"] for one in results}, {"delivered"})
        box = mailbox.mbox(path, create=False)
        subjects = [one["Subject"] for one in box]
        box.close()
        self.assertEqual((subjects.count("one"), subjects.count("other")),
                         (30, 10))
        self.assertFalse(pathlib.Path(f"{path}.lock").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
