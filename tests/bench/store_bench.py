"""The store alone, beside itself: packing, page sizes, targets, other builds.

Every case runs in turns with the others, so that what else the machine does
meets all of them alike, and the least of its runs counts.  Without --mail only
that all of it works is shown; nothing here judges a time.

    store_bench.py --mail 4000 --rounds 5
    store_bench.py --sealed --rounds 5
    store_bench.py --pages --rounds 5
    store_bench.py --targets --rounds 5
    store_bench.py --programs build/release/tests/bench/bench_store /tmp/other
"""

import argparse
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import corpus, daemon, procs

LEVELS = (0, -5, -1, 1, 3, 6)
PAGES = (4096, 8192, 16384, 32768)

# What the values of the store are chosen for, in words for bench_store.
SMALL = ("20,000 of 2 KB", ("-n", "20000", "-s", "2048", "-a", "4000"))
MEDIUM = ("2,000 of 12 KB", ("-n", "2000", "-s", "12500"))
LARGE = ("40 of 2.5 MB", ("-n", "40", "-s", "2500000"))
SINGLE = ("200 commits of 5 KB", ("-n", "200", "-s", "5000", "-a", "1"))
TRICKLE = ("200 commits of 5 KB, 10 ms apart",
           ("-n", "200", "-s", "5000", "-a", "1", "-w", "10"))

# To how many targets each message goes.
TARGETS = (0, 1, 3)

COLUMNS = (("seconds", "seconds", 1, 3), ("cpu", "cpu", 1, 3),
           ("with close", "closed_cpu", 1, 3), ("commits", "commits", 1, 0),
           ("delivered", "delivered_seconds", 1, 3),
           ("file MB", "file", 1e-6, 2), ("written MB", "written", 1e-6, 2))


def write_mail(path, count):
    """Real-looking messages as bench_store reads them."""
    with open(path, "wb") as file:
        for octets in corpus.messages(count):
            octets = corpus.as_received(octets)
            file.write(b"%d\n%b" % (len(octets), octets))


def run_once(folder, program, words):
    """The figures of one run in a new file."""
    path = folder / "mail.db"
    done = subprocess.run([program, *words, path], check=True, text=True,
                          stdout=subprocess.PIPE)
    for left in folder.glob("mail.db*"):
        left.unlink()
    return json.loads(done.stdout)


def compare(folder, cases, rounds):
    """The least of each figure, for {name: (program, words)}."""
    least = {}
    for _ in range(rounds):
        for name, (program, words) in cases.items():
            for key, value in run_once(folder, program, words).items():
                before = least.setdefault(name, {}).get(key, value)
                least[name][key] = min(before, value)
    return least


def show(title, least):
    """A table, a line for each case."""
    width = max(map(len, least))
    print(f"{title}\n{'':{width}}"
          + "".join(f"{head:>12}" for head, *_ in COLUMNS))
    for name, figures in least.items():
        print(f"{name:{width}}" + "".join(
            f"{figures[key] * scale:12.{digits}f}"
            for _, key, scale, digits in COLUMNS))
    print(flush=True)


def main():
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mail", type=int, default=0)
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--sealed", action="store_true")
    parser.add_argument("--targets", action="store_true")
    parser.add_argument("--programs", nargs="+", default=[])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=pathlib.Path)
    words = parser.parse_args()
    program = daemon.build_folder() / "tests" / "bench" / "bench_store"
    with procs.temporary_folder() as temporary:
        folder = words.folder or temporary
        if words.mail or not (words.pages or words.sealed
                              or words.targets or words.programs):
            mail = temporary / "mail"
            write_mail(mail, words.mail or 200)
            show(f"{words.mail or 200} messages of the corpus", compare(
                folder, {f"level {level}": (program, ("-f", mail, "-l",
                                                      str(level)))
                         for level in LEVELS}, words.rounds))
        for title, what in (SMALL, MEDIUM, LARGE, SINGLE, TRICKLE):
            if words.sealed:
                show(title, compare(folder, {
                    f"{name}, level {level}": (
                        program, (*what, *option, "-l", str(level)))
                    for level in (0, 1)
                    for name, option in (("plain", ()), ("sealed", ("-k",)))},
                    words.rounds))
            if words.pages:
                show(title, compare(folder, {
                    f"pages of {page}": (program, (*what, "-p", str(page)))
                    for page in PAGES}, words.rounds))
            if words.targets:
                show(title, compare(folder, {
                    f"{count} targets": (program, (*what, "-t", str(count)))
                    for count in TARGETS}, words.rounds))
            if words.programs:
                show(title, compare(folder, {
                    name: (name, what) for name in words.programs},
                    words.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
