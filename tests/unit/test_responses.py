"""Answers of single cells against trains made by hand and cells whose answer is known."""

import numpy as np
import pytest
from synthetic import DT, made

from neurosim.analysis.responses import course, drug_responses, psth, pulse_responses, sweep_counts
from neurosim.errors import ResultSchemaError

ONSETS = 1.0 + np.arange(100)
DURATION = 102.0
PAUSE = (0.05, 0.15)
FEW = np.arange(0.5, 60, 3.7)


def poisson(random, rate, n, duration=DURATION):
    """Times of independent cells, a list of arrays in s on the grid of the steps."""
    total = round(duration / DT)
    counts = random.poisson(rate * duration, n)
    return [np.unique(random.integers(0, total, count)) * DT for count in counts]


def without(times, start, stop):
    """Times that lie outside of [start, stop) after every stimulus."""
    after = np.rint((times[:, None] - ONSETS) / DT)
    return times[~((after >= round(start / DT)) & (after < round(stop / DT))).any(axis=1)]


def with_one_more(times, delay):
    """Times and one spike after every stimulus."""
    return np.unique(np.concatenate([times, ONSETS + delay]))


# Counts


def test_counts_are_those_of_a_train_made_by_hand():
    spikes = made([0.95, 1.0, 1.05, 1.1, 2.05], [], [1.0999, 1.9999, 2.0])
    counts = sweep_counts(spikes, np.array([1.0, 2.0]), 0.0, 0.1)
    assert counts.tolist() == [[2, 1], [0, 0], [1, 1]]


def test_a_spike_on_an_edge_belongs_to_the_window_that_begins_there():
    spikes, onset = made([1.0, 1.2]), np.array([1.0])
    found = [sweep_counts(spikes, onset, *w).sum() for w in ((-0.2, 0.0), (0.0, 0.2), (0.2, 0.4))]
    assert found == [0, 1, 1]


def test_windows_may_touch_and_then_hold_every_spike_once():
    spikes = made(*poisson(np.random.default_rng(1), 7.0, 5, 10.0))
    assert sweep_counts(spikes, np.arange(0, 10, 0.5), 0.0, 0.5).sum() == spikes.step.size


@pytest.mark.parametrize(
    ("onsets", "window", "words"),
    [
        ([1.0, 1.2], (0.0, 0.3), r"the windows of 300 ms overlap: stimuli come every 200 ms"),
        ([0.1, 2.0], (-0.2, 0.1), r"reaches beyond the recording of 10 s"),
        ([1.0, 9.9], (0.0, 0.2), r"reaches beyond the recording of 10 s"),
        ([1.0], (0.2, 0.2), r"no window of 0\.2 to 0\.2 s around 1 stimuli"),
        ([], (0.0, 0.2), r"around 0 stimuli"),
    ],
)
def test_windows_that_would_count_twice_or_miss_spikes_are_refused(onsets, window, words):
    with pytest.raises(ResultSchemaError, match=words):
        sweep_counts(made([1.0]), np.array(onsets), *window)


# Stimuli


@pytest.fixture(scope="module")
def answering():
    """Cells of 10 Hz: the first 20 pause, the next 20 get a spike, 20 do nothing; one is silent."""
    cells = poisson(np.random.default_rng(7), 10.0, 60)
    paused = [without(times, *PAUSE) for times in cells[:20]]
    driven = [with_one_more(times, 0.1) for times in cells[20:40]]
    return made(*paused, *driven, *cells[40:], [], duration=DURATION)


def test_a_pause_and_an_excitation_are_found_in_the_cells_that_have_them(answering):
    found = pulse_responses(answering, ONSETS, PAUSE)
    # 100 windows of 0.1 s at 10 Hz hold 100 spikes: none left and twice as many lie 10 standard deviations off
    assert found.is_inhibited[:20].all() and found.is_excited[20:40].all()
    assert not found.is_inhibited[20:].any() and not found.is_excited[:20].any()
    assert np.all(found.change[:20] == -1.0)
    assert not found.is_active[60] and np.isnan(found.change[60])
    assert found.share(found.is_inhibited) == pytest.approx(20 / 60)


def test_rates_before_and_after_are_counts_over_the_time_of_the_windows():
    one = made(np.concatenate([ONSETS + 0.05, ONSETS[::2] - 0.1]), duration=DURATION)
    found = pulse_responses(one, ONSETS, (0.0, 0.1), before=0.2)
    assert found.before[0] == pytest.approx(0.5 / 0.2) and found.after[0] == pytest.approx(1 / 0.1)


def test_cells_that_do_not_answer_pass_as_often_as_chance_says():
    n = 1000
    spikes = made(*poisson(np.random.default_rng(11), 5.0, n), duration=DURATION)
    found = pulse_responses(spikes, ONSETS, (0.0, 0.1))
    share = found.share(found.is_inhibited | found.is_excited)
    # 50 spikes against 150: p = 0.05 lies at a change of 30 %, so 20 % decides nothing; 4 standard errors of a share
    error = np.sqrt(0.05 * 0.95 / n)
    assert abs(share - 0.05) < 4 * error


def test_a_small_change_is_none_however_sure_it_is():
    # 9 in 10 control windows' worth of spikes: -10 % at a tiny p
    times = np.concatenate([ONSETS - 0.1, (ONSETS + 0.05)[np.arange(100) % 10 > 0]])
    found = pulse_responses(made(times, duration=DURATION), ONSETS, (0.0, 0.2), before=0.2)
    assert found.change[0] == pytest.approx(-0.1) and found.p[0] < 0.05
    assert not found.is_inhibited[0]


def test_fewer_than_60_sweeps_judge_no_cell():
    spikes = made([1.0], duration=DURATION)
    pulse_responses(spikes, ONSETS[:60], (0.0, 0.1))
    with pytest.raises(ResultSchemaError, match="59 sweeps are too few to judge single cells; at least 60"):
        pulse_responses(spikes, ONSETS[:59], (0.0, 0.1))


def test_no_cell_is_active_no_share():
    found = pulse_responses(made([], [], duration=DURATION), ONSETS, (0.0, 0.1))
    assert np.isnan(found.share(found.is_inhibited))


# Course


def test_the_histogram_is_the_rate_in_each_bin():
    spikes = made(ONSETS + 0.0125, ONSETS[:50] + 0.0025, duration=DURATION)
    edges, rate = psth(spikes, ONSETS, 0.0, 0.02, step=0.005)
    assert np.allclose(edges, [0.0, 0.005, 0.01, 0.015])
    assert np.allclose(rate, [0.25 / 0.005, 0.0, 0.5 / 0.005, 0.0])


def test_a_pause_has_its_latency_and_duration_to_a_bin():
    cells = [without(times, *PAUSE) for times in poisson(np.random.default_rng(5), 10.0, 60)]
    found = course(made(*cells, duration=DURATION), ONSETS, -1, (0.0, 0.3))
    # a bin holds 120 spikes; smoothed, the bins beside the edge lie a sixth of the depth (4 errors) from one half
    assert found.latency == pytest.approx(PAUSE[0], abs=0.0021)
    assert found.duration == pytest.approx(PAUSE[1] - PAUSE[0], abs=0.0041)


def test_an_excitation_has_its_latency_and_duration_to_a_bin():
    random = np.random.default_rng(6)
    late = 0.03 + 0.04 * random.random((20, ONSETS.size))
    cells = [np.unique(np.round(ONSETS + delays, 4)) for delays in late]
    found = course(made(*cells, duration=DURATION), ONSETS, +1, (0.0, 0.2))
    assert found.latency == pytest.approx(0.03, abs=0.0021)
    assert found.duration == pytest.approx(0.04, abs=0.0041)


def test_cells_that_cannot_fall_have_no_inhibition():
    found = course(made([], duration=DURATION), ONSETS, -1, (0.0, 0.2))
    assert np.isnan(found.latency) and np.isnan(found.duration)


# Drugs


def test_a_drug_that_halves_or_doubles_a_rate_is_found():
    random = np.random.default_rng(9)
    before = made(*poisson(random, 6.0, 60, 60.0), duration=60.0)
    after = made(
        *poisson(random, 3.0, 20, 60.0),
        *poisson(random, 12.0, 20, 60.0),
        *poisson(random, 6.0, 20, 60.0),
        duration=60.0,
    )
    found = drug_responses(before, after)
    # 360 spikes against 180 or 720: 7 standard deviations and more
    assert found.is_inhibited[:20].all() and found.is_excited[20:40].all()
    # of 20 cells that stay, 5 % each way of p and a change above 20 % (3.3 errors)
    assert np.count_nonzero(found.is_inhibited[40:] | found.is_excited[40:]) <= 2


def test_less_than_a_minute_judges_no_cell():
    long, short = made([1.0], duration=60.0), made([1.0], duration=59.0)
    drug_responses(long, long)
    for pair in ((long, short), (short, long)):
        with pytest.raises(
            ResultSchemaError, match="59 s are too short to judge single cells; at least 60 s"
        ):
            drug_responses(*pair)


def test_whether_an_electrode_finds_a_cell_is_decided_before_the_drug():
    fires, falls_silent = [made(*cells, duration=60.0) for cells in ([FEW, []], [[], FEW])]
    assert drug_responses(fires, falls_silent).is_active.tolist() == [True, False]
    assert drug_responses(falls_silent, fires).is_active.tolist() == [False, True]
