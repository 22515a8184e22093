"""What moves on the pharmacological clock, as flows between pools, terminals and their vesicles (MODEL §3 and §6).

Time derivatives are one matrix, which says where each flow begins and ends, times the flows: as in chemical kinetics. An
integrator asks for them a thousand times a trial, and a state has only some seventy numbers: what counts is how few calls of
NumPy it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neurosim import models
from neurosim.build.plan import CARRIERS
from neurosim.build.stores import Stores

__all__ = ["Drugged", "Flows", "Moment"]


class Drugged(NamedTuple):
    """What drugs do at a moment.

    Attributes
    ----------
    B : array, shape (carrier,)
        Blockade of each carrier.
    outside : array, shape (pool,)
        Speed of the loss outside cells, over that without drugs.
    k_v, k_m : arrays, shape (terminal,), 1/s
    J_syn, efflux_max : arrays, shape (terminal,), nM/s
    """

    B: np.ndarray
    outside: np.ndarray
    k_v: np.ndarray
    k_m: np.ndarray
    J_syn: np.ndarray
    efflux_max: np.ndarray


class Moment(NamedTuple):
    """The same, as the flows need it; linear in what drugs do, so that moments may be interpolated.

    Attributes
    ----------
    half : array, shape (saturable flow,), nM
        Constants of carriers under blockade, and of the efflux.
    speed : array, shape (flow,)
    made : array, shape (variable,), nM/s
    """

    half: np.ndarray
    speed: np.ndarray
    made: np.ndarray


@dataclass(frozen=True, eq=False)
class Flows:
    """Flows of a trial: constants, and from where to where they lead.

    States are columns of shape (variable, state): concentrations of the pools, then S and Q of the terminals.

    Attributes
    ----------
    n_pools, n_terminals : int
    pair_carrier, pair_pool : int arrays, shape (pair,)
        The carriers that each pool has.
    pair_K : array, shape (pair,), nM
    source : int array, shape (saturable flow,)
        Variable that each carrier of a pool takes from, then S of each terminal for its efflux.
    rivals : array, shape (saturable flow, variable)
        What each variable adds to the half of a saturable flow: itself, and foreign substrates of a carrier.
    K_S : array, shape (terminal,), nM
    seep : array, shape (terminal,), 1/s
    per_filling, unfilled : arrays, shape (terminal, 1)
        Filling of the vesicles is Q · per_filling + unfilled.
    fullest : array, shape (terminal, 1)
        Largest filling.
    quantum, living : arrays, shape (terminal,)
        Release per spike (nM), and part of the cells.
    leads : array, shape (variable, flow)
        What a flow of 1 adds to each variable.
    """

    n_pools: int
    n_terminals: int
    pair_carrier: np.ndarray
    pair_pool: np.ndarray
    pair_K: np.ndarray
    source: np.ndarray
    rivals: np.ndarray
    K_S: np.ndarray
    seep: np.ndarray
    per_filling: np.ndarray
    unfilled: np.ndarray
    fullest: np.ndarray
    quantum: np.ndarray
    living: np.ndarray
    leads: np.ndarray

    @classmethod
    def of(
        cls,
        stores: Stores,
        pools: Mapping[str, np.ndarray],
        cross: Mapping[str, np.ndarray],
        at: np.ndarray,
        quantum: np.ndarray,
    ) -> Flows:
        """Flows between ``stores`` and ``pools``; ``at`` is each terminal's pool, ``quantum`` (nM) its release per spike."""
        P, n = len(pools["k_out"]), len(at)
        V, K = (np.array([pools[f"{name}_{X}"] for X in CARRIERS]) for name in ("V", "K"))
        owned = np.zeros_like(V, bool)
        for k, X in enumerate(CARRIERS):
            owned[k, at[stores.own[X] > 0]] = True
        # a terminal whose cells are lost has its equations all the same
        carrier, pool = np.nonzero((V > 0) | owned)
        pairs, has = len(pool), stores.has
        foreign = np.zeros((len(CARRIERS), P, P))
        for k, X in enumerate(CARRIERS):
            np.add.at(foreign[k], (cross["pool"], cross["partner"]), cross[f"k_{X}"])
        rivals = np.zeros((pairs + n, P + 2 * n))
        rivals[:pairs, :P] = K[carrier, pool][:, None] * foreign[carrier, pool]
        source = np.concatenate([pool, P + np.arange(n)])
        rivals[np.arange(pairs + n), source] += 1.0
        return cls(
            n_pools=P,
            n_terminals=n,
            pair_carrier=carrier,
            pair_pool=pool,
            pair_K=K[carrier, pool],
            source=source,
            rivals=rivals,
            K_S=np.where(has, stores.K_S, 1.0),
            seep=stores.seep,
            per_filling=np.where(has, 1.0 / stores.Q_0, 0.0)[:, None],
            unfilled=np.where(has, 0.0, 1.0)[:, None],
            fullest=np.where(has, stores.filling_max, np.inf)[:, None],
            quantum=quantum,
            living=stores.living,
            leads=_leads(stores, pools, V[carrier, pool], (carrier, pool), at, quantum),
        )

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Lengths of the parts of a :class:`Moment`."""
        return len(self.source), self.leads.shape[1], self.leads.shape[0]

    def moment(self, drugged: Drugged) -> Moment:
        """What drugs do at a moment, as the flows need it."""
        n, blocked = self.n_terminals, self.pair_K * (1.0 + drugged.B[self.pair_carrier])
        own, ones, none = np.ones(len(self.pair_pool)), np.ones(n), np.zeros(self.n_pools)
        return Moment(
            np.concatenate([blocked, self.K_S]),
            np.concatenate([own, drugged.efflux_max, ones, drugged.k_m, drugged.k_v, ones, drugged.outside, ones]),
            np.concatenate([none, drugged.J_syn, np.zeros(n)]),
        )

    def rates(self, y: np.ndarray, drive: np.ndarray, now: Moment) -> tuple[np.ndarray, np.ndarray]:
        """Time derivatives of states, and the spikes per second and healthy cell that release in them.

        Parameters
        ----------
        y : array, shape (variable, state), nM
            None below 0.
        drive : array, shape (terminal, 1), 1/s
            Spikes that release at full vesicles, per healthy cell.
        now : Moment
            As columns.
        """
        P, n = self.n_pools, self.n_terminals
        c, S, Q = y[:P], y[P : P + n], y[P + n :]
        used = y[self.source] / (now.half + self.rivals @ y)
        filled = np.minimum(Q * self.per_filling + self.unfilled, self.fullest)
        rate = drive * filled
        room = models.room(filled, self.fullest)
        flows = np.concatenate([used, S, S, S * room, Q, c, rate])
        return self.leads @ (now.speed * flows) + now.made, rate

    def given(self, S: np.ndarray, Q: np.ndarray, drive: np.ndarray, now: Moment) -> np.ndarray:
        """What the living cells of each terminal release and leak, shape (terminal,), nM/s."""
        n, pairs = self.n_terminals, len(self.pair_pool)
        filled = np.minimum(Q * self.per_filling[:, 0] + self.unfilled[:, 0], self.fullest[:, 0])
        leaked = self.living * (now.speed[pairs : pairs + n, 0] * S / (S + self.K_S) + self.seep * S)
        return self.quantum * drive * filled + leaked

    def space(self, c: np.ndarray, gain: np.ndarray, now: Moment) -> np.ndarray:
        """Time derivatives of the pools alone, shape (pool, state), nM/s, that gain so much from their terminals."""
        P, pairs = self.n_pools, len(self.pair_pool)
        used = c[self.pair_pool] / (now.half[:pairs] + self.rivals[:pairs, :P] @ c)
        outside = slice(pairs + 5 * self.n_terminals, pairs + 5 * self.n_terminals + P)
        return gain + self.leads[:P, :pairs] @ used + self.leads[:P, outside] @ (now.speed[outside] * c)


def _leads(
    stores: Stores,
    pools: Mapping[str, np.ndarray],
    V: np.ndarray,
    pairs: tuple[np.ndarray, np.ndarray],
    at: np.ndarray,
    quantum: np.ndarray,
) -> np.ndarray:
    """Where flows lead, in the order of :meth:`Flows.rates`."""
    P, n = len(pools["k_out"]), len(at)
    carrier, pool = pairs
    has = stores.has.astype(float)
    into = np.zeros((P, n))
    into[at, np.arange(n)] = 1.0
    own = np.array([stores.own[X] for X in CARRIERS])
    none, to = np.zeros((P, n)), np.diag
    uptake = np.zeros((P, len(pool)))
    uptake[pool, np.arange(len(pool))] = -V
    taken = has[:, None] * own[carrier].T * (at[:, None] == pool[None, :])
    lives = stores.living > 0
    spent = has * np.divide(quantum, stores.living, out=np.zeros(n), where=lives)
    per_flow = [
        (uptake, taken, np.zeros_like(taken)),
        (into * stores.living, -to(has), 0.0 * to(has)),  # efflux through carriers
        (into * stores.living * stores.seep, -to(has * stores.seep), 0.0 * to(has)),  # and past them
        (none, -to(has), 0.0 * to(has)),  # breakdown
        (none, -to(has), to(has)),  # packing
        (none, to(has * stores.leak), -to(has * stores.leak)),  # leak of the vesicles
        (-to(pools["k_out"]), np.zeros((n, P)), np.zeros((n, P))),  # loss outside cells
        (into * quantum, 0.0 * to(has), -to(spent)),  # release
    ]
    return np.block([[flow[part] for flow in per_flow] for part in range(3)])
