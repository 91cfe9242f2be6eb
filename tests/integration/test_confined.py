"""The daemon confines itself by Landlock, and its commands are not confined."""

import ctypes
import os
import pathlib
import re
import shlex
import signal
import struct
import sys
import tempfile
import unittest

from harness import corpus, daemon, maildropd, procs

HERE = pathlib.Path(__file__).resolve()

# Numbers of system calls, the same on every architecture.
LANDLOCK_CREATE_RULESET = 444

libc = ctypes.CDLL(None, use_errno=True)


def landlock_version():
    """The version of Landlock's interface; 0 where there is none."""
    return max(0, libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1))


def without_landlock(error):
    """Let the system calls of Landlock fail, for what is executed later."""
    program = [(0x20, 0, 0, 0),  # the system call's number
               (0x35, 0, 2, LANDLOCK_CREATE_RULESET),  # below: allowed
               (0x25, 1, 0, LANDLOCK_CREATE_RULESET + 2),  # above: allowed
               (0x06, 0, 0, 0x00050000 | error),
               (0x06, 0, 0, 0x7fff0000)]
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("=HBBI", *one) for one in program))
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(code))
    if (libc.prctl(38, 1, 0, 0, 0) != 0
            or libc.prctl(22, 2, filter_, 0, 0) != 0):
        raise OSError(ctypes.get_errno(), "prctl")


def words_without(error):
    """A command to run evpopd under, where Landlock fails so."""
    return [sys.executable, "-B", HERE, "--without", str(error)]


class ConfinedTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}))
        self.server.deliver("anna", [corpus.message(1)])
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna")})
        self.addCleanup(self.evpopd.remove)
        # The daemon knows nothing of it.
        self.other = pathlib.Path(tempfile.mkdtemp(prefix="evpop-other-"))
        self.addCleanup(procs.remove_folder, self.other)

    def secret_file(self, name):
        file = self.other / name
        file.touch(0o600)
        file.write_text("secret\n")
        return file

    def confinement(self):
        return self.evpopd.get("/v1/status")["confinement"]

    def starter(self):
        """The process id of what starts commands; None where it is gone."""
        children = pathlib.Path(f"/proc/{self.evpopd.pid}/task/"
                                f"{self.evpopd.pid}/children")
        for child in children.read_text().split():
            name = pathlib.Path(f"/proc/{child}/comm").read_text()
            if name == "evpopd-starter\n":
                return int(child)
        return None


@unittest.skipUnless(landlock_version(), "the kernel has no Landlock")
class LandlockTest(ConfinedTest):
    def test_says_so(self):
        self.evpopd.start()
        version = landlock_version()
        self.assertEqual(self.confinement(), {
            "status": "on", "landlock_abi": version,
            "text": f"Landlock ABI {version}"})
        self.assertRegex(self.evpopd.ctl("status").stdout,
                         rf"(?m)^Confined +Landlock ABI {version}$")
        self.assertIn(f"confined: Landlock ABI {version}", self.evpopd.log())
        status = pathlib.Path(f"/proc/{self.evpopd.pid}/status").read_text()
        self.assertRegex(status, r"(?m)^NoNewPrivs:\s+1$")
        self.assertEqual(self.evpopd.wait_polled()["stored"]["messages"], 1)
        self.evpopd.halt()

    def test_what_a_reload_names_elsewhere_needs_a_restart(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        keys = self.evpopd.accounts["anna"]
        del keys["password"]
        keys["password_file"] = self.secret_file("password")
        self.evpopd.write_config()
        [warning] = self.evpopd.post("/v1/reload")["warnings"]
        self.assertIn(f"{self.other}/password is in none of the folders",
                      warning)
        account = self.evpopd.wait_account(
            "anna", lambda one: one["failing_since"] is not None)
        self.assertIn("Permission denied", account["last_text"])
        self.evpopd.restart()
        self.assertEqual(self.evpopd.wait_polled()["last_outcome"], "ok")
        self.evpopd.halt()

    def test_a_target_elsewhere_needs_a_restart(self):
        self.evpopd.targets["first"] = {
            "type": "maildir", "path": self.other / "box" / "first"}
        self.evpopd.start()
        self.evpopd.targets["more"] = {
            "type": "mbox", "path": self.evpopd.folder / "mbox"}
        self.evpopd.write_config()
        answer = self.evpopd.post("/v1/reload")
        self.assertEqual(answer["warnings"], [])
        self.assertEqual(answer["targets"], {
            "added": ["more"], "changed": [], "removed": []})
        nowhere = pathlib.Path(tempfile.mkdtemp(prefix="evpop-other-"))
        self.addCleanup(procs.remove_folder, nowhere)
        self.evpopd.targets["more"]["path"] = nowhere / "mbox"
        self.evpopd.write_config()
        [warning] = self.evpopd.post("/v1/reload")["warnings"]
        self.assertIn(f"{nowhere}/ is in none of the folders that evpopd "
                      "confined itself to when it started; it can be written "
                      "after a restart", warning)
        self.evpopd.restart()
        del self.evpopd.targets["first"]
        self.evpopd.write_config()
        said = self.evpopd.ctl("reload")
        self.assertRegex(said.stdout, r"(?m)^targets +0 added, 0 changed, "
                                      r"1 removed \(first\)$")
        self.assertEqual(said.stderr, "")
        self.assertIn("; 0 targets added, 0 changed, 1 removed (first)",
                      self.evpopd.log())
        self.evpopd.halt()

    def test_a_template_elsewhere_stops_the_target_and_no_message(self):
        nowhere = pathlib.Path(tempfile.mkdtemp(prefix="evpop-other-"))
        self.addCleanup(procs.remove_folder, nowhere)
        for kind in ("maildir", "mbox"):
            with self.subTest(kind):
                self.evpopd.targets = {kind: {
                    "type": kind, "path": f"{self.evpopd.folder}/{{account}}"}}
                self.evpopd.accounts["anna"]["deliver"] = kind
                self.evpopd.restart()
                self.evpopd.wait_polled()
                self.evpopd.targets[kind]["path"] = \
                    f"{nowhere}/{kind}-{{account}}"
                self.evpopd.write_config()
                self.evpopd.post("/v1/reload")
                self.server.deliver("anna", [corpus.message(2, 100)])
                self.evpopd.poll("anna")
                target = f"/v1/targets/{kind}"
                procs.wait_for(
                    lambda: self.evpopd.get(target)["state"] == "refused",
                    what="a target that needs attention")
                self.assertIn(
                    f"cannot write below {nowhere}/: Permission denied; let "
                    "evpopd's user write there, and restart it",
                    self.evpopd.get(target)["text"])
                self.assertIn("evpopctl doctor",
                              self.evpopd.get(target)["advice"])
                self.assertEqual(self.evpopd.rows(
                    "SELECT attempts FROM v_outbox WHERE state = 'waiting'"),
                    [(0,)])
                self.assertIn("cannot write below", self.evpopd.ctl(
                    "doctor", kind, code=77).stdout)
                self.evpopd.restart()
                procs.wait_for(
                    lambda: self.evpopd.get(target)["waiting"] == 0,
                    what="all delivered after a restart")
                self.assertTrue((nowhere / f"{kind}-anna").exists())

    def test_a_folder_can_be_named_before(self):
        self.evpopd.daemon["confine_read"] = f"/nowhere {self.other}"
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.evpopd.accounts["anna"].pop("password")
        self.evpopd.accounts["anna"]["password_file"] = \
            self.secret_file("password")
        self.evpopd.write_config()
        self.assertEqual(self.evpopd.post("/v1/reload")["warnings"], [])
        self.assertEqual(self.evpopd.poll("anna")["last_outcome"], "ok")
        self.evpopd.halt()

    def test_an_include_elsewhere_is_refused_with_the_reason(self):
        self.evpopd.start()
        text = self.evpopd.config_text()
        (self.other / "more.conf").touch(0o600)
        self.evpopd.write_config(text.replace(
            "[daemon]\n", f"[daemon]\ninclude = {self.other}/*.conf\n"))
        with self.assertRaises(daemon.Refused) as caught:
            self.evpopd.post("/v1/reload")
        self.assertIn("evpopd confined itself to the folders",
                      caught.exception.error["message"])
        self.evpopd.halt()

    def test_includes_may_get_files_later(self):
        text = self.evpopd.config_text()
        self.evpopd.config_text = lambda: text.replace(
            "[daemon]\n", f"[daemon]\ninclude = {self.other}/*.conf\n")
        self.evpopd.start()
        more = self.other / "more.conf"
        more.touch(0o600)
        more.write_text("[account bert]\nhost = localhost\nuser = bert\n"
                        "password = x\nenabled = no\n")
        self.assertEqual(self.evpopd.post("/v1/reload")["added"], ["bert"])
        self.evpopd.halt()

    def test_backups(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        with self.assertRaises(daemon.Refused) as caught:
            self.evpopd.post(f"/v1/store/backup?file={self.other}/copy.db")
        self.assertEqual(caught.exception.status, 403)
        self.assertEqual(caught.exception.error["code"], "confined")
        self.assertIn("confine_write", caught.exception.error["hint"])
        said = self.evpopd.ctl("backup", self.other / "copy.db", code=77)
        self.assertIn("confine_write", said.stderr)
        self.evpopd.ctl("backup", "copy.db")
        self.assertTrue((self.evpopd.folder / "copy.db").exists())
        self.evpopd.daemon["confine_write"] = self.other
        self.evpopd.halt()
        self.evpopd.start()
        self.evpopd.ctl("backup", self.other / "copy.db")
        self.assertTrue((self.other / "copy.db").exists())
        self.evpopd.halt()


# Sanitizers reserve more than any process has.
SHADOW_LEAST = 1 << 32


class CommandsTest(ConfinedTest):
    """What holds confined or not."""

    def hook(self, command):
        self.evpopd.hook["on_failure"] = command
        self.evpopd.accounts["bert"] = daemon.account_of(
            self.server, "anna", password="wrong")

    def test_commands_do_what_they_could(self):
        password = self.secret_file("password")
        other = shlex.quote(os.fspath(self.other))
        self.evpopd.accounts["anna"].pop("password")
        self.evpopd.accounts["anna"]["password_command"] = f"cat {password}"
        self.hook(f"cat > {other}/part; grep NoNewPrivs /proc/self/status "
                  f"> {other}/status; mv {other}/part {other}/told")
        self.evpopd.start()
        self.assertEqual(self.evpopd.wait_polled("anna")["stored"]["messages"], 1)
        procs.wait_for((self.other / "told").exists, what="the hook's end")
        self.assertIn('"account":"bert"', (self.other / "told").read_text())
        # As whoever started the daemon had it.
        own = pathlib.Path("/proc/self/status").read_text()
        [had] = re.findall(r"(?m)^NoNewPrivs:.*$", own)
        self.assertEqual((self.other / "status").read_text().strip(), had)
        self.evpopd.halt()

    def test_a_reload_may_bring_commands(self):
        self.evpopd.start()
        self.evpopd.wait_polled()
        self.hook(f"touch {self.other}/told")
        self.evpopd.write_config()
        self.evpopd.post("/v1/reload")
        procs.wait_for((self.other / "told").exists, what="the hook's end")
        self.evpopd.halt()

    def test_hooks_run_while_a_service_stops(self):
        """systemd tells every process of a service to stop."""
        self.hook(f"touch {self.other}/told")
        self.evpopd.start()
        self.evpopd.wait_polled("bert")
        starter = self.starter()
        if starter is not None:
            os.kill(starter, signal.SIGTERM)
        self.evpopd.halt()
        self.assertTrue((self.other / "told").exists())
        if starter is not None:
            self.assertFalse(pathlib.Path(f"/proc/{starter}").exists())

    def test_once(self):
        self.evpopd.accounts["anna"].pop("password")
        self.evpopd.accounts["anna"]["password_command"] = \
            f"cat {self.secret_file('password')}"
        self.hook(f"touch {self.other}/told")
        self.evpopd.once(code=75)
        self.assertTrue((self.other / "told").exists())

    @unittest.skipUnless(landlock_version(), "the kernel has no Landlock")
    def test_who_starts_commands_knows_no_secret(self):
        self.evpopd.accounts["anna"]["password"] = "secret"
        command = f"touch {self.other}/told"
        self.hook(command)
        self.evpopd.accounts["bert"]["password"] = "Xq9-not-the-password"
        self.evpopd.start()
        procs.wait_for((self.other / "told").exists, what="the hook's end")
        starter = self.starter()
        self.assertIsNotNone(starter)
        if os.geteuid() != 0:
            return  # it may not be looked into, as it should be
        found = []
        with open(f"/proc/{starter}/mem", "rb", 0) as memory:
            for line in pathlib.Path(
                    f"/proc/{starter}/maps").read_text().splitlines():
                start, end = (int(one, 16) for one in
                              line.split()[0].split("-"))
                # What is larger is a sanitizer's, of the memory that it knows.
                if (" r" not in line or "[v" in line
                        or end - start > SHADOW_LEAST):
                    continue
                try:
                    memory.seek(start)
                    text = memory.read(end - start)
                except OSError:
                    continue
                found += re.findall(rb"Xq9-not-the-password|" + re.escape(
                    command.encode()), text)
        # It knows the command, so that the search is one.
        self.assertIn(command.encode(), found)
        self.assertNotIn(b"Xq9-not-the-password", found)
        self.evpopd.halt()


class MailTest(ConfinedTest):
    """Mail is read in a process that can do nothing else."""

    def setUp(self):
        super().setUp()
        self.server.deliver("anna", [
            corpus.message(number, 4000, kind) for number, kind in
            enumerate(sorted(corpus.kinds()), 2)])

    def reader(self):
        """The process id of what reads mail for the index."""
        for task in pathlib.Path(f"/proc/{self.evpopd.pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                if pathlib.Path(f"/proc/{child}/comm").read_text() \
                        == "evpopd-mail\n":
                    return int(child)
        return None

    def wait_indexed(self):
        def is_so():
            [(indexed,)] = self.evpopd.rows(
                "SELECT value = (SELECT max(id) FROM message) FROM meta"
                " WHERE key = 'indexed' UNION ALL SELECT 0 LIMIT 1")
            return indexed

        self.evpopd.wait_polled()
        procs.wait_for(is_so, what="the index")

    def test_it_can_do_nothing_else(self):
        self.evpopd.start()
        self.wait_indexed()
        folder = pathlib.Path(f"/proc/{self.reader()}")
        status = (folder / "status").read_text()
        self.assertRegex(status, r"(?m)^NoNewPrivs:\s+1$")
        self.assertRegex(status, r"(?m)^Seccomp:\s+2$")
        if os.geteuid() == 0:
            files = sorted(os.readlink(one) for one in
                           (folder / "fd").iterdir())
            self.assertEqual(files[:3], ["/dev/null"] * 3)
            self.assertRegex(" ".join(files[3:]),
                             r"^/memfd:evpop-mail \(deleted\) socket:\S+$")
        self.evpopd.halt()
        self.assertFalse(folder.exists())

    def test_its_end_is_no_harm(self):
        self.evpopd.start()
        self.wait_indexed()
        before = self.reader()
        os.kill(before, signal.SIGKILL)
        self.server.deliver("anna", [corpus.message(
            1000, 4000).replace(b"\r\n\r\n", b"\r\n\r\nquintessential ", 1)])
        self.evpopd.poll("anna")
        self.wait_indexed()
        self.assertNotIn(self.reader(), (before, None))
        [found] = self.evpopd.get("/v1/messages?q=quintessential")["messages"]
        self.assertIn("quintessential", self.evpopd.request(
            "GET", f"/v1/messages/{found['id']}/text")[2].decode())
        self.assertIn("signal 9, Killed); another one tries once more",
                      self.evpopd.log())
        self.evpopd.halt()

    def test_stopping_a_service_does_not_end_it(self):
        self.evpopd.start()
        self.wait_indexed()
        before = self.reader()
        os.kill(before, signal.SIGTERM)
        self.server.deliver("anna", [corpus.message(1000, 4000)])
        self.evpopd.poll("anna")
        self.wait_indexed()
        self.assertEqual(self.reader(), before)
        self.evpopd.halt()


class UnconfinedTest(ConfinedTest):
    def test_no(self):
        self.evpopd.daemon["confine"] = "no"
        self.evpopd.start()
        self.assertEqual(self.confinement(), {
            "status": "off", "landlock_abi": 0, "text": "not confined"})
        self.evpopd.wait_polled()
        self.evpopd.accounts["anna"].pop("password")
        self.evpopd.accounts["anna"]["password_file"] = \
            self.secret_file("password")
        self.evpopd.write_config()
        self.assertEqual(self.evpopd.post("/v1/reload")["warnings"], [])
        self.assertEqual(self.evpopd.poll("anna")["last_outcome"], "ok")
        self.evpopd.ctl("backup", self.other / "copy.db")
        self.evpopd.halt()

    def test_without_landlock(self):
        for error, words in ((38, "the kernel has no Landlock"),
                             (95, "lsm= lacks it"),
                             (1, "a filter of system calls forbids")):
            with self.subTest(error=error):
                self.evpopd.under = words_without(error)
                self.evpopd.start()
                said = self.confinement()
                self.assertEqual(said["status"], "unavailable")
                self.assertIn(words, said["text"])
                self.assertIn(words, self.evpopd.ctl("status").stdout)
                self.assertIn(f"info: {said['text']}", self.evpopd.log())
                self.evpopd.wait_polled()
                self.evpopd.halt()

    def test_required(self):
        self.evpopd.under = words_without(38)
        self.evpopd.daemon["confine"] = "required"
        said = self.evpopd.once(code=71).stderr
        self.assertIn("the kernel has no Landlock", said)
        self.assertIn("\"confine = required\" in [daemon] wants it", said)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--without"]:
        without_landlock(int(sys.argv[2]))
        os.execv(sys.argv[3], sys.argv[3:])
    unittest.main()
