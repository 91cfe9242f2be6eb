"""GET /metrics, as a monitoring system reads it."""

import datetime
import pathlib
import re
import socket
import subprocess
import unittest

from harness import corpus, daemon, maildropd, procs, prometheus

USERS = {"anna": "secret", "bert": "hidden", "carl": "third"}
SUCCESS = "evpopd_account_last_success_timestamp_seconds"
FAILING = "evpopd_account_failing_since_timestamp_seconds"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"

# As Prometheus sends it.
ACCEPT = ("application/openmetrics-text;version=1.0.0,"
          "application/openmetrics-text;version=0.0.1;q=0.75,"
          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")


def dead(**keys):
    """The keys of an account whose server does not answer."""
    return {"host": "127.0.0.1", "port": 1, "tls": "none", "user": "nobody",
            "password": "none", "interval": "1h", **keys}


@unittest.skipUnless(prometheus.available(), "Prometheus is not installed")
class MetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = maildropd.MaildropServer(users=USERS)
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        cls.server.deliver("anna", corpus.messages(7, 20_000, seed=3))
        wrong = daemon.account_of(cls.server, "bert", password="wrong")
        cls.evpopd = daemon.Evpopd({
            "anna": daemon.account_of(cls.server, "anna"),
            "a+b@c.d": daemon.account_of(cls.server, "bert"),
            "tls": daemon.account_of(cls.server, "carl", tls="implicit"),
            "wrong": wrong, "dead": dead(), "off": dead(enabled="no")})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.start()
        cls.evpopd.wait_polled("anna", "wrong", "dead", "a+b@c.d", "tls")

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    def scrape(self, query="", accept=None):
        status, headers, body = self.evpopd.request(
            "GET", "/metrics" + query,
            {} if accept is None else {"Accept": accept})
        self.assertEqual(status, 200, body)
        return headers["Content-Type"], body.decode()

    def figures(self, query=""):
        kind, text = self.scrape(query)
        self.assertEqual(kind, OPEN)
        self.assertTrue(text.endswith("\n# EOF\n"))
        return prometheus.Figures(text)

    # Formats

    def test_a_strict_reader_takes_it(self):
        figures = self.figures()
        for name, family in figures.families.items():
            self.assertRegex(name, "^(evpopd|process)_")
            self.assertTrue(family.documentation.endswith("."), name)

    def test_promtool_takes_the_older_text(self):
        kind, text = self.scrape(accept="text/plain")
        self.assertEqual(kind, TEXT)
        self.assertEqual(prometheus.promtool(
            "check", "metrics", text=text), "")

    def test_both_have_the_same_samples(self):
        def names(text):
            return [line.rpartition(" ")[0] for line in text.splitlines()
                    if not line.startswith("#")]

        self.assertEqual(names(self.scrape()[1]),
                         names(self.scrape(accept="text/plain")[1]))

    def test_the_older_text_comes_only_where_it_is_preferred(self):
        for accept, kind in ((None, OPEN), ("*/*", OPEN), (ACCEPT, OPEN),
                             ("text/plain", TEXT), ("text/*;q=0.3", TEXT),
                             ("application/openmetrics-text; q=0.1,"
                              " Text/Plain", TEXT),
                             ("text/plain;q=0", OPEN),
                             ("text/plain;q=0.2, application/"
                              "openmetrics-text;q=0.4", OPEN)):
            with self.subTest(accept=accept):
                self.assertEqual(self.scrape(accept=accept)[0], kind)

    def test_the_manual_names_what_there_is(self):
        text = (pathlib.Path(__file__).resolve().parents[2]
                / "daemon/evpopd.8").read_text()
        named = set(re.findall(r"\bevpopd_\w+", text))
        self.assertGreater(len(named), 15)
        families = self.figures().families
        self.assertLessEqual(
            {name.removesuffix("_total") for name in named}, set(families))

    # Figures

    def test_they_are_those_of_the_status(self):
        status = self.evpopd.get("/v1/status")
        figures = self.figures()
        for name, value in (
                ("evpopd_accounts", status["accounts"]["total"]),
                ("evpopd_accounts_failing", status["accounts"]["failing"]),
                ("evpopd_polls_total", status["polls"]["total"]),
                ("evpopd_stored_messages_total", 7),
                ("evpopd_store_healthy", 1),
                ("evpopd_sessions", 0),
                ("evpopd_sessions_limit", status["limits"]["max_sessions"])):
            self.assertEqual(figures[name], value, name)
        self.assertEqual(
            figures["evpopd_build_info", "version", status["version"]], 1)
        self.assertEqual(figures["evpopd_store_status", "status", "ok"], 1)
        self.assertEqual(figures["evpopd_store_status", "status", "full"], 0)

    def test_failures_are_counted_by_class(self):
        before = self.figures()
        self.evpopd.poll("dead")
        after = self.figures()
        for kind in after.labels("evpopd_poll_failures_total", "class"):
            key = "evpopd_poll_failures_total", "class", kind
            self.assertEqual(after[key] - before[key], kind == "io", kind)
        for name in ("evpopd_polls_total",
                     "evpopd_poll_duration_seconds_count"):
            self.assertEqual(after[name] - before[name], 1)
        self.assertGreaterEqual(after["evpopd_poll_failures_total", "class",
                                      "auth"], 1)

    def test_polls_add_up(self):
        figures = self.figures()
        stored = self.evpopd.account("anna")["stored"]["bytes"]
        self.assertEqual(figures["evpopd_poll_messages_total", "figure",
                                 "fetched"], 7)
        self.assertEqual(figures["evpopd_poll_bytes_total", "figure",
                                 "fetched_bytes"], stored)
        self.assertEqual(figures["evpopd_stored_bytes_total"], stored)

    def test_dry_runs_do_not_count(self):
        before = self.figures()["evpopd_polls_total"]
        self.evpopd.ctl("poll", "--dry-run", "anna")
        self.assertEqual(self.figures()["evpopd_polls_total"], before)

    def test_sessions_are_measured(self):
        before = self.figures()
        self.evpopd.poll("a+b@c.d")
        after = self.figures()
        for key in (("evpopd_sessions_ended_total",),
                    ("evpopd_command_duration_seconds_count", "command",
                     "QUIT"),
                    *(("evpopd_session_step_duration_seconds_count", "step",
                       step) for step in ("resolve", "connect", "greeting",
                                          "login"))):
            self.assertEqual(after[key] - before[key], 1, key)
        self.assertGreaterEqual(
            after["evpopd_logins_total", "mechanism", "PLAIN", "tls", "none"],
            2)
        self.assertEqual(after["evpopd_command_duration_seconds_count",
                               "command", "RETR"], 7)
        self.assertEqual(after["evpopd_command_first_byte_seconds_count",
                               "command", "RETR"], 7)
        self.assertEqual(after["evpopd_store_commit_duration_seconds_count"],
                         after["evpopd_store_commits_total"])
        self.assertEqual(
            before["evpopd_session_failures_total", "step", "connect"],
            after["evpopd_session_failures_total", "step", "connect"])

    def test_certificates_have_their_days(self):
        key = ("evpopd_certificate_expiry_timestamp_seconds", "host",
               "localhost", "port", str(self.server.tls_port))
        end = subprocess.run(
            ["openssl", "x509", "-noout", "-enddate", "-dateopt",
             "iso_8601", "-in", self.server.certificate.certificate], check=True,
            stdout=subprocess.PIPE, text=True).stdout
        expires = datetime.datetime.fromisoformat(
            end.strip().partition("=")[2].replace("Z", "+00:00"))
        self.assertEqual(self.figures()[key], expires.timestamp())

    # Accounts

    def test_each_account_says_when_it_last_went_well(self):
        figures = self.figures()
        self.assertEqual(figures.labels(SUCCESS, "account"),
                         ["a+b@c.d", "anna", "tls"])
        self.assertEqual(figures.labels(FAILING, "account"),
                         ["dead", "wrong"])

    def test_accounts_may_be_left_out(self):
        failing, none = self.figures("?accounts=failing"), self.figures(
            "?accounts=none")
        self.assertEqual(failing.labels(SUCCESS, "account"), [])
        self.assertEqual(failing.labels(FAILING, "account"),
                         ["dead", "wrong"])
        self.assertNotIn(FAILING, none.families)
        self.assertEqual(none["evpopd_accounts_failing"], 2)
        status, _, body = self.evpopd.request("GET", "/metrics?accounts=some")
        self.assertEqual(status, 400)
        self.assertIn(b"all, failing, none", body)


@unittest.skipUnless(prometheus.available(), "Prometheus is not installed")
class ManyAccountsTest(unittest.TestCase):
    def test_the_store_remembers_successes_of_before(self):
        with maildropd.MaildropServer(users=USERS) as server, \
                daemon.Evpopd({"anna": daemon.account_of(server, "anna")}) \
                as evpopd:
            evpopd.wait_polled()
            before = self.figures(evpopd)[SUCCESS, "account", "anna"]
            evpopd.halt()
            server.halt()
            evpopd.start()
            evpopd.wait_polled()
            self.assertEqual(
                self.figures(evpopd)[SUCCESS, "account", "anna"], before)
            # Of one that is not polled, nobody expects any.
            evpopd.post("/v1/accounts/anna/pause")
            self.assertEqual(
                self.figures(evpopd).labels(SUCCESS, "account"), [])

    def figures(self, evpopd):
        status, _, body = evpopd.request("GET", "/metrics")
        self.assertEqual(status, 200)
        return prometheus.Figures(body.decode())

    def leave_early(self, evpopd, octets):
        """Ask, read so many octets, and hang up."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(procs.PATIENCE)
            client.connect(str(evpopd.socket))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            while octets > 0:
                got = client.recv(octets)
                self.assertNotEqual(got, b"")
                octets -= len(got)

    def test_more_than_a_page_of_accounts(self):
        accounts = {f"{number:04}": dead() for number in range(1234)}
        with daemon.Evpopd(accounts, daemon={"max_sessions_per_host": 64}) \
                as evpopd:
            evpopd.wait_polled()
            self.assertEqual(
                self.figures(evpopd).labels(FAILING, "account"),
                list(accounts))
            for octets in (0, 1, 10_000, 20_000, 60_000, 100_000):
                self.leave_early(evpopd, octets)
            self.assertEqual(
                self.figures(evpopd).labels(FAILING, "account"),
                list(accounts))


if __name__ == "__main__":
    unittest.main()
