"""Which keys a model allows at a path, read from the models themselves."""

from __future__ import annotations

import types
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from neurosim.spec._model import CITATION, Model, Named, Path
from neurosim.spec._quantities import Sourced

__all__ = ["allowed_keys", "child_types", "is_plain_mapping", "is_sourced", "types_at"]


def _members(annotation: Any) -> tuple[Any, ...]:
    """The types an annotation stands for, without Annotated, Optional and unions."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return tuple(m for a in get_args(annotation) if a is not type(None) for m in _members(a))
    return (annotation,)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


@cache
def _fields(model: type[Model]) -> dict[str, Any]:
    """Key as written in a file → annotation."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def child_types(kinds: tuple[Any, ...], key: str | int) -> tuple[Any, ...]:
    """Types of the value under ``key``. A key like ``~dose`` picks one of the models instead."""
    if isinstance(key, str) and key.startswith("~"):
        return tuple(kind for kind in kinds if _is_model(kind) and kind.__name__.lower() == key[1:])
    found: list[Any] = []
    for kind in kinds:
        origin, arguments = get_origin(kind), get_args(kind)
        if _is_model(kind):
            annotation = _fields(kind).get(key)
            found += _members(annotation) if annotation is not None else ()
        elif origin is Named or origin is dict:
            found += _members(arguments[1])
        elif origin is tuple and isinstance(key, int):
            repeated = len(arguments) == 2 and arguments[1] is Ellipsis
            if repeated or key < len(arguments):
                found += _members(arguments[0 if repeated else key])
    return tuple(found)


def types_at(model: type[Model], path: Path) -> tuple[Any, ...]:
    """Types of the value at a path; empty where the model has none."""
    kinds: tuple[Any, ...] = (model,)
    for key in path:
        kinds = child_types(kinds, key)
    return kinds


def allowed_keys(kinds: tuple[Any, ...]) -> list[str]:
    """Keys of the models among some types, citations last."""
    keys = dict.fromkeys(key for kind in kinds if _is_model(kind) for key in _fields(kind))
    return sorted(keys, key=lambda key: key in CITATION)


def is_plain_mapping(kind: Any) -> bool:
    """Whether a type is a mapping from names to values that are no models."""
    return get_origin(kind) is Named and not any(_is_model(member) for member in _members(get_args(kind)[1]))


def is_sourced(kinds: tuple[Any, ...]) -> bool:
    """Whether a value may be a bare quantity in place of a mapping."""
    return Sourced in kinds
