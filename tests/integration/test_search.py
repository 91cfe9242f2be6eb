"""People look for their mail: words, fields, order, pieces, conversations."""

import os
import unittest
import urllib.parse

from harness import daemon, dovecot, maildropd, procs

PDF = ("--b\r\nContent-Type: application/pdf; name=\"scan_2026.pdf\"\r\n"
       "Content-Disposition: attachment; filename=\"scan_2026.pdf\"\r\n"
       "Content-Transfer-Encoding: base64\r\n\r\nJVBERi0K\r\n--b--\r\n")


def letter(name, sender, subject, text, *, header="", attached=False):
    """One message; its name is in its Message-ID."""
    head = (f"From: {sender}\r\nTo: Bob <bob@example.org>\r\n{header}"
            f"Subject: {subject}\r\nMessage-ID: <{name}@example.org>\r\n"
            "Date: Mon, 5 Jan 2026 23:30:00 +0000\r\nMIME-Version: 1.0\r\n")
    kind = "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    if attached:
        return (f"{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                f"--b\r\n{kind}{text}\r\n{PDF}").encode()
    return f"{head}{kind}{text}\r\n".encode()


LETTERS = {
    "invoice": letter("invoice", "Anna Berg <anna@example.org>",
                      "Invoice of March", "Dear Bob, here is it: lorem ipsum.",
                      header="Cc: Dora <dora@example.net>\r\n",
                      attached=True),
    "reply": letter("reply", "Bob <bob@example.org>", "Re: Invoice of March",
                    "Thank you for the invoice.",
                    header="In-Reply-To: <invoice@example.org>\r\n"),
    "draft": letter("draft", "Anna Berg <anna@example.org>", "draft",
                    "An invoice, but only a draft. M\u00fcller"),
    "report": letter("report", "Carl <carl@example.net>", "Annual report",
                     "2026\u5e74\u5ea6\u9884\u7b97\u62a5\u544a "
                     + "words " * 3000),
}
SENT = letter("sent", "Bob <bob@example.org>", "Re: Re: Invoice of March",
              "paid", header="References: <invoice@example.org>"
              " <reply@example.org>\r\n")


class SearchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        users = {"anna": "secret", "sent": "secret"}
        server = (dovecot.Dovecot(users=users) if dovecot.available()
                  else maildropd.MaildropServer(users=users, tls=False))
        cls.server = cls.enterClassContext(server)
        for octets in LETTERS.values():
            cls.server.deliver("anna", [octets])
        cls.server.deliver("sent", [SENT])
        cls.evpopd = cls.enterClassContext(daemon.Evpopd(
            {"home": daemon.account_of(cls.server, "anna"),
             "sent": daemon.account_of(cls.server, "sent")}))
        cls.evpopd.wait_polled()
        procs.wait_for(lambda: cls.is_indexed() and len(cls.find(
            "example")) == 5, what="the index")

    @classmethod
    def page(cls, words, **parameters):
        return cls.evpopd.get("/v1/messages?" + urllib.parse.urlencode(
            {"q": words, **parameters}))

    @classmethod
    def is_indexed(cls):
        return cls.page("example")["index_complete"]

    @classmethod
    def find(cls, words, **parameters):
        """The names of what is found, in the answer's order."""
        return [row["message_id"][1:].partition("@")[0]
                for row in cls.page(words, **parameters)["messages"]]

    def ctl(self, *words, code=0, **environment):
        done = self.evpopd.ctl(*words, code=code,
                               env={**os.environ, **environment})
        return done.stdout, done.stderr

    def id_of(self, name):
        (row,) = self.page(f"id:{name}@example.org")["messages"]
        return row["id"]

    def test_fields_in_any_order(self):
        for words, names in (
                ("invoice", {"invoice", "reply", "draft", "sent"}),
                ("invoice -draft", {"invoice", "reply", "sent"}),
                ("-draft invoice", {"invoice", "reply", "sent"}),
                ("from:anna invoice", {"invoice", "draft"}),
                ("invoice from:anna -subject:draft", {"invoice"}),
                ("to:bob from:anna", {"invoice", "draft"}),
                ("to:dora", {"invoice"}), ("cc:dora", {"invoice"}),
                ("cc:bob", set()),
                ("subject:report", {"report"}),
                ("subject:\"invoice of march\"",
                 {"invoice", "reply", "sent"}),
                ("account:sent", {"sent"}),
                ("account:sent invoice -draft", {"sent"}),
                ("account:home -account:sent invoice",
                 {"invoice", "reply", "draft"}),
                ("has:attachment", {"invoice"}),
                ("-has:attachment from:anna", {"draft"}),
                ("filename:scan", {"invoice"}),
                ("filename:\"scan 2026 pdf\"", {"invoice"}),
                ("filename:sca* from:anna has:attachment larger:100",
                 {"invoice"}),
                ("larger:10K", {"report"}),
                ("smaller:10K account:home", {"invoice", "reply", "draft"}),
                ("since:1h invoice", {"invoice", "reply", "draft", "sent"}),
                ("before:1h invoice", set()),
                ("since:2020-01-01 before:2100-01-01 report", {"report"}),
                ("report OR draft", {"report", "draft"}),
                ("(report OR draft) from:anna", {"draft"}),
                ("from:(carl OR bob)", {"report", "reply", "sent"}),
                ("invoi* -of", {"draft"}),
                ("\"here is it\"", {"invoice"}), ("\"it is here\"", set()),
                ("muller", {"draft"}), ("M\u00dcLLER", {"draft"}),
                ("\u9884\u7b97", {"report"}),
                ("id:reply@example.org", {"reply"}),
                ("body:march", set()), ("march", {"invoice", "reply",
                                                  "sent"})):
            with self.subTest(words):
                self.assertEqual(set(self.find(words)), names)
                self.assertEqual(set(self.find(words, sort="rank")), names)
                found = self.ctl("messages", "-q", words)[0].splitlines()
                self.assertEqual(len(found) - 1, len(names) or 0)

    def test_an_account_that_is_not_there(self):
        """Rather mistyped than without mail."""
        for words in ("account:hmoe invoice", "invoice -account:hmoe from:x"):
            with self.assertRaises(daemon.Refused) as caught:
                self.page(words)
            self.assertEqual(caught.exception.status, 404)
        _, err = self.ctl("search", "account:hmoe", code=66)
        self.assertIn('"hmoe"', err)
        self.assertEqual(set(self.find("account:hmoe OR from:carl")),
                         {"report"})

    def test_the_account_beside_it(self):
        self.assertEqual(self.find("invoice", account="sent"), ["sent"])
        self.assertEqual(self.find("invoice", account="home", sort="rank",
                                   limit=1, **{"from": "anna"}), ["invoice"])

    def test_wrong_syntax(self):
        for words, message in (
                ("form:anna", 'there is no field "form:" (character 1)'),
                ("a b OR", '"OR" needs words on both sides (character 5)'),
                ("say \"this", "not closed (character 5)"),
                ("since:never", '"never" cannot stand behind "since:"'),
                ("'; DROP TABLE message; --", "\"--\" has no letter")):
            with self.subTest(words):
                with self.assertRaises(daemon.Refused) as caught:
                    self.page(words)
                self.assertEqual(caught.exception.status, 400)
                self.assertEqual(caught.exception.error["code"], "bad_query")
                self.assertIn(message, caught.exception.error["message"])
                for command in (("search",), ("messages", "-q")):
                    out, err = self.ctl(*command, words, code=64)
                    self.assertEqual(out, "")
                    self.assertIn(message, err)
        for parameters in ("sort=rank", "snippet=1", "q=a&sort=best",
                           "q=a&snippet=2", "q=", "q=%20"):
            with self.subTest(parameters):
                with self.assertRaises(daemon.Refused):
                    self.evpopd.get(f"/v1/messages?{parameters}")

    def test_ranked_pages(self):
        page = self.page("invoice OR report", sort="rank", limit=2)
        self.assertEqual((page["ranked_among"], page["ranked_all"]),
                         (5, True))
        rest = self.page("invoice OR report", sort="rank", limit=3,
                         cursor=page["next_cursor"])
        self.assertNotIn("next_cursor", rest)
        ids = [row["id"] for row in page["messages"] + rest["messages"]]
        self.assertEqual(len(set(ids)), 5)
        # In the subject it tells more than in the text.
        self.assertEqual(self.find("report", sort="rank")[0], "report")
        self.assertEqual(self.find("invoice", sort="rank")[-1], "draft")

    def test_snippets(self):
        (row,) = self.page("\"thank you\"", snippet=1)["messages"]
        self.assertEqual(row["snippet"], {
            "text": "Thank you for the invoice.",
            "hits": [{"start": 0, "length": 9}]})
        (row,) = self.page("muller", snippet=1)["messages"]
        text, (hit,) = row["snippet"]["text"], row["snippet"]["hits"]
        self.assertEqual(text[hit["start"]:][:hit["length"]], "M\u00fcller")
        (row,) = self.page("muller")["messages"]
        self.assertNotIn("snippet", row)

    def test_the_command(self):
        out, err = self.ctl("search", "from:anna", "invoice",
                            TZ="Europe/Berlin")
        self.assertEqual(err, "")
        lines = out.splitlines()
        self.assertEqual(len(lines), 4, out)
        # The reader's zone is a day ahead.
        self.assertRegex(lines[0], r"^ *\d+  2026-01-06 00:30  Anna Berg")
        self.assertTrue(lines[2].endswith("  Invoice of March"), out)
        self.assertEqual(lines[3].strip(),
                         "Dear Bob, here is it: lorem ipsum.")
        self.assertIn("invoice, but only a draft", lines[1])
        self.assertEqual(self.ctl("search", "absent"),
                         ("nothing found\n", ""))
        self.assertEqual(self.ctl("messages", "-q", "absent"),
                         ("nothing found\n", ""))
        found = self.evpopd.ctl_json("search", "-n", "1", "invoice", "-A",
                                     "sent")
        self.assertEqual(len(found["messages"]), 1)
        _, err = self.ctl("search", "invoice", "-lorem", code=64)
        self.assertIn('behind "--"', err)
        self.assertIn("Re: Invoice", self.ctl(
            "search", "--", "-lorem", "invoice")[0])
        self.ctl("search", "-r", "--newest", "x", code=64)
        self.ctl("search", code=64)

    def test_times_are_the_readers(self):
        """A day begins when it does where it is typed."""
        stored = self.page("id:reply@example.org")["messages"][0]["stored_at"]
        day = stored[:10]
        for zone, found in (("UTC", True), ("ABC-14", True)):
            out, _ = self.ctl("search", "id:reply@example.org",
                              f"since:{day}", TZ=zone)
            self.assertEqual("Re: Invoice" in out, found, zone)
        minute = stored[:16]
        for words in (("search", f"before:{minute} id:reply@example.org"),
                      ("search", "-B", minute, "id:reply@example.org")):
            self.assertEqual(self.ctl(*words, TZ="UTC")[0],
                             "nothing found\n")
            # Where it is five hours earlier, that minute is still to come.
            self.assertIn("Re: Invoice", self.ctl(*words, TZ="EST5")[0])

    def test_conversations(self):
        invoice = self.id_of("invoice")
        page = self.evpopd.get(f"/v1/messages/{invoice}/thread")
        self.assertEqual(
            {(row["message_id"], row["account"])
             for row in page["messages"]},
            {("<invoice@example.org>", "home"),
             ("<reply@example.org>", "home"),
             ("<sent@example.org>", "sent")})
        self.assertFalse(page["thread_cut"])
        whole = [row["id"] for row in page["messages"]]
        self.assertEqual(whole, [row["id"] for row in self.evpopd.pages(
            f"/v1/messages/{whole[2]}/thread", "messages", 1)])
        out, _ = self.ctl("messages", "--thread", str(invoice))
        self.assertEqual([int(line.split()[0])
                          for line in out.splitlines()[1:]], whole)
        self.ctl("messages", "-t", "4711", code=66)
        self.ctl("messages", "-t", "x", code=64)
        self.ctl("messages", "-t", "1", "-q", "a", code=64)

    def test_dates_are_shown(self):
        out, _ = self.ctl("messages", "-q", "id:reply@example.org",
                          TZ="Europe/Berlin")
        self.assertIn("2026-01-06 00:30", out)
        self.assertIn("STORED", self.ctl("messages", "--stored")[0])

    def test_without_a_daemon(self):
        done = procs.run([self.evpopd.ctl_program, "--store",
                          self.evpopd.store_file, "search", "-r",
                          "from:carl report"])
        self.assertIn("Annual report", done.stdout)


if __name__ == "__main__":
    unittest.main()
