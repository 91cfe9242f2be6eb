"""Files know each other one way, and a struct belongs to one of them.

Read as text, which the one format of this tree makes sound: a definition at
the start of a line is not static if no word before it says so.
"""

import collections
import pathlib
import re

import sources

# How many files may reach into a struct that they can change.
OPENERS = 2

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                     r"'(?:\\.|[^'\\\n])+'", re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
FUNCTION = re.compile(r"^([^\s#}/][^\n;={}()]*)\n(\w+)\(", re.M)
TABLE = re.compile(r"^(?!static|extern|typedef)[a-z][\w *]*?\b(\w+)"
                   r"(?:\[[^\]\n]*\])* = ", re.M)
WORD = re.compile(r"(?<![\w.])(?<!->)(?:(?:struct|enum) )?[A-Za-z_]\w*")

STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\}", re.M | re.S)
MEMBER = re.compile(r"(?<!const )\bstruct (\w+) ([^;{}]*);")
NAME = re.compile(r"\**(\w+)")
BODY = re.compile(r"^\w+\([^{};]*\)\n\{\n.*?^\}", re.M | re.S)
VARIABLE = re.compile(r"\b(const )?struct (\w+) (const )?(\**)(\w+)"
                      r"(?=[ \n]*[;,)=\[])")
CHAIN = re.compile(r"(?<![\w.>])(\w+)((?:\[[^\]]*\])?(?:(?:->|\.)\w+"
                   r"(?:\[[^\]]*\])?)+)")
STEP = re.compile(r"(?:->|\.)(\w+)")
STEP_OF_TABLE = re.compile(r"\| `(\w+)\(\)` \| (\S+\.c) \|")


def bare(text):
    """Without what is in comments and strings; lines stay."""
    return COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)


def code(root):
    """A dict from paths of lib and daemon to their text and bare text."""
    files = {}
    for file in sources.walk(root, ".c", ".h"):
        path = file.relative_to(root).as_posix()
        if path.startswith(("lib/", "daemon/")):
            text = file.read_text(encoding="utf-8")
            files[path] = text, bare(text)
    return files


def definitions(text):
    """Names that a source file gives to others, and those it keeps."""
    given, kept = set(TABLE.findall(text)), set()
    for kind, name in FUNCTION.findall(text):
        (kept if "static" in kind.split() else given).add(name)
    return given, kept


def arrows(files):
    """What each file takes: {file: {other file: names}}."""
    owners = collections.defaultdict(set)
    for path, (_, text) in files.items():
        if path.endswith(".c"):
            for name in definitions(text)[0]:
                owners[name].add(path)
    taken = {}
    for path, (whole, text) in files.items():
        taken[path] = collections.defaultdict(set)
        for name in INCLUDE.findall(whole):
            if name in files and path.endswith(".h"):
                taken[path][name].add("#include")
        if not path.endswith(".c"):
            continue
        used = set(WORD.findall(text)) & owners.keys()
        for name in used - definitions(text)[1]:
            if len(owners[name]) == 1 and path not in owners[name]:
                taken[path][min(owners[name])].add(name)
    return taken


def circles(taken):
    """Files that take from each other in a loop: sorted lists of them."""
    numbers, low, stack, found = {}, {}, [], []

    def visit(path):
        numbers[path] = low[path] = len(numbers)
        stack.append(path)
        for other in taken[path]:
            if other not in numbers:
                visit(other)
            if other in stack:
                low[path] = min(low[path], low[other])
        if low[path] == numbers[path]:
            ring = stack[stack.index(path):]
            del stack[stack.index(path):]
            if len(ring) > 1:
                found.append(sorted(ring))

    for path in taken:
        if path not in numbers:
            visit(path)
    return sorted(found)


def circle_breaches(files):
    """A line for each circle, with the names that make it."""
    taken = arrows(files)
    for ring in circles(taken):
        ties = [f"{one} takes {', '.join(sorted(taken[one][other])[:4])}"
                f" from {other}"
                for one in ring for other in ring if other in taken[one]]
        yield f"a circle of {len(ring)} files: {'; '.join(ties)}"


def members(files):
    """{struct: {member: struct}} of those that headers define."""
    known = {}
    for path, (_, text) in files.items():
        if path.endswith(".h"):
            for name, inside in STRUCT.findall(text):
                known[name] = {
                    member: kind
                    for kind, names in MEMBER.findall(inside)
                    for member in NAME.findall(names)}
    return known


def opened(text, known):
    """Structs that a source file reaches into by a pointer not const."""
    found = set()
    for body in BODY.findall(text):
        handed = {name: kind for const, kind, _, stars, name
                  in VARIABLE.findall(body) if stars and not const}
        for name, chain in CHAIN.findall(body):
            kind = handed.get(name)
            for member in STEP.findall(chain):
                if kind not in known:
                    break
                found.add(kind)
                kind = known[kind].get(member)
    return found


def struct_breaches(files):
    """A line for each struct that too many files reach into."""
    known = members(files)
    openers = collections.defaultdict(list)
    for path, (_, text) in sorted(files.items()):
        if path.endswith(".c"):
            for name in opened(text, known):
                openers[name].append(path)
    for name, paths in sorted(openers.items()):
        if len(paths) > OPENERS:
            yield (f"struct {name} is open to {len(paths)} files: "
                   + ", ".join(paths))


def way_breaches(root, files):
    """A line for each function of the README's tables that has moved."""
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    for name, path in STEP_OF_TABLE.findall(text):
        if path not in files or not any(
                name in names for names in definitions(files[path][1])):
            yield f"README.md: {name}() is not in {path}"


def check(root):
    """All breaches below a root, and how many files there are."""
    root = pathlib.Path(root)
    files = code(root)
    return ([*circle_breaches(files), *struct_breaches(files),
             *way_breaches(root, files)], len(files))
