"""What a scan costs besides simulating: files, hashing, scheduling.

    python benchmarks/scans.py                 10 000 points without spikes, 200 spiking trials of 10 s
    python benchmarks/scans.py --trials 2000   as many spiking trials

The simulation loop is the program alone, on the plans of the same trials, timed between the trials' own processes: its median
times the number of trials is what two workers would need at least. Everything above that is overhead.
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
circuit: midbrain_raphe
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
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        found = {"still": still(asked.points), "spiking": spiking(asked.trials, asked.workers)}
    print(json.dumps(found, indent=1))


def still(n: int) -> dict[str, float]:
    """Points per second of the whole command on one core, what it takes in memory, and how soon the summary is open."""
    Path("still.yaml").write_text(STILL.format(n=n))
    seconds = command("run", "still.yaml")
    opening = "import time; t = time.perf_counter(); import neurosim as ns; ns.open_results('results/still'); print(time.perf_counter() - t)"
    times = [float(python("-c", opening)) for _ in range(3)]
    return {
        "points": n,
        "points_per_s": n / seconds,
        "peak_MB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "open_s": median(times),
    }


def spiking(n: int, workers: int) -> dict[str, float]:
    """Wall time of a scan over that of its simulation loops."""
    Path("spiking.yaml").write_text(SPIKING.format(n=n // 2))
    before = loop_times()
    seconds = command("run", "spiking.yaml", "--workers", str(workers))
    loop = median(before + loop_times())
    again = command("run", "spiking.yaml", "--workers", str(workers))
    return {
        "trials": n,
        "wall_s": seconds,
        "loop_s": loop,
        "overhead": seconds * workers / (n * loop) - 1,
        "resume_s": again,
    }


def loop_times(n: int = 10) -> list[float]:
    """Seconds of the program alone, two at a time as in the scan."""
    code = (
        "from neurosim.build import Trial\n"
        "from neurosim.engines import choose\n"
        "from neurosim.spec import load_experiment, resolve\n"
        "engine = choose().engine\n"
        "trial = Trial(resolve(load_experiment('spiking.yaml'), 'drug'), 0)\n"
        "times = []\n"
        "def run(step):\n"
        "    raw = engine.run(step.plan)\n"
        "    times.append(raw.wall_time)\n"
        "    return raw\n"
        f"for k in range({n} + 1):\n"
        "    list(trial.play(run))\n"
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
