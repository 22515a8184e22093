"""Searching a scan: the optimum is found, and all that is known lies in the folder."""

import sys

import numpy as np
import pytest

import neurosim as ns
from neurosim import runner
from neurosim.analysis import open_results
from neurosim.errors import EngineError, SpecError
from neurosim.pharmacology import dose_occupancy
from neurosim.runner import still
from neurosim.runner.folder import read_plan
from neurosim.search.proposals import propose
from neurosim.search.space import DrawnAxis
from neurosim.spec import load_experiment

pytestmark = pytest.mark.usefixtures("plain_figure")

SEARCH = """
schema: neurosim-experiment/1
name: search
circuit: tiny
engine: none
levels: {NAc.DA: 80 nM}
protocol: {phases: [{name: peak, at: 1 h}]}
arms:
  vehicle: {}
  blocked: {drugs: [{drug: haloperidol, dose: 0.1 mg/kg, route: sc}]}
scan:
  dose: {path: arms.blocked.drugs.haloperidol.dose, log_uniform: [0.001 mg/kg, 10 mg/kg]}
sample: {method: sobol, n: 8}
"""
WHERE = {"site": "D2_NAc", "ligand": "haloperidol"}


def miss(results):
    """Distance from 80 % of D2 held."""
    held = results.summary["receptors"].occupancy.sel(arm="blocked", phase="peak", **WHERE)
    return (held.mean("subject") - 0.8) ** 2


@pytest.fixture
def folder(tiny):
    (tiny / "search.yaml").write_text(SEARCH, encoding="utf-8")
    return tiny


@pytest.fixture
def runs(monkeypatch):
    """How many trials each run simulated."""
    counts = []

    def counted(*args, **options):
        report = runner.run_experiment(*args, **options)
        counts.append(report.simulated)
        return report

    monkeypatch.setattr("neurosim.search.loop.run_experiment", counted)
    return counts


def test_the_dose_that_holds_a_share_of_a_receptor_is_the_one_of_the_closed_form(folder):
    found = ns.optimise("search.yaml", miss, n=40, batch=8)
    assert found.points.sizes == {"point": 40} and found.points.dose.attrs["units"] == "mg/kg"
    with open_results(found.folder) as results:
        heard = float(results.summary["receptors"].heard.sel(arm="vehicle", site="D2_NAc").values.ravel()[0])
    site = load_experiment("search.yaml").circuit.sites["D2_NAc"]
    curve = dose_occupancy(
        "haloperidol", [found.point["dose"]], "D2", "rat", "sc", at="1 h", transmitter=heard, tau=float(site.tau.value)
    )
    assert found.value == found.points.value.min()
    assert found.value == pytest.approx(float(curve.occupancy[0] - 0.8) ** 2, rel=1e-5, abs=1e-12)
    # occupancy s is held at ED50 s / (1 - s); even points over four decades would lie 0.1 apart
    exact, doses = curve.ED50 * 0.8 / 0.2, found.points.dose.values
    away = np.abs(np.log10(doses / exact))
    assert away.min() < 0.05 and abs(np.log10(curve.doses[0] / exact)) == pytest.approx(away.min())
    assert np.count_nonzero(away < 0.2) >= 2 * 40 * 0.4 / 4, "at least twice as dense as even points"


def test_a_second_call_simulates_nothing_and_more_points_only_add(folder, runs):
    first = ns.optimise("search.yaml", miss, n=12, batch=4)
    assert runs == [8 + 1, 4]  # the vehicle is one trial
    runs.clear()
    again = ns.optimise("search.yaml", miss, n=12, batch=4)
    assert runs == [0] and again.point == first.point and again.points.identical(first.points)
    more = ns.optimise("search.yaml", miss, n=16, batch=4)
    assert runs == [0, 0, 4]
    assert (more.points.dose.values[:12] == first.points.dose.values).all()
    straight = ns.optimise("search.yaml", miss, n=16, batch=4, output="straight")
    assert straight.points.identical(more.points), "stopping between batches changes nothing"
    assert len(np.unique(straight.points.dose)) == 16


def test_the_points_of_an_ordinary_run_are_the_first_ones(folder, runs):
    ns.run("search.yaml")
    assert ns.optimise("search.yaml", miss, n=4).points.sizes["point"] == 8, "what is there is kept"
    ns.optimise("search.yaml", miss, n=4, output="few")
    ns.optimise("search.yaml", miss, n=8, output="few")
    assert runs == [0, 5, 4], "a design that was cut short goes on"


def test_a_goal_that_breaks_at_the_second_batch_loses_nothing(folder, runs):
    looks = []

    def breaking(results):
        looks.append(len(results.axes["point"].values))
        if len(looks) == 2:
            raise RuntimeError("a bug in the goal")
        return miss(results)

    with pytest.raises(RuntimeError, match="a bug in the goal"):
        ns.optimise("search.yaml", breaking, n=14, batch=3)
    found = ns.optimise("search.yaml", breaking, n=14, batch=3)
    assert looks == [8, 11, 11, 14] and runs == [9, 3, 0, 3]
    straight = ns.optimise("search.yaml", miss, n=14, batch=3, output="straight")
    assert straight.points.identical(found.points)


def test_a_kill_in_the_middle_of_a_batch_completes_it_first(folder, monkeypatch):
    calls, evaluate = [], still.evaluate_blocks

    def killed(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate(*args)

    monkeypatch.setattr(still, "evaluate_blocks", killed)
    with pytest.raises(KeyboardInterrupt):
        ns.optimise("search.yaml", miss, n=14, batch=3)
    planned = read_plan(folder / "results" / "search")["axes"][0]["values"]["dose"]
    found = ns.optimise("search.yaml", miss, n=14, batch=3)
    assert len(planned) == 11
    assert [f"{dose:.9g} mg/kg" for dose in found.points.dose.values[:11]] == [
        f"{float(text.split()[0]):.9g} mg/kg" for text in planned
    ]
    straight = ns.optimise("search.yaml", miss, n=14, batch=3, output="straight")
    assert straight.points.identical(found.points)


def test_a_variable_with_its_labels_is_a_goal_and_other_axes_may_be_crossed(folder):
    crossed = SEARCH.replace("scan:\n", 'scan:\n  tone: {path: \'levels["NAc.DA"]\', values: [20 nM, 80 nM]}\n')
    (folder / "search.yaml").write_text(crossed, encoding="utf-8")
    goal = ("occupancy", {"arm": "blocked", "tone": 20, **WHERE})
    found = ns.optimise("search.yaml", goal, direction="maximize", n=14, batch=6)
    assert found.value == found.points.value.max() > 0.95
    assert found.points.value.attrs["units"] == "1"
    assert found.point["dose"] == max(found.points.dose.values, key=float).__format__(".12g") + " mg/kg"
    with pytest.raises(SpecError, match=r"goal: has point \(14\), tone \(2\)|goal: has tone \(2\), point \(14\)"):
        ns.optimise("search.yaml", ("occupancy", {"arm": "blocked", **WHERE}), n=14)


def test_narrower_bounds_leave_out_what_lies_beyond(folder):
    ns.optimise("search.yaml", miss, n=12, batch=4)
    narrow = {"scan.dose.log_uniform.0": "0.01 mg/kg"}
    found = ns.optimise("search.yaml", miss, n=12, batch=4, set=narrow)
    assert found.points.sizes["point"] == 12 and found.points.dose.min() >= 0.01


def test_failed_points_are_told_as_failed_never_as_numbers(tiny, fake_engine, monkeypatch):
    text = (tiny / "tiny_experiment.yaml").read_text(encoding="utf-8").replace("subjects: 2", "subjects: 1")
    axis = "scan:\n  drive: {path: circuit.populations.VTA_DA.drive, uniform: [0.8x, 1.2x]}\nsample: {method: sobol, n: 4}\n"
    (tiny / "tiny_experiment.yaml").write_text(text.split("  ssri:")[0] + axis, encoding="utf-8")

    def fails_high(plan):
        if plan.cells["drive"].max() > 103e-12:  # cells of VTA_DA, about 1.02x
            raise EngineError("too much drive")

    monkeypatch.setattr(fake_engine, "before", staticmethod(fails_high))
    told = []

    def watched(axes, points, values, *rest):
        told.append(values.copy())
        return propose(axes, points, values, *rest)

    monkeypatch.setattr("neurosim.search.loop.propose", watched)

    def goal(results):
        # what forgets to look for failures: NaN becomes 0, the best value there is
        rates = results.summary["rates"].firing_rate.sel(population="VTA_DA", phase="drug").mean(("arm", "subject"))
        return rates.fillna(0.0)

    found = ns.optimise("tiny_experiment.yaml", goal, n=8, batch=2, workers=1)
    with open_results(found.folder) as results:
        failed = (results.outcomes == "failed").any(("arm", "subject")).values
    assert 0 < failed.sum() < 8
    assert (np.isnan(found.points.value.values) == failed).all() and np.isfinite(found.value)
    assert (np.isnan(told[-1]) == failed[:6]).all()
    fake_engine.before = staticmethod(lambda plan: (_ for _ in ()).throw(EngineError("nothing works here")))
    with pytest.raises(EngineError, match="no point of 4 has data; .*nothing works here"):
        ns.optimise("tiny_experiment.yaml", goal, n=8, batch=2, workers=1, output="broken")
    named = ("firing_rate", {"population": "VTA_DA"})
    with pytest.raises(EngineError, match="no point of 4 has data; .*nothing works here"):
        ns.optimise("tiny_experiment.yaml", named, n=8, batch=2, workers=1, output="broken")


def test_proposals_are_those_of_the_seed_and_lie_between_the_bounds():
    axes = (DrawnAxis("dose", 0.001, 10.0, "mg/kg", True), DrawnAxis("part", 0.5, 2.0, "x", False))
    points = [("0.001 mg/kg", "0.5x"), ("10 mg/kg", "2x"), ("1 mg/kg", "1x")]
    values = np.array([1.0, np.nan, 0.5])
    some = propose(axes, points, values, "minimize", 5, 1)
    assert some == propose(axes, points, values, "minimize", 5, 1) != propose(axes, points, values, "minimize", 5, 2)
    assert len(set(some)) == 5
    assert all(axis.holds(text) for point in some for axis, text in zip(axes, point, strict=True))
    assert set(propose(axes, [*points, some[0]], np.append(values, 0.2), "minimize", 5, 1)).isdisjoint(some)


WRONG = {
    "a direction": ({"direction": "minimise"}, "direction: 'minimise' was given; did you mean 'minimize'"),
    "no points": ({"n": 0}, "n: 0 was given; allowed: a whole number, 1 or more"),
    "a part of a batch": ({"batch": 2.5}, "batch: 2.5 was given"),
    "a goal that is none": ({"goal": "occupancy"}, "goal='occupancy' is neither a function of the results"),
    "a goal that gives a number": ({"goal": lambda results: 1.0}, "goal: gave float; allowed: a DataArray over 'point'"),
    "a goal with more than points": (
        {"goal": ("occupancy", {"arm": "blocked"})},
        r"goal: has point \(8\), site \(6\), ligand \(1\); allowed: one number per point",
    ),
    "a cluster without a batch": ({"cluster": "slurm"}, "batch: is not given; with cluster= say how many points"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said(folder, case):
    options, words = WRONG[case]
    with pytest.raises(SpecError, match=words):
        ns.optimise("search.yaml", **{"goal": miss, **options})


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ("dose: {path: arms.blocked.drugs.haloperidol.dose, values: [1 mg/kg]}", r"e\.yaml:11: scan: no axis has bounds"),
        (
            "dose: {path: arms.blocked.drugs.haloperidol.dose, uniform: [1 mg/kg, 2 mg/kg]}\n"
            "  tone: {path: 'levels[\"NAc.DA\"]', values: [1 nM, 2 nM], zip: true}\nsample: {method: sobol, n: 2}",
            r"e\.yaml:13: scan\.tone: has a value for each point of the design, and a search adds points",
        ),
        (
            "n: {path: circuit.populations.VTA_DA.n, uniform: [3, 9]}\nsample: {method: random, n: 4}",
            "is not a whole number",
        ),
    ],
)
def test_axes_that_cannot_be_searched_are_refused_with_their_line(folder, axis, words):
    (folder / "e.yaml").write_text(f"{SEARCH.split('scan:')[0]}scan:\n  {axis}\n", encoding="utf-8")
    with pytest.raises(SpecError, match=words):
        ns.optimise("e.yaml", miss)


def test_without_optuna_one_sentence_names_the_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SpecError, match="needs the package Optuna, which is not installed: .* its extra 'explore'"):
        ns.optimise("search.yaml", miss)
