"""Affinities that differ between species: the binding rows of a drug as they hold in one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from neurosim.errors import ReferenceDataError
from neurosim.reference.drugs import Binding, bindings, drug
from neurosim.reference.kinetics import species
from neurosim.reference.receptors import target
from neurosim.reference.tables import number, table

__all__ = ["affinity_rows", "binding_in", "in_species"]


@cache
def _rows() -> Mapping[tuple[str, str, str], Mapping[str, str]]:
    found: dict[tuple[str, str, str], Mapping[str, str]] = {}
    for row in table("species_affinity.csv"):
        key = drug(row["drug"]).name, target(row["target"]).name, species(row["species"]).name
        if key in found:
            raise ReferenceDataError(
                f"reference table species_affinity.csv: two rows for {key[0]} at {key[1]} in the {key[2]}"
            )
        found[key] = row
    return found


def affinity_rows(name: str) -> tuple[Mapping[str, str], ...]:
    """All rows of species_affinity.csv on a drug, in file order."""
    return tuple(row for (of, _, _), row in _rows().items() if of == drug(name).name)


def in_species(binding: Binding, species_name: str | None) -> Binding:
    """A binding row as it holds in a species.

    Parameters
    ----------
    binding : Binding
        Any row of a drug at a target, whichever system it was measured in.
    species_name : str or None
        None: the row as it is.

    Returns
    -------
    Binding
        With the Ki of species_affinity.csv where that table has the drug, target and species, else unchanged. A
        functional ``EC_50`` is scaled by the ratio of the two Ki: what differs is the affinity, the efficacy stays.

    Raises
    ------
    ReferenceDataError
        If the species is not known.
    """
    if species_name is None:
        return binding
    row = _rows().get((binding.drug, binding.target, species(species_name).name))
    if row is None:
        return binding
    Ki = number(row["Ki_nM"])
    EC_50 = binding.EC_50
    if EC_50 is not None and binding.Ki is not None:
        EC_50 *= Ki / binding.Ki
    return replace(
        binding,
        Ki=Ki,
        EC_50=EC_50,
        parameter="Ki",
        system=row["species"],
        source=row["source"],
        url=row["url"],
        verified=row["value_checked"],
        notes="; ".join(filter(None, (row["note"], binding.notes))),
    )


def binding_in(name: str, target_name: str, species_name: str | None = None) -> Binding | None:
    """The default row of a drug at a target as it holds in a species, None where the table has no row for them.

    Raises
    ------
    ReferenceDataError
        If the drug, target or species is not known.

    Examples
    --------
    >>> [binding_in("CP-93129", "5-HT1B", s).Ki for s in ("rat", "human")]
    [15.0, 954.0]
    """
    wanted = target(target_name).name
    found = next((row for row in bindings(name) if row.target == wanted), None)
    return None if found is None else in_species(found, species_name)
