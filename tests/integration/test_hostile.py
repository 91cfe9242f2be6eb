"""A hostile server costs its own account a poll, and others nothing.

Each attack is served to an account of the daemon's whose deadlines are short,
beside others that get their mail meanwhile.  What was seen of each is printed
as a table.
"""

import contextlib
import datetime
import time
import unittest

from harness import (attacks, attacks_wire, bombs, certificates, daemon,
                     maildropd, procs, scripted)

MIB = 1 << 20
GOOD = {"anna": "secret", "bert": "secret", "carl": "secret"}
# What is to be overdue is so within seconds, on however slow a machine; an
# attack that no deadline ends lasts for ever.
SLACK_MS = 60_000
# Bodies in memory, a message that is parsed by each of several threads, and
# the pages of the store's cache.
MAIL_MIB = 256


def between(first, last):
    """Milliseconds between two times of the API's."""
    first, last = (datetime.datetime.fromisoformat(one.replace("Z", "+00:00"))
                   for one in (first, last))
    return (last - first).total_seconds() * 1000


class Row:
    """What was seen of an attack."""

    def __init__(self, what, shown, mib, took_ms, good_ms):
        self.what, self.shown, self.mib = what, shown, mib
        self.took_ms, self.good_ms = took_ms, good_ms

    def __str__(self):
        return (f"{self.what:48} {self.shown['last_outcome']:11}"
                f"{self.mib:6.1f} MiB {self.took_ms:6.0f} ms "
                f"{self.good_ms:5.0f} ms  {self.shown['last_text'] or ''}")


@unittest.skipIf(daemon.sanitized(), "sanitizers take memory of their own")
class HostileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.authority = certificates.CertificateAuthority(
            cls.stack.enter_context(procs.temporary_folder()) / "ca")
        cls.good = cls.stack.enter_context(maildropd.MaildropServer(
            users=GOOD, certificate=cls.authority.server("good")))
        cls.evpopd = cls.stack.enter_context(daemon.Evpopd(
            {user: daemon.account_of(cls.good, user, tls="implicit",
                                     tls_ca=cls.authority.file)
             for user in GOOD}))
        cls.evpopd.wait_polled()
        cls.stored = 0
        cls.quiet = [cls.others_go_on() for _ in range(10)]
        procs.reset_peak_rss(cls.evpopd.pid)
        cls.others_go_on()
        cls.before = cls.evpopd.peak_rss()

    @classmethod
    def others_go_on(cls):
        """New mail of the others comes; the milliseconds for the slowest."""
        slowest = 0.0
        cls.stored += 1
        for user in GOOD:
            cls.good.deliver(user, [
                b"Message-ID: <%s-%d@new>\r\n\r\nnew\r\n" % (
                    user.encode(), cls.stored)])
            began = time.monotonic()
            shown = cls.evpopd.poll(user)
            slowest = max(slowest, (time.monotonic() - began) * 1000)
            if (shown["last_outcome"], shown["session"]["fetched"]) != (
                    "ok", 1):
                raise AssertionError(f"{user}: {shown}")
        return slowest

    def has_ended(self, name):
        """Whether a poll of an account is over."""
        shown = self.evpopd.account(name)
        return (shown["last_finished"] is not None and
                shown["state"] not in ("polling", "queued"))

    def played(self, attack, name):
        """What came of an attack; the others are polled all the while."""
        slowest = 0.0

        def ended():
            nonlocal slowest
            slowest = max(slowest, self.others_go_on())
            return self.has_ended(name)

        with attack.server() as server:
            self.evpopd.accounts[name] = attack.account(server)
            procs.reset_peak_rss(self.evpopd.pid)
            before = self.evpopd.peak_rss()
            self.evpopd.write_config()
            self.evpopd.ctl("reload")
            procs.wait_for(ended, what=f"an end of {attack.what}")
        shown = self.evpopd.account(name)
        mib = (self.evpopd.peak_rss() - before) / MIB
        polls = self.evpopd.get(f"/v1/polls?account={name}&limit=1")["polls"]
        row = Row(attack.what, shown, mib,
                  between(polls[0]["started"], polls[0]["finished"]),
                  slowest)
        del self.evpopd.accounts[name]
        return row

    def check(self, attack, row):
        """It ended as it should, in its time and its memory, and says so."""
        shown = row.shown
        self.assertIn(shown["last_outcome"], attack.outcomes, shown)
        said = shown["last_text"] or ""
        if attack.text:
            self.assertRegex(said, attack.text)
        self.assertTrue(said.isprintable(), said)
        if shown["last_outcome"] == "timeout":
            self.assertLess(row.took_ms, SLACK_MS)
        self.assertLess(row.mib, attack.mib)
        listed = self.evpopd.ctl("accounts").stdout
        self.assertTrue(listed.replace("\n", "").isprintable(), listed)
        if shown["last_outcome"] == "ok":
            return
        self.assertEqual(shown["state"], "refused" if shown["last_outcome"] ==
                         "auth" else "failing")
        self.assertIn(said[:60], listed)
        self.assertTrue(self.evpopd.get("/v1/status")["attention"])

    def test_pop3(self):
        self.check_all("pop3", attacks.ATTACKS)

    def test_tls_and_proxies(self):
        self.check_all("wire", [attack.served_by(self.authority)
                                for attack in attacks_wire.ATTACKS])

    def test_mail(self):
        """Costly mail is stored and indexed, and can be asked for."""
        messages = [b"Message-ID: <%d@bomb>\r\n" % number + octets
                    for number, octets in enumerate(bombs.BOMBS.values())]
        with scripted.ScriptedServer(messages) as server:
            self.evpopd.accounts["bombs"] = daemon.account_of(server, "user")
            procs.reset_peak_rss(self.evpopd.pid)
            began = time.monotonic()
            self.evpopd.write_config()
            self.evpopd.ctl("reload")
            slowest = 0.0
            while not self.has_ended("bombs"):
                slowest = max(slowest, self.others_go_on())
            shown = self.evpopd.account("bombs")
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(shown["stored"]["messages"], len(messages))
        listed = self.evpopd.pages("/v1/messages?account=bombs", "messages")
        self.assertEqual(len(listed), len(messages))
        for one in listed:
            slowest = max(slowest, self.others_go_on())
            for path in ("", "/text"):
                status, _, _ = self.evpopd.request(
                    "GET", f"/v1/messages/{one['id']}{path}")
                self.assertEqual(status, 200, one)
        mib = (self.evpopd.peak_rss() - self.before) / MIB
        print(f"{len(messages)} costly messages of 1 MiB: {mib:.1f} MiB, "
              f"{time.monotonic() - began:.1f} s, others {slowest:.0f} ms",
              flush=True)
        self.assertLess(mib, MAIL_MIB)

    def check_all(self, name, attacks):
        """Play these attacks, one after the other."""
        print(f"\n{'attack':48}{'outcome':11}{'memory':>10} {'poll':>9} "
              f"{'others':>8}\n{'none':48}{'ok':11}{0:6.1f} MiB {'':>9}"
              f"{max(self.quiet):5.0f} ms")
        said = []
        for number, attack in enumerate(attacks):
            with self.subTest(attack.what):
                row = self.played(attack, f"{name}-{number}")
                print(row, flush=True)
                self.check(attack, row)
                said.append((row.shown["last_text"] or "")[:60])
        # What several accounts of a host fail with is logged once.
        log = self.evpopd.log()
        self.assertEqual([], [one for one in said if one not in log])
        self.assertTrue(log.replace("\n", "").isprintable())


if __name__ == "__main__":
    unittest.main(verbosity=2)
