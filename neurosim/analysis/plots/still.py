"""The figure that ends a run without spikes: what drugs hold, and what receptors then do."""

from __future__ import annotations

from neurosim.analysis.plots.along import along
from neurosim.analysis.plots.common import bound_by_drugs, conditions_of, handles_of, head, row_height
from neurosim.analysis.plots.curves import curve_panel, others_text, scanned_arm
from neurosim.analysis.plots.panels import label_lines, level_panel, rows_axis
from neurosim.analysis.plots.style import ResultFigure, Sheet, label_space, legend_height

__all__ = ["still_overview", "still_panels"]


def still_panels(results) -> list[tuple[str, object, str, str]]:
    """(title, values in %, dimension of the rows, label) of each panel."""
    receptors = results.summary["receptors"]
    active = 100.0 * receptors["activation"].load()
    return [
        ("Receptors held by drugs", bound_by_drugs(receptors, "occupancy"), "site", "% of the receptors"),
        ("Receptors active", active, "site", "% of the maximum"),
        ("Carriers held by drugs", bound_by_drugs(receptors, "carrier_occupancy"), "carrier", "% of the carriers"),
    ]


def still_overview(results) -> ResultFigure:
    return _over_axis(results) if results.axes else _over_arms(results)


def _over_arms(results) -> ResultFigure:
    conditions = conditions_of(results)
    panels = still_panels(results)
    sites = panels[0][1].site.values.tolist()
    handles = handles_of(conditions)
    sheet = Sheet(
        [(row_height(len(conditions)) * len(sites), [1.0, 1.0, 0.6])],
        width=13,
        left=label_space(sites),
        top=0.75 + legend_height(handles, 13),
        gap=0.7,
    )
    for k, (axes, (title, values, row, label)) in enumerate(zip(sheet.rows[0], panels, strict=True)):
        level_panel(axes, values, row, conditions, label, log=False)
        rows_axis(axes, values[row].values.tolist(), labels=k != 1)
        axes.set_xlim(0, 100)
        axes.set_title(title)
    head(sheet, results, results.phases[-1], conditions, handles)
    return sheet.figure


def _over_axis(results) -> ResultFigure:
    phase, axis = results.phases[-1], along(results)
    arm = scanned_arm(results, None, axis.dim)
    panels = still_panels(results)
    space = label_space(panels[0][1].site.values.tolist())
    sheet = Sheet(
        [(3.8, [1.0, 1.0, 1.0])], width=11 + 3 * space, left=0.7, right=space, top=0.85, gap=space + 0.6
    )
    for axes, (title, values, row, label) in zip(sheet.rows[0], panels, strict=True):
        drawn = curve_panel(results, axes, values, row, arm, phase, axis, "value")
        axes.set_title(title)
        axes.set_ylabel(label)
        axes.set_ylim(0, 100)
        label_lines(drawn["axes"], drawn["ends"], drawn["colors"])
    head(sheet, results, f"{phase}{others_text(results, axis.dim)}, arm {arm}", conditions_of(results, arms=[arm])[-1:], [])
    return sheet.figure
