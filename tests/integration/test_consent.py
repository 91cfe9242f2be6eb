"""evpopctl oauth: what the user is told, and what the browser brings back.

The daemon is played here: what it does with providers is tested elsewhere.
"""

import http.server
import json
import os
import pathlib
import re
import socketserver
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import daemon, procs, typist

STATE = "st4te"
AUTHORIZE = ("https://login.example.test/authorize?client_id=me&state=" +
             STATE + "&code_challenge=x&redirect_uri=")


class Played:
    """A daemon on a socket: one account, and what it answers."""

    def __init__(self, folder):
        self.socket = pathlib.Path(folder) / "control.sock"
        self.flow, self.state, self.asked = "device", "none", []
        self.after = 2  # looks until the user has consented
        self.polled = 0
        self.refuses = None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self):
                return "here"

            def answer(self, value, status=200):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer(outer.account())

            def do_POST(self):
                body = self.rfile.read(
                    int(self.headers.get("Content-Length") or 0))
                asked = json.loads(body)
                outer.asked.append(asked)
                self.answer(*outer.authorize(asked))

            def do_DELETE(self):
                outer.asked.append("forget")
                self.answer({"account": "work"})

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self._server = Server(str(self.socket), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def account(self):
        if self.state == "pending":
            self.after -= 1
            if self.after <= 0:
                self.state = self.refuses or "fresh"
                self.polled += self.refuses is None
        return {"account": "work", "state": "waiting",
                "last_outcome": "ok", "last_text": None,
                "last_finished": f"2026-01-01T00:00:{self.polled:02}.000Z",
                "session": {"messages": 0, "fetched": 0},
                "authorization": None if self.flow is None else {
                    "flow": self.flow, "state": self.state,
                    "expires_at": None, "text": "the user has said no",
                    "advice": "ask the user"}}

    def authorize(self, asked):
        if asked.get("flow") == "device":
            self.state = "pending"
            return {"user_code": "ABCD-EFGH",
                    "expires_at": "2026-01-01T00:10:00.000Z",
                    "verification_uri": "https://login.example.test/device",
                    "verification_uri_complete": None},
        if asked.get("flow") == "code":
            return {"authorization_url": AUTHORIZE + urllib.parse.quote(
                asked["redirect_uri"], safe="")},
        if asked == {"code": "c0de/+ &", "state": STATE}:
            self.state = "fresh"
            self.polled += 1
            return {},
        return {"error": {"code": "authorization_failed", "message": "it is refused",
                          "hint": ""}}, 409


class ConsentTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(
            self.enterContext(procs.temporary_folder()))
        self.played = self.enterContext(Played(self.folder))
        self.program = daemon.build_folder() / "daemon" / "ctl" / "evpopctl"

    def words(self, *words):
        return [self.program, "-s", self.played.socket, "oauth",
                "--no-browser", *words, "work"]

    def run_oauth(self, *words, code=0):
        done = procs.run(self.words(*words), check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def begun(self, *words):
        """Somebody at a terminal, the address, and where it comes back."""
        person = typist.Typist(*self.words("--flow", "code", *words),
                               env=dict(os.environ, TERM="dumb"))
        self.addCleanup(os.close, person.master)
        while "paste its address here" not in re.sub(
                r"\s+", " ", person.seen):
            self.assertTrue(person.read(), person.seen)
        found = re.search(r"redirect_uri=(\S+)", person.seen)
        return person, urllib.parse.unquote(found[1])

    @staticmethod
    def visit(address, **parameters):
        """Come back as a browser does: the status, and the page."""
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{address}?{query}") as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ended(self, person):
        while person.read():
            pass
        _, status = os.waitpid(person.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def test_a_device(self):
        told = self.run_oauth().stdout
        self.assertRegex(told, r"Open +https://login.example.test/device\n")
        self.assertRegex(told, r"Type +ABCD-EFGH\n")
        self.assertIn("has your consent", told)
        self.assertIn("nothing new", told)
        self.assertEqual(self.played.asked, [{"flow": "device"}])

    def test_what_to_do_in_json(self):
        told = [json.loads(line) for line in
                self.run_oauth("--json").stdout.splitlines()]
        self.assertEqual(told[0]["user_code"], "ABCD-EFGH")
        self.assertEqual(told[-1]["account"], "work")
        person = typist.Typist(*self.words("--flow", "code", "--json"))
        self.addCleanup(os.close, person.master)
        while "redirect_uri=" not in person.seen or "}" not in person.seen:
            self.assertTrue(person.read(), person.seen)
        address = json.loads(person.seen)["authorization_url"]
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)
        self.visit(asked["redirect_uri"][0], code="c0de/+ &", state=STATE)
        self.assertEqual(self.ended(person), 0, person.seen)

    def test_a_device_where_the_user_says_no(self):
        self.played.refuses = "revoked"
        done = self.run_oauth(code=77)
        self.assertIn("the user has said no", done.stderr)
        self.assertIn("ask the user", done.stderr)
        self.assertEqual(self.played.polled, 0)

    def test_a_browser(self):
        person, address = self.begun()
        self.assertRegex(address, r"^http://localhost:\d+/$")
        # What others make a browser bring is not taken.
        self.assertEqual(self.visit(address, code="evil", state="x")[0], 404)
        self.assertEqual(self.visit(address + "favicon.ico")[0], 404)
        status, page = self.visit(address, code="c0de/+ &", state=STATE)
        self.assertEqual(status, 200)
        self.assertIn("You can close this page", page)
        self.assertEqual(self.ended(person), 0, person.seen)
        self.assertEqual(self.played.asked[1:], [
            {"code": "c0de/+ &", "state": STATE}])
        self.assertIn("nothing new", person.seen)

    def test_a_browser_elsewhere(self):
        person, address = self.begun("--no-poll")
        os.write(person.master, b"http://example.org/\n")
        while "that is not the address" not in person.seen:
            self.assertTrue(person.read(), person.seen)
        os.write(person.master, (
            f"{address}?state={STATE}&code=c0de%2F%2B+%26\n").encode())
        self.assertEqual(self.ended(person), 0, person.seen)
        self.assertNotIn("nothing new", person.seen)

    def test_a_browser_where_the_user_says_no(self):
        person, address = self.begun()
        self.assertIn("did not work", self.visit(
            address, error="access_denied", state=STATE,
            error_description="The user \x1b[2J declined")[1])
        self.assertEqual(self.ended(person), 77)
        self.assertIn("The user ?[2J declined", person.seen)

    def test_a_code_that_the_daemon_refuses(self):
        person, address = self.begun()
        self.visit(address, code="old", state=STATE)
        self.assertEqual(self.ended(person), 77)
        self.assertIn("it is refused", person.seen)

    def test_a_consent_is_forgotten(self):
        self.assertIn("forgotten", self.run_oauth("--forget").stdout)
        self.assertEqual((self.played.asked, self.played.polled),
                         (["forget"], 0))

    def test_somebody_leaves(self):
        person, _ = self.begun()
        os.write(person.master, b"\x04")
        self.assertEqual(self.ended(person), 77)

    def test_what_is_wrong(self):
        self.assertIn("expected device or code", self.run_oauth(
            "--flow", "magic", code=64).stderr)
        self.assertIn("invalid --port", self.run_oauth(
            "--flow", "code", "--port", "x", code=64).stderr)
        self.played.flow = None
        self.assertIn("does not log in by OAuth 2", self.run_oauth(
            code=78).stderr)
        self.played.flow = "client-credentials"
        self.assertIn("nobody's consent", self.run_oauth("--no-poll").stdout)


if __name__ == "__main__":
    unittest.main()
