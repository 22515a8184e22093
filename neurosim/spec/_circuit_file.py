"""Reading circuits from files: `extends`, and the memory of lines."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from neurosim.errors import SpecError, nearest
from neurosim.spec._circuit import Circuit
from neurosim.spec._library import check_schema, find, shown
from neurosim.spec._model import Mark, Model, Named, Origin, Path, Problem, problem_error
from neurosim.spec._paths import parse_path, path_text
from neurosim.spec._quantities import Sourced
from neurosim.spec._words import sentences
from neurosim.spec._yaml import Block, copied, parse_document, read_document

__all__ = ["attach", "circuit_document", "circuit_of", "circuit_of_text", "load_circuit", "validated"]

_SECTIONS = ("synapses", "populations", "projections", "pools", "sites")
#: Numbers of the base that an extending file states anew, by path.
_CHANGES = "changes"
#: What a file says about itself; a file that extends it does not take it over.
_OWN = ("schema", "name", "description", "extends", "source", "locator", "basis", "note")
_DEEPEST_CHAIN = 10
#: What an item of an extending file may say it does to the one of its name in the base.
_WORDS = ("remove", "replace")


def load_circuit(source: str | FilePath | Circuit) -> Circuit:
    """A circuit by name or path.

    Parameters
    ----------
    source : str, Path or Circuit
        A name is looked for in the current folder, in ``circuits/`` below it, and among the circuits that
        ship with neurosim. A circuit is returned as it is.

    Raises
    ------
    SpecError
        One sentence per mistake, with ``file:line``, path, what is allowed and the nearest match.
    """
    if isinstance(source, Circuit):
        return source
    return validated(Circuit, circuit_document(str(source)))


def circuit_of_text(text: str, name: str = "the stored circuit") -> Circuit:
    """A circuit from the text of a file that extends no other.

    Raises
    ------
    SpecError
        One sentence per mistake; ``name`` is what they call the text.
    """
    document = parse_document(text, name)
    check_schema(document, "circuit", name)
    return validated(Circuit, document)


def circuit_document(name: str, base: FilePath | None = None) -> Block:
    """The document of a circuit, with everything it extends merged in."""
    return _merged(name, base, ())


def validated(model: type[Model], document: Block, data: Any = None, edits: dict | None = None) -> Any:
    """A document as a model that knows where it was read.

    Parameters
    ----------
    model : type
    document : Block
        What messages take their lines from.
    data : mapping, optional
        What is validated, by default the document itself.
    edits : mapping, optional
        See :class:`Origin`.
    """
    origin = Origin(document, (), edits or {})
    try:
        made = model.__pydantic_validator__.validate_python(document if data is None else data)
    except ValidationError as error:
        raise SpecError(*sentences(error, model, origin)) from None
    attach(made, origin)
    return made


def attach(model: Model, origin: Origin) -> None:
    """Tell a model and all its parts where they were read. What was read from a file of its own keeps its origin."""
    model._origin = origin
    for name, field in type(model).model_fields.items():
        _attach_value(getattr(model, name), origin, (*origin.path, field.alias or name))


def _attach_value(value: Any, origin: Origin, path: Path) -> None:
    if isinstance(value, Circuit | Sourced):
        return
    if isinstance(value, Model) and value.keeps_origin and value._origin is not None:
        return
    if isinstance(value, Model):
        attach(value, Origin(origin.document, path, origin.edits))
    elif isinstance(value, Named):
        for key, item in value.items():
            _attach_value(item, origin, (*path, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            _attach_value(item, origin, (*path, index))


def circuit_of(value: Any) -> Any:
    """A circuit's name or path → the circuit; for experiments built in code."""
    if not isinstance(value, str | FilePath):
        return value
    try:
        return load_circuit(value)
    except SpecError as error:
        raise problem_error(*(Problem((), sentence, located=True) for sentence in error.problems)) from None


def _merged(name: str, base: FilePath | None, chain: tuple[str, ...]) -> Block:
    path = find("circuit", name, base)
    file = shown(path)
    if file in chain or len(chain) >= _DEEPEST_CHAIN:
        raise SpecError(f"{chain[0]}: circuits extend each other in a circle: {' -> '.join((*chain, file))}")
    document, _ = read_document(path, file)
    check_schema(document, "circuit", file)
    if "extends" not in document:
        if _CHANGES in document:
            where = document.marks[_CHANGES]
            raise SpecError(f"{where}: {_CHANGES}: changes nothing; allowed in a circuit that extends another")
        return document
    other = document["extends"]
    if not isinstance(other, str):
        raise SpecError(f"{document.marks['extends']}: extends: the name or path of one circuit is needed")
    folder = FilePath(str(path)).parent
    try:
        inherited = _merged(other, folder, (*chain, file))
    except SpecError as error:
        if any(other in problem and "unknown circuit" in problem for problem in error.problems):
            raise SpecError(f"{document.marks['extends']}: extends: {error}") from None
        raise
    return _extended(document, inherited)


def _extended(document: Block, base: Block) -> Block:
    """``document`` on top of ``base``, merged by name: a pool by region and transmitter, all else one level deep."""
    result = copied(document)
    result.pop("extends")
    changes = result.pop(_CHANGES, None)
    inherited = _with_citations(base)
    for key, value in inherited.items():
        if key in _OWN:
            continue
        if key not in result:
            result[key], result.marks[key] = value, base.marks[key]
        elif key in _SECTIONS and isinstance(value, dict) and isinstance(result[key], dict):
            result[key] = _merged_section(key, result[key], value)
    for key in _SECTIONS:
        if key not in base and isinstance(result.get(key), dict):
            result[key] = _merged_section(key, result[key], Block())
    if changes is not None:
        _change(result, changes, document.marks[_CHANGES])
    return result


def _change(document: Block, changes: Any, mark: Mark) -> None:
    """Replace single numbers of a merged document, each with the citation that stands beside the new one."""
    if not isinstance(changes, dict):
        raise SpecError(f"{mark}: {_CHANGES}: a mapping of paths to numbers is needed")
    for text, value in changes.items():
        where = f"{changes.marks[text]}: {_CHANGES}.{text}"
        try:
            path = parse_path(text)
        except SpecError as error:
            raise SpecError(f"{where}: {error}") from None
        if path[0] not in _SECTIONS or len(path) < 3:
            raise SpecError(f"{where}: is no number of {', '.join(_SECTIONS)}, e.g. populations.VTA_DA.drive")
        node: Any = document
        for depth, key in enumerate(path):
            if isinstance(node, list):
                key = int(key) if str(key).isdigit() else len(node)
                if key >= len(node):
                    raise SpecError(f"{where}: matches nothing at '{path[depth]}'; the list has {len(node)} items, from 0")
            elif not isinstance(node, dict) or key not in node:
                names = node if isinstance(node, dict) else ()
                raise SpecError(f"{where}: matches nothing at '{path_text(path[: depth + 1])}'; {nearest(str(key), names)}")
            if depth < len(path) - 1:
                node[key] = copied(node[key]) if isinstance(node[key], dict | list) else node[key]
                node = node[key]
        node[key], node.marks[key] = value, changes.marks[text]


def _merged_section(section: str, own: Block, base: Block) -> Block:
    merged = copied(base)
    merged.mark = own.mark
    for name, item in own.items():
        mark, where = own.marks[name], f"{own.marks[name]}: {section}.{name}"
        word = _word(where, item)
        if section == "pools" and not word and name in base and isinstance(item, dict):
            merged[name] = _merged_section(f"pools.{name}", item, base[name])
            continue
        if word and name not in base:
            raise SpecError(f"{where}: {word}s nothing; {nearest(name, base)}")
        if word == "remove":
            if len(item) > 1:
                raise SpecError(f"{where}: says remove: true and more; what is removed has no other keys")
            del merged[name], merged.marks[name]
            continue
        if word:
            item = copied(item)
            del item["replace"]
        elif name in base:
            raise SpecError(
                f"{where}: is defined already in {base.marks[name]}; give it another name, "
                f"or say replace: true or remove: true inside it"
            )
        merged[name], merged.marks[name] = item, mark
    return merged


def _word(where: str, item: Any) -> str | None:
    """What an item says it does to the item of its name in the base: ``remove``, ``replace`` or nothing."""
    found = [word for word in _WORDS if isinstance(item, dict) and word in item]
    for word in found:
        if item[word] != "true":
            raise SpecError(f"{where}.{word}: allowed: true")
    return found[0] if found else None


def _with_citations(base: Block) -> Block:
    """The base with its own citation written into its items, where an extending file cannot change it."""
    stated = {key: base[key] for key in ("source", "locator", "basis") if key in base}
    if not stated:
        return base
    result = copied(base)
    for section in _SECTIONS:
        if isinstance(base.get(section), dict):
            depth = 2 if section == "pools" else 1
            result[section] = _cited(base[section], stated, base, depth)
    return result


def _cited(node: Block, stated: dict[str, str], base: Block, depth: int) -> Block:
    if not isinstance(node, dict):
        return node
    result = copied(node)
    if depth:
        for key, item in node.items():
            result[key] = _cited(item, stated, base, depth - 1)
        return result
    for key, value in stated.items():
        # A locator belongs to the source beside it.
        if key not in node and not (key == "locator" and "source" in node):
            result[key], result.marks[key] = value, base.marks[key]
    return result
