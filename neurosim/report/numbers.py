"""Numbers of the page: each says where it is from, so that it can be held against the files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from neurosim.analysis.compare import paired_statistics

__all__ = ["Stated", "listed", "plain_text", "shift_text", "signed_percent", "stated", "statistics_of"]

#: Per cent beyond which digits of an interval mean nothing.
_MOST_PERCENT = 9999.0


@dataclass(frozen=True)
class Stated:
    """A number as the page shows it.

    Attributes
    ----------
    value : float
        In full, in the unit of its variable; of a ratio the ratio itself.
    text : str
        As it is read.
    variable : str
        ``group/name`` in ``summary.h5``.
    at : mapping
        What of the variable: dimension → label; ``point``, the indices on the scan axes; ``against``, of a paired
        statistic the arm and phase of the other side.
    statistic : str
        ``mean``, ``mean_low``, ``mean_high`` over subjects, or one of :func:`neurosim.analysis.compare`.
    """

    value: float
    text: str
    variable: str
    statistic: str
    at: Mapping[str, Any] = field(default_factory=dict)

    @property
    def full(self) -> str:
        """The value so that it reads back to the same bits."""
        return repr(float(self.value))

    @property
    def where(self) -> str:
        return json.dumps(dict(self.at))


def statistics_of(
    values: xr.DataArray, other: xr.DataArray | None = None, has_ratio: bool = True
) -> dict[str, xr.DataArray]:
    """Statistics over subjects by name: of values alone ``mean mean_low mean_high n``, paired those of ``compare``."""
    if other is None:
        found = paired_statistics(values, xr.zeros_like(values), has_ratio=False)
        names = {"difference": "mean", "low": "mean_low", "high": "mean_high", "n": "n"}
        order = found.statistic.values.tolist()
        return {new: found.isel(statistic=order.index(old), drop=True) for old, new in names.items()}
    found = paired_statistics(values, other, has_ratio)
    return {name: found.isel(statistic=k, drop=True) for k, name in enumerate(found.statistic.values.tolist())}


def stated(value: Any, variable: str, statistic: str, at: Mapping[str, Any], text: str | None = None) -> Stated:
    """A number with its words; by default those of a plain number."""
    value = float(value)
    return Stated(value, plain_text(value) if text is None else text, variable, statistic, at)


def plain_text(value: float, digits: int = 3) -> str:
    """A number to some digits, without an exponent where it is not far from one; a dash where there is none."""
    value = float(value)
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    return f"{float(f'{value:.{digits}g}'):.12g}".replace("-", "−")


def signed_percent(ratio: float) -> str:
    """A ratio as the change in per cent that it is: 0.45 is −55 %."""
    percent = 100.0 * (float(ratio) - 1.0)
    if not math.isfinite(percent):
        return "–"
    if percent > _MOST_PERCENT:
        return f">+{_MOST_PERCENT:.0f} %"
    digits = 0 if abs(percent) >= 9.95 else 1
    text = f"{percent:+.{digits}f}"
    return f"{text.replace('-', '−') if float(text) else '±0'} %"


def shift_text(value: float) -> str:
    """A difference of balances: +0.31."""
    return f"{float(value):+.2f}".replace("-", "−") if math.isfinite(value) else "–"


def listed(values: np.ndarray) -> list:
    """Numbers for JSON, to the last bit; what is not finite is nothing."""
    return [v if math.isfinite(v) else None for v in np.asarray(values, float).ravel().tolist()]
