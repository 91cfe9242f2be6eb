"""Carriers of IMAP, against real servers and those that misbehave."""

import re
import unittest

from harness import corpus, cyrus, dovecot, imap, imap_server, unpacked
from harness.imap_server import (GMAIL, MESSAGE, OTHER, PLAIN, Carry,
                                 ScriptedCase, ScriptedImap, hang_up, kept, say)

# What carriers are told of all messages: 1 January 2026.
DATE = " 1-Jan-2026 00:00:00 +0000"


def as_kept(server, octets):
    """As a server has it afterwards.

    Dovecot keeps lines in files with LF, Cyrus no header beyond ASCII.
    """
    octets = re.sub(rb"\r?\n", b"\r\n", octets)
    if isinstance(server, cyrus.Cyrus):
        header, end, body = octets.partition(b"\r\n\r\n")
        octets = re.sub(rb"[\x80-\xff]", b"X", header) + end + body
    return octets


class RealTest(unittest.TestCase):
    """Servers that people run."""

    def check_delivered(self, results, count):
        self.assertEqual(
            Carry.outcomes(results),
            {number: "delivered" for number in range(1, count + 1)}, results)

    def check_folder(self, server, folder, mail):
        found = imap.messages(server, "anna", folder)
        self.assertEqual(
            [one.octets for one in found],
            [as_kept(server, kept(number, octets))
             for number, octets in enumerate(mail, 1)])
        for one in found:
            self.assertEqual(one.flags - {"\\Recent"}, set())
            self.assertEqual(one.date.replace(" ", "0", 1)
                             if one.date[0] == " " else one.date,
                             DATE.replace(" ", "0", 1))

    def acceptable(self, server):
        """Messages that the server takes: Cyrus has its rules for headers."""
        mail = [octets.replace(b"\0", b"") for octets in
                corpus.messages(50, 400_000)]
        with Carry(host="127.0.0.1", port=server.imap_port, tls="none",
                   folder="Trial") as carry:
            results = carry.bring(*mail, folder="Trial")
        for one in results:
            if one["outcome"] != "delivered":
                self.assertEqual(
                    (one["outcome"], one["answer"]),
                    ("refused", "Message contains invalid header"))
        taken = [mail[one["message"] - 1] for one in results
                 if one["outcome"] == "delivered"]
        self.assertGreater(len(taken), 32)
        return taken

    def check_twice(self, server, mail, keys, folder, there):
        """A crowd of messages is there once, also when it comes again."""
        with Carry(folder=folder, **keys) as carry:
            results = carry.bring(*mail, folder=folder)
            self.check_delivered(results, len(mail))
            for number, one in enumerate(results, 1):
                self.assertEqual(one["place"],
                                 f"{folder or 'INBOX'}, UID {number}")
            self.check_folder(server, there, mail)
        # The answer was lost.
        notes = [one["note"] for one in results]
        with Carry(folder=folder, **keys) as carry:
            letters = [carry.letter(octets, folder=folder, note=note)
                       for octets, note in zip(mail, notes)]
            again = sorted(carry.run(letters), key=lambda one: one["message"])
        self.check_delivered(again, len(mail))
        self.assertEqual([one["place"] for one in again],
                         [one["place"] for one in results])
        self.check_folder(server, there, mail)
        # The folder is another one than it was then.
        with Carry(folder=folder, **keys) as carry:
            again = carry.bring(*mail[:3], folder=folder,
                                note=f"imap 7 1 0 {folder}")
        self.assertEqual([one["place"] for one in again],
                         [one["place"] for one in results[:3]])
        self.check_folder(server, there, mail)

    def check_probe(self, keys, folder, words):
        with Carry(folder=folder, **keys) as carry:
            probe, = carry.run(probe=True)
        self.assertEqual((probe["message"], probe["outcome"]),
                         (0, "delivered"), probe)
        self.assertRegex(probe["answer"], words)

    def check_wrong(self, keys, words):
        with Carry(**keys) as carry:
            for results in (carry.bring(MESSAGE), carry.run(probe=True)):
                self.assertEqual([one["outcome"] for one in results],
                                 ["wrong"], results)
                self.assertRegex(results[0]["answer"], words)

    def check_server(self, server, delimiter, mechanisms):
        ways = {"none": {"host": "127.0.0.1", "port": server.imap_port,
                         "tls": "none"},
                "stls": {"host": "localhost", "port": server.imap_port,
                         "tls": "stls", "tls_ca": server.ca_file},
                "implicit": {"host": "localhost",
                             "port": server.imap_tls_port, "tls": "implicit",
                             "tls_ca": server.ca_file}}
        mail = self.acceptable(server)
        self.check_twice(server, mail, ways["none"], "", "INBOX")
        name = "Post/Jänner & “Cie”"
        self.check_probe(ways["stls"], name, "first message will make")
        self.check_twice(server, mail, ways["stls"], name,
                         name.replace("/", delimiter))
        self.check_probe(ways["stls"], name, "the folder is there")
        self.assertIn("Post" + delimiter + "J&AOQ-nner &- &IBw-Cie&IB0-",
                      imap.folders(server, "anna", subscribed=True))
        self.check_twice(server, mail, ways["implicit"], "Other", "Other")
        for mechanism in mechanisms:
            with self.subTest(mechanism):
                self.check_probe({**ways["stls"], "auth": mechanism}, "",
                                 "the folder is there")
        self.check_wrong({**ways["stls"], "password": "wrong"},
                         'log-in of user "anna" failed: ')
        self.check_wrong({**ways["stls"], "tls_ca": None},
                         "certificate|sha256:")
        # Somebody else's port.
        self.check_wrong({**ways["none"], "port": server.port},
                         r'does not speak IMAP: it greets with "\+OK')

    @unittest.skipUnless(dovecot.available("imap"), "Dovecot is not installed")
    def test_dovecot(self):
        with dovecot.Dovecot(users={"anna": "secret"}, imap=True,
                             auth_mechanisms="plain login cram-md5") as server:
            self.check_server(server, ".", ["PLAIN", "LOGIN", "CRAM-MD5"])

    @unittest.skipUnless(unpacked.available("cyrus") and
                         cyrus.Cyrus.has_imap(), "Cyrus is not there")
    def test_cyrus(self):
        with cyrus.Cyrus(users={"anna": "secret"}) as server:
            self.check_server(server, "/", [
                "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
            # It says why it does not take one, and others go on.
            with Carry(host="127.0.0.1", port=server.imap_port,
                       tls="none", folder="Some") as carry:
                results = carry.bring(
                    MESSAGE, b"Subject: a\0b\r\n\r\n", OTHER, folder="Some")
            self.assertEqual([one["outcome"] for one in results],
                             ["delivered", "refused", "delivered"])
            self.assertIn("NUL", results[1]["answer"])
            self.assertEqual(
                [one.octets for one in imap.messages(server, "anna", "Some")],
                [kept(1, MESSAGE), kept(3, OTHER)])


class ManyTest(ScriptedCase):
    """How messages travel."""

    def test_together(self):
        mail = [b"Subject: %d\r\n\r\n" % number for number in range(40)]
        server = ScriptedImap()
        self.check(server, "delivered", "completed", *mail)
        self.assertEqual(server.bodies(), [
            kept(number, octets) for number, octets in enumerate(mail, 1)])
        self.assertEqual(server.connections, 1)
        self.assertEqual(
            len([line for line in server.lines if " APPEND " in line]), 2)
        self.assertEqual({date for _, date, _ in
                          server.folders["INBOX"].messages}, {DATE})
        self.assertRegex(server.lines[-1], "^e[0-9]+ LOGOUT$")

    def test_large_ones_go_alone(self):
        """A server is asked before it gets one of them."""
        mail = [MESSAGE, b"x" * 300_000, OTHER]
        server = ScriptedImap()
        self.check(server, "delivered", ".", *mail)
        self.assertEqual(sorted(server.bodies()), sorted(
            kept(number, octets) for number, octets in enumerate(mail, 1)))
        appends = [line for line in server.lines if line.endswith("}")
                   or line.endswith("+}")]
        self.assertEqual(sum(line.endswith("{300048}")
                             for line in appends), 1, appends)

    def test_as_gmail(self):
        """Small ones at once, larger ones when asked, the largest never."""
        server = ScriptedImap(GMAIL.replace("35651584", "100000"))
        mail = [MESSAGE, b"y" * 5000, b"z" * 100_000]
        with server:
            results = self.carried(server, *mail)
        self.assertEqual([one["outcome"] for one in results],
                         ["delivered", "delivered", "refused"])
        self.assertEqual(results[2]["answer"], "It has 100048 bytes; the "
                         "server takes 100000 at most")
        self.assertEqual(server.bodies(), [kept(1, MESSAGE),
                                           kept(2, b"y" * 5000)])
        literals = [re.search(r"\{.*", line)[0] for line in server.lines
                    if "{" in line]
        self.assertEqual(literals, ["{70+}", "{5048}"])
        self.assertIn('ID ("name" "evpopd")',
                      [line.partition(" ")[2] for line in server.lines])

    def test_as_little_as_possible(self):
        """A server of IMAP4rev1 and nothing else."""
        server = ScriptedImap(PLAIN)
        mail = [MESSAGE, b"x" * 1_000_000, b"", OTHER]
        results = self.check(server, "delivered", ".", *mail)
        self.assertEqual(server.bodies(), [
            kept(number, octets) for number, octets in enumerate(mail, 1)])
        self.assertEqual({one["place"] for one in results}, {"INBOX"})

    def test_folders(self):
        """Each message goes to the folder of its account."""
        names = [f"Of {number % 5}" for number in range(30)]
        with ScriptedImap(folders=("INBOX", "Of 3")) as server:
            with Carry(host="127.0.0.1", port=server.port, tls="none",
                       folder="Of {account}") as carry:
                results = carry.run([carry.letter(MESSAGE, folder=name)
                                     for name in names])
        self.assertEqual({one["outcome"] for one in results}, {"delivered"})
        self.assertEqual({name: len(folder.messages) for name, folder
                          in server.folders.items()},
                         {"INBOX": 0, **{f"Of {n}": 6 for n in range(5)}})
        self.assertEqual(sorted(server.subscribed),
                         ["Of 0", "Of 1", "Of 2", "Of 4"])

    def test_namespace(self):
        server = ScriptedImap(
            namespace='(("INBOX." ".")) (("user." ".")) NIL')
        self.check(server, "delivered", folder="Archive/2026")
        self.assertIn("INBOX.Archive.2026", server.folders)

    def test_folder_vanishes(self):
        """The server says so when a message comes."""
        server = ScriptedImap(answers={
            "STATUS": say(b'* STATUS "New" (UIDNEXT 1 UIDVALIDITY 1)\r\n'
                          b"TAG OK done\r\n")})
        self.check(server, "delivered", folder="New")
        self.assertEqual(len(server.bodies("New")), 1)

    def test_folder_cannot_be(self):
        no = say(b"TAG NO [CANNOT] Invalid mailbox name\r\n")
        for folder, outcome in (("New", "wrong"), ("{account}", "later")):
            with ScriptedImap(answers={"CREATE": no}) as server:
                result, = self.carried(server, MESSAGE, folder="New",
                                       keys={"folder": folder})
            self.assertEqual(result["outcome"], outcome)
            self.assertIn('folder "New": [CANNOT] Invalid mailbox name',
                          result["answer"])

    def test_one_is_refused(self):
        """Those that came along are delivered."""
        server = ScriptedImap()
        usual = server.told

        def told(key):
            if key == "stored":
                folder = server.folders["INBOX"]
                count = told.count
                told.count = len(folder.messages)
                if any(b"virus" in octets for _, _, octets
                       in folder.messages[count:]):
                    del folder.messages[count:]
                    told.count = count
                    return say(b"TAG NO [CANNOT] Message contains a virus\r\n")
            return usual(key)
        told.count = 0
        server.told = told
        with server:
            results = self.carried(
                server, MESSAGE, b"Subject: virus\r\n\r\n", OTHER)
        self.assertEqual([one["outcome"] for one in results],
                         ["delivered", "refused", "delivered"])
        self.assertEqual(sorted(server.bodies()),
                         sorted([kept(1, MESSAGE), kept(3, OTHER)]))


class AgainTest(ScriptedCase):
    """Attempts whose end is not known."""

    def check_again(self, server, first, messages=(MESSAGE,), count=None,
                    may_be_there=None):
        """Two attempts, and each message is there once."""
        with server:
            results = self.carried(server, *messages)
            for one in results:
                self.assertEqual(one["outcome"], first, one)
                if may_be_there is not None:
                    self.assertEqual(one["may_be_there"], may_be_there)
            if count is not None:
                self.assertEqual(len(server.bodies()), count)
            for one, octets in zip(results, messages):
                with Carry(host="127.0.0.1", port=server.port,
                           tls="none") as carry:
                    carry._count = one["message"] - 1
                    letter = carry.letter(octets, folder="",
                                          note=one.get("note", ""))
                    # Of the number that it had.
                    filler = [carry.letter(b"", folder="Filler")
                              for _ in range(one["message"] - 1)]
                    again = carry.run([*filler, letter])
                self.assertEqual(again[-1]["outcome"], "delivered", again)
            self.assertEqual(
                sorted(server.bodies()),
                sorted(kept(number, octets)
                       for number, octets in enumerate(messages, 1)))

    def test_answer_lost(self):
        self.check_again(ScriptedImap(answers={"stored": [hang_up]}), "later",
                         (MESSAGE, OTHER), 2, True)

    def test_answer_lost_without_uids(self):
        self.check_again(ScriptedImap(PLAIN, answers={"stored": [hang_up]}),
                         "later", count=1, may_be_there=True)

    def test_message_lost(self):
        """All was sent, and is not there."""
        self.check_again(ScriptedImap(answers={"literal": [hang_up]}),
                         "later", count=0)

    def test_half_sent(self):
        def half(connection, tag):
            connection.sendall(b"+ go on\r\n")
            connection.recv(100)
            raise imap_server.HangUp
        self.check_again(
            ScriptedImap(answers={"APPEND": [half]}), "later",
            (b"x" * 20_000_000,), 0, False)

    def test_server_takes_its_time(self):
        """It keeps the message behind our back, while we look."""
        server = ScriptedImap()
        server.answers["literal"] = [imap_server.slowly(
            1, server.folders["INBOX"], kept(1, MESSAGE))]
        self.check_again(server, "later", count=0)

    def test_folder_made_anew(self):
        """What was noted of it means nothing any more."""
        server = ScriptedImap(answers={"stored": [hang_up]})
        with server:
            first, = self.carried(server, MESSAGE)
            folder = server.folders["INBOX"]
            folder.validity += 1
            again, = self.carried(server, MESSAGE, note=first["note"])
            self.assertEqual(again["place"], "INBOX, UID 1")
            self.assertEqual(len(folder.messages), 1)
            folder.messages.clear()
            again, = self.carried(server, MESSAGE, note=first["note"])
            self.assertEqual(again["place"], "INBOX, UID 2")
            self.assertEqual(server.bodies(), [kept(1, MESSAGE)])

    def test_folder_gone(self):
        with ScriptedImap() as server:
            result, = self.carried(server, MESSAGE, folder="New",
                                   note="imap 5 5 0 Old")
            self.assertEqual(result["outcome"], "delivered")
            self.assertEqual(server.bodies("New"), [kept(1, MESSAGE)])

    def test_closed_while_idle(self):
        """A connection that served ends: the next one goes on."""
        mail = [b"Subject: %d\r\n\r\n" % number for number in range(64)]
        said = []

        def last_words(connection, tag):
            said.append(tag)
            connection.sendall(b"* BYE Autologout\r\n")
            raise imap_server.HangUp
        server = ScriptedImap(PLAIN, answers={
            "APPEND": [None] * 33 + [last_words]})
        self.check(server, "delivered", ".", *mail)
        self.assertEqual((server.connections, len(said)), (2, 1))
        self.assertEqual(sorted(server.bodies()), sorted(
            kept(number, octets) for number, octets in enumerate(mail, 1)))


if __name__ == "__main__":
    unittest.main()
