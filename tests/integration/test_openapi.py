"""openapi.json and the daemon say the same, both ways.

CASES (openapi_cases.py) has a line for each route, parameter and status: what is described and
has no line there is named at the end, and so is each member of the JSON that no
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

from harness import (authserver, contract, corpus, daemon, maildropd, procs, scripted,
                     webhook)
from openapi_cases import CASES, UNMET

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "daemon" / "control"
USERS = {name: "secret" for name in ("anna", "carl", "dora", "erik", "fred",
                                 "gina", "hugo", "ines")}

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
        cls.desk = cls.enterClassContext(webhook.Receiver(tls=False))
        cls.desk.answers = [422] * 1000
        cls.moved = cls.enterClassContext(webhook.Receiver(tls=False))
        cls.moved.answers = [404] * 1000
        cls.auth = cls.enterClassContext(authserver.AuthServer(user="olga"))
        cls.evpopd = daemon.Evpopd({
            "anna": daemon.account_of(cls.server, "anna",
                                      deliver="anna, desk, down, moved",
                                      deliver_to="anna@example.org"),
            "bert": daemon.account_of(cls.scripted, "bert",
                                      max_message_size="10M"),
            "carl": daemon.account_of(cls.server, "carl", password="wrong"),
            "dora": daemon.account_of(cls.server, "dora", enabled="no"),
            "erik": daemon.account_of(cls.server, "erik", delete_guard=5),
            "former": daemon.account_of(cls.server, "fred"),
            "hugo": daemon.account_of(cls.server, "hugo", tls="implicit"),
            "ines": daemon.account_of(cls.server, "ines", fetch_after="7d"),
            "moved": daemon.account_of(cls.server, "gina"),
            "olga": {**daemon.account_of(
                cls.server, "anna", password=None, enabled="no",
                **cls.auth.keys()), "user": "olga"},
        }, control={"mode": "0666", "admin": "nosuchuser"},
            hook={"on_failure": "exit 2"})
        cls.addClassCleanup(cls.evpopd.remove)
        cls.evpopd.targets = cls.targets_of(cls.evpopd)
        key = cls.evpopd.folder / "evpopd.key"
        cls.evpopd.ctl("key", "generate", key)
        cls.evpopd.daemon["key_file"] = key
        cls.evpopd.folder.chmod(0o711)
        cls.evpopd.start()
        cls.evpopd.wait_polled("anna", "bert", "carl", "erik", "former",
                               "moved")
        cls.fill()
        cls.contract = contract.Contract(
            cls.evpopd, cls.evpopd.get("/v1/openapi.json"))

    @classmethod
    def targets_of(cls, evpopd):
        """One that takes mail, one that refuses it, two that are down, one of
        them for good, and one that is not wanted."""
        return {
            "anna": {"type": "maildir", "path": evpopd.folder / "{account}",
                     "folder": "Work"},
            "desk": {"type": "http", "url": cls.desk.url,
                     "allow_private": "yes"},
            "moved": {"type": "http", "url": cls.moved.url,
                      "allow_private": "yes"},
            "down": {"type": "lmtp", "socket": evpopd.folder / "none",
                     "deliver_to": "{user}@example.org",
                     "rspamd": "http://127.0.0.1:9", "spam_target": "anna"},
            "web": {"type": "gmail", **cls.auth.keys()},
            "off": {"type": "maildir", "path": evpopd.folder / "off",
                    "enabled": "no"},
        }

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
        for name, state in (("anna", "delivered"), ("desk", "refused")):
            procs.wait_for(lambda: evpopd.get(f"/v1/targets/{name}")[
                state] == 32, what=f"what is {state}")
        procs.wait_for(lambda: evpopd.get("/v1/targets/down")["state"]
                       == "down", what="a target that is down")
        rows = {row["state"]: row["id"]
                for row in evpopd.get("/v1/outbox?limit=1000")["outbox"]}
        found = {
            **rows,
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
        self.ask_for_what_is_put_off()
        self.ask_wrongly()
        self.ask_reload()
        self.ask_disabled()
        if os.geteuid() == 0:
            self.ask_as_nobody()
        self.ask_a_store_in_trouble()
        self.ask_events()
        self.ask_backups()
        self.ask_imports()
        for whose in ("accounts/olga", "targets/web"):
            self.ask_authorization(f"/v1/{whose}")
        self.ask_sealed()
        self.ask_a_store_that_is_gone()
        self.compare()

    def ask_for_what_is_put_off(self):
        """A delivery that waits for its next attempt, not one under way."""
        procs.wait_for(lambda: any(
            row["next"] for row in self.contract.ask(
                "GET", "/v1/outbox?limit=1000", 200)[2]["outbox"]),
            what="a delivery that is put off")

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

    def ask_authorization(self, owner):
        """A consent, by both flows, and one that does not come about."""
        where = owner + "/authorize"

        def ask(status, **said):
            return self.contract.ask("POST", where, status,
                                     content=json.dumps(said).encode())

        ask(200, flow="device")
        ask(409, code="a", state="b")
        ask(400, flow="code", redirect_uri="http://example.org/")
        self.auth.is_down = True
        ask(503, flow="device")
        self.auth.is_down = False
        self.contract.ask("GET", owner, 200)
        ask(200, flow="code", redirect_uri="http://127.0.0.1:1/")
        asked = self.evpopd.post(where, {
            "flow": "code", "redirect_uri": "http://127.0.0.1:1/"})
        ask(200, **self.auth.browse(asked["authorization_url"]))
        self.contract.ask("GET", owner, 200)
        self.contract.ask("DELETE", where, 200)

    def ask_sealed(self):
        """Mail that the daemon cannot read, and what it has of a failure."""
        evpopd, ask = self.evpopd, self.contract.ask
        holder = evpopd.folder / "holder.key"
        evpopd.halt()
        # What is sealed cannot be delivered.
        deliver = evpopd.accounts["anna"].pop("deliver")
        evpopd.accounts["bert"]["enabled"] = "yes"
        evpopd.store["seal_to"] = evpopd.ctl(
            "key", "generate", holder).stdout.strip()
        evpopd.start()
        status, _, body = evpopd.request(
            "POST", "/v1/accounts/bert/messages",
            {"Content-Type": "message/rfc822"}, b"Subject: sealed\r\n\r\nx")
        self.assertEqual(status, 201)
        sealed = f"/v1/messages/{json.loads(body)['id']}"
        for route in ("headers", "text", "parts/1"):
            ask("GET", f"{sealed}/{route}", 409)
        ask("GET", "/v1/status", 200)
        for round_ in range(3):
            self.scripted.messages += corpus.messages(1, seed=210 + round_)
            evpopd.poll("bert")
        failed = next(
            f"/v1/quarantine/{one['id']}" for one in
            evpopd.get("/v1/quarantine")["quarantine"] if one["sealed"])
        for one in (sealed, failed):
            ask("GET", one, 200)
            ask("GET", f"{one}/raw", 200)
            ask("GET", f"{one}/raw", 206, {"Range": "bytes=2-30"})
        self.ask_keys(evpopd.request("GET", f"{sealed}/raw")[2])
        del evpopd.store["seal_to"]
        evpopd.accounts["anna"]["deliver"] = deliver
        evpopd.accounts["bert"]["enabled"] = "no"
        evpopd.restart()

    def ask_keys(self, form):
        """Keys of sealed mail, and one that is put in its place again."""
        magic = len(b"evpop-sealed-1\n")
        where = f"/v1/store/keys?recipient={form[magic + 5:magic + 13].hex()}"
        for of in ("messages", "quarantine"):
            self.contract.ask("GET", f"{where}&of={of}&limit=1", 200)
        row = self.evpopd.get(where)["keys"][-1]
        one = {"id": row["id"], "old": row["key"][64:96], "key": row["key"]}
        for target, status, content in (
                (where, 200, {"keys": [one]}),
                (where + "&of=quarantine", 200, {"keys": [one]}),
                ("/v1/store/keys?recipient=" + 16 * "0", 409, {"keys": [one]}),
                ("/v1/store/keys?recipient=1", 400, {"keys": [one]}),
                (where + "&of=mail", 400, {"keys": [one]}),
                (where, 400, {"keys": []}),
                (where, 400, {"keys": [one] * 101}),
                (where, 400, {"keys": [{**one, "old": "x" * 32}]}),
                (where, 400, [])):
            self.contract.ask(
                "POST", target, status, content=json.dumps(content).encode(),
                headers={"Content-Type": "application/json"})

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
        evpopd.targets = {
            name: {"type": "maildir", "path": evpopd.folder / name}
            for name in evpopd.accounts}
        evpopd.accounts["anna"]["deliver"] = "anna, erik"
        evpopd.start()
        evpopd.wait_polled()
        evpopd.post("/v1/accounts/erik/pause")
        evpopd.post("/v1/targets/erik/pause")
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
            if one.id in ("resumeAccount", "resumeTarget"):
                target = target.replace("anna", "erik")
            if one.id == "deliverMessages":
                target += "?target=anna"
            content = None
            if one.path == "/v1/store/keys":
                target += "?recipient=" + 16 * "0"
                content = json.dumps({"keys": [{
                    "id": 1, "old": 32 * "0", "key": 256 * "0"}]}).encode()
            if "503" in one.responses and one.id != "readEvents":
                with self.subTest(one.id):
                    status, headers, body = evpopd.request(
                        one.method.upper(), target, content=content)
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
