"""Small faults, found in the text of a C source by simple operators.

The sources are in one form, which clang-format keeps: a function's name begins
a line, its braces stand alone, and binary operators have spaces around them.
That is what makes a few regular expressions enough.
"""

import re
from dataclasses import dataclass

# A comment, a string, a character, a line of the preprocessor.
OPAQUE = re.compile(
    r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.S | re.M)

FUNCTION = re.compile(r"^\w+\(", re.M)

TURNED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
OFF_BY_ONE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OTHER = {"&&": "||", "||": "&&", "+": "-", "-": "+", "+=": "-=", "-=": "+="}

# A call that is a statement by itself, and none that only says or allows.
CALL = re.compile(r"(?<=\n)[ \t]+((?:\(void\))?[A-Za-z_]\w*(?:(?:->|\.)\w+)*)\(")
NO_FAULT = re.compile(r"_?assert|_Static_assert|va_start|va_end|log_trace|static_assert|return"
                      r"|FAILPOINT")  # nothing in a release
CLEANS = re.compile(r"wipe|free|cleanse|bzero|clear|close|unref|release|END\b",
                    re.I)
CONSTANT = re.compile(r"(?<![\w.])([2-9]|[1-9]\d+)(?![\w.])")
FAILS = re.compile(r"\breturn (-1|false|NULL|[A-Z]\w*_[A-Z]\w*);")
SUCCESS = ("OK", "NONE", "SUCCESS", "DONE")


@dataclass(frozen=True)
class Function:
    """Where a function stands in a text, as offsets."""
    name: str
    head: int   # its type begins here
    body: int   # the brace that opens it
    end: int    # behind the brace that closes it


@dataclass(frozen=True)
class Fault:
    """One edit: text[start:end] becomes `new`."""
    operator: str
    function: Function
    start: int
    end: int
    new: str


def masked(text):
    """The text with everything opaque made blank, at the same offsets."""
    return OPAQUE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def behind_parenthesis(text, at):
    """The offset behind the parenthesis that closes the one at `at`."""
    depth = 0
    for index in range(at, len(text)):
        if text[index] == "(":
            depth += 1
        elif text[index] == ")":
            depth -= 1
            if depth == 0:
                return index + 1
    return len(text)


def left_out(text):
    """Ranges behind an #else, which are for other machines."""
    ranges, stack = [], []
    for match in re.finditer(r"^[ \t]*#[ \t]*(if|else|elif|endif)[^\n]*", text,
                             re.M):
        if match[1] == "if":
            stack.append(None)
        elif match[1] == "endif" and stack:
            begun = stack.pop()
            if begun is not None:
                ranges.append((begun, match.start()))
        elif stack and stack[-1] is None:
            stack[-1] = match.start()
    return ranges


def functions(text, mask):
    """The functions that can be copied: of a fixed number of arguments."""
    skipped = left_out(text)
    for match in FUNCTION.finditer(mask):
        behind = behind_parenthesis(mask, match.end() - 1)
        if mask[behind:behind + 3] != "\n{\n":
            continue
        end = mask.find("\n}\n", behind)
        head = mask.rfind("\n", 0, match.start() - 1) + 1
        if end < 0 or head >= match.start():
            continue
        name = match[0][:-1]
        if ("..." in mask[match.start():behind] or name == "main"
                or "format(" in mask[head:match.start()]
                or any(a <= head < b for a, b in skipped)):
            continue
        yield Function(name, head, behind + 1, end + 3)


def in_brackets(mask, at):
    """Whether an offset is inside of [], on its own line."""
    line = mask[mask.rfind("\n", 0, at) + 1:at]
    return line.count("[") > line.count("]")


class Finder:
    """All faults of one text."""

    def __init__(self, text, identifiers=frozenset()):
        self.text, self.mask = text, masked(text)
        self.identifiers = identifiers
        self.defined = set(re.findall(r"^#define ([A-Z]\w+)[ \t]+[^\n]*\d",
                                      text, re.M))

    def faults(self):
        for function in functions(self.text, self.mask):
            spared = self.asserted(function)
            for operator, start, end, new in self.edits(function):
                if (not any(a <= start < b for a, b in spared)
                        and self.text[start:end] != new):
                    yield Fault(operator, function, start, end, new)

    def asserted(self, function):
        mask = self.mask
        return [(m.start(), behind_parenthesis(mask, m.end() - 1))
                for m in re.compile(r"\b(?:static_)?assert\(").finditer(
                    mask, function.body, function.end)]

    def edits(self, function):
        for find in (self.comparisons, self.conditions, self.calls,
                     self.constants, self.returns):
            yield from find(function.body, function.end)

    def comparisons(self, start, end):
        pattern = re.compile(
            r"(?<=\s)(==|!=|<=|>=|<|>|&&|\|\||\+|-|\+=|-=)(?=\s)")
        for match in pattern.finditer(self.mask, start, end):
            what, at = match[1], match.span(1)
            if what in TURNED:
                yield ("comparison turned", *at, TURNED[what])
            if what in OFF_BY_ONE:
                yield ("boundary moved", *at, OFF_BY_ONE[what])
            if what in OTHER:
                kind = "and, or" if what in ("&&", "||") else "plus, minus"
                yield (kind, *at, OTHER[what])

    def conditions(self, start, end):
        """Conditions negated; one comparison alone is turned elsewhere."""
        for match in re.compile(r"\b(?:if|while) \(").finditer(
                self.mask, start, end):
            opened = match.end() - 1
            behind = behind_parenthesis(self.mask, opened)
            inner = self.mask[opened:behind]
            if (not re.search(r"\s(==|!=|<=|>=|<|>)\s", inner)
                    or re.search(r"&&|\|\|", inner)):
                yield ("condition negated", opened, behind,
                       f"(!{self.text[opened:behind]})")

    def calls(self, start, end):
        for match in CALL.finditer(self.mask, start, end):
            before = self.mask[:match.start(1)].rstrip()
            behind = behind_parenthesis(self.mask, match.end() - 1)
            if (before[-1] not in ";{})" and not before.endswith("else")
                    or self.mask[behind] != ";"
                    or NO_FAULT.match(match[1])):
                continue
            kind = ("cleaning dropped" if CLEANS.search(match[1])
                    else "call dropped")
            yield (kind, match.start(1), behind, "(void)0")

    def constants(self, start, end):
        names = "|".join(sorted(self.defined)) or "(?!)"
        pattern = re.compile(rf"{CONSTANT.pattern}|\b(?:{names})\b(?!\()")
        for match in pattern.finditer(self.mask, start, end):
            line = self.mask[self.mask.rfind("\n", 0, match.start()) + 1:
                             match.start()]
            if in_brackets(self.mask, match.start()) or "case " in line:
                continue
            yield ("constant tenfold", *match.span(), f"(10 * {match[0]})")

    def returns(self, start, end):
        for match in FAILS.finditer(self.mask, start, end):
            new = {"-1": "0", "false": "true"}.get(match[1])
            if new is None and "_" in match[1]:
                new = self.success(match[1])
            if new is not None:
                yield ("error made success", *match.span(1), new)

    def success(self, name):
        """The name of success among the names that begin like this one."""
        parts = name.split("_")
        for length in range(len(parts) - 1, 0, -1):
            for last in SUCCESS:
                candidate = "_".join(parts[:length] + [last])
                if candidate in self.identifiers:
                    return candidate
        return None
