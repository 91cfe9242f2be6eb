"""What is fetched, what is deleted, and what is left, as the policy says."""

import re
import unittest

from harness import corpus, daemon, dovecot, procs

USERS = {"anna": "secret"}


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class PolicyTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(dovecot.Dovecot(users=USERS))

    def evpopd(self, **keys):
        return self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna", **keys)}))

    def deliver(self, count, seed, sizes=None):
        """Deliver so many messages; what is in the maildrop then."""
        mail = (corpus.messages(count, seed=seed) if sizes is None else
                [corpus.message(index, size, seed=seed)
                 for index, size in enumerate(sizes)])
        self.server.deliver("anna", mail)
        return self.server.messages("anna")

    def deletions(self, sessions):
        """How many messages each session that deleted some has deleted."""
        def ended():
            # Dovecot logs the end a little after the client has seen it.
            found = [int(one) for one in re.findall(r" del=(\d+)/",
                                                    self.server.log())]
            found = [one for one in found if one > 0]
            return found if len(found) >= sessions else None

        return (procs.wait_for(ended, what="deletions in the log")
                if sessions > 0 else ended())


class KeepTest(PolicyTest):
    def test_keep(self):
        before = self.deliver(12, seed=11)
        old, young = list(before)[:5], list(before)[5:]
        evpopd = self.evpopd(keep="forever")
        evpopd.wait_polled()
        self.assertEqual(evpopd.poll("anna")["session"]["deleted"], 0)
        evpopd.halt()
        evpopd.age(old, 14 * 24 + 1)
        evpopd.age(young, 14 * 24 - 1)
        evpopd.start()
        for keep, deleted, left in (("15d", 0, old + young),
                                    ("14d", len(old), young),
                                    ("forever", 0, young),
                                    ("delete", len(young), [])):
            with self.subTest(keep):
                session = evpopd.change("anna", keep=keep)
                self.assertEqual(session["deleted"], deleted)
                self.assertEqual(session["fetched"], 0)
                self.assertEqual(set(self.server.messages("anna")), set(left))
        self.assertEqual(evpopd.bodies(), before)
        self.assertEqual(self.deletions(2), [5, 7])

    def test_what_is_large_is_deleted(self):
        before = self.deliver(0, 12, (3000, 80_000, 30_000, 200_000))
        large = {one for one, octets in before.items() if len(octets) > 51200}
        self.assertEqual(len(large), 2)
        evpopd = self.evpopd(keep="forever", delete_above="50K")
        shown = evpopd.wait_polled()
        self.assertEqual(shown["session"]["deleted"], 2)
        self.assertEqual(set(self.server.messages("anna")),
                         set(before) - large)
        self.assertEqual(evpopd.bodies(), before)
        # What was stored before the key was given is due, too.
        session = evpopd.change("anna", delete_above="20K")
        self.assertEqual(session["deleted"], 1)
        self.assertEqual(self.server.count("anna"), 1)
        self.assertEqual(evpopd.bodies(), before)

    def test_what_is_not_stored_is_not_deleted(self):
        before = self.deliver(0, 13, (3000, 80_000, 200_000))
        evpopd = self.evpopd(keep="delete", delete_above="50K",
                             max_message_size="100K")
        shown = evpopd.wait_polled()
        self.assertEqual(shown["session"]["too_large"], 1)
        self.assertEqual(shown["session"]["deleted"], 2)
        left = self.server.messages("anna")
        self.assertEqual([len(one) > 102400 for one in left.values()], [True])
        self.assertIn("1 larger than max_message_size",
                      evpopd.ctl("account", "anna").stdout)
        self.assertIn("1 too large to fetch", evpopd.ctl("accounts").stdout)
        session = evpopd.change("anna", max_message_size="1M")
        self.assertEqual((session["fetched"], session["too_large"]), (1, 0))
        self.assertEqual(self.server.count("anna"), 0)
        self.assertEqual(evpopd.bodies(), before)


class OrderTest(PolicyTest):
    def test_messages_per_poll(self):
        ids = list(self.deliver(11, seed=14))
        for order, expected in (("oldest", ids), ("newest", ids[::-1])):
            with self.subTest(order), daemon.Evpopd(
                    {"anna": daemon.account_of(
                        self.server, "anna", order=order,
                        max_messages_per_poll=4)}) as evpopd:
                session = evpopd.wait_polled()["session"]
                for taken, later in ((4, 7), (8, 3), (11, 0)):
                    self.assertEqual(session["later"], later)
                    self.assertEqual(
                        [one["unique_id"]
                         for one in reversed(evpopd.messages())],
                        expected[:taken])
                    session = evpopd.poll("anna")["session"]
                self.assertEqual(session["fetched"], 0)
                self.assertEqual(evpopd.bodies(),
                                 self.server.messages("anna"))


class DayTest(PolicyTest):
    """max_octets_per_day: what has no room today is fetched another day."""

    def start(self, **keys):
        evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna", **keys)},
            environment={"TZ": "UTC"})
        self.addCleanup(evpopd.remove)
        return evpopd.start()

    def put(self, *sizes):
        for size in sizes:
            head = b"Subject: x\r\n\r\n"
            line = b"y" * 70 + b"\r\n"
            body = head + line * ((size - len(head) - 2) // len(line))
            self.server.deliver("anna", [body + b"z" * (
                size - len(body) - 2) + b"\r\n"])

    @staticmethod
    def tomorrow(evpopd):
        """All polls were a day ago."""
        evpopd.halt()
        with evpopd.database(write=True) as store:
            store.execute("UPDATE poll SET finished_ms = finished_ms -"
                          " 86400000, started_ms = started_ms - 86400000")
        evpopd.start()
        return evpopd.wait_polled()["session"]

    def test_what_waits_is_fetched_another_day(self):
        self.put(*[40_000] * 7)
        evpopd = self.start(max_octets_per_day="100K")
        session = evpopd.wait_polled()["session"]
        self.assertEqual((session["fetched"], session["later"],
                          session["later_bytes"]), (2, 5, 200_000))
        self.assertIn("5 messages (195 KiB) left for another day: "
                      "max_octets_per_day = 100 KiB", evpopd.log())
        self.assertIn("5 for later polls, 195 KiB waiting",
                      evpopd.ctl("accounts").stdout)
        self.assertRegex(evpopd.ctl("account", "anna").stdout,
                         "Not fetched +5 for later polls, 195 KiB waiting")
        # Today nothing more, whatever is asked and restarted.
        for _ in range(2):
            session = evpopd.poll("anna")["session"]
            self.assertEqual((session["fetched"], session["later"]), (0, 5))
            evpopd.restart()
            session = evpopd.wait_polled()["session"]
            self.assertEqual((session["fetched"], session["later"]), (0, 5))
        for left in (3, 1, 0):
            self.assertEqual(self.tomorrow(evpopd)["later"], left)
        self.assertEqual(evpopd.bodies(), self.server.messages("anna"))

    def test_one_that_is_larger_than_a_day(self):
        self.put(30_000, 300_000, 2_000, 2_000)
        evpopd = self.start(max_octets_per_day="100K", keep="delete",
                            max_deletes_per_session=1)
        session = evpopd.wait_polled()["session"]
        self.assertEqual((session["fetched"], session["later"],
                          session["deleted"]), (1, 3, 1))
        session = self.tomorrow(evpopd)
        self.assertEqual((session["fetched"], session["later"]), (1, 2))
        self.assertEqual(session["fetched_bytes"], 300_000)
        session = self.tomorrow(evpopd)
        self.assertEqual((session["fetched"], session["later"]), (2, 0))
        self.assertEqual(self.server.count("anna"), 0)
        self.assertEqual(len(evpopd.messages()), 4)


class BaselineTest(PolicyTest):
    def test_the_first_poll_fetches_nothing(self):
        there = self.deliver(9, seed=15)
        evpopd = self.evpopd(keep="delete", baseline="yes")
        session = evpopd.wait_polled()["session"]
        self.assertEqual((session["seen"], session["fetched"],
                          session["deleted"]), (9, 0, 0))
        self.assertEqual(evpopd.messages(), [])
        both = self.deliver(4, seed=16)
        new = {one: both[one] for one in both if one not in there}
        session = evpopd.poll("anna")["session"]
        self.assertEqual((session["seen"], session["fetched"],
                          session["deleted"]), (0, 4, 4))
        self.assertEqual(evpopd.bodies(), new)
        # Seen stays seen, whatever becomes of the key and of the daemon.
        session = evpopd.change("anna", baseline="no", keep="forever",
                                delete_above="1")
        self.assertEqual((session["seen"], session["fetched"]), (0, 0))
        evpopd.restart()
        evpopd.wait_polled()
        self.assertEqual(self.server.messages("anna"), there)
        self.assertEqual(evpopd.bodies(), new)

    def test_only_the_first_poll(self):
        before = self.deliver(3, seed=17)
        evpopd = self.evpopd()
        evpopd.wait_polled()
        before = self.deliver(3, seed=18)
        session = evpopd.change("anna", baseline="yes")
        self.assertEqual((session["seen"], session["fetched"]), (0, 3))
        self.assertEqual(evpopd.bodies(), before)

    def test_a_maildrop_that_was_empty(self):
        """The first poll that goes well is the first poll."""
        evpopd = self.evpopd(baseline="yes")
        evpopd.wait_polled()
        before = self.deliver(3, seed=19)
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 3)
        self.assertEqual(evpopd.bodies(), before)

    def test_on_request(self):
        before = self.deliver(3, seed=20)
        evpopd = self.evpopd()
        evpopd.wait_polled()
        self.deliver(5, seed=21)
        said = evpopd.ctl("poll", "--baseline", "--wait", "anna").stdout
        self.assertIn("5 counted as seen", said)
        session = evpopd.poll("anna")["session"]
        self.assertEqual((session["seen"], session["fetched"]), (0, 0))
        self.assertEqual(evpopd.bodies(), before)
        self.assertEqual(self.server.count("anna"), 8)


class SlicesTest(PolicyTest):
    def test_deletions_are_committed_as_it_goes(self):
        before = self.deliver(70, seed=22)
        evpopd = self.evpopd(keep="delete", max_deletes_per_session=30)
        shown = evpopd.wait_polled()
        self.assertEqual(self.deletions(3), [30, 30, 10])
        self.assertEqual(self.server.count("anna"), 0)
        self.assertEqual(shown["session"]["deleted"], 70)
        self.assertEqual(evpopd.bodies(), before)
        # It is one poll, for whoever asks.
        polls = evpopd.get("/v1/polls")["polls"]
        self.assertEqual([(one["fetched"], one["deleted"]) for one in polls],
                         [(70, 70)])

    def test_what_was_stored_before(self):
        before = self.deliver(45, seed=23)
        evpopd = self.evpopd()
        evpopd.wait_polled()
        session = evpopd.change("anna", keep="delete",
                                max_deletes_per_session=20)
        self.assertEqual(session["deleted"], 45)
        self.assertEqual(self.deletions(3), [20, 20, 5])
        self.assertEqual(evpopd.bodies(), before)

    def test_without_limit(self):
        self.deliver(45, seed=24)
        evpopd = self.evpopd(keep="delete", max_deletes_per_session=0)
        evpopd.wait_polled()
        self.assertEqual(self.deletions(1), [45])


class GuardTest(PolicyTest):
    def test_far_more_than_usual_is_held(self):
        before = self.deliver(60, seed=25)
        evpopd = self.evpopd(delete_guard=20)
        evpopd.wait_polled()
        session = evpopd.change("anna", keep="delete")
        self.assertEqual((session["held"], session["deleted"]), (60, 0))
        self.assertEqual(self.server.messages("anna"), before)
        self.assertIn("60 deletions held", evpopd.log())
        self.assertIn("evpopctl poll --confirm anna",
                      evpopd.ctl("account", "anna").stdout)
        self.assertIn("60 deletions held", evpopd.ctl("accounts").stdout)
        self.assertIn("60 deletions of 1 account\n",
                      evpopd.ctl("status", code=1).stdout)
        # New mail comes all the same, and what is held is held.
        both = self.deliver(5, seed=26)
        session = evpopd.poll("anna")["session"]
        self.assertEqual((session["held"], session["fetched"]), (60, 5))
        left = self.server.messages("anna")
        self.assertEqual({one: left.get(one) for one in before}, before)
        self.assertEqual(evpopd.bodies(), both)
        # A restart is no confirmation.
        evpopd.restart()
        self.assertEqual(evpopd.wait_polled()["session"]["held"], 60)

        said = evpopd.ctl("poll", "--dry-run", "anna").stdout
        self.assertIn("60 deletions held", said)
        self.assertIn("evpopctl poll --confirm anna", said)
        self.assertEqual(self.server.messages("anna"), left)
        said = evpopd.ctl("poll", "--confirm", "--wait", "anna").stdout
        self.assertIn(f"{len(left)} deleted", said)
        self.assertNotIn("held", said)
        self.assertEqual(self.server.count("anna"), 0)
        self.assertEqual(evpopd.bodies(), both)
        self.assertNotIn("held", evpopd.ctl("accounts").stdout)
        self.assertNotIn("deletions of", evpopd.ctl("status").stdout)

        # Sixty are usual now, and ten times that is far more.
        self.deliver(100, seed=27)
        evpopd.change("anna", keep="forever")
        session = evpopd.change("anna", keep="delete")
        self.assertEqual((session["held"], session["deleted"]), (0, 100))
        self.assertEqual(self.server.count("anna"), 0)

    def test_nothing_is_held(self):
        for guard, seed in (("0", 28), ("60", 29)):
            with self.subTest(guard):
                self.deliver(60, seed=seed)
                with daemon.Evpopd({"anna": daemon.account_of(
                        self.server, "anna")}) as evpopd:
                    evpopd.wait_polled()
                    session = evpopd.change("anna", keep="delete",
                                            delete_guard=guard)
                    self.assertEqual(session["deleted"], 60)
                self.assertEqual(self.server.count("anna"), 0)

    def test_what_is_fetched_now_is_not_counted(self):
        before = self.deliver(60, seed=30)
        evpopd = self.evpopd(keep="delete", delete_guard=20)
        session = evpopd.wait_polled()["session"]
        self.assertEqual((session["held"], session["deleted"]), (0, 60))
        self.assertEqual(evpopd.bodies(), before)


class DryRunTest(PolicyTest):
    def sessions(self, number):
        """(retr, del) of all ended sessions, once there are so many."""
        def ended():
            found = re.findall(r" retr=(\d+)/\d+, del=(\d+)/",
                               self.server.log())
            return found if len(found) >= number else None

        return procs.wait_for(ended, what="ends in the log")

    def plan(self, evpopd):
        """The table that is printed: number -> (action, unique-id)."""
        lines = evpopd.ctl("poll", "--dry-run", "anna").stdout.splitlines()
        self.assertEqual(lines[0].split(),
                         ["NUMBER", "SIZE", "ACTION", "UNIQUE-ID", "SUBJECT"])
        rows = [re.split("  +", line.strip()) for line in lines[1:-1]]
        return {int(number): (action, unique_id)
                for number, _, action, unique_id, _ in rows}, lines[-1]

    def test_it_tells_and_does_nothing(self):
        first = self.deliver(0, 31, (2000,) * 6)
        evpopd = self.evpopd(max_message_size="50K")
        evpopd.wait_polled()
        evpopd.halt()
        evpopd.age(list(first)[:2], 25)
        evpopd.start()
        evpopd.wait_polled()
        before = self.deliver(0, 32, (3000, 3100, 99_000, 3200))
        polls = len(evpopd.get("/v1/polls")["polls"])
        evpopd.accounts["anna"].update(keep="1d", max_messages_per_poll=2)
        evpopd.post("/v1/accounts/anna/pause")
        evpopd.write_config()
        evpopd.post("/v1/reload")
        ended = len(self.sessions(4))

        rows, sums = self.plan(evpopd)
        ids = list(before)
        self.assertEqual(rows, {
            1: ("delete", ids[0]), 2: ("delete", ids[1]),
            7: ("fetch", ids[6]), 8: ("fetch", ids[7]),
            9: ("too large", ids[8]), 10: ("later", ids[9])})
        size = sum(len(before[one]) for one in ids[6:8])
        self.assertEqual(sums, f"{'anna':14} 10 on the server, 2 to fetch "
                         f"({size // 1024}.{size % 1024 * 10 // 1024} KiB), "
                         "2 to delete, 1 too large to fetch, "
                         "1 for later polls")
        # What is stored is known by its subject, too.
        subjects = {one["unique_id"]: one["subject"]
                    for one in evpopd.messages("anna")}
        self.assertTrue(all(subjects.values()), subjects)
        self.assertEqual(
            {one["unique_id"]: one["subject"] for one in evpopd.pages(
                "/v1/accounts/anna/plan", "entries", limit=1)},
            {one: subjects.get(one) for _, one in rows.values()})
        said = evpopd.ctl("poll", "--dry-run", "anna").stdout.splitlines()
        self.assertTrue(said[1].endswith("  " + subjects[ids[0]]), said)
        self.assertTrue(said[3].endswith("  -"), said)
        ended += 1
        plan = evpopd.get("/v1/accounts/anna/plan?limit=4")
        self.assertEqual(plan["counts"], {
            "messages": 10, "fetch": 2, "delete": 2, "adopt": 0,
            "too_large": 1, "later": 1, "wait": 0, "seen": 0, "held": 0,
            "unidentified": 0})
        self.assertEqual(plan["fetch_bytes"], size)
        self.assertEqual(len(evpopd.pages("/v1/accounts/anna/plan",
                                          "entries", limit=4)), 6)

        # Nothing was fetched, deleted, recorded, or set going.
        self.assertEqual(set(self.sessions(ended + 1)[ended:]), {("0", "0")})
        self.assertEqual(self.server.messages("anna"), before)
        self.assertEqual(evpopd.bodies(), first)
        self.assertEqual(len(evpopd.get("/v1/polls")["polls"]), polls)
        self.assertEqual(evpopd.account("anna")["state"], "paused")

        # And what it told is what a poll does.
        session = evpopd.poll("anna")["session"]
        self.assertEqual((session["fetched"], session["deleted"],
                          session["too_large"], session["later"]),
                         (2, 2, 1, 1))
        self.assertEqual(set(self.server.messages("anna")), set(ids[2:]))
        self.assertEqual(set(evpopd.bodies()), set(ids[:8]))

    def test_nothing_to_do(self):
        evpopd = self.evpopd()
        evpopd.wait_polled()
        for count, words in ((0, "nothing on the server, nothing to do"),
                             (3, "3 on the server, nothing to do")):
            self.deliver(count, seed=33)
            evpopd.poll("anna")
            self.assertEqual(evpopd.ctl("poll", "-n", "anna").stdout,
                             f"{'anna':14} {words}\n")

    def test_before_the_first_poll(self):
        before = self.deliver(7, seed=34)
        evpopd = self.evpopd(keep="delete", enabled="no")
        evpopd.ctl("poll", "--dry-run", "anna", code=78)
        with self.assertRaises(daemon.Refused) as refused:
            evpopd.get("/v1/accounts/anna/plan")
        self.assertEqual(refused.exception.error["code"], "no_plan")
        evpopd.halt()
        evpopd.accounts["anna"].update(enabled="yes", baseline="yes")
        evpopd.start()
        evpopd.wait_polled()
        self.deliver(2, seed=35)
        rows, _ = self.plan(evpopd)
        self.assertEqual([one[0] for one in rows.values()],
                         ["fetch and delete"] * 2)
        self.assertEqual({one: octets for one, octets in
                          self.server.messages("anna").items()
                          if one in before}, before)

    def test_a_server_that_is_away(self):
        evpopd = self.evpopd()
        evpopd.wait_polled()
        self.server.halt()
        evpopd.ctl("poll", "--dry-run", "anna", code=75)


if __name__ == "__main__":
    unittest.main(verbosity=2)
