"""Structure → Brian2 network, the same for both targets: one group of cells, one Synapses object per synapse group, four
small groups on the slow clock. No value of a plan enters here but the connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import brian2
import numpy as np

from neurosim import models
from neurosim.build.plan import SLOW_STEP, Structure, SynapseGroup
from neurosim.engines.functions import NAMESPACE

__all__ = [
    "CLOCKS",
    "STIMULI",
    "NetworkBuilder",
    "Parts",
    "build_network",
    "n_connections",
    "placeholder_connections",
]

CLOCKS = ("fast_clock", "slow_clock")
#: Name of the object that computes the current of the stimuli.
STIMULI = "cells_stimuli"

#: Places of the slow step (slot 'start'): samples first, then the steps of the plan in their order.
_PLACES = {
    name: place
    for place, name in enumerate(
        ("samples", "terminals", "reset pools", "release", "cross", "pools", "reuptake", "sites", "feedback")
        + ("reset gates", "effects", "gates", "copies", "stimuli", "cells")
    )
}


@dataclass
class Parts:
    """The network and what is looked up in it: groups by name, monitors by name."""

    network: brian2.Network
    groups: dict[str, brian2.Group]
    monitors: dict[str, brian2.Group]


def n_connections(structure: Structure) -> dict[str, int]:
    """Connections of every Synapses object that has any."""
    s = structure
    sizes = {
        "release_links": s.n_terminals,
        "uptake_links": s.n_terminals,
        "counted": s.n_cell_terminals,
        "cross": s.n_cross,
        "terminal_links": s.n_terminal_links,
        "site_links": s.n_site_links,
    }
    sizes |= {group.name: group.n for group in s.synapses}
    return {name: n for name, n in sizes.items() if n}


def placeholder_connections(structure: Structure) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """One connection from 0 to 0 each, for a program that makes room for the others and gets its wiring when it starts."""
    return {name: (np.zeros(1, np.int32), np.zeros(1, np.int32)) for name in n_connections(structure)}


class NetworkBuilder:
    """Builds the objects one by one; every object is named and knows no outer namespace."""

    def __init__(self, structure: Structure, links: Mapping[str, tuple[np.ndarray, np.ndarray]]):
        self.structure = structure
        self.links = links
        self.fast = brian2.Clock(dt=structure.dt * brian2.second, name=CLOCKS[0])
        self.slow = brian2.Clock(dt=SLOW_STEP * brian2.second, name=CLOCKS[1])
        self.groups: dict[str, brian2.Group] = {}
        self.kinds = (*structure.fast_kinds, *structure.slow_kinds)

    def small(self, name: str, n: int, model: models.SmallGroup, reset_place: str, place: str) -> None:
        """A group of the slow clock; one without members gets one idle member, for Brian2 has no empty groups."""
        group = brian2.NeuronGroup(max(n, 1), model.equations, clock=self.slow, name=name, namespace={})
        if model.reset:
            self._each_slow_step(group, model.reset, reset_place, f"{name}_reset")
        if model.step:
            self._each_slow_step(group, model.step, place, f"{name}_step")
        self.groups[name] = group

    def link(self, name: str, source: str, target: str, model: models.SmallGroup, place: str) -> None:
        if name not in self.links:
            return
        synapses = brian2.Synapses(
            self.groups[source],
            self.groups[target],
            model.equations,
            clock=self.slow,
            name=name,
            namespace={},
        )
        i, j = self.links[name]
        synapses.connect(i=i, j=j)
        self._each_slow_step(synapses, model.step, place, f"{name}_step")
        self.groups[name] = synapses

    def _each_slow_step(self, group: brian2.Group, text: str, place: str, name: str) -> None:
        group.run_regularly(text, clock=self.slow, when="start", order=_PLACES[place], name=name)

    def cells(self) -> None:
        s = self.structure
        kinds = s.fast_kinds, s.slow_kinds, s.rising_kinds
        keys = ["noise_key", *(f"key_{k}" for k in range(s.n_stimuli))]
        cells = brian2.NeuronGroup(
            s.n_cells,
            models.cell_equations(*kinds, s.n_stimuli),
            threshold=models.cell_threshold(),
            reset=models.cell_reset(),
            method="euler",
            clock=self.fast,
            name="cells",
            namespace=dict(NAMESPACE),
            dtype=dict.fromkeys(keys, np.int64) | dict.fromkeys(models.cell_singles(*kinds, s.n_stimuli), np.float32),
        )
        gates = {"G_gate": "G_mod", "J_gate": "J_mod", "V_T_gate": "V_T_mod", "adaptation": "adaptation"}
        for name, gate in gates.items():
            setattr(cells, name, brian2.linked_var(self.groups["gates"], gate, index="cell_class"))
        self.groups["cells"] = cells
        self._each_slow_step(cells, models.cell_gate_step(), "copies", "cells_gates")
        if s.n_stimuli:
            self._each_slow_step(cells, models.cell_stimulus_step(s.n_stimuli), "stimuli", STIMULI)
        self._each_slow_step(cells, models.cell_slow_step(*kinds), "cells", "cells_step")

    def synapses(self, group: SynapseGroup) -> None:
        gated = group.gate >= 0
        synapses = brian2.Synapses(
            self.groups["cells"],
            self.groups["cells"],
            models.synapse_equations(group.plastic, gated),
            on_pre={"arrival": models.synapse_event(group.kind, group.mode, group.plastic, gated)},
            method="exact",
            clock=self.fast,
            name=group.name,
            namespace={},
        )
        i, j = self.links[group.name]
        synapses.connect(i=i, j=j)
        gates = self.groups["gates"]
        synapses.gain = brian2.linked_var(gates, f"gain_{group.kind}", index="target")
        if gated:
            synapses.tx = brian2.linked_var(gates, f"tx_{group.gate}", index="origin")
        self.groups[group.name] = synapses

    def counting(self) -> None:
        """Spikes of the cells → the terminals they release from."""
        if "counted" not in self.links:
            return
        counted = brian2.Synapses(
            self.groups["cells"],
            self.groups["terminals"],
            on_pre={"arrival": "count_post += 1"},
            clock=self.fast,
            name="counted",
            namespace={},
        )
        i, j = self.links["counted"]
        counted.connect(i=i, j=j)
        self.groups["counted"] = counted

    def monitors(self) -> dict[str, brian2.Group]:
        cells, sample = (
            self.groups["cells"],
            {"clock": self.slow, "when": "start", "order": _PLACES["samples"]},
        )
        monitors = {
            "spikes": brian2.SpikeMonitor(cells, name="spikes"),
            "concentrations": brian2.StateMonitor(
                self.groups["pools"], "c", record=True, name="concentrations", **sample
            ),
            "activations": brian2.StateMonitor(
                self.groups["sites"], "a", record=True, name="activations", **sample
            ),
        }
        if self.structure.n_voltages:
            record = np.zeros(self.structure.n_voltages, np.int32)
            monitors["voltages"] = brian2.StateMonitor(cells, "v", record=record, name="voltages", **sample)
        return monitors


def build_network(
    structure: Structure,
    links: Mapping[str, tuple[np.ndarray, np.ndarray]],
    builder: type[NetworkBuilder] = NetworkBuilder,
) -> Parts:
    """Network of a structure with given connections.

    Parameters
    ----------
    structure : Structure
    links : mapping
        Synapses object → (sources, targets), from :func:`neurosim.engines.data.connections` or
        :func:`placeholder_connections`.
    builder : type
        Who makes the objects; the benchmarks bring their own for the cells.
    """
    s, build = structure, builder(structure, links)
    build.small("terminals", s.n_terminals, models.TERMINALS, "", "terminals")
    build.small("pools", s.n_pools, models.POOLS, "reset pools", "pools")
    build.small("sites", s.n_sites, models.SITES, "", "sites")
    build.small(
        "gates", s.n_classes, models.class_gates(build.kinds, s.n_gates), "reset gates", "gates"
    )
    sites, pools, terminals = (build.groups[name] for name in ("sites", "pools", "terminals"))
    sites.c_pool = brian2.linked_var(pools, "c", index="pool")
    sites.nu_near = brian2.linked_var(terminals, "nu", index="near_terminal")
    build.link("release_links", "terminals", "pools", models.RELEASE_LINKS, "release")
    build.link("cross", "pools", "pools", models.CROSS, "cross")
    build.link("uptake_links", "pools", "terminals", models.UPTAKE_LINKS, "reuptake")
    build.link("terminal_links", "sites", "terminals", models.TERMINAL_LINKS, "feedback")
    build.link("site_links", "sites", "gates", models.site_effects(build.kinds, s.n_gates), "effects")
    build.cells()
    build.counting()
    for group in s.synapses:
        if group.n:
            build.synapses(group)
    monitors = build.monitors()
    network = brian2.Network(*build.groups.values(), *monitors.values(), name="neurosim_network")
    return Parts(network, build.groups, monitors)
