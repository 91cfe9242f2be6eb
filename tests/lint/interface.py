"""The library's functions, as its headers declare and its manuals show them."""

import re

COMMENT = re.compile(r"/\*.*?\*/", re.S)
DECLARATION = re.compile(
    r"^EVPOP_API\s+([^;{]*?)\b(evpop_\w+)\(([^;]*?)\)"
    r"(?:\s+EVPOP_\w+(?:\([^)]*\))?)?;", re.M)
SHOWN = re.compile(r'^\.Ft (.*)\n\.Fo (\w+)\n((?:\.Fa .*\n)*)\.Fc$', re.M)

# What every page of section 3 tells a reader, besides what each page has.
SECTIONS = ("SYNOPSIS", "DESCRIPTION", "RETURN VALUES", "EXAMPLES", "SEE ALSO")


def bare(parameter):
    """The type of a parameter: its name, if it has one, left out."""
    words = " ".join(parameter.replace("*", " * ").split())
    named = re.fullmatch(r"((?:const )?(?:(?:struct|enum|unsigned) \w+|"
                         r"(?!(?:struct|enum|unsigned) )\w+)"
                         r"(?: \*| const)*) \w+", words)
    return (named[1] if named else words).replace(" ", "")


def declared(text):
    """What a header declares: a dict from names to types."""
    text = COMMENT.sub("", text)
    return {name: (bare(kind), *(bare(one) for one in parameters.split(",")))
            for kind, name, parameters in DECLARATION.findall(text)}


def shown(text):
    """What the synopsis of a page shows, in the same form."""
    return {name: (bare(kind.strip('"')),
                   *(bare(line[4:].strip('"'))
                     for line in parameters.splitlines()))
            for kind, name, parameters in SHOWN.findall(text)}


def differences(header, text, page, manual):
    """Where a manual leaves a reader alone, as lines."""
    ours, theirs = declared(text), shown(manual)
    for name in sorted(ours.keys() - theirs.keys()):
        yield f"{page}: does not show {name}() of {header}"
    for name in sorted(theirs.keys() - ours.keys()):
        yield f"{page}: shows {name}(), which {header} does not have"
    for name in sorted(ours.keys() & theirs.keys()):
        if ours[name] != theirs[name]:
            yield (f"{page}: {name}() has {ours[name]} in {header}, "
                   f"not {theirs[name]}")
    for name in sorted(theirs):
        if not re.search(rf"^\.Fn {name}\b", manual, re.M):
            yield f"{page}: does not describe {name}()"
    for section in SECTIONS:
        if f"\n.Sh {section}\n" not in manual:
            yield f"{page}: has no section {section}"


def check(root):
    """All such places below a root, for each public header with functions."""
    for header in sorted((root / "include" / "evpop").glob("*.h")):
        text = header.read_text(encoding="utf-8")
        if not declared(text):
            continue
        pages = sorted((root / "lib").rglob(f"evpop_{header.stem}.3"))
        if len(pages) != 1:
            yield f"{header}: has {len(pages)} manuals"
            continue
        yield from differences(header, text, pages[0],
                               pages[0].read_text(encoding="utf-8"))
