"""Results that the page on performance shows: copied beside it, and its table.

Between two marks that page has the table of what is asked and seen, as it
stands in results.json; nobody types it.
"""

import json
import pathlib
import shutil

import asked

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent.parent
RESULTS = REPOSITORY / "tests" / "bench" / "results"
PAGE = REPOSITORY / "tests" / "bench" / "README.md"
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->\n"


def figures(results):
    """What the page says of results as results.json has them."""
    machine, scale = results["machine"], results["scale"]
    size = ("" if scale["part"] == 1 else
            f", at {scale['part']:g} of the sizes, which proves nothing")
    return (f"{machine['processor']}, {machine['cores']} cores, "
            f"{machine['file system']}{size}:\n\n"
            f"{asked.table(results['asked'])}")


def within(text):
    """Where the figures begin and end in the page's text."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"not one {BEGIN.strip()} and one {END.strip()}")
    return text.index(BEGIN) + len(BEGIN), text.index(END)


def publish(folder):
    """Put the results of a folder where the page shows them."""
    if RESULTS.exists():
        shutil.rmtree(RESULTS)
    RESULTS.mkdir()
    for pattern in ("results.md", "results.json", "*.svg"):
        for path in sorted(folder.glob(pattern)):
            shutil.copyfile(path, RESULTS / path.name)
    text = PAGE.read_text(encoding="utf-8")
    begin, end = within(text)
    shown = figures(json.loads((RESULTS / "results.json").read_text()))
    PAGE.write_text(f"{text[:begin]}{shown}{text[end:]}", encoding="utf-8")
