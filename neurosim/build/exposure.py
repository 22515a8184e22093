"""Which drug is in the brain, during a phase and between phases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurosim import pharmacology
from neurosim.spec import Clamp, PhaseTime, Resolved

__all__ = ["Drugs", "knowledge_of", "phase_concentrations"]

#: Moments of a dosing interval over which its typical concentration is averaged.
_AVERAGED = 48
#: A moment (s) before all doses.
_BEFORE = -1.0


def _add(total: dict, ligand: str, value) -> None:
    total[ligand] = total[ligand] + value if ligand in total else value


def knowledge_of(resolved: Resolved, subject: int, ligands: Iterable[str]) -> pharmacology.Knowledge:
    """What a subject's affinities are: the experiment's profile, its species, and factors if it draws them."""
    drawn = resolved.uncertainty
    factors = (
        {}
        if drawn is None
        else pharmacology.draw_factors(
            pharmacology.affinity_pairs(ligands), float(drawn.affinity), resolved.seed, subject
        )
    )
    return pharmacology.Knowledge(resolved.profile, factors, resolved.species)


def phase_concentrations(resolved: Resolved, phase: PhaseTime) -> dict[str, float]:
    """Free brain concentration (nM) of every ligand of an arm at a phase.

    Doses go through pharmacokinetics at the phase's time on the pharmacological clock; ``concentration:`` drugs act in
    the phases they name, else in every phase not before zero. Contributions to one ligand add.
    """
    drugs = Drugs(resolved)
    at = _BEFORE if phase.before_drugs else float(phase.at)
    found = {ligand: float(values[0]) for ligand, values in drugs.dosed(np.array([at])).items()}
    for clamp in drugs.clamps:
        acts = phase.name in clamp.phases if clamp.phases else not phase.before_drugs and float(phase.at) >= 0
        _add(found, pharmacology.ligand_name(clamp.drug), float(clamp.concentration) if acts else 0.0)
    return found


@dataclass(frozen=True)
class Drugs:
    """The drugs of an arm along the pharmacological clock.

    A ``concentration:`` that names its phases acts in those alone; any other is there from zero on.
    """

    resolved: Resolved

    @cached_property
    def doses(self) -> list:
        return [drug for drug in self.resolved.arm.drugs if not isinstance(drug, Clamp)]

    @cached_property
    def clamps(self) -> list[Clamp]:
        return [drug for drug in self.resolved.arm.drugs if isinstance(drug, Clamp)]

    def is_standing(self, ligand: str, phase: PhaseTime) -> bool:
        """Whether a ``concentration:`` holds a ligand in a phase, so that it has long been at equilibrium."""
        return any(
            pharmacology.ligand_name(clamp.drug) == ligand and (not clamp.phases or phase.name in clamp.phases)
            for clamp in self.clamps
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All ligands, metabolites included."""
        return tuple(self.levels(np.zeros(1)))

    def dosed(self, t: np.ndarray) -> dict[str, np.ndarray]:
        """Ligands that come from doses, nM at times t (s)."""
        return pharmacology.exposure(self.doses, self.resolved.species, t) if self.doses else {}

    def levels(self, t: np.ndarray) -> dict[str, np.ndarray]:
        """All ligands, nM at times t (s) from zero on."""
        found = dict(self.dosed(t))
        for clamp in self.clamps:
            if not clamp.phases:
                _add(found, pharmacology.ligand_name(clamp.drug), np.full(np.shape(t), float(clamp.concentration)))
        return found

    @cached_property
    def interval(self) -> float:
        """Dosing interval (s) over which levels are averaged on the slow clock, 0 if any dose is not repeated."""
        repeated = [dose.ii is not None and bool(dose.addl or dose.ss) for dose in self.doses]
        return min(float(dose.ii) for dose in self.doses) if repeated and all(repeated) else 0.0

    def averaged_until(self, start: float, end: float) -> float:
        """Up to when (s) the slow clock takes levels averaged over the dosing interval, on its way to a phase at ``end``.

        What moves over days hears the mean of a day (MODEL §6); the last interval before a phase is as it is.
        """
        return end - self.interval if self.interval and end - start > self.interval else start

    def averaged(self, t: np.ndarray) -> dict[str, np.ndarray]:
        """Levels (nM) at times t (s), each the mean over the coming dosing interval."""
        times = np.asarray(t, float)[:, None] + np.linspace(0.0, self.interval, _AVERAGED)
        return {ligand: np.mean(values, axis=1) for ligand, values in self.levels(times).items()}

    def turns(self, end: float) -> list[float]:
        """Moments (s) before ``end`` at which a dose begins or ends."""
        found = []
        for dose in self.doses:
            first, interval = float(dose.time or 0.0), float(dose.ii or 0.0)
            times = first + interval * np.arange(int(dose.addl or 0) + 1)
            found += [*times, *(times + _duration(dose))]
        return sorted({float(t) for t in found if t < end})

    def typical(self, t: float) -> dict[str, float]:
        """Levels (nM) as receptors feel them about time t: the mean over the coming interval of repeated doses."""
        found = self.averaged(np.array([t])) if self.interval else self.levels(np.array([t]))
        return {ligand: float(values[0]) for ligand, values in found.items()}


def _duration(dose) -> float:
    if dose.duration is not None:
        return float(dose.duration)
    return float(dose.dose) / float(dose.rate) if dose.rate is not None and dose.dose is not None else 0.0
