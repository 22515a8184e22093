"""The pharmacological clock: what moves between phases, over minutes to weeks (MODEL §6).

Stores, enzymes and receptor numbers follow their own equations under the drug concentrations of every moment, while the firing
stays as it was last recorded. The extracellular space is carried along at those rates, so that a blocked carrier, an
emptied vesicle or a lost enzyme shows at once. Where stores or receptors have moved by a tenth, the network is asked again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from neurosim import models, pharmacology, reference
from neurosim.build.chemistry import (
    cross_arrays,
    living_terminals,
    pool_arrays,
    pool_constants,
    site_table,
)
from neurosim.build.flows import Drugged, Flows, Moment
from neurosim.build.layout import Layout
from neurosim.build.plan import CARRIERS
from neurosim.build.stiff import Stretch, follow, settled, slopes_of
from neurosim.build.stores import Rest, Stores, stores_at_rest
from neurosim.pharmacology import Chemistry, Knowledge

__all__ = ["Clock", "SlowState"]

#: A store or a number of receptors that has moved by this part asks for the network anew (MODEL §6).
_MOVED = 0.1
#: Moments between two doses at which what drugs do is evaluated; between them it is linear.
_MOMENTS = 36
#: Relative and absolute (nM, or the unit of the variable) error of the integration.
_RTOL, _ATOL = 1e-3, 1e-5

Exposure = Callable[[np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class SlowState:
    """What a phase inherits.

    Attributes
    ----------
    c : array, shape (pool,), nM
        Extracellular concentration, from which the clock goes on; the network finds its own.
    S, Q : arrays, shape (terminal,), nM
        Cytosolic and vesicular transmitter of a living terminal.
    R : array, shape (site,)
        Number of receptors over that without drugs.
    activity : mapping, target → part of the protein that irreversible inhibitors have left
    bound : mapping, site → drug → part of the receptors that a slow drug holds
    """

    c: np.ndarray
    S: np.ndarray
    Q: np.ndarray
    R: np.ndarray
    activity: Mapping[str, float]
    bound: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Clock:
    """The slow equations of one trial.

    Parameters
    ----------
    layout : Layout
    alive : mapping, population → part that lives
    knowledge : Knowledge
        Affinities of the subject.
    rest : Rest
        The trial without drugs.
    rest_is_circuit : bool
        Whether that is what the circuit says, and nothing was recorded yet.
    """

    layout: Layout
    alive: Mapping[str, float]
    knowledge: Knowledge
    rest: Rest
    rest_is_circuit: bool = True

    @classmethod
    def at_circuit_rest(cls, layout: Layout, alive: Mapping[str, float], knowledge: Knowledge) -> Clock:
        """The clock of a trial of which nothing was recorded yet: every pool in the middle of its band.

        Release is what keeps it there, shared by the terminals that release their own transmitter in the ratio of their
        quanta.
        """
        c, n = pool_constants(layout, alive)["c_0"], len(layout.terminals)
        start = cls(layout, alive, knowledge, Rest(c, np.zeros(n)))
        at, native = start._at, start.stores.native
        own = np.array([made == t for made, (_, (_, t)) in zip(native, layout.terminals, strict=True)], bool)
        weight = np.where(own, living_terminals(layout, alive) * start._quantum, 0.0)
        lost = models.uptake(start._pools, start._cross, CARRIERS, c) + start._pools["k_out"] * c
        by_spikes = np.maximum(lost - np.bincount(at, start._leaked, len(c)), 0.0)
        total = np.bincount(at, weight, len(c))
        part = np.divide(weight, total[at], out=np.zeros_like(weight), where=total[at] > 0)
        released = part * np.minimum(by_spikes[at], (1.0 - start.stores.silent) * lost[at])
        return cls(layout, alive, knowledge, Rest(c, released))

    def recorded(self, released: np.ndarray) -> Clock:
        """The clock once the network was heard without drugs: ``released`` (nM/s) by all living cells of each terminal."""
        heard = replace(self, rest=Rest(self.rest.c, np.asarray(released, float)), rest_is_circuit=False)
        c = heard._settled(released + heard._leaked, heard._row({}, {}), self.rest.c)
        return replace(heard, rest=Rest(c, heard.rest.released))

    def heard(self, state: SlowState, drive: np.ndarray, concentrations: Mapping[str, float]) -> SlowState:
        """The state from which the clock goes on once the network was heard: its pools had settled at its firing.

        Parameters
        ----------
        state : SlowState
            As the network was given it.
        drive : array, shape (terminal,), 1/s
            See :meth:`drive`.
        concentrations : mapping, drug → nM
        """
        row = self._row(concentrations, state.activity)
        given = self._flows.given(state.S, state.Q, drive, self._moment(row))
        return replace(state, c=self._settled(given, row, state.c))

    def _settled(self, given: np.ndarray, row: np.ndarray, c: np.ndarray) -> np.ndarray:
        """Concentrations at which the pools stand still while their terminals give them so much (nM/s)."""
        now, gain = self._moment(row), np.bincount(self._at, given, len(c))[:, None]
        return settled(lambda c: self._flows.space(c, gain, now), c)

    # Tables of the plan without drugs.

    @cached_property
    def _pools(self) -> dict[str, np.ndarray]:
        return pool_arrays(self.layout, pool_constants(self.layout, self.alive), Chemistry(), 0.0)

    @cached_property
    def _cross(self) -> dict[str, np.ndarray]:
        return cross_arrays(self.layout)

    @cached_property
    def _at(self) -> np.ndarray:
        return np.array([self.layout.pools[pool] for _, pool in self.layout.terminals], int)

    @cached_property
    def _quantum(self) -> np.ndarray:
        pools = self.layout.circuit.pools
        return np.array(
            [float(pools[r][t].release[p].quantum.value) for p, (r, t) in self.layout.terminals], float
        )

    @cached_property
    def _leaked(self) -> np.ndarray:
        """Efflux of all living terminals at rest, nM/s."""
        return self.stores.leaked(Chemistry(), self.stores.S_0)

    @cached_property
    def stores(self) -> Stores:
        living = living_terminals(self.layout, self.alive)
        return stores_at_rest(self.layout, living, self.rest, self._pools, self._cross)

    @cached_property
    def regulated(self) -> tuple[str, ...]:
        """Sites whose number of receptors follows their activation."""
        return tuple(name for name, site in self.layout.circuit.sites.items() if site.regulation is not None)

    @property
    def at_rest(self) -> SlowState:
        """The state without drugs."""
        stores = self.stores
        Q = np.where((stores.S_0 > 0) | ~stores.has, stores.Q_0, 0.0)
        return SlowState(self.rest.c, stores.S_0, Q, np.ones(len(self.layout.sites)), {}, {})

    def is_still(self, drugs: Sequence[str]) -> bool:
        """Whether nothing here can move under these drugs: no store, no regulated site and no protein to destroy."""
        if not drugs:
            return True
        destroys = any(row.action.kind == "inactivator" for drug in drugs for row in self.knowledge.bindings(drug))
        return not (self.stores.has.any() or self.regulated or destroys or self._followed(drugs))

    def _followed(self, drugs: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Site → those of the drugs that leave it slowly."""
        sites = self.layout.circuit.sites
        found = {
            name: pharmacology.slow_ligands(site.receptor, drugs, self.knowledge) for name, site in sites.items()
        }
        return {name: slow for name, slow in found.items() if slow}

    # What drugs do at a moment, as one row of numbers.

    def _row(self, concentrations: Mapping[str, float], activity: Mapping[str, float]) -> np.ndarray:
        found = pharmacology.chemistry(concentrations, activity, self.knowledge)
        stores = self.stores
        transmitters = [t for _, t in self.layout.pools]
        lost = {t: pharmacology.outside_loss(t, found) for t in dict.fromkeys(transmitters)}
        X, S = np.zeros((2, len(self.regulated)))
        for k, name in enumerate(self.regulated):
            receptor = self.layout.circuit.sites[name].receptor
            terms = pharmacology.drug_terms(
                receptor, concentrations, self.layout.site_constants[name], knowledge=self.knowledge
            )
            X[k], S[k] = terms.X, terms.S
        drugged = Drugged(
            B=np.array([found.carriers[name].B for name in CARRIERS], float),
            outside=np.array([lost[t] for t in transmitters], float),
            k_v=stores.packing(found),
            k_m=stores.degradation(found),
            J_syn=stores.synthesis(found),
            efflux_max=stores.efflux_max(found),
        )
        return np.concatenate([*self._flows.moment(drugged), X, S])

    @cached_property
    def _parts(self) -> list[slice]:
        """Where the parts of a row lie: of the moment, then of the drugs at regulated sites."""
        edges = np.cumsum([0, *self._flows.sizes, len(self.regulated), len(self.regulated)]).tolist()
        return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]

    def _moment(self, row: np.ndarray) -> Moment:
        column = row[:, None]
        return Moment(*(column[part] for part in self._parts[:3]))

    @cached_property
    def _sites(self) -> dict[str, np.ndarray]:
        """The table of the regulated sites, and their regulation."""
        layout, names = self.layout, self.regulated
        index = [layout.sites[name] for name in names]
        found = {key: values[index] for key, values in site_table(layout, self.knowledge).items()}
        for key in ("s", "tau", "lam", "lowest", "highest"):
            rules = [layout.circuit.sites[name].regulation for name in names]
            found[f"of_{key}"] = np.array([float(getattr(rule, key).value) for rule in rules], float)
        return found

    def _activation(self, c: np.ndarray, rate: np.ndarray, R: np.ndarray, X: np.ndarray, S: np.ndarray) -> np.ndarray:
        """Activation of the regulated sites, states in columns; ``rate`` is spikes that release, per s and healthy cell."""
        K, tau, tau_0, from_pool, from_near = self._hearing
        heard = from_pool @ c + from_near @ rate
        return pharmacology.activation(heard, K, R * tau, X, R * S, R * tau_0)

    @cached_property
    def _hearing(self) -> tuple[np.ndarray, ...]:
        """K, tau and tau_0 of the regulated sites as columns, and what each hears of every pool and terminal."""
        sites, k = self._sites, np.arange(len(self.regulated))
        from_pool, from_near = np.zeros((len(k), len(self.layout.pools))), np.zeros((len(k), len(self._at)))
        from_pool[k, sites["pool"]] = 1.0
        if len(self._at):
            from_near[k, sites["near_terminal"]] = sites["near"]
        return *(sites[key][:, None] for key in ("K", "tau", "tau_0")), from_pool, from_near

    @cached_property
    def _activation_at_rest(self) -> np.ndarray:
        zero, one = np.zeros((len(self.regulated), 1)), np.ones((len(self.regulated), 1))
        rate = self._drive(self.rest.released, self.at_rest.Q)[:, None]
        return self._activation(self.rest.c[:, None], rate, one, zero, zero)[:, 0]

    def _drive(self, released: np.ndarray, Q: np.ndarray) -> np.ndarray:
        """Spikes that release, per second and healthy cell, at full vesicles."""
        per_spike = self._quantum * self._filling(Q)
        return np.divide(released, per_spike, out=np.zeros_like(per_spike), where=per_spike > 0)

    def _filling(self, Q: np.ndarray) -> np.ndarray:
        stores = self.stores
        return np.where(stores.has, np.clip(Q / stores.Q_0, 0.0, stores.filling_max), 1.0)

    def drive(self, released: np.ndarray, filling: np.ndarray) -> np.ndarray:
        """Firing as the stores feel it: spikes that release, per second and healthy cell, over a recording.

        Parameters
        ----------
        released, filling : arrays, shape (terminal,)
            Means of the recording; where vesicles are empty nothing can be told and the rest's firing stands.
        """
        per_spike = self._quantum * filling
        at_rest = self._drive(self.rest.released, self.at_rest.Q)
        return np.divide(released, per_spike, out=at_rest, where=per_spike > 0)

    # The equations.

    @cached_property
    def _flows(self) -> Flows:
        return Flows.of(self.stores, self._pools, self._cross, self._at, self._quantum)

    def _rates_at(self, drive: np.ndarray, now: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """States in columns, shape (variable, state) → their time derivatives, under what the row ``now`` says at each call."""
        flows, n_pools = self._flows, self._flows.n_pools
        n, drive, moment = n_pools + 2 * flows.n_terminals, drive[:, None], self._moment(now)
        X, S = (now[part][:, None] for part in self._parts[3:])

        def rates(y: np.ndarray) -> np.ndarray:
            levels = np.maximum(y[:n], 0.0)
            change, rate = flows.rates(levels, drive, moment)
            if not self.regulated:
                return change
            return np.concatenate([change, self._regulation(levels[:n_pools], rate, y[n:], X, S)])

        return rates

    def _regulation(
        self, c: np.ndarray, rate: np.ndarray, ln_R: np.ndarray, X: np.ndarray, S: np.ndarray
    ) -> np.ndarray:
        """d(ln R)/dt of the regulated sites: -(s (E - E_ref) + λ ln R)/τ, held at the bounds of R."""
        still, per_E, per_ln_R, low, high = self._rule
        change = still - per_E * self._activation(c, rate, np.exp(ln_R), X, S) - per_ln_R * ln_R
        held = np.where(ln_R >= high, np.minimum(change, 0.0), change)
        return np.where(ln_R <= low, np.maximum(change, 0.0), held)

    @cached_property
    def _rule(self) -> tuple[np.ndarray, ...]:
        """s E_ref/τ, s/τ and λ/τ of the regulated sites and the bounds of ln R, as columns."""
        s, lam, tau, low, high = (self._sites[f"of_{key}"][:, None] for key in ("s", "lam", "tau", "lowest", "highest"))
        return s * self._activation_at_rest[:, None] / tau, s / tau, lam / tau, np.log(low), np.log(high)

    def advance(
        self,
        state: SlowState,
        drive: np.ndarray,
        exposure: Exposure,
        start: float,
        end: float,
        doses: Sequence[float] = (),
    ) -> tuple[SlowState, float]:
        """Carry the state on until ``end``, or until stores or receptors have moved by a tenth.

        Parameters
        ----------
        state : SlowState
        drive : array, shape (terminal,), 1/s
            Firing as last recorded, see :meth:`drive`.
        exposure : callable
            Times in s → drug → free concentration in nM.
        start, end : float, s
        doses : sequence of float, s
            Moments at which concentrations jump or turn, those before ``start`` too.

        Returns
        -------
        state, time
            The time is below ``end`` where the network has to be asked again.

        Raises
        ------
        ReferenceDataError
            If an irreversible inhibitor meets a protein whose renewal is in no table.
        """
        edges = sorted({start, end, *(t for t in doses if start < t < end)})
        turn = max((t for t in doses if t <= start), default=start)
        followed = self._followed(list(exposure(np.array([start]))))
        n_pools, n = len(state.c), len(self._at)
        index = [self.layout.sites[name] for name in self.regulated]
        y = np.concatenate([state.c, state.S, state.Q, np.log(state.R[index])])
        first = state
        for a, b in zip(edges[:-1], edges[1:], strict=True):
            t = _moments(a, b, turn if a == start else a)
            # a dose counts from its own moment on, so the left edge is looked at just behind it
            levels = exposure(np.concatenate([[math.nextafter(a, b)], t[1:]]))
            activities = self._activities(state.activity, levels, t)
            stretch = self._stretch(t, levels, activities)
            along = self._follow(y, drive, stretch, t, b)
            for k, y_k in enumerate(along, start=1):
                c, S, Q = np.split(np.maximum(y_k[: n_pools + 2 * n], 0.0), [n_pools, n_pools + n])
                R = state.R.copy()
                # the integrator passes a bound by a part of its last step before the slope there stops it
                R[index] = np.clip(np.exp(y_k[n_pools + 2 * n :]), self._sites["of_lowest"], self._sites["of_highest"])
                now = {drug: float(0.5 * (values[k - 1] + values[k])) for drug, values in levels.items()}
                bound = {
                    name: self._bound(name, slow, state.bound.get(name, {}), now, c, t[k] - t[k - 1])
                    for name, slow in followed.items()
                }
                state = SlowState(c, S, Q, R, activities[k], bound)
                if t[k] < end and self._has_moved(first, state):
                    return state, float(t[k])
            y = y_k
        return state, end

    def _follow(self, y: np.ndarray, drive: np.ndarray, stretch: Stretch, t: np.ndarray, end: float) -> Iterator[np.ndarray]:
        """States at the moments ``t`` of a stretch, as they are asked for."""
        rates = self._rates_at(drive, stretch.now)

        def rates_at(at: float, y: np.ndarray) -> np.ndarray:
            stretch(at)
            return rates(y[:, None])[:, 0]

        def slopes_at(at: float, y: np.ndarray) -> np.ndarray:
            stretch(at)
            return slopes_of(rates, y)[1]

        return follow(rates_at, slopes_at, y, t, end, _RTOL, _ATOL)

    def _bound(
        self,
        name: str,
        slow: Sequence[str],
        rho: Mapping[str, float],
        concentrations: Mapping[str, float],
        c: np.ndarray,
        duration: float,
    ) -> dict[str, float]:
        """What slow drugs hold at a site after a time at constant concentrations, the transmitter at its pool's."""
        constants = self.layout.site_constants[name]
        receptor = self.layout.circuit.sites[name].receptor
        fast, terms = pharmacology.split_terms(receptor, concentrations, constants, knowledge=self.knowledge)
        pool = self.layout.pools[self.layout.circuit.sites[name].hears, reference.receptor(receptor).ligand]
        x, _, rates = (np.array(values) for values in zip(*(terms[drug] for drug in slow), strict=True))
        held = np.array([rho.get(drug, 0.0) for drug in slow])
        parts = pharmacology.bound_step(held, x, rates, c[pool] / constants.K + fast.X, duration)
        return dict(zip(slow, (float(part) for part in parts), strict=True))

    def _stretch(
        self, t: np.ndarray, levels: Mapping[str, np.ndarray], activities: Sequence[Mapping[str, float]]
    ) -> Stretch:
        """What drugs do along a stretch of the clock."""
        return Stretch(
            t, lambda k: self._row({drug: float(values[k]) for drug, values in levels.items()}, activities[k])
        )

    def _has_moved(self, first: SlowState, now: SlowState) -> bool:
        filled = np.abs(self._filling(now.Q) - self._filling(first.Q))
        receptors = np.abs(np.log(now.R / first.R))
        return bool((filled > _MOVED).any() or (receptors > _MOVED).any())

    def _activities(
        self, activity: Mapping[str, float], levels: Mapping[str, np.ndarray], t: np.ndarray
    ) -> list[dict[str, float]]:
        """Proteins left at each time: dE/dt = k_deg (1 - E) - k E, exact where k is constant between two times."""
        k = [
            pharmacology.inactivation_rates(
                {drug: float(values[i]) for drug, values in levels.items()}, self.knowledge
            )
            for i in range(len(t))
        ]
        targets = sorted({name for rates in k for name in rates} | set(activity))
        renewal = {
            name: math.log(2) / reference.protein_half_life(name, self.knowledge.species) for name in targets
        }
        found = [{name: activity.get(name, 1.0) for name in targets}]
        for i, h in enumerate(np.diff(t)):
            now = {}
            for name in targets:
                loss = 0.5 * (k[i].get(name, 0.0) + k[i + 1].get(name, 0.0))
                rate = renewal[name] + loss
                end = renewal[name] / rate
                now[name] = end + (found[-1][name] - end) * math.exp(-rate * h)
            found.append(now)
        return found


def _moments(start: float, end: float, turn: float) -> np.ndarray:
    """Moments from ``start`` to ``end``: the closer the less time has gone since the last ``turn`` of the drugs, where courses bend.

    They lie at equal steps of the square root of that time, also where the clock starts again in between because something has
    moved; the last step may be half as long again.
    """
    length, found = end - turn, [start]
    while found[-1] < end:
        now = found[-1]
        later = turn + length * (math.sqrt((now - turn) / length) + 1.0 / _MOMENTS) ** 2
        found.append(end if later + 0.5 * (later - now) >= end else later)
    return np.array(found)
