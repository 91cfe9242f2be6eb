"""Requests that no client sends: each gets one answer, and the daemon goes on.

They come octet for octet as they stand here, each on a connection of its own.
"""

import contextlib
import re
import socket
import unittest

from harness import corpus, daemon, maildropd, procs

END = b"Host: x\r\nConnection: close\r\n\r\n"


def get(path, *headers):
    return b"GET " + path + b" HTTP/1.1\r\n" + b"".join(
        header + b"\r\n" for header in headers) + END


def post(*headers, body=b""):
    return b"POST /v1/reload HTTP/1.1\r\n" + b"".join(
        header + b"\r\n" for header in headers) + END + body


RAW = b"/v1/messages/1/raw"
CASES = (
    # What two servers in a row could understand differently.
    ("a length and chunks", 400,
     post(b"Content-Length: 5", b"Transfer-Encoding: chunked",
          body=b"0\r\n\r\nGET /v1/status HTTP/1.1\r\n\r\n")),
    ("two lengths", 400,
     post(b"Content-Length: 5", b"Content-Length: 6", body=b"xxxxx")),
    ("a length below nothing", 400, post(b"Content-Length: -1")),
    ("a length with a sign", 400, post(b"Content-Length: +5", body=b"xxxxx")),
    ("an encoding that is nearly one", 501,
     post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n")),
    ("a chunk beyond all numbers", 413,
     post(b"Transfer-Encoding: chunked", body=b"f" * 18 + b"\r\nx")),
    ("a blank before the colon", 400, get(b"/v1/status", b"X : x")),
    # Addresses.
    ("an encoded NUL", 404, get(b"/v1/accounts/a%00b")),
    ("an encoding that is none", 404, get(b"/v1/accounts/%zz")),
    ("encoded slashes", 404, get(b"/v1/accounts/..%2f..%2fstatus")),
    ("UTF-8 that is too long", 404, get(b"/v1/accounts/%c0%af")),
    ("a NUL", 400, get(b"/v1/sta\0tus")),
    ("a long address", 414, get(b"/v1/accounts/" + b"a" * 9000)),
    ("many parameters", 414, get(b"/v1/messages?" + b"limit=1&" * 900)),
    # Headers.
    ("many headers", 400, get(b"/v1/status", *[b"X: a"] * 10000)),
    ("many ranges", 200, get(RAW, b"Range: bytes=" + b",".join(
        b"%d-%d" % (at, at + 9) for at in range(400)))),
    ("a range beyond all numbers", 416,
     get(RAW, b"Range: bytes=99999999999999999999-")),
    ("a range backwards", 200, get(RAW, b"Range: bytes=9-1")),
    ("a range of nothing", 416, get(RAW, b"Range: bytes=-0")),
    ("tags that are none", 200, get(RAW, b'If-None-Match: """",W/,*,"')),
    ("many tags", 200, get(RAW, b"If-None-Match: " + b'"a",' * 1500)),
    # Searches.
    ("many groups", 400, get(b"/v1/messages?q=" + b"%28" * 900)),
    ("many quotes", 400, get(b"/v1/messages?q=" + b"%22" * 901)),
    ("many words", 400, get(b"/v1/messages?q=" + b"a+OR+" * 500 + b"b")),
    # Other protocols.
    ("another version", 400,
     b"GET /v1/status HTTP/9.9\r\n" + END),
    ("another method", 501, b"FOO /v1/status HTTP/1.1\r\n" + END),
    ("HTTP/2", 400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
)


class StrangeRequestsTest(unittest.TestCase):
    def ask(self, evpopd, octets):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(procs.PATIENCE)
            connection.connect(str(evpopd.socket))
            answer = b""
            # Who is refused need not be read to the end.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(octets)
            with contextlib.suppress(ConnectionResetError):
                while (some := connection.recv(65536)):
                    answer += some
        return answer

    def test_each_is_answered_once(self):
        with maildropd.MaildropServer(users={"anna": "secret"},
                                      tls=False) as server:
            server.deliver("anna", corpus.messages(1))
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna")}) as evpopd:
                evpopd.wait_polled()
                for name, status, octets in CASES:
                    with self.subTest(name):
                        answer = self.ask(evpopd, octets)
                        self.assertTrue(
                            answer.startswith(b"HTTP/1.1 %d " % status),
                            answer[:200])
                        self.assertEqual(
                            len(re.findall(rb"HTTP/1\.1 \d", answer)), 1,
                            answer[:2000])
                        if status >= 400:
                            self.assertIn(b'{"error":{"code":"', answer)
                self.assertEqual(evpopd.get("/v1/status")["pid"], evpopd.pid)


if __name__ == "__main__":
    unittest.main(verbosity=2)
