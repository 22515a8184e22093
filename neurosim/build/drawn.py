"""What chance says of a subject: the same in all its arms and at all points of a scan, so it is drawn once.

A process keeps what it drew as long as there is room. Trials of one subject then hold the very same arrays, which whoever
looks at them again may know by that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from neurosim.build.layout import Layout
from neurosim.build.plan import Wiring
from neurosim.build.subject import draw_cells, draw_wiring
from neurosim.spec import Circuit

__all__ = ["Drawn", "drawn", "forget_drawn"]

#: Bytes that a process keeps at most, and scales of a group for which it keeps the synapses: without drugs and with some.
_ROOM = 64_000_000
_SCALES = 2

_KEPT: OrderedDict[tuple, Drawn] = OrderedDict()


@dataclass(frozen=True, eq=False)
class Drawn:
    """One healthy subject of a circuit. Its arrays are not to be written to.

    Parameters
    ----------
    layout : Layout
    circuit : Circuit
    seed, subject : int
    dt : float, s
    """

    layout: Layout
    circuit: Circuit
    seed: int
    subject: int
    dt: float
    _scaled: dict[str, OrderedDict[tuple[float, ...], Wiring]] = field(default_factory=dict, repr=False)

    @cached_property
    def cells(self) -> dict[str, np.ndarray]:
        """As :func:`~neurosim.build.subject.draw_cells` gives them."""
        return _locked(draw_cells(self.circuit, self.seed, self.subject))

    @cached_property
    def _synapses(self) -> dict[str, dict[str, np.ndarray]]:
        """Columns of the synapses by group, in the order in which the engines lay them out, and each one's projection."""
        found = {}
        for group, names in self.layout.groups.items():
            parts = [self._projection(name) for name in names]
            columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
            columns["projection"] = np.repeat(np.arange(len(names), dtype=np.int32), [len(part["pre"]) for part in parts])
            order = np.lexsort((columns["delay"], columns["pre"]))
            found[group] = _locked({key: column[order] for key, column in columns.items()})
        return found

    def _projection(self, name: str) -> dict[str, np.ndarray]:
        cells, projection = self.layout.cells, self.circuit.projections[name]
        return draw_wiring(name, projection, cells[projection.pre], cells[projection.post], self.seed, self.subject, self.dt)

    def wiring(self, group: str, scales: tuple[float, ...]) -> Wiring:
        """Synapses of a group, its projections' weights times ``scales``; asked again, the same object."""
        kept = self._scaled.setdefault(group, OrderedDict())
        if scales not in kept:
            columns = dict(self._synapses[group])
            weight = columns["weight"] * np.array(scales)[columns.pop("projection")]
            kept[scales] = Wiring(**columns | _locked({"weight": weight}))
        kept.move_to_end(scales)
        while len(kept) > _SCALES:
            kept.popitem(last=False)
        return kept[scales]

    @property
    def size(self) -> int:
        """Bytes that are taken or will be."""
        n = sum(group.n for group in self.layout.structure.synapses)
        columns = sum(array.nbytes for group in self._synapses.values() for array in group.values())
        return columns + 8 * _SCALES * n + sum(array.nbytes for array in self.cells.values())


def _locked(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    for array in columns.values():
        array.flags.writeable = False
    return dict(columns)


def drawn(layout: Layout, circuit: Circuit, seed: int, subject: int, dt: float) -> Drawn:
    """A subject of a circuit, drawn anew where this process does not have it any more.

    Parameters
    ----------
    layout : Layout
        Of ``circuit``.
    circuit : Circuit
        The very object: one that only says the same is another.
    seed, subject : int
    dt : float, s
    """
    key = (id(circuit), seed, subject, dt)
    if key not in _KEPT:
        # it holds its circuit, whose id is then nobody else's
        _KEPT[key] = Drawn(layout, circuit, seed, subject, dt)
    _KEPT.move_to_end(key)
    found = _KEPT[key]
    while len(_KEPT) > 1 and sum(one.size for one in _KEPT.values()) > _ROOM:
        _KEPT.popitem(last=False)
    return found


def forget_drawn() -> None:
    """Give the memory back."""
    _KEPT.clear()
