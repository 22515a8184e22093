"""The circuit as a diagram: populations at their places, what excites and inhibits whom, and how strongly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from neurosim.analysis.influence import Influence, influences
from neurosim.analysis.plots.common import known, point_of, spaced, subjects_text
from neurosim.analysis.plots.style import (
    INK,
    MUTED,
    SIGNS,
    ResultFigure,
    Sheet,
    number,
    styled,
    transmitter_color,
)
from neurosim.errors import ResultSchemaError
from neurosim.spec import Circuit

__all__ = ["circuit_figure", "results_circuit_figure"]

#: Of a panel, inches; the middle of each region on it, as part of its width (front to back) and height (down to up).
_WIDTH, _HEIGHT = 6.6, 4.9
_PLACES = {
    "mPFC": (0.09, 0.62),
    "DSt": (0.27, 0.83),
    "NAc": (0.25, 0.33),
    "VP": (0.34, 0.07),
    "GPe": (0.45, 0.73),
    "STN": (0.51, 0.44),
    "LHb": (0.60, 0.90),
    "VTA": (0.50, 0.22),
    "SNc": (0.65, 0.38),
    "SNr": (0.56, 0.60),
    "RMTg": (0.72, 0.07),
    "PPN": (0.73, 0.60),
    "DRN": (0.87, 0.78),
    "MRN": (0.87, 0.25),
    "LC": (0.89, 0.49),
    "HPC": (0.72, 0.93),
    "AMY": (0.15, 0.07),
    "HYP": (0.45, 0.03),
}
#: A population's box and its distance from the next of its region, inches.
_BOX, _STEP = (0.80, 0.25), 0.52
#: Widest and thinnest line, points.
_WIDEST, _THINNEST = 5.0, 0.5
#: Bends that are tried for an arrow, the least first.
_BENDS = (0.10, -0.10, 0.2, -0.2, 0.32, -0.32, 0.45, -0.45, 0.6, -0.6)
_WORDS = {1: "excites", -1: "inhibits", 0: "changes synapses or release"}
_WAYS = ("synapses", "receptors")


@dataclass(frozen=True)
class _Node:
    """A population's box: its middle, inches."""

    name: str
    x: float
    y: float
    color: str

    @property
    def middle(self) -> np.ndarray:
        return np.array([self.x, self.y])

    def edge(self, direction: np.ndarray, gap: float = 0.0) -> np.ndarray:
        """Where a ray from the middle leaves the box, ``gap`` inches further out."""
        direction = direction / np.hypot(*direction)
        half = np.array(_BOX) / 2
        with np.errstate(divide="ignore"):
            reach = np.min(half / np.abs(direction))
        return self.middle + (reach + gap) * direction

    def holds(self, points: np.ndarray, margin: float = 0.05) -> np.ndarray:
        return (np.abs(points - self.middle) <= np.array(_BOX) / 2 + margin).all(axis=1)


@styled
def circuit_figure(circuit: Circuit) -> ResultFigure:
    """A circuit at rest: who excites and inhibits whom, by synapses and by transmitters, and how strongly.

    Parameters
    ----------
    circuit : Circuit
        See :func:`neurosim.load_circuit`.

    Notes
    -----
    The width of an arrow is the mean current into one target cell at its threshold (:func:`influences`), with populations
    at the middle of their published rates and pools at the middle of their published concentrations; dashed where that
    is not known or the influence is no current.
    """
    return _figure(circuit, influences(circuit), "at the published resting rates and concentrations")


@styled
def results_circuit_figure(results, arm: str | None = None, phase: str | None = None, **axes) -> ResultFigure:
    """The circuit of some results, as :func:`circuit_figure`, at the rates and receptor activations that came out.

    Mean over subjects. The circuit is the one before the arm's lesions and ``set:``; of a lesioned population the currents
    are those of its surviving cells.

    Parameters
    ----------
    arm, phase : str, optional
        By default the reference.
    **axes
        Value on each scan axis; the first by default.
    """
    if not results.has_spikes:
        raise ResultSchemaError(f"circuit of {results.name}: it was run without spikes, so it has no rates")
    arm = known("arm", arm or results.reference[0], results.arms)
    phase = known("phase", phase or results.reference[1], results.phases)
    point = point_of(results, axes)
    circuit = results.circuit
    rates = _mean(results.summary["rates"]["firing_rate"], arm, phase, point, "population")
    activations = _mean(results.summary["receptors"]["activation"], arm, phase, point, "site")
    where = ", ".join([f"arm {spaced(arm)}", f"phase {phase}", subjects_text(results)])
    return _figure(circuit, influences(circuit, rates, activations), f"as simulated: {where}")


def _mean(values, arm: str, phase: str, point: Mapping[str, int], row: str) -> dict[str, float]:
    own = values.load().sel(arm=arm, phase=phase).isel(dict(point)).mean("subject")
    return dict(zip(own[row].values.tolist(), own.values.tolist(), strict=True))


def _figure(circuit: Circuit, found: Sequence[Influence], state: str) -> ResultFigure:
    ways = [way for way in _WAYS if any(influence.by == way for influence in found)] or ["synapses"]
    largest = max((abs(i.current) for i in found if math.isfinite(i.current)), default=0.0)
    handles = _handles(found, largest)
    width = _WIDTH * len(ways) + 0.3 * (len(ways) + 1)
    sheet = Sheet([(_HEIGHT, [1.0] * len(ways))], width, left=0.3, right=0.3, top=1.35, bottom=0.15, gap=0.3)
    n = sum(population.n for population in circuit.populations.values())
    sheet.text(0.2, 0.12, spaced(circuit.name), fontsize=13, fontweight="bold")
    words = f"{circuit.species}, {n} neuron{'s' * (n > 1)}, front of the brain on the left, {state}"
    sheet.text(0.2, 0.38, words, fontsize=8.5, color="#555555")
    what = "line width: mean current into one target cell at its threshold; dashed: no current, or of unknown size"
    if found:
        sheet.text(0.2, 0.55, what, fontsize=8.5, color="#555555")
    sheet.legend(0.78, handles)
    nodes = _nodes(circuit)
    for axes, way in zip(sheet.rows[0], ways, strict=True):
        _panel(axes, nodes, [i for i in found if i.by == way], largest)
        axes.set_title(_title(circuit, way, found))
    return sheet.figure


def _title(circuit: Circuit, way: str, found: Sequence[Influence]) -> str:
    if not found:
        return "No synapses, and no population releases a transmitter"
    if way == "synapses":
        return "Through synapses"
    sources = {circuit.populations[i.source].transmitter for i in found if i.by == way}
    names = dict.fromkeys(p.transmitter for p in circuit.populations.values() if p.transmitter in sources)
    return f"Through receptors: {', '.join(names)}"


def _handles(found: Sequence[Influence], largest: float) -> list[Line2D]:
    """Marks of the legend: the heads that occur, and currents from the largest down."""
    marks = {1: ">", -1: "|", 0: "o"}
    signs = [sign for sign in _WORDS if any(i.sign == sign for i in found)]
    handles = [
        Line2D([], [], marker=marks[s], color=SIGNS[s], ls="none", ms=7, mew=2 if s == -1 else 0, label=_WORDS[s])
        for s in signs
    ]
    for current in _samples(largest):
        text = f"{number(1e12 * current)} pA"
        handles.append(Line2D([], [], marker="_", color=INK, ls="none", ms=11, mew=_line(current, largest), label=text))
    return handles


def _samples(largest: float) -> list[float]:
    """Three round currents within the range that is drawn, A."""
    if largest <= 0:
        return []
    top = 10.0 ** math.floor(math.log10(largest * 1e12)) * 1e-12
    return [top, top / 10, top / 100]


def _line(current: float, largest: float) -> float:
    """Width of a line in points: its square grows with the current."""
    if not (math.isfinite(current) and largest > 0):
        return _THINNEST
    return max(_WIDEST * math.sqrt(abs(current) / largest), _THINNEST)


def _nodes(circuit: Circuit) -> dict[str, _Node]:
    """Every population at its place: of one region one above the other, unknown regions in a row at the bottom."""
    regions: dict[str, list[str]] = {}
    for name, population in circuit.populations.items():
        regions.setdefault(population.region, []).append(name)
    strange = [region for region in regions if region not in _PLACES]
    places = _PLACES | {region: ((k + 0.5) / len(strange), -0.14) for k, region in enumerate(strange)}
    nodes = {}
    for region, names in regions.items():
        x, y = places[region][0] * _WIDTH, places[region][1] * _HEIGHT
        for k, name in enumerate(names):
            color = transmitter_color(circuit.populations[name].transmitter)
            nodes[name] = _Node(name, x, y + _STEP * ((len(names) - 1) / 2 - k), color)
    return nodes


def _panel(axes: Axes, nodes: Mapping[str, _Node], found: Sequence[Influence], largest: float) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, _WIDTH)
    axes.set_ylim(min([0.0, *(node.y - 0.3 for node in nodes.values())]), _HEIGHT)
    axes.set_aspect("equal")
    busy = {name for influence in found for name in (influence.source, influence.target)}
    for node in nodes.values():
        _box(axes, node, is_pale=node.name not in busy)
    router = _Router(nodes)
    for influence in sorted(found, key=lambda i: -_line(i.current, largest)):
        curve = router.curve(influence.source, influence.target)
        _arrow(axes, curve, influence, _line(influence.current, largest))


def _box(axes: Axes, node: _Node, is_pale: bool) -> None:
    """A population; pale if nothing of a panel concerns it."""
    width, height = _BOX
    corner = (node.x - width / 2, node.y - height / 2)
    edge = tuple(0.35 * part + 0.65 for part in to_rgb(node.color)) if is_pale else node.color
    tint = tuple(0.12 * part + 0.88 for part in to_rgb(node.color))
    style = {"ec": edge, "fc": "white" if is_pale else tint, "lw": 1.1, "zorder": 5}
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.08", **style))
    color = MUTED if is_pale else INK
    axes.text(node.x, node.y, node.name, ha="center", va="center_baseline", fontsize=7.2, color=color, zorder=6)


class _Router:
    """Ways for arrows: through as few other boxes as their bends allow, and no two between the same boxes alike."""

    def __init__(self, nodes: Mapping[str, _Node]):
        self.nodes = nodes
        self._used: dict[frozenset[str], list[float]] = {}

    def curve(self, source: str, target: str) -> np.ndarray:
        """Control points (start, bend, end) of the next arrow between two populations."""
        pair = frozenset((source, target))
        used = self._used.setdefault(pair, [])
        start, end = self.nodes[source], self.nodes[target]
        if source == target:
            used.append(0.0)
            return _loop(start, len(used) - 1)
        if math.isclose(start.x, end.x) and math.isclose(abs(start.y - end.y), _STEP):
            used.append(0.0)
            return _short(start, end, len(used) - 1)
        # a bend to the left of an arrow is one to the right of its opposite
        side = 1 if source < target else -1
        bends = [bend for bend in _BENDS if not any(math.isclose(side * bend, other) for other in used)]
        others = [node for node in self.nodes.values() if node not in (start, end)]
        best = min(bends or _BENDS, key=lambda bend: _cost(_bent(start, end, bend), others) + 12 * abs(bend))
        used.append(side * best)
        return _bent(start, end, best)


def _cost(curve: np.ndarray, others: Sequence[_Node]) -> float:
    """Points of a curve that lie behind other boxes or beyond the panel."""
    points = _along(curve)
    beyond = ((points < 0) | (points > (_WIDTH, _HEIGHT))).any(axis=1).sum()
    return float(beyond + sum(node.holds(points).sum() for node in others))


def _bent(source: _Node, target: _Node, bend: float) -> np.ndarray:
    across = target.middle - source.middle
    control = (source.middle + target.middle) / 2 + bend * np.array([-across[1], across[0]])
    return np.array([source.edge(control - source.middle), control, target.edge(control - target.middle, gap=0.04)])


def _short(source: _Node, target: _Node, number_of_it: int) -> np.ndarray:
    """Straight from a box to the next above or below, each beside the one before."""
    up = math.copysign(1.0, target.y - source.y)
    x = source.x + (0.12, -0.12, 0.28, -0.28)[number_of_it % 4]
    low, high = source.y + up * _BOX[1] / 2, target.y - up * (_BOX[1] / 2 + 0.03)
    return np.array([[x, low], [x, (low + high) / 2], [x, high]])


def _loop(node: _Node, number_of_it: int) -> np.ndarray:
    """A bow over an end of a box, for what a population does to itself: right, left, then wider ones."""
    side = 1 if number_of_it % 2 == 0 else -1
    x = node.x + side * _BOX[0] / 2
    wide = 0.36 + 0.2 * (number_of_it // 2)
    return np.array([[x, node.y + 0.07], [x + side * wide, node.y], [x + side * 0.04, node.y - 0.07]])


def _along(curve: np.ndarray, n: int = 40) -> np.ndarray:
    t = np.linspace(0, 1, n)[:, None]
    return (1 - t) ** 2 * curve[0] + 2 * t * (1 - t) * curve[1] + t**2 * curve[2]


def _arrow(axes: Axes, curve: np.ndarray, influence: Influence, width: float) -> None:
    color = SIGNS[influence.sign]
    dashed = not math.isfinite(influence.current)
    line = _shortened(curve, 0.0 if influence.sign == -1 else 0.02 + 0.016 * width)
    path = Path(line, [Path.MOVETO, Path.CURVE3, Path.CURVE3])
    style = {"ls": (0, (2.5, 1.8))} if dashed else {"capstyle": "butt"}
    axes.add_patch(PathPatch(path, fc="none", ec=color, lw=width, alpha=0.85 if width > 1 else 0.65, zorder=3, **style))
    tip, back = curve[2], curve[2] - curve[1]
    back = back / np.hypot(*back)
    side = np.array([-back[1], back[0]])
    reach = 0.05 + 0.016 * width
    head = {"fc": color, "ec": color, "lw": 0.5, "zorder": 4}
    if influence.sign == 1:
        base = tip - 1.7 * reach * back
        axes.add_patch(Polygon([tip, base + reach * side, base - reach * side], **head))
    elif influence.sign == -1:
        ends = np.array([tip + 1.3 * reach * side, tip - 1.3 * reach * side])
        axes.plot(ends[:, 0], ends[:, 1], color=color, lw=1.4 + 0.25 * width, solid_capstyle="butt", zorder=4)
    else:
        axes.add_patch(Circle(tip - 0.6 * reach * back, 0.6 * reach, **head))


def _shortened(curve: np.ndarray, by: float) -> np.ndarray:
    """A curve that ends before its head does."""
    end = curve[2] - curve[1]
    return np.array([curve[0], curve[1], curve[2] - by * end / np.hypot(*end)])
