"""Readouts of cells, firing and levels on made-up results, and how rows of several conditions are judged."""

import numpy as np
import pytest
from synthetic import SMALL, Treatment, made, results_folder

from neurosim.analysis import Axis, open_results, spike_trains
from neurosim.analysis.spikes import cell_rates
from neurosim.errors import SpecError
from neurosim.runner.trials import contents
from neurosim.spec import Experiment, canonical_json, load_rows, resolve
from neurosim.validation import Reading, cell_readouts, firing_readouts, get_readout, level_readouts
from neurosim.validation.run import _judged, _score

ARMS = {
    "vehicle": Treatment(),
    "faster": Treatment({"VTA_DA": 2.0, "VTA_GABA": 1.5}, {"DA": 2.0, ("NAc", "5-HT"): 3.0}),
    "lesion": Treatment(lesions={"VTA_DA": 0.5}),
    "shocked": Treatment(),
}
PULSES = {"population": "DRN_HT", "kind": "pulses", "n": 60, "rate": "1 Hz", "start": "0.5 s", "phase": "drug"}


def _said():
    """What the trials of the shocked arm say of their stimuli."""
    experiment = Experiment(
        name="shocks",
        circuit="midbrain_raphe",
        protocol={"phases": [{"name": name, "record": "61 s"} for name in ("baseline", "drug")]},
        arms={"shocked": {"stimulations": [PULSES]}},
    )
    return {"shocked": {"resolved": canonical_json(contents(resolve(experiment, "shocked")))}}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("animals")
    with open_results(
        results_folder(folder, SMALL, ARMS, subjects=3, record=61.0, trial_attributes=_said())
    ) as opened:
        yield opened


def read(results, name, **arguments):
    return get_readout(name)(results, arguments)


def rates(results, variable, population, arm, phase="drug"):
    return results.summary["rates"][variable].sel(population=population, arm=arm, phase=phase).values


def geometric(now, then):
    return 100.0 * (np.exp(np.log(now / then).mean()) - 1.0)


# Firing


@pytest.mark.parametrize("measure", ["firing_rate_active", "firing_rate", "active_fraction", "burst_fraction"])
def test_a_change_of_firing_is_the_geometric_mean_of_paired_ratios(results, measure):
    found = read(
        results, "firing_rate_change", population="VTA_DA", arm="faster", against="vehicle", measure=measure
    )
    pair = (rates(results, measure, "VTA_DA", arm) for arm in ("faster", "vehicle"))
    assert found.value == pytest.approx(geometric(*pair))


def test_cells_that_are_followed_are_those_that_fired_before(results):
    now, then = [], []
    for subject in results.subjects:
        before, after = (
            cell_rates(spike_trains(results.trial(arm, subject), "drug", "VTA_DA"))
            for arm in ("vehicle", "lesion")
        )
        fired = before > 0.2
        now.append(after[fired].mean())
        then.append(before[fired].mean())
    found = read(
        results, "firing_rate_change", population="VTA_DA", arm="lesion", against="vehicle", measure="followed"
    )
    assert found.value == pytest.approx(geometric(np.array(now), np.array(then)))
    survivors = read(results, "firing_rate_change", population="VTA_DA", arm="lesion", against="vehicle")
    assert found.value < survivors.value, "lost cells count as silent where cells are followed"


def test_a_track_meets_fewer_cells_after_a_lesion(results):
    found = read(results, "cells_per_track_change", population="VTA_DA", arm="lesion", against="vehicle")
    assert -75 < found.value < -25


def test_several_populations_are_taken_together(results):
    both = read(results, "firing_rate", population=["VTA_DA", "DRN_HT"], arm="vehicle", phase="drug")
    each = [read(results, "firing_rate", population=p, arm="vehicle", phase="drug").value for p in ("VTA_DA", "DRN_HT")]
    assert both.value == pytest.approx(np.mean(each))


def test_a_contrast_is_the_ratio_of_two_ratios(results):
    one, other = (
        read(results, "firing_rate_change", population=p, arm="faster", against="vehicle").value
        for p in ("VTA_DA", "VTA_GABA")
    )
    found = read(results, "firing_contrast", population="VTA_DA", than="VTA_GABA", arm="faster", against="vehicle")
    assert 1 + found.value / 100 == pytest.approx((1 + one / 100) / (1 + other / 100))


def test_the_half_dose_is_between_the_doses_around_a_half():
    doses, parts = np.array([0.1, 1.0, 10.0]), np.array([0.9, 0.6, 0.4])
    assert firing_readouts.half_dose(doses, parts) == pytest.approx(10**0.5)
    assert firing_readouts.half_dose(doses, np.array([1.0, 0.9, 0.8])) == np.inf
    with pytest.raises(SpecError, match=r"the lowest dose, 0\.1 mg/kg, leaves 30 % of the firing; begin lower"):
        firing_readouts.half_dose(doses, np.array([0.3, 0.2, 0.1]))


def test_the_half_dose_of_a_scan_counts_silent_cells(tmp_path):
    axis = Axis("dose", (0.1, 1.0, 10.0), "mg/kg", "arms.drug.drugs.x.dose")
    left = (0.9, 0.7, 0.2)
    folder = results_folder(
        tmp_path,
        SMALL,
        {"vehicle": Treatment(), "drug": Treatment()},
        record=20.0,
        axes=[axis],
        at_point=lambda _, point: Treatment({"DRN_HT": left[point[0]]}),
    )
    with open_results(folder) as scanned:
        found = read(scanned, "ED50_firing", population="DRN_HT", arm="drug")
        assert 1.0 < found.value < 10.0
        with pytest.raises(SpecError, match="no dose to go over"):
            read(scanned, "ED50_firing", population="DRN_HT", arm="vehicle")


# Levels


def test_a_level_of_several_pools_is_their_geometric_mean(results):
    each = [
        read(results, "concentration_change", pool=p, arm="faster", against="vehicle").value
        for p in ("NAc.DA", "NAc.5-HT")
    ]
    both = read(results, "concentration_change", pool=["NAc.DA", "NAc.5-HT"], arm="faster", against="vehicle")
    assert 1 + both.value / 100 == pytest.approx(np.sqrt(np.prod([1 + v / 100 for v in each])))


def test_a_contrast_of_levels_is_between_pools_or_between_arms(results):
    more, less = (
        read(results, "concentration_change", pool=p, arm="faster", against="vehicle").value
        for p in ("NAc.5-HT", "NAc.DA")
    )
    found = read(results, "concentration_contrast", pool="NAc.5-HT", than="NAc.DA", arm="faster", against="vehicle")
    assert 1 + found.value / 100 == pytest.approx((1 + more / 100) / (1 + less / 100))
    same = read(
        results,
        "concentration_contrast",
        pool="NAc.DA",
        arm="faster",
        against="vehicle",
        than_arm="faster",
        than_against="vehicle",
    )
    assert same.value == pytest.approx(0.0, abs=1e-9)


def test_a_level_leaves_its_range_between_two_losses():
    x = np.array([0.0, 50.0, 90.0, 100.0])
    assert level_readouts.leaves(x, np.array([100.0, 100.0, 90.0, 10.0]), 70, 130) == pytest.approx(92.5)
    assert level_readouts.leaves(x, np.array([100.0, 120.0, 140.0, 10.0]), 70, 130) == pytest.approx(70.0)
    assert level_readouts.leaves(x, np.array([100.0, 120.0, 129.0, 71.0]), 70, 130) == np.inf


def test_the_threshold_is_read_from_arms_and_their_losses(results):
    found = read(
        results, "loss_threshold", pool="NAc.DA", losses={"faster": 50}, low=70, high=130, against="vehicle"
    )
    level = 100 + read(results, "concentration_change", pool="NAc.DA", arm="faster", against="vehicle").value
    assert found.value == pytest.approx(50.0 * 30.0 / (level - 100.0))


# Single cells


def test_pulses_that_do_nothing_excite_and_inhibit_about_as_many_as_chance(results):
    found = read(results, "share_by_chance", population=["VTA_GABA", "DRN_HT"], arm="vehicle", phase="drug",
                 onsets_of="shocked", window=[5, 205])  # fmt: skip
    assert found.value <= 25.0, "27 cells, of which one in twenty may be wrong"
    one = read(results, "share_excited", population="VTA_GABA", arm="shocked", phase="drug", window=[5, 205])
    other = read(results, "share_inhibited", population="VTA_GABA", arm="shocked", phase="drug", window=[5, 205])
    assert one.value + other.value <= 34.0


def test_a_drug_that_doubles_firing_excites_most_cells(results):
    found = read(
        results, "share_excited_by_drug", population="VTA_GABA", arm="faster", phase="drug", against="vehicle"
    )
    none = read(results, "share_inhibited_by_drug", population="VTA_GABA", arm="faster", phase="drug",
                against="vehicle", of="responding")  # fmt: skip
    assert found.value > 50.0
    assert none.value == 0.0


def test_a_cell_whose_pause_is_made_is_inhibited_for_as_long(monkeypatch, results):
    onsets = 0.5 + np.arange(60)
    regular = np.arange(0, 61, 0.013)
    since = (regular - 0.5) % 1.0
    paused = made(regular[~((since > 0.02) & (since < 0.12))], regular, duration=61.0)
    monkeypatch.setattr(cell_readouts, "trains_of", lambda trial, population, phase: paused)
    monkeypatch.setattr(cell_readouts, "stimulus_onsets", lambda *_: onsets)
    place = {"population": "x", "arm": "shocked", "phase": "drug"}
    assert read(results, "share_inhibited", **place, window=[20, 120]).value == pytest.approx(50.0)
    course = {**place, "sign": "inhibited", "window": [20, 120], "search": [2, 302]}
    assert read(results, "response_duration", **course).value == pytest.approx(100.0, abs=14.0), "one interval"
    assert read(results, "response_latency", **course).value == pytest.approx(20.0, abs=14.0)
    assert read(results, "pulse_change", **place, window=[20, 120]).value == pytest.approx(-50.0, abs=3.0)
    none = {**course, "sign": "excited"}
    assert read(results, "response_duration", **none).value == 0.0
    assert read(results, "response_latency", **none).value == np.inf


_SHOCKED = {"population": "VTA_DA", "arm": "shocked", "phase": "drug"}


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("share_inhibited", {**_SHOCKED, "arm": "vehicle", "window": [5, 9]}, "do not say what was simulated"),
        ("share_inhibited", {**_SHOCKED, "population": "VTA_DB", "window": [5, 9]}, "did you mean 'VTA_DA'"),
        ("share_inhibited", {**_SHOCKED, "window": [5]}, "start and stop in ms"),
        ("share_biphasic", {**_SHOCKED, "first": "up", "early": [1, 2], "late": [2, 3]}, "no answer 'up'"),
        ("share_by_chance", {**_SHOCKED}, "either onsets_of and window, or against"),
        ("firing_rate_change", {"population": "VTA_DA", "arm": "faster", "measure": "mean"}, "no measure 'mean'"),
        ("concentration_change", {"pool": "NAc", "arm": "faster"}, "is not REGION.TRANSMITTER"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(results, name, arguments, words):
    with pytest.raises(Exception, match=words) as caught:
        read(results, name, **arguments)
    assert "\n" not in str(caught.value)


# Rows of several conditions

ROWS = """\
schema: neurosim-rows/1
rows:
  up: {experiment: e, readout: {concentration_change: {pool: NAc.DA, arm: a}}, expected: {direction: increase}}
  both:
    experiment: e
    readout: {concentration_change: {pool: NAc.DA, arm: a}}
    expected: {direction: increase}
    also: [{readout: {concentration_change: {pool: NAc.5-HT, arm: a}}, expected: {direction: decrease}}]
  still:
    experiment: e
    readout: {concentration_change: {pool: DSt.DA, arm: a}}
    expected: {low: -15, high: 15, unit: "%"}
    positive: up
"""


class _Made:
    """Results whose readings are made up, by pool."""

    def __init__(self, monkeypatch, tmp_path, **values):
        from neurosim.validation import run

        (tmp_path / "rows.yaml").write_text(ROWS, encoding="utf-8")
        self.rows = load_rows(tmp_path / "rows.yaml")
        self.has_failed = False
        real = run.get_readout
        monkeypatch.setattr(run, "get_readout", lambda name: _Faked(real(name), values))
        self.experiments = {id: (None,) * len(row.conditions) for id, row in self.rows.rows.items()}

    def results(self, experiment, settings):
        return None

    def verdict(self, id):
        return _judged(self.rows, id, self.experiments, self)[1]

    def score(self, id):
        return _score(self.rows, id, self.experiments, self)


class _Faked:
    def __init__(self, found, values):
        self.unit, self.is_change, self.values = found.unit, found.is_change, values

    def __call__(self, results, arguments):
        return Reading.exact(self.values[arguments["pool"]])


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [(50, -50, "pass"), (50, -5, "wrong size"), (50, 50, "wrong sign"), (5, -50, "wrong size"), (5, 50, "wrong sign")],
)
def test_the_worst_of_several_conditions_counts(monkeypatch, tmp_path, first, second, verdict):
    made_up = _Made(monkeypatch, tmp_path, **{"NAc.DA": first, "NAc.5-HT": second})
    assert made_up.verdict("both") == verdict
    if first == 50 and verdict != "pass":
        assert made_up.score("both").reason.startswith("also concentration_change of NAc.5-HT: ")


@pytest.mark.parametrize(("other", "verdict"), [(50, "pass"), (5, "wrong size"), (-50, "wrong size")])
def test_that_nothing_happens_counts_only_where_something_does(monkeypatch, tmp_path, other, verdict):
    score = _Made(monkeypatch, tmp_path, **{"NAc.DA": other, "DSt.DA": 2}).score("still")
    assert score.verdict == verdict
    assert score.sign == ("right" if verdict == "pass" else "wrong")
    assert score.reading.value == 2


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("positive: up", "positive: upp", r"rows.still.positive: unknown row 'upp'; did you mean 'up'\?"),
        ("positive: up", "positive: still", "rows.still.positive: unknown row 'still'"),
        ("expected: {direction: decrease}}]", "}]", r"rows.both.also.0: has no expected"),
        ("positive: up", "positive: up\n    not_expressible: no", "allowed: one of them"),
    ],
)
def test_a_mistake_in_conditions_is_one_sentence(tmp_path, old, new, words):
    (tmp_path / "rows.yaml").write_text(ROWS.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError, match=words):
        load_rows(tmp_path / "rows.yaml")
