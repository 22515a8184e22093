"""Whole figures of a results folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.lines import Line2D

from neurosim.analysis.compare import paired_statistics
from neurosim.analysis.plots.panels import (
    Condition,
    change_panel,
    label_lines,
    level_panel,
    lines_panel,
    note,
    raster_panel,
    rows_axis,
)
from neurosim.analysis.plots.style import (
    ResultFigure,
    Sheet,
    arm_colors,
    label_space,
    line_colors,
    log_ticks,
    number,
    styled,
    transmitter_color,
)
from neurosim.errors import ResultSchemaError, nearest
from neurosim.recording import OUTCOMES_WITH_DATA

__all__ = [
    "balance_figure",
    "concentration_figure",
    "dose_response_figure",
    "overview_figure",
    "raster_figure",
]

_MOST_CONDITIONS = 8
_MOST_LINES = 8
_BALANCE_LABEL = "log2 units (− to 5-HT, + to DA)"


def conditions_of(results, phase: str | None = None, arms: Sequence[str] | None = None) -> list[Condition]:
    """What a figure sets side by side: the arms in one phase, or, of a lone arm, its phases; the reference first."""
    phase = _known("phase", phase or results.phases[-1], results.phases)
    reference = results.reference[0]
    colors = arm_colors(results.arms, reference)
    names = [_known("arm", arm, results.arms) for arm in arms or results.arms]
    names = sorted(dict.fromkeys([reference, *names]), key=lambda arm: arm != reference)
    point = dict.fromkeys(results.axes, -1)
    if len(names) > 1:
        return [Condition(arm, arm, phase, point, colors[arm], k) for k, arm in enumerate(names)]
    phases = sorted(dict.fromkeys([results.reference[1], phase]), key=lambda p: p != results.reference[1])
    shades = arm_colors(phases, phases[0])
    return [Condition(p, reference, p, point, shades[p], k) for k, p in enumerate(phases)]


def _known(what: str, name: str, allowed: Sequence[str]) -> str:
    if name not in allowed:
        raise ResultSchemaError(f"figure: no {what} {name!r} in these results: {nearest(name, allowed)}")
    return name


def _trial(results, condition: Condition, subject: int | None = None):
    """A trial of the condition that has data: of the given subject, or of the first that has any."""
    at = {name: results.axes[name].values[k] for name, k in condition.point.items()}
    if subject is not None:
        return results.trial(condition.arm, subject, **at)
    outcomes = results.outcomes.sel(arm=condition.arm).isel(dict(condition.point))
    for candidate in results.subjects:
        if str(outcomes.sel(subject=candidate).values) in OUTCOMES_WITH_DATA:
            return results.trial(condition.arm, candidate, **at)
    return None


@styled
def overview_figure(results) -> ResultFigure:
    """The one figure that ends a run.

    Without a scan: rasters of the reference and of the first other arm, firing rates and their paired changes, dopamine and
    serotonin by region with theirs, and the balance. With a scan: the dose-response curves first, then rasters of the
    reference and of the last point.

    Parameters
    ----------
    results : Results

    Returns
    -------
    Figure
        For :func:`save_figure`; a notebook shows it.
    """
    if not np.isin(results.outcomes.values, OUTCOMES_WITH_DATA).any():
        return _empty(results)
    return _scan_overview(results) if results.axes else _arm_overview(results)


def _empty(results) -> ResultFigure:
    sheet = Sheet([(1.5, [1.0])], width=8, left=0.2, top=0.3)
    note(sheet.rows[0][0], f"{results.name}: no trial has data, see 'neurosim status'")
    return sheet.figure


def _head(sheet: Sheet, results, conditions: Sequence[Condition], handles: list, left_out: int = 0) -> None:
    """Name, what is compared, and the legend."""
    n = len(results.subjects)
    words = [f"{n} subject{'s' * (n > 1)}", f"phase {conditions[-1].phase}"]
    if len(conditions) > 1:
        words.append(f"changes are paired, against {conditions[0].label}")
        words += ["bars: 95 % interval"] * (n > 1)
    words += [f"{left_out} more arms in summary.h5"] * bool(left_out)
    sheet.text(0.12, 0.12, _spaced(results.name), fontsize=13, fontweight="bold")
    sheet.text(-0.2, 0.16, ", ".join(words), fontsize=8.5, color="#555555")
    if handles:
        sheet.legend(0.48, handles)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _handles(conditions: Sequence[Condition], transmitters: Sequence[str] = ()) -> list:
    marks = [
        Line2D([], [], marker=c.marker, color=c.color, ls="none", ms=6, label=_spaced(c.label)) for c in conditions
    ]
    marks.append(Line2D([], [], marker=".", color="#888888", ls="none", ms=5, label="each subject"))
    return marks + [
        Line2D([], [], marker="|", color=transmitter_color(t), ls="none", ms=9, mew=2, label=f"{t} cells")
        for t in transmitters
    ]


def _arm_overview(results) -> ResultFigure:
    everything = conditions_of(results)
    conditions = everything[:_MOST_CONDITIONS]
    reference, others = conditions[0], conditions[1:]
    summary = results.summary
    rates = summary["rates"]["firing_rate"].load()
    levels = summary["pools"]["concentration"].load()
    balance = summary["balance"]["balance"].load()
    populations, regions = rates.population.values.tolist(), levels.region.values.tolist()
    row = _row_height(len(conditions))
    n_shown, n_changes = min(len(conditions), 2), int(len(conditions) > 1)
    n_transmitters = levels.transmitter.size
    transmitters = list(dict.fromkeys(rates.population_transmitter.values.tolist()))
    handles = _handles(conditions, transmitters)
    sheet = Sheet(
        [
            (row * len(populations), [1.35] * n_shown + [1.0] * (1 + n_changes)),
            (row * len(regions), [1.0] * (n_transmitters * (1 + n_changes) + n_changes)),
        ],
        width=14,
        left=label_space(populations),
        top=1.05 + 0.2 * (len(handles) > 9),
    )
    _top_row(results, sheet.rows[0], conditions, rates)
    _bottom_row(sheet.rows[1], conditions, levels, balance, regions)
    _head(sheet, results, conditions, handles, len(everything) - len(conditions))
    return sheet.figure


def _row_height(n_conditions: int) -> float:
    """Inches per row, so that the markers of n conditions do not touch."""
    return max(0.34, 0.07 * n_conditions + 0.06)


def _top_row(results, panels, conditions, rates) -> None:
    reference, others = conditions[0], conditions[1:]
    shown = [reference, *others[:1]]
    populations = rates.population.values.tolist()
    for axes, condition in zip(panels, shown, strict=False):
        trial = _trial(results, condition)
        title = f"Spikes: {_spaced(condition.label)}"
        if trial is None:
            note(axes, f"no trial of {condition.label} has data")
        else:
            raster_panel(axes, trial, condition.phase, labels=axes is panels[0], seconds=10.0)
        axes.set_title(title, color=condition.color)
    axes = panels[len(shown)]
    level_panel(axes, rates, "population", conditions, "firing rate (Hz per cell)")
    rows_axis(axes, populations, labels=False)
    axes.set_title("Firing rates")
    if others:
        axes = panels[-1]
        pairs = [(condition, reference) for condition in others]
        change_panel(axes, rates, "population", pairs, f"% of {reference.label}", n_offsets=len(conditions))
        rows_axis(axes, populations, labels=False)
        axes.set_title("Change of rate")


def _bottom_row(panels, conditions, levels, balance, regions) -> None:
    reference, others = conditions[0], conditions[1:]
    pairs = [(condition, reference) for condition in others]
    present = levels.transmitter.values.tolist()
    for k, transmitter in enumerate(present):
        values = levels.sel(transmitter=transmitter)
        level_panel(panels[k], values, "region", conditions, f"[{transmitter}] (nM)")
        panels[k].set_title(f"[{transmitter}]", color=transmitter_color(transmitter))
        if others:
            axes = panels[len(present) + k]
            change_panel(
                axes, values, "region", pairs, f"% of {reference.label}", n_offsets=len(conditions)
            )
            axes.set_title(f"Change of [{transmitter}]", color=transmitter_color(transmitter))
    if others:
        change_panel(panels[-1], balance, "region", pairs, _BALANCE_LABEL, relative=False, n_offsets=len(conditions))
        panels[-1].set_title("Shift of the balance")
    for axes in panels:
        rows_axis(axes, regions, labels=axes is panels[0])


# ---- scans -----------------------------------------------------------------------------------------------------------


def _scanned_arm(results, arm: str | None) -> str:
    """The arm a scan touches: the first whose key changes along it."""
    if arm is not None:
        return _known("arm", arm, results.arms)
    for name in results.arms:
        if len({results.point_key(name)(point) for point in results.points()}) > 1:
            return name
    return results.arms[-1]


def _curves(results, values, row: str, arm: str, phase: str, axis: str, relative: bool):
    """Name → (middle, low, high) along an axis, paired against the reference arm; other axes at their first value."""
    first = {name: 0 for name in results.axes if name != axis}
    own = values.isel(first).sel(arm=arm, phase=phase, drop=True)
    reference = values.isel(first).sel(arm=results.reference[0], phase=phase, drop=True)
    statistics = paired_statistics(own, reference)
    names = ("ratio", "ratio_low", "ratio_high") if relative else ("difference", "low", "high")
    factor = 100.0 if relative else 1.0
    table = {s: factor * statistics.sel(statistic=s).transpose(row, axis).values for s in names}
    curves = {}
    for k, name in enumerate(values[row].values.tolist()):
        middle = table[names[0]][k]
        if np.isfinite(middle).any():
            curves[name] = (middle, table[names[1]][k], table[names[2]][k])
    return curves


def _axis_positions(results, name: str):
    """Places on the x axis, whether it is logarithmic, and tick texts for an axis of words."""
    values = results.axes[name].values
    if any(isinstance(v, str) for v in values):
        return np.arange(len(values), dtype=float), False, [str(v) for v in values]
    x = np.array(values, float)
    return x, bool((x > 0).all() and x.max() / x.min() >= 8), None


def _curve_panel(results, figure_axes, values, row: str, arm: str, phase: str, axis: str, relative=True) -> dict:
    x, log, words = _axis_positions(results, axis)
    curves = _curves(results, values, row, arm, phase, axis, relative)
    none = 100.0 if relative else 0.0

    def size(name: str) -> float:
        middle = curves[name][0]
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.abs(np.log(middle / 100.0)) if relative else np.abs(middle - none)
        finite = distance[np.isfinite(distance)]
        return float(finite.max()) if finite.size else 0.0

    named = sorted(curves, key=size, reverse=True)[:_MOST_LINES]
    colors = line_colors([name for name in curves if name in named])
    lines_panel(figure_axes, x, curves, colors, relative)
    if log:
        figure_axes.set_xscale("log")
        log_ticks(figure_axes.xaxis, x.min(), x.max())
    elif words:
        figure_axes.set_xticks(x, words, rotation=30 if len(words) > 4 else 0, ha="right" if len(words) > 4 else "center")
    if relative:
        middles = np.concatenate([c[0] for c in curves.values()]) if curves else np.array([100.0])
        positive = middles[np.isfinite(middles) & (middles > 0)]
        low, high = min(positive.min(), 100.0) / 1.3, max(positive.max(), 100.0) * 1.3
        low, high = min(low, 100 / 1.5), max(high, 150.0)
        figure_axes.set_yscale("log")
        figure_axes.set_ylim(low, high)
        log_ticks(figure_axes.yaxis, low, high)
    unit = results.axes[axis].unit
    figure_axes.set_xlabel(f"{axis} ({unit})" if unit not in ("", "1") else axis)
    ends = {name: curve[0][np.isfinite(curve[0])][-1] for name, curve in curves.items()}
    return {"axes": figure_axes, "ends": ends, "colors": colors}


def _scan_overview(results) -> ResultFigure:
    phase, axis = results.phases[-1], next(iter(results.axes))
    arm = _scanned_arm(results, None)
    summary = results.summary
    rates, levels = summary["rates"]["firing_rate"].load(), summary["pools"]["concentration"].load()
    transmitters = levels.transmitter.values.tolist()
    populations = rates.population.values.tolist()
    sheet = Sheet(
        [(3.6, [1.0] * (1 + len(transmitters))), (_row_height(1) * len(populations), [1.0] * 3)],
        width=14,
        left=label_space(populations),
        right=label_space(populations),
        top=0.85,
        gap=1.3,
    )
    panels = sheet.rows[0]
    reference = results.reference[0]
    drawn = [_curve_panel(results, panels[0], rates, "population", arm, phase, axis)]
    panels[0].set_title("Firing rates")
    for axes, transmitter in zip(panels[1:], transmitters, strict=True):
        drawn.append(
            _curve_panel(results, axes, levels.sel(transmitter=transmitter), "region", arm, phase, axis)
        )
        axes.set_title(f"[{transmitter}]", color=transmitter_color(transmitter))
    for axes in panels:
        axes.set_ylabel(f"% of {reference}")
    drawn.append(_scan_bottom(results, sheet.rows[1], arm, phase, axis))
    for panel in drawn:
        label_lines(panel["axes"], panel["ends"], panel["colors"])
    _head(sheet, results, conditions_of(results, arms=[arm]), [])
    return sheet.figure


def _scan_bottom(results, panels, arm: str, phase: str, axis: str) -> dict:
    colors = arm_colors(results.arms, results.reference[0])
    point = dict.fromkeys(results.axes, 0) | {axis: -1}
    at = results.point_text(tuple(point[name] % len(a.values) for name, a in results.axes.items()))
    for k, (name, axes) in enumerate(zip((results.reference[0], arm), panels, strict=False)):
        condition = Condition(name, name, phase, point, colors[name], k)
        trial = _trial(results, condition)
        axes.set_title(f"Spikes: {_spaced(name)}{', ' + at if k else ''}", color=colors[name])
        if trial is None:
            note(axes, f"no trial of {name} has data")
        else:
            raster_panel(axes, trial, phase, labels=k == 0, seconds=10.0)
    drawn = _curve_panel(
        results, panels[2], results.summary["balance"]["balance"].load(), "region", arm, phase, axis, relative=False
    )
    panels[2].set_title("Shift of the balance")
    panels[2].set_ylabel(_BALANCE_LABEL)
    return drawn


# ---- single figures --------------------------------------------------------------------------------------------------


@styled
def raster_figure(
    results,
    arm: str | None = None,
    subject: int = 0,
    phase: str | None = None,
    cells: int = 30,
    seconds: float | None = None,
    **axes,
) -> ResultFigure:
    """Spikes of one trial in one phase.

    Parameters
    ----------
    arm : str, optional
        The reference arm by default.
    subject : int
    phase : str, optional
        The last by default.
    cells : int
        Cells shown of each population.
    seconds : float, s, optional
        How much of the recording.
    **axes
        Value on each scan axis.
    """
    arm = arm or results.reference[0]
    phase = _known("phase", phase or results.phases[-1], results.phases)
    trial = results.trial(arm, subject, **axes)
    populations = trial["rates"].population.values.tolist()
    sheet = Sheet([(0.42 * len(populations), [1.0])], width=9, left=label_space(populations), top=0.4)
    panel = sheet.rows[0][0]
    raster_panel(panel, trial, phase, cells, seconds)
    panel.set_title(f"{_spaced(arm)}, subject {subject}, phase {phase}")
    return sheet.figure


@styled
def concentration_figure(
    results,
    arms: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
    phase: str | None = None,
    **axes,
) -> ResultFigure:
    """Extracellular transmitters over time, mean over subjects, a panel per transmitter and region, a line per arm."""
    phase = _known("phase", phase or results.phases[-1], results.phases)
    all_regions = results.summary["pools"].region.values.tolist()
    transmitters = results.summary["pools"].transmitter.values.tolist()
    regions = [_known("region", region, all_regions) for region in regions or all_regions]
    names = [_known("arm", arm, results.arms) for arm in arms or results.arms]
    colors = arm_colors(results.arms, results.reference[0])
    handles = [Line2D([], [], color=colors[arm], lw=2, label=_spaced(arm)) for arm in names]
    sheet = Sheet(
        [(1.7, [1.0] * len(regions))] * len(transmitters),
        width=min(1.75 * len(regions) + 1.0, 18),
        left=0.6,
        top=0.75,
        row_gap=0.25,
        gap=0.4,
    )
    grid = sheet.rows
    sheet.legend(0.12, handles)
    for arm in names:
        mean = _mean_traces(results, arm, phase, axes)
        if mean is None:
            continue
        for i, transmitter in enumerate(transmitters):
            for j, region in enumerate(regions):
                line = mean.sel(transmitter=transmitter, region=region)
                grid[i][j].plot(mean.time, line, color=colors[arm], lw=1.0, label=_spaced(arm))
    for i, transmitter in enumerate(transmitters):
        grid[i][0].set_ylabel(f"[{transmitter}] (nM)")
        for j, region in enumerate(regions):
            grid[i][j].set_ylim(bottom=0)
            if i == 0:
                grid[i][j].set_title(region)
            if i == len(transmitters) - 1:
                grid[i][j].set_xlabel("time (s)")
            else:
                grid[i][j].set_xticklabels([])
            if not grid[i][j].lines or not np.isfinite(grid[i][j].lines[0].get_ydata()).any():
                note(grid[i][j], "no pool")
    return sheet.figure


def _mean_traces(results, arm: str, phase: str, axes: dict):
    """Mean concentration traces over the subjects that have data."""
    total, n = None, 0
    for subject in results.subjects:
        if not np.isin(results.outcomes.sel(arm=arm, subject=subject).values, OUTCOMES_WITH_DATA).any():
            continue
        traces = results.trial(arm, subject, **axes)["traces"]["concentration"].sel(phase=phase)
        total, n = (traces if total is None else total + traces), n + 1
    return None if total is None else total / n


@styled
def balance_figure(results, phase: str | None = None, arms: Sequence[str] | None = None) -> ResultFigure:
    """Balance of dopamine and serotonin per region and arm: of free concentrations and of receptor activation.

    Against the reference arm and phase of the experiment, mean over subjects; a dot per subject.
    """
    conditions = conditions_of(results, phase, arms)
    groups = results.summary["balance"]
    regions = groups.region.values.tolist()
    sheet = Sheet(
        [(_row_height(len(conditions)) * len(regions), [1.0, 1.0])], width=9, left=label_space(regions), top=0.95
    )
    panels = sheet.rows[0]
    for axes, name, title in zip(
        panels, ("balance", "balance_activation"), ("Free concentrations", "Receptor activation"), strict=True
    ):
        axes.axvline(0, color="#8a8a8a", lw=0.8, zorder=-1)
        level_panel(axes, groups[name].load(), "region", conditions, _BALANCE_LABEL, log=False)
        rows_axis(axes, regions, labels=axes is panels[0])
        reach = max(0.5, 1.08 * max(abs(v) for v in axes.get_xlim()))
        axes.set_xlim(-reach, reach)
        axes.set_title(title)
    sheet.legend(0.12, _handles(conditions))
    return sheet.figure


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
        ``firing_rate``, ``firing_rate_active``, ``concentration``, ``activation``, ``balance`` ….
    arm : str, optional
        The scanned arm by default.
    axis : str, optional
        The first by default; other axes are at their first value.
    transmitter : str, optional
        For pools; each in its own panel by default.
    """
    if not results.axes:
        raise ResultSchemaError(f"{results.name} has no scan, so it has no dose-response curve")
    phase = _known("phase", phase or results.phases[-1], results.phases)
    axis = _known("scan axis", axis or next(iter(results.axes)), list(results.axes))
    arm = _scanned_arm(results, arm)
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
    relative = not variable.startswith("balance")
    drawn = []
    for axes, (title, values, row) in zip(panels, panels_of, strict=True):
        drawn.append(_curve_panel(results, axes, values, row, arm, phase, axis, relative))
        axes.set_title(title)
        axes.set_ylabel(f"% of {results.reference[0]}" if relative else _BALANCE_LABEL)
    for panel in drawn:
        label_lines(panel["axes"], panel["ends"], panel["colors"])
    return sheet.figure


def _readout(results, variable: str, transmitter: str | None):
    """Panels of a readout: title, values and the dimension whose entries are the lines."""
    known = {}
    for group, row in (("rates", "population"), ("pools", "region"), ("receptors", "site"), ("balance", "region")):
        for name, values in results.summary[group].to_dataset().data_vars.items():
            if row in values.dims and "ligand" not in values.dims:
                known[name] = (values, row)
    values, row = known[_known("variable", variable, list(known))]
    values = values.load()
    title = variable.replace("_", " ")
    if "transmitter" not in values.dims:
        return [(title, values, row)]
    names = values.transmitter.values.tolist()
    chosen = [_known("transmitter", transmitter, names)] if transmitter else names
    return [(f"{title} of {t}", values.sel(transmitter=t), row) for t in chosen]


