"""The results for people (Markdown, SVG) and for programs (JSON)."""

import json
import os
import pathlib
import platform
import shutil
import sqlite3
import ssl
import subprocess
import tempfile

from harness import daemon

import measure
import rivals

_SCALES = {"s": 1, "ms": 1000, "MB": 1e-6, "count": 1}

# Bars of evpopd's, of its rivals', and limits.
_COLOURS = ("#2166ac", "#b2632d", "#999999")

_PLOT = """\
set terminal svg size 800,{height} font "sans-serif,13" background "#ffffff"
set output "{output}"
set title "{title}"
set xlabel "{label}"
set xrange [0:{most}]
set yrange [{lowest}:0.6]
set border 3
set tics nomirror out
set grid xtics lc rgb "#dddddd"
set lmargin 38
set style fill solid
unset key
set ytics ({ticks})
plot "{data}" using 1:2:(0):1:($2-0.35):($2+0.35):3 with boxxyerror \\
lc rgb variable, "" using 1:2:4:5 with xerrorbars pt 0 lc rgb "#333333", \\
"" using 5:2:6 with labels left offset 1,0
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
                if kind.available() and kind is not rivals.EvpopdManySessions}
    versions["Dovecot"] = rivals.said_version("/usr/sbin/dovecot", "--version")
    versions["OpenSSL"] = ssl.OPENSSL_VERSION
    versions["SQLite"] = sqlite3.sqlite_version
    return {"processor": _processor(), "cores": os.cpu_count(),
            "memory": _memory(), "kernel": platform.release(),
            "file system": _file_system(),
            "load before": round(os.getloadavg()[0], 1),
            "build type": daemon.cache_value("CMAKE_BUILD_TYPE"),
            "versions": versions}


def _number(value, unit):
    if value is None:
        return ""
    value *= _SCALES[unit]
    if unit == "count":
        return f"{value:,.1f}".removesuffix(".0")
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _heading(label, unit):
    return label if unit == "count" else f"{label}, {unit}"


def _limit(name):
    return name.startswith("limit:")


def table(result):
    """The rows of one workload: medians, and the main one beside evpopd's."""
    metrics, main = result["metrics"], result["main"]
    figures = result["figures"]
    ours = (measure.median(figures[rivals.EVPOPD], main)
            if rivals.EVPOPD in figures else None)
    heads = ["", *(_heading(label, unit) for _, label, unit in metrics)]
    unit, = (unit for key, _, unit in metrics if key == main)
    heads += ["range", "runs"]
    if ours:
        heads.insert(-2, "to evpopd's")
    rows = [heads, ["---", *["--:"] * (len(heads) - 1)]]
    for name, runs in figures.items():
        value = measure.median(runs, main)
        row = [name, *(_number(measure.median(runs, key), unit_of)
                       for key, _, unit_of in metrics)]
        if ours:
            row.append(f"{value / ours:.2f}")
        values = [run[main] for run in runs]
        row += [f"{_number(min(values), unit)} to "
                f"{_number(max(values), unit)}", str(len(runs))]
        rows.append(row)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def markdown(about, results, plotted):
    """All results as one page."""
    versions = "\n".join(f"- {name}: {version}" for name, version
                         in about["versions"].items())
    text = [f"# evpopd beside what people use today\n\n"
            f"{about['processor']}, {about['cores']} cores, "
            f"{about['memory'] / 1e9:.0f} GB of memory, Linux "
            f"{about['kernel']}, {about['file system']}; build type "
            f"{about['build type']}; load before: {about['load before']}."
            f"\n\n{versions}\n\n"
            "Medians of runs that took turns on the same server, each into an "
            "empty folder, each with its own default of syncing to the disk; "
            "each was seen to have stored every message. Only ratios of one "
            "run mean something.\n"]
    for result in results:
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


def _quoted(text):
    return text.replace("\\", "").replace('"', "'")


def plot(result, folder):
    """Draw the main metric of a workload; whether that was possible."""
    figures = result["figures"]
    if shutil.which("gnuplot") is None or not figures:
        return False
    label, unit = next((label, unit) for key, label, unit in result["metrics"]
                       if key == result["main"])
    scale = _SCALES[unit]
    lines, ticks, most = [], [], 0
    for row, (name, runs) in enumerate(figures.items()):
        values = [run[result["main"]] * scale for run in runs]
        middle = measure.median(runs, result["main"]) * scale
        most = max(most, *values)
        colour = _COLOURS[2 if _limit(name) else
                          0 if name.startswith("evpopd") else 1]
        lines.append(f"{middle} {-row} {int(colour[1:], 16)} {min(values)} "
                     f"{max(values)} {_number(middle / scale, unit)}")
        ticks.append(f'"{_quoted(name)}" {-row}')
    with tempfile.TemporaryDirectory() as scratch:
        data = pathlib.Path(scratch) / "data"
        data.write_text("\n".join(lines) + "\n")
        script = _PLOT.format(
            height=120 + 34 * len(lines), output=folder / f"{result['name']}.svg",
            title=_quoted(result["title"]), label=_heading(label, unit),
            most=most * 1.15 or 1, lowest=0.4 - len(lines),
            ticks=", ".join(ticks), data=data)
        done = subprocess.run(["gnuplot", "-"], input=script, text=True,
                              stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        print(f"gnuplot: {done.stderr.strip()}")
    return done.returncode == 0


def write(folder, about, results):
    """Write results.md, results.json and a plot of each workload."""
    folder.mkdir(parents=True, exist_ok=True)
    plotted = {result["name"] for result in results if plot(result, folder)}
    (folder / "results.json").write_text(
        json.dumps({"machine": about, "workloads": results}, indent=1) + "\n")
    (folder / "results.md").write_text(markdown(about, results, plotted))
