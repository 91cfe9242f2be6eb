"""Commands get messages: real ones, and doubles of those that help desks have."""

import pathlib
import shutil
import sys
import unittest

from harness import corpus, daemon, lmtp, maildropd, procs

HERE = pathlib.Path(__file__).resolve()

MESSAGE = (b"From: ann@example.org\r\nSubject: one\r\n\r\n"
           b"text\r\nFrom here on\r\n")


def key_of(number):
    """The line in front of the message of this number, for a command."""
    return b"X-Evpop-Id: %032x.%d\n" % (number, number)


def lines_of(octets):
    """As a command gets it."""
    return octets.replace(b"\r\n", b"\n")


class PipeTest(unittest.TestCase):
    def carry(self, command, **keys):
        """Carriers for a command; files go to self.folder."""
        carry = self.enterContext(
            lmtp.Carry(type="pipe", command=command, **keys))
        self.folder = carry.folder
        return carry

    def check(self, results, *expected):
        self.assertEqual(
            [one["outcome"] for one in
             sorted(results, key=lambda one: one["message"])],
            list(expected), results)


@unittest.skipUnless(shutil.which("procmail"), "procmail is not installed")
class ProcmailTest(PipeTest):
    def setUp(self):
        self.carrier = self.carry("")
        self.rc = self.folder / "procmailrc"
        self.carrier.keys["command"] = \
            f"procmail -m FOLDER={self.folder} SENT={{sender}} {self.rc}"
        self.rc.touch(0o600)
        self.rc.write_text(
            "SHELL=/bin/sh\n"
            "LOGFILE=$FOLDER/log\n"
            ":0\n* ^Subject: one\n$FOLDER/one/\n"
            ":0\n* ^Subject: none\n{\n EXITCODE=67\n HOST\n}\n"
            ":0:\n$FOLDER/rest\n")

    def test_sorts(self):
        mail = [MESSAGE, MESSAGE.replace(b"one", b"two"),
                MESSAGE.replace(b"one", b"none"),
                *corpus.messages(10, 300_000)]
        results = self.carrier.run(
            [self.carrier.letter(octets) for octets in mail])
        refused, = (one for one in results if one["outcome"] != "delivered")
        self.assertEqual(refused["message"], 3)
        self.assertEqual((refused["outcome"], refused["answer"]),
                         ("refused", "exit status 67, no such user"))
        file, = (self.folder / "one/new").iterdir()
        self.assertEqual(file.read_bytes(),
                         key_of(1) + lines_of(MESSAGE))
        rest = (self.folder / "rest").read_bytes()
        for number in (2, *range(4, 14)):
            self.assertEqual(rest.count(key_of(number)), 1, number)
        self.assertIn(b"\n>From here on\n", rest)

    def test_no_room(self):
        """What it cannot write it says; the message waits."""
        self.rc.write_text("SHELL=/bin/sh\nLOGFILE=/dev/null\n"
                           ":0\n/dev/full\n")
        results = self.carrier.run([self.carrier.letter(MESSAGE)])
        self.check(results, "later")
        self.assertRegex(results[0]["answer"],
                         r"^exit status 73, cannot create output")


@unittest.skipUnless(shutil.which("maildrop"), "maildrop is not installed")
class MaildropTest(PipeTest):
    def test_sorts(self):
        carrier = self.carry("")
        rules = self.folder / "filter"
        carrier.keys["command"] = f"maildrop '{rules}'"
        rules.touch(0o600)
        rules.write_text(
            f"if (/^Subject: none/)\n{{\n EXITCODE=75\n exit\n}}\n"
            f"to \"{self.folder}/rest\"\n")
        results = carrier.run([
            carrier.letter(MESSAGE),
            carrier.letter(MESSAGE.replace(b"one", b"none"))])
        self.check(results, "delivered", "later")
        found = (self.folder / "rest").read_bytes()
        self.assertIn(key_of(1) + lines_of(MESSAGE).replace(
            b"\nFrom here", b"\n>From here"), found)


class HelpDeskTest(PipeTest):
    """What is called as help desks are, and answers as they do."""

    def desk(self, name, options):
        carrier = self.carry("")
        self.answer = self.folder / "answer"
        carrier.keys["command"] = (
            f"'{sys.executable}' -B '{HERE}' --{name} '{self.folder}' "
            f"{options}")
        return carrier

    def deliver(self, carrier, answer, octets=MESSAGE):
        self.answer.write_text(answer)
        result, = carrier.run([carrier.letter(octets)])
        return result

    def test_request_tracker(self):
        carrier = self.desk(
            "rt-mailgate", "--queue \"General Support\" --action correspond "
            "--url https://rt.example.org/")
        result = self.deliver(carrier, "ok")
        self.assertEqual(result["outcome"], "delivered", result)
        self.assertEqual((self.folder / "words").read_text().splitlines(), [
            "--queue", "General Support", "--action", "correspond",
            "--url", "https://rt.example.org/"])
        self.assertEqual((self.folder / "got").read_bytes(),
                         key_of(1) + lines_of(MESSAGE))
        # RT is down: 75, and the reason on standard error.
        result = self.deliver(carrier, "down")
        self.assertEqual(result["outcome"], "later", result)
        self.assertIn("exit status 75, temporary failure: RT server error",
                      result["answer"])

    def test_osticket(self):
        carrier = self.desk("osticket", "")
        for code, outcome in ((0, "delivered"), (66, "refused"),
                              (77, "refused"), (65, "refused"),
                              (69, "later"), (75, "later")):
            with self.subTest(code=code):
                result = self.deliver(carrier, str(code))
                self.assertEqual(result["outcome"], outcome, result)
        self.assertEqual(
            (self.folder / "got").read_bytes().partition(b"\n")[2],
            lines_of(MESSAGE))


class CommandTest(PipeTest):
    def test_large(self):
        """From the disk, whole, and nothing of it stays."""
        carrier = self.carry("")
        carrier.keys["command"] = f"dd bs=64k status=none of={self.folder}/{{id}}"
        body = b"".join(b"%08d %s\r\n" % (number, b"x" * 50)
                        for number in range(100_000))
        octets = b"Subject: large\r\n\r\n" + body
        results = carrier.run([carrier.letter(octets) for _ in range(3)])
        self.check(results, *["delivered"] * 3)
        for number in range(1, 4):
            key = key_of(number)
            name = key.decode().split()[1]
            self.assertEqual((self.folder / name).read_bytes(),
                             key + lines_of(octets))

    def test_sender_is_no_option(self):
        carrier = self.carry("printf '%s|' {sender} x{sender} {recipient}")
        result, = carrier.run([carrier.letter(MESSAGE, sender="-oX@y")])
        self.assertEqual(result["answer"], "|x-oX@y|anna@example.org|")

    def test_without_shell(self):
        carrier = self.carry("printf '%s|' $HOME `id` ;true")
        result, = carrier.run([carrier.letter(MESSAGE)])
        self.assertEqual(result["answer"], "$HOME|`id`|;true|")

    def test_with_shell(self):
        carrier = self.carry("printf %s \"$EVPOP_RECIPIENT\" | tr a-z A-Z",
                             shell="yes")
        result, = carrier.run([carrier.letter(MESSAGE)])
        self.assertEqual(result["answer"], "ANNA@EXAMPLE.ORG")

    def test_probe(self):
        carrier = self.carry("cat")
        result, = carrier.run(probe=True)
        self.assertEqual(result["outcome"], "delivered", result)
        carrier.keys["command"] = "no-such-program-at-all"
        result, = carrier.run(probe=True)
        self.assertEqual((result["outcome"], result["answer"]), (
            "wrong", "no-such-program-at-all: there is no such program"))


class DaemonTest(unittest.TestCase):
    """Through the daemon: confined, by the process that starts commands."""

    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}))
        self.folder = self.enterContext(procs.temporary_folder())
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna")})
        self.addCleanup(self.evpopd.remove)

    def deliver(self, *mail, command, code=0, **keys):
        """Poll once; what waits is told by rows of v_outbox."""
        self.server.deliver("anna", mail)
        self.evpopd.targets["desk"] = {
            "type": "pipe", "command": command, **keys}
        self.evpopd.accounts["anna"]["deliver"] = "desk"
        self.evpopd.once(code=code)

    def states(self):
        """State, attempts and answer of each row of the outbox, by message."""
        return self.evpopd.rows(
            "SELECT state, attempts, answer FROM v_outbox"
            " ORDER BY message")

    def test_all_arrive(self):
        """Small ones, and a large one that lies on the disk for it."""
        large = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 150_000
        mail = [*corpus.messages(20, 100_000), large]
        self.deliver(*mail, order="account",
                     command=f"tee '{self.folder}/{{message_id}}'")
        self.assertEqual(
            [state for state, _, _ in self.states()], ["delivered"] * 21)
        for number, octets in enumerate(mail, 1):
            head, _, rest = (self.folder / str(number)).read_bytes(
                ).partition(b"\n")
            self.assertRegex(head, b"^X-Evpop-Id: [0-9a-f]{32}\\.%d$" % number)
            # As POP3 gives it: with the end of the last line.
            self.assertEqual(rest, lines_of(
                octets.removesuffix(b"\r\n") + b"\r\n"))
        # Nothing is left beside the store.
        self.assertEqual([one.name for one in self.evpopd.folder.iterdir()
                          if "spool" in one.name], [])

    def test_described_in_the_account(self):
        self.server.deliver("anna", [MESSAGE])
        keys = self.evpopd.accounts["anna"]
        keys["deliver"] = (f"pipe:tee '{self.folder}/got', "
                           f"'{self.folder}/{{recipient}}'")
        keys["deliver_to"] = "{account}+{user}@example.org"
        self.evpopd.once()
        self.assertEqual(
            (self.folder / "got,").read_bytes().partition(b"\n")[2],
            lines_of(MESSAGE))
        self.assertTrue((self.folder / "anna+anna@example.org").exists())

    def test_until_delivered(self):
        """Refused mail stays on the server, what was taken does not."""
        self.evpopd.accounts["anna"]["keep"] = "until-delivered"
        self.deliver(MESSAGE, MESSAGE.replace(b"one", b"two"), shell="yes",
                     command="if grep -q 'Subject: two'; then exit 77; fi",
                     code=75)
        self.assertEqual([state for state, _, _ in self.states()],
                         ["delivered", "refused"])
        self.assertIn("permission denied", self.states()[1][2])
        self.evpopd.once()
        self.assertEqual(len(self.server.messages("anna")), 1)

    def test_wrong(self):
        """A command that is none is for a person; no message suffers."""
        self.deliver(MESSAGE, command="/no/such/program", code=75)
        [(state, attempts, _)] = self.states()
        self.assertEqual((state, attempts), ("waiting", 0))
        self.evpopd.targets["desk"]["command"] = "cat"
        self.evpopd.once()
        self.assertEqual(self.states()[0][0], "delivered")

    def test_reload(self):
        """Another command, at once; and one that the files do not have."""
        self.evpopd.targets["desk"] = {
            "type": "pipe", "command": f"tee '{self.folder}/first'"}
        self.evpopd.accounts["anna"]["deliver"] = "desk"
        self.server.deliver("anna", [MESSAGE])
        self.evpopd.start()
        procs.wait_for((self.folder / "first").exists, what="the command")
        self.evpopd.targets["desk"]["command"] = f"tee '{self.folder}/second'"
        self.evpopd.write_config()
        self.assertEqual(self.evpopd.post("/v1/reload")["targets"], {
            "added": [], "changed": ["desk"], "removed": []})
        self.server.deliver("anna", [MESSAGE.replace(b"one", b"two")])
        self.evpopd.poll("anna")
        procs.wait_for((self.folder / "second").exists, what="the command")
        self.evpopd.halt()

    def test_secrets_stay(self):
        """A command sees neither passwords nor descriptors of the daemon."""
        self.deliver(MESSAGE, shell="yes", command=(
            f"ls -l /proc/self/fd >'{self.folder}/fd'; "
            f"env >'{self.folder}/env'"))
        self.assertNotIn("secret", (self.folder / "env").read_text())
        self.assertNotIn("mail.db", (self.folder / "fd").read_text())
        self.assertNotIn("socket", (self.folder / "fd").read_text())


def rt_mailgate(folder, words):
    """As rt-mailgate(1) of Request Tracker: options, message, exit codes."""
    (folder / "words").write_text("".join(f"{word}\n" for word in words))
    options = dict(zip(words[::2], words[1::2]))
    if not options.get("--url"):
        print("No 'url' provided to mail gateway!", file=sys.stderr)
        return 1
    octets = sys.stdin.buffer.read()
    if not octets.strip():
        print("no message passed on STDIN", file=sys.stderr)
        return 0
    if (folder / "answer").read_text() == "down":
        print("RT server error.\n\nThe RT server which handled your email "
              "did not behave as expected.", file=sys.stderr)
        return 75
    (folder / "got").write_bytes(octets)
    return 0


def osticket(folder):
    """As api/pipe.php of osTicket."""
    octets = sys.stdin.buffer.read()
    (folder / "got").write_bytes(octets)
    return int((folder / "answer").read_text())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rt-mailgate"]:
        sys.exit(rt_mailgate(pathlib.Path(sys.argv[2]), sys.argv[3:]))
    if sys.argv[1:2] == ["--osticket"]:
        sys.exit(osticket(pathlib.Path(sys.argv[2])))
    unittest.main()
