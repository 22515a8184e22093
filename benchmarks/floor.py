"""The floor under the time of a run: the model of :mod:`neurosim.build.plan` as one C++ loop, written by hand.

The program of ``floor.cpp`` runs any plan on one thread. What differs from network to network (kinds, groups of synapses,
sizes, which parameters the cells of a population share) is written into a header, as one who writes this network by
hand would put it.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.build.plan import SLOW_STEP, Plan, Structure
from neurosim.engines.cache import compiler_here
from neurosim.engines.data import connections, require_whole_steps, slow_ratio, values
from neurosim.engines.records import decode, encode
from neurosim.errors import EngineError
from neurosim.models import KINDS_OF_CELL, gate_names
from neurosim.models.cells import KINDS_WITH_BLOCK, MG_SLOPE
from neurosim.models.functions import CPP_FUNCTIONS

__all__ = ["Run", "build", "run", "shared_values"]

SOURCE = Path(__file__).resolve().with_suffix(".cpp")
#: Parameters that may be one number for all cells of a population.
SHAREABLE = (
    *(
        "inv_C_m",
        "g_L",
        "E_L",
        "V_T",
        "V_r",
        "V_peak",
        "a",
        "b",
        "E_GABA",
        "kappa",
        "I_b",
        "b_relax",
        "drive",
    ),
    *("ou_decay", "ou_kick", "inv_Delta_T", "I_exp", "inv_tau_w", "inv_tau_GABA"),
)
_FLAGS = (
    "-std=c++17",
    "-O3",
    "-march=native",
    "-ffast-math",
    "-fno-associative-math",
    "-mprefer-vector-width=512",
)
#: Whole numbers of a plan; everything else is sent as float64.
_INTEGERS = {"pre", "post", "cell_class", "n_ref", "noise_key", "pool", "near_terminal"} | {
    "on",
    "off",
    "width",
    "key",
}
#: Of a synapse; the program looks up the populations of its cells itself.
_UNUSED = {"target", "origin"}
_OUTPUTS = {"loop_time": "f8", "cpu_time": "f8", "peak_memory": "f8"} | {
    "spike_i": "i4",
    "spike_step": "i8",
    "concentration": "f8",
}


@dataclass(frozen=True)
class Run:
    """What the floor hands back.

    Attributes
    ----------
    loop_time, cpu_time : float, s
        On the wall and of the processor, of the loop over the steps alone.
    peak_memory : float, MB
        Of the process.
    spike_i, spike_step : int arrays, shape (n_spikes,)
        Spikes of the recording; steps of dt since the start of the phase.
    concentration : float array, shape (n_pools,), nM
        Means over the recording.
    """

    loop_time: float
    cpu_time: float
    peak_memory: float
    spike_i: np.ndarray
    spike_step: np.ndarray
    concentration: np.ndarray


def shared_values(plan: Plan) -> frozenset[str]:
    """Names of the parameters that are the same in all cells of each population of a plan."""
    loaded = values(plan)
    members = [np.flatnonzero(plan.cells["cell_class"] == k) for k in range(plan.structure.n_classes)]

    def is_shared(name: str) -> bool:
        return all(np.ptp(loaded[f"cells.{name}"][cells]) == 0 for cells in members if cells.size)

    return frozenset(filter(is_shared, SHAREABLE))


def _header(structure: Structure, real: str, shared: frozenset[str]) -> str:
    s = structure
    sizes = (
        "n_cells",
        "n_classes",
        "n_pools",
        "n_terminals",
        "n_sites",
        "n_stimuli",
        "n_cross",
        "n_terminal_links",
    )
    sizes = {name: getattr(s, name) for name in (*sizes, "n_site_links", "n_cell_terminals")}
    sizes |= {"n_fast": len(s.fast_kinds), "n_slow": len(s.slow_kinds), "per_slow": slow_ratio(s)}
    places = {kind: place for kinds in (s.fast_kinds, s.slow_kinds) for place, kind in enumerate(kinds)}

    def flag(condition: bool) -> str:
        return "true" if condition else "false"

    fast = [
        f'{{"{kind}", {flag(kind in KINDS_WITH_BLOCK)}, {flag(kind in KINDS_OF_CELL)}}}'
        for kind in s.fast_kinds
    ]
    slow = [f'{{"{kind}", {flag(kind in s.rising_kinds)}}}' for kind in s.slow_kinds]
    groups = [
        f'{{"{g.name}", "{g.kind}", {flag(g.mode == "fast")}, {places[g.kind]}, {g.n}, {flag(g.plastic)}, {g.gate}}}'
        for g in s.synapses
    ]
    gates = [f'"{name}"' for name in gate_names((*s.fast_kinds, *s.slow_kinds), s.n_gates)]

    def table(of: str, name: str, rows: list[str]) -> str:
        return f"constexpr std::array<{of}, {len(rows)}> {name}{{{{{', '.join(rows)}}}}};"

    return "\n".join(
        [
            "#include <array>",
            f"using real = {real};",
            *(f"constexpr int {name} = {n};" for name, n in sizes.items()),
            f"constexpr double dt = {s.dt!r}, slow_dt = {SLOW_STEP!r}, Mg_slope = {MG_SLOPE!r};",
            *(f"constexpr bool shared_{name} = {flag(name in shared)};" for name in SHAREABLE),
            "struct FastKind { const char* name; bool blocked, of_cell; };",
            "struct SlowKind { const char* name; bool rises; };",
            "struct Group { const char *name, *kind; bool fast; int place, n; bool plastic; int gate; };",
            table("FastKind", "fast_kinds", fast),
            table("SlowKind", "slow_kinds", slow),
            table("Group", "groups", groups),
            table("const char*", "gate_names", gates),
            "",
        ]
    )


def build(
    structure: Structure, folder: Path, real: str = "double", shared: frozenset[str] = frozenset()
) -> Path:
    """Compile the floor of a structure.

    Parameters
    ----------
    structure : Structure
    folder : Path
        For the headers and the program; made if need be.
    real : {"double", "float"}
        Type of what the cells and synapses hold; the slow loop of the transmitters is double in any case.
    shared : set of str
        Parameters that are the same in all cells of a population (:func:`shared_values`); a plan for which this is not
        so is refused.

    Returns
    -------
    Path
        The program.

    Raises
    ------
    EngineError
        Without a compiler, or with the first error of the compiler.
    """
    compiler = compiler_here()
    if compiler is None:
        raise EngineError("the floor needs a C++ compiler; none works here")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.h").write_text(_header(structure, real, shared))
    (folder / "functions.h").write_text(f"#include <cmath>\n#include <cstdint>\n{CPP_FUNCTIONS}")
    program = folder / "floor"
    answer = subprocess.run(
        [*compiler.command, *_FLAGS, f"-I{folder}", str(SOURCE), "-o", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        errors = [line for line in answer.stderr.splitlines() if "error" in line]
        raise EngineError(f"the floor could not be compiled: {(errors or ['it said nothing'])[0]}")
    return program


def _is_whole(name: str) -> bool:
    return re.sub(r"_\d+$", "", name.split(".", 1)[1]) in _INTEGERS


def _inputs(plan: Plan) -> dict[str, np.ndarray]:
    """Records of a plan; those of a group of synapses follow each other, so that the program holds one group at a time."""
    arrays = {name: np.array([getattr(plan, name)], np.int64) for name in ("settle_steps", "record_steps")}
    for name, value in values(plan).items():
        arrays[name] = value.astype(np.int64 if _is_whole(name) else np.float64)
    for name, (pre, post) in connections(plan).items():
        arrays |= {f"{name}.pre": pre, f"{name}.post": post}
    groups = [group.name for group in plan.structure.synapses]
    own = {name: name.split(".")[0] for name in arrays}
    order = sorted(arrays, key=lambda name: groups.index(own[name]) if own[name] in groups else -1)
    return {name: arrays[name] for name in order if name.split(".")[-1] not in _UNUSED}


def run(program: Path, plan: Plan) -> Run:
    """Run a plan by the floor that was built for its structure."""
    require_whole_steps(plan)
    answer = subprocess.run(
        [str(program)], input=b"".join(encode(_inputs(plan))), capture_output=True, check=False
    )
    if answer.returncode:
        raise EngineError(f"the floor stopped: {answer.stderr.decode(errors='replace').strip()}")
    results = decode(answer.stdout, _OUTPUTS, _OUTPUTS)
    numbers = {name: float(results[name][0]) for name in ("loop_time", "cpu_time", "peak_memory")}
    return Run(
        **numbers,
        spike_i=results["spike_i"],
        spike_step=results["spike_step"],
        concentration=results["concentration"][: plan.structure.n_pools],
    )
