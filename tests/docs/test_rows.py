"""docs/rows.md and its example: every readout is in the page, and the example is scored."""

import csv
import shutil
from pathlib import Path

import pytest

from neurosim.cli import main
from neurosim.validation import get_readout, readout_names
from neurosim.validation.rows import read_rows

DOCS = Path(__file__).parents[2] / "docs"


def test_every_readout_is_in_the_page_with_its_unit_and_arguments():
    lines = (DOCS / "rows.md").read_text(encoding="utf-8").splitlines()
    found = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    assert set(found) == set(readout_names())
    for name in readout_names():
        r = get_readout(name)
        cells = [f"`{name}`", r.unit, ", ".join(r.required), ", ".join(r.optional), r.about]
        assert found[name] == "| " + " | ".join(cells) + " |", name


def _scored(folder):
    with (folder / "validation.csv").open(encoding="utf-8") as stream:
        return {row["id"]: row for row in csv.DictReader(stream)}


@pytest.mark.parametrize(
    "only",
    [("D2_held", "behaviour"), pytest.param((), marks=pytest.mark.slow)],
    ids=["what does not spike", "all"],
)
def test_the_example_is_scored(tmp_path, monkeypatch, capsys, only):
    shutil.copy(DOCS / "rows_example.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["validate", "--rows", "rows_example.yaml", *(w for id in only for w in ("--only", id))])
    assert end.value.code == 0, capsys.readouterr().err
    rows, folder = read_rows("rows_example.yaml"), tmp_path / "results" / "validation"
    scored, page = _scored(folder), (folder / "validation.md").read_text(encoding="utf-8")
    assert list(scored) == [id for id in rows.rows if not only or id in only]
    assert {row["use"] for row in scored.values()} == {"own"}
    assert scored["behaviour"]["verdict"] == "not expressible"
    assert scored["D2_held"]["verdict"] == "pass"
    assert all(f"| {id} |" in page or f"**{id}**" in page for id in scored)
    figures = [line.split("(")[1].rstrip(")") for line in page.splitlines() if line.startswith("![")]
    assert figures and all((folder / name).stat().st_size > 10_000 for name in figures)


def test_every_experiment_of_the_example_loads():
    rows = read_rows(DOCS / "rows_example.yaml")
    for id, row in rows.rows.items():
        for condition in row.conditions if row.not_expressible is None else ():
            experiment = rows.experiment(id, asked=condition.experiment)
            assert condition.arguments["arm"] in experiment.arms
