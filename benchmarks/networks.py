"""The networks that the benchmarks run. Their numbers are made up for speed tests and describe no animal.

``full`` holds one of everything that makes the model expensive; ``core`` is the part of it that NEST's ``aeif_cond_exp`` has
as well. Both: ten populations of AdEx cells (five send excitation, three inhibition, one releases dopamine and one
serotonin), 80 synapses onto each cell, hence 87 from each that sends them, a delay of 1.5 ms, constants common to all cells.
"""

from __future__ import annotations

import numpy as np

from neurosim.build import Trial
from neurosim.build.plan import CARRIERS, SLOW_STEP, Labels, Plan, Structure, SynapseGroup, Wiring
from neurosim.spec import Experiment, load_circuit, resolve

__all__ = ["CIRCUIT", "circuit_plan", "core_plan", "full_plan", "model_plan"]

#: The shipped circuit of about 4000 cells.
CIRCUIT = "da_5ht_brain"

#: Part of the cells in each population; the first five excite, the next three inhibit, the last two release.
SHARES = {f"E{k}": 0.115 for k in range(5)} | {f"I{k}": 0.115 for k in range(3)} | {"DA": 0.04, "5-HT": 0.04}
TRANSMITTERS = ("DA", "5-HT")
DELAY = 1.5e-3
#: Constant current (A) into every cell; it sets the rate.
DRIVE_FULL, DRIVE_CORE = 86.5e-12, 86e-12
#: Kind → synapses onto each cell, weight (S).
FULL_SYNAPSES = {"AMPA": (40, 0.4e-9), "NMDA": (16, 0.1e-9), "GABA_A": (24, 0.8e-9)}
CORE_SYNAPSES = {"AMPA": (56, 0.4e-9), "GABA_A": (24, 0.8e-9)}
KINDS = {
    "E_AMPA": 0.0,
    "tau_decay_AMPA": 3e-3,
    "E_NMDA": 0.0,
    "tau_decay_NMDA": 80e-3,
    "Mg": 1.0,
}
#: Constants of every cell, under the names of the plan.
CELL = {
    "inv_C_m": 1 / 100e-12,
    "g_L": 8e-9,
    "E_L": -65e-3,
    "V_T": -50e-3,
    "Delta_T": 2e-3,
    "V_r": -62e-3,
    "V_peak": 0.0,
    "t_ref": 2e-3,
    "tau_w": 100e-3,
    "a": 1e-9,
    "b": 20e-12,
    "E_GABA": -70e-3,
    "tau_GABA": 8e-3,
    "kappa": 0.0,
    "I_b": 0.0,
    "b_relax": 0.0,
}


def full_plan(
    n: int, settle: float, record: float, dt: float = 1e-4, seed: int = 1, synapses: float = 1.0
) -> Plan:
    """AMPA, NMDA and GABA_A, noise with memory, and dopamine and serotonin that are released by every spike, taken up by
    carriers and open a potassium current or scale AMPA; about 4 Hz.

    Parameters
    ----------
    n : int
        Cells, a multiple of 200.
    settle, record : float, s
    dt : float, s
    seed : int
        Of wiring and start voltages.
    synapses : float
        Part of the synapses that is made, each as much stronger.
    """
    tau, sigma = 5e-3, 60e-12
    decay = np.exp(-SLOW_STEP / tau)
    noise = {"drive": DRIVE_FULL, "ou_decay": decay, "ou_kick": sigma * np.sqrt(1 - decay**2)}
    scaled = {kind: (round(k * synapses), weight / synapses) for kind, (k, weight) in FULL_SYNAPSES.items()}
    return _plan(n, settle, record, dt, seed, scaled, noise, _transmitters(n))


def core_plan(n: int, settle: float, record: float, dt: float = 1e-4, seed: int = 1) -> Plan:
    """AMPA, GABA_A and adaptation, nothing else; about 4.3 Hz. The noise is a current that is drawn anew every 1 ms, without
    memory: NEST's ``noise_generator`` can do the same. Parameters as for :func:`full_plan`.
    """
    noise = {"drive": DRIVE_CORE, "ou_decay": 0.0, "ou_kick": 150e-12}
    return _plan(n, settle, record, dt, seed, CORE_SYNAPSES, noise, _no_transmitters())


def circuit_plan(name: str, settle: float, record: float) -> Plan:
    """The first subject of a shipped circuit at rest; times in s."""
    protocol = {"settle": f"{settle:g} s", "phases": [{"name": "rest", "record": f"{record:g} s"}]}
    circuit = load_circuit(name)
    experiment = Experiment(name="speed", circuit=circuit, seed=7, protocol=protocol, arms={"rest": {}})
    return next(Trial(resolve(experiment, "rest", {}), 0).phases()).plan


def model_plan(model: str, n: int, settle: float, record: float) -> Plan:
    """The plan of a benchmark network by its name, else of the shipped circuit of that name, which has its own n."""
    if model in NETWORKS:
        return NETWORKS[model](n, settle, record)
    return circuit_plan(model, settle, record)


NETWORKS = {"full": full_plan, "core": core_plan}


def _plan(
    n: int,
    settle: float,
    record: float,
    dt: float,
    seed: int,
    synapses: dict[str, tuple[int, float]],
    noise: dict[str, float],
    modulators: dict[str, dict[str, np.ndarray]],
) -> Plan:
    random = np.random.default_rng(seed)
    sizes = _sizes(n)
    kinds = tuple(synapses)
    links, zeros = modulators["site_links"], np.zeros(len(modulators["site_links"]["site"]))
    for name in ("G_mod", "J_mod", "V_T_mod", "adaptation", *(f"gain_{kind}" for kind in kinds)):
        links.setdefault(name, zeros)
    population = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    return Plan(
        structure=Structure(
            n_cells=n,
            n_classes=len(sizes),
            n_pools=len(modulators["pools"]["c_0"]),
            n_terminals=len(modulators["terminals"]["pool"]),
            n_sites=len(modulators["sites"]["pool"]),
            n_gates=0,
            n_stimuli=0,
            n_voltages=0,
            n_cross=0,
            n_terminal_links=len(modulators["terminal_links"]["site"]),
            n_site_links=len(links["site"]),
            n_cell_terminals=len(modulators["cell_terminals"]["cell"]),
            fast_kinds=kinds,
            slow_kinds=(),
            rising_kinds=(),
            synapses=tuple(
                SynapseGroup(f"syn_{K}", K, "fast", n * k, False) for K, (k, _) in synapses.items()
            ),
            dt=dt,
            dt_trace=1e-2,
        ),
        cells={"cell_class": population, "v_0": random.uniform(-65e-3, -52e-3, n)}
        | {name: np.full(n, value) for name, value in (CELL | noise).items()},
        kinds={name: value for name, value in KINDS.items() if name.split("_")[-1] in (*kinds, "Mg")},
        wiring={f"syn_{K}": _wiring(n, K, *own, random) for K, own in synapses.items()},
        stimuli={key: np.zeros(0, np.int64) for key in ("on", "off", "period", "width", "key")}
        | {"amplitude": np.zeros(0), "probability": np.zeros(0)},
        voltage_cells=np.zeros(0, np.int32),
        settle_steps=round(settle / dt),
        record_steps=round(record / dt),
        noise_key=7,
        labels=Labels(
            populations=tuple(SHARES),
            population_sizes=tuple(sizes),
            pools=tuple((name, name) for name in TRANSMITTERS[: len(modulators["pools"]["c_0"])]),
            terminals=tuple((X, f"{X}.{X}") for X in TRANSMITTERS[: len(modulators["terminals"]["pool"])]),
            sites=tuple(f"site_{k}" for k in range(len(modulators["sites"]["pool"]))),
            voltages=(),
        ),
        **modulators,
    )


def _sizes(n: int) -> list[int]:
    sizes = [round(n * share) for share in SHARES.values()]
    if sum(sizes) != n or n % 200:
        raise ValueError(f"n = {n}; allowed: multiples of 200")
    return sizes


def _wiring(n: int, kind: str, k: int, weight: float, random: np.random.Generator) -> Wiring:
    """k synapses onto each cell, from cells at random among those that send this kind."""
    ends = np.cumsum(_sizes(n))
    first, last = (ends[4], ends[7]) if kind == "GABA_A" else (0, ends[4])
    return Wiring(
        pre=random.integers(first, last, n * k).astype(np.int32),
        post=np.repeat(np.arange(n, dtype=np.int32), k),
        weight=np.full(n * k, weight),
        delay=np.full(n * k, DELAY),
    )


def _no_transmitters() -> dict[str, dict[str, np.ndarray]]:
    """Tables of a plan without pools, in which every column is there and empty."""
    full = _transmitters(200)
    return {name: {key: column[:0] for key, column in table.items()} for name, table in full.items()}


def _transmitters(n: int) -> dict[str, dict[str, np.ndarray]]:
    """Two pools, two terminals, four receptor sites: two that open a potassium current, two that scale AMPA."""
    sizes, one, two = _sizes(n), np.ones(2), np.arange(2, dtype=np.int32)
    first = np.cumsum([0, *sizes])[8:10]
    carriers = {"V_DAT": [400.0, 0.0], "V_SERT": [0.0, 400.0], "V_NET": [0.0, 0.0]}
    sites = np.array([0, 1, 0, 1], np.int32)
    four, K_current = np.ones(4), 0.5e-9
    opens, scales = (np.repeat(np.array(flags, float), 2) for flags in ([1, 0], [0, 1]))
    return {
        "pools": {"c_0": np.full(2, 15.0), "k_out": np.full(2, 0.3), "speed_settle": one}
        | {name: np.array(V) for name, V in carriers.items()}
        | {f"K_{X}": np.full(2, 200.0) for X in CARRIERS}
        | {f"B_{X}": np.zeros(2) for X in CARRIERS},
        "terminals": {
            "pool": two,
            "quantum": np.full(2, 20.0),
            "n_healthy": np.array(sizes[8:10], float),
            "U": np.full(2, 0.2),
            "tau_rec": np.full(2, 1.5),
            "nu_relax": np.full(2, 0.01),
            "speed_settle": one,
            **{
                name: np.zeros(2)
                for name in ("S_0", "k_v", "k_m", "leak", "J_syn", "efflux_max", "seep", "per_living")
            },
            **dict.fromkeys(("Q_start", "Q_0", "filling_max", "K_S", "living"), one),
        },
        "sites": {
            "pool": sites,
            "near_terminal": sites,
            "near": four,
            "K": 60 * four,
            "tau": 2 * four,
            **dict.fromkeys(("X", "S", "tau_0", "B", "S_B"), 0 * four),
            "k_off": 1e9 * four,
            "k_off_settle": 1e9 * four,
            "rho_0": 0.2 * four,
            "relax": 0.003 * four,
            "relax_settle": 0.01 * four,
            "a_0": 0.3 * four,
        },
        "cross": {"pool": two[:0], "partner": two[:0], **{f"k_{X}": np.zeros(0) for X in CARRIERS}},
        "terminal_links": {"site": two, "terminal": two, "factor": np.full(2, -0.4)},
        "uptake_links": {name: np.array(V) for name, V in carriers.items()},
        "site_links": {
            "site": np.tile(np.arange(4, dtype=np.int32), 2),
            "cell_class": np.array([0, 5, 1, 2, 8, 9, 3, 4], np.int32),
            "G_mod": np.tile(opens, 2) * K_current,
            "J_mod": np.tile(opens, 2) * K_current * -95e-3,
            "gain_AMPA": np.tile(scales, 2) * -0.2,
        },
        "cell_terminals": {
            "cell": np.concatenate(
                [start + np.arange(size) for start, size in zip(first, sizes[8:10], strict=True)]
            ).astype(np.int32),
            "terminal": np.repeat(two, sizes[8:10]),
        },
    }
