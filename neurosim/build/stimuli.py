"""Stimulations of a phase as slots: pulses, Poisson activation, steady current."""

from __future__ import annotations

import numpy as np

from neurosim.build.layout import Layout
from neurosim.build.plan import SLOW_STEP
from neurosim.build.streams import noise_key, stream
from neurosim.spec import PhaseTime, Resolved, Stimulation

__all__ = ["pulse_steps", "stimulus_arrays", "stimulus_masks"]

#: Slow steps by which a pulse may come out early through rounding.
_ROUNDING = 1e-6


def _of_phase(resolved: Resolved, phase: PhaseTime) -> list[Stimulation]:
    return [s for s in resolved.arm.stimulations if s.phase == phase.name]


def stimulus_masks(
    layout: Layout, resolved: Resolved, phase: PhaseTime, subject: int
) -> dict[str, np.ndarray]:
    """``stim_<slot>`` per cell: 1 where a slot reaches it. Larger fractions of a population contain smaller ones."""
    structure = layout.structure
    masks = {f"stim_{k}": np.zeros(structure.n_cells) for k in range(structure.n_stimuli)}
    for k, stimulation in enumerate(_of_phase(resolved, phase)):
        cells = layout.cells[stimulation.population]
        order = stream(resolved.seed, subject, f"stimulation:{stimulation.population}").permutation(cells.n)
        reached = order[: int(round(float(stimulation.fraction) * cells.n))]
        masks[f"stim_{k}"][cells.start + reached] = 1.0
    return masks


def stimulus_arrays(
    layout: Layout, resolved: Resolved, phase: PhaseTime, subject: int
) -> dict[str, np.ndarray]:
    """Slots of a plan (see :class:`neurosim.build.Plan`); times in steps, on the slow grid."""
    n = layout.structure.n_stimuli
    arrays = {key: np.zeros(n, np.int64) for key in ("on", "off", "key")}
    arrays |= {"amplitude": np.zeros(n), "probability": np.ones(n)}
    per_slow = round(SLOW_STEP / float(resolved.protocol.dt))
    arrays |= {"period": np.full(n, float(per_slow)), "width": np.full(n, per_slow, np.int64)}
    for k, stimulation in enumerate(_of_phase(resolved, phase)):
        on = round((float(phase.settle) + float(stimulation.start)) / SLOW_STEP)
        slot = _slot(stimulation, float(phase.record))
        arrays["on"][k] = on * per_slow
        arrays["off"][k] = (on + slot["length"]) * per_slow
        arrays["period"][k] = slot["period"] * per_slow
        arrays["width"][k] = slot["width"] * per_slow
        arrays["amplitude"][k] = float(stimulation.amplitude)
        arrays["probability"][k] = slot["probability"]
        arrays["key"][k] = noise_key(resolved.seed, subject, f"stimulation:{phase.name}:{k}")
    return arrays


def pulse_steps(n: int, rate: float) -> np.ndarray:
    """Slow steps at which the pulses of a train begin, the first at 0; int array of shape (pulse,).

    Parameters
    ----------
    n : int
    rate : float, Hz
        Its period need not be whole: each pulse begins at the first slow step of its period.
    """
    return np.ceil(np.arange(n) * _period(rate) - _ROUNDING).astype(np.int64)


def _period(rate: float) -> float:
    """Slow steps from one pulse of a train to the next."""
    return 1.0 / (rate * SLOW_STEP)


def _slot(stimulation: Stimulation, record: float) -> dict[str, float]:
    """Length, period and width in slow steps, and the probability of each slow step."""

    def steps(seconds: float) -> int:
        return max(1, round(seconds / SLOW_STEP))

    if stimulation.kind == "pulses":
        width = steps(float(stimulation.duration))
        return {
            "length": int(pulse_steps(stimulation.n, float(stimulation.rate))[-1]) + width,
            "period": _period(float(stimulation.rate)),
            "width": width,
            "probability": 1.0,
        }
    length = steps(
        record - float(stimulation.start) if stimulation.duration is None else float(stimulation.duration)
    )
    if stimulation.kind == "rate":
        return {"length": length, "period": 1, "width": 1, "probability": float(stimulation.rate) * SLOW_STEP}
    return {"length": length, "period": length, "width": length, "probability": 1.0}
