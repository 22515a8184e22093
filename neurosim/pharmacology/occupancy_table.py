"""Occupancy of targets over concentration, for a person who asks about a drug."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim import reference, units
from neurosim.pharmacology.binding import drug_constants, site_constants
from neurosim.pharmacology.targets import is_expressed

__all__ = ["OccupancyTable", "occupancy_table"]


@dataclass(frozen=True)
class OccupancyTable:
    """Occupancy of each target by a drug alone.

    ``K`` has shape (target,), nM; ``fraction`` has shape (target, concentration).
    """

    drug: str
    concentrations: np.ndarray
    targets: tuple[str, ...]
    K: np.ndarray
    fraction: np.ndarray


def occupancy_table(drug: str, concentrations: Sequence[Any]) -> OccupancyTable:
    """Occupancy of all receptors and carriers that a drug acts on, by the drug alone.

    Parameters
    ----------
    concentrations : sequence
        Free concentrations, ``"10 nM"`` or numbers in nM.

    Notes
    -----
    An agonist's K is that of the reference assay.

    Raises
    ------
    ReferenceDataError
        If the drug is not known.
    """
    found = reference.drug(drug)
    c = np.array(
        [float(units.parse(v, "concentration") if isinstance(v, str) else v) for v in concentrations]
    )
    K = _constants(found.name)
    values = np.array(list(K.values()), float)
    x = c[None, :] / values[:, None]
    return OccupancyTable(found.name, c, tuple(K), values, x / (1.0 + x))


def _constants(drug: str) -> Mapping[str, float]:
    found = {}
    for row in reference.bindings(drug):
        if not is_expressed(row):
            continue
        if row.kind == "carrier":
            found[row.target] = row.Ki
        else:
            receptor = reference.receptor(row.target)
            found[row.target] = drug_constants(row, receptor, site_constants(row.target, receptor.tau_assay))[
                0
            ]
    return dict(sorted(found.items(), key=lambda item: item[1]))
