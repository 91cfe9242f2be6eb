"""A program for the NetX POP3 client, unchanged, against a real server.

It is compiled by what pkg-config says of a staged installation.
"""

import base64
import hashlib
import os
import pathlib
import re
import shutil
import tempfile
import unittest

from harness import corpus, dovecot, pop3, procs

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE / "netx_fetch.c"
BUILD = pathlib.Path(os.environ.get("EVPOP_BUILD_DIR", HERE))

# The vendor's limit is 20 octets.
PASSWORD = "s3cret words # more"
MESSAGES = 5

# What the libraries may show.
NETX_NAMES = re.compile(
    r"(?:nx|nxd|tx)_\w+|_nx_ram_network_driver|EVPOP_NETX_\d+"
    r"|evpop_netx_(?:client_create|kernel_enter|thread_sleep)")


def cached(name):
    """What the build was configured with."""
    text = (BUILD / "CMakeCache.txt").read_text()
    found = re.search(rf"(?m)^{name}:\w+=(.*)$", text)
    return found[1] if found else ""


def run(*command, **keywords):
    """What a command says."""
    return procs.run(command, **keywords).stdout


class NetxTest(unittest.TestCase):
    """The program, and what the server says of it."""

    @classmethod
    def setUpClass(cls):
        cls.stage = pathlib.Path(tempfile.mkdtemp(prefix="evpop-netx-"))
        cls.addClassCleanup(shutil.rmtree, cls.stage)
        run(cached("CMAKE_COMMAND"), "--install", BUILD,
            env={**os.environ, "DESTDIR": str(cls.stage)})
        cls.packages, = [path.parent for path in
                         cls.stage.rglob("evpop-netx.pc")]
        cls.libraries = cls.packages.parent
        cls.compiler = [cached("CMAKE_C_COMPILER"), "-Wall", "-Wextra",
                        "-Werror"]
        if cached("EVPOP_SANITIZE"):
            cls.compiler += [f"-fsanitize={cached('EVPOP_SANITIZE')}",
                             "-fno-sanitize-recover=all"]

    def pkg_config(self, *arguments):
        return run("pkg-config", *arguments, env={
            **os.environ, "PKG_CONFIG_SYSROOT_DIR": str(self.stage),
            "PKG_CONFIG_PATH": str(self.packages)}).split()

    def folder(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.stage))
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def compile(self, *options, libraries=None, **definitions):
        """The program, for the server and user of these definitions."""
        program = self.folder() / "fetch"
        definitions = {"SERVER_PORT": 110, "USER": '"anna"', "APOP": 0,
                       "PASSWORD": f'"{PASSWORD}"', **definitions}
        if libraries is None:
            libraries = self.pkg_config("--libs", "evpop-netx")
        run(*self.compiler, *options,
            *(f"-D{name}={value}" for name, value in definitions.items()),
            *self.pkg_config("--cflags", "evpop-netx"), "-o", program,
            PROGRAM, *libraries)
        return program

    def start(self, program, expect=0):
        """What it says; the folder it ran in is the program's own."""
        done = procs.run([program], check=False, cwd=program.parent, env={
            **os.environ, "LD_LIBRARY_PATH": str(self.libraries)})
        self.assertEqual(done.returncode, expect, done)
        self.assertEqual(done.stderr, "")
        return done.stdout


class BuildTest(NetxTest):
    def test_standards(self):
        """From the C that the vendor writes to that of today."""
        for standard in ("c89", "gnu99", "c11", "c17"):
            with self.subTest(standard):
                self.compile(f"-std={standard}", "-pedantic-errors")

    def test_names(self):
        """The vendor's names are in the library made for them only."""
        for library, allowed in (("libevpop-netx.so", NETX_NAMES),
                                 ("libevpop.so", re.compile("(?i)evpop_.*"))):
            said = run("nm", "-D", "--defined-only", self.libraries / library)
            names = [line.split()[-1].partition("@")[0]
                     for line in said.splitlines()]
            self.assertGreater(len(names), 10)
            self.assertEqual([name for name in names
                              if not allowed.fullmatch(name)], [])

    def test_all_is_there(self):
        """Whatever the headers declare can be linked."""
        said = run("nm", "-D", "--defined-only",
                   self.libraries / "libevpop-netx.so")
        there = {line.split()[-1].partition("@")[0]
                 for line in said.splitlines()}
        declared = set()
        for header in self.stage.rglob("evpop-netx/*.h"):
            declared |= set(re.findall(
                r"(?m)^EVPOP_NETX_API [^;(]*?\b(\w+)\(", header.read_text()))
        self.assertGreater(len(declared), 15)
        self.assertEqual(declared - there, set())

    def test_manual(self):
        """The page has every call that a program may make, and every option.
        """
        page, = self.stage.rglob("evpop_netx.3")
        shown = set(re.findall(r"\b(?:Fn|Dv) (\w+)", page.read_text()))
        promised = set()
        for header in self.stage.rglob("evpop-netx/*.h"):
            text = header.read_text()
            promised |= set(re.findall(
                r"(?m)^(?:EVPOP_NETX_API .*?)?\b((?:_nx|nx|nxd|tx)_\w+)\(",
                text))
            promised |= set(re.findall(
                r"(?m)^#ifndef (NX_\w+)$", text))
        self.assertGreater(len(promised), 30)
        self.assertEqual(promised - shown, set())


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class DovecotTest(NetxTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = dovecot.Dovecot(listen="127.0.0.1, ::1", users={
            "anna": PASSWORD, "bert": PASSWORD})
        cls.addClassCleanup(cls.server.stop)
        # APOP needs the password itself, which is not there.
        cls.server.give("users/bert", b"bert:{SHA256}" + base64.b64encode(
            hashlib.sha256(PASSWORD.encode()).digest()) + b"\n")
        cls.server.keep_dialogs()

    def offer(self, mechanisms):
        """Start the server with these mechanisms."""
        self.server.halt()
        self.server.auth_mechanisms = mechanisms
        self.server.start()

    def fetch(self, user="anna", **definitions):
        """Fetch a maildrop; what the program said and what the server heard.
        """
        self.server.deliver(user, corpus.messages(MESSAGES))
        expected = pop3.bodies(self.server.host, self.server.port, user,
                               PASSWORD)
        self.assertEqual(len(expected), MESSAGES)
        self.server.client_lines()
        program = self.compile(SERVER_PORT=self.server.port,
                               USER=f'"{user}"', **definitions)
        said = self.start(program)
        heard = [line for dialog in self.server.client_lines()
                 for line in dialog]
        print(said)
        self.assertEqual(
            [(program.parent / f"item-{number}").read_bytes()
             for number in range(1, MESSAGES + 1)], expected)
        self.assertIn(f"maildrop: {MESSAGES} items, "
                      f"{sum(map(len, expected))} octets\n", said)
        for octets in expected:
            self.assertIn(f"size: {len(octets)}\n", said)
        self.assertEqual(self.server.count(user), 0)
        self.assertIn("problems: 0\n", said)
        return said, heard

    def check_heard(self, heard, *expected):
        """What Dovecot heard until the log-in."""
        self.assertEqual([re.sub("[0-9a-f]{32}", "DIGEST", line)
                          for line in heard],
                         list(expected))

    def test_user_and_pass(self):
        self.offer("plain")
        _, heard = self.fetch()
        self.check_heard(heard, "USER anna", f"PASS {PASSWORD}")

    def test_ipv6(self):
        self.offer("plain apop")
        _, heard = self.fetch(SERVER_IPV6=1)
        self.check_heard(heard, "USER anna", f"PASS {PASSWORD}")
        self.assertIn("rip=::1", self.server.log())
        _, heard = self.fetch(SERVER_IPV6=1, APOP=1)
        self.check_heard(heard, "APOP anna DIGEST")

    def test_apop(self):
        self.offer("plain apop")
        _, heard = self.fetch(APOP="NX_TRUE")
        self.check_heard(heard, "APOP anna DIGEST")

    def test_no_timestamp(self):
        self.offer("plain")
        _, heard = self.fetch(APOP="NX_TRUE")
        self.check_heard(heard, "USER anna", f"PASS {PASSWORD}")

    def test_apop_refused(self):
        self.offer("plain apop")
        _, heard = self.fetch("bert", APOP="NX_TRUE")
        self.check_heard(heard, "APOP bert DIGEST", "USER bert",
                         f"PASS {PASSWORD}")

    def test_one_packet(self):
        """A pool is as small as a program likes."""
        self.offer("plain apop")
        said, _ = self.fetch(PACKETS=1, APOP="NX_TRUE")
        self.assertIn("pool: 1 of 1 packets\n", said)

    def test_static(self):
        """From the archives, and what they stand on."""
        self.offer("plain apop")
        needed = self.pkg_config("--static", "--libs-only-l", "evpop")
        needed.remove("-levpop")
        libraries = [self.libraries / "libevpop-netx.a",
                     self.libraries / "libevpop.a", *needed, "-pthread"]
        self.server.deliver("anna", corpus.messages(2))
        program = self.compile(SERVER_PORT=self.server.port, APOP=1,
                               libraries=libraries)
        self.assertNotIn("libevpop", run("readelf", "-d", program))
        self.assertIn("maildrop: 2 items", self.start(program))
        self.assertEqual(self.server.count("anna"), 0)

    def test_wrong_password(self):
        self.offer("plain apop")
        self.server.deliver("anna", corpus.messages(2))
        for apop in range(2):
            program = self.compile(SERVER_PORT=self.server.port, APOP=apop,
                                   PASSWORD='"wrong"')
            self.assertIn("create: 0xB4\ndelete: 0x00\n",
                          self.start(program, expect=1))
        self.assertEqual(self.server.count("anna"), 2)
        with pop3.connect(self.server.host, self.server.port, "anna",
                          PASSWORD) as connection:
            for number in (1, 2):
                connection.dele(number)

    def test_no_server(self):
        program = self.compile(SERVER_PORT=procs.free_ports(1)[0])
        self.assertIn("create: 0x38\ndelete: 0x00\n",
                      self.start(program, expect=1))


if __name__ == "__main__":
    unittest.main()
