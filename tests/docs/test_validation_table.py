"""The committed table of published numbers is whole, and the page that explains it shows the same numbers."""

import csv
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


def test_the_page_shows_the_committed_table():
    answer = subprocess.run([sys.executable, ROOT / "tools" / "pet_table.py"], capture_output=True, text=True, check=True)
    assert answer.stdout in (ROOT / "docs" / "pet.md").read_text(encoding="utf-8"), "paste what tools/pet_table.py prints"


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
