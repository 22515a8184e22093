"""Cells of one population that bear different receptors.

A site may sit on a part of the cells of its population (``share``). Which cells bear it is drawn per subject, for each site
apart or in one draw for those that lie on the same cells (``along_with``). A class is all cells of a population that bear the
same sites; what a site does goes to the classes that bear it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.build.streams import stream
from neurosim.spec import Circuit, Site

__all__ = ["CellClasses", "bearers", "cell_classes", "classes_of_cells"]


@dataclass(frozen=True)
class CellClasses:
    """The classes of one population.

    Attributes
    ----------
    first : int
        Number of the first class.
    partial : tuple of str
        Sites that only a part of the cells bears. Class ``first + k`` bears those whose bit is set in k.
    """

    first: int
    partial: tuple[str, ...]

    @property
    def n(self) -> int:
        return 2 ** len(self.partial)

    def bearing(self, site: str) -> list[int]:
        """Numbers of the classes whose cells bear a site of this population."""
        bit = 1 << self.partial.index(site) if site in self.partial else 0
        return [self.first + k for k in range(self.n) if k & bit == bit]


def cell_classes(circuit: Circuit) -> dict[str, CellClasses]:
    """Classes by population, in the order of the circuit file; what is counted is the structure, no number of it."""
    found, first = {}, 0
    for population in circuit.populations:
        partial = (name for name, site in circuit.sites.items() if site.on == population and site.share is not None)
        found[population] = CellClasses(first, tuple(partial))
        first += found[population].n
    return found


def bearers(name: str, site: Site, n: int, seed: int, subject: int) -> np.ndarray:
    """Mask of the cells of a population that bear a site, shape (n,), bool; a larger share of one subject holds the smaller."""
    borne = np.ones(n, dtype=bool)
    if site.share is not None:
        order = stream(seed, subject, f"site:{site.along_with or name}").permutation(n)
        borne[order[int(round(float(site.share.value) * n)) :]] = False
    return borne


def classes_of_cells(circuit: Circuit, classes: CellClasses, n: int, seed: int, subject: int) -> np.ndarray:
    """Class of every cell of a population, shape (n,), int32."""
    own = np.full(n, classes.first, dtype=np.int32)
    for place, name in enumerate(classes.partial):
        own += bearers(name, circuit.sites[name], n, seed, subject).astype(np.int32) << place
    return own
