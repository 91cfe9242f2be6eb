"""The project's own POP3 server, started for a test."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile

from . import certificates, pop3, procs

HOST = "127.0.0.1"


def binary_path(given=None):
    """Where the maildropd program is: as given, or below EVPOP_BUILD_DIR."""
    if given is not None:
        return pathlib.Path(given)
    build = os.environ.get("EVPOP_BUILD_DIR")
    if build is None:
        raise RuntimeError("set EVPOP_BUILD_DIR to the build folder, or give "
                           "the path of maildropd")
    return pathlib.Path(build) / "tests" / "servers" / "maildropd"


class MaildropServer(procs.InFolder):
    """maildropd in a temporary folder, with free ports, a CA and a log.

    Users with folders (add_user) must be named before start; synthetic ones
    come by the `synthetic` argument as (prefix, password, accounts, messages,
    size).  The context manager starts it and stops it.

    Attributes once started: host, port (plain, with STLS), tls_port, ca_file,
    pid, folder, log_file.

    With hold_after, nothing more is answered once so many messages are sent,
    until release(): so a test meets the middle of a session however busy the
    machine is.

    With octets_per_second, it sends each client no more than that; with
    stall_after, it says nothing more after so many octets of an answer to RETR,
    and leaves the client waiting.
    """

    def __init__(self, binary=None, *, users=None, synthetic=(), tls=True,
                 certificate=None, client_ca=None, delay_ms=0,
                 hold_after=0, octets_per_second=0, stall_after=None,
                 pipelining=True, crlf=False, uid_prefix=None,
                 uidl=True, top=True, host=HOST,
                 port=0, tls_port=0, prefix_command=(), extra=()):
        self.binary = binary_path(binary)
        self.host = host
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="evpop-maildropd-"))
        self.folder.chmod(0o711)
        self.log_file = self.folder / "commands.log"
        self.port = port
        self.tls_port = tls_port
        self.pid = None
        self.ca = None
        self.ca_file = None
        self.certificate = certificate
        self.synthetic = [tuple(one) for one in synthetic]
        self.client_ca = client_ca
        self.delay_ms = delay_ms
        self.hold_after = hold_after
        self.octets_per_second = octets_per_second
        self.stall_after = stall_after
        self.pipelining = pipelining
        self.crlf = crlf
        self.uid_prefix = uid_prefix
        self.uidl = uidl
        self.top = top
        self.extra = list(extra)
        self.prefix_command = list(prefix_command)
        self._tls = tls
        self._passwords = {}
        self._serials = {}
        self._process = None
        if tls:
            self.ca = certificates.CertificateAuthority(self.folder / "ca")
            self.ca_file = self.ca.file
            if certificate is None:
                self.certificate = self.ca.server()
        for name, password in (users or {}).items():
            self.add_user(name, password)

    def add_user(self, name, password):
        """Give a user an empty maildrop; only before the server starts."""
        if self._process is not None:
            raise RuntimeError("add users before the server starts")
        self._passwords[name] = password
        self._serials[name] = 0
        self.maildrop_folder(name).mkdir(parents=True)

    def maildrop_folder(self, name):
        """The folder whose files are the user's messages."""
        return self.folder / "maildrops" / name

    def left(self, user):
        """How many messages it holds, also while a session has the maildrop.

        Of users whose messages are files.
        """
        return len(list(self.maildrop_folder(user).glob("*.eml")))

    def deliver(self, user, messages):
        """Put messages (bytes) into a maildrop, also while it is served.

        Returns their unique-ids, in order.
        """
        folder = self.maildrop_folder(user)
        unique_ids = []
        for octets in messages:
            self._serials[user] += 1
            name = f"{self._serials[user]:08d}.eml"
            hidden = folder / ("." + name)
            hidden.write_bytes(octets)
            hidden.rename(folder / name)
            unique_ids.append((self.uid_prefix or "") + name)
        return unique_ids

    def password(self, user):
        """The password of a user, synthetic ones included."""
        if user in self._passwords:
            return self._passwords[user]
        for prefix, password, *_ in self.synthetic:
            if user.startswith(prefix) and user[len(prefix):].isdigit():
                return password
        raise KeyError(user)

    def messages(self, user):
        """What the server holds: a dict from unique-id to octets."""
        return pop3.messages(self.host, self.port, user, self.password(user))

    def count(self, user):
        """How many messages the server holds."""
        return pop3.count(self.host, self.port, user, self.password(user))

    def commands(self):
        """What clients have sent so far: (seconds, session, tls, command).

        Secrets are left out; the answer to a challenge reads "(response) ...".
        """
        rows = []
        if self.log_file.exists():
            for line in self.log_file.read_text("latin-1").splitlines():
                when, session, kind, command = line.split(" ", 3)
                rows.append((float(when), int(session), kind == "tls", command))
        return rows

    def stats(self):
        """The server's counters, by name; also after it has stopped."""
        path = self.folder / "stats.json"
        if self._process is not None and self._process.poll() is None:
            path.unlink(missing_ok=True)
            self._process.send_signal(signal.SIGUSR1)
            procs.wait_for(path.exists, what="maildropd's counters")
            self._last_stats = json.loads(path.read_text())
        return self._last_stats

    def last_stats(self):
        """The counters of the server that was stopped last."""
        return self._last_stats

    def command_line(self):
        """The command that starts the server."""
        words = [*self.prefix_command, self.binary,
                 "--listen", f"{self.host}:{self.port}",
                 "--port-file", self.folder / "ports",
                 "--stats-file", self.folder / "stats.json",
                 "--log", self.log_file,
                 "--delay-ms", str(self.delay_ms),
                 "--exit-with", str(os.getpid())]
        if self._tls:
            words += ["--tls-listen", f"{self.host}:{self.tls_port}",
                      "--cert", self.certificate.certificate,
                      "--key", self.certificate.key]
        if self.client_ca is not None:
            words += ["--client-ca", self.client_ca]
        if self.hold_after:
            words += ["--hold-after", str(self.hold_after)]
        if self.octets_per_second:
            words += ["--octets-per-second", str(self.octets_per_second)]
        if self.stall_after is not None:
            words += ["--stall-after", str(self.stall_after)]
        if not self.pipelining:
            words.append("--no-pipelining")
        if not self.uidl:
            words.append("--no-uidl")
        if not self.top:
            words.append("--no-top")
        if self.crlf:
            words.append("--crlf")
        if self.uid_prefix is not None:
            words += ["--uid-prefix", self.uid_prefix]
        for name, password in self._passwords.items():
            words += ["--maildrop",
                      f"{name}:{password}:{self.maildrop_folder(name)}"]
        for one in self.synthetic:
            words += ["--synthetic", ":".join(str(part) for part in one)]
        return [os.fspath(word) for word in words + self.extra]

    def start(self):
        """Start, and wait until clients are accepted."""
        ports = self.folder / "ports"
        ports.unlink(missing_ok=True)
        stderr = self.folder / "stderr"
        with open(stderr, "wb") as err:
            self._process = subprocess.Popen(
                self.command_line(), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=err, cwd="/")
        self.pid = self._process.pid

        def ready():
            if self._process.poll() is not None:
                raise RuntimeError(
                    f"maildropd ended with {self._process.returncode}: "
                    f"{stderr.read_text()}")
            return ports.exists()

        try:
            procs.wait_for(ready, what="maildropd's readiness")
        except BaseException:
            procs.stop(self._process)
            self._process = None
            raise
        for line in ports.read_text().splitlines():
            kind, _, port = line.split()
            if kind == "tls":
                self.tls_port = int(port)
            else:
                self.port = int(port)
        return self

    def wait_held(self):
        """Wait until hold_after keeps it from answering."""
        procs.wait_for(
            lambda: self.stats()["messages_sent"] >= self.hold_after,
            what=f"message {self.hold_after}")

    def release(self):
        """Answer again, for good."""
        self._process.send_signal(signal.SIGUSR2)

    def halt(self):
        """Stop serving, but keep mail, ports and certificates for start()."""
        if self._process is None:
            return
        status = procs.stop(self._process)
        path = self.folder / "stats.json"
        if path.exists():
            self._last_stats = json.loads(path.read_text())
        errors = (self.folder / "stderr").read_text()
        self._process = None
        self.pid = None
        if status != 0:
            raise RuntimeError(f"maildropd ended with {status}: {errors}")

    def restart(self, **changes):
        """Stop and start on the same ports, some attributes changed.

        For instance restart(uid_prefix="new-") renames every unique-id.
        Synthetic messages that were deleted are back afterwards.
        """
        self.halt()
        for name, value in changes.items():
            if not hasattr(self, name):
                raise AttributeError(name)
            setattr(self, name, value)
        return self.start()
