"""Figures of one thing: spikes of a trial, concentrations over time, the balance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.lines import Line2D

from neurosim.analysis.plots.common import BALANCE_LABEL, conditions_of, handles_of, known, row_height, spaced
from neurosim.analysis.plots.panels import level_panel, note, raster_panel, rows_axis
from neurosim.analysis.plots.style import (
    ResultFigure,
    Sheet,
    arm_colors,
    label_space,
    legend_height,
    styled,
)
from neurosim.recording import OUTCOMES_WITH_DATA

__all__ = ["balance_figure", "concentration_figure", "raster_figure"]


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
    phase = known("phase", phase or results.phases[-1], results.phases)
    trial = results.trial(arm, subject, **axes)
    populations = trial["rates"].population.values.tolist()
    sheet = Sheet([(0.42 * len(populations), [1.0])], width=9, left=label_space(populations), top=0.4)
    panel = sheet.rows[0][0]
    raster_panel(panel, trial, phase, cells, seconds)
    panel.set_title(f"{spaced(arm)}, subject {subject}, phase {phase}")
    return sheet.figure


@styled
def concentration_figure(
    results,
    arms: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
    phase: str | None = None,
    **axes,
) -> ResultFigure:
    """Extracellular transmitters over time by region, mean over subjects, a line per arm."""
    phase = known("phase", phase or results.phases[-1], results.phases)
    all_regions = results.summary["pools"].region.values.tolist()
    transmitters = results.summary["pools"].transmitter.values.tolist()
    regions = [regions] if isinstance(regions, str) else regions
    regions = [known("region", region, all_regions) for region in regions or all_regions]
    arms = [arms] if isinstance(arms, str) else arms
    names = [known("arm", arm, results.arms) for arm in arms or results.arms]
    colors = arm_colors(results.arms, results.reference[0])
    handles = [Line2D([], [], marker="s", color=colors[arm], ls="none", label=spaced(arm)) for arm in names]
    width = min(1.75 * len(regions) + 1.0, 18)
    sheet = Sheet(
        [(1.7, [1.0] * len(regions))] * len(transmitters),
        width=width,
        left=0.6,
        top=0.45 + legend_height(handles, width),
        row_gap=0.25,
        gap=0.4,
    )
    grid = sheet.rows
    sheet.legend(0.1, handles)
    for arm in names:
        mean = _mean_traces(results, arm, phase, axes)
        if mean is None:
            continue
        for i, transmitter in enumerate(transmitters):
            for j, region in enumerate(regions):
                line = mean.sel(transmitter=transmitter, region=region)
                grid[i][j].plot(mean.time, line, color=colors[arm], lw=1.0, label=spaced(arm))
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
    """Balance of dopamine and serotonin per region and arm: of free concentrations and of receptor
    activation.

    Against the reference arm and phase of the experiment, mean over subjects; a dot per subject.
    """
    conditions = conditions_of(results, phase, arms)
    groups = results.summary["balance"]
    regions = groups.region.values.tolist()
    handles = handles_of(conditions)
    sheet = Sheet(
        [(row_height(len(conditions)) * len(regions), [1.0, 1.0])],
        width=9,
        left=label_space(regions),
        top=0.45 + legend_height(handles, 9),
    )
    panels = sheet.rows[0]
    for axes, name, title in zip(
        panels, ("balance", "balance_activation"), ("Free concentrations", "Receptor activation"), strict=True
    ):
        axes.axvline(0, color="#8a8a8a", lw=0.8, zorder=-1)
        level_panel(axes, groups[name].load(), "region", conditions, BALANCE_LABEL, log=False)
        rows_axis(axes, regions, labels=axes is panels[0])
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, -0.25), max(high, 0.25))
        axes.set_title(title)
    sheet.legend(0.1, handles)
    return sheet.figure
