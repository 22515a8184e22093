"""Receptors, carriers, and what the names in the binding table stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from neurosim.errors import ReferenceDataError, nearest
from neurosim.reference.tables import find, index, number, positive, table

__all__ = [
    "Carrier",
    "Receptor",
    "Target",
    "carrier",
    "carrier_names",
    "cross_K_m",
    "ligand_of",
    "receptor",
    "receptor_names",
    "target",
    "transmitter_color",
    "transmitter_names",
]

#: The receptor table counts in ms.
_MS = 1e-3


@dataclass(frozen=True)
class Receptor:
    """A receptor of a modulator.

    Attributes
    ----------
    name : str
        IUPHAR name; D2S and D2L are the splice variants of D2.
    target : str
        The name under which drugs bind to it: D2 for the splice variants, else the name itself.
    ligand : str
        Its transmitter, a modulator of transmitters.csv.
    Ki_high, Ki_low : float, nM
        Affinity of the transmitter for the high- and low-affinity state; never used for function (MODEL §4).
        ``Ki_low`` may be None.
    EC_50 : float, nM
        Concentration of the transmitter for half of its maximal effect.
    K_func : float or None, nM
        Binding constant of the transmitter in living tissue where one is known; then it holds at every
        reserve and the EC_50 of a site is ``K_func / (1 + tau)``.
    tau_assay : float
        Reserve of the assays from which intrinsic efficacies come.
    constitutive : float
        Reserve of the receptor without ligand as a part of its reserve for the transmitter; 0 for most.
    onset_s, decay_s : float, s
        Time constants of activation.
    absent_in : tuple of str
        Species that have no such receptor.
    """

    name: str
    target: str
    ligand: str
    Ki_high: float
    Ki_low: float | None
    EC_50: float
    K_func: float | None
    tau_assay: float
    constitutive: float
    onset_s: float
    decay_s: float
    coupling: str
    net_effect: str
    role: str
    absent_in: tuple[str, ...]
    basis: str
    source: str
    url: str
    verified: str
    notes: str
    row: Mapping[str, str] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Target:
    """What a drug acts on. ``kind`` is what it is to the model: only receptors and carriers are simulated."""

    name: str
    kind: Literal["receptor", "carrier", "release", "store", "enzyme", "other"]
    note: str


@dataclass(frozen=True)
class Carrier:
    """A plasma membrane carrier; ``K_m`` (nM) by transmitter, its own substrate first."""

    name: str
    substrate: str
    K_m: Mapping[str, float]
    rows: tuple[Mapping[str, str], ...] = field(repr=False, compare=False)


def _receptor(row: Mapping[str, str]) -> Receptor:
    place = f"receptors.csv: {row['receptor']}"
    return Receptor(
        name=row["receptor"],
        target=row["target"],
        ligand=row["endogenous_ligand"],
        Ki_high=positive(row["Ki_high_nM"], place, "Ki_high_nM"),
        Ki_low=positive(row["Ki_low_nM"], place, "Ki_low_nM"),
        EC_50=positive(row["EC50_functional_nM"], place, "EC50_functional_nM"),
        K_func=positive(row["K_func_nM"], place, "K_func_nM"),
        tau_assay=number(row["tau_assay"]),
        constitutive=number(row["constitutive"]),
        onset_s=number(row["onset_ms"]) * _MS,
        decay_s=number(row["decay_ms"]) * _MS,
        coupling=row["coupling"],
        net_effect=row["net_effect"],
        role=row["auto_hetero_role"],
        absent_in=tuple(row["absent_in"].split()),
        basis=row["basis"],
        source=row["source"],
        url=row["url"],
        verified=row["verified"],
        notes=row["notes"],
        row=row,
    )


@cache
def _receptors() -> dict[str, Receptor]:
    return {row["receptor"]: _receptor(row) for row in table("receptors.csv")}


@cache
def _receptor_index() -> dict[str, Receptor]:
    aliases = [
        (row["name"], row["target"])
        for row in table("binding_targets.csv")
        if row["class"] == "receptor" and row["name"] not in _receptors()
    ]
    return index(_receptors(), aliases)


def receptor_names() -> tuple[str, ...]:
    """Names of all receptors."""
    return tuple(_receptors())


@cache
def receptor(name: str) -> Receptor:
    """A receptor by name.

    Raises
    ------
    ReferenceDataError
        If it is not in the table; the message names the nearest one.
    """
    return find(name, _receptor_index(), "receptor", receptor_names())


def ligand_of(name: str) -> str:
    """The transmitter of a receptor."""
    return receptor(name).ligand


@cache
def _targets() -> dict[str, Target]:
    rows = table("binding_targets.csv")
    return index({row["name"]: Target(row["target"], row["class"], row["note"]) for row in rows})


@cache
def target(name: str) -> Target:
    """What a name in the binding table stands for: ``D2L`` and ``D2/D3`` are the receptor D2.

    Raises
    ------
    ReferenceDataError
        If the name is not in the table of targets.
    """
    return find(name, _targets(), "target", [row["name"] for row in table("binding_targets.csv")])


@cache
def _carriers() -> dict[str, Carrier]:
    found = {}
    for row in table("carriers.csv"):
        found.setdefault(row["carrier"], []).append(row)
    return {
        name: Carrier(
            name,
            rows[0]["transmitter"],
            {row["transmitter"]: number(row["K_m_nM"]) for row in rows},
            tuple(rows),
        )
        for name, rows in found.items()
    }


@cache
def _carrier_index() -> dict[str, Carrier]:
    aliases = [
        (row["name"], row["target"])
        for row in table("binding_targets.csv")
        if row["class"] == "carrier" and row["name"] not in _carriers()
    ]
    return index(_carriers(), aliases)


def carrier_names() -> tuple[str, ...]:
    """Names of all plasma membrane carriers."""
    return tuple(_carriers())


@cache
def carrier(name: str) -> Carrier:
    """A carrier by name.

    Raises
    ------
    ReferenceDataError
        If it is not in the table; the message names the nearest one.
    """
    return find(name, _carrier_index(), "carrier", carrier_names())


def transmitter_names(role: str | None = None) -> tuple[str, ...]:
    """Names of transmitters in the order of their table.

    Parameters
    ----------
    role : str, optional
        ``modulator`` (has an extracellular pool, carriers, receptors) or ``fast`` (acts by synapses alone).
    """
    return tuple(row["transmitter"] for row in table("transmitters.csv") if role in (None, row["role"]))


def transmitter_color(name: str) -> str | None:
    """The colour in which figures show a transmitter, None if the table has no such transmitter."""
    return next((row["color"] for row in table("transmitters.csv") if row["transmitter"] == name), None)


@cache
def cross_K_m(name: str, transmitter: str) -> float:
    """K_m (nM) of a carrier for a transmitter, its own substrate or a foreign one.

    Raises
    ------
    ReferenceDataError
        If the table has no such pair.
    """
    found = carrier(name)
    if transmitter not in found.K_m:
        raise ReferenceDataError(
            f"carrier {found.name}: no K_m for {transmitter!r}; {nearest(transmitter, found.K_m)}"
        )
    return found.K_m[transmitter]
