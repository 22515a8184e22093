"""Small plans built in code, so that tests of the engines depend on no YAML and no table. All numbers are made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.build.plan import CARRIERS, SLOW_STEP, Labels, Plan, Structure, SynapseGroup, Wiring

FAST = ("AMPA", "NMDA", "GABA_A")
SLOW = ("GABA_B", "HT3")
RISING = ("GABA_B",)
KINDS = (*FAST, *SLOW)
N_A, N_B = 30, 10
N = N_A + N_B
DT = 1e-4

GROUPS = (
    SynapseGroup("syn_AMPA", "AMPA", "fast", 200, False),
    SynapseGroup("syn_AMPA_stp", "AMPA", "fast", 100, True),
    SynapseGroup("syn_NMDA_gate0", "NMDA", "fast", 120, False, 0),
    SynapseGroup("syn_GABA_A_gate1", "GABA_A", "fast", 160, True, 1),
    SynapseGroup("syn_GABA_B", "GABA_B", "slow", 80, False),
    SynapseGroup("syn_HT3", "HT3", "slow", 60, False),
)

STRUCTURE = Structure(
    n_cells=N,
    n_classes=3,
    n_pools=3,
    n_terminals=3,
    n_sites=4,
    n_gates=2,
    n_stimuli=2,
    n_voltages=2,
    n_cross=2,
    n_terminal_links=2,
    n_site_links=4,
    n_cell_terminals=2 * N_A + N_B,
    fast_kinds=FAST,
    slow_kinds=SLOW,
    rising_kinds=RISING,
    synapses=GROUPS,
    dt=DT,
    dt_trace=1e-2,
)


def _cells(random: np.random.Generator) -> dict[str, np.ndarray]:
    def spread(mean: float, part: float = 0.05) -> np.ndarray:
        return mean * (1 + part * random.standard_normal(N))

    tau_ou, sigma = 5e-3, 40e-12
    return {
        # a third of the cells of A bears a site that the others lack
        "cell_class": np.r_[np.arange(N_A) % 3 != 0, np.full(N_B, 2)].astype(np.int32),
        "inv_C_m": 1 / spread(100e-12),
        "g_L": spread(8e-9),
        "E_L": spread(-65e-3, 0.01),
        "V_T": spread(-50e-3, 0.01),
        "Delta_T": np.full(N, 2e-3),
        "V_r": np.full(N, -62e-3),
        "V_peak": np.full(N, 0.0),
        "t_ref": np.full(N, 2e-3),
        "tau_w": np.full(N, 100e-3),
        "a": np.full(N, 1e-9),
        "b": np.full(N, 20e-12),
        "E_GABA": np.full(N, -70e-3),
        "tau_GABA": 8e-3 * np.linspace(0.7, 1.3, N),
        "kappa": np.full(N, 0.5),
        "I_b": np.full(N, 150e-12),
        "b_relax": np.full(N, 1 - np.exp(-SLOW_STEP / 0.2)),
        "drive": spread(170e-12, 0.1),
        "ou_decay": np.full(N, np.exp(-SLOW_STEP / tau_ou)),
        "ou_kick": np.full(N, sigma * np.sqrt(1 - np.exp(-2 * SLOW_STEP / tau_ou))),
        "v_0": random.uniform(-65e-3, -52e-3, N),
        "stim_0": np.zeros(N),
        "stim_1": np.zeros(N),
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


def _pools() -> dict[str, np.ndarray]:
    pools = {"c_0": np.array([20.0, 5.0, 10.0]), "k_out": np.array([0.3, 0.5, 0.4])}
    V = {"DAT": [2000.0, 0.0, 0.0], "SERT": [0.0, 800.0, 600.0], "NET": [50.0, 0.0, 0.0]}
    K = {"DAT": 200.0, "SERT": 170.0, "NET": 300.0}
    B = {"DAT": 0.0, "SERT": 1.5, "NET": 0.0}
    for X in CARRIERS:
        pools |= {f"V_{X}": np.array(V[X]), f"K_{X}": np.full(3, K[X]), f"B_{X}": np.full(3, B[X])}
    return pools | {"speed_settle": np.array([1.0, 2.0, 4.0])}


def _wiring(group: SynapseGroup, random: np.random.Generator) -> Wiring:
    first, last = (0, N) if group.gate < 0 else ((0, N_A) if group.gate == 0 else (N_A, N))
    weight = {"AMPA": 0.6e-9, "NMDA": 0.3e-9, "GABA_A": 1e-9, "GABA_B": 0.1e-9, "HT3": 0.05e-9}[group.kind]
    plastic = {}
    if group.plastic:
        plastic = {
            "U": np.full(group.n, 0.4),
            "tau_rec": np.full(group.n, 0.3),
            "tau_fac": np.where(np.arange(group.n) % 2, 0.2, 0.0),
        }
    return Wiring(
        pre=random.integers(first, last, group.n).astype(np.int32),
        post=random.integers(0, N, group.n).astype(np.int32),
        weight=weight * random.uniform(0.5, 1.5, group.n),
        delay=DT * random.integers(5, 40, group.n),
        **plastic,
    )


def _site_links() -> dict[str, np.ndarray]:
    links = {"site": np.array([0, 1, 2, 2], np.int32), "cell_class": np.array([0, 2, 0, 1], np.int32)}
    zero = np.zeros(4)
    names = ["G_mod", "J_mod", "V_T_mod", "adaptation", *(f"gain_{kind}" for kind in KINDS), "tx_0", "tx_1"]
    links |= {name: zero.copy() for name in names}
    links["G_mod"][0], links["J_mod"][0] = 2e-9, 2e-9 * -95e-3
    links["V_T_mod"][1], links["adaptation"][1] = 1e-3, -0.5
    links["gain_AMPA"][1], links["gain_GABA_A"][2:] = 0.5, -0.3
    links["tx_0"][2:], links["tx_1"][1] = -0.6, -0.4
    return links


def tiny_plan(seed: int = 1, settle: float = 0.1, record: float = 0.4, **changes) -> Plan:
    """A plan with every feature of the model: 40 cells in two populations, six synapse groups, three pools, four sites.

    Parameters
    ----------
    seed : int
        Of cells and wiring; the noise key is 7.
    settle, record : float, s
    **changes
        ``table={key: value}`` puts arrays into a table of the plan (``pools={"k_out": ...}``); any other field is
        replaced as it is.
    """
    random = np.random.default_rng(seed)
    cell, terminal = np.arange(N_A), np.zeros(N_A)
    plan = Plan(
        structure=STRUCTURE,
        cells=_cells(random),
        kinds=_kinds(),
        pools=_pools(),
        terminals={
            "pool": np.array([0, 1, 2], np.int32),
            "quantum": np.array([40.0, 15.0, 5.0]),
            "n_healthy": np.array([N_A, N_B, N_A], float),
            "U": np.array([0.25, 0.1, 0.0]),
            "tau_rec": np.array([1.5, 0.8, 1.0]),
            "nu_relax": np.array([1 - np.exp(-SLOW_STEP / 0.1), 1.0, 0.2]),
            "speed_settle": np.array([3.0, 1.0, 1.0]),
            # the third has no store; the second's is small, so that its filling moves within a second
            "S_0": np.array([60.0, 20.0, 0.0]),
            "Q_start": np.array([2000.0, 90.0, 1.0]),
            "Q_0": np.array([2000.0, 100.0, 1.0]),
            "filling_max": np.array([2.0, 1.05, 2.0]),
            "k_v": np.array([1.5, 0.8, 0.0]),
            "k_m": np.array([0.1, 0.2, 0.0]),
            "leak": np.array([0.01, 0.05, 0.0]),
            "J_syn": np.array([20.0, 8.0, 0.0]),
            "efflux_max": np.array([30.0, 10.0, 0.0]),
            "K_S": np.array([300.0, 100.0, 1.0]),
            "seep": np.array([0.02, 0.05, 0.0]),
            "living": np.array([0.8, 1.0, 1.0]),
            "per_living": np.array([1.25, 1.0, 0.0]),
        },
        uptake_links={
            f"V_{X}": np.array(V)
            for X, V in {"DAT": [1500.0, 0.0, 0.0], "SERT": [0.0, 700.0, 600.0], "NET": [0.0, 0.0, 0.0]}.items()
        },
        sites={
            "pool": np.array([0, 1, 2, 0], np.int32),
            "near_terminal": np.array([0, 0, 0, 0], np.int32),
            "near": np.array([0.0, 0.0, 0.0, 5.0]),
            "K": np.array([105.0, 30.0, 20.0, 110.0]),
            "tau": np.array([10.0, 0.5, 2.0, 10.0]),
            "X": np.array([0.0, 2.0, 0.0, 0.0]),
            "S": np.array([0.0, 0.3, 0.0, 0.0]),
            "relax": 1 - np.exp(-SLOW_STEP / np.array([0.5, 0.2, 1.0, 0.3])),
            "relax_settle": 1 - np.exp(-SLOW_STEP / np.array([0.02, 0.02, 0.02, 0.02])),
            "tau_0": np.array([0.0, 0.1, 0.05, 0.0]),
            "B": np.array([0.0, 0.0, 0.3, 0.0]),
            "S_B": np.array([0.0, 0.0, 0.2, 0.0]),
            "k_off": np.array([2.0, 1e9, 0.5, 1e9]),
            "k_off_settle": np.array([50.0, 1e9, 50.0, 1e9]),
            "rho_0": np.array([0.1, 0.2, 0.1, 0.2]),
            "a_0": np.array([0.5, 0.2, 0.3, 0.5]),
        },
        cross={
            "pool": np.array([0, 1], np.int32),
            "partner": np.array([1, 0], np.int32),
            **{f"k_{X}": np.array([1e-3, 2e-3]) for X in CARRIERS},
        },
        terminal_links={
            "site": np.array([3, 1], np.int32),
            "terminal": np.array([0, 1], np.int32),
            "factor": np.array([-0.6, -0.2]),
        },
        site_links=_site_links(),
        cell_terminals={
            "cell": np.concatenate([cell, np.arange(N_A, N), cell]).astype(np.int32),
            "terminal": np.concatenate([terminal, np.full(N_B, 1), terminal + 2]).astype(np.int32),
        },
        wiring={group.name: _wiring(group, random) for group in GROUPS},
        stimuli={
            **{key: np.zeros(2, np.int64) for key in ("on", "off", "period", "width", "key")},
            "amplitude": np.zeros(2),
            "probability": np.ones(2),
        },
        voltage_cells=np.array([3, N_A + 2], np.int32),
        settle_steps=round(settle / DT),
        record_steps=round(record / DT),
        noise_key=7,
        labels=Labels(
            populations=("A", "B"),
            population_sizes=(N_A, N_B),
            pools=(("X", "DA"), ("X", "5-HT"), ("Y", "5-HT")),
            terminals=(("A", "X.DA"), ("B", "X.5-HT"), ("A", "Y.5-HT")),
            sites=("s0", "s1", "s2", "s3"),
            voltages=(("A", 3), ("B", 2)),
        ),
    )
    return changed(plan, **changes)


def changed(plan: Plan, **changes) -> Plan:
    """The plan with tables patched or fields replaced; the given plan stays as it is."""
    fields = {}
    for name, change in changes.items():
        old = getattr(plan, name)
        fields[name] = {**old, **change} if isinstance(old, dict) else change
    return replace(plan, **fields)
