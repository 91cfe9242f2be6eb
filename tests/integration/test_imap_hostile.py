"""What refusals of IMAP servers mean, and servers that say what they like."""

import base64
import re
import socket
import unittest

from harness import imap_server
from harness.imap_server import (MESSAGE, OTHER, PLAIN, Carry, ScriptedCase,
                                 ScriptedImap, fall_silent, kept, say)


class RefusedTest(ScriptedCase):
    """What refusals mean."""

    def test_messages(self):
        for words, outcome in (
                (b"NO [OVERQUOTA] Not enough disk space", "later"),
                (b"NO Quota exceeded (mailbox for user is full)", "later"),
                (b"NO [SERVERBUG] Internal error occurred.", "later"),
                (b"NO [INUSE] Mailbox in use", "later"),
                (b"NO who knows", "later"),
                (b"NO [TOOBIG] Message size 40 exceeds 30", "refused"),
                (b"NO [CANNOT] never", "refused"),
                (b"NO Message contains bare newlines", "refused"),
                (b"NO Message size exceeds fixed maximum message size",
                 "refused"),
                (b"BAD Command Argument Error. 11", "refused"),
                # Gmail.
                (b"NO [OVERQUOTA] Account exceeded command or bandwidth "
                 b"limits. (Failure)", "down"),
                (b"NO [THROTTLED] Account exceeded bandwidth", "down"),
                # Outlook.
                (b"BAD User is authenticated but not connected.", "down"),
                (b"NO [UNAVAILABLE] try another time", "down"),
                (b"NO [CONTACTADMIN] ask them", "wrong")):
            with self.subTest(words):
                self.check(
                    ScriptedImap(answers={
                        "stored": say(b"TAG " + words + b"\r\n")}),
                    outcome, re.escape(words.decode().partition(" ")[2]))

    def test_back_off(self):
        result, = self.check(ScriptedImap(answers={
            "stored": say(b"TAG BAD Request is throttled. Suggested Backoff "
                          b"Time: 299961 milliseconds\r\n")}), "down")
        self.assertEqual(result["retry_after"], 299961)

    def test_before_it_is_sent(self):
        """A server that is asked first."""
        for offer in (PLAIN, imap_server.DOVECOT):
            server = ScriptedImap(offer, answers={
                "APPEND": say(b"TAG NO [OVERQUOTA] full\r\n")})
            self.check(server, "later", r"^\[OVERQUOTA\] full$",
                       b"x" * 300_000, b"y" * 300_000)
            self.assertEqual(server.connections, 1)

    def test_while_it_is_sent(self):
        """The rest of a message is not taken for a command."""
        mail = [b"%d" % number * 250_000 for number in range(10)]
        server = ScriptedImap(answers={"early": [
            say(b"TAG NO [OVERQUOTA] full\r\n")]})
        self.check(server, "delivered", ".", *mail)
        self.assertEqual(sorted(server.bodies()), sorted(
            kept(number, octets) for number, octets in enumerate(mail, 1)))

    def test_log_in(self):
        for words, outcome in (
                (b"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
                 "wrong"),
                (b"NO [ALERT] Application-specific password required: "
                 b"https://support.google.com/accounts/answer/185833 "
                 b"(Failure)", "wrong"),
                (b"NO [ALERT] Please log in via your web browser", "wrong"),
                (b"NO LOGIN failed.", "wrong"),
                (b"NO [ALERT] Too many simultaneous connections. (Failure)",
                 "down"),
                (b"NO [UNAVAILABLE] Temporary authentication failure.",
                 "down"),
                (b"NO [LIMIT] too often", "down"),
                (b"NO Server busy, try again later", "down")):
            with self.subTest(words):
                server = ScriptedImap(answers={
                    "AUTHENTICATE": say(b"TAG " + words + b"\r\n"),
                    "LOGIN": say(b"TAG " + words + b"\r\n")})
                self.check(server, outcome, 'log-in of user "anna" failed: .*'
                           + re.escape(words.decode().partition(" ")[2]))

    def test_no_way_to_log_in(self):
        server = ScriptedImap("IMAP4rev1 LOGINDISABLED")
        self.check(server, "wrong", "log-in")
        self.assertNotIn("secret", "".join(server.lines))

    def test_token(self):
        """As Gmail and Outlook want it; what they say in JSON is told."""
        keys = {"password": None, "auth": None,
                "token_command": "printf token"}
        offer = "IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=PLAIN"
        server = ScriptedImap(offer, answers={
            "AUTHENTICATE": say(b"TAG OK [CAPABILITY IMAP4rev1] hi\r\n")})
        self.check(server, "delivered", keys=keys)
        self.assertIn(
            "AUTHENTICATE XOAUTH2 " + base64.b64encode(
                b"user=anna\1auth=Bearer token\1\1").decode(),
            [line.partition(" ")[2] for line in server.lines])

        def refuse(connection, tag):
            connection.sendall(b"+ " + base64.b64encode(
                b'{"status":"400","schemes":"Bearer"}') + b"\r\n")
            # It is acknowledged by an empty line.
            if connection.recv(2, socket.MSG_WAITALL) == b"\r\n":
                connection.sendall(
                    f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode())
        server = ScriptedImap(offer, answers={"AUTHENTICATE": refuse})
        self.check(server, "wrong", "no.*400", keys=keys)

    def test_plain_log_in(self):
        """Where the server has no SASL; what cannot be quoted, too."""
        for user in ("anna", 'an"na\\', "änna"):
            server = ScriptedImap("IMAP4rev1 LITERAL+")
            self.check(server, "delivered", keys={"user": user})
            self.assertEqual(server.user, user)
        self.check(ScriptedImap(PLAIN), "wrong", "beyond ASCII",
                   keys={"user": "änna"})

    def test_tls_is_wanted(self):
        stls = {"tls": "stls"}
        self.check(ScriptedImap(), "wrong", "does not offer STARTTLS",
                   keys=stls)
        self.check(ScriptedImap(answers={"": say(
            b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome\r\n")}),
            "wrong", "STARTTLS", keys=stls)
        offer = "IMAP4rev1 STARTTLS AUTH=PLAIN"
        self.check(ScriptedImap(offer, answers={"STARTTLS": say(
            b"TAG NO not today\r\n")}), "down", "not today", keys=stls)
        # What comes behind it is nobody's.
        server = ScriptedImap(offer, answers={"STARTTLS": say(
            b"TAG OK begin\r\n* CAPABILITY AUTH=PLAIN\r\n")})
        with server:
            result, = self.carried(server, MESSAGE, keys=stls)
        self.assertIn(result["outcome"], ("down", "wrong"))
        self.assertNotIn("AUTHENTICATE", "".join(server.lines))

    def test_let_in(self):
        server = ScriptedImap(answers={"": say(b"* PREAUTH welcome\r\n")})
        self.check(server, "delivered")
        self.assertNotIn("AUTHENTICATE", "".join(server.lines))


class HostileTest(ScriptedCase):
    """Servers that say what they like."""

    def test_words(self):
        """Whatever comes is bounded, and the message waits."""
        flood = b"x" * 100_000
        for key, octets in (
                ("", b"* BYE go away\r\n"),
                ("", flood),
                ("CAPABILITY", b"TAG NO\r\n"),
                ("NAMESPACE", b"e99 OK wrong tag\r\n"),
                ("NAMESPACE", b"* NAMESPACE {4294967295}\r\n"),
                ("NAMESPACE", b"* NAMESPACE {99999999999999999999}\r\n"),
                ("NAMESPACE", b"* X {60000}\r\n" + flood + b"\r\n"),
                ("NAMESPACE", b"* X {0}\r\n" * 10_000),
                ("STATUS", b"* STATUS INBOX (UIDVALIDITY 1\r\nTAG YES\r\n"),
                ("STATUS", b"\r\n"),
                ("APPEND", b"TAG OK I have it\r\n")):
            with self.subTest(key=key, octets=octets[:40]):
                server = ScriptedImap("IMAP4rev1 NAMESPACE", answers={
                    key: say(octets, end=True)})
                if key == "CAPABILITY":
                    server.answers[""] = say(b"* OK ready\r\n")
                with server:
                    result, = self.carried(server, b"x" * 300_000)
                self.assertIn(result["outcome"], ("down", "later"), result)
                self.assertFalse(result["may_be_there"])
                self.assertRegex(result["answer"], "^[ -~]{8,}$")

    def test_not_imap(self):
        for greeting in (b"+OK POP3 ready\r\n", b"220 mail ESMTP\r\n",
                         b"\0\xff\r\n", b"* 5 EXISTS\r\n", b"* NO\r\n",
                         b"HTTP/1.1 400 Bad Request\r\n"):
            self.check(ScriptedImap(answers={"": say(greeting)}), "wrong",
                       "IMAP.* is that the right port")

    def test_strange_names(self):
        """Namespaces that make no sense are none."""
        for words in ('((("', '(("a\\"b" "/")) NIL NIL', "NIL",
                      '((' + '"x' * 200 + '" "/")) NIL NIL'):
            self.check(ScriptedImap(namespace=words), "delivered",
                       folder="New")

    def test_answers_without_end(self):
        """A server that talks on is left when the answer is due."""
        def talk_on(connection, tag):
            while True:
                connection.sendall(b"* 1 EXISTS\r\n" * 1000)
        self.check(ScriptedImap(answers={"STATUS": talk_on}), "down",
                   "lines|within", keys={"timeout": "3s"})

    def test_silence(self):
        for key, words in (("", "greeting"), ("AUTHENTICATE", "AUTHENTICATE"),
                           ("STATUS", "STATUS"), ("literal", "APPEND")):
            with self.subTest(key):
                server = ScriptedImap(answers={key: fall_silent})
                with server:
                    result, = self.carried(server, MESSAGE,
                                           keys={"timeout": "1s"})
                self.assertIn(result["outcome"], ("down", "later"), result)
                self.assertRegex(result["answer"], words)

    def test_many_uids(self):
        """APPENDUID that is not of these messages says nothing."""
        for data in (b"1000 1:4294967295", b"1000 7:8,9", b"0 1", b"x",
                     b"1000 0"):
            server = ScriptedImap(answers={"stored": say(
                b"TAG OK [APPENDUID " + data + b"] done\r\n")})
            result, = self.check(server, "delivered", "done")
            self.assertEqual(result["place"], "INBOX")

    def test_nobody(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with Carry(host="127.0.0.1", port=port, tls="none") as carry:
            result, = carry.bring(MESSAGE)
        self.assertEqual(result["outcome"], "down")

    def test_unreadable(self):
        """A message that our store does not give ends no others."""
        with ScriptedImap(PLAIN) as server:
            with Carry(host="127.0.0.1", port=server.port,
                       tls="none") as carry:
                results = carry.run([
                    carry.letter(MESSAGE, folder=""),
                    carry.letter(b"x" * 600_000, folder="", fails=300_000),
                    carry.letter(OTHER, folder="")])
        self.assertEqual(carry.outcomes(results), {
            1: "delivered", 2: "unread", 3: "delivered"})
        self.assertEqual(server.bodies(), [kept(1, MESSAGE), kept(3, OTHER)])


if __name__ == "__main__":
    unittest.main()
