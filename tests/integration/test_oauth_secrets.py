"""No token lies in the daemon's memory but in guarded pages.

Neither access nor refresh tokens do, nor the client's secret: while the
endpoint is asked, while the mail server is, and behind both.
"""

import contextlib
import threading
import unittest

from harness import authserver, daemon, image, procs
from test_secrets import SecretsTest


class Pause:
    """Where an endpoint waits, until a test lets it answer."""

    def __init__(self):
        self.came, self.let = threading.Event(), threading.Event()

    def wait(self, timeout):
        self.came.set()
        self.let.wait(timeout)


class OauthSecretsTest(SecretsTest):
    def authorization_server(self, **how):
        self.auth = self.enterContext(authserver.AuthServer(
            secret=self.make("client's secret"),
            certificate=self.certificate, **how))
        self.auth.make_token = lambda *_: self.make(
            f"access token {len(self.secrets)}")
        self.auth.make_refresh = lambda: self.make(
            f"refresh token {len(self.secrets)}")

    def evpopd_by_oauth(self, server, **keys):
        evpopd = self.evpopd(server, auth="xoauth2",
                             **self.auth.keys(**keys))
        evpopd.environment["SSL_CERT_FILE"] = self.ca.file
        key = evpopd.folder / "evpopd.key"
        evpopd.ctl("key", "generate", key)
        evpopd.daemon["key_file"] = key
        return evpopd

    @contextlib.contextmanager
    def endpoint_waits(self, evpopd):
        """What is done meanwhile makes the daemon ask for a token."""
        pause = Pause()
        self.addCleanup(pause.let.set)
        self.auth.answers = [pause]
        yield
        if not pause.came.wait(procs.PATIENCE):
            raise procs.Timeout("the endpoint was not asked")
        # What it is asked with is in libcurl's hands, too, until it answers.
        asked = {what: secret for what, secret in self.secrets.items()
                 if secret in self.auth.requests[-1][1].values()}
        self.assertIn("client's secret", asked)
        with self.without(asked):
            self.search(evpopd, "while the endpoint is asked")
        pause.let.set()

    @contextlib.contextmanager
    def without(self, asked):
        whole = self.secrets
        self.secrets = {what: secret for what, secret in whole.items()
                        if what not in asked} or {"nothing": "no secret yet"}
        yield
        self.secrets = whole

    def follow_poll(self, server, evpopd):
        for point in ("greeting", "login", "session"):
            server.wait_at(point)
            self.search(evpopd, f"at {point}", True)
            server.let()

    def wait_ok(self, evpopd):
        procs.wait_for(lambda: evpopd.account("anna")["last_outcome"] == "ok"
                       and evpopd.account("anna")["state"] != "polling",
                       what="a poll by a token")
        self.search(evpopd, "between polls", True)
        self.check_untold(evpopd)

    def test_client_credentials(self):
        self.authorization_server()
        server = self.server()
        evpopd = self.evpopd_by_oauth(server, oauth2_flow="client-credentials")
        with self.endpoint_waits(evpopd):
            evpopd.start()
        self.follow_poll(server, evpopd)
        self.wait_ok(evpopd)
        evpopd.halt()

    def test_consent_and_refresh(self):
        """By a device, then with refresh tokens, which are exchanged."""
        self.authorization_server(lifetime=1)
        server = self.server()
        evpopd = self.evpopd_by_oauth(server)
        evpopd.start()
        evpopd.wait_polled()
        with self.endpoint_waits(evpopd):
            evpopd.post("/v1/accounts/anna/authorize", {"flow": "device"})
            self.auth.consent()
        self.follow_poll(server, evpopd)
        self.wait_ok(evpopd)
        for _ in range(2):
            procs.wait_for(lambda: evpopd.account("anna")[
                "authorization"]["state"] == "expired", what="its end")
            with self.endpoint_waits(evpopd):
                evpopd.post("/v1/accounts/anna/poll")
            self.follow_poll(server, evpopd)
            self.wait_ok(evpopd)
        evpopd.post("/v1/reload")
        self.search(evpopd, "after a reload", True)
        # And nothing is left of it once the connection is closed.
        evpopd.delete("/v1/accounts/anna/authorize")
        evpopd.halt()
        self.assertEqual(self.auth.mistakes, [])


if __name__ == "__main__":
    image.as_root_of_its_own()
    unittest.main(verbosity=2)
