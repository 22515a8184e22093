"""Compartment pharmacokinetics in closed form, and the free concentration in the brain.

One to three compartments, linear. The central compartment after a bolus of 1 mg/kg is a sum of exponentials,
C(t) = Σ A_i exp(-λ_i t); everything else is superposition and convolution of that, without a time step.

Free brain concentration = fu_plasma · Kpuu · C_plasma: brain and plasma are in equilibrium at every moment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import SpecError
from neurosim.pharmacology.parameters import PKParameters, absorption, pk_parameters

__all__ = ["exposure", "plasma_modes"]


def plasma_modes(parameters: PKParameters) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and rates of the exponentials after an intravenous bolus of 1 mg/kg.

    Returns
    -------
    A : ndarray, shape (compartment,), 1/(L/kg)
        Sums to 1/V.
    rate : ndarray, shape (compartment,), 1/s
        All above 0, ascending.

    Notes
    -----
    A mammillary system in the variables amount/√V is symmetric, so its eigenvalues are real, its eigenvectors
    orthogonal and no A_i is negative.

    References
    ----------
    Jacquez 1985, Compartmental Analysis in Biology and Medicine, ch. 4
    """
    volumes = np.array([parameters.V, *(volume for volume, _ in parameters.peripheral)])
    flows = np.array([flow for _, flow in parameters.peripheral])
    rates = np.diag(np.concatenate([[parameters.CL + flows.sum()], flows]) / volumes)
    rates[0, 1:] = rates[1:, 0] = -flows / np.sqrt(volumes[0] * volumes[1:])
    rate, vectors = np.linalg.eigh(rates)
    return vectors[0] ** 2 / parameters.V, rate


def _bateman(t: np.ndarray, a: np.ndarray, b: float) -> np.ndarray:
    """(exp(-a t) - exp(-b t)) / (b - a), also where a = b."""
    z = np.abs(b - a) * t
    part = np.divide(-np.expm1(-z), z, out=np.ones_like(z), where=z > 0)
    return np.exp(-np.minimum(a, b) * t) * t * part


@dataclass(frozen=True)
class _Input:
    """One administration per unit of amount (bolus) or of rate (input over ``duration``), for every mode.

    ``depot`` and ``central`` are what a mode holds when the input ends; modes decay by themselves, so this is
    all of it.
    """

    rate: np.ndarray
    ka: float | None
    duration: float

    def central(self, t: np.ndarray) -> np.ndarray:
        """Amount in each mode at time t >= 0 after the start, shape (mode, time)."""
        if self.duration == 0:
            return self.decay(
                t, *((0.0, np.ones_like(self.rate)) if self.ka is None else (1.0, 0.0 * self.rate))
            )
        during = self._filling(np.minimum(t, self.duration))
        if math.isinf(self.duration):
            return during
        after = self.decay(np.maximum(t - self.duration, 0.0), *self.at_end())
        return np.where(t <= self.duration, during, after)

    def at_end(self) -> tuple[float, np.ndarray]:
        """Depot and modes at the end of the input."""
        if self.duration == 0:
            return (0.0, np.ones_like(self.rate)) if self.ka is None else (1.0, np.zeros_like(self.rate))
        depot = 0.0 if self.ka is None else -math.expm1(-self.ka * self.duration) / self.ka
        return depot, self._filling(np.array([self.duration]))[:, 0]

    def _filling(self, t: np.ndarray) -> np.ndarray:
        rate = self.rate[:, None]
        filled = -np.expm1(-rate * t) / rate
        return filled if self.ka is None else filled - _bateman(t, rate, self.ka)

    def decay(self, t: np.ndarray, depot: float, central: np.ndarray) -> np.ndarray:
        """Modes a time t after they held ``central``, fed by a depot that held ``depot``."""
        rate = self.rate[:, None]
        left = np.asarray(central)[:, None] * np.exp(-rate * t)
        return left if self.ka is None else left + self.ka * depot * _bateman(t, rate, self.ka)

    def steady(self, interval: float) -> tuple[float, np.ndarray]:
        """Depot and modes just before the next of infinitely many administrations, one per interval."""
        if math.isinf(self.duration):
            return (0.0 if self.ka is None else 1.0 / self.ka), 1.0 / self.rate
        rest = np.array([interval - self.duration])
        depot, central = self.at_end()
        last = self.decay(rest, depot, central)[:, 0]
        if self.ka is not None:
            depot *= math.exp(-self.ka * rest[0]) / -math.expm1(-self.ka * interval)
            last = last + self.ka * depot * _bateman(np.array([interval]), self.rate[:, None], self.ka)[:, 0]
        return depot, last / -np.expm1(-self.rate * interval)


def _value(dose: Any, name: str) -> float | None:
    value = getattr(dose, name, None)
    return None if value is None else float(value)


def _schedule(dose: Any) -> tuple[float, float, float | None, int]:
    """Amount, duration (s), interval (s) and number of administrations.

    The amount is mg/kg, or mg/kg/s of an input that lasts; the duration of a bolus is 0.
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
    count = int(getattr(dose, "addl", None) or 0) + 1
    if interval is None and (count > 1 or (getattr(dose, "ss", False) and not math.isinf(duration or 0.0))):
        raise SpecError(f"{where}: addl and ss need the interval ii")
    if interval is not None and (duration or 0.0) > interval:
        raise SpecError(f"{where}: it is given every {interval:g} s but lasts longer")
    return (
        (amount, 0.0, interval, count) if rate is None or amount == 0 else (rate, duration, interval, count)
    )


def _plasma(dose: Any, parameters: PKParameters, t: np.ndarray) -> np.ndarray:
    """Plasma concentration (mg/L) at times t (s, 1-D) from one entry of a dose list."""
    amount, duration, interval, count = _schedule(dose)
    way = absorption(dose.drug, parameters.species, dose.route)
    if way.route == "infusion" and duration == 0:
        raise SpecError(f"dose of {dose.drug}: route infusion needs a rate or a duration")
    A, rate = plasma_modes(parameters)
    given = _Input(rate, way.ka, duration)
    start = _value(dose, "time") or 0.0
    modes = np.zeros((len(rate), len(t)))
    for k in range(count):
        since = t - start - k * (interval or 0.0)
        modes += np.where(since >= 0, given.central(np.maximum(since, 0.0)), 0.0)
    if getattr(dose, "ss", False):
        since = t - start
        if math.isinf(duration):
            modes = np.where(since >= 0, np.broadcast_to((1.0 / rate)[:, None], modes.shape), 0.0)
        else:
            before = given.decay(np.maximum(since, 0.0), *given.steady(interval))
            modes += np.where(since >= 0, before, 0.0)
    return way.F * amount * (A @ modes)


def exposure(doses: Iterable[Any], species: str, t: float | np.ndarray) -> dict[str, Any]:
    """Free concentration in the brain of every drug in a list of doses.

    Parameters
    ----------
    doses : iterable
        Objects with ``drug``, ``route``, ``dose`` (mg/kg), ``time`` (s), and, all optional, ``ii`` (s),
        ``addl``, ``ss``, ``rate`` (mg/kg/s), ``duration`` (s). ``addl`` more administrations follow at
        intervals ``ii``; ``ss`` starts from the steady state of infinitely many before, as if the interval
        had been kept for ever; a rate without dose and duration goes on for ever. By a route with absorption
        a rate fills the depot.
    species : str
    t : float or ndarray, s
        On the pharmacological clock: 0 is the first dose. Before 0 there is nothing.

    Returns
    -------
    dict
        Drug (name of the tables) → nM, float or array of the shape of ``t``.

    Raises
    ------
    ReferenceDataError
        If a name is not known or the numbers for the drug are in no table.
    SpecError
        If the entry contradicts itself.

    Notes
    -----
    Exact for linear kinetics. Doses are taken as they are written, salt or base alike.
    """
    times = np.asarray(t, float)
    flat = times.ravel()
    found: dict[str, np.ndarray] = {}
    for dose in doses:
        parameters = pk_parameters(dose.drug, species)
        plasma = np.where(flat >= 0, _plasma(dose, parameters, flat), 0.0)
        brain = parameters.brain_per_plasma * plasma
        found[parameters.drug] = found.get(parameters.drug, 0.0) + brain
    return {name: c.reshape(times.shape) if times.ndim else float(c[0]) for name, c in found.items()}
