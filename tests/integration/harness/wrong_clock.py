"""A calendar's clock that is wrong, for programs that are started with it.

wrong_clock.c, which is loaded before their libraries, adds to it what a file
says.  A machine can be made to have slept, too; otherwise the clocks that count
what has elapsed stay right.
"""

import os
import pathlib
import struct
import tempfile
import time


def library():
    """What is loaded before a program's own libraries."""
    return (pathlib.Path(os.environ["EVPOP_BUILD_DIR"]) / "tests"
            / "integration" / "libwrong_clock.so")


class WrongClock:
    """Attributes: environment, for the programs that go by it."""

    def __init__(self, wrong_s=0):
        handle, self._path = tempfile.mkstemp(prefix="evpop-clock-")
        os.close(handle)
        self.environment = {"LD_PRELOAD": library(),
                            "WRONG_CLOCK": self._path}
        self._slept_s = 0
        self.set_wrong(wrong_s)

    def _write(self):
        with open(self._path, "r+b") as file:
            file.write(struct.pack("=qq", self._wrong_s, self._slept_s))

    def set_wrong(self, wrong_s):
        """Let it be wrong by so many seconds from now on."""
        self._wrong_s = int(wrong_s)
        self._write()

    def sleep(self, seconds):
        """Let the machine have slept so long, just now."""
        self._slept_s += int(seconds)
        self._write()

    def set_to(self, unix_s):
        """Let it show this Unix time."""
        self.set_wrong(unix_s - time.time())

    def remove(self):
        """Leave nothing behind, once no program goes by it."""
        pathlib.Path(self._path).unlink()
