"""Imports point one way, down the list of rooms in DESIGN; style is what ruff says."""

import ast
import builtins
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def contracts():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]


def run(name, *arguments, folder=ROOT):
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_imports_point_one_way():
    answer = run("lint-imports", "--no-cache")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_room_has_its_place_in_the_contract():
    rooms = {path.stem for path in (ROOT / "neurosim").iterdir() if path.is_dir() or path.suffix == ".py"}
    rooms -= {"__init__", "__main__", "__pycache__"}
    layers = next(c for c in contracts() if c["type"] == "layers")["layers"]
    placed = [room.strip().removeprefix("neurosim.") for layer in layers for room in layer.split("|")]
    assert sorted(placed) == sorted(rooms)
    for contract in contracts():
        if contract["type"] == "forbidden":
            left_out = {"brian2": {"engines"}, "typer": {"cli"}}[contract["forbidden_modules"][0]]
            sources = {name.removeprefix("neurosim.") for name in contract["source_modules"]}
            assert sources == rooms - left_out


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("units.py", "import neurosim.spec\n"),
        ("analysis/balance.py", "import neurosim.engines\n"),
        ("runner/run.py", "import brian2\n"),
        ("recording/files.py", "import rich\n"),
    ],
)
def test_an_import_that_points_up_is_seen(tmp_path, file, line):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "neurosim", tmp_path / "neurosim", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "neurosim" / file
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}", encoding="utf-8")
    answer = run("lint-imports", "--no-cache", folder=tmp_path)
    assert answer.returncode == 1, answer.stdout
    assert "BROKEN" in answer.stdout


def test_only_cli_prints():
    printing = [
        path.relative_to(ROOT)
        for path in sorted((ROOT / "neurosim").rglob("*.py"))
        if "cli" not in path.relative_to(ROOT).parts
        and any(line.strip().startswith("print(") for line in path.read_text(encoding="utf-8").splitlines())
    ]
    assert printing == []


def test_style():
    answer = run("ruff", "check", "--output-format=concise", ".")
    assert answer.returncode == 0, answer.stdout


def hidden(function):
    """Builtins that a function calls although a comprehension in it has a variable of that name."""
    variables = {
        name.id
        for part in ast.walk(function)
        if isinstance(part, ast.comprehension)
        for name in ast.walk(part.target)
        if isinstance(name, ast.Name)
    }
    calls = {part.func.id for part in ast.walk(function) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)}
    return variables & calls & set(dir(builtins))


def test_no_variable_of_a_comprehension_is_a_builtin_that_its_function_calls():
    """Python 3.12 runs comprehensions within their function, where such a call fails."""
    found = [
        (path.relative_to(ROOT), part.name, names)
        for path in sorted((ROOT / "neurosim").rglob("*.py"))
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(part, ast.FunctionDef) and (names := hidden(part))
    ]
    assert found == []
    (bad,) = ast.parse("def f(rows):\n    return {id: 1 for id in rows}, id(rows)").body
    assert hidden(bad) == {"id"}
