"""From what an engine measured to the trial file and back."""

import dataclasses
import json
import math
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from plans import STRUCTURE, N, tiny_plan
from synthetic import SMALL, SSRI, Treatment, trial

from neurosim.analysis import spike_trains, trial_rates
from neurosim.errors import ResultSchemaError
from neurosim.recording import (
    OUTCOMES_WITH_DATA,
    PhaseContext,
    PopulationInfo,
    SiteInfo,
    TrialResult,
    clean_attributes,
    environment,
    load_spikes,
    load_trial,
    phase_result,
    read_header,
    read_record,
    record_of,
    sweep,
    trial_path,
    write_trial,
)
from neurosim.recording.files import _encoding
from neurosim.runner.folder import marks


@pytest.fixture
def plan():
    return tiny_plan(settle=0.1, record=0.4)


@pytest.fixture
def context():
    return PhaseContext(
        name="drug",
        at=60.0,
        populations=(PopulationInfo("X", "DA"), PopulationInfo("X", "GABA")),
        sites=tuple(SiteInfo("D2", "A", "soma", "X") for _ in range(4)),
        ligands=("one", "two"),
        drug_concentrations=np.array([10.0, 0.0]),
        site_terms=np.array([[3.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 2.0]]),
        site_held=np.zeros((4, 2)),
        carriers=("DAT", "SERT", "NET"),
        carrier_terms=np.array([[0.0, 0.0], [9.0, 0.0], [1.0, 2.0]]),
        receptor_number=np.array([1.0, 0.5, 1.0, 1.0]),
    )


def raw(plan, spikes=(), **changes):
    """What an engine would hand back; spikes are (cell, step) pairs."""
    cell, step = np.array(list(spikes), np.int64).reshape(-1, 2).T
    n_times = round(plan.record / STRUCTURE.dt_trace)
    traces = {
        "concentration": np.ones((3, n_times)),
        "activation": np.ones((4, n_times)),
        "voltage": np.zeros((2, 400)),
    }
    pools, sites = np.full(3, 40.0), np.full(4, 0.5)
    means = {"concentration": pools, "release": pools, "uptake": pools, "loss": pools, "activation": sites}
    return SimpleNamespace(
        spike_i=cell.astype(np.int32),
        spike_step=step,
        traces=traces | changes.pop("traces", {}),
        means=means
        | {"efflux": 0.1 * pools, "heard": np.full(4, 40.0), "bound": np.array([2 / 6, 2 / 3, 2 / 5, 2 / 5])}
        | {"filling": np.array([0.5, 1.2, 1.0]), "released": np.ones(3)},
        c_start=pools,
        c_end=pools + 1.0,
        wall_time=0.1,
    )


def test_spikes_count_from_the_start_of_the_recording(plan, context):
    settle, end = plan.settle_steps, plan.settle_steps + plan.record_steps
    spikes = [(5, settle - 1), (7, settle), (2, settle + 30), (7, end - 1), (2, settle + 10), (7, end)]
    trains = phase_result(raw(plan, spikes), plan, context).spikes
    assert trains.row_size.sum() == 4
    assert trains.of(2, 3).step.tolist() == [10, 30]
    assert trains.of(7, 8).step.tolist() == [0, plan.record_steps - 1]
    assert trains.step.dtype == np.int32
    assert trains.n_cells == N


def test_rate_traces_count_every_spike_once_and_per_living_cell(plan, context):
    alive = plan.cells["inv_C_m"].copy()
    alive[:15] = 0.0
    lesioned = dataclasses.replace(plan, cells={**plan.cells, "inv_C_m": alive})
    per_bin = round(STRUCTURE.dt_trace / STRUCTURE.dt)
    spikes = [(20, plan.settle_steps + k) for k in (0, per_bin - 1, per_bin, 3999)]
    result = phase_result(raw(plan, spikes), lesioned, context)
    rate = result.traces["rate"]
    assert result.alive.sum() == N - 15
    assert rate[0].sum() * STRUCTURE.dt_trace * 15 == pytest.approx(4.0, rel=1e-6)
    assert rate[0, 0] == pytest.approx(2 / (15 * STRUCTURE.dt_trace))
    assert (rate[1] == 0).all()


def test_occupancies_are_gaddums(plan, context):
    result = phase_result(raw(plan), plan, context)
    assert result.transmitter_occupancy == pytest.approx([2 / 6, 2 / 3, 2 / 5, 2 / 5])
    assert result.occupancy[0] == pytest.approx([3 / 6, 0.0])
    assert result.carrier_occupancy == pytest.approx(np.array([[0, 0], [0.9, 0], [0.25, 0.5]]))
    assert (result.transmitter_occupancy + result.occupancy.sum(axis=1) <= 1).all()
    assert result.site_transmitters == ("DA", "5-HT", "5-HT", "DA")


def test_the_budget_goes_into_the_file_whole(plan, context):
    means = phase_result(raw(plan), plan, context).means
    assert (means["drift"] == 1.0).all()
    assert (means["efflux"] == 4.0).all()
    assert means["filling"] == pytest.approx([0.5, 1.2, 1.0])


def test_traces_of_another_length_are_refused(plan, context):
    short = raw(plan, traces={"activation": np.ones((4, 3))})
    with pytest.raises(ResultSchemaError, match=r"phase 'drug': the trace 'activation' has shape \(4, 3\)"):
        phase_result(short, plan, context)


def test_a_recording_that_is_no_whole_number_of_samples_ends_in_a_short_bin(context):
    plan = tiny_plan(settle=0.1, record=0.405)
    n_times = math.ceil(0.405 / STRUCTURE.dt_trace)
    traces = {"concentration": np.ones((3, n_times)), "activation": np.ones((4, n_times))}
    result = phase_result(raw(plan, [(0, plan.settle_steps + 4040)], traces=traces), plan, context)
    assert result.traces["rate"][0, -1] == pytest.approx(1 / (30 * 0.005), rel=1e-5)


# ---- files -------------------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    result = trial("k1", SMALL, SSRI, record=0.5)
    return result, write_trial(tmp_path, result, trial_rates(result), {"subject": 1, "flag": True})


def test_what_was_written_is_what_is_read(written):
    result, path = written
    tree = load_trial(path)
    drug = result.phases[1]
    assert tree.attrs["outcome"] == "ok"
    assert tree.attrs["flag"] == 1
    concentration = tree["pools"].concentration.sel(phase="drug")
    for (region, transmitter), level in zip(drug.labels.pools, drug.means["concentration"], strict=True):
        assert float(concentration.sel(region=region, transmitter=transmitter)) == level
    assert np.isnan(concentration.sel(region="DRN", transmitter="DA"))
    assert np.array_equal(tree["traces"]["rate"].sel(phase="drug"), drug.traces["rate"])
    assert tree["receptors"].occupancy.sel(phase="drug").dims == ("site", "ligand")
    assert tree["rates"].population_transmitter.values.tolist() == ["DA", "GABA", "5-HT"]


def test_spikes_are_a_cf_ragged_array(written):
    result, path = written
    with xr.open_dataset(path, group="spikes") as spikes:
        assert spikes.row_size.attrs["sample_dimension"] == "obs"
        assert spikes.row_size.sizes["train"] == 2 * 15
        assert int(spikes.row_size.sum()) == spikes.sizes["obs"]
        chosen = (spikes.phase == "drug") & (spikes.population == "DRN_HT") & (spikes.cell == 2)
        (train,) = np.flatnonzero(chosen.values)
        end = np.cumsum(spikes.row_size.values)[train]
        steps = spikes.spike_step.values[end - int(spikes.row_size[train]) : end]
        expected, _ = result.phases[1].population("DRN_HT")
        assert np.array_equal(steps * spikes.spike_step.attrs["dt"], expected.train(2))


def test_the_fast_reader_gives_what_xarray_gives(written):
    result, path = written
    record, tree = read_record(path), load_trial(path)
    for (group, name), values in record.values.items():
        assert np.array_equal(values, tree[group][name].values, equal_nan=True), name
        assert tree[group][name].dims == tuple(d for d in tree[group][name].dims if d in record.labels)
    assert record.labels["ligand"] == ("escitalopram",)
    assert record.columns["receptor"] == ("D2", "5-HT1A", "5-HT2C")
    assert (record.key, record.outcome, record.wall_time) == ("k1", "ok", 1.5)


@pytest.mark.parametrize("outcome", ["ok", "silent", "runaway", "failed", "nan"])
def test_what_is_handed_over_is_what_the_file_would_say(tmp_path, outcome):
    whole = trial("k1", SMALL, SSRI, record=0.5)
    phases = whole.phases if outcome in OUTCOMES_WITH_DATA else ()
    result = dataclasses.replace(whole, outcome=outcome, message="m", phases=phases)
    rates = trial_rates(result) if result.has_data else None
    there = read_record(write_trial(tmp_path, result, rates, {"subject": 1}))
    here = record_of(result, rates)
    for name in ("key", "outcome", "message", "wall_time", "labels", "columns"):
        assert getattr(here, name) == getattr(there, name), name
    assert here.values.keys() == there.values.keys() and bool(here.values) == result.has_data
    for name, values in here.values.items():
        assert values.dtype == there.values[name].dtype
        assert np.array_equal(values, there.values[name], equal_nan=True), name


def test_the_fast_reader_of_spikes_gives_what_xarray_gives(written):
    _, path = written
    spikes, tree = load_spikes(path), load_trial(path)
    assert set(spikes.children) == {"rates", "trials", "spikes"}
    for group, node in spikes.children.items():
        for name, values in node.variables.items():
            xr.testing.assert_equal(values, tree[group][name].variable)
    for phase in ("baseline", "drug"):
        a, b = (spike_trains(one, phase, "DRN_HT") for one in (spikes, tree))
        assert np.array_equal(a.step, b.step) and np.array_equal(a.row_size, b.row_size)
        assert (a.dt, a.duration) == (b.dt, b.duration)


def test_a_trial_file_says_how_long_its_loops_took(written, tmp_path):
    result, _ = written
    path = write_trial(tmp_path, dataclasses.replace(result, loop_time=0.75), trial_rates(result))
    assert read_header(path).attributes["loop_time"] == 0.75


def test_a_trial_without_data_is_a_file_that_says_why(tmp_path):
    path = write_trial(tmp_path, TrialResult("k2", "failed", "Traceback ...\nValueError: no"), {}, {})
    header = read_header(path)
    assert (header.outcome, header.message) == ("failed", "Traceback ...\nValueError: no")
    assert read_record(path).values == {}
    assert path == trial_path(tmp_path, "k2")


@pytest.mark.parametrize("outcome", ["failed", "nan", "timeout"])
def test_outcomes_without_data_carry_no_phases(outcome):
    phases = trial().phases
    with pytest.raises(ResultSchemaError, match="carries no data"):
        TrialResult("k", outcome, phases=phases)


def test_an_unknown_outcome_is_refused():
    with pytest.raises(ResultSchemaError, match="outcome 'fine' does not exist; allowed: ok, silent"):
        TrialResult("k", "fine")


def test_phases_of_different_length_share_a_time_axis(tmp_path):
    short, long = trial(record=0.2).phases[0], trial(record=0.5).phases[1]
    result = TrialResult("k", "ok", "", 0.0, (short, long))
    traces = load_trial(write_trial(tmp_path, result, trial_rates(result)))["traces"]
    assert traces.sizes["time"] == 50
    baseline = traces.concentration.sel(phase="baseline", region="NAc", transmitter="DA")
    assert np.isfinite(baseline[:20]).all()
    assert np.isnan(baseline[20:]).all()


def test_voltages_have_a_group_and_a_clock_of_their_own(tmp_path):
    world = dataclasses.replace(SMALL, voltages=(("DRN_HT", 0), ("VTA_DA", 3)))
    result = trial("k", world, record=0.3)
    tree = load_trial(write_trial(tmp_path, result, trial_rates(result)))
    voltage = tree["voltages"]["voltage"]
    assert voltage.sel(probe="VTA_DA[3]").sizes["time"] == 300
    assert tree["traces"].sizes["time"] == 30
    assert float(voltage.mean()) == pytest.approx(-60, abs=2)  # mV


def test_lesioned_cells_are_marked(tmp_path):
    result = trial("k", SMALL, Treatment(lesions={"DRN_HT": 0.4}), record=0.2)
    tree = load_trial(write_trial(tmp_path, result, trial_rates(result)))
    assert tree["rates"].n_cells.sel(population="DRN_HT").values.tolist() == [3, 3]
    spikes = tree["spikes"].to_dataset()
    lost = (spikes.population == "DRN_HT") & (spikes.alive == 0)
    assert int(lost.sum()) == 2 * 2
    assert int(spikes.row_size.where(lost, 0).sum()) == 0


def test_phases_that_hold_different_things_are_refused(tmp_path):
    first, second = trial().phases[0], trial("k", SMALL, SSRI).phases[1]
    result = TrialResult("k", "ok", "", 0.0, (first, second))
    with pytest.raises(ResultSchemaError, match="phases 'baseline' and 'drug' differ in ligands"):
        write_trial(tmp_path, result, trial_rates(result))


def test_attributes_pass_through_one_door():
    class Quantity(float):
        def __repr__(self):
            return "10 mV"

        __str__ = __repr__

    cleaned = clean_attributes(
        {
            "bool": True,
            "none": None,
            "dict": {"b": [1, None]},
            "words": ["a", "b"],
            "mixed": [1, "b"],
            "empty": [],
            "quantity": Quantity(0.01),
            "number": np.float64(2.5),
        }
    )
    assert cleaned == {
        "bool": 1,
        "dict": '{"b": [1, null]}',
        "words": ["a", "b"],
        "mixed": '[1, "b"]',
        "empty": "[]",
        "quantity": "10 mV",
        "number": 2.5,
    }
    assert type(cleaned["bool"]) is int


def test_the_environment_can_be_written(tmp_path):
    path = write_trial(tmp_path, TrialResult("k", "failed"), {}, environment())
    attributes = read_header(path).attributes
    assert "numpy" in json.loads(attributes["versions"])
    assert attributes["cpu"]
    assert attributes["message"] == ""


def test_sweeping_removes_old_files_of_dead_processes_only(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = {
        "old_dead": f".a.h5.{dead.pid}.tmp",
        "young_dead": f".b.h5.{dead.pid}.tmp",
        "alive": f".c.h5.{os.getpid()}.tmp",
        "foreign": "notes.tmp",
        "whole": "a.h5",
    }
    for name in names.values():
        (tmp_path / name).write_text("x")
        if name != names["young_dead"]:
            os.utime(tmp_path / name, (1, 1))
    assert [p.name for p in sweep(tmp_path)] == [names["old_dead"]]
    assert {p.name for p in tmp_path.iterdir()} == set(names.values()) - {names["old_dead"]}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not say which process has ended")
def test_a_process_that_has_ended_writes_no_more_though_its_parent_did_not_notice(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    path = tmp_path / f".a.h5.{process.pid}.tmp"
    path.touch()
    os.utime(path, (1, 1))
    (tmp_path / "trials").mkdir()
    said = {"pid": process.pid, "host": platform.node(), "job": "", "since": 0.0}
    (tmp_path / "trials" / "a.running").write_text(json.dumps(said))
    until = time.monotonic() + 60
    while not sweep(tmp_path) and time.monotonic() < until:
        time.sleep(0.05)
    assert not path.exists() and process.returncode is None
    assert [mark.is_gone for mark in marks(tmp_path)] == [True], "and it works on no trial"
    process.wait()


def test_spikes_that_were_not_asked_for_are_not_stored(tmp_path):
    result = trial("ab", SMALL, SSRI, record=0.5)
    path = write_trial(tmp_path, result, trial_rates(result), spikes=False)
    stored = load_trial(path)
    assert "spikes" not in stored.children
    assert "firing_rate" in stored["rates"] and "rate" in stored["traces"]
    with pytest.raises(ResultSchemaError, match="holds no spikes: it was run with protocol.spikes false"):
        spike_trains(stored, result.phases[0].name)


def test_a_file_is_the_one_that_xarray_writes(tmp_path, monkeypatch):
    result = trial("k", SMALL, record=1.0)

    def write(folder):
        return write_trial(folder, result, trial_rates(result), {"a": 1, "circuit_yaml": "x" * 1000})

    def by_xarray(path, root, groups):
        datasets = {name: xr.Dataset(group.variables, group.coords) for name, group in groups.items()}
        tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs=root), **datasets})
        tree.to_netcdf(path, engine="netcdf4", encoding=_encoding(tree), write_inherited_coords=True)

    ours = write(tmp_path / "ours")
    monkeypatch.setattr("neurosim.recording.files.write_groups", by_xarray)
    theirs = write(tmp_path / "theirs")
    with xr.open_datatree(ours) as one, xr.open_datatree(theirs) as other:
        assert one.identical(other)
        for node in one.subtree:
            for name, variable in node.to_dataset().variables.items():
                there = other[node.path][name]
                assert variable.dtype == there.dtype
                for key in ("_FillValue", "zlib", "complevel", "shuffle", "fletcher32", "chunksizes", "coordinates"):
                    assert str(variable.encoding.get(key)) == str(there.encoding.get(key)), (name, key)
