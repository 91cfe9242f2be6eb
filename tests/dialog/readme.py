#!/usr/bin/env python3
"""Every dialog stands in the list of README.md, and nothing else does.

usage: readme.py FOLDER
"""

import pathlib
import re
import sys


def dialogs(folder):
    """(file, name) of every dialog."""
    return {(path.name, name) for path in folder.glob("*.dialog")
            for name in re.findall(r"^dialog (\S+)$",
                                   path.read_text(encoding="utf-8"), re.M)}


def listed(text):
    """(file, name) of every one that is listed, as often as it is."""
    text = text.split("## The list", 1)[1]
    return [(match[1], name)
            for match in re.finditer(r"^- (\S+\.dialog): (.+)$", text, re.M)
            for name in re.findall(r"`([^`]+)`", match[2])]


def main():
    folder = pathlib.Path(sys.argv[1])
    there = dialogs(folder)
    said = listed((folder / "README.md").read_text(encoding="utf-8"))
    wrong = [f"{file}: {name} is not listed"
             for file, name in sorted(there - set(said))]
    wrong += [f"{file}: {name} is listed and is not there"
              for file, name in sorted(set(said) - there)]
    wrong += [f"{file}: {name} is listed twice"
              for file, name in sorted({one for one in said
                                        if said.count(one) > 1})]
    print("\n".join(wrong + [f"{len(there)} dialogs"]))
    return 1 if wrong or not there else 0


if __name__ == "__main__":
    sys.exit(main())
