"""Scores as data and as ``validation.csv``."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from neurosim import reference
from neurosim.errors import ReferenceDataError, ResultSchemaError
from neurosim.spec import Row
from neurosim.validation.registry import Reading, get_readout
from neurosim.validation.verdict import Verdict, odds_ratio

__all__ = [
    "COLUMNS",
    "Score",
    "direction_of",
    "published",
    "release_scores",
    "scored_within",
    "write_scores",
    "write_text",
]

COLUMNS = (
    *(
        "id",
        "use",
        "area",
        "core",
        "model",
        "model_low",
        "model_high",
        "value",
        "low",
        "high",
        "verdict",
        "reason",
    ),
    *("unit", "odds", "sign", "what"),
)
_DIGITS = 4
#: The table that is committed with each release.
_RELEASE = "release.csv"


@dataclass(frozen=True)
class Score:
    """A row with its verdict; numbers are in ``unit``, NaN where there is none.

    ``odds`` is model over published: of the odds for a part in %, else of the numbers. ``direction`` is the sign of the
    published change: -1, +1, 0 where nothing may happen, None where the quantity has no sign; ``lacks`` is what the rows say
    that the model lacks where it misses.
    """

    id: str
    use: str
    area: str
    core: bool
    what: str
    reading: Reading
    value: float
    low: float
    high: float
    unit: str
    verdict: Verdict
    reason: str
    direction: int | None = None
    lacks: str = ""

    @property
    def has_band(self) -> bool:
        """Whether the publication gave a number to be inside of, and not a direction alone."""
        return math.isfinite(self.low)

    @property
    def sign(self) -> str:
        """``right`` or ``wrong`` where a sign was published and the model has one; of a null row, whether it passes."""
        if not self.is_scored or self.direction is None:
            return ""
        if self.direction == 0:
            return "right" if self.verdict == "pass" else "wrong"
        neutral = 1.0 if self.unit == "x" else 0.0
        return "right" if self.direction * (self.reading.value - neutral) > 0 else "wrong"

    @property
    def odds(self) -> float:
        return odds_ratio(self.reading.value, self.value, self.unit)

    @property
    def is_scored(self) -> bool:
        """Whether model and publication can be compared."""
        return self.verdict not in ("not expressible", "error")


def direction_of(row: Row) -> int | None:
    """Sign of the change that a row expects; 0 where its band reaches both sides, None where there is no sign."""
    found = get_readout(row.readout_name)
    if not (found.is_change or found.unit == "x"):
        return None
    if not row.expected.is_band:
        return 1 if row.expected.direction == "increase" else -1
    neutral = 1.0 if found.unit == "x" else 0.0
    low, high = (float(edge) - neutral for edge in (row.expected.low, row.expected.high))
    return 1 if low >= 0 else -1 if high <= 0 else 0


def published(id: str, row: Row) -> tuple[str, str, bool, str, float]:
    """Use, area, core, words and value of a row: from the target table where it has the id."""
    try:
        target = reference.target_row(id)
    except ReferenceDataError:
        return "own", "", False, row.note or "", math.nan if row.value is None else float(row.value)
    what = f"{target.manipulation}: {target.observable}"
    value = _number(target.value) if row.value is None else float(row.value)
    return target.use, target.area, target.core, what, value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def scored_within(scores: Iterable[Score], fold: float = 3.0) -> tuple[int, int, int]:
    """How many rows have odds within ``fold`` of the published, how many are in their band, of how many."""
    compared = [s for s in scores if s.is_scored and math.isfinite(s.value)]
    near = sum(1 / fold <= s.odds <= fold for s in compared)
    return near, sum(s.verdict == "pass" for s in compared), len(compared)


def release_scores() -> dict[str, dict[str, str]]:
    """The scoreboard of this release, id → column → text as ``write_scores`` wrote it."""
    text = (files("neurosim.validation") / _RELEASE).read_text(encoding="utf-8")
    return {row["id"]: row for row in csv.DictReader(io.StringIO(text))}


def write_scores(scores: Sequence[Score], path: Path) -> Path:
    """Write scores as CSV, whole or not at all.

    Raises
    ------
    ResultSchemaError
        The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for s in scores:
        numbers = (s.reading.value, s.reading.low, s.reading.high, s.value, s.low, s.high)
        what = (s.verdict, s.reason, s.unit, _cell(s.odds), s.sign, s.what)
        writer.writerow([s.id, s.use, s.area, "yes" if s.core else "", *map(_cell, numbers), *what])
    return write_text(path, text.getvalue())


def write_text(path: Path, text: str) -> Path:
    """Write a text, whole or not at all.

    Raises
    ------
    ResultSchemaError
        The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ResultSchemaError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.{_DIGITS}g}"
