"""Compartments of a drug and of what becomes of it, as one linear system with an exact solution.

A dose fills a depot or the central compartment; peripheral compartments exchange with it; what is eliminated
forms metabolites, each with compartments of its own; an effect site follows plasma at ke0. All of it is
x' = M x with no entry of M off the diagonal below 0, so x(t) = exp(M t) x(0) is exact, without a time step,
and sums of exponentials with equal rates (ka = k) need no case of their own. Time is s, amounts are mg/kg.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.pharmacology.parameters import Absorption, PKParameters

__all__ = ["CompartmentSystem", "MetaboliteNode", "compartment_system", "propagator"]

#: Largest norm of a step that the series sums; its order leaves less than the rounding of a double.
_STEP, _ORDER = 0.5, 14


def propagator(matrix: np.ndarray, t: np.ndarray) -> np.ndarray:
    """exp(matrix · t) by the Taylor series of a small step, squared.

    Parameters
    ----------
    matrix : ndarray, shape (n, n), 1/s
        No entry off the diagonal below 0.
    t : ndarray, shape (time,), s
        Not below 0.

    Returns
    -------
    ndarray, shape (time, n, n), dimensionless, not below 0

    Notes
    -----
    Squaring a matrix without negative entries cancels nothing, so every entry, however small, keeps a
    relative error of about 2^-52 · norm · t (a day of the fastest drug: 1e-14; a year between two doses: 1e-11).

    References
    ----------
    Moler & Van Loan 2003, SIAM Rev. 45:3, methods 1 and 3
    """
    norm = float(np.abs(matrix).sum(axis=0).max())
    halvings = np.ceil(np.log2(np.maximum(norm * t / _STEP, 1.0))).astype(int)
    step = matrix * (t / 2.0**halvings)[:, None, None]
    unit = np.eye(len(matrix))
    found = np.broadcast_to(unit, step.shape)
    for order in range(_ORDER, 0, -1):
        found = unit + step @ found / order
    found = np.maximum(found, 0.0)
    for level in range(int(halvings.max(initial=0))):
        rest = halvings > level
        found[rest] = found[rest] @ found[rest]
    return found


@dataclass(frozen=True)
class MetaboliteNode:
    """A metabolite with the molar parts that form it (see :class:`~neurosim.reference.Metabolite`)."""

    parameters: PKParameters
    fraction: float
    first_pass: float
    children: tuple[MetaboliteNode, ...] = ()


@dataclass(frozen=True)
class CompartmentSystem:
    """A drug by a route with its metabolites.

    Attributes
    ----------
    matrix : ndarray, shape (compartment, compartment), 1/s
        The last compartment is the pump: what it holds it gives for ever.
    bolus, pump : ndarray, shape (compartment,)
        What 1 mg/kg given at once fills; what a pump holds that gives 1 mg/kg/s.
    plasma, brain : dict
        Ligand → row that turns amounts into mg/L in plasma, and into nM free in the brain.
    """

    matrix: np.ndarray
    bolus: np.ndarray
    pump: np.ndarray
    plasma: dict[str, np.ndarray]
    brain: dict[str, np.ndarray]

    @property
    def body(self) -> np.ndarray:
        """The matrix without the pump."""
        return self.matrix[:-1, :-1]

    def ever_after(self, amounts: np.ndarray) -> np.ndarray:
        """Integral of the amounts from now to infinity if nothing more is given, shape (compartment - 1,)."""
        return np.linalg.solve(-self.body, amounts[:-1])

    def feeding(self, row: np.ndarray) -> np.ndarray:
        """Which compartments a reading depends on, at once or later."""
        found = row[:-1] != 0
        while True:
            more = found | (self.body[found] != 0).any(axis=0)
            if (more == found).all():
                return found
            found = more


class _Builder:
    """Collects compartments one at a time; index → flows."""

    def __init__(self) -> None:
        self.flows: list[tuple[int, int, float]] = []
        self.losses: list[tuple[int, float]] = []
        self.plasma: dict[str, list[tuple[int, float]]] = {}
        self.brain: dict[str, list[tuple[int, float]]] = {}
        self.n = 0

    def new(self) -> int:
        self.n += 1
        return self.n - 1

    def ligand(self, parameters: PKParameters) -> int:
        """Compartments and readings of a ligand; the index of the central one."""
        central = self.new()
        self.losses.append((central, parameters.CL / parameters.V))
        for volume, flow in parameters.peripheral:
            outer = self.new()
            self.losses += [(central, flow / parameters.V), (outer, flow / volume)]
            self.flows += [(outer, central, flow / parameters.V), (central, outer, flow / volume)]
        reading, scale = central, parameters.brain_per_plasma / parameters.V
        self.plasma.setdefault(parameters.drug, []).append((central, 1.0 / parameters.V))
        if parameters.ke0 is not None:
            # The site holds a concentration (mg/L): it takes nothing from the body.
            reading, scale = self.new(), parameters.brain_per_plasma
            self.losses.append((reading, parameters.ke0))
            self.flows.append((reading, central, parameters.ke0 / parameters.V))
        self.brain.setdefault(parameters.drug, []).append((reading, scale))
        return central

    def metabolites(
        self,
        parent: PKParameters,
        source: int,
        depot: tuple[int, float] | None,
        nodes: Sequence[MetaboliteNode],
    ) -> None:
        """Metabolites fed by elimination from ``source`` and by what ``depot`` (index, rate) loses."""
        for node in nodes:
            central = self.ligand(node.parameters)
            mass = node.parameters.molar_mass / parent.molar_mass
            self.flows.append((central, source, node.fraction * mass * parent.CL / parent.V))
            if depot is not None:
                self.flows.append((central, depot[0], node.first_pass * mass * depot[1]))
            self.metabolites(node.parameters, central, None, node.children)

    def row(self, entries: Sequence[tuple[int, float]]) -> np.ndarray:
        found = np.zeros(self.n + 1)
        for index, value in entries:
            found[index] += value
        return found


def compartment_system(
    parameters: PKParameters, way: Absorption, metabolites: Sequence[MetaboliteNode] = ()
) -> CompartmentSystem:
    """The system of a drug by a route.

    Parameters
    ----------
    way : Absorption
        What a portal route loses, 1 - F, feeds metabolites by their ``first_pass``, as fast as the rest is
        absorbed.
    """
    builder = _Builder()
    depot = None if way.ka is None else builder.new()
    central = builder.ligand(parameters)
    lost = None
    if depot is not None:
        builder.losses.append((depot, way.ka))
        builder.flows.append((central, depot, way.ka * way.F))
        if way.is_portal:
            lost = (depot, way.ka * max(1.0 - way.F, 0.0))
    builder.metabolites(parameters, central, lost, metabolites)
    matrix = np.zeros((builder.n + 1, builder.n + 1))
    for index, rate in builder.losses:
        matrix[index, index] -= rate
    for into, out_of, rate in builder.flows:
        matrix[into, out_of] += rate
    bolus = builder.row([(central, way.F) if depot is None else (depot, 1.0)])
    # The pump is emptied as fast as the fastest compartment: rates of one size keep the propagator accurate.
    fastest = float(np.abs(matrix).max())
    matrix[:, -1] = fastest * bolus
    pump = np.zeros_like(bolus)
    pump[-1] = 1.0 / fastest
    return CompartmentSystem(
        matrix,
        bolus,
        pump,
        {name: builder.row(entries) for name, entries in builder.plasma.items()},
        {name: builder.row(entries) for name, entries in builder.brain.items()},
    )
