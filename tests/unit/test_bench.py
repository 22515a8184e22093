"""What make bench writes: its networks, its figures and the words and tables made of them. No test here measures time."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurosim.engines import get_engine
from neurosim.engines.data import connections, values

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks"))

import bench_engines  # noqa: E402
import bench_report  # noqa: E402
import main_job  # noqa: E402
import networks  # noqa: E402
from bench_engines import Timed  # noqa: E402

NS = {"neurosim": 2.0, "floor": 1.7, "floor_single": 1.6, "brian2": 25.0, "nest": 350.0}
SIZES = (1000, 4000, 20_000, 100_000)


def made_up_record():
    """A record in which neurosim needs 2 ns everywhere and the floor 1.7; NEST ran on core only, and not at 100 000."""
    results, ratios = [], []
    for model, n in [(model, n) for n in SIZES for model in ("full", "core")] + [(networks.CIRCUIT, 4000)]:
        engines = [e for e in NS if e != "nest" or (model == "core" and n < 100_000)]
        loops = {engine: NS[engine] * 1e-9 * n * 1e4 for engine in engines}
        for engine, loop in loops.items():
            results.append(bench_report.result_row(model, n, engine, 1.0, 1e-4, [Timed(loop, 10.0, 4.0)] * 3))
        ratios.append(bench_report.paired_ratios(model, n, {e: [loop] * 3 for e, loop in loops.items()}))
    gains = {"neurosim_gain": 1.9, "floor_gain": 1.95, "ratio": 0.974}
    record = {
        "results": [row for row in results if row["engine"] != "floor_single"],
        "floor_single": [row for row in results if row["engine"] == "floor_single"],
        "ratios": ratios,
        "two_workers": {"full": gains, networks.CIRCUIT: gains},
        "further_point": {"circuit": "some", "model_s": 11.0, "wall_s": 0.5, "loop_s": 0.35, "besides_s": 0.15},
        "memory": {"neurosim": {"bytes_per_neuron": 300, "bytes_per_synapse": 24.0}},
        "machine": {"cpu": "a processor", "cores": 2, "system": "a system", "load": 0.1},
        "compiler": {"identity": "a compiler", "flags": "-O3"},
        "versions": {"neurosim": "0"},
        "commit": "0123456789abcdef",
        "dirty": True,
        "date": "2000-01-01",
    }
    return record | {"must_show": bench_report.must_show(record)}


def test_cost_and_real_time_factor_follow_from_the_loop():
    timed = [Timed(t, m, r) for t, m, r in ((3.0, 9.0, 4.0), (2.0, 10.0, 4.5), (4.0, None, 5.0))]
    row = bench_report.result_row("full", 1000, "floor", 6.0, 1e-4, timed)
    # 3 s for 1000 cells times 60 000 steps
    assert row["ns_per_neuron_step"] == 50.0
    assert row["rtf"] == 2.0
    assert (row["memory_mb"], row["rate_Hz"], row["runs"]) == (9.5, 4.5, 3)
    assert row["spread"] == pytest.approx(2 / 3, abs=1e-4)


def test_ratios_are_taken_within_a_repetition():
    # the machine is ten times slower in the second repetition, and the medians of the costs would come from different ones
    ratios = bench_report.paired_ratios("full", 1, {"neurosim": [1.0, 10.0, 2.0], "floor": [0.5, 5.0, 1.0]})
    assert ratios == {"model": "full", "n": 1, "to_floor": 0.5}


def test_growth_is_measured_against_the_floor():
    record = made_up_record()
    assert bench_report.flatness(record["results"], "full") == 1.0
    row = bench_report.find(record["results"], engine="neurosim", model="full", n=100_000)
    row["ns_per_neuron_step"] *= 1.4
    assert bench_report.flatness(record["results"], "full") == pytest.approx(1.4)
    assert bench_report.flatness(record["results"][:1], "full") is None


def test_memory_of_neurons_and_synapses_is_told_apart():
    def peak(cells, synapses):
        return 5 + (300 * cells + 24 * synapses) / bench_report.MB

    sizes = ((1000, 80_000), (5000, 400_000), (1000, 40_000))
    shares = bench_report.memory_shares([(*size, peak(*size)) for size in sizes])
    assert shares == {"bytes_per_neuron": 300, "bytes_per_synapse": 24.0}


def test_what_must_hold_says_what_does_not():
    claims = {c["claim"]: c for c in made_up_record()["must_show"]}
    assert claims["full, 4000 cells: speed / floor"]["figure"] == 0.85
    assert claims["core, 4000 cells: speed / NEST"]["holds"]
    broken = [claim for claim, c in claims.items() if not c["holds"]]
    assert broken == ["a further point besides its loop, s"]


def test_what_was_not_measured_is_not_claimed():
    record = made_up_record()
    for entry in record["ratios"]:
        entry.pop("to_nest", None)
    record |= {"further_point": None, "two_workers": {}}
    claims = " ".join(c["claim"] for c in bench_report.must_show(record))
    assert "NEST" not in claims and "further" not in claims and "workers" not in claims


def test_block_has_a_row_for_every_engine_that_ran():
    block = bench_report.performance_block(made_up_record())
    assert "| core | NEST | 350 (0.286) | 350 (0.0714) | 350 (0.0143) |  |" in block
    assert "| full | NEST" not in block
    assert f"| {networks.CIRCUIT} | neurosim |  | 2 (12.5) |  |  |" in block
    assert "| a further point besides its loop, s | 0.15 | ≤ 0.1 | **no** |" in block
    assert "commit 0123456789, changed since." in block
    tables = [part.splitlines() for part in block.split("\n\n") if part.startswith("|")]
    assert len(tables) == 5
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1


def test_block_goes_between_its_marks_and_again(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n{}\n{}\nafter\n".format(*bench_report.MARKS))
    bench_report.put_block(page, "old")
    bench_report.put_block(page, "new")
    assert page.read_text() == "before\n{}\n\nnew\n{}\nafter\n".format(*bench_report.MARKS)


def test_plot_labels_every_line(tmp_path):
    bench_report.plot(made_up_record(), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_latest_figures_have_the_written_form():
    record = json.loads((ROOT / "benchmarks" / "latest.json").read_text())
    assert set(record) == set(made_up_record())
    for row in record["results"]:
        assert row["engine"] in NS
        assert row["model"] in bench_report.MODELS
        assert row["threads"] == 1 and row["runs"] >= 5
        assert min(row["rtf"], row["ns_per_neuron_step"], row["n"]) > 0
        assert row["memory_mb"] is None or row["memory_mb"] > 0
        assert row["rtf"] * row["ns_per_neuron_step"] * row["n"] * 1e-5 == pytest.approx(1, rel=2e-3)  # four digits each
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert bench_report.performance_block(record) in page


@pytest.mark.parametrize("model", ["full", "core"])
def test_networks_are_those_of_the_page(model):
    plan = networks.model_plan(model, 1000, 0.0, 0.1)
    s = plan.structure
    assert s.n_classes == 10 and s.n_cells == 1000
    # 80 onto each cell, 87 from each cell that sends any
    assert sum(group.n for group in s.synapses) == 80_000
    senders = np.unique(np.concatenate([wiring.pre for wiring in plan.wiring.values()])).size
    assert 80_000 / senders == pytest.approx(87, abs=0.5)
    assert {delay for wiring in plan.wiring.values() for delay in np.unique(wiring.delay)} == {1.5e-3}
    common = set(plan.cells) - {"cell_class", "v_0"}
    assert all(np.ptp(plan.cells[name]) == 0 for name in common)
    # an engine finds every array it asks for, of the length it asks for
    assert connections(plan).keys() >= {group.name for group in s.synapses}
    assert values(plan)


@pytest.mark.parametrize("model, expected", [("full", 4.0), ("core", 4.3)])
def test_networks_fire_as_the_page_says(model, expected):
    plan = networks.model_plan(model, 400, 0.3, 0.7)
    raw = get_engine("numpy").run(plan)
    rate = raw.spike_i.size / 400 / 0.7
    # about 1100 spikes: 3 % by chance if cells were independent, and as much again for the wiring of one small network
    assert rate == pytest.approx(expected, rel=0.15)


def test_a_size_that_cannot_be_divided_is_refused():
    with pytest.raises(ValueError, match="multiples of 200"):
        networks.full_plan(300, 0.0, 0.1)


def test_fewer_synapses_are_as_much_stronger():
    all_of_them, half = (networks.full_plan(200, 0.0, 0.1, synapses=part) for part in (1.0, 0.5))
    for name, wiring in all_of_them.wiring.items():
        assert half.wiring[name].weight.sum() == pytest.approx(wiring.weight.sum())
        assert half.wiring[name].pre.size == wiring.pre.size / 2


def test_nest_gets_the_same_network_in_its_units():
    plan = networks.core_plan(200, 0.0, 0.1)
    given = bench_engines.nest_values(plan)
    assert (given["C_m"], given["g_L"], given["tau_syn_in"], given["E_in"]) == pytest.approx((100.0, 8.0, 8.0, -70.0))
    assert np.all(given["weight_in"] < 0) and np.all(given["weight_ex"] > 0)
    assert given["weight_ex"].sum() == pytest.approx(1e9 * plan.wiring["syn_AMPA"].weight.sum())
    # NEST's noise has no memory
    assert np.all(plan.cells["ou_decay"] == 0)


def test_without_nest_a_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("NEUROSIM_NEST_PYTHON", "/nowhere/python")
    assert bench_engines.find_nest() is None
    assert "NEUROSIM_NEST_PYTHON" in bench_engines.NO_NEST and "pip install" in bench_engines.NO_NEST


def test_a_plan_of_other_length_keeps_its_network():
    import bench

    short, long = (bench.plan_of("core", 200, seconds) for seconds in (0.02, 6.0))
    assert (short.settle_steps, short.record_steps) == (40, 160)
    assert (long.settle_steps, long.record_steps) == (12_000, 48_000)
    same = replace(short, settle_steps=long.settle_steps, record_steps=long.record_steps)
    for name, value in values(same).items():
        assert np.array_equal(value, values(long)[name]), name


def test_parts_of_the_main_job_add_up_to_all_of_it():
    found = main_job.parts(1.0, 9.0, 10.0, [(2.0, 2.5), (3.0, 3.5), (4.0, 4.5), (5.0, 5.5)], workers=2)
    *parts, whole, besides = found.values()
    assert sum(parts) == whole == 10.0
    assert besides == whole - found["simulation loops, per worker"] == 3.0
    assert found["in trials beside their loops, per worker"] == 1.0
    assert main_job.EXPERIMENT.is_file()
