"""The commands and their options. What a command does is imported when it is called, so that help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

__all__ = ["COMMANDS", "app"]

COMMANDS = (
    "run",
    "check",
    "list",
    "show",
    "status",
    "calibrate",
    "validate",
    "report",
    "export",
    "cite",
    "assumptions",
    "schema",
    "cache",
)

app = typer.Typer(
    help="Dopamine, serotonin and what drugs, lesions and disease do to their balance.",
    epilog="Begin with: neurosim run acute_escitalopram",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    suggest_commands=True,
)

Settings = Annotated[
    Optional[list[str]],  # noqa: UP045 (typer reads this at run time)
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change a value, for example subjects=8; may be repeated."
    ),
]
Output = Annotated[
    Optional[str],  # noqa: UP045 (as text: a path without a name would be the current folder)
    typer.Option("--output", metavar="DIR", help="The experiment's folder. [default: results/NAME]"),
]
Workers = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--workers", min=1, metavar="N", help="Worker processes. [default: one per processor]"),
]


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from neurosim import __version__

        print(f"neurosim {__version__}")
        raise typer.Exit(0)


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Name or file.")],
    set_: Settings = None,
    output: Output = None,
    workers: Workers = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and end.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over: remove earlier results of this folder.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failed trial.")] = False,
    max_failures: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--max-failures", min=1, metavar="N", help="Stop after N failed trials."),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run trials again that failed before.")
    ] = False,
    cluster: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--cluster", metavar="NAME", help="slurm, dask or dask:ADDRESS. [default: this machine]"),
    ] = None,
    sbatch_arg: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--sbatch-arg", metavar="ARG", help="Handed to sbatch, e.g. --sbatch-arg=--qos=long; may be repeated."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="With --cluster slurm: submit and end; run again to follow.")
    ] = False,
) -> None:
    """Run an experiment; the same command resumes it.

    A finished trial never runs again, and more subjects, arms or scan points only add. At the end there are a table, a
    figure and files that xarray opens. A trial that failed keeps its outcome until --retry-failed.

    \b
    Exit status: 0 done, 1 some trials failed, 2 wrong input, 130 interrupted.

    \b
    Examples:
      neurosim run acute_escitalopram --set subjects=8 --workers 4 --output results/eight
      neurosim run balance_map --cluster slurm --dry-run
    """
    from neurosim.cli import running

    settings = running.settings(set_)
    where = {"workers": workers, "output": output, "cluster": cluster, "sbatch_args": tuple(sbatch_arg or ())}
    if dry_run:
        running.dry_run(experiment, settings, **where)
        return
    status = running.run(
        experiment,
        set=settings,
        detach=detach,
        **where,
        fresh=fresh,
        fail_fast=fail_fast,
        max_failures=max_failures,
        retry_failed=retry_failed,
    )
    raise typer.Exit(status)


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Experiment or circuit, name or file.")],
    set_: Settings = None,
    output: Output = None,
    workers: Workers = None,
) -> None:
    """Say what an experiment would run; nothing is simulated.

    Of a circuit: how each pool is cleared, and what is odd.

    \b
    Example:
      neurosim check acute_escitalopram --set "arms.escitalopram.drugs.escitalopram.dose=3 mg/kg"
    """
    from neurosim.cli import running

    running.check(file, running.settings(set_), output=output, workers=workers)


@app.command("list")
def list_(
    what: Annotated[
        str, typer.Argument(metavar="KIND", help="circuits, experiments, disorders, drugs, receptors or targets.")
    ],
) -> None:
    """List what ships, and what lies in the current folder.

    \b
    Example:
      neurosim list experiments
    """
    from neurosim.cli import listing

    listing.show(what)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="Circuit, experiment, disorder, drug, receptor or folder.")
    ],
    species: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--species", metavar="NAME", help="Of a drug: kinetics in this species. [default: each]"),
    ] = None,
    dose: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--dose", metavar="DOSE", help="Of a drug: how much. [default: 1 mg/kg]"),
    ] = None,
    route: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--route", metavar="ROUTE", help="Of a drug: how. [default: oral in man, ip in animals]"),
    ] = None,
    every: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--every", metavar="TIME", help="Of a drug: repeated at this interval. [default: 24 h]"),
    ] = None,
) -> None:
    """Show a circuit, experiment, disorder, drug, receptor or folder.

    A circuit: who connects to whom, who releases where, which site hears what. A drug: what it binds, and what a dose,
    once and repeated, comes to in plasma and brain, its active metabolites too. A disorder: what it alters,
    how that was measured, and what was measured beside. A results folder: its table.

    \b
    Examples:
      neurosim show midbrain_raphe
      neurosim show escitalopram
      neurosim show parkinson
      neurosim show fluoxetine --species rat --dose "10 mg/kg" --route ip --every "24 h"
      neurosim show results/acute_escitalopram
    """
    from neurosim.cli import showing

    asked = {"species": species, "dose": dose, "route": route, "every": every}
    showing.show(name, **{option: value for option, value in asked.items() if value is not None})


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of an experiment.")],
) -> None:
    """Say which trials are done, running, failed, missing.

    \b
    Example:
      neurosim status results/acute_escitalopram
    """
    from neurosim.cli import running

    running.status(folder)


@app.command()
def calibrate(
    circuit: Annotated[str, typer.Argument(metavar="CIRCUIT", help="Name or file.")],
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", metavar="FILE", help="Where to write. [default: the circuit's own file]"),
    ] = None,
    report: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--report", metavar="FILE", help="Where to write the tables as Markdown. [default: nowhere]"),
    ] = None,
    workers: Workers = None,
) -> None:
    """Fit the free values of a circuit to published rows.

    Drives, release and the gains that the circuit names are fitted to its bands and calibration rows, and to nothing
    else, and written back with basis "fitted"; a table says which gains the rows tell. It takes minutes and is the same
    every time.

    \b
    Example:
      neurosim calibrate midbrain_raphe --output my_circuit.yaml
    """
    from neurosim.cli import fitting

    fitting.calibrate(circuit, output, workers, report)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of an experiment.")],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="nwb or csv.", show_default=False)] = "",
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", metavar="DIR", help="Where to write. [default: DIR/export/FORMAT]"),
    ] = None,
    arm: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--arm", metavar="NAME", help="This arm alone. [default: all]"),
    ] = None,
    subject: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--subject", metavar="N", help="This subject alone. [default: all]"),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="NWB: write files again that are there, remove those of other trials.")
    ] = False,
    experimenter: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--experimenter", metavar="NAME", help='NWB: "Last, First", as archives want; may be repeated.'),
    ] = None,
    institution: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--institution", metavar="NAME", help="NWB: where the simulation was made."),
    ] = None,
) -> None:
    """Take results to other programs: NWB or CSV.

    nwb: a file for each trial, with spike trains, traces, phases, stimulations, drugs and provenance. A file of a trial that
    is there is kept. csv: a table for each group of the summary, with units in datapackage.json. docs/exchange.md says what
    comes back exactly.

    \b
    Examples:
      neurosim export results/acute_escitalopram --to csv
      neurosim export results/acute_escitalopram --to nwb --arm escitalopram --experimenter "Curie, Marie"
    """
    from neurosim.cli import exporting

    chosen = {"output": output, "arm": arm, "subject": subject}
    exporting.export(folder, to, chosen, fresh=fresh, experimenters=experimenter or (), institution=institution or "")


@app.command()
def cite(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT|DIR", help="Name, file, or results folder.")],
    set_: Settings = None,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Print BibTeX instead of a list.")] = False,
) -> None:
    """Say what to cite for an experiment or a run.

    The software, and the publications behind the numbers that the experiment uses, by what they are for. Sources that are
    no publication (rules, product labels, a fit) are named too. Of a results folder: for what was run, --set and all.

    \b
    Examples:
      neurosim cite acute_escitalopram --bibtex > references.bib
      neurosim cite results/acute_escitalopram --bibtex > references.bib
    """
    from neurosim.cli import citing, running

    citing.cite(experiment, running.settings(set_), bibtex)


@app.command()
def assumptions(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Name or file.")],
    set_: Settings = None,
) -> None:
    """List every number of an experiment that was not measured.

    Counts by basis first, then what is assumed, derived or fitted, each with its value and why: of the circuit, of its
    receptors and carriers, and of the drugs in the species.

    \b
    Example:
      neurosim assumptions acute_escitalopram --set species=mouse
    """
    from neurosim.cli import citing, running

    citing.assumptions(experiment, running.settings(set_))


@app.command()
def validate(
    only: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--only", metavar="ID", help="Score this row alone; may be repeated."),
    ] = None,
    rows: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--rows", metavar="FILE", help="Score the rows of a file. [default: those that ship]"),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="At most three subjects where cells spike.")
    ] = False,
    workers: Workers = None,
) -> None:
    """Score the model against published numbers; nothing is fitted to them.

    What the rows need runs into results/validation, and the table is written to results/validation/validation.csv.
    Finished trials never run again.

    \b
    Exit status: 0 done, 1 some trials failed, 2 wrong input, 130 interrupted.

    \b
    Example:
      neurosim validate --only PT01 --only PT16
    """
    from neurosim.cli import validating

    raise typer.Exit(validating.validate(only, rows, quick, workers))


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of an experiment.")],
) -> None:
    """Write one HTML page about a results folder, DIR/report.html.

    What was asked, the circuit, arms, interactive figures, paired changes, every drug with its occupancy, the published
    observations that it touches, assumptions, citations, and the command that runs it again. Everything is in the one
    file: it can be sent by mail, read on a phone and asks nothing of the network.

    \b
    Example:
      neurosim report results/acute_escitalopram
    """
    from neurosim.cli import reporting

    reporting.report(folder)


@app.command()
def schema(
    what: Annotated[str, typer.Argument(metavar="KIND", help="circuit, experiment, disorder, rows or cluster.")],
) -> None:
    """Print the JSON Schema of a kind of file, for editors.

    With it an editor completes keys and names, shows what each is, and marks mistakes; docs/editors.md says how.

    \b
    Example:
      neurosim schema experiment > experiment.schema.json
    """
    from neurosim.cli import listing

    listing.schema(what)


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all compiled programs.")] = False,
    stale: Annotated[
        bool, typer.Option("--stale", help="Remove those that cannot be used here, and what killed builds left.")
    ] = False,
) -> None:
    """Show the compiled programs and which of them can be used here, or remove them.

    A program fits one structure (cells, synapses, equations, time step), compiler, kind of processor and version; other
    numbers need no new one. What is being compiled at the moment is left alone.

    \b
    Examples:
      neurosim cache --stale
      neurosim cache --clear
    """
    from neurosim.cli import caching

    caching.show(clear, stale)
