"""An authorization server of OAuth 2 that takes nothing but what the rules say.

RFC 6749 (codes, refresh tokens, client credentials), RFC 7636 (proofs), RFC
8628 (devices) and RFC 9700 (a refresh token is exchanged for the next one; one
that comes again revokes them all).  Its access tokens are JWTs that Dovecot
checks by a key that both have.
"""

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import secrets
import socket
import ssl
import threading
import time
import urllib.parse

from . import procs

KEY = b"a key that the token's issuer and Dovecot share"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def _base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def make_jwt(user, seconds, key=KEY):
    """A JWT (RFC 7519) of this user, signed by HS256."""
    now = time.time()
    said = ".".join(_base64url(json.dumps(part).encode()) for part in (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": user, "iat": int(now) - 7200, "nbf": int(now) - 7200,
         "exp": int(now + max(seconds, 3600)), "jti": secrets.token_hex(8)}))
    return said + "." + _base64url(
        hmac.new(key, said.encode(), hashlib.sha256).digest())


class Broken(Exception):
    """An error of OAuth 2: its name, its description, the HTTP status."""

    def __init__(self, error, description="", status=400):
        super().__init__(error)
        self.error, self.description, self.status = error, description, status


class AuthServer:
    """The server, on a free port of this machine.

    secret      of the client; None: it has none
    lifetime    of access tokens, in seconds
    interval    between a device's questions
    user        who consents, by consent() or at the page

    `answers` are given to the token endpoint in turn, instead of what it would
    say: (status, JSON), "cut", "hang", or what to wait for before the true
    answer: a number of seconds, or what has wait(); None: the true answer.  `requests` has what came, as
    (endpoint, form).  `mistakes` has what no client may do.
    """

    def __init__(self, *, client="client-1", secret=None, lifetime=3600,
                 interval=1, rotates=True, user="anna", certificate=None):
        self.client, self.secret = client, secret
        self.lifetime, self.interval = lifetime, interval
        self.rotates, self.user = rotates, user
        self.answers, self.requests, self.mistakes = [], [], []
        self.is_down = False
        self.make_token = make_jwt
        self.make_refresh = lambda: secrets.token_urlsafe(24)
        self._lock = threading.Lock()
        self._families, self._refresh, self._used = {}, {}, {}
        self._devices, self._codes = {}, {}
        self._certificate = certificate
        self._server = self._thread = None
        self._released = threading.Event()
        self.port = None

    # What a test does

    @property
    def base(self):
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://localhost:{self.port}"

    def keys(self, **more):
        """The keys of an account that logs in by it."""
        made = {"oauth2_client_id": self.client,
                "oauth2_token_url": self.base + "/token",
                "oauth2_device_url": self.base + "/device",
                "oauth2_authorization_url": self.base + "/authorize?tag=1",
                "oauth2_scope": "mail offline_access"}
        if self.secret is not None:
            made["oauth2_client_secret"] = self.secret
        return {**made, **more}

    def consent(self, user_code=None, says=True):
        """The user answers at the page of the device."""
        with self._lock:
            for device in self._devices.values():
                if user_code in (None, device["user_code"]):
                    device["says"] = says

    def browse(self, url):
        """What a browser would bring back: the query, as a dict."""
        parts = urllib.parse.urlsplit(url)
        query = dict(urllib.parse.parse_qsl(parts.query,
                                            strict_parsing=True))
        if query.pop("tag", None) != "1":
            raise AssertionError("the query of the page's URL is lost")
        for name, value in (("response_type", "code"),
                            ("client_id", self.client),
                            ("code_challenge_method", "S256")):
            if query[name] != value:
                raise AssertionError(f"{name}: {query[name]}")
        if len(query["code_challenge"]) != 43 or len(query["state"]) < 22:
            raise AssertionError("a proof or state that is none")
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = {"challenge": query["code_challenge"],
                                 "uri": query["redirect_uri"],
                                 "scope": query["scope"]}
        return {"code": code, "state": query["state"]}

    def revoke(self):
        """The user withdraws the consent."""
        with self._lock:
            self._refresh.clear()

    def tokens(self):
        """How many refreshes, codes and such were asked for."""
        with self._lock:
            return sum(where == "token" for where, _ in self.requests)

    def grants(self, kind):
        with self._lock:
            return [form for where, form in self.requests
                    if where == "token" and form.get("grant_type") == kind]

    def new_refresh_token(self):
        """One as if its user had consented."""
        with self._lock:
            return self._new_refresh()

    # What it does

    def _new_refresh(self, family=None):
        family = family or secrets.token_hex(4)
        token = self.make_refresh()
        self._refresh[token] = family
        return token

    def _tokens(self, family=None, with_refresh=True):
        made = {"access_token": self.make_token(self.user, self.lifetime),
                "token_type": "Bearer", "expires_in": self.lifetime}
        if with_refresh:
            made["refresh_token"] = self._new_refresh(family)
        return made

    def _wrong(self, what):
        self.mistakes.append(what)
        raise Broken("invalid_request", what)

    def _check_client(self, form):
        if form.get("client_id") != self.client:
            raise Broken("invalid_client", "no such client", 401)
        if form.get("client_secret") != self.secret:
            raise Broken("invalid_client", "AADSTS7000215: Invalid client "
                         "secret provided.", 401)

    def _token(self, form):
        self._check_client(form)
        kind = form.get("grant_type")
        if kind == "refresh_token":
            return self._exchange(form["refresh_token"])
        if kind == "client_credentials":
            if self.secret is None:
                self._wrong("client credentials without a secret")
            return self._tokens(with_refresh=False)
        if kind == DEVICE_GRANT:
            return self._device_token(form["device_code"])
        if kind == "authorization_code":
            return self._code_token(form)
        raise Broken("unsupported_grant_type")

    def _exchange(self, token):
        if token in self._used:
            family = self._used[token]
            self._refresh = {one: of for one, of in self._refresh.items()
                             if of != family}
            self.mistakes.append("a refresh token came twice")
            raise Broken("invalid_grant", "Token has been used.")
        if token not in self._refresh:
            raise Broken("invalid_grant",
                         "Token has been expired or revoked.")
        if not self.rotates:
            return self._tokens(with_refresh=False)
        family = self._refresh.pop(token)
        self._used[token] = family
        return self._tokens(family)

    def _device_token(self, code):
        device = self._devices.get(code)
        if device is None:
            raise Broken("expired_token")
        now = time.monotonic()
        early = now - device["asked"] < self.interval * 0.9
        device["asked"] = now
        if early:
            self.mistakes.append("a device asked too early")
            raise Broken("slow_down")
        if device["says"] is None:
            raise Broken("authorization_pending")
        del self._devices[code]
        if not device["says"]:
            raise Broken("access_denied")
        return self._tokens()

    def _code_token(self, form):
        made = self._codes.pop(form["code"], None)
        if made is None:
            raise Broken("invalid_grant", "no such code")
        proof = _base64url(hashlib.sha256(
            form["code_verifier"].encode()).digest())
        if proof != made["challenge"] or form["redirect_uri"] != made["uri"]:
            self._wrong("a proof or URI that is not the code's")
        return self._tokens()

    def _device(self, form):
        self._check_client(form)
        if form.get("scope") != "mail offline_access":
            raise Broken("invalid_scope")
        code, user_code = secrets.token_urlsafe(24), "ABCD-EFGH"
        self._devices[code] = {"user_code": user_code, "says": None,
                               "asked": time.monotonic()}
        return {"device_code": code, "user_code": user_code,
                "verification_uri": self.base + "/go",
                "verification_uri_complete":
                    f"{self.base}/go?user_code={user_code}",
                "expires_in": 600,
                "interval": self.interval}

    def _answer(self, where, form):
        with self._lock:
            self.requests.append((where, form))
            moods = self.answers if where == "token" else []
            mood = moods.pop(0) if moods else None
        if mood == "hang":
            self._released.wait(procs.PATIENCE)
            return "cut", None
        if mood == "cut" or self.is_down:
            return "cut", None
        if isinstance(mood, tuple):
            return mood
        if hasattr(mood, "wait"):
            mood.wait(procs.PATIENCE)
        elif mood is not None:
            self._released.wait(mood)
        with self._lock:
            try:
                return 200, (self._token if where == "token"
                             else self._device)(form)
            except Broken as broken:
                return broken.status, {
                    "error": broken.error,
                    "error_description": broken.description}
            except KeyError as missing:
                return 400, {"error": "invalid_request",
                             "error_description": f"{missing} is missing"}

    # Its life

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = procs.PATIENCE

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if (self.headers["Content-Type"]
                        != "application/x-www-form-urlencoded"
                        or self.path not in ("/token", "/device")):
                    outer.mistakes.append(f"no form: {self.path}")
                    self.close_connection = True
                    return
                form = dict(urllib.parse.parse_qsl(
                    body.decode("ascii"), strict_parsing=True))
                status, answer = outer._answer(self.path[1:], form)
                if status == "cut":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                headers = {}
                if isinstance(answer, tuple):
                    answer, headers = answer
                octets = (answer if isinstance(answer, bytes)
                          else json.dumps(answer).encode())
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(octets)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def get_request(self):
                connection, address = super().get_request()
                if outer._certificate is None:
                    return connection, address
                return outer._context.wrap_socket(
                    connection, server_side=True,
                    do_handshake_on_connect=False), address

            def handle_error(self, *_):
                pass

        if self._certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(self._certificate.certificate,
                                          self._certificate.key)
        self._server = Server(("127.0.0.1", self.port or 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        kwargs={"poll_interval": 0.02},
                                        daemon=True)
        self._thread.start()
        return self

    def halt(self):
        """Nobody listens any more; start() takes the same port again."""
        if self._server is not None:
            self._released.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None
            self._released.clear()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.halt()
