"""A POP3 server that waits at each point of a session.

So that the client can be looked at there, and its memory searched.
"""

import base64
import contextlib
import re
import socket
import ssl
import threading

from . import procs

STAMP = b"<1896.697170952@pop.example>"
MESSAGE = b"Subject: one\r\n\r\ntext\r\n"


class WaitingServer:
    """A POP3 server that lets anybody in, and waits at each named point.

    Points of a session: "greeting" (before it), "begun" (the log-in has begun),
    "login" (all is said, and not answered), "session" (behind the log-in).
    Those of a proxy before it: "proxy" (its log-in is said).
    """

    def __init__(self, certificate=None, proxy=None, reads=True,
                 client_ca=None, version=None):
        self._context = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.certificate,
                                          certificate.key)
        if client_ca is not None:
            self._context.load_verify_locations(client_ca)
            self._context.verify_mode = ssl.CERT_REQUIRED
        if version is not None:
            self._context.maximum_version = version
        self._proxy, self._reads = proxy, reads
        self._changed = threading.Condition()
        self._at = None
        self._open = False
        self._listener = socket.socket()
        # So that a long line does not fit into the kernel's buffers.
        if not reads:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                      4096)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        """Serve nobody any more."""
        self.let_all()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def wait_at(self, point):
        """Wait until the session waits there."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._at == point,
                                          procs.PATIENCE):
                raise procs.Timeout(f"no session came to {point}, but to "
                                    f"{self._at}")

    def let(self):
        """Let the session go on to the next point."""
        with self._changed:
            self._at = None
            self._changed.notify_all()

    def let_all(self):
        """Wait no more."""
        with self._changed:
            self._open = True
            self._at = None
            self._changed.notify_all()

    def _wait(self, point):
        with self._changed:
            if self._open:
                return
            self._at = point
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._at is None or self._open)

    def _run(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                self._serve(connection)

    def _serve(self, connection):
        if self._proxy is not None:
            getattr(self, f"_proxy_{self._proxy}")(connection)
        if self._context is not None:
            connection = self._context.wrap_socket(connection,
                                                   server_side=True)
        with connection, connection.makefile("rb") as lines:
            self._wait("greeting")
            connection.sendall(b"+OK ready " + STAMP + b"\r\n")
            while (line := lines.readline()):
                if not self._reads and line.startswith(b"CAPA"):
                    connection.sendall(self._capabilities())
                    self._wait("login")
                    return
                if not self._answer(connection, lines,
                                    line.decode().rstrip("\r\n")):
                    return

    # Proxies

    def _proxy_socks5(self, connection):
        octets = _exactly(connection, 2)
        _exactly(connection, octets[1])
        connection.sendall(b"\x05\x02")
        _exactly(connection, 1)
        _exactly(connection, _exactly(connection, 1)[0])
        _exactly(connection, _exactly(connection, 1)[0])
        self._wait("proxy")
        connection.sendall(b"\x01\x00")
        kind = _exactly(connection, 4)[3]
        _exactly(connection, {1: 4, 4: 16}[kind] + 2 if kind != 3 else
                 _exactly(connection, 1)[0] + 2)
        connection.sendall(b"\x05\x00\x00\x01" + bytes(6))

    def _proxy_http(self, connection):
        said = b""
        while not said.endswith(b"\r\n\r\n"):
            said += _exactly(connection, 1)
        self._wait("proxy")
        connection.sendall(b"HTTP/1.1 200 yes\r\n\r\n")

    # POP3

    @staticmethod
    def _capabilities():
        return (b"+OK\r\nUSER\r\nUIDL\r\nTOP\r\nPIPELINING\r\nSASL PLAIN LOGIN "
                b"CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER\r\n"
                b".\r\n")

    def _answer(self, connection, lines, line):
        word, _, rest = line.partition(" ")
        word = word.upper()
        usual = {
            "CAPA": self._capabilities(), "USER": b"+OK\r\n",
            "STAT": b"+OK 1 %d\r\n" % len(MESSAGE),
            "UIDL": b"+OK\r\n1 id-1\r\n.\r\n",
            "LIST": b"+OK\r\n1 %d\r\n.\r\n" % len(MESSAGE),
            "RETR": b"+OK\r\n" + MESSAGE + b".\r\n"}
        if word in ("PASS", "APOP"):
            self._logged_in(connection)
        elif word == "AUTH":
            name, _, initial = rest.partition(" ")
            self._sasl(connection, lines, name.upper(), initial)
            self._logged_in(connection)
        else:
            connection.sendall(usual.get(word, b"+OK\r\n"))
        return word != "QUIT"

    def _logged_in(self, connection):
        self._wait("login")
        connection.sendall(b"+OK\r\n")
        self._wait("session")

    @staticmethod
    def _challenge(connection, lines, text):
        connection.sendall(b"+ " + base64.b64encode(text) + b"\r\n")
        return base64.b64decode(lines.readline())

    def _sasl(self, connection, lines, name, initial):
        if name == "LOGIN":
            self._challenge(connection, lines, b"User Name")
            self._wait("begun")
            self._challenge(connection, lines, b"Password")
        elif name == "CRAM-MD5":
            self._wait("begun")
            self._challenge(connection, lines, STAMP)
        elif name.startswith("SCRAM-"):
            said = (base64.b64decode(initial) if initial else
                    self._challenge(connection, lines, b""))
            self._wait("begun")
            nonce = re.search(b",r=([^,]*)", said)[1]
            self._challenge(connection, lines, b"r=" + nonce + b"more,s=" +
                            base64.b64encode(b"salt and more") + b",i=4096")
        elif not initial:
            self._wait("begun")
            self._challenge(connection, lines, b"")


def _exactly(connection, length):
    octets = b""
    while len(octets) < length:
        got = connection.recv(length - len(octets))
        if not got:
            raise ConnectionError("the client has left")
        octets += got
    return octets
