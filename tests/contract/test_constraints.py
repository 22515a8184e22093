"""Pinned packages: one file per Python, without hosts, and within the ranges that pyproject.toml allows."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "requirements").glob("constraints-py3.*.txt"))


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(path):
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)", line)
        assert match, f"{path.name}: {line!r} is not NAME==VERSION"
        found[canonicalize_name(match[1])] = match[2]
    return found


def test_there_is_a_file_for_every_python_that_is_allowed():
    assert project()["requires-python"] == ">=3.11,<3.14"
    assert [path.name for path in FILES] == [f"constraints-py3.{k}.txt" for k in (11, 12, 13)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_constraints_file_names_no_host(path):
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert "@" not in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_requirement_is_pinned_within_its_range(path):
    python = path.stem.removeprefix("constraints-py")
    pinned = pins(path)
    wanted = [*project()["dependencies"], *project()["optional-dependencies"]["test"]]
    checked = 0
    for requirement in map(Requirement, wanted):
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            version = pinned[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"
            checked += 1
    assert checked > 15
