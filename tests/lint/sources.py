"""The project's own files, found without git so that a tarball will do."""

import pathlib

# Folders and files at the top; whatever else lies there is not the project's.
FOLDERS = ("include", "lib", "daemon", "conf", "systemd", "tests", ".ci")
FILES = ("CMakeLists.txt", "README.md", "CHANGELOG.md", "bootstrap")


def walk(root, *suffixes):
    """Files below the root with one of these suffixes (any, if none)."""
    root = pathlib.Path(root)
    found = [root / name for name in FILES if (root / name).is_file()]
    for folder in FOLDERS:
        found += [path for path in sorted((root / folder).rglob("*"))
                  if path.is_file() and "__pycache__" not in path.parts]
    return [path for path in found
            if not suffixes or path.suffix in suffixes]


def end(breaches, checked, what):
    """Print what is wrong and return an exit code; nothing seen is wrong."""
    for breach in breaches:
        print(breach)
    print(f"{checked} {what} checked, {len(breaches)} breaches")
    return 1 if breaches or checked == 0 else 0
