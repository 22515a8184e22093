"""Scans as they run and are looked at: what no longer belongs, what is silent, what is measured, what grows."""

import json
import os
import time

import pytest
import xarray as xr
from results_util import assert_same_results

import neurosim as ns
from neurosim import analysis
from neurosim.analysis.plots import overview_figure
from neurosim.errors import ResultSchemaError
from neurosim.runner import Listener, check, run_experiment, status
from neurosim.runner.folder import alone, marks

pytestmark = pytest.mark.usefixtures("plain_figure")
EXPERIMENT = """
schema: neurosim-experiment/1
name: scan
circuit: tiny
subjects: 2
protocol: {settle: 20 ms, phases: [{name: drug, record: 50 ms}]}
arms:
  vehicle: {}
  ssri: {drugs: [{drug: escitalopram, concentration: 5 nM}]}
scan:
  dose: {path: arms.ssri.drugs.escitalopram.concentration, values: [1 nM, 2 nM, 5 nM], zip: true}
  drive: {path: circuit.populations.VTA_DA.drive, values: [1x, 1.1x, 1.2x], zip: true}
"""


class Log(Listener):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def scan(tiny, fake_engine):
    (tiny / "scan.yaml").write_text(EXPERIMENT, encoding="utf-8")
    return tiny / "results" / "scan"


def run(**options):
    log = Log()
    report = run_experiment("scan.yaml", workers=1, progress=log, **options)
    return report, log.notes


def test_a_zipped_scan_has_one_dimension_with_the_axes_as_coordinates(scan):
    run()
    results = ns.open_results(scan)
    rates = results.summary["rates"].firing_rate
    assert rates.dims == ("arm", "subject", "point", "phase", "population")
    assert rates.dose.dims == rates.drive.dims == ("point",)
    assert rates.dose.values.tolist() == [1.0, 2.0, 5.0] and rates.dose.attrs["units"] == "nM"
    assert rates.drive.values.tolist() == [1.0, 1.1, 1.2] and rates.drive.attrs["units"] == "x"
    assert results.point_text((2,)) == "dose 5 nM, drive 1.2 x"
    assert [axis.name for axis in results.axes["point"].members] == ["dose", "drive"]
    assert results.trial("ssri", 0, point=1)["rates"].firing_rate.size == 3
    with pytest.raises(ResultSchemaError, match="no scan axis 'dose' in these results"):
        results.trial("ssri", 0, dose=2.0)


def test_the_results_that_a_run_hands_on_are_those_that_are_opened(scan):
    report, _ = run()
    with ns.open_results(report.folder) as opened:
        assert (report.results.axes, report.results.reference) == (opened.axes, opened.reference)
        assert repr(report.results) == repr(opened)
        for group in opened.summary.children:
            xr.testing.assert_equal(report.results.summary[group].to_dataset(), opened.summary[group].to_dataset())
        tables, pictures = [], []
        for results in (report.results, opened):
            tables.append(repr([(row, row.cells) for row in analysis.summary_table(results)]))
            pictures.append(overview_figure(results)._repr_png_())
    assert tables[0] == tables[1] and pictures[0] == pictures[1]
    # what was there already is not made again
    assert run()[0].results is None


def test_a_grown_scan_is_the_one_that_was_run_at_once(scan, fake_engine):
    few = {"scan.dose.values.0": "0.5 nM"}
    run(set={**few, "subjects": 1})
    fake_engine.runs = 0
    read = []
    real = analysis.known_records
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis, "known_records", lambda *a: read.append(real(*a)) or dict(read[-1]))
        report, _ = run(set=few)
    assert (report.kept, report.simulated, fake_engine.runs) == (6, 6, 6)
    assert len(read[0]) == 6, "what the summary holds is not read from files again"
    run(set=few, output="at_once")
    assert_same_results(scan, scan.parents[1] / "at_once")


def test_a_file_that_changed_after_the_summary_is_looked_at(scan):
    run()
    victim = next(iter(sorted((scan / "trials").glob("*.h5"))))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(bytes(data))
    assert status(scan).damaged == (victim,)
    report, notes = run()
    assert report.simulated == 1
    assert f"{victim.relative_to(scan.parents[1])} is damaged or not whole: its trial runs again" in notes
    assert not status(scan).damaged


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"protocol.settle": "30 ms"}, "12 finished trials of the last run do not belong"),
        ({"protocol.settle": "30 ms"}, "to the experiment any more: its protocol changed"),
        ({"seed": 5, "circuit.populations.DRN_HT.drive": "1.1x"}, "its circuit and seed changed"),
        ({"subjects": 1}, "6 finished trials of the last run do not belong to the experiment any more: its subjects"),
    ],
)
def test_trials_that_no_longer_belong_are_said_and_never_mixed(scan, change, words):
    run()
    report, notes = run(set=change)
    said = next(note for note in notes if "do not belong" in note)
    assert words in said and "out of the summary, --fresh removes them" in said
    summary = ns.open_results(scan).summary
    assert set(summary["trials"].key.values.ravel()) == {t.key for t in report_trials(change)}
    back, notes = run()
    assert (back.simulated, back.kept) == (0, 12), "they are found again"


def report_trials(change):
    from neurosim.runner import expand
    from neurosim.spec import load_experiment

    return expand(load_experiment("scan.yaml", set=change), "standalone").trials


def test_a_second_run_in_a_folder_at_work_is_refused(scan):
    run()
    with alone(scan), pytest.raises(ResultSchemaError) as error:
        run()
    assert f"another run is at work in results/scan (process {os.getpid()} on" in str(error.value)
    assert run()[0].simulated == 0, "the lock is given back"


def test_status_tells_what_runs_from_what_is_silent_and_what_failed_where(scan, fake_engine):
    def fail(plan):
        if FAIL:
            raise RuntimeError("as told")

    FAIL = []
    fake_engine.before = staticmethod(fail)
    run(set={"subjects": 1})
    keys = [path.stem for path in sorted((scan / "trials").glob("*.h5"))]
    FAIL.append(True)
    run(set={"subjects": 1}, fresh=True)
    found = status(scan)
    assert len(found.failed) == found.total == 6
    assert {f.point for f in found.failed} == {f"dose {d} nM, drive {x}x" for d, x in ((1, "1"), (2, "1.1"), (5, "1.2"))}
    for k, key in enumerate(keys[:3]):
        (scan / "trials" / f"{key}.h5").unlink()
        mark = scan / "trials" / f"{key}.running"
        mark.write_text(json.dumps({"pid": os.getpid(), "host": "elsewhere", "since": 0}))
        quiet = time.time() - (0, 500, 700)[k]
        os.utime(mark, (quiet, quiet))
    found = status(scan)
    assert (found.running, len(found.silent), found.missing, len(found.failed)) == (2, 1, 0, 3)
    assert found.silent[0].where == "elsewhere"
    assert 650 < found.silent[0].quiet < 800
    assert sorted(mark.key for mark in marks(scan)) == sorted(keys[:3])
    # of a job that the batch system does not hold any more
    mark = scan / "trials" / f"{keys[0]}.running"
    mark.write_text(json.dumps({"pid": os.getpid(), "host": "elsewhere", "job": "7_1", "since": 0}))
    assert (status(scan).running, status(scan).missing) == (1, 1)


def test_what_is_left_is_told_at_the_pace_of_what_runs(scan):
    run(set={"subjects": 1})
    finished = status(scan)
    assert finished.left is None
    victims = sorted((scan / "trials").glob("*.h5"))[:2]
    for path in victims:
        path.unlink()
    mark = scan / "trials" / f"{victims[0].stem}.running"
    mark.write_text(json.dumps({"pid": os.getpid(), "host": "elsewhere", "since": 0}))
    times = ns.open_results(scan).summary["trials"].wall_time.values.ravel()
    kept = [t for t, key in zip(times, ns.open_results(scan).keys.values.ravel(), strict=True)
            if key not in {v.stem for v in victims}]
    unique = dict.fromkeys(kept)
    assert status(scan).left == pytest.approx(2 * sum(unique) / len(unique), rel=1e-6)


def test_time_and_size_are_told_from_trials_that_ran(scan, fake_engine):
    assert check("scan.yaml").known == "by experience, none has run yet"
    said = []
    assert check("scan.yaml", measure=said.append).known.startswith("from one trial that took")
    assert said == ["measuring one trial"] and not scan.exists()
    run(set={"subjects": 1})
    report = check("scan.yaml")
    assert report.known == "from 6 finished trials" and report.pending == 6
    sizes = [path.stat().st_size for path in (scan / "trials").glob("*.h5")]
    assert report.size == pytest.approx(6 * sorted(sizes)[3], rel=0.02), "trials of one kind are of one size"
