"""The free values of a circuit: where they stand, what they are, how they are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from neurosim.errors import SpecError, nearest
from neurosim.spec import Circuit, plain
from neurosim.spec._paths import parse_path
from neurosim.units import Quantity

__all__ = ["Values", "expand"]

_DIGITS = 4


def _children(node) -> dict[str, object]:
    if isinstance(node, Mapping):
        return dict(node)
    if isinstance(node, list | tuple):
        return {str(index): item for index, item in enumerate(node)}
    return {}


def expand(circuit: Circuit, path: str) -> list[str]:
    """Every single path that a path with ``*`` stands for.

    Raises
    ------
    SpecError
        If it stands for none.
    """
    found = [([], plain(circuit))]
    for segment in parse_path(path):
        step = []
        for words, node in found:
            children = _children(node)
            chosen = (
                children
                if segment == "*"
                else {str(segment): children[str(segment)]}
                if str(segment) in children
                else {}
            )
            step += [([*words, name], child) for name, child in chosen.items()]
        if not step:
            names = sorted({name for _, node in found for name in _children(node)})
            raise SpecError(
                f"calibration: '{path}' matches nothing at '{segment}'; {nearest(str(segment), names)}"
            )
        found = step
    return [".".join(words) for words, _ in found]


def _sourced(circuit: Circuit, path: str):
    node = circuit
    for segment in path.split("."):
        if isinstance(node, Mapping):
            node = node[segment]
        elif isinstance(node, list | tuple):
            node = node[int(segment)]
        else:
            node = getattr(node, segment)
    return node


@dataclass
class Values:
    """Free values of a circuit by path, in internal units, each with the dimension of the number it replaces."""

    circuit: Circuit
    numbers: dict[str, float] = field(default_factory=dict)
    quantities: dict[str, Quantity] = field(default_factory=dict)

    def add(self, paths: Iterable[str]) -> list[str]:
        """Make values free; those that are free already keep their number. Returns the single paths."""
        added = [single for path in paths for single in expand(self.circuit, path)]
        for path in added:
            if path not in self.numbers:
                node = _sourced(self.circuit, path)
                quantity = node if isinstance(node, Quantity) else node.value
                self.quantities[path] = quantity
                self.numbers[path] = float(quantity)
        return added

    def text(self, path: str) -> str:
        """The value as a file says it, in the unit it was written in."""
        return _written(self.numbers[path], self.quantities[path])

    def as_set(self) -> dict[str, str]:
        """All free values as an arm's ``set:``."""
        return {path: self.text(path) for path in self.numbers}

    def scale(self, paths: Iterable[str], factor: float) -> None:
        """Multiply values."""
        for path in paths:
            self.numbers[path] *= factor

    def shift(self, path: str, by: float) -> None:
        """Add to a value."""
        self.numbers[path] += by


def _written(number: float, like: Quantity) -> str:
    """A number in the unit of another quantity, to four digits."""
    words = like.text.split(maxsplit=1)
    scale = float(like) / float(words[0]) if float(words[0]) else 1.0
    written = number / scale
    digits = max(0, _DIGITS - 1 - math.floor(math.log10(abs(written)))) if written else 0
    return " ".join([f"{written:.{digits}f}", *words[1:]])
