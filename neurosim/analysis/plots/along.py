"""What lies along x in figures of scans: a scan axis, or one of those that go together along ``point``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurosim.analysis.plots.common import axis_label, axis_scale, known, spaced
from neurosim.analysis.plots.style import label_space, log_ticks, number
from neurosim.analysis.summary import Axis
from neurosim.errors import ResultSchemaError

__all__ = ["Along", "Places", "along", "places_of", "scattered"]

#: Axes beside the one that is drawn over that a label names, at most.
_MOST_NAMED = 2
#: Tick texts below a panel, at most; more than some few are slanted.
_MOST_TEXTS, _MOST_LEVEL = 12, 4
#: Of more values that go together with others, quartiles say how they are spread: drawn points lie as they like.
_MOST_EXACT = 5


@dataclass(frozen=True)
class Along:
    """An axis that readouts are drawn over.

    Attributes
    ----------
    dim : str
        Dimension of the results.
    axis : Axis
        Whose values are x: that dimension itself, or one of the axes that go along ``point``.
    order : ndarray of int, shape (point,)
        In which the points of the dimension are drawn.
    is_curve : bool
        Whether a line through them means something: not where axes that go together are in no common order.
    beside : tuple of str
        Other axes that rise or fall with it.
    """

    dim: str
    axis: Axis
    order: np.ndarray
    is_curve: bool
    beside: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name and unit, and what goes along."""
        names = [spaced(name) for name in self.beside[:_MOST_NAMED]]
        more = [f"{len(self.beside) - len(names)} more"] if len(self.beside) > len(names) else []
        return axis_label(self.axis) + (f", with {', '.join(names + more)}" if names else "")


@dataclass(frozen=True)
class Places:
    """Where values lie on x.

    Attributes
    ----------
    x : ndarray, shape (point,)
    scale : str
        ``linear``, ``log`` or ``steps``: evenly spaced values that say what they are.
    texts : tuple of str
        Of the places 0, 1, 2, … with ``steps``.
    """

    x: np.ndarray
    scale: Literal["linear", "log", "steps"]
    texts: tuple[str, ...] = ()

    @property
    def _ticks(self) -> list[int]:
        return list(range(0, len(self.texts), -(-len(self.texts) // _MOST_TEXTS) or 1))

    @property
    def lean(self) -> float:
        """Inches that slanted texts take more than level ones, downwards and to the left."""
        ticks = self._ticks
        return 0.5 * label_space([self.texts[k] for k in ticks]) if len(ticks) > _MOST_LEVEL else 0.0

    def apply(self, axes) -> None:
        """Scale and ticks of the x axis of a panel."""
        if self.scale == "log":
            axes.set_xscale("log")
            log_ticks(axes.xaxis, self.x.min(), self.x.max())
        elif self.scale == "steps":
            words, many = [self.texts[k] for k in self._ticks], len(self._ticks) > _MOST_LEVEL
            axes.set_xticks(self._ticks, words, rotation=30 if many else 0, ha="right" if many else "center")


def along(results, name: str | None = None) -> Along:
    """The scan axis of a name, by default the first; ``point`` is the first of its axes if they share an order.

    Raises
    ------
    ResultSchemaError
        No such axis, or ``point`` whose axes are in no common order.
    """
    dims = {own.name: dim for dim, axis in results.axes.items() for own in axis.members or (axis,)}
    if name in results.axes and results.axes[name].members:
        members = results.axes[name].members
        if not _share_an_order(members):
            raise ResultSchemaError(
                f"figure: {name!r} of {results.name} is the number of a point, which nothing can be drawn over; "
                f"allowed: {', '.join(dims)}, e.g. axis={members[0].name!r}"
            )
        name = members[0].name
    name = known("scan axis", name or next(iter(dims)), list(dims))
    axis = results.axes[dims[name]]
    if not axis.members:
        return Along(name, axis, np.arange(len(axis.values)), True)
    own = next(member for member in axis.members if member.name == name)
    if not _share_an_order(axis.members):
        return Along(dims[name], own, np.arange(len(own.values)), False)
    beside = tuple(member.name for member in axis.members if member is not own)
    return Along(dims[name], own, np.argsort(_ranks(own), kind="stable"), True, beside)


def scattered(results) -> str | None:
    """The dimension whose axes go together in no common order, so that no line through its points means anything."""
    return next(
        (dim for dim, axis in results.axes.items() if axis.members and not _share_an_order(axis.members)),
        None,
    )


def _share_an_order(members: Sequence[Axis]) -> bool:
    """Whether all axes rise or fall with the first, and stay where it stays."""
    ranks = [_ranks(member) for member in members]
    order = np.argsort(ranks[0], kind="stable")
    steps = np.diff([own[order] for own in ranks], axis=1)
    still = steps[0] == 0
    return all(((own > 0) == ~still).all() or ((own < 0) == ~still).all() for own in steps)


def _ranks(axis: Axis) -> np.ndarray:
    """Place of each value among the different ones: numbers by size, texts as they first appear."""
    if any(isinstance(value, str) for value in axis.values):
        place = {text: k for k, text in enumerate(dict.fromkeys(axis.values))}
        return np.array([place[value] for value in axis.values])
    return np.unique(axis.values, return_inverse=True)[1]


def places_of(along: Along) -> Places:
    """Places of the points of an axis in the order in which they are drawn."""
    axis, order, in_dim = along.axis, along.order, along.axis.name == along.dim
    has_texts = any(isinstance(value, str) for value in axis.values)
    scale = "steps" if has_texts else axis_scale(axis.values if in_dim else _sketch(axis.values))
    if scale != "steps":
        return Places(np.array(axis.values, float)[order], scale)
    texts = [value if has_texts else number(value) for value in axis.values]
    if in_dim:
        return Places(np.arange(len(texts), dtype=float), scale, tuple(texts))
    ranks = _ranks(axis)
    text_of = dict(zip(ranks.tolist(), texts, strict=True))
    return Places(ranks[order].astype(float), scale, tuple(text_of[k] for k in range(len(text_of))))


def _sketch(values: Sequence[float]) -> np.ndarray:
    """A few values that are spread as all are."""
    different = np.unique(values)
    return (
        different if different.size <= _MOST_EXACT else np.quantile(different, np.linspace(0, 1, _MOST_EXACT))
    )
