"""Models as plain data and as YAML that loads back to the same model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurosim.spec._circuit import Circuit
from neurosim.spec._experiment import Experiment
from neurosim.spec._model import Model
from neurosim.spec._yaml import write_yaml

__all__ = ["dump_yaml", "plain"]


def plain(model: Model, without: Sequence[str] = ()) -> dict[str, Any]:
    """Nested mappings, lists, text and numbers, keys as in a file; what is unset or empty is left out.

    ``without`` names fields of the model that are left out.
    """
    return model.model_dump(mode="json", by_alias=True, exclude=set(without) or None)


def dump_yaml(model: Circuit | Experiment) -> str:
    """YAML text that loads back to an equal model with the same hash.

    An experiment holds its whole circuit, so the text needs no other file.
    """
    return write_yaml(plain(model))
