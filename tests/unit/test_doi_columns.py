"""tools/doi_columns.py: the column is filled from citations.csv, the manifest follows, and nothing else moves."""

import csv
import hashlib
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest

from neurosim.reference import keys

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The tool on a copy of the tables, of which citations.csv has lost its last row."""
    spec = importlib.util.spec_from_file_location("doi_columns", ROOT / "tools" / "doi_columns.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = tmp_path / "data"
    shutil.copytree(ROOT / "neurosim" / "reference" / "data", data)
    monkeypatch.setattr(module, "DATA", data)
    monkeypatch.chdir(ROOT)
    lines = (data / "citations.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (data / "citations.csv").write_text("".join(lines[:-1]), encoding="utf-8")
    module.lost = next(csv.reader([lines[-1]]))[0]
    return module


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def run(tool, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["doi_columns.py", *arguments])
    return tool.main()


def test_a_source_that_is_not_known_stops_it_and_is_named(tool, monkeypatch, capsys):
    before = {path.name: path.read_bytes() for path in tool.DATA.iterdir()}
    assert run(tool, monkeypatch) == 1
    assert capsys.readouterr().err.splitlines() == [
        "1 sources are not in citations.csv; --add appends them:",
        f"  {tool.lost}",
    ]
    assert before == {path.name: path.read_bytes() for path in tool.DATA.iterdir()}


def test_add_takes_it_up_fills_the_tables_and_a_second_run_changes_nothing(tool, monkeypatch, capsys):
    before = {path.name: rows(path) for path in tool.DATA.glob("*.csv")}
    assert run(tool, monkeypatch, "--add") == 0
    known = {row["text"]: row["doi_checked"] for row in rows(tool.DATA / "citations.csv")}
    assert known[tool.lost] == "no"
    for name, old in before.items():
        new = rows(tool.DATA / name)
        text = next((column for column in ("source", "citation") if column in old[0]), None)
        if name == "citations.csv":
            continue
        assert ("doi_checked" in new[0]) == (text is not None), name
        if text is not None:
            assert [row.pop("doi_checked") for row in new] == [known.get(row[text].strip(), "") for row in old]
            assert new == [{k: v for k, v in row.items() if k != "doi_checked"} for row in old], name
    for name, entry in json.loads((tool.DATA / "manifest.json").read_text(encoding="utf-8")).items():
        assert entry["rows"] == len(rows(tool.DATA / name))
        assert entry["sha256"] == hashlib.sha256((tool.DATA / name).read_bytes()).hexdigest()
    after = {path.name: path.read_bytes() for path in tool.DATA.iterdir()}
    capsys.readouterr()
    assert run(tool, monkeypatch, "--add") == 0
    assert capsys.readouterr().out == "0 sources added; tables changed: none\n"
    assert after == {path.name: path.read_bytes() for path in tool.DATA.iterdir()}


def test_what_is_known_of_a_doi_makes_no_trial_new():
    assert keys._numbers({"Ki_nM": "1", "doi_checked": "yes"}) == {"Ki_nM": "1"}
