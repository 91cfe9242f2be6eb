"""evpopctl doctor before servers of all kinds, and before none."""

import contextlib
import json
import os
import pathlib
import re
import socket
import socketserver
import ssl
import threading
import unittest
import warnings

from harness import certificates, daemon, dovecot, maildropd, procs, zone


def evpopctl(*words, code=0, given="", **environment):
    """Run it without a daemon."""
    program = daemon.build_folder() / "daemon" / "ctl" / "evpopctl"
    done = procs.run([program, *words], 120, check=False, input=given,
                     env={**os.environ, "EVPOPCTL_SOCKET": "/nonexistent",
                          **environment})
    if done.returncode != code:
        raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}"
                             f"{done.stderr}")
    return done


def doctor(*words, code, ca=None, given="", **environment):
    """What it says as JSON, or to people."""
    if ca is not None:
        environment["SSL_CERT_FILE"] = os.fspath(ca)
    done = evpopctl("doctor", "--json", *words, code=code, given=given,
                    **environment)
    return json.loads(done.stdout) if done.stdout else done.stderr


@contextlib.contextmanager
def somebody(says, family=socket.AF_INET, host="127.0.0.1"):
    """A server that says so much to everybody; its port."""
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        listener.listen(16)
        kept = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    one, _ = listener.accept()
                    kept.append(one)
                    if says is not None:
                        one.sendall(says)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in kept:
                one.close()


class DovecotTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(
            dovecot.Dovecot(users={"anna": "s3cret"}))

    def test_tls(self):
        told = doctor(f"localhost:{self.server.tls_port}", code=0,
                      ca=self.server.ca_file)
        way, = told["ways"]
        self.assertEqual(told["verdict"], "works")
        self.assertEqual((way["way"], way["works"], way["error"]),
                         ("implicit", True, None))
        self.assertRegex(way["tls"], r"^TLSv1\.[23] TLS_")
        own = way["certificates"][0]
        self.assertEqual((own["depth"], own["names"], own["issuer"]),
                         (0, "localhost", "evpop test authority"))
        self.assertGreater(own["expires"], own["begins"])
        self.assertIn("UIDL", way["capabilities"])
        self.assertIn("PLAIN", way["mechanisms"])
        self.assertIsNone(way["capabilities_after"])
        self.assertLess(way["round_trip_milliseconds"], 10000)
        self.assertEqual(set(way["milliseconds"]), {
            "resolve", "connect", "handshake", "greeting"})
        self.assertEqual(told["configuration"], (
            f"[account NAME]\nhost = localhost\nport = {self.server.tls_port}"
            "\nuser = USER\npassword_file = /etc/evpopd/NAME.password\n"))

    def test_stls_and_the_log_in(self):
        told = doctor("--login", "anna", f"localhost:{self.server.port}",
                      code=0, ca=self.server.ca_file, given="s3cret\n")
        first, way = told["ways"]
        self.assertIn("does not speak TLS", first["error"])
        self.assertEqual((way["way"], way["logged_in"], way["messages"]),
                         ("stls", "PLAIN", 0))
        self.assertNotIn("SASL PLAIN LOGIN", way["capabilities_after"])
        self.assertIn("tls = stls\nuser = anna\n", told["configuration"])

    def test_a_wrong_password(self):
        told = doctor("-l", "anna", f"localhost:{self.server.tls_port}",
                      code=77, ca=self.server.ca_file, given="wrong\n")
        self.assertEqual((told["verdict"], told["configuration"]),
                         ("refused", None))
        self.assertIn("Authentication failed", told["ways"][0]["error"])
        self.assertNotIn("wrong", json.dumps(told))
        self.assertIn("expected the password", doctor(
            "-l", "anna", f"localhost:{self.server.tls_port}", code=64))

    def test_a_stranger_is_told_no_password(self):
        """Only its certificate is not known: all else is seen."""
        told = doctor("-l", "anna", f"localhost:{self.server.tls_port}",
                      code=1, given="s3cret\n")
        way, = told["ways"]
        self.assertIn("unknown CA", way["certificate_error"])
        self.assertIsNone(way["logged_in"])
        self.assertIn("UIDL", way["capabilities"])
        pin = way["certificates"][0]["pin"]
        self.assertIn(f"# tls_pin = {pin}\n", told["configuration"])
        # It is one that works.
        with daemon.Evpopd({"all": daemon.account_of(
                self.server, "anna", "implicit", tls_ca=None,
                tls_pin=pin)}) as evpopd:
            self.assertEqual(evpopd.wait_polled()["last_outcome"], "ok")

    def test_for_people(self):
        program = daemon.build_folder() / "daemon" / "ctl" / "evpopctl"
        done = procs.run(
            [program, "doctor", f"localhost:{self.server.tls_port}"], 60,
            check=False, env={**os.environ,
                              "SSL_CERT_FILE": str(self.server.ca_file)})
        for words in (r"^Host +localhost$", r", TLS +works$",
                      r"^Certificate +server, 36\d days left, until \d{4}-",
                      r"^Verified +yes$", r"^Pin +spki-sha256:[0-9a-f]{64}$",
                      r"^Capabilities .*UIDL", r"^Times +round trip \d",
                      r"^\[account NAME\]$"):
            self.assertRegex(done.stdout, re.compile(words, re.M))


@contextlib.contextmanager
def server_of_versions(certificate, least, most):
    """A server that takes these versions of TLS and knows no command."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = least, most
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificate.certificate, certificate.key)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError), context.wrap_socket(
                    self.request, server_side=True) as one:
                one.sendall(b"+OK\r\n")
                while one.recv(4096):
                    one.sendall(b"-ERR\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class VersionsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(procs.temporary_folder())
        cls.ca = certificates.CertificateAuthority(folder / "ca")

    def look(self, least, most, ca):
        with server_of_versions(self.ca.server(), least, most) as port:
            told = doctor(f"localhost:{port}", code=0 if ca else 1, ca=ca)
        return told["ways"][0]

    def test_which_it_takes(self):
        version = ssl.TLSVersion
        for least, most, takes in (
                (version.TLSv1_2, version.TLSv1_3, "1.2 1.3"),
                (version.TLSv1_2, version.TLSv1_2, "1.2"),
                (version.TLSv1_3, version.TLSv1_3, "1.3"),
                (version.TLSv1, version.TLSv1_3, "1.0 1.1 1.2 1.3"),
                (version.TLSv1_1, version.TLSv1_2, "1.1 1.2")):
            for ca in (self.ca.file, None):
                with self.subTest(takes, ca=ca):
                    way = self.look(least, most, ca)
                    self.assertEqual(way["tls_versions"], {
                        one: one in takes.split()
                        for one in ("1.0", "1.1", "1.2", "1.3")})
                    old = [one for one in way["quirks"] if "TLS 1." in one]
                    self.assertEqual(len(old), least < version.TLSv1_2, old)

    def test_what_people_are_told(self):
        program = daemon.build_folder() / "daemon" / "ctl" / "evpopctl"
        with server_of_versions(self.ca.server(), ssl.TLSVersion.TLSv1,
                                ssl.TLSVersion.TLSv1_2) as port:
            done = procs.run([program, "doctor", f"localhost:{port}"], 60,
                             check=False)
        self.assertIn("TLS versions     1.0, 1.1, 1.2\n", done.stdout)
        self.assertIn("still takes TLS 1.0, 1.1, which", done.stdout)


class CertificatesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(procs.temporary_folder())
        cls.ca = certificates.CertificateAuthority(folder / "ca")

    def check(self, certificate, words, warning):
        with maildropd.MaildropServer(
                users={"anna": "s3cret"}, certificate=certificate) as server:
            told = doctor(f"localhost:{server.tls_port}", code=1,
                          ca=self.ca.file)
        way = told["ways"][0]
        self.assertIn(words, way["certificate_error"] or "")
        self.assertIn(warning, told["warnings"][0])
        self.assertTrue(way["works"])

    def test_expired(self):
        self.check(self.ca.expired(), "expired", "not trusted")

    def test_self_signed(self):
        self.check(self.ca.self_signed(), "self-signed", "not trusted")

    def test_of_another_name(self):
        self.check(self.ca.wrong_name(), "another name", "not trusted")

    def test_that_ends_soon(self):
        self.check(self.ca.ending(5), "", "expires in")


class OthersTest(unittest.TestCase):
    def test_without_tls(self):
        with maildropd.MaildropServer(users={"anna": "s3cret"}, tls=False) as server:
            told = doctor(f"127.0.0.1:{server.port}", code=1)
        self.assertEqual([way["works"] for way in told["ways"]],
                         [False, False, True])
        self.assertIn("without TLS only", told["warnings"][0])
        self.assertIn("tls = none\n", told["configuration"])

    def test_old_servers(self):
        with maildropd.MaildropServer(users={"anna": "s3cret"}, tls=False, uidl=False,
                                      top=False, pipelining=False) as server:
            told = doctor(f"127.0.0.1:{server.port}", code=1)
        quirks = " ".join(told["ways"][-1]["quirks"])
        for words in ("UIDL", "TOP", "PIPELINING"):
            self.assertIn(f"does not offer {words}", quirks)

    def test_no_pop3(self):
        with somebody(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
            told = doctor(f"127.0.0.1:{port}", code=69)
        self.assertEqual(told["verdict"], "fails")
        self.assertIn("SSH-2.0", told["ways"][-1]["error"])

    def test_silence(self):
        with somebody(None) as port:
            told = doctor(f"127.0.0.1:{port}", code=69)
        self.assertIn("within 10 s", told["ways"][-1]["error"])

    def test_nobody(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            told = doctor(f"127.0.0.1:{unused.getsockname()[1]}", code=69)
        way, = told["ways"]
        self.assertIn("refused", way["error"])
        self.assertIsNone(told["configuration"])

    def test_ipv6(self):
        with maildropd.MaildropServer(
                users={"anna": "s3cret"}, tls=False, host="::1") as server:
            told = doctor(f"[::1]:{server.port}", code=1)
        self.assertEqual((told["host"], told["addresses"]), ("::1", ["::1"]))

    def test_wrong_words(self):
        for word in ("x@", "host.example:", "host.example:70000", "a b.c",
                     "[::1", ":995"):
            with self.subTest(word):
                self.assertIn(f'"{word}"', doctor(word, code=64))
        self.assertIn("cannot reach the daemon", doctor("account", code=69))
        self.assertIn("has an address", doctor("a@b.invalid", code=69))

    def test_an_account(self):
        """Host and port are those that the daemon uses."""
        with maildropd.MaildropServer(users={"anna": "s3cret"},
                                      tls=False) as server:
            with daemon.Evpopd({"anna": daemon.account_of(
                    server, "anna")}) as evpopd:
                evpopd.wait_polled()
                evpopd.ctl("doctor", "nobody", code=66)
                done = evpopd.ctl("doctor", "--json", "-l", "anna", "anna",
                                  code=1, input="s3cret\n")
        told = json.loads(done.stdout)
        self.assertEqual((told["asked"], told["host"]), ("anna", server.host))
        self.assertEqual([way["logged_in"] for way in told["ways"]], ["PLAIN"])
        self.assertIsNone(told["configuration"])

    def test_as_an_account_is_configured(self):
        """Its TLS, CA and pins are those that count, and what else works."""
        def ask(name, code, *words, **keywords):
            done = evpopd.ctl("doctor", "--json", *words, name, code=code,
                              **keywords)
            return json.loads(done.stdout)

        with maildropd.MaildropServer(users={"anna": "s3cret"}) as server:
            good = daemon.account_of(server, "anna", "stls", keep="14d")
            pin = "sha256:" + server.certificate.sha256()
            other = {**good, "tls_ca": None}
            with daemon.Evpopd({
                    "good": good,
                    "pinned": {**other, "tls_pin": pin},
                    "changed": {**other, "tls_pin": "sha256:" + 64 * "0"},
                    "mistaken": {**good, "tls": "implicit"}}) as evpopd:
                evpopd.wait_polled()
                told = ask("good", 0, "-l", "anna", input="s3cret\n")
                way, = told["ways"]
                self.assertEqual((way["way"], way["port"], way["logged_in"]),
                                 ("stls", server.port, "PLAIN"))
                self.assertIsNone(told["configuration"])
                told = ask("pinned", 0)
                self.assertEqual(len(told["ways"]), 1)
                told = ask("changed", 1)
                self.assertIn("no pin", told["ways"][0]["certificate_error"])
                self.assertIn("[account changed]\n", told["configuration"])
                self.assertIn("user = anna\n", told["configuration"])
                told = ask("mistaken", 0)
                self.assertEqual([way["way"] for way in told["ways"]],
                                 ["implicit", "stls"])
                self.assertIn("tls = stls\n", told["configuration"])
                said = evpopd.ctl("doctor", "good").stdout
                self.assertIn("doctor --config FILE good", said)
                self.assertIn("--login anna", said)
                self.assertNotIn("For evpopd.conf", said)

    def test_as_a_file_has_it(self):
        """With the password, wherever it is from, and no daemon."""
        with maildropd.MaildropServer(users={"anna": "s3cret"}) as server, \
                procs.temporary_folder() as folder:
            folder = pathlib.Path(folder)
            secret = folder / "secret"
            secret.write_text("s3cret\n")
            secret.chmod(0o600)
            good = daemon.account_of(server, "anna", "stls", password=None)
            accounts = {
                "literal": {**good, "password": "s3cret"},
                "file": {**good, "password_file": secret},
                "command": {**good, "password_command": f"cat {secret}"},
                "wrong": {**good, "password": "s3creT"},
                "named": {**good, "password": "s3cret", "auth": "user"},
                "gone": {**good, "password_command": "exit 3"},
                "behind": {**good, "password": "s3cret",
                           "proxy": "socks5://u:p@127.0.0.1:1"},
            }
            file = folder / "evpopd.conf"
            file.write_text("".join(
                f"[account {name}]\n" + "".join(
                    f"{key} = {value}\n" for key, value in keys.items())
                for name, keys in accounts.items()))
            file.chmod(0o600)
            for name in ("literal", "file", "command", "named"):
                way, = doctor("--config", file, name, code=0)["ways"]
                self.assertEqual(
                    (way["way"], way["logged_in"], way["messages"]),
                    ("stls", "USER" if name == "named" else
                     way["logged_in"], 0), name)
                self.assertIsNotNone(way["logged_in"])
            told = doctor("-c", file, "wrong", code=77)
            self.assertEqual(told["verdict"], "refused")
            self.assertNotIn("s3cre", json.dumps(told))
            self.assertIn("exit", doctor("-c", file, "gone", code=78))
            self.assertIn("proxy", json.dumps(
                doctor("-c", file, "behind", code=69)["ways"]))
            self.assertIn("no account", doctor("-c", file, "x", code=66))
            self.assertIn("No such file", doctor(
                "-c", folder / "none", "x", code=77))
            with daemon.Evpopd({"behind": accounts["behind"]}) as evpopd:
                shown = evpopd.get("/v1/accounts/behind")
                self.assertEqual(
                    (shown["proxy"], shown["proxy_has_password"],
                     shown["auth"], shown["tls_cert"]),
                    ("127.0.0.1:1", True, [], None))
                self.assertIn("--config FILE", evpopd.ctl(
                    "doctor", "behind", code=77).stderr)

    @unittest.skipIf(os.geteuid() != 0, "only root can give files away")
    def test_a_password_of_the_daemons_user(self):
        """Root logs in with what is the daemon's user's; others may not."""
        with maildropd.MaildropServer(users={"anna": "s3cret"}) as server, \
                daemon.Evpopd() as evpopd:
            evpopd.let_others_run()
            secret = evpopd.folder / "secret"
            secret.write_text("s3cret\n")
            secret.chmod(0o600)
            evpopd.accounts["anna"] = daemon.account_of(
                server, "anna", "stls", password=None, password_file=secret)
            evpopd.write_config()
            for file in secret, evpopd.config_file:
                os.chown(file, 12345, -1)
            way, = doctor("-c", evpopd.config_file, "anna", code=0)["ways"]
            self.assertIsNotNone(way["logged_in"])
            done = procs.run(
                [evpopd.ctl_program, "doctor", "-c", evpopd.config_file,
                 "anna"], check=False, user=65534)
            self.assertEqual(done.returncode, 77, done.stderr)
            self.assertIn("try sudo", done.stderr)

    def test_secrets_of_the_service(self):
        """A sealed password, a credential of systemd's, a token's command."""
        with maildropd.MaildropServer(users={"anna": "s3cret"}) as server, \
                procs.temporary_folder() as folder:
            folder = pathlib.Path(folder)
            key = folder / "evpopd.key"
            evpopctl("key", "generate", key)
            sealed = evpopctl("seal", "--key", key, given="s3cret\n").stdout
            credential = folder / "office"
            credential.write_text("s3cret\n")
            credential.chmod(0o400)
            where = "".join(
                f"{name} = {value}\n" for name, value in daemon.account_of(
                    server, "anna", "stls", password=None).items()
                if value is not None)
            file = folder / "evpopd.conf"
            file.write_text(
                f"[account sealed]\n{where}{sealed}"
                f"[account given]\n{where}password_credential = office\n"
                f"[account token]\n{where}auth = xoauth2\n"
                "token_command = exit 3\n")
            file.chmod(0o600)
            self.assertIn("key", doctor("-c", file, "sealed", code=78))
            self.assertIn("CREDENTIALS_DIRECTORY",
                          doctor("-c", file, "given", code=78))
            self.assertIn("exit", doctor("-c", file, "token", code=78))
            way, = doctor("-c", file, "given", code=0,
                          CREDENTIALS_DIRECTORY=os.fspath(folder))["ways"]
            self.assertIsNotNone(way["logged_in"])
            file.write_text(f"[daemon]\nkey_file = {key}\n"
                            + file.read_text())
            way, = doctor("-c", file, "sealed", code=0)["ways"]
            self.assertIsNotNone(way["logged_in"])

    @unittest.skipUnless(zone.available(), "needs root and unshare")
    def test_the_hosts_that_a_domain_names(self):
        """RFC 6186: by SRV, and where there is none, by a usual name."""
        folder = pathlib.Path(self.enterContext(procs.temporary_folder()))
        authority = certificates.CertificateAuthority(folder / "ca")
        shown = authority.server(names=("DNS:far.example.test",
                                        "DNS:pop.usual.test"))
        here = [socket.inet_aton("127.0.0.1")]
        program = daemon.build_folder() / "daemon" / "ctl" / "evpopctl"
        with maildropd.MaildropServer(
                users={"anna": "s3cret"}, certificate=shown) as server, \
                zone.Zone({
                    ("example.test", zone.A): [],
                    ("_pop3s._tcp.example.test", zone.SRV): [
                        zone.srv(server.tls_port, "far.example.test")],
                    ("_pop3._tcp.example.test", zone.SRV): [
                        zone.srv(0, ".")],
                    ("far.example.test", zone.A): here,
                    ("pop.usual.test", zone.A): here}) as names:
            def ask(address, code):
                done = names.run_with(
                    folder, [program, "-s", "/nonexistent", "doctor",
                             "--json", address],
                    timeout=120, check=False,
                    env={**os.environ, "SSL_CERT_FILE": authority.file})
                self.assertEqual(done.returncode, code,
                                 done.stdout + done.stderr)
                return done
            told = json.loads(ask("anna@example.test", 0).stdout)
            self.assertEqual(
                (told["host"], told["ways"][0]["port"],
                 told["ways"][0]["works"]),
                ("far.example.test", server.tls_port, True))
            self.assertIn("user = anna@example.test\n",
                          told["configuration"])
            self.assertIn(("_pop3s._tcp.example.test", zone.SRV),
                          names.asked)
            # Nobody listens at the usual ports; its name is tried.
            self.assertIn("pop.usual.test", ask("b@usual.test", 69).stderr)
            self.assertIn("has an address", ask("b@none.test", 69).stderr)

    def test_a_client_certificate(self):
        """The server wants one, and the daemon tells which."""
        authority = certificates.CertificateAuthority(pathlib.Path(
            self.enterContext(procs.temporary_folder())) / "ca")
        client = authority.client()
        with maildropd.MaildropServer(
                users={"anna": "s3cret"}, certificate=authority.server(),
                client_ca=authority.file) as server:
            base = daemon.account_of(server, "anna", "implicit",
                                     tls_ca=authority.file)
            with daemon.Evpopd({
                    "without": base,
                    "with": {**base, "tls_cert": client.certificate,
                             "tls_key": client.key}}) as evpopd:
                evpopd.wait_polled()
                for name, code, way in (("with", 0, "implicit"),
                                        ("without", 69, None)):
                    told = json.loads(evpopd.ctl(
                        "doctor", "--json", "-c", evpopd.config_file, name,
                        code=code).stdout)
                    self.assertEqual(
                        [one["way"] for one in told["ways"]
                         if one["works"]][:1], [way] if way else [])
                shown = evpopd.get("/v1/accounts/with")
                self.assertEqual(
                    (shown["tls_cert"], shown["tls_key"]),
                    (os.fspath(client.certificate), os.fspath(client.key)))
                told = json.loads(evpopd.ctl(
                    "doctor", "--json", "with").stdout)
                self.assertTrue(told["ways"][0]["works"])


if __name__ == "__main__":
    unittest.main()
