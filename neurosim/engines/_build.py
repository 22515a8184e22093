"""``python -m neurosim.engines._build STRUCTURE.json DIR``: generate the C++ sources of a structure.

Runs in a process of its own because Brian2 allows one standalone program per process and keeps its state in the module.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

import brian2
import numpy as np
from brian2.core.variables import ArrayVariable, DynamicArrayVariable

from neurosim import models
from neurosim.build.plan import Structure, SynapseGroup
from neurosim.engines.base import ENDS, MEANS
from neurosim.engines.data import sample_ratio, slow_ratio
from neurosim.engines.driver import (
    MAIN_AFTER_RUN,
    MAIN_BEFORE_END,
    MAIN_BEFORE_RUN,
    Binding,
    Threshold,
    driver_source,
)
from neurosim.engines.network import CLOCKS, STIMULI, Parts, build_network, placeholder_connections
from neurosim.engines.pathway import PATHWAY_FILE, PATHWAY_SOURCE

__all__ = ["generate", "structure_from_json"]

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


def _code_objects(parts: Parts, monitors: tuple[str, ...]) -> list[str]:
    return [
        code.name for name in monitors if name in parts.monitors for code in parts.monitors[name].code_objects
    ]


def _threshold(cells: brian2.NeuronGroup) -> Threshold:
    """The text of the threshold with every variable read from its array."""
    symbol = brian2.get_device().get_array_name

    def read(match: re.Match) -> str:
        return f"{symbol(cells.variables[match.group()])}[k]"

    return Threshold(
        n_cells=len(cells),
        condition=re.sub(r"[A-Za-z_]\w*", read, models.cell_threshold()),
        spikespace=symbol(cells.variables["_spikespace"]),
        code_object=cells.thresholder["spike"].codeobj.name,
    )


def _stimulators(cells: brian2.NeuronGroup) -> list[str]:
    return [
        code.name for part in cells.contained_objects if part.name == STIMULI for code in part.code_objects
    ]


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
    source = driver_source(
        inputs=inputs,
        outputs=outputs,
        finite=[
            _binding(f"{group}.{name}", objects[group].variables[name])
            for group, name in (("cells", "v"), ("pools", "c"))
        ],
        threshold=_threshold(parts.groups["cells"]),
        samplers=_code_objects(parts, ("concentrations", "activations")),
        recorders=_code_objects(parts, ("spikes", "voltages")),
        stimulators=_stimulators(parts.groups["cells"]),
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
        "sources": sorted(name for name in device.writer.source_files if name.endswith(".cpp")),
        "inputs": [asdict(binding) for binding in inputs],
        "outputs": [asdict(binding) for binding in outputs],
    }
    (directory / PROGRAM).write_text(json.dumps(program, indent=1))


if __name__ == "__main__":
    generate(structure_from_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
