"""rspamd's verdict: it knows where mail truly came from; lines, another target,
and nothing is dropped.
"""

import json
import pathlib
import unittest

from harness import daemon, maildropd, procs, rspamd, webhook

HEADER = b"""\
Return-Path: <bounce@sender.example>\r
Delivered-To: anna@provider.example\r
Received: from mx7.provider.example (mx7.provider.example [203.0.113.7])\r
\tby store.provider.example (Postfix) with LMTP id 1\r
\tfor <anna@provider.example>; Fri, 2 Jan 2026 03:04:07 +0000\r
Received: from localhost (localhost [127.0.0.1])\r
\tby mx7.provider.example (Postfix) with ESMTP id 2;\r
\tFri, 2 Jan 2026 03:04:06 +0000\r
Received: from mail.sender.example (out.sender.example [192.0.2.25])\r
\tby mx7.provider.example (Postfix) with ESMTPS id 3\r
\tfor <anna@provider.example>; Fri, 2 Jan 2026 03:04:05 +0000\r
Received: from forged.example (forged.example [198.51.100.1])\r
\tby mail.sender.example; Fri, 2 Jan 2026 03:00:00 +0000\r
From: Sender <sender@sender.example>\r
To: anna@provider.example\r
Date: Fri, 2 Jan 2026 03:04:05 +0000\r
Message-ID: <1@sender.example>\r
"""

SEEN = ("192.0.2.25", "mail.sender.example", "out.sender.example",
        "bounce@sender.example", "anna@provider.example")


def message(subject, text=b"Hello"):
    return HEADER + b"Subject: " + subject + b"\r\n\r\n" + text + b"\r\n"


@unittest.skipUnless(rspamd.available(), "rspamd is not installed")
class SpamTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rspamd = rspamd.Rspamd().start()
        cls.addClassCleanup(cls.rspamd.stop)

    def setUp(self):
        self.server = self.enterContext(
            maildropd.MaildropServer(users={"anna": "secret"}))
        self.folder = pathlib.Path(
            self.enterContext(procs.temporary_folder()))

    def evpopd(self, **keys):
        targets = {
            "inbox": {"type": "maildir", "path": self.folder / "inbox",
                      "rspamd": self.rspamd.url, "retry_min": "1s",
                      "retry_max": "1s", "line_ends": "crlf", **keys},
            "junk": {"type": "maildir", "path": self.folder / "junk",
                     "line_ends": "crlf"},
        }
        return daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna",
                                       deliver="inbox")}, targets=targets)

    def found(self, name):
        """Messages of a Maildir, by subject: their lines in front."""
        messages = {}
        for file in (self.folder / name / "new").glob("*"):
            front, _, rest = file.read_bytes().partition(b"Return-Path:")
            subject = rest.split(b"Subject: ")[1].split(b"\r\n")[0]
            messages[subject.decode()] = front.decode()
        return messages

    def wait_found(self, name, count):
        procs.wait_for(lambda: len(self.found(name)) >= count,
                       what=f"{count} messages in {name}")
        return self.found(name)

    def test_it_knows_where_mail_came_from(self):
        self.server.deliver("anna", [message(b"Plain")])
        before = len(self.rspamd.seen())
        with self.evpopd():
            self.wait_found("inbox", 1)
        self.assertEqual(self.rspamd.seen()[before:], [SEEN])

    def test_what_it_says_stands_in_front(self):
        self.server.deliver("anna", [
            message(b"Plain"), message(b"Buy now"),
            message(b"Test", rspamd.GTUBE)])
        with self.evpopd() as evpopd:
            found = self.wait_found("inbox", 3)
            # What is stored is as it was.
            self.assertEqual(
                [body for body in evpopd.bodies().values()
                 if b"X-Spam" in body], [])
        self.assertIn("X-Spam-Flag: NO\r\n", found["Plain"])
        self.assertIn("X-Spam-Action: no action\r\n", found["Plain"])
        self.assertIn("tests=SEEN\r\n", found["Plain"])
        self.assertIn("X-Spam-Flag: YES\r\n", found["Buy now"])
        self.assertIn("X-Spam-Action: add header\r\n", found["Buy now"])
        self.assertIn("X-Spam-Score: 7.50\r\n", found["Buy now"])
        self.assertIn("BULK", found["Buy now"])
        self.assertIn("X-Spam-Action: reject\r\n", found["Test"])

    def test_an_envelope_says_it_too(self):
        self.server.deliver("anna", [message(b"Buy now")])
        evpopd = self.evpopd()
        with webhook.Receiver() as receiver:
            evpopd.targets["inbox"] = receiver.target(
                body="json", rspamd=self.rspamd.url)
            with evpopd:
                (_, body), = receiver.wait_taken(1)
                data = json.loads(body)["data"]
                self.assertTrue(
                    data["spam_status"].startswith("Yes, score=7.50"))
                self.assertEqual(
                    data["bytes"],
                    evpopd.get(f"/v1/messages/{data['id']}")["bytes"])

    def test_spam_goes_elsewhere(self):
        self.server.deliver("anna", [
            message(b"Plain"), message(b"Buy now"),
            message(b"Test", rspamd.GTUBE)])
        with self.evpopd(spam_target="junk"):
            self.assertEqual(set(self.wait_found("junk", 2)),
                             {"Buy now", "Test"})
            self.assertEqual(set(self.wait_found("inbox", 1)), {"Plain"})

    def test_without_it_mail_waits(self):
        nobody = procs.free_ports(1)[0]
        self.server.deliver("anna", [message(b"Plain")])
        with self.evpopd(rspamd=f"http://127.0.0.1:{nobody}") as evpopd:
            evpopd.wait_polled()
            evpopd.wait_logged("rspamd at 127.0.0.1")
            self.assertEqual(self.found("inbox"), {})
            evpopd.targets["inbox"]["rspamd"] = self.rspamd.url
            evpopd.write_config()
            evpopd.post("/v1/reload")
            self.wait_found("inbox", 1)

    def test_doctor_asks_it(self):
        nobody = procs.free_ports(1)[0]
        with self.evpopd() as evpopd:
            evpopd.wait_polled()
            self.assertIn("rspamd answers",
                          evpopd.ctl("doctor", "inbox").stdout)
            evpopd.targets["inbox"]["rspamd"] = f"http://127.0.0.1:{nobody}"
            evpopd.write_config()
            evpopd.post("/v1/reload")
            self.assertIn("rspamd at 127.0.0.1: Failed to connect",
                          evpopd.ctl("doctor", "inbox", code=69).stdout)
            evpopd.targets["inbox"]["rspamd_down"] = "deliver"
            evpopd.write_config()
            evpopd.post("/v1/reload")
            self.assertIn("rspamd at 127.0.0.1: Failed to connect",
                          evpopd.ctl("doctor", "inbox").stdout)

    def test_without_it_mail_goes_on(self):
        nobody = procs.free_ports(1)[0]
        self.server.deliver("anna", [message(b"Plain")])
        with self.evpopd(rspamd=f"http://127.0.0.1:{nobody}",
                         rspamd_down="deliver"):
            found = self.wait_found("inbox", 1)
        self.assertIn("X-Spam-Status: Unknown,", found["Plain"])


if __name__ == "__main__":
    unittest.main()
