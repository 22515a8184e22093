"""The table that ends a run, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import xarray as xr

from neurosim.analysis.compare import paired_numbers

__all__ = ["Cell", "Column", "TableRow", "summary_columns", "summary_table"]

_MOST_POINTS = 4
#: Per cent held by drugs below which a receptor or carrier is left out of the table.
_WORTH_A_ROW = 0.5


@dataclass(frozen=True)
class Column:
    """An arm, at one point of the scan where the arm depends on it."""

    label: str
    arm: str
    point: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """A readout in one column.

    Attributes
    ----------
    value : float
        Mean over subjects, in the row's unit; NaN where nothing is defined.
    change, low, high : float
        Against the reference, paired over subjects, with its 95 % interval: a part of the reference (0.3 =
        30 % more), or for the balance the difference itself. NaN in the reference's own column and, for the
        interval, below two subjects.
    n : int
        Subjects with both values.
    is_relative : bool
        Whether ``change`` is a part of the reference.
    """

    value: float
    change: float = np.nan
    low: float = np.nan
    high: float = np.nan
    n: int = 0
    is_relative: bool = True

    @property
    def text(self) -> str:
        """``"1.23 +31 % [20, 44]"``; a dash where nothing is defined."""
        if np.isnan(self.value):
            return "-"
        words = [f"{self.value:+.2f}" if not self.is_relative else f"{self.value:.3g}"]
        if not np.isnan(self.change):
            words.append(_percent(self.change) if self.is_relative else f"({self.change:+.2f})")
        if not np.isnan(self.low) and np.isfinite([self.low, self.high]).all():
            words.append(
                f"[{_whole(self.low)}, {_whole(self.high)}]"
                if self.is_relative
                else f"[{self.low:.2f}, {self.high:.2f}]"
            )
        return " ".join(words)


def _percent(change: float) -> str:
    return f"{round(100 * change):+d} %" if np.isfinite(change) else "-"


def _whole(change: float) -> str:
    """An end of an interval; of one that spans orders of magnitude the digits mean nothing."""
    return ">9999" if change > 99.99 else str(round(100 * change))


@dataclass(frozen=True)
class TableRow:
    """One readout over all columns.

    Attributes
    ----------
    section : str
        ``rates``, ``concentrations`` or ``balance``; without spikes ``drugs``, ``carriers held by drugs``,
        ``receptors held by drugs`` or ``activation``.
    name : str
        ``DRN_HT``, ``5-HT DRN`` or ``DRN``.
    unit : str
    cells : dict of column label → Cell
    """

    section: str
    name: str
    unit: str
    cells: dict[str, Cell] = field(repr=False)


def summary_columns(results) -> list[Column]:
    """The columns of the table: the reference arm first; a scanned arm at up to four of its points."""
    arms = list(results.arms)
    arms.sort(key=lambda arm: arm != results.reference[0])
    columns = []
    for arm in arms:
        points = list(product(*(range(n) for n in results.scan_shape)))
        if not results.is_scanned(arm):
            columns.append(Column(arm, arm, points[0]))
            continue
        chosen = np.unique(
            np.linspace(0, len(points) - 1, min(_MOST_POINTS, len(points))).round().astype(int)
        )
        columns += [Column(f"{arm} {results.point_text(points[k])}", arm, points[k]) for k in chosen]
    return columns


def summary_table(results, phase: str | None = None) -> list[TableRow]:
    """Rates, concentrations and balance of every arm, with the paired change against the reference arm.

    Parameters
    ----------
    results : Results
    phase : str, optional
        The last by default. The change is against the reference arm in the same phase; if the results have
        one arm only, against its reference phase.

    Returns
    -------
    list of TableRow
        The columns, ``row.cells``, are in the order of :func:`summary_columns`. Rates are ``firing_rate``,
        per surviving cell.
    """
    phase = phase or results.phases[-1]
    reference_phase = phase if len(results.arms) > 1 else results.reference[1]
    maker = _RowMaker(results, phase, reference_phase)
    if not results.has_spikes:
        return _still_rows(results, maker)
    rates = results.summary["rates"]["firing_rate"]
    pools = results.summary["pools"]["concentration"]
    rows = [maker.row("rates", name, rates.sel(population=name)) for name in rates.population.values.tolist()]
    for transmitter, region in product(pools.transmitter.values.tolist(), pools.region.values.tolist()):
        levels = pools.sel(transmitter=transmitter, region=region)
        rows.append(maker.row("concentrations", f"{transmitter} {region}", levels))
    balance = results.summary["balance"]["balance"]
    rows += [
        maker.row("balance", name, balance.sel(region=name), is_relative=False)
        for name in balance.region.values.tolist()
    ]
    return [row for row in rows if not _is_empty(row.cells.values())]


def _still_rows(results, maker: _RowMaker) -> list[TableRow]:
    """Without spikes: what is in the brain, what it holds, what receptors then do."""
    drugs, receptors = results.summary["drugs"]["concentration"], results.summary["receptors"]
    rows = [maker.level_row("drugs", name, drugs.sel(drug=name), "nM") for name in drugs.drug.values.tolist()]
    for section, variable, dim in (
        ("carriers held by drugs", "carrier_occupancy", "carrier"),
        ("receptors held by drugs", "occupancy", "site"),
    ):
        held = 100.0 * receptors[variable].sum("ligand")
        own = [maker.level_row(section, name, held.sel({dim: name}), "%") for name in held[dim].values.tolist()]
        rows += [row for row in own if any(cell.value >= _WORTH_A_ROW for cell in row.cells.values())]
    active = receptors["activation"]
    return rows + [maker.row("activation", name, active.sel(site=name)) for name in active.site.values.tolist()]


def _is_empty(cells: Iterable[Cell]) -> bool:
    return all(np.isnan(cell.value) for cell in cells)


class _RowMaker:
    def __init__(self, results, phase: str, reference_phase: str):
        self.results, self.phase, self.reference_phase = results, phase, reference_phase
        self.columns = summary_columns(results)
        self.axes = list(results.axes)

    def level_row(self, section: str, name: str, values: xr.DataArray, unit: str) -> TableRow:
        """What drugs do is nothing in an arm without them, so there is no change to give."""
        cells = {}
        for column in self.columns:
            at = dict(zip(self.axes, column.point, strict=True))
            own = values.isel(at).sel(arm=column.arm, phase=self.phase, drop=True)
            cells[column.label] = Cell(float(own.mean()), n=int(own.notnull().sum()))
        return TableRow(section, name, unit, cells)

    def row(self, section: str, name: str, values: xr.DataArray, is_relative: bool = True) -> TableRow:
        values = values.load()
        cells = {column.label: self._cell(column, values, is_relative) for column in self.columns}
        return TableRow(section, name, values.attrs["units"] if is_relative else "log2", cells)

    def _cell(self, column: Column, values: xr.DataArray, is_relative: bool) -> Cell:
        own = self._subjects(values, column, column.arm, self.phase)
        there = own[~np.isnan(own)]
        # the mean of nothing is nothing: say so without NumPy's warning
        value = float(there.mean()) if there.size else np.nan
        reference_arm = self.results.reference[0]
        if (column.arm, self.phase) == (reference_arm, self.reference_phase):
            return Cell(value, n=there.size, is_relative=is_relative)
        reference = self._subjects(values, column, reference_arm, self.reference_phase)
        statistics = paired_numbers(own, reference)
        wanted = ("ratio", "ratio_low", "ratio_high") if is_relative else ("difference", "low", "high")
        change, low, high = (float(statistics[s]) - is_relative for s in wanted)
        return Cell(value, change, low, high, int(statistics["n"]), is_relative)

    def _subjects(self, values: xr.DataArray, column: Column, arm: str, phase: str) -> np.ndarray:
        """Values of an arm and phase at a scan point, shape (subject,); xarray's own selection takes most of a table."""
        at = dict(zip(self.axes, column.point, strict=True))
        at |= {"arm": self.results.arms.index(arm), "phase": self.results.phases.index(phase)}
        return values.values[tuple(at.get(dim, slice(None)) for dim in values.dims)]
