"""Programs that fetch mail, each set up as its manual tells.

A rival is given a server of the test harness, users of it and how to reach it
("none" or "implicit"), and an empty folder for all that it writes.  It keeps
the mail on the server and remembers what it has seen, where it can.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess

from harness import daemon, dovecot, procs

import measure


def said_version(*command):
    """The first line that names a version."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=20,
                              stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "not installed"
    lines = [line.strip() for line in done.stdout.splitlines()]
    for line in lines:
        if any(one.isdigit() for one in line):
            return line
    return lines[0] if lines else "unknown"


def files_in(folder):
    """How many files a folder has."""
    return sum(1 for path in pathlib.Path(folder).iterdir() if path.is_file())


def make_maildir(folder):
    """An empty Maildir."""
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)


def private_file(path, text):
    """A file that only its owner may read."""
    path.touch(0o600)
    path.write_text(text)


class Rival:
    """What all have in common; fine are exit codes that mean success."""

    program = None
    fine = (0,)
    # Another user who runs it, by the group of that user.
    run_as = None

    def group(self):
        """The group that it runs with, None for this program's."""
        return pwd.getpwnam(self.run_as).pw_gid if self.run_as else None

    def __init__(self, server, users, tls, folder):
        self.server, self.users, self.tls = server, users, tls
        self.folder = folder
        self.host = "localhost" if tls == "implicit" else server.host
        self.port = server.tls_port if tls == "implicit" else server.port
        self.environment = {}
        self.prepare()

    @classmethod
    def available(cls):
        """Whether it is installed."""
        return shutil.which(cls.program) is not None

    @classmethod
    def version(cls):
        """What it says of itself."""
        return said_version(cls.program, "--version")

    def prepare(self):
        """Write its configuration."""
        raise NotImplementedError

    def command(self):
        """The command line of one poll of all users."""
        raise NotImplementedError

    def stored(self):
        """How many messages it has delivered so far."""
        return files_in(self.folder / "Maildir" / "new")

    def run(self):
        """One poll; what it took."""
        return measure.timed(self.command(), fine=self.fine,
                             environment=self.environment,
                             user=self.run_as, group=self.group())

    def remove(self):
        """Whatever is beside the folder."""


class Evpopd(Rival):
    """evpopd --once, into its store."""

    settings = {}

    def prepare(self):
        self.evpopd = daemon.Evpopd(
            {user: daemon.account_of(self.server, user, tls=self.tls,
                                     **self.keys(number))
             for number, user in enumerate(self.users)}, daemon=self.settings)
        self.evpopd.write_config()

    def keys(self, number):
        """More keys of an account, counted from 0."""
        return {}

    @classmethod
    def available(cls):
        return (daemon.build_folder() / "daemon" / "evpopd").exists()

    @classmethod
    def version(cls):
        return said_version(daemon.build_folder() / "daemon" / "evpopd",
                            "--version")

    def command(self):
        return self.evpopd.command_line("--once")

    def stored(self):
        (count,), = self.evpopd.rows("SELECT count(*) FROM v_message")
        return count

    def remove(self):
        self.evpopd.remove()


class EvpopdManySessions(Evpopd):
    """The same, with as many sessions to one server as it has in all."""

    settings = {"max_sessions_per_host": 64}


class EvpopdManyServers(Evpopd):
    """The same, with accounts in turns on all addresses of the server."""

    def keys(self, number):
        return {"host": self.server.hosts[number % len(self.server.hosts)]}


class Mpop(Rival):
    """mpop --all-accounts into a Maildir, pipelining as it finds it."""

    program = "mpop"

    def prepare(self):
        make_maildir(self.folder / "Maildir")
        tls = ("tls on\ntls_starttls off\n"
               f"tls_trust_file {self.server.ca_file}\n"
               if self.tls == "implicit" else "tls off\n")
        private_file(self.folder / "mpoprc", "".join(
            f"account {user}\nhost {self.host}\nport {self.port}\n"
            f"user {user}\npassword {self.server.password(user)}\n"
            f"auth user\n{tls}keep on\n"
            f"uidls_file {self.folder}/uidls-{user}\n"
            f"delivery maildir {self.folder}/Maildir\n\n"
            for user in self.users))

    def command(self):
        return ["mpop", "--quiet", "--all-accounts", "-C",
                self.folder / "mpoprc"]


class Fetchmail(Rival):
    """fetchmail to a command that writes each message into a file.

    A user's line names each; 1 says that there was no new mail.
    """

    program = "fetchmail"
    fine = (0, 1)

    def prepare(self):
        mail = self.folder / "mail"
        mail.mkdir()
        # A process number comes again once all have been used.
        mda = f"set -C; cat >{mail}/$$ || cat >{mail}/$$.again"
        tls = (f'ssl sslcertck sslcertfile "{self.server.ca_file}"'
               if self.tls == "implicit" else 'sslproto ""')
        users = "\n".join(
            f'  user "{user}" with password '
            f'"{self.server.password(user)}" keep {tls} mda "{mda}"'
            for user in self.users)
        private_file(self.folder / "fetchmailrc",
                     f"poll {self.host} proto pop3 port {self.port} "
                     f"auth password uidl\n{users}\n")
        self.environment = {"FETCHMAILHOME": str(self.folder)}

    @classmethod
    def version(cls):
        with procs.temporary_folder() as folder:
            private_file(folder / "fetchmailrc", "")
            done = subprocess.run(
                ["fetchmail", "-V", "-f", folder / "fetchmailrc"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                stderr=subprocess.DEVNULL, check=False)
        for line in done.stdout.splitlines():
            if "release" in line:
                return line.strip()
        return "unknown"

    def command(self):
        return ["fetchmail", "--silent", "--nosyslog", "--nodetach",
                "-f", self.folder / "fetchmailrc",
                "-i", self.folder / "ids",
                "--pidfile", self.folder / "pid"]

    def stored(self):
        return files_in(self.folder / "mail")


class Getmail(Rival):
    """getmail6 into a Maildir, a file of configuration for each user.

    It delivers for nobody who is root, and runs as another user then.  Now and
    then it misses the end of a child that it has started for a message, and
    gives up after its time-out, of which half an hour has no room for many.
    """

    program = "getmail"

    def prepare(self):
        make_maildir(self.folder / "Maildir")
        kind = ("SimplePOP3SSLRetriever" if self.tls == "implicit"
                else "SimplePOP3Retriever")
        trust = (f"ca_certs = {self.server.ca_file}\n"
                 if self.tls == "implicit" else "")
        for user in self.users:
            private_file(
                self.folder / f"rc-{user}",
                f"[retriever]\ntype = {kind}\nserver = {self.host}\n"
                f"port = {self.port}\nusername = {user}\n"
                f"password = {self.server.password(user)}\n{trust}"
                "timeout = 30\n"
                "[destination]\ntype = Maildir\n"
                f"path = {self.folder}/Maildir/\n"
                "[options]\nread_all = false\ndelete = false\n"
                "verbose = 0\n")
        self.environment = {"HOME": str(self.folder)}
        if os.geteuid() == 0:
            self.run_as = dovecot.UNPRIVILEGED_USER
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, self.run_as, self.group())

    def command(self):
        words = ["getmail", "--getmaildir", self.folder]
        for user in self.users:
            words += ["--rcfile", f"rc-{user}"]
        return words


class Curl(Rival):
    """curl, which remembers nothing and is told how many messages there are."""

    program = "curl"

    def prepare(self):
        (self.folder / "mail").mkdir()
        scheme = "pop3s" if self.tls == "implicit" else "pop3"
        trust = (f'cacert = "{self.server.ca_file}"\n'
                 if self.tls == "implicit" else "")
        transfers = []
        for user in self.users:
            count = self.server.count(user)
            transfers.append(
                f'url = "{scheme}://{self.host}:{self.port}/[1-{count}]"\n'
                f'user = "{user}:{self.server.password(user)}"\n{trust}'
                f'output = "{self.folder}/mail/{user}-#1"\n'
                "silent\nshow-error\nfail\n")
        private_file(self.folder / "curlrc", "next\n".join(transfers))

    def command(self):
        return ["curl", "-K", self.folder / "curlrc"]

    def stored(self):
        return files_in(self.folder / "mail")


EVPOPD = "evpopd"
SERVERS = 25
EVPOPDS = {EVPOPD: Evpopd, "evpopd, 64 to a server": EvpopdManySessions,
           f"evpopd, {SERVERS} servers": EvpopdManyServers}
ALL = {**EVPOPDS, "mpop": Mpop, "fetchmail": Fetchmail, "getmail6": Getmail,
       "curl": Curl}


@contextlib.contextmanager
def installed(kind, server, users, tls):
    """A rival set up in a folder of its own, gone afterwards."""
    with procs.temporary_folder() as folder:
        rival = kind(server, users, tls, folder)
        try:
            yield rival
        finally:
            rival.remove()


def fetching(kind, server, users, tls, messages):
    """A call that fetches all mail into an empty place and counts it."""

    def run():
        with installed(kind, server, users, tls) as rival:
            figures = rival.run()
            stored = rival.stored()
        if stored != messages:
            raise measure.Failed(f"stored {stored} of {messages} messages")
        return figures

    return run
