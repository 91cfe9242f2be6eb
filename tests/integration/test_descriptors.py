"""The limit of open files: what sessions take, at the start and by a reload."""

import pathlib
import resource
import signal
import unittest

from harness import daemon, maildropd

# Three for a session; connections of the control socket, the store's files.
EACH = 3
FIXED = 512
# Of events, where there is room for them.
READERS = 1024


RELOADED = "reloaded       0 added, 0 changed, 0 removed\n"

def _wanted(sessions):
    return EACH * sessions + FIXED


class DescriptorsTest(unittest.TestCase):
    def start(self, sessions, soft, hard):
        """evpopd with max_sessions, under a soft and a hard limit."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most < hard:
            self.skipTest(f"only {most} descriptors are allowed here")
        server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}))
        self.evpopd = self.enterContext(daemon.Evpopd(
            {"anna": daemon.account_of(server, "anna")},
            daemon={"max_sessions": sessions},
            under=["sh", "-c", f"ulimit -Sn {soft} && ulimit -Hn {hard} && "
                   'exec "$@"', "sh"]))

    def allowed(self):
        """The soft limit of the running daemon."""
        limits = pathlib.Path(f"/proc/{self.evpopd.pid}/limits").read_text()
        [line] = [one for one in limits.splitlines()
                  if one.startswith("Max open files")]
        return int(line.split()[3])

    def sessions(self):
        return self.evpopd.get("/v1/status")["limits"]["max_sessions"]

    def reload(self, sessions):
        self.evpopd.daemon["max_sessions"] = sessions
        self.evpopd.write_config()
        return self.evpopd.ctl("reload")

    def test_the_start_raises_it(self):
        self.start(100, 300, 5000)
        self.assertEqual(self.allowed(), _wanted(100) + READERS)

    def test_what_suffices_is_left(self):
        self.start(10, 4000, 5000)
        self.assertEqual(self.allowed(), 4000)

    def test_a_reload_raises_it(self):
        self.start(10, 300, 5000)
        self.assertEqual(self.allowed(), _wanted(10) + READERS)
        done = self.reload(1000)
        self.assertEqual((done.stdout, done.stderr), (RELOADED, ""))
        self.assertEqual(self.allowed(), _wanted(1000) + READERS)
        self.assertEqual(self.sessions(), 1000)
        # A signal does the same.
        self.evpopd.daemon["max_sessions"] = 1100
        self.evpopd.write_config()
        self.evpopd.signal(signal.SIGHUP)
        self.evpopd.wait_logged("reloaded:", 2)
        self.assertEqual(self.allowed(), _wanted(1100) + READERS)
        # What was raised stays.
        self.reload(10)
        self.assertEqual(self.allowed(), _wanted(1100) + READERS)
        self.assertEqual(self.sessions(), 10)

    def test_more_than_is_allowed(self):
        self.start(10, 300, 2000)
        fit = (2000 - FIXED) // EACH
        done = self.reload(3000)
        self.assertEqual(self.allowed(), 2000)
        self.assertEqual(self.sessions(), fit)
        words = (f"max_sessions = 3000 needs {_wanted(3000)} open files, but "
                 f"only 2000 are allowed: only {fit} sessions run at a time; set "
                 f"LimitNOFILE={_wanted(3000)}")
        self.assertEqual(done.stdout, RELOADED)
        self.assertIn(words, done.stderr)
        self.assertIn(words, self.evpopd.log())
        [remark] = self.evpopd.ctl_json("reload")["warnings"]
        self.assertIn(words, remark)
        # Nothing is said when it fits again.
        self.assertEqual(self.reload(fit).stderr, "")
        self.assertNotIn("sessions run", self.evpopd.ctl("status").stdout)

    def test_more_than_is_allowed_at_the_start(self):
        self.start(3000, 300, 600)
        self.assertEqual(self.allowed(), 600)
        self.assertIn("only 29 sessions run at a time", self.evpopd.log())
        self.assertIn("only 29 sessions run at a time",
                      self.evpopd.ctl("status").stdout)
        self.evpopd.wait_polled("anna")

    def test_what_takes_a_restart_is_said_to_who_asked(self):
        self.start(10, 300, 2000)
        self.evpopd.daemon["memory_limit"] = "9M"
        done = self.reload(10)
        self.assertEqual(done.stdout, RELOADED)
        self.assertRegex(done.stderr, "memory_limit.* takes effect after a restart")


if __name__ == "__main__":
    unittest.main()
