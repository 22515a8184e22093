"""Model against published, every row a point: the figure at the head of the scoreboard."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurosim.analysis.plots.style import BAND, INK, MUTED, ResultFigure, Sheet, log_ticks, styled
from neurosim.errors import ResultSchemaError, nearest
from neurosim.validation.figure import LINEAR, MARKS, MOST, per_cent_ticks
from neurosim.validation.report import COLUMNS, Score
from neurosim.validation.verdict import SMALLEST_CHANGE

__all__ = ["Point", "points_of", "read_points", "scatter_figure"]

_SIDE = 2.9  # inches
_GAP = 0.85


@dataclass(frozen=True)
class Point:
    """A scored row: what was published, with its band, and what the model says, with its interval.

    ``direction`` is the published sign where that is all there is, else 0; ``is_change`` says whether a per cent is of a
    reference, and can be negative.
    """

    id: str
    area: str
    verdict: str
    unit: str
    value: float
    low: float
    high: float
    model: float
    model_low: float
    model_high: float
    direction: int
    is_change: bool

    @property
    def kind(self) -> str:
        """The panel it belongs to."""
        if self.direction:
            return "direction"
        if self.unit == "%":
            return "change" if self.is_change or not 0 <= min(self.low, self.value) <= self.high <= 100 else "part"
        return "number"


def points_of(scores: Iterable[Score]) -> list[Point]:
    """Points of the scores that have a model and a publication to compare."""
    return [
        Point(
            *(s.id, s.area or "own rows", s.verdict, s.unit, s.value if math.isfinite(s.value) else _middle(s.low, s.high)),
            *(s.low, s.high, s.reading.value, s.reading.low, s.reading.high),
            direction=0 if s.has_band else s.direction or 0,
            is_change=s.direction is not None,
        )
        for s in scores
        if s.is_scored and not math.isnan(s.reading.value) and (s.has_band or s.direction)
    ]


def read_points(table: str | Path) -> list[Point]:
    """Points of a ``validation.csv``.

    Raises
    ------
    ResultSchemaError
        The file is not there, or is no such table.
    """
    path = Path(table)
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise ResultSchemaError(f"{path}: cannot be read: {error.strerror or error}") from None
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise ResultSchemaError(
            f"{path}: is no table of 'neurosim validate': it has no column {missing[0]!r}; allowed: {', '.join(COLUMNS)}"
        )
    return [point for row in rows if (point := _point(row)) is not None]


def _point(row: dict[str, str]) -> Point | None:
    model, model_low, model_high, value, low, high = (
        float(row[name] or "nan") for name in ("model", "model_low", "model_high", "value", "low", "high")
    )
    has_band = math.isfinite(low)
    if math.isnan(model) or row["verdict"] in ("not expressible", "error") or not (has_band or row["sign"]):
        return None
    side = 1 if model > (1.0 if row["unit"] == "x" else 0.0) else -1
    return Point(
        *(row["id"], row["area"] or "own rows", row["verdict"], row["unit"]),
        *(value if math.isfinite(value) else _middle(low, high), low, high, model, model_low, model_high),
        direction=0 if has_band else side if row["sign"] == "right" else -side,
        is_change=bool(row["sign"]),
    )


def _middle(low: float, high: float) -> float:
    return 0.5 * (low + high)


@styled
def scatter_figure(table: str | Path | Sequence[Point], area: str | None = None) -> ResultFigure:
    """What the model says against what was published, with published bands and the model's intervals.

    Parameters
    ----------
    table : path of a ``validation.csv``, or sequence of Point
    area : str, optional
        One area alone; all by default.

    Notes
    -----
    A panel each for changes, for parts of a whole, and for all other quantities, each row in its own unit; on the line both
    say the same. Rows that give a direction alone stand in a panel of their own. Numbers that were not reached within
    what was tried, and those beyond an axis, lie at its edge.

    Raises
    ------
    ResultSchemaError
        No such table or area, or no row that can be drawn.
    """
    points = read_points(table) if isinstance(table, str | Path) else list(table)
    areas = list(dict.fromkeys(p.area for p in points))
    if area is not None:
        if area not in areas:
            raise ResultSchemaError(f"figure: no area {area!r} in this table: {nearest(area, areas)}")
        points = [p for p in points if p.area == area]
    if not points:
        raise ResultSchemaError("figure: no row of this table has both a model and a published number or direction")
    groups = {kind: own for kind in _PANELS if (own := [p for p in points if p.kind == kind])}
    width = max(0.8 + len(groups) * (_SIDE + _GAP) - _GAP + 0.3, 4.6)
    right = width - 0.8 - len(groups) * (_SIDE + _GAP) + _GAP
    sheet = Sheet([(_SIDE, [1.0] * len(groups))], width, 0.8, right, top=1.35, bottom=0.6, gap=_GAP)
    sheet.text(0.12, 0.12, f"{area or 'all areas'}: model against published", fontsize=13, fontweight="bold")
    n_core = sum(p.verdict == "pass" for p in points)
    words = f"{len(points)} rows, {n_core} pass; lines: published band across, model's 95 % interval up"
    sheet.text(0.12, 0.37, words, fontsize=8.5, color="#555555")
    sheet.legend(0.62, _handles(points))
    for axes, (kind, own) in zip(sheet.rows[0], groups.items(), strict=True):
        _PANELS[kind](axes, own)
    for axes in sheet.rows[0]:
        _name_wrong(axes)
    return sheet.figure


def _handles(points: Sequence[Point]) -> list[Line2D]:
    handles = [
        Line2D([], [], marker=marker, color=color, ls="none", ms=6, mew=0, label=verdict)
        for verdict, (marker, color) in MARKS.items()
        if any(p.verdict == verdict for p in points)
    ]
    return [*handles, Line2D([], [], marker="_", color=INK, ls="none", ms=11, mew=0.8, label="model as published")]


def _changes(axes: Axes, points: Sequence[Point]) -> None:
    axes.set_title("Changes")
    for side in "xy":
        getattr(axes, f"set_{side}scale")("symlog", linthresh=LINEAR)
        getattr(axes, f"set_{side}lim")(-115, MOST * 1.3)
        per_cent_ticks(axes, side)
        getattr(axes, f"ax{'v' if side == 'x' else 'h'}line")(0, color=MUTED, lw=0.6, zorder=0)
    axes.plot([-115, MOST], [-115, MOST], color=INK, lw=0.8, zorder=1)
    _marks(axes, points, (-110.0, MOST))
    axes.set_xlabel("published (% change)")
    axes.set_ylabel("model (% change)")


def _parts(axes: Axes, points: Sequence[Point]) -> None:
    axes.set_title("Parts of a whole")
    axes.set_xlim(-4, 104)
    axes.set_ylim(-4, 104)
    axes.plot([0, 100], [0, 100], color=INK, lw=0.8, zorder=1)
    _marks(axes, points, (0.0, 100.0))
    axes.set_xlabel("published (%)")
    axes.set_ylabel("model (%)")


def _numbers(axes: Axes, points: Sequence[Point]) -> None:
    axes.set_title("Doses, rates, times, ratios")
    seen = np.array([[p.value, p.low, p.high, p.model, p.model_low, p.model_high] for p in points])
    seen = seen[np.isfinite(seen) & (seen > 0)]
    low, high = seen.min() / 1.6, seen.max() * 1.6
    for side in "xy":
        getattr(axes, f"set_{side}scale")("log")
        getattr(axes, f"set_{side}lim")(low, high)
        log_ticks(getattr(axes, f"{side}axis"), low, high)
    axes.plot([low, high], [low, high], color=INK, lw=0.8, zorder=1)
    _marks(axes, points, (low * 1.15, high / 1.15))
    units = ", ".join(sorted({{"x": "multiple", "": "ratio"}.get(p.unit, p.unit) for p in points}))
    axes.set_xlabel(f"published ({units})")
    axes.set_ylabel("model (same unit)")


def _directions(axes: Axes, points: Sequence[Point]) -> None:
    """Rows that give a direction alone, side by side in the order of what the model says."""
    axes.set_title("Directions")
    axes.set_yscale("symlog", linthresh=LINEAR)
    axes.set_ylim(-115, MOST * 1.3)
    per_cent_ticks(axes, "y")
    axes.axhspan(-SMALLEST_CHANGE, SMALLEST_CHANGE, color=BAND, lw=0, alpha=0.6, zorder=0)
    axes.axhline(0, color=MUTED, lw=0.6, zorder=0)
    for place, direction in enumerate((-1, 1)):
        own = sorted((p for p in points if p.direction == direction), key=lambda p: p.model)
        spread = np.linspace(-0.32, 0.32, len(own)) if len(own) != 1 else [0.0]
        for p, shift in zip(own, spread, strict=True):
            _mark(axes, p, place + shift, _inside(p.model, (-110.0, MOST)), (-110.0, MOST))
    axes.set_xlim(-0.5, 1.5)
    axes.set_xticks([0, 1], ["decrease", "increase"])
    axes.set_xlabel("published")
    axes.set_ylabel("model (% change)")


_PANELS = {"change": _changes, "part": _parts, "number": _numbers, "direction": _directions}


def _marks(axes: Axes, points: Sequence[Point], limits: tuple[float, float]) -> None:
    for p in points:
        x = _inside(p.value, limits)
        band = [_inside(edge, limits) for edge in (p.low, p.high)]
        y = _inside(p.model, limits)
        axes.plot(band, [y, y], color="#9fb0bd", lw=1.6, solid_capstyle="butt", alpha=0.7, zorder=2)
        _mark(axes, p, x, y, limits)


def _mark(axes: Axes, p: Point, x: float, y: float, limits: tuple[float, float]) -> None:
    marker, color = MARKS[p.verdict]
    if math.isfinite(p.model_low) and math.isfinite(p.model_high):
        ends = [_inside(edge, limits) for edge in (p.model_low, p.model_high)]
        axes.plot([x, x], ends, color=color, lw=0.9, alpha=0.7, zorder=3)
    axes.plot([x], [y], marker, color=color, ms=5.2, mew=0.4, mec="white", zorder=5, gid=p.id)


def _inside(value: float, limits: tuple[float, float]) -> float:
    return float(np.clip(value, *limits))


def _name_wrong(axes: Axes) -> None:
    """Ids beside the marks of the wrong sign, where they cover no other."""
    scale = axes.figure.dpi / 72.0
    marks = {line.get_gid(): line for line in axes.lines if line.get_gid()}
    places = {name: axes.transData.transform(line.get_xydata()[0]) for name, line in marks.items()}
    taken = [(x - 3 * scale, y - 3 * scale, x + 3 * scale, y + 3 * scale) for x, y in places.values()]
    for name, (x, y) in places.items():
        if marks[name].get_color() != MARKS["wrong sign"][1]:
            continue
        width, height = 4.4 * scale * len(name), 7.5 * scale
        for dx, dy in ((6, 0), (-6, 0), (0, 9), (0, -9), (6, 8), (-6, 8), (6, -8), (-6, -8)):
            middle = x + dx * scale + math.copysign(width / 2, dx) * (dx != 0)
            low, high = y + dy * scale - height / 2, y + dy * scale + height / 2
            box = (middle - width / 2, low, middle + width / 2, high)
            if _is_free(box, taken) and _within(box, axes.bbox.extents):
                taken.append(box)
                at = axes.transData.inverted().transform((middle, (low + high) / 2))
                axes.text(*at, name, fontsize=6.5, color=INK, ha="center", va="center")
                break


def _is_free(box, taken) -> bool:
    return all(box[2] < b[0] or box[0] > b[2] or box[3] < b[1] or box[1] > b[3] for b in taken)


def _within(box, frame) -> bool:
    return box[0] > frame[0] and box[2] < frame[2] and box[1] > frame[1] and box[3] < frame[3]
