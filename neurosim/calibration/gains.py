"""Gains of receptors from how much their drugs move firing: the instruments of MODEL §8 that need no stimulus."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim import pharmacology
from neurosim.build.checks import resting_concentration
from neurosim.calibration.baseline import Baseline, Drive
from neurosim.calibration.observe import Observation
from neurosim.calibration.values import Values
from neurosim.spec import Circuit, GainFit, GainRow

__all__ = ["CLOSE", "Gains", "maximal_concentration"]

#: "A maximal-effect row of a drug without PK in the species uses C = 10 K" (MODEL §8).
_MAXIMAL = 10.0
#: Concentrations of a half-inhibition row, as parts of the middle of its band.
_LADDER = (0.1, 0.32, 1.0, 3.2, 10.0)
_STEP, _LARGEST_STEP = 0.7, math.log(1.6)
#: A gain counts as found when its rows are this close to their middles, in half-widths.
CLOSE = 0.5
#: Membrane potential between spikes at which a change of a gain is made up for by the drive, V.
_BETWEEN_SPIKES = -0.05


def maximal_concentration(circuit: Circuit, drug: str, site: str) -> float:
    """Ten times the affinity constant of a drug at a site, nM."""
    found = circuit.sites[site]
    EC_50 = None if found.EC_50 is None else float(found.EC_50.value)
    constants = pharmacology.site_constants(found.receptor, float(found.tau.value), EC_50)
    terms = pharmacology.drug_terms(
        found.receptor, {pharmacology.ligand_name(drug): 1.0}, constants, circuit.species
    )
    return _MAXIMAL / terms.X


@dataclass
class _Gain:
    name: str
    fit: GainFit
    paths: list[str]
    last: tuple[float, float] | None = None
    slope: float = 1.0


@dataclass
class Gains:
    """All gains of a circuit's ``calibration`` block.

    A gain's residual is the mean over its rows of (model - middle of the band) in half-widths of the band; the gain is
    stepped, in its logarithm, until the residual is small.
    """

    circuit: Circuit
    values: Values
    baseline: Baseline
    gains: list[_Gain] = field(init=False)
    baths: dict[str, _Bath] = field(init=False)

    def __post_init__(self):
        calibration = self.circuit.calibration
        self.baths = {}
        fits: Mapping = {} if calibration is None else calibration.gains
        self.gains = [_Gain(name, fit, self.values.add(fit.parameters)) for name, fit in fits.items()]
        for row in (row for fit in fits.values() for row in fit.rows if row.washed):
            self.baths[row.source] = _Bath(self.baseline.drive(row.population))

    def arms(self) -> dict[str, dict[str, Any]]:
        """The arms that the rows need, besides rest."""
        arms = {}
        for gain in self.gains:
            for row in gain.fit.rows:
                settings = self._settings(row)
                if row.washed:
                    arms[f"{row.source}_rest"] = {"set": settings}
                for label, concentration in self._concentrations(row):
                    drug = {"drug": row.drug, "concentration": f"{concentration:.6g} nM"}
                    arms[label] = {"drugs": [drug], "set": settings}
        return arms

    def bath_arms(self) -> dict[str, dict[str, Any]]:
        """Rest in the baths alone."""
        rows = [row for gain in self.gains for row in gain.fit.rows if row.washed]
        return {f"{row.source}_rest": {"set": self._settings(row)} for row in rows}

    def step_baths(self, seen: Mapping[str, Observation]) -> float:
        """Move the currents that hold firing at rest in the baths; returns the largest error (logarithm)."""
        return max(
            (bath.step(self.values, seen[f"{name}_rest"]) for name, bath in self.baths.items()), default=0.0
        )

    def _settings(self, row: GainRow) -> dict[str, str]:
        settings = self.values.as_set()
        if row.washed:
            bath = self.baths[row.source]
            current = self.values.numbers[bath.drive.path] + bath.current
            settings[bath.drive.path] = f"{current * 1e12:.6g} pA"
            for pool in row.washed:
                for path in self.baseline.quanta[pool]:
                    settings[path] = "0 nM"
        return settings

    def _concentrations(self, row: GainRow) -> list[tuple[str, float]]:
        if row.change is not None:
            return [(f"{row.source}", maximal_concentration(self.circuit, row.drug, row.site))]
        if row.EC_50 is not None:
            center = math.sqrt(float(row.EC_50.low) * float(row.EC_50.high))
        else:
            center = self._postsynaptic(row) / math.sqrt(float(row.ratio.low) * float(row.ratio.high))
        return [(f"{row.source}_{k}", part * center) for k, part in enumerate(_LADDER)]

    def _postsynaptic(self, row: GainRow) -> float:
        """Concentration of the drug that half activates the postsynaptic site, beyond its tone (nM)."""
        site = self.circuit.sites[row.against]
        EC_50 = None if site.EC_50 is None else float(site.EC_50.value)
        constants = pharmacology.site_constants(site.receptor, float(site.tau.value), EC_50)
        tone = resting_concentration(self.circuit, row.against)
        name = pharmacology.ligand_name(row.drug)
        grid = np.logspace(-3, 6, 2000)
        levels = []
        for c in grid:
            terms = pharmacology.drug_terms(site.receptor, {name: c}, constants, self.circuit.species)
            levels.append(
                float(pharmacology.activation(tone, constants.K, constants.tau, terms.X, terms.S, constants.tau_0))
            )
        rest = float(pharmacology.activation(tone, constants.K, constants.tau, tau_0=constants.tau_0))
        part = (np.array(levels) - rest) / (levels[-1] - rest)
        return float(np.interp(0.5, part, grid))

    def readings(self, seen: Mapping[str, Observation]) -> list[tuple[_Gain, GainRow, float, float]]:
        """(gain, row, model's value in the row's unit, residual in half-widths) of every row."""
        found = []
        for gain in self.gains:
            for row in gain.fit.rows:
                value = self._value(row, seen)
                found.append((gain, row, value, _residual(row, value)))
        return found

    def _value(self, row: GainRow, seen: Mapping[str, Observation]) -> float:
        rest = seen[f"{row.source}_rest" if row.washed else "rest"].rate(row.population)
        if row.change is not None:
            return seen[row.source].rate(row.population) / rest - 1.0
        labels = self._concentrations(row)
        parts = np.array([seen[label].rate(row.population) / rest for label, _ in labels])
        half = _half_point(np.array([c for _, c in labels]), parts)
        return half if row.EC_50 is not None else self._postsynaptic(row) / half

    def misses(self, readings: list[tuple[_Gain, GainRow, float, float]]) -> dict[str, float]:
        """Gain → its residual; 0 where its rows are close to their middles, or pull it both ways from inside their bands."""
        found = {}
        for gain in self.gains:
            own = [(row, r) for g, row, _, r in readings if g is gain]
            residual = float(np.mean([_signed(row, r) for row, r in own]))
            is_found = abs(residual) < CLOSE and all(abs(r) <= 1 for _, r in own)
            found[gain.name] = 0.0 if is_found else residual
        return found

    def step(self, readings: list[tuple[_Gain, GainRow, float, float]], rest: Observation) -> None:
        """Move every gain that is not found yet."""
        misses = self.misses(readings)
        for gain in self.gains:
            residual = misses[gain.name]
            if residual == 0:
                continue
            position = math.log(abs(self.values.numbers[gain.paths[0]]))
            if gain.last is not None:
                moved, answered = position - gain.last[0], residual - gain.last[1]
                if abs(moved) > 1e-3 and moved * answered > 0:
                    gain.slope = min(max(answered / moved, 0.3), 6.0)
            gain.last = (position, residual)
            move = min(max(-_STEP * residual / gain.slope, -_LARGEST_STEP), _LARGEST_STEP)
            self._move(gain, math.exp(move), rest)

    def _move(self, gain: _Gain, factor: float, rest: Observation) -> None:
        """Scale a gain and take from the drives of its cells what it gives them at rest."""
        for path in gain.paths:
            before = self.values.numbers[path]
            self.values.scale([path], factor)
            segments = path.split(".")
            if segments[0] != "sites":
                continue
            site = self.circuit.sites[segments[1]]
            more = (self.values.numbers[path] - before) * float(rest.activation[segments[1]].mean())
            if segments[-1] == "girk":
                E_K = float(self.circuit.synapses["GABA_B"].E_rev.value)
                self.baseline.compensate(site.on, more * (_BETWEEN_SPIKES - E_K))
                for bath in self.baths.values():
                    if bath.drive.population == site.on:
                        bath.current -= more * (_BETWEEN_SPIKES - E_K)
            elif segments[-1] == "current":
                self.baseline.compensate(site.on, -more)


@dataclass
class _Bath:
    """A slice: what current, on top of the drive, holds a population's firing where it is at rest."""

    drive: Drive
    current: float = 0.0

    def step(self, values: Values, seen: Observation) -> float:
        rate = seen.rate(self.drive.population, self.drive.readout)
        self.current += self.drive.step(values.numbers[self.drive.path] + self.current, rate)
        return abs(math.log(max(rate, 0.02) / self.drive.target))


def _half_point(concentrations: np.ndarray, parts: np.ndarray) -> float:
    """Concentration at which the rate is half, log-interpolated; the ladder's end where it is not reached."""
    falling = np.minimum.accumulate(parts)
    if falling[-1] > 0.5:
        return float(concentrations[-1])
    if falling[0] <= 0.5:
        return float(concentrations[0])
    k = int(np.argmax(falling <= 0.5))
    (x0, x1), (y0, y1) = np.log(concentrations[k - 1 : k + 1]), falling[k - 1 : k + 1]
    return float(np.exp(x0 + (y0 - 0.5) / (y0 - y1) * (x1 - x0)))


def _limits(row: GainRow) -> tuple[float, float]:
    if row.change is not None:
        return math.log1p(float(row.change.low)), math.log1p(float(row.change.high))
    band = row.EC_50 if row.EC_50 is not None else row.ratio
    return math.log(float(band.low)), math.log(float(band.high))


def _residual(row: GainRow, value: float) -> float:
    low, high = _limits(row)
    seen = math.log1p(max(value, -0.99)) if row.change is not None else math.log(value)
    return (seen - 0.5 * (low + high)) / (0.5 * (high - low))


def _signed(row: GainRow, residual: float) -> float:
    """The residual, with the sign that a larger gain makes larger: effects grow away from 0, half points fall."""
    if row.change is not None:
        return residual if sum(_limits(row)) > 0 else -residual
    return -residual if row.EC_50 is not None else residual
