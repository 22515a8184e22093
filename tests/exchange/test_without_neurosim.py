"""Result files are read, and rates drawn with their unit, where neurosim is not installed.

In environments of their own: xarray and Matplotlib with netCDF4, or with h5netcdf. What runs there are the lines that
docs/analysis.md shows, then a look at every variable.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from synthetic import FOUR_ARMS, SMALL, results_folder

from neurosim.analysis import open_results
from neurosim.recording import load_trial

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "requirements" / "constraints-py{}.{}.txt".format(*sys.version_info)
READERS = {"netcdf4": "netCDF4", "h5netcdf": "h5netcdf[h5py]"}
#: What pip says where there is no package index to be reached.
NO_INDEX = re.compile(r"from versions: none|connection broken by|Failed to establish a new connection|timed out")

LOOK = """
import importlib.util, json, sys
from pathlib import Path
import matplotlib
matplotlib.use("Agg")
import numpy as np

assert importlib.util.find_spec("neurosim") is None, "neurosim can be imported here"
absent = [name for name in ("netCDF4", "h5netcdf") if importlib.util.find_spec(name) is None]
exec(compile(Path("shown.py").read_text(), "docs/analysis.md", "exec"))
figure.savefig("rates.png")


def numbers(tree):
    found = {}
    for node in tree.subtree:
        for name, values in node.to_dataset(inherit=False).variables.items():
            is_text = values.dtype.kind not in "iufb"
            content = values.values.astype(str).ravel().tolist() if is_text else values.values.astype(float).ravel().tolist()
            found[f"{node.path}/{name}"] = [list(values.dims), str(values.attrs.get("units", "")), content]
    return found


drawn = {line.get_label(): [list(map(str, line.get_xdata())), list(map(float, line.get_ydata()))] for line in axes.lines}
said = {key: value if isinstance(value, str) else float(value) for key, value in summary.attrs.items()}
print(json.dumps({
    "absent": absent, "modules": sorted(m for m in sys.modules if m.startswith("neurosim")), "drawn": drawn,
    "label": axes.get_ylabel(), "first": first.tolist(), "summary": numbers(summary), "trial": numbers(trial), "said": said,
}))
"""


@pytest.fixture(scope="module", params=sorted(READERS))
def python(request, tmp_path_factory):
    """An interpreter with xarray, Matplotlib and one reader; its name."""
    folder = tmp_path_factory.mktemp(request.param)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    packages = ["xarray", "matplotlib", READERS[request.param]]
    command = [str(folder / "bin" / "pip"), "install", "--disable-pip-version-check", "-c", str(CONSTRAINTS), *packages]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and NO_INDEX.search(done.stderr):
        pytest.skip(f"no package index can be reached, so {' and '.join(packages)} cannot be installed")
    assert done.returncode == 0, done.stderr
    return request.param, folder / "bin" / "python"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the page is read: with results, among them a trial that failed."""
    root = tmp_path_factory.mktemp("reader")
    own = root / "results" / "acute_escitalopram"
    results_folder(own, SMALL, FOUR_ARMS, subjects=2, outcomes={("vehicle", 1): "failed"})
    for path in (own / "trials").glob("*.h5"):
        if load_trial(path).attrs["outcome"] != "ok":
            path.unlink()  # the page opens the first file that there is
    text = (ROOT / "docs" / "analysis.md").read_text(encoding="utf-8").split("## Without neurosim")[1]
    (root / "shown.py").write_text(re.search(r"```python\n(.*?)```", text, re.S)[1], encoding="utf-8")
    (root / "look.py").write_text(LOOK, encoding="utf-8")
    return root


def test_a_reader_without_neurosim_sees_what_we_see(python, folder):
    reader, interpreter = python
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HDF5_", "PYTHON"))}
    done = subprocess.run([str(interpreter), "-I", "look.py"], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert {"netcdf4": "h5netcdf", "h5netcdf": "netCDF4"}[reader] in seen["absent"] and seen["modules"] == []
    assert seen["label"] == "firing rate (Hz)"
    assert (folder / "rates.png").read_bytes().startswith(b"\x89PNG")
    with open_results(folder / "results" / "acute_escitalopram") as results:
        rates = results.select("firing_rate", phase="drug").mean("subject")
        assert sorted(seen["drawn"]) == sorted(results.arms)
        for arm, (populations, values) in seen["drawn"].items():
            assert populations == rates.population.values.tolist()
            np.testing.assert_allclose(values, rates.sel(arm=arm).values, rtol=1e-12)
        assert seen["said"].keys() == results.attributes.keys()
        assert {k: v for k, v in seen["said"].items() if isinstance(v, str)} == {
            k: v for k, v in results.attributes.items() if isinstance(v, str)
        }
        assert_same(seen["summary"], results.summary)
    path = min((folder / "results" / "acute_escitalopram" / "trials").glob("*.h5"))
    trial = load_trial(path)
    assert_same(seen["trial"], trial)
    spikes = trial["spikes"]
    np.testing.assert_array_equal(seen["first"], spikes.spike_step.values[: int(spikes.row_size[0])] * spikes.spike_step.dt)


def assert_same(seen, tree):
    """Every variable: names, dimensions, unit and each value."""
    ours = {
        f"{node.path}/{name}": values
        for node in tree.subtree
        for name, values in node.to_dataset(inherit=False).variables.items()
    }
    assert seen.keys() == ours.keys() and len(ours) > 20
    for name, (dims, unit, content) in seen.items():
        values = ours[name]
        assert dims == list(values.dims) and unit == str(values.attrs.get("units", "")), name
        if values.dtype.kind in "iufb":
            np.testing.assert_array_equal(np.array(content, float), values.values.astype(float).ravel(), err_msg=name)
        else:
            assert content == values.values.astype(str).ravel().tolist(), name
