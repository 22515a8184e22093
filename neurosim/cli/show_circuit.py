"""``show`` of a circuit: who is there, who connects to whom, who releases where, which site hears what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from neurosim.cli.console import say, table, title
from neurosim.spec import Circuit, Effect, Sourced, load_circuit, provenance

__all__ = ["show_circuit"]


def show_circuit(name: str) -> None:
    """Print a circuit as aligned tables."""
    circuit = load_circuit(name)
    n = sum(population.n for population in circuit.populations.values())
    n_synapses = sum(circuit.populations[p.post].n * p.in_degree for p in circuit.projections.values())
    say(f"circuit {circuit.name} ({circuit.species}): {n} neurons, {n_synapses} synapses")
    if circuit.description:
        say(f"  {' '.join(circuit.description.split())}")
    for heading, headers, rows in (
        ("Populations", ["population", "n", "region", "transmitter", "drive", "band"], _populations(circuit)),
        (
            "Projections: who connects to whom",
            ["pre", "post", "synapse", "inputs per cell", "weight", "delay", "plasticity"],
            _projections(circuit),
        ),
        (
            "Pools: who releases where",
            ["pool", "released by", "quantum", "share", "U", "tau_rec", "k_out", "band"],
            _releases(circuit),
        ),
        ("Carriers: who takes up where", ["pool", "carrier", "owner", "V_max", "K_m"], _carriers(circuit)),
        (
            "Sites: which receptor hears what and does what",
            ["site", "receptor", "on", "where", "hears", "reserve", "cells", "effects"],
            _sites(circuit),
        ),
    ):
        if rows:
            title(heading)
            table(headers, rows)
    _basis(circuit)


def _band(band: object | None) -> str:
    return "" if band is None else f"{band.low} - {band.high}"


def _spread(value: Sourced) -> str:
    return str(value.value) if value.sd is None else f"{value.value} ({value.sd})"


def _populations(circuit: Circuit) -> list[list]:
    return [
        [name, p.n, p.region, p.transmitter, _spread(p.drive), _band(p.band)]
        for name, p in circuit.populations.items()
    ]


def _projections(circuit: Circuit) -> list[list]:
    return [
        [p.pre, p.post, p.synapse, p.in_degree, p.weight.value, p.delay.value, _plasticity(p.stp)]
        for p in circuit.projections.values()
    ]


def _plasticity(stp: object | None) -> str:
    if stp is None:
        return ""
    kind = "facilitates" if stp.tau_fac is not None else "depresses"
    return f"{kind}, U {stp.U.value}"


def _pools(circuit: Circuit) -> Iterator[tuple[str, object]]:
    for region, pools in circuit.pools.items():
        for transmitter, pool in pools.items():
            yield f"{region} {transmitter}", pool


def _releases(circuit: Circuit) -> list[list]:
    rows = []
    for name, pool in _pools(circuit):
        own = [pool.k_out.value, _band(pool.band)]
        for population, entry in pool.release.items():
            rows.append(
                [
                    name,
                    population,
                    *(getattr(entry, k).value for k in ("quantum", "share", "U", "tau_rec")),
                    *own,
                ]
            )
        if not pool.release:
            rows.append([name, "", "", "", "", "", *own])
    return rows


def _carriers(circuit: Circuit) -> list[list]:
    return [
        [name, carrier, owner, entry.V_max.value, entry.K_m.value]
        for name, pool in _pools(circuit)
        for carrier, owners in pool.transporters.items()
        for owner, entry in owners.items()
    ]


def _sites(circuit: Circuit) -> list[list]:
    return [
        [
            name,
            s.receptor,
            s.on,
            s.compartment,
            s.hears,
            s.tau.value,
            "all" if s.share is None else s.share.value,
            "; ".join(map(effect_words, s.effects)) or "none",
        ]
        for name, s in circuit.sites.items()
    ]


def effect_words(effect: Effect) -> str:
    """An effect at full activation, in a few words."""
    body = getattr(effect, effect.kind)
    match effect.kind:
        case "girk" | "current" | "threshold":
            return f"{effect.kind} {body.value}"
        case "conductance":
            return f"conductance {body.g.value} to {body.E_rev.value}"
        case "gain":
            return f"{body.synapse} {_factor(body.factor)}"
        case "transmission":
            return f"transmission of {body.projection} {_factor(body.factor)}"
        case "release":
            return f"release into {body.pool} {_factor(body.factor)}"
        case _:
            return f"{effect.kind} {_factor(body)}"


def _factor(value: Sourced) -> str:
    return f"x (1 {'+' if float(value) >= 0 else '-'} {abs(float(value)):g})"


def _basis(circuit: Circuit) -> None:
    counts = Counter(entry.basis for entry in provenance(circuit))
    words = ", ".join(f"{n} {basis}" for basis, n in counts.most_common())
    say(f"\n{counts.total()} numbers: {words}")
