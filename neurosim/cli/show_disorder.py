"""``show`` of a disorder: what it alters, how that was measured, and what of its table it leaves out."""

from __future__ import annotations

from neurosim import reference
from neurosim.cli.console import say, table, title
from neurosim.spec import NOTICE, Alteration, load_disorder

__all__ = ["show_disorder"]


def show_disorder(name: str) -> None:
    """A disorder, by name or file."""
    disorder = load_disorder(name)
    say(f"disorder {disorder.name}: {disorder.title}")
    if disorder.description:
        say(f"  {' '.join(disorder.description.split())}")
    say(f"  severity, 0 to {disorder.severity.highest}: {disorder.severity.means}")
    say(f"  {NOTICE}")
    title("What is altered (at severity 1; a loss grows with severity, a factor f becomes 1 + severity (f - 1))")
    rows = [[name, *row] for name, alteration in disorder.alterations.items() for row in _numbers(alteration)]
    table(["alteration", "in the circuit", "at severity 1", "basis", "rows"], rows)
    title("How it was measured, and how that becomes a number")
    rows = [[name, a.measured, _left_out(a)] for name, a in disorder.alterations.items()]
    table(["alteration", "measured", "mapping"], rows)
    title("Sources")
    table(["row", "source", "address", "seen"], [_source(row) for row in disorder.rows])
    if disorder.not_mapped:
        title("Measured, and not in the preset")
        table(["row", "what", "why"], [[row, _finding(row), why] for row, why in disorder.not_mapped.items()])


def _numbers(alteration: Alteration) -> list[list[str]]:
    rows = ", ".join(alteration.rows)
    if alteration.lesion is not None:
        return [[f"cells of {alteration.lesion.population}", f"{alteration.lesion.fraction} lost", alteration.basis, rows]]
    return [[path, factor, alteration.basis, rows] for path, factor in alteration.set.items()]


def _left_out(alteration: Alteration) -> str:
    return f"{alteration.note} (optional)" if alteration.optional else alteration.note


def _source(row: str) -> list[str]:
    found = reference.disorder_row(row)
    return [row, found.source, found.url, found.verified]


def _finding(row: str) -> str:
    found = reference.disorder_row(row)
    size = f"{found.value} {found.unit}".strip()
    return ", ".join(filter(None, (found.alteration, found.where, size)))
