"""Where every number of a circuit comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from neurosim.spec._circuit import Circuit
from neurosim.spec._model import Model, Named, Path
from neurosim.spec._quantities import Sourced
from neurosim.spec._words import path_text
from neurosim.units import Quantity

__all__ = ["Provenance", "provenance"]


@dataclass(frozen=True)
class Provenance:
    """One number: its path, its text, and what is known about it.

    ``basis`` is measured, fitted, derived or assumed; ``basis``, ``source`` and ``locator`` are None where
    neither the number nor any block around it states them.
    """

    path: str
    text: str
    basis: str | None
    source: str | None
    locator: str | None


@dataclass(frozen=True)
class _Stated:
    basis: str | None = None
    source: str | None = None
    locator: str | None = None

    def within(self, block: Any) -> _Stated:
        """What holds inside a block: its own words, else those around; a locator belongs to its source."""
        found = self
        if getattr(block, "basis", None) is not None:
            found = replace(found, basis=block.basis)
        if getattr(block, "source", None) is not None:
            found = replace(found, source=block.source, locator=block.locator)
        elif getattr(block, "locator", None) is not None:
            found = replace(found, locator=block.locator)
        return found


def provenance(circuit: Circuit) -> list[Provenance]:
    """Every number of a circuit in file order, with what it or the nearest block around it states.

    A number's spread between cells (``sd``) shares the provenance of the number.
    """
    return list(_numbers(circuit, (), _Stated()))


def _numbers(value: Any, path: Path, stated: _Stated) -> Iterator[Provenance]:
    if isinstance(value, Sourced):
        yield _row(path, str(value.value), stated.within(value))
    elif isinstance(value, Model):
        inner = stated.within(value)
        for name, field in type(value).model_fields.items():
            yield from _numbers(getattr(value, name), (*path, field.alias or name), inner)
    elif isinstance(value, Named):
        for key, item in value.items():
            yield from _numbers(item, (*path, key), stated)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _numbers(item, (*path, index), stated)
    elif isinstance(value, Quantity | int) and not isinstance(value, bool):
        yield _row(path, str(value), stated)


def _row(path: Path, text: str, stated: _Stated) -> Provenance:
    return Provenance(path_text(path), text, stated.basis, stated.source, stated.locator)
