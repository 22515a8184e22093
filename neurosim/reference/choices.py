"""Which of several published rows of one constant is taken: profiles, and the kinetics of binding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from neurosim.errors import ReferenceDataError
from neurosim.reference.drugs import Binding, drug
from neurosim.reference.receptors import receptor
from neurosim.reference.tables import find, fold, index, number, positive, table

__all__ = [
    "Kinetics",
    "binding_default",
    "binding_kinetics",
    "chosen_binding",
    "profile_names",
    "profile_rows",
]

_DEFAULT = "default"
_ANY = "*"
_PICKS = {
    "first": lambda rows: rows[0],
    "displacement": lambda rows: next((row for row in rows if not row.assay), rows[0]),
    "lowest": lambda rows: min(rows, key=lambda row: row.Ki),
    "highest": lambda rows: max(rows, key=lambda row: row.Ki),
    "median": lambda rows: sorted(rows, key=lambda row: row.Ki)[(len(rows) - 1) // 2],
}


@dataclass(frozen=True)
class Kinetics:
    """How fast a ligand leaves a receptor: ``koff`` in 1/s, ``kon`` in 1/(nM s) as published or None."""

    koff: float
    kon: float | None
    profile: str
    row: Mapping[str, str] = field(repr=False, compare=False)


def profile_names() -> tuple[str, ...]:
    """Names of all profiles, ``default`` first."""
    return tuple(dict.fromkeys(row["profile"] for row in table("profiles.csv")))


def profile_rows(profile: str) -> tuple[Mapping[str, str], ...]:
    """The rules of a profile alone, without those of ``default``.

    Raises
    ------
    ReferenceDataError
        If there is no such profile; the message names the nearest one.
    """
    name = find(profile, index({n: n for n in profile_names()}), "profile", profile_names())
    return tuple(row for row in table("profiles.csv") if row["profile"] == name)


def _pick(profile: str, kind: str, ligand: str, target: str) -> str:
    """The word of the most specific rule; what a profile does not say is as in ``default``."""
    for rules in (profile_rows(profile), profile_rows(_DEFAULT)):
        fitting = [
            rule
            for rule in rules
            if rule["kind"] == kind
            and rule["drug"] in (_ANY, ligand)
            and rule["target"] in (_ANY, target)
        ]
        if fitting:
            return max(fitting, key=lambda r: (r["drug"] != _ANY) + (r["target"] != _ANY))["pick"]
    raise ReferenceDataError(f"profiles.csv: {_DEFAULT} has no rule of kind {kind} for {ligand} at {target}")


@cache
def chosen_binding(name: str, target: str, profile: str = _DEFAULT) -> Binding | None:
    """The row of a drug at a target that a profile takes, or None if it has none.

    Parameters
    ----------
    target : str
        Canonical name of a receptor, carrier, store or enzyme.

    Notes
    -----
    Rows with a number and the kind of action of the first compete; ``median`` of two rows is the lower one.
    An EC_50 comes from the row itself, else from the first row of the pair that states one.

    Raises
    ------
    ReferenceDataError
        If the drug or the profile is not known, or a rule of the profile says a word that is none.
    """
    found = drug(name)
    rows = [row for row in found.rows if row.target == target]
    word = _pick(profile, "binding", found.name, target)
    if word not in _PICKS:
        raise ReferenceDataError(
            f"profiles.csv: profile {profile} picks {word!r}; allowed: {', '.join(_PICKS)}"
        )
    if not rows:
        return None
    comparable = [row for row in rows if row.action.kind == rows[0].action.kind and row.Ki is not None]
    return found.completed(_PICKS[word](comparable) if comparable and rows[0].Ki is not None else rows[0])


@cache
def binding_kinetics(receptor_name: str, ligand: str, profile: str = _DEFAULT) -> Kinetics | None:
    """Kinetics of a drug or transmitter at a receptor, or None where no table has any.

    Rows of the receptor itself come before those of its target (D2L before D2); of several the one whose
    word the profile picks, else one without a word.

    Raises
    ------
    ReferenceDataError
        If the receptor or profile is not known, or a rate is not above 0.
    """
    found = receptor(receptor_name)
    word = _pick(profile, "kinetics", ligand, found.target)
    for place in dict.fromkeys((found.name, found.target)):
        rows = [
            row
            for row in table("binding_kinetics.csv")
            if row["receptor"] == place and fold(row["ligand"]) == fold(ligand)
        ]
        for accepted in (word, ""):
            for row in rows:
                if row["profile"] == accepted:
                    return _kinetics(row)
    return None


def _kinetics(row: Mapping[str, str]) -> Kinetics:
    place = f"binding_kinetics.csv: {row['ligand']} at {row['receptor']}"
    koff = positive(row["koff_1_per_s"], place, "koff_1_per_s")
    if koff is None:
        raise ReferenceDataError(f"{place}: koff_1_per_s is empty; allowed: a number above 0")
    return Kinetics(koff, positive(row["kon_1_per_nM_s"], place, "kon_1_per_nM_s"), row["profile"], row)


@cache
def binding_default(parameter: str) -> float:
    """A number of the binding rules that belongs to no drug (binding_defaults.csv).

    Raises
    ------
    ReferenceDataError
        If the table has no such number.
    """
    rows = {row["parameter"]: row for row in table("binding_defaults.csv")}
    return number(find(parameter, index(rows), "binding default", rows)["value"])
