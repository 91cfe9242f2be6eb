"""A web service that takes mail: over HTTPS, signed, and in the moods it has.

What is signed is judged as evpop-delivery(7) tells receivers to do it, by the
lines that are printed there.
"""

import contextlib
import http.server
import pathlib
import re
import socket
import ssl
import tempfile
import textwrap
import threading
import time

from . import certificates, procs

MANUAL = (pathlib.Path(__file__).parents[3] / "daemon" / "evpop-delivery.7")


def published_check():
    """The function is_signed(secret, headers, body) of the manual page."""
    found = re.search(r"^(import base64.*?)^\.Ed", MANUAL.read_text(),
                      re.M | re.S)
    names = {}
    exec(textwrap.dedent(found[1]), names)
    return names["is_signed"]


class Receiver(procs.InFolder):
    """The service, on a free port of this machine.

    `answers` are given in turn, each a status or (status, headers); then 200.
    What came is in `received`: (seconds, headers, body, status) of each.
    """

    def __init__(self, *, tls=True, certificate="server"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="evpop-webhook-"))
        self.answers, self.received = [], []
        self.connections = 0
        self.ca = certificates.CertificateAuthority(self.folder / "ca")
        self.ca_file = self.ca.file
        self._lock = threading.Lock()
        self._certificate = getattr(self.ca, certificate)() if tls else None
        self._server = self._thread = None
        self.port = None

    @property
    def url(self):
        scheme = "http" if self._certificate is None else "https"
        return f"{scheme}://localhost:{self.port}/hooks/mail"

    def target(self, **keys):
        """The keys of a target that posts here."""
        made = {"type": "http", "url": self.url, "allow_private": "yes",
                "retry_min": "1s", "retry_max": "1s"}
        if self._certificate is not None:
            made["tls_ca"] = self.ca_file
        return {**made, **keys}

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = procs.PATIENCE

            def setup(self):
                super().setup()
                with outer._lock:
                    outer.connections += 1

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = outer._take(self.headers, body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                connection, address = super().get_request()
                if outer._certificate is None:
                    return connection, address
                return outer._context.wrap_socket(
                    connection, server_side=True,
                    do_handshake_on_connect=False), address

            def handle_error(self, *_):
                pass

        if self._certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(self._certificate.certificate,
                                          self._certificate.key)
        self._server = Server(("127.0.0.1", self.port or 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        kwargs={"poll_interval": 0.02},
                                        daemon=True)
        self._thread.start()
        return self

    def halt(self):
        """Nobody listens any more; start() takes the same port again."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None

    def _take(self, headers, body):
        with self._lock:
            answer = self.answers.pop(0) if self.answers else 200
            status, more = answer if isinstance(answer, tuple) else (answer,
                                                                     {})
            self.received.append((time.monotonic(), headers, body, status))
            return status, more

    def taken(self):
        """What was answered well: a list of (headers, body)."""
        with self._lock:
            return [(headers, body) for _, headers, body, status
                    in self.received if status // 100 == 2]

    def wait_taken(self, count):
        """Wait until so many were taken; all that were."""
        procs.wait_for(lambda: len(self.taken()) >= count,
                       what=f"{count} posted messages")
        return self.taken()


class Proxy:
    """A proxy for HTTP CONNECT or SOCKS 5; `asked` is where people wanted to
    go, as they named it.
    """

    def __init__(self, kind):
        self.kind = kind
        self.asked = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"{kind}://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        # Whoever waits in accept() is woken by this, and not by close().
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,),
                                 daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            ask = self._connect if self.kind == "http" else self._socks
            host, port = ask(client)
            self.asked.append((host, port))
            with socket.create_connection(("127.0.0.1", port)) as server:
                there = threading.Thread(target=self._pass,
                                         args=(client, server), daemon=True)
                there.start()
                self._pass(server, client)
                there.join()

    @staticmethod
    def _pass(source, sink):
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)

    @staticmethod
    def _connect(client):
        said = b""
        while not said.endswith(b"\r\n\r\n"):
            said += client.recv(1)
        host, _, port = said.split()[1].decode().rpartition(":")
        client.sendall(b"HTTP/1.1 200 yes\r\n\r\n")
        return host, int(port)

    @staticmethod
    def _socks(client):
        client.recv(2 + client.recv(2, socket.MSG_PEEK)[1])
        client.sendall(b"\x05\x00")
        head = client.recv(5)
        host = client.recv(head[4]).decode()
        port = int.from_bytes(client.recv(2), "big")
        client.sendall(b"\x05\x00\x00\x01" + bytes(6))
        return host, port
