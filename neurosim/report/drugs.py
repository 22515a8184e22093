"""Every drug: how it was given, what of it is free in the brain, what it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurosim.analysis.plots.common import spaced
from neurosim.report.conditions import MOST, Compared, compared
from neurosim.report.figures import Figure, Readout, level_view
from neurosim.report.numbers import Stated, plain_text, stated, statistics_of
from neurosim.spec import Experiment, drug_text

__all__ = ["DrugFound", "Held", "drugs_of", "occupancy_figure"]

#: Part of a target below which nothing is drawn.
_WORTH_A_ROW = 0.005
#: Targets in a figure.
_MOST_TARGETS = 30


@dataclass(frozen=True)
class Held:
    """The target that a drug holds most in a condition."""

    drug: str
    target: str
    part: Stated


@dataclass(frozen=True)
class DrugFound:
    """A drug or metabolite of the results.

    Attributes
    ----------
    name : str
    given : tuple of (arm, words)
        How it was given; empty for what is made from another drug.
    table : tuple of rows
        Free concentration, then every target that it holds by 0.5 % or more; a column per condition with it.
    below : tuple of str
        Targets that it holds less of, everywhere.
    """

    name: str
    given: tuple[tuple[str, str], ...]
    table: tuple[tuple, ...]
    below: tuple[str, ...]

    def most_held(self, label: str) -> Held | None:
        """What it holds most of in a condition; None where it is not or holds nothing."""
        if not self.table or label not in self.table[0] or len(self.table) < 3:
            return None
        column = self.table[0].index(label)
        target, part = max(((row[0], row[column][0]) for row in self.table[2:]), key=lambda pair: pair[1].value)
        return Held(self.name, target, part) if part.value >= _WORTH_A_ROW else None


def drugs_of(results, experiment: Experiment | None) -> tuple[DrugFound, ...]:
    """All drugs of some results in the last phase."""
    levels = results.summary["drugs"]["concentration"].load()
    held = _held(results)
    return tuple(_found(results, experiment, name, levels, held) for name in levels.drug.values.tolist())


def _held(results) -> xr.DataArray:
    """Part of every carrier and site that each ligand holds, dims (..., target, ligand)."""
    receptors = results.summary["receptors"]
    parts = [
        receptors[variable].load().rename({row: "target"}).reset_coords(drop=True)
        for variable, row in (("carrier_occupancy", "carrier"), ("occupancy", "site"))
    ]
    return xr.concat([p.transpose(..., "target", "ligand") for p in parts if p.sizes["target"]], "target")


def _with_drug(results, name: str, levels: xr.DataArray) -> list[Compared]:
    """Conditions of the last phase in which a drug is in the brain."""
    own = levels.sel(drug=name, drop=True)
    found = [c for c in compared(results, results.phases[-1]) if float(np.nan_to_num(c.of(own).max())) > 0]
    return found[:MOST]


def _found(results, experiment, name: str, levels: xr.DataArray, held: xr.DataArray) -> DrugFound:
    conditions = _with_drug(results, name, levels)
    own = held.sel(ligand=name, drop=True) if name in held.ligand.values.tolist() else held.isel(ligand=[]).sum("ligand")
    rows = [("", *(c.label for c in conditions))]
    if conditions:
        rows.append(("free in the brain", *(_level_cell(c, levels.sel(drug=name, drop=True), name) for c in conditions)))
    targets = own.target.values.tolist()
    columns = [_held_cells(results, condition, own, name) for condition in conditions]
    most = np.nan_to_num([[cell[0].value for cell in column] for column in columns] or [[0.0] * len(targets)]).max(axis=0)
    order = [k for k in np.argsort(-most, kind="stable").tolist() if most[k] >= _WORTH_A_ROW]
    shown = [(targets[k], [column[k] for column in columns]) for k in order]
    below = [target for k, target in enumerate(targets) if k not in order]
    rows += [(target, *cells) for target, cells in shown]
    return DrugFound(name, _given(experiment, name), tuple(rows), tuple(below))


def _level_cell(condition: Compared, values: xr.DataArray, name: str) -> list[Stated]:
    mean = float(statistics_of(condition.of(values))["mean"])
    return [stated(mean, "drugs/concentration", "mean", {**condition.at, "drug": name}, f"{plain_text(mean)} nM")]


def _held_cells(results, condition: Compared, values: xr.DataArray, name: str) -> list[list[Stated]]:
    """What a drug holds of every target in a condition."""
    means = statistics_of(condition.of(values))["mean"].values
    carriers = results.summary["receptors"].carrier.values.tolist()
    found = []
    for target, mean in zip(values.target.values.tolist(), means.tolist(), strict=True):
        group, row = ("receptors/carrier_occupancy", "carrier") if target in carriers else ("receptors/occupancy", "site")
        place = {**condition.at, row: target, "ligand": name}
        found.append([stated(mean, group, "mean", place, f"{plain_text(100 * mean)} %")])
    return found


def _given(experiment: Experiment | None, name: str) -> tuple[tuple[str, str], ...]:
    if experiment is None:
        return ()
    from neurosim import reference

    return tuple(
        (arm, drug_text(drug))
        for arm, what in experiment.arms.items()
        for drug in what.drugs
        if reference.drug(drug.drug).name == name
    )


def occupancy_figure(results) -> Figure | None:
    """What each drug holds, a drug at a time; None where none holds anything."""
    held, levels = _held(results), results.summary["drugs"]["concentration"].load()
    views, said = [], []
    for name in held.ligand.values.tolist():
        conditions = _with_drug(results, name, levels) if name in levels.drug.values.tolist() else []
        own = 100.0 * held.sel(ligand=name, drop=True)
        most = own.max([d for d in own.dims if d != "target"])
        order = [k for k in np.argsort(-most.values, kind="stable") if most.values[k] >= 100 * _WORTH_A_ROW]
        targets = own.target.values[order[:_MOST_TARGETS]].tolist()
        if conditions and targets:
            readout = Readout("held", "", "receptors/held", own, "target", "% held", {"ligand": name}, scale=100.0)
            views.append((name, *level_view(readout, targets, conditions)))
            said.append(_most_held(name, own, targets, conditions))
    if not views:
        return None
    n = len(results.subjects)
    caption = (
        f"Part of carriers and receptors that each drug holds, phase {results.phases[-1]}, "
        f"{'mean with 95 % interval over subjects' if n > 1 else 'one subject'}; targets below 0.5 % are left out. "
        + " ".join(said)
    )
    return Figure("held", "Occupancy by drug", caption, tuple(views), "drug" if len(views) > 1 else "")


def _most_held(name: str, own: xr.DataArray, targets: list[str], conditions: list[Compared]) -> str:
    means = {c.label: statistics_of(c.of(own).sel(target=targets))["mean"].values for c in conditions}
    label = max(means, key=lambda one: np.nan_to_num(means[one]).max())
    order = np.argsort(-np.nan_to_num(means[label]))[:3]
    words = ", ".join(f"{targets[k]} {plain_text(means[label][k])} %" for k in order)
    return f"{spaced(name)} in {label}: {words}."
