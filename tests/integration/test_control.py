"""The control socket as curl sees it, and evpopctl as a user does."""

import hashlib
import json
import os
import shutil
import threading
import unittest

from harness import corpus, daemon, maildropd, procs, scripted

USERS = {"anna": "secret", "bert": "hidden"}

# More than one page of any size, and one that takes several chunks.
ANNAS = 130


class ControlTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = maildropd.MaildropServer(users=USERS)
        cls.addClassCleanup(cls.server.stop)
        cls.server.start()
        mail = corpus.messages(ANNAS - 1, 1_500_000, seed=11)
        mail.append(corpus.message(1, 3_000_000, "mixed"))
        cls.server.deliver("anna", mail)
        cls.server.deliver("bert", [
            b"From: Carla <carla@example.net>\r\nSubject: zebra crossing\r\n"
            b"To: bert@example.org\r\n\r\nA quick brown fox.\r\n"])
        cls.evpopd = daemon.Evpopd({user: daemon.account_of(cls.server, user)
                                    for user in USERS})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.start()
        cls.evpopd.wait_polled()
        cls.expected = cls.server.messages("anna")

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    def number_of(self, subject):
        found = [one["id"] for one in self.evpopd.messages("bert")
                 if one["subject"] == subject]
        self.assertEqual(len(found), 1)
        return found[0]

    # curl

    def curl(self, path, *words, text=True):
        if shutil.which("curl") is None:
            self.skipTest("curl is not installed")
        return procs.run(["curl", "-sS", "--unix-socket", self.evpopd.socket,
                          *words, "http://localhost" + path], text=text)

    def curl_status(self, path, *words):
        out = self.curl(path, "-w", "\n%{http_code} %{content_type}",
                        *words).stdout
        body, _, last = out.rpartition("\n")
        status, kind = last.split()
        return int(status), kind, json.loads(body)

    def test_curl_status(self):
        status, kind, answer = self.curl_status("/v1/status")
        self.assertEqual((status, kind), (200, "application/json"))
        self.assertEqual(answer["pid"], self.evpopd.pid)
        self.assertEqual(answer["accounts"], {
            "total": 2, "polling": 0, "queued": 0, "failing": 0,
            "refused": 0})
        self.assertEqual(answer["store"]["status"], "ok")
        self.assertGreaterEqual(answer["polls"]["messages"], ANNAS + 1)

    def test_curl_accounts(self):
        _, _, answer = self.curl_status("/v1/accounts")
        self.assertEqual([one["account"] for one in answer["accounts"]],
                         ["anna", "bert"])
        anna, bert = answer["accounts"]
        self.assertEqual(anna["stored"]["messages"], ANNAS)
        self.assertEqual(bert["stored"]["messages"], 1)
        self.assertEqual(anna["state"], "waiting")
        _, _, page = self.curl_status("/v1/accounts?limit=1")
        self.assertEqual(page["next_cursor"], "anna")
        _, _, page = self.curl_status("/v1/accounts?limit=1&cursor=anna")
        self.assertEqual([one["account"] for one in page["accounts"]], ["bert"])
        self.assertNotIn("next_cursor", page)
        self.assertNotIn("secret", json.dumps(answer))

    def test_curl_raw(self):
        largest = max(self.evpopd.messages("anna"),
                      key=lambda one: one["bytes"])
        self.assertGreater(largest["bytes"], 2_900_000)
        octets = self.curl(f"/v1/messages/{largest['id']}/raw",
                           text=False).stdout
        self.assertEqual(octets, self.expected[largest["unique_id"]])
        self.assertEqual(largest["digest"], hashlib.blake2b(
            octets, digest_size=32).hexdigest())

    def test_curl_refusals(self):
        for status, code, path, *words in (
                (404, "no_such_path", "/"),
                (404, "no_such_path", "/v2/status"),
                (404, "no_such_account", "/v1/accounts/carla"),
                (404, "no_such_account", "/v1/accounts/carla/poll", "-XPOST"),
                (404, "no_such_account", "/v1/messages?account=carla"),
                (404, "no_such_message", "/v1/messages/999999"),
                (404, "no_such_message", "/v1/messages/999999/raw"),
                (400, "bad_id", "/v1/messages/x"),
                (400, "bad_id", "/v1/messages/-1/raw"),
                (400, "bad_parameter", "/v1/messages?limit=0"),
                (400, "bad_parameter", "/v1/messages?limit=1001"),
                (400, "bad_parameter", "/v1/messages?limit=many"),
                (400, "bad_parameter", "/v1/messages?cursor=x"),
                (400, "bad_parameter", "/v1/messages?since=soon"),
                (400, "bad_parameter", "/v1/messages?lim=5"),
                (405, "bad_method", "/v1/status", "-XPOST"),
                (405, "bad_method", "/v1/reload")):
            with self.subTest(path):
                got, kind, answer = self.curl_status(path, *words)
                self.assertEqual((got, kind), (status, "application/json"))
                self.assertEqual(answer["error"]["code"], code)
                self.assertNotEqual(answer["error"]["message"], "")

    def test_curl_poll(self):
        before = self.evpopd.account("bert")["last_finished"]
        status, _, answer = self.curl_status("/v1/accounts/bert/poll",
                                             "-XPOST")
        self.assertEqual(status, 202)
        self.assertEqual(answer["account"], "bert")
        self.evpopd.wait_account("bert", lambda one: one["last_finished"] !=
                                 before and one["state"] == "waiting")
        _, _, answer = self.curl_status("/v1/polls?account=bert&limit=1")
        self.assertEqual(answer["polls"][0]["outcome"], "ok")
        self.assertEqual(answer["polls"][0]["fetched"], 0)

    # Lists

    def test_pages_cover_all_once(self):
        whole = self.evpopd.messages()
        self.assertEqual(len(whole), ANNAS + 1)
        numbers = [one["id"] for one in whole]
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        for limit in (1, 7, ANNAS + 1, ANNAS):
            self.assertEqual(
                self.evpopd.pages("/v1/messages", "messages", limit), whole)
        self.assertEqual(
            self.evpopd.pages("/v1/messages?account=anna", "messages", 13),
            [one for one in whole if one["account"] == "anna"])

    def test_filters(self):
        def subjects(query):
            return [one["subject"] for one in
                    self.evpopd.pages("/v1/messages?" + query, "messages")]

        self.assertEqual(subjects("from=CARLA"), ["zebra crossing"])
        self.assertEqual(subjects("since=2001-01-01&before=2002-01-01"), [])
        self.assertEqual(len(subjects("since=1h")), ANNAS + 1)
        self.assertEqual(subjects("before=1h"), [])

    def test_full_text(self):
        def found():
            return [one["subject"] for one in self.evpopd.pages(
                "/v1/messages?account=bert&q=brown+zebra", "messages")]

        # The index is filled behind the commit.
        procs.wait_for(lambda: found() == ["zebra crossing"],
                       what="the full-text index")
        self.assertEqual(self.evpopd.pages(
            "/v1/messages?q=nosuchwordanywhere", "messages"), [])

    # evpopctl

    def test_ctl_status(self):
        out = self.evpopd.ctl("status").stdout
        self.assertIn(str(self.evpopd.pid), out)
        self.assertEqual(self.evpopd.ctl_json("status")["pid"],
                         self.evpopd.pid)

    def test_ctl_accounts(self):
        lines = self.evpopd.ctl("accounts").stdout.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[1], rf"^anna +waiting +{ANNAS} ")
        self.assertRegex(lines[2], r"^bert +waiting +1 ")
        shown = self.evpopd.ctl_json("accounts")
        self.assertEqual(
            [one["stored"] for one in shown["accounts"]],
            [self.evpopd.account(user)["stored"] for user in USERS])
        self.assertIn("bert", self.evpopd.ctl("account", "bert").stdout)
        self.assertEqual(self.evpopd.ctl_json("account", "bert")["account"],
                         "bert")

    def test_ctl_messages(self):
        lines = self.evpopd.ctl("messages").stdout.splitlines()
        self.assertEqual(len(lines), 1 + 50)
        lines = self.evpopd.ctl("messages", "--all").stdout.splitlines()
        self.assertEqual(len(lines), 1 + ANNAS + 1)
        numbers = [int(line.split()[0]) for line in lines[1:]]
        self.assertEqual(numbers,
                         [one["id"] for one in self.evpopd.messages()])
        lines = self.evpopd.ctl("messages", "--account", "bert",
                                "--from", "carla").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("zebra crossing", lines[1])
        shown = self.evpopd.ctl_json("messages", "-A", "bert")
        self.assertEqual(shown["messages"], self.evpopd.messages("bert"))

    def test_ctl_show_and_raw(self):
        number = str(self.number_of("zebra crossing"))
        out = self.evpopd.ctl("show", number).stdout
        for words in ("zebra crossing", "carla@example.net",
                      "bert@example.org"):
            self.assertIn(words, out)
        self.assertEqual(self.evpopd.ctl_json("show", number)["subject"],
                         "zebra crossing")
        raw = self.evpopd.ctl("raw", number, text=False).stdout
        self.assertEqual([raw], list(self.server.messages("bert").values()))

    def test_ctl_poll(self):
        self.evpopd.ctl("poll", "anna")
        out = self.evpopd.ctl("poll", "--wait", "anna", "bert").stdout
        self.assertIn("anna", out)
        self.assertIn("bert", out)
        self.evpopd.ctl("poll", "--all", "--wait")
        lines = self.evpopd.ctl("polls", "-A", "bert").stdout.splitlines()
        self.assertGreater(len(lines), 2)

    def test_ctl_reload(self):
        self.evpopd.ctl("reload")
        self.assertEqual(
            self.evpopd.ctl_json("reload"),
            {"reloaded": True, "added": [], "changed": [], "removed": [],
             "counts": {"added": 0, "changed": 0, "removed": 0},
             "targets": {"added": [], "changed": [], "removed": []},
             "warnings": []})

    def test_ctl_exit_codes(self):
        for code, *words in ((64,), (64, "nonsense"), (64, "show"),
                             (64, "messages", "--nonsense"),
                             (64, "messages", "--limit", "x"),
                             (66, "account", "carla"), (66, "poll", "carla"),
                             (66, "show", "999999"), (66, "raw", "999999"),
                             (64, "show", "x")):
            with self.subTest(words):
                done = self.evpopd.ctl(*words, code=code)
                self.assertEqual(done.stdout, "")
                self.assertNotEqual(done.stderr, "")
        for words in (("--help",), ("--version",), ("help", "poll")):
            self.assertNotEqual(self.evpopd.ctl(*words).stdout, "")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become nobody")
    def test_others_see_the_status_only(self):
        with daemon.Evpopd({"anna": daemon.account_of(self.server, "anna")},
                           control={"mode": "0666"}) as evpopd:
            evpopd.wait_polled()
            evpopd.let_others_run()
            base = ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
                    "--clear-groups", evpopd.ctl_program, "-s",
                    evpopd.socket]
            for code, word in ((0, ["status"]), (0, ["accounts"]),
                               (0, ["polls"]), (77, ["messages"]),
                               (77, ["raw", "1"]), (77, ["show", "1"]),
                               (77, ["poll", "anna"]), (77, ["reload"]),
                               (77, ["pause", "anna"])):
                done = procs.run([*base, *word], check=False)
                self.assertEqual(done.returncode, code, (word, done))
            self.assertEqual(evpopd.account("anna")["state"], "waiting")


class PauseTest(unittest.TestCase):
    def test_pause_and_resume(self):
        with maildropd.MaildropServer(users=USERS) as server, daemon.Evpopd(
                {"anna": daemon.account_of(server, "anna")}) as evpopd:
            evpopd.wait_polled()
            evpopd.ctl("pause", "anna")
            self.assertEqual(evpopd.account("anna")["state"], "paused")
            self.assertIsNone(evpopd.account("anna")["next"])
            with self.assertRaisesRegex(daemon.Refused, "already"):
                evpopd.post("/v1/accounts/anna/pause")
            # A reload does not end it.
            evpopd.ctl("reload")
            self.assertEqual(evpopd.account("anna")["state"], "paused")
            logins = server.stats()["logins"]
            evpopd.ctl("resume", "anna")
            evpopd.wait_account("anna",
                                lambda one: one["state"] == "waiting")
            self.assertEqual(server.stats()["logins"], logins + 1)
            with self.assertRaisesRegex(daemon.Refused, "already"):
                evpopd.post("/v1/accounts/anna/resume")

    def test_pause_while_it_is_polled(self):
        octets = b"Subject: x\r\n\r\nx\r\n"
        paused = threading.Event()

        def hang_up(connection, line):
            paused.wait(procs.PATIENCE)
            return False

        with scripted.ScriptedServer([octets], {"RETR": hang_up}) as server, \
                daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna")}) as evpopd:
            evpopd.wait_account("anna", lambda one: one["state"] == "polling")
            with self.assertRaisesRegex(daemon.Refused, "already"):
                evpopd.post("/v1/accounts/anna/poll")
            evpopd.post("/v1/accounts/anna/pause")
            paused.set()
            shown = evpopd.wait_account(
                "anna", lambda one: one["state"] != "polling")
            self.assertEqual(shown["state"], "paused")
            self.assertEqual(shown["last_outcome"], "io")

    def test_no_daemon(self):
        evpopd = daemon.Evpopd()
        self.addCleanup(evpopd.remove)
        for words in (["status"], ["poll", "anna"], ["raw", "1"]):
            done = evpopd.ctl(*words, code=69)
            self.assertIn(str(evpopd.socket), done.stderr)
        evpopd.start()
        evpopd.ctl("status")
        evpopd.halt()
        evpopd.ctl("status", code=69)


@unittest.skipUnless(shutil.which("systemd-socket-activate"),
                     "systemd is not installed")
class ActivationTest(unittest.TestCase):
    """Where systemd gives the socket, it decides what the socket is."""

    def start(self, **control):
        evpopd = daemon.Evpopd({}, control=control)
        self.addCleanup(evpopd.remove)
        evpopd.under = ["systemd-socket-activate", "-l", str(evpopd.socket)]
        return evpopd.start()

    def test_keys_that_do_nothing_are_told_of(self):
        evpopd = self.start(socket="/nonexistent/other.sock", mode="0611",
                            group="nogroup")
        evpopd.wait_logged(
            f"gave the control socket, {evpopd.socket}: socket mode group in"
            " [control] do not apply; evpopd.socket has ListenStream="
            " SocketMode= SocketGroup=")
        self.assertIn("0 failing", evpopd.ctl("status").stdout)

    def test_the_same_socket_is_no_matter(self):
        evpopd = self.start(mode="0611")
        evpopd.wait_logged("mode in [control] does not apply")
        mode = evpopd.socket.stat().st_mode & 0o777
        again = self.start(mode=f"{mode:04o}")
        again.wait_logged("0 accounts, store")
        self.assertNotIn("not apply", again.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
