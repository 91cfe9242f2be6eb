"""What people see of deliveries, and do about them, on the command line."""

import json
import pathlib
import socket
import unittest

from harness import corpus, daemon, maildropd, procs, webhook


def closed_port():
    """A port at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class OutboxTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret", "bert": "secret"}, tls=False))
        self.server.deliver("anna", corpus.messages(5, seed=161))
        self.server.deliver("bert", corpus.messages(3, seed=162))
        self.desk = self.enterContext(webhook.Receiver(tls=False))
        self.evpopd = daemon.Evpopd({
            name: daemon.account_of(self.server, name)
            for name in ("anna", "bert")})
        self.addCleanup(self.evpopd.remove)
        folder = self.evpopd.folder / "mail"
        folder.mkdir()
        self.evpopd.targets = {
            "desk": {"type": "http", "url": self.desk.url,
                     "allow_private": "yes", "retry_min": "100ms",
                     "retry_max": "1s"},
            "people": {"type": "maildir", "path": folder / "{account}"},
        }
        self.folder = folder

    def start(self, **deliver):
        for name, targets in deliver.items():
            self.evpopd.accounts[name]["deliver"] = targets
        self.evpopd.start()
        self.addCleanup(self.evpopd.halt)
        self.evpopd.wait_polled()

    def target(self, name):
        return self.evpopd.get(f"/v1/targets/{name}")

    def wait_target(self, name, condition, what="the target's change"):
        procs.wait_for(lambda: condition(self.target(name)), daemon.PATIENCE,
                       what)
        return self.target(name)

    def wait_refused(self, count):
        """The daemon counts what is refused every few seconds."""
        procs.wait_for(lambda: self.evpopd.get("/v1/status")["deliveries"][
            "refused_messages"] == count, daemon.PATIENCE, "the count")

    def outbox(self, *words):
        """Rows that evpopctl lists, of all its pages."""
        said = self.evpopd.ctl("--json", "outbox", *words).stdout
        return [row for page in said.splitlines()
                for row in json.loads(page)["outbox"]]

    def files(self, name):
        return list((self.folder / name / "new").iterdir())

    def test_mail_arrives_and_is_told_of(self):
        self.start(anna="people, desk", bert="people")
        self.wait_target("people", lambda one: one["delivered"] == 8)
        self.wait_target("desk", lambda one: one["delivered"] == 5)
        self.assertEqual(
            (len(self.files("anna")), len(self.files("bert")),
             len(self.desk.taken())), (5, 3, 5))
        self.assertIn("nothing waits to be delivered",
                      self.evpopd.ctl("outbox").stdout)
        rows = self.outbox("--state", "all", "--account", "bert")
        self.assertEqual({row["state"] for row in rows}, {"delivered"})
        for row in rows:
            self.assertTrue(pathlib.Path(row["place"]).is_file(), row)
        one, = self.outbox("--message", str(rows[0]["message"]))
        self.assertEqual(one, rows[0])
        shown = self.evpopd.ctl("outbox", "show", str(one["id"])).stdout
        self.assertIn(f"Place          {one['place']}\n", shown)
        self.assertIn("people  delivered", self.evpopd.ctl(
            "show", "-d", str(one["message"])).stdout)
        self.assertIn("Delivered to   people, desk\n",
                      self.evpopd.ctl("account", "anna").stdout)
        self.assertRegex(self.evpopd.ctl("targets").stdout,
                         r"(?m)^people +maildir +ready +0 +0 +8 ")
        self.assertRegex(self.evpopd.ctl("status").stdout,
                         r"(?m)^Targets +2$")

    def test_what_is_refused_is_retried_and_dropped(self):
        self.desk.answers = [422] * 5
        self.start(anna="desk")
        self.wait_target("desk", lambda one: one["refused"] == 5)
        said = self.evpopd.ctl("outbox").stdout
        self.assertIn("422", said)
        self.assertEqual(said.count("refused"), 5)
        self.wait_refused(5)
        self.assertIn("Deliveries     5 refused\n",
                      self.evpopd.ctl("status", code=1).stdout)
        ids = [str(row["id"]) for row in self.outbox()]
        self.evpopd.ctl("outbox", "drop", ids[0])
        self.assertEqual(len(self.outbox("--state", "dropped")), 1)
        self.assertIn(f"{ids[1]}: message", self.evpopd.ctl(
            "outbox", "retry", ids[1]).stdout)
        self.wait_target("desk", lambda one: one["delivered"] == 1)
        self.assertIn("has reached", self.evpopd.ctl(
            "outbox", "retry", ids[1], code=78).stderr)
        self.assertIn("to be tried: 3 deliveries", self.evpopd.ctl(
            "outbox", "retry", "--all", "--target", "desk").stdout)
        self.wait_target("desk", lambda one: one["delivered"] == 4)
        self.wait_refused(0)
        self.evpopd.ctl("status")
        # The same message has the same id at each attempt.
        tried = [headers["webhook-id"] for _, headers, *_ in self.desk.received]
        self.assertEqual((len(tried), len(set(tried))), (9, 5))
        said = self.evpopd.ctl("audit").stdout
        for deed in (f"drop +delivery {ids[0]}",
                     f"retry +delivery {ids[1]}",
                     "retry +deliveries to desk"):
            self.assertRegex(said, deed)

    def test_a_target_is_paused_and_resumed(self):
        self.start()
        self.evpopd.accounts["anna"]["deliver"] = "people"
        self.evpopd.write_config()
        self.evpopd.ctl("reload")
        self.assertIn("paused         people\n",
                      self.evpopd.ctl("targets", "pause", "people").stdout)
        self.server.deliver("anna", corpus.messages(2, seed=163))
        self.evpopd.poll("anna")
        self.wait_target("people", lambda one: one["waiting"] == 2)
        self.evpopd.restart()
        self.assertRegex(self.evpopd.ctl("targets", "people").stdout,
                         r"State +paused\nPaused +[^\n]*, by ")
        self.assertFalse((self.folder / "anna").exists())
        self.assertIn("already paused", self.evpopd.ctl(
            "targets", "pause", "people").stderr)
        self.evpopd.ctl("targets", "resume", "--all")
        self.wait_target("people", lambda one: one["delivered"] == 2)
        self.assertEqual(len(self.files("anna")), 2)

    def test_mail_that_is_here_already(self):
        self.start()
        self.evpopd.accounts["anna"]["deliver"] = "people"
        self.evpopd.write_config()
        self.evpopd.ctl("reload")
        self.assertIn("would deliver  8 messages", self.evpopd.ctl(
            "deliver", "--to", "people", "--all", "--dry-run").stdout)
        self.assertRegex(
            self.evpopd.ctl("deliver", "--to", "people", "--account",
                            "anna", "-n").stdout,
            f"(?m)^anna +5 messages, .*to {self.folder / 'anna'}$")
        self.assertEqual(self.outbox("--state", "all"), [])
        one = str(self.evpopd.messages("anna")[0]["id"])
        self.evpopd.ctl("deliver", "--to", "people", one)
        self.wait_target("people", lambda one: one["delivered"] == 1)
        self.assertIn("1 passed over", self.evpopd.ctl(
            "deliver", "--to", "people", "--since", "1d").stdout)
        self.wait_target("people", lambda one: one["delivered"] == 8)
        self.assertEqual(
            (len(self.files("anna")), len(self.files("bert"))), (5, 3))
        self.assertIn("0 messages", self.evpopd.ctl(
            "deliver", "--to", "people", "--all").stdout)
        self.assertIn("1 message,", self.evpopd.ctl(
            "deliver", "--to", "people", "--again", one).stdout)
        self.evpopd.ctl("deliver", "--to", "nobody", one, code=66)
        self.evpopd.ctl("deliver", "--to", "people", "99999", code=66)

    def test_more_than_a_page(self):
        """What is asked for in steps is done whole, and nothing twice."""
        many = 2100
        server = self.enterContext(maildropd.MaildropServer(
            synthetic=[("user", "secret", 1, many, 300)], tls=False))
        self.evpopd.accounts = {"many": daemon.account_of(server, "user1")}
        self.start()
        self.evpopd.ctl("targets", "pause", "people")
        self.assertIn(f"would deliver  {many} messages", self.evpopd.ctl(
            "deliver", "--to", "people", "--all", "--dry-run").stdout)
        self.assertIn(f"to deliver     {many} messages", self.evpopd.ctl(
            "deliver", "--to", "people", "--all").stdout)
        self.assertIn(f"{many} passed over", self.evpopd.ctl(
            "deliver", "--to", "people", "--account", "many").stdout)
        self.assertEqual(len(self.outbox("--all")), many)
        self.assertIn(f"dropped: {many} deliveries", self.evpopd.ctl(
            "outbox", "drop", "--all", "--yes", "--state", "waiting").stdout)
        self.assertIn(f"to be tried: {many} deliveries", self.evpopd.ctl(
            "outbox", "retry", "--all", "--state", "dropped").stdout)
        self.evpopd.ctl("targets", "resume", "people")
        self.wait_target("people", lambda one: one["delivered"] == many)
        self.assertEqual(len(self.files("many")), many)

    def test_what_waits_for_a_target_that_is_gone(self):
        self.start(anna="people")
        self.wait_target("people", lambda one: one["delivered"] == 5)
        self.evpopd.ctl("targets", "pause", "people")
        self.server.deliver("anna", corpus.messages(3))
        self.evpopd.poll("anna")
        self.evpopd.targets["folk"] = self.evpopd.targets.pop("people")
        for account in self.evpopd.accounts.values():
            account["deliver"] = "folk"
        self.evpopd.write_config()
        self.evpopd.post("/v1/reload")
        self.assertRegex(self.evpopd.ctl("targets").stdout,
                         r"(?m)^people +- +paused +3 .*not in a running "
                         r'configuration: "evpopctl targets show"')
        self.assertIn("outbox drop --all --state waiting --target",
                      self.evpopd.ctl("targets", "show", "people").stdout)
        self.assertEqual(len(self.outbox("--target", "people")), 3)

        def stranded():
            return self.evpopd.get("/v1/status")["deliveries"]["stranded"]

        procs.wait_for(lambda: stranded() == 3, daemon.PATIENCE, "the count")
        self.assertIn("3 for targets that are not configured",
                      self.evpopd.ctl("status", code=1).stdout)
        self.assertEqual(self.outbox("--target", "people", "--state",
                                     "refused"), [])
        # As it says there.
        self.evpopd.ctl("deliver", "--to", "folk", "--account", "anna")
        self.wait_target("folk", lambda one: one["delivered"] == 8)
        said = self.evpopd.ctl("outbox", "drop", "--all", "--yes",
                               "--target", "people").stdout
        self.assertIn("dropped: 0 deliveries\nonly refused ones", said)
        self.assertIn("dropped: 3 deliveries", self.evpopd.ctl(
            "outbox", "drop", "--all", "--yes", "--state", "waiting",
            "--target", "people").stdout)
        procs.wait_for(lambda: stranded() == 0, daemon.PATIENCE, "the count")
        # What was there already is not there twice.
        self.assertEqual(len(self.files("anna")), 8)
        # One that never was is still an error.
        self.assertIn('there is no target "peopel"', self.evpopd.ctl(
            "outbox", "drop", "--all", "--yes", "--target", "peopel",
            code=66).stderr)

    def test_doctor_tries_a_target(self):
        self.evpopd.targets["lost"] = {
            "type": "lmtp", "host": "127.0.0.1", "port": closed_port()}
        self.start(anna="people, desk, lost", bert="people")
        self.assertIn("can be delivered\n", self.evpopd.ctl(
            "doctor", "people").stdout)
        said = self.evpopd.ctl("doctor", "lost", code=69).stdout
        self.assertIn("cannot be delivered", said)
        self.assertIn("127.0.0.1", said)
        self.assertRegex(self.evpopd.ctl("targets").stdout,
                         "(?m)^lost +lmtp +down +5 ")

    def test_without_a_daemon(self):
        self.start(anna="people", bert="people")
        self.wait_target("people", lambda one: one["delivered"] == 8)
        self.evpopd.halt()
        store = ("--store", self.evpopd.store_file)
        said = procs.run([self.evpopd.ctl_program, *store, "targets"],
                         daemon.PATIENCE).stdout
        self.assertRegex(said, "(?m)^people +- +- +0 +0 +8 ")
        said = procs.run([self.evpopd.ctl_program, *store, "outbox",
                          "--state", "delivered"], daemon.PATIENCE).stdout
        self.assertEqual(said.count("people"), 8)
        done = procs.run([self.evpopd.ctl_program, *store, "targets",
                          "pause", "people"], daemon.PATIENCE, check=False)
        self.assertEqual(done.returncode, 69, done.stderr)


if __name__ == "__main__":
    unittest.main()
