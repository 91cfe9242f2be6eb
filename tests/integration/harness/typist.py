"""Somebody at a terminal, who answers what a program asks."""

import os
import pty
import select
import termios
import time

from . import procs


class Typist:
    """A program at a terminal of its own; output to a pipe shows nothing."""

    def __init__(self, *words, env=None):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(words[0], [os.fspath(word) for word in words],
                      dict(os.environ if env is None else env))
        self.seen = ""
        self._answered = 0
        self.deadline = time.monotonic() + procs.PATIENCE

    def read(self):
        """More of what it prints; False at its end."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise AssertionError(f"it says no more than {self.seen!r}")
        if not select.select([self.master], [], [], left)[0]:
            return True
        try:
            octets = os.read(self.master, 65536)
        except OSError:
            return False
        self.seen += octets.decode()
        return bool(octets)

    def answer(self, question, text, shows=False):
        """Type once it asks, which it does only when the echo is off.

        It is on where what is typed may be seen; None: that does not matter.
        """
        while (not self.seen[self._answered:].endswith(question)
               or shows not in (None, self.echoes())):
            if not select.select([self.master], [], [], 0.01)[0]:
                if time.monotonic() > self.deadline:
                    raise AssertionError(f"no {question!r} in {self.seen!r}")
                continue
            if not self.read():
                raise AssertionError(self.seen)
        self._answered = len(self.seen)
        os.write(self.master, text.encode())

    def echoes(self):
        return termios.tcgetattr(self.master)[3] & termios.ECHO != 0

    def end(self):
        """Its exit code, once it has ended by itself."""
        while self.read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)
