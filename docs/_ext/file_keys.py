"""Reference of the keys of a file, read from the models that read the file: ``.. file-keys:: experiment``.

One section per model, in the order in which a reader meets them: what the model is (its docstring) and a table of its keys
with the words that editors show, what each may hold, its unit and its default. Nothing here is written twice.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from docutils import nodes
from pydantic import StringConstraints
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sphinx.util.docutils import SphinxDirective

from neurosim import units
from neurosim.export.schema_words import words_of
from neurosim.spec import Circuit, Disorder, Experiment
from neurosim.spec._model import CITATION, Model, Named
from neurosim.spec._quantities import _RANGES, Sourced, sourced, stated
from neurosim.spec._shape import _members
from neurosim.spec._words import _PATTERNS

__all__ = ["KINDS", "keys_of", "models_of", "page", "setup"]

KINDS: dict[str, type[Model]] = {"experiment": Experiment, "circuit": Circuit, "disorder": Disorder}
#: Read in a file of their own; the page of an experiment only links to them.
_PAGES = {Circuit: "circuit file", Disorder: "disorder file"}
_BOUNDS = {Ge: ("at least", "ge"), Gt: ("above", "gt"), Le: ("at most", "le"), Lt: ("below", "lt")}


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model) and kind is not Sourced


def _children(annotation: Any) -> Iterator[tuple[type[Model], str]]:
    """Models that a value may hold, however deep, and the path to each below the value."""
    for kind in _members(annotation):
        step = {Named: ".NAME", tuple: ".N"}.get(get_origin(kind), "")
        if _is_model(kind):
            yield kind, ""
        else:
            for argument in get_args(kind):
                if argument is not Ellipsis and not isinstance(argument, str):
                    yield from ((model, step + below) for model, below in _children(argument))


def models_of(kind: str) -> dict[type[Model], str]:
    """Models of a kind of file → the path of the first place where each may stand.

    The file's own first, then depth first; models of other files are left out.
    """
    found: dict[type[Model], str] = {}

    def visit(model: type[Model], path: str) -> None:
        if model in found or (model in _PAGES and model is not KINDS[kind]):
            return
        found[model] = path
        for name, field in model.model_fields.items():
            for child, below in _children(field.annotation):
                visit(child, f"{path}.{field.alias or name}{below}".lstrip("."))

    visit(KINDS[kind], "")
    return found


def keys_of(model: type[Model]) -> dict[str, FieldInfo]:
    """Key as a file writes it → field; those of a citation, which every block may have, only where they are its own."""
    is_cited = all(key in model.model_fields for key in CITATION)
    return {
        field.alias or name: field
        for name, field in model.model_fields.items()
        if not (is_cited and name in CITATION)
    }


def _title(model: type[Model]) -> str:
    return model.__name__.lstrip("_")


def _anchor(kind: str, model: type[Model]) -> str:
    return f"{kind}-{_title(model).lower()}"


def _quantity(mark: stated | sourced) -> str:
    dimension, allowed = mark.dimension, _RANGES[mark.allowed]
    example = units.example(dimension).strip("'")
    words = f"{dimension.replace('_', ' ')}, e.g. ``{example}``"
    if allowed != _RANGES["any"]:
        words += f"; {allowed.words(dimension)}"
    return words + ("; a number with a source" if isinstance(mark, sourced) else "")


def _text(kind: str, annotation: Any, metadata: tuple = ()) -> str:
    """What a value may be, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _text(kind, arguments[0], (*arguments[1:], *metadata))
    marks = [m for m in metadata if isinstance(m, stated | sourced)]
    if marks and origin is not tuple:
        return _quantity(marks[0])
    if origin is Literal:
        return " or ".join(f"``{value}``" for value in arguments)
    if str(origin) in ("typing.Union", "<class 'types.UnionType'>"):
        return " or ".join(_text(kind, a, metadata) for a in arguments if a is not type(None))
    if origin is Named:
        return f"{_name_words(arguments[0])} → {_text(kind, arguments[1])}"
    if origin is tuple:
        repeated = len(arguments) == 2 and arguments[1] is Ellipsis
        if repeated:
            return f"list of {_text(kind, arguments[0])}"
        return "list: " + ", ".join(_text(kind, a) for a in arguments)
    if isinstance(annotation, type) and annotation in _PAGES and annotation is not KINDS[kind]:
        return f"name or path of a :ref:`{_PAGES[annotation]} <{_anchor(annotation.__name__.lower(), annotation)}>`"
    if _is_model(annotation):
        return f":ref:`{_title(annotation)} <{_anchor(kind, annotation)}>`"
    return _plain(annotation, metadata)


def _plain(annotation: Any, metadata: tuple) -> str:
    word = {str: "text", int: "whole number", bool: "``true`` or ``false``"}.get(annotation, "quantity")
    limits = [
        f"{_BOUNDS[type(m)][0]} {_whole_number(getattr(m, _BOUNDS[type(m)][1]))}"
        for m in _flat(metadata)
        if type(m) in _BOUNDS
    ]
    pattern = next((m.pattern for m in metadata if isinstance(m, StringConstraints) and m.pattern), None)
    if pattern:
        word = f"name ({_PATTERNS.get(pattern, pattern)})"
    return ", ".join([word, *limits])


def _whole_number(n: int) -> str:
    """A number, or the power of two that it is."""
    return f"2^{n.bit_length() - 1}" if n > 2**20 and n & (n - 1) == 0 else str(n)


def _flat(metadata: tuple) -> Iterator[Any]:
    for mark in metadata:
        if isinstance(mark, FieldInfo):
            yield from mark.metadata
        elif not isinstance(mark, MinLen | MaxLen):
            yield mark


def _name_words(annotation: Any) -> str:
    words = _text("circuit", annotation)
    return "name" if words.startswith(("name (", "text")) else words


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.alias == "schema":
        return "**needed**"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value == () or value == {}:
        return ""
    if isinstance(value, Model):
        return ""
    return f"``{str(value).lower() if isinstance(value, bool) else value}``"


def _row(cells: list[str]) -> str:
    first, *rest = cells
    return "\n".join([f"   * - {first}", *(f"     - {cell}" for cell in rest)])


def _literal(words: str) -> str:
    """Words in which a star is a star."""
    return words.replace("*", "\\*")


def _section(kind: str, model: type[Model], path: str) -> str:
    title, keys = _title(model), keys_of(model)
    about = inspect.cleandoc(model.__doc__ or "").split("\nRaises\n")[0].split("\nAttributes\n")[0].strip()
    rows = [
        _row(
            [
                f"``{key}``",
                _literal(words_of(title, key) or ""),
                _text(kind, field.annotation, tuple(field.metadata)),
                _default(field),
            ]
        )
        for key, field in keys.items()
    ]
    cited = "" if len(keys) == len(model.model_fields) else "\nMay carry ``source``, ``locator``, ``basis`` and ``note``.\n"
    return "\n".join(
        [
            f".. _{_anchor(kind, model)}:",
            "",
            title,
            "-" * len(title),
            "",
            *([f"At ``{path}``.", ""] if path else []),
            about,
            cited,
            ".. list-table::",
            "   :header-rows: 1",
            "   :class: file-keys",
            "",
            _row(["key", "what it is", "what it holds", "default"]),
            *rows,
            "",
        ]
    )


def page(kind: str) -> str:
    """The whole reference of a kind of file as reStructuredText."""
    return "\n".join(_section(kind, model, path) for model, path in models_of(kind).items())


class FileKeys(SphinxDirective):
    """``.. file-keys:: experiment``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(page(self.arguments[0]), allow_section_headings=True)


def setup(app):
    """Register the directive."""
    app.add_directive("file-keys", FileKeys)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
