"""LMTP (RFC 2033): a server that misbehaves as told, and carriers on their own.
"""

import json
import os
import pathlib
import subprocess

from . import procs, scripted

OFFER = (b"250-test\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n"
         b"250-8BITMIME\r\n250 SIZE 0\r\n")

# Answers to what is sent: see ScriptedLmtp.
hang_up = scripted.hang_up


class ScriptedLmtp(scripted.ScriptedServer):
    """A server that takes any mail, but for what the answers say.

    answers    as of scripted.ScriptedServer; "." is the end of a message, and
               a list is of answers for one time after another, the last of
               which stays

    Attributes: host, port, lines, connections (how many there were), mail: a
    list of (sender, recipient, octets as they were before they were sent).
    """

    def __init__(self, answers=None):
        super().__init__(answers=answers)
        self.mail = []
        self.connections = 0

    def _serve(self, connection):
        self.connections += 1
        super()._serve(connection)

    def _answer(self, connection, line):
        for key in (line, line.partition(" ")[0].upper()):
            answers = self.answers.get(key)
            if isinstance(answers, list):
                answer = answers[0] if len(answers) == 1 else answers.pop(0)
                if answer is None:
                    break
                if callable(answer):
                    return answer(connection, line)
                connection.sendall(answer)
                return True
        else:
            return super()._answer(connection, line)
        connection.sendall(self._usual(line))
        return True

    def _usual(self, line):
        word = line.partition(" ")[0].upper()
        return {"": b"220 test LMTP ready\r\n", "LHLO": OFFER,
                "MAIL": b"250 2.1.0 Ok\r\n", "RCPT": b"250 2.1.5 Ok\r\n",
                "DATA": b"354 go on\r\n", "RSET": b"250 2.0.0 Ok\r\n",
                "QUIT": b"221 2.0.0 Bye\r\n", ".": b"250 2.0.0 Saved\r\n",
                }.get(word, b"500 5.5.1 what?\r\n")

    def _converse(self, connection, stream):
        """Answer to lines until one ends the dialogue."""
        sender = recipient = None
        for octets in stream:
            line = octets.decode("latin-1").rstrip("\r\n")
            self.lines.append(line)
            word, _, rest = line.partition(" ")
            if word == "MAIL":
                sender = rest[len("FROM:<"):rest.index(">")]
            elif word == "RCPT":
                recipient = rest[len("TO:<"):rest.index(">")]
            if word != "DATA":
                if not self._answer(connection, line):
                    return
                continue
            said = Recorded(connection)
            if not self._answer(said, line):
                return
            if not said.octets.startswith(b"354"):
                continue
            octets = taken(stream)
            if octets is None:
                return
            self.mail.append((sender, recipient, octets))
            if not self._answer(connection, "."):
                return


class Recorded:
    """A connection that keeps what is said on it."""

    def __init__(self, connection):
        self._connection = connection
        self.octets = b""

    def sendall(self, octets):
        """Say it, and keep it."""
        self.octets += octets
        self._connection.sendall(octets)

    def __getattr__(self, name):
        return getattr(self._connection, name)


def taken(stream):
    """A message up to CR LF . CR LF; None where the client leaves."""
    lines = []
    for line in stream:
        if line == b".\r\n" and (not lines or lines[-1].endswith(b"\r\n")):
            return b"".join(one[1:] if one.startswith(b".") else one
                            for one in lines)
        lines.append(line)
    return None


class Carry:
    """A carrier to a target with these keys, on its own."""

    def __init__(self, **keys):
        self.folder = None
        self.keys = {"type": "lmtp", **keys}
        if self.keys["type"] in ("lmtp", "imap"):
            self.keys.setdefault("tls", "none")
        self._context = procs.temporary_folder()
        self._count = 0

    def __enter__(self):
        self.folder = self._context.__enter__()
        return self

    def __exit__(self, *error):
        self._context.__exit__(*error)

    def letter(self, octets, recipient="anna@example.org",
               sender="sender@example.net", **more):
        """A line for run()."""
        self._count += 1
        path = self.folder / f"message-{self._count}"
        path.write_bytes(octets)
        return {"file": str(path), "recipient": recipient, "sender": sender,
                **more}

    def run(self, letters=(), probe=False, under=()):
        """What became of each, in the order of their answers.

        under   words of a command to run it under
        """
        path = self.folder / "evpopd.conf"
        path.write_text(
            "[target here]\n"
            + "".join(f"{key} = {value}\n" for key, value in self.keys.items()
                      if value is not None)
            + "[account a]\nhost = localhost\nuser = a\npassword = a\n"
              "deliver = here\n")
        path.chmod(0o600)
        done = subprocess.run(
            [*under, pathlib.Path(os.environ["EVPOP_BUILD_DIR"])
             / "tests/integration/carry",
             *(["-p"] if probe else []), path, "here"],
            input="".join(json.dumps(letter) + "\n" for letter in letters),
            capture_output=True, text=True, timeout=procs.PATIENCE)
        if done.returncode != 0:
            raise procs.CommandFailed(f"{done.returncode}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    @staticmethod
    def outcomes(results):
        """The outcomes, by message."""
        return {one["message"]: one["outcome"] for one in results}
