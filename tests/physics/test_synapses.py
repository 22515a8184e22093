"""Synapses, noise and counting, spike by spike: the state of a network is computed anew from the spikes it reports."""

import numpy as np
import pytest
from plans import FAST, GROUPS, KINDS, RISING, SLOW, N, changed, tiny_plan
from text_integrator import TextCells, adex

from neurosim.engines import runtime_numpy

PER_SLOW = 10


@pytest.fixture(scope="module")
def network():
    """A plan without modulation of synapses, its network after 0.3 s, and all spikes as (step, cell)."""
    plan = tiny_plan(settle=0.0, record=0.3)
    links = {name: np.zeros(4) for name in plan.site_links if name not in ("site", "cell_class")}
    plan = changed(plan, site_links=links)
    with runtime_numpy._numpy_target():
        parts = runtime_numpy._network(plan, runtime_numpy.values(plan))
        runtime_numpy._simulate(plan, parts, lambda part: None)
    monitor = parts.monitors["spikes"]
    steps = np.rint(np.asarray(monitor.t_) / plan.structure.dt).astype(int)
    assert steps.size > 80
    return plan, parts, list(zip(steps, np.array(monitor.i), strict=True))


def tsodyks_markram(times, U, tau_rec, tau_fac):
    """u x at each arrival, by the recursion between spikes (tsodyks1998)."""
    u, x, last, released = 0.0, 1.0, None, []
    for t in times:
        if last is not None:
            u *= np.exp(-(t - last) / tau_fac) if tau_fac > 0 else 0.0
            x = 1 - (1 - x) * np.exp(-(t - last) / tau_rec)
        u += U * (1 - u)
        released.append(u * x)
        x -= u * x
        last = t
    return released


def arrivals(plan, group, spikes):
    """(step, target, amount) of every event of a synapse group."""
    wiring, dt = plan.wiring[group.name], plan.structure.dt
    delay = np.rint(wiring.delay / dt).astype(int)
    events = []
    for k in range(group.n):
        steps = [step + delay[k] for step, cell in spikes if cell == wiring.pre[k]]
        released = [1.0] * len(steps)
        if group.plastic:
            released = tsodyks_markram(
                dt * np.array(steps), wiring.U[k], wiring.tau_rec[k], wiring.tau_fac[k]
            )
        events += [
            (step, wiring.post[k], wiring.weight[k] * r) for step, r in zip(steps, released, strict=True)
        ]
    return events


@pytest.mark.parametrize("kind", FAST)
def test_fast_conductances_are_the_sum_of_their_decaying_events(network, kind):
    plan, parts, spikes = network
    # the decay of GABA_A is the cell's own
    tau = plan.cells["tau_GABA"] if kind == "GABA_A" else np.full(N, plan.kinds[f"tau_decay_{kind}"])
    factor = 1 - plan.structure.dt / tau
    expected, n_steps = np.zeros(N), plan.record_steps
    for group in GROUPS:
        if group.kind == kind:
            for step, cell, amount in arrivals(plan, group, spikes):
                if step < n_steps:
                    expected[cell] += amount * factor[cell] ** (n_steps - 1 - step)
    assert expected.max() > 1e-11
    measured = parts.groups["cells"].variables[f"g_{kind}"].get_value()
    # single precision: a decay and an addition round by 6e-8 each, some tens of times while an event is remembered
    np.testing.assert_allclose(measured, expected, rtol=5e-6, atol=1e-20)


@pytest.mark.parametrize("kind", SLOW)
def test_slow_conductances_rise_and_decay_as_the_plan_says(network, kind):
    plan, parts, spikes = network
    events = [e for group in GROUPS if group.kind == kind for e in arrivals(plan, group, spikes)]
    decay = np.exp(-1e-3 / plan.kinds[f"tau_decay_{kind}"])
    rise = np.exp(-1e-3 / plan.kinds[f"tau_rise_{kind}"]) if kind in RISING else 0.0
    g, s = np.zeros(N), np.zeros(N)
    for slow in range(plan.record_steps // PER_SLOW):
        for step, cell, amount in events:
            if step // PER_SLOW == slow - 1:
                s[cell] += amount
        s *= decay
        g = s + (g - s) * rise
    assert g.max() > 1e-12
    # held in single precision: 6e-8 at every step, of which some hundred are remembered
    np.testing.assert_allclose(
        parts.groups["cells"].variables[f"g_{kind}"].get_value(), g, rtol=2e-6, atol=1e-18
    )


def test_every_kind_and_feature_is_covered():
    assert {group.kind for group in GROUPS} == set(KINDS)
    assert {group.plastic for group in GROUPS} == {True, False}


def test_steady_train_meets_the_fixed_point_of_short_term_plasticity():
    U, tau_rec, tau_fac, interval = 0.2, 0.4, 0.15, 0.05
    released = tsodyks_markram(interval * np.arange(200), U, tau_rec, tau_fac)[-1]
    u = U / (1 - (1 - U) * np.exp(-interval / tau_fac))
    x = (1 - np.exp(-interval / tau_rec)) / (1 - (1 - u) * np.exp(-interval / tau_rec))
    assert released == pytest.approx(u * x, rel=1e-9)


def test_background_current_has_its_spread_and_time_constant():
    tau, sigma, n = 5e-3, 40e-12, 400
    cells = TextCells(
        **(adex(drive=np.full(n, -1e-9)) | {"ou_decay": np.exp(-1e-3 / tau), "inv_C_m": 0.0}),
        ou_kick=sigma * np.sqrt(-np.expm1(-2e-3 / tau)),
    )
    currents = []
    cells.advance(0.05)
    for _ in range(100):
        cells.advance(1e-3)
        currents.append(cells.values["I_ou"])
    currents = np.array(currents)
    # 400 cells, about 100 ms / (2 tau) independent values each: standard error of the spread is 1/sqrt(2 n).
    assert currents.std() == pytest.approx(sigma, rel=4 / np.sqrt(2 * n * 10))
    lagged = (currents[5:] * currents[:-5]).mean() / currents.var()
    assert lagged == pytest.approx(np.exp(-1), abs=4 / np.sqrt(n * 10))
