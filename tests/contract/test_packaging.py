"""The wheel, installed elsewhere and used from another folder, finds its circuits, experiments and tables."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("neurosim", "circuits", "experiments", "pyproject.toml", "setup.py", "LICENSE", "README.md")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel from a copy of the sources and install it into a folder; returns that folder."""
    base = tmp_path_factory.mktemp("packaging")
    source, wheels, target = base / "source", base / "wheels", base / "installed"
    source.mkdir()
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(source)]
    subprocess.run([*pip, *build], check=True, cwd=base)
    (wheel,) = wheels.iterdir()
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True, cwd=base)
    return target


def command(installed, folder, *arguments):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    # -S keeps the editable installation of this project away; its packages come by path, after the wheel.
    packages = [str(installed), *(path for path in sys.path if path.endswith("-packages"))]
    environment["PYTHONPATH"] = os.pathsep.join(packages)
    script = "import neurosim; print(neurosim.__file__); from neurosim.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-S", "-c", script, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_nothing_lands_beside_the_package(installed):
    names = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert names <= {"neurosim", "bin"}


def test_every_data_file_is_in_the_wheel(installed):
    data = [
        path.relative_to(ROOT)
        for path in (ROOT / "neurosim").rglob("*")
        if path.is_file() and path.suffix in (".bib", ".csv", ".jinja", ".json", ".yaml", ".cpp", ".h")
    ]
    assert len(data) > 5
    assert [str(path) for path in data if not (installed / path).is_file()] == []
    for folder in ("circuits", "experiments"):
        shipped = {path.name for path in (ROOT / folder).glob("*.yaml")}
        assert shipped
        assert shipped == {path.name for path in (installed / "neurosim" / folder).glob("*.yaml")}


def test_circuits_and_experiments_are_found_from_another_folder(installed, tmp_path):
    for kind, name in (("circuits", "midbrain_raphe"), ("experiments", "acute_escitalopram")):
        answer = command(installed, tmp_path, "list", kind)
        assert answer.returncode == 0, answer.stderr
        where, *lines = answer.stdout.splitlines()
        assert Path(where).is_relative_to(installed)
        assert any(line.startswith(f"{name} ") for line in lines)


def test_an_experiment_that_ships_can_be_checked_from_another_folder(installed, tmp_path):
    answer = command(installed, tmp_path, "check", "acute_escitalopram")
    assert answer.returncode == 0, answer.stderr
    assert "4 arms x" in answer.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_entry_point_and_the_metadata_are_there(installed):
    (info,) = installed.glob("*.dist-info")
    assert info.name.startswith("neurosim_da5ht-")
    assert "neurosim = neurosim.cli:main" in (info / "entry_points.txt").read_text()
    metadata = (info / "METADATA").read_text()
    assert "License-Expression: BSD-3-Clause" in metadata
    assert "Requires-Python: <3.14,>=3.11" in metadata


def test_no_result_of_a_run_and_nothing_large_is_committed():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    there = [path for path in paths if path.is_file()]
    assert len(there) > 400
    assert not [path.name for path in there if path.suffix in (".h5", ".nc", ".o")]
    # the largest is a notebook with its figures, 0.3 MB
    assert not [path.name for path in there if path.stat().st_size > 1_000_000]
