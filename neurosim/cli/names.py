"""What a name on the command line means."""

from __future__ import annotations

from pathlib import Path

from neurosim.errors import NeurosimError, nearest

__all__ = ["is_circuit", "kind_of"]


def is_circuit(name: str) -> bool:
    """Whether a file says that it is a circuit, or a name is that of a circuit and of no experiment."""
    from neurosim.spec import list_circuits, list_experiments

    path = Path(name)
    if path.is_file():
        return _schema_word(path) == "circuit"
    return name in list_circuits() and name not in list_experiments()


def _schema_word(path: Path) -> str:
    """``circuit``, ``experiment`` or ``disorder``, from the line ``schema: neurosim-circuit/1``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    for line in lines:
        if line.startswith("schema:"):
            return line.partition(":")[2].strip().strip("'\"").removeprefix("neurosim-").partition("/")[0]
    return ""


def kind_of(name: str) -> str:
    """``results``, ``circuit``, ``experiment``, ``disorder``, ``drug``, ``receptor`` or ``carrier``.

    Raises
    ------
    NeurosimError
        Nothing has that name; the nearest one is said.
    """
    from neurosim import reference, spec

    path = Path(name)
    if path.is_dir():
        return "results"
    if path.is_file():
        word = _schema_word(path)
        return word if word in ("circuit", "disorder") else "experiment"
    shelves = {
        "circuit": spec.list_circuits(),
        "experiment": spec.list_experiments(),
        "disorder": spec.list_disorders(),
        "receptor": reference.receptor_names(),
        "carrier": reference.carrier_names(),
        "drug": reference.drug_names(),
    }
    for kind, names in shelves.items():
        if name in names:
            return kind
    for kind, look_up in (
        ("receptor", reference.receptor),
        ("carrier", reference.carrier),
        ("drug", reference.drug),
    ):
        try:
            look_up(name)
        except NeurosimError:
            continue
        return kind
    words = nearest(name, [known for names in shelves.values() for known in names])
    raise NeurosimError(
        f"no circuit, experiment, disorder, drug, receptor, carrier, file or folder is called {name!r}: {words}"
    )
