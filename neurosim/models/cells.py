"""AdEx cells and their synapses as text, in SI units.

Two clocks: the fast loop (every dt) holds what spikes shape, the slow loop (every 1 ms) all the rest. The text reads
like the formulas of :mod:`neurosim.build.plan`, with three constants prepared per cell so that the fast loop neither
divides nor adds up what does not change: ``G_in = g_L + G_slow``, ``I_in = g_L E_L + I_slow``, ``I_exp = g_L Delta_T``.

References
----------
brette2005 (J. Neurophysiol. 94:3637-3642) for the adaptive exponential model;
jahr1990 (J. Neurosci. 10:3178-3182) for the magnesium block;
tsodyks1998 (Neural Comput. 10:821-835) for short-term plasticity.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

__all__ = [
    "KINDS_OF_CELL",
    "KINDS_WITH_BLOCK",
    "MG_HALF",
    "cell_equations",
    "cell_gate_step",
    "cell_reset",
    "cell_singles",
    "cell_slow_step",
    "cell_stimulus_step",
    "cell_threshold",
    "synapse_equations",
    "synapse_event",
    "unblocked",
]

#: Magnesium block, part of the formula of jahr1990: 1/(1 + [Mg]/MG_HALF exp(-MG_SLOPE v)); mM and 1/V.
MG_HALF, MG_SLOPE = 3.57, 62.0
#: Fast kinds whose conductance depends on the voltage (magnesium block).
KINDS_WITH_BLOCK = ("NMDA",)
#: Fast kinds whose reversal potential and decay are properties of the cell.
KINDS_OF_CELL = ("GABA_A",)

_CELL = """
dv/dt = heaviside(t_in_timesteps - reopen)*inv_C_m*(I_in - G_in*v + I_exp*vexp((v - V_Te)*inv_Delta_T) - w{fast}) : volt
dw/dt = (a*(v - E_L) - w)*inv_tau_w : amp
{decays}
reopen : integer
I_in : amp
G_in : siemens
V_Te : volt
I_ou : amp
I_stim : amp
I_bar : amp
cell_class : integer (constant)
inv_C_m : 1/farad (constant)
g_L : siemens (constant)
E_L : volt (constant)
V_T : volt (constant)
inv_Delta_T : 1/volt (constant)
I_exp : amp (constant)
V_r : volt (constant)
V_peak : volt (constant)
n_ref : integer (constant)
inv_tau_w : Hz (constant)
a : siemens (constant)
b : amp (constant)
E_GABA : volt (constant)
inv_tau_GABA : Hz (constant)
kappa : 1 (constant)
I_b : amp (constant)
b_relax : 1 (constant)
drive : amp (constant)
ou_decay : 1 (constant)
ou_kick : amp (constant)
G_mod : siemens
J_mod : amp
V_T_mod : volt
G_gate : siemens (linked)
J_gate : amp (linked)
V_T_gate : volt (linked)
adaptation : 1 (linked)
noise_key : integer (shared, constant)
slow_step = int(t*1000*Hz + 0.5) : integer (shared)
"""

_FAST = """
dg_{K}/dt = -g_{K}*inv_tau_decay_{K} : siemens
inv_tau_decay_{K} : Hz (shared, constant)
E_{K} : volt (shared, constant)
"""

_FAST_OF_CELL = "dg_{K}/dt = -g_{K}*inv_tau_GABA : siemens\n"

_SLOW = """
g_{K} : siemens
s_{K} : siemens
decay_{K} : 1 (shared, constant)
E_{K} : volt (shared, constant)
"""

_STIMULUS = """
stim_{k} : 1 (constant)
amplitude_{k} : amp (shared, constant)
probability_{k} : 1 (shared, constant)
on_{k} : integer (shared, constant)
off_{k} : integer (shared, constant)
period_{k} : 1 (shared, constant)
width_{k} : integer (shared, constant)
key_{k} : integer (shared, constant)
"""


def _reversal(kind: str) -> str:
    return "E_GABA" if kind in KINDS_OF_CELL else f"E_{kind}"


def _block(kind: str, v: str) -> str:
    """Unblocked fraction of a kind at voltage ``v``, as a factor; ``Mg_ratio`` = [Mg]/MG_HALF."""
    return f"/(1 + Mg_ratio*vexp({v}*(-{MG_SLOPE:g}/volt)))" if kind in KINDS_WITH_BLOCK else ""


def unblocked(Mg: float, v: float) -> float:
    """Fraction of NMDA conductance that magnesium (mM) leaves open at a voltage (V); see jahr1990."""
    return 1.0 / (1.0 + Mg / MG_HALF * math.exp(-MG_SLOPE * v))


def _current(kind: str, v: str) -> str:
    return f" - g_{kind}*({v} - {_reversal(kind)}){_block(kind, v)}"


def cell_equations(
    fast_kinds: Sequence[str], slow_kinds: Sequence[str], rising_kinds: Sequence[str], n_stimuli: int
) -> str:
    """Equations and parameters of all cells.

    Parameters
    ----------
    fast_kinds, slow_kinds : sequences of str
        Kinds whose conductance is integrated every dt, and every slow step.
    rising_kinds : sequence of str
        Slow kinds with a rise time.
    n_stimuli : int
        Number of stimulus slots.
    """
    text = _CELL.format(
        fast="".join(_current(kind, "v") for kind in fast_kinds),
        decays="".join((_FAST_OF_CELL if kind in KINDS_OF_CELL else _FAST).format(K=kind) for kind in fast_kinds),
    )
    text += "".join(_SLOW.format(K=kind) for kind in slow_kinds)
    text += "".join(f"rise_{kind} : 1 (shared, constant)\n" for kind in rising_kinds)
    if set(fast_kinds) & set(KINDS_WITH_BLOCK):
        text += "Mg_ratio : 1 (shared, constant)\n"
    return text + "".join(_STIMULUS.format(k=k) for k in range(n_stimuli))


def cell_singles(
    fast_kinds: Sequence[str], slow_kinds: Sequence[str], rising_kinds: Sequence[str], n_stimuli: int
) -> tuple[str, ...]:
    """Variables of the cells that are held in single precision: all real numbers of a cell.

    So as many cells as possible are stepped at a time. Single precision is 6e-8 of a current or a conductance and 4 nV of a
    voltage; what it does to rates and spike times is measured in docs/accuracy.md. Arguments as in :func:`cell_equations`.
    """
    text = cell_equations(fast_kinds, slow_kinds, rising_kinds, n_stimuli)
    own = [line for line in text.splitlines() if ":" in line and "shared" not in line and "linked" not in line]
    names = (re.match(r"d(\w+)/dt|(\w+)", line) for line in own if "integer" not in line)
    return tuple(match[1] or match[2] for match in names)


def cell_threshold() -> str:
    """Condition for a spike."""
    return "v > V_peak"


def cell_reset() -> str:
    """What a spike does to its cell: voltage clamped at V_r for the next n_ref steps, adaptation stepped up."""
    return """
v = V_r
w += b*adaptation
reopen = t_in_timesteps + 1 + n_ref
"""


def cell_stimulus_step(n_stimuli: int) -> str:
    """Statements for the current of the stimulus slots; apart from :func:`cell_slow_step` because most steps have none.

    A pulse begins at the first slow step of its period, which need not be whole: the rate of a train is exact. The
    hundredth of a step lets a period that ends on a step end there, however it was rounded.
    """
    common = "".join(
        f"active_{k} = amplitude_{k}*int(t_in_timesteps >= on_{k})*int(t_in_timesteps < off_{k})"
        f"*int((t_in_timesteps - on_{k} + 0.01) % period_{k} < width_{k})\n"
        for k in range(n_stimuli)
    )
    currents = (
        f"active_{k}*stim_{k}*int(uniform(i, slow_step, key_{k}) < probability_{k})"
        for k in range(n_stimuli)
    )
    return f"{common}I_stim = {' + '.join(currents)}\n"


def cell_gate_step() -> str:
    """Statements that copy the gates of each cell's class into the cell.

    Apart from :func:`cell_slow_step` because a loop that looks up another array by an index is not vectorised.
    """
    return "G_mod = G_gate\nJ_mod = J_gate\nV_T_mod = V_T_gate\n"


def cell_slow_step(fast_kinds: Sequence[str], slow_kinds: Sequence[str], rising_kinds: Sequence[str]) -> str:
    """Statements of the slow loop for every cell (step 5 of the plan): noise, slow kinds, slow threshold."""
    lines = ["I_ou = ou_decay*I_ou + ou_kick*gauss(i, slow_step, noise_key)\n"]
    for kind in slow_kinds:
        lines.append(f"s_{kind} = s_{kind}*decay_{kind}\n")
        target = f"s_{kind} + (g_{kind} - s_{kind})*rise_{kind}" if kind in rising_kinds else f"s_{kind}"
        lines.append(f"g_{kind} = {target}\n")
    G_slow = "G_mod" + "".join(f" + g_{kind}" for kind in slow_kinds)
    I_slow = "drive + I_ou + I_stim + J_mod" + "".join(f" + g_{kind}*E_{kind}" for kind in slow_kinds)
    at_55 = "".join(_current(kind, "(-55*mV)") for kind in fast_kinds)
    lines.append(f"""G_slow = {G_slow}
I_slow = {I_slow}
I_bar += (I_slow - G_slow*(-55*mV){at_55} - I_bar)*b_relax
V_Te = V_T + V_T_mod + kappa*clip(I_bar - I_b, 0*amp, inf*amp)/g_L
G_in = g_L + G_slow
I_in = g_L*E_L + I_slow
""")
    return "".join(lines)


_SYNAPSE = """
weight : siemens (constant)
target : integer (constant)
gain : 1 (linked)
"""

_GATED = """
origin : integer (constant)
tx : 1 (linked)
"""

_PLASTIC = """
U : 1 (constant)
tau_rec : second (constant)
tau_fac : second (constant)
dx/dt = (1 - x)/tau_rec : 1 (event-driven)
du/dt = -u/tau_fac : 1 (event-driven)
"""


def synapse_equations(plastic: bool, gated: bool) -> str:
    """Variables of one group of synapses. ``target`` and ``origin`` are the classes of the cells after and before."""
    return _SYNAPSE + (_GATED if gated else "") + (_PLASTIC if plastic else "")


def synapse_event(kind: str, mode: str, plastic: bool, gated: bool) -> str:
    """What a spike does when it arrives at a synapse; fast kinds step their conductance, slow kinds their drive ``s``."""
    amount = "weight*gain" + ("*tx" if gated else "") + ("*u*x" if plastic else "")
    event = f"{'g' if mode == 'fast' else 's'}_{kind}_post += {amount}\n"
    return f"u += U*(1 - u)\n{event}x -= u*x\n" if plastic else event
