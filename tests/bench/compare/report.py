"""The results for people (Markdown, SVG) and for programs (JSON)."""

import json
import os
import pathlib
import platform
import sqlite3
import ssl
import subprocess
import tempfile

from harness import daemon

import asked
import measure
import plot
import rivals

# What each syncs was counted, as calls of fsync() and fdatasync() by the
# versions of Debian 12.
_MANNER = """\
Medians of runs that took turns on the same server, each into an empty folder;
each was seen to have stored every message. All mail is read once before the
first of them, so that the server's caches are as warm for it as for the last,
and what one has left to be written is written before the next begins. Only
ratios of one run mean something.

Each syncs to the disk as it does by default. evpopd: each transaction, which
holds what has come since the last one (SQLite, synchronous = FULL), before a
message counts as stored. mpop: each message's file. getmail6: each message's
file, and a temporary one of it. fetchmail and curl: none of the mail, nor does
the command that fetchmail is given here.
"""


def _memory():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system():
    """The type of what temporary folders lie on."""
    done = subprocess.run(["stat", "-f", "-c", "%T", tempfile.gettempdir()],
                          stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine():
    """What the figures were measured on, and with what."""
    versions = {name: kind.version() for name, kind in rivals.ALL.items()
                if kind.available() and (name == rivals.EVPOPD or
                                         name not in rivals.EVPOPDS)}
    versions["Dovecot"] = rivals.said_version("/usr/sbin/dovecot", "--version")
    versions["OpenSSL"] = ssl.OPENSSL_VERSION
    versions["SQLite"] = sqlite3.sqlite_version
    return {"processor": _processor(), "cores": os.cpu_count(),
            "memory": _memory(), "kernel": platform.release(),
            "file system": _file_system(),
            "load before": round(os.getloadavg()[0], 1),
            "build type": daemon.cache_value("CMAKE_BUILD_TYPE"),
            "versions": versions}


def _range(values, unit):
    return (f"{plot.number(min(values), unit)} to "
            f"{plot.number(max(values), unit)}" if values else "")


def table(result):
    """The rows of one workload: medians, and the main one beside evpopd's."""
    metrics, main = result["metrics"], result["main"]
    figures = result["figures"]
    ours = (measure.median(figures[rivals.EVPOPD], main)
            if rivals.EVPOPD in figures else None)
    heads = ["", *(plot.heading(label, unit) for _, label, unit in metrics)]
    unit, = (unit for key, _, unit in metrics if key == main)
    heads += ["range", "runs"]
    if ours:
        heads.insert(-2, "to evpopd's")
    rows = [heads, ["---", *["--:"] * (len(heads) - 1)]]
    for name, runs in figures.items():
        value = measure.median(runs, main)
        row = [name, *(plot.number(measure.median(runs, key), unit_of)
                       for key, _, unit_of in metrics)]
        if ours:
            row.append(f"{value / ours:.2f}" if value is not None else "")
        row += [_range([run[main] for run in runs if main in run], unit),
                str(len(runs))]
        rows.append(row)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def markdown(document, plotted):
    """All results as one page."""
    about, scale = document["machine"], document["scale"]
    versions = "\n".join(f"- {name}: {version}" for name, version
                         in about["versions"].items())
    text = [f"# evpopd beside what people use today\n\n"
            f"{about['processor']}, {about['cores']} cores, "
            f"{about['memory'] / 1e9:.0f} GB of memory, Linux "
            f"{about['kernel']}, {about['file system']}; build type "
            f"{about['build type']}; load before: {about['load before']}."
            f"\n\n{versions}\n\n"
            f"## Asked and seen\n\n{_scale(scale)}\n\n"
            f"{asked.table(document['asked'])}\n"
            "## How it was measured\n\n"
            f"{_MANNER}"]
    for result in document["workloads"]:
        part = f"## {result['title']}\n\n{result['setting']}\n\n"
        part += table(result) if result["figures"] else "Not measured.\n"
        if result["name"] in plotted:
            part += f"\n![{result['title']}]({result['name']}.svg)\n"
        for name, reason in result["failed"].items():
            part += f"\nNot measured: {name}: {reason}\n"
        for note in result["notes"]:
            part += f"\n{note}\n"
        text.append(part)
    return "\n".join(text)


def _scale(scale):
    """How much was measured."""
    if scale["part"] == 1:
        return f"Full sizes, up to {scale['rounds']} runs of each."
    return (f"A quick run: sizes are {scale['part']:g} of what is asked, "
            "each was run once. It says that all of it works, and "
            "nothing of what is asked.")


def write(folder, document):
    """Write results.md, results.json and a plot of each workload.

    document   machine, scale (rounds and part of the full sizes), asked (rows
               of the module of that name) and workloads (their results)
    """
    folder.mkdir(parents=True, exist_ok=True)
    plotted = {result["name"] for result in document["workloads"]
               if plot.plot(result, folder)}
    (folder / "results.json").write_text(
        json.dumps(document, indent=1) + "\n")
    (folder / "results.md").write_text(markdown(document, plotted))
