"""Fitted dose-response curves over the curves of a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.analysis.plots.along import Along, Places, places_of
from neurosim.analysis.plots.curves import named_of, own_and_reference, paired_curves
from neurosim.analysis.plots.style import INK
from neurosim.errors import ResultSchemaError

if TYPE_CHECKING:
    from neurosim.analysis.fits import DoseResponse

__all__ = ["draw_fits", "fits_height", "fitted_lines"]

_LINE = 0.19  # inches of a line of text
_BELOW = 0.62  # inches from a panel to the first
_N = 200  # points of a curve


def fitted_lines(
    results, values, row: str, arm: str, phase: str, along: Along, kind: str
) -> dict[str, DoseResponse]:
    """Name → curve fitted to each named line of a panel, over subjects, in what the panel shows.

    Raises
    ------
    ResultSchemaError
        An axis of texts or points in no common order, over which there is no curve; too few doses.
    """
    # slow to load, and few figures fit
    from neurosim.analysis.fits import fit_dose_response

    if not along.is_curve or any(isinstance(value, str) for value in along.axis.values):
        reason = "has texts for values" if along.is_curve else "is drawn together with others in no common order"
        raise ResultSchemaError(f"figure: the axis {along.axis.name!r} {reason}, so no curve can be fitted over it")
    doses, dim = np.array(along.axis.values, float)[along.order], along.dim
    own, reference = own_and_reference(results, values, arm, phase, along)
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = {"ratio": 100.0 * own / reference, "difference": own - reference, "value": own}[kind]
    shown = shown.where(np.isfinite(shown)).transpose(row, "subject", dim)
    n = shown.sizes["subject"]
    said = {"unit": "" if along.axis.unit == "1" else along.axis.unit, "response_unit": "" if kind == "difference" else "%"}
    subjects = np.repeat(np.arange(n), doses.size) if n > 1 else None
    return {
        name: fit_dose_response(np.tile(doses, n), shown.sel({row: name}).values, subjects, name=name, **said)
        for name in named_of(paired_curves(results, values, row, arm, phase, along, kind), kind)
    }


def fits_height(fits: Sequence[Mapping[str, DoseResponse]]) -> float:
    """Inches that the texts of some panels' fits take below them."""
    most = max(map(len, fits), default=0)
    return _LINE * (most + 1) + 0.1 if most else 0.0


def draw_fits(axes, fits: Mapping[str, DoseResponse], colors: Mapping[str, str], along: Along) -> None:
    """Curves in the place of the lines that join marks, each with its ED50 and interval, and in words below the panel."""
    if not fits:
        return
    places, tried = places_of(along), np.array(along.axis.values)[along.order]
    for line in axes.lines:
        if line.get_color() in colors.values() and line.get_marker() != "None":
            line.set_linestyle("none")
        elif line.get_color() in colors.values():  # too many doses for marks
            line.set(alpha=0.35, linewidth=0.8)
    for number, (name, fit) in enumerate(fits.items(), 1):
        style = {"color": colors[name], "zorder": 3.5}
        x, doses = places.x, tried
        if places.scale != "steps":
            x = doses = (np.geomspace if places.scale == "log" else np.linspace)(x.min(), x.max(), _N)
            _mark(axes, fit, places, style)
        axes.plot(x, fit.predict(doses), lw=1.6, **style)
        _say(axes, number, f"{name}: {fit.text.replace(' -', ' −')}", colors[name])
    _say(axes, 0, "Logistic fits, ED50 (white-edged mark) with its 95 % interval:", INK)


def _mark(axes, fit: DoseResponse, places: Places, style: Mapping) -> None:
    """ED50 on its curve, with its interval as far as the panel goes."""
    if not fit.is_within:
        return
    height = float(fit.predict(fit.ED50))
    axes.plot([fit.ED50], [height], marker="D", ms=6.5, mec="white", mew=1.0, ls="none", **style | {"zorder": 4})
    if np.isfinite(fit.low):
        ends = np.clip([fit.low, fit.high], places.x.min(), places.x.max())
        axes.plot(ends, [height] * 2, lw=3.2, alpha=0.45, solid_capstyle="butt", **style)


def _say(axes, line: int, words: str, color: str) -> None:
    axes.annotate(
        words,
        xy=(0.0, 0.0),
        xycoords="axes fraction",
        xytext=(0.0, -72.0 * (_BELOW + _LINE * line)),
        textcoords="offset points",
        fontsize=8,
        color=color,
        va="center",
        annotation_clip=False,
    )
