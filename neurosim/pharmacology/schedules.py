"""When a drug is given, and the amounts that follow: exact superposition and steady state.

Between two events (a dose, the beginning or end of an input) amounts follow the propagator of the
compartments, so a schedule is a chain of products and a time is one product more, whatever the number of doses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import SpecError
from neurosim.pharmacology.compartments import CompartmentSystem, propagator
from neurosim.pharmacology.parameters import Absorption

__all__ = ["Schedule", "schedule_of"]


@dataclass(frozen=True)
class Schedule:
    """When what is given: ``amount`` is mg/kg at once, or mg/kg/s over ``duration`` (s, may be infinite)."""

    start: float
    amount: float
    duration: float
    interval: float | None
    count: int
    is_steady: bool

    @property
    def lasts(self) -> bool:
        """Whether it is an input over time."""
        return self.duration > 0

    def states(self, system: CompartmentSystem, until: float) -> tuple[np.ndarray, np.ndarray]:
        """Times at which something begins or ends, and the amounts right after, up to a time.

        Returns
        -------
        times : ndarray, shape (event,), s
        amounts : ndarray, shape (event, compartment), mg/kg
        """
        given = self.amount * (system.pump if self.lasts else system.bolus)
        now = self._before(system, given)
        times, amounts = [], []
        pauses = [self.duration] if self.lasts and math.isfinite(self.duration) else []
        gaps = [self.interval - self.duration] if self.count > 1 else []
        steps = propagator(system.matrix, np.array([*pauses, *gaps])) if pauses or gaps else []
        for k in range(self.count):
            begin = self.start + k * (self.interval or 0.0)
            if begin > until:
                break
            now = now + given
            times.append(begin)
            amounts.append(now)
            if pauses:
                now = steps[0] @ now
                now[-1] = 0.0
                times.append(begin + self.duration)
                amounts.append(now)
            if gaps:
                now = steps[-1] @ now
        return np.array(times), np.array(amounts).reshape(len(times), len(system.matrix))

    def _before(self, system: CompartmentSystem, given: np.ndarray) -> np.ndarray:
        """Amounts just before the start."""
        before = np.zeros(len(given))
        if not self.is_steady:
            return before
        if math.isinf(self.duration):
            before[:-1] = system.ever_after(self.amount * system.bolus)
            return before
        pauses = np.array([self.duration, self.interval - self.duration, self.interval])
        steps = propagator(system.matrix, pauses)
        after = steps[0] @ given
        after[-1] = 0.0
        cycle = np.eye(len(given) - 1) - steps[2][:-1, :-1]
        before[:-1] = np.linalg.solve(cycle, (steps[1] @ after)[:-1])
        return before

    def amounts(self, system: CompartmentSystem, t: np.ndarray) -> np.ndarray:
        """Amounts at times ``t``, shape (time, compartment); nothing before the start."""
        found = np.zeros((len(t), len(system.matrix)))
        if not len(t):
            return found
        times, states = self.states(system, float(t.max()))
        which = np.searchsorted(times, t, side="right") - 1
        on = which >= 0
        if on.any():
            since = t[on] - times[which[on]]
            unique, back = np.unique(since, return_inverse=True)
            steps = propagator(system.matrix, unique)
            found[on] = np.einsum("tij,tj->ti", steps[back], states[which[on]])
        return found


def _value(dose: Any, name: str) -> float | None:
    value = getattr(dose, name, None)
    return None if value is None else float(value)


def schedule_of(dose: Any, way: Absorption) -> Schedule:
    """The schedule of one entry of a list of doses.

    Raises
    ------
    SpecError
        If the entry contradicts itself, or the route needs a rate.
    """
    amount, rate, duration, interval = (_value(dose, name) for name in ("dose", "rate", "duration", "ii"))
    where = f"dose of {dose.drug}"
    if amount is None and rate is None:
        raise SpecError(f"{where}: neither a dose nor a rate is given")
    for name, value in (("dose", amount), ("rate", rate), ("duration", duration), ("ii", interval)):
        if value is not None and not (value >= 0 and math.isfinite(value) and (value > 0 or name == "dose")):
            raise SpecError(f"{where}: {name} is {value:g}; allowed: a positive number")
    if amount is not None and rate is not None and duration is not None:
        raise SpecError(f"{where}: dose, rate and duration are given; any two of them say it all")
    if rate is None and duration is not None:
        rate = amount / duration
    elif rate is not None and duration is None:
        duration = math.inf if amount is None else amount / rate
    if way.needs_rate and rate is None:
        raise SpecError(f"{where}: route {way.route} needs a rate or a duration")
    count = int(getattr(dose, "addl", None) or 0) + 1
    is_steady = bool(getattr(dose, "ss", False))
    if interval is None and (count > 1 or (is_steady and not math.isinf(duration or 0.0))):
        raise SpecError(f"{where}: addl and ss need the interval ii")
    if interval is not None and (duration or 0.0) > interval:
        raise SpecError(f"{where}: it is given every {interval:g} s but lasts longer")
    if rate is None or amount == 0:
        rate, duration = amount, 0.0
    return Schedule(_value(dose, "time") or 0.0, rate, duration, interval, count, is_steady)
