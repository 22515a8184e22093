"""``export``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurosim.cli.console import note, say
from neurosim.errors import SpecError, nearest

__all__ = ["export"]

_FORMATS = ("nwb", "csv")
#: Trials without data and files of other trials that are named one by one.
_MOST = 10


def export(
    folder: Path, to: str, chosen: Mapping[str, Any], *, fresh: bool, experimenters: Sequence[str], institution: str
) -> None:
    """Write results in another format and say what was written.

    Raises
    ------
    NeurosimError
        No such format, an option that it does not take, no results, or what the export itself refuses.
    """
    if not to:
        raise SpecError(f"export {folder}: say to which format, --to; {nearest('', _FORMATS)}")
    if to not in _FORMATS:
        raise SpecError(f"unknown format {to!r}; {nearest(to, _FORMATS)}")
    if to == "csv":
        given = {"--fresh": fresh, "--experimenter": experimenters, "--institution": institution}
        for option in (name for name, value in given.items() if value):
            raise SpecError(f"{option} goes with --to nwb; tables are written anew every time and name nobody")
    from neurosim.analysis import open_results

    with open_results(folder) as results:
        if to == "csv":
            from neurosim.export import export_csv

            done = export_csv(results, **chosen)
            say(f"{len(done.written)} files in {done.folder}; datapackage.json has what the columns are and their units")
            return
        from neurosim.export import export_nwb

        who = (tuple(experimenters), institution)
        done = export_nwb(results, **chosen, fresh=fresh, people=who, progress=lambda path: say(str(path)))
    _say_nwb(done)


def _say_nwb(done) -> None:
    kept = f", {len(done.kept)} kept that were there" if done.kept else ""
    n = len(done.written)
    say(f"{n} file{'s' * (n != 1)} written to {done.folder}{kept}")
    for trial in done.skipped[:_MOST]:
        where = f", {trial.point}" if trial.point else ""
        note(f"skipped: arm {trial.arm}, subject {trial.subject}{where}: {trial.why}")
    if len(done.skipped) > _MOST:
        note(f"skipped: {len(done.skipped) - _MOST} more; 'neurosim status' names them")
    if done.others:
        note(f"files there of no trial of these results: {len(done.others)} ({done.others[0]}); --fresh removes them")
