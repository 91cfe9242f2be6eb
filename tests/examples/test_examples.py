#!/usr/bin/env python3
"""The examples do what they say, against the project's own server."""

import os
import pathlib
import re
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from harness import corpus, maildropd, pop3, procs  # noqa: E402

BUILD = pathlib.Path(os.environ["EVPOP_BUILD_DIR"]) / "tests" / "examples"

# What is longer is no example.  Lines of code, that is: not what is empty, a
# comment, a lone brace, or the name of a header.
MOST_LINES = 40
NO_CODE = re.compile(r"\s*(?:[{}]+;?|/\*.*\*/|#include .*)?\s*")


def run(name, *arguments, password="secret", **environment):
    """(exit status, output, errors) of an example."""
    done = procs.run([str(BUILD / f"example_{name}"),
                      *(str(word) for word in arguments)], check=False,
                     text=False, env={**os.environ, "PASSWORD": password,
                                      **environment})
    return done.returncode, done.stdout, done.stderr.decode()


class FetchOneTest(unittest.TestCase):
    def serve(self, messages):
        server = maildropd.MaildropServer(users={"anna": "secret"})
        server.deliver("anna", messages)
        self.enterContext(server)
        return server

    def test_prints_the_maildrop(self):
        messages = corpus.messages(20, 300_000)
        server = self.serve(messages)
        held = pop3.messages(server.host, server.port, "anna", "secret")
        status, output, errors = run(
            "fetch_one", server.host, server.tls_port, "anna",
            SSL_CERT_FILE=str(server.ca_file))
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(output, b"".join(held.values()))
        self.assertEqual(server.count("anna"), 20)

    def test_says_what_is_wrong(self):
        server = self.serve([b"Subject: x\r\n\r\nx\r\n"])
        trusted = {"SSL_CERT_FILE": str(server.ca_file)}
        for arguments, keywords, word in (
                ((server.host, server.tls_port, "anna"), {}, "certificate"),
                ((server.host, server.tls_port, "anna"),
                 {"password": "wrong", **trusted}, ""),
                ((server.host,), trusted, "usage")):
            status, output, errors = run("fetch_one", *arguments, **keywords)
            self.assertNotEqual(status, 0)
            self.assertEqual(output, b"")
            self.assertIn(word, errors)
            self.assertTrue(errors.strip())


class OthersTest(unittest.TestCase):
    """Those that speak to synthetic maildrops, in clear text."""

    def serve(self, accounts, messages, size):
        server = maildropd.MaildropServer(tls=False, synthetic=[
            ("user", "secret", accounts, messages, size)])
        return self.enterContext(server)

    def first(self, server):
        return next(iter(server.messages("user1").values()))

    def test_thousand(self):
        server = self.serve(1000, 3, 2000)
        self.assertEqual(run("thousand", server.host, server.port),
                         (0, b"3000 messages\n", ""))
        sessions = {session for _, session, _, command in server.commands()
                    if command == "QUIT"}
        self.assertEqual(len(sessions), 1000)

    def test_own_sink(self):
        server = self.serve(1, 1, 100_000)
        self.assertEqual(run("own_sink", server.host, server.port),
                         (0, self.first(server), ""))
        status, _, errors = run("own_sink", server.host, server.port,
                                password="wrong")
        self.assertEqual(status, 1)
        self.assertTrue(errors)

    def test_on_poll(self):
        server = self.serve(1, 2, 100_000)
        self.assertEqual(run("on_poll", server.port),
                         (0, self.first(server), ""))
        status, output, errors = run("on_poll", server.port, password="wrong")
        self.assertEqual((status, output), (1, b""))
        self.assertTrue(errors)
        status, _, errors = run("on_poll", server.port, password="a\r\nDELE 1")
        self.assertEqual(status, 2)
        self.assertIn("usage", errors)

    def test_on_poll_needs_no_libevent(self):
        source = (HERE / "on_poll.c").read_text(encoding="utf-8")
        self.assertNotIn("event2", source)


class LengthTest(unittest.TestCase):
    def test_each_is_short(self):
        sources = sorted(HERE.glob("*.c"))
        self.assertEqual(len(sources), 4)
        for path in sources:
            lines = [line for line in
                     path.read_text(encoding="utf-8").splitlines()
                     if not NO_CODE.fullmatch(line)]
            self.assertLess(len(lines), MOST_LINES, path.name)


if __name__ == "__main__":
    unittest.main()
