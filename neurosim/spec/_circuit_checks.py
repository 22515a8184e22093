"""What the parts of a circuit must agree on: every name resolves, and shares and in-degrees fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from neurosim.errors import nearest
from neurosim.spec._model import Path, Problem

if TYPE_CHECKING:
    from neurosim.spec._circuit import Circuit, Effect, Pool, Projection, Site

__all__ = ["OTHER", "circuit_problems", "unknown"]

#: Owner of carriers on axons that are not simulated.
OTHER = "other"
#: Shares are typed with a few digits; their sum may exceed 1 by no more than rounding.
_ROUNDING = 1e-9
#: Sites with a share on one population: every set of them makes a class of its cells.
_MOST_PARTIAL = 6


def unknown(path: Path, what: str, name: object, allowed: Iterable[object]) -> Iterator[Problem]:
    """A problem if ``name`` is not among ``allowed``."""
    allowed = list(allowed)
    if name not in allowed:
        yield Problem(path, f"unknown {what} '{name}'; {nearest(name, allowed)}")


def circuit_problems(circuit: Circuit) -> Iterator[Problem]:
    """All disagreements within a circuit."""
    yield from _population_problems(circuit)
    for name, projection in circuit.projections.items():
        yield from _projection_problems(circuit, ("projections", name), projection)
    for region, pools in circuit.pools.items():
        for transmitter, pool in pools.items():
            yield from _pool_problems(circuit, ("pools", region, transmitter), pool)
    yield from _share_problems(circuit)
    for name, site in circuit.sites.items():
        yield from _site_problems(circuit, ("sites", name), site)
    for population in circuit.populations:
        partial = [name for name, site in circuit.sites.items() if site.on == population and site.share is not None]
        for name in partial[_MOST_PARTIAL:]:
            sentence = f"{population} has {len(partial)} sites with a share; allowed: {_MOST_PARTIAL}"
            yield Problem(("sites", name, "share"), sentence)


def _population_problems(circuit: Circuit) -> Iterator[Problem]:
    if not circuit.populations:
        yield Problem(("populations",), "is empty; a circuit needs at least one population")
    if OTHER in circuit.populations:
        yield Problem(("populations", OTHER), f"the name '{OTHER}' is kept for axons that are not simulated")
    for name, kind in circuit.synapses.items():
        path = ("synapses", name)
        if name == "NMDA" and kind.Mg is None:
            yield Problem(path, "lacks Mg, the magnesium that blocks NMDA, e.g. '1 mM'")
        if name != "NMDA" and kind.Mg is not None:
            yield Problem((*path, "Mg"), "only NMDA is blocked by magnesium")
        if kind.mode == "fast" and kind.tau_rise is not None:
            yield Problem((*path, "tau_rise"), "a fast kind has no rise time; allowed with mode: slow")


def _projection_problems(circuit: Circuit, path: Path, projection: Projection) -> Iterator[Problem]:
    yield from unknown((*path, "pre"), "population", projection.pre, circuit.populations)
    yield from unknown((*path, "post"), "population", projection.post, circuit.populations)
    yield from unknown((*path, "synapse"), "synapse kind", projection.synapse, circuit.synapses)
    if projection.pre in circuit.populations:
        own = projection.pre == projection.post
        most = circuit.populations[projection.pre].n - own
        if projection.in_degree > most:
            why = " (no cell contacts itself)" if own else ""
            sources = f"the {most} cells of {projection.pre} that can be sources{why}"
            yield Problem((*path, "in_degree"), f"{projection.in_degree} is more than {sources}")


def _pool_problems(circuit: Circuit, path: Path, pool: Pool) -> Iterator[Problem]:
    for name in pool.release:
        yield from unknown((*path, "release", name), "population", name, circuit.populations)
    for carrier, owners in pool.transporters.items():
        for name in owners:
            here = (*path, "transporters", carrier, name)
            yield from unknown(here, "population", name, [*circuit.populations, OTHER])


def _share_problems(circuit: Circuit) -> Iterator[Problem]:
    """Shares of a population's terminals, per transmitter: together they are no more than all of them."""
    total: dict[tuple[str, str], float] = {}
    for region, pools in circuit.pools.items():
        for transmitter, pool in pools.items():
            for name, release in pool.release.items():
                key = (name, transmitter)
                total[key] = total.get(key, 0.0) + float(release.share)
                if total[key] > 1.0 + _ROUNDING:
                    path = ("pools", region, transmitter, "release", name, "share")
                    yield Problem(
                        path,
                        f"the {transmitter} shares of {name} add up to {total[key]:g}; allowed: at most 1",
                    )


def _site_problems(circuit: Circuit, path: Path, site: Site) -> Iterator[Problem]:
    yield from unknown((*path, "on"), "population", site.on, circuit.populations)
    yield from unknown(
        (*path, "hears"), "region with pools", site.hears, [r for r, p in circuit.pools.items() if p]
    )
    if site.near_field is not None:
        name = site.near_field.population
        heard = circuit.pools.get(site.hears, {}).values()
        here = (*path, "near_field", "population")
        releasing = dict.fromkeys(p for pool in heard for p in pool.release)
        yield from unknown(here, f"population releasing in {site.hears}", name, releasing)
    if site.share is not None and any(effect.kind == "release" for effect in site.effects):
        sentence = "says which cells bear the receptor, but release of a population is one number"
        yield Problem((*path, "share"), f"{sentence}; allowed: a share where no effect is release")
    if site.along_with is not None:
        others = circuit.sites.items()
        free = [name for name, other in others if other.on == site.on and other.share and not other.along_with]
        yield from unknown((*path, "along_with"), f"site with a share of its own on {site.on}", site.along_with, free)
        if site.share is None:
            yield Problem((*path, "along_with"), "goes with share, the part of the cells that bear the site")
    for k, effect in enumerate(site.effects):
        yield from _effect_problems(circuit, (*path, "effects", k, effect.kind), site, effect)


def _effect_problems(circuit: Circuit, path: Path, site: Site, effect: Effect) -> Iterator[Problem]:
    if effect.kind == "gain":
        yield from unknown((*path, "synapse"), "synapse kind", effect.synapse, circuit.synapses)
    elif effect.kind == "transmission":
        own = [name for name, projection in circuit.projections.items() if projection.pre == site.on]
        if effect.projection in circuit.projections and effect.projection not in own:
            pre = circuit.projections[effect.projection].pre
            sentence = f"'{effect.projection}' starts from {pre}, but the site sits on {site.on}"
            yield Problem((*path, "projection"), f"{sentence}; {nearest(effect.projection, own)}")
        else:
            yield from unknown((*path, "projection"), "projection", effect.projection, own)
    elif effect.kind == "release":
        pools = {f"{region}.{t}": pool for region, by in circuit.pools.items() for t, pool in by.items()}
        own = [name for name, pool in pools.items() if site.on in pool.release]
        if effect.pool in pools and effect.pool not in own:
            sentence = f"{site.on} releases nothing into {effect.pool}; {nearest(effect.pool, own)}"
            yield Problem((*path, "pool"), sentence)
        else:
            yield from unknown((*path, "pool"), "pool", effect.pool, own)
    elif effect.kind == "girk" and "GABA_B" not in circuit.synapses:
        yield Problem(
            path, "needs the synapse kind GABA_B: its E_rev is the reversal of every GIRK conductance"
        )
