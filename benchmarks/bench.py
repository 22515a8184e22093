"""How fast is the program, beside others? ``python bench.py`` writes ``latest.json`` beside this file and the figures of
docs/performance.md; ``--cells 1000 4000`` leaves the larger networks out, ``--quick`` runs the smallest and writes nothing.

Networks are those of :mod:`networks`, engines those of :mod:`bench_engines`, one thread each. In each repetition every
engine runs once, one after the other, so that a change in the machine's load meets all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, chdir
from importlib.metadata import version
from pathlib import Path
from statistics import median

import scans
from bench_engines import NO_NEST, Brian2, Floor, FloorSingle, Nest, Neurosim, find_nest
from bench_report import (
    memory_shares,
    must_show,
    paired_ratios,
    performance_block,
    plot,
    put_block,
    result_row,
    short,
)
from networks import CIRCUIT, FULL_SYNAPSES, circuit_plan, full_plan, model_plan

from neurosim.build.plan import Plan
from neurosim.engines.cache import compiler_here
from neurosim.errors import EngineError
from neurosim.recording.provenance import environment

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
REPETITIONS = 5
#: Cells → seconds of the model in one run of each engine: half a second of loop for the fast ones, a few for others.
LENGTHS = {
    1000: {"neurosim": 20.0, "floor": 20.0, "brian2": 4.0, "nest": 0.4},
    4000: {"neurosim": 6.0, "floor": 6.0, "brian2": 1.0, "nest": 0.15},
    20_000: {"neurosim": 1.0, "floor": 1.0, "brian2": 0.25, "nest": 0.05},
    100_000: {"neurosim": 0.25, "floor": 0.25, "brian2": 0.1, "nest": 0.02},
}
QUICK = {1000: {"neurosim": 2.0, "floor": 2.0, "brian2": 0.4, "nest": 0.1}}
PROGRESS = "{model:12} {n:6} {engine:9} {ns_per_neuron_step:9.3f} ns, rtf {rtf:8.3f}, {rate_Hz:.2f} Hz"
#: Part of a run that settles: not recorded, but timed.
SETTLE = 0.2
#: A further point: the circuit, and the numbers of trials whose difference is measured.
SCAN, FEW_TRIALS, MORE_TRIALS = "midbrain_raphe", 4, 24


def plan_of(model: str, n: int, seconds: float) -> Plan:
    """The network over so many seconds, of which a part settles."""
    settle = round(SETTLE * seconds, 3)
    return model_plan(model, n, settle, seconds - settle)


def compare(
    model: str, n: int, lengths: dict, repetitions: int, nest: str | None
) -> tuple[list[dict], dict, dict]:
    """Rows of the results, ratios, and versions of the other simulators that took part."""
    plans = {engine: plan_of(model, n, seconds) for engine, seconds in lengths.items()}
    with tempfile.TemporaryDirectory(prefix="neurosim-bench-") as name, ExitStack() as ends:
        folder = Path(name)
        engines = [
            Neurosim(plans["neurosim"]),
            Floor(plans["floor"], folder / "floor"),
            FloorSingle(plans["floor"], folder / "floor_single"),
            Brian2(model, plans["brian2"], folder / "brian2"),
        ]
        if nest is not None and model == "core":
            engines.append(Nest(nest, plans["nest"], folder / "nest"))
            ends.callback(engines[-1].close)
        timed = {engine.name: [] for engine in engines}
        for _ in range(repetitions):
            for engine in engines:
                timed[engine.name].append(engine.run())
    versions = {engine.name: engine.version for engine in engines if isinstance(engine, Nest)}
    costs = {e.name: [run.loop_time / e.seconds for run in timed[e.name]] for e in engines}
    rows = [result_row(model, n, e.name, e.seconds, e.plan.structure.dt, timed[e.name]) for e in engines]
    return rows, paired_ratios(model, n, costs), versions


def gains(plan: Plan, repetitions: int) -> dict[str, float]:
    """Work of two processes together over that of one, for neurosim and for the floor."""
    with tempfile.TemporaryDirectory(prefix="neurosim-bench-") as folder, ThreadPoolExecutor(2) as pool:
        engines = {"neurosim": Neurosim(plan), "floor": Floor(plan, Path(folder))}
        found = {name: [] for name in engines}
        for _ in range(repetitions):
            for name, engine in engines.items():
                alone = engine.run().loop_time
                both = [run.result().loop_time for run in [pool.submit(engine.run) for _ in range(2)]]
                found[name].append(2 * alone / (sum(both) / 2))
    ours, floors = (median(found[name]) for name in ("neurosim", "floor"))
    return {"neurosim_gain": short(ours), "floor_gain": short(floors), "ratio": short(ours / floors)}


def further_point(repetitions: int) -> dict[str, float | str]:
    """What one trial more costs a scan, through the runner with one worker, and how much of that is its loop."""
    walls, loops = [], []
    engine = Neurosim(circuit_plan(SCAN, 1.0, 10.0))
    with tempfile.TemporaryDirectory(prefix="neurosim-bench-") as folder, chdir(folder):
        for repetition in range(repetitions):
            loops.append(engine.run().loop_time)
            few, more = (scan_time(f"{repetition}-{n}", n) for n in (FEW_TRIALS, MORE_TRIALS))
            walls.append((more - few) / (MORE_TRIALS - FEW_TRIALS))
    wall, loop = median(walls), median(loops)
    besides = median(w - t for w, t in zip(walls, loops, strict=True))
    return {
        "circuit": SCAN,
        "model_s": engine.seconds,
        "wall_s": short(wall),
        "loop_s": short(loop),
        "besides_s": short(besides),
    }


def scan_time(name: str, n_trials: int) -> float:
    """Seconds of a scan of 10 s trials (two subjects at each point), from a folder of its own."""
    Path(name).mkdir()
    with chdir(name):
        Path("spiking.yaml").write_text(scans.SPIKING.format(n=n_trials // 2, circuit=SCAN))
        return scans.command("run", "spiking.yaml", "--workers", "1")


def memory(results: list[dict], few: int, many: int) -> dict[str, dict[str, float]]:
    """Bytes of a neuron and of a synapse, of neurosim and of the floor, from two sizes and one with half of the synapses."""
    peaks = {(row["engine"], row["n"]): row["memory_mb"] for row in results if row["model"] == "full"}
    per_cell = sum(k for k, _ in FULL_SYNAPSES.values())
    plan = full_plan(few, 0.1, 0.1, synapses=0.5)
    n_synapses = sum(group.n for group in plan.structure.synapses)
    found = {}
    with tempfile.TemporaryDirectory(prefix="neurosim-bench-") as folder:
        for engine in (Neurosim(plan), Floor(plan, Path(folder))):
            measured = [(n, n * per_cell, peaks[engine.name, n]) for n in (few, many)]
            measured.append((few, n_synapses, engine.run().memory_mb))
            if all(peak for _, _, peak in measured):
                found[engine.name] = memory_shares(measured)
    return found


def surroundings() -> dict:
    """Machine, compiler, versions and commit."""
    around, compiler = environment(), compiler_here()
    commit = around["commit"]
    return {
        "machine": {
            "cpu": around["cpu"],
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "system": platform.platform(terse=True),
            "load": short(os.getloadavg()[0]),
        },
        "compiler": {"identity": compiler.identity, "flags": " ".join(compiler.flags)},
        "versions": {"neurosim": version("neurosim-da5ht"), "python": platform.python_version()}
        | {name: version(name) for name in ("brian2", "numpy")},
        "commit": commit and commit.removesuffix("+"),
        "dirty": bool(commit) and commit.endswith("+"),
        "date": time.strftime("%Y-%m-%d"),
    }


def measure(lengths: dict[int, dict[str, float]], repetitions: int) -> dict:
    """The whole record; says how far it is as it goes."""
    nest = find_nest()
    if nest is None:
        print(NO_NEST, flush=True)
    record = surroundings() | {
        "results": [],
        "floor_single": [],
        "ratios": [],
        "two_workers": {},
        "further_point": None,
        "memory": {},
    }
    cases = [(model, n) for n in lengths for model in ("full", "core")]
    if 4000 in lengths:
        cases.append((CIRCUIT, 4000))
    for model, n in cases:
        rows, ratios, versions = compare(model, n, lengths[n], repetitions, nest)
        record["results"] += [row for row in rows if row["engine"] != FloorSingle.name]
        record["floor_single"] += [row for row in rows if row["engine"] == FloorSingle.name]
        record["ratios"].append(ratios)
        record["versions"] |= versions
        for row in rows:
            print(PROGRESS.format(**row), flush=True)
        if n == 4000 and model != "core":
            record["two_workers"][model] = gains(plan_of(model, n, lengths[n]["neurosim"]), repetitions)
    if {20_000, 100_000} <= set(lengths):
        record["memory"] = memory(record["results"], 20_000, 100_000)
    if 4000 in lengths:
        record["further_point"] = further_point(repetitions)
    record["must_show"] = must_show(record)
    return record


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--quick", action="store_true", help="1000 cells, once, nothing written")
    arguments.add_argument("--cells", type=int, nargs="+", choices=tuple(LENGTHS), default=list(LENGTHS))
    asked = arguments.parse_args()
    if compiler_here() is None:
        raise EngineError("bench needs a C++ compiler; none works here")
    if asked.quick:
        print(performance_block(measure(QUICK, 1)))
        return
    record = measure({n: LENGTHS[n] for n in asked.cells}, REPETITIONS)
    print(performance_block(record))
    (HERE / "latest.json").write_text(json.dumps(record, indent=2) + "\n")
    put_block(DOCS / "performance.md", performance_block(record))
    plot(record, DOCS / "performance.png")


if __name__ == "__main__":
    main()
