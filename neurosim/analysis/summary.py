"""Trials → ``summary.h5``: every number over arm × subject × scan axes × phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis.balance import balance_dataset
from neurosim.analysis.known import SUMMARY
from neurosim.errors import ResultSchemaError, nearest
from neurosim.recording import (
    COLUMNS,
    OUTCOMES_WITH_DATA,
    SCHEMA,
    VARIABLES,
    TrialRecord,
    clean_attributes,
    write_tree,
)

__all__ = ["MISSING", "SUMMARY", "Axis", "assemble_summary", "write_summary"]

MISSING = "missing"
_GROUPS = ("rates", "pools", "receptors", "drugs")
# what is left where nothing spikes (engine: none)
_STILL_GROUPS = ("receptors", "drugs")
# what an arm without a drug has of it
_NONE_IS_ZERO = ("ligand", "drug")


@dataclass(frozen=True)
class Axis:
    """One scan dimension: an axis, or ``point`` with the axes that go along it.

    Attributes
    ----------
    name : str
        Becomes the dimension.
    values : tuple
        Numbers in ``unit``, or texts.
    unit : str
        "1" for plain numbers, empty for texts.
    path : str
        What the axis sets in the experiment; empty for ``point``.
    members : tuple of Axis
        Of the dimension ``point``: the axes that go along it.
    """

    name: str
    values: tuple
    unit: str
    path: str
    members: tuple[Axis, ...] = ()

    @classmethod
    def of(cls, name: str, values: Sequence, unit: str | None, path: str) -> Axis:
        """From quantities (turned into numbers in ``unit``), plain numbers or texts."""
        plain = tuple(v.to(unit) if unit and hasattr(v, "to") else v for v in values)
        is_text = any(isinstance(v, str) for v in plain)
        return cls(name, tuple(map(str, plain)) if is_text else plain, "" if is_text else (unit or "1"), path)

    def text(self, index: int) -> str:
        """``"dose 0.3 mg/kg"`` for one of its values."""
        value = self.values[index]
        number = value if isinstance(value, str) else f"{float(f'{value:.3g}'):g}"
        return f"{self.name} {number}" + (f" {self.unit}" if self.unit not in ("", "1") else "")

    @classmethod
    def point(cls, members: Sequence[Axis]) -> Axis:
        """The dimension along which some axes go together; its values are numbers of points."""
        return cls("point", tuple(range(len(members[0].values))), "1", "", tuple(members))


@dataclass(frozen=True)
class _Frame:
    """Arms, subjects, axes and phases, and which trial belongs to which cell of them."""

    arms: tuple[str, ...]
    subjects: tuple[int, ...]
    axes: tuple[Axis, ...]
    phases: tuple[str, ...]
    keys: np.ndarray

    @property
    def dims(self) -> tuple[str, ...]:
        return ("arm", "subject", *(axis.name for axis in self.axes))

    @property
    def coords(self) -> dict[str, Any]:
        coords: dict[str, Any] = {
            "arm": list(self.arms),
            "subject": ("subject", np.array(self.subjects, np.int64), {"units": "1", "long_name": "subject"}),
        }
        for axis in self.axes:
            for order, own in enumerate((axis, *axis.members)):
                # a file keeps coordinates in no order of its own
                coords[own.name] = (axis.name, np.array(own.values), {**_said(own), "order": order})
        return coords

    def cells(self, records: Mapping[str, TrialRecord]) -> Iterator[tuple[tuple[int, ...], TrialRecord]]:
        """Index and record of every cell whose trial has data."""
        for index in np.ndindex(self.keys.shape):
            record = records.get(self.keys[index])
            if record is not None and record.outcome in OUTCOMES_WITH_DATA:
                yield index, record


def _said(axis: Axis) -> dict[str, Any]:
    """Attributes of the coordinate of an axis."""
    named = {"long_name": "number of the scan point"} if axis.members else {"path": axis.path, "long_name": axis.path}
    return named | ({"unit": axis.unit, "units": axis.unit} if axis.unit else {})


def assemble_summary(
    records: Mapping[str, TrialRecord],
    keys: Mapping[tuple[str, int, tuple[int, ...]], str],
    *,
    arms: Sequence[str],
    subjects: Sequence[int],
    phases: Sequence[str],
    axes: Sequence[Axis] = (),
    reference: tuple[str, str],
    attributes: Mapping[str, Any] | None = None,
    has_spikes: bool = True,
    drugs: Sequence[str] = (),
) -> xr.DataTree:
    """The summary of an experiment as a DataTree.

    Parameters
    ----------
    records : mapping, key → TrialRecord
        From :func:`neurosim.recording.read_record`. A key that is absent has not run: its outcome is
        ``missing``.
    keys : mapping, (arm, subject, point) → key
        ``point`` holds the index on each axis, ``()`` without a scan. An arm that an axis does not touch
        has one key at all its points, and is broadcast by that.
    arms, subjects, phases : sequence
    axes : sequence of Axis
    reference : (arm, phase)
        Of the balance.
    attributes : mapping, optional
        Root attributes, see DESIGN §5.
    has_spikes : bool
        False with ``engine: none``.
    drugs : sequence of str
        The order of drugs and ligands; others follow by name.

    Returns
    -------
    DataTree
        Groups ``rates pools receptors drugs balance trials``, without spikes ``receptors drugs trials``; in memory.

    Raises
    ------
    ResultSchemaError
        A reference that is not there, an axis named like a dimension, a trial with a phase the experiment
        lacks.
    """
    frame = _frame(keys, tuple(arms), tuple(subjects), tuple(axes), tuple(phases))
    _check_reference(frame, reference)
    _check_axes(frame)
    labels, columns = _labels(frame, records, drugs)
    named = _GROUPS if has_spikes else _STILL_GROUPS
    groups = {group: _group(group, frame, records, labels, columns) for group in named}
    if has_spikes:
        groups["balance"] = balance_dataset(
            groups["pools"]["concentration"], groups["receptors"]["activation"], *reference
        )
    groups["trials"] = _trials(frame, records)
    own = {
        "schema": SCHEMA,
        "Conventions": "CF-1.11",
        "reference_arm": reference[0],
        "reference_phase": reference[1],
        "wall_time": float(groups["trials"]["wall_time"].sum()),
    }
    root = xr.Dataset(attrs=clean_attributes({**(attributes or {}), **own}))
    return xr.DataTree.from_dict({"/": root, **groups})


def write_summary(folder: Path, tree: xr.DataTree) -> Path:
    """Write ``folder/summary.h5``, whole or not at all.

    Parameters
    ----------
    folder : Path
    tree : DataTree
        From :func:`assemble_summary`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ResultSchemaError
        The folder cannot be written to or the disk is full.
    """
    return write_tree(Path(folder) / SUMMARY, tree)


def _frame(keys, arms, subjects, axes, phases) -> _Frame:
    shape = (len(arms), len(subjects), *(len(axis.values) for axis in axes))
    table = np.full(shape, "", dtype=object)
    for index in np.ndindex(shape):
        table[index] = keys.get((arms[index[0]], subjects[index[1]], index[2:]), "")
    return _Frame(arms, subjects, axes, phases, table)


def _check_reference(frame: _Frame, reference: tuple[str, str]) -> None:
    for what, name, allowed in (("arm", reference[0], frame.arms), ("phase", reference[1], frame.phases)):
        if name not in allowed:
            raise ResultSchemaError(
                f"reference {what} {name!r} is not in the results: {nearest(name, allowed)}"
            )


def _check_axes(frame: _Frame) -> None:
    from neurosim.spec import RESERVED  # reading results must not load what describes experiments

    for axis in frame.axes:
        if axis.name in RESERVED and not axis.members:
            raise ResultSchemaError(
                f"scan axis {axis.name!r}: results have a dimension or variable of that name; name it otherwise"
            )


def _labels(frame: _Frame, records: Mapping[str, TrialRecord], drugs: Sequence[str]):
    """Names on every dimension, in order of first appearance, and what the columns say of each."""
    labels: dict[str, dict[str, None]] = {"phase": dict.fromkeys(frame.phases)}
    columns: dict[str, dict[str, str]] = {c: {} for names in COLUMNS.values() for c in names}
    for record in {id(r): r for _, r in frame.cells(records)}.values():
        unknown = set(record.labels["phase"]) ^ set(frame.phases)
        if unknown:
            raise ResultSchemaError(
                f"trial {record.key} and the experiment differ in the phases {', '.join(sorted(unknown))}; "
                "run the experiment again"
            )
        for dim, names in record.labels.items():
            labels.setdefault(dim, {}).update(dict.fromkeys(names))
        for dim in record.labels.keys() & COLUMNS.keys():
            for column in COLUMNS[dim]:
                said = dict(zip(record.labels[dim], record.columns[column], strict=True))
                columns[column] = said | columns[column]
    place = {name: k for k, name in enumerate(drugs)}

    def ordered(names):
        # does not hang on which trials are there
        return sorted(names, key=lambda name: (place.get(name, len(place)), name))

    return {d: tuple(ordered(names) if d in _NONE_IS_ZERO else names) for d, names in labels.items()}, columns


def _group(group, frame: _Frame, records, labels, columns) -> xr.Dataset:
    dims = {d for entry in VARIABLES[group].values() for d in entry.dims}
    coords = {**frame.coords, **{d: np.array(labels.get(d, ()), dtype=str) for d in dims}}
    for dim in dims & set(COLUMNS):
        for column in COLUMNS[dim]:
            coords[column] = (
                dim,
                np.array([columns[column][name] for name in labels.get(dim, ())], dtype=str),
            )
    dataset = xr.Dataset(coords=coords)
    for name, entry in VARIABLES[group].items():
        inner = tuple(labels.get(d, ()) for d in entry.dims)
        values = np.full((*frame.keys.shape, *map(len, inner)), np.nan)
        for index, record in frame.cells(records):
            own = record.values[group, name]
            if all(record.labels[d] == names for d, names in zip(entry.dims, inner, strict=True)):
                values[index] = own
            else:
                values[index] = _placed(own, entry.dims, record.labels, inner)
        attributes = {"units": entry.units, "long_name": entry.long_name}
        dataset[name] = ((*frame.dims, *entry.dims), values, attributes)
    return dataset


def _placed(own, dims, own_labels, inner) -> np.ndarray:
    """One trial's array on the labels of all; a drug that the trial does not have is 0, all else NaN."""
    out = np.full(tuple(map(len, inner)), np.nan)
    positions, filled = [], []
    for dim, names in zip(dims, inner, strict=True):
        where = {name: k for k, name in enumerate(names)}
        positions.append(np.array([where[name] for name in own_labels[dim]], int))
        filled.append(np.arange(len(names)) if dim in _NONE_IS_ZERO else positions[-1])
    if any(dim in _NONE_IS_ZERO for dim in dims):
        out[np.ix_(*filled)] = 0.0
    out[np.ix_(*positions)] = own
    return out


def _trials(frame: _Frame, records: Mapping[str, TrialRecord]) -> xr.Dataset:
    shape = frame.keys.shape
    texts = {name: np.full(shape, "", dtype=object) for name in ("outcome", "message")}
    wall_time = np.full(shape, np.nan)
    for index in np.ndindex(shape):
        record = records.get(frame.keys[index])
        texts["outcome"][index] = record.outcome if record else MISSING
        texts["message"][index] = record.message if record else "not run yet"
        wall_time[index] = record.wall_time if record else np.nan
    times = {name: np.full((*shape, len(frame.phases)), np.nan) for name in ("at", "record")}
    for index, record in frame.cells(records):
        order = [record.labels["phase"].index(phase) for phase in frame.phases]
        for name, values in times.items():
            values[index] = record.values["trials", name][order]
    dataset = xr.Dataset(coords={**frame.coords, "phase": list(frame.phases)})
    dataset["outcome"] = (frame.dims, texts["outcome"].astype(str), {"long_name": "how the trial ended"})
    dataset["key"] = (
        frame.dims,
        frame.keys.astype(str),
        {"long_name": "name of the trial's file in trials/"},
    )
    dataset["message"] = (
        frame.dims,
        texts["message"].astype(str),
        {"long_name": "why, where it did not end ok"},
    )
    for name, dims, values in (
        ("wall_time", frame.dims, wall_time),
        *((name, (*frame.dims, "phase"), values) for name, values in times.items()),
    ):
        entry = VARIABLES["trials"][name]
        dataset[name] = (dims, values, {"units": entry.units, "long_name": entry.long_name})
    return dataset
