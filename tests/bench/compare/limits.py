"""What nobody can beat on this machine, measured beside the rivals.

A reader pipelines every command and stores nothing; SQLite alone inserts the
same bodies, durably; nothing else runs in either.
"""

import asyncio
import collections
import os
import socket
import sqlite3
import ssl
import time

from harness import procs

import measure

READER = "limit: a pipelined reader, nothing stored"
SQLITE = "limit: SQLite inserting the bodies alone"

# RETR commands on their way at a time; their answers are read meanwhile.
WINDOW = 64
READ = 1 << 18
# Messages of one transaction, as a group commit has them under load.
TOGETHER = 256

_END = b"\r\n.\r\n"


def is_limit(name):
    """Whether that is none of the contestants, but a limit."""
    return name.startswith("limit:")


class _Reader:
    """One session that fetches messages 1 to the count that STAT tells."""

    def __init__(self, streams):
        self.reader, self.writer = streams
        self.messages = 0

    async def line(self):
        answer = await self.reader.readline()
        if not answer.startswith(b"+OK"):
            raise EOFError(f"the server answers {answer!r}")
        return answer

    async def fetch(self, user, password, speaks_first):
        """The whole session; how many messages have come."""
        if not speaks_first:
            await self.line()
        self.writer.write(f"USER {user}\r\nPASS {password}\r\nSTAT\r\n"
                          .encode())
        if speaks_first:
            await self.line()
        for _ in ("USER", "PASS"):
            await self.line()
        count = int((await self.line()).split()[1])
        asked = 0
        tail = b""
        while self.messages < count:
            more = range(asked, min(count, self.messages + WINDOW))
            if len(more) >= WINDOW // 2 or len(more) + asked == count:
                self.writer.write(b"".join(b"RETR %d\r\n" % (number + 1)
                                           for number in more))
                asked += len(more)
            octets = await self.reader.read(READ)
            if not octets:
                raise EOFError("the server closed early")
            octets = tail + octets
            self.messages += octets.count(_END)
            # An end that is whole is counted and may not be again.
            keep = len(_END) - 1
            tail = b"" if octets.endswith(_END) else octets[-keep:]
        self.writer.write(b"QUIT\r\n")
        await self.line()
        self.writer.close()
        return self.messages


async def _read_all(server, users, tls, at_once, speaks_first):
    context = (ssl.create_default_context(cafile=server.ca_file)
               if tls == "implicit" else None)
    host = "localhost" if context else server.host
    port = server.tls_port if context else server.port
    waiting = collections.deque(users)
    total = 0

    async def work():
        nonlocal total
        while waiting:
            user = waiting.popleft()
            session = _Reader(await asyncio.open_connection(
                host, port, ssl=context, limit=READ))
            messages = await session.fetch(user, server.password(user),
                                           speaks_first)
            total += messages

    await asyncio.gather(*(work() for _ in range(min(at_once, len(users)))))
    return total


def reading(server, users, tls, messages, at_once=64, speaks_first=True):
    """A call that reads all mail with so many sessions at once.

    What speaks before the server has greeted it saves a round trip, and is
    refused by some servers.
    """

    def run():
        started, used = time.monotonic(), time.process_time()
        total = asyncio.run(_read_all(server, users, tls, at_once,
                                      speaks_first))
        figures = {"seconds": time.monotonic() - started,
                   "cpu": time.process_time() - used}
        if total != messages:
            raise measure.Failed(f"read {total} of {messages} messages")
        return figures

    return run


def idling(server, user):
    """A call that logs in, lists and leaves in one flight, without TLS."""

    def run():
        started, used = time.monotonic(), time.process_time()
        with socket.create_connection((server.host, server.port)) as stream:
            stream.sendall(f"USER {user}\r\nPASS {server.password(user)}\r\n"
                           "UIDL\r\nQUIT\r\n".encode())
            while stream.recv(READ):
                pass
        return {"seconds": time.monotonic() - started,
                "cpu": time.process_time() - used}

    return run


def inserting(bodies):
    """A call that inserts bodies into a new file, synced at each commit."""

    def run():
        with procs.temporary_folder() as folder:
            connection = sqlite3.connect(folder / "limit.db",
                                         isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(
                "CREATE TABLE body(id INTEGER PRIMARY KEY, data BLOB)")
            started, used = time.monotonic(), time.process_time()
            for first in range(0, len(bodies), TOGETHER):
                connection.execute("BEGIN")
                connection.executemany(
                    "INSERT INTO body(data) VALUES(?)",
                    ((body,) for body in bodies[first:first + TOGETHER]))
                connection.execute("COMMIT")
            figures = {"seconds": time.monotonic() - started,
                       "cpu": time.process_time() - used}
            (count,), = connection.execute("SELECT count(*) FROM body")
            connection.close()
        if count != len(bodies):
            raise measure.Failed(f"stored {count} of {len(bodies)}")
        return figures

    return run


def random_bodies(count, size):
    """Bodies as large as synthetic ones; what is in them costs nothing."""
    block = os.urandom(size)
    return [block] * count
