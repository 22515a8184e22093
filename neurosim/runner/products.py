"""What a run leaves besides trials: the summary and the figure."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import ResultSchemaError
from neurosim.recording import TrialRecord, block_paths, block_records, read_record, trial_path
from neurosim.recording.files import reading, root_attributes, verify, without_collection
from neurosim.runner.folder import FIGURE
from neurosim.runner.ligands import ligands_of
from neurosim.runner.trials import Expansion
from neurosim.spec import POINT, Experiment, axis_values, scan_dimensions

if TYPE_CHECKING:
    from neurosim.analysis import Results

__all__ = ["load_in_background", "make_products", "read_ended"]

_DIGEST = "trials_digest"


def load_in_background() -> None:
    """Import what the products are made with while the last trials run: it takes as long as making them."""
    threading.Thread(target=_load, daemon=True).start()


def _load() -> None:
    import h5py  # noqa: F401

    # what saves the figure; Matplotlib imports it at the first save
    import matplotlib.backends.backend_agg  # noqa: F401
    import xarray as xr

    import neurosim.analysis.plots
    import neurosim.analysis.table
    import neurosim.recording.netcdf  # noqa: F401

    # xarray looks for other kinds of arrays, and imports them, when it sees its first one and its first names
    xr.DataArray([0.0], {"x": ["a"]})


def read_ended(folder: Path, key: str) -> TrialRecord | None:
    """What the summary wants of a trial that just ended; None where its file cannot be read, or not yet."""
    try:
        # its texts are long and the summary has its own
        return replace(read_record(trial_path(folder, key)), attributes={})
    except ResultSchemaError:
        return None


def make_products(
    experiment: Experiment,
    expansion: Expansion,
    folder: Path,
    attributes: Mapping[str, Any],
    ended: Collection[str],
    read: Mapping[str, TrialRecord],
) -> Results | None:
    """Write ``summary.h5`` and ``overview.png``, unless they are there and no trial ``ended``.

    Parameters
    ----------
    experiment : Experiment
    expansion : Expansion
    folder : Path
    attributes : mapping
        Root attributes.
    ended : collection of str
        Keys of the trials that this run did.
    read : mapping, key → TrialRecord
        What is known of them without reading their files.

    Returns
    -------
    Results
        With the summary in memory; None where nothing had to be made.
    """
    from neurosim.analysis import SUMMARY

    figure = folder / FIGURE
    wanted = {_DIGEST: expansion.digest, "experiment_digest": attributes["experiment_digest"]}
    if not ended and figure.exists() and _has(folder / SUMMARY, wanted):
        return None
    from neurosim.analysis import Results, assemble_summary, overview_figure, save_figure, write_summary

    # what is made here is kept, so that the collector would look through all that was imported for nothing
    with without_collection():
        tree = assemble_summary(
            _records(expansion, folder, ended, read),
            expansion.keys,
            arms=list(experiment.arms),
            subjects=range(experiment.subjects),
            phases=[phase.name for phase in experiment.protocol.phases],
            axes=_axes(experiment),
            reference=(experiment.reference.arm, experiment.reference.phase),
            attributes={**attributes, **wanted},
            has_spikes=experiment.has_spikes,
            drugs=ligands_of(experiment),
        )
        write_summary(folder, tree)
        results = Results(folder, tree)
        save_figure(overview_figure(results), figure)
    return results


def _records(
    expansion: Expansion, folder: Path, ended: Collection[str], read: Mapping[str, TrialRecord]
) -> dict[str, TrialRecord]:
    """What the summary is made of: what the last one holds, and from files what is new."""
    from neurosim.analysis import known_records

    wanted = {trial.key for trial in expansion.trials}
    records = {**known_records(folder, wanted - set(ended)), **read}
    if wanted - records.keys():
        for path in block_paths(folder):
            with contextlib.suppress(ResultSchemaError):  # said by run: its trials are evaluated again
                records |= {key: record for key, record in block_records(path).items() if key in wanted}
    for key in sorted(wanted - records.keys()):
        path = trial_path(folder, key)
        if path.exists():
            try:
                records[key] = read_record(path)
            except ResultSchemaError as error:
                # Damaged since this run looked at it: out of the way, so that the next one does it again.
                path.unlink(missing_ok=True)
                raise ResultSchemaError(
                    f"{path} was damaged and is removed: run the experiment again, which simulates this trial anew"
                ) from error
    return records


def _axes(experiment: Experiment) -> list:
    from neurosim.analysis import Axis

    found = {
        name: Axis.of(name, values, unit, experiment.scan[name].path)
        for name, (values, unit) in axis_values(experiment).items()
    }
    return [
        Axis.point([found[name] for name in d.axes]) if d.name == POINT else found[d.name]
        for d in scan_dimensions(experiment)
    ]


def _has(path: Path, wanted: Mapping[str, str]) -> bool:
    try:
        verify(path)
        with reading(path) as file:
            attributes = root_attributes(file)
    except ResultSchemaError:
        return False
    return all(attributes.get(name) == value for name, value in wanted.items())
