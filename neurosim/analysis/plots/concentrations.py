"""Extracellular transmitters over the phases of a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from neurosim.analysis.plots.common import known, spaced, subjects_text
from neurosim.analysis.plots.style import (
    INK,
    MUTED,
    ResultFigure,
    Sheet,
    arm_colors,
    legend_height,
    number,
    styled,
    transmitter_color,
)
from neurosim.analysis.resolved import time_text
from neurosim.errors import ResultSchemaError

__all__ = ["concentration_figure"]

#: Of a panel, inches: its height, its least width, and what a phase adds.
_HEIGHT, _WIDTH, _PER_PHASE = 0.85, 3.4, 1.5
#: Of a break between recordings, part of all that is recorded.
_BREAK = 0.05
_SHADES = ("#eef2f5", "#e2e8ed")


@dataclass(frozen=True)
class _Stretch:
    """A phase on the axis: its samples, and where its recording begins and ends."""

    name: str
    clock: str
    time: np.ndarray
    start: float
    end: float


@styled
def concentration_figure(
    results,
    arms: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
    phase: str | None = None,
    **axes,
) -> ResultFigure:
    """Extracellular transmitters over time by region: all phases of a trial in their order, mean over subjects.

    Parameters
    ----------
    arms, regions : str or sequence of str, optional
        All by default.
    phase : str, optional
        This one alone.
    **axes
        Value on each scan axis.

    Notes
    -----
    Every recording is a shaded stretch with its own seconds and its time on the clock of the drugs; what lies between two
    recordings was not simulated at this resolution, so no line crosses a break.
    """
    phases = [known("phase", phase, results.phases)] if phase else list(results.phases)
    if not results.has_spikes:
        raise ResultSchemaError(f"concentrations of {results.name}: it was run without spikes, so transmitters do not move")
    pools = results.summary["pools"]
    chosen = [known("region", region, pools.region.values.tolist()) for region in _listed(regions) or pools.region.values]
    names = [known("arm", arm, results.arms) for arm in _listed(arms) or results.arms]
    transmitters = pools.transmitter.values.tolist()
    means = {arm: mean for arm in names if (mean := _means(results, arm, axes)) is not None}
    if not means:
        raise ResultSchemaError(f"concentrations of {results.name}: no trial of {', '.join(names)} has data")
    stretches = _stretches(next(iter(means.values())), phases)
    colors = arm_colors(results.arms, results.reference[0])
    handles = [Line2D([], [], marker="s", color=colors[arm], ls="none", ms=5, label=spaced(arm)) for arm in names]
    each = max(_WIDTH, _PER_PHASE * len(stretches))
    width = each * len(transmitters) + 0.55 * (len(transmitters) - 1) + 1.2
    head = 0.62 + legend_height(handles, width)
    sheet = Sheet(
        [(_HEIGHT, [1.0] * len(transmitters))] * len(chosen), width, 0.95, top=head + 0.6, gap=0.55, row_gap=0.16
    )
    words = f"mean of {subjects_text(results)}" if len(results.subjects) > 1 else "1 subject"
    sheet.text(0.12, 0.12, spaced(results.name), fontsize=13, fontweight="bold")
    sheet.text(0.12, 0.36, f"extracellular concentrations, {words}", fontsize=8.5, color="#555555")
    sheet.legend(0.58, handles)
    for row, region in zip(sheet.rows, chosen, strict=True):
        for panel, transmitter in zip(row, transmitters, strict=True):
            _panel(panel, means, stretches, colors, transmitter, region)
        row[0].set_ylabel(region, rotation=0, ha="right", va="center", color=INK)
    _outside(sheet.rows, stretches, transmitters)
    return sheet.figure


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or [])


def _means(results, arm: str, axes: Mapping) -> xr.Dataset | None:
    """Mean concentration traces over the subjects that have data, with the times of the phases; None without any."""
    total, n = None, 0
    for subject in results.subjects_with_data(arm, **axes):
        trial = results.trial(arm, subject, **axes)
        traces = trial["traces"]["concentration"].load()
        total, n = (traces if total is None else total + traces), n + 1
    if total is None:
        return None
    times = trial["trials"].to_dataset()[["at", "record"]].load()
    return times.assign(concentration=total / n)


def _stretches(mean: xr.Dataset, phases: Sequence[str]) -> list[_Stretch]:
    """Recordings one after the other, with a break between each two."""
    records = [float(mean.record.sel(phase=phase)) for phase in phases]
    gap, start, found = _BREAK * sum(records), 0.0, []
    for phase, record in zip(phases, records, strict=True):
        time = mean.time.values[mean.time.values < record - 1e-9]
        found.append(_Stretch(phase, _clock(float(mean.at.sel(phase=phase)), mean.at.values), time, start, start + record))
        start += record + gap
    return found


def _clock(at: float, all_at: np.ndarray) -> str:
    """Where a phase lies on the clock of drugs; empty where the clock stands still."""
    if not all_at.any():
        return ""
    return "before the drugs" if at < 0 else "at time 0" if at == 0 else f"{time_text(at)} after the dose"


def _panel(axes: Axes, means, stretches, colors, transmitter: str, region: str) -> None:
    """One region and transmitter: a line for each arm and recording."""
    seen = False
    for arm, mean in means.items():
        for stretch in stretches:
            own = mean.concentration.sel(phase=stretch.name, transmitter=transmitter, region=region).values
            line = own[: stretch.time.size]
            seen |= bool(np.isfinite(line).any())
            axes.plot(stretch.start + stretch.time, line, color=colors[arm], lw=0.9)
    for k, stretch in enumerate(stretches):
        axes.axvspan(stretch.start, stretch.end, color=_SHADES[k % 2], lw=0, zorder=-10)
    axes.set_xlim(stretches[0].start, stretches[-1].end)
    if seen:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 2.5, 5, 10]))
    else:
        axes.text(0.5, 0.5, "no pool", transform=axes.transAxes, ha="center", va="center", color=MUTED)
        axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0, labelbottom=False)


def _outside(rows, stretches: Sequence[_Stretch], transmitters: Sequence[str]) -> None:
    """Names of phases above, seconds below."""
    ticks = [(s.start + t, t) for s in stretches for t in _seconds(s.end - s.start, len(stretches))]
    for k, transmitter in enumerate(transmitters):
        top, low = rows[0][k], rows[-1][k]
        inches = top.get_position().height * top.figure.get_size_inches()[1]
        span = stretches[-1].end - stretches[0].start
        style = {"transform": top.transAxes, "ha": "center", "va": "bottom"}
        for s in stretches:
            middle = (s.start + s.end) / 2 / span
            top.text(middle, 1 + 0.20 / inches, spaced(s.name), fontsize=8.5, **style)
            top.text(middle, 1 + 0.05 / inches, s.clock, fontsize=7.5, color="#555555", **style)
        words = {"fontsize": 9.5, "fontweight": "bold", "color": transmitter_color(transmitter)}
        top.text(0, 1 + 0.4 / inches, f"[{transmitter}] (nM)", transform=top.transAxes, va="bottom", **words)
        low.set_xlim(stretches[0].start, stretches[-1].end)
        low.set_xticks([x for x, _ in ticks], [number(t) for _, t in ticks])
        low.tick_params(axis="x", length=3, labelbottom=True)
        low.set_xlabel("time in each recording (s)")


def _seconds(record: float, n: int) -> list[float]:
    """Round times within a recording, few where many recordings share the axis; its end is left to the next one's start."""
    ticks = MaxNLocator(4 if n < 3 else 2, steps=[1, 2, 5, 10]).tick_values(0.0, record)
    return [float(t) for t in ticks if 0 <= t <= record * (0.93 if n > 1 else 1.001)]
