"""Figures of a results folder; the only place that imports Matplotlib."""

from __future__ import annotations

from neurosim.analysis.plots.circuit import circuit_figure, results_circuit_figure
from neurosim.analysis.plots.concentrations import concentration_figure
from neurosim.analysis.plots.heat import activation_figure, occupancy_figure
from neurosim.analysis.plots.overview import overview_figure
from neurosim.analysis.plots.paired import arms_figure
from neurosim.analysis.plots.plane import balance_plane_figure
from neurosim.analysis.plots.raster import raster_figure
from neurosim.analysis.plots.scans import dose_response_figure
from neurosim.analysis.plots.single import balance_figure
from neurosim.analysis.plots.style import ResultFigure, save_figure
from neurosim.analysis.plots.timeline import results_timeline_figure, timeline_figure

__all__ = [
    "Plot",
    "activation_figure",
    "arms_figure",
    "balance_figure",
    "balance_plane_figure",
    "circuit_figure",
    "concentration_figure",
    "dose_response_figure",
    "occupancy_figure",
    "overview_figure",
    "raster_figure",
    "results_circuit_figure",
    "results_timeline_figure",
    "save_figure",
    "timeline_figure",
]


class Plot:
    """Figures of a :class:`~neurosim.analysis.Results`, as ``results.plot``.

    Every method gives a Matplotlib figure that a notebook shows and :func:`save_figure` writes.
    """

    def __init__(self, results):
        self._results = results

    def overview(self) -> ResultFigure:
        """See :func:`overview_figure`."""
        return overview_figure(self._results)

    def raster(self, arm: str | None = None, subject: int = 0, **options) -> ResultFigure:
        """See :func:`raster_figure`."""
        return raster_figure(self._results, arm, subject, **options)

    def concentrations(self, **options) -> ResultFigure:
        """See :func:`concentration_figure`."""
        return concentration_figure(self._results, **options)

    def occupancy(self, by: str | None = None, **options) -> ResultFigure:
        """See :func:`occupancy_figure`."""
        return occupancy_figure(self._results, by, **options)

    def activation(self, by: str | None = None, **options) -> ResultFigure:
        """See :func:`activation_figure`."""
        return activation_figure(self._results, by, **options)

    def arms(self, variable: str | None = None, **options) -> ResultFigure:
        """See :func:`arms_figure`."""
        return arms_figure(self._results, variable, **options)

    def balance(self, **options) -> ResultFigure:
        """See :func:`balance_figure`."""
        return balance_figure(self._results, **options)

    def balance_plane(self, **options) -> ResultFigure:
        """See :func:`balance_plane_figure`."""
        return balance_plane_figure(self._results, **options)

    def circuit(self, arm: str | None = None, phase: str | None = None, **axes) -> ResultFigure:
        """See :func:`results_circuit_figure`."""
        return results_circuit_figure(self._results, arm, phase, **axes)

    def dose_response(self, variable: str | None = None, **options) -> ResultFigure:
        """See :func:`dose_response_figure`."""
        return dose_response_figure(self._results, variable, **options)

    def timeline(self) -> ResultFigure:
        """See :func:`results_timeline_figure`."""
        return results_timeline_figure(self._results)
