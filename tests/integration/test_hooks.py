"""Commands of [hook], run by the daemon as they are configured."""

import contextlib
import json
import os
import pathlib
import shlex
import signal
import sqlite3
import unittest

from harness import corpus, daemon, maildropd, procs, scripted

# The daemon gathers for 5 s what it tells in one run.
HOSTILE = b"-ERR [AUTH] no\x1b[31m EVPOP_HOST=evil\x07 \xff\xfe $(touch HERE) `x`\r\n"


class HooksTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret", "bert": "hidden"}))
        self.evpopd = daemon.Evpopd(
            {user: daemon.account_of(self.server, user)
             for user in ("anna", "bert")})
        self.addCleanup(self.evpopd.remove)
        self.out = self.evpopd.folder / "out"
        self.out.mkdir()

    def hook(self, *names, after="true"):
        """Let these hooks leave what they were told, a folder for each run."""
        out = shlex.quote(os.fspath(self.out))
        for name in names:
            self.evpopd.hook[name] = (
                f"d=$(mktemp -d {out}/run.XXXXXX); env -0 > $d/env.part; "
                "cat > $d/input; ls -l /proc/$$/fd > $d/fds; "
                f"mv $d/env.part $d/env; {after}")

    def runs(self, event=None):
        """What the runs so far were told: (environment, JSON), oldest first."""
        found = []
        for one in self.out.glob("run.*/env"):
            variables = dict(
                word.split("=", 1) for word in
                one.read_bytes().decode().rstrip("\0").split("\0"))
            told = json.loads((one.parent / "input").read_text())
            self.assertEqual(told["event"], variables["EVPOP_EVENT"])
            if event in (None, told["event"]):
                found.append((one.stat().st_mtime_ns, one.parent, variables,
                              told))
        return [one[1:] for one in sorted(found, key=lambda one: one[0])]

    def wait_runs(self, count, event=None):
        procs.wait_for(lambda: len(self.runs(event)) >= count,
                       what=f"{count} runs of hooks")
        return self.runs(event)

    def status(self, name):
        [one] = [one for one in self.evpopd.get("/v1/status")["hooks"]
                 if one["hook"] == name]
        return one

    def test_failure_and_recovery(self):
        self.hook("on_failure", "on_recovery")
        self.evpopd.accounts["bert"]["password"] = "wr0ng-secret"
        self.evpopd.start()
        [(folder, variables, told)] = self.wait_runs(1)
        self.assertEqual(variables["EVPOP_ACCOUNT"], "bert")
        self.assertEqual(variables["EVPOP_CLASS"], "auth")
        self.assertEqual(variables["EVPOP_HOST"], self.server.host)
        self.assertEqual(variables["EVPOP_COUNT"], "1")
        self.assertIn("bert needs attention: ", variables["EVPOP_TEXT"])
        self.assertIn("[account bert]", variables["EVPOP_ADVICE"])
        [one] = told["accounts"]
        self.assertEqual((one["account"], one["class"]), ("bert", "auth"))
        self.assertTrue(one["needs_attention"])
        self.assertEqual(one["failing_since"], variables["EVPOP_SINCE"])
        # No secret, and no descriptor of the daemon's.
        all_of_it = (folder / "env").read_text() + json.dumps(told)
        self.assertNotIn("wr0ng-secret", all_of_it)
        self.assertNotRegex((folder / "fds").read_text(),
                            r"socket:|mail\.db|control\.sock|eventpoll")
        # It fails again, and nobody is told again.
        self.evpopd.post("/v1/accounts/bert/poll")
        self.evpopd.wait_rest("bert")
        self.evpopd.change("bert", password=self.server.password("bert"))
        [(_, variables, told)] = self.wait_runs(1, "recovery")
        self.assertEqual(variables["EVPOP_TEXT"], "bert works again")
        self.assertEqual(told["accounts"][0]["failing_since"],
                         variables["EVPOP_SINCE"])
        self.assertEqual(len(self.runs("failure")), 1)
        self.evpopd.halt()

    def test_the_store_counts_as_well(self):
        self.hook("on_failure", "on_recovery")
        self.evpopd.start()
        self.evpopd.wait_polled()
        with contextlib.closing(sqlite3.connect(
                self.evpopd.store_file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            self.evpopd.post("/v1/accounts/anna/poll")
            self.evpopd.wait_health("busy")
            self.wait_runs(1)
            other.execute("ROLLBACK")
        self.evpopd.wait_health("ok")
        recovered = self.wait_runs(1, "recovery")
        failed = {one["account"]: one for _, _, told in self.runs("failure")
                  for one in told["accounts"]}
        self.assertEqual(failed[None]["class"], "store")
        self.assertIn("locked", failed[None]["text"])
        self.assertIn(None, [one["account"] for one in
                             recovered[0][2]["accounts"]])
        self.evpopd.halt()

    def test_new_mail_is_gathered(self):
        self.hook("on_message")
        self.server.deliver("anna", corpus.messages(120, seed=1))
        self.server.deliver("bert", corpus.messages(1, seed=2))
        self.evpopd.start()
        runs = {told["accounts"][0]["account"]: (variables, told)
                for _, variables, told in self.wait_runs(2)}
        variables, told = runs["anna"]
        ids = sorted(one["id"] for one in self.evpopd.messages("anna"))
        self.assertEqual(sorted(told["accounts"][0]["message_ids"]), ids)
        self.assertEqual((told["messages"], variables["EVPOP_MESSAGES"]),
                         (120, "120"))
        self.assertEqual(len(variables["EVPOP_MESSAGE_IDS"].split()), 100)
        self.assertIn(int(variables["EVPOP_MESSAGE_ID"]), ids)
        self.assertEqual(runs["bert"][0]["EVPOP_TEXT"], "bert: 1 new message")
        # More of it waits for its minute, or for the daemon's end.
        self.server.deliver("bert", corpus.messages(2, seed=3))
        self.evpopd.poll("bert")
        self.assertEqual(self.status("on_message")["waiting"], 1)
        self.evpopd.halt()
        [_, _, (_, variables, _)] = self.runs()
        self.assertEqual(variables["EVPOP_TEXT"], "bert: 2 new messages")

    def test_what_a_server_says_forges_nothing(self):
        self.hook("on_failure")
        server = self.enterContext(scripted.ScriptedServer(
            corpus.messages(1, seed=1), {"PASS": HOSTILE}))
        self.evpopd.accounts = {"carl": daemon.account_of(server, "carl")}
        self.evpopd.start()
        [(folder, variables, told)] = self.wait_runs(1)
        self.assertRegex(variables["EVPOP_TEXT"], r"no.\[31m EVPOP_HOST=evil")
        self.assertEqual(variables["EVPOP_HOST"], server.host)
        self.assertTrue(all(ord(one) >= 32 for one in
                            variables["EVPOP_TEXT"] + told["text"]))
        self.assertEqual(list(pathlib.Path(folder).glob("**/HERE")), [])
        self.evpopd.halt()

    def test_a_command_that_fails_is_seen(self):
        self.evpopd.hook = {
            "on_failure": "echo out; echo 'no  such host' >&2; exit 2",
            "on_message": "no-such-program-x"}
        self.evpopd.accounts["bert"]["password"] = "wrong"
        self.server.deliver("anna", corpus.messages(1, seed=1))
        self.evpopd.start()
        self.evpopd.wait_logged("on_failure failed: exit status 2: no  such")
        self.evpopd.wait_logged("on_message failed: exit status 127: ")
        self.assertIn("exit status 2", self.status("on_failure")["failed"])
        shown = self.evpopd.ctl("status", code=1).stdout
        self.assertRegex(shown, "Hook +on_failure failed: exit status 2: no  "
                         "such host, ")
        self.assertIn("hook_fails", [
            one["code"] for one in
            self.evpopd.get("/v1/status")["attention"]])
        out = self.evpopd.ctl("events", "--since", "0", "--kind",
                              "hook-failed", "--count", "2").stdout
        self.assertIn("on_failure failed: exit status 2", out)
        # --check finds the other one.
        done = self.evpopd.run("--check")
        self.assertRegex(done.stderr, r"on_message: no-such-program-x: there "
                         "is no such program")
        self.assertNotIn("on_failure", done.stderr)
        # A command that is corrected is well, and runs at the next event.
        self.hook("on_failure", "on_message")
        self.evpopd.write_config()
        self.evpopd.post("/v1/reload")
        self.assertIsNone(self.status("on_failure")["failed"])
        self.evpopd.halt()

    def test_a_command_that_hangs_is_ended(self):
        pids = self.evpopd.folder / "pids"
        self.evpopd.hook = {"on_message": f"trap '' TERM; echo $$ >>{pids}; "
                            "while :; do sleep 1; done"}
        self.server.deliver("anna", corpus.messages(1, seed=1))
        self.evpopd.start()
        procs.wait_for(pids.exists, what="the hook")
        pid = int(pids.read_text())
        self.evpopd.wait_logged("on_message failed: it did not finish within "
                                "30 s")
        procs.wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(),
                       what="the end of what ignores SIGTERM")
        self.evpopd.halt()

    def test_the_daemons_end_is_theirs(self):
        pids = self.evpopd.folder / "pids"
        self.evpopd.hook = {"on_message": f"echo $$ >>{pids}; sleep 600"}
        self.server.deliver("anna", corpus.messages(1, seed=1))
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.evpopd.signal(signal.SIGTERM)
        self.evpopd.ended()
        self.assertIn("on_message is killed", self.evpopd.log())
        pid = int(pids.read_text())
        procs.wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(),
                       what="the hook's end")

    def test_once_waits_and_remembers(self):
        self.hook("on_failure", "on_recovery", "on_message", after="sleep 1")
        self.server.deliver("anna", corpus.messages(3, seed=1))
        self.evpopd.accounts["bert"]["port"] = procs.free_ports(1)[0]
        self.evpopd.once(code=75)
        self.assertEqual([told["text"] for _, _, told in
                          self.runs("message")], ["anna: 3 new messages"])
        [(_, variables, _)] = self.runs("failure")
        self.assertEqual(variables["EVPOP_ACCOUNT"], "bert")
        # Fails as before: told already.  Then it works.
        self.evpopd.once(code=75)
        self.assertEqual(len(self.runs()), 2)
        self.evpopd.accounts["bert"]["port"] = self.server.port
        self.evpopd.once()
        [(_, variables, _)] = self.runs("recovery")
        self.assertEqual(variables["EVPOP_ACCOUNT"], "bert")
        self.evpopd.once()
        self.assertEqual(len(self.runs()), 3)

    def test_an_outage_is_one_run(self):
        self.hook("on_failure")
        port = procs.free_ports(1)[0]
        self.evpopd.accounts = {
            f"c{i:03}": daemon.account_of(self.server, "anna", port=port)
            for i in range(60)}
        self.evpopd.daemon["max_sessions_per_host"] = 64
        self.evpopd.start()
        runs = self.wait_runs(1)
        procs.wait_for(lambda: self.evpopd.get("/v1/status")["accounts"][
            "failing"] == 60, what="all failures")
        self.evpopd.halt()
        runs = self.runs()
        # What fails within five seconds is told at once, however many seconds
        # a busy machine takes for all.
        self.assertLess(len(runs), 10)
        self.assertEqual(sum(told["count"] for _, _, told in runs), 60)
        _, variables, told = runs[0]
        if told["count"] == 60:
            self.assertRegex(variables["EVPOP_TEXT"],
                             r"^60 fail: c\d+(, c\d+){7} and 52 more$")
        self.assertEqual(variables["EVPOP_ACCOUNT"], "")


if __name__ == "__main__":
    unittest.main()
