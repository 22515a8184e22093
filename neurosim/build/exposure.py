"""Which drug is in the brain during a phase."""

from __future__ import annotations

from neurosim import pharmacology
from neurosim.spec import Clamp, PhaseTime, Resolved

__all__ = ["phase_concentrations"]


def phase_concentrations(resolved: Resolved, phase: PhaseTime) -> dict[str, float]:
    """Free brain concentration (nM) of every ligand of an arm at a phase.

    Doses go through pharmacokinetics at the phase's time on the pharmacological clock; ``concentration:`` drugs act in
    the phases they name, else in every phase not before zero. Contributions to one ligand add.
    """
    concentrations: dict[str, float] = {}
    doses = [drug for drug in resolved.arm.drugs if not isinstance(drug, Clamp)]
    if doses:
        at = -1.0 if phase.before_drugs else float(phase.at)
        for ligand, value in pharmacology.exposure(doses, resolved.species, at).items():
            concentrations[ligand] = concentrations.get(ligand, 0.0) + value
    for drug in resolved.arm.drugs:
        if isinstance(drug, Clamp):
            acts = (
                phase.name in drug.phases if drug.phases else not phase.before_drugs and float(phase.at) >= 0
            )
            pharmacology.require_expressible(drug.drug)
            name = pharmacology.ligand_name(drug.drug)
            concentrations[name] = concentrations.get(name, 0.0) + (
                float(drug.concentration) if acts else 0.0
            )
    return concentrations
