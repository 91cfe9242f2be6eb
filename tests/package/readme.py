#!/usr/bin/env python3
"""The README's program, built as the README says, against what is installed.

usage: readme.py CONFIGURATION [unittest argument ...]

The configuration is that of package.py.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

import package

TESTS = pathlib.Path(__file__).resolve().parent.parent
README = TESTS.parent / "README.md"
sys.path.insert(0, str(TESTS / "integration"))

from harness import corpus, maildropd  # noqa: E402

# Empty ones do not count.
MOST_LINES = 20


def blocks():
    """The README's code blocks, without their indentation."""
    text = README.read_text(encoding="utf-8")
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.M):
        yield re.sub(r"(?m)^    ", "", block).strip("\n") + "\n"


class ReadmeTest(package.PackageTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program, = (block for block in blocks() if "int main(" in block)
        commands, = (block for block in blocks() if block.startswith("cc "))
        cls.build, cls.call = commands.splitlines()

    def environment(self, **more):
        """Where the staged library is found, in building and in running."""
        library = self.staged(package.WHERE["library"])
        return {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(self.stage),
                "PKG_CONFIG_PATH": str(library / "pkgconfig"),
                "LD_LIBRARY_PATH": str(library), **more}

    def built(self):
        folder = self.folder("readme")
        (folder / "fetch.c").write_text(self.program, encoding="utf-8")
        package.run("sh", "-e", "-c", self.build, cwd=folder,
                    env=self.environment())
        return folder

    def fetch(self, server, folder, **changes):
        """Run it as the README does, but for the names."""
        self.assertEqual(self.call, "PASSWORD=secret ./fetch pop.example.org "
                                    "995 alice")
        call = self.call.replace("pop.example.org", server.host)
        call = call.replace(" 995 ", f" {server.tls_port} ")
        for old, new in changes.items():
            call = call.replace(old, new)
        return subprocess.run(
            ["sh", "-c", call], cwd=folder, timeout=300, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(SSL_CERT_FILE=str(server.ca_file)))

    def test_prints_a_maildrop(self):
        folder = self.built()
        with maildropd.MaildropServer(users={"alice": "secret"}) as server:
            server.deliver("alice", corpus.messages(10, 200_000))
            held = b"".join(server.messages("alice").values())
            done = self.fetch(server, folder)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(done.stdout, held)
            refused = self.fetch(server, folder, secret="wrong")
            self.assertEqual((refused.returncode, refused.stdout), (1, b""))
            self.assertTrue(refused.stderr)

    def test_is_short(self):
        lines = [line for line in self.program.splitlines() if line.strip()]
        self.assertLessEqual(len(lines), MOST_LINES)


if __name__ == "__main__":
    package.WHERE.update(
        json.loads(pathlib.Path(sys.argv.pop(1)).read_text()))
    os.environ["EVPOP_BUILD_DIR"] = package.WHERE["build"]
    unittest.main()
