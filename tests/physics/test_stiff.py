"""The integrator of the slow clock: its coefficients, its order with right and wrong Jacobians, exact solutions."""

import math
from itertools import islice

import numpy as np
import pytest

from neurosim.build import stiff
from neurosim.build.stiff import Stretch, _Steps, follow
from neurosim.errors import BuildError


def test_coefficients_meet_the_conditions_of_third_order_for_any_matrix():
    """Rang & Angermann 2005, and Hairer & Wanner 1996, IV.7: sums over the trees of up to three nodes, each kind of edge."""
    b, a, g = stiff._END, stiff._STAGES, stiff._COUPLING
    alpha, gamma = a.sum(axis=1), g.sum(axis=1)
    assert b.sum() == pytest.approx(1, abs=1e-15)
    assert (b @ alpha, b @ gamma) == pytest.approx((1 / 2, 0), abs=1e-15)
    assert b @ alpha**2 == pytest.approx(1 / 3, abs=1e-15)
    assert (b @ a @ alpha, b @ a @ gamma, b @ g @ alpha, b @ g @ gamma) == pytest.approx((1 / 6, 0, 0, 0), abs=1e-15)
    assert stiff._LOWER.sum() == pytest.approx(1, abs=1e-15) and stiff._LOWER @ alpha == pytest.approx(1 / 2, abs=1e-15)
    assert b == pytest.approx(a[-1] + g[-1], abs=1e-15), "the last stage ends the step: stiff parts are damped at once"


def predator(t, y):
    return np.array([y[0] * (1.0 - y[1]) + math.sin(t), y[1] * (y[0] - 2.0)])


def slopes_of_predator(t, y):
    return np.array([[1.0 - y[1], -y[0]], [y[1], y[0] - 2.0]])


JACOBIANS = {
    "right": slopes_of_predator,
    "half": lambda t, y: 0.5 * slopes_of_predator(t, y),
    "none": lambda t, y: np.zeros((2, 2)),
}


def after(h, jacobian):
    """State at t = 1 in steps of h."""
    steps = _Steps(predator, JACOBIANS[jacobian], 0.0, np.array([1.0, 1.5]), 1.0, 1e-3, 1e-6)
    for _ in range(round(1.0 / h)):
        steps.y, _ = steps._step(h)
        steps.t, steps.served = steps.t + h, steps.served + 1
    return steps.y


@pytest.mark.parametrize("jacobian", JACOBIANS)
def test_steps_converge_in_third_order_whatever_the_jacobian(jacobian):
    exact = after(1 / 2048, "right")
    errors = [np.abs(after(h, jacobian) - exact).max() for h in (1 / 32, 1 / 64, 1 / 128)]
    orders = [math.log2(coarse / fine) for coarse, fine in zip(errors, errors[1:], strict=False)]
    assert all(2.7 < order < 3.4 for order in orders), orders


RATE = np.array([1e5, 30.0, 0.2])


@pytest.mark.parametrize(("rtol", "allowed"), [(1e-3, 3e-3), (1e-5, 3e-5)])
def test_fast_and_slow_relaxations_towards_a_bent_course_are_followed(rtol, allowed):
    """y' = -rate (y - g(t)), g linear between corners: exact piece by piece, over six orders of time constants."""
    corners = np.array([0.0, 0.5, 3.0, 20.0])

    def course(t):
        return np.interp(t, corners, [1.0, 4.0, 4.0, 0.5])

    y = np.zeros(3)
    found = list(follow(lambda t, y: -RATE * (y - course(t)), lambda t, y: -np.diag(RATE), y, corners, 20.0, rtol, 1e-9))
    for a, b, state in zip(corners, corners[1:], found, strict=False):
        slope = (course(b) - course(a)) / (b - a)
        # a particular solution g - slope/rate, and what decays
        decay = np.exp(-RATE * (b - a))
        y = course(b) - slope / RATE + (y - course(a) + slope / RATE) * decay
        np.testing.assert_allclose(state, y, rtol=allowed)


def test_states_are_computed_when_they_are_asked_for_and_nothing_beyond_the_end():
    asked = []

    def rates(t, y):
        asked.append(t)
        return -y

    states = follow(rates, lambda t, y: -np.eye(1), np.ones(1), np.array([0.0, 1.0, 2.0, 3.0 + 1e-12]), 3.0, 1e-6, 1e-9)
    assert asked == []
    assert next(states)[0] == pytest.approx(math.exp(-1), rel=1e-5)
    assert max(asked) == 1.0
    list(states)
    assert max(asked) <= 3.0


def test_what_runs_away_is_an_error_with_its_time():
    states = follow(lambda t, y: y**2, lambda t, y: np.diag(2 * y), np.ones(1), np.array([0.0, 2.0]), 2.0, 1e-3, 1e-6)
    # at t = 1, found to the tolerance
    words = r"cannot be followed beyond (0\.99\d*|1|1\.00\d*) s: the steps become too small"
    with pytest.raises(BuildError, match=words), np.errstate(all="ignore"):
        list(states)


def test_a_jacobian_serves_several_steps():
    found = []

    def slopes(t, y):
        found.append(t)
        return -np.diag(RATE)

    n, times = 40, np.linspace(0.0, 4.0, 41)
    list(islice(follow(lambda t, y: -RATE * (y - 1.0), slopes, np.zeros(3), times, 4.0, 1e-3, 1e-6), n))
    assert n / stiff._SERVES <= len(found) <= n


def test_a_stretch_is_linear_between_its_moments_and_makes_only_the_rows_it_needs():
    made = []

    def row(k):
        made.append(k)
        return np.array([float(k), 10.0 * k])

    stretch = Stretch([0.0, 2.0, 6.0, 7.0], row)
    np.testing.assert_allclose(stretch(1.0), [0.5, 5.0])
    assert stretch(4.0) is stretch.now
    np.testing.assert_allclose(stretch.now, [1.5, 15.0])
    assert sorted(made) == [0, 1, 2]
