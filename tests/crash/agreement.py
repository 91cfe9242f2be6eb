"""Whether a store holds what servers had: everything, once, octet for octet.

The store is read with SQLite alone, by its documented view and by its pieces,
so that no code of evpop's vouches for itself.
"""

import collections
import contextlib
import dataclasses
import hashlib
import sqlite3

# Pieces of one body are numbered in these bits of their key.
_SEQUENCE_BITS = 20


@dataclasses.dataclass
class Agreement:
    """What a comparison came to; `faults` says what is wrong, in words."""

    messages: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list = dataclasses.field(default_factory=list)

    def __iadd__(self, other):
        self.messages += other.messages
        self.lost += other.lost
        self.doubled += other.doubled
        self.faults += other.faults
        return self


def digest(octets):
    """The digest that a store keeps of a message, in hex."""
    return hashlib.blake2b(octets, digest_size=32).hexdigest()


@contextlib.contextmanager
def opened(path):
    """The store, to be read only."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True,
                                 timeout=30.0)
    connection.text_factory = bytes
    try:
        yield connection
    finally:
        connection.close()


def _body(connection, number):
    (body,), = connection.execute("SELECT body FROM message WHERE id = ?",
                                  (number,))
    return b"".join(piece for piece, in connection.execute(
        "SELECT data FROM chunk WHERE id >= ? AND id < ? ORDER BY id",
        (body << _SEQUENCE_BITS, (body + 1) << _SEQUENCE_BITS)))


def compare(path, expected, bodies=True):
    """Compare a store with what its accounts' servers ever held.

    expected  account -> {unique-id: octets}, or {unique-id: (size, digest)}
    bodies    whether to read all octets, or to believe the stored digest
    """
    found = Agreement()
    wanted = collections.Counter()
    for account, messages in expected.items():
        for unique_id, one in messages.items():
            if isinstance(one, bytes):
                one = (len(one), digest(one))
            wanted[account, unique_id, *one] += 1
    stored = collections.Counter()
    with opened(path) as connection:
        (words,), *_ = connection.execute("PRAGMA integrity_check")
        if words != b"ok":
            found.faults.append(f"integrity_check: {words!r}")
        for number, account, unique_id, size, told in connection.execute(
                "SELECT id, account, unique_id, size, digest FROM v_message"):
            told = told.decode()
            key = (account.decode(), unique_id.decode("latin-1"), size, told)
            stored[key] += 1
            if bodies:
                octets = _body(connection, number)
                if (len(octets), digest(octets)) != (size, told):
                    found.faults.append(f"{key}: its octets are others")
        left = connection.execute(
            "SELECT count(*) FROM unfinished").fetchone()[0]
        if left != 0:
            found.faults.append(f"{left} unfinished bodies are left")
    found.messages = wanted.total()
    missing, more = wanted - stored, stored - wanted
    found.lost, found.doubled = missing.total(), more.total()
    found.faults += [f"lost: {one[:3]}" for one in missing]
    found.faults += [f"doubled: {one[:3]}" for one in more]
    return found


def table(title, columns, rows):
    """Print rows of figures under a title, for people."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[index]) for row in [columns, *rows])
              for index in range(len(columns))]
    print(f"\n{title}")
    for row in [columns, *rows]:
        print("  " + "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths))))
    print(flush=True)
