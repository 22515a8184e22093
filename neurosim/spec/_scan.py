"""Axes of a scan: their values, their unit, and the points of their product."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal
from functools import lru_cache

from neurosim import units
from neurosim.errors import SpecError, UnitError
from neurosim.spec._experiment import Axis, Experiment
from neurosim.spec._experiment_checks import MOST_POINTS
from neurosim.spec._words import locate
from neurosim.units import Quantity

__all__ = ["MULTIPLE", "axis_texts", "axis_values", "scan_points"]

#: Unit of an axis whose values multiply what the circuit says (``0.5x``).
MULTIPLE = "x"
#: Spaced values are rounded to this many digits, so that a point has the same text, and the same key, on
#: every machine.
_DIGITS = 12


def scan_points(experiment: Experiment) -> list[dict[str, int]]:
    """All points of a scan, axes crossed, the last one fastest; one empty point without a scan.

    Returns
    -------
    list of dict
        Axis name → index of its value.
    """
    axes = {name: range(len(axis_texts(axis))) for name, axis in experiment.scan.items()}
    return [dict(zip(axes, indices, strict=True)) for indices in itertools.product(*axes.values())]


def axis_values(experiment: Experiment) -> dict[str, tuple[list[Quantity | float], str]]:
    """Values of every axis and the unit of the first one.

    Returns
    -------
    dict
        Axis name → (values, unit). Values are quantities (``value.to(unit)`` gives the coordinate), or
        floats where the unit is empty or ``x`` (multiples of the circuit's value).

    Raises
    ------
    SpecError
        If the values of an axis do not share a dimension.
    """
    found = {}
    for name, axis in experiment.scan.items():
        try:
            found[name] = _values(axis_texts(axis))
        except UnitError as error:
            raise _error(experiment, name, str(error)) from None
        seen = [float(value) for value in found[name][0]]
        twice = next((k for k in range(1, len(seen)) if seen[k] in seen[:k]), None) if len(seen) < 1000 else None
        if twice is not None:
            raise _error(experiment, name, f"'{axis_texts(axis)[twice]}' is there twice; give each value once")
    _check_points(experiment)
    return found


def _error(experiment: Experiment, name: str, sentence: str) -> SpecError:
    place = locate(experiment, ("scan", name)) or "Experiment"
    return SpecError(f"{place}: scan.{name}: {sentence}")


def _check_points(experiment: Experiment) -> None:
    """Refuse a scan of more points than anybody can wait for, before they are listed."""
    n = math.prod(len(axis_texts(axis)) for axis in experiment.scan.values())
    if n > MOST_POINTS:
        raise _error(experiment, next(iter(experiment.scan)), f"the scan has {n} points; allowed: at most {MOST_POINTS}")


def _values(texts: list[str]) -> tuple[list[Quantity | float], str]:
    unit = _unit(texts[0])
    if unit in ("", MULTIPLE):
        if any(_unit(text) != unit for text in texts):
            raise UnitError(
                f"'{texts[0]}' and '{next(t for t in texts if _unit(t) != unit)}' cannot be on one axis"
            )
        return [float(units.split(text)[0]) for text in texts], unit
    dimension = units.dimension_of(unit)
    if dimension is None:
        raise UnitError(f"'{texts[0]}' has a unit that no value of a circuit or experiment uses")
    return [units.parse(text, dimension) for text in texts], unit


def _unit(text: str) -> str:
    return units.split(text)[1]


def axis_texts(axis: Axis) -> list[str]:
    """The values of an axis as text, the way they are set."""
    return list(axis.values) if axis.values is not None else list(_spaced(axis.linear, axis.log))


@lru_cache(maxsize=64)
def _spaced(linear: tuple[str, str, int] | None, log: tuple[str, str, int] | None) -> tuple[str, ...]:
    first, last, n = linear or log
    low, unit = units.split(first)
    high = _in_unit(last, unit)
    if linear is not None:
        numbers = [float(low) + (high - float(low)) * k / (n - 1) for k in range(n)]
    else:
        if float(low) <= 0 or high <= 0:
            raise UnitError(f"a log axis needs two values above 0, given '{first}' and '{last}'")
        ratio = math.log(high / float(low))
        numbers = [float(low) * math.exp(ratio * k / (n - 1)) for k in range(n)]
    return tuple(_text(number, unit) for number in numbers)


def _in_unit(text: str, unit: str) -> float:
    number, own = units.split(text)
    if own == unit:
        return float(number)
    dimension = None if MULTIPLE in (unit, own) else units.dimension_of(unit)
    if dimension is None or unit == "" or own == "":
        raise UnitError(f"'{text}' cannot be on one axis with values in '{unit}'")
    return units.parse(text, dimension).to(unit)


def _text(number: float, unit: str) -> str:
    text = str(Decimal(f"{number:.{_DIGITS}g}"))
    return f"{text}{unit}" if unit == MULTIPLE else f"{text} {unit}".strip()
