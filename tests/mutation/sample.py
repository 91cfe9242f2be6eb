"""Which faults are tried: a seeded choice, and those written by hand."""

import hashlib
import pathlib
import re
from collections import defaultdict
from dataclasses import dataclass

import operators

HERE = pathlib.Path(__file__).resolve().parent


class ListError(Exception):
    """The list of faults by hand, or of equivalents, is wrong."""


@dataclass
class Chosen:
    """A fault with where it stands, for people and for later runs."""
    path: str
    folder: str
    fault: operators.Fault
    line: int
    old: str
    new: str
    title: str = ""
    number: int = 0

    @property
    def key(self):
        """The same as long as the function and the line are: files move."""
        return f"{self.fault.function.name}: {self.old} => {self.new}"

    def __str__(self):
        what = self.title or self.fault.operator
        return (f"{self.path}:{self.line}: {self.fault.function.name}: {what}\n"
                f"    - {self.old}\n    + {self.new}")


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def described(path, text, fault, title=""):
    first = text.rfind("\n", 0, fault.start) + 1
    last = text.find("\n", fault.end)
    return Chosen(path, path.rsplit("/", 1)[0], fault,
                  text.count("\n", 0, fault.start) + 1,
                  squeeze(text[first:last]),
                  squeeze(text[first:fault.start] + fault.new
                          + text[fault.end:last]), title)


def sources(root):
    """The C sources of the library and the daemon, by path."""
    return {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8")
            for top in ("lib", "daemon")
            for file in sorted((root / top).rglob("*.c"))}


def identifiers(root):
    """All names in capitals, among which is the name of each success."""
    found = set()
    for top in ("include", "lib", "daemon"):
        for file in (root / top).rglob("*.[ch]"):
            found.update(re.findall(r"\b[A-Z]\w*_\w+\b",
                                    file.read_text(encoding="utf-8")))
    return found


def equivalents(text):
    """{key: reason} of faults that change nothing anybody could notice."""
    found, reason = {}, None
    for line in text.split("\n"):
        if line.startswith("because "):
            reason = line[len("because "):].strip()
        elif line.strip() and not line.startswith("#"):
            if reason is None:
                raise ListError(f"an equivalent without a reason: {line}")
            if " => " not in line:
                raise ListError(f"an equivalent has no \"=>\": {line}")
            found[squeeze(line)] = reason
    return found


def choose(root, each, seed, folders=()):
    """{folder: faults, in the order of the seed}, more than `each` of none.

    The order is by a digest of seed and fault, so that an edit of one function
    changes the choice there and nowhere else.
    """
    known = identifiers(root)
    pools = defaultdict(dict)
    for path, text in sources(root).items():
        folder = path.rsplit("/", 1)[0]
        if folder.count("/") == 0 or (folders and folder not in folders):
            continue
        for fault in operators.Finder(text, known).faults():
            chosen = described(path, text, fault)
            digest = hashlib.sha256(f"{seed} {chosen.key}".encode()).digest()
            pools[folder].setdefault((digest, chosen.key), chosen)
    spared = equivalents((HERE / "equivalent.txt").read_text(encoding="utf-8"))
    picked, left = {}, []
    for folder, pool in sorted(pools.items()):
        picked[folder] = []
        for _, chosen in sorted(pool.items(), key=lambda item: item[0]):
            if len(picked[folder]) == each:
                break
            if chosen.key in spared:
                left.append(chosen)
            else:
                picked[folder].append(chosen)
    return picked, left


def parse(text):
    """(title, folder or file, old, new) of each fault in a list by hand."""
    entry = None
    for number, line in enumerate(text.split("\n") + ["fault "], 1):
        if line.startswith("fault "):
            if entry is not None:
                if not (entry["in"] and entry["-"] and entry["title"]):
                    raise ListError(f"line {entry['line']}: not a whole fault")
                yield (entry["title"], entry["in"], "\n".join(entry["-"]),
                       "\n".join(entry["+"]))
            entry = {"title": line[6:].strip(), "in": "", "-": [], "+": [],
                     "line": number}
        elif line.startswith("#") or not line.strip():
            continue
        elif entry is None:
            raise ListError(f"line {number}: before the first fault")
        elif line.startswith("in "):
            entry["in"] = line[3:].strip()
        elif line[0] in "-+":
            entry[line[0]].append(line[1:].strip())
        else:
            raise ListError(f"line {number}: neither fault, in, - nor +")


def place(texts, title, folder, old, new):
    """The one place, below a folder, that a fault by hand is for."""
    words = r"\s+".join(re.escape(word) for word in old.split())
    found = [(path, match) for path, text in texts.items()
             if path == folder or path.startswith(folder + "/")
             for match in re.finditer(rf"(?<!\w){words}", text)]
    if len(found) != 1:
        raise ListError(f"{title}: stands in {len(found)} places of {folder}, "
                        "where 1 is needed")
    path, match = found[0]
    text = texts[path]
    for function in operators.functions(text, operators.masked(text)):
        if function.body < match.start() < function.end:
            fault = operators.Fault("by hand", function, *match.span(), new)
            return described(path, text, fault, title)
    raise ListError(f"{title}: {path}: not in the body of a function")


def by_hand(root, text):
    """The faults of a list, and what is wrong with those that do not apply."""
    texts = sources(root)
    faults, wrong = [], []
    for entry in parse(text):
        try:
            faults.append(place(texts, *entry))
        except ListError as error:
            wrong.append(str(error))
    return faults, wrong
