"""The plan: what an engine needs to run one phase, as plain arrays and nothing else.

A plan knows no YAML, no drug and no Brian2. Numbers are SI except concentrations (nM), see :mod:`neurosim.units`.

The model it describes
----------------------
Two clocks: every ``dt`` (0.1 ms) the fast loop, every ``dt_slow`` = h (1 ms) the slow loop.

Fast loop, per cell::

    dv/dt  = open · inv_C_m · ( g_L (E_L - v) + g_L Δ_T exp((v - V_Te)/Δ_T) - w + I_slow - G_slow v
             - Σ_K g_K B_K(v) (v - E_K) )              K: fast kinds; B = 1 but for NMDA; E = E_GABA per cell for GABA_A
    dw/dt  = (a (v - E_L) - w) / tau_w
    dg_K/dt = - g_K / tau_decay_K                    tau_GABA per cell for GABA_A
    spike when v > V_peak: v = V_r, w += b · adaptation, closed (open = 0) for t_ref
    B_NMDA(v) = 1 / (1 + Mg/3.57 · exp(-62 v/V))       jahr1990; Mg in mM

``inv_C_m`` is 0 for a lesioned cell, so it stays where it started and never fires. A spike that arrives at a synapse of
kind K adds ``weight · gain_K[post] (· tx[pre] where the projection is gated)`` to ``g_K`` (fast) or ``s_K`` (slow
kinds), times ``u x`` where the projection has short-term plasticity (Tsodyks-Markram, event-driven: tsodyks1998).

Slow loop, in this order::

    1 terminals   filling = Q/Q_0, at most filling_max;  rate = gain · D · filling · count / (n_healthy · h)   Hz
                  J = quantum · rate;  out = efflux_max S/(S + K_S) + seep S;  efflux = living · out       nM/s
                  packed = k_v S · room - leak Q;  room = 10 (filling_max - Q/Q_0), kept in [0, 1]
                  S += h (J_syn + taken - packed - k_m S - out);  Q += h (packed - J · per_living)
                  nu += (rate - nu) · nu_relax                                              near field
                  D  += speed · ( h (1 - D)/tau_rec - U · D · count / n_healthy ), kept in [0, 1]; then count = 0
    2 pools       u_X = c / (K_X (1 + B_X + Σ_partners k_X c') + c)                         X: DAT SERT NET
                  c  += h · speed · ( ΣJ + Σefflux - Σ_X V_X u_X - k_out c );  taken = Σ_X V_X(own) u_X
    3 sites       heard = c[pool] + near · nu[near_terminal];  x = heard / K
                  rho relaxes to (1 - B) x/(1 + x + X) at the rate k_off (1 + x/(1 + X))
                  stimulus = tau rho + (1 - B - rho)/(1 + X) · (tau_0 + S) + S_B
                  a += (stimulus/(1 + stimulus) - a) · relax
    4 gates       of classes of cells, terminals and gated projections: base + Σ coefficient · a
                  (terminal gain and transmission are kept >= 0, gains of synapses too)
    5 cells       I_ou = ou_decay I_ou + ou_kick gauss(i, n, noise_key)
                  slow kinds: s_K *= exp(-h/tau_decay); g_K = s_K + (g_K - s_K) exp(-h/tau_rise)  (g_K = s_K without rise)
                  I_stim = Σ_k amplitude_k mask_k [on_k <= step < off_k] [(step-on_k) mod period_k < width_k]
                                                     [random: uniform(i, n, key_k) < probability_k]   n: number of the slow step
                  G_slow = G_mod + Σ g_K;  I_slow = drive + I_ou + I_stim + J_mod + Σ g_K E_K
                  I55 = current of I_slow, G_slow and the fast kinds at -55 mV;  I_bar += (I55 - I_bar) · b_relax
                  V_Te = V_T + V_T_mod + kappa max(I_bar - I_b, 0) / g_L

``speed``, ``k_off`` and ``relax`` hold during the recording; their ``…_settle`` twins while step < settle_steps (DESIGN §3:
during settle, time constants longer than settle/5 are shortened to it). Stores (S, Q) keep their own time: between phases
the slow clock carries them on. Means (c, fluxes, a, rho, heard, filling) are over the recording.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np

__all__ = ["CARRIERS", "COUPLING", "SynapseGroup", "Structure", "Wiring", "Labels", "Plan", "SLOW_STEP", "VOLTAGE_STEP"]

CARRIERS = ("DAT", "SERT", "NET")
SLOW_STEP = 1e-3
VOLTAGE_STEP = 1e-3
#: Length (s) of a coupling phase: what it settles at most, and its recording (MODEL §6: at least 2 s).
COUPLING = (3.0, 2.0)


@dataclass(frozen=True)
class SynapseGroup:
    """One Synapses object: all projections of one kind, or one gated projection.

    ``kind`` is the identifier-safe symbol of the kind (``5-HT3`` → ``HT3``). ``gate`` is the number of the transmission
    gate that scales its events, or -1.
    """

    name: str
    kind: str
    mode: Literal["fast", "slow"]
    n: int
    plastic: bool
    gate: int = -1


@dataclass(frozen=True)
class Structure:
    """Everything that is compiled: sizes, clocks and which equations exist. Doses, weights and wiring are not here."""

    n_cells: int
    n_classes: int
    n_pools: int
    n_terminals: int
    n_sites: int
    n_gates: int
    n_stimuli: int
    n_voltages: int
    n_cross: int
    n_terminal_links: int
    n_site_links: int
    n_cell_terminals: int
    fast_kinds: tuple[str, ...]
    slow_kinds: tuple[str, ...]
    rising_kinds: tuple[str, ...]
    synapses: tuple[SynapseGroup, ...]
    dt: float
    dt_trace: float

    @property
    def digest(self) -> str:
        """Hex digest; equal digests share one compiled program."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Wiring:
    """Synapses of one group, arrays of shape (n,). ``U tau_rec tau_fac`` only where the group is plastic.

    Trials of one subject may share it, so nobody writes to it.
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    U: np.ndarray | None = None
    tau_rec: np.ndarray | None = None
    tau_fac: np.ndarray | None = None


@dataclass(frozen=True)
class Labels:
    """Names of what the arrays hold, in their order."""

    populations: tuple[str, ...]
    population_sizes: tuple[int, ...]
    pools: tuple[tuple[str, str], ...]
    terminals: tuple[tuple[str, str], ...]
    sites: tuple[str, ...]
    voltages: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Plan:
    """One phase of one trial.

    Attributes
    ----------
    structure : Structure
    cells : dict of arrays, shape (n_cells,)
        ``cell_class`` (int32: cells that bear the same sites), ``inv_C_m`` (1/F, 0 if lesioned), ``g_L E_L V_T Delta_T V_r V_peak
        t_ref tau_w a b E_GABA tau_GABA``, ``kappa I_b b_relax``, ``drive``, ``ou_decay``, ``ou_kick`` (A), ``v_0`` (start voltage) and ``stim_0 …`` masks
        (0/1) of the stimulus slots.
    kinds : dict of float
        ``E_<kind>``, ``tau_decay_<kind>``, ``tau_rise_<kind>`` (slow kinds with a rise), ``Mg`` (mM).
    pools : dict of arrays, shape (n_pools,)
        ``c_0`` (nM), ``k_out`` (1/s), ``V_<carrier>`` (nM/s, summed over living owners), ``K_<carrier>`` (nM),
        ``B_<carrier>`` (Σ I/K_i), ``speed_settle``.
    terminals : dict of arrays, shape (n_terminals,)
        ``pool`` (int32), ``quantum`` (nM), ``n_healthy``, ``U``, ``tau_rec`` (s), ``nu_relax``, ``speed_settle``; of
        the vesicle store of a living terminal, in nM of extracellular equivalent: ``S_0 Q_start`` (where they begin),
        ``Q_0`` (of filling 1), ``filling_max``, ``k_v k_m leak seep`` (1/s), ``J_syn efflux_max`` (nM/s), ``K_S`` (nM), and
        ``living`` (part of the cells), ``per_living`` (1/living; 0 without a store, whose filling stays 1).
    sites : dict of arrays, shape (n_sites,)
        ``pool`` ``near_terminal`` (int32, any valid index where ``near`` is 0), ``near`` (nM·s), ``K`` (nM), ``tau``,
        ``X``, ``S``, ``tau_0``, ``B``, ``S_B``, ``k_off``, ``k_off_settle`` (1/s; large: equilibrium), ``relax``,
        ``relax_settle``, ``a_0``, ``rho_0``.
    cross : dict of arrays, shape (n_cross,)
        ``pool``, ``partner`` (int32) and ``k_<carrier>`` (1/nM): competition of the partner's transmitter for the
        carriers of ``pool``.
    terminal_links : dict of arrays, shape (n_terminal_links,)
        ``site``, ``terminal`` (int32), ``factor``: gain of a terminal = max(0, 1 + Σ factor · a).
    uptake_links : dict of arrays, shape (n_terminals,)
        ``V_<carrier>`` (nM/s): carriers of the terminal's own population in its pool, all cells living.
    site_links : dict of arrays, shape (n_site_links,)
        ``site``, ``cell_class`` (int32) and one column for each gate of a class: ``G_mod`` (S), ``J_mod`` (A),
        ``V_T_mod`` (V), ``adaptation``, ``gain_<kind>`` for every kind, ``tx_<number>`` for every gated projection.
        A gate is base + Σ column · a with base 0 for ``G_mod J_mod V_T_mod`` and 1 for the others.
    cell_terminals : dict of int32 arrays, shape (n_cell_terminals,)
        ``cell``, ``terminal``: whose spikes count where.
    wiring : dict, name of the synapse group → Wiring
    stimuli : dict of arrays, shape (n_stimuli,)
        ``on off width`` (int64, steps of dt from the start of the phase, multiples of the slow step; unused slots have
        off = 0), ``period`` (steps of dt, need not be whole), ``amplitude`` (A), ``probability`` (of each slow step; 1 for periodic trains; random ones
        have period = width = 1 slow step),
        ``key`` (int64).
    voltage_cells : int32 array, shape (n_voltages,)
    settle_steps, record_steps : int
        Length in steps of dt; multiples of the slow step.
    noise_key : int
        Below 2**63.
    labels : Labels
    """

    structure: Structure
    cells: dict[str, np.ndarray]
    kinds: dict[str, float]
    pools: dict[str, np.ndarray]
    terminals: dict[str, np.ndarray]
    sites: dict[str, np.ndarray]
    cross: dict[str, np.ndarray]
    terminal_links: dict[str, np.ndarray]
    uptake_links: dict[str, np.ndarray]
    site_links: dict[str, np.ndarray]
    cell_terminals: dict[str, np.ndarray]
    wiring: dict[str, Wiring]
    stimuli: dict[str, np.ndarray]
    voltage_cells: np.ndarray
    settle_steps: int
    record_steps: int
    noise_key: int
    labels: Labels = field(repr=False)

    @property
    def settle(self) -> float:
        """Settling time in s."""
        return self.settle_steps * self.structure.dt

    @property
    def record(self) -> float:
        """Recorded time in s."""
        return self.record_steps * self.structure.dt
