"""The results contract: what files hold, and that others open them without neurosim."""

import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray as xr
from synthetic import SMALL, SSRI, Treatment, results_folder

from neurosim.analysis import Axis
from neurosim.recording import SCHEMA, VARIABLES

CONTRACT = {
    "rates": {
        "firing_rate": "Hz",
        "firing_rate_active": "Hz",
        "active_fraction": "1",
        "cv_isi": "1",
        "burst_fraction": "1",
        "n_cells": "1",
    },
    "pools": {"concentration": "nM", "release": "nM/s", "uptake": "nM/s", "efflux": "nM/s"},
    "receptors": {
        "activation": "1",
        "transmitter_occupancy": "1",
        "occupancy": "1",
        "carrier_occupancy": "1",
    },
    "drugs": {"concentration": "nM"},
    "balance": {"balance": "1", "balance_activation": "1"},
    "trials": {"outcome": None, "key": None, "wall_time": "s", "message": None},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    axis = Axis("strength", (0.5, 1.0), "1", "arms.escitalopram.drugs.escitalopram.dose")
    arms = {"vehicle": Treatment(), "escitalopram": SSRI}
    return results_folder(tmp_path_factory.mktemp("results"), SMALL, arms, axes=[axis], record=0.3)


@pytest.fixture(scope="module")
def files(folder):
    return [folder / "summary.h5", *sorted((folder / "trials").glob("*.h5"))]


def datasets(path):
    """Every dataset that holds values, by its path."""
    found = {}
    with h5py.File(path) as file:

        def visit(name, node):
            is_bare = isinstance(node, h5py.Dataset) and b"not a netCDF variable" in node.attrs.get(
                "NAME", b""
            )
            if isinstance(node, h5py.Dataset) and not is_bare:
                found[name] = (node.dtype, dict(node.attrs), node.compression, node.shuffle)

        file.visititems(visit)
    return found


def test_the_summary_holds_the_groups_variables_and_units_of_the_contract(folder):
    with xr.open_datatree(folder / "summary.h5") as tree:
        assert set(tree.children) == set(CONTRACT)
        for group, variables in CONTRACT.items():
            dataset = tree[group].to_dataset()
            for name, units in variables.items():
                assert dataset[name].attrs.get("units") == units, f"{group}/{name}"
            assert set(dataset.data_vars) == set(variables) | (set(VARIABLES[group]) - set(variables))


def test_dimensions_are_those_of_the_contract(folder):
    outer = ("arm", "subject", "strength")
    with xr.open_datatree(folder / "summary.h5") as tree:
        for group in set(CONTRACT) - {"trials"}:
            for name, values in tree[group].to_dataset().data_vars.items():
                assert values.dims == (*outer, *VARIABLES[group][name].dims), f"{group}/{name}"
        assert tree["trials"]["outcome"].dims == outer
        receptors = tree["receptors"].to_dataset()
        for coordinate in ("receptor", "on", "compartment", "hears"):
            assert receptors[coordinate].dims == ("site",)


def test_every_group_stands_alone(folder):
    """A group opened by itself has its coordinates."""
    with xr.open_dataset(folder / "summary.h5", group="rates") as rates:
        value = rates.firing_rate.sel(
            arm="vehicle", subject=1, phase="drug", population="DRN_HT", strength=1.0
        )
        assert value.shape == ()
        assert value > 0


def test_every_numeric_variable_of_every_file_has_units(files):
    for path in files:
        for name, (dtype, attributes, _, _) in datasets(path).items():
            if dtype.kind in "iuf":
                assert attributes.get("units"), f"{path.name}: {name}"
                assert attributes.get("long_name"), f"{path.name}: {name}"


def test_no_type_that_netcdf_readers_refuse(files):
    """No bool, float16, 64-bit unsigned or compound data, no attribute but numbers and text, no MultiIndex."""
    for path in files:
        for name, (dtype, attributes, _, _) in datasets(path).items():
            assert dtype in (np.float64, np.float32, np.int64, np.int32, np.int8) or dtype.kind in "OS", name
            for value in attributes.values():
                assert not isinstance(value, (bool, np.bool_)), name
        with xr.open_datatree(path) as tree:
            for node in tree.subtree:
                assert all(
                    type(index.to_pandas_index()).__name__ != "MultiIndex" for index in node.xindexes.values()
                )


def test_only_gzip_with_shuffle_compresses(files):
    compressed = 0
    for path in files:
        for name, (_, _, compression, shuffle) in datasets(path).items():
            assert compression in (None, "gzip"), f"{path.name}: {name}"
            if compression:
                assert shuffle or name.startswith("spikes/p"), name
                compressed += 1
    assert compressed > 20


def test_root_attributes(folder):
    with h5py.File(folder / "summary.h5") as file:
        attributes = dict(file.attrs)
    assert attributes["schema"] == SCHEMA.encode() or attributes["schema"] == SCHEMA
    assert attributes["complete"] == 1
    for name in (
        "name",
        "experiment_yaml",
        "seed",
        "reference_arm",
        "reference_phase",
        "Conventions",
        "wall_time",
    ):
        assert name in attributes


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("HDF5_", "NETCDF"))}


def test_plain_h5py_reads_a_trial_in_a_clean_environment(files):
    code = (
        "import h5py, sys\n"
        "f = h5py.File(sys.argv[1])\n"
        "n = []\n"
        "f.visititems(lambda name, node: n.append(node[()]) if isinstance(node, h5py.Dataset) else None)\n"
        "assert len(n) > 30 and int(f['spikes/row_size'][()].sum()) == f['spikes/spike_step'].size\n"
        "assert 'neurosim' not in sys.modules and 'xarray' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(files[1])], check=True, env=clean_environment())


@pytest.mark.skipif(shutil.which("ncdump") is None, reason="ncdump is not installed")
def test_ncdump_reads_both_files(files):
    for path in files[:2]:
        done = subprocess.run(["ncdump", str(path)], capture_output=True, text=True, env=clean_environment())
        assert done.returncode == 0, done.stderr
        assert "group: rates" in done.stdout


def test_results_open_without_what_simulates(folder):
    """Reading needs neither Brian2 nor Matplotlib, nor what reads experiments or builds circuits."""
    code = (
        "import sys, neurosim as ns\n"
        "r = ns.open_results(sys.argv[1])\n"
        "r.compare('escitalopram', 'vehicle'); r.trial('vehicle')\n"
        "heavy = 'brian2 matplotlib pydantic neurosim.spec neurosim.build neurosim.engines neurosim.units'\n"
        "bad = set(heavy.split()) & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=clean_environment())
