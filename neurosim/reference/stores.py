"""How a terminal makes, stores, loses and breaks down transmitter, and what happens to a protein that a drug destroys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from neurosim.errors import ReferenceDataError, nearest
from neurosim.reference.drugs import drug
from neurosim.reference.tables import number, table

__all__ = [
    "Inactivation",
    "StoreConstants",
    "SynthesisStep",
    "enzyme_shares",
    "inactivation",
    "precursor_of",
    "protein_half_life",
    "rate_limiting_step",
    "store_constants",
    "synthesis_steps",
]

_HOUR, _MINUTE = 3600.0, 60.0
#: Who lends the renewal of a protein to a species without a row.
_LENDER = "rat"


@dataclass(frozen=True)
class StoreConstants:
    """A vesicle store in units of its own size and of the carrier that empties it (stores.csv).

    Attributes
    ----------
    cytosolic_fraction : float
        Transmitter in the cytosol over that in vesicles at rest, S_0/Q_0.
    leak, turnover : float, 1/s
        Out of the vesicle back into the cytosol; lost for good and made anew, over the whole store.
    efflux_leak : float
        a_0: how far the carrier runs outward without any drug, beside a = C/EC_50.
    efflux_capacity : float
        Efflux through carriers that all run outwards, from the cytosol at rest, over the V_max of uptake.
    efflux_K_S : float
        Cytosolic transmitter of half the largest efflux, over S_0.
    filling_max : float
        Most that a vesicle can hold, over Q_0.
    silent_share : float
        Part of what a terminal gives off at rest that needs no spikes and is not stopped by uptake blockers.
    extracellular_fraction : float
        Turns a content of tissue into nM of extracellular space.
    """

    cytosolic_fraction: float
    leak: float
    turnover: float
    efflux_leak: float
    efflux_capacity: float
    efflux_K_S: float
    filling_max: float
    silent_share: float
    extracellular_fraction: float


@dataclass(frozen=True)
class SynthesisStep:
    """A step on the way to a transmitter: enzyme, substrate, K_m and the substrate's level at rest (nM)."""

    transmitter: str
    enzyme: str
    substrate: str
    K_m: float
    level: float


@dataclass(frozen=True)
class Inactivation:
    """Irreversible inhibition: the enzyme is lost at the rate k_inact C/(C + K_I); 1/s, nM."""

    k_inact: float
    K_I: float


@cache
def store_constants(transmitter: str) -> StoreConstants:
    """Constants of the stores of a transmitter.

    Raises
    ------
    ReferenceDataError
        If stores.csv does not have them.
    """
    rows = {row["parameter"]: row for row in table("stores.csv") if row["transmitter"] == transmitter}
    values = {}
    for name in StoreConstants.__dataclass_fields__:
        if name not in rows:
            raise ReferenceDataError(f"stores.csv has no {name} for {transmitter!r}; {nearest(name, rows)}")
        value = number(rows[name]["value"])
        values[name] = value / _HOUR if rows[name]["unit"] == "1/h" else value
    return StoreConstants(**values)


@cache
def enzyme_shares(transmitter: str, place: str) -> Mapping[str, float]:
    """Enzyme → its part of what breaks a transmitter down, in a ``terminal`` or ``outside``; the rest needs none."""
    return {
        row["enzyme"]: number(row["share"])
        for row in table("enzyme_shares.csv")
        if (row["transmitter"], row["place"]) == (transmitter, place)
    }


@cache
def synthesis_steps(transmitter: str) -> tuple[SynthesisStep, ...]:
    """Steps of synthesis; the first is the one that limits it."""
    return tuple(
        SynthesisStep(
            row["transmitter"],
            row["enzyme"],
            row["substrate"],
            number(row["K_m_nM"]),
            number(row["substrate_level_nM"]),
        )
        for row in table("synthesis.csv")
        if row["transmitter"] == transmitter
    )


def rate_limiting_step(transmitter: str) -> SynthesisStep:
    """The first step of synthesis.

    Raises
    ------
    ReferenceDataError
        If synthesis.csv has no step for the transmitter.
    """
    steps = synthesis_steps(transmitter)
    if not steps:
        raise ReferenceDataError(f"synthesis.csv has no step for the transmitter {transmitter!r}")
    return steps[0]


@cache
def precursor_of(name: str) -> tuple[SynthesisStep, ...]:
    """The steps of which a drug is the substrate, one per transmitter; empty if it is none."""
    canonical = drug(name).name
    return tuple(
        step
        for transmitter in dict.fromkeys(row["transmitter"] for row in table("synthesis.csv"))
        for step in synthesis_steps(transmitter)
        if _is_drug(step.substrate, canonical)
    )


def _is_drug(substrate: str, canonical: str) -> bool:
    try:
        return drug(substrate).name == canonical
    except ReferenceDataError:
        return False  # an amino acid that nobody gives as a drug


@cache
def inactivation(name: str, target: str) -> Inactivation | None:
    """Constants of an irreversible inhibitor at an enzyme or vesicular carrier, or None."""
    for row in table("inactivation.csv"):
        if (row["drug"], row["target"]) == (name, target):
            return Inactivation(number(row["k_inact_1_per_min"]) / _MINUTE, number(row["K_I_nM"]))
    return None


@cache
def protein_half_life(target: str, species: str) -> float:
    """Half-life (s) with which a protein is renewed; a species without a row takes that of the rat.

    Raises
    ------
    ReferenceDataError
        If protein_turnover.csv has no row for the protein.
    """
    rows = {row["species"]: row for row in table("protein_turnover.csv") if row["target"] == target}
    row = rows.get(species) or rows.get(_LENDER)
    if row is None:
        names = dict.fromkeys(r["target"] for r in table("protein_turnover.csv"))
        raise ReferenceDataError(f"protein_turnover.csv has no row for {target!r}; {nearest(target, names)}")
    return number(row["t_half_h"]) * _HOUR
