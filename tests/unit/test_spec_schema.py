"""The JSON schema that editors get agrees with what the loader takes."""

from pathlib import Path

import pytest

from neurosim.spec import json_schema
from neurosim.spec._yaml import parse_document

DATA = Path(__file__).parents[1] / "data"


def complaints(value, schema, root, path="$"):
    """What a value of a file breaks in the keys and types of a schema; enough of the standard for our schemas."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema or "oneOf" in schema:
        options = [
            complaints(value, option, root, path) for option in schema.get("anyOf", schema.get("oneOf"))
        ]
        return [] if [] in options else min(options, key=len)
    if isinstance(value, dict):
        found = [f"{path}: lacks {key}" for key in schema.get("required", []) if key not in value]
        for key, item in value.items():
            below = schema.get("properties", {}).get(key, schema.get("additionalProperties", True))
            if below is False:
                found.append(f"{path}: unknown {key}")
            elif below is not True:
                found += complaints(item, below, root, f"{path}.{key}")
        return found if schema.get("type", "object") == "object" else [f"{path}: is a mapping"]
    if isinstance(value, list):
        return [
            c
            for k, item in enumerate(value)
            for c in complaints(item, schema.get("items", {}), root, f"{path}.{k}")
        ]
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else [value])
    return (
        [] if value in allowed and schema.get("type") not in ("object", "array") else [f"{path}: {value!r}"]
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [("circuit", "tiny.yaml"), ("experiment", "tiny_experiment.yaml"), ("disorder", "sad.yaml")],
)
def test_files_fit_their_schema(kind, name):
    schema = json_schema(kind)
    document = parse_document((DATA / name).read_text(), name)
    assert complaints(document, schema, schema) == []
    assert complaints({**document, "nmae": "x"}, schema, schema) == ["$: unknown nmae"]
    assert complaints({**document, "schema": "x"}, schema, schema) == ["$.schema: 'x'"]
    nameless = {key: value for key, value in document.items() if key != "name"}
    assert complaints(nameless, schema, schema) == ["$: lacks name"]


def test_a_circuit_may_leave_all_but_its_name_to_the_one_it_extends():
    schema = json_schema("circuit")
    document = {"schema": "neurosim-circuit/1", "name": "x", "extends": "tiny", "sites": {}}
    assert complaints(document, schema, schema) == []


def test_an_item_may_say_no_more_than_that_it_is_removed():
    schema = json_schema("circuit")
    (site,) = schema["properties"]["sites"]["patternProperties"].values()
    assert complaints({"remove": True}, site, schema) == []
    for wrong in ({"remove": False}, {"remove": True, "tau": 1}):
        assert complaints(wrong, site, schema) != [], wrong


def test_units_are_shown_to_the_editor():
    definitions = json_schema("circuit")["$defs"]
    assert definitions["Projection"]["properties"]["delay"]["anyOf"][0]["description"] == "time, e.g. '5 s'"
