#!/usr/bin/env python3
"""The checkers of this folder find what they are there to find.

Each case is a small tree with one thing wrong, and what a checker must say of
it; a tree with nothing wrong must be left alone.
"""

import contextlib
import io
import pathlib
import shutil
import tempfile
import unittest

import headers
import layers
import manuals
import packaging
import rooms
import sources
import style
import views

HEADER = "/* What it is for. */\n#ifndef X_H\n#define X_H\n%s\n#endif\n"


class CheckerTest(unittest.TestCase):
    def tree(self, files):
        """A folder with these files, gone after the test."""
        root = pathlib.Path(tempfile.mkdtemp(prefix="evpop-lint-"))
        self.addCleanup(shutil.rmtree, root)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return root

    def expect(self, checker, files, *words):
        """The checker names exactly one breach, with these words in it."""
        breaches, checked = checker.check(self.tree(files))
        self.assertEqual(len(breaches), 1 if words else 0, breaches)
        self.assertGreater(checked, 0)
        for word in words:
            self.assertIn(word, breaches[0])


class EndTest(unittest.TestCase):
    def test_exit_codes(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(sources.end([], 5, "files"), 0)
            self.assertEqual(sources.end(["wrong"], 5, "files"), 1)
            self.assertEqual(sources.end([], 0, "files"), 1)


class RoomsTest(CheckerTest):
    """Circles of files, and structs that are open to too many."""

    def test_circle_by_names(self):
        self.expect(rooms, {
            "lib/net/a.c": "int\na_go(void)\n{\n\treturn b_go();\n}\n",
            "lib/net/b.c": "int\nb_go(void)\n{\n\treturn c_go();\n}\n",
            "lib/net/c.c": "const int c_table[] = { 1 };\n\n"
                           "int\nc_go(void)\n{\n\treturn a_go();\n}\n",
        }, "circle of 3 files", "lib/net/a.c takes b_go from lib/net/b.c")

    def test_circle_by_tables(self):
        self.expect(rooms, {
            "lib/net/a.c": "const struct a a_table[] = { { b_go } };\n",
            "lib/net/b.c": "int\nb_go(void)\n{\n\treturn a_table[0];\n}\n",
        }, "circle of 2 files")

    def test_circle_by_includes(self):
        self.expect(rooms, {
            "lib/net/a.h": '#include "lib/net/b.h"\n',
            "lib/net/b.h": '#include "lib/net/a.h"\n',
        }, "circle of 2 files")

    def test_no_circle(self):
        self.expect(rooms, {
            # A static name, a member, a comment, a string, a struct's name.
            "lib/net/a.c": "struct b_go;\n\nint\na_go(void)\n{\n"
                           "\treturn b_go();\n}\n",
            "lib/net/b.c": "static int\na_go(void)\n{\n\treturn 1;\n}\n"
                           "\nint\nb_go(void)\n{\n\treturn a_go();\n}\n",
            "lib/net/c.c": "int\nc_go(void)\n{\n\treturn a_go();\n}\n",
            "lib/net/d.c": "/* c_go() */\nint\nd_go(struct c_go *x)\n{\n"
                           "\treturn puts(\"c_go\") + x->c_go;\n}\n",
        })

    def test_table_of_the_readme(self):
        tree = {"lib/net/a.c": "int\na_go(void)\n{\n}\n",
                "README.md": "| first | `a_go()` | lib/net/a.c |\n"}
        self.expect(rooms, tree)
        tree["README.md"] += "| then | `b_go()` | lib/net/a.c |\n"
        self.expect(rooms, tree, "b_go() is not in lib/net/a.c")

    HEADER = "struct inner {\n\tint x;\n};\nstruct outer {\n" \
             "\tstruct inner inner, *other;\n\tint y;\n};\n"

    def opened(self, *bodies):
        """A tree in which so many files do so with two structs."""
        return {"lib/net/outer.h": self.HEADER, **{
            f"lib/net/f{number}.c": f"void\nf{number}({body}\n}}\n"
            for number, body in enumerate(bodies)}}

    def test_struct_that_three_open(self):
        for inside in ("outer->y = 1;", "return outer->y;",
                       "outer->y++;", "f(&outer[1].y);"):
            with self.subTest(inside):
                body = "struct outer *outer)\n{\n\t" + inside
                self.expect(rooms, self.opened(body, body, body),
                            "struct outer is open to 3 files", "lib/net/f2.c")

    def test_struct_inside_another(self):
        body = "struct outer **made)\n{\n\tmade[0]->other->x = 1;"
        breaches, _ = rooms.check(self.tree(self.opened(body, body, body)))
        self.assertEqual(len(breaches), 2, breaches)
        self.assertIn("struct inner is open", breaches[0])

    def test_struct_of_two_files_and_records(self):
        change = "struct outer *outer)\n{\n\touter->y = 1;"
        read = "const struct outer *outer)\n{\n\tf(outer->y);"
        own = "void)\n{\n\tstruct outer outer;\n\n\touter.y = 1;"
        self.expect(rooms, self.opened(change, change, read, read, own))


class LayersTest(CheckerTest):
    # (file, include, words of the breach; none where it is allowed)
    CASES = (
        ("lib/base/a.c", '"lib/base/b.h"', ()),
        ("lib/base/a.c", "<evpop/error.h>", ("lib/core is above lib/base",)),
        ("lib/base/a.c", "<errno.h>", ("no I/O",)),
        ("lib/core/a.c", '"lib/base/b.h"', ()),
        ("lib/core/a.c", '"lib/core/b.h"', ()),
        ("lib/core/a.c", "<evpop/proto.h>", ()),
        ("lib/core/a.c", "<string.h>", ()),
        ("lib/core/a.c", "<evpop/client.h>", ("lib/net is above lib/core",)),
        ("lib/core/a.c", '"lib/net/tls.h"', ("lib/net is above lib/core",)),
        ("lib/core/a.c", '"lib/auth/x.h"', ("lib/auth is above lib/core",)),
        ("lib/core/a.c", '"daemon/log/log.h"', ("no layer",)),
        ("lib/core/a.c", "<errno.h>", ("no I/O",)),
        ("lib/core/a.c", "<sys/socket.h>", ("no I/O",)),
        ("lib/core/a.c", "<time.h>", ("no I/O",)),
        ("lib/core/a.c", '"lib/base/clock.h"', ("no I/O",)),
        ("lib/base/a.c", "<time.h>", ("no I/O",)),
        ("lib/core/a.c", "<event2/event.h>", ("no I/O",)),
        ("lib/core/a.c", "<sys/queue.h>", ()),
        ("lib/auth/a.c", '"lib/core/b.h"', ()),
        ("lib/auth/a.c", '"lib/net/b.h"', ("above",)),
        ("lib/auth/a.c", "<event2/event.h>", ("only lib/net",)),
        ("lib/auth/a.c", "<openssl/evp.h>", ()),
        ("lib/net/a.c", "<openssl/ssl.h>", ()),
        ("lib/net/a.c", "<errno.h>", ()),
        ("lib/net/a.c", '"lib/session/sync.h"', ("above",)),
        ("lib/net/a.c", '"tls.h"', ("by path",)),
        ("lib/net/a.c", '"../core/line.h"', ("by path",)),
        ("lib/net/a.c", '"evpop/error.h"', ("angle",)),
        ("lib/session/a.c", '"lib/core/reply.h"', ()),
        ("lib/session/a.c", "<openssl/ssl.h>", ("only lib/net",)),
        ("lib/session/a.c", "<sqlite3.h>", ("only daemon/store",)),
        ("include/evpop/error.h", "<evpop/client.h>", ("above",)),
        ("include/evpop/sync.h", "<evpop/client.h>", ()),
        ("include/evpop/client.h", '"lib/net/tls.h"', ("public",)),
        ("include/evpop/evpop.h", "<evpop/sync.h>", ()),
        ("include/evpop/evpop.h", '"lib/net/tls.h"', ("public",)),
        ("daemon/main.c", '"daemon/control/control.h"', ()),
        ("daemon/main.c", '"lib/core/line.h"', ("public headers",)),
        ("daemon/main.c", '"lib/base/utf8.h"', ()),
        ("daemon/config/a.c", '"lib/base/utf8.h"', ()),
        ("daemon/config/a.c", '"daemon/log/log.h"', ()),
        ("daemon/config/a.c", "<evpop/client.h>", ()),
        ("daemon/config/a.c", '"daemon/store/store.h"', ("may not",)),
        ("daemon/secret/a.c", '"daemon/config/config.h"', ("may not",)),
        ("daemon/store/a.c", '"daemon/config/config.h"', ("may not",)),
        ("daemon/store/a.c", '"daemon/poll/poller.h"', ("may not",)),
        ("daemon/log/a.c", '"daemon/config/config.h"', ("may not",)),
        ("daemon/poll/a.c", '"daemon/store/store.h"', ()),
        ("daemon/poll/a.c", '"daemon/store/schema.h"', ("may not",)),
        ("daemon/poll/a.c", '"daemon/control/control.h"', ("may not",)),
        ("daemon/control/a.c", '"daemon/poll/poller.h"', ()),
        ("daemon/control/a.c", '"daemon/secret/secret.h"', ("may not",)),
        ("daemon/control/a.c", '"daemon/ctl/ctl.h"', ("may not",)),
        ("daemon/ctl/a.c", '"daemon/control/control.h"', ("may not",)),
        ("daemon/ctl/a.c", '"daemon/store/store.h"', ("may not",)),
        ("daemon/new/a.c", '"daemon/log/log.h"', ("nothing is said",)),
        ("daemon/store/sql/sqlite.c", "<sqlite3.h>", ()),
        ("daemon/store/a.c", "<sqlite3.h>", ("only daemon/store/sql",)),
        ("daemon/store/a.c", "<zstd.h>", ()),
        ("daemon/control/a.c", "<zstd.h>", ("only daemon/store",)),
        ("daemon/secret/a.c", "<sodium.h>", ()),
        ("daemon/store/digest.c", "<sodium.h>", ()),
        ("daemon/store/body.c", "<sodium.h>", ("only daemon/secret",)),
        ("daemon/poll/a.c", "<openssl/ssl.h>", ("only lib/net",)),
        ("daemon/poll/a.c", "<jansson.h>", ("only daemon/control",)),
        ("tests/unit/a.c", '"lib/core/line.h"', None),
        ("tests/servers/a.c", "<openssl/ssl.h>", None),
    )

    def test_cases(self):
        for path, include, words in self.CASES:
            with self.subTest(path=path, include=include):
                tree = {path: f"#include {include}\n",
                        "lib/core/plain.c": "#include <string.h>\n"}
                self.expect(layers, tree, *(words or ()))

    def test_names_the_line(self):
        self.expect(layers, {"lib/core/a.c": "\n\n#  include <errno.h>\n"},
                    "lib/core/a.c:3: errno.h")

    def test_program_fails(self):
        root = self.tree({"lib/core/a.c": "#include <errno.h>\n"})
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(sources.end(*layers.check(root), "includes"), 1)


class StyleTest(CheckerTest):
    def test_clean(self):
        self.expect(style, {"lib/core/a.h": HEADER % "int a(void);"})

    def test_long_file(self):
        self.expect(style, {"lib/a.c": "\n" * 599})
        self.expect(style, {"lib/a.c": "\n" * 600}, "600 lines")

    def test_long_function(self):
        self.expect(style, {"lib/a.c": "void\na(void)\n{\n%s}\n"
                            % ("\ta();\n" * 75)})
        self.expect(style, {"lib/a.c": "void\na(void)\n{\n%s}\n"
                            % ("\ta();\n" * 76)}, "lib/a.c:3", "76 lines")

    def test_put_off(self):
        word = "TO" + "DO"
        self.expect(style, {"lib/a.c": f"\n/* {word}: later */\n"},
                    "lib/a.c:2", word)

    def test_versions_of_a_merge(self):
        for mark in ("<" * 7, ">" * 7):
            self.expect(style, {"lib/a.3": f"one\n{mark} ours\n"},
                        "never merged")
        self.expect(style, {"lib/a.3": "a title\n=======\n"})

    def test_nameless(self):
        self.expect(style, {"lib/utils.c": "int a;\n"}, "name")
        self.expect(style, {"lib/utility.c": "int a;\n"})

    def test_header(self):
        self.expect(style, {"lib/a.h": "#ifndef A\n#define A\n#endif\n"},
                    "what it is for")
        self.expect(style, {"lib/a.h": "/* A. */\nint a;\n"}, "guard")

    def test_public_function(self):
        name = "include/evpop/a.h"
        promise = "/* Does a. */\nEVPOP_API int evpop_a(void);\n"
        bare = "\nEVPOP_API int\nevpop_b(struct b *, int);\n"
        self.expect(style, {name: HEADER % promise})
        self.expect(style, {name: HEADER % (promise + bare)}, "evpop_b")
        self.expect(style, {name: HEADER % ("\n/* Section. */\n" + bare)})
        self.expect(style, {name: HEADER % ("\n/* ---- s ---- */\n" + bare)},
                    "evpop_b")


class HeadersTest(CheckerTest):
    def test_internal(self):
        self.expect(headers, {"lib/a.h": HEADER % "int a(void);"})
        self.expect(headers, {"lib/a.h": HEADER % "int a(size_t);"},
                    "lib/a.h", "size_t")
        self.expect(headers, {"lib/a.h": "struct a { int b; };\n"},
                    "redefinition")

    def test_public(self):
        name = "include/evpop/a.h"
        self.expect(headers, {name: HEADER % "int evpop_a(void);"})
        root = self.tree({name: HEADER % "int evpop_a(int class);"})
        breaches, _ = headers.check(root)
        self.assertEqual(len(breaches), 2, breaches)
        self.assertTrue(all("c++" in breach for breach in breaches))
        root = self.tree({name: HEADER % "struct evpop_a {};"})
        self.assertEqual(len(headers.check(root)[0]), 2)


class ManualsTest(CheckerTest):
    PAGE = (".Dd March 1, 2026\n.Dt EVPOPD 8\n.Os\n.Sh NAME\n.Nm evpopd\n"
            ".Nd a page\n.Sh DESCRIPTION\n%s\n")
    MAIN = '{ "once", no_argument, NULL, 1 },\n'

    def test_lint(self):
        self.expect(manuals, {"daemon/evpopd.8": self.PAGE % "Words."})
        self.expect(manuals, {"daemon/evpopd.8": self.PAGE % ".Nonsense"},
                    "Nonsense")

    def test_options(self):
        self.expect(manuals, {"daemon/evpopd.8": self.PAGE % ".Fl -once",
                              "daemon/main.c": self.MAIN})
        self.expect(manuals, {"daemon/evpopd.8": self.PAGE % "Words.",
                              "daemon/main.c": self.MAIN}, "--once")

    SECOND = ("/* Two. */\nEVPOP_API const char *evpop_two(struct evpop_x *,\n"
              "    size_t count) EVPOP_MUST_USE;\n")
    LIBRARY = (".Dd March 1, 2026\n.Dt EVPOP_A 3\n.Os\n.Sh NAME\n"
               ".Nm evpop_a\n.Nd a page\n.Sh SYNOPSIS\n"
               '.Ft "const char *"\n.Fo evpop_two\n'
               '.Fa "struct evpop_x *x"\n.Fa "%s"\n.Fc\n'
               ".Sh DESCRIPTION\n%s\n.Sh RETURN VALUES\nSome.\n"
               ".Sh EXAMPLES\nNone.\n%s")
    ALSO = ".Sh SEE ALSO\n.Xr evpopd 8\n"

    def test_interface(self):
        header = "include/evpop/a.h"
        page = "lib/net/evpop_a.3"

        def expect(manual, *words, text=self.SECOND):
            self.expect(manuals, {header: HEADER % text, page: manual}, *words)

        described = ".Fn evpop_two\ncounts."
        good = self.LIBRARY % ("size_t count", described, self.ALSO)
        expect(good)
        expect(self.LIBRARY % ("int count", described, self.ALSO),
               "evpop_two", "int")
        expect(self.LIBRARY % ("size_t count", "Words.", self.ALSO),
               "describe")
        expect(self.LIBRARY % ("size_t count", described, ""), "SEE ALSO")
        expect(good, "evpop_one",
               text=self.SECOND + "EVPOP_API void evpop_one(void);\n")
        expect(good, "evpop_two", text="EVPOP_API void evpop_two(void);\n")
        self.expect(manuals, {header: HEADER % self.SECOND,
                              "lib/evpop_b.3": good}, "0 manuals")
        expect(good.replace(".Sh DESCRIPTION\n", ".Ft void\n.Fo evpop_three\n"
                            ".Fa void\n.Fc\n.Sh DESCRIPTION\n"
                            ".Fn evpop_three\nthrees.\n"),
               "evpop_three", "does not have")


class PackagingTest(CheckerTest):
    FILES = {
        "bootstrap": 'build_packages="gcc cmake\n\tliba-dev python3"\n',
        "CMakeLists.txt": "project(evpop VERSION 1.2.0 LANGUAGES C)\n",
        "conf/debian/changelog": "evpop (1.2.0) unstable; urgency=low\n",
        "conf/debian/control":
            "Source: evpop\nBuild-Depends:\n debhelper-compat (= 13),\n"
            " cmake (>= 3.25),\n liba-dev | libb-dev,\n"
            " python3:any <!nocheck>,\n\nPackage: evpopd\n",
    }

    def test_packaging(self):
        self.expect(packaging, self.FILES)
        self.expect(packaging, {
            **self.FILES, "bootstrap": 'build_packages="cmake liba-dev libc'
            ' python3"\n'}, "control does not build with libc")
        self.expect(packaging, {
            **self.FILES, "bootstrap": 'build_packages="cmake python3"\n'},
            "bootstrap does not build with liba-dev")
        self.expect(packaging, {
            **self.FILES, "CMakeLists.txt": "project(evpop VERSION 1.3)\n"},
            "changelog has version 1.2.0, not 1.3")


class ViewsTest(unittest.TestCase):
    def test_differences(self):
        manual = views.views_of_manual(
            ".Ss v_a\n.It Va one , Va two\n.It Va three\n.Sh NEXT\n.It Va x\n")
        self.assertEqual(manual, {"v_a": {"one", "two", "three"}})
        self.assertEqual(list(views.differences(manual, manual)), [])
        self.assertEqual(
            list(views.differences(manual, {"v_a": {"one", "two", "four"},
                                            "v_b": {"five"}})),
            ["v_a.four is not in the manual", "v_a.three is in the manual only",
             "v_b.five is not in the manual"])


if __name__ == "__main__":
    unittest.main()
