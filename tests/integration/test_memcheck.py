"""The daemon's whole life under valgrind's memcheck."""

import pathlib
import shutil
import unittest

from harness import corpus, daemon, maildropd, procs

SUPPRESSIONS = pathlib.Path(__file__).resolve().parent / "memcheck.supp"
USERS = {"anna": "secret", "bert": "hidden"}


@unittest.skipIf(daemon.sanitized(), "the build has a sanitizer already")
@unittest.skipIf(shutil.which("valgrind") is None, "valgrind is not installed")
class MemcheckTest(unittest.TestCase):
    def test_a_life(self):
        evpopd = daemon.Evpopd()
        self.addCleanup(evpopd.remove)
        report = evpopd.folder / "memcheck"
        evpopd.under = ["valgrind", "--leak-check=full",
                        "--errors-for-leak-kinds=definite",
                        "--error-exitcode=99",
                        f"--suppressions={SUPPRESSIONS}",
                        f"--log-file={report}"]
        try:
            self.live(evpopd)
        except AssertionError as error:
            raise AssertionError(
                f"{error}\n{report.read_text()}") from error
        self.assertIn("ERROR SUMMARY: 0 errors", report.read_text())

    def live(self, evpopd):
        with maildropd.MaildropServer(users=USERS) as server:
            server.deliver("anna", corpus.messages(40, 900_000, nul=True))
            server.deliver("bert", corpus.messages(5, seed=2))
            evpopd.accounts = {
                "anna": daemon.account_of(server, "anna", tls="implicit"),
                "bert": daemon.account_of(server, "bert", tls="stls",
                                          keep="delete"),
                "carl": daemon.account_of(server, "bert",
                                          password="wrong"),
                "dora": daemon.account_of(server, "anna", password=None,
                                          password_command="exit 3"),
                "emil": daemon.account_of(server, "anna", tls="implicit",
                                          tls_ca=None)}
            evpopd.start()
            evpopd.wait_polled()
            self.assertEqual(evpopd.account("anna")["stored"]["messages"], 40)
            for path in ("/v1/status", "/v1/accounts", "/v1/polls",
                         "/v1/messages?q=invoice", "/v1/messages?from=anna",
                         "/v1/messages/1", "/v1/messages/2/raw",
                         "/v1/messages/999", "/v1/messages/x", "/nothing",
                         "/v1/messages?limit=x"):
                procs.run(["curl", "-sS", "--unix-socket", evpopd.socket,
                           f"http://localhost{path}", "-o", "/dev/null"])
            self.assertEqual(evpopd.bodies("anna"), server.messages("anna"))
            for account in "anna", "bert", "carl":
                evpopd.poll(account)
            evpopd.post("/v1/accounts/anna/pause")
            evpopd.post("/v1/accounts/anna/resume")
            del evpopd.accounts["dora"]
            evpopd.accounts["emil"]["tls_ca"] = server.ca_file
            evpopd.accounts["frida"] = daemon.account_of(server, "anna")
            evpopd.write_config()
            evpopd.post("/v1/reload")
            evpopd.wait_polled("frida")
            evpopd.write_config("[nonsense\n")
            with self.assertRaises(daemon.Refused):
                evpopd.post("/v1/reload")
            evpopd.halt()


if __name__ == "__main__":
    unittest.main(verbosity=2)
