"""Starting, stopping, reloading, and being the only one on a store."""

import re
import signal
import socket
import time
import unittest

from harness import corpus, daemon, maildropd, procs, scripted

USERS = {"anna": "secret", "bert": "hidden"}

# A session comes to its middle and stays there until the server's release().
# What is ahead of the server's answers by then is still fetched: 128 messages.
SLOW = {"synthetic": [("slow", "secret", 1, 300, 3000)], "hold_after": 100,
        "pipelining": False}


class OnceTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        for user in USERS:
            self.server.deliver(user, corpus.messages(20, seed=len(user)))
        self.evpopd = daemon.Evpopd({user: daemon.account_of(
            self.server, user) for user in USERS})
        self.addCleanup(self.evpopd.remove)

    def stored(self):
        return dict(self.evpopd.rows("SELECT name, messages FROM v_account"))

    def test_all_is_well(self):
        done = self.evpopd.once()
        self.assertEqual(self.stored(), {"anna": 20, "bert": 20})
        self.assertFalse(self.evpopd.socket.exists())
        self.assertIn("20 fetched", done.stderr)
        self.evpopd.once()
        self.assertEqual(self.stored(), {"anna": 20, "bert": 20})
        self.assertEqual(self.server.stats()["messages_sent"], 40)

    def test_one_account_fails(self):
        self.evpopd.accounts["anna"]["password"] = "wrong"
        done = self.evpopd.once(code=75)
        self.assertRegex(done.stderr, r"warning: anna: login refused; the server said: ")
        self.assertEqual(self.stored()["bert"], 20)

    def test_no_account(self):
        for one in self.evpopd.accounts.values():
            one["enabled"] = "no"
        self.evpopd.once()
        self.evpopd.accounts = {}
        self.evpopd.once()
        self.assertEqual(self.server.stats()["logins"], 0)

    def test_interrupted(self):
        with maildropd.MaildropServer(**SLOW) as server:
            self.evpopd.accounts = {
                "slow": daemon.account_of(server, "slow1")}
            self.evpopd.start("--once", wait=False)
            server.wait_held()
            self.evpopd.signal(signal.SIGTERM)
            self.evpopd.wait_logged("SIGTERM: finishing")
            server.release()
            self.evpopd.ended(code=75)
            self.assertGreaterEqual(self.stored()["slow"], 100)
            self.assertLess(self.stored()["slow"], 300)
            self.evpopd.once()
            self.assertEqual(self.stored()["slow"], 300)
            self.assertEqual(server.stats()["messages_sent"], 300)

    def test_only_one_has_the_store(self):
        with self.evpopd as evpopd:
            evpopd.wait_polled()
            for options in (), ("--once",):
                second = daemon.Evpopd(evpopd.accounts)
                self.addCleanup(second.remove)
                second.store_file = evpopd.store_file
                second.write_config()
                done = second.run(*options)
                self.assertEqual(done.returncode, 75, done.stderr)
                self.assertIn(str(evpopd.store_file), done.stderr)
                self.assertRegex(done.stderr, "another|evpopctl")
            # And the first did not notice.
            self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")

    def test_killed_daemon_leaves_no_obstacle(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.evpopd.kill()
        self.assertTrue(self.evpopd.socket.exists())
        with self.evpopd as evpopd:
            evpopd.wait_polled()
            self.assertEqual(evpopd.account("anna")["stored"]["messages"], 20)


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.evpopd = daemon.Evpopd({"anna": {
            "host": "pop.example.org", "user": "anna", "password": "x"}})
        self.addCleanup(self.evpopd.remove)

    def check(self, text=None, mode=None):
        self.evpopd.write_config(text)
        if mode is not None:
            self.evpopd.config_file.chmod(mode)
        return self.evpopd.run("--check")

    def test_correct(self):
        done = self.check()
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("correct, 1 account", done.stdout)
        self.assertEqual(done.stderr, "")
        self.assertFalse(self.evpopd.store_file.exists())

    def test_errors_have_file_and_line(self):
        good = self.evpopd.config_text()
        at = good.splitlines().index("user = anna") + 1
        for text, line, words in (
                (good.replace("user =", "usr ="), at, "user"),
                (good.replace("password = x", "interval = soon\n"
                              "password = x"), at + 1, "interval"),
                (good + good[good.index("[account"):], None, "anna"),
                (good.replace("[account anna]", "[acount anna]"), None,
                 "acount"),
                (good.replace("password = x", ""), None, "password"),
                (good.replace("host =", "tls = perhaps\nhost ="), at - 1,
                 "implicit"),
                ("no section\n", 1, "")):
            with self.subTest(words):
                done = self.check(text)
                self.assertEqual(done.returncode, 78, done)
                self.assertIn(f"{self.evpopd.config_file}:", done.stderr)
                if line is not None:
                    self.assertIn(f"{self.evpopd.config_file}:{line}:",
                                  done.stderr)
                self.assertIn(words, done.stderr)
                # The daemon itself refuses it in the same words.
                again = self.evpopd.run()
                self.assertEqual(again.returncode, 78, again)
                self.assertIn(done.stderr.splitlines()[0], again.stderr)

    def test_secrets_that_others_can_read(self):
        for mode in (0o640, 0o604, 0o666):
            done = self.check(mode=mode)
            self.assertEqual(done.returncode, 78, done)
            self.assertIn("chmod", done.stderr)
        self.assertNotIn("password = x", done.stderr)

    def test_no_file(self):
        done = self.evpopd.run("--check")
        self.assertEqual(done.returncode, 78, done)
        self.assertIn(str(self.evpopd.config_file), done.stderr)

    def test_arguments(self):
        for options in (("--nonsense",), ("word",), ("--check", "--once")):
            done = self.evpopd.run(*options)
            self.assertEqual(done.returncode, 64, done)
            self.assertNotEqual(done.stderr, "")
        self.assertIn("--check", self.evpopd.run("--help").stdout)
        self.assertRegex(self.evpopd.run("--version").stdout,
                         r"^evpopd \d+\.\d+\.\d+\n$")


class SupervisorTest(unittest.TestCase):
    """systemd's status line follows what happens, without a watchdog."""

    def test_status_line(self):
        server = self.enterContext(maildropd.MaildropServer(users=USERS))
        server.deliver("anna", corpus.messages(3))
        evpopd = daemon.Evpopd({"anna": daemon.account_of(
            server, "anna")})
        self.addCleanup(evpopd.remove)
        if b"libsystemd" not in evpopd.program.read_bytes():
            self.skipTest("built without libsystemd")
        told = self.enterContext(
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        told.bind(str(evpopd.folder / "notify"))
        told.settimeout(60)
        evpopd.environment["NOTIFY_SOCKET"] = evpopd.folder / "notify"
        lines = []
        evpopd.targets["box"] = {"type": "maildir", "retry_min": "1s",
                                 "path": evpopd.folder / "box"}
        (evpopd.folder / "box").mkdir()
        (evpopd.folder / "box" / "tmp").touch()
        evpopd.accounts["anna"]["deliver"] = "box"

        def wait_line(*words):
            while "STATUS=1 account" not in "".join(lines[-1:]) or \
                    any(one not in lines[-1] for one in words):
                lines.append(told.recv(4096).decode())

        with evpopd:
            wait_line("3 messages stored; 3 to deliver",
                      "; target box is refused")
            evpopd.post("/v1/targets/box/pause")
            wait_line("; 3 to deliver", "; 1 target paused")
            (evpopd.folder / "box" / "tmp").unlink()
            evpopd.post("/v1/targets/box/resume")
            wait_line("3 messages stored; 0 to deliver")
            self.assertNotIn("target", lines[-1])
        while lines[-1] != "STOPPING=1":
            lines.append(told.recv(4096).decode())
        self.assertIn("READY=1", lines)
        self.assertIn("STATUS=1 account, 0 polling, 0 failing, "
                      "0 messages stored; 0 to deliver", lines)


class ReloadTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(users=USERS))
        for user in USERS:
            self.server.deliver(user, corpus.messages(10, seed=len(user)))
        self.evpopd = self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna")}))
        self.evpopd.wait_polled()

    def hang_up(self, words):
        before = self.evpopd.log().count(words)
        self.evpopd.signal(signal.SIGHUP)
        self.evpopd.wait_logged(words, before + 1)

    def test_accounts_come_and_go(self):
        evpopd = self.evpopd
        evpopd.accounts["bert"] = daemon.account_of(self.server, "bert")
        evpopd.write_config()
        self.hang_up("reloaded: 1 account added (bert), 0 changed, 0 removed")
        self.assertEqual(evpopd.wait_polled("bert")["session"]["fetched"], 10)
        # The one that stayed was not polled again.
        self.assertEqual(self.server.stats()["logins"], 2)
        del evpopd.accounts["anna"]
        evpopd.write_config()
        self.hang_up("reloaded: 0 accounts added, 0 changed, 1 removed (anna)")
        with self.assertRaisesRegex(daemon.Refused, "no_such_account"):
            evpopd.account("anna")
        # Its mail is kept.
        self.assertEqual(len(evpopd.messages("anna")), 10)
        evpopd.accounts["anna"] = daemon.account_of(self.server, "anna")
        evpopd.write_config()
        self.hang_up("reloaded: 1 account added")
        self.assertEqual(evpopd.wait_polled("anna")["session"]["fetched"], 0)

    def test_who_typed_it_is_told(self):
        evpopd = self.evpopd
        for number in range(7):
            evpopd.accounts[f"new{number}"] = daemon.account_of(
                self.server, "bert")
        evpopd.accounts["anna"]["interval"] = "2h"
        evpopd.write_config(evpopd.config_text().replace(
            "mail.db", "other.db"))
        done = evpopd.ctl("reload")
        self.assertRegex(
            done.stdout, r"reloaded +7 added \(new0, new1, new2, new3, "
            r"new4\.\.\.\), 1 changed \(anna\), 0 removed\n")
        self.assertIn("store.path has changed; it takes effect after a restart",
                      done.stderr)
        answer = evpopd.ctl_json("reload")
        self.assertEqual(answer["counts"],
                         {"added": 0, "changed": 0, "removed": 0})
        del evpopd.accounts["new3"]
        evpopd.accounts["anna"]["interval"] = "3h"
        evpopd.write_config()
        answer = evpopd.post("/v1/reload")
        self.assertEqual((answer["added"], answer["changed"],
                          answer["removed"]), ([], ["anna"], ["new3"]))

    def test_sessions_go_on(self):
        """Of accounts that stay as they are."""
        evpopd = self.evpopd
        with maildropd.MaildropServer(**SLOW) as server:
            evpopd.accounts["slow"] = daemon.account_of(server, "slow1")
            evpopd.write_config()
            evpopd.ctl("reload")
            evpopd.wait_account(
                "slow", lambda one: one["session"]["fetched"] > 0)
            evpopd.accounts["bert"] = daemon.account_of(self.server, "bert")
            evpopd.accounts["anna"]["interval"] = "2h"
            for _ in range(3):
                evpopd.write_config()
                evpopd.ctl("reload")
            evpopd.wait_polled("anna", "bert")
            self.assertEqual(evpopd.account("slow")["state"], "polling")
            server.release()
            shown = evpopd.wait_polled("slow")
            self.assertEqual(shown["session"]["fetched"], 300)
            self.assertEqual(shown["last_outcome"], "ok")
            self.assertEqual(server.stats()["logins"], 1)
            self.assertEqual(len(evpopd.bodies("slow")), 300)

    def test_broken_file(self):
        evpopd = self.evpopd
        evpopd.write_config(evpopd.config_text() + "nonsense = 1\n")
        self.hang_up("not reloaded; the configuration in use stays")
        self.assertRegex(evpopd.log(), re.escape(
            str(evpopd.config_file)) + r":\d+: .*nonsense")
        done = evpopd.ctl("reload", code=78)
        self.assertIn("nonsense", done.stderr)
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        evpopd.write_config()
        evpopd.ctl("reload")

    def test_disabled_and_enabled(self):
        evpopd = self.evpopd
        evpopd.accounts["anna"]["enabled"] = "no"
        evpopd.write_config()
        evpopd.ctl("reload")
        self.assertEqual(evpopd.account("anna")["state"], "disabled")
        with self.assertRaisesRegex(daemon.Refused, "disabled"):
            evpopd.post("/v1/accounts/anna/poll")
        del evpopd.accounts["anna"]["enabled"]
        evpopd.write_config()
        evpopd.ctl("reload")
        self.assertEqual(evpopd.wait_polled()["state"], "waiting")

    def test_removed_while_it_is_polled(self):
        evpopd = self.evpopd
        with maildropd.MaildropServer(**SLOW) as server:
            evpopd.accounts["slow"] = daemon.account_of(server, "slow1")
            evpopd.write_config()
            evpopd.ctl("reload")
            evpopd.wait_account(
                "slow", lambda one: (one["stored"] or {}).get("messages"))
            slow = evpopd.accounts.pop("slow")
            evpopd.write_config()
            evpopd.ctl("reload")
            server.release()
            procs.wait_for(lambda: server.stats()["connections_open"] == 0,
                           what="the end of the session")
            evpopd.accounts["slow"] = slow
            evpopd.write_config()
            evpopd.ctl("reload")
            evpopd.wait_polled("slow")
            self.assertEqual(len(evpopd.bodies("slow")), 300)

    def test_changed_while_it_is_polled(self):
        evpopd = self.evpopd
        with maildropd.MaildropServer(**SLOW) as server:
            evpopd.accounts["slow"] = daemon.account_of(server, "slow1")
            evpopd.write_config()
            evpopd.ctl("reload")
            evpopd.wait_account("slow", lambda one: one["state"] == "polling")
            evpopd.accounts["slow"]["keep"] = "delete"
            evpopd.write_config()
            evpopd.ctl("reload")
            server.release()
            # What the first poll had fetched is deleted by another.
            evpopd.wait_account("slow", lambda one: one["state"] == "waiting"
                                and one["session"]["deleted"] == 300)
            self.assertEqual(server.count("slow1"), 0)
            self.assertEqual(len(evpopd.bodies("slow")), 300)

    def test_a_store_elsewhere_takes_a_restart(self):
        evpopd = self.evpopd
        evpopd.write_config(evpopd.config_text().replace(
            "mail.db", "other.db"))
        evpopd.ctl("reload")
        self.assertIn("store.path has changed; it takes effect after a restart",
                      evpopd.log())
        self.assertFalse((evpopd.folder / "other.db").exists())


class ProgressTest(unittest.TestCase):
    def test_the_session_under_way_is_shown(self):
        with maildropd.MaildropServer(**SLOW) as server, daemon.Evpopd(
                {"slow": daemon.account_of(server, "slow1")}) as evpopd:
            shown = evpopd.wait_account(
                "slow", lambda one: one["session"]["fetched"] > 20)
            self.assertEqual(shown["state"], "polling")
            self.assertLess(shown["session"]["fetched"], 300)
            self.assertEqual(shown["session"]["messages"], 300)
            self.assertGreater(shown["session"]["bytes_in"], 20 * 1000)
            self.assertIsNone(shown["last_finished"])
            server.release()
            shown = evpopd.wait_polled()
            self.assertEqual(shown["session"]["fetched"], 300)


class EndTest(unittest.TestCase):
    def all_of_slow(self):
        """What SLOW has; a server of that kind holds back nothing."""
        with maildropd.MaildropServer(synthetic=SLOW["synthetic"]) as server:
            return server.messages("slow1")

    def check_all_there(self, evpopd, server):
        """Each message once, as the server has it, fetched but once."""
        self.assertEqual(evpopd.bodies(), server.messages("slow1"))

    def start(self, server, **keys):
        evpopd = daemon.Evpopd({"slow": daemon.account_of(
            server, "slow1", **keys)})
        self.addCleanup(evpopd.remove)
        evpopd.start()
        procs.wait_for(lambda: len(evpopd.messages()) > 20,
                       what="the first messages")
        return evpopd

    def halt(self, evpopd, server):
        """End it well while the server has not answered yet."""
        evpopd.signal(signal.SIGTERM)
        evpopd.wait_logged("SIGTERM: finishing")
        server.release()
        evpopd.ended()

    def fetched(self, server):
        return [command for *_, command in server.commands()
                if command.startswith("RETR")]

    def test_in_the_middle(self):
        with maildropd.MaildropServer(**SLOW) as server:
            evpopd = self.start(server)
            self.halt(evpopd, server)
            first = self.fetched(server)
            self.assertLess(len(first), 300)
            commands = [command for *_, command in server.commands()]
            self.assertEqual(commands[-1], "QUIT")
            with evpopd:
                evpopd.wait_polled()
                # Nothing was fetched twice, not even what was under way.
                self.assertEqual(len(self.fetched(server)), 300)
                self.check_all_there(evpopd, server)

    def test_in_the_middle_with_deletions(self):
        with maildropd.MaildropServer(**SLOW) as server:
            before = self.all_of_slow()
            evpopd = self.start(server, keep="delete")
            self.halt(evpopd, server)
            with evpopd.database() as store:
                stored = store.execute(
                    "SELECT unique_id FROM v_message").fetchall()
            # What is stored has left the server, and only that.
            self.assertEqual(set(server.messages("slow1")),
                             set(before) - {one for one, in stored})
            with evpopd:
                evpopd.wait_polled()
                self.assertEqual(evpopd.bodies(), before)
                self.assertEqual(server.count("slow1"), 0)

    def test_killed_in_the_middle(self):
        with maildropd.MaildropServer(**SLOW) as server:
            before = self.all_of_slow()
            evpopd = self.start(server, keep="delete")
            evpopd.kill()
            server.release()
            with evpopd:
                evpopd.wait_polled()
                self.assertEqual(evpopd.bodies(), before)
                self.assertEqual(server.count("slow1"), 0)
                # The sweep leaves nothing of what was under way.
                self.assertEqual(
                    evpopd.rows("SELECT count(*) FROM unfinished"), [(0,)])

    def test_twice_is_at_once(self):
        octets = b"Subject: stuck\r\n\r\n" + b"x\r\n" * 10
        with scripted.ScriptedServer([octets], {
                "RETR": scripted.fall_silent(b"+OK\r\n" + octets)}) as server:
            evpopd = daemon.Evpopd({"anna": daemon.account_of(
                server, "anna")})
            self.addCleanup(evpopd.remove)
            evpopd.start()
            procs.wait_for(lambda: "RETR 1" in server.lines)
            evpopd.signal(signal.SIGTERM)
            evpopd.wait_logged("finishing open sessions")
            # It does wait: a moment later it is still there.
            time.sleep(0.3)
            self.assertEqual(evpopd.get("/v1/status")["accounts"]["polling"],
                             1)
            evpopd.signal(signal.SIGTERM)
            evpopd.ended()
            self.assertIn("at once", evpopd.log())
            with evpopd.database() as store:
                self.assertEqual(store.execute(
                    "SELECT count(*) FROM message").fetchone(), (0,))

    def test_interrupt_key(self):
        evpopd = daemon.Evpopd()
        self.addCleanup(evpopd.remove)
        evpopd.start()
        evpopd.signal(signal.SIGINT)
        evpopd.ended()

    def test_files_are_private(self):
        with daemon.Evpopd(control={"mode": "0660"}) as evpopd:
            for file in evpopd.folder.glob("mail.db*"):
                self.assertEqual(file.stat().st_mode & 0o077, 0, file)
            self.assertEqual(evpopd.socket.stat().st_mode & 0o777, 0o660)


if __name__ == "__main__":
    unittest.main(verbosity=2)
