"""Tables and figure of docs/accuracy.md from what :mod:`accuracy` measured."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from matplotlib.lines import Line2D

from neurosim.analysis.plots.style import BAND, MUTED, Sheet, log_ticks, save_figure, styled

__all__ = ["FIGURE", "PAGE", "draw", "fill"]

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, FIGURE = DOCS / "accuracy.md", DOCS / "accuracy.png"
#: Error of a cell → name, factor to its unit, unit.
CELLS = {
    "spike_time": ("spike time", 1e3, "ms"),
    "interval": ("mean interval", 1e2, "%"),
    "voltage": ("voltage below threshold", 1e6, "µV"),
    "concentration": ("concentration", 1e2, "%"),
}
#: Option → colour, marker.
OPTIONS = {
    "dt 0.2 ms": ("#E69F00", "s"),
    "dt 0.1 ms": ("#222222", "o"),
    "single precision": ("#009E73", "D"),
    "Brian2": ("#CC79A7", "^"),
}


def fill(page: str, found: dict) -> str:
    """The page with each block between ``<!-- name -->`` and ``<!-- end -->`` anew."""
    blocks = {
        "summary": _summary(found),
        "cells": _cells(found["cells"]),
        "identical": _identical(found["cells"]),
        "options": _options(found),
        "time": _time(found),
        "made": _made(found),
    }
    for name, text in blocks.items():
        pattern = rf"(?s)<!-- {name} -->.*?<!-- end -->"
        if not re.search(pattern, page):
            raise ValueError(f"the page has no place <!-- {name} --> … <!-- end -->")
        page = re.sub(pattern, lambda _, name=name, text=text: f"<!-- {name} -->\n{text}\n<!-- end -->", page)
    return page


def _summary(found: dict) -> str:
    """Statistic by option: how far its mean may be off, the worst of the circuits."""
    circuits = found["circuits"]
    measured = [one["differences"] for one in circuits] + [{"Brian2": found["brian2"]["differences"]}]
    names = {row["statistic"]: row["unit"] for rows in circuits[0]["differences"].values() for row in rows}

    def bound(option: str, name: str) -> str:
        rows = [row for options in measured for row in options.get(option, ()) if row["statistic"] == name]
        return _digits(max(max(abs(row["low"]), abs(row["high"])) for row in rows)) if rows else "–"

    def ratio(name: str) -> str:
        return " to ".join(
            dict.fromkeys(f"{x:.2f}" for x in sorted(one["time_over_default"][name] for one in circuits))
        )

    rows = [[f"{name}, {unit}", *(bound(option, name) for option in OPTIONS)] for name, unit in names.items()]
    times = [
        ratio("dt 0.2 ms"),
        "1",
        f"{ratio('C++ in double')} in double",
        f"{found['brian2']['time_over_default']:.1f}",
    ]
    return _table(["at most off", *OPTIONS], [*rows, ["time of the loop", *times]])


def _identical(found: dict) -> str:
    own_ms, circuit_ms = (1e3 * found[name] for name in ("identical_for_s", "circuit_identical_for_s"))
    words = f"At {found['rate_Hz']:.0f} Hz per cell, spikes of single and double precision fall into the same steps for"
    return f"{words} {own_ms:.0f} ms; in the whole circuit, where every spike moves others, for {circuit_ms:.0f} ms."


def _digits(value: float) -> str:
    """Two digits that count."""
    if value == 0 or not np.isfinite(value):
        return "0" if value == 0 else "–"
    places = max(0, 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{min(places, 6)}f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(found: dict) -> str:
    steps = [f"{one['dt'] * 1e3:g} ms" for one in found["against_finest"]]
    rows = []
    for key, (name, factor, unit) in CELLS.items():
        values = [_digits(factor * one[key]) for one in found["against_finest"]]
        single = _digits(factor * found["against_double"][key])
        rows.append([f"{name}, {unit}", *values, f"{found['order'][key]:.2f}", single])
    return _table(["error (median)", *steps, "order", "single precision at 0.1 ms"], rows)


def _options(found: dict) -> str:
    parts = []
    for one in found["circuits"]:
        words = f"`{one['circuit']}`, {one['cells']} cells, {one['subjects']} subjects of {one['record_s']:g} s, at rest and"
        words += f" under escitalopram; steps against {one['finest_dt_s'] * 1e3:g} ms, single against double precision"
        words += " at 0.1 ms:"
        rows = [row for option, rows in one["differences"].items() for row in _rows(option, rows)]
        parts.append(f"{words}\n\n{_differences(rows)}")
    one = found["brian2"]
    words = f"The benchmark network `{one['model']}` of {one['cells']} cells against Brian2 as it comes, both at 0.1 ms,"
    words += f" {one['blocks']} stretches of {one['block_s']:g} s:"
    parts.append(f"{words}\n\n{_differences(_rows('Brian2', one['differences']))}")
    return "\n\n".join(parts)


def _rows(option: str, rows: list[dict]) -> list[list[str]]:
    return [
        [
            option if k == 0 else "",
            f"{row['statistic']}, {row['unit']}",
            f"{row['shift']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})",
            f"{max(abs(row['low']), abs(row['high'])):.2f}",
            _digits(row["single"]),
            _digits(row["chance"]),
            f"{row['outside']} of {row['n']}",
        ]
        for k, row in enumerate(rows)
    ]


def _differences(rows: list[list[str]]) -> str:
    head = [
        "",
        "statistic",
        "mean shift (95 % interval)",
        "at most",
        "one population",
        "by chance",
        "outside",
    ]
    return _table(head, rows)


def _time(found: dict) -> str:
    names = {one["circuit"]: one["time_over_default"] for one in found["circuits"]}
    options = list(dict.fromkeys(option for times in names.values() for option in times))

    def row(option: str) -> list[str]:
        return [option, *(f"{times[option]:.2f}" if option in times else "–" for times in names.values())]

    rows = [row(option) for option in options]
    return _table(["time of the loop over the default's", *(f"`{name}`" for name in names)], rows)


def _made(found: dict) -> str:
    machine, versions = found["machine"], found["versions"]
    words = f"Taken on {found['date']} with neurosim {versions['neurosim']}, {found['compiler']}, on {machine['cpu']}."
    return f"{words} Brian2 as it comes took {found['brian2']['time_over_default']:.1f} times as long as neurosim."


@styled
def draw(found: dict, path: Path) -> None:
    """Errors of cells over dt; shifts of the statistics of circuits, with what chance leaves."""
    circuits = found["circuits"]
    sheet = Sheet(
        [(2.5, [1.0] * 4), (2.6, [1.0] * (len(circuits) + 1))],
        10.0,
        1.7,
        0.2,
        top=0.95,
        gap=0.62,
        row_gap=0.95,
    )
    sheet.text(0.12, 0.1, "What the step and single precision change", fontsize=13, fontweight="bold")
    handles = [Line2D([], [], color=c, marker=m, ls="", ms=5, label=name) for name, (c, m) in OPTIONS.items()]
    handles.append(
        Line2D([], [], color=BAND, marker="s", ls="", ms=9, label="one population by chance (95 %)")
    )
    sheet.legend(0.42, handles)
    for axes, key in zip(sheet.rows[0], CELLS, strict=True):
        _draw_cells(axes, found["cells"], key)
    panels = {one["circuit"]: one["differences"] for one in circuits}
    panels["against Brian2 as it comes"] = {"Brian2": found["brian2"]["differences"]}
    rows = next(iter(circuits[0]["differences"].values()))
    names = [f"{row['statistic']} ({row['unit']})" for row in rows]
    for k, (title, options) in enumerate(panels.items()):
        axes = sheet.rows[1][k]
        _draw_shifts(axes, options)
        axes.set(title=title, xlabel="mean shift (% or points)", ylim=(len(names) - 0.5, -0.5))
        axes.set_yticks(range(len(names)), [] if k else names)
    save_figure(sheet.figure, path)


def _draw_cells(axes, found: dict, key: str) -> None:
    name, factor, unit = CELLS[key]
    steps = np.array([1e3 * one["dt"] for one in found["against_finest"]])
    error = np.array([factor * one[key] for one in found["against_finest"]])
    axes.plot(steps, error[0] * steps / steps[0], color=MUTED, lw=0.8, ls="--")
    axes.plot(steps, error, color="#222222", lw=1.0)
    for x, y in zip(steps, error, strict=True):
        color, marker = OPTIONS.get(f"dt {x:g} ms", (MUTED, "o"))
        axes.plot(x, y, color=color, marker=marker, ms=5)
    single = factor * found["against_double"][key]
    axes.plot(0.1, single, color=OPTIONS["single precision"][0], marker="D", ms=5)
    axes.set(xscale="log", yscale="log", title=name, xlabel="dt (ms)", ylabel=f"error ({unit})")
    log_ticks(axes.yaxis, *axes.get_ylim())
    axes.set_xticks(steps, [f"{x:g}" for x in steps])
    axes.minorticks_off()
    x, y = steps[-2], error[0] * steps[-2] / steps[0]
    axes.annotate(
        "dashed: in\nproportion to dt", (x, y), (2, -26), textcoords="offset points", fontsize=7, color=MUTED
    )


def _draw_shifts(axes, options: dict) -> None:
    for k in range(min(len(rows) for rows in options.values())):
        band = 1.96 * max(rows[k]["chance"] for rows in options.values())
        axes.fill_betweenx([k - 0.4, k + 0.4], -band, band, color=BAND, lw=0)
    for j, (option, rows) in enumerate(options.items()):
        color, marker = OPTIONS[option]
        y = np.arange(len(rows)) + 0.22 * (j - (len(options) - 1) / 2)
        axes.hlines(y, [row["low"] for row in rows], [row["high"] for row in rows], color=color, lw=1.2)
        axes.plot([row["shift"] for row in rows], y, color=color, marker=marker, ms=4, ls="")
    axes.axvline(0, color=MUTED, lw=0.6)
