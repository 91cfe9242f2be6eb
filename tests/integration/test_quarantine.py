"""A message that cannot be fetched does not keep the others from it."""

import json
import unittest

from harness import corpus, daemon, scripted

MAIL = corpus.messages(5, seed=51)
HALF = MAIL[1][:len(MAIL[1]) // 2]


class QuarantineTest(unittest.TestCase):
    def serve(self, answers):
        server = self.enterContext(scripted.ScriptedServer(MAIL, answers))
        evpopd = self.enterContext(daemon.Evpopd({"anna": daemon.account_of(
            server, "anna", timeout_body="300ms", timeout_command="300ms")}))
        return server, evpopd

    def fails(self, answer, octets, outcome):
        """The second message fails thrice, is skipped, and is retried."""
        server, evpopd = self.serve({"RETR 2": answer})
        evpopd.wait_polled()
        for attempt in (1, 2, 3):
            if attempt > 1:
                evpopd.poll("anna")
            self.assertEqual(evpopd.account("anna")["last_outcome"], outcome)
            self.assertEqual(len(evpopd.get("/v1/quarantine")["quarantine"]),
                             int(attempt == 3), attempt)
        self.assertIn("failed 3 times", evpopd.log())
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(sorted(evpopd.bodies()),
                         ["id-1", "id-3", "id-4", "id-5"])
        shown, = evpopd.ctl_json("quarantine")["quarantine"]
        self.assertEqual(shown["account"], "anna")
        self.assertEqual(shown["unique_id"], "id-2")
        self.assertEqual(shown["bytes"], len(octets))
        number = str(shown["id"])
        told = json.loads(evpopd.ctl(
            "--json", "events", "--since", "0", "--count", "1",
            "--kind", "message-quarantined").stdout)
        self.assertEqual((told["account"], told["quarantine_id"]),
                         ("anna", shown["id"]))
        raw = evpopd.ctl("quarantine", "raw", number, text=False).stdout
        self.assertEqual(raw, octets)
        text = evpopd.ctl("quarantine", "show", number).stdout
        self.assertIn("RETR 2", text)
        self.assertNotIn("secret", text)
        self.assertNotIn("secret", json.dumps(evpopd.get(
            f"/v1/quarantine/{number}")))
        tried = server.lines.count("RETR 2")
        self.assertEqual(evpopd.poll("anna")["session"]["fetched"], 0)
        self.assertEqual(server.lines.count("RETR 2"), tried)
        del server.answers["RETR 2"]
        evpopd.ctl("quarantine", "retry", number)
        evpopd.wait_account("anna", lambda one: one["stored"]["messages"] == 5)
        self.assertEqual(evpopd.bodies()["id-2"], MAIL[1])
        self.assertEqual(evpopd.get("/v1/quarantine")["quarantine"], [])
        evpopd.restart()
        evpopd.wait_polled()
        self.assertEqual(len(evpopd.messages()), 5)

    def test_connection_that_breaks_off(self):
        self.fails(scripted.break_off(b"+OK\r\n" + scripted.stuffed(HALF)[:-3]),
                   HALF, "io")

    def test_hang_up_before_the_reply(self):
        self.fails(scripted.hang_up, b"", "io")

    def test_silence_inside_a_body(self):
        self.fails(scripted.fall_silent(b"+OK\r\nSubject: half\r\n"),
                   b"Subject: half\r\n", "timeout")

    def test_refusal(self):
        """It ends no session, and the others come with the first poll."""
        server, evpopd = self.serve({"RETR 2": b"-ERR it is damaged\r\n"})
        shown = evpopd.wait_polled()
        self.assertEqual(shown["session"]["fetched"], 4)
        self.assertEqual(shown["session"]["failed"], 1)
        evpopd.poll("anna")
        evpopd.poll("anna")
        shown, = evpopd.get("/v1/quarantine")["quarantine"]
        self.assertIn("it is damaged", shown["reason"])
        self.assertEqual(shown["bytes"], 0)
        self.assertEqual(evpopd.poll("anna")["session"]["failed"], 0)
        self.assertEqual(server.lines.count("RETR 2"), 3)

    def test_success_forgets_failures(self):
        server, evpopd = self.serve({"RETR 2": scripted.hang_up})
        evpopd.wait_polled()
        evpopd.poll("anna")
        del server.answers["RETR 2"]
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(evpopd.rows("SELECT count(*) FROM failure"), [(0,)])

    def test_nothing_in_quarantine_is_deleted(self):
        server, evpopd = self.serve({"RETR 2": b"-ERR it is damaged\r\n"})
        evpopd.wait_polled()
        evpopd.poll("anna")
        evpopd.poll("anna")
        evpopd.accounts["anna"]["keep"] = "delete"
        evpopd.write_config()
        evpopd.post("/v1/reload")
        evpopd.wait_account(
            "anna", lambda one: one["session"]["deleted"] == 4)
        self.assertIn("DELE 1", server.lines)
        self.assertNotIn("DELE 2", server.lines)


if __name__ == "__main__":
    unittest.main(verbosity=2)
