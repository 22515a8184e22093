"""Spike statistics against trains made by hand, a slow reading of the same rule, and elephant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import DT, SMALL, joined, made, phase, trains

from neurosim.analysis import classify
from neurosim.analysis import spikes as statistics
from neurosim.recording import SpikeTrains


def bursting_by_reading_the_rule(times):
    """Grace & Bunney 1984, spike by spike."""
    in_burst, bursting = [False] * len(times), False
    for k in range(1, len(times)):
        interval = times[k] - times[k - 1]
        if not bursting and interval <= 800:
            bursting = True
        elif bursting and interval > 1600:
            bursting = False
        if bursting:
            in_burst[k - 1] = in_burst[k] = True
    return in_burst


@pytest.fixture(scope="module")
def poisson():
    random = np.random.default_rng(3)
    return trains(random, random.uniform(0.0, 20.0, 40), 20.0)


def test_rate_is_per_surviving_cell_and_the_fraction_of_the_healthy_count():
    spikes = made([1, 2, 3, 4], [5], [], [])
    alive = np.array([True, True, False, False])
    assert statistics.firing_rate(spikes, alive) == pytest.approx(5 / (2 * 10.0))
    assert statistics.active_fraction(spikes) == pytest.approx(1 / 4)  # one spike in 10 s is below 0.2 Hz
    assert statistics.firing_rate_active(spikes) == pytest.approx(0.4)
    assert statistics.n_cells(alive) == 2


def test_exactly_a_fifth_of_a_hertz_does_not_count_as_active():
    assert np.isnan(statistics.firing_rate_active(made([1, 2])))
    assert statistics.firing_rate_active(made([1, 2, 3])) == pytest.approx(0.3)


def test_too_few_spikes_and_no_survivors_give_nan_and_nothing_else_does():
    few, dead = made([1, 2, 3, 4], []), np.zeros(2, bool)
    assert np.isnan(statistics.cv_isi(few))
    assert np.isnan(statistics.burst_fraction(few))
    assert np.isnan(statistics.firing_rate(few, dead))
    assert statistics.active_fraction(made([], [])) == 0.0
    assert statistics.firing_rate(made([], []), np.ones(2, bool)) == 0.0
    assert np.isnan(statistics.burst_fraction(made([]), pooled=True))


def test_a_regular_train_has_no_variation():
    assert statistics.cv_isi(made(np.arange(0, 10, 0.25))) == pytest.approx(0.0, abs=1e-12)


def test_burst_rule_on_a_train_made_by_hand():
    # begins at 80 ms, goes on at 120 and 160, ends at 160.1; 81 ms begins nothing
    train = np.cumsum([1.0, 0.080, 0.120, 0.160, 0.1601, 0.081, 0.5])
    spikes = made(train)
    assert statistics.spikes_in_bursts(spikes).tolist() == [True, True, True, True, False, False, False]
    assert statistics.burst_fraction(spikes) == pytest.approx(4 / 7)


def test_a_burst_does_not_reach_into_the_next_cell():
    first, second = [1.00, 1.05], [1.10, 9.0]
    assert statistics.spikes_in_bursts(made(first, [], second)).tolist() == [True, True, False, False]


def test_mean_over_cells_and_pooled_differ_as_documented():
    bursting = list(np.cumsum([1.0] + [0.05] * 9))
    tonic = list(np.arange(5) * 1.0)
    spikes = made(bursting, tonic, [1.0])
    assert statistics.burst_fraction(spikes) == pytest.approx((1.0 + 0.0) / 2)
    assert statistics.burst_fraction(spikes, pooled=True) == pytest.approx(10 / 16)


@given(
    st.lists(
        st.lists(st.integers(1, 3000), max_size=30).map(lambda gaps: np.cumsum(gaps).astype(np.int32)),
        max_size=4,
    )
)
def test_burst_rule_agrees_with_reading_it_spike_by_spike(cells):
    steps = np.concatenate([np.zeros(0, np.int32), *cells])
    spikes = SpikeTrains(steps, np.array([c.size for c in cells], np.int32), DT, 10.0)
    expected = [flag for cell in cells for flag in bursting_by_reading_the_rule(cell)]
    assert statistics.spikes_in_bursts(spikes).tolist() == expected


@pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity is deprecated")
def test_rates_and_variation_agree_with_elephant(poisson):
    import quantities as pq
    from elephant.statistics import cv, isi, mean_firing_rate
    from neo import SpikeTrain

    rates, variations = statistics.cell_rates(poisson), statistics.cell_cv_isi(poisson)
    compared = 0
    for cell in range(poisson.n_cells):
        train = SpikeTrain(poisson.train(cell) * pq.s, t_stop=poisson.duration * pq.s)
        if len(train):
            assert rates[cell] == pytest.approx(
                float(mean_firing_rate(train, t_stop=20.0 * pq.s).rescale("Hz"))
            )
        if len(train) >= statistics.FEWEST_SPIKES:
            assert variations[cell] == pytest.approx(float(cv(isi(train))), rel=1e-9)
            compared += 1
        else:
            assert np.isnan(variations[cell])
    assert compared > 30
    assert statistics.cv_isi(poisson) == pytest.approx(np.nanmean(variations))


def test_rows_of_a_phase_are_those_of_its_populations():
    recorded = phase(world=SMALL, record=5.0)
    rates = statistics.phase_rates(recorded)
    spikes, alive = recorded.population("VTA_GABA")
    assert rates["firing_rate"][1] == statistics.firing_rate(spikes, alive)
    assert rates["n_cells"].tolist() == [6, 4, 5]


def test_joined_trains_can_be_taken_apart_again():
    random = np.random.default_rng(0)
    parts = [
        trains(random, np.full(3, 5.0), 2.0),
        trains(random, np.zeros(2), 2.0),
        trains(random, np.ones(4), 2.0),
    ]
    whole = joined(parts)
    assert np.array_equal(whole.of(3, 5).step, parts[1].step)
    assert np.array_equal(whole.of(5, 9).step, parts[2].step)


class Changed:
    """A phase with one thing different."""

    def __init__(self, recorded, **changes):
        self.__dict__.update({name: getattr(recorded, name) for name in recorded.__dataclass_fields__})
        self.__dict__.update(changes)

    population = type(phase()).population


@pytest.fixture(scope="module")
def recorded():
    return phase(world=SMALL, record=1.0)


def test_an_ordinary_trial_is_ok(recorded):
    assert classify([recorded, recorded]) == ("ok", "")


def test_a_phase_without_any_spike_is_silent(recorded):
    empty = SpikeTrains(np.zeros(0, np.int32), np.zeros(15, np.int32), DT, 1.0)
    assert classify([recorded, Changed(recorded, spikes=empty)]) == (
        "silent",
        "phase 'drug': no population fires",
    )


def test_a_population_above_200_hertz_is_a_runaway(recorded):
    fast = joined([recorded.spikes.of(0, 10), trains(np.random.default_rng(0), np.full(5, 260.0), 1.0)])
    outcome, message = classify([Changed(recorded, spikes=fast)])
    assert outcome == "runaway"
    assert "DRN_HT fires at 2" in message


@pytest.mark.parametrize(("name", "who"), [("concentration", "pool DRN.5-HT"), ("heard", "site HT2C_VTA")])
def test_a_mean_that_is_not_finite_names_its_place(recorded, name, who):
    values = recorded.means[name].copy()
    values[2] = np.inf
    outcome, message = classify([Changed(recorded, means={**recorded.means, name: values})])
    assert outcome == "nan"
    assert message == f"phase 'drug': {name} of {who} is not finite"
