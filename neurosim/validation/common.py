"""What readouts share: names that must be there, what a change is measured against, numbers over subjects."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis import Results
from neurosim.analysis.compare import paired_statistics
from neurosim.errors import SpecError, nearest
from neurosim.recording import OUTCOMES_WITH_DATA
from neurosim.validation.registry import Reading

__all__ = [
    "against_of",
    "arms_of",
    "fold_of",
    "in_per_cent",
    "known",
    "level_of",
    "mean_over",
    "names_of",
    "of_subjects",
    "per_pair",
    "per_subject",
    "phase_of",
    "pool_of",
    "resolved_of",
    "species_of",
    "statistics_over",
]


def known(what: str, name: Any, allowed) -> Any:
    """A name that must be among others."""
    if name not in allowed:
        raise SpecError(f"no {what} {name!r} in these results; {nearest(name, allowed)}")
    return name


def phase_of(results: Results, phase: str | None) -> str:
    """A phase of the results, by default the last."""
    return results.phases[-1] if phase is None else known("phase", phase, results.phases)


def against_of(results: Results, against: Any, phase: str) -> tuple[str, str]:
    """Arm and phase to compare with: the reference, an arm in the same phase, or both as they are named."""
    if against is None:
        return results.reference
    arm, when = (against, phase) if isinstance(against, str) else tuple(against)
    return known("arm", arm, results.arms), known("phase", when, results.phases)


def arms_of(results: Results, arm: Any) -> list[str]:
    """One arm or several."""
    return [known("arm", name, results.arms) for name in names_of(arm)]


def pool_of(pool: Any) -> dict[str, str]:
    """``REGION.TRANSMITTER`` as labels."""
    region, dot, transmitter = str(pool).partition(".")
    if not dot:
        raise SpecError(f"pool {pool!r} is not REGION.TRANSMITTER, e.g. NAc.DA")
    return {"transmitter": transmitter, "region": region}


def resolved_of(results: Results) -> dict[str, Any]:
    """The experiment as it was understood."""
    return json.loads(results.attributes["resolved"])


def species_of(results: Results) -> str:
    """The species of the experiment."""
    return resolved_of(results)["species"]


def of_subjects(
    results: Results, group: str, variable: str, labels: Mapping[str, str], arm: str, phase: str
) -> xr.DataArray:
    """A number of the summary for each subject of an arm in a phase, dims subject; NaN where a trial has no data.

    Raises
    ------
    SpecError
        A label that is not there; an arm that is scanned, so that a subject has more than one value.
    """
    if results.is_scanned(known("arm", arm, results.arms)):
        raise SpecError(f"arm {arm!r} is scanned, so it has no single value; name an arm without scan axes")
    values = results.summary[group][variable]
    for dim, name in labels.items():
        values = values.sel({dim: known(dim, name, values[dim].values.tolist())}, drop=True)
    values = values.sel(arm=arm, phase=known("phase", phase, results.phases), drop=True)
    return values.isel(dict.fromkeys(results.axes, 0), drop=True)


def level_of(results: Results, pools: Any, arm: str, phase: str) -> xr.DataArray:
    """Mean concentration of a pool, geometric over several, nM, dims subject."""
    logs = []
    for pool in names_of(pools):
        level = of_subjects(results, "pools", "concentration", pool_of(pool), arm, phase)
        with np.errstate(divide="ignore"):
            logs.append(np.log(level))
    return np.exp(sum(logs[1:], logs[0]) / len(logs))


def names_of(one_or_more: Any) -> list[str]:
    """One name or a list of them as a list."""
    return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)


def per_subject(results: Results, arm: str, measure: Callable[[xr.DataTree], float]) -> xr.DataArray:
    """A number from the stored trial of each subject of an arm, dims subject; NaN where a trial has no data.

    Raises
    ------
    SpecError
        An arm that is scanned, so that a subject has more than one trial; no subject with data.
    """
    return per_pair(results, (arm,), measure)


def per_pair(results: Results, arms: Sequence[str], measure: Callable[..., float]) -> xr.DataArray:
    """A number from the stored trials of each subject in some arms, one trial an argument; see per_subject."""
    has_data = np.ones(len(results.subjects), bool)
    for arm in arms:
        if results.is_scanned(known("arm", arm, results.arms)):
            raise SpecError(
                f"arm {arm!r} is scanned, so it has no single value; name an arm without scan axes"
            )
        outcomes = results.outcomes.sel(arm=arm).values.reshape(len(results.subjects), -1)[:, 0]
        has_data &= np.isin(outcomes, OUTCOMES_WITH_DATA)
        if not has_data.any():
            raise SpecError(f"no trial of arm {arm!r} has data")
    values = [
        float(measure(*(results.trial(arm, subject) for arm in arms))) if has else np.nan
        for subject, has in zip(results.subjects, has_data, strict=True)
    ]
    return xr.DataArray(values, dims="subject", coords={"subject": list(results.subjects)})


def statistics_over(over_subjects: xr.DataArray) -> Reading:
    """Mean and 95 % interval over subjects of what no scan axis touches."""
    values = over_subjects.values.reshape(over_subjects.sizes["subject"], -1)
    if not np.allclose(values, values[:, :1], equal_nan=True):
        raise SpecError("the arm is scanned, so it has no single value; name an arm without scan axes")
    found = values[:, 0]
    if np.ptp(found) == 0:
        return Reading.exact(found[0])
    return mean_over(xr.DataArray(found, dims="subject"))


def mean_over(over_subjects: xr.DataArray) -> Reading:
    """Mean and 95 % interval over subjects of what is drawn at random in each: one subject gives no interval."""
    s = paired_statistics(over_subjects, xr.zeros_like(over_subjects), has_ratio=False)
    return Reading(*(float(s.sel(statistic=name)) for name in ("difference", "low", "high")))


def fold_of(now: xr.DataArray, before: xr.DataArray, what: str) -> Reading:
    """Geometric mean over subjects of now / before, paired, with its 95 % interval: 1 is no change."""
    return _fold(paired_statistics(now, before), what)


def _fold(statistics: xr.DataArray, what: str) -> Reading:
    if statistics.size != statistics.sizes["statistic"]:
        raise SpecError("the arm is scanned, so it has no single change; name an arm without scan axes")
    found = {
        str(k): float(v) for k, v in zip(statistics.statistic.values, statistics.values.ravel(), strict=True)
    }
    if not np.isfinite(found["ratio"]):
        raise SpecError(f"{what}: no ratio can be formed, a value is missing or 0")
    return Reading(*(found[name] for name in ("ratio", "ratio_low", "ratio_high")))


def in_per_cent(fold: Reading) -> Reading:
    """A fold as a change in per cent: 0 is no change."""
    return Reading(*(100.0 * (value - 1.0) for value in (fold.value, fold.low, fold.high)))
