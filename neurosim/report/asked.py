"""What was asked, in words: the experiment that is stored beside its results, and the command that runs it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np

from neurosim.analysis.experiment import settings_of, stored_experiment
from neurosim.analysis.notebook import outcomes_text
from neurosim.analysis.plots.common import axis_label, spaced
from neurosim.analysis.plots.style import number
from neurosim.errors import NeurosimError
from neurosim.recording import OUTCOMES_WITH_DATA
from neurosim.spec import Experiment, clock_text, digest, experiment_of_texts, load_experiment, phase_times

__all__ = ["Failed", "Stored", "axes_of", "failures_of", "outcome_words", "phases_of", "sentence_of", "stored"]


@dataclass(frozen=True)
class Stored:
    """The experiment of a folder.

    Attributes
    ----------
    experiment : Experiment or None
        As its texts say; None where they cannot be read back.
    trouble : str
        What a reader must know about it: why there is none, or that it is not exactly what ran.
    command : str
        What runs it again; empty if nothing is known to.
    circuit_file : str
        Under which name the circuit is saved, where the command needs the texts of experiment and circuit in one folder.
    """

    experiment: Experiment | None
    trouble: str = ""
    command: str = ""
    circuit_file: str = ""


def stored(results) -> Stored:
    """The experiment of some results, held against its hash, and what runs it again."""
    settings, wanted = settings_of(results), results.attributes.get("experiment_digest")
    options = [word for path, value in settings.items() for word in ("--set", f"{path}={value}")]
    shipped = _shipped(results, settings)
    if shipped is not None and digest(shipped) == wanted:
        return Stored(shipped, command=_command(shipped.name, options))
    try:
        found = stored_experiment(results)
    except NeurosimError as error:
        why = " ".join(str(error).split())
        return Stored(None, f"The stored experiment cannot be read back, so what rests on it is left out: {why}")
    if not found.is_exact:
        return Stored(
            found.experiment,
            "The stored texts are not exactly what ran: values were set on the way that this folder does not hold. Doses "
            "and assumptions below are those of the texts; every number of the results is what ran.",
        )
    if not _do_texts_say_all(results, settings, wanted):
        return Stored(found.experiment)
    return Stored(
        found.experiment,
        command=_command(f"{found.experiment.name}.yaml", options),
        circuit_file=f"{found.experiment.circuit.name}.yaml",
    )


def _do_texts_say_all(results, settings: dict[str, str], wanted: str) -> bool:
    """Whether the texts and ``--set`` are what ran: an experiment may have been changed by code since it was loaded."""
    try:
        return digest(experiment_of_texts(results.experiment_text, results.circuit_text, settings)) == wanted
    except NeurosimError:
        return False


def _command(name: str, options: list[str]) -> str:
    return shlex.join(["neurosim", "run", name, *options])


def _shipped(results, settings: dict[str, str]) -> Experiment | None:
    """The experiment inside the package whose file is the one that was run."""
    file = files("neurosim.experiments") / f"{results.name}.yaml"
    if not file.is_file() or file.read_text(encoding="utf-8") != results.experiment_text:
        return None
    try:
        with as_file(file) as path:
            return load_experiment(path, set=settings)
    except NeurosimError:
        return None


def sentence_of(results, experiment: Experiment | None) -> str:
    """What was asked, in one sentence."""
    n, arms = len(results.subjects), [spaced(arm) for arm in results.arms]
    shown = ", ".join(arms[:6]) + (f" and {len(arms) - 6} more" if len(arms) > 6 else "")
    words = [f"{_counted(len(arms), 'arm')} ({shown})" if len(arms) > 1 else f"One arm ({shown})"]
    words.append(f"in {_counted(n, 'subject')}")
    if experiment is not None:
        words.append(f"of the circuit {experiment.circuit.name} ({experiment.species}{_size_words(experiment)})")
    phases = phases_of(experiment)
    times = ", ".join(f"{p[0]} {_when(p[1])}" for p in phases) or ", ".join(results.phases)
    words.append(f"{'through' if len(results.phases) > 1 else 'in'} {_counted(len(results.phases), 'phase')} ({times})")
    axes = " and ".join(axis_words for _, axis_words, _ in axes_of(results))
    return " ".join(words) + (f", over {axes}" if axes else "") + "."


def _when(clock: str) -> str:
    return clock if clock == "before drugs" else f"at {clock}"


def _size_words(experiment: Experiment) -> str:
    if not experiment.has_spikes:
        return ", nothing spikes"
    cells = sum(population.n for population in experiment.circuit.populations.values())
    return f", {len(experiment.circuit.populations)} populations, {cells} neurons"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def phases_of(experiment: Experiment | None) -> list[tuple[str, str, str, str]]:
    """(name, clock, settle, record) of each phase."""
    if experiment is None:
        return []
    if not experiment.has_spikes:
        return [(p.name, clock_text(p), "–", "–") for p in phase_times(experiment.protocol)]
    return [
        (p.name, clock_text(p), f"{float(p.settle):g} s", f"{float(p.record):g} s")
        for p in phase_times(experiment.protocol)
    ]


def axes_of(results) -> list[tuple[str, str, str]]:
    """(name, words, path) of each scan axis."""
    found = []
    for axis in results.axes.values():
        for own in axis.members or (axis,):
            ends = own.values if len(own.values) <= 4 else (own.values[0], "...", own.values[-1])
            values = ", ".join(v if isinstance(v, str) else number(v) for v in ends)
            found.append((own.name, f"{axis_label(own)}: {values} ({_counted(len(own.values), 'value')})", own.path))
    return found


@dataclass(frozen=True)
class Failed:
    """A trial without data, and why."""

    arm: str
    subject: int
    point: str
    outcome: str
    message: str


def outcome_words(results) -> str:
    """``"16 trials: 1 failed, 15 ok"``, each trial once however often it stands in the summary."""
    return f"{_counted(len(np.unique(results.keys.values)), 'trial')}: {outcomes_text(results)}"


def failures_of(results, most: int = 20) -> tuple[list[Failed], int]:
    """Trials without data, each once, and how many more there are."""
    found = list(_failures(results))
    return found[:most], max(len(found) - most, 0)


def _failures(results) -> Iterator[Failed]:
    messages = results.summary["trials"]["message"].load()
    known = set()
    dims = list(results.outcomes.dims)
    for index in np.ndindex(results.outcomes.shape):
        outcome, key = str(results.outcomes.values[index]), str(results.keys.values[index])
        if outcome in OUTCOMES_WITH_DATA or key in known:
            continue
        known.add(key)
        at = dict(zip(dims, index, strict=True))
        lines = str(messages.values[index]).strip().splitlines()
        point = tuple(at[axis] for axis in results.axes)
        arm = results.arms[at["arm"]]
        where = results.point_text(point) if point and results.is_scanned(arm) else ""
        yield Failed(arm, results.subjects[at["subject"]], where, outcome, lines[-1] if lines else "")
