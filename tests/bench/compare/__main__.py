"""evpopd beside mpop, fetchmail, getmail6 and curl, on the same maildrops.

    python3 tests/bench/compare --build build/release --out results

No time fails here, only evpopd where it does not do its work: figures are
printed, and what is asked of them beside, ratios of which mean something where
the machine was quiet.  Use a release build.
"""

import argparse
import os
import pathlib
import sys
import time

_TESTS = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(_TESTS / "integration"), str(_TESTS / "bench")]

import asked
import daemons
import fairness
import idle
import limits
import measure
import publish
import report
import rivals
import workloads

ALL = {**workloads.ALL, **idle.ALL, **daemons.ALL, **fairness.ALL}

# All of it is over after half an hour, the last runs and plots included.
LONGEST = 26 * 60
ROUNDS = 5
# How the time is shared out; in seconds that the full size is known to take.
SHARES = {"many-messages": 290, "mixed-messages": 160, "many-accounts": 520,
          "idle": 110, "idle-30ms": 120, "accounts": 70, "sessions": 140,
          "stored": 60, "fairness": 150}


def arguments():
    parser = argparse.ArgumentParser(
        prog="compare", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path,
                        default=os.environ.get("EVPOP_BUILD_DIR"),
                        help="the build folder (else EVPOP_BUILD_DIR's)")
    parser.add_argument("--only", nargs="+", choices=ALL, default=list(ALL),
                        metavar="NAME", help="these workloads only: "
                        + ", ".join(ALL))
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the sizes, one round")
    parser.add_argument("--rounds", type=int, default=ROUNDS,
                        help="the most runs of each, 5 if not given")
    parser.add_argument("--out", type=pathlib.Path,
                        help="the folder for results.md, results.json and "
                        "plots; bench-results in the build folder if not given")
    parser.add_argument("--publish", action="store_true",
                        help="also put the results where the page shows "
                        "them: tests/bench/results, and its table")
    given = parser.parse_args()
    if given.build is None or not (given.build / "CMakeCache.txt").exists():
        parser.error("--build FOLDER must name a build folder")
    if given.out is None:
        given.out = given.build / "bench-results"
    return given


def ours_failed(result):
    """Whether evpopd did not do what was measured; others may be missing."""
    others = {"Dovecot", *rivals.ALL} - set(rivals.EVPOPDS)
    return any(name not in others and not limits.is_limit(name)
               for name in result["failed"])


def run(name, plan):
    """One workload; what went wrong is told in its place of the report."""
    started = time.monotonic()
    try:
        result = ALL[name](plan)
    except (measure.Failed, AssertionError, OSError, EOFError,
            RuntimeError) as reason:
        result = nothing_of(name, str(reason))
    result["took"] = time.monotonic() - started
    return result


def nothing_of(name, reason):
    """The result of a workload that could not be measured."""
    return {"name": name, "title": name, "setting": ALL[name].__doc__,
            "metrics": workloads.FETCHING, "main": "seconds", "figures": {},
            "failed": {name: reason}, "notes": [], "took": 0}


def main():
    given = arguments()
    os.environ["EVPOP_BUILD_DIR"] = str(given.build.resolve())
    about = report.machine()
    if about["build type"] in ("", "Debug"):
        print("this is no release build: its figures say little")
    scale = {"rounds": 1 if given.quick else given.rounds,
             "part": 0.1 if given.quick else 1}
    results = []
    end = time.monotonic() + LONGEST
    for number, name in enumerate(given.only):
        now = time.monotonic()
        share = SHARES[name] / sum(map(SHARES.get, given.only[number:]))
        plan = workloads.Plan(**scale, deadline=now + (end - now) * share)
        print(f"{name} ...", flush=True)
        results.append(run(name, plan) if now < end else
                       nothing_of(name, "no time was left"))
        # What is measured is kept, whatever becomes of the rest.
        shown = asked.rows(results, scale["part"])
        report.write(given.out, {"machine": about, "scale": scale,
                                 "asked": shown, "workloads": results})
        print(f"{report.table(results[-1])}{results[-1]['took']:.0f} s",
              flush=True)
        for rival, reason in results[-1]["failed"].items():
            print(f"not measured: {rival}: {reason}", flush=True)
    print(f"{asked.table(shown)}{given.out}/results.md")
    if given.publish:
        publish.publish(given.out)
    return 1 if any(map(ours_failed, results)) else 0


if __name__ == "__main__":
    sys.exit(main())
