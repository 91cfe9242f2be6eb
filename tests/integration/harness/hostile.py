"""Requests to each route of openapi.json that no client makes with good intent.

A Route is an operation of the description with the path of something that
exists; attacks() are requests to it, each with the statuses that may answer.
What the description gains is attacked without a line here.
"""

import re

# All that a route may answer to a request as it is described.
DESCRIBED = None

# What parameters, names and ids are at their worst.
VALUES = [
    b"%", b"%0", b"%zz", b"%00", b"a%00b", b"%ff", b"%c0%af", b"%ed%a0%80",
    b"\xff", b"%0d%0aX-Evil:%201", b"%1b%5b2J", b"..%2f..%2fetc%2fpasswd",
    b"%2e%2e", b"-1", b"0", b"9223372036854775808", b"99999999999999999999",
    b"1e9", b"0x1", b"%20", b"+", b"'%20OR%201=1%20--", b"%22*%22%20NEAR(",
    b"((((((((((", b"%25s%25n", b"a" * 3000, b"%f0%9f%92%a9" * 200,
]


class Route:
    """An operation, `names` for its path, and a query that it takes."""

    def __init__(self, operation, names, query=""):
        self.operation = operation
        self.id = operation.id
        self.method = operation.method.upper()
        self.path = re.sub(r"\{(\w+)\}", lambda one: names[one[1]],
                           operation.path)
        self.target = self.path + ("?" + query if query else "")
        self.described = {int(one) for one in operation.responses}

    def request(self, target=None, headers=b"", body=b"", method=None,
                version=b"HTTP/1.1"):
        """The bytes of a request, which need not be a good one."""
        target = self.target if target is None else target
        if isinstance(target, str):
            target = target.encode()
        return b"%s %s %s\r\nHost: x\r\n%s\r\n%s" % (
            method or self.method.encode(), target, version, headers, body)

    def with_value(self, name, value):
        """Its target with one more parameter."""
        return (self.target.encode() + (b"&" if "?" in self.target else b"?")
                + name.encode() + b"=" + value)


def oversized(route):
    """Line, address, name, parameters, headers and body."""
    ask, target = route.request, route.target.encode()
    mark = b"&" if b"?" in target else b"?"
    yield "a line", ask(target + mark + b"x=" + b"a" * 20000), {400}
    yield "an address", ask(target + mark + b"x=" + b"a" * 5000), {414}
    yield "a path", ask(b"/x" * 4000 + target), {414}
    yield "parameters", ask(
        target + mark + b"&".join(b"p%d=1" % one for one in range(400))), {400}
    yield "the same parameter", ask(target + mark + b"limit=1&" * 400), {400}
    yield "a header", ask(headers=b"A: " + b"x" * 20000 + b"\r\n"), {400}
    yield "a header's name", ask(headers=b"x" * 20000 + b": A\r\n"), {400}
    yield "headers", ask(headers=b"A: x\r\n" * 5000), {400}
    yield "a header that fits", ask(headers=b"A: " + b"x" * 15000 + b"\r\n"), \
        DESCRIBED
    yield "a body", ask(headers=b"Content-Length: 65537\r\n",
                        body=b"x" * 65537), {413}
    yield "a body by its length", ask(
        headers=b"Content-Length: 9223372036854775807\r\n"), {413}
    yield "a body in chunks", chunked(route, b"1\r\na\r\n" * 70000), {413}
    yield "a chunk by its length", chunked(route, b"7fffffffffffffff\r\n"), {413}
    yield "trailers", chunked(route, b"0\r\n" + b"A: x\r\n" * 5000), {413}


def chunked(route, body):
    """A request whose body comes in chunks."""
    return route.request(headers=b"Transfer-Encoding: chunked\r\n", body=body)


def malformed(route):
    """Bytes that are no request, or not this one."""
    ask, target = route.request, route.target.encode()
    path, _, query = target.partition(b"?")
    query = b"?" + query if query else b""
    for octet in (b"\0", b"\n", b"\r", b"\t", b"\x01", b"\x7f", b"\xff", b" "):
        yield f"{octet!r} in the path", ask(path + octet + query), {400, 404, 405}
        yield f"{octet!r} in the method", ask(
            method=route.method.encode()[:2] + octet), {400, 501}
        yield f"{octet!r} in a header's name", ask(
            headers=b"A" + octet + b"B: x\r\n"), {400}
    yield "NUL in a header", ask(headers=b"A: x\0y\r\n"), DESCRIBED
    yield "a bare CR in a header", ask(headers=b"A: x\ry\r\n"), {400}
    yield "no name of a header", ask(headers=b": x\r\n"), {400}
    yield "no colon", ask(headers=b"A\r\n"), {400}
    yield "no version", b"%s %s\r\n\r\n" % (route.method.encode(), target), {400}
    for version in (b"HTTP/2.0", b"HTTP/0.9", b"HTTP/-1.1", b"HTTP/1", b"http/1.1",
                    b"HTTP/1.1.1", b"ICY", b"HTTP/1.1 x", b"HTTP/99999999999.1"):
        yield f"version {version!r}", ask(version=version), \
            {400, 404} | ({200} & route.described)
    yield "another version of HTTP/1", ask(version=b"HTTP/1.9"), DESCRIBED
    yield "TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n" + ask(), {400}
    yield "lines without CR", ask().replace(b"\r\n", b"\n"), DESCRIBED
    for end in (b"/", b"//", b"/..", b"/%2e", b"%20", b";x", b"%3f", b"."):
        yield f"{end!r} behind the path", ask(path + end + query), \
            {400, 404, 405}
    yield "dots before the path", ask(b"/v1/.." + target), {404}
    yield "capitals", ask(target.upper()), {404, 400}
    for method in (b"PUT", b"PATCH", b"OPTIONS", b"TRACE"):
        yield method.decode(), ask(method=method), {405}
    for method in (b"BREW", route.method.lower().encode(), b"CONNECT"):
        yield method.decode(), ask(method=method), {501}


def lengths(route):
    """Bodies whose end is told wrongly, twice or never."""
    ask = route.request
    for value in (b"-5", b"+2", b"-0", b"abc", b"2 2", b"2,2", b"0x2", b"", b"2;"):
        yield f"length {value!r}", ask(
            headers=b"Content-Length: " + value + b"\r\n", body=b"{}"), {400}
    for first, second in ((2, 2), (0, 30), (2, 3)):
        yield f"lengths {first} and {second}", ask(
            headers=b"Content-Length: %d\r\nContent-Length: %d\r\n" %
            (first, second), body=b"x" * first), {400}
    yield "a length and chunks", ask(
        headers=b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        body=b"0\r\n\r\n"), {400}
    yield "gzip", ask(headers=b"Transfer-Encoding: gzip\r\n"), {501}
    yield "gzip and chunks", ask(
        headers=b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        body=b"0\r\n\r\n"), {501}
    for size in (b"zz", b"-1", b"2;a=b", b"ffffffffffffffff"):
        yield f"chunk {size!r}", chunked(route, size + b"\r\n{}\r\n0\r\n\r\n"), \
            {413}
    yield "Expect", ask(headers=b"Expect: 200-ok\r\nContent-Length: 2\r\n"), \
        {417}
    yield "Expect of too much", ask(
        headers=b"Expect: 100-continue\r\nContent-Length: 100000\r\n"), {413}
    yield "Expect without a body", ask(headers=b"Expect: 100-continue\r\n"), \
        DESCRIBED


def values(route):
    """Each of its parameters and names at its worst."""
    for name in sorted(route.operation.named("query") | {"nonsense"}):
        for value in VALUES:
            yield f"{name}={value[:20]!r}", route.request(
                route.with_value(name, value)), DESCRIBED
        yield f"{name} without a value", route.request(
            route.with_value(name, b"")), {400}
        yield f"{name} twice", route.request(
            route.with_value(name, b"1&" + name.encode() + b"=1")), {400}
    for place in re.findall(r"\{\w+\}", route.operation.path):
        for value in VALUES:
            target = route.operation.path.encode().replace(
                place.encode(), value)
            target = re.sub(rb"\{\w+\}", b"1", target)
            yield f"{place} = {value[:20]!r}", route.request(target), \
                route.described | {404, 400}
    for name in sorted(route.operation.named("header")):
        for value in (b"", b"x" * 15000, b'"' * 3000, b"\xff\x80", b"*,*,*",
                      b"bytes=-", b"bytes=0-0," * 500, b"bytes=9-1",
                      b"bytes=-99999999999999999999", b"W/\"", b"-1",
                      b"99999999999999999999", b"a/b;q=2," * 900):
            yield f"{name}: {value[:20]!r}", route.request(
                headers=b"%s: %s\r\n" % (name.encode(), value)), DESCRIBED


def attacks(route):
    """(what it is, the bytes, the statuses that may answer) of a route."""
    for kind in (oversized, malformed, lengths, values):
        for name, octets, statuses in kind(route):
            yield name, octets, route.described if statuses is DESCRIBED \
                else statuses
