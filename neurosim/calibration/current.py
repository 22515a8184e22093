"""How much current a population gets at rest, to keep calibration on the rising side of depolarisation block."""

from __future__ import annotations

import math

from neurosim.analysis import influence
from neurosim.calibration.observe import Observation
from neurosim.calibration.values import Values
from neurosim.spec import AdaptiveExponential, Circuit

__all__ = ["block_current", "input_at_rest", "synaptic_current"]

#: Where the slow threshold of depolarisation block measures the input current (MODEL §1), V.
_V = -0.055


def input_at_rest(circuit: Circuit, values: Values, seen: Observation, population: str) -> float:
    """Mean input of a population besides its drive at -55 mV, in A: synapses and receptor sites at their resting activity.

    Synapses are taken at the mean rates of their sources, without correlations; those with short-term plasticity at its
    steady state.
    """
    synaptic = sum(
        synaptic_current(circuit, values, seen, name)
        for name, p in circuit.projections.items()
        if p.post == population
    )
    return synaptic + sum(
        _site(circuit, values, seen, name) for name, site in circuit.sites.items() if site.on == population
    )


def block_current(parameters: AdaptiveExponential) -> float:
    """Steady input at -55 mV, in A, beyond which a cell with a slow threshold stays silent (depolarisation block).

    The current needed to fire is I_rh = (g_L + a)(V_T - E_L) - g_L Delta_T, and with the slow threshold
    V_T + kappa (I - I_b)/g_L it grows by k = kappa (g_L + a)/g_L for every ampere beyond I_b: from
    (k I_b - I_rh)/(k - 1) on it is more than what is there. Infinite for cells that never block.
    """
    if parameters.I_b is None or parameters.kappa is None:
        return math.inf
    g_L, a = float(parameters.g_L.value), float(parameters.a.value)
    depth = float(parameters.V_T.value) - float(parameters.E_L.value)
    rheobase = (g_L + a) * depth - g_L * float(parameters.Delta_T.value)
    k = float(parameters.kappa.value) * (g_L + a) / g_L
    return math.inf if k <= 1 else (k * float(parameters.I_b.value) - rheobase) / (k - 1)


def synaptic_current(circuit: Circuit, values: Values, seen: Observation, name: str) -> float:
    """Mean current of one projection into its cells at -55 mV, in A, at the resting rates of its sources."""
    projection = circuit.projections[name]
    weight = values.numbers.get(f"projections.{name}.weight")
    return influence.synaptic_current(circuit, name, seen.rate(projection.pre), _V, weight)


def _site(circuit: Circuit, values: Values, seen: Observation, name: str) -> float:
    active = circuit.sites[name].borne * float(seen.activation[name].mean())
    total = 0.0
    for k, effect in enumerate(circuit.sites[name].effects):
        path = f"sites.{name}.effects.{k}.{effect.kind}"
        size = values.numbers.get(f"{path}.g" if effect.kind == "conductance" else path)
        total += influence.effect_current(circuit, effect, _V, size) or 0.0
    return active * total
