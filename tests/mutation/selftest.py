#!/usr/bin/env python3
"""The tool for faults finds, weaves and switches them.

Small sources, one compiler, no build of the tree: whether the tests notice
faults is for mutation.py, run by hand.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import operators
import sample
import weave

HERE = pathlib.Path(__file__).resolve().parent

SOURCE = r"""#include <stdbool.h>
#include <stdio.h>

#define LIMIT 5

static int wiped;

/* Not code: if (a < b) */
static void
wipe(void)
{
	wiped = 1;
}

int
difference(int a, int (*other)(int), const int c[2])
{
	if (a < LIMIT && other != NULL)
		return -1;
	wipe();
	puts("a + b");
	return a - c[0];
}

#ifdef __STDC__
#else
int
elsewhere(int a)
{
	return a + 1;
}
#endif

int
many(const char *format, ...)
{
	return format == NULL;
}

int
main(void)
{
	const int c[2] = { 2, 3 };
	int answer = difference(LIMIT, NULL, c);

	printf("%d %d\n", answer, wiped);
	return 0;
}
"""

# (operator, what stands there, what comes instead)
EXPECTED = {
    ("comparison turned", "<", ">="), ("comparison turned", "!=", "=="),
    ("boundary moved", "<", "<="), ("and, or", "&&", "||"),
    ("condition negated", "(a < LIMIT && other != NULL)",
     "(!(a < LIMIT && other != NULL))"),
    ("constant tenfold", "LIMIT", "(10 * LIMIT)"),
    ("error made success", "-1", "0"), ("plus, minus", "-", "+"),
    ("cleaning dropped", "wipe()", "(void)0"),
    ("call dropped", "puts(\"a + b\")", "(void)0"),
}


def faults_of(text):
    return list(operators.Finder(text).faults())


class OperatorTest(unittest.TestCase):
    def test_each_operator(self):
        found = {(f.operator, SOURCE[f.start:f.end], f.new)
                 for f in faults_of(SOURCE)}
        self.assertEqual(found, EXPECTED)

    def test_only_functions_that_are_built(self):
        self.assertEqual({f.function.name for f in faults_of(SOURCE)},
                         {"difference"})

    def test_success_by_its_name(self):
        text = "int\nf(void)\n{\n\treturn STORE_FULL;\n}\n"
        for names, new in (({"STORE_OK"}, ["STORE_OK"]), (set(), []),
                           ({"STORE_FULL_NONE", "OTHER_OK"}, [])):
            found = operators.Finder(text, names).faults()
            self.assertEqual([f.new for f in found], new)

    def test_asserts_are_spared(self):
        text = "void\nf(int a)\n{\n\tassert(a < 2 &&\n\t    a > -3);\n}\n"
        self.assertEqual(faults_of(text), [])


class WeaveTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="evpop-faults-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def woven(self):
        faults = [(number, f.function, (f.start, f.end, f.new))
                  for number, f in enumerate(faults_of(SOURCE), 1)]
        return faults, weave.weave(SOURCE, faults, {faults[0][1]: 7})

    def test_arguments(self):
        for head, names in (
                ("int\nf(void)\n", []), ("int\nf()\n", []),
                ("void\nf(const char *a, int b[4],\n    struct x **c)\n",
                 ["a", "b", "c"]),
                ("int\nf(void (*then)(int, int), void *arg)\n",
                 ["then", "arg"])):
            self.assertEqual(weave.arguments(head), names)

    def test_lines_of_each_fault(self):
        faults, woven = self.woven()
        lines = woven.text.split("\n")
        self.assertEqual([n for _, _, n in woven.lines],
                         [n for n, _, _ in faults])
        for first, last, number in woven.lines:
            self.assertIn(f"difference__{number}(",
                          "\n".join(lines[first - 1:last]))

    def test_switched_on_by_the_environment(self):
        """Each fault in one program, and no fault without a number."""
        faults, woven = self.woven()
        (self.folder / "a.c").write_text(woven.text, encoding="utf-8")
        program = self.folder / "a"
        subprocess.run(
            [os.environ.get("CC", "cc"), "-w", "-D_GNU_SOURCE", "-o", program,
             self.folder / "a.c", HERE / "switch.c"], check=True)
        notes = self.folder / "notes"

        def run(number):
            return subprocess.run(
                [program], stdout=subprocess.PIPE, text=True, check=False,
                env={"EVPOP_FAULT": str(number),
                     "EVPOP_FAULT_NOTES": str(notes)}).stdout
        self.assertEqual(run(0), "a + b\n3 1\n")
        self.assertEqual(notes.read_text(), "7\n")
        said = {(SOURCE[start:end], new): run(number)
                for number, _, (start, end, new) in faults}
        self.assertEqual(said["-", "+"], "a + b\n7 1\n")
        self.assertEqual(said["wipe()", "(void)0"], "a + b\n3 0\n")
        self.assertEqual(said["puts(\"a + b\")", "(void)0"], "3 1\n")
        self.assertEqual(said["&&", "||"], "a + b\n3 1\n")


class SampleTest(unittest.TestCase):
    def tree(self, **files):
        root = pathlib.Path(tempfile.mkdtemp(prefix="evpop-faults-"))
        self.addCleanup(shutil.rmtree, root)
        for top in ("include", "lib", "daemon"):
            (root / top).mkdir()
        for name, text in files.items():
            path = root / "lib" / "core" / f"{name}.c"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    def keys(self, root, each, seed):
        picked, _ = sample.choose(root, each, seed)
        return [f.key for f in picked["lib/core"]]

    def test_a_choice_is_kept(self):
        """Whatever else changes, and wherever the function goes."""
        first = self.keys(self.tree(a=SOURCE), 5, "1")
        moved = self.keys(self.tree(z="\n\n" + SOURCE), 5, "1")
        self.assertEqual(first, moved)
        self.assertEqual(len(first), 5)
        self.assertNotEqual(first, self.keys(self.tree(a=SOURCE), 5, "2"))

    def test_by_hand(self):
        root = self.tree(a=SOURCE)
        entry = "fault it is\nin lib/core/%s\n- %s\n+ %s\n"
        good = "fault it is\nin lib\n- return a -  c[0];\n+ return 0;\n"
        faults, wrong = sample.by_hand(root, "# why\n\n" + good)
        self.assertEqual(wrong, [])
        self.assertEqual([(f.title, f.path, f.line, f.fault.new)
                          for f in faults],
                         [("it is", "lib/core/a.c", 22, "return 0;")])
        for bad, word in ((entry % ("a.c", "return b;", ""), "0 places"),
                          (entry % ("b.c", "return a", ""), "0 places"),
                          (entry % ("a.c", "return", ""), "places"),
                          (entry % ("a.c", "#define LIMIT", ""), "not in")):
            self.assertIn(word, sample.by_hand(root, bad)[1][0])
        with self.assertRaises(sample.ListError):
            sample.by_hand(root, "fault without more\n")

    def test_equivalents_have_reasons(self):
        self.assertEqual(
            sample.equivalents("# a\nbecause it is\nf: a =>  b\n"),
            {"f: a => b": "it is"})
        for bad in ("f: a => b\n", "because\nf: a\n"):
            with self.assertRaises(sample.ListError):
                sample.equivalents(bad)

    def test_lists_of_the_tree_can_be_read(self):
        """Whether they still apply is said by a run of the tool."""
        for name, read in (("by_hand.txt", sample.parse),
                           ("equivalent.txt", sample.equivalents)):
            list(read((HERE / name).read_text(encoding="utf-8")))


if __name__ == "__main__":
    unittest.main()
