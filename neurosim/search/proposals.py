"""New points from those that are known: a tree-structured Parzen estimator, told everything anew each time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

import numpy as np

from neurosim.errors import SpecError
from neurosim.search.space import DrawnAxis, Point

__all__ = ["optimiser", "propose"]


def optimiser() -> ModuleType:
    """The package that proposes points.

    Raises
    ------
    SpecError
        It is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise SpecError(
            "optimise needs the package Optuna, which is not installed: install neurosim with its extra 'explore'"
        ) from None
    return optuna


def propose(
    axes: Sequence[DrawnAxis], points: Sequence[Point], values: np.ndarray, direction: str, n: int, seed: int
) -> list[Point]:
    """Points worth trying next; the same for the same points, values and seed.

    Parameters
    ----------
    axes, points : sequences
    values : float array, shape (point,)
        NaN where a point failed.
    direction : ``minimize`` or ``maximize``
    n : int
        How many.
    seed : int

    References
    ----------
    bergstra2011 (Adv. Neural Inf. Process. Syst. 24:2546-2554)
    """
    optuna = optimiser()
    spans = {axis.name: optuna.distributions.FloatDistribution(axis.low, axis.high, log=axis.is_log) for axis in axes}
    with _quiet(optuna):
        # a sampler that begins anew would propose its first points again
        own = int(np.random.SeedSequence([seed, len(points)]).generate_state(1)[0])
        sampler = optuna.samplers.TPESampler(seed=own, constant_liar=True)
        study = optuna.create_study(direction=direction, sampler=sampler)
        for point, value in zip(points, values, strict=True):
            numbers = {axis.name: axis.number(text) for axis, text in zip(axes, point, strict=True)}
            end = {"value": float(value)} if np.isfinite(value) else {"state": optuna.trial.TrialState.FAIL}
            study.add_trial(optuna.trial.create_trial(params=numbers, distributions=spans, **end))
        asked = [study.ask(spans) for _ in range(n)]
    return [tuple(axis.text(trial.params[axis.name]) for axis in axes) for trial in asked]


@contextmanager
def _quiet(optuna: ModuleType) -> Iterator[None]:
    """Without a line for every study, and as it was afterwards."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
