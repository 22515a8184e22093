"""Ligands that leave a receptor more slowly than it is read out.

A ligand is slow where a table states its koff and 1/koff is longer than the readout. The occupied part rho_j of
a slow one is followed in time; the transmitter and the fast drugs stay at equilibrium on what is left::

    d rho_j/dt = koff_j (x_j (1 - Σ rho) / (1 + x + X) - rho_j)

x_j = C_j / K_j is that of the affinity tables, so association is koff / K and the equilibrium is theirs; a
published kon is not used, for it would bring an affinity of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from neurosim import reference
from neurosim.pharmacology.binding import (
    DrugTerms,
    SiteConstants,
    binders,
    drug_constants,
    drug_terms,
    expressed_row,
)
from neurosim.pharmacology.knowledge import Knowledge

__all__ = [
    "bound_equilibrium",
    "bound_rhs",
    "bound_step",
    "is_slow",
    "koff",
    "readout",
    "slow_ligands",
    "slow_terms",
    "split_terms",
]

_DEFAULT = Knowledge()
#: Smallest rate of association in units of the fastest dissociation; what it binds cannot be told from nothing.
_NIL = 1e-12


def readout() -> float:
    """Time step of the readout, s; ligands that stay longer are slow (binding_defaults.csv)."""
    return reference.binding_default("readout")


def koff(receptor: str, ligand: str, knowledge: Knowledge = _DEFAULT) -> float | None:
    """Rate at which a drug or transmitter leaves a receptor, 1/s, or None where no table states one.

    Raises
    ------
    ReferenceDataError
        If the receptor is not known.
    """
    found = knowledge.kinetics(receptor, ligand)
    return None if found is None else found.koff


def is_slow(receptor: str, ligand: str, knowledge: Knowledge = _DEFAULT) -> bool:
    """Whether a drug or transmitter stays at a receptor for longer than the readout.

    Raises
    ------
    ReferenceDataError
        If the receptor is not known.
    """
    rate = koff(receptor, ligand, knowledge)
    return rate is not None and rate * readout() < 1.0


def slow_ligands(receptor: str, drugs: Iterable[str], knowledge: Knowledge = _DEFAULT) -> tuple[str, ...]:
    """Those of the drugs that bind to a receptor and stay longer than the readout.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    """
    target = reference.receptor(receptor).target
    found = binders(receptor, drugs, knowledge)
    return tuple(drug for drug in found if is_slow(receptor, expressed_row(drug, target, knowledge).drug, knowledge))


def split_terms(
    receptor: str,
    concentrations: Mapping[str, float],
    constants: SiteConstants,
    species: str | None = None,
    knowledge: Knowledge = _DEFAULT,
) -> tuple[DrugTerms, dict[str, tuple[float, float, float]]]:
    """The drugs at a site, those at equilibrium apart from those that are followed in time.

    Its parameters are those of :func:`~neurosim.pharmacology.drug_terms`.

    Returns
    -------
    fast : DrugTerms
    slow : dict
        Drug → (x = C/K, tau, koff in 1/s).

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    SpecError
        If the species has no such receptor.
    """
    terms = drug_terms(receptor, concentrations, constants, species, knowledge)
    slow = {
        drug: (terms.x[drug], terms.tau[drug], koff(receptor, reference.drug(drug).name, knowledge))
        for drug in slow_ligands(receptor, concentrations, knowledge)
    }
    x = {drug: part for drug, part in terms.x.items() if drug not in slow}
    tau = {drug: terms.tau[drug] for drug in x}
    return DrugTerms(sum(x.values()), sum(tau[drug] * x[drug] for drug in x), x, tau), slow


def slow_terms(
    receptor: str,
    rho: Mapping[str, Any],
    constants: SiteConstants,
    knowledge: Knowledge = _DEFAULT,
) -> tuple[Any, Any]:
    """B and S_B of :func:`~neurosim.pharmacology.activation`.

    Parameters
    ----------
    rho : mapping, drug → fraction of the receptors that it holds
        Arrays of one shape, or numbers.

    Returns
    -------
    B, S_B
        Σ rho and Σ tau rho; a drug without affinity for the receptor does not count.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    """
    found = reference.receptor(receptor)
    B, S_B = 0.0, 0.0
    for drug, part in rho.items():
        row = expressed_row(drug, found.target, knowledge)
        if row is not None:
            B = B + part
            S_B = S_B + drug_constants(row, found, constants)[1] * part
    return B, S_B


def bound_rhs(rho: Any, x: Any, rates: Any, fast: Any = 0.0) -> np.ndarray:
    """Right side of the equation at the head of this module.

    Parameters
    ----------
    rho : array_like, shape (drug, ...)
        Fractions that the slow drugs hold.
    x : array_like, shape (drug, ...)
        C/K of each; other shapes broadcast.
    rates : array_like, 1/s, shape (drug,) or as rho
        koff of each.
    fast : array_like, shape (...)
        x of the transmitter + X of the fast drugs.

    Returns
    -------
    ndarray, shape (drug, ...), 1/s
    """
    rho = np.asarray(rho, float)
    free = (1.0 - rho.sum(axis=0)) / (1.0 + np.asarray(fast, float))
    return _as(rates, rho) * (_as(x, rho) * free - rho)


def bound_equilibrium(x: Any, fast: Any = 0.0) -> np.ndarray:
    """Where :func:`bound_rhs` vanishes: x_j / (1 + x + X + Σ x_slow), shape of ``x``."""
    x = np.asarray(x, float)
    return x / (1.0 + np.asarray(fast, float) + x.sum(axis=0))


def bound_step(rho: Any, x: Any, rates: Any, fast: Any, duration: float) -> np.ndarray:
    """Fractions held after a time at constant concentrations, exactly.

    Parameters
    ----------
    rho, x, rates, fast : array_like
        As in :func:`bound_rhs`.
    duration : float, s
        Not negative, may be infinite.

    Returns
    -------
    ndarray, shape (drug, ...)

    Notes
    -----
    With D = koff and u = koff x / (1 + x + X), d(rho - rho_eq)/dt = -(diag D + u 1ᵀ)(rho - rho_eq). Scaled by
    sqrt(u) the matrix is symmetric and positive, so it is diagonalised; u of a drug that has gone is set to a
    number too small to bind anything.
    """
    rho = np.asarray(rho, float)
    off, level = _as(rates, rho), _as(x, rho)
    end = bound_equilibrium(level, fast)
    on = off * level / (1.0 + np.asarray(fast, float))
    if len(rho) == 1:
        return end + (rho - end) * np.exp(-(off + on) * duration)
    root = np.sqrt(np.maximum(np.moveaxis(on, 0, -1), _NIL * off.max()))
    matrix = root[..., :, None] * root[..., None, :]
    matrix = matrix + np.moveaxis(off, 0, -1)[..., :, None] * np.eye(len(rho))
    rate, mode = np.linalg.eigh(matrix)
    away = np.moveaxis(rho - end, 0, -1) / root
    weight = np.einsum("...ji,...j->...i", mode, away) * np.exp(-rate * duration)
    return end + np.moveaxis(root * np.einsum("...ij,...j->...i", mode, weight), -1, 0)


def _as(values: Any, like: np.ndarray) -> np.ndarray:
    """One value per drug, or per drug and point, in the shape of ``like``."""
    values = np.asarray(values, float)
    if values.ndim == 1:
        values = values.reshape(-1, *[1] * (like.ndim - 1))
    return np.broadcast_to(values, like.shape)
