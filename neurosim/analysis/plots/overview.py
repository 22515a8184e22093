"""The figure that ends a run."""

from __future__ import annotations

from neurosim.analysis.plots.along import scattered
from neurosim.analysis.plots.common import (
    BALANCE_LABEL,
    conditions_of,
    first_spikes,
    handles_of,
    head,
    row_height,
    spaced,
)
from neurosim.analysis.plots.crossed import crossed_overview, is_crossed
from neurosim.analysis.plots.panels import change_panel, level_panel, note, raster_panel, rows_axis
from neurosim.analysis.plots.points import points_overview
from neurosim.analysis.plots.scans import scan_overview
from neurosim.analysis.plots.still import still_overview
from neurosim.analysis.plots.style import (
    ResultFigure,
    Sheet,
    label_space,
    legend_height,
    styled,
    transmitter_color,
)

__all__ = ["overview_figure"]

_MOST_CONDITIONS = 8


@styled
def overview_figure(results) -> ResultFigure:
    """The one figure that ends a run.

    Without a scan: rasters of the reference and of the first other arm, firing rates and their paired
    changes, dopamine and serotonin by region with theirs, and the balance. With a scan: the dose-response
    curves first, then rasters of the reference and of the last point. With an arm over two crossed axes of
    numbers: balance and rates over their plane, or as curves if one of them has fewer than four values. With
    axes that go together in no common order: every point as a mark over each of them. With ``engine: none``:
    what drugs hold of receptors and carriers, and how active receptors are.

    Parameters
    ----------
    results : Results

    Returns
    -------
    Figure
        For :func:`save_figure`; a notebook shows it.
    """
    if not results.has_data:
        return _empty(results)
    if scattered(results):
        return points_overview(results)
    if not results.has_spikes:
        return still_overview(results)
    if is_crossed(results):
        return crossed_overview(results)
    return scan_overview(results) if results.axes else _arm_overview(results)


def _empty(results) -> ResultFigure:
    sheet = Sheet([(1.5, [1.0])], width=8, left=0.2, top=0.3)
    note(sheet.rows[0][0], f"{results.name}: no trial has data, see 'neurosim status'")
    return sheet.figure


def _arm_overview(results) -> ResultFigure:
    everything = conditions_of(results)
    conditions = everything[:_MOST_CONDITIONS]
    summary = results.summary
    rates = summary["rates"]["firing_rate"].load()
    levels = summary["pools"]["concentration"].load()
    balance = summary["balance"]["balance"].load()
    populations, regions = rates.population.values.tolist(), levels.region.values.tolist()
    row = row_height(len(conditions))
    n_shown, n_changes = min(len(conditions), 2), int(len(conditions) > 1)
    n_transmitters = levels.transmitter.size
    transmitters = list(dict.fromkeys(rates.population_transmitter.values.tolist()))
    handles = handles_of(conditions, transmitters)
    sheet = Sheet(
        [
            (row * len(populations), [1.35] * n_shown + [1.0] * (1 + n_changes)),
            (row * len(regions), [1.0] * (n_transmitters * (1 + n_changes) + n_changes)),
        ],
        width=14,
        left=label_space(populations),
        top=0.85 + legend_height(handles, 14),
    )
    _top_row(results, sheet.rows[0], conditions, rates)
    _bottom_row(sheet.rows[1], conditions, levels, balance, regions)
    head(sheet, results, conditions[-1].phase, conditions, handles, len(everything) - len(conditions))
    return sheet.figure


def _top_row(results, panels, conditions, rates) -> None:
    reference, others = conditions[0], conditions[1:]
    shown = [reference, *others[:1]]
    populations = rates.population.values.tolist()
    for axes, condition in zip(panels, shown, strict=False):
        trial = first_spikes(results, condition.arm, condition.point)
        title = f"Spikes: {spaced(condition.label)}"
        if trial is None:
            note(axes, f"no trial of {condition.label} has data")
        else:
            raster_panel(axes, trial, condition.phase, labels=axes is panels[0], seconds=10.0)
        axes.set_title(title)
    axes = panels[len(shown)]
    level_panel(axes, rates, "population", conditions, "Hz per surviving cell")
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
            change_panel(axes, values, "region", pairs, f"% of {reference.label}", n_offsets=len(conditions))
            axes.set_title(f"Change of [{transmitter}]", color=transmitter_color(transmitter))
    if others:
        change_panel(
            panels[-1], balance, "region", pairs, BALANCE_LABEL, relative=False, n_offsets=len(conditions)
        )
        panels[-1].set_title("Shift of the balance")
    for axes in panels:
        rows_axis(axes, regions, labels=axes is panels[0])
