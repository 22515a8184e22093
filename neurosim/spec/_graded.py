"""What the disorders of an arm do to a circuit: lesions and multiples, at their severity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from neurosim.errors import SpecError, nearest
from neurosim.spec._circuit import Circuit
from neurosim.spec._disorder import Alteration, GradedDisorder
from neurosim.spec._model import Mark, Path, Problem
from neurosim.spec._paths import Edit, apply_edit, parse_path

if TYPE_CHECKING:
    from neurosim.spec._experiment import Arm

__all__ = [
    "DisorderEffect",
    "altered_paths",
    "disorder_effects",
    "disorder_problems",
    "edits_of_disorders",
    "lesions_of",
    "matched",
]

#: Keys that hold the number of a sourced value; a bare number stands at the path itself.
_VALUE = ("value", "mean")
#: Stands for a place in messages of which only the sentence is wanted.
_NOWHERE = Mark("circuit")


@dataclass(frozen=True)
class DisorderEffect:
    """One alteration of an arm's disorder in a circuit.

    Attributes
    ----------
    disorder, alteration : str
        Their names.
    what : str
        What is done at the arm's severity, for people.
    absent : str or None
        Why it is left out: what the circuit lacks. None where it is applied.
    """

    disorder: str
    alteration: str
    what: str
    absent: str | None


def disorder_effects(arm: Arm, circuit: Circuit) -> tuple[DisorderEffect, ...]:
    """What the disorders of an arm do to a circuit, alteration by alteration."""
    return tuple(
        DisorderEffect(entry.disorder.name, name, _words(entry, alteration), absent(circuit, alteration))
        for entry in arm.disorders
        for name, alteration in entry.disorder.alterations.items()
    )


def _words(entry: GradedDisorder, alteration: Alteration) -> str:
    if alteration.lesion is not None:
        return f"{alteration.lesion.population} loses {_text(100 * entry.fraction(alteration.lesion))} % of its cells"
    return ", ".join(f"{path} {_text(entry.factor(full))}x" for path, full in alteration.set.items())


def absent(circuit: Circuit, alteration: Alteration) -> str | None:
    """What a circuit lacks of an alteration, as a sentence without its subject; None where it has everything."""
    if alteration.lesion is not None:
        name = alteration.lesion.population
        known = name in circuit.populations
        return None if known else f"has no population '{name}'; {nearest(name, circuit.populations)}"
    for text in alteration.set:
        try:
            apply_edit(_plain(circuit), Edit(parse_path(text), "1x", _NOWHERE), Circuit)
        except SpecError as error:
            return f"lacks what is altered: {str(error).removeprefix(f'{_NOWHERE}: ')}"
    return None


def _plain(circuit: Circuit) -> dict[str, Any]:
    memory = circuit._memory
    if "plain" not in memory:
        memory["plain"] = circuit.model_dump(mode="json", by_alias=True)
    return memory["plain"]


def _applied(arm: Arm, circuit: Circuit) -> Iterator[tuple[int, GradedDisorder, str, Alteration]]:
    """The alterations that the circuit has the parts for, with the place of their disorder in the arm."""
    for k, entry in enumerate(arm.disorders):
        for name, alteration in entry.disorder.alterations.items():
            if absent(circuit, alteration) is None:
                yield k, entry, name, alteration


def edits_of_disorders(arm: Arm, circuit: Circuit, marks: Sequence[Mark]) -> list[Edit]:
    """The multiples to set in the circuit; ``marks`` says where each disorder was asked for. None at severity 0."""
    edits = []
    for k, entry, name, alteration in _applied(arm, circuit):
        mark = Mark(f"{marks[k]}: {entry.disorder.name}, {name}")
        for path, full in alteration.set.items():
            factor = entry.factor(full)
            if factor != 1:
                edits.append(Edit(parse_path(path), f"{_text(factor)}x", mark))
    return edits


def altered_paths(arm: Arm, circuit: Circuit) -> dict[Path, str]:
    """Every number that the disorders of an arm multiply at some severity → the disorder."""
    found: dict[Path, str] = {}
    for _, entry, _, alteration in _applied(arm, circuit):
        for text in alteration.set:
            for path in matched(circuit, parse_path(text)):
                found.setdefault(path, entry.disorder.name)
    return found


def matched(circuit: Circuit, path: Path, mark: Mark = _NOWHERE) -> list[Path]:
    """The numbers of a circuit that a path leads to, without the key that holds them."""
    paths = apply_edit(_plain(circuit), Edit(path, "0", mark), Circuit)[1]
    return [found[:-1] if found[-1] in _VALUE else found for found in paths]


def lesions_of(arm: Arm, circuit: Circuit) -> dict[str, str]:
    """Population → part that is lost to the disorders and lesions of an arm together: what survives multiplies."""
    alive: dict[str, Decimal] = {}
    for _, entry, _, alteration in _applied(arm, circuit):
        if alteration.lesion is not None:
            name = alteration.lesion.population
            alive[name] = alive.get(name, Decimal(1)) * (1 - entry.fraction(alteration.lesion))
    diseased = {name for name, part in alive.items() if part != 1}
    for lesion in arm.lesions:
        if lesion.population in diseased:
            alive[lesion.population] *= 1 - Decimal(repr(float(lesion.fraction)))
    return {name: _text(1 - alive[name]) for name in alive if name in diseased}


def _text(number: Decimal) -> str:
    """Without an exponent; whole numbers without a point."""
    return "0" if number == 0 else f"{number.normalize():f}"


def disorder_problems(path: Path, arm: Arm, circuit: Circuit) -> Iterator[Problem]:
    """Severities out of range, a disorder twice, and parts that the circuit lacks."""
    seen: set[str] = set()
    for k, entry in enumerate(arm.disorders):
        here, disorder = (*path, "disorders", k), entry.disorder
        if disorder.name in seen:
            yield Problem(here, f"{disorder.name} is there twice in this arm; state one severity")
        seen.add(disorder.name)
        scale = disorder.severity
        if entry.severity > scale.highest:
            sentence = f"'{entry.severity}' is out of range for {disorder.name}; allowed: from 0 to {scale.highest}"
            yield Problem((*here, "severity"), f"{sentence} ({scale.means})")
        for name, alteration in disorder.alterations.items():
            missing = absent(circuit, alteration)
            if missing is not None and not alteration.optional:
                sentence = f"{disorder.name} alters {name}, and the circuit {circuit.name} {missing}"
                yield Problem((*here, "disorder"), sentence)
            elif missing is None and alteration.lesion is not None:
                yield from _reach_problems((*here, "severity"), entry, alteration, circuit)


def _reach_problems(path: Path, entry: GradedDisorder, alteration: Alteration, circuit: Circuit) -> Iterator[Problem]:
    """A severity above 0 that takes less than half a cell."""
    name, n = alteration.lesion.population, circuit.populations[alteration.lesion.population].n
    if entry.severity > 0 and round(float(entry.fraction(alteration.lesion)) * n) == 0:
        least = 0.5 / n / float(alteration.lesion.fraction)
        sentence = f"at '{entry.severity}' {entry.disorder.name} takes none of the {n} cells of {name}"
        yield Problem(path, f"{sentence}; allowed: 0, or from {least:.2g}")
