#!/usr/bin/env python3
"""The examples do what they say, against the project's own server."""

import os
import pathlib
import socket
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from harness import corpus, dovecot, maildropd, pop3, procs  # noqa: E402

BUILD = pathlib.Path(os.environ["EVPOP_BUILD_DIR"]) / "tests" / "examples"

# What has as many lines is no example, whatever is in them.
TOO_MANY_LINES = 40
MOST_COLUMNS = 80


def run(name, *arguments, password="secret", stdin=subprocess.DEVNULL,
        **environment):
    """(exit status, output, errors) of an example."""
    done = procs.run([str(BUILD / f"example_{name}"),
                      *(str(word) for word in arguments)], check=False,
                     text=False, stdin=stdin,
                     env={**os.environ, "PASSWORD": password, **environment})
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


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class MeasureTest(unittest.TestCase):
    def setUp(self):
        self.server = dovecot.Dovecot(users={"anna": "secret"})
        self.server.deliver("anna", corpus.messages(3, 9000))
        self.enterContext(self.server)

    def measure(self, **keywords):
        """Exit status, and the lines that it printed."""
        status, output, errors = run(
            "measure", "localhost", self.server.tls_port, "anna",
            SSL_CERT_FILE=str(self.server.ca_file), **keywords)
        self.assertEqual(errors, "")
        return status, output.decode().splitlines()

    def test_tells_what_everything_took(self):
        status, lines = self.measure()
        self.assertEqual(status, 0)
        steps = [line.split() for line in lines if line.startswith("step ")]
        self.assertEqual([words[1] for words in steps],
                         ["resolve", "connect", "handshake", "greeting",
                          "login"])
        fetched = [line.split() for line in lines
                   if line.startswith("command RETR ")]
        self.assertEqual(len(fetched), 1)
        self.assertEqual(
            int(fetched[0][4]),
            len(next(iter(self.server.messages("anna").values()))))
        session = [line.split() for line in lines
                   if line.startswith("session ")]
        self.assertEqual(len(session), 1)
        took = float(session[0][2])
        # All of it happened within the session, one after the other.
        self.assertLessEqual(sum(float(words[2]) for words in steps[:4]),
                             took)
        for words in steps + fetched + session:
            self.assertEqual(words[-1], "ok", words)
            self.assertGreaterEqual(float(words[2]), 0)
        self.assertIn(", TLSv1.", lines[-2])
        self.assertIn(", no TLS: ok", next(
            line for line in lines if line.startswith("step connect ")))
        self.assertRegex(lines[-1], "^connection .* -> OVER$")

    def test_shows_states_and_lines_without_secrets(self):
        _, lines = self.measure()
        for line in ("connection IDLE -> CONNECTING",
                     "protocol AUTHORIZATION -> TRANSACTION",
                     "protocol TRANSACTION -> UPDATE", "C: RETR 1", "C: QUIT"):
            self.assertEqual(lines.count(line), 1, line)
        self.assertTrue(any(line.startswith("S: +OK") for line in lines))
        self.assertNotIn("secret", "\n".join(lines))

    def test_a_refused_log_in_is_a_step_that_failed(self):
        _, lines = self.measure(password="wrong")
        self.assertTrue(any(line.startswith("step login ") and
                            line.endswith(": auth") for line in lines), lines)
        self.assertFalse(any(line.startswith("command RETR")
                             for line in lines))


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
        status, output, errors = run("thousand", server.host, server.port)
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(
            sorted(output.decode().splitlines()),
            sorted(f"user{number} 3 " for number in range(1, 1001)))
        sessions = {session for _, session, _, command in server.commands()
                    if command == "QUIT"}
        self.assertEqual(len(sessions), 1000)

    def test_thousand_says_what_is_wrong(self):
        server = self.serve(999, 1, 100)
        status, output, _ = run("thousand", server.host, server.port)
        lines = output.decode().splitlines()
        self.assertEqual(len(lines), 1000)
        (failed,) = (line for line in lines
                     if line.startswith("user1000 "))
        self.assertRegex(failed, "^user1000 0 .*[a-z]")
        self.assertEqual(status, 0)

    def test_own_sink(self):
        server = self.serve(1, 1, 100_000)
        self.assertEqual(run("own_sink", server.host, server.port),
                         (0, self.first(server), ""))
        status, _, errors = run("own_sink", server.host, server.port,
                                password="wrong")
        self.assertEqual(status, 1)
        self.assertTrue(errors)

    def on_poll(self, server, *arguments, **keywords):
        with socket.create_connection((server.host, server.port)) as stdin:
            return run("on_poll", *arguments, stdin=stdin, **keywords)

    def test_on_poll(self):
        server = self.serve(1, 2, 100_000)
        self.assertEqual(self.on_poll(server, "user1"),
                         (0, self.first(server), ""))
        status, output, errors = self.on_poll(server, "user1",
                                              password="wrong")
        self.assertEqual((status, output), (1, b""))
        self.assertTrue(errors)

    def test_on_poll_as_its_usage_says(self):
        server = self.serve(1, 2, 100_000)
        program = BUILD / "example_on_poll"
        done = procs.run(
            ["bash", "-c", 'exec "$0" user1 <>"/dev/tcp/$1/$2"', str(program),
             server.host, str(server.port)],
            text=False, env={**os.environ, "PASSWORD": "secret"})
        self.assertEqual(done.stdout, self.first(server))

    def test_usage(self):
        server = self.serve(1, 1, 1000)
        address = server.host, server.port
        for status, _, errors in (
                run("thousand"), run("own_sink"),
                run("thousand", *address, password="a\r\nDELE 1"),
                run("own_sink", *address, password="a\r\nDELE 1"),
                self.on_poll(server),
                self.on_poll(server, "user1", password="a\r\nDELE 1")):
            self.assertEqual(status, 2)
            self.assertIn("usage", errors)

    def test_on_poll_needs_no_libevent(self):
        source = (HERE / "on_poll.c").read_text(encoding="utf-8")
        self.assertNotIn("event2", source)


class LengthTest(unittest.TestCase):
    def test_each_is_short(self):
        sources = sorted(HERE.glob("*.c"))
        self.assertEqual(len(sources), 5)
        for path in sources:
            lines = path.read_text(encoding="utf-8").splitlines()
            self.assertLess(len(lines), TOO_MANY_LINES, path.name)
            self.assertLessEqual(
                max(len(line.expandtabs(8)) for line in lines), MOST_COLUMNS,
                path.name)


if __name__ == "__main__":
    unittest.main()
