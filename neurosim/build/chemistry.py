"""Pools, terminals and sites of one phase as arrays: where drugs, lesions and the circuit's chemistry meet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurosim import pharmacology, reference
from neurosim.build.layout import Layout, symbol
from neurosim.build.plan import CARRIERS, SLOW_STEP
from neurosim.build.stores import Stores
from neurosim.errors import BuildError
from neurosim.spec import Pool

__all__ = [
    "NO_LIGANDS",
    "SiteLigands",
    "carriers_of",
    "cross_arrays",
    "living_terminals",
    "pool_arrays",
    "pool_constants",
    "site_arrays",
    "site_ligands",
    "site_link_arrays",
    "site_table",
    "terminal_arrays",
    "terminal_constants",
]

#: Settling: time constants longer than this part of it are shortened to it (DESIGN §3).
_SETTLE_PART = 0.2
#: Concentration a pool without a band starts from (nM); settling takes it from there.
_START = 1.0
#: A rate (1/s) that is over within any step: binding at equilibrium.
_AT_ONCE = 1e9


def carriers_of(pool: Pool, alive: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Carrier → (V_max of the living owners in nM/s, K_m in nM) of one pool.

    Parameters
    ----------
    pool : Pool
    alive : mapping
        Part of each population that lives; an owner that is not a population (``other``) is always whole.

    Raises
    ------
    BuildError
        If the owners of one carrier give it different K_m: one carrier has one affinity.
    """
    found = {}
    for carrier, owners in pool.transporters.items():
        affinities = {float(entry.K_m.value) for entry in owners.values()}
        if len(affinities) > 1:
            raise BuildError(
                f"carrier {carrier}: its owners {', '.join(owners)} give different K_m "
                f"({', '.join(f'{k:g} nM' for k in sorted(affinities))}); allowed: one K_m per carrier and pool"
            )
        V = sum(float(entry.V_max.value) * alive.get(owner, 1.0) for owner, entry in owners.items())
        found[carrier] = (V, affinities.pop())
    return found


def _start(pool: Pool) -> float:
    return _START if pool.band is None else math.sqrt(float(pool.band.low) * float(pool.band.high))


def pool_constants(layout: Layout, alive: Mapping[str, float]) -> dict[str, np.ndarray]:
    """What drugs leave alone in :func:`pool_arrays`: c_0, k_out, and V and K of each carrier."""
    n = len(layout.pools)
    arrays = {"c_0": np.zeros(n), "k_out": np.zeros(n)}
    arrays |= {f"V_{X}": np.zeros(n) for X in CARRIERS} | {f"K_{X}": np.ones(n) for X in CARRIERS}
    for (region, transmitter), k in layout.pools.items():
        pool = layout.circuit.pools[region][transmitter]
        arrays["c_0"][k], arrays["k_out"][k] = _start(pool), float(pool.k_out.value)
        for carrier, (V, K) in carriers_of(pool, alive).items():
            arrays[f"V_{carrier}"][k], arrays[f"K_{carrier}"][k] = V, K
    return arrays


def pool_arrays(
    layout: Layout, constants: Mapping[str, np.ndarray], found: pharmacology.Chemistry, settle: float
) -> dict[str, np.ndarray]:
    """Pool arrays of a plan (see :class:`neurosim.build.Plan`) under what the drugs do.

    Parameters
    ----------
    constants : mapping
        See :func:`pool_constants`.
    settle : float, s
    """
    blocks = {X: found.carriers[X].B if X in found.carriers else 0.0 for X in CARRIERS}
    outside = {t: pharmacology.outside_loss(t, found) for t in dict.fromkeys(t for _, t in layout.pools)}
    k_out = constants["k_out"] * np.array([outside[t] for _, t in layout.pools], float)
    clearance = k_out + sum(constants[f"V_{X}"] / (constants[f"K_{X}"] * (1.0 + blocks[X])) for X in CARRIERS)
    n = len(layout.pools)
    speed = np.maximum(1.0, 1.0 / (clearance * _SETTLE_PART * settle)) if settle > 0 else np.ones(n)
    blocked = {f"B_{X}": np.full(n, blocks[X], float) for X in CARRIERS}
    return {**constants, "k_out": k_out, "speed_settle": speed, **blocked}


def living_terminals(layout: Layout, alive: Mapping[str, float]) -> np.ndarray:
    """Part of each terminal's population that lives."""
    return np.array([alive[population] for population, _ in layout.terminals], float)


def _store_arrays(
    stores: Stores, found: pharmacology.Chemistry, S: np.ndarray, Q: np.ndarray
) -> dict[str, np.ndarray]:
    """Stores under drugs, starting from S and Q; idle where there is none."""
    has, living = stores.has, stores.living
    per_living = np.divide(1.0, living, out=np.zeros_like(living), where=living > 0)
    arrays = {
        "S_0": S,
        "k_v": stores.packing(found),
        "k_m": stores.degradation(found),
        "leak": stores.leak,
        "J_syn": stores.synthesis(found),
        "efflux_max": stores.efflux_max(found),
        "seep": stores.seep,
        "per_living": per_living,
    }
    idle = {name: np.where(has, values, 0.0) for name, values in arrays.items()}
    return idle | {
        "Q_start": np.where(has, Q, 1.0),
        "Q_0": np.where(has, stores.Q_0, 1.0),
        "filling_max": np.where(has, stores.filling_max, 1.0),
        "K_S": np.where(has, stores.K_S, 1.0),
        "living": living,
    }


def terminal_constants(layout: Layout) -> dict[str, np.ndarray]:
    """What drugs leave alone in :func:`terminal_arrays`. The near field's low-pass is the one of the sites that use it."""
    n = len(layout.terminals)
    arrays = {key: np.zeros(n) for key in ("quantum", "n_healthy", "U")}
    arrays |= {"pool": np.zeros(n, np.int32), "tau_rec": np.ones(n), "nu_relax": np.ones(n)}
    for (population, pool), k in layout.terminals.items():
        entry = layout.circuit.pools[pool[0]][pool[1]].release[population]
        arrays["pool"][k] = layout.pools[pool]
        arrays["quantum"][k] = float(entry.quantum.value)
        arrays["n_healthy"][k] = layout.cells[population].n
        arrays["U"][k] = float(entry.U.value)
        arrays["tau_rec"][k] = float(entry.tau_rec.value)
    for terminal, tau in _near_taus(layout).items():
        arrays["nu_relax"][terminal] = -math.expm1(-SLOW_STEP / tau)
    return arrays


def _near_taus(layout: Layout) -> dict[int, float]:
    """Low-pass of the near field of each terminal that a site hears, s."""
    first: dict[int, tuple[str, float]] = {}
    for name in layout.sites:
        near = layout.circuit.sites[name].near_field
        if near is None:
            continue
        tau = float(near.tau.value)
        other, known = first.setdefault(_near_terminal(layout, name), (name, tau))
        if tau != known:
            raise BuildError(
                f"sites.{name}.near_field.tau is {tau:g} s, but {other} hears the same near field with {known:g} s; "
                "allowed: one tau for all sites that hear it"
            )
    return {terminal: tau for terminal, (_, tau) in first.items()}


def terminal_arrays(
    constants: Mapping[str, np.ndarray],
    settle: float,
    stores: Stores,
    found: pharmacology.Chemistry,
    S: np.ndarray,
    Q: np.ndarray,
) -> dict[str, np.ndarray]:
    """Release entries of a plan, from their :func:`terminal_constants`."""
    tau = constants["tau_rec"]
    speed = np.maximum(1.0, tau / (_SETTLE_PART * settle)) if settle > 0 else np.ones(len(tau))
    return {**constants, "speed_settle": speed, **_store_arrays(stores, found, S, Q)}


def _heard_pool(layout: Layout, name: str) -> tuple[str, str]:
    site = layout.circuit.sites[name]
    return site.hears, reference.receptor(site.receptor).ligand


def _near_terminal(layout: Layout, name: str) -> int:
    return layout.terminals[layout.circuit.sites[name].near_field.population, _heard_pool(layout, name)]


def site_tau(layout: Layout, name: str) -> float:
    """Time constant of a site's activation in s: its own, or the geometric mean of the receptor's onset and decay."""
    site = layout.circuit.sites[name]
    if site.tau_on is not None:
        return float(site.tau_on.value)
    receptor = reference.receptor(site.receptor)
    return math.sqrt(receptor.onset_s * receptor.decay_s)


@dataclass(frozen=True)
class SiteLigands:
    """Drugs at a site in a phase: those at equilibrium, and what each slow one holds with the reserve it has there.

    ``held`` is drug → (rho, tau).
    """

    fast: pharmacology.DrugTerms
    held: Mapping[str, tuple[float, float]]

    @property
    def B(self) -> float:
        """Part of the receptors that the slow ones hold."""
        return sum(rho for rho, _ in self.held.values())

    @property
    def S_B(self) -> float:
        """Σ tau rho of the slow ones."""
        return sum(rho * tau for rho, tau in self.held.values())


#: A site without drugs.
NO_LIGANDS = SiteLigands(pharmacology.DrugTerms(0.0, 0.0, {}, {}), {})


def site_ligands(
    layout: Layout,
    name: str,
    concentrations: Mapping[str, float],
    knowledge: pharmacology.Knowledge,
    bound: Mapping[str, float],
) -> SiteLigands:
    """Drugs at a site.

    Parameters
    ----------
    bound : mapping, drug → part of the receptors
        What slow drugs hold that were followed in time; any other slow one is at equilibrium with the rest, at the
        concentration that the pool starts from.
    """
    site, constants = layout.circuit.sites[name], layout.site_constants[name]
    fast, slow = pharmacology.split_terms(
        site.receptor, concentrations, constants, knowledge.species, knowledge
    )
    held = {drug: (bound[drug], tau) for drug, (_, tau, _) in slow.items() if drug in bound}
    standing = {drug: terms for drug, terms in slow.items() if drug not in bound}
    if standing:
        x = _start(_pool(layout, name)) / constants.K + fast.X
        free = 1.0 - sum(rho for rho, _ in held.values())
        level = np.array([terms[0] for terms in standing.values()])
        parts = free * pharmacology.bound_equilibrium(level, x)
        held |= {drug: (float(part), standing[drug][1]) for drug, part in zip(standing, parts, strict=True)}
    return SiteLigands(fast, held)


def _pool(layout: Layout, name: str) -> Pool:
    region, transmitter = _heard_pool(layout, name)
    return layout.circuit.pools[region][transmitter]


def _transmitter_rate(receptor: str, knowledge: pharmacology.Knowledge) -> float:
    """Rate (1/s) at which the transmitter leaves a receptor, or one that is over at once."""
    ligand = reference.receptor(receptor).ligand
    if not pharmacology.is_slow(receptor, ligand, knowledge):
        return _AT_ONCE
    return pharmacology.koff(receptor, ligand, knowledge)


def site_table(layout: Layout, knowledge: pharmacology.Knowledge) -> dict[str, np.ndarray]:
    """What drugs and receptor numbers leave alone at the sites, arrays over them.

    Beside ``pool near near_terminal K`` of a plan: ``tau`` and ``tau_0`` of healthy receptors, the time constant ``lag`` (s) of the
    activation, the rate ``leaving`` (1/s) of the transmitter, and the concentration ``start`` (nM) of the pool.
    """
    n = len(layout.sites)
    arrays = {key: np.zeros(n) for key in ("near", "K", "tau", "tau_0", "lag", "leaving", "start")}
    arrays |= {"pool": np.zeros(n, np.int32), "near_terminal": np.zeros(n, np.int32)}
    for name, k in layout.sites.items():
        site, constants = layout.circuit.sites[name], layout.site_constants[name]
        if site.near_field is not None:
            arrays["near"][k] = float(site.near_field.h.value)
            arrays["near_terminal"][k] = _near_terminal(layout, name)
        arrays["pool"][k] = layout.pools[_heard_pool(layout, name)]
        arrays["K"][k], arrays["tau"][k], arrays["tau_0"][k] = constants.K, constants.tau, constants.tau_0
        arrays["lag"][k], arrays["start"][k] = site_tau(layout, name), _start(_pool(layout, name))
        arrays["leaving"][k] = _transmitter_rate(site.receptor, knowledge)
    return arrays


def site_arrays(
    table: Mapping[str, np.ndarray], ligands: Sequence[SiteLigands], settle: float, R: np.ndarray
) -> dict[str, np.ndarray]:
    """Site arrays of a plan: the transmitter's constants, and the drugs as sums.

    Parameters
    ----------
    table : mapping
        See :func:`site_table`.
    ligands : sequence of SiteLigands, one per site
    settle : float, s
    R : array, shape (site,)
        Number of receptors over that without drugs: reserves go with it.
    """
    sums = np.array([(there.fast.X, there.fast.S, there.B, there.S_B) for there in ligands], float)
    X, S, B, S_B = sums.reshape(len(ligands), 4).T
    lag, leaving = table["lag"], table["leaving"]
    if settle > 0:
        settling = np.minimum(lag, _SETTLE_PART * settle)
        leaving_settle = np.maximum(leaving, 1.0 / (_SETTLE_PART * settle))
    else:
        settling, leaving_settle = lag, leaving
    own = {"X": X, "S": R * S, "tau_0": R * table["tau_0"], "B": B, "S_B": R * S_B}
    tau, x = R * table["tau"], table["start"] / table["K"]
    return {
        **{key: table[key] for key in ("pool", "near", "near_terminal", "K")},
        **own,
        "tau": tau,
        "k_off": leaving,
        "k_off_settle": leaving_settle,
        "relax": -np.expm1(-SLOW_STEP / lag),
        "relax_settle": -np.expm1(-SLOW_STEP / settling),
        "rho_0": (1.0 - B) * x / (1.0 + x + X),
        "a_0": pharmacology.activation(table["start"], table["K"], tau, **own),
    }


def cross_arrays(layout: Layout) -> dict[str, np.ndarray]:
    """How the other transmitters of a region compete for the carriers of each pool (1/nM)."""
    pools = list(layout.pools)
    arrays = {
        "pool": np.array([a for a, _ in layout.cross], np.int32),
        "partner": np.array([b for _, b in layout.cross], np.int32),
    }
    for carrier in CARRIERS:
        arrays[f"k_{carrier}"] = np.array(
            [1.0 / reference.cross_K_m(carrier, pools[b][1]) for _, b in layout.cross], float
        )
    return arrays


def site_link_arrays(layout: Layout) -> dict[str, np.ndarray]:
    """Effects of the sites on cells and transmissions, one row per site, one column per gate."""
    links = layout.site_links
    kinds = [*layout.kinds("fast"), *layout.kinds("slow")]
    columns = ["G_mod", "J_mod", "V_T_mod", "adaptation"]
    columns += [f"gain_{kind}" for kind in kinds] + [f"tx_{k}" for k in layout.gates.values()]
    arrays = {column: np.zeros(len(links)) for column in columns}
    arrays["site"] = np.array([site for site, _, _ in links], np.int32)
    arrays["cell_class"] = np.array([bearing for _, bearing, _ in links], np.int32)
    for row, (_, _, name) in enumerate(links):
        for effect in layout.circuit.sites[name].effects:
            _add_effect(layout, arrays, row, effect)
    return arrays


def _add_effect(layout: Layout, arrays: dict[str, np.ndarray], row: int, effect) -> None:
    if effect.kind in ("girk", "conductance"):
        g = float(effect.g.value)
        E = (
            float(effect.E_rev.value)
            if effect.kind == "conductance"
            else float(layout.circuit.synapses["GABA_B"].E_rev.value)
        )
        arrays["G_mod"][row] += g
        arrays["J_mod"][row] += g * E
    elif effect.kind == "current":
        arrays["J_mod"][row] += float(effect.current.value)
    elif effect.kind == "threshold":
        arrays["V_T_mod"][row] += float(effect.threshold.value)
    elif effect.kind == "adaptation":
        arrays["adaptation"][row] += float(effect.factor.value)
    elif effect.kind == "gain":
        column = f"gain_{symbol(effect.synapse)}"
        if column not in arrays:
            raise BuildError(
                f"site effect gain of {effect.synapse}: no projection of the circuit uses that synapse kind"
            )
        arrays[column][row] += float(effect.factor.value)
    elif effect.kind == "transmission":
        arrays[f"tx_{layout.gates[effect.projection]}"][row] += float(effect.factor.value)
