"""A trial as an NWB file in memory: what of it goes where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pynwb
import xarray as xr
from hdmf.common import DynamicTable, VectorData, VectorIndex
from pynwb.epoch import TimeIntervals
from pynwb.file import Subject
from pynwb.misc import Units

from neurosim.errors import ResultSchemaError
from neurosim.export.clock import PlacedPhase, placed_phases
from neurosim.export.grouping import tables_of
from neurosim.export.words import Session

__all__ = ["nwb_file"]

#: Unit of our files → (unit as NWB wants it, what stored numbers are multiplied by to get there).
_UNITS = {"nM": ("molar", 1e-9), "Hz": ("hertz", 1.0), "1": ("dimensionless", 1.0), "mV": ("volts", 1e-3)}
_COMPRESSED = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
#: Modules of the file for what no probe records: name and what is in it.
_RATES = ("ecephys", "firing rates of the simulated populations, counted from the spike trains")
_ACTIVATIONS = ("misc", "activation of the simulated receptors (operational model)")


def nwb_file(
    trial: xr.DataTree, session: Session, started: datetime, experimenters: Sequence[str], institution: str
) -> pynwb.NWBFile:
    """All that a trial holds, as NWB.

    Parameters
    ----------
    trial : DataTree
        From :meth:`neurosim.analysis.Results.trial`.
    session : Session
        What the trial says of itself, in words.
    started : datetime
        With a time zone.
    experimenters : sequence of str
        ``"Last, First"``, as archives want it.
    institution : str
        Empty if it is not said.

    Returns
    -------
    NWBFile
        ``units`` (spike trains), ``intervals/epochs`` (phases), ``intervals/stimulations``, ``acquisition``
        (concentrations, voltages), ``processing/ecephys`` (rates), ``processing/misc`` (activations), ``analysis`` (means
        over each phase) and ``scratch`` (texts that reproduce it), on the clock of
        :func:`~neurosim.export.clock.placed_phases`.

    Raises
    ------
    ResultSchemaError
        A trial whose cells die between two phases, which a table of units cannot say.
    """
    phases = placed_phases(trial)
    file = _described(session, started, experimenters, institution)
    file.subject = Subject(**session.subject)
    _add_phases(file, phases)
    _add_stimulations(file, session, phases)
    if "spikes" in trial.children:
        file.units = _units(trial, phases)
    _add_traces(file, trial, phases)
    for table in _tables(trial):
        file.add_analysis(table)
    for name, (text, words) in session.texts.items():
        file.add_scratch(text, name=name, description=words)
    return file


def _described(
    session: Session, started: datetime, experimenters: Sequence[str], institution: str
) -> pynwb.NWBFile:
    who = {"experimenter": list(experimenters), "institution": institution}
    return pynwb.NWBFile(session_start_time=started, **session.fields, **{k: v for k, v in who.items() if v})


def _add_phases(file: pynwb.NWBFile, phases: Sequence[PlacedPhase]) -> None:
    file.add_epoch_column("phase", "name of the phase")
    file.add_epoch_column(
        "at", "time of the phase on the pharmacological clock in s; 0 is the first dose, -inf: before all drugs"
    )
    for phase in phases:
        file.add_epoch(phase.start, phase.stop, tags=[phase.name], phase=phase.name, at=phase.at)


_STIMULATION_COLUMNS = {
    "population": "population that was stimulated",
    "kind": "pulses: each row is one pulse; rate: random activation; current: a step",
    "phase": "phase that it belongs to",
    "rate": "in Hz: of the train, or of the random activation; NaN for a step",
    "amplitude": "current into each cell that is reached, in amperes",
    "fraction": "part of the cells that is reached; which ones hangs on the subject's seed and is not recorded",
}


def _add_stimulations(file: pynwb.NWBFile, session: Session, phases: Sequence[PlacedPhase]) -> None:
    rows = sorted((row for phase in phases for row in session.stimulations(phase)), key=lambda row: row[:2])
    if not rows:
        return
    table = TimeIntervals(
        name="stimulations", description="simulated current into cells: one row for each pulse, or for each stretch"
    )
    for name, words in _STIMULATION_COLUMNS.items():
        table.add_column(name, words)
    for start, stop, values in rows:
        table.add_row(start_time=start, stop_time=stop, **values)
    file.add_time_intervals(table)


def _units(trial: xr.DataTree, phases: Sequence[PlacedPhase]) -> Units:
    """Spike trains: a row for each cell, dead ones and silent ones too."""
    spikes = trial["spikes"].to_dataset()
    dt, names = float(spikes["spike_step"].attrs["dt"]), [phase.name for phase in phases]
    n = spikes.sizes["train"] // len(phases)
    if spikes["phase"].values.tolist() != [name for name in names for _ in range(n)]:
        raise ResultSchemaError(f"trial {trial.attrs['key']}: the spike trains are not in the order of the phases")
    alive = spikes["alive"].values.reshape(len(phases), n).astype(bool)
    if (alive != alive[0]).any():
        raise ResultSchemaError(f"trial {trial.attrs['key']}: cells die between phases, which NWB's units cannot say")
    times, ends = _times(spikes, phases, n, dt)
    intervals = np.array([(phase.start, phase.stop) for phase in phases])
    population = spikes["population"].values[:n]
    index, where = _told(trial, "rates", "population", population)
    columns = {
        "population": (population, "population of the simulated cell"),
        "region": (where["population_region"][index], "region of the population"),
        "transmitter": (where["population_transmitter"][index], "transmitter that the population makes"),
        "cell": (spikes["cell"].values[:n].astype(np.int32), "number of the cell within its population, from 0"),
        "alive": (alive[0], "false for a cell that a lesion took: it fires no more"),
    }
    vectors = [
        *_ragged("spike_times", times, ends, "spike times in s from the start of the session"),
        *_ragged(
            "obs_intervals",
            np.tile(intervals, (n, 1)),
            len(phases) * np.arange(1, n + 1),
            "start and end in s of what was recorded: the phases",
        ),
        *(VectorData(name=name, data=data, description=words) for name, (data, words) in columns.items()),
    ]
    return Units(
        name="units",
        description="every cell of the simulated circuit; nothing was sorted, each train is exactly one cell",
        columns=vectors,
        id=np.arange(n),
        resolution=dt,
    )


def _times(spikes: xr.Dataset, phases: Sequence[PlacedPhase], n: int, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Spike times cell after cell, each over all phases, and where each cell ends."""
    row_size = spikes["row_size"].values
    train = np.repeat(np.arange(row_size.size), row_size)
    starts = np.array([phase.start for phase in phases])
    times = starts[train // n] + spikes["spike_step"].values * dt
    order = np.argsort(train % n, kind="stable")
    return times[order], np.cumsum(row_size.reshape(len(phases), n).sum(axis=0), dtype=np.int64)


def _ragged(name: str, data: np.ndarray, ends: np.ndarray, words: str) -> list[VectorData]:
    stored = pynwb.H5DataIO(data, **_COMPRESSED) if data.size else data
    values = VectorData(name=name, data=stored, description=words)
    return [VectorIndex(name=f"{name}_index", data=ends.astype(np.uint64), target=values), values]


def _told(trial: xr.DataTree, group: str, dim: str, wanted: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Where each name stands on a dimension, and what is said of the names there."""
    dataset = trial[group].to_dataset()
    names = dataset[dim].values.tolist()
    said = {str(name): c.values for name, c in dataset.coords.items() if c.dims == (dim,)}
    return np.array([names.index(name) for name in wanted.tolist()], int), said


def _add_traces(file: pynwb.NWBFile, trial: xr.DataTree, phases: Sequence[PlacedPhase]) -> None:
    modules = {}
    for group, variable, module in (
        ("traces", "concentration", None),
        ("voltages", "voltage", None),
        ("traces", "rate", _RATES),
        ("traces", "activation", _ACTIVATIONS),
    ):
        if group not in trial.children or variable not in trial[group].data_vars:
            continue
        for series in _series(trial[group].to_dataset(), variable, phases):
            if module is None:
                file.add_acquisition(series)
                continue
            if module[0] not in modules:
                modules[module[0]] = file.create_processing_module(*module)
            modules[module[0]].add(series)


def _series(dataset: xr.Dataset, variable: str, phases: Sequence[PlacedPhase]) -> Iterator[pynwb.TimeSeries]:
    """A TimeSeries over all phases for each population, pool, site or probe; all share one clock."""
    values = dataset[variable].load()
    outer = [dim for dim in values.dims if dim not in ("phase", "time")]
    n, time = _lengths(values), dataset["time"].values
    stamps = np.concatenate([phase.start + time[:k] for phase, k in zip(phases, n, strict=True)])
    clock = _clock(stamps, time)
    for entry in np.ndindex(*(values.sizes[dim] for dim in outer)):
        own = values.isel(dict(zip(outer, entry, strict=True)))
        data = np.concatenate([row[:k] for row, k in zip(own.transpose("phase", "time").values, n, strict=True)])
        if variable == "concentration" and np.isnan(data).all():
            continue
        yield _one_series(variable, own, outer, data, clock)


def _one_series(variable: str, own: xr.DataArray, outer: list[str], data: np.ndarray, clock: dict) -> pynwb.TimeSeries:
    unit, conversion = _UNITS[own.attrs["units"]]
    labels = [str(own[dim].values) for dim in outer]
    said = "; ".join(f"{name} {value.item()}" for name, value in own.coords.items() if value.ndim == 0 and name != "time")
    series = pynwb.TimeSeries(
        name="_".join([variable, *(_plain(label) for label in labels)]),
        data=pynwb.H5DataIO(data, **_COMPRESSED),
        unit=unit,
        conversion=conversion,
        description=f"simulated {own.attrs['long_name']}; stored in {own.attrs['units']}; {said}",
        comments="A sample that a phase lacks does not exist: see the epochs.",
        **clock,
    )
    if "timestamps" in clock:
        clock["timestamps"] = series  # the file then holds the time stamps of all these series once
    return series


def _plain(label: str) -> str:
    """A label as part of an NWB name: ``VTA_DA[0]`` → ``VTA_DA_0``."""
    return label.replace("[", "_").replace("]", "")


def _lengths(values: xr.DataArray) -> list[int]:
    """Samples of each phase: a shorter phase ends in NaN in all that is there."""
    there = values.notnull().any([dim for dim in values.dims if dim not in ("phase", "time")])
    return [int(np.flatnonzero(row).max(initial=-1)) + 1 for row in there.transpose("phase", "time").values]


def _clock(stamps: np.ndarray, time: np.ndarray) -> dict:
    """A rate where all samples are equally spaced, else time stamps."""
    step = float(time[1] - time[0]) if time.size > 1 else 1.0
    if np.allclose(np.diff(stamps), step, rtol=0, atol=1e-6 * step):
        return {"starting_time": float(stamps[0]), "rate": 1.0 / step}
    return {"timestamps": pynwb.H5DataIO(stamps, **_COMPRESSED)}


def _tables(trial: xr.DataTree) -> Iterator[DynamicTable]:
    """Means over each phase: a table for each group of the summary and set of dimensions, a row for each entry."""
    for group in ("rates", "pools", "receptors", "drugs"):
        dataset = trial[group].to_dataset()
        for name, variables in tables_of(dataset, group).items():
            table = _table(dataset, name, variables)
            if table is not None:
                yield table


def _table(dataset: xr.Dataset, name: str, names: list[str]) -> DynamicTable | None:
    values = dataset[names].load()
    dims = values[names[0]].dims
    frame = values.to_dataframe(dim_order=list(dims)).reset_index().dropna(how="all", subset=names)
    if frame.empty:
        return None
    labels = [column for column in frame.columns if column not in names]
    columns = [
        VectorData(name=label, data=frame[label].astype(str).tolist(), description=f"{label.replace('_', ' ')} of the row")
        for label in labels
    ]
    columns += [
        VectorData(
            name=own,
            data=frame[own].to_numpy(float),
            description=f"{values[own].attrs['long_name']}, in {values[own].attrs['units']}".replace(", in 1", ""),
        )
        for own in names
    ]
    return DynamicTable(
        name=name, description=f"simulated {name.replace('_', ' by ', 1)}: means over each phase", columns=columns
    )
