"""``run``, ``check`` and ``status``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.cli.console import error, note, say, table, title
from neurosim.cli.progress import Progress
from neurosim.errors import SpecError

__all__ = ["check", "dry_run", "run", "settings", "status"]

#: Failed trials that are listed one by one.
_MOST_FAILURES = 10


def settings(given: Sequence[str] | None) -> dict[str, str]:
    """``PATH=VALUE`` texts as a mapping.

    Raises
    ------
    SpecError
        A text without ``=`` or without a path, or a path twice.
    """
    found: dict[str, str] = {}
    for text in given or ():
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise SpecError(f"--set {text!r}: give PATH=VALUE, for example --set subjects=8")
        if path.strip() in found:
            raise SpecError(f"--set {path.strip()!r} is given twice; give each path once")
        found[path.strip()] = value.strip()
    return found


def run(experiment: str, *, set: dict[str, str], **options) -> int:  # noqa: A002
    """Run an experiment with progress, then its table; returns the exit status."""
    from neurosim import runner

    progress = Progress()
    try:
        with progress:
            report = runner.run_experiment(experiment, set=set or None, progress=progress, **options)
    except KeyboardInterrupt:
        error(progress.interrupted)
        return 130
    if report.detached:
        say(f"\n'neurosim status {report.folder}' says how far it is; the same command without --detach follows it")
        return 0
    if report.has_data:
        _result_table(report)
    if report.simulated == 0 and not report.lost:
        say(f"\nNothing was simulated: all {report.total} trials are there.")
    say(f"\nfigure   {report.figure}")
    say(f"summary  {report.folder / 'summary.h5'}")
    if report.failed:
        _failures(runner.status(report.folder).failed)
        left = report.total - report.simulated - report.kept
        stopped = f", stopped with {left} not tried" if report.stopped else ""
        error(
            f"{len(report.failed)} of {report.total} trials failed{stopped}; --retry-failed runs them again"
        )
    if report.lost:
        error(f"{len(report.lost)} of {report.total} trials were lost on the way; e.g. {report.lost[0][1]}")
    return 1 if report.failed or report.lost else 0


def _result_table(report) -> None:
    from neurosim.cli.showing import folder_table, results_table

    if report.results is None:
        folder_table(report.folder)
    else:
        results_table(report.results)


def _failures(failed: Sequence) -> None:
    title("Failed trials")
    rows = [[f.arm, f.subject, f.point, f.outcome, f.message] for f in failed]
    table(["arm", "subject", "point", "outcome", "why"], rows[:_MOST_FAILURES])
    if len(rows) > _MOST_FAILURES:
        say(f"  ... and {len(rows) - _MOST_FAILURES} more: neurosim status lists them")


def check(name: str, settings: dict[str, str], **options) -> None:
    """Print what an experiment would run, or the findings on a circuit."""
    from neurosim.cli.names import is_circuit

    if is_circuit(name):
        _check_circuit(name, settings)
    else:
        _check_experiment(name, settings, **options)


def dry_run(name: str, settings: dict[str, str], **options) -> None:
    """Print what a run would do: as ``check``, with time and size from a trial that ran, and the batch script."""
    report = _check_experiment(name, settings, measure=note, **options)
    if report.script:
        title("Batch script")
        say(report.script)


def _check_circuit(name: str, settings: dict[str, str]) -> None:
    from neurosim import build
    from neurosim.runner.validate import validate_circuit
    from neurosim.spec import load_circuit

    if settings:
        raise SpecError("--set is rooted in an experiment; a circuit is checked as its file says")
    circuit = load_circuit(name)
    validate_circuit(circuit)
    n = sum(population.n for population in circuit.populations.values())
    say(
        f"circuit {circuit.name}: {len(circuit.populations)} populations, {n} neurons, {len(circuit.sites)} sites"
    )
    _findings(build.check_circuit(circuit))


def _check_experiment(name: str, settings: dict[str, str], **options):
    from neurosim import runner
    from neurosim.runner.estimate import duration_text, size_text
    from neurosim.spec import NOTICE, clock_text, scan_dimensions

    report = runner.check(name, set=settings or None, **options)
    experiment = report.experiment
    scan = "".join(f" x {d.size} {_dimension(d)}" for d in scan_dimensions(experiment))
    say(f"experiment {experiment.name}, circuit {experiment.circuit.name}, species {experiment.species}")
    say(
        f"  {len(experiment.arms)} arms x {experiment.subjects} subjects{scan}: {report.trials} trials, "
        f"{report.done} done, {report.failed} failed, {report.pending} to run"
    )
    compiled = {
        "standalone": f"compiled C++, {report.builds} program(s), {report.compiled} of them there already",
        "numpy": "NumPy, nothing to compile",
        "none": "none: nothing spikes, nothing is compiled",
    }
    say(f"  engine {compiled.get(report.engine, report.engine)}; {report.workers} worker(s)")
    if report.pending:
        say(
            f"  about {duration_text(report.time)} on {report.workers} worker(s) and {size_text(report.size)}, into "
            f"{report.folder}; {report.known}"
        )
    if experiment.has_disorders:
        say(f"  {NOTICE}")
    title("Phases")
    table(
        ["phase", "at", "settle", "record"],
        [[p.name, clock_text(p), f"{float(p.settle):g} s", f"{float(p.record):g} s"] for p in report.phases],
    )
    _findings(report.findings)
    return report


def _dimension(dimension) -> str:
    own = [axis for axis in dimension.axes if axis != dimension.name]
    return f"{dimension.name} ({', '.join(own)})" if own else dimension.name


def _findings(findings: Sequence) -> None:
    for level, heading in (("warning", "Warnings"), ("info", "Notes")):
        chosen = [(f.path, f.text) for f in findings if f.level == level]
        if chosen:
            title(heading)
            table(["where", "what"], chosen)


def status(folder: Path) -> None:
    """Print how far the experiment of a folder is."""
    from neurosim import runner
    from neurosim.runner.estimate import duration_text

    found = runner.status(folder)
    outcomes = ", ".join(f"{n} {outcome}" for outcome, n in sorted(found.outcomes.items()))
    say(f"experiment {found.experiment} in {folder}: {found.total} trials")
    rows = [
        ["done", found.done, outcomes],
        ["running", found.running, ""],
        ["silent", len(found.silent), ""],
        ["failed", len(found.failed), ""],
        ["missing", found.missing, ""],
    ]
    table(["trials", "number", "outcomes"], rows)
    if found.failed:
        title("Failed trials")
        table(
            ["arm", "subject", "point", "outcome", "why"],
            [[f.arm, f.subject, f.point, f.outcome, f.message] for f in found.failed],
        )
    if found.silent:
        title("Silent trials: they may hang, or their machine is gone")
        table(
            ["arm", "subject", "point", "silent for", "where"],
            [[f.arm, f.subject, f.point, duration_text(f.quiet), f.where] for f in found.silent],
        )
    for job in found.jobs:
        say(f"SLURM job {job.job} holds {job.trials} of them; its script and words are in {job.folder}")
    if found.left is not None:
        say(f"about {duration_text(found.left)} left at the pace of the {found.running} that run")
    for path in found.damaged:
        note(f"{path} is damaged or not whole: the next run replaces it")
