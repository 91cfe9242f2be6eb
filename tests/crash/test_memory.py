"""Memory while hundreds of sessions each fetch a large message at once.

Bodies are bounded by memory_limit, whatever they look like: also those that
are one endless header, which is looked at as a whole before it is decoded.
EVPOP_SESSIONS and EVPOP_OCTETS make it smaller.
"""

import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

import agreement  # noqa: E402
from harness import daemon, maildropd, procs  # noqa: E402

SESSIONS = int(os.environ.get("EVPOP_SESSIONS", "500"))
OCTETS = int(os.environ.get("EVPOP_OCTETS", "10000000"))

# Of one daemon with 500 sessions, whatever they fetch: what it takes with
# nothing to do, memory_limit of 8 MiB and a piece of each body beyond it, the
# caches of SQLite, and what sessions have read when they are told to pause: 66
# to 70 MB.
MOST = 96_000_000


@unittest.skipIf(daemon.sanitized(), "sanitizers take memory of their own")
class MemoryTest(unittest.TestCase):
    def check(self, title, extra=()):
        with maildropd.MaildropServer(
                synthetic=[("u", "secret", SESSIONS, 1, OCTETS)], tls=False,
                extra=extra) as server, daemon.Evpopd(
                    {f"u{number}": daemon.account_of(server, f"u{number}")
                     for number in range(1, SESSIONS + 1)}, daemon={
                         "max_sessions": SESSIONS,
                         "max_sessions_per_host": SESSIONS}) as evpopd:
            began = time.monotonic()
            procs.wait_for(lambda: evpopd.get("/v1/status")["polls"]["total"]
                           >= SESSIONS, 600, "a poll of every account", 0.5)
            took = time.monotonic() - began
            peak = evpopd.peak_rss()
            at_once = server.stats()["connections_peak"]
            self.assertEqual(evpopd.rows(
                "SELECT count(*), count(DISTINCT account) FROM v_message"),
                [(SESSIONS, SESSIONS)])
            (octets,), = evpopd.rows("SELECT sum(size) FROM v_message")
        agreement.table("Memory", (
            "", "sessions at once", "messages", "MB", "s", "peak RSS"), [
                (title, at_once, SESSIONS, octets // 1_000_000, f"{took:.0f}",
                 f"{peak / 1e6:.1f} MB")])
        # Some may be through before the last begins.
        self.assertGreater(at_once, SESSIONS * 9 // 10)
        self.assertLess(peak, MOST)

    def test_mail(self):
        self.check("mail")

    def test_all_header(self):
        self.check("all header", ["--no-empty-line"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
