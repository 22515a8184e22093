"""Transmitters against exact solutions: uptake, budget, lesion."""

import numpy as np
import pytest
from scipy.special import lambertw

from neurosim.build.plan import CARRIERS
from neurosim.models import reference

H = 1e-3
NO_CROSS = {"pool": np.zeros(0, int), "partner": np.zeros(0, int)} | {f"k_{X}": np.zeros(0) for X in CARRIERS}


def pools(V, K=170.0, k_out=0.0, B=0.0):
    """One pool with SERT alone; arrays give several pools."""
    V, K, k_out, B = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, float)) for x in (V, K, k_out, B)))
    table = {"k_out": k_out}
    for X in CARRIERS:
        table |= {f"V_{X}": V * (X == "SERT"), f"K_{X}": K, f"B_{X}": B}
    return table


def relax(table, c, release, duration, h=H):
    """Concentration after a duration of constant release."""
    for _ in range(round(duration / h)):
        taken = reference.uptake(table, NO_CROSS, CARRIERS, c)
        c = reference.pool_step(table, c, release, 0.0, taken, h, 1.0)
    return c


def michaelis_menten(c_0, V, K, t):
    """dc/dt = -V c/(K + c) solved exactly: c = K W((c_0/K) exp((c_0 - V t)/K)) (beal1983)."""
    return K * lambertw(c_0 / K * np.exp((c_0 - V * t) / K)).real


@pytest.mark.parametrize("c_0", [5.0, 170.0, 800.0])
def test_uptake_alone_follows_the_lambert_function_and_converges_in_first_order(c_0):
    V, K, t = 1300.0, 170.0, 0.2
    exact = michaelis_menten(c_0, V, K, t)
    errors = [abs(relax(pools(V, K), np.array([c_0]), 0.0, t, h)[0] - exact) for h in (4e-3, 2e-3, 1e-3)]
    # Euler's error in c is at most (h/2) t max|c''|, with |c''| <= (V/K) V.
    assert errors[2] < 0.5 * H * t * V**2 / K
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.15)
    assert errors[1] / errors[2] == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize("r", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("s", [0.1, 0.5, 0.9])
def test_lesion_of_release_and_uptake_together(r, s):
    # MODEL §2: for c << K_m, survivors s: c/c_0 = s (1 + r)/(s + r), r = k_out / (V/K).
    V, K, release = 2000.0, 1e4, 0.5
    k_out = r * V / K
    # A steady state does not depend on the step of Euler's method, so long ones do.
    healthy = relax(pools(V, K, k_out), np.array([1.0]), release, 20 / (V / K), h=0.1)
    lesioned = relax(pools(s * V, K, k_out), healthy, s * release, 20 / (s * V / K + k_out), h=0.1)
    # c/K is about 2e-4, which bounds what "c << K_m" leaves out.
    assert lesioned[0] / healthy[0] == pytest.approx(s * (1 + r) / (s + r), rel=1e-3)


def test_full_blockade_multiplies_by_one_plus_r_over_r():
    V, K, k_out, release = 2000.0, 1e4, 0.05, 0.5
    r = k_out / (V / K)
    healthy = relax(pools(V, K, k_out), np.array([1.0]), release, 100.0, h=0.1)
    blocked = relax(pools(V, K, k_out, B=1e9), healthy, release, 300.0, h=0.1)
    assert blocked[0] / healthy[0] == pytest.approx((1 + r) / r, rel=1e-3)


def test_foreign_substrate_slows_uptake_like_a_blocker():
    c = np.array([40.0, 10.0])
    cross = {"pool": np.array([0]), "partner": np.array([1])} | {f"k_{X}": np.array([0.05]) for X in CARRIERS}
    competed = reference.uptake(pools([1000.0, 0.0]), cross, CARRIERS, c)
    blocked = reference.uptake(pools([1000.0, 0.0], B=[0.05 * 10.0, 0.0]), NO_CROSS, CARRIERS, c)
    np.testing.assert_allclose(competed, blocked, rtol=1e-14)


def test_depression_makes_release_sublinear_with_the_exact_fixed_point():
    # At a steady rate nu: D = 1/(1 + U tau_rec nu).
    U, tau_rec, nu = 0.25, 1.5, np.array([1.0, 4.0, 20.0])
    table = {"quantum": 10.0, "n_healthy": 100.0, "U": U, "tau_rec": tau_rec, "nu_relax": 1.0}
    D, near = np.ones(3), np.zeros(3)
    # 20 s are 13 time constants of recovery: what is left of the start is e**-13.
    for _ in range(20000):
        J, D, near = reference.terminal_step(table, np.ones(3), D, near, 100.0 * nu * H, H, 1.0)
    np.testing.assert_allclose(J, 10.0 * nu / (1 + U * tau_rec * nu), rtol=1e-5)
    np.testing.assert_allclose(near, nu / (1 + U * tau_rec * nu), rtol=1e-5)


def test_activation_settles_where_the_operational_model_says():
    sites = {
        name: np.array([value])
        for name, value in {"K": 100.0, "tau": 10.0, "X": 2.0, "S": 0.5, "tau_0": 0.2, "B": 0.25, "S_B": 0.1}.items()
    }
    a, rho, x = np.zeros(1), np.zeros(1), 0.4
    for _ in range(5000):
        rho = reference.binding_step(sites, rho, np.array([40.0]), H, 2.0)
        a = reference.activation_step(sites, a, rho, np.array([0.01]))
    stimulus = 0.75 * (0.2 + 10 * x + 0.5) / (1 + x + 2.0) + 0.1
    # 5 s at a rate of 2 · (1 + x/3) leave e**-11 of the start
    assert rho[0] == pytest.approx(0.75 * x / (1 + x + 2.0), rel=1e-4)
    assert a[0] == pytest.approx(stimulus / (1 + stimulus), rel=1e-4)


def test_binding_follows_the_exponential_of_its_rate_law():
    # d rho/dt = k_off (x free - rho), free = (1 - B - rho)/(1 + X): the rate is k_off (1 + x/(1 + X)), whatever the step.
    sites = {"K": np.array([100.0]), "X": np.array([2.0]), "B": np.array([0.25])}
    k_off, x, t = 3.0, 0.4, 0.5
    rho = np.array([0.01])
    for _ in range(50):
        rho = reference.binding_step(sites, rho, np.array([40.0]), t / 50, k_off)
    end = 0.75 * x / (1 + x + 2.0)
    exact = end + (0.01 - end) * np.exp(-k_off * (1 + x / 3.0) * t)
    assert rho[0] == pytest.approx(exact, rel=1e-12)


def test_budget_of_a_pool_closes(engine, tiny_phase):
    """Δc = ∫(release + efflux - uptake - loss), to rounding: what is lost anywhere shows here."""
    plan, raw = tiny_phase
    flow = raw.means["release"] + raw.means["efflux"] - raw.means["uptake"] - raw.means["loss"]
    np.testing.assert_allclose(raw.c_end - raw.c_start, plan.record * flow, rtol=1e-10, atol=1e-10)
    assert (np.abs(raw.c_end - raw.c_start) > 1e-3).all()


def test_engine_follows_the_lambert_function(engine, silent):
    V, K, c_0 = 1300.0, 170.0, 400.0
    zero = np.zeros(3)
    plan = silent(
        pools={"c_0": np.full(3, c_0), "k_out": zero, "V_DAT": zero, "V_NET": zero, "V_SERT": np.full(3, V)}
        | {"K_SERT": np.full(3, K), "B_SERT": zero},
        cross={f"k_{X}": np.zeros(2) for X in CARRIERS},
        terminals={"efflux_max": zero, "seep": zero},
    )
    raw = engine.run(plan)
    t = 1e-2 * np.arange(raw.traces["concentration"].shape[1])
    exact = michaelis_menten(c_0, V, K, t)
    np.testing.assert_allclose(raw.traces["concentration"][0], exact, atol=0.5 * H * t[-1] * V**2 / K)
    assert raw.spike_i.size == 0
