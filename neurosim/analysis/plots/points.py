"""Figures of axes that go together in no common order: every point of the scan a mark, over each of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.lines import Line2D

from neurosim.analysis.plots.along import Along, along, places_of, scattered
from neurosim.analysis.plots.common import BALANCE_LABEL, spaced, subjects_text
from neurosim.analysis.plots.curves import against, others_text, paired_curves, percent_axis, scanned_arm
from neurosim.analysis.plots.panels import MARKERS, note
from neurosim.analysis.plots.still import still_panels
from neurosim.analysis.plots.style import (
    INK,
    MUTED,
    ResultFigure,
    Sheet,
    label_space,
    line_colors,
    transmitter_color,
)

__all__ = ["cloud_panel", "points_overview"]

#: Points that are drawn, at most; axes side by side, and names in a panel.
_MOST_DRAWN, _MOST_COLUMNS, _MOST_NAMES = 2000, 4, 6
#: Part of the points that may lie farther out than what says how far a name moves.
_FARTHER = 0.05
#: A name that moves less than this part of the one that moves most is left out.
_WORTH_A_NAME = 0.1
#: Per cent of the reference below which a readout is drawn as that.
_LOWEST = 3.0
#: Of a panel, inches.
_WIDTH, _HEIGHT, _LEFT, _GAP, _TOP = 2.5, 1.75, 0.75, 0.25, 0.95


@dataclass(frozen=True)
class _Readout:
    """What a row of panels shows: a summary variable, its names along ``row``, and how it is compared."""

    title: str
    values: object
    row: str
    kind: str
    label: str
    color: str = INK


@dataclass(frozen=True)
class _Cloud:
    """What is drawn of a readout: name → a number per point, for the names that move most."""

    series: dict[str, np.ndarray]
    kind: str
    n_low: int

    @classmethod
    def of(cls, results, values, row: str, arm: str, phase: str, axis: Along, kind: str) -> _Cloud:
        curves = paired_curves(results, values, row, arm, phase, axis, kind)
        middles = {name: curve[0] for name, curve in curves.items()}
        moved = {name: _moved(middle, kind) for name, middle in middles.items()}
        most = sorted(moved, key=moved.__getitem__, reverse=True)[:_MOST_NAMES]
        named = [name for name in most if moved[name] >= _WORTH_A_NAME * moved[most[0]]]
        series = {name: middle for name, middle in middles.items() if name in named}
        if kind != "ratio":
            return cls(series, kind, 0)
        n_low = sum(int((middle < _LOWEST).sum()) for middle in series.values())
        return cls({name: np.maximum(middle, _LOWEST) for name, middle in series.items()}, kind, n_low)

    @property
    def top(self) -> float:
        """Upper end of an axis from 0, for per cents: 100, or less where all is far below."""
        highest = max(float(np.nanmax(middle)) for middle in self.series.values())
        return 100.0 if highest > 50.0 or highest <= 0.0 else 1.15 * highest

    @property
    def handles(self) -> list[Line2D]:
        colors = line_colors(list(self.series))
        return [
            Line2D([], [], color=colors[name], marker=MARKERS[k], ls="none", ms=5, mew=0, label=name)
            for k, name in enumerate(self.series)
        ]


def _moved(middle: np.ndarray, kind: str) -> float:
    """How far a readout goes over the points, but for the few that go farthest."""
    finite = middle[np.isfinite(middle)]
    if not finite.size:
        return 0.0
    if kind == "value":
        return float(np.diff(np.quantile(finite, [_FARTHER / 2, 1 - _FARTHER / 2]))[0])
    distance = np.log(np.maximum(finite, _LOWEST) / 100.0) if kind == "ratio" else finite
    return float(np.quantile(np.abs(distance), 1 - _FARTHER))


def points_overview(results) -> ResultFigure:
    """A column of panels per axis that goes along ``point``, a row per kind of readout."""
    dim = scattered(results)
    axes_of = [along(results, member.name) for member in results.axes[dim].members]
    shown, phase = axes_of[:_MOST_COLUMNS], results.phases[-1]
    arm = scanned_arm(results, None, dim)
    readouts = (_spiking if results.has_spikes else _still)(results, against(results, arm, shown[0]))
    clouds = [_Cloud.of(results, r.values, r.row, arm, phase, shown[0], r.kind) for r in readouts]
    right = label_space([name for cloud in clouds for name in cloud.series]) + 0.2
    lean = max(places_of(axis).lean for axis in shown)
    gap = _GAP + lean
    sheet = Sheet(
        [(_HEIGHT, [1.0] * len(shown))] * len(readouts),
        width=_LEFT + len(shown) * (_WIDTH + gap) - gap + right,
        left=_LEFT,
        right=right,
        top=_TOP,
        bottom=0.5 + lean,
        gap=gap,
        row_gap=0.8 + lean,
    )
    for panels, readout, cloud in zip(sheet.rows, readouts, clouds, strict=True):
        _draw_row(panels, readout, cloud, shown)
    _head(sheet, results, arm, phase, dim, [one.axis.name for one in axes_of[_MOST_COLUMNS:]])
    return sheet.figure


def _spiking(results, reference: str) -> list[_Readout]:
    summary, percent = results.summary, f"% of {spaced(reference)}"
    levels = summary["pools"]["concentration"].load()
    rates, balance = summary["rates"]["firing_rate"].load(), summary["balance"]["balance"].load()
    return [
        _Readout("Firing rates", rates, "population", "ratio", percent),
        *(
            _Readout(f"[{t}]", levels.sel(transmitter=t), "region", "ratio", percent, transmitter_color(t))
            for t in levels.transmitter.values.tolist()
        ),
        _Readout("Shift of the balance", balance, "region", "difference", BALANCE_LABEL.replace(" (", "\n(")),
    ]


def _still(results, reference: str) -> list[_Readout]:
    receptors, active, carriers = still_panels(results)
    return [
        _Readout(title, values, row, "value", label)
        for title, values, row, label in (receptors, carriers, active)
    ]


def _draw_row(panels, readout: _Readout, cloud: _Cloud, shown: Sequence[Along]) -> None:
    """One readout over every axis: one range, one legend."""
    for k, (axes, axis) in enumerate(zip(panels, shown, strict=True)):
        _draw(axes, cloud, axis)
        axes.tick_params(labelleft=k == 0)
    panels[0].set_title(readout.title + _low_words(cloud), color=readout.color)
    panels[0].set_ylabel(readout.label)
    if cloud.series:
        _legend(panels[-1], cloud)


def _low_words(cloud: _Cloud) -> str:
    return f" (lowest marks: below {_LOWEST:g} %)" if cloud.n_low else ""


def _legend(axes, cloud: _Cloud) -> None:
    axes.legend(
        handles=cloud.handles,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        handletextpad=0.1,
        borderaxespad=0.3,
    )


def cloud_panel(results, axes, values, row: str, arm: str, phase: str, axis: Along, kind: str) -> None:
    """One readout over one axis, with its legend; the title says how many points are drawn, if not all."""
    cloud = _Cloud.of(results, values, row, arm, phase, axis, kind)
    _draw(axes, cloud, axis)
    n = len(axis.order)
    some = f" ({_MOST_DRAWN} of {_count(n)} points)" if n > _MOST_DRAWN else ""
    axes.set_title(axes.get_title(loc="left") + some + _low_words(cloud))
    if cloud.series:
        _legend(axes, cloud)


def _draw(axes, cloud: _Cloud, axis: Along) -> None:
    """Marks without lines."""
    if not cloud.series:
        return note(axes, "no trial has this readout")
    places, colors = places_of(axis), line_colors(list(cloud.series))
    drawn = _drawn(len(axis.order))
    for k, (name, middle) in enumerate(cloud.series.items()):
        axes.scatter(
            places.x[drawn],
            middle[drawn],
            s=_area(drawn.size),
            color=colors[name],
            marker=MARKERS[k],
            linewidths=0,
            alpha=0.75 if drawn.size <= 200 else 0.45,
            rasterized=True,
            clip_on=False,
            zorder=2,
        )
    places.apply(axes)
    axes.axhline(100.0 if cloud.kind == "ratio" else 0.0, color=MUTED, lw=0.8, zorder=-1)
    if cloud.kind == "ratio":
        percent_axis(axes, [middle[drawn] for middle in cloud.series.values()])
    elif cloud.kind == "value":
        axes.set_ylim(0.0, cloud.top)
    axes.set_xlabel(axis.label)
    return None


def _drawn(n: int) -> np.ndarray:
    """Indices of the points that are drawn, evenly spaced."""
    return np.linspace(0, n - 1, min(n, _MOST_DRAWN)).round().astype(int)


def _area(n: int) -> float:
    """Of a mark, square points: the more points, the smaller."""
    return float(np.clip(1600.0 / n, 3.0, 16.0))


def _count(n: int) -> str:
    """``10 000``"""
    return f"{n:,}".replace(",", " ") if n >= 10_000 else str(n)


def _head(sheet: Sheet, results, arm: str, phase: str, dim: str, left_out: Sequence[str]) -> None:
    n_points, reference = len(results.axes[dim].values), results.reference[0]
    of = f"mean of {subjects_text(results)}" if len(results.subjects) > 1 else "1 subject"
    compared = (
        f" against {spaced(reference)} at the same point" if results.has_spikes and arm != reference else ""
    )
    points = (
        f"{_count(n_points)} points"
        if n_points <= _MOST_DRAWN
        else f"{_MOST_DRAWN} of {_count(n_points)} points"
    )
    axes = "axis" if len(left_out) == 1 else "axes"
    more = f", {len(left_out)} more {axes} not shown: {', '.join(left_out)}" if left_out else ""
    sheet.text(0.12, 0.1, spaced(results.name), fontsize=13, fontweight="bold")
    style = {"fontsize": 8.5, "color": "#555555"}
    sheet.text(0.12, 0.36, f"arm {spaced(arm)}{compared}, {of}, phase {phase}", **style)
    sheet.text(0.12, 0.53, points + others_text(results, dim) + more, **style)
