"""Circuit + subject + arm + phase → plan: plain arrays, SI units, no engine."""

from neurosim._lazy import load_at_first_use

#: Name → file; who hands out trials needs none of what plans them.
_HOME = {
    "Finding": "checks",
    "check_circuit": "checks",
    "forget_drawn": "drawn",
    "phase_concentrations": "exposure",
    "structure": "layout",
    "Situation": "phases",
    "Step": "phases",
    "Trial": "phases",
    "CARRIERS": "plan",
    "COUPLING": "plan",
    "Labels": "plan",
    "Plan": "plan",
    "Structure": "plan",
    "SynapseGroup": "plan",
    "Wiring": "plan",
    "Still": "still",
}

__all__ = load_at_first_use(__name__, _HOME)
