"""From a list of doses to concentrations: total in plasma, free in the brain, the drug and its metabolites.

One to three compartments, linear, in closed form (:mod:`neurosim.pharmacology.compartments`): superposition
without a time step. Free brain concentration = fu_plasma · Kpuu · C_plasma, at once or, where a table gives a
ke0, behind plasma by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from neurosim import reference
from neurosim.pharmacology.compartments import CompartmentSystem, compartment_system
from neurosim.pharmacology.metabolism import disposition, metabolite_nodes
from neurosim.pharmacology.parameters import PKParameters
from neurosim.pharmacology.schedules import Schedule, schedule_of
from neurosim.pharmacology.targets import require_expressible

__all__ = ["drug_system", "exposure", "plasma", "plasma_modes"]


def plasma_modes(parameters: PKParameters) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and rates of the exponentials after an intravenous bolus of 1 mg/kg.

    Returns
    -------
    A : ndarray, shape (compartment,), 1/(L/kg)
        Sums to 1/V.
    rate : ndarray, shape (compartment,), 1/s
        All above 0, ascending.

    Notes
    -----
    A mammillary system in the variables amount/√V is symmetric, so its eigenvalues are real, its eigenvectors
    orthogonal and no A_i is negative.

    References
    ----------
    Jacquez 1985, Compartmental Analysis in Biology and Medicine, ch. 4
    """
    volumes = np.array([parameters.V, *(volume for volume, _ in parameters.peripheral)])
    flows = np.array([flow for _, flow in parameters.peripheral])
    rates = np.diag(np.concatenate([[parameters.CL + flows.sum()], flows]) / volumes)
    rates[0, 1:] = rates[1:, 0] = -flows / np.sqrt(volumes[0] * volumes[1:])
    rate, vectors = np.linalg.eigh(rates)
    return vectors[0] ** 2 / parameters.V, rate


@lru_cache(maxsize=512)
def drug_system(drug: str, species: str, route: str, others: tuple[str, ...] = ()) -> CompartmentSystem:
    """The compartments of a drug by a route with its metabolites.

    Parameters
    ----------
    others : tuple of str
        Drugs given too; what they do to the parameters is in pk_interactions.csv.

    Raises
    ------
    ReferenceDataError
        If a name is not known or the numbers for the drug are in no table.
    """
    parameters, way, _ = disposition(drug, species, route, others)
    return compartment_system(parameters, way, metabolite_nodes(parameters.drug, species, others))


def _contributions(
    doses: Iterable[Any], species: str, t: np.ndarray
) -> Iterator[tuple[CompartmentSystem, np.ndarray]]:
    """For every entry its system and the amounts at times t >= 0, shape (time, compartment)."""
    doses = list(doses)
    names = [reference.drug(dose.drug).name for dose in doses]
    # A dose of 0 (an end of a scan) does nothing to the others.
    present = {
        name
        for dose, name in zip(doses, names, strict=True)
        if any(float(getattr(dose, key, None) or 0.0) > 0 for key in ("dose", "rate"))
    }
    for dose, name in zip(doses, names, strict=True):
        others = tuple(sorted(present - {name}))
        _, way, _ = disposition(name, species, dose.route, others)
        system, schedule = drug_system(name, species, dose.route, others), schedule_of(dose, way)
        if len(t) == 1:
            # A scan asks for one time of many doses: amounts are linear in the dose.
            unit = _unit_amounts(name, species, dose.route, others, replace(schedule, amount=1.0), float(t[0]))
            yield system, schedule.amount * unit
        else:
            yield system, schedule.amounts(system, t)


@lru_cache(maxsize=4096)
def _unit_amounts(
    drug: str, species: str, route: str, others: tuple[str, ...], schedule: Schedule, t: float
) -> np.ndarray:
    found = schedule.amounts(drug_system(drug, species, route, others), np.array([t]))
    found.flags.writeable = False
    return found


def _concentrations(
    doses: Iterable[Any], species: str, t: float | np.ndarray, rows: str
) -> dict[str, Any]:
    times = np.asarray(t, float)
    flat = times.ravel()
    is_on = flat >= 0
    found: dict[str, np.ndarray] = {}
    for system, amounts in _contributions(doses, species, flat[is_on]):
        readings: Mapping[str, np.ndarray] = getattr(system, rows)
        for ligand, row in readings.items():
            total = found.setdefault(ligand, np.zeros(len(flat)))
            total[is_on] += amounts @ row
    return {name: c.reshape(times.shape) if times.ndim else float(c[0]) for name, c in found.items()}


def exposure(doses: Iterable[Any], species: str, t: float | np.ndarray) -> dict[str, Any]:
    """Free concentration in the brain of every drug in a list of doses, and of what becomes of it.

    Parameters
    ----------
    doses : iterable
        Objects with ``drug``, ``route``, ``dose`` (mg/kg), ``time`` (s), and, all optional, ``ii`` (s),
        ``addl``, ``ss``, ``rate`` (mg/kg/s), ``duration`` (s). ``addl`` more administrations follow at
        intervals ``ii``; ``ss`` starts from the steady state of infinitely many before, as if the interval
        had been kept for ever; a rate without dose and duration goes on for ever. By a route with absorption
        a rate fills the depot.
    species : str
    t : float or ndarray, s
        On the pharmacological clock: 0 is the first dose. Before 0 there is nothing.

    Returns
    -------
    dict
        Ligand (name of the tables; active metabolites are ligands of their own) → nM, float or array of the
        shape of ``t``.

    Raises
    ------
    ReferenceDataError
        If a name is not known or the numbers for the drug are in no table.
    SpecError
        If the drug acts by what is not modelled, or the entry contradicts itself.

    Notes
    -----
    Exact for linear kinetics. Doses are taken as they are written, salt or base alike. Drugs of one list
    change each other's parameters as pk_interactions.csv says, for the whole list, whenever each is given.
    """
    doses = list(doses)
    for dose in doses:
        require_expressible(dose.drug)
    return _concentrations(doses, species, t, "brain")


def plasma(doses: Iterable[Any], species: str, t: float | np.ndarray) -> dict[str, Any]:
    """Total concentration in plasma, bound and free, of every drug in a list of doses and its metabolites.

    Parameters
    ----------
    doses, species, t
        As in :func:`exposure`.

    Returns
    -------
    dict
        Ligand → mg/L (1 mg/L = 1000 ng/mL), float or array of the shape of ``t``.

    Raises
    ------
    ReferenceDataError, SpecError
        As :func:`exposure`, but what the drug acts on does not matter here.
    """
    return _concentrations(doses, species, t, "plasma")
