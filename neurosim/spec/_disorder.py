"""A disorder: a preset of measured alterations, each with the rows of the table it comes from.

A preset is data. At severity s a lesion of the full fraction F takes s F of the cells, and a factor f becomes
1 + s (f - 1), so that severity 0 is the healthy circuit, and 1 what was measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from neurosim.errors import SpecError
from neurosim.spec._circuit_file import validated
from neurosim.spec._library import check_schema, find, shown
from neurosim.spec._model import CITATION, Model, Named, Problem, problem_error, raise_problems
from neurosim.spec._paths import parse_path
from neurosim.spec._quantities import Basis, Flag, Label, given_words, stated
from neurosim.spec._yaml import read_document
from neurosim.units import Quantity

__all__ = [
    "NOTICE",
    "Alteration",
    "Disorder",
    "GradedDisorder",
    "Loss",
    "SeverityScale",
    "disorder_of",
    "load_disorder",
]

#: What everything that shows a disorder says beside it.
NOTICE = (
    "A disorder here is a labelled hypothesis about a circuit, made of measured alterations; nothing of it is advice for "
    "a patient."
)
_MULTIPLE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*x\s*")


def _factor(value: Any) -> str:
    if isinstance(value, str) and _MULTIPLE.fullmatch(value):
        return value.strip()
    sentence = f"{given_words(value)} is no factor at full severity; allowed: a multiple from 0 on, e.g. '0.86x'"
    raise problem_error(Problem((), sentence))


Factor = Annotated[
    str, BeforeValidator(_factor), WithJsonSchema({"type": "string", "description": "a multiple, e.g. '0.86x'"})
]


class Loss(Model):
    """Cells lost: the part of a population at severity 1."""

    population: str
    fraction: Annotated[Quantity, stated("fraction", "positive part")]


class Alteration(Model):
    """One thing that is altered, at full severity: cells lost, or numbers of the circuit multiplied.

    Attributes
    ----------
    lesion : Loss, optional
    set : mapping, path of the circuit → multiple
        Exactly one of the two.
    rows : tuple of str
        Rows of disorders.csv; the first gives the size.
    measured : str
        Direction and size as measured.
    basis : str
        Of the number in the circuit, not of the measurement.
    note : str
        How the measurement becomes the number.
    optional : bool
        Left out, and said to be, where the circuit has no such part; else such a circuit is refused.
    """

    lesion: Loss | None = None
    set: Named[str, Factor] = Field(default_factory=Named)
    rows: Annotated[tuple[Label, ...], Field(min_length=1)]
    measured: str
    basis: Basis
    note: str
    optional: Flag = False

    @model_validator(mode="after")
    def _one_of_both(self):
        raise_problems(self._problems())
        return self

    def _problems(self) -> Iterator[Problem]:
        if (self.lesion is None) == (not self.set):
            what = "has neither lesion nor set" if self.lesion is None else "has both lesion and set"
            yield Problem((), f"{what}; an alteration is exactly one of them")
        for text in self.set:
            try:
                last = parse_path(text)[-1]
            except SpecError as error:
                yield Problem(("set", text), str(error))
                continue
            if last in CITATION:
                yield Problem(("set", text), f"'{last}' is no part of the simulation; allowed: numbers of the circuit")


class SeverityScale(Model):
    """What severity counts, and its upper end."""

    means: str
    highest: Annotated[Quantity, stated("fraction", "positive part")] = "1"


class Disorder(Model):
    """A preset of alterations: a labelled hypothesis about a circuit.

    ``table`` names its rows in disorders.csv; each of them is used by an alteration or stands under ``not_mapped`` with
    the reason.

    Raises
    ------
    SpecError
        With one sentence per mistake.
    """

    not_hashed: ClassVar = Model.not_hashed | {"schema_", "title", "table", "not_mapped"}
    keeps_origin: ClassVar = True

    schema_: Literal["neurosim-disorder/1"] = Field(default="neurosim-disorder/1", alias="schema")
    name: Annotated[str, StringConstraints(pattern=r"^\w[\w+-]*$", max_length=80)]
    title: str
    description: str | None = None
    table: tuple[str, ...] = ()
    severity: SeverityScale
    alterations: Named[Label, Alteration]
    not_mapped: Named[Label, str] = Field(default_factory=Named)

    @model_validator(mode="after")
    def _consistent(self):
        raise_problems(self._problems())
        return self

    def _problems(self) -> Iterator[Problem]:
        if not self.alterations:
            yield Problem(("alterations",), "is empty; a disorder alters something")
        used = {row for alteration in self.alterations.values() for row in alteration.rows}
        for row in self.not_mapped:
            if row in used:
                yield Problem(("not_mapped", row), "is used by an alteration; allowed: one of both")

    @property
    def rows(self) -> tuple[str, ...]:
        """Rows of the table that alterations use, each once."""
        return tuple(dict.fromkeys(row for a in self.alterations.values() for row in a.rows))


def load_disorder(source: str | FilePath | Disorder, base: FilePath | None = None) -> Disorder:
    """A disorder by name or path.

    Parameters
    ----------
    source : str, Path or Disorder
        A name is looked for beside the file that asks, in the current folder, in ``disorders/`` below it, and among
        those that ship with neurosim. A disorder is returned as it is.
    base : Path, optional
        Folder of the file that asks.

    Raises
    ------
    SpecError
        One sentence per mistake, with ``file:line``, path, what is allowed and the nearest match.
    """
    if isinstance(source, Disorder):
        return source
    path = find("disorder", str(source), base)
    document, _ = read_document(path, shown(path))
    check_schema(document, "disorder", shown(path))
    return validated(Disorder, document)


def disorder_of(value: Any) -> Any:
    """A disorder's name or path → the disorder; for experiments built in code."""
    if not isinstance(value, str | FilePath):
        return value
    try:
        return load_disorder(value)
    except SpecError as error:
        raise problem_error(*(Problem((), sentence, located=True) for sentence in error.problems)) from None


class GradedDisorder(Model):
    """A disorder of an arm at a severity: 0 is healthy, 1 the full preset unless its scale ends below."""

    disorder: Annotated[Disorder, BeforeValidator(disorder_of)]
    severity: Annotated[Quantity, stated("fraction", "part")]

    def fraction(self, lesion: Loss) -> Decimal:
        """Part of a population that is lost at this severity."""
        return self._severity * _decimal(lesion.fraction)

    def factor(self, full: str) -> Decimal:
        """What a factor (``0.86x``) becomes at this severity."""
        return 1 + self._severity * (Decimal(full.strip().removesuffix("x").strip()) - 1)

    @property
    def _severity(self) -> Decimal:
        return _decimal(self.severity)


def _decimal(quantity: Quantity) -> Decimal:
    """Exactly as typed: 0.1 is a tenth."""
    return Decimal(repr(float(quantity)))
