"""Instruments against signals whose reading is known, and their readouts on made-up results."""

import numpy as np
import pytest
import xarray as xr
from synthetic import DT, SMALL, SSRI, Treatment, made, results_folder

from neurosim.analysis import open_results, spike_trains
from neurosim.analysis.rhythms import binned_counts, population_spectrum, spectrum, synchrony
from neurosim.analysis.signals import dialysate, dialysate_of_parts, evoked_peaks
from neurosim.errors import ResultSchemaError, SpecError
from neurosim.runner.trials import contents
from neurosim.spec import Experiment, canonical_json, resolve
from neurosim.validation import get_readout, signal_readouts

STEP = 0.01  # s, of traces


# Microdialysis


def test_a_constant_level_is_collected_times_recovery():
    assert np.allclose(dialysate(np.full((3, 1200), 5.0), STEP, 4.0, recovery=0.2), np.full((3, 3), 1.0))


def test_vials_hold_the_mean_of_their_time_and_a_cut_one_is_left_out():
    trace = np.repeat([1.0, 3.0, 8.0, 100.0], [100, 100, 200, 150])
    assert np.allclose(dialysate(trace, STEP, 2.0), [2.0, 8.0])


def test_all_that_left_the_tissue_is_in_the_vials():
    trace = np.random.default_rng(0).random(1000)
    vials = dialysate(trace, STEP, 2.5, recovery=0.5)
    assert vials.sum() * 2.5 == pytest.approx(0.5 * trace.sum() * STEP, rel=1e-12)


def test_recordings_weigh_as_long_as_they_stand_for():
    levels = np.array([[1.0, 4.0], [2.0, 2.0]])
    assert np.allclose(dialysate_of_parts(levels), [2.5, 2.0])
    assert np.allclose(dialysate_of_parts(levels, [5, 15], recovery=0.1), [0.325, 0.2])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dialysate(np.ones(10), STEP, 0.2), r"a sample of 0\.2 s is longer than the recording of 0\.1 s"),
        (lambda: dialysate(np.ones(10), STEP, 0.025), r"0\.025 s is no whole number of steps of 0\.01 s"),
        (lambda: dialysate(np.ones(10), STEP, 0.05, 0.0), r"recovery 0 is out of range; allowed: above 0, at most 1"),
        (lambda: dialysate(np.ones(10), STEP, 0.05, 1.2), r"recovery 1\.2 is out of range"),
        (lambda: dialysate(np.array([1.0, np.nan]), STEP, 0.01), r"missing in part"),
        (lambda: dialysate_of_parts(np.ones(3), [1, 2]), r"3 recordings need 3 positive parts"),
        (lambda: dialysate_of_parts(np.ones(2), [1, 0]), r"2 recordings need 2 positive parts"),
    ],
)  # fmt: skip
def test_a_probe_refuses_what_it_could_not_collect(call, words):
    with pytest.raises(ResultSchemaError, match=words):
        call()


# Voltammetry


def evoked(onsets, heights, tau=0.3, base=20.0, duration=10.0):
    """A level that each pulse raises at once and that decays exponentially."""
    time = np.arange(round(duration / STEP)) * STEP
    since = time[:, None] - onsets
    return base + (heights * np.exp(-since / tau) * (since > -STEP / 2)).sum(axis=1)


def test_the_peak_of_an_exponential_is_what_is_left_at_the_first_scan():
    tau, heights = 0.3, np.array([100.0, 50.0])
    onsets = np.array([1.0, 6.0])
    found = evoked_peaks(evoked(onsets, heights, tau), STEP, onsets, window=2.0)
    # what the first pulse left 5 s later is 6e-8 of it
    assert np.allclose(found.height, heights * np.exp(-0.1 / tau), rtol=1e-6)
    assert np.allclose(found.delay, 0.1)


def test_half_of_the_peak_is_found_between_scans():
    trace = np.full(400, 7.0)
    trace[110:] += 10.0 * np.clip(
        1.2 - np.arange(290) * STEP, 0, None
    )  # falls on a line from 0.1 s after the pulse
    found = evoked_peaks(trace, STEP, np.array([1.0]), window=2.0)
    assert found.height == pytest.approx([12.0]) and found.half_time == pytest.approx([0.6])
    short = evoked_peaks(trace, STEP, np.array([1.0]), window=0.5)
    assert short.height == pytest.approx([12.0]) and np.isnan(short.half_time[0])


def test_the_level_before_the_pulse_cancels_and_the_pool_axis_stays():
    onsets = np.array([1.0, 3.0])
    traces = np.stack([evoked(onsets, np.array([30.0, 30.0]), base=b) for b in (0.0, 500.0)])
    found = evoked_peaks(traces, STEP, onsets)
    assert found.height.shape == (2, 2)
    assert np.allclose(found.height[0], found.height[1])
    doubled = evoked_peaks(2 * traces, STEP, onsets)
    assert np.allclose(doubled.height, 2 * found.height) and np.allclose(doubled.half_time, found.half_time)


def test_a_release_between_two_scans_is_not_seen():
    trace = np.full(400, 5.0)
    trace[101:109] += 1000.0
    assert evoked_peaks(trace, STEP, np.array([1.0])).height[0] == 0.0


def test_pulses_at_the_ends_of_the_recording_have_no_peak():
    onsets = np.array([0.2, 2.0, 4.0, 9.5])
    found = evoked_peaks(evoked(onsets, np.full(4, 10.0)), STEP, onsets)
    assert np.isnan(found.height).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("onsets", "more", "words"),
    [
        ([], {}, "no pulses, so nothing is evoked"),
        ([1.0, 1.5], {}, r"pulses come every 0\.5 s, closer than the window of 1 s"),
        ([0.1], {}, r"no pulse has 0\.5 s before it and 1 s after it in the recording of 4 s"),
        ([1.0], {"scan": 0.001, "window": 1.0}, r"scans every 0\.001 s need a trace of no longer steps"),
        ([1.0], {"window": 0.25}, r"the window of 0\.25 s is no whole number of steps of 0\.1 s"),
    ],
)
def test_an_electrode_refuses_what_it_could_not_tell_apart(onsets, more, words):
    with pytest.raises(ResultSchemaError, match=words):
        evoked_peaks(np.ones(400), STEP, np.array(onsets), **more)


# Rhythms


def modulated(random, n, rate, depth, frequency, duration):
    """Independent cells whose rate follows one sine; times on the grid of the steps."""
    cells = []
    for _ in range(n):
        times = random.integers(0, round(duration / DT), random.poisson(rate * (1 + depth) * duration)) * DT
        chance = (1 + depth * np.sin(2 * np.pi * frequency * times)) / (1 + depth)
        cells.append(np.unique(times[random.random(times.size) < chance]))
    return made(*cells, duration=duration)


@pytest.fixture(scope="module")
def flat():
    return modulated(np.random.default_rng(2), 30, 10.0, 0.0, 20.0, 60.0)


@pytest.fixture(scope="module")
def beta():
    return modulated(np.random.default_rng(3), 30, 10.0, 0.5, 20.0, 60.0)


def test_the_power_of_a_sine_is_half_the_square_of_its_amplitude():
    time = np.arange(0, 20, 0.002)
    found = spectrum(5.0 + 3.0 * np.sin(2 * np.pi * 20 * time), 0.002)
    assert found.power(15, 30) == pytest.approx(4.5, rel=1e-3)  # the window's side lobes end within the band
    assert found.relative_power(15, 30) == pytest.approx(1.0, abs=1e-3)
    assert found.peak(15, 30) == pytest.approx(20.0)
    assert spectrum(6.0 * np.sin(2 * np.pi * 20 * time), 0.002).power(15, 30) == pytest.approx(18.0, rel=1e-3)


def test_powers_of_neighbouring_bands_add_up(flat):
    found = population_spectrum(flat)
    assert found.power(1, 15) + found.power(15, 100) == pytest.approx(found.power(1, 100), rel=1e-12)


def test_independent_cells_leave_the_floor_of_their_number(flat):
    # 2 r / n per Hz over 15 Hz; 60 s × 15 Hz independent values of exponential spread, so 1/30 of it; 4 errors
    assert population_spectrum(flat).power(15, 30) == pytest.approx(15 * 2 * 10.0 / 30, rel=4 / 30)


def test_a_rhythm_shows_as_a_peak_and_as_power(flat, beta):
    found = population_spectrum(beta)
    assert found.peak(10, 50) == pytest.approx(20.0)
    # half the square of the amplitude of 5 Hz, on the floor of 10; spread as above, and of the sine against the noise
    assert found.power(15, 30) - 10.0 == pytest.approx(12.5, abs=3.0)
    assert found.relative_power(15, 30) > 1.5 * population_spectrum(flat).relative_power(15, 30)


def test_a_slope_has_no_peak():
    noise = np.random.default_rng(4).standard_normal(30_000)
    found = spectrum(np.cumsum(noise), 0.002)
    assert found.density[10] > 5 * found.density[50]
    assert np.isnan(found.peak(10, 50))


def test_bins_hold_every_spike_but_those_of_a_cut_bin():
    spikes = made([0.0, 0.0019, 0.002, 9.9999], [10.0005], duration=10.001)
    counts = binned_counts(spikes, 0.002)
    assert counts.shape == (2, 5000) and counts.sum() == 4
    assert counts[0, :2].tolist() == [2, 1] and counts[0, -1] == 1


def test_independent_cells_are_not_synchronous(flat):
    # 30 cells, 60 s, 15 Hz: standard deviation 1 / sqrt(30 × 29 × 900); 5 of them, as windows overlap
    assert abs(synchrony(flat)) < 5 / np.sqrt(30 * 29 * 900)


def test_its_bias_is_none_however_short_the_recording_and_few_the_cells():
    random = np.random.default_rng(8)
    found = [synchrony(modulated(random, 3, 8.0, 0.0, 20.0, 5.0)) for _ in range(200)]
    # coherence of 9 segments would have 1/9; the mean of 200 has an error of a single one over sqrt(200)
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(200) < 0.02


def test_identical_cells_are_wholly_synchronous_and_opposite_ones_the_contrary():
    train = np.unique(np.random.default_rng(1).integers(0, 300_000, 300)) * DT
    assert synchrony(made(train, train, train, duration=30.0)) == pytest.approx(1.0, abs=1e-12)
    # 20 Hz, half a period apart
    there, back = np.arange(0.01, 30, 0.05), np.arange(0.035, 30, 0.05)
    assert synchrony(made(there, back, duration=30.0), 19, 22) == pytest.approx(-1.0, abs=0.05)


def test_a_common_rhythm_is_synchrony_in_its_band_alone(beta):
    # power of the rhythm in one cell over its own noise: (5²/2) / (15 × 2 × 10 + 5²/2)
    assert synchrony(beta) == pytest.approx(12.5 / 312.5, rel=0.25)
    assert abs(synchrony(beta, 30, 60)) < 5 / np.sqrt(30 * 29 * 1800)


def test_cells_below_a_fifth_of_a_hertz_do_not_count():
    train = np.arange(0.013, 30, 0.17)
    assert synchrony(made(train, train, [3.0, 9.0], duration=30.0)) == pytest.approx(1.0)
    assert np.isnan(synchrony(made(train, [3.0, 9.0], duration=30.0)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: population_spectrum(s), r"4 s are too short for a spectrum; at least 4\.5 s are needed"),
        (lambda s: synchrony(s), r"4 s are too short for a spectrum"),
        (lambda s: population_spectrum(s, segment=0.5).power(300, 400), r"no band from 300 .* to 250 Hz in steps of 2 Hz"),
        (lambda s: synchrony(s, 30, 15, segment=0.5), r"no band from 30 to 15 Hz"),
        (lambda s: binned_counts(s, 0.00015), r"bins of 0\.00015 s are no whole number of steps of 0\.0001 s"),
    ],
)  # fmt: skip
def test_a_spectrum_refuses_what_it_could_not_resolve(call, words):
    with pytest.raises(ResultSchemaError, match=words):
        call(made([1.0, 2.0], [1.0], duration=4.0))


# Readouts

POPULATION = {"population": "VTA_DA", "arm": "escitalopram"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    pulses = {"population": "DRN_HT", "kind": "pulses", "n": 3, "rate": "0.5 Hz", "start": "1 s"}
    phases = ("baseline", "early", "late")
    experiment = Experiment(
        name="instruments",
        circuit="midbrain_raphe",
        protocol={"phases": [{"name": name, "record": "8 s"} for name in phases]},
        arms={
            "vehicle": {"stimulations": [{**pulses, "phase": p} for p in phases]},
            "escitalopram": {"stimulations": [{**pulses, "phase": p} for p in phases[1:]]},
        },
    )
    said = {arm: {"resolved": canonical_json(contents(resolve(experiment, arm)))} for arm in experiment.arms}
    with open_results(
        results_folder(
            tmp_path_factory.mktemp("signals"),
            SMALL,
            {"vehicle": Treatment(), "escitalopram": SSRI},
            subjects=4,
            record=8.0,
            phases=phases,
            outcomes={("escitalopram", 3): "failed"},
            trial_attributes=said,
        )
    ) as opened:
        # made-up levels hold over the phases of an arm; here the last is higher
        pools = opened.summary["pools"].to_dataset().load()
        pools["concentration"] = pools.concentration * xr.DataArray([1.0, 1.0, 1.5], dims="phase")
        opened.summary = opened.summary.assign({"pools": xr.DataTree(pools)})
        yield opened


def read(results, name, **arguments):
    return get_readout(name)(results, arguments)


def levels(results, arm, *phases):
    found = results.summary["pools"].concentration.sel(arm=arm, transmitter="5-HT", region="DRN")
    return found.sel(phase=list(phases)).transpose("subject", "phase").values[:3]


def geometric(now, before):
    return np.exp(np.log(now / before).mean())


def test_one_phase_of_dialysate_is_the_change_of_concentration(results):
    own = {"pool": "DRN.5-HT", "arm": "escitalopram"}
    for against in ({}, {"against": "vehicle"}, {"against": ["vehicle", "early"]}):
        found, expected = (
            read(results, name, **own, **against) for name in ("dialysate_change", "concentration_change")
        )
        assert (found.value, found.low, found.high) == pytest.approx(
            (expected.value, expected.low, expected.high)
        )


def test_phases_are_parts_of_a_vial_or_vials_of_their_own(results):
    own = {"pool": "DRN.5-HT", "arm": "escitalopram", "phases": ["early", "late"]}
    now, basal = (
        levels(results, "escitalopram", "early", "late"),
        levels(results, "vehicle", "baseline")[:, 0],
    )
    by_phase = [geometric(now[:, k], basal) for k in (0, 1)]
    assert read(results, "dialysate_fold", **own).value == pytest.approx(geometric(now.mean(axis=1), basal))
    assert read(results, "dialysate_fold", **own, take="max").value == pytest.approx(max(by_phase))
    assert read(results, "dialysate_fold", **own, take="min").value == pytest.approx(min(by_phase))
    assert by_phase[1] == pytest.approx(1.5 * by_phase[0])
    other = levels(results, "vehicle", "early", "late")
    against = read(results, "dialysate_fold", **own, against="vehicle").value
    assert against == pytest.approx(geometric(now.mean(axis=1), other.mean(axis=1)))


def test_a_fold_and_a_change_are_one_number(results):
    own = {"pool": "DRN.5-HT", "arm": "escitalopram"}
    fold, change = (read(results, name, **own) for name in ("dialysate_fold", "dialysate_change"))
    assert change.value == pytest.approx(100 * (fold.value - 1)) and change.low == pytest.approx(
        100 * (fold.low - 1)
    )
    assert 1 < fold.low < fold.value < fold.high


def test_the_evoked_peak_is_that_of_the_stored_traces(results):
    own = {"pool": "DRN.5-HT", "population": "DRN_HT", "phase": "late"}
    heights = {}
    for arm in results.arms:
        traces = [results.trial(arm, s)["traces"].concentration for s in range(3)]
        one = [t.sel(phase="late", transmitter="5-HT", region="DRN").values for t in traces]
        heights[arm] = np.array([evoked_peaks(c, STEP, np.array([1.0, 3.0, 5.0])).height.mean() for c in one])
    found = read(results, "evoked_peak", arm="escitalopram", **own)
    assert found.value == pytest.approx(heights["escitalopram"].mean(), rel=1e-5)
    assert found.low < found.value < found.high
    assert min(h.min() for h in heights.values()) > 0, "else no ratio can be formed"
    change = read(results, "evoked_peak_change", arm="escitalopram", against="vehicle", **own)
    expected = 100 * (geometric(heights["escitalopram"], heights["vehicle"]) - 1)
    assert change.value == pytest.approx(expected, rel=1e-4)


def test_rhythms_are_those_of_the_stored_spikes(results):
    def powers(arm, relative):
        spikes = [spike_trains(results.trial(arm, s), "late", "VTA_DA") for s in range(3)]
        found = [population_spectrum(s) for s in spikes]
        return np.array([f.relative_power(15, 30) if relative else f.power(15, 30) for f in found])

    for relative in (False, True):
        expected = geometric(powers("escitalopram", relative), powers("vehicle", relative))
        found = read(results, "beta_power_change", **POPULATION, against="vehicle", relative=relative)
        assert found.value == pytest.approx(100 * (expected - 1))
        assert found.low < found.value < found.high


def test_against_itself_nothing_changes(results):
    own = {"population": "VTA_GABA", "arm": "vehicle", "phase": "baseline"}
    assert read(results, "beta_power_change", **own).value == pytest.approx(0.0, abs=1e-9)
    where = {"pool": "DRN.5-HT", "population": "DRN_HT", "arm": "vehicle", "phase": "early"}
    assert read(results, "evoked_peak", **where).value != 0.0


def test_the_peak_of_the_rhythm_is_the_mean_over_subjects(results):
    spikes = [spike_trains(results.trial("vehicle", s), "late", "VTA_GABA") for s in range(4)]
    expected = np.nanmean([population_spectrum(s).peak(10, 50) for s in spikes])
    assert read(results, "beta_peak", population="VTA_GABA", arm="vehicle").value == pytest.approx(expected)


def test_a_rhythm_that_comes_up_is_read_as_power_peak_and_synchrony(results, flat, beta, monkeypatch):
    stronger = modulated(np.random.default_rng(12), 30, 10.0, 1.0, 20.0, 60.0)
    of_phase = {"baseline": flat, "early": beta, "late": stronger}
    monkeypatch.setattr(signal_readouts, "spike_trains", lambda trial, phase, population: of_phase[phase])
    own = {"population": "VTA_DA", "arm": "vehicle", "against": ["vehicle", "early"]}
    assert read(results, "synchrony_ratio", **own).value == pytest.approx(
        synchrony(stronger) / synchrony(beta)
    )
    # four times the rhythm on the same floor: (50 + 10) / (12.5 + 10)
    assert read(results, "beta_power_change", **own).value == pytest.approx(167.0, abs=50.0)
    assert read(
        results, "beta_peak", population="VTA_DA", arm="vehicle", phase="early"
    ).value == pytest.approx(20.0)


def test_no_ratio_is_formed_of_cells_that_are_not_synchronous(results, monkeypatch):
    # antiphase: below 0 for certain
    apart = made(np.arange(0.01, 30, 0.05), np.arange(0.035, 30, 0.05), duration=30.0)
    monkeypatch.setattr(signal_readouts, "spike_trains", lambda trial, phase, population: apart)
    with pytest.raises(SpecError, match="synchrony of VTA_DA: no ratio can be formed"):
        read(results, "synchrony_ratio", population="VTA_DA", arm="vehicle", low=19, high=22)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("dialysate_change", {"pool": "DRN", "arm": "vehicle"}, "not REGION.TRANSMITTER"),
        ("dialysate_change", {"pool": "DRM.5-HT", "arm": "vehicle"}, "no region 'DRM'"),
        ("dialysate_change", {"pool": "DRN.5-HT", "arm": "vehicle", "take": "median"}, "no take 'median'"),
        ("dialysate_fold", {"pool": "DRN.5-HT", "arm": "vehicle", "phases": []}, "phases is empty"),
        ("dialysate_fold", {"pool": "DRN.5-HT", "arm": "vehicle", "phases": ["lat"]}, "did you mean 'late'"),
        ("evoked_peak", {"pool": "DRN.5-HT", "arm": "vehicle", "population": "VTA_DA"}, "gives VTA_DA no pulses"),
        ("beta_peak", {"population": "VTA_D", "arm": "vehicle"}, "did you mean 'VTA_DA'"),
        ("beta_power_change", {"population": "VTA_DA", "arm": "vehicl"}, "did you mean 'vehicle'"),
        ("synchrony_ratio", {"population": "VTA_DA", "arm": "vehicle", "low": 30, "high": 15}, "no band from 30"),
    ],
)  # fmt: skip
def test_a_readout_answers_what_is_not_there_in_one_sentence(results, name, arguments, words):
    with pytest.raises((SpecError, ResultSchemaError)) as error:
        read(results, name, **arguments)
    assert words in str(error.value) and "\n" not in str(error.value)
