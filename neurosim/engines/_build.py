"""Generate the C++ sources of a structure.

Runs in a process of its own because Brian2 allows one standalone program per process and keeps its state in the module.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import brian2
import numpy as np
from brian2.core.variables import ArrayVariable, DynamicArrayVariable

from neurosim.build.plan import Structure, SynapseGroup
from neurosim.engines.base import ENDS, MEANS
from neurosim.engines.cell_kernel import cell_kernel
from neurosim.engines.data import sample_ratio, slow_ratio
from neurosim.engines.driver import (
    MAIN_AFTER_RUN,
    MAIN_BEFORE_END,
    MAIN_BEFORE_RUN,
    Arrival,
    Binding,
    Grown,
    driver_source,
)
from neurosim.engines.network import (
    CLOCKS,
    STIMULI,
    Parts,
    build_network,
    n_connections,
    placeholder_connections,
)
from neurosim.engines.pathway import PATHWAY_FILE, PATHWAY_SOURCE
from neurosim.engines.unity import CODE_OBJECTS
from neurosim.errors import EngineError

__all__ = ["generate", "main", "structure_from_json"]

DRIVER = "neurosim_driver.cpp"
PROGRAM = "program.json"

#: What a run hands back: record → variable.
OUTPUTS = {
    "spike_i": ("spikes", "i"),
    "spike_t": ("spikes", "t"),
    "concentration": ("concentrations", "c"),
    "activation": ("activations", "a"),
    "voltage": ("voltages", "v"),
    **ENDS,
    **{f"mean_{name}": place for name, place in MEANS.items()},
}


def structure_from_json(text: str) -> Structure:
    """Inverse of ``json.dumps(asdict(structure))``."""
    fields = json.loads(text)
    fields["synapses"] = tuple(SynapseGroup(**group) for group in fields["synapses"])
    for name in ("fast_kinds", "slow_kinds", "rising_kinds"):
        fields[name] = tuple(fields[name])
    return Structure(**fields)


def _binding(name: str, variable) -> Binding:
    """Where a variable lies in the generated program."""
    n = 0 if isinstance(variable, DynamicArrayVariable) else int(variable.size)
    symbol = brian2.get_device().get_array_name(variable, access_data=False)
    return Binding(name=name, symbol=symbol, dtype=np.dtype(variable.dtype).str, n=n)


def _inputs(parts: Parts) -> list[Binding]:
    """Everything a plan may set: parameters and state of all groups, both ends and delays of the synapses."""
    bindings = []
    for name, group in parts.groups.items():
        own = {
            key: variable
            for key, variable in group.variables.items()
            if isinstance(variable, ArrayVariable) and variable.owner.name == name and not variable.read_only
        }
        if isinstance(group, brian2.Synapses):
            own |= {"pre": group.variables["_synaptic_pre"], "post": group.variables["_synaptic_post"]}
        if hasattr(group, "arrival"):
            own["delay"] = group.arrival.variables["delay"]
        bindings += [_binding(f"{name}.{key}", variable) for key, variable in own.items()]
    if "voltages" in parts.monitors:
        bindings.append(_binding("voltages._indices", parts.monitors["voltages"].variables["_indices"]))
    return bindings


def _grown(parts: Parts, structure: Structure) -> list[Grown]:
    """What the program makes as long as there are connections; Brian2 has made it for a placeholder."""
    symbol = brian2.get_device().get_array_name
    return [
        Grown(
            n,
            symbol(parts.groups[name].variables["N"]),
            tuple(
                sorted(symbol(each, access_data=False) for each in parts.groups[name]._registered_variables)
            ),
        )
        for name, n in n_connections(structure).items()
    ]


def _roles(sources: Iterable[str], steps: Iterable[str], cells: Iterable[str]) -> dict[str, str]:
    """How each source is compiled: what no step runs runs once, or never."""
    roles = {f"{CODE_OBJECTS}{code}.cpp": "steps" for code in steps}
    roles |= {f"{CODE_OBJECTS}{code}.cpp": "cells" for code in cells} | {DRIVER: "cells"}
    return {source: roles.get(source, "once") for source in sorted(sources)}


def _code_objects(parts: Parts, monitors: tuple[str, ...]) -> list[str]:
    return [
        code.name for name in monitors if name in parts.monitors for code in parts.monitors[name].code_objects
    ]


def _stimulators(cells: brian2.NeuronGroup) -> list[str]:
    return [
        code.name for part in cells.contained_objects if part.name == STIMULI for code in part.code_objects
    ]


def _arrivals(parts: Parts) -> dict[str, Arrival]:
    """What each Synapses object with a pathway does with spikes, by name."""
    pathways = {name: group.arrival for name, group in parts.groups.items() if hasattr(group, "arrival")}
    codes = {name: [code.name for code in pathway.code_objects] for name, pathway in pathways.items()}
    return {name: Arrival(pathway.name, codes[name][1], codes[name][0]) for name, pathway in pathways.items()}


def _require_known(parts: Parts, known: set[str]) -> None:
    """The driver's loop has its own place for everything of the fast clock; nothing of it may be left out."""
    fast = [part for part in parts.network.sorted_objects if part.clock.name == CLOCKS[0]]
    left = sorted({code.name for part in fast for code in part.code_objects} - known)
    if left:
        raise EngineError(f"Brian2 generates {', '.join(left)} for every step, which the driver does not know")


def _slots(cells: brian2.NeuronGroup, n: int) -> list[tuple[str, str]]:
    symbol = brian2.get_device().get_array_name
    return [tuple(symbol(cells.variables[f"{name}_{k}"]) for name in ("on", "off")) for k in range(n)]


def generate(structure: Structure, directory: Path) -> None:
    """Write the sources of a structure's program, its driver and ``program.json`` into a directory."""
    brian2.set_device("cpp_standalone", build_on_run=False)
    device = brian2.get_device()
    # A user's own preferences (threads, precision) would change the program behind its key.
    brian2.prefs.reset_to_defaults()
    parts = build_network(structure, placeholder_connections(structure))
    device.insert_code("main", MAIN_BEFORE_RUN)
    device.insert_code("after_network_run", MAIN_AFTER_RUN)
    device.insert_code("before_end", MAIN_BEFORE_END)
    parts.network.run(0 * brian2.second, namespace={})
    inputs = _inputs(parts)
    objects = parts.groups | parts.monitors
    outputs = [
        _binding(name, objects[group].variables[variable])
        for name, (group, variable) in OUTPUTS.items()
        if group in objects
    ]
    kernel = cell_kernel(parts.groups["cells"], structure, slow_ratio(structure))
    (spike_monitor,) = _code_objects(parts, ("spikes",))
    arrivals = _arrivals(parts)
    travel = {name for arrival in arrivals.values() for name in (arrival.code, arrival.push)}
    _require_known(parts, {*kernel.replaces, spike_monitor, *travel})
    stimulators = _stimulators(parts.groups["cells"])
    run_by_brian2 = {code.name for part in parts.network.sorted_objects for code in part.code_objects}
    never = {*kernel.replaces, *(arrival.push for arrival in arrivals.values())}
    source = driver_source(
        grown=_grown(parts, structure),
        inputs=inputs,
        outputs=outputs,
        finite=[
            _binding(f"{group}.{name}", objects[group].variables[name])
            for group, name in (("cells", "v"), ("pools", "c"))
        ],
        kernel=kernel,
        samplers=_code_objects(parts, ("concentrations", "activations")),
        recorders=_code_objects(parts, ("voltages",)),
        stimulators=stimulators,
        spike_monitor=spike_monitor,
        spikespace=device.get_array_name(parts.groups["cells"].variables["_spikespace"]),
        delayed=[arrival for name, arrival in arrivals.items() if name != "counted"],
        at_once=[arrival for name, arrival in arrivals.items() if name == "counted"],
        slots=_slots(parts.groups["cells"], structure.n_stimuli),
        network=parts.network.name,
        clocks=CLOCKS,
        per_slow=slow_ratio(structure),
        per_sample=sample_ratio(structure) * slow_ratio(structure),
    )
    directory.mkdir(parents=True, exist_ok=True)
    (directory / DRIVER).write_text(source)
    device.build(directory=str(directory), compile=False, run=False, additional_source_files=[DRIVER])
    (directory / PATHWAY_FILE).write_text(PATHWAY_SOURCE)
    program = {
        "structure": structure.digest,
        "sources": _roles(
            (name for name in device.writer.source_files if name.endswith(".cpp")),
            steps=run_by_brian2 - never,
            cells=stimulators,
        ),
        "inputs": [asdict(binding) for binding in inputs],
        "outputs": [asdict(binding) for binding in outputs],
    }
    (directory / PROGRAM).write_text(json.dumps(program, indent=1))


def main() -> None:
    """Arguments of the process: a file with the structure, the folder to write to."""
    request, directory = map(Path, sys.argv[1:])
    generate(structure_from_json(request.read_text()), directory)
