"""A stable hash of the rows that a trial depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping

from neurosim.reference.choices import profile_rows
from neurosim.reference.drugs import drug
from neurosim.reference.kinetics import stand_in
from neurosim.reference.receptors import carrier, carrier_names, receptor
from neurosim.reference.tables import fold, table

__all__ = ["rows_used"]

#: Columns that say where a number is from; a better citation changes no result.
_PROVENANCE = {
    "basis",
    "note",
    "notes",
    "source",
    "url",
    "value_checked",
    "verified",
    "verified_fields",
    "K_func_source",
    "tau_assay_source",
    "constitutive_source",
}
#: Small tables of rules on which every drug depends.
_RULES = (
    "actions.csv",
    "binding_defaults.csv",
    "binding_targets.csv",
    "pk_defaults.csv",
    "routes.csv",
    "species.csv",
)
#: Tables with rows by drug, beside the binding table.
_BY_DRUG = ("drugs_pk.csv", "pk_parameters.csv")


def rows_used(
    drugs: Iterable[str] = (),
    receptors: Iterable[str] = (),
    carriers: Iterable[str] | None = None,
    profile: str = "default",
) -> str:
    """Hex digest of every table row that these drugs, receptors and carriers draw on.

    Parameters
    ----------
    drugs, receptors : iterable of str
        Order and repetition do not matter.
    carriers : iterable of str, optional
        Default: all.
    profile : str
        Its rules and those of ``default`` enter with the first drug or receptor.

    Returns
    -------
    str
        SHA-256. Rows of anything else, citations and notes do not enter, so adding a drug to a table or
        correcting a citation leaves the keys of other trials alone.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    """
    content = [
        *(["receptor", _numbers(row)] for name in receptors for row in _receptor_rows(name)),
        *(
            ["carrier", _numbers(row)]
            for name in (carrier_names() if carriers is None else carriers)
            for row in carrier(name).rows
        ),
        *(["drug", _numbers(row)] for name in drugs for row in _drug_rows(drug(name).name)),
    ]
    if any(kind == "drug" for kind, _ in content):
        content += [[name, _numbers(row)] for name in _RULES for row in table(name)]
    if any(kind in ("drug", "receptor") for kind, _ in content):
        for name in ("default", profile):
            content += [["profile", _numbers(row)] for row in profile_rows(name)]
    texts = sorted({json.dumps(item, sort_keys=True) for item in content})
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _receptor_rows(name: str) -> Iterator[Mapping[str, str]]:
    found = receptor(name)
    yield found.row
    for row in _kinetics_rows(found.ligand):
        if row["receptor"] in (found.name, found.target):
            yield row


def _kinetics_rows(ligand: str) -> Iterator[Mapping[str, str]]:
    """The rows on how fast a ligand unbinds; of two that one word picks the first counts."""
    own = [row for row in table("binding_kinetics.csv") if fold(row["ligand"]) == fold(ligand)]
    for position, row in enumerate(own):
        yield {**row, "position": str(position)}


def _drug_rows(name: str) -> Iterator[Mapping[str, str]]:
    # The position keeps "the first row is the default" in the hash.
    for position, binding in enumerate(drug(name).rows):
        yield {**binding.row, "position": str(position)}
    for file in _BY_DRUG:
        for row in table(file):
            if row["drug"] == name:
                yield row
    yield from _kinetics_rows(name)
    for file, column in (("metabolites.csv", "parent"), ("pk_interactions.csv", "victim")):
        for row in table(file):
            if row[column] == name:
                yield row
                if column == "parent":
                    yield from _drug_rows(row["metabolite"])
    for row in table("species.csv"):
        lent = stand_in(name, row["species"])
        if lent is not None:
            yield lent
            yield from _drug_rows(lent["stand_in"])


def _numbers(row: Mapping[str, str]) -> dict[str, str]:
    return {column: cell for column, cell in row.items() if column not in _PROVENANCE and cell}
