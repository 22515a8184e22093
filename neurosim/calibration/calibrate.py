"""Fit the free values of a circuit to its calibration rows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.build import structure
from neurosim.calibration.baseline import Baseline
from neurosim.calibration.fit import Fit, Identified, identified, minimise
from neurosim.calibration.gains import Gains, Reading
from neurosim.calibration.observe import Laboratory, Observation
from neurosim.calibration.release import fit_release
from neurosim.calibration.values import Values
from neurosim.calibration.write_back import write_back
from neurosim.engines import Engine, choose
from neurosim.schedulers import cpu_count
from neurosim.spec import Circuit, Experiment, GainRow, find_circuit, load_circuit, resolve

__all__ = ["Calibrated", "CalibratedRow", "FittedGain", "Listener", "calibrate"]

#: Subjects may lie outside a band by this factor; their mean may not (MODEL §7).
_SUBJECT_MARGIN = 1.5
#: A baseline counts as found when every readout is this close to the middle of its band (logarithm of a factor).
_CLOSE = 0.06
#: A bath as found when firing in it is this close to that at rest: an EC_50 of firing moves by twice the error.
_BATH_CLOSE = 0.03
#: How a source begins that is a row of the reference's targets.
_ROW_ID = re.compile(r"[A-Z]{2}\d+")
#: Subjects that the rows of the gains are measured in while they are fitted; the report measures all.
_BENCH = 2
_FIRST_STEPS, _NEXT_STEPS, _BETWEEN_STEPS, _BATH_STEPS = 16, 8, 2, 12
#: Positions of the gains that are tried, not counting those of derivatives.
_MOST_POSITIONS = 3
#: A baseline stands still when this many steps bring nothing better: something holds a value, as depolarisation block does.
_PATIENCE, _WORTH_A_STEP = 3, 0.01


@dataclass(frozen=True)
class CalibratedRow:
    """One row of the report: what was aimed at and where the model ended."""

    row: str
    readout: str
    unit: str
    low: float
    high: float
    model: float
    lowest: float
    highest: float

    @property
    def is_inside(self) -> bool:
        """The mean lies in the band and every subject in the band widened 1.5-fold."""
        low = self.low * (_SUBJECT_MARGIN if self.low < 0 else 1 / _SUBJECT_MARGIN)
        high = self.high * (1 / _SUBJECT_MARGIN if self.high < 0 else _SUBJECT_MARGIN)
        return self.low <= self.model <= self.high and low <= self.lowest and self.highest <= high


@dataclass(frozen=True)
class FittedGain:
    """One parameter of the gains: where it ended and what the rows say about it.

    Attributes
    ----------
    block, name : str
    value, assumed : str
        As the file says them; ``assumed`` before any row was seen.
    factor : float
        Value over assumed.
    identified : Identified
    more, less : tuple of str
        Rows that ask for more and for less of it.
    """

    block: str
    name: str
    value: str
    assumed: str
    factor: float
    identified: Identified
    more: tuple[str, ...]
    less: tuple[str, ...]


@dataclass(frozen=True)
class Calibrated:
    """What a calibration found.

    Attributes
    ----------
    circuit : str
    values : dict, path → text
        The fitted values as they stand in the file.
    rows : list of CalibratedRow
    gains : list of FittedGain
    notes : tuple of str
        What the circuit says of its calibration.
    file : Path or None
        Where the values were written.
    """

    circuit: str
    values: Mapping[str, str]
    rows: list[CalibratedRow]
    gains: list[FittedGain]
    notes: tuple[str, ...]
    file: Path | None

    @property
    def n_inside(self) -> int:
        return sum(row.is_inside for row in self.rows)


class Listener:
    """Hears how a calibration goes; override what you want to know."""

    def stage(self, text: str) -> None:
        """A new stage begins."""

    def progress(self, done: int, total: int) -> None:
        """So many programs of the present step are done."""


@dataclass(frozen=True, eq=False)
class _Place:
    """A position of the gains with the rest that was found there, from which nearby ones are reached."""

    cost: float
    numbers: Mapping[str, float]
    slopes: Mapping[str, float]
    baths: Mapping[str, float]
    rest: Observation


class _Calibration:
    """A calibration under way; ``laboratory`` sees rest, ``bench`` (fewer subjects) what the gains' rows need."""

    def __init__(self, circuit: Circuit, laboratory: Laboratory, bench: Laboratory, listener: Listener):
        self.circuit, self.laboratory, self.bench, self.listener = circuit, laboratory, bench, listener
        self.values = Values(circuit)
        self.baseline = Baseline(circuit, self.values)
        self.gains = Gains(circuit, self.values, self.baseline)
        self.slow = Gains(circuit, self.values, self.baseline, lender=self.gains)
        self.place: _Place | None = None
        self.fit: Fit | None = None
        self.slow_fit: Fit | None = None

    def rest(self) -> Observation:
        return self.laboratory.observe({"rest": {"set": self.values.as_set()}}, self.listener.progress)[
            "rest"
        ]

    def settle_baseline(self, steps: int, name: str) -> Observation:
        """Step the baseline until it is close, stands still or the steps are used up; returns what was seen last."""
        seen, errors = self.rest(), []
        for step in range(steps):
            error, worst = self.baseline.error(seen)
            self.listener.stage(
                f"{name}, step {step + 1} of at most {steps}: {worst} {100 * (math.exp(error) - 1):+.0f} %"
            )
            errors.append(abs(error))
            if errors[-1] < _CLOSE or _stands_still(errors):
                break
            self.baseline.step(seen)
            seen = self.rest()
        return seen

    def run(self) -> None:
        seen = self.settle_baseline(_FIRST_STEPS, "baseline")
        self._settle_release(seen)
        if self.gains.parameters:
            self._fit_gains(self.rest())
        # Gains move the resting rates a little, and with them what one pulse must bring.
        self._settle_release(self.settle_baseline(_NEXT_STEPS, "last baseline"))
        if self.slow.parameters:
            self._fit_slow(self.rest())

    def _fit_gains(self, seen: Observation) -> None:
        """Least squares over the gains, from where the circuit has them."""
        self._settle_baths(_NEXT_STEPS)
        self.place = self._here(math.inf, seen)
        gains = self.gains
        self.fit = minimise(
            self._residuals,
            gains.position(),
            [block for block, _ in gains.rows],
            [p.block for p in gains.parameters],
            _MOST_POSITIONS,
        )
        self._go(self.fit.position)

    def _fit_slow(self, seen: Observation) -> None:
        """Least squares over what moves receptors in weeks; it moves nothing at rest."""
        self._settle_baths(_NEXT_STEPS)
        slow = self.slow

        def residuals(position: np.ndarray) -> np.ndarray:
            slow.move(position, seen)
            readings = self._slow_readings(self.bench)
            at = ", ".join(f"{p.name} {math.exp(x):.2f}x" for p, x in zip(slow.parameters, position, strict=True))
            read = "; ".join(f"{r.row.source} {r.value:.3g} ({r.residual:+.1f})" for r in readings)
            self.listener.stage(f"slow rates at {at}: {read}")
            return np.array([reading.residual for reading in readings])

        blocks = [block for block, _ in slow.rows], [p.block for p in slow.parameters]
        self.slow_fit = minimise(residuals, slow.position(), *blocks, _MOST_POSITIONS)
        slow.move(self.slow_fit.position, seen)

    def _slow_readings(self, laboratory: Laboratory) -> list[Reading]:
        """What the rows that follow a treatment read: the treatment first, then slices."""
        for row in self.slow.treatments:
            self.slow.left[row.source] = float(laboratory.receptors_left(row, self.values.as_set()).mean())
        return self.slow.readings(laboratory.observe(self.slow.arms(), self.listener.progress), [])

    def _here(self, cost: float, rest: Observation) -> _Place:
        baths = {name: bath.current for name, bath in self.gains.baths.items()}
        return _Place(cost, dict(self.values.numbers), self.baseline.learned(), baths, rest)

    def _go(self, position: np.ndarray) -> None:
        """Bring the gains to a position from the best place so far, at about the rest found there."""
        self.values.numbers.update(self.place.numbers)
        self.baseline.resume(self.place.slopes)
        for name, current in self.place.baths.items():
            self.gains.baths[name].resume(current)
        self.gains.move(position, self.place.rest)

    def _residuals(self, position: np.ndarray) -> np.ndarray:
        """What the rows read at a position of the gains, once rest is back where it was."""
        self._go(position)
        for _ in range(_BETWEEN_STEPS):
            self.baseline.step(self.rest())
        self._settle_baths(_BATH_STEPS)
        arms = {"rest": {"set": self.values.as_set()}} | self.gains.arms()
        measured = self.bench.observe(arms, self.listener.progress)
        readings = self.gains.readings(measured, self._pulsed(self.bench))
        residuals = np.array([reading.residual for reading in readings])
        cost = float(residuals @ residuals)
        if cost < self.place.cost:
            self.place = self._here(cost, measured["rest"])
        at = " ".join(f"{p.name} {math.exp(x):.2f}x" for p, x in zip(self.gains.parameters, position, strict=True))
        self.listener.stage(f"gains at {at}")
        self.listener.stage(
            f"  {cost:.1f}: " + "; ".join(f"{r.row.source} {r.value:.3g} ({r.residual:+.1f})" for r in readings)
        )
        return residuals

    def _pulsed(self, laboratory: Laboratory):
        return laboratory.stimulate(self.gains.stimuli, self.values.as_set(), self.listener.progress)

    def _settle_release(self, seen: Observation) -> None:
        fits = {} if self.circuit.calibration is None else self.circuit.calibration.release
        for _ in range(2 if fits else 0):
            for name, fit in fits.items():
                distance = fit_release(self.circuit, self.values, fit, seen)
                self.listener.stage(
                    f"release of {name}: pulses {distance:.2f} half-widths from the middle of their bands"
                )
            seen = self.settle_baseline(_NEXT_STEPS, "baseline after release")

    def _settle_baths(self, steps: int) -> None:
        for _ in range(steps if self.gains.baths else 0):
            seen = self.bench.observe(self.gains.bath_arms(), self.listener.progress)
            if self.gains.step_baths(seen) < _BATH_CLOSE:
                break

    def report(self, laboratory: Laboratory) -> list[CalibratedRow]:
        """Where everything ended, on recordings of the final length."""
        self.listener.stage("report")
        arms = {"rest": {"set": self.values.as_set()}} | self.gains.arms()
        seen = laboratory.observe(arms, self.listener.progress)
        rest = seen["rest"]
        rows = []
        for name, p in self.circuit.populations.items():
            if p.band is not None:
                rows.append(
                    _row(p.band, f"{p.band.readout} of {name}", "Hz", rest.rates[p.band.readout][name])
                )
            if p.burst_band is not None:
                rows.append(
                    _row(p.burst_band, f"burst_fraction of {name}", "1", rest.rates["burst_fraction"][name])
                )
            if p.active_band is not None:
                rows.append(
                    _row(
                        p.active_band, f"active_fraction of {name}", "1", rest.rates["active_fraction"][name]
                    )
                )
        for region, pools in self.circuit.pools.items():
            for transmitter, pool in pools.items():
                if pool.band is not None:
                    values = rest.pools["concentration"][f"{region}.{transmitter}"]
                    rows.append(_row(pool.band, f"concentration of {region}.{transmitter}", "nM", values))
        return (
            rows
            + self._pulse_rows()
            + [_gain_row(reading) for reading in self.gains.readings(seen, self._pulsed(laboratory))]
            + ([_gain_row(reading) for reading in self._slow_readings(laboratory)] if self.slow.parameters else [])
        )

    def fitted_gains(self) -> list[FittedGain]:
        """What the rows say about each parameter."""
        return self._fitted(self.gains, self.fit) + self._fitted(self.slow, self.slow_fit)

    def _fitted(self, gains: Gains, fit: Fit | None) -> list[FittedGain]:
        if fit is None:
            return []
        parameters, rows = gains.parameters, [row for _, row in gains.rows]
        found = identified(fit, [p.name for p in parameters], [p.block for p in parameters])
        return [
            FittedGain(
                p.block,
                p.name,
                self.values.text(p.paths[0]),
                self.circuit.calibration.gains[p.block].parameters[p.name].assumed.text,
                math.exp(x),
                known,
                *(tuple(_row_name(rows[k]) for k in which) for which in (known.more, known.less)),
            )
            for p, x, known in zip(parameters, gains.position(), found, strict=True)
        ]

    def _pulse_rows(self) -> list[CalibratedRow]:
        fits = {} if self.circuit.calibration is None else self.circuit.calibration.release
        rows = []
        for fit in fits.values():
            for pulse in fit.pulses:
                region, transmitter = pulse.pool.split(".")
                releasers = self.circuit.native_releasers(region, transmitter)
                quantum = sum(
                    self.values.numbers[f"pools.{pulse.pool}.release.{name}.quantum"] for name in releasers
                )
                rows.append(_row(pulse, f"one pulse into {pulse.pool}", "nM", np.array([quantum])))
        return rows


def _stands_still(errors: list[float]) -> bool:
    """Whether the last steps brought nothing worth a step."""
    return len(errors) > _PATIENCE and min(errors[-_PATIENCE:]) > min(errors[:-_PATIENCE]) - _WORTH_A_STEP


def _row(
    band, readout: str, unit: str, values: np.ndarray, source: str | None = None
) -> CalibratedRow:
    row = _ROW_ID.match(source or band.source or "")
    name = row[0] if row else "no row"
    return CalibratedRow(
        name,
        readout,
        unit,
        float(band.low),
        float(band.high),
        float(values.mean()),
        float(values.min()),
        float(values.max()),
    )


def _row_name(row: GainRow) -> str:
    return f"{row.source} ({row.instrument} of {row.population})"


def _gain_row(reading: Reading) -> CalibratedRow:
    row, values = reading.row, reading.subjects
    if row.stimulus is None:
        readout = f"{row.instrument} of {row.population} firing, {row.drug}"
    else:
        readout = f"{row.instrument} of {row.population}, pulses to {' + '.join(row.stimulus.populations)}"
    unit = {"EC_50": "nM", "latency": "s", "duration": "s"}.get(row.instrument, "1")
    return _row(row.band, readout, unit, values, row.source)


def calibrate(
    circuit: str | Path | Circuit,
    *,
    subjects: int = 5,
    seed: int = 0,
    settle: str = "6 s",
    record: str = "15 s",
    report_record: str = "60 s",
    workers: int | None = None,
    output: Path | None = None,
    engine: Engine | None = None,
    listener: Listener | None = None,
) -> Calibrated:
    """Fit the free values of a circuit (MODEL §8) and write them back with basis ``fitted``.

    Drives, their spreads and slow excitation are fitted to the bands of the populations, release quanta to those of the
    pools, and what the circuit's ``calibration`` block names to its rows. Nothing else is touched. Values of a circuit
    that the file extends are written into the file's own ``changes``. The same circuit, seed and machine type give the
    same values.

    Parameters
    ----------
    circuit : str, Path or Circuit
        A name or file; a :class:`Circuit` built in code is fitted but has no file to write to.
    subjects : int
        At least 5 for a published calibration.
    seed : int
    settle, record, report_record : str
        Lengths of the fitting runs and of the recording in the report.
    workers : int, optional
        Programs at once; by default one per processor.
    output : Path, optional
        File to write; by default the file the circuit came from.
    engine : Engine, optional
    listener : Listener, optional

    Returns
    -------
    Calibrated
    """
    file = None if isinstance(circuit, Circuit) else Path(find_circuit(str(circuit)))
    spec = circuit if isinstance(circuit, Circuit) else load_circuit(file)
    engine, listener = engine or choose().engine, listener or Listener()
    ends = {
        "engine": engine,
        "subjects": range(subjects),
        "seed": seed,
        "settle": settle,
        "workers": workers or cpu_count(),
    }
    laboratory = Laboratory(spec, record=record, **ends)
    listener.stage("building the program")
    engine.prepare(_structure(spec))
    bench = Laboratory(spec, record=record, **ends | {"subjects": range(min(subjects, _BENCH))})
    calibration = _Calibration(spec, laboratory, bench, listener)
    calibration.run()
    rows = calibration.report(Laboratory(spec, record=report_record, **ends))
    fitted = calibration.values.as_set()
    target = output or file
    if target is not None:
        write_back(file, Path(target), fitted)
    notes = () if spec.calibration is None else spec.calibration.notes
    return Calibrated(spec.name, fitted, rows, calibration.fitted_gains(), notes, target)


def _structure(circuit: Circuit):
    phases = [{"name": "rest", "record": "1 s"}]
    experiment = Experiment(
        name="calibration", circuit=circuit, protocol={"phases": phases}, arms={"rest": {}}
    )
    return structure(resolve(experiment, "rest", {}))
