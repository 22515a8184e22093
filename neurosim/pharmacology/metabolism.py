"""What becomes of a drug, what other drugs do to its kinetics, and everything that rests on.

An active metabolite is simulated where metabolites.csv says how much of it is formed, the binding table what
it acts on, and the tables of kinetics how it is distributed and lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from neurosim import reference
from neurosim.errors import ReferenceDataError
from neurosim.pharmacology.compartments import MetaboliteNode
from neurosim.pharmacology.parameters import (
    Absorption,
    PKNumber,
    PKParameters,
    absorption,
    pk_parameters,
)

__all__ = ["disposition", "metabolite_names", "metabolite_nodes", "pk_provenance"]

#: Parameters of the disposition that an interaction may multiply; the rest are those of a route (F_, ka_).
_OF_DRUG = ("V", "CL", "fu_plasma", "Kpuu", "ke0")


def _interactions(drug: str, species: str, others: Sequence[str]) -> list[tuple[reference.Interaction, str]]:
    """Rows that apply, each with the drug that brings it about."""
    return [
        (row, other)
        for row in reference.pk_interactions(drug, species)
        for other in others
        if any(
            b.target == reference.target(row.with_target).name and b.action.name == row.with_action
            for b in reference.drug(other).rows
        )
    ]


def _adjusted(
    parameters: PKParameters, way: Absorption | None, others: Sequence[str]
) -> tuple[PKParameters, Absorption | None, list[PKNumber]]:
    """Parameters as they are while other drugs are given too; two drugs with one action count once."""
    numbers = []
    done = set()
    for row, other in _interactions(parameters.drug, parameters.species, others):
        key = (row.with_target, row.with_action, row.parameter)
        stem, _, route = row.parameter.partition("_")
        if key in done:
            continue
        if row.parameter in _OF_DRUG:
            if getattr(parameters, row.parameter) is None:
                continue
            scaled = row.factor * getattr(parameters, row.parameter)
            parameters = replace(parameters, **{row.parameter: scaled})
        elif way is None or route != way.route:
            continue
        elif stem == "F":
            way = replace(way, F=min(row.factor * way.F, 1.0))
        else:
            way = replace(way, ka=row.factor * way.ka)
        done.add(key)
        cause = f"while {other} is given ({row.with_action} at {row.with_target})"
        note = "; ".join(filter(None, (cause, row.note)))
        numbers.append(PKNumber(f"{row.parameter} factor", row.factor, "", row.basis, row.source, note))
    return parameters, way, numbers


@lru_cache(maxsize=512)
def disposition(
    drug: str, species: str, route: str, others: tuple[str, ...] = ()
) -> tuple[PKParameters, Absorption, list[PKNumber]]:
    """Parameters and absorption of a drug while others are given, and the factors that this took.

    Raises
    ------
    ReferenceDataError
        As :func:`~neurosim.pharmacology.pk_parameters` and :func:`~neurosim.pharmacology.absorption`.
    """
    return _adjusted(pk_parameters(drug, species), absorption(drug, species, route), others)


def _why_not(name: str, species: str) -> str:
    """Why a metabolite cannot be simulated; empty if it can."""
    try:
        if not reference.drug(name).rows:
            return "no table says what it binds to"
        pk_parameters(name, species)
    except ReferenceDataError as error:
        return str(error)
    return ""


@lru_cache(maxsize=512)
def metabolite_nodes(drug: str, species: str, others: tuple[str, ...] = ()) -> tuple[MetaboliteNode, ...]:
    """The metabolites of a drug that are simulated, and what becomes of them in turn."""
    return tuple(
        MetaboliteNode(
            _adjusted(pk_parameters(row.name, species), None, others)[0],
            row.fraction,
            row.first_pass,
            metabolite_nodes(row.name, species, others),
        )
        for row in reference.metabolites(drug, species)
        if not _why_not(row.name, species)
    )


def metabolite_names(drug: str, species: str) -> tuple[str, ...]:
    """Active metabolites that a dose of a drug brings along as ligands.

    Raises
    ------
    ReferenceDataError
        If the drug is not known.
    """
    nodes = metabolite_nodes(reference.drug(drug).name, species)
    deeper = (metabolite_names(node.parameters.drug, species) for node in nodes)
    return tuple(dict.fromkeys([n.parameters.drug for n in nodes] + [name for names in deeper for name in names]))


def pk_provenance(
    drug: str, species: str, route: str | None = None, others: Sequence[str] = ()
) -> list[PKNumber]:
    """Every number that a dose of a drug rests on, with basis and source, and what is left out.

    Parameters
    ----------
    route : str, optional
        Adds absorption by that route.
    others : sequence of str
        Drugs given too, which may change the parameters.

    Returns
    -------
    list of PKNumber
        Those of metabolites are named ``METABOLITE: NUMBER``. Active metabolites that are not simulated come
        last as entries without a value.

    Raises
    ------
    ReferenceDataError
        As :func:`pk_parameters` and :func:`absorption`.
    """
    parameters = pk_parameters(drug, species)
    way = None if route is None else absorption(drug, species, route)
    numbers = [*parameters.numbers, *(() if way is None else way.numbers)]
    numbers += _adjusted(parameters, way, [reference.drug(name).name for name in others])[2]
    # Without a row in metabolites.csv nobody knows how much of it is formed.
    left_out = dict.fromkeys(map(_canonical, _named_metabolites(parameters.drug)), "")
    for row in reference.metabolites(parameters.drug, parameters.species):
        left_out[row.name] = _why_not(row.name, species)
        if not left_out[row.name]:
            del left_out[row.name]
            numbers += _formation(row)
            numbers += [
                replace(n, name=f"{row.name}: {n.name}") for n in pk_parameters(row.name, species).numbers
            ]
    return numbers + [
        PKNumber(
            "active metabolite",
            None,
            "",
            "assumed",
            "drugs_pk.csv",
            f"active metabolite {name} not simulated" + (f": {why}" if why else ""),
        )
        for name, why in left_out.items()
    ]


def _formation(row: reference.Metabolite) -> list[PKNumber]:
    parts = {"fraction": row.fraction, "first pass": row.first_pass}
    return [
        PKNumber(f"{row.name}: {name}", value, "", row.basis, row.source, row.note)
        for name, value in parts.items()
    ]


def _canonical(name: str) -> str:
    try:
        return reference.drug(name).name
    except ReferenceDataError:
        return name


def _named_metabolites(drug: str) -> list[str]:
    """Active metabolites that any table row of a drug names."""
    found: list[str] = []
    for row in reference.pk_evidence(drug):
        depth, part = 0, ""
        for character in row.get("active_metabolites", "") + ",":
            depth += (character == "(") - (character == ")")
            if character in ",;" and depth == 0:
                found.append(part.strip())
                part = ""
            else:
                part += character
    active = [name for name in found if name and name != "none" and "(inactive" not in name]
    return list(dict.fromkeys(name.split(" (")[0] for name in active))
