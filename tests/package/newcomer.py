#!/usr/bin/env python3
"""What somebody types who has never seen evpop, on a Debian of their own.

usage: newcomer.py SUITE [--packages FOLDER] [--transcript FILE]

Makes a root of the suite with mmdebstrap, installs the packages there (those
of the folder, or those that it builds of these sources), runs evpopd as its
unit does, and types: two accounts by their addresses alone, the move from an
mpop that has been used, new mail, its event, a search, delivery to Dovecot.
Each command is printed with the minutes since the first one and with what it
said.  The servers of the accounts are on this machine, and EVPOP_BUILD_DIR has
the one for POP3.

It ends with 1 where something is not as it should be, and with 77 where it
cannot be tried: it takes root, and a mirror of Debian's.
"""

import argparse
import configparser
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

import debian

sys.path.insert(0, str(debian.SOURCES / "tests/integration"))

import test_recipes  # noqa: E402
from harness import (autoconfig, certificates, maildropd,  # noqa: E402
                     procs, typist, zone)

SCREEN = (40, 100)  # lines, columns
PASSWORD = "s3cret"
USERS = ("anna@example.test", "anna", "anna@isp.test")
HOSTS = ("pop.example.test", "mail.shop.test", "autoconfig.shop.test",
         "pop.isp.test")

MPOPRC = """\
defaults
tls on
tls_trust_file /etc/ssl/certs/ca-certificates.crt
delivery maildir ~/Mail

account isp
host pop.isp.test
tls_starttls off
user anna@isp.test
password s3cret
keep on
"""


def message(sender, subject, text):
    return (f"From: {sender}\r\nTo: anna@example.test\r\n"
            f"Subject: {subject}\r\nDate: Mon, 30 Nov 2026 09:00:00 +0100\r\n"
            f"Message-ID: <{len(subject)}.{len(text)}@example.test>\r\n\r\n"
            f"{text}\r\n").encode()


def children(pid):
    return [int(one) for one in pathlib.Path(
        f"/proc/{pid}/task/{pid}/children").read_text().split()]


def shown(octets):
    """What is left on the terminal: a line begun anew hides the one before."""
    plain = re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[78])", "", octets)
    lines = [line.rstrip("\r").rpartition("\r")[2]
             for line in plain.replace("\r\n", "\n").split("\n")]
    return "".join(f"{line}\n" for line in lines
                   if line.strip() and not line.startswith("Progress: "))


class Transcript:
    """What was typed and said, with the clock."""

    def __init__(self, file):
        self.files = [sys.stdout] + ([file] if file else [])
        self.start = None

    def write(self, text):
        for file in self.files:
            file.write(text)
            file.flush()

    def clock(self):
        seconds = int(time.monotonic() - self.start) if self.start else 0
        return f"{seconds // 60:02}:{seconds % 60:02}"

    def title(self, text):
        self.write(f"\n## {self.clock()} {text}\n\n")


class Machine:
    """A root in which things run at the same time, and somebody types."""

    def __init__(self, root, transcript):
        self.root = root
        self.transcript = transcript
        self.init = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh",
             "-c", debian.ENTER, "sh", root.path, "sleep", "infinity"],
            preexec_fn=procs.die_with_parent(signal.SIGKILL))
        # What is mounted there is there once it sleeps.
        procs.wait_for(lambda: children(self.init.pid) and pathlib.Path(
            f"/proc/{children(self.init.pid)[0]}/comm").read_text()
            == "sleep\n", what="the machine")
        self.inside, = children(self.init.pid)

    def close(self):
        self.init.kill()
        self.init.wait()

    def words(self, command, user="anna", folder=None):
        """The words of a command of this user's, from outside."""
        home = "/root" if user == "root" else f"/home/{user}"
        path = "/usr/local/bin:/usr/bin:/bin"
        if user == "root":
            path = "/usr/local/sbin:/usr/sbin:/sbin:" + path
        variables = {
            "HOME": home, "USER": user, "LOGNAME": user, "LC_ALL": "C.UTF-8",
            "TERM": "dumb", "PATH": path, "SHELL": "/bin/sh",
            **{name: value for name, value in os.environ.items()
               if name in ("http_proxy", "https_proxy")}}
        return [shutil.which("nsenter"), f"--target={self.inside}", "--mount",
                "--pid", "--root", f"--wdns={folder or home}", "setpriv",
                f"--reuid={user}", f"--regid={user}", "--init-groups", "env",
                "-i", *[f"{name}={value}" for name, value
                        in variables.items()], "sh", "-c", command]

    def write(self, path, text):
        """Type a file, as an editor would write it."""
        self.type(f"sudo tee {path} >/dev/null <<'END'\n{text}END")

    def count(self, folder):
        return len(os.listdir(self.root.path / "home/anna" / folder))

    @contextlib.contextmanager
    def background(self, command):
        """A command of root's that runs meanwhile."""
        process = subprocess.Popen(
            self.words(command, "root"), stdin=subprocess.DEVNULL)
        try:
            yield
        finally:
            os.kill(children(process.pid)[0], signal.SIGTERM)
            process.wait()

    def quietly(self, command, user="root", expect=0):
        """What a command says that nobody types."""
        return debian.call(*self.words(command, user), expect=expect)

    def status(self, command):
        """How a command of root's ends that nobody types."""
        return subprocess.run(self.words(command, "root"),
                              check=False).returncode

    def begin(self, command, user="anna", folder=None):
        """Start a command at a terminal, and say so."""
        prompt = "#" if user == "root" else "$"
        self.transcript.write(
            f"{self.transcript.clock()} {user}{prompt} {command}\n")
        person = typist.Typist(*self.words(command, user, folder))
        fcntl.ioctl(person.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", *SCREEN, 0, 0))
        return person

    def type(self, command, *answers, says=(), code=0, most=None, **whose):
        """Type a command, and answer its questions; what it said.

        says   patterns that have to be found in that
        most   so many lines of it are enough for the transcript
        """
        person = self.begin(command, **whose)
        for question, answer in answers:
            person.answer(question, answer + "\n", shows=False
                          if "assword" in question else None)
        ended = person.end()
        said = shown(person.seen)
        lines = said.splitlines()
        if most is not None and len(lines) > most:
            lines[most // 2:-(most - most // 2)] = ["..."]
        self.transcript.write("".join(f"      {line}".rstrip() + "\n"
                                      for line in lines))
        if ended != code:
            raise AssertionError(f"{command} ended with {ended}, not {code}:\n"
                                 f"{said[-4000:]}")
        for pattern in [says] if isinstance(says, str) else says:
            if not re.search(pattern, said):
                raise AssertionError(
                    f"{command} does not say {pattern!r}, but:\n{said}")
        return said


class Daemon:
    """evpopd, started by what its unit says: no systemd is there to do it."""

    def __init__(self, machine):
        self.machine = machine
        self.process = None

    def start(self):
        machine = self.machine
        unit = configparser.ConfigParser(
            strict=False, delimiters="=", interpolation=None)
        unit.read(machine.root.path / "usr/lib/systemd/system/evpopd.service")
        unit = unit["Service"]
        if self.process is None:
            machine.quietly("systemd-tmpfiles --create evpopd.conf")
        with open(machine.root.path / "var/log/evpopd.log", "ab") as log:
            self.process = subprocess.Popen(
                machine.words(
                    f"umask {unit['UMask']} && cd /var/lib/evpopd &&"
                    f" exec {unit['ExecStart']}", unit["User"],
                    "/"), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        machine.transcript.write(
            f"{machine.transcript.clock()} (evpopd starts, as its unit says:"
            f" {unit['ExecStart']}, as {unit['User']})\n")
        procs.wait_for(self._answers, what="evpopd")

    def restart(self):
        """As "systemctl restart evpopd" does."""
        self.stop()
        self.start()

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"evpopd ended:\n{self.log()}")
        return self.machine.status(
            "evpopctl status >/dev/null 2>&1") in (0, 1)

    def log(self):
        return (self.machine.root.path / "var/log/evpopd.log").read_text()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            os.kill(children(self.process.pid)[0], signal.SIGTERM)
            if self.process.wait(procs.PATIENCE) != 0:
                raise AssertionError(f"evpopd ended badly:\n{self.log()}")


# ---- the machine, before evpop ----

@contextlib.contextmanager
def providers():
    """Three providers of mail, and the names by which they are found."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(
            stack.enter_context(procs.temporary_folder()))
        authority = certificates.CertificateAuthority(folder / "ca")
        certificate = authority.server(names=[f"DNS:{one}" for one in HOSTS])
        names = stack.enter_context(zone.Zone({}))
        names.records.update(
            {(host, zone.A): [socket.inet_aton(names.address)]
             for host in HOSTS})
        names.records["_pop3s._tcp.example.test", zone.SRV] = [
            zone.srv(995, "pop.example.test")]
        stack.enter_context(autoconfig.web(names.address, certificate, {
            ("autoconfig.shop.test",
             "/mail/config-v1.1.xml?emailaddress=anna%40shop.test"):
            autoconfig.config("shop.test", "mail.shop.test",
                              "%EMAILLOCALPART%")}))
        server = stack.enter_context(maildropd.MaildropServer(
            users=dict.fromkeys(USERS, PASSWORD), certificate=certificate,
            host=names.address, port=110, tls_port=995))
        server.deliver("anna@example.test", [
            message("Bert <bert@example.test>", "Lunch", "At noon?"),
            message("Cleo <cleo@example.test>", "Photos", "Of the lake.")])
        server.deliver("anna", [
            message("shop@shop.test", f"Order {number}", "Thank you.")
            for number in range(1, 4)])
        server.deliver("anna@isp.test", [
            message("old@isp.test", f"Old news {number}", "Read long ago.")
            for number in range(1, 21)])
        yield names, authority, server


def prepare(machine, packages, names, authority):
    """What the newcomer has: sudo, Dovecot, and an mpop that has been used."""
    root = machine.root.path
    machine.root.run("apt-get -q update")
    machine.root.run(
        "apt-get -q -y --no-install-recommends install sudo ca-certificates"
        " mpop acl dovecot-core dovecot-lmtpd;"
        " useradd --create-home --shell /bin/bash --groups sudo anna;"
        " echo 'anna ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/anna")
    shutil.copy(authority.file,
                root / "usr/local/share/ca-certificates/test.crt")
    machine.root.run("update-ca-certificates")
    shutil.copytree(packages, root / "home/anna/evpop/build/package",
                    ignore=shutil.ignore_patterns("*-dbgsym_*"))
    mpoprc = root / "home/anna/.mpoprc"
    mpoprc.touch(0o600)
    mpoprc.write_text(MPOPRC)
    machine.quietly("mkdir -p Mail/cur Mail/new Mail/tmp", "anna")
    machine.root.run("chown -R anna: /home/anna")
    shutil.copy(root / "etc/resolv.conf", root / "etc/resolv.conf.apt")
    hostname = socket.gethostname()
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {hostname}\n")
    ask_zone(machine, names)
    machine.transcript.title("Before: a machine with sudo, Dovecot and mpop")
    machine.type("mpop -q -a && ls Mail/new | wc -l", says="20")


def ask_zone(machine, names):
    """Names are those of the providers, from now on."""
    (machine.root.path / "etc/resolv.conf").write_text(
        f"nameserver {names.address}\noptions attempts:1\n")


# ---- the story ----

def install(machine, daemon, names):
    root = machine.root.path
    shutil.copy(root / "etc/resolv.conf.apt", root / "etc/resolv.conf")
    machine.transcript.start = time.monotonic()
    machine.transcript.title("Installing")
    machine.type("sudo apt install ./build/package/evpopd_*.deb"
                 " ./build/package/evpopctl_*.deb",
                 ("ontinue? [Y/n] ", "y"), most=12,
                 folder="/home/anna/evpop")
    ask_zone(machine, names)
    daemon.start()
    machine.type("sudo evpopctl status", says=r"store +ok|Store +ok")


def first_mail(machine):
    machine.transcript.title("First mail")
    machine.type("sudo evpopctl add anna@example.test",
                 ("Is this the server [Y/n]: ", ""),
                 ("Password of anna@example.test: ", PASSWORD),
                 ("such as 14d [forever]: ", "14d"),
                 ("Fetch the 2 messages that are there [Y/n]: ", "y"),
                 says=("the SRV records of example.test", "ok, 2 fetched"))
    machine.type("sudo evpopctl messages", says="Photos")
    machine.type("sudo evpopctl show 1", says="At noon")
    machine.transcript.title("Another account, by a script")
    machine.type(f"echo {PASSWORD} | sudo evpopctl add anna@shop.test"
                 " --password-fd 0 --yes",
                 says=("the autoconfig file of shop.test", "ok, 3 fetched"))
    machine.type("sudo evpopctl accounts", says="anna@shop.test")


def move(machine, daemon):
    machine.transcript.title("Moving from mpop")
    machine.type("sudo evpopctl import mpop --dry-run",
                 says=("20 unique-ids", r"\[account isp\]"))
    machine.type("sudo evpopctl import mpop",
                 says=("20 unique-ids", "nothing to do", "resume isp",
                       "A Maildir for mutt"))
    # The recipe that it names.
    machine.type("sudo setfacl -m u:evpopd:x /home/anna")
    machine.type("sudo setfacl -R -m u:evpopd:rwX,d:u:evpopd:rwX,d:u:anna:rwX"
                 " /home/anna/Mail")
    daemon.restart()
    machine.type("sudo evpopctl doctor mpop-maildir", says="can be written")
    machine.type("sudo evpopctl resume isp")
    machine.type("sudo evpopctl poll --wait isp", says="nothing new, 20 on")


def new_mail(machine, server):
    machine.transcript.title("New mail, its event, and a search for it")
    watching = machine.begin("sudo evpopctl events")
    # It watches once it has told of another account.
    while "anna@shop.test" not in watching.seen:
        machine.quietly("evpopctl poll --wait anna@shop.test")
        watching.read()
    server.deliver("anna@isp.test", [message(
        "Dora <dora@isp.test>", "The boat", "Its rudder needs varnish.")])
    machine.type("sudo evpopctl poll --wait isp", says="1 fetched")
    machine.type("sudo evpopctl search varnish", says="The boat")
    while not re.search(r"isp: message \d+ stored", watching.seen):
        watching.read()
    os.write(watching.master, b"\x03")
    watching.end()
    machine.transcript.write(
        "      (evpopctl events:)\n" + "".join(
            f"      {line}\n" for line in shown(watching.seen).splitlines()
            if "isp" in line))
    procs.wait_for(lambda: machine.count("Mail/new") == 21,
                   what="delivery to the Maildir")
    machine.type("grep -l varnish Mail/new/* | wc -l", says="1")


def deliver(machine, daemon):
    machine.transcript.title("Delivery to Dovecot, by LMTP")
    recipe = test_recipes.blocks()["Dovecot by LMTP"]
    machine.write("/etc/dovecot/local.conf", recipe[0])
    machine.transcript.write(f"{machine.transcript.clock()}"
                             " (Dovecot starts, as the package has it)\n")
    with machine.background("exec dovecot -F"):
        procs.wait_for(lambda: machine.status(
            "test -S /run/dovecot/lmtp-evpopd") == 0, what="Dovecot")
        machine.write("/etc/evpopd/accounts.d/people.conf", recipe[1].replace(
            "{user}@{domain}", "{user}"))
        account = "anna@example.test"
        machine.type("echo 'deliver = people' | sudo tee -a"
                     f" /etc/evpopd/accounts.d/{account}.conf")
        machine.type("sudo evpopctl reload", says="1 added .people.")
        daemon.restart()
        machine.type("sudo evpopctl doctor people", says="can be delivered")
        machine.type(f"sudo evpopctl deliver --to people --account {account}",
                     says="2")
        procs.wait_for(lambda: len(machine.quietly(
            "doveadm fetch -u anna hdr.subject mailbox INBOX |"
            " grep ^hdr.subject: || true").splitlines()) == 2,
                       what="delivery to Dovecot")
        machine.type("sudo doveadm fetch -u anna hdr.subject mailbox INBOX",
                     says=("Lunch", "Photos"))
        machine.type("sudo evpopctl targets", says="people")
    machine.type("sudo evpopctl status")


def run(packages, transcript):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(tempfile.mkdtemp(
            prefix="evpop-newcomer-", dir="/var/tmp"))
        stack.callback(shutil.rmtree, folder, True)
        archive = debian.make_archive(folder / "root.tar")
        if packages is None:
            packages = debian.make_packages(
                debian.Root(folder / "maker", archive))
        root = debian.Root(folder / "user", archive)
        names, authority, server = stack.enter_context(providers())
        machine = Machine(root, transcript)
        stack.callback(machine.close)
        prepare(machine, packages, names, authority)
        daemon = Daemon(machine)
        stack.callback(daemon.stop)
        install(machine, daemon, names)
        first_mail(machine)
        move(machine, daemon)
        new_mail(machine, server)
        deliver(machine, daemon)
        transcript.title("The end")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite")
    parser.add_argument("--packages", type=pathlib.Path)
    parser.add_argument("--transcript", type=argparse.FileType("w"))
    given = parser.parse_args()
    debian.SUITE = given.suite
    reason = debian.obstacle()
    if reason:
        print(f"skipped: {reason}")
        return debian.SKIPPED
    run(given.packages, Transcript(given.transcript))
    return 0


if __name__ == "__main__":
    sys.exit(main())
