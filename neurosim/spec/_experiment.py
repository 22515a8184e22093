"""An experiment: circuit, protocol, arms, scan. Frozen models, as in the YAML file of DESIGN §3."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PrivateAttr,
    StringConstraints,
    Tag,
    model_validator,
)

from neurosim.spec._axis import Axis, Sample, Setting, scan_problems
from neurosim.spec._circuit import Circuit, PoolName
from neurosim.spec._circuit_file import circuit_of
from neurosim.spec._disorder import GradedDisorder
from neurosim.spec._experiment_checks import (
    MOST_SUBJECTS,
    dose_problems,
    experiment_problems,
    protocol_problems,
    stimulation_problems,
)
from neurosim.spec._model import Model, Named, Problem, problem_error, raise_problems
from neurosim.spec._quantities import Flag, Identifier, Integer, Label, Route, Species, stated
from neurosim.units import Quantity

__all__ = [
    "Arm",
    "Axis",
    "Clamp",
    "Dose",
    "Experiment",
    "Lesion",
    "Phase",
    "Protocol",
    "Reference",
    "Sample",
    "Stimulation",
    "Uncertainty",
    "with_phases",
]

#: A stimulus that says nothing about its strength makes its cells fire: each pulse brings 4 pC, which moves
#: a cell of 100 pF by 40 mV. Pulses last 2 ms; a random train has one chance in each 1 ms.
_PULSE = {"duration": "2 ms", "amplitude": "2 nA"}
_RANDOM = {"amplitude": "4 nA"}


class Phase(Model):
    """One recorded stretch. ``at`` is on the pharmacological clock, see :func:`neurosim.spec.phase_times`.

    ``record`` may be left out only where nothing is recorded over time, with ``engine: none``.
    """

    name: Label
    record: Annotated[Quantity, stated("time", "positive")] | None = None
    at: Annotated[Quantity, stated("time")] | None = None
    settle: Annotated[Quantity, stated("time", "not negative")] | None = None


class Protocol(Model):
    """What every trial goes through, and what of it is stored.

    ``settle`` holds for phases without their own; ``voltages`` is the number of cells per population whose
    voltage is stored.
    """

    settle: Annotated[Quantity, stated("time", "not negative")] = "5 s"
    dt: Annotated[Quantity, stated("time", "positive")] = "0.1 ms"
    trace_step: Annotated[Quantity, stated("time", "positive")] = "10 ms"
    voltages: Named[str, Annotated[Integer, Field(ge=0)]] = Field(default_factory=Named)
    spikes: Flag = True
    phases: tuple[Phase, ...]

    @model_validator(mode="after")
    def _consistent(self):
        raise_problems(protocol_problems(self))
        return self

    @classmethod
    def resting(cls) -> Protocol:
        """A protocol of one short phase, for questions about a circuit that need no recording."""
        return cls(phases=[{"name": "rest", "record": "1 s"}])


class Dose(Model):
    """A dose through pharmacokinetics.

    ``dose`` at ``time``, repeated every ``ii`` for ``addl`` more times or, with ``ss``, at steady state;
    with ``rate`` (mg/kg/h) an infusion until the dose is given, for ``duration``, or without end.
    """

    drug: str
    dose: Annotated[Quantity, stated("dose", "not negative")] | None = None
    route: Route
    time: Annotated[Quantity, stated("time", "not negative")] = "0 min"
    ii: Annotated[Quantity, stated("time", "positive")] | None = None
    addl: Annotated[Integer, Field(ge=0, le=100_000)] | None = None
    ss: Flag = False
    rate: Annotated[Quantity, stated("dose_rate", "positive")] | None = None
    duration: Annotated[Quantity, stated("time", "positive")] | None = None

    @model_validator(mode="after")
    def _consistent(self):
        raise_problems(dose_problems(self))
        return self


class Clamp(Model):
    """A free brain concentration held in the named phases, by default in every phase not before zero."""

    drug: str
    concentration: Annotated[Quantity, stated("concentration", "not negative")]
    phases: tuple[str, ...] = ()


def _entry_kind(entry: Any) -> str:
    """Tells a dose from a concentration; tags begin with ~ so that they are never taken for keys."""
    if isinstance(entry, Clamp):
        return "~clamp"
    keys = set(entry) if isinstance(entry, Mapping) else set()
    if "concentration" in keys:
        return "~clamp"
    if keys & {"dose", "rate", "route"}:
        return "~dose"
    meant = {word for key in keys for word in get_close_matches(str(key), ("concentration", "dose"), 1)}
    return "~clamp" if "concentration" in meant else "~dose"


def _one_of_both(entry: Any) -> Any:
    if isinstance(entry, Mapping):
        amount = [key for key in ("dose", "rate") if key in entry]
        if "concentration" in entry and amount:
            raise problem_error(Problem((), f"has both concentration and {amount[0]}; allowed: one of them"))
        mistyped = set(entry) - set(Dose.model_fields) - set(Clamp.model_fields)
        if "concentration" not in entry and not amount and not mistyped:
            raise problem_error(
                Problem((), "has neither dose nor concentration; allowed: exactly one of them")
            )
    return entry


Drug = Annotated[
    Annotated[Dose, Tag("~dose")] | Annotated[Clamp, Tag("~clamp")],
    Discriminator(_entry_kind),
    BeforeValidator(_one_of_both),
]


class Lesion(Model):
    """Loss of a part of a population for the whole trial, cells and terminals."""

    population: str
    fraction: Annotated[Quantity, stated("fraction", "positive part")]


class Stimulation(Model):
    """Current into a part of a population during one phase.

    ``pulses``: ``n`` pulses at ``rate``, each of ``duration``; ``rate``: random activation at ``rate``;
    ``current``: a step of ``amplitude``. The last two last for ``duration``, by default to the end of the
    phase. ``start`` counts from the start of the phase's recording; ``phase`` is the last one by default.
    Currents change on a grid of 1 ms: ``start`` and ``duration`` are whole milliseconds, and a pulse of a train
    whose period is none begins at the next one, so that the rate of the train is exact.
    """

    population: str
    kind: Literal["pulses", "rate", "current"]
    n: Annotated[Integer, Field(ge=1)] | None = None
    rate: Annotated[Quantity, stated("rate", "positive")] | None = None
    amplitude: Annotated[Quantity, stated("current")] | None = None
    duration: Annotated[Quantity, stated("time", "positive")] | None = None
    fraction: Annotated[Quantity, stated("fraction", "positive part")] = "1"
    phase: str | None = None
    start: Annotated[Quantity, stated("time", "not negative")] = "0 s"

    @model_validator(mode="before")
    @classmethod
    def _strength(cls, data: Any) -> Any:
        """A pulse that does not say how strong it is makes its cells fire."""
        kind = data.get("kind") if isinstance(data, Mapping) else None
        default = {"pulses": _PULSE, "rate": _RANDOM}.get(kind, {}) if isinstance(kind, str) else {}
        return {**default, **data} if default else data

    @model_validator(mode="after")
    def _consistent(self):
        raise_problems(stimulation_problems(self))
        return self


class Arm(Model):
    """One treatment. ``set`` maps paths of the circuit to values; ``0.5x`` multiplies the circuit's.

    Disorders, lesions and multiples on one thing add up: what survives multiplies, and so do factors.
    """

    description: str | None = None
    disorders: tuple[GradedDisorder, ...] = ()
    drugs: tuple[Drug, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    stimulations: tuple[Stimulation, ...] = ()
    set: Named[str, Setting] = Field(default_factory=Named)


class Reference(Model):
    """The arm and phase that balance and changes are measured against; the first ones by default."""

    arm: str | None = None
    phase: str | None = None


class Uncertainty(Model):
    """Spread of constants that are drawn anew for every subject.

    ``affinity``: standard deviation of log10 of a factor on the affinity of every pair of drug and target, 0 to
    1. All arms of a subject share their factors.
    """

    affinity: Annotated[Quantity, stated("number", "part")]


class Experiment(Model):
    """A whole experiment; every name in it resolves.

    ``circuit`` is the circuit itself; a name or a path is looked up. ``species`` is the circuit's by default,
    ``reference`` the first arm and phase, a stimulation's ``phase`` the last one. With ``engine: none``
    nothing spikes: transmitters stay at the middle of their bands or at ``levels``, and only drugs and
    receptors are computed. ``scan`` has axes, ``sample`` draws points between bounds. ``profile`` chooses among several
    published values of one constant, ``uncertainty`` draws constants for every subject.

    Raises
    ------
    SpecError
        With one sentence per mistake.
    """

    not_hashed: ClassVar = Model.not_hashed | {"name", "schema_", "reference"}
    names_not_hashed: ClassVar = frozenset({"arms"})

    schema_: Literal["neurosim-experiment/1"] = Field(default="neurosim-experiment/1", alias="schema")
    name: Annotated[str, StringConstraints(pattern=r"^\w[\w+-]*$", max_length=80)]
    description: str | None = None
    circuit: Annotated[Circuit, BeforeValidator(circuit_of)]
    species: Species | None = None
    engine: Literal["brian2", "none"] = "brian2"
    levels: Named[PoolName, Annotated[Quantity, stated("concentration", "not negative")]] = Field(
        default_factory=Named
    )
    profile: Label = "default"
    uncertainty: Uncertainty | None = None
    subjects: Annotated[Integer, Field(ge=1, le=MOST_SUBJECTS)] = 1
    seed: Annotated[Integer, Field(ge=0, lt=2**63)] = 0
    protocol: Protocol
    reference: Reference = Reference()
    arms: Named[Label, Arm]
    scan: Named[Identifier, Axis] = Field(default_factory=Named)
    sample: Sample | None = None

    _source_text: str | None = PrivateAttr(default=None)
    _settings: dict[str, str] = PrivateAttr(default_factory=dict)
    #: Experiments derived from this one, see resolve().
    _memory: dict = PrivateAttr(default_factory=dict)
    #: Values of the scan's axes as text, see axis_texts().
    _axis_texts: dict = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self):
        """Fill in what has a default elsewhere in the experiment, then check that every name resolves."""
        if not self.arms:
            raise_problems([Problem(("arms",), "is empty; an experiment needs at least one arm")])
        phases = self.protocol.phases
        arm, phase = self.reference.arm or next(iter(self.arms)), self.reference.phase or phases[0].name
        # A frozen model is complete only after this; nobody has seen it yet.
        self.__dict__["species"] = self.species or self.circuit.species
        self.__dict__["reference"] = Reference(arm=arm, phase=phase)
        self.__dict__["arms"] = Named(
            {name: with_phases(a, phases[-1].name) for name, a in self.arms.items()}
        )
        raise_problems((*scan_problems(self.scan, self.sample), *experiment_problems(self, self.circuit)))
        return self

    @property
    def has_spikes(self) -> bool:
        """Whether a network runs, or only drugs and receptors are computed."""
        return self.engine != "none"

    @property
    def has_disorders(self) -> bool:
        """Whether any arm is a disorder, at whatever severity."""
        return any(arm.disorders for arm in self.arms.values())

    @property
    def source_text(self) -> str | None:
        """The file's text, None for an experiment built in code; no part of equality or hash."""
        return self._source_text

    @property
    def settings(self) -> dict[str, str]:
        """Path → value of what was set while it was loaded (``--set``), in that order; no part of equality or hash."""
        return dict(self._settings)

    @property
    def origin(self) -> str | None:
        """The file it was read from, None for an experiment built in code; no part of equality or hash."""
        return None if self._origin is None else self._origin.file


def with_phases(arm: Arm, last: str) -> Arm:
    """The arm with every stimulation's phase named."""
    if all(s.phase is not None for s in arm.stimulations):
        return arm
    named = tuple(
        s if s.phase is not None else s.model_copy(update={"phase": last}) for s in arm.stimulations
    )
    return arm.model_copy(update={"stimulations": named})
