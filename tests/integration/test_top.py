"""evpopctl top on a terminal: what it draws, its keys, and how it ends."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata
import unittest

from harness import corpus, daemon, maildropd

PATIENCE_S = 120

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
TOP, BELOW = "\x1b[H", "\x1b[J"
COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")


def width_of(text):
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1
               for one in text)


class Terminal:
    """A program at a terminal of a size; its screens as they come."""

    def __init__(self, command, env, columns, rows):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(command[0], [str(word) for word in command], env)
        self.seen, self.code = "", None
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys):
        os.write(self.master, keys.encode())

    def read(self):
        ready, _, _ = select.select([self.master], [], [], 0.2)
        if ready:
            with contextlib.suppress(OSError):
                self.seen += os.read(self.master, 65536).decode(
                    errors="replace")

    def screen(self):
        """The lines of the last whole screen."""
        whole = self.seen.rpartition(BELOW)[0]
        drawn = whole.rpartition(TOP)[2]
        return COLOUR.sub("", drawn).split("\r\n")

    def wait_for(self, wanted):
        """Lines of a screen of this size that say so."""
        end = time.monotonic() + PATIENCE_S
        while True:
            lines = self.screen()
            if (re.search(wanted, "\n".join(lines))
                    and len(lines) == self.rows
                    and all(width_of(line) <= self.columns
                            for line in lines)):
                return lines
            if time.monotonic() > end:
                raise AssertionError(f"{wanted} is not in {lines}")
            self.read()

    def end(self):
        """The exit code, once it has ended by itself."""
        deadline = time.monotonic() + PATIENCE_S
        while self.code is None:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise AssertionError("it does not end")
        self.read()
        return self.code


class TopTest(unittest.TestCase):

    def set_up(self, count):
        users = {f"user{number}": "secret" for number in range(count)}
        server = self.enterContext(maildropd.MaildropServer(
            users=users, tls=False))
        server.deliver("user0", corpus.messages(7, seed=71))
        accounts = {}
        for number in range(count):
            account = daemon.account_of(server, f"user{number}")
            account["interval"] = "1h"
            if number % 3 == 2:
                account["password"] = "wrong"
            accounts[f"helpdesk-de-{number:03}"] = account
        self.evpopd = self.enterContext(daemon.Evpopd(accounts))
        self.evpopd.wait_polled()

    def top(self, *words, columns=80, rows=24, **env):
        return self.enterContext(Terminal(
            [self.evpopd.ctl_program, "-s", self.evpopd.socket, "top",
             "-d", "0.2", *words],
            os.environ | {"LC_ALL": "C.UTF-8", "TERM": "xterm"} | env,
            columns, rows))

    def test_targets(self):
        """Where mail goes, and what waits where it cannot go."""
        self.set_up(1)
        folder = self.evpopd.folder
        self.evpopd.targets = {
            "people": {"type": "maildir", "path": folder / "{account}"},
            "lost": {"type": "lmtp", "socket": folder / "none"}}
        self.evpopd.accounts["helpdesk-de-000"]["deliver"] = "people, lost"
        self.evpopd.restart()
        for name in self.evpopd.targets:
            self.evpopd.ctl("deliver", "--to", name, "--all")
        top = self.top()
        lines = top.wait_for("7 to be delivered(.|\n)*takes? no mail")
        self.assertRegex(lines[1], "^1 account, .*7 to be delivered$")
        top.press("t")
        lines = top.wait_for("people +(maildir +)?ready")
        self.assertRegex(lines[5], "^TARGET +.*STATE +WAITING")
        self.assertRegex(lines[6], "^lost +(lmtp +)?down +7 ")
        top.press("x")
        top.wait_for("helpdesk-de-000 ")
        top.press("q")
        self.assertEqual(top.end(), 0)

    def test_three_accounts_and_every_key(self):
        self.set_up(3)
        top = self.top()
        lines = top.wait_for("1 of 3 accounts")
        self.assertRegex(lines[1], "^3 accounts, .*1 failing")
        self.assertRegex(lines[5], "^ACCOUNT +STATE ")
        self.assertRegex(lines[6], "^helpdesk-de-002 +(failing|needs)")
        self.assertRegex(lines[-1], r"^\? keys +q leave")
        top.press("?")
        top.wait_for("these keys")
        top.press("x")
        top.wait_for("1 of 3 accounts")
        top.press("\r")
        top.wait_for(r"Account +helpdesk-de-002(.|\n)*What to do")
        top.press("x")
        top.press("f")
        self.assertNotIn("helpdesk-de-000",
                         "\n".join(top.wait_for("  f all")))
        top.press("f")
        top.wait_for("helpdesk-de-000")
        for order in ("name", "messages", "next", "state"):
            top.press("s")
            top.wait_for(f"s by {order}")
        top.press("/*000x\x7f\r")
        lines = top.wait_for(r"/ \*000")
        self.assertRegex(lines[6], "^helpdesk-de-000 +waiting +.*7")
        self.assertEqual(lines[7], "")
        top.press(" ")
        top.wait_for("helpdesk-de-000: paused")
        top.wait_for("helpdesk-de-000 +paused")
        self.assertEqual(
            self.evpopd.get("/v1/accounts/helpdesk-de-000")["state"],
            "paused")
        top.press(" ")
        top.wait_for("helpdesk-de-000 +waiting")
        top.press("p")
        top.wait_for("helpdesk-de-000: is polled now")
        top.press("/\x1b")
        lines = top.wait_for("helpdesk-de-002")
        top.press("q")
        self.assertEqual(top.end(), 0)
        self.assertTrue(top.seen.endswith(LEAVE), top.seen[-40:])
        self.assertEqual(termios.tcgetattr(top.master), top.before)

    def test_five_hundred_accounts_and_other_sizes(self):
        self.set_up(500)
        top = self.top(columns=80, rows=24)
        top.wait_for("166 of 500 accounts")
        top.resize(200, 50)
        lines = top.wait_for("LAST SUCCESS")
        self.assertEqual(sum("helpdesk" in line for line in lines), 43)
        top.press("\x1b[F")
        top.wait_for("helpdesk-de-499")
        top.press("\x1b[H\x1b[6~\x1b[6~\x1b[5~j\x1b[A")
        top.wait_for("helpdesk-de-1")
        for columns, rows in ((40, 10), (20, 8), (80, 24), (10, 3)):
            top.resize(columns, rows)
            top.wait_for(".")
        top.resize(80, 24)
        top.press("\x1b[H")
        top.wait_for("helpdesk-de-002 +(failing|needs)")

    def test_the_terminal_comes_back_from_signals(self):
        self.set_up(1)
        for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, 0)):
            top = self.top()
            top.wait_for("1 account,")
            os.kill(top.pid, number)
            self.assertEqual(top.end(), code)
            self.assertTrue(top.seen.endswith(LEAVE), top.seen[-40:])
            self.assertEqual(termios.tcgetattr(top.master), top.before)
        top = self.top()
        top.wait_for("1 account,")
        os.kill(top.pid, signal.SIGTSTP)
        _, status = os.waitpid(top.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status))
        top.read()
        self.assertTrue(top.seen.endswith(LEAVE), top.seen[-40:])
        top.seen = ""
        os.kill(top.pid, signal.SIGCONT)
        top.wait_for("1 account,")

    def test_without_a_daemon(self):
        self.set_up(1)
        top = self.top()
        top.wait_for("1 account,")
        self.evpopd.halt()
        top.wait_for("cannot reach the daemon")
        self.evpopd.start()
        top.wait_for(r"\? keys")
        self.evpopd.halt()
        top.press("q")
        self.assertEqual(top.end(), 0)
        top = self.top()
        self.assertEqual(top.end(), 69)
        self.assertIn("systemctl status evpopd", top.seen)

    def test_without_colour(self):
        self.set_up(1)
        top = self.top(NO_COLOR="1")
        top.wait_for("1 account,")
        self.assertNotRegex(top.seen, r"\x1b\[3[0-9]m")

    def test_wrong_use(self):
        self.set_up(1)
        said = self.evpopd.ctl("top", code=64)
        self.assertIn("top needs a terminal", said.stderr)
        for delay in ("0", "-1", "x", "", "1e9", "nan"):
            said = self.evpopd.ctl("top", "--delay", delay, code=64)
            self.assertIn("expected seconds from 0.1", said.stderr)


if __name__ == "__main__":
    unittest.main()
