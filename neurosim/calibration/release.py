"""Sublinear release: U, tau_rec and m from the transient of one pulse after rest.

After rest nothing is depleted (D = 1) and no autoreceptor is active, so one pulse to all axons raises the pool by its
quantum. The same quantum must hold the resting concentration at the resting rate, through depletion and autoinhibition:

    quantum = R / (ν D̄ (1 + m Ē)),    D̄ = 1/(1 + U ν tau_rec)

with R the clearance at rest. The pulse rows choose among the combinations that do; where they are silent, the priors are.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import least_squares

from neurosim.calibration.baseline import middle
from neurosim.calibration.observe import Observation
from neurosim.calibration.values import Values
from neurosim.spec import Circuit, ReleaseFit

__all__ = ["fit_release"]

#: A band is two standard deviations to either side; priors count by one of theirs, a factor of 2 or 0.2 of the factor.
_SD_PER_HALF_WIDTH = 2.0


def _resting_gain(U, tau_rec, factor, rate, activation) -> float:
    """Released quanta per second and healthy cell at rest."""
    return rate / (1.0 + U * rate * tau_rec) * max(1.0 + factor * activation, 0.05)


def fit_release(circuit: Circuit, values: Values, fit: ReleaseFit, seen: Observation) -> float:
    """Set U, tau_rec and the autoreceptor's factor; rescale the quanta so that rest stays where it is.

    Parameters
    ----------
    circuit : Circuit
    values : Values
    fit : ReleaseFit
        Paths, priors and the pulse rows.
    seen : Observation
        At rest, under ``values``.

    Returns
    -------
    float
        Root mean square distance of the pulses from the middles of their bands, in half-widths of the band (logarithmic).
    """
    paths = {key: values.add(getattr(fit, key)) for key in ("U", "tau_rec", "factor")}
    now = {key: values.numbers[singles[0]] for key, singles in paths.items()}
    prior = np.array([math.log(fit.prior.U), math.log(fit.prior.tau_rec), float(fit.prior.factor)])
    rows = [_Row(circuit, values, row, seen, now) for row in fit.pulses]

    def residuals(x: np.ndarray) -> np.ndarray:
        U, tau_rec, factor = math.exp(x[0]), math.exp(x[1]), x[2]
        pulses = [_SD_PER_HALF_WIDTH * row.residual(U, tau_rec, factor) for row in rows]
        return np.array([*pulses, *((x - prior) / np.array([math.log(2.0), math.log(2.0), 0.2]))])

    bounds = ([math.log(0.02), math.log(0.1), -0.95], [math.log(0.9), math.log(10.0), -0.05])
    best = least_squares(residuals, np.clip(prior, *bounds), bounds=bounds).x
    chosen = {"U": math.exp(best[0]), "tau_rec": math.exp(best[1]), "factor": float(best[2])}
    for row in rows:
        values.scale(row.quanta, row.quantum_change(**chosen))
    for key, singles in paths.items():
        for path in singles:
            values.numbers[path] = chosen[key]
    return float(np.sqrt(np.mean([row.residual(**chosen) ** 2 for row in rows])))


class _Row:
    def __init__(self, circuit: Circuit, values: Values, row, seen: Observation, now: dict[str, float]):
        region, transmitter = row.pool.split(".")
        releasers = circuit.native_releasers(region, transmitter)
        self.quanta = values.add(f"pools.{region}.{transmitter}.release.{name}.quantum" for name in releasers)
        self.now = now
        self.rate = seen.rate(row.population)
        self.activation = float(seen.activation[row.site].mean())
        self.pulse = sum(values.numbers[path] for path in self.quanta)
        self.target, self.half_width = (
            middle(row.low, row.high),
            0.5 * math.log(float(row.high) / float(row.low)),
        )

    def quantum_change(self, U: float, tau_rec: float, factor: float) -> float:
        """Factor on the quanta that keeps the resting release."""
        new = _resting_gain(U, tau_rec, factor, self.rate, self.activation)
        return (
            _resting_gain(self.now["U"], self.now["tau_rec"], self.now["factor"], self.rate, self.activation)
            / new
        )

    def residual(self, U: float, tau_rec: float, factor: float) -> float:
        pulse = self.pulse * self.quantum_change(U, tau_rec, factor)
        return math.log(pulse / self.target) / self.half_width
