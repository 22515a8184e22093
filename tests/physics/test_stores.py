"""Vesicle stores, efflux and enzymes against what they must do, and the pharmacological clock against long runs."""

from types import SimpleNamespace

import numpy as np
import pytest

from neurosim import pharmacology
from neurosim import reference as reference_tables
from neurosim.build.phases import Trial
from neurosim.build.plan import CARRIERS, SLOW_STEP
from neurosim.build.slow import _MOMENTS, Clock, _moments
from neurosim.build.stiff import settled, slopes_of
from neurosim.models import reference
from neurosim.spec import Experiment, load_circuit, resolve

POOL = ("DSt", "DA")


@pytest.fixture(scope="module")
def circuit():
    return load_circuit("midbrain_raphe")


def trial(circuit, drugs=(), **arm):
    experiment = Experiment(
        name="stores",
        circuit=circuit,
        protocol={"settle": "1 s", "phases": [{"name": "rest", "record": "1 s"}]},
        arms={"a": {"drugs": list(drugs), **arm}},
    )
    return Trial(resolve(experiment, "a", {}), 0)


def clock_of(one: Trial) -> Clock:
    return Clock.at_circuit_rest(one.layout, one.part_alive, one.knowledge)


def carried(circuit, minutes, drive=1.0, **levels):
    """State after some time at standing levels (nM), firing ``drive`` times as at rest; and concentrations over rest."""
    one = trial(circuit, [{"drug": name.replace("_", "-"), "concentration": f"{c} nM"} for name, c in levels.items()])
    clock = clock_of(one)
    rates = drive * clock.drive(clock.rest.released, np.ones(len(clock.rest.released)))
    state, now, end = clock.at_rest, 0.0, 60.0 * minutes
    while now < end:
        state, now = clock.advance(state, rates, one._drugs.levels, now, end)
    return clock, state, _settled(clock, state, rates, {k.replace("_", "-"): v for k, v in levels.items()})


def _settled(clock, state, rates, levels):
    """Concentration of every pool over rest, at the stores of a state."""
    canonical = {pharmacology.ligand_name(name): float(c) for name, c in levels.items()}
    row, c = clock._row(canonical, state.activity), clock.rest.c
    ln_R = np.log(state.R[[clock.layout.sites[name] for name in clock.regulated]])
    y = np.concatenate([c, state.S, state.Q, ln_R])
    from scipy.integrate import solve_ivp

    change = clock._rates_at(rates, row)
    run = solve_ivp(
        lambda t, y: change(y[:, None])[:, 0],
        (0.0, 120.0),
        y,
        method="BDF",
        jac=lambda t, y: slopes_of(change, y)[1],
        rtol=1e-6,
    )
    return {pool: run.y[k, -1] / c[k] for pool, k in clock.layout.pools.items()}


def filling(clock, state, pool=POOL):
    values = clock._filling(state.Q)
    return [values[k] for (p, q), k in clock.layout.terminals.items() if q == pool and values[k] > 0]


def test_without_drugs_everything_stands_still(circuit):
    clock = clock_of(trial(circuit))
    rates = clock.drive(clock.rest.released, np.ones(len(clock.rest.released)))
    state = clock.at_rest
    y = np.concatenate([clock.rest.c, state.S, state.Q, np.zeros(len(clock.regulated))])
    slopes = clock._rates_at(rates, clock._row({}, {}))(y[:, None])[:, 0]
    # S_0, k_v, k_m and J_syn are solved for this, so only rounding is left: relative to the fluxes through each pool
    scale = np.concatenate([1.0 + clock.rest.c, 1.0 + state.Q, 1.0 + state.Q, np.ones(len(clock.regulated))])
    assert np.abs(slopes / scale).max() < 1e-9


def test_a_pool_settles_where_uptake_and_loss_take_what_is_released():
    """gain = V c/(K + c) + k c has one positive root, that of a quadratic; from far above and far below."""
    V, K, k = np.array([[4000.0], [40.0], [0.0]]), np.array([[160.0], [5.0], [1.0]]), np.array([[0.04], [2.0], [0.5]])
    gain = np.array([[300.0], [0.1], [7.0]])
    b = V + K * k - gain
    root = np.sqrt(b**2 + 4 * k * gain * K)
    # the form without cancellation
    exact = np.where(b > 0, 2 * gain * K / (b + root), (root - b) / (2 * k))
    for start in (0.0, 1.0, 1e5):
        found = settled(lambda c: gain - V * c / (K + c) - k * c, np.full(3, start))
        # a last Newton step of 1e-8 leaves its square and rounding
        np.testing.assert_allclose(found, exact[:, 0], rtol=1e-12)


def test_a_terminal_conserves_transmitter():
    """S + Q change by what is made, taken up, broken down, released and lost through the carrier, and by nothing else."""
    one = np.ones(1)
    table = {"k_v": 0.5 * one, "k_m": 0.1 * one, "leak": 0.02 * one, "J_syn": 5.0 * one}
    table |= {"efflux_max": 8.0 * one, "seep": 0.05 * one, "K_S": 40.0 * one}
    table |= {"Q_0": 100.0 * one, "filling_max": 2.0 * one, "per_living": 1.25 * one}
    S, Q, h, J, taken = 12.0 * one, 90.0 * one, SLOW_STEP, 3.0 * one, 2.0 * one
    total, gained = S + Q, 0.0
    for _ in range(4000):
        gained += h * (5.0 + 2.0 - 0.1 * S - reference.efflux_per_living(table, S) - 1.25 * 3.0)
        S, Q = reference.store_step(table, S, Q, J, taken, h)
    np.testing.assert_allclose(S + Q - total, gained, rtol=1e-9)


def test_full_vesicles_take_up_no_more():
    one = np.ones(1)
    table = {"k_v": 0.5 * one, "k_m": 0.1 * one, "leak": 0.0 * one, "J_syn": 50.0 * one}
    table |= {"efflux_max": 0.0 * one, "seep": 0.0 * one, "K_S": one}
    table |= {"Q_0": 100.0 * one, "filling_max": 2.0 * one, "per_living": one}
    S, Q = one, 100.0 * one
    for _ in range(200_000):
        S, Q = reference.store_step(table, S, Q, 0.0 * one, 0.0 * one, SLOW_STEP)
    # without release nothing leaves, so the last tenth fills exponentially and is never passed
    assert 1.99 < reference.filling_of(table, Q)[0] <= 2.0
    assert S[0] == pytest.approx(50.0 / 0.1, rel=0.05), "what does not fit is broken down"


def test_a_blocker_of_the_vesicular_carrier_empties_release(circuit):
    clock, state, levels = carried(circuit, 24 * 60, reserpine=100)
    assert state.activity["VMAT2"] < 0.01
    for pool in (POOL, ("mPFC", "5-HT")):
        assert all(value < 0.01 for value in filling(clock, state, pool))
    assert levels[POOL] < 0.05
    # what needs no vesicles is left, from a cytosol that breaks down what is made
    silent = reference_tables.store_constants("5-HT").silent_share
    assert silent < levels["mPFC", "5-HT"] < 1.5 * silent


def test_inhibited_monoamine_oxidase_raises_transmitter_without_a_spike(circuit):
    silent = carried(circuit, 240, drive=0.0)[2]
    inhibited = carried(circuit, 240, drive=0.0, clorgyline=100)[2]
    for pool in (("mPFC", "5-HT"), ("DRN", "5-HT"), POOL):
        assert 0 < silent[pool] < 0.25, "the leak alone"
        assert inhibited[pool] > 1.5 * silent[pool]


@pytest.mark.parametrize(("releaser", "blocker", "pool"), [("fenfluramine", "citalopram", ("mPFC", "5-HT"))])
def test_a_saturating_blocker_of_uptake_abolishes_efflux(circuit, releaser, blocker, pool):
    """(a_0 + a)/(1 + a_0 + a + I) → 0 as I → ∞, however much releaser there is."""
    one = trial(circuit)
    stores = clock_of(one).stores
    k = next(k for (_, p), k in one.layout.terminals.items() if p == pool)
    efflux = [
        stores.efflux_max(pharmacology.chemistry({releaser: 1000.0, blocker: c}))[k] for c in (0.0, 1e2, 1e5, 1e8)
    ]
    assert efflux[0] > 10 * stores.efflux_max(pharmacology.Chemistry())[k]
    assert (np.diff(efflux) < 0).all() and efflux[-1] < 1e-4 * efflux[0]


def test_a_releaser_needs_no_spike_and_is_blocked_by_a_blocker(circuit):
    def level(**drugs):
        return carried(circuit, 5, drive=0.0, **drugs)[2]["mPFC", "5-HT"]

    assert level(fenfluramine=1000) > 5 * level()
    # a / (1 + a + I) leaves less than a thousandth of it
    assert level(fenfluramine=1000, citalopram=100_000) < 1.1 * level(citalopram=100_000)


def test_what_needs_no_spikes_is_the_published_part_at_rest(circuit):
    clock = clock_of(trial(circuit))
    stores, rest = clock.stores, clock.rest
    given_off = rest.released + clock._leaked
    for transmitter, share in (("5-HT", 0.15), ("DA", 0.0)):
        assert share == reference_tables.store_constants(transmitter).silent_share
        for (population, pool), k in clock.layout.terminals.items():
            if pool[1] == transmitter == clock.layout.circuit.populations[population].transmitter and rest.released[k]:
                capacity = stores.capacity[k] / (1 + stores.K_S[k] / stores.S_0[k]) * sum(V[k] for V in stores.own.values())
                by_carriers = stores.living[k] * stores.a_0[k] / (1 + stores.a_0[k]) * capacity
                expected = max(share * given_off[k], by_carriers)
                assert clock._leaked[k] == pytest.approx(expected), (population, pool)


def test_uptake_blockers_leave_what_seeps_through_the_membrane(circuit):
    stores = clock_of(trial(circuit)).stores
    serotonin = [k for k, (_, (_, transmitter)) in enumerate(stores.names) if transmitter == "5-HT" and stores.has[k]]
    left = stores.leaked(pharmacology.chemistry({"citalopram": 1e8}), stores.S_0)[serotonin]
    np.testing.assert_allclose(left, (stores.living * stores.seep * stores.S_0)[serotonin], rtol=1e-3)
    assert (left > 0).all()


def test_dopamine_of_serotonin_terminals_comes_from_its_precursor_alone(circuit):
    clock, state, _ = carried(circuit, 60)
    foreign = clock.layout.terminals["DRN_HT", POOL]
    assert clock._filling(state.Q)[foreign] == 0
    clock, state, _ = carried(circuit, 60, levodopa=3000)
    assert clock._filling(state.Q)[foreign] > 0.05
    assert max(filling(clock, state)) > 1.5
    assert all(value == pytest.approx(1, abs=0.05) for value in filling(clock, state, ("mPFC", "5-HT")))


def test_blocked_synthesis_empties_its_own_transmitter(circuit):
    clock, state, levels = carried(circuit, 240, alpha_methyl_p_tyrosine=100_000)
    assert all(value < 0.8 for value in filling(clock, state))
    assert all(value > 0.95 for value in filling(clock, state, ("mPFC", "5-HT")))
    assert levels[POOL] < 0.8


def test_a_lost_enzyme_comes_back_with_its_half_life(circuit):
    """dE/dt = k_deg (1 - E): after one half-life without the drug half of what was lost is back."""
    one = trial(circuit)
    clock = clock_of(one)
    half_life = 240 * 3600.0
    t = np.linspace(0.0, half_life, 50)
    left = clock._activities({"MAO-A": 0.1}, {"clorgyline": np.zeros(50)}, t)
    assert left[-1]["MAO-A"] == pytest.approx(0.55, rel=1e-12)


def test_the_clock_gives_what_the_network_gives_at_the_same_firing(circuit):
    """The slow loop of the engine, stepped at 1 ms under steady spikes, ends where the clock's equations end."""
    drugs = [{"drug": "d-amphetamine", "concentration": "300 nM"}]
    one = trial(circuit, drugs)
    step = next(one.phases())
    plan, clock = step.plan, clock_of(one)
    # spikes at rest, depression off, gain off: the drive of both is then the same
    terminals = plan.terminals | {"U": np.zeros(plan.structure.n_terminals)}
    drive = clock.drive(clock.rest.released, np.ones(plan.structure.n_terminals))
    loop = reference.SlowLoop(
        terminals,
        plan.pools | {"c_0": clock.rest.c},
        plan.sites,
        plan.cross,
        {name: values[:0] for name, values in plan.terminal_links.items()},
        plan.uptake_links,
        CARRIERS,
        SLOW_STEP,
    )
    counts = np.tile(drive * terminals["n_healthy"] * SLOW_STEP, (20_000, 1))
    end = loop.run(counts, 0)
    state, _ = clock.advance(clock.at_rest, drive, one._drugs.levels, 0.0, 20.0)
    # the network starts at the middle of the bands and steps by Euler at 1 ms; both have had 20 s
    has = clock.stores.has
    np.testing.assert_allclose(end.S_end[has], state.S[has], rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(end.Q_end[has], state.Q[has], rtol=1e-3, atol=1e-6)


def test_moments_are_equal_steps_of_the_root_of_the_time_since_the_last_turn():
    root = np.sqrt(_moments(100.0, 2800.0, 100.0) - 100.0)
    assert np.allclose(np.diff(root), root[-1] / _MOMENTS) and len(root) == _MOMENTS + 1
    # begun in between the steps are the same ones, and only the last is another
    again = np.sqrt(_moments(900.0, 2800.0, 100.0) - 100.0)
    assert np.allclose(np.diff(again)[:-1], root[-1] / _MOMENTS)
    assert 0.0 < again[-1] - again[-2] <= 1.5 * root[-1] / _MOMENTS


@pytest.mark.parametrize("start", [0.0, 1e-9, 1.0, 899.0, 899.999999, 900.0 - 1e-10])
def test_moments_grow_from_start_to_end_to_the_bit(start):
    moments = _moments(start, 900.0, 0.0)
    assert (moments[0], moments[-1]) == (start, 900.0) and (np.diff(moments) > 0).all()
    assert len(moments) <= _MOMENTS + 1


def test_a_clock_that_starts_again_looks_as_often_and_comes_as_far(circuit, monkeypatch):
    """Stopped where something has moved and gone on, against ten times as many moments; nothing heard in between."""

    def carried_on():
        one = trial(circuit, [{"drug": "escitalopram", "dose": "10 mg/kg", "route": "ip"}])
        clock, state, now, times = clock_of(one), None, 0.0, []
        state = clock.at_rest
        drive = clock.drive(clock.rest.released, np.ones(len(clock.rest.released)))
        while now < 2700.0:
            state, now = clock.advance(state, drive, one._drugs.levels, now, 2700.0, one._drugs.turns(2700.0))
            times.append(now)
        return np.concatenate([state.c, state.S, state.Q, state.R]), times

    coarse, stops = carried_on()
    assert len(stops) > 4, "it was stopped in between"
    monkeypatch.setattr("neurosim.build.slow._MOMENTS", 10 * _MOMENTS)
    fine, _ = carried_on()
    # courses of drugs are taken as linear between moments: 1 in 10^4, and the steps of the integration
    np.testing.assert_allclose(coarse, fine, rtol=3e-4, atol=1e-3)


def test_receptors_follow_their_activation_and_stay_within_their_bounds(circuit):
    clock, state, _ = carried(circuit, 14 * 24 * 60, citalopram=100)
    index = clock.layout.sites["HT1A_DRN"]
    assert 0.05 <= state.R[index] < 0.5, "more serotonin, fewer autoreceptors"
    blocked = carried(circuit, 5 * 24 * 60, WAY_100635=20)[1]
    assert 1.1 < blocked.R[index] <= 3, "an antagonist lets them grow"


def steps_of(circuit, drugs):
    """All starts of the program that a trial asks for, with a network that fires as at rest whatever happens."""
    experiment = Experiment(
        name="slow",
        circuit=circuit,
        protocol={"phases": [{"name": "before", "record": "1 s"}, {"name": "late", "at": "73 h", "record": "1 s"}]},
        arms={"a": {"drugs": drugs}},
    )
    trial = Trial(resolve(experiment, "a", {}), 0)
    rest = clock_of(trial).rest.released
    heard = SimpleNamespace(means={"released": rest, "filling": np.ones(len(rest))})
    return [step for step, _ in trial.play(lambda step: heard)]


def test_the_network_is_asked_again_where_receptors_move_and_only_there(circuit):
    assert [step.phase.name for step in steps_of(circuit, [])] == ["before", "late"]
    daily = {"drug": "citalopram", "dose": "20 mg/kg", "route": "ip", "ii": "24 h", "addl": 3}
    steps = steps_of(circuit, [daily])
    between = [step for step in steps if step.coupling]
    assert between and all(0 < step.phase.at < 73 * 3600 for step in between)
    index = steps[0].plan.labels.sites.index("HT1A_DRN")
    R = [step.situation.state.R[index] for step in steps]
    # three thousandths: between two doses, when the drug is nearly gone, lost receptors begin to come back
    assert R[0] == 1 and (np.diff(R) < 3e-3).all() and R[-1] < 0.9, "more serotonin than at rest, so fewer autoreceptors"
    assert steps[-1].plan.sites["tau"][index] == pytest.approx(R[-1] * steps[0].plan.sites["tau"][index])
    # between phases receptors hear the mean of a day, a phase hears its own moment
    assert between[0].situation.concentrations["citalopram"] != steps[-1].situation.concentrations["citalopram"]


def test_reserpine_empties_pools_that_lose_most_of_their_release_to_others(circuit):
    """In cortex and hippocampus other carriers take what dopamine terminals release; the cytosol must not leak it back."""
    levels = carried(circuit, 24 * 60, reserpine=100)[2]
    for region in ("mPFC", "HPC", "DRN", "MRN"):
        assert levels[region, "DA"] < 0.2, region
