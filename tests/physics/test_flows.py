"""The flows of the pharmacological clock against the equations of each quantity, written out one by one."""

import numpy as np
import pytest

from neurosim import models, pharmacology
from neurosim.build.phases import Trial
from neurosim.build.plan import CARRIERS
from neurosim.build.slow import Clock
from neurosim.models import reference
from neurosim.spec import Experiment, load_circuit, resolve

DRUGS = {"escitalopram": 30.0, "reserpine": 3.0, "methylphenidate": 200.0}


@pytest.fixture(scope="module", params=["midbrain_raphe", "da_5ht_brain"])
def clock(request):
    experiment = Experiment(
        name="flows",
        circuit=load_circuit(request.param),
        protocol={"settle": "1 s", "phases": [{"name": "rest", "record": "1 s"}]},
        arms={"a": {"drugs": [{"drug": name, "concentration": f"{c} nM"} for name, c in DRUGS.items()]}},
    )
    trial = Trial(resolve(experiment, "a", {}), 0)
    return Clock.at_circuit_rest(trial.layout, trial.part_alive, trial.knowledge)


def state_of(clock, seed):
    """A state far from rest, and firing: c, S, Q, drive."""
    rng, rest = np.random.default_rng(seed), clock.at_rest
    c, S, Q = (x * rng.uniform(0.0, 3.0, len(x)) for x in (rest.c, rest.S + 1.0, rest.Q))
    return c, S, Q, rng.uniform(0.0, 10.0, len(S))


def written_out(clock, c, S, Q, drive):
    """dc/dt, dS/dt and dQ/dt from the functions that the engines are held to."""
    found = pharmacology.chemistry(DRUGS, {}, clock.knowledge)
    stores, at, h = clock.stores, clock._at, 1e-6
    pools = clock._pools | {f"B_{X}": found.carriers[X].B for X in CARRIERS}
    use = models.carrier_use(pools, clock._cross, CARRIERS, c)
    taken = sum(stores.own[X] * use[X][at] for X in CARRIERS)
    released = clock._quantum * drive * clock._filling(Q)
    table = {
        "k_v": stores.packing(found),
        "k_m": stores.degradation(found),
        "J_syn": stores.synthesis(found),
        "efflux_max": stores.efflux_max(found),
        "K_S": np.where(stores.has, stores.K_S, 1.0),
        "seep": stores.seep,
        "leak": stores.leak,
        "Q_0": stores.Q_0,
        "filling_max": stores.filling_max,
        "per_living": np.divide(1.0, stores.living, out=np.zeros_like(stores.living), where=stores.living > 0),
    }
    new_S, new_Q = reference.store_step(table, S, Q, released, taken, h)
    outside = np.array([pharmacology.outside_loss(t, found) for _, t in clock.layout.pools])
    given = np.bincount(at, released + stores.living * reference.efflux_per_living(table, S), len(c))
    dc = given - models.uptake(pools, clock._cross, CARRIERS, c) - clock._pools["k_out"] * outside * c
    return dc, np.where(stores.has, (new_S - S) / h, 0.0), np.where(stores.has, (new_Q - Q) / h, 0.0), released


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_flows_are_the_equations_of_pools_cytosol_and_vesicles(clock, seed):
    c, S, Q, drive = state_of(clock, seed)
    now = clock._moment(clock._row(DRUGS, {}))
    found, rate = clock._flows.rates(np.concatenate([c, S, Q])[:, None], drive[:, None], now)
    dc, dS, dQ, released = written_out(clock, c, S, Q, drive)
    expected = np.concatenate([dc, dS, dQ])
    # of pools the rounding of the largest uptake; of stores that of a state over the step by which the slopes are found
    fastest = max(clock._pools[f"V_{X}"].max() for X in CARRIERS)
    allowed = 1e-9 * np.concatenate([np.full(len(c), fastest), S + Q + 1.0, S + Q + 1.0])
    assert (np.abs(found[:, 0] - expected) <= allowed).all()
    np.testing.assert_allclose(clock._quantum * rate[:, 0], released, rtol=1e-12)


def test_many_states_at_once_are_each_by_itself(clock):
    states = [state_of(clock, seed) for seed in (4, 5)]
    drive, now = states[0][3][:, None], clock._moment(clock._row(DRUGS, {}))
    columns = [np.concatenate(state[:3])[:, None] for state in states]
    together = clock._flows.rates(np.hstack(columns), drive, now)[0]
    for k, column in enumerate(columns):
        np.testing.assert_allclose(together[:, [k]], clock._flows.rates(column, drive, now)[0], rtol=1e-9, atol=1e-9)


def test_nothing_is_lost_between_the_places_of_a_terminal(clock):
    """Packing and leak only move transmitter: what leaves the cytosol is what the vesicles get."""
    flows, n = clock._flows, clock._flows.n_terminals
    P, pairs = flows.n_pools, len(flows.pair_pool)
    packing, leak = (flows.leads[:, pairs + k * n : pairs + (k + 1) * n] for k in (3, 4))
    assert np.abs(packing.sum(axis=0)).max() == 0.0 == np.abs(leak.sum(axis=0)).max()
    assert np.abs(packing[:P]).max() == 0.0 == np.abs(leak[:P]).max()
    assert packing.any() and leak.any()


def test_the_clock_goes_on_from_pools_that_stand_still_at_the_firing_that_was_heard(clock):
    rest = clock.drive(clock.rest.released, np.ones(clock._flows.n_terminals))
    state = clock.heard(clock.at_rest, 3.0 * rest, DRUGS)
    y = np.concatenate([state.c, state.S, state.Q, np.log(state.R[[clock.layout.sites[n] for n in clock.regulated]])])
    change = clock._rates_at(3.0 * rest, clock._row(DRUGS, {}))(y[:, None])[: len(state.c), 0]
    assert np.abs(change / (state.c + 1.0)).max() < 1e-9, "Newton's method ends within 1e-8 of a step"
    assert (state.c > clock.rest.c * 1.2).sum() > len(state.c) / 4, "more firing and blocked carriers raise many of them"
    assert np.array_equal(state.S, clock.at_rest.S), "stores take their own time"


def test_what_fires_as_at_rest_leaves_the_pools_at_rest(clock):
    rest = clock.drive(clock.rest.released, np.ones(clock._flows.n_terminals))
    state = clock.heard(clock.at_rest, rest, {})
    np.testing.assert_allclose(state.c, clock.rest.c, rtol=1e-9)
