"""The control socket byte by byte: connections of any user, and what comes back.

What a daemon sends must be HTTP to the last byte, whatever it was sent:
answers() takes it apart, and fails where something else is between or behind
the answers.
"""

import contextlib
import http.client
import io
import os
import socket

from harness import procs


class NotHttp(AssertionError):
    """The daemon has sent something that is no answer."""


@contextlib.contextmanager
def acting_as(user):
    """Connections made meanwhile are that user's (SO_PEERCRED); only root can.
    """
    if user is None or user == os.geteuid():
        yield
        return
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


def can_be(user):
    """Whether connections can be that user's: not where this test is root of
    nothing but a namespace."""
    try:
        with acting_as(user):
            return True
    except OSError:
        return False


def connect(path, user=None):
    """A connection to the socket, of this user or another."""
    made = socket.socket(socket.AF_UNIX)
    try:
        # A crowd may have filled the queue; with a deadline that is an error.
        with acting_as(user):
            made.connect(os.fspath(path))
        made.settimeout(procs.PATIENCE)
    except BaseException:
        made.close()
        raise
    return made


def send(connection, octets):
    """All of it, or as much as is taken before the connection closes."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(octets)


class Answer:
    """An answer: status, headers and body.  `whole` is False where it is cut, or
    where only the end of the connection can be its end."""

    def __init__(self, status, headers, body, whole):
        self.status, self.headers, self.body = status, headers, body
        self.whole = whole


class _Bytes:
    """What was received, as http.client reads it."""

    def __init__(self, file):
        self._file = file

    def makefile(self, *_):
        return self._file


class _Unclosed(io.BytesIO):
    """http.client closes what it has read to its end."""

    def close(self):
        pass


def answers(octets, methods=("GET",)):
    """The answers that were received, in their order; the last may be cut.

    `methods` are those of the requests; the last one is of all that follow.
    """
    file = _Unclosed(octets)
    found = []
    while file.tell() < len(octets):
        begin = file.tell()
        method = methods[min(len(found), len(methods) - 1)]
        answer = http.client.HTTPResponse(_Bytes(file), method=method)
        try:
            answer.begin()
        except (http.client.HTTPException, ValueError) as error:
            raise NotHttp(f"{octets[begin:begin + 200]!r} is no answer: "
                          f"{error}") from None
        if answer.status == 100:
            continue
        whole = answer.length is not None or answer.chunked
        try:
            body = answer.read()
        except http.client.IncompleteRead as error:
            body, whole = error.partial, False
        found.append(Answer(answer.status, answer.headers, body, whole))
    return found


def receive(connection, until=lambda octets: False):
    """What comes until the daemon closes, or until(octets) is true."""
    octets = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while not until(octets) and (piece := connection.recv(65536)):
            octets += piece
    return bytes(octets)


def is_answered(octets, count=1, methods=("GET",)):
    """Whether so many whole answers are in what was received."""
    try:
        found = answers(octets, methods)
    except NotHttp:
        # The head of the last one may be cut.
        return False
    return sum(one.whole for one in found) >= count
