"""The network that the benchmarks run: ten populations of AdEx cells with everything the model has. Its numbers are made up
for speed tests and describe no animal."""

from __future__ import annotations

import numpy as np

from neurosim.build.plan import CARRIERS, SLOW_STEP, Labels, Plan, Structure, SynapseGroup, Wiring

__all__ = ["full_plan"]

FAST, SLOW, RISING = ("AMPA", "NMDA", "GABA_A"), ("GABA_B", "HT3"), ("GABA_B",)
KINDS = (*FAST, *SLOW)
POPULATIONS = 10
#: Group → kind, synapses onto each cell, weight (S), plastic, gate.
GROUPS = {
    "syn_AMPA": ("AMPA", 18, 0.4e-9, False, -1),
    "syn_AMPA_stp": ("AMPA", 4, 0.4e-9, True, -1),
    "syn_NMDA": ("NMDA", 8, 0.1e-9, False, -1),
    "syn_GABA_A": ("GABA_A", 10, 0.8e-9, False, -1),
    "syn_GABA_A_gate0": ("GABA_A", 2, 0.8e-9, True, 0),
    "syn_GABA_B": ("GABA_B", 3, 0.05e-9, False, -1),
}
N_POOLS, N_TERMINALS, N_SITES, N_SITE_LINKS, N_TERMINAL_LINKS = 20, 24, 40, 30, 10


def _structure(n: int, dt: float) -> Structure:
    return Structure(
        n_cells=n,
        n_populations=POPULATIONS,
        n_pools=N_POOLS,
        n_terminals=N_TERMINALS,
        n_sites=N_SITES,
        n_gates=1,
        n_stimuli=2,
        n_voltages=0,
        n_cross=N_POOLS,
        n_terminal_links=N_TERMINAL_LINKS,
        n_site_links=N_SITE_LINKS,
        n_cell_terminals=N_TERMINALS * (n // POPULATIONS),
        fast_kinds=FAST,
        slow_kinds=SLOW,
        rising_kinds=RISING,
        synapses=tuple(
            SynapseGroup(name, kind, "fast" if kind in FAST else "slow", n * k, plastic, gate)
            for name, (kind, k, _, plastic, gate) in GROUPS.items()
        ),
        dt=dt,
        dt_trace=1e-2,
    )


def _cells(n: int, drive: float, random: np.random.Generator) -> dict[str, np.ndarray]:
    def spread(mean: float, part: float = 0.05) -> np.ndarray:
        return mean * (1 + part * np.clip(random.standard_normal(n), -2.5, 2.5))

    tau, sigma = 5e-3, 60e-12
    return {
        "population": np.repeat(np.arange(POPULATIONS, dtype=np.int32), n // POPULATIONS),
        "inv_C_m": 1 / spread(100e-12),
        "g_L": spread(8e-9),
        "E_L": spread(-65e-3, 0.01),
        "V_T": spread(-50e-3, 0.01),
        "Delta_T": np.full(n, 2e-3),
        "V_r": np.full(n, -62e-3),
        "V_peak": np.zeros(n),
        "t_ref": np.full(n, 2e-3),
        "tau_w": np.full(n, 100e-3),
        "a": np.full(n, 1e-9),
        "b": np.full(n, 20e-12),
        "E_GABA": np.full(n, -70e-3),
        "tau_GABA": np.full(n, 8e-3),
        "kappa": np.full(n, 0.5),
        "I_b": np.full(n, 150e-12),
        "b_relax": np.full(n, 1 - np.exp(-SLOW_STEP / 0.2)),
        "drive": spread(drive, 0.05),
        "ou_decay": np.full(n, np.exp(-SLOW_STEP / tau)),
        "ou_kick": np.full(n, sigma * np.sqrt(1 - np.exp(-2 * SLOW_STEP / tau))),
        "v_0": random.uniform(-65e-3, -52e-3, n),
        "stim_0": np.zeros(n),
        "stim_1": np.zeros(n),
    }


def _kinds() -> dict[str, float]:
    reversal = {"AMPA": 0.0, "NMDA": 0.0, "GABA_B": -95e-3, "HT3": 0.0}
    decay = {"AMPA": 3e-3, "NMDA": 80e-3, "GABA_B": 150e-3, "HT3": 20e-3}
    kinds = {f"E_{kind}": E for kind, E in reversal.items()}
    return (
        kinds
        | {f"tau_decay_{kind}": tau for kind, tau in decay.items()}
        | {"tau_rise_GABA_B": 50e-3, "Mg": 1.0}
    )


def _wiring(n: int, dt: float, random: np.random.Generator) -> dict[str, Wiring]:
    size, wiring = n // POPULATIONS, {}
    excitatory = np.arange(0, n * 7 // 10)
    inhibitory = np.arange(n * 7 // 10, n)
    for name, (kind, k, weight, plastic, gate) in GROUPS.items():
        sources = inhibitory if kind.startswith("GABA") else excitatory
        if gate >= 0:
            sources = sources[:size]
        stp = {}
        if plastic:
            stp = {"U": np.full(n * k, 0.4), "tau_rec": np.full(n * k, 0.3), "tau_fac": np.full(n * k, 0.1)}
        wiring[name] = Wiring(
            pre=random.choice(sources, n * k).astype(np.int32),
            post=np.repeat(np.arange(n, dtype=np.int32), k),
            weight=weight * random.uniform(0.5, 1.5, n * k),
            delay=dt * random.integers(10, 50, n * k),
            **stp,
        )
    return wiring


def _modulators(n: int, random: np.random.Generator) -> dict[str, dict[str, np.ndarray]]:
    pools = {"c_0": np.full(N_POOLS, 20.0), "k_out": np.full(N_POOLS, 0.3), "speed_settle": np.ones(N_POOLS)}
    for X in CARRIERS:
        pools |= {
            f"V_{X}": np.full(N_POOLS, 400.0),
            f"K_{X}": np.full(N_POOLS, 200.0),
            f"B_{X}": np.zeros(N_POOLS),
        }
    terminals = {
        "pool": (np.arange(N_TERMINALS) % N_POOLS).astype(np.int32),
        "quantum": np.full(N_TERMINALS, 20.0),
        "n_healthy": np.full(N_TERMINALS, n // POPULATIONS),
        "U": np.full(N_TERMINALS, 0.2),
        "tau_rec": np.full(N_TERMINALS, 1.5),
        "nu_relax": np.full(N_TERMINALS, 0.01),
        "speed_settle": np.ones(N_TERMINALS),
        "S_0": np.full(N_TERMINALS, 60.0),
        "Q_start": np.full(N_TERMINALS, 2000.0),
        "Q_0": np.full(N_TERMINALS, 2000.0),
        "filling_max": np.full(N_TERMINALS, 2.0),
        "k_v": np.full(N_TERMINALS, 1.5),
        "k_m": np.full(N_TERMINALS, 0.1),
        "leak": np.full(N_TERMINALS, 0.01),
        "J_syn": np.full(N_TERMINALS, 20.0),
        "efflux_max": np.full(N_TERMINALS, 1.0),
        "K_S": np.full(N_TERMINALS, 300.0),
        "living": np.ones(N_TERMINALS),
        "per_living": np.ones(N_TERMINALS),
    }
    sites = {
        "pool": (np.arange(N_SITES) % N_POOLS).astype(np.int32),
        "near_terminal": (np.arange(N_SITES) % N_TERMINALS).astype(np.int32),
        "near": np.full(N_SITES, 1.0),
        "K": np.full(N_SITES, 60.0),
        "tau": np.full(N_SITES, 2.0),
        "X": np.zeros(N_SITES),
        "S": np.zeros(N_SITES),
        "relax": np.full(N_SITES, 0.003),
        "relax_settle": np.full(N_SITES, 0.01),
        "tau_0": np.zeros(N_SITES),
        "B": np.zeros(N_SITES),
        "S_B": np.zeros(N_SITES),
        "k_off": np.full(N_SITES, 2.0),
        "k_off_settle": np.full(N_SITES, 50.0),
        "rho_0": np.full(N_SITES, 0.2),
        "a_0": np.full(N_SITES, 0.3),
    }
    population = (np.arange(N_SITE_LINKS) % POPULATIONS).astype(np.int32)
    links = {"site": np.arange(N_SITE_LINKS, dtype=np.int32), "population": population}
    for name in ("G_mod", "J_mod", "V_T_mod", "adaptation", *(f"gain_{kind}" for kind in KINDS), "tx_0"):
        links[name] = np.zeros(N_SITE_LINKS)
    links["G_mod"][:10], links["J_mod"][:10] = 0.5e-9, 0.5e-9 * -95e-3
    links["gain_AMPA"][10:20], links["tx_0"][20:] = -0.2, -0.2
    size = n // POPULATIONS
    cell = np.concatenate([np.arange(size) + size * (k % POPULATIONS) for k in range(N_TERMINALS)])
    return {
        "pools": pools,
        "terminals": terminals,
        "sites": sites,
        "uptake_links": {f"V_{X}": np.full(N_TERMINALS, 300.0) for X in CARRIERS},
        "cross": {
            "pool": np.arange(N_POOLS, dtype=np.int32),
            "partner": (np.arange(N_POOLS) ^ 1).astype(np.int32),
            **{f"k_{X}": np.full(N_POOLS, 1e-3) for X in CARRIERS},
        },
        "terminal_links": {
            "site": np.arange(N_TERMINAL_LINKS, dtype=np.int32),
            "terminal": np.arange(N_TERMINAL_LINKS, dtype=np.int32),
            "factor": np.full(N_TERMINAL_LINKS, -0.4),
        },
        "site_links": links,
        "cell_terminals": {
            "cell": cell.astype(np.int32),
            "terminal": np.repeat(np.arange(N_TERMINALS), size).astype(np.int32),
        },
    }


def full_plan(
    n: int, settle: float, record: float, drive: float = 112e-12, dt: float = 1e-4, seed: int = 1
) -> Plan:
    """A plan of n cells (a multiple of ten), 45 synapses onto each, 20 pools, 40 sites.

    Parameters
    ----------
    n : int
    settle, record : float, s
    drive : float, A
        Sets the rate; the default gives about 6 Hz.
    dt : float, s
    seed : int
    """
    random = np.random.default_rng(seed)
    return Plan(
        structure=_structure(n, dt),
        cells=_cells(n, drive, random),
        kinds=_kinds(),
        wiring=_wiring(n, dt, random),
        stimuli={
            **{key: np.zeros(2, np.int64) for key in ("on", "off", "period", "width", "key")},
            "amplitude": np.zeros(2),
            "probability": np.ones(2),
        },
        voltage_cells=np.zeros(0, np.int32),
        settle_steps=round(settle / dt),
        record_steps=round(record / dt),
        noise_key=7,
        labels=Labels(
            populations=tuple(f"P{k}" for k in range(POPULATIONS)),
            population_sizes=(n // POPULATIONS,) * POPULATIONS,
            pools=tuple((f"R{k}", "DA") for k in range(N_POOLS)),
            terminals=tuple((f"P{k % POPULATIONS}", f"R{k % N_POOLS}.DA") for k in range(N_TERMINALS)),
            sites=tuple(f"s{k}" for k in range(N_SITES)),
            voltages=(),
        ),
        **_modulators(n, random),
    )
