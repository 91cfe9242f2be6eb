"""Many accounts: what an operator sees, and whom a command means."""

import json
import re
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
        *lines, sums = self.ctl("poll", "-w", "cust*").splitlines()
        self.assertEqual(sorted(line.split()[0] for line in lines), WELL)
        self.assertEqual(sums, f"{len(WELL)} ok, 0 messages fetched")
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


class PauseTest(unittest.TestCase):
    def setUp(self):
        self.server = maildropd.MaildropServer(
            users={name: "secret" for name in ("anna", "bert")}, tls=False)
        self.addCleanup(self.server.stop)
        self.server.start()
        self.evpopd = daemon.Evpopd({
            name: daemon.account_of(self.server, name, interval="1h")
            for name in ("anna", "bert")})
        self.addCleanup(self.evpopd.remove)

    def logins(self):
        return self.server.stats()["logins"]

    def is_paused(self, name):
        shown = self.evpopd.account(name)
        return (shown["state"], shown["paused_since"] is not None)

    def test_a_pause_lasts(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        answer = self.evpopd.post("/v1/accounts/anna/pause")
        self.assertEqual((answer["state"], answer["paused"]),
                         ("paused", True))
        # It is durable before it is answered.
        self.evpopd.kill()
        since, who = self.evpopd.rows(
            "SELECT paused_since, paused_by FROM v_account"
            " WHERE name = 'anna'")[0]
        logins = self.logins()
        self.evpopd.start()
        self.evpopd.wait_polled("bert")
        self.assertEqual(self.is_paused("anna"), ("paused", True))
        self.assertEqual(self.evpopd.account("anna")["paused_since"], since)
        self.assertEqual(self.evpopd.account("anna")["paused_by"], who)
        self.assertEqual(self.logins(), logins + 1)
        self.assertIn("1 account is paused since before", self.evpopd.log())
        self.assertIn(f"paused since {since} by {who}",
                      self.evpopd.ctl("accounts").stdout)
        self.assertRegex(self.evpopd.ctl("account", "anna").stdout,
                         f"Paused +since {since} by {who}\n")
        # By another name it is the same account.
        self.evpopd.accounts["emma"] = {
            **self.evpopd.accounts.pop("anna"), "id": "anna"}
        self.evpopd.restart()
        self.evpopd.wait_polled("bert")
        self.assertEqual(self.is_paused("emma"), ("paused", True))
        # Disabled for a while, it is paused afterwards.
        self.evpopd.accounts["emma"]["enabled"] = "no"
        self.evpopd.write_config()
        self.evpopd.ctl("reload")
        self.assertEqual(self.is_paused("emma"), ("disabled", False))
        del self.evpopd.accounts["emma"]["enabled"]
        self.evpopd.write_config()
        self.evpopd.ctl("reload")
        self.evpopd.wait_account(
            "emma", lambda one: one["state"] == "paused")
        # Nor does resuming it wait for anything.
        logins = self.logins()
        self.evpopd.post("/v1/accounts/emma/resume")
        self.evpopd.kill()
        self.evpopd.start()
        self.evpopd.wait_polled("emma")
        self.assertEqual(self.is_paused("emma"), ("waiting", False))
        self.assertGreater(self.logins(), logins)

    def test_before_its_first_poll(self):
        self.evpopd.accounts["bert"]["port"] = dead_port()
        self.evpopd.start()
        self.evpopd.ctl("pause", "--all")
        self.evpopd.kill()
        logins = self.logins()
        self.evpopd.start()
        procs.wait_for(lambda: self.is_paused("anna")[1] and
                       self.is_paused("bert")[1], daemon.PATIENCE, "pauses")
        self.assertEqual(self.logins(), logins)

    def test_one_poll_of_a_paused_account(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.evpopd.ctl("pause", "anna")
        logins = self.logins()
        self.server.deliver("anna", corpus.messages(3))
        out = self.evpopd.ctl("poll", "anna").stdout
        self.assertRegex(out, r"queued +anna \(once; it stays paused\)")
        self.evpopd.wait_account("anna", lambda one:
                                 one["stored"]["messages"] == 3 and
                                 one["state"] == "paused")
        self.server.deliver("anna", corpus.messages(2, seed=2))
        out = self.evpopd.ctl("poll", "--wait", "anna").stdout
        self.assertIn("2 fetched", out)
        self.assertEqual(self.is_paused("anna"), ("paused", True))
        self.assertEqual(self.logins(), logins + 2)
        self.evpopd.restart()
        self.evpopd.wait_polled("bert")
        self.assertEqual(self.is_paused("anna"), ("paused", True))
        # What --all means is what is polled anyway.
        self.evpopd.ctl("poll", "--wait", "--all")
        self.assertIsNone(self.evpopd.account("anna")["last_finished"])


class OutageTest(unittest.TestCase):
    """Five hundred accounts, nearly all at a server that is down."""

    FAILING = 497

    def test_a_server_is_down(self):
        live = self.enterContext(maildropd.MaildropServer(
            users={name: "secret" for name in WELL[:3]}, tls=False))
        port = procs.free_ports(1, "127.0.0.8")[0]
        evpopd = daemon.Evpopd(
            {f"down{number:03}": {
                "host": "127.0.0.8", "port": port, "tls": "none",
                "user": f"down{number + 1}", "password": "secret",
                "interval": "1h"}
             for number in range(self.FAILING)} |
            {name: daemon.account_of(live, name) for name in WELL[:3]},
            daemon={"log_level": "info"})
        self.addCleanup(evpopd.remove)
        evpopd.start()

        def failing():
            return evpopd.get("/v1/status")["accounts"]["failing"]

        procs.wait_for(lambda: failing() == self.FAILING, daemon.PATIENCE,
                       "all polls")
        # However slow they were, few lines say it, and each account is in one.
        procs.wait_for(lambda: self.told(evpopd, "refused") == self.FAILING,
                       daemon.PATIENCE, "lines for all")
        self.assertRegex(evpopd.log(), r"127\.0\.0\.8: .*Connection refused: \d+ other "
                         "accounts; .*accounts --failing")
        warnings = [line for line in evpopd.log().splitlines()
                    if " warning: " in line]
        self.assertLess(len(warnings), 12, warnings)
        self.assertRegex(warnings[0], r"warning: down\d{3}: .*next try in")
        status = evpopd.get("/v1/status")
        self.assertEqual(status["accounts"] | {"polling": 0, "queued": 0}, {
            "total": 500, "polling": 0, "queued": 0,
            "failing": self.FAILING, "refused": 0})
        self.assertIn("497 of 500 accounts fail",
                      [one["text"] for one in status["attention"]])
        lines = evpopd.ctl("accounts").stdout.splitlines()
        self.assertEqual(len(lines), 501)
        self.assertTrue(lines[1].startswith("down000 "))
        self.assertTrue(lines[-1].startswith("cust002 "))
        self.assertEqual(len(evpopd.pages(
            "/v1/accounts?state=failing", "accounts", 50)), self.FAILING)

        # It comes back, and as few lines say so.
        with maildropd.MaildropServer(
                synthetic=[("down", "secret", 500, 0, 100)], tls=False,
                host="127.0.0.8", port=port):
            evpopd.ctl("resume", "--all")
            procs.wait_for(lambda: failing() == 0, daemon.PATIENCE,
                           "all to work again")
            procs.wait_for(
                lambda: self.told(evpopd, "again") == self.FAILING,
                daemon.PATIENCE, "lines for all")
            self.assertRegex(
                evpopd.log(),
                r"info: down\d{3}: works again after 1 failure, \d+ ")
            evpopd.ctl("status")
            evpopd.halt()

    @staticmethod
    def told(evpopd, word):
        """Of how many accounts the log says so."""
        count = 0
        for line in evpopd.log().splitlines():
            more = re.search(r": (\d+) other accounts?\b", line)
            if word in line and " down" in line and more is None:
                count += 1
            elif word in line and more is not None:
                count += int(more[1])
        return count


if __name__ == "__main__":
    unittest.main(verbosity=2)
