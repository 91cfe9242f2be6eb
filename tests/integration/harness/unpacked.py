"""Servers of packages that are unpacked below one folder, not installed.

Debian's POP3 servers cannot be installed beside each other, and some would
serve the world as soon as they are.  "./bootstrap test" unpacks them below
build/servers (or EVPOP_SERVERS), a folder for each, with the libraries that
are missing here.  They run as whoever runs the tests, in a folder of their
own: unpacked.c, which is loaded before their libraries, leads the paths that
were compiled into them to other folders, and answers for users and PAM.
"""

import collections
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading

from . import certificates, corpus, pop3, procs

HOST = "127.0.0.1"


def folder():
    """Where servers are unpacked."""
    given = os.environ.get("EVPOP_SERVERS")
    return (pathlib.Path(given) if given else
            pathlib.Path(__file__).resolve().parents[3] / "build" / "servers")


def available(name):
    """Whether this one is unpacked."""
    return (folder() / name / "version").exists()


def version(name):
    """The version of its package."""
    return (folder() / name / "version").read_text().strip()


def preloaded():
    """What is loaded before a server's own libraries."""
    return (pathlib.Path(os.environ["EVPOP_BUILD_DIR"]) / "tests"
            / "integration" / "libunpacked.so")


class Acceptor:
    """Starts a command for each connection, which is its input and output.

    As inetd does; what the command says to stderr goes to a file.
    """

    def __init__(self, command, environment, cwd, log_file):
        self.command = [os.fspath(word) for word in command]
        self.environment = environment
        self.cwd = cwd
        self.log_file = log_file
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._children = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, (address, port) = self._listener.accept()
            except OSError:
                return
            environment = {**self.environment, "TCPREMOTEIP": address,
                           "TCPREMOTEPORT": str(port), "TCPLOCALIP": HOST,
                           "TCPLOCALPORT": str(self.port)}
            with connection, open(self.log_file, "ab") as log:
                child = subprocess.Popen(
                    self.command, stdin=connection, stdout=connection,
                    stderr=log, env=environment, cwd=self.cwd,
                    start_new_session=True)
            with self._lock:
                self._children = [one for one in self._children
                                  if one.poll() is None] + [child]

    def close(self):
        """Accept no more, and end those that still run."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for child in self._children:
            if child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
            child.wait()


class Server(procs.InFolder):
    """What the servers have in common; each is a class with its own _start().

    Attributes: name, host, port, tls_port (None: no TLS), ca_file, folder,
    log_file.  The context manager starts and stops it.
    """

    # Of its folder below folder().
    name = None
    # Ways to log in that it has: for `auth`, in clear text.
    mechanisms = ("user",)
    # Those that it has over TLS only, where they work.
    tls_mechanisms = ()
    # Ways of TLS that it has.
    tls = ()
    # Header lines that it adds to a message, even after it was read.
    adds = ()
    # Whether all that it gives is what it got.
    faithful = True

    def __init__(self, users=None):
        self.host = HOST
        self.root = folder() / self.name
        self.folder = pathlib.Path(tempfile.mkdtemp(
            prefix=f"evpop-{self.name}-"))
        self.log_file = self.folder / "log"
        self.port = self.tls_port = self.ca_file = None
        self.delivered = collections.defaultdict(list)
        self._passwords = {}
        self._acceptors = []
        self._processes = []
        try:
            for name in ("users", "home", "mail", "run", "etc"):
                (self.folder / name).mkdir(mode=0o700)
            if self.tls:
                authority = certificates.CertificateAuthority(
                    self.folder / "ca")
                self.ca_file = authority.file
                self.certificate = authority.server()
            for name, password in (users or {}).items():
                self.add_user(name, password)
        except BaseException:
            procs.remove_folder(self.folder)
            raise

    # Users and mail

    def add_user(self, name, password):
        """Make a user with an empty maildrop."""
        self._passwords[name] = password
        (self.folder / "users" / name).write_text(password + "\n")
        (self.folder / "home" / name).mkdir(mode=0o700)

    def password(self, user):
        """The password of a user."""
        return self._passwords[user]

    def messages(self, user):
        """What the server holds: a dict from unique-id to octets."""
        return pop3.messages(self.host, self.port, user, self.password(user))

    def count(self, user):
        """How many messages the server holds."""
        return pop3.count(self.host, self.port, user, self.password(user))

    def presented(self, user):
        """What another reader gets of all that is in the maildrop, in order.

        But for header lines that the server adds, see plain(), this is what
        was delivered if it is `faithful`.
        """
        found = pop3.bodies(self.host, self.port, user, self.password(user))
        if self.faithful and (sorted(map(self.plain, found))
                              != sorted(map(self.plain,
                                            self.delivered[user]))):
            raise AssertionError(f"{self.name} gives other mail than it got")
        return found

    def plain(self, octets):
        """A message without the header lines that the server has added."""
        if not self.adds:
            return octets
        header, end, body = octets.partition(b"\r\n\r\n")
        names = b"|".join(name.encode() for name in self.adds)
        return re.sub(rb"(?im)^(?:" + names + rb"):.*\r\n(?:[ \t].*\r\n)*",
                      b"", header + b"\r\n") + end[2:] + body

    def log(self):
        """What it has said so far."""
        return (self.log_file.read_text(errors="replace")
                if self.log_file.exists() else "")

    # Processes

    def paths(self):
        """Folders that it looks for, and where they are."""
        return {"/run": self.folder / "run", "/var/run": self.folder / "run"}

    def environment(self, **more):
        """Variables of its processes."""
        libraries = sorted({os.fspath(path.parent) for path in
                            (self.root / "usr/lib").rglob("lib*.so*")}
                           | {os.fspath(path.parent) for path in
                              (self.root / "lib").rglob("lib*.so*")})
        return {"PATH": f"{self.root}/usr/bin:{self.root}/usr/sbin:"
                        "/usr/bin:/bin:/usr/sbin:/sbin",
                "LC_ALL": "C", "HOME": os.fspath(self.folder),
                "LD_PRELOAD": os.fspath(preloaded()),
                "LD_LIBRARY_PATH": ":".join(libraries),
                "UNPACKED_PATHS": ":".join(
                    f"{old}={new}" for old, new in self.paths().items()),
                "UNPACKED_USERS": os.fspath(self.folder / "users"),
                "UNPACKED_HOMES": os.fspath(self.folder / "home"),
                "UNPACKED_LOG": os.fspath(self.log_file),
                **{key: os.fspath(value) for key, value in more.items()}}

    def accept(self, *command, **environment):
        """Start this for each connection; the port."""
        acceptor = Acceptor(command, self.environment(**environment),
                            self.folder, self.log_file)
        self._acceptors.append(acceptor)
        return acceptor.port

    def launch(self, *command, **environment):
        """Start a daemon that stays in the foreground."""
        with open(self.log_file, "ab") as log:
            self._processes.append(subprocess.Popen(
                [os.fspath(word) for word in command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.folder, env=self.environment(**environment),
                start_new_session=True,
                preexec_fn=procs.die_with_parent(signal.SIGTERM)))
        return self._processes[-1]

    def command(self, *words, **keywords):
        """Run a program of the package to its end."""
        return procs.run(words, cwd=self.folder, env=self.environment(),
                         **keywords)

    def greets(self, port):
        """Whether a greeting comes."""
        for process in self._processes:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args[0]} ended with "
                                   f"{process.returncode}:\n{self.log()}")
        try:
            with pop3.connect(self.host, port, timeout=10):
                return True
        except (OSError, EOFError):
            return False

    def start(self):
        """Start, and wait until clients are greeted."""
        try:
            self._start()
            procs.wait_for(lambda: self.greets(self.port),
                           what=f"the greeting of {self.name}")
        except BaseException:
            print(f"--- log of {self.name}\n{self.log()}---")
            self.halt()
            raise
        return self

    def halt(self):
        """Stop serving, but keep mail and users."""
        for acceptor in self._acceptors:
            acceptor.close()
        self._acceptors = []
        for process in reversed(self._processes):
            # A group of its own: its children go, too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes = []


class Mbox:
    """Maildrops that are files of mbox, below `mail`."""

    def deliver(self, user, messages):
        """Put messages (bytes) into a maildrop, also while it is served."""
        with open(self.folder / "mail" / user, "ab") as mbox:
            for octets in messages:
                octets = re.sub(rb"(?m)^From ", b">From ",
                                corpus.as_received(octets))
                if b"\r\n\r\n" not in octets:
                    # What ends the header cannot be left out.
                    octets += b"\r\n"
                self.delivered[user].append(octets)
                mbox.write(b"From sender@example.org "
                           b"Sat Nov 21 10:00:00 2026\n"
                           + octets.replace(b"\r\n", b"\n") + b"\n")


class Maildir:
    """Maildrops that are Maildirs in the home folders."""

    def add_user(self, name, password):
        super().add_user(name, password)
        for part in ("cur", "new", "tmp"):
            (self.folder / "home" / name / "Maildir" / part).mkdir(
                mode=0o700, parents=True)

    def deliver(self, user, messages):
        """Put messages (bytes) into a maildrop, also while it is served."""
        maildir = self.folder / "home" / user / "Maildir"
        for octets in messages:
            self.delivered[user].append(corpus.as_received(octets))
            self._serial = getattr(self, "_serial", 0) + 1
            name = f"{1700000000 + self._serial}.M{self._serial}.test"
            path = maildir / "tmp" / name
            path.write_bytes(octets.replace(b"\r\n", b"\n"))
            path.rename(maildir / "new" / name)
