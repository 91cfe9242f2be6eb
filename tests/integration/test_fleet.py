"""Many accounts: what an operator sees, and whom a command means."""

import json
import unittest

from harness import corpus, daemon, maildropd, procs

WELL = [f"cust{number:03}" for number in range(5)]
DEAD = [f"dead{number:03}" for number in range(4)]


def dead_port():
    """A port at which nobody listens."""
    return procs.free_ports(1)[0]


class FleetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = maildropd.MaildropServer(
            users={name: "secret" for name in WELL}, tls=False)
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()

    def setUp(self):
        port = dead_port()
        accounts = {name: daemon.account_of(self.server, name)
                    for name in WELL}
        accounts |= {name: {**daemon.account_of(self.server, WELL[0]),
                            "user": name, "port": port} for name in DEAD}
        self.evpopd = daemon.Evpopd(accounts)
        self.addCleanup(self.evpopd.remove)

    def ctl(self, *words, code=0):
        done = self.evpopd.ctl(*words, code=code)
        return done.stdout + done.stderr

    def listed(self, *words):
        """The names that `accounts` lists."""
        lines = self.evpopd.ctl("accounts", *words).stdout.splitlines()
        return [line.split()[0] for line in lines[1:]]

    def fitting(self, query):
        return [one["account"] for one in
                self.evpopd.pages(f"/v1/accounts?{query}", "accounts", 2)]

    def test_who_fails(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.assertEqual(self.listed("--failing"), DEAD)
        self.assertEqual(self.listed(), DEAD + WELL)
        self.assertEqual(self.listed("--state", "waiting"), WELL)
        self.assertEqual(self.listed("cust00*"), WELL)
        self.assertEqual(self.listed("*3", "-F"), DEAD[3:])
        self.assertEqual(self.fitting("state=failing"), DEAD)
        self.assertEqual(self.fitting("name=*0?2"), [WELL[2], DEAD[2]])
        self.assertEqual(self.fitting("name=dead*&state=waiting"), [])
        self.assertIn("no account fails", self.ctl("accounts", "-F", "cust*"))
        self.assertIn("no account matches", self.ctl("accounts", "none*"))
        self.assertIn('invalid state "broken"',
                      self.ctl("accounts", "--state", "broken", code=64))
        self.assertIn("one of --failing, --state", self.ctl(
            "accounts", "-F", "--state", "waiting", code=64))
        for account in self.evpopd.get("/v1/accounts")["accounts"]:
            self.assertEqual(account["failing_since"] is not None,
                             account["account"] in DEAD, account)

    def test_what_needs_attention(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        status = json.loads(self.ctl("--json", "status", code=1))
        self.assertEqual(
            [(one["code"], one["text"]) for one in status["attention"]],
            [("accounts_fail", "4 of 9 accounts fail")])
        self.assertEqual(status["accounts"]["failing"], 4)
        self.assertIn("4 failing", self.ctl("status", code=1))
        # Nobody wants a paused account to work.
        self.ctl("pause", "dead*")
        self.ctl("status")
        self.assertEqual(self.evpopd.get("/v1/status")["attention"], [])
        self.evpopd.halt()
        self.ctl("status", code=69)

    def test_patterns(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        shown = self.ctl("account", "cust*1", "dead000")
        self.assertEqual([line.split()[1] for line in shown.splitlines()
                          if line.startswith("Account ")],
                         ["cust001", "dead000"])
        self.assertIn('no account matches "x*"',
                      self.ctl("account", "x*", code=66))
        # Others are polled all the same.
        out = self.ctl("poll", "x*", "cust*1", "dead*2", code=66)
        self.assertRegex(out, r"queued +cust001\n")
        self.assertRegex(out, r"queued +dead002\n")
        self.assertIn("name each account",
                      self.ctl("poll", "--confirm", "cust*", code=64))
        out = self.ctl("poll", "-w", "cust*")
        self.assertEqual(sorted(line.split()[0] for line in out.splitlines()),
                         WELL)
        self.assertRegex(self.ctl("pause", "cust00[1]", code=66), "no account")
        self.assertRegex(self.ctl("pause", "cust00?"), "paused +cust004\n")
        self.assertEqual(self.fitting("state=paused"), WELL)
        self.assertIn("nothing to do", self.ctl("pause", "cust*"))
        self.assertIn("nothing to do", self.ctl("poll", "-w", "cust*"))

    def test_all_are_paused_and_resumed(self):
        self.evpopd.accounts[WELL[0]]["enabled"] = "no"
        self.evpopd.start()
        self.evpopd.wait_polled(*WELL[1:], *DEAD)
        out = self.ctl("pause", "--all")
        self.assertEqual(out.count("paused"), 8)
        self.assertEqual(self.fitting("state=paused"), WELL[1:] + DEAD)
        self.assertIn("nothing to do", self.ctl("pause", "--all"))
        self.assertIn("name accounts", self.ctl("pause", code=64))
        self.assertIn("name accounts", self.ctl("resume", "-a", "x", code=64))
        out = self.ctl("resume", "--all")
        self.assertEqual(out.count("resumed"), 8)
        self.assertEqual(self.fitting("state=paused"), [])
        self.evpopd.wait_polled(*WELL[1:], *DEAD)
        # Of those that run, the failing ones are tried again.
        out = self.ctl("resume", "--all")
        self.assertEqual(out.count("resumed"), 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
