"""What the site is made with: references of keys that hold every key, citations, notebooks, docstrings."""

import json

import pytest
from docs.pages import DOCS

from neurosim.reference import BibEntry, bibliography
from neurosim.spec import Arm, Circuit, Dose, Experiment, Site, json_schema


@pytest.fixture(autouse=True)
def extensions(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))


@pytest.mark.parametrize("kind", ["experiment", "circuit", "disorder"])
def test_every_key_of_every_block_is_on_the_page(kind):
    from file_keys import models_of, page

    text = page(kind)
    for model in models_of(kind):
        section = text[text.index(f".. _{kind}-{model.__name__.lstrip('_').lower()}:") :].split("\n.. _")[0]
        for name, field in model.model_fields.items():
            assert f"``{field.alias or name}``" in section, (model.__name__, name)
            line = f"   * - ``{field.alias or name}``\n"
            if field.is_required() and line in section:
                assert "**needed**" in section[section.index(line) :].split("   * -")[1], (model.__name__, name)


def test_the_blocks_of_a_page_are_those_of_the_schema():
    from file_keys import models_of

    for kind in ("circuit", "disorder"):
        assert {m.__name__ for m in models_of(kind)} - {json_schema(kind)["title"]} >= set(json_schema(kind)["$defs"])
    experiment = models_of("experiment")
    assert Circuit not in experiment and {Arm, Dose} < set(experiment)
    assert (experiment[Arm], experiment[Dose]) == ("arms.NAME", "arms.NAME.drugs.N")
    assert models_of("circuit")[Site] == "sites.NAME"


def test_a_row_says_kind_unit_range_and_default():
    from file_keys import page

    rows = {row.split("``")[1]: row for row in page("experiment").split("   * - ") if row.startswith("``")}
    assert "dose, e.g. ``10 mg/kg``; at least 0 mg/kg" in rows["dose"]
    assert "``iv`` or ``ip``" in rows["route"] and "**needed**" in rows["route"]
    assert "whole number, at least 0, below 2^63" in page("experiment")
    assert "``0.1 ms``" in rows["dt"] and "``true``" in rows["spikes"]


def test_a_citation_is_read_and_named():
    from citations import keys_of, label

    assert keys_of("as {cite}`black1983` and {cite}`best2009, best2020`") == ["black1983", "best2009", "best2020"]
    assert label(bibliography()["black1983"]) == "Black and Leff (1983)"
    assert label(bibliography()["tsodyks1998"]) == "Tsodyks et al. (1998)"
    assert label(BibEntry("misc", "x", {"title": "{A} page", "url": "https://x.org"})) == "A page"


def test_notebooks_are_python_and_otherwise_as_they_were():
    from notebooks import as_python

    bare = {"cells": [{"cell_type": "code", "source": "1"}], "metadata": {}, "nbformat": 4}
    said = json.loads(as_python(json.dumps(bare)))
    assert said["metadata"] == {"language_info": {"name": "python"}} and said["cells"] == bare["cells"]
    other = {**bare, "metadata": {"language_info": {"name": "julia"}}}
    assert json.loads(as_python(json.dumps(other))) == other


def test_magnitudes_in_docstrings_are_no_substitutions():
    from members import magnitudes

    lines = ["so |z| <= 6.76 and |a - b|; ``|x|`` stays", "", "as::", "", "    Σ |Y|²", "", "then |k|"]
    assert magnitudes(lines) == [
        r"so \|z\| <= 6.76 and \|a - b\|; ``|x|`` stays",
        "",
        "as::",
        "",
        "    Σ |Y|²",
        "",
        r"then \|k\|",
    ]


def test_public_names_and_commands_are_read_from_the_package():
    from members import command_help, documented, rooms

    import neurosim
    from neurosim.cli.app import COMMANDS

    assert set(documented("neurosim")) == set(neurosim.__all__) - {"__version__"}
    assert set(command_help()) == set(COMMANDS) and "--retry-failed" in command_help()["run"]
    assert list(rooms())[0] == "cli" and all(rooms().values())


def test_the_experiment_page_has_the_keys_of_the_top():
    from file_keys import keys_of

    assert "schema" in keys_of(Experiment) and "source" not in keys_of(Site)


@pytest.mark.parametrize("kind", ["experiment", "circuit", "disorder"])
def test_every_key_has_words(kind):
    from file_keys import keys_of, models_of

    from neurosim.export.schema_words import words_of

    without = [(m.__name__, key) for m in models_of(kind) for key in keys_of(m) if not words_of(m.__name__.lstrip("_"), key)]
    assert not without
