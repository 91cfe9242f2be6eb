"""Mixed load for a while: nothing grows, nothing is wrong, nothing is lost.

Dozens of accounts poll a server that breaks off bodies and leaves QUITs
unanswered; mail comes, another client deletes some of it, people search, read
and ask for polls with evpopctl and curl, the configuration changes and is
reloaded, the store is verified.  EVPOP_SOAK_SECONDS says how long,
EVPOP_SEED makes a run's choices again those of another.  It means most with a
sanitizer in the build.
"""

import contextlib
import os
import pathlib
import poplib
import random
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

import agreement  # noqa: E402
from harness import corpus, daemon, maildropd, pop3, procs  # noqa: E402

SECONDS = int(os.environ.get("EVPOP_SOAK_SECONDS", "60"))
SEED = int(os.environ.get("EVPOP_SEED", str(random.randrange(1 << 32))))

ACCOUNTS = 36
FAULTS = 3  # of RETRs and QUITs, in percent

# Of all messages that wait for a client, more would only slow it down.
WAITING_MOST = 400

# Freed memory is kept from use, so that its use is seen, but not for ever.
SANITIZER = ("quarantine_size_mb=16:malloc_context_size=12:"
             "detect_leaks=1:abort_on_error=0")

# What memory may grow by from the second to the last third of the time, besides
# a tenth: caches fill, and
# a sanitizer keeps what was freed for a while.  A leak grows for ever.
GROWTH_MOST = 16_000_000

# What the faults above make it say; anything else is not expected.
EXPECTED = re.compile("|".join((
    r"the server closed the connection",
    r"Connection reset by peer",
    r"message \d+ was not fetched",
    r"message \d+ failed \d+ times and is now skipped",
    r"the TLS connection .*(closed|ended|end)",
    r"\[IN-USE\]",
    # While it is replaced by one that behaves.
    r"Connection refused",
)))


class SoakTest(unittest.TestCase):
    def setUp(self):
        self.chooser = random.Random(SEED)
        self.names = [f"account{number}" for number in range(ACCOUNTS)]
        self.came = {name: {} for name in self.names}
        self.done = {}
        self.extra = False

    def keys(self, server, name):
        number = self.names.index(name)
        keys = {"keep": "forever" if number % 6 == 0 else "delete",
                "tls": ("none", "implicit", "stls")[number % 3],
                "interval": "10s"}
        if number % 4 == 0:
            keys["max_deletes_per_session"] = 5
        if number % 5 == 0:
            keys["order"] = "newest"
        if number % 7 == 0:
            keys["max_messages_per_poll"] = 4
        return daemon.account_of(server, name, **keys)

    def run_for(self, seconds):
        """Load, evenly, and a look at memory now and then; the samples."""
        actions = ((self.deliver, 40), (self.ask, 8), (self.curl, 4),
                   (self.poll, 8), (self.other_client, 4), (self.reload, 1),
                   (self.pause, 1), (self.check, 0.2), (self.retry, 0.5))
        functions, weights = zip(*actions)
        end = time.monotonic() + seconds
        began = time.monotonic()
        samples = []
        while (now := time.monotonic()) < end:
            (action,) = self.chooser.choices(functions, weights)
            action()
            self.done[action.__name__] = self.done.get(action.__name__, 0) + 1
            if self.evpopd.has_ended():
                self.fail(f"it ended by itself:\n{self.evpopd.log()[-9000:]}")
            if not samples or now - samples[-1][0] >= 1:
                samples.append((now, procs.current_rss(self.evpopd.pid)))
                if len(samples) % 60 == 0:
                    print(f"{now - began:.0f} s: "
                          f"{samples[-1][1] / 1e6:.1f} MB", flush=True)
            time.sleep(0.02)
        return [(when - began, octets) for when, octets in samples]

    # What goes on

    def deliver(self):
        waiting = sum(len(os.listdir(self.server.maildrop_folder(name)))
                      for name in self.names)
        if waiting > WAITING_MOST:
            return
        name = self.chooser.choice(self.names)
        octets = (b"X-Serial: %d\r\n" % self.chooser.getrandbits(63)
                  + self.chooser.choice(self.mail))
        octets = corpus.as_received(octets)
        (unique_id,) = self.server.deliver(name, [octets])
        self.came[name][unique_id] = (len(octets), agreement.digest(octets))

    def ask(self):
        """Whatever people ask evpopctl."""
        name = self.chooser.choice(self.names)
        word = self.chooser.choice(("report", "invoice", "hello", "the",
                                    "größe", "anna OR boris", '"'))
        words = self.chooser.choice((
            ["status"], ["accounts"], ["account", name], ["polls"],
            ["messages"], ["messages", "--account", name], ["messages", "--query", word],
            ["--json", "messages", "--query", word], ["quarantine"],
            ["quarantine", "list", name]))
        done = procs.run([self.evpopd.ctl_program, "-s", self.evpopd.socket,
                          *words], daemon.PATIENCE, check=False)
        allowed = {0}
        # Not every word is a query; and some account may fail just then.
        if word == '"':
            allowed |= {64, 65}
        if words == ["status"]:
            allowed.add(1)
        self.assertIn(done.returncode, allowed, f"{words}: {done.stderr}")

    def curl(self):
        path = self.chooser.choice(("/v1/status", "/v1/accounts", "/v1/polls",
                                    "/v1/messages?limit=200&q=the",
                                    "/v1/store/check", "/v1/nothing"))
        done = procs.run(["curl", "-s", "--unix-socket", self.evpopd.socket,
                          f"http://localhost{path}"])
        self.assertTrue(done.stdout.startswith("{"), done.stdout)
        (last,), = self.evpopd.rows("SELECT coalesce(max(id), 0)"
                                    " FROM v_message")
        if last > 0:
            number = self.chooser.randint(1, last)
            status, *_ = self.evpopd.request(
                "GET", f"/v1/messages/{number}/raw")
            self.assertIn(status, (200, 404))

    def poll(self):
        name = self.chooser.choice(self.names)
        status, *_ = self.evpopd.request("POST", f"/v1/accounts/{name}/poll")
        self.assertIn(status, (200, 202, 409))

    def other_client(self):
        """Somebody else deletes what is stored and stays on the server."""
        name = self.chooser.choice(self.names[::6])
        stored = {row[0] for row in self.evpopd.rows(
            "SELECT unique_id FROM v_message WHERE account = ?", name)}
        # The maildrop may be locked, and this session broken off, too.
        with contextlib.suppress(poplib.error_proto, OSError, EOFError), \
                pop3.connect(self.server.host, self.server.port, name,
                             "secret") as connection:
            for number, unique_id in pop3.unique_ids(connection).items():
                if unique_id in stored and self.chooser.random() < 0.5:
                    connection.dele(number)

    def reload(self):
        """An account comes and goes, and others change."""
        self.extra = not self.extra
        accounts = {name: self.keys(self.server, name)
                    for name in self.names}
        if self.extra:
            accounts["nobody"] = {**accounts["account0"], "user": "nobody",
                                  "enabled": "no"}
            accounts["account1"]["timeout_body"] = "30s"
        self.evpopd.accounts = accounts
        self.evpopd.write_config()
        self.evpopd.signal(signal.SIGHUP)

    def pause(self):
        name = self.chooser.choice(self.names)
        for what in ("pause", "resume"):
            status, *_ = self.evpopd.request(
                "POST", f"/v1/accounts/{name}/{what}")
            self.assertIn(status, (200, 202, 409))

    def check(self):
        status, *_ = self.evpopd.request("POST", "/v1/store/check")
        self.assertIn(status, (200, 202, 409))

    def retry(self):
        for one in self.evpopd.pages("/v1/quarantine", "quarantine"):
            status, *_ = self.evpopd.request(
                "POST", f"/v1/quarantine/{one['id']}/retry")
            self.assertIn(status, (200, 202))

    # The end

    def drain(self):
        """All that is left, from a server that now behaves."""
        self.extra = True
        self.reload()
        self.retry()
        for name in self.names:
            self.evpopd.request("POST", f"/v1/accounts/{name}/resume")
            for _ in range(200):
                shown = self.evpopd.poll(name)
                self.assertEqual(shown["last_outcome"], "ok", shown)
                if (shown["session"]["fetched"],
                        shown["session"]["deleted"]) == (0, 0):
                    break

    def unexpected(self):
        return [line for line in self.evpopd.log().splitlines()
                if re.search(r" (warning|error): ", line)
                and not EXPECTED.search(line)]

    def test_soak(self):
        print(f"EVPOP_SEED={SEED} EVPOP_SOAK_SECONDS={SECONDS}", flush=True)
        self.mail = corpus.messages(80, 400_000, seed=SEED)
        self.mail.append(corpus.message(0, 900_000, "mixed"))
        with maildropd.MaildropServer(
                users={name: "secret" for name in self.names}, delay_ms=1,
                extra=["--cut-bodies", str(FAULTS), "--drop-quits",
                       str(FAULTS), "--fault-seed", str(SEED)]) as server:
            self.server = server
            self.evpopd = daemon.Evpopd(
                {name: self.keys(server, name) for name in self.names},
                daemon={"max_sessions_per_host": 12},
                environment={"ASAN_OPTIONS": SANITIZER})
            self.addCleanup(self.evpopd.remove)
            self.evpopd.start()
            samples = self.run_for(SECONDS)
            server.restart(extra=[])
            stats = server.last_stats()
            self.drain()
            polls = self.evpopd.get("/v1/status")["polls"]["total"]
            self.evpopd.halt(300)
            unexpected = self.unexpected()
            found = agreement.compare(self.evpopd.store_file, self.came)
        third = [octets for when, octets in samples
                 if SECONDS / 3 <= when < SECONDS * 2 / 3]
        last = [octets for when, octets in samples
                if when >= SECONDS * 2 / 3]
        # The mean of many looks, for a single one is by chance.
        before, after = (sum(part) / len(part) for part in (third, last))
        agreement.table("Mixed load", (
            "", "s", "polls", "cut", "dropped", "RSS in the 2nd third",
            "in the last", "peak", "not expected in the log", "messages",
            "lost", "doubled"), [(
                f"seed {SEED}", SECONDS, polls, stats["bodies_cut"],
                stats["quits_dropped"], f"{before / 1e6:.1f} MB",
                f"{after / 1e6:.1f} MB",
                f"{max(octets for _, octets in samples) / 1e6:.1f} MB",
                len(unexpected), found.messages, found.lost,
                found.doubled)])
        print(", ".join(f"{name} {count}"
                        for name, count in sorted(self.done.items())),
              flush=True)
        self.assertEqual(unexpected, [])
        self.assertEqual(found.faults, [])
        self.assertGreater(polls, SECONDS)
        self.assertLess(after - before, GROWTH_MOST + before / 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
