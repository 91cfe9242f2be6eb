"""A token that is exchanged for the next one while a session goes on with it.

Mail server and token endpoint wait at the points that matter, and the clock is
set: nothing here depends on how long anything takes.
"""

import base64
import re
import threading
import unittest

from harness import authserver, corpus, daemon, procs, scripted, wrong_clock

LIFETIME = 3600
MESSAGES = 3


class Gate:
    """Where somebody waits until a test lets him."""

    def __init__(self):
        self._came, self._open = threading.Event(), threading.Event()

    def wait(self, timeout=procs.PATIENCE):
        self._came.set()
        if not self._open.wait(timeout):
            raise procs.Timeout("nobody opens the gate")

    def wait_for_one(self):
        """Somebody waits there now."""
        if not self._came.wait(procs.PATIENCE):
            raise procs.Timeout("nobody came to the gate")

    def open(self):
        self._open.set()


class MailServer(scripted.ScriptedServer):
    """POP3 by XOAUTH2; it takes the tokens that are in `good`.

    `gates` has, by a word of POP3, where a client waits for its answer, and
    `broken` what is said to a word instead, before the connection is closed.
    `tried` has all tokens, in the order in which they came.
    """

    def __init__(self):
        super().__init__(corpus.messages(MESSAGES))
        self.good, self.tried = set(), []
        self.gates, self.broken = {}, {}
        self.answers = {
            "CAPA": b"+OK\r\nUIDL\r\nTOP\r\nSASL XOAUTH2\r\n.\r\n",
            "AUTH": self._log_in}

    def _answer(self, connection, line):
        word = line.partition(" ")[0].upper()
        if word in self.gates:
            self.gates.pop(word).wait()
        if word in self.broken:
            connection.sendall(self.broken.pop(word))
            return False
        return super()._answer(connection, line)

    def _log_in(self, connection, line):
        said = base64.b64decode(line.split()[2]).decode()
        token = re.search("auth=Bearer ([^\1]*)", said)[1]
        self.tried.append(token)
        connection.sendall(b"+OK\r\n" if token in self.good else
                           b"-ERR [AUTH] token has been rotated\r\n")
        return True


@unittest.skipIf(daemon.sanitized(), "a sanitizer wants to be loaded first")
class RotatedTest(unittest.TestCase):
    def setUp(self):
        self.clock = wrong_clock.WrongClock()
        self.addCleanup(self.clock.remove)
        self.server = self.enterContext(MailServer())
        self.auth = self.enterContext(authserver.AuthServer(lifetime=LIFETIME))
        self.auth.make_token = self.make_token
        self.evpopd = daemon.Evpopd(
            {"anna": daemon.account_of(self.server, "anna", password=None,
                                       **self.auth.keys())},
            daemon={"log_level": "debug"}, environment=self.clock.environment)
        self.addCleanup(self.evpopd.remove)
        key = self.evpopd.folder / "evpopd.key"
        self.evpopd.ctl("key", "generate", key)
        self.evpopd.daemon["key_file"] = key
        self.made = 0
        self.evpopd.start()
        self.evpopd.wait_polled()
        # Its user consents, and it polls.
        self.evpopd.post("/v1/accounts/anna/authorize", {"flow": "device"})
        self.auth.consent()
        procs.wait_for(lambda: self.finished() == "ok", what="a poll")

    def make_token(self, user, seconds):
        """The one that was made last is good, and no other."""
        self.made += 1
        token = f"access-{self.made}"
        self.server.good = {token}
        return token

    def account(self):
        return self.evpopd.account("anna")

    def finished(self):
        """The outcome of a poll that is over; or None."""
        shown = self.account()
        return None if shown["state"] == "polling" else shown["last_outcome"]

    def refreshes(self):
        return len(self.auth.grants("refresh_token"))

    def begin_near_expiry(self, *words):
        """A poll with the old token, while the next one is asked for.

        Returns the gates: of the endpoint, and of these words of POP3.
        """
        self.clock.sleep(LIFETIME - 200)
        self.assertEqual(self.account()["authorization"]["state"],
                         "near-expiry")
        endpoint, gates = Gate(), [Gate() for _ in words]
        self.auth.answers = [endpoint]
        self.server.gates = dict(zip(words, gates))
        self.before = self.account()["last_started"]
        self.evpopd.post("/v1/accounts/anna/poll")
        for gate in (endpoint, *gates):
            gate.wait_for_one()
        return endpoint, *gates

    def rotate(self, endpoint):
        """The endpoint exchanges the token, and the daemon keeps the next."""
        before = self.evpopd.rows("SELECT sealed FROM token")
        endpoint.open()
        procs.wait_for(
            lambda: self.account()["authorization"]["state"] == "fresh"
            and self.evpopd.rows("SELECT sealed FROM token") != before,
            what="another token, in the store, too")
        self.assertEqual(self.account()["state"], "polling")

    def wait_finished(self):
        """The account, behind the poll that was begun."""
        return procs.wait_for(
            lambda: self.finished() and self.account()["last_started"]
            != self.before and self.account(), what="the end of the poll")

    def check(self, *tried):
        """The poll is over and well; these tokens were tried, in all."""
        shown = self.wait_finished()
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(shown["stored"]["messages"], MESSAGES)
        self.assertEqual(self.server.tried, list(tried))
        self.assertEqual(self.auth.mistakes, [])
        self.assertEqual(self.refreshes(), 1)

    def test_between_log_in_and_quit(self):
        """The session ends well; the next one takes the new token."""
        endpoint, listing = self.begin_near_expiry("UIDL")
        self.rotate(endpoint)
        listing.open()
        self.check("access-1", "access-1")
        self.assertEqual(self.evpopd.poll("anna")["last_outcome"], "ok")
        self.check("access-1", "access-1", "access-2")

    def test_before_the_log_in_is_answered(self):
        """It was refused for being old: the one that is there already is it."""
        endpoint, login = self.begin_near_expiry("AUTH")
        self.rotate(endpoint)
        login.open()
        self.check("access-1", "access-1", "access-2")

    def test_refused_before_the_next_is_there(self):
        """It waits for the refresh that is under way, and begins no other."""
        self.server.good = set()
        endpoint, = self.begin_near_expiry()
        procs.wait_for(lambda: len(self.server.tried) == 2,
                       what="a log-in that is refused")
        endpoint.open()
        self.check("access-1", "access-1", "access-2")

    def test_thrown_out_of_the_session(self):
        """A poll that fails for it loses nothing; the next one is well."""
        endpoint, listing = self.begin_near_expiry("UIDL")
        self.server.broken["UIDL"] = b"-ERR [AUTH] token has been rotated\r\n"
        self.rotate(endpoint)
        listing.open()
        shown = self.wait_finished()
        self.assertNotEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(shown["authorization"]["state"], "fresh")
        self.before = shown["last_started"]
        self.evpopd.post("/v1/accounts/anna/poll")
        self.check("access-1", "access-1", "access-2")

    def test_consented_anew(self):
        """Another consent takes the place of one that is being used."""
        self.server.gates["UIDL"] = listing = Gate()
        self.before = self.account()["last_started"]
        self.evpopd.post("/v1/accounts/anna/poll")
        listing.wait_for_one()
        self.evpopd.post("/v1/accounts/anna/authorize", {"flow": "device"})
        self.auth.consent()
        procs.wait_for(
            lambda: self.account()["authorization"]["refreshes"] == 2,
            what="another consent")
        listing.open()
        shown = self.wait_finished()
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(self.evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(self.server.tried[:2], ["access-1", "access-1"])
        self.assertEqual(set(self.server.tried[2:]), {"access-2"})
        self.assertEqual((self.auth.mistakes, self.refreshes()), ([], 0))


if __name__ == "__main__":
    unittest.main()
