"""Figures of scans: dose-response curves."""

from __future__ import annotations

from collections.abc import Mapping

from neurosim.analysis.plots.along import Along, along
from neurosim.analysis.plots.common import (
    BALANCE_LABEL,
    bound_by_drugs,
    conditions_of,
    first_spikes,
    head,
    known,
    refuse_without_data,
    row_height,
    spaced,
)
from neurosim.analysis.plots.curves import against, curve_panel, others_text, scanned_arm
from neurosim.analysis.plots.fitted import draw_fits, fits_height, fitted_lines
from neurosim.analysis.plots.panels import label_lines, note, raster_panel
from neurosim.analysis.plots.points import cloud_panel
from neurosim.analysis.plots.style import ResultFigure, Sheet, label_space, styled, transmitter_color
from neurosim.analysis.readout import selected
from neurosim.errors import ResultSchemaError

__all__ = ["dose_response_figure", "scan_overview"]

#: Readouts with a dimension of drugs, and what their lines are.
_BOUND = {"occupancy": "site", "carrier_occupancy": "carrier"}


def scan_overview(results) -> ResultFigure:
    phase, axis = results.phases[-1], along(results)
    arm = scanned_arm(results, None, axis.dim)
    summary = results.summary
    rates, levels = summary["rates"]["firing_rate"].load(), summary["pools"]["concentration"].load()
    transmitters = levels.transmitter.values.tolist()
    populations = rates.population.values.tolist()
    sheet = Sheet(
        [(3.6, [1.0] * (1 + len(transmitters))), (row_height(1) * len(populations), [1.0] * 3)],
        width=14,
        left=label_space(populations),
        right=label_space(populations),
        top=0.85,
        gap=label_space(populations) + 0.75,
    )
    panels = sheet.rows[0]
    drawn = [curve_panel(results, panels[0], rates, "population", arm, phase, axis)]
    panels[0].set_title("Firing rates (grey: all others)")
    for axes, transmitter in zip(panels[1:], transmitters, strict=True):
        drawn.append(
            curve_panel(results, axes, levels.sel(transmitter=transmitter), "region", arm, phase, axis)
        )
        axes.set_title(f"[{transmitter}]", color=transmitter_color(transmitter))
    for axes in panels:
        axes.set_ylabel(f"% of {against(results, arm, axis)}")
    drawn.append(_scan_bottom(results, sheet.rows[1], arm, phase, axis))
    for panel in drawn:
        label_lines(panel["axes"], panel["ends"], panel["colors"])
    conditions = conditions_of(results, arms=[arm]) if arm != results.reference[0] else []
    head(sheet, results, phase + others_text(results, axis.dim), conditions, [])
    return sheet.figure


def _scan_bottom(results, panels, arm: str, phase: str, axis: Along) -> dict:
    first, reference = dict.fromkeys(results.axes, 0) | {axis.dim: int(axis.order[0])}, results.reference[0]
    last = first | {axis.dim: int(axis.order[-1])}
    shown = [(reference, first if arm == reference else last), (arm, last)]
    for k, ((name, point), axes) in enumerate(zip(shown, panels, strict=False)):
        trial = first_spikes(results, name, point)
        at = f", {results.point_text(tuple(point.values()))}" if results.is_scanned(name) else ""
        axes.set_title(f"Spikes: {spaced(name)}{at}")
        if trial is None:
            note(axes, f"no trial of {name} has data")
        else:
            raster_panel(axes, trial, phase, labels=k == 0, seconds=10.0)
    drawn = curve_panel(
        results,
        panels[2],
        results.summary["balance"]["balance"].load(),
        "region",
        arm,
        phase,
        axis,
        kind="difference",
    )
    panels[2].set_title("Shift of the balance")
    panels[2].set_ylabel(BALANCE_LABEL)
    return drawn


@styled
def dose_response_figure(
    results,
    variable: str | None = None,
    arm: str | None = None,
    axis: str | None = None,
    phase: str | None = None,
    transmitter: str | None = None,
    fit: bool = False,
    **selection,
) -> ResultFigure:
    """How a readout follows a scan axis, paired against the reference arm, with 95 % bands.

    Parameters
    ----------
    variable : str
        ``firing_rate``, ``firing_rate_active``, ``concentration``, ``activation``, ``balance``; ``occupancy`` and
        ``carrier_occupancy`` are what all drugs together hold. By default ``firing_rate``, or ``occupancy`` where nothing
        spikes.
    arm : str, optional
        The scanned arm by default.
    axis : str, optional
        The first by default; other axes are at their first value. Axes that go along ``point`` have names of
        their own; where they are in no common order, each point is a mark and no line joins them.
    phase : str, optional
        The last by default.
    transmitter : str, optional
        For pools; each in its own panel by default.
    fit : bool
        Draw the logistic curve of every line that has a name, with its ED50 and interval (see
        :func:`~neurosim.analysis.fit_dose_response`), and say them below. Fitted is what is drawn, subject by subject:
        per cent of the reference, difference from it, or the value.
    **selection
        Which lines: ``population=["DRN_HT", "VTA_DA"]``, ``region=``, ``site=``, ``receptor="D2"``; all by default.

    Raises
    ------
    ResultSchemaError
        Names that the results do not have; a fit over texts or over points in no common order.
    """
    if not results.axes:
        raise ResultSchemaError(f"{results.name} has no scan, so it has no dose-response curve")
    phase = known("phase", phase or results.phases[-1], results.phases)
    refuse_without_data(results, "dose-response")
    variable = _without_group(results, variable or ("firing_rate" if results.has_spikes else "occupancy"))
    axis = along(results, axis)
    arm = scanned_arm(results, arm, axis.dim)
    panels_of = [
        (title, _lines(results, values, selection), row) for title, values, row in _readout(results, variable, transmitter)
    ]
    names = [name for _, values, row in panels_of for name in values[row].values.tolist()]
    space = label_space(names) + 0.2
    kind, label = _kind(results, variable, arm, axis)
    fits = [fitted_lines(results, values, row, arm, phase, axis, kind) if fit else {} for _, values, row in panels_of]
    below = fits_height(fits)
    sheet = Sheet(
        [(3.6, [1.0] * len(panels_of))],
        bottom=0.5 + below,
        width=4.6 * len(panels_of) + space + 0.3,
        left=0.7,
        right=space,
        top=0.4,
        gap=space + 0.6,
    )
    panels = sheet.rows[0]
    drawn = []
    for axes, (title, values, row), found in zip(panels, panels_of, fits, strict=True):
        axes.set_title(title)
        axes.set_ylabel(label)
        if axis.is_curve:
            drawn.append(curve_panel(results, axes, values, row, arm, phase, axis, kind))
            draw_fits(axes, found, drawn[-1]["colors"], axis)
        else:
            cloud_panel(results, axes, values, row, arm, phase, axis, kind)
    for axes in panels:
        axes.set_xlabel(axes.get_xlabel() + others_text(results, axis.dim))
    for panel in drawn:
        label_lines(panel["axes"], panel["ends"], panel["colors"])
    return sheet.figure


def _lines(results, values, selection: Mapping):
    """The lines that are asked for, by what they are or what is said of them."""
    for name, labels in selection.items():
        if name in (*results.axes, "arm", "subject", "phase"):
            raise ResultSchemaError(f"dose_response: {name}= chooses no line; allowed: population=, region=, site= ...")
        values = selected(values, {name: [labels] if isinstance(labels, str) else labels})
    return values


def _kind(results, variable: str, arm: str, axis: Along) -> tuple[str, str]:
    """How a readout is drawn, and the label of its axis."""
    if variable.startswith("balance"):
        return "difference", BALANCE_LABEL
    if variable in _BOUND:
        return "value", "% bound by drugs"
    return "ratio", f"% of {against(results, arm, axis)}"


def _without_group(results, variable: str) -> str:
    """The name of a variable that may stand with its group: ``pools/concentration``."""
    group, _, own = variable.rpartition("/")
    is_there = group in ("rates", "pools", "receptors", "balance") and group in results.summary.children
    return own if is_there and own in results.summary[group].data_vars else variable


def _readout(results, variable: str, transmitter: str | None):
    """Panels of a readout: title, values and the dimension whose entries are the lines."""
    readouts = {}
    for group, row in (
        ("rates", "population"),
        ("pools", "region"),
        ("receptors", "site"),
        ("balance", "region"),
    ):
        if group in results.summary.children:
            for name, values in results.summary[group].to_dataset().data_vars.items():
                if row in values.dims and "ligand" not in values.dims:
                    readouts[name] = (values, row)
    readouts |= {name: (None, row) for name, row in _BOUND.items()}
    values, row = readouts[known("variable", variable, list(readouts))]
    values = bound_by_drugs(results.summary["receptors"], variable) if variable in _BOUND else values.load()
    title = variable.replace("_", " ")
    if "transmitter" not in values.dims:
        return [(title, values, row)]
    names = values.transmitter.values.tolist()
    chosen = [known("transmitter", transmitter, names)] if transmitter else names
    return [(f"{title} of {t}", values.sel(transmitter=t), row) for t in chosen]


