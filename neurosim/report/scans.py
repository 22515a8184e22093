"""Interactive figures of scans: curves along an axis, points of axes that go together, the plane of two crossed axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurosim.analysis.plots.along import Along, Places, along, places_of
from neurosim.analysis.plots.common import (
    BALANCE_LABEL,
    axis_label,
    axis_scale,
    bound_by_drugs,
    spaced,
    subjects_text,
)
from neurosim.analysis.plots.curves import (
    against,
    is_touched,
    moved,
    named_of,
    others_text,
    own_and_reference,
    paired_curves,
    scanned_arm,
)
from neurosim.analysis.plots.panels import change_limits
from neurosim.analysis.plots.plane import crossed_arms
from neurosim.analysis.plots.style import line_colors, number, transmitter_color
from neurosim.report.figures import Figure, Readout, hover, log_axis
from neurosim.report.numbers import listed, plain_text, shift_text, signed_percent, stated, statistics_of

__all__ = ["curve_figure", "held_figures", "plane_figures"]

#: Points that are drawn of a curve, of a cloud, of a side of a plane; arms and axes to choose from.
_MOST_POINTS, _MOST_MARKS, _MOST_SIDE, _MOST_VIEWS = 61, 400, 61, 8
#: Lines, with those that have no colour.
_MOST_IN_ALL = 14
#: Margins of a logarithmic axis, as a factor.
_MARGIN = 1.08
#: Points and lines of the table beside a figure.
_MOST_ROWS, _MOST_COLUMNS = 12, 6


@dataclass(frozen=True)
class _Lines:
    """What is drawn of a readout along an axis: name → (middle, low, high) at the points ``chosen``, the largest first."""

    arm: str
    phase: str
    axis: Along
    places: Places
    chosen: np.ndarray
    curves: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    named: tuple[str, ...]
    n_left_out: int
    n_other_lines: int


def curve_figure(results, readout: Readout) -> Figure | None:
    """How a readout follows every scan axis, paired against the reference; None without a scan."""
    kind = "difference" if readout.is_shift else "ratio"
    return _figure(results, readout, kind, f"{readout.title} over the scan")


def held_figures(results) -> Iterator[Figure]:
    """What all drugs together hold of receptors and carriers over the scan."""
    for variable, row, title in (
        ("carrier_occupancy", "carrier", "Carriers held by drugs"),
        ("occupancy", "site", "Receptors held by drugs"),
    ):
        held = bound_by_drugs(results.summary["receptors"], variable)
        if held[row].size and float(held.max()) > 0:
            readout = Readout(f"held-{row}", title, f"receptors/{variable}", held, row, "%", {})
            found = _figure(results, readout, "value", f"{title} over the scan")
            if found:
                yield found


def _figure(results, readout: Readout, kind: str, title: str) -> Figure | None:
    if not results.axes:
        return None
    lines = [found for arm, axis in _views(results) if (found := _lines(results, readout, kind, arm, axis)).curves]
    if not lines:
        return None
    labels = [_label(found) for found in lines]
    views = tuple((label, *_drawn(results, readout, kind, found)) for label, found in zip(labels, lines, strict=True))
    first = lines[0]
    return Figure(
        f"{readout.id}-scan",
        title,
        _caption(results, readout, kind, first),
        views,
        "arm and axis" if len(views) > 1 else "",
        tuple(_table(results, readout, kind, first)),
        _left_out(first),
    )


def _left_out(lines: _Lines) -> str:
    words = [f"{lines.n_left_out} more points"] * bool(lines.n_left_out)
    words += [f"{lines.n_other_lines} more lines, which move less,"] * bool(lines.n_other_lines)
    return f"{' and '.join(words)} are in summary.h5." if words else ""


def _views(results) -> list[tuple[str, Along]]:
    """(arm, axis) of everything that was scanned."""
    names = [own.name for axis in results.axes.values() for own in axis.members or (axis,)]
    found = []
    for name in names:
        axis = along(results, name)
        arms = [arm for arm in results.arms if arm != results.reference[0] and results.is_scanned(arm)]
        arms = [arm for arm in arms if is_touched(results, arm, axis.dim)]
        found += [(arm, axis) for arm in arms or [scanned_arm(results, None, axis.dim)]]
    return found[:_MOST_VIEWS]


def _label(lines: _Lines) -> str:
    return f"{spaced(lines.arm)}, over {spaced(lines.axis.axis.name)}"


def _lines(results, readout: Readout, kind: str, arm: str, axis: Along) -> _Lines:
    phase = results.phases[-1]
    curves = paired_curves(results, readout.values, readout.row, arm, phase, axis, kind)
    most = _MOST_POINTS if axis.is_curve else _MOST_MARKS
    chosen = np.unique(np.linspace(0, axis.order.size - 1, min(most, axis.order.size)).round().astype(int))
    order = sorted(curves, key=lambda name: -moved(curves[name][0], kind))
    named = sorted(named_of(curves, kind), key=order.index)
    drawn = order[:_MOST_IN_ALL] if axis.is_curve else named
    kept = {name: tuple(part[chosen] for part in curves[name]) for name in drawn}
    n_points, n_lines = axis.order.size - chosen.size, len(order) - len(kept)
    return _Lines(arm, phase, axis, places_of(axis), chosen, kept, tuple(named), n_points, n_lines)


def _drawn(results, readout: Readout, kind: str, lines: _Lines) -> tuple[list, dict]:
    colors = line_colors([name for name in lines.curves if name in lines.named])
    x, data = lines.places.x[lines.chosen].tolist(), []
    words, points = _unit_words(results, kind, lines), [_point_text(lines, k) for k in range(len(x))]
    for name, (middle, low, high) in lines.curves.items():
        color, is_named = colors.get(name, "#8a8a8a"), name in lines.named
        visible = True if is_named else "legendonly"
        group = {"legendgroup": name, "visible": visible}
        if lines.axis.is_curve and np.isfinite(low).any():
            edge = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", **group}
            edge["showlegend"] = False
            data.append({"x": x, "y": listed(low), **edge})
            data.append({"x": x, "y": listed(high), "fill": "tonexty", "fillcolor": _pale(color), **edge})
        data.append(
            {
                "type": "scatter", "mode": _mode(lines), "name": name, "x": x, "y": listed(middle),
                "line": {"color": color, "width": 2}, "marker": {"color": color, "size": 5},
                "text": [f"{name}, {where}: {_value_text(v, kind)}" for where, v in zip(points, middle, strict=True)],
                "hovertemplate": hover(), "meta": _meta(results, readout, kind, lines, name), **group,
            }
        )  # fmt: skip
    layout = {
        "height": 430,
        "xaxis": {"title": {"text": lines.axis.label}, **_axis_of(lines.places, np.array(x))},
        "yaxis": {"title": {"text": words}},
    }
    middles = np.array([curve[0] for name, curve in lines.curves.items() if name in lines.named])
    if kind == "ratio":
        ends = np.array([[middles.ravel()] * 3])
        layout["yaxis"] |= log_axis(*change_limits(ends, True))
    elif kind == "value":
        layout["yaxis"] |= {"range": [0, 102]}
    return data, layout


def _mode(lines: _Lines) -> str:
    if not lines.axis.is_curve:
        return "markers"
    return "lines+markers" if lines.chosen.size <= 25 else "lines"


def _pale(color: str) -> str:
    parts = [int(color[k : k + 2], 16) for k in (1, 3, 5)]
    return f"rgba({parts[0]},{parts[1]},{parts[2]},0.18)"


def _meta(results, readout: Readout, kind: str, lines: _Lines, name: str) -> dict:
    """Which numbers of the summary a line is."""
    return {
        "variable": readout.variable,
        "statistic": {"ratio": "ratio", "difference": "difference", "value": "held"}[kind],
        "at": {**readout.at, "arm": lines.arm, "phase": lines.phase, readout.row: name},
        "against": _against(results, lines),
        "along": lines.axis.dim,
        "order": lines.axis.order[lines.chosen].tolist(),
        "factor": 100.0 if kind == "ratio" else 1.0,
    }


def _against(results, lines: _Lines):
    """Arm and phase at the same point; of the reference arm itself its own first point, or the median of all."""
    if lines.arm != results.reference[0]:
        return [results.reference[0], lines.phase]
    return {"point": int(lines.axis.order[0])} if lines.axis.is_curve else "median"


def _axis_of(places: Places, x: np.ndarray) -> dict:
    if places.scale == "log":
        return log_axis(x.min() / _MARGIN, x.max() * _MARGIN)
    if places.scale == "steps":
        step = -(-len(places.texts) // 12) or 1
        return {"tickvals": list(range(0, len(places.texts), step)), "ticktext": list(places.texts[::step])}
    return {}


def _unit_words(results, kind: str, lines: _Lines) -> str:
    if kind == "difference":
        return BALANCE_LABEL
    return "% held by drugs" if kind == "value" else f"% of {spaced(against(results, lines.arm, lines.axis))}"


def _value_text(value: float, kind: str) -> str:
    if kind == "ratio":
        return signed_percent(value / 100.0)
    return shift_text(value) if kind == "difference" else f"{plain_text(value)} %"


def _point_text(lines: _Lines, k: int) -> str:
    """``"dose 0.3 mg/kg"`` of the k-th point that is drawn."""
    return lines.axis.axis.text(int(lines.axis.order[lines.chosen[k]]))


def _caption(results, readout: Readout, kind: str, lines: _Lines) -> str:
    n, axis = len(results.subjects), lines.axis
    how = f"mean of {subjects_text(results)}" if n > 1 else "one subject"
    bands = ", bands are 95 % intervals" if n > 1 and kind != "value" and axis.is_curve else ""
    what = "line" if axis.is_curve else "mark"
    head = (
        f"{readout.title} of arm {spaced(lines.arm)} over {axis.label}, {lines.chosen.size} points, phase {lines.phase}"
        f"{others_text(results, axis.dim)}: {_unit_words(results, kind, lines)}, {how}{bands}; a {what} for each "
        f"{readout.row}."
    )
    said = []
    for name in lines.named[:3]:
        middle = lines.curves[name][0]
        finite = np.flatnonzero(np.isfinite(middle))
        if finite.size:
            pair = finite[[0, -1]].tolist()
            ends = [f"{_value_text(middle[k], kind)} at {_point_text(lines, k)}" for k in pair]
            reach = [_value_text(edge, kind) for edge in (np.nanmin(middle), np.nanmax(middle))]
            ways = f"goes from {ends[0]} to {ends[1]}" if axis.is_curve else f"lies between {' and '.join(reach)}"
            said.append(f"{name} {ways}.")
    hidden = " Names in the legend show and hide their lines." if len(lines.curves) > len(lines.named) else ""
    return " ".join(filter(None, [head, *said])) + hidden


def _table(results, readout: Readout, kind: str, lines: _Lines) -> Iterator[tuple]:
    names = lines.named[:_MOST_COLUMNS]
    yield (lines.axis.label, *names)
    rows = np.unique(np.linspace(0, lines.chosen.size - 1, min(_MOST_ROWS, lines.chosen.size)).round().astype(int))
    factor, full = 100.0 if kind == "ratio" else 1.0, _in_full(results, readout, kind, lines)
    statistics = {"ratio": ("ratio", "ratio_low", "ratio_high"), "difference": ("difference", "low", "high")}.get(kind)
    for k in rows.tolist():
        position = int(lines.axis.order[lines.chosen[k]])
        cells = []
        for name in names:
            place = {
                **readout.at, "arm": lines.arm, "phase": lines.phase, readout.row: name, "along": lines.axis.dim,
                "index": position, "against": _against(results, lines),
            }  # fmt: skip
            if statistics is None:
                value = lines.curves[name][0][k]
                cells.append([stated(value, readout.variable, "held", place, _value_text(value, kind))])
                continue
            values = [float(full[s].sel({readout.row: name}).values[k]) for s in statistics]
            found = [
                stated(v, readout.variable, s, place, _value_text(v * factor, kind))
                for v, s in zip(values, statistics, strict=True)
            ]
            cells.append(found if np.isfinite(values).all() else found[:1])
        yield (_point_text(lines, k), *cells)


def _in_full(results, readout: Readout, kind: str, lines: _Lines) -> dict[str, xr.DataArray]:
    """Statistics at the points that are drawn, in full; nothing for values that are not compared."""
    if kind == "value":
        return {}
    chosen = {lines.axis.dim: lines.chosen}
    own, other = own_and_reference(results, readout.values, lines.arm, lines.phase, lines.axis)
    found = statistics_of(own.isel(chosen), other.isel(chosen).transpose(*own.dims), kind == "ratio")
    return {name: value.transpose(readout.row, lines.axis.dim) for name, value in found.items()}


def plane_figures(results) -> Iterator[Figure]:
    """The balance over the plane of two crossed axes, of every arm that has one."""
    if not results.has_spikes:
        return
    for arm in [arm for arm in crossed_arms(results) if arm != results.reference[0]]:
        balance = results.summary["balance"]["balance"].load()
        phase, dims = results.phases[-1], list(results.axes)
        plane = statistics_of(balance.sel(arm=arm, phase=phase, drop=True))["mean"].transpose("region", *dims)
        regions = [r for r in plane.region.values.tolist() if bool(plane.sel(region=r).notnull().any())]
        if not regions:
            continue
        chosen = [_thinned(n) for n in results.scan_shape]
        plane = plane.sel(region=regions).isel(dict(zip(dims, chosen, strict=True)))
        reach = max(float(np.nanmax(np.abs(plane.values))), 0.5)
        views = tuple((region, *_plane(results, plane, region, chosen, arm, phase, reach)) for region in regions)
        yield Figure(
            f"plane-{results.arms.index(arm)}",
            f"Balance over the plane, {spaced(arm)}",
            _plane_caption(results, plane, arm, phase),
            views,
            "region",
            tuple(_plane_table(results, plane, arm, phase, chosen)),
            "" if all(map(np.array_equal, chosen, map(np.arange, results.scan_shape))) else "More points are in summary.h5.",
        )


def _thinned(n: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, _MOST_SIDE)).round().astype(int))


def _side(axis, chosen: np.ndarray) -> tuple[list, dict]:
    scale = axis_scale(axis.values)
    title = {"title": {"text": axis_label(axis)}}
    if scale == "steps":
        return [number(axis.values[k]) for k in chosen], {**title, "type": "category"}
    return [float(axis.values[k]) for k in chosen], {**title, "type": scale}


def _plane(
    results, plane, region: str, chosen: Sequence[np.ndarray], arm: str, phase: str, reach: float
) -> tuple[list, dict]:
    (x, x_axis), (y, y_axis) = (_side(axis, k) for axis, k in zip(results.axes.values(), chosen, strict=True))
    z = plane.sel(region=region).values.T
    blue, red = transmitter_color("5-HT"), transmitter_color("DA")
    data = [
        {
            "type": "heatmap", "x": x, "y": y, "z": [listed(row) for row in z], "zmin": -reach, "zmax": reach,
            "colorscale": [[0, blue], [0.5, "#f7f7f5"], [1, red]], "hoverongaps": False,
            "colorbar": {"title": {"text": "log2"}, "thickness": 12, "len": 0.9},
            "hovertemplate": f"{x_axis['title']['text']} %{{x:.3g}}<br>{y_axis['title']['text']} %{{y:.3g}}<br>"
            "balance %{z:.2f}<extra></extra>",
            "meta": {
                "variable": "balance/balance", "statistic": "plane", "at": {"arm": arm, "phase": phase, "region": region},
                "points": [k.tolist() for k in chosen],
            },
        }
    ]  # fmt: skip
    return data, {"height": 430, "xaxis": x_axis, "yaxis": y_axis, "showlegend": False}


def _plane_caption(results, plane, arm: str, phase: str) -> str:
    words = [
        f"Balance of {spaced(arm)} against {spaced(results.reference[0])} over {' and '.join(map(spaced, results.axes))}, "
        f"phase {phase}, mean of {subjects_text(results)}, a region at a time; + is a tilt to dopamine, − to "
        "serotonin."
    ]
    for region in plane.region.values.tolist()[:3]:
        own = plane.sel(region=region).values
        low, high = float(np.nanmin(own)), float(np.nanmax(own))
        words.append(f"{region}: from {shift_text(low)} to {shift_text(high)}.")
    return " ".join(words)


def _plane_table(results, plane, arm: str, phase: str, chosen) -> Iterator[tuple]:
    """The corners of the plane, a row per region."""
    ends = [(0, 0), (-1, 0), (0, -1), (-1, -1)]
    corners = [tuple(int(k[e]) for k, e in zip(chosen, end, strict=True)) for end in ends]
    yield ("region", *(results.point_text(corner) for corner in corners))
    for region in plane.region.values.tolist():
        cells = []
        for end, corner in zip(ends, corners, strict=True):
            value = float(plane.sel(region=region).values[end])
            place = {"arm": arm, "phase": phase, "region": region, "point": list(corner)}
            cells.append([stated(value, "balance/balance", "mean", place, shift_text(value))])
        yield (region, *cells)
