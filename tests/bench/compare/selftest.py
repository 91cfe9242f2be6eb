"""What the comparison says of figures, and what the page on performance says of them.

    python3 tests/bench/compare/selftest.py
"""

import contextlib
import json
import pathlib
import re
import sys
import unittest

_TESTS = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(_TESTS / "integration"), str(_TESTS / "bench")]

import asked
import fairness
import idle
import limits
import measure
import publish
import rivals


def many_messages(ours, mpop, reader):
    """Seconds of three contestants."""
    return {"name": "many-messages", "figures": {
        rivals.EVPOPD: [{"seconds": ours}], "mpop": [{"seconds": mpop}],
        limits.READER: [{"seconds": reader}]}}


def by_against(shown):
    """The row of each rival; where there are several, the last."""
    return {row["against"]: row for row in shown}


class AskedTest(unittest.TestCase):
    def test_nothing_is_said_of_what_was_not_measured(self):
        shown = asked.rows([], 1)
        self.assertEqual(len(shown), len(asked.ROWS))
        self.assertEqual({(row["seen"], row["reached"]) for row in shown},
                         {("", None)})

    def test_ratios(self):
        rows = by_against(asked.rows([many_messages(1.0, 8.0, 0.7)], 1))
        self.assertEqual(rows["mpop to a Maildir"]["seen"], "8.0 times")
        self.assertIs(rows["mpop to a Maildir"]["reached"], True)
        reader = rows["a pipelined reader that stores nothing"]
        self.assertEqual(reader["seen"], "0.70 of its speed")
        self.assertIs(reader["reached"], True)

    def test_less_than_asked(self):
        rows = by_against(asked.rows([many_messages(1.0, 7.9, 0.69)], 1))
        self.assertIs(rows["mpop to a Maildir"]["reached"], False)
        self.assertIs(rows["a pipelined reader that stores nothing"]
                      ["reached"], False)

    def test_a_part_of_the_size_proves_nothing(self):
        rows = by_against(asked.rows([many_messages(1.0, 80.0, 7.0)], 0.1))
        self.assertIs(rows["mpop to a Maildir"]["reached"], None)
        self.assertEqual(rows["mpop to a Maildir"]["seen"],
                         "80.0 times; at 0.1 of the size")

    def test_each_way_of_evpopd_has_its_row(self):
        figures = {ours: [{"seconds": number}]
                   for number, ours in enumerate(rivals.EVPOPDS, 1)}
        shown = asked.rows([{"name": "many-accounts", "figures": {
            **figures, "mpop": [{"seconds": 120.0}]}}], 1)
        self.assertEqual(
            [(row["seen"], row["reached"]) for row in shown
             if row["against"] == "mpop -a"],
            [("120.0 times", True), ("60.0 times", True),
             ("40.0 times", False)])

    def test_round_trips(self):
        for trips, reached in ((3, True), (4, False)):
            shown = asked.rows([{"name": "idle-30ms", "figures": {
                idle.RUNNING: [{"round_trips": trips}],
                "mpop": [{"round_trips": 9}]}}], 1)
            row, = (row for row in shown if row["seen"])
            self.assertIs(row["reached"], reached)

    def test_polls_left_out_are_not_on_time(self):
        for done, late, reached in ((1000, 0.2, True), (999, 0.2, False),
                                    (1000, 1.0, False)):
            run = {"p99": late, "done": done, "expected": 1000}
            shown = asked.rows([{"name": "fairness", "figures": {
                fairness.ALONE: [run], fairness.BESIDE: [run]}}], 1)
            row, = (row for row in shown if row["seen"])
            self.assertIs(row["reached"], reached)


class Polls:
    """An evpopd whose accounts and polls are given."""

    def __init__(self, accounts, polls):
        self.accounts, self.polls = accounts, polls

    def pages(self, path, name):
        return self.accounts

    def rows(self, query):
        return self.polls


def at(second):
    """A time as evpopd shows it."""
    return f"2026-01-01T00:00:{second:06.3f}Z"


class LatenessTest(unittest.TestCase):
    def watch(self, looks, polls):
        """Lateness of user1's polls, and what was due, of the first minute."""
        evpopd = Polls([], polls)
        watch = fairness.Watch(evpopd, ["user1"])
        for state, due in looks:
            evpopd.accounts = [{"account": "user1", "state": state,
                                "next": at(due)}]
            watch.look()
        begin = measure.unix(at(0))
        return [None if late is None else round(late, 3)
                for late in watch.lateness(begin, begin + 60)]

    def test_each_due_time_counts_once(self):
        self.assertEqual(self.watch(
            [("waiting", 10.001), ("waiting", 10.0), ("waiting", 20)],
            [("user1", at(10.101)), ("other", at(19)), ("user1", at(20.5))]),
            [0.1, 0.5])

    def test_one_that_is_queued_says_nothing(self):
        self.assertEqual(self.watch([("waiting", 10), ("queued", 14)],
                                    [("user1", at(15))]), [5])

    def test_one_that_never_came(self):
        self.assertEqual(self.watch([("waiting", 10), ("waiting", 20)],
                                    [("user1", at(10))]), [0, None])


class TurnsTest(unittest.TestCase):
    def test_each_goes_before_each_other(self):
        names = ["a", "b", "c"]
        orders = [measure.turns(names, number) for number in range(6)]
        for first in names:
            for second in names:
                if first != second:
                    before = sum(order.index(first) < order.index(second)
                                 for order in orders)
                    self.assertEqual(before, 3, (first, second))

    def test_what_fails_is_told_and_not_repeated(self):
        calls = []

        def fail():
            calls.append(1)
            raise measure.Failed("stored 1 of 2")

        with contextlib.redirect_stdout(None):
            figures, failed = measure.in_turns(
                {"good": lambda: {"seconds": 1}, "bad": fail}, 3,
                float("inf"))
        self.assertEqual(figures, {"good": [{"seconds": 1}] * 3})
        self.assertEqual(failed, {"bad": "stored 1 of 2"})
        self.assertEqual(len(calls), 1)


class PageTest(unittest.TestCase):
    """The page shows what results.json has, and nothing else."""

    @classmethod
    def setUpClass(cls):
        cls.page = publish.PAGE.read_text(encoding="utf-8")
        cls.results = json.loads(
            (publish.RESULTS / "results.json").read_text(encoding="utf-8"))

    def test_figures(self):
        begin, end = publish.within(self.page)
        self.assertEqual(self.page[begin:end],
                         publish.figures(self.results))

    def test_verdicts_follow_from_figures(self):
        self.assertEqual(
            self.results["asked"],
            asked.rows(self.results["workloads"],
                       self.results["scale"]["part"]))

    def test_plots_are_there(self):
        shown = re.findall(r"\]\((results/[^)]*)\)", self.page)
        self.assertTrue(any(path.endswith(".svg") for path in shown))
        for path in shown:
            self.assertTrue((publish.PAGE.parent / path).is_file(), path)


if __name__ == "__main__":
    unittest.main()
