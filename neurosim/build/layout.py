"""What is where: the indices that a circuit's structure fixes, shared by the structure and the plan."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property

from neurosim import pharmacology
from neurosim.build.classes import CellClasses, cell_classes
from neurosim.build.plan import Structure, SynapseGroup
from neurosim.build.subject import Cells, cell_ranges
from neurosim.spec import Circuit, Protocol, Resolved, SynapseKind, phase_times

__all__ = ["Layout", "biexponential_peak", "layout_of", "structure", "symbol"]

#: Stimulus slots that every program has, so that adding a stimulation compiles nothing.
_SLOTS = 2


def symbol(kind: str) -> str:
    """Identifier-safe name of a synapse kind: ``5-HT3`` → ``HT3``."""
    return re.sub(r"\W", "_", kind.removeprefix("5-"))


def biexponential_peak(tau_rise: float, tau_decay: float) -> float:
    """Peak of τ_d/(τ_d-τ_r) (e^(-t/τ_d) - e^(-t/τ_r)), the answer of a slow kind to one event of weight 1."""
    if math.isclose(tau_rise, tau_decay):
        return math.exp(-1.0)
    ratio = tau_decay / tau_rise
    return ratio ** (-1.0 / (ratio - 1.0))


@dataclass(frozen=True)
class Layout:
    """Indices of a circuit: pools, terminals, sites, gates, synapse groups.

    Two circuits of one structure differ in numbers only.
    """

    circuit: Circuit
    protocol: Protocol
    n_stimulations: int = 0

    @cached_property
    def cells(self) -> dict[str, Cells]:
        return cell_ranges(self.circuit)

    @cached_property
    def populations(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.circuit.populations)}

    @cached_property
    def classes(self) -> dict[str, CellClasses]:
        """Population → its classes of cells, by the sites that they bear."""
        return cell_classes(self.circuit)

    @cached_property
    def pools(self) -> dict[tuple[str, str], int]:
        """(region, transmitter) → index."""
        pairs = [(region, t) for region, pools in self.circuit.pools.items() for t in pools]
        return {pair: k for k, pair in enumerate(pairs)}

    @cached_property
    def terminals(self) -> dict[tuple[str, tuple[str, str]], int]:
        """(population, pool) → index of the release entry."""
        entries = [
            (population, pool)
            for pool in self.pools
            for population in self.circuit.pools[pool[0]][pool[1]].release
        ]
        return {entry: k for k, entry in enumerate(entries)}

    @cached_property
    def sites(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.circuit.sites)}

    @cached_property
    def site_constants(self) -> dict[str, pharmacology.SiteConstants]:
        """Functional K and reserve of the transmitter at each site."""
        return {
            name: pharmacology.site_constants(
                site.receptor, float(site.tau.value), None if site.EC_50 is None else float(site.EC_50.value)
            )
            for name, site in self.circuit.sites.items()
        }

    @cached_property
    def gates(self) -> dict[str, int]:
        """Projection whose release probability a site sets → number of its gate."""
        named = {
            effect.projection: None
            for site in self.circuit.sites.values()
            for effect in site.effects
            if effect.kind == "transmission"
        }
        return {name: k for k, name in enumerate(name for name in self.circuit.projections if name in named)}

    @cached_property
    def cross(self) -> list[tuple[int, int]]:
        """(pool, partner pool in the same region) for every ordered pair."""
        pools = list(self.pools)
        return [(self.pools[a], self.pools[b]) for a in pools for b in pools if a[0] == b[0] and a[1] != b[1]]

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Synapse group → its projections, in file order."""
        groups: dict[str, list[str]] = {}
        for name, projection in self.circuit.projections.items():
            groups.setdefault(self._group_name(name, projection), []).append(name)
        return groups

    def _group_name(self, name: str, projection) -> str:
        base = f"syn_{symbol(projection.synapse)}"
        if name in self.gates:
            return f"{base}_gate{self.gates[name]}"
        return f"{base}_stp" if projection.stp is not None else base

    @cached_property
    def site_links(self) -> list[tuple[int, int, str]]:
        """(site, class of cells, name) of the sites that act on cells or on a projection's transmission."""
        return [
            (self.sites[name], bearing, name)
            for name, site in self.circuit.sites.items()
            if any(effect.kind != "release" for effect in site.effects)
            for bearing in self.classes[site.on].bearing(name)
        ]

    @cached_property
    def terminal_links(self) -> list[tuple[int, int, float]]:
        """(site, terminal, factor) of every effect on release."""
        links = []
        for name, site in self.circuit.sites.items():
            for effect in site.effects:
                if effect.kind == "release":
                    terminal = self.terminals[site.on, tuple(effect.pool.split(".", 1))]
                    links.append((self.sites[name], terminal, float(effect.factor.value)))
        return links

    @cached_property
    def cell_terminals(self) -> list[tuple[Cells, int]]:
        return [(self.cells[population], k) for (population, _), k in self.terminals.items()]

    @cached_property
    def voltages(self) -> list[tuple[str, int]]:
        """(population, number within it) of the cells whose voltage is stored."""
        return [(name, k) for name, n in self.protocol.voltages.items() for k in range(n)]

    def kinds(self, mode: str) -> dict[str, SynapseKind]:
        """Symbol → constants of the kinds in use, ``fast`` or ``slow``."""
        used = {projection.synapse for projection in self.circuit.projections.values()}
        return {
            symbol(name): kind
            for name, kind in self.circuit.synapses.items()
            if name in used and kind.mode == mode
        }

    def _synapse_groups(self) -> tuple[SynapseGroup, ...]:
        groups = []
        for group, names in self.groups.items():
            first = self.circuit.projections[names[0]]
            n = sum(
                self.circuit.populations[p.post].n * p.in_degree
                for p in (self.circuit.projections[name] for name in names)
            )
            kind = self.circuit.synapses[first.synapse]
            groups.append(
                SynapseGroup(
                    name=group,
                    kind=symbol(first.synapse),
                    mode=kind.mode,
                    n=n,
                    plastic=first.stp is not None,
                    gate=self.gates.get(names[0], -1),
                )
            )
        return tuple(groups)

    @cached_property
    def structure(self) -> Structure:
        """What has to be compiled for this circuit."""
        slow = self.kinds("slow")
        return Structure(
            n_cells=sum(p.n for p in self.circuit.populations.values()),
            n_classes=sum(classes.n for classes in self.classes.values()),
            n_pools=len(self.pools),
            n_terminals=len(self.terminals),
            n_sites=len(self.sites),
            n_gates=len(self.gates),
            n_stimuli=max(_SLOTS, self.n_stimulations),
            n_voltages=len(self.voltages),
            n_cross=len(self.cross),
            n_terminal_links=len(self.terminal_links),
            n_site_links=len(self.site_links),
            n_cell_terminals=sum(cells.n for cells, _ in self.cell_terminals),
            fast_kinds=tuple(self.kinds("fast")),
            slow_kinds=tuple(slow),
            rising_kinds=tuple(name for name, kind in slow.items() if kind.tau_rise is not None),
            synapses=self._synapse_groups(),
            dt=float(self.protocol.dt),
            dt_trace=float(self.protocol.trace_step),
        )


def structure(resolved: Resolved) -> Structure:
    """What has to be compiled for an arm of an experiment; equal for all arms that differ in numbers only."""
    return layout_of(resolved).structure


def layout_of(resolved: Resolved) -> Layout:
    """The layout of an arm of an experiment."""
    per_phase = [0]
    for phase in phase_times(resolved.protocol):
        per_phase.append(sum(s.phase == phase.name for s in resolved.arm.stimulations))
    return Layout(resolved.circuit, resolved.protocol, max(per_phase))
