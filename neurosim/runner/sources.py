"""What to cite for an experiment: the publications behind the numbers it uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neurosim import __version__ as version
from neurosim import reference
from neurosim.analysis import Results, open_results
from neurosim.analysis.experiment import stored_experiment
from neurosim.errors import ResultSchemaError
from neurosim.reference import BibEntry
from neurosim.runner.numbers import numbers_used
from neurosim.spec import Experiment, plain

__all__ = ["SourcesUsed", "sources_of_results", "sources_used"]


@dataclass(frozen=True)
class SourcesUsed:
    """What an experiment rests on.

    Attributes
    ----------
    experiment : Experiment
    software : BibEntry
        This package.
    publications : dict, topic → tuple of BibEntry
        By what they are for; one that serves several topics stands in each.
    others : dict, topic → tuple of str
        Sources that are no publication or name none, as the circuit or table writes them.
    """

    experiment: Experiment
    software: BibEntry
    publications: dict[str, tuple[BibEntry, ...]]
    others: dict[str, tuple[str, ...]]

    @property
    def entries(self) -> tuple[BibEntry, ...]:
        """The software, then every publication once, in the order of their keys."""
        found = {entry.key: entry for entries in self.publications.values() for entry in entries}
        return self.software, *(found[key] for key in sorted(found))


def sources_used(
    experiment: Experiment | str | Path,
    set: Mapping[str, Any] | None = None,  # noqa: A002 (the name of the option)
) -> SourcesUsed:
    """Collect the sources of :func:`~neurosim.runner.numbers_used`; nothing is simulated.

    Raises
    ------
    SpecError, UnitError, ReferenceDataError
        The experiment could not run.
    """
    used = numbers_used(experiment, set)
    publications: dict[str, dict[str, BibEntry]] = {}
    others: dict[str, dict[str, None]] = {}
    for number in used.numbers:
        entries, rest = _entries(number.source)
        publications.setdefault(number.topic, {}).update((entry.key, entry) for entry in entries)
        others.setdefault(number.topic, {}).update(dict.fromkeys(rest))
    return SourcesUsed(
        used.experiment,
        _software(),
        {topic: tuple(found.values()) for topic, found in publications.items() if found},
        {topic: tuple(found) for topic, found in others.items() if found},
    )


def sources_of_results(folder: str | Path) -> SourcesUsed:
    """Collect the sources of what a run used, from what its summary says of it: with all that ``--set`` changed.

    Parameters
    ----------
    folder : path
        That ``neurosim run`` wrote. The version of the software is the one that ran it; what a number's source stands for
        is looked up in the tables of this version.

    Raises
    ------
    ResultSchemaError
        No results, or of an earlier version and with values that their file does not have.
    SpecError, UnitError, ReferenceDataError
        The experiment could not run with this version.
    """
    with open_results(folder) as results:
        experiment, ran = _experiment_of(results), json.loads(results.attributes.get("versions", "{}"))
    used = sources_used(experiment)
    return replace(used, software=_software(ran["neurosim-da5ht"])) if "neurosim-da5ht" in ran else used


def _experiment_of(results: Results) -> Experiment:
    """The experiment that a summary says was run."""
    found = stored_experiment(results)
    if not found.is_exact:
        raise ResultSchemaError(
            f"{results.folder}: an earlier version wrote it, and the experiment's file alone does not say all that was run; "
            "give the experiment, with the same --set"
        )
    # where the values of a scan came from is no source of a number, and may be a file that is not there any more
    said = plain(found.experiment, without=("circuit", "scan", "sample"))
    return Experiment.model_validate({**said, "circuit": found.experiment.circuit})


def _software(ran: str = version) -> BibEntry:
    entry = reference.bibliography()[reference.SOFTWARE]
    return replace(entry, fields={**entry.fields, "version": ran})


def _entries(source: str) -> tuple[tuple[BibEntry, ...], tuple[str, ...]]:
    """Publications that a source names, and what of it names none."""
    if not source:
        return (), ()
    found = reference.citation(source)
    if found is not None:
        return found.entries, () if found.entries else (source,)
    # A derived number joins the sources of its parts with "; ", which a part may contain itself.
    entries: dict[str, BibEntry] = {}
    rest: list[str] = []
    parts = source.split("; ")
    while parts:
        ends = [n for n in range(len(parts), 0, -1) if reference.citation("; ".join(parts[:n])) is not None]
        if not ends:
            rest.append(parts.pop(0))
            continue
        known = reference.citation("; ".join(parts[: ends[0]]))
        entries.update((entry.key, entry) for entry in known.entries)
        rest += [] if known.entries else [known.text]
        parts = parts[ends[0] :]
    return tuple(entries.values()), tuple(rest)
