"""A PostgreSQL server of the test's own, without a port."""

import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess

from . import procs, unpacked


def binaries(root=pathlib.Path("/")):
    """The folder of its programs below a root, or None."""
    found = sorted(root.glob("usr/lib/postgresql/*/bin/initdb"),
                   key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def is_available():
    """Whether it is installed, or unpacked."""
    return bool(binaries() or unpacked.available("postgresql"))


class Server:
    """A cluster in a folder; a context manager that runs it."""

    def __init__(self, folder):
        self.bin = binaries()
        self.environment = {**os.environ, "LC_ALL": "C"}
        if not self.bin:
            # Also another user can read the copy.
            root = folder / "server"
            shutil.copytree(unpacked.folder() / "postgresql" / "usr",
                            root / "usr", symlinks=True)
            self.bin = binaries(root)
            self.environment["LD_LIBRARY_PATH"] = ":".join(sorted(
                {os.fspath(path.parent) for path
                 in (root / "usr" / "lib").glob("*/lib*.so*")}))
        self.folder = folder
        # PostgreSQL does not run as root.
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            folder.chmod(0o755)
        self.data = folder / "data"
        self.data.mkdir(mode=0o700)
        if self.user:
            nobody = pwd.getpwnam(self.user)
            os.chown(self.data, nobody.pw_uid, nobody.pw_gid)

    def command(self, name, *words, **keywords):
        """Run one of its programs as the cluster's owner."""
        return procs.run([self.bin / name, *words], cwd=self.data,
                         user=self.user, env=self.environment, **keywords)

    def __enter__(self):
        self.command("initdb", "--no-sync", "-A", "trust", "-U", "evpop",
                     "--locale=C", "-E", "UTF8", "-D", self.data / "db")
        self.command("pg_ctl", "start", "-w", "-D", self.data / "db",
                     "-l", self.data / "log", "-o",
                     f"-F -k {self.data} -c listen_addresses=''")
        return self

    def __exit__(self, *_):
        with contextlib.suppress(procs.CommandFailed):
            self.command("pg_ctl", "stop", "-m", "immediate", "-D",
                         self.data / "db")

    def run(self, script):
        """Run lines of SQL; {line number: error}."""
        done = subprocess.run(
            [self.bin / "psql", "-X", "-q", "-h", self.data, "-U", "evpop",
             "-f", "-", "postgres"], input=script, text=True, user=self.user,
            env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            timeout=procs.PATIENCE)
        errors = {}
        for line in done.stdout.splitlines():
            place, mark, words = line.partition(": ERROR:  ")
            if mark:
                errors[int(place.rpartition(":")[2])] = words
        if done.returncode != 0:
            raise procs.CommandFailed(done.stdout)
        return errors
