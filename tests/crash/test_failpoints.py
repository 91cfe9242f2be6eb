"""Failpoints are in builds that ask for them, and nowhere else."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "integration"))

from harness import daemon  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A word of the environment, and names that only the linker makes.
SIGNS = (b"EVPOP_FAILPOINT", b"failpoint_reached", b"__wrap_evpop")


class FailpointsTest(unittest.TestCase):
    def test_program(self):
        program = (daemon.build_folder() / "daemon" / "evpopd").read_bytes()
        asked = daemon.cache_value("EVPOP_FAILPOINTS") == "ON"
        for sign in SIGNS:
            self.assertEqual(sign in program, asked, sign)

    def test_presets(self):
        presets = json.loads((ROOT / "CMakePresets.json").read_text())
        having = {one["name"] for one in presets["configurePresets"]
                  if one.get("cacheVariables", {}).get("EVPOP_FAILPOINTS")
                  == "ON"}
        self.assertEqual(having, {"dev", "asan"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
