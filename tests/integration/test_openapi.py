"""openapi.json and the daemon say the same, both ways.

CASES has a line for each route, parameter and status: what is described and
has no line here is named at the end, and so is each member of the JSON that no
answer had.  What cannot be met in this test stands in UNMET, with the reason.
unit.control_openapi compares the description with the table of routes.
"""

import contextlib
import json
import multiprocessing
import os
import pathlib
import re
import sqlite3
import unittest

from harness import contract, corpus, daemon, maildropd, procs, scripted

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "daemon" / "control"
USERS = {name: "secret" for name in ("anna", "carl", "dora", "erik", "fred",
                                 "gina", "hugo", "ines")}

# In this order: method, target, status, and headers of the request.
CASES = [
    ("GET", "/v1/openapi.json", 200),
    ("GET", "/v1/openapi.json", 304, {"If-None-Match": "*"}),
    ("GET", "/v1/health", 200),
    ("GET", "/v1/status", 200),
    ("GET", "/metrics", 200),
    ("GET", "/metrics?accounts=failing", 200,
     {"Accept": "text/plain"}),
    ("GET", "/metrics?accounts=some", 400),

    ("GET", "/v1/accounts", 200),
    ("GET", "/v1/accounts?limit=1&cursor=anna", 200),
    ("GET", "/v1/accounts?state=failing&name=c*", 200),
    ("GET", "/v1/accounts?state=odd", 400),
    ("GET", "/v1/accounts/anna", 200),
    ("GET", "/v1/accounts/carl", 200),
    ("GET", "/v1/accounts/hugo", 200),
    ("GET", "/v1/accounts/ines", 200),
    ("GET", "/v1/accounts/erik", 200),
    ("POST", "/v1/accounts/moved/pause", 200),
    ("GET", "/v1/accounts/moved", 200),
    ("GET", "/v1/accounts/renamed", 200),
    ("GET", "/v1/accounts/nobody", 404),
    ("POST", "/v1/accounts/anna/pause", 200),
    ("POST", "/v1/accounts/anna/pause", 409),
    ("POST", "/v1/accounts/nobody/pause", 404),
    ("POST", "/v1/accounts/anna/resume", 200),
    ("POST", "/v1/accounts/anna/resume", 409),
    ("POST", "/v1/accounts/nobody/resume", 404),
    ("POST", "/v1/accounts/dora/poll", 409),
    ("POST", "/v1/accounts/nobody/poll", 404),
    ("POST", "/v1/accounts/anna/poll?mode=odd", 400),
    ("POST", "/v1/accounts/bert/poll?mode=dry-run", 202),
    ("GET", "/v1/accounts/anna/plan", 404),
    ("GET", "/v1/accounts/bert/plan?limit=1", 200),
    ("GET", "/v1/accounts/bert/plan?cursor=1.1", 409),
    ("GET", "/v1/accounts/ines/plan?limit=1", 200),
    ("GET", "/v1/polls?account=anna&limit=1", 200),
    ("GET", "/v1/polls?account=nobody", 404),
    ("GET", "/v1/polls?cursor=1000000", 200),
    ("GET", "/v1/polls?cursor=x", 400),

    ("GET", "/v1/messages?limit=2", 200),
    ("GET", "/v1/messages?account=bert&cursor=1000000", 200),
    ("GET", "/v1/messages?q=word&from=a&since=1d&before=2999-01-01", 200),
    ("GET", "/v1/messages?account=nobody", 404),
    ("GET", "/v1/messages?q=word&sort=rank&snippet=1", 200),
    ("GET", "/v1/messages/{message}/thread?limit=1&cursor={message}", 200),
    ("GET", "/v1/messages/{message}/thread?limit=1", 200),
    ("GET", "/v1/messages/999999/thread", 404),
    ("GET", "/v1/messages?after_id=0&limit=2", 200),
    ("GET", "/v1/messages?after_id=999999", 409),
    ("GET", "/v1/messages?after_id=0&q=word", 400),
    ("GET", "/v1/messages/{message}", 200),
    ("GET", "/v1/messages/999999", 404),
    ("GET", "/v1/messages/{message}/headers", 200),
    ("GET", "/v1/messages/999999/headers", 404),
    ("GET", "/v1/messages/{message}/text", 200),
    ("GET", "/v1/messages/999999/text", 404),
    ("GET", "/v1/messages/{message}/parts/2", 200),
    ("GET", "/v1/messages/{message}/parts/2", 304, {"If-None-Match": "*"}),
    ("GET", "/v1/messages/{message}/parts/99", 404),
    ("GET", "/v1/messages/{message}/raw", 200),
    ("GET", "/v1/messages/{message}/raw", 304, {"If-None-Match": "*"}),
    ("GET", "/v1/messages/{message}/raw", 200, {"Range": "bytes=0-9", "If-Range": '"x"'}),
    ("GET", "/v1/messages/{message}/raw", 416, {"Range": "bytes=1000000-"}),
    ("GET", "/v1/messages/{message}/raw", 206, {"Range": "bytes=2-3"}),
    ("GET", "/v1/messages/999999/raw", 404),

    ("GET", "/v1/quarantine?limit=1", 200),
    ("GET", "/v1/quarantine?account=bert&cursor=1000000", 200),
    ("GET", "/v1/quarantine?account=nobody", 404),
    ("GET", "/v1/quarantine/{quarantined}", 200),
    ("GET", "/v1/quarantine/999999", 404),
    ("GET", "/v1/quarantine/{quarantined}/raw", 200),
    ("GET", "/v1/quarantine/{quarantined}/raw", 304, {"If-None-Match": "*"}),
    ("GET", "/v1/quarantine/{quarantined}/raw", 200, {"Range": "bytes=0-9", "If-Range": '"x"'}),
    ("GET", "/v1/quarantine/{quarantined}/raw", 416, {"Range": "bytes=1000000-"}),
    ("GET", "/v1/quarantine/999999/raw", 404),
    ("POST", "/v1/quarantine/{quarantined}/retry", 202),
    ("POST", "/v1/quarantine/{quarantined}/retry", 404),
    ("POST", "/v1/quarantine/retry?account=nobody", 404),
    ("POST", "/v1/quarantine/retry?account=bert", 202),

    ("GET", "/v1/store/accounts", 200),
    ("POST", "/v1/messages/{message}/hold?reason=case", 200),
    ("POST", "/v1/messages/{message}/hold?reason=case", 409),
    ("POST", "/v1/messages/{message}/hold", 400),
    ("POST", "/v1/messages/999999/hold?reason=case", 404),
    ("GET", "/v1/messages/{message}", 200),
    ("DELETE", "/v1/messages/{message}?reason=test", 409),
    ("POST", "/v1/messages/{message}/release?reason=over", 200),
    ("POST", "/v1/messages/{message}/release", 409),
    ("POST", "/v1/messages/999999/release", 404),
    ("DELETE", "/v1/messages/999999?reason=test", 404),
    ("DELETE", "/v1/messages/{message}?reason=test", 200),
    ("DELETE", "/v1/messages?account=nobody&reason=test", 404),
    ("DELETE", "/v1/messages?account=former&reason=test&limit=2&after_id=1", 200),
    ("DELETE", "/v1/messages?account=former", 400),

    ("GET", "/v1/audit?limit=1", 200),
    ("GET", "/v1/audit?who=root&action=read&cursor=1000000", 200),

    ("POST", "/v1/store/check", 202),
    ("GET", "/v1/store/check", 200),
]

# What is described, and why it cannot be met here.
UNMET = {
    "startBackup 503 application/json": "needs a daemon without memory",
    "startBackup 409 application/json": "needs a store that takes long to copy",
    "getQuarantinedRaw 206 application/octet-stream":
        "needs a message that broke off; integration.raw",
    "startCheck 503 application/json": "needs a daemon without memory",
    "startCheck 409 application/json": "needs a store that takes long to check",
    "readEvents 503 application/json":
        "needs many readers; unit.control_events",
    "Plan.entries.subject":
        "needs a stored message to delete; integration.policy",
    "Status.clock.text": "needs a wrong clock; integration.clock",
    "Status.clock.hint": "needs a wrong clock; integration.clock",
    "Status.limits.text": "needs few descriptors; integration.descriptors",
}


# It has something of everything.
MESSAGE = b"""\
From: Anna <a@example.org>
To: b@example.org
Cc: c@example.org
Subject: word
Message-ID: <1@example.org>
Date: Thu, 1 Jan 2026 12:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=one

--one
Content-Type: text/plain; charset=utf-8

word
--one
Content-Type: application/pdf; name=a.pdf
Content-Disposition: attachment; filename=a.pdf

a
--one
Content-Type: message/rfc822

Subject: enclosed

word
--one--
""".replace(b"\n", b"\r\n")


def filled(path):
    """A path of the description, with the names of something."""
    return re.sub(r"\{\w+\}", "1", path.replace("{name}", "anna"))


def as_nobody(evpopd, requests):
    """What another user gets: (status, headers, body) of each request."""
    def run(pipe):
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        other = daemon.Evpopd.client(evpopd.socket)
        for method, target in requests:
            status, headers, body = other.request(method, target)
            pipe.send((status, dict(headers), body))
        other.disconnect()

    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=run, args=(theirs,))
    child.start()
    theirs.close()
    try:
        return [ours.recv() for _ in requests]
    finally:
        child.join(daemon.PATIENCE)


class OpenapiTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(
            maildropd.MaildropServer(users=USERS))
        for name in ("anna", "erik", "fred", "gina", "ines"):
            cls.server.deliver(name, corpus.messages(30, seed=len(name)))
        cls.server.deliver("anna", [MESSAGE.replace(
            b"Message-ID: <1@", b"In-Reply-To: <1@"), MESSAGE])
        refused = b"-ERR it is damaged\r\n"
        cls.scripted = cls.enterClassContext(scripted.ScriptedServer(
            corpus.messages(5, seed=3),
            {"UIDL": cls.odd_listing, "RETR 2": refused, "RETR 3": refused}))
        cls.evpopd = daemon.Evpopd({
            "anna": daemon.account_of(cls.server, "anna"),
            "bert": daemon.account_of(cls.scripted, "bert",
                                      max_message_size="10M"),
            "carl": daemon.account_of(cls.server, "carl", password="wrong"),
            "dora": daemon.account_of(cls.server, "dora", enabled="no"),
            "erik": daemon.account_of(cls.server, "erik", delete_guard=5),
            "former": daemon.account_of(cls.server, "fred"),
            "hugo": daemon.account_of(cls.server, "hugo", tls="implicit"),
            "ines": daemon.account_of(cls.server, "ines", fetch_after="7d"),
            "moved": daemon.account_of(cls.server, "gina"),
        }, control={"mode": "0666", "admin": "nosuchuser"},
            hook={"on_failure": "exit 2"})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.folder.chmod(0o711)
        cls.evpopd.start()
        cls.evpopd.wait_polled("anna", "bert", "carl", "erik", "former",
                               "moved")
        cls.fill()
        cls.contract = contract.Contract(
            cls.evpopd, cls.evpopd.get("/v1/openapi.json"))

    @classmethod
    def odd_listing(cls, connection, line):
        """UIDL with unique-ids that are not printable ASCII."""
        connection.sendall(b"+OK\r\n" + b"".join(
            b"%d id-%d\xe9\r\n" % (number, number) for number in
            range(1, len(cls.scripted.messages) + 1)) + b".\r\n")
        return True

    @classmethod
    def fill_quarantine(cls):
        """What is refused in three sessions that give others goes there."""
        for round_ in range(3):
            cls.scripted.messages += corpus.messages(1, seed=100 + round_)
            cls.evpopd.poll("bert")

    @classmethod
    def fill(cls):
        """Let there be something of everything."""
        evpopd = cls.evpopd
        cls.fill_quarantine()
        evpopd.accounts["renamed"] = evpopd.accounts.pop("former")
        evpopd.accounts["moved"]["user"] = "dora"
        evpopd.change("erik", keep="delete")
        evpopd.wait_account("moved", lambda one: one["moved"] is not None)
        cls.scripted.messages += corpus.messages(3, seed=7)
        for name in ("bert", "ines"):
            evpopd.post(f"/v1/accounts/{name}/poll?mode=dry-run")
            evpopd.wait_rest(name)
        procs.wait_for(lambda: evpopd.get(
            "/v1/messages?q=enclosed")["messages"], what="the index")
        found = {
            "message": evpopd.messages("anna")[0]["id"],
            "quarantined": evpopd.get("/v1/quarantine")["quarantine"][0]["id"],
        }
        cls.cases = [(method, target.format(**found), *rest)
                     for method, target, *rest in CASES]

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    # The whole of it, and in the end what was left out.

    def test_everything_answers_as_described(self):
        for method, target, status, *headers in self.cases:
            with self.subTest(f"{method} {target}"):
                self.contract.ask(method, target, status, *headers)
                self.wait_quiet()
        self.ask_wrongly()
        self.ask_reload()
        self.ask_disabled()
        if os.geteuid() == 0:
            self.ask_as_nobody()
        self.ask_a_store_in_trouble()
        self.ask_events()
        self.ask_backups()
        self.ask_imports()
        self.ask_a_store_that_is_gone()
        self.compare()

    def ask_imports(self):
        """A message whole, again, in pieces, and wrongly."""
        where = "/v1/accounts/bert/messages"
        for target, status, content in (
                (where, 201, b"Subject: new\r\n\r\nnew\r\n"),
                (where, 200, b"Subject: new\r\n\r\nnew\r\n"),
                (where + "?upload=a&more=yes", 202, b"Subject: "),
                (where + "?upload=a&offset=8&more=no", 409, b"parts\r\n\r\n"),
                (where + "?upload=a&offset=9&more=no", 201, b"parts\r\n\r\n"),
                (where, 400, b""),
                ("/v1/accounts/nobody/messages", 404, b"Subject: x\r\n"),
                *((f"{where}?upload=u{number}&more=yes", 202, b"Subject: ")
                  for number in range(16)),
                (where + "?upload=u&more=yes", 503, b"Subject: ")):
            self.contract.ask("POST", target, status, content=content,
                              headers={"Content-Type": "message/rfc822"})

    def ask_backups(self):
        """None yet, one that goes well, and one that fails."""
        for file in (None, "copy.db", "/none/copy.db"):
            if file is not None:
                self.contract.ask("POST", f"/v1/store/backup?file={file}", 202)
                procs.wait_for(lambda: not self.evpopd.get("/v1/store/backup")
                               ["running"], daemon.PATIENCE, "the copy")
            self.contract.ask("GET", "/v1/store/backup", 200)

    def wait_quiet(self):
        """What was asked for last has ended."""
        self.evpopd.wait_rest("bert")
        procs.wait_for(lambda: not self.evpopd.get("/v1/store/check")
                       ["running"], daemon.PATIENCE, "the check's end")

    def targets(self):
        """Each operation, with the path of something that exists."""
        for one in self.contract.operations.values():
            yield one, filled(one.path)

    def ask_wrongly(self):
        for one, target in self.targets():
            with self.subTest(one.id):
                self.contract.ask(one.method.upper(), target + "?nonsense=1",
                                  400)

    def ask_reload(self):
        evpopd, ask = self.evpopd, self.contract.ask
        evpopd.write_config("[nonsense]\n")
        ask("POST", "/v1/reload", 409)
        evpopd.store["path"] = evpopd.folder / "another.db"
        evpopd.write_config()
        ask("POST", "/v1/reload", 200)
        del evpopd.store["path"]
        evpopd.write_config()
        ask("POST", "/v1/reload", 200)

    def ask_disabled(self):
        """Retries of an account that is not polled."""
        evpopd, ask = self.evpopd, self.contract.ask
        self.fill_quarantine()
        evpopd.accounts["bert"]["enabled"] = "no"
        evpopd.write_config()
        evpopd.post("/v1/reload")
        one = evpopd.get("/v1/quarantine")["quarantine"][0]["id"]
        ask("POST", f"/v1/quarantine/{one}/retry", 202)
        ask("POST", "/v1/quarantine/retry", 202)

    def ask_as_nobody(self):
        asked = [(one, target) for one, target in self.targets()
                 if one.role != "anyone"]
        answers = as_nobody(self.evpopd, [
            (one.method.upper(), target) for one, target in asked])
        for (one, _), (status, headers, body) in zip(asked, answers):
            with self.subTest(one.id):
                self.assertEqual(status, 403, one.id)
                self.contract.check(one, status, headers, body)

    def ask_a_store_in_trouble(self):
        """Another process holds it, and then its file is gone."""
        evpopd, ask = self.evpopd, self.contract.ask
        with contextlib.closing(sqlite3.connect(
                evpopd.store_file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            evpopd.post("/v1/accounts/anna/poll")
            evpopd.wait_health("busy")
            ask("GET", "/v1/status", 200)
            ask("GET", "/v1/health", 503)
            ask("POST", "/v1/accounts/anna/poll", 503)
            message = evpopd.messages("erik")[0]["id"]
            why = "?reason=case"
            ask("POST", f"/v1/messages/{message}/hold{why}", 503)
            ask("DELETE", f"/v1/messages/{message}{why}", 503)
            ask("DELETE", f"/v1/messages{why}&account=erik", 503)
            other.execute("ROLLBACK")
        evpopd.wait_health("ok")

    def ask_events(self):
        """All that was told of the above, and that a hook failed."""
        self.evpopd.wait_logged("on_failure failed")
        self.contract.ask("GET", "/v1/status", 200)
        newest = self.evpopd.get("/v1/status")["events"]["newest"]
        for target, headers in (("/v1/events?since=1", {}),
                                ("/v1/events", {"Last-Event-ID": newest})):
            with self.evpopd.stream(target, headers) as answer:
                self.contract.check_events("GET", target, answer, newest,
                                           headers)

    def ask_a_store_that_is_gone(self):
        """Its file was overwritten: all that needs it says so."""
        evpopd = daemon.Evpopd({
            name: daemon.account_of(self.server, name)
            for name in ("anna", "erik")})
        self.addCleanup(evpopd.remove)
        evpopd.start()
        evpopd.wait_polled()
        evpopd.post("/v1/accounts/erik/pause")
        with evpopd.database(write=True) as store:
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(evpopd.store_file, "r+b") as file:
            file.write(b"\0" * evpopd.store_file.stat().st_size)
        # Who writes finds that out at once.
        evpopd.store_file.rename(evpopd.folder / "was.db")
        evpopd.request("POST", "/v1/accounts/anna/poll")
        evpopd.wait_health("replaced")
        for one, target in self.targets():
            # What is paused can be resumed.
            if one.id == "resumeAccount":
                target = target.replace("anna", "erik")
            if "503" in one.responses and one.id != "readEvents":
                with self.subTest(one.id):
                    status, headers, body = evpopd.request(
                        one.method.upper(), target)
                    self.contract.check(one, status, headers, body)
        procs.wait_for(lambda: not evpopd.get("/v1/store/check")["running"],
                       what="the check's end")
        self.contract.check(self.contract.operations["getCheck"],
                            *evpopd.request("GET", "/v1/store/check"))

    def compare(self):
        left = [*self.contract.untried(), *self.contract.unseen()]
        if os.geteuid() != 0:
            left = [one for one in left if " 403 " not in one]
        self.assertEqual([one for one in left if one not in UNMET], [],
                         "described, and never met: add a case")
        self.assertEqual([one for one in UNMET if one not in left], [],
                         "met all the same: no longer in UNMET")

    # The description itself

    def test_it_is_served_as_it_is_in_the_source(self):
        _, headers, body = self.evpopd.request("GET", "/v1/openapi.json")
        self.assertEqual(body, (SOURCE / "openapi.json").read_bytes())
        self.assertEqual(headers["Content-Type"], "application/json")
        tag = headers["ETag"]
        for known, status in ((tag, 304), (f'"x", W/{tag}', 304),
                              ('"x"', 200)):
            got, headers, body = self.evpopd.request(
                "GET", "/v1/openapi.json", {"If-None-Match": known})
            self.assertEqual((got, headers["ETag"]), (status, tag))
            self.assertEqual(body == b"", status == 304)
        self.assertEqual(self.contract.document["info"]["version"],
                         self.evpopd.get("/v1/status")["version"])

    def test_objects_are_closed(self):
        self.assertEqual(self.contract.open_objects(), ["getOpenapi"])

    def test_codes_of_errors_are_described(self):
        known = set(self.contract.at(
            contract.ERROR)["properties"]["error"]["properties"]["code"]
            ["enum"])
        used = set()
        for file in SOURCE.glob("*.c"):
            text = file.read_text()
            used |= set(re.findall(r'\\"code\\":\\"(\w+)', text))
            for call in re.findall(r"response_error\(\s*[\w.]+,([^,]+),", text):
                used |= set(re.findall(r'"(\w+)"', call))
        self.assertEqual(used ^ known, set())

    def test_other_methods_are_refused(self):
        for path, methods in self.contract.document["paths"].items():
            target = filled(path)
            takes = [one for one in contract.METHODS if one in methods]
            allow = ", ".join(one.upper() for one in takes).replace(
                "GET", "GET, HEAD")
            for method in {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH",
                           "OPTIONS", "TRACE"} - set(allow.split(", ")):
                with self.subTest(f"{method} {path}"):
                    status, headers, body = self.evpopd.request(method, target)
                    self.assertEqual((status, headers["Allow"]), (405, allow))
                    self.assertEqual(headers["Content-Type"],
                                     "application/json")
                    if method != "HEAD":
                        self.contract.validate(
                            {"$ref": contract.ERROR}, json.loads(body),
                            f"{path} 405")


if __name__ == "__main__":
    unittest.main()
