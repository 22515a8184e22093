"""Parts of an experiment in words, for a terminal and for a page alike."""

from __future__ import annotations

from neurosim.spec._experiment import Arm, Clamp, Dose
from neurosim.spec._experiment_checks import PhaseTime

__all__ = ["arm_text", "clock_text", "drug_text"]


def arm_text(arm: Arm) -> str:
    """What an arm does: ``"escitalopram 10 mg/kg ip; lesion of DRN_HT, 0.9"``, or ``"nothing"``."""
    words = [f"{entry.disorder.name}, severity {entry.severity}" for entry in arm.disorders]
    words += [drug_text(drug) for drug in arm.drugs]
    words += [f"lesion of {lesion.population}, {lesion.fraction}" for lesion in arm.lesions]
    words += [f"stimulation of {s.population}, {s.kind}" for s in arm.stimulations]
    words += [f"{path} = {value}" for path, value in arm.set.items()]
    return "; ".join(words) or "nothing"


def drug_text(drug: Dose | Clamp) -> str:
    """How a drug is given: ``"fluoxetine 10 mg/kg ip every 24 h"``."""
    if isinstance(drug, Clamp):
        return f"{drug.drug} {drug.concentration}"
    amount = drug.dose if drug.dose is not None else drug.rate
    repeated = f" every {drug.ii}" if drug.ii is not None else ""
    at = f" at {drug.time}" if float(drug.time) else ""
    return f"{drug.drug} {amount} {drug.route}{repeated}{at}"


def clock_text(phase: PhaseTime) -> str:
    """Time of a phase on the pharmacological clock: ``"45 min"``, or ``"before drugs"``."""
    if phase.before_drugs:
        return "before drugs"
    minutes = float(phase.at) / 60
    if abs(minutes) < 120:
        return f"{minutes:g} min"
    return f"{minutes / 60:g} h" if abs(minutes) < 60 * 72 else f"{minutes / 1440:g} d"
