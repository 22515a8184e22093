"""What the README shows is run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic import results_folder

from neurosim.spec import load_circuit, load_experiment

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def shell_commands():
    """The ``neurosim`` lines of the README, without those that simulate or need what a user has made."""
    lines = re.findall(r"^ {4}(neurosim [^#\n]+)", README, re.M)
    assert len(lines) >= 6
    return [shlex.split(line) for line in lines]


def test_the_experiment_loads_with_all_its_arms(tmp_path):
    (text,) = (block for block in blocks("yaml") if "neurosim-experiment/1" in block)
    path = tmp_path / "my_experiment.yaml"
    path.write_text(text, encoding="utf-8")
    experiment = load_experiment(path, set={"subjects": 8})
    assert experiment.subjects == 8 and len(experiment.arms) == 6 and "dose" in experiment.scan


def test_the_circuit_extends_the_shipped_one(tmp_path):
    (text,) = (block for block in blocks("yaml") if "neurosim-circuit/1" in block)
    path = tmp_path / "my_circuit.yaml"
    path.write_text(text, encoding="utf-8")
    circuit, base = load_circuit(path), load_circuit("midbrain_raphe")
    assert set(circuit.sites) - set(base.sites) == {"D2_LHb"}
    for name, population in base.populations.items():
        assert circuit.populations[name].n == population.n
        assert circuit.populations[name].drive.value == population.drive.value


def test_the_notebook_lines_run(tmp_path, monkeypatch):
    results_folder(tmp_path / "results" / "acute_escitalopram")
    monkeypatch.chdir(tmp_path)
    for code in blocks("python"):
        exec(compile(code, "README.md", "exec"), {})


@pytest.mark.parametrize("command", shell_commands(), ids=" ".join)
def test_every_command_exists_with_its_options(command):
    known = subprocess.run([sys.executable, "-m", *command[:2], "--help"], capture_output=True, text=True)
    assert known.returncode == 0, known.stderr
    for option in (word for word in command[2:] if word.startswith("--")):
        assert option in known.stdout


@pytest.mark.parametrize("command", [c for c in shell_commands() if c[1] in ("list", "show")], ids=" ".join)
def test_commands_that_only_print_print(command):
    shown = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, cwd=ROOT)
    assert shown.returncode == 0 and len(shown.stdout.splitlines()) > 3, shown.stderr


def test_files_that_are_named_exist():
    for name in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / name).exists(), name


def test_the_predictions_name_rows_that_may_not_be_fitted():
    """Every row id in the table of predictions is a published row with use ``validation``."""
    from neurosim.reference import target_row

    ids = set(re.findall(r"^\| ([A-Z]{2}\d\d) \|", README, re.M))
    assert len(ids) >= 10
    assert {name for name in ids if target_row(name).use != "validation"} == set()
