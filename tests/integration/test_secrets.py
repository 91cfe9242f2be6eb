"""No secret lies in the daemon's memory but in guarded pages.

The daemon is stopped at the points of a poll where it waits, and between
polls, and all of its memory is searched.
"""

import base64
import os
import pathlib
import re
import signal
import socket
import ssl
import unittest

from harness import certificates, daemon, image, procs, waiting

USER = "anna"
BY_PASSWORD = ("user", "apop", "plain", "login", "cram-md5", "scram-sha-1",
               "scram-sha-256")
BY_TOKEN = ("xoauth2", "oauthbearer")


class SecretsTest(unittest.TestCase):
    """What all of them do."""

    @classmethod
    def setUpClass(cls):
        why = image.why_unreadable()
        if why:
            raise unittest.SkipTest(
                "no memory of a daemon can be read: this user is not root and "
                f"may not rule a user namespace: {why}")
        folder = cls.enterClassContext(procs.temporary_folder())
        cls.ca = certificates.CertificateAuthority(folder)
        cls.certificate = cls.ca.server()

    def setUp(self):
        self.secrets = {}
        self.places = set()

    def make(self, what, length=48):
        """A secret of the daemon's that must not be found."""
        self.secrets[what] = image.make_secret(length)
        return self.secrets[what]

    def server(self, **keys):
        server = waiting.WaitingServer(**keys)
        self.addCleanup(server.close)
        return server

    def evpopd(self, server, tls="none", **keys):
        """A daemon that would log all it could, and is about to poll."""
        account = {"host": "127.0.0.1", "port": server.port, "tls": tls,
                   "user": USER, "interval": "1h"}
        if tls != "none":
            account |= {"host": "localhost", "tls_ca": self.ca.file}
        account |= keys
        evpopd = daemon.Evpopd({"anna": account},
                               daemon={"log_level": "debug"})
        self.addCleanup(evpopd.remove)
        return evpopd

    def search(self, evpopd, when, is_there=None):
        """Search it; returns in which of the guarded places it was."""
        found = []
        for pid in (evpopd.pid, *image.forked(evpopd.pid)):
            with image.stopped(pid):
                found += image.search(pid, self.secrets)
        bad = [one for one in found if one.mapping.why_unguarded()]
        if bad:
            self.fail(f"{when}: " + "; ".join(map(str, bad[:8])))
        if is_there is not None:
            self.assertEqual(bool(found), is_there,
                             f"{when}: {[str(one) for one in found]}")
        return found

    def check_untold(self, evpopd):
        """Neither log nor API, environment or arguments tell it."""
        proc = pathlib.Path(f"/proc/{evpopd.pid}")
        told = {"the log": evpopd.log(),
                "the account": str(evpopd.account("anna")),
                "the events": str(evpopd.request(
                    "GET", "/v1/accounts/anna/plan")[2]),
                "the environment": (proc / "environ").read_text(),
                "the arguments": (proc / "cmdline").read_text()}
        for place, text in told.items():
            for what, secret in self.secrets.items():
                for form, octets in image.forms(secret):
                    self.assertNotIn(octets.decode("latin-1"), text,
                                     f"the {what} {form} in {place}")

    def follow(self, server, evpopd, points, is_there=None):
        """Search at each of these points, and behind the poll."""
        evpopd.start()
        for point in points:
            server.wait_at(point)
            self.search(evpopd, f"at {point}", is_there)
            server.let()
        server.let_all()
        shown = evpopd.wait_polled()
        self.search(evpopd, "between polls")
        self.check_untold(evpopd)
        return shown


class MechanismTest(SecretsTest):
    """Every way to log in, with TLS and without."""

    def follow_mechanism(self, auth, tls, begins=False, **keys):
        """`begins`: what is to be said does not fit into the line of AUTH."""
        points = ["greeting"]
        if begins or auth in ("login", "cram-md5") or "scram" in auth:
            points.append("begun")
        server = self.server(
            certificate=self.certificate if tls == "implicit" else None)
        evpopd = self.evpopd(server, tls, auth=auth, **keys)
        # The configuration holds the password, a source does not.
        shown = self.follow(server, evpopd, [*points, "login"], True)
        evpopd.halt()
        return shown

    def test_by_password(self):
        for auth in BY_PASSWORD:
            for tls in ("none", "implicit"):
                with self.subTest(auth, tls=tls):
                    self.secrets.clear()
                    shown = self.follow_mechanism(
                        auth, tls, password=self.make("password"))
                    # This server cannot prove that it knows the password.
                    self.assertEqual(
                        shown["last_outcome"],
                        "auth" if auth.startswith("scram") else "ok", shown)

    def test_by_token(self):
        for auth in BY_TOKEN:
            for tls in ("none", "implicit"):
                for length in (48, 3000):
                    with self.subTest(auth, tls=tls, length=length):
                        self.secrets.clear()
                        path = self.file(self.make("token", length))
                        shown = self.follow_mechanism(
                            auth, tls, length > 255,
                            token_command=f"cat {path}")
                        self.assertEqual(shown["last_outcome"], "ok", shown)

    def test_words_beyond_ascii(self):
        """SASLprep of SCRAM changes them on the way."""
        for auth in ("scram-sha-256", "plain"):
            with self.subTest(auth):
                self.secrets = {"password": "\u00e4\u00f6\u00fc\u00df\u0436"
                                + image.make_secret()}
                self.follow_mechanism(auth, "none",
                                      password=self.secrets["password"])

    def test_server_that_takes_nothing(self):
        """The log-in waits in the daemon, partly sent."""
        for tls in ("none", "implicit"):
            for auth in BY_TOKEN:
                with self.subTest(auth, tls=tls):
                    self.secrets.clear()
                    path = self.file(self.make("token", 60000))
                    server = self.server(
                        reads=False, certificate=self.certificate
                        if tls == "implicit" else None)
                    evpopd = self.evpopd(server, tls, auth=auth,
                                         token_command=f"cat {path}")
                    evpopd.start()
                    for point in ("greeting", "login"):
                        server.wait_at(point)
                        self.search(evpopd, f"at {point}", True)
                        server.let()
                    server.let_all()
                    evpopd.wait_polled()
                    self.search(evpopd, "between polls")
                    evpopd.halt()

    def file(self, text):
        folder = self.enterContext(procs.temporary_folder())
        path = folder / "secret"
        path.touch(0o600)
        path.write_text(text + "\n")
        return path


class SourceTest(SecretsTest):
    """Wherever the password comes from."""

    def setUp(self):
        super().setUp()
        self.server_of_all = self.server()
        self.folder = self.enterContext(procs.temporary_folder())
        self.path = self.folder / "password"
        self.path.touch(0o600)
        self.path.write_text(self.make("password") + "\nmore\n")

    def follow_source(self, stays, auth="plain", environment=None, **keys):
        """`stays`: it is kept between polls, for it is nowhere else."""
        server = self.server_of_all
        evpopd = self.evpopd(server, auth=auth, **keys)
        evpopd.environment.update(environment or {})
        shown = self.follow(server, evpopd, ["greeting", "login", "session"],
                            True)
        self.assertEqual(shown["last_outcome"], "ok", shown)
        found = self.search(evpopd, "between polls", stays)
        # And once more, from what the first poll has left.
        evpopd.poll("anna")
        self.search(evpopd, "between polls", stays)
        # One in the configuration, and none of what read it.
        self.assertEqual(len(found), int(stays))
        evpopd.post("/v1/reload")
        evpopd.poll("anna")
        self.assertEqual(len(self.search(evpopd, "after a reload", stays)),
                         int(stays))
        evpopd.halt()

    def test_configuration(self):
        self.follow_source(True, password=self.secrets["password"])

    def test_quoted(self):
        self.follow_source(True, password=f'"{self.secrets["password"]}"')

    def test_file(self):
        self.follow_source(False, password_file=self.path)

    def test_command(self):
        seen = self.folder / "environment"
        self.follow_source(
            False, password_command=f"env >{seen}; cat {self.path}")
        self.assertNotIn(self.secrets["password"], seen.read_text())

    def test_command_that_goes_on(self):
        """It has printed the password, and has not ended."""
        gate = self.folder / "gate"
        os.mkfifo(gate)
        evpopd = self.evpopd(
            self.server_of_all, password_command=f"cat {self.path}; cat {gate}")
        evpopd.start()
        procs.wait_for(lambda: self.search(evpopd, "the command runs"),
                       what="what the command prints")
        gate.write_text("")
        self.server_of_all.let_all()
        evpopd.wait_polled()
        self.search(evpopd, "between polls", False)
        evpopd.halt()

    def test_credential(self):
        self.follow_source(False, password_credential="password",
                           environment={"CREDENTIALS_DIRECTORY": self.folder})

    def seal(self):
        """What stands in the configuration, by the key in evpopd.key."""
        tools = daemon.Evpopd()
        self.addCleanup(tools.remove)
        key = self.folder / "evpopd.key"
        tools.ctl("key", "generate", key)
        line = tools.ctl("seal", "--key", key, "--account", "anna",
                         input=self.secrets["password"] + "\n").stdout
        return line.split(" = ")[1].strip()

    def test_sealed(self):
        self.follow_source(False, password_sealed=self.seal(),
                           environment={"CREDENTIALS_DIRECTORY": self.folder})

    def test_key(self):
        """The daemon's own: once, as it is used, and not as it was read."""
        evpopd = self.evpopd(self.server_of_all, auth="plain",
                             password_sealed=self.seal())
        path = self.folder / "evpopd.key"
        evpopd.daemon["key_file"] = path
        text = re.search("(?m)^evpop-secret-1:(.*)$", path.read_text())[1]
        self.secrets = {"key's text": text,
                        "key": base64.urlsafe_b64decode(text + "=")}
        shown = self.follow(self.server_of_all, evpopd,
                            ["greeting", "login", "session"], True)
        self.assertEqual(shown["last_outcome"], "ok", shown)
        for _ in range(2):
            self.assertEqual(
                [one.what for one in self.search(evpopd, "between polls")],
                ["key"])
            evpopd.post("/v1/reload")
            evpopd.poll("anna")
        evpopd.halt()

    def test_hooks(self):
        seen = self.folder / "hooks"
        seen.mkdir()
        command = (f"(env; tr '\\0' ' ' </proc/$$/cmdline; cat) "
                   f">{seen}/$$")
        evpopd = self.evpopd(self.server_of_all, auth="plain",
                             password=self.secrets["password"])
        evpopd.hook = {"on_message": command, "on_failure": command,
                       "on_recovery": command}
        evpopd.start()
        self.server_of_all.let_all()
        evpopd.wait_polled()
        procs.wait_for(lambda: list(seen.iterdir()), what="a hook")
        evpopd.halt()
        for file in seen.iterdir():
            for form, octets in image.forms(self.secrets["password"]):
                self.assertNotIn(octets, file.read_bytes(), form)

    def test_while_it_is_read(self):
        """A long configuration, at whatever moment the reader is stopped."""
        password = self.secrets["password"]
        evpopd = self.evpopd(self.server_of_all, password=password,
                             enabled="no")
        keys = dict(evpopd.accounts["anna"])
        evpopd.accounts = {f"a{i}": {**keys, "user": f"u{i}",
                                     "password": f"{password}{i}"}
                           for i in range(20000)}
        evpopd.start(wait=False)
        seen = 0
        for _ in range(12):
            if self.search(evpopd, "at the start"):
                seen += 1
        procs.wait_for(lambda: evpopd.socket.exists(), what="the socket")
        self.assertEqual(len(self.search(evpopd, "between polls")), 20000)
        evpopd.signal(signal.SIGHUP)
        for _ in range(6):
            self.search(evpopd, "at a reload")
        evpopd.halt()


class ProxyTest(SecretsTest):
    """The password of a proxy, and the maildrop's behind it."""

    def test_proxies(self):
        for kind in ("socks5", "http"):
            for tls in ("none", "implicit"):
                with self.subTest(kind, tls=tls):
                    self.secrets.clear()
                    server = self.server(
                        proxy=kind, certificate=self.certificate
                        if tls == "implicit" else None)
                    proxy = (f"{kind}://{USER}:{self.make('proxy password')}"
                             f"@127.0.0.1:{server.port}")
                    evpopd = self.evpopd(
                        server, tls, auth="plain", proxy=proxy,
                        password=self.make("password"),
                        allow_cleartext="yes")
                    shown = self.follow(
                        server, evpopd,
                        ["proxy", "greeting", "login", "session"], True)
                    self.assertEqual(shown["last_outcome"], "ok", shown)
                    evpopd.halt()


class ClientKeyTest(SecretsTest):
    """The key of the certificate that an account shows."""

    def private_parts(self, key):
        """What must not be found: {what: octets}."""
        text = key.read_text().splitlines()
        parts = {"key's text": text[len(text) // 2].encode(),
                 "key's structure": base64.b64decode("".join(
                     line for line in text if line[0] != "-"))[-90:-30]}
        shown = procs.run(["openssl", "pkey", "-in", key, "-noout",
                           "-text"]).stdout
        for name in ("priv", "privateExponent", "prime1", "prime2"):
            found = re.search(rf"(?m)^{name}:\n((?: +[0-9a-f:]+\n)+)", shown)
            if found is None:
                continue
            octets = bytes.fromhex(re.sub(r"[\s:]", "", found[1]))
            parts[name] = octets
            # As a number has them in memory.
            parts[name + ", reversed"] = octets[::-1]
        return parts

    def follow_key(self, key, version):
        self.secrets = self.private_parts(key.key)
        self.assertGreaterEqual(len(self.secrets), 4)
        server = self.server(certificate=self.certificate,
                             client_ca=self.ca.file, version=version)
        evpopd = self.evpopd(server, "implicit", auth="plain", password="x",
                             tls_cert=key.certificate, tls_key=key.key)
        evpopd.start()
        # The handshake may be over for the server alone.
        server.wait_at("greeting")
        server.let()
        for point in ("login", "session"):
            server.wait_at(point)
            self.search(evpopd, f"at {point}", True)
            server.let()
        server.let_all()
        shown = evpopd.wait_polled()
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.check_untold(evpopd)
        # As it was read, and in no other way.
        for _ in range(2):
            self.assertEqual(
                {one.what for one in self.search(evpopd, "between polls")},
                {"key's text"})
            evpopd.post("/v1/reload")
            evpopd.poll("anna")
        evpopd.halt()

    def test_kinds(self):
        for kind in ("P-256", "RSA"):
            key = self.ca.client(kind.lower(), rsa=kind == "RSA")
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest(kind, version=version.name):
                    self.follow_key(key, version)


class ProcessTest(SecretsTest):
    """What the process forbids, and what it does where it may lock nothing."""

    def test_no_core_dump(self):
        server = self.server()
        evpopd = self.evpopd(server, password=self.make("password"))
        evpopd.start()
        limits = pathlib.Path(f"/proc/{evpopd.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        if not daemon.sanitized():
            # Who may not be looked into belongs to root.
            self.assertEqual(os.stat(f"/proc/{evpopd.pid}/mem").st_uid, 0)
        server.let_all()
        evpopd.wait_polled()
        evpopd.halt()

    def test_nothing_can_be_locked(self):
        """It says so once, and works."""
        if daemon.sanitized():
            self.skipTest("with a sanitizer nothing is locked")
        server = self.server()
        server.let_all()
        evpopd = self.evpopd(server, auth="plain",
                             password=self.make("password"))
        evpopd.under = ["prlimit", "--memlock=0:0", "--", "setpriv",
                        "--inh-caps=-ipc_lock", "--bounding-set=-ipc_lock"]
        if procs.run([*evpopd.under, "true"], check=False).returncode:
            evpopd.under = ["prlimit", "--memlock=0:0", "--"]
        evpopd.start()
        self.assertEqual(evpopd.wait_polled()["last_outcome"], "ok")
        evpopd.post("/v1/reload")
        evpopd.poll("anna")
        self.assertEqual(evpopd.log().count("RLIMIT_MEMLOCK"), 1,
                         evpopd.log())
        with image.stopped(evpopd.pid):
            found = image.search(evpopd.pid, self.secrets)
        self.assertEqual({one.mapping.why_unguarded() for one in found},
                         {"is not locked"})
        evpopd.halt()


if __name__ == "__main__":
    image.as_root_of_its_own()
    unittest.main(verbosity=2)
