"""Drugs and what they bind to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from neurosim.reference.receptors import target
from neurosim.reference.tables import find, index, number, positive, table

__all__ = ["Action", "Binding", "Drug", "bindings", "drug", "drug_names"]


@dataclass(frozen=True)
class Action:
    """What a word for an action means to the model.

    ``default_efficacy`` is for rows that state none; ``basal_left`` is the part of a receptor's constitutive
    activity that a bound antagonist leaves, 1 if it is neutral, 0 for a full inverse agonist.

    A ``blocker`` occupies a carrier or an enzyme for as long as it is there, a ``substrate`` competes for a carrier and is
    carried, a ``releaser`` makes a carrier run outward, an ``inactivator`` destroys the protein, a ``precursor`` is made
    into transmitter.
    """

    name: str
    kind: Literal[
        "agonist",
        "antagonist",
        "blocker",
        "substrate",
        "releaser",
        "inactivator",
        "precursor",
        "none",
        "unmodelled",
    ]
    default_efficacy: float | None
    note: str
    basal_left: float | None = None


@dataclass(frozen=True)
class Binding:
    """A drug at a target.

    Attributes
    ----------
    target : str
        Canonical name; ``row["target"]`` is the name that the table writes.
    kind : str
        What the target is to the model (see :class:`~neurosim.reference.Target`).
    Ki : float or None, nM
    efficacy : float or None
        Maximal effect relative to the transmitter, as the row states it.
    EC_50 : float or None, nM
        Functional, where a row of this drug and target states one.
    affinity_state : str
        ``low`` where an agonist was measured against the low-affinity state, else ``high`` or empty (not
        stated).
    assay : str
        ``uptake`` (inhibition of transport, which is what K_i of a carrier means), ``kinetics`` (koff/kon), ``no label``
        (free of the label's influence), empty: displacement of a label, or not stated.
    """

    drug: str
    target: str
    kind: str
    action: Action
    Ki: float | None
    efficacy: float | None
    EC_50: float | None
    affinity_state: str
    parameter: str
    assay: str
    system: str
    source: str
    url: str
    verified: str
    notes: str
    row: Mapping[str, str] = field(repr=False, compare=False)

    @property
    def basal_left(self) -> float:
        """Part of the constitutive activity that a bound antagonist leaves.

        1 + efficacy where the row states a negative one (-1: a full inverse agonist), else what its action
        says.
        """
        if self.efficacy is not None and self.efficacy < 0:
            return max(0.0, 1.0 + self.efficacy)
        return 1.0 if self.action.basal_left is None else self.action.basal_left


@dataclass(frozen=True)
class Drug:
    """A drug: its name as the tables write it, and all its binding rows in file order."""

    name: str
    rows: tuple[Binding, ...]
    molar_mass: float | None

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """One row per target: the first in file order, with the first EC_50 that any row states."""
        first: dict[str, Binding] = {}
        for row in self.rows:
            first.setdefault(row.target, row)
        return tuple(self.completed(row) for row in first.values())

    def completed(self, row: Binding) -> Binding:
        """A row of this drug, with the first EC_50 of its target if it states none itself."""
        if row.EC_50 is not None:
            return row
        return replace(row, EC_50=self._first_EC_50(row.target))

    def _first_EC_50(self, name: str) -> float | None:
        return next((row.EC_50 for row in self.rows if row.target == name and row.EC_50 is not None), None)


@cache
def _actions() -> dict[str, Action]:
    return {
        row["action"]: Action(
            row["action"],
            row["kind"],
            number(row["default_efficacy"]),
            row["note"],
            number(row["basal_left"]),
        )
        for row in table("actions.csv")
    }


def _binding(row: Mapping[str, str]) -> Binding:
    where = target(row["target"])
    place = f"drugs_binding.csv: {row['drug']} at {row['target']}"
    return Binding(
        drug=row["drug"],
        target=where.name,
        kind=where.kind,
        action=find(row["action"], index(_actions()), "action", _actions()),
        Ki=positive(row["ki_nM"], place, "ki_nM"),
        efficacy=number(row["intrinsic_efficacy"]),
        EC_50=positive(row["EC_50_nM"], place, "EC_50_nM"),
        affinity_state=row["affinity_state"],
        parameter=row["parameter"],
        assay=row["assay"],
        system=row["species_system"],
        source=row["source"],
        url=row["url"],
        verified=row["verified"],
        notes=row["notes"],
        row=row,
    )


@cache
def _drugs() -> dict[str, Drug]:
    rows: dict[str, list[Binding]] = {row["drug"]: [] for row in table("drugs_binding.csv")}
    for name in ("drugs_pk.csv", "drugs_pk_rat.csv", "pk_parameters.csv"):
        for row in table(name):
            rows.setdefault(row["drug"], [])
    for row in table("drugs_binding.csv"):
        rows[row["drug"]].append(_binding(row))
    return {name: Drug(name, tuple(found), _molar_mass(name)) for name, found in rows.items()}


def _molar_mass(name: str) -> float | None:
    for row in table("drugs_pk.csv"):
        if row["drug"] == name and row["molecular_weight"]:
            return number(row["molecular_weight"])
    for row in table("pk_parameters.csv"):
        if row["drug"] == name and row["parameter"] == "molar_mass":
            return number(row["value"])
    return None


@cache
def _drug_index() -> dict[str, Drug]:
    return index(_drugs(), ((row["alias"], row["drug"]) for row in table("drug_aliases.csv")))


def drug_names() -> tuple[str, ...]:
    """Names of all drugs that have a binding row."""
    return tuple(name for name, found in _drugs().items() if found.rows)


@cache
def drug(name: str) -> Drug:
    """A drug by name or alias.

    Raises
    ------
    ReferenceDataError
        If no table has it; the message names the nearest one.
    """
    return find(name, _drug_index(), "drug", drug_names())


@cache
def bindings(name: str) -> tuple[Binding, ...]:
    """What a drug binds to, one row per target (see :attr:`Drug.bindings`)."""
    return drug(name).bindings
