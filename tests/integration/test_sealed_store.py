"""A store whose mail is sealed: what the daemon says of it, and who opens it."""

import hashlib
import json
import pathlib
import re
import shutil
import unittest

from harness import daemon, maildropd, procs

SECRET_WORDS = ("Quittengelee", "Ludmilla", "Fussmatte", "Grundriss",
                "holunder", "Katzenmeier")


def message(number):
    """Mail with words that may be in no file."""
    return (f"From: Ludmilla Zwetkow <ludmilla@example.org>\r\n"
            f"To: Otto Katzenmeier <otto@example.org>\r\n"
            f"Subject: Quittengelee Nummer {number}\r\n"
            f"Message-ID: <holunder.{number}@example.org>\r\n"
            f"Date: Mon, 01 Jan 2024 12:00:0{number % 10} +0000\r\n"
            f"MIME-Version: 1.0\r\n"
            f"Content-Type: multipart/mixed; boundary=rand\r\n\r\n"
            f"--rand\r\nContent-Type: text/plain\r\n\r\n"
            f"Der Schluessel {number} liegt unter der Fussmatte.\r\n"
            f"--rand\r\nContent-Type: text/csv\r\n"
            f"Content-Disposition: attachment; filename=Grundriss.csv\r\n\r\n"
            f"a,b\r\n--rand--\r\n").encode()


class SealedStoreTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(
            maildropd.MaildropServer(users={"anna": "p"}))
        self.mail = [message(number) for number in range(3)]
        self.server.deliver("anna", self.mail)
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna")})
        self.addCleanup(self.evpopd.remove)
        self.own = self.evpopd.folder / "evpopd.key"
        # Elsewhere: not beside the store.
        self.elsewhere = pathlib.Path(self.enterContext(
            procs.temporary_folder("evpop-holder-")))
        self.holder = self.elsewhere / "holder.key"
        self.evpopd.ctl("key", "generate", self.own)
        self.public = self.evpopd.ctl(
            "key", "generate", self.holder).stdout.strip()
        self.evpopd.daemon["key_file"] = self.own

    def seal(self):
        self.evpopd.store["seal_to"] = self.public

    def start(self):
        self.evpopd.start()
        self.evpopd.wait_polled()

    def check_files(self, *more):
        """No file of the daemon's holds a word of the mail."""
        for path in self.evpopd.folder.rglob("*"):
            if path.is_file():
                content = path.read_bytes().lower()
                for word in (*SECRET_WORDS, *more):
                    word = word if isinstance(word, bytes) else word.encode()
                    self.assertNotIn(word.lower(), content, path)

    def refused(self, path, status=409, code="sealed"):
        with self.assertRaises(daemon.Refused) as caught:
            self.evpopd.get(path)
        self.assertEqual(caught.exception.status, status)
        self.assertEqual(caught.exception.error["code"], code)
        return caught.exception.error

    def test_all_the_way(self):
        self.seal()
        self.start()
        listed = self.evpopd.messages()
        self.assertEqual(len(listed), 3)
        for row in listed:
            self.assertIs(row["sealed"], True)
            self.assertEqual(
                [row[name] for name in ("date", "sender", "recipients", "cc",
                                        "subject", "message_id", "attachments")],
                [None] * 7)
            status, headers, body = self.evpopd.request(
                "GET", f"/v1/messages/{row['id']}/raw")
            self.assertEqual((status, headers["Content-Type"]),
                             (200, "application/vnd.evpop.sealed"))
            self.assertTrue(body.startswith(b"evpop-sealed-1\n"))
            self.assertNotIn(b"Quittengelee", body)
            self.check_ranges(row["id"], headers["ETag"], body)
        self.check_files()
        # Who holds the key reads it.
        opened = [json.loads(self.evpopd.ctl(
            "--json", "--key", self.holder, "show", str(row["id"])).stdout)
            for row in listed]
        self.assertEqual({one["subject"] for one in opened},
                         {f"Quittengelee Nummer {n}" for n in range(3)})
        self.assertEqual(
            {self.evpopd.ctl("--key", self.holder, "raw", str(row["id"]),
                             text=False).stdout for row in listed},
            set(self.mail))
        self.check_files()

    def check_ranges(self, number, etag, body):
        path = f"/v1/messages/{number}/raw"
        for first, last in ((0, 9), (10, 200), (len(body) - 7, len(body) - 1)):
            status, _, part = self.evpopd.request(
                "GET", path, {"Range": f"bytes={first}-{last}"})
            self.assertEqual((status, part), (206, body[first:last + 1]))
        status, _, _ = self.evpopd.request(
            "GET", path, {"If-None-Match": etag})
        self.assertEqual(status, 304)

    def test_what_would_have_to_read_it(self):
        self.seal()
        self.start()
        number = self.evpopd.messages()[0]["id"]
        for route in ("text", "headers", "parts/1"):
            error = self.refused(f"/v1/messages/{number}/{route}")
            self.assertIn("--key", error["hint"])
        # What is not looked at yet may be other mail.
        procs.wait_for(lambda: self.evpopd.request(
            "GET", "/v1/messages?q=Quittengelee")[0] == 409, what="the index")
        for parameter in ("q=Quittengelee", "from=Ludmilla", "q=larger:1"):
            error = self.refused(f"/v1/messages?{parameter}")
            self.assertIn("--key", error["hint"])
        self.assertIn("--key", self.evpopd.ctl(
            "search", "Quittengelee", code=78).stderr)
        for limit in ("1", "1000"):
            self.assertIn("some of this is sealed", self.evpopd.ctl(
                "messages", "-n", limit).stderr)
        self.assertEqual(self.evpopd.get("/v1/status")["store"]["seal_to"],
                         self.public)
        self.assertIn(self.public, self.evpopd.ctl("status").stdout)
        shown = self.evpopd.get(f"/v1/messages/{number}")
        self.assertIsNone(shown["parts"])
        self.assertIs(shown["sealed"], True)

    def test_a_reload_seals_to_the_same_key(self):
        self.seal()
        self.start()
        self.evpopd.store["seal_to"] = self.evpopd.ctl(
            "key", "generate", self.elsewhere / "next.key").stdout.strip()
        for number in range(8):
            self.evpopd.accounts["anna"]["interval"] = f"{number + 1}h"
            self.evpopd.write_config()
            self.evpopd.ctl("reload")
            self.assertEqual(
                self.evpopd.get("/v1/status")["store"]["seal_to"], self.public)

    def test_recognised_without_reading(self):
        self.seal()
        self.start()
        self.assertEqual(len(self.evpopd.messages()), 3)
        self.evpopd.poll("anna")
        self.assertEqual(len(self.evpopd.messages()), 3)
        self.evpopd.halt()
        self.start()
        self.assertEqual(len(self.evpopd.messages()), 3)

    def test_mail_that_was_there_before(self):
        self.start()
        plain = self.evpopd.messages()
        self.evpopd.halt()
        self.seal()
        self.server.deliver("anna", [message(7)])
        self.start()
        self.evpopd.poll("anna")
        rows = self.evpopd.messages()
        self.assertEqual([row["sealed"] for row in rows],
                         [True, False, False, False])
        self.assertEqual([row["subject"] for row in rows[1:]],
                         [row["subject"] for row in plain])
        self.assertEqual(self.evpopd.raw(rows[1]["id"]),
                         self.mail[rows[1]["id"] - 1])
        self.check_files_of_message(7)
        procs.wait_for(lambda: self.evpopd.get(
            "/v1/messages?q=Quittengelee")["messages"], what="the index")
        found = self.evpopd.get("/v1/messages?q=Quittengelee")
        self.assertEqual((len(found["messages"]), found["sealed_left_out"]),
                         (3, True))
        self.assertIn("sealed mail was not looked at", self.evpopd.ctl(
            "search", "Quittengelee").stderr)

    def check_files_of_message(self, number):
        self.check_files_only(f"Nummer {number}", f"holunder.{number}@")

    def check_files_only(self, *words):
        for path in self.evpopd.folder.rglob("*"):
            if path.is_file():
                for word in words:
                    self.assertNotIn(word.encode(), path.read_bytes(), path)

    def check_without_unique_ids(self, top, was_plain):
        """Mail of a server without UIDL is known by digests alone."""
        with maildropd.MaildropServer(users={"bert": "p"}, uidl=False,
                                      top=top) as server:
            server.deliver("bert", self.mail)
            self.evpopd.accounts = {
                "bert": daemon.account_of(server, "bert")}
            if not was_plain:
                self.seal()
            self.start()
            self.assertEqual(len(self.evpopd.messages()), 3)
            self.evpopd.halt()
            self.seal()
            server.deliver("bert", [message(5)])
            self.start()
            self.evpopd.poll("bert")
            self.evpopd.poll("bert")
            self.assertEqual(len(self.evpopd.messages()), 4)
            ids = [row[0] for row in self.evpopd.rows(
                "SELECT unique_id FROM uid")]
            self.assertEqual(len(ids), 4)
            self.evpopd.halt()
        for one in (*self.mail, message(5)):
            header = one[:one.index(b"\r\n\r\n") + 2]
            for digest in (hashlib.sha256(header),
                           hashlib.blake2b(one, digest_size=32)):
                self.check_files_only_octets(digest.digest())
                self.check_files_only(digest.hexdigest())

    def check_files_only_octets(self, octets):
        for path in self.evpopd.folder.rglob("*"):
            if path.is_file():
                self.assertNotIn(octets, path.read_bytes(), path)

    def test_server_without_unique_ids(self):
        self.check_without_unique_ids(top=True, was_plain=False)

    def test_server_without_unique_ids_and_top(self):
        self.check_without_unique_ids(top=False, was_plain=False)

    def test_server_without_unique_ids_before(self):
        self.check_without_unique_ids(top=True, was_plain=True)

    def test_server_without_unique_ids_and_top_before(self):
        self.check_without_unique_ids(top=False, was_plain=True)

    def test_what_contradicts_it(self):
        self.evpopd.store["seal_to"] = self.public
        self.check(0, r"^$")
        del self.evpopd.daemon["key_file"]
        self.check(0, r"\[store\] seal_to: it takes a key of the daemon's")
        self.evpopd.daemon["key_file"] = self.own
        self.evpopd.store["seal_to"] = self.evpopd.ctl(
            "key", "public", self.own).stdout.strip()
        self.check(78, r"seal_to: it is the daemon's own key")
        self.evpopd.store["seal_to"] = self.public[:-2]
        self.check(78, r"seal_to")
        self.evpopd.store["seal_to"] = "evpop-public-1:" + "A" * 43
        self.check(78, r"seal_to: it is no public key")

    def check(self, code, words):
        self.evpopd.write_config()
        done = self.evpopd.run("--check")
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, words)

    def test_another_key_of_the_daemon(self):
        self.seal()
        self.start()
        self.evpopd.halt()
        other = self.evpopd.folder / "other.key"
        self.evpopd.ctl("key", "generate", other)
        self.evpopd.daemon["key_file"] = other
        self.evpopd.write_config()
        done = self.evpopd.run("--once")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("another key", self.evpopd.log() + done.stderr)
        del self.evpopd.daemon["key_file"]
        del self.evpopd.store["seal_to"]
        self.evpopd.write_config()
        done = self.evpopd.run("--once")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("has no key", self.evpopd.log() + done.stderr)
        # A reload does not take another, either.
        self.evpopd.daemon["key_file"] = self.own
        self.start()
        self.evpopd.daemon["key_file"] = other
        self.evpopd.write_config()
        done = self.evpopd.ctl("reload", code=78)
        self.assertIn("the daemon's key cannot be another one", done.stderr)


if __name__ == "__main__":
    unittest.main()
