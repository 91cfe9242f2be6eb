"""kill -9 at random moments, under a server that is none too good itself.

A daemon polls several maildrops into which mail keeps coming; it is killed
again and again, while the server breaks off some of the bodies, answers with
nothing instead of others, and leaves some QUITs unanswered once it has obeyed
them.  In the end the server behaves, and
then it and the store must agree.  EVPOP_KILLS says how often; EVPOP_SEED makes
a run's choices again those of another.
"""

import os
import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

import agreement  # noqa: E402
from harness import corpus, daemon, maildropd  # noqa: E402

KILLS = int(os.environ.get("EVPOP_KILLS", "40"))
SEED = int(os.environ.get("EVPOP_SEED", str(random.randrange(1 << 32))))

# Of RETRs and QUITs, in percent.
FAULTS = 5

# What the accounts differ in.
ACCOUNTS = {
    "plain": {"keep": "delete"},
    "tls": {"keep": "delete", "tls": "implicit"},
    "stls": {"keep": "delete", "tls": "stls"},
    "newest": {"keep": "delete", "order": "newest"},
    "few": {"keep": "delete", "max_messages_per_poll": 3},
    "kept": {"keep": "forever"},
}

# A slow network, so that there is a middle of a session to be killed in.
DELAY_MS = 5


class Mail:
    """New mail of every kind, no two messages equal.

    One that equals another, which was deleted by a QUIT that nobody answered,
    is that other one under a new id for all that a client can know.
    """

    def __init__(self, chooser):
        self._chooser = chooser
        self._made = corpus.messages(60, 400_000, seed=chooser.random())
        self._made.append(corpus.message(0, 700_000, "mixed"))
        self._serial = 0

    def next(self):
        self._serial += 1
        return b"X-Serial: %d\r\n" % self._serial + self._chooser.choice(
            self._made)


class KillsTest(unittest.TestCase):
    def setUp(self):
        self.chooser = random.Random(SEED)
        self.mail = Mail(self.chooser)
        # account -> {unique-id: (size, digest)}, of all that ever came
        self.came = {name: {} for name in ACCOUNTS}

    def deliver(self, server, most):
        for _ in range(self.chooser.randint(0, most)):
            name = self.chooser.choice(list(ACCOUNTS))
            octets = self.mail.next()
            (unique_id,) = server.deliver(name, [octets])
            # What a server sends ends with a line end.
            if octets and not octets.endswith(b"\r\n"):
                octets += b"\r\n"
            self.came[name][unique_id] = (len(octets),
                                          agreement.digest(octets))

    def measure(self, server, evpopd):
        """How long a daemon takes here from its start to its first polls."""
        self.deliver(server, 16)
        began = time.monotonic()
        evpopd.start()
        evpopd.wait_polled()
        evpopd.kill()
        return time.monotonic() - began

    def live_and_die(self, server, evpopd, usual):
        """One life of the daemon, short enough to be in the middle."""
        self.deliver(server, 16)
        evpopd.start(wait=False)
        longest = usual * self.chooser.choice((0.5, 1, 1, 1.5, 3))
        end = time.monotonic() + self.chooser.uniform(0, longest)
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))
            if left > 0.05:
                self.deliver(server, 2)
        if evpopd.has_ended():
            self.fail(f"it ended by itself:\n{evpopd.log()}")
        evpopd.kill()

    def finish(self, evpopd):
        """Polls until nothing is left to do.

        Returns how many it took, and how many messages were in quarantine.
        """
        evpopd.start()
        polls = 0
        quarantined = evpopd.pages("/v1/quarantine", "quarantine")
        for one in quarantined:
            evpopd.ctl("quarantine", "retry", str(one["id"]))
        for name in ACCOUNTS:
            for _ in range(500):
                shown = evpopd.poll(name)
                polls += 1
                self.assertEqual(shown["last_outcome"], "ok", shown)
                if (shown["session"]["fetched"],
                        shown["session"]["deleted"]) == (0, 0):
                    break
            else:
                self.fail(f"{name} does not come to an end")
        evpopd.halt()
        return polls, len(quarantined)

    def test_kills(self):
        print(f"EVPOP_SEED={SEED} EVPOP_KILLS={KILLS}", flush=True)
        extra = ["--cut-bodies", str(FAULTS), "--drop-quits", str(FAULTS),
                 "--empty-bodies", str(FAULTS),
                 "--fault-seed", str(SEED)]
        with maildropd.MaildropServer(
                users={name: "secret" for name in ACCOUNTS},
                delay_ms=DELAY_MS, extra=extra) as server:
            evpopd = daemon.Evpopd({name: daemon.account_of(
                server, name, **{"interval": "10s", **keys})
                for name, keys in ACCOUNTS.items()})
            self.addCleanup(evpopd.remove)
            usual = self.measure(server, evpopd)
            for _ in range(KILLS):
                self.live_and_die(server, evpopd, usual)
            commands = server.commands()
            stats = server.restart(extra=[], delay_ms=0).last_stats()
            polls, quarantined = self.finish(evpopd)
            left = {name: server.count(name) for name in ACCOUNTS}
            found = agreement.compare(evpopd.store_file, self.came)
        began = {session for _, session, _, command in commands
                 if command.startswith(("PASS", "AUTH"))}
        ended = {session for _, session, _, command in commands
                 if command == "QUIT"}
        killed = len(began - ended) - stats["bodies_cut"]
        agreement.table("kill -9 at random moments", (
            "", "kills", "sessions", "killed in one", "bodies cut",
            "bodies empty", "QUITs dropped", "quarantined",
            "polls to finish", "messages", "lost", "doubled"), [(
                f"seed {SEED}", KILLS, len(began), killed,
                stats["bodies_cut"], stats["bodies_emptied"],
                stats["quits_dropped"],
                quarantined, polls,
                found.messages, found.lost, found.doubled)])
        self.assertEqual(found.faults, [])
        self.assertEqual(left, {name: len(self.came[name])
                                if keys["keep"] == "forever" else 0
                                for name, keys in ACCOUNTS.items()})
        # Otherwise there was nothing to be seen.
        self.assertGreater(killed, 0)
        self.assertGreater(stats["bodies_cut"] + stats["quits_dropped"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
