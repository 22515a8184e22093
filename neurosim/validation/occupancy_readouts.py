"""Readouts of drugs at receptors and carriers: occupancy, half-effective doses and levels, binding potential.

Occupancy is what a scan sees, 1 - BP/BP_0: drugs, their metabolites and the transmitter compete, the tracer itself holds
nothing. A receptor's transmitter is read where the ``site`` hears it; a carrier needs none.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurosim import pharmacology, reference
from neurosim.analysis import Results
from neurosim.errors import SpecError
from neurosim.validation.common import (
    against_of,
    arms_of,
    known,
    phase_of,
    resolved_of,
    species_of,
    statistics_over,
)
from neurosim.validation.registry import Reading, readout

__all__: list[str] = []

_HALF = 0.5
_NG_PER_ML = 1e3  # per mg/L
_DRUGS = ("drugs", "receptors")


def _heard(results: Results, site: str | None, arm: str, phase: str) -> xr.DataArray | float:
    """Transmitter at a site (nM); 0 where no site is named."""
    if site is None:
        return 0.0
    heard = results.summary["receptors"].heard
    return heard.sel(arm=arm, phase=phase, site=known("site", site, heard.site.values.tolist()), drop=True)


def _ratio(
    results: Results, target: str, arm: str, phase: str, site: str | None, before: tuple
) -> xr.DataArray:
    """BP over its baseline, dims subject × scan axes."""
    found = reference.target(target)
    drugs = results.summary["drugs"].concentration.sel(arm=arm, phase=phase, drop=True).fillna(0.0)
    by_drug = {str(name): drugs.sel(drug=name, drop=True) for name in drugs.drug.values}
    own = pharmacology.transmitter_name(found.name)
    if found.kind == "receptor" and site is None:
        raise SpecError(f"target {found.name}: say at which site its transmitter is heard, e.g. site: D2_DSt")
    now, then = (_heard(results, site, *where) for where in ((arm, phase), before))
    resolved = resolved_of(results)
    if resolved.get("uncertainty"):
        raise SpecError(
            "affinities are drawn per subject here; a scan is read from an experiment without uncertainty"
        )
    how = {"species": resolved["species"], "profile": resolved.get("profile", "default")}
    free = pharmacology.free_part(found.name, by_drug, {own: now} if own else {}, **how)
    rest = pharmacology.free_part(found.name, {}, {own: then} if own else {}, **how)
    ratio = free / rest
    like = drugs.isel(drug=0, drop=True) if drugs.sizes["drug"] else results.keys.sel(arm=arm, drop=True)
    return ratio if isinstance(ratio, xr.DataArray) else xr.full_like(like, ratio, dtype=float)


def _held(results: Results, target: str, arm: str, phase: str | None, site: str | None) -> xr.DataArray:
    """Occupancy as a scan sees it against the reference's transmitter, dims subject × scan axes."""
    return 1.0 - _ratio(results, target, arm, phase_of(results, phase), site, results.reference)


@readout("%", _DRUGS)
def occupancy(results, target, arm, phase=None, site=None) -> Reading:
    """Part of a receptor, carrier or store that drugs hold as a scan sees it; of several arms the mean."""
    found = [
        statistics_over(100.0 * _held(results, target, name, phase, site)) for name in arms_of(results, arm)
    ]
    if len(found) == 1:
        return found[0]
    values = [reading.value for reading in found]
    return Reading(float(np.mean(values)), min(values), max(values))


@readout("%", ("receptors",))
def receptor_occupancy(results, site, arm, phase=None) -> Reading:
    """Part of the receptors of a site that drugs hold, by the constants of the site (function, MODEL §4)."""
    bound = results.summary["receptors"].occupancy
    known("site", site, bound.site.values.tolist())
    (name,) = arms_of(results, [arm])
    return statistics_over(
        100.0 * bound.sel(arm=name, phase=phase_of(results, phase), site=site).sum("ligand")
    )


@readout("%", ("receptors",))
def carrier_occupancy(results, carrier, arm, phase=None) -> Reading:
    """Part of a carrier that drugs hold, without its substrate."""
    bound = results.summary["receptors"].carrier_occupancy
    known("carrier", carrier, bound.carrier.values.tolist())
    (name,) = arms_of(results, [arm])
    return statistics_over(
        100.0 * bound.sel(arm=name, phase=phase_of(results, phase), carrier=carrier).sum("ligand")
    )


@readout("%", _DRUGS)
def occupancy_range(results, target, arm, phase=None, site=None) -> Reading:
    """Middle of the occupancies of some arms or of a scan; low and high are their ends."""
    values = np.concatenate(
        [100.0 * _held(results, target, name, phase, site).values.ravel() for name in arms_of(results, arm)]
    )
    low, high = float(values.min()), float(values.max())
    return Reading((low + high) / 2.0, low, high)


def _over_dose(results, target, arm, phase, site) -> tuple[xr.DataArray, np.ndarray, np.ndarray]:
    """Concentrations (dose × drug), doses (mg/kg) and occupancy along the one scan axis of an arm's dose."""
    (name,) = arms_of(results, [arm])
    axes = [
        axis
        for axis in results.axes.values()
        if axis.path.startswith(f"arms.{name}.") and axis.unit == "mg/kg"
    ]
    if len(axes) != 1 or len(results.axes) != 1:
        raise SpecError(f"arm {name!r} has no dose to go over: it needs a scan with one axis in mg/kg")
    held = _held(results, target, name, phase, site).isel(subject=0)
    c = results.summary["drugs"].concentration.sel(arm=name, phase=phase_of(results, phase)).isel(subject=0)
    return c.fillna(0.0), np.array(axes[0].values, float), held.values


def _at_half(over: np.ndarray, held: np.ndarray) -> float:
    """Where occupancy is a half: its odds are proportional to dose, so interpolating their logarithms is exact."""
    inside = (held > 0) & (held < 1)
    odds = np.log(held[inside] / (1.0 - held[inside]))
    if not odds.size or not odds.min() <= 0.0 <= odds.max():
        raise SpecError(
            f"the scan goes from {100 * held.min():.3g} to {100 * held.max():.3g} % occupancy and does not pass "
            f"{100 * _HALF:g} %; widen it"
        )
    return float(np.exp(np.interp(0.0, odds, np.log(over[inside]))))


@readout("mg/kg", _DRUGS)
def ED50_dose(results, target, arm, phase=None, site=None) -> Reading:
    """Single dose at which drugs hold half of a target."""
    _, doses, held = _over_dose(results, target, arm, phase, site)
    return Reading.exact(_at_half(doses, held))


@readout("mg/d", _DRUGS)
def ED50_daily(results, target, arm, phase=None, site=None) -> Reading:
    """Dose per day, given once, at which drugs hold half of a target, for the body weight of the species."""
    _, doses, held = _over_dose(results, target, arm, phase, site)
    return Reading.exact(_at_half(doses, held) * reference.species(species_of(results)).weight)


@readout("ng/mL", _DRUGS)
def EC50_plasma(results, target, arm, drug, phase=None, site=None) -> Reading:
    """Total plasma concentration of a drug at which drugs hold half of a target."""
    c, doses, held = _over_dose(results, target, arm, phase, site)
    return Reading.exact(np.interp(_at_half(doses, held), doses, _plasma(results, c, drug)))


@readout("%", _DRUGS)
def occupancy_at_plasma(results, target, arm, drug, plasma, phase=None, site=None) -> Reading:
    """Part of a target that drugs hold where the total plasma concentration of one is ``plasma`` (ng/mL)."""
    c, _, held = _over_dose(results, target, arm, phase, site)
    levels, asked = _plasma(results, c, drug), float(plasma)
    if not levels.min() <= asked <= levels.max():
        raise SpecError(
            f"plasma {asked:g} ng/mL lies outside the scan, {levels.min():.3g} to {levels.max():.3g} ng/mL"
        )
    # Odds are proportional to the level.
    odds = np.interp(
        np.log(asked), *(np.log(v[1:] if levels[0] == 0 else v) for v in (levels, held / (1.0 - held)))
    )
    return Reading.exact(100.0 / (1.0 + np.exp(-odds)))


def _plasma(results: Results, c: xr.DataArray, drug: str) -> np.ndarray:
    """Total in plasma (ng/mL) beside the free concentrations of a drug in the brain: both are in equilibrium."""
    name = known("drug", pharmacology.ligand_name(drug), c.drug.values.tolist())
    parameters = pharmacology.pk_parameters(name, species_of(results))
    return _NG_PER_ML * c.sel(drug=name).values.ravel() / parameters.brain_per_plasma


@readout("%", _DRUGS, is_change=True)
def BP_change(results, tracer, arm, phase=None, site=None, against=None) -> Reading:
    """Change of a tracer's binding potential against the reference arm and phase, drugs and transmitter competing."""
    found = reference.tracer(tracer)
    (name,), now = arms_of(results, [arm]), phase_of(results, phase)
    ratio = _ratio(results, found.acts_at, name, now, site, against_of(results, against, now))
    return statistics_over(100.0 * (ratio - 1.0))
