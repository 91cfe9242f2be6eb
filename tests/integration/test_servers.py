"""Real servers, each in its own manner, give all mail once and lose none."""

import unittest

from harness import (corpus, courier, cyrus, daemon, mailutils, perdition,
                     popa3d, procs, servers)

USERS = {servers.USER: servers.PASSWORD}

# Where round trips are counted, in seconds: much more than it takes to send.
LATENCY = 0.05


class Common:
    """What must hold of every server; `kind` is its class."""

    kind = None

    @classmethod
    def setUpClass(cls):
        if not servers.available(cls.kind):
            raise unittest.SkipTest(f"{cls.kind.__name__} is not installed")

    def server(self):
        """One with an empty maildrop."""
        return self.enterContext(self.kind(users=USERS))

    def check_history(self, driver, *expected):
        """That no poll has failed, and (fetched, deleted) of each with news.

        Of polls without news the history keeps few.
        """
        history = driver.history()
        self.assertEqual({row[0] for row in history}, {"ok"}, history)
        self.assertEqual([row[1:3] for row in history if row[1:3] != (0, 0)],
                         list(expected), history)
        self.assertEqual(sum(row[3] for row in history), 0, history)

    def check_bodies(self, server, found, expected):
        """That these are stored, octet for octet, and nothing else."""
        found = sorted(map(server.plain, found))
        expected = sorted(map(server.plain, expected))
        self.assertEqual(len(found), len(expected))
        for one, other in zip(found, expected):
            self.assertEqual(one, other)

    def fetch_and_delete(self, once):
        """All mail, nothing, a little more, and then it goes."""
        server = self.server()
        first, new = servers.FIRST, servers.NEW
        server.deliver(servers.USER, corpus.messages(first, seed=1))
        with servers.Driver(server, once) as driver:
            driver.poll()
            driver.poll()
            server.deliver(servers.USER, corpus.messages(new, seed=2))
            driver.poll()
            self.check_history(driver, (first, 0), (new, 0))
            expected = server.presented(servers.USER)
            driver.delete()
            self.check_history(driver, (first, 0), (new, 0),
                               (0, first + new))
            # Courier removes the files behind its answer to QUIT.
            procs.wait_for(lambda: server.count(servers.USER) == 0,
                           what="the maildrop's being empty")
            self.check_bodies(server, driver.bodies(), expected)
            return driver.polls

    def test_once(self):
        self.fetch_and_delete(once=True)

    def test_daemon(self):
        self.fetch_and_delete(once=False)

    def test_second_once_knows_what_the_daemon_knows(self):
        """What was learned of a server is in the store, too."""
        costs = []
        for once in (False, True):
            server = self.server()
            server.deliver(servers.USER, corpus.messages(3, seed=3))
            with servers.Driver(server, once) as driver:
                driver.relay.latency = LATENCY
                for _ in range(4):
                    driver.poll()
                self.check_history(driver, (3, 0))
                costs.append([poll.round_trips for poll in driver.polls])
        running, anew = costs
        # Each poll no dearer than the same one of a daemon that runs.
        for daemons, onces in zip(running[1:], anew[1:]):
            self.assertLessEqual(onces, daemons, costs)

    def fetch(self, server, **keys):
        """A fetch of all mail by --once on a store of its own."""
        evpopd = daemon.Evpopd({servers.USER: daemon.account_of(
            server, servers.USER, allow_cleartext="yes", **keys)})
        self.addCleanup(evpopd.remove)
        evpopd.once()
        self.assertEqual(evpopd.rows("SELECT outcome, fetched FROM v_poll"),
                         [("ok", 3)])
        self.assertEqual(
            evpopd.rows("SELECT count(*) FROM v_message"), [(3,)])

    def test_mechanisms(self):
        server = self.server()
        server.deliver(servers.USER, corpus.messages(3, seed=4))
        for auth in ("auto", *server.mechanisms):
            with self.subTest(auth):
                self.fetch(server, auth=auth)

    def test_tls(self):
        server = self.server()
        server.deliver(servers.USER, corpus.messages(3, seed=5))
        for tls in server.tls:
            for auth in ("auto", *server.mechanisms,
                         *server.tls_mechanisms):
                with self.subTest(tls, auth=auth):
                    self.fetch(server, tls=tls, auth=auth)

    def test_wrong_password(self):
        """It is refused, in the server's words, and nothing is sent again."""
        server = self.server()
        with servers.Driver(server, False, password="wrong") as driver:
            driver.evpopd.start()
            shown = driver.evpopd.wait_polled(servers.USER)
            self.assertEqual(shown["last_outcome"], "auth", shown)
            self.assertEqual(shown["state"], "refused", shown)

    def test_connection_lost(self):
        """Of a body that was cut off nothing is stored; all comes later."""
        server = self.server()
        server.deliver(servers.USER, corpus.messages(20, seed=6))
        with servers.Driver(server, False) as driver:
            driver.relay.cut_after = 20_000
            driver.evpopd.start()
            driver.evpopd.wait_polled(servers.USER)
            driver.relay.cut_after = None
            # The maildrop may be locked until the server has noticed.
            procs.wait_for(lambda: driver.evpopd.poll(
                servers.USER)["last_outcome"] == "ok", what="a good poll")
            expected = server.presented(servers.USER)
            self.check_bodies(server, driver.bodies(), expected)


class Cyrus(Common, unittest.TestCase):
    kind = cyrus.Cyrus

    def test_binds_another_channel(self):
        """It offers -PLUS where it can only refuse it: not so without."""
        server = self.server()
        server.deliver(servers.USER, corpus.messages(3, seed=7))
        for tls in server.tls:
            with self.subTest(tls):
                before = len(server.log())
                self.fetch(server, tls=tls)
                self.assertRegex(server.log()[before:],
                                 r"anna SCRAM-SHA-256\S* User logged in")


class Courier(Common, unittest.TestCase):
    kind = courier.Courier


class Dovecot(Common, unittest.TestCase):
    kind = servers.Dovecot


class Mailutils(Common, unittest.TestCase):
    kind = mailutils.Mailutils


class Perdition(Common, unittest.TestCase):
    kind = perdition.Perdition


class Popa3d(Common, unittest.TestCase):
    kind = popa3d.Popa3d


if __name__ == "__main__":
    unittest.main(verbosity=2)
