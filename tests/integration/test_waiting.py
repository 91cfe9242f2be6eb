"""evpopctl poll --wait: what a person sees while polls run, and of each."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unittest

from harness import corpus, daemon, maildropd, procs

PATIENCE_S = 120
# After so many messages the server says nothing more until it is released.
HELD_AT = 2


class WaitingTest(unittest.TestCase):
    def start(self, accounts, **server):
        one = self.enterContext(maildropd.MaildropServer(
            users={name: "secret" for name in accounts}, tls=False, **server))
        self.evpopd = daemon.Evpopd({
            name: {**daemon.account_of(one, name), "interval": "1h"}
            for name in accounts})
        self.addCleanup(self.evpopd.remove)
        return one

    def test_sums(self):
        server = self.start(("anna", "bert"))
        self.evpopd.accounts["dead"] = {
            **daemon.account_of(server, "anna"), "user": "dead",
            "port": procs.free_ports(1)[0]}
        server.deliver("anna", corpus.messages(5, seed=5))
        self.evpopd.start()
        self.evpopd.wait_polled()
        mail = corpus.messages(3, seed=6)
        server.deliver("bert", mail)
        done = self.evpopd.ctl("poll", "--all", "--wait", code=75)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 5, lines)
        # Each account says its line when its poll ends.
        said = {line.split()[0]: line for line in lines}
        self.assertRegex(said["anna"],
                         r"^anna +ok, nothing new, 5 on the server$")
        self.assertRegex(said["bert"], r"^bert +ok, 3 fetched \(.* (B|KiB)\)$")
        self.assertRegex(said["dead"], r"^dead +.*refused")
        self.assertIn("may be temporary",
                      lines[lines.index(said["dead"]) + 1])
        size = re.search(r"\((.*)\)", said["bert"])[1]
        self.assertEqual(lines[4],
                         f"2 ok, 1 failed, 3 messages fetched, {size}")
        # What was fetched is mail, not the bytes of a session.
        self.assertEqual(
            self.evpopd.account("bert")["session"]["fetched_bytes"],
            sum(len(one) for one in self.evpopd.bodies("bert").values()))
        self.assertEqual(self.evpopd.ctl("poll", "-w", "bert").stdout.split(),
                         "bert ok, nothing new, 3 on the server".split())
        # JSON is of accounts alone.
        self.assertEqual(self.evpopd.ctl_json("poll", "-w", "anna")["account"],
                         "anna")

    def read_until(self, terminal, wanted):
        seen = ""
        end = time.monotonic() + PATIENCE_S
        while not re.search(wanted, seen):
            self.assertLess(time.monotonic(), end, f"{wanted} is not in {seen}")
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    seen += os.read(terminal, 65536).decode()
                except OSError:
                    self.fail(f"it ended with {seen!r}")
        return seen

    def test_a_sign_of_life(self):
        server = self.start(("anna", "bert"), hold_after=HELD_AT)
        server.deliver("anna", corpus.messages(HELD_AT + 2, seed=7))
        self.evpopd.start(wait=False)
        server.wait_held()
        terminal, end = pty.openpty()
        self.addCleanup(os.close, terminal)
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        both = [self.begin(end, "anna"), self.begin(subprocess.PIPE, "anna")]
        os.close(end)
        self.read_until(terminal, r"anna(: \d+ fetched, \d+ on the server| is "
                        r"polling), [2-9] s")
        server.release()
        self.read_until(terminal, r"\r +\r\S*anna .* ok, ")
        for one in both:
            said, _ = one.communicate(timeout=PATIENCE_S)
            self.assertEqual(one.returncode, 0)
        # Where nobody looks there is only the result.
        self.assertEqual(len(said.splitlines()), 1, said)

    def begin(self, stdout, *names):
        one = subprocess.Popen(
            [self.evpopd.ctl_program, "--socket",
             self.evpopd.socket, "poll", "--wait", *names],
            stdin=subprocess.DEVNULL, stdout=stdout, text=True)
        self.addCleanup(one.wait)
        self.addCleanup(one.kill)
        return one


if __name__ == "__main__":
    unittest.main(verbosity=2)
