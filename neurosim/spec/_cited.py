"""What blocks of a circuit share: a citation, and the two ends of a band."""

from __future__ import annotations

from pydantic import model_validator

from neurosim.spec._model import Model, Problem, raise_problems
from neurosim.spec._quantities import Basis

__all__ = ["Cited", "Interval"]


class Cited(Model):
    """A block that may say where its numbers come from; the rest is inherited from the block around it."""

    source: str | None = None
    locator: str | None = None
    basis: Basis | None = None
    note: str | None = None


class Interval(Cited):
    """What all bands share: ``low`` is not above ``high``."""

    @model_validator(mode="after")
    def _ordered(self):
        if self.low > self.high:
            raise_problems([Problem(("high",), f"'{self.high}' lies below low = '{self.low}'")])
        return self
