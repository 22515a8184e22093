"""How fast is a circuit as large as the shipped one times a factor? ``python scaled_circuit.py [FACTOR [SECONDS [RUNS]]]``

Populations of midbrain_raphe are multiplied (2.7 gives about 4000 cells); in-degrees, drives and doses stay, so rates stay.
Prints cells, synapses, rate and the medians of the runs, one thread.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
from pathlib import Path

from bench import cpu_of_children

from neurosim.build import Trial
from neurosim.build.plan import Plan
from neurosim.engines import get_engine
from neurosim.spec import Experiment, load_circuit, resolve

CIRCUIT = Path(__file__).resolve().parents[1] / "circuits" / "midbrain_raphe.yaml"


def scaled_plan(factor: float, seconds: float) -> Plan:
    """The resting circuit with every population ``factor`` times as large."""
    text = re.sub(r"(?m)^    n: (\d+)$", lambda n: f"    n: {round(factor * int(n[1]))}", CIRCUIT.read_text())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, CIRCUIT.name)
        path.write_text(text)
        circuit = load_circuit(str(path))
    protocol = {"settle": "1 s", "phases": [{"name": "rest", "record": f"{seconds:g} s"}]}
    experiment = Experiment(name="speed", circuit=circuit, seed=7, protocol=protocol, arms={"rest": {}})
    return next(Trial(resolve(experiment, "rest", {}), 0).phases()).plan


def main(factor: float = 2.7, seconds: float = 10.0, runs: int = 5) -> None:
    plan = scaled_plan(factor, seconds)
    engine, s = get_engine("standalone"), plan.structure
    engine.prepare(s)
    walls, cpus = [], []
    for _ in range(int(runs)):
        before = cpu_of_children()
        raw = engine.run(plan)
        walls.append(raw.wall_time)
        cpus.append(cpu_of_children() - before)
    total = 1 + seconds
    print(
        f"{s.n_cells} cells, {sum(group.n for group in s.synapses)} synapses,"
        f" {raw.spike_i.size / s.n_cells / seconds:.2f} Hz: rtf {total / statistics.median(walls):.2f},"
        f" by processor time {total / statistics.median(cpus):.2f} (best {total / min(cpus):.2f})"
    )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
