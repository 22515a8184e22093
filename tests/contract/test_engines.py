"""What every engine promises, held against both targets on one tiny plan."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from engines_util import all_below, same
from plans import GROUPS, N_A, N, changed, tiny_plan

from neurosim.build.plan import CARRIERS, SLOW_STEP, Wiring
from neurosim.engines import NotFiniteError, cache, choose, engine_fingerprint, get_engine
from neurosim.engines.cache import Program
from neurosim.engines.process import Process
from neurosim.engines.records import decode, encode
from neurosim.engines.standalone import StandaloneEngine
from neurosim.errors import EngineError
from neurosim.models import reference

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unsettled():
    """A plan without settling: all of its spikes are in the result."""
    return tiny_plan(settle=0.0, record=0.5)


@pytest.fixture(scope="module")
def both(standalone, unsettled):
    """The same plan by both targets."""
    return {"standalone": standalone.run(unsettled), "numpy": get_engine("numpy").run(unsettled)}


def counts(plan, raw) -> np.ndarray:
    """Spikes of each terminal's population in the slow step before each, from the spikes of the result."""
    per_slow = round(SLOW_STEP / plan.structure.dt)
    n_steps = (plan.settle_steps + plan.record_steps) // per_slow
    table = np.zeros((n_steps + 1, plan.structure.n_terminals))
    spikes = np.zeros((n_steps + 1, N))
    np.add.at(spikes, (raw.spike_step // per_slow + 1, raw.spike_i), 1)
    for cell, terminal in zip(plan.cell_terminals["cell"], plan.cell_terminals["terminal"], strict=True):
        table[:, terminal] += spikes[:, cell]
    return table[:-1]


def by_reference(plan, spike_counts) -> reference.Trajectory:
    loop = reference.SlowLoop(
        plan.terminals,
        plan.pools,
        plan.sites,
        plan.cross,
        plan.terminal_links,
        plan.uptake_links,
        CARRIERS,
        SLOW_STEP,
    )
    return loop.run(spike_counts, plan.settle_steps // round(SLOW_STEP / plan.structure.dt))


def assert_follows(raw, expected, first, every):
    means = {"concentration": "c", "release": "release", "uptake": "uptake", "loss": "loss"}
    means |= {"efflux": "efflux", "activation": "a", "heard": "heard", "bound": "rho"}
    means |= {"released": "J", "filling": "filling"}
    for name, trace in means.items():
        np.testing.assert_allclose(
            raw.means[name], getattr(expected, trace)[first:].mean(0), rtol=1e-10, err_msg=name
        )
    np.testing.assert_allclose(raw.traces["concentration"], expected.c[first::every].T, rtol=1e-10)
    np.testing.assert_allclose(raw.traces["activation"], expected.a[first::every].T, rtol=1e-10)
    np.testing.assert_allclose(raw.c_start, expected.c[first], rtol=1e-12)
    for name in ("c_end", "S_end", "Q_end"):
        np.testing.assert_allclose(getattr(raw, name), getattr(expected, name), rtol=1e-10, err_msg=name)


@pytest.mark.parametrize("name", ["standalone", "numpy"])
def test_transmitters_and_receptors_follow_the_numpy_reference(both, unsettled, name):
    raw = both[name]
    assert raw.spike_i.size > 100
    assert_follows(raw, by_reference(unsettled, counts(unsettled, raw)), 0, 10)


@pytest.mark.parametrize("name", ["standalone", "numpy"])
def test_settling_is_sped_up_as_the_plan_says(request, silent, name):
    # No spikes, so the reference needs none: what is tested are the speeds before and after the recording begins.
    plan = changed(silent(), settle_steps=1030, record_steps=2000)
    engine = request.getfixturevalue("standalone") if name == "standalone" else get_engine("numpy")
    raw = engine.run(plan)
    expected = by_reference(plan, np.zeros((303, 3)))
    assert_follows(raw, expected, 103, 10)
    assert raw.traces["voltage"].shape == (2, 200)


def test_both_targets_give_the_same_spikes(both):
    first, second = both["standalone"], both["numpy"]
    # Sums are rounded differently and the network is chaotic: the first part agrees spike for spike, all of it closely.
    early = [raw.spike_step < 2000 for raw in (first, second)]
    assert early[0].sum() > 30
    for name in ("spike_i", "spike_step"):
        np.testing.assert_array_equal(getattr(first, name)[early[0]], getattr(second, name)[early[1]])
    # The compiled program takes derivatives in single precision, NumPy in double: microvolts, where a spike takes off.
    np.testing.assert_allclose(first.traces["voltage"][:, :200], second.traces["voltage"][:, :200], rtol=0, atol=5e-6)
    assert first.spike_i.size == pytest.approx(second.spike_i.size, rel=0.1)


def test_gates_follow_the_numpy_reference(unsettled):
    from neurosim.engines import runtime_numpy

    plan = changed(unsettled, record_steps=500)
    with runtime_numpy._numpy_target():
        parts = runtime_numpy._network(plan, runtime_numpy.values(plan))
        runtime_numpy._simulate(plan, parts, lambda part: None)
    a = np.array(parts.groups["sites"].a)
    for name, gate in reference.gates(plan.site_links, a, 3).items():
        np.testing.assert_allclose(
            parts.groups["gates"].variables[name].get_value(), gate, rtol=1e-12, err_msg=name
        )
    gain = np.maximum(parts.groups["terminals"].variables["gain"].get_value(), 0.0)
    np.testing.assert_allclose(gain, reference.terminal_gain(plan.terminal_links, a, 3), rtol=1e-12)


def other_wiring():
    return {group.name: tiny_plan(seed=99).wiring[group.name] for group in GROUPS}


def stronger(plan):
    wiring = plan.wiring["syn_AMPA"]
    return {"syn_AMPA": Wiring(wiring.pre, wiring.post, 3 * wiring.weight, wiring.delay)}


def later(plan):
    wiring = plan.wiring["syn_GABA_A_gate1"]
    return {"syn_GABA_A_gate1": Wiring(**{**vars(wiring), "delay": wiring.delay + 5e-3})}


PULSES = {
    "on": np.array([1000, 0]),
    "off": np.array([4000, 0]),
    "period": np.array([500, 10]),
    "width": np.array([100, 10]),
    "amplitude": np.array([300e-12, 0]),
    "key": np.array([5, 0]),
}
EVERYONE = {"stim_0": np.ones(N)}

CHANGES = {
    "wiring": lambda plan: {"wiring": other_wiring()},
    "weights": lambda plan: {"wiring": stronger(plan)},
    "delays": lambda plan: {"wiring": later(plan)},
    "lesion": lambda plan: {"cells": {"inv_C_m": plan.cells["inv_C_m"] * (np.arange(N) % 2)}},
    "dose": lambda plan: {"pools": {"B_SERT": np.full(3, 20.0)}, "sites": {"X": np.full(4, 3.0)}},
    "noise": lambda plan: {"noise_key": 8},
    "large noise key": lambda plan: {"noise_key": 2**63 - 1},
    "kinds": lambda plan: {"kinds": {"tau_decay_AMPA": 20e-3, "Mg": 0.1}},
    "decay of a cell": lambda plan: {"cells": {"tau_GABA": np.full(N, 20e-3)}},
    "gates": lambda plan: {"site_links": {"G_mod": np.full(4, 5e-9)}},
    "pulses": lambda plan: {"stimuli": PULSES, "cells": EVERYONE},
    "random pulses": lambda plan: {
        "stimuli": PULSES
        | {"period": np.array([10, 10]), "width": np.array([10, 10]), "probability": np.array([0.1, 1.0])},
        "cells": EVERYONE,
    },
    "steps": lambda plan: {"settle_steps": plan.settle_steps + 500},
}


@pytest.fixture
def no_builds(monkeypatch):
    """Any attempt to compile fails the test."""

    def refuse(*_):
        raise AssertionError("this plan has the same structure: nothing has to be compiled")

    monkeypatch.setattr(cache, "_build", refuse)


@pytest.mark.parametrize("change", CHANGES)
def test_everything_in_a_plan_is_data(standalone, tiny_phase, no_builds, change):
    plan, raw = tiny_phase
    other = StandaloneEngine().run(changed(plan, **CHANGES[change](plan)))
    assert not np.array_equal(raw.spike_step, other.spike_step)
    assert np.isfinite(other.traces["concentration"]).all()


def test_pulses_reach_the_cells_of_their_mask_at_their_time(standalone, tiny_phase):
    plan, raw = tiny_phase
    mask = {"stim_0": (np.arange(N) < 5).astype(float)}
    strong = PULSES | {"amplitude": np.array([3e-9, 0.0])}
    pulsed = standalone.run(changed(plan, stimuli=strong, cells=mask))
    at_once = [
        set(pulsed.spike_i[(pulsed.spike_step >= on) & (pulsed.spike_step < on + 60)])
        for on in range(1000, 4000, 500)
    ]
    assert all({0, 1, 2, 3, 4} <= fired for fired in at_once)
    before = pulsed.spike_step < 1000
    np.testing.assert_array_equal(pulsed.spike_step[before], raw.spike_step[raw.spike_step < 1000])


def test_stimuli_are_the_same_in_both_targets(standalone):
    # The compiled program skips them where no slot is on; NumPy computes them at every step.
    random = {
        "period": np.array([500, 10]),
        "width": np.array([100, 10]),
        "probability": np.array([1.0, 0.2]),
    }
    slots = {"on": np.array([100, 500]), "off": np.array([900, 1500]), "amplitude": np.array([2e-10, 3e-10])}
    everyone = {"stim_0": np.ones(N), "stim_1": np.ones(N)}
    plan = tiny_plan(
        settle=0.0, record=0.2, stimuli=random | slots | {"key": np.array([1, 2])}, cells=everyone
    )
    first, second = standalone.run(plan), get_engine("numpy").run(plan)
    np.testing.assert_array_equal(first.spike_step, second.spike_step)
    np.testing.assert_array_equal(first.spike_i, second.spike_i)
    assert not np.array_equal(
        first.spike_step, standalone.run(changed(plan, stimuli={"key": np.array([1, 3])})).spike_step
    )


def test_lesioned_cells_are_silent_and_stay_where_they_started(standalone):
    alive = (np.arange(N) % 2).astype(float)
    plan = tiny_plan()
    plan = changed(
        plan, cells={"inv_C_m": plan.cells["inv_C_m"] * alive}, voltage_cells=np.array([2, 3], np.int32)
    )
    raw = standalone.run(plan)
    assert set(raw.spike_i % 2) == {1}
    assert (raw.traces["voltage"][0] == np.float32(plan.cells["v_0"][2])).all()
    assert np.ptp(raw.traces["voltage"][1]) > 1e-3


def test_steps_taken_together_are_steps_taken_one_by_one(standalone, tiny_phase, no_builds):
    # All the steps until the shortest delay are taken block by block. A synapse without weight makes that delay one step.
    plan, _ = tiny_phase
    name = next(group.name for group in plan.structure.synapses if group.mode == "fast" and not group.plastic)
    wiring, runs = plan.wiring[name], []
    for steps in (1, 3, 10):
        weight, delay = wiring.weight.copy(), np.maximum(wiring.delay, 10 * plan.structure.dt)
        weight[0], delay[0] = 0.0, steps * plan.structure.dt
        others = {key: replace(w, delay=np.maximum(w.delay, 10 * plan.structure.dt)) for key, w in plan.wiring.items()}
        runs.append(standalone.run(replace(plan, wiring=others | {name: replace(wiring, weight=weight, delay=delay)})))
    assert runs[0].spike_i.size > 100
    for other in runs[1:]:
        assert same(runs[0], other)


def test_a_synapse_without_delay_is_refused(engine):
    plan = tiny_plan()
    name = plan.structure.synapses[0].name
    delay = plan.wiring[name].delay.copy()
    delay[3] = 0.0
    with pytest.raises(EngineError, match=rf"{name}\.delay is 0 s; allowed: at least one step \(0.0001 s\)"):
        engine.run(replace(plan, wiring=plan.wiring | {name: replace(plan.wiring[name], delay=delay)}))


def test_a_longer_recording_begins_like_a_shorter_one(standalone, tiny_phase, no_builds):
    plan, raw = tiny_phase
    longer = standalone.run(changed(plan, record_steps=2 * plan.record_steps))
    n = raw.spike_i.size
    np.testing.assert_array_equal(longer.spike_step[:n], raw.spike_step)
    np.testing.assert_array_equal(longer.traces["concentration"][:, :40], raw.traces["concentration"])
    assert longer.traces["concentration"].shape == (3, 80) and longer.traces["voltage"].shape == (2, 800)


def test_only_the_recording_is_kept_and_settling_counts_as_time(tiny_phase):
    plan, raw = tiny_phase
    assert raw.spike_step.min() >= plan.settle_steps
    assert raw.spike_step.max() < plan.settle_steps + plan.record_steps
    assert (np.diff(raw.spike_step) >= 0).all()
    assert raw.spike_i.dtype == np.int32 and raw.spike_step.dtype == np.int64


def test_runs_are_bit_identical_whatever_else_runs(standalone, tiny_phase):
    plan, raw = tiny_phase
    with ThreadPoolExecutor(3) as pool:
        others = list(pool.map(standalone.run, [plan, changed(plan, noise_key=99), plan]))
    assert same(raw, others[0]) and same(raw, others[2])
    assert not same(raw, others[1])


def test_a_result_owns_its_numbers():
    """One sample of each trace: a look at Brian2's own memory would be contiguous, and it moves when a monitor ends."""
    raw = get_engine("numpy").run(tiny_plan(settle=0.0, record=0.01))
    arrays = [value for value in vars(raw).values() if isinstance(value, np.ndarray)]
    assert all(array.flags.owndata for array in (*arrays, *raw.traces.values(), *raw.means.values()))


def test_numpy_engine_repeats_itself():
    plan = tiny_plan(settle=0.01, record=0.03)
    engine = get_engine("numpy")
    assert same(engine.run(plan), engine.run(plan))


def test_cells_alone_are_a_network_too():
    """No pool, site, synapse, stimulus or kind: nothing may be divided by what is not there."""
    plan = tiny_plan(settle=0.01, record=0.05)
    zero = {field.name: 0 for field in fields(plan.structure) if field.name.startswith("n_")}
    sizes = zero | {"n_cells": N, "n_classes": 3}
    structure = replace(plan.structure, **sizes, fast_kinds=(), slow_kinds=(), rising_kinds=(), synapses=())
    tables = ("pools", "terminals", "sites", "cross", "terminal_links", "uptake_links", "site_links", "cell_terminals")
    empty = {
        name: {key: value[:0] for key, value in getattr(plan, name).items()} for name in (*tables, "stimuli")
    }
    raw = get_engine("numpy").run(replace(plan, structure=structure, kinds={}, wiring={}, **empty))
    assert raw.spike_i.size > 0
    assert raw.traces["concentration"].shape == (0, 5) and raw.traces["voltage"].shape == (0, 50)
    assert all(mean.shape == (0,) for mean in raw.means.values())


WRONG_INDICES = {
    "sites.pool points at 0 to 3; allowed: 0 to 2": {"sites": {"pool": np.array([0, 1, 2, 3])}},
    "cells.cell_class points at -1 to 2": {
        "cells": {"cell_class": np.r_[-1, tiny_plan().cells["cell_class"][1:]]}
    },
    "voltage_cells points at 3 to 40; allowed: 0 to 39": {"voltage_cells": np.array([3, 40])},
    r"cross \(sources\) points at 0 to 9": {"cross": {"partner": np.array([9, 0])}},
    "cross has 2 sources and 1 targets; allowed: 2 of each": {"cross": {"pool": np.array([0])}},
}


@pytest.mark.parametrize("words", WRONG_INDICES)
def test_index_of_what_does_not_exist_is_refused(engine, words):
    with pytest.raises(EngineError, match=words):
        engine.run(tiny_plan(**WRONG_INDICES[words]))


def test_progress_rises_to_one(standalone):
    seen = []
    standalone.run(tiny_plan(record=20.0), seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0 and seen[0] >= 0


# What can go wrong


@pytest.mark.parametrize("name", ["standalone", "numpy"])
def test_numbers_that_run_away_are_an_error_of_their_own(request, name):
    engine = request.getfixturevalue("standalone") if name == "standalone" else get_engine("numpy")
    unstable = tiny_plan(settle=0.1, record=0.2, kinds={"tau_decay_AMPA": 1e-5})
    with pytest.raises(NotFiniteError, match=r"cells\.v\[\d+\]"):
        engine.run(unstable)


def test_plan_with_a_hole_is_refused_by_name_and_place(engine):
    k_out = np.array([0.1, np.nan, 0.1])
    with pytest.raises(EngineError, match=r"pools\.k_out\[1\] is nan; allowed: finite numbers"):
        engine.run(tiny_plan(pools={"k_out": k_out}))


def test_plan_of_another_size_is_refused(standalone):
    with pytest.raises(EngineError, match=r"pools\.k_out has 2 values; allowed: 3"):
        standalone.run(tiny_plan(pools={"k_out": np.ones(2)}))


@pytest.mark.parametrize("steps", [{"settle_steps": 1005}, {"record_steps": 0}, {"settle_steps": -10}])
def test_lengths_are_whole_slow_steps(engine, steps):
    with pytest.raises(EngineError, match="allowed: multiples of 10"):
        engine.run(changed(tiny_plan(), **steps))


def script(tmp_path, text) -> Program:
    main = tmp_path / "main"
    main.write_text("#!/bin/sh\n" + text)
    main.chmod(0o755)
    return Program(tmp_path, {}, {})


def test_a_crash_is_reported_with_the_last_words(tmp_path):
    program = script(tmp_path, "echo first >&2; echo last words >&2; kill -SEGV $$\n")
    with pytest.raises(EngineError, match="stopped by SIGSEGV: first | last words"):
        Process(program.directory).run(encode({}))


def test_results_that_were_cut_are_never_taken_for_whole():
    whole = b"".join(bytes(chunk) for chunk in encode({"x": np.arange(5.0)}))
    np.testing.assert_array_equal(decode(whole, {"x": "<f8"}, ["x"])["x"], np.arange(5.0))
    for cut in range(len(whole)):
        with pytest.raises(EngineError, match="cut or damaged"):
            decode(whole[:cut], {"x": "<f8"}, ["x"])
    with pytest.raises(EngineError, match="lack y"):
        decode(whole, {"x": "<f8"}, ["x", "y"])


def test_damaged_program_is_not_used(program, tmp_path):
    for name in ("main", "program.json"):
        (tmp_path / name).write_bytes((program.directory / name).read_bytes())
    assert cache._open(tmp_path) is not None
    (tmp_path / "main").write_bytes((program.directory / "main").read_bytes()[:-1])
    assert cache._open(tmp_path) is None
    assert cache._open(tmp_path / "nowhere") is None


def test_other_sources_or_flags_are_another_program(program, monkeypatch):
    from neurosim.engines.cache import compiler_here

    compiler, structure = compiler_here(), tiny_plan().structure
    key = cache._key(structure, compiler)
    assert program.directory.name == key
    assert cache._key(structure, replace(compiler, flags=("-O1",))) != key
    assert cache._key(replace(structure, n_voltages=3), compiler) != key
    monkeypatch.setattr(cache, "sources_digest", lambda: "edited")
    assert cache._key(structure, compiler) != key


def test_without_a_compiler_numpy_is_chosen_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", str(tmp_path / "no-such-compiler"))
    choice = choose()
    assert choice.engine.name == "numpy"
    assert choice.message.count(".") == 1 and "No working C++ compiler" in choice.message
    with pytest.raises(EngineError, match="needs a C\\+\\+ compiler"):
        get_engine("standalone").prepare(tiny_plan().structure)


def test_cache_that_cannot_be_written_is_one_sentence(standalone, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "file"))
    with pytest.raises(EngineError, match="allowed: a folder that can be written, named by NEUROSIM_CACHE"):
        get_engine("standalone").prepare(tiny_plan().structure)


def test_unknown_engine_names_the_nearest():
    with pytest.raises(EngineError, match="did you mean 'standalone'"):
        get_engine("standalon")


def test_fingerprint_tells_engines_apart():
    assert engine_fingerprint("numpy")["engine"] == "numpy"
    assert {"brian2", "sources", "cpu"} <= engine_fingerprint("standalone").keys()


def run_python(code: str, **more) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        **more,
    )


def test_a_run_of_the_compiled_program_never_imports_brian2(standalone):
    code = """
        import sys
        import neurosim.engines
        from plans import tiny_plan
        neurosim.engines.get_engine("standalone").run(tiny_plan())
        print([name for name in sys.modules if name.startswith("brian2")])
    """
    assert run_python(code).communicate()[0].strip() == "[]"


RUN = "get_engine('standalone').run(plan, tell)"
SESSION = "with get_engine('standalone').session() as run: run(plan, tell)"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("runs", "processes"), [(RUN, 1), (SESSION, 2)])
def test_no_program_survives_its_python(standalone, how, runs, processes):
    code = f"""
        from plans import tiny_plan
        from neurosim.engines import get_engine
        plan, tell = tiny_plan(record=3600.0), lambda part: print(part, flush=True)
        {runs}
    """
    python = run_python(code, stderr=subprocess.DEVNULL)
    python.stdout.readline()
    running = all_below(python.pid)
    assert len(running) == processes
    python.send_signal(how)
    python.wait()
    python.stdout.close()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in running) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in running if Path(f"/proc/{pid}").exists()]


def test_labels_and_sizes_of_the_tiny_plan_agree():
    plan = tiny_plan()
    assert plan.labels.population_sizes == (N_A, N - N_A)
