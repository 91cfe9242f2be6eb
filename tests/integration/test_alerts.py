"""Each alerting rule, by promtool: fires when it should, and else does not.

A case is the alert, how often it fires, and series with their values a minute
apart, as promtool writes them; time begins at 0.
"""

import json
import pathlib
import re
import tempfile
import time
import unittest

from harness import procs, prometheus

CONF = pathlib.Path(__file__).resolve().parents[2] / "conf"
RULES = CONF / "evpopd.rules.yml"
AT = 'instance="a",job="evpopd"'
ONE = f'{AT},account="x"'
TO = f'{AT},target="x"'


def constant(value, minutes=10):
    """The same value for so many minutes."""
    return f"{value}x{minutes}"


def growing(minutes):
    """Unix time as it is: what happens right now."""
    return f"0+60x{minutes}"


# Alert -> series and how long they last: where it fires, and where it must not.
CASES = {
    "EvpopdDown": (
        10, {f"up{{{AT}}}": constant(0)},
        {f"up{{{AT}}}": "0 0 0 1x7", 'up{job="another"}': constant(0)}),
    "EvpopdAbsent": (
        15, {f"up{{{AT}}}": constant(0, 15)},
        {f"evpopd_build_info{{{AT}}}": constant(1, 15)}),
    "EvpopdStoreUnhealthy": (
        10, {f'evpopd_store_status{{{AT},status="full"}}': constant(1),
             f'evpopd_store_status{{{AT},status="ok"}}': constant(0)},
        {f'evpopd_store_status{{{AT},status="full"}}': constant(0),
         f'evpopd_store_status{{{AT},status="ok"}}': constant(1)}),
    "EvpopdManyAccountsFailing": (
        15, {f"evpopd_accounts_failing{{{AT}}}": constant(11, 15),
             f"evpopd_accounts{{{AT}}}": constant(50, 15)},
        {f"evpopd_accounts_failing{{{AT}}}": constant(10, 15),
         f"evpopd_accounts{{{AT}}}": constant(10, 15),
         'evpopd_accounts_failing{instance="b",job="evpopd"}':
             constant(11, 15),
         'evpopd_accounts{instance="b",job="evpopd"}': constant(56, 15)}),
    "EvpopdAccountNeedsAttention": (
        10, {f"evpopd_account_needs_attention{{{ONE}}}": constant(1)},
        {f"evpopd_account_needs_attention{{{ONE}}}": "1 1 1 _x7"}),
    "EvpopdAccountFailing": (
        70, {f"evpopd_account_failing_since_timestamp_seconds{{{ONE}}}":
             constant(0, 70)},
        {f"evpopd_account_failing_since_timestamp_seconds{{{ONE}}}":
             constant(1200, 70),
         # The other alert is about this one.
         f'evpopd_account_failing_since_timestamp_seconds{{{AT},account="y"}}':
             constant(0, 70),
         f'evpopd_account_needs_attention{{{AT},account="y"}}':
             constant(1, 70)}),
    "EvpopdAccountWithoutSuccess": (
        1500, {f"evpopd_account_last_success_timestamp_seconds{{{ONE}}}":
               constant(0, 1500)},
        {f"evpopd_account_last_success_timestamp_seconds{{{ONE}}}":
             growing(1500)}),
    "EvpopdNothingFetched": (
        4400, {f'evpopd_poll_messages_total{{{AT},figure="fetched"}}':
               constant(7, 4400),
               f"process_start_time_seconds{{{AT}}}": constant(0, 4400)},
        {f'evpopd_poll_messages_total{{{AT},figure="fetched"}}':
             "7x3000 8x1400",
         f"process_start_time_seconds{{{AT}}}": constant(0, 4400),
         # It has been running for too short a time.
         'evpopd_poll_messages_total{instance="b",job="evpopd",'
         'figure="fetched"}': constant(7, 4400),
         'process_start_time_seconds{instance="b",job="evpopd"}':
             constant(86400, 4400)}),
    "EvpopdPollsLate": (
        70, {f"evpopd_accounts_queued{{{AT}}}": constant(3, 70)},
        {f"evpopd_accounts_queued{{{AT}}}": "3x50 0 3x19"}),
    "EvpopdQuarantineGrew": (
        70, {f"evpopd_quarantined_messages{{{AT}}}": "2x50 3x20"},
        {f"evpopd_quarantined_messages{{{AT}}}": "2x50 1x20"}),
    "EvpopdTargetDown": (
        20, {f"evpopd_target_up{{{TO}}}": constant(0, 20)},
        {f"evpopd_target_up{{{TO}}}": "0x10 1 0x9"}),
    "EvpopdDeliveriesRefused": (
        10, {f"evpopd_target_refused_messages{{{TO}}}": constant(1)},
        {f"evpopd_target_refused_messages{{{TO}}}": "1 1 0x8"}),
    "EvpopdDeletionsHeld": (
        70, {f"evpopd_account_held_deletions{{{ONE}}}": constant(9, 70)},
        {f"evpopd_account_held_deletions{{{ONE}}}": "9x30 _x10 9x29"}),
    "EvpopdCertificateExpires": (
        10, {f'evpopd_certificate_expiry_timestamp_seconds{{{AT},host="h",'
             'port="995"}': constant(13 * 86400)},
        {f'evpopd_certificate_expiry_timestamp_seconds{{{AT},host="h",'
         'port="995"}': constant(15 * 86400)}),
    "EvpopdClockBehind": (
        10, {f"evpopd_clock_behind{{{AT}}}": constant(1)},
        {f"evpopd_clock_behind{{{AT}}}": "1 1 0x8"}),
    "EvpopdReloadFailed": (
        10, {f"evpopd_last_reload_successful{{{AT}}}": constant(0)},
        {f"evpopd_last_reload_successful{{{AT}}}": "0 0 1x8"}),
    "EvpopdHookFails": (
        10, {f'evpopd_hook_failures_total{{{AT},hook="on_failure"}}':
             "0 0 0 1x7"},
        {f'evpopd_hook_failures_total{{{AT},hook="on_failure"}}':
             constant(4)}),
}


def names_of(text):
    """The alerts of a file of rules."""
    return re.findall(r"^ *- alert: (\w+)$", text, re.M)


@unittest.skipUnless(prometheus.available(), "Prometheus is not installed")
class RulesTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.file = pathlib.Path(folder) / "tests.yml"

    def test_promtool_takes_them(self):
        said = prometheus.promtool("check", "rules", RULES)
        self.assertIn(f"{len(CASES)} rules found", said)

    def test_every_alert_has_a_case(self):
        self.assertEqual(sorted(names_of(RULES.read_text())), sorted(CASES))

    def expect(self, alert, minutes, series, alerts):
        """promtool's word on whether these alerts fire, and no others."""
        # YAML is JSON, too.
        self.file.write_text(json.dumps({
            "rule_files": [str(RULES)], "evaluation_interval": "1m",
            "tests": [{
                "interval": "1m",
                "input_series": [{"series": name, "values": values}
                                 for name, values in series.items()],
                "alert_rule_test": [{
                    "eval_time": f"{minutes}m", "alertname": alert,
                    "exp_alerts": alerts}]}]}))
        return prometheus.promtool("test", "rules", self.file,
                                   code=1 if alerts else 0)

    def test_each_fires_once_and_not_else(self):
        for alert, (minutes, fires, rests) in CASES.items():
            with self.subTest(alert=alert, fires=False):
                self.expect(alert, minutes, rests, [])
            with self.subTest(alert=alert, fires=True):
                # What promtool got instead of an alert that there is not.
                said = self.expect(alert, minutes, fires,
                                   [{"exp_labels": {"a": "b"}}])
                got = said.partition("got:")[2]
                self.assertEqual(got.count("Labels:"), 1, said)
                self.assertIn(f'alertname="{alert}"', got)
                self.assertIn("severity=", got)
                self.assertNotIn("<error", got)
                self.assertNotIn("<no value>", got)


    def test_nothing_fetched_for_days(self):
        """A server that has seen the days, of daemons that differ."""
        now, step = int(time.time()), 300
        times = range(now - 4 * 86400, now + step, step)
        families = {"evpopd_poll_messages": ("counter", []),
                    "process_start_time_seconds": ("gauge", [])}
        for instance, grows, days in (("idle", False, 9), ("busy", True, 9),
                                      ("young", False, 2)):
            label = f'instance="{instance}",job="evpopd"'
            families["evpopd_poll_messages"][1].extend(
                f'evpopd_poll_messages_total{{figure="fetched",{label}}} '
                f"{7 + grows * place} {moment}"
                for place, moment in enumerate(times))
            families["process_start_time_seconds"][1].extend(
                f"process_start_time_seconds{{{label}}} "
                f"{now - days * 86400} {moment}" for moment in times)
        monitor = prometheus.Prometheus([], RULES.read_text())
        self.addCleanup(monitor.stop)
        monitor.remember("".join(
            f"# TYPE {name} {kind}\n" + "".join(
                line + "\n" for line in lines)
            for name, (kind, lines) in families.items()) + "# EOF\n")
        monitor.start()

        def told():
            return [one["instance"] for one in monitor.alerts()
                    if one["alertname"] == "EvpopdNothingFetched"]
        procs.wait_for(told, what="the alert")
        self.assertEqual(told(), ["idle"])


if __name__ == "__main__":
    unittest.main()
