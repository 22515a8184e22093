"""Units at the door, plain numbers inside.

Text such as ``"10 mV"`` becomes a :class:`Quantity`: a float in the internal unit of its dimension that
still knows how it was written. Internal units are SI, except where the field counts otherwise:
concentrations in nM, doses in mg per kg of body weight. The table :data:`INTERNAL_UNITS` is the only place
that says so.

The number and the unit's factor are multiplied as decimals and rounded once, so ``"10 mV"`` and ``"0.01
V"`` are the same float, and equal quantities have equal hashes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from neurosim.errors import UnitError, nearest

if TYPE_CHECKING:
    import pint

__all__ = ["Quantity", "INTERNAL_UNITS", "parse", "format", "split", "dimension_of", "magnitude", "example"]

#: Dimension → internal unit. The first dimension that fits a unit is the one a bare text is taken for.
INTERNAL_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "voltage": "V",
        "current": "A",
        "conductance": "S",
        "capacitance": "F",
        "time": "s",
        "rate": "1/s",
        "concentration": "nM",
        "flux": "nM/s",
        "dose": "mg/kg",
        "dose_rate": "mg/kg/s",
        "volume": "L/kg",
        "clearance": "L/kg/s",
        "near_field": "nM*s",
        "molar_mass": "g/mol",
        "ion_concentration": "mM",
        "number": "",
        "fraction": "",
    }
)

#: How a user would write one, for messages.
_EXAMPLES = {
    "voltage": "-50 mV",
    "current": "40 pA",
    "conductance": "1 nS",
    "capacitance": "90 pF",
    "time": "5 s",
    "rate": "4 Hz",
    "concentration": "50 nM",
    "flux": "1300 nM/s",
    "dose": "10 mg/kg",
    "dose_rate": "1 mg/kg/h",
    "volume": "12 L/kg",
    "clearance": "2 L/kg/h",
    "near_field": "5 nM/Hz",
    "molar_mass": "324.4 g/mol",
    "ion_concentration": "1 mM",
    "number": "0.5",
    "fraction": "0.5",
}

_TIME, _MOLAR = "[time]", "[substance] / [length] ** 3"
_SIEMENS = "[current] ** 2 * [time] ** 3 / [mass] / [length] ** 2"
#: What pint says of units that circuits and experiments are full of: factor to its base units and dimensionality. With them
#: at hand most commands need no pint, which takes longer to start than all else that reads a file.
_USUAL: Mapping[str, tuple[Decimal, str]] = MappingProxyType(
    {
        unit: (Decimal(factor), kind)
        for unit, factor, kind in (
            ("", "1", "dimensionless"),
            ("s", "1", _TIME),
            ("ms", "0.001", _TIME),
            ("min", "60", _TIME),
            ("h", "3600", _TIME),
            ("d", "86400", _TIME),
            ("Hz", "1", f"1 / {_TIME}"),
            ("1/s", "1", f"1 / {_TIME}"),
            ("V", "1", "[mass] * [length] ** 2 / [time] ** 3 / [current]"),
            ("mV", "0.001", "[mass] * [length] ** 2 / [time] ** 3 / [current]"),
            ("A", "1", "[current]"),
            ("pA", "1E-12", "[current]"),
            ("S", "1", _SIEMENS),
            ("nS", "1E-9", _SIEMENS),
            ("F", "1", "[current] ** 2 * [time] ** 4 / [mass] / [length] ** 2"),
            ("pF", "1E-12", "[current] ** 2 * [time] ** 4 / [mass] / [length] ** 2"),
            ("mM", "1", _MOLAR),
            ("uM", "0.001", _MOLAR),
            ("nM", "0.000001", _MOLAR),
            ("nM/s", "0.000001", f"{_MOLAR} / [time]"),
            ("nM*s", "0.000001", "[substance] * [time] / [length] ** 3"),
            ("nM/Hz", "0.000001", "[substance] * [time] / [length] ** 3"),
            ("mg/kg", "0.000001", "[mass] / [body_weight]"),
        )
    }
)

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_TEXT = re.compile(rf"\s*({_NUMBER})\s*(.*?)\s*", re.DOTALL)
_FACTOR = r"(?:1|[A-Za-zµμ]+(?:(?:\^|\*\*)-?\d)?)"
_UNIT = re.compile(rf"{_FACTOR}(?:\s*[*/·]\s*{_FACTOR}|\s+{_FACTOR})*")
_PER_KILOGRAM = re.compile(r"/\s*kg\b")
_LONGEST = 80


class Quantity(float):
    """A number with a unit: a float in the internal unit of its dimension.

    Arithmetic gives plain floats. ``str`` and ``repr`` give the text as it was written.

    Parameters
    ----------
    value : float
        In the internal unit of ``dimension``.
    dimension : str
        A key of :data:`INTERNAL_UNITS`.
    text : str, optional
        As written; by default the value in its internal unit.
    """

    __slots__ = ("text", "dimension")

    def __new__(cls, value: float, dimension: str, text: str | None = None):
        self = super().__new__(cls, value)
        if dimension not in INTERNAL_UNITS:
            raise UnitError(f"unknown dimension {dimension!r}; {nearest(dimension, INTERNAL_UNITS)}")
        self.dimension = dimension
        self.text = format(value, dimension) if text is None else text
        return self

    def __getnewargs__(self):
        return (float(self), self.dimension, self.text)

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__

    @property
    def unit(self) -> str:
        """The unit it was written in; empty for a number."""
        return split(self.text)[1]

    def to(self, unit: str) -> float:
        """Its number in another unit of the same dimension."""
        return magnitude(self, self.dimension, unit)


@cache
def _registry() -> pint.UnitRegistry:
    import pint

    registry = pint.UnitRegistry(non_int_type=Decimal, cache_folder=None)
    # mg/kg would cancel to a bare number: body weight is a dimension of its own here.
    registry.define("kilogram_of_body = [body_weight] = kg_of_body")
    return registry


@lru_cache(maxsize=1024)
def _base(unit: str) -> tuple[Decimal, str]:
    """Factor to pint's base units, and pint's dimensionality as text. The unit of a bare number is ''."""
    return _USUAL[unit] if unit in _USUAL else _asked(unit)


def _asked(unit: str) -> tuple[Decimal, str]:
    """The same from pint itself."""
    import pint

    if not _UNIT.fullmatch(unit):
        raise UnitError(f"{unit!r} is not a unit")
    spelled = _PER_KILOGRAM.sub("/kg_of_body", unit).replace("·", "*")
    try:
        units = _registry().parse_units(spelled, as_delta=False)
        if not _registry().Quantity(Decimal(1), units)._is_multiplicative:
            raise UnitError(f"unknown unit {unit!r}")
        factor = _registry().Quantity(Decimal(1), units).to_base_units().magnitude
        return Decimal(factor), str(units.dimensionality)
    except (pint.PintError, ArithmeticError, TypeError, ValueError, AttributeError) as error:
        # Logarithmic and made-up units fail inside pint in several ways; all mean the same to the user.
        raise UnitError(f"unknown unit {unit!r}") from error


@lru_cache(maxsize=1024)
def dimension_of(unit: str) -> str | None:
    """The dimension of :data:`INTERNAL_UNITS` that a unit belongs to, or None for any other.

    Raises
    ------
    UnitError
        If ``unit`` is not a unit at all.
    """
    kind = _base(unit)[1]
    return next((name for name, internal in INTERNAL_UNITS.items() if _base(internal)[1] == kind), None)


def split(text: str) -> tuple[Decimal, str]:
    """``"10 mg/kg"`` → (Decimal("10"), "mg/kg"); the unit of a bare number is empty.

    Raises
    ------
    UnitError
        If the text does not begin with a number.
    """
    match = _TEXT.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise UnitError(f"{text[:_LONGEST]!r} is not a quantity: a number comes first, then a unit")
    try:
        return Decimal(match[1]), match[2]
    except InvalidOperation as error:
        raise UnitError(f"{match[1]!r} is out of range") from error


def _a(dimension: str) -> str:
    words = dimension.replace("_", " ")
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def example(dimension: str) -> str:
    """A quantity of this dimension as a user would write it, quoted where it has a unit."""
    text = _EXAMPLES[dimension]
    return f"'{text}'" if INTERNAL_UNITS[dimension] else text


def _expected(dimension: str) -> str:
    words = _a(dimension) if INTERNAL_UNITS[dimension] else f"{_a(dimension)} without a unit"
    return f"needs {words}, e.g. {example(dimension)}"


@lru_cache(maxsize=16384)
def parse(text: str, dimension: str) -> Quantity:
    """Read a quantity of a known dimension.

    Parameters
    ----------
    text : str
        ``"10 mV"``; for dimensionless quantities a bare number, ``"0.5"``.
    dimension : str
        A key of :data:`INTERNAL_UNITS`.

    Returns
    -------
    Quantity
        In the internal unit of ``dimension``.

    Raises
    ------
    UnitError
        If the text is no quantity, or one of another dimension; the message names both.
    """
    internal = _internal(dimension)
    try:
        number, unit = split(text)
        factor, kind = _base(unit)
    except UnitError as error:
        raise UnitError(f"{error}; {_expected(dimension)}") from None
    if kind != _base(internal)[1]:
        if unit == "":
            raise UnitError(f"'{text}' has no unit; {_expected(dimension)}")
        raise UnitError(f"'{text}' is {_given(unit)}; {_expected(dimension)}")
    try:
        value = float(number * factor / _base(internal)[0]) + 0.0  # -0.0 becomes 0.0, so both hash alike
    except ArithmeticError:
        value = math.inf
    if not math.isfinite(value):
        raise UnitError(f"'{text}' is out of range")
    return Quantity(value, dimension, text.strip())


def _internal(dimension: str) -> str:
    if dimension not in INTERNAL_UNITS:
        raise UnitError(f"unknown dimension {dimension!r}; {nearest(dimension, INTERNAL_UNITS)}")
    return INTERNAL_UNITS[dimension]


def _given(unit: str) -> str:
    known = dimension_of(unit)
    return _a(known) if known else f"in {unit}"


def magnitude(value: float, dimension: str, unit: str) -> float:
    """The number that ``value`` (internal unit of ``dimension``) has in ``unit``.

    Raises
    ------
    UnitError
        If ``unit`` belongs to another dimension.
    """
    factor, kind = _base(unit)
    internal, own_kind = _base(_internal(dimension))
    if kind != own_kind:
        raise UnitError(f"{unit!r} is {_given(unit)}; {_expected(dimension)}")
    return float(Decimal(float(value)) * internal / factor)


def format(value: float, dimension: str, unit: str | None = None) -> str:
    """Write a value (internal unit of ``dimension``) as text that :func:`parse` reads back to the same float.

    >>> format(0.01, "voltage", "mV")
    '10.0 mV'
    """
    if unit is None or unit == _internal(dimension):
        number, unit = repr(float(value)), _internal(dimension)
        return f"{number} {unit}" if unit else number
    number = repr(magnitude(value, dimension, unit))
    return f"{number} {unit}" if unit else number
