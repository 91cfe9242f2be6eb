"""Requests that are no HTTP, too large or in a way that is not taken: each gets
one error in JSON, and hurts nobody else."""

import http.client
import io
import json
import socket
import unittest

from harness import contract, daemon

LINE = b"GET /v1/status HTTP/1.1\r\n"
POST = b"POST /v1/reload HTTP/1.1\r\n"

# What is sent, the status and the code.
REFUSED = [
    (b"GARBAGE\r\n\r\n", 400, "bad_request"),
    (b"GET\r\n\r\n", 400, "bad_request"),
    (b"GET /v1/status\r\n\r\n", 400, "bad_request"),
    (b"GET /v1/status HTTP/9.9\r\n\r\n", 400, "bad_request"),
    (b"GET /v1/status HTTP/x\r\n\r\n", 400, "bad_request"),
    (b"GET /v1/status FTP/1.1\r\n\r\n", 400, "bad_request"),
    (b"GET  /v1/status  HTTP/1.1\r\n\r\n", 404, "no_such_path"),
    (b"GET http://[::1 HTTP/1.1\r\n\r\n", 400, "bad_request"),
    (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request"),
    (LINE + b"no colon\r\n\r\n", 400, "bad_request"),
    (LINE + b"A: " + b"x" * 20000 + b"\r\n\r\n", 400, "bad_request"),
    (LINE + b"A: x\r\n" * 5000 + b"\r\n", 400, "bad_request"),
    (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", 400, "bad_request"),
    (POST + b"Content-Length: -5\r\n\r\n", 400, "bad_request"),
    (POST + b"Content-Length: abc\r\n\r\n", 400, "bad_request"),
    (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
    (POST + b"Content-Length: 100000\r\n\r\n", 413, "request_too_large"),
    (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 413,
     "request_too_large"),
    (POST + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413,
     "request_too_large"),
    (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 413,
     "request_too_large"),
    (POST + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n", 413,
     "request_too_large"),
    (POST + b"Expect: 200-ok\r\nContent-Length: 2\r\n\r\n", 417,
     "expectation_failed"),
    (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501, "unknown_encoding"),
    (b"BREW /v1/status HTTP/1.1\r\n\r\n", 501, "unknown_method"),
    (b"get /v1/status HTTP/1.1\r\n\r\n", 501, "unknown_method"),
    (b"CONNECT a:1 HTTP/1.1\r\n\r\n", 501, "unknown_method"),
    (b"PUT /v1/status HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405,
     "bad_method"),
    (b"TRACE /v1/status HTTP/1.1\r\n\r\n", 405, "bad_method"),
    (b"OPTIONS * HTTP/1.1\r\n\r\n", 404, "no_such_path"),
    (b"GET status HTTP/1.1\r\n\r\n", 404, "no_such_path"),
    (b"GET /v1/\x01 HTTP/1.1\r\n\r\n", 404, "no_such_path"),
]


class _Bytes:
    """What was received, as http.client reads it."""

    def __init__(self, octets):
        self._file = io.BytesIO(octets)

    def makefile(self, *_):
        return self._file


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.evpopd = daemon.Evpopd({})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.start()
        cls.contract = contract.Contract(
            cls.evpopd, cls.evpopd.get("/v1/openapi.json"))

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.settimeout(daemon.PATIENCE)
        connection.connect(str(self.evpopd.socket))
        return connection

    def send(self, connection, octets):
        """All of it, or as much as is taken before the connection closes."""
        try:
            connection.sendall(octets)
        except ConnectionError:
            pass

    def receive(self, connection):
        """One answer, from what may hold others."""
        octets = b""
        while b"\r\n\r\n" not in octets:
            piece = connection.recv(65536)
            self.assertNotEqual(piece, b"", octets)
            octets += piece
        head, _, body = octets.partition(b"\r\n\r\n")
        answer = http.client.HTTPResponse(_Bytes(head + b"\r\n\r\n"))
        answer.begin()
        # Of HTTP/1.0 the end of the connection is the end.
        length = int(answer.headers["Content-Length"] or len(body))
        while len(body) < length:
            piece = connection.recv(length - len(body))
            self.assertNotEqual(piece, b"", octets)
            body += piece
        self.assertEqual(len(body), length, "something follows")
        return answer.status, answer.headers, body

    def expect_error(self, answer, status, code):
        got, headers, body = answer
        self.assertEqual(got, status, body)
        self.assertEqual(headers["Content-Type"], "application/json")
        value = json.loads(body)
        self.contract.validate({"$ref": contract.ERROR}, value,
                               f"error {status}")
        self.assertEqual(value["error"]["code"], code)
        self.assertNotEqual(value["error"]["message"], "")

    def test_each_gets_an_error_in_json(self):
        for octets, status, code in REFUSED:
            with self.subTest(octets[:60]):
                connection = self.connect()
                self.send(connection, octets)
                self.expect_error(self.receive(connection), status, code)
                connection.close()
        self.assertEqual(self.evpopd.get("/v1/health")["status"], "ok")

    def test_a_broken_request_behind_a_good_one(self):
        connection = self.connect()
        connection.sendall(LINE + b"Host: x\r\n\r\n")
        self.assertEqual(self.receive(connection)[0], 200)
        connection.sendall(b"GARBAGE\r\n\r\n")
        self.expect_error(self.receive(connection), 400, "bad_request")
        self.assertEqual(connection.recv(1), b"")

    def test_both_at_once(self):
        connection = self.connect()
        connection.sendall(b"HEAD /v1/openapi.json HTTP/1.1\r\n\r\nBROKEN\r\n")
        octets = b""
        while piece := connection.recv(65536):
            octets += piece
        first, _, second = octets.partition(b"\r\n\r\n")
        self.assertTrue(first.startswith(b"HTTP/1.1 200 "), first)
        self.assertTrue(second.startswith(b"HTTP/1.1 400 "), second)
        self.assertIn(b'"code":"bad_request"', second)
        self.assertNotIn(b"<", second)

    def test_what_is_taken(self):
        """Ways to ask that are odd, and none the worse."""
        for octets in (LINE + b"\r\n", b"GET /v1/status HTTP/1.0\r\n\r\n",
                       b"GET http://a.b/v1/status HTTP/1.1\r\n\r\n",
                       b"GET /v1/%73tatus HTTP/1.1\r\n\r\n",
                       POST + b"Content-Length: 2\r\n\r\n{}",
                       POST + b"Transfer-Encoding: chunked\r\n\r\n"
                       b"2\r\n{}\r\n0\r\n\r\n"):
            with self.subTest(octets[:60]):
                connection = self.connect()
                connection.sendall(octets)
                status, _, body = self.receive(connection)
                self.assertEqual(status, 404 if b"%73" in octets else 200)
                self.assertIsInstance(json.loads(body), dict)
                connection.close()

    def test_who_is_asked_to_go_on(self):
        connection = self.connect()
        connection.sendall(POST + b"Expect: 100-continue\r\n"
                           b"Content-Length: 2\r\n\r\n")
        self.assertEqual(connection.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(b"{}")
        self.assertEqual(self.receive(connection)[0], 200)


if __name__ == "__main__":
    unittest.main()
