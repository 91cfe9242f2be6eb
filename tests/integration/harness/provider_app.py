"""An authorization server made of Authlib's, with the pages of a provider.

A program: it reads JSON from its standard input (see harness/provider.py), and
writes the port it listens on, then what was asked of it, a line each.  What is
decided about tokens is Authlib's; here are only the tables, the pages, and that
a refresh token that comes a second time ends the consent (RFC 9700).
"""

import hmac
import html
import json
import secrets
import sys
import threading
import time
import urllib.parse

import flask
from authlib.integrations import flask_oauth2
from authlib.oauth2 import rfc6749, rfc7009, rfc7636, rfc7662, rfc8628
from authlib.oauth2.rfc6749 import grants
from werkzeug import serving

# Servers give a token a little longer than they say.
GRACE_S = 3600

options = json.load(sys.stdin)
app = flask.Flask(__name__)
app.secret_key = secrets.token_bytes(32)
app.config.update(
    OAUTH2_REFRESH_TOKEN_GENERATOR=True,
    OAUTH2_SCOPES_SUPPORTED=options["scopes"],
    OAUTH2_TOKEN_EXPIRES_IN={kind: options["lifetime"] for kind in (
        "authorization_code", "client_credentials", "refresh_token",
        rfc8628.DEVICE_CODE_GRANT_TYPE)})
said = threading.Lock()
tokens, codes, devices, answers = [], {}, {}, {}


def say(**what):
    with said:
        print(json.dumps(what), flush=True)


class Client(rfc6749.ClientMixin):
    def __init__(self, name, keys):
        self.client_id, self.keys = name, keys

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return " ".join(one for one in scope.split()
                        if one in self.keys["scopes"])

    def check_redirect_uri(self, redirect_uri):
        # Whatever the port (RFC 8252 section 7.3).
        parts = urllib.parse.urlsplit(redirect_uri)
        return parts.scheme == "http" and parts.hostname == "localhost"

    def check_client_secret(self, client_secret):
        return hmac.compare_digest(self.keys["secret"], client_secret)

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.keys["method"]

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in self.keys["grants"]


class User:
    def __init__(self, name):
        self.name = name

    def get_user_id(self):
        return self.name


class Token(rfc6749.TokenMixin):
    def __init__(self, client, user, family, made):
        self.client_id, self.family, self.made = client.client_id, family, made
        self.user = user or User(client.keys.get("mailbox"))
        self.born = time.time()
        self.is_withdrawn = self.is_exchanged = self.is_signed_out = False

    def check_client(self, client):
        return self.client_id == client.get_client_id()

    def get_scope(self):
        return self.made["scope"]

    def get_expires_in(self):
        return self.made["expires_in"]

    def is_expired(self):
        return self.born + self.get_expires_in() + GRACE_S < time.time()

    def is_revoked(self):
        return self.is_withdrawn or self.is_signed_out


class Code(rfc6749.AuthorizationCodeMixin):
    def __init__(self, code, request):
        self.code, self.client_id = code, request.client.client_id
        self.redirect_uri, self.scope = request.redirect_uri, request.scope
        self.user = request.user
        self.code_challenge = request.data.get("code_challenge")
        self.code_challenge_method = request.data.get("code_challenge_method")

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope


class Device(rfc8628.DeviceCredentialMixin):
    def __init__(self, client_id, scope, data):
        self.client_id, self.scope, self.data = client_id, scope, data
        self.ends = time.time() + data["expires_in"]
        self.asked = 0

    def get_client_id(self):
        return self.client_id

    def get_scope(self):
        return self.scope

    def get_user_code(self):
        return self.data["user_code"]

    def is_expired(self):
        return self.ends < time.time()


def find_token(text, kind):
    return next((token for token in tokens if text in (
        token.made.get(one) for one in ([kind] if kind else (
            "access_token", "refresh_token")))), None)


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_post"]

    def save_authorization_code(self, code, request):
        codes[code] = Code(code, request)

    def query_authorization_code(self, code, client):
        found = codes.get(code)
        return found if found and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code):
        del codes[authorization_code.code]

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class Proof(rfc7636.CodeChallenge):
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_post"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        token = find_token(refresh_token, "refresh_token")
        if token is None or token.is_withdrawn:
            return None
        if token.is_exchanged:
            say(mistake="a refresh token came twice")
            withdraw(lambda one: one.family == token.family)
            return None
        return token

    def authenticate_user(self, credential):
        self.request.family = credential.family
        return credential.user

    def revoke_old_credential(self, credential):
        credential.is_exchanged = True


class ClientGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]


class DeviceEndpoint(rfc8628.DeviceAuthorizationEndpoint):
    CLIENT_AUTH_METHODS = ["none", "client_secret_post"]
    INTERVAL = 1

    def get_verification_uri(self):
        return flask.url_for("device_page", _external=True)

    def save_device_credential(self, client_id, scope, data):
        devices[data["device_code"]] = Device(client_id, scope, data)


class DeviceGrant(rfc8628.DeviceCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_post"]

    def query_device_credential(self, device_code):
        return devices.get(device_code)

    def query_user_grant(self, user_code):
        return answers.get(user_code)

    def should_slow_down(self, credential):
        before, credential.asked = credential.asked, time.monotonic()
        is_early = credential.asked - before < DeviceEndpoint.INTERVAL * 0.9
        if is_early:
            say(mistake="a device asked too early")
        return is_early


class Introspection(rfc7662.IntrospectionEndpoint):
    def query_token(self, token_string, token_type_hint):
        return find_token(token_string, token_type_hint or "access_token")

    def check_permission(self, token, client, request):
        return client.keys.get("introspects", False)

    def introspect_token(self, token):
        return {"active": True, "client_id": token.client_id,
                "username": token.user.name, "sub": token.user.name,
                "scope": token.get_scope(), "token_type": "Bearer",
                "exp": int(token.born) + token.get_expires_in() + GRACE_S}


class Revocation(rfc7009.RevocationEndpoint):
    CLIENT_AUTH_METHODS = ["none", "client_secret_post"]

    def query_token(self, token_string, token_type_hint):
        return find_token(token_string, token_type_hint)

    def revoke_token(self, token, request):
        withdraw(lambda one: one.family == token.family)


def withdraw(condition):
    for token in tokens:
        if condition(token):
            token.is_withdrawn = True


def save_token(token, request):
    family = getattr(request, "family", None) or secrets.token_hex(4)
    tokens.append(Token(request.client, request.user, family, token))


server = flask_oauth2.AuthorizationServer(
    app, lambda name: (Client(name, options["clients"][name])
                       if name in options["clients"] else None), save_token)
server.register_grant(CodeGrant, [Proof(required=True)])
for grant in (RefreshGrant, ClientGrant, DeviceGrant):
    server.register_grant(grant)
for endpoint in (DeviceEndpoint, Introspection, Revocation):
    server.register_endpoint(endpoint)


# Endpoints

@app.after_request
def tell(response):
    if flask.request.method == "POST":
        say(path=flask.request.path, form=flask.request.form.to_dict(),
            status=response.status_code)
    return response


@app.post("/token")
def token_endpoint():
    return server.create_token_response()


for where, name in (("/device_authorization", DeviceEndpoint.ENDPOINT_NAME),
                    ("/introspect", Introspection.ENDPOINT_NAME),
                    ("/revoke", Revocation.ENDPOINT_NAME)):
    app.add_url_rule(
        where, name, methods=["POST"], view_func=lambda of=name:
        server.create_endpoint_response(of))


# Pages

def page(text, *buttons, **fields):
    """A page with a form; it is sent to where it came from."""
    mark = flask.session.setdefault("mark", secrets.token_hex(16))
    inputs = "".join(
        f'<input name="{name}" type="{kind}">' for name, kind
        in fields.items())
    inputs += "".join(
        f'<button name="button" value="{value}">{value}</button>'
        for value in buttons or ("go on",))
    return ("<!DOCTYPE html><title>A provider</title>"
            f"<p>{html.escape(text)}</p><form method=post>"
            f'<input type="hidden" name="mark" value="{mark}">'
            f"{inputs}</form>")


def visitor():
    return flask.session.get("user")


def sign_in():
    """The page where somebody signs in, who comes back to here then."""
    return flask.redirect(flask.url_for(
        "sign_in_page", to=flask.request.full_path))


@app.before_request
def check_form():
    if flask.request.method == "POST" and flask.request.endpoint in (
            "sign_in_page", "device_page", "authorize_page", "consents_page"):
        if (flask.request.form.get("mark")
                != flask.session.get("mark", "none")):
            flask.abort(403)


@app.route("/sign-in", methods=["GET", "POST"])
def sign_in_page():
    form = flask.request.form
    if flask.request.method == "GET":
        return page("Who are you?", user="text", password="password")
    if options["users"].get(form.get("user")) != form.get("password"):
        return page("Wrong user or password.", user="text",
                    password="password"), 403
    flask.session["user"] = form["user"]
    return flask.redirect(flask.request.args["to"])


@app.route("/authorize", methods=["GET", "POST"])
def authorize_page():
    if visitor() is None:
        return sign_in()
    user = User(visitor())
    try:
        grant = server.get_consent_grant(end_user=user)
    except rfc6749.OAuth2Error as error:
        return page(f"Error: {error.error}: {error.description}"), 400
    if flask.request.method == "GET":
        return page(f"{grant.client.client_id} wants {grant.request.scope}.",
                    "allow", "deny")
    return server.create_authorization_response(
        grant_user=user if flask.request.form["button"] == "allow" else None)


@app.route("/device", methods=["GET", "POST"])
def device_page():
    if visitor() is None:
        return sign_in()
    form = flask.request.form
    code = (flask.request.args.get("user_code")
            or form.get("user_code", "")).upper()
    device = next((one for one in devices.values()
                   if one.get_user_code() == code), None)
    if device is None:
        return page("Type the code that your device shows.",
                    user_code="text")
    if form.get("button") not in ("allow", "deny"):
        flask.session["device"] = code
        return flask.redirect(flask.url_for("device_page", user_code=code)) \
            if flask.request.method == "POST" else page(
                f"{device.client_id} wants {device.scope}.", "allow", "deny")
    answers[code] = User(visitor()), form["button"] == "allow"
    return page("You can go back to your device.")


@app.route("/consents", methods=["GET", "POST"])
def consents_page():
    if visitor() is None:
        return sign_in()
    button = flask.request.form.get("button")
    for token in tokens:
        if token.user.name == visitor() and button == "withdraw":
            token.is_withdrawn = True
        elif token.user.name == visitor() and button == "sign out":
            token.is_signed_out = True
    return page("What may log in as you.", "withdraw", "sign out")


class Handler(serving.WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


listener = serving.make_server(
    "localhost", 0, app, threaded=True, request_handler=Handler,
    ssl_context=(options["certificate"], options["key"]))
say(port=listener.server_port)
listener.serve_forever()
