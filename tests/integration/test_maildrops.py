"""Another user or host in an account: whose maildrop its unique-ids are of.

The server counts its unique-ids from 1 in each maildrop, as many do.
"""

import unittest

from harness import daemon, procs, scripted
from harness.drops import Drops, bare, mail


class MaildropTest(unittest.TestCase):
    def serve(self, form=b"%d", **drops):
        self.server = self.enterContext(Drops(form, **drops))
        return self.server

    def account(self, user, host="127.0.0.1", **keys):
        return daemon.account_of(self.server, user, host=host, **keys)

    def evpopd(self, user="u", **keys):
        self.daemon = self.enterContext(daemon.Evpopd(
            {"a": self.account(user, **keys)}))
        self.assertEqual(
            self.daemon.wait_polled("a")["last_outcome"], "ok")
        return self.daemon

    def move(self, user, by_reload=True, **keys):
        """The account has another user or host; the poll that follows."""
        last = self.daemon.wait_rest("a")["last_finished"]
        del self.server.lines[:]
        self.daemon.accounts = {"a": self.account(user, **keys)}
        if by_reload:
            self.daemon.write_config()
            self.daemon.post("/v1/reload")
            return self.daemon.wait_account(
                "a", lambda one: one["last_finished"] != last and
                one["state"] not in ("polling", "queued"))
        self.daemon.restart()
        return self.daemon.wait_polled("a")

    def expect(self, *messages):
        """All that is stored, each once."""
        stored = [self.daemon.raw(one["id"])
                  for one in self.daemon.messages()]
        self.assertEqual(sorted(stored), sorted(messages))


class AnotherUserTest(MaildropTest):
    def setUp(self):
        self.u = [mail(b"u", number) for number in range(1, 4)]
        # The same number of octets, some of them, and others.
        self.v = [mail(b"v", number, 300 if number < 3 else 900)
                  for number in range(1, 5)]
        self.serve(u=self.u, v=self.v)

    def test_all_is_fetched(self):
        for by_reload in True, False:
            with self.subTest(by_reload=by_reload):
                evpopd = self.evpopd()
                for _ in range(3):
                    evpopd.poll("a")
                shown = self.move("v", by_reload)
                self.assertEqual(shown["last_outcome"], "ok")
                self.assertEqual(shown["session"]["fetched"], 4)
                self.expect(*self.u, *self.v)
                for _ in range(3):
                    self.assertEqual(
                        evpopd.poll("a")["session"]["fetched"], 0)
                self.expect(*self.u, *self.v)
                evpopd.halt()
                self.assertEqual(evpopd.rows(
                    "SELECT count(*) FROM v_message"), [(7,)])

    def test_it_is_said(self):
        evpopd = self.evpopd()
        self.assertIsNone(evpopd.account("a")["moved"])
        words = "its maildrop was that of u at 127.0.0.1:" \
            f"{self.server.port} before: 3 unique-ids are not trusted here"
        shown = self.move("v")
        self.assertIn(words, shown["moved"])
        self.assertIn(words, evpopd.log())
        for command in ("accounts",), ("account", "a"), ("polls",):
            self.assertIn(words, evpopd.ctl(*command).stdout)
        (text,), = evpopd.rows("SELECT text FROM v_poll WHERE fetched = 4")
        self.assertIn(words, text)
        self.assertEqual(evpopd.log().count(words), 1)
        # It is no failure.
        self.assertIsNone(evpopd.account("a")["stored"]["last_error"])

    def test_back_again(self):
        """What was known there is known again, and nothing is looked at."""
        evpopd = self.evpopd()
        self.move("v")
        shown = self.move("u")
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertIn("3 unique-ids of an earlier time here count again",
                      shown["moved"])
        self.assertEqual(self.server.said("TOP"), 0)
        self.server.drops["u"].append((4, mail(b"u", 4)))
        self.assertEqual(evpopd.poll("a")["session"]["fetched"], 1)
        self.assertEqual(self.move("v")["session"]["fetched"], 0)
        self.assertEqual(self.server.said("TOP") + self.server.said("RETR"), 0)
        self.expect(*self.u, mail(b"u", 4), *self.v)

    def test_back_again_after_a_long_time(self):
        evpopd = self.evpopd()
        self.move("v")
        evpopd.halt()
        with evpopd.database(write=True) as store:
            store.execute(
                "UPDATE uid SET stored_ms = stored_ms - 100 * 86400000")
        evpopd.start()
        for number in 5, 6:
            evpopd.wait_polled("a")
            self.server.drops["v"].append((number, mail(b"v", number)))
            self.assertEqual(evpopd.poll("a")["session"]["fetched"], 1)
        self.assertEqual(self.move("u")["session"]["fetched"], 0)
        self.assertEqual(self.server.said("TOP") + self.server.said("RETR"), 0)
        self.expect(*self.u, *self.v, mail(b"v", 5), mail(b"v", 6))

    def test_a_user_whom_the_server_does_not_know(self):
        """Then nothing is known of another maildrop."""
        evpopd = self.evpopd()
        shown = self.move("nobody")
        self.assertEqual(shown["last_outcome"], "auth")
        self.assertIsNone(shown["moved"])
        shown = self.move("u")
        self.assertEqual(shown["last_outcome"], "ok")
        self.assertIsNone(shown["moved"])
        self.assertEqual(self.server.said("RETR"), 0)
        self.expect(*self.u)

    def test_a_few_at_a_time(self):
        evpopd = self.evpopd()
        self.move("v", max_messages_per_poll="1")
        for _ in range(3):
            evpopd.poll("a")
        self.expect(*self.u, *self.v)
        self.assertEqual(self.server.said("RETR"), 4)

    def test_a_dry_run(self):
        """It shows what a poll would do, and no harm comes of it."""
        evpopd = self.evpopd()
        evpopd.post("/v1/accounts/a/pause")
        evpopd.accounts = {"a": self.account("v", keep="delete")}
        evpopd.write_config()
        evpopd.post("/v1/reload")
        shown = evpopd.ctl("poll", "--dry-run", "a").stdout
        self.assertIn("4 on the server", shown)
        self.assertIn("4 to fetch", shown)
        self.expect(*self.u)
        evpopd.accounts = {"a": self.account("u")}
        evpopd.write_config()
        evpopd.post("/v1/reload")
        del self.server.lines[:]
        self.assertEqual(evpopd.poll("a")["session"]["fetched"], 0)
        self.assertEqual(self.server.said("RETR"), 0)
        self.assertEqual(self.server.holds("v"), self.v)
        self.expect(*self.u)

    def test_quarantine(self):
        """An id that failed there is another message here."""
        evpopd = self.evpopd()
        evpopd.halt()
        with evpopd.database(write=True) as store:
            store.execute(
                "INSERT INTO uid(account, unique_id, occurrence, state,"
                " stored_ms) SELECT id, CAST('4' AS BLOB), 0, 5, 1"
                " FROM account")
            store.execute(
                "INSERT INTO quarantine(account, unique_id, occurrence, body,"
                " octets, stored_ms, reason) SELECT id, CAST('4' AS BLOB), 0,"
                " 0, 0, 1, 'cut' FROM account")
        evpopd.accounts = {"a": self.account("v")}
        evpopd.start()
        self.assertEqual(evpopd.wait_polled("a")["session"]["fetched"], 4)
        # Taken out, it is not known either where it came from.
        shown = evpopd.ctl("quarantine", "retry", "1").stdout
        self.assertIn("to be fetched", shown)
        procs.wait_for(lambda: len(evpopd.get("/v1/polls")["polls"]) == 3,
                       what="the poll that this is for")
        self.server.drops["u"].append((4, mail(b"u", 4)))
        self.assertEqual(self.move("u")["session"]["fetched"], 1)
        self.expect(*self.u, mail(b"u", 4), *self.v)

    def test_rows_of_an_earlier_version(self):
        """Nobody knows whose they are: they are the present maildrop's."""
        evpopd = self.evpopd()
        evpopd.halt()
        with evpopd.database(write=True) as store:
            store.execute("UPDATE account SET host = NULL, login = NULL")
        del self.server.lines[:]
        evpopd.start()
        shown = evpopd.wait_polled("a")
        self.assertIsNone(shown["moved"])
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertEqual(
            evpopd.rows("SELECT login FROM account"), [("u",)])
        self.assertEqual(self.move("v")["session"]["fetched"], 4)

    def test_killed_between(self):
        """The row has another maildrop, and no poll of it went well yet."""
        evpopd = self.evpopd()
        evpopd.accounts = {"a": self.account("v")}
        for word in "RETR", "LIST", "TOP":
            self.server.answers[word] = scripted.fall_silent(b"")
        evpopd.write_config()
        evpopd.post("/v1/reload")
        procs.wait_for(lambda: evpopd.rows("SELECT login FROM account") ==
                       [("v",)], what="the change")
        evpopd.kill()
        self.server.answers.clear()
        evpopd.start()
        self.assertEqual(
            evpopd.wait_polled("a")["session"]["fetched"], 4)
        self.expect(*self.u, *self.v)
        evpopd.kill()
        evpopd.accounts = {"a": self.account("u")}
        evpopd.start()
        self.assertEqual(
            evpopd.wait_polled("a")["session"]["fetched"], 0)
        self.expect(*self.u, *self.v)


class DeletionTest(MaildropTest):
    """Nothing is deleted for an id that another maildrop gave."""

    def test_deletion_is_owed(self):
        u = [mail(b"u", number) for number in range(1, 4)]
        v = [mail(b"v", number) for number in range(1, 5)]
        self.serve(u=u, v=v)
        self.server.answers["QUIT"] = b"-ERR not now\r\n"
        evpopd = self.evpopd(keep="forever")
        evpopd.halt()
        with evpopd.database(write=True) as store:
            store.execute("UPDATE uid SET state = 1")
        evpopd.accounts = {"a": self.account("v", keep="delete")}
        evpopd.start()
        evpopd.wait_polled("a")
        self.server.answers.clear()
        procs.wait_for(lambda: evpopd.poll("a")["session"]["messages"] == 0,
                       what="the end of all deletions")
        self.expect(*u, *v)
        self.assertEqual(self.server.holds("u"), u)
        self.assertEqual(self.server.holds("v"), [])
        # Back at home it is still owed.
        self.assertEqual(
            self.move("u", keep="delete")["session"]["deleted"], 3)
        self.expect(*u, *v)

    def test_age(self):
        u = [mail(b"u", number) for number in range(1, 4)]
        v = [mail(b"v", number) for number in range(1, 4)]
        self.serve(u=u, v=v)
        evpopd = self.evpopd(keep="1h")
        evpopd.halt()
        with evpopd.database(write=True) as store:
            for table in "uid", "message":
                store.execute(
                    f"UPDATE {table} SET stored_ms = stored_ms - 3500000")
        evpopd.accounts = {"a": self.account("v", keep="1h")}
        evpopd.start()
        self.assertEqual(
            evpopd.wait_polled("a")["session"]["deleted"], 0)
        self.assertEqual(self.server.holds("v"), v)
        self.expect(*u, *v)

    def test_the_same_mail_at_another_host(self):
        u = [mail(b"u", number) for number in range(1, 4)]
        self.serve(u=u)
        self.evpopd()
        shown = self.move("u", host="localhost", keep="delete")
        self.assertEqual(shown["last_outcome"], "ok")
        procs.wait_for(
            lambda: self.daemon.poll("a")["session"]["messages"] == 0,
            what="the deletion of what is recognised")
        self.expect(*u)


class AnotherHostTest(MaildropTest):
    def test_the_same_maildrop(self):
        """It is recognised, and not downloaded."""
        u = [mail(b"u", number) for number in range(1, 31)]
        self.serve(u=u)
        evpopd = self.evpopd()
        shown = self.move("u", host="localhost")
        self.assertEqual(shown["session"]["adopted"], 30)
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertEqual(self.server.said("RETR"), 0)
        for _ in range(3):
            evpopd.poll("a")
        self.assertEqual(self.server.said("RETR"), 0)
        self.assertEqual(
            self.move("u", host="LOCALHOST")["moved"], shown["moved"])
        self.assertEqual(
            self.move("u")["session"]["fetched"], 0)
        self.assertEqual(self.server.said("RETR"), 0)
        self.expect(*u)

    def test_the_same_maildrop_with_other_ids(self):
        u = [mail(b"u", number) for number in range(1, 31)]
        self.serve(u=u)
        self.evpopd()
        self.server.form = b"other-%d"
        self.move("u", host="localhost")
        self.assertEqual(self.server.said("RETR"), 0)
        self.expect(*u)

    def test_headers_that_do_not_tell(self):
        u = [bare(b"u", number) for number in range(1, 6)]
        self.serve(u=[*u, u[0]])
        self.evpopd()
        shown = self.move("u", host="localhost")
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertEqual(shown["session"]["adopted"], 6)
        self.expect(*u, u[0])

    def test_another_maildrop(self):
        u = [mail(b"u", number) for number in range(1, 4)]
        new = [mail(b"n", number) for number in range(1, 6)]
        self.serve(u=u)
        self.evpopd()
        self.server.drops["u"] = list(enumerate(new, 1))
        shown = self.move("u", host="localhost")
        self.assertEqual(shown["session"]["fetched"], 5)
        self.expect(*u, *new)

    def test_without_uidl(self):
        for capabilities in b"TOP\r\n", b"":
            with self.subTest(capabilities):
                u = [mail(b"u", number) for number in range(1, 4)]
                v = [mail(b"v", number) for number in range(1, 5)]
                self.serve(u=u, v=v, capabilities=capabilities)
                self.evpopd()
                self.move("u", host="localhost")
                self.expect(*u)
                self.move("v", host="localhost")
                self.expect(*u, *v)
                self.move("u")
                self.expect(*u, *v)

    def test_top_of_the_former_server(self):
        """Its names are no reason to leave mail at one without TOP."""
        u = [mail(b"u", number) for number in range(1, 4)]
        self.serve(u=u, capabilities=b"TOP\r\n")
        evpopd = self.evpopd()
        self.server.answers["TOP"] = b"-ERR no\r\n"
        self.server.drops["u"].append((4, mail(b"u", 4)))
        self.move("u", host="localhost")
        self.assertEqual(evpopd.poll("a")["last_outcome"], "ok")
        self.expect(*u, mail(b"u", 4))


class BaselineTest(MaildropTest):
    def setUp(self):
        self.u = [mail(b"u", number) for number in range(1, 4)]
        self.v = [mail(b"v", number) for number in range(1, 5)]

    def test_another_user(self):
        """What was seen there says nothing of what is here."""
        for form in b"%d", b"0123456789abcdef%d":
            with self.subTest(form):
                self.serve(form, u=self.u, v=self.v)
                self.evpopd(baseline="yes")
                self.expect()
                self.assertEqual(
                    self.move("v", baseline="yes")["session"]["fetched"], 4)
                self.expect(*self.v)
                self.assertEqual(
                    self.move("u", baseline="yes")["session"]["fetched"], 0)
                self.expect(*self.v)

    def test_another_name_of_the_host(self):
        """Ids that mean something are those that were seen."""
        self.serve(b"0123456789abcdef%d", u=self.u)
        self.evpopd(baseline="yes")
        self.server.drops["u"].append((4, mail(b"u", 4)))
        shown = self.move("u", host="localhost", baseline="yes")
        self.assertEqual(shown["session"]["fetched"], 1)
        self.assertIn("3 unique-ids still count as seen", shown["moved"])
        self.expect(mail(b"u", 4))

    def test_another_server_that_counts(self):
        self.serve(u=self.u)
        self.evpopd(baseline="yes")
        self.server.drops["u"] = list(enumerate(self.v, 1))
        self.move("u", host="localhost", baseline="yes")
        self.expect(*self.v)


if __name__ == "__main__":
    unittest.main(verbosity=2)
