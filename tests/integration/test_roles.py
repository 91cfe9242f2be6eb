"""Each route of openapi.json, asked for as each kind of user.

Nothing but the user of the connection (SO_PEERCRED) decides.  As root the test
is all of these users; as another it is one, who may do everything.
"""

import json
import os
import re
import socket
import subprocess
import unittest

from harness import contract, corpus, daemon, maildropd, procs, wire

# User -> the roles that [control] gives.
STRANGER = 65534
USERS = {
    65531: {"admin", "operate", "read"},
    65532: {"operate"},
    65533: {"read"},
    65530: {"operate", "read"},
    STRANGER: set(),
}
CONTROL = {"mode": "0666", "admin": "65531", "operate": "65532 65530",
           "read": "65533 65530"}

PASSWORD = "of-anna-alone"

# What may be known to whoever may open the socket.
PUBLIC = {"getOpenapi", "getHealth", "getStatus", "getMetrics", "readEvents",
          "listAccounts", "getAccount", "listPolls", "getCheck",
          "listTargets", "getTarget"}

# What an error says of the role that is missing.
CODES = {"admin": "not_admin", "operate": "not_operator", "read": "not_reader"}


def filled(path):
    """A path of the description, with what does not exist."""
    return re.sub(r"\{\w+\}", "999999", path)


class RolesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = cls.enterClassContext(
            maildropd.MaildropServer(users={"anna": PASSWORD}))
        server.deliver("anna", corpus.messages(2, seed=1))
        cls.evpopd = daemon.Evpopd({"anna": daemon.account_of(
            server, "anna", password=PASSWORD, deliver="anna, down")},
                                   control=CONTROL)
        cls.addClassCleanup(cls.evpopd.remove)
        folder = cls.evpopd.folder
        cls.evpopd.targets = {
            "anna": {"type": "maildir", "path": folder / "anna"},
            "down": {"type": "lmtp", "socket": folder / "none",
                     "retry_min": "1d", "retry_max": "1d"}}
        cls.evpopd.start()
        cls.evpopd.folder.chmod(0o711)
        cls.evpopd.wait_polled()
        procs.wait_for(lambda: cls.evpopd.get("/v1/targets/down")["state"]
                       == "down" and cls.evpopd.get("/v1/targets/anna")[
                           "delivered"] == 2, what="deliveries")
        cls.message = cls.evpopd.messages()[0]["id"]
        cls.contract = contract.Contract(
            cls.evpopd, cls.evpopd.get("/v1/openapi.json"))

    @classmethod
    def tearDownClass(cls):
        cls.evpopd.halt()

    def users(self):
        """Each user that the test can be, and the roles."""
        if wire.can_be(STRANGER):
            return {0: {"admin", "operate", "read"}, **USERS}
        return {os.geteuid(): {"admin", "operate", "read"}}

    def strangers(self):
        if not wire.can_be(STRANGER):
            self.skipTest("only root can be somebody else")
        return {user: roles for user, roles in USERS.items()
                if "admin" not in roles}

    def ask(self, user, method, target, headers=b"", path=None):
        """The answer that this user gets."""
        with wire.connect(path or self.evpopd.socket, user) as connection:
            connection.sendall(
                f"{method} {target} HTTP/1.1\r\nHost: x\r\n".encode() +
                headers + b"\r\n")
            octets = wire.receive(
                connection, lambda so_far: b"\r\n\r\n" in so_far and (
                    b"text/event-stream" in so_far
                    or wire.is_answered(so_far, methods=(method,))))
        [answer] = wire.answers(octets, (method,))
        return answer

    def expect(self, one, user, roles, target):
        method = one.method.upper()
        answer = self.ask(user, method, target)
        may = one.role == "anyone" or one.role in roles
        with self.subTest(f"{method} {target} as {user}"):
            self.assertEqual(answer.status != 403, may, answer.body[:500])
            self.assertIn(str(answer.status), one.responses)
            if not may:
                error = json.loads(answer.body)
                self.contract.validate({"$ref": contract.ERROR}, error, "403")
                self.assertEqual(error["error"]["code"], CODES[one.role])
        if method == "GET":
            with self.subTest(f"HEAD {target} as {user}"):
                head = self.ask(user, "HEAD", target)
                self.assertEqual(head.status, answer.status)
                self.assertEqual(head.body, b"")

    def test_each_route_as_each_user(self):
        for one in self.contract.operations.values():
            for user, roles in self.users().items():
                self.expect(one, user, roles, filled(one.path))

    def test_who_may_not_learns_nothing(self):
        """The answer is the same for what exists, what does not, and what is
        no parameter."""
        for user, roles in self.strangers().items():
            for one in self.contract.operations.values():
                if one.role == "anyone" or one.role in roles:
                    continue
                answers = {
                    self.ask(user, one.method.upper(), target).body
                    for target in (
                        filled(one.path),
                        re.sub(r"\{\w+\}", "x", one.path),
                        filled(one.path) + "?nonsense=1",
                        one.path.replace("{id}", str(self.message))
                        .replace("{name}", "anna").replace("{number}", "1"))}
                with self.subTest(f"{one.id} as {user}"):
                    self.assertEqual(len(answers), 1, answers)

    def test_nothing_was_done_for_who_may_not(self):
        """Each wish, of what exists; all is as it was before."""
        def seen():
            account = self.evpopd.account("anna")
            return (account["state"], account["last_finished"],
                    self.evpopd.messages(), self.evpopd.get("/v1/audit"),
                    self.evpopd.get("/v1/outbox"),
                    # When it is tried next is told to the millisecond.
                    [{**one, "next": bool(one["next"])} for one in
                     self.evpopd.get("/v1/targets")["targets"]],
                    self.evpopd.get("/v1/store/backup"),
                    self.evpopd.get("/v1/store/check"))

        # What another test has asked for is over.
        for one in ("check", "backup"):
            procs.wait_for(lambda one=one: not self.evpopd.get(
                f"/v1/store/{one}")["running"], what=f"the {one}'s end")
        before = seen()
        for user, roles in self.strangers().items():
            for one in self.contract.operations.values():
                if one.method == "get" or one.role in roles:
                    continue
                target = one.path.replace("{id}", str(self.message)).replace(
                    "{name}", "anna") + "?reason=x&account=anna&file=x.db"
                with self.subTest(f"{one.id} as {user}"):
                    self.assertEqual(
                        self.ask(user, one.method.upper(), target).status, 403)
        self.assertEqual(seen(), before)

    def test_who_may_not_read_sees_no_mail_in_the_outbox(self):
        """Who may try deliveries again sees them, and what was said of them."""
        shown = {"sender", "subject"}
        for user, roles in self.users().items():
            if "operate" not in roles:
                continue
            answer = json.loads(self.ask(user, "GET", "/v1/outbox").body)
            self.assertEqual(len(answer["outbox"]), 4)
            for row in answer["outbox"]:
                one = json.loads(self.ask(
                    user, "GET", f"/v1/outbox/{row['id']}").body)
                self.assertEqual(one, row)
                self.assertEqual(shown & row.keys(),
                                 shown if "read" in roles else set(), user)

    def test_a_claim_of_being_somebody_else_is_nothing(self):
        for user in self.strangers():
            for claim in (b"X-Forwarded-User: root\r\n", b"X-Remote-User: 0\r\n",
                          b"Authorization: Basic cm9vdDo=\r\n",
                          b"Cookie: user=root\r\n", b"From: root\r\n"):
                answer = self.ask(user, "GET", "/v1/audit", claim)
                self.assertEqual(answer.status, 403, claim)

    def test_what_is_public(self):
        """A route that nobody needs a role for is one of these; what changes
        anything, and what shows mail, needs one."""
        public = {one.id for one in self.contract.operations.values()
                  if one.role == "anyone"}
        self.assertEqual(public, PUBLIC)
        for one in self.contract.operations.values():
            with self.subTest(one.id):
                if one.method != "get":
                    self.assertIn(one.role, ("operate", "admin"))
                if one.path.endswith("/raw") or \
                        one.path.startswith("/v1/messages"):
                    self.assertIn(one.role, ("read", "admin"))

    def test_public_answers_show_no_mail(self):
        """Neither subjects nor addresses, nor who asked for what."""
        self.strangers()
        with_mail = [one["subject"] for one in self.evpopd.messages()]
        for one in self.contract.operations.values():
            if one.role != "anyone":
                continue
            answer = self.ask(STRANGER, one.method.upper(),
                              one.path.replace("{name}", "anna"))
            for words in (*with_mail, PASSWORD):
                self.assertFalse(words.encode() in answer.body,
                                 (one.id, words))

    def test_a_socket_for_nobody_else(self):
        """Its mode decides before any role does."""
        self.strangers()
        os.chmod(self.evpopd.socket, 0o600)
        try:
            with self.assertRaises(PermissionError):
                self.ask(STRANGER, "GET", "/v1/health")
            self.assertEqual(self.ask(0, "GET", "/v1/health").status, 200)
        finally:
            os.chmod(self.evpopd.socket, 0o666)

    def test_a_store_that_is_served_without_a_daemon(self):
        """Nobody but who serves it, and root, gets anything: its socket has no
        file, and so no mode."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(b"")
            listener.listen()
            name = listener.getsockname()
            serving = subprocess.Popen(
                [self.evpopd.program, "--serve-store", self.evpopd.store_file],
                stdin=listener, stdout=subprocess.PIPE,
                preexec_fn=procs.die_with_parent())
        self.addCleanup(serving.stdout.close)
        self.addCleanup(procs.stop, serving)
        self.assertEqual(serving.stdout.readline(), b"ready\n")
        for one in self.contract.operations.values():
            for user in self.users():
                answer = self.ask(user, one.method.upper(), filled(one.path),
                                  path=name)
                with self.subTest(f"{one.id} as {user}"):
                    if user != os.geteuid():
                        self.assertIn(answer.status, (403, 409))
                        self.assertNotIn(b"anna", answer.body)
                    else:
                        self.assertNotEqual(answer.status, 403)

    def test_roles_change_with_a_reload(self):
        """Also on a connection that is open."""
        self.strangers()
        with wire.connect(self.evpopd.socket, STRANGER) as connection:
            def ask():
                connection.sendall(b"GET /v1/audit HTTP/1.1\r\n\r\n")
                octets = wire.receive(connection, wire.is_answered)
                return wire.answers(octets)[0].status

            self.assertEqual(ask(), 403)
            for admin, status in ((f"65531 {STRANGER}", 200), ("65531", 403)):
                self.evpopd.control["admin"] = admin
                self.evpopd.write_config()
                self.evpopd.post("/v1/reload")
                self.assertEqual(ask(), status)


if __name__ == "__main__":
    unittest.main()
