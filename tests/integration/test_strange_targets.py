"""Targets that answer nonsense, stall, close or never end, each in its own way:
nothing counts as delivered for them, and a good one beside them has its mail.
"""

import contextlib
import random
import socket
import threading
import time
import unittest

from harness import corpus, daemon, maildropd, procs

NOISE = random.Random(19).randbytes(1 << 16).replace(b"\n", b"x")


class Strange:
    """A server that does one thing with each connection."""

    def __init__(self, act):
        self._act = act
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,),
                                 daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(procs.PATIENCE)
            self._act(connection)

    def close(self):
        self._socket.close()


def say(octets):
    """This, and then silence until the other side leaves."""
    def act(connection):
        connection.sendall(octets)
        while connection.recv(65536):
            pass
    return act


def flood(octets):
    def act(connection):
        while True:
            connection.sendall(octets)
    return act


def hang_up(connection):
    pass


def drip(connection):
    while True:
        connection.sendall(b"2")
        time.sleep(0.2)


def answer_http(octets):
    """Once the request is there, or as much of it as comes."""
    def act(connection):
        connection.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while connection.recv(65536):
                pass
        say(octets)(connection)
    return act


def answer_each(greeting, answer):
    """A line for each line, whatever it says; `{tag}` is its first word."""
    def act(connection):
        connection.sendall(greeting)
        for line in connection.makefile("rb"):
            tag = (line.split() or [b"*"])[0]
            connection.sendall(answer.replace(b"{tag}", tag))
    return act


ANYTHING = {
    "silent": say(b""), "noise": say(NOISE), "flood": flood(NOISE),
    "lines": flood(b"220-more\r\n" * 100), "closes": hang_up, "drips": drip,
    "nuls": say(bytes(5000) + b"\r\n"),
}
LMTP = {
    "odd-codes": answer_each(b"220 x\r\n", b"999 what\r\n-5 x\r\n"),
    "ahead": say(b"220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n"),
    "no-data": answer_each(b"220 x\r\n", b"250 ok\r\n"),
}
IMAP = {
    "literal": say(b"* OK x {99999999999999999999}\r\n"),
    "bye": say(b"* BYE too many\r\n"),
    "odd-tags": answer_each(b"* OK [CAPABILITY IMAP4rev1] x\r\n",
                            b"zzz OK done\r\n"),
    "ahead": answer_each(
        b"* OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS] x\r\n",
        b"{tag} OK [APPENDUID 0 99999999999999] done\r\n"),
}
HTTP = {
    "liar": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nx",
    "negative": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              b"ffffffffffffffff\r\nx",
    "status": b"HTTP/1.1 000 x\r\n\r\n",
    "redirect": b"HTTP/1.1 302 F\r\nLocation: http://169.254.169.254/\r\n"
                b"Content-Length: 0\r\n\r\n",
    "patience": b"HTTP/1.1 429 No\r\nRetry-After: 99999999999999999999\r\n"
                b"Content-Length: 0\r\n\r\n",
}
# Whose answers are well-formed, and not Gmail's.
NOT_GMAIL = {
    "empty": b"HTTP/1.1 204 No\r\n\r\n",
    "page": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    "refusing-page": b"HTTP/1.1 400 No\r\nContent-Length: 6\r\n\r\n<html>",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: 3\r\n\r\nabc",
}
COMMANDS = {
    "endless": "yes", "complaining": "yes >&2", "zeros": "cat /dev/zero",
    "stubborn": "trap '' TERM INT HUP; while :; do sleep 1; done",
    "stopped": "kill -STOP $$", "killed": "kill -9 $$",
    "missing": "/nonexistent/program",
    "terminal": "printf '\\033[31m\\007\\377'; exit 75",
}
# They are done with the message, whatever they leave behind: for longer than
# they have time.
DONE_S = 20
DONE = {
    "lingering": "cat >/dev/null; sleep 30 & exit 0",
    "daemon": "cat >/dev/null; setsid sleep 30 >/dev/null 2>&1 & exit 0",
    "content": "head -c 10 >/dev/null; exit 0",
    "closing": "exec <&-; exit 0",
}


class StrangeTargetsTest(unittest.TestCase):
    def setUp(self):
        self.targets = {}

    def add(self, kind, name, **keys):
        # Each is tried once: what the first attempt ends with is looked at.
        self.targets[f"{kind}-{name}"] = {
            "type": kind, "timeout": "2s", "retry_min": "1h",
            "retry_max": "1h", **keys}

    def add_server(self, kind, name, act):
        server = Strange(act)
        self.addCleanup(server.close)
        port = server.port
        self.add(kind, name, **{
            "lmtp": {"host": "127.0.0.1", "port": port,
                     "deliver_to": "anna@example.org"},
            "imap": {"host": "127.0.0.1", "port": port, "tls": "none",
                     "user": "anna", "password": "secret"},
            "http": {"url": f"http://127.0.0.1:{port}/",
                     "allow_private": "yes"},
            "gmail": {"url": f"http://127.0.0.1:{port}",
                      "allow_private": "yes", "token_command": "echo token"},
        }[kind])

    def run_them(self, done=()):
        """All but `done` have failed, and say why."""
        server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}, tls=False))
        server.deliver("anna", [corpus.message(1, 2000)])
        evpopd = daemon.Evpopd({"anna": daemon.account_of(
            server, "anna", deliver=", ".join(["good", *self.targets]))})
        self.addCleanup(evpopd.remove)
        evpopd.targets = {**self.targets, "good": {
            "type": "maildir", "path": evpopd.folder / "good"}}
        evpopd.start()

        def unanswered():
            return evpopd.rows("SELECT target FROM v_outbox WHERE state = "
                               "'waiting' AND coalesce(answer, '') = ''")

        procs.wait_for(lambda: evpopd.rows("SELECT 1 FROM v_outbox")
                       and unanswered() == [], what="an end of each attempt")
        self.assertEqual(
            {target for target, in evpopd.rows(
                "SELECT target FROM v_outbox WHERE state != 'waiting'")},
            {"good", *done})
        for target, answer in evpopd.rows(
                "SELECT target, answer FROM v_outbox"):
            with self.subTest(target):
                self.assertTrue((answer or "").isprintable(), answer)
                self.assertLess(len(answer or ""), 512)
                state = evpopd.get(f"/v1/targets/{target}")
                if target not in ("good", *done):
                    self.assertEqual(state["waiting"], 1)
        self.assertEqual(evpopd.get("/v1/health")["status"], "ok")
        self.assertEqual(len(list(
            (evpopd.folder / "good" / "new").iterdir())), 1)
        evpopd.halt()
        return evpopd

    def test_lmtp(self):
        for name, act in {**ANYTHING, **LMTP}.items():
            self.add_server("lmtp", name, act)
        self.run_them()

    def test_imap(self):
        for name, act in {**ANYTHING, **IMAP}.items():
            self.add_server("imap", name, act)
        self.run_them()

    def test_http(self):
        for name, act in ANYTHING.items():
            self.add_server("http", name, act)
        for name, octets in HTTP.items():
            self.add_server("http", name, answer_http(octets))
        self.run_them()

    def test_gmail(self):
        for name, act in ANYTHING.items():
            self.add_server("gmail", name, act)
        for name, octets in {**HTTP, **NOT_GMAIL}.items():
            self.add_server("gmail", name, answer_http(octets))
        self.run_them()

    def test_commands(self):
        for name, command in COMMANDS.items():
            self.add("pipe", name, shell="yes", command=command)
        for name, command in DONE.items():
            self.add("pipe", name, shell="yes", command=command,
                     timeout=f"{DONE_S}s")
        self.run_them(done=[f"pipe-{name}" for name in DONE])


if __name__ == "__main__":
    unittest.main(verbosity=2)
