"""A process killed at any moment of a save leaves the old file, the new file or none: never a part of one."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from neurosim.errors import ResultSchemaError
from neurosim.recording import SCHEMA, write_tree
from neurosim.recording.files import _FEW_OPEN, _OPENED, open_tree, verify

TESTS = Path(__file__).parents[1]

# One process imports once; each of its children saves over and over until it is killed.
CODE = """
import os, random, signal, sys, time
sys.path.insert(0, sys.argv[2])
from pathlib import Path
import numpy as np
from synthetic import SMALL, trial
from neurosim.analysis import trial_rates
from neurosim.errors import ResultSchemaError
from neurosim.recording import load_trial, read_record, sweep, trial_path, write_trial

folder, draw = Path(sys.argv[1]), random.Random(int(sys.argv[3]))
result = trial("k", SMALL, record=1.0)
rates = trial_rates(result)
path = trial_path(folder, "k")
since = time.perf_counter()
write_trial(folder, result, rates)
reach = 2 * (time.perf_counter() - since)  # kills fall into the first saves of a child, however slow the machine
whole = absent = attempt = 0
path.unlink()
while attempt < 24 or (attempt < 200 and not (whole and absent)):
    attempt += 1
    if attempt % 12 == 0 and not whole:
        reach *= 2
    if attempt % 3 == 0:
        path.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        try:
            while True:
                write_trial(folder, result, rates)
        finally:
            os._exit(1)
    time.sleep(draw.uniform(0.0, reach))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if not path.exists():
        absent += 1
        continue
    tree, record = load_trial(path), read_record(path)
    spikes = np.concatenate([phase.spikes.step for phase in result.phases])
    assert np.array_equal(tree["spikes"].spike_step.values, spikes)
    assert np.isfinite(tree["traces"].activation.values).all()
    assert np.array_equal(record.values["rates", "firing_rate"], rates["firing_rate"])
    whole += 1
left = list((folder / "trials").glob(".*.tmp"))
for file in left:
    os.utime(file, (1, 1))
print(whole, absent, len(left), len(sweep(folder / "trials")), len(list((folder / "trials").iterdir())))
"""


def test_kill_9_during_save_leaves_no_readable_partial_result(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path), str(TESTS), "11"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    whole, absent, left, swept, files = map(int, done.stdout.split())
    assert whole > 0
    assert absent > 0
    assert left > 0, "no child was killed while it wrote: the test proves nothing"
    assert swept == left
    assert files <= 1


def _in_a_process(code):
    """Run Python code without a compiler and say how it ended."""
    environment = {**os.environ, "CXX": "/nonexistent"}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, (ended.returncode, ended.stderr[-500:])


@pytest.fixture
def mini(tiny):
    """The current folder, with an experiment that takes no time even without a compiler."""
    (tiny / "mini.yaml").write_text(
        "schema: neurosim-experiment/1\nname: mini\ncircuit: tiny\n"
        "protocol: {settle: 20 ms, phases: [{name: drug, record: 50 ms}]}\n"
        "arms: {vehicle: {}, ssri: {drugs: [{drug: escitalopram, concentration: 5 nM}]}}\n",
        encoding="utf-8",
    )
    return tiny


def test_one_file_opened_again_and_again_does_not_end_the_process(mini):
    # HDF5 read a text through the handle of a tree that had been closed while another tree held the file
    _in_a_process(
        "import neurosim as ns\n"
        "ns.run('mini.yaml', output='o', workers=1)\n"
        "def look(arm, reference):\n"
        "    r = ns.open_results('o')\n"
        "    rates = r.compare(arm, reference)['rates'].firing_rate\n"
        "    return [float(rates.sel(statistic=s).mean()) for s in ('difference', 'low', 'high')]\n"
        "held = ns.open_results('o')\n"
        "first = look(held.arms[1], held.arms[0])\n"
        "for k in range(6):\n"
        "    again = look(held.arms[1], held.arms[0])\n"
        "    assert str(again) == str(first)\n"
        "other = ns.open_results('o')\n"
        "other.summary['rates'].firing_rate.load().values[:] = -1\n"
        "assert not (held.summary['rates'].firing_rate.values < 0).any(), 'what one overwrites the other does not show'\n"
        "other.close()\n"
        "assert not (held.summary['rates'].firing_rate.values < 0).any(), 'the other goes on to read'\n"
    )


def test_results_left_open_do_not_end_the_process(mini):
    # The collector closed an old tree while netCDF-C opened the next file: a segmentation fault at the fourth turn.
    _in_a_process("import neurosim as ns\nfor k in range(6): print(ns.run('mini.yaml', output='o', workers=1))")


def test_many_files_are_open_only_while_somebody_holds_them(tmp_path):
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"schema": SCHEMA}), "a": xr.Dataset({"x": ("n", [1.0, 2.0])})})
    paths = [write_tree(tmp_path / f"{k}.h5", tree) for k in range(2 * _FEW_OPEN + 4)]
    open_tree(paths[0])  # what earlier tests left may go now
    gc.collect()
    held = [open_tree(path) for path in paths[:3]]
    for path in paths:
        open_tree(path)
    assert len(_OPENED) <= 2 * _FEW_OPEN, "those that nobody holds were closed on the way"
    assert all(float(tree["a"].x.sum()) == 3.0 for tree in held)


def test_damage_inside_a_file_is_found_by_its_sums(tmp_path):
    numbers = xr.Dataset({"x": ("n", np.random.default_rng(1).normal(size=5000))})
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"schema": SCHEMA}), "numbers": numbers})
    path = write_tree(tmp_path / "a.h5", tree)
    verify(path)
    with h5py.File(path) as file:
        dataset = next(node for node in _datasets(file) if node.chunks and node.size > 50)
        chunk = dataset.id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    middle = chunk.byte_offset + chunk.size // 2
    data[middle] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(ResultSchemaError, match="is truncated, damaged or not a result file"):
        verify(path)


def _datasets(file):
    found = []
    file.visititems(lambda name, node: found.append(node) if isinstance(node, h5py.Dataset) else None)
    return found
