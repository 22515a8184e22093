"""What benchmarks/accuracy.py says of an error: measured on cells whose error is known to be of first order, and on made-up
statistics whose difference is known."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from plans import changed, tiny_plan

from neurosim.engines import get_engine

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from accuracy_cells import errors, feed_forward, identical_until, in_double, measured_order  # noqa: E402
from accuracy_networks import RELATIVE, differences, speeds, statistics, trains  # noqa: E402
from accuracy_page import PAGE, draw, fill  # noqa: E402

POPULATIONS, POOLS, SUBJECTS = 200, 50, 10


def cells_at(dt, record=0.1):
    plan = tiny_plan()
    plan = changed(plan, structure=replace(plan.structure, dt=dt), cells={"ou_kick": np.zeros(plan.structure.n_cells)})
    return feed_forward(plan, record)


def test_talkers_hear_nobody_and_no_receptor_acts():
    given, plan = tiny_plan(), cells_at(1e-4)
    kept = 0
    for name, wires in plan.wiring.items():
        own = (wires.pre % 2 == 0) & (wires.post % 2 == 1)
        np.testing.assert_array_equal(wires.weight, np.where(own, given.wiring[name].weight, 0))
        kept += own.sum()
    assert kept > 0
    assert not any(np.any(v) for name, v in plan.site_links.items() if name not in ("site", "cell_class"))
    assert (plan.voltage_cells % 2 == 1).all() and plan.settle_steps == 0


def test_errors_of_cells_are_of_first_order_in_dt():
    engine = get_engine("numpy")
    finest = cells_at(2.5e-5), engine.run(cells_at(2.5e-5))
    found = [errors(plan, engine.run(plan), *finest) for plan in map(cells_at, (2e-4, 1e-4, 5e-5))]
    order = measured_order(found, 2.5e-5)
    # Euler's method is of order 1; a spike's upstroke diverges, which adds dt log(1/dt), an order of 0.9 over these steps,
    # and spikes that are seen at steps scatter by up to a step.
    assert order["spike_time"] == pytest.approx(0.95, abs=0.15)
    assert order["voltage"] == pytest.approx(0.95, abs=0.25)
    assert found[0].spike_time > found[1].spike_time > found[2].spike_time > 0


def test_a_program_against_itself_has_no_error_and_double_precision_is_another_program():
    plan = cells_at(1e-4)
    raw, exact = get_engine("numpy").run(plan), in_double(plan)
    same, other = errors(plan, raw, plan, raw), errors(plan, raw, plan, exact)
    assert same.spike_time == same.interval == same.voltage == same.concentration == 0
    assert identical_until(raw, raw, 1e-4) == np.inf
    # states kept in single precision: 6e-8 of a tenth of a volt at each step, the last hundred of which add up
    assert 0 < other.voltage < 100 * 6e-8 * 0.1
    assert np.array_equal(get_engine("numpy").run(plan).traces["voltage"], raw.traces["voltage"]), "and it is put back"


def test_the_first_spike_that_differs_is_found():
    a = SimpleNamespace(spike_i=np.array([0, 1, 0, 2]), spike_step=np.array([3, 5, 9, 20]))
    b = SimpleNamespace(spike_i=np.array([1, 0, 0]), spike_step=np.array([5, 3, 10]))
    assert identical_until(a, b, 1e-4) == pytest.approx(9e-4)


def made_up(seed, shift=0.0, scatter=0.0, n_conditions=2):
    """Statistics of ten subjects in some conditions: all 10 in the mean, but the second condition halves the rate."""
    random = np.random.default_rng(seed)

    def values(name, condition):
        size = POOLS if name == "concentration" else POPULATIONS
        level = 5.0 if name == "firing rate" and condition else 10.0
        return level * (1 + shift + scatter * random.standard_normal(size))

    names = [name for name in RELATIVE if name != "effect on the rate"]
    return [[{name: values(name, c) for name in names} for c in range(n_conditions)] for _ in range(SUBJECTS)]


def test_a_true_shift_is_found():
    for row in differences(made_up(1, 0.02, 0.001), made_up(2, 0.0, 0.001)):
        if row.statistic == "effect on the rate":
            assert row.low < 0 < row.high, "both conditions have moved alike"
            continue
        # 2 % of 10, which is 2 % or 0.2 points
        assert row.shift == pytest.approx(2.0 if row.unit == "%" else 0.2, rel=0.05)
        assert 0 < row.low < row.shift < row.high
        assert row.outside == row.n == 2 * (POOLS if row.statistic == "concentration" else POPULATIONS)


def test_chance_alone_is_called_chance():
    for row in differences(made_up(3, scatter=0.05), made_up(4, scatter=0.05)):
        # the root mean squares of n independent numbers, each known to 1 / sqrt(2 n)
        assert row.single == pytest.approx(row.chance, rel=4 / np.sqrt(row.n))
        expected = 0.05 * row.n
        assert abs(row.outside - expected) < 4 * np.sqrt(expected)


def test_what_is_silent_or_undefined_says_nothing():
    mine, reference = made_up(5, 0.02), made_up(6)
    for way in (mine, reference):
        for subject in way:
            for found in subject:
                found["firing rate"][:50] = 0.1
                found["CV of intervals"][60] = np.nan
    rows = {row.statistic: row for row in differences(mine, reference)}
    assert rows["firing rate"].n == rows["burst fraction"].n == 2 * 150
    assert rows["CV of intervals"].n == 2 * 149 and np.isfinite(rows["CV of intervals"].shift)
    assert rows["effect on the rate"].n == 150 and rows["concentration"].n == 2 * POOLS


def test_one_condition_has_no_effect():
    found = differences(made_up(1, n_conditions=1), made_up(2, n_conditions=1))
    assert "effect on the rate" not in {row.statistic for row in found}


def test_statistics_of_spikes_that_are_known():
    plan = tiny_plan(settle=0.1, record=8.0)
    n, dt = plan.structure.n_cells, plan.structure.dt
    step = np.arange(round(0.1 / dt), round(8.1 / dt), round(0.1 / dt))
    spikes = trains(plan, np.tile(np.arange(n, dtype=np.int32), step.size), np.repeat(step, n))
    found = statistics(plan, spikes, np.ones(3))
    np.testing.assert_allclose(found["firing rate"], 10)
    np.testing.assert_allclose(found["CV of intervals"], 0, atol=1e-9)
    np.testing.assert_allclose(found["burst fraction"], 0)  # intervals of 100 ms begin none
    assert found["concentration"].sum() == 3


def test_times_are_told_as_parts_of_the_first():
    turns = iter([2.0, 1.0, 4.0, 3.0, 2.0, 1.0])
    runs = {"a": lambda: next(turns), "b": lambda: next(turns)}
    assert speeds(runs, 3) == {"a": 1.0, "b": 0.5}


def committed():
    return json.loads((ROOT / "benchmarks" / "accuracy.json").read_text(encoding="utf-8"))


def test_the_page_shows_the_committed_figures(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    assert fill(page, committed()) == page, "run python benchmarks/accuracy.py --page"
    draw(committed(), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_a_page_without_a_place_is_refused():
    with pytest.raises(ValueError, match="no place <!-- summary -->"):
        fill("# Accuracy\n", committed())
