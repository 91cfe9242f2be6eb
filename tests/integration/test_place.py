"""The store's file is moved, replaced or written over under the daemon."""

import os
import shutil
import unittest

from harness import corpus, daemon, maildropd, procs

USERS = {"anna": "secret"}
COUNT = 14


def move_away(evpopd):
    evpopd.store_file.rename(evpopd.folder / "was.db")


def move_over(evpopd):
    shutil.copy(evpopd.store_file, evpopd.folder / "new.db")
    (evpopd.folder / "new.db").rename(evpopd.store_file)


def remove(evpopd):
    evpopd.store_file.unlink()


def remove_log(evpopd):
    (evpopd.folder / "mail.db-wal").unlink()


def link(evpopd):
    os.link(evpopd.store_file, evpopd.folder / "other.db")


def raw_over(evpopd):
    """As people do by mistake."""
    number = evpopd.messages()[0]["id"]
    evpopd.ctl("raw", "--force", "-o", evpopd.store_file, str(number))


def shell_over(evpopd):
    number = evpopd.messages()[0]["id"]
    evpopd.store_file.write_bytes(evpopd.raw(number))


CHANGES = (move_away, move_over, remove, remove_log, link, raw_over,
           shell_over)


class PlaceTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users=USERS, tls=False))
        self.server.deliver("anna", corpus.messages(COUNT))

    def evpopd(self, **keys):
        evpopd = daemon.Evpopd({"anna": daemon.account_of(
            self.server, "anna", **keys)})
        self.addCleanup(evpopd.remove)
        return evpopd

    def started(self):
        """Mail that is stored and still on the server, to be deleted next."""
        evpopd = self.evpopd(keep="forever").start()
        evpopd.wait_polled()
        self.assertEqual(self.server.count("anna"), COUNT)
        return evpopd

    def delete_from_now_on(self, evpopd):
        """The next poll would delete all of it."""
        last = evpopd.account("anna")["last_finished"]
        evpopd.accounts["anna"]["keep"] = "delete"
        evpopd.write_config()
        evpopd.post("/v1/reload")
        return evpopd.wait_account("anna", lambda one: one[
            "last_finished"] != last and one["state"] not in (
                "polling", "queued"))

    def wait_store(self, evpopd, status):
        return procs.wait_for(
            lambda: (one := evpopd.get("/v1/status")["store"])["status"] ==
            status and one, what=f"a store that is {status}")

    def test_nothing_is_deleted_and_it_is_said(self):
        for change in CHANGES:
            with self.subTest(change.__name__):
                evpopd = self.started()
                change(evpopd)
                # Before any poll has come.
                shown = self.wait_store(evpopd, "replaced")
                self.assertIn(str(evpopd.store_file), shown["text"])
                self.assertIn("restart evpopd", shown["hint"])
                account = self.delete_from_now_on(evpopd)
                self.assertEqual(self.server.count("anna"), COUNT)
                self.assertEqual(account["state"], "failing")
                self.assertIn("restart evpopd", account["last_text"])
                said = evpopd.ctl("status", code=1).stdout
                self.assertIn("replaced", said)
                evpopd.wait_logged("the store fails")
                evpopd.kill()
                evpopd.remove()

    def test_what_comes_back_is_well(self):
        evpopd = self.started()
        move_away(evpopd)
        self.wait_store(evpopd, "replaced")
        self.delete_from_now_on(evpopd)
        (evpopd.folder / "was.db").rename(evpopd.store_file)
        self.wait_store(evpopd, "ok")
        # It waits no longer than it must.
        evpopd.wait_account("anna", lambda one: one["state"] == "waiting" and
                            one["last_outcome"] == "ok")
        self.assertEqual(self.server.count("anna"), 0)
        self.assertEqual(len(evpopd.messages()), COUNT)
        evpopd.halt()

    def test_a_restart_goes_on_with_what_is_there(self):
        """A backup of before, put in its place: all of it is fetched anew."""
        evpopd = self.evpopd(keep="forever", enabled="no").start()
        evpopd.halt()
        shutil.copy(evpopd.store_file, evpopd.folder / "backup.db")
        evpopd.accounts["anna"]["enabled"] = "yes"
        evpopd.start()
        evpopd.wait_polled()
        (evpopd.folder / "backup.db").rename(evpopd.store_file)
        self.wait_store(evpopd, "replaced")
        self.delete_from_now_on(evpopd)
        self.assertEqual(self.server.count("anna"), COUNT)
        evpopd.halt()
        evpopd.start()
        evpopd.wait_polled()
        self.assertEqual(len(evpopd.messages()), COUNT)
        self.assertEqual(self.server.count("anna"), 0)
        self.assertEqual(evpopd.rows("PRAGMA integrity_check"), [("ok",)])
        evpopd.halt()

    def test_a_session_under_way_is_cut(self):
        """What it has marked is not deleted, though no more mail comes."""
        evpopd = self.started()
        # It looks at each that is stored, marks them, and fetches more.
        self.server.restart(hold_after=COUNT + 1)
        former = len(self.server.commands())
        self.server.deliver("anna", corpus.messages(3, seed=2))
        evpopd.accounts["anna"]["keep"] = "delete"
        evpopd.write_config()
        evpopd.post("/v1/reload")
        self.server.wait_held()
        move_away(evpopd)
        shown = evpopd.wait_account(
            "anna", lambda one: one["state"] == "failing")
        self.assertIn("replaced", shown["last_text"])
        said = [command.split()[0] for _, _, _, command
                in self.server.commands()[former:]]
        self.assertIn("DELE", said)
        self.assertNotIn("QUIT", said)
        self.server.release()
        (evpopd.folder / "was.db").rename(evpopd.store_file)
        evpopd.wait_account("anna", lambda one: one["state"] == "waiting" and
                            one["last_outcome"] == "ok")
        self.assertEqual(len(evpopd.messages()), COUNT + 3)
        self.assertEqual(self.server.count("anna"), 0)
        evpopd.halt()

    def test_once_ends_with_75(self):
        """The file is moved while the server gives a message."""
        self.server.restart(hold_after=3)
        evpopd = self.evpopd(keep="delete")
        evpopd.start("--once", wait=False)
        self.server.wait_held()
        move_away(evpopd)
        self.server.release()
        evpopd.ended(code=75)
        self.assertIn("replaced", evpopd.log())
        (evpopd.folder / "was.db").rename(evpopd.store_file)
        (stored,), = evpopd.rows("SELECT count(*) FROM v_message")
        self.assertGreaterEqual(stored + self.server.count("anna"), COUNT)
        self.assertGreaterEqual(self.server.count("anna"), COUNT - 3)
        evpopd.once()
        (stored,), = evpopd.rows("SELECT count(*) FROM v_message")
        self.assertEqual((stored, self.server.count("anna")), (COUNT, 0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
