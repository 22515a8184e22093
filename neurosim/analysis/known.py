"""What a summary that is there already holds of trials, so that a scan that grows reads only what is new."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ResultSchemaError
from neurosim.recording import COLUMNS, OUTCOMES_WITH_DATA, VARIABLES, TrialRecord, names_in
from neurosim.recording.files import reading

if TYPE_CHECKING:
    import h5py

__all__ = ["SUMMARY", "known_headers", "known_records"]

SUMMARY = "summary.h5"

_GROUPS = ("rates", "pools", "receptors", "drugs", "trials")


def known_headers(folder: Path) -> tuple[dict[str, TrialRecord], float]:
    """Key → how a trial with data ended, as ``folder/summary.h5`` says, and when that was written (ns); nothing without one.

    A trial file that is older than the summary that holds it was whole when the summary was made.
    """
    path = Path(folder) / SUMMARY
    try:
        with reading(path) as file:
            return {key: record for key, (_, record) in _headers(file).items()}, path.stat().st_mtime_ns
    except (ResultSchemaError, OSError):
        return {}, 0.0


def known_records(folder: Path, wanted: Container[str]) -> dict[str, TrialRecord]:
    """Key → outcome and summary numbers of the wanted trials that ``folder/summary.h5`` holds; nothing without one.

    Parameters
    ----------
    folder : Path
    wanted : container of str
        Keys.
    """
    try:
        with reading(Path(folder) / SUMMARY) as file:
            return _records(file, wanted)
    except ResultSchemaError:
        return {}


def _headers(file: h5py.File) -> dict[str, tuple[int, TrialRecord]]:
    """Key → its first cell, counted through, and its record, for trials with data."""
    trials = file["trials"]
    keys, outcomes, messages = (
        [text.decode() if isinstance(text, bytes) else text for text in np.asarray(trials[name]).ravel().tolist()]
        for name in ("key", "outcome", "message")
    )
    times = np.asarray(trials["wall_time"], float).ravel()
    found: dict[str, tuple[int, TrialRecord]] = {}
    for cell, (key, outcome) in enumerate(zip(keys, outcomes, strict=True)):
        if outcome in OUTCOMES_WITH_DATA and key not in found:
            found[key] = cell, TrialRecord(key, outcome, messages[cell], float(times[cell]), {})
    return found


def _records(file: h5py.File, wanted: Container[str]) -> dict[str, TrialRecord]:
    entries = {g: {n: v for n, v in VARIABLES[g].items() if n in file[g]} for g in _GROUPS if g in file}
    # the summary's own are made anew
    entries["trials"].pop("wall_time", None)
    dims = {d: group for group, own in entries.items() for entry in own.values() for d in entry.dims}
    labels = {dim: names_in(file[group][dim]) for dim, group in dims.items()}
    columns = {c: names_in(file[dims[dim]][c]) for dim, names in COLUMNS.items() if dim in dims for c in names}
    arrays = {
        (group, name): _by_cell(np.asarray(file[group][name], float), len(entry.dims))
        for group, own in entries.items()
        for name, entry in own.items()
    }
    return {
        key: replace(record, labels=labels, columns=columns, values={where: a[cell] for where, a in arrays.items()})
        for key, (cell, record) in _headers(file).items()
        if key in wanted
    }


def _by_cell(array: np.ndarray, n_inner: int) -> np.ndarray:
    """With arm, subject and scan in one dimension."""
    n_outer = array.ndim - n_inner
    return array.reshape(math.prod(array.shape[:n_outer]), *array.shape[n_outer:])
