"""Rows of disorders.csv: what was measured in disorders, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from neurosim.reference.tables import find, index, table

__all__ = ["DisorderRow", "disorder_row", "disorder_row_ids"]


@dataclass(frozen=True)
class DisorderRow:
    """A measured alteration; ``value`` is text, for some findings are a direction or an effect size."""

    id: str
    disorder: str
    alteration: str
    where: str
    direction: str
    value: str
    unit: str
    method: str
    source: str
    url: str
    verified: str
    note: str
    row: Mapping[str, str] = field(repr=False, compare=False)


@cache
def _rows() -> dict[str, DisorderRow]:
    return {
        row["id"]: DisorderRow(
            id=row["id"],
            disorder=row["disorder"],
            alteration=row["alteration"],
            where=row["region_or_population"],
            direction=row["direction"],
            value=row["value"],
            unit=row["unit"],
            method=row["method"],
            source=row["source"],
            url=row["url"],
            verified=row["verified"],
            note=row["notes"],
            row=row,
        )
        for row in table("disorders.csv")
    }


@cache
def _index() -> dict[str, DisorderRow]:
    return index(_rows())


def disorder_row_ids(disorder: str | None = None) -> tuple[str, ...]:
    """Ids of all rows, or of those that the table files under one disorder."""
    return tuple(key for key, row in _rows().items() if disorder is None or row.disorder == disorder)


def disorder_row(id: str) -> DisorderRow:
    """A measured alteration by id.

    Raises
    ------
    ReferenceDataError
        If there is none; the message names the nearest one.
    """
    return find(id, _index(), "row of disorders", _rows())
