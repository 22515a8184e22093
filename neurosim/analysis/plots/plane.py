"""Figures of two crossed scan axes: the plane that they span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, LinearSegmentedColormap, to_rgb
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from neurosim.analysis.plots.blocks import (
    Block,
    block_sheet,
    label_outside,
    regions_with_balance,
    transmitter_populations,
)
from neurosim.analysis.plots.common import (
    BALANCE_LABEL,
    axis_label,
    axis_scale,
    bound_by_drugs,
    known,
    spaced,
)
from neurosim.analysis.plots.style import INK, ResultFigure, log_ticks, number, styled, transmitter_color
from neurosim.errors import ResultSchemaError

__all__ = ["balance_plane_figure", "crossed_arms", "plane_handles", "plane_sheet"]

#: Per cent of a carrier that an axis must move to be drawn as occupancy of it.
_LEAST_SPAN = 10.0
#: Contour lines on each side of none, at most, and shades from one to the next.
_MOST_LINES, _SHADES = 5, 8
#: Points that are marked one by one, at most.
_MOST_DOTS = 400
#: Half of the range of a panel set where nothing changes, so that noise is not blown up.
_LEAST_BALANCE, _LEAST_CHANGE = 0.5, 10.0


@dataclass(frozen=True)
class PlaneAxis:
    """One side of the plane.

    Attributes
    ----------
    label : str
        With the unit.
    places : ndarray, shape (x, y)
        Where every point of the scan lies along this side; of a blocker of a carrier per cent of the carrier.
    scale : str
        ``linear``, ``log`` or ``steps``: evenly spaced points that say their values.
    values : tuple
        Of the scan axis.
    """

    label: str
    places: np.ndarray
    scale: str
    values: tuple

    def apply(self, axes: Axes, side: str) -> None:
        """Limits, scale and ticks of one side of a panel."""
        low, high = float(np.nanmin(self.places)), float(np.nanmax(self.places))
        axis = getattr(axes, f"{side}axis")
        getattr(axes, f"set_{side}lim")(low, high)
        if self.scale == "log":
            getattr(axes, f"set_{side}scale")("log")
            log_ticks(axis, low, high)
        elif self.scale == "steps":
            axis.set_ticks(range(len(self.values)), [number(value) for value in self.values])
        else:
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


@dataclass(frozen=True)
class _Surface:
    """How one kind of value is coloured: the same in all panels of the kind."""

    label: str
    cmap: Colormap
    lines: np.ndarray

    @property
    def levels(self) -> np.ndarray:
        """Bounds of the shades, from the first line to the last."""
        return np.linspace(self.lines[0], self.lines[-1], _SHADES * (len(self.lines) - 1) + 1)

    @property
    def norm(self) -> BoundaryNorm:
        return BoundaryNorm(self.levels, self.cmap.N)


@styled
def balance_plane_figure(
    results,
    arm: str | None = None,
    phase: str | None = None,
    regions: Sequence[str] | None = None,
    populations: Sequence[str] | None = None,
) -> ResultFigure:
    """The balance of dopamine and serotonin over the plane of two crossed scan axes, a panel per region.

    A scan axis that moves the occupancy of a carrier is drawn as that occupancy (%, of all drugs together, as it
    came out), any other by its values. All is the mean over subjects, against the reference at the same point.

    Parameters
    ----------
    results : Results
        With exactly two scan axes of numbers. The first is x, the second y.
    arm : str, optional
        An arm that both axes touch; the first such by default.
    phase : str, optional
        The last by default.
    regions : sequence of str, optional
        By default all that have both dopamine and serotonin.
    populations : sequence of str, optional
        Whose change of rate is shown below; by default those that release dopamine or serotonin, ``()`` for none.

    Raises
    ------
    ResultSchemaError
        Not two axes, an axis of texts or of a single value, no arm that both touch, no spikes, an unknown name.

    Notes
    -----
    What lies between the points of the scan is interpolated, not simulated. The balance is that of the summary,
    against the reference arm and phase; so are the rates.
    """
    phase = known("phase", phase or results.phases[-1], results.phases)
    arm = _plane_arm(results, arm)
    sheet = plane_sheet(results, arm, phase, regions, populations, top=0.6)
    sheet.legend(0.12, plane_handles(results))
    return sheet.figure


def plane_sheet(results, arm: str, phase: str, regions=None, populations=None, top: float = 0.75):
    """The panels of the plane on a sheet whose upper ``top`` inches are free for a head."""
    x, y = plane_axes(results, arm, phase)
    regions, populations = _regions(results, arm, phase, regions), _populations(results, populations)
    blocks = [Block(regions), *([Block(populations)] if populations else [])]
    sheet, panels = block_sheet(blocks, top)
    balance = _mean(results, results.summary["balance"]["balance"], arm, phase, "region", regions)
    _draw_block(sheet, panels[0], balance, _balance_surface(balance), x, y)
    if populations:
        change = _rate_change(results, arm, phase, populations)
        _draw_block(sheet, panels[1], change, _rate_surface(change, results.reference[0]), x, y)
    return sheet


def plane_handles(results) -> list[Line2D]:
    handles = [
        Line2D(
            [],
            [],
            color=INK,
            lw=1.6,
            label=f"as in {spaced(results.reference[0])}",
            marker="_",
            ms=11,
            mew=1.6,
        ),
        Line2D([], [], color=INK, lw=0.4, label="numbers of the colour bar", marker="_", ms=11, mew=0.5),
        Line2D([], [], color=INK, marker=".", ms=4, ls="none", label="points of the scan"),
    ]
    return handles if np.prod(results.scan_shape) <= _MOST_DOTS else handles[:-1]


def crossed_arms(results) -> list[str]:
    """Arms that two crossed axes of numbers touch both: every point of the grid is a trial of its own."""
    if len(results.axes) != 2 or any(_trouble_of(axis) for axis in results.axes.values()):
        return []
    n = int(np.prod(results.scan_shape))
    keys = results.keys.sel(subject=results.subjects[0])
    return [arm for arm in results.arms if np.unique(keys.sel(arm=arm).values).size == n]


def _plane_arm(results, arm: str | None) -> str:
    """The arm whose plane is drawn; says in one sentence why there is none."""
    if not results.has_spikes:
        raise _refused(results, "it was run without spikes", "an engine that computes transmitters")
    if len(results.axes) != 2:
        found = ", ".join(results.axes) or "none"
        raise _refused(results, f"it has {len(results.axes)} scan axes ({found})", "exactly two, crossed")
    for axis in results.axes.values():
        if trouble := _trouble_of(axis):
            raise _refused(results, f"scan axis {axis.name!r} {trouble}", "axes of at least two numbers")
    arms, names = crossed_arms(results), " and ".join(results.axes)
    if arm is not None and known("arm", arm, results.arms) not in arms:
        raise _refused(results, f"arm {arm!r} is not touched by both {names}", ", ".join(arms) or "no arm")
    if not arms:
        raise _refused(results, f"no arm is touched by both {names}", "axes that meet in one arm")
    others = [name for name in arms if name != results.reference[0]]
    return arm or (others or arms)[0]


def _refused(results, found: str, allowed: str) -> ResultSchemaError:
    return ResultSchemaError(f"balance plane of {results.name}: {found}; allowed: {allowed}")


def _trouble_of(axis) -> str:
    if axis.members:
        return f"holds {' and '.join(member.name for member in axis.members)}, which go together"
    if any(isinstance(value, str) for value in axis.values):
        return "has texts"
    return "has one value" if len(axis.values) < 2 else ""


def plane_axes(results, arm: str, phase: str) -> tuple[PlaneAxis, PlaneAxis]:
    """Both sides of the plane of an arm in a phase."""
    names = list(results.axes)
    held = bound_by_drugs(results.summary["receptors"], "carrier_occupancy")
    held = held.sel(arm=arm, phase=phase, drop=True).mean("subject").transpose(*names, "carrier")
    carriers = [_carrier_moved_by(held, name) for name in names]
    if carriers[0] == carriers[1]:  # two blockers of one carrier span no plane of occupancies
        carriers = [None, None]
    return tuple(
        _by_occupancy(results.axes[name], held.sel(carrier=carrier).values, carrier)
        if carrier
        else _by_value(results, name, k)
        for k, (name, carrier) in enumerate(zip(names, carriers, strict=True))
    )


def _carrier_moved_by(held: xr.DataArray, name: str) -> str | None:
    """The carrier whose occupancy follows an axis most, if it follows it at every step."""
    if not held.carrier.size or not np.isfinite(held.values).all():
        return None
    span = (held.max(name) - held.min(name)).median([d for d in held.dims if d not in (name, "carrier")])
    carrier = str(held.carrier.values[np.argmax(span.values)])
    steps = np.diff(held.sel(carrier=carrier).values, axis=held.dims.index(name))
    follows = (steps > 0).all() or (steps < 0).all()
    return carrier if float(span.max()) >= _LEAST_SPAN and follows else None


def _by_occupancy(axis, held: np.ndarray, carrier: str) -> PlaneAxis:
    return PlaneAxis(f"{carrier} occupancy (%)", held, "linear", axis.values)


def _by_value(results, name: str, k: int) -> PlaneAxis:
    axis = results.axes[name]
    scale = axis_scale(axis.values)
    along = np.arange(len(axis.values), dtype=float) if scale == "steps" else np.array(axis.values, float)
    shape = results.scan_shape
    places = np.broadcast_to(along[:, None] if k == 0 else along, shape)
    return PlaneAxis(axis_label(axis), places, scale, axis.values)


def _regions(results, arm: str, phase: str, chosen: Sequence[str] | None) -> list[str]:
    """Regions that have a balance; those that were asked for must be among them."""
    there = regions_with_balance(results, arm, phase)
    if not there:
        raise _refused(
            results, f"no trial of arm {arm!r} has a balance", "a region with dopamine and serotonin"
        )
    return [known("region with both transmitters", region, there) for region in _listed(chosen) or there]


def _populations(results, chosen: Sequence[str] | None) -> list[str]:
    rates = results.summary["rates"]
    names = rates.population.values.tolist()
    if chosen is None:
        return transmitter_populations(rates)
    return [known("population", name, names) for name in _listed(chosen)]


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [names] if isinstance(names, str) else list(names or [])


def _mean(results, values: xr.DataArray, arm: str, phase: str, row: str, names) -> xr.DataArray:
    """Mean over the subjects that have data, dims (row, x, y)."""
    own = values.load().sel(arm=arm, phase=phase, drop=True).sel({row: list(names)})
    return own.mean("subject").transpose(row, *results.axes)


def _rate_change(results, arm: str, phase: str, populations) -> xr.DataArray:
    """Change of the mean rate over subjects in % of the reference arm and phase at the same point."""
    rates = results.summary["rates"]["firing_rate"]
    own = _mean(results, rates, arm, phase, "population", populations)
    reference = _mean(results, rates, *results.reference, "population", populations)
    return 100.0 * (own / reference.where(reference > 0) - 1.0)


def _balance_surface(values: xr.DataArray) -> _Surface:
    blue, red = transmitter_color("5-HT"), transmitter_color("DA")
    label = "balance, " + BALANCE_LABEL.replace(" (", "\n(")
    return _Surface(label, _diverging("balance", blue, red), _lines(values, _LEAST_BALANCE))


def _rate_surface(values: xr.DataArray, reference: str) -> _Surface:
    cmap = _diverging("rate", "#6b4a8c", "#3c7a3e")
    return _Surface(f"change of firing rate\n(% of {spaced(reference)})", cmap, _lines(values, _LEAST_CHANGE))


def _diverging(name: str, low: str, high: str) -> Colormap:
    """Two hues that colour-blind readers tell apart, the darker the farther from none."""
    return LinearSegmentedColormap.from_list(name, [_darker(low), low, "#f7f7f5", high, _darker(high)])


def _darker(color: str, factor: float = 0.55) -> tuple[float, ...]:
    return tuple(factor * part for part in to_rgb(color))


def _lines(values: xr.DataArray, least: float) -> np.ndarray:
    """Round numbers on both sides of 0 that hold all values; 0 itself is one."""
    finite = np.abs(values.values[np.isfinite(values.values)])
    reach = max(float(finite.max()) if finite.size else 0.0, least)
    ticks = MaxNLocator(_MOST_LINES, steps=[1, 2, 2.5, 5, 10]).tick_values(0.0, reach)
    step = ticks[1] - ticks[0]
    n = int(np.ceil(reach / step - 1e-9))
    return step * np.arange(-n, n + 1)


def _draw_block(sheet, panels, values: xr.DataArray, surface: _Surface, x: PlaneAxis, y: PlaneAxis) -> None:
    """A panel per name, one colour bar for all."""
    for axes, name, plane in zip(panels.axes, panels.names, values.values, strict=True):
        _surface_panel(axes, plane, surface, x, y)
        axes.set_title(name)
    label_outside(panels, x.label, y.label)
    bar = sheet.figure.colorbar(
        ScalarMappable(surface.norm, surface.cmap), cax=panels.bar, spacing="proportional"
    )
    bar.set_label(surface.label)
    bar.outline.set_linewidth(0.5)
    texts = [number(round(line, 9)).replace("-", "−") for line in surface.lines]
    bar.set_ticks(surface.lines, labels=texts)
    bar.minorticks_off()


def _surface_panel(axes: Axes, values: np.ndarray, surface: _Surface, x: PlaneAxis, y: PlaneAxis) -> None:
    """One plane: shades, thin lines at round numbers, none in black, the points of the scan as dots."""
    axes.set_facecolor("#d9d9d6")
    seen = np.ma.masked_invalid(values)
    if seen.count():
        axes.contourf(x.places, y.places, seen, levels=surface.levels, cmap=surface.cmap, norm=surface.norm)
        crossed = surface.lines[(surface.lines > seen.min()) & (surface.lines < seen.max())]
        if crossed.size:
            wide = [1.6 if line == 0.0 else 0.4 for line in crossed]
            axes.contour(
                x.places, y.places, seen, levels=crossed, colors=[INK], linewidths=wide, linestyles="solid"
            )
    if values.size <= _MOST_DOTS:
        axes.plot(x.places.ravel(), y.places.ravel(), ".", color=INK, ms=2.4, mew=0, alpha=0.7, clip_on=False)
    x.apply(axes, "x")
    y.apply(axes, "y")
