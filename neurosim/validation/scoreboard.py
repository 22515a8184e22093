"""The scoreboard as a page: what was hit and missed, by area, with figures and a paragraph for each core row missed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosim.validation.figure import area_figure, save_figure
from neurosim.validation.report import Score, write_text
from neurosim.validation.scatter import points_of, scatter_figure
from neurosim.validation.verdict import VERDICTS

__all__ = ["Tally", "tally", "write_scoreboard"]

_PAGE = "validation.md"
_SCATTER = "validation_all.png"
_HEAD = """\
# The scoreboard

Published observations of animals and patients beside what the model predicts of them. Written by `neurosim validate`;
all numbers are in [validation.csv](validation.csv), the rows in `neurosim/validation/rows.yaml`. **Nothing in the model
is fitted to any of them**: free parameters are fitted to `calibration` rows alone, all others come from papers or are
stated as assumed.

A row with a band passes inside it. A row with a direction passes where the change is at least 10 % and its 95 %
interval over subjects excludes 0. Where a row has several parts, all have to pass. A row in which nothing may happen
counts only if a row of the same drug or lesion, in which something has to, passes too. *Wrong sign* is a change of at
least 10 %, or beyond 0 of a band, the other way. Rows marked * are core rows.
"""


@dataclass(frozen=True)
class Tally:
    """Counts over some scores.

    Attributes
    ----------
    n, passed : int
        Rows that the model can express, and those that pass.
    banded, in_band : int
        Rows with a band, and those that pass.
    signed, right_sign : int
        Rows with a published sign, null rows included, and those of them where the model's is the same.
    not_wrong : int
        Rows whose verdict is not ``wrong sign``.
    """

    n: int
    passed: int
    banded: int
    in_band: int
    signed: int
    right_sign: int
    not_wrong: int


def tally(scores: Iterable[Score]) -> Tally:
    """Counts over some scores."""
    scored = [s for s in scores if s.is_scored]
    return Tally(
        n=len(scored),
        passed=sum(s.verdict == "pass" for s in scored),
        banded=sum(s.has_band for s in scored),
        in_band=sum(s.has_band and s.verdict == "pass" for s in scored),
        signed=sum(bool(s.sign) for s in scored),
        right_sign=sum(s.sign == "right" for s in scored),
        not_wrong=sum(s.verdict != "wrong sign" for s in scored),
    )


def write_scoreboard(scores: Sequence[Score], folder: Path) -> Path:
    """Write ``validation.md``, a figure of all rows and one for each area into a folder, each whole or not at all.

    Raises
    ------
    ResultSchemaError
        A file cannot be written.
    """
    areas = list(dict.fromkeys(s.area or "own rows" for s in scores))
    parts = [_HEAD, *_summary(scores), *_scatter(scores, folder), *_core(scores)]
    for area in areas:
        own = [s for s in scores if (s.area or "own rows") == area]
        parts += _area(area, own, folder)
    parts += _not_expressible(scores)
    return write_text(folder / _PAGE, "\n".join(parts) + "\n")


def _summary(scores: Sequence[Score]) -> Iterator[str]:
    published = [s for s in scores if s.use == "validation"]
    yield "## In numbers\n"
    n = sum(s.verdict != "not expressible" for s in published)
    yield f"{n} of {len(published)} rows are expressed by the circuit and its instruments.\n"
    yield from _header("rows", "n", "pass", "with a band", "in band", "with a sign", "right sign", "not wrong sign")
    areas = list(dict.fromkeys(s.area for s in published))
    groups = {area: [s for s in published if s.area == area] for area in areas}
    groups["all"] = published
    groups["all but pet"] = [s for s in published if s.area != "pet"]
    groups["core"] = [s for s in published if s.core]
    for name, own in groups.items():
        t = tally(own)
        yield (
            f"| {name} | {t.n} | {_part(t.passed, t.n)} | {t.banded} | {_part(t.in_band, t.banded)} | {t.signed} | "
            f"{_part(t.right_sign, t.signed)} | {_part(t.not_wrong, t.n)} |"
        )
    yield ""


def _scatter(scores: Sequence[Score], folder: Path) -> Iterator[str]:
    points = points_of(scores)
    if points:
        save_figure(scatter_figure(points), folder / _SCATTER)
        yield f"![all rows: model against published]({_SCATTER})\n"


def _header(*columns: str) -> Iterator[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|---" * len(columns) + "|"


def _part(count: int, n: int) -> str:
    return f"{count} ({count / n:.0%})" if n else "0"


def _core(scores: Sequence[Score]) -> Iterator[str]:
    core = [s for s in scores if s.core]
    if not core:
        return
    yield "## Core rows\n"
    yield from _table(core)
    for score in core:
        if score.is_scored and score.verdict != "pass":
            words = score.lacks or "(not written yet)"
            yield f"**{score.id}** ({score.what}; {score.verdict}). {' '.join(words.split())}\n"


def _area(area: str, scores: Sequence[Score], folder: Path) -> Iterator[str]:
    scored = [s for s in scores if s.is_scored and math.isfinite(s.reading.value)]
    yield f"## {area}\n"
    if scored:
        name = f"validation_{area.replace(' ', '_')}.png"
        save_figure(area_figure(area, scored), folder / name)
        yield f"![{area}: model against published]({name})\n"
    yield from _table([s for s in scores if s.verdict != "not expressible"])
    for score in scores:
        if score.lacks and not score.core and score.is_scored and score.verdict != "pass":
            yield f"**{score.id}**: {' '.join(score.lacks.split())}\n"


def _table(scores: Sequence[Score]) -> Iterator[str]:
    yield from _header("id", "what", "model", "95 %", "published", "band", "unit", "verdict", "why")
    for s in scores:
        interval = (
            f"{_number(s.reading.low)} to {_number(s.reading.high)}" if math.isfinite(s.reading.low) else ""
        )
        band = f"{_number(s.low)} to {_number(s.high)}" if s.has_band else _direction(s)
        cells = (
            *(f"{s.id}{'*' * s.core}", s.what, _number(s.reading.value), interval, _number(s.value), band),
            *(s.unit, s.verdict, s.reason),
        )
        yield "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"
    yield ""


def _direction(score: Score) -> str:
    return {1: "increase", -1: "decrease"}.get(score.direction, "")


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "none" if math.isinf(value) else ""


def _not_expressible(scores: Sequence[Score]) -> Iterator[str]:
    left = [s for s in scores if s.verdict not in VERDICTS[:3]]
    if not left:
        return
    yield "## Not expressible\n"
    for s in left:
        yield f"- **{s.id}**, {s.what}: {' '.join(s.reason.split())}"
