#!/usr/bin/env python3
"""The store's views are what evpopd(8) says they are.

usage: views.py EVPOPD [ROOT]

Makes a store with the daemon, and compares the views in it, column by column,
with the sections of the manual.
"""

import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

import sources


def views_of_manual(text):
    """View name -> set of columns, by `.Ss v_name` and `.It Va` lines."""
    views = {}
    for section in re.split(r"^\.S[sh] ", text, flags=re.M)[1:]:
        title, _, body = section.partition("\n")
        if title.startswith("v_"):
            columns = re.findall(r"^\.It (Va .*)$", body, re.M)
            views[title] = {word for line in columns for word in line.split()
                            if word not in ("Va", ",")}
    return views


def views_of_store(evpopd):
    """View name -> set of columns, of a new store."""
    with tempfile.TemporaryDirectory(prefix="evpop-views-") as folder:
        folder = pathlib.Path(folder)
        config = folder / "evpopd.conf"
        config.write_text("[store]\npath = mail.db\n"
                          "[control]\nsocket = control.sock\n")
        subprocess.run([evpopd, "-c", config, "--once"], check=True,
                       stdin=subprocess.DEVNULL, timeout=60)
        store = sqlite3.connect(folder / "mail.db")
        names = [row[0] for row in store.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'view'")]
        views = {name: {row[1] for row in store.execute(
            f"PRAGMA table_info({name})")} for name in names}
        store.close()
        return views


def differences(manual, store):
    """What one has and the other has not, as lines."""
    for view in sorted(manual.keys() | store.keys()):
        shown, there = manual.get(view, set()), store.get(view, set())
        for column in sorted(there - shown):
            yield f"{view}.{column} is not in the manual"
        for column in sorted(shown - there):
            yield f"{view}.{column} is in the manual only"


def main():
    evpopd = sys.argv[1]
    root = pathlib.Path(sys.argv[2] if sys.argv[2:] else ".")
    manual = root / "daemon" / "evpopd.8"
    store = views_of_store(evpopd)
    return sources.end(
        list(differences(views_of_manual(manual.read_text(encoding="utf-8")),
                         store)),
        sum(len(columns) for columns in store.values()), "columns")


if __name__ == "__main__":
    sys.exit(main())
