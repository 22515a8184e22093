"""From a reading and an expectation to a verdict."""

from __future__ import annotations

import math
from typing import Literal

from neurosim.spec import Expected
from neurosim.validation.registry import Reading

__all__ = ["SMALLEST_CHANGE", "VERDICTS", "Verdict", "judge", "odds_ratio"]

Verdict = Literal["pass", "wrong size", "wrong sign", "not expressible", "error"]
VERDICTS: tuple[Verdict, ...] = ("pass", "wrong size", "wrong sign", "not expressible", "error")
#: A change counts as a direction from here on, % (DESIGN §2).
SMALLEST_CHANGE = 10.0


def judge(reading: Reading, expected: Expected) -> tuple[Verdict, str]:
    """Verdict and, where it is no pass, the reason in words.

    A band takes the reading's value alone. A direction passes where the change is at least 10 % and its 95 % interval
    excludes 0 on that side; a change of at least 10 % the other way is the wrong sign.
    """
    if math.isnan(reading.value):
        return "error", "the readout is not a number"
    if math.isinf(reading.value):
        return "wrong size", "not reached within what was tried"
    return _band(reading, expected) if expected.is_band else _direction(reading, expected)


def _band(reading: Reading, expected: Expected) -> tuple[Verdict, str]:
    low, high, value = float(expected.low), float(expected.high), reading.value
    if low <= value <= high:
        return "pass", ""
    is_signed = low * high > 0
    if is_signed and value * low < 0:
        return "wrong sign", f"{value:.3g} has the other sign than {low:g} to {high:g} {expected.unit}"
    side = "below" if value < low else "above"
    return "wrong size", f"{value:.3g} is {side} {low:g} to {high:g} {expected.unit}"


def _direction(reading: Reading, expected: Expected) -> tuple[Verdict, str]:
    sign = 1.0 if expected.direction == "increase" else -1.0
    change, near = sign * reading.value, reading.low if sign > 0 else -reading.high
    if change <= -SMALLEST_CHANGE:
        return "wrong sign", f"{reading.value:+.3g} %, expected: {expected.direction}"
    if change < SMALLEST_CHANGE:
        return "wrong size", f"{reading.value:+.3g} % is less than {SMALLEST_CHANGE:g} %"
    if math.isnan(near):
        return "wrong size", f"{reading.value:+.3g} %, but one subject gives no interval"
    if near <= 0:
        return "wrong size", f"{reading.value:+.3g} %, but the 95 % interval reaches 0"
    return "pass", ""


def odds_ratio(model: float, published: float, unit: str) -> float:
    """Model over published: of the odds for a part in % between 0 and 100, else of the numbers themselves; NaN if none."""
    if not (math.isfinite(model) and math.isfinite(published)):
        return math.nan
    if unit == "%" and 0 < published < 100:
        if not 0 < model < 100:
            return math.inf if model >= 100 else 0.0
        return model / (100.0 - model) * (100.0 - published) / published
    return model / published if published and model / published > 0 else math.nan
