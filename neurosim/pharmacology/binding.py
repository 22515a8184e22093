"""Competition of drugs and transmitter at receptors.

At a site every ligand j has x_j = C_j / K_j and a reserve tau_j; receptors without ligand have the reserve
tau_0, 0 where they are silent. Ligands that unbind slowly hold the part B = Σ rho_j of the receptors, which
is followed in time (:mod:`neurosim.pharmacology.kinetics`), and bring S_B = Σ tau_j rho_j; the rest is at
equilibrium. With x, tau of the transmitter, X = Σ x_j and S = Σ tau_j x_j of the fast drugs (Black & Leff
1983, n = 1)::

    occupancy_j = (1 - B) x_j / (1 + x + X)          stimulus = (1 - B) (tau_0 + tau x + S) / (1 + x + X) + S_B
                                                     activation = stimulus / (1 + stimulus)

The transmitter's K comes from function, K = EC_50 (1 + tau), or is the tissue constant of the receptor table
where there is one. tau_0 is the ``constitutive`` part of tau. Drugs:

* antagonist: K = Ki and tau_j = tau_0, so that what it binds stays as active as it was; an inverse agonist
  leaves a part of that, tau_j = basal_left · tau_0, none if it is a full one. An unknown efficacy counts as
  neutral (reported by ``report_targets``);
* agonist, also partial: the efficacy e of its row, measured in an assay of reserve tau_f, gives the reserve
  there, e = [tau_p / (1 + tau_p)] / [tau_f / (1 + tau_f)], and at the site tau_j = tau_p · tau / tau_f. Its K is
  EC_50 (1 + tau_j) where a row states a functional EC_50, which then is its half-point at every site; else
  K = Ki (K / Ki of the transmitter)^e, in the affinity state that the row names (high if it names none). The
  bracket is by how much function asks for more transmitter than a label sees, the price of coupling to the
  G protein; a ligand pays the part of that energy that it turns into effect, the transmitter (e = 1) all of it and
  an antagonist (e = 0) nothing. That coupling goes with efficacy holds in some series of agonists and not in all
  (Payne, Johansson & Strange 2002, J. Neurochem. 82:1106).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from neurosim import reference, units
from neurosim.errors import ReferenceDataError, SpecError
from neurosim.pharmacology.knowledge import Knowledge
from neurosim.pharmacology.targets import is_expressed
from neurosim.reference import Binding, Receptor

__all__ = [
    "DrugTerms",
    "SiteConstants",
    "activation",
    "activation_limit",
    "binders",
    "drug_constants",
    "drug_terms",
    "equilibrium",
    "free_fraction",
    "occupancies",
    "occupancy",
    "site_constants",
]

_DEFAULT = Knowledge()


@dataclass(frozen=True)
class SiteConstants:
    """The transmitter at a site: ``K`` (nM), reserve ``tau``, and that of receptors without ligand, ``tau_0``."""

    K: float
    tau: float
    tau_0: float = 0.0

    @property
    def EC_50(self) -> float:
        """Concentration of half-maximal activation, nM, without constitutive activity.

        With it, activation rises from tau_0 / (1 + tau_0) and is half-way up at EC_50 (1 + tau_0).
        """
        return self.K / (1.0 + self.tau)


@dataclass(frozen=True)
class DrugTerms:
    """All drugs at a site as the two sums the network needs, and their parts.

    ``X`` = Σ C/K, ``S`` = Σ tau C/K; ``x`` and ``tau`` by ligand, without ligands that have no affinity. At a
    receptor with constitutive activity an antagonist has a reserve too, see the head of the module.
    """

    X: float
    S: float
    x: Mapping[str, float]
    tau: Mapping[str, float]


def site_constants(receptor: str, tau: float, EC_50: float | None = None) -> SiteConstants:
    """K and reserve of the transmitter at a site.

    Parameters
    ----------
    receptor : str
    tau : float
        Receptor reserve of the tissue, above 0.
    EC_50 : float, optional, nM
        Of the transmitter at this site. By default the receptor table's: K = K_func where it has one,
        whatever the reserve, else K = EC_50 (1 + tau). Constitutive activity leaves K alone; it moves the
        half-point from EC_50 to EC_50 (1 + tau_0), a few per cent.

    Raises
    ------
    ReferenceDataError
        If the receptor is not known.
    SpecError
        If tau or EC_50 is not above 0.
    """
    found = reference.receptor(receptor)
    for name, value in (("tau", tau), ("EC_50", EC_50)):
        if value is not None and not value > 0:
            raise SpecError(f"site of receptor {found.name}: {name} is {value:g}; allowed: a number above 0")
    tau_0 = found.constitutive * float(tau)
    if EC_50 is None and found.K_func is not None:
        return SiteConstants(found.K_func, float(tau), tau_0)
    return SiteConstants((found.EC_50 if EC_50 is None else float(EC_50)) * (1.0 + tau), float(tau), tau_0)


def _efficacy(binding: Binding) -> float:
    return binding.action.default_efficacy if binding.efficacy is None else binding.efficacy


def _assay_reserve(binding: Binding, receptor: Receptor) -> float:
    """tau_p of an agonist in the assay of its efficacy."""
    efficacy = _efficacy(binding)
    reached = efficacy * activation_limit(receptor.tau_assay)
    if not 0 <= reached < 1:
        raise ReferenceDataError(
            f"drug {binding.drug} at {binding.target}: efficacy {efficacy:g} cannot be reached at reserve "
            f"{receptor.tau_assay:g} of the assay"
        )
    return reached / (1.0 - reached)


def drug_constants(binding: Binding, receptor: Receptor, constants: SiteConstants) -> tuple[float, float]:
    """K (nM) and reserve of a drug at a site, by the rules at the head of this module."""
    if binding.action.kind == "antagonist":
        return binding.Ki, binding.basal_left * constants.tau_0
    tau = _assay_reserve(binding, receptor) * constants.tau / receptor.tau_assay
    if binding.EC_50 is not None:
        return binding.EC_50 * (1.0 + tau), tau
    low = binding.affinity_state == "low" and receptor.Ki_low is not None
    return binding.Ki * (constants.K / (receptor.Ki_low if low else receptor.Ki_high)) ** _efficacy(binding), tau


def expressed_row(drug: str, target: str, knowledge: Knowledge) -> Binding | None:
    """The row of a drug at a receptor or carrier, if it is one the model expresses."""
    found = knowledge.binding(drug, target)
    return found if found is not None and is_expressed(found) else None


def binders(receptor: str, drugs: Iterable[str], knowledge: Knowledge = _DEFAULT) -> tuple[str, ...]:
    """Those of the drugs that bind to a receptor, as far as the model expresses it.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    """
    target = reference.receptor(receptor).target
    return tuple(drug for drug in drugs if expressed_row(drug, target, knowledge) is not None)


def drug_terms(
    receptor: str,
    concentrations: Mapping[str, float],
    constants: SiteConstants,
    species: str | None = None,
    knowledge: Knowledge = _DEFAULT,
) -> DrugTerms:
    """What the drugs add at a site, all at equilibrium.

    Parameters
    ----------
    receptor : str
    concentrations : mapping, drug → nM
        Free, at the site.
    constants : SiteConstants
        Of the transmitter there.
    species : str, optional
        Some receptors are missing in some species, and some affinities differ between them.
    knowledge : Knowledge, optional
        Which of several published affinities, and factors on them.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    SpecError
        If the species has no such receptor.
    """
    found = reference.receptor(receptor)
    if species is not None:
        knowledge = knowledge.within(species)
        if reference.species(species).name in found.absent_in:
            raise SpecError(f"receptor {found.name}: the {species} has none")
    x, tau = {}, {}
    for drug, c in concentrations.items():
        row = expressed_row(drug, found.target, knowledge)
        if row is not None:
            K, tau[drug] = drug_constants(row, found, constants)
            x[drug] = float(c) / K
    return DrugTerms(sum(x.values()), sum(tau[drug] * x[drug] for drug in x), x, tau)


def activation(
    c: Any,
    K: Any,
    tau: Any,
    X: Any = 0.0,
    S: Any = 0.0,
    tau_0: Any = 0.0,
    B: Any = 0.0,
    S_B: Any = 0.0,
) -> Any:
    """Activation of a site by transmitter and drugs (operational model, n = 1).

    Parameters
    ----------
    c, K : array_like, nM
        Transmitter and its constant.
    tau : array_like
        Its reserve.
    X, S : array_like
        Σ C/K and Σ tau C/K of the drugs at equilibrium.
    tau_0 : array_like
        Reserve of receptors without ligand.
    B, S_B : array_like
        Σ rho and Σ tau rho of the drugs that unbind slowly. All arguments broadcast.

    Returns
    -------
    ndarray or float, in [0, 1)

    References
    ----------
    Black & Leff 1983 Proc R Soc Lond B 220:141
    """
    x = np.divide(c, K)
    stimulus = np.subtract(1.0, B) * (tau_0 + tau * x + S) / (1.0 + x + X) + S_B
    return stimulus / (1.0 + stimulus)


def activation_limit(tau: Any) -> Any:
    """Activation at saturating concentration of a ligand of reserve ``tau``: tau / (1 + tau)."""
    return tau / (1.0 + tau)


def equilibrium(x: Any) -> np.ndarray:
    """Occupancies of competing ligands at equilibrium (Gaddum).

    Parameters
    ----------
    x : array_like, shape (ligand, ...)
        C/K of each.

    Returns
    -------
    ndarray of the same shape
        x_j / (1 + Σ x); their sum is below 1.
    """
    x = np.asarray(x, float)
    return x / (1.0 + x.sum(axis=0))


def occupancies(
    c: Any,
    constants: SiteConstants,
    terms: DrugTerms,
    transmitter: str,
    slow: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Fraction of receptors bound by the transmitter and by each drug.

    Parameters
    ----------
    c : array_like, nM
        Transmitter.
    transmitter : str
        Its key in the result.
    slow : mapping, drug → fraction
        What drugs that unbind slowly hold; ``terms`` then are those of the fast ones.

    Returns
    -------
    dict
        Ligand → fraction, of the shape of ``c``.
    """
    x = np.divide(c, constants.K)
    share = np.subtract(1.0, sum(slow.values())) / (1.0 + x + terms.X)
    return {transmitter: x * share} | {drug: part * share for drug, part in terms.x.items()} | dict(slow)


def free_fraction(
    receptor: str, concentrations: Mapping[str, float], knowledge: Knowledge = _DEFAULT
) -> float:
    """Part of the receptors of a fast or slow synapse that no drug occupies: 1 / (1 + Σ C/K).

    The transmitter of a synapse comes with the spike and does not compete here. An agonist's K is that of the
    reference assay.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    """
    found = reference.receptor(receptor)
    constants = site_constants(found.name, found.tau_assay)
    return 1.0 / (1.0 + drug_terms(found.name, concentrations, constants, knowledge=knowledge).X)


def _nM(value: Any) -> float:
    try:
        c = units.parse(value, "concentration") if isinstance(value, str) else float(value)
    except TypeError:
        raise SpecError(f"concentration {value!r}: allowed: text such as '2 nM', or a number in nM") from None
    if not 0 <= c < float("inf"):
        raise SpecError(f"concentration {value}: allowed: 0 or more")
    return float(c)


def occupancy(
    ligands: Mapping[str, Any],
    receptor: str,
    transmitter: Any = None,
    tau: float | None = None,
    knowledge: Knowledge = _DEFAULT,
) -> dict[str, float]:
    """Fraction of a receptor that each ligand binds at equilibrium.

    Parameters
    ----------
    ligands : mapping
        Drug → free concentration, ``"2 nM"`` or a number in nM.
    receptor : str
    transmitter : str or float, optional
        Concentration of the receptor's own transmitter; it then is in the result under its name.
    tau : float, optional
        Receptor reserve of the tissue; by default that of the reference assays. It matters for agonists and
        the transmitter only, and at D2, whose constant is known in tissue, hardly at all.
    knowledge : Knowledge, optional
        Which of several published affinities, and factors on them.

    Returns
    -------
    dict
        Ligand → fraction; their sum is below 1. A drug without affinity has 0.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    UnitError
        If a concentration has another dimension.

    Examples
    --------
    >>> from neurosim.pharmacology import occupancy
    >>> bound = occupancy({"haloperidol": "2 nM"}, receptor="D2", transmitter="40 nM")
    >>> {ligand: round(fraction, 2) for ligand, fraction in bound.items()}
    {'DA': 0.08, 'haloperidol': 0.72}
    """
    found = reference.receptor(receptor)
    if not isinstance(ligands, Mapping):
        raise SpecError(f"ligands {ligands!r}: give a mapping of drugs to concentrations, e.g. {{'DRUG': '2 nM'}}")
    constants = site_constants(found.name, found.tau_assay if tau is None else tau)
    concentrations = {reference.drug(name).name: _nM(value) for name, value in ligands.items()}
    terms = drug_terms(found.name, concentrations, constants, knowledge=knowledge)
    c = 0.0 if transmitter is None else _nM(transmitter)
    bound = occupancies(c, constants, terms, found.ligand)
    if transmitter is None:
        del bound[found.ligand]
    return {name: float(bound.get(name, 0.0)) for name in dict.fromkeys([*bound, *concentrations])}
