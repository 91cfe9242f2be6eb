"""The harness tests itself: what was delivered must come back, octet for octet.

Run it with EVPOP_BUILD_DIR set, or with the path of maildropd in MAILDROPD:
    python3 tests/integration/harness/selftest.py
As root it runs everything a second time as nobody.
"""

import base64
import collections
import os
import pathlib
import poplib
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import certificates, corpus, dovecot, maildropd, pop3, procs

BINARY = os.environ.get("MAILDROPD")


def digest_counts(messages):
    """Messages as a multiset that compares and prints quickly."""
    return collections.Counter(hash(octets) for octets in messages)


def conversation(server, *lines):
    """Send lines at once, read to the end of the connection."""
    with socket.create_connection((server.host, server.port), 30) as sock:
        sock.sendall(b"".join(line + b"\r\n" for line in lines))
        pieces = []
        while piece := sock.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


class CorpusTest(unittest.TestCase):
    def test_is_the_same_for_the_same_seed(self):
        self.assertEqual(corpus.messages(100, 500_000, seed=4),
                         corpus.messages(100, 500_000, seed=4))
        self.assertNotEqual(corpus.messages(100, 500_000, seed=4),
                            corpus.messages(100, 500_000, seed=5))

    def test_total_is_near_what_was_asked(self):
        made = corpus.messages(2000, 25_000_000)
        self.assertEqual(len(set(made)), 2000)
        total = sum(map(len, made))
        self.assertAlmostEqual(total / 25_000_000, 1, delta=0.25)

    def test_nul_only_when_asked_for(self):
        self.assertFalse(any(b"\0" in one for one in corpus.messages(50)))
        self.assertTrue(any(b"\0" in one
                            for one in corpus.messages(50, nul=True)))


class CertificateTest(unittest.TestCase):
    def verdict(self, server):
        try:
            pop3.count(server.host, server.tls_port, "a", "b",
                       tls="implicit", ca_file=self.ca.file)
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        return "good"

    def test_each_is_bad_in_its_own_way(self):
        with procs.temporary_folder() as folder:
            self.ca = certificates.CertificateAuthority(folder / "ca")
            for made, expected in (
                    (self.ca.server(), "good"),
                    (self.ca.expired(), "expired"),
                    (self.ca.not_yet_valid(), "not yet valid"),
                    (self.ca.wrong_name(), "mismatch"),
                    (self.ca.without_names(), "mismatch"),
                    (self.ca.self_signed(), "self-signed")):
                with self.subTest(made.certificate.name), \
                        maildropd.MaildropServer(
                            BINARY, users={"a": "b"},
                            certificate=made) as server:
                    self.assertIn(expected, self.verdict(server))
                self.assertEqual(len(made.sha256()), 64)
                self.assertEqual(len(made.key_sha256()), 64)

    def test_client_certificate(self):
        with procs.temporary_folder() as folder:
            ca = certificates.CertificateAuthority(folder / "ca")
            client = ca.client()
            with maildropd.MaildropServer(BINARY, users={"a": "b"},
                                          client_ca=ca.file) as server:
                context = ssl.create_default_context(cafile=server.ca_file)
                with self.assertRaises((ssl.SSLError, OSError, EOFError,
                                        poplib.error_proto)):
                    poplib.POP3_SSL(server.host, server.tls_port,
                                    context=context)
                context.load_cert_chain(client.certificate, client.key)
                poplib.POP3_SSL(server.host, server.tls_port,
                                context=context).quit()


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class DovecotTest(unittest.TestCase):
    def test_what_is_delivered_comes_back(self):
        mail = corpus.messages(300, 3_000_000)
        expected = digest_counts(map(corpus.as_received, mail))
        with dovecot.Dovecot(users={"anna": "secret"}) as server:
            server.deliver("anna", mail)
            self.assertEqual(server.count("anna"), len(mail))
            for tls, port in (("none", server.port), ("stls", server.port),
                              ("implicit", server.tls_port)):
                with self.subTest(tls):
                    got = pop3.messages("localhost", port, "anna", "secret",
                                        tls=tls, ca_file=server.ca_file)
                    self.assertEqual(digest_counts(got.values()), expected)

    def test_users_and_mail_come_while_it_runs(self):
        with dovecot.Dovecot(users={"anna": "secret"}) as server:
            self.assertEqual(server.count("anna"), 0)
            server.deliver("anna", corpus.messages(5))
            self.assertEqual(server.count("anna"), 5)
            server.add_user("bert", "other")
            self.assertEqual(server.count("bert"), 0)
            server.change_password("bert", "third")
            self.assertEqual(server.count("bert"), 0)
            for user in ("anna", "nobody"):
                with self.assertRaises(poplib.error_proto):
                    pop3.count(server.host, server.port, user, "wrong")

    def test_sixty_sessions_at_once(self):
        with dovecot.Dovecot() as server:
            sessions = []
            for number in range(60):
                server.add_user(f"user{number}", "secret")
            for number in range(60):
                session = poplib.POP3(server.host, server.port)
                session.user(f"user{number}")
                session.pass_("secret")
                sessions.append(session)
            for session in sessions:
                self.assertEqual(session.stat(), (0, 0))
                session.quit()

    def test_locked_maildrop(self):
        with dovecot.Dovecot(users={"anna": "secret"},
                             lock_session=True) as server:
            with pop3.connect(server.host, server.port, "anna", "secret"):
                with self.assertRaisesRegex(poplib.error_proto, "IN-USE"):
                    server.count("anna")

    def test_unique_ids_can_change_and_sessions_break(self):
        with dovecot.Dovecot(users={"anna": "secret"}) as server:
            server.deliver("anna", corpus.messages(10))
            before = server.messages("anna")
            session = poplib.POP3(server.host, server.port)
            server.halt(abruptly=True)
            with self.assertRaises((OSError, EOFError, poplib.error_proto)):
                session.noop()
            session.close()
            server.forget_unique_ids("anna")
            server.start()
            after = server.messages("anna")
            self.assertFalse(set(before) & set(after))
            self.assertEqual(digest_counts(before.values()),
                             digest_counts(after.values()))

    def test_nothing_is_left_behind(self):
        with dovecot.Dovecot(users={"anna": "secret"}) as server:
            server.count("anna")
            pids = [server.pid, *server._children()]
            self.assertGreater(len(pids), 2)
        self.assertFalse(server.folder.exists())
        procs.wait_for(lambda: not any(os.path.exists(f"/proc/{pid}")
                                       for pid in pids),
                       what="the end of Dovecot's processes")


class MaildropServerTest(unittest.TestCase):
    def server(self, **keywords):
        keywords.setdefault("users", {"anna": "secret"})
        return maildropd.MaildropServer(BINARY, **keywords)

    def test_what_is_delivered_comes_back(self):
        mail = corpus.messages(300, 3_000_000, nul=True)
        with self.server() as server:
            ids = server.deliver("anna", mail)
            for tls, port in (("none", server.port), ("stls", server.port),
                              ("implicit", server.tls_port)):
                with self.subTest(tls):
                    got = pop3.messages("localhost" if tls != "none"
                                        else server.host, port, "anna",
                                        "secret", tls=tls,
                                        ca_file=server.ca_file)
                    self.assertEqual(list(got), ids)
                    for unique_id, octets in zip(ids, mail):
                        if not octets.endswith(b"\r\n"):
                            octets += b"\r\n"
                        self.assertEqual(got[unique_id], octets)
            with pop3.connect(server.host, server.port, "anna",
                              "secret") as session:
                sizes = pop3.sizes(session)
            self.assertEqual(list(sizes.values()),
                             [len(octets) for octets in got.values()])
            stats = server.stats()
            self.assertEqual(stats["messages_sent"], 900)
            self.assertEqual(stats["tls_handshakes"], 2)

    def test_oddities_of_files(self):
        texts = [b"", b".", b".\r\n", b"..\r\n.\r\n", b"a\n.b\nc", b"\n",
                 b"a\r", b"x\r\n.\r\n\r\n.", b"\n.\n", b"a" * 200000,
                 b"a\r\n" * 100000, b".\r\n" * 100000]
        for crlf in (False, True):
            with self.server(crlf=crlf) as server:
                server.deliver("anna", texts)
                got = list(server.messages("anna").values())
                with pop3.connect(server.host, server.port, "anna",
                                  "secret") as session:
                    sizes = list(pop3.sizes(session).values())
            for text, octets, size in zip(texts, got, sizes, strict=True):
                if crlf:
                    text = text.replace(b"\r\n", b"\n").replace(
                        b"\n", b"\r\n")
                if text and not text.endswith(b"\r\n"):
                    text += b"\r\n"
                with self.subTest(text=text[:20], crlf=crlf):
                    self.assertEqual(octets, text)
                    self.assertEqual(size, len(text))

    def test_top(self):
        with self.server() as server:
            server.deliver("anna", [b"S: x\r\n\r\n.1\r\n2\r\n3\r\n",
                                    b"S: only\r\n", b"S: a\n\n1\n2\n"])
            with pop3.connect(server.host, server.port, "anna",
                              "secret") as session:
                self.assertEqual(pop3.top(session, 1, 0), b"S: x\r\n\r\n")
                self.assertEqual(pop3.top(session, 1, 2),
                                 b"S: x\r\n\r\n.1\r\n2\r\n")
                self.assertEqual(pop3.top(session, 1, 99),
                                 b"S: x\r\n\r\n.1\r\n2\r\n3\r\n")
                self.assertEqual(pop3.top(session, 2, 5), b"S: only\r\n")
                self.assertEqual(pop3.top(session, 3, 1), b"S: a\n\n1\n\r\n")

    def test_deletion_needs_quit(self):
        with self.server(synthetic=[("s", "p", 3, 10, 2000)]) as server:
            server.deliver("anna", corpus.messages(5))
            for user in ("anna", "s2"):
                before = server.count(user)
                broken = poplib.POP3(server.host, server.port)
                broken.user(user)
                broken.pass_(server.password(user))
                broken.dele(1)
                with self.assertRaisesRegex(poplib.error_proto, "IN-USE"):
                    server.count(user)
                broken.close()
                procs.wait_for(
                    lambda: server.stats()["connections_open"] == 0)
                self.assertEqual(server.count(user), before)
                ids = list(server.messages(user))
                with pop3.connect(server.host, server.port, user,
                                  server.password(user)) as session:
                    session.dele(2)
                    session.rset()
                    session.dele(3)
                    with self.assertRaises(poplib.error_proto):
                        session.retr(3)
                self.assertEqual(list(server.messages(user)),
                                 ids[:2] + ids[3:])

    def test_synthetic_messages_are_stable(self):
        with self.server(synthetic=[("s", "p", 3, 50, 20000)]) as server:
            first = server.messages("s1")
            self.assertEqual(first, server.messages("s1"))
            other = server.messages("s3")
            self.assertFalse(set(first.values()) & set(other.values()))
            mean = sum(map(len, first.values())) / 50
            self.assertAlmostEqual(mean / 20000, 1, delta=0.15)
            with pop3.connect(server.host, server.port, "s1",
                              "p") as session:
                self.assertEqual(list(pop3.sizes(session).values()),
                                 [len(octets) for octets in first.values()])
            server.restart(uid_prefix="new-")
            renamed = server.messages("s1")
            self.assertEqual([f"new-{one}" for one in first], list(renamed))
            self.assertEqual(list(first.values()), list(renamed.values()))

    def test_auth_plain(self):
        good = base64.b64encode(b"\0anna\0secret")
        bad = base64.b64encode(b"\0anna\0wrong")
        with self.server() as server:
            self.assertIn(b"\r\n+OK maildrop", conversation(
                server, b"AUTH PLAIN " + good, b"QUIT"))
            self.assertIn(b"\r\n+ \r\n+OK maildrop", conversation(
                server, b"AUTH PLAIN", good, b"QUIT"))
            self.assertIn(b"\r\n-ERR [AUTH]", conversation(
                server, b"AUTH PLAIN " + bad, b"QUIT"))
            self.assertIn(b"\r\n+ \r\n-ERR cancelled", conversation(
                server, b"AUTH PLAIN", b"*", b"QUIT"))
            commands = [row[3] for row in server.commands()]
            self.assertIn("(response) ...", commands)
            self.assertNotIn(good.decode(), "".join(commands))

    def test_plain_text_behind_stls_is_not_believed(self):
        with self.server() as server:
            with socket.create_connection((server.host, server.port)) as sock:
                sock.sendall(b"STLS\r\nCAPA\r\n")
                context = ssl.create_default_context(cafile=server.ca_file)
                answer = b""
                while answer.count(b"\r\n") < 2:
                    answer += sock.recv(1000)
                with context.wrap_socket(sock,
                                         server_hostname="localhost") as tls:
                    tls.sendall(b"QUIT\r\n")
                    self.assertEqual(tls.recv(100), b"+OK bye\r\n")
            self.assertTrue(answer.endswith(b"+OK begin TLS\r\n"))

    def test_delay_and_round_trips(self):
        for pipelining in (True, False):
            with self.server(delay_ms=100, pipelining=pipelining) as server:
                server.deliver("anna", corpus.messages(3))
                started = time.monotonic()
                out = conversation(server, b"USER anna", b"PASS secret",
                                   b"CAPA", b"STAT", b"RETR 1", b"QUIT")
                took = time.monotonic() - started
                self.assertEqual(b"PIPELINING" in out, pipelining)
                self.assertTrue(out.endswith(b"+OK bye\r\n"))
                self.assertGreaterEqual(took, 0.1)
                self.assertEqual(server.stats()["round_trips"], 1)
                started = time.monotonic()
                # CAPA, USER, PASS, STAT, QUIT, each for itself.
                self.assertEqual(server.count("anna"), 3)
                took = time.monotonic() - started
                self.assertGreaterEqual(took, 0.6)
                self.assertEqual(server.stats()["round_trips"], 1 + 5)
                started = time.monotonic()
                pop3.count(server.host, server.tls_port, "anna", "secret",
                           tls="implicit", ca_file=server.ca_file)
                took = time.monotonic() - started
                self.assertGreaterEqual(took, 0.7)

    def test_answers_wait_for_release(self):
        with self.server(synthetic=[("s", "p", 1, 9, 2000)],
                         hold_after=3) as server:
            with socket.create_connection((server.host, server.port)) as sock:
                sock.sendall(b"USER s1\r\nPASS p\r\n" + b"".join(
                    b"RETR %d\r\n" % n for n in range(1, 10)) + b"QUIT\r\n")
                server.wait_held()
                self.assertEqual(server.stats()["commands"], 2 + 3)
                server.release()
                received = b""
                while piece := sock.recv(1 << 20):
                    received += piece
            self.assertTrue(received.endswith(b"+OK bye\r\n"))
            self.assertEqual(server.stats()["messages_sent"], 9)

    def test_answers_come_slowly(self):
        greeting = b"+OK maildropd ready\r\n"
        with self.server(synthetic=[("user", "x", 1, 1, 1000)],
                         octets_per_second=10) as server, \
                socket.create_connection((server.host, server.port)) as sock:
            started = time.monotonic()
            received = sock.recv(len(greeting), socket.MSG_WAITALL)
            # At once, after one second, and after two.
            self.assertGreater(time.monotonic() - started, 1.9)
            self.assertEqual(received, greeting)

    def test_answers_stall_within_a_body(self):
        with self.server(synthetic=[("user", "x", 1, 1, 1000)],
                         stall_after=500) as server:
            with socket.create_connection((server.host, server.port)) as sock:
                sock.sendall(b"USER user1\r\nPASS x\r\nRETR 1\r\nNOOP\r\n")
                with sock.makefile("rb") as answers:
                    before = [answers.readline() for _ in range(3)]
                    answer = answers.read(500)
                self.assertTrue(answer.startswith(b"+OK "))
                self.assertIn(b"Subject:", answer)
                stats = server.stats()
                self.assertEqual(stats["bytes_out"],
                                 sum(map(len, before)) + 500)
                self.assertEqual(stats["connections_open"], 1)
            procs.wait_for(lambda: server.stats()["connections_open"] == 0)

    def test_answers_wait_for_a_slow_reader(self):
        with self.server(synthetic=[("s", "p", 1, 1000, 200000)]) as server:
            before = procs.peak_rss(server.pid)
            with socket.create_connection((server.host, server.port)) as sock:
                sock.sendall(b"USER s1\r\nPASS p\r\n" + b"".join(
                    b"RETR %d\r\n" % n for n in range(1, 1001)))
                time.sleep(0.3)
                grown = procs.peak_rss(server.pid) - before
                self.assertLess(grown, 8_000_000)
                self.assertLess(server.stats()["messages_sent"], 100)
                sock.sendall(b"QUIT\r\n")
                received = 0
                while piece := sock.recv(1 << 20):
                    received += len(piece)
            self.assertGreater(received, 150_000_000)
            self.assertEqual(server.stats()["messages_sent"], 1000)

    def test_thousands_of_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = min(5000, hard - 200)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE,
                        (soft, hard))
        with self.server(synthetic=[("s", "p", wanted, 10, 2000)]) as server:
            sockets = []
            try:
                for number in range(1, wanted + 1):
                    sock = socket.create_connection(
                        (server.host, server.port), 30)
                    sockets.append(sock)
                    sock.sendall(b"USER s%d\r\nPASS p\r\nSTAT\r\n" % number)
                for sock in sockets:
                    answer = b""
                    while answer.count(b"\r\n") < 4:
                        piece = sock.recv(4096)
                        self.assertTrue(piece)
                        answer += piece
                    self.assertIn(b"+OK 10 ", answer)
                stats = server.stats()
                self.assertEqual(stats["connections_peak"], wanted)
                self.assertEqual(stats["logins"], wanted)
                self.assertLess(procs.peak_rss(server.pid),
                                64_000_000 + wanted * 8000)
            finally:
                for sock in sockets:
                    sock.close()

    def test_usage_errors(self):
        binary = maildropd.binary_path(BINARY)
        for words, expected in (
                (["--listen", "x"], "HOST:PORT"),
                (["--listen", "127.0.0.1:99999"], "65535"),
                ([], "--listen"),
                (["--listen", "127.0.0.1:0"], "--maildrop"),
                (["--tls-listen", "127.0.0.1:0"], "--cert"),
                (["--listen", "127.0.0.1:0", "--maildrop", "a:b"],
                 "USER:PASSWORD:FOLDER"),
                (["--nonsense"], "nonsense"), (["word"], "word")):
            done = procs.run([binary, *words], check=False)
            self.assertEqual(done.returncode, 64, done)
            self.assertIn(expected, done.stderr)
        self.assertIn("--synthetic", procs.run([binary, "--help"]).stdout)


class ProcsTest(unittest.TestCase):
    def test_servers_end_with_the_test(self):
        script = """if True:
            import os, sys
            from harness import dovecot, maildropd
            servers = [maildropd.MaildropServer(sys.argv[1] or None,
                                                users={"a": "b"})]
            if dovecot.available():
                servers.append(dovecot.Dovecot(users={"a": "b"}))
            for server in servers:
                server.start()
                print(server.pid, server.folder)
            sys.stdout.flush()
            os.kill(os.getpid(), 9)
        """
        done = subprocess.run(
            [sys.executable, "-c", script, BINARY or ""], text=True,
            stdout=subprocess.PIPE, timeout=procs.PATIENCE, env={
                **os.environ, "PYTHONPATH": str(
                    pathlib.Path(__file__).resolve().parent.parent)})
        self.assertEqual(done.returncode, -signal.SIGKILL)
        lines = done.stdout.split()
        for pid, folder in zip(lines[::2], lines[1::2]):
            try:
                procs.wait_for(lambda: not _runs(int(pid)),
                               what=f"the end of process {pid}")
            finally:
                procs.remove_folder(folder)

    def test_run_reports_failure_and_overrun(self):
        with self.assertRaisesRegex(procs.CommandFailed, "oh no"):
            procs.run(["sh", "-c", "echo oh no >&2; exit 3"])
        with self.assertRaises(procs.Timeout):
            procs.run(["sleep", "30"], timeout=0.2)
        self.assertEqual(procs.run(["cat"], input="x").stdout, "x")

    def test_peak_memory(self):
        child = subprocess.Popen(
            [sys.executable, "-c",
             "x = b'x' * 50_000_000; del x; input()"], stdin=subprocess.PIPE)
        with procs.PeakRss(child.pid) as peak:
            procs.wait_for(lambda: procs.peak_rss(child.pid) > 50_000_000)
            procs.wait_for(lambda: peak.bytes > 50_000_000)
            child.communicate(b"\n")
        self.assertGreater(peak.bytes, 50_000_000)


def _runs(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@unittest.skipUnless(os.geteuid() == 0, "only root can become nobody")
class UnprivilegedTest(unittest.TestCase):
    def test_everything_as_nobody(self):
        done = procs.run(
            ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
             "--clear-groups", sys.executable, "-B",
             pathlib.Path(__file__).resolve()], timeout=900, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
