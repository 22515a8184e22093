"""One arm at one scan point, with everything applied to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from neurosim.errors import SpecError, UnitError, nearest
from neurosim.spec._circuit import Circuit
from neurosim.spec._circuit_file import attach
from neurosim.spec._dump import plain
from neurosim.spec._experiment import (
    Arm,
    Axis,
    Experiment,
    Lesion,
    Protocol,
    Reference,
    Uncertainty,
    with_phases,
)
from neurosim.spec._experiment_checks import arm_problems, experiment_problems
from neurosim.spec._graded import altered_paths, edits_of_disorders, lesions_of, matched
from neurosim.spec._model import CITATION, Mark, Model, Named, Origin, Path
from neurosim.spec._paths import Edit, apply_edit, is_multiple, parse_path
from neurosim.spec._scan import axis_texts, axis_values
from neurosim.spec._words import locate, located, path_text, sentences

__all__ = ["Resolved", "check_scan", "resolve"]

#: What an axis may change; the rest says how many trials there are or what they are called.
_SCANNABLE = ("arms", "circuit", "levels", "protocol", "seed", "uncertainty")
_MEMORY = 64
#: What an arm may not set in its circuit, for it would change nothing.
_NO_EFFECT = (*CITATION, "name", "schema", "species", "description")


@dataclass(frozen=True)
class Resolved:
    """An arm of an experiment at a scan point.

    Attributes
    ----------
    circuit : Circuit
        With the axes' and the arm's values set. Its populations, projections, pools and sites are in the
        order of their names, so that two files that differ in order only give the same trials.
    arm : Arm
        Its ``set`` is empty, for it is in the circuit; so are ``disorders``, which are there and among the lesions.
    protocol : Protocol
    species : str
    seed : int
    reference : Reference
    engine : str
    levels : Named
        ``REGION.TRANSMITTER`` → concentration; with ``engine: none`` only.
    profile : str
        Chooses among several published values of one constant.
    uncertainty : Uncertainty or None
        Spread of the constants that are drawn for every subject.
    """

    circuit: Circuit
    arm: Arm
    protocol: Protocol
    species: str
    seed: int
    reference: Reference
    engine: str = "brian2"
    levels: Named = field(default_factory=Named)
    profile: str = "default"
    uncertainty: Uncertainty | None = None


def resolve(experiment: Experiment, arm: str, point: Mapping[str, int] | None = None) -> Resolved:
    """Apply a scan point, and an arm's disorders and ``set:``, to an experiment, and validate the result again.

    Parameters
    ----------
    experiment : Experiment
    arm : str
    point : mapping, optional
        Axis name → index of its value, one of :func:`scan_points`.

    Raises
    ------
    SpecError
        If the arm or axis does not exist, a path matches nothing, or a value is not possible where it is set.
    """
    if arm not in experiment.arms:
        raise SpecError(f"unknown arm '{arm}'; {nearest(arm, experiment.arms)}")
    outer, inner = _axis_edits(experiment, point or {})
    changed = _changed(experiment, Experiment, outer) if outer else experiment
    chosen = changed.arms[arm]
    edits = inner + _disorder_edits(changed, arm) + _arm_edits(changed, arm)
    circuit = _changed(experiment.circuit, Circuit, edits) if edits else experiment.circuit
    if edits:
        problems = [located(p, Experiment, changed._origin) for p in experiment_problems(changed, circuit)]
        if problems:
            raise SpecError(*problems)
    return Resolved(
        circuit=_in_order(circuit),
        arm=_applied(chosen, circuit),
        protocol=changed.protocol,
        species=changed.species,
        seed=changed.seed,
        reference=changed.reference,
        engine=changed.engine,
        levels=changed.levels,
        profile=changed.profile,
        uncertainty=changed.uncertainty,
    )


def check_scan(experiment: Experiment) -> None:
    """Try every axis at its ends, so that a scan that cannot run is refused before it starts.

    Raises
    ------
    SpecError
    """
    values = axis_values(experiment)
    for name, axis in experiment.scan.items():
        path = _axis_path(experiment, name, axis)
        if path[0] not in _SCANNABLE or path == ("circuit",):
            raise _axis_error(
                experiment, name, f"'{axis.path}' cannot be scanned; {nearest(path[0], _SCANNABLE)}"
            )
        numbers = [float(value) for value in values[name][0]]
        ends = {numbers.index(min(numbers)), numbers.index(max(numbers))}
        for index in sorted(ends):
            for arm in experiment.arms:
                resolve(experiment, arm, {name: index})
    _check_overlap(experiment)


def _check_overlap(experiment: Experiment) -> None:
    """Refuse two axes that set one value: the later one would win and the earlier one's label be wrong."""
    owner: dict[Path, str] = {}
    for name in experiment.scan:
        outer, inner = _axis_edits(experiment, {name: 0})
        for model, kind, edits in ((experiment, Experiment, outer), (experiment.circuit, Circuit, inner)):
            for edit in edits:
                for path in apply_edit(_plain(model), edit, kind)[1]:
                    key = (kind.__name__, *path)
                    if owner.setdefault(key, name) != name:
                        sentence = f"sets the same value as the axis '{owner[key]}': {path_text(path)}"
                        raise _axis_error(experiment, name, f"{sentence}; allowed: one axis per value")


def _axis_error(experiment: Experiment, name: str, sentence: str) -> SpecError:
    return SpecError(f"{locate(experiment, ('scan', name)) or 'Experiment'}: scan.{name}: {sentence}")


def _axis_path(experiment: Experiment, name: str, axis: Axis) -> Path:
    try:
        return parse_path(axis.path)
    except SpecError as error:
        raise _axis_error(experiment, name, str(error)) from None


def _axis_edits(experiment: Experiment, point: Mapping[str, int]) -> tuple[list[Edit], list[Edit]]:
    """What a point sets in the experiment, and what it sets in the circuit."""
    outer, inner = [], []
    for name, index in point.items():
        if name not in experiment.scan:
            raise SpecError(f"unknown axis '{name}'; {nearest(name, experiment.scan)}")
        axis = experiment.scan[name]
        try:
            texts = axis_texts(experiment, name)
        except UnitError as error:
            raise _axis_error(experiment, name, str(error)) from None
        if not 0 <= index < len(texts):
            raise SpecError(f"axis '{name}' has {len(texts)} values, counted from 0; given {index}")
        path, mark = _axis_path(experiment, name, axis), _mark(experiment, ("scan", name), f"scan.{name}")
        if path[0] == "circuit" and len(path) > 1:
            inner.append(Edit(path[1:], texts[index], mark))
        else:
            outer.append(Edit(path, texts[index], mark))
    return outer, inner


def _mark(experiment: Experiment, path: Path, name: str) -> Mark:
    place = locate(experiment, path)
    return Mark(f"{place}: {name}" if place else name)


def _disorder_edits(experiment: Experiment, arm: str) -> list[Edit]:
    chosen = experiment.arms[arm]
    marks = [
        _mark(experiment, ("arms", arm, "disorders", k), f"arms.{arm}.disorders") for k in range(len(chosen.disorders))
    ]
    return edits_of_disorders(chosen, experiment.circuit, marks)


def _arm_edits(experiment: Experiment, arm: str) -> list[Edit]:
    edits, chosen = [], experiment.arms[arm]
    altered = altered_paths(chosen, experiment.circuit) if chosen.set and chosen.disorders else {}
    for text, value in experiment.arms[arm].set.items():
        mark = _mark(experiment, ("arms", arm, "set", text), f"arms.{arm}.set")
        try:
            path = parse_path(text)
        except SpecError as error:
            raise SpecError(f"{mark}: {error}") from None
        if path[-1] in _NO_EFFECT:
            raise SpecError(f"{mark}: '{path_text(path)}' is no part of the simulation; allowed: numbers of the circuit")
        edits.append(Edit(path, value, mark))
        if altered and not is_multiple(value):
            _refuse_replaced(experiment, edits[-1], altered)
    return edits


def _refuse_replaced(experiment: Experiment, edit: Edit, altered: Mapping[Path, str]) -> None:
    """A value that is set cannot replace what a disorder multiplies: one of the two would be lost."""
    for path in matched(experiment.circuit, edit.path, edit.mark):
        if path in altered:
            sentence = f"'{edit.value}' replaces {path_text(path)}, which {altered[path]} multiplies"
            raise SpecError(f"{edit.mark}: {sentence}; allowed: a multiple, e.g. '0.5x'")


def _changed(model: Model, kind: type[Model], edits: list[Edit]) -> Any:
    """The model with values set, validated again; recent ones are remembered, arms and points share them."""
    memory = model._memory
    key = tuple((edit.path, str(edit.value), edit.mark) for edit in edits)
    if key not in memory:
        if len(memory) >= _MEMORY:
            memory.pop(next(iter(memory)))
        memory[key] = _validated_again(model, kind, edits)
    return memory[key]


def _validated_again(model: Any, kind: type[Model], edits: list[Edit]) -> Any:
    if kind is Experiment:
        changed = _with_arm_changed(model, edits)
        if changed is not None:
            return changed
    data = _plain(model)
    if kind is Experiment:
        # What a point changes is never the scan, which may list ten thousand of them.
        data = {key: value for key, value in data.items() if key not in ("scan", "sample")} | {"circuit": model.circuit}
    root = model._origin.path if model._origin else ()
    marks = dict(model._origin.edits) if model._origin else {}
    for edit in edits:
        data, paths = apply_edit(data, edit, kind)
        marks.update({(*root, *path): edit.mark for path in paths})
    origin = model._origin and Origin(model._origin.document, root, marks)
    try:
        made = kind.__pydantic_validator__.validate_python(data)
    except ValidationError as error:
        place = "" if origin else f"{edits[-1].mark}: "
        raise SpecError(*(f"{place}{sentence}" for sentence in sentences(error, kind, origin))) from None
    if origin:
        attach(made, origin)
    return made


def _plain(model: Model) -> dict[str, Any]:
    """The model as plain data, an experiment without its circuit; dumped once, for every point edits a copy."""
    memory = model._memory
    if "plain" not in memory:
        memory["plain"] = plain(model, without=("circuit",))
    return memory["plain"]


def _with_arm_changed(experiment: Experiment, edits: list[Edit]) -> Experiment | None:
    """The experiment with numbers of one arm changed, validating that arm alone: ten thousand doses ask for it.

    None where the edits reach further, or where anything is wrong: validating the whole experiment then finds the words.
    """
    names = {edit.path[1:2] for edit in edits}
    if len(names) != 1 or any(len(e.path) < 4 or e.path[0] != "arms" or e.path[2] == "set" for e in edits):
        return None
    (name,) = names.pop()
    arm = experiment.arms.get(name)
    if arm is None:
        return None
    data, origin = plain(arm), arm._origin
    marks = dict(origin.edits) if origin else {}
    try:
        for edit in edits:
            data, paths = apply_edit(data, Edit(edit.path[2:], edit.value, edit.mark), Arm)
            marks.update({(*(origin.path if origin else ()), *path): edit.mark for path in paths})
        made = with_phases(Arm.__pydantic_validator__.validate_python(data), experiment.protocol.phases[-1].name)
    except (SpecError, ValidationError):
        return None
    if origin:
        attach(made, Origin(origin.document, origin.path, marks))
    changed = experiment.model_copy(update={"arms": Named({**experiment.arms, name: made})})
    changed._memory = {}
    return changed if next(arm_problems(changed, name), None) is None else None


def _applied(arm: Arm, circuit: Circuit) -> Arm:
    """The arm with what it sets taken out, and its disorders as lesions."""
    if not arm.set and not arm.disorders:
        return arm
    lost = lesions_of(arm, circuit)
    own = tuple(lesion for lesion in arm.lesions if lesion.population not in lost)
    graded = tuple(Lesion(population=name, fraction=fraction) for name, fraction in lost.items())
    return arm.model_copy(update={"set": Named(), "disorders": (), "lesions": own + graded})


def _in_order(circuit: Circuit) -> Circuit:
    """The circuit with every mapping sorted by name, so that equal hashes mean equal trials."""
    memory = circuit._memory
    if "in order" not in memory:
        memory["in order"] = _sorted(circuit)
    return memory["in order"]


def _sorted(value: Any) -> Any:
    if isinstance(value, Named):
        return Named({key: _sorted(value[key]) for key in sorted(value)})
    if isinstance(value, Model):
        updates = {name: _sorted(getattr(value, name)) for name in type(value).model_fields}
        changed = {name: new for name, new in updates.items() if isinstance(new, Named | Model)}
        return value.model_copy(update=changed) if changed else value
    return value
