"""docs/figures.md shows every kind of figure, and its code runs."""

import re
import runpy
import shutil
from pathlib import Path

import pytest
from figures import crossed, paper, scanned
from matplotlib.figure import Figure

from neurosim.analysis.plots import Plot

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
TOOL = runpy.run_path(str(ROOT / "tools" / "figure_page.py"))


def test_every_kind_has_its_line():
    methods = {name for name in vars(Plot) if not name.startswith("_")}
    assert methods == set(re.findall(r"\.plot\.(\w+)\(", TEXT))


def test_its_code_runs_and_gives_figures(figure_folders, tmp_path, monkeypatch):
    for name, make in {"acute_escitalopram": paper, "d2_occupancy": scanned, "balance_map": crossed}.items():
        shutil.copytree(figure_folders[make], tmp_path / "results" / name)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "validation.csv", tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    names = {}
    for code, picture in TOOL["steps"]():
        figure = TOOL["run"](code, names)
        assert isinstance(figure, Figure) == (picture is not None), code
    assert (tmp_path / "figures" / "overview.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", re.findall(r"\]\(([\w/]+\.png)\)", TEXT))
def test_every_picture_is_there_and_has_words_for_those_who_do_not_see_it(name):
    assert (ROOT / "docs" / name).exists()
    assert re.search(rf"!\[\w[^\]]+\]\({name}\)", TEXT)


def test_the_pictures_are_small():
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "figures").glob("*.png")) < 600_000
