"""Lists while mail arrives: pages show each message once, and a feed has no
gaps."""

import json
import threading
import unittest

from harness import corpus, daemon, maildropd

USERS = {name: "secret" for name in ("anna", "bert", "carl")}


class FeedTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(
            maildropd.MaildropServer(users=USERS, tls=False))
        self.evpopd = self.enterContext(daemon.Evpopd({
            name: daemon.account_of(self.server, name)
            for name in ("anna", "bert")}))
        self.evpopd.wait_polled()

    def deliver(self, name, count, seed):
        self.server.deliver(name, corpus.messages(count, seed=seed))

    def stored(self):
        """All ids, in the order in which the rows were made."""
        return [number for number, in self.evpopd.rows(
            "SELECT id FROM v_message ORDER BY id")]

    def follow(self, ended, found, account=None):
        """Read the feed until it was empty once after `ended`."""
        reader = daemon.Evpopd.client(self.evpopd.socket)
        after, more = 0, "" if account is None else f"&account={account}"
        while True:
            is_last = ended.is_set()
            page = reader.get(
                f"/v1/messages?after_id={after}&limit=3{more}")
            found += page["messages"]
            self.assertGreaterEqual(page["next_after_id"], after)
            after = page["next_after_id"]
            if is_last and not page["messages"]:
                reader.disconnect()
                return

    def test_a_feed_has_no_gaps(self):
        """Two readers, while three accounts get mail in many sessions."""
        ended = threading.Event()
        found = {None: [], "bert": []}
        readers = [threading.Thread(target=self.follow,
                                    args=(ended, rows, account))
                   for account, rows in found.items()]
        for reader in readers:
            reader.start()
        try:
            for round_ in range(6):
                for name in ("anna", "bert"):
                    self.deliver(name, 20, 10 * round_)
                    self.evpopd.post(f"/v1/accounts/{name}/poll")
                if round_ == 2:
                    self.deliver("carl", 50, 99)
                    self.evpopd.accounts["carl"] = daemon.account_of(
                        self.server, "carl")
                    self.evpopd.write_config()
                    self.evpopd.post("/v1/reload")
                for name in ("anna", "bert"):
                    self.evpopd.wait_rest(name)
            self.evpopd.wait_polled("carl")
        finally:
            ended.set()
            for reader in readers:
                reader.join()
        everything = self.stored()
        self.assertEqual(len(everything), 6 * 40 + 50)
        self.assertEqual([one["id"] for one in found[None]], everything)
        self.assertEqual(
            [one["id"] for one in found["bert"]],
            [one["id"] for one in found[None] if one["account"] == "bert"])
        self.assertEqual(len(found["bert"]), 120)

    def test_deleted_messages(self):
        """The newest one is deleted, and its id is not given again."""
        self.deliver("anna", 5, 1)
        self.evpopd.poll("anna")
        page = self.evpopd.get("/v1/messages?after_id=0")
        newest = page["next_after_id"]
        self.assertEqual(len(page["messages"]), 5)
        status, _, body = self.evpopd.request(
            "DELETE", f"/v1/messages/{newest}?reason=test")
        self.assertEqual(status, 200, body)
        path = f"/v1/messages?after_id={newest}"
        self.assertEqual(self.evpopd.get(path), {
            "messages": [], "next_after_id": newest, "epoch": page["epoch"]})
        self.deliver("anna", 1, 2)
        self.evpopd.poll("anna")
        page = self.evpopd.get(path)
        self.assertEqual([one["id"] for one in page["messages"]],
                         [newest + 1])

    def test_a_store_that_was_restored(self):
        """Its ids are given again, to others; the epoch tells."""
        self.deliver("anna", 3, 1)
        self.evpopd.poll("anna")
        copy = self.evpopd.folder / "copy.db"
        self.evpopd.ctl("backup", copy)
        self.deliver("anna", 2, 2)
        self.evpopd.poll("anna")
        page = self.evpopd.get("/v1/messages?after_id=0")
        path = f"/v1/messages?after_id={page['next_after_id']}"
        known = f"{path}&epoch={page['epoch']}"
        self.evpopd.restart()
        self.assertEqual(self.evpopd.get(known)["epoch"], page["epoch"])
        self.evpopd.halt()
        aside = self.evpopd.folder / "aside"
        aside.mkdir()
        for name in ("mail.db", "mail.db-wal", "mail.db-shm"):
            if (self.evpopd.folder / name).exists():
                (self.evpopd.folder / name).rename(aside / name)
        copy.rename(self.evpopd.store_file)
        self.deliver("bert", 1, 3)
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.evpopd.poll("bert")
        # As many as before, and not the same.
        self.assertEqual(self.evpopd.get(path)["next_after_id"],
                         page["next_after_id"] + 1)
        status, _, body = self.evpopd.request("GET", known)
        self.assertEqual((status, json.loads(body)["error"]["code"]),
                         (410, "epoch_over"))
        begun = self.evpopd.get("/v1/messages?after_id=0")
        self.assertNotEqual(begun["epoch"], page["epoch"])
        self.assertEqual(len(begun["messages"]), 6)

    def test_pages_of_a_feed(self):
        self.deliver("anna", 10, 1)
        self.evpopd.poll("anna")
        rows = self.evpopd.pages("/v1/messages?after_id=4", "messages", 2)
        self.assertEqual([one["id"] for one in rows], [5, 6, 7, 8, 9, 10])

    def test_pages_while_mail_arrives(self):
        """What was there at first is shown, each message once."""
        self.deliver("anna", 40, 1)
        self.evpopd.poll("anna")
        self.evpopd.poll("anna")
        for path, name in (("/v1/messages", "messages"),
                           ("/v1/messages?account=anna", "messages"),
                           ("/v1/messages?since=1d", "messages"),
                           ("/v1/messages?from=a", "messages"),
                           ("/v1/polls", "polls"),
                           ("/v1/accounts", "accounts")):
            with self.subTest(path):
                self.walk(path, name, 4 if name != "accounts" else 1)

    def walk(self, path, name, limit):
        sign = "&" if "?" in path else "?"
        key = "account" if name == "accounts" else "id"
        expected = [one[key] for one in self.evpopd.pages(path, name)]
        found, cursor = [], ""
        for round_ in range(len(expected)):
            page = self.evpopd.get(f"{path}{sign}limit={limit}{cursor}")
            found += [one[key] for one in page[name]]
            if "next_cursor" not in page:
                break
            cursor = f"&cursor={page['next_cursor']}"
            self.deliver("anna", 1, 1000 + round_)
            self.evpopd.poll("anna")
        self.assertEqual(found, expected)


if __name__ == "__main__":
    unittest.main()
