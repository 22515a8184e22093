"""The committed table of published numbers is whole, and the page that explains it shows the same numbers."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neurosim.validation import validate
from neurosim.validation.report import COLUMNS
from neurosim.validation.rows import read_rows

ROOT = Path(__file__).resolve().parents[2]


def committed():
    with (ROOT / "docs" / "validation.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_committed_table_holds_every_shipped_row():
    rows = committed()
    assert tuple(rows[0]) == COLUMNS
    assert [row["id"] for row in rows] == list(read_rows().rows)
    assert not [row["id"] for row in rows if row["verdict"] == "error"]


@pytest.mark.parametrize(("asked", "page"), [("pet", "docs/pet.md"), ("core", "README.md")])
def test_the_pages_show_the_committed_table(asked, page):
    tool = [sys.executable, ROOT / "tools" / "score_table.py", asked]
    answer = subprocess.run(tool, capture_output=True, text=True, check=True)
    assert answer.stdout in (ROOT / page).read_text(encoding="utf-8"), f"paste what tools/score_table.py {asked} prints"


def test_the_scoreboard_is_that_of_the_committed_table():
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    for row in committed():
        assert f"| {row['id']}{'*' * bool(row['core'])} |" in page or f"**{row['id']}**" in page, row["id"]
        if row["core"] and row["verdict"] in ("wrong size", "wrong sign"):
            assert f"**{row['id']}** (" in page, f"{row['id']}: a core row that is missed has a paragraph"
    assert "(not written yet)" not in page, "rows.yaml: lacks"
    for name in re.findall(r"\]\(([^)#]+)\)", page):
        assert (ROOT / "docs" / name).exists(), name


@pytest.mark.slow
@pytest.mark.usefixtures("plain_figure")
def test_a_spiking_experiment_says_now_what_the_committed_table_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = {row["id"]: row for row in committed() if row["id"] in ("RM29", "RM56")}
    for score in validate(only=list(wanted)).scores:
        assert score.verdict == wanted[score.id]["verdict"], score.id
        # bit-identical on the machine that wrote the table; elsewhere other roundings make other spikes
        assert score.reading.value == pytest.approx(float(wanted[score.id]["model"]), abs=3.0), score.id


@pytest.mark.slow
@pytest.mark.usefixtures("plain_figure")
def test_the_committed_pet_rows_are_what_the_model_says_now(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = {row["id"]: row for row in committed() if row["area"] == "pet"}
    for score in validate(only=list(wanted)).scores:
        row = wanted[score.id]
        assert score.verdict == row["verdict"], score.id
        if row["model"]:
            assert score.reading.value == pytest.approx(float(row["model"]), rel=1e-3), score.id
