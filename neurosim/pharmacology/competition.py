"""How strongly ligands compete for binding at any target: a receptor, a carrier, or what else a table has a constant for.

Binding is not function. A Ki that was measured by displacing an antagonist label (affinity_state ``low``) is what a
scan with an antagonist tracer measures again, so it stands as it is; other constants of agonists are those of
:mod:`neurosim.pharmacology.binding`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim import reference
from neurosim.errors import SpecError
from neurosim.pharmacology.binding import drug_terms, site_constants
from neurosim.pharmacology.chemistry import carrier_terms
from neurosim.pharmacology.knowledge import Knowledge
from neurosim.reference import Binding

__all__ = ["per_nM", "transmitter_name", "transmitter_per_nM", "transmitter_x"]


def _reserve(receptor: reference.Receptor, tau: float | None) -> float:
    return receptor.tau_assay if tau is None else tau


def per_nM(
    target: str,
    ligands: Sequence[str],
    species: str | None = None,
    tau: float | None = None,
    profile: str = "default",
) -> np.ndarray:
    """C/K of 1 nM of each ligand at a target.

    Parameters
    ----------
    target : str
        A receptor, carrier, store (``VMAT2``) or enzyme.
    ligands : sequence of str
    species : str, optional
        Checked: some receptors are missing in some species.
    tau : float, optional
        Receptor reserve of the tissue, by default that of the reference assays; it matters for agonists only.
    profile : str
        Chooses among several published constants.

    Returns
    -------
    ndarray, shape (ligand,), 1/nM
        0 where a ligand has no affinity.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    SpecError
        If the species has no such receptor.
    """
    found = reference.target(target)
    names = [reference.drug(ligand).name for ligand in ligands]
    knowledge = Knowledge(profile, species=species)
    if found.kind == "receptor":
        receptor = reference.receptor(found.name)
        constants = site_constants(receptor.name, _reserve(receptor, tau))
        terms = [drug_terms(receptor.name, {name: 1.0}, constants, species, knowledge).X for name in names]
        terms = [
            _as_measured(knowledge.binding(name, receptor.target)) or term
            for name, term in zip(names, terms, strict=True)
        ]
    elif found.kind == "carrier":
        terms = [carrier_terms(found.name, {name: 1.0}, knowledge).B for name in names]
    else:
        terms = [_of_row(knowledge.binding(name, found.name)) for name in names]
    return np.array(terms, float)


def _as_measured(row: Binding | None) -> float:
    """1/Ki of an agonist that was measured against an antagonist label; 0 for any other."""
    measured = row is not None and row.action.kind == "agonist" and row.affinity_state == "low"
    return 1.0 / row.Ki if measured and row.Ki else 0.0


def _of_row(row: Binding | None) -> float:
    # What binds for good has no equilibrium.
    return 0.0 if row is None or row.Ki is None or row.action.kind not in ("blocker", "substrate") else 1.0 / row.Ki


def transmitter_per_nM(target: str, tau: float | None = None) -> tuple[str, float] | None:
    """The transmitter that competes at a target, and c/K of 1 nM of it (1/nM); None where there is none.

    At a receptor K is that of function or of tissue (:func:`~neurosim.pharmacology.site_constants`), at a carrier
    the K_m of its own substrate.

    Raises
    ------
    ReferenceDataError
        If the name is not known.
    """
    found = reference.target(target)
    if found.kind == "receptor":
        receptor = reference.receptor(found.name)
        return receptor.ligand, 1.0 / site_constants(receptor.name, _reserve(receptor, tau)).K
    if found.kind == "carrier":
        carrier = reference.carrier(found.name)
        return carrier.substrate, 1.0 / carrier.K_m[carrier.substrate]
    return None


def transmitter_name(target: str) -> str:
    """The transmitter that competes at a target, ``""`` where there is none."""
    own = transmitter_per_nM(target)
    return "" if own is None else own[0]


def transmitter_x(target: str, level: float | np.ndarray, tau: float | None = None) -> float | np.ndarray:
    """c/K of the transmitter at a target.

    Raises
    ------
    SpecError
        If no transmitter competes there and a level is given.
    """
    own = transmitter_per_nM(target, tau)
    if own is None:
        if np.any(level):
            raise SpecError(
                f"transmitter: none competes at {target}; allowed: leave it out, or a receptor or carrier"
            )
        return 0.0
    return level * own[1]
