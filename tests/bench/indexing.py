"""How the index keeps up with what is stored, beside notmuch and mu.

The same mail: evpopd fetches it from maildropd, stores it and indexes it
behind the commits; notmuch and mu index a Maildir that is there already.  A
program that is not installed is left out.  Prints seconds, and fails only
where a word is not found: time is for people to read.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import sys
import time

_HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "integration"))
sys.path.insert(1, str(_HERE / "compare"))

from harness import corpus, daemon, maildropd, procs

import measure

# A million messages take others long.
PATIENCE_S = 2 * 60 * 60

# To look more often would take from what is measured.
LOOK_S = 0.05

# A word of no other message, to see that the last one is indexed.
LAST = "quintessential"


def mail(count, octets):
    """So many messages; the last one has the word."""
    made = [corpus.message(number, octets) for number in range(count)]
    head, _, body = made[-1].partition(b"\r\n\r\n")
    made[-1] = head + b"\r\n\r\n" + LAST.encode() + b" " + body
    return made


def is_so(evpopd, query, *values):
    """Whether the store says so; not before it is made."""
    (answer,), = evpopd.rows(query, *values)
    return bool(answer)


def of_evpopd(messages):
    """Seconds to the last commit, behind it to the last word, and its CPU."""
    with maildropd.MaildropServer(users={"anna": "secret"}) as server:
        server.deliver("anna", messages)
        evpopd = daemon.Evpopd({"anna": daemon.account_of(server, "anna")})
        try:
            begun = time.monotonic()
            evpopd.start()
            procs.wait_for(lambda: is_so(
                evpopd, "SELECT messages = ? FROM account", len(messages)),
                PATIENCE_S, "the last commit", LOOK_S)
            stored = time.monotonic()
            procs.wait_for(lambda: is_so(
                evpopd, "SELECT value = (SELECT max(id) FROM message)"
                " FROM meta WHERE key = 'indexed'"
                " UNION ALL SELECT 0 LIMIT 1"), PATIENCE_S, "the index", LOOK_S)
            indexed = time.monotonic()
            used = measure.cpu_seconds(evpopd.pid)
            found = evpopd.get(f"/v1/messages?q={LAST}")["messages"]
        finally:
            evpopd.remove()
    if len(found) != 1:
        raise measure.Failed(f"evpopd: {LAST!r} is in {len(found)} messages")
    return stored - begun, indexed - stored, used


@contextlib.contextmanager
def maildir(messages):
    """A Maildir of them, in a folder that is the indexer's, too."""
    with procs.temporary_folder() as folder:
        folder = pathlib.Path(folder)
        for name in ("cur", "new", "tmp"):
            (folder / "mail" / name).mkdir(parents=True)
        for number, octets in enumerate(messages):
            (folder / "mail" / "cur" / f"{number}.host:2,S").write_bytes(
                octets.replace(b"\r\n", b"\n"))
        yield folder


def of_notmuch(messages):
    """Seconds and CPU of `notmuch new`."""
    with maildir(messages) as folder:
        config = folder / "config"
        config.write_text(f"[database]\npath={folder}/mail\n"
                          "[user]\nname=Anna\nprimary_email=a@example.org\n")
        environment = {"NOTMUCH_CONFIG": os.fspath(config)}
        figures = measure.timed(["notmuch", "new", "--quiet"],
                                environment=environment,
                                patience=PATIENCE_S)
        found = procs.run(["notmuch", "count", LAST],
                          env={**os.environ, **environment}).stdout.strip()
    if found != "1":
        raise measure.Failed(f"notmuch: {LAST!r} is in {found} messages")
    return figures["seconds"], figures["cpu"]


def of_mu(messages):
    """Seconds and CPU of `mu index`."""
    with maildir(messages) as folder:
        home = f"--muhome={folder}/mu"
        procs.run(["mu", "init", "--quiet", home, f"--maildir={folder}/mail"])
        figures = measure.timed(["mu", "index", "--quiet", home],
                                patience=PATIENCE_S)
        found = procs.run(["mu", "find", home, LAST]).stdout.strip()
    if len(found.splitlines()) != 1:
        raise measure.Failed(f"mu: {LAST!r} is found as {found!r}")
    return figures["seconds"], figures["cpu"]


def main():
    """A table: evpopd, then who else is here, so many times in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--octets", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    messages = mail(options.messages, options.octets)
    print(f"{len(messages)} messages of about {options.octets} octets\n\n"
          "| program | s to store | s to index | CPU s |\n"
          "| --- | --- | --- | --- |")
    for _ in range(options.rounds):
        stored, behind, used = of_evpopd(messages)
        print(f"| evpopd: fetch, store, index | {stored:.2f} | {behind:.2f} "
              f"behind the last commit | {used:.2f} |", flush=True)
        for name, run in (("notmuch", of_notmuch), ("mu", of_mu)):
            if shutil.which(name) is not None:
                took, used = run(messages)
                print(f"| {name} | there already | {took:.2f} | {used:.2f} |",
                      flush=True)


if __name__ == "__main__":
    main()
