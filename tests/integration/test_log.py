"""The daemon's log, plain and as JSON, while a server says the worst."""

import json
import os
import re
import socket
import struct
import unittest

from harness import corpus, daemon, maildropd, procs, scripted, zone

HOSTILE = (b"-ERR [AUTH] no\r2026-01-01T00:00:00.000Z error: forged\x1b[31m"
           b"\",\"level\":\"x\" \xff\xc3\r\n")
PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
                   r"(error|warning|info|debug): [^\x00-\x1f\x7f]+")


def fields_of(datagram):
    """The fields of an entry, by the journal's native protocol."""
    found = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, sign, value = line.partition(b"=")
        if not sign:
            length, = struct.unpack_from("<Q", datagram)
            value = datagram[8:8 + length]
            datagram = datagram[9 + length:]
        found[name.decode()] = value.decode()
    return found


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

    @unittest.skipUnless(zone.available(), "needs root and unshare")
    def test_the_journal(self):
        """A socket in the journal's place gets a datagram for each line."""
        hostile = self.enterContext(scripted.ScriptedServer(
            corpus.messages(1, seed=1), {"PASS": HOSTILE}))
        evpopd = daemon.Evpopd({"bert": daemon.account_of(hostile, "bert")},
                               daemon={"log_format": "journal"})
        self.addCleanup(evpopd.remove)
        folder = evpopd.folder / "journal"
        folder.mkdir()
        journal = self.enterContext(
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        journal.bind(os.fspath(folder / "socket"))
        journal.settimeout(procs.PATIENCE)
        evpopd.write_config()
        done = procs.run(
            ["unshare", "--mount", "sh", "-c",
             "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && "
             'mount --bind "$0" /run/systemd/journal && exec "$@"', folder,
             *evpopd.command_line("--once")], check=False)
        self.assertEqual(done.returncode, 75, done.stderr)
        entries = []
        while not any("EVPOP_CLASS" in one for one in entries):
            entries.append(fields_of(journal.recv(1 << 16)))
        for one in entries:
            self.assertIn(one["PRIORITY"], tuple("34567"))
            self.assertEqual(one["SYSLOG_IDENTIFIER"], "evpopd")
            # What the server says is one line, and no field of its own.
            self.assertRegex(one["MESSAGE"], r"^[^\x00-\x1f\x7f]+$")
            self.assertLessEqual(one.keys(), {
                "PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE", "EVPOP_ACCOUNT",
                "EVPOP_HOST", "EVPOP_CLASS"})
        refused = entries[-1]
        self.assertEqual(
            (refused["EVPOP_ACCOUNT"], refused["EVPOP_HOST"],
             refused["EVPOP_CLASS"], refused["PRIORITY"]),
            ("bert", "127.0.0.1", "auth", "4"))


if __name__ == "__main__":
    unittest.main()
