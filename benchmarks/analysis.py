"""What a notebook waits for: a summary of 10 000 trials opened, compared, fitted, drawn and made into a table.

    python benchmarks/analysis.py                     2 arms × 5 subjects × 1000 doses, 13 populations, 39 sites
    python benchmarks/analysis.py --points 100        100 doses

The numbers are made up, the file is written by what writes every summary. Each step opens the folder anew, so that reading
is in its time; given are medians of some repeats, in seconds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from neurosim.analysis import Axis, assemble_summary, frame_of_comparison, open_results, write_summary
from neurosim.recording import COLUMNS, VARIABLES, TrialRecord

ARMS, PHASES = ("vehicle", "drug"), ("baseline", "drug")
LABELS = {
    "population": tuple(f"P{k:02d}_X" for k in range(13)),
    "site": tuple(f"S{k:02d}" for k in range(39)),
    "region": tuple(f"R{k}" for k in range(9)),
    "transmitter": ("DA", "5-HT"),
    "carrier": ("DAT", "SERT", "NET"),
    "ligand": ("one", "two"),
    "drug": ("one", "two"),
    "phase": PHASES,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--points", type=int, default=1000)
    arguments.add_argument("--subjects", type=int, default=5)
    arguments.add_argument("--repeats", type=int, default=5)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = timed(lambda: make(Path(folder), asked.points, asked.subjects), 1)
        found = {name: timed(lambda step=step: run(folder, step), asked.repeats) for name, step in STEPS.items()}
        size = (Path(folder) / "summary.h5").stat().st_size / 1e6
    sizes = {"trials": 2 * asked.points * asked.subjects, "summary_MB": round(size, 1), "make_s": round(made, 2)}
    print(json.dumps(sizes | {f"{name}_s": round(seconds, 3) for name, seconds in found.items()}, indent=1))


STEPS: dict[str, Callable] = {
    "open": lambda results: repr(results),
    "notebook_view": lambda results: results._repr_html_(),
    "select": lambda results: results.select("firing_rate", population="P03_X", phase="drug").load(),
    "compare": lambda results: results.compare("drug", "vehicle"),
    "compare_to_dataframe": lambda results: frame_of_comparison(results.compare("drug", "vehicle"), "rates"),
    "to_dataframe_rates": lambda results: results.to_dataframe("rates"),
    "to_dataframe_activation": lambda results: results.to_dataframe("activation"),
    "fit": lambda results: results.fit_dose_response("firing_rate", "drug", population="P03_X", relative=True),
    "plot_dose_response": lambda results: drawn(results.plot.dose_response()),
    "plot_dose_response_fit": lambda results: drawn(results.plot.dose_response(fit=True)),
}


def run(folder: str, step: Callable) -> None:
    with open_results(folder) as results:
        step(results)


def drawn(figure) -> bytes:
    return figure._repr_png_()


def timed(function: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return median(times)


def said_of(column: str, n: int) -> tuple[str, ...]:
    """What a column says of n entries: sites hear regions and transmitters that there are."""
    names = LABELS[{"hears": "region", "site_transmitter": "transmitter"}.get(column, "population")]
    return tuple(names[k % len(names)] for k in range(n))


def make(folder: Path, n_points: int, n_subjects: int) -> None:
    """A summary of made-up trials: every number follows its own logistic curve of the dose, with noise."""
    doses = np.geomspace(0.01, 100.0, n_points)
    random, keys, records = np.random.default_rng(0), {}, {}
    columns = {name: said_of(name, len(LABELS[dim])) for dim, names in COLUMNS.items() for name in names}
    shapes = {
        (group, name): tuple(len(LABELS[dim]) for dim in entry.dims)
        for group in ("rates", "pools", "receptors", "drugs", "trials")
        for name, entry in VARIABLES[group].items()
        if name != "wall_time"
    }
    curves = {where: (random.uniform(0.1, 10, s), random.uniform(-0.9, 2, s)) for where, s in shapes.items()}
    for arm in ARMS:
        for subject in range(n_subjects):
            for point in range(n_points):
                key = keys[arm, subject, (point,)] = f"{arm}-{subject}-{point}"
                part = 0.0 if arm == ARMS[0] else doses[point] / (doses[point] + 1.0 + 0.1 * subject)
                values = {
                    where: level * (1 + change * part) * random.lognormal(0, 0.05, level.shape)
                    for where, (level, change) in curves.items()
                }
                records[key] = TrialRecord(key, "ok", "", 1.0, {}, LABELS, columns, values)
    axis = Axis("dose", tuple(doses.tolist()), "mg/kg", "arms.*.drugs.one.dose")
    tree = assemble_summary(
        records, keys, arms=ARMS, subjects=range(n_subjects), phases=PHASES, axes=[axis],
        reference=(ARMS[0], PHASES[0]), attributes={"name": "made_up"},
    )  # fmt: skip
    write_summary(folder, tree)


if __name__ == "__main__":
    main()
