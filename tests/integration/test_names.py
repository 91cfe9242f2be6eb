"""A daemon that is there before the network is: resolv.conf comes later."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import corpus, daemon, maildropd, procs

USERS = {"anna": "secret"}
HOST = "pop.example.test"

# An /etc of its own, which evpopd and nobody else sees.
OWN_ETC = ["unshare", "-rm", "sh", "-c",
           'mount --bind "$0" /etc && exec "$@"']


def right(question, end, is_ipv4):
    """127.0.0.1, if asked for an IPv4 address."""
    return [question[:2] + b"\x81\x80\0\1\0" + bytes([is_ipv4])
            + b"\0\0\0\0" + question[12:end]
            + (b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
               if is_ipv4 else b"")]


def head(question, flags=b"\x81\x80", answers=1):
    """Of an answer to a question, with so many answers announced."""
    return question[:2] + flags + b"\0\1" + answers.to_bytes(2, "big") \
        + b"\0\0\0\0"


ADDRESS = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4"
# What a hostile name server, or who forges its answers, may say.
HOSTILE = {
    "nothing": lambda question, end, _: [],
    "no such name": lambda question, end, _: [
        head(question, b"\x81\x83", 0) + question[12:end]],
    "noise": lambda question, end, _: [
        os.urandom(size) for size in range(0, 512, 7)],
    "a name within itself": lambda question, end, _: [
        head(question) + b"\xc0\x0c" + question[end - 4:end] + ADDRESS
        + b"\x7f\0\0\1"],
    "a name of 255 labels": lambda question, end, _: [
        head(question) + question[12:end] + b"\1a" * 255 + ADDRESS[2:]
        + b"\x7f\0\0\1"],
    "more than it has": lambda question, end, _: [
        head(question, answers=65535) + question[12:end] + ADDRESS],
    "data beyond its end": lambda question, end, _: [
        head(question) + question[12:end] + ADDRESS[:-2] + b"\xff\xff"],
    "an alias of itself": lambda question, end, _: [
        head(question, answers=30) + question[12:end]
        + b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c" * 30],
    "other numbers": lambda question, end, is_ipv4: [
        number.to_bytes(2, "big") + one[2:] for number in range(0, 65536, 97)
        for one in right(question, end, is_ipv4)
        if one[:2] != number.to_bytes(2, "big")],
    "cut short, always": lambda question, end, _: [
        head(question, b"\x83\x80", 0) + question[12:end]],
    "only addresses of nobody": lambda question, end, is_ipv4: [
        head(question, answers=28 * is_ipv4) + question[12:end]
        + b"".join(ADDRESS + bytes([127, 0, 0, 200 + number])
                   for number in range(28)) * is_ipv4],
}


class NameServer:
    """Answers any question, by a function of it, its end and its kind."""

    def __init__(self, answers=right):
        self.answers = answers
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = 0
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while True:
            question, address = self.socket.recvfrom(512)
            if not question:
                return
            self.asked += 1
            end = question.index(b"\0", 12) + 5
            is_ipv4 = question[end - 4:end - 2] == b"\0\1"
            for answer in self.answers(question, end, is_ipv4):
                self.socket.sendto(answer, address)

    def close(self):
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()


def can_have_own_etc():
    """Whether this user may mount something of his own."""
    done = subprocess.run([*OWN_ETC, "/etc", "true"], check=False,
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    return done.returncode == 0


@unittest.skipUnless(shutil.which("unshare") and can_have_own_etc(),
                     "there can be no /etc of its own")
class NamesTest(unittest.TestCase):
    def setUp(self):
        self.etc = pathlib.Path(tempfile.mkdtemp(prefix="evpop-etc-"))
        self.addCleanup(shutil.rmtree, self.etc)
        for name in ("passwd", "group", "nsswitch.conf", "ssl"):
            here = pathlib.Path("/etc", name)
            if here.is_dir():
                shutil.copytree(here, self.etc / name, symlinks=True,
                                ignore=shutil.ignore_patterns("private"))
            elif here.exists():
                shutil.copy(here, self.etc)
        self.names = NameServer()
        self.addCleanup(self.names.close)
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        self.server.deliver("anna", corpus.messages(3))
        self.evpopd = daemon.Evpopd({"anna": daemon.account_of(
            self.server, "anna", host=HOST, allow_cleartext="yes",
            timeout_resolve="1s")}, under=[*OWN_ETC, self.etc])
        self.addCleanup(self.evpopd.remove)

    def write_resolv_conf(self):
        fresh = self.etc / "resolv.conf.new"
        fresh.write_text(f"nameserver 127.0.0.1:{self.names.port}\n")
        os.rename(fresh, self.etc / "resolv.conf")

    def test_file_comes_late(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        shown = self.evpopd.account("anna")
        self.assertIn(HOST, shown["last_text"])
        self.assertIn("/etc/resolv.conf", shown["last_text"])
        self.assertEqual(self.names.asked, 0)
        self.write_resolv_conf()
        self.evpopd.poll("anna")
        shown = self.evpopd.account("anna")
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(shown["stored"]["messages"], 3)
        self.assertGreater(self.names.asked, 0)
        self.evpopd.halt()

    def test_hostile_answers(self):
        """Each ends in its time, in words; then the right one is believed."""
        self.write_resolv_conf()
        self.evpopd.accounts["anna"]["timeout_connect"] = "1s"
        with self.evpopd:
            self.evpopd.wait_polled()
            before = self.evpopd.peak_rss()
            for what, answers in HOSTILE.items():
                with self.subTest(what):
                    self.names.answers = answers
                    shown = self.evpopd.poll("anna")
                    self.assertIn(shown["last_outcome"], ("io", "timeout"),
                                  shown)
                    self.assertRegex(shown["last_text"],
                                     f"{HOST}|connection failed")
                    print(f"name server: {what:26} {shown['last_text']}",
                          flush=True)
                    self.names.answers = right
                    procs.wait_for(lambda: self.evpopd.poll("anna")
                                   ["last_outcome"] == "ok",
                                   what="a poll that works again")
            if not daemon.sanitized():
                grown = self.evpopd.peak_rss() - before
                print(f"memory grew by {grown / 1e6:.1f} MB", flush=True)
                self.assertLess(grown, 8 << 20)

    def test_name_server_goes(self):
        self.write_resolv_conf()
        with self.evpopd:
            self.evpopd.wait_polled()
            self.assertEqual(
                self.evpopd.account("anna")["last_outcome"], "ok")
            # A port where nobody listens, of which libevent has words.
            (self.etc / "resolv.conf").write_text(
                "nameserver 127.0.0.1:1\noptions timeout:1 attempts:1\n")
            self.evpopd.change("anna", timeout_resolve="60s")
            shown = self.evpopd.poll("anna")
            self.assertEqual(shown["last_outcome"], "io", shown)
            self.assertIn("the name servers (/etc/resolv.conf) fail, or do not "
                          "answer", shown["last_text"])
            self.evpopd.wait_logged(
                "info: libevent: Nameserver 127.0.0.1:1 has failed")
            self.assertNotRegex(self.evpopd.log(), r"(?m)^\[")


if __name__ == "__main__":
    unittest.main()
