"""What the parts of an experiment must agree on, among themselves and with its circuit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurosim.spec._circuit_checks import unknown
from neurosim.spec._graded import disorder_problems
from neurosim.spec._model import Path, Problem

if TYPE_CHECKING:
    from neurosim.spec._circuit import Circuit
    from neurosim.spec._experiment import Arm, Dose, Experiment, Lesion, Phase, Protocol, Stimulation

__all__ = [
    "MOST_POINTS",
    "POINT",
    "MOST_SUBJECTS",
    "PhaseTime",
    "RESERVED",
    "arm_problems",
    "cut_stimulations",
    "dose_problems",
    "experiment_problems",
    "phase_times",
    "protocol_problems",
    "stimulation_problems",
]

#: The dimension along which zipped, drawn and listed-in-a-file axes go together.
POINT = "point"
#: Step of the slow loop: recordings, settling and traces are whole numbers of it.
_SLOW_STEP = 1e-3
_SLOW_TEXT = "1 ms"
#: Names that results use for dimensions, coordinates and variables: no axis may take one. A contract test holds it
#: to what results hold.
RESERVED = frozenset(
    {  # fmt: skip
        "arm", "subject", "phase", "population", "region", "transmitter", "site",
        "drug", "ligand", "carrier", "time", "statistic", "spike", "cell",
        "pool", "probe", "point", "trial", "train", "obs", "alive", "spike_step",
        "row_size", "voltage", "population_region", "population_transmitter", "receptor", "on", "compartment",
        "hears", "site_transmitter", "firing_rate", "firing_rate_active", "active_fraction", "cv_isi", "burst_fraction",
        "n_cells", "concentration", "release", "uptake", "efflux", "filling", "loss", "drift",
        "activation", "heard", "receptor_number", "transmitter_occupancy", "occupancy", "carrier_occupancy",
        "balance", "balance_activation",
        "outcome", "key", "wall_time", "message", "at", "record", "rate",
    }
)
#: Shortest step of the fast loop, s, and longest phase: beyond, a program would not count or not end.
_SHORTEST_DT, _LONGEST_PHASE = 1e-6, 1e6
#: Most subjects of an experiment and points of its scan: more is a slip, and would not fit into memory as a list.
MOST_SUBJECTS, MOST_POINTS = 100_000, 1_000_000
_ROUNDING = 1e-9


@dataclass(frozen=True)
class PhaseTime:
    """A phase on the pharmacological clock, times in s.

    ``before_drugs`` phases lie before zero; those without an ``at`` of their own have ``at = -inf``. ``record`` is 0
    where nothing is recorded over time (``engine: none``).
    """

    name: str
    at: float
    before_drugs: bool
    settle: float
    record: float


def phase_times(protocol: Protocol) -> list[PhaseTime]:
    """When each phase takes place (time rule of DESIGN §3).

    Clock zero is the first dose. A phase without ``at`` before the first phase with ``at`` lies before all
    drugs; any other inherits the previous ``at``; if no phase has one, all are at 0.
    """
    current = 0.0 if all(phase.at is None for phase in protocol.phases) else -math.inf
    times = []
    for phase in protocol.phases:
        current = current if phase.at is None else float(phase.at)
        settle = protocol.settle if phase.settle is None else phase.settle
        times.append(PhaseTime(phase.name, current, current < 0, float(settle), float(phase.record or 0)))
    return times


def _is_whole(value: float, step: float) -> bool:
    return math.isclose(value / step, round(value / step), rel_tol=_ROUNDING, abs_tol=1e-6)


def protocol_problems(protocol: Protocol) -> Iterator[Problem]:
    """Clocks that do not fit together, phases out of order or named twice."""
    dt, step = protocol.dt, protocol.trace_step
    if dt > _SLOW_STEP or not _is_whole(_SLOW_STEP, dt):
        yield Problem(
            ("dt",),
            f"'{dt}' does not divide {_SLOW_TEXT}; allowed: e.g. '0.05 ms', '0.1 ms', '0.2 ms', '1 ms'",
        )
    elif dt < _SHORTEST_DT * (1 - _ROUNDING):
        yield Problem(("dt",), f"'{dt}' is out of range; allowed: from 0.001 ms to 1 ms")
    if not _is_whole(step, _SLOW_STEP) or step < _SLOW_STEP * (1 - _ROUNDING):
        yield Problem(("trace_step",), f"'{step}' is not a multiple of {_SLOW_TEXT}")
    if not _is_whole(protocol.settle, _SLOW_STEP):
        yield Problem(("settle",), f"'{protocol.settle}' is not a multiple of {_SLOW_TEXT}")
    if not protocol.phases:
        yield Problem(("phases",), "is empty; a protocol needs at least one phase")
    seen: set[str] = set()
    for k, phase in enumerate(protocol.phases):
        if phase.name in seen:
            yield Problem(
                ("phases", k, "name"), f"the phase '{phase.name}' exists already; phases need different names"
            )
        seen.add(phase.name)
        yield from _phase_problems(("phases", k), phase)
    times = phase_times(protocol)
    for k in range(1, len(times)):
        if times[k].at < times[k - 1].at:
            sentence = f"'{protocol.phases[k].at}' lies before the phase '{times[k - 1].name}'"
            yield Problem(("phases", k, "at"), f"{sentence}; phases are in order of time")


def arm_problems(experiment: Experiment, name: str) -> Iterator[Problem]:
    """The part of :func:`experiment_problems` that concerns one arm."""
    phases = {phase.name: phase for phase in experiment.protocol.phases}
    yield from _arm_problems(("arms", name), experiment.arms[name], phases, experiment.circuit)


def _phase_problems(path: Path, phase: Phase) -> Iterator[Problem]:
    for key in ("record", "settle"):
        value = getattr(phase, key)
        if value is None:
            continue
        if value > _LONGEST_PHASE:
            yield Problem((*path, key), f"'{value}' is out of range; allowed: at most {_LONGEST_PHASE:g} s")
        elif not _is_whole(value, _SLOW_STEP):
            yield Problem((*path, key), f"'{value}' is not a multiple of {_SLOW_TEXT}")


def dose_problems(dose: Dose) -> Iterator[Problem]:
    """Dosing that says too little or too much."""
    if dose.dose is None and dose.rate is None:
        yield Problem((), "has neither dose nor concentration; allowed: exactly one of them")
    if dose.dose is not None and dose.rate is not None and dose.duration is not None:
        yield Problem(
            ("duration",), "dose, rate and duration say one thing too many; allowed: any two of them"
        )
    if dose.route in _LASTING and dose.rate is None and dose.duration is None:
        yield Problem(("route",), f"'{dose.route}' goes on for a time: give a rate, or a dose and its duration")
    if dose.addl is not None and dose.ii is None:
        yield Problem(("addl",), "additional doses need ii, the time between doses, e.g. '24 h'")
    if (
        dose.ss
        and dose.ii is None
        and not (dose.rate is not None and dose.dose is None and dose.duration is None)
    ):
        yield Problem(
            ("ss",), "steady state needs ii, the time between doses, e.g. '24 h', or an infusion without end"
        )
    if dose.ss and dose.addl is not None:
        yield Problem(("addl",), "steady state has no number of additional doses; allowed: ss or addl")
    if dose.ii is not None and dose.addl is None and not dose.ss:
        yield Problem(("ii",), "repeated doses need addl, the number of further doses, or ss: true")
    if dose.ii is not None and dose.dose is None and dose.duration is None:
        yield Problem(("ii",), "an infusion without end cannot be repeated; allowed: a duration, or a dose")


#: Routes that are no single moment.
_LASTING = ("infusion", "minipump")
_NEEDS = {"pulses": ("n", "rate"), "rate": ("rate",), "current": ("amplitude",)}
_REFUSES = {"pulses": (), "rate": ("n",), "current": ("n", "rate")}


def stimulation_problems(stimulation: Stimulation) -> Iterator[Problem]:
    """Keys that a kind of stimulation lacks or cannot use, and trains that overlap themselves."""
    kind = stimulation.kind
    for key in _NEEDS[kind]:
        if getattr(stimulation, key) is None:
            yield Problem((), f"lacks {key}; kind {kind} needs {' and '.join(_NEEDS[kind])}")
    for key in _REFUSES[kind]:
        if getattr(stimulation, key) is not None:
            yield Problem((key,), f"kind {kind} has no {key}")
    rate, duration = stimulation.rate, stimulation.duration
    for key in ("start", "duration"):
        value = getattr(stimulation, key)
        if value is not None and not _is_whole(value, _SLOW_STEP):
            yield Problem((key,), f"'{value}' is not a multiple of {_SLOW_TEXT}, the grid of stimulations")
    if rate is None:
        return
    if kind == "pulses" and duration is not None and duration * rate > 1 + _ROUNDING:
        yield Problem(("duration",), f"pulses of '{duration}' at '{rate}' overlap")
    if rate * _SLOW_STEP > 1:
        yield Problem(("rate",), f"'{rate}' is out of range; allowed: at most 1000 Hz")


def experiment_problems(experiment: Experiment, circuit: Circuit) -> Iterator[Problem]:
    """All names of an experiment that do not exist, and what its circuit cannot do."""
    phases = {phase.name: phase for phase in experiment.protocol.phases}
    yield from unknown(("reference", "arm"), "arm", experiment.reference.arm, experiment.arms)
    yield from unknown(("reference", "phase"), "phase", experiment.reference.phase, phases)
    for name, n in experiment.protocol.voltages.items():
        path = ("protocol", "voltages", name)
        yield from unknown(path, "population", name, circuit.populations)
        if name in circuit.populations and n > circuit.populations[name].n:
            yield Problem(path, f"{n} is more than the {circuit.populations[name].n} cells of {name}")
    for name, arm in experiment.arms.items():
        yield from _arm_problems(("arms", name), arm, phases, circuit)
    yield from _engine_problems(experiment, circuit)
    for name in experiment.scan:
        if name in RESERVED:
            yield Problem(("scan", name), f"the name '{name}' is already taken in the results; choose another")
    for name, projection in circuit.projections.items():
        if projection.delay.value < experiment.protocol.dt * (1 - _ROUNDING):
            sentence = f"'{experiment.protocol.dt}' is longer than the delay of projection {name}"
            yield Problem(("protocol", "dt"), f"{sentence} ('{projection.delay.value}')")
            break


def _engine_problems(experiment: Experiment, circuit: Circuit) -> Iterator[Problem]:
    """What an engine needs, and what it could only ignore."""
    pools = [f"{region}.{t}" for region, of_region in circuit.pools.items() for t in of_region]
    for name in experiment.levels:
        yield from unknown(("levels", name), "pool", name, pools)
    if experiment.has_spikes:
        if experiment.levels:
            sentence = "allowed with engine: none; where cells spike, levels follow from release and uptake"
            yield Problem(("levels",), sentence)
        for k, phase in enumerate(experiment.protocol.phases):
            if phase.record is None:
                yield Problem(("protocol", "phases", k), "lacks the key 'record'")
        return
    if experiment.protocol.voltages:
        yield Problem(("protocol", "voltages"), "engine: none has no cells, so it has no voltages")
    for name, arm in experiment.arms.items():
        for key in ("disorders", "lesions", "stimulations"):
            if getattr(arm, key):
                sentence = f"engine: none has no cells; {key} need engine: brian2 (the default)"
                yield Problem(("arms", name, key), sentence)


def _arm_problems(path: Path, arm: Arm, phases: dict[str, Phase], circuit: Circuit) -> Iterator[Problem]:
    for k, drug in enumerate(arm.drugs):
        for i, phase in enumerate(getattr(drug, "phases", ())):
            yield from unknown((*path, "drugs", k, "phases", i), "phase", phase, phases)
    yield from disorder_problems(path, arm, circuit)
    lesioned = Counter(lesion.population for lesion in arm.lesions)
    for k, lesion in enumerate(arm.lesions):
        here = (*path, "lesions", k, "population")
        yield from unknown(here, "population", lesion.population, circuit.populations)
        if lesioned.pop(lesion.population, 1) > 1:
            yield Problem(here, f"{lesion.population} is lesioned twice in this arm; state one fraction")
        yield from _reach_problems((*path, "lesions", k), lesion, circuit)
    for k, stimulation in enumerate(arm.stimulations):
        yield from _window_problems((*path, "stimulations", k), stimulation, phases, circuit)


def _reach_problems(path: Path, what: Lesion | Stimulation, circuit: Circuit) -> Iterator[Problem]:
    """A part of a population that is less than half a cell."""
    population = circuit.populations.get(what.population)
    if population is not None and round(float(what.fraction) * population.n) == 0:
        sentence = f"'{what.fraction}' of the {population.n} cells of {what.population} is none"
        yield Problem((*path, "fraction"), f"{sentence}; allowed: from {0.5 / population.n:.2g}")


def _window_problems(
    path: Path, s: Stimulation, phases: dict[str, Phase], circuit: Circuit
) -> Iterator[Problem]:
    yield from unknown((*path, "population"), "population", s.population, circuit.populations)
    yield from unknown((*path, "phase"), "phase", s.phase, phases)
    yield from _reach_problems(path, s, circuit)
    if s.phase not in phases:
        return
    record = phases[s.phase].record
    if record is None:
        return
    if s.start >= record:
        sentence = f"'{s.start}' lies after the end of the recording; phase {s.phase} records '{record}'"
        yield Problem((*path, "start"), sentence)
    elif s.kind != "pulses" and s.duration is not None and s.start + s.duration > record * (1 + _ROUNDING):
        sentence = f"'{s.duration}' from '{s.start}' on passes the end of the recording"
        yield Problem((*path, "duration"), f"{sentence}; phase {s.phase} records '{record}'")


def cut_stimulations(experiment: Experiment) -> list[tuple[str, str]]:
    """Trains of pulses that the end of their recording cuts off, as (path, sentence); worth a warning."""
    phases = {phase.name: phase for phase in experiment.protocol.phases}
    found = []
    for name, arm in experiment.arms.items():
        for k, s in enumerate(arm.stimulations):
            if s.kind == "pulses":
                record = phases[s.phase].record
                inside = min(s.n, math.ceil((record - s.start) * s.rate - _ROUNDING))
                if inside < s.n:
                    sentence = (
                        f"{inside} of {s.n} pulses fall into the recording of phase {s.phase} ('{record}')"
                    )
                    found.append((f"arms.{name}.stimulations.{k}", sentence))
    return found
