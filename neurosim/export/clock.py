"""One clock for all phases of a trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

__all__ = ["PlacedPhase", "placed_phases"]


@dataclass(frozen=True)
class PlacedPhase:
    """A phase on the clock of its session.

    Attributes
    ----------
    name : str
    start, stop : float, s
        Of its recording, on the session's clock.
    at : float, s
        On the pharmacological clock; ``-inf`` of a phase before all drugs that names no time.
    """

    name: str
    start: float
    stop: float
    at: float


def placed_phases(trial: xr.DataTree) -> tuple[PlacedPhase, ...]:
    """The phases of a trial on one clock, in the order in which they were run.

    Parameters
    ----------
    trial : DataTree
        From :meth:`neurosim.analysis.Results.trial`.

    Notes
    -----
    Zero is the start of the first recording. A phase that lies before all drugs at no stated time follows the one before
    it, and the first dose falls at the end of the last of these. From there on pharmacological time counts; a phase that
    would begin before the one before it has ended begins at that end. What is not recorded (settling, the time between
    phases) is a gap.
    """
    times = trial["trials"].to_dataset()
    at, record = times["at"].values.astype(float), times["record"].values.astype(float)
    starts = _starts(at, record)
    names = times["phase"].values.tolist()
    return tuple(
        PlacedPhase(str(name), start, start + length, when)
        for name, start, length, when in zip(names, starts, record.tolist(), at.tolist(), strict=True)
    )


def _starts(at: np.ndarray, record: np.ndarray) -> Sequence[float]:
    starts: list[float] = []
    end, zero = 0.0, None
    for when, length in zip(at, record, strict=True):
        if np.isfinite(when) and zero is None:
            zero = end if starts else -when
        start = max(zero + when, end) if np.isfinite(when) else end
        starts.append(float(start))
        end = start + length
    return starts
