"""Results made up in code, so that tests of files, statistics and figures need no engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import product
from pathlib import Path

import numpy as np

from neurosim.analysis import Axis, assemble_summary, trial_rates, write_summary
from neurosim.build.plan import Labels
from neurosim.recording import (
    PhaseResult,
    PopulationInfo,
    SiteInfo,
    SpikeTrains,
    TrialResult,
    read_record,
    trial_path,
    write_trial,
)
from neurosim.recording.phase import population_rates

DT = 1e-4
TRACE_STEP = 10e-3
CARRIERS = ("DAT", "SERT", "NET")


@dataclass(frozen=True)
class World:
    """A circuit as its results show it.

    Attributes
    ----------
    rates : mapping of population → (number of cells, Hz, part of the cells that fire, whether they fire in
    bursts)
    levels : mapping of (region, transmitter) → nM
    sites : mapping of name → (receptor, on, compartment, hears, transmitter, nM of half activation)
    """

    rates: Mapping[str, tuple[int, float, float, bool]]
    levels: Mapping[tuple[str, str], float]
    sites: Mapping[str, tuple[str, str, str, str, str, float]]
    voltages: tuple[tuple[str, int], ...] = ()

    @property
    def labels(self) -> Labels:
        return Labels(
            populations=tuple(self.rates),
            population_sizes=tuple(n for n, *_ in self.rates.values()),
            pools=tuple(self.levels),
            terminals=(),
            sites=tuple(self.sites),
            voltages=self.voltages,
        )


SMALL = World(
    rates={"VTA_DA": (6, 4.0, 0.7, True), "VTA_GABA": (4, 12.0, 1.0, False), "DRN_HT": (5, 2.0, 1.0, False)},
    levels={
        ("VTA", "DA"): 10.0,
        ("VTA", "5-HT"): 4.0,
        ("DRN", "5-HT"): 20.0,
        ("NAc", "DA"): 40.0,
        ("NAc", "5-HT"): 2.0,
    },
    sites={
        "D2_VTA": ("D2", "VTA_DA", "soma", "VTA", "DA", 10.0),
        "HT1A_DRN": ("5-HT1A", "DRN_HT", "soma", "DRN", "5-HT", 15.0),
        "HT2C_VTA": ("5-HT2C", "VTA_GABA", "soma", "VTA", "5-HT", 12.0),
    },
)

_DA = {"VTA": 10, "SNc": 10, "DRN": 8, "MRN": 3, "mPFC": 5, "NAc": 40, "DSt": 45, "HPC": 4, "AMY": 4}
_HT = {"VTA": 4, "SNc": 4, "DRN": 20, "MRN": 12, "mPFC": 1.4, "NAc": 2, "DSt": 2.8, "HPC": 2, "AMY": 2}

FULL = World(
    rates={
        "VTA_DA": (150, 4.3, 0.5, True),
        "VTA_GABA": (80, 18.0, 1.0, False),
        "SNc_DA": (150, 4.4, 0.5, True),
        "SNr_GABA": (120, 24.0, 1.0, False),
        "DRN_HT": (150, 1.7, 0.9, False),
        "DRN_GABA": (80, 12.0, 1.0, False),
        "MRN_HT": (80, 1.9, 0.9, False),
        "LHb_Glu": (100, 11.0, 1.0, False),
        "RMTg_GABA": (80, 15.0, 1.0, False),
        "VP_GABA": (100, 9.0, 1.0, False),
        "PPN_Glu": (80, 5.0, 1.0, False),
        "mPFC_Pyr": (240, 2.1, 0.8, False),
        "mPFC_PV": (60, 11.0, 1.0, False),
    },
    levels={(region, "DA"): float(c) for region, c in _DA.items()}
    | {(region, "5-HT"): float(c) for region, c in _HT.items()},
    sites={
        f"D2_{r}": ("D2", "VTA_DA", "terminal", r, "DA", 40.0)
        for r in ("VTA", "SNc", "NAc", "DSt", "mPFC", "DRN")
    }
    | {f"D1_{r}": ("D1", "mPFC_Pyr", "dendrite", r, "DA", 60.0) for r in ("mPFC",)}
    | {f"HT1A_{r}": ("5-HT1A", "DRN_HT", "soma", r, "5-HT", 20.0) for r in ("DRN", "MRN", "mPFC")}
    | {f"HT1B_{r}": ("5-HT1B", "DRN_HT", "terminal", r, "5-HT", 6.0) for r in _HT}
    | {f"HT2C_{r}": ("5-HT2C", "VTA_GABA", "soma", r, "5-HT", 8.0) for r in ("VTA", "SNc", "DRN")}
    | {f"HT2A_{r}": ("5-HT2A", "mPFC_Pyr", "dendrite", r, "5-HT", 8.0) for r in ("VTA", "mPFC")},
)


@dataclass(frozen=True)
class Treatment:
    """What an arm does in the drug phase, as factors on the world.

    Attributes
    ----------
    rates : mapping of population → factor
    levels : mapping of transmitter or (region, transmitter) → factor
    ligands : mapping of ligand → nM
    lesions : mapping of population → part of the cells lost
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    levels: Mapping[object, float] = field(default_factory=dict)
    ligands: Mapping[str, float] = field(default_factory=dict)
    lesions: Mapping[str, float] = field(default_factory=dict)


SSRI = Treatment(
    {"DRN_HT": 0.45, "MRN_HT": 0.6, "VTA_DA": 0.85, "VTA_GABA": 1.15},
    {"5-HT": 3.0, "DA": 0.9},
    {"escitalopram": 25.0},
)
FOUR_ARMS = {
    "vehicle": Treatment(),
    "escitalopram": SSRI,
    "escitalopram_way": Treatment(
        {"DRN_HT": 1.05, "VTA_DA": 0.8}, {"5-HT": 5.5, "DA": 0.82}, {"escitalopram": 25.0, "WAY-100635": 8.0}
    ),
    "escitalopram_sb": Treatment(
        {"DRN_HT": 0.5, "VTA_DA": 1.1}, {"5-HT": 3.1, "DA": 1.25}, {"escitalopram": 25.0, "SB-242084": 30.0}
    ),
}


def trains(
    random: np.random.Generator, rates: np.ndarray, duration: float, bursts: bool = False
) -> SpikeTrains:
    """Gamma-renewal trains, one rate (Hz) per cell; with bursts, every other interval is short."""
    rows = []
    for rate in rates:
        n = int(rate * duration * 2) + 20
        interval = random.gamma(4.0, 0.25, n) / rate if rate > 0 else np.full(1, 2 * duration)
        if bursts:
            short = random.random(interval.size) < 0.45
            interval = np.where(short, random.uniform(0.03, 0.075, interval.size), interval * 1.6)
        time = np.cumsum(interval) - (interval[0] * random.random() if rate > 0 else 0.0)
        rows.append(np.unique((time[time < duration] / DT).astype(np.int64)))
    row_size = np.array([row.size for row in rows], np.int32)
    step = np.concatenate([np.zeros(0, np.int64), *rows])
    return SpikeTrains(step.astype(np.int32), row_size, DT, duration)


def made(*cells, duration=10.0):
    """Trains from lists of times in s."""
    steps = [np.round(np.array(cell, float) / DT).astype(np.int32) for cell in cells]
    return SpikeTrains(
        np.concatenate([np.zeros(0, np.int32), *steps]),
        np.array([len(c) for c in cells], np.int32),
        DT,
        duration,
    )


def joined(parts: Sequence[SpikeTrains]) -> SpikeTrains:
    """Trains of several populations as one array."""
    return SpikeTrains(
        np.concatenate([p.step for p in parts]),
        np.concatenate([p.row_size for p in parts]),
        DT,
        parts[0].duration,
    )


def _felt(factor: float, person: np.random.Generator) -> float:
    """A treatment's factor as one person feels it; none stays none."""
    return factor ** person.lognormal(0.0, 0.25)


def phase(
    name: str = "drug",
    world: World = SMALL,
    treatment: Treatment = Treatment(),
    *,
    subject: int = 0,
    at: float = 0.0,
    record: float = 1.0,
    ligands: Sequence[str] = (),
) -> PhaseResult:
    """One phase of one made-up subject; its noise hangs on subject and phase, never on the treatment."""
    random = np.random.default_rng([subject, len(name)])
    person = np.random.default_rng([subject, 99])
    labels, parts, alive = world.labels, [], []
    for population, (n, rate, active, bursts) in world.rates.items():
        spread = person.gamma(8.0, 1 / 8.0, n) * (person.random(n) < active)
        living = np.arange(n) >= round(treatment.lesions.get(population, 0.0) * n)
        factor = _felt(treatment.rates.get(population, 1.0), person)
        parts.append(trains(random, rate * spread * living * factor, record, bursts))
        alive.append(living)
    spikes, alive = joined(parts), np.concatenate(alive)
    levels = np.array(
        [
            level
            * person.lognormal(0, 0.08)
            * _felt(treatment.levels.get(pool, treatment.levels.get(pool[1], 1.0)), person)
            for pool, level in world.levels.items()
        ]
    )
    n_times = round(record / TRACE_STEP)
    wander = np.exp(0.06 * np.cumsum(random.normal(0, 0.15, (levels.size, n_times)), axis=1))
    trace = levels[:, None] * wander / wander.mean(axis=1, keepdims=True)
    where = {pool: k for k, pool in enumerate(world.levels)}
    K = np.array([site[5] for site in world.sites.values()])
    heard = np.array([levels[where[site[3], site[4]]] for site in world.sites.values()])
    dose = np.array([treatment.ligands.get(ligand, 0.0) for ligand in ligands])
    terms = np.outer(np.ones(K.size), dose / 40.0)
    activation = heard / (K + heard)
    voltage = person.normal(-0.06, 0.004, (len(world.voltages), round(record / 1e-3)))
    return PhaseResult(
        name=name,
        at=at,
        record=record,
        dt=DT,
        trace_step=TRACE_STEP,
        voltage_step=1e-3,
        labels=labels,
        spikes=spikes,
        alive=alive,
        traces={
            "concentration": trace.astype(np.float32),
            "activation": np.repeat(activation[:, None], n_times, axis=1).astype(np.float32),
            "rate": population_rates(spikes, alive, labels.population_sizes, TRACE_STEP, n_times),
            "voltage": voltage,
        },
        means={
            "concentration": levels,
            "release": levels * 4.0,
            "uptake": levels * 3.5,
            "efflux": np.zeros(levels.size),
            "filling": np.ones(levels.size),
            "loss": levels * 0.5,
            "drift": np.zeros(levels.size),
            "activation": activation,
            "heard": heard,
        },
        populations=tuple(PopulationInfo(*_what(name)) for name in world.rates),
        sites=tuple(SiteInfo(*site[:4]) for site in world.sites.values()),
        site_transmitters=tuple(site[4] for site in world.sites.values()),
        transmitter_occupancy=heard / K / (1 + heard / K + terms.sum(axis=1)),
        ligands=tuple(ligands),
        occupancy=terms / (1 + heard / K + terms.sum(axis=1))[:, None],
        carriers=CARRIERS,
        carrier_occupancy=np.outer([0.1, 1.0, 0.05], dose / (dose + 5.0)) if dose.size else np.zeros((3, 0)),
        drug_concentrations=dose,
        receptor_number=np.ones(len(world.sites)),
    )


def _what(population: str) -> tuple[str, str]:
    """Region and transmitter of a population, by its name."""
    region, cell = population.split("_")
    return region, {"HT": "5-HT", "Pyr": "Glu", "PV": "GABA"}.get(cell, cell)


def key_of(*parts: object) -> str:
    """A made-up key, as long as real ones."""
    return sha256(repr(parts).encode()).hexdigest()[:24]


def trial(
    key: str = "k0",
    world: World = SMALL,
    treatment: Treatment = Treatment(),
    *,
    subject: int = 0,
    record: float = 1.0,
    phases: Sequence[str] = ("baseline", "drug"),
) -> TrialResult:
    """A whole trial: lesions from the start, the rest of the treatment in all but the first of several phases."""
    ligands, done = tuple(treatment.ligands), []
    for number, name in enumerate(phases):
        before = len(phases) > 1 and number == 0
        given = (
            Treatment(lesions=treatment.lesions, ligands=dict.fromkeys(ligands, 0.0)) if before else treatment
        )
        at = -60.0 if before else 2700.0
        done.append(phase(name, world, given, subject=subject, at=at, record=record, ligands=ligands))
    return TrialResult(key, "ok", "", 1.5, tuple(done))


def results_folder(
    folder: Path,
    world: World = SMALL,
    arms: Mapping[str, Treatment] | None = None,
    *,
    subjects: int = 2,
    record: float = 1.0,
    phases: Sequence[str] = ("baseline", "drug"),
    axes: Sequence[Axis] = (),
    at_point=None,
    outcomes: Mapping[tuple[str, int], str] | None = None,
    attributes: Mapping[str, object] | None = None,
    trial_attributes: Mapping[str, Mapping[str, object]] | None = None,
    different: int | None = None,
    has_spikes: bool = True,
) -> Path:
    """Write a whole results folder: trial files and summary.

    Parameters
    ----------
    folder : Path
    world : World
    arms : mapping of name → Treatment
        The first is the reference, which no axis touches.
    at_point : callable (Treatment, point) → Treatment
        What the scan does to every other arm.
    outcomes : mapping of (arm, subject) → outcome without data
    trial_attributes : mapping of arm → what its trials say beside their subject
    different : int, optional
        Points on an axis after which the same trials come again.
    has_spikes : bool
        False leaves out what spikes make, as ``engine: none`` does.
    """
    arms = arms or {"vehicle": Treatment(), "escitalopram": SSRI}
    keys, records = {}, {}
    reference = next(iter(arms))
    for (arm, treatment), subject in product(arms.items(), range(subjects)):
        for point in product(*(range(len(axis.values)) for axis in axes)):
            own = () if arm == reference else tuple(k % (different or k + 1) for k in point)
            key = keys[arm, subject, point] = key_of(arm, subject, own)
            if key in records:
                continue
            given = at_point(treatment, own) if own and at_point else treatment
            outcome = (outcomes or {}).get((arm, subject), "ok")
            if outcome == "ok":
                result = trial(key, world, given, subject=subject, record=record, phases=phases)
            else:
                result = TrialResult(key, outcome, "it was made to fail", 0.1)
            more = (trial_attributes or {}).get(arm, {})
            write_trial(folder, result, trial_rates(result), {"subject": subject, **more})
            records[key] = read_record(trial_path(folder, key))
    tree = assemble_summary(
        records,
        keys,
        arms=list(arms),
        subjects=range(subjects),
        phases=phases,
        axes=axes,
        reference=(reference, phases[0]),
        has_spikes=has_spikes,
        attributes={"name": "made_up", "experiment_yaml": "name: made_up\n", "seed": 0, **(attributes or {})},
    )
    write_summary(folder, tree)
    return folder
