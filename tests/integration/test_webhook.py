"""Mail is posted to a web service over HTTPS: whole, signed, until it has it."""

import base64
import json
import os
import unittest

from harness import corpus, daemon, maildropd, procs, webhook

SECRET = "whsec_" + base64.b64encode(os.urandom(32)).decode()


class WebhookTest(unittest.TestCase):
    def setUp(self):
        self.server = maildropd.MaildropServer(users={"anna": "secret"},
                                               crlf=True)
        self.enterContext(self.server)
        self.receiver = self.enterContext(webhook.Receiver())

    def evpopd(self, target=None, **keys):
        return daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna", deliver="desk",
                                       **keys)},
            targets={"desk": self.receiver.target(**(target or {}))})

    def deliver(self, messages):
        self.server.deliver("anna", messages)

    def left(self):
        """How many messages the server has, also while it is polled."""
        return len(list(self.server.maildrop_folder("anna").glob("*.eml")))

    def without_line(self, headers, body):
        """The message, once the line in front of it is as it should be."""
        line, _, rest = body.partition(b"\r\n")
        self.assertEqual(line.decode(), "X-Evpop-Id: " + headers["webhook-id"])
        return rest

    def test_messages_arrive_whole_and_signed(self):
        is_signed = webhook.published_check()
        self.deliver(corpus.messages(40, seed=3))
        with self.evpopd({"secret": SECRET}) as evpopd:
            taken = self.receiver.wait_taken(40)
            evpopd.wait_polled()
            self.assertEqual(
                sorted(self.without_line(*one) for one in taken),
                sorted(evpopd.bodies().values()))
        self.assertEqual(len(self.receiver.taken()), 40)
        self.assertEqual(
            len({headers["webhook-id"] for headers, _ in taken}), 40)
        for headers, body in taken:
            self.assertEqual(headers["content-type"], "message/rfc822")
            self.assertTrue(is_signed(SECRET, headers, body))
            self.assertFalse(is_signed(SECRET, headers, body + b"x"))
            self.assertFalse(is_signed(
                "whsec_" + base64.b64encode(bytes(32)).decode(), headers,
                body))
        # No more connections than are kept.
        self.assertLessEqual(self.receiver.connections, 4)

    def test_secrets_come_from_where_passwords_do(self):
        is_signed = webhook.published_check()
        file = self.receiver.folder / "desk.secret"
        file.touch(0o600)
        file.write_text(SECRET + "\n")
        for number, keys in enumerate((
                {"secret_file": file},
                {"secret_command": f"cat {file}"})):
            self.deliver(corpus.messages(1, seed=number))
            with self.subTest(keys), self.evpopd(keys):
                taken = self.receiver.wait_taken(1)
                self.assertTrue(is_signed(SECRET, *taken[-1]))
                self.receiver.received.clear()

    def test_an_envelope_leads_to_the_message(self):
        self.deliver([b"From: Anna <anna@example.org>\r\n"
                      b"To: desk@example.com\r\n"
                      b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
                      b"Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n\r\nHello\r\n"])
        with self.evpopd({"body": "json", "secret": SECRET}) as evpopd:
            (headers, body), = self.receiver.wait_taken(1)
            self.assertTrue(webhook.published_check()(SECRET, headers, body))
            self.assertEqual(headers["content-type"], "application/json")
            event = json.loads(body)
            self.assertEqual(event["type"], "message.stored")
            data = event["data"]
            shown = evpopd.get(data["links"]["message"])
            for name in ("id", "account", "bytes", "stored_at", "date",
                         "sender", "recipients", "cc", "subject",
                         "message_id"):
                self.assertEqual(data[name], shown[name], name)
            self.assertEqual(data["key"], headers["webhook-id"])
            self.assertEqual(evpopd.get(data["links"]["headers"])["headers"][2],
                             {"name": "Subject", "value": "Gr\u00fc\u00dfe"})
            self.assertEqual([evpopd.request("GET", data["links"]["raw"])[2]],
                             list(evpopd.bodies().values()))
            self.assertEqual(
                evpopd.request("GET", data["links"]["text"])[0], 200)

    def test_it_is_tried_until_it_is_taken(self):
        self.deliver(corpus.messages(1))
        self.receiver.answers += [(503, {"Retry-After": "2"}), 429, 500, 502]
        with self.evpopd({"secret": SECRET, "retry_max": "1m"}):
            self.receiver.wait_taken(1)
        received = self.receiver.received
        self.assertEqual([status for *_, status in received],
                         [503, 429, 500, 502, 200])
        # As it was asked for, and the same message each time.
        self.assertGreaterEqual(received[1][0] - received[0][0], 2)
        self.assertEqual(
            len({headers["webhook-id"] for _, headers, *_ in received}), 1)
        self.assertEqual(len({body for _, _, body, _ in received}), 1)

    def test_what_is_refused_waits_for_a_person(self):
        self.deliver(corpus.messages(2))
        self.receiver.answers += [422]
        with self.evpopd({"concurrency": "1"}) as evpopd:
            self.receiver.wait_taken(1)
            refused, = procs.wait_for(
                lambda: evpopd.get("/v1/outbox?state=refused")["outbox"],
                what="the refused message in the outbox")
            self.assertIn("422", refused["answer"])
            evpopd.post(f"/v1/outbox/{refused['id']}/retry")
            self.receiver.wait_taken(2)

    def test_deleted_once_it_is_taken(self):
        self.deliver(corpus.messages(5))
        self.receiver.halt()
        with self.evpopd(keep="until-delivered") as evpopd:
            evpopd.wait_polled()
            evpopd.poll("anna")
            self.assertEqual(self.left(), 5)
            self.receiver.start()
            self.receiver.wait_taken(5)
            procs.wait_for(lambda: self.left() == 0,
                           what="the deletion of what is delivered")

    def nothing_is_posted(self, words, **target):
        """Nothing gets there, and the target says why and needs attention."""
        with self.evpopd(target) as evpopd:
            evpopd.wait_polled()
            evpopd.wait_logged(words)
            self.assertEqual(self.receiver.received, [])
            self.assertIn(words, evpopd.get("/v1/targets/desk")["text"])

    def test_private_addresses_are_refused(self):
        self.deliver(corpus.messages(1))
        for host in ("localhost", "127.0.0.1", "127.1", "2130706433", "[::1]"):
            with self.subTest(host):
                self.nothing_is_posted(
                    "is not one of the Internet", allow_private="no",
                    url=self.receiver.url.replace("localhost", host))
        self.assertEqual(self.receiver.connections, 0)

    def test_through_a_proxy(self):
        for kind in ("http", "socks5"):
            self.deliver(corpus.messages(2, seed=7))
            with self.subTest(kind), webhook.Proxy(kind) as proxy, \
                    self.evpopd({"proxy": proxy.url}):
                self.receiver.wait_taken(2)
                # It has the name, and resolves it.
                self.assertEqual(set(proxy.asked),
                                 {("localhost", self.receiver.port)})
                self.receiver.received.clear()

    def test_redirects_are_not_followed(self):
        self.deliver(corpus.messages(1))
        self.receiver.answers += [
            (302, {"Location": self.receiver.url + "/elsewhere"})] * 50
        with self.evpopd() as evpopd:
            evpopd.wait_logged("redirects are not followed")
        self.assertEqual({status for *_, status in self.receiver.received},
                         {302})

    def test_who_it_is_is_verified(self):
        self.deliver(corpus.messages(1))
        for certificate in ("wrong_name", "expired", "self_signed"):
            with self.subTest(certificate), \
                    webhook.Receiver(certificate=certificate) as self.receiver:
                self.nothing_is_posted("certificate")
        with self.subTest("unknown authority"), \
                webhook.Receiver() as self.receiver:
            self.nothing_is_posted(
                "certificate", tls_ca=self.server.ca_file)

    def test_once_waits_for_it(self):
        self.deliver(corpus.messages(3))
        with self.subTest("taken"):
            evpopd = self.evpopd()
            self.addCleanup(evpopd.remove)
            evpopd.once()
            self.assertEqual(len(self.receiver.taken()), 3)
        with self.subTest("down"):
            self.receiver.halt()
            self.deliver(corpus.messages(1, seed=9))
            evpopd.once(code=75)
            self.receiver.start()
            evpopd.once()
            self.assertEqual(len(self.receiver.taken()), 4)

    def test_doctor_posts_nothing(self):
        with self.evpopd() as evpopd:
            evpopd.wait_polled()
            said = evpopd.ctl("doctor", "desk").stdout
            self.assertIn("nothing was posted", said)
            self.receiver.halt()
            self.assertIn("Failed to connect",
                          evpopd.ctl("doctor", "desk", code=69).stdout)
        self.assertEqual(self.receiver.received, [])


if __name__ == "__main__":
    unittest.main()
