"""Mail is imported into Gmail: whole, once, and whatever the API answers."""

import re
import secrets
import unittest

from harness import authserver, corpus, daemon, gmail, maildropd, procs

SIMPLE = (b"From: Ann <ann@example.org>\r\nSubject: hello\r\n"
          b"Date: Fri, 2 Jan 2026 03:04:05 +0000\r\n"
          b"Message-ID: <1@example.org>\r\n\r\nwords\r\n")
UNNAMED = b"From: <ann@example.org>\r\nSubject: no id\r\n\r\nwords\r\n"
BLOCKED = (b"From: <ann@example.org>\r\nMessage-ID: <2@example.org>\r\n"
           b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
           b"\r\n--b\r\nContent-Type: application/octet-stream\r\n"
           b"Content-Disposition: attachment; filename=game.exe\r\n\r\n"
           b"MZ\r\n--b--\r\n")
KEY = re.compile(rb"X-Evpop-Id: [0-9a-f]{32}\.[0-9]+\r\n")
OUR_ID = re.compile(rb"Message-ID: <[0-9a-f]{32}\.[0-9]+@evpop\.invalid>\r\n")


class GmailTest(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(maildropd.MaildropServer(
            users={"anna": "secret"}, crlf=True))
        self.gmail = self.enterContext(gmail.Gmail())

    def evpopd(self, target=None, **keys):
        return daemon.Evpopd(
            {"shop": daemon.account_of(self.server, "anna", deliver="gmail",
                                       **keys)},
            targets={"gmail": self.gmail.target(**(target or {}))})

    def deliver(self, *messages):
        self.server.deliver("anna", list(messages))

    def wait_outbox(self, evpopd, state, count=1):
        procs.wait_for(lambda: evpopd.rows(
            "SELECT count(*) FROM v_outbox WHERE state = ?", state)
            == [(count,)], what=f"{count} {state}")
        return evpopd.rows("SELECT answer, place FROM v_outbox "
                           "WHERE state = ?", state)

    def bodies(self):
        """What is at Gmail, without our lines in front."""
        return sorted(KEY.sub(b"", OUR_ID.sub(b"", one["octets"], 1), 1)
                      for one in self.gmail.found())

    # ---- what is imported ----

    def test_messages_arrive_whole(self):
        sent = [one for one in corpus.messages(40, seed=3)
                if len(re.findall(rb"(?mi)^From:", one.partition(
                    b"\r\n\r\n")[0])) == 1] + [SIMPLE, UNNAMED]
        self.deliver(*sent)
        with self.evpopd() as evpopd:
            self.gmail.wait_messages(len(sent))
            self.wait_outbox(evpopd, "delivered", len(sent))
            self.assertEqual(self.bodies(), sorted(evpopd.bodies().values()))
        for one in self.gmail.found():
            self.assertEqual(sorted(one["labelIds"]), ["INBOX", "UNREAD"])
            self.assertNotEqual(one["message_id"], "")
        self.assertEqual(self.gmail.counted("list"), [])
        for query in self.gmail.imports:
            self.assertEqual(query["internalDateSource"], "dateHeader")
            self.assertEqual(query["neverMarkSpam"], "false")

    def test_where_it_is(self):
        self.deliver(SIMPLE)
        with self.evpopd() as evpopd:
            one, = self.gmail.wait_messages(1)
            [(answer, place)] = self.wait_outbox(evpopd, "delivered")
            self.assertEqual(
                place, f"https://mail.google.com/mail/#all/{one['id']}")
            self.assertEqual(answer, "200 OK")

    def test_a_label_is_made_and_kept(self):
        self.deliver(SIMPLE, UNNAMED)
        keys = {"label": "Fetched/{account}", "archive": "yes",
                "never_mark_spam": "yes", "internal_date": "received-time",
                "user": "anna@gmail.com", "concurrency": "1"}
        with self.evpopd(keys) as evpopd:
            self.gmail.wait_messages(2)
            self.wait_outbox(evpopd, "delivered", 2)
            self.assertEqual(len(self.gmail.found("Fetched/shop")), 2)
            self.assertEqual(self.gmail.found("INBOX"), [])
            self.assertEqual(len(self.gmail.found("UNREAD")), 2)
            self.assertEqual(self.gmail.counted("labels.list"), [200])
            self.assertEqual(self.gmail.counted("labels.create"), [200])
            query = self.gmail.imports[0]
            self.assertEqual(query["internalDateSource"], "receivedTime")
            self.assertEqual(query["neverMarkSpam"], "true")
            # Somebody deletes the label: it is made again.
            self.gmail.labels = {name: name for name in gmail.SYSTEM_LABELS}
            self.deliver(b"Subject: again\r\n" + SIMPLE)
            evpopd.poll("shop")
            self.gmail.wait_messages(3)
            self.wait_outbox(evpopd, "delivered", 3)
            self.assertEqual(len(self.gmail.found("Fetched/shop")), 1)

    def test_a_label_that_four_make_at_once(self):
        self.deliver(*(b"X: %d\r\n" % one + SIMPLE for one in range(8)))
        with self.evpopd({"label": "Other"}) as evpopd:
            self.wait_outbox(evpopd, "delivered", 8)
        self.assertEqual(len(self.gmail.found("Other")), 8)
        self.assertEqual(self.gmail.counted("labels.create").count(200), 1)

    def test_a_label_that_gmail_does_not_take(self):
        """Too many of them, or such a name: no message is to blame."""
        self.deliver(SIMPLE)
        refusal = gmail.Answer(400, "invalidArgument", "Invalid label name")
        self.gmail.troubles = lambda method, _: (
            refusal if method == "labels.create" else None)
        with self.evpopd({"label": "Other"}) as evpopd:
            procs.wait_for(
                lambda: evpopd.get("/v1/targets/gmail")["state"] == "refused",
                what="a target that needs attention")
            self.assertIn("Invalid label name",
                          evpopd.get("/v1/targets/gmail")["text"])
            self.assertEqual(evpopd.rows(
                "SELECT state, attempts FROM v_outbox"), [("waiting", 0)])
            self.gmail.troubles = lambda method, _: None
            evpopd.post("/v1/targets/gmail/probe")
            self.wait_outbox(evpopd, "delivered")
        self.assertEqual(len(self.gmail.found("Other")), 1)

    def test_spam_is_said(self):
        self.gmail.spam = lambda octets: b"no id" in octets
        self.deliver(UNNAMED)
        with self.evpopd() as evpopd:
            [(answer, _)] = self.wait_outbox(evpopd, "delivered")
        self.assertEqual(answer, "Gmail has filed it as spam")
        self.assertEqual(len(self.gmail.found("SPAM")), 1)

    # ---- what it refuses ----

    def test_policy_refuses_a_message_and_no_other(self):
        self.deliver(BLOCKED, SIMPLE, b"Subject: nobody\r\n\r\nx\r\n")
        with self.evpopd() as evpopd:
            self.wait_outbox(evpopd, "delivered")
            answers = sorted(answer for answer, _ in
                             self.wait_outbox(evpopd, "refused", 2))
        self.assertIn("400 Bad Request: Expected a single 'From' header",
                      answers[0])
        self.assertIn("Invalid attachment. Please check "
                      "https://support.google.com/mail/answer/6590", answers[1])

    def test_a_token_is_fetched_anew_once_it_is_refused(self):
        self.gmail.tokens = {"first"}
        file = self.server.folder / "token"
        file.write_text("first\n")
        keys = {"token_command": f"cat {file}", "concurrency": "1"}
        with self.evpopd(keys) as evpopd:
            self.deliver(SIMPLE)
            evpopd.poll("shop")
            self.wait_outbox(evpopd, "delivered")
            self.gmail.tokens = {"second"}
            file.write_text("second\n")
            self.deliver(UNNAMED)
            evpopd.poll("shop")
            self.wait_outbox(evpopd, "delivered", 2)
            self.assertEqual(self.gmail.counted("import"), [200, 401, 200])
            self.assertEqual(evpopd.rows(
                "SELECT DISTINCT attempts FROM v_outbox"), [(1,)])

    def expect_state(self, state, trouble, words):
        self.gmail.troubles = lambda method, number: trouble
        self.deliver(SIMPLE)
        with self.evpopd() as evpopd:
            procs.wait_for(
                lambda: evpopd.get("/v1/targets/gmail")["state"] == state,
                what=f"a target that is {state}")
            self.assertIn(words, evpopd.get("/v1/targets/gmail")["text"])
            self.assertEqual(evpopd.rows(
                "SELECT state, attempts FROM v_outbox"), [("waiting", 0)])
            self.gmail.troubles = lambda method, number: None
            self.gmail.tokens.add("token")
            evpopd.post("/v1/targets/gmail/probe")
            self.wait_outbox(evpopd, "delivered")
        self.assertEqual(len(self.gmail.found()), 1)

    def test_quotas_make_the_target_wait(self):
        for trouble, words in (
                (gmail.too_many(), "429 Too Many Requests"),
                (gmail.user_rate(), "User Rate Limit Exceeded"),
                (gmail.daily_limit(), "until midnight in California")):
            with self.subTest(words):
                self.setUp()
                self.expect_state("down", trouble, words)

    def test_what_a_person_must_do_is_said(self):
        for trouble, words in (
                (gmail.domain_policy(), "ask for this one to be allowed"),
                (gmail.scope_missing(), "auth/gmail.modify"),
                (gmail.api_disabled(), "enable the Gmail API")):
            with self.subTest(words):
                self.setUp()
                self.expect_state("refused", trouble, words)

    def test_a_wrong_token_is_tried_twice_and_no_more(self):
        self.gmail.tokens = set()
        self.expect_state("refused", None, "the token is not taken")
        self.assertEqual(self.gmail.counted("import")[:2], [401, 401])

    # ---- what it does not answer ----

    def test_imports_without_an_answer_are_found(self):
        """By their ids, by ours, by their dates; none is imported again."""
        undated = b"From: a@example.org\r\nMessage-ID: none\r\n\r\nx\r\n"
        odd = SIMPLE.replace(b"<1@example.org>", b"<a b>")
        messages = [SIMPLE, UNNAMED, undated, odd] * 2
        left = ["lost", "late"] * 4

        def trouble(method, _):
            return left.pop() if method == "import" and left else None

        self.gmail.troubles = trouble
        self.deliver(*messages)
        with self.evpopd() as evpopd:
            delivered = self.wait_outbox(evpopd, "delivered", len(messages))
            self.assertEqual({answer for answer, _ in delivered},
                             {"an earlier attempt has imported it"})
            self.assertEqual(
                {place.rpartition("/")[2] for _, place in delivered},
                {one["id"] for one in self.gmail.found()})
            self.assertEqual(self.bodies(), sorted(evpopd.bodies().values()))
        self.assertEqual(len(self.gmail.imports), len(messages))

    def test_what_is_found_late_is_not_imported_again(self):
        """Gmail's search does not know at once what has just come in."""
        left, searches = ["lost"], []

        def trouble(method, _):
            if method == "list":
                searches.append(method)
            if len(searches) == 2:
                for one in self.gmail.messages.values():
                    one["found_from"] = 0
            return left.pop() if method == "import" and left else None

        self.gmail.troubles = trouble
        self.gmail.index_delay_s = 1 << 30
        self.deliver(SIMPLE)
        with self.evpopd({"retry_max": "1m"}) as evpopd:
            [(answer, _)] = self.wait_outbox(evpopd, "delivered")
        self.assertEqual(answer, "an earlier attempt has imported it")
        self.assertEqual(self.gmail.counted("import"), [0])
        self.assertEqual(len(searches), 2)

    def test_an_import_that_was_not_made_is_made(self):
        """Once it is certain that Gmail has it not."""
        left = ["cut"]
        self.gmail.troubles = lambda method, _: (
            left.pop() if method == "import" and left else None)
        self.deliver(SIMPLE)
        with self.evpopd() as evpopd:
            self.wait_outbox(evpopd, "delivered")
        self.assertEqual(len(self.gmail.found()), 1)
        self.assertEqual(self.gmail.counted("import"), [0, 200])

    # ---- by OAuth 2 ----

    def make_token(self, *_):
        """Each token that is given is the only one that Gmail takes."""
        token = secrets.token_urlsafe(24)
        self.gmail.tokens = {token}
        return token

    def by_consent(self):
        """A target with a client, whose user was not asked yet."""
        self.auth = self.enterContext(authserver.AuthServer())
        self.auth.make_token = self.make_token
        evpopd = self.evpopd({"oauth2_flow": "code", **self.auth.keys()})
        del evpopd.targets["gmail"]["token_command"]
        key = evpopd.folder / "evpopd.key"
        evpopd.ctl("key", "generate", key)
        evpopd.daemon["key_file"] = key
        return evpopd

    def test_mail_waits_for_the_consent_of_its_user(self):
        self.deliver(SIMPLE)
        with self.by_consent() as evpopd:
            def shown():
                return evpopd.get("/v1/targets/gmail")

            procs.wait_for(lambda: shown()["state"] == "refused",
                           what="a target without a consent")
            self.assertEqual(shown()["authorization"]["state"], "none")
            self.assertIn("evpopctl oauth target:gmail",
                          shown()["authorization"]["advice"])
            asked = evpopd.post("/v1/targets/gmail/authorize", {
                "flow": "code", "redirect_uri": "http://127.0.0.1:4711/"})
            self.assertEqual(asked["target"], "gmail")
            evpopd.post("/v1/targets/gmail/authorize",
                        self.auth.browse(asked["authorization_url"]))
            self.wait_outbox(evpopd, "delivered")
            self.assertEqual(shown()["authorization"]["state"], "fresh")
            # One that Gmail takes no more is replaced in the same attempt.
            self.gmail.tokens = set()
            self.deliver(UNNAMED)
            evpopd.poll("shop")
            self.wait_outbox(evpopd, "delivered", 2)
            self.assertEqual(evpopd.rows(
                "SELECT DISTINCT attempts FROM v_outbox"), [(1,)])
            self.assertEqual(len(self.auth.grants("refresh_token")), 1)
            # The user withdraws it, and no message is blamed.
            self.auth.revoke()
            self.gmail.tokens = set()
            self.deliver(b"Subject: again\r\n" + SIMPLE)
            evpopd.poll("shop")
            procs.wait_for(lambda: shown()["state"] == "refused",
                           what="a target whose consent is withdrawn")
            self.assertIn("expired or revoked",
                          shown()["authorization"]["text"])
            self.assertEqual(evpopd.rows(
                "SELECT attempts FROM v_outbox WHERE state = 'waiting'"),
                [(0,)])
        self.assertEqual(self.auth.mistakes, [])

    def test_doctor(self):
        with self.evpopd() as evpopd:
            shown = evpopd.ctl("doctor", "gmail").stdout
            self.assertIn("can be delivered", shown)
            self.gmail.troubles = lambda *_: gmail.scope_missing()
            shown = evpopd.ctl("doctor", "gmail", code=77).stdout
            self.assertIn("auth/gmail.modify", shown)


if __name__ == "__main__":
    unittest.main(verbosity=2)
