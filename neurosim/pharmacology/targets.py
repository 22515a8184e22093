"""What of a drug the model expresses in a circuit, in words, and what it leaves out.

The rows of the binding table decide, by the kind of their target and by what their action means to the model;
no drug is treated by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from neurosim import reference
from neurosim.pharmacology.chemistry import VESICULAR
from neurosim.pharmacology.knowledge import Knowledge
from neurosim.reference import Binding

__all__ = ["TargetReport", "acts_outside", "is_expressed", "ligand_name", "report_targets"]

_RECEPTOR_KINDS = ("agonist", "antagonist")
_DEFAULT = Knowledge()


@dataclass(frozen=True)
class TargetReport:
    """What becomes of the rows of a drug.

    Attributes
    ----------
    expressed : tuple of str
        Receptors, carriers, stores and enzymes of the circuit through which the drug acts.
    actions : tuple of str
        What it does at each of them, in words.
    absent : tuple of str
        Targets that have no place here: not in the circuit, or beyond the model.
    unmodelled : tuple of str
        Actions that are left out, each with what it would need.
    ignored : tuple of str
        Rows without an action, with the reason.
    assumptions : tuple of str
        What had to be assumed for the rows that are expressed.
    """

    drug: str
    expressed: tuple[str, ...]
    actions: tuple[str, ...]
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
    """Whether the model has what a row says: the target, the action and its number."""
    kind = binding.action.kind
    if kind == "inactivator":
        return reference.inactivation(binding.drug, binding.target) is not None
    if kind == "precursor":
        return bool(reference.precursor_of(binding.drug))
    if binding.Ki is None:
        return False
    return {
        "receptor": kind in _RECEPTOR_KINDS,
        "carrier": kind in ("blocker", "substrate"),
        "release": kind == "releaser",
        "store": kind in ("blocker", "substrate"),
        "enzyme": kind in ("blocker", "substrate"),
    }.get(binding.kind, False)


def acts_outside(binding: Binding) -> tuple[str, ...]:
    """Drugs whose kinetics a row changes before they reach the brain."""
    return reference.interaction_victims(binding.target, binding.action.name)


def _is_unmodelled(binding: Binding) -> bool:
    return (
        binding.kind != "other"
        and binding.action.kind != "none"
        and not is_expressed(binding)
        and not acts_outside(binding)
    )


def _needs(binding: Binding) -> str:
    lacking = {"inactivator": "its rate of inactivation", "precursor": "its step of synthesis"}
    return binding.action.note or lacking.get(binding.action.kind, "a number for its affinity")


def _constant(binding: Binding) -> str:
    return f"{binding.parameter or 'Ki'} {binding.Ki:g} nM"


def _at_receptor(binding: Binding) -> str:
    words = f"{binding.action.name} at {binding.target} ({_constant(binding)}"
    if binding.action.kind != "agonist":
        return words + ")"
    efficacy = binding.action.default_efficacy if binding.efficacy is None else binding.efficacy
    return words + f", efficacy {efficacy:g})"


def _inactivates(binding: Binding) -> str:
    found = reference.inactivation(binding.drug, binding.target)
    return (
        f"destroys {binding.target} (k_inact {60 * found.k_inact:.2g} 1/min, K_I {found.K_I:g} nM), "
        "which outlasts the drug"
    )


def _made_into(binding: Binding) -> str:
    steps = reference.precursor_of(binding.drug)
    return f"made into {' and '.join(step.transmitter for step in steps)} by {steps[0].enzyme} in terminals"


def _describe(binding: Binding) -> str:
    """What a row that is expressed does."""
    kind, target = binding.action.kind, binding.target
    if binding.kind == "receptor":
        return _at_receptor(binding)
    if kind == "inactivator":
        return _inactivates(binding)
    if kind == "precursor":
        return _made_into(binding)
    if kind == "releaser":
        return f"releases through {target.removesuffix('_release')} ({_constant(binding)})"
    if binding.kind == "store":
        return f"blocks {target} ({_constant(binding)}): vesicles fill less"
    if binding.kind == "enzyme":
        return f"inhibits {target} while it is there ({_constant(binding)})"
    if kind == "substrate":
        return f"competes for uptake by {target} ({_constant(binding)})"
    return f"blocks {target} ({_constant(binding)}): uptake slows, and so does release through it"


def _outside(binding: Binding) -> str:
    victims = " and ".join(acts_outside(binding))
    return f"{binding.action.name} of {binding.target} outside the brain: {victims} given by dose lasts longer"


def _name(binding: Binding) -> str:
    number = "" if binding.Ki is None else f", {_constant(binding)}"
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


def _places(
    receptors: Iterable[str] | None, carriers: Iterable[str] | None, stores: Iterable[str] | None
) -> dict[str, set[str]]:
    """Kind of target → the names that have a place."""
    carriers = set(reference.carrier_names() if carriers is None else carriers)
    transmitters = set(reference.transmitter_names("modulator") if stores is None else stores)
    made = {step.enzyme for t in transmitters for step in reference.synthesis_steps(t)}
    everywhere = [(t, "outside") for t in reference.transmitter_names("modulator")]
    places = [*everywhere, *((t, "terminal") for t in transmitters)]
    broken = {e for place in places for e, share in reference.enzyme_shares(*place).items() if share}
    return {
        "receptor": {
            reference.receptor(name).target
            for name in (reference.receptor_names() if receptors is None else receptors)
        },
        "carrier": {reference.carrier(name).name for name in carriers},
        "release": {f"{reference.carrier(name).name}_release" for name in carriers if transmitters},
        "store": {VESICULAR} if transmitters else set(),
        "enzyme": made | broken,
    }


def report_targets(
    drug: str,
    receptors: Iterable[str] | None = None,
    carriers: Iterable[str] | None = None,
    stores: Iterable[str] | None = None,
    knowledge: Knowledge = _DEFAULT,
) -> TargetReport:
    """What of a drug a circuit expresses.

    Parameters
    ----------
    receptors, carriers : iterable of str, optional
        Those of the circuit's sites and pools; by default all that the tables know.
    stores : iterable of str, optional
        Transmitters of which the circuit has vesicle stores; by default all.
    knowledge : Knowledge, optional
        Which of several published affinities, and of which species.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    """
    found = reference.drug(drug)
    rows = knowledge.bindings(drug)
    places = _places(receptors, carriers, stores)
    here = [row for row in rows if is_expressed(row) and row.target in places.get(row.kind, ())]
    absent = [
        row
        for row in rows
        if row.action.kind != "none"
        and (row.kind == "other" or (is_expressed(row) and row not in here))
    ]
    return TargetReport(
        drug=found.name,
        expressed=tuple(row.target for row in here),
        actions=(
            *(_describe(row) for row in here),
            *(_outside(row) for row in rows if acts_outside(row)),
        ),
        absent=tuple(row.target for row in absent),
        unmodelled=tuple(f"{_name(row)}: needs {_needs(row)}" for row in rows if _is_unmodelled(row)),
        ignored=tuple(
            f"{row.target}: {row.action.note}{row.notes and f' ({row.notes})'}"
            for row in rows
            if row.action.kind == "none"
        ),
        assumptions=tuple(text for row in here for text in _assumptions(row)),
    )
