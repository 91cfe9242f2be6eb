"""The daemon's answers, held against its own description (openapi.json).

A Contract asks a running daemon and checks each answer: the path, method,
parameters and status are described, the content is of a described type, and
JSON fits its schema, in which objects are closed.  It remembers what was asked
and seen, and names what is described and was never met.
"""

import json
import re
import urllib.parse

import jsonschema

METHODS = ("get", "post", "delete")
ERROR = "#/components/schemas/Error"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time")
def _is_time(value):
    return not isinstance(value, str) or _TIME.fullmatch(value) is not None


class Operation:
    """A method of a path.  Attributes: id, method, path, role, and what was
    tried and seen of it so far."""

    def __init__(self, contract, path, method, description, shared):
        self.path, self.method = path, method
        self.id = description["operationId"]
        self.role = description["x-role"]
        self.parameters = [
            contract.resolve(one) for one in
            [*shared, *description.get("parameters", [])]]
        self.responses = {
            status: contract.resolve(one)
            for status, one in description["responses"].items()}
        self._pattern = re.compile(
            "[^/]+".join(re.escape(piece)
                         for piece in re.split(r"\{\w+\}", path)))
        self.is_literal = "{" not in path
        self.tried = set()
        self.met = set()

    def fits(self, path):
        """Whether a path is one of this operation's."""
        return self._pattern.fullmatch(path) is not None

    def answers(self):
        """All that it may answer: "200 application/json"."""
        for status, response in self.responses.items():
            content = response.get("content", {})
            yield from [f"{status} {kind}" for kind in content] or [status]

    def named(self, where):
        """The names of its parameters there ("query", "header")."""
        return {one["name"] for one in self.parameters if one["in"] == where}


class Contract:
    """The description in `document`, and the daemon that has to keep it."""

    def __init__(self, evpopd, document):
        self.evpopd = evpopd
        self.document = document
        self.operations = {}
        for path, methods in document["paths"].items():
            shared = methods.get("parameters", [])
            for method in methods.keys() - {"parameters"}:
                one = Operation(self, path, method, methods[method], shared)
                if one.id in self.operations:
                    raise AssertionError(f"{one.id} is there twice")
                self.operations[one.id] = one
        self.seen = set()

    def resolve(self, part):
        """What a reference stands for."""
        while "$ref" in part and part["$ref"].startswith("#/components/") and \
                "/schemas/" not in part["$ref"]:
            part = self.at(part["$ref"])
        return part

    def at(self, reference):
        """The part of the document that a reference names."""
        part = self.document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
        return part

    # Asking

    def find(self, method, path):
        """The operation that serves this path, the most literal one."""
        found = [one for one in self.operations.values()
                 if one.method == method.lower() and one.fits(path)]
        return max(found, key=lambda one: one.is_literal, default=None)

    def ask(self, method, target, expected, headers=None, content=None):
        """Ask, check the answer, and remember it; (headers, body, JSON)."""
        path, _, query = target.partition("?")
        operation = self.find(method, path)
        if operation is None:
            raise AssertionError(f"{method} {path} is not described")
        names = {name for name, _ in urllib.parse.parse_qsl(
            query, keep_blank_values=True)}
        if expected != 400 and names - operation.named("query"):
            raise AssertionError(f"{target}: parameters are not described: "
                                 f"{names - operation.named('query')}")
        operation.tried |= names | set(headers or ())
        answer = self.evpopd.request(method, target, headers=headers,
                                     content=content)
        status, got, body = answer
        if status != expected:
            raise AssertionError(f"{method} {target}: {status}, not "
                                 f"{expected}: {body[:1000]}")
        value = self.check(operation, status, got, body)
        # Ranges are of GET only.
        if method == "GET" and "Range" not in (headers or ()):
            self._check_head(target, headers, answer)
        return got, body, value

    def check_events(self, method, target, answer, last, headers=()):
        """An open answer of server-sent events, as far as an id."""
        path, _, query = target.partition("?")
        operation = self.find(method, path)
        operation.tried |= set(urllib.parse.parse_qs(query)) | set(headers)
        self.check(operation, answer.status, answer.headers, b"")
        kind = answer.headers["Content-Type"]
        schema = operation.responses["200"]["content"][kind][
            "schema"]["contentSchema"]
        found = 0
        while found < last:
            name, _, text = answer.readline().decode().partition(": ")
            if name == "data":
                event = json.loads(text)
                self.validate(schema, event, f"{operation.id} 200")
                found = event["id"]

    def check(self, operation, status, headers, body):
        """An answer is as it is described; its JSON, or None."""
        where = f"{operation.id} {status}"
        response = operation.responses.get(str(status))
        if response is None:
            raise AssertionError(f"{where} is not described: {body[:1000]}")
        for name in response.get("headers", {}):
            if headers.get(name) is None:
                raise AssertionError(f"{where} has no {name}")
        kind = (headers["Content-Type"] or "").partition(";")[0]
        content = response.get("content", {})
        if "*/*" in content:
            kind = "*/*"
        if kind not in content and (content or body):
            raise AssertionError(f"{where} is {kind!r}, not {list(content)}")
        operation.met.add(f"{status} {kind}" if content else f"{status}")
        if kind != "application/json":
            return None
        value = json.loads(body)
        self.validate(content[kind]["schema"], value, where)
        return value

    def _check_head(self, target, headers, answer):
        """HEAD answers as GET does, without a body."""
        status, got, body = self.evpopd.request("HEAD", target,
                                                headers=headers)
        if status != answer[0] or body != b"":
            raise AssertionError(f"HEAD {target}: {status} {body[:100]}")
        # A length of a moment's figures may be another one by now.
        if set(got.keys()) != set(answer[1].keys()) - {"Transfer-Encoding"}:
            raise AssertionError(f"HEAD {target}: {got}GET: {answer[1]}")

    # Schemas

    def validate(self, schema, value, where):
        """A value fits a schema; its members are remembered."""
        whole = {**schema, "components": self.document["components"]}
        errors = sorted(
            jsonschema.Draft202012Validator(
                whole, format_checker=_FORMATS).iter_errors(value),
            key=lambda error: str(error.path))
        if errors:
            first = errors[0]
            raise AssertionError(
                f"{where}: {'/'.join(map(str, first.path))}: {first.message}"
                f"\n{json.dumps(value, indent=1)[:2000]}")
        self._remember(schema, value, where.rpartition(" ")[0])

    def _parts(self, schema, where):
        """The schema and all that it consists of, each with its name."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield from self._parts(self.at(schema["$ref"]), name)
        yield schema, where
        for key in ("allOf", "anyOf", "oneOf"):
            for one in schema.get(key, ()):
                yield from self._parts(one, where)

    def _remember(self, schema, value, where):
        for part, name in self._parts(schema, where):
            if isinstance(value, dict):
                for member, inner in part.get("properties", {}).items():
                    if value.get(member) is None:
                        continue
                    self.seen.add(f"{name}.{member}")
                    self._remember(inner, value[member], f"{name}.{member}")
            elif isinstance(value, list) and "items" in part:
                for one in value:
                    self._remember(part["items"], one, name)

    def members(self):
        """All members that answers can have, by name: "Message.subject"."""
        found = set()
        for operation in self.operations.values():
            for response in operation.responses.values():
                for content in response.get("content", {}).values():
                    schema = content.get("schema", {})
                    # Of what text consists of, too.
                    self._collect(schema.get("contentSchema", schema),
                                  operation.id, found)
        return found

    def _collect(self, schema, where, found):
        for part, name in self._parts(schema, where):
            for member, inner in part.get("properties", {}).items():
                if f"{name}.{member}" not in found:
                    found.add(f"{name}.{member}")
                    self._collect(inner, f"{name}.{member}", found)
            if "items" in part:
                self._collect(part["items"], name, found)

    def open_objects(self):
        """Schemas of objects that would let anything pass, by name."""
        found = []

        def look(part, name):
            kinds = part.get("type", ())
            kinds = [kinds] if isinstance(kinds, str) else kinds
            is_object = "object" in kinds or "properties" in part
            closed = (part.get("additionalProperties") is False
                      or part.get("unevaluatedProperties") is False)
            if is_object and not closed and not name.endswith("Members"):
                found.append(name)
            for key, inner in part.items():
                if isinstance(inner, dict):
                    look(inner, f"{name}/{key}")
                elif isinstance(inner, list):
                    for one in inner:
                        if isinstance(one, dict):
                            look(one, f"{name}/{key}")

        for name, schema in self.document["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
            look(schema, name)
        for one in self.operations.values():
            for response in one.responses.values():
                for content in response.get("content", {}).values():
                    if "schema" in content:
                        look(content["schema"], one.id)
        return found

    # What was never met

    def untried(self):
        """Each "operation ?parameter" and "operation status type"."""
        for one in self.operations.values():
            for name in sorted((one.named("query") | one.named("header"))
                               - one.tried):
                yield f"{one.id} ?{name}"
            for answer in sorted(set(one.answers()) - one.met):
                yield f"{one.id} {answer}"

    def unseen(self):
        """Members that no answer had, or only as null."""
        return sorted(self.members() - self.seen)
