"""Stiff equations of some thirty unknowns, followed no further than whoever reads them asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

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
    """

    def __init__(self, times: Sequence[float], row: Callable[[int], np.ndarray]):
        self._times = [float(t) for t in times]
        self._row = cache(row)
        self._change = cache(lambda k: self._row(k + 1) - self._row(k))

    def __call__(self, t: float) -> np.ndarray:
        times = self._times
        k = min(max(bisect_left(times, t) - 1, 0), len(times) - 2)
        return self._row(k) + (t - times[k]) / (times[k + 1] - times[k]) * self._change(k)


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


@cache
def _solver() -> Any:
    """SciPy's BDF; LAPACK is called directly, for its wrappers take longer than the algebra of so few unknowns."""
    # no trial without drugs needs SciPy, and it is slow to import
    from scipy.integrate import BDF
    from scipy.linalg.lapack import dgetrf, dgetrs

    class Solver(BDF):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.lu = lambda matrix: dgetrf(matrix, overwrite_a=True)
            self.solve_lu = lambda factors, b: dgetrs(factors[0], factors[1], b, overwrite_b=True)[0]

    return Solver


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
        Growing.
    end : float, s
        Beyond this nothing is evaluated; by rounding the last of ``times`` may lie a little off it.
    rtol, atol : float

    Raises
    ------
    BuildError
        Where the steps become too small.
    """
    solver = _solver()(rates, float(times[0]), y, max(end, float(times[-1])), jac=slopes, rtol=rtol, atol=atol)
    done = 1
    while done < len(times):
        message = solver.step()
        if solver.status == "failed":
            raise BuildError(f"the stores cannot be followed beyond {solver.t:g} s: {message}")
        reached = int(np.searchsorted(times, solver.t, side="right"))
        if reached > done:
            yield from solver.dense_output()(times[done:reached]).T
            done = reached
