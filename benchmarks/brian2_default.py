"""The same model as a Brian2 user would write it: Brian2's noise, refractoriness, exp, linked variables and compiler flags.

``python brian2_default.py N SECONDS DIR`` builds it as a C++ standalone program in DIR, to be run there as ``./main``.
Transmitters, receptors and gates are those of neurosim (they cost next to nothing); cells and synapses are written anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

import brian2
import numpy as np
from brian2 import second
from full_model import full_plan

from neurosim.build.plan import SLOW_STEP, Plan, SynapseGroup
from neurosim.engines.data import connections, values
from neurosim.engines.network import NetworkBuilder, build_network

CELLS = """
dv/dt = (g_L*(E_L - v) + g_L*Delta_T*exp((v - V_Te)/Delta_T) - w + drive + I_ou + J_mod
         - G_mod*v - I_syn)/C_m : volt (unless refractory)
dw/dt = (a*(v - E_L) - w)/tau_w : amp
dI_ou/dt = -I_ou/tau_ou + sigma*sqrt(2/tau_ou)*xi : amp
dI_bar/dt = (I_55 - I_bar)/tau_b : amp
I_syn = g_AMPA*(v - E_AMPA) + g_NMDA*(v - E_NMDA)/(1 + Mg/3.57*exp(-62*v/volt)) + g_GABA_A*(v - E_GABA)
        + g_GABA_B*(v - E_GABA_B) + g_HT3*(v - E_HT3) : amp
I_55 = drive + I_ou + J_mod - G_mod*v_55 - g_AMPA*(v_55 - E_AMPA) - g_NMDA*(v_55 - E_NMDA)/(1 + Mg/3.57*exp(-62*v_55/volt))
       - g_GABA_A*(v_55 - E_GABA) - g_GABA_B*(v_55 - E_GABA_B) - g_HT3*(v_55 - E_HT3) : amp
V_Te = V_T + V_T_mod + kappa*clip(I_bar - I_b, 0*amp, inf*amp)/g_L : volt
dg_AMPA/dt = -g_AMPA/tau_AMPA : siemens
dg_NMDA/dt = -g_NMDA/tau_NMDA : siemens
dg_GABA_A/dt = -g_GABA_A/tau_GABA : siemens
dg_GABA_B/dt = (s_GABA_B - g_GABA_B)/tau_rise_GABA_B : siemens
ds_GABA_B/dt = -s_GABA_B/tau_GABA_B : siemens
dg_HT3/dt = -g_HT3/tau_HT3 : siemens
population : integer (constant)
C_m : farad (constant)
g_L : siemens (constant)
E_L : volt (constant)
V_T : volt (constant)
Delta_T : volt (constant)
V_r : volt (constant)
V_peak : volt (constant)
t_ref : second (constant)
tau_w : second (constant)
a : siemens (constant)
b : amp (constant)
E_GABA : volt (constant)
tau_GABA : second (constant)
kappa : 1 (constant)
I_b : amp (constant)
tau_b : second (constant)
drive : amp (constant)
sigma : amp (constant)
tau_ou : second (constant)
G_mod : siemens (linked)
J_mod : amp (linked)
V_T_mod : volt (linked)
adaptation : 1 (linked)
"""

SYNAPSE = """
weight : siemens (constant)
target : integer (constant)
gain : 1 (linked)
"""
GATED = "origin : integer (constant)\ntx : 1 (linked)\n"
PLASTIC = """
U : 1 (constant)
tau_rec : second (constant)
tau_fac : second (constant)
dx/dt = (1 - x)/tau_rec : 1 (event-driven)
du/dt = -u/tau_fac : 1 (event-driven)
"""


def constants(plan: Plan) -> dict:
    """What the equations take from the outer namespace, as in a script."""
    kinds = plan.kinds
    names = {
        f"tau_{K}": kinds[f"tau_decay_{K}"] * second for K in ("AMPA", "NMDA", "GABA_B", "HT3")
    }
    names |= {f"E_{K}": kinds[f"E_{K}"] * brian2.volt for K in ("AMPA", "NMDA", "GABA_B", "HT3")}
    return names | {
        "tau_rise_GABA_B": kinds["tau_rise_GABA_B"] * second,
        "Mg": kinds["Mg"],
        "v_55": -55 * brian2.mV,
        "inf": np.inf,
    }


class DefaultBuilder(NetworkBuilder):
    """Cells and synapses with everything left as Brian2 has it."""

    plan: Plan

    def cells(self) -> None:
        cells = brian2.NeuronGroup(
            self.structure.n_cells,
            CELLS,
            threshold="v > V_peak",
            reset="v = V_r; w += b*adaptation",
            refractory="t_ref",
            method="euler",
            clock=self.fast,
            name="cells",
            namespace=constants(self.plan),
        )
        for name in ("G_mod", "J_mod", "V_T_mod", "adaptation"):
            setattr(cells, name, brian2.linked_var(self.groups["gates"], name, index="population"))
        self.groups["cells"] = cells

    def synapses(self, group: SynapseGroup) -> None:
        gated, plastic = group.gate >= 0, group.plastic
        amount = "weight*gain" + ("*tx" if gated else "") + ("*u*x" if plastic else "")
        state = "s" if group.kind == "GABA_B" else "g"
        event = f"{state}_{group.kind}_post += {amount}"
        synapses = brian2.Synapses(
            self.groups["cells"],
            self.groups["cells"],
            SYNAPSE + (GATED if gated else "") + (PLASTIC if plastic else ""),
            on_pre={"arrival": f"u += U*(1 - u)\n{event}\nx -= u*x" if plastic else event},
            clock=self.fast,
            name=group.name,
            namespace={},
        )
        i, j = self.links[group.name]
        synapses.connect(i=i, j=j)
        synapses.gain = brian2.linked_var(self.groups["gates"], f"gain_{group.kind}", index="target")
        if gated:
            synapses.tx = brian2.linked_var(self.groups["gates"], f"tx_{group.gate}", index="origin")
        self.groups[group.name] = synapses


def cell_values(plan: Plan) -> dict[str, np.ndarray]:
    """Parameters of the cells under the names of the equations above."""
    cells = plan.cells
    same = (
        "population",
        "g_L",
        "E_L",
        "V_T",
        "Delta_T",
        "V_r",
        "V_peak",
        "t_ref",
        "tau_w",
        "a",
        "b",
        "E_GABA",
        "tau_GABA",
    )
    own = {name: cells[name] for name in (*same, "kappa", "I_b", "drive")}
    tau_ou = -SLOW_STEP / np.log(cells["ou_decay"])
    return own | {
        "v": cells["v_0"],
        "C_m": 1 / cells["inv_C_m"],
        "tau_b": -SLOW_STEP / np.log1p(-cells["b_relax"]),
        "tau_ou": tau_ou,
        "sigma": cells["ou_kick"] / np.sqrt(1 - cells["ou_decay"] ** 2),
    }


def build(n: int, seconds: float, directory: Path) -> None:
    """Generate and compile the program with Brian2's own settings."""
    brian2.set_device("cpp_standalone", build_on_run=False)
    plan = full_plan(n, 0.0, seconds)
    builder = type("Builder", (DefaultBuilder,), {"plan": plan})
    parts = build_network(plan.structure, connections(plan), builder)
    given = {name: value for name, value in values(plan).items() if not name.startswith("cells.")}
    given |= {f"cells.{name}": value for name, value in cell_values(plan).items()}
    for name, value in given.items():
        group, variable = name.split(".", 1)
        owner = parts.groups[group].arrival if variable == "delay" else parts.groups[group]
        target = getattr(owner, f"{variable}_")
        if np.ndim(target) or value.size > 1:
            target[:] = value
        else:
            setattr(owner, f"{variable}_", value.item())
    brian2.seed(1)
    parts.network.run(seconds * second, namespace={})
    brian2.device.build(directory=str(directory), compile=True, run=False, with_output=False)


if __name__ == "__main__":
    build(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
