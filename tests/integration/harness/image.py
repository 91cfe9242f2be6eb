"""The memory image of a process that was stopped, searched for secrets.

A secret is looked for as it is and in base64, whatever stands before it there:
as a log-in of PLAIN's, or in a header of HTTP.  Of each only a part from the
middle, so that what is freed and clobbered at its beginning is found too.
"""

import base64
import contextlib
import os
import pathlib
import re
import secrets
import signal
import string
import struct
import sys

from . import daemon, procs

PAGE = os.sysconf("SC_PAGESIZE")
_HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+\s*(.*)")
_PRESENT_OR_SWAPPED = 3 << 62
# Only what a sanitizer sets apart is so large: its shadow, which holds no octets
# of the program's, and room that it has not begun to use.
_SET_APART = 4 << 30


def make_secret(length=48):
    """A password that no file and no other process holds."""
    letters = string.ascii_letters + string.digits
    return "".join(secrets.choice(letters) for _ in range(length))


class Mapping:
    """A line of smaps: start, end, rights ("rw-p"), name, flags."""

    def __init__(self, start, end, rights, name):
        self.start, self.end = start, end
        self.rights, self.name = rights, name
        self.flags = set()
        self.is_fenced = False  # its neighbours are pages of nobody's

    def why_unguarded(self):
        """What it lacks to hold secrets; "" where it lacks nothing."""
        lacks = []
        # A sanitizer lets no program lock memory, and says that it has.
        if "lo" not in self.flags and not daemon.sanitized():
            lacks.append("is not locked")
        if "dd" not in self.flags:
            lacks.append("would be dumped")
        if not self.is_fenced:
            lacks.append("has no guard pages")
        return ", ".join(lacks)

    def __str__(self):
        return (f"{self.start:x}-{self.end:x} {self.rights} "
                f"{self.name or 'anonymous'}")


def mappings(pid):
    """All mappings of a process, by address."""
    found = []
    text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    for line in text.splitlines():
        head = _HEAD.fullmatch(line)
        if head:
            found.append(Mapping(int(head[1], 16), int(head[2], 16),
                                 head[3], head[4]))
        elif line.startswith("VmFlags:"):
            found[-1].flags = set(line.split()[1:])
    for before, one, behind in zip([None, *found], found, [*found[1:], None]):
        one.is_fenced = all(
            near is not None and near.rights.startswith("---")
            and edge == at for near, edge, at in (
                (before, before and before.end, one.start),
                (behind, behind and behind.start, one.end)))
    return found


def _present(pagemap, mapping):
    """(address, length) of runs of pages that hold anything."""
    start, count = mapping.start, (mapping.end - mapping.start) // PAGE
    run = None
    for at in range(0, count, 65536):
        some = min(65536, count - at)
        entries = os.pread(pagemap, 8 * some, (start // PAGE + at) * 8)
        for i, (entry,) in enumerate(struct.iter_unpack("<Q", entries)):
            address = start + (at + i) * PAGE
            if entry & _PRESENT_OR_SWAPPED:
                run = address if run is None else run
            elif run is not None:
                yield run, address - run
                run = None
    if run is not None:
        yield run, mapping.end - run


def forms(secret):
    """(what, octets) of all forms that a secret is searched in.

    One that is bytes, and no text, has one form.
    """
    if isinstance(secret, bytes):
        yield "in octets", secret[len(secret) // 3:]
        return
    text = secret.encode()
    middle = len(text) // 3
    yield "in the clear", text[middle:]
    yield "in UTF-32", secret[len(secret) // 3:].encode("utf-32-le")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + text)
        # The characters at both ends hold bits of neighbours too.
        yield "in base64", encoded[len(encoded) // 3:-4]


class Found:
    """A secret in a mapping: what, form, address, mapping."""

    def __init__(self, what, form, address, mapping):
        self.what, self.form = what, form
        self.address, self.mapping = address, mapping

    def __str__(self):
        return (f"the {self.what} {self.form} at {self.address:x} in "
                f"{self.mapping}, which "
                f"{self.mapping.why_unguarded() or 'is guarded'}")


def search(pid, wanted):
    """Search all memory of a stopped process for {what: secret}.

    Returns Founds.  PermissionError where this process may not read it.
    """
    needles = [(what, form, octets) for what, secret in wanted.items()
               for form, octets in forms(secret)]
    longest = max(len(octets) for _, _, octets in needles)
    found = []
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for mapping in mappings(pid):
            if (mapping.name in ("[vvar]", "[vsyscall]", "[vvar_vclock]")
                    or mapping.end - mapping.start > _SET_APART):
                continue
            for address, length in _present(pagemap, mapping):
                _search_run(memory, mapping, address, length, needles,
                            longest, found)
    finally:
        os.close(memory)
        os.close(pagemap)
    return found


def _search_run(memory, mapping, address, length, needles, longest, found):
    piece = 16 << 20
    for at in range(0, length, piece):
        try:
            octets = os.pread(memory, min(piece + longest, length - at),
                              address + at)
        except OSError:
            # Nobody reads it, us included: a device's, for instance.
            continue
        for what, form, needle in needles:
            place = octets.find(needle)
            while place != -1:
                found.append(Found(what, form, address + at + place, mapping))
                place = octets.find(needle, place + 1)


def forked(pid):
    """The children of a process that run its own program."""
    program = os.readlink(f"/proc/{pid}/exe")
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    for child in children.split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if os.readlink(f"/proc/{child}/exe") == program:
                yield int(child)


@contextlib.contextmanager
def stopped(pid):
    """A process stands still, all of its threads."""
    os.kill(pid, signal.SIGSTOP)
    try:
        procs.wait_for(lambda: all(
            _state(task) in "TtZX"
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir()),
            what=f"process {pid} standing still")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _state(task):
    try:
        text = (task / "stat").read_text()
    except FileNotFoundError:
        return "X"
    return text.rpartition(")")[2].split()[0]


def why_unreadable():
    """Why the memory of a child that forbids it cannot be read here; ""."""
    if os.geteuid() == 0:
        return ""
    done = procs.run(["unshare", "--user", "--map-root-user", "true"],
                     check=False)
    return "" if done.returncode == 0 else done.stderr.strip()


def as_root_of_its_own():
    """Become root of a user namespace, where this test is not root already.

    A daemon that is started there may be looked into, for its /proc/PID is
    root's: only who rules its namespace may.
    """
    if os.geteuid() != 0 and not why_unreadable():
        os.execvp("unshare", ["unshare", "--user", "--map-root-user",
                              sys.executable, "-B", *sys.argv])
