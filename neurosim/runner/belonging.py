"""Which finished trials an experiment still asks for, and what changed where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from neurosim.errors import ResultSchemaError
from neurosim.recording import trial_path
from neurosim.runner.folder import finished, read_plan
from neurosim.runner.trials import source_digest
from neurosim.spec import Experiment, digest

__all__ = ["no_longer_asked", "parts_of"]

#: Parts of an experiment that trials hang on.
_PARTS = ("circuit", "species", "levels", "profile", "uncertainty", "subjects", "seed", "protocol", "arms", "scan", "sample")


def parts_of(experiment: Experiment, engine: str) -> dict[str, str]:
    """Part of an experiment → its hash, for :func:`no_longer_asked`; the sources and the engine are parts too."""
    own = {part: digest(getattr(experiment, part))[:16] for part in _PARTS}
    return {"name": experiment.name, **own, "engine": engine, "sources of neurosim": source_digest()[:16]}


def no_longer_asked(folder: Path, keys: Iterable[str], parts: Mapping[str, str]) -> Iterator[str]:
    """Say in a sentence which finished trials of the last run the experiment does not ask for any more.

    They stay where they are and out of the summary: an earlier version of the experiment finds them again.
    """
    try:
        plan = read_plan(folder)
    except ResultSchemaError:
        return
    old = [trial["key"] for trial in plan["trials"]]
    left_out = set(old) - set(keys)
    there = {key for key in left_out if trial_path(folder, key).exists()}
    there |= finished(folder, left_out - there)[0].keys()
    if not there:
        return
    before = plan.get("parts") or {}
    changed = [part for part, value in parts.items() if before.get(part, value) != value]
    why = f": its {_listed(changed)} changed" if changed else ""
    yield (
        f"{len(there)} finished trials of the last run do not belong to the experiment any more{why}; they stay in "
        f"{folder / 'trials'} and out of the summary, --fresh removes them"
    )


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
