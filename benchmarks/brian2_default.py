"""Any plan without stimuli as a Brian2 user would write it: Brian2's noise, refractoriness, exp, linked variables and flags.

``python brian2_default.py MODEL N SETTLE RECORD DIR`` builds a model of :mod:`networks` as a C++ standalone program in DIR, to be
run there as ``./main``. Transmitters, receptors and gates are those of neurosim (they cost next to nothing); cells and
synapses are written anew. What a network does not have is not written down, and what is equal everywhere is a constant.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import brian2
import numpy as np
from brian2 import second
from networks import model_plan

from neurosim.build.plan import SLOW_STEP, Plan, SynapseGroup
from neurosim.engines.data import connections, values
from neurosim.engines.network import NetworkBuilder, build_network
from neurosim.models import KINDS_OF_CELL, KINDS_WITH_BLOCK

CELLS = """
dv/dt = (g_L*(E_L - v) + g_L*Delta_T*exp((v - V_Te)/Delta_T) - w + drive + I_ou{modulation} - I_syn)/C_m : volt (unless refractory)
dw/dt = (a*(v - E_L) - w)/tau_w : amp
I_syn = {currents} : amp
V_Te = V_T{threshold} : volt
cell_class : integer (constant)
"""
OU = "dI_ou/dt = -I_ou/tau_ou + sigma*sqrt(2/tau_ou)*xi : amp\n"
WHITE = "I_ou : amp\n"
#: Threshold that follows the mean current at -55 mV.
FOLLOWING = """
dI_bar/dt = (I_55 - I_bar)/tau_b : amp
I_55 = drive + I_ou{modulation} - ({currents}) : amp
"""
UNITS = {
    "C_m": "farad",
    "g_L": "siemens",
    "E_L": "volt",
    "V_T": "volt",
    "Delta_T": "volt",
    "V_r": "volt",
    "V_peak": "volt",
    "t_ref": "second",
    "tau_w": "second",
    "a": "siemens",
    "b": "amp",
    "E_GABA": "volt",
    "tau_GABA": "second",
    "kappa": "1",
    "I_b": "amp",
    "tau_b": "second",
    "drive": "amp",
    "sigma": "amp",
    "tau_ou": "second",
}
GATES = {"G_mod": "siemens", "J_mod": "amp", "V_T_mod": "volt", "adaptation": "1"}
PLASTIC = """
U : 1 (constant)
tau_rec : second (constant)
tau_fac : second (constant)
dx/dt = (1 - x)/tau_rec : 1 (event-driven)
du/dt = -u/tau_fac : 1 (event-driven)
"""


def current(kind: str, v: str) -> str:
    E = "E_GABA" if kind in KINDS_OF_CELL else f"E_{kind}"
    block = f"/(1 + Mg/3.57*exp(-62*{v}/volt))" if kind in KINDS_WITH_BLOCK else ""
    return f"g_{kind}*({v} - {E}){block}"


def conductance(kind: str, rising: bool) -> str:
    tau = "tau_GABA" if kind in KINDS_OF_CELL else f"tau_{kind}"
    if rising:
        return f"dg_{kind}/dt = (s_{kind} - g_{kind})/tau_rise_{kind} : siemens\nds_{kind}/dt = -s_{kind}/{tau} : siemens\n"
    return f"dg_{kind}/dt = -g_{kind}/{tau} : siemens\n"


def cell_values(plan: Plan) -> dict[str, np.ndarray]:
    """Parameters of the cells under the names of the equations above; of noise without memory, sigma is its spread."""
    cells = plan.cells
    decay, relax = cells["ou_decay"], cells["b_relax"]
    with np.errstate(divide="ignore"):
        own = {
            "C_m": 1 / cells["inv_C_m"],
            "tau_b": np.where(relax < 1, -SLOW_STEP / np.log1p(-relax), SLOW_STEP),
            "tau_ou": np.where(decay > 0, -SLOW_STEP / np.log(decay), SLOW_STEP),
        }
    own["sigma"] = cells["ou_kick"] / np.sqrt(1 - decay**2)
    return {name: own.get(name, cells.get(name)) for name in UNITS}


def is_common(values: np.ndarray) -> bool:
    return bool(np.all(values == values[0]))


def constants(plan: Plan) -> dict:
    """What the equations take from the outer namespace, as in a script."""
    names = {name: value * second for name, value in plan.kinds.items() if name.startswith("tau_")}
    names = {name.replace("tau_decay", "tau"): value for name, value in names.items()}
    names |= {name: value * brian2.volt for name, value in plan.kinds.items() if name.startswith("E_")}
    names |= {
        name: brian2.Quantity(value[0], dim=getattr(brian2, unit).dim) if unit != "1" else value[0]
        for (name, unit), value in zip(UNITS.items(), cell_values(plan).values(), strict=True)
        if is_common(value)
    }
    return names | {"Mg": plan.kinds["Mg"], "v_55": -55 * brian2.mV, "inf": np.inf}


class DefaultBuilder(NetworkBuilder):
    """Cells and synapses with everything left as Brian2 has it."""

    plan: Plan

    def gated(self, name: str) -> bool:
        """Whether any receptor acts on a gate of the populations."""
        return bool(np.any(self.plan.site_links[name]))

    def equations(self) -> str:
        s, cells = self.structure, self.plan.cells
        modulation = "".join(
            f" {text}" for name, text in (("J_mod", "+ J_mod"), ("G_mod", "- G_mod*{v}")) if self.gated(name)
        )
        currents = {v: " + ".join(current(kind, v) for kind in self.kinds) for v in ("v", "v_55")}
        follows = bool(np.any(cells["kappa"]))
        threshold = (" + V_T_mod" if self.gated("V_T_mod") else "") + (
            " + kappa*clip(I_bar - I_b, 0*amp, inf*amp)/g_L" if follows else ""
        )
        text = CELLS.format(modulation=modulation.format(v="v"), currents=currents["v"], threshold=threshold)
        text += OU if np.any(cells["ou_decay"]) else WHITE
        if follows:
            text += FOLLOWING.format(modulation=modulation.format(v="v_55"), currents=currents["v_55"])
        text += "".join(conductance(kind, kind in s.rising_kinds) for kind in self.kinds)
        own = {name: value for name, value in cell_values(self.plan).items() if not is_common(value)}
        text += "".join(f"{name} : {UNITS[name]} (constant)\n" for name in own)
        return text + "".join(
            f"{name} : {unit} (linked)\n" for name, unit in GATES.items() if self.gated(name)
        )

    def cells(self) -> None:
        cells = brian2.NeuronGroup(
            self.structure.n_cells,
            self.equations(),
            threshold="v > V_peak",
            reset=f"v = V_r; w += b{'*adaptation' if self.gated('adaptation') else ''}",
            refractory="t_ref",
            method="euler",
            clock=self.fast,
            name="cells",
            namespace=constants(self.plan),
        )
        for name in GATES:
            if self.gated(name):
                setattr(cells, name, brian2.linked_var(self.groups["gates"], name, index="cell_class"))
        if not np.any(self.plan.cells["ou_decay"]):
            cells.run_regularly("I_ou = sigma*randn()", clock=self.slow, when="start")
        self.groups["cells"] = cells

    def synapses(self, group: SynapseGroup) -> None:
        has_gain, has_tx = (
            self.gated(f"gain_{group.kind}"),
            group.gate >= 0 and self.gated(f"tx_{group.gate}"),
        )
        wiring, plastic = self.plan.wiring[group.name], group.plastic
        amount = "weight" + "*gain" * has_gain + "*tx" * has_tx + "*u*x" * plastic
        state = "s" if group.kind in self.structure.rising_kinds else "g"
        event = f"{state}_{group.kind}_post += {amount}"
        equations = {
            "": not is_common(wiring.weight) and "weight : siemens (constant)\n",
            "gain": has_gain and "target : integer (constant)\ngain : 1 (linked)\n",
            "tx": has_tx and "origin : integer (constant)\ntx : 1 (linked)\n",
            "plastic": plastic and PLASTIC,
        }
        synapses = brian2.Synapses(
            self.groups["cells"],
            self.groups["cells"],
            "".join(text for text in equations.values() if text),
            on_pre={"arrival": f"u += U*(1 - u)\n{event}\nx -= u*x" if plastic else event},
            delay={"arrival": wiring.delay[0] * second} if is_common(wiring.delay) else None,
            clock=self.fast,
            name=group.name,
            namespace={"weight": wiring.weight[0] * brian2.siemens} if is_common(wiring.weight) else {},
        )
        i, j = self.links[group.name]
        synapses.connect(i=i, j=j)
        if has_gain:
            synapses.gain = brian2.linked_var(self.groups["gates"], f"gain_{group.kind}", index="target")
        if has_tx:
            synapses.tx = brian2.linked_var(self.groups["gates"], f"tx_{group.gate}", index="origin")
        self.groups[group.name] = synapses


def given_values(plan: Plan) -> dict[str, np.ndarray]:
    """Group.variable → values, of what the network may have."""
    own = cell_values(plan) | {"cell_class": plan.cells["cell_class"], "v": plan.cells["v_0"]}
    given = {
        name: value for name, value in values(plan).items() if not name.startswith(("cells.", "voltages."))
    }
    return given | {f"cells.{name}": value for name, value in own.items()}


def build(plan: Plan, directory: Path) -> None:
    """Generate and compile the program of a plan with Brian2's own settings."""
    brian2.set_device("cpp_standalone", build_on_run=False)
    builder = type("Builder", (DefaultBuilder,), {"plan": plan})
    parts = build_network(plan.structure, connections(plan), builder)
    for name, value in given_values(plan).items():
        group, variable = name.split(".", 1)
        owner = parts.groups[group].arrival if variable == "delay" else parts.groups[group]
        if (
            variable not in owner.variables
            or owner.variables[variable].constant
            and owner.variables[variable].scalar
        ):
            continue
        target = getattr(owner, f"{variable}_")
        if np.ndim(target) or value.size > 1:
            target[:] = value
        else:
            setattr(owner, f"{variable}_", value.item())
    # Brian2's own choice is to compile all files at once, which takes no less time and all of the memory
    brian2.prefs["devices.cpp_standalone.extra_make_args_unix"] = [f"-j{os.cpu_count()}"]
    brian2.seed(1)
    parts.network.run((plan.settle + plan.record) * second, namespace={})
    brian2.device.build(directory=str(directory), compile=True, run=False, with_output=False)


if __name__ == "__main__":
    model, n, settle, record, folder = sys.argv[1:]
    build(model_plan(model, int(n), float(settle), float(record)), Path(folder))
