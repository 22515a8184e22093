"""The schemas that editors get: they take what ships, refuse what the loader refuses, and have a word on every key."""

import json
import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from neurosim import reference
from neurosim.cli.listing import schema as print_schema
from neurosim.errors import NeurosimError, SpecError
from neurosim.export import KINDS, editor_schema, schema_file
from neurosim.runner.validate import validate
from neurosim.spec import digest, load_experiment, load_rows

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[2]
SHIPPED = {
    "circuit": [*ROOT.glob("circuits/*.yaml"), ROOT / "tests/data/tiny.yaml"],
    "experiment": [*ROOT.glob("experiments/*.yaml"), ROOT / "tests/data/tiny_experiment.yaml"],
    "disorder": [*ROOT.glob("neurosim/disorders/*.yaml"), ROOT / "tests/data/sad.yaml"],
    "rows": [ROOT / "neurosim/validation/rows.yaml", ROOT / "docs/rows_example.yaml"],
}
FILES = [(kind, path) for kind, paths in SHIPPED.items() for path in paths]


schema_of = cache(editor_schema)


@cache
def validator(kind):
    schema = schema_of(kind)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def as_editors_read(text):
    """YAML 1.2, with numbers and switches."""
    return YAML(typ="safe").load(text)


def complaints(kind, text):
    return [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator(kind).iter_errors(as_editors_read(text))]


@pytest.mark.parametrize(("kind", "path"), FILES, ids=[path.name for _, path in FILES])
def test_what_ships_fits(kind, path):
    assert complaints(kind, path.read_text(encoding="utf-8")) == []


def test_the_example_of_a_cluster_file_fits():
    text = (ROOT / "docs/hpc.md").read_text(encoding="utf-8")
    example = re.search(r"<<'END'\n(.*?)\n\s*END", text, re.DOTALL)[1]
    example = "\n".join(line.removeprefix("       ") for line in example.splitlines())
    assert complaints("cluster", example) == []
    assert complaints("cluster", example.replace("partition", "partitoin"))


# What the loader refuses → the same file as it ships, changed at one place.
WRONG_EXPERIMENTS = {
    "a key that is none": ("subjects: 2", "subjets: 2"),
    "no subjects": ("subjects: 2", "subjects: 0"),
    "a seed that is no number": ("seed: 7", "seed: lots"),
    "a time without a unit": ("record: 1 s}", "record: 1}"),
    "a time in words": ("settle: 0.5 s", "settle: a while"),
    "a drug that is none": ("drug: escitalopram", "drug: escitalopam"),
    "a route that is none": ("concentration: 5 nM", "dose: 5 mg/kg, route: ipp"),
    "a concentration without a unit": ("concentration: 5 nM", "concentration: 5"),
    "a name with a blank": ("raphe_lesion:", "raphe lesion:"),
    "another schema": ("neurosim-experiment/1", "neurosim-experiment/7"),
    "no circuit": ("circuit: tiny\n", ""),
    "a species that is none": ("subjects: 2", "species: goldfish"),
}
WRONG_CIRCUITS = {
    "a receptor that is none": ("receptor: 5-HT1A", "receptor: 5-HT1Z"),
    "a transmitter that is none": ("transmitter: 5-HT\n", "transmitter: 6-HT\n"),
    "a model that is none": ("model: adex", "model: adx"),
    "a capacitance without a unit": ("C_m: {mean: 80 pF", "C_m: {mean: 80"),
    "a synapse without a weight": ("weight: 0.5 nS, ", ""),
    "a compartment that is none": ("compartment: soma", "compartment: somma"),
    "half a cell": ("n: 24", "n: 24.5"),
}


@pytest.mark.parametrize("what", WRONG_EXPERIMENTS)
def test_what_the_loader_refuses_of_an_experiment_the_editor_marks(what, tmp_path):
    text = (ROOT / "tests/data/tiny_experiment.yaml").read_text(encoding="utf-8")
    both_refuse("experiment", text, *WRONG_EXPERIMENTS[what], tmp_path)


@pytest.mark.parametrize("what", WRONG_CIRCUITS)
def test_what_the_loader_refuses_of_a_circuit_the_editor_marks(what, tmp_path):
    text = (ROOT / "tests/data/tiny.yaml").read_text(encoding="utf-8")
    both_refuse("circuit", text, *WRONG_CIRCUITS[what], tmp_path)


def both_refuse(kind, text, old, new, folder):
    assert old in text and complaints(kind, text) == []
    wrong = text.replace(old, new, 1)
    names = {"circuit": "tiny.yaml", "experiment": "tiny_experiment.yaml"}
    for name in names.values():
        (folder / name).write_text((ROOT / "tests/data" / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / names[kind]).write_text(wrong, encoding="utf-8")
    with pytest.raises(NeurosimError):
        validate(load_experiment(folder / names["experiment"]))
    assert complaints(kind, wrong)


def blocks(kind):
    schema = schema_of(kind)
    return {"the file": schema, **schema.get("definitions", {})}


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_says_what_it_is(kind):
    silent = [
        f"{name}.{key}"
        for name, block in blocks(kind).items()
        for key, entry in block.get("properties", {}).items()
        if not entry.get("description")
    ]
    assert silent == []


def test_units_are_shown_checked_and_exemplified():
    phase = schema_of("experiment")["definitions"]["Phase"]["properties"]["record"]
    assert phase["description"] == "length of the recording (time, e.g. '5 s')"
    assert phase["examples"] == ["5 s"]
    for good in ("5 s", "0.1 ms", "1e-3 s", "45 min", "-3h"):
        assert re.search(phase["pattern"], good), good
    for bad in ("5", "s", "", "five s"):
        assert not re.search(phase["pattern"], bad), bad
    rate = schema_of("circuit")["definitions"]["Pool"]["properties"]["k_out"]["anyOf"][0]
    assert re.search(rate["pattern"], "0.13 1/s")


def test_names_are_those_of_the_tables_and_what_ships_is_offered():
    experiment, circuit = schema_of("experiment"), schema_of("circuit")
    drug = experiment["definitions"]["Dose"]["properties"]["drug"]
    assert drug["enum"] == list(reference.drug_names())
    assert circuit["definitions"]["Site"]["properties"]["receptor"]["enum"] == list(reference.receptor_names())
    assert set(experiment["definitions"]["Dose"]["properties"]["route"]["enum"]) == set(reference.route_names())
    offered, free = experiment["definitions"]["Lesion"]["properties"]["population"]["anyOf"]
    assert {"DRN_HT", "VTA_DA"} <= set(offered["enum"]) and "enum" not in free
    offered, free, _ = experiment["properties"]["circuit"]["anyOf"]
    assert "midbrain_raphe" in offered["enum"] and free["type"] == "string"
    assert {"DRN", "NAc"} <= set(circuit["definitions"]["Site"]["properties"]["hears"]["anyOf"][0]["enum"])


def test_a_schema_does_not_hang_on_where_it_is_printed(tmp_path, monkeypatch):
    here = schema_of("experiment")
    (tmp_path / "circuits").mkdir()
    (tmp_path / "circuits" / "mine.yaml").write_text("name: mine\n")
    monkeypatch.chdir(tmp_path)
    assert editor_schema("experiment") == here


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_schema_is_what_the_command_prints(kind, capsys):
    print_schema(kind)
    shipped = ROOT / "docs" / "schemas" / schema_file(kind)
    assert shipped.read_text(encoding="utf-8") == capsys.readouterr().out, (
        f"neurosim schema {kind} > docs/schemas/{schema_file(kind)}"
    )


def test_an_unknown_kind_is_answered_with_the_nearest():
    with pytest.raises(SpecError, match=r"'experiments' files have no schema; did you mean 'experiment'\?"):
        editor_schema("experiments")


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind, path in FILES if "tests" not in path.parts])
def test_the_workspace_gives_every_shipped_file_its_schema(kind, path):
    settings = json.loads((ROOT / ".vscode/settings.json").read_text(encoding="utf-8"))["yaml.schemas"]
    name = path.relative_to(ROOT).as_posix()
    found = [schema for schema, globs in settings.items() if any(fnmatch(name, glob) for glob in globs)]
    assert found == [f"./docs/schemas/{schema_file(kind)}"]
    assert (ROOT / found[0]).is_file()


def test_the_line_that_names_a_schema_changes_no_trial(tmp_path):
    plain = (ROOT / "tests/data/tiny_experiment.yaml").read_text(encoding="utf-8")
    named = tmp_path / "tiny_experiment.yaml"
    (tmp_path / "tiny.yaml").write_text((ROOT / "tests/data/tiny.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    named.write_text(f"# yaml-language-server: $schema=experiment.schema.json\n{plain}", encoding="utf-8")
    assert digest(load_experiment(named)) == digest(load_experiment(ROOT / "tests/data/tiny_experiment.yaml"))


def test_rows_that_the_loader_refuses_are_marked_too(tmp_path):
    text = (ROOT / "docs/rows_example.yaml").read_text(encoding="utf-8")
    for old, new in (("expected: {direction: decrease}", "expected: {direction: down}"), ("value: 150", "valeu: 150")):
        assert old in text
        (tmp_path / "rows.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(SpecError):
            load_rows(tmp_path / "rows.yaml")
        assert complaints("rows", text.replace(old, new, 1)), new
