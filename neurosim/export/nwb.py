"""Results → NWB: a file for each trial, named as archives expect it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from neurosim.analysis import Results
from neurosim.analysis.readout import known_name
from neurosim.errors import ResultSchemaError, SpecError
from neurosim.recording import OUTCOMES_WITH_DATA, trial_path
from neurosim.recording.whole import whole_file

__all__ = ["Exported", "Skipped", "export_nwb"]

#: How an export's files lie in its folder. Recordings from animals lie alike there, but are not called simulated.
_LAYOUT = "sub-simulated-*/sub-simulated-*_ses-*.nwb"


@dataclass(frozen=True)
class Skipped:
    """A trial that has no file, and why."""

    arm: str
    subject: int
    point: str
    why: str


@dataclass(frozen=True)
class Exported:
    """What an export left.

    Attributes
    ----------
    folder : Path
    written, kept : tuple of Path
        Files that are new, and those of trials that were there.
    skipped : tuple of Skipped
    others : tuple of Path
        Files in the folder that are of no trial of these results: of an earlier run, if not somebody else's.
    """

    folder: Path
    written: tuple[Path, ...]
    kept: tuple[Path, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    others: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Trial:
    key: str
    arm: str
    subject: int
    point: tuple[int, ...]


def export_nwb(
    results: Results,
    output: str | Path | None = None,
    *,
    arm: str | None = None,
    subject: int | None = None,
    fresh: bool = False,
    people: tuple[Sequence[str], str] = ((), ""),
    progress: Callable[[Path], None] | None = None,
) -> Exported:
    """Write trials as NWB files, ``sub-<subject>/sub-<subject>_ses-<arm>-<key>.nwb``, one after the other.

    Parameters
    ----------
    results : Results
    output : path, optional
        Folder; by default ``export/nwb`` in that of the results.
    arm : str, optional
    subject : int, optional
        All by default.
    fresh : bool
        Write files again that are there, and remove those of other trials. Without it a file is kept: its name has the
        trial's key, so a trial that changed has another name.
    people : (sequence of str, str)
        Experimenters as ``"Last, First"``, and institution, which no results folder knows.
    progress : callable, optional
        Called with the path of each file that was written.

    Returns
    -------
    Exported

    Raises
    ------
    SpecError
        pynwb is not installed; an experimenter who is not ``"Last, First"``.
    ResultSchemaError
        Unknown arm or subject, results without trials over time (``engine: none``), a damaged trial file, a folder that
        cannot be written to.
    """
    _need_pynwb()
    for name in people[0]:
        if not all(part.strip() for part in name.partition(",")):
            raise SpecError(f'experimenter {name!r} has another form than archives take: give "Last, First", with the comma')
    if not results.has_spikes:
        raise ResultSchemaError(
            f"{results.folder}: nothing was recorded over time (engine: none), so there is nothing for NWB; export csv"
        )
    folder = Path(output) if output is not None else results.folder / "export" / "nwb"
    there = set(folder.glob(_LAYOUT))
    names = {path.name for path in there}
    written, kept, skipped = [], [], []
    chosen = list(_trials(results, arm, subject))
    for trial in chosen:
        outcome = str(results.outcomes.sel(arm=trial.arm, subject=trial.subject).values[trial.point])
        if outcome not in OUTCOMES_WITH_DATA:
            why = f"outcome {outcome}, which has no data"
            skipped.append(Skipped(trial.arm, trial.subject, _point(results, trial), why))
            continue
        own = [name for name in names if name.endswith(f"-{trial.key[:8]}.nwb")]
        if own and not fresh:
            kept += [path for path in there if path.name == own[0]]
            continue
        written.append(_write(results, trial, folder, people))
        if progress is not None:
            progress(written[-1])
    keys = {key[:8] for key in results.keys.values.ravel().tolist()}
    others = sorted(path for path in there if path.stem[-8:] not in keys)
    for path in others if fresh else ():
        path.unlink(missing_ok=True)
    return Exported(folder, tuple(written), tuple(kept), tuple(skipped), () if fresh else tuple(others))


def _need_pynwb() -> None:
    try:
        import pynwb  # noqa: F401
    except ImportError:
        raise SpecError(
            "export to NWB needs the package pynwb, which is not installed: install neurosim with its extra 'nwb'"
        ) from None


def _trials(results: Results, arm: str | None, subject: int | None) -> Iterator[_Trial]:
    """Each trial once, at the first scan point that it is of."""
    for what, name, allowed in (("arm", arm, results.arms), ("subject", subject, results.subjects)):
        if name is not None:
            known_name(what, name, allowed)
    seen: set[str] = set()
    keys = results.keys.transpose("arm", "subject", *results.axes)
    for a, s in product(range(len(results.arms)), range(len(results.subjects))):
        if arm not in (None, results.arms[a]) or subject not in (None, results.subjects[s]):
            continue
        for point in product(*(range(n) for n in results.scan_shape)):
            key = str(keys.values[(a, s, *point)])
            if key not in seen:
                seen.add(key)
                yield _Trial(key, results.arms[a], results.subjects[s], point)


def _point(results: Results, trial: _Trial) -> str:
    return results.point_text(trial.point) if results.is_scanned(trial.arm) else ""


def _write(results: Results, trial: _Trial, folder: Path, people: tuple[Sequence[str], str]) -> Path:
    from pynwb import NWBHDF5IO

    from neurosim.export.nwb_file import nwb_file
    from neurosim.export.words import Session

    axes = {name: axis.values[k] for (name, axis), k in zip(results.axes.items(), trial.point, strict=True)}
    tree = results.trial(trial.arm, trial.subject, **axes)
    session = Session.of(tree, trial.arm, _point(results, trial), results.attributes)
    file = nwb_file(tree, session, _started(trial_path(results.folder, trial.key)), *people)
    name = f"sub-{session.subject_id}_ses-{session.session_id}.nwb"
    path = folder / f"sub-{session.subject_id}" / name
    with whole_file(path) as temporary, NWBHDF5IO(str(temporary), "w") as io:
        io.write(file)
    return path


def _started(path: Path) -> datetime:
    """When a trial's file was written, the only date that a simulation has; never in the future."""
    now = datetime.now(UTC)
    return min(datetime.fromtimestamp(path.stat().st_mtime, UTC), now).replace(microsecond=0)
