"""Least squares over gains, and what the rows say about each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import least_squares
from scipy.sparse import csr_array

__all__ = ["BOUND", "Fit", "Identified", "identified", "minimise", "sparsity"]

#: A parameter stays within this factor of its assumed value.
BOUND = 20.0
#: How far off an assumed value is held to be (logarithm of a factor of 5): rows that say nothing leave it where it is.
_PRIOR_SD = math.log(5.0)
#: A parameter is identified where its rows alone tell it to within a factor of 2 either way.
_KNOWN = math.log(2.0)
#: Step of the logarithm for a derivative: spikes are noisy, and a smaller one would measure chance.
_STEP = 0.2
#: The optimiser steps by a part of the number itself; far from 0 that part is the same everywhere.
_OFFSET = 20.0
_AT_BOUND = 0.02
#: A row pulls where it lies this far from its middle and moves at least this much with the parameter (half-widths).
_WISH, _FELT = 0.5, 0.2

Verdict = Literal["identified", "held by its prior", "at a bound"]


@dataclass(frozen=True, eq=False)
class Fit:
    """Where least squares ended.

    Attributes
    ----------
    position : float array, shape (parameter,)
        Logarithm of each parameter over its assumed value.
    residuals : float array, shape (row,)
        Half-widths.
    jacobian : float array, shape (row, parameter)
        Half-widths of the row's band for a change of the parameter by a factor e; the prior is not in it.
    n_evaluations : int
        Points measured, those of the derivatives among them.
    """

    position: np.ndarray
    residuals: np.ndarray
    jacobian: np.ndarray
    n_evaluations: int


@dataclass(frozen=True)
class Identified:
    """What the rows say about a parameter.

    Attributes
    ----------
    error : float
        Standard error of its logarithm by the rows alone, for errors of one half-width each; infinite where the rows
        cannot tell it from another one of its block.
    correlations : dict, name of another parameter of the block → float
        Of the errors, with the prior.
    more, less : tuple of int
        Rows that ask for more and for less of it, by half a half-width or more.
    """

    error: float
    correlations: dict[str, float]
    more: tuple[int, ...]
    less: tuple[int, ...]
    verdict: Verdict

    @property
    def factor(self) -> float:
        """The standard error as a factor either way."""
        return math.exp(self.error) if self.error < 50 else math.inf


def sparsity(row_blocks: Sequence[str], parameter_blocks: Sequence[str]) -> np.ndarray:
    """Which residuals depend on which parameters: rows on those of their block, each prior on its own.

    Parameters of different blocks are varied at once, so that a Jacobian costs as many evaluations as the largest block
    has parameters.

    Returns
    -------
    bool array, shape (row + parameter, parameter)
    """
    rows = np.array(row_blocks, object)[:, None] == np.array(parameter_blocks, object)[None, :]
    return np.vstack([rows, np.eye(len(parameter_blocks), dtype=bool)])


def minimise(
    residuals: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    row_blocks: Sequence[str],
    parameter_blocks: Sequence[str],
    most_steps: int,
) -> Fit:
    """Find the gains whose rows are nearest to the middles of their bands.

    Parameters
    ----------
    residuals : callable
        Position (logarithms, as in :class:`Fit`) → residual of each row in half-widths.
    start : float array, shape (parameter,)
    row_blocks, parameter_blocks : sequence of str
        Block of each row and of each parameter.
    most_steps : int
        Positions tried, not counting derivatives.

    Notes
    -----
    Trust-region reflective least squares (scipy) on the rows and a weak prior: the logarithm of each parameter over its
    assumed value, with a standard deviation of ln 5. Without noise of its own the result is the same every time.
    """
    counted = _Counted(residuals)
    reach = math.log(BOUND)
    found = least_squares(
        lambda x: np.concatenate([counted(x - _OFFSET), (x - _OFFSET) / _PRIOR_SD]),
        np.clip(start, -0.99 * reach, 0.99 * reach) + _OFFSET,
        bounds=(_OFFSET - reach, _OFFSET + reach),
        # One parameter has nothing to share, and scipy's solver for sparse Jacobians needs two.
        jac_sparsity=csr_array(sparsity(row_blocks, parameter_blocks)) if start.size > 1 else None,
        diff_step=_STEP / _OFFSET,
        max_nfev=most_steps,
        # Spikes do not tell residuals apart that are nearer than this.
        ftol=0.02,
        xtol=2e-3,
        gtol=None,
    )
    jacobian = found.jac.toarray() if hasattr(found.jac, "toarray") else np.asarray(found.jac)
    n = len(row_blocks)
    return Fit(found.x - _OFFSET, found.fun[:n], jacobian[:n], counted.n)


class _Counted:
    def __init__(self, residuals: Callable[[np.ndarray], np.ndarray]):
        self.residuals, self.n = residuals, 0

    def __call__(self, position: np.ndarray) -> np.ndarray:
        self.n += 1
        return self.residuals(position)


def identified(fit: Fit, labels: Sequence[str], blocks: Sequence[str]) -> list[Identified]:
    """What the rows say about each parameter, by the Jacobian where the fit ended.

    Parameters
    ----------
    fit : Fit
    labels, blocks : sequence of str
        Name and block of each parameter.
    """
    information = fit.jacobian.T @ fit.jacobian
    errors = _standard_errors(information)
    covariance = np.linalg.inv(information + np.eye(len(labels)) / _PRIOR_SD**2)
    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd)
    at_bound = np.abs(fit.position) > math.log(BOUND) - _AT_BOUND
    found = []
    for k, block in enumerate(blocks):
        others = [j for j, other in enumerate(blocks) if other == block and j != k]
        verdict: Verdict = (
            "at a bound" if at_bound[k] else "identified" if errors[k] < _KNOWN else "held by its prior"
        )
        asks = -np.sign(fit.residuals) * fit.jacobian[:, k]
        asks[np.abs(fit.residuals) < _WISH] = 0.0
        found.append(
            Identified(
                float(errors[k]),
                {labels[j]: float(correlation[k, j]) for j in others},
                tuple(int(row) for row in np.flatnonzero(asks > _FELT)),
                tuple(int(row) for row in np.flatnonzero(asks < -_FELT)),
                verdict,
            )
        )
    return found


def _standard_errors(information: np.ndarray) -> np.ndarray:
    """Square roots of the diagonal of the inverse; infinite in directions of which there is no information."""
    values, vectors = np.linalg.eigh(information)
    is_known = values > 1e-9 * max(values.max(initial=0.0), 1e-300)
    variance = (vectors[:, is_known] ** 2 / values[is_known]).sum(axis=1)
    is_mixed = (vectors[:, ~is_known] ** 2).sum(axis=1) > 1e-6
    return np.where(is_mixed, np.inf, np.sqrt(variance))
