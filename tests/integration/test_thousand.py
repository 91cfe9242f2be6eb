"""A thousand connections, half of them idle, the others asking without a pause.

They are an admin's, or of a user who may do nothing.  Polls go on as without
them, which is measured in the same run; an admin's questions are answered; the
daemon's memory stays within what its connections may take.
"""

import contextlib
import http.client
import multiprocessing
import os
import resource
import selectors
import socket
import time
import unittest

from harness import contract, daemon, maildropd, procs, wire

CONNECTIONS = 1000
STRANGER = 65533

# Accounts, each polled every ten seconds, and how long that is watched.
ACCOUNTS = 60
WATCHED_S = 20

# What 96 connections of admins and 64 of others take with an answer each.
MEMORY_MOST = 64_000_000

# What a question would wait for if it waited for idle connections.
IDLE_S = 30


def raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Asker:
    """A connection that asks again as soon as it is answered."""

    def __init__(self, selector, path, targets, number):
        self.selector, self.path, self.targets = selector, path, targets
        self.number, self.socket = number, None
        self.answers = self.refused = self.closed = 0

    def connect(self):
        self.octets = b""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.setblocking(False)
        try:
            self.socket.connect(self.path)
        except BlockingIOError:
            # The queue is full: the next turn.
            self.socket.close()
            self.socket = None
            return
        self.selector.register(self.socket, selectors.EVENT_READ, self)
        self.ask()

    def ask(self):
        self.octets = b""
        self.number += 1
        target = self.targets[self.number % len(self.targets)]
        with contextlib.suppress(ConnectionError, BlockingIOError):
            self.socket.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"
                             .encode())

    def leave(self):
        self.selector.unregister(self.socket)
        self.socket.close()
        self.socket = None

    def heed(self):
        piece = b""
        with contextlib.suppress(ConnectionError):
            piece = self.socket.recv(1 << 20)
        self.octets += piece
        if not piece:
            self.closed += 1
            self.leave()
        elif wire.is_answered(self.octets):
            [answer] = wire.answers(self.octets)
            self.answers += 1
            self.refused += answer.status == 503
            self.ask()


def crowd(path, targets, user, pipe):
    """The crowd, in a process of its own, until it is told to end."""
    raise_limit()
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    idle = []
    for _ in range(CONNECTIONS // 2):
        one = socket.socket(socket.AF_UNIX)
        one.connect(path)
        idle.append(one)
    selector = selectors.DefaultSelector()
    askers = [Asker(selector, path, targets, number)
              for number in range(CONNECTIONS // 2)]
    pipe.send("begun")
    while not pipe.poll():
        for one in askers:
            if one.socket is None:
                one.connect()
        for key, _ in selector.select(0.05):
            key.data.heed()
    pipe.send((sum(one.answers for one in askers),
               sum(one.refused for one in askers),
               sum(one.closed for one in askers)))


class ThousandTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if raise_limit() < CONNECTIONS + 1100:
            raise unittest.SkipTest("not enough descriptors for a crowd")
        server = cls.enterClassContext(maildropd.MaildropServer(
            synthetic=[("user", "secret", ACCOUNTS, 3, 2000)]))
        cls.evpopd = daemon.Evpopd({
            f"user{number}": {**daemon.account_of(server, f"user{number}"),
                              "interval": "10s"}
            for number in range(1, ACCOUNTS + 1)},
            control={"mode": "0666"}, daemon={"max_sessions_per_host": 16})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.start()
        cls.evpopd.folder.chmod(0o711)
        # From the second on they are spread over the interval.
        procs.wait_for(lambda: cls.polls() >= 2 * ACCOUNTS,
                       what="two polls of each account")
        document = cls.evpopd.get("/v1/openapi.json")
        # Whatever can be asked without changing anything, and ends.
        cls.targets = [
            one.path.replace("{name}", "user1").replace("{id}", "1")
            .replace("{number}", "1")
            for one in contract.Contract(
                cls.evpopd, document).operations.values()
            if one.method == "get" and one.id != "readEvents"]
        cls.alone = cls.watch()

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    @classmethod
    def watch(cls):
        """Polls, questions of an admin, and the longest of those, meanwhile."""
        end = time.monotonic() + WATCHED_S
        before = cls.polls()
        questions, longest = 0, 0.0
        while time.monotonic() < end:
            begun = time.monotonic()
            cls.evpopd.ctl("status")
            longest = max(longest, time.monotonic() - begun)
            questions += 1
            time.sleep(0.1)
        return cls.polls() - before, questions, longest

    @classmethod
    def get(cls, path):
        """Asked again where its connection was closed for another admin's."""
        end = time.monotonic() + procs.PATIENCE
        while True:
            try:
                return cls.evpopd.get(path)
            except (http.client.HTTPException, OSError):
                if time.monotonic() > end:
                    raise

    @classmethod
    def polls(cls):
        status = cls.get("/v1/status")
        if status["polls"]["failed"]:
            raise AssertionError(status["polls"])
        return status["polls"]["total"]

    def expect_as_alone(self, user):
        procs.reset_peak_rss(self.evpopd.pid)
        memory = self.evpopd.peak_rss()
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        child = context.Process(target=crowd, args=(
            os.fspath(self.evpopd.socket), self.targets, user, theirs))
        child.start()
        try:
            self.assertTrue(ours.poll(procs.PATIENCE))
            self.assertEqual(ours.recv(), "begun")
            polls, questions, longest = self.watch()
            ours.send("end")
            self.assertTrue(ours.poll(procs.PATIENCE))
            answers, refused, closed = ours.recv()
        finally:
            child.kill()
            child.join()
        grown = self.evpopd.peak_rss() - memory
        print(f"polls in {WATCHED_S} s: {polls}, alone {self.alone[0]}; "
              f"questions of an admin: {questions}, the longest "
              f"{longest * 1000:.0f} ms, alone {self.alone[2] * 1000:.0f} ms; "
              f"the crowd: {answers} answers, of them {refused} refused, "
              f"{closed} connections closed; {grown / 1e6:.1f} MB",
              flush=True)
        self.assertGreater(answers, 0)
        # A poll that begins a moment later is behind the end of the watch.
        self.assertGreaterEqual(2 * polls, self.alone[0])
        self.assertLess(longest, IDLE_S)
        if not daemon.sanitized():
            self.assertLess(grown, MEMORY_MOST)
        procs.wait_for(lambda: self.get("/v1/status")["connections"][
            "served"] == 1, what="the end of the crowd")
        self.assertEqual(self.get("/v1/health")["status"], "ok")

    def test_of_an_admin(self):
        self.expect_as_alone(None)

    def test_of_somebody_else(self):
        if not wire.can_be(STRANGER):
            self.skipTest("only root can be somebody else")
        self.expect_as_alone(STRANGER)


if __name__ == "__main__":
    unittest.main()
