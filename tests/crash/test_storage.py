"""A disk that is full or broken, a store that is locked, damaged or too new.

Polls then stop before they fetch, the reason shows wherever one looks, mail
stays on the server, and work goes on by itself when the cause has gone.

Full and read-only file systems are real ones where the test may mount them, in
a mount namespace of its own; errors of the disk come from a file system of
SQLite's that fails on demand (evpopd_faulty).
"""

import contextlib
import itertools
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

import agreement  # noqa: E402
from harness import corpus, daemon, maildropd, procs  # noqa: E402
import stepping  # noqa: E402

USERS = {"anna": "secret", "boris": "secret"}

# sysexits(3), as evpopd(8) explains them.
EX_DATAERR, EX_IOERR, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 65, 74, 75, 77, 78

# Codes of SQLite's.
SQLITE_READONLY, SQLITE_CORRUPT, SQLITE_FULL = 8, 11, 13
SQLITE_IOERR_READ, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC = 266, 778, 1034

# Of the small file system, and what one new message takes of it.
DISK = 48 << 20
LARGE = 700_000

NAMESPACE = "EVPOP_MOUNT_NAMESPACE"
MAY_MOUNT = os.environ.get(NAMESPACE) == "yes"


def enter_namespace():
    """Start this test anew where it may mount, if there is such a place."""
    if NAMESPACE in os.environ:
        return
    for words in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        with contextlib.suppress(OSError):
            if subprocess.run([*words, "true"], check=False,
                              stderr=subprocess.DEVNULL).returncode == 0:
                os.environ[NAMESPACE] = "yes"
                os.execvp(words[0], [*words, sys.executable, "-B",
                                     *sys.argv])
    os.environ[NAMESPACE] = "no"


class Fault:
    """Nothing is wrong; others override what they do.

    status   what the store calls it
    words    what it says where it cannot even be opened
    """

    status = ""
    words = ""

    def __init__(self, evpopd):
        self.evpopd = evpopd

    def begin(self):
        """From now on it is wrong."""

    def end(self):
        """And now it is not."""

    def close(self):
        """Leave nothing behind."""


class FullDisk(Fault):
    """A real file system without room."""

    status = "full"
    words = "No space left on device"

    def __init__(self, evpopd):
        super().__init__(evpopd)
        self.folder = evpopd.folder / "disk"
        self.folder.mkdir()
        procs.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs",
                   self.folder])
        evpopd.store_file = self.folder / "mail.db"

    def begin(self):
        with contextlib.suppress(OSError), \
                open(self.folder / "filler", "wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass

    def end(self):
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self):
        procs.run(["umount", "--lazy", self.folder])


class FaultyCalls(Fault):
    """Calls of SQLite's to its file system fail: (operation, code)."""

    calls = ()

    def __init__(self, evpopd):
        super().__init__(evpopd)
        evpopd.program = (daemon.build_folder() / "tests" / "crash"
                          / "evpopd_faulty")
        self.file = evpopd.folder / "faults"
        evpopd.environment["EVPOP_FAULTS"] = self.file

    def set(self, text):
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.rename(self.file)

    def begin(self):
        self.set("".join(f"{operation} {code} 0 -1\n"
                         for operation, code in self.calls))

    def end(self):
        self.set("")

    def failures(self):
        """How many calls have failed so far."""
        path = pathlib.Path(f"{self.file}.failed")
        return len(path.read_text().splitlines()) if path.exists() else 0


class FullByCalls(FaultyCalls):
    status = "full"
    calls = (("write", SQLITE_FULL),)


class WriteErrors(FaultyCalls):
    status = "io"
    calls = (("write", SQLITE_IOERR_WRITE),)


class SyncErrors(FaultyCalls):
    status = "io"
    calls = (("sync", SQLITE_IOERR_FSYNC),)


class ReadOnlyCalls(FaultyCalls):
    """As when a file system was made read-only by its kernel."""

    status = "read-only"
    calls = (("write", SQLITE_READONLY),)


class DamageSeen(FaultyCalls):
    """Pages that are found to be damaged, while it runs."""

    status = "damaged"
    calls = (("write", SQLITE_CORRUPT), ("read", SQLITE_CORRUPT))


class ReadOnlyMount(Fault):
    """A file system mounted read-only, before the daemon starts."""

    status = "read-only"
    words = "Read-only file system"

    def __init__(self, evpopd):
        super().__init__(evpopd)
        self.folder = evpopd.folder / "disk"
        self.folder.mkdir()
        evpopd.store_file = self.folder / "mail.db"
        self._mounted = False

    def begin(self):
        procs.run(["mount", "--bind", self.folder, self.folder])
        procs.run(["mount", "-o", "remount,bind,ro", self.folder])
        self._mounted = True

    def end(self):
        if self._mounted:
            procs.run(["umount", self.folder])
        self._mounted = False

    close = end


class Locked(Fault):
    """Another process has the file for itself."""

    status = "busy"
    words = "database is locked"
    _connection = None

    def begin(self):
        self._connection = sqlite3.connect(self.evpopd.store_file,
                                           isolation_level=None, timeout=10)
        self._connection.execute("BEGIN EXCLUSIVE")

    def end(self):
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    close = end


class DamagedPages(Fault):
    """Every page but the first is overwritten, before the daemon starts."""

    status = "damaged"
    words = "database disk image is malformed"

    def begin(self):
        self._octets = self.evpopd.store_file.read_bytes()
        self.evpopd.store_file.write_bytes(
            self._octets[:8192] + b"\xa5" * (len(self._octets) - 8192))

    def end(self):
        self.evpopd.store_file.write_bytes(self._octets)


class NewerSchema(Fault):
    """The file was made by an evpopd of the future."""

    status = "newer"
    words = "has schema version"

    def _change(self, by):
        with contextlib.closing(sqlite3.connect(
                self.evpopd.store_file)) as connection:
            (version,), = connection.execute("PRAGMA user_version")
            connection.execute(f"PRAGMA user_version = {version + by}")
            connection.commit()

    def begin(self):
        self._change(100)

    def end(self):
        self._change(-100)


class StorageTest(unittest.TestCase):
    """What all faults have in common."""

    rows = []

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.server = stack.enter_context(maildropd.MaildropServer(
            users=USERS, tls=False))
        self.evpopd = daemon.Evpopd({name: daemon.account_of(
            self.server, name, keep="delete", interval="10s")
            for name in USERS})
        stack.callback(self.evpopd.remove)
        self.stack = stack
        self.came = {name: {} for name in USERS}
        self.seed = 0

    def fault(self, kind):
        made = kind(self.evpopd)
        self.stack.callback(made.close)
        return made

    def deliver(self, large=False):
        """New mail for everybody."""
        for name in USERS:
            self.seed += 1
            mail = corpus.messages(4, 20_000, seed=self.seed)
            if large:
                mail += [corpus.message(self.seed, LARGE, "mixed")] * 5
            mail = [corpus.as_received(octets) for octets in mail]
            self.came[name].update(zip(
                self.server.deliver(name, mail), mail))

    def retrieved(self):
        """How many bodies the server was asked for so far."""
        return sum(command.startswith("RETR ")
                   for *_, command in self.server.commands())

    def on_server(self):
        """How many messages are there."""
        return sum(len(list(self.server.maildrop_folder(name).iterdir()))
                   for name in USERS)

    def agree(self):
        self.assertEqual(self.on_server(), 0)
        found = agreement.compare(self.evpopd.store_file, self.came)
        self.assertEqual(found.faults, [])
        return found

    def note(self, title, *figures):
        self.rows.append((title, *figures))


class RunningTest(StorageTest):
    """The fault begins and ends while the daemon runs."""

    def status(self):
        return self.evpopd.get("/v1/status")["store"]

    def poll_all(self):
        """Ask for polls, which may be refused."""
        for name in USERS:
            status, _, body = self.evpopd.request(
                "POST", f"/v1/accounts/{name}/poll")
            self.assertIn(status, (200, 202, 503), body)

    def wait_still(self):
        """A commit that has just gone well would be proof enough: none is.

        What waits for the next transaction, half a minute at most, comes with
        the list of polls; the index has transactions of its own.
        """
        self.evpopd.get("/v1/polls")
        procs.wait_for(lambda: self.evpopd.rows(
            "SELECT value FROM meta WHERE key = 'indexed'") ==
            self.evpopd.rows("SELECT max(id) FROM message"), what="the index")
        log = self.evpopd.store_file.with_name("mail.db-wal")

        def is_still():
            written = log.stat().st_mtime_ns
            time.sleep(1.2)
            return log.stat().st_mtime_ns == written

        procs.wait_for(is_still, what="a second without a commit")

    def check(self, kind):
        fault = self.fault(kind)
        self.deliver()
        self.evpopd.start()
        self.evpopd.wait_polled()
        before = self.retrieved()
        self.assertEqual(self.on_server(), 0)
        self.wait_still()
        fault.begin()
        self.deliver(large=True)
        waiting = self.on_server()
        self.poll_all()
        procs.wait_for(lambda: self.status()["status"] != "ok",
                       what="the store's complaint")
        told = self.status()
        self.assertEqual(told["status"], fault.status)
        # Nobody gets past the door now, however much they knock.
        end = time.monotonic() + 2
        while time.monotonic() < end:
            self.poll_all()
            time.sleep(0.2)
        self.assertEqual(self.retrieved(), before)
        self.assertEqual(self.on_server(), waiting)
        self.assertIn(told["text"], self.evpopd.log())
        shown = self.evpopd.ctl("status", code=1).stdout
        self.assertIn(told["text"], shown)
        self.assertIn(told["hint"], shown)
        fault.end()
        ended = time.monotonic()
        procs.wait_for(lambda: self.status()["status"] == "ok",
                       what="the store's recovery")
        procs.wait_for(lambda: self.on_server() == 0,
                       what="the polls that were put off")
        took = time.monotonic() - ended
        self.evpopd.halt()
        found = self.agree()
        self.note(f"{kind.__name__}, running", told["status"],
                  0, f"{took:.0f} s", found.messages,
                  found.lost, found.doubled)

    @unittest.skipUnless(MAY_MOUNT, "no file system may be mounted")
    def test_full_disk(self):
        self.check(FullDisk)

    def test_full_by_calls(self):
        self.check(FullByCalls)

    def test_write_errors(self):
        self.check(WriteErrors)

    def test_sync_errors(self):
        self.check(SyncErrors)

    def test_read_only(self):
        self.check(ReadOnlyCalls)

    def test_damage_seen(self):
        self.check(DamageSeen)

    def test_locked(self):
        self.check(Locked)


class StartTest(StorageTest):
    """The fault is there when the daemon starts, with --once and without."""

    def check(self, kind, code):
        fault = self.fault(kind)
        self.deliver()
        self.evpopd.once()
        before = self.retrieved()
        fault.begin()
        self.deliver(large=True)
        waiting = self.on_server()
        once = self.evpopd.once(code=code)
        self.assertIn(fault.words or "the store fails: cannot write",
                      once.stderr)
        if fault.words:
            self.evpopd.start(wait=False)
            self.evpopd.ended(code=code)
        self.assertEqual(self.retrieved(), before)
        self.assertEqual(self.on_server(), waiting)
        fault.end()
        self.evpopd.once()
        found = self.agree()
        self.note(f"{kind.__name__}, --once", f"exit {code}",
                  0, "-", found.messages, found.lost, found.doubled)

    @unittest.skipUnless(MAY_MOUNT, "no file system may be mounted")
    def test_full_disk(self):
        self.check(FullDisk, EX_TEMPFAIL)

    def test_write_errors(self):
        self.check(WriteErrors, EX_IOERR)

    @unittest.skipUnless(MAY_MOUNT, "no file system may be mounted")
    def test_read_only(self):
        self.check(ReadOnlyMount, EX_NOPERM)

    def test_locked(self):
        self.check(Locked, EX_TEMPFAIL)

    def test_damaged(self):
        self.check(DamagedPages, EX_DATAERR)

    def test_newer(self):
        self.check(NewerSchema, EX_CONFIG)


class DeliveringTest(StorageTest):
    """--once, whose store fails while it delivers, ends all the same."""

    def check(self, kind, code):
        fault = self.fault(kind)
        box = self.evpopd.folder / "box"
        # The first message that is delivered breaks the store.
        fault.begin()
        fault.file.rename(fault.file.with_suffix(".later"))
        self.evpopd.targets = {
            "box": {"type": "maildir", "path": box, "retry_min": "1s"},
            "breaks": {"type": "pipe", "shell": "yes", "retry_min": "1s",
                       "command": f"cat >/dev/null; mv {fault.file}.later "
                                  f"{fault.file} 2>/dev/null; exit 0"}}
        for account in self.evpopd.accounts.values():
            account["deliver"] = "breaks, box"
        self.evpopd.write_config()
        self.deliver()
        done = self.evpopd.run("--once")
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertGreater(fault.failures(), 0)
        fault.end()
        done = self.evpopd.run("--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.agree()
        self.assertEqual(self.evpopd.rows(
            "SELECT DISTINCT state FROM v_outbox"), [("delivered",)])
        [(stored,)] = self.evpopd.rows("SELECT count(*) FROM v_message")
        self.assertEqual(len(list((box / "new").iterdir())), stored)

    def test_write_errors(self):
        self.check(WriteErrors, EX_IOERR)

    def test_sync_errors(self):
        self.check(SyncErrors, EX_IOERR)

    def test_full(self):
        self.check(FullByCalls, EX_TEMPFAIL)


class NthTest(StorageTest):
    """One call fails, and no other: each in turn, as in SQLite's own tests.

    EVPOP_STRIDE leaves out most of them, and begins anywhere.
    """

    def check(self, operation, code):
        total = agreement.Agreement()
        codes = {}
        for number in itertools.count(random.randrange(stepping.STRIDE),
                                      stepping.STRIDE):
            evpopd = self.evpopd = daemon.Evpopd({name: daemon.account_of(
                self.server, name, keep="delete") for name in USERS})
            try:
                fault = FaultyCalls(evpopd)
                self.came = {name: {} for name in USERS}
                self.deliver()
                fault.set(f"{operation} {code} {number} 1\n")
                evpopd.write_config()
                ended = evpopd.run("--once").returncode
                codes[ended] = codes.get(ended, 0) + 1
                self.assertIn(ended, (0, EX_TEMPFAIL, EX_IOERR))
                hit = fault.failures()
                fault.end()
                evpopd.once()
                total += self.agree()
            finally:
                evpopd.remove()
            if hit == 0:
                break
        self.assertGreater(number, 5)
        self.note(f"one {operation} of {number} fails",
                  ", ".join(f"{count} x {one}"
                            for one, count in sorted(codes.items())),
                  "-", "-", total.messages, total.lost, total.doubled)

    def test_write(self):
        self.check("write", SQLITE_IOERR_WRITE)

    def test_sync(self):
        self.check("sync", SQLITE_IOERR_FSYNC)

    def test_full(self):
        self.check("write", SQLITE_FULL)


def tearDownModule():
    agreement.table("Storage faults", (
        "", "told", "RETRs meanwhile", "resumed after", "messages",
        "lost", "doubled"), StorageTest.rows)


if __name__ == "__main__":
    enter_namespace()
    unittest.main(verbosity=2)
