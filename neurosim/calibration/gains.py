"""The gains of a circuit: which parameters move together, what a move does to rest, and what the rows then read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim import reference
from neurosim.calibration.baseline import Baseline, Drive
from neurosim.calibration.current import synaptic_current
from neurosim.calibration.drug_rows import bath_label, control_row, doses, drug_value
from neurosim.calibration.observe import Observation
from neurosim.calibration.stimulus_rows import stimulus_value
from neurosim.calibration.values import Values
from neurosim.errors import ReferenceDataError, SpecError, nearest
from neurosim.recording import PhaseResult
from neurosim.spec import Circuit, GainRow, RowStimulus

__all__ = ["Gains", "Parameter", "Reading", "residual"]

#: Membrane potential between spikes at which a change of a gain is made up for by the drive, V.
_BETWEEN_SPIKES = -0.05
#: Instruments whose readings are compared as they are; all others as logarithms, as effects of gains multiply.
_LINEAR = ("inhibited", "excited")


@dataclass(frozen=True)
class Parameter:
    """Values that one number multiplies.

    Attributes
    ----------
    block, name : str
    paths : tuple of str
        Single paths.
    assumed : float, internal unit
        Of the first of them, before any row was seen.
    """

    block: str
    name: str
    paths: tuple[str, ...]
    assumed: float

    @property
    def label(self) -> str:
        return f"{self.block}.{self.name}"


@dataclass(frozen=True, eq=False)
class Reading:
    """What the model shows of one row: a value per subject, or one for all where only means are compared."""

    block: str
    row: GainRow
    subjects: np.ndarray

    @property
    def value(self) -> float:
        return float(self.subjects.mean())

    @property
    def residual(self) -> float:
        """Distance from the middle of the band, in half-widths of the band."""
        return residual(self.row, self.value)


@dataclass
class Gains:
    """The gains of a circuit's ``calibration`` block, or its slow parameters.

    Parameters
    ----------
    circuit : Circuit
    values : Values
        Gets the paths of all parameters.
    baseline : Baseline
        Its drives make up for what a move gives or takes at rest.
    lender : Gains, optional
        With it these are the slow parameters, whose rows follow a treatment: slices lie in the lender's baths.

    Attributes
    ----------
    left : dict, source of a row → float
        Part of the receptors that its treatment left at its site, to be set before the row's arms are made.
    """

    circuit: Circuit
    values: Values
    baseline: Baseline
    lender: Gains | None = None
    parameters: list[Parameter] = field(init=False)
    rows: list[tuple[str, GainRow]] = field(init=False)
    baths: dict[str, _Bath] = field(init=False)
    left: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self):
        calibration, slow = self.circuit.calibration, self.lender is not None
        stated_gains: Mapping = {} if calibration is None else calibration.gains
        fits = {block: fit for block, fit in stated_gains.items() if fit.is_slow == slow}
        self.parameters = [
            self._parameter(block, name, stated)
            for block, fit in fits.items()
            for name, stated in fit.parameters.items()
        ]
        self.rows = [(block, row) for block, fit in fits.items() for row in fit.rows]
        self._refuse_unknown_names()
        self.baths = {row.source: _Bath(self.baseline.drive(row.population)) for row in self._washed()}
        if self.lender is not None:
            self.baths = self.lender.baths

    def _refuse_unknown_names(self) -> None:
        """A row is read long after the fit began: what it names is looked up at once."""
        for block, row in self.rows:
            stimulated = () if row.stimulus is None else row.stimulus.populations
            self._known(block, row, "population", (row.population, *stimulated), self.circuit.populations)
            self._known(block, row, "site", (row.site, row.against), self.circuit.sites)
            for drug in filter(None, (row.drug, row.treatment and row.treatment.drug)):
                try:
                    reference.drug(drug)
                except ReferenceDataError as error:
                    raise SpecError(f"calibration: row {row.source} of {block}: {error}") from None
            if row.treatment is not None:
                control_row(self.circuit, row)
                if self.circuit.sites[row.site].regulation is None:
                    raise SpecError(
                        f"calibration: row {row.source} of {block}: no treatment moves the receptors of {row.site}, "
                        "which has no regulation"
                    )

    @staticmethod
    def _known(block: str, row: GainRow, what: str, names: Sequence[str | None], known: Mapping) -> None:
        for name in names:
            if name is not None and name not in known:
                raise SpecError(f"calibration: row {row.source} of {block} names {what} '{name}'; {nearest(name, known)}")

    def _parameter(self, block: str, name: str, stated) -> Parameter:
        paths = self.values.add(stated.paths)
        like = self.values.quantities[paths[0]]
        if like.dimension != stated.assumed.dimension:
            raise SpecError(
                f"calibration: '{stated.assumed}' assumed for {block}.{name} is a {stated.assumed.dimension}, "
                f"'{paths[0]}' is a {like.dimension}"
            )
        return Parameter(block, name, tuple(paths), float(stated.assumed))

    def _washed(self) -> list[GainRow]:
        return [row for _, row in self.rows if row.washed and row.treatment is None]

    @property
    def stimuli(self) -> list[RowStimulus]:
        """The stimuli that the rows need; rows with the same one share its recordings."""
        found: list[RowStimulus] = []
        for _, row in self.rows:
            if row.stimulus is not None and row.stimulus not in found:
                found.append(row.stimulus)
        return found

    def position(self) -> np.ndarray:
        """Logarithm of each parameter over its assumed value."""
        return np.array(
            [math.log(abs(self.values.numbers[p.paths[0]] / p.assumed)) for p in self.parameters]
        )

    def move(self, position: np.ndarray, rest: Observation) -> None:
        """Bring the parameters to a position and take from the drives of their cells what that gives them at rest."""
        for parameter, by in zip(self.parameters, position - self.position(), strict=True):
            for path in parameter.paths:
                self._scale(path, math.exp(by), rest)

    def _scale(self, path: str, factor: float, rest: Observation) -> None:
        kind, name, *inside = path.split(".")
        if kind == "projections":
            before = synaptic_current(self.circuit, self.values, rest, name)
            self.values.scale([path], factor)
            more = synaptic_current(self.circuit, self.values, rest, name) - before
            self._compensate(self.circuit.projections[name].post, -more)
            return
        before = self.values.numbers[path]
        self.values.scale([path], factor)
        if kind != "sites":
            return
        site = self.circuit.sites[name]
        more = (self.values.numbers[path] - before) * site.borne * float(rest.activation[name].mean())
        if inside[-1] == "girk":
            E_K = float(self.circuit.synapses["GABA_B"].E_rev.value)
            self._compensate(site.on, more * (_BETWEEN_SPIKES - E_K))
            for bath in self.baths.values():
                if bath.drive.population == site.on:
                    bath.current -= more * (_BETWEEN_SPIKES - E_K)
        elif inside[-1] == "current":
            self._compensate(site.on, -more)

    def _compensate(self, population: str, current: float) -> None:
        self.baseline.compensate(population, current)

    def arms(self) -> dict[str, dict[str, Any]]:
        """The arms that the rows of drugs need, besides rest."""
        arms = self.bath_arms()
        for _, row in self.rows:
            if row.drug is None:
                continue
            if row.treatment is not None:
                arms |= self._ladder(control_row(self.circuit, row))
            arms |= self._ladder(row)
        return arms

    def _ladder(self, row: GainRow) -> dict[str, dict[str, Any]]:
        settings = self._settings(row)
        return {
            label: {"drugs": [{"drug": row.drug, "concentration": f"{concentration:.6g} nM"}], "set": settings}
            for label, concentration in doses(self.circuit, row)
        }

    def bath_arms(self) -> dict[str, dict[str, Any]]:
        """Rest in the baths alone."""
        controls = [control_row(self.circuit, row) for _, row in self.rows if row.treatment is not None]
        return {bath_label(row): {"set": self._settings(row)} for row in [*self._washed(), *controls]}

    def step_baths(self, seen: Mapping[str, Observation]) -> float:
        """Move the currents that hold firing at rest in the baths; returns the largest error (logarithm)."""
        return max(
            (bath.step(self.values, seen[f"{name}_rest"]) for name, bath in self.baths.items()), default=0.0
        )

    def _settings(self, row: GainRow) -> dict[str, str]:
        settings = self.values.as_set()
        if row.washed:
            bath = self.baths[row.source if row.treatment is None else control_row(self.circuit, row).source]
            current = self.values.numbers[bath.drive.path] + bath.current
            settings[bath.drive.path] = f"{current * 1e12:.6g} pA"
            for pool in row.washed:
                for path in self.baseline.quanta[pool]:
                    settings[path] = "0 nM"
        if row.treatment is not None:
            # the reserve of a site is tau times the part of its receptors that is left
            settings[f"sites.{row.site}.tau"] = f"{self.left[row.source]:.6g}x"
        return settings

    @property
    def treatments(self) -> list[GainRow]:
        """The rows that follow a treatment."""
        return [row for _, row in self.rows if row.treatment is not None]

    def readings(
        self, seen: Mapping[str, Observation], pulsed: Sequence[tuple[RowStimulus, Sequence[PhaseResult]]]
    ) -> list[Reading]:
        """What every row reads, from the arms of the drugs and the recordings of each stimulus."""
        return [Reading(block, row, self._value(row, seen, pulsed)) for block, row in self.rows]

    def _value(self, row: GainRow, seen, pulsed) -> np.ndarray:
        if row.stimulus is None:
            return np.array([drug_value(self.circuit, row, seen)])
        return stimulus_value(row, next(phases for stimulus, phases in pulsed if stimulus == row.stimulus))


@dataclass
class _Bath:
    """A slice: what current, on top of the drive, holds a population's firing where it is at rest."""

    drive: Drive
    current: float = 0.0

    def resume(self, current: float) -> None:
        """Go on from a current that was found before: what the last step brought, elsewhere, says nothing here."""
        self.current, self.drive.last = current, None

    def step(self, values: Values, seen: Observation) -> float:
        rate = seen.rate(self.drive.population, self.drive.readout)
        self.current += self.drive.step(values.numbers[self.drive.path] + self.current, rate)
        return abs(math.log(max(rate, 0.02) / self.drive.target))


def _scaled(row: GainRow, value: float) -> float:
    """A value on the scale on which the row's band is even."""
    if row.instrument == "change":
        return math.log1p(max(value, -0.99))
    return value if row.instrument in _LINEAR else math.log(value)


def residual(row: GainRow, value: float) -> float:
    """Distance of a value from the middle of the row's band, in half-widths of the band."""
    low, high = _scaled(row, float(row.band.low)), _scaled(row, float(row.band.high))
    return (_scaled(row, value) - 0.5 * (low + high)) / (0.5 * (high - low))
