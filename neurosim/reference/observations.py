"""Target rows: published observations that calibration may fit and validation must predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from neurosim.reference.tables import find, index, number, table

__all__ = ["TargetRow", "target_row", "target_row_ids"]


@dataclass(frozen=True)
class TargetRow:
    """A published observation.

    ``value`` is text where the observation is a direction; ``low`` and ``high`` are None where no band is
    stated. Both are in ``unit``.
    """

    id: str
    use: str
    core: bool
    area: str
    manipulation: str
    observable: str
    where: str
    value: str
    unit: str
    low: float | None
    high: float | None
    species: str
    preparation: str
    citation: str
    url: str
    verified: str
    note: str
    row: Mapping[str, str] = field(repr=False, compare=False)


@cache
def _rows() -> dict[str, TargetRow]:
    return {
        row["id"]: TargetRow(
            id=row["id"],
            use=row["use"],
            core=row["core"] == "yes",
            area=row["area"],
            manipulation=row["manipulation"],
            observable=row["observable"],
            where=row["region_population"],
            value=row["value"],
            unit=row["unit"],
            low=number(row["low"]),
            high=number(row["high"]),
            species=row["species"],
            preparation=row["preparation"],
            citation=row["citation"],
            url=row["url"],
            verified=row["verified"],
            note=row["note"],
            row=row,
        )
        for row in table("targets.csv")
    }


@cache
def _index() -> dict[str, TargetRow]:
    return index(_rows())


def target_row_ids(use: str | None = None) -> tuple[str, ...]:
    """Ids of all target rows, or of those of one use: ``calibration``, ``validation``, ``context``."""
    return tuple(key for key, row in _rows().items() if use is None or row.use == use)


def target_row(id: str) -> TargetRow:
    """A target row by id.

    Raises
    ------
    ReferenceDataError
        If there is none; the message names the nearest one.
    """
    return find(id, _index(), "target row", _rows())
