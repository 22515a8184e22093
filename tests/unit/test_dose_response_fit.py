"""Dose-response fits: exact curves, what the data do not hold, and how often the interval holds the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from legible import assert_legible
from synthetic import SMALL, Treatment, results_folder

from neurosim.analysis import Axis, fit_dose_response, open_results
from neurosim.errors import ResultSchemaError

DOSES = np.geomspace(0.1, 30.0, 8)


def logistic(dose, bottom, top, ED50, n_H):
    with np.errstate(divide="ignore"):
        return bottom + (top - bottom) / (1.0 + (ED50 / np.asarray(dose, float)) ** n_H)


@settings(max_examples=25)
@given(
    st.floats(-50, 50), st.floats(0.5, 100), st.floats(np.log(0.3), np.log(10)), st.floats(0.5, 4), st.booleans()
)  # fmt: skip
def test_an_exact_curve_is_found(bottom, size, log_ED50, n_H, falls):
    truth = (bottom, bottom + size, np.exp(log_ED50), -n_H if falls else n_H)
    fit = fit_dose_response(DOSES, logistic(DOSES, *truth))
    # eight doses hold four numbers exactly; how far they are told is the search's last step, one in a million
    assert (fit.ED50, fit.n_H) == pytest.approx(truth[2:], rel=1e-4)
    assert (fit.bottom, fit.top) == pytest.approx(truth[:2], abs=1e-3 * size)
    assert fit.low <= fit.ED50 * (1 + 1e-9) and fit.high >= fit.ED50 * (1 - 1e-9)
    assert fit.high / fit.low < 1.01
    np.testing.assert_allclose(fit.predict(DOSES) + fit.residuals, fit.responses, atol=1e-9 * (abs(bottom) + size))


def test_a_plateau_of_nothing_is_said_as_0():
    fit = fit_dose_response(DOSES, 100 * DOSES / (DOSES + 2.0), response_unit="%")
    assert abs(fit.bottom) < 1e-6
    assert "0 to 100 %" in fit.text


def test_a_control_without_drug_is_a_dose():
    doses = np.append(0.0, DOSES)
    fit = fit_dose_response(doses, logistic(doses, 2.0, 8.0, 1.5, 1.0))
    assert pytest.approx(1.5, rel=1e-4) == fit.ED50
    assert fit.predict(0.0) == pytest.approx(2.0, abs=1e-4)
    falling = fit_dose_response(doses, logistic(doses, 2.0, 8.0, 1.5, -1.0))
    assert falling.predict(0.0) == pytest.approx(8.0, abs=1e-4) and falling.n_H == pytest.approx(-1.0, rel=1e-4)


@pytest.mark.parametrize("known", [{"bottom": 0.0}, {"top": 100.0}, {"bottom": 0.0, "top": 100.0}, {"n_H": 1.0}])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_is_known_stays_and_the_rest_is_found(known, sign):
    fit = fit_dose_response(DOSES, logistic(DOSES, 0.0, 100.0, 2.0, sign), **known)
    assert (fit.ED50, fit.n_H, fit.bottom, fit.top) == pytest.approx((2.0, sign, 0.0, 100.0), rel=1e-3, abs=0.02)
    assert fit.fixed == tuple(known)
    for name in set(known) - {"n_H"}:
        assert getattr(fit, name) == known[name]


def test_what_is_known_narrows_the_interval():
    """The first half of a curve: without the plateau its middle is anywhere above."""
    random = np.random.default_rng(4)
    doses = np.repeat(np.geomspace(0.05, 2.0, 8), 3)
    responses = logistic(doses, 0.0, 100.0, 2.0, 1.0) + random.normal(0, 2.0, doses.size)
    free = fit_dose_response(doses, responses)
    known = fit_dose_response(doses, responses, bottom=0, top=100)
    assert free.high == np.inf and "no upper end" in repr(free) or not free.is_within
    assert known.low < 2.0 < known.high < 2.5


@pytest.mark.parametrize(
    ("ED50", "believed", "words"), [(300.0, np.inf, "ED50 > 30 mg/kg"), (0.004, 0.0, "ED50 < 0.1 mg/kg")]
)
def test_a_middle_beyond_the_doses_is_no_number(ED50, believed, words):
    doses = np.append(0.0, DOSES)
    fit = fit_dose_response(doses, logistic(doses, 0.0, 100.0, ED50, 1.0), bottom=0, unit="mg/kg")
    assert believed == fit.ED50 and not fit.is_within and fit.has_effect
    assert f"{words}, beyond the doses tried" in repr(fit)
    assert fit.middle == pytest.approx(ED50, rel=0.01)
    np.testing.assert_allclose(fit.predict(doses), fit.responses, atol=0.1)


def test_a_flat_curve_has_no_middle():
    fit = fit_dose_response(DOSES, np.full(8, 4.0))
    assert np.isnan(fit.ED50) and (fit.low, fit.high) == (0.0, np.inf) and fit.p == 1.0
    assert "no ED50, the doses show no effect" in repr(fit)
    np.testing.assert_array_equal(fit.predict([0.0, 1.0]), 4.0)


def test_noise_is_rarely_taken_for_an_effect():
    """At 5 %: of 100 at most 12 with probability 0.998, the F test being exact for linear models only."""
    found = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        levels = random.normal(10.0, 3.0, (4, 1))
        fit = fit_dose_response(np.tile(DOSES, 4), (levels + random.normal(0, 1, (4, 8))).ravel(), np.repeat(range(4), 8))
        found += fit.has_effect
    assert found <= 12


def test_a_step_lies_between_two_doses():
    fit = fit_dose_response(DOSES, (DOSES > 3.0) * 10.0)
    below, above = DOSES[DOSES < 3.0].max(), DOSES[DOSES > 3.0].min()
    assert fit.is_step and "a step between two doses" in repr(fit)
    assert fit.low <= below * (1 + 1e-9) and fit.high >= above * (1 - 1e-9)


def drawn(seed, n, spread=0.4, offset=1.0, noise=0.3, truth=2.0):
    """Responses of some subjects with levels, sizes and ED50s of their own, shape (subject, dose)."""
    random = np.random.default_rng(seed)
    return np.stack(
        [
            logistic(DOSES, 1.0, 9.0 + random.normal(0, 0.5), truth * np.exp(random.normal(0, spread)), 1.5)
            + random.normal(0, offset)
            + random.normal(0, noise, DOSES.size)
            for _ in range(n)
        ]
    )


#: Fits of which the interval holds the truth are counted: few at once, some hundreds in ``make test-slow``.
COUNTS = [80, pytest.param(600, marks=pytest.mark.slow)]


def assert_nominal(held, n):
    """95 %, within three standard errors of a count and one per cent for what the profile leaves out (curvature)."""
    assert abs(held / n - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / n) + 0.01


@pytest.mark.parametrize("n_fits", COUNTS)
@pytest.mark.parametrize("n", [3, 6])
def test_the_interval_holds_the_truth_as_often_as_it_says(n, n_fits):
    """Over subjects that differ in level, size and ED50."""
    subjects, held = np.repeat(range(n), DOSES.size), 0
    for seed in range(n_fits):
        fit = fit_dose_response(np.tile(DOSES, n), drawn(seed, n).ravel(), subjects)
        held += fit.low <= 2.0 <= fit.high
    assert_nominal(held, n_fits)


@pytest.mark.parametrize("n_fits", COUNTS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_interval_of_independent_observations(sign, n_fits):
    held, doses = 0, np.repeat(DOSES, 2)
    for seed in range(n_fits):
        responses = logistic(doses, 1.0, 9.0, 2.0, 1.5 * sign) + np.random.default_rng(seed).normal(0, 0.4, doses.size)
        fit = fit_dose_response(doses, responses)
        held += fit.low <= 2.0 <= fit.high
    assert_nominal(held, n_fits)


def test_more_doses_are_no_more_subjects():
    """A hundred doses in three subjects whose ED50s differ leave the mean as uncertain as three subjects do."""
    random = np.random.default_rng(1)
    own = 2.0 * np.exp(random.normal(0, 0.3, 3))
    widths = []
    for n_doses in (8, 100):
        doses = np.geomspace(0.05, 50, n_doses)
        responses = np.concatenate([logistic(doses, 0, 10, one, 1.0) for one in own])
        fit = fit_dose_response(np.tile(doses, 3), responses, np.repeat(range(3), n_doses))
        widths.append(np.log(fit.high / fit.low))
    assert widths[1] == pytest.approx(widths[0], rel=0.1)
    taken_apart = fit_dose_response(np.tile(doses, 3), responses)
    assert np.log(taken_apart.high / taken_apart.low) < 0.5 * widths[1]


def test_over_equal_doses_it_is_the_t_interval_of_the_subjects_own():
    """To first order, so for a small spread: mean and interval of log ED50 over subjects."""
    from scipy.stats import t

    own = 2.0 * np.exp(np.array([-0.03, 0.02, 0.04, -0.01]))
    responses = np.concatenate([logistic(DOSES, 1, 9, one, 1.5) for one in own])
    fit = fit_dose_response(np.tile(DOSES, 4), responses, np.repeat(range(4), 8))
    half = t.ppf(0.975, 3) * np.log(own).std(ddof=1) / 2
    assert np.log(fit.ED50) == pytest.approx(np.log(own).mean(), abs=1e-3)
    # the profile bends where the straight line of first order does not
    ends = np.log(own).mean() + np.array([-half, half])
    assert [np.log(fit.low), np.log(fit.high)] == pytest.approx(ends, abs=0.05 * half)


def test_very_many_doses_are_looked_at_coarsely_and_fitted_exactly():
    doses = np.geomspace(0.01, 100, 3000)
    fit = fit_dose_response(np.append(0.0, doses), logistic(np.append(0.0, doses), 5.0, 7.0, 0.8, -1.2))
    assert (fit.ED50, fit.n_H, fit.bottom, fit.top) == pytest.approx((0.8, -1.2, 5.0, 7.0), rel=1e-4)


def test_the_dose_that_halves_is_not_the_middle_of_a_curve_that_ends_above_nothing():
    fit = fit_dose_response(DOSES, logistic(DOSES, 20.0, 100.0, 2.0, -1.0))
    assert fit.dose_at(60.0) == pytest.approx(2.0, rel=1e-3)
    assert fit.dose_at(50.0) == pytest.approx(2.0 * 5 / 3, rel=1e-3)  # 1 / (1 + d/2) = 3/8
    assert np.isnan(fit.dose_at(10.0)) and np.isnan(fit.dose_at(99.9))


def test_missing_responses_are_left_out_and_counted():
    responses = logistic(DOSES, 0, 10, 2.0, 1.0)
    responses[3] = np.nan
    fit = fit_dose_response(DOSES, responses)
    assert fit.n_missing == 1 and pytest.approx(2.0, rel=1e-3) == fit.ED50 and "1 missing" in repr(fit)


def test_as_many_parameters_as_doses_leave_no_interval():
    fit = fit_dose_response([0.1, 1.0, 3.0, 10.0], [1.0, 3.0, 6.0, 7.0])
    assert np.isnan(fit.low) and np.isnan(fit.high) and "no interval" in repr(fit)


@pytest.mark.parametrize(
    ("doses", "responses", "options", "words"),
    [
        ([1.0] * 5, [1, 2, 3, 4, 5], {}, "1 dose with a response cannot hold a curve with 4 free parameters"),
        ([0.0, 1.0, 1.0], [1, 2, 3], {"bottom": 0, "n_H": 1}, "give at least 2 doses, two of them above 0"),
        ([1, 2, 3], [1, 2, 3], {}, "3 doses with a response cannot hold"),
        ([-1, 2, 3, 4], [1, 2, 3, 4], {}, "a dose of -1 was given; allowed: 0 or more"),
        ([1, 2], [1], {}, "2 doses and 1 responses do not go together"),
        (DOSES, DOSES, {"bottom": 2, "top": 1}, "bottom 2 must be below top 1"),
        (DOSES, DOSES, {"n_H": -1}, "n_H -1 was given; allowed: above 0"),
    ],
)
def test_what_holds_no_curve_is_refused(doses, responses, options, words):
    with pytest.raises(ResultSchemaError, match=words):
        fit_dose_response(doses, responses, **options)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    dose = Axis("dose", tuple(DOSES.tolist()), "mg/kg", "arms.drug.drugs.one.dose")
    state = Axis("state", ("calm", "stressed"), "", "circuit.state")

    def at_point(treatment, point):
        part = logistic(DOSES[point[0]], 0.0, 1.0, 2.0, 1.3)
        return Treatment({"DRN_HT": 1.0 - 0.8 * part}, {"5-HT": 1.0 + 2.0 * part})

    folder = results_folder(
        tmp_path_factory.mktemp("fits"), SMALL, {"vehicle": Treatment(), "drug": Treatment()},
        axes=[dose, state], at_point=at_point, subjects=3, record=2.0, phases=["drug"],
    )  # fmt: skip
    with open_results(folder) as results:
        yield results


def test_results_are_fitted_by_name(scanned):
    fit = scanned.fit_dose_response(
        "pools/concentration", transmitter="5-HT", region="DRN", axis="dose", state="calm", relative=True
    )
    assert fit.low < 2.0 < fit.high and fit.n_subjects == 3
    # the made-up subjects feel the factor differently, but all from the same start
    assert fit.bottom == pytest.approx(100.0, abs=3.0) and fit.n_H > 0
    assert (fit.unit, fit.response_unit) == ("mg/kg", "% of vehicle")
    values = scanned.select("pools/concentration", arm="drug", phase="drug", state="calm", transmitter="5-HT", region="DRN")
    rest = scanned.select("pools/concentration", arm="vehicle", phase="drug", state="calm", transmitter="5-HT", region="DRN")
    np.testing.assert_allclose(np.sort(fit.responses), np.sort((100 * values / rest).values.ravel()))
    plain = scanned.fit_dose_response("pools/concentration", transmitter="5-HT", region="DRN", axis="dose", state="calm")
    assert plain.response_unit == "nM" and "nM" in repr(plain)


def test_the_arm_is_the_one_that_the_dose_changes_whatever_else_is_scanned(tmp_path):
    """An axis of the circuit changes the reference arm too: keys differ along it in every arm."""
    axes = [Axis("dose", (0.5, 2.0, 8.0), "mg/kg", "arms.drug.drugs.one.dose"), Axis("EC", (1.0, 2.0), "nM", "circuit.EC")]
    folder = results_folder(
        tmp_path, SMALL, {"vehicle": Treatment(), "drug": Treatment()}, axes=axes, record=0.3, phases=["drug"],
        at_point=lambda treatment, point: Treatment({"DRN_HT": 1.0 - 0.3 * point[0]}),
    )  # fmt: skip
    with open_results(folder) as results:
        ends = np.broadcast_to(np.array(["a", "b"]), results.keys.shape)
        results.keys = results.keys.copy(data=np.char.add(results.keys.isel(EC=[0, 0]).values.astype(str), ends))
        fit = results.fit_dose_response("firing_rate", population="DRN_HT", axis="dose", EC="1 nM", n_H=1)
        assert "arm drug" in fit.name
        with pytest.raises(ResultSchemaError, match="the scan changes the arms vehicle, drug: say which one is fitted"):
            results.fit_dose_response("firing_rate", population="DRN_HT", axis="EC", dose=2, n_H=1, bottom=0)


def test_the_only_entry_needs_no_choice(scanned):
    asked = {"axis": "dose", "state": ["calm"], "population": ["DRN_HT"]}
    one = scanned.fit_dose_response("firing_rate", axis="dose", state="calm", population="DRN_HT")
    assert scanned.fit_dose_response("firing_rate", **asked).ED50 == one.ED50


def test_a_rate_per_second_keeps_its_unit(tmp_path):
    """Only plain numbers, of unit 1, have none."""
    axis = Axis("k", (0.5, 1.0, 2.0, 4.0, 8.0), "1/s", "circuit.k")
    folder = results_folder(
        tmp_path, SMALL, {"vehicle": Treatment(), "drug": Treatment()}, axes=[axis], record=0.3, phases=["drug"],
        at_point=lambda t, point: Treatment(levels={"5-HT": logistic(axis.values[point[0]], 1, 3, 2.0, 1.0)}),
    )  # fmt: skip
    with open_results(folder) as results:
        fit = results.fit_dose_response("pools/concentration", transmitter="5-HT", region="DRN")
        assert (fit.unit, fit.response_unit) == ("1/s", "nM")
        assert results.fit_dose_response("activation", site="HT1A_DRN").response_unit == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "has the scan axes dose, state: say which is the dose"),
        ({"axis": "dosis"}, "no scan axis 'dosis' in these results: did you mean 'dose'"),
        ({"axis": "state"}, "the scan axis 'state' has texts for values"),
        ({"axis": "dose", "population": "DRN_HT"}, "has 2 of state beside subject and dose: say which one"),
        ({"axis": "dose", "state": "calm"}, "has 3 of population beside subject and dose"),
        ({"axis": "dose", "state": "calm", "population": "DRN_HT", "dose": DOSES[0]}, "has no dimension 'dose' left"),
    ],
)
def test_what_is_left_open_is_said(scanned, options, words):
    with pytest.raises(ResultSchemaError, match=words):
        scanned.fit_dose_response("firing_rate", **options)


@pytest.mark.parametrize("variable", ["firing_rate", "concentration", "balance"])
def test_the_figure_draws_and_says_the_fit(scanned, variable):
    figure = scanned.plot.dose_response(variable, axis="dose", fit=True)
    assert_legible(figure)
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    said = [text for text in words if "ED50" in text and ":" in text and "Logistic" not in text]
    assert said and all("mg/kg" in text or "no effect" in text or "beyond" in text for text in said)


def test_the_figure_shows_the_fit_of_what_it_shows(scanned):
    panel = scanned.plot.dose_response("concentration", axis="dose", transmitter="5-HT", fit=True).axes[0]
    fit = scanned.fit_dose_response(
        "pools/concentration", transmitter="5-HT", region="DRN", axis="dose", state="calm", relative=True
    )
    curves = [line for line in panel.lines if len(line.get_xdata()) > 100]
    assert any(np.allclose(line.get_ydata(), fit.predict(line.get_xdata()), rtol=1e-6) for line in curves)


def test_a_control_and_doses_in_any_order_are_drawn_where_they_stand(tmp_path):
    """0 before powers of ten stands on an even axis; the curve goes through the places in their order."""
    doses = (1000.0, 100.0, 10.0, 1.0, 0.1, 0.0)
    folder = results_folder(
        tmp_path, SMALL, {"vehicle": Treatment(), "drug": Treatment()}, axes=[Axis("dose", doses, "mg/kg", "d")],
        at_point=lambda t, point: Treatment(levels={"5-HT": logistic(doses[point[0]], 1.0, 3.0, 5.0, 1.0)}),
        record=0.3, phases=["drug"],
    )  # fmt: skip
    with open_results(folder) as results:
        panel = results.plot.dose_response("concentration", transmitter="5-HT", fit=True).axes[0]
        fit = results.fit_dose_response("pools/concentration", transmitter="5-HT", region="DRN", relative=True)
    curves = [line.get_ydata() for line in panel.lines if line.get_linestyle() == "-" and len(line.get_ydata()) == 6]
    assert any(np.allclose(curve, fit.predict(np.array(doses)), rtol=1e-6) for curve in curves)


def test_a_figure_over_texts_cannot_be_fitted(scanned):
    with pytest.raises(ResultSchemaError, match="the axis 'state' has texts for values, so no curve can be fitted"):
        scanned.plot.dose_response("firing_rate", axis="state", fit=True)
