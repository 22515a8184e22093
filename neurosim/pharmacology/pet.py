"""What a PET or SPECT scan sees: the binding potential of a tracer while drugs and transmitter compete with it.

A tracer at tracer dose occupies nothing itself and sees the receptors that are free::

    BP_ND = BP_ND(0) · free / free(0)        free = 1 / (1 + x_T + Σ x_j)

with x_T of the transmitter and x_j of drugs and metabolites, and free(0) what was free while BP_ND(0) was measured. So a
blocker lowers it by what it holds, and loss of the transmitter raises it by x_T.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import reference, units
from neurosim.errors import SpecError
from neurosim.pharmacology.competition import per_nM, transmitter_per_nM

__all__ = ["BindingPotential", "binding_potential", "free_part"]


@dataclass(frozen=True, eq=False)
class BindingPotential:
    """A tracer in a region under drugs; arrays have the shape of the concentrations.

    Attributes
    ----------
    BP_ND : float or ndarray, dimensionless
        NaN where the table states no binding potential for the region.
    baseline : float, dimensionless
        BP_ND without drugs.
    ratio : float or ndarray
        BP_ND over its baseline.
    """

    tracer: str
    region: str
    BP_ND: Any
    baseline: float
    ratio: Any

    @property
    def change(self) -> Any:
        """Change of the binding potential, % of its baseline."""
        return 100.0 * (self.ratio - 1.0)

    @property
    def occupancy(self) -> Any:
        """What a study calls occupancy: 1 - BP_ND / baseline."""
        return 1.0 - self.ratio


def _levels(value: Any, target: str) -> dict[str, np.ndarray]:
    """Transmitter → nM; a bare level is that of the tracer's own target."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        own = transmitter_per_nM(target)
        if own is None:
            raise SpecError(f"transmitter {value!r}: none competes at {target}; leave it out")
        value = {own[0]: value}
    known = reference.transmitter_names("modulator")
    for name in value:
        if name not in known:
            raise SpecError(f"no transmitter {name!r}; allowed: {', '.join(known)}")
    return {name: _nM(level, name) for name, level in value.items()}


def _nM(value: Any, name: str) -> np.ndarray:
    c = np.asarray(units.parse(value, "concentration") if isinstance(value, str) else value, float)
    if not (np.isfinite(c) & (c >= 0)).all():
        raise SpecError(f"concentration of {name}: {value} was given; allowed: 0 nM or more")
    return c


def free_part(
    target: str,
    drugs: Mapping[str, Any],
    levels: Mapping[str, Any] | None = None,
    species: str | None = None,
    profile: str = "default",
) -> Any:
    """Part of a target that nothing holds, all ligands competing at equilibrium.

    Parameters
    ----------
    target : str
    drugs, levels : mapping
        Drug → nM, transmitter → nM; arrays broadcast. Transmitters of other targets do not count.
    species : str, optional
    profile : str
        Chooses among several published constants.

    Returns
    -------
    float or ndarray, in (0, 1]

    Raises
    ------
    ReferenceDataError, SpecError
        As :func:`binding_potential`.
    """
    x = sum(
        (
            c * k
            for c, k in zip(
                drugs.values(), per_nM(target, tuple(drugs), species, profile=profile), strict=True
            )
        ),
        0.0,
    )
    own = transmitter_per_nM(target)
    if own is not None:
        x = x + (levels or {}).get(own[0], 0.0) * own[1]
    return 1.0 / (1.0 + x)


def binding_potential(
    tracer: str,
    region: str | None = None,
    ligands: Mapping[str, Any] | None = None,
    transmitter: Any = None,
    transmitter_baseline: Any = None,
    species: str | None = None,
    profile: str = "default",
) -> BindingPotential:
    """Binding potential of a tracer while drugs and transmitter are there.

    Parameters
    ----------
    tracer : str
        ``"[11C]raclopride"``; the isotope may be left out.
    region : str, optional
        One of the tracer's table rows; without it only the change is known.
    ligands : mapping, optional
        Drug or metabolite → free concentration, ``"2 nM"``, a number or an array in nM.
    transmitter : str, float, array or mapping, optional
        Level while the drugs are there, in nM, of the target's own transmitter, or transmitter → level.
    transmitter_baseline : likewise
        Level while the baseline was measured; by default the same, that is, the drugs leave it alone.
    species : str, optional
        Checked: some receptors are missing in some species.
    profile : str
        Chooses among several published constants.

    Returns
    -------
    BindingPotential

    Raises
    ------
    ReferenceDataError
        An unknown tracer, region or drug.
    SpecError
        A negative concentration; a tracer of synthesis, which has no binding potential.

    Notes
    -----
    Equilibrium. Constants are those of tissue and function (D2: 105 nM, MODEL §4) for the transmitter. Agonist tracers
    are given one affinity state like the others, so the greater ease with which a transmitter displaces them is not
    reproduced. Where a region has two receptors (``also_at``), each part follows its own receptor.

    Examples
    --------
    >>> from neurosim.pharmacology import binding_potential
    >>> scan = binding_potential("raclopride", "putamen", {"haloperidol": "1 nM"}, transmitter="45 nM")
    >>> scan.BP_ND < scan.baseline
    True
    >>> depleted = binding_potential("raclopride", "putamen", transmitter=0, transmitter_baseline="45 nM")
    >>> round(float(depleted.change))
    43
    """
    found = reference.tracer(tracer)
    if found.kind == "substrate":
        raise SpecError(
            f"tracer {found.name}: it measures synthesis at {found.acts_at} and has no binding potential; "
            f"allowed: tracers that bind a receptor, carrier or store"
        )
    where = None if region is None else found.region(region)
    drugs = {reference.drug(name).name: _nM(c, name) for name, c in (ligands or {}).items()}
    now = _levels(transmitter, found.acts_at)
    before = now if transmitter_baseline is None else _levels(transmitter_baseline, found.acts_at)
    part = 0.0 if where is None else where.also_part
    ratio = (1.0 - part) * (
        free_part(found.acts_at, drugs, now, species, profile)
        / free_part(found.acts_at, {}, before, species, profile)
    )
    if part:
        also = where.also_at
        ratio = ratio + part * (
            free_part(also, drugs, now, species, profile) / free_part(also, {}, before, species, profile)
        )
    baseline = math.nan if where is None else where.BP_ND
    ratio = ratio if np.ndim(ratio) else float(ratio)
    return BindingPotential(
        found.name, "" if where is None else where.name, baseline * ratio, baseline, ratio
    )
