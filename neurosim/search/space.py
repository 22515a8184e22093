"""The points of a search: drawn axes between their bounds, as texts that an experiment is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosim.analysis import axis_ends
from neurosim.errors import ResultSchemaError, SpecError
from neurosim.runner.folder import read_plan
from neurosim.spec import POINT, Axis, Experiment, axis_texts, locate, value_text
from neurosim.units import split

__all__ = ["DrawnAxis", "Point", "Space", "space_of"]

#: A value of each drawn axis, in their order.
Point = tuple[str, ...]


@dataclass(frozen=True)
class DrawnAxis:
    """An axis with bounds; ``low`` and ``high`` are numbers in ``unit``."""

    name: str
    low: float
    high: float
    unit: str
    is_log: bool

    def text(self, number: float) -> str:
        """``0.3 mg/kg``, or ``0.5x`` for a multiple."""
        return value_text(number, self.unit)

    def number(self, text: str) -> float:
        """The number of a text, within the bounds, which it may leave by rounding."""
        return min(max(float(split(text)[0]), self.low), self.high)

    def holds(self, text: str) -> bool:
        """Whether a text is a value of this axis."""
        digits, unit = split(text)
        slack = 1e-9 * (self.high - self.low)
        return unit == self.unit and self.low - slack <= float(digits) <= self.high + slack


@dataclass(frozen=True)
class Space:
    """An experiment and its drawn axes."""

    experiment: Experiment
    axes: tuple[DrawnAxis, ...]

    def begun(self, folder: Path, n: int) -> list[Point]:
        """The points that earlier calls asked for, after them what is left of the first ``n`` of the design."""
        design = list(zip(*(axis_texts(self.experiment, axis.name) for axis in self.axes), strict=True))
        planned = self._planned(folder)
        return planned if planned and planned != design[: len(planned)] else [*planned, *design[len(planned) : n]]

    def _planned(self, folder: Path) -> list[Point]:
        """The points of the last run in a folder that lie within the bounds.

        They are no more than proposals: what is known of them is looked up by the content of their trials.
        """
        try:
            dimensions = read_plan(folder)["axes"]
        except ResultSchemaError:
            return []
        values = next((d["values"] for d in dimensions if d["dimension"] == POINT), {})
        if set(values) != {axis.name for axis in self.axes}:
            return []
        points = zip(*(values[axis.name] for axis in self.axes), strict=True)
        return [point for point in points if all(a.holds(text) for a, text in zip(self.axes, point, strict=True))]

    def at(self, points: Sequence[Point]) -> Experiment:
        """The experiment with these points in the place of those of its design."""
        texts = dict(zip((axis.name for axis in self.axes), zip(*points, strict=True), strict=True))
        old = self.experiment
        scan = {
            name: Axis(path=axis.path, values=texts[name], zip=True) if name in texts else axis
            for name, axis in old.scan.items()
        }
        kept = {name: getattr(old, name) for name in type(old).model_fields if name not in ("scan", "sample")}
        return Experiment(**kept, scan=scan)


def space_of(experiment: Experiment) -> Space:
    """What a search can move.

    Raises
    ------
    SpecError
        No axis has bounds, or one goes along the drawn points with values of its own.
    """

    def refuse(words: str, *path: str) -> SpecError:
        return SpecError(f"{locate(experiment, path) or 'Experiment'}: {'.'.join(path)}: {words}")

    drawn = {name: axis for name, axis in experiment.scan.items() if axis.is_drawn}
    if not drawn:
        raise refuse(
            "no axis has bounds between which to search; allowed: uniform: [LOW, HIGH] or log_uniform: [LOW, HIGH], and "
            "sample: {method: sobol, n: 16} for the first points",
            "scan",
        )
    for name, axis in experiment.scan.items():
        if axis.is_along_point and name not in drawn:
            raise refuse("has a value for each point of the design, and a search adds points; cross it", "scan", name)
    return Space(experiment, tuple(_axis(name, axis) for name, axis in drawn.items()))


def _axis(name: str, axis: Axis) -> DrawnAxis:
    first, last, unit = axis_ends(*(axis.uniform or axis.log_uniform))
    return DrawnAxis(name, min(first, last), max(first, last), unit, axis.log_uniform is not None)
