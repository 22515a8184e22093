"""Circuit + subject + arm + phase → plan: plain arrays, SI units, no engine."""

from neurosim.build.checks import Finding, check_circuit
from neurosim.build.phases import Situation, Step, Trial, structure
from neurosim.build.exposure import phase_concentrations
from neurosim.build.plan import CARRIERS, Labels, Plan, Structure, SynapseGroup, Wiring
from neurosim.build.still import Still

__all__ = [
    "CARRIERS",
    "Finding",
    "Labels",
    "Plan",
    "Still",
    "Situation",
    "Step",
    "Structure",
    "SynapseGroup",
    "Trial",
    "Wiring",
    "check_circuit",
    "phase_concentrations",
    "structure",
]
