"""Who drives whom in a circuit, and by how much: mean currents through synapses and receptors, in one unit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from neurosim import reference
from neurosim.build.checks import resting_sites
from neurosim.build.layout import biexponential_peak
from neurosim.models import unblocked
from neurosim.spec import Circuit, Effect, Projection

__all__ = ["Influence", "effect_current", "influences", "resting_rates", "synaptic_current"]


@dataclass(frozen=True)
class Influence:
    """What one population does to the cells of another by one way.

    Attributes
    ----------
    source, target : str
    by : str
        ``synapses``, or ``receptors`` for what the source's transmitter does through sites.
    sign : int
        1 excites, -1 inhibits, 0 changes synapses, release or adaptation and brings no current itself.
    current : float, A
        Mean into one target cell at its threshold; NaN where there is none or a rate or level is not known. Of sign 0, by
        how much a synaptic current into the target changes.
    parts : tuple of str
        The projections or sites behind it.
    """

    source: str
    target: str
    by: str
    sign: int
    current: float
    parts: tuple[str, ...]


def resting_rates(circuit: Circuit) -> dict[str, float]:
    """Target rate of every population with a band, Hz per cell: its middle, times that of the part of cells that fire."""
    rates = {}
    for name, population in circuit.populations.items():
        band = population.band
        if band is None:
            continue
        active = population.active_band if band.readout == "firing_rate_active" else None
        rates[name] = _middle(band) * (1.0 if active is None else _middle(active))
    return rates


def _middle(band) -> float:
    return math.sqrt(float(band.low) * float(band.high))


def influences(
    circuit: Circuit,
    rates: Mapping[str, float] | None = None,
    activations: Mapping[str, float] | None = None,
) -> tuple[Influence, ...]:
    """All influences between the populations of a circuit.

    Parameters
    ----------
    circuit : Circuit
    rates : mapping of population → Hz per cell, optional
        By default the middle of the published bands.
    activations : mapping of site → 0 to 1, optional
        By default those at the middle of the published concentrations.

    Returns
    -------
    tuple of Influence
        One for each pair of populations, way and sign; currents of projections or sites of one kind are summed.

    Notes
    -----
    A projection brings in_degree · rate · weight · area · (E_rev - V) with the area under one event, the magnesium block and
    the steady state of its short-term plasticity, at V = V_T of the target. A site brings activation · g (E_rev - V) or
    activation · current, shared among the populations that release into the pool it hears in proportion to
    quantum · rate. Correlations are left out.
    """
    rates = resting_rates(circuit) if rates is None else rates
    if activations is None:
        activations = {site.name: site.activation for site in resting_sites(circuit)}
    found: dict[tuple[str, str, str, int], tuple[float, tuple[str, ...]]] = {}
    ways = (*_by_synapses(circuit, rates), *_by_receptors(circuit, rates, activations))
    for source, target, by, sign, current, part in ways:
        before, parts = found.get((source, target, by, sign), (math.nan, ()))
        total = current if math.isnan(before) else before if math.isnan(current) else before + current
        found[source, target, by, sign] = total, tuple(dict.fromkeys((*parts, part)))
    return tuple(Influence(*where, *what) for where, what in found.items())


def _threshold(circuit: Circuit, population: str) -> float:
    return float(circuit.populations[population].parameters.V_T.value)


def _by_synapses(circuit: Circuit, rates: Mapping[str, float]) -> Iterator[tuple]:
    for name, projection in circuit.projections.items():
        sign = 1 if _projected(circuit, name, {projection.pre: 1.0}) > 0 else -1
        yield projection.pre, projection.post, "synapses", sign, _projected(circuit, name, rates), name


def _by_receptors(circuit: Circuit, rates: Mapping[str, float], activations: Mapping[str, float]) -> Iterator[tuple]:
    for name, site in circuit.sites.items():
        active = activations.get(name, math.nan)
        shares = _shares(circuit, site.hears, reference.receptor(site.receptor).ligand, rates)
        for effect in site.effects:
            target = circuit.projections[effect.projection].post if effect.kind == "transmission" else site.on
            # mean over all cells, those that lack the site among them
            sign, current = _effect(circuit, site.on, effect, site.borne * active, rates)
            for source, share in shares.items():
                yield source, target, "receptors", sign, share * current, name


def _shares(circuit: Circuit, region: str, transmitter: str, rates: Mapping[str, float]) -> dict[str, float]:
    """Part of a pool's transmitter that each population releases; alike where rates are not known."""
    pool = circuit.pools[region][transmitter]
    names = circuit.native_releasers(region, transmitter)
    released = {name: float(pool.release[name].quantum.value) * rates.get(name, math.nan) for name in names}
    total = sum(released.values())
    return {name: part / total if total > 0 else 1.0 / len(names) for name, part in released.items()}


def _effect(circuit: Circuit, on: str, effect: Effect, active: float, rates: Mapping[str, float]) -> tuple[int, float]:
    """Sign and current of an effect at an activation."""
    V = _threshold(circuit, on)
    full = effect_current(circuit, effect, V)
    if full is not None:
        return (1 if full > 0 else -1), active * full
    changed = {
        "gain": [n for n, p in circuit.projections.items() if p.post == on and p.synapse == effect.synapse],
        "transmission": [effect.projection],
    }.get(effect.kind)
    if changed is None:
        return 0, math.nan
    currents = (_projected(circuit, name, rates) for name in changed)
    return 0, active * float(effect.factor.value) * sum(currents)


def _projected(circuit: Circuit, name: str, rates: Mapping[str, float]) -> float:
    """Current of a projection at the rate of its source and the threshold of its target, A."""
    projection = circuit.projections[name]
    rate = rates.get(projection.pre, math.nan)
    return synaptic_current(circuit, name, rate, _threshold(circuit, projection.post))


def synaptic_current(circuit: Circuit, name: str, rate: float, V: float, weight: float | None = None) -> float:
    """Mean current of one projection into one of its cells, in A.

    Parameters
    ----------
    name : str
    rate : float, Hz
        Of the source cells.
    V : float, V
        Of the target cell.
    weight : float, S, optional
        By default the circuit's.
    """
    projection = circuit.projections[name]
    kind = circuit.synapses[projection.synapse]
    weight = float(projection.weight.value) if weight is None else weight
    E_rev, area = float(kind.E_rev.value), float(kind.tau_decay.value)
    if projection.synapse == "GABA_A":
        E_rev, area = circuit.inhibition(projection.post)
    if kind.tau_rise is not None:
        area /= biexponential_peak(float(kind.tau_rise.value), float(kind.tau_decay.value))
    block = 1.0 if kind.Mg is None else unblocked(float(kind.Mg.value), V)
    return projection.in_degree * rate * weight * area * block * _steady(projection, rate) * (E_rev - V)


def _steady(projection: Projection, rate: float) -> float:
    """u x of a projection at a steady rate (tsodyks1998); 1 without short-term plasticity."""
    stp = projection.stp
    if stp is None:
        return 1.0
    U, tau_rec = float(stp.U.value), float(stp.tau_rec.value)
    u = U
    if stp.tau_fac is not None:
        facilitated = U * float(stp.tau_fac.value) * rate
        u = (U + facilitated) / (1.0 + facilitated)
    return u / (1.0 + u * tau_rec * rate)


def effect_current(circuit: Circuit, effect: Effect, V: float, size: float | None = None) -> float | None:
    """Current of a fully active effect into its cell at V (V), in A; None for effects that bring no current.

    ``size`` replaces the effect's conductance (S) or current (A).
    """
    if effect.kind == "current":
        return float(effect.current.value) if size is None else size
    if effect.kind not in ("girk", "conductance"):
        return None
    E_rev = circuit.synapses["GABA_B"].E_rev if effect.kind == "girk" else effect.E_rev
    return (float(effect.g.value) if size is None else size) * (float(E_rev.value) - V)
