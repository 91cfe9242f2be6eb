"""Carriers of LMTP, against real servers and those that misbehave."""

import base64
import re
import socket
import ssl
import time
import unittest

from harness import (certificates, corpus, cyrus, dovecot, lmtp, procs,
                     scripted, unpacked)

MESSAGE = b"Subject: one\r\n\r\ntext\r\n"
OTHER = b"Subject: two\r\n\r\nother text\r\n"

# What a server may take for the end of a message, or part of a line's end.
AWKWARD = (b"Subject: awkward\r\n\r\n.\r\n..\r\n.one\r\nlone\nfeed\n.\nMAIL "
           b"FROM:<x@example.org>\n.\r\n\r\r\nnull: \x80\xff\r\n.no end")


def key_of(number):
    """The line in front of the message of this number."""
    return b"X-Evpop-Id: %032x.%d\r\n" % (number, number)


def lines_of(octets):
    """As it arrives: each line with CR LF."""
    octets = re.sub(rb"(?<!\r)\n", b"\r\n", octets)
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


class RealTest(unittest.TestCase):
    """Servers that people run."""

    def check_delivered(self, results, count):
        self.assertEqual(lmtp.Carry.outcomes(results),
                         {number: "delivered"
                          for number in range(1, count + 1)}, results)
        for one in results:
            self.assertEqual(one["place"], "anna")
            self.assertRegex(one["answer"], "^250 ")

    def check_dovecot(self, server, carry):
        """Fifty messages and one for nobody; then what it holds."""
        before = server.messages("anna")
        mail = corpus.messages(50, 400_000)
        letters = [carry.letter(octets, "anna") for octets in mail]
        results = carry.run([*letters, carry.letter(MESSAGE, "nobody")])
        refused = results.pop(
            next(i for i, one in enumerate(results) if one["message"] == 51))
        self.assertEqual(refused["outcome"], "refused")
        self.assertIn("550 5.1.1", refused["answer"])
        self.check_delivered(results, 50)
        found = [octets for key, octets in server.messages("anna").items()
                 if key not in before]
        self.assertEqual(
            sorted(octets[octets.index(b"X-Evpop-Id: "):] for octets in found),
            sorted(key_of(number) + lines_of(octets)
                   for number, octets in enumerate(mail, 1)))
        for octets in found:
            self.assertIn(b"Return-Path: <sender@example.net>\r\n", octets)

    @unittest.skipUnless(dovecot.available("lmtp"),
                         "Dovecot is not installed")
    def test_dovecot(self):
        port, = procs.free_ports(1)
        with dovecot.Dovecot(users={"anna": "secret"},
                             config=dovecot.lmtp(port)) as server:
            socket_path = server.folder / "run/lmtp"
            for keys in ({"host": "127.0.0.1", "port": port},
                         {"socket": socket_path},
                         {"host": "localhost", "port": port, "tls": "stls",
                          "tls_ca": server.ca_file}):
                with self.subTest(keys), lmtp.Carry(**keys) as carry:
                    self.check_dovecot(server, carry)
                    probe, = carry.run(probe=True)
                    self.assertEqual(
                        (probe["message"], probe["outcome"]),
                        (0, "delivered"))
                    self.assertRegex(
                        probe["answer"], "Dovecot .* at (127|/tmp).*, "
                        + ("TLSv1.3" if "tls" in keys else "without TLS$"))
            with lmtp.Carry(host="localhost", port=port, tls="stls") as carry:
                self.check_wrong(carry, "sha256:"
                                 + server.certificate.sha256())
            # Somebody else's port.
            with lmtp.Carry(host="localhost", port=server.port) as carry:
                self.check_wrong(carry, r"does not speak LMTP: \+OK")
            socket_gone = server.folder / "run/none"
            with lmtp.Carry(socket=socket_gone) as carry:
                result, = carry.run([carry.letter(MESSAGE)])
                self.assertEqual(result["outcome"], "down")
                self.assertIn(f"{socket_gone}: No such file",
                              result["answer"])

    def check_wrong(self, carry, words):
        for results in (carry.run([carry.letter(MESSAGE, "anna")]),
                        carry.run(probe=True)):
            self.assertEqual([one["outcome"] for one in results], ["wrong"])
            self.assertRegex(results[0]["answer"], words)

    @unittest.skipUnless(unpacked.available("cyrus"), "Cyrus is not there")
    def test_cyrus(self):
        users = {"anna": "secret", cyrus.LMTP_ADMIN: "postal code"}
        with cyrus.Cyrus(users=users) as server:
            mail = corpus.messages(20, 200_000)
            with lmtp.Carry(socket=server.folder / "run/lmtp") as carry:
                results = carry.run([carry.letter(octets, "anna")
                                     for octets in [MESSAGE, *mail]])
                taken = [one for one in results
                         if one["outcome"] == "delivered"]
                # It takes no header that is not quite right.
                for one in results:
                    if one not in taken:
                        self.assertEqual(one["outcome"], "refused")
                        self.assertRegex(one["answer"], "^5[0-9]+ 5.6.0 ")
                self.assertGreater(len(taken), 10)
                self.assertEqual(server.count("anna"), len(taken))
            network = {"host": "localhost", "port": server.lmtp_port,
                       "tls_ca": server.ca_file, "tls": "stls"}
            for mechanism in (None, "PLAIN", "LOGIN", "CRAM-MD5",
                              "SCRAM-SHA-1", "SCRAM-SHA-256"):
                with self.subTest(mechanism), lmtp.Carry(
                        user=cyrus.LMTP_ADMIN, password="postal code",
                        auth=mechanism, **network) as carry:
                    result, = carry.run([carry.letter(MESSAGE, "anna")])
                    self.assertEqual(result["outcome"], "delivered", result)
            with lmtp.Carry(user=cyrus.LMTP_ADMIN, password="wrong",
                            **network) as carry:
                self.check_wrong(carry, "the log-in failed: 5[0-9][0-9] ")
            with lmtp.Carry(**network) as carry:
                result, = carry.run([carry.letter(MESSAGE, "anna")])
                self.assertEqual(result["outcome"], "wrong", result)


class ScriptedTest(unittest.TestCase):
    """Servers that do as they are told."""

    def carried(self, server, letters, **keys):
        """What became of messages, each a tuple of letter()'s."""
        with lmtp.Carry(host="127.0.0.1", port=server.port, **keys) as carry:
            results = carry.run([carry.letter(*one) for one in letters])
        return sorted(results, key=lambda one: one["message"])

    def one(self, answers, letter=(MESSAGE,), **keys):
        """What becomes of a message, and the server."""
        with lmtp.ScriptedLmtp(answers) as server:
            result, = self.carried(server, [letter], **keys)
        return result, server

    def check(self, answers, outcome, words=".", mail=0, **keys):
        result, server = self.one(answers, **keys)
        self.assertEqual(result["outcome"], outcome, result)
        self.assertRegex(result["answer"], words)
        self.assertEqual(len(server.mail), mail)
        return result, server

    def test_octets(self):
        mail = [AWKWARD, b"", b".", b"\r\n", b"no line end", b"\n.\n",
                b"x" * 1_000_000, b".\r\n" * 200_000, b"\n" * 300_000]
        with lmtp.ScriptedLmtp() as server:
            results = self.carried(server, [(octets,) for octets in mail])
        self.assertEqual(len(results), len(mail))
        for number, (octets, came) in enumerate(zip(mail, server.mail), 1):
            self.assertEqual(
                came, ("sender@example.net", "anna@example.org",
                       lines_of(key_of(number) + octets)), number)

    def test_order_and_pipelining(self):
        letters = [(b"Subject: %d\r\n\r\n" % number,) for number in range(30)]
        with lmtp.ScriptedLmtp() as server:
            self.carried(server, letters)
        self.assertEqual(server.connections, 1)
        self.assertEqual([octets.partition(b"\r\n")[2]
                          for _, _, octets in server.mail],
                         [octets for octets, in letters])
        self.assertEqual(
            server.lines[1:4],
            ["MAIL FROM:<sender@example.net> SIZE=62 BODY=8BITMIME",
             "RCPT TO:<anna@example.org>", "DATA"])
        self.assertEqual(server.lines[-1], "QUIT")

    def test_the_next_envelope_does_not_wait(self):
        """MAIL of the second is there before the first is answered."""
        with lmtp.ScriptedLmtp({
                ".": [b"", None],
                "MAIL": [None, b"250 2.0.0 Saved\r\n250 ok\r\n"]}) as server:
            results = self.carried(server, [(MESSAGE,), (OTHER,)])
        self.assertEqual([one["outcome"] for one in results],
                         ["delivered"] * 2)

    def test_without_pipelining(self):
        offer = b"250-test\r\n250 8BITMIME\r\n"
        said = []

        def alone(answer):
            def look(connection, _):
                # Whoever sends ahead has sent more by now.
                connection.setblocking(False)
                try:
                    time.sleep(0.02)
                    said.append(connection.recv(4096, socket.MSG_PEEK))
                except BlockingIOError:
                    pass
                connection.setblocking(True)
                connection.sendall(answer)
                return True
            return look
        with lmtp.ScriptedLmtp({
                "LHLO": alone(offer), "MAIL": alone(b"250 ok\r\n"),
                "RCPT": [alone(b"250 ok\r\n"), alone(b"550 no\r\n"),
                         alone(b"250 ok\r\n")],
                "DATA": alone(b"354 go on\r\n"),
                ".": alone(b"250 ok\r\n")}) as server:
            server.buffering = 0
            results = self.carried(
                server, [(MESSAGE,), (OTHER,), (MESSAGE,)])
        self.assertEqual(said, [])
        self.assertEqual([one["outcome"] for one in results],
                         ["delivered", "refused", "delivered"])
        self.assertEqual([line.split()[0] for line in server.lines],
                         ["LHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT",
                          "RSET", "MAIL", "RCPT", "DATA", "QUIT"])

    def test_answers_for_each(self):
        with lmtp.ScriptedLmtp({
                "RCPT": [None, b"550 5.1.1 nobody of that name\r\n",
                         b"452 4.2.2 over quota\r\n",
                         b"552 5.2.2 mailbox is full\r\n", None],
                "DATA": [None, b"503 5.5.1 no recipients\r\n",
                         b"503 5.5.1 no recipients\r\n",
                         b"503 5.5.1 no recipients\r\n",
                         b"451 4.3.0 not now\r\n", None],
                ".": [None, b"554-5.6.0 it looks\r\n554 5.6.0 strange\r\n",
                      b"451 4.2.0 try again\r\n", None]}) as server:
            results = self.carried(server, [(MESSAGE,)] * 8)
        self.assertEqual(
            [(one["outcome"], one["answer"]) for one in results],
            [("delivered", "250 2.0.0 Saved"),
             ("refused", "550 5.1.1 nobody of that name"),
             ("later", "452 4.2.2 over quota"),
             ("later", "552 5.2.2 mailbox is full"),
             ("later", "451 4.3.0 not now"),
             ("refused", "554 5.6.0 it looks 5.6.0 strange"),
             ("later", "451 4.2.0 try again"),
             ("delivered", "250 2.0.0 Saved")])
        self.assertEqual(server.connections, 1)
        self.assertFalse(any(one["may_be_there"] for one in results))

    def test_data_for_nobody(self):
        """354 though there is no recipient: no message may go there."""
        with lmtp.ScriptedLmtp({"RCPT": [b"550 no\r\n", None]}) as server:
            results = self.carried(server, [(MESSAGE,), (OTHER,)])
        self.assertEqual([one["outcome"] for one in results],
                         ["refused", "delivered"])
        self.assertEqual([octets.partition(b"\r\n")[2]
                          for _, _, octets in server.mail], [OTHER])

    def test_senders(self):
        for sender, offer, expected in (
                ("", None, "<>"), ("a@b", None, "<a@b>"),
                ('"a b"@c', None, '<"a b"@c>'),
                ("a b@c", None, "<>"), ("a@b>\r\nRSET", None, "<>"),
                ("\u00fc@b", None, "<>"),
                ("\u00fc@b", b"SMTPUTF8", "<\u00c3\u00bc@b> SMTPUTF8"),
                ("a@" + "b" * 400, None, "<>")):
            with self.subTest(sender):
                answers = {"LHLO": b"250-test\r\n250-PIPELINING\r\n250 "
                           + (offer or b"X") + b"\r\n"}
                result, server = self.one(answers, (MESSAGE, "anna", sender))
                self.assertEqual(result["outcome"], "delivered")
                self.assertEqual(server.lines[1], "MAIL FROM:" + expected)

    def test_a_sender_that_the_server_does_not_like(self):
        answers = {"MAIL": [b"501 5.5.4 invalid sender\r\n", None],
                   "RCPT": [b"503 no\r\n", None],
                   "DATA": [b"503 no\r\n", None]}
        _, server = self.check(answers, "delivered", mail=1)
        self.assertEqual(server.mail[0][0], "")
        # Once only.
        answers = {one: b"501 5.5.4 no\r\n" for one in ("MAIL", "RCPT",
                                                        "DATA")}
        self.check(answers, "refused", "501 5.5.4 no")

    def test_recipients(self):
        for recipient, words in (
                ("", "no recipient: set deliver_to"),
                ("a b@c", "<a b@c> is no address"),
                ("a>\r\nRSET", r"<a>\?\?RSET> is no address"),
                ("\u00fc@b", "beyond ASCII")):
            with self.subTest(recipient):
                with lmtp.ScriptedLmtp() as server:
                    results = self.carried(
                        server, [(MESSAGE, recipient), (OTHER,)])
                self.assertEqual([one["outcome"] for one in results],
                                 ["refused", "delivered"])
                self.assertRegex(results[0]["answer"], words)
                self.assertEqual(len(server.mail), 1)

    def test_down(self):
        for answers in (
                {"": b"421 4.3.2 shutting down\r\n"},
                {"": b"554 no service\r\n"}, {"": lmtp.hang_up},
                {"LHLO": b"421 4.3.2 no\r\n"}, {"LHLO": b"451 4.3.2 no\r\n"},
                {"LHLO": lmtp.hang_up},
                {"MAIL": b"421 4.3.2 no\r\n"},
                {"MAIL": b"452 4.3.1 disk full\r\n"},
                {"RCPT": b"421 4.3.2 no\r\n"},
                {".": b"421 4.3.2 no\r\n"}):
            with self.subTest(answers), lmtp.ScriptedLmtp(answers) as server:
                results = self.carried(server, [(MESSAGE,), (OTHER,)])
                self.assertEqual({one["outcome"] for one in results},
                                 {"down"}, results)
                self.assertFalse(any(one["may_be_there"] for one in results))
        port, = procs.free_ports(1)
        with lmtp.Carry(host="127.0.0.1", port=port) as carry:
            result, = carry.run([carry.letter(MESSAGE)])
        self.assertEqual(result["outcome"], "down")
        self.assertIn("Connection refused", result["answer"])

    def test_wrong(self):
        for answers, words, keys in (
                ({"LHLO": b"500 5.5.1 what?\r\n"},
                 "does not speak LMTP: 500", {}),
                ({"MAIL": b"530 5.7.0 authentication required\r\n"},
                 "^530 .*; set user and password of the target$", {}),
                ({"": b"* OK IMAP4rev1\r\n"}, "does not speak LMTP", {}),
                ({}, "does not offer STARTTLS", {"tls": "stls"}),
                ({}, "the log-in failed: no way to log in",
                 {"user": "u", "password": "p"})):
            with self.subTest(answers):
                self.check(answers, "wrong", words, **keys)

    def test_no_answer_after_the_message(self):
        result, _ = self.check({".": lmtp.hang_up}, "later",
                               "closed the connection before the answer to "
                               "the message", mail=1)
        self.assertTrue(result["may_be_there"])
        result, _ = self.check({".": scripted.fall_silent(b"")}, "later",
                               "the answer to the message did not come within "
                               "1 s", mail=1, timeout="1s")
        self.assertTrue(result["may_be_there"])

    def test_silence(self):
        for step, words, outcome in (
                ("", "its greeting did not come within 1 s", "down"),
                ("LHLO", "the answer to LHLO did not", "down"),
                ("MAIL", "the answer to MAIL did not", "later"),
                ("DATA", "the answer to DATA did not", "later")):
            with self.subTest(step):
                result, _ = self.check({step: scripted.fall_silent(b"")},
                                       outcome, words, timeout="1s")
                self.assertFalse(result["may_be_there"])

    def test_one_that_is_the_reason_stops_no_other(self):
        """The server falls at one message, always."""
        def fall(connection, line):
            connection.sendall(b"250 ok\r\n")
            return "poison" not in line
        with lmtp.ScriptedLmtp({"RCPT": fall}) as server:
            results = self.carried(server, [
                (MESSAGE,), (MESSAGE, "poison"), (OTHER,), (MESSAGE,)])
        self.assertEqual([one["outcome"] for one in results],
                         ["delivered", "later", "delivered", "delivered"])

    def test_so_many_a_connection(self):
        limit = b"421 4.7.0 enough\r\n"
        for answers in (
                {"MAIL": [None, None, limit, None, limit, None, limit, None]},
                {".": [None, scripted.break_off(b"250 ok\r\n")] * 3}):
            with self.subTest(answers), \
                    lmtp.ScriptedLmtp(answers) as server:
                results = self.carried(server, [(MESSAGE,)] * 5)
                self.assertEqual({one["outcome"] for one in results},
                                 {"delivered"}, results)
                self.assertEqual(len(server.mail), 5)

    def test_unreadable(self):
        with lmtp.ScriptedLmtp() as server, lmtp.Carry(
                host="127.0.0.1", port=server.port) as carry:
            results = carry.run([
                carry.letter(MESSAGE),
                carry.letter(b"x" * 1_000_000, fails=500_000),
                carry.letter(OTHER)])
        self.assertEqual(carry.outcomes(results),
                         {1: "delivered", 2: "unread", 3: "delivered"})
        self.assertEqual(len(server.mail), 2)

    def test_refused_before_its_end(self):
        def early(connection, _):
            connection.sendall(b"354 go on\r\n")
            connection.recv(4096)
            connection.sendall(b"552 5.3.4 too large\r\n")
            time.sleep(0.1)
            return False
        with lmtp.ScriptedLmtp({"DATA": [early, None]}) as server:
            results = self.carried(server, [(b"x" * 20_000_000,), (OTHER,)])
        self.assertEqual([one["outcome"] for one in results],
                         ["refused", "delivered"], results)

    def test_slow(self):
        """A server that reads and writes little at a time."""
        def slow(connection, _):
            for octet in b"250 2.0.0 Saved\r\n":
                connection.sendall(bytes([octet]))
                time.sleep(0.01)
            return True
        self.check({one: slow for one in ("MAIL", "RCPT", ".")}, "delivered",
                   mail=1)

    def test_hostile(self):
        for answers in (
                {"": b"220 " + b"x" * 100_000}, {"": b"\x00" * 100_000},
                {"LHLO": b"250-x\r\n" * 100_000 + b"250 x\r\n"},
                {"MAIL": b"250-x\r\n" * 100_000},
                {"MAIL": b"250 ok\r\n" * 10},
                {"DATA": b"354 a\r\n250 b\r\n250 c\r\n354 d\r\n"},
                {"LHLO": lmtp.OFFER + b"250 ok\r\n" * 1000},
                {"LHLO": b"250-x\r\n251 y\r\n"},
                {"MAIL": b"999 x\r\n"}, {"MAIL": b"\r\n"},
                {"RCPT": b"2500 x\r\n"}):
            with self.subTest(answers), lmtp.ScriptedLmtp(answers) as server:
                results = self.carried(server, [(MESSAGE,)] * 2)
                self.assertEqual(len(results), 2)
                for one in results:
                    self.assertLess(len(one["answer"]), 1200)

    def test_clear_text_behind_starttls(self):
        """What stands behind the answer was not said under TLS."""
        self.check({"LHLO": b"250-x\r\n250 STARTTLS\r\n",
                    "STARTTLS": b"220 go on\r\n250 PIPELINING\r\n"},
                   "wrong", "spoke on in clear text", tls="stls")

    def test_the_password_stays_here(self):
        """Without TLS it goes to this machine, or to nobody."""
        offer = {"LHLO": b"250-test\r\n250 AUTH PLAIN\r\n",
                 "AUTH": b"235 2.7.0 welcome\r\n"}
        _, server = self.check(offer, "delivered", mail=1, user="u",
                               password="p")
        self.assertIn("AUTH PLAIN AHUAcA==", server.lines)

    def test_logging_in(self):
        """Servers that let in, ask on, or refuse, out of turn."""
        keys = {"user": "u", "password": "p"}
        scram = b"250-x\r\n250 AUTH SCRAM-SHA-256 PLAIN\r\n"
        for answer, outcome, words in (
                (b"235 come in\r\n", "wrong", "SCRAM-SHA-256: "),
                (b"334 bm9uc2Vuc2U=\r\n", "wrong", "what\\?"),
                (b"334 " + b"x" * 4000 + b"\r\n", "wrong", "what\\?"),
                (b"454 4.7.0 later\r\n", "down", "454 4.7.0 later"),
                (b"421 closing\r\n", "down", "421 closing"),
                (lmtp.hang_up, "down", "closed the connection before the "
                 "answer to AUTH")):
            with self.subTest(answer):
                self.check({"LHLO": scram, "AUTH": answer}, outcome, words,
                           **keys)
        # One that shows the password does not follow one that does not.
        _, server = self.check(
            {"LHLO": scram, "AUTH": b"535 5.7.8 no\r\n"}, "wrong",
            "the log-in failed: 535 5.7.8 no", **keys)
        self.assertEqual([line.split()[1] for line in server.lines
                          if line.startswith("AUTH")], ["SCRAM-SHA-256"])
        # A token instead, which may have expired.
        xoauth2 = b"250-x\r\n250 AUTH XOAUTH2 PLAIN\r\n"
        token = {"user": "u", "token_command": "echo tok"}
        _, server = self.check(
            {"LHLO": xoauth2, "AUTH": b"235 come in\r\n"}, "delivered",
            mail=1, **token)
        self.assertIn("AUTH XOAUTH2 " + base64.b64encode(
            b"user=u\1auth=Bearer tok\1\1").decode(), server.lines)
        self.check({"LHLO": xoauth2, "AUTH": b"334 " + base64.b64encode(
            b'{"status":"401","schemes":"bearer"}') + b"\r\n",
            "": [None, b"535 5.7.8 no\r\n"]}, "wrong",
            r"log-in failed: 535 5.7.8 no \(.*401", **token)
        self.check({"LHLO": xoauth2}, "wrong", "token_command failed",
                   user="u", token_command="exit 3")
        # 4,000 octets do not fit into a line of AUTH.
        _, server = self.check(
            {"LHLO": b"250 AUTH PLAIN\r\n", "AUTH": b"334 \r\n",
             **{line: b"235 ok\r\n" for line in
                [base64.b64encode(b"\0u\0" + b"p" * 4000).decode()]}},
            "delivered", mail=1, user="u", password="p" * 4000)
        self.assertIn("AUTH PLAIN", server.lines)

    def test_through_a_proxy(self):
        asked = []

        class Proxied(lmtp.ScriptedLmtp):
            """Behind a proxy for HTTP CONNECT."""

            def _serve(self, connection):
                said = b""
                while not said.endswith(b"\r\n\r\n"):
                    said += connection.recv(1)
                asked.append(said.splitlines()[0])
                connection.sendall(b"HTTP/1.1 200 yes\r\n\r\n")
                super()._serve(connection)
        with Proxied() as server, lmtp.Carry(
                host="mail.example.org", port=24, allow_cleartext="yes",
                proxy=f"http://127.0.0.1:{server.port}") as carry:
            result, = carry.run([carry.letter(MESSAGE)])
            self.assertEqual(result["outcome"], "delivered", result)
            # What lies behind a proxy is not this machine.
            carry.keys.update(host="localhost", allow_cleartext="no")
            with self.assertRaisesRegex(
                    procs.CommandFailed, "would show mail to the network"):
                carry.run([carry.letter(MESSAGE)])
        self.assertEqual(
            asked, [b"CONNECT mail.example.org:24 HTTP/1.1"])

    def test_implicit_tls(self):
        with procs.temporary_folder() as folder:
            authority = certificates.CertificateAuthority(folder)
            certificate = authority.server()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)

            class Server(lmtp.ScriptedLmtp):
                """Over TLS."""

                def _serve(self, connection):
                    super()._serve(context.wrap_socket(
                        connection, server_side=True))
            with Server() as server, lmtp.Carry(
                    host="localhost", port=server.port, tls="implicit",
                    tls_ca=authority.file) as carry:
                result, = carry.run([carry.letter(b"x" * 3_000_000)])
            self.assertEqual(result["outcome"], "delivered", result)
            self.assertEqual(len(server.mail), 1)


if __name__ == "__main__":
    unittest.main()
