"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# Programs that tests compile are kept between test runs, and apart from those of the user.
os.environ.setdefault("NEUROSIM_CACHE", str(ROOT / ".pytest_cache" / "neurosim"))
os.environ.setdefault("MPLBACKEND", "Agg")

# Tests have no limits of wall-clock time: a loaded machine is no bug.
settings.register_profile("neurosim", deadline=None)
settings.load_profile("neurosim")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A current folder that holds the tiny circuit and experiment; returns it."""
    for name in ("tiny.yaml", "tiny_experiment.yaml"):
        (tmp_path / name).write_text(
            (ROOT / "tests" / "data" / name).read_text(encoding="utf-8"), encoding="utf-8"
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fake_engine(monkeypatch):
    """Runs use an engine that simulates nothing and is done at once; returns its class."""
    from fake_engine import FakeEngine, install

    install(monkeypatch)
    return FakeEngine


@pytest.fixture
def plain_figure(request, monkeypatch):
    """A figure takes longer than all the rest of a small run; tests that look at one ask for ``real_figure``."""
    if "real_figure" not in request.fixturenames:
        from matplotlib.figure import Figure

        from neurosim import analysis

        monkeypatch.setattr(analysis, "overview_figure", lambda results: Figure(), raising=False)
        monkeypatch.setattr(
            analysis, "save_figure", lambda figure, path: path.write_text("a figure") and path, raising=False
        )


@pytest.fixture
def real_figure():
    """The figure that users get."""


@pytest.fixture(scope="session")
def figure_folders(tmp_path_factory):
    """Folders of made-up results, by the function of ``tests/figures.py`` that makes them."""
    from figures import KINDS

    folders = {}
    for make in dict.fromkeys(make for make, _ in KINDS.values()):
        folders[make] = tmp_path_factory.mktemp("figures") / make.__name__
        make(folders[make]).close()
    return folders
