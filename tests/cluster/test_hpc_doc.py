"""The ten commands of docs/hpc.md, each run as it stands there, on a real SLURM."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def commands():
    text = (ROOT / "docs" / "hpc.md").read_text(encoding="utf-8")
    found = re.findall(r"^\d+\. .*?\n\n((?: {7,}.*\n)+)", text, re.M)
    return ["\n".join(line.strip() for line in block.splitlines()) for block in found]


def test_from_the_login_node_to_the_figure_in_ten_commands(slurm, tmp_path):
    ten = commands()
    assert len(ten) == 10
    environment = os.environ | {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "Agg",
    }
    environment.pop("XDG_CONFIG_HOME", None)
    environment.pop("NEUROSIM_CLUSTER", None)
    said = []
    for command in ten:
        ended = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, f"{command}\n{ended.stderr}"
        said.append(ended.stdout + ended.stderr)
    assert "100 trials, 0 done" in said[1] and "by experience, none has run yet" in said[1]
    assert "#SBATCH --partition=main" in said[2] and "from one trial that took" in said[2]
    assert re.search(r"submitted SLURM job \d+: 100 trials in 10 array tasks of up to 10", said[3])
    assert re.search(r"SLURM job \d+ holds \d+ of them", said[4])
    assert "neurosim" in said[5]
    assert "following it" in said[6] and "summary  results/balance_map/summary.h5" in said[6]
    assert "Nothing was simulated: all 100 trials are there" in said[7]
    assert "150 trials, 100 there already, 50 to run" in said[8]
    assert (tmp_path / "balance_map.png").read_bytes()[:4] == b"\x89PNG"
