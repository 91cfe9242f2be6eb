#!/usr/bin/env python3
"""Every header stands alone; the public ones in C and in C++, pedantically.

usage: headers.py [--cc CC] [--cxx CXX] [ROOT]

Each header is compiled by itself, twice in one file, so that a missing include
and a missing guard both show.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

import sources

PACKAGES = ("libevent_core", "libevent_extra", "libssl", "libidn",
            "libsodium", "sqlite3", "libzstd", "jansson", "gumbo",
            "libcurl", "cmocka")
STRICT = ("-pedantic-errors", "-Wall", "-Wextra", "-Werror")


def package_flags():
    """What the outside libraries want to be compiled with."""
    output = subprocess.run(["pkg-config", "--cflags", *PACKAGES], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    return [flag.replace("-I", "-isystem", 1) for flag in output.split()]


def compile_header(command, line):
    """What the compiler says, or nothing."""
    done = subprocess.run([*command, "-fsyntax-only", "-"],
                          input=f"{line}\n{line}\nextern int unused;\n",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode == 0 and not done.stdout:
        return None
    return done.stdout or f"{command[0]} returned {done.returncode}"


def jobs(root, cc, cxx):
    """(name, command, line) for everything that is to be compiled."""
    include = ["-I", str(root / "include")]
    internal = [cc, "-x", "c", "-std=c11", "-D_GNU_SOURCE",
                '-DEVPOP_VERSION="0"', "-Wall", "-Wextra", "-Werror",
                "-I", str(root), *include, *package_flags()]
    for file in sources.walk(root, ".h"):
        path = file.relative_to(root).as_posix()
        if not path.startswith("include/"):
            yield path, internal, f'#include "{path}"'
            continue
        line = "#include <" + path[len("include/"):] + ">"
        for standard in ("c11", "c17"):
            yield (f"{path} ({standard})",
                   [cc, "-x", "c", f"-std={standard}", *STRICT, *include],
                   line)
        for standard in ("c++11", "c++17"):
            yield (f"{path} ({standard})",
                   [cxx, "-x", "c++", f"-std={standard}", *STRICT, *include],
                   line)


def check(root, cc="cc", cxx="c++"):
    """All breaches below a root, and how many compilations there were."""
    todo = list(jobs(pathlib.Path(root).resolve(), cc, cxx))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = pool.map(lambda job: compile_header(job[1], job[2]), todo)
        breaches = [f"{job[0]} does not stand alone:\n{words}"
                    for job, words in zip(todo, said) if words]
    return breaches, len(todo)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--cxx", default="c++")
    parser.add_argument("root", nargs="?", default=".")
    arguments = parser.parse_args()
    for program in (arguments.cc, arguments.cxx, "pkg-config"):
        if shutil.which(program) is None:
            print(f"{program} is missing: it takes a compiler of C, one of "
                  "C++, and pkg-config")
            return 1
    return sources.end(*check(arguments.root, arguments.cc, arguments.cxx),
                       "headers")


if __name__ == "__main__":
    sys.exit(main())
