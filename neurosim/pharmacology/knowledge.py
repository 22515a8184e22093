"""What is taken to be true of the affinities: a choice among sources, and draws within their spread."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from types import MappingProxyType

import numpy as np

from neurosim import reference
from neurosim.errors import SpecError
from neurosim.reference import Binding, Kinetics

__all__ = ["Knowledge", "affinity_pairs", "draw_factors"]

_NONE: Mapping[tuple[str, str], float] = MappingProxyType({})


@dataclass(frozen=True)
class Knowledge:
    """A profile, and factors on the affinities of one subject.

    Parameters
    ----------
    profile : str
        Chooses among several published rows of one constant (profiles.csv).
    factors : mapping, (drug, target) → factor
        On the Ki and the EC_50 of the pair; pairs that are not in it keep the table's numbers.
    species : str, optional
        Some affinities differ between species (species_affinity.csv).

    Raises
    ------
    ReferenceDataError
        If there is no such profile.
    SpecError
        If a factor is not above 0.
    """

    profile: str = "default"
    factors: Mapping[tuple[str, str], float] = field(default_factory=lambda: _NONE, hash=False)
    species: str | None = None

    def __post_init__(self):
        reference.profile_rows(self.profile)
        for (drug, target), factor in self.factors.items():
            if not 0 < factor < math.inf:
                raise SpecError(
                    f"affinity of {drug} at {target}: factor {factor:g}; allowed: a number above 0"
                )

    def within(self, species: str) -> Knowledge:
        """The same, of a species."""
        return self if self.species == species else replace(self, species=species)

    def binding(self, drug: str, target: str) -> Binding | None:
        """The chosen row of a drug at a target with its drawn factor, or None if the tables have none.

        Raises
        ------
        ReferenceDataError
            If the drug is not known.
        """
        if (drug, target) not in self._found:
            row = reference.chosen_binding(drug, target, self.profile)
            row = None if row is None else reference.in_species(row, self.species)
            factor = 1.0 if row is None else self.factors.get((row.drug, row.target), 1.0)
            self._found[drug, target] = row if factor == 1.0 else _scaled(row, factor)
        return self._found[drug, target]

    @cached_property
    def _found(self) -> dict[tuple[str, str], Binding | None]:
        """Rows that were asked for: a trial asks for the same few thousands of times."""
        return {}

    def bindings(self, drug: str) -> tuple[Binding, ...]:
        """One row per target of a drug, as :meth:`binding` gives them."""
        targets = dict.fromkeys(row.target for row in reference.drug(drug).rows)
        return tuple(self.binding(drug, target) for target in targets)

    def kinetics(self, receptor: str, ligand: str) -> Kinetics | None:
        """The chosen kinetics of a drug or transmitter at a receptor; factors leave koff alone."""
        return reference.binding_kinetics(receptor, ligand, self.profile)


@lru_cache(maxsize=4096)
def _scaled(row: Binding, factor: float) -> Binding:
    return replace(
        row,
        Ki=None if row.Ki is None else row.Ki * factor,
        EC_50=None if row.EC_50 is None else row.EC_50 * factor,
    )


def affinity_pairs(drugs: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """All (drug, target) that have a number, in the spelling of the tables.

    Raises
    ------
    ReferenceDataError
        If a drug is not known.
    """
    rows = (row for name in drugs for row in reference.drug(name).rows)
    return tuple(dict.fromkeys((row.drug, row.target) for row in rows if row.Ki is not None))


def draw_factors(
    pairs: Iterable[tuple[str, str]], sd_log10: float, seed: int, subject: int
) -> dict[tuple[str, str], float]:
    """Log-normal factors on affinities, one per pair, of median 1.

    Parameters
    ----------
    pairs : iterable of (drug, target)
        For example :func:`affinity_pairs`.
    sd_log10 : float
        Standard deviation of log10 of the factor, 0 to 1.
    seed, subject : int
        Root seed of the experiment, number of the subject. A factor depends on these and on the pair alone,
        so every arm and scan point meets the same one.

    Raises
    ------
    SpecError
        If the deviation is out of range.
    """
    if not 0 <= sd_log10 <= 1:
        raise SpecError(f"uncertainty of affinity is {sd_log10:g}; allowed: from 0 to 1 (sd in log10 units)")
    return {pair: 10.0 ** (sd_log10 * _normal(seed, subject, *pair)) for pair in pairs}


def _normal(seed: int, subject: int, drug: str, target: str) -> float:
    # The same recipe as the streams of a subject, which this room may not import.
    digest = hashlib.sha256(f"affinity:{drug}:{target}".encode()).digest()
    words = [int.from_bytes(digest[k : k + 4], "little") for k in range(0, 16, 4)]
    sequence = np.random.SeedSequence([seed, subject, *words])
    return float(np.random.Generator(np.random.PCG64(sequence)).standard_normal())
