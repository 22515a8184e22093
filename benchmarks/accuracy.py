"""How exact are the default, the fast option and single precision? Writes ``accuracy.json``, the tables of docs/accuracy.md
and its figure.

    python benchmarks/accuracy.py            about ten minutes on two idle cores
    python benchmarks/accuracy.py --quick    a minute or two and few subjects: to see that it works; writes into a folder
    python benchmarks/accuracy.py --page     tables and figure anew from accuracy.json

Cells that do not hear each other against a step of 0.0125 ms, shipped circuits against the same, single against double
precision, and a benchmark network against Brian2 as it comes. Figures are of the machine they were taken on; nothing in them
depends on its load but the ratios of time, which are medians of runs in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import floor
from accuracy_cells import errors, feed_forward, identical_until, in_double, measured_order
from accuracy_networks import Difference, Networks, brian2_blocks, circuit_plan, differences, speeds
from accuracy_page import FIGURE, PAGE, draw, fill

import neurosim
from neurosim.engines import get_engine
from neurosim.engines.cache import compiler_here
from neurosim.engines.compiler import cpu_type

HERE = Path(__file__).resolve().parent
DEFAULT, FAST, FINEST = 1e-4, 2e-4, 1.25e-5
STEPS = (2e-4, 1e-4, 5e-5, 2.5e-5)


@dataclass(frozen=True)
class Extent:
    """How much is run: seconds of cells, networks and their finest steps, the network for Brian2, repeats of speeds."""

    cells: float
    divergence: float
    networks: tuple[tuple[Networks, float], ...]
    brian2: tuple[str, int, float, float, float]
    repeats: int


FULL = Extent(
    cells=0.4,
    divergence=1.0,
    networks=(
        (Networks("midbrain_raphe", 12, 5.0, 20.0), FINEST),
        (Networks("da_5ht_brain", 6, 4.0, 10.0), 2.5e-5),
    ),
    brian2=("full", 1000, 2.0, 120.0, 10.0),
    repeats=5,
)
QUICK = Extent(
    cells=0.1,
    divergence=0.1,
    networks=((Networks("midbrain_raphe", 2, 0.5, 5.0), FINEST),),
    brian2=("full", 200, 0.5, 15.0, 5.0),
    repeats=1,
)


def cells(extent: Extent) -> dict:
    """Uncoupled cells at four steps against the finest, and by the program against NumPy in double precision."""
    engine = get_engine("standalone")

    def play(dt: float):
        plan = feed_forward(circuit_plan("midbrain_raphe", "vehicle", 0, dt, 0.0, 1.0), extent.cells)
        return plan, engine.run(plan)

    finest = play(FINEST)
    runs = {dt: play(dt) for dt in STEPS}
    found = [errors(*run, *finest) for run in runs.values()]
    plan, raw = runs[DEFAULT]
    exact = in_double(plan)
    coupled = replace(
        circuit_plan("midbrain_raphe", "vehicle", 0, DEFAULT, 0.0, 1.0),
        record_steps=round(extent.divergence / DEFAULT),
    )
    return {
        "seconds": extent.cells,
        "rate_Hz": exact.spike_i.size / plan.structure.n_cells / extent.cells,
        "finest_dt_s": FINEST,
        "against_finest": [asdict(one) for one in found],
        "order": measured_order(found, FINEST),
        "against_double": asdict(errors(plan, raw, plan, exact)),
        "identical_for_s": min(identical_until(raw, exact, DEFAULT), extent.cells),
        "circuit_identical_for_s": min(
            identical_until(engine.run(coupled), in_double(coupled), DEFAULT), extent.divergence
        ),
    }


def circuit(networks: Networks, finest: float, repeats: int, workers: int, folder: Path) -> dict:
    """A circuit at the fast and the default step against the finest, and the default against double precision."""
    structure = networks.plan(DEFAULT).structure
    programs = {
        real: floor.build(structure, folder / f"{networks.circuit}_{real}", real)
        for real in ("double", "float")
    }
    reference = networks.compiled(finest, workers)
    default = networks.compiled(DEFAULT, workers)
    found = {
        "dt 0.2 ms": differences(networks.compiled(FAST, workers), reference),
        "dt 0.1 ms": differences(default, reference),
        "single precision": differences(default, networks.by_hand(programs["double"], DEFAULT, workers)),
    }
    engine = get_engine("standalone")
    short = replace(networks, settle=0.5, record=5.0)
    plans = {dt: short.plan(dt) for dt in (DEFAULT, FAST, finest)}

    def ours(dt: float) -> Callable[[], float]:
        return lambda: engine.run(plans[dt]).loop_time

    def by_hand(real: str) -> Callable[[], float]:
        return lambda: floor.run(programs[real], plans[DEFAULT]).loop_time

    runs = {f"dt {dt * 1e3:g} ms": ours(dt) for dt in plans} | {
        f"C++ in {real}": by_hand(real) for real in programs
    }
    return {
        "circuit": networks.circuit,
        "cells": structure.n_cells,
        "subjects": networks.subjects,
        "record_s": networks.record,
        "finest_dt_s": finest,
        "differences": {option: [asdict(row) for row in rows] for option, rows in found.items()},
        "time_over_default": speeds(runs, repeats),
    }


def brian2(extent: Extent, folder: Path) -> dict:
    """A benchmark network against Brian2 as it comes, at the default step of both."""
    model, n, settle, record, block = extent.brian2
    ours, theirs, slower = brian2_blocks(model, n, settle, record, block, folder)
    rows: list[Difference] = differences(ours, theirs)
    return {
        "model": model,
        "cells": n,
        "blocks": len(ours),
        "block_s": block,
        "differences": [asdict(row) for row in rows],
        "time_over_default": slower,
    }


def measure(extent: Extent, workers: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="neurosim-accuracy-") as name:
        folder = Path(name)
        started = time.perf_counter()

        def told(what: str, found: dict) -> dict:
            print(f"{what}: {time.perf_counter() - started:.0f} s", flush=True)
            return found

        return {
            "cells": told("cells", cells(extent)),
            "circuits": [
                told(networks.circuit, circuit(networks, finest, extent.repeats, workers, folder))
                for networks, finest in extent.networks
            ],
            "brian2": told("Brian2", brian2(extent, folder / "brian2")),
            "machine": {"cpu": cpu_type(), "system": platform.platform(terse=True)},
            "compiler": compiler_here().identity,
            "versions": {"neurosim": neurosim.__version__, "python": platform.python_version()},
            "date": time.strftime("%Y-%m-%d"),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", metavar="FOLDER", nargs="?", const="results/accuracy", help="few subjects, into FOLDER"
    )
    parser.add_argument("--page", action="store_true", help="only the page, from accuracy.json")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    target, figure = HERE / "accuracy.json", FIGURE
    if asked.quick:
        folder = Path(asked.quick)
        folder.mkdir(parents=True, exist_ok=True)
        target, figure = folder / "accuracy.json", folder / "accuracy.png"
    if not asked.page:
        target.write_text(json.dumps(measure(QUICK if asked.quick else FULL, asked.workers), indent=1) + "\n")
    found = json.loads(target.read_text())
    draw(found, figure)
    page = fill(PAGE.read_text(encoding="utf-8"), found)
    (folder / "accuracy.md" if asked.quick else PAGE).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
