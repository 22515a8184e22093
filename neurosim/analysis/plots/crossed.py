"""The figure that ends a run over two crossed axes: their plane, or curves where one axis has few values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.lines import Line2D

from neurosim.analysis.plots.along import Along, along, places_of
from neurosim.analysis.plots.blocks import (
    Block,
    Panels,
    block_sheet,
    label_outside,
    regions_with_balance,
    transmitter_populations,
)
from neurosim.analysis.plots.common import BALANCE_LABEL, point_text, spaced, subjects_text
from neurosim.analysis.plots.curves import paired_curves
from neurosim.analysis.plots.panels import MARKERS, lines_panel
from neurosim.analysis.plots.plane import crossed_arms, plane_handles, plane_sheet
from neurosim.analysis.plots.style import ResultFigure, Sheet, line_colors, log_ticks

__all__ = ["crossed_overview", "is_crossed"]

#: Values that an axis needs so that a surface can be seen along it.
_FEWEST_ON_A_SURFACE = 4
#: Per cent of the reference below which a rate is drawn as that.
_LOWEST = 3.0
_TOP = 1.0


def is_crossed(results) -> bool:
    """Whether some arm that is not its own reference has a whole plane of trials."""
    arms = _crossed(results)
    return bool(arms and regions_with_balance(results, arms[0], results.phases[-1]))


def _crossed(results) -> list[str]:
    return [arm for arm in crossed_arms(results) if arm != results.reference[0]]


def crossed_overview(results) -> ResultFigure:
    """Balance by region and rates of the cells that release dopamine and serotonin, over both axes."""
    arm, phase = _crossed(results)[0], results.phases[-1]
    if min(results.scan_shape) >= _FEWEST_ON_A_SURFACE:
        sheet, handles = plane_sheet(results, arm, phase, top=_TOP), plane_handles(results)
        words = "mean of"
    else:
        sheet, handles = _family_sheet(results, arm, phase)
        words = "95 % intervals of"
    left_out = len(_crossed(results)) - 1
    of = f"{words} {subjects_text(results)}" if len(results.subjects) > 1 else "1 subject"
    what = f"{spaced(arm)} against {spaced(results.reference[0])}, {of}, phase {phase}"
    _head(sheet, results, what + f", {left_out} more arms in summary.h5" * bool(left_out), handles)
    return sheet.figure


def _head(sheet: Sheet, results, what: str, handles) -> None:
    sheet.text(0.12, 0.1, spaced(results.name), fontsize=13, fontweight="bold")
    sheet.text(0.12, 0.36, what, fontsize=8.5, color="#555555")
    sheet.legend(0.54, handles)


@dataclass(frozen=True)
class _Readout:
    """What a block of panels shows: a variable of a group of the summary, a panel per name on ``row``."""

    group: str
    variable: str
    row: str
    kind: str
    label: str
    names: list[str]


def _readouts(results, arm: str, phase: str) -> list[_Readout]:
    against, log2 = spaced(results.reference[0]), BALANCE_LABEL.replace(" (", "\n(")
    regions = regions_with_balance(results, arm, phase)
    populations = transmitter_populations(results.summary["rates"])
    found = [
        _Readout("balance", "balance", "region", "difference", log2, regions),
        _Readout(
            "rates", "firing_rate", "population", "ratio", f"firing rate\n(% of {against})", populations
        ),
    ]
    return [readout for readout in found if readout.names]


def _family_sheet(results, arm: str, phase: str) -> tuple[Sheet, list[Line2D]]:
    """Curves along the longer axis, one for each value of the shorter."""
    longer, across = sorted(results.axes, key=lambda name: -len(results.axes[name].values))
    axis = along(results, longer)
    points = {point_text(results.axes[across], k): {across: k} for k in range(min(results.scan_shape))}
    colors = line_colors(list(points))
    readouts = _readouts(results, arm, phase)
    sheet, panels = block_sheet([Block(readout.names) for readout in readouts], _TOP, left=1.0, right=0.3)
    for drawn, readout in zip(panels, readouts, strict=True):
        drawn.bar.remove()
        values = results.summary[readout.group][readout.variable].load()
        families = {
            name: paired_curves(results, values, readout.row, arm, phase, axis, readout.kind, point)
            for name, point in points.items()
        }
        _draw_families(drawn, families, colors, axis, readout.kind)
        label_outside(drawn, axis.label, readout.label)
    return sheet, [_handle(name, color, k) for k, (name, color) in enumerate(colors.items())]


def _handle(name: str, color: str, k: int) -> Line2D:
    return Line2D([], [], color=color, marker=MARKERS[k % len(MARKERS)], ms=5, mew=0, ls="none", label=name)


def _draw_families(drawn: Panels, families, colors, along: Along, kind: str) -> None:
    """A panel per name of the block, a curve per value of the shorter axis, one range for all."""
    places = places_of(along)
    low, high = _range(families, kind)
    for axes, title in zip(drawn.axes, drawn.names, strict=True):
        lines = {name: curves[title] for name, curves in families.items() if title in curves}
        if kind == "ratio":
            lines = {
                name: tuple(np.maximum(part, _LOWEST) for part in curve) for name, curve in lines.items()
            }
        lines_panel(axes, places.x, lines, colors, places.scale == "log", relative=kind == "ratio")
        axes.set_title(title)
        axes.set_ylim(low, high)
        if kind == "ratio":
            axes.set_yscale("log")
            log_ticks(axes.yaxis, low, high)
        places.apply(axes)


def _range(families, kind: str) -> tuple[float, float]:
    """Limits that hold none and the means of all curves, and intervals up to a third as far again."""
    curves = [curve for lines in families.values() for curve in lines.values()]
    parts = [np.array([curve[k] for curve in curves]).ravel() for k in range(3)]
    if kind == "ratio":
        low, high = _reach(*(np.log(np.maximum(part, _LOWEST) / 100.0) for part in parts), least=0.25)
        return 100.0 * np.exp(low), 100.0 * np.exp(high)
    return _reach(*parts, least=0.1)


def _reach(middle: np.ndarray, low: np.ndarray, high: np.ndarray, least: float) -> tuple[float, float]:
    seen = np.append(middle[np.isfinite(middle)], 0.0)
    room = max(np.ptp(seen) / 3.0, least)
    ends = np.concatenate([seen, low[np.isfinite(low)], high[np.isfinite(high)]])
    ends = np.clip(ends, seen.min() - room, seen.max() + room)
    return min(ends.min(), -least) - 0.2 * room, max(ends.max(), least) + 0.2 * room
