"""Spikes of one trial, and beside them how fast each population fires."""

from __future__ import annotations

import json

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neurosim.analysis.plots.common import known, spaced
from neurosim.analysis.plots.panels import note, raster_panel, rows_axis
from neurosim.analysis.plots.schedule import Item, items_of
from neurosim.analysis.plots.style import (
    BAND,
    INK,
    ResultFigure,
    Sheet,
    label_space,
    number,
    styled,
    transmitter_color,
)
from neurosim.analysis.resolved import time_text
from neurosim.analysis.results import spike_trains
from neurosim.errors import ResultSchemaError

__all__ = ["raster_figure"]

#: Bins over what is shown, at least, of the steps that a bin may be 1, 2 or 5 times a power of ten of.
_BINS = 80
_MOST_PULSES = 200


@styled
def raster_figure(
    results,
    arm: str | None = None,
    subject: int = 0,
    phase: str | None = None,
    cells: int = 30,
    seconds: float | None = None,
    bin: float | None = None,
    **axes,
) -> ResultFigure:
    """Spikes of one trial in one phase, the rate of every population beside them, and what was stimulated above.

    Parameters
    ----------
    arm : str, optional
        The reference arm by default.
    subject : int
    phase : str, optional
        The last by default.
    cells : int
        Cells shown of each population. The rate is of all that survive.
    seconds : float, s, optional
        How much of the recording.
    bin : float, s, optional
        Width of the bins of the rate; by default a round one of which 80 to 200 fit.
    **axes
        Value on each scan axis.
    """
    if not results.has_spikes:
        raise ResultSchemaError(f"raster of {results.name}: it was run without spikes")
    arm = arm or results.reference[0]
    phase = known("phase", phase or results.phases[-1], results.phases)
    trial = results.trial(arm, subject, **axes)
    populations = trial["rates"].population.values.tolist()
    record = float(trial["trials"]["record"].sel(phase=phase))
    shown = min(seconds or record, record)
    width = _bin(shown, bin)
    stimuli = _stimuli(trial, phase)
    rows = len(populations) + len(stimuli)
    names = [*populations, *(_label(item) for item in stimuli)]
    sheet = Sheet([(0.42 * rows, [1.6, 1.0])], 11.5, left=label_space(names), right=0.75, top=0.62, gap=0.3)
    spikes, rate = sheet.rows[0]
    raster_panel(spikes, trial, phase, cells, seconds)
    spikes.set_title("Spikes")
    if "spikes" in trial.children:
        _rate_panel(rate, trial, phase, shown, width)
    else:
        note(rate, "spikes were not stored")
    rate.set_title(f"Rate per surviving cell, bins of {_bin_text(width)}")
    for axes in (spikes, rate):
        _stimulus_rows(axes, stimuli, len(populations))
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    spikes.set_yticks([*range(len(populations)), *(-1 - k for k in range(len(stimuli)))], names)
    transmitters = trial["rates"].population_transmitter.values.tolist()
    colors = [transmitter_color(t) for t in transmitters] + [INK] * len(stimuli)
    for tick, color in zip(spikes.get_yticklabels(), colors, strict=True):
        tick.set_color(color)
    sheet.text(0.12, 0.1, f"{spaced(arm)}, subject {subject}, phase {phase}", fontsize=11, fontweight="bold")
    return sheet.figure


def _bin(shown: float, bin: float | None) -> float:
    if bin is not None:
        if not 0 < bin <= shown:
            raise ResultSchemaError(f"figure: a bin of {bin!r} s does not fit; allowed: above 0 s, up to {shown:g} s")
        return float(bin)
    decade = 10.0 ** np.floor(np.log10(shown / _BINS))
    return float(max(step * decade for step in (1, 2, 5) if step * decade <= shown / _BINS * (1 + 1e-9)))


def _bin_text(width: float) -> str:
    return f"{1e3 * width:.4g} ms" if width < 1 else time_text(width)


def _rate_panel(axes: Axes, trial, phase: str, shown: float, width: float) -> None:
    """A histogram per population, each as high as its row, and its highest bin in Hz to the right."""
    rates = trial["rates"].to_dataset()
    names = rates.population.values.tolist()
    edges = width * np.arange(int(np.floor(shown / width * (1 + 1e-9))) + 1)
    for row, (name, transmitter) in enumerate(zip(names, rates.population_transmitter.values.tolist(), strict=True)):
        spikes = spike_trains(trial, phase, name)
        alive = _alive(trial, phase, name)
        counts = np.histogram(spikes.step * spikes.dt, edges)[0]
        if not alive:
            axes.text(1.02, row, "no cell left", transform=axes.get_yaxis_transform(), va="center", fontsize=7.5)
            continue
        hertz = counts / (alive * width)
        top = hertz.max() if hertz.any() else 1.0
        style = {"color": transmitter_color(transmitter), "lw": 0.8}
        axes.stairs(row + 0.42 - 0.84 * hertz / top, edges, baseline=row + 0.42, fill=True, alpha=0.35, **style)
        axes.stairs(row + 0.42 - 0.84 * hertz / top, edges, baseline=row + 0.42, **style)
        words = f"{number(float(f'{hertz.max():.3g}'))} Hz"
        axes.text(1.02, row - 0.42, words, transform=axes.get_yaxis_transform(), va="top", fontsize=7.5, color=INK)
    axes.text(1.02, 1.01, "highest bin", transform=axes.transAxes, va="bottom", fontsize=7.5, color="#555555")
    rows_axis(axes, names, labels=False)
    axes.set_xlim(0, shown)
    axes.set_xlabel("time (s)")


def _alive(trial, phase: str, population: str) -> int:
    spikes = trial["spikes"].to_dataset()
    chosen = (spikes.phase.values == phase) & (spikes.population.values == population)
    return int(spikes.alive.values[chosen].sum())


def _stimuli(trial, phase: str) -> list[Item]:
    """What the trial says was stimulated in a phase; nothing if it does not say what was simulated."""
    resolved = json.loads(trial.attrs.get("resolved", "{}"))
    if "arm" not in resolved:
        return []
    return [item for item in items_of(resolved) if item.kind == "stimulation" and phase in item.phases]


def _label(item: Item) -> str:
    return f"{item.text.split(':')[0]} stimulated"


def _stimulus_rows(axes: Axes, stimuli: list[Item], n: int) -> None:
    """A row above the populations for each stimulation: its pulses, or the time it lasts."""
    for k, item in enumerate(stimuli):
        row, spans = -1 - k, np.array(item.in_phase)
        axes.axhspan(row - 0.5, row + 0.5, color=BAND, alpha=0.35, lw=0, zorder=-10)
        if 1 < len(spans) <= _MOST_PULSES:
            axes.vlines(spans[:, 0], row - 0.4, row + 0.4, color=INK, lw=0.8)
        else:
            axes.barh(row, spans[-1, 1] - spans[0, 0], left=spans[0, 0], height=0.4, color=INK, lw=0)
    axes.set_ylim(n - 0.5, -0.5 - len(stimuli))
