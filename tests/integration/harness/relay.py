"""A relay between a client and a server that counts what the client waits for.

A round trip is one wait of the client: a command that comes when all before it
were answered.  The greeting is none, for which nobody asks.  It reads what
passes as RFC 1939 has it, in clear text.
"""

import contextlib
import selectors
import socket
import threading


class Relay:
    """Listens on a port of its own, and hands on to `port` of this host.

    Attributes: port; connections and round_trips so far; cut_after: break a
    connection off after so many octets of the server's, None: never.
    """

    def __init__(self, port, host="127.0.0.1"):
        self._behind = (host, port)
        self._listener = socket.create_server((host, 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.connections = self.round_trips = 0
        self.cut_after = None
        self._lock = threading.Lock()
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def take(self):
        """(connections, round trips) since the last time."""
        with self._lock:
            taken = (self.connections, self.round_trips)
            self.connections = self.round_trips = 0
        return taken

    def close(self):
        """Break off all connections, and accept no more."""
        self._stop.close()
        self._thread.join()
        self._listener.close()
        self._stopped.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _serve(self):
        selector = selectors.DefaultSelector()
        selector.register(self._listener, selectors.EVENT_READ)
        selector.register(self._stopped, selectors.EVENT_READ)
        pairs = []
        while True:
            for key, _ in selector.select():
                if key.fileobj is self._stopped:
                    for pair in pairs:
                        pair.close()
                    selector.close()
                    return
                if key.fileobj is self._listener:
                    pairs.append(self._accept(selector))
                else:
                    key.data.copy(key.fileobj)

    def _accept(self, selector):
        client, _ = self._listener.accept()
        server = socket.create_connection(self._behind)
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self.connections += 1
        return _Pair(self, selector, client, server)

    def count(self):
        """The client has asked something, and waits."""
        with self._lock:
            self.round_trips += 1


class _Dialog:
    """Which commands of a connection are not answered yet."""

    _MULTI_LINE = (b"CAPA", b"RETR", b"TOP")
    _MULTI_LINE_ALONE = (b"LIST", b"UIDL", b"AUTH")

    def __init__(self):
        # Whether the answer to each has more lines; the greeting is first.
        self._waiting = [False]
        self._in_body = False
        self._said = self._answered = b""

    def says(self, octets):
        """The client says this; whether all was answered before it."""
        fresh = not self._waiting and not self._in_body
        *lines, self._said = (self._said + octets).split(b"\n")
        for line in lines:
            words = line.upper().split() or [b""]
            self._waiting.append(
                words[0] in self._MULTI_LINE or
                words[0] in self._MULTI_LINE_ALONE and len(words) == 1)
        return fresh

    def answers(self, octets):
        """The server answers this."""
        *lines, self._answered = (self._answered + octets).split(b"\n")
        for line in lines:
            line = line.rstrip(b"\r")
            if self._in_body:
                self._in_body = line != b"."
            elif self._waiting:
                self._in_body = (self._waiting.pop(0)
                                 and line.upper().startswith(b"+OK"))


def _acknowledge(side):
    """At once, or one that says all in pieces waits for 40 ms."""
    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class _Pair:
    """A connection and the one behind it."""

    def __init__(self, relay, selector, client, server):
        self._relay = relay
        self._selector = selector
        self._client = client
        self._server = server
        self._dialog = _Dialog()
        self._passed = 0
        for side in (client, server):
            selector.register(side, selectors.EVENT_READ, self)

    def copy(self, source):
        """Hand on what is there, or the end of it."""
        target = (self._server if source is self._client else self._client)
        try:
            octets = source.recv(65536)
            _acknowledge(source)
        except OSError:
            octets = b""
        if not octets:
            self.close()
            return
        if source is self._server:
            self._passed += len(octets)
            limit = self._relay.cut_after
            if limit is not None and self._passed > limit:
                self.close()
                return
            self._dialog.answers(octets)
        elif self._dialog.says(octets):
            self._relay.count()
        try:
            target.sendall(octets)
            # To send turns it off.
            _acknowledge(target)
        except OSError:
            self.close()

    def close(self):
        """End both sides."""
        for side in (self._client, self._server):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(side)
            side.close()
