"""Which values of a circuit may be fitted, and to which published rows (MODEL §8)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from neurosim.spec._cited import Cited, Interval
from neurosim.spec._model import Model, Named, Problem, problem_error, raise_problems
from neurosim.spec._quantities import AnyQuantity, Identifier, Integer, Route, stated
from neurosim.units import Quantity

__all__ = [
    "CONTROL",
    "FEWEST_PULSES",
    "Calibration",
    "GainFit",
    "GainParameter",
    "GainRow",
    "PulseRow",
    "ReleaseFit",
    "ReleasePrior",
    "RowStimulus",
    "Treatment",
]

Paths = Annotated[tuple[str, ...], Field(min_length=1)]
#: Where the answer to a pulse is looked for, from and to.
Window = tuple[
    Annotated[Quantity, stated("time", "not negative")], Annotated[Quantity, stated("time", "positive")]
]
#: Sweeps without which the instruments of single cells judge nothing, and the time before each that they compare with (s).
FEWEST_PULSES, CONTROL = 60, 0.3
_OF_DRUGS = ("change", "EC_50", "ratio", "EC_50_ratio")
_OF_STIMULI = ("inhibited", "excited", "latency", "duration")


class PulseRow(Interval):
    """Published rise of a pool's concentration after one pulse to all axons at rest."""

    pool: str
    population: str
    site: str
    low: Annotated[Quantity, stated("concentration", "positive")]
    high: Annotated[Quantity, stated("concentration", "positive")]


class ReleasePrior(Cited):
    """What is assumed of sublinear release where the pulses do not decide."""

    U: Annotated[Quantity, stated("number", "positive part")]
    tau_rec: Annotated[Quantity, stated("time", "positive")]
    factor: Annotated[Quantity, stated("number")]


class ReleaseFit(Cited):
    """Depletion and autoinhibition of release: paths of the values that share one number, and the rows."""

    U: Paths
    tau_rec: Paths
    factor: Paths
    prior: ReleasePrior
    pulses: Annotated[tuple[PulseRow, ...], Field(min_length=1)]


class _Part(Interval):
    low: Annotated[Quantity, stated("number")]
    high: Annotated[Quantity, stated("number")]


class _Share(Interval):
    low: Annotated[Quantity, stated("number", "part")]
    high: Annotated[Quantity, stated("number", "part")]


class _Concentrations(Interval):
    low: Annotated[Quantity, stated("concentration", "positive")]
    high: Annotated[Quantity, stated("concentration", "positive")]


class _Times(Interval):
    low: Annotated[Quantity, stated("time", "positive")]
    high: Annotated[Quantity, stated("time", "positive")]


class RowStimulus(Model):
    """A train of pulses to the same part of each of several populations, as an electrode's field reaches them."""

    populations: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    n: Integer
    rate: Annotated[Quantity, stated("rate", "positive")]
    fraction: Annotated[Quantity, stated("fraction", "positive part")] = "1"

    @field_validator("n")
    @classmethod
    def _enough(cls, n: int) -> int:
        if n < FEWEST_PULSES:
            raise problem_error(
                Problem((), f"{n} pulses are too few to judge single cells; at least {FEWEST_PULSES} are needed")
            )
        return n


class Treatment(Model):
    """What an animal gets, a dose every ``ii`` for ``addl`` more times, before its slice is cut at ``until``."""

    drug: str
    dose: Annotated[Quantity, stated("dose", "positive")]
    route: Route
    ii: Annotated[Quantity, stated("time", "positive")]
    addl: Annotated[Integer, Field(ge=0, le=1000)]
    until: Annotated[Quantity, stated("time", "positive")]


class GainRow(Cited):
    """What a drug or a stimulus does to a population; exactly one instrument.

    Of a drug: ``change``: part of the resting rate at ten times the drug's constant at ``site`` (-0.5: half); ``EC_50``:
    concentration that halves firing; ``ratio``: how many times less of the drug halves firing than half activates the site
    ``against``; ``EC_50_ratio``: EC_50 once a ``treatment`` has left fewer receptors at ``site``, over that without.
    ``washed`` names pools whose transmitter a slice's bath carries away; firing is then held at rest by a current.

    Of a stimulus, in a ``window`` (from, to; after each pulse): ``inhibited`` and ``excited``: part of the active cells
    whose rate there is lower or higher by a fifth with p < 0.05 than before the pulses; ``latency`` and ``duration`` of
    the inhibition of those that are inhibited, at half its depth.
    """

    drug: str | None = None
    stimulus: RowStimulus | None = None
    population: str
    source: str
    site: str | None = None
    against: str | None = None
    washed: tuple[str, ...] = ()
    treatment: Treatment | None = None
    window: Window | None = None
    change: _Part | None = None
    EC_50: _Concentrations | None = None
    ratio: _Part | None = None
    EC_50_ratio: _Part | None = None
    inhibited: _Share | None = None
    excited: _Share | None = None
    latency: _Times | None = None
    duration: _Times | None = None

    @property
    def instrument(self) -> str:
        """The one of the row's instruments that it states."""
        return next(key for key in (*_OF_DRUGS, *_OF_STIMULI) if getattr(self, key) is not None)

    @property
    def band(self) -> Interval:
        """What the instrument should read."""
        return getattr(self, self.instrument)

    @model_validator(mode="after")
    def _one_instrument(self):
        raise_problems(self._problems())
        return self

    def _problems(self):
        if (self.drug is None) == (self.stimulus is None):
            what = "neither drug nor stimulus" if self.drug is None else "both drug and stimulus"
            yield Problem((), f"has {what}; allowed: exactly one of them")
            return
        kind, allowed = ("drug", _OF_DRUGS) if self.stimulus is None else ("stimulus", _OF_STIMULI)
        given = [key for key in (*_OF_DRUGS, *_OF_STIMULI) if getattr(self, key) is not None]
        if len(given) != 1 or given[0] not in allowed:
            what = f"has {' and '.join(given)}" if given else "has no target"
            yield Problem((), f"{what}; a row of a {kind} has exactly one of: {', '.join(allowed)}")
        elif kind == "drug":
            yield from self._drug_problems(given[0])
        else:
            yield from self._stimulus_problems()

    def _drug_problems(self, given: str):
        if given == "change" and self.site is None:
            yield Problem((), "has no site; a change needs the site whose constant sets the concentration")
        elif given == "ratio" and self.against is None:
            yield Problem((), "has no against; a ratio needs the site it is compared with")
        elif given == "EC_50_ratio" and (self.site is None or self.treatment is None):
            yield Problem((), "lacks site or treatment; an EC_50_ratio needs what was given and whose receptors it moves")
        elif self.treatment is not None and given != "EC_50_ratio":
            yield Problem(("treatment",), f"goes with EC_50_ratio, not with {given}")
        elif self.window is not None:
            yield Problem(("window",), "is for rows of a stimulus; the effect of a drug has no window")

    def _stimulus_problems(self):
        alien = [key for key in ("site", "against", "washed", "treatment") if getattr(self, key)]
        if alien:
            yield Problem((alien[0],), "is for rows of a drug; a stimulus has none")
        elif self.window is None:
            yield Problem((), "has no window; say where the answer is looked for, e.g. window: [10 ms, 110 ms]")
        else:
            yield from _window_problems(self.window, 1.0 / float(self.stimulus.rate))


def _window_problems(window: Window, period: float):
    """What is wrong with where an answer to pulses is looked for."""
    start, stop = (float(edge) for edge in window)
    if stop <= start:
        yield Problem(("window",), f"ends at '{window[1]}', not after its start '{window[0]}'")
    elif stop + CONTROL > period:
        yield Problem(
            ("window",),
            f"ends at '{window[1]}', inside the {CONTROL:g} s before the next pulse that are its control; "
            f"pulses come every {period:g} s",
        )


class GainParameter(Cited):
    """Values that are multiplied together, so that they keep their ratios.

    ``assumed``: what the first of them was taken to be before any row was seen; where the rows do not decide, it is held
    there.
    """

    paths: Paths
    assumed: AnyQuantity


class GainFit(Cited):
    """A block: parameters that are fitted together to the rows they share.

    A row of one block may depend on the parameters of others a little, not as strongly as on its own.
    """

    parameters: Annotated[Named[Identifier, GainParameter], Field(min_length=1)]
    rows: Annotated[tuple[GainRow, ...], Field(min_length=1)]

    @property
    def is_slow(self) -> bool:
        """Whether its rows follow a treatment: such parameters move nothing at rest and are fitted once the others stand."""
        return self.rows[0].treatment is not None

    @model_validator(mode="after")
    def _all_slow_or_none(self):
        if len({row.treatment is None for row in self.rows}) > 1:
            raise_problems([Problem(("rows",), "some follow a treatment, some do not; put them into blocks of their own")])
        return self


class Calibration(Model):
    """Free values beyond drives and quanta, which every population and pool with a band has.

    ``bursts``: population → paths of the weights that set the part of its spikes in bursts. ``notes``: what stays open,
    for the report.
    """

    bursts: Named[Identifier, Paths] = Field(default_factory=Named)
    release: Named[Identifier, ReleaseFit] = Field(default_factory=Named)
    gains: Named[Identifier, GainFit] = Field(default_factory=Named)
    notes: tuple[str, ...] = ()
