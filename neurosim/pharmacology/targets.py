"""What of a drug the model can express, and what it cannot.

The rows of the binding table decide, by the kind of their target and by what their action means to the model;
no drug is treated by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from neurosim import reference
from neurosim.errors import SpecError
from neurosim.reference import Binding

__all__ = ["TargetReport", "is_expressed", "ligand_name", "report_targets", "require_expressible"]

#: What an action at a target that is not simulated would need.
_NEEDS = {
    "release": "release through the carrier",
    "store": "vesicle stores",
    "enzyme": "enzymes and synthesis",
}


@dataclass(frozen=True)
class TargetReport:
    """What becomes of the rows of a drug.

    Attributes
    ----------
    expressed : tuple of str
        Receptors and carriers through which the drug acts.
    absent : tuple of str
        Targets that have no place here: not in the circuit, or no dopamine or serotonin receptor.
    unmodelled : tuple of str
        Actions that are left out, each with what it would need.
    ignored : tuple of str
        Rows without an action, with the reason.
    assumptions : tuple of str
        What had to be assumed for the rows that are expressed.
    """

    drug: str
    expressed: tuple[str, ...]
    absent: tuple[str, ...]
    unmodelled: tuple[str, ...]
    ignored: tuple[str, ...]
    assumptions: tuple[str, ...]


def ligand_name(drug: str) -> str:
    """The name of a drug as the tables write it.

    Raises
    ------
    ReferenceDataError
        If the drug is not known.
    """
    return reference.drug(drug).name


def is_expressed(binding: Binding) -> bool:
    """Whether a row acts through a receptor by competition, or blocks a carrier."""
    if binding.Ki is None:
        return False
    if binding.kind == "receptor":
        return binding.action.kind in ("agonist", "antagonist")
    return binding.kind == "carrier" and binding.action.kind == "blocker"


def _is_unmodelled(binding: Binding) -> bool:
    return binding.kind != "other" and binding.action.kind != "none" and not is_expressed(binding)


def _needs(binding: Binding) -> str:
    return _NEEDS.get(binding.kind) or binding.action.note or "a number for its affinity"


def _describe(binding: Binding) -> str:
    number = "" if binding.Ki is None else f", {binding.parameter} {binding.Ki:g} nM"
    return f"{binding.action.name} at {binding.row['target']}{number}"


def _assumptions(binding: Binding) -> list[str]:
    found = []
    action = binding.action
    where = f"{binding.drug} at {binding.target}"
    if action.kind == "antagonist" and action.note:
        found.append(f"{where}: {action.note}")
    if action.kind == "agonist" and binding.efficacy is None:
        found.append(f"{where}: efficacy {action.default_efficacy:g} assumed ({action.note})")
    if action.kind == "antagonist" and binding.efficacy:
        found.append(
            f"{where}: the table states an efficacy of {binding.efficacy:g}; counted as an antagonist"
        )
    return found


@lru_cache(maxsize=512)
def require_expressible(drug: str) -> None:
    """Refuse a drug whose leading action is not modelled.

    The row with the lowest constant leads; rows without a number count only if there is no other. Rows at
    targets beyond the model (adrenergic, histamine ...) neither help nor hinder, but a drug that has nothing
    else is refused too.

    Raises
    ------
    SpecError
        One sentence: what the drug does and what that would need.
    ReferenceDataError
        If the drug is not known.
    """
    found = reference.drug(drug)
    expressed = [row for row in found.bindings if is_expressed(row)]
    rest = [row for row in found.bindings if _is_unmodelled(row)]
    best = min((row.Ki for row in expressed), default=None)
    leading = [row for row in rest if best is None or (row.Ki is not None and row.Ki < best)]
    if leading:
        first = min(leading, key=lambda row: float("inf") if row.Ki is None else row.Ki)
        raise SpecError(
            f"drug {found.name}: its leading action is {_describe(first)}, which needs {_needs(first)}, "
            f"not modelled; allowed: drugs that lead at dopamine or serotonin receptors or block uptake"
        )
    if not expressed:
        others = ", ".join(row.row["target"] for row in found.bindings) or "no target of the binding table"
        raise SpecError(
            f"drug {found.name}: it acts at {others}, which is not modelled; "
            f"allowed: drugs that act at dopamine or serotonin receptors or block uptake"
        )


def report_targets(
    drug: str, receptors: Iterable[str] | None = None, carriers: Iterable[str] | None = None
) -> TargetReport:
    """What of a drug a circuit expresses.

    Parameters
    ----------
    receptors, carriers : iterable of str, optional
        Those of the circuit's sites and pools; by default all that the tables know.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    """
    found = reference.drug(drug)
    here = {
        reference.receptor(name).target
        for name in (reference.receptor_names() if receptors is None else receptors)
    } | {
        reference.carrier(name).name for name in (reference.carrier_names() if carriers is None else carriers)
    }
    expressed = [row for row in found.bindings if is_expressed(row) and row.target in here]
    ignored = [row for row in found.bindings if row.action.kind == "none"]
    absent = [
        row
        for row in found.bindings
        if row.action.kind != "none"
        and (row.kind == "other" or (is_expressed(row) and row.target not in here))
    ]
    return TargetReport(
        drug=found.name,
        expressed=tuple(row.target for row in expressed),
        absent=tuple(row.target for row in absent),
        unmodelled=tuple(
            f"{_describe(row)}: needs {_needs(row)}" for row in found.bindings if _is_unmodelled(row)
        ),
        ignored=tuple(f"{row.target}: {row.action.note}{row.notes and f' ({row.notes})'}" for row in ignored),
        assumptions=tuple(text for row in expressed for text in _assumptions(row)),
    )
