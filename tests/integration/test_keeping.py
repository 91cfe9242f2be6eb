"""Stored mail is held, deleted and retained, and nothing comes back."""

import os
import unittest

from harness import corpus, daemon, dovecot, maildropd, procs

USERS = {"anna": "secret", "bert": "secret"}

# Exit codes of evpopctl.
USAGE, NO_PERMISSION = 64, 77

WORD = b"Zwiebelturmuhr"


def letter(number, size=0):
    return (b"From: writer%d@example.org\r\nSubject: letter %d\r\n"
            b"Message-ID: <%d@example.org>\r\n\r\nAbout %b%d.\r\n"
            % (number, number, number, WORD, number)
            + b"0123456789abcde\r\n" * (size // 17))


def age(evpopd, hours, where="1"):
    """Let messages be that old; the daemon does not run."""
    with evpopd.database(write=True) as store:
        store.execute("UPDATE message SET stored_ms = stored_ms - ?"
                      f" WHERE {where}", (hours * 3600000,))


def wait_removed(evpopd):
    procs.wait_for(lambda: evpopd.rows(
        "SELECT count(*) FROM removal")[0][0] == 0, what="the removal")


def wait_indexed(evpopd, word, count):
    procs.wait_for(lambda: len(evpopd.get(
        f"/v1/messages?limit=1000&q={word}")["messages"]) == count,
        what="the index")


def bytes_of_files(evpopd):
    return b"".join(path.read_bytes() for path in
                    evpopd.folder.glob("mail.db*"))


class Common:
    """What holds at every server."""

    def daemon(self, store=None, **keys):
        return daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna", **keys)},
            store=store)

    def check(self, evpopd):
        evpopd.ctl("check", "--store")

    def test_what_was_deleted_is_not_fetched_again(self):
        self.server.deliver("anna", [letter(n) for n in range(10)])
        with self.daemon() as evpopd:
            evpopd.wait_polled()
            ids = [one["id"] for one in evpopd.messages()]
            self.assertEqual(len(ids), 10)
            evpopd.ctl("delete", "--yes", "--reason", "asked to",
                       *map(str, ids[:4]))
            self.assertEqual(len(evpopd.messages()), 6)
            self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 0)
            wait_removed(evpopd)
            evpopd.restart()
            evpopd.wait_polled()
            self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 0)
            self.assertEqual(len(evpopd.messages()), 6)
            self.assertEqual(evpopd.rows(
                "SELECT deleted_by, reason FROM v_tombstone"),
                [("root" if os.geteuid() == 0 else f"uid {os.geteuid()}",
                  "asked to")] * 4)
            self.check_deleted(evpopd, ids[:4])
            self.assertEqual(evpopd.ctl(
                "delete", "--yes", "--reason", "old", "--account", "anna",
                "--before", "1d").stdout, "deleted 0 messages\n")
            self.assertIn("--before needs --account", evpopd.ctl(
                "delete", "--yes", "--reason", "old", "--before", "1d",
                code=64).stderr)
            self.assertEqual(evpopd.account("anna")["stored"]["messages"], 6)
            self.check(evpopd)
        self.assertEqual(self.server.count("anna"), 10)

    def check_deleted(self, evpopd, ids):
        """Each page and the command say what was deleted, and why."""
        found, cursor = [], ""
        while cursor is not None:
            page = evpopd.get(
                f"/v1/tombstones?account=anna&limit=3{cursor}")
            found += page["tombstones"]
            cursor = (f"&cursor={page['next_cursor']}"
                      if "next_cursor" in page else None)
        self.assertEqual([one["id"] for one in found],
                         sorted(ids, reverse=True))
        for one in found:
            self.assertEqual((one["account"], one["reason"]),
                             ("anna", "asked to"))
            self.assertEqual(len(one["digest"]), 64)
        shown = evpopd.ctl("deleted", "--account", "anna").stdout
        self.assertEqual(shown.count("asked to"), 4)
        self.assertEqual(evpopd.ctl("deleted", "-A", "nobody",
                                    code=66).stdout, "")

    def test_what_is_owed_to_the_server_is_deleted_there(self):
        self.server.deliver("anna", [letter(n) for n in range(6)])
        with self.daemon(keep="14d") as evpopd:
            evpopd.wait_polled()
            ids = [one["id"] for one in evpopd.messages()]
            for number in ids[:3]:
                evpopd.ctl("delete", "--yes", "--reason", "x", str(number))
            evpopd.halt()
            with evpopd.database(write=True) as store:
                store.execute("UPDATE uid SET stored_ms = stored_ms - ?",
                              (15 * 86400000,))
            evpopd.start()
            evpopd.wait_polled()
            procs.wait_for(lambda: self.server.count("anna") == 0,
                           what="the deletion on the server")
            self.assertEqual(len(evpopd.messages()), 3)
            self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 0)
            self.check(evpopd)

    def test_mail_goes_by_its_age(self):
        self.server.deliver("anna", [letter(n) for n in range(40)])
        with self.daemon(store={"retain": "2h"}) as evpopd:
            evpopd.wait_polled()
            held = evpopd.messages()[-1]["id"]
            evpopd.ctl("hold", "--reason", "a case", str(held))
            evpopd.halt()
            age(evpopd, 3, "id <= 30")
            evpopd.start()
            procs.wait_for(lambda: len(evpopd.messages()) == 11,
                           what="the deletion by age")
            self.assertEqual(evpopd.get(f"/v1/messages/{held}")["hold"][
                "reason"], "a case")
            evpopd.wait_polled()
            self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 0)
            deeds = [(one["who"], one["object"], one["reason"]) for one in
                     evpopd.get("/v1/audit?action=delete")["audit"]]
            self.assertEqual(deeds, [("retention",
                                      "29 messages of account anna",
                                      "retain = 2h")])
            self.check(evpopd)


class MaildropTest(Common, unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(
            maildropd.MaildropServer(users=USERS))

    def test_nothing_of_it_is_left(self):
        self.server.deliver("anna", [letter(n) for n in range(20)])
        word = WORD + b"7"
        with self.daemon() as evpopd:
            evpopd.wait_polled()
            wait_indexed(evpopd, word.decode(), 1)
            self.assertIn(word, bytes_of_files(evpopd))
            found = evpopd.get(f"/v1/messages?q={word.decode()}")["messages"]
            evpopd.ctl("delete", "--yes", "--reason", "x",
                       str(found[0]["id"]))
            wait_indexed(evpopd, word.decode(), 0)

            def is_forgotten():
                data = bytes_of_files(evpopd)
                return (word not in data and word.lower() not in data
                        and b"writer7@" not in data)

            procs.wait_for(is_forgotten, what="the words to be forgotten")
            self.assertIn(WORD + b"8", bytes_of_files(evpopd))
            wait_indexed(evpopd, (WORD + b"8").decode(), 1)
            self.check(evpopd)

    def test_space_is_given_back_while_it_runs(self):
        self.server.deliver("anna", [letter(n, 1_000_000) for n in range(30)])
        self.server.deliver("bert", [letter(n) for n in range(100, 110)])
        with daemon.Evpopd({
                "old": daemon.account_of(self.server, "anna"),
                "bert": daemon.account_of(self.server, "bert"),
        }) as evpopd:
            evpopd.wait_polled()
            del evpopd.accounts["old"]
            evpopd.write_config()
            evpopd.ctl("reload")
            done = evpopd.ctl("accounts")
            self.assertRegex(
                done.stdout, r"Not configured +old, 30 messages, 2")
            self.assertIn("--account NAME --all --reason TEXT", done.stderr)
            self.assertEqual(evpopd.get("/v1/store/accounts")[
                "not_configured"][0]["messages"], 30)
            evpopd.ctl("delete", "--account", "old", "--all", code=USAGE)
            evpopd.ctl("delete", "--account", "old", "--all", "--reason",
                       "gone", code=USAGE, stdin=None)
            done = evpopd.ctl("delete", "--account", "old", "--all", "--yes",
                              "--reason", "the customer has left")
            self.assertEqual(done.stdout, "deleted 30 messages\n")
            procs.wait_for(lambda: evpopd.store_file.stat().st_size
                           < 8_000_000, what="the file to shrink")
            self.server.deliver("bert", [letter(n) for n in range(200, 210)])
            self.assertEqual(evpopd.poll("bert")["session"]["fetched"], 10)
            self.assertNotIn("Not configured", evpopd.ctl("accounts").stdout)
            self.check(evpopd)

    def test_locked_deletion(self):
        self.server.deliver("anna", [letter(n) for n in range(3)])
        with self.daemon(store={"deletion": "locked"}) as evpopd:
            evpopd.wait_polled()
            number = str(evpopd.messages()[0]["id"])
            done = evpopd.ctl("delete", "--yes", "--reason", "x", number,
                              code=NO_PERMISSION)
            self.assertIn("deletion is locked", done.stderr)
            evpopd.ctl("hold", "--reason", "x", number)
            evpopd.ctl("release", number)
            evpopd.store["deletion"] = "allowed"
            evpopd.write_config()
            evpopd.ctl("reload")
            evpopd.wait_logged("deletion is no longer locked")
            procs.wait_for(lambda: evpopd.get("/v1/audit?action=unlock")[
                "audit"], what="the record")
            evpopd.ctl("delete", "--yes", "--reason", "x", number)
            self.assertEqual(len(evpopd.messages()), 2)

    def test_who_did_what(self):
        self.server.deliver("anna", [letter(1)])
        with self.daemon() as evpopd:
            evpopd.wait_polled()
            number = evpopd.messages()[0]["id"]
            for path in ("", "/text", "/raw"):
                evpopd.request("GET", f"/v1/messages/{number}{path}")
            evpopd.ctl("pause", "anna")
            evpopd.ctl("resume", "anna")
            deeds = [(one["action"], one["object"]) for one in
                     evpopd.get("/v1/audit")["audit"]]
            self.assertEqual(deeds, [
                ("resume", "account anna"), ("pause", "account anna"),
                ("read", f"message {number}")])
            self.assertIn("pause", evpopd.ctl("audit").stdout)


class SealedTest(Common, unittest.TestCase):
    """Of mail that evpopd cannot read."""

    def setUp(self):
        self.server = self.enterContext(
            maildropd.MaildropServer(users=USERS))

    def daemon(self, store=None, **keys):
        evpopd = super().daemon(store, **keys)
        evpopd.seal_to(evpopd.ctl(
            "key", "generate", evpopd.folder / "holder.key").stdout.strip())
        return evpopd

    def check(self, evpopd):
        super().check(evpopd)
        self.assertNotIn(WORD, bytes_of_files(evpopd))


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class DovecotTest(Common, unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(dovecot.Dovecot(users=USERS))


if __name__ == "__main__":
    unittest.main()
