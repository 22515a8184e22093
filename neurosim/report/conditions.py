"""What the page sets side by side, and against what: the columns of the table that ends a run."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from neurosim.analysis.plots.common import spaced
from neurosim.analysis.plots.panels import Condition
from neurosim.analysis.plots.style import arm_colors
from neurosim.analysis.table import summary_columns

__all__ = ["MOST", "Compared", "compared", "views_of"]

#: Conditions in one figure.
MOST = 16
#: Plotly's names of the marks of Matplotlib's figures, in their order.
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "pentagon")


@dataclass(frozen=True)
class Compared:
    """A condition, and the one its changes are paired with; None for a reference."""

    condition: Condition
    against: tuple[str, str] | None

    @property
    def label(self) -> str:
        return spaced(self.condition.label)

    @property
    def color(self) -> str:
        return self.condition.color

    @property
    def symbol(self) -> str:
        return _SYMBOLS[self.condition.number % len(_SYMBOLS)]

    @property
    def at(self) -> dict:
        """Where a number of the condition is in the summary."""
        place = {"arm": self.condition.arm, "phase": self.condition.phase}
        return {**place, "point": list(self.condition.point.values())} if self.condition.point else place

    @property
    def pair_at(self) -> dict:
        """Where a paired number is."""
        return {**self.at, "against": list(self.against)}

    def of(self, values: xr.DataArray) -> xr.DataArray:
        return self.condition.of(values)

    def other(self, values: xr.DataArray) -> xr.DataArray:
        """What it is paired with, at the same point of the scan."""
        arm, phase = self.against
        return values.isel(dict(self.condition.point)).sel(arm=arm, phase=phase, drop=True)


def compared(results, phase: str) -> tuple[Compared, ...]:
    """All conditions of a phase, the reference first; of a lone arm all its phases."""
    reference_arm, reference_phase = results.reference
    columns, axes = summary_columns(results), list(results.axes)
    if len(results.arms) > 1:
        colors = arm_colors(results.arms, reference_arm)
        found = [(c.label, c, phase, colors[c.arm], None if c.arm == reference_arm else reference_arm) for c in columns]
        against = phase
    else:
        phases = sorted(results.phases, key=lambda p: p != reference_phase)
        shades, against = arm_colors(phases, reference_phase), reference_phase
        found = [
            (p if len(columns) == 1 else f"{c.label}, {p}", c, p, shades[p], None if p == reference_phase else c.arm)
            for p in phases
            for c in columns
        ]
    return tuple(
        Compared(
            Condition(label, column.arm, own, dict(zip(axes, column.point, strict=True)), color, k),
            None if arm is None else (arm, against),
        )
        for k, (label, column, own, color, arm) in enumerate(found)
    )


def views_of(results) -> tuple[str, ...]:
    """Phases that a figure switches between, the last first; of a lone arm they stand side by side."""
    return tuple(reversed(results.phases)) if len(results.arms) > 1 else (results.phases[-1],)
