"""How figures look, in one place: colours that colour-blind readers can tell apart, sizes, ticks, saving."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from neurosim import reference
from neurosim.errors import ResultSchemaError, nearest
from neurosim.recording.whole import whole_file

__all__ = [
    "BAND",
    "INK",
    "MUTED",
    "SIGNS",
    "ResultFigure",
    "Sheet",
    "arm_colors",
    "label_space",
    "legend_height",
    "line_colors",
    "log_tick_values",
    "log_ticks",
    "number",
    "save_figure",
    "shades",
    "styled",
    "transmitter_color",
]

INK = "#222222"
MUTED = "#8a8a8a"
#: What stands behind: a published band, a recorded stretch.
BAND = "#c9d3dc"

# Okabe & Ito and two violets: distinct for all common kinds of colour vision (tests/unit/test_plot_colors.py); the
# reference arm is always black. Their red and blue come last, since those stand for the transmitters.
_ARMS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#7F3C8D", "#4B2FB4", "#D55E00", "#0072B2")

#: Of what raises, lowers, and only modulates.
SIGNS = {1: "#3c7a3e", -1: "#6b4a8c", 0: "#6f6f6f"}

_STYLE = {
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.edgecolor": "#666666",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "savefig.dpi": 150,
    "figure.dpi": 110,
}


class ResultFigure(Figure):
    """A figure that notebooks show as it is, whether or not pyplot was imported."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def styled(function: Callable) -> Callable:
    """Draw in the house style without touching the caller's Matplotlib settings."""

    @wraps(function)
    def inner(*args, **kwargs):
        with matplotlib.rc_context():
            matplotlib.rcParams.update({**_STYLE})
            return function(*args, **kwargs)

    return inner


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure, whole or not at all; the ending of the name says in which format.

    Parameters
    ----------
    figure : Figure
    path : path
        Ending in ``.png``, ``.pdf``, ``.svg`` or another that Matplotlib knows.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ResultSchemaError
        No format has that ending, the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    formats = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in formats:
        raise ResultSchemaError(
            f"cannot write {path}: its ending is no format of a figure; {nearest(path.suffix[1:], formats)}"
        )
    with whole_file(path) as temporary:
        kind = path.suffix[1:].lower()
        # two thirds of the time of Pillow's own level, for a fifth more bytes
        options = {"pil_kwargs": {"compress_level": 3}} if kind == "png" else {}
        figure.savefig(temporary, format=kind, dpi=_STYLE["savefig.dpi"], **options)
    return path


def arm_colors(arms: Sequence[str], reference: str) -> dict[str, str]:
    """A colour for each arm, by its order in the experiment, so that all figures of it agree."""
    others = [arm for arm in arms if arm != reference]
    return {reference: "#000000"} | {arm: _ARMS[k % len(_ARMS)] for k, arm in enumerate(others)}


def line_colors(names: Sequence[str]) -> dict[str, str]:
    """A colour for each line of a panel whose lines are labelled."""
    return {name: _ARMS[k % len(_ARMS)] for k, name in enumerate(names)}


def transmitter_color(transmitter: str) -> str:
    return reference.transmitter_color(transmitter) or MUTED


#: From none to all in CIELAB (L*, a*, b*; white D65): the lighter the less, so that any colour vision reads it.
_SHADES = ((97.0, 0.0, 0.0), (64.0, -24.0, -14.0), (24.0, -12.0, -22.0))
#: Linear sRGB from XYZ (IEC 61966-2-1), and the white it is for.
_FROM_XYZ = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_WHITE = (0.95047, 1.0, 1.08883)


def shades(n: int = 256) -> ListedColormap:
    """A sequential map whose neighbours are equally far apart in CIELAB, white for none."""
    corners = np.array(_SHADES)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    places = np.linspace(0.0, lengths[-1], n)
    return ListedColormap(_srgb(np.stack([np.interp(places, lengths, part) for part in corners.T], axis=1)), "shades")


def _srgb(lab: np.ndarray) -> np.ndarray:
    """sRGB of CIELAB colours, shape (n, 3)."""
    y = (lab[:, 0] + 16.0) / 116.0
    f = np.stack([y + lab[:, 1] / 500.0, y, y - lab[:, 2] / 200.0], axis=1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _WHITE
    linear = np.clip(xyz @ _FROM_XYZ.T, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def number(value: float) -> str:
    """A tick label: as few digits as say it."""
    return f"{value:g}" if abs(value) < 1e5 else f"{value:.0e}"


_LADDERS = (
    (1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 3, 5, 7),
    (1, 2, 5),
    (1, 3),
    (1,),
)
_MOST_TICKS = 5


def log_tick_values(low: float, high: float) -> list[float]:
    """Places on a logarithmic axis that get a number: at most five, as round as the range allows."""
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for ladder in _LADDERS:
        ticks = np.outer(decades, ladder).ravel()
        ticks = ticks[(ticks >= low * 0.999) & (ticks <= high * 1.001)]
        if ticks.size <= _MOST_TICKS:
            break
    return ticks[:: int(np.ceil(ticks.size / _MOST_TICKS)) or 1].tolist()


def log_ticks(axis, low: float, high: float) -> None:
    """Plain numbers on a logarithmic axis, see :func:`log_tick_values`."""
    axis.set_major_locator(FixedLocator(log_tick_values(low, high)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


class Sheet:
    """A figure laid out in inches, rows of panels from the top down; sizes do not depend on what is drawn.

    Parameters
    ----------
    rows : sequence of (height in inches, relative widths of the panels)
    width : float, inches
    left, right, top, bottom : float, inches
        Margins; ``left`` is also the space to the left of every row.
    gap : float, inches
        Between panels.
    row_gap : float or sequence of float, inches
        Between rows, all alike or each its own.
    """

    def __init__(self, rows, width, left=1.0, right=0.25, top=0.9, bottom=0.5, gap=0.35, row_gap=0.85):
        gaps = np.broadcast_to(row_gap, len(rows) - 1)
        height = top + bottom + sum(h for h, _ in rows) + gaps.sum()
        self.figure = ResultFigure(figsize=(width, height))
        self.rows: list[list] = []
        y = height - top
        for (row_height, widths), below in zip(rows, [*gaps, 0.0], strict=True):
            y -= row_height
            unit = (width - left - right - gap * (len(widths) - 1)) / sum(widths)
            x, panels = left, []
            for relative in widths:
                place = (x / width, y / height, relative * unit / width, row_height / height)
                panels.append(self.figure.add_axes(place))
                x += relative * unit + gap
            self.rows.append(panels)
            y -= below

    def text(self, x: float, y: float, words: str, **style) -> None:
        """Words at x inches from the left (from the right if negative) and y inches from the top."""
        width, height = self.figure.get_size_inches()
        ha = "right" if x < 0 else "left"
        self.figure.text((x % width) / width, 1 - y / height, words, ha=ha, va="top", **style)

    def legend(self, y: float, handles: Sequence[Line2D]) -> None:
        """Marks and their names from left to right, y inches from the top, in as many lines as they need."""
        width, height = self.figure.get_size_inches()
        for handle, (x, line) in zip(handles, _flow(handles, width), strict=True):
            across, up = x / width, 1 - (y + _LEGEND_LINE * (line + 0.5)) / height
            handle.set_transform(self.figure.transFigure)
            handle.set_data([across], [up])
            self.figure.add_artist(handle)
            self.figure.text(
                across + 0.12 / width, up, handle.get_label(), va="center_baseline", fontsize=8.5
            )


_LEGEND_LINE = 0.2


def _flow(handles: Sequence[Line2D], width: float) -> list[tuple[float, int]]:
    """Place of each mark: inches from the left, and line."""
    places, x, line = [], 0.2, 0
    for handle in handles:
        needed = 0.42 + 0.068 * len(handle.get_label())
        if x > 0.2 and x + needed > width - 0.1:
            x, line = 0.2, line + 1
        places.append((x, line))
        x += needed
    return places


def legend_height(handles: Sequence[Line2D], width: float) -> float:
    """Inches that a legend takes on a sheet of a width."""
    return _LEGEND_LINE * (1 + max((line for _, line in _flow(handles, width)), default=-1))


def label_space(names: Sequence[str]) -> float:
    """Inches that the longest of some tick labels takes."""
    return 0.25 + 0.072 * max((len(name) for name in names), default=0)
