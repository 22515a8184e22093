"""The panels that figures are made of. Each draws into given axes and knows nothing of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from neurosim.analysis.compare import paired_statistics
from neurosim.analysis.plots.style import INK, MUTED, log_ticks, transmitter_color
from neurosim.analysis.results import spike_trains

__all__ = [
    "MARKERS",
    "Condition",
    "change_limits",
    "change_panel",
    "level_panel",
    "lines_panel",
    "log_limits",
    "offsets_of",
    "raster_panel",
    "rows_axis",
]

#: Points of a curve that are marked one by one; of more, the line and a band are drawn.
_MOSTMARKERS = 60
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "p")


@dataclass(frozen=True)
class Condition:
    """An arm in a phase at a scan point, as figures name and colour it."""

    label: str
    arm: str
    phase: str
    point: Mapping[str, int]
    color: str
    number: int

    @property
    def marker(self) -> str:
        return MARKERS[self.number % len(MARKERS)]

    def of(self, values: xr.DataArray) -> xr.DataArray:
        """What a summary variable holds of this condition."""
        return values.isel(dict(self.point)).sel(arm=self.arm, phase=self.phase, drop=True)


def rows_axis(axes: Axes, names: Sequence[str], colors: Sequence[str] | None = None, labels: bool = True):
    """One row per name, the first on top, every other shaded."""
    n = len(names)
    axes.set_ylim(n - 0.5, -0.5)
    if labels:
        axes.set_yticks(range(n), names)
    else:
        axes.set_yticks([])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    _bands(axes, np.arange(0, n, 2))
    if labels and colors:
        for tick, color in zip(axes.get_yticklabels(), colors, strict=True):
            tick.set_color(color)


def _bands(axes: Axes, rows: np.ndarray) -> None:
    """What shades rows from end to end; as one shape, for each shape of a figure takes its time."""
    corners = np.array([[0.0, -0.5], [1.0, -0.5], [1.0, 0.5], [0.0, 0.5], [0.0, -0.5]])
    outlines = [Path(corners + [0.0, row], closed=True) for row in rows]
    shape = PathPatch(Path.make_compound_path(*outlines), transform=axes.get_yaxis_transform(), zorder=-10)
    shape.set(color="#f3f3f1", lw=0)
    axes.add_artist(shape)


def offsets_of(n: int) -> np.ndarray:
    """Heights of n conditions within a row of height 1."""
    return np.linspace(-0.32, 0.32, n) if n > 1 else np.zeros(1)


def raster_panel(
    axes: Axes,
    trial: xr.DataTree,
    phase: str,
    cells: int = 14,
    seconds: float | None = None,
    labels: bool = True,
) -> None:
    """Spikes of a part of each population's cells, one row of the panel per population, coloured by
    transmitter.

    The cells are evenly spaced over the population, so silent and lesioned ones show as gaps in their share.
    """
    rates = trial["rates"].to_dataset()
    names = rates.population.values.tolist()
    colors = [transmitter_color(t) for t in rates.population_transmitter.values.tolist()]
    record = float(trial["trials"]["record"].sel(phase=phase))
    shown = min(seconds or record, record)
    if "spikes" in trial.children:
        _raster(axes, trial, phase, dict(zip(names, colors, strict=True)), cells, shown)
    else:
        axes.text(0.5, 0.5, "spikes were not stored", ha="center", transform=axes.transAxes)
    rows_axis(axes, names, colors, labels)
    axes.set_xlim(0, shown)
    axes.set_xlabel("time (s)")


def _raster(axes: Axes, trial: xr.DataTree, phase: str, colors: Mapping[str, str], cells: int, shown: float) -> None:
    """Rows of a raster, one per population, of so many cells and seconds."""
    spikes, of = spike_trains(trial, phase), trial["spikes"]
    population = of.population.values[of.phase.values == phase]
    for row, (name, color) in enumerate(colors.items()):
        own = np.flatnonzero(population == name)
        chosen = own[np.unique(np.linspace(0, own.size - 1, min(cells, own.size)).round().astype(int))]
        height = 0.8 / max(len(chosen), 1)
        times = [spikes.train(cell) for cell in chosen]
        x = np.concatenate([time[time < shown] for time in times])
        y = np.repeat(row - 0.4 + height * (np.arange(len(chosen)) + 0.5), [np.sum(t < shown) for t in times])
        _ticks(axes, x, y - 0.5 * height, y + 0.42 * height, color)


def _ticks(axes: Axes, x: np.ndarray, low: np.ndarray, high: np.ndarray, color: str) -> None:
    """A short vertical line for each spike."""
    broken = _broken(x[:, None].repeat(2, 1), np.stack([low, high], axis=1))
    axes.plot(*broken, color=color, lw=0.6, solid_capstyle="butt", snap=True, rasterized=True)


def _broken(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines of shape (line, point) as one that is broken between them; one by one, spikes would take half a second."""
    gap = np.full((len(x), 1), np.nan)
    return np.hstack([x, gap]).ravel(), np.hstack([y, gap]).ravel()


def level_panel(
    axes: Axes, values: xr.DataArray, row: str, conditions: Sequence[Condition], label: str, log: bool = True
) -> None:
    """Levels: a row per entry of ``row``, a marker per condition (mean over subjects), a dot per subject."""
    offsets = offsets_of(len(conditions))
    drawn = []
    for offset, condition in zip(offsets, conditions, strict=True):
        levels = condition.of(values).transpose(row, "subject").values
        y = np.arange(levels.shape[0]) + offset
        drawn.append(levels)
        style = {"color": condition.color, "linestyle": "none", "clip_on": False}
        axes.plot(levels, y[:, None].repeat(levels.shape[1], 1), ".", ms=2.6, alpha=0.45, mew=0, **style)
        axes.plot(_mean(levels), y, condition.marker, ms=4.4, mew=0, zorder=3, **style)
    finite = np.concatenate([d[np.isfinite(d)] for d in drawn])
    if log and (finite > 0).any():
        limits = log_limits(finite[finite > 0])
        axes.set_xlim(*limits)
        axes.set_xscale("log")
        log_ticks(axes.xaxis, *limits)
    axes.set_xlabel(label)


def _mean(values: np.ndarray) -> np.ndarray:
    used = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(used, values, 0.0).sum(axis=1) / used.sum(axis=1)


def log_limits(values: np.ndarray, floor: float = 2.0) -> tuple[float, float]:
    """Limits around positive values that leave a margin and span at least a factor of ``floor``."""
    low, high = values.min() / 1.25, values.max() * 1.25
    if high / low < floor:
        middle = np.sqrt(low * high)
        low, high = middle / np.sqrt(floor), middle * np.sqrt(floor)
    return float(low), float(high)


def change_panel(
    axes: Axes,
    values: xr.DataArray,
    row: str,
    pairs: Sequence[tuple[Condition, Condition]],
    label: str,
    relative: bool = True,
    n_offsets: int | None = None,
) -> None:
    """Paired changes with 95 % intervals: per cent of the reference on a log axis, or differences.

    Parameters
    ----------
    pairs : sequence of (condition, reference)
    relative : bool
        Whether to show ratios.
    n_offsets : int, optional
        Conditions per row, so that heights agree with a level panel that shows the reference too.
    """
    n = n_offsets or len(pairs)
    offsets = offsets_of(n)[n - len(pairs) :]
    names = ("ratio", "ratio_low", "ratio_high") if relative else ("difference", "low", "high")
    factor, none = (100.0, 100.0) if relative else (1.0, 0.0)
    results = []
    for condition, reference in pairs:
        statistics = paired_statistics(condition.of(values), condition_like(reference, condition).of(values))
        results.append([factor * statistics.sel(statistic=s).transpose(row).values for s in names])
    limits = change_limits(np.array(results), relative)
    axes.axvline(none, color=MUTED, lw=0.8, zorder=-1)
    for offset, (condition, _), (middle, low, high) in zip(offsets, pairs, results, strict=True):
        y = np.arange(middle.size) + offset
        inside = np.clip(middle, *limits)
        bars = np.isfinite(low) & np.isfinite(high)
        ends = np.clip(np.stack([low, high], axis=1)[bars], *limits)
        axes.plot(*_broken(ends, y[bars, None].repeat(2, 1)), color=condition.color, lw=1.1, alpha=0.8)
        beyond = inside != middle
        for mask, marker in (
            (~beyond, condition.marker),
            (beyond & (middle < limits[0]), "<"),
            (beyond & (middle > limits[1]), ">"),
        ):
            axes.plot(
                inside[mask], y[mask], marker, color=condition.color, ms=4.4, mew=0, ls="none", clip_on=False
            )
    axes.set_xlim(*limits)
    if relative:
        axes.set_xscale("log")
        log_ticks(axes.xaxis, *limits)
    axes.set_xlabel(label)


def condition_like(reference: Condition, condition: Condition) -> Condition:
    """The reference at the scan point of a condition."""
    return Condition(
        reference.label, reference.arm, reference.phase, condition.point, reference.color, reference.number
    )


def change_limits(results: np.ndarray, relative: bool) -> tuple[float, float]:
    """Limits that keep the means readable, from an array of shape (pair, 3, row)."""
    middle = results[:, 0]
    if relative:
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log2(results / 100.0)
        reach = _reach(logs[:, 0], logs[:, 1:], smallest=0.35)
        low, high = reach
        return 100 * 2.0**low, 100 * 2.0**high
    return _reach(middle, results[:, 1:], smallest=0.25)


def _reach(middle: np.ndarray, bounds: np.ndarray, smallest: float) -> tuple[float, float]:
    """Range that holds all means, and intervals up to half as far again."""
    means = middle[np.isfinite(middle)]
    low, high = (min(means.min(), 0.0), max(means.max(), 0.0)) if means.size else (0.0, 0.0)
    room = max(0.5 * (high - low), smallest)
    ends = bounds[np.isfinite(bounds)]
    if ends.size:
        low = min(low, max(ends.min(), low - room))
        high = max(high, min(ends.max(), high + room))
    margin = max(0.07 * (high - low), 0.0)
    return min(low - margin, -smallest), max(high + margin, smallest)


def lines_panel(
    axes: Axes,
    x: np.ndarray,
    lines: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    colors: Mapping[str, str],
    log: bool,
    relative: bool,
) -> None:
    """Curves with 95 % intervals over a scan axis.

    Parameters
    ----------
    lines : mapping of name → (mean, low, high)
        Those without a colour are drawn grey, without intervals.
    log : bool
        Whether x is logarithmic: intervals of neighbouring lines are shifted apart by a part of a step.
    """
    places = np.log(x) if log else x
    step = np.diff(places).min() if x.size > 1 else 1.0
    shifts = dict(zip(colors, np.linspace(-0.08, 0.08, len(colors)) if len(colors) > 1 else [0.0], strict=False))
    for number, (name, (middle, low, high)) in enumerate(lines.items()):
        if name not in colors:
            axes.plot(x, middle, color="#c4c4c0", lw=0.9, zorder=1)
            continue
        moved = places + shifts[name] * step
        at = np.exp(moved) if log else moved
        style = {"color": colors[name], "clip_on": True}
        if x.size > _MOSTMARKERS:
            axes.plot(x, middle, lw=1.4, zorder=3, **style)
            axes.fill_between(x, low, high, color=colors[name], lw=0, alpha=0.2, zorder=2)
            continue
        axes.plot(at, middle, marker=MARKERS[number % len(MARKERS)], ms=4, mew=0, lw=1.4, zorder=3, **style)
        axes.vlines(at, low, high, lw=0.9, alpha=0.55, zorder=2, **style)
    axes.axhline(100.0 if relative else 0.0, color=MUTED, lw=0.8, zorder=-1)


def label_lines(axes: Axes, ends: Mapping[str, float], colors: Mapping[str, str], size: float = 8.0) -> None:
    """Names at the right ends of the lines, pushed apart until none touches another."""
    height = axes.get_window_extent().height * 72.0 / axes.figure.dpi
    gap = 1.2 * size / height
    transform = axes.transScale + axes.transLimits
    wanted = {
        name: float(np.clip(transform.transform((1.0, end))[1], 0.0, 1.0))
        for name, end in ends.items()
        if name in colors and np.isfinite(end)
    }
    names = sorted(wanted, key=wanted.__getitem__)
    places = spread([wanted[name] for name in names], gap)
    for name, place in zip(names, places, strict=True):
        axes.annotate(
            name,
            xy=(1.0, wanted[name]),
            xytext=(1.06, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            fontsize=size,
            color=INK,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colors[name],
                "lw": 1.2,
                "relpos": (0.0, 0.5),
                "shrinkA": 2,
                "shrinkB": 0,
            },
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Rising places moved as little as possible to lie at least ``gap`` apart.

    Neighbours that would touch form a block around the mean of their places, until no two blocks touch.
    """
    blocks: list[list[float]] = []
    for place in places:
        blocks.append([place])
        while len(blocks) > 1 and _bottom(blocks[-1], gap) < _bottom(blocks[-2], gap) + gap * len(blocks[-2]):
            last = blocks.pop()
            blocks[-1] = blocks[-1] + last
    return [_bottom(block, gap) + gap * k for block in blocks for k in range(len(block))]


def _bottom(block: Sequence[float], gap: float) -> float:
    """Place of the first of a block's members, ``gap`` apart and centred on where they would be."""
    return sum(block) / len(block) - gap * (len(block) - 1) / 2


def note(axes: Axes, text: str) -> None:
    """A panel that has nothing to show says why."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", color=INK, transform=axes.transAxes, wrap=True)
