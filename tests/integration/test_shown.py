"""What servers and mail say is harmless wherever it shows.

A server says, and its mail holds, what would make a terminal, a log, JSON, a
shell or a page do something.  Everything that shows any of it is looked at,
octet for octet.
"""

import base64
import contextlib
import json
import os
import pathlib
import pty
import re
import subprocess
import unittest

from harness import attacks, daemon, procs, scripted

# Terminal (C0, C1, OSC, DCS), line ends, directions, what is not seen, a
# formula, a shell's and a page's.
EVIL = ("=cmd|' /C calc'!A0 \x1b[2J\x1b]0;owned\x07\x1bP1;2q\x1b\\ \x9b31m\x9d0;x"
        "\x9c \x7f\x08 \r\nX-Injected: yes\r\n\r\nbody \u202etxt.exe\u202c\u2066"
        "\u2069\u200b\u200f\ufeff\u2028\u2029\u00ad\U000e0041 $(touch touched) "
        "`touch touched` ';\"<script>alert(1)</script>")
NAMES = ["../../../../tmp/owned", "/etc/passwd", "..", "a\0b", "C:\\x\\y.exe",
         "x" * 300 + ".txt", "-rf", ".bashrc", "a\nb", "~root", "CON", "nul.txt",
         "\u202egpj.exe", EVIL]


def word(text):
    """An encoded word, which hides anything."""
    return b"=?utf-8?B?" + base64.b64encode(text.encode()) + b"?="


def letter(number):
    """A message with all of it, everywhere."""
    evil = word(EVIL)
    parts = b"".join(
        b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: "
        b"attachment; filename=\"" + word(name) + b"\"\r\n\r\nx\r\n"
        for name in NAMES)
    return (b"Message-ID: <%d@x\x1b[2J>\r\n" % number +
            b"From: " + evil + b" <a@example.org>\r\nTo: " + evil
            + b" <b@example.org>\r\nCc: c@example.org (" + evil + b")\r\n"
            b"Subject: " + evil + b"\r\nDate: Mon, 30 Nov 2026 10:00:00 +0000"
            b"\r\nX-\x1b[2J: x\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            + EVIL.encode() + b"\r\nFrom here\r\n"
            b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>"
            b"&#27;[2J&#155;31m&#x202e;<a href='javascript:x()'>"
            b"y</a><script>alert(1)</script>\r\n" + parts + b"--b--\r\n")


class EvilServer(scripted.ScriptedServer):
    """Its words are EVIL; its third message is refused with more of it."""

    def __init__(self):
        flat = attacks.EVIL.replace(b"\r", b"")
        super().__init__([letter(number) for number in range(3)], {
            "": b"+OK " + flat + b"\r\n",
            "CAPA": b"+OK " + flat + b"\r\nUSER\r\nUIDL\r\nTOP\r\n"
            b"IMPLEMENTATION " + flat + b"\r\nX-" + flat + b"\r\n.\r\n",
            "UIDL": b"+OK\r\n" + b"".join(
                b"%d %d%s\r\n" % (number, number, flat)
                for number in range(1, 4)) + b".\r\n",
            "RETR 3": b"-ERR " + flat + b"\r\n"})


COMMANDS = [
    ("status",), ("accounts",), ("account", "bad"), ("account", "gone"),
    ("polls",), ("messages",), ("messages", "--stored"), ("messages", "-q",
                                                         "owned"),
    ("search", "owned"), ("show", "1"), ("show", "--headers", "1"),
    ("show", "--details", "1"), ("quarantine",), ("quarantine", "show", "1"),
    ("poll", "--dry-run", "bad"), ("poll", "--wait", "bad"),
    ("poll", "--wait", "gone"), ("audit",), ("deleted",), ("doctor", "bad"),
    ("raw", "1"), ("show", "--raw", "1"),
]
# Octets as they are, wherever they go: but not to a terminal.
RAW = {"raw", "--raw"}
# What colour and width need.
DECORATION = re.compile(r"\x1b\[[0-9;]*[mK]|\r(?=\n)|\r? +\r|^\r")


def misleading(text):
    """What of a text does something, or shows nothing."""
    return sorted({one for one in text if not one.isprintable()
                   and one not in "\n\t"})


class ShownTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.server = stack.enter_context(EvilServer())
        cls.refusing = stack.enter_context(scripted.ScriptedServer(
            answers={"PASS": b"-ERR [AUTH] " + attacks.EVIL + b"\r\n"}))
        cls.folder = stack.enter_context(procs.temporary_folder())
        cls.hooked = cls.folder / "hooked"
        cls.hooked.mkdir()
        keep = (f"d=$(mktemp -d {cls.hooked}/run.XXXXXX); cat > $d/json; "
                "env -0 > $d/env")
        cls.evpopd = daemon.Evpopd(
            {"bad": daemon.account_of(cls.server, "user"),
             "gone": daemon.account_of(cls.refusing, "user")},
            hook={"on_failure": keep, "on_message": keep})
        stack.callback(cls.evpopd.remove)
        cls.evpopd.start()
        cls.evpopd.wait_polled()
        for _ in range(6):
            cls.evpopd.poll("bad")
        procs.wait_for(lambda: not cls.evpopd.get("/v1/status").get(
            "index", {}).get("waiting"), what="the index")

    def on_terminal(self, words):
        """What a command writes to a terminal."""
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            [self.evpopd.ctl_program, "-s", self.evpopd.socket, *words],
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200",
                 "PAGER": "cat", "LC_ALL": "C.UTF-8"})
        os.close(theirs)
        octets = b""
        # The last that has it open is gone: the end.
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 65536):
                octets += piece
        os.close(ours)
        child.wait(procs.PATIENCE)
        return DECORATION.sub("", octets.decode())

    def test_terminal(self):
        for words in COMMANDS:
            with self.subTest(words):
                text = self.on_terminal(words)
                self.assertTrue(text)
                self.assertEqual([], misleading(text), text[:2000])

    def test_pipe(self):
        for words in COMMANDS:
            if RAW & set(words):
                continue
            with self.subTest(words):
                done = procs.run(
                    [self.evpopd.ctl_program, "-s", self.evpopd.socket, *words],
                    check=False)
                self.assertEqual([], misleading(done.stdout + done.stderr))

    def test_json_of_commands(self):
        for words in COMMANDS:
            if RAW & set(words) or words[0] in ("doctor",):
                continue
            with self.subTest(words):
                done = procs.run(
                    [self.evpopd.ctl_program, "-s", self.evpopd.socket,
                     "--json", *words], check=False)
                self.assertEqual([], misleading(done.stdout + done.stderr))

    def test_api(self):
        for path in ("/v1/status", "/v1/accounts", "/v1/accounts/bad",
                     "/v1/polls", "/v1/messages", "/v1/messages/1",
                     "/v1/messages/1/headers", "/v1/quarantine",
                     "/v1/messages?q=owned&snippet=1", "/v1/audit",
                     "/v1/messages/1/thread", "/v1/accounts/bad/plan"):
            with self.subTest(path):
                status, headers, body = self.evpopd.request("GET", path)
                self.assertIn(status, (200, 404))
                json.loads(body)
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertNotRegex(body, rb"[\x00-\x09\x0b-\x1f\x7f]")
        # Joiners and soft hyphens belong to the text of some languages.
        for path in ("/metrics", "/v1/messages/1/text"):
            status, headers, body = self.evpopd.request("GET", path)
            self.assertEqual(status, 200)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertIsNone(headers["X-Injected"])
            self.assertEqual([], misleading(re.sub(
                "[\u00ad\u200b\U000e0041]", "", body.decode())), path)

    def test_parts_are_no_pages(self):
        """Nothing of a message runs in a browser that asks for it."""
        message = self.evpopd.get("/v1/messages/1")
        for part in message["parts"]:
            status, headers, _ = self.evpopd.request(
                "GET", f"/v1/messages/1/parts/{part['number']}")
            self.assertEqual(status, 200)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertIsNone(headers["X-Injected"])
            shown = (headers["Content-Type"], headers["Content-Disposition"],
                     headers["Content-Security-Policy"])
            self.assertTrue(
                not shown[0].startswith("text/html")
                or (shown[1] or "").startswith("attachment")
                or "sandbox" in (shown[2] or ""), shown)
            for one in headers.values():
                self.assertTrue(one.isprintable(), headers)

    def test_log(self):
        self.assertIn("owned", self.evpopd.log())
        self.assertEqual([], misleading(self.evpopd.log()))

    def test_log_in_json(self):
        with daemon.Evpopd(
                {"gone": daemon.account_of(self.refusing, "user")},
                daemon={"log_format": "json", "log_level": "debug"}) as evpopd:
            evpopd.wait_polled()
            evpopd.wait_logged("owned")
            lines = evpopd.log().splitlines()
        for line in lines:
            json.loads(line)
            self.assertEqual([], misleading(line))

    def test_events(self):
        text = ""
        with self.evpopd.stream("/v1/events?since=1") as answer:
            while text.count("\n\n") < 4:
                text += answer.readline().decode()
        self.assertEqual([], misleading(text))
        for line in text.splitlines():
            self.assertRegex(line, r"^(id: [0-9]+|event: [a-z-]+|data: \{.*\}"
                                   r"|: ?.*|retry: [0-9]+|)$")
            if line.startswith("data: "):
                json.loads(line.removeprefix("data: "))

    def test_hooks(self):
        procs.wait_for(lambda: len(list(self.hooked.glob("run.*/env"))) >= 2,
                       what="the hooks")
        for one in self.hooked.glob("run.*"):
            variables = (one / "env").read_bytes().decode().split("\0")
            for variable in variables:
                if variable.startswith("EVPOP_"):
                    self.assertEqual([], misleading(
                        variable.replace("\n", "?")), variable)
            told = (one / "json").read_text()
            json.loads(told)
            self.assertEqual([], misleading(told))
        self.assertFalse(list(self.folder.rglob("touched")))

    def test_files(self):
        """Names of attachments and of exported mail stay where they belong."""
        for number in range(len(NAMES)):
            here = self.folder / f"attachment-{number}"
            here.mkdir()
            done = procs.run([self.evpopd.ctl_program, "-s",
                              self.evpopd.socket, "show", "--attachment",
                              str(number + 3), "1"], cwd=here)
            [name] = os.listdir(here)
            self.assertTrue(name.isprintable(), name)
            self.assertNotIn(name[0], ".-~ /\\")
            self.assertNotRegex(name, r'[\\/:*?"<>|]')
            self.assertLessEqual(len(name.encode()), 255)
            self.assertNotRegex(
                name, r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
            self.assertEqual((here / name).read_bytes().strip(), b"x")
            self.assertEqual([], misleading(done.stdout + done.stderr))
        for what in ("maildir", "mbox", "eml"):
            target = self.folder / what
            self.evpopd.ctl("export", f"--{what}", target)
            for one in [target, *target.rglob("*")]:
                self.assertRegex(one.name, r"^[A-Za-z0-9._,:=@+-]+$")
            if what == "mbox":
                box = pathlib.Path(target).read_bytes()
                self.assertEqual(len(re.findall(rb"(?m)^From ", box)), 2)
                self.assertNotRegex(box, rb"(?m)^From [^\n]*\x1b")


if __name__ == "__main__":
    unittest.main()
