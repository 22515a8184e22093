"""``cite`` and ``assumptions``."""

from __future__ import annotations

from pathlib import Path

from neurosim.cli.console import note, say, table, title
from neurosim.errors import SpecError

__all__ = ["assumptions", "cite"]


def assumptions(name: str, settings: dict[str, str]) -> None:
    """Print the numbers of an experiment that nobody measured."""
    from neurosim.runner import numbers_used

    used = numbers_used(name, set=settings or None)
    experiment = used.experiment
    say(f"experiment {experiment.name}, circuit {experiment.circuit.name}, species {experiment.species}")
    counts = ", ".join(f"{basis} {n}" for basis, n in used.counts.items())
    say(f"  {len(used.numbers)} numbers: {counts}")
    title("Not measured")
    table(
        ["where", "value", "basis", "source, why"],
        [[n.where, n.text, n.basis, "; ".join(filter(None, (n.source, n.why)))] for n in used.unmeasured],
    )


def cite(name: str, settings: dict[str, str], bibtex: bool) -> None:
    """Print what to cite for an experiment, or for what a run used, as a list or as BibTeX.

    Raises
    ------
    NeurosimError
        The experiment could not run, a folder without results, or settings for a folder.
    """
    from neurosim.runner import sources_of_results, sources_used

    path = Path(name)
    if path.parent != Path() and not path.exists() and path.suffix not in (".yaml", ".yml"):
        from neurosim.analysis import open_results

        open_results(path)  # says where results are that may have been meant
    if not path.is_dir():
        used = sources_used(name, set=settings or None)
    elif settings:
        raise SpecError(f"cite {name}: a folder says what was run, so it takes no --set; give the experiment instead")
    else:
        used = sources_of_results(name)
    if bibtex:
        _print_bibtex(used)
    else:
        _print_list(used)


def _print_list(used) -> None:
    experiment = used.experiment
    say(f"experiment {experiment.name}, circuit {experiment.circuit.name}, species {experiment.species}")
    title("Software")
    say(f"  {used.software.text}")
    for topic in dict.fromkeys([*used.publications, *used.others]):
        title(topic[:1].upper() + topic[1:])
        for entry in used.publications.get(topic, ()):
            say(f"  {entry.text}")
        for text in used.others.get(topic, ()):
            say(f"  (no publication) {text}")


def _print_bibtex(used) -> None:
    from neurosim.reference import bibtex

    say("\n".join(bibtex(entry) for entry in used.entries).rstrip("\n"))
    n = len({text for texts in used.others.values() for text in texts})
    if n:
        note(f"{n} source(s) are no publication and have no entry: the command without --bibtex names them")
