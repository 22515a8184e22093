"""Heat maps of receptors: what drugs hold, and how active they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from neurosim.analysis.plots.common import (
    axis_label,
    bound_by_drugs,
    known,
    point_of,
    refuse_without_data,
    spaced,
    subjects_text,
)
from neurosim.analysis.plots.style import INK, ResultFigure, Sheet, label_space, number, shades, styled
from neurosim.errors import ResultSchemaError

__all__ = ["activation_figure", "occupancy_figure"]

#: Of a cell, inches; narrower where there are many columns, and too narrow then for its number.
_HEIGHT, _WIDE, _NARROW, _MOST_NUMBERED = 0.22, 0.52, 0.16, 14
#: Per cent that must be held somewhere for a row to be shown.
_LEAST = 1.0


@dataclass(frozen=True)
class _Map:
    """What is drawn: values in % over row × column, how columns are named, and what the head says of the rest."""

    values: xr.DataArray
    columns: list[str]
    x_label: str
    where: str


@styled
def occupancy_figure(
    results,
    by: str | None = None,
    sites: Sequence[str] | None = None,
    rows: str = "site",
    arm: str | None = None,
    phase: str | None = None,
    **axes,
) -> ResultFigure:
    """What drugs hold of receptors and carriers, as a heat map with the numbers in its cells.

    Parameters
    ----------
    by : str, optional
        What the columns are: ``arm``, ``ligand`` (one drug each, the others all together), ``phase`` or the name of a scan
        axis. By default the scan axis if there is just one, else the arms, or of a lone arm its ligands.
    sites : str or sequence of str, optional
        Sites or receptors; by default every site and carrier of which a drug holds 1 % anywhere in the figure.
    rows : str
        ``site``, or ``receptor`` for the mean over the sites of each receptor.
    arm, phase : str, optional
        For columns that are something else; by default the last arm, the last phase.
    **axes
        Value on each scan axis, by default the last.
    """
    refuse_without_data(results, "occupancy")
    receptors = _receptors(results)
    by = _by(results, by, ("arm", "ligand", "phase"))
    bound = [("occupancy", "site"), ("carrier_occupancy", "carrier")]
    if by == "ligand":
        parts = {row: 100.0 * receptors[name].load() for name, row in bound}
    else:
        parts = {row: bound_by_drugs(receptors, name) for name, row in bound}
    at = _Selection(results, by, arm, phase, axes)
    found = at.of(_rows(parts["site"], rows, sites))
    if sites is None:
        carriers = at.of(parts["carrier"].rename(carrier="row"))
        values = xr.concat([found.values, carriers.values], "row", coords="minimal", compat="override")
        found = _Map(values, found.columns, found.x_label, found.where)
    kept = found.values
    n_all = kept.sizes["row"]
    if sites is None:
        kept = kept.isel(row=np.flatnonzero((kept >= _LEAST).any("column").values))
    if not kept.sizes["row"]:
        raise ResultSchemaError(f"occupancy of {results.name}: no drug holds {_LEAST:g} % of any receptor or carrier there")
    left = n_all - kept.sizes["row"]
    more = f"; {left} of {n_all} receptors and carriers held below {_LEAST:g} % are left out" if left else ""
    label = "held by the drug (%)" if by == "ligand" else "held by drugs (%)"
    return _figure(results, _Map(kept, found.columns, found.x_label, found.where + more), "occupancy", label)


@styled
def activation_figure(
    results,
    by: str | None = None,
    sites: Sequence[str] | None = None,
    rows: str = "site",
    arm: str | None = None,
    phase: str | None = None,
    **axes,
) -> ResultFigure:
    """How active receptors are, as a heat map with the numbers in its cells.

    Parameters as of :func:`occupancy_figure`, but that every site is shown by default and columns are no ligands; of a lone
    arm they are its phases.
    """
    refuse_without_data(results, "activation")
    receptors = _receptors(results)
    by = _by(results, by, ("arm", "phase"))
    at = _Selection(results, by, arm, phase, axes)
    found = at.of(_rows(100.0 * receptors["activation"].load(), rows, sites))
    return _figure(results, found, "receptor activation", "activation (% of the maximum)")


def _receptors(results):
    if "receptors" not in results.summary.children:
        raise ResultSchemaError(f"{results.name} has no receptors")
    return results.summary["receptors"]


def _by(results, by: str | None, allowed: Sequence[str]) -> str:
    """What the columns are."""
    if by is not None:
        return known("columns", by, [*allowed, *results.axes])
    if len(results.axes) == 1:
        return next(iter(results.axes))
    return "arm" if len(results.arms) > 1 else allowed[1]


def _rows(values: xr.DataArray, rows: str, sites: Sequence[str] | None) -> xr.DataArray:
    """Sites, or receptors, as dimension ``row``, sorted by receptor."""
    known("rows", rows, ("site", "receptor"))
    names, receptors = values.site.values.tolist(), values.receptor.values.tolist()
    wanted = [sites] if isinstance(sites, str) else sites
    for site in wanted or ():
        known("site or receptor", site, [*names, *dict.fromkeys(receptors)])
    order = sorted(range(len(names)), key=lambda k: (receptors[k], names[k]))
    kept = [k for k in order if wanted is None or names[k] in wanted or receptors[k] in wanted]
    chosen = values.isel(site=kept)
    if rows == "receptor":
        return chosen.groupby("receptor").mean().rename(receptor="row")
    return chosen.drop_vars([c for c, v in chosen.coords.items() if v.dims == ("site",) and c != "site"]).rename(site="row")


@dataclass(frozen=True)
class _Selection:
    """Which arm, phase and point are shown where they are not the columns."""

    results: object
    by: str
    arm: str | None
    phase: str | None
    axes: Mapping[str, object]

    def of(self, values: xr.DataArray) -> _Map:
        """Mean over subjects, over row × column."""
        results, by = self.results, self.by
        fixed = {"arm": results.arms, "phase": results.phases}
        words, chosen = [], {}
        for name, allowed in fixed.items():
            if name != by:
                chosen[name] = known(name, getattr(self, name) or allowed[-1], allowed)
                words.append(f"{name} {spaced(chosen[name])}")
        values = values.sel(chosen, drop=True)
        point = point_of(results, self.axes, -1)
        point.pop(by, None)
        for name, place in point.items():
            axis = results.axes[name]
            words += [own.text(place) for own in axis.members or (axis,)]
        values = values.isel(point, drop=True).mean("subject")
        values = values.transpose("row", by).rename({by: "column"})
        return _Map(values, *_columns(results, by, values.column.values.tolist()), ", ".join(words))


def _columns(results, by: str, labels: list) -> tuple[list[str], str]:
    """Names of the columns and of what they are."""
    if by not in results.axes:
        return [spaced(str(label)) for label in labels], ""
    axis = results.axes[by]
    names = [label if isinstance(label, str) else number(float(f"{label:.3g}")) for label in axis.values]
    return names, by if axis.members else axis_label(axis)


def _figure(results, found: _Map, title: str, label: str) -> ResultFigure:
    names = [str(name) for name in found.values.row.values.tolist()]
    n_rows, n_columns = found.values.shape
    wide = max(_WIDE if n_columns <= _MOST_NUMBERED else _NARROW, 2.2 / n_columns)
    heads = 0.0 if _is_short(found.columns, wide) else 0.068 * 0.72 * max(map(len, found.columns)) + 0.05
    words = f"mean of {subjects_text(results)}" if len(results.subjects) > 1 else "1 subject"
    left, right = label_space(names), max(0.35, heads)
    head = f"{spaced(results.name)}: {title}"
    width = max(left + wide * n_columns + right, 3.4, 0.105 * len(head) + 0.25)
    height = _HEIGHT * n_rows
    sheet = Sheet([(height, [1.0])], width, left, width - left - wide * n_columns, top=1.4 + heads, bottom=0.2)
    axes = sheet.rows[0][0]
    sheet.text(0.12, 0.1, head, fontsize=11, fontweight="bold")
    for k, line in enumerate(_wrapped(f"{words}; {found.where}" if found.where else words, width)):
        sheet.text(0.12, 0.32 + 0.16 * k, line, fontsize=8, color="#555555")
    _cells(axes, found, names, wide)
    _bar(sheet, axes, heads, label)
    return sheet.figure


def _wrapped(text: str, width: float) -> list[str]:
    return wrap(text, max(int((width - 0.2) / 0.066), 20))


def _is_short(columns: Sequence[str], wide: float) -> bool:
    return 0.072 * max(map(len, columns)) <= wide


def _cells(axes: Axes, found: _Map, names: Sequence[str], wide: float) -> None:
    values = found.values.values
    norm, cmap = Normalize(0.0, 100.0), shades().with_extremes(bad="#e4e4e0")
    axes.imshow(np.ma.masked_invalid(values), cmap=cmap, norm=norm, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(names)), names)
    is_short = _is_short(found.columns, wide)
    step = 1 if wide >= 0.24 else int(np.ceil(0.24 / wide))
    shown = range(0, len(found.columns), step)
    turned = {} if is_short else {"rotation": 45, "ha": "left", "rotation_mode": "anchor"}
    axes.set_xticks(list(shown), [found.columns[k] for k in shown], **turned)
    axes.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False, pad=2)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(found.x_label)
    edges = {"color": "white", "lw": 0.8}
    for row in range(len(names) - 1):
        axes.axhline(row + 0.5, **edges)
    if wide < _WIDE * 0.8:
        return
    for column in range(values.shape[1] - 1):
        axes.axvline(column + 0.5, **edges)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            style = {"ha": "center", "va": "center_baseline", "fontsize": 7.5, "color": _on(cmap(norm(value)))}
            axes.text(column, row, _number(value), **style)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 or value < 0.05 else f"{value:.1f}"


def _on(color: Sequence[float]) -> str:
    """Ink or white, whichever is read better on a colour (relative luminance of sRGB)."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    return INK if float(np.dot(parts, (0.2126, 0.7152, 0.0722))) > 0.22 else "white"


def _bar(sheet: Sheet, axes: Axes, heads: float, label: str) -> None:
    """The colour bar, flat above the map, with its unit."""
    figure = sheet.figure
    width, height = figure.get_size_inches()
    place = axes.get_position()
    bottom = place.y1 + (heads + 0.36) / height
    bar = figure.add_axes((place.x0, bottom, min(2.2, width - place.x0 * width - 0.3) / width, 0.09 / height))
    drawn = figure.colorbar(ScalarMappable(Normalize(0, 100), shades()), cax=bar, orientation="horizontal")
    drawn.set_ticks([0, 50, 100])
    drawn.outline.set_linewidth(0.4)
    bar.xaxis.set_ticks_position("top")
    bar.xaxis.set_label_position("top")
    bar.tick_params(length=2, pad=1, labelsize=7.5)
    bar.set_xlabel(label, fontsize=8, labelpad=2)
