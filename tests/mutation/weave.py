"""Many faults in one build: each in a copy of its function.

A function with faults becomes several: itself, and a copy for each fault, which
it calls where the environment names that fault.  So a build serves a whole
sample, and a fault costs no more than the tests that are run for it.
"""

import re
from dataclasses import dataclass, field

import operators

PRELUDE = ("extern int evpop_fault_chosen;\n"
           "extern void evpop_fault_reached(int);\n")


@dataclass
class Woven:
    """A source with faults in it."""
    text: str = ""
    # (first line, last line, number of the fault), for a compiler's messages.
    lines: list = field(default_factory=list)


def arguments(head):
    """The names of a function's arguments, from its head."""
    inner = head[head.index("(") + 1:head.rindex(")")]
    if inner.strip() in ("", "void"):
        return []
    parts, depth = [""], 0
    for character in inner:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    names = []
    for part in parts:
        part = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", part)
        pointer = re.search(r"\(\s*\*\s*(?:const\s+)?(\w+)", part)
        names.append(pointer[1] if pointer
                     else re.search(r"(\w+)\s*(?:\[[^]]*\]\s*)*$", part)[1])
    return names


def copy_of(text, function, number, edit):
    """The function under another name and with one edit."""
    start, end, new = edit
    head = text[function.head:function.body]
    head = re.sub(r"__attribute__\s*\(\(\w+\)\)\s*", "", head)
    head = re.sub(rf"^{function.name}\(", f"{function.name}__{number}(", head,
                  flags=re.M)
    if "static" not in head.split("\n")[0]:
        head = "static " + head
    return head + text[function.body:start] + new + text[end:function.end]


def prototype(text, function):
    head = text[function.head:function.body]
    head = re.sub(r"__attribute__\s*\(\(\w+\)\)\s*", "", head)
    return head.rstrip() + ";\n"


def chosen(text, function, identity, numbers):
    """The function itself, which asks first whether a copy is wanted."""
    head = text[function.head:function.body]
    call = ", ".join(arguments(head))
    of_no_value = re.search(r"\bvoid$", head.split("\n")[0])
    lines = [f"\tevpop_fault_reached({identity});"]
    for number in numbers:
        copy = f"{function.name}__{number}({call})"
        does = f"{{ {copy}; return; }}" if of_no_value else f"return {copy};"
        lines.append(f"\tif (evpop_fault_chosen == {number}) {does}")
    return (head + "{\n" + "\n".join(lines)
            + text[function.body + 1:function.end])


def weave(text, faults, identities):
    """Put numbered faults, (number, function, (start, end, new)), into a text.

    `identities` gives each function's (by its name and offset) number, under
    which a test notes that it came there.
    """
    woven, at = Woven(PRELUDE), 0
    by_function = {}
    for number, function, edit in faults:
        by_function.setdefault(function, []).append((number, edit))
    for function in sorted(by_function, key=lambda f: f.head):
        woven.text += text[at:function.head] + prototype(text, function)
        for number, edit in by_function[function]:
            first = woven.text.count("\n") + 1
            woven.text += copy_of(text, function, number, edit)
            woven.lines.append((first, woven.text.count("\n"), number))
        woven.text += chosen(text, function, identities[function],
                             [number for number, _ in by_function[function]])
        at = function.end
    woven.text += text[at:]
    return woven
