"""Transmitters, receptors and gates as text: what is computed once per slow step (1 ms), in the order of the plan.

Concentrations are nM and carry no dimension; fluxes are nM/s, so their dimension is Hz. ``dt`` in these texts is the slow
step. In the statements that follow a link, ``_pre`` is where it starts and ``_post`` where it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "CROSS",
    "class_gates",
    "POOLS",
    "RELEASE_LINKS",
    "SITES",
    "site_effects",
    "SmallGroup",
    "TERMINALS",
    "TERMINAL_LINKS",
    "UPTAKE_LINKS",
    "gate_names",
]

_CARRIERS = ("DAT", "SERT", "NET")


@dataclass(frozen=True)
class SmallGroup:
    """A group (or the links between two) of the slow loop.

    Attributes
    ----------
    equations : str
        Variables and parameters.
    step : str
        Statements of one slow step.
    reset : str
        Statements that come first, before links add to the group; empty if there are none.
    """

    equations: str
    step: str
    reset: str = ""


# Release with depression from a vesicle store (MODEL §3). A terminal's gain is 1 + what its autoreceptors add, never
# negative; the links of TERMINAL_LINKS add to it after it was used, so it is put back here. Stores are those of one living
# terminal: ``per_living`` is 1 / living part, 0 where a terminal has no store and its filling stays 1.
TERMINALS = SmallGroup(
    equations="""
pool : integer (constant)
quantum : 1 (constant)
n_healthy : 1 (constant)
U : 1 (constant)
tau_rec : second (constant)
nu_relax : 1 (constant)
speed_settle : 1 (constant)
settle : integer (shared, constant)
Q_0 : 1 (constant)
filling_max : 1 (constant)
k_v : Hz (constant)
k_m : Hz (constant)
leak : Hz (constant)
J_syn : Hz (constant)
efflux_max : Hz (constant)
K_S : 1 (constant)
seep : Hz (constant)
living : 1 (constant)
per_living : 1 (constant)
count : 1
gain : 1
D : 1
S : 1
Q : 1
nu : Hz
J : Hz
efflux : Hz
taken : Hz
sum_J : Hz
sum_filling : 1
""",
    step="""
recording = int(t_in_timesteps >= settle)
speed = 1 + (1 - recording)*(speed_settle - 1)
spikes = count/n_healthy
filling = clip(Q/Q_0, 0, filling_max)
rate = clip(gain, 0, inf)*D*filling*spikes/dt
J = quantum*rate
out = efflux_max*S/(S + K_S) + seep*S
efflux = living*out
room = clip(10*(filling_max - Q/Q_0), 0, 1)
packed = k_v*S*room - leak*Q
S = clip(S + dt*(J_syn + taken - packed - k_m*S - out), 0, inf)
Q = clip(Q + dt*(packed - J*per_living), 0, inf)
nu += (rate - nu)*nu_relax
D = clip(D + speed*(dt*(1 - D)/tau_rec - U*D*spikes), 0, 1)
sum_J += recording*J
sum_filling += recording*filling
count = 0
gain = 1
""",
)

RELEASE_LINKS = SmallGroup(equations="", step="release_post += J_pre\nefflux_post += efflux_pre\n")

# What a living terminal's own carriers bring back from its pool (nM/s).
UPTAKE_LINKS = SmallGroup(
    equations="".join(f"own_{X} : Hz (constant)\n" for X in _CARRIERS),
    step="taken_post = " + " + ".join(f"own_{X}*u_{X}_pre" for X in _CARRIERS) + "\n",
)

CROSS = SmallGroup(
    equations="".join(f"k_{X} : 1 (constant)\n" for X in _CARRIERS),
    step="".join(f"cross_{X}_post += k_{X}*c_pre\n" for X in _CARRIERS),
)

# Extracellular space (MODEL §2). The sums are over the recording; c is the one that the step starts from, and u the
# share of its V_max at which a carrier runs.
POOLS = SmallGroup(
    equations="".join(
        f"V_{X} : Hz (constant)\nK_{X} : 1 (constant)\nB_{X} : 1 (constant)\ncross_{X} : 1\nu_{X} : 1\n"
        for X in _CARRIERS
    )
    + """
k_out : Hz (constant)
speed_settle : 1 (constant)
settle : integer (shared, constant)
c : 1
c_start : 1
release : Hz
efflux : Hz
sum_c : 1
sum_release : Hz
sum_uptake : Hz
sum_loss : Hz
sum_efflux : Hz
""",
    reset="release = 0*Hz\nefflux = 0*Hz\n" + "".join(f"cross_{X} = 0\n" for X in _CARRIERS),
    step="\n"
    + "".join(f"u_{X} = c/(K_{X}*(1 + B_{X} + cross_{X}) + c)\n" for X in _CARRIERS)
    + f"""
speed = 1 + int(t_in_timesteps < settle)*(speed_settle - 1)
recording = int(t_in_timesteps >= settle)
uptake = {" + ".join(f"V_{X}*u_{X}" for X in _CARRIERS)}
loss = k_out*c
c_start += int(t_in_timesteps == settle)*c
sum_c += recording*c
sum_release += recording*release
sum_uptake += recording*uptake
sum_loss += recording*loss
sum_efflux += recording*efflux
c += dt*speed*(release + efflux - uptake - loss)
""",
)

# Receptors: operational model with reserve tau (MODEL §4). X and S hold the drugs that come and go fast, B and S_B those
# that stay bound for the phase, tau_0 what unliganded receptors do. The transmitter's own binding rho follows with k_off,
# d rho/dt = k_off (x (1 - B - rho)/(1 + X) - rho); the fast drugs share the rest at once.
SITES = SmallGroup(
    equations="""
pool : integer (constant)
near_terminal : integer (constant)
near : second (constant)
K : 1 (constant)
tau : 1 (constant)
X : 1 (constant)
S : 1 (constant)
tau_0 : 1 (constant)
B : 1 (constant)
S_B : 1 (constant)
k_off : Hz (constant)
k_off_settle : Hz (constant)
relax : 1 (constant)
relax_settle : 1 (constant)
settle : integer (shared, constant)
a : 1
rho : 1
c_pool : 1 (linked)
nu_near : Hz (linked)
sum_a : 1
sum_rho : 1
sum_heard : 1
""",
    step="""
settling = int(t_in_timesteps < settle)
heard = c_pool + near*nu_near
x = heard/K
n = 1 + X + x
k = k_off + settling*(k_off_settle - k_off)
rho += ((1 - B)*x/n - rho)*(1 - exp(-dt*k*n/(1 + X)))
stimulus = tau*rho + (1 - B - rho)*(tau_0 + S)/(1 + X) + S_B
sum_a += (1 - settling)*a
sum_rho += (1 - settling)*rho
sum_heard += (1 - settling)*heard
a += (stimulus/(1 + stimulus) - a)*(relax + settling*(relax_settle - relax))
""",
)

TERMINAL_LINKS = SmallGroup(equations="factor : 1 (constant)\n", step="gain_post += factor*a_pre\n")

_UNITS = {"G_mod": "siemens", "J_mod": "amp", "V_T_mod": "volt"}


def gate_names(kinds: Sequence[str], n_gates: int) -> dict[str, tuple[str, int]]:
    """Gate of a class of cells → (its unit, its base value)."""
    names = {name: (unit, 0) for name, unit in _UNITS.items()}
    names["adaptation"] = ("1", 1)
    names |= {f"gain_{kind}": ("1", 1) for kind in kinds}
    return names | {f"tx_{k}": ("1", 1) for k in range(n_gates)}


def class_gates(kinds: Sequence[str], n_gates: int) -> SmallGroup:
    """Gates of the classes of cells: set to their bases, then the links add, then what scales a synapse is kept positive."""
    names = gate_names(kinds, n_gates)
    return SmallGroup(
        equations="".join(f"{name} : {unit}\n" for name, (unit, _) in names.items()),
        reset="".join(
            f"{name} = {base}{'' if unit == '1' else '*' + unit}\n" for name, (unit, base) in names.items()
        ),
        step="".join(
            f"{name} = clip({name}, 0, inf)\n" for name in names if name.startswith(("gain_", "tx_"))
        ),
    )


def site_effects(kinds: Sequence[str], n_gates: int) -> SmallGroup:
    """Effects of the sites on the classes of cells that bear them; one coefficient ``k_…`` per gate."""
    names = gate_names(kinds, n_gates)
    return SmallGroup(
        equations="".join(f"k_{name} : {unit} (constant)\n" for name, (unit, _) in names.items()),
        step="".join(f"{name}_post += k_{name}*a_pre\n" for name in names),
    )
