"""Stiff equations of some seventy unknowns, followed no further than whoever reads them asks."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np

from neurosim.errors import BuildError

__all__ = ["Stretch", "follow", "settled", "slopes_of"]

#: First step (s) towards where a system stands still, how much longer each next one is, and the longest.
_FIRST, _LONGER, _LONGEST = 1e-2, 10.0, 1e5
#: Steps at most, and the last one's relative and absolute size: a Newton step's error is about the square of it.
_MOST_STEPS, _RELATIVE, _ABSOLUTE = 40, 1e-8, 1e-9


class Stretch:
    """A row of numbers along time, linear between given moments; a row is made when it is first needed.

    Parameters
    ----------
    times : sequence of float, s
        Growing, at least two.
    row : callable
        Number of a moment → array.

    Attributes
    ----------
    now : array
        The row of the moment that was asked for last, always the same array.
    """

    def __init__(self, times: Sequence[float], row: Callable[[int], np.ndarray]):
        self._times = [float(t) for t in times]
        self._row = cache(row)
        self._change = cache(lambda k: self._row(k + 1) - self._row(k))
        self.now = self._row(0).copy()

    def __call__(self, t: float) -> np.ndarray:
        times = self._times
        k = min(max(bisect_left(times, t) - 1, 0), len(times) - 2)
        np.multiply(self._change(k), (t - times[k]) / (times[k + 1] - times[k]), out=self.now)
        self.now += self._row(k)
        return self.now


def slopes_of(rates: Callable[[np.ndarray], np.ndarray], y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Time derivatives at a state, shape (variable,), and their Jacobian by differences, all columns at once.

    Parameters
    ----------
    rates : callable
        States in columns, shape (variable, state) → their time derivatives, alike.
    """
    step = 1e-6 * np.maximum(np.abs(y), 1e-3)
    found = rates(y[:, None] + np.concatenate([np.zeros((len(y), 1)), np.diag(step)], axis=1))
    return found[:, 0], (found[:, 1:] - found[:, :1]) / step


def settled(rates: Callable[[np.ndarray], np.ndarray], y: np.ndarray) -> np.ndarray:
    """Where concentrations that start at ``y`` come to stand still, none below 0.

    Parameters
    ----------
    rates : callable
        As for :func:`slopes_of`.

    Notes
    -----
    Implicit Euler steps, each ten times as long as the one before: the first follow the transient, the last are Newton's.
    What nothing holds back is where the last of them leaves it.
    """
    h, identity = _FIRST, np.eye(len(y))
    for _ in range(_MOST_STEPS):
        rate, slopes = slopes_of(rates, y)
        change = np.linalg.solve(identity / h - slopes, rate)
        y = np.maximum(y + change, 0.0)
        if h >= _LONGEST and (np.abs(change) <= _RELATIVE * y + _ABSOLUTE).all():
            break
        h = min(_LONGER * h, _LONGEST)
    return y


# Rang J, Angermann L (2005) BIT Numer Math 45:761-787, ROS34PW2: third order whatever matrix stands for the Jacobian, L-stable,
# and its last stage is the end of the step. Rows: where a stage is evaluated, and how the stages before it enter.
_GAMMA = 4.3586652150845900e-1
_STAGES = np.array(
    [[0.0, 0.0, 0.0, 0.0], [8.7173304301691801e-1, 0.0, 0.0, 0.0], [8.4457060015369423e-1, -1.1299064236484185e-1, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
)
_COUPLING = np.array(
    [
        [_GAMMA, 0.0, 0.0, 0.0],
        [-8.7173304301691801e-1, _GAMMA, 0.0, 0.0],
        [-9.0338057013044082e-1, 5.4180672388095326e-2, _GAMMA, 0.0],
        [2.4212380706095346e-1, -1.2232505839045147, 5.4526025533510214e-1, _GAMMA],
    ]
)
_END = np.array([2.4212380706095346e-1, -1.2232505839045147, 1.5452602553351020, _GAMMA])
_LOWER = np.array([3.7810903145819369e-1, -9.6042292212423178e-2, 5.0e-1, 2.1793326075422950e-1])
# the same for stages that are multiplied by the coupling, which needs no product with the Jacobian (Hairer & Wanner 1996, IV.7)
_INVERSE = np.linalg.inv(_COUPLING)
_AT, _FROM = _STAGES.sum(axis=1), _STAGES @ _INVERSE
_TO = np.diag(np.diag(_INVERSE)) - _INVERSE
_WEIGHT, _ERROR = _END @ _INVERSE, (_END - _LOWER) @ _INVERSE
#: First step (s); where it is too long it is done again.
_BEGINS = 1.0
#: Steps for which a Jacobian serves, bounds of the change of a step, its safety, and the smallest one as a part of the time.
_SERVES, _SHRINK, _GROW, _SAFETY, _SMALLEST = 8, 0.2, 6.0, 0.9, 1e-12


@cache
def _lapack() -> tuple[Callable, Callable]:
    """LU and its solution; the wrappers around them take longer than the algebra of so few unknowns."""
    # no trial without drugs needs SciPy
    from scipy.linalg.lapack import dgetrf, dgetrs

    return dgetrf, dgetrs


class _Steps:
    """Steps of a stiff system from ``y`` at ``t``.

    Parameters
    ----------
    rates, slopes, rtol, atol
        As for :func:`follow`.
    """

    def __init__(self, rates, slopes, t: float, y: np.ndarray, end: float, rtol: float, atol: float):
        self.rates, self.slopes, self.end, self.rtol, self.atol = rates, slopes, end, rtol, atol
        self.t, self.y, self.h = t, y, _BEGINS
        self.identity, self.stages = np.eye(len(y)), np.zeros((len(_AT), len(y)))
        self.jacobian: np.ndarray | None = None
        self.served = 0
        self.lu, self.lu_step = None, 0.0

    def reach(self, time: float) -> np.ndarray:
        """The state at a later time."""
        while self.t < time:
            left = time - self.t
            # two equal steps rather than a tiny last one
            h = left if left <= self.h * (1.0 + 1e-6) else min(self.h, 0.5 * left)
            if h < _SMALLEST * max(abs(time), 1.0):
                raise BuildError(f"the stores cannot be followed beyond {self.t:g} s: the steps become too small")
            y, error = self._step(h)
            change = min(_GROW, max(_SHRINK, _SAFETY * error ** (-1.0 / 3.0))) if error > 0.0 else _GROW
            if error > 1.0 or not math.isfinite(error):
                self.h = h * (min(change, _SAFETY) if math.isfinite(error) else _SHRINK)
                self.jacobian = None if self.served else self.jacobian
                continue
            self.t, self.y = (time if h == left else self.t + h), y
            self.served += 1
            # a step that was cut to end at ``time`` says nothing against longer ones
            self.h = max(self.h, h * change) if h == left and change > 1.0 else h * change
        return self.y

    def _step(self, h: float) -> tuple[np.ndarray, float]:
        """The state after a step, and its error over what is allowed."""
        getrf, getrs = _lapack()
        if self.jacobian is None or self.served >= _SERVES:
            self.jacobian, self.served, self.lu = self.slopes(min(self.t, self.end), self.y), 0, None
        if self.lu is None or self.lu_step != h:
            self.lu, self.lu_step = getrf(self.identity / (_GAMMA * h) - self.jacobian, overwrite_a=True), h
        u, y = self.stages, self.y
        for i in range(len(_AT)):
            there = y + _FROM[i, :i] @ u[:i] if i else y
            f = self.rates(min(self.t + _AT[i] * h, self.end), there)
            u[i] = getrs(self.lu[0], self.lu[1], f + (_TO[i, :i] @ u[:i]) / h if i else f)[0]
        end = y + _WEIGHT @ u
        off = (_ERROR @ u) / (self.atol + self.rtol * np.maximum(np.abs(y), np.abs(end)))
        return end, math.sqrt(off @ off / len(off))


def follow(
    rates: Callable[[float, np.ndarray], np.ndarray],
    slopes: Callable[[float, np.ndarray], np.ndarray],
    y: np.ndarray,
    times: np.ndarray,
    end: float,
    rtol: float,
    atol: float,
) -> Iterator[np.ndarray]:
    """State at every one of ``times`` after the first, shape (variable,); each is computed when it is asked for.

    Parameters
    ----------
    rates, slopes : callable
        Time derivatives of a state, and their Jacobian.
    y : array
        State at the first of ``times``.
    times : array, s
        Growing; the rates may have corners there.
    end : float, s
        Beyond this nothing is evaluated; by rounding the last of ``times`` may lie a little off it.
    rtol, atol : float
        Error of a step, relative to the state and absolute.

    Raises
    ------
    BuildError
        Where the steps become too small.

    Notes
    -----
    A Rosenbrock method, for methods that look back lose what they know at every moment of the clock. Beside SciPy's BDF with a
    tolerance of 1e-4, along the clock of a trial of the main job with 1e-3: four fifths of the time, without an import of
    0.4 s; half of the states within 7e-6 (BDF 1.4e-4), all within 2.4e-3 (1.0e-3).
    """
    steps = _Steps(rates, slopes, float(times[0]), np.asarray(y, float), end, rtol, atol)
    for time in times[1:]:
        yield steps.reach(float(time))
