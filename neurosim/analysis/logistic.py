"""The logistic curve over log dose and its least squares, for :mod:`neurosim.analysis.fits`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import least_squares, minimize_scalar
from scipy.special import expit

__all__ = ["Curve", "Data", "Model", "is_steepest", "jacobian"]

# Where a fit looks, no properties of a brain.
_HILL = (0.1, 20.0)  # beyond: a straight line over many decades, a step between two doses
_BEYOND = np.log(1e3)  # ED50 is looked for within a factor of 1000 of the doses; what is farther is a power law to them
_N_ED50, _N_HILL = 91, 61
_MOST_DOSES = 200  # of a first look


def is_steepest(n_H: float) -> bool:
    """Whether a Hill coefficient is the largest that is looked for."""
    return bool(n_H > _HILL[1] * 0.999)


@dataclass(frozen=True, eq=False)
class Data:
    """Observations, and the mean at each dose, which is all that a curve sees of them.

    ``x`` are logarithms of the doses, -inf of 0; ``w`` observations at each of ``dose_x``.
    """

    x: np.ndarray
    y: np.ndarray
    owners: np.ndarray | None
    dose_x: np.ndarray
    w: np.ndarray
    means: np.ndarray
    span: tuple[float, float]

    @classmethod
    def of(cls, doses: np.ndarray, responses: np.ndarray, subjects: np.ndarray | None) -> Data:
        with np.errstate(divide="ignore"):
            x = np.log(doses)
        dose_x, place, w = np.unique(x, return_inverse=True, return_counts=True)
        means = np.bincount(place, weights=responses) / w
        owners = None if subjects is None else np.unique(subjects, return_inverse=True)[1]
        given = dose_x[np.isfinite(dose_x)]
        return cls(x, responses, owners, dose_x, w.astype(float), means, (given[0], given[-1]))

    def coarse(self) -> Data:
        """Neighbouring doses together, if there are very many: for a first look, which the exact one follows."""
        n_doses = self.dose_x.size
        if n_doses <= _MOST_DOSES:
            return self
        place = np.arange(n_doses) * _MOST_DOSES // n_doses
        if np.isinf(self.dose_x[0]):  # no drug at all lies apart from all doses
            place[1:] += 1
        w = np.bincount(place, weights=self.w)
        x, means = (np.bincount(place, weights=self.w * values) / w for values in (self.dose_x, self.means))
        return replace(self, dose_x=x, w=w, means=means)

    @property
    def n_owners(self) -> int:
        return 0 if self.owners is None else int(self.owners.max()) + 1


@dataclass(frozen=True)
class Curve:
    """Response from ``start``, without drug, to ``end``."""

    m: float
    log_h: float
    start: float
    end: float

    def at(self, x: np.ndarray) -> np.ndarray:
        return self.start + (self.end - self.start) * expit(np.exp(self.log_h) * (x - self.m))


@dataclass(frozen=True, eq=False)
class Model:
    """Least squares over the plateaus for a given middle (log dose) and log Hill coefficient."""

    data: Data
    bottom: float | None
    top: float | None
    n_H: float | None

    @property
    def n_free(self) -> int:
        return 4 - sum(known is not None for known in (self.bottom, self.top, self.n_H))

    @property
    def hills(self) -> tuple[float, float]:
        return (np.log(self.n_H),) * 2 if self.n_H is not None else tuple(np.log(_HILL))

    @property
    def middles(self) -> tuple[float, float]:
        low, high = self.data.span
        return low - _BEYOND, high + _BEYOND

    def plateaus(self, m: Any, log_h: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Start, end and sum of squares of the dose means, shape of m and log_h broadcast."""
        h = np.exp(np.asarray(log_h, float))[..., None]
        g = expit(h * (self.data.dose_x - np.asarray(m, float)[..., None]))
        if self.bottom is None and self.top is None:
            return self._squares(g, *_both_free(g, self.data.means, self.data.w))
        found = [self._squares(g, *self._one_way(g, rises)) for rises in (True, False)]
        better = found[0][2] <= found[1][2]
        return tuple(np.where(better, up, down) for up, down in zip(*found, strict=True))

    def _one_way(self, g: np.ndarray, rises: bool) -> tuple[np.ndarray, np.ndarray]:
        """Plateaus of a curve that rises, or falls, where one or both are known."""
        start, end = (self.bottom, self.top) if rises else (self.top, self.bottom)
        y, w = self.data.means, self.data.w
        if start is not None and end is not None:
            return np.full(g.shape[:-1], start), np.full(g.shape[:-1], end)
        known, part = (start, g) if start is not None else (end, 1.0 - g)
        square = (w * part**2).sum(axis=-1)
        size = np.divide((w * part * (y - known)).sum(axis=-1), square, out=np.zeros_like(square), where=square > 0)
        # from the known plateau to the free one; the other way round is the other kind of curve
        size = np.maximum(size, 0.0) if (start is not None) == rises else np.minimum(size, 0.0)
        whole = np.full(g.shape[:-1], known)
        return (whole, known + size) if start is not None else (known + size, whole)

    def _squares(self, g, start, end) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        left = self.data.means - start[..., None] - (end - start)[..., None] * g
        return start, end, (self.data.w * left**2).sum(axis=-1)

    def curve(self, m: float, log_h: float) -> Curve:
        start, end, _ = self.plateaus(m, log_h)
        return Curve(float(m), float(log_h), float(start), float(end))

    @cached_property
    def grid(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Middles, log Hill coefficients and sums of squares over both."""
        m = np.linspace(*self.middles, _N_ED50)
        log_h = np.unique(np.linspace(*self.hills, _N_HILL))
        return m, log_h, self._coarse.plateaus(m[:, None], log_h)[2]

    @cached_property
    def _coarse(self) -> Model:
        return replace(self, data=self.data.coarse())

    def best(self) -> tuple[float, float]:
        m, log_h, squares = self.grid
        i, j = np.unravel_index(np.argmin(squares), squares.shape)
        root, is_free = np.sqrt(self.data.w), self.n_H is None

        def residuals(theta):
            own = self.curve(theta[0], theta[1] if is_free else log_h[0])
            return root * (self.data.means - own.at(self.data.dose_x))

        ends = [self.middles, self.hills][: 1 + is_free]
        start = [np.clip(value, *end) for value, end in zip((m[i], log_h[j]), ends, strict=False)]
        low, high = zip(*ends, strict=True)
        found = least_squares(residuals, start, bounds=(low, high), x_scale=0.5, xtol=1e-12, ftol=1e-14, gtol=1e-14)
        return float(found.x[0]), float(found.x[1] if is_free else log_h[0])

    def profile(self, m: float) -> float:
        """Least sum of squares over all but the middle."""
        grid = self.grid[1]
        j = int(np.argmin(self._coarse.plateaus(np.full(grid.size, m), grid)[2]))
        near = float(self.plateaus(m, grid[j])[2])
        if grid.size == 1:
            return near
        ends = grid[max(j - 1, 0)], grid[min(j + 1, grid.size - 1)]
        found = minimize_scalar(lambda h: float(self.plateaus(m, h)[2]), bounds=ends, method="bounded")
        return min(float(found.fun), near)


def _both_free(g: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    part = w / w.sum()
    mean = (part * g).sum(axis=-1)
    centred, level = g - mean[..., None], float(part @ y)
    square = (part * centred**2).sum(axis=-1)
    size = np.divide((part * centred * (y - level)).sum(axis=-1), square, out=np.zeros_like(square), where=square > 0)
    return level - size * mean, level + size * (1.0 - mean)


def jacobian(model: Model, m: float, log_h: float, x: np.ndarray) -> np.ndarray:
    """Slopes of the curve in its free parameters, the middle first, shape (observation, parameter)."""
    curve = model.curve(m, log_h)
    h, size = np.exp(log_h), curve.end - curve.start
    finite = np.where(np.isfinite(x), x, 0.0)
    g = expit(h * (x - m))
    bell = g * (1.0 - g)
    columns = [-size * h * bell]
    low, high = model.hills
    # at the end of what is looked for it is no free parameter
    if low + 1e-3 < log_h < high - 1e-3:
        columns.append(size * h * (finite - m) * bell)
    rises = size >= 0
    if (model.bottom if rises else model.top) is None:
        columns.append(1.0 - g)
    if (model.top if rises else model.bottom) is None:
        columns.append(g)
    return np.stack(columns, axis=1)
