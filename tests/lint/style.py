#!/usr/bin/env python3
"""What a reader may count on in every file.

usage: style.py [ROOT]

A file is one idea and stays short, and so does a function; nothing is put off
to a later day, nor left from a merge; no name says "miscellaneous"; every
header says what it is for, and every public function what it promises.
"""

import pathlib
import re
import sys

import sources

FILE_LINES = 600
# Below about 60 is the aim; what is above this is not read at one sitting.
FUNCTION_LINES = 75
# Tables of tests are long and easy.
TEST_FILE_LINES = 1000
TEST_FUNCTION_LINES = 120
# Looked up by their headings, and as long as what they describe.
DOCUMENTS = (".md", ".1", ".3", ".5", ".8")

# Written so that this file does not hold what it looks for.
PUT_OFF = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
UNMERGED = re.compile(r"^(?:<{7}|>{7}) ", re.M)
NAMELESS = re.compile(r"^(?:utils?|commons?|misc|helpers?|stuff)\b")
TEXT = {".c", ".h", ".py", ".in", ".cmake", ".txt", ".md", ".sh", ".conf",
        ".service", ".socket", ".1", ".3", ".5", ".8", ""}

DECLARATION = re.compile(r"^EVPOP_API[^;{]*?\b(evpop_\w+)\(", re.M)

# Functions whose type says all there is to say.
SELF_EXPLAINING = re.compile(
    r"evpop_\w+_name$|evpop_(?:client|proto)_(?:state|capabilities)$")


def functions(text):
    """(line, length) of every function's body; KNF has its braces alone."""
    begun = None
    for number, line in enumerate(text.split("\n"), 1):
        if line == "{":
            begun = number
        elif line == "}" and begun is not None:
            yield begun, number - begun - 1
            begun = None


def file_breaches(path, text):
    """What is wrong with one file, whatever it is written in."""
    name = path.rsplit("/", 1)[-1]
    lines = text.count("\n")
    most = TEST_FILE_LINES if path.startswith("tests/unit/") else FILE_LINES
    if lines >= most and not path.endswith(DOCUMENTS):
        yield f"{path}: {lines} lines, where less than {most} are allowed"
    if NAMELESS.match(name):
        yield f"{path}: a name that does not say what is in it"
    for match in PUT_OFF.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield f"{path}:{line}: {match[0]}: nothing is put off"
    for match in UNMERGED.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield f"{path}:{line}: two versions that were never merged"
    if text and not text.endswith("\n"):
        yield f"{path}: the last line has no end"


def c_breaches(path, text):
    """What is wrong with a file in C."""
    most = (TEST_FUNCTION_LINES if path.startswith("tests/unit/")
            else FUNCTION_LINES)
    for line, length in functions(text):
        if length > most:
            yield (f"{path}:{line}: a function of {length} lines, "
                   f"{most} at most")
    if path.endswith(".h"):
        if not text.startswith("/*"):
            yield f"{path}: does not open with what it is for"
        if not re.search(r"^#ifndef \w+\n#define \w+$", text, re.M):
            yield f"{path}: has no include guard"


def undocumented(path, text):
    """Public functions that no comment covers.

    A comment covers the declarations that follow it up to an empty line; one
    that stands alone covers its section, up to the next of that kind.
    """
    in_section = False
    at = 0
    for paragraph in re.split(r"\n[ \t]*\n", text):
        bare = re.sub(r"/\*.*?\*/", "", paragraph, flags=re.S).strip()
        if at > 0 and not bare:
            in_section = "----" not in paragraph
        for match in DECLARATION.finditer(paragraph):
            covered = "*/" in paragraph[:match.start()]
            if not (covered or in_section
                    or SELF_EXPLAINING.match(match[1])):
                line = text.count("\n", 0, text.index(match[0])) + 1
                yield f"{path}:{line}: {match[1]}: what does it promise?"
        at += 1


def check(root):
    """All breaches below a root, as lines, and how many files there are."""
    root = pathlib.Path(root)
    breaches, checked = [], 0
    for file in sources.walk(root):
        path = file.relative_to(root).as_posix()
        if file.suffix not in TEXT:
            continue
        checked += 1
        text = file.read_text(encoding="utf-8")
        breaches += file_breaches(path, text)
        if file.suffix in (".c", ".h"):
            breaches += c_breaches(path, text)
        if path.startswith("include/"):
            breaches += undocumented(path, text)
    return breaches, checked


if __name__ == "__main__":
    sys.exit(sources.end(*check(sys.argv[1] if sys.argv[1:] else "."),
                         "files"))
