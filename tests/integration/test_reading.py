"""What is in a message: its text to read, its headers, and its parts."""

import base64
import functools
import hashlib
import random
import unittest
import urllib.parse

from harness import daemon, scripted, searched, strange


# A file of many pieces, no two of which are the same.
LARGE = random.Random(1).randbytes(1_900_000)


def with_file(octets):
    """A message with this file, as its second part."""
    return (b"From: a@x.example\r\nSubject: large\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
            b"text\r\n--b\r\nContent-Type: application/pdf\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(octets).replace(b"\n", b"\r\n")
            + b"--b--\r\n")


class ReadingTest(searched.SearchedMail):
    maxDiff = None

    @classmethod
    def octets_of_all(cls):
        return [*(letter.octets for letter in strange.LETTERS),
                with_file(LARGE)]

    def test_text(self):
        for number, letter in enumerate(strange.LETTERS, 1):
            with self.subTest(letter.what):
                status, headers, body = self.evpopd.request(
                    "GET", f"/v1/messages/{self.stored[number]['id']}/text")
                self.assertEqual(status, 200)
                self.assertEqual(headers["Content-Type"],
                                 "text/plain; charset=utf-8")
                self.assertEqual(body.decode(), letter.text)

    def test_parts(self):
        for number, letter in enumerate(strange.LETTERS, 1):
            with self.subTest(letter.what):
                message = self.evpopd.get(
                    f"/v1/messages/{self.stored[number]['id']}")
                self.assertEqual(
                    message["attachments"],
                    sum(part["attached"] for part in message["parts"]
                        if part["within"] is None))
                if letter.parts is None:
                    continue
                found = [(part["within"] or 0, part["type"], part["name"],
                          part["bytes"]) for part in message["parts"]]
                wanted = [
                    one if one[3] is not None else (*one[:3], got[3])
                    for one, got in zip(letter.parts, found)]
                self.assertEqual(found, wanted + letter.parts[len(found):])

    def test_bytes(self):
        """Each part is what the list says, and what another reader finds."""
        for number, letter in enumerate(strange.LETTERS, 1):
            path = f"/v1/messages/{self.stored[number]['id']}"
            found = []
            for part in self.evpopd.get(path)["parts"]:
                with self.subTest(letter.what, part=part["number"]):
                    status, headers, body = self.evpopd.request(
                        "GET", f"{path}/parts/{part['number']}")
                    self.assertEqual(status, 200)
                    self.assertEqual(len(body), part["bytes"])
                    self.assertEqual(
                        hashlib.blake2b(body, digest_size=32).hexdigest(),
                        part["digest"])
                    self.assertEqual(headers["ETag"], f'"{part["digest"]}"')
                    self.assertEqual(headers["Content-Type"].split(";")[0],
                                     part["type"])
                    self.assertEqual(headers["X-Content-Type-Options"],
                                     "nosniff")
                    self.check_name(headers["Content-Disposition"],
                                    part["name"])
                    found.append(body)
            files = [octets for octets in (strange.PDF, strange.TNEF,
                                           strange.PIXEL)
                     if base64.b64encode(octets)[:60] in letter.octets]
            for octets in files:
                if letter.what != "cut in the middle of a file":
                    with self.subTest(letter.what):
                        self.assertIn(octets, found)

    def check_name(self, disposition, name):
        """RFC 6266: ASCII, and the whole name as RFC 8187 has it."""
        self.assertTrue(disposition.isascii() and disposition.isprintable())
        if name is None:
            self.assertEqual(disposition, "attachment")
            return
        begin, _, coded = disposition.partition("; filename*=UTF-8''")
        self.assertRegex(begin, r'^attachment; filename="[^"\\/]*"$')
        self.assertEqual(urllib.parse.unquote(coded), name)

    def test_what_a_client_has(self):
        number = self.stored[1]["id"]
        path = f"/v1/messages/{number}/parts/1"
        _, headers, _ = self.evpopd.request("GET", path)
        status, _, body = self.evpopd.request(
            "GET", path, {"If-None-Match": headers["ETag"]})
        self.assertEqual((status, body), (304, b""))
        status, head, body = self.evpopd.request("HEAD", path)
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(head["Content-Length"], headers["Content-Length"])

    def test_ranges(self):
        """Parts of text and of parts, by the tag of what they are of."""
        paths = [f"/v1/messages/{letter['id']}/{what}"
                 for letter in self.stored.values()
                 for what in ("text", "parts/1")]
        for path in paths:
            status, headers, whole = self.evpopd.request("GET", path)
            if status != 200 or len(whole) < 20:
                continue
            with self.subTest(path):
                self.check_ranges(path, headers["ETag"], whole)

    def check_ranges(self, path, tag, whole):
        """Each is what it says it is."""
        size = len(whole)
        for text, first, end in (
                ("0-9", 0, 10), ("5-", 5, size), ("-7", size - 7, size),
                (f"{size // 2}-{size // 2 + 3}", size // 2, size // 2 + 4),
                (f"{size - 1}-", size - 1, size)):
            status, headers, body = self.evpopd.request(
                "GET", path, {"Range": f"bytes={text}", "If-Range": tag})
            self.assertEqual((status, body), (206, whole[first:end]), text)
            self.assertEqual(headers["Content-Range"],
                             f"bytes {first}-{end - 1}/{size}")
            self.assertEqual(headers["ETag"], tag)
        for known in {"If-Range": '"other"'}, {}:
            status, _, body = self.evpopd.request(
                "GET", path, {"Range": "bytes=x", **known})
            self.assertEqual((status, body), (200, whole))
        status, _, body = self.evpopd.request(
            "GET", path, {"If-None-Match": tag})
        self.assertEqual((status, body), (304, b""))
        status, headers, _ = self.evpopd.request(
            "GET", path, {"Range": f"bytes={size}-"})
        self.assertEqual((status, headers["Content-Range"]),
                         (416, f"bytes */{size}"))

    def test_a_large_part(self):
        """A range behind many pieces of the store, and over some of them."""
        number = self.stored[len(strange.LETTERS) + 1]["id"]
        path = f"/v1/messages/{number}/parts/2"
        for first in 0, 700_001, len(LARGE) - 5:
            status, _, body = self.evpopd.request(
                "GET", path, {"Range": f"bytes={first}-{first + 900_000}"})
            self.assertEqual(status, 206)
            self.assertEqual(body, LARGE[first:first + 900_001])

    def test_what_is_not_there(self):
        number = self.stored[1]["id"]
        for path, status, code in (
                ("99999/text", 404, "no_such_message"),
                ("99999/headers", 404, "no_such_message"),
                ("99999/parts/1", 404, "no_such_message"),
                ("x/text", 400, "bad_id"), ("0/parts/1", 400, "bad_id"),
                (f"{number}/parts/2", 404, "no_such_part"),
                (f"{number}/parts/0", 400, "bad_id"),
                (f"{number}/parts/-1", 400, "bad_id"),
                (f"{number}/parts/x", 400, "bad_id"),
                (f"{number}/parts/4294967297", 400, "bad_id"),
                (f"{number}/parts", 404, "no_such_path")):
            with self.subTest(path):
                with self.assertRaises(daemon.Refused) as refused:
                    self.evpopd.get(f"/v1/messages/{path}")
                self.assertEqual(refused.exception.status, status)
                self.assertEqual(refused.exception.error["code"], code)

    def number_of(self, what):
        return self.stored[1 + next(
            i for i, letter in enumerate(strange.LETTERS)
            if letter.what == what)]["id"]

    def test_ctl(self):
        show = functools.partial(self.evpopd.ctl, "show")
        number = str(self.number_of("mixed"))
        out = show(number).stdout
        self.assertEqual(out, "Subject   x\n"
                         "Attached  2: a report.pdf (application/pdf, "
                         "5.0 KiB)\n\nplain words\n")
        self.assertIn("Content-Type: multipart/mixed", show(
            "--headers", number).stdout)
        self.assertIn("a report.pdf", show("--details", number).stdout)
        self.assertEqual(show("-p", "1", number).stdout, "plain words")
        self.assertEqual(len(self.evpopd.ctl_json("show", number)["parts"]), 2)
        folder = self.evpopd.folder / "saved"
        folder.mkdir()
        show("-a", "2", number, cwd=folder)
        self.assertEqual((folder / "a report.pdf").read_bytes(), strange.PDF)
        show("-a", "2", number, cwd=folder, code=74)
        show("-a", "2", "--force", number, cwd=folder)
        show("-a", "2", "-o", folder / "x", number)
        self.assertEqual((folder / "x").read_bytes(), strange.PDF)
        show("-a", "2", "-o", folder, str(self.number_of(
            "a name to beware of")))
        self.assertEqual(sorted(one.name for one in folder.iterdir()),
                         ["a report.pdf", "bashrc", "x"])
        show("-a", "all", "-o", folder / "x", number, code=64)
        show("-a", "all", str(self.number_of("plain")), code=66)
        show("-a", "all", "-o", folder, str(self.number_of(
            "Apple's alternative")))
        self.assertEqual((folder / "x.pdf").read_bytes(), strange.PDF)

    def test_ctl_of_all(self):
        """What is printed has no control characters, and all can be saved."""
        for number, letter in enumerate(strange.LETTERS, 1):
            with self.subTest(letter.what):
                out = self.evpopd.ctl(
                    "show", str(self.stored[number]["id"])).stdout
                self.assertTrue(
                    out.replace("\n", "").replace("\t", "").isprintable())
                self.assertTrue(out.endswith((letter.text or "(no text)\n")))


class LargeTest(unittest.TestCase):
    """A part of any size passes in bounded memory."""

    def test_large(self):
        octets = random.Random(1).randbytes(45 << 20)
        message = (b"Subject: large\r\nContent-Type: multipart/mixed; "
                   b"boundary=b\r\n\r\n--b\r\n\r\nsmall\r\n--b\r\n"
                   b"Content-Type: application/zip; name=l.zip\r\n"
                   b"Content-Transfer-Encoding: base64\r\n\r\n"
                   + base64.encodebytes(octets).replace(b"\n", b"\r\n")
                   + b"--b--\r\n")
        server = scripted.ScriptedServer([message])
        with server, daemon.Evpopd({"all": daemon.account_of(
                server, "all")}) as evpopd:
            evpopd.wait_polled()
            before = peak(evpopd.pid)
            parts = evpopd.get("/v1/messages/1")["parts"]
            self.assertEqual(parts[1]["bytes"], len(octets))
            _, _, body = evpopd.request("GET", "/v1/messages/1/parts/2")
            self.assertEqual(body, octets)
            _, _, body = evpopd.request("GET", "/v1/messages/1/text")
            self.assertEqual(body, b"small\n")
            if not daemon.sanitized():
                grown = peak(evpopd.pid) - before
                print(f"memory grew by {grown / 1e6:.1f} MB", flush=True)
                self.assertLess(grown, 16 << 20)


def peak(pid):
    """The most memory that a process has had, in octets."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return 1024 * next(int(line.split()[1]) for line in status
                           if line.startswith("VmHWM:"))


if __name__ == "__main__":
    unittest.main()
