"""Model against published, a figure for each area."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.lines import Line2D

from neurosim.analysis.plots.style import BAND, INK, MUTED, Sheet, log_ticks, save_figure, styled
from neurosim.validation.report import Score
from neurosim.validation.verdict import SMALLEST_CHANGE

__all__ = ["LINEAR", "MARKS", "MOST", "area_figure", "per_cent_ticks", "save_figure"]

#: Verdict → marker and colour.
MARKS = {"pass": ("o", "#009E73"), "wrong size": ("s", "#E69F00"), "wrong sign": ("X", "#D55E00")}
_ROW, _WIDTH, _LEFT = 0.24, 8.0, 3.9  # inches
MOST = 1000.0  # % or fold: what lies further is drawn at the edge
LINEAR = 100.0  # %: up to here the axis of changes is linear


@styled
def area_figure(area: str, scores: Sequence[Score]):
    """Each row's band (or direction) and the model's number with its interval, rows of one unit together.

    Parameters
    ----------
    area : str
    scores : sequence of Score
        Of rows that could be scored.

    Returns
    -------
    ResultFigure
    """
    units = list(dict.fromkeys(s.unit for s in scores))
    groups = [[s for s in scores if s.unit == unit] for unit in units]
    sheet = Sheet(
        [(_ROW * len(group) + 0.1, (1,)) for group in groups],
        *(_WIDTH, _LEFT, 0.3),
        top=0.95,
        bottom=0.55,
        row_gap=0.62,
    )
    sheet.text(0.12, 0.12, f"{area}: model against published", fontsize=13, fontweight="bold")
    marks = [
        Line2D([], [], marker=marker, color=color, ls="none", ms=6, mew=0, label=verdict)
        for verdict, (marker, color) in MARKS.items()
    ]
    marks.append(Line2D([], [], marker="s", color=BAND, ls="none", ms=8, label="published band or direction"))
    sheet.legend(0.5, marks)
    for (axes,), unit, group in zip(sheet.rows, units, groups, strict=True):
        _panel(axes, unit, group)
    return sheet.figure


def _panel(axes, unit: str, scores: Sequence[Score]) -> None:
    is_log = unit != "%"
    for k, score in enumerate(scores):
        low, high = _band(score, is_log)
        axes.barh(k, high - low, left=low, height=0.62, color=BAND, zorder=1)
        if math.isfinite(score.value) and score.has_band:
            axes.plot([_inside(score.value, is_log)] * 2, [k - 0.31, k + 0.31], color=MUTED, lw=1.4, zorder=2)
        (marker, color), at = MARKS.get(score.verdict, ("o", MUTED)), _inside(score.reading.value, is_log)
        if math.isfinite(score.reading.low):
            ends = [_inside(edge, is_log) for edge in (score.reading.low, score.reading.high)]
            axes.plot(ends, [k, k], color=color, lw=1.2, zorder=3)
        axes.plot([at], [k], marker, color=color, ms=5.5, mew=0, zorder=4)
    if is_log:
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        log_ticks(axes.xaxis, low, high)
    else:
        axes.set_xscale("symlog", linthresh=LINEAR)
        axes.axvline(0, color=INK, lw=0.7)
        per_cent_ticks(axes, "x")
    axes.set_yticks(range(len(scores)), [_label(s) for s in scores])
    axes.set_ylim(len(scores) - 0.4, -0.6)
    axes.set_xlabel({"x": "multiple of basal", "%": "%"}.get(unit, unit))


def per_cent_ticks(axes, side: str) -> None:
    """Round per cents on an axis that is linear around 0 and logarithmic beyond."""
    low, high = getattr(axes, f"get_{side}lim")()
    ticks = [t for t in (-100, -50, 0, 50, 100, 300, 1000) if low <= t <= high]
    getattr(axes, f"set_{side}ticks")(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()


def _band(score: Score, is_log: bool) -> tuple[float, float]:
    """The published band, or the side of no change on which a direction lies."""
    if score.has_band:
        low, high = score.low, score.high
    else:
        low, high = (SMALLEST_CHANGE, LINEAR) if score.direction == 1 else (-LINEAR, -SMALLEST_CHANGE)
    return _inside(low, is_log), _inside(high, is_log)


def _inside(value: float, is_log: bool) -> float:
    return float(np.clip(value, 1e-3 if is_log else -MOST, MOST))


def _label(score: Score, longest: int = 46) -> str:
    words = score.what if len(score.what) <= longest else score.what[: longest - 3].rstrip() + "..."
    return f"{score.id}{'*' * score.core}  {words}"
