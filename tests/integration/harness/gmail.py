"""A stand-in for Gmail's API, as far as mail is imported through it.

It answers as Google documents (developers.google.com/workspace/gmail/api):
users.messages.import with a multipart upload, users.messages.list with a
search, users.messages.get, users.labels, users.getProfile; the errors of
"Resolve errors", and the quota units of "Usage limits".  What a request may
not have, such as an unknown parameter or a field that is not selectable, is
refused, so that no test passes by the server's kindness.
"""

import datetime
import email
import email.policy
import email.utils
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse

from . import procs

# Quota units of a method, as documented; 15,000 a minute are a user's.
UNITS = {"import": 25, "list": 5, "get": 5, "labels.list": 1,
         "labels.create": 5, "profile": 1}

# What an import may carry, in octets.
SIZE_MOST = 150 << 20

SYSTEM_LABELS = ("INBOX", "UNREAD", "SPAM", "TRASH", "STARRED", "IMPORTANT",
                 "SENT", "DRAFT")

# Files that Gmail takes from nobody.
BLOCKED = re.compile(r"\.(exe|bat|cmd|com|js|jar|msi|scr|vbs)$", re.I)


class Answer(Exception):
    """An error as the API gives it."""

    def __init__(self, status, reason, message, headers=None, domain="global",
                 details=None):
        self.status = status
        self.headers = headers or {}
        self.value = {"error": {
            "code": status, "message": message,
            "errors": [{"message": message, "domain": domain,
                        "reason": reason}]}}
        if details is not None:
            self.value["error"]["details"] = details
        super().__init__(message)


class Cut(Exception):
    """The connection ends without an answer."""


def too_many():
    """429, as it comes where a user's rate is exceeded."""
    until = (datetime.datetime.now(datetime.timezone.utc)
             + datetime.timedelta(seconds=1))
    stamp = until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Answer(429, "rateLimitExceeded",
                  f"User-rate limit exceeded.  Retry after {stamp}",
                  domain="usageLimits")


def user_rate():
    """403, as it comes for the same reason."""
    return Answer(403, "userRateLimitExceeded", "User Rate Limit Exceeded",
                  domain="usageLimits")


def daily_limit():
    return Answer(403, "dailyLimitExceeded", "Daily Limit Exceeded",
                  domain="usageLimits")


def backend():
    return Answer(500, "backendError", "Backend Error")


def unavailable():
    return Answer(503, "backendError", "The service is currently unavailable.")


def domain_policy():
    return Answer(403, "domainPolicy", "The domain administrators have "
                  "disabled Gmail apps.")


def scope_missing():
    return Answer(403, "insufficientPermissions", "Request had insufficient "
                  "authentication scopes.", details=[{
                      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                      "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}])


def api_disabled():
    return Answer(403, "accessNotConfigured", "Gmail API has not been used in "
                  "project 1 before or it is disabled.", domain="usageLimits")


class Gmail:
    """The API, on a free port of this machine, with one mailbox.

    `troubles` is asked with (method, number) before each request is done:
    it returns None, an Answer, or a word: "cut" (before it is done), "lost"
    (done, and not answered), "late" (done, and answered with 500).
    """

    def __init__(self, address="anna@gmail.com", tokens=("token",)):
        self.address = address
        self.tokens = set(tokens)
        self.messages = {}  # by id: dict of labelIds, octets, header, date_s
        self.labels = {name: name for name in SYSTEM_LABELS}  # id: name
        self.requests = []  # (method, status)
        self.imports = []  # the query of each
        self.troubles = lambda method, number: None
        self.units_a_minute = None
        self.spam = lambda octets: False
        # Gmail takes no message that has none, or two.
        self.wants_from = True
        # How long an imported message is not found yet.
        self.index_delay_s = 0
        self._units = []
        self._lock = threading.RLock()
        self._count = 0
        self._connections = 0
        self._server = self._thread = None
        self.port = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def target(self, **keys):
        """The keys of a target that imports here."""
        return {"type": "gmail", "url": self.url, "allow_private": "yes",
                "token_command": "echo token", "retry_min": "1s",
                "retry_max": "1s", **keys}

    # ---- what a test looks at ----

    def found(self, label=None):
        with self._lock:
            return [one for one in self.messages.values()
                    if label is None or self._label_id(label)
                    in one["labelIds"]]

    def wait_messages(self, count, timeout=procs.PATIENCE):
        procs.wait_for(lambda: len(self.messages) >= count, timeout=timeout,
                       what=f"{count} messages at Gmail")
        return self.found()

    def counted(self, method):
        with self._lock:
            return [status for name, status in self.requests if name == method]

    # ---- methods ----

    def _label_id(self, name):
        for one, known in self.labels.items():
            if known.lower() == name.lower():
                return one
        return None

    def _import(self, query, content_type, body):
        self._allow(query, {"uploadType", "internalDateSource",
                            "neverMarkSpam", "fields", "deleted",
                            "processForCalendar"})
        self._fields(query, {"id", "threadId", "labelIds"})
        if query.get("uploadType") != "multipart":
            raise Answer(400, "badContent", "Upload requests must have uploadType")
        metadata, octets = self._parts(content_type, body)
        labels = metadata.get("labelIds", [])
        for one in labels:
            if one not in self.labels:
                raise Answer(400, "invalidArgument", f"Invalid label: {one}")
        message = email.message_from_bytes(octets, policy=email.policy.compat32)
        if self.wants_from and len(message.get_all("From", [])) != 1:
            raise Answer(400, "invalidArgument",
                         "Expected a single 'From' header")
        for part in message.walk():
            if BLOCKED.search(part.get_filename() or ""):
                raise Answer(400, "invalidArgument", "Invalid attachment. "
                             "Please check https://support.google.com/mail/"
                             "answer/6590.")
        if self.spam(octets) and query.get("neverMarkSpam") != "true":
            labels = [one for one in labels if one != "INBOX"] + ["SPAM"]
        date_s = time.time()
        if query.get("internalDateSource") == "dateHeader":
            try:
                date_s = email.utils.parsedate_to_datetime(
                    message["Date"]).timestamp()
            except (TypeError, ValueError):
                pass
        self._count += 1
        number = f"{0x18c000000000000 + self._count:x}"
        self.messages[number] = {
            "id": number, "labelIds": labels, "octets": octets,
            "message_id": (message["Message-ID"] or "").strip("<> \t\r\n"),
            "header": message, "date_s": date_s,
            "found_from": time.monotonic() + self.index_delay_s}
        return {"id": number, "labelIds": labels}

    @staticmethod
    def _parts(content_type, body):
        """Metadata and message, octet by octet (RFC 2046 section 5.1)."""
        found = re.fullmatch(r'multipart/related; *boundary="?([^";]+)"?',
                             content_type)
        if found is None:
            raise Answer(400, "badContent", "Media type is not supported.")
        mark = b"--" + found[1].encode()
        if not body.startswith(mark + b"\r\n") or not body.endswith(
                b"\r\n" + mark + b"--\r\n"):
            raise Answer(400, "parseError", "Malformed multipart body.")
        pieces = body[len(mark):-len(mark) - 6].split(b"\r\n" + mark)
        if len(pieces) != 2:
            raise Answer(400, "parseError", "Malformed multipart body.")
        types, contents = [], []
        for piece in pieces:
            header, _, content = piece[2:].partition(b"\r\n\r\n")
            types.append(header.decode().partition(":")[2].strip())
            contents.append(content)
        if (not types[0].startswith("application/json")
                or types[1] != "message/rfc822"):
            raise Answer(400, "badContent",
                         f"Media type '{types[1]}' is not supported.")
        if len(contents[1]) > SIZE_MOST:
            raise Answer(413, "uploadTooLarge", "Request is too large.")
        return json.loads(contents[0]), contents[1]

    def _list(self, query, *_):
        self._allow(query, {"q", "includeSpamTrash", "maxResults", "pageToken",
                            "fields"})
        self._fields(query, {"messages(id)", "nextPageToken"})
        found = [one["id"] for one in self.messages.values()
                 if time.monotonic() >= one["found_from"]
                 and (query.get("includeSpamTrash") == "true"
                      or not {"SPAM", "TRASH"} & set(one["labelIds"]))
                 and all(self._matches(one, term)
                         for term in query["q"].split())]
        begin = int(query.get("pageToken", 0))
        end = begin + int(query.get("maxResults", 100))
        answer = {}
        if found[begin:end]:
            answer["messages"] = [{"id": one} for one in found[begin:end]]
        if found[end:]:
            answer["nextPageToken"] = str(end)
        return answer

    @staticmethod
    def _matches(message, term):
        name, _, value = term.partition(":")
        if name == "rfc822msgid":
            return message["message_id"].lower() == value.lower()
        if name == "after":
            return message["date_s"] >= int(value)
        if name == "before":
            return message["date_s"] < int(value)
        raise AssertionError(f"a search that Gmail does not know: {term}")

    def _get(self, query, number, _):
        self._allow(query, {"format", "metadataHeaders", "fields"})
        self._fields(query, {"id", "payload(headers)"})
        if number not in self.messages:
            raise Answer(404, "notFound", "Requested entity was not found.")
        wanted = query["metadataHeaders"].lower()
        return {"id": number, "payload": {"headers": [
            {"name": name, "value": str(value)} for name, value
            in self.messages[number]["header"].items()
            if name.lower() == wanted]}}

    def _list_labels(self, query, *_):
        self._fields(query, {"labels(id,name)"})
        return {"labels": [{"id": one, "name": name}
                           for one, name in self.labels.items()]}

    def _create_label(self, query, _, body):
        self._fields(query, {"id"})
        value = json.loads(body)
        name = value["name"]
        if not name.strip() or name.startswith("/") or len(name) > 225:
            raise Answer(400, "invalidArgument", "Invalid label name")
        if self._label_id(name) is not None:
            raise Answer(409, "aborted", "Label name exists or conflicts")
        self._count += 1
        made = f"Label_{self._count}"
        self.labels[made] = name
        return {"id": made}

    # ---- a request ----

    @staticmethod
    def _allow(query, names):
        for name in set(query) - names:
            raise Answer(400, "badRequest", f"Unknown name \"{name}\"")

    @staticmethod
    def _fields(query, known):
        for field in re.findall(r"[^,()]+(?:\([^)]*\))?",
                                query.get("fields", "")):
            if field not in known:
                raise Answer(400, "invalidParameter",
                             f"Invalid field selection {field}")

    def _charge(self, method):
        if self.units_a_minute is None:
            return
        now = time.monotonic()
        # A tenth of a minute's units in a tenth of a minute.
        self._units = [one for one in self._units if one[0] > now - 6]
        if (sum(units for _, units in self._units) + UNITS[method]
                > self.units_a_minute / 10):
            raise too_many()
        self._units.append((now, UNITS[method]))

    def _route(self, verb, path):
        match = re.fullmatch(r"(/upload)?/gmail/v1/users/([^/]+)/(.*)", path)
        if match is None:
            raise Answer(404, "notFound", "Not Found")
        user = urllib.parse.unquote(match[2])
        if user not in ("me", self.address):
            raise Answer(403, "delegationDenied",
                         f"Delegation denied for {self.address}")
        tail = match[3]
        if match[1] and (verb, tail) == ("POST", "messages/import"):
            return "import", None
        if (verb, tail) == ("GET", "messages"):
            return "list", None
        if verb == "GET" and tail.startswith("messages/"):
            return "get", tail.partition("/")[2]
        if tail == "labels":
            return ("labels.list" if verb == "GET" else "labels.create"), None
        if (verb, tail) == ("GET", "profile"):
            return "profile", None
        raise Answer(404, "notFound", "Not Found")

    def _do(self, method, query, argument, content_type, body):
        if method == "import":
            self.imports.append(query)
            return self._import(query, content_type, body)
        if method == "profile":
            return {"emailAddress": self.address, "messagesTotal":
                    len(self.messages), "historyId": "1"}
        return {"list": self._list, "get": self._get,
                "labels.list": self._list_labels,
                "labels.create": self._create_label}[method](
                    query, argument, body)

    def _answer(self, verb, target, headers, body):
        """(status, value, headers); the lock makes each request atomic."""
        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query))
        method = "?"
        with self._lock:
            try:
                method, argument = self._route(verb, url.path)
                scheme, _, token = headers.get(
                    "Authorization", "").partition(" ")
                if scheme != "Bearer" or token not in self.tokens:
                    raise Answer(401, "authError", "Invalid Credentials")
                trouble = self.troubles(method, len(self.requests))
                if isinstance(trouble, Answer):
                    raise trouble
                if trouble == "cut":
                    raise Cut
                self._charge(method)
                value = self._do(method, query, argument,
                                 headers.get("Content-Type", ""), body)
                if trouble == "lost":
                    raise Cut
                if trouble == "late":
                    raise backend()
                self.requests.append((method, 200))
                return 200, value, {}
            except Answer as answer:
                self.requests.append((method, answer.status))
                return answer.status, answer.value, answer.headers
            except Cut:
                self.requests.append((method, 0))
                raise

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = procs.PATIENCE

            def _serve(self):
                body = self.rfile.read(
                    int(self.headers.get("Content-Length", 0)))
                if len(body) < int(self.headers.get("Content-Length", 0)):
                    self.close_connection = True
                    return
                try:
                    status, value, headers = outer._answer(
                        self.command, self.path, self.headers, body)
                except Cut:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type",
                                 "application/json; charset=UTF-8")
                self.send_header("Content-Length", str(len(content)))
                for name, text in headers.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _serve

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def process_request(self, request, client_address):
                with outer._lock:
                    outer._connections += 1
                super().process_request(request, client_address)

            def process_request_thread(self, request, client_address):
                super().process_request_thread(request, client_address)
                with outer._lock:
                    outer._connections -= 1

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", self.port or 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        kwargs={"poll_interval": 0.02},
                                        daemon=True)
        self._thread.start()
        return self

    def wait_idle(self):
        """What clients that have died had sent is done, or will never be."""
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while last.recv(4096):
                pass
        procs.wait_for(lambda: self._connections == 0, what="no connections")

    def halt(self):
        """Nobody listens any more; start() takes the same port again."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.halt()
