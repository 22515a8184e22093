"""Occupancy over dose: what a drug and its active metabolites hold of a target, and the dose that holds half of it.

Kinetics are linear, so the free concentration of every ligand is its concentration per unit dose times the dose: one
evaluation of the pharmacokinetics serves any number of doses, and the dose for half occupancy is exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from neurosim import reference, units
from neurosim.errors import SpecError
from neurosim.pharmacology.competition import per_nM, transmitter_x
from neurosim.pharmacology.pk import exposure, plasma

__all__ = ["DoseOccupancy", "dose_occupancy"]

_NG_PER_ML = 1e3  # per mg/L


@dataclass(frozen=True, eq=False)
class DoseOccupancy:
    """Occupancy of a target over the dose of a drug.

    Attributes
    ----------
    drug, target, species, route : str
    at : float, s
        Time after the first dose.
    ligands : tuple of str
        The drug and its active metabolites.
    doses : ndarray, shape (dose,), mg/kg
    concentrations : ndarray, shape (dose, ligand), nM
        Free in the brain.
    by_ligand : ndarray, shape (dose, ligand)
        Part of the target that each ligand holds.
    transmitter : ndarray, shape (dose,)
        Part that the transmitter holds.
    ED50 : float, mg/kg
        Dose at which drug and metabolites together hold half of the target; infinite if none of them binds there or
        is in the brain at that time.
    EC50 : float, ng/mL
        Total plasma concentration of the drug itself at that dose; NaN if ED50 is infinite.

    Notes
    -----
    A PET study that compares a scan under the drug with one before sees the same number: 1 - BP/BP_0 is what the drugs
    hold, if the transmitter does not change.
    """

    drug: str
    target: str
    species: str
    route: str
    at: float
    ligands: tuple[str, ...]
    doses: np.ndarray
    concentrations: np.ndarray
    by_ligand: np.ndarray
    transmitter: np.ndarray
    ED50: float
    EC50: float

    @property
    def occupancy(self) -> np.ndarray:
        """Part of the target that the drug and its metabolites hold, shape (dose,)."""
        return self.by_ligand.sum(axis=-1)


def _amount(value: Any, dimension: str) -> float:
    return float(units.parse(value, dimension) if isinstance(value, str) else value)


def _doses(doses: Any) -> np.ndarray:
    found = [doses] if isinstance(doses, str) or np.ndim(doses) == 0 else doses
    if not isinstance(found, np.ndarray):
        found = [_amount(dose, "dose") for dose in found]
    values = np.asarray(found, float).ravel()
    if not (np.isfinite(values) & (values >= 0)).all():
        worst = next(v for v in values if not (np.isfinite(v) and v >= 0))
        raise SpecError(f"doses: {worst:g} mg/kg was given; allowed: 0 or more")
    return values


def dose_occupancy(
    drug: str,
    doses: Sequence[Any] | Any,
    target: str,
    species: str,
    route: str,
    at: str | float = "1 h",
    transmitter: str | float | None = None,
    ii: str | float | None = None,
    addl: int | None = None,
    ss: bool = False,
    tau: float | None = None,
    profile: str = "default",
) -> DoseOccupancy:
    """Occupancy of a receptor, carrier, store or enzyme over the dose of a drug.

    Parameters
    ----------
    drug : str
    doses : sequence
        ``"3 mg/kg"`` or numbers in mg/kg; of each of the repeated doses.
    target : str
        ``D2``, ``SERT``, ``VMAT2`` ...
    species, route : str
    at : str or float
        Time after the first dose, ``"12 h"`` or a number in s; with ``ss`` after any dose.
    transmitter : str or float, optional
        Level of the target's own transmitter, ``"45 nM"`` or a number in nM: it competes. Without it nothing does.
    ii, addl, ss : optional
        Repeated doses as in :func:`~neurosim.pharmacology.exposure`.
    tau : float, optional
        Receptor reserve of the tissue, which sets the constant of agonists and of the transmitter.
    profile : str
        Chooses among several published constants.

    Returns
    -------
    DoseOccupancy

    Raises
    ------
    ReferenceDataError, SpecError, UnitError
        An unknown name, a dose or time without a unit, a drug that cannot be given by dose, a negative dose.

    Notes
    -----
    All ligands compete at equilibrium: x_j = C_j/K_j, occupancy_j = x_j / (1 + x_T + Σ x). With C_j = u_j · dose,
    ED50 = (1 + x_T) / Σ (u_j/K_j).

    Examples
    --------
    Haloperidol by mouth, once a day at steady state, scanned twelve hours later, dopamine in its place:

    >>> import numpy as np
    >>> from neurosim.pharmacology import dose_occupancy
    >>> curve = dose_occupancy("haloperidol", np.geomspace(0.001, 1, 10_000), "D2", "human", "oral",
    ...                        at="12 h", transmitter="45 nM", ii="24 h", ss=True)
    >>> curve.occupancy.shape, bool(np.all(np.diff(curve.occupancy) > 0))
    ((10000,), True)
    >>> bool(np.isclose(np.interp(curve.ED50, curve.doses, curve.occupancy), 0.5, atol=1e-6))
    True
    """
    values, moment = _doses(doses), _amount(at, "time")
    interval = None if ii is None else _amount(ii, "time")
    entry = SimpleNamespace(drug=drug, route=route, dose=1.0, time=0.0, ii=interval, addl=addl, ss=ss)
    per_dose = exposure([entry], species, moment)
    ligands = tuple(per_dose)
    unit = np.array([per_dose[name] for name in ligands], float)
    level = 0.0 if transmitter is None else _amount(transmitter, "concentration")
    x_T = float(transmitter_x(target, level, tau))
    concentrations = values[:, None] * unit
    slope = unit * per_nM(target, ligands, species, tau, profile)
    total = 1.0 + x_T + values * slope.sum()
    ED50 = (1.0 + x_T) / slope.sum() if slope.sum() > 0 else math.inf
    name = reference.drug(drug).name
    in_plasma = _NG_PER_ML * plasma([entry], species, moment)[name]
    return DoseOccupancy(
        drug=name,
        target=reference.target(target).name,
        species=reference.species(species).name,
        route=reference.route(route).name,
        at=moment,
        ligands=ligands,
        doses=values,
        concentrations=concentrations,
        by_ligand=values[:, None] * slope / total[:, None],
        transmitter=x_T / total,
        ED50=ED50,
        EC50=in_plasma * ED50 if math.isfinite(ED50) else math.nan,
    )
