"""What a result holds: the objects a run hands over, and the table of variables its files contain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ResultSchemaError

if TYPE_CHECKING:  # reading results must not load what builds and simulates
    from neurosim.build.plan import Labels

__all__ = [
    "COLUMNS",
    "OUTCOMES",
    "OUTCOMES_WITH_DATA",
    "SCHEMA",
    "VARIABLES",
    "PhaseContext",
    "PhaseResult",
    "PopulationInfo",
    "SiteInfo",
    "SpikeTrains",
    "TrialResult",
    "Variable",
]

SCHEMA = "neurosim-results/1"
OUTCOMES_WITH_DATA = ("ok", "silent", "runaway")
OUTCOMES = (*OUTCOMES_WITH_DATA, "failed", "nan", "timeout")


@dataclass(frozen=True)
class Variable:
    """One variable of a group: its dimensions within a trial, its unit and what it is."""

    dims: tuple[str, ...]
    units: str
    long_name: str


_RATES = ("phase", "population")
_POOLS = ("phase", "transmitter", "region")
_SITES = ("phase", "site")

# The written schema. Summary files put (arm, subject, *scan axes) in front of these dimensions.
VARIABLES: dict[str, dict[str, Variable]] = {
    "rates": {
        "firing_rate": Variable(_RATES, "Hz", "spikes per second and surviving cell"),
        "firing_rate_active": Variable(_RATES, "Hz", "mean rate of the cells that fire above 0.2 Hz"),
        "active_fraction": Variable(
            _RATES, "1", "cells above 0.2 Hz as a part of the healthy number of cells"
        ),
        "cv_isi": Variable(_RATES, "1", "coefficient of variation of interspike intervals, mean over cells"),
        "burst_fraction": Variable(_RATES, "1", "spikes in bursts (80/160 ms rule), mean over cells"),
        "n_cells": Variable(_RATES, "1", "number of surviving cells"),
    },
    "pools": {
        "concentration": Variable(_POOLS, "nM", "mean extracellular concentration"),
        "release": Variable(_POOLS, "nM/s", "mean release"),
        "uptake": Variable(_POOLS, "nM/s", "mean uptake by carriers"),
        "efflux": Variable(_POOLS, "nM/s", "mean efflux without spikes, by carriers and past them"),
        "filling": Variable(_POOLS, "1", "how full vesicles are, 1 without drugs"),
        "loss": Variable(_POOLS, "nM/s", "mean loss by k_out: all that no carrier owns"),
        "drift": Variable(_POOLS, "nM", "concentration at the end of the recording less that at its start"),
    },
    "receptors": {
        "activation": Variable(_SITES, "1", "mean activation (operational model)"),
        "heard": Variable(_SITES, "nM", "mean transmitter concentration at the site, near field included"),
        "receptor_number": Variable(_SITES, "1", "number of receptors over that without drugs"),
        "transmitter_occupancy": Variable(_SITES, "1", "receptors bound by the transmitter"),
        "occupancy": Variable((*_SITES, "ligand"), "1", "receptors bound by each drug"),
        "carrier_occupancy": Variable(("phase", "carrier", "ligand"), "1", "carriers bound by each drug"),
    },
    "drugs": {"concentration": Variable(("phase", "drug"), "nM", "free concentration in the brain")},
    "balance": {
        "balance": Variable(
            ("phase", "region"), "1", "log2 of (DA/DA_ref)/(5-HT/5-HT_ref), free concentrations"
        ),
        "balance_activation": Variable(
            ("phase", "region"),
            "1",
            "log2 of (DA/DA_ref)/(5-HT/5-HT_ref), mean activation of the sites that hear",
        ),
    },
    "trials": {
        "wall_time": Variable((), "s", "time the trial took to simulate"),
        "at": Variable(
            ("phase",), "s", "time of the phase on the pharmacological clock; 0 is the first dose"
        ),
        "record": Variable(("phase",), "s", "length of the recording"),
    },
    "traces": {
        "rate": Variable(
            ("phase", "population", "time"), "Hz", "rate per surviving cell over [time, time + step)"
        ),
        "concentration": Variable((*_POOLS, "time"), "nM", "extracellular concentration"),
        "activation": Variable((*_SITES, "time"), "1", "activation (operational model)"),
    },
    "voltages": {"voltage": Variable(("phase", "probe", "time"), "mV", "membrane potential")},
}

# Coordinates along a dimension that say more about its entries.
COLUMNS = {
    "population": ("population_region", "population_transmitter"),
    "site": ("receptor", "on", "compartment", "hears", "site_transmitter"),
}


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """Spike times of many cells as one ragged array.

    Attributes
    ----------
    step : int32 array, shape (n_spikes,)
        Times in steps of ``dt`` from the start of the recording, cell after cell, rising within a cell.
    row_size : int32 array, shape (n_cells,)
        Number of spikes of each cell.
    dt : float, s
    duration : float, s
        Length of the recording.
    """

    step: np.ndarray
    row_size: np.ndarray
    dt: float
    duration: float

    @property
    def n_cells(self) -> int:
        return self.row_size.size

    @property
    def offsets(self) -> np.ndarray:
        """Where each cell's spikes start, shape (n_cells + 1,)."""
        return np.concatenate([[0], np.cumsum(self.row_size, dtype=np.int64)])

    @property
    def cell(self) -> np.ndarray:
        """The cell of each spike, shape (n_spikes,)."""
        return np.repeat(np.arange(self.n_cells, dtype=np.int32), self.row_size)

    def of(self, start: int, stop: int) -> SpikeTrains:
        """The trains of cells start … stop - 1."""
        first, last = self.offsets[[start, stop]]
        return SpikeTrains(self.step[first:last], self.row_size[start:stop], self.dt, self.duration)

    def train(self, cell: int) -> np.ndarray:
        """Spike times of one cell in s from the start of the recording."""
        return self.of(cell, cell + 1).step * self.dt


@dataclass(frozen=True)
class SiteInfo:
    """Where a receptor sits and which region's pool it hears."""

    receptor: str
    on: str
    compartment: str
    hears: str


@dataclass(frozen=True)
class PopulationInfo:
    """Where a population lies and what its cells release."""

    region: str
    transmitter: str


@dataclass(frozen=True, eq=False)
class PhaseContext:
    """What the numbers of a phase mean: times, drugs and binding, none of which an engine knows.

    Attributes
    ----------
    name : str
    at : float, s
        Time on the pharmacological clock.
    populations : tuple of PopulationInfo
    sites : tuple of SiteInfo
        Both in the order of the plan's labels.
    ligands : tuple of str
        Drugs and active metabolites.
    drug_concentrations : array, shape (ligand,), nM
        Free, brain.
    site_terms : array, shape (site, ligand)
        C / K of each drug at each site, 0 of those that are slow there.
    site_held : array, shape (site, ligand)
        What each slow drug holds.
    carriers : tuple of str
    carrier_terms : array, shape (carrier, ligand)
        C / K_i of each drug at each carrier.
    receptor_number : array, shape (site,)
        Over that without drugs.
    """

    name: str
    at: float
    populations: tuple[PopulationInfo, ...]
    sites: tuple[SiteInfo, ...]
    ligands: tuple[str, ...]
    drug_concentrations: np.ndarray
    site_terms: np.ndarray
    site_held: np.ndarray
    carriers: tuple[str, ...]
    carrier_terms: np.ndarray
    receptor_number: np.ndarray


@dataclass(frozen=True, eq=False)
class PhaseResult:
    """One recorded phase.

    Attributes
    ----------
    name : str
    at, record : float, s
        Time on the pharmacological clock; length of the recording.
    dt, trace_step, voltage_step : float, s
        Steps of the fast loop, of the traces and of the voltage traces.
    labels : Labels
        Names of what the arrays hold.
    spikes : SpikeTrains
        Of all cells, in the order of the populations.
    alive : bool array, shape (cell,)
    traces : mapping
        ``concentration`` (pool, time) nM, ``activation`` (site, time), ``rate`` (population, time) Hz per
        surviving cell, ``voltage`` (probe, time) V, absent or empty where none was asked for.
    means : mapping
        ``concentration`` nM, ``release uptake efflux loss`` nM/s, ``drift`` nM, ``filling`` (pool);
        ``activation``, ``bound``, ``heard`` nM (site).
    populations : tuple of PopulationInfo
    sites : tuple of SiteInfo
    site_transmitters : tuple of str
        The transmitter that each site hears.
    transmitter_occupancy : array, shape (site,)
    ligands, carriers : tuple of str
    occupancy : array, shape (site, ligand)
    carrier_occupancy : array, shape (carrier, ligand)
    drug_concentrations : array, shape (ligand,), nM
    receptor_number : array, shape (site,)
    """

    name: str
    at: float
    record: float
    dt: float
    trace_step: float
    voltage_step: float
    labels: Labels
    spikes: SpikeTrains
    alive: np.ndarray
    traces: Mapping[str, np.ndarray]
    means: Mapping[str, np.ndarray]
    populations: tuple[PopulationInfo, ...]
    sites: tuple[SiteInfo, ...]
    site_transmitters: tuple[str, ...]
    transmitter_occupancy: np.ndarray
    ligands: tuple[str, ...]
    occupancy: np.ndarray
    carriers: tuple[str, ...]
    carrier_occupancy: np.ndarray
    drug_concentrations: np.ndarray
    receptor_number: np.ndarray

    def population(self, name: str) -> tuple[SpikeTrains, np.ndarray]:
        """Trains and living mask of one population's cells."""
        index = self.labels.populations.index(name)
        start = sum(self.labels.population_sizes[:index])
        stop = start + self.labels.population_sizes[index]
        return self.spikes.of(start, stop), self.alive[start:stop]


@dataclass(frozen=True, eq=False)
class TrialResult:
    """One subject in one arm at one scan point: how it ended and, where it has data, its phases.

    ``wall_time`` (s) is that of the whole trial, ``loop_time`` (s) that of the simulation loops in it, coupling phases
    included.

    Raises
    ------
    ResultSchemaError
        An outcome that does not exist, or phases beside an outcome that has no data.
    """

    key: str
    outcome: str
    message: str = ""
    wall_time: float = 0.0
    phases: tuple[PhaseResult, ...] = field(default=(), repr=False)
    loop_time: float = 0.0

    def __post_init__(self):
        if self.outcome not in OUTCOMES:
            raise ResultSchemaError(
                f"trial {self.key}: outcome {self.outcome!r} does not exist; allowed: {', '.join(OUTCOMES)}"
            )
        if bool(self.phases) != self.has_data:
            has = "must bring its phases" if self.has_data else "carries no data, so it cannot bring phases"
            raise ResultSchemaError(f"trial {self.key}: a trial with outcome {self.outcome!r} {has}")

    @property
    def has_data(self) -> bool:
        return self.outcome in OUTCOMES_WITH_DATA
