"""What is known of a drug's way into the brain, and what routes and species mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from neurosim.reference.drugs import drug
from neurosim.reference.tables import find, index, is_plain, number, table

__all__ = [
    "PKRow",
    "Route",
    "Species",
    "pk_default",
    "pk_evidence",
    "pk_row",
    "route",
    "route_names",
    "species",
    "species_names",
    "stand_in",
]


@dataclass(frozen=True)
class PKRow:
    """One pharmacokinetic number as a table gives it, in the unit of the table."""

    value: float
    unit: str
    basis: str
    source: str
    url: str
    verified: str
    note: str


@dataclass(frozen=True)
class Species:
    """A species; ``weight`` in kg."""

    name: str
    weight: float


@dataclass(frozen=True)
class Route:
    """A route of administration.

    ``direct`` goes straight into plasma, ``depot`` is absorbed at ``ka`` (1/h). ``F`` is None where it
    belongs to the drug.
    """

    name: str
    kind: Literal["direct", "depot"]
    ka: float | None
    F: float | None
    basis: str
    source: str
    note: str


#: Columns of drugs_pk.csv → parameter, unit and basis of the number (its ka is computed from tmax and t1/2).
_PK_COLUMNS = {
    "V": ("V_L_per_kg", "L/kg", "measured"),
    "CL": ("CL_L_per_h_per_kg", "L/h/kg", "measured"),
    "t_half": ("t_half_h", "h", "measured"),
    "fu_plasma": ("fu_plasma", "", "measured"),
    "Kpuu": ("Kpuu_brain", "", "measured"),
}
_PK_ROUTE_COLUMNS = {"F": ("F", "", "measured"), "ka": ("ka_1_per_h", "1/h", "derived")}
#: How drugs_pk.csv begins the name of a route.
_PK_ROUTES = {"oral": "oral", "subcutaneous": "sc"}


@cache
def pk_row(name: str, species_name: str, parameter: str) -> PKRow | None:
    """One pharmacokinetic number of a drug in a species, or None if neither table has it.

    Parameters
    ----------
    parameter : str
        ``V CL t_half V_2 Q_2 V_3 Q_3 fu_plasma Kpuu``, or ``F_<route>``, ``ka_<route>``.

    Notes
    -----
    pk_parameters.csv comes before drugs_pk.csv; of several rows the first in file order.
    """
    for row in table("pk_parameters.csv"):
        if (row["drug"], row["species"], row["parameter"]) == (name, species_name, parameter):
            return PKRow(
                number(row["value"]),
                row["unit"],
                row["basis"],
                row["source"],
                row["url"],
                row["value_checked"],
                row["note"],
            )
    for row in table("drugs_pk.csv"):
        if (row["drug"], row["species"]) == (name, species_name):
            return _from_wide(row, parameter)
    return None


def _from_wide(row: Mapping[str, str], parameter: str) -> PKRow | None:
    stem, _, way = parameter.partition("_")
    column, unit, basis = _PK_COLUMNS.get(parameter, ("", "", ""))
    if not column and stem in _PK_ROUTE_COLUMNS:
        words = row["route"].split()
        if words and _PK_ROUTES.get(words[0]) == way:
            column, unit, basis = _PK_ROUTE_COLUMNS[stem]
    if not column or not row[column]:
        return None
    note = row["notes"]
    if not is_plain(row[column]):
        basis, note = "assumed", "; ".join(filter(None, (f"the table says {row[column]!r}", note)))
    return PKRow(number(row[column]), unit, basis, row["source"], row["url"], row["verified"], note)


def pk_evidence(name: str) -> tuple[Mapping[str, str], ...]:
    """All rows on a drug's pharmacokinetics as the tables print them, for reading."""
    found = drug(name).name
    return tuple(
        row for file in ("drugs_pk.csv", "drugs_pk_rat.csv") for row in table(file) if row["drug"] == found
    )


def stand_in(name: str, species_name: str) -> Mapping[str, str] | None:
    """The row that lends a drug of the same scaffold in a species, or None."""
    for row in table("stand_ins.csv"):
        if (row["drug"], row["species"]) == (name, species_name):
            return row
    return None


@cache
def pk_default(parameter: str) -> PKRow:
    """A number of the species rule (pk_defaults.csv)."""
    row = find(
        parameter, index({r["parameter"]: r for r in table("pk_defaults.csv")}), "default", [parameter]
    )
    return PKRow(number(row["value"]), row["unit"], row["basis"], row["source"], "", "", row["note"])


@cache
def _species() -> dict[str, Species]:
    return {row["species"]: Species(row["species"], number(row["weight_kg"])) for row in table("species.csv")}


def species_names() -> tuple[str, ...]:
    """Species, in the order in which one lends numbers to another."""
    return tuple(_species())


def species(name: str) -> Species:
    """A species by name.

    Raises
    ------
    ReferenceDataError
        If it is not in the table.
    """
    return find(name, index(_species()), "species", species_names())


@cache
def _routes() -> dict[str, Route]:
    return {
        row["route"]: Route(
            row["route"],
            row["kind"],
            number(row["ka_1_per_h"]),
            number(row["F"]),
            row["basis"],
            row["source"],
            row["note"],
        )
        for row in table("routes.csv")
    }


@cache
def _route_index() -> dict[str, Route]:
    # "i.v." and "iv" fold to the same name, so an alias may repeat what is known already.
    found = index(_routes())
    for row in table("routes.csv"):
        for alias in row["aliases"].split():
            found.update(index({alias: _routes()[row["route"]]}))
    return found


def route_names() -> tuple[str, ...]:
    """Routes of administration."""
    return tuple(_routes())


@cache
def route(name: str) -> Route:
    """A route by name or alias.

    Raises
    ------
    ReferenceDataError
        If it is not in the table.
    """
    return find(name, _route_index(), "route", route_names())
