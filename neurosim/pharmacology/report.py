"""Numbers for a person who asks about a drug: time course of a dose, occupancy by concentration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from neurosim import reference, units
from neurosim.pharmacology.binding import drug_constants, site_constants
from neurosim.pharmacology.metabolism import pk_provenance
from neurosim.pharmacology.parameters import PKNumber, absorption, pk_parameters
from neurosim.pharmacology.pk import exposure, plasma_modes
from neurosim.pharmacology.targets import is_expressed

__all__ = ["OccupancyTable", "PKReport", "occupancy_table", "pk_report"]


@dataclass(frozen=True)
class PKReport:
    """One dose of a drug: free brain concentration.

    Attributes
    ----------
    Cmax : float, nM
    tmax, t_half : float, s
        Time of the maximum; half-life of the last phase.
    AUC : float, nM·s
        From 0 to infinity.
    numbers : tuple of PKNumber
        What this rests on.
    """

    drug: str
    species: str
    route: str
    dose: float
    Cmax: float
    tmax: float
    t_half: float
    AUC: float
    numbers: tuple[PKNumber, ...]


@dataclass(frozen=True)
class OccupancyTable:
    """Occupancy of each target by a drug alone.

    ``K`` has shape (target,), nM; ``fraction`` has shape (target, concentration).
    """

    drug: str
    concentrations: np.ndarray
    targets: tuple[str, ...]
    K: np.ndarray
    fraction: np.ndarray


def _peak_time(rate: np.ndarray, ka: float | None) -> tuple[float, float]:
    """Bounds of the time of the maximum: every mode peaks between them."""
    if ka is None:
        return 0.0, 0.0
    times = [math.log(ka / r) / (ka - r) if abs(ka - r) > 1e-9 * ka else 1.0 / ka for r in rate]
    return min(times), max(times)


def pk_report(drug: str, dose: str | float, route: str, species: str) -> PKReport:
    """Maximum, its time, half-life and area of a single dose.

    Parameters
    ----------
    dose : str or float
        ``"10 mg/kg"`` or a number in mg/kg.

    Raises
    ------
    ReferenceDataError, SpecError, UnitError
        As :func:`~neurosim.pharmacology.exposure`.
    """
    amount = float(units.parse(dose, "dose") if isinstance(dose, str) else dose)
    parameters, way = pk_parameters(drug, species), absorption(drug, species, route)
    entry = SimpleNamespace(drug=parameters.drug, dose=amount, route=way.route, time=0.0)
    _, rate = plasma_modes(parameters)
    early, late = _peak_time(rate, way.ka)
    tmax = early
    if late > early:
        from scipy.optimize import minimize_scalar

        tmax = minimize_scalar(
            lambda t: -exposure([entry], species, t)[parameters.drug], bounds=(early, late), method="bounded"
        ).x
    return PKReport(
        drug=parameters.drug,
        species=parameters.species,
        route=way.route,
        dose=amount,
        Cmax=exposure([entry], species, tmax)[parameters.drug],
        tmax=float(tmax),
        t_half=math.log(2) / min(rate.min(), math.inf if way.ka is None else way.ka),
        AUC=amount * way.F / parameters.CL * parameters.brain_per_plasma,
        numbers=tuple(pk_provenance(drug, species, route)),
    )


def occupancy_table(drug: str, concentrations: Sequence[Any]) -> OccupancyTable:
    """Occupancy of all receptors and carriers that a drug acts on, by the drug alone.

    Parameters
    ----------
    concentrations : sequence
        Free concentrations, ``"10 nM"`` or numbers in nM.

    Notes
    -----
    An agonist's K is that of the reference assay.

    Raises
    ------
    ReferenceDataError
        If the drug is not known.
    """
    found = reference.drug(drug)
    c = np.array(
        [float(units.parse(v, "concentration") if isinstance(v, str) else v) for v in concentrations]
    )
    K = _constants(found.name)
    values = np.array(list(K.values()), float)
    x = c[None, :] / values[:, None]
    return OccupancyTable(found.name, c, tuple(K), values, x / (1.0 + x))


def _constants(drug: str) -> Mapping[str, float]:
    found = {}
    for row in reference.bindings(drug):
        if not is_expressed(row):
            continue
        if row.kind == "carrier":
            found[row.target] = row.Ki
        else:
            receptor = reference.receptor(row.target)
            found[row.target] = drug_constants(row, receptor, site_constants(row.target, receptor.tau_assay))[
                0
            ]
    return dict(sorted(found.items(), key=lambda item: item[1]))
