"""The balance of dopamine and serotonin, by region and arm."""

from __future__ import annotations

from collections.abc import Sequence

from neurosim.analysis.plots.common import (
    BALANCE_LABEL,
    conditions_of,
    handles_of,
    refuse_without_data,
    row_height,
)
from neurosim.analysis.plots.panels import level_panel, rows_axis
from neurosim.analysis.plots.style import ResultFigure, Sheet, label_space, legend_height, styled
from neurosim.errors import ResultSchemaError

__all__ = ["balance_figure"]


@styled
def balance_figure(results, phase: str | None = None, arms: Sequence[str] | None = None, **axes) -> ResultFigure:
    """Balance of dopamine and serotonin per region and arm: of free concentrations and of receptor
    activation.

    Against the reference arm and phase of the experiment, mean over subjects; a dot per subject.

    Parameters
    ----------
    phase : str, optional
        The last by default.
    arms : sequence of str, optional
        All by default.
    **axes
        Value on each scan axis, by default the last.
    """
    refuse_without_data(results, "balance")
    if not results.has_spikes:
        raise ResultSchemaError(f"balance of {results.name}: it was run without spikes, so transmitters do not move")
    conditions = conditions_of(results, phase, arms, axes)
    groups = results.summary["balance"]
    regions = groups.region.values.tolist()
    handles = handles_of(conditions)
    sheet = Sheet(
        [(row_height(len(conditions)) * len(regions), [1.0, 1.0])],
        width=9,
        left=label_space(regions),
        top=0.45 + legend_height(handles, 9),
    )
    panels = sheet.rows[0]
    for axes, name, title in zip(
        panels, ("balance", "balance_activation"), ("Free concentrations", "Receptor activation"), strict=True
    ):
        axes.axvline(0, color="#8a8a8a", lw=0.8, zorder=-1)
        level_panel(axes, groups[name].load(), "region", conditions, BALANCE_LABEL, log=False)
        rows_axis(axes, regions, labels=axes is panels[0])
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, -0.25), max(high, 0.25))
        axes.set_title(title)
    sheet.legend(0.1, handles)
    return sheet.figure
