"""Crowds at the control socket of a real daemon, and evpopctl beside them.

Nothing here is judged by time: evpopctl gets its answer, and the daemon says how
many it closed for others, not for their own silence.  How long an answer took
is printed.
"""

import contextlib
import os
import resource
import socket
import subprocess
import time
import unittest

from harness import corpus, daemon, maildropd, procs

STRANGER = 65533

IDLE = b""
HALF = b"GET /v1/status HTTP/1.1\r\nHos"
LISTS = b"GET /v1/accounts?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n" * 50


def _raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class CrowdTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if _raise_limit() < 2100:
            raise unittest.SkipTest("not enough descriptors for a crowd")
        cls.server = maildropd.MaildropServer(users={"anna": "secret"})
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        cls.server.deliver("anna", [corpus.message(1, 4_000_000, "mixed")])
        cls.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(cls.server, "anna")},
            control={"mode": "0666"})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.start()
        cls.evpopd.wait_polled()
        os.chmod(cls.evpopd.folder, 0o711)

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    def setUp(self):
        self.crowd = contextlib.ExitStack()
        self.addCleanup(self.crowd.close)

    def gather(self, count, words, user=None):
        """Connections that have said this, of a user; they stay open."""
        made = []
        if user is not None:
            if os.geteuid() != 0:
                self.skipTest("only root can be somebody else")
            os.seteuid(user)
        try:
            for _ in range(count):
                one = self.crowd.enter_context(socket.socket(socket.AF_UNIX))
                one.connect(os.fspath(self.evpopd.socket))
                made.append(one)
                # One that was closed for another may be so by now.
                with contextlib.suppress(ConnectionError, BlockingIOError):
                    one.send(words, socket.MSG_DONTWAIT)
        finally:
            if user is not None:
                os.seteuid(0)
        return made

    def closed_for_others(self):
        return self.evpopd.ctl_json("status")["connections"][
            "closed_for_others"]

    def expect_status(self, what):
        begun = time.monotonic()
        done = self.evpopd.ctl("status")
        self.assertIn("evpopd", done.stdout)
        print(f"{what}: {(time.monotonic() - begun) * 1000:.0f} ms",
              flush=True)

    def test_alone(self):
        self.expect_status("nobody else")

    def test_idle_and_half_sent(self):
        before = self.closed_for_others()
        self.gather(1000, IDLE)
        self.expect_status("1,000 idle")
        self.gather(500, HALF)
        self.expect_status("1,000 idle and 500 half-sent")
        self.assertGreater(self.closed_for_others() - before, 1300)

    def test_idle_and_half_sent_of_a_stranger(self):
        self.gather(1000, IDLE, STRANGER)
        self.expect_status("1,000 idle of another user")
        self.gather(500, HALF, STRANGER)
        self.expect_status("1,000 idle and 500 half-sent of another user")

    def test_answers_that_nobody_reads(self):
        [message] = self.evpopd.messages("anna")
        raw = f"GET /v1/messages/{message['id']}/raw HTTP/1.1\r\nHost: x\r\n\r\n"
        self.gather(500, raw.encode())
        self.expect_status("500 messages that nobody reads")
        self.gather(500, LISTS)
        self.expect_status("and 500 times 50 lists that nobody reads")
        self.gather(500, LISTS, STRANGER)
        self.expect_status("and as many of another user")

    def test_dripping(self):
        crowd = self.gather(300, b"GET /")
        for _ in range(20):
            for one in crowd:
                with contextlib.suppress(ConnectionError, BlockingIOError):
                    one.send(b"x", socket.MSG_DONTWAIT)
        self.expect_status("300 requests octet by octet")

    def test_a_stranger_who_connects_without_end(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        flood = subprocess.Popen(
            ["python3", "-c",
             "import socket, sys\n"
             "kept = []\n"
             "print('begun', flush=True)\n"
             "while True:\n"
             "    one = socket.socket(socket.AF_UNIX)\n"
             "    one.connect(sys.argv[1])\n"
             "    kept.append(one)\n"
             "    del kept[:-200]\n", os.fspath(self.evpopd.socket)],
            stdout=subprocess.PIPE, user=STRANGER, stderr=subprocess.DEVNULL,
            preexec_fn=procs.die_with_parent())
        try:
            flood.stdout.readline()
            for _ in range(5):
                self.expect_status("one who connects without end")
        finally:
            flood.kill()
            flood.wait()
            flood.stdout.close()


if __name__ == "__main__":
    unittest.main()
