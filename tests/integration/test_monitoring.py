"""Prometheus scrapes evpopd as evpopd(8) says, and sees what goes wrong.

Each condition is a real one: a server that refuses, a store that is moved, a
certificate that ends.  The rules are those of conf/, but for how long a
condition must hold.
"""

import json
import pathlib
import re
import signal
import unittest

from harness import corpus, daemon, maildropd, procs, prometheus, scripted
from harness import webhook, wrong_clock

CONF = pathlib.Path(__file__).resolve().parents[2] / "conf"
RULES = CONF / "evpopd.rules.yml"
DASHBOARD = CONF / "evpopd-dashboard.json"
USERS = {"good": "1", "wrong": "2", "late": "3", "held": "4"}
HOUR_MS = 3600 * 1000


def at_once(rules):
    """The same rules, for conditions that have held no time."""
    return re.sub(r"\[30m\]", "[5s]", re.sub(r" for: \w+", " for: 0s", rules))


def rules_of(rules, *alerts):
    """Whether all of these alerts are among the rules."""
    return all(f"- alert: {alert}\n" in rules for alert in alerts)


def expressions(node):
    """All expressions of a dashboard."""
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        node = node.values()
    if not isinstance(node, str) and hasattr(node, "__iter__"):
        for one in node:
            yield from expressions(one)


@unittest.skipUnless(prometheus.available() and prometheus.Bridge.available(),
                     "Prometheus is not installed")
class MonitoringTest(unittest.TestCase):
    def setUp(self):
        self.rules = at_once(RULES.read_text())
        self.server = maildropd.MaildropServer(users=USERS)
        self.addCleanup(self.server.stop)
        self.server.start()

    def daemon(self, accounts, **keywords):
        evpopd = daemon.Evpopd(accounts, **keywords)
        self.addCleanup(evpopd.remove)
        return evpopd

    def bridge(self, evpopd):
        return self.enterContext(prometheus.Bridge(evpopd.socket))

    def watch(self, *bridges):
        return self.enterContext(prometheus.Prometheus(
            [bridge.address for bridge in bridges], self.rules))

    def expect(self, monitor, alert, **labels):
        """Wait until the alert fires: once, with these labels."""
        def fires():
            found = [one for one in monitor.alerts()
                     if one["alertname"] == alert
                     and labels.items() <= one.items()]
            self.assertLessEqual(len(found), 1, found)
            return found

        self.assertTrue(rules_of(self.rules, alert))
        procs.wait_for(fires, what=f"{alert} in {monitor.alerts()}")

    def test_all_is_well(self):
        self.server.deliver("good", corpus.messages(5, 9000))
        evpopd = self.daemon(
            {"good": daemon.account_of(self.server, "good", tls="implicit")})
        evpopd.start()
        evpopd.wait_polled()
        monitor = self.watch(self.bridge(evpopd))
        procs.wait_for(lambda: monitor.query("count(evpopd_build_info)"),
                       what="a scrape")
        for name, value in (
                ("up", 1), ("evpopd_accounts", 1), ("evpopd_polls_total", 1),
                ("evpopd_stored_messages_total", 5),
                ("histogram_quantile(0.5, evpopd_command_duration_seconds_"
                 'bucket{command="RETR"}) < bool 60', 1),
                ('evpopd_logins_total{mechanism="PLAIN"}', 1)):
            (_, seen), = monitor.query(name)
            self.assertEqual(seen, value, name)
        # Before the first scrape it was absent.
        procs.wait_for(lambda: not monitor.alerts(),
                       what=f"the end of {monitor.alerts()}")
        evpopd.halt()

    def test_the_dashboard_asks_for_what_there_is(self):
        self.server.deliver("good", corpus.messages(3, 9000))
        evpopd = self.daemon(
            {"good": daemon.account_of(self.server, "good", tls="implicit",
                                       deliver="people"),
             "wrong": daemon.account_of(self.server, "wrong", password="x")},
            hook={"on_recovery": "true"})
        evpopd.targets = {"people": {"type": "maildir",
                                     "path": evpopd.folder / "people"}}
        evpopd.start()
        evpopd.wait_polled()
        _, _, body = evpopd.request("GET", "/metrics")
        figures = prometheus.Figures(body.decode())
        known = {"up"} | {sample.name for family in figures.families.values()
                          for sample in family.samples}
        # What is said of accounts only where it holds.
        known |= set(figures.families)
        monitor = self.watch(self.bridge(evpopd))
        procs.wait_for(lambda: monitor.query("evpopd_build_info"),
                       what="a scrape")
        asked = list(expressions(json.loads(DASHBOARD.read_text())))
        self.assertGreater(len(asked), 30)
        for text in asked:
            with self.subTest(expression=text):
                text = text.replace("$instance", ".*").replace(
                    "$__rate_interval", "1m")
                self.assertNotIn("$", text)
                self.assertLessEqual(
                    set(re.findall(r"\b(?:evpopd|process)_\w+", text)), known)
                monitor.query(text)  # fails if it is no expression
        for text in re.findall(r" expr: (.*)", self.rules):
            self.assertLessEqual(
                set(re.findall(r"\b(?:evpopd|process)_\w+", text)), known)
        evpopd.halt()

    def quarantine(self, evpopd):
        for _ in range(3):
            evpopd.poll("broken")
        procs.wait_for(
            lambda: evpopd.get("/v1/quarantine")["quarantine"],
            what="a message in quarantine")

    def accounts(self):
        """An account for each thing that goes wrong."""
        ending = maildropd.MaildropServer(users={"ends": "5"})
        self.addCleanup(ending.stop)
        ending.certificate = ending.ca.ending(5)
        ending.start()
        self.gone = maildropd.MaildropServer(users={"gone": "6"})
        self.addCleanup(self.gone.stop)
        self.gone.start()
        broken = self.enterContext(scripted.ScriptedServer(
            corpus.messages(3, seed=5),
            {"RETR 2": scripted.break_off(b"+OK\r\nSubject: h")}))
        silent = self.enterContext(scripted.ScriptedServer(
            (), {"": scripted.fall_silent(b"")}))
        self.server.deliver("held", corpus.messages(30, 30_000))
        accounts = {
            "wrong": daemon.account_of(self.server, "wrong", password="x"),
            "held": daemon.account_of(self.server, "held", keep="forever"),
            "ends": daemon.account_of(ending, "ends", tls="implicit",
                                      host="127.0.0.1"),
            "gone": daemon.account_of(self.gone, "gone"),
            "broken": daemon.account_of(broken, "broken"),
            "silent1": daemon.account_of(silent, "a", host="localhost"),
            "silent2": daemon.account_of(silent, "b", host="localhost")}
        for number in range(11):
            accounts[f"dead{number}"] = {
                "host": "127.0.0.1", "port": 1, "tls": "none", "user": "x",
                "password": "x", "interval": "1h"}
        return accounts

    def make_old(self, evpopd):
        """It was long ago that things went well, or began to go wrong."""
        with evpopd.database(write=True) as store:
            store.execute("UPDATE account SET last_success_ms ="
                          " last_success_ms - ? WHERE name = 'gone'",
                          (48 * HOUR_MS,))
            store.execute("UPDATE account SET failing_since_ms ="
                          " failing_since_ms - ? WHERE name = 'dead0'",
                          (2 * HOUR_MS,))

    def test_each_alert(self):
        evpopd = self.daemon(self.accounts(),
                             daemon={"max_sessions_per_host": 1},
                             hook={"on_recovery": "exit 3"})
        desk = self.enterContext(webhook.Receiver(tls=False))
        desk.answers = [422] * 1000
        evpopd.targets = {
            "lost": {"type": "lmtp", "socket": evpopd.folder / "none"},
            "desk": {"type": "http", "url": desk.url, "allow_private": "yes"}}
        evpopd.accounts["held"]["deliver"] = "lost, desk"
        evpopd.start()
        polled = [name for name in evpopd.accounts if "silent" not in name]
        evpopd.wait_polled(*polled)
        evpopd.signal(signal.SIGTERM)
        evpopd.signal(signal.SIGTERM)
        evpopd.halt()
        self.gone.halt()
        self.make_old(evpopd)
        evpopd.accounts["held"].update(keep="delete", delete_guard=5)
        evpopd.start()
        evpopd.wait_polled(*polled)
        monitor = self.watch(self.bridge(evpopd))
        procs.wait_for(lambda: monitor.query("evpopd_quarantined_messages"),
                       what="a scrape")

        self.expect(monitor, "EvpopdAccountNeedsAttention", account="wrong")
        self.expect(monitor, "EvpopdAccountFailing", account="dead0")
        self.expect(monitor, "EvpopdAccountWithoutSuccess", account="gone")
        self.expect(monitor, "EvpopdManyAccountsFailing")
        self.expect(monitor, "EvpopdDeletionsHeld", account="held")
        self.expect(monitor, "EvpopdTargetDown", target="lost")
        self.expect(monitor, "EvpopdDeliveriesRefused", target="desk")
        self.expect(monitor, "EvpopdCertificateExpires", host="127.0.0.1")
        self.expect(monitor, "EvpopdPollsLate")
        self.quarantine(evpopd)
        self.expect(monitor, "EvpopdQuarantineGrew")
        self.gone.start()
        evpopd.poll("gone")
        self.expect(monitor, "EvpopdHookFails", hook="on_recovery")
        evpopd.write_config("[nonsense]\n")
        evpopd.signal(signal.SIGHUP)
        self.expect(monitor, "EvpopdReloadFailed")
        evpopd.store_file.rename(evpopd.folder / "elsewhere.db")
        self.expect(monitor, "EvpopdStoreUnhealthy", status="replaced")
        evpopd.kill()
        self.expect(monitor, "EvpopdDown")
        self.expect(monitor, "EvpopdAbsent")

    def test_a_clock_that_is_behind(self):
        clock = wrong_clock.WrongClock()
        self.addCleanup(clock.remove)
        evpopd = self.daemon(
            {"good": daemon.account_of(self.server, "good")},
            environment=clock.environment)
        evpopd.start()
        evpopd.wait_polled()
        evpopd.halt()
        clock.set_wrong(-90 * 86400)
        evpopd.start()
        evpopd.wait_polled()
        monitor = self.watch(self.bridge(evpopd))
        self.expect(monitor, "EvpopdClockBehind")
        evpopd.halt()


if __name__ == "__main__":
    unittest.main()
