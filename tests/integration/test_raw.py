"""A message's bytes over HTTP: ranges, entity tags, and readers of all speeds
in bounded memory."""

import socket
import unittest

from harness import corpus, daemon, image, maildropd, procs, scripted

SIZE = 3_000_000
HUGE = 300 * 1024 * 1024
READERS = 8


def lines_of(size):
    """A message of so many octets, in which every place is another."""
    head = b"Subject: large\r\n\r\n"
    line = 64
    count = (size - len(head)) // line
    body = b"".join(b"%061d.\r\n" % number for number in range(count))
    rest = size - len(head) - len(body)
    return head + body + b"x" * (rest - 2) + b"\r\n" if rest >= 2 else \
        head + body


class RawTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(maildropd.MaildropServer(
            users={"anna": "secret"}, tls=False))
        cls.octets = lines_of(SIZE)
        cls.server.deliver("anna", [cls.octets])
        cls.half = b"Subject: half\r\n\r\nword\r\n"
        cls.scripted = cls.enterClassContext(scripted.ScriptedServer(
            corpus.messages(4, seed=51), {"RETR 2": scripted.break_off(
                b"+OK\r\n" + cls.half + b"and")}))
        cls.evpopd = daemon.Evpopd({
            "anna": daemon.account_of(cls.server, "anna"),
            "bert": daemon.account_of(
                cls.scripted, "bert", timeout_body="300ms")})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.start()
        cls.evpopd.wait_polled()
        for _ in range(2):
            cls.evpopd.poll("bert")
        number = cls.evpopd.messages("anna")[0]["id"]
        cls.path = f"/v1/messages/{number}/raw"
        cls.octets = cls.evpopd.raw(number)

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    def get(self, path, method="GET", **headers):
        return self.evpopd.request(method, path, {
            name.replace("_", "-"): value for name, value in headers.items()})

    def test_ranges(self):
        """All that one range can be, also where pieces meet."""
        whole = self.octets
        size = len(whole)
        self.assertGreater(size, 2_900_000)
        for text, first, last in (
                ("0-0", 0, 0), ("0-99", 0, 99), ("5-", 5, size - 1),
                ("-1", size - 1, size - 1), ("-1000", size - 1000, size - 1),
                (f"-{size + 5}", 0, size - 1),
                (f"{size - 1}-", size - 1, size - 1),
                (f"0-{size * 2}", 0, size - 1),
                (f"100-{2 ** 64}", 100, size - 1),
                ("262143-262144", 262143, 262144),
                ("1048570-1048600", 1048570, 1048600),
                ("2000000-2999999", 2000000, 2999999),
                (" 7-9 ", 7, 9)):
            last = min(last, size - 1)
            with self.subTest(text):
                status, headers, body = self.get(
                    self.path, Range="bytes=" + text)
                self.assertEqual(status, 206)
                self.assertEqual(headers["Content-Range"],
                                 f"bytes {first}-{last}/{size}")
                self.assertEqual(int(headers["Content-Length"]), len(body))
                self.assertEqual(body, whole[first:last + 1])

    def test_every_place_is_found(self):
        size = len(self.octets)
        for first in range(0, size, 99_991):
            _, _, body = self.get(
                self.path, Range=f"bytes={first}-{first + 10}")
            self.assertEqual(body, self.octets[first:first + 11], first)

    def test_ranges_that_are_none(self):
        """What cannot be read as one range gets the whole."""
        for text in ("bytes=", "bytes=-", "bytes=9-3", "bytes=a-b", "lines=1-2",
                     "bytes=1-2,4-5", "bytes 1-2", "bytes=1-2x", ""):
            with self.subTest(text):
                status, headers, body = self.get(self.path, Range=text)
                self.assertEqual(status, 200)
                self.assertIsNone(headers["Content-Range"])
                self.assertEqual(len(body), len(self.octets))

    def test_ranges_behind_the_end(self):
        size = len(self.octets)
        for text in (f"{size}-", f"{size}-{size + 5}", "-0", f"{2 ** 70}-"):
            with self.subTest(text):
                status, headers, body = self.get(
                    self.path, Range="bytes=" + text)
                self.assertEqual(status, 416)
                self.assertEqual(headers["Content-Range"], f"bytes */{size}")
                self.assertIn(b"range_not_satisfiable", body)

    def test_tags(self):
        status, headers, body = self.get(self.path)
        tag = headers["ETag"]
        row = self.evpopd.messages("anna")[0]
        self.assertEqual((status, tag), (200, f'"{row["digest"]}"'))
        self.assertEqual(headers["Accept-Ranges"], "bytes")
        for known, expected in (
                (tag, 304), (f'"a,b" , {tag}', 304), ("W/" + tag, 304),
                ("*", 304), ('"other"', 200), (tag[1:-1], 200)):
            status, headers, body = self.get(self.path, If_None_Match=known)
            self.assertEqual(status, expected, known)
            self.assertEqual(headers["ETag"], tag)
            self.assertEqual(len(body),
                             0 if expected == 304 else len(self.octets))
        for condition, expected in ((tag, 206), ('"other"', 200),
                                    ("W/" + tag, 200),
                                    ("Thu, 1 Jan 2099 00:00:00 GMT", 200)):
            status, headers, body = self.get(
                self.path, Range="bytes=0-9", If_Range=condition)
            self.assertEqual(status, expected, condition)
            self.assertEqual(len(body), 10 if expected == 206
                             else len(self.octets))

    def test_head(self):
        """The headers of a whole GET, whatever range is asked for."""
        _, expected, _ = self.get(self.path)
        for headers in {}, {"Range": "bytes=0-9"}:
            status, got, body = self.get(self.path, "HEAD", **headers)
            self.assertEqual((status, body), (200, b""))
            for name in ("Content-Length", "Content-Type", "ETag",
                         "Accept-Ranges"):
                self.assertEqual(got[name], expected[name])

    def test_quarantine(self):
        number = self.evpopd.get("/v1/quarantine")["quarantine"][0]["id"]
        path = f"/v1/quarantine/{number}/raw"
        _, headers, whole = self.get(path)
        self.assertEqual(whole[:len(self.half)], self.half)
        status, _, body = self.get(path, Range="bytes=3-8")
        self.assertEqual((status, body), (206, whole[3:9]))
        status, _, _ = self.get(path, If_None_Match=headers["ETag"])
        self.assertEqual(status, 304)

    def test_curl_goes_on(self):
        """A download that was cut is resumed."""
        with procs.temporary_folder() as folder:
            file = folder / "message"
            file.write_bytes(self.octets[:1_000_001])
            procs.run(["curl", "-sS", "--fail", "-C", "-", "-o", file,
                       "--unix-socket", self.evpopd.socket,
                       "http://evpopd" + self.path])
            self.assertEqual(file.read_bytes(), self.octets)


class HugeTest(unittest.TestCase):
    """300 MiB, and readers that take it slowly."""

    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}, tls=False))
        self.server.deliver("anna", [lines_of(HUGE)])
        self.evpopd = self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna",
                                       max_message_size="1G")},
            daemon={"memory_limit": "8M"}))
        self.evpopd.wait_polled()
        row, = self.evpopd.messages()
        self.size = row["bytes"]
        self.path = f"/v1/messages/{row['id']}/raw"
        self.assertGreaterEqual(self.size, HUGE)

    def reader(self):
        """Who has asked, and takes nothing yet."""
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.settimeout(daemon.PATIENCE)
        connection.connect(str(self.evpopd.socket))
        connection.sendall(f"GET {self.path} HTTP/1.1\r\nHost: x\r\n"
                           "Connection: close\r\n\r\n".encode())
        return connection

    def read_written(self):
        """Octets that the daemon has read from files and sockets so far."""
        with open(f"/proc/{self.evpopd.pid}/io", encoding="ascii") as file:
            for line in file:
                if line.startswith("rchar:"):
                    return int(line.split()[1])
        raise AssertionError("no rchar")

    def take(self, connection):
        """Read to the end; how many octets came."""
        taken = 0
        while piece := connection.recv(1 << 20):
            taken += len(piece)
        return taken

    @unittest.skipIf(daemon.sanitized(), "sanitizers need memory")
    def test_memory_is_bounded(self):
        before = self.evpopd.peak_rss()
        slow = [self.reader() for _ in range(READERS)]
        # Each takes a little, and then waits.
        taken = [len(one.recv(4096)) for one in slow]
        self.assertTrue(all(taken))
        # One that is quick passes them.
        self.assertGreater(self.take(self.reader()), self.size)
        for place in range(2):
            self.assertGreater(taken[place] + self.take(slow[place]),
                               self.size)
        peak = self.evpopd.peak_rss()
        # A piece or two for each, and what the store has for its pages.
        print(f"peak RSS, {READERS} readers: {peak / 1e6:.1f} MB", flush=True)
        self.assertLess(peak, 64 << 20, before)

    def late_range(self):
        """How much is read for it; the daemon may have other work besides."""
        before = self.read_written()
        first = self.size - 1_000_000
        status, _, body = self.evpopd.request(
            "GET", self.path, {"Range": f"bytes={first}-{first + 99}"})
        self.assertEqual((status, len(body)), (206, 100))
        return self.read_written() - before

    def test_late_ranges_read_little(self):
        """What stands before a range is not read for it."""
        self.evpopd.request("GET", self.path, {"Range": "bytes=0-9"})
        # The index and the log of the store are at rest sooner or later.
        procs.wait_for(lambda: self.late_range() < 4 << 20,
                       what="a late range for which little is read")


if __name__ == "__main__":
    image.as_root_of_its_own()
    unittest.main()
