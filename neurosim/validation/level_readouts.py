"""Readouts of pools: how an extracellular level changes, alone or against another; the loss of cells it survives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis import Results
from neurosim.validation.common import (
    against_of,
    arms_of,
    fold_of,
    in_per_cent,
    level_of,
    phase_of,
)
from neurosim.validation.registry import Reading, readout

__all__ = ["leaves"]

_POOLS = ("pools",)


def _pair(results: Results, pool: Any, arm, phase: str, against) -> tuple[xr.DataArray, xr.DataArray]:
    (name,) = arms_of(results, [arm])
    return tuple(level_of(results, pool, *where) for where in ((name, phase), against_of(results, against, phase)))


@readout("%", _POOLS, is_change=True)
def concentration_change(results, pool, arm, phase=None, against=None) -> Reading:
    """Change of a pool's mean concentration (``REGION.TRANSMITTER``; of several their mean), paired over subjects."""
    pair = _pair(results, pool, arm, phase_of(results, phase), against)
    return in_per_cent(fold_of(*pair, f"the level of {pool}"))


@readout("%", _POOLS, is_change=True)
def concentration_contrast(
    results, pool, arm, phase=None, against=None, than=None, than_arm=None, than_against=None
) -> Reading:
    """How much more a level changes than that of another pool, or in other arms: ratio of the two ratios, less one."""
    when = phase_of(results, phase)
    a, b = _pair(results, pool, arm, when, against)
    others = (arm if than_arm is None else than_arm, against if than_against is None else than_against)
    c, d = _pair(results, pool if than is None else than, others[0], when, others[1])
    return in_per_cent(fold_of(a / b, c / d, f"the level of {pool}"))


@readout("%", _POOLS)
def loss_threshold(
    results, pool, losses: Mapping[str, float], low, high, phase=None, against=None
) -> Reading:
    """Loss of cells (%) at which a level leaves low to high % of that without; ``losses`` says how much each arm lacks.

    Infinite if it stays within at every loss.
    """
    order = sorted(losses, key=lambda arm: float(losses[arm]))
    levels = [100.0]
    for arm in order:
        pair = _pair(results, pool, arm, phase_of(results, phase), against)
        levels.append(100.0 * fold_of(*pair, f"the level of {pool}").value)
    lost = [0.0, *(float(losses[arm]) for arm in order)]
    return Reading.exact(leaves(np.array(lost), np.array(levels), float(low), float(high)))


def leaves(x: np.ndarray, y: np.ndarray, low: float, high: float) -> float:
    """Where y, linear between its points, first leaves low to high; infinite if it never does."""
    outside = np.flatnonzero((y < low) | (y > high))
    if not outside.size:
        return math.inf
    k = outside[0]
    if k == 0:
        return float(x[0])
    edge = low if y[k] < low else high
    return float(x[k - 1] + (edge - y[k - 1]) / (y[k] - y[k - 1]) * (x[k] - x[k - 1]))
