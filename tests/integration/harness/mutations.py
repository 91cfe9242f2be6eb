"""Mail that is broken at random, in the ways in which mail breaks."""

import random

_SPLICES = (b"\r\n", b"\r\n\r\n", b"=?", b"?=", b"=", b'"', b";", b"--", b":",
            b" ", b"\t", b"\0", b"\xff", b"=?utf-8?B?", b"=?utf-8?Q?",
            b"Content-Type: text/html\r\n", b"Subject: again\r\n", b"(", b")",
            b"\\")


def _flip(chooser, octets):
    at = chooser.randrange(len(octets))
    return octets[:at] + bytes((chooser.randrange(256),)) + octets[at + 1:]


def _splice(chooser, octets):
    at = chooser.randrange(len(octets))
    return octets[:at] + chooser.choice(_SPLICES) + octets[at:]


def _drop(chooser, octets):
    at = chooser.randrange(len(octets))
    return octets[:at] + octets[at + chooser.randrange(1, 40):]


def _repeat(chooser, octets):
    at = chooser.randrange(len(octets))
    return octets[:at] + octets[at:at + chooser.randrange(1, 80)] + octets[at:]


def _cut(chooser, octets):
    return octets[:chooser.randrange(1, len(octets))]


def _line(chooser, octets):
    """A line goes, comes twice, or moves."""
    lines = octets.split(b"\r\n")
    at = chooser.randrange(len(lines))
    line = lines.pop(at)
    for _ in range(chooser.randrange(3)):
        lines.insert(chooser.randrange(len(lines) + 1), line)
    return b"\r\n".join(lines)


_WAYS = (_flip, _splice, _drop, _repeat, _cut, _line)


def mutated(octets, seed):
    """The same with one to four faults, most of them in what is structure."""
    chooser = random.Random(f"mutation {seed}")
    # What is far behind is attachments, where faults show in nothing.
    end = min(len(octets), 3000)
    head, tail = octets[:end], octets[end:]
    for _ in range(chooser.randrange(1, 5)):
        if len(head) > 1:
            head = chooser.choice(_WAYS)(chooser, head)
    return head + tail
