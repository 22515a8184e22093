"""Reading experiments from files, with values set from the command line or from Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from neurosim.errors import SpecError
from neurosim.spec._circuit import Circuit
from neurosim.spec._circuit_file import attach, circuit_document, validated
from neurosim.spec._disorder import Disorder, load_disorder
from neurosim.spec._experiment import Experiment
from neurosim.spec._library import check_schema, find, shown
from neurosim.spec._model import Mark, Origin
from neurosim.spec._paths import Edit, apply_edit, parse_path
from neurosim.spec._resolve import check_scan, resolve
from neurosim.spec._words import path_text
from neurosim.spec._yaml import NO_FILE, Block, Items, copied, mark_of, parse_document, read_document

__all__ = ["edits_of", "experiment_of", "experiment_of_texts", "load_experiment", "set_value"]

Settings = Mapping[str, Any] | Iterable[tuple[str, Any]]


def load_experiment(source: str | FilePath | Experiment, set: Settings | None = None) -> Experiment:
    """An experiment by name or path.

    Parameters
    ----------
    source : str, Path or Experiment
        A name is looked for in the current folder, in ``experiments/`` below it, and among the experiments
        that ship with neurosim. An experiment is returned as it is.
    set : mapping or pairs, optional
        Path → new value, as ``--set`` takes them: ``{"subjects": 8, "circuit.populations.DRN_HT.drive":
        "1.2x"}``.

    Raises
    ------
    SpecError
        One sentence per mistake, with ``file:line``, path, what is allowed and the nearest match.
    """
    edits = edits_of(set)
    if isinstance(source, Experiment):
        if edits:
            raise SpecError(
                "values can be set while an experiment is loaded, not afterwards; load it by name with set="
            )
        return source
    path = find("experiment", str(source))
    document, text = read_document(path, shown(path))
    check_schema(document, "experiment", shown(path))
    return experiment_of(document, FilePath(str(path)).parent, edits, text)


def experiment_of(document: Block, folder: FilePath, edits: list[Edit], text: str | None = None) -> Experiment:
    """The experiment that a document, or a part of one, describes."""
    inner = [edit for edit in edits if edit.path[0] == "circuit" and len(edit.path) > 1]
    for edit in edits:
        if edit not in inner:
            document = _edited(document, edit)
    circuit = _circuit(document, folder, inner)
    data = copied(document)
    if circuit is not None:
        data["circuit"] = circuit
    if isinstance(document.get("arms"), Block):
        data["arms"] = _with_disorders(document, folder)
    if isinstance(document.get("scan"), Block):
        data["scan"] = _with_files(document["scan"], folder)
    experiment = validated(Experiment, document, data)
    experiment._source_text = text
    experiment._settings = {path_text(edit.path): str(edit.value) for edit in edits}
    check_scan(experiment)
    for arm in experiment.arms:
        resolve(experiment, arm)
    return experiment


def experiment_of_texts(
    text: str, circuit_text: str, settings: Settings | None = None, name: str = "the stored experiment"
) -> Experiment:
    """The experiment that a results folder holds as texts.

    Parameters
    ----------
    text : str
        The experiment file.
    circuit_text : str
        Its whole circuit, with what ``settings`` changed in it.
    settings : mapping or pairs, optional
        What was set besides.
    name : str
        What messages call it.

    Raises
    ------
    SpecError
        As :func:`load_experiment`; also where it needs a file that is not there any more (a disorder, a table of points).
    """
    document = copied(parse_document(text, name))
    check_schema(document, "experiment", name)
    document["circuit"] = parse_document(circuit_text, "the stored circuit")
    edits = edits_of(settings)
    experiment = experiment_of(document, FilePath.cwd(), [edit for edit in edits if edit.path[0] != "circuit"], text)
    experiment._settings = {path_text(edit.path): str(edit.value) for edit in edits}
    return experiment


def edits_of(settings: Settings | None) -> list[Edit]:
    """Paths and values as they are applied to a document."""
    pairs = list(settings.items() if isinstance(settings, Mapping) else settings or ())
    are_pairs = all(isinstance(p, tuple | list) and len(p) == 2 and isinstance(p[0], str) for p in pairs)
    if isinstance(settings, str) or not are_pairs:
        raise SpecError(f"set={settings!r}: give a mapping of paths to values, e.g. set={{'subjects': 8}}")
    return [Edit(parse_path(path), _text(value), Mark(f"--set {path}={value}")) for path, value in pairs]


def _text(value: Any) -> Any:
    """Numbers and text as they are; lists and mappings cannot be set through a path."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _edited(document: Block, edit: Edit) -> Block:
    try:
        return apply_edit(document, edit, Experiment)[0]
    except SpecError as error:
        first = edit.path[0]
        if first in Circuit.model_fields and first not in Experiment.model_fields:
            raise SpecError(f"{error} (values of the circuit begin with 'circuit.')") from None
        raise


def _circuit(document: Block, folder: FilePath, edits: list[Edit]) -> Circuit | None:
    """The experiment's circuit with values set; None where the file names none (the model says so)."""
    named = document.get("circuit")
    if isinstance(named, str):
        place = mark_of(document, ("circuit",))
        try:
            inner = circuit_document(named, folder)
        except SpecError as error:
            if error.problems[0].startswith("unknown circuit") or NO_FILE in error.problems[0]:
                raise SpecError(f"{place}: circuit: {error}") from None
            raise
    elif isinstance(named, Block):
        check_schema(named, "circuit", str(named.mark))
        inner = named
    else:
        return None
    for edit in edits:
        inner, _ = apply_edit(inner, Edit(edit.path[1:], edit.value, edit.mark), Circuit)
    circuit = validated(Circuit, inner)
    if isinstance(named, Block) and not edits:
        attach(circuit, Origin(document, ("circuit",)))
    return circuit


def _with_disorders(document: Block, folder: FilePath) -> Block:
    """The arms with the disorders that they name in place of the names."""
    arms = copied(document["arms"])
    for name, arm in arms.items():
        entries = arm.get("disorders") if isinstance(arm, Block) else None
        if not isinstance(entries, Items):
            continue
        arms[name] = arm = copied(arm)
        arm["disorders"] = entries = copied(entries)
        for k, entry in enumerate(entries):
            if isinstance(entry, Block) and isinstance(entry.get("disorder"), str):
                path = ("arms", name, "disorders", k, "disorder")
                entries[k] = entry = copied(entry)
                entry["disorder"] = _disorder(entry["disorder"], folder, f"{mark_of(document, path)}: {path_text(path)}")
    return arms


def _with_files(scan: Block, folder: FilePath) -> Block:
    """The axes with the files that they read where the experiment is, and the column named like the axis."""
    scan = copied(scan)
    for name, axis in scan.items():
        if isinstance(axis, Block) and isinstance(axis.get("csv"), str):
            scan[name] = axis = copied(axis)
            axis["csv"] = str(folder / axis["csv"])
            axis.setdefault("column", name)
    return scan


def _disorder(name: str, folder: FilePath, place: str) -> Disorder:
    try:
        return load_disorder(name, folder)
    except SpecError as error:
        if error.problems[0].startswith("unknown disorder") or NO_FILE in error.problems[0]:
            raise SpecError(f"{place}: {error}") from None
        raise


def set_value(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a circuit or experiment document (nested mappings) with the value at a path replaced.

    Parameters
    ----------
    document : mapping
        With a key ``schema``; :func:`neurosim.spec.plain` gives one.
    path : str
        See :mod:`neurosim.spec._paths` for the grammar.
    value : str, int or float
        ``"0.5x"`` multiplies.

    Raises
    ------
    SpecError
        If the path matches nothing.
    """
    model = Circuit if str(document.get("schema", "")).startswith("neurosim-circuit") else Experiment
    return apply_edit(document, Edit(parse_path(path), value, Mark(path)), model)[0]
