"""Measuring a circuit for calibration: several arms on the same subjects, means of what the rows ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analysis.spikes import phase_rates
from neurosim.build import Trial
from neurosim.calibration.stimulus_rows import pulse_arm, recording_time
from neurosim.engines import Engine
from neurosim.recording import PhaseResult, phase_context, phase_result
from neurosim.spec import Circuit, Experiment, GainRow, RowStimulus, resolve

__all__ = ["Laboratory", "Observation"]


@dataclass(frozen=True)
class Observation:
    """What one arm shows, over subjects.

    Attributes
    ----------
    rates : dict, readout → dict, population → array of shape (subject,)
        The readouts of :func:`neurosim.analysis.phase_rates`.
    pools : dict, quantity → dict, ``REGION.TRANSMITTER`` → array of shape (subject,)
        ``concentration`` (nM) and ``release`` (nM/s).
    activation : dict, site → array of shape (subject,)
    """

    rates: Mapping[str, Mapping[str, np.ndarray]]
    pools: Mapping[str, Mapping[str, np.ndarray]]
    activation: Mapping[str, np.ndarray]

    def rate(self, population: str, readout: str = "firing_rate") -> float:
        """Mean over subjects of one readout; 0 where no subject has a cell that shows it."""
        seen = self.rates[readout][population]
        return float(np.nanmean(seen)) if not np.isnan(seen).all() else 0.0

    def concentration(self, pool: str) -> float:
        """Mean over subjects, nM."""
        return float(self.pools["concentration"][pool].mean())


@dataclass(frozen=True)
class Laboratory:
    """Runs arms of a circuit on virtual subjects.

    Parameters
    ----------
    circuit : Circuit
    engine : Engine
    subjects : sequence of int
    seed : int
    settle, record : str
        As in an experiment file.
    workers : int
        Programs that run at once.
    on_progress : callable, optional
        Called with (done, total) after each program.
    """

    circuit: Circuit
    engine: Engine
    subjects: Sequence[int]
    seed: int
    settle: str
    record: str
    workers: int

    def observe(
        self, arms: Mapping[str, Mapping[str, Any]], on_progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Observation]:
        """Run every arm on every subject.

        Parameters
        ----------
        arms : mapping
            Name → arm as in an experiment file (``set``, ``drugs`` with ``concentration``).
        """
        results = self._run(arms, self.record, on_progress)
        return {
            name: _observation([(phase, phase_rates(phase)) for phase in phases])
            for name, phases in results.items()
        }

    def stimulate(
        self,
        stimuli: Sequence[RowStimulus],
        settings: Mapping[str, str],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[tuple[RowStimulus, list[PhaseResult]]]:
        """Give each train of pulses to every subject, with values of the circuit set.

        Returns
        -------
        list of (stimulus, one recording per subject)
        """
        found = []
        for stimulus in stimuli:
            arms = {"pulses": pulse_arm(stimulus, settings)}
            found.append((stimulus, self._run(arms, recording_time(stimulus), on_progress)["pulses"]))
        return found

    def receptors_left(self, row: GainRow, settings: Mapping[str, str]) -> np.ndarray:
        """Part of the receptors of a row's site that its treatment leaves, shape (subject,).

        What they are measured against is the subject before the treatment.
        """
        given = row.treatment
        dose = {"drug": given.drug, "dose": given.dose.text, "route": given.route}
        phases = [
            {"name": "before", "record": self.record},
            {"name": "cut", "at": given.until.text, "record": "2 s"},
        ]
        experiment = Experiment(
            name="treatment",
            circuit=self.circuit,
            seed=self.seed,
            protocol={"settle": self.settle, "phases": phases},
            arms={"treated": {"drugs": [dose | {"ii": given.ii.text, "addl": str(given.addl)}], "set": settings}},
        )
        resolved = resolve(experiment, "treated", {})

        def left(subject: int) -> float:
            trial = Trial(resolved, subject)
            with self.engine.session() as run:
                *_, (step, _) = trial.play(lambda step: run(step.plan))
            return float(step.situation.state.R[trial.layout.sites[row.site]])

        with ThreadPoolExecutor(self.workers) as pool:
            return np.array(list(pool.map(left, self.subjects)))

    def _run(
        self,
        arms: Mapping[str, Mapping[str, Any]],
        record: str,
        on_progress: Callable[[int, int], None] | None,
    ) -> dict[str, list[PhaseResult]]:
        """The recordings of each arm, one per subject."""
        experiment = Experiment(
            name="calibration",
            circuit=self.circuit,
            seed=self.seed,
            protocol={"settle": self.settle, "phases": [{"name": "rest", "record": record}]},
            arms=arms,
        )
        jobs = [(name, subject) for name in arms for subject in self.subjects]
        resolved = {name: resolve(experiment, name, {}) for name in arms}
        by_arm: dict[str, list[PhaseResult]] = {name: [] for name in arms}
        with ThreadPoolExecutor(self.workers) as pool:
            done = pool.map(lambda job: self._phase(resolved[job[0]], job[1]), jobs)
            for k, ((name, _), result) in enumerate(zip(jobs, done, strict=True), 1):
                by_arm[name].append(result)
                if on_progress is not None:
                    on_progress(k, len(jobs))
        return by_arm

    def _phase(self, resolved, subject: int) -> PhaseResult:
        trial = Trial(resolved, subject)
        phase, situation, plan, _ = next(trial.phases())
        return phase_result(self.engine.run(plan), plan, phase_context(trial, phase, situation))


def _observation(phases: list) -> Observation:
    labels = phases[0][0].labels
    pools = [".".join(pool) for pool in labels.pools]

    def table(names, rows) -> dict[str, np.ndarray]:
        return dict(zip(names, np.array(rows, float).T, strict=True))

    return Observation(
        rates={
            readout: table(labels.populations, [rates[readout] for _, rates in phases])
            for readout in ("firing_rate", "firing_rate_active", "active_fraction", "burst_fraction")
        },
        pools={
            quantity: table(pools, [result.means[quantity] for result, _ in phases])
            for quantity in ("concentration", "release")
        },
        activation=table(labels.sites, [result.means["activation"] for result, _ in phases]),
    )
