"""A results folder as labelled data."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurosim.analysis.compare import compare
from neurosim.analysis.frames import frame_of_results
from neurosim.analysis.notebook import html_of, outcomes_text
from neurosim.analysis.readout import known_name, place_of, select
from neurosim.analysis.sensitivity import sensitivity
from neurosim.analysis.summary import MISSING, SUMMARY, Axis
from neurosim.errors import ResultSchemaError
from neurosim.recording import (
    OUTCOMES_WITH_DATA,
    SpikeTrains,
    load_block_trial,
    load_spikes,
    load_trial,
    open_tree,
    trial_path,
)

if TYPE_CHECKING:
    import pandas as pd

    from neurosim.analysis.fits import DoseResponse
    from neurosim.spec import Circuit

__all__ = ["Results", "open_results", "spike_trains"]

#: Folders that are named to somebody who is one too high.
_MOST_NAMED = 8


def open_results(folder: str | Path) -> Results:
    """Open a results folder.

    Parameters
    ----------
    folder : path
        The folder that ``neurosim run`` wrote, with ``summary.h5`` in it.

    Raises
    ------
    ResultSchemaError
        No such folder, no summary in it, or a summary that is damaged, not finished or of another schema.
    """
    if not isinstance(folder, str | Path):
        raise ResultSchemaError(f"{folder!r} is not a folder: give the folder that 'neurosim run' wrote")
    folder = Path(folder)
    if not (folder / SUMMARY).exists():
        raise ResultSchemaError(_no_results(folder))
    return Results(folder)


def _no_results(folder: Path) -> str:
    """What is wrong with a place that holds no results, and where there are some near it."""
    near = ""
    if folder.parent.joinpath(SUMMARY).is_file():
        near = f"; did you mean {folder.parent}?"
    elif folder.is_dir():
        inside = _folders_in(folder)
        shown = [path.name for path in inside[:_MOST_NAMED]] + ["..."] * (len(inside) > _MOST_NAMED)
        near = f"; folders in it that do: {', '.join(shown)}" if inside else ""
    else:
        beside = [*_folders_in(folder.parent), *_folders_in(Path("results"))]
        names = {own.name.casefold(): own for own in reversed(beside)}
        found = difflib.get_close_matches(folder.name.casefold(), names, n=1)
        near = f"; did you mean {names[found[0]]}?" if found else ""
    if folder.is_dir():
        again = "" if near else ": run its experiment again, finished trials are kept"
        return f"{folder} holds no {SUMMARY}{again}{near}"
    return f"{folder} is not a folder: give the folder that 'neurosim run' wrote, by default results/<name>{near}"


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"*/{SUMMARY}")) if folder.is_dir() else []


class Results:
    """Everything an experiment left in its folder; values are read when they are used.

    :meth:`select` finds numbers by names, :meth:`to_dataframe` makes tables of them, :meth:`compare` sets arms side by side,
    :meth:`fit_dose_response` and :meth:`sensitivity` look along scans, :meth:`trial` opens one trial with its spikes.

    Attributes
    ----------
    folder : Path
    summary : DataTree
        Groups ``rates pools receptors drugs balance trials`` (``engine: none``: ``receptors drugs trials``) over
        arm × subject × scan axes × phase × …, lazy.
    attributes : dict
        Root attributes: schema, YAML texts, resolved spec, seeds, hashes, versions, host.
    arms, subjects, phases : tuple
    axes : dict of name → Axis
        Scan dimensions; ``point`` has the axes that go along it as ``members``.
    reference : (arm, phase)
        Of the balance and of the table.
    keys : DataArray
        Key of every trial, over arm × subject × scan axes.
    plot : Plot
        ``overview raster concentrations occupancy activation arms balance balance_plane dose_response circuit timeline``.
    """

    def __init__(self, folder: str | Path, summary: xr.DataTree | None = None):
        self.folder = Path(folder)
        # of who has just written it
        self.summary: xr.DataTree = open_tree(self.folder / SUMMARY, thorough=True) if summary is None else summary
        trials = self.summary["trials"].to_dataset()
        self.arms: tuple[str, ...] = tuple(trials.arm.values.tolist())
        self.subjects: tuple[int, ...] = tuple(trials.subject.values.tolist())
        self.phases: tuple[str, ...] = tuple(trials.phase.values.tolist())
        self.axes: dict[str, Axis] = {
            name: _axis(trials, name) for name in trials.outcome.dims if name not in ("arm", "subject")
        }

    def __repr__(self) -> str:
        axes = "".join(f" × {name} ({len(axis.values)})" for name, axis in self.axes.items())
        return (
            f"<Results {self.folder}: {_counted(self.arms, 'arm')} × {_counted(self.subjects, 'subject')}{axes}, "
            f"phase{'s' * (len(self.phases) > 1)} {', '.join(self.phases)}; trials: {outcomes_text(self)}>"
        )

    def _repr_html_(self) -> str:
        return html_of(self)

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the summary file."""
        self.summary.close()

    @cached_property
    def attributes(self) -> dict[str, Any]:
        return dict(self.summary.attrs)

    @property
    def name(self) -> str:
        """Name of the experiment; that of the folder if the file does not say."""
        return self.attributes.get("name", self.folder.resolve().name)

    @property
    def has_spikes(self) -> bool:
        """Whether cells spiked; with ``engine: none`` the groups ``rates pools balance`` are not there."""
        return "rates" in self.summary.children

    @property
    def notice(self) -> str:
        """What must be said wherever these results are shown; empty for most."""
        return self.attributes.get("notice", "")

    @property
    def experiment_text(self) -> str:
        """The experiment file as it was written."""
        return self.attributes.get("experiment_yaml", "")

    @property
    def circuit_text(self) -> str:
        """The circuit file as it was written."""
        return self.attributes.get("circuit_yaml", "")

    @cached_property
    def circuit(self) -> Circuit:
        """The circuit, before what arms and axes change."""
        if not self.circuit_text:
            raise ResultSchemaError(f"circuit of {self.name}: these results do not hold the text of their circuit")
        # slow to import, and few who open results need it
        from neurosim.spec import circuit_of_text

        return circuit_of_text(self.circuit_text)

    @property
    def reference(self) -> tuple[str, str]:
        return self.attributes["reference_arm"], self.attributes["reference_phase"]

    @cached_property
    def keys(self) -> xr.DataArray:
        return self.summary["trials"]["key"].load()

    @cached_property
    def outcomes(self) -> xr.DataArray:
        """Outcome of every trial, over arm × subject × scan axes."""
        return self.summary["trials"]["outcome"].load()

    @property
    def has_data(self) -> bool:
        """Whether any trial has."""
        return bool(np.isin(self.outcomes.values, OUTCOMES_WITH_DATA).any())

    def subjects_with_data(self, arm: str, **axes: Any) -> tuple[int, ...]:
        """Subjects whose trial of an arm has data; axes as for :meth:`trial`.

        Raises
        ------
        ResultSchemaError
            Unknown arm, axis or value.
        """
        outcomes = self._at(self.outcomes, arm, axes)
        # an axis that is not named does not touch the arm
        firsts = outcomes.isel(dict.fromkeys([d for d in outcomes.dims if d != "subject"], 0))
        return tuple(s for s, o in zip(self.subjects, firsts.values, strict=True) if str(o) in OUTCOMES_WITH_DATA)

    def _at(self, values: xr.DataArray, arm: str, axes: Mapping[str, Any]) -> xr.DataArray:
        """Keys or outcomes of an arm at values on scan axes."""
        values = values.sel(arm=known_name("arm", arm, self.arms))
        places = {known_name("scan axis", name, self.axes): place_of(self.keys[name], v) for name, v in axes.items()}
        return values.isel(places)

    @property
    def scan_shape(self) -> tuple[int, ...]:
        """Number of points on each dimension of the scan."""
        return tuple(len(axis.values) for axis in self.axes.values())

    def is_scanned(self, arm: str) -> bool:
        """Whether an arm depends on the scan: it has more than one trial per subject."""
        return len(np.unique(self.keys.sel(arm=arm, subject=self.subjects[0]).values)) > 1

    def point_text(self, point: tuple[int, ...]) -> str:
        """``"dose 0.3 mg/kg"`` for the indices of a scan point."""
        return ", ".join(
            own.text(index)
            for axis, index in zip(self.axes.values(), point, strict=True)
            for own in axis.members or (axis,)
        )

    def trial(self, arm: str, subject: int = 0, **axes: Any) -> xr.DataTree:
        """One trial, in memory: groups ``rates pools receptors drugs trials spikes traces``, perhaps
        ``voltages``.

        Parameters
        ----------
        arm : str
        subject : int
        **axes
            Value on each scan axis; not needed for an arm that the axis does not touch.

        Raises
        ------
        ResultSchemaError
            Unknown arm, subject or point; a trial without data, with the reason; a damaged file.
        """
        key = self._key_with_data(arm, subject, axes)
        path = trial_path(self.folder, key)
        block = None if path.exists() else load_block_trial(self.folder, key)
        return load_trial(path) if block is None else block

    def spikes(self, arm: str, subject: int = 0, **axes: Any) -> xr.DataTree:
        """Of :meth:`trial` what :func:`spike_trains` and a raster need, in a quarter of the time.

        Parameters
        ----------
        arm : str
        subject : int
        **axes
            As for :meth:`trial`.

        Raises
        ------
        ResultSchemaError
            As :meth:`trial`, or nothing spiked there.
        """
        return load_spikes(trial_path(self.folder, self._key_with_data(arm, subject, axes)))

    def _key_with_data(self, arm: str, subject: int, axes: dict[str, Any]) -> str:
        """Key of a trial, which is refused if it has no data."""
        known_name("arm", arm, self.arms)
        known_name("subject", subject, self.subjects)
        key, where = self._key(arm, subject, axes), f"trial of arm {arm!r}, subject {subject}"
        at = np.argwhere(self.keys.values == key)[0]
        outcome = str(self.outcomes.values[tuple(at)])
        if outcome == MISSING:
            raise ResultSchemaError(f"{where}: it has not run yet; run the experiment again to complete it")
        if outcome not in OUTCOMES_WITH_DATA:
            message = str(self.summary["trials"]["message"].values[tuple(at)]).strip().splitlines()
            reason = message[-1] if message else "no reason was given"
            raise ResultSchemaError(f"{where}: outcome {outcome!r} has no data: {reason}")
        return key

    def select(self, name: str, **labels: Any) -> xr.DataArray:
        """A variable of the summary at labels, lazy; see :func:`neurosim.analysis.select`.

        Examples
        --------
        ``results.select("firing_rate", population="DRN_HT", phase="drug", dose="3 mg/kg")`` is over arm × subject.
        """
        return select(self.summary, name, **labels)

    def to_dataframe(self, name: str | Sequence[str], **labels: Any) -> pd.DataFrame:
        """Variables of the summary as a tidy table; see :func:`neurosim.analysis.frame_of_results`."""
        return frame_of_results(self, name, **labels)

    def _key(self, arm: str, subject: int, axes: dict[str, Any]) -> str:
        found = np.unique(self._at(self.keys, arm, axes).sel(subject=subject).values)
        if found.size != 1:
            left = [name for name in self.axes if name not in axes]
            example = left[0], self.axes[left[0]].values[0]
            raise ResultSchemaError(
                f"arm {arm!r} was scanned over {', '.join(left)}: say which point, "
                f"e.g. {example[0]}={example[1]!r}"
            )
        return str(found[0])

    def compare(
        self, a: str | tuple[str, str], b: str | tuple[str, str], phase: str | None = None
    ) -> xr.DataTree:
        """How ``a`` differs from ``b``, paired over subjects; see :func:`neurosim.analysis.compare`."""
        return compare(self.summary, a, b, phase)

    def fit_dose_response(
        self,
        name: str,
        arm: str | None = None,
        phase: str | None = None,
        axis: str | None = None,
        **options: Any,
    ) -> DoseResponse:
        """ED50 of a variable over a scan axis, with its interval; see :func:`neurosim.analysis.fits.fit_of_results`.

        Examples
        --------
        ``results.fit_dose_response("firing_rate", population="DRN_HT", relative=True)``
        """
        from neurosim.analysis.fits import fit_of_results

        return fit_of_results(self, name, arm, phase, axis, **options)

    def sensitivity(
        self,
        values: str | xr.DataArray,
        arm: str | None = None,
        phase: str | None = None,
        seed: int = 0,
        **selection: Any,
    ) -> xr.Dataset:
        """How much each drawn axis of the scan matters for a readout; see :func:`neurosim.analysis.sensitivity`."""
        return sensitivity(self, values, arm, phase, seed, **selection)

    @property
    def plot(self):
        from neurosim.analysis.plots import Plot

        return Plot(self)


def _counted(entries: Sequence, what: str) -> str:
    return f"{len(entries)} {what}{'s' * (len(entries) != 1)}"


def _axis(trials: xr.DataTree, dim: str) -> Axis:
    """A scan dimension as the coordinates of a summary describe it."""
    own = [c for c in trials.coords.values() if c.dims == (dim,) and c.name != dim]
    members = tuple(_coordinate(c) for c in sorted(own, key=lambda c: c.attrs["order"]))
    return replace(_coordinate(trials[dim]), members=members)


def _coordinate(coordinate: xr.DataArray) -> Axis:
    attributes = coordinate.attrs
    return Axis(
        coordinate.name,
        tuple(coordinate.values.tolist()),
        attributes.get("unit", ""),
        attributes.get("path", ""),
    )


def spike_trains(trial: xr.DataTree, phase: str, population: str | None = None) -> SpikeTrains:
    """Spike trains of one phase of a trial from :meth:`Results.trial`.

    Parameters
    ----------
    trial : DataTree
    phase : str
    population : str, optional
        All cells by default.

    Raises
    ------
    ResultSchemaError
        If the trial was run with ``protocol.spikes: false``.
    """
    if "spikes" not in trial.children:
        raise ResultSchemaError(
            "this trial holds no spikes: it was run with protocol.spikes false; rates and traces are there"
        )
    spikes = trial["spikes"].to_dataset()
    chosen = np.ones(spikes.row_size.size, bool)
    for what, name in (("phase", phase), ("population", population)):
        if name is not None:
            own = spikes[what].values == name
            if not own.any():
                known_name(what, name, list(dict.fromkeys(spikes[what].values.tolist())))
            chosen &= own
    row_size = spikes.row_size.values
    kept = np.repeat(chosen, row_size)
    duration = float(trial["trials"]["record"].sel(phase=phase))
    return SpikeTrains(
        spikes.spike_step.values[kept], row_size[chosen], float(spikes.spike_step.attrs["dt"]), duration
    )
