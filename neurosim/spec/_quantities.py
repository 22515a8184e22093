"""Field types: quantities with a dimension and a range, sourced values, whole numbers, switches and names.

Nothing is guessed: every scalar of a file arrives as text, and the field says how it is read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from neurosim import units
from neurosim.errors import UnitError
from neurosim.spec._model import Model, Problem, problem_error
from neurosim.units import Quantity

__all__ = [
    "AnyQuantity",
    "Basis",
    "Flag",
    "Identifier",
    "Integer",
    "Kind",
    "Label",
    "Number",
    "Route",
    "Sourced",
    "Species",
    "Transmitter",
    "given_words",
    "read_quantity",
    "sourced",
    "stated",
]

Basis = Literal["measured", "fitted", "derived", "assumed"]
Species = Literal["rat", "mouse", "human"]
Route = Literal["iv", "ip", "sc", "im", "oral", "infusion", "minipump"]

#: Names of populations, projections, sites, regions.
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w*$", max_length=80)]
#: Names of transmitters; which exist says the table transmitters.csv, asked where receptors are.
Transmitter = Annotated[str, StringConstraints(pattern=r"^\w[\w-]*$", max_length=20)]
#: Names of synapse kinds; they may begin with a digit and hold a dash (``5-HT3``).
Kind = Annotated[str, StringConstraints(pattern=r"^\w[\w-]*$", max_length=40)]
#: Names of arms, phases and experiments.
Label = Annotated[str, StringConstraints(pattern=r"^\w[\w+-]*$", max_length=80)]


def given_words(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return "nothing" if value is None else f"'{value}'"


def _refuse(sentence: str) -> PydanticCustomError:
    return problem_error(Problem((), sentence))


def _refuse_nothing(value: Any) -> None:
    if value is None:
        raise _refuse("has no value")


def _integer(value: Any) -> int:
    _refuse_nothing(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,19}\s*", value):
        return int(value)
    if not isinstance(value, str | bool) and hasattr(value, "__index__"):
        return int(value)
    raise _refuse(f"{given_words(value)} is not a whole number, e.g. 8")


def _flag(value: Any) -> bool:
    _refuse_nothing(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    raise _refuse(f"{given_words(value)} is neither true nor false")


Integer = Annotated[int, BeforeValidator(_integer)]
Flag = Annotated[bool, BeforeValidator(_flag)]


@dataclass(frozen=True)
class _Range:
    """Allowed values of a quantity, in its internal unit."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def holds(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    def words(self, dimension: str) -> str:
        def bound(value: float) -> str:
            unit = units.INTERNAL_UNITS[dimension]
            return f"{value:g} {unit}".strip()

        if self.high == math.inf:
            return f"{'above' if self.open_low else 'at least'} {bound(self.low)}"
        low = f"{'above' if self.open_low else 'from'} {bound(self.low)}"
        return f"{low} {'to below' if self.open_high else 'to'} {bound(self.high)}"


_ANY = _Range()
_RANGES = {
    "any": _ANY,
    "not negative": _Range(0.0),
    "positive": _Range(0.0, open_low=True),
    "part": _Range(0.0, 1.0),
    "positive part": _Range(0.0, 1.0, open_low=True),
}


def _text_of(value: Any, dimension: str) -> str:
    """What to parse: text as it is, plain numbers only where no unit is due."""
    if isinstance(value, Quantity):
        return value.text
    if isinstance(value, str):
        return value
    if value is None:
        raise UnitError("has no value")
    if isinstance(value, bool) or not isinstance(value, int | float) and not hasattr(value, "__float__"):
        raise UnitError(f"{given_words(value)} is not a quantity, e.g. {units.example(dimension)}")
    if units.INTERNAL_UNITS[dimension]:
        raise UnitError(f"{value!r} is a number without a unit; write text, e.g. {units.example(dimension)}")
    return repr(float(value)) if not isinstance(value, int) else str(value)


def read_quantity(value: Any, dimension: str, allowed: _Range = _ANY) -> Quantity:
    """Quantity of a dimension from text, a number or a quantity.

    Raises
    ------
    UnitError
        If it cannot be read, has another dimension, or lies outside ``allowed``.
    """
    if isinstance(value, Quantity) and value.dimension == dimension:
        quantity = value
    else:
        quantity = units.parse(_text_of(value, dimension), dimension)
    if not allowed.holds(quantity):
        raise UnitError(f"'{quantity}' is out of range; allowed: {allowed.words(dimension)}")
    return quantity


def _serialise(quantity: Quantity) -> str | int | float:
    """Text, or for a bare number the number itself."""
    if units.INTERNAL_UNITS[quantity.dimension]:
        return quantity.text
    return int(quantity) if re.fullmatch(r"[+-]?[0-9]{1,15}", quantity.text) else float(quantity)


def _json_schema(dimension: str) -> dict[str, Any]:
    if units.INTERNAL_UNITS[dimension]:
        words = dimension.replace("_", " ")
        return {"type": "string", "description": f"{words}, e.g. {units.example(dimension)}"}
    return {"type": ["number", "string"], "description": dimension}


@dataclass(frozen=True)
class stated:  # noqa: N801 (an annotation, used like a function)
    """Annotation of a plain quantity: ``Annotated[Quantity, stated("time", "positive")]``.

    Parameters
    ----------
    dimension : str
        See :data:`neurosim.units.INTERNAL_UNITS`.
    allowed : str
        ``any``, ``not negative``, ``positive``, ``part`` (0 to 1) or ``positive part``.
    """

    dimension: str
    allowed: str = "any"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler):
        def validate(value: Any) -> Quantity:
            try:
                return read_quantity(value, self.dimension, _RANGES[self.allowed])
            except UnitError as error:
                raise _refuse(str(error)) from None

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.plain_serializer_function_ser_schema(_serialise)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return _json_schema(self.dimension)


Number = Annotated[Quantity, stated("number")]


@dataclass(frozen=True)
class _AnyQuantity:
    """A quantity whose unit tells its dimension; the field that holds the :class:`Sourced` then checks it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler):
        def validate(value: Any) -> Quantity:
            if isinstance(value, Quantity):
                return value
            try:
                if not isinstance(value, str):
                    return read_quantity(value, "number")
                unit = units.split(value)[1]
                dimension = units.dimension_of(unit) if unit else "number"
                if dimension is None:
                    raise UnitError(f"'{value}' has a unit that no field uses")
                return units.parse(value, dimension)
            except UnitError as error:
                raise _refuse(str(error)) from None

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.plain_serializer_function_ser_schema(_serialise)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": ["string", "number"], "description": "a quantity, e.g. '40 pA'"}


#: A quantity of whatever dimension its unit tells.
AnyQuantity = Annotated[Quantity, _AnyQuantity()]


class Sourced(Model):
    """A number of the model with what is known about it.

    In a file either the quantity alone, or a mapping ``{value, sd, source, locator, basis, note}``
    (``mean`` is another word for ``value``). What is not stated is inherited, see
    :func:`neurosim.spec.provenance`.
    """

    value: AnyQuantity
    sd: AnyQuantity | None = None
    source: str | None = None
    locator: str | None = None
    basis: Basis | None = None
    note: str | None = None

    def __float__(self) -> float:
        return float(self.value)

    @model_validator(mode="before")
    @classmethod
    def _mean_is_value(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "mean" not in data:
            return data
        if "value" in data:
            raise _refuse("has both 'value' and 'mean'; allowed: one of them")
        return {("value" if key == "mean" else key): value for key, value in data.items()}


_SOURCED_KEYS = ("value", "sd", "source", "locator", "basis", "note")


def _plain(value: Sourced) -> dict[str, Any]:
    return {key: getattr(value, key) for key in _SOURCED_KEYS if getattr(value, key) is not None}


def _serialise_sourced(value: Sourced) -> Any:
    plain = {key: _serialise(v) if isinstance(v, Quantity) else v for key, v in _plain(value).items()}
    return plain["value"] if len(plain) == 1 else plain


@dataclass(frozen=True)
class sourced:  # noqa: N801 (an annotation, used like a function)
    """Annotation of a sourced quantity: ``Annotated[Sourced, sourced("conductance", "not negative")]``."""

    dimension: str
    allowed: str = "any"

    def _read(self, raw: Any) -> dict[Any, Any]:
        """The mapping form, with its quantities read in the field's dimension."""
        bare = not isinstance(raw, dict | Sourced)
        data = {"value": raw} if bare else _plain(raw) if isinstance(raw, Sourced) else dict(raw)
        problems = []
        for key, allowed in (("value", self.allowed), ("mean", self.allowed), ("sd", "not negative")):
            if key in data:
                try:
                    data[key] = read_quantity(data[key], self.dimension, _RANGES[allowed])
                except UnitError as error:
                    problems.append(Problem(() if bare else (key,), str(error)))
        if problems:
            raise problem_error(*problems)
        return data

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler):
        return core_schema.no_info_wrap_validator_function(
            lambda raw, inner: inner(self._read(raw)),
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(_serialise_sourced),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        number, text = _json_schema(self.dimension), {"type": "string"}
        properties = dict.fromkeys(("value", "mean", "sd"), number)
        properties |= dict.fromkeys(("source", "locator", "note"), text)
        properties["basis"] = {"enum": list(Basis.__args__)}
        return {
            "anyOf": [number, {"type": "object", "properties": properties, "additionalProperties": False}]
        }
