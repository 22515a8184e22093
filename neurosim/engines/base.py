"""What every engine promises, and the result of a phase."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neurosim.build.plan import Plan, Structure
from neurosim.errors import EngineError

__all__ = ["ENDS", "MEANS", "Engine", "NotFiniteError", "Progress", "RawPhase", "Run"]

#: What is summed over the slow steps of the recording: name of the mean → group, variable.
MEANS = {
    "concentration": ("pools", "sum_c"),
    "release": ("pools", "sum_release"),
    "uptake": ("pools", "sum_uptake"),
    "loss": ("pools", "sum_loss"),
    "efflux": ("pools", "sum_efflux"),
    "activation": ("sites", "sum_a"),
    "bound": ("sites", "sum_rho"),
    "heard": ("sites", "sum_heard"),
    "released": ("terminals", "sum_J"),
    "filling": ("terminals", "sum_filling"),
}
#: What is handed back as it stands: name → group, variable.
ENDS = {
    "c_start": ("pools", "c_start"),
    "c_end": ("pools", "c"),
    "S_end": ("terminals", "S"),
    "Q_end": ("terminals", "Q"),
}

#: Called with the part done, from 0 to 1, now and then during a run.
Progress = Callable[[float], None]


class NotFiniteError(EngineError):
    """A voltage or a concentration became NaN or infinite; the message says which and when."""


@dataclass(frozen=True)
class RawPhase:
    """What an engine hands back for one phase, in the plan's order and units.

    Attributes
    ----------
    spike_i : int32 array, shape (n_spikes,)
        Cells, in order of time.
    spike_step : int64 array, shape (n_spikes,)
        Steps of dt since the start of the phase: the settling time counts, but its spikes are not kept, so the first
        possible step is ``settle_steps``.
    traces : dict of float arrays
        ``concentration`` (n_pools, n_samples), nM, and ``activation`` (n_sites, n_samples), sampled every dt_trace from the
        beginning of the recording; ``voltage`` (n_voltages, n_ms), V, every ms.
    means : dict of float arrays
        Over the slow steps of the recording: ``concentration`` (nM), ``release uptake loss efflux`` (nM/s), shape
        (n_pools,); ``activation``, ``bound`` (receptors that hold the transmitter) and ``heard`` (nM, near field
        included), shape (n_sites,); ``released`` (nM/s) and ``filling`` of the vesicles, shape (n_terminals,).
    c_start, c_end : float arrays, shape (n_pools,), nM
        At the two ends of the recording: c_end - c_start = duration · (release + efflux - uptake - loss), exact to
        rounding.
    S_end, Q_end : float arrays, shape (n_terminals,), nM
        Cytosolic and vesicular transmitter of a living terminal at the end.
    wall_time : float, s
    loop_time : float, s
        Of it, the simulation itself: without starting a program, loading the plan and handing back results.
    """

    spike_i: np.ndarray
    spike_step: np.ndarray
    traces: dict[str, np.ndarray]
    means: dict[str, np.ndarray]
    c_start: np.ndarray
    c_end: np.ndarray
    S_end: np.ndarray
    Q_end: np.ndarray
    wall_time: float
    loop_time: float


#: Runs a plan, see :meth:`Engine.run`.
Run = Callable[..., RawPhase]


class Engine(Protocol):
    """Runs plans. Same plan, same machine type: bit-identical results, whatever else runs."""

    name: str

    def prepare(self, structure: Structure) -> None:
        """Make ready whatever one structure needs (a compiled program), so that runs only load data."""

    def is_prepared(self, structure: Structure) -> bool:
        """Whether :meth:`prepare` has nothing left to make."""

    def run(self, plan: Plan, progress: Progress | None = None) -> RawPhase:
        """Run one phase.

        Raises
        ------
        EngineError
            If the plan cannot be run; :class:`NotFiniteError` if numbers run away.
        """

    def session(self) -> AbstractContextManager[Run]:
        """What runs the phases of a trial, each as :meth:`run` does; an engine may save itself what they have in common."""
        return nullcontext(self.run)
