"""Interactive figures as plotly's traces, from the same arrays as the tables beside them.

Every trace says in ``meta`` which numbers of ``summary.h5`` it draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis.plots.common import BALANCE_LABEL, spaced, subjects_text
from neurosim.analysis.plots.panels import change_limits, log_limits, offsets_of
from neurosim.analysis.plots.style import log_tick_values, number
from neurosim.report.conditions import MOST, Compared, compared, views_of
from neurosim.report.numbers import listed, plain_text, shift_text, signed_percent, stated, statistics_of

__all__ = ["Figure", "Readout", "change_figure", "hover", "layout_of", "level_figure", "level_view", "log_axis"]

#: Largest changes that a caption names, of each condition.
_MOST_SAID = 3
#: Pixels of a row for one condition and at least, and of what is above and below the rows.
_PER_CONDITION, _ROW, _AROUND = 7, 24, 92


@dataclass(frozen=True)
class Figure:
    """An interactive figure.

    Attributes
    ----------
    id, title, caption : str
        The caption says in words and numbers what is seen.
    views : tuple of (label, data, layout)
        Plotly's traces and layout; a choice above the figure switches between several.
    choice : str
        What is chosen, e.g. ``phase``.
    table : tuple of rows
        The numbers as a table, its head first.
    note : str
        What is left out, if anything.
    """

    id: str
    title: str
    caption: str
    views: tuple[tuple[str, list, dict], ...]
    choice: str = ""
    table: tuple[tuple, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Readout:
    """A variable of the summary as rows of a figure.

    Attributes
    ----------
    id, title : str
    variable : str
        ``group/name``.
    values : DataArray
        With the dimension ``row``.
    row : str
    unit : str
    at : dict
        Labels that were chosen already, e.g. the transmitter.
    is_shift : bool
        A logarithm, of which a change is a difference and no ratio.
    scale : float
        By which the summary's numbers were multiplied: 100 for per cents, which are drawn from 0 to 100.
    """

    id: str
    title: str
    variable: str
    values: xr.DataArray
    row: str
    unit: str
    at: dict[str, Any]
    is_shift: bool = False
    scale: float = 1.0
    _known: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def names(self) -> list[str]:
        """Rows that have a number anywhere."""
        others = [d for d in self.values.dims if d != self.row]
        return self.values[self.row].values[self.values.notnull().any(others).values].tolist()

    def level_text(self, value: float) -> str:
        """A level as it is read, with its unit."""
        if self.is_shift:
            return shift_text(value)
        return plain_text(value) if self.unit.startswith("of ") else f"{plain_text(value)} {self.unit}"

    def change_text(self, value: float) -> str:
        """A paired change as it is read."""
        return shift_text(value) if self.is_shift else signed_percent(value)

    @property
    def change_statistics(self) -> tuple[str, str, str]:
        """A change and the ends of its interval, by their names in ``compare``."""
        return ("difference", "low", "high") if self.is_shift else ("ratio", "ratio_low", "ratio_high")

    def change(self, condition: Compared) -> dict[str, xr.DataArray]:
        """Paired statistics of a condition against its other; several figures and tables ask for them."""
        key = condition.label, condition.condition.phase
        if key not in self._known:
            sides = condition.of(self.values), condition.other(self.values)
            self._known[key] = statistics_of(*sides, not self.is_shift)
        return self._known[key]


def level_figure(results, readout: Readout) -> Figure | None:
    """Levels of all conditions: a mark for the mean with its 95 % interval, a dot for each subject."""
    names = readout.names
    if not names:
        return None
    drawn = [(phase, compared(results, phase)) for phase in views_of(results)]
    views = tuple((phase, *level_view(readout, names, found[:MOST])) for phase, found in drawn)
    first = drawn[0][1][:MOST]
    n, n_subjects = len(names), len(results.subjects)
    interval = "mean with 95 % interval and each subject" if n_subjects > 1 else "one subject"
    where = "all phases" if len(results.arms) == 1 and len(results.phases) > 1 else f"phase {drawn[0][0]}"
    what = f"{readout.title} ({readout.unit}) of {n} {readout.row}s, {where}"
    caption = f"{what}: {interval}. {_range_words(readout, names, first)}"
    table = _table(names, first, lambda c: _level_cells(readout, c))
    return Figure(
        f"{readout.id}-levels", readout.title, caption, views, _choice(views), table, _left_out(drawn[0][1])
    )


def _choice(views: Sequence) -> str:
    return "phase" if len(views) > 1 else ""


def _left_out(conditions: Sequence[Compared]) -> str:
    left = len(conditions) - MOST
    return f"{left} more in summary.h5." if left > 0 else ""


def level_view(readout: Readout, names: Sequence[str], conditions: Sequence[Compared]) -> tuple[list, dict]:
    """Traces and layout of the levels of some conditions."""
    data, drawn = [], []
    for offset, condition in zip(offsets_of(len(conditions)), conditions, strict=True):
        own = condition.of(readout.values).sel({readout.row: names}).transpose(readout.row, "subject")
        found = statistics_of(own)
        y = (np.arange(len(names)) + offset).tolist()
        n = own.sizes["subject"]
        style = {"color": condition.color, "symbol": condition.symbol, "size": 7}
        place = {**readout.at, **condition.at}
        meta = {"variable": readout.variable, "at": place, "row": readout.row, "names": list(names), "scale": readout.scale}
        words = [f"{name}, {condition.label}: {_level_words(found, k, readout.unit)}" for k, name in enumerate(names)]
        if n > 1:
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": listed(own.values), "y": np.repeat(y, n).tolist(),
                    "marker": {"color": condition.color, "size": 3.5, "opacity": 0.5}, "showlegend": False,
                    "legendgroup": condition.label, "meta": {**meta, "statistic": "subjects"}, "hoverinfo": "skip",
                }
            )  # fmt: skip
        data.append(
            {
                "type": "scatter", "mode": "markers", "name": condition.label, "legendgroup": condition.label,
                "x": listed(found["mean"]), "y": y, "marker": style, "meta": {**meta, "statistic": "mean"},
                "text": words, "hovertemplate": hover(),
                **_bars(found, "mean", condition.color),
            }
        )  # fmt: skip
        drawn += [own.values.ravel(), found["mean"].values]
    values = np.concatenate(drawn)
    layout = layout_of(names, len(conditions), readout.unit)
    positive = values[np.isfinite(values) & (values > 0)]
    if readout.scale == 100.0:
        layout["xaxis"] |= {"range": [-2, 104]}
    elif positive.size and not readout.is_shift:
        layout["xaxis"] |= log_axis(*log_limits(positive))
    return data, layout


def _bars(found: dict[str, xr.DataArray], middle: str, color: str, factor: float = 1.0) -> dict:
    """Error bars from the ends of an interval; none where there is none."""
    low, high = {"mean": ("mean_low", "mean_high"), "ratio": ("ratio_low", "ratio_high")}.get(middle, ("low", "high"))
    ends = [factor * np.asarray(found[name].values, float) for name in (middle, low, high)]
    if not np.isfinite(ends[1]).any():
        return {}
    is_whole = np.isfinite(ends[1]) & np.isfinite(ends[2])
    up, down = (np.where(is_whole, side, np.nan) for side in (ends[2] - ends[0], ends[0] - ends[1]))
    return {
        "error_x": {
            "type": "data", "symmetric": False, "array": listed(up), "arrayminus": listed(down), "thickness": 1.3,
            "width": 0, "color": color,
        }
    }  # fmt: skip


def _level_words(found: dict[str, xr.DataArray], k: int, unit: str) -> str:
    mean, low, high = (float(found[name].values[k]) for name in ("mean", "mean_low", "mean_high"))
    words = f"{plain_text(mean)} {unit}"
    return f"{words} [{plain_text(low)}, {plain_text(high)}]" if np.isfinite(low) else words


def _range_words(readout: Readout, names: list[str], conditions: Sequence[Compared]) -> str:
    """``"In vehicle from 1.2 nM (mPFC) to 45 nM (DSt)."`` for the reference."""
    reference = conditions[0]
    mean = statistics_of(reference.of(readout.values).sel({readout.row: names}))["mean"].values
    if not np.isfinite(mean).any():
        return f"{reference.label} has no data."
    low, high = int(np.nanargmin(mean)), int(np.nanargmax(mean))
    ends = [f"{plain_text(mean[k])} {readout.unit} ({names[k]})" for k in (low, high)]
    return f"In {reference.label}: {' to '.join(dict.fromkeys(ends))}."


def _level_cells(readout: Readout, condition: Compared) -> Iterator[list]:
    found, at = statistics_of(condition.of(readout.values).sel({readout.row: readout.names})), condition.at
    for k, name in enumerate(readout.names):
        place = {**readout.at, **at, readout.row: name}
        yield _cell(found, ("mean", "mean_low", "mean_high"), k, readout.variable, place, plain_text)


def _cell(found, names: Sequence[str], k: int, variable: str, place: dict, text) -> list:
    """A number and, where there is one, its interval."""
    middle, low, high = (
        stated(v := found[name].values[k], variable, name, place, text(v)) for name in names
    )
    return [middle, low, high] if np.isfinite([low.value, high.value]).all() else [middle]


def _table(names: Sequence[str], conditions: Sequence[Compared], cells) -> tuple[tuple, ...]:
    columns = [list(cells(condition)) for condition in conditions]
    head = ("", *(condition.label for condition in conditions))
    return (head, *((name, *(column[k] for column in columns)) for k, name in enumerate(names)))


def change_figure(results, readout: Readout) -> Figure | None:
    """Paired changes against the reference with their 95 % intervals; None where nothing is compared."""
    names = readout.names
    drawn = [(phase, [c for c in compared(results, phase)[:MOST] if c.against]) for phase in views_of(results)]
    if not names or not drawn[0][1]:
        return None
    views = tuple((phase, *_change_view(readout, names, found)) for phase, found in drawn)
    first = drawn[0][1]
    arm, phase = first[0].against
    reference = spaced(arm) if len(results.arms) > 1 else spaced(phase)
    of = subjects_text(results)
    how = f"paired over {of}, with 95 % intervals" if len(results.subjects) > 1 else "one subject, so without intervals"
    unit = "shift in log2 units, + to dopamine, − to serotonin" if readout.is_shift else f"per cent of {reference}"
    said = " ".join(filter(None, (_largest(readout, names, condition) for condition in first)))
    caption = f"{_changes_of(readout)} against {reference}, phase {drawn[0][0]}: {unit}; {how}. {said}"
    table = _table(names, first, lambda c: _change_cells(readout, c))
    return Figure(f"{readout.id}-changes", _changes_of(readout), caption, views, _choice(views), table)


def _changes_of(readout: Readout) -> str:
    return "Shift of the balance" if readout.is_shift else f"Change of {readout.title[0].lower()}{readout.title[1:]}"


def _change_view(readout: Readout, names: list[str], conditions: Sequence[Compared]) -> tuple[list, dict]:
    middle, low, high = readout.change_statistics
    factor, none = (1.0, 0.0) if readout.is_shift else (100.0, 100.0)
    data, ends = [], []
    for offset, condition in zip(offsets_of(len(conditions)), conditions, strict=True):
        found = {key: own.sel({readout.row: names}) for key, own in readout.change(condition).items()}
        ends.append([factor * found[name].values for name in (middle, low, high)])
        data.append(
            {
                "type": "scatter", "mode": "markers", "name": condition.label, "x": listed(factor * found[middle].values),
                "y": (np.arange(len(names)) + offset).tolist(),
                "marker": {"color": condition.color, "symbol": condition.symbol, "size": 7},
                "text": [f"{name}, {condition.label}: {_change_words(readout, found, k)}" for k, name in enumerate(names)],
                "hovertemplate": hover(),
                "meta": {
                    "variable": readout.variable, "statistic": middle, "at": {**readout.at, **condition.pair_at},
                    "row": readout.row, "names": names, "factor": factor,
                },
                **_bars(found, middle, condition.color, factor),
            }
        )  # fmt: skip
    limits = change_limits(np.array(ends), not readout.is_shift)
    title = BALANCE_LABEL if readout.is_shift else "% of the reference"
    layout = layout_of(names, len(conditions), title)
    layout["shapes"].append(
        {"type": "line", "x0": none, "x1": none, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": "#8a8a8a", "width": 1}}
    )
    layout["xaxis"] |= {"range": list(map(float, limits))} if readout.is_shift else log_axis(*limits)
    return data, layout


def _change_words(readout: Readout, found: dict[str, xr.DataArray], k: int) -> str:
    middle, low, high = (float(found[name].values[k]) for name in readout.change_statistics)
    words = readout.change_text(middle)
    return f"{words} [{readout.change_text(low)}, {readout.change_text(high)}]" if np.isfinite([low, high]).all() else words


def _largest(readout: Readout, names: list[str], condition: Compared) -> str:
    """``"escitalopram: DRN 5-HT +250 % [180, 340], ..."``."""
    found = {key: own.sel({readout.row: names}) for key, own in readout.change(condition).items()}
    middle = found[readout.change_statistics[0]].values
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(middle if readout.is_shift else np.log(middle))
    order = [k for k in np.argsort(-np.nan_to_num(size, nan=-1.0, posinf=1e9)) if np.isfinite(middle[k])]
    words = [f"{names[k]} {_change_words(readout, found, k)}" for k in order[:_MOST_SAID]]
    return f"{condition.label}: {', '.join(words)}." if words else f"{condition.label}: no data."


def _change_cells(readout: Readout, condition: Compared) -> Iterator[list]:
    found = {key: own.sel({readout.row: readout.names}) for key, own in readout.change(condition).items()}
    for k, name in enumerate(readout.names):
        place = {**readout.at, **condition.pair_at, readout.row: name}
        yield _cell(found, readout.change_statistics, k, readout.variable, place, readout.change_text)


def hover() -> str:
    """What is said where a mark is pointed at: its own text."""
    return "%{text}<extra></extra>"


def log_axis(low: float, high: float) -> dict:
    """A logarithmic axis with plain numbers, as Matplotlib's figures have it."""
    ticks = log_tick_values(low, high)
    ends = [float(np.log10(low)), float(np.log10(high))]
    return {"type": "log", "range": ends, "tickvals": ticks, "ticktext": [number(tick) for tick in ticks]}


def layout_of(names: Sequence[str], n_conditions: int, title: str) -> dict:
    """One row per name, the first on top, every other shaded."""
    n = len(names)
    return {
        "height": _AROUND + n * max(_ROW, _PER_CONDITION * n_conditions + 6),
        "xaxis": {"title": {"text": title}},
        "yaxis": {
            "range": [n - 0.5, -0.5], "tickvals": list(range(n)), "ticktext": list(names), "showgrid": False,
            "zeroline": False, "fixedrange": True,
        },
        "shapes": [
            {
                "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": k - 0.5, "y1": k + 0.5, "line": {"width": 0},
                "fillcolor": "rgba(128,128,128,0.09)", "layer": "below",
            }
            for k in range(0, n, 2)
        ],
    }  # fmt: skip
