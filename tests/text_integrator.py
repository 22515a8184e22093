"""Integrates the cells' equation text directly in NumPy: no Brian2, no plan, a few lines. For tests of the physics."""

from __future__ import annotations

import re

import numpy as np

from neurosim import models

_UNITS = {"volt": 1.0, "mV": 1e-3, "amp": 1.0, "siemens": 1.0, "Hz": 1.0, "farad": 1.0, "inf": np.inf}
_FUNCTIONS = {
    "vexp": models.vexp,
    "heaviside": models.heaviside,
    "gauss": models.gauss,
    "uniform": models.uniform,
}
_FUNCTIONS |= {"clip": np.clip, "int": lambda x: np.asarray(x).astype(int)}
SLOW_STEP = 1e-3


class TextCells:
    """Cells as the text says, without synapses: constant conductances may be given as parameters.

    Parameters
    ----------
    fast_kinds : tuple of str
    dt : float, s
    **parameters
        Values of the text's variables, numbers or arrays of one shape; the rest start at 0.
    """

    def __init__(self, fast_kinds: tuple[str, ...] = (), dt: float = 1e-4, **parameters):
        text = models.cell_equations(fast_kinds, (), (), 0)
        self.rates = {
            name: compile(rate, name, "eval") for name, rate in re.findall(r"d(\w+)/dt = (.*) : \w+", text)
        }
        self.slow = compile(models.cell_slow_step(fast_kinds, (), ()), "slow step", "exec")
        self.threshold = compile(models.cell_threshold(), "threshold", "eval")
        self.reset = compile(models.cell_reset(), "reset", "exec")
        self.dt, self.step = dt, 0
        n = np.broadcast(*parameters.values()).size
        names = re.findall(r"^(?:d(\w+)/dt|(\w+)) ?[=:]", text, re.MULTILINE)
        self.values = {a or b: np.zeros(n) for a, b in names} | {"i": np.arange(n), "dt": dt}
        self.values |= {"adaptation": np.ones(n), "noise_key": 1}
        self.values |= {
            name: np.broadcast_to(np.asarray(value, float), n).copy() for name, value in parameters.items()
        }
        self.spikes: list[tuple[int, int]] = []

    def _names(self) -> dict:
        # Copies, because a statement like `w += b` works in place, and a reset is for the cells that fired.
        values = {name: np.copy(value) for name, value in self.values.items()}
        clock = {"t_in_timesteps": self.step, "slow_step": self.step // round(SLOW_STEP / self.dt)}
        return {**_UNITS, **_FUNCTIONS, **values, **clock}

    def advance(self, duration: float) -> TextCells:
        """Step through a duration (s)."""
        per_slow = round(SLOW_STEP / self.dt)
        for _ in range(round(duration / self.dt)):
            if self.step % per_slow == 0:
                names = self._names()
                exec(self.slow, names)
                self.values.update({name: names[name] for name in self.values})
            names = self._names()
            slopes = {name: eval(rate, names) for name, rate in self.rates.items()}
            for name, slope in slopes.items():
                self.values[name] = self.values[name] + self.dt * slope
            fired = np.asarray(eval(self.threshold, self._names()))
            if fired.any():
                names = self._names()
                exec(self.reset, names)
                for name in self.values:
                    if np.shape(self.values[name]) == fired.shape:
                        self.values[name] = np.where(fired, names[name], self.values[name])
                self.spikes += [(self.step, int(k)) for k in np.flatnonzero(fired)]
            self.step += 1
        return self

    def spike_steps(self, k: int = 0) -> np.ndarray:
        """Steps at which cell k fired."""
        return np.array([step for step, cell in self.spikes if cell == k])

    def rates_between(self, begin: float, end: float) -> np.ndarray:
        """Spikes per second of each cell between two times (s)."""
        first, last = round(begin / self.dt), round(end / self.dt)
        cells = [cell for step, cell in self.spikes if first <= step < last]
        return np.bincount(cells, minlength=len(self.values["i"])) / (end - begin)


def adex(**changes) -> dict:
    """Parameters of a leaky cell with a sharp threshold at -50 mV; anything may be changed. Delta_T, t_ref as in a plan."""
    cell = {
        "C_m": 100e-12,
        "g_L": 5e-9,
        "E_L": -65e-3,
        "V_T": -50e-3,
        "Delta_T": 0.02e-3,
        "V_r": -65e-3,
        "V_peak": -45e-3,
        "t_ref": 2e-3,
        "tau_w": 0.1,
        "a": 0.0,
        "b": 0.0,
        "drive": 0.0,
        "dt": 1e-4,
    } | changes
    dt = cell.pop("dt")
    Delta_T, t_ref, g_L = cell.pop("Delta_T"), cell.pop("t_ref"), cell["g_L"]
    derived = {
        "inv_C_m": 1 / cell.pop("C_m"),
        "inv_Delta_T": 1 / Delta_T,
        "I_exp": g_L * Delta_T,
        "inv_tau_w": 1 / cell.pop("tau_w"),
        "n_ref": np.rint(t_ref / dt),
        "dt": dt,
    }
    return {"v": cell["E_L"], **cell, **derived}
