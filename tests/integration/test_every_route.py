"""Each route of openapi.json under requests that are too large, malformed, slow,
half closed, broken off and simultaneous.

What comes back is HTTP to its last byte, each error is one of the API's in JSON,
nobody else's question is disturbed, accounts are polled meanwhile, and what the
connections took is free again.
"""

import contextlib
import json
import select
import socket
import time
import unittest

from harness import (contract, corpus, daemon, hostile, image, maildropd,
                     procs, wire)

# What each route is asked for with, besides its path.
QUERIES = {"startBackup": "file=copy.db", "deleteMessage": "reason=x",
           "deleteMessages": "account=bert&reason=x", "holdMessage": "reason=x",
           "deliverMessages": "target=anna",
           "pollAccount": "mode=dry-run"}

# Accounts that are polled meanwhile, every ten seconds.
POLLED = 30

STRANGER = 65533

# A client's pause between bytes, while others are answered.
SLOW_S = 1.0
SLOW_OCTETS = 8

# Connections of admins that are served, besides the test's own.
PLACES = 90

# Bounded by the connections of admins, each with what is read ahead and an
# answer; far below what was sent.
MEMORY_MOST = 64_000_000


def is_event_stream(octets):
    return b"text/event-stream" in octets.partition(b"\r\n\r\n")[0]


class EveryRouteTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = cls.enterClassContext(maildropd.MaildropServer(
            users={"anna": "secret", "bert": "secret"},
            synthetic=[("user", "secret", POLLED, 1, 300)]))
        server.deliver("anna", corpus.messages(20, seed=3))
        server.deliver("bert", corpus.messages(20, seed=4))
        cls.evpopd = daemon.Evpopd({
            name: {**daemon.account_of(server, name), "interval": "10s"}
            for name in ("anna", "bert", *(
                f"user{number}" for number in range(1, POLLED + 1)))},
            control={"mode": "0666"})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.targets = {"anna": {
            "type": "maildir", "path": cls.evpopd.folder / "anna"}}
        cls.evpopd.accounts["anna"]["deliver"] = "anna"
        cls.evpopd.start()
        cls.evpopd.folder.chmod(0o711)
        cls.evpopd.wait_polled()
        cls.contract = contract.Contract(
            cls.evpopd, cls.evpopd.get("/v1/openapi.json"))
        names = {"name": "anna", "number": "1",
                 "id": str(cls.evpopd.messages("anna")[0]["id"])}
        cls.routes = [hostile.Route(one, names, QUERIES.get(one.id, ""))
                      for one in cls.contract.operations.values()]

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    def setUp(self):
        self.crowd = contextlib.ExitStack()
        self.addCleanup(self.crowd.close)
        self.polls = self.polls_so_far()
        procs.reset_peak_rss(self.evpopd.pid)
        self.memory = self.evpopd.peak_rss()

    def tearDown(self):
        """All is as it was: it polls, has its memory and its descriptors."""
        self.crowd.close()
        self.assertEqual(self.evpopd.get("/v1/health")["status"], "ok")
        # What is paused; the last requests may resume it, too.
        for one in ("accounts/anna", "accounts/bert", "targets/anna"):
            if self.evpopd.get(f"/v1/{one}")["state"] == "paused":
                self.evpopd.request("POST", f"/v1/{one}/resume")
        procs.wait_for(lambda: self.polls_so_far() > self.polls,
                       what="a poll")
        procs.wait_for(lambda: self.evpopd.get("/v1/status")["connections"][
            "served"] == 1, what="the end of the connections")
        if not daemon.sanitized():
            grown = self.evpopd.peak_rss() - self.memory
            print(f"{self.id().rpartition('.')[2]}: {grown / 1e6:.1f} MB",
                  flush=True)
            self.assertLess(grown, MEMORY_MOST)

    def polls_so_far(self):
        return self.evpopd.get("/v1/status")["polls"]["total"]

    def connect(self):
        return wire.connect(self.evpopd.socket)

    def answer_of(self, connection, method):
        """Its answer, or the head of one without end; or None."""
        octets = wire.receive(
            connection, lambda so_far: is_event_stream(so_far) or
            wire.is_answered(so_far, methods=(method,)))
        found = wire.answers(octets, (method,))
        return found[0] if found else None

    def check(self, route, answer, statuses):
        self.assertIsNotNone(answer, "no answer")
        self.assertIn(answer.status, statuses, answer.body[:300])
        if answer.status >= 400:
            value = json.loads(answer.body)
            if "problems" not in value:
                self.contract.validate({"$ref": contract.ERROR}, value,
                                       f"{route.id} {answer.status}")

    def gather(self):
        """A connection for each route."""
        return {route: self.crowd.enter_context(self.connect())
                for route in self.routes}

    # One by one

    def attack(self, route, octets, statuses, user=None):
        with wire.connect(self.evpopd.socket, user) as connection:
            wire.send(connection, octets)
            self.check(route, self.answer_of(connection, route.method),
                       statuses)

    def test_attacks(self):
        count = 0
        for route in self.routes:
            for name, octets, statuses in hostile.attacks(route):
                with self.subTest(f"{route.id}: {name}"):
                    self.attack(route, octets, statuses)
                    count += 1
        print(f"{count} attacks on {len(self.routes)} routes", flush=True)

    def test_attacks_of_somebody_else(self):
        """No bad request does for a user what a good one does not."""
        if not wire.can_be(STRANGER):
            self.skipTest("only root can be somebody else")
        before = self.evpopd.messages(), self.evpopd.get("/v1/audit")
        for route in self.routes:
            if route.operation.role == "anyone":
                continue
            for name, octets, statuses in hostile.attacks(route):
                with self.subTest(f"{route.id}: {name}"):
                    self.attack(route, octets, {403} | {
                        one for one in statuses if one >= 400}, STRANGER)
        self.assertEqual((self.evpopd.messages(), self.evpopd.get("/v1/audit")),
                         before)

    def test_broken_off_at_each_octet(self):
        for route in self.routes:
            octets = route.request()
            for length in range(len(octets) + 1):
                with self.connect() as connection:
                    wire.send(connection, octets[:length])

    def test_broken_off_at_each_octet_of_a_body(self):
        for route in self.routes:
            octets = hostile.chunked(route, b"3\r\nabc\r\n0\r\nA: b\r\n\r\n")
            for length in range(len(octets) - 30, len(octets) + 1):
                with self.connect() as connection:
                    wire.send(connection, octets[:length])

    def test_gone_within_the_answer(self):
        for route in self.routes:
            for length in (1, 20, 200):
                with self.connect() as connection:
                    connection.sendall(route.request())
                    connection.recv(length)

    def test_half_closed(self):
        """As one who has left: it may get an answer, also a cut one, and is
        closed."""
        for route in self.routes:
            octets = route.request()
            for length in (0, 5, len(octets) - 2, len(octets)):
                with self.subTest(f"{route.id}: {length}"), \
                        self.connect() as connection:
                    wire.send(connection, octets[:length])
                    connection.shutdown(socket.SHUT_WR)
                    received = wire.receive(connection)
                    for answer in wire.answers(received, (route.method,)):
                        if length < len(octets):
                            self.assertEqual(answer.status, 400)

    # Many

    def test_pipelined(self):
        """As many answers as requests, in their order."""
        for route in self.routes:
            if route.id == "readEvents":
                continue
            with self.subTest(route.id), self.connect() as connection:
                connection.sendall(route.request() * 12 + b"BREW / HTTP/1.1"
                                   b"\r\n\r\n")
                octets = wire.receive(connection)
                found = wire.answers(octets, (route.method,))
                self.assertEqual(len(found), 13)
                for answer in found[:12]:
                    self.check(route, answer, route.described)
                self.assertEqual(found[12].status, 501)

    def test_simultaneous(self):
        """All routes at once, as often as there are places; each gets its own
        answer."""
        crowd = [(route, connection)
                 for _ in range(PLACES // len(self.routes))
                 for route, connection in self.gather().items()]
        for route, connection in crowd:
            connection.sendall(route.request())
        for route, connection in crowd:
            with self.subTest(route.id):
                self.check(route, self.answer_of(connection, route.method),
                           route.described)

    def test_slow(self):
        """A byte a second to each route, and then one after the other."""
        crowd = self.gather()
        octets = {route: route.request() for route in crowd}
        for at in range(max(map(len, octets.values()))):
            for route, connection in crowd.items():
                wire.send(connection, octets[route][at:at + 1])
            if at < SLOW_OCTETS:
                time.sleep(SLOW_S)
                self.assertEqual(self.evpopd.get("/v1/health")["status"], "ok")
        for route, connection in crowd.items():
            with self.subTest(route.id):
                self.check(route, self.answer_of(connection, route.method),
                           route.described)

    def test_bodies_that_drip(self):
        crowd = self.gather()
        for route, connection in crowd.items():
            connection.sendall(hostile.chunked(route, b""))
        for _ in range(200):
            for connection in crowd.values():
                connection.sendall(b"1\r\nx\r\n")
            self.assertEqual(self.evpopd.get("/v1/health")["status"], "ok")
        for route, connection in crowd.items():
            with self.subTest(route.id):
                connection.sendall(b"0\r\n\r\n")
                self.check(route, self.answer_of(connection, route.method),
                           route.described)

    def test_a_body_without_end(self):
        for route in self.routes:
            with self.subTest(route.id), self.connect() as connection:
                connection.sendall(hostile.chunked(route, b""))
                try:
                    while not select.select([connection], [], [], 0)[0]:
                        connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
                except ConnectionError:
                    pass
                self.check(route, self.answer_of(connection, route.method),
                           {413})

    def test_answers_that_nobody_reads(self):
        """As many requests as the daemon takes, of each route."""
        crowd = self.gather()
        sent = dict.fromkeys(crowd, 0)
        for route, connection in crowd.items():
            connection.setblocking(False)
            octets = route.request() * 50
            try:
                while sent[route] < 3_000_000:
                    sent[route] += connection.send(octets)
            except (BlockingIOError, ConnectionError):
                pass
        self.assertEqual(self.evpopd.get("/v1/health")["status"], "ok")
        status, _, body = self.evpopd.request("GET", "/v1/accounts")
        self.assertEqual(status, 200, body)


if __name__ == "__main__":
    image.as_root_of_its_own()
    unittest.main()
