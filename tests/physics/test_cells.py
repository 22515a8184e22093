"""Single cells against what is known exactly: the text of the equations is integrated as it stands."""

import numpy as np
import pytest
from text_integrator import _FUNCTIONS, TextCells, adex

from neurosim import models
from neurosim.build import Trial
from neurosim.calibration.current import block_current
from neurosim.spec import Experiment, load_circuit, resolve


def rate_of_leaky_cell(drive, C_m, g_L, E_L, V_T, V_r, t_ref):
    """f-I curve of the leaky integrate-and-fire cell: what AdEx becomes as Delta_T → 0 (brette2005)."""
    v_inf = E_L + drive / g_L
    with np.errstate(divide="ignore", invalid="ignore"):
        period = t_ref + C_m / g_L * np.log((v_inf - V_r) / (v_inf - V_T))
    return np.where(v_inf > V_T, 1 / period, 0.0)


def test_sharp_threshold_gives_the_exact_rate_of_a_leaky_cell():
    drive = np.array([70e-12, 90e-12, 120e-12, 200e-12, 400e-12])
    dt = 5e-5
    cells = TextCells(**adex(drive=drive, dt=dt, V_peak=-50e-3)).advance(1.0)
    assert cells.spike_steps(0).size == 0
    interval = np.array([dt * np.diff(cells.spike_steps(k)).mean() for k in range(1, 5)])
    exact = 1 / rate_of_leaky_cell(drive, 100e-12, 5e-9, -65e-3, -50e-3, -65e-3, 2e-3)[1:]
    # A spike is seen at the end of its step, and Euler's method is ahead by about half a step: one step for each.
    np.testing.assert_allclose(interval, exact, rtol=0, atol=2 * dt)


def test_euler_is_of_first_order_in_dt():
    # Sub-threshold relaxation has an exact solution; the error has to halve with the step.
    errors = []
    for dt in (2e-4, 1e-4, 5e-5):
        cells = TextCells(**adex(drive=50e-12, dt=dt)).advance(0.02)
        exact = -65e-3 + 10e-3 * (1 - np.exp(-0.02 * 5e-9 / 100e-12))
        errors.append(abs(cells.values["v"][0] - exact))
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.05)
    assert errors[1] / errors[2] == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("Mg", [0.5, 1.0, 2.0])
def test_magnesium_block_follows_jahr_and_stevens(Mg):
    v = np.linspace(-90e-3, 40e-3, 27)
    names = {"g_NMDA": 1e-9, "E_NMDA": 0.0, "Mg_ratio": Mg / 3.57}
    cells = TextCells(("NMDA",), **adex(v=v, g_L=0.0, V_T=1.0, **names))
    before = eval(cells.rates["v"], cells._names())
    expected = -1e-9 * v / (1 + Mg / 3.57 * np.exp(-62 * v)) / 100e-12
    np.testing.assert_allclose(before, expected, rtol=1e-12, atol=1e-12)


def test_refractory_cell_is_held_for_exactly_t_ref():
    cells = TextCells(**adex(drive=1e-9, t_ref=3e-3)).advance(5e-3)
    (first, *_) = cells.spike_steps()
    held = TextCells(**adex(drive=1e-9, t_ref=3e-3))
    voltages = []
    for _ in range(first + 33):
        held.advance(1e-4)
        voltages.append(held.values["v"][0])
    after = np.array(voltages[first : first + 32])
    assert (after[:31] == -65e-3).all()
    assert after[31] > -65e-3


def test_adaptation_slows_firing_and_returns_with_its_time_constant():
    cells = TextCells(**adex(drive=150e-12, b=80e-12, tau_w=0.05)).advance(0.5)
    intervals = np.diff(cells.spike_steps())
    assert intervals[-1] > 1.5 * intervals[0]
    w = cells.values["w"][0]
    cells.values["drive"][:] = 0.0
    cells.advance(2e-3)  # the pump of spikes stops at the next slow step
    w, last = cells.values["w"][0], len(cells.spikes)
    cells.advance(0.05)
    assert len(cells.spikes) == last
    assert cells.values["w"][0] == pytest.approx(w / np.e, rel=0.01)


def test_lesioned_cell_never_moves():
    cells = TextCells(**(adex(drive=1e-9, v=-60e-3) | {"inv_C_m": 0.0})).advance(0.05)
    assert not cells.spikes and cells.values["v"][0] == -60e-3


def dopamine_like(drive, G_mod):
    """A pacemaking cell with the slow threshold of MODEL §1: kappa = 3, I_b = 150 pA, 200 ms."""
    cell = adex(
        drive=drive,
        C_m=80e-12,
        g_L=5e-9,
        E_L=-55e-3,
        V_T=-48e-3,
        Delta_T=2e-3,
        V_peak=0.0,
        b=80e-12,
        tau_w=0.2,
    )
    G_mod = np.asarray(G_mod)
    return cell | {
        "kappa": 3.0,
        "I_b": 150e-12,
        "b_relax": -np.expm1(-1e-3 / 0.2),
        "G_mod": G_mod,
        "J_mod": G_mod * -95e-3,
    }


def test_strong_drive_blocks_and_potassium_current_rescues():
    drive = np.array([60, 100, 150, 200, 240, 240, 240, 240, 240]) * 1e-12
    G_mod = np.array([0, 0, 0, 0, 0, 2, 3, 4, 5]) * 1e-9
    rates = TextCells(**dopamine_like(drive, G_mod)).advance(2.5).rates_between(1.5, 2.5)
    assert rates[0] < rates[1] < rates[2] == pytest.approx(9, abs=1), "the rate peaks at 9 Hz"
    assert 0 < rates[3] < rates[2] and rates[4] == 0, "and falls to nothing at 240 pA"
    assert (rates[5:8] > 1).all() and rates[8] == 0, "2-4 nS of potassium conductance rescue, 5 silence"


def test_without_kappa_there_is_no_block():
    cell = dopamine_like(np.array([240e-12]), 0.0) | {"kappa": 0.0}
    assert TextCells(**cell).advance(2.0).rates_between(1.0, 2.0)[0] > 10


@pytest.mark.parametrize("population", ["VTA_DA", "SNc_DA"])
def test_cells_block_at_the_current_that_calibration_keeps_them_from(population):
    # the formula of calibration.current against the cell itself, for the parameters that ship
    parameters = load_circuit("midbrain_raphe").populations[population].parameters
    block = block_current(parameters)
    number = {key: float(getattr(parameters, key).value) for key in type(parameters).model_fields
              if hasattr(getattr(parameters, key), "value")}  # fmt: skip
    tau_b, E_GABA, tau_GABA = (number.pop(key) for key in ("tau_b", "E_GABA", "tau_GABA"))
    cell = adex(drive=np.array([0.25, 0.94, 1.06]) * block, **number)
    cell |= {"b_relax": -np.expm1(-1e-3 / tau_b), "E_GABA": E_GABA, "inv_tau_GABA": 1.0 / tau_GABA}
    slow, near, beyond = TextCells(**cell).advance(4.0).rates_between(2.0, 4.0)
    assert slow == 0, "a quarter of it is below what the cell needs to fire at all"
    # 6 % on either side: the formula leaves out what adaptation adds near threshold, about 1 mV of 14
    assert near > 0.5 and beyond == 0


@pytest.mark.parametrize("rate, duration", [("130 Hz", "2 ms"), ("60 Hz", "1 ms"), ("20 Hz", "5 ms"), ("300 Hz", "1 ms")])
def test_a_train_has_its_pulses_its_rate_and_its_charge(rate, duration):
    # the text of the stimulus step, driven by the slots that a plan holds; 130 Hz is no whole number of milliseconds
    experiment = Experiment(
        name="train", circuit="midbrain_raphe", protocol={"settle": "0 s", "phases": [{"name": "p", "record": "6 s"}]},
        arms={"a": {"stimulations": [{"population": "LHb_Glu", "kind": "pulses", "n": 100, "rate": rate,
                                      "duration": duration, "amplitude": "1 nA"}]}},
    )  # fmt: skip
    trial = Trial(resolve(experiment, "a", {}), 0)
    plan = next(trial.phases()).plan
    slots = {f"{name}_{k}": value[k] for name, value in plan.stimuli.items() for k in range(value.size)}
    step = compile(models.cell_stimulus_step(plan.structure.n_stimuli), "stimulus", "exec")
    current = []
    for t in range(0, 60_000, 10):
        names = {**_FUNCTIONS, **slots, "stim_0": np.ones(1), "stim_1": np.zeros(1), "i": np.arange(1), "t_in_timesteps": t,
                 "slow_step": t // 10}
        exec(step, names)
        current.append(float(np.ravel(names["I_stim"])[0]))
    on = np.array(current) > 0
    starts = np.flatnonzero(on & ~np.concatenate([[False], on[:-1]]))
    width, period = float(duration.split()[0]), 1000 / float(rate.split()[0])
    assert starts.size == 100 and on.sum() == 100 * width
    # each pulse waits for the next millisecond, none longer
    late = starts - period * np.arange(100)
    assert late.min() > -1e-6 and late.max() < 1
