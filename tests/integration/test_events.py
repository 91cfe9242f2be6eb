"""Events as curl and evpopctl see them, and a thousand readers of them.

Nothing here is judged by time; how late polls were, and what the readers cost,
is printed.
"""

import contextlib
import datetime
import json
import os
import pathlib
import resource
import selectors
import signal
import socket
import subprocess
import unittest

from harness import corpus, daemon, maildropd, procs, scripted

READERS = 1000
# Those with an odd number read nothing.
ASLEEP = READERS // 2
ACCOUNTS = 60
INTERVAL_MS = 10000
# What a reader may cost: its connection and one part of the feed.
COST_KIB = 48


class Lines:
    """The lines that a program prints, as they come."""

    def __init__(self, process):
        self._stream = process.stdout
        self._rest = b""
        self.all = []
        os.set_blocking(self._stream.fileno(), False)

    def read(self):
        with contextlib.suppress(BlockingIOError):
            self._rest += os.read(self._stream.fileno(), 1 << 20)
        *lines, self._rest = self._rest.split(b"\n")
        self.all += [line.decode() for line in lines]
        return self.all

    def wait_for(self, condition, what):
        procs.wait_for(lambda: condition(self.read()), what=what)
        return self.all


class EventsTest(unittest.TestCase):
    def start(self, accounts=1, **keys):
        users = {f"user{i}": "secret" for i in range(accounts)}
        self.server = self.enterContext(maildropd.MaildropServer(users=users))
        self.evpopd = self.enterContext(daemon.Evpopd(
            {user: daemon.account_of(self.server, user, **keys)
             for user in users}))

    def ctl_events(self, *words):
        """evpopctl events in the background, and its lines."""
        process = subprocess.Popen(
            [self.evpopd.ctl_program, "-s", self.evpopd.socket, "events",
             *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=procs.die_with_parent(signal.SIGKILL))
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, Lines(process)

    def test_a_restart_is_said_and_survived(self):
        self.start()
        self.evpopd.wait_polled()
        self.server.deliver("user0", corpus.messages(3, 1000, seed=1))
        process, lines = self.ctl_events("--json", "--since", "0")
        self.evpopd.poll("user0")
        lines.wait_for(lambda all: sum('"message-stored"' in one
                                       for one in all) == 3, "three messages")
        lines.wait_for(lambda all: any(json.loads(one).get("fetched") == 3
                                       for one in all), "the end of the poll")
        self.evpopd.restart()
        lines.wait_for(lambda all: '"lost"' in "".join(all), "what is lost")
        self.evpopd.wait_polled()
        lines.wait_for(lambda all: '"poll-over"' in all[-1] or
                       '"poll-over"' in all[-2], "the new daemon's poll")
        events = [json.loads(line) for line in lines.all]
        kinds = [one["event"] for one in events]
        self.assertEqual(kinds.count("lost"), 1)
        cut = kinds.index("lost")
        for run in (events[:cut], events[cut:]):
            first = run[0]["id"]
            self.assertEqual([one["id"] for one in run],
                             list(range(first, first + len(run))))
        # No id of one run is one of the other's.
        self.assertLess(events[cut - 1]["id"], events[cut]["id"])
        self.assertEqual(events[cut]["since"], events[cut - 1]["id"])
        [over] = [one for one in events[:cut]
                  if one["event"] == "poll-over" and one["fetched"]]
        self.assertEqual((over["fetched"], over["outcome"]), (3, "ok"))
        # It ends as whatever is interrupted does, with whole lines.
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), -signal.SIGINT)
        said = process.stderr.read().decode()
        self.assertIn("the daemon has ended the stream; waiting for it", said)
        self.assertIn("the daemon is there again", said)

    def test_filters_and_ends(self):
        self.start(2)
        self.evpopd.wait_polled()
        out = self.evpopd.ctl("events", "--since", "0", "--account", "user1",
                              "--kind", "poll-begun,poll-over", "--count",
                              "2").stdout
        first, second = out.splitlines()
        self.assertRegex(first, r"^\d{4}-\d\d-\d\dT[\d:.]+Z  user1: poll begins$")
        self.assertRegex(second, r"user1: poll ok: 0 on the server, 0 fetched$")
        # A reader that goes ends it without a word.
        done = procs.run(
            ["sh", "-c", f"{self.evpopd.ctl_program} -s {self.evpopd.socket} "
             "events --since 0 | head -n 1"])
        self.assertEqual((len(done.stdout.splitlines()), done.stderr), (1, ""))
        for words, reason in ((("--since", "x"), "whole number"),
                              (("--count", "0"), "whole number"),
                              (("--kind", "poll-begin"),
                               'did you mean "poll-begun"?')):
            self.assertIn(reason, self.evpopd.ctl("events", *words,
                                                  code=64).stderr)
        self.evpopd.halt()
        self.assertIn("is evpopd running?",
                      self.evpopd.ctl("events", code=69).stderr)
        self.evpopd.start()

    def test_who_waits_for_a_session_is_told_of(self):
        """The one whose turn it is keeps the other waiting."""
        server = self.enterContext(scripted.ScriptedServer())
        self.evpopd = self.enterContext(daemon.Evpopd(
            {"slow": daemon.account_of(server, "slow", interval="30d"),
             "b": daemon.account_of(server, "b", interval="10s")},
            daemon={"max_sessions": 1}))
        self.evpopd.wait_polled()
        server.answers["USER slow"] = scripted.fall_silent(b"")
        _, lines = self.ctl_events("--json", "--since", "0", "--account",
                                   "b", "--kind", "account-state")
        self.evpopd.request("POST", "/v1/accounts/slow/poll")
        lines.wait_for(lambda all_: any(
            json.loads(line)["to"] == "queued" for line in all_),
            "the event")

    def test_who_may_see_no_mail_reads_events_without_any(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        self.start()
        self.evpopd.let_others_run()
        self.evpopd.socket.chmod(0o666)
        self.server.deliver("user0", [
            b"From: Carla <carla@example.net>\r\nSubject: zebra\r\n\r\nquagga\r\n"])
        self.evpopd.poll("user0")
        done = procs.run(
            ["setpriv", "--reuid", "65534", "--clear-groups",
             self.evpopd.ctl_program, "-s", self.evpopd.socket, "events",
             "--json", "--since", "0", "--kind", "message-stored", "--count",
             "1"], cwd="/")
        event = json.loads(done.stdout)
        self.assertEqual((event["account"], event["event"]),
                         ("user0", "message-stored"))
        self.assertNotRegex(done.stdout, "zebra|carla|quagga")

    # A thousand readers

    def memory_kib(self):
        status = pathlib.Path(f"/proc/{self.evpopd.pid}/status").read_text()
        [line] = [one for one in status.splitlines()
                  if one.startswith("VmRSS:")]
        return int(line.split()[1])

    def open_readers(self, count):
        made = []
        for _ in range(count):
            one = self.enterContext(socket.socket(socket.AF_UNIX))
            one.connect(os.fspath(self.evpopd.socket))
            one.send(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
            # The socket's queue is short: whoever fills it is refused.
            one.recv(1, socket.MSG_PEEK)
            made.append(one)
        return made

    def lateness_ms(self, since):
        """How much longer than the interval each account's polls since then
        are apart."""
        process, lines = self.ctl_events("--json", "--since", str(since),
                                         "--kind", "poll-begun")
        lines.wait_for(lambda all: len(all) >= 3 * ACCOUNTS, "polls")
        process.kill()
        last, late = {}, []
        for event in map(json.loads, lines.all):
            if event["event"] != "poll-begun":
                continue
            begun = datetime.datetime.fromisoformat(event["time"])
            if event["account"] in last:
                apart = begun - last[event["account"]]
                late.append(round(apart.total_seconds() * 1000) - INTERVAL_MS)
            last[event["account"]] = begun
        return sorted(late)

    def show(self, what, late):
        print(f"{what}: RSS {self.memory_kib()} KiB, polls apart by the interval and "
              f"{late[len(late) // 2]} ms (median), {late[-1]} ms (most) "
              f"of {len(late)}")

    def test_a_thousand_readers_half_of_them_asleep(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < READERS + 1024:
            self.skipTest("not enough descriptors for a crowd")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.start(ACCOUNTS, interval=f"{INTERVAL_MS // 1000}s",
                   interval_min=f"{INTERVAL_MS // 1000}s",
                   interval_max=f"{INTERVAL_MS // 1000}s")
        self.evpopd.wait_polled()

        def newest():
            return self.evpopd.get("/v1/status")["events"]["newest"]

        self.show("no reader", self.lateness_ms(newest()))
        before = self.memory_kib()
        readers = self.open_readers(READERS)
        awake = readers[:READERS - ASLEEP]
        procs.wait_for(lambda: self.evpopd.get("/v1/status")["events"][
            "readers"] >= READERS, what="all readers")
        since = newest()
        heard = dict.fromkeys(awake, 0)
        with selectors.DefaultSelector() as selector:
            for one in awake:
                one.setblocking(False)
                selector.register(one, selectors.EVENT_READ)

            def has_dropped():
                for key, _ in selector.select(0.05):
                    got = key.fileobj.recv(1 << 16)
                    self.assertNotEqual(got, b"", "an awake one was dropped")
                    heard[key.fileobj] += got.count(b"event: poll-over")
                return self.evpopd.get("/v1/status")["events"]["dropped"] >= \
                    ASLEEP

            most = self.memory_kib()
            polled = newest()
            while not has_dropped():
                most = max(most, self.memory_kib())
        print(f"{READERS} readers, {ASLEEP} asleep: RSS {before} KiB before, "
              f"{most} KiB at most; heard {min(heard.values())} to "
              f"{max(heard.values())} polls each")
        self.show("with readers", self.lateness_ms(max(since, polled)))
        # A sanitizer keeps what was freed.
        if not daemon.sanitized():
            self.assertLess(most - before, READERS * COST_KIB)
        # All that read have heard of all polls; the last may be on its way.
        self.assertGreater(min(heard.values()), ACCOUNTS)
        procs.wait_for(lambda: self.evpopd.get("/v1/status")["events"][
            "readers"] == READERS - ASLEEP, what="only those awake")
        self.evpopd.wait_logged("which took nothing for 30 s")
        for user in self.evpopd.accounts:
            self.assertEqual(self.evpopd.account(user)["last_outcome"], "ok")


if __name__ == "__main__":
    unittest.main()
