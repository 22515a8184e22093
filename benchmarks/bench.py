"""How fast is the program? Writes ``latest.json`` beside this file and prints a table.

The model of :mod:`full_model` with 1000 and 4000 cells, by the compiled engine and by Brian2 as it comes
(:mod:`brian2_default`), one thread. Real-time factor ``rtf`` = seconds of the model per second on the wall, program
start included; ``rtf_cpu`` counts the processor's seconds instead, which a busy machine disturbs less. Medians of three
runs, the two programs in turn, so that a change in the machine's load meets both.
"""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from full_model import full_plan

import neurosim
from neurosim.engines import get_engine
from neurosim.engines.cache import compiler_here
from neurosim.engines.compiler import cpu_type

HERE = Path(__file__).resolve().parent
REPEATS = 3
#: Cells → seconds of the model for us and for Brian2 as it comes.
SIZES = {1000: (20.0, 4.0), 4000: (8.0, 2.0)}


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def time_ours(plan) -> tuple[float, float, float]:
    """Wall time (s), processor time (s), firing rate (Hz)."""
    before = cpu_of_children()
    raw = get_engine("standalone").run(plan)
    rate = raw.spike_i.size / plan.structure.n_cells / plan.record
    return raw.wall_time, cpu_of_children() - before, rate


def time_default(directory: Path, seconds: float, n: int) -> tuple[float, float, float]:
    """The same of Brian2 as it comes."""
    before, started = cpu_of_children(), time.perf_counter()
    subprocess.run([directory / "main"], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    (spikes,) = directory.glob("results/_dynamic_array_spikes_i_*")
    return wall, cpu_of_children() - before, spikes.stat().st_size / 4 / n / seconds


def compare(n: int) -> list[dict]:
    ours, default = SIZES[n]
    plan = full_plan(n, 0.0, ours)
    get_engine("standalone").prepare(plan.structure)
    with tempfile.TemporaryDirectory(prefix="neurosim-bench-") as folder:
        directory = Path(folder)
        command = [sys.executable, HERE / "brian2_default.py", str(n), str(default), directory]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        runs = {"neurosim": [], "brian2": []}
        for _ in range(REPEATS):
            runs["neurosim"].append(time_ours(plan))
            runs["brian2"].append(time_default(directory, default, n))
    lengths = {"neurosim": ours, "brian2": default}
    return [
        {
            "engine": engine,
            "model": "full",
            "n": n,
            "threads": 1,
            "rtf": round(lengths[engine] / statistics.median(wall for wall, _, _ in timed), 2),
            "rtf_cpu": round(lengths[engine] / statistics.median(cpu for _, cpu, _ in timed), 2),
            "rate_Hz": round(statistics.median(rate for _, _, rate in timed), 2),
        }
        for engine, timed in runs.items()
    ]


def main() -> None:
    compiler = compiler_here()
    if compiler is None:
        sys.exit("bench needs a C++ compiler; none works here")
    results = []
    for n in SIZES:
        rows = compare(n)
        results += rows
        for row in rows:
            print(
                "{engine:9} n = {n:5}: rtf {rtf:6.2f}, by processor time {rtf_cpu:6.2f}; {rate_Hz:.1f} Hz".format(
                    **row
                )
            )
        print(f"{'ratio':9}            {rows[0]['rtf'] / rows[1]['rtf']:10.1f}", flush=True)
    record = {
        "results": results,
        "machine": {"cpu": cpu_type(), "system": platform.platform(terse=True)},
        "compiler": {"identity": compiler.identity, "flags": " ".join(compiler.flags)},
        "versions": {
            "neurosim": neurosim.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("brian2", "numpy")},
        },
        "date": time.strftime("%Y-%m-%d"),
    }
    (HERE / "latest.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
