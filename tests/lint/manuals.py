#!/usr/bin/env python3
"""Manual pages are correct, and say what the programs do.

usage: manuals.py [ROOT]
"""

import pathlib
import re
import subprocess
import sys

import interface
import sources


def lint(file):
    """What mandoc has to say of a page, as lines."""
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", file],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode != 0 and not lines:
        lines = [f"{file}: mandoc returned {done.returncode} {done.stderr}"]
    return lines


def missing_options(root):
    """Long options of evpopd that its manual does not show."""
    source = root / "daemon" / "main.c"
    manual = root / "daemon" / "evpopd.8"
    if not (source.is_file() and manual.is_file()):
        return
    shown = manual.read_text(encoding="utf-8")
    for name in re.findall(r'\{ "([a-z-]+)", (?:no|required)_argument',
                           source.read_text(encoding="utf-8")):
        if not re.search(rf"Fl -{name}\b", shown):
            yield f"{manual}: does not show --{name}"


def check(root):
    """All breaches below a root, as lines, and how many pages there are."""
    root = pathlib.Path(root)
    pages = sources.walk(root, ".1", ".3", ".5", ".7", ".8")
    breaches = []
    for page in pages:
        breaches += lint(page)
    breaches += missing_options(root)
    breaches += interface.check(root)
    return breaches, len(pages)


if __name__ == "__main__":
    sys.exit(sources.end(*check(sys.argv[1] if sys.argv[1:] else "."),
                         "manuals"))
