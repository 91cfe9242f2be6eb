"""fetch_after: only mail that the server has shown for so long is fetched.

What is deleted before, by another client, never comes into the store.
"""

import datetime
import re
import time
import unittest

from harness import (corpus, daemon, dovecot, maildropd, pop3, procs,
                     wrong_clock)
from harness.drops import Drops, mail

USERS = {"anna": "secret"}
DAY_S = 86400
WEEK_H = 7 * 24
WAITING = 6  # the state of a unique-id


def waiting(evpopd):
    """Unique-id -> since when (Unix time) of all that wait."""
    return {unique_id: since_ms / 1000 for unique_id, since_ms in evpopd.rows(
        "SELECT CAST(unique_id AS TEXT), stored_ms FROM uid WHERE state = ?",
        WAITING)}


def figures(session):
    return session["fetched"], session["waiting"], session["deleted"]


class WaitingTest(unittest.TestCase):
    def start(self, server, user="anna", **keys):
        keys = {"fetch_after": "7d", **keys}
        evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(server, user, **keys)})
        self.addCleanup(evpopd.remove)
        return evpopd.start()

    def later(self, evpopd, hours, *unique_ids):
        """So many hours pass; only for these messages, if any are given."""
        evpopd.halt()
        evpopd.age(unique_ids or list(waiting(evpopd)), hours)
        evpopd.start()
        return evpopd.wait_polled()["session"]


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class DovecotTest(WaitingTest):
    def setUp(self):
        self.server = self.enterContext(dovecot.Dovecot(users=USERS))

    def deliver(self, count, seed):
        """Deliver so many messages; what is new in the maildrop."""
        before = self.server.messages("anna")
        self.server.deliver("anna", corpus.messages(count, seed=seed))
        return {one: octets for one, octets in
                self.server.messages("anna").items() if one not in before}

    def delete(self, number):
        """Another client, on a phone, deletes a message."""
        with pop3.connect(self.server.host, self.server.port, "anna",
                          "secret") as phone:
            phone.dele(number)

    def test_what_stays_is_fetched_and_what_is_deleted_never_comes(self):
        first = self.deliver(4, seed=71)
        began = time.time()
        evpopd = self.start(self.server)
        self.assertEqual(figures(evpopd.wait_polled()["session"]), (0, 4, 0))
        since = waiting(evpopd)
        self.assertEqual(set(since), set(first))
        self.assertGreaterEqual(min(since.values()), began - 1)
        self.assertEqual(evpopd.messages(), [])
        self.assertIn("ok, nothing to fetch yet, 4 on the server, 4 wait "
                      "(fetch_after)",
                      evpopd.ctl("poll", "--wait", "anna").stdout)
        self.assertIn("4 wait (fetch_after)", evpopd.ctl("accounts").stdout)
        self.assertRegex(evpopd.ctl("account", "anna").stdout,
                         r"Not fetched +4 wait \(fetch_after\)")
        self.assertRegex(evpopd.ctl("account", "anna").stdout,
                         r"Fetched +after 7d on the server\n")
        # The phone deletes the second one, and other mail comes.
        self.delete(2)
        gone = list(first)[1]
        second = self.deliver(2, seed=72)
        self.assertEqual(figures(evpopd.poll("anna")["session"]), (0, 5, 0))
        self.assertEqual(set(waiting(evpopd)),
                         {*first, *second} - {gone})
        # Just before it is time, and then.
        old = [one for one in first if one != gone]
        self.assertEqual(figures(self.later(evpopd, WEEK_H - 1, *old)),
                         (0, 5, 0))
        self.assertEqual(figures(self.later(evpopd, 1, *old)), (3, 2, 0))
        self.assertEqual(evpopd.bodies(), {one: first[one] for one in old})
        self.assertEqual(set(waiting(evpopd)), set(second))
        self.assertEqual(figures(self.later(evpopd, WEEK_H)), (2, 0, 0))
        self.assertEqual(evpopd.bodies(), self.server.messages("anna"))
        self.assertNotIn("fetch_after", evpopd.ctl("accounts").stdout)
        evpopd.ctl("check", "--store")

    def test_without_the_key_all_is_fetched_at_once(self):
        self.deliver(3, seed=73)
        evpopd = self.start(self.server)
        self.assertEqual(figures(evpopd.wait_polled()["session"]), (0, 3, 0))
        self.assertEqual(figures(evpopd.change("anna", fetch_after="0s")),
                         (3, 0, 0))
        self.assertEqual(waiting(evpopd), {})
        self.assertEqual(evpopd.bodies(), self.server.messages("anna"))
        # What is here does not wait again.
        self.deliver(1, seed=74)
        self.assertEqual(figures(evpopd.change("anna", fetch_after="7d")),
                         (0, 1, 0))

    def test_another_time_holds_for_what_waits(self):
        self.deliver(3, seed=75)
        evpopd = self.start(self.server)
        evpopd.wait_polled()
        self.assertEqual(figures(self.later(evpopd, 49)), (0, 3, 0))
        self.assertEqual(figures(evpopd.change("anna", fetch_after="3d")),
                         (0, 3, 0))
        self.assertEqual(figures(evpopd.change("anna", fetch_after="2d")),
                         (3, 0, 0))

    def test_with_the_rest_of_the_policy(self):
        """keep, order and limits hold for what has waited."""
        first = list(self.deliver(4, seed=76))
        self.server.deliver("anna", [corpus.message(1, 60_000, "plain_ascii",
                                                    seed=77)])
        evpopd = self.start(self.server, keep="delete", order="newest",
                            max_messages_per_poll=2, max_message_size="50K")
        self.assertEqual(figures(evpopd.wait_polled()["session"]), (0, 5, 0))
        self.assertEqual(self.server.count("anna"), 5)
        session = self.later(evpopd, WEEK_H)
        self.assertEqual(figures(session), (2, 0, 2))
        self.assertEqual((session["later"], session["too_large"]), (2, 1))
        self.assertEqual(set(evpopd.bodies()), set(first[2:]))
        self.deliver(1, seed=78)
        session = evpopd.poll("anna")["session"]
        self.assertEqual(figures(session), (2, 1, 2))
        self.assertEqual(set(evpopd.bodies()), set(first))
        self.assertEqual(self.server.count("anna"), 2)

    def test_baseline(self):
        """What counts as seen waits for nothing, now and then."""
        self.deliver(2, seed=79)
        evpopd = self.start(self.server, baseline="yes")
        session = evpopd.wait_polled()["session"]
        self.assertEqual((session["seen"], session["waiting"]), (2, 0))
        self.deliver(3, seed=80)
        self.assertEqual(figures(evpopd.poll("anna")["session"]), (0, 3, 0))
        said = evpopd.ctl("poll", "--baseline", "--wait", "anna").stdout
        self.assertIn("3 counted as seen", said)
        self.assertEqual(waiting(evpopd), {})
        self.assertEqual(figures(evpopd.change("anna", fetch_after="0s")),
                         (0, 0, 0))

    def test_dry_run(self):
        """It says until when each waits, and notes nothing."""
        before = self.deliver(2, seed=81)
        evpopd = self.start(self.server)
        evpopd.wait_polled()
        self.later(evpopd, WEEK_H - 24, list(before)[0])
        self.deliver(1, seed=82)
        noted = waiting(evpopd)
        plan_text = evpopd.ctl("poll", "--dry-run", "anna").stdout
        rows = plan_text.splitlines()
        self.assertEqual(rows[-1], f"{'anna':14} 3 on the server, "
                         "3 wait (fetch_after)")
        self.assertEqual(len(re.findall("waits until 20", plan_text)), 3)
        plan = evpopd.get("/v1/accounts/anna/plan")
        self.assertEqual(plan["counts"]["wait"], 3)
        days = [(datetime.datetime.fromisoformat(one["waits_until"])
                 .timestamp() - time.time()) / DAY_S
                for one in plan["entries"]]
        for found, expected in zip(days, (1, 7, 7), strict=True):
            self.assertAlmostEqual(found, expected, delta=0.1)
        self.assertEqual(waiting(evpopd), noted)
        self.assertEqual(figures(evpopd.poll("anna")["session"]), (0, 3, 0))

    def test_all_unique_ids_change(self):
        """What is here is recognised; what waits has to wait anew."""
        self.deliver(3, seed=83)
        evpopd = self.start(self.server)
        evpopd.wait_polled()
        self.assertEqual(figures(self.later(evpopd, WEEK_H)), (3, 0, 0))
        self.deliver(1, seed=84)
        self.assertEqual(figures(evpopd.poll("anna")["session"]), (0, 1, 0))
        self.later(evpopd, WEEK_H - 1)
        evpopd.halt()
        self.server.halt()
        self.server.forget_unique_ids("anna")
        self.server.start()
        evpopd.start()
        session = evpopd.wait_polled()["session"]
        self.assertEqual((session["adopted"], *figures(session)),
                         (3, 0, 1, 0))
        since, = waiting(evpopd).values()
        self.assertLess(time.time() - since, 3600)
        self.assertEqual(figures(self.later(evpopd, WEEK_H)), (1, 0, 0))
        self.assertEqual(len(evpopd.messages()), 4)


class CostTest(WaitingTest):
    def test_idle_polls_write_nothing(self):
        with maildropd.MaildropServer(users=USERS) as server:
            server.deliver("anna", corpus.messages(5, seed=85))
            evpopd = self.start(server)
            for _ in range(3):
                evpopd.wait_polled()
                self.assertEqual(
                    figures(evpopd.poll("anna")["session"]), (0, 5, 0))
            noted = waiting(evpopd)
            before = (server.stats()["round_trips"],
                      evpopd.get("/v1/status")["store"]["commits"])
            for _ in range(20):
                self.assertEqual(
                    figures(evpopd.poll("anna")["session"]), (0, 5, 0))
            self.assertEqual(server.stats()["round_trips"] - before[0], 20)
            # The history is written each half a minute.
            self.assertLess(evpopd.get("/v1/status")["store"]["commits"]
                            - before[1], 5)
            self.assertEqual(waiting(evpopd), noted)

    def test_it_is_fetched_as_soon_as_it_is_time(self):
        """While the listing stays the same."""
        with maildropd.MaildropServer(users=USERS) as server:
            server.deliver("anna", corpus.messages(2, seed=86))
            began = time.time()
            evpopd = self.start(server, fetch_after="4s")
            while evpopd.poll("anna")["session"]["waiting"] > 0:
                self.assertLess(time.time() - began, procs.PATIENCE)
            (first,), = evpopd.rows("SELECT min(stored_ms) FROM message")
            self.assertGreaterEqual(first / 1000 - began, 4)
            self.assertEqual(evpopd.bodies(), server.messages("anna"))


class IdentityTest(WaitingTest):
    """Servers without UIDL, and another maildrop."""

    def serve(self, **drops):
        self.server = self.enterContext(Drops(**drops))
        self.messages = [mail(b"u", number) for number in range(1, 4)]
        self.server.drops["u"] = list(enumerate(self.messages, 1))
        return self.server

    def stored(self, evpopd):
        return sorted(evpopd.raw(one["id"]) for one in evpopd.messages())

    def test_known_by_header(self):
        for keep in "forever", "delete":
            with self.subTest(keep):
                self.serve(capabilities=b"TOP\r\n")
                evpopd = self.start(self.server, "u", keep=keep)
                self.assertEqual(
                    figures(evpopd.wait_polled()["session"]), (0, 3, 0))
                del self.server.drops["u"][0]
                deleted = 2 if keep == "delete" else 0
                self.assertEqual(
                    figures(evpopd.poll("anna")["session"]), (0, 2, 0))
                self.assertEqual(
                    figures(self.later(evpopd, WEEK_H)), (2, 0, deleted))
                self.assertEqual(self.stored(evpopd), self.messages[1:])
                evpopd.halt()

    def test_neither_uidl_nor_top(self):
        """It is left there, and the poll says so; without the key it comes."""
        self.serve(capabilities=b"")
        evpopd = self.start(self.server, "u", keep="delete")
        shown = evpopd.wait_polled()
        self.assertEqual(figures(shown["session"]), (0, 0, 0))
        self.assertNotEqual(shown["last_outcome"], "ok")
        self.assertIn("fetch_after", shown["last_text"])
        self.assertEqual(len(self.server.drops["u"]), 3)
        self.assertEqual(figures(evpopd.change("anna", fetch_after="0s")),
                         (3, 0, 3))
        self.assertEqual(self.stored(evpopd), self.messages)

    def test_another_maildrop(self):
        self.serve()
        evpopd = self.start(self.server, "u")
        evpopd.wait_polled()
        self.later(evpopd, WEEK_H - 1)
        self.assertEqual(figures(evpopd.change("anna", host="localhost")),
                         (0, 3, 0))
        self.assertIn("3 messages wait anew (fetch_after)", evpopd.log())
        self.assertEqual(figures(self.later(evpopd, WEEK_H - 1)), (0, 3, 0))
        self.assertEqual(figures(self.later(evpopd, 1)), (3, 0, 0))
        self.assertEqual(self.stored(evpopd), self.messages)

    def test_it_goes_and_comes_back(self):
        """A message that is here and comes back waits, and is known then."""
        self.serve()
        evpopd = self.start(self.server, "u")
        evpopd.wait_polled()
        self.later(evpopd, WEEK_H)
        away = self.server.drops["u"].pop(0)
        evpopd.poll("anna")
        self.server.drops["u"].insert(0, away)
        self.assertEqual(figures(evpopd.poll("anna")["session"]), (0, 1, 0))
        # It goes once more, and is not forgotten.
        self.server.drops["u"].pop(0)
        self.assertEqual(figures(evpopd.poll("anna")["session"]), (0, 0, 0))
        self.assertEqual(evpopd.rows(
            "SELECT state, message IS NOT NULL FROM uid ORDER BY unique_id"),
            [(4, 1), (0, 1), (0, 1)])
        self.server.drops["u"].insert(0, away)
        self.assertEqual(figures(evpopd.poll("anna")["session"]), (0, 1, 0))
        self.assertEqual(figures(self.later(evpopd, WEEK_H)), (0, 0, 0))
        self.assertEqual(self.stored(evpopd), self.messages)
        self.assertEqual(waiting(evpopd), {})


class QuarantineTest(WaitingTest):
    def test_what_is_released_has_waited(self):
        with Drops(u=[mail(b"u", 1), mail(b"u", 2)]) as server:
            evpopd = self.start(server, "u")
            evpopd.wait_polled()
            evpopd.halt()
            with evpopd.database(write=True) as store:
                store.execute("UPDATE uid SET state = 5"
                              " WHERE unique_id = CAST('1' AS BLOB)")
                store.execute(
                    "INSERT INTO quarantine(account, unique_id, occurrence,"
                    " body, octets, stored_ms, reason) VALUES"
                    " (1, CAST('1' AS BLOB), 0, 0, 0, ?, 'a test')",
                    (int(time.time() * 1000),))
            evpopd.start()
            self.assertEqual(figures(evpopd.wait_polled()["session"]),
                             (0, 1, 0))
            evpopd.ctl("quarantine", "retry", "anna")
            evpopd.wait_account("anna", lambda _: len(evpopd.messages()) == 1)
            self.assertEqual(figures(evpopd.poll("anna")["session"]),
                             (0, 1, 0))
            self.assertEqual(list(evpopd.bodies()), ["1"])


@unittest.skipIf(daemon.sanitized(), "a sanitizer wants to be loaded first")
class ClockTest(WaitingTest):
    """Mail never waits shorter because of a clock."""

    def serve(self, wrong_s):
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        self.server.deliver("anna", corpus.messages(3, seed=87))
        self.clock = wrong_clock.WrongClock(wrong_s)
        self.addCleanup(self.clock.remove)
        evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna",
                                       fetch_after="7d")},
            environment=self.clock.environment)
        self.addCleanup(evpopd.remove)
        return evpopd.start()

    def test_set_while_it_waits(self):
        for wrong_s in (600 - time.time(), -20 * DAY_S, 20 * DAY_S):
            with self.subTest(wrong_s=wrong_s):
                evpopd = self.serve(wrong_s)
                evpopd.wait_polled()
                self.clock.set_wrong(0)
                for _ in range(3):
                    self.assertEqual(
                        figures(evpopd.poll("anna")["session"]), (0, 3, 0))
                self.assertLess(
                    abs(min(waiting(evpopd).values()) - time.time()), 3600)
                # What has waited in truth is fetched.
                self.assertEqual(figures(self.later(evpopd, WEEK_H)),
                                 (3, 0, 0))
                evpopd.halt()

    def test_behind(self):
        """By a clock that is behind nothing has waited."""
        evpopd = self.serve(0)
        evpopd.wait_polled()
        evpopd.halt()
        evpopd.age(list(waiting(evpopd)), WEEK_H)
        self.clock.set_wrong(600 - time.time())
        evpopd.start()
        self.assertEqual(figures(evpopd.wait_polled()["session"]), (0, 3, 0))
        self.assertEqual(figures(evpopd.poll("anna")["session"]), (0, 3, 0))
        self.clock.set_wrong(0)
        evpopd.poll("anna")
        evpopd.poll("anna")
        self.assertEqual(evpopd.bodies(), self.server.messages("anna"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
