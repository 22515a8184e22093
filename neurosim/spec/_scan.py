"""The points of a scan: dimensions, the values of every axis, their units."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from neurosim import units
from neurosim.errors import SpecError, UnitError
from neurosim.spec._axis import unit_points
from neurosim.spec._experiment import Axis, Experiment
from neurosim.spec._experiment_checks import MOST_POINTS, POINT
from neurosim.spec._words import locate
from neurosim.units import Quantity

__all__ = ["MULTIPLE", "Dimension", "axis_texts", "axis_values", "scan_dimensions", "scan_points", "value_text"]

#: Unit of an axis whose values multiply what the circuit says (``0.5x``).
MULTIPLE = "x"
#: Spaced values are rounded to this many digits, so that a point has the same text, and the same key, on
#: every machine.
_DIGITS = 12


@dataclass(frozen=True)
class Dimension:
    """One dimension of a scan: an axis, or ``point`` with all axes that go along it."""

    name: str
    axes: tuple[str, ...]
    size: int


def scan_dimensions(experiment: Experiment) -> tuple[Dimension, ...]:
    """The dimensions of a scan, in the order of their first axes; empty without a scan.

    Raises
    ------
    SpecError, UnitError
        Values of an axis that cannot be.
    """
    axes: dict[str, list[str]] = {}
    for name, axis in experiment.scan.items():
        axes.setdefault(POINT if axis.is_along_point else name, []).append(name)
    return tuple(
        Dimension(name, tuple(own), len(axis_texts(experiment, own[0]))) for name, own in axes.items()
    )


def scan_points(experiment: Experiment) -> list[dict[str, int]]:
    """All points of a scan, dimensions crossed, the last one fastest; one empty point without a scan.

    Returns
    -------
    list of dict
        Axis name → index of its value.
    """
    dimensions = scan_dimensions(experiment)
    return [
        {axis: index for d, index in zip(dimensions, indices, strict=True) for axis in d.axes}
        for indices in itertools.product(*(range(d.size) for d in dimensions))
    ]


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
        If the values of an axis do not share a dimension, or one of a crossed axis is there twice.
    """
    found = {}
    for name, axis in experiment.scan.items():
        try:
            texts = axis_texts(experiment, name)
            found[name] = _values(texts)
        except UnitError as error:
            raise _error(experiment, name, str(error)) from None
        twice = None if axis.is_along_point else _first_twice([float(value) for value in found[name][0]])
        if twice is not None:
            raise _error(experiment, name, f"'{texts[twice]}' is there twice; give each value once")
    _check_points(experiment)
    return found


def _first_twice(numbers: Sequence[float]) -> int | None:
    seen: set[float] = set()
    for k, number in enumerate(numbers):
        if number in seen:
            return k
        seen.add(number)
    return None


def _error(experiment: Experiment, name: str, sentence: str) -> SpecError:
    place = locate(experiment, ("scan", name)) or "Experiment"
    return SpecError(f"{place}: scan.{name}: {sentence}")


def _check_points(experiment: Experiment) -> None:
    """Refuse a scan of more points than anybody can wait for, before they are listed."""
    n = math.prod(dimension.size for dimension in scan_dimensions(experiment))
    if n > MOST_POINTS:
        raise _error(experiment, next(iter(experiment.scan)), f"the scan has {n} points; allowed: at most {MOST_POINTS}")


def _values(texts: Sequence[str]) -> tuple[list[Quantity | float], str]:
    unit = _unit(texts[0])
    if unit in ("", MULTIPLE):
        other = next((text for text in texts if _unit(text) != unit), None)
        if other is not None:
            raise UnitError(f"'{texts[0]}' and '{other}' cannot be on one axis")
        return [float(units.split(text)[0]) for text in texts], unit
    dimension = units.dimension_of(unit)
    if dimension is None:
        raise UnitError(f"'{texts[0]}' has a unit that no value of a circuit or experiment uses")
    # of two kinds only the path knows which is wrong
    other = next((text for text in texts if _is_of_another_kind(_unit(text), dimension)), None)
    if other is not None:
        kinds = (dimension, units.dimension_of(_unit(other)))
        first, second = (kind.replace("_", " ") for kind in kinds)
        raise UnitError(f"'{texts[0]}' ({first}) and '{other}' ({second}) cannot be on one axis")
    return [units.parse(text, dimension) for text in texts], unit


def _is_of_another_kind(unit: str, dimension: str) -> bool:
    with contextlib.suppress(UnitError):  # no unit at all: said where the value is read
        return unit not in ("", MULTIPLE) and units.dimension_of(unit) not in (dimension, None)
    return False


def _unit(text: str) -> str:
    return units.split(text)[1]


def axis_texts(experiment: Experiment, name: str) -> tuple[str, ...]:
    """The values of an axis as text, the way they are set.

    Raises
    ------
    UnitError
        Ends of an axis in units that do not go together.
    SpecError
        A design that needs a package which is not installed.
    """
    texts = experiment._axis_texts
    if name not in texts:
        axis = experiment.scan[name]
        texts[name] = _drawn(experiment, name) if axis.is_drawn else _listed(axis)
    return texts[name]


def _listed(axis: Axis) -> tuple[str, ...]:
    if axis.values is not None:
        return axis.values
    first, last, n = axis.linear or axis.log
    return _between(first, last, [k / (n - 1) for k in range(n)], is_log=axis.log is not None)


def _drawn(experiment: Experiment, name: str) -> tuple[str, ...]:
    """Where the experiment's design puts the points between the bounds of an axis."""
    names = [other for other, axis in experiment.scan.items() if axis.is_drawn]
    points, axis = unit_points(experiment.sample, len(names)), experiment.scan[name]
    first, last = axis.uniform or axis.log_uniform
    parts = [point[names.index(name)] for point in points]
    return _between(first, last, parts, is_log=axis.log_uniform is not None)


def _between(first: str, last: str, parts: Sequence[float], is_log: bool) -> tuple[str, ...]:
    """Texts at parts (0 to 1) of the way between two ends, by difference or by ratio."""
    low, unit = units.split(first)
    low, high = float(low), _in_unit(last, unit)
    if not is_log:
        return tuple(value_text(low + (high - low) * part, unit) for part in parts)
    if low <= 0 or high <= 0:
        raise UnitError(f"a log axis needs two values above 0, given '{first}' and '{last}'")
    ratio = math.log(high / low)
    return tuple(value_text(low * math.exp(ratio * part), unit) for part in parts)


def _in_unit(text: str, unit: str) -> float:
    number, own = units.split(text)
    if own == unit:
        return float(number)
    dimension = None if MULTIPLE in (unit, own) else units.dimension_of(unit)
    if dimension is None or unit == "" or own == "":
        raise UnitError(f"'{text}' cannot be on one axis with values in '{unit}'")
    return units.parse(text, dimension).to(unit)


def value_text(number: float, unit: str) -> str:
    """A value of an axis as it is set: ``0.3 mg/kg``, ``0.5x``; the same for a number on every machine."""
    text = str(Decimal(f"{number:.{_DIGITS}g}"))
    return f"{text}{unit}" if unit == MULTIPLE else f"{text} {unit}".strip()
