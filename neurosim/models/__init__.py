"""Equations as text, the functions they call, and a plain NumPy reference of every modulator equation."""

from neurosim.models.cells import (
    KINDS_WITH_BLOCK,
    cell_equations,
    cell_gate_step,
    cell_reset,
    cell_slow_step,
    cell_stimulus_step,
    cell_threshold,
    synapse_equations,
    synapse_event,
)
from neurosim.models.functions import CPP_FUNCTIONS, gauss, heaviside, random_bits, uniform, vexp
from neurosim.models.modulators import (
    CROSS,
    POOLS,
    RELEASE_LINKS,
    SITES,
    TERMINAL_LINKS,
    TERMINALS,
    SmallGroup,
    gate_names,
    population_gates,
    site_effects,
)

__all__ = [
    "CPP_FUNCTIONS",
    "CROSS",
    "population_gates",
    "KINDS_WITH_BLOCK",
    "POOLS",
    "RELEASE_LINKS",
    "SITES",
    "site_effects",
    "SmallGroup",
    "TERMINALS",
    "TERMINAL_LINKS",
    "cell_equations",
    "cell_gate_step",
    "cell_reset",
    "cell_slow_step",
    "cell_stimulus_step",
    "cell_threshold",
    "gate_names",
    "gauss",
    "heaviside",
    "random_bits",
    "synapse_equations",
    "synapse_event",
    "uniform",
    "vexp",
]
