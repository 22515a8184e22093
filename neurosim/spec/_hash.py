"""What determines a trial, as one line of text and as a hash.

Descriptions, citations and the names of circuits, experiments and arms do not enter; every number, choice
and name that the simulation sees does. Quantities enter as dimension and internal value, so the spelling of
a unit does not matter, and mappings are sorted, so the order of keys does not either.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from neurosim.spec._model import Model
from neurosim.spec._quantities import Sourced
from neurosim.units import Quantity

__all__ = ["canonical_json", "digest"]


def canonical_json(model: Any) -> str:
    """One line of JSON; equal for two models exactly if they describe the same simulation.

    Parameters
    ----------
    model : Model, or a mapping, sequence, number or text of such
    """
    return json.dumps(_canonical(model), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(model: Any, *extra: Any) -> str:
    """SHA-256 of :func:`canonical_json`, as 64 hex digits.

    Parameters
    ----------
    model, *extra
        Everything that shall enter: models, or plain mappings, sequences, numbers and text.
    """
    parts = model if not extra else [model, *extra]
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Quantity):
        return [value.dimension, repr(float(value))]
    if isinstance(value, Sourced):
        return [_canonical(value.value), None if value.sd is None else _canonical(value.sd)]
    if isinstance(value, Model):
        return _canonical_fields(value)
    if isinstance(value, dict):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    return ["float", repr(float(value))]


def _canonical_fields(model: Model) -> dict[str, Any]:
    """Fields by name; unset and empty ones are left out, so that a new optional key changes no old hash."""
    fields = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name in model.not_hashed or value is None or value == () or value == {}:
            continue
        if name in model.names_not_hashed:
            value = list(value.values())
            fields[name] = sorted(
                (_canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True)
            )
        else:
            fields[name] = _canonical(value)
    return fields
