"""JSON Schemas for editors: what the models say, and what only the tables know, with a word on every key."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator
from typing import Any

from neurosim import reference
from neurosim.errors import SpecError, nearest
from neurosim.export.schema_words import words_of
from neurosim.spec import ClusterFile, Rows, json_schema, load_circuit
from neurosim.units import INTERNAL_UNITS, example

__all__ = ["KINDS", "editor_schema", "schema_file"]

#: Kinds of files that have a schema.
KINDS = ("circuit", "experiment", "disorder", "rows", "cluster")
_OTHERS = {"rows": Rows, "cluster": ClusterFile}
#: What language servers for YAML know in full; later drafts they know in part.
_DRAFT = "http://json-schema.org/draft-07/schema#"
#: Bounds as pydantic leaves them where a field reads text first → as the standard has them.
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
#: A number, then a unit.
_QUANTITY = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*(1\s*/\s*)?[A-Za-zµμ].*$"
#: A bare number, as text.
_NUMBER = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$"

Schema = dict[str, Any]


def schema_file(kind: str) -> str:
    """Name of the file that ships a schema."""
    return f"{kind}.schema.json"


def editor_schema(kind: str) -> Schema:
    """JSON Schema (draft-07) of a kind of file, for editors.

    Parameters
    ----------
    kind : {"circuit", "experiment", "disorder", "rows", "cluster"}

    Returns
    -------
    dict
        Every key has a description, quantities a pattern and examples. Drugs, receptors, transmitters and profiles are
        those of the tables, in the spelling that ``neurosim list`` gives; names of circuits, disorders, populations and
        regions that ship are offered, others allowed.

    Raises
    ------
    SpecError
        There is no such kind.

    Notes
    -----
    What takes more than one place of a file to see (names that do not resolve, keys that exclude each other, a unit of the
    wrong dimension) only the loader finds: ``neurosim check``.
    """
    if kind not in KINDS:
        raise SpecError(f"{kind!r} files have no schema; {nearest(kind, KINDS)}")
    schema = _plain(kind) if kind in _OTHERS else json_schema(kind)
    for node in list(_nodes(schema)):
        _standard(node)
        _closed(node)
        _readable(node)
    blocks = {_root_name(kind): schema, **schema.get("$defs", {})}
    for name, block in blocks.items():
        for key, entry in block.get("properties", {}).items():
            block["properties"][key] = _described(name, key, entry)
    _offer_names(blocks)
    schema.pop("$schema", None)
    return _draft_07({"$schema": _DRAFT, "$id": f"urn:neurosim:{kind}:1", **schema})


def _draft_07(node: Any) -> Any:
    """The same in the words of draft-07, where nothing counts beside a ``$ref`` and ``items`` may be a list."""
    if isinstance(node, list):
        return [_draft_07(item) for item in node]
    if not isinstance(node, dict):
        return node
    renamed = {"$defs": "definitions", "prefixItems": "items"}
    out = {renamed.get(key, key): _draft_07(value) for key, value in node.items()}
    if isinstance(node.get("prefixItems"), list):
        out["additionalItems"] = False
    if isinstance(out.get("$ref"), str):
        out["$ref"] = out["$ref"].replace("#/$defs/", "#/definitions/")
        if len(out) > 1:
            out["allOf"] = [{"$ref": out.pop("$ref")}]
    return out


def _root_name(kind: str) -> str:
    return {"cluster": "ClusterFile"}.get(kind, kind.capitalize())


def _plain(kind: str) -> Schema:
    """The schema of a model that is not among the kinds of :func:`neurosim.spec.json_schema`."""
    model = _OTHERS[kind]
    schema = model.model_json_schema(by_alias=True)
    default = schema["properties"]["schema"].get("default", f"neurosim-{kind}/1")
    schema["properties"]["schema"] = {"const": default}
    schema["title"] = f"neurosim {kind}"
    if kind == "rows":
        schema["required"] = ["schema", "rows"]
    return schema


def _nodes(node: Any) -> Iterator[Schema]:
    """Every mapping of a schema."""
    if isinstance(node, dict):
        yield node
        for value in list(node.values()):
            yield from _nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from _nodes(item)


def _standard(node: Schema) -> None:
    """Bounds by their standard names; no titles made of key names; nothing (null) is no value to offer."""
    for old, new in _BOUNDS.items():
        if isinstance(node.get(old), int | float):
            node[new] = node.pop(old)
    if isinstance(node.get("title"), str) and not node["title"].startswith("neurosim "):
        del node["title"]
    options = node.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        options.remove({"type": "null"})
        if "default" in node and node["default"] is None:
            del node["default"]
        if len(options) == 1:
            del node["anyOf"]
            for key, value in options[0].items():
                node.setdefault(key, value)


def _closed(node: Schema) -> None:
    """A name that does not fit its pattern is wrong."""
    if "patternProperties" in node:
        node.setdefault("additionalProperties", False)


def _readable(node: Schema) -> None:
    """Text of a docstring without its marks."""
    if isinstance(node.get("description"), str):
        node["description"] = " ".join(node["description"].partition("\n\nAttributes")[0].replace("``", "'").split())


def _described(block: str, key: str, entry: Schema) -> Schema:
    """An entry with what its key is; of a quantity, its dimension, pattern and examples too."""
    words, options = words_of(block, key), entry.get("anyOf", [entry])
    dimension = next((d for d in map(_dimension, options) if d), None)
    if dimension is not None:
        for option in options:
            _quantity(option, dimension)
        unit = f", e.g. {example(dimension)}" if INTERNAL_UNITS[dimension] else ""
        words = f"{words} ({dimension.replace('_', ' ')}{unit})" if words else None
    if words:
        entry = {**entry, "description": words}
    for option in options:
        for inner, value in option.get("properties", {}).items() if "$ref" not in option else ():
            option["properties"][inner] = _described("Sourced", inner, value)
    return entry


def _dimension(option: Schema) -> str | None:
    """The dimension of a quantity, as its description in the model's schema says it."""
    words = option.get("description", "").partition(", e.g.")[0].replace(" ", "_")
    is_text = option.get("type") == "string" or option.get("type") == ["number", "string"]
    return words if is_text and words in INTERNAL_UNITS else None


def _quantity(option: Schema, dimension: str) -> None:
    if _dimension(option) is None:
        return
    option["pattern"] = _QUANTITY if INTERNAL_UNITS[dimension] else _NUMBER
    text = example(dimension).strip("'")
    option["examples"] = [text if INTERNAL_UNITS[dimension] else float(text)]


def _offer_names(blocks: dict[str, Schema]) -> None:
    """Names where a key takes one: those of tables are all there are, those of files are an offer."""
    shipped = _Shipped()
    only: dict[str, Callable[[], list[str]]] = {
        "Dose.drug": lambda: list(reference.drug_names()),
        "Clamp.drug": lambda: list(reference.drug_names()),
        "Treatment.drug": lambda: list(reference.drug_names()),
        "GainRow.drug": lambda: list(reference.drug_names()),
        "Site.receptor": lambda: list(reference.receptor_names()),
        "SynapseKind.receptor": lambda: list(reference.receptor_names()),
        "Population.transmitter": lambda: list(reference.transmitter_names()),
        "Experiment.profile": lambda: list(reference.profile_names()),
    }
    offered: dict[str, Callable[[], list[str]]] = {
        "Experiment.circuit": lambda: _shipped("circuits"),
        "GradedDisorder.disorder": lambda: _shipped("disorders"),
        "Row.experiment": lambda: _shipped("experiments"),
        "Lesion.population": shipped.populations,
        "Loss.population": shipped.populations,
        "Stimulation.population": shipped.populations,
        "Population.region": shipped.regions,
        "Site.hears": shipped.regions,
    }
    for where, names in only.items():
        block, key = where.split(".")
        if block in blocks:
            entry = blocks[block]["properties"][key]
            blocks[block]["properties"][key] = {"description": entry["description"], "type": "string", "enum": names()}
    for where, names in offered.items():
        block, key = where.split(".")
        if block in blocks:
            entry = blocks[block]["properties"][key]
            options = entry.pop("anyOf", None) or [{k: entry.pop(k) for k in list(entry) if k != "description"}]
            entry["anyOf"] = [{"type": "string", "enum": names()}, *options]
    circuit = blocks.get("Circuit", {}).get("properties", {})
    if "pools" in circuit:
        for pool in circuit["pools"]["patternProperties"].values():
            pool["propertyNames"] = {"enum": list(reference.transmitter_names())}
        circuit["pools"]["propertyNames"] = {"anyOf": [{"enum": shipped.regions()}, {"maxLength": 80}]}


def _shipped(folder: str) -> list[str]:
    """Names of the files of the package, whatever lies in the current folder."""
    files = importlib.resources.files(f"neurosim.{folder}").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


class _Shipped:
    """Names in the circuits that ship."""

    def __init__(self):
        folder = importlib.resources.files("neurosim.circuits")
        self._circuits = [load_circuit(str(folder / f"{name}.yaml")) for name in _shipped("circuits")]

    def populations(self) -> list[str]:
        return sorted({name for circuit in self._circuits for name in circuit.populations})

    def regions(self) -> list[str]:
        found = {population.region for circuit in self._circuits for population in circuit.populations.values()}
        return sorted(found | {region for circuit in self._circuits for region in circuit.pools})
