"""What costly messages cost a reader, beside a plain one of their size."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

from harness import bombs, daemon, procs

WORK = ("row", "words", "parts", "text")


class BombsTest(unittest.TestCase):
    def test_bombs(self):
        program = daemon.build_folder() / "tests" / "bench" / "bench_bombs"
        with procs.temporary_folder() as folder:
            print(f"\n{'milliseconds':36}" + "".join(
                f"{one:>9}" for one in WORK))
            for number, (name, octets) in enumerate(bombs.BOMBS.items()):
                path = folder / str(number)
                path.write_bytes(octets)
                done = procs.run([program, path])
                times = [float(one) for one in done.stdout.split()[1:]]
                path.unlink()
                print(f"{name:36}" + "".join(
                    f"{one:9.1f}" for one in times), flush=True)
                self.assertEqual(len(times), len(WORK), done.stdout)


if __name__ == "__main__":
    unittest.main()
