"""Mail that is fetched goes on to targets, whatever becomes of these."""

import json
import re
import signal
import threading
import unittest

from harness import corpus, daemon, lmtp, maildropd, procs

DOWN = b"421 4.3.2 shutting down\r\n"


def lines_of(octets):
    """As LMTP brings it: each line with CR LF."""
    octets = re.sub(rb"(?<!\r)\n", b"\r\n", octets)
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def quick(**keys):
    """Keys of a target that is tried again soon."""
    return {"retry_min": "1s", "retry_max": "1s", **keys}


class DeliveryTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret", "bert": "hidden"}, tls=False))
        self.sink = self.enterContext(lmtp.ScriptedLmtp())
        self.evpopd = daemon.Evpopd(
            {user: daemon.account_of(self.server, user, deliver="sink",
                                     deliver_to=f"{user}@example.org")
             for user in ("anna", "bert")},
            targets={"sink": quick(type="lmtp", host=self.sink.host,
                                   port=self.sink.port, tls="none")})
        self.addCleanup(self.evpopd.remove)

    def arrived(self, user="anna"):
        """The octets of a user's mail, without the line in front."""
        found = []
        for _, recipient, octets in self.sink.mail:
            if recipient == f"{user}@example.org":
                line, _, rest = octets.partition(b"\r\n")
                self.assertRegex(line, rb"^X-Evpop-Id: [0-9a-f]{32}\.\d+$")
                found.append(rest)
        return found

    def wait_arrived(self, count, user="anna"):
        procs.wait_for(lambda: len(self.arrived(user)) >= count,
                       what=f"{count} messages at the target")

    def outbox(self, *columns):
        """Rows of the outbox, by message."""
        return self.evpopd.rows(
            f"SELECT {', '.join(columns)} FROM v_outbox ORDER BY message")


class OnceTest(DeliveryTest):
    """evpopd --once waits for its deliveries."""

    def test_all_is_delivered(self):
        mail = corpus.messages(40)
        self.server.deliver("anna", mail)
        maildir = self.evpopd.folder / "Mail"
        self.evpopd.accounts["anna"]["deliver"] = f"sink, maildir:{maildir}"
        self.assertRegex(
            self.evpopd.once().stderr, r"(?m)^2 accounts: 2 ok, 0 failed; 40 "
            r"messages fetched \([0-9.]+ KiB\), 80 delivered, in [0-9.]+ s\n\Z")
        self.assertEqual(sorted(self.arrived()),
                         sorted(map(lines_of, mail)))
        self.assertEqual(
            sorted(one.read_bytes() for one in (maildir / "new").iterdir()),
            sorted(lines_of(octets).replace(b"\r\n", b"\n")
                   for octets in mail))
        self.assertEqual(self.outbox("DISTINCT state"), [("delivered",)])
        # Nothing twice.
        self.evpopd.once()
        self.assertEqual(len(self.sink.mail), len(mail))

    def test_what_fails_waits_for_the_next_run(self):
        mail = corpus.messages(5)
        self.server.deliver("anna", mail)
        self.sink.answers[""] = DOWN
        self.assertIn("\n  target sink: 5 messages wait: ",
                      self.evpopd.once(code=75).stderr)
        self.assertEqual(self.outbox("DISTINCT state"), [("waiting",)])
        del self.sink.answers[""]
        self.evpopd.once()
        self.assertEqual(sorted(self.arrived()),
                         sorted(map(lines_of, mail)))

    def test_a_refusal_is_a_failure_once(self):
        self.server.deliver("anna", corpus.messages(2))
        self.sink.answers["RCPT"] = b"550 5.1.1 no such user\r\n"
        self.assertIn("\n  target sink: 2 refused\n",
                      self.evpopd.once(code=75).stderr)
        self.assertEqual(self.outbox("DISTINCT state, answer"),
                         [("refused", "550 5.1.1 no such user")])
        self.evpopd.once()


class DownTest(DeliveryTest):
    """A target that is down delays nothing but its own mail."""

    def test_mail_waits_and_goes_in_order(self):
        self.sink.answers[""] = DOWN
        self.evpopd.targets["sink"]["order"] = "account"
        self.evpopd.start()
        sent = []
        for _ in range(5):
            some = corpus.messages(20, 2000, seed=len(sent))
            sent += some
            self.server.deliver("anna", some)
            self.evpopd.poll("anna")
        self.assertEqual(len(self.evpopd.messages("anna")), 100)
        self.assertEqual(self.evpopd.account("anna")["state"], "waiting")
        self.assertEqual(self.arrived(), [])
        self.evpopd.wait_logged(" is down: ")
        # All of it waits, and none of it is blamed.
        self.assertEqual(self.outbox("DISTINCT state, attempts"),
                         [("waiting", 0)])
        self.server.deliver("bert", [b"Subject: b\r\n\r\nb\r\n"])
        del self.sink.answers[""]
        self.wait_arrived(100)
        self.evpopd.wait_logged("target sink works again")
        self.assertEqual(self.arrived(), list(map(lines_of, sent)))
        self.evpopd.halt()

    def test_it_is_told_everywhere(self):
        out = self.evpopd.folder / "out"
        for hook in ("on_failure", "on_recovery"):
            self.evpopd.hook[hook] = (
                f"(cat; printf '%s|%s|%s' \"$EVPOP_TARGET\" \"$EVPOP_CLASS\" "
                f"\"$EVPOP_TEXT\") > {out}.{hook}.part && "
                f"mv {out}.{hook}.part {out}.{hook}")
        self.sink.answers[""] = DOWN
        self.evpopd.start()
        self.server.deliver("anna", corpus.messages(3))
        self.evpopd.poll("anna")
        failure = self.told(out, "on_failure")
        self.assertIn('"account":null,"target":"sink"', failure)
        self.assertRegex(failure, r"sink\|target\|target sink fails: .*421")
        metrics = self.metrics()
        self.assertEqual(metrics["up"], "0")
        self.assertEqual(metrics["waiting_messages"], "3")
        self.assertEqual(metrics["refused_messages"], "0")
        target, = self.evpopd.get("/v1/targets")["targets"]
        self.assertEqual((target["target"], target["state"]), ("sink", "down"))
        del self.sink.answers[""]
        self.wait_arrived(3)
        self.assertIn("target sink works again", self.told(out, "on_recovery"))
        procs.wait_for(lambda: self.metrics()["waiting_messages"] == "0",
                       what="nothing to wait")
        metrics = self.metrics()
        self.assertEqual(metrics["up"], "1")
        self.assertEqual(metrics["deliveries_total"], "3")
        events = [one["event"] for one in self.events()]
        self.assertEqual(events.count("message-delivered"), 3)
        self.assertEqual(events.count("target-health"), 2)
        self.evpopd.halt()

    def told(self, out, hook):
        """What a hook was told."""
        path = out.with_name(f"{out.name}.{hook}")
        procs.wait_for(path.exists, what=f"{hook} to run")
        return path.read_text()

    def metrics(self):
        """Figures of the target, by what follows evpopd_target_."""
        _, _, text = self.evpopd.request("GET", "/metrics")
        return dict(re.findall(
            r"(?m)^evpopd_target_(\w+)\{target=\"sink\",type=\"lmtp\"\} (.*)$",
            text.decode()))

    def events(self):
        """All that are kept."""
        return [json.loads(line) for line in self.evpopd.ctl(
            "--json", "events", "--since", "0", "--kind",
            "message-delivered,target-health", "--count", "5"
        ).stdout.splitlines()]


class FullTest(DeliveryTest):
    """Too much waits: accounts leave their mail where it is."""

    def test_accounts_stop_and_go_on(self):
        self.evpopd.targets["sink"]["max_waiting"] = "10"
        self.sink.answers[""] = DOWN
        self.evpopd.start()
        self.server.deliver("anna", corpus.messages(10))
        self.evpopd.poll("anna")
        self.server.deliver("anna", corpus.messages(5, seed=2))
        self.evpopd.post("/v1/accounts/anna/poll")
        account = self.evpopd.wait_account(
            "anna", lambda account: account["state"] == "failing")
        self.assertIn("10 messages wait for target sink (max_waiting = 10); "
                      "mail stays on the server", json.dumps(account))
        self.assertEqual(self.server.left("anna"), 15)
        self.assertEqual(len(self.evpopd.messages("anna")), 10)
        # It goes on by itself, long before its interval is over.
        del self.sink.answers[""]
        self.wait_arrived(15)
        self.evpopd.wait_account(
            "anna", lambda account: account["state"] == "waiting")
        self.evpopd.halt()


class PeopleTest(DeliveryTest):
    """What people change while mail waits."""

    def test_a_reload_leads_elsewhere(self):
        port, = procs.free_ports(1)
        self.evpopd.targets["sink"].update(port=port, retry_min="1h",
                                           retry_max="1h")
        self.evpopd.start()
        self.server.deliver("anna", corpus.messages(3))
        self.evpopd.poll("anna")
        self.evpopd.wait_logged("target sink (127.0.0.1:%d) is down" % port)
        # At once, though its next try is an hour away.
        self.evpopd.targets["sink"]["port"] = self.sink.port
        self.evpopd.write_config()
        self.evpopd.post("/v1/reload")
        self.wait_arrived(3)
        # One that is no more keeps what waits for it.
        self.evpopd.ctl("targets", "pause", "sink")
        self.server.deliver("anna", corpus.messages(2, seed=2))
        self.evpopd.poll("anna")
        targets = self.evpopd.targets
        self.evpopd.targets = {}
        for account in self.evpopd.accounts.values():
            account.pop("deliver")
            account.pop("deliver_to")
        self.evpopd.write_config()
        self.evpopd.post("/v1/reload")
        self.evpopd.wait_logged("2 messages wait for target sink, which is "
                                "not configured; they are kept")
        self.evpopd.targets = targets
        self.evpopd.write_config()
        self.evpopd.post("/v1/reload")
        procs.wait_for(lambda: [
            one["state"] for one in self.evpopd.get("/v1/targets")["targets"]
        ] == ["paused"], what="the store to tell that it is paused")
        self.evpopd.ctl("targets", "resume", "sink")
        procs.wait_for(lambda: len(self.sink.mail) == 5,
                       what="what had waited")
        self.evpopd.halt()

    def test_an_end_waits_for_what_is_under_way(self):
        held = threading.Event()
        reached = threading.Event()

        def answer(connection, _):
            reached.set()
            held.wait(procs.PATIENCE)
            connection.sendall(b"250 2.0.0 Saved\r\n")
            return True

        self.addCleanup(held.set)
        self.sink.answers["."] = answer
        self.evpopd.start()
        self.server.deliver("anna", corpus.messages(1))
        self.evpopd.poll("anna")
        self.assertTrue(reached.wait(procs.PATIENCE))
        self.evpopd.signal(signal.SIGTERM)
        self.evpopd.wait_logged("SIGTERM: finishing open sessions")
        held.set()
        self.evpopd.ended()
        self.assertEqual(self.outbox("state", "attempts"),
                         [("delivered", 1)])


class KeepTest(DeliveryTest):
    """keep = until-delivered"""

    def test_what_is_delivered_is_deleted(self):
        self.evpopd.accounts["anna"].update(keep="until-delivered",
                                            delete_guard="0")
        self.server.deliver("anna", corpus.messages(4))
        self.sink.answers["RCPT"] = [
            b"550 5.1.1 not this one\r\n", b"250 2.1.5 Ok\r\n"]
        self.evpopd.start()
        self.wait_arrived(3)
        # The next poll comes soon, and takes those alone.
        procs.wait_for(lambda: self.server.left("anna") == 1,
                       what="the deletion of three")
        self.assertEqual(sorted(self.outbox("state")),
                         [("delivered",)] * 3 + [("refused",)])
        self.evpopd.halt()


if __name__ == "__main__":
    unittest.main(verbosity=2)
