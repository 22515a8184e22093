"""What the figures share: which conditions they compare, heads, names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.lines import Line2D

from neurosim.analysis.notebook import subjects_text
from neurosim.analysis.plots.panels import Condition
from neurosim.analysis.plots.style import Sheet, arm_colors, number, transmitter_color
from neurosim.analysis.readout import known_name, place_of
from neurosim.errors import ResultSchemaError

__all__ = [
    "BALANCE_LABEL",
    "axis_label",
    "axis_scale",
    "bound_by_drugs",
    "conditions_of",
    "first_spikes",
    "first_trial",
    "handles_of",
    "head",
    "known",
    "point_of",
    "point_text",
    "row_height",
    "refuse_without_data",
    "spaced",
    "subjects_text",
]

BALANCE_LABEL = "log2 units (− to 5-HT, + to DA)"


def conditions_of(
    results, phase: str | None = None, arms: Sequence[str] | None = None, axes: Mapping[str, object] | None = None
) -> list[Condition]:
    """What a figure sets side by side, the reference first: arms in one phase; of a lone arm, its phases.

    At the values on scan axes that are named, else at the last.
    """
    phase = known("phase", phase or results.phases[-1], results.phases)
    reference = results.reference[0]
    colors = arm_colors(results.arms, reference)
    arms = [arms] if isinstance(arms, str) else arms
    names = [known("arm", arm, results.arms) for arm in arms or results.arms]
    names = sorted(dict.fromkeys([reference, *names]), key=lambda arm: arm != reference)
    point = point_of(results, axes or {}, -1)
    if len(names) > 1:
        return [Condition(arm, arm, phase, point, colors[arm], k) for k, arm in enumerate(names)]
    phases = sorted(dict.fromkeys([results.reference[1], phase]), key=lambda p: p != results.reference[1])
    shades = arm_colors(phases, phases[0])
    return [Condition(p, reference, p, point, shades[p], k) for k, p in enumerate(phases)]


def axis_label(axis) -> str:
    """Name and unit of a scan axis; of a plain number what it is a number of, the end of its path."""
    if axis.unit == "x":
        return f"{spaced(axis.name)} (multiple)"
    of_what = spaced(axis.path.split(".")[-1].strip('"]'))
    unit = of_what if axis.unit == "1" else axis.unit
    return spaced(axis.name) if unit in ("", spaced(axis.name)) else f"{spaced(axis.name)} ({unit})"


def point_text(axis, k: int) -> str:
    """``"dose 0.3 mg/kg"`` for one point of a scan axis."""
    value = axis.values[k] if isinstance(axis.values[k], str) else number(axis.values[k])
    unit = {"": "", "1": "", "x": "x"}.get(axis.unit, f" {axis.unit}")
    return f"{spaced(axis.name)} {value}{unit}"


#: Values that span less than this factor are never drawn on a logarithmic axis.
_LEAST_DECADE = 8.0
#: Widest step of an axis in its narrowest, up to which the points of a linear axis can be told apart.
_WIDEST_STEP = 25.0


def axis_scale(values: Sequence[float]) -> str:
    """How numbers of a scan axis are spread best: ``linear``, ``log``, or ``steps``, evenly whatever they are.

    Logarithmic where that makes their steps more alike; steps where neither does, as with 0 before powers of ten.
    """
    x = np.array(values, float)
    linear = _unevenness(x)
    if (x > 0).all() and x.max() / x.min() >= _LEAST_DECADE and _unevenness(np.log(x)) <= linear:
        return "log"
    return "linear" if linear <= _WIDEST_STEP else "steps"


def _unevenness(x: np.ndarray) -> float:
    """Widest step over the narrowest."""
    steps = np.abs(np.diff(x))
    return float(steps.max() / steps.min()) if steps.size else 1.0


def bound_by_drugs(receptors, variable: str):
    """Per cent of each receptor or carrier that all drugs together hold."""
    return 100.0 * receptors[variable].load().sum("ligand")


def known(what: str, name: str, allowed: Sequence[str]) -> str:
    return known_name(what, name, allowed, "figure: ")


def point_of(results, axes: Mapping[str, object], otherwise: int = 0) -> dict[str, int]:
    """Axis → index of the point that values on scan axes name, as in a selection; ``otherwise`` where one is not named."""
    for name in axes:
        known("scan axis", name, list(results.axes))
    return {
        name: place_of(results.keys[name], axes[name]) if name in axes else otherwise for name in results.axes
    }


def first_trial(results, arm: str, point: Mapping[str, int]):
    """The trial of the first subject that has data in an arm at a scan point; None if there is none."""
    return _first(results, arm, point, results.trial)


def first_spikes(results, arm: str, point: Mapping[str, int]):
    """Of that trial what a raster needs."""
    return _first(results, arm, point, results.spikes)


def _first(results, arm: str, point: Mapping[str, int], read: Callable[..., xr.DataTree]):
    at = {name: results.axes[name].values[k] for name, k in point.items()}
    subjects = results.subjects_with_data(arm, **at)
    return read(arm, subjects[0], **at) if subjects else None


def head(
    sheet: Sheet, results, phase: str, conditions: Sequence[Condition], handles: list, left_out: int = 0
) -> None:
    """Name, what is compared, and the legend."""
    n = len(results.subjects)
    words = [subjects_text(results), f"phase {phase}"]
    if len(conditions) > 1:
        words.append(f"changes are paired, against {conditions[0].label}")
        words += ["bars: 95 % interval"] * (n > 1)
    words += [f"{left_out} more arms in summary.h5"] * bool(left_out)
    sheet.text(0.12, 0.12, spaced(results.name), fontsize=13, fontweight="bold")
    sheet.text(-0.2, 0.16, ", ".join(words), fontsize=8.5, color="#555555")
    if handles:
        sheet.legend(0.48, handles)


def refuse_without_data(results, what: str) -> None:
    """Refuse to draw where no trial has data.

    Raises
    ------
    ResultSchemaError
    """
    if not results.has_data:
        raise ResultSchemaError(f"{what} of {results.name}: no trial has data; 'neurosim status' says why")


def spaced(name: str) -> str:
    return name.replace("_", " ")


def handles_of(conditions: Sequence[Condition], transmitters: Sequence[str] = ()) -> list:
    marks = [
        Line2D([], [], marker=c.marker, color=c.color, ls="none", ms=6, label=spaced(c.label))
        for c in conditions
    ]
    marks.append(Line2D([], [], marker=".", color="#888888", ls="none", ms=5, label="each subject"))
    return marks + [
        Line2D([], [], marker="|", color=transmitter_color(t), ls="none", ms=9, mew=2, label=f"{t} cells")
        for t in transmitters
    ]


def row_height(n_conditions: int) -> float:
    """Inches per row, so that the markers of n conditions do not touch."""
    return max(0.34, 0.07 * n_conditions + 0.06)
