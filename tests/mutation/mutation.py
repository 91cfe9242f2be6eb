#!/usr/bin/env python3
"""Put small faults into the sources, and see which the tests notice.

Copies the tree to a folder of its own and builds it there once, with every
fault of a sample in it, each to be switched on by itself.  Runs for each fault
the tests that come to its function, until one fails: first the unit tests of
its folder; for what is left all other unit tests and dialogs (--wide), and the
integration tests that are quick (--integration).  Prints the share that was
noticed by folder, and what was not.  Takes its time from one processor at the
lowest priority.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import sys
import time
from collections import defaultdict

import house
import sample

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_QUICK = {"slow", "bench", "lint", "package"}
# Of an integration test, without a fault.
QUICK_S = 60
# The unit tests of a folder are named after it, and of some after others.
NAMED = {"lib/net": "net|dialog", "lib/netx": "netx|session_netx",
         "daemon/store/sql": "store", "daemon/store/index": "store|mail",
         "daemon/store/mail": "mail|store_(scan|search)",
         "daemon/control": "control|ctl_daemon",
         "daemon/http": "http|deliver_(http|network|gmail|verdict)|oauth"}


def say(*words):
    print(*words, flush=True)


class Trial:
    """One run of this script: faults, tests, and what came out."""

    def __init__(self, options):
        work = pathlib.Path(options.work).resolve()
        self.options = options
        self.house = house.House(ROOT, work, options.jobs,
                                 options.sanitize)
        self.results = work / "results.json"
        self.surveys = work / "surveys.json"
        self.sound = set()
        self.seconds, self.reached = {}, {}
        self.noticed_by = defaultdict(list)   # by path, the latest first
        self.outcome = {}                     # by number
        self.wrong = []

    def say(self, *words):
        if self.options.verbose:
            say(*words)

    def choose(self):
        options = self.options
        picked, self.equivalent = sample.choose(
            ROOT, options.each, options.seed, options.folder)
        self.faults = [f for group in picked.values() for f in group]
        hand, self.wrong = sample.by_hand(
            ROOT, (sample.HERE / "by_hand.txt").read_text(encoding="utf-8"))
        if not options.no_hand:
            self.faults += [f for f in hand if not options.folder
                            or f.folder in options.folder]
        if options.unnoticed:
            before = set(json.loads(self.results.read_text())["unnoticed"])
            self.faults = [f for f in self.faults if f.key in before]
        for number, fault in enumerate(self.faults, 1):
            fault.number = number

    def build(self):
        texts = sample.sources(ROOT)
        self.places = sorted({(f.path, f.fault.function)
                              for f in self.faults},
                             key=lambda p: (p[0], p[1].head))
        identities = {place: at for at, place in enumerate(self.places)}
        self.faults, self.dropped = house.build_with(
            self.house, texts, self.faults, identities)

    def make(self, targets):
        done = self.house.make(targets)
        if done.returncode != 0:
            raise house.HouseError(done.stdout[-8000:])
        self.house.load_tests()

    def make_tests(self, tests):
        """Build unit tests and dialogs, and see what they come to."""
        self.make([f"test_{name[5:]}" if name.startswith("unit.")
                   else "dialog_runner" for name in tests])
        self.survey(tests)

    def of_kind(self, label):
        """The names of all tests with a label that may be run here."""
        only = re.compile(self.options.tests)
        return [name for name, test in self.house.tests.items()
                if label in test["labels"] and only.search(name)
                and not NOT_QUICK & set(test["labels"])]

    def near(self, folder):
        """The unit tests of a folder."""
        named = NAMED.get(folder, folder.rsplit("/", 1)[-1])
        pattern = re.compile(rf"unit\.({named})(_|$)")
        return [name for name in self.of_kind("unit") if pattern.match(name)]

    def survey(self, tests):
        """Which test comes where, and how long it takes.

        What an earlier run found is used again where it had the same functions
        and the test is as it was; whether the test still passes is seen when
        it has noticed something.
        """
        names = [f"{path} {function.name}" for path, function in self.places]
        kept = (json.loads(self.surveys.read_text())
                if self.surveys.is_file() else {"functions": [], "tests": {}})
        if not set(names) <= set(kept["functions"]):
            kept = {"functions": names, "tests": {}}
        for test in sorted(set(tests) - set(self.reached)):
            known = kept["tests"].get(test)
            if known is None or self.house.is_newer(test, known["at"]):
                run, reached = self.house.survey(test)
                if run.outcome != "passed":
                    say(f"{test} fails without a fault and is left out: "
                        f"{run.outcome}")
                    continue
                self.sound.add(test)
                known = kept["tests"][test] = {
                    "at": time.time(), "seconds": run.seconds,
                    "reached": [names[number] for number in reached]}
                self.surveys.write_text(json.dumps(kept))
            self.seconds[test] = known["seconds"]
            self.reached[test] = set(known["reached"])

    def is_sound(self, test):
        """Whether a test passes without a fault: then its failure says
        something."""
        if test not in self.sound:
            if self.house.run(test).outcome != "passed":
                say(f"{test} fails without a fault and is left out")
                self.reached[test] = set()
                return False
            self.sound.add(test)
        return True

    def order(self, fault, tests):
        """Tests that come to a fault, those likely to notice it first."""
        here = f"{fault.path} {fault.fault.function.name}"
        words = set(re.split(r"\W|_", fault.path))
        known = self.noticed_by[fault.path]

        def rank(test):
            if test in known:
                return (0, known.index(test))
            common = len(words & set(re.split(r"\W|_", test)))
            return (1, self.seconds[test] / (1 + 3 * common))
        return sorted((t for t in tests if here in self.reached.get(t, ())),
                      key=rank)

    def attempt(self, fault, tests):
        """The test that noticed a fault, or None."""
        for test in self.order(fault, tests):
            bound = house.SECONDS + house.TIMES * self.seconds[test]
            run = self.house.run(test, fault.number, bound)
            if run.outcome != "passed" and self.is_sound(test):
                known = self.noticed_by[fault.path]
                if test in known:
                    known.remove(test)
                known.insert(0, test)
                return f"{test} ({run.outcome})"
        return None

    def try_on(self, faults, tests):
        """Try what is left of some faults on some tests."""
        for fault in faults:
            if self.outcome.get(fault.number) is None:
                self.outcome[fault.number] = self.attempt(fault, tests)
                self.say(fault, "\n   ",
                         self.outcome[fault.number] or "unnoticed")

    def try_all(self):
        self.house.load_tests()
        near = {folder: self.near(folder)
                for folder in {f.folder for f in self.faults}}
        for folder, tests in sorted(near.items()):
            here = [f for f in self.faults if f.folder == folder]
            self.make_tests(tests)
            self.say(f"{folder}: {len(here)} faults, {len(tests)} tests")
            self.try_on(here, tests)
        if self.options.wide and self.left():
            wide = self.of_kind("unit") + [t for t in self.of_kind("dialog")
                                           if not t.startswith("unit.")]
            self.make_tests(wide)
            self.try_on(self.faults, wide)
        if self.options.integration and self.left():
            self.make(["all"])
            slow = self.of_kind("integration")
            self.survey(slow)
            self.try_on(self.faults, [
                t for t in slow if self.seconds.get(t, QUICK_S) < QUICK_S])

    def give_up(self):
        """Report on what has been tried so far."""
        self.faults = [f for f in self.faults if f.number in self.outcome]
        say("interrupted; what follows is of the faults tried before")

    def left(self):
        return [f for f in self.faults if self.outcome.get(f.number) is None]

    def report(self):
        unnoticed = self.left()
        rows = []
        folders = sorted({f.folder for f in self.faults})
        for name in folders + ["by hand"]:
            group = [f for f in self.faults
                     if (f.folder == name and not f.title)
                     or (name == "by hand" and f.title)]
            if group:
                seen = sum(self.outcome[f.number] is not None for f in group)
                rows.append((name, len(group), seen,
                             sum(f.folder == name for f in self.dropped),
                             sum(f.folder == name for f in self.equivalent)))
        if not rows:
            return 1
        total = tuple(sum(column) for column in list(zip(*rows))[1:])
        say(f"{'folder':20} faults noticed share  uncompilable equivalent")
        for name, count, seen, dropped, equal in rows + [("all", *total)]:
            say(f"{name:20} {count:6} {seen:7} {seen / count:5.0%} "
                f"{dropped:13} {equal:10}")
        for fault in unnoticed:
            say(fault)
        for line in self.wrong:
            say(f"by_hand.txt: {line}")
        self.results.write_text(json.dumps({
            "seed": self.options.seed, "each": self.options.each,
            "unnoticed": [f.key for f in unnoticed],
            "noticed": {f.key: self.outcome[f.number] for f in self.faults
                        if self.outcome[f.number]}}, indent=1))
        shares = [seen / count for _, count, seen, *_ in rows]
        return 1 if self.wrong or min(shares) < self.options.least else 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="*", help="folders such as lib/net; "
                        "all if none")
    parser.add_argument("--each", type=int, default=30,
                        help="faults in each folder (%(default)s)")
    parser.add_argument("--seed", default="1",
                        help="which faults are chosen (%(default)s)")
    parser.add_argument("--least", type=float, default=0.9,
                        help="the share below which this fails (%(default)s)")
    parser.add_argument("--work", default=str(ROOT / "build/mutation"),
                        help="where the copy is kept (%(default)s)")
    parser.add_argument("--tests", default="", metavar="PATTERN",
                        help="run only tests with such names")
    parser.add_argument("--wide", action="store_true",
                        help="run all unit tests and dialogs for what is left")
    parser.add_argument("--integration", action="store_true",
                        help="run integration tests for what is left")
    parser.add_argument("--unnoticed", action="store_true",
                        help="only what the last run left unnoticed")
    parser.add_argument("--sanitize", default="leak", metavar="LIST",
                        help="what looks on; address,undefined sees more and "
                        "takes thrice the time (%(default)s)")
    parser.add_argument("--no-hand", action="store_true",
                        help="leave out the faults written by hand")
    parser.add_argument("--list", action="store_true",
                        help="print the faults and do nothing else")
    parser.add_argument("--jobs", type=int, default=1,
                        help="processes of the build (%(default)s)")
    parser.add_argument("--verbose", action="store_true",
                        help="print each fault and what noticed it")
    trial = Trial(parser.parse_args())
    os.nice(19)
    # In the background SIGINT may be ignored; either ends it with a report.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        trial.choose()
        if trial.options.list:
            for fault in trial.faults:
                say(fault)
            for line in trial.wrong:
                say(f"by_hand.txt: {line}")
            return 1 if trial.wrong else 0
        if not trial.faults:
            say("no faults to try")
            return 1
        trial.build()
        try:
            trial.try_all()
        except KeyboardInterrupt:
            trial.give_up()
        return trial.report()
    except (house.HouseError, sample.ListError) as error:
        say(error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
