"""Every modulator equation once more, in plain NumPy: steps 1 to 4 of the slow loop as pure functions.

Written from the plan's formulas and not from the text in :mod:`neurosim.models.modulators`, so that comparing an engine
with it means something. Tables are those of a plan: dicts of arrays of shape (n_terminals,), (n_pools,), (n_sites,) or
(n_links,). Concentrations are nM, fluxes nM/s, times s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = [
    "SlowLoop",
    "Trajectory",
    "activation_step",
    "binding_step",
    "carrier_use",
    "efflux_per_living",
    "filling_of",
    "gates",
    "pool_step",
    "room",
    "store_step",
    "terminal_gain",
    "terminal_step",
    "uptake",
]

Table = Mapping[str, np.ndarray]

_ADDED = ("G_mod", "J_mod", "V_T_mod")


def terminal_step(
    table: Table,
    gain: np.ndarray,
    D: np.ndarray,
    nu: np.ndarray,
    count: np.ndarray,
    h: float,
    speed: np.ndarray | float,
    filling: np.ndarray | float = 1.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Release of one slow step: flux J (nM/s), releasable part D and near field nu (Hz) after it.

    Parameters
    ----------
    table : terminals of a plan
    gain, D, nu : arrays, shape (n_terminals,)
        What autoreceptors leave, releasable part, near field, before the step.
    count : array, shape (n_terminals,)
        Spikes of the population in the step that ends.
    h : float, s
    speed : float or array
        1 while recording, ``speed_settle`` while settling.
    filling : float or array
        Of the vesicles, see :func:`filling_of`.

    Notes
    -----
    dD/dt = (1 - D)/tau_rec - U D nu, release = quantum · filling · gain · D · spikes per healthy cell (MODEL §3;
    tsodyks1998).
    """
    spikes = count / table["n_healthy"]
    released = gain * D * filling * spikes / h
    nu = nu + (released - nu) * table["nu_relax"]
    D = D + speed * (h * (1.0 - D) / table["tau_rec"] - table["U"] * D * spikes)
    return table["quantum"] * released, np.clip(D, 0.0, 1.0), nu


def filling_of(table: Table, Q: np.ndarray) -> np.ndarray:
    """How full vesicles are, 1 without drugs: Q/Q_0, at most ``filling_max``."""
    return np.clip(Q / table["Q_0"], 0.0, table["filling_max"])


def room(filling: np.ndarray, filling_max: np.ndarray) -> np.ndarray:
    """How freely vesicles take up: 1, and over the last tenth of Q_0 before they are full less and less, down to 0."""
    # np.clip says the same at three times the price
    return np.minimum(np.maximum(10.0 * (filling_max - filling), 0.0), 1.0)


def efflux_per_living(table: Table, S: np.ndarray) -> np.ndarray:
    """Efflux of a living terminal through its carriers and past them, nM/s, from cytosolic transmitter S (nM) (MODEL §3)."""
    return table["efflux_max"] * S / (S + table["K_S"]) + table["seep"] * S


def store_step(
    table: Table, S: np.ndarray, Q: np.ndarray, J: np.ndarray, taken: np.ndarray, h: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cytosolic S and vesicular Q (nM of extracellular equivalent) of a living terminal after one slow step.

    Parameters
    ----------
    J : array, nM/s
        Release of all living terminals.
    taken : array, nM/s
        What the carriers of a living terminal bring back.

    Notes
    -----
    dS/dt = J_syn + taken + leak Q - (k_v room + k_m) S - efflux; dQ/dt = k_v room S - leak Q - release (MODEL §3). The
    drug's factors are in J_syn, k_v, k_m and efflux_max; ``room`` ends uptake into full vesicles.
    """
    packed = table["k_v"] * S * room(Q / table["Q_0"], table["filling_max"]) - table["leak"] * Q
    gained = table["J_syn"] + taken - packed - table["k_m"] * S - efflux_per_living(table, S)
    return np.maximum(S + h * gained, 0.0), np.maximum(Q + h * (packed - J * table["per_living"]), 0.0)


def carrier_use(pools: Table, cross: Table, carriers: Sequence[str], c: np.ndarray) -> dict[str, np.ndarray]:
    """Share of V_max at which each carrier of each pool runs, under blockers and foreign substrates (MODEL §2)."""
    use = {}
    for X in carriers:
        foreign = np.bincount(cross["pool"], cross[f"k_{X}"] * c[cross["partner"]], len(c))
        use[X] = c / (pools[f"K_{X}"] * (1.0 + pools[f"B_{X}"] + foreign) + c)
    return use


def uptake(pools: Table, cross: Table, carriers: Sequence[str], c: np.ndarray) -> np.ndarray:
    """Michaelis-Menten uptake by all carriers of each pool, nM/s."""
    return sum(pools[f"V_{X}"] * u for X, u in carrier_use(pools, cross, carriers, c).items())


def pool_step(
    pools: Table,
    c: np.ndarray,
    release: np.ndarray,
    efflux: np.ndarray,
    taken: np.ndarray,
    h: float,
    speed: np.ndarray | float,
) -> np.ndarray:
    """Concentration after one slow step: dc/dt = release + efflux - uptake - k_out c."""
    return c + h * speed * (release + efflux - taken - pools["k_out"] * c)


def binding_step(sites: Table, rho: np.ndarray, heard: np.ndarray, h: float, k_off: np.ndarray) -> np.ndarray:
    """Part of the receptors that the transmitter holds after one slow step at ``heard`` (nM).

    d rho/dt = k_off (x free - rho), free = (1 - B - rho)/(1 + X) since the fast drugs share the rest at once: at constant
    x an exponential to (1 - B) x/(1 + x + X) with the rate k_off (1 + x/(1 + X)).
    """
    x = heard / sites["K"]
    bound = (1.0 - sites["B"]) * x / (1.0 + x + sites["X"])
    return rho + (bound - rho) * -np.expm1(-h * k_off * (1.0 + x / (1.0 + sites["X"])))


def activation_step(sites: Table, a: np.ndarray, rho: np.ndarray, relax: np.ndarray) -> np.ndarray:
    """Activation after one slow step: it follows the operational model (MODEL §4) of what is bound."""
    free = (1.0 - sites["B"] - rho) / (1.0 + sites["X"])
    stimulus = sites["tau"] * rho + free * (sites["tau_0"] + sites["S"]) + sites["S_B"]
    return a + (stimulus / (1.0 + stimulus) - a) * relax


def terminal_gain(links: Table, a: np.ndarray, n_terminals: int) -> np.ndarray:
    """What the autoreceptors leave of each terminal's release: max(0, 1 + Σ factor · a)."""
    gain = np.ones(n_terminals)
    np.add.at(gain, links["terminal"], links["factor"] * a[links["site"]])
    return np.maximum(gain, 0.0)


def gates(links: Table, a: np.ndarray, n_classes: int) -> dict[str, np.ndarray]:
    """Gates of the classes of cells, shape (n_classes,): base + Σ coefficient · a, those of synapses never negative."""
    out = {}
    for name, coefficient in links.items():
        if name in ("site", "cell_class"):
            continue
        gate = np.full(n_classes, 0.0 if name in _ADDED else 1.0)
        np.add.at(gate, links["cell_class"], coefficient * a[links["site"]])
        out[name] = np.maximum(gate, 0.0) if name.startswith(("gain_", "tx_")) else gate
    return out


@dataclass(frozen=True)
class Trajectory:
    """What :meth:`SlowLoop.run` gives: values that each slow step starts from (``c a S Q``) or computes (the others).

    Arrays of shape (n_steps, n_pools), (n_steps, n_sites) or (n_steps, n_terminals); after the last step ``c_end``
    (n_pools,), ``a_end`` (n_sites,), ``S_end`` and ``Q_end`` (n_terminals,).
    """

    c: np.ndarray
    release: np.ndarray
    efflux: np.ndarray
    uptake: np.ndarray
    loss: np.ndarray
    a: np.ndarray
    rho: np.ndarray
    heard: np.ndarray
    S: np.ndarray
    Q: np.ndarray
    J: np.ndarray
    filling: np.ndarray
    c_end: np.ndarray
    a_end: np.ndarray
    S_end: np.ndarray
    Q_end: np.ndarray


@dataclass(frozen=True)
class SlowLoop:
    """The slow loop without cells: given the spikes, the transmitters and receptors.

    Attributes are the tables of a plan; ``h`` is the slow step (s), ``carriers`` their names.
    """

    terminals: Table
    pools: Table
    sites: Table
    cross: Table
    terminal_links: Table
    uptake_links: Table
    carriers: Sequence[str]
    h: float

    def run(self, counts: np.ndarray, n_settle: int) -> Trajectory:
        """Run through given spikes.

        Parameters
        ----------
        counts : array, shape (n_steps, n_terminals)
            Spikes of each terminal's population in the slow step before each.
        n_settle : int
            Slow steps that settle, with the speeds of settling.
        """
        T, P, sites = self.terminals, self.pools, self.sites
        n_terminals, n_pools = counts.shape[1], P["c_0"].size
        kept: dict[str, list[np.ndarray]] = {name: [] for name in Trajectory.__dataclass_fields__}
        c, a = P["c_0"].astype(float), sites["a_0"].astype(float)
        S, Q, rho = T["S_0"].astype(float), T["Q_start"].astype(float), sites["rho_0"].astype(float)
        D, nu, gain = np.ones(n_terminals), np.zeros(n_terminals), np.ones(n_terminals)
        taken = np.zeros(n_terminals)
        for step, count in enumerate(counts):
            phase = "_settle" if step < n_settle else ""
            _keep(kept, c=c, a=a, S=S, Q=Q)
            filling = filling_of(T, Q)
            J, D, nu = terminal_step(T, gain, D, nu, count, self.h, T["speed_settle"] if phase else 1.0, filling)
            out = T["living"] * efflux_per_living(T, S)
            S, Q = store_step(T, S, Q, J, taken, self.h)
            release, efflux = (np.bincount(T["pool"], flux, n_pools) for flux in (J, out))
            use = carrier_use(P, self.cross, self.carriers, c)
            gone = sum(P[f"V_{X}"] * u for X, u in use.items())
            taken = sum(self.uptake_links[f"V_{X}"] * u[T["pool"]] for X, u in use.items())
            _keep(kept, J=J, filling=filling, release=release, efflux=efflux, uptake=gone, loss=P["k_out"] * c)
            c = pool_step(P, c, release, efflux, gone, self.h, P["speed_settle"] if phase else 1.0)
            heard = c[sites["pool"]] + sites["near"] * nu[sites["near_terminal"]]
            rho = binding_step(sites, rho, heard, self.h, sites["k_off" + phase])
            _keep(kept, heard=heard, rho=rho)
            a = activation_step(sites, a, rho, sites["relax" + phase])
            gain = terminal_gain(self.terminal_links, a, n_terminals)
        ends = {"c_end": c, "a_end": a, "S_end": S, "Q_end": Q}
        return Trajectory(**{name: np.array(rows) for name, rows in (kept | ends).items()})


def _keep(kept: dict[str, list[np.ndarray]], **values: np.ndarray) -> None:
    for name, value in values.items():
        kept[name].append(value)
