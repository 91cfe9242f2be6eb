"""evpopctl's words completed by bash, zsh and fish, as people press Tab."""

import os
import pathlib
import pty
import select
import shutil
import subprocess
import tempfile
import time
import unittest

from harness import daemon, maildropd

NAMES = ("helpdesk-de-001", "helpdesk-de-002", "anna@example.org", "x+y")

# How long a shell may take on a busy machine; it is seen to end long before.
PATIENCE_S = 120


class CompletionTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(maildropd.MaildropServer(
            users={"anna": "secret"}, tls=False))
        account = daemon.account_of(cls.server, "anna")
        cls.evpopd = cls.enterClassContext(daemon.Evpopd(
            {name: account | {"enabled": "no", "deliver": "desk, people"}
             for name in NAMES},
            targets={name: {"type": "maildir", "path": "/tmp/none/{account}"}
                     for name in ("desk", "people")}))
        cls.folder = pathlib.Path(cls.enterClassContext(
            tempfile.TemporaryDirectory()))
        (cls.folder / "a file.eml").touch()
        (cls.folder / "evpopctl").symlink_to(cls.evpopd.ctl_program.resolve())
        cls.env = os.environ | {
            "EVPOPCTL_SOCKET": str(cls.evpopd.socket), "LC_ALL": "C.UTF-8",
            "HOME": str(cls.folder), "TERM": "dumb",
            "PATH": f"{cls.folder}:{os.environ['PATH']}"}

    def need(self, shell):
        if shutil.which(shell) is None:
            self.skipTest(f"{shell} is not installed")

    def run_shell(self, *command):
        return subprocess.run(command, env=self.env, cwd=self.folder,
                              capture_output=True, text=True, check=True,
                              timeout=PATIENCE_S).stdout

    def words(self, *typed):
        """What evpopctl itself offers, without the meanings."""
        said = self.run_shell("evpopctl", "completion", "words", "--", *typed)
        return [line.split("\t")[0] for line in said.splitlines()]

    def test_what_may_stand_there(self):
        commands = self.words("")
        for name in ("status", "accounts", "poll", "raw", "completion"):
            self.assertIn(name, commands)
        for typed, wanted in (
                (["st"], ["status"]),
                (["accounts", "--js"], ["--json"]),
                (["--so"], ["--socket"]),
                (["-s", ""], [":files"]),
                (["-s", "/x", "rel"], ["release", "reload"]),
                (["poll", "--wa"], ["--wait"]),
                (["poll", "help"], list(NAMES[:2])),
                (["poll", "--wait", "help"], list(NAMES[:2])),
                (["pause", "x+y", "a"], ["anna@example.org"]),
                (["messages", "-A", "x"], ["x+y"]),
                (["messages", "--account", "=", "x"], ["x+y"]),
                (["messages", "--account", "="], sorted(NAMES)),
                (["messages", "--limit", ""], []),
                (["raw", "--output", ""], [":files"]),
                (["quarantine", "r"], ["raw", "retry"]),
                (["targets", "p"], ["pause", "people"]),
                (["targets", "pause", "de"], ["desk"]),
                (["deliver", "--to", ""], ["desk", "people"]),
                (["outbox", "--target", "pe"], ["people"]),
                (["outbox", "d"], ["drop"]),
                (["doctor", "--target", "de"], ["desk"]),
                (["oauth", "target:pe"], ["target:people"]),
                (["oauth", "tar"], ["target:desk", "target:people"]),
                (["oauth", "x"], ["x+y"]),
                (["oauth", "target", ":", "pe"], ["people"]),
                (["oauth", "target", ":"], ["desk", "people"]),
                (["add", "--provider", "out"], ["outlook"]),
                (["completion", ""], ["bash", "zsh", "fish"]),
                (["help", "stat"], ["status"]),
                (["no-such-command", ""], []),
                (["status", ""], [])):
            with self.subTest(typed):
                self.assertEqual(self.words(*typed), wanted)

    def test_without_a_daemon_nothing_is_said(self):
        said = subprocess.run(
            ["evpopctl", "-s", "/nonexistent", "completion", "words", "--",
             "poll", ""], env=self.env, capture_output=True, text=True,
            timeout=PATIENCE_S)
        self.assertEqual((said.stdout, said.stderr, said.returncode),
                         ("", "", 0))

    def test_wrong_use(self):
        for typed in (["tcsh"], ["bash", "zsh"]):
            said = self.evpopd.ctl("completion", *typed, code=64)
            self.assertIn("expected bash, zsh or fish", said.stderr)

    def of_bash(self, *words):
        return self.run_shell(
            "bash", "-c", 'source <(evpopctl completion bash)\n'
            'compopt() { COMPREPLY+=("$*"); }\n'
            'COMP_WORDS=(evpopctl "$@")\nCOMP_CWORD=$#\n_evpopctl\n'
            'printf "%s\\n" "${COMPREPLY[@]}"', "bash",
            *words).splitlines()

    def test_bash(self):
        self.assertEqual(self.of_bash("resu"), ["resume"])
        self.assertEqual(self.of_bash("poll", "help"), list(NAMES[:2]))
        self.assertEqual(self.of_bash("raw", "-o", ""), ["-o default"])
        self.assertEqual(self.of_bash("messages", "--account", "=", "x"),
                         ["x+y"])

    def test_fish(self):
        self.need("fish")
        for typed, wanted in (("evpopctl resu", ["resume"]),
                              ("evpopctl poll help", list(NAMES[:2])),
                              ("evpopctl raw -o a", ["a file.eml"])):
            said = self.run_shell(
                "fish", "-c", "source (evpopctl completion fish | psub)\n"
                f"complete -C '{typed}'")
            self.assertEqual([line.split("\t")[0]
                              for line in said.splitlines()], wanted)

    def typed_in_zsh(self, typed, wanted):
        """Type, press Tab and read until the line is as wanted."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], self.env)
        seen = b""

        def read_until(text):
            nonlocal seen
            end = time.monotonic() + PATIENCE_S
            while text not in seen.replace(b"\x07", b""):
                ready, _, _ = select.select([terminal], [], [], 1)
                if ready:
                    seen += os.read(terminal, 4096)
                if time.monotonic() > end:
                    self.fail(f"{text} is not in {seen}")

        try:
            os.write(terminal, b"PS1=; autoload -U compinit; compinit -u -D;"
                     b" source <(evpopctl completion zsh); echo rea''dy\n")
            read_until(b"ready\r\n")
            seen = b""
            os.write(terminal, typed.encode() + b"\t")
            read_until(wanted.encode())
        finally:
            os.close(terminal)
            os.kill(pid, 9)
            os.waitpid(pid, 0)

    def test_zsh(self):
        self.need("zsh")
        self.typed_in_zsh("evpopctl resu", "evpopctl resume ")
        self.typed_in_zsh("evpopctl poll help", "evpopctl poll helpdesk-de-00")
        self.typed_in_zsh("evpopctl pause a", "evpopctl pause anna@example.org ")
        self.typed_in_zsh("evpopctl raw -o a", "evpopctl raw -o a\\ file.eml")


if __name__ == "__main__":
    unittest.main()
