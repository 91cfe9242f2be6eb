"""Accounts under other names, and the mail that they had under the old ones."""

import contextlib
import signal
import sqlite3
import threading
import unittest

from harness import corpus, daemon, maildropd, procs, scripted

USERS = {"anna": "secret", "bert": "hidden", "carl": "covert"}
MAIL = 5


class AccountsTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        for number, user in enumerate(USERS):
            self.server.deliver(user, corpus.messages(MAIL, seed=80 + number))
        self.sent = 0

    def account(self, user, **keys):
        return daemon.account_of(self.server, user, **keys)

    def evpopd(self, **accounts):
        evpopd = daemon.Evpopd(accounts)
        self.addCleanup(evpopd.remove)
        return evpopd

    def fetched(self):
        """How many messages the server has given away since the last time."""
        before, self.sent = self.sent, self.server.stats()["messages_sent"]
        return self.sent - before

    def stored(self, evpopd):
        return dict(evpopd.rows(
            "SELECT name, messages FROM v_account ORDER BY name"))

    def change(self, evpopd, by_reload, **accounts):
        """Other accounts from now on, each polled once."""
        evpopd.accounts = accounts
        if by_reload is None:
            evpopd.once()
        elif by_reload:
            evpopd.write_config()
            evpopd.post("/v1/reload")
            for name in accounts:
                evpopd.wait_polled(name)
        else:
            evpopd.restart()
            evpopd.wait_polled()

    def each_way(self, **accounts):
        """By restarts, by reloads, by runs of --once: a daemon for each."""
        for by_reload in False, True, None:
            with self.subTest(by_reload=by_reload):
                evpopd = self.evpopd(**accounts)
                if by_reload is None:
                    evpopd.once()
                else:
                    evpopd.start()
                    evpopd.wait_polled()
                self.fetched()
                yield evpopd, by_reload
                if by_reload is not None:
                    evpopd.halt()


class RenameTest(AccountsTest):
    def test_by_the_old_name(self):
        for evpopd, how in self.each_way(old=self.account("anna")):
            self.change(evpopd, how, new=self.account("anna", id="old"))
            self.assertEqual(self.stored(evpopd), {"new": MAIL})
            self.change(evpopd, how, newer=self.account("anna", id="old"))
            self.change(evpopd, how, newer=self.account("anna"))
            self.change(evpopd, how, last=self.account("anna", id="newer"))
            self.change(evpopd, how, newer=self.account("anna"))
            self.assertEqual(self.stored(evpopd), {"newer": MAIL})
            self.assertEqual(self.fetched(), 0)

    def test_by_an_id(self):
        for evpopd, how in self.each_way(old=self.account("anna", id="x1")):
            self.change(evpopd, how, new=self.account("anna", id="x1"))
            self.assertEqual(self.stored(evpopd), {"new": MAIL})
            self.assertEqual(self.fetched(), 0)

    def test_swap(self):
        for evpopd, how in self.each_way(
                a=self.account("anna"), b=self.account("bert")):
            mail = {name: evpopd.rows(
                "SELECT digest FROM v_message WHERE account = ? ORDER BY id",
                name) for name in "ab"}
            self.change(evpopd, how, a=self.account("bert", id="b"),
                        b=self.account("anna", id="a"))
            self.assertEqual(self.stored(evpopd), {"a": MAIL, "b": MAIL})
            for name, other in "ab", "ba":
                self.assertEqual(evpopd.rows(
                    "SELECT digest FROM v_message WHERE account = ?"
                    " ORDER BY id", name), mail[other])
            # The ids are not needed any longer.
            self.change(evpopd, how, a=self.account("bert"),
                        b=self.account("anna"))
            self.assertEqual(self.stored(evpopd), {"a": MAIL, "b": MAIL})
            self.assertEqual(self.fetched(), 0)
            # What comes later goes where it belongs.
            self.server.deliver("anna", corpus.messages(1, seed=90))
            self.change(evpopd, how, a=self.account("bert"),
                        b=self.account("anna", keep="5w"))
            if how is not None:
                evpopd.poll("b")
            self.assertEqual(
                self.stored(evpopd), {"a": MAIL, "b": len(mail["a"]) + 1})
            for file in sorted(
                    self.server.maildrop_folder("anna").iterdir())[MAIL:]:
                file.unlink()
            self.fetched()

    def test_the_old_name_goes_to_another(self):
        for evpopd, how in self.each_way(old=self.account("anna")):
            self.change(evpopd, how, new=self.account("anna", id="old"),
                        old=self.account("bert", id="other"))
            self.assertEqual(self.stored(evpopd), {"new": MAIL, "old": MAIL})
            self.assertEqual(self.fetched(), MAIL)
            self.assertEqual(
                evpopd.rows("SELECT count(DISTINCT digest) FROM v_message"),
                [(2 * MAIL,)])

    def test_each_as_the_next_was(self):
        for evpopd, how in self.each_way(
                a=self.account("anna"), b=self.account("bert"),
                c=self.account("carl")):
            self.change(evpopd, how, b=self.account("anna", id="a"),
                        c=self.account("bert", id="b"),
                        d=self.account("carl", id="c"))
            self.assertEqual(self.stored(evpopd),
                             {"b": MAIL, "c": MAIL, "d": MAIL})
            self.assertEqual(self.fetched(), 0)

    def test_rename_and_another_user_at_once(self):
        for evpopd, how in self.each_way(old=self.account("anna")):
            self.change(evpopd, how, new=self.account("bert", id="old"))
            self.assertEqual(self.stored(evpopd), {"new": 2 * MAIL})
            self.assertEqual(self.fetched(), MAIL)
            self.change(evpopd, how, new=self.account("anna", id="old"))
            self.assertEqual(self.stored(evpopd), {"new": 2 * MAIL})
            self.assertEqual(self.fetched(), 0)

    def test_killed_after_a_reload(self):
        evpopd = self.evpopd(old=self.account("anna")).start()
        evpopd.wait_polled()
        evpopd.accounts = {"new": self.account("anna", id="old")}
        evpopd.write_config()
        evpopd.signal(signal.SIGHUP)
        evpopd.kill()
        evpopd.start()
        evpopd.wait_polled()
        self.assertEqual(self.stored(evpopd), {"new": MAIL})
        self.assertEqual(self.fetched(), MAIL)
        evpopd.halt()


class StoreTest(AccountsTest):
    def test_a_store_that_cannot_be_written(self):
        """Nothing is fetched before it is known who the account is."""
        evpopd = self.evpopd(old=self.account("anna")).start()
        evpopd.wait_polled()
        self.fetched()
        with contextlib.closing(sqlite3.connect(
                evpopd.store_file, isolation_level=None,
                timeout=daemon.PATIENCE)) as other:
            other.execute("BEGIN IMMEDIATE")
            evpopd.accounts = {"new": self.account("anna", id="old")}
            evpopd.write_config()
            evpopd.post("/v1/reload")
            shown = evpopd.wait_polled("new")
            self.assertEqual(shown["last_outcome"], "io")
            other.execute("ROLLBACK")
        evpopd.wait_account(
            "new", lambda one: one["last_outcome"] == "ok")
        self.assertEqual(self.stored(evpopd), {"new": MAIL})
        self.assertEqual(self.fetched(), 0)
        evpopd.halt()


class RunningTest(unittest.TestCase):
    """A poll of the old name runs when it is renamed."""

    def test_while_it_is_fetched(self):
        server = self.enterContext(maildropd.MaildropServer(
            synthetic=[("slow", "secret", 1, 300, 3000)], hold_after=100,
            pipelining=False))
        evpopd = self.enterContext(daemon.Evpopd(
            {"old": daemon.account_of(server, "slow1", keep="delete")}))
        server.wait_held()
        evpopd.accounts = {"new": daemon.account_of(
            server, "slow1", keep="delete", id="old")}
        evpopd.write_config()
        evpopd.post("/v1/reload")
        server.release()
        procs.wait_for(lambda: evpopd.poll("new")["last_outcome"] == "ok" and
                       server.count("slow1") == 0, what="the rest")
        self.assertEqual(evpopd.rows("SELECT name, messages FROM v_account"),
                         [("new", 300)])
        self.assertEqual(len(evpopd.bodies()), 300)

    def test_while_nothing_was_new(self):
        """The poll goes by the last one, and then there is something."""
        go_on, asked = threading.Event(), threading.Event()
        mail = corpus.messages(3, seed=91)
        server = self.enterContext(scripted.ScriptedServer(mail))
        evpopd = self.enterContext(daemon.Evpopd(
            {"old": daemon.account_of(server, "u")}))
        for _ in range(4):
            evpopd.wait_polled("old")
            evpopd.poll("old")

        def wait(connection, line):
            asked.set()
            go_on.wait(daemon.PATIENCE)
            server.answers.pop("UIDL", None)
            connection.sendall(server._usual("UIDL"))
            return True

        server.answers["UIDL"] = wait
        evpopd.post("/v1/accounts/old/poll")
        self.assertTrue(asked.wait(daemon.PATIENCE))
        server.messages += corpus.messages(2, seed=92)
        evpopd.accounts = {"new": daemon.account_of(server, "u", id="old")}
        evpopd.write_config()
        evpopd.post("/v1/reload")
        evpopd.wait_logged("continues as the account")
        go_on.set()
        evpopd.wait_account("new", lambda one: one["stored"] is not None and
                            one["stored"]["messages"] == 5)
        self.assertEqual(evpopd.rows("SELECT name, messages FROM v_account"),
                         [("new", 5)])


    def test_another_maildrop_while_it_is_fetched(self):
        """What is known of the two is not mixed up."""
        asked, go_on = threading.Event(), threading.Event()
        mail = [corpus.messages(4, seed=seed) for seed in (94, 95)]

        def wait(connection, line):
            asked.set()
            go_on.wait(daemon.PATIENCE)
            connection.sendall(servers[0]._usual(line))
            return True

        servers = [self.enterContext(scripted.ScriptedServer(mail[0], {
            "RETR 2": wait})), self.enterContext(
                scripted.ScriptedServer(mail[1][:1]))]
        evpopd = self.enterContext(daemon.Evpopd(
            {"old": daemon.account_of(servers[0], "u")}))
        self.assertTrue(asked.wait(daemon.PATIENCE))
        evpopd.accounts = {"new": daemon.account_of(
            servers[1], "v", id="old")}
        evpopd.write_config()
        evpopd.post("/v1/reload")
        shown = evpopd.wait_polled("new")
        self.assertEqual(shown["last_outcome"], "cancelled")
        self.assertIn("under its former name", shown["last_text"])
        go_on.set()
        procs.wait_for(lambda: evpopd.poll("new")["last_outcome"] == "ok",
                       what="the end of the former poll")
        # All ids that the former one used are new messages here.
        servers[1].messages += mail[1][1:]
        self.assertEqual(evpopd.poll("new")["session"]["fetched"], 3)
        self.assertEqual(
            {evpopd.raw(one["id"]) for one in evpopd.messages()} &
            set(mail[1]), set(mail[1]))


class ResemblanceTest(AccountsTest):
    """An account vanishes, and one of the same host and user appears."""

    LINE = 'write "id = old" into [account new]'

    def expect_waiting(self, evpopd):
        shown = evpopd.account("new")
        self.assertEqual(shown["resembles"], "old")
        self.assertIn(self.LINE, shown["last_text"])
        self.assertIn(self.LINE, evpopd.log())
        for words in ("accounts",), ("account", "new"):
            self.assertIn(self.LINE, evpopd.ctl(*words).stdout)
        self.assertEqual(self.fetched(), 0)

    def begin(self, how):
        evpopd = self.evpopd(old=self.account("anna")).start()
        evpopd.wait_polled()
        self.fetched()
        self.change(evpopd, how, new=self.account("anna"))
        self.expect_waiting(evpopd)
        return evpopd

    def test_the_line_is_written(self):
        for how in True, False:
            with self.subTest(how):
                evpopd = self.begin(how)
                # A person's wish and time change nothing of it.
                self.assertEqual(
                    evpopd.poll("new")["last_outcome"], "usage")
                self.change(evpopd, how, new=self.account("anna"))
                self.expect_waiting(evpopd)
                self.change(evpopd, how, new=self.account("anna", id="old"))
                shown = evpopd.wait_account(
                    "new", lambda one: one["last_outcome"] == "ok")
                self.assertIsNone(shown["resembles"])
                self.assertEqual(self.stored(evpopd), {"new": MAIL})
                self.assertEqual(self.fetched(), 0)
                evpopd.halt()

    def test_it_is_another_one(self):
        for how in True, False:
            with self.subTest(how):
                evpopd = self.begin(how)
                evpopd.ctl("poll", "--confirm", "--wait", "new")
                shown = evpopd.account("new")
                self.assertIsNone(shown["resembles"])
                self.assertEqual(shown["last_outcome"], "ok")
                self.assertEqual(
                    self.stored(evpopd), {"new": MAIL, "old": MAIL})
                evpopd.restart()
                self.assertEqual(
                    evpopd.wait_polled("new")["last_outcome"], "ok")
                self.fetched()
                evpopd.halt()

    def test_it_has_an_id_of_its_own(self):
        """It goes on, and is named."""
        evpopd = self.evpopd(old=self.account("anna")).start()
        evpopd.wait_polled()
        self.change(evpopd, True, new=self.account("anna", id="odl"))
        self.assertEqual(evpopd.account("new")["last_outcome"], "ok")
        self.assertEqual(evpopd.account("new")["resembles"], "old")
        self.assertIn(self.LINE, evpopd.log())
        evpopd.halt()

    def test_the_old_one_is_back(self):
        evpopd = self.begin(True)
        evpopd.accounts["old"] = self.account("anna", enabled="no")
        evpopd.write_config()
        evpopd.post("/v1/reload")
        shown = evpopd.wait_account(
            "new", lambda one: one["last_outcome"] == "ok")
        self.assertIsNone(shown["resembles"])
        self.assertEqual(self.stored(evpopd), {"new": MAIL, "old": MAIL})
        evpopd.halt()

    def test_another_user(self):
        evpopd = self.evpopd(old=self.account("anna")).start()
        evpopd.wait_polled()
        self.change(evpopd, True, new=self.account("bert"))
        self.assertIsNone(evpopd.account("new")["resembles"])
        self.assertEqual(self.stored(evpopd), {"new": MAIL, "old": MAIL})
        evpopd.halt()

    def test_another_server_behind_a_tunnel(self):
        other = self.enterContext(maildropd.MaildropServer(users=USERS))
        other.deliver("anna", corpus.messages(2, seed=93))
        evpopd = self.evpopd(old=self.account("anna")).start()
        evpopd.wait_polled()
        self.change(evpopd, True, new=daemon.account_of(other, "anna"))
        self.assertIsNone(evpopd.account("new")["resembles"])
        self.assertEqual(self.stored(evpopd), {"new": 2, "old": MAIL})
        evpopd.halt()

    def test_once(self):
        evpopd = self.evpopd(old=self.account("anna"))
        evpopd.once()
        evpopd.accounts = {"new": self.account("anna")}
        for _ in range(2):
            self.assertIn(self.LINE, evpopd.once(code=75).stderr)
        evpopd.accounts = {"new": self.account("anna", id="old")}
        evpopd.once()
        self.assertEqual(self.stored(evpopd), {"new": MAIL})
        self.assertEqual(self.fetched(), MAIL)


if __name__ == "__main__":
    unittest.main(verbosity=2)
