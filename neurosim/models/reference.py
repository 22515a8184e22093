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
    "gates",
    "pool_step",
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

    Notes
    -----
    dD/dt = (1 - D)/tau_rec - U D nu, release = quantum · gain · D · spikes per healthy cell (MODEL §3; tsodyks1998).
    """
    spikes = count / table["n_healthy"]
    J = table["quantum"] * gain * D * spikes / h
    nu = nu + (gain * D * spikes / h - nu) * table["nu_relax"]
    D = D + speed * (h * (1.0 - D) / table["tau_rec"] - table["U"] * D * spikes)
    return J, np.clip(D, 0.0, 1.0), nu


def uptake(pools: Table, cross: Table, carriers: Sequence[str], c: np.ndarray) -> np.ndarray:
    """Michaelis-Menten uptake by all carriers of each pool under blockers and foreign substrates, nM/s (MODEL §2)."""
    total = np.zeros_like(c)
    for X in carriers:
        foreign = np.zeros_like(c)
        np.add.at(foreign, cross["pool"], cross[f"k_{X}"] * c[cross["partner"]])
        total += pools[f"V_{X}"] * c / (pools[f"K_{X}"] * (1.0 + pools[f"B_{X}"] + foreign) + c)
    return total


def pool_step(
    pools: Table, c: np.ndarray, release: np.ndarray, taken: np.ndarray, h: float, speed: np.ndarray | float
) -> np.ndarray:
    """Concentration after one slow step: dc/dt = release - uptake - k_out c."""
    return c + h * speed * (release - taken - pools["k_out"] * c)


def activation_step(sites: Table, a: np.ndarray, heard: np.ndarray, relax: np.ndarray) -> np.ndarray:
    """Activation after one slow step: it follows the operational model (MODEL §4) of the concentration heard (nM)."""
    x = heard / sites["K"]
    stimulus = sites["tau"] * x + sites["S"]
    return a + (stimulus / (1.0 + x + sites["X"] + stimulus) - a) * relax


def terminal_gain(links: Table, a: np.ndarray, n_terminals: int) -> np.ndarray:
    """What the autoreceptors leave of each terminal's release: max(0, 1 + Σ factor · a)."""
    gain = np.ones(n_terminals)
    np.add.at(gain, links["terminal"], links["factor"] * a[links["site"]])
    return np.maximum(gain, 0.0)


def gates(links: Table, a: np.ndarray, n_populations: int) -> dict[str, np.ndarray]:
    """Gates of the populations, shape (n_populations,): base + Σ coefficient · a, those of synapses never negative."""
    out = {}
    for name, coefficient in links.items():
        if name in ("site", "population"):
            continue
        gate = np.full(n_populations, 0.0 if name in _ADDED else 1.0)
        np.add.at(gate, links["population"], coefficient * a[links["site"]])
        out[name] = np.maximum(gate, 0.0) if name.startswith(("gain_", "tx_")) else gate
    return out


@dataclass(frozen=True)
class Trajectory:
    """What :meth:`SlowLoop.run` gives: values that each slow step starts from (``c``, ``a``) or computes (the others).

    Arrays of shape (n_steps, n_pools) or (n_steps, n_sites); after the last step ``c_end`` (n_pools,), ``a_end`` (n_sites,).
    """

    c: np.ndarray
    release: np.ndarray
    uptake: np.ndarray
    loss: np.ndarray
    a: np.ndarray
    heard: np.ndarray
    c_end: np.ndarray
    a_end: np.ndarray


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
        n_steps, n_terminals = counts.shape
        n_pools, n_sites = self.pools["c_0"].size, self.sites["a_0"].size
        kept = {name: np.zeros((n_steps, n_pools)) for name in ("c", "release", "uptake", "loss")}
        kept |= {name: np.zeros((n_steps, n_sites)) for name in ("a", "heard")}
        c, a = self.pools["c_0"].astype(float), self.sites["a_0"].astype(float)
        D, nu, gain = np.ones(n_terminals), np.zeros(n_terminals), np.ones(n_terminals)
        for step in range(n_steps):
            settling = step < n_settle
            kept["c"][step], kept["a"][step] = c, a
            J, D, nu = terminal_step(
                self.terminals,
                gain,
                D,
                nu,
                counts[step],
                self.h,
                self.terminals["speed_settle"] if settling else 1.0,
            )
            release = np.bincount(self.terminals["pool"], J, n_pools)
            taken = uptake(self.pools, self.cross, self.carriers, c)
            kept["release"][step], kept["uptake"][step], kept["loss"][step] = (
                release,
                taken,
                self.pools["k_out"] * c,
            )
            c = pool_step(
                self.pools, c, release, taken, self.h, self.pools["speed_settle"] if settling else 1.0
            )
            heard = c[self.sites["pool"]] + self.sites["near"] * nu[self.sites["near_terminal"]]
            kept["heard"][step] = heard
            a = activation_step(self.sites, a, heard, self.sites["relax_settle" if settling else "relax"])
            gain = terminal_gain(self.terminal_links, a, n_terminals)
        return Trajectory(**kept, c_end=c, a_end=a)
