"""What is done to each arm and when, read from an experiment or from results, and the clock it is drawn on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analysis.experiment import stored_experiment
from neurosim.analysis.plots.common import first_trial
from neurosim.analysis.plots.style import number
from neurosim.analysis.resolved import arm_of, phases_of, stretches_of
from neurosim.errors import NeurosimError, ResultSchemaError
from neurosim.spec import (
    Arm,
    Clamp,
    Dose,
    Experiment,
    PhaseTime,
    Stimulation,
    axis_values,
    phase_times,
)
from neurosim.units import Quantity

__all__ = ["Item", "Schedule", "items_of", "schedule_of", "schedule_of_results"]

#: Values that an arm sets which are named one by one.
_MOST_SET = 3


@dataclass(frozen=True)
class Item:
    """One thing that is done to an arm.

    Attributes
    ----------
    text : str
    kind : str
        ``whole`` (for the whole trial), ``dose``, ``held`` (a level or an infusion) or ``stimulation``.
    times : float array, s
        Of a dose: when it is given, rising.
    spans : tuple of (start, end), s
        Of what is held on the clock of drugs; an end of inf is open.
    phases : tuple of str
        Of what acts in some phases alone.
    in_phase : tuple of (start, end), s
        Of a stimulation, from the start of the recording.
    """

    text: str
    kind: str
    times: np.ndarray | None = None
    spans: tuple[tuple[float, float], ...] = ()
    phases: tuple[str, ...] = ()
    in_phase: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Schedule:
    """Phases in order, and the items of every arm; ``reference`` is the arm that others are compared with."""

    name: str
    phases: tuple[PhaseTime, ...]
    arms: Mapping[str, tuple[Item, ...]]
    reference: str
    scanned: str = ""


def schedule_of(experiment: Experiment) -> Schedule:
    """The schedule of an experiment, as its file says it; scanned values as they stand in the arms."""
    phases = tuple(phase_times(experiment.protocol))
    arms = {name: tuple(_items(arm, phases)) for name, arm in experiment.arms.items()}
    return Schedule(experiment.name, phases, arms, experiment.reference.arm, _scanned(experiment))


def _scanned(experiment: Experiment) -> str:
    parts = []
    for name, (values, unit) in axis_values(experiment).items():
        numbers = [value.to(unit) if isinstance(value, Quantity) else value for value in values]
        low, high = number(min(numbers)), number(max(numbers))
        words = f"{name} {low} to {high}{'' if unit == 'x' else ' '}{unit}"
        parts.append(f"{words.strip()} ({len(numbers)} values)")
    return ", ".join(parts)


def schedule_of_results(results) -> Schedule:
    """The schedule of an experiment that was run.

    From what the summary says was run. Summaries of earlier versions hold the text of the file, which counts if that is what
    was run; where values were set besides, each trial says what was done, with an arm's disorders among its lesions and
    without what it set in the circuit.

    Raises
    ------
    ResultSchemaError
        The results hold neither.
    """
    experiment = _experiment_of(results)
    if experiment is not None:
        return schedule_of(experiment)
    found = {arm: _resolved(results, arm) for arm in results.arms}
    first = next((said for said in found.values() if "protocol" in said), None)
    if first is None or not any("arm" in said for said in found.values()):
        raise ResultSchemaError(
            f"timeline of {results.name}: these results do not say what was done to their arms; "
            "allowed: an experiment, timeline_figure(load_experiment(...))"
        )
    phases = phases_of(first)
    arms = {
        name: tuple(items_of(said)) if "arm" in said else (Item("no trial has data", "whole"),)
        for name, said in found.items()
    }
    axes = [own for axis in results.axes.values() for own in axis.members or (axis,)]
    scanned = ", ".join(f"{axis.name} ({len(axis.values)} values, the first is shown)" for axis in axes)
    return Schedule(results.name, phases, arms, results.reference[0], scanned)


def items_of(resolved: Mapping[str, Any]) -> list[Item]:
    """What a trial's ``resolved`` says was done to its arm."""
    return list(_items(arm_of(resolved), phases_of(resolved)))


def _experiment_of(results) -> Experiment | None:
    """The experiment as it was run; None if something else than its file was, or it needs files that are not here."""
    try:
        found = stored_experiment(results)
    except NeurosimError:
        return None
    return found.experiment if found.is_exact else None


def _resolved(results, arm: str) -> dict[str, Any]:
    """What the first trial of an arm that has data says was simulated; nothing without one."""
    trial = first_trial(results, arm, dict.fromkeys(results.axes, 0))
    return {} if trial is None else json.loads(trial.attrs.get("resolved", "{}"))


def _items(arm: Arm, phases: Sequence[PhaseTime]) -> Iterator[Item]:
    for graded in arm.disorders:
        yield Item(f"{graded.disorder.name}, severity {float(graded.severity):g}", "whole")
    for lesion in arm.lesions:
        yield Item(f"{lesion.population}: {100 * float(lesion.fraction):g} % of the cells lost", "whole")
    for path, value in list(arm.set.items())[:_MOST_SET]:
        yield Item(f"{path}: {value}", "whole")
    if len(arm.set) > _MOST_SET:
        yield Item(f"and {len(arm.set) - _MOST_SET} more values set", "whole")
    for drug in arm.drugs:
        yield _clamp(drug) if isinstance(drug, Clamp) else _dose(drug, max(p.at for p in phases))
    for stimulation in arm.stimulations:
        record = next(phase.record for phase in phases if phase.name == stimulation.phase)
        yield _stimulation(stimulation, record)


def _clamp(drug: Clamp) -> Item:
    where = f" in {', '.join(drug.phases)}" if drug.phases else ""
    spans = () if drug.phases else ((0.0, math.inf),)
    return Item(f"{drug.drug} held at {drug.concentration}{where}", "held", spans=spans, phases=drug.phases)


def _dose(drug: Dose, last: float) -> Item:
    """A dose, repeated or not, or an infusion; of a steady state the doses from zero on are shown."""
    amount = " at ".join(str(part) for part in (drug.dose, drug.rate) if part is not None)
    over = f" over {drug.duration}" if drug.duration is not None else ""
    words = f"{drug.drug} {amount} {drug.route}{over}"
    start, times = float(drug.time), np.array([float(drug.time)])
    if drug.ii is not None:
        n = int(drug.addl or 0) + 1 if not drug.ss else max(int((last - start) // float(drug.ii)) + 1, 1)
        times = start + float(drug.ii) * np.arange(n)
        words += f", every {drug.ii}" + (", at steady state" if drug.ss else f", {n} doses")
    elif drug.ss:
        words += ", at steady state"
    length = _length(drug)
    if length:
        return Item(words, "held", spans=tuple((float(t), float(t) + length) for t in times))
    return Item(words, "dose", times=times)


def _length(drug: Dose) -> float:
    """How long an infusion goes on, s; 0 for what is given at once."""
    if drug.duration is not None:
        return float(drug.duration)
    if drug.rate is None:
        return 0.0
    return math.inf if drug.dose is None else float(drug.dose) / float(drug.rate)


def _stimulation(s: Stimulation, record: float) -> Item:
    if s.kind == "pulses":
        words = f"{s.n} pulse{'s' * (s.n > 1)} at {s.rate}"
    else:
        words = f"random at {s.rate}" if s.kind == "rate" else f"current {s.amplitude}"
    part = "" if float(s.fraction) == 1 else f", {100 * float(s.fraction):g} % of the cells"
    return Item(f"{s.population}: {words}{part}", "stimulation", phases=(s.phase,), in_phase=stretches_of(s, record))
