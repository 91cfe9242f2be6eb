"""An IMAP server that keeps folders in memory, and misbehaves as told."""

import base64
import contextlib
import re
import threading
import time
import unittest

from . import lmtp, scripted

MESSAGE = b"Subject: one\r\n\r\ntext\r\n"
OTHER = b"Subject: two\r\n\r\nother text\r\n"

# What Dovecot offers, as far as it matters; and what Gmail does.
DOVECOT = ("IMAP4rev1 SASL-IR LITERAL+ MULTIAPPEND UIDPLUS NAMESPACE "
           "AUTH=PLAIN")
GMAIL = ("IMAP4rev1 SASL-IR UIDPLUS LITERAL- APPENDLIMIT=35651584 NAMESPACE "
         "ID AUTH=PLAIN")
PLAIN = "IMAP4rev1"


class HangUp(Exception):
    """The server closes the connection."""


def say(octets, end=False):
    """An answer: these octets, where TAG is the command's; then close."""
    def answer(connection, tag):
        connection.sendall(octets.replace(b"TAG", tag.encode()))
        if end:
            raise HangUp
    return answer


def hang_up(connection, tag):
    """An answer: close."""
    raise HangUp


def fall_silent(connection, tag):
    """An answer: none, until the client leaves."""
    while connection.recv(4096):
        pass
    raise HangUp


class Folder:
    """Messages: a list of (UID, date, octets)."""

    def __init__(self, validity):
        self.validity = validity
        self.next = 1
        self.messages = []

    def add(self, date, octets):
        """Take a message; its UID."""
        self.messages.append((self.next, date, octets))
        self.next += 1
        return self.next - 1


class ScriptedImap(scripted.ScriptedServer):
    """A server on a free port of 127.0.0.1, for any user and "secret".

    offer      its capabilities
    answers    what a command is answered with instead: a word ("LOGIN"; "" is
               the greeting, "UID FETCH"; "early" before a message that comes
               unasked is read, "literal" once one has come, "stored" once all
               of a command are kept) -> bytes or a function, see say(), or a
               list of such for one time after another, of which None is as
               usual

    Attributes: those of scripted.ScriptedServer, folders (name -> Folder),
    subscribed, connections (how many there were), user (who logged in last).
    """

    def __init__(self, offer=DOVECOT, answers=None, folders=("INBOX",),
                 namespace='(("" "/")) NIL NIL'):
        super().__init__(answers=answers)
        self.offer = offer
        self.namespace = namespace
        self.folders = {name: Folder(1000 + number)
                        for number, name in enumerate(folders)}
        self.subscribed = []
        self.connections = 0
        self.user = None

    def bodies(self, folder="INBOX"):
        """What is in a folder."""
        return [octets for _, _, octets in self.folders[folder].messages]

    def _serve(self, connection):
        self.connections += 1
        with contextlib.suppress(OSError, HangUp), connection, \
                connection.makefile("rb") as stream:
            _Session(self, connection, stream).serve()
        self._connections.discard(connection)

    def told(self, key):
        """The answer that was asked for, the next time; None: as usual."""
        answers = self.answers.get(key)
        if isinstance(answers, list):
            answers = answers.pop(0) if answers else None
        return say(answers) if isinstance(answers, bytes) else answers


class _Session:
    def __init__(self, server, connection, stream):
        self.server = server
        self.connection = connection
        self.stream = stream
        self.selected = None

    def say(self, text):
        """A line."""
        self.connection.sendall(text.encode("latin-1") + b"\r\n")

    def overruled(self, key, tag):
        """Whether the test answers instead."""
        answer = self.server.told(key)
        if answer is not None:
            answer(self.connection, tag)
        return answer is not None

    def line(self):
        """The next line, without its end."""
        octets = self.stream.readline()
        if not octets.endswith(b"\n"):
            raise HangUp
        line = octets.decode("latin-1").rstrip("\r\n")
        self.server.lines.append(line)
        return line

    def literal(self, match):
        """The octets that a line announces."""
        if not match[2]:
            self.say("+ go on")
        size = int(match[1])
        octets = self.stream.read(size)
        if len(octets) < size:
            raise HangUp
        return octets

    def serve(self):
        """The dialogue."""
        if not self.overruled("", "*"):
            self.say(f"* OK [CAPABILITY {self.server.offer}] ready")
        while True:
            tag, _, rest = self.line().partition(" ")
            word = rest.split(" ")[0].upper()
            if word == "UID":
                word = " ".join(rest.upper().split(" ")[:2])
            if self.overruled(word, tag):
                continue
            method = getattr(self, "do_" + word.lower().replace(" ", "_"),
                             None)
            if method is None:
                self.say(f"{tag} BAD unknown command")
            elif method(tag, rest) is not True:
                self.say(f"{tag} OK done")

    def do_capability(self, tag, rest):
        """The list."""
        self.say(f"* CAPABILITY {self.server.offer}")

    def do_noop(self, tag, rest):
        """Nothing."""

    do_id = do_noop

    def do_logout(self, tag, rest):
        """The end."""
        self.say("* BYE")
        self.say(f"{tag} OK bye")
        raise HangUp

    def let_in(self, tag, password):
        """Whether that is right."""
        if password == "secret":
            return False
        self.say(f"{tag} NO [AUTHENTICATIONFAILED] Authentication failed.")
        return True

    def do_login(self, tag, rest):
        """User and password, quoted or in literals."""
        words = []
        rest = rest.partition(" ")[2]
        while rest:
            match = re.search(r"^\{(\d+)(\+?)\}$", rest)
            if match:
                words.append(self.literal(match).decode())
                rest = self.line()
                rest = rest.lstrip(" ")
                continue
            quoted = re.match(r'"((?:[^"\\]|\\.)*)" ?', rest)
            words.append(re.sub(r"\\(.)", r"\1", quoted[1]))
            rest = rest[quoted.end():]
        self.server.user = words[0]
        return self.let_in(tag, words[1])

    def do_authenticate(self, tag, rest):
        """PLAIN."""
        words = rest.split(" ")
        if len(words) < 3:
            self.say("+ ")
            words.append(self.line())
        return self.let_in(
            tag, base64.b64decode(words[2]).split(b"\0")[2].decode())

    def do_namespace(self, tag, rest):
        """As told."""
        self.say("* NAMESPACE " + self.server.namespace)

    def do_list(self, tag, rest):
        """The delimiter."""
        self.say('* LIST (\\Noselect) "/" ""')

    @staticmethod
    def name(rest):
        """The first quoted text."""
        return re.search(r'"((?:[^"\\]|\\.)*)"', rest)[1]

    def folder(self, tag, rest, words="[NONEXISTENT] Unknown Mailbox"):
        """The folder that a command names; None, and it is refused."""
        found = self.server.folders.get(self.name(rest))
        if found is None:
            self.say(f"{tag} NO {words}")
        return found

    def do_create(self, tag, rest):
        """A folder."""
        name = self.name(rest)
        self.server.folders[name] = Folder(5000 + len(self.server.folders))

    def do_subscribe(self, tag, rest):
        """Kept."""
        self.server.subscribed.append(self.name(rest))

    def do_status(self, tag, rest):
        """Validity and next UID."""
        folder = self.folder(tag, rest)
        if folder is None:
            return True
        self.say(f'* STATUS "{self.name(rest)}" (UIDVALIDITY '
                 f"{folder.validity} UIDNEXT {folder.next})")
        return False

    def do_examine(self, tag, rest):
        """The same, as select has it."""
        self.selected = self.folder(tag, rest)
        if self.selected is None:
            return True
        self.say(f"* {len(self.selected.messages)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.selected.validity}] valid")
        self.say(f"* OK [UIDNEXT {self.selected.next}] next")
        return False

    def do_uid_fetch(self, tag, rest):
        """The keys of messages from a UID on."""
        first = int(re.search(r" (\d+):\*", rest)[1])
        for number, (uid, _, octets) in enumerate(self.selected.messages, 1):
            if uid >= first or number == len(self.selected.messages):
                line = octets.partition(b"\r\n")[0] + b"\r\n\r\n"
                self.say(f"* {number} FETCH (UID {uid} "
                         "BODY[HEADER.FIELDS (X-Evpop-Id)] "
                         f"{{{len(line)}}}")
                self.connection.sendall(line)
                self.say(")")

    def do_uid_search(self, tag, rest):
        """By key."""
        key = self.name(rest).encode()
        self.say(" ".join(["* SEARCH", *(
            str(uid) for uid, _, octets in self.selected.messages
            if octets.startswith(b"X-Evpop-Id: " + key + b"\r\n"))]))

    def do_append(self, tag, rest):
        """One message or more."""
        folder = self.folder(tag, rest, "[TRYCREATE] Mailbox doesn't exist")
        taken = []
        is_refused = self.overruled("early", tag)
        while True:
            match = re.search(r"\{(\d+)(\+?)\}$", rest)
            if match is None:
                break
            if folder is None and not match[2]:
                return True
            octets = self.literal(match)
            date = re.search(r'"([^"]*\+0000)"', rest)
            taken.append((date[1] if date else None, octets))
            if self.overruled("literal", tag):
                return True
            rest = self.line()
        if folder is None or is_refused:
            return True
        uids = [folder.add(*one) for one in taken]
        if self.overruled("stored", tag):
            return True
        code = (f"[APPENDUID {folder.validity} {uids[0]}"
                + (f":{uids[-1]}" if uids[1:] else "") + "] "
                if "UIDPLUS" in self.server.offer else "")
        self.say(f"{tag} OK {code}APPEND completed")
        return True


def slowly(seconds, folder, octets):
    """An answer: hang up, and keep the message only later."""
    def answer(connection, tag):
        def keep():
            time.sleep(seconds)
            folder.add(None, octets)
        threading.Thread(target=keep, daemon=True).start()
        raise HangUp
    return answer


class Carry(lmtp.Carry):
    """A carrier of IMAP, on its own; see lmtp.Carry."""

    def __init__(self, **keys):
        super().__init__(type="imap", **{
            "user": "anna", "password": "secret", **keys})

    def bring(self, *messages, folder="", **more):
        """What became of messages, in the order of their numbers."""
        return sorted(self.run([
            self.letter(octets, folder=folder, **more)
            for octets in messages]), key=lambda one: one["message"])


def kept(number, octets):
    """A message as it is kept, with the line in front."""
    return b"X-Evpop-Id: %032x.%d\r\n" % (number, number) + octets


class ScriptedCase(unittest.TestCase):
    """Servers that do as they are told."""

    def carried(self, server, *messages, keys=None, **more):
        with Carry(**{"host": "127.0.0.1", "port": server.port,
                      "tls": "none", "folder": more.get("folder"),
                      **(keys or {})}) as carry:
            return carry.bring(*messages, **more)

    def check(self, server, outcome, words=".", *messages, **more):
        """One message or more, with one outcome."""
        with server:
            results = self.carried(server, *(messages or [MESSAGE]), **more)
        for one in results:
            self.assertEqual(one["outcome"], outcome, one)
            self.assertRegex(one["answer"], words)
        return results
