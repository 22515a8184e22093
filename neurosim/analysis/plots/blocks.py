"""Sheets of many small panels of a kind: their places, outer labels, and a column for colour bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from matplotlib.axes import Axes

from neurosim.analysis.plots.style import Sheet

__all__ = [
    "Block",
    "Panels",
    "block_sheet",
    "label_outside",
    "regions_with_balance",
    "transmitter_populations",
]

_MOST_COLUMNS, _FEWEST_COLUMNS = 4, 2
#: Of a panel, inches.
_WIDTH, _HEIGHT = 1.65, 1.6
_LEFT, _RIGHT, _GAP = 0.8, 1.15, 0.3
_BETWEEN_ROWS, _BETWEEN_BLOCKS = 0.42, 0.95
#: Of the colour bar: inches from the panels, and width.
_BAR_OFFSET, _BAR_WIDTH = 0.18, 0.13


@dataclass(frozen=True)
class Block:
    """Panels of one kind, by the names that head them."""

    names: Sequence[str]

    def n_rows(self, n_columns: int) -> int:
        return -(-len(self.names) // n_columns)


@dataclass(frozen=True)
class Panels:
    """The axes of a block in order, and the axes to the right of them that a colour bar fills."""

    names: Sequence[str]
    axes: list[Axes]
    bar: Axes
    n_columns: int


def block_sheet(
    blocks: Sequence[Block], top: float, left: float = _LEFT, right: float = _RIGHT
) -> tuple[Sheet, list[Panels]]:
    """A sheet with the panels of every block, at most four to a row."""
    columns = min(max(len(block.names) for block in blocks), _MOST_COLUMNS)
    columns = max(columns, _FEWEST_COLUMNS)
    starts = list(accumulate(block.n_rows(columns) for block in blocks))
    n_rows = starts[-1]
    gaps = [_BETWEEN_BLOCKS if row in starts else _BETWEEN_ROWS for row in range(1, n_rows)]
    width = left + right + columns * _WIDTH + (columns - 1) * _GAP
    rows = [(_HEIGHT, [1.0] * columns)] * n_rows
    sheet = Sheet(rows, width, left=left, right=right, top=top, bottom=0.55, gap=_GAP, row_gap=gaps)
    panels, first = [], 0
    for block in blocks:
        cells = [axes for row in sheet.rows[first : first + block.n_rows(columns)] for axes in row]
        bar = _bar_beside(sheet, cells[columns - 1], cells[-1])
        for unused in cells[len(block.names) :]:
            unused.remove()
        panels.append(Panels(block.names, cells[: len(block.names)], bar, columns))
        first += block.n_rows(columns)
    return sheet, panels


def _bar_beside(sheet: Sheet, highest: Axes, lowest: Axes) -> Axes:
    width = sheet.figure.get_figwidth()
    upper, lower = highest.get_position(), lowest.get_position()
    place = (upper.x1 + _BAR_OFFSET / width, lower.y0, _BAR_WIDTH / width, upper.y1 - lower.y0)
    return sheet.figure.add_axes(place)


def label_outside(panels: Panels, x: str, y: str) -> None:
    """Labels and numbers at the lowest panel of each column and the first of each row; the others share them."""
    for k, axes in enumerate(panels.axes):
        if k % panels.n_columns == 0:
            axes.set_ylabel(y)
        else:
            axes.tick_params(labelleft=False)
        if k + panels.n_columns >= len(panels.axes):
            axes.set_xlabel(x)
        else:
            axes.tick_params(labelbottom=False)


def regions_with_balance(results, arm: str, phase: str) -> list[str]:
    """Regions that have both transmitters, in an arm of which any trial has data."""
    values = results.summary["balance"]["balance"].sel(arm=arm, phase=phase).load()
    names = values.region.values.tolist()
    return [name for name in names if np.isfinite(values.sel(region=name)).any()]


def transmitter_populations(rates) -> list[str]:
    """Populations that release dopamine or serotonin."""
    transmitters = rates.population_transmitter.values.tolist()
    names = rates.population.values.tolist()
    return [name for name, t in zip(names, transmitters, strict=True) if t in ("DA", "5-HT")]
