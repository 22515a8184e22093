"""Experiment → trials → files: what runs, what is kept, what an interruption or a failure leaves."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr
from results_util import assert_same_results

import neurosim as ns
from neurosim.build import COUPLING
from neurosim.errors import BuildError, EngineError, NeurosimError, ResultSchemaError
from neurosim.runner import Listener, check, estimate, expand, run, run_experiment, status, trial_key
from neurosim.spec import load_experiment, resolve

#: An experiment of four short trials.
SHORT = """
schema: neurosim-experiment/1
name: short
circuit: tiny
subjects: 2
protocol: {settle: 20 ms, phases: [{name: drug, record: 50 ms}]}
arms:
  vehicle: {}
  ssri: {drugs: [{drug: escitalopram, concentration: 5 nM}]}
"""
#: Without a compiler the NumPy engine runs, in worker processes too.
NO_COMPILER = {"CXX": "/nonexistent"}


class Log(Listener):
    """Remembers what a run tells."""

    def __init__(self):
        self.notes, self.starts, self.ends = [], [], []

    def note(self, text):
        self.notes.append(text)

    def start(self, total, kept, failed):
        self.starts.append((total, kept, failed))

    def ended(self, trial, ended):
        self.ends.append((trial.arm, trial.subject, ended.outcome, ended.message))


pytestmark = pytest.mark.usefixtures("plain_figure")


def trial_files(folder):
    return sorted(path.name for path in (folder / "trials").iterdir())


def test_a_run_leaves_trials_summary_figure_and_plan(tiny, fake_engine, real_figure):
    results = run("tiny_experiment", workers=1)
    folder = tiny / "results" / "tiny_experiment"
    assert len(list((folder / "trials").glob("*.h5"))) == 8
    assert (folder / "overview.png").stat().st_size > 10_000
    assert set(results.summary["trials"].outcome.values.ravel()) == {"ok"}
    assert results.summary["rates"].firing_rate.dims == ("arm", "subject", "phase", "population")
    attributes = results.attributes
    assert attributes["name"] == "tiny_experiment"
    assert "VTA_DA" in attributes["circuit_yaml"]
    assert "sert_knockdown" in attributes["experiment_yaml"]
    assert json.loads(attributes["resolved"])["seed"]
    assert not list(folder.rglob("*.tmp")) + list(folder.rglob("*.running"))


def test_a_finished_trial_never_runs_again(tiny, fake_engine):
    first = run_experiment("tiny_experiment", workers=1)

    def files():
        return {path: path.stat().st_mtime_ns for path in first.folder.rglob("*.*") if path.name != ".run.lock"}

    before = files()
    again = run_experiment("tiny_experiment", workers=1)
    assert (first.simulated, again.simulated, again.kept) == (8, 0, 8)
    # two phases of eight trials, of which two begin like vehicle
    assert fake_engine.runs == 14
    assert files() == before


def test_more_subjects_arms_and_points_only_add(tiny, fake_engine):
    run_experiment("tiny_experiment", workers=1, set={"subjects": 1})
    old = trial_files(tiny / "results" / "tiny_experiment")
    report = run_experiment("tiny_experiment", workers=1, set={"subjects": 3})
    assert (report.kept, report.simulated) == (4, 8)
    assert set(old) < set(trial_files(report.folder))
    fewer = run_experiment("tiny_experiment", workers=1, set={"subjects": 2})
    assert (fewer.kept, fewer.simulated) == (8, 0)
    assert ns.open_results(fewer.folder).summary["trials"].sizes["subject"] == 2


def test_fresh_starts_over(tiny, fake_engine):
    run_experiment("tiny_experiment", workers=1, set={"subjects": 3})
    (tiny / "results" / "tiny_experiment" / "notes.txt").write_text("mine")
    report = run_experiment("tiny_experiment", workers=1, set={"subjects": 1}, fresh=True)
    assert (report.kept, report.simulated) == (0, 4)
    assert len(trial_files(report.folder)) == 4
    assert (report.folder / "notes.txt").exists()


SCAN = """
scan:
  level: {path: arms.ssri.drugs.escitalopram.concentration, values: [1 nM, 5 nM, 20 nM]}
"""


def test_an_arm_that_an_axis_does_not_touch_runs_once_and_is_broadcast(tiny, fake_engine):
    path = tiny / "tiny_experiment.yaml"
    run_experiment("tiny_experiment", workers=1)
    path.write_text(path.read_text() + SCAN)
    report = run_experiment("tiny_experiment", workers=1)
    # 5 nM is what the arm says without a scan, so its trials are there already
    assert (report.total, report.kept, report.simulated) == (6 + 6, 8, 4)
    results = ns.open_results(report.folder)
    rate = results.summary["rates"].firing_rate
    assert rate.dims == ("arm", "subject", "level", "phase", "population")
    vehicle = rate.sel(arm="vehicle")
    assert (vehicle == vehicle.isel(level=0)).all()
    assert results.summary["rates"]["level"].attrs["units"] == "nM"
    keys = results.keys.sel(subject=0)
    assert len(np.unique(keys.sel(arm="vehicle"))) == 1
    assert len(np.unique(keys.sel(arm="ssri"))) == 3


def key_of(settings=None, arm="ssri", subject=0, engine="numpy"):
    experiment = load_experiment("tiny_experiment", set=settings)
    return trial_key(resolve(experiment, arm), subject, engine)


def test_the_key_holds_what_determines_a_trial(tiny):
    base = key_of()
    different = [
        key_of(subject=1),
        key_of(engine="standalone"),
        key_of(arm="vehicle"),
        key_of(settings={"seed": 8}),
        key_of(settings={"profile": "ki_low"}),
        key_of(settings={"uncertainty": {"affinity": "0.3"}}),
        key_of(settings={"protocol.phases.drug.record": "2 s"}),
        key_of(settings={"arms.ssri.drugs.escitalopram.concentration": "6 nM"}),
        key_of(settings={"circuit.populations.VTA_DA.drive": "96 pA"}),
        key_of(settings={"circuit.populations.VTA_DA.n": "21"}),
    ]
    assert len({base, *different}) == len(different) + 1
    same = [
        key_of(settings={"subjects": 9}),
        key_of(settings={"arms.ssri.drugs.escitalopram.concentration": "0.005 uM"}),
        key_of(settings={"reference.arm": "ssri"}),
        key_of(settings={"circuit.populations.VTA_DA.drive.note": "another word"}),
    ]
    assert set(same) == {base}


def test_two_arms_that_say_the_same_share_their_trials(tiny, fake_engine):
    path = tiny / "tiny_experiment.yaml"
    path.write_text(path.read_text().replace("  ssri:", "  saline: {}\n  ssri:"))
    expansion = expand(load_experiment("tiny_experiment"), "numpy")
    assert len(expansion.keys) == 10
    assert len(expansion.trials) == 8


def test_comments_and_docstrings_are_not_part_of_the_key(tmp_path):
    from neurosim.runner.trials import SOURCES, _meaning, source_digest

    file = tmp_path / "a.py"
    file.write_text('"""Doc."""\n\n\ndef f(x):\n    """Doc."""\n    return x + 1  # why\n')
    first = _meaning(file)
    file.write_text("def f(x):\n\n    return (x + 1)\n")
    assert _meaning(file) == first
    file.write_text("def f(x):\n    return x + 2\n")
    assert _meaning(file) != first
    root = os.path.dirname(ns.__file__)
    assert all(os.path.exists(os.path.join(root, entry)) for entry in SOURCES)
    assert source_digest() == source_digest()


def test_sources_are_read_once_until_one_of_them_changes(tmp_path, monkeypatch):
    from neurosim.runner import trials

    file, memory, read, meaning = tmp_path / "a.py", tmp_path / "cache", [], trials._meaning
    monkeypatch.setenv("NEUROSIM_CACHE", str(memory))
    monkeypatch.setattr(trials, "_sources", lambda: iter([("a.py", file)]))
    monkeypatch.setattr(trials, "_meaning", lambda path: read.append(path) or meaning(path))

    def digest():
        # as a new process would
        trials.source_stamp.cache_clear()
        return trials.source_digest.__wrapped__()

    try:
        file.write_text("x = 1\n")
        first = digest()
        assert digest() == first and len(read) == 1
        file.write_text("x = 10\n")
        assert digest() != first and len(read) == 2
        next(memory.glob("sources/*.json")).write_text("{")
        file.write_text("x = 1\n")
        assert digest() == first and len(read) == 3
        monkeypatch.setenv("NEUROSIM_CACHE", str(file))
        assert digest() == first and len(read) == 4
    finally:
        trials.source_stamp.cache_clear()


def fail_for(fake_engine, monkeypatch, error, when):
    def before(plan):
        if when(plan):
            raise error

    monkeypatch.setattr(fake_engine, "before", staticmethod(before))


def is_lesioned(plan):
    return bool((plan.cells["inv_C_m"] == 0).any())


def test_a_failing_trial_is_an_outcome_and_stops_no_other(tiny, fake_engine, monkeypatch):
    fail_for(fake_engine, monkeypatch, ZeroDivisionError("made to fail"), is_lesioned)
    log = Log()
    report = run_experiment("tiny_experiment", workers=1, progress=log)
    assert [(t.arm, outcome) for t, outcome, _ in report.failed] == [("raphe_lesion", "failed")] * 2
    assert report.failed[0][2] == "ZeroDivisionError: made to fail"
    results = ns.open_results(report.folder)
    outcomes = results.outcomes
    assert (outcomes.sel(arm="raphe_lesion") == "failed").all()
    assert (outcomes.drop_sel(arm="raphe_lesion") == "ok").all()
    assert results.summary["rates"].firing_rate.sel(arm="raphe_lesion").isnull().all()
    assert "made to fail" in str(results.summary["trials"].message.sel(arm="raphe_lesion").values[0])
    trace = xr.open_datatree(report.folder / "trials" / f"{report.failed[0][0].key}.h5").attrs["traceback"]
    assert "Traceback" in trace
    assert "fake_engine.py" in trace


def test_a_failed_trial_runs_again_only_when_asked_to(tiny, fake_engine, monkeypatch):
    fail_for(fake_engine, monkeypatch, ValueError("once"), is_lesioned)
    run_experiment("tiny_experiment", workers=1)
    monkeypatch.setattr(fake_engine, "before", staticmethod(lambda plan: None))
    log = Log()
    kept = run_experiment("tiny_experiment", workers=1, progress=log)
    assert (kept.simulated, len(kept.failed)) == (0, 2)
    assert log.starts == [(8, 6, 2)]
    retried = run_experiment("tiny_experiment", workers=1, retry_failed=True)
    assert (retried.simulated, len(retried.failed)) == (2, 0)


def test_a_trial_does_not_run_under_the_key_of_other_sources(tiny, fake_engine, monkeypatch):
    from neurosim.runner import execute

    monkeypatch.setattr(execute, "source_stamp", lambda: "written meanwhile")
    monkeypatch.setattr(execute, "source_digest", lambda: "edited meanwhile")
    report = run_experiment("tiny_experiment", workers=1)
    assert fake_engine.runs == 0
    assert {message for *_, message in report.failed} == {
        "the sources of neurosim changed while the run went on; run the experiment again"
    }


def test_sources_that_were_written_again_as_they_were_run(tiny, fake_engine, monkeypatch):
    from neurosim.runner import execute

    monkeypatch.setattr(execute, "source_stamp", lambda: "written meanwhile")
    assert not run_experiment("tiny_experiment", workers=1).failed


def test_numbers_that_run_away_are_the_outcome_nan(tiny, fake_engine, monkeypatch):
    from neurosim.engines import NotFiniteError

    fail_for(fake_engine, monkeypatch, NotFiniteError("v is not finite after 0.1 s"), is_lesioned)
    report = run_experiment("tiny_experiment", workers=1)
    assert {outcome for _, outcome, _ in report.failed} == {"nan"}


@pytest.mark.parametrize(("options", "n"), [({"fail_fast": True}, 1), ({"max_failures": 2}, 2)])
def test_too_many_failures_stop_a_run_and_what_is_left_resumes(tiny, fake_engine, monkeypatch, options, n):
    fail_for(fake_engine, monkeypatch, ValueError("always"), lambda plan: True)
    report = run_experiment("tiny_experiment", workers=1, **options)
    assert report.stopped
    assert report.simulated == len(report.failed) == n
    assert (ns.open_results(report.folder).outcomes == "missing").sum() == 8 - n
    monkeypatch.setattr(fake_engine, "before", staticmethod(lambda plan: None))
    assert run_experiment("tiny_experiment", workers=1, retry_failed=True).simulated == 8


def test_without_any_data_python_gets_an_exception(tiny, fake_engine, monkeypatch):
    fail_for(fake_engine, monkeypatch, ValueError("always"), lambda plan: True)
    with pytest.raises(
        EngineError, match=r"no trial of 4 has data; arm 'vehicle', subject 0: ValueError: always"
    ):
        ns.run("tiny_experiment", workers=1, set={"subjects": 1})


def test_a_damaged_trial_file_is_replaced(tiny, fake_engine):
    report = run_experiment("tiny_experiment", workers=1)
    victim = sorted((report.folder / "trials").glob("*.h5"))[3]
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    assert [path.name for path in status(report.folder).damaged] == [victim.name]
    log = Log()
    again = run_experiment("tiny_experiment", workers=1, progress=log)
    assert again.simulated == 1
    assert victim.name in log.notes[0]
    assert status(report.folder).damaged == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan.pop("experiment"),
        lambda plan: plan.update(trials="none"),
        lambda plan: plan["trials"][3].pop("key"),
        lambda plan: plan["trials"][3].update(point=[7]),
        lambda plan: plan["trials"][3].update(arm="vehicle "),
    ],
)
def test_a_damaged_plan_is_one_sentence_and_the_next_run_writes_it_anew(tiny, fake_engine, change):
    folder = run_experiment("tiny_experiment", workers=1).folder
    plan = json.loads((folder / "plan.json").read_text())
    change(plan)
    (folder / "plan.json").write_text(json.dumps(plan))
    with pytest.raises(ResultSchemaError, match="plan.json is damaged: run the experiment again"):
        status(folder)
    assert run_experiment("tiny_experiment", workers=1).simulated == 0
    assert status(folder).done == 8


def test_damage_deep_in_a_trial_file_is_found_and_one_run_repairs_it(tiny, fake_engine):
    report = run_experiment("tiny_experiment", workers=1)
    victim = sorted((report.folder / "trials").glob("*.h5"))[3]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    assert status(report.folder).done == 7
    assert [path.name for path in status(report.folder).damaged] == [victim.name]
    assert run_experiment("tiny_experiment", workers=1).simulated == 1
    assert status(report.folder).done == 8


def test_status_counts_what_is_done_failed_and_missing(tiny, fake_engine, monkeypatch):
    fail_for(fake_engine, monkeypatch, ValueError("as told"), is_lesioned)
    report = run_experiment("tiny_experiment", workers=1)
    (report.folder / "trials" / f"{expand_keys()[0]}.h5").unlink()
    found = status(report.folder)
    assert (found.total, found.done, len(found.failed), found.running, found.missing) == (8, 5, 2, 0, 1)
    assert found.failed[0].arm == "raphe_lesion"
    assert "as told" in found.failed[0].message
    with pytest.raises(ResultSchemaError, match="not the folder of an experiment"):
        status(tiny)


def expand_keys():
    return [trial.key for trial in expand(load_experiment("tiny_experiment"), "standalone").trials]


def test_status_knows_which_trial_a_living_process_works_on(tiny, fake_engine, monkeypatch):
    seen = []
    folder = tiny / "results" / "tiny_experiment"
    monkeypatch.setattr(fake_engine, "before", staticmethod(lambda plan: seen.append(status(folder).running)))
    run_experiment("tiny_experiment", workers=1)
    assert set(seen) == {1}
    assert status(folder).running == 0


def test_an_interrupt_keeps_what_is_finished(tiny, fake_engine, monkeypatch):
    def before(plan):
        if fake_engine.runs > 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(fake_engine, "before", staticmethod(before))
    with pytest.raises(KeyboardInterrupt):
        run_experiment("tiny_experiment", workers=1)
    folder = tiny / "results" / "tiny_experiment"
    # four runs for vehicle, two for the arm that begins like it
    assert status(folder).done == 4
    assert not list(folder.rglob("*.running"))
    monkeypatch.setattr(fake_engine, "before", staticmethod(lambda plan: None))
    assert run_experiment("tiny_experiment", workers=1).simulated == 4


def test_a_run_that_would_write_too_much_is_refused_before_it_starts(tiny, fake_engine, monkeypatch):
    monkeypatch.setattr(estimate, "SIZE_LIMIT", 1e6)
    with pytest.raises(
        BuildError, match=r"about .* MB; allowed: 1 MB: store less with a longer protocol.trace_step"
    ):
        run_experiment("tiny_experiment", workers=1)
    assert fake_engine.runs == 0


def test_check_says_what_would_run_and_writes_nothing(tiny, fake_engine):
    report = check("tiny_experiment", set={"subjects": 3})
    assert (report.trials, report.pending, report.builds, report.done) == (12, 12, 1, 0)
    assert report.time > 0
    assert report.size > 0
    assert fake_engine.runs == 0
    assert not (tiny / "results").exists()
    texts = [f"{finding.path}: {finding.text}" for finding in report.findings]
    assert any(text.startswith("drug escitalopram: blocks SERT (Ki 1.33 nM): uptake slows") for text in texts)
    assert any("r = " in text for text in texts)


def test_the_estimate_of_the_size_is_of_the_right_order(tiny, fake_engine):
    expected = check("tiny_experiment").size
    report = run_experiment("tiny_experiment", workers=1)
    size = sum(path.stat().st_size for path in (report.folder / "trials").iterdir())
    assert expected / 4 < size < expected * 4


ORDERED = """
arms:
  one: {drugs: [{drug: escitalopram, dose: 1 mg/kg, route: ip}]}
  none: {}
  vehicle: {lesions: [{population: VTA_DA, fraction: 0.5}]}
  two:
    drugs:
      - {drug: escitalopram, dose: 1 mg/kg, route: ip}
      - {drug: WAY-100635, dose: 1 mg/kg, route: sc}
reference: {arm: vehicle}
"""


def test_the_reference_runs_first_and_then_what_takes_longest(tiny, fake_engine):
    (tiny / "short.yaml").write_text(SHORT[: SHORT.index("arms:")] + ORDERED, encoding="utf-8")
    log = Log()
    run_experiment("short", workers=1, progress=log)
    expected = [(arm, subject) for arm in ("vehicle", "two", "one", "none") for subject in (0, 1)]
    assert [(arm, subject) for arm, subject, *_ in log.ends] == expected


def test_an_estimate_counts_the_phases_that_ask_the_network_between(tiny):
    (tiny / "short.yaml").write_text(SHORT[: SHORT.index("arms:")] + ORDERED, encoding="utf-8")
    experiment = load_experiment("short")
    none, one, two = (estimate.estimate(resolve(experiment, arm, {}), "numpy") for arm in ("none", "one", "two"))
    between = one.simulated - none.simulated
    assert between == estimate._COUPLINGS * sum(COUPLING) == two.simulated - one.simulated
    assert one.time / none.time == pytest.approx(one.simulated / none.simulated)
    assert one.size == none.size, "nothing of them is kept"


def test_a_subject_a_dose_or_a_longer_record_builds_nothing_new(tiny):
    from neurosim.runner.simulate import structures

    settings = [{}, {"subjects": 4}, {"protocol.phases.drug.record": "9 s"}, {"seed": 3}]
    trials = [
        trial for s in settings for trial in expand(load_experiment("tiny_experiment", set=s), "numpy").trials
    ]
    assert len(trials) > 30
    assert len(structures(trials)) == 1


def test_set_goes_with_a_name_not_with_a_loaded_experiment(tiny):
    with pytest.raises(NeurosimError, match="load_experiment"):
        run_experiment(load_experiment("tiny_experiment"), set={"subjects": 2})


COMMAND = """
import sys
from neurosim.runner import run_experiment
run_experiment("short", workers=int(sys.argv[1]), output=sys.argv[2])
"""


def start(folder, workers):
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(workers), str(folder)], env=os.environ | NO_COMPILER
    )


def test_killed_in_the_middle_and_run_again_or_run_by_two_workers_gives_the_same_bits(tiny):
    plain, killed = tiny / "plain", tiny / "killed"
    (tiny / "short.yaml").write_text(SHORT)
    assert start(plain, 1).wait() == 0

    process = start(killed, 2)
    deadline = time.monotonic() + 300
    while (
        time.monotonic() < deadline and process.poll() is None and not list((killed / "trials").glob("*.h5"))
    ):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    n_kept = len(list((killed / "trials").glob("*.h5")))
    assert 1 <= n_kept < 4
    assert not (killed / "summary.h5").exists()

    assert start(killed, 2).wait() == 0
    assert_same_results(plain, killed)


def test_with_nothing_pending_brian2_is_not_imported(tiny, fake_engine):
    report = run_experiment("tiny_experiment", workers=1)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import pytest, fake_engine\n"
        "fake_engine.install(pytest.MonkeyPatch())\n"
        "from neurosim.runner import run_experiment\n"
        "report = run_experiment('tiny_experiment')\n"
        "assert report.simulated == 0 and report.total == 8, report\n"
        "assert 'brian2' not in sys.modules\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    tests = os.path.dirname(os.path.dirname(__file__))
    assert report.simulated == 8
    subprocess.run([sys.executable, "-c", script, tests], check=True)
