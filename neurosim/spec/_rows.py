"""Files of rows: which experiment and readout predict a published observation, and what is expected of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from neurosim.errors import SpecError, nearest
from neurosim.spec._circuit_file import validated
from neurosim.spec._experiment import Experiment, Setting
from neurosim.spec._experiment_file import edits_of, experiment_of, load_experiment
from neurosim.spec._library import find, list_names, shown
from neurosim.spec._model import Model, Named, Problem, problem_error, raise_problems
from neurosim.spec._quantities import Label, given_words, stated
from neurosim.spec._words import locate
from neurosim.spec._yaml import Block, read_document
from neurosim.units import Quantity

__all__ = ["Expected", "Row", "Rows", "load_rows"]

ROWS_SCHEMA = "neurosim-rows/1"


def _experiment(value: Any) -> Any:
    if value is None or isinstance(value, str | Mapping):
        return value
    raise problem_error(Problem((), f"{given_words(value)} is neither a name nor an experiment"))


def _call(value: Any) -> Any:
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, arguments),) = value.items()
        return {name: {} if arguments is None else arguments}
    raise problem_error(Problem((), "is not one readout with its arguments, e.g. {NAME: {arm: ARM}}"))


class Expected(Model):
    """What a row expects: a band in a unit, or a direction."""

    low: Annotated[Quantity, stated("number")] | None = None
    high: Annotated[Quantity, stated("number")] | None = None
    unit: str | None = None
    direction: Literal["increase", "decrease"] | None = None

    @model_validator(mode="after")
    def _one_of_both(self):
        band = [name for name in ("low", "high", "unit") if getattr(self, name) is not None]
        if (self.direction is None) != (len(band) == 3) or (self.direction and band):
            raise_problems([Problem((), "allowed: either low, high and unit, or direction")])
        if band and self.low > self.high:
            raise_problems([Problem(("high",), f"'{self.high}' lies below low = '{self.low}'")])
        return self

    @property
    def is_band(self) -> bool:
        return self.direction is None


class Row(Model):
    """A published observation and how it is predicted, or why it is not."""

    experiment: Annotated[Any, BeforeValidator(_experiment)] = None
    set: Named[str, Setting] = Field(default_factory=Named)
    readout: Annotated[Named[str, Named[str, Any]], BeforeValidator(_call)] | None = None
    expected: Expected | None = None
    not_expressible: str | None = None
    value: Annotated[Quantity, stated("number")] | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _scored_or_not(self):
        asked = [name for name in ("experiment", "readout", "expected") if getattr(self, name) is not None]
        if self.not_expressible is not None and asked:
            raise_problems([Problem((), f"has not_expressible and {asked[0]}; allowed: one of them")])
        if self.not_expressible is None and len(asked) < 3:
            raise_problems([Problem((), "allowed: experiment, readout and expected, or not_expressible")])
        return self

    @property
    def readout_name(self) -> str:
        return next(iter(self.readout))

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.readout[self.readout_name]


class Rows(Model):
    """A file of rows; ``experiments`` are those that several rows share."""

    schema_: Literal["neurosim-rows/1"] = Field(default=ROWS_SCHEMA, alias="schema")
    description: str | None = None
    experiments: Named[Label, Any] = Field(default_factory=Named)
    rows: Named[Label, Row]

    _folder: FilePath = PrivateAttr(default_factory=FilePath)
    _memory: dict = PrivateAttr(default_factory=dict)

    def experiment(self, row: str, settings: Mapping[str, Any] | None = None) -> Experiment:
        """The experiment of a row, with its ``set:`` and further settings; equal ones are the same object.

        Raises
        ------
        SpecError
            With file:line, path, what is allowed and the nearest match.
        """
        found = self.rows[row]
        merged = {**found.set, **(settings or {})}
        named = isinstance(found.experiment, str)
        key = (found.experiment if named else row, *merged.items())
        if key not in self._memory:
            self._memory[key] = self._load(row, merged)
        return self._memory[key]

    def _load(self, row: str, settings: Mapping[str, Any]) -> Experiment:
        asked = self.rows[row].experiment
        inline = self.experiments.get(asked) if isinstance(asked, str) else asked
        if inline is not None:
            document = inline if isinstance(inline, Block) else Block(inline)
            return experiment_of(document, self._folder, edits_of(settings))
        if asked not in list_names("experiment", self._folder) and not asked.endswith((".yaml", ".yml")):
            place = locate(self, ("rows", row, "experiment"))
            names = [*self.experiments, *list_names("experiment", self._folder)]
            words = f"rows.{row}.experiment: unknown experiment '{asked}'; {nearest(asked, names)}"
            raise SpecError(f"{place}: {words}" if place else words)
        return load_experiment(find("experiment", asked, self._folder), set=settings or None)


def load_rows(path: str | FilePath) -> Rows:
    """Rows from a YAML file.

    Raises
    ------
    SpecError
        One sentence per mistake, with file:line, path, what is allowed and the nearest match.
    """
    place = FilePath(str(path))
    document, _ = read_document(place, shown(place))
    schema = document.get("schema")
    if schema != ROWS_SCHEMA:
        raise SpecError(
            f"{shown(place)}: schema: a file of rows begins with 'schema: {ROWS_SCHEMA}', not '{schema}'"
        )
    rows = validated(Rows, document)
    rows._folder = place.parent
    return rows
