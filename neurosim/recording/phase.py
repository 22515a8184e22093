"""What an engine measured + what the plan's numbers mean → :class:`PhaseResult`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from neurosim import pharmacology
from neurosim._memory import once_each
from neurosim.build import Plan, Situation, Trial
from neurosim.build.plan import CARRIERS, VOLTAGE_STEP
from neurosim.errors import ResultSchemaError
from neurosim.recording.schema import PhaseContext, PhaseResult, PopulationInfo, SiteInfo, SpikeTrains
from neurosim.spec import PhaseTime

__all__ = ["RawPhaseLike", "phase_context", "phase_result"]


class RawPhaseLike(Protocol):
    """What is read of an engine's result, see ``neurosim.engines``."""

    spike_i: np.ndarray
    spike_step: np.ndarray
    traces: Mapping[str, np.ndarray]
    means: Mapping[str, np.ndarray]
    c_start: np.ndarray
    c_end: np.ndarray


def phase_context(trial: Trial, phase: PhaseTime, situation: Situation) -> PhaseContext:
    """Names, times and binding constants of one phase of a trial.

    Parameters
    ----------
    trial : Trial
    phase : PhaseTime
    situation : Situation
        As :meth:`Trial.phases` gives it.
    """
    concentrations = situation.concentrations
    circuit, layout = trial.resolved.circuit, trial.layout
    ligands = tuple(concentrations)
    found = trial.ligands(phase, situation)
    site_terms = [found[name].fast.x for name in layout.sites]
    held = [{drug: rho for drug, (rho, _) in found[name].held.items()} for name in layout.sites]
    carrier_terms = [
        pharmacology.carrier_terms(carrier, concentrations, trial.knowledge).x for carrier in CARRIERS
    ]
    return PhaseContext(
        name=phase.name,
        at=float(phase.at),
        populations=tuple(
            PopulationInfo(population.region, population.transmitter)
            for population in (circuit.populations[name] for name in layout.populations)
        ),
        sites=tuple(
            SiteInfo(site.receptor, site.on, site.compartment, site.hears)
            for site in (circuit.sites[name] for name in layout.sites)
        ),
        ligands=ligands,
        drug_concentrations=np.array(list(concentrations.values()), float),
        site_terms=_table(site_terms, ligands),
        site_held=_table(held, ligands),
        carriers=CARRIERS,
        carrier_terms=_table(carrier_terms, ligands),
        receptor_number=situation.state.R,
    )


def _table(rows: list[Mapping[str, float]], columns: tuple[str, ...]) -> np.ndarray:
    """Rows of ligand → C/K as an array; a ligand without affinity is 0."""
    return np.array([[row.get(column, 0.0) for column in columns] for row in rows], float).reshape(
        len(rows), len(columns)
    )


def phase_result(raw: RawPhaseLike, plan: Plan, context: PhaseContext) -> PhaseResult:
    """Name and reduce what an engine measured in one phase.

    Parameters
    ----------
    raw : RawPhase
        Spikes in steps of dt from the start of the phase, settle included; traces and means of the recording.
    plan : Plan
        That was run.
    context : PhaseContext

    Returns
    -------
    PhaseResult
        Spikes count from the start of the recording; those of the settling time are dropped.

    Notes
    -----
    What the transmitter holds is measured, what slow drugs hold stands for the phase, the others share the rest at
    equilibrium: (1 - B - ρ) x_j / (1 + Σ x), x = C/K. At carriers the drugs alone
    compete, as in a blockade that is measured against vehicle.

    Raises
    ------
    ResultSchemaError
        Arrays that do not fit the plan.
    """
    structure, labels = plan.structure, plan.labels
    alive = np.asarray(plan.cells["inv_C_m"]) > 0
    means = {key: np.asarray(value, float) for key, value in raw.means.items()}
    means["filling"] = _by_pool(means.pop("filling"), plan)
    means["drift"] = np.asarray(raw.c_end, float) - np.asarray(raw.c_start, float)
    traces = {key: np.asarray(value, np.float32) for key, value in raw.traces.items()}
    n_times = _n_trace_samples(traces, plan, context.name)
    spikes, traces["rate"] = _fired(raw.spike_i, raw, plan, alive, n_times)
    # what the transmitter leaves is shared by the drugs, which come and go fast
    left = (1.0 - context.site_held.sum(axis=1) - means["bound"]) / (1.0 + context.site_terms.sum(axis=1))
    return PhaseResult(
        name=context.name,
        at=context.at,
        record=plan.record,
        dt=structure.dt,
        trace_step=structure.dt_trace,
        voltage_step=VOLTAGE_STEP,
        labels=labels,
        spikes=spikes,
        alive=alive,
        traces=traces,
        means=means,
        populations=context.populations,
        sites=context.sites,
        site_transmitters=tuple(labels.pools[pool][1] for pool in plan.sites["pool"]),
        transmitter_occupancy=means["bound"],
        ligands=context.ligands,
        occupancy=context.site_held + context.site_terms * left[:, None],
        receptor_number=context.receptor_number,
        carriers=context.carriers,
        carrier_occupancy=context.carrier_terms / (1.0 + context.carrier_terms.sum(axis=1))[:, None],
        drug_concentrations=context.drug_concentrations,
    )


def _by_pool(filling: np.ndarray, plan: Plan) -> np.ndarray:
    """Filling of the vesicles of each pool, by what its terminals release per spike; 1 where nobody releases."""
    n, pool, quantum = len(plan.labels.pools), plan.terminals["pool"], plan.terminals["quantum"]
    total = np.bincount(pool, quantum, n)
    return np.divide(np.bincount(pool, quantum * filling, n), total, out=np.ones(n), where=total > 0)


@once_each
def _fired(
    spike_i: np.ndarray, raw: RawPhaseLike, plan: Plan, alive: np.ndarray, n_times: int
) -> tuple[SpikeTrains, np.ndarray]:
    """Spikes of the recording, cell after cell, and rates of the populations; trials that begin alike share them."""
    spikes = _spike_trains(raw, plan)
    return spikes, population_rates(spikes, alive, plan.labels.population_sizes, plan.structure.dt_trace, n_times)


def _spike_trains(raw: RawPhaseLike, plan: Plan) -> SpikeTrains:
    """Spikes of the recording, cell after cell."""
    if plan.record_steps > np.iinfo(np.int32).max:
        raise ResultSchemaError(
            f"a recording of {plan.record:g} s at dt = {plan.structure.dt:g} s has more steps than spike times "
            "can count; record less in one phase"
        )
    step = np.asarray(raw.spike_step, np.int64) - plan.settle_steps
    recorded = (step >= 0) & (step < plan.record_steps)
    cell, step = np.asarray(raw.spike_i)[recorded], step[recorded]
    if (np.diff(step) < 0).any():
        in_time = np.argsort(step, kind="stable")
        cell, step = cell[in_time], step[in_time]
    # numbers below 2^16 are sorted by their digits, several times as fast
    order = np.argsort(cell.astype(np.min_scalar_type(plan.structure.n_cells)), kind="stable")
    row_size = np.bincount(cell, minlength=plan.structure.n_cells)
    return SpikeTrains(
        step[order].astype(np.int32), row_size.astype(np.int32), plan.structure.dt, plan.record
    )


def _n_trace_samples(traces: Mapping[str, np.ndarray], plan: Plan, phase: str) -> int:
    """Samples per trace: one at the start of each step of dt_trace within the recording."""
    expected = -int(-(plan.record / plan.structure.dt_trace - 1e-9) // 1)
    for name in ("concentration", "activation"):
        n_rows = plan.structure.n_pools if name == "concentration" else plan.structure.n_sites
        if traces[name].shape != (n_rows, expected):
            raise ResultSchemaError(
                f"phase {phase!r}: the trace {name!r} has shape {traces[name].shape}, "
                f"{(n_rows, expected)} was expected"
            )
    return expected


def population_rates(
    spikes: SpikeTrains, alive: np.ndarray, sizes: tuple[int, ...], step: float, n_times: int
) -> np.ndarray:
    """Rate per surviving cell over [k step, (k+1) step); NaN without survivors.

    Parameters
    ----------
    spikes : SpikeTrains
        Of all cells.
    alive : bool array, shape (cell,)
    sizes : tuple of int
        Cells per population, in order.
    step : float, s
    n_times : int
        The last step may be cut short by the end of the recording.

    Returns
    -------
    float32 array, shape (population, n_times), Hz
    """
    n_populations = len(sizes)
    population = np.repeat(np.arange(n_populations), sizes)
    # Whole numbers of dt: a division of times in s would put spikes on an edge into either neighbour.
    steps_per_bin = round(step / spikes.dt)
    flat = population[spikes.cell] * n_times + spikes.step // steps_per_bin
    counts = np.bincount(flat, minlength=n_populations * n_times).reshape(n_populations, n_times)
    survivors = np.bincount(population, weights=alive, minlength=n_populations)
    width = np.minimum(spikes.duration - step * np.arange(n_times), step)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (counts / (survivors[:, None] * width)).astype(np.float32)
