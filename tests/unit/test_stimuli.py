"""When stimuli were given, read from what the trials say was simulated."""

import numpy as np
import pytest
from synthetic import SMALL, Treatment, results_folder

from neurosim.analysis import open_results
from neurosim.analysis.stimuli import stimulus_onsets
from neurosim.build import Trial
from neurosim.build.stimuli import pulse_steps
from neurosim.errors import ResultSchemaError
from neurosim.runner.trials import contents
from neurosim.spec import Experiment, canonical_json, resolve

RECORD = 3.0
LHB = {"population": "LHb_Glu", "kind": "pulses"}
STIMULI = [
    {**LHB, "n": 4, "rate": "3 Hz", "start": "0.5 s"},
    {**LHB, "n": 100, "rate": "1 Hz", "start": "0.25 s"},
    {"population": "VTA_DA", "kind": "pulses", "n": 2, "rate": "10 Hz", "phase": "baseline"},
    {"population": "DRN_HT", "kind": "rate", "rate": "5 Hz"},
]


def experiment():
    phases = [{"name": name, "record": f"{RECORD} s"} for name in ("baseline", "drug")]
    return Experiment(
        name="stimulated",
        circuit="midbrain_raphe",
        protocol={"settle": "1 s", "phases": phases},
        arms={"vehicle": {}, "habenula": {"stimulations": STIMULI}},
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    said = {
        arm: {"resolved": canonical_json(contents(resolve(experiment(), arm)))} for arm in experiment().arms
    }
    folder = results_folder(
        tmp_path_factory.mktemp("stimulated"),
        SMALL,
        {arm: Treatment() for arm in said},
        record=RECORD,
        outcomes={("habenula", 0): "failed"},
        trial_attributes=said,
    )
    with open_results(folder) as opened:
        yield opened


@pytest.mark.parametrize("rate", [1.0, 3.0, 7.0, 60.0, 130.0, 300.0])
def test_each_pulse_begins_at_the_first_millisecond_of_its_period(rate):
    late = pulse_steps(200, rate) - 1000.0 / rate * np.arange(200)
    assert late.min() > -1e-6 and late.max() < 1


def test_the_pulses_of_all_trains_are_found_and_those_after_the_end_are_not(results):
    found = stimulus_onsets(results, "habenula", "drug", "LHb_Glu")
    assert np.allclose(found, [0.25, 0.5, 0.834, 1.167, 1.25, 1.5, 2.25], atol=1e-12)
    assert np.allclose(stimulus_onsets(results, "habenula", "baseline", "VTA_DA"), [0.0, 0.1])


def test_they_are_where_the_plan_has_them(results):
    plan = [step.plan for step in Trial(resolve(experiment(), "habenula"), 0).phases()][-1]
    slots = plan.stimuli
    # the step of the engine: first fast step of each period, counted from the end of settling
    t = np.arange(0, 40_000, 10)
    on = np.zeros(t.size, bool)
    for k in (0, 1):
        inside = (t >= slots["on"][k]) & (t < slots["off"][k])
        on |= inside & ((t - slots["on"][k] + 0.01) % slots["period"][k] < 10)
    assert np.allclose(
        stimulus_onsets(results, "habenula", "drug", "LHb_Glu"), t[on] * 1e-4 - 1.0, atol=1e-12
    )


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (("habenua", "drug", "LHb_Glu"), "did you mean 'habenula'"),
        (("habenula", "drog", "LHb_Glu"), "did you mean 'drug'"),
        (
            ("habenula", "drug", "VTA_DA"),
            "gives VTA_DA no pulses in phase 'drug'; it gives: pulses to LHb_Glu",
        ),
        (("habenula", "drug", "DRN_HT"), "rate to DRN_HT in drug"),
        (("vehicle", "drug", "LHb_Glu"), "it has no stimulations"),
    ],
)
def test_an_arm_without_such_pulses_says_which_it_gives(results, where, words):
    with pytest.raises(ResultSchemaError) as error:
        stimulus_onsets(results, *where)
    assert words in str(error.value)


def test_trials_that_do_not_say_what_was_simulated_have_no_stimuli(tmp_path):
    with (
        open_results(results_folder(tmp_path, record=0.1)) as results,
        pytest.raises(ResultSchemaError, match="do not say what was simulated"),
    ):
        stimulus_onsets(results, "vehicle", "drug", "VTA_DA")
