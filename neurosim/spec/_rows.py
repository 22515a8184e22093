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

__all__ = ["Condition", "Expected", "Row", "Rows", "load_rows"]

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


class _Called(Model):
    """Something with a readout."""

    experiment: Annotated[Any, BeforeValidator(_experiment)] = None
    readout: Annotated[Named[str, Named[str, Any]], BeforeValidator(_call)] | None = None
    expected: Expected | None = None

    @property
    def readout_name(self) -> str:
        return next(iter(self.readout))

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.readout[self.readout_name]


class Condition(_Called):
    """What a row asks for besides its number; ``experiment`` is the row's unless it names one."""

    @model_validator(mode="after")
    def _complete(self):
        lacking = [name for name in ("readout", "expected") if getattr(self, name) is None]
        if lacking:
            raise_problems([Problem((), f"has no {lacking[0]}; a condition is a readout and what is expected")])
        return self


class Row(_Called):
    """A published observation and how it is predicted, or why it is not.

    ``also`` are conditions that hold together with the row's own; ``positive`` names a row of the same manipulation
    that has to pass for this one to count: that nothing happens proves nothing of a drug that never acts. ``lacks`` says
    what a model that misses the row does without, and what was tried.
    """

    set: Named[str, Setting] = Field(default_factory=Named)
    also: tuple[Condition, ...] = ()
    positive: str | None = None
    not_expressible: str | None = None
    value: Annotated[Quantity, stated("number")] | None = None
    note: str | None = None
    lacks: str | None = None

    @model_validator(mode="after")
    def _scored_or_not(self):
        asked = [name for name in ("experiment", "readout", "expected") if getattr(self, name) is not None]
        asked += [name for name in ("also", "positive") if self.not_expressible and getattr(self, name)]
        if self.not_expressible is not None and asked:
            raise_problems([Problem((), f"has not_expressible and {asked[0]}; allowed: one of them")])
        if self.not_expressible is None and len(asked) < 3:
            raise_problems([Problem((), "allowed: experiment, readout and expected, or not_expressible")])
        return self

    @property
    def conditions(self) -> tuple[_Called, ...]:
        """The row itself and what it also asks for."""
        return (self, *self.also)


class Rows(Model):
    """A file of rows; ``experiments`` are those that several rows share."""

    schema_: Literal["neurosim-rows/1"] = Field(default=ROWS_SCHEMA, alias="schema")
    description: str | None = None
    experiments: Named[Label, Any] = Field(default_factory=Named)
    rows: Named[Label, Row]

    _folder: FilePath = PrivateAttr(default_factory=FilePath)
    _memory: dict = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _positives(self):
        raise_problems(
            Problem(("rows", name, "positive"), f"unknown row '{row.positive}'; {nearest(row.positive, others)}")
            for name, row in self.rows.items()
            if row.positive is not None and row.positive not in (others := [n for n in self.rows if n != name])
        )
        return self

    def experiment(
        self, row: str, settings: Mapping[str, Any] | None = None, asked: str | Mapping | None = None
    ) -> Experiment:
        """The experiment of a row, with its ``set:`` and further settings; equal ones are the same object.

        ``asked`` is that of a condition, the row's own by default.

        Raises
        ------
        SpecError
            With ``file:line``, path, what is allowed and the nearest match.
        """
        found = self.rows[row]
        asked = found.experiment if asked is None else asked
        merged = {**found.set, **(settings or {})}
        key = (asked if isinstance(asked, str) else id(asked), *merged.items())
        if key not in self._memory:
            self._memory[key] = self._load(row, asked, merged)
        return self._memory[key]

    def _load(self, row: str, asked: str | Mapping, settings: Mapping[str, Any]) -> Experiment:
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
        One sentence per mistake, with ``file:line``, path, what is allowed and the nearest match.
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
