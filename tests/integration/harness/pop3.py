"""Reading a maildrop over POP3 so that no octet is lost or changed.

poplib splits messages into lines, refuses long ones and takes a line feed for
a line end.  Here poplib logs in and sends the commands, and bodies are read
from its stream as RFC 1939 says: lines end in CRLF, and only a line that
follows a CRLF can be stuffed or end the message.
"""

import contextlib
import poplib
import ssl

from . import procs


def _take_utf8(connection):
    """Say that mail may come as it is, where the server knows RFC 6856."""
    with contextlib.suppress(poplib.error_proto):
        if "UTF8" in connection.capa():
            connection.utf8()


@contextlib.contextmanager
def connect(host, port, user=None, password=None, tls="none", ca_file=None,
            timeout=procs.PATIENCE):
    """A poplib connection, logged in if a user is given, with QUIT at the end.

    tls is "none", "stls" or "implicit"; the server is verified against
    ca_file.  When the block raises, the connection is closed without QUIT.
    """
    context = None
    if tls != "none":
        context = ssl.create_default_context(cafile=ca_file)
    if tls == "implicit":
        connection = poplib.POP3_SSL(host, port, timeout=timeout,
                                     context=context)
    else:
        connection = poplib.POP3(host, port, timeout=timeout)
    try:
        if tls == "stls":
            connection.stls(context)
        if user is not None:
            _take_utf8(connection)
            connection.user(user)
            connection.pass_(password)
        yield connection
        connection.quit()
    finally:
        connection.close()


def _read_multiline(stream):
    """The unstuffed octets up to the terminator, which is not among them."""
    pieces = []
    after_crlf = True
    while True:
        piece = stream.readline()
        if not piece:
            raise EOFError("the server closed inside a multi-line answer")
        if after_crlf and piece.startswith(b"."):
            if piece == b".\r\n":
                return b"".join(pieces)
            piece = piece[1:]
        pieces.append(piece)
        # A line feed may have its CR at the end of no earlier piece: pieces
        # end with a line feed, always.
        after_crlf = piece.endswith(b"\r\n")


def retrieve(connection, number):
    """The octets of a message (RETR)."""
    connection._shortcmd(f"RETR {number}")
    return _read_multiline(connection.file)


def top(connection, number, lines):
    """The octets that TOP gives."""
    connection._shortcmd(f"TOP {number} {lines}")
    return _read_multiline(connection.file)


def _listing(connection, command):
    connection._shortcmd(command)
    rows = {}
    for line in _read_multiline(connection.file).split(b"\r\n"):
        if line:
            number, _, value = line.partition(b" ")
            rows[int(number)] = value
    return rows


def unique_ids(connection):
    """Message numbers with their unique-ids, as text."""
    return {number: value.decode("latin-1")
            for number, value in _listing(connection, "UIDL").items()}


def sizes(connection):
    """Message numbers with their sizes."""
    return {number: int(value)
            for number, value in _listing(connection, "LIST").items()}


def messages(host, port, user, password, **keywords):
    """All of a maildrop: a dict from unique-id to octets."""
    with connect(host, port, user, password, **keywords) as connection:
        found = {}
        for number, unique_id in unique_ids(connection).items():
            if unique_id in found:
                raise AssertionError(f"unique-id {unique_id} comes twice")
            found[unique_id] = retrieve(connection, number)
        return found


def bodies(host, port, user, password, **keywords):
    """The octets of all of a maildrop's messages, in its order."""
    with connect(host, port, user, password, **keywords) as connection:
        return [retrieve(connection, number + 1)
                for number in range(connection.stat()[0])]


def count(host, port, user, password, **keywords):
    """How many messages a maildrop holds (STAT)."""
    with connect(host, port, user, password, **keywords) as connection:
        return connection.stat()[0]
