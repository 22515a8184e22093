"""Rows of drugs: concentrations to give, and how much they move firing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosim import pharmacology
from neurosim.build.checks import resting_concentration
from neurosim.calibration.baseline import middle
from neurosim.calibration.observe import Observation
from neurosim.errors import SpecError
from neurosim.spec import Circuit, GainRow

__all__ = ["bath_label", "control_row", "doses", "drug_value", "maximal_concentration"]

#: "A maximal-effect row of a drug without PK in the species uses C = 10 K" (MODEL §8).
_MAXIMAL = 10.0
#: Concentrations of a half-inhibition row, as parts of the middle of its band.
_LADDER = (0.1, 0.32, 1.0, 3.2, 10.0)


def maximal_concentration(circuit: Circuit, drug: str, site: str) -> float:
    """Ten times the affinity constant of a drug at a site, nM."""
    found = circuit.sites[site]
    EC_50 = None if found.EC_50 is None else float(found.EC_50.value)
    constants = pharmacology.site_constants(found.receptor, float(found.tau.value), EC_50)
    terms = pharmacology.drug_terms(
        found.receptor, {pharmacology.ligand_name(drug): 1.0}, constants, circuit.species
    )
    return _MAXIMAL / terms.X


def bath_label(row: GainRow) -> str:
    """Arm in which the bath of a row holds no drug."""
    return f"{row.source}_rest"


def control_row(circuit: Circuit, row: GainRow) -> GainRow:
    """The row that halves the same firing by the same drug, in slices of animals without the row's treatment.

    Raises
    ------
    SpecError
        If there is none.
    """
    fits = circuit.calibration.gains.values()
    like = (row.drug, row.population, row.washed)
    for other in (other for fit in fits for other in fit.rows if other.EC_50 is not None):
        if (other.drug, other.population, other.washed) == like:
            return other
    raise SpecError(
        f"calibration: row {row.source} compares with an EC_50 of {row.population} under {row.drug} in the same bath; "
        "no row states one"
    )


def doses(circuit: Circuit, row: GainRow) -> list[tuple[str, float]]:
    """Arm and concentration (nM) of each dose that a row of a drug needs."""
    if row.instrument == "change":
        return [(row.source, maximal_concentration(circuit, row.drug, row.site))]
    center = middle(row.band.low, row.band.high)
    if row.instrument == "ratio":
        center = _postsynaptic(circuit, row) / center
    elif row.instrument == "EC_50_ratio":
        control = control_row(circuit, row).band
        center *= middle(control.low, control.high)
    return [(f"{row.source}_{k}", part * center) for k, part in enumerate(_LADDER)]


def drug_value(circuit: Circuit, row: GainRow, seen: Mapping[str, Observation]) -> float:
    """What the row's instrument reads: a part of the rate, nM or a ratio."""
    if row.instrument == "EC_50_ratio":
        control = control_row(circuit, row)
        bath = bath_label(control)
        return _half(circuit, row, seen, bath) / _half(circuit, control, seen, bath)
    rest = bath_label(row) if row.washed else "rest"
    if row.instrument == "change":
        return seen[row.source].rate(row.population) / seen[rest].rate(row.population) - 1.0
    half = _half(circuit, row, seen, rest)
    return half if row.instrument == "EC_50" else _postsynaptic(circuit, row) / half


def _half(circuit: Circuit, row: GainRow, seen: Mapping[str, Observation], rest: str) -> float:
    """Concentration (nM) of a row's drug that halves firing."""
    given, without = doses(circuit, row), seen[rest].rate(row.population)
    parts = np.array([seen[label].rate(row.population) / without for label, _ in given])
    return half_point(np.array([c for _, c in given]), parts)


def half_point(concentrations: np.ndarray, parts: np.ndarray) -> float:
    """Concentration at which the rate is half, log-interpolated; the ladder's end where it is not reached."""
    falling = np.minimum.accumulate(parts)
    if falling[-1] > 0.5:
        return float(concentrations[-1])
    if falling[0] <= 0.5:
        return float(concentrations[0])
    k = int(np.argmax(falling <= 0.5))
    (x0, x1), (y0, y1) = np.log(concentrations[k - 1 : k + 1]), falling[k - 1 : k + 1]
    return float(np.exp(x0 + (y0 - 0.5) / (y0 - y1) * (x1 - x0)))


def _postsynaptic(circuit: Circuit, row: GainRow) -> float:
    """Concentration of the drug that half activates the postsynaptic site, beyond its tone (nM)."""
    site = circuit.sites[row.against]
    EC_50 = None if site.EC_50 is None else float(site.EC_50.value)
    constants = pharmacology.site_constants(site.receptor, float(site.tau.value), EC_50)
    tone = resting_concentration(circuit, row.against)
    name = pharmacology.ligand_name(row.drug)
    grid = np.logspace(-3, 6, 2000)
    levels = []
    for c in grid:
        terms = pharmacology.drug_terms(site.receptor, {name: c}, constants, circuit.species)
        levels.append(
            float(pharmacology.activation(tone, constants.K, constants.tau, terms.X, terms.S, constants.tau_0))
        )
    rest = float(pharmacology.activation(tone, constants.K, constants.tau, tau_0=constants.tau_0))
    part = (np.array(levels) - rest) / (levels[-1] - rest)
    return float(np.interp(0.5, part, grid))
