#!/usr/bin/env python3
"""Inputs of fuzz_http for each route of openapi.json, so that none is forgotten:
with each of the store's answers, each role, each way in which a client ends,
with a daemon and without.

usage: http_routes.py OPENAPI FOLDER            write one input for each route
       http_routes.py OPENAPI --run PROGRAM     run PROGRAM over all of them
"""

import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# As fuzz_http.c takes the first two octets.
ROLES = range(8)
ALL_ROLES = 7
HELD = 0x08
ENDINGS = {"unseen": 0x40, "read": 0x50, "half": 0x60, "gone": 0x70}
STORE_STATUSES = 12
ALONE = 0x80

# Of parameters that take what they like to.
VALUES = {"account": "anna", "name": "a*", "state": "failing", "q": "a+OR+b",
          "mode": "dry-run", "since": "1d", "before": "2024-01-01",
          "more": "yes", "file": "c.db", "sort": "rank", "accounts": "failing",
          "Range": "bytes=1-2"}


def resolve(document, part):
    while "$ref" in part:
        where, part = part["$ref"], document
        for step in where.removeprefix("#/").split("/"):
            part = part[step]
    return part


# What these paths name: as it is, and sealed.
IDS = ("1", "2")


def requests(document):
    """(operation, without its query, with all of it, of something sealed) of
    each."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            given = [resolve(document, one) for one in [
                *methods.get("parameters", ()),
                *operation.get("parameters", ())]]
            query = "&".join(f"{one['name']}={VALUES.get(one['name'], 1)}"
                             for one in given if one["in"] == "query")
            headers = "".join(f"{one['name']}: {VALUES.get(one['name'], 1)}\r\n"
                              for one in given if one["in"] == "header")
            target, sealed = (
                re.sub(r"\{\w+\}", one, path.replace("{name}", "anna"))
                for one in IDS)
            body = "Content-Length: 9\r\n\r\nA: b\r\n\r\nc" \
                if "requestBody" in operation else "\r\n"
            name = operation["operationId"]
            method = method.upper()
            yield name, f"{method} {target} HTTP/1.1\r\n{body}", \
                f"{method} {target}?{query} HTTP/1.1\r\n{headers}{body}", \
                f"{method} {sealed}?{query} HTTP/1.1\r\n{headers}{body}"


def settings():
    """All that is tried of a route: the first three octets."""
    for ending, held, alone in itertools.product(
            ENDINGS.values(), (0, HELD), (0, ALONE)):
        yield ALL_ROLES | held | ending, ord("0") | alone, ord("0")
    for status, held, alone in itertools.product(
            range(STORE_STATUSES), (0, HELD), (0, ALONE)):
        yield ALL_ROLES | held | ENDINGS["read"], status | alone, ord("0")
    for roles in ROLES:
        yield roles | ENDINGS["read"], ord("0"), ord("1")


def main():
    document = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    if sys.argv[2] != "--run":
        folder = pathlib.Path(sys.argv[2])
        folder.mkdir(parents=True, exist_ok=True)
        for name, _, whole, _ in requests(document):
            (folder / f"{name}.input").write_bytes(b"W00" + whole.encode())
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for name, *texts in requests(document):
            for number, (text, octets) in enumerate(
                    itertools.product(texts, settings())):
                pathlib.Path(folder, f"{name}-{number:03d}").write_bytes(
                    bytes(octets) + text.encode() * 2)
        done = subprocess.run([sys.argv[3], folder], check=False,
                              stdout=subprocess.PIPE)
    # The last one named is the one that failed.
    print("\n".join(done.stdout.decode().splitlines()[-2:]))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
