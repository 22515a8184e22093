"""JSON schema of the kinds of files, for editors."""

from __future__ import annotations

from typing import Any

from neurosim.errors import SpecError, nearest
from neurosim.spec._circuit import Circuit
from neurosim.spec._disorder import Disorder
from neurosim.spec._experiment import Experiment
from neurosim.spec._library import SCHEMAS

__all__ = ["json_schema"]

_TITLES = {"circuit": "neurosim circuit", "experiment": "neurosim experiment", "disorder": "neurosim disorder"}
_MODELS = {"circuit": Circuit, "experiment": Experiment, "disorder": Disorder}

#: Keys that a file must have beside schema and name; a circuit that extends another may leave the rest to it.
_NEEDED = {
    "circuit": [],
    "experiment": ["circuit", "protocol", "arms"],
    "disorder": ["title", "severity", "alterations"],
}

#: An item that takes the one of its name in the base away.
_REMOVED = {
    "type": "object",
    "properties": {"remove": {"const": True, "description": "takes the item of the base away"}},
    "required": ["remove"],
    "additionalProperties": False,
}


def json_schema(kind: str) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a kind of file.

    Parameters
    ----------
    kind : {"circuit", "experiment", "disorder"}

    Raises
    ------
    SpecError
        If the kind is another one.
    """
    if kind not in SCHEMAS:
        raise SpecError(f"unknown kind of file '{kind}'; {nearest(kind, SCHEMAS)}")
    schema = _MODELS[kind].model_json_schema(by_alias=True)
    schema["title"] = _TITLES[kind]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    if kind == "experiment":
        _name_the_circuit(schema)
        _name_the_disorder(schema["$defs"]["GradedDisorder"])
    if kind != "disorder":
        _add_extends(schema if kind == "circuit" else schema["$defs"]["Circuit"], schema["$defs"])
    _require(schema, kind)
    return schema


def _name_the_circuit(schema: dict[str, Any]) -> None:
    schema["properties"]["circuit"] = {
        "description": "name or path of a circuit, or the circuit itself",
        "anyOf": [{"type": "string"}, {"$ref": "#/$defs/Circuit"}],
    }


def _name_the_disorder(graded: dict[str, Any]) -> None:
    graded["properties"]["disorder"] = {
        "description": "name or path of a disorder, or the disorder itself",
        "anyOf": [{"type": "string"}, {"$ref": "#/$defs/Disorder"}],
    }


def _add_extends(circuit: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Keys that the loader takes before the models see the file, and the one that a circuit fills in."""
    definitions["SynapseKind"]["required"].remove("mode")
    circuit["properties"]["extends"] = {
        "type": "string",
        "description": "circuit to build on, merged by name",
    }
    circuit["properties"]["changes"] = {
        "type": "object",
        "description": "path → number: numbers of the circuit that is extended, stated anew",
    }
    for name in ("SynapseKind", "Population", "Projection", "Pool", "Site"):
        definitions[name]["properties"]["replace"] = {
            "const": True,
            "description": "replaces the item of the base",
        }
    for section in ("synapses", "populations", "projections", "pools", "sites"):
        patterns = circuit["properties"][section]["patternProperties"]
        for pattern, item in patterns.items():
            patterns[pattern] = {"anyOf": [item, _REMOVED]}


def _require(schema: dict[str, Any], kind: str) -> None:
    required = ["schema", "name"]
    required += _NEEDED[kind]
    schema["required"] = required
    schema["properties"]["schema"] = {"const": SCHEMAS[kind]}
