"""Curves of a readout along a scan axis, paired against the reference arm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.analysis.compare import paired_statistics
from neurosim.analysis.plots.along import Along, places_of
from neurosim.analysis.plots.common import known, point_text
from neurosim.analysis.plots.panels import lines_panel, note
from neurosim.analysis.plots.style import line_colors, log_ticks

__all__ = [
    "against",
    "curve_panel",
    "is_touched",
    "moved",
    "named_of",
    "others_text",
    "own_and_reference",
    "paired_curves",
    "percent_axis",
    "scanned_arm",
]

_MOST_LINES = 8
_WORTH_A_NAME = 0.1


def scanned_arm(results, arm: str | None, dim: str | None = None) -> str:
    """The arm a scan touches, along ``dim`` if any arm is: the first, but the reference only if there is no other."""
    if arm is not None:
        return known("arm", arm, results.arms)
    reference = results.reference[0]
    touched = [name for name in results.arms if results.is_scanned(name)]
    if dim is not None:
        touched = [name for name in touched if is_touched(results, name, dim)] or touched
    others = [name for name in touched if name != reference]
    return (others or touched or list(results.arms))[0]


def is_touched(results, arm: str, dim: str) -> bool:
    """Whether an arm has trials of its own along a dimension."""
    at = dict.fromkeys([name for name in results.axes if name != dim], 0)
    keys = results.keys.sel(arm=arm, subject=results.subjects[0]).isel(at).values
    return np.unique(keys).size > 1


def against(results, arm: str, along: Along) -> str:
    """What curves are relative to: the reference arm at the same point, or, of itself, the first or all points."""
    if arm != results.reference[0]:
        return results.reference[0]
    if not along.is_curve:
        return "the median"
    return results.point_text(tuple(int(along.order[0]) if name == along.dim else 0 for name in results.axes))


def others_text(results, dim: str) -> str:
    """``", dose 0.3 mg/kg"`` for the other scan axes, which are at their first values; empty without any."""
    others = [own for name, axis in results.axes.items() if name != dim for own in axis.members or (axis,)]
    return "".join(f", {point_text(own, 0)}" for own in others)


def own_and_reference(results, values, arm: str, phase: str, along: Along, point=None):
    """Values of an arm along an axis, in the order of its points, and what they are relative to, of the same shape."""
    dim = along.dim
    at = {name: (point or {}).get(name, 0) for name in results.axes if name != dim} | {dim: along.order}
    own = values.isel(at).sel(arm=arm, phase=phase, drop=True)
    if arm != results.reference[0]:
        return own, values.isel(at).sel(arm=results.reference[0], phase=phase, drop=True)
    reference = own.isel({dim: 0}, drop=True) if along.is_curve else own.median(dim)
    return own, reference.broadcast_like(own)


def paired_curves(results, values, row: str, arm: str, phase: str, along: Along, kind: str, point=None):
    """Name → (middle, low, high) along an axis, paired over subjects, in the order of its points.

    Other axes are at their index in ``point``, at their first value by default.
    """
    dim = along.dim
    own, reference = own_and_reference(results, values, arm, phase, along, point)
    if kind == "value":
        middle = own.mean("subject").transpose(row, dim).values
        none = np.full(middle.shape[1], np.nan)
        names = own[row].values.tolist()
        return {n: (m, none, none) for n, m in zip(names, middle, strict=True) if np.isfinite(m).any()}
    statistics = paired_statistics(own, reference.transpose(*own.dims))
    relative = kind == "ratio"
    names = ("ratio", "ratio_low", "ratio_high") if relative else ("difference", "low", "high")
    factor = 100.0 if relative else 1.0
    table = {s: factor * statistics.sel(statistic=s).transpose(row, dim).values for s in names}
    curves = {}
    for k, name in enumerate(values[row].values.tolist()):
        middle = table[names[0]][k]
        if np.isfinite(middle).any():
            curves[name] = (middle, table[names[1]][k], table[names[2]][k])
    return curves


def named_of(curves, kind: str) -> list[str]:
    """The few curves that move most, which get a colour and their name, in their own order."""
    sizes = {name: moved(curve[0], kind) for name, curve in curves.items()}
    named = sorted(curves, key=sizes.__getitem__, reverse=True)[:_MOST_LINES]
    return [name for name in curves if name in named and sizes[name] >= _WORTH_A_NAME * sizes[named[0]]]


def moved(middle: np.ndarray, kind: str) -> float:
    """How far a curve goes: from its own ends, from 100 % as a ratio, or from 0."""
    if kind == "value":
        return float(np.nanmax(middle) - np.nanmin(middle))
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(np.log(middle / 100.0)) if kind == "ratio" else np.abs(middle)
    finite = distance[np.isfinite(distance)]
    return float(finite.max()) if finite.size else 0.0


def curve_panel(
    results, figure_axes, values, row: str, arm: str, phase: str, along: Along, kind="ratio"
) -> dict:
    """Curves of one readout: ``ratio`` to the reference in %, ``difference`` from it, or the ``value`` itself."""
    places = places_of(along)
    relative = kind == "ratio"
    curves = paired_curves(results, values, row, arm, phase, along, kind)
    if not curves:
        note(figure_axes, f"no trial of arm {arm} has this readout")
        return {"axes": figure_axes, "ends": {}, "colors": {}}
    colors = line_colors(named_of(curves, kind))
    lines_panel(figure_axes, places.x, curves, colors, places.scale == "log", relative)
    places.apply(figure_axes)
    if relative:
        percent_axis(figure_axes, [curve[0] for curve in curves.values()])
    figure_axes.set_xlabel(along.label)
    ends = {name: curve[0][np.isfinite(curve[0])][-1] for name, curve in curves.items()}
    return {"axes": figure_axes, "ends": ends, "colors": colors}


def percent_axis(axes, middles: Sequence[np.ndarray]) -> None:
    """A logarithmic y axis that holds per cents of the reference, and 100."""
    all_middles = np.concatenate([*middles, [100.0]])
    positive = all_middles[np.isfinite(all_middles) & (all_middles > 0)]
    low, high = min(positive.min(), 100.0) / 1.3, max(positive.max(), 100.0) * 1.3
    low, high = min(low, 100 / 1.5), max(high, 150.0)
    # limits first: a scale looks for its own, and finds none where all values are equal
    axes.set_ylim(low, high)
    axes.set_yscale("log")
    log_ticks(axes.yaxis, low, high)
