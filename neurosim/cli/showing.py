"""``show``: what a name stands for, on a page."""

from __future__ import annotations

from pathlib import Path

from neurosim.cli.console import say, table, title
from neurosim.cli.names import kind_of
from neurosim.errors import SpecError

__all__ = ["folder_table", "results_table", "show"]


def show(name: str, **kinetics: str) -> None:
    """Print a circuit, an experiment, a disorder, a drug, a receptor, a carrier or the table of a results folder.

    Parameters
    ----------
    kinetics : str
        Of a drug: ``species``, ``dose``, ``route``, ``every``.

    Raises
    ------
    NeurosimError
        Nothing has that name, or kinetics are asked of something that is no drug.
    """
    kind = kind_of(name)
    if kinetics and kind != "drug":
        options = ", ".join(f"--{option}" for option in kinetics)
        raise SpecError(f"show {name}: it is a {kind} and does not take {options}; allowed: the name of a drug")
    if kind == "circuit":
        from neurosim.cli.show_circuit import show_circuit

        show_circuit(name)
    elif kind == "experiment":
        show_experiment(name)
    elif kind == "disorder":
        from neurosim.cli.show_disorder import show_disorder

        show_disorder(name)
    elif kind == "results":
        folder_table(Path(name))
    else:
        from neurosim.cli import show_reference

        getattr(show_reference, f"show_{kind}")(name, **kinetics)


def show_experiment(name: str) -> None:
    """An experiment: its phases, arms and axes."""
    from neurosim.spec import NOTICE, arm_text, axis_values, clock_text, load_experiment, phase_times

    experiment = load_experiment(name)
    say(f"experiment {experiment.name}: circuit {experiment.circuit.name}, species {experiment.species}")
    if experiment.description:
        say(f"  {' '.join(experiment.description.split())}")
    say(f"  {experiment.subjects} subjects, seed {experiment.seed}, engine {experiment.engine}")
    if experiment.has_disorders:
        say(f"  {NOTICE}")
    title("Phases")
    rows = [
        [p.name, clock_text(p), f"{float(p.settle):g} s", f"{float(p.record):g} s"]
        for p in phase_times(experiment.protocol)
    ]
    table(["phase", "at", "settle", "record"], rows)
    title("Arms")
    table(["arm", "what is done"], [[arm, arm_text(what)] for arm, what in experiment.arms.items()])
    if experiment.scan:
        title("Scan")
        values = axis_values(experiment)
        rows = [
            [axis, experiment.scan[axis].path, ", ".join(map(str, values[axis][0]))]
            for axis in experiment.scan
        ]
        table(["axis", "path", "values"], rows)


def folder_table(folder: Path) -> None:
    """The table of a results folder."""
    from neurosim.analysis import open_results

    with open_results(folder) as results:
        results_table(results)


def results_table(results) -> None:
    """The table of an experiment: per arm rates, concentrations and balance, with the paired change."""
    from neurosim.analysis import summary_table
    from neurosim.analysis.notebook import subjects_text

    arm, phase = results.reference
    say(f"\n{results.name}: phase {results.phases[-1]}, mean over {subjects_text(results)}")
    if len(results.arms) > 1:
        balance = f"; balance against phase {phase}" if results.has_spikes else ""
        say(f"change against arm {arm}, paired over subjects, with its 95 % interval in %{balance}")
    rows = summary_table(results)
    if not results.has_spikes:
        say("engine none: nothing spikes, every transmitter stands at its level")
    if results.notice:
        say(results.notice)
    _missing(results)
    for section in dict.fromkeys(row.section for row in rows):
        chosen = [row for row in rows if row.section == section]
        title(section)
        cells = [[row.name, row.unit, *(cell.text for cell in row.cells.values())] for row in chosen]
        table(["", "unit", *chosen[0].cells], cells, fixed=2)


def _missing(results) -> None:
    from neurosim.recording import OUTCOMES_WITH_DATA

    # an arm that a scan axis does not touch ran once and stands at every point
    trials = dict(zip(results.keys.values.ravel().tolist(), results.outcomes.values.ravel().tolist(), strict=True))
    outcomes = list(trials.values())
    odd = {name: outcomes.count(name) for name in sorted(set(outcomes)) if name != "ok"}
    if odd:
        words = ", ".join(f"{n} {name}" for name, n in odd.items())
        without = " (without data)" if any(name not in OUTCOMES_WITH_DATA for name in odd) else ""
        say(f"not every trial is ok: {words} of {len(outcomes)}{without}")
