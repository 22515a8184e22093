"""From timed runs to figures: rows, ratios, what must hold, the tables and the plot of docs/performance.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from networks import CIRCUIT

from neurosim.analysis.plots.style import ResultFigure, line_colors, save_figure, styled

__all__ = [
    "ENGINES",
    "MARKS",
    "flatness",
    "memory_shares",
    "must_show",
    "paired_ratios",
    "performance_block",
    "plot",
    "put_block",
    "result_row",
]

#: In the order of the tables; name → what the page calls it.
ENGINES = {
    "neurosim": "neurosim",
    "floor": "C++ by hand",
    "floor_single": "C++, single",
    "brian2": "Brian2 as it comes",
    "nest": "NEST",
}
MODELS = ("full", "core", CIRCUIT)
#: Between these lines of the page is what bench.py writes.
MARKS = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
MB = 1024**2
#: A floor that a person writes with AVX-512: ns per neuron-step at 4000 cells, and how much slower it may be.
FLOOR_NS, FLOOR_WITHIN = 1.7, 0.2


def result_row(model: str, n: int, engine: str, seconds: float, dt: float, timed: Sequence) -> dict:
    """One entry of ``results``: medians over the runs of one engine.

    Parameters
    ----------
    model, engine : str
    n : int
    seconds, dt : float, s
        Of the model in each run, and of its step.
    timed : sequence of bench_engines.Timed
    """
    loop = median(run.loop_time for run in timed)
    memory = [run.memory_mb for run in timed if run.memory_mb is not None]
    return {
        "engine": engine,
        "model": model,
        "n": n,
        "threads": 1,
        "rtf": short(seconds / loop),
        "ns_per_neuron_step": short(1e9 * loop / n / (seconds / dt)),
        "memory_mb": short(median(memory)) if memory else None,
        "rate_Hz": short(median(run.rate_Hz for run in timed)),
        "model_s": seconds,
        "loop_s": short(loop),
        "runs": len(timed),
        "spread": short((max(run.loop_time for run in timed) - min(run.loop_time for run in timed)) / loop),
    }


def paired_ratios(model: str, n: int, costs: Mapping[str, Sequence[float]]) -> dict:
    """How many times faster neurosim is than each other engine; below 1 where it is slower.

    Each repetition runs every engine once, one after the other, so the ratio is taken within a repetition and its median
    over them: a load that slows the whole machine for a while cancels.

    Parameters
    ----------
    costs : mapping
        Engine → cost of each repetition, in one unit.
    """
    ours = costs["neurosim"]
    ratios = {
        f"to_{engine}": short(median(b / a for a, b in zip(ours, theirs, strict=True)))
        for engine, theirs in costs.items()
        if engine != "neurosim"
    }
    return {"model": model, "n": n, **ratios}


def find(entries: Sequence[dict], **wanted) -> dict | None:
    return next((e for e in entries if all(e[key] == value for key, value in wanted.items())), None)


def all_rows(record: dict) -> list[dict]:
    """``results`` and the rows of the floor in single precision, which stand apart: each engine is in ``results`` once."""
    return [*record["results"], *record["floor_single"]]


def flatness(results: Sequence[dict], model: str, few: int = 4000, many: int = 100_000) -> float | None:
    """Growth of our cost per neuron from few cells to many, over the growth of the floor's; None if not all was measured."""
    rows = [find(results, engine=e, model=model, n=n) for e in ("neurosim", "floor") for n in (many, few)]
    if None in rows:
        return None
    ours_many, ours_few, floor_many, floor_few = (row["ns_per_neuron_step"] for row in rows)
    return short(ours_many / ours_few / (floor_many / floor_few))


def memory_shares(peaks: Sequence[tuple[int, int, float]]) -> dict[str, float]:
    """Bytes of a neuron and of a synapse, from three networks whose peaks are base + neurons + synapses.

    Parameters
    ----------
    peaks : sequence of three (cells, synapses, MB)
    """
    sizes = [(1, cells, synapses) for cells, synapses, _ in peaks]
    _, neuron, synapse = np.linalg.solve(sizes, [MB * peak for _, _, peak in peaks])
    return {"bytes_per_neuron": round(neuron), "bytes_per_synapse": short(synapse)}


def must_show(record: dict) -> list[dict]:
    """What the figures have to show, with the figure and whether it does; what was not measured is left out."""
    results, ratios = record["results"], record["ratios"]

    def ratio(model: str, n: int, engine: str) -> float | None:
        return (find(ratios, model=model, n=n) or {}).get(f"to_{engine}")

    def floor_ns(engine: str) -> float | None:
        return (find(all_rows(record), engine=engine, model="full", n=4000) or {}).get("ns_per_neuron_step")

    floors = (("floor", "floor"), ("floor_single", "floor in single precision"))
    two, further = record["two_workers"], record["further_point"]
    least = [
        *(
            (f"{model}, 4000 cells: speed / {name}", ratio(model, 4000, engine), 0.75)
            for model in ("full", CIRCUIT)
            for engine, name in floors
        ),
        *(
            (f"{model}, 4000 cells: speed / Brian2", ratio(model, 4000, "brian2"), 10)
            for model in ("full", CIRCUIT)
        ),
        ("core, 4000 cells: speed / NEST", ratio("core", 4000, "nest"), 100),
        *((f"full, 1000 cells: speed / {name}", ratio("full", 1000, engine), 0.7) for engine, name in floors),
        *(
            (f"{model}: gain of two workers / of two floors", gains["ratio"], 0.95)
            for model, gains in two.items()
        ),
    ]
    most = [
        *(
            (f"full, 4000 cells: ns of the {name}", floor_ns(engine), FLOOR_NS * (1 + FLOOR_WITHIN))
            for engine, name in floors
        ),
        (
            "full: growth of the cost per neuron to 100 000 cells / of the floor's",
            flatness(results, "full"),
            1.3,
        ),
        ("a further point besides its loop, s", further and further["besides_s"], 0.1),
    ]
    return [
        {"claim": claim, "figure": figure, sense: short(bound), "holds": holds(figure, bound)}
        for sense, claims, holds in (
            ("at_least", least, lambda a, b: a >= b),
            ("at_most", most, lambda a, b: a <= b),
        )
        for claim, figure, bound in claims
        if figure is not None
    ]


def short(x: float) -> float:
    """Four digits."""
    return float(f"{x:.4g}")


def performance_block(record: dict) -> str:
    """The part of docs/performance.md that bench.py writes, as Markdown."""
    machine, versions = record["machine"], record["versions"]
    program = (
        f"{record['commit'][:10]}{', changed since' if record['dirty'] else ''}"
        if record["commit"]
        else "unknown"
    )
    lines = [
        f"Measured {record['date']} on {machine['cpu']} ({machine['cores']} cores, {machine['system']}; "
        f"load {machine['load']:.2g} when it began), "
        f"{record['compiler']['identity']}; "
        + ", ".join(f"{name} {v}" for name, v in versions.items())
        + f"; commit {program}.",
        "",
        "Nanoseconds per neuron and step of 0.1 ms, and in brackets seconds of the model per second:",
        "",
        *table(all_rows(record), lambda row: f"{row['ns_per_neuron_step']:.3g} ({row['rtf']:.3g})"),
        "",
        "Firing rate, Hz (the same network, other spikes):",
        "",
        *table(all_rows(record), lambda row: f"{row['rate_Hz']:.2f}"),
        "",
        "Most memory that the simulating process held, MB:",
        "",
        *table(all_rows(record), lambda row: "–" if row["memory_mb"] is None else f"{row['memory_mb']:.3g}"),
        "",
        "Speed of neurosim over that of the others, median of the ratios within each repetition:",
        "",
        *ratio_table(record["ratios"]),
        "",
        *further_lines(record),
        "",
        "What must hold:",
        "",
        "| | figure | asked | holds |",
        "|---|---|---|---|",
        *(
            f"| {c['claim']} | {c['figure']:.3g} | {'≥' if 'at_least' in c else '≤'} "
            f"{c['at_least'] if 'at_least' in c else c['at_most']:.3g} | {'yes' if c['holds'] else '**no**'} |"
            for c in record["must_show"]
        ),
    ]
    return "\n".join(lines) + "\n"


def table(results: Sequence[dict], cell) -> list[str]:
    """Markdown table: engines and networks down, numbers of cells across."""
    sizes = sorted({row["n"] for row in results})
    lines = [
        "| network | | " + " | ".join(f"{n:,}".replace(",", " ") for n in sizes) + " |",
        "|---" * (2 + len(sizes)) + "|",
    ]
    for model in MODELS:
        for engine, name in ENGINES.items():
            rows = [find(results, engine=engine, model=model, n=n) for n in sizes]
            if any(rows):
                lines.append(
                    f"| {model} | {name} | " + " | ".join(cell(row) if row else "" for row in rows) + " |"
                )
    return lines


def ratio_table(ratios: Sequence[dict]) -> list[str]:
    others = [engine for engine in ENGINES if any(f"to_{engine}" in entry for entry in ratios)]
    lines = [
        "| network | cells | " + " | ".join(ENGINES[e] for e in others) + " |",
        "|---" * (2 + len(others)) + "|",
    ]
    for entry in ratios:
        found = [entry.get(f"to_{engine}") for engine in others]
        lines.append(
            f"| {entry['model']} | {entry['n']} | "
            + " | ".join("" if x is None else f"{x:.3g}" for x in found)
            + " |"
        )
    return lines


def further_lines(record: dict) -> list[str]:
    """Workers, a further point and memory, one line each."""
    lines = [
        f"- Two workers at once, {model}: {gains['neurosim_gain']:.3g} times the work of one; "
        f"two floors {gains['floor_gain']:.3g}."
        for model, gains in record["two_workers"].items()
    ]
    further, memory = record["further_point"], record["memory"]
    if further:
        lines.append(
            f"- A further point of a scan ({further['circuit']}, {further['model_s']:g} s): {further['wall_s']:.3g} s, of "
            f"which the loop {further['loop_s']:.3g} s and everything else {further['besides_s']:.2g} s."
        )
    lines += [
        f"- Memory, {ENGINES[engine]}: {own['bytes_per_neuron']} bytes per neuron and "
        f"{own['bytes_per_synapse']:.3g} per synapse."
        for engine, own in memory.items()
    ]
    return lines


def put_block(page: Path, block: str) -> None:
    """Write the block into a page, between its marks."""
    before, rest = page.read_text(encoding="utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    page.write_text(f"{before}{MARKS[0]}\n\n{block}\n{MARKS[1]}{after}", encoding="utf-8")


@styled
def plot(record: dict, path: Path) -> None:
    """Cost per neuron and step over the number of cells, a panel for each network, a labelled line for each engine."""
    figure = ResultFigure(figsize=(7.2, 3.6), layout="constrained")
    colors = line_colors(list(ENGINES)) | {"neurosim": "#000000"}
    panels = figure.subplots(1, 2, sharey=True)
    for axes, model in zip(panels, ("full", "core"), strict=True):
        lines = {}
        for row in sorted(all_rows(record), key=lambda row: row["n"]):
            if row["model"] == model:
                lines.setdefault(row["engine"], []).append((row["n"], row["ns_per_neuron_step"]))
        lowest = min(lines, key=lambda engine: lines[engine][0][1], default=None)
        for engine, points in lines.items():
            axes.plot(*zip(*points, strict=True), color=colors[engine], marker="o", ms=4, lw=1.4)
            # neurosim and the floors lie close together: the lowest is named below its line, neurosim at the other end
            below, end = engine in (lowest, "neurosim"), -1 if engine == "neurosim" else 0
            side, place = ("top", -7) if below else ("bottom", 7)
            style = {"xytext": (0, place), "textcoords": "offset points", "va": side, "color": colors[engine]}
            axes.annotate(ENGINES[engine], points[end], ha="right" if end else "left", **style)
        axes.set(xscale="log", yscale="log", title=model, xlabel="cells")
        axes.margins(x=0.08, y=0.12)
    panels[0].set_ylabel("ns per neuron and step")
    save_figure(figure, path)
