"""Servers that are not well for a while: nothing is lost, nothing is skipped."""

import unittest

from harness import corpus, daemon, scripted, unwell

MAIL = {f"id-{number}": octets for number, octets
        in enumerate(corpus.messages(5, seed=61), 1)}


class UnwellTest(unittest.TestCase):
    def serve(self, rule=None, mail=MAIL, answers=None, listed=len, **keys):
        server = self.enterContext(unwell.UnwellServer(
            mail, rule, answers, listed))
        evpopd = self.enterContext(daemon.Evpopd({"anna": daemon.account_of(
            server, "anna", **{"keep": "delete", **keys})}))
        return server, evpopd

    def quarantined(self, evpopd):
        return [one["unique_id"] for one
                in evpopd.get("/v1/quarantine")["quarantine"]]

    def pretend(self, evpopd, hours):
        """Let the last failures be so much older."""
        with evpopd.database(write=True) as store:
            store.execute("UPDATE failure SET last_ms = last_ms - ?",
                          (hours * 3600 * 1000,))

    def comes_again(self, server, evpopd, polls=1):
        """The server is well again: all is stored, and deleted there."""
        for _ in range(polls):
            shown = evpopd.poll("anna")
        self.assertEqual(shown["last_outcome"], "ok", shown)
        self.assertEqual(evpopd.bodies(), MAIL)
        self.assertEqual(server.drop, {})
        self.assertEqual(self.quarantined(evpopd), [])


class EmptyBodiesTest(UnwellTest):
    def is_empty(self, log_ins, *ids, answer=unwell.EMPTY):
        return lambda word, unique_id, count: (
            answer if word == "RETR" and count <= log_ins
            and unique_id in (ids or MAIL) else None)

    def test_all_are_empty_for_some_polls(self):
        server, evpopd = self.serve(self.is_empty(5))
        evpopd.wait_polled()
        for _ in range(4):
            shown = evpopd.poll("anna")
            self.assertEqual(shown["last_outcome"], "incomplete")
            self.assertIn("came empty", shown["last_text"])
            self.assertEqual(shown["state"], "failing")
            self.assertEqual(server.drop, MAIL)
        self.assertEqual(evpopd.messages(), [])
        self.assertEqual(self.quarantined(evpopd), [])
        self.comes_again(server, evpopd)

    def test_one_is_empty_and_the_others_stay(self):
        for answer in (unwell.EMPTY, b"+OK\r\n\r\n.\r\n",
                       b"+OK 0 octets\r\n.\r\n",
                       b"+OK\r\nServer busy\r\n.\r\n"):
            with self.subTest(answer=answer):
                server, evpopd = self.serve(
                    self.is_empty(2, "id-3", answer=answer))
                evpopd.wait_polled()
                self.assertEqual(server.drop, MAIL)
                self.assertEqual(evpopd.poll("anna")["last_outcome"],
                                 "incomplete")
                self.assertEqual(server.drop, MAIL)
                self.assertEqual(len(evpopd.messages()), 4)
                self.comes_again(server, evpopd)

    def test_empty_where_all_is_kept(self):
        """LIST is not asked for all then, and the message still comes."""
        server, evpopd = self.serve(self.is_empty(1, "id-2"), keep="forever")
        self.assertEqual(evpopd.wait_polled()["last_outcome"], "incomplete")
        self.assertNotIn("LIST", server.lines)
        self.assertIn("LIST 2", server.lines)
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(evpopd.bodies(), MAIL)
        self.assertEqual(server.drop, MAIL)

    def test_stored_empty_by_an_earlier_version(self):
        server, evpopd = self.serve(keep="forever")
        evpopd.wait_polled()
        evpopd.halt()
        with evpopd.database(write=True) as store:
            store.execute("UPDATE uid SET octets = 0, header_digest = NULL,"
                          " lines = 0, listed_octets = 0, state = 1"
                          " WHERE CAST(unique_id AS TEXT) = 'id-4'")
        evpopd.accounts["anna"]["keep"] = "delete"
        evpopd.write_config()
        server.rule = self.is_empty(99, "id-4")
        evpopd.start()
        self.assertEqual(evpopd.wait_polled()["last_outcome"], "incomplete")
        self.assertEqual(server.drop, MAIL)
        server.rule = None
        self.comes_again(server, evpopd)

    def test_a_message_that_is_empty(self):
        server, evpopd = self.serve(mail={**MAIL, "id-6": b""})
        self.assertEqual(evpopd.wait_polled()["last_outcome"], "ok")
        self.assertEqual(server.drop, {})
        self.assertEqual(evpopd.bodies()["id-6"], b"")

    def test_always_empty_beside_others(self):
        """In the end it is skipped, visibly, and the others are deleted."""
        server, evpopd = self.serve(self.is_empty(99, "id-3"))
        evpopd.wait_polled()
        for number in range(6, 9):
            self.pretend(evpopd, 7)
            self.assertEqual(self.quarantined(evpopd), [])
            server.drop[f"id-{number}"] = b"Subject: %d\r\n\r\n" % number
            evpopd.poll("anna")
        self.assertEqual(self.quarantined(evpopd), ["id-3"])
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(list(server.drop), ["id-3"])
        server.rule = None
        self.assertEqual(evpopd.account("anna")["stored"]["quarantined"], 1)
        for words, code in (("accounts", 0), ("account", 0), ("status", 1),
                            ("poll --wait", 0)):
            name = [] if words in ("accounts", "status") else ["anna"]
            self.assertRegex(
                evpopd.ctl(*words.split(), *name, code=code).stdout,
                r"1 (message skipped|message is skipped|in quarantine)")
        evpopd.restart()
        self.assertEqual(evpopd.get("/v1/status")["store"]["quarantined"], 1)
        evpopd.ctl("quarantine", "retry", "anna")
        self.assertEqual(evpopd.get("/v1/status")["store"]["quarantined"], 0)
        evpopd.wait_account("anna", lambda one: one["stored"]["messages"] == 8)
        self.assertEqual(evpopd.bodies()["id-3"], MAIL["id-3"])


class ListedWrongTest(UnwellTest):
    """Servers whose LIST is wrong and always was."""

    def empties(self, listed):
        server, evpopd = self.serve(listed=listed)
        self.assertEqual(evpopd.wait_polled()["last_outcome"], "ok")
        self.comes_again(server, evpopd)

    def test_sizes_that_say_nothing(self):
        for listed in (lambda _: 0, lambda _: 1, lambda octets: 4096 + len(
                octets) if len(octets) > 4096 else len(octets),
                lambda octets: len(octets) - octets.count(b"\n")):
            with self.subTest(listed=listed):
                self.empties(listed)

    def test_sizes_that_say_too_much(self):
        """A day later such a message is taken for what it is."""
        server, evpopd = self.serve(
            listed=lambda octets: 3 * len(octets))
        evpopd.wait_polled()
        for _ in range(3):
            self.assertEqual(evpopd.messages(), [])
            self.assertEqual(server.drop, MAIL)
            evpopd.poll("anna")  # it is no other day yet
            self.pretend(evpopd, 7)
            evpopd.poll("anna")
        self.assertEqual(evpopd.bodies(), MAIL)
        self.comes_again(server, evpopd)
        # It does so as a habit, and is not doubted for it any more.
        server.drop["id-6"] = b"Subject: six\r\n\r\n"
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(server.drop, {})
        self.assertEqual(len(evpopd.messages()), 6)

    def test_what_retr_says_too_much_of(self):
        """So it is where LIST is asked for odd ones only."""
        mail = {**MAIL, "id-6": b"Subject: six\r\n\r\n"}

        def says(word, unique_id, _):
            octets = mail[unique_id]
            return (b"+OK %d octets\r\n" % (3 * len(octets))
                    + scripted.stuffed(octets) if word == "RETR" else None)

        server, evpopd = self.serve(
            says, listed=lambda octets: 3 * len(octets), keep="forever")
        evpopd.wait_polled()
        for _ in range(3):
            self.assertEqual(evpopd.messages(), [])
            self.pretend(evpopd, 7)
            evpopd.poll("anna")
        self.assertEqual(evpopd.bodies(), MAIL)
        server.drop["id-6"] = mail["id-6"]
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(len(evpopd.messages()), 6)

    def test_without_a_message_id(self):
        mail = {"id-1": b"Subject: short\r\n\r\nbody\r\n"}
        server, evpopd = self.serve(
            mail=mail, listed=lambda octets: 3 * len(octets))
        evpopd.wait_polled()
        for _ in range(3):
            self.pretend(evpopd, 7)
            evpopd.poll("anna")
        evpopd.poll("anna")
        self.assertEqual(evpopd.bodies(), mail)
        self.assertEqual(server.drop, {})

    def test_another_size_is_another_reason(self):
        def cuts(count):
            cut = b"Subject: cut\r\n\r\n" + b"x" * (count % 2) + b"\r\n"
            return lambda word, *_: (
                b"+OK\r\n" + cut + b".\r\n" if word == "RETR" else None)

        server, evpopd = self.serve(cuts(0), mail={"id-1": MAIL["id-1"]})
        for count in range(8):
            server.rule = cuts(count)
            evpopd.poll("anna")
            self.pretend(evpopd, 7)
        self.assertEqual(evpopd.messages(), [])
        self.assertEqual(list(server.drop), ["id-1"])


class RefusedTest(UnwellTest):
    def refuses(self, answer, *ids):
        return lambda word, unique_id, count: (
            answer if unique_id in (ids or MAIL) else None)

    def test_all_are_refused(self):
        for answer in (b"-ERR Download exceed. msg=1\r\n",
                       b"-ERR quota exceeded\r\n", b"-ERR\r\n",
                       b"-ERR [SYS/TEMP] not now\r\n",
                       b"-ERR no such message\r\n"):
            with self.subTest(answer=answer):
                server, evpopd = self.serve(self.refuses(answer))
                evpopd.wait_polled()
                for _ in range(4):
                    shown = evpopd.poll("anna")
                    self.assertEqual(shown["last_outcome"], "refused")
                    self.assertIn("gave none of 5", shown["last_text"])
                    self.assertEqual(shown["state"], "failing")
                self.assertEqual(self.quarantined(evpopd), [])
                self.assertEqual(
                    evpopd.rows("SELECT count(*) FROM failure"), [(0,)])
                server.rule = None
                self.comes_again(server, evpopd)

    def test_all_from_some_message_on(self):
        server, evpopd = self.serve(
            self.refuses(b"-ERR no more\r\n", "id-3", "id-4", "id-5"))
        shown = evpopd.wait_polled()
        self.assertIn("gave 2 messages and not the next 3: no more",
                      shown["last_text"])
        for _ in range(4):
            self.assertEqual(evpopd.poll("anna")["last_outcome"], "refused")
        self.assertEqual(self.quarantined(evpopd), [])
        server.rule = None
        self.comes_again(server, evpopd)

    def test_the_limit_is_reached_at_the_last(self):
        """By its words it is not about that message."""
        server, evpopd = self.serve(
            self.refuses(b"-ERR Download exceed\r\n", "id-5"))
        evpopd.wait_polled()
        for _ in range(4):
            self.assertEqual(evpopd.poll("anna")["last_outcome"], "refused")
        self.assertEqual(self.quarantined(evpopd), [])
        server.rule = None
        self.comes_again(server, evpopd)

    def test_one_message_and_no_other(self):
        server, evpopd = self.serve(
            self.refuses(b"-ERR it is damaged\r\n"),
            mail={"id-1": MAIL["id-1"]})
        evpopd.wait_polled()
        for _ in range(4):
            shown = evpopd.poll("anna")
        self.assertIn("gave none of 1 message: it is damaged",
                      shown["last_text"])
        self.assertEqual(self.quarantined(evpopd), [])
        # As soon as another one is given, it is the message that is at fault.
        server.rule = self.refuses(b"-ERR it is damaged\r\n", "id-1")
        server.drop["id-2"] = MAIL["id-2"]
        for _ in range(3):
            self.assertEqual(self.quarantined(evpopd), [])
            evpopd.poll("anna")
        self.assertEqual(self.quarantined(evpopd), ["id-1"])

    def test_two_of_them(self):
        """Others are given behind them: both are at fault."""
        server, evpopd = self.serve(
            self.refuses(b"-ERR damaged\r\n", "id-2", "id-4"))
        evpopd.wait_polled()
        evpopd.poll("anna")
        evpopd.poll("anna")
        self.assertEqual(sorted(self.quarantined(evpopd)), ["id-2", "id-4"])
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")

    def test_a_limit_does_not_count_for_one_that_failed(self):
        server, evpopd = self.serve(
            self.refuses(b"-ERR damaged\r\n", "id-2"))
        evpopd.wait_polled()
        server.rule = self.refuses(b"-ERR no more\r\n", "id-2", "id-6")
        server.drop["id-6"] = b"Subject: another\r\n\r\n"
        for _ in range(4):
            evpopd.poll("anna")
        self.assertEqual(self.quarantined(evpopd), [])

    def test_the_connection_is_closed_at_each(self):
        server, evpopd = self.serve(answers={"RETR": scripted.hang_up})
        evpopd.wait_polled()
        for _ in range(6):
            self.assertEqual(evpopd.poll("anna")["last_outcome"], "io")
        self.assertEqual(self.quarantined(evpopd), [])
        del server.answers["RETR"]
        self.comes_again(server, evpopd)

    def test_the_first_closes_the_connection(self):
        """The others come, and it is skipped in the end."""
        server, evpopd = self.serve(answers={"RETR 1": scripted.hang_up})
        evpopd.wait_polled()
        evpopd.poll("anna")
        evpopd.poll("anna")
        self.assertEqual(self.quarantined(evpopd), ["id-1"])
        self.assertEqual(evpopd.poll("anna")["last_outcome"], "ok")
        self.assertEqual(list(server.drop), ["id-1"])
        self.assertEqual(len(evpopd.messages()), 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
