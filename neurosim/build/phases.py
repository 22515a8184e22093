"""Circuit + subject + arm + phase → plan."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from neurosim import models, pharmacology
from neurosim.build.chemistry import (
    NO_LIGANDS,
    SiteLigands,
    cross_arrays,
    pool_arrays,
    pool_constants,
    site_arrays,
    site_ligands,
    site_link_arrays,
    site_table,
    terminal_arrays,
    terminal_constants,
)
from neurosim.build.drawn import Drawn, drawn
from neurosim.build.exposure import Drugs, knowledge_of, phase_concentrations
from neurosim.build.layout import Layout, biexponential_peak, layout_of
from neurosim.build.plan import COUPLING, SLOW_STEP, Labels, Plan, Wiring
from neurosim.build.slow import Clock, SlowState
from neurosim.build.stimuli import stimulus_arrays, stimulus_masks
from neurosim.build.streams import noise_key
from neurosim.build.subject import survivors
from neurosim.spec import PhaseTime, Resolved, phase_times

__all__ = ["Situation", "Step", "Trial"]

#: What an engine heard of the terminals: mean release (nM/s) and filling.
Heard = tuple[np.ndarray, np.ndarray]


class _Recorded(Protocol):
    """What an engine gives back, as far as the slow state listens to it."""

    means: Mapping[str, np.ndarray]


Recorded = TypeVar("Recorded", bound=_Recorded)


@dataclass(frozen=True)
class Situation:
    """What a phase finds: free brain ``concentrations`` (nM) by ligand, and the slow ``state``."""

    concentrations: Mapping[str, float]
    state: SlowState


class Step(NamedTuple):
    """One start of the compiled program; what a ``coupling`` phase recorded is not kept."""

    phase: PhaseTime
    situation: Situation
    plan: Plan
    coupling: bool = False


@dataclass(frozen=True, eq=False)
class _Fixed:
    """What of a plan is the same in all phases of a trial: tables to begin with, and whole arguments of a plan."""

    pools: Mapping[str, np.ndarray]
    terminals: Mapping[str, np.ndarray]
    sites: Mapping[str, np.ndarray]
    same: Mapping[str, Any]


def _unheard(clock: Clock) -> Heard:
    return clock.rest.released, np.ones(len(clock.rest.released))


@dataclass(frozen=True)
class Trial:
    """One subject in one arm at one scan point; gives the plan of each of its phases.

    Parameters
    ----------
    resolved : Resolved
        The arm with everything applied to it.
    subject : int
    """

    resolved: Resolved
    subject: int

    @cached_property
    def layout(self) -> Layout:
        return layout_of(self.resolved)

    @cached_property
    def alive(self) -> dict[str, np.ndarray]:
        """Population → mask of its living cells."""
        return {
            name: survivors(name, cells.n, self.resolved.arm.lesions, self.resolved.seed, self.subject)
            for name, cells in self.layout.cells.items()
        }

    @cached_property
    def cells(self) -> dict[str, np.ndarray]:
        healthy = self._drawn.cells
        return healthy | {"inv_C_m": healthy["inv_C_m"] * np.concatenate(list(self.alive.values()))}

    @cached_property
    def _drawn(self) -> Drawn:
        resolved = self.resolved
        return drawn(self.layout, resolved.circuit, resolved.seed, self.subject, float(resolved.protocol.dt))

    @cached_property
    def part_alive(self) -> dict[str, float]:
        """Population → part that lives."""
        return {name: float(mask.mean()) for name, mask in self.alive.items()}

    def phases(self) -> Generator[Step, Heard | None, None]:
        """Each phase to run, in order of time, with coupling phases between them where slow things move.

        Send back what the engine heard of the terminals (``released`` and ``filling`` of its means): the slow state goes
        on from it. Whoever only iterates gets the phases as if the circuit fired as at rest.
        """
        drugs = self._drugs
        clock = Clock.at_circuit_rest(self.layout, self.part_alive, self.knowledge)
        state, drive, now, told = clock.at_rest, None, 0.0, None
        still = clock.is_still(drugs.names)
        for phase in phase_times(self.resolved.protocol):
            end = float(phase.at)
            if drive is None:
                drive = clock.drive(clock.rest.released, np.ones(len(clock.rest.released)))
            while not still and not phase.before_drugs and now < end:
                if told is not None:
                    state, told = clock.heard(state, drive, told), None
                until = drugs.averaged_until(now, end)
                if until > now:
                    days = np.arange(now + drugs.interval, until, drugs.interval)
                    state, now = clock.advance(state, drive, drugs.averaged, now, until, days)
                else:
                    state, now = clock.advance(state, drive, drugs.levels, now, end, drugs.turns(end))
                if now < end and now != until:
                    drive = clock.drive(*(yield self._coupling(phase, clock, state, drugs, now)) or _unheard(clock))
                    told = drugs.typical(now)
            concentrations = phase_concentrations(self.resolved, phase)
            heard = yield self._step(phase, concentrations, clock, state)
            if heard is None:
                continue
            if phase.before_drugs or (not drugs.names and clock.rest_is_circuit):
                clock = clock.recorded(heard[0])
                state = clock.at_rest
            drive, told = clock.drive(*heard), concentrations

    def play(self, run: Callable[[Step], Recorded]) -> Iterator[tuple[Step, Recorded]]:
        """Every step with what ``run``, an engine, made of it; the slow state hears it."""
        steps = self.phases()
        step = next(steps, None)
        while step is not None:
            raw = run(step)
            yield step, raw
            try:
                step = steps.send((raw.means["released"], raw.means["filling"]))
            except StopIteration:
                return

    @cached_property
    def _drugs(self) -> Drugs:
        return Drugs(self.resolved)

    @cached_property
    def knowledge(self) -> pharmacology.Knowledge:
        """The subject's affinities."""
        return knowledge_of(self.resolved, self.subject, self._drugs.names)

    def ligands(self, phase: PhaseTime, situation: Situation) -> dict[str, SiteLigands]:
        """Site → the drugs there in a phase; slow ones at what the clock has followed, unless a level stands."""
        found = dict.fromkeys(self.layout.sites, NO_LIGANDS)
        for name in self._bound_by(tuple(situation.concentrations)):
            followed = situation.state.bound.get(name, {})
            bound = {drug: rho for drug, rho in followed.items() if not self._drugs.is_standing(drug, phase)}
            for drug in situation.concentrations:
                if not self._drugs.is_standing(drug, phase):
                    bound.setdefault(drug, 0.0)
            found[name] = site_ligands(self.layout, name, situation.concentrations, self.knowledge, bound)
        return found

    def _bound_by(self, drugs: tuple[str, ...]) -> list[str]:
        """Sites that any of some drugs binds to."""
        if drugs not in self._bound:
            sites = self.layout.circuit.sites
            binds = {name: pharmacology.binders(site.receptor, drugs, self.knowledge) for name, site in sites.items()}
            self._bound[drugs] = [name for name, found in binds.items() if found]
        return self._bound[drugs]

    @cached_property
    def _bound(self) -> dict[tuple[str, ...], list[str]]:
        """Drugs → sites, as far as they were asked for."""
        return {}

    def _step(
        self, phase: PhaseTime, concentrations: Mapping[str, float], clock: Clock, state: SlowState, coupling=False
    ) -> Step:
        situation = Situation(concentrations, state)
        return Step(phase, situation, self.plan(phase, situation, clock), coupling)

    def _coupling(
        self, coming: PhaseTime, clock: Clock, state: SlowState, drugs: Drugs, now: float
    ) -> Step:
        """A short phase at ``now`` that asks how the network fires; nothing of it is kept."""
        longest, record = COUPLING
        between = PhaseTime(f"coupling:{now:.0f}", now, False, min(float(coming.settle), longest), record)
        return self._step(between, drugs.typical(now), clock, state, coupling=True)

    def plan(self, phase: PhaseTime, situation: Situation, clock: Clock) -> Plan:
        """Plan of one phase under given free brain concentrations (nM) and with the slow state it inherits."""
        layout, resolved, fixed = self.layout, self.resolved, self._fixed
        concentrations, state = situation.concentrations, situation.state
        dt, settle = float(resolved.protocol.dt), float(phase.settle)
        found = pharmacology.chemistry(concentrations, state.activity, self.knowledge)
        ligands = list(self.ligands(phase, situation).values())
        return Plan(
            **fixed.same,
            cells=self.cells | stimulus_masks(layout, resolved, phase, self.subject),
            pools=pool_arrays(layout, fixed.pools, found, settle),
            terminals=terminal_arrays(fixed.terminals, settle, clock.stores, found, state.S, state.Q),
            uptake_links={f"V_{X}": V for X, V in clock.stores.own.items()},
            sites=site_arrays(fixed.sites, ligands, settle, state.R),
            wiring=self._wiring(concentrations),
            stimuli=stimulus_arrays(layout, resolved, phase, self.subject),
            settle_steps=_whole_steps(settle, dt),
            record_steps=_whole_steps(float(phase.record), dt),
            noise_key=noise_key(resolved.seed, self.subject, f"noise:{phase.name}"),
        )

    @cached_property
    def _fixed(self) -> _Fixed:
        layout = self.layout
        return _Fixed(
            pools=pool_constants(layout, self.part_alive),
            terminals=terminal_constants(layout),
            sites=site_table(layout, self.knowledge),
            same={
                "structure": layout.structure,
                "kinds": self._kinds(),
                "cross": cross_arrays(layout),
                "terminal_links": self._terminal_links(),
                "site_links": site_link_arrays(layout),
                "cell_terminals": self._cell_terminals(),
                "voltage_cells": self._voltage_cells(),
                "labels": self._labels(),
            },
        )

    def _kinds(self) -> dict[str, float]:
        kinds = {}
        for name, kind in (self.layout.kinds("fast") | self.layout.kinds("slow")).items():
            if name in models.KINDS_OF_CELL:
                continue  # among the cells
            kinds[f"E_{name}"] = float(kind.E_rev.value)
            kinds[f"tau_decay_{name}"] = float(kind.tau_decay.value)
            if kind.tau_rise is not None:
                kinds[f"tau_rise_{name}"] = float(kind.tau_rise.value)
            if kind.Mg is not None:
                kinds["Mg"] = float(kind.Mg.value)
        return kinds

    def _wiring(self, concentrations: Mapping[str, float]) -> dict[str, Wiring]:
        """Synapses by group; events of a receptor's own kind scale with its drug-free fraction, slow kinds to unit peak."""
        return {
            group: self._drawn.wiring(group, tuple(self._event_scale(name, concentrations) for name in names))
            for group, names in self.layout.groups.items()
        }

    def _event_scale(self, name: str, concentrations: Mapping[str, float]) -> float:
        kind = self.resolved.circuit.synapses[self.resolved.circuit.projections[name].synapse]
        scale = 1.0
        if kind.tau_rise is not None:
            scale /= biexponential_peak(float(kind.tau_rise.value), float(kind.tau_decay.value))
        if kind.receptor is not None:
            scale *= pharmacology.free_fraction(kind.receptor, concentrations, self.knowledge)
        return scale

    def _terminal_links(self) -> dict[str, np.ndarray]:
        links = self.layout.terminal_links
        return {
            "site": np.array([site for site, _, _ in links], np.int32),
            "terminal": np.array([terminal for _, terminal, _ in links], np.int32),
            "factor": np.array([factor for _, _, factor in links], float),
        }

    def _cell_terminals(self) -> dict[str, np.ndarray]:
        pairs = self.layout.cell_terminals
        cells = [np.arange(c.start, c.stop, dtype=np.int32) for c, _ in pairs]
        terminals = [np.full(c.n, k, np.int32) for c, k in pairs]
        empty = np.zeros(0, np.int32)
        return {"cell": np.concatenate([empty, *cells]), "terminal": np.concatenate([empty, *terminals])}

    def _voltage_cells(self) -> np.ndarray:
        starts = [self.layout.cells[name].start + k for name, k in self.layout.voltages]
        return np.array(starts, np.int32)

    def _labels(self) -> Labels:
        layout = self.layout
        return Labels(
            populations=tuple(layout.populations),
            population_sizes=tuple(cells.n for cells in layout.cells.values()),
            pools=tuple(layout.pools),
            terminals=tuple((population, ".".join(pool)) for population, pool in layout.terminals),
            sites=tuple(layout.sites),
            voltages=tuple(layout.voltages),
        )


def _whole_steps(duration: float, dt: float) -> int:
    """Steps of dt in a duration, rounded up to whole slow steps."""
    per_slow = round(SLOW_STEP / dt)
    return -int(-(duration / SLOW_STEP - 1e-9) // 1) * per_slow
