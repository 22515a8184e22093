"""What drugs bring into the brain of an experiment's subjects."""

from __future__ import annotations

from neurosim import pharmacology
from neurosim.spec import Dose, Experiment

__all__ = ["ligands_of"]


def ligands_of(experiment: Experiment) -> list[str]:
    """Drugs of the arms, and the metabolites that a dose of one brings along."""
    found = {}
    for drug in (d for arm in experiment.arms.values() for d in arm.drugs):
        found[drug.drug] = None
        if isinstance(drug, Dose):
            found.update(dict.fromkeys(pharmacology.metabolite_names(drug.drug, experiment.species)))
    return list(found)
