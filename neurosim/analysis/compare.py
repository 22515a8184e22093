"""Paired comparison of two arms over subjects."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import stdtr, stdtrit

from neurosim.analysis.readout import known_name
from neurosim.errors import ResultSchemaError

__all__ = ["COMPARED", "CONFIDENCE", "FEWEST_FOR_P", "STATISTICS", "compare", "paired_statistics"]

COMPARED = ("rates", "pools", "receptors", "drugs", "balance")
STATISTICS = ("difference", "ratio", "low", "high", "ratio_low", "ratio_high", "n")
CONFIDENCE = 0.95
FEWEST_FOR_P = 6


def compare(
    summary: xr.DataTree, a: str | tuple[str, str], b: str | tuple[str, str], phase: str | None = None
) -> xr.DataTree:
    """How ``a`` differs from ``b``, paired over subjects within one phase and scan point.

    Parameters
    ----------
    summary : DataTree
        From :attr:`neurosim.analysis.Results.summary`.
    a, b : str or (arm, phase)
    phase : str, optional
        Of the arguments that do not name theirs; the last by default.

    Returns
    -------
    DataTree
        The groups ``rates pools receptors drugs balance``, as far as the results have them, with ``statistic`` in
        the place of arm, subject and phase:

        =========================  ===========================================================================
        ``difference``             mean of a - b, in the variable's unit
        ``low``, ``high``          its 95 % interval (t on the differences)
        ``ratio``                  geometric mean of a / b; NaN where a value is negative, in a 0 / 0,
                                   and for the balance, which is a logarithm
        ``ratio_low, ratio_high``  its 95 % interval (t on the log ratios)
        ``n``                      number of subjects with both values
        ``p``                      two-sided, t on the differences; only with at least 6 subjects
        =========================  ===========================================================================

    Raises
    ------
    ResultSchemaError
        An arm or phase that the results do not have.
    """
    arm_a, phase_a = _resolve(summary, a, phase)
    arm_b, phase_b = _resolve(summary, b, phase)
    groups = {}
    for group in (name for name in COMPARED if name in summary.children):
        dataset = summary[group].to_dataset()
        left = dataset.sel(arm=arm_a, phase=phase_a, drop=True)
        right = dataset.sel(arm=arm_b, phase=phase_b, drop=True)
        groups[group] = xr.Dataset(
            {
                name: paired_statistics(left[name], right[name], has_ratio=group != "balance")
                for name in dataset.data_vars
            }
        )
    attributes = {"a": f"{arm_a}, {phase_a}", "b": f"{arm_b}, {phase_b}", "confidence": CONFIDENCE}
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attributes), **groups})


def _resolve(summary: xr.DataTree, argument: str | tuple[str, str], phase: str | None) -> tuple[str, str]:
    if not isinstance(argument, str) and not (isinstance(argument, tuple | list) and len(argument) == 2):
        raise ResultSchemaError(f"compare: {argument!r} is neither an arm nor a pair (arm, phase)")
    arm, own_phase = (argument, None) if isinstance(argument, str) else argument
    coords = summary["trials"].coords
    arms, phases = coords["arm"].values.tolist(), coords["phase"].values.tolist()
    own_phase = own_phase or phase or phases[-1]
    for what, name, allowed in (("arm", arm, arms), ("phase", own_phase, phases)):
        known_name(what, name, allowed, "compare: ")
    return arm, own_phase


def paired_statistics(a: xr.DataArray, b: xr.DataArray, has_ratio: bool = True) -> xr.DataArray:
    """Statistics of a - b and, where they have a meaning, of a / b over ``subject``; see :func:`compare`."""
    axis = a.get_axis_num("subject")
    left, right = np.moveaxis(a.values, axis, 0), np.moveaxis(b.values, axis, 0)
    parts = paired_numbers(left, right, has_ratio)
    names = STATISTICS + (("p",) if left.shape[0] >= FEWEST_FOR_P else ())
    dims = [d for d in a.dims if d != "subject"]
    coords = {name: c for name, c in a.coords.items() if "subject" not in c.dims}
    return xr.DataArray(
        np.stack([parts[name] for name in names]),
        dims=["statistic", *dims],
        coords={"statistic": list(names), **coords},
        attrs={**a.attrs, "note": "ratio, ratio_low, ratio_high, n and p are dimensionless"},
    )


def paired_numbers(left: np.ndarray, right: np.ndarray, has_ratio: bool = True) -> dict[str, np.ndarray]:
    """Statistic → its values, of arrays whose first axis is ``subject``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = _mean_interval(left - right)
        ratio = {key: np.exp(value) for key, value in _mean_interval(np.log(left / right)).items()}
        # one subject without a ratio is no reason to leave that subject out
        undefined = ((left < 0) | (right < 0) | ((left == 0) & (right == 0))).any(axis=0)
        ratio = {key: np.where(undefined | (not has_ratio), np.nan, value) for key, value in ratio.items()}
    return {
        "difference": difference["mean"],
        "ratio": ratio["mean"],
        "low": difference["low"],
        "high": difference["high"],
        "ratio_low": ratio["low"],
        "ratio_high": ratio["high"],
        "n": np.isfinite(left - right).sum(axis=0).astype(float),
        "p": difference["p"],
    }


def _mean_interval(values: np.ndarray) -> dict[str, np.ndarray]:
    """Mean over the first axis, its 95 % t interval and two-sided p against 0, leaving NaN out."""
    used = ~np.isnan(values)
    n = used.sum(axis=0)
    mean = np.where(used, values, 0.0).sum(axis=0) / np.where(n > 0, n, np.nan)
    square = np.where(used, (values - mean) ** 2, 0.0).sum(axis=0)
    freedom = np.where(n > 1, n - 1, np.nan)
    error = np.sqrt(square / freedom / n)
    half = stdtrit(freedom, 0.5 + CONFIDENCE / 2) * error
    p = np.where(n >= FEWEST_FOR_P, 2.0 * stdtr(freedom, -np.abs(mean) / error), np.nan)
    # no difference in any subject leaves nothing to test
    p = np.where((mean == 0) & (error == 0), 1.0, p) if values.shape[0] >= FEWEST_FOR_P else p
    return {"mean": mean, "low": mean - half, "high": mean + half, "p": p}
