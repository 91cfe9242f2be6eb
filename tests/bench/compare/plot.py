"""Bars of a workload's main metric, as SVG, by gnuplot."""

import shutil
import subprocess

import limits
import measure
import rivals

SCALES = {"s": 1, "ms": 1000, "MB": 1e-6, "count": 1}

# Bars that differ by more than this factor are drawn on a logarithmic scale.
APART = 20

# Bars of evpopd's, of its rivals', and limits.
_OURS, _THEIRS, _LIMIT = "#2166ac", "#b2632d", "#999999"

_SCRIPT = """\
set terminal svg size 800,{height} font "sans-serif,13" background "#ffffff"
set output "{output}"
set title "{title}"
set xlabel "{label}"
set xrange [{least}:{most}]
set yrange [{lowest}:0.6]
set border 3
set tics nomirror out
set grid xtics lc rgb "#dddddd"
set lmargin {margin}
set rmargin 4
set style fill solid
unset key
{scale}
$bars << END
{data}
END
set ytics ({ticks})
plot $bars using 1:2:({least}):1:($2-0.35):($2+0.35):3 with boxxyerror \\
lc rgb variable, "" using 1:2:4:5 with xerrorbars pt 0 lc rgb "#333333", \\
"" using 5:2:6 with labels left offset 1,0
"""


def number(value, unit):
    """A figure in that unit, for people."""
    if value is None:
        return ""
    value *= SCALES[unit]
    if unit == "count":
        return f"{value:,.1f}".removesuffix(".0")
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def heading(label, unit):
    """What a column or an axis says."""
    return label if unit == "count" else f"{label}, {unit}"


def _quoted(text):
    return text.replace("\\", "").replace('"', "'")


def _colour(name):
    if limits.is_limit(name):
        return _LIMIT
    return (_THEIRS if name in rivals.ALL and name not in rivals.EVPOPDS
            else _OURS)


def _range(bars):
    """(least, most, scale): what the axis shows, with room for a label."""
    most = max(high for *_, high in bars)
    positive = [middle for _, middle, *_ in bars if middle > 0]
    if positive and most / min(positive) > APART:
        least = min(low for _, _, low, _ in bars if low > 0) / 2
        return least, most * (most / least) ** 0.15, "set logscale x"
    return 0, most * 1.15 or 1, ""


def _bars(result, scale):
    """(name, median, least, most) of each contestant that has the metric."""
    main = result["main"]
    for name, runs in result["figures"].items():
        values = [run[main] * scale for run in runs if main in run]
        if values:
            yield (name, measure.median(runs, main) * scale, min(values),
                   max(values))


def _script(result, bars, label, unit, output):
    least, most, scale = _range(bars)
    data = "\n".join(
        f"{middle} {-row} {int(_colour(name)[1:], 16)} {low} {high} "
        f"{number(middle / SCALES[unit], unit)}"
        for row, (name, middle, low, high) in enumerate(bars))
    return _SCRIPT.format(
        height=120 + 34 * len(bars), output=output, data=data, least=least,
        most=most, scale=scale, lowest=0.4 - len(bars),
        title=_quoted(result["title"]), label=heading(label, unit) + (
            " (logarithmic)" if scale else ""),
        margin=3 + round(0.85 * max(len(name) for name, *_ in bars)),
        ticks=", ".join(f'"{_quoted(name)}" {-row}'
                        for row, (name, *_) in enumerate(bars)))


def plot(result, folder):
    """Draw a workload's main metric; whether that was possible."""
    label, unit = next((label, unit) for key, label, unit in result["metrics"]
                       if key == result["main"])
    bars = list(_bars(result, SCALES[unit]))
    if shutil.which("gnuplot") is None or not bars:
        return False
    script = _script(result, bars, label, unit,
                     folder / f"{result['name']}.svg")
    done = subprocess.run(["gnuplot", "-"], input=script, text=True,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        print(f"gnuplot: {done.stderr.strip()}")
    return done.returncode == 0
