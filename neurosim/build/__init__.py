"""Circuit + subject + arm + phase → plan: plain arrays, SI units, no engine."""

from neurosim.build.checks import Finding, check_circuit
from neurosim.build.phases import Trial, structure
from neurosim.build.plan import CARRIERS, Labels, Plan, Structure, SynapseGroup, Wiring

__all__ = [
    "CARRIERS",
    "Finding",
    "Labels",
    "Plan",
    "Structure",
    "SynapseGroup",
    "Trial",
    "Wiring",
    "check_circuit",
    "structure",
]
