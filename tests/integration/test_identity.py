"""Each message on the server is one message here, whatever it is known by."""

import collections
import re
import unittest

from harness import corpus, daemon, dovecot, maildropd, pop3, scripted

USERS = {"anna": "secret"}


def stored(evpopd):
    """The octets of all stored messages, counted."""
    return collections.Counter(
        evpopd.raw(message["id"]) for message in evpopd.messages())


def held(server):
    """The octets of all that the server has, counted."""
    return collections.Counter(pop3.bodies(
        server.host, server.port, "anna", server.password("anna")))


def nameless(evpopd):
    """How many have no Message-ID, so that their header does not tell."""
    (count,), = evpopd.rows(
        "SELECT count(*) FROM v_message WHERE message_id IS NULL")
    return count


def retrieved(server):
    """How many messages Dovecot has given away in ended sessions."""
    return sum(map(int, re.findall(r"retr=(\d+)/", server.log())))


class IdentityTest(unittest.TestCase):
    """With the project's own server, which leaves out what it is told to."""

    def serve(self, **keywords):
        return self.enterContext(
            maildropd.MaildropServer(users=USERS, tls=False, **keywords))

    def evpopd(self, server, **keys):
        return self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(server, "anna", **keys)}))

    def commands(self, server, word):
        return sum(command.split()[0] == word
                   for *_, command in server.commands())

    def test_without_uidl(self):
        server = self.serve(uidl=False)
        mail = corpus.messages(20, seed=31)
        twin = mail[3]
        server.deliver("anna", [*mail, twin])
        evpopd = self.evpopd(server)
        shown = evpopd.wait_polled()
        self.assertEqual(shown["identity"], "top")
        self.assertEqual(shown["session"]["fetched"], 21)
        self.assertEqual(self.commands(server, "RETR"), 21)
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 0)
        self.assertEqual(self.commands(server, "RETR"), 21)
        self.assertEqual(stored(evpopd), held(server))
        server.deliver("anna", corpus.messages(5, seed=32))
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 5)
        self.assertEqual(stored(evpopd), held(server))
        self.assertIn("known by their headers",
                      evpopd.ctl("account", "anna").stdout)

    def test_without_uidl_and_top(self):
        server = self.serve(uidl=False, top=False)
        mail = corpus.messages(12, seed=33)
        server.deliver("anna", [*mail, mail[0], mail[0]])
        evpopd = self.evpopd(server)
        shown = evpopd.wait_polled()
        self.assertEqual(shown["identity"], "body")
        self.assertEqual(shown["session"]["fetched"], 14)
        self.assertEqual(stored(evpopd), held(server))
        # They have to be fetched, but are known.
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 0)
        server.deliver("anna", [*corpus.messages(2, seed=34), mail[0]])
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 3)
        self.assertEqual(stored(evpopd), held(server))

    def test_deletion_without_uidl(self):
        server = self.serve(uidl=False)
        mail = corpus.messages(10, seed=35)
        server.deliver("anna", [*mail, mail[2]])
        everything = held(server)
        evpopd = self.evpopd(server, keep="delete")
        shown = evpopd.wait_polled()
        self.assertEqual(shown["session"]["deleted"], 11)
        self.assertEqual(stored(evpopd), everything)
        self.assertEqual(self.commands(server, "TOP"), 0)
        # What comes after a confirmed deletion is another message.
        server.deliver("anna", [mail[2]])
        everything += held(server)
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 1)
        self.assertEqual(stored(evpopd), everything)

    def test_unanswered_quit_without_uidl(self):
        server = self.serve(uidl=False)
        mail = corpus.messages(6, seed=36)
        server.deliver("anna", mail)
        everything = held(server)
        server.restart(extra=["--drop-quits", "100"])
        evpopd = self.evpopd(server, keep="delete")
        evpopd.wait_polled()
        self.assertEqual(stored(evpopd), everything)
        server.deliver("anna", mail[:1])
        evpopd.poll("anna")
        # Whether it is the one that was to be deleted, nobody can tell.
        self.assertEqual(set(stored(evpopd)), set(everything))

    def test_all_ids_changed(self):
        server = self.serve()
        mail = corpus.messages(30, seed=37)
        server.deliver("anna", [*mail, mail[7]])
        evpopd = self.evpopd(server)
        evpopd.wait_polled()
        unknown = nameless(evpopd)
        (octets,), = evpopd.rows(
            "SELECT sum(size) FROM v_message WHERE message_id IS NOT NULL")
        server.restart(uid_prefix="moved-")
        server.deliver("anna", corpus.messages(2, seed=38))
        seen = self.commands(server, "RETR")
        shown = evpopd.poll("anna")
        self.assertEqual(shown["session"]["adopted"], 31)
        self.assertEqual(shown["session"]["adopted_bytes"], octets)
        self.assertIn("not downloaded", evpopd.ctl("account", "anna").stdout)
        self.assertEqual(shown["session"]["fetched"], 2)
        self.assertEqual(self.commands(server, "RETR") - seen,
                         2 + unknown)
        self.assertEqual(stored(evpopd), held(server))
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 0)
        ids = {row[0] for row in evpopd.rows(
            "SELECT CAST(unique_id AS TEXT) FROM uid WHERE state = 0")}
        self.assertEqual(ids, {*server.messages("anna")})

    def test_all_ids_changed_without_top(self):
        server = self.serve(top=False)
        mail = corpus.messages(15, seed=39)
        server.deliver("anna", mail)
        evpopd = self.evpopd(server)
        evpopd.wait_polled()
        server.restart(uid_prefix="moved-")
        shown = evpopd.poll("anna")
        # The bytes have to come, and tell.
        self.assertEqual(self.commands(server, "RETR"), 30)
        self.assertEqual(shown["session"]["adopted"], 15)
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertEqual(evpopd.poll("anna")["session"]["adopted"], 0)
        self.assertEqual(self.commands(server, "RETR"), 30)
        self.assertEqual(stored(evpopd), held(server))

    def test_a_maildrop_that_is_empty_for_a_while(self):
        server = self.serve()
        mail = corpus.messages(10, seed=40)
        server.deliver("anna", mail)
        evpopd = self.evpopd(server)
        evpopd.wait_polled()
        folder = server.maildrop_folder("anna")
        away = folder.with_name("away")
        folder.rename(away)
        folder.mkdir()
        self.assertEqual(evpopd.poll("anna")["session"]["messages"], 0)
        folder.rmdir()
        away.rename(folder)
        server.restart()
        shown = evpopd.poll("anna")
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertEqual(self.commands(server, "RETR"), 10 + nameless(evpopd))
        self.assertEqual(evpopd.poll("anna")["session"]["adopted"], 0)
        self.assertEqual(stored(evpopd), held(server))

    def test_an_id_that_is_given_again(self):
        server = self.serve()
        old, new = corpus.messages(2, seed=41)
        server.deliver("anna", [old])
        evpopd = self.evpopd(server)
        evpopd.wait_polled()
        file, = server.maildrop_folder("anna").iterdir()
        file.unlink()
        evpopd.poll("anna")
        file.write_bytes(new)
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 1)
        self.assertEqual(stored(evpopd), collections.Counter([old, new]))

    def given_again(self, old, new, **keywords):
        """What has got the id of a stored message is fetched, then deleted."""
        server = self.serve(**keywords)
        server.deliver("anna", [old])
        evpopd = self.evpopd(server)
        evpopd.wait_polled()
        # While nobody looked, another message has got the id.
        file, = server.maildrop_folder("anna").iterdir()
        file.write_bytes(new)
        evpopd.accounts["anna"]["keep"] = "delete"
        evpopd.write_config()
        evpopd.post("/v1/reload")
        evpopd.wait_account(
            "anna", lambda one: one["session"]["deleted"] == 1)
        self.assertEqual(stored(evpopd), collections.Counter([old, new]))

    def test_an_id_that_is_given_again_to_another_size(self):
        self.given_again(corpus.message(1, 3000), corpus.message(2, 5000))

    def test_an_id_that_is_given_again_to_the_same_size(self):
        old = corpus.message(1, 3000, "plain_ascii")
        new = re.sub(rb"(?i)(\nmessage-id: <)..", rb"\1ZZ", old, count=1)
        self.assertNotEqual(old, new)
        self.assertEqual(len(old), len(new))
        self.given_again(old, new)
        self.given_again(old, new, top=False)


class TopTest(unittest.TestCase):
    """Servers whose TOP is not what they say."""

    MAIL = [b"Message-ID: <%d@example.org>\r\n\r\nText.\r\n" % number
            for number in range(3)]

    def serve(self, answers, **keys):
        server = self.enterContext(scripted.ScriptedServer(self.MAIL, answers))
        evpopd = self.enterContext(daemon.Evpopd({"anna": daemon.account_of(
            server, "anna", timeout_body="300ms", timeout_command="300ms",
            **keys)}))
        evpopd.wait_polled()
        return server, evpopd

    def test_top_that_hangs(self):
        """It is asked once, and the bodies are compared in the same poll."""
        server, evpopd = self.serve({"TOP": scripted.fall_silent(b"+OK\r\n")})
        self.assertEqual(len(evpopd.messages()), 3)
        evpopd.accounts["anna"]["keep"] = "delete"
        evpopd.write_config()
        evpopd.post("/v1/reload")
        shown = evpopd.wait_account(
            "anna", lambda one: one["session"]["deleted"] == 3)
        self.assertEqual(shown["last_outcome"], "ok")
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertEqual(server.lines.count("TOP 1 0"), 1)
        self.assertEqual(server.lines.count("RETR 1"), 2)
        self.assertEqual(len(evpopd.messages()), 3)

    def test_top_always_refused(self):
        """Though the server says it has it: bodies are compared."""
        server, evpopd = self.serve({
            "UIDL": b"-ERR what?\r\n", "TOP": b"-ERR what?\r\n"})
        self.assertEqual(evpopd.account("anna")["identity"], "body")
        self.assertEqual(len(evpopd.messages()), 3)
        shown = evpopd.poll("anna")
        self.assertEqual(shown["last_outcome"], "ok")
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertEqual(len(evpopd.messages()), 3)
        # Once TOP works, they get names, and stay the messages they are.
        del server.answers["TOP"]
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(evpopd.account("anna")["identity"], "top")
        self.assertEqual(len(evpopd.messages()), 3)

    def test_top_refused_for_a_while(self):
        """What has no name today may be known by one."""
        server, evpopd = self.serve({"UIDL": b"-ERR what?\r\n"})
        self.assertEqual(evpopd.account("anna")["identity"], "top")
        server.answers["TOP"] = b"-ERR [SYS/TEMP] not now\r\n"
        shown = evpopd.poll("anna")
        self.assertEqual(shown["last_outcome"], "protocol")
        self.assertIn("3 messages were left", shown["last_text"])
        del server.answers["TOP"]
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(server.lines.count("RETR 1"), 1)
        self.assertEqual(len(evpopd.messages()), 3)


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class DovecotTest(unittest.TestCase):
    def test_another_form_of_unique_ids(self):
        server = self.enterContext(dovecot.Dovecot(users=USERS))
        # Dovecot's sizes leave out the line end that it adds to the others.
        mail = [one for one in corpus.messages(48, seed=42)
                if one.endswith(b"\r\n")]
        server.deliver("anna", mail)
        evpopd = self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(server, "anna", tls="implicit")}))
        evpopd.wait_polled()
        before = stored(evpopd)
        server.halt()
        server.uidl_format = "%g"
        server.start()
        shown = evpopd.poll("anna")
        self.assertEqual(shown["session"]["adopted"], len(mail))
        self.assertEqual(shown["session"]["fetched"], 0)
        self.assertEqual(retrieved(server), len(mail) + nameless(evpopd))
        self.assertEqual(stored(evpopd), before)
        self.assertEqual(evpopd.poll("anna")["session"]["adopted"], 0)
        self.assertEqual(evpopd.bodies(), server.messages("anna"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
