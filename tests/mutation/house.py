"""A copy of the tree, with faults in it, and its tests."""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import weave

FOLDERS = ("include", "lib", "daemon", "conf", "systemd", "tests")
# Rounds of building, each of which leaves out what did not compile.
ROUNDS = 12
# A test may take so much longer with a fault than without.
TIMES, SECONDS = 5, 30
FILE_LIMIT = 4 << 30
MEMORY_LIMIT = 4 << 30
ERROR = re.compile(r"^(?:\.\./)*\S*?((?:lib|daemon)/\S+\.c):(\d+):\d+: error",
                   re.M)


class HouseError(Exception):
    """The copy cannot be built or tested."""


def write(path, text):
    """Write a file only where it changes, so that little is built again."""
    if not path.is_file() or path.read_bytes() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


class Run:
    """A test's command, run in a session of its own and ended with it."""

    def __init__(self, test, bound, environment, folder):
        self.begun = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                test["command"], stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, cwd=folder, start_new_session=True,
                env={**os.environ, **test["environment"], **environment},
                preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT)))
            try:
                self.outcome = self.watch(process, bound)
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
            output.seek(max(0, output.tell() - 4000))
            self.output = output.read().decode("utf-8", "replace")
        self.seconds = time.monotonic() - self.begun

    def watch(self, process, bound):
        """How a process ends, within its bounds."""
        statm = pathlib.Path(f"/proc/{process.pid}/statm")
        while time.monotonic() - self.begun < bound:
            try:
                code = process.wait(0.2)
                return "passed" if code == 0 else f"exit code {code}"
            except subprocess.TimeoutExpired:
                pages = statm.read_text().split()[1]
                if int(pages) * resource.getpagesize() > MEMORY_LIMIT:
                    return "no end of memory"
        return "no end"


class House:
    """The copy below a folder: its sources, its build, its tests."""

    def __init__(self, root, work, jobs=1, sanitize="leak"):
        self.root, self.jobs, self.sanitize = root, jobs, sanitize
        self.tree, self.build = work / "tree", work / "build"
        self.notes = work / "notes"
        self.tests = {}

    def copy(self, woven):
        """Bring the copy up to date, with these texts in place of sources."""
        kept = set()
        for top in FOLDERS:
            for file in sorted((self.root / top).rglob("*")):
                path = file.relative_to(self.root)
                if not file.is_file() or "__pycache__" in path.parts:
                    continue
                kept.add(path)
                text = woven.get(path.as_posix())
                write(self.tree / path, file.read_bytes() if text is None
                      else text.encode())
                shutil.copymode(file, self.tree / path)
        for name in ("CMakeLists.txt", "README.md", "CHANGELOG.md"):
            write(self.tree / name, (self.root / name).read_bytes())
        for top in FOLDERS:
            for file in (self.tree / top).rglob("*"):
                if (file.is_file() and "__pycache__" not in file.parts
                        and file.relative_to(self.tree) not in kept):
                    file.unlink()

    def command(self, *words):
        return subprocess.run(words, cwd=self.tree, text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)

    def configure(self):
        """As the preset dev is, with one sanitizer or another."""
        self.build.mkdir(parents=True, exist_ok=True)
        switch = self.build / "switch.o"
        done = self.command(
            "cc", "-O1", "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE", "-c",
            str(self.root / "tests/mutation/switch.c"), "-o", str(switch))
        linked = f"{switch} -fuse-ld=lld" if shutil.which("ld.lld") else switch
        if done.returncode == 0:
            done = self.command(
                "cmake", "-G", "Ninja", "-S", str(self.tree), "-B",
                str(self.build), "-DCMAKE_BUILD_TYPE=",
                "-DCMAKE_C_FLAGS=-O1 -w", "-DEVPOP_FAILPOINTS=ON",
                f"-DEVPOP_SANITIZE={self.sanitize}",
                f"-DCMAKE_EXE_LINKER_FLAGS={linked}",
                f"-DCMAKE_SHARED_LINKER_FLAGS={linked}")
        if done.returncode != 0:
            raise HouseError(done.stdout)

    def make(self, targets):
        return self.command("ninja", "-C", str(self.build), "-j",
                            str(self.jobs), "-k", "0", *targets)

    def load_tests(self):
        """Read from CTest what has been built, and what it runs."""
        done = self.command("ctest", "--test-dir", str(self.build),
                            "--show-only=json-v1")
        listing = json.loads(done.stdout)
        for test in listing["tests"]:
            properties = {p["name"]: p["value"]
                          for p in test.get("properties", ())}
            self.tests[test["name"]] = {
                "command": test.get("command", []),
                "labels": properties.get("LABELS", []),
                "folder": properties.get("WORKING_DIRECTORY", self.build),
                "environment": dict(pair.split("=", 1) for pair in
                                    properties.get("ENVIRONMENT", ()))}

    def is_newer(self, test, when):
        """Whether the source of a test was changed after a time."""
        program = pathlib.Path(self.tests[test]["command"][-1]).name
        sources = [path for path in (self.tree / "tests").glob(f"*/{program}*")
                   if path.stem == program or path.name == program]
        return any(path.stat().st_mtime > when
                   for path in sources)

    def run(self, test, fault=0, bound=900.0, notes=False):
        environment = {"EVPOP_FAULT": str(fault)}
        if notes:
            environment["EVPOP_FAULT_NOTES"] = str(self.notes)
        entry = self.tests[test]
        return Run(entry, bound, environment, entry["folder"])

    def survey(self, test):
        """Run a test without a fault: (run, numbers of functions reached)."""
        self.notes.write_text("")
        self.notes.chmod(0o666)
        run = self.run(test, notes=True)
        return run, {int(line) for line in self.notes.read_text().split()}


def weave_all(texts, faults, identities):
    """{path: woven} of the sources that have faults."""
    by_path = {}
    for fault in faults:
        by_path.setdefault(fault.path, []).append(fault)
    return {path: weave.weave(
        texts[path],
        [(f.number, f.fault.function, (f.fault.start, f.fault.end,
                                       f.fault.new)) for f in group],
        {f.fault.function: identities[path, f.fault.function]
         for f in group}) for path, group in by_path.items()}


def build_with(house, texts, faults, identities):
    """Build the sources with all the faults that compile: (those, the others).

    An error in what belongs to no fault ends it all.
    """
    left, dropped = list(faults), []
    for _ in range(ROUNDS):
        woven = weave_all(texts, left, identities)
        house.copy({path: w.text for path, w in woven.items()})
        house.configure()
        done = house.make(["lib/all", "daemon/all"])
        if done.returncode == 0:
            return left, dropped
        bad = set()
        for path, line in ERROR.findall(done.stdout):
            bad |= {number for first, last, number in
                    (woven[path].lines if path in woven else ())
                    if first <= int(line) <= last}
        if not bad:
            raise HouseError(done.stdout[-8000:])
        dropped += [f for f in left if f.number in bad]
        left = [f for f in left if f.number not in bad]
    raise HouseError("faults that do not compile are left after all rounds")
