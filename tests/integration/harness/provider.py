"""A provider's authorization server that others have written: Authlib's.

It runs in a process of its own, over HTTPS, with pages where a user signs in
and consents; harness/provider_app.py is the program.
"""

import contextlib
import importlib.util
import json
import pathlib
import subprocess
import sys
import threading

from . import procs, visitor

SCOPES = ["mail", "offline_access"]
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def available():
    """Whether Authlib and Flask are installed."""
    return all(importlib.util.find_spec(name) for name in ("authlib", "flask"))


class Provider:
    """The server, on a free port of this machine.

    authority   the certificates.CertificateAuthority that it has its own from
    users       name -> password, of its pages
    clients     name -> secret, or None for one that has none
    lifetime    of access tokens, in seconds, as it says; they are good longer

    A client that has a secret may do everything, and act for the mailbox of
    the first user by itself.  The one that is called "dovecot" may ask whether
    a token is good, and nothing else.
    """

    def __init__(self, authority, users, clients, lifetime=3600):
        self.authority, self.users, self.clients = authority, users, clients
        self.lifetime = lifetime
        self.checker_secret = "what only Dovecot knows".replace(" ", "-")
        self._said, self._lock = [], threading.Lock()
        self._process = self._reader = None
        self.port = None

    # What a test does

    @property
    def base(self):
        return f"https://localhost:{self.port}"

    @property
    def introspection_url(self):
        """With what Dovecot proves itself by."""
        return (f"https://dovecot:{self.checker_secret}@localhost:"
                f"{self.port}/introspect")

    def keys(self, client, **more):
        """The keys of an account that logs in by it."""
        made = {"oauth2_client_id": client,
                "oauth2_token_url": self.base + "/token",
                "oauth2_device_url": self.base + "/device_authorization",
                "oauth2_authorization_url": self.base + "/authorize",
                "oauth2_scope": " ".join(SCOPES)}
        if self.clients[client] is not None:
            made["oauth2_client_secret"] = self.clients[client]
        return {**made, **more}

    def visit(self, user):
        """Somebody with a browser, who signs in where that is asked for."""
        return visitor.Visitor(self.authority.file, {
            "user": user, "password": self.users[user]})

    def asked(self, path, **fields):
        """Forms that came to a path and have these fields."""
        with self._lock:
            return [one["form"] for one in self._said
                    if one.get("path") == path
                    and fields.items() <= one["form"].items()]

    def refreshes(self):
        return len(self.asked("/token", grant_type="refresh_token"))

    def mistakes(self):
        """What no client may do, and was done."""
        with self._lock:
            return [one["mistake"] for one in self._said if "mistake" in one]

    # Its life

    def _options(self):
        certificate = self.authority.server("provider")
        clients = {name: {
            "secret": secret, "scopes": SCOPES,
            "method": "client_secret_post" if secret else "none",
            "mailbox": next(iter(self.users)),
            "grants": ["authorization_code", "refresh_token", DEVICE_GRANT]
            + (["client_credentials"] if secret else [])}
            for name, secret in self.clients.items()}
        clients["dovecot"] = {
            "secret": self.checker_secret, "method": "client_secret_basic",
            "scopes": [], "grants": [], "introspects": True}
        return {"certificate": str(certificate.certificate),
                "key": str(certificate.key), "clients": clients,
                "users": self.users, "lifetime": self.lifetime,
                "scopes": SCOPES}

    def start(self):
        self._process = subprocess.Popen(
            [sys.executable, "-B",
             pathlib.Path(__file__).with_name("provider_app.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=procs.die_with_parent())
        with self._process.stdin as to:
            json.dump(self._options(), to)
        first = self._process.stdout.readline()
        if not first:
            raise AssertionError("the provider did not start")
        self.port = json.loads(first)["port"]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self):
        for line in self._process.stdout:
            with self._lock:
                self._said.append(json.loads(line))

    def stop(self):
        """End it."""
        if self._process is not None:
            procs.stop(self._process)
            self._reader.join()
            self._process.stdout.close()
            self._process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.stop()
