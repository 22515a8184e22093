"""One virtual subject: its cells, its wiring, its survivors.

Everything here is drawn from the streams of :mod:`neurosim.build.streams`; arrays are SI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from neurosim.build.classes import cell_classes, classes_of_cells
from neurosim.build.plan import SLOW_STEP
from neurosim.build.streams import stream
from neurosim.spec import Circuit, Lesion, Population, Projection, Sourced

__all__ = ["Cells", "cell_ranges", "draw_cells", "draw_wiring", "survivors"]

#: Parameters of a cell that are copied into the plan under their own names.
_AS_THEY_ARE = ("g_L", "E_L", "V_T", "Delta_T", "V_r", "V_peak", "t_ref", "tau_w", "a", "b")
#: Draws beyond this many standard deviations are cut, and positive quantities stay above this part of their mean.
_CUT_SD = 2.5
_FLOOR = 0.2
#: Projections whose wiring a process remembers: some subjects' worth.
_REMEMBERED = 256


@dataclass(frozen=True)
class Cells:
    """Range of a population in the arrays of all cells."""

    name: str
    start: int
    stop: int

    @property
    def n(self) -> int:
        return self.stop - self.start


def cell_ranges(circuit: Circuit) -> dict[str, Cells]:
    """Where each population lies, in the order of the circuit file."""
    ranges, start = {}, 0
    for name, population in circuit.populations.items():
        ranges[name] = Cells(name, start, start + population.n)
        start += population.n
    return ranges


def survivors(name: str, n: int, lesions: Sequence[Lesion], seed: int, subject: int) -> np.ndarray:
    """Mask of the living cells of a population, shape (n,), bool.

    Larger lesions of the same subject contain the smaller ones; several lesions of one population act one after the other.
    """
    order = stream(seed, subject, f"lesion:{name}").permutation(n)
    left = 1.0
    for lesion in lesions:
        if lesion.population == name:
            left *= 1.0 - float(lesion.fraction)
    alive = np.ones(n, dtype=bool)
    alive[order[: n - int(round(left * n))]] = False
    return alive


def _draw(value: Sourced, n: int, generator: np.random.Generator, *, positive: bool) -> np.ndarray:
    return _spread(value, generator.standard_normal(n), positive=positive)


def _spread(value: Sourced, z: np.ndarray, *, positive: bool) -> np.ndarray:
    mean = float(value.value)
    drawn = mean + (0.0 if value.sd is None else float(value.sd)) * np.clip(z, -_CUT_SD, _CUT_SD)
    return np.maximum(drawn, _FLOOR * mean) if positive else drawn


def _population_cells(name: str, population: Population, seed: int, subject: int) -> dict[str, np.ndarray]:
    n, parameters = population.n, population.parameters

    def draw(key: str, value: Sourced, positive: bool = False) -> np.ndarray:
        return _draw(value, n, stream(seed, subject, f"cells:{name}:{key}"), positive=positive)

    positive = {"g_L", "Delta_T", "t_ref", "tau_w"}
    cells = {key: draw(key, getattr(parameters, key), key in positive) for key in _AS_THEY_ARE}
    cells["inv_C_m"] = 1.0 / draw("C_m", parameters.C_m, True)
    cells["drive"] = draw("drive", population.drive)
    for key in ("kappa", "I_b"):
        value = getattr(parameters, key)
        cells[key] = np.zeros(n) if value is None else draw(key, value)
    tau_b = parameters.tau_b
    cells["b_relax"] = np.full(n, 1.0 if tau_b is None else -np.expm1(-SLOW_STEP / float(tau_b.value)))
    tau, sigma = float(population.noise.tau.value), float(population.noise.sigma.value)
    cells["ou_decay"] = np.full(n, np.exp(-SLOW_STEP / tau))
    cells["ou_kick"] = np.full(n, sigma * np.sqrt(-np.expm1(-2 * SLOW_STEP / tau)))
    start = stream(seed, subject, f"cells:{name}:start").random(n)
    cells["v_0"] = cells["V_r"] + start * (cells["V_T"] - cells["V_r"])
    return cells


def draw_cells(circuit: Circuit, seed: int, subject: int) -> dict[str, np.ndarray]:
    """Cell arrays of a healthy subject (every ``inv_C_m`` positive), shape (n_cells,)."""
    columns: dict[str, list[np.ndarray]] = {}
    classes = cell_classes(circuit)
    for name, population in circuit.populations.items():
        cells = _population_cells(name, population, seed, subject)
        for key, value in zip(("E_GABA", "tau_GABA"), circuit.inhibition(name), strict=True):
            cells[key] = np.full(population.n, value)
        cells["cell_class"] = classes_of_cells(circuit, classes[name], population.n, seed, subject)
        for key, column in cells.items():
            columns.setdefault(key, []).append(column)
    return {key: np.concatenate(parts) for key, parts in columns.items()}


def _partners(n_pre: int, n_post: int, k: int, same: bool, generator: np.random.Generator) -> np.ndarray:
    """k different sources for each target, shape (n_post, k), no cell onto itself."""
    score = generator.random((n_post, n_pre))
    if same:
        np.fill_diagonal(score, 2.0)
    return np.argpartition(score, k - 1, axis=1)[:, :k]


@lru_cache(maxsize=_REMEMBERED)
def _drawn(
    name: str, seed: int, subject: int, n_pre: int, n_post: int, k: int, same: bool, is_spread: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What chance says of a projection: sources, and normal numbers for weights and delays. Doses and arms share it."""
    generator = stream(seed, subject, f"wiring:{name}")
    sources = _partners(n_pre, n_post, k, same, generator)
    z_weight = generator.standard_normal(n_post * k if is_spread else 0)
    drawn = sources, z_weight, generator.standard_normal(n_post * k)
    for array in drawn:
        array.flags.writeable = False
    return drawn


def draw_wiring(
    name: str, projection: Projection, pre: Cells, post: Cells, seed: int, subject: int, dt: float
) -> dict[str, np.ndarray]:
    """Synapses of one projection, arrays of shape (n_post · in_degree,), ordered by target.

    Weights with an sd are log-normal with that mean and sd; delays with an sd are normal and at least one step.
    """
    k, is_spread = projection.in_degree, projection.weight.sd is not None
    same = projection.pre == projection.post
    sources, z_weight, z_delay = _drawn(name, seed, subject, pre.n, post.n, k, same, is_spread)
    n = post.n * k
    weight = np.full(n, float(projection.weight.value))
    if is_spread:
        relative = float(projection.weight.sd) / float(projection.weight.value)
        s = np.sqrt(np.log1p(relative**2))
        weight *= np.exp(s * z_weight - 0.5 * s**2)
    delay = _spread(projection.delay, z_delay, positive=True)
    wiring = {
        "pre": (pre.start + sources.ravel()).astype(np.int32),
        "post": (post.start + np.repeat(np.arange(post.n), k)).astype(np.int32),
        "weight": weight,
        "delay": np.maximum(np.round(delay / dt), 1) * dt,
    }
    if projection.stp is not None:
        tau_fac = projection.stp.tau_fac
        wiring["U"] = np.full(n, float(projection.stp.U.value))
        wiring["tau_rec"] = np.full(n, float(projection.stp.tau_rec.value))
        wiring["tau_fac"] = np.full(n, 0.0 if tau_fac is None else float(tau_fac.value))
    return wiring
