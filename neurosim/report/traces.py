"""Concentrations over the recorded time, from the stored trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from neurosim.analysis.plots.common import spaced, subjects_text
from neurosim.recording import OUTCOMES_WITH_DATA, names_in, trial_path
from neurosim.recording.files import reading
from neurosim.report.conditions import MOST, Compared, compared
from neurosim.report.figures import Figure
from neurosim.report.numbers import listed, plain_text

__all__ = ["trace_figure"]

#: Times of a phase, phases side by side, and subjects whose mean is drawn.
_MOST_BINS, _MOST_PHASES, _MOST_SUBJECTS = 80, 3, 4


def trace_figure(results) -> Figure | None:
    """Mean concentration over time of every pool, an arm a line, phases side by side; None without traces."""
    if not results.has_spikes:
        return None
    found = {c.label: (c, own) for c in _conditions(results) if (own := _mean_traces(results, c)) is not None}
    if not found:
        return None
    phases = _phases(results)
    pools = _pools(results, found.values(), phases[-1])
    views = tuple((f"{t} in {r}", *_view(found.values(), phases, at)) for t, r, at in pools)
    width = max(own["width"] for _, own in found.values())
    of = f"mean of {subjects_text(results, _MOST_SUBJECTS)}" if len(results.subjects) > 1 else "one subject"
    caption = (
        f"Extracellular concentration over the recording of each phase ({', '.join(phases)}), {of} in steps of "
        f"{plain_text(width)} s, a pool at a time. {_said(found.values(), phases, pools)}"
    )
    return Figure("traces", "Concentrations over time", caption, views, "pool" if len(views) > 1 else "")


def _conditions(results) -> list[Compared]:
    """One for each arm and point: the phases are in its trials."""
    found = compared(results, results.phases[-1])[:MOST]
    return found if len(results.arms) > 1 else [c for c in found if c.condition.phase == results.phases[-1]]


def _phases(results) -> list[str]:
    last = list(results.phases[-_MOST_PHASES:])
    return last if results.reference[1] in last else [results.reference[1], *last[1:]]


def _pools(results, found, phase: str) -> list[tuple[str, str, tuple[int, int]]]:
    """(transmitter, region, place) of pools that exist; first the one that differs most between arms."""
    levels = results.summary["pools"]["concentration"]
    others = [d for d in levels.dims if d not in ("transmitter", "region")]
    there = levels.notnull().any(others).transpose("transmitter", "region").values
    names = levels.transmitter.values.tolist(), levels.region.values.tolist()
    pools = [(names[0][t], names[1][r], (t, r)) for t, r in np.argwhere(there).tolist()]
    means = np.array([own["mean"][phase].mean(axis=-1) for _, own in found])
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.nan_to_num(means.max(axis=0) / means.min(axis=0), posinf=0.0)
    most = max(pools, key=lambda pool: spread[pool[2]])
    return [most, *(pool for pool in pools if pool is not most)]


def _mean_traces(results, condition: Compared) -> dict | None:
    """Phase → array (transmitter, region, bin) of a condition, mean over its first subjects; None without any."""
    sums, times, n = {}, {}, 0
    for subject in results.subjects[:_MOST_SUBJECTS]:
        at = {"arm": condition.condition.arm, "subject": subject}
        place = dict(condition.condition.point)
        if str(results.outcomes.sel(at).isel(place).values) not in OUTCOMES_WITH_DATA:
            continue
        path = trial_path(results.folder, str(results.keys.sel(at).isel(place).values))
        if not path.exists():
            continue
        with reading(path) as file:
            if "traces" not in file or "concentration" not in file["traces"]:
                return None
            traces, phases = file["traces"]["concentration"], names_in(file["traces"]["phase"])
            time = np.asarray(file["traces"]["time"], float)
            for phase in _phases(results):
                values = np.asarray(traces[phases.index(phase)], float)
                values = values[..., np.isfinite(values).any(axis=(0, 1))]
                per_bin = max(-(-values.shape[-1] // _MOST_BINS), 1)
                n_bins = values.shape[-1] // per_bin
                binned = values[..., : n_bins * per_bin].reshape(*values.shape[:-1], n_bins, per_bin).mean(axis=-1)
                sums[phase] = sums.get(phase, 0.0) + binned
                step = time[1] - time[0] if time.size > 1 else 0.0
                times[phase] = (np.arange(n_bins) + 0.5) * per_bin * step
        n += 1
    if not n:
        return None
    width = max((t[1] - t[0] for t in times.values() if t.size > 1), default=0.0)
    return {"mean": {phase: total / n for phase, total in sums.items()}, "time": times, "width": float(width)}


def _view(found, phases: Sequence[str], pool: tuple[int, int]) -> tuple[list, dict]:
    data = []
    for condition, own in found:
        for k, phase in enumerate(phases):
            values = own["mean"][phase][pool]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "name": condition.label, "legendgroup": condition.label,
                    "showlegend": k == 0, "x": [round(t, 6) for t in own["time"][phase].tolist()],
                    "y": listed([float(f"{v:.5g}") for v in values]),
                    "line": {"color": condition.color, "width": 1.6}, "xaxis": f"x{k + 1}" if k else "x",
                    "hovertemplate": f"{spaced(condition.label)}, {phase}, %{{x:.2f}} s: %{{y:.3g}} nM",
                }
            )  # fmt: skip
    layout = {"height": 380, "yaxis": {"title": {"text": "nM"}, "rangemode": "tozero"}}
    for k, (phase, domain) in enumerate(zip(phases, _domains(len(phases)), strict=True)):
        layout[f"xaxis{k + 1}" if k else "xaxis"] = {"title": {"text": f"{phase} (s)"}, "domain": domain}
    return data, layout


def _domains(n: int) -> Iterator[list[float]]:
    gap = 0.05
    width = (1 - gap * (n - 1)) / n
    return ([k * (width + gap), k * (width + gap) + width] for k in range(n))


def _said(found, phases: Sequence[str], pools) -> str:
    """Ends of the first pool in words."""
    transmitter, region, place = pools[0]
    words = []
    for condition, own in found:
        values = own["mean"][phases[-1]][place]
        words.append(f"{condition.label} {plain_text(float(values.mean()))} nM")
    return f"{transmitter} in {region}, mean of phase {phases[-1]}: {', '.join(words)}."
