"""How a trial ended, from what it recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.analysis.spikes import firing_rate
from neurosim.recording import PhaseResult

__all__ = ["RUNAWAY_RATE", "classify"]

RUNAWAY_RATE = 200.0  # Hz, DESIGN §5


def classify(phases: Sequence[PhaseResult]) -> tuple[str, str]:
    """Outcome and message of a trial whose phases all ran.

    Returns
    -------
    outcome : str
        ``nan``: a mean that is not finite, the trial then carries no data. ``runaway``: a population above
        200 Hz per surviving cell in some phase. ``silent``: a phase in which no population fires. Else
        ``ok``.
    message : str
        Empty for ``ok``.
    """
    for phase in phases:
        for name, values in phase.means.items():
            if not np.isfinite(values).all():
                return (
                    "nan",
                    f"phase {phase.name!r}: {name} of {_first_bad(phase, name, values)} is not finite",
                )
    for phase in phases:
        rates = {p: firing_rate(*phase.population(p)) for p in phase.labels.populations}
        fastest = max(rates, key=lambda p: -1.0 if np.isnan(rates[p]) else rates[p])
        if rates[fastest] > RUNAWAY_RATE:
            return "runaway", f"phase {phase.name!r}: {fastest} fires at {rates[fastest]:.0f} Hz"
    for phase in phases:
        if phase.spikes.step.size == 0:
            return "silent", f"phase {phase.name!r}: no population fires"
    return "ok", ""


def _first_bad(phase: PhaseResult, name: str, values: np.ndarray) -> str:
    index = int(np.flatnonzero(~np.isfinite(values))[0])
    if name in ("activation", "heard"):
        return f"site {phase.labels.sites[index]}"
    return "pool {}.{}".format(*phase.labels.pools[index])
