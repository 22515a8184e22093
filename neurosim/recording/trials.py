"""One file per trial: ``DIR/trials/<key>.h5``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import reference
from neurosim.errors import ResultSchemaError
from neurosim.recording.files import (
    clean_attributes,
    open_tree,
    reading,
    root_attributes,
    without_collection,
    write_file,
)
from neurosim.recording.groups import Column, Group
from neurosim.recording.schema import (
    COLUMNS,
    OUTCOMES_WITH_DATA,
    SCHEMA,
    VARIABLES,
    PhaseResult,
    SiteInfo,
    TrialResult,
)

if TYPE_CHECKING:
    import h5py
    import xarray as xr

__all__ = [
    "TrialRecord",
    "load_spikes",
    "load_trial",
    "names_in",
    "read_header",
    "read_record",
    "record_of",
    "site_coords",
    "trial_path",
    "variable",
    "write_trial",
]

_SUMMARY_GROUPS = ("rates", "pools", "receptors", "drugs", "trials")


@dataclass(frozen=True)
class TrialRecord:
    """What a trial file says about itself, and its summary numbers if they were read.

    Attributes
    ----------
    key, outcome, message : str
    wall_time : float, s
    attributes : dict
        Root attributes.
    labels : dict of dimension → tuple of str
    columns : dict of column → tuple of str
        What :data:`~neurosim.recording.schema.COLUMNS` says of each population and site.
    values : dict of (group, variable) → array
        Dimensions as in :data:`~neurosim.recording.schema.VARIABLES`.
    """

    key: str
    outcome: str
    message: str
    wall_time: float
    attributes: dict[str, Any] = field(repr=False)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    values: dict[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False)


def trial_path(folder: Path, key: str) -> Path:
    """Where the file of a trial is, or would be."""
    return Path(folder) / "trials" / f"{key}.h5"


def write_trial(
    folder: Path,
    trial: TrialResult,
    rates: Mapping[str, np.ndarray] | None = None,
    attributes: Mapping[str, Any] | None = None,
    *,
    spikes: bool = True,
) -> Path:
    """Write ``folder/trials/<key>.h5``, whole or not at all.

    Parameters
    ----------
    folder : Path
        The experiment's folder.
    trial : TrialResult
    rates : mapping, variable of group ``rates`` → array of shape (phase, population)
        From :func:`neurosim.analysis.trial_rates`; needed where the outcome has data.
    attributes : mapping, optional
        Root attributes besides those of the trial itself.
    spikes : bool
        False leaves the spike trains out; the readouts that rest on them stay.

    Raises
    ------
    ResultSchemaError
        Folder not writable, disk full, phases that differ in what they hold.
    """
    root, groups = _attributes(trial, attributes or {}), {}
    if trial.has_data:
        _check_same_labels(trial)
        groups |= _summary_groups(trial, rates or {})
        root["labels_hash"] = _labels_hash(groups)
        if spikes:
            groups["spikes"] = _spikes(trial)
        groups["traces"] = _traces(trial)
        if trial.phases[0].labels.voltages:
            groups["voltages"] = _voltages(trial)
    return write_file(trial_path(folder, trial.key), root, groups)


def record_of(trial: TrialResult, rates: Mapping[str, np.ndarray] | None = None) -> TrialRecord:
    """What :func:`read_record` reads of the trial's file, without root attributes and without a file.

    Parameters
    ----------
    trial : TrialResult
    rates : mapping
        As for :func:`write_trial`.
    """
    record = TrialRecord(trial.key, trial.outcome, trial.message, float(trial.wall_time), {})
    if not trial.has_data:
        return record
    groups = _summary_groups(trial, rates or {})
    names = {name: tuple(map(str, texts)) for group in groups.values() for name, texts in group.labels().items()}
    dims, columns = _named()
    return replace(
        record,
        labels={dim: names[dim] for dim in dims},
        columns={column: names[column] for column in columns},
        values={
            (name, variable): np.asarray(column.values, np.float64)
            for name, group in groups.items()
            for variable, column in group.columns().items()
            if variable in group.variables
        },
    )


def _named() -> tuple[set[str], list[str]]:
    """Dimensions of the summary groups, and the columns that say what lies along them."""
    dims = {dim for group in _SUMMARY_GROUPS for entry in VARIABLES[group].values() for dim in entry.dims}
    return dims, [column for dim, names in COLUMNS.items() if dim in dims for column in names]


def _attributes(trial: TrialResult, extra: Mapping[str, Any]) -> dict[str, Any]:
    return clean_attributes(
        {
            **extra,
            "schema": SCHEMA,
            "Conventions": "CF-1.11",
            "key": trial.key,
            "outcome": trial.outcome,
            "message": trial.message,
            "wall_time": float(trial.wall_time),
            "loop_time": float(trial.loop_time),
        }
    )


def _check_same_labels(trial: TrialResult) -> None:
    first = trial.phases[0]
    for phase in trial.phases[1:]:
        for part in ("labels", "populations", "sites", "ligands", "carriers", "dt", "trace_step"):
            if getattr(phase, part) != getattr(first, part):
                raise ResultSchemaError(
                    f"trial {trial.key}: phases {first.name!r} and {phase.name!r} differ in {part}; "
                    "all phases of a trial hold the same things"
                )


def variable(group: str, name: str, values: np.ndarray, dims: tuple[str, ...] | None = None) -> Column:
    """A variable of the schema, with its unit."""
    entry = VARIABLES[group][name]
    return Column(
        entry.dims if dims is None else dims, values, {"units": entry.units, "long_name": entry.long_name}
    )


def _summary_groups(trial: TrialResult, rates: Mapping[str, np.ndarray]) -> dict[str, Group]:
    first, phases = trial.phases[0], trial.phases
    phase = {"phase": [p.name for p in phases]}
    missing = [name for name in VARIABLES["rates"] if name not in rates]
    if missing:
        raise ResultSchemaError(f"trial {trial.key}: the rates lack {', '.join(missing)}")
    grid = _PoolGrid(first)
    ligand = np.array(first.ligands, dtype=str)
    groups = {
        "rates": (
            {name: np.asarray(rates[name], float) for name in VARIABLES["rates"]},
            _population_coords(first),
        ),
        "pools": (
            {name: np.stack([grid.place(p.means[name]) for p in phases]) for name in VARIABLES["pools"]},
            grid.coords,
        ),
        "receptors": (
            {
                "activation": np.stack([p.means["activation"] for p in phases]),
                "heard": np.stack([p.means["heard"] for p in phases]),
                "receptor_number": np.stack([p.receptor_number for p in phases]),
                "transmitter_occupancy": np.stack([p.transmitter_occupancy for p in phases]),
                "occupancy": np.stack([p.occupancy for p in phases]),
                "carrier_occupancy": np.stack([p.carrier_occupancy for p in phases]),
            },
            {**_site_coords(first), "carrier": list(first.carriers), "ligand": ligand},
        ),
        "drugs": ({"concentration": np.stack([p.drug_concentrations for p in phases])}, {"drug": ligand}),
        "trials": (
            {"at": np.array([p.at for p in phases]), "record": np.array([p.record for p in phases])},
            {},
        ),
    }
    return {
        group: Group(
            {name: variable(group, name, array) for name, array in arrays.items()}, coords={**phase, **coords}
        )
        for group, (arrays, coords) in groups.items()
    }


def _population_coords(phase: PhaseResult) -> dict[str, Any]:
    columns = {
        "population_region": [p.region for p in phase.populations],
        "population_transmitter": [p.transmitter for p in phase.populations],
    }
    population = np.array(phase.labels.populations, dtype=str)
    return {"population": population} | {
        k: ("population", np.array(v, dtype=str)) for k, v in columns.items()
    }


def site_coords(
    names: Sequence[str], infos: Sequence[SiteInfo], transmitters: Sequence[str]
) -> dict[str, Any]:
    """The sites and what each is, as coordinates."""
    columns = {
        name: [getattr(info, name) for info in infos] for name in ("receptor", "on", "compartment", "hears")
    }
    columns["site_transmitter"] = list(transmitters)
    site = np.array(names, dtype=str)
    return {"site": site} | {name: ("site", np.array(column, dtype=str)) for name, column in columns.items()}


def _site_coords(phase: PhaseResult) -> dict[str, Any]:
    return site_coords(phase.labels.sites, phase.sites, phase.site_transmitters)


class _PoolGrid:
    """Pools on the grid transmitter × region; NaN where there is no pool."""

    def __init__(self, phase: PhaseResult):
        pools = phase.labels.pools
        regions = list(dict.fromkeys(region for region, _ in pools))
        present = {transmitter for _, transmitter in pools}
        transmitters = [t for t in reference.transmitter_names() if t in present]
        self.coords = {
            "transmitter": np.array(transmitters, dtype=str),
            "region": np.array(regions, dtype=str),
        }
        self._at = (
            np.array([transmitters.index(t) for _, t in pools], int),
            np.array([regions.index(r) for r, _ in pools], int),
        )

    def place(self, values: np.ndarray) -> np.ndarray:
        shape = (self.coords["transmitter"].size, self.coords["region"].size, *values.shape[1:])
        grid = np.full(shape, np.nan, values.dtype)
        grid[self._at] = values
        return grid


def _spikes(trial: TrialResult) -> Group:
    """CF contiguous ragged array: one train per phase and cell."""
    first = trial.phases[0]
    labels, dt = first.labels, first.dt
    sizes = labels.population_sizes
    n_phases, n_cells = len(trial.phases), sum(sizes)
    text = {"dtype": "S1"}
    step_unit = f"{dt * 1e3:g} ms"
    return Group(
        {
            "spike_step": (
                "obs",
                np.concatenate([p.spikes.step for p in trial.phases]).astype(np.int32),
                {
                    "units": step_unit,
                    "long_name": "spike times in steps from the start of the recording",
                    "dt": dt,
                },
            ),
            "row_size": (
                "train",
                np.concatenate([p.spikes.row_size for p in trial.phases]).astype(np.int32),
                {"units": "1", "long_name": "number of spikes of each train", "sample_dimension": "obs"},
            ),
        },
        coords={
            "phase": ("train", np.repeat([p.name for p in trial.phases], n_cells), {}, text),
            "population": ("train", np.tile(np.repeat(labels.populations, sizes), n_phases), {}, text),
            "cell": (
                "train",
                np.tile(np.concatenate([np.arange(n, dtype=np.int32) for n in sizes]), n_phases),
                {"units": "1", "long_name": "number of the cell within its population"},
            ),
            "alive": (
                "train",
                np.concatenate([p.alive for p in trial.phases]).astype(np.int8),
                {"units": "1", "long_name": "1 for a surviving cell, 0 for a lesioned one"},
            ),
        },
    )


def _time(n: int, step: float) -> tuple[str, np.ndarray, dict]:
    return "time", np.arange(n) * step, {"units": "s", "long_name": "time from the start of the recording"}


def _padded(arrays: list[np.ndarray]) -> np.ndarray:
    """Phases on one time axis; a shorter phase ends in NaN."""
    n = max(a.shape[-1] for a in arrays)
    return np.stack(
        [np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, n - a.shape[-1])], constant_values=np.nan) for a in arrays]
    )


def _traces(trial: TrialResult) -> Group:
    first, phases = trial.phases[0], trial.phases
    grid = _PoolGrid(first)
    arrays = {
        "rate": _padded([p.traces["rate"] for p in phases]),
        "concentration": _padded([grid.place(np.asarray(p.traces["concentration"])) for p in phases]),
        "activation": _padded([p.traces["activation"] for p in phases]),
    }
    return Group(
        {name: variable("traces", name, array.astype(np.float32)) for name, array in arrays.items()},
        coords={
            "phase": [p.name for p in phases],
            **_population_coords(first),
            **grid.coords,
            **_site_coords(first),
            "time": _time(arrays["rate"].shape[-1], first.trace_step),
        },
    )


def _voltages(trial: TrialResult) -> Group:
    phases = trial.phases
    voltage = _padded([np.asarray(p.traces["voltage"], np.float32) * np.float32(1e3) for p in phases])
    probes = phases[0].labels.voltages
    return Group(
        {"voltage": variable("voltages", "voltage", voltage)},
        coords={
            "phase": [p.name for p in phases],
            "probe": [f"{population}[{cell}]" for population, cell in probes],
            "time": _time(voltage.shape[-1], phases[0].voltage_step),
        },
    )


def load_trial(path: Path) -> xr.DataTree:
    """A whole trial in memory, its file closed.

    Raises
    ------
    ResultSchemaError
        The file is absent, truncated, damaged or not finished.
    """
    tree = open_tree(path)
    try:
        with without_collection():
            return tree.load()
    except (OSError, RuntimeError, ValueError) as error:
        raise ResultSchemaError(
            f"{path} is damaged: delete it and run the experiment again, finished trials are kept"
        ) from error
    finally:
        tree.close()


#: What a raster is drawn from: group → variables.
_OF_SPIKES = {
    "rates": ("population", "population_transmitter"),
    "trials": ("phase", "record"),
    "spikes": ("phase", "population", "row_size", "spike_step"),
}


def load_spikes(path: Path) -> xr.DataTree:
    """Spikes of a trial in memory, whose they are and how long was recorded: a quarter of the time of :func:`load_trial`.

    Raises
    ------
    ResultSchemaError
        As :func:`load_trial`.
    """
    import xarray as xr

    with reading(path) as file:
        columns = {g: {n: _column(file[g][n]) for n in names} for g, names in _OF_SPIKES.items() if g in file}
    return xr.DataTree.from_dict({group: xr.Dataset(coords=own) for group, own in columns.items()})


def _column(dataset: h5py.Dataset) -> tuple[tuple[str, ...], np.ndarray, dict[str, Any]]:
    """A variable as xarray takes it; texts may be an array of characters."""
    values, name = dataset[()], dataset.name.rpartition("/")[2]
    # a coordinate is the scale of its own dimension
    dims = (name,) if dataset.is_scale else tuple(dim[0].name.rpartition("/")[2] for dim in dataset.dims)
    if values.dtype.kind == "S":
        values, dims = np.char.decode(values.view(f"S{values.shape[-1]}")[..., 0], "utf-8"), dims[:-1]
    elif values.dtype.kind == "O":
        values = np.array([text.decode() for text in values], dtype=str)
    return dims, values, {"dt": float(dataset.attrs["dt"][0])} if "dt" in dataset.attrs else {}


def read_header(path: Path) -> TrialRecord:
    """How a trial ended, without its numbers.

    Raises
    ------
    ResultSchemaError
        The file is absent, truncated, damaged or not finished.
    """
    with reading(path) as file:
        return _header(file)


def _header(file: h5py.File) -> TrialRecord:
    attributes = root_attributes(file)
    own = {name: attributes[name] for name in ("key", "outcome", "message", "wall_time")}
    return TrialRecord(**own, attributes=attributes)


def read_record(path: Path) -> TrialRecord:
    """How a trial ended and its summary numbers, with h5py: a few milliseconds per file.

    Raises
    ------
    ResultSchemaError
        The file is absent, truncated, damaged or not finished.
    """
    with reading(path) as file:
        record = _header(file)
        if record.outcome not in OUTCOMES_WITH_DATA:
            return record
        labels, columns = _labels(file, record.attributes["labels_hash"])
        values = {}
        for group in _SUMMARY_GROUPS:
            node = file[group].id
            for name in VARIABLES[group]:
                # what a trial cannot know (wall_time is an attribute) is not there
                if name.encode() in node:
                    values[group, name] = _array(node, name)
        return replace(record, labels=labels, columns=columns, values=values)


def _array(node: h5py.h5g.GroupID, name: str) -> np.ndarray:
    """A numeric variable, by the low-level interface: many small arrays cost mostly overhead."""
    import h5py

    dataset = h5py.h5d.open(node, name.encode())
    out = np.empty(dataset.shape, np.float64)
    if out.size:
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, out)
    return out


# Trials of one experiment share their names: each set is read once per process.
_KNOWN_LABELS: dict[str, tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]] = {}


def _labels(file: h5py.File, labels_hash: str):
    if labels_hash not in _KNOWN_LABELS:
        dims, columns = _named()
        names = {
            name: names_in(file[group][name])
            for group in _SUMMARY_GROUPS
            for name in (*dims, *columns)
            if name in file[group]
        }
        labels, columns = {dim: names[dim] for dim in dims}, {column: names[column] for column in columns}
        _KNOWN_LABELS[labels_hash] = labels, columns
    return _KNOWN_LABELS[labels_hash]


def _labels_hash(groups: Mapping[str, Group]) -> str:
    """Hash of all names in the summary groups."""
    names = {name: groups[name].labels() for name in _SUMMARY_GROUPS}
    return hashlib.sha256(json.dumps(names, sort_keys=True).encode()).hexdigest()


def names_in(dataset: h5py.Dataset) -> tuple[str, ...]:
    """Texts of a variable or coordinate."""
    return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in dataset[()])
