"""The real servers that evpop is tried with, and what is done with each."""

import dataclasses
import time

from . import (courier, cyrus, daemon, dovecot, mailutils, perdition,
               popa3d, relay, unpacked)

UNPACKED = (courier.Courier, cyrus.Cyrus, mailutils.Mailutils,
            perdition.Perdition, popa3d.Popa3d)

USER, PASSWORD = "anna", "s3cret words"

# So many messages are there at first, and so many are new in the third poll.
FIRST, NEW = 50, 5


class Dovecot(dovecot.Dovecot):
    """A Dovecot that can be asked what the others can."""

    name = "dovecot"
    mechanisms = ("user", "plain", "login", "cram-md5", "scram-sha-1",
                  "scram-sha-256")
    tls = ("stls", "implicit")
    adds = ()

    def __init__(self, users=None):
        # 2.3 cannot bind a log-in to its channel.
        self.tls_mechanisms = (("scram-sha-1-plus", "scram-sha-256-plus")
                               if dovecot.is_2_4() else ())
        super().__init__(users=users, auth_mechanisms=" ".join(
            one for one in (*self.mechanisms, *self.tls_mechanisms)
            if one != "user"))

    def presented(self, user):
        """As in unpacked.Server."""
        return list(self.messages(user).values())

    def plain(self, octets):
        """As in unpacked.Server."""
        return octets


EVERY = (*UNPACKED, Dovecot)


def available(server):
    """Whether a class of EVERY can be started here."""
    if server is Dovecot:
        return dovecot.available()
    return unpacked.available(server.name)


def version(server):
    """What it is called, with its version."""
    if server is Dovecot:
        return f"dovecot {dovecot.version()}"
    found = unpacked.version(server.name)
    if server is perdition.Perdition:
        found += f" before dovecot {dovecot.version()}"
    return f"{server.name} {found}"


@dataclasses.dataclass
class Poll:
    """What one poll cost."""

    connections: int
    round_trips: int
    seconds: float


class Driver:
    """Polls a server's maildrop by way of a relay that counts.

    As `evpopd --once`, each time anew on the same store, or by a daemon that
    goes on running.
    """

    def __init__(self, server, once, **keys):
        self.server = server
        self.relay = relay.Relay(server.port)
        self.once = once
        self.evpopd = daemon.Evpopd({USER: daemon.account_of(
            server, USER, port=self.relay.port, tls="none",
            allow_cleartext="yes", **keys)})
        self.polls = []

    def poll(self):
        """One poll, which must not fail."""
        began = time.monotonic()
        if self.once:
            self.evpopd.once()
        elif self.polls:
            self.evpopd.poll(USER)
        else:
            self.evpopd.start()
            self.evpopd.wait_polled(USER)
        self._taken(began)

    def delete(self):
        """Another poll, of an account that keeps nothing on the server."""
        self.evpopd.accounts[USER]["keep"] = "delete"
        began = time.monotonic()
        if self.once:
            self.evpopd.once()
        else:
            self.evpopd.change(USER)
        self._taken(began)

    def _taken(self, began):
        connections, round_trips = self.relay.take()
        self.polls.append(Poll(connections, round_trips,
                               time.monotonic() - began))

    def history(self):
        """(outcome, fetched, deleted, failed, text) of all polls so far."""
        return self.evpopd.rows("SELECT outcome, fetched, deleted, failed,"
                                " text FROM v_poll ORDER BY id")

    def bodies(self):
        """What is stored, in the order of storing."""
        if self.once:
            self.evpopd.accounts[USER]["enabled"] = "no"
            self.evpopd.start()
        return [self.evpopd.raw(one["id"])
                for one in reversed(self.evpopd.messages())]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is not None:
                print(f"--- log of evpopd\n{self.evpopd.log()}---\n"
                      f"--- log of {self.server.name}\n"
                      f"{self.server.log()}---")
            else:
                self.evpopd.halt()
        finally:
            self.evpopd.remove()
            self.relay.close()
