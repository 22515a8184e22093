"""Arms as paired points: a line for each subject, and the mean of the paired difference with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurosim.analysis.compare import paired_statistics
from neurosim.analysis.plots.blocks import transmitter_populations
from neurosim.analysis.plots.common import (
    bound_by_drugs,
    known,
    point_of,
    refuse_without_data,
    spaced,
    subjects_text,
)
from neurosim.analysis.plots.style import MUTED, ResultFigure, Sheet, arm_colors, styled
from neurosim.analysis.readout import readout, selected
from neurosim.errors import ResultSchemaError

__all__ = ["arms_figure"]

#: Of a panel, inches: its height, and what an arm adds to its width.
_HEIGHT, _PER_ARM, _MOST_COLUMNS = 1.6, 0.34, 3
_BOUND = ("occupancy", "carrier_occupancy")
_GAP = 0.72
#: Panels at most, unless more are asked for by name.
_MOST_PANELS = 9


@styled
def arms_figure(
    results,
    variable: str | None = None,
    arms: Sequence[str] | None = None,
    phase: str | None = None,
    point: Mapping[str, object] | None = None,
    **selection,
) -> ResultFigure:
    """A readout of every subject in every arm, and beside it its paired difference from the reference arm.

    Parameters
    ----------
    variable : str
        Of the summary: ``firing_rate``, ``concentration`` (of transmitters; ``drugs/concentration`` of drugs),
        ``activation``, ``balance``, ...; ``occupancy`` and ``carrier_occupancy`` are what all drugs together hold, in %.
        By default ``firing_rate``, or ``activation`` where nothing spikes.
    arms : str or sequence of str, optional
        All by default; the reference is always there.
    phase : str, optional
        The last by default.
    point : mapping, optional
        Scan axis → value; the last by default. An axis can also be named by itself: ``dose=3``.
    **selection
        Dimension → label or list of labels: ``population="DRN_HT"``, ``region=["NAc", "mPFC"], transmitter="DA"``,
        ``site=``, ``receptor=``. A panel for each; without a choice of populations those that release dopamine or
        serotonin.

    Notes
    -----
    Differences are paired within subjects (:func:`neurosim.analysis.compare`): the mean, with its 95 % interval by the t
    distribution; with a single subject there is none. A lone arm has no differences.
    """
    refuse_without_data(results, "arms")
    variable = variable or ("firing_rate" if results.has_spikes else "activation")
    phase = known("phase", phase or results.phases[-1], results.phases)
    reference = results.reference[0]
    asked = [arms] if isinstance(arms, str) else list(arms or results.arms)
    names = [reference, *(known("arm", arm, results.arms) for arm in asked if arm != reference)]
    named = {name: selection.pop(name) for name in list(selection) if name in results.axes}
    point = {**(point or {}), **named}
    values, unit = _values(results, variable, selection)
    index = point_of(results, point, -1)
    values = values.isel(index).sel(phase=phase, arm=names)
    panels = _panels(values)
    if len(panels) > _MOST_PANELS and not selection:
        raise ResultSchemaError(
            f"arms of {results.name}: {variable} has {len(panels)} panels; choose some, e.g. {_example(values)}"
        )
    sheet, cells = _sheet(names, len(panels))
    _head(sheet, results, variable, phase, index, len(names))
    colors = arm_colors(results.arms, reference)
    for (title, own), cell in zip(panels.items(), cells, strict=True):
        _points(cell[0], own, names, colors, unit)
        cell[0].set_title(title)
        for axes in cell[1:]:
            _differences(axes, own, names, colors, unit)
    return sheet.figure


def _sheet(names: Sequence[str], n_panels: int) -> tuple[Sheet, list[list[Axes]]]:
    """A cell for each panel: its points and, of several arms, its differences; arms are named below the lowest."""
    columns = min(math.ceil(math.sqrt(n_panels)), _MOST_COLUMNS)
    each = _PER_ARM * len(names) + 0.25
    others = [max(_PER_ARM * (len(names) - 1), 0.4) + 0.1] * (len(names) > 1)
    tilted = 0.072 * 0.72 * max(len(spaced(name)) for name in names) + 0.27
    rows = [(_HEIGHT, [each, *others] * columns)] * -(-n_panels // columns)
    drawn = 1.05 + columns * (each + sum(others)) + (len(rows[0][1]) - 1) * _GAP
    width = max(drawn, 5.2)
    sheet = Sheet(rows, width, 0.75, 0.3 + width - drawn, 1.05, tilted, _GAP, 0.45)
    n_each = 1 + len(others)
    cells = [row[n_each * k : n_each * (k + 1)] for row in sheet.rows for k in range(columns)]
    for k, cell in enumerate(cells):
        for axes in cell:
            if k >= n_panels:
                axes.remove()
            elif k + columns < n_panels:
                axes.tick_params(labelbottom=False)
    return sheet, cells[:n_panels]


def _values(results, variable: str, selection: Mapping) -> tuple[xr.DataArray, str]:
    """A variable over arm, subject, phase, scan axes and what is left of its own dimensions, and its unit."""
    listed = {name: list(own) if isinstance(own, list | tuple | np.ndarray) else [own] for name, own in selection.items()}
    if variable in _BOUND:
        values = bound_by_drugs(results.summary["receptors"], variable)
        unit = "% held by drugs"
    else:
        values = readout(results, _with_group(results, variable), list(results.arms), list(results.phases)).load()
        unit = _unit(values)
    values = selected(values, listed)
    if "population" in values.dims and "population" not in selection:
        values = values.sel(population=transmitter_populations(values))
    return values, unit


def _with_group(results, variable: str) -> str:
    """A variable with the first group that has one of that name, in the order of the summary's contract."""
    for group in ("rates", "pools", "receptors", "balance"):
        if group in results.summary.children and variable in results.summary[group].data_vars:
            return f"{group}/{variable}"
    return variable


def _unit(values: xr.DataArray) -> str:
    unit = values.attrs.get("units", values.attrs.get("unit", ""))
    return "" if unit in ("1", "") else unit


def _panels(values: xr.DataArray) -> dict[str, xr.DataArray]:
    """A panel for each entry of the dimensions that are left, over arm × subject; entries without a number are left out."""
    rest = [d for d in values.dims if d not in ("arm", "subject")]
    if not rest:
        return {str(values.name): values.transpose("arm", "subject")}
    stacked = values.stack(panel=rest)
    found = {}
    for k, labels in enumerate(stacked.panel.values.tolist()):
        own = stacked.isel(panel=k).transpose("arm", "subject")
        if np.isfinite(own.values).any():
            found[" ".join(str(label) for label in reversed(_tuple(labels)))] = own
    return found


def _tuple(labels) -> tuple:
    return labels if isinstance(labels, tuple) else (labels,)


def _example(values: xr.DataArray) -> str:
    name = next(d for d in values.dims if d not in ("arm", "subject"))
    return f"{name}={values[name].values.tolist()[0]!r}"


def _head(sheet: Sheet, results, variable: str, phase: str, index: Mapping[str, int], n_arms: int) -> None:
    n = len(results.subjects)
    place = tuple(index[name] for name in results.axes)
    words = [subjects_text(results), f"phase {spaced(phase)}"] + ([results.point_text(place)] if place else [])
    words += [f"differences are paired, from {spaced(results.reference[0])}, with 95 % intervals"] * (n > 1 and n_arms > 1)
    title = f"{spaced(results.name)}: {spaced(variable.split('/')[-1])}"
    sheet.text(0.12, 0.1, title, fontsize=11, fontweight="bold")
    sheet.text(0.12, 0.33, ", ".join(words[:2]), fontsize=8.5, color="#555555")
    if words[2:]:
        sheet.text(0.12, 0.5, ", ".join(words[2:]), fontsize=8.5, color="#555555")


def _points(axes: Axes, own: xr.DataArray, names: Sequence[str], colors: Mapping[str, str], unit: str) -> None:
    """Each subject's line through the arms, the arms' means as bars."""
    x = np.arange(len(names))
    axes.plot(x, own.values, color="#b9b9b4", lw=0.8, zorder=1)
    for k, name in enumerate(names):
        level = own.sel(arm=name).values
        axes.plot(np.full(level.size, k), level, "o", color=colors[name], ms=3.6, mew=0, zorder=3)
        if np.isfinite(level).any():
            axes.plot([k - 0.28, k + 0.28], [np.nanmean(level)] * 2, color=colors[name], lw=1.8, zorder=2)
    finite = own.values[np.isfinite(own.values)]
    if (finite >= 0).all():
        axes.set_ylim(bottom=0, top=1.08 * finite.max() if finite.max() > 0 else 1.0)
    _arm_ticks(axes, names)
    axes.set_ylabel(unit or "value (no unit)")


def _differences(axes: Axes, own: xr.DataArray, names: Sequence[str], colors: Mapping[str, str], unit: str) -> None:
    """Each subject's difference from the reference, the mean and its interval."""
    axes.axhline(0.0, color=MUTED, lw=0.8, zorder=-1)
    reference = own.sel(arm=names[0], drop=True)
    for k, name in enumerate(names[1:]):
        level = own.sel(arm=name, drop=True)
        statistics = paired_statistics(level, reference)
        middle, low, high = (float(statistics.sel(statistic=s)) for s in ("difference", "low", "high"))
        each = (level - reference).values
        axes.plot(np.full(each.size, k - 0.15), each, ".", color=colors[name], ms=4, mew=0, alpha=0.6)
        axes.plot([k + 0.12], [middle], "D", color=colors[name], ms=4.6, mew=0, zorder=3)
        if np.isfinite(low):
            axes.plot([k + 0.12] * 2, [low, high], color=colors[name], lw=1.4, zorder=2)
    _arm_ticks(axes, names[1:])
    axes.set_ylabel(f"difference ({unit})" if unit else "difference (no unit)")


def _arm_ticks(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xlim(-0.6, max(len(names), 1) - 0.4)
    axes.set_xticks(range(len(names)), [spaced(n) for n in names], rotation=45, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="x", length=0)
