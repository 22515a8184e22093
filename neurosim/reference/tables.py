"""Reading the tables: once, lazily, with the csv module alone."""

from __future__ import annotations

import csv
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

from neurosim.errors import ReferenceDataError, nearest

__all__ = ["find", "fold", "index", "is_plain", "manifest", "number", "positive", "table", "table_names"]

T = TypeVar("T")

_DATA = "data"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def _file(name: str):
    return files("neurosim.reference") / _DATA / name


@cache
def manifest() -> Mapping[str, Mapping[str, object]]:
    """Table → what it is: ``about``, ``units``, ``rows``, ``source``, ``license``, ``sha256``."""
    entries = json.loads(_file("manifest.json").read_text(encoding="utf-8"))
    return MappingProxyType({name: MappingProxyType(entry) for name, entry in entries.items()})


def table_names() -> tuple[str, ...]:
    """File names of all tables."""
    return tuple(manifest())


@cache
def table(name: str) -> tuple[Mapping[str, str], ...]:
    """All rows of a table as text, in file order; column → cell, empty cells are ``""``.

    Raises
    ------
    ReferenceDataError
        If there is no such table, it cannot be read, or a row has more or fewer cells than the heading.
    """
    if name not in manifest():
        raise ReferenceDataError(f"no reference table {name!r}; {nearest(name, manifest())}")
    try:
        with _file(name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReferenceDataError(f"reference table {name}: cannot be read ({error})") from error
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ReferenceDataError(
                f"reference table {name}: record {line} has not as many cells as the heading"
            )
    return tuple(MappingProxyType({key: cell.strip() for key, cell in row.items()}) for row in rows)


@cache
def fold(name: object) -> str:
    """A name as it is compared: letters and digits only, in one case."""
    text = unicodedata.normalize("NFKC", str(name)).casefold()
    return "".join(character for character in text if character.isalnum())


def index(entries: Mapping[str, T], aliases: Iterable[tuple[str, str]] = ()) -> dict[str, T]:
    """Folded name → entry.

    Raises
    ------
    ReferenceDataError
        If two names cannot be told apart, or an alias names nothing.
    """
    found: dict[str, T] = {}
    for name, entry in entries.items():
        if fold(name) in found:
            raise ReferenceDataError(f"reference tables: two entries are called {name!r}")
        found[fold(name)] = entry
    for alias, name in aliases:
        if fold(name) not in found or fold(alias) in found:
            raise ReferenceDataError(f"reference tables: the alias {alias!r} of {name!r} is unknown or taken")
        found[fold(alias)] = found[fold(name)]
    return found


def find(name: object, entries: Mapping[str, T], kind: str, names: Iterable[str]) -> T:
    """Look a name up in an :func:`index`; ``names`` are those an error message may offer."""
    try:
        return entries[fold(name)]
    except KeyError:
        raise ReferenceDataError(
            f"no {kind} {str(name)!r} in the reference tables; {nearest(name, names)}"
        ) from None


def is_plain(cell: str) -> bool:
    """Whether a cell holds one plain number, not a class or a bound."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def number(cell: str) -> float | None:
    """The number in a cell, or None for an empty one.

    Some cells say a class or a bound instead of a value: ``about 1`` is 1, ``<0.3`` and ``>1`` are the bound,
    ``0.5-1`` is the geometric mean.

    Raises
    ------
    ReferenceDataError
        If the cell holds neither.

    Examples
    --------
    >>> number("0.5-1"), number("<0.3"), number("")
    (0.7071067811865476, 0.3, None)
    """
    text = cell.strip()
    if not text:
        return None
    text = text.removeprefix("about").lstrip("<>=~ ")
    if _NUMBER.fullmatch(text):
        return float(text)
    low, dash, high = text.partition("-")
    if dash and _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high):
        return math.sqrt(float(low) * float(high))
    raise ReferenceDataError(f"reference tables: {cell!r} is not a number")


def positive(cell: str, place: str, column: str) -> float | None:
    """The number in a cell that must be above 0, or None for an empty one.

    Parameters
    ----------
    place, column : str
        Table and row, for the words of the error.

    Raises
    ------
    ReferenceDataError
        If the cell holds 0, a negative number or no number.
    """
    value = number(cell)
    if value is not None and not value > 0:
        raise ReferenceDataError(
            f"{place}: {column} is {cell.strip()}; allowed: a number above 0, or an empty cell if it is not known"
        )
    return value
