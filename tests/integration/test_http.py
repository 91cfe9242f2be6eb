"""Requests that are no HTTP, too large or in a way that is not taken: each gets
one error in JSON, and hurts nobody else."""

import json
import threading
import unittest

from harness import contract, daemon, procs, wire

LINE = b"GET /v1/status HTTP/1.1\r\n"
POST = b"POST /v1/reload HTTP/1.1\r\n"

# What is sent, the status and the code.
REFUSED = [
    (b"GARBAGE\r\n\r\n", 400, "bad_request"),
    (b"GET\r\n\r\n", 400, "bad_request"),
    (b"GET /v1/status\r\n\r\n", 400, "bad_request"),
    (b"GET /v1/status HTTP/9.9\r\n\r\n", 400, "bad_request"),
    (b"GET /v1/status HTTP/x\r\n\r\n", 400, "bad_request"),
    (b"GET /v1/status HTTP/0.9\r\n\r\n", 400, "bad_request"),
    (b"BREW /v1/status HTTP/0.9\r\n\r\n", 501, "unknown_method"),
    (b"BREW /v1/status HTTP/1.123456789\r\n\r\n", 501, "unknown_method"),
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
    # Where these end is told differently by whoever reads them.
    (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400,
     "bad_request"),
    (POST + b"Content-Length: 0\r\nContent-Length: 30\r\n\r\n", 400,
     "bad_request"),
    (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400,
     "bad_request"),
    (POST + b"Content-Length: +2\r\n\r\n{}", 400, "bad_request"),
    (POST + b"Content-Length: -0\r\n\r\n", 400, "bad_request"),
    (POST + b"Content-Length : 2\r\n\r\n", 400, "bad_request"),
    (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"0\r\n\r\n", 400, "bad_request"),
    (POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"0\r\n\r\n", 501, "unknown_encoding"),
    (LINE + b": x\r\n\r\n", 400, "bad_request"),
    (LINE + b"A B: x\r\n\r\n", 400, "bad_request"),
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
        return self.enterContext(wire.connect(self.evpopd.socket))

    def receive(self, connection):
        """One answer, and nothing behind it."""
        [answer] = wire.answers(wire.receive(connection, wire.is_answered))
        return answer.status, answer.headers, answer.body

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
                wire.send(connection, octets)
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

    def test_more_requests_than_are_read_ahead(self):
        """Sent at once, and read late: each is answered."""
        count = 10000
        connection = self.connect()
        # Others let time pass for the daemon, in which nothing moves.
        sender = threading.Thread(target=wire.send, args=(
            connection, b"GET /v1/health HTTP/1.1\r\n\r\n" * count))
        sender.start()
        procs.wait_for(lambda: self.evpopd.get("/v1/status")["uptime_seconds"]
                       > 3, what="three seconds")
        octets = wire.receive(
            connection, lambda so_far: so_far.count(b"HTTP/1.1 ") == count)
        self.assertEqual([one.status for one in wire.answers(octets)],
                         [200] * count)
        sender.join()

    def test_a_line_without_end_in_a_body(self):
        """No more is read than is bounded; then the client is told."""
        for line in (b"0", b"1;a=b"):
            with self.subTest(line):
                connection = self.connect()
                wire.send(connection, POST + b"Transfer-Encoding: chunked"
                          b"\r\n\r\n" + line * 50000)
                # The socket's buffers take what the daemon does not.
                connection.setblocking(False)
                try:
                    while connection.send(line * 10000):
                        pass
                except (BlockingIOError, ConnectionError):
                    pass
                connection.settimeout(daemon.PATIENCE)
                self.expect_error(self.receive(connection), 413,
                                  "request_too_large")

    def test_what_is_taken(self):
        """Ways to ask that are odd, and none the worse."""
        for octets in (LINE + b"\r\n", b"GET /v1/status HTTP/1.0\r\n\r\n",
                       b"GET /v1/status HTTP/1.7\r\n\r\n",
                       b"GET /v1/status HTTP/1.170\r\n\r\n",
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
