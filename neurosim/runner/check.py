"""What an experiment would run, said before anything is simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim import build, pharmacology, reference
from neurosim.build.still import levels_at_rest
from neurosim.errors import BuildError
from neurosim.recording import OUTCOMES_WITH_DATA
from neurosim.runner.estimate import Estimate, check_size, run_time
from neurosim.runner.folder import finished
from neurosim.runner.ligands import ligands_of
from neurosim.runner.measure import Measured, estimates_of, from_finished, measure_one
from neurosim.runner.place import Place, place_of
from neurosim.runner.simulate import structures
from neurosim.runner.trials import expand
from neurosim.runner.validate import exposures, idle_drugs, left_out, validate
from neurosim.runner.where import scheduler_of, workers_that_fit
from neurosim.runner.work import engine_of, given, output_folder
from neurosim.spec import Dose, Experiment, cut_stimulations, disorder_effects, phase_times, resolve

__all__ = ["CheckReport", "check"]


@dataclass(frozen=True)
class CheckReport:
    """What would run.

    Attributes
    ----------
    experiment : Experiment
    folder : Path
    engine : str
    phases : tuple of PhaseTime
    trials, done, failed, pending : int
        All trials; with data in the folder; without; to be run.
    builds, compiled : int
        Structures that the pending trials need, and how many of them are compiled already.
    time : float, s
        Expected time of the pending trials on ``workers`` processes, compiling included.
    known : str
        How time and size are known: by experience, or from trials that ran.
    size : float, bytes
        Expected size of the pending trials.
    findings : tuple of neurosim.build.Finding
        Notes and warnings on the circuit and on the experiment.
    script : str
        The batch script, where trials would go to SLURM.
    """

    experiment: Experiment
    folder: Path
    engine: str
    phases: tuple
    trials: int
    done: int
    failed: int
    pending: int
    builds: int
    compiled: int
    workers: int
    time: float
    size: float
    findings: tuple[build.Finding, ...]
    known: str
    script: str = ""


def check(
    experiment: Experiment | str | Path,
    set: Mapping[str, Any] | None = None,  # noqa: A002 (the name of the option)
    output: str | Path | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    sbatch_args: Sequence[str] = (),
    measure: Callable[[str], None] | None = None,
) -> CheckReport:
    """Parse, resolve and plan an experiment; nothing is written to its folder.

    Parameters
    ----------
    experiment, set, output, workers, cluster, sbatch_args
        As of :func:`run`.
    measure : callable, optional
        Where no trial of the folder has run, one is simulated and thrown away to tell time and size; is told so in
        words. Without it nothing is simulated.

    Raises
    ------
    SpecError, UnitError, ReferenceDataError, BuildError
        The experiment cannot be run.
    """
    from neurosim.engines import get_engine

    place = place_of(cluster, sbatch_args, workers)
    experiment = given(experiment, set)
    validate(experiment)
    folder = output_folder(experiment, output)
    engine = engine_of(experiment)
    expansion = expand(experiment, engine)
    headers, _ = finished(folder, (trial.key for trial in expansion.trials))
    done = sum(header.outcome in OUTCOMES_WITH_DATA for header in headers.values())
    pending = [trial for trial in expansion.trials if trial.key not in headers]
    measured = from_finished(expansion, headers, folder, engine)
    if measured is None and measure is not None and pending:
        measured = measure_one(pending, engine, measure)
    needs = list(estimates_of(pending, expansion, headers, folder, engine, measured).values())
    size = sum(need.size for need in needs)
    try:
        check_size(size, folder)
        too_large = ()
    except BuildError as error:
        too_large = (build.Finding("warning", "size", f"run will refuse it: {error}"),)
    needed = structures(pending) if experiment.has_spikes else []
    compiled = sum(map(get_engine(engine).is_prepared, needed)) if needed else 0
    n = 1 if not experiment.has_spikes else workers_that_fit(place.workers, needs)
    return CheckReport(
        experiment=experiment,
        folder=folder,
        engine=engine,
        phases=tuple(phase_times(experiment.protocol)),
        trials=len(expansion.trials),
        done=done,
        failed=len(headers) - done,
        pending=len(pending),
        builds=len(needed),
        compiled=compiled,
        workers=n,
        time=run_time([need.time for need in needs], n, len(needed) - compiled, engine),
        size=size,
        findings=(*too_large, *build.check_circuit(experiment.circuit), *_experiment_findings(experiment)),
        known=(measured or Measured()).how,
        script=_script(place, needs, folder, experiment),
    )


def _script(place: Place, needs: Sequence[Estimate], folder: Path, experiment: Experiment) -> str:
    if place.cluster != "slurm" or not needs or not experiment.has_spikes:
        return ""
    return scheduler_of(place, needs, folder.resolve(), experiment.name).script(len(needs))


def _experiment_findings(experiment: Experiment) -> Iterator[build.Finding]:
    for arm, what in experiment.arms.items():
        if not what.drugs:
            continue
        for phase, concentrations in exposures(experiment, arm).items():
            text = ", ".join(f"{name} {value:.3g} nM" for name, value in concentrations.items() if value > 0)
            if text:
                yield build.Finding("info", f"arms.{arm}, phase {phase}", f"free in the brain: {text}")
    yield from _disorder_findings(experiment)
    yield from _target_findings(experiment)
    yield from _clock_findings(experiment)
    yield from _pk_findings(experiment)
    for path, sentence in (*left_out(experiment), *idle_drugs(experiment), *cut_stimulations(experiment)):
        yield build.Finding("warning", path, sentence)
    if not experiment.has_spikes:
        levels = ", ".join(
            f"{region}.{transmitter} {level:.3g} nM"
            for (region, transmitter), level in levels_at_rest(resolve(experiment, next(iter(experiment.arms)))).items()
        )
        yield build.Finding(
            "info",
            "engine: none",
            "no cell spikes and nothing is released or taken up: drugs, receptors and carriers alone, with every "
            f"transmitter at its level: {levels}",
        )


def _disorder_findings(experiment: Experiment) -> Iterator[build.Finding]:
    """What each disorder does in its arm."""
    for arm, what in experiment.arms.items():
        for effect in disorder_effects(what, experiment.circuit):
            if effect.absent is None:
                where = f"arms.{arm}.disorders.{effect.disorder}"
                yield build.Finding("info", where, f"{effect.alteration}: {effect.what}")


def _target_findings(experiment: Experiment) -> Iterator[build.Finding]:
    """What each drug meets in this circuit, what it does not, and what of it is left out."""
    circuit = experiment.circuit
    receptors = {site.receptor for site in circuit.sites.values()}
    receptors |= {kind.receptor for kind in circuit.synapses.values() if kind.receptor is not None}
    carriers = {c for pools in circuit.pools.values() for pool in pools.values() for c in pool.transporters}
    stores = {t for pools in circuit.pools.values() for t, pool in pools.items() if pool.store is not None}
    knowledge = pharmacology.Knowledge(profile=experiment.profile, species=experiment.species)
    for drug in ligands_of(experiment):
        report = pharmacology.report_targets(drug, receptors, carriers, stores, knowledge)
        where = f"drug {report.drug}"
        if not report.actions:
            yield build.Finding("warning", where, "no target of it is in this circuit: it does nothing here")
        for action in report.actions:
            yield build.Finding("info", where, action)
        if report.absent:
            yield build.Finding("info", where, f"not in this circuit: {', '.join(report.absent)}")
        for text in (*report.unmodelled, *report.assumptions):
            yield build.Finding("info", where, text)


def _clock_findings(experiment: Experiment) -> Iterator[build.Finding]:
    """What the pharmacological clock cannot know of a drug as it is given."""
    late = any(phase.at > 0 for phase in phase_times(experiment.protocol))
    for arm, what in experiment.arms.items() if experiment.has_spikes else ():
        for drug in what.drugs:
            where = f"arms.{arm}.drugs.{drug.drug}"
            destroys = any(row.action.kind == "inactivator" for row in reference.bindings(drug.drug))
            if destroys and (not late or getattr(drug, "phases", ())):
                yield build.Finding(
                    "warning",
                    where,
                    "an irreversible inhibitor needs time on the pharmacological clock: give it from zero on and a phase "
                    "at a later time, or its target stays whole",
                )
            if getattr(drug, "ss", False):
                yield build.Finding(
                    "info",
                    where,
                    "ss: levels are those of steady state; stores, enzymes and receptor numbers start from rest at zero",
                )


def _pk_findings(experiment: Experiment) -> Iterator[build.Finding]:
    """Numbers of the pharmacokinetics that were not measured in this species."""
    together = [[d for d in arm.drugs if isinstance(d, Dose)] for arm in experiment.arms.values()]
    given = [
        (d.drug, d.route, tuple(sorted({e.drug for e in doses} - {d.drug}))) for doses in together for d in doses
    ]
    # Arms that differ in the other drugs mostly rest on the same numbers: each is said once.
    numbers = dict.fromkeys(
        (drug, route, number)
        for drug, route, others in dict.fromkeys(given)
        for number in pharmacology.pk_provenance(drug, experiment.species, route, others)
    )
    for drug, route, number in numbers:
        if number.value is None:
            yield build.Finding("info", f"drug {drug}", number.text)
        elif number.basis in ("derived", "assumed"):
            note = f": {number.note}" if number.note else ""
            words = f"{number.name} = {number.text}, {number.basis}{note}"
            yield build.Finding("info", f"drug {drug}, {route}", words)
