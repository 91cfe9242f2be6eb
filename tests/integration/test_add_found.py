"""evpopctl add finds the server of an address: each way, and none.

All names are of a zone of the test's; mail and HTTPS are served on one address
of this machine, at the ports where they belong.
"""

import contextlib
import json
import os
import pathlib
import socket
import socketserver
import ssl
import threading
import unittest

from harness import (autoconfig, certificates, daemon, maildropd, procs,
                     typist, zone)

USERS = {name: "s3cret" for name in (
    "anna@srv.test", "anna", "anna@known.test", "anna@usual.test",
    "anna@far.test", "anna@stls.test", "anna@gmail.com", "dora@usual.test",
    "emil@usual.test", "emil")}


@contextlib.contextmanager
def refuser(certificate, words, where=("127.0.0.1", 0)):
    """A POP3 server with TLS that refuses each password in these words."""
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"+OK ready\r\n")
            for line in self.rfile:
                word = line.split()[0].upper()
                answer = {b"CAPA": b"+OK\r\nUSER\r\nUIDL\r\n.", b"USER": b"+OK",
                          b"PASS": b"-ERR " + words.encode()}
                self.wfile.write(answer.get(word, b"+OK") + b"\r\n")
                if word == b"QUIT":
                    return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def get_request(self):
            connection, where = super().get_request()
            return context.wrap_socket(
                connection, server_side=True,
                do_handshake_on_connect=False), where

        def handle_error(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with Server(where, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@unittest.skipUnless(zone.available(), "needs root and unshare")
class FoundTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(
            cls.enterClassContext(procs.temporary_folder()))
        authority = certificates.CertificateAuthority(cls.folder / "ca")
        names = cls.names = cls.enterClassContext(zone.Zone({}))
        here = [socket.inet_aton(names.address)]
        hosts = ("pop.srv.test", "mail.auto.test", "autoconfig.auto.test",
                 "known.test", "mail.known.test", "pop.usual.test",
                 "far.example.test", "mail.stls.test", "pop.gmail.com",
                 "autoconfig.down.test", "outlook.office365.com",
                 "pop.xn--mller-kva.test")
        certificate = authority.server(
            names=[f"DNS:{host}" for host in hosts])
        names.records.update({(host, zone.A): here for host in hosts})
        names.records.update({
            ("autoconfig.wrong.test", zone.A): here,
            ("pop.wrong.test", zone.A): here,
            ("srv.test", zone.A): [],
            ("_pop3s._tcp.srv.test", zone.SRV): [
                zone.srv(995, "far.example.test", 30),
                zone.srv(995, "pop.srv.test", 20),
                zone.srv(995, "gone.srv.test", 10)],
            ("_pop3._tcp.stls.test", zone.SRV): [
                zone.srv(110, "mail.stls.test")],
            ("_pop3s._tcp.xn--mller-kva.test", zone.SRV): [
                zone.srv(995, "pop.xn--mller-kva.test")],
            ("_pop3s._tcp.far.test", zone.SRV): [
                zone.srv(995, "far.example.test")],
            ("_pop3s._tcp.nopop.test", zone.SRV): [zone.srv(0, ".")],
            ("pop.nopop.test", zone.A): here,
            ("hosted.test", zone.MX): [
                zone.mx("alt1.aspmx.l.google.com", 5),
                zone.mx("aspmx.l.google.com", 1)],
        })
        cls.server = cls.enterClassContext(maildropd.MaildropServer(
            users=USERS, certificate=certificate, host=names.address,
            port=110, tls_port=995))
        cls.asked = cls.enterClassContext(autoconfig.web(
            names.address, certificate, {
                ("autoconfig.auto.test",
                 "/mail/config-v1.1.xml?emailaddress=anna%40auto.test"):
                autoconfig.config("auto.test", "mail.auto.test",
                                  "%EMAILLOCALPART%"),
                ("known.test", "/.well-known/autoconfig/mail/"
                 "config-v1.1.xml"):
                autoconfig.config("known.test", "mail.%EMAILDOMAIN%",
                                  "%EMAILADDRESS%"),
                ("autoconfig.down.test",
                 "/mail/config-v1.1.xml?emailaddress=anna%40down.test"):
                "http://autoconfig.auto.test/mail/config-v1.1.xml",
            }))
        cls.authority = authority
        cls.env = {**os.environ, "SSL_CERT_FILE": str(authority.file)}
        # The daemon has to find the same hosts.
        cls.evpopd = daemon.Evpopd(
            daemon={"include": "accounts.d/*.conf"}, environment={
                "SSL_CERT_FILE": authority.file},
            under=names.words(cls.folder))
        cls.accounts = cls.evpopd.folder / "accounts.d"
        cls.accounts.mkdir()
        cls.enterClassContext(cls.evpopd)

    def words(self, *words):
        return [*self.names.words(self.folder), self.evpopd.ctl_program, "-s",
                self.evpopd.socket, "add", "-c", self.evpopd.config_file,
                *words]

    def add(self, *words, code=0, given="s3cret\n"):
        done = procs.run(self.words("--password-fd", "0", "--yes", *words),
                         check=False, input=given, env=self.env)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def ask(self, *words):
        """Somebody at a terminal."""
        words = self.words(*words)
        return typist.Typist(*words, env=self.env)

    def check(self, address, host, found, user=None, tls="TLS"):
        told = self.add(address).stdout
        self.assertRegex(told, rf"Server +{host}, port \d+, {tls}\n")
        self.assertIn(found, told)
        self.assertRegex(told, f"{address} +ok, ")
        self.assertEqual(self.evpopd.account(address)["user"],
                         user or address)

    # Each way

    def test_by_srv(self):
        self.check("anna@srv.test", "pop.srv.test",
                   "the SRV records of srv.test")
        # The one that is preferred is not there.
        self.assertIn(("gone.srv.test", zone.A), self.names.asked)
        self.check("anna@stls.test", "mail.stls.test",
                   "the SRV records of stls.test", tls="STLS")

    def test_a_domain_with_an_umlaut(self):
        told = json.loads(self.add(
            "--json", "--dry-run", "--name", "m", "anna@m\xfcller.test").stdout)
        self.assertEqual((told["host"], told["user"], told["found_by"]), (
            "pop.xn--mller-kva.test", "anna@m\xfcller.test",
            "the SRV records of m\xfcller.test"))

    def test_by_autoconfig(self):
        self.check("anna@auto.test", "mail.auto.test",
                   "the autoconfig file of auto.test", user="anna")
        self.check("anna@known.test", "mail.known.test",
                   "the autoconfig file of known.test")

    def test_by_a_usual_name(self):
        self.check("anna@usual.test", "pop.usual.test",
                   "a usual name in usual.test")

    def test_by_the_table(self):
        self.check("anna@gmail.com", "pop.gmail.com", "table of providers")
        self.assertIn("provider = gmail", (
            self.accounts / "anna@gmail.com.conf").read_text())

    def test_by_mx(self):
        told = json.loads(self.add(
            "--json", "--dry-run", "anna@hosted.test").stdout)
        self.assertEqual((told["host"], told["provider"], told["found_by"]), (
            "pop.gmail.com", "gmail", "the MX record of hosted.test"))

    def test_a_provider_that_takes_no_passwords(self):
        done = self.add("anna@outlook.com", code=77)
        self.assertIn("takes no passwords", done.stderr)
        self.assertIn("--client-id", done.stderr)
        person = self.ask("anna@outlook.com")
        person.answer("Is this the server [Y/n]: ", "\n", shows=True)
        person.answer("Client id: ", "\n", shows=True)
        self.assertEqual(person.end(), 1)
        self.assertRegex(person.seen, r"Register at[^h]+https://")
        # A consent is kept sealed, so there has to be a key.
        person = self.ask("anna@outlook.com")
        person.answer("Is this the server [Y/n]: ", "\n", shows=True)
        person.answer("Client id: ", "some-id\n", shows=True)
        person.answer("Has it a secret [y/N]: ", "y\n", shows=True)
        person.answer("Client secret: ", "s3cret\n")
        person.answer("[forever]: ", "\n", shows=True)
        self.assertEqual(person.end(), 78)
        self.assertIn("key_file", person.seen)
        self.assertEqual(
            list(self.accounts.glob("anna@outlook.com*")), [])

    # And none

    def test_not_at_all(self):
        self.assertIn("no POP3 server was found for none.test", self.add(
            "anna@none.test", code=69).stderr)
        self.assertIn("it has no POP3", self.add(
            "anna@nopop.test", code=69).stderr)
        self.assertIn("Proton Mail has no POP3", self.add(
            "anna@proton.me", code=69).stderr)
        self.assertNotIn(("pop.nopop.test", zone.A), self.names.asked)

    def test_never_by_an_unverified_way(self):
        # Another's certificate, at HTTPS and at the mail server.
        done = self.add("anna@wrong.test", code=69)
        self.assertIn("pop.wrong.test, port 995, TLS: ", done.stderr)
        self.assertIn("is for ", done.stderr)
        self.assertNotIn(
            "autoconfig.wrong.test", [host for host, _ in self.asked])
        # What leads from HTTPS to HTTP is not followed.
        self.add("anna@down.test", code=69)
        self.assertIn(
            "autoconfig.down.test", [host for host, _ in self.asked])

    def test_a_server_elsewhere_has_to_be_agreed_to(self):
        done = self.add("anna@far.test", code=77)
        self.assertIn("outside of far.test", done.stderr)
        self.assertIn("--server far.example.test:995", done.stderr)
        person = self.ask("anna@far.test")
        person.answer("Is this the server [y/N]: ", "\n", shows=True)
        self.assertEqual(person.end(), 1)
        self.add("anna@far.test", "--server", "far.example.test:995")

    # At a terminal

    def test_at_a_terminal(self):
        self.server.deliver("dora@usual.test", [b"Subject: x\r\n\r\n"] * 3)
        person = self.ask("dora@usual.test")
        person.answer("Is this the server [Y/n]: ", "\n", shows=True)
        person.answer("Password of dora@usual.test: ", "s3cret\n")
        person.answer("such as 14d [forever]: ", "soon\n", shows=True)
        person.answer("such as 14d [forever]: ", "7d\n", shows=True)
        person.answer("Fetch the 3 messages that are there [Y/n]: ", "y\n",
                      shows=True)
        self.assertEqual(person.end(), 0, person.seen)
        self.assertRegex(person.seen, r"dora@usual.test\S* +ok, 3 fetched")
        self.assertNotIn("s3cret", person.seen)
        self.assertIn("keep = 7d", (
            self.accounts / "dora@usual.test.conf").read_text())

    def test_a_wrong_password_is_asked_for_again(self):
        self.server.deliver("emil", [b"Subject: x\r\n\r\n"])
        person = self.ask("emil@usual.test")
        person.answer("[Y/n]: ", "\n", shows=True)
        person.answer("Password of emil@usual.test: ", "wrong\n")
        person.answer("User name [emil@usual.test]: ", "emil\n", shows=True)
        person.answer("Password of emil: ", "s3cret\n")
        person.answer("[forever]: ", "\n", shows=True)
        person.answer("Fetch the 1 message that is there [Y/n]: ", "n\n",
                      shows=True)
        self.assertEqual(person.end(), 0, person.seen)
        self.assertIn("the password is wrong", person.seen)
        account = self.evpopd.account("emil@usual.test")
        self.assertEqual((account["user"], account["last_outcome"]),
                         ("emil", "ok"))
        self.assertEqual(self.evpopd.messages("emil@usual.test"), [])

    def test_somebody_leaves(self):
        person = self.ask("emil@usual.test", "--name", "left")
        person.answer("[Y/n]: ", "\x04", shows=True)
        self.assertEqual(person.end(), 1)
        self.assertIn("nothing was added", person.seen)
        self.assertFalse((self.accounts / "left.conf").exists())

    # What a refusal means

    def test_what_a_refusal_means(self):
        certificate = self.authority.server("refuser")
        for words, said, code in (
                ("[SYS/PERM] Your account is not enabled for POP access. "
                 "Please visit your Gmail settings page",
                 "POP3 is turned off for this mailbox", 77),
                ("[AUTH] Application-specific password required",
                 "it wants an application password", 77),
                ("[AUTH] Web login required",
                 "log in on its web page first", 77),
                ("NEOBHODIM parol prilozheniya https://help.mail.ru",
                 "it wants an application password", 77),
                ("[AUTH] invalid password", "the password is wrong", 77),
                ("[IN-USE] the maildrop is locked", "try again later", 75)):
            with refuser(certificate, words) as port:
                done = self.add("x@usual.test", "--server",
                                f"localhost:{port}", code=code)
                self.assertIn(said, done.stderr, words)
        self.assertFalse((self.accounts / "x@usual.test.conf").exists())
        # The provider is known by its table, and so is the page.
        elsewhere = self.enterContext(zone.Zone({})).address
        self.names.records["pop.gmx.net", zone.A] = [
            socket.inet_aton(elsewhere)]
        with refuser(self.authority.server("gmx", ["DNS:pop.gmx.net"]),
                     "[AUTH] POP3 is disabled for this mailbox",
                     (elsewhere, 995)):
            done = self.add("anna@gmx.net", code=77)
            self.assertIn("POP3 is turned off for this", done.stderr)
            self.assertRegex(done.stderr, r"POP3 is turned on here: https://")
        # What is usual at a provider helps where its words do not.
        done = self.add("nobody@gmail.com", code=77)
        self.assertIn("myaccount.google.com/apppasswords", done.stderr)


if __name__ == "__main__":
    unittest.main()
