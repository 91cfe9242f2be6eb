"""A POP3 server that misbehaves as told, for one test.

It serves its messages correctly to anybody, but for the answers that a test
gives it instead.  An answer is bytes to send, or a function that gets the
connection (a socket) and the line, and returns whether to go on.
"""

import contextlib
import socket
import threading


def hang_up(connection, line):
    """An answer: close at once."""
    return False


def fall_silent(octets):
    """An answer: say this, and then nothing until the client leaves."""
    def answer(connection, line):
        connection.sendall(octets)
        while connection.recv(4096):
            pass
        return False
    return answer


def break_off(octets):
    """An answer: say this and close."""
    def answer(connection, line):
        connection.sendall(octets)
        return False
    return answer


class ScriptedServer:
    """A server on a free port of 127.0.0.1, for any user and password.

    messages   list of bytes with CRLF line ends; unique-ids are id-1, id-2...
    answers    command line (or its first word, or "" for the greeting) ->
               answer; may be changed while it runs

    Attributes: host, port, lines (all that clients have sent), buffering
    (0: no more is read than is answered to).
    """

    buffering = -1

    def __init__(self, messages=(), answers=None):
        self.messages = list(messages)
        self.answers = dict(answers or {})
        self.lines = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        self._connections = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def password(self, user):
        """Any is right."""
        return "secret"

    def __enter__(self):
        self._threads[0].start()
        return self

    def close(self):
        """Leave the listening to another process that has it too."""
        self._listener.close()

    def __exit__(self, *_):
        # Only a shutdown wakes a thread that waits in accept() or recv().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # Answers to a flight of commands do not wait for each other.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,),
                                      daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection, \
                connection.makefile("rb", self.buffering) as stream:
            if self._answer(connection, ""):
                self._converse(connection, stream)
        self._connections.discard(connection)

    def _converse(self, connection, stream):
        """Answer to lines until one ends the dialogue."""
        for octets in stream:
            line = octets.decode("latin-1").rstrip("\r\n")
            self.lines.append(line)
            if not self._answer(connection, line):
                return

    def _answer(self, connection, line):
        for key in (line, line.partition(" ")[0].upper()):
            if key in self.answers:
                answer = self.answers[key]
                if callable(answer):
                    return answer(connection, line)
                connection.sendall(answer)
                return True
        connection.sendall(self._usual(line))
        return not line.upper().startswith("QUIT")

    def _usual(self, line):
        word, _, rest = line.upper().partition(" ")
        if word == "CAPA":
            return b"+OK\r\nUSER\r\nUIDL\r\nTOP\r\nPIPELINING\r\n.\r\n"
        if word in ("LIST", "UIDL"):
            return b"+OK\r\n" + b"".join(
                b"%d %s\r\n" % (number, b"id-%d" % number
                                if word == "UIDL" else b"%d" % len(octets))
                for number, octets in enumerate(self.messages, 1)) + b".\r\n"
        if word == "STAT":
            return b"+OK %d %d\r\n" % (len(self.messages),
                                       sum(map(len, self.messages)))
        if word == "TOP":
            header, end, _ = self.messages[
                int(rest.split()[0]) - 1].partition(b"\r\n\r\n")
            return b"+OK\r\n" + stuffed(header + end)
        if word == "RETR":
            if not 1 <= int(rest) <= len(self.messages):
                return b"-ERR no such message\r\n"
            return b"+OK\r\n" + stuffed(self.messages[int(rest) - 1])
        return b"+OK\r\n"


def stuffed(octets):
    """A message as it travels, with its terminator."""
    return b"".join((b"." if line.startswith(b".") else b"") + line
                    for line in octets.splitlines(True)) + b".\r\n"
