"""Every ``neurosim`` line of the README that simulates or reads is run as it stands, in a folder of its own.

Lines are run in their order, in one folder, as a reader would. Those that are not say why, and pytest shows it.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from docs.pages import ROOT, page_commands

pytestmark = pytest.mark.slow

README = ROOT / "README.md"
#: Lines that are not run here → why.
NOT_RUN = {
    r"neurosim run balance_map --cluster slurm .*": "needs SLURM; tests/cluster runs these lines there",
    r"neurosim status results/balance_map": "tells of that job; tests/cluster asks there",
}
def lines():
    """The lines of shell blocks, then the whole commands that stand in the text."""
    found = [words for words in page_commands(README) if words[0] == "neurosim"]
    quoted = re.findall(r"`(neurosim (?:run|show|schema|validate) [\w./-]+)`", README.read_text(encoding="utf-8"))
    found += [shlex.split(line) for line in quoted]
    return list(dict.fromkeys(shlex.join(words) for words in found))


def why_not(line):
    return next((why for pattern, why in NOT_RUN.items() if re.fullmatch(pattern, line)), None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A reader's folder: the experiments of the source, and the experiment and the circuit that the README shows."""
    place = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "experiments", place / "experiments")
    for text in re.findall(r"```yaml\n(schema: .*?)```", README.read_text(encoding="utf-8"), re.S):
        name = re.search(r"^name: (\w+)", text, re.M)[1]
        (place / f"{name}.yaml").write_text(text, encoding="utf-8")
    return place


@pytest.mark.parametrize("line", lines())
def test_a_line_does_what_it_says(line, folder):
    why = why_not(line)
    if why is not None:
        pytest.skip(f"{line}: {why}")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-m", *shlex.split(line)]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.strip(), "it printed nothing"


def test_the_main_job_left_what_the_readme_promises(folder):
    results = folder / "results" / "acute_escitalopram"
    assert (results / "summary.h5").stat().st_size > 10_000 and (results / "trials").is_dir()
    assert list(results.glob("*.png"))


def test_what_is_not_run_is_in_the_readme():
    for pattern in NOT_RUN:
        assert any(re.fullmatch(pattern, line) for line in lines()), pattern
