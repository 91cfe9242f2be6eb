"""Folders of an IMAP server, as a reader sees them."""

import base64
import contextlib
import imaplib
import re

from . import procs


@contextlib.contextmanager
def connect(server, user):
    """A log-in to a server that has imap_port."""
    client = imaplib.IMAP4(server.host, server.imap_port,
                           timeout=procs.PATIENCE)
    try:
        client.login(user, server.password(user))
        yield client
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            client.logout()


def greets(host, port):
    """Whether an IMAP server is there."""
    try:
        imaplib.IMAP4(host, port, timeout=10).shutdown()
        return True
    except (OSError, imaplib.IMAP4.error):
        return False


class Message:
    """What a folder holds: uid, flags (a set), date (as told) and octets."""

    def __init__(self, facts, octets):
        self.uid = int(re.search(rb"UID (\d+)", facts)[1])
        self.flags = set(re.search(rb"FLAGS \(([^)]*)\)",
                                   facts)[1].decode().split())
        self.date = re.search(rb'INTERNALDATE "([^"]*)"', facts)[1].decode()
        self.octets = octets

    @property
    def key(self):
        """Of the line that evpopd puts in front."""
        return re.match(rb"X-Evpop-Id: (\S+)\r\n", self.octets)[1].decode()

    @property
    def body(self):
        """As it was fetched."""
        return self.octets.partition(b"\r\n")[2]


def encoded(folder):
    """A name in modified UTF-7 (RFC 3501, section 5.1.3), quoted."""
    def shift(match):
        text = base64.b64encode(match[0].encode("utf-16-be"))
        return "&" + text.decode().rstrip("=").replace("/", ",") + "-"
    return '"' + re.sub(r"[^ -~]+", shift,
                        folder.replace("&", "&-")) + '"'


def messages(server, user, folder="INBOX"):
    """All of a folder, by UID; nothing is marked as seen.  [] without one."""
    with connect(server, user) as client:
        status, _ = client.select(encoded(folder), readonly=True)
        if status != "OK":
            return []
        _, data = client.uid("FETCH", "1:*",
                             "(FLAGS INTERNALDATE BODY.PEEK[])")
        found = []
        for part, behind in zip(data, data[1:] + [b""]):
            if isinstance(part, tuple):
                behind = behind if isinstance(behind, bytes) else b""
                found.append(Message(part[0] + behind, part[1]))
        return sorted(found, key=lambda one: one.uid)


def folders(server, user, subscribed=False):
    """The names of all folders, as the server writes them."""
    with connect(server, user) as client:
        _, lines = client.lsub() if subscribed else client.list()
        return sorted(re.search(rb' (?:"([^"]*)"|([^" ]+))$', line).expand(
            rb"\1\2").decode() for line in lines if line)
