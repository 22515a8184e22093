"""What drugs do to carriers, vesicle stores and enzymes: from free concentrations to factors (MODEL §2, §3).

At a carrier, with C the free drug:

* uptake of the transmitter sees K_m (1 + B), B = Σ C/Ki over blockers and Σ C/K_m over foreign substrates;
* efflux runs at the part (a_0 + a)/(1 + a_0 + a + I) of its capacity, a = Σ C/EC_50 over releasers and I = Σ C/Ki over
  blockers alone, so that a blocker of uptake stops a releaser, too.

An enzyme, or the vesicular carrier, works at φ = E · (what reversible inhibitors leave): 1/(1 + Σ C/Ki), or with a
substrate of level L near its K_m, (K_m + L)/(K_m (1 + Σ C/Ki) + L). E is the part of the protein that irreversible
inhibitors have left, dE/dt = k_deg (1 - E) - Σ k_inact C/(C + K_I) · E; it outlasts the drug.

A terminal makes transmitter at the pace of its limiting enzyme; a precursor beyond that enzyme is made into transmitter by
the last enzyme, of which the terminal has as much as its own synthesis needs (see :func:`made_from_precursors`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from neurosim import reference
from neurosim.pharmacology.knowledge import Knowledge
from neurosim.reference import Binding, SynthesisStep

__all__ = [
    "CarrierTerms",
    "Chemistry",
    "carrier_terms",
    "chemistry",
    "degradation",
    "inactivation_rates",
    "made_from_precursors",
    "native_synthesis",
    "opened",
    "outside_loss",
]

_DEFAULT = Knowledge()
#: The carrier that fills vesicles; drugs bind to it under this name.
VESICULAR = "VMAT2"


@dataclass(frozen=True)
class CarrierTerms:
    """Drugs at a carrier.

    ``B`` raises the K_m of uptake (blockers and substrates), ``I`` its part that blocks efflux too, ``a`` drives efflux;
    ``x`` is C/K of each ligand of ``B``.
    """

    B: float
    I: float  # noqa: E741 (the symbol of the model)
    a: float
    x: Mapping[str, float]


@dataclass(frozen=True)
class Chemistry:
    """Everything that the drugs of a moment do beside receptors.

    Attributes
    ----------
    carriers : mapping, carrier → CarrierTerms
    phi : mapping, enzyme or VMAT2 → working part
        1 where it is not listed.
    precursors : mapping, substrate of a step of synthesis → nM
    """

    carriers: Mapping[str, CarrierTerms] = field(default_factory=dict)
    phi: Mapping[str, float] = field(default_factory=dict)
    precursors: Mapping[str, float] = field(default_factory=dict)


def _rows(concentrations: Mapping[str, float], knowledge: Knowledge) -> Iterable[tuple[Binding, float]]:
    for drug, c in concentrations.items():
        for row in knowledge.bindings(drug):
            yield row, float(c)


def carrier_terms(
    carrier: str, concentrations: Mapping[str, float], knowledge: Knowledge = _DEFAULT
) -> CarrierTerms:
    """Block, competition and release at a plasma membrane carrier.

    Parameters
    ----------
    carrier : str
    concentrations : mapping, drug → nM
        Free.
    knowledge : Knowledge, optional
        Which of several published affinities, and factors on them.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    """
    name = reference.carrier(carrier).name
    return _carrier(name, _rows(concentrations, knowledge))


def _carrier(name: str, rows: Iterable[tuple[Binding, float]]) -> CarrierTerms:
    x, blocked, a = {}, 0.0, 0.0
    for row, c in rows:
        if row.target == f"{name}_release" and row.action.kind == "releaser" and row.Ki is not None:
            a += c / row.Ki
        elif row.target == name and row.Ki is not None and row.action.kind in ("blocker", "substrate"):
            x[row.drug] = c / row.Ki
            blocked += x[row.drug] * (row.action.kind == "blocker")
    return CarrierTerms(sum(x.values()), blocked, a, x)


def opened(terms: CarrierTerms, leak: float) -> float:
    """Part of its capacity at which a carrier runs outward: (a_0 + a)/(1 + a_0 + a + I)."""
    drive = leak + terms.a
    return drive / (1.0 + drive + terms.I)


def _reversible(target: str, rows: Iterable[tuple[Binding, float]]) -> float:
    bound = sum(c / row.Ki for row, c in rows if row.target == target and _is_reversible(row))
    step = next((s for s in _limiting_steps() if s.enzyme == target), None)
    if step is None:
        return 1.0 / (1.0 + bound)
    return (step.K_m + step.level) / (step.K_m * (1.0 + bound) + step.level)


def _is_reversible(row: Binding) -> bool:
    return row.Ki is not None and row.action.kind in ("blocker", "substrate")


def _limiting_steps() -> Iterable[SynthesisStep]:
    return (
        reference.rate_limiting_step(name)
        for name in reference.transmitter_names("modulator")
        if reference.synthesis_steps(name)
    )


def chemistry(
    concentrations: Mapping[str, float],
    activity: Mapping[str, float] | None = None,
    knowledge: Knowledge = _DEFAULT,
) -> Chemistry:
    """All factors for given free concentrations.

    Parameters
    ----------
    concentrations : mapping, drug → nM
    activity : mapping, target → part of the protein left, optional
        What irreversible inhibitors have done so far; 1 where it is not listed.

    Raises
    ------
    ReferenceDataError
        If a name is not known.
    """
    rows = list(_rows(concentrations, knowledge))
    targets = {row.target for row, _ in rows if row.kind in ("enzyme", "store")} | set(activity or {})
    precursors: dict[str, float] = {}
    for row, c in rows:
        if row.action.kind == "precursor":
            for step in reference.precursor_of(row.drug):
                precursors[step.substrate] = c
    return Chemistry(
        carriers={name: _carrier(name, rows) for name in reference.carrier_names()},
        phi={name: (activity or {}).get(name, 1.0) * _reversible(name, rows) for name in sorted(targets)},
        precursors=precursors,
    )


def inactivation_rates(
    concentrations: Mapping[str, float], knowledge: Knowledge = _DEFAULT
) -> dict[str, float]:
    """Target → rate (1/s) at which irreversible inhibitors destroy it, Σ k_inact C/(C + K_I)."""
    rates: dict[str, float] = {}
    for row, c in _rows(concentrations, knowledge):
        if row.action.kind == "inactivator":
            found = reference.inactivation(row.drug, row.target)
            if found is not None:
                rates[row.target] = rates.get(row.target, 0.0) + found.k_inact * c / (c + found.K_I)
    return rates


def _working(found: Chemistry, shares: Mapping[str, float]) -> float:
    """What is left of a loss of which each enzyme has its share."""
    return 1.0 - sum(share * (1.0 - found.phi.get(enzyme, 1.0)) for enzyme, share in shares.items())


def degradation(transmitter: str, found: Chemistry) -> float:
    """Working part of what breaks the cytosolic transmitter down in a terminal (φ_MAO)."""
    return _working(found, reference.enzyme_shares(transmitter, "terminal"))


def outside_loss(transmitter: str, found: Chemistry) -> float:
    """Working part of k_out: enzymes have a share of it, the rest is diffusion and blood."""
    return _working(found, reference.enzyme_shares(transmitter, "outside"))


def native_synthesis(transmitter: str, found: Chemistry) -> float:
    """Pace of a terminal's own synthesis, 1 without drugs (φ_syn): enzyme left, and more or less substrate.

    The later enzymes have capacity to spare; they slow synthesis only when less of it is left than the flux needs.
    """
    first, *later = reference.synthesis_steps(transmitter)
    level = first.level + found.precursors.get(first.substrate, 0.0)
    saturation = level / (first.K_m + level) * (first.K_m + first.level) / first.level
    pace = found.phi.get(first.enzyme, 1.0) * saturation
    for step in later:
        pace = min(pace, found.phi.get(step.enzyme, 1.0) * (step.K_m + step.level) / step.level)
    return pace


def made_from_precursors(transmitter: str, native: str, found: Chemistry) -> float:
    """Transmitter that a terminal makes from a precursor given as a drug, over the terminal's own synthesis at rest.

    Parameters
    ----------
    transmitter : str
        What is made.
    native : str
        What the terminal makes by itself: a serotonin terminal makes dopamine from its precursor, too.

    Notes
    -----
    The last enzyme of the terminal turns over its own synthesis J at the level L of its own substrate, so its capacity is
    V = J (K + L)/L; a precursor at concentration C gives V φ C/(K' + C + L'), K' and L' those of that substrate. One
    enzyme, so one V (assumed).
    """
    own = reference.synthesis_steps(native)[-1]
    for step in reference.synthesis_steps(transmitter)[1:]:
        c = found.precursors.get(step.substrate, 0.0)
        if c > 0 and step.enzyme == own.enzyme:
            capacity = (own.K_m + own.level) / own.level * found.phi.get(own.enzyme, 1.0)
            return capacity * c / (step.K_m + c + step.level)
    return 0.0
