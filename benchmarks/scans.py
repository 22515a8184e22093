"""What a scan costs besides simulating: files, hashing, scheduling.

    python benchmarks/scans.py                                       10 000 points without spikes, 200 spiking trials of 10 s
    python benchmarks/scans.py --trials 2000 --circuit da_5ht_brain  as many spiking trials, of this circuit

The simulation loop is what the program says of itself, in each trial's file. ``besides_trials`` is what the workers
spent outside of trials (files, hashing, scheduling, starting, the summary and its figure), ``overhead`` adds what a
trial takes besides its loop (planning, reading out), both as parts of the loops; ``overhead_cpu`` counts the
processor's seconds, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from neurosim.recording import read_header

STILL = """
schema: neurosim-experiment/1
name: still
circuit: midbrain_raphe
engine: none
protocol: {{phases: [{{name: early, at: 1 h}}, {{name: late, at: 6 h}}]}}
arms:
  vehicle: {{}}
  drug: {{drugs: [{{drug: haloperidol, dose: 1 mg/kg, route: sc}}, {{drug: escitalopram, concentration: 3 nM}}]}}
scan:
  dose: {{path: arms.drug.drugs.haloperidol.dose, log_uniform: [0.01 mg/kg, 3 mg/kg]}}
  level: {{path: arms.drug.drugs.escitalopram.concentration, uniform: [0 nM, 30 nM]}}
sample: {{method: random, n: {n}}}
"""
SPIKING = """
schema: neurosim-experiment/1
name: spiking
circuit: {circuit}
subjects: 2
protocol: {{settle: 1 s, phases: [{{name: drug, record: 10 s}}]}}
arms:
  drug: {{drugs: [{{drug: escitalopram, concentration: 3 nM}}]}}
scan:
  level: {{path: arms.drug.drugs.escitalopram.concentration, log: [0.1 nM, 100 nM, {n}]}}
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--points", type=int, default=10_000)
    arguments.add_argument("--trials", type=int, default=200)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--circuit", default="midbrain_raphe")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        found = {"still": still(asked.points), "spiking": spiking(asked.trials, asked.workers, asked.circuit)}
    print(json.dumps(found, indent=1))


def still(n: int) -> dict[str, float]:
    """Points per second of the whole command on one core, what it takes in memory, and how soon the summary is open."""
    Path("still.yaml").write_text(STILL.format(n=n))
    seconds = command("run", "still.yaml")
    opening = (
        "import time; t = time.perf_counter(); import neurosim as ns; ns.open_results('results/still'); "
        "print(time.perf_counter() - t)"
    )
    times = [float(python("-c", opening)) for _ in range(3)]
    return {
        "points": n,
        "points_per_s": n / seconds,
        "peak_MB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "open_s": median(times),
    }


def spiking(n: int, workers: int, circuit: str) -> dict[str, float | str]:
    """Time of a scan over that of its simulation loops."""
    Path("spiking.yaml").write_text(SPIKING.format(n=n // 2, circuit=circuit))
    before, used = loop_cpu_times(), cpu_of_children()
    seconds = command("run", "spiking.yaml", "--workers", str(workers))
    used = cpu_of_children() - used
    loop_cpu = median([*before, *loop_cpu_times()])
    loop = median(read_header(path).attributes["loop_time"] for path in Path("results/spiking/trials").glob("*.h5"))
    code = "import neurosim as ns; print(float(ns.open_results('results/spiking').summary['trials'].wall_time.sum()))"
    return {
        "circuit": circuit,
        "trials": n,
        "wall_s": seconds,
        "loop_s": loop,
        "besides_trials": (seconds * workers - float(python("-c", code))) / (n * loop),
        "overhead": seconds * workers / (n * loop) - 1,
        "overhead_cpu": used / (n * loop_cpu) - 1,
        "resume_s": command("run", "spiking.yaml", "--workers", str(workers)),
    }


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def loop_cpu_times(n: int = 10) -> list[float]:
    """Seconds that the program takes of the processor, two at a time as in the scan."""
    code = (
        "import resource\n"
        "from neurosim.build import Trial\n"
        "from neurosim.engines import choose\n"
        "from neurosim.spec import load_experiment, resolve\n"
        "def cpu():\n"
        "    usage = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "    return usage.ru_utime + usage.ru_stime\n"
        "engine, times = choose().engine, []\n"
        "trial = Trial(resolve(load_experiment('spiking.yaml'), 'drug'), 0)\n"
        f"for k in range({n} + 1):\n"
        "    before = cpu()\n"
        "    with engine.session() as run:\n"
        "        list(trial.play(lambda step: run(step.plan)))\n"
        "    times.append(cpu() - before)\n"
        "print(*times[1:])\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return [float(word) for process in both for word in process.communicate()[0].split()]


def command(*words: str) -> float:
    since = time.perf_counter()
    python("-m", "neurosim", *words)
    return time.perf_counter() - since


def python(*words: str) -> str:
    return subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
