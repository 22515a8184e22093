"""Figures of scans: dose-response curves."""

from __future__ import annotations

import numpy as np

from neurosim.analysis.compare import paired_statistics
from neurosim.analysis.plots.common import (
    BALANCE_LABEL,
    axis_label,
    axis_scale,
    bound_by_drugs,
    conditions_of,
    first_trial,
    head,
    known,
    point_text,
    row_height,
    spaced,
)
from neurosim.analysis.plots.panels import Condition, label_lines, lines_panel, note, raster_panel
from neurosim.analysis.plots.style import (
    ResultFigure,
    Sheet,
    label_space,
    line_colors,
    log_ticks,
    number,
    styled,
    transmitter_color,
)
from neurosim.errors import ResultSchemaError

__all__ = ["axis_positions", "curve_panel", "dose_response_figure", "paired_curves", "scan_overview", "scanned_arm"]

_MOST_LINES = 8
_WORTH_A_NAME = 0.1
#: Readouts with a dimension of drugs, and what their lines are.
_BOUND = {"occupancy": "site", "carrier_occupancy": "carrier"}


def scan_overview(results) -> ResultFigure:
    phase, axis = results.phases[-1], next(iter(results.axes))
    arm = scanned_arm(results, None)
    summary = results.summary
    rates, levels = summary["rates"]["firing_rate"].load(), summary["pools"]["concentration"].load()
    transmitters = levels.transmitter.values.tolist()
    populations = rates.population.values.tolist()
    sheet = Sheet(
        [(3.6, [1.0] * (1 + len(transmitters))), (row_height(1) * len(populations), [1.0] * 3)],
        width=14,
        left=label_space(populations),
        right=label_space(populations),
        top=0.85,
        gap=1.3,
    )
    panels = sheet.rows[0]
    drawn = [curve_panel(results, panels[0], rates, "population", arm, phase, axis)]
    panels[0].set_title("Firing rates (grey: all others)")
    for axes, transmitter in zip(panels[1:], transmitters, strict=True):
        drawn.append(
            curve_panel(results, axes, levels.sel(transmitter=transmitter), "region", arm, phase, axis)
        )
        axes.set_title(f"[{transmitter}]", color=transmitter_color(transmitter))
    for axes in panels:
        axes.set_ylabel(f"% of {_against(results, arm)}")
    drawn.append(_scan_bottom(results, sheet.rows[1], arm, phase, axis))
    for panel in drawn:
        label_lines(panel["axes"], panel["ends"], panel["colors"])
    conditions = conditions_of(results, arms=[arm]) if arm != results.reference[0] else []
    others = "".join(f", {point_text(other, 0)}" for name, other in results.axes.items() if name != axis)
    head(sheet, results, phase + others, conditions, [])
    return sheet.figure


def _scan_bottom(results, panels, arm: str, phase: str, axis: str) -> dict:
    first = dict.fromkeys(results.axes, 0)
    last, reference = first | {axis: len(results.axes[axis].values) - 1}, results.reference[0]
    shown = [(reference, first if arm == reference else last), (arm, last)]
    for k, ((name, point), axes) in enumerate(zip(shown, panels, strict=False)):
        trial = first_trial(results, Condition(name, name, phase, point, "", k))
        at = f", {results.point_text(tuple(point.values()))}" if results.is_scanned(name) else ""
        axes.set_title(f"Spikes: {spaced(name)}{at}")
        if trial is None:
            note(axes, f"no trial of {name} has data")
        else:
            raster_panel(axes, trial, phase, labels=k == 0, seconds=10.0)
    drawn = curve_panel(
        results,
        panels[2],
        results.summary["balance"]["balance"].load(),
        "region",
        arm,
        phase,
        axis,
        kind="difference",
    )
    panels[2].set_title("Shift of the balance")
    panels[2].set_ylabel(BALANCE_LABEL)
    return drawn


@styled
def dose_response_figure(
    results,
    variable: str = "firing_rate",
    arm: str | None = None,
    axis: str | None = None,
    phase: str | None = None,
    transmitter: str | None = None,
) -> ResultFigure:
    """How a readout follows a scan axis, paired against the reference arm, with 95 % bands.

    Parameters
    ----------
    variable : str
        ``firing_rate``, ``firing_rate_active``, ``concentration``, ``activation``, ``balance``; ``occupancy`` and
        ``carrier_occupancy`` are what all drugs together hold.
    arm : str, optional
        The scanned arm by default.
    axis : str, optional
        The first by default; other axes are at their first value.
    transmitter : str, optional
        For pools; each in its own panel by default.
    """
    if not results.axes:
        raise ResultSchemaError(f"{results.name} has no scan, so it has no dose-response curve")
    phase = known("phase", phase or results.phases[-1], results.phases)
    axis = known("scan axis", axis or next(iter(results.axes)), list(results.axes))
    arm = scanned_arm(results, arm)
    panels_of = _readout(results, variable, transmitter)
    names = [name for _, values, row in panels_of for name in values[row].values.tolist()]
    space = label_space(names) + 0.2
    sheet = Sheet(
        [(3.6, [1.0] * len(panels_of))],
        width=4.6 * len(panels_of) + space + 0.3,
        left=0.7,
        right=space,
        top=0.4,
        gap=space + 0.6,
    )
    panels = sheet.rows[0]
    kind, label = _kind(results, variable, arm)
    drawn = []
    for axes, (title, values, row) in zip(panels, panels_of, strict=True):
        drawn.append(curve_panel(results, axes, values, row, arm, phase, axis, kind))
        axes.set_title(title)
        axes.set_ylabel(label)
    for panel in drawn:
        label_lines(panel["axes"], panel["ends"], panel["colors"])
    return sheet.figure


def _kind(results, variable: str, arm: str) -> tuple[str, str]:
    """How a readout is drawn, and the label of its axis."""
    if variable.startswith("balance"):
        return "difference", BALANCE_LABEL
    if variable in _BOUND:
        return "value", "% bound by drugs"
    return "ratio", f"% of {_against(results, arm)}"


def _readout(results, variable: str, transmitter: str | None):
    """Panels of a readout: title, values and the dimension whose entries are the lines."""
    readouts = {}
    for group, row in (
        ("rates", "population"),
        ("pools", "region"),
        ("receptors", "site"),
        ("balance", "region"),
    ):
        if group in results.summary.children:
            for name, values in results.summary[group].to_dataset().data_vars.items():
                if row in values.dims and "ligand" not in values.dims:
                    readouts[name] = (values, row)
    readouts |= {name: (None, row) for name, row in _BOUND.items()}
    values, row = readouts[known("variable", variable, list(readouts))]
    values = bound_by_drugs(results.summary["receptors"], variable) if variable in _BOUND else values.load()
    title = variable.replace("_", " ")
    if "transmitter" not in values.dims:
        return [(title, values, row)]
    names = values.transmitter.values.tolist()
    chosen = [known("transmitter", transmitter, names)] if transmitter else names
    return [(f"{title} of {t}", values.sel(transmitter=t), row) for t in chosen]


def scanned_arm(results, arm: str | None) -> str:
    """The arm a scan touches: the first, but the reference only if there is no other."""
    if arm is not None:
        return known("arm", arm, results.arms)
    reference = results.reference[0]
    touched = [name for name in results.arms if results.is_scanned(name)]
    others = [name for name in touched if name != reference]
    return (others or touched or list(results.arms))[0]


def _against(results, arm: str) -> str:
    """What curves are relative to: the reference arm at the same point, or, of itself, the first point."""
    if arm != results.reference[0]:
        return results.reference[0]
    return results.point_text((0,) * len(results.axes))


def paired_curves(results, values, row: str, arm: str, phase: str, axis: str, kind: str, point=None):
    """Name → (middle, low, high) along an axis, paired over subjects.

    Other axes are at their index in ``point``, at their first value by default.
    """
    first = {name: (point or {}).get(name, 0) for name in results.axes if name != axis}
    own = values.isel(first).sel(arm=arm, phase=phase, drop=True)
    if kind == "value":
        middle = own.mean("subject").transpose(row, axis).values
        none = np.full(middle.shape[1], np.nan)
        names = own[row].values.tolist()
        return {n: (m, none, none) for n, m in zip(names, middle, strict=True) if np.isfinite(m).any()}
    relative = kind == "ratio"
    if arm == results.reference[0]:
        reference = own.isel({axis: 0}, drop=True).broadcast_like(own)
    else:
        reference = values.isel(first).sel(arm=results.reference[0], phase=phase, drop=True)
    statistics = paired_statistics(own, reference.transpose(*own.dims))
    names = ("ratio", "ratio_low", "ratio_high") if relative else ("difference", "low", "high")
    factor = 100.0 if relative else 1.0
    table = {s: factor * statistics.sel(statistic=s).transpose(row, axis).values for s in names}
    curves = {}
    for k, name in enumerate(values[row].values.tolist()):
        middle = table[names[0]][k]
        if np.isfinite(middle).any():
            curves[name] = (middle, table[names[1]][k], table[names[2]][k])
    return curves


def axis_positions(results, name: str):
    """Places on the x axis, whether it is logarithmic, and tick texts for an axis of words."""
    values = results.axes[name].values
    if any(isinstance(v, str) for v in values):
        return np.arange(len(values), dtype=float), False, [str(v) for v in values]
    scale = axis_scale(values)
    if scale == "steps":
        return np.arange(len(values), dtype=float), False, [number(v) for v in values]
    return np.array(values, float), scale == "log", None


def curve_panel(
    results, figure_axes, values, row: str, arm: str, phase: str, axis: str, kind="ratio"
) -> dict:
    """Curves of one readout: ``ratio`` to the reference in %, ``difference`` from it, or the ``value`` itself."""
    x, log, words = axis_positions(results, axis)
    relative = kind == "ratio"
    curves = paired_curves(results, values, row, arm, phase, axis, kind)
    none = 100.0 if relative else 0.0

    def size(name: str) -> float:
        middle = curves[name][0]
        if kind == "value":
            return float(np.nanmax(middle) - np.nanmin(middle))
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.abs(np.log(middle / 100.0)) if relative else np.abs(middle - none)
        finite = distance[np.isfinite(distance)]
        return float(finite.max()) if finite.size else 0.0

    if not curves:
        note(figure_axes, f"no trial of arm {arm} has this readout")
        return {"axes": figure_axes, "ends": {}, "colors": {}}
    named = sorted(curves, key=size, reverse=True)[:_MOST_LINES]
    named = [name for name in named if size(name) >= _WORTH_A_NAME * size(named[0])]
    colors = line_colors([name for name in curves if name in named])
    lines_panel(figure_axes, x, curves, colors, log, relative)
    if log:
        figure_axes.set_xscale("log")
        log_ticks(figure_axes.xaxis, x.min(), x.max())
    elif words:
        figure_axes.set_xticks(
            x, words, rotation=30 if len(words) > 4 else 0, ha="right" if len(words) > 4 else "center"
        )
    if relative:
        middles = np.concatenate([*(c[0] for c in curves.values()), [100.0]])
        positive = middles[np.isfinite(middles) & (middles > 0)]
        low, high = min(positive.min(), 100.0) / 1.3, max(positive.max(), 100.0) * 1.3
        low, high = min(low, 100 / 1.5), max(high, 150.0)
        # limits first: a scale looks for its own, and finds none where all values are equal
        figure_axes.set_ylim(low, high)
        figure_axes.set_yscale("log")
        log_ticks(figure_axes.yaxis, low, high)
    figure_axes.set_xlabel(axis_label(results.axes[axis]))
    ends = {name: curve[0][np.isfinite(curve[0])][-1] for name, curve in curves.items()}
    return {"axes": figure_axes, "ends": ends, "colors": colors}
