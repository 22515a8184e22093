"""``list``: what there is to name."""

from __future__ import annotations

from neurosim.cli.console import plain, say, table
from neurosim.errors import NeurosimError, nearest

__all__ = ["schema", "show"]


def show(what: str) -> None:
    """Print the names of a kind, each with what tells it from the others.

    Raises
    ------
    NeurosimError
        There is no such kind.
    """
    if what not in _SHELVES:
        raise NeurosimError(f"{what!r} cannot be listed; {nearest(what, _SHELVES)}")
    _SHELVES[what]()


def schema(what: str) -> None:
    """Print the JSON Schema of a kind of file.

    Raises
    ------
    NeurosimError
        There is no such kind.
    """
    import json

    from neurosim.export import editor_schema

    say(json.dumps(editor_schema(what), indent=2, ensure_ascii=False))


def _circuits() -> None:
    from neurosim.spec import list_circuits, load_circuit

    rows = []
    for name in list_circuits():
        circuit = load_circuit(name)
        n = sum(population.n for population in circuit.populations.values())
        rows.append(
            [name, circuit.species, n, len(circuit.populations), _first_sentence(circuit.description)]
        )
    table(["circuit", "species", "neurons", "populations", "what it is"], rows, indent="")


def _experiments() -> None:
    from neurosim.spec import list_experiments, load_experiment

    rows = []
    for name in list_experiments():
        experiment = load_experiment(name)
        arms = ", ".join(experiment.arms)
        rows.append([name, experiment.circuit.name, arms, _first_sentence(experiment.description)])
    table(["experiment", "circuit", "arms", "what it asks"], rows, indent="")


def _disorders() -> None:
    from neurosim.spec import NOTICE, list_disorders, load_disorder

    rows = []
    for name in list_disorders():
        disorder = load_disorder(name)
        scale = f"0 to {disorder.severity.highest}"
        rows.append([name, scale, len(disorder.alterations), f"{disorder.title}: {_first_sentence(disorder.description)}"])
    table(["disorder", "severity", "alterations", "what it is"], rows, indent="")
    say(f"\n{NOTICE}")


def _drugs() -> None:
    from neurosim import reference

    rows = []
    for name in reference.drug_names():
        bound = [b for b in reference.bindings(name) if b.Ki is not None]
        strongest = sorted(bound, key=lambda b: b.Ki)[:3]
        rows.append([name, ", ".join(f"{b.target} {b.action.name} ({plain(b.Ki)} nM)" for b in strongest)])
    table(["drug", "strongest targets (Ki)"], rows, indent="")


def _receptors() -> None:
    from neurosim import reference

    rows = []
    for name in reference.receptor_names():
        receptor = reference.receptor(name)
        rows.append([name, receptor.ligand, receptor.coupling, plain(receptor.EC_50), receptor.net_effect])
    table(["receptor", "transmitter", "coupling", "EC_50 (nM)", "effect"], rows, indent="")


def _targets() -> None:
    from neurosim import reference

    rows = []
    for name in reference.target_row_ids():
        row = reference.target_row(name)
        rows.append(
            [row.id, row.use, row.area, row.manipulation, row.observable, f"{row.value} {row.unit}".strip()]
        )
    table(["id", "use", "area", "manipulation", "observable", "published"], rows, indent="")


def _first_sentence(text: str | None) -> str:
    words = " ".join((text or "").split())
    return words.split(". ")[0].rstrip(".")


_SHELVES = {
    "circuits": _circuits,
    "experiments": _experiments,
    "disorders": _disorders,
    "drugs": _drugs,
    "receptors": _receptors,
    "targets": _targets,
}
