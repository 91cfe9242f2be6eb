"""The daemon's log, plain and as JSON, while a server says the worst."""

import json
import re
import unittest

from harness import corpus, daemon, maildropd, scripted

HOSTILE = (b"-ERR [AUTH] no\r2026-01-01T00:00:00.000Z error: forged\x1b[31m"
           b"\",\"level\":\"x\" \xff\xc3\r\n")
PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
                   r"(error|warning|info|debug): [^\x00-\x1f\x7f]+")


class LogTest(unittest.TestCase):
    def start(self, log_format):
        server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}))
        server.deliver("anna", corpus.messages(2, seed=1))
        hostile = self.enterContext(scripted.ScriptedServer(
            corpus.messages(1, seed=1), {"PASS": HOSTILE}))
        self.evpopd = self.enterContext(daemon.Evpopd({
            "anna": daemon.account_of(server, "anna"),
            "bert": daemon.account_of(hostile, "bert"),
        }, daemon={"log_format": log_format, "log_level": "debug"}))
        self.evpopd.wait_polled()
        self.evpopd.wait_logged("needs attention")

    def test_plain(self):
        self.start("plain")
        for line in self.evpopd.log().splitlines():
            self.assertRegex(line, PLAIN)

    def test_json_and_a_reload(self):
        self.start("json")
        entries = [json.loads(line)
                   for line in self.evpopd.log().splitlines()]
        for one in entries:
            self.assertIn(one["level"], ("error", "warning", "info", "debug"))
            self.assertLessEqual(one.keys(), {"time", "level", "account",
                                              "host", "class", "message"})
        [refused] = [one for one in entries if one.get("class") == "auth" and
                     one["level"] == "warning"]
        self.assertEqual((refused["account"], refused["host"]),
                         ("bert", "127.0.0.1"))
        self.assertIn("login refused", refused["message"])
        self.evpopd.daemon["log_format"] = "plain"
        self.evpopd.write_config()
        self.evpopd.post("/v1/reload")
        self.evpopd.wait_logged("info: reloaded")


if __name__ == "__main__":
    unittest.main()
