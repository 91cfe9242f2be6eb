"""A relay between a client and a server that counts what the client waits for.

A round trip is one wait of the client: what it says belongs to the one behind
that of the last answer it has.  The greeting is none, for which nobody asks.
It reads what passes as RFC 1939 has it, in clear text.

On a machine that is busy an answer may come between two commands that are sent
in one breath, which then count as two.  With a latency it comes later.
"""

import collections
import contextlib
import selectors
import socket
import threading
import time


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
        self.latency = 0.0
        # When it is due, for whom, and what.
        self._held = collections.deque()
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
            self._release()
            for key, _ in selector.select(self._until_due()):
                if key.fileobj is self._stopped:
                    for pair in pairs:
                        pair.close()
                    selector.close()
                    return
                if key.fileobj is self._listener:
                    pairs.append(self._accept(selector))
                else:
                    key.data.copy(key.fileobj)

    def hold(self, pair, octets):
        """Hand this of the server on when its time has come."""
        self._held.append((time.monotonic() + self.latency, pair, octets))

    def _until_due(self):
        """So many seconds, None: nothing is held."""
        if not self._held:
            return None
        return max(0.0, self._held[0][0] - time.monotonic())

    def _release(self):
        while self._held and self._held[0][0] <= time.monotonic():
            _, pair, octets = self._held.popleft()
            pair.answer(octets)

    def _accept(self, selector):
        client, _ = self._listener.accept()
        server = socket.create_connection(self._behind)
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self.connections += 1
        return _Pair(self, selector, client, server)

    def count(self, round_trips):
        """So many more."""
        with self._lock:
            self.round_trips += round_trips


class _Dialog:
    """Which commands of a connection are not answered yet.

    Attribute: round_trips: how many answers had to come, one after the other,
    before what was said last could be said, and its own.
    """

    _MULTI_LINE = (b"CAPA", b"RETR", b"TOP")
    _MULTI_LINE_ALONE = (b"LIST", b"UIDL", b"AUTH")

    def __init__(self):
        self.round_trips = 0
        # Of each the round trip that it belongs to, and whether the answer has
        # more lines; the greeting is first.
        self._waiting = [(0, False)]
        self._answering = None
        self._answered = 0
        self._said = self._heard = b""

    def says(self, octets):
        """The client says this."""
        *lines, self._said = (self._said + octets).split(b"\n")
        for line in lines:
            words = line.upper().split() or [b""]
            self.round_trips = max(self.round_trips, self._answered + 1)
            self._waiting.append((
                self._answered + 1,
                words[0] in self._MULTI_LINE or
                words[0] in self._MULTI_LINE_ALONE and len(words) == 1))

    def answers(self, octets):
        """The server answers this."""
        *lines, self._heard = (self._heard + octets).split(b"\n")
        for line in lines:
            line = line.rstrip(b"\r")
            if self._answering is not None:
                over = line == b"."
            elif self._waiting:
                self._answering, has_more = self._waiting.pop(0)
                over = not (has_more and line.upper().startswith(b"+OK"))
            else:
                continue
            if over:
                self._answered = max(self._answered, self._answering)
                self._answering = None


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
        try:
            octets = source.recv(65536)
            _acknowledge(source)
        except OSError:
            octets = b""
        if source is self._server:
            if not octets:
                self._forget(source)
            self._relay.hold(self, octets)
        elif not octets:
            self.close()
        else:
            before = self._dialog.round_trips
            self._dialog.says(octets)
            self._relay.count(self._dialog.round_trips - before)
            self._send(self._server, octets)

    def answer(self, octets):
        """The server has said this, or has ended."""
        self._passed += len(octets)
        limit = self._relay.cut_after
        if not octets or limit is not None and self._passed > limit:
            self.close()
            return
        self._dialog.answers(octets)
        self._send(self._client, octets)

    def _send(self, target, octets):
        try:
            target.sendall(octets)
            # To send turns it off.
            _acknowledge(target)
        except OSError:
            self.close()

    def close(self):
        """End both sides."""
        for side in (self._client, self._server):
            self._forget(side)
            side.close()

    def _forget(self, side):
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(side)
