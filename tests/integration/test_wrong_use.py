"""Every command of evpopctl, used wrongly and with things that go wrong.

The commands are those that evpopctl lists itself, so that a new one is tried
as soon as it is there.  What is wrong is said on standard error, in words, and
the exit code is one of evpopctl(1); standard output has nothing then.
"""

import contextlib
import os
import pty
import re
import socket
import struct
import subprocess
import fcntl
import termios
import threading
import unittest

from harness import corpus, daemon, maildropd, procs

# Of sysexits.h, as evpopctl(1) lists them.
USAGE, NO_INPUT, UNAVAILABLE, SOFTWARE, IO_ERROR, TEMPORARY = (
    64, 66, 69, 70, 74, 75)
CODES = {1, USAGE, 65, NO_INPUT, UNAVAILABLE, SOFTWARE, IO_ERROR, TEMPORARY,
         76, 77, 78}

# What each needs to ask the daemon for something that is there.
ARGUMENTS = {
    "status": [], "accounts": [], "account": ["anna"],
    "polls": [], "events": ["--count", "1"],
    "audit": [], "messages": [], "search": ["message"], "show": ["1"],
    "raw": ["1"], "export": ["--eml", "{folder}/out"],
    "import": ["--account", "anna", "{folder}/mail"],
    "hold": ["--reason", "law", "1"], "release": ["1"],
    "delete": ["--reason", "law", "--yes", "2"], "deleted": [],
    "oauth": ["anna"],
    "poll": ["--wait", "anna"], "pause": ["anna"], "resume": ["anna"],
    "quarantine": [], "doctor": ["anna"], "targets": [], "outbox": [],
    "deliver": ["--to", "box", "1"], "backup":
    ["{folder}/copy.db"], "check": ["--store"], "reload": [],
}
# These ask no daemon, or something else first: a file, or the terminal.
ALONE = {"help", "completion", "seal", "key", "add", "remove", "top"}
# Of several names each has its own outcome.
SEVERAL = {"account", "poll", "pause", "resume", "hold", "release", "delete",
           "targets", "import", "search"}


def pieces(text):
    """The commands that evpopctl lists."""
    return re.findall(r"(?m)^  ([a-z]+)(?: .*)?$", text)


class _Hanging:
    """A socket that takes a question, gives part of an answer, and leaves."""

    def __init__(self, path, said):
        self._said = said
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(os.fspath(path))
        self._listener.listen(20)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                if not connection.recv(65536):
                    continue
                connection.sendall(self._said)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


class WrongUseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(procs.temporary_folder())
        (cls.folder / "mail").mkdir()
        (cls.folder / "mail" / "1.eml").write_bytes(corpus.messages(1)[0])
        cls.server = cls.enterClassContext(
            maildropd.MaildropServer(users={"anna": "secret", "berta": "secret"}, tls=False))
        cls.server.deliver("anna", corpus.messages(40))
        cls.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(cls.server, "anna", deliver="box"),
             "berta": daemon.account_of(cls.server, "berta",
                                        enabled="no")},
            targets={"box": {"type": "pipe", "command": "/bin/false"}})
        cls.enterClassContext(cls.evpopd)
        cls.evpopd.wait_polled("anna")
        cls.commands = pieces(cls.ctl("--help").stdout)

    @classmethod
    def ctl(cls, *words, at=None, **keys):
        return subprocess.run(
            [cls.evpopd.ctl_program, "-s", at or cls.evpopd.socket,
             *[str(word).format(folder=cls.folder) for word in words]],
            capture_output="stdout" not in keys, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=procs.PATIENCE, **keys)

    def check_refused(self, done, codes):
        """It is said what is wrong, in words, and nowhere else."""
        self.assertIn(done.returncode, codes, done)
        self.assertEqual(done.stdout, "", done)
        self.assertRegex(done.stderr, r"\Aevpopctl: .*\S\n", done)
        for line in done.stderr.splitlines():
            self.assertNotRegex(line, r"\(null\)|%[sdz]|\x1b", done)

    def each(self, alone=False):
        """(command, arguments) of all that ask a daemon; or of all."""
        self.assertGreater(len(self.commands), 25)
        for command in self.commands:
            if command in ALONE:
                if alone:
                    yield command, []
                continue
            self.assertIn(command, ARGUMENTS, "a new command")
            yield command, ARGUMENTS[command]

    def test_help(self):
        for command, _ in self.each(alone=True):
            for words in ((command, "--help"), ("help", command),
                          (command, "-h")):
                with self.subTest(words):
                    done = self.ctl(*words, at="/nowhere")
                    self.assertEqual(done.returncode, 0, done)
                    self.assertEqual(done.stderr, "")
                    self.assertIn(f"evpopctl {command}"
                                  if command != "help" else "usage:",
                                  done.stdout)
                    self.assertLessEqual(
                        max(map(len, done.stdout.splitlines())), 80, words)

    def test_wrong_words(self):
        for command, arguments in self.each(alone=True):
            for more in (["--no-such-option"], ["-%"],
                         ["--no-such=x"] if command in SEVERAL else
                         ["x"] * 40):
                with self.subTest(command, more=more[0]):
                    self.check_refused(
                        self.ctl(command, *arguments, *more),
                        {USAGE, NO_INPUT})

    def test_wrong_values(self):
        for words in (
                ("messages", "-n", "x"), ("messages", "-n", "-1"),
                ("messages", "-n", "99999999999999999999"),
                ("messages", "-n", "0x10"), ("messages", "-n", ""),
                ("messages", "--since", "yesterdayish"),
                ("messages", "--before", "2024-13-41"),
                ("messages", "--after-id", "-5"),
                ("messages", "--thread", "abc"),
                ("messages", "-q", "from:"), ("search", "("),
                ("search", "size:3"), ("search", '"open'),
                ("polls", "-n", "many"), ("audit", "-n", "1e9"),
                ("events", "--since", "soon"), ("events", "-n", "none"),
                ("events", "--kind", "nothing"),
                ("accounts", "--state", "asleep"), ("top", "-d", "0x"),
                ("top", "-d", "-1"), ("show", "first"), ("show", "0"),
                ("show", "99999999999999999999"), ("raw", "1x"),
                ("raw", ""), ("show", ""), ("account", ""), ("poll", ""),
                ("hold", "--reason", "law", ""), ("targets", ""),
                ("account", ".."), ("raw", ".."), ("show", "."),
                ("show", "--part", "x", "1"),
                ("hold", "--reason", "law", "one"), ("release", "-3"),
                ("delete", "--reason", "law", "--yes", "all"),
                ("delete", "--yes", "1"),
                ("export",), ("export", "--eml", "a", "--mbox", "b"),
                ("export", "--mbox", "{folder}/m", "--folders", "up"),
                ("import",), ("import", "{folder}/mail"),
                ("deliver", "1"), ("outbox", "retry", "x"),
                ("quarantine", "retry", "x"), ("quarantine", "eat"),
                ("targets", "eat"), ("key", "eat"), ("key", "generate"),
                ("completion", "cmd.exe"), ("check",), ("backup",),
                ("account",), ("poll",), ("pause",), ("resume",),
                ("poll", "--all", "anna"), ("doctor",),
                ("doctor", "localhost:99999"), ("no-such-command",),
                ("--passphrase-fd", "x", "status"), ("--socket",),
                ("statsu",), ("",)):
            with self.subTest(words):
                self.check_refused(self.ctl(*words), {USAGE, NO_INPUT})

    def test_no_daemon(self):
        dead = self.folder / "dead.sock"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(os.fspath(dead))
        for at in (self.folder / "nowhere.sock", dead, self.folder):
            for command, arguments in self.each():
                with self.subTest(command, at=at.name):
                    self.check_refused(
                        self.ctl(command, *arguments, at=at), {UNAVAILABLE})

    def test_answers_that_end_early(self):
        for name, said in (
                ("nothing", b""), ("half", b"HTTP/1.1 200 O"),
                ("headers", b"HTTP/1.1 200 OK\r\nContent-Type: "
                 b"application/json\r\nContent-Length: 4000\r\n\r\n{\"a"),
                ("chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
                 b"\r\n\r\nff0\r\n{\"a"),
                ("another", b"* OK IMAP4rev1 ready\r\n")):
            path = self.folder / f"{name}.sock"
            with contextlib.closing(_Hanging(path, said)):
                for command, arguments in self.each():
                    if command == "events":
                        # It goes on, since daemons are started anew.
                        continue
                    with self.subTest(command, said=name):
                        done = self.ctl(command, *arguments, at=path)
                        self.assertIn(done.returncode,
                                      {UNAVAILABLE, SOFTWARE, TEMPORARY},
                                      done)
                        self.assertRegex(done.stderr,
                                         r"(?m)^evpopctl: .*\S$", done)

    def test_nobody_reads_on(self):
        for words in (("messages", "--all"), ("accounts",), ("polls",),
                      ("raw", "1"), ("show", "1"), ("--help",),
                      ("messages", "--json"), ("completion", "bash")):
            with self.subTest(words):
                reader, writer = os.pipe()
                os.close(reader)
                process = subprocess.run(
                    [self.evpopd.ctl_program, "-s", self.evpopd.socket,
                     *words], stdout=writer, stderr=subprocess.PIPE,
                    text=True, check=False, timeout=procs.PATIENCE)
                os.close(writer)
                # As the shell does it: by the signal, or quietly.
                self.assertIn(process.returncode, {-13, 0, IO_ERROR},
                              process)
                self.assertLessEqual(process.stderr.count("\n"), 1)
                self.assertNotIn("Assertion", process.stderr)
            with self.subTest(words, to="/dev/full"), \
                    open("/dev/full", "w") as full:
                done = self.ctl(*words, stdout=full, stderr=subprocess.PIPE)
                self.assertEqual(done.returncode, IO_ERROR, done)
                self.assertRegex(done.stderr,
                                 r"\Aevpopctl: standard output: .*\n\Z")

    def on_terminal(self, columns, *words):
        """What it prints on a terminal of so many columns."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        done = subprocess.Popen(
            [self.evpopd.ctl_program, "-s", self.evpopd.socket, *words],
            stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
            env={**os.environ, "PAGER": "cat", "NO_COLOR": "1",
                 "TERM": "xterm"})
        os.close(slave)
        said = b""
        with contextlib.suppress(OSError):
            while (some := os.read(master, 65536)):
                said += some
        os.close(master)
        self.assertEqual(done.wait(procs.PATIENCE), 0, said)
        return said.decode().replace("\r", "").splitlines()

    def test_nothing_is_between_what_is_not_there(self):
        for words in (("account", "x", "y"), ("targets", "x", "y", "z")):
            with self.subTest(words):
                self.check_refused(self.ctl(*words), {NO_INPUT})
        both = self.ctl("account", "anna", "x", "berta")
        self.assertEqual(both.returncode, NO_INPUT)
        self.assertEqual(both.stdout.count("\n\n"), 1, both.stdout)

    def test_narrow_terminal(self):
        for words in (("accounts",), ("messages",), ("polls",),
                      ("targets",), ("search", "message"), ("outbox",),
                      ("audit",)):
            with self.subTest(words):
                lines = self.on_terminal(40, *words)
                self.assertLessEqual(max(map(len, lines), default=0), 40,
                                     lines)


if __name__ == "__main__":
    unittest.main(verbosity=2)
