"""PET and SPECT tracers: what they bind, and their binding potential by region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from neurosim.reference.tables import find, index, number, table

__all__ = ["Tracer", "TracerRegion", "tracer", "tracer_names"]

_TABLE = "pet_tracers.csv"
_MINUTE = 60.0


@dataclass(frozen=True)
class TracerRegion:
    """A tracer in a region, no drug given.

    Attributes
    ----------
    BP_ND : float, dimensionless
        Binding potential against the reference region.
    R1 : float or None, dimensionless
        Delivery relative to the reference region.
    also_at, also_part : str, float
        A second receptor and its part of the specific binding there; ``""`` and 0 where there is none.
    """

    name: str
    BP_ND: float
    R1: float | None
    also_at: str
    also_part: float
    reference_region: str
    source: str
    value_checked: str
    notes: str


@dataclass(frozen=True)
class Tracer:
    """A tracer.

    Attributes
    ----------
    acts_at : str
        Name of the receptor, carrier, store or enzyme it is used for.
    kind : str
        What it is there: ``antagonist``, ``agonist``, ``inhibitor``, ``substrate``.
    half_life : float, s
        Of the isotope.
    K_d : float or None, nM
    regions : mapping, name → TracerRegion
        Only those with a binding potential.
    rows : tuple
        All its rows, remarks without a binding potential included.
    """

    name: str
    acts_at: str
    kind: Literal["antagonist", "agonist", "inhibitor", "substrate"]
    half_life: float
    K_d: float | None
    regions: Mapping[str, TracerRegion]
    rows: tuple[Mapping[str, str], ...] = field(repr=False, compare=False)

    def region(self, name: str) -> TracerRegion:
        """A region by name.

        Raises
        ------
        ReferenceDataError
            If there is none; the message names the nearest one.
        """
        return find(name, index(self.regions), f"region of {self.name}", self.regions)


def _region(row: Mapping[str, str]) -> TracerRegion:
    return TracerRegion(
        name=row["region"],
        BP_ND=number(row["BP_ND"]),
        R1=number(row["R1"]),
        also_at=row["also_at"],
        also_part=number(row["also_part"]) or 0.0,
        reference_region=row["reference_region"],
        source=row["source"],
        value_checked=row["value_checked"],
        notes=row["notes"],
    )


@cache
def _tracers() -> dict[str, Tracer]:
    rows: dict[str, list[Mapping[str, str]]] = {}
    for row in table(_TABLE):
        if row["acts_at"]:  # a row that names a source of maps is no tracer
            rows.setdefault(row["tracer"], []).append(row)
    return {
        name: Tracer(
            name=name,
            acts_at=own[0]["acts_at"],
            kind=own[0]["kind"],
            half_life=number(own[0]["isotope_half_life_min"]) * _MINUTE,
            K_d=next((number(row["Kd_nM"]) for row in own if row["Kd_nM"]), None),
            regions={row["region"]: _region(row) for row in own if row["BP_ND"]},
            rows=tuple(own),
        )
        for name, own in rows.items()
    }


@cache
def _tracer_index() -> dict[str, Tracer]:
    # people leave the isotope out
    aliases = [(name.partition("]")[2], name) for name in _tracers() if "]" in name]
    return index(_tracers(), aliases)


def tracer_names() -> tuple[str, ...]:
    """Names of all tracers."""
    return tuple(_tracers())


@cache
def tracer(name: str) -> Tracer:
    """A tracer by name, with or without its isotope: ``[11C]raclopride`` or ``raclopride``.

    Raises
    ------
    ReferenceDataError
        If it is not in the table; the message names the nearest one.
    """
    return find(name, _tracer_index(), "tracer", tracer_names())
