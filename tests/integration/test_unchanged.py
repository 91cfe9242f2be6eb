"""Polls of a maildrop in which nothing has changed: what they cost, and that
nothing is missed because of them.
"""

import contextlib
import sqlite3
import sys
import threading
import unittest

from harness import corpus, daemon, maildropd, procs, scripted

USERS = {"anna": "secret"}
IDLE_POLLS = 20
HOUR_MS = 3600 * 1000
SOON_MS = 4000


class UnchangedTest(unittest.TestCase):
    def serve(self, messages=3, **keys):
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        self.server.deliver("anna", corpus.messages(messages, seed=61))
        return self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna", **keys)}))

    def settle(self, evpopd, *names, polls=3):
        """Poll until nothing is new, and a few times more."""
        for name in names or evpopd.accounts:
            evpopd.wait_polled(name)
            for _ in range(polls):
                shown = evpopd.poll(name)
                self.assertEqual(shown["last_outcome"], "ok")
                self.assertEqual(shown["session"]["fetched"], 0)

    def deliver(self, seed):
        self.server.deliver("anna", corpus.messages(2, seed=seed))


class CostTest(UnchangedTest):
    def figures(self, evpopd):
        return (self.server.stats()["round_trips"],
                evpopd.get("/v1/status")["store"]["commits"])

    def test_nothing_is_written(self):
        evpopd = self.serve()
        self.settle(evpopd)
        # The index follows behind; it has its own transactions.
        procs.wait_for(lambda: evpopd.rows(
            "SELECT value FROM meta WHERE key = 'indexed'") ==
            evpopd.rows("SELECT max(id) FROM message"), what="the index")
        before = self.figures(evpopd)
        size = evpopd.store_file.with_name("mail.db-wal").stat().st_size
        for _ in range(IDLE_POLLS):
            self.assertEqual(evpopd.poll("anna")["session"]["messages"], 3)
        round_trips, commits = (now - then for now, then in
                                zip(self.figures(evpopd), before))
        print(f"{IDLE_POLLS} idle polls: {round_trips} round trips, "
              f"{commits} commits", file=sys.stderr)
        self.assertEqual(round_trips, IDLE_POLLS)
        # Rows of so many polls go together, each half a minute.
        self.assertLess(commits, IDLE_POLLS // 4)
        if commits == 0:
            self.assertEqual(evpopd.store_file.with_name(
                "mail.db-wal").stat().st_size, size)
        # They are shown at once, all the same.
        polls = evpopd.get("/v1/polls?account=anna")["polls"]
        self.assertEqual(len(polls), 1 + 3 + IDLE_POLLS)
        self.assertEqual({one["outcome"] for one in polls}, {"ok"})
        self.assertEqual([one["messages"] for one in polls], [3] * len(polls))
        self.assertEqual([one["started"] for one in polls], sorted(
            (one["started"] for one in polls), reverse=True))
        self.assertEqual(evpopd.account("anna")["last_success"],
                         polls[0]["finished"])

    def test_new_mail_is_fetched_at_once(self):
        evpopd = self.serve()
        for seed in (62, 63):
            self.settle(evpopd)
            self.deliver(seed)
            self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 2)
        self.assertEqual(evpopd.bodies(), self.server.messages("anna"))

    def test_empty_maildrop(self):
        evpopd = self.serve(messages=0)
        self.settle(evpopd)
        before = self.figures(evpopd)
        self.settle(evpopd, polls=IDLE_POLLS)
        round_trips, commits = (now - then for now, then in
                                zip(self.figures(evpopd), before))
        self.assertEqual(round_trips, IDLE_POLLS)
        self.assertLess(commits, IDLE_POLLS // 4)
        self.deliver(64)
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 2)

    def test_baseline_is_for_the_first_poll(self):
        evpopd = self.serve(baseline="yes")
        self.settle(evpopd)
        self.deliver(65)
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 2)


class PolicyTest(UnchangedTest):
    """The listing is the same, and what is to be done with it is not."""

    def test_another_policy(self):
        evpopd = self.serve(max_message_size="1")
        self.assertEqual(
            evpopd.wait_polled()["session"]["too_large"], 3)
        for _ in range(4):
            self.assertEqual(evpopd.poll("anna")["session"]["too_large"], 3)
        self.assertEqual(
            evpopd.change("anna", max_message_size="10M")["fetched"], 3)
        self.settle(evpopd)
        self.assertEqual(evpopd.change("anna", keep="delete")["deleted"], 3)
        self.assertEqual(self.server.count("anna"), 0)

    def test_age(self):
        """It passes between two polls that see the same."""
        evpopd = self.serve(keep="1h")
        evpopd.wait_polled()
        evpopd.halt()
        with evpopd.database(write=True) as store:
            # All of one age: no poll deletes some of them only.
            store.execute("UPDATE uid SET stored_ms ="
                          " (SELECT min(stored_ms) FROM uid) - ?",
                          (HOUR_MS - SOON_MS,))
        evpopd.start()
        if evpopd.wait_polled()["session"]["deleted"] == 0:
            procs.wait_for(
                lambda: evpopd.poll("anna")["session"]["deleted"] == 3,
                what="the deletion of what is an hour old")
        self.assertEqual(self.server.count("anna"), 0)
        self.assertEqual(len(evpopd.messages()), 3)

    def test_wishes(self):
        """A person who asks what would be done is told."""
        evpopd = self.serve()
        self.settle(evpopd)
        shown = evpopd.ctl("poll", "--dry-run", "anna").stdout
        self.assertIn("3 on the server", shown)
        self.settle(evpopd, polls=1)

    def test_reload_while_it_is_polled(self):
        """What the poll under way finds is not what the next one goes by."""
        server = self.enterContext(scripted.ScriptedServer(
            corpus.messages(3, seed=66)))
        evpopd = self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(server, "anna")}))
        for quiet_polls in (0, 3):
            with self.subTest(quiet_polls):
                self.reload_at_listing(evpopd, server, quiet_polls)

    def reload_at_listing(self, evpopd, server, quiet_polls):
        evpopd.accounts["anna"]["keep"] = "forever"
        evpopd.write_config()
        evpopd.post("/v1/reload")
        self.settle(evpopd, polls=quiet_polls + 1)
        asked, go_on = threading.Event(), threading.Event()

        def wait(connection, line):
            asked.set()
            go_on.wait(daemon.PATIENCE)
            server.answers.pop("UIDL", None)
            connection.sendall(b"+OK\r\n1 id-1\r\n2 id-2\r\n3 id-3\r\n.\r\n")
            return True

        server.answers["UIDL"] = wait
        del server.lines[:]
        evpopd.post("/v1/accounts/anna/poll")
        self.assertTrue(asked.wait(daemon.PATIENCE))
        evpopd.accounts["anna"]["keep"] = "delete"
        evpopd.write_config()
        evpopd.post("/v1/reload")
        go_on.set()
        procs.wait_for(lambda: evpopd.account("anna")["state"] == "waiting",
                       what="the end of both polls")
        self.assertEqual([line for line in server.lines
                          if line.startswith("DELE")],
                         ["DELE 1", "DELE 2", "DELE 3"])


class AccountsTest(UnchangedTest):
    def wait_unlocked(self):
        """The server locks a maildrop until a session has ended for it, too."""
        procs.wait_for(lambda: self.server.stats()["connections_open"] == 0,
                       what="the end of all sessions")

    def poll(self, evpopd, name):
        self.wait_unlocked()
        shown = evpopd.poll(name)
        self.assertEqual(shown["last_outcome"], "ok")
        return shown["session"]

    def settle(self, evpopd):
        for name in list(evpopd.accounts) * 3:
            self.assertEqual(self.poll(evpopd, name)["fetched"], 0)

    def test_two_accounts_on_one_maildrop(self):
        evpopd = self.serve()
        evpopd.wait_polled()
        self.wait_unlocked()
        evpopd.accounts["bert"] = daemon.account_of(self.server, "anna")
        evpopd.write_config()
        evpopd.post("/v1/reload")
        self.assertEqual(evpopd.wait_polled("bert")["session"]["fetched"], 3)
        self.settle(evpopd)
        self.deliver(67)
        for name in ("anna", "bert"):
            self.assertEqual(self.poll(evpopd, name)["fetched"], 2)
        self.settle(evpopd)
        # What one of them deletes the other one misses.
        self.wait_unlocked()
        self.assertEqual(evpopd.change("anna", keep="delete")["deleted"], 5)
        self.assertEqual(self.poll(evpopd, "bert")["messages"], 0)
        self.settle(evpopd)
        self.deliver(68)
        self.assertEqual(self.poll(evpopd, "bert")["fetched"], 2)
        self.assertEqual(self.poll(evpopd, "anna")["deleted"], 2)
        self.assertEqual(evpopd.bodies("anna"), evpopd.bodies("bert"))
        self.assertEqual(len(evpopd.bodies("anna")), 7)


class CrashTest(UnchangedTest):
    def outcomes(self, evpopd):
        return [one["fetched"] for one in evpopd.get(
            "/v1/polls?account=anna")["polls"]]

    def test_rows_of_idle_polls_may_be_lost(self):
        evpopd = self.serve()
        self.settle(evpopd)
        evpopd.kill()
        evpopd.start()
        evpopd.wait_polled()
        polls = self.outcomes(evpopd)
        self.assertEqual(polls[-1], 3)
        self.assertEqual(polls[0], 0)
        self.assertLessEqual(len(polls), 5)
        self.assertEqual(evpopd.bodies(), self.server.messages("anna"))

    def test_nothing_else_is(self):
        evpopd = self.serve()
        self.settle(evpopd)
        self.deliver(69)
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 2)
        evpopd.kill()
        # What the poll with news has written took the others along.
        self.assertEqual(evpopd.rows(
            "SELECT fetched FROM v_poll ORDER BY id"),
            [(3,), (0,), (0,), (0,), (2,)])
        evpopd.start()
        self.assertEqual(evpopd.wait_polled()["session"]["fetched"], 0)
        self.assertEqual(evpopd.bodies(), self.server.messages("anna"))

    def test_the_end_writes_them(self):
        evpopd = self.serve()
        self.settle(evpopd)
        evpopd.halt()
        self.assertEqual(evpopd.rows("SELECT count(*) FROM v_poll"), [(4,)])
        evpopd.start()


class StoreTest(UnchangedTest):
    def test_store_that_cannot_be_written(self):
        """Nothing is fetched then, whatever came before, and all later."""
        evpopd = self.serve()
        self.settle(evpopd)
        with contextlib.closing(sqlite3.connect(
                evpopd.store_file, isolation_level=None,
                timeout=daemon.PATIENCE)) as other:
            other.execute("BEGIN IMMEDIATE")
            # There is nothing to be written.
            self.settle(evpopd)
            self.deliver(70)
            sent = self.server.stats()["messages_sent"]
            shown = evpopd.poll("anna")
            self.assertEqual(shown["last_outcome"], "io")
            self.assertEqual(self.server.stats()["messages_sent"], sent)
            other.execute("ROLLBACK")
        evpopd.wait_account("anna", lambda one: (one["stored"] or {}).get(
            "messages") == 5)
        self.assertEqual(evpopd.bodies(), self.server.messages("anna"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
