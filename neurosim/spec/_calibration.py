"""Which values of a circuit may be fitted, and to which published rows (MODEL §8)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from neurosim.spec._cited import Cited, Interval
from neurosim.spec._model import Model, Named, Problem, raise_problems
from neurosim.spec._quantities import Identifier, stated
from neurosim.units import Quantity

__all__ = ["Calibration", "GainFit", "GainRow", "PulseRow", "ReleaseFit", "ReleasePrior"]

Paths = Annotated[tuple[str, ...], Field(min_length=1)]


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


class _Concentrations(Interval):
    low: Annotated[Quantity, stated("concentration", "positive")]
    high: Annotated[Quantity, stated("concentration", "positive")]


class GainRow(Cited):
    """What a drug does to a population's firing; exactly one of three instruments.

    ``change``: part of the resting rate at ten times the drug's constant at ``site`` (-0.5: half); ``EC_50``: concentration
    that halves firing; ``ratio``: how many times less of the drug halves firing than half activates the site ``against``.
    ``washed`` names pools whose transmitter a slice's bath carries away; firing is then held at rest by a current.
    """

    drug: str
    population: str
    source: str
    site: str | None = None
    against: str | None = None
    washed: tuple[str, ...] = ()
    change: _Part | None = None
    EC_50: _Concentrations | None = None
    ratio: _Part | None = None

    @model_validator(mode="after")
    def _one_instrument(self):
        raise_problems(self._problems())
        return self

    def _problems(self):
        given = [key for key in ("change", "EC_50", "ratio") if getattr(self, key) is not None]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "has no target"
            yield Problem((), f"{what}; a row has exactly one of: change, EC_50, ratio")
        elif given == ["change"] and self.site is None:
            yield Problem((), "has no site; a change needs the site whose constant sets the concentration")
        elif given == ["ratio"] and self.against is None:
            yield Problem((), "has no against; a ratio needs the site it is compared with")


class GainFit(Cited):
    """Values that are multiplied together until the rows are met."""

    parameters: Paths
    rows: Annotated[tuple[GainRow, ...], Field(min_length=1)]


class Calibration(Model):
    """Free values beyond drives and quanta, which every population and pool with a band has.

    ``bursts``: population → paths of the weights that set the part of its spikes in bursts.
    """

    bursts: Named[Identifier, Paths] = Field(default_factory=Named)
    release: Named[Identifier, ReleaseFit] = Field(default_factory=Named)
    gains: Named[Identifier, GainFit] = Field(default_factory=Named)
