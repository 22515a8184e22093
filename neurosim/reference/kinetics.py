"""What is known of a drug's way into the brain, and what routes and species mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from neurosim.reference.drugs import drug
from neurosim.reference.tables import find, index, is_plain, number, table

__all__ = [
    "Interaction",
    "Metabolite",
    "PKRow",
    "Route",
    "Species",
    "metabolites",
    "pk_default",
    "pk_evidence",
    "interaction_victims",
    "pk_interactions",
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
    """A species; ``weight`` in kg; ``usual_route`` is how it is mostly given drugs."""

    name: str
    weight: float
    usual_route: str


@dataclass(frozen=True)
class Route:
    """A route of administration.

    ``direct`` goes straight into plasma, ``depot`` is absorbed at ``ka`` (1/h). ``F`` is None where it
    belongs to the drug; a route that says ``F_of`` another takes the drug's own F of that one first.
    ``is_portal``: absorbed by way of the liver, so what is lost may arrive as metabolite. ``needs_rate``: an
    input that lasts, by definition.
    """

    name: str
    kind: Literal["direct", "depot"]
    ka: float | None
    F: float | None
    F_of: str
    is_portal: bool
    needs_rate: bool
    basis: str
    source: str
    note: str


@dataclass(frozen=True)
class Metabolite:
    """What becomes of a drug that is a ligand itself.

    ``fraction`` is the molar part of the parent's elimination that forms it, ``first_pass`` the molar part of
    what a portal route loses (1 - F) that arrives as it.
    """

    parent: str
    name: str
    fraction: float
    first_pass: float
    basis: str
    source: str
    note: str


@dataclass(frozen=True)
class Interaction:
    """A parameter of the victim is multiplied while a drug with that action at that target is given too."""

    victim: str
    with_target: str
    with_action: str
    parameter: str
    factor: float
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
        ``V CL t_half V_2 Q_2 V_3 Q_3 fu_plasma Kpuu ke0``, or ``F_<route>``, ``ka_<route>``.

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


def _of_species(rows: list[Mapping[str, str]], species_name: str) -> list[Mapping[str, str]]:
    """Rows of the species itself, else those for any."""
    own = [row for row in rows if row["species"] == species_name]
    return own or [row for row in rows if row["species"] == "any"]


@cache
def metabolites(name: str, species_name: str) -> tuple[Metabolite, ...]:
    """Active metabolites of a drug; a row of the species comes before one for any species."""
    found: dict[str, list[Mapping[str, str]]] = {}
    for row in table("metabolites.csv"):
        if row["parent"] == name:
            found.setdefault(row["metabolite"], []).append(row)
    return tuple(
        Metabolite(
            name,
            metabolite,
            number(row["fraction"]),
            number(row["first_pass"]) or 0.0,
            row["basis"],
            row["source"],
            row["note"],
        )
        for metabolite, rows in found.items()
        for row in _of_species(rows, species_name)[:1]
    )


@cache
def pk_interactions(name: str, species_name: str) -> tuple[Interaction, ...]:
    """What other drugs do to the kinetics of a drug; a row of the species comes before one for any."""
    found: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in table("pk_interactions.csv"):
        if row["victim"] == name:
            key = (row["with_target"], row["with_action"], row["parameter"])
            found.setdefault(key, []).append(row)
    return tuple(
        Interaction(name, *key, number(row["factor"]), row["basis"], row["source"], row["note"])
        for key, rows in found.items()
        for row in _of_species(rows, species_name)[:1]
    )


@cache
def interaction_victims(target: str, action: str) -> tuple[str, ...]:
    """Drugs whose kinetics change while a drug with that action at that target is given by dose too."""
    rows = table("pk_interactions.csv")
    return tuple(
        dict.fromkeys(r["victim"] for r in rows if (r["with_target"], r["with_action"]) == (target, action))
    )


@cache
def pk_default(parameter: str) -> PKRow:
    """A number of the species rule (pk_defaults.csv)."""
    row = find(
        parameter, index({r["parameter"]: r for r in table("pk_defaults.csv")}), "default", [parameter]
    )
    return PKRow(number(row["value"]), row["unit"], row["basis"], row["source"], "", "", row["note"])


@cache
def _species() -> dict[str, Species]:
    return {
        row["species"]: Species(row["species"], number(row["weight_kg"]), row["usual_route"])
        for row in table("species.csv")
    }


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
    return find(name, _species_index(), "species", species_names())


@cache
def _species_index() -> dict[str, Species]:
    return index(_species())


@cache
def _routes() -> dict[str, Route]:
    return {
        row["route"]: Route(
            row["route"],
            row["kind"],
            number(row["ka_1_per_h"]),
            number(row["F"]),
            row["F_of"],
            row["portal"] == "yes",
            row["needs_rate"] == "yes",
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
