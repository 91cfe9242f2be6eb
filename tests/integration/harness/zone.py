"""A name server with a zone of its own, for one test.

Programs ask it that are started by run_with(), in a mount namespace whose
resolv.conf names it; that takes root.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import struct
import threading

from . import procs

A, MX, AAAA, SRV = 1, 15, 28, 33
_PORT = 53


def available():
    """Whether a program can be given another resolv.conf here.

    Not where "/" is a folder of another system, as chroot(8) makes it.
    """
    return (os.geteuid() == 0 and shutil.which("unshare") is not None
            and procs.run(["unshare", "--mount", "true"],
                          check=False).returncode == 0)


def _name(text):
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in text.split(".") if label) + b"\0"


def srv(port, target, priority=0):
    """The data of a record."""
    return struct.pack("!HHH", priority, 0, port) + _name(target)


def mx(target, priority=10):
    """The same, of who takes mail."""
    return struct.pack("!H", priority) + _name(target)


class Zone:
    """Answers for the names in `records`: (name, type) -> list of data.

    Attributes: records; asked, the names and types so far.
    """

    def __init__(self, records):
        self.records = dict(records)
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Each has an address of its own: the port is given.
        for last in range(2, 250):
            self.address = f"127.0.53.{last}"
            with contextlib.suppress(OSError):
                self._socket.bind((self.address, _PORT))
                break
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (self.address, _PORT))
        self._thread.join(10)
        self._socket.close()

    def _serve(self):
        while True:
            query, where = self._socket.recvfrom(4096)
            if not query:
                return
            self._socket.sendto(self._answer(query), where)

    def _answer(self, query):
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1:place + 1 + query[place]].decode())
            place += 1 + query[place]
        kind, = struct.unpack_from("!H", query, place + 1)
        question = query[12:place + 5]
        name = ".".join(labels).lower()
        self.asked.append((name, kind))
        found = self.records.get((name, kind), [])
        is_known = any(name == one for one, _ in self.records)
        head = query[:2] + struct.pack(
            "!HHHHH", 0x8580 | (0 if is_known else 3), 1, len(found), 0, 0)
        return head + question + b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
            for data in found)

    def words(self, folder):
        """What stands before the words of a program that asks this server."""
        file = pathlib.Path(folder) / "resolv.conf"
        file.write_text(f"nameserver {self.address}\noptions attempts:1\n")
        return [shutil.which("unshare"), "--mount", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"', file]

    def run_with(self, folder, command, **keywords):
        """Run a program that asks this server for names."""
        return procs.run([*self.words(folder), *command], **keywords)
