"""Mail comes in from files: once, whole, and is no server's to delete."""

import concurrent.futures
import hashlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import time
import unittest

from harness import corpus, daemon, dovecot, procs, wire

MAIL = [corpus.as_received(one) for one in
        corpus.messages(40, total=500000, seed=101)] + [
    b"Subject: marks\r\n\r\nFrom here\r\n>From there\r\n\r\nFrom far\r\n\r\n",
    b"From: a@example.org\r\nSubject: no date\r\n\r\nsmall\r\n"]
LARGE = corpus.as_received(
    b"Subject: large\n\n" + b"0123456789abcdef" * 4 * 50000 + b"\n")


def digests(messages):
    return sorted(hashlib.blake2b(one, digest_size=32).hexdigest()
                  for one in messages)


@unittest.skipUnless(dovecot.available(), "Dovecot is not installed")
class ImportTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(dovecot.Dovecot(
            users={"anna": "secret", "bert": "secret"}))
        self.evpopd = self.enterContext(daemon.Evpopd({
            "anna": daemon.account_of(self.server, "anna"),
            "bert": daemon.account_of(self.server, "bert", keep="delete")}))
        self.evpopd.wait_polled()
        self.folder = self.evpopd.folder / "in"
        self.folder.mkdir()

    def imports(self, *paths, account="anna", code=0):
        done = self.evpopd.ctl("--json", "import", "-A", account, *paths,
                               code=code)
        shown = json.loads(done.stdout)
        return shown["imported"], shown["known"], shown["failed"]

    def write(self, messages, name="eml", change=lambda octets: octets):
        folder = self.folder / name
        folder.mkdir()
        for number, octets in enumerate(messages):
            (folder / f"{number:03d}.eml").write_bytes(change(octets))
        return folder

    def stored(self, account="anna"):
        return sorted(one["digest"] for one in self.evpopd.messages(account))

    # ---- forms ----

    def test_what_export_writes_comes_back(self):
        """Each form, with LF and CR LF, into another account."""
        self.server.deliver("anna", MAIL)
        self.evpopd.poll("anna")
        self.assertEqual(self.stored(), digests(MAIL))
        done = 0
        for form, more in (("--eml", ()), ("--maildir", ()), ("--mbox", ()),
                           ("--maildir", ("--crlf",)),
                           ("--mbox", ("--crlf",))):
            out = self.folder / f"out{done}"
            self.evpopd.ctl("export", form, out, "-A", "anna", *more)
            self.assertEqual(self.imports(out, account="bert"),
                             (0, len(MAIL), 0) if done else
                             (len(MAIL), 0, 0), (form, more))
            done += 1
            # What was fetched is known, too.
            self.assertEqual(self.imports(out), (0, len(MAIL), 0))
        self.assertEqual(self.stored("bert"), digests(MAIL))
        self.assertEqual(self.evpopd.bodies("anna").keys(),
                         self.evpopd.bodies("anna").keys())

    def test_folders_of_all_kinds(self):
        box = self.folder / "Mail"
        for name in ("", "/.Sent", "/old"):
            for part in ("cur", "new", "tmp"):
                (self.folder / f"Mail{name}/{part}").mkdir(parents=True)
        (box / "cur" / "1.a:2,S").write_bytes(MAIL[0].replace(b"\r\n", b"\n"))
        (box / "new" / "2.a").write_bytes(MAIL[1])
        (box / "tmp" / "3.a").write_bytes(MAIL[2])
        (box / ".Sent" / "cur" / "4.a:2,").write_bytes(MAIL[3])
        (box / "old" / "new" / "5.a").write_bytes(MAIL[4])
        (box / "dovecot.index").write_bytes(b"\0\1")
        self.assertEqual(self.imports(box), (4, 0, 0))
        self.assertEqual(self.stored(), digests(
            [MAIL[0], MAIL[1], MAIL[3], MAIL[4]]))
        odd = self.folder / "odd"
        odd.mkdir()
        (odd / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0 no header")
        (odd / "empty").write_bytes(b"")
        (odd / "one").write_bytes(MAIL[5])
        done = self.evpopd.ctl("import", "-A", "anna", odd, code=65)
        self.assertIn("picture.jpg: neither a message nor an mbox",
                      done.stderr)
        self.assertIn("imported 1, known 0, failed 1", done.stdout)

    def test_a_large_one_comes_in_pieces(self):
        path = self.folder / "large"
        path.write_bytes(LARGE.replace(b"\r\n", b"\n"))
        self.assertEqual(self.imports(path), (1, 0, 0))
        one, = self.evpopd.messages("anna")
        self.assertEqual(self.evpopd.raw(one["id"]), LARGE)
        self.assertEqual(self.imports(path), (0, 1, 0))
        self.assertIn("sound", self.evpopd.ctl("check", "--store").stdout)

    def test_several_at_once(self):
        """The same mail from several sides, during a poll: each once."""
        path = self.write(MAIL)
        self.server.deliver("anna", MAIL[:10])
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            runs = [pool.submit(self.imports, path) for _ in range(4)]
            self.evpopd.poll("anna")
            told = [run.result() for run in runs]
        self.assertEqual({sum(one) for one in told}, {len(MAIL)}, told)
        self.assertEqual(sum(failed for _, _, failed in told), 0, told)
        self.assertEqual(set(self.stored()), set(digests(MAIL)))
        self.assertEqual(self.imports(path), (0, len(MAIL), 0))
        self.assertIn("sound", self.evpopd.ctl("check", "--store").stdout)

    def test_an_account_that_was_never_polled(self):
        self.evpopd.accounts["carl"] = daemon.account_of(
            self.server, "anna", enabled="no")
        self.evpopd.write_config()
        self.evpopd.ctl("reload")
        path = self.write(MAIL[:3])
        self.assertEqual(self.imports(path, account="carl"), (3, 0, 0))
        self.assertEqual(self.imports(path, account="carl"), (0, 3, 0))
        self.assertEqual(self.stored("carl"), digests(MAIL[:3]))

    def test_what_is_refused(self):
        path = self.write(MAIL[:1])
        self.assertIn("no account", self.evpopd.ctl(
            "import", "-A", "carl", path, code=66).stderr)
        self.assertIn("--account", self.evpopd.ctl(
            "import", path, code=64).stderr)
        self.assertIn("No such file", self.evpopd.ctl(
            "import", "-A", "anna", "/none", code=65).stderr)
        done = procs.run([self.evpopd.ctl_program, "--store",
                          self.evpopd.store_file, "import", "-A", "anna",
                          path], check=False)
        self.assertEqual(done.returncode, 69)

    # ---- servers ----

    def test_a_poll_recognises_what_was_imported(self):
        """It is adopted, not stored again; and deleted there if so asked."""
        for account in ("anna", "bert"):
            path = self.write(MAIL, account)
            self.assertEqual(self.imports(path, account=account),
                             (len(MAIL), 0, 0))
            self.server.deliver(account, MAIL)
            shown = self.evpopd.poll(account)
            self.assertEqual(shown["last_outcome"], "ok")
            self.assertEqual(shown["session"]["adopted"], len(MAIL))
            self.assertEqual(self.stored(account), digests(MAIL))
            self.evpopd.poll(account)
            self.assertEqual(self.stored(account), digests(MAIL))
            self.assertEqual(self.imports(path, account=account),
                             (0, len(MAIL), 0))
        self.assertEqual(self.server.count("anna"), len(MAIL))
        self.assertEqual(self.server.count("bert"), 0)
        self.assertEqual(self.stored("bert"), digests(MAIL))

    def test_no_poll_takes_it_for_gone(self):
        self.server.deliver("anna", MAIL[:3])
        self.evpopd.poll("anna")
        self.imports(self.write(MAIL[3:]))
        for _ in range(3):
            self.evpopd.poll("anna")
            self.assertEqual(self.stored(), digests(MAIL))
        # Nor does another maildrop, or a restart.
        self.evpopd.accounts["anna"].update(user="bert", password="secret")
        self.evpopd.restart()
        self.evpopd.wait_polled()
        self.assertEqual(self.stored(), digests(MAIL))
        self.server.deliver("bert", MAIL[3:])
        self.assertEqual(self.evpopd.poll("anna")["session"]["adopted"],
                         len(MAIL) - 3)
        self.assertEqual(self.stored(), digests(MAIL))

    # ---- what is cut ----

    def test_evpopctl_is_killed(self):
        path = self.write(MAIL + [LARGE])
        chooser = random.Random(102)
        for _ in range(12):
            with subprocess.Popen(
                    [self.evpopd.ctl_program, "-s", self.evpopd.socket,
                     "import", "-A", "anna", path],
                    stdout=subprocess.DEVNULL) as started:
                time.sleep(chooser.uniform(0, 0.15))
                started.send_signal(signal.SIGKILL)
        self.assertEqual(sum(self.imports(path)), len(MAIL) + 1)
        self.assertEqual(self.stored(), digests(MAIL + [LARGE]))

    def test_evpopd_is_killed(self):
        path = self.write(MAIL + [LARGE])
        chooser = random.Random(103)
        for _ in range(6):
            with subprocess.Popen(
                    [self.evpopd.ctl_program, "-s", self.evpopd.socket,
                     "import", "-A", "anna", path], stderr=subprocess.PIPE,
                    stdout=subprocess.DEVNULL) as started:
                time.sleep(chooser.uniform(0, 0.15))
                self.evpopd.kill()
                said = started.stderr.read()
            if started.returncode:
                self.assertIn(started.returncode, (69, 75), said)
                # Before the first message there is nothing to go on with.
                self.assertRegex(said, b"type the same again|"
                                 b"cannot reach the daemon|"
                                 b"closed the connection too early")
            self.evpopd.start()
            self.evpopd.wait_polled()
        self.assertEqual(sum(self.imports(path)), len(MAIL) + 1)
        self.assertEqual(self.stored(), digests(MAIL + [LARGE]))
        self.assertIn("sound", self.evpopd.ctl("check", "--store").stdout)

    # ---- the API ----

    def send(self, query, octets, account="anna"):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(os.fspath(self.evpopd.socket))
        connection.request("POST", f"/v1/accounts/{account}/messages{query}",
                           octets, {"Content-Type": "message/rfc822"})
        answer = connection.getresponse()
        octets = answer.read()
        shown = json.loads(octets) if answer.status != 413 else None
        connection.close()
        return answer.status, shown

    def test_pieces(self):
        octets = MAIL[0]
        half = len(octets) // 2
        self.assertEqual(self.send("", b"")[0], 400)
        self.assertEqual(self.send("?more=yes", octets)[0], 400)
        self.assertEqual(self.send("?upload=a&offset=5", octets)[0], 409)
        self.assertEqual(self.send("?upload=a&more=yes", octets[:half]),
                         (202, {"upload": "a", "bytes": half}))
        self.assertEqual(self.send("?upload=a&more=yes", octets[:half])[0],
                         409)
        _, shown = self.send("?upload=a&more=yes", octets[:half])
        self.assertIn(f" byte {half} of", shown["error"]["message"])
        self.assertEqual(self.send(f"?upload=a&offset={half + 1}",
                                   octets[half:])[0], 409)
        status, shown = self.send(f"?upload=a&offset={half}", octets[half:])
        self.assertEqual((status, shown["new"]), (201, True))
        self.assertEqual(self.evpopd.raw(shown["id"]), octets)
        self.assertEqual(self.send("", octets),
                         (200, {"id": shown["id"], "new": False}))
        # Some may be open, not all that somebody begins.
        answers = [self.send(f"?upload=u{number}&more=yes", b"Subject: x")[0]
                   for number in range(20)]
        self.assertEqual(answers, [202] * 16 + [503] * 4)
        self.assertEqual(self.send("", b"x" * 70000)[0], 413)

    def test_pieces_of_one_account_are_not_another_ones(self):
        octets = MAIL[0]
        half = len(octets) // 2
        for account, piece in (("anna", b"Subject: a\r\n\r\n"),
                               ("bert", octets[:half])):
            self.assertEqual(self.send("?upload=same&more=yes", piece,
                                       account)[0], 202)
        status, shown = self.send(f"?upload=same&offset={half}", octets[half:],
                                  "bert")
        self.assertEqual(status, 201)
        self.assertEqual(self.evpopd.raw(shown["id"]), octets)
        self.assertEqual(self.stored("bert"), digests([octets]))

    def test_two_begin_the_same_at_once(self):
        """One of them is told so, whichever the daemon met first."""
        ask = (b"POST /v1/accounts/anna/messages?upload=a&more=yes HTTP/1.1"
               b"\r\nContent-Length: 12\r\n\r\nSubject: x\r\n")
        both = [self.enterContext(wire.connect(self.evpopd.socket))
                for _ in range(8)]
        for one in both:
            one.sendall(ask)
        statuses = [wire.answers(wire.receive(one, wire.is_answered))[0].status
                    for one in both]
        self.assertEqual(sorted(statuses), [202] + [409] * 7)


if __name__ == "__main__":
    unittest.main()
