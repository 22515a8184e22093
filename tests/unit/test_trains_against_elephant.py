"""Statistics of spike trains against elephant, against trains made by hand, and against what chance would do."""

import numpy as np
import pytest
from synthetic import DT, joined, made, trains

from neurosim import analysis
from neurosim.errors import ResultSchemaError

pytestmark = pytest.mark.filterwarnings("ignore:The 'copy' argument in Quantity is deprecated")
SECONDS = 20.0


@pytest.fixture(scope="module")
def cells():
    random = np.random.default_rng(7)
    return trains(random, random.uniform(0.1, 25.0, 12), SECONDS, bursts=True)


def neo_train(spikes, cell):
    """The same train for elephant; half a step later, so that no spike lies on the edge of a bin."""
    import quantities as pq
    from neo import SpikeTrain

    return SpikeTrain((spikes.train(cell) + DT / 2) * pq.s, t_stop=spikes.duration * pq.s)


def test_cv2_agrees_with_elephant(cells):
    from elephant.statistics import cv2, isi

    own = analysis.cell_cv2(cells)
    many = np.flatnonzero(cells.row_size >= 5)
    assert many.size > 8
    for cell in many:
        assert own[cell] == pytest.approx(float(cv2(isi(neo_train(cells, cell)))), rel=1e-9)
    assert np.isnan(np.delete(own, many)).all()
    assert analysis.cv2(cells) == pytest.approx(np.nanmean(own))


def test_cv2_counts_only_what_changes_from_one_interval_to_the_next():
    slowing = np.cumsum(np.geomspace(0.02, 1.0, 24))
    spikes = made(slowing, np.arange(0, 10, 0.25), np.cumsum([0.1, 0.3] * 12))
    ratio = (1.0 / 0.02) ** (1 / 23)
    # 2 |r - 1| / (r + 1), and 2 · 0.2 / 0.4 for intervals that take turns; times are rounded to 0.1 ms
    assert analysis.cell_cv2(spikes) == pytest.approx([2 * (ratio - 1) / (ratio + 1), 0.0, 1.0], abs=2e-3)
    assert analysis.cell_cv_isi(spikes)[0] > 0.9
    assert np.isnan(analysis.cv2(made([1.0, 2.0], [])))


@pytest.mark.parametrize("step", [DT, 1e-3, 5e-3])
def test_cross_correlation_counts_the_pairs_that_elephant_counts(cells, step):
    import quantities as pq
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import cross_correlation_histogram

    reach = round(0.05 / step)
    a, b = (BinnedSpikeTrain(neo_train(cells, cell), bin_size=step * pq.s) for cell in (3, 5))
    theirs, lags = cross_correlation_histogram(a, b, window=[-reach, reach])
    own = analysis.cross_correlation(cells.of(3, 4), cells.of(5, 6), max_lag=0.05, step=step)
    assert own.count.sum() > 50
    np.testing.assert_array_equal(own.count, theirs.magnitude.ravel())
    np.testing.assert_allclose(own.lag, lags * step, rtol=0, atol=1e-12)


def test_a_cell_that_follows_another_stands_at_a_positive_lag():
    leader = np.sort(np.random.default_rng(0).uniform(0.1, 9.5, 60))
    found = analysis.cross_correlation(made(leader), made(leader + 0.012), max_lag=0.05, step=1e-3)
    assert found.lag[np.argmax(found.count)] == pytest.approx(0.012, abs=1e-3)
    back = analysis.cross_correlation(made(leader + 0.012), made(leader), max_lag=0.05, step=1e-3)
    np.testing.assert_array_equal(back.count, found.count[::-1])


def test_populations_are_the_sum_over_their_pairs(cells):
    one, other = cells.of(0, 4), cells.of(4, 9)
    whole = analysis.cross_correlation(one, other, 0.02, 2e-3)
    pairs = [
        analysis.cross_correlation(one.of(i, i + 1), other.of(j, j + 1), 0.02, 2e-3)
        for i in range(4)
        for j in range(5)
    ]
    np.testing.assert_array_equal(whole.count, sum(pair.count for pair in pairs))
    np.testing.assert_allclose(whole.expected, sum(pair.expected for pair in pairs), rtol=1e-12)
    within = analysis.cross_correlation(one, max_lag=0.02, step=2e-3)
    distinct = [
        analysis.cross_correlation(one.of(i, i + 1), one.of(j, j + 1), 0.02, 2e-3)
        for i in range(4)
        for j in range(4)
        if i != j
    ]
    np.testing.assert_array_equal(within.count, sum(pair.count for pair in distinct))
    np.testing.assert_allclose(within.expected, sum(pair.expected for pair in distinct), rtol=1e-12)


def poisson(random, rates, duration):
    rows = [np.unique(random.integers(0, round(duration / DT), random.poisson(rate * duration))) for rate in rates]
    return made(*(row * DT for row in rows), duration=duration)


def test_independent_cells_scatter_about_one_as_the_standard_error_says():
    random = np.random.default_rng(11)
    one, other = (poisson(random, np.full(8, 6.0), 60.0) for _ in range(2))
    found = analysis.cross_correlation(one, other, max_lag=0.5, step=5e-3)
    z = (found.ratio - 1.0) / found.standard_error
    # 201 lags: the mean of z is within 4 / sqrt(201) of 0, its spread within a fifth of 1
    assert abs(z.mean()) < 0.28
    assert z.std() == pytest.approx(1.0, abs=0.2)


def test_the_ratio_does_not_fall_with_the_lag():
    """Long lags leave fewer bins, which the normalisation counts."""
    random = np.random.default_rng(2)
    spikes = [made(np.sort(random.uniform(0, 10, 3000))) for _ in range(2)]
    found = analysis.cross_correlation(*spikes, max_lag=9.0, step=0.25)
    assert np.abs(found.ratio - 1.0).max() < 0.15


def test_a_silent_train_has_no_ratio():
    found = analysis.cross_correlation(made([]), made([1.0, 2.0]), 0.01, 1e-3)
    assert np.isnan(found.ratio).all() and (found.count == 0).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((made([1.0]), made([1.0], duration=5.0)), "recordings of 10 and 5 s are not of the same time"),
        ((made([1.0]),), "one cell and no other"),
        ((made([1.0]), made([2.0]), 10.0), "lags up to 10 s in steps of 0.001 s do not fit a recording of 10 s"),
        ((made([1.0]), made([2.0]), 0.1, 0.00015), "bins of 0.00015 s are no whole number of steps"),
    ],
)
def test_what_cannot_be_correlated_is_said(arguments, words):
    with pytest.raises(ResultSchemaError, match=words):
        analysis.cross_correlation(*arguments)


def test_spectra_agree_with_elephant():
    import quantities as pq
    from elephant.spectral import welch_psd
    from neo import AnalogSignal

    signal = np.random.default_rng(5).normal(3.0, 1.0, 6000)
    own = analysis.spectrum(signal, 2e-3, segment=1.0)
    theirs = welch_psd(
        AnalogSignal(signal[:, None], units="Hz", sampling_rate=500 * pq.Hz), len_segment=500, overlap=0.5
    )
    np.testing.assert_allclose(own.frequency, theirs[0].rescale("Hz").magnitude, rtol=1e-12)
    np.testing.assert_allclose(own.density, theirs[1].magnitude.ravel(), rtol=1e-9)


def test_a_histogram_around_stimuli_is_that_of_elephant(cells):
    """Cut around each stimulus, shifted onto it and counted in bins, as elephant's time_histogram does."""
    import quantities as pq
    from elephant.statistics import time_histogram
    from neo import SpikeTrain

    onsets = np.arange(1.0, 18.0, 1.5)
    edges, rate = analysis.psth(cells, onsets, -0.1, 0.3, step=0.02)
    sweeps = []
    for cell in range(cells.n_cells):
        for onset in onsets:
            own = cells.train(cell) + DT / 2 - onset
            sweeps.append(SpikeTrain(own[(own >= -0.1) & (own < 0.3)] * pq.s, t_start=-0.1 * pq.s, t_stop=0.3 * pq.s))
    theirs = time_histogram(sweeps, bin_size=20 * pq.ms, output="rate").rescale("Hz")
    np.testing.assert_allclose(edges, theirs.times.rescale("s").magnitude, atol=1e-9)
    np.testing.assert_allclose(rate, theirs.magnitude.ravel(), rtol=1e-9)


def test_every_public_name_is_there_and_says_what_it_gives():
    for name in analysis.__all__:
        thing = getattr(analysis, name)
        assert callable(thing) is False or thing.__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'cv3'; it has .*cv2"):
        analysis.cv3  # noqa: B018


def test_statistics_of_a_population_do_not_hang_on_its_neighbours(cells):
    both = joined([cells, cells])
    np.testing.assert_array_equal(analysis.cell_cv2(both)[: cells.n_cells], analysis.cell_cv2(cells))
