"""Vesicle stores of the terminals: what they hold, make and lose at rest, and what drugs make of that (MODEL §3).

The circuit says how much all terminals of a pool hold without drugs (``store``), the tables how a store behaves for its size.
What a terminal releases at rest then fixes the rest: without drugs S and Q stand still. Everything is per living terminal,
in nM of the extracellular space of its region.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurosim import models, pharmacology, reference
from neurosim.build.layout import Layout
from neurosim.build.plan import CARRIERS
from neurosim.pharmacology import Chemistry

__all__ = ["Rest", "Stores", "stores_at_rest"]


@dataclass(frozen=True)
class Rest:
    """A trial without drugs: ``c`` of the pools (nM) and what the living terminals release (nM/s)."""

    c: np.ndarray
    released: np.ndarray


@dataclass(frozen=True)
class Stores:
    """Constants of the stores, arrays over the terminals.

    Attributes
    ----------
    names : tuple of (population, (region, transmitter))
    native : tuple of str
        Transmitter that each terminal's population makes by itself.
    has : bool array
        Whether there is a store at all; elsewhere filling is 1 for ever.
    home : int array
        The terminal of the same population and region that releases its own transmitter, -1 without one.
    living : array
        Part of the cells.
    Q_0, S_0, K_S : arrays, nM
    k_v, k_m, leak : arrays, 1/s
    J_syn : array, nM/s
    own : mapping, carrier → array, nM/s
        V_max of a terminal's own carriers in its pool.
    capacity : array
        Largest efflux through carriers that all run outwards, over their V_max.
    seep : array, 1/s
        What crosses the membrane without a carrier, over S.
    a_0, filling_max : arrays
    silent : array
        Part of what is given off at rest that needs no spikes.
    """

    names: tuple[tuple[str, tuple[str, str]], ...]
    native: tuple[str, ...]
    has: np.ndarray
    home: np.ndarray
    living: np.ndarray
    Q_0: np.ndarray
    S_0: np.ndarray
    K_S: np.ndarray
    k_v: np.ndarray
    k_m: np.ndarray
    leak: np.ndarray
    J_syn: np.ndarray
    own: Mapping[str, np.ndarray]
    capacity: np.ndarray
    seep: np.ndarray
    a_0: np.ndarray
    filling_max: np.ndarray
    silent: np.ndarray

    def efflux_max(self, found: Chemistry) -> np.ndarray:
        """Largest efflux of a living terminal, nM/s, through all of its carriers under drugs."""
        total = np.zeros(len(self.names))
        for X in CARRIERS:
            terms = found.carriers.get(X, pharmacology.CarrierTerms(0.0, 0.0, 0.0, {}))
            total += self.own[X] * pharmacology.opened(terms, self.a_0)
        return np.where(self.has, self.capacity * total, 0.0)

    def leaked(self, found: Chemistry, S: np.ndarray) -> np.ndarray:
        """What all living cells of a terminal lose without spikes, nM/s, at cytosolic S (nM)."""
        carried = np.divide(S, S + self.K_S, out=np.zeros_like(S), where=S + self.K_S > 0)
        return self.living * (self.efflux_max(found) * carried + self.seep * S)

    def synthesis(self, found: Chemistry) -> np.ndarray:
        """Transmitter made in a living terminal, nM/s: its own, and from precursors that are given."""
        at_rest, kinds, of = self._synthesis
        return at_rest * np.array([*(self._pace(*kind, found) for kind in kinds), 0.0])[of]

    @cached_property
    def _synthesis(self) -> tuple[np.ndarray, list[tuple[str, str]], np.ndarray]:
        """Synthesis at rest of each terminal's home, the kinds (made, native) there are, and each terminal's, last if none."""
        makes = (self.home >= 0) & self.has
        own = [(made, native) for native, (_, (_, made)) in zip(self.native, self.names, strict=True)]
        kinds = list(dict.fromkeys(kind for kind, some in zip(own, makes, strict=True) if some))
        of = [kinds.index(kind) if some else len(kinds) for kind, some in zip(own, makes, strict=True)]
        return np.where(makes, self.J_syn[self.home], 0.0), kinds, np.array(of, int)

    def _pace(self, transmitter: str, native: str, found: Chemistry) -> float:
        """What a terminal makes of a transmitter, over its own synthesis at rest."""
        own = pharmacology.native_synthesis(native, found) if transmitter == native else 0.0
        return own + pharmacology.made_from_precursors(transmitter, native, found)

    def degradation(self, found: Chemistry) -> np.ndarray:
        """k_m under drugs, 1/s."""
        transmitters, of = self._transmitters
        return self.k_m * np.array([pharmacology.degradation(name, found) for name in transmitters], float)[of]

    @cached_property
    def _transmitters(self) -> tuple[list[str], np.ndarray]:
        """The transmitters there are, and which of them each terminal releases."""
        own = [transmitter for _, (_, transmitter) in self.names]
        found = list(dict.fromkeys(own))
        return found, np.array([found.index(name) for name in own], int)

    def packing(self, found: Chemistry) -> np.ndarray:
        """k_v under drugs, 1/s."""
        return self.k_v * found.phi.get(pharmacology.VESICULAR, 1.0)


def own_carriers(layout: Layout) -> dict[str, np.ndarray]:
    """V_max (nM/s) of each terminal's own population in its pool, all cells living, by carrier."""
    own = {X: np.zeros(len(layout.terminals)) for X in CARRIERS}
    for (population, (region, transmitter)), k in layout.terminals.items():
        for X, owners in layout.circuit.pools[region][transmitter].transporters.items():
            if population in owners:
                own[X][k] = float(owners[population].V_max.value)
    return own


def _constants(layout: Layout) -> dict[str, np.ndarray]:
    """Constants of stores.csv by terminal; ones where the transmitter has no store."""
    rows = [
        vars(reference.store_constants(pool[1]))
        if layout.circuit.pools[pool[0]][pool[1]].store is not None
        else dict.fromkeys(reference.StoreConstants.__dataclass_fields__, 1.0)
        for _, pool in layout.terminals
    ]
    return {key: np.array([row[key] for row in rows], float) for key in reference.StoreConstants.__dataclass_fields__}


def _contents(layout: Layout) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """(whether there is a store, Q_0, home terminal, native transmitter) of each terminal.

    The store of a pool is shared by the terminals that release their own transmitter, in the ratio of their quanta. Vesicles
    that hold what their cell does not make are those of its own transmitter: as many quanta as these.
    """
    circuit, names = layout.circuit, list(layout.terminals)
    native = tuple(circuit.populations[population].transmitter for population, _ in names)
    quantum = np.array([float(circuit.pools[r][t].release[p].quantum.value) for p, (r, t) in names])
    has, Q_0 = np.zeros(len(names), bool), np.ones(len(names))
    home = np.full(len(names), -1)
    for k, (population, (region, transmitter)) in enumerate(names):
        store = circuit.pools[region][transmitter].store
        fellows = [layout.terminals[p, (region, transmitter)] for p in circuit.native_releasers(region, transmitter)]
        if store is not None and k in fellows and quantum[k] > 0:
            has[k], home[k] = True, k
            Q_0[k] = float(store.value) * quantum[k] / quantum[fellows].sum()
    for k, (population, (region, transmitter)) in enumerate(names):
        own = layout.terminals.get((population, (region, native[k])), -1)
        if native[k] != transmitter and circuit.pools[region][transmitter].store is not None:
            # without vesicles of its own it has nothing to fill, and releases nothing
            has[k], home[k] = True, own
            Q_0[k] = Q_0[own] * quantum[k] / quantum[own] if own >= 0 and has[own] else 1.0
    return has, Q_0, home, native


def stores_at_rest(layout: Layout, living: np.ndarray, rest: Rest, pools: Mapping[str, np.ndarray], cross) -> Stores:
    """Stores that stand still at a given rest.

    Parameters
    ----------
    layout : Layout
    living : array, shape (terminal,)
    rest : Rest
    pools, cross : tables of a plan, without drugs

    Notes
    -----
    Per living terminal, with r released, u taken up again and e leaked out: k_v S_0 = leak Q_0 + r; k_m S_0 breaks the whole
    store down at the published turnover; and J_syn = r + e - u + k_m S_0 makes what is lost inside and outside. Of e, carriers
    let out what they do at a_0, and the membrane the rest of the published part of r + e that needs no spikes.
    """
    constants, own = _constants(layout), own_carriers(layout)
    has, Q_0, home, native = _contents(layout)
    pool = np.array([layout.pools[p] for _, p in layout.terminals], int)
    use = models.carrier_use(pools, cross, CARRIERS, rest.c)
    taken = sum(own[X] * use[X][pool] for X in CARRIERS) if len(pool) else np.zeros(0)
    r = np.divide(rest.released, living, out=np.zeros_like(living), where=living > 0)
    S_0 = constants["cytosolic_fraction"] * Q_0
    a_0 = constants["efflux_leak"]
    leaked = constants["efflux_capacity"] * sum(own.values()) * a_0 / (1.0 + a_0)
    silent = np.where(has, constants["silent_share"], 0.0)
    seeped = np.maximum(silent / (1.0 - silent) * r - leaked, 0.0)
    lost = r + leaked + seeped - taken
    k_v, k_m = (constants["leak"] * Q_0 + r) / S_0, constants["turnover"] / constants["cytosolic_fraction"]
    J_syn = lost + k_m * S_0
    foreign = np.array([n != p[1] for n, (_, p) in zip(native, layout.terminals, strict=True)], bool)
    at_home = np.where(foreign & (home >= 0), home, np.arange(len(home))).astype(int)
    return Stores(
        names=tuple(layout.terminals),
        native=native,
        has=has,
        home=home,
        living=living,
        Q_0=Q_0,
        S_0=np.where(foreign, 0.0, S_0),
        K_S=constants["efflux_K_S"] * S_0,
        k_v=k_v[at_home],
        k_m=k_m[at_home],
        leak=constants["leak"],
        J_syn=J_syn,
        own=own,
        capacity=constants["efflux_capacity"] * (1.0 + constants["efflux_K_S"]),
        seep=np.where(has, seeped / S_0, 0.0)[at_home],
        a_0=a_0,
        filling_max=constants["filling_max"],
        silent=silent,
    )
