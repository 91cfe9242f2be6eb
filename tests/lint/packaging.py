#!/usr/bin/env python3
"""Debian's packages are built of what ./bootstrap installs for building.

usage: packaging.py [ROOT]

Compares conf/debian/control and changelog with bootstrap and CMakeLists.txt.
"""

import pathlib
import re
import sys

import sources

# Debian's builders have these by themselves.
ESSENTIAL = {"gcc", "libc6-dev", "make"}
# Of what packages are made by, and where systemd says that units belong.
OWN = {"debhelper-compat", "dh-sequence-installsysusers", "systemd"}


def of_bootstrap(text):
    """What build_packages says, as a set of names."""
    words = re.search(r'^build_packages="([^"]*)"', text, re.M)
    return set(words.group(1).split()) - ESSENTIAL


def of_control(text):
    """The first choice of each of Build-Depends, but for tests' programs."""
    field = re.search(r"^Build-Depends:(.*(?:\n[ \t].*)*)", text, re.M)
    names = set()
    for one in field.group(1).split(","):
        if one.strip():
            names.add(re.match(r"\s*([^\s:(<|]+)", one).group(1))
    return names - OWN


def differences(root):
    read = {name: (root / name).read_text(encoding="utf-8") for name in
            ("bootstrap", "CMakeLists.txt", "conf/debian/control",
             "conf/debian/changelog")}
    built = of_bootstrap(read["bootstrap"])
    control = of_control(read["conf/debian/control"])
    for name in sorted(built - control):
        yield f"conf/debian/control does not build with {name}"
    for name in sorted(control - built):
        yield f"bootstrap does not build with {name}"
    version = re.search(r"project\(evpop VERSION (\S+)",
                        read["CMakeLists.txt"]).group(1)
    packaged = re.match(r"evpop \(([^)]*)\)",
                        read["conf/debian/changelog"]).group(1)
    if packaged.split("+")[0].split("~")[0] != version:
        yield f"conf/debian/changelog has version {packaged}, not {version}"


def check(root):
    breaches = list(differences(root))
    return breaches, len(of_bootstrap(
        (root / "bootstrap").read_text(encoding="utf-8")))


if __name__ == "__main__":
    ROOT = pathlib.Path(sys.argv[1] if sys.argv[1:] else ".")
    sys.exit(sources.end(*check(ROOT), "packages"))
