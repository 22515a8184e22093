"""Trials as NWB: what comes back is what the trial file holds, the inspector has nothing critical, files are whole."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from synthetic import SMALL, Treatment, phase, results_folder

from neurosim.analysis import Axis, open_results, trial_rates
from neurosim.errors import ResultSchemaError, SpecError
from neurosim.export import export_nwb
from neurosim.export.clock import PlacedPhase, placed_phases
from neurosim.export.words import Session
from neurosim.recording import TrialResult, load_trial, trial_path, write_trial
from neurosim.runner.trials import contents
from neurosim.spec import canonical_json, load_experiment, resolve

pynwb = pytest.importorskip("pynwb")
nwbinspector = pytest.importorskip("nwbinspector")

WORLD = replace(SMALL, voltages=(("VTA_DA", 0), ("DRN_HT", 2)))
LESIONED = Treatment({"DRN_HT": 0.5}, {"5-HT": 3.0}, {"escitalopram": 25.0}, {"DRN_HT": 0.4})
RESOLVED = {
    "species": "rat",
    "seed": 7,
    "arm": {
        "drugs": [
            {"drug": "escitalopram", "dose": ["dose", "10.0"], "route": "ip", "ss": False, "time": ["time", "900.0"],
             "ii": ["time", "86400.0"], "addl": 13},
            {"drug": "WAY-100635", "concentration": ["concentration", "50.0"]},
        ],
        "lesions": [{"population": "DRN_HT", "fraction": ["fraction", "0.4"]}],
        "stimulations": [
            {"population": "VTA_DA", "kind": "pulses", "phase": "drug", "n": 5, "rate": ["rate", "4.0"],
             "duration": ["time", "0.002"], "amplitude": ["current", "2e-09"], "fraction": ["fraction", "0.5"],
             "start": ["time", "0.1"]},
            {"population": "DRN_HT", "kind": "current", "phase": "baseline", "amplitude": ["current", "4e-11"],
             "start": ["time", "0.0"], "fraction": ["fraction", "1.0"]},
        ],
    },
}  # fmt: skip
TOLD = {"resolved": json.dumps(RESOLVED), "versions": '{"neurosim-da5ht": "0.1.0", "numpy": "2.3.5"}', "commit": "abc123"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two arms of two subjects, one of them without data; in one trial the second phase is shorter."""
    made = results_folder(
        tmp_path_factory.mktemp("run"),
        WORLD,
        {"vehicle": Treatment(), "lesion_ssri": LESIONED},
        record=2.0,
        outcomes={("vehicle", 1): "failed"},
        trial_attributes={"lesion_ssri": TOLD, "vehicle": {**TOLD, "resolved": json.dumps({**RESOLVED, "arm": {}})}},
        attributes={"experiment_yaml": "name: made_up\ndescription: A made-up\n  run.\n"},
    )
    with open_results(made) as results:
        key = str(results.keys.sel(arm="lesion_ssri", subject=1).values)
    ligands = tuple(LESIONED.ligands)
    short = TrialResult(
        key,
        "ok",
        phases=tuple(
            phase(name, WORLD, LESIONED, subject=1, at=at, record=record, ligands=ligands)
            for name, at, record in (("baseline", -np.inf, 2.0), ("drug", 2700.0, 1.5))
        ),
    )
    write_trial(made, short, trial_rates(short), {"subject": 1, **TOLD})
    return made


@pytest.fixture(scope="module")
def exported(folder):
    with open_results(folder) as results:
        return export_nwb(results)


def trial_of(folder: Path, path: Path) -> xr.DataTree:
    (found,) = (folder / "trials").glob(f"{path.stem[-8:]}*.h5")
    return load_trial(found)


@pytest.fixture(scope="module")
def pairs(folder, exported):
    """(trial, NWB file) of every file that was written."""
    opened = [pynwb.NWBHDF5IO(path, "r") for path in exported.written]
    yield [(trial_of(folder, Path(io.source)), io.read()) for io in opened]
    for io in opened:
        io.close()


def test_there_is_a_file_for_each_trial_with_data_named_as_archives_expect(folder, exported):
    assert exported.folder == folder / "export" / "nwb"
    assert len(exported.written) == 3
    for path in exported.written:
        subject, session = path.stem.removeprefix("sub-").split("_ses-")
        assert path.parent.name == f"sub-{subject}"
        assert set(subject + session) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
    (skipped,) = exported.skipped
    assert (skipped.arm, skipped.subject, skipped.why) == ("vehicle", 1, "outcome failed, which has no data")


def test_every_spike_comes_back_at_its_step(pairs):
    for trial, file in pairs:
        spikes, units = trial["spikes"].to_dataset(), file.units
        dt, n = spikes.spike_step.attrs["dt"], len(units)
        assert units.resolution == dt
        steps = np.split(spikes.spike_step.values, np.cumsum(spikes.row_size.values)[:-1])
        for cell in range(n):
            times = units["spike_times"][cell]
            assert (np.diff(times) > 0).all()
            for number, placed in enumerate(placed_phases(trial)):
                inside = times[(times >= placed.start) & (times <= placed.stop)]
                # float64 seconds hold a step of 0.1 ms to a thousandth of it for three years
                np.testing.assert_array_equal(np.round((inside - placed.start) / dt), steps[number * n + cell])
            assert times.size == sum(steps[number * n + cell].size for number in range(2))


def test_every_cell_has_its_labels(pairs):
    for trial, file in pairs:
        spikes, units = trial["spikes"].to_dataset(), file.units.to_dataframe()
        n = len(units)
        for column in ("population", "cell", "alive"):
            assert units[column].tolist() == spikes[column].values[:n].tolist(), column
        rates = trial["rates"].to_dataset()
        of = {name: k for k, name in enumerate(rates.population.values.tolist())}
        index = [of[name] for name in units["population"]]
        assert units["region"].tolist() == rates.population_region.values[index].tolist()
        assert units["transmitter"].tolist() == rates.population_transmitter.values[index].tolist()
    lost = [not alive for alive in pairs[-1][1].units["alive"][:]]
    assert sum(lost) == 2, "two of five serotonin cells are lesioned"
    assert all(pairs[-1][1].units["spike_times"][k].size == 0 for k in np.flatnonzero(lost))


def test_every_trace_comes_back_bit_for_bit(pairs):
    for trial, file in pairs:
        traces, n_found = trial["traces"].to_dataset(), 0
        found = {**file.acquisition}
        for module in file.processing.values():
            found |= {**module.data_interfaces}
        for name, series in found.items():
            variable, *label = name.split("_")
            if variable == "concentration":
                own = traces.concentration.sel(transmitter=label[0], region=label[1])
            elif variable == "voltage":
                own = trial["voltages"].voltage.sel(probe=f"{label[0]}_{label[1]}[{label[2]}]")
            else:
                dim = {"rate": "population", "activation": "site"}[variable]
                own = traces[variable].sel({dim: "_".join(label)})
            parts, stamps = [], []
            for placed in placed_phases(trial):
                values = own.sel(phase=placed.name).values
                values = values[: round((placed.stop - placed.start) / float(own.time[1]))]
                parts.append(values)
                stamps.append(placed.start + own.time.values[: values.size])
            np.testing.assert_array_equal(series.data[:], np.concatenate(parts), err_msg=name)
            assert series.data.dtype == own.dtype
            np.testing.assert_array_equal(series.timestamps[:], np.concatenate(stamps))
            unit = {"nM": ("molar", 1e-9), "Hz": ("hertz", 1.0), "1": ("dimensionless", 1.0), "mV": ("volts", 1e-3)}
            assert (series.unit, series.conversion) == unit[own.attrs["units"]]
            n_found += 1
        # five pools on a grid of six, three populations, three sites, two probes
        assert n_found == 5 + 3 + 3 + 2


def test_every_mean_comes_back_bit_for_bit(pairs):
    for trial, file in pairs:
        for table in file.analysis.values():
            frame = table.to_dataframe()
            dataset = trial[table.name.split("_")[0]].to_dataset()
            variables = [c for c in frame if c in dataset.data_vars]
            assert variables
            for variable in variables:
                own = dataset[variable]
                for _, row in frame.iterrows():
                    expected = float(own.sel({dim: row[dim] for dim in own.dims}))
                    np.testing.assert_equal(row[variable], expected, err_msg=f"{table.name} {variable}")
        assert {"rates", "pools", "receptors"} <= set(file.analysis)
    assert "drugs" in pairs[-1][1].analysis
    assert "drugs" not in pairs[0][1].analysis, "an arm without drugs has no rows of them"


def test_phases_and_stimulations_stand_on_the_clock(pairs):
    _, file = pairs[-1]
    epochs = file.epochs.to_dataframe()
    assert epochs[["phase", "start_time", "stop_time", "at"]].values.tolist() == [
        ["baseline", 0.0, 2.0, -np.inf],
        ["drug", 2702.0, 2703.5, 2700.0],
    ]
    given = file.intervals["stimulations"].to_dataframe()
    step, *pulses = given.itertuples()
    assert (step.kind, step.start_time, step.stop_time, step.population) == ("current", 0.0, 2.0, "DRN_HT")
    np.testing.assert_allclose([p.start_time - 2702.0 for p in pulses], [0.1, 0.35, 0.6, 0.85, 1.1], atol=1e-9)
    np.testing.assert_allclose([p.stop_time - p.start_time for p in pulses], 2e-3, atol=1e-9)
    assert {(p.kind, p.rate, p.amplitude, p.fraction) for p in pulses} == {("pulses", 4.0, 2e-9, 0.5)}
    assert "stimulations" not in pairs[0][1].intervals


def test_the_file_says_that_it_is_simulated_and_with_what(pairs):
    _, file = pairs[-1]
    for text in (file.session_description, file.experiment_description, file.subject.description):
        assert text.startswith("SIMULATED DATA"), text
    assert file.subject.species == "Rattus norvegicus"
    assert (file.subject.subject_id, file.subject.sex) == ("simulated-rat-0-1", "U")
    assert file.pharmacology.startswith(
        "Simulated: escitalopram 10 mg/kg ip at 15 min, repeated every 24 h 13 more times; WAY-100635 held at 50 nM free"
    )
    assert file.surgery == "Simulated lesions, before the first phase: 0.4 of DRN_HT."
    assert "commit abc123" in file.notes
    assert "session_start_time is when the file of the trial was written" in file.notes
    assert json.loads(str(file.scratch["resolved"].data)) == RESOLVED
    assert file.source_script == "name: made_up\ndescription: A made-up\n  run.\n"
    assert file.experiment_description.endswith("A made-up run.")
    assert file.was_generated_by[:].tolist()[0] == ["neurosim-da5ht", "0.1.0"]


def test_doses_and_pulses_of_an_experiment_are_read_as_it_wrote_them(tmp_path):
    data = Path(__file__).parents[1] / "data"
    (tmp_path / "tiny.yaml").write_text((data / "tiny.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    more = """
  given:
    drugs:
      - {drug: cocaine, rate: 1 mg/kg/h, route: infusion, duration: 1 h}
      - {drug: escitalopram, concentration: 5 nM, phases: [drug]}
    lesions: [{population: VTA_GABA, fraction: 0.25}]
    stimulations:
      - {population: DRN_HT, kind: pulses, n: 3, rate: 20 Hz, fraction: 0.5, start: 900 ms}
      - {population: VTA_DA, kind: rate, rate: 5 Hz, start: 250 ms}
"""
    text = (data / "tiny_experiment.yaml").read_text(encoding="utf-8")
    (tmp_path / "given.yaml").write_text(text + more, encoding="utf-8")
    resolved = canonical_json(contents(resolve(load_experiment(tmp_path / "given.yaml"), "given")))
    session = Session({"resolved": resolved, "key": "k" * 24, "outcome": "ok"}, "given", "", "", {})
    assert session.fields["pharmacology"] == (
        "Simulated: cocaine 1 mg/kg/h infusion at 0 s, over 60 min; escitalopram held at 5 nM free in the brain in drug."
    )
    assert session.fields["surgery"] == "Simulated lesions, before the first phase: 0.25 of VTA_GABA."
    rows = list(session.stimulations(PlacedPhase("drug", 10.0, 11.0, 1800.0)))
    # the third pulse would begin as the recording ends
    np.testing.assert_allclose([row[:2] for row in rows], [(10.9, 10.902), (10.95, 10.952), (10.25, 11.0)], atol=1e-9)
    assert [row[2]["amplitude"] for row in rows] == [2e-9, 2e-9, 4e-9]
    assert list(session.stimulations(PlacedPhase("baseline", 0.0, 1.0, -np.inf))) == []


def test_the_session_starts_when_the_trial_was_written_and_never_in_the_future(folder, tmp_path):
    with open_results(folder) as results:
        path = trial_path(folder, str(results.keys.sel(arm="vehicle", subject=0).values))
        before = path.stat()
        try:
            for moved, year in ((946684800, 2000), (before.st_mtime + 10 * 365 * 86400, None)):
                os.utime(path, (moved, moved))
                (written,) = export_nwb(results, tmp_path / str(year), arm="vehicle", subject=0).written
                with pynwb.NWBHDF5IO(written, "r") as io:
                    start = io.read().session_start_time
                assert start.year == year if year else start.timestamp() < moved - 86400
        finally:
            os.utime(path, (before.st_atime, before.st_mtime))


def test_the_inspector_finds_nothing_but_that_nobody_signs(exported):
    for path in exported.written:
        found = {m.check_function_name for m in nwbinspector.inspect_nwbfile(nwbfile_path=path)}
        assert found == {"check_experimenter_exists", "check_institution"}, found


def test_with_names_the_inspector_finds_nothing(folder, tmp_path):
    people = (("Curie, Marie",), "Institut du Radium")
    with open_results(folder) as results:
        (path,) = export_nwb(results, tmp_path, arm="lesion_ssri", subject=0, people=people).written
    assert list(nwbinspector.inspect_nwbfile(nwbfile_path=path)) == []


def test_a_file_is_kept_until_the_trial_is_another_or_all_begins_anew(folder, tmp_path):
    with open_results(folder) as results:
        first = export_nwb(results, tmp_path, arm="vehicle")
        stamp = first.written[0].stat().st_mtime_ns
        old = first.written[0].with_name("sub-simulated-x_ses-vehicle-00000000.nwb")
        old.write_bytes(b"of an earlier run")
        animal = tmp_path / "sub-rat1" / "sub-rat1_ses-vehicle.nwb"
        animal.parent.mkdir()
        animal.write_bytes(b"of an animal, laid out as archives want it")
        again = export_nwb(results, tmp_path, arm="vehicle")
        assert (again.written, again.kept, again.others) == ((), first.written, (old,))
        assert first.written[0].stat().st_mtime_ns == stamp
        anew = export_nwb(results, tmp_path, arm="vehicle", fresh=True)
        assert (anew.written, anew.others, old.exists()) == (first.written, (), False)
        assert first.written[0].stat().st_mtime_ns > stamp
        assert animal.exists()


@pytest.mark.parametrize("name", ["Marie Curie", "Curie,", ""])
def test_an_experimenter_whom_archives_would_refuse_is_refused_before_anything_is_written(folder, tmp_path, name):
    with open_results(folder) as results, pytest.raises(SpecError, match=f"experimenter '{name}' .* \"Last, First\""):
        export_nwb(results, tmp_path / "nwb", people=((name,), ""))
    assert not (tmp_path / "nwb").exists()


def test_an_export_that_breaks_leaves_no_file(folder, tmp_path, monkeypatch):
    def full(self, *arguments, **options):
        Path(self.source).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pynwb.NWBHDF5IO, "write", full)
    with open_results(folder) as results, pytest.raises(ResultSchemaError, match=r"cannot write .*No space left on device"):
        export_nwb(results, tmp_path, arm="vehicle")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_without_pynwb_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pynwb", None)
    with open_results(folder) as results, pytest.raises(SpecError, match="install neurosim with its extra 'nwb'"):
        export_nwb(results)


def test_what_is_not_there_is_refused(folder, tmp_path):
    with open_results(folder) as results:
        with pytest.raises(ResultSchemaError, match="no arm 'vehicel' in these results: did you mean 'vehicle'?"):
            export_nwb(results, tmp_path, arm="vehicel")
        with pytest.raises(ResultSchemaError, match="no subject 9 in these results"):
            export_nwb(results, tmp_path, subject=9)
    still = results_folder(tmp_path / "still", has_spikes=False)
    with open_results(still) as results, pytest.raises(ResultSchemaError, match="nothing was recorded over time"):
        export_nwb(results)


def test_an_arm_that_a_scan_does_not_touch_has_one_file(tmp_path):
    dose = Axis("dose", (1.0, 10.0), "mg/kg", "arms.escitalopram.drugs.escitalopram.dose")
    made = results_folder(tmp_path, subjects=1, axes=[dose], at_point=lambda given, point: replace(given, ligands={"x": 1}))
    with open_results(made) as results:
        done = export_nwb(results)
        assert len(done.written) == 3
        sessions = {}
        for path in done.written:
            with pynwb.NWBHDF5IO(path, "r") as io:
                sessions[path.stem[-8:]] = io.read().session_description
        for value in (1.0, 10.0):
            key = str(results.keys.sel(arm="escitalopram", subject=0, dose=value).values)
            assert f"arm escitalopram, dose {value:.3g} mg/kg." in sessions[key[:8]]


def placed(at, record):
    times = xr.Dataset(
        {"at": ("phase", np.array(at)), "record": ("phase", np.array(record))},
        coords={"phase": [f"p{k}" for k in range(len(at))]},
    )
    return [(p.start, p.stop) for p in placed_phases(xr.DataTree.from_dict({"trials": times}))]


@pytest.mark.parametrize(
    ("at", "record", "expected"),
    [
        ([0.0], [5.0], [(0, 5)]),
        ([0.0, 0.0], [5.0, 2.0], [(0, 5), (5, 7)]),
        ([-np.inf, -np.inf, 60.0], [5.0, 5.0, 1.0], [(0, 5), (5, 10), (70, 71)]),
        ([600.0, 1200.0], [5.0, 5.0], [(0, 5), (600, 605)]),
        ([-60.0, 30.0], [5.0, 5.0], [(0, 5), (90, 95)]),
        ([-np.inf, -60.0, 0.0], [5.0, 2.0, 1.0], [(0, 5), (5, 7), (7, 8)]),
    ],
)
def test_phases_never_overlap_and_keep_their_distance_where_they_can(at, record, expected):
    assert placed(at, record) == expected


def test_samples_without_a_gap_have_a_rate_and_no_time_stamps(tmp_path):
    made = results_folder(tmp_path, subjects=1, phases=("only",), arms={"vehicle": Treatment()})
    with open_results(made) as results:
        (path,) = export_nwb(results).written
    with pynwb.NWBHDF5IO(path, "r") as io:
        for series in io.read().acquisition.values():
            assert (series.rate, series.starting_time, series.timestamps) == (100.0, 0.0, None)


def test_results_without_spike_trains_have_no_units(tmp_path):
    made = results_folder(tmp_path, subjects=1, arms={"vehicle": Treatment()})
    with open_results(made) as results:
        key = str(results.keys.values.ravel()[0])
        own = TrialResult(key, "ok", phases=(phase("baseline"), phase("drug")))
        write_trial(made, own, trial_rates(own), {"subject": 0}, spikes=False)
        (path,) = export_nwb(results).written
    with pynwb.NWBHDF5IO(path, "r") as io:
        file = io.read()
        assert file.units is None
        assert len(file.acquisition) == 5


def test_cells_that_die_between_phases_are_refused(tmp_path):
    made = results_folder(tmp_path, subjects=1, arms={"vehicle": Treatment()})
    with open_results(made) as results:
        key = str(results.keys.values.ravel()[0])
        own = TrialResult(key, "ok", phases=(phase("baseline"), phase("drug", treatment=Treatment(lesions={"VTA_DA": 0.5}))))
        write_trial(made, own, trial_rates(own), {"subject": 0})
        with pytest.raises(ResultSchemaError, match=f"trial {key}: cells die between phases"):
            export_nwb(results)


@pytest.mark.slow
def test_a_real_run_passes_the_inspector_and_comes_back(tmp_path):
    import neurosim as ns

    experiment = ns.load_experiment("acute_escitalopram", set={"subjects": 1})
    results = ns.run(experiment, output=tmp_path, workers=1)
    done = export_nwb(results)
    assert len(done.written) == 4
    for path in done.written:
        messages = list(nwbinspector.inspect_nwbfile(nwbfile_path=path))
        assert {m.check_function_name for m in messages} <= {"check_experimenter_exists", "check_institution"}
        with pynwb.NWBHDF5IO(path, "r") as io:
            pair = [(trial_of(tmp_path, path), io.read())]
            test_every_spike_comes_back_at_its_step(pair)
            for trial, file in pair:
                series = file.acquisition["concentration_DA_NAc"]
                own = trial["traces"].concentration.sel(transmitter="DA", region="NAc").values
                np.testing.assert_array_equal(series.data[:], own.ravel())
