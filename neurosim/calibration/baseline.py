"""Rest: drives for the rates, slow excitation for the bursts, quanta for the concentrations.

Each of these values acts first on one readout of its own population or pool, so all are stepped at once towards their
bands, a damped fixed-point iteration with a slope that each value learns from its own last step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from neurosim.calibration.current import block_current, input_at_rest
from neurosim.calibration.observe import Observation
from neurosim.calibration.values import Values
from neurosim.spec import Circuit

__all__ = ["Baseline", "Drive", "middle"]

#: Largest step of the logarithm of a rate that is asked for at once.
_LARGEST = 1.0
#: Part of the current between rest and threshold that changes a rate by a factor e, the first guess of a slope.
_FIRST_SLOPE = 0.25
#: Learned slopes stay within this factor of the first guess.
_SLOPE_RANGE = 2.0
#: Standard deviations of the drive between the mean and depolarisation block: 2 % of the cells may lie beyond.
_UNBLOCKED = 2.0
#: Changes of a logarithm of a rate below this may be chance.
_NOISE = 0.05
#: Bursts count for less than rates when it is asked whether a baseline is close enough: their bands are wider.
_BURST_WEIGHT = 0.4
_BURST_STEP, _SPREAD_STEP, _ACTIVE_STEP, _QUANTUM_STEP = 0.4, 0.6, 0.6, 0.8


def middle(low: float, high: float) -> float:
    """Geometric middle of a band, what calibration aims at."""
    return math.sqrt(float(low) * float(high))


@dataclass
class Drive:
    """The constant current of one population and the readout it is fitted to."""

    path: str
    population: str
    readout: str
    target: float
    slope: float
    first_slope: float
    last: tuple[float, float] | None = None

    def step(self, current: float, rate: float) -> float:
        """Change of the drive in A for a rate seen at a current."""
        log_rate = math.log(max(rate, 0.02))
        if self.last is not None:
            moved, answered = current - self.last[0], log_rate - self.last[1]
            if moved * answered < 0 and abs(answered) > _NOISE:
                # More current and fewer spikes: depolarisation block. Go back, and on with half the steps.
                self.slope *= 0.5
                return -moved
            if abs(answered) > _NOISE and moved * answered > 0:
                learned = min(
                    max(moved / answered, self.first_slope / _SLOPE_RANGE), self.first_slope * _SLOPE_RANGE
                )
                self.slope = 0.5 * (self.slope + learned)
        self.last = (current, log_rate)
        error = math.log(self.target) - log_rate
        return self.slope * min(max(error, -_LARGEST), _LARGEST)


@dataclass
class Baseline:
    """The resting part of a calibration.

    Parameters
    ----------
    circuit : Circuit
    values : Values
        Gets the drives, their spreads, burst weights and quanta of everything that has a band.
    """

    circuit: Circuit
    values: Values
    drives: list[Drive] = field(init=False)
    bursts: dict[str, list[str]] = field(init=False)
    quanta: dict[str, list[str]] = field(init=False)
    spreads: dict[str, str] = field(init=False)

    def __post_init__(self):
        calibration = self.circuit.calibration
        self.drives = [self.drive(name) for name, p in self.circuit.populations.items() if p.band is not None]
        named: Mapping = {} if calibration is None else calibration.bursts
        self.bursts = {name: self.values.add(paths) for name, paths in named.items()}
        self.quanta = {
            f"{region}.{transmitter}": self.values.add(
                f"pools.{region}.{transmitter}.release.{population}.quantum"
                for population in self.circuit.native_releasers(region, transmitter)
            )
            for region, pools in self.circuit.pools.items()
            for transmitter, pool in pools.items()
            if pool.band is not None and pool.release
        }
        self.spreads = {
            name: self.values.add([f"populations.{name}.drive.sd"])[0]
            for name, p in self.circuit.populations.items()
            if p.active_band is not None and p.drive.sd is not None
        }

    def drive(self, name: str) -> Drive:
        """The drive of a population with a band."""
        population = self.circuit.populations[name]
        path = self.values.add([f"populations.{name}.drive"])[0]
        p = population.parameters
        slope = _FIRST_SLOPE * float(p.g_L.value) * (float(p.V_T.value) - float(p.E_L.value))
        target = middle(population.band.low, population.band.high)
        return Drive(path, name, population.band.readout, target, slope, slope)

    def step(self, seen: Observation) -> None:
        """Move every value one step towards its band."""
        for drive in self.drives:
            rate = seen.rate(drive.population, drive.readout)
            if drive.population in self.spreads:
                self._step_active(drive, seen)
            else:
                self.values.shift(drive.path, drive.step(self.values.numbers[drive.path], rate))
        for name, paths in self.bursts.items():
            band = self.circuit.populations[name].burst_band
            target = 0.5 * (float(band.low) + float(band.high))
            error = (target - seen.rate(name, "burst_fraction")) / target
            self.values.scale(paths, math.exp(_BURST_STEP * min(max(error, -0.5), 0.5)))
        for pool, paths in self.quanta.items():
            self.values.scale(paths, (self.needed(pool, seen)) ** _QUANTUM_STEP)

    def _step_active(self, drive: Drive, seen: Observation) -> None:
        """Step a population that is part silent: the drive sets how many cells fire, its spread how fast those do.

        Around half, the active part of a normal spread changes by 0.4 for one standard deviation of the drive. Both stay
        where few cells are near depolarisation block, beyond which more current gives fewer spikes.
        """
        name, population = drive.population, self.circuit.populations[drive.population]
        path, band = self.spreads[name], population.active_band
        rate, active = seen.rate(name, drive.readout), seen.rate(name, "active_fraction")
        error = math.log(drive.target / max(rate, 0.02))
        self.values.scale([path], math.exp(_SPREAD_STEP * min(max(error, -0.5), 0.5)))
        missing = 0.5 * (float(band.low) + float(band.high)) - active
        # A spread that is small for the moment must not hold the mean where it is.
        width = max(self.values.numbers[path], drive.first_slope)
        self.values.shift(drive.path, _ACTIVE_STEP * width * missing / 0.4)
        self._keep_off_block(name, drive.path, path, seen)

    def _keep_off_block(self, name: str, drive: str, spread: str, seen: Observation) -> None:
        """Hold the mean input of a population below the onset of its slow threshold and most of its cells below block."""
        parameters = self.circuit.populations[name].parameters
        block = block_current(parameters)
        if math.isinf(block):
            return
        other, numbers = input_at_rest(self.circuit, self.values, seen, name), self.values.numbers
        numbers[drive] = min(numbers[drive], float(parameters.I_b.value) - other)
        numbers[spread] = min(numbers[spread], (block - numbers[drive] - other) / _UNBLOCKED)

    def compensate(self, population: str, current: float) -> None:
        """Add to a drive what a change elsewhere takes from it, so that rest stays where it is."""
        for drive in self.drives:
            if drive.population == population:
                self.values.shift(drive.path, current)
                if drive.last is not None:
                    drive.last = (drive.last[0] + current, drive.last[1])

    def needed(self, pool: str, seen: Observation) -> float:
        """Factor on the release of a pool that brings its concentration to the middle of its band."""
        region, transmitter = pool.split(".")
        spec = self.circuit.pools[region][transmitter]
        now = seen.concentration(pool)
        return self._cleared(pool, middle(spec.band.low, spec.band.high)) / max(
            self._cleared(pool, now), 1e-9
        )

    def _cleared(self, pool: str, c: float) -> float:
        """Clearance of a pool at a concentration without competitors, nM/s."""
        region, transmitter = pool.split(".")
        spec = self.circuit.pools[region][transmitter]
        carried = sum(
            float(entry.V_max.value) * c / (float(entry.K_m.value) + c)
            for owners in spec.transporters.values()
            for entry in owners.values()
        )
        return carried + float(spec.k_out.value) * c

    def learned(self) -> dict[str, float]:
        """Path of each drive → its slope, to take up from later."""
        return {drive.path: drive.slope for drive in self.drives}

    def resume(self, slopes: Mapping[str, float]) -> None:
        """Go on from slopes learned before, at values that were set from outside."""
        for drive in self.drives:
            drive.slope, drive.last = slopes[drive.path], None

    def error(self, seen: Observation) -> tuple[float, str]:
        """Largest distance from a target, as a factor's logarithm (0 is perfect), and whose it is."""
        errors = {
            d.population: math.log(max(seen.rate(d.population, d.readout), 0.02) / d.target)
            for d in self.drives
        }
        errors |= {pool: -math.log(self.needed(pool, seen)) for pool in self.quanta}
        for name in self.bursts:
            band = self.circuit.populations[name].burst_band
            target = 0.5 * (float(band.low) + float(band.high))
            errors[f"bursts of {name}"] = _BURST_WEIGHT * math.log(max(seen.rate(name, "burst_fraction"), 0.01) / target)
        worst = max(errors, key=lambda name: abs(errors[name]), default="")
        return errors.get(worst, 0.0), worst
