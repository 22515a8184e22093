"""What is done to each arm and when: a strip over the clock of the protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurosim.analysis.plots.common import spaced
from neurosim.analysis.plots.schedule import Item, Schedule, schedule_of, schedule_of_results
from neurosim.analysis.plots.style import (
    BAND,
    INK,
    MUTED,
    ResultFigure,
    Sheet,
    arm_colors,
    legend_height,
    styled,
)
from neurosim.analysis.resolved import time_text
from neurosim.spec import Experiment, PhaseTime

__all__ = ["results_timeline_figure", "timeline_figure"]

#: Of a lane, the clock's shortest and longest stretch between two of its marks, and a panel of seconds, inches.
_LANE, _SHORTEST, _LENGTH, _SECONDS = 0.23, 0.62, 4.2, 2.3
#: Letters of an item that are shown; doses and pulses that are drawn one by one.
_LONGEST, _MOST_MARKS = 56, 120
#: Distinct times of doses that are marked on the axis.
_MOST_TICKS = 6


@styled
def timeline_figure(experiment: Experiment) -> ResultFigure:
    """The protocol of an experiment: phases, doses, levels held, infusions, stimulations, and what holds for whole trials.

    Parameters
    ----------
    experiment : Experiment
        See :func:`neurosim.load_experiment`.

    Notes
    -----
    Left the clock of the drugs, zero at the first dose; a recorded stretch lasts seconds and is drawn wider than that.
    Phases before all drugs stand left of zero. Right, for every phase with a stimulation, the seconds of its recording.
    """
    return _figure(schedule_of(experiment))


@styled
def results_timeline_figure(results) -> ResultFigure:
    """The protocol of some results, see :func:`timeline_figure`."""
    return _figure(schedule_of_results(results))


def _figure(schedule: Schedule) -> ResultFigure:
    clock = Clock(schedule)
    stimulated = [p for p in schedule.phases if any(p.name in i.phases for i in _stimulations(schedule))]
    lanes = sum(max(len(items), 1) for items in schedule.arms.values())
    left = sum(_columns(schedule))
    handles = _handles(schedule)
    head = 0.62 + 0.17 * bool(schedule.scanned)
    top = head + legend_height(handles, 8) + 0.55
    widths = [clock.width] + [_SECONDS] * len(stimulated)
    gap = 0.35
    words = ["shaded: recorded stretches, wider than to scale"] + [f"scanned: {schedule.scanned}"] * bool(schedule.scanned)
    drawn = left + sum(widths) + gap * len(stimulated) + 0.3
    width = max(drawn, 0.3 + 0.071 * max(map(len, words)), 0.3 + 0.13 * len(schedule.name))
    right = 0.3 + width - drawn
    sheet = Sheet([(_LANE * lanes, widths)], width, left=left, right=right, top=top, bottom=0.55, gap=gap)
    sheet.text(0.12, 0.12, spaced(schedule.name), fontsize=13, fontweight="bold")
    for k, line in enumerate(words):
        sheet.text(0.12, 0.36 + 0.17 * k, line, fontsize=8.5, color="#555555")
    sheet.legend(head, handles)
    colors = arm_colors(list(schedule.arms), schedule.reference)
    strip, *seconds = sheet.rows[0]
    _rows(sheet.rows[0], schedule, lanes)
    _strip(strip, clock, schedule, colors)
    for axes, phase in zip(seconds, stimulated, strict=True):
        _recording(axes, phase, schedule, colors)
    return sheet.figure


def _columns(schedule: Schedule) -> tuple[float, float]:
    """Widths of the names of the arms and of what is done to them, inches."""
    texts = [_short(item.text) for item in _all(schedule)]
    return 0.25 + 0.083 * max(map(len, schedule.arms)), 0.1 + 0.065 * max(map(len, texts), default=0)


def _all(schedule: Schedule) -> list[Item]:
    return [item for items in schedule.arms.values() for item in items]


def _stimulations(schedule: Schedule) -> list[Item]:
    return [item for item in _all(schedule) if item.kind == "stimulation"]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3].rstrip() + "..."


def _handles(schedule: Schedule) -> list[Line2D]:
    marks = {
        "dose": ("v", 6, 0, "dose"),
        "held": ("s", 6, 0, "held, or infused"),
        "stimulation": ("|", 8, 1.5, "stimulation"),
        "whole": ("_", 10, 3, "for the whole trial"),
    }
    kinds = [kind for kind in marks if any(item.kind == kind for item in _all(schedule))]
    return [
        Line2D([], [], color=MUTED, ls="none", marker=m, ms=size, mew=edge, label=label)
        for m, size, edge, label in (marks[kind] for kind in kinds)
    ]


@dataclass(frozen=True)
class Clock:
    """Where times of the clock of drugs lie on a strip, in inches.

    Between its marks time runs evenly; stretches that would be too short to be seen are widened. At its place on the clock
    every phase takes a width of its own.
    """

    schedule: Schedule

    @cached_property
    def before(self) -> tuple[PhaseTime, ...]:
        return tuple(phase for phase in self.schedule.phases if phase.at < 0)

    @cached_property
    def after(self) -> tuple[PhaseTime, ...]:
        return tuple(phase for phase in self.schedule.phases if phase.at >= 0)

    @cached_property
    def marks(self) -> tuple[float, ...]:
        """Times (s) from zero on that the axis names, rising."""
        items = _all(self.schedule)
        has_drugs = any(item.times is not None or item.spans for item in items)
        found = {0.0} if has_drugs or self.after else set()
        found |= {phase.at for phase in self.after}
        given = {float(t) for item in items if item.times is not None for t in item.times[:1]}
        given |= {t for item in items for span in item.spans[:1] for t in span if math.isfinite(t)}
        return tuple(sorted(found | set(sorted(given)[:_MOST_TICKS])))

    @cached_property
    def _gaps(self) -> np.ndarray:
        steps = np.diff(self.marks)
        return np.maximum(_LENGTH * steps / steps.sum(), _SHORTEST) if steps.size else steps

    @property
    def is_to_scale(self) -> bool:
        steps = np.diff(self.marks)
        return bool(steps.size) and bool(np.allclose(self._gaps / self._gaps.sum(), steps / steps.sum()))

    def slot(self, phase: PhaseTime) -> float:
        return max(0.45, 0.075 * max(len(spaced(phase.name)), len(_record(phase))) + 0.1)

    @cached_property
    def _starts(self) -> np.ndarray:
        """Place of every mark."""
        x = 0.15 + sum(self.slot(phase) + 0.15 for phase in self.before) + 0.1 * bool(self.before)
        places = []
        for k, mark in enumerate(self.marks):
            places.append(x)
            x += sum(self.slot(p) + 0.06 for p in self.after if p.at == mark)
            x += self._gaps[k] if k < len(self._gaps) else 0.0
        return np.array(places)

    @cached_property
    def slots(self) -> dict[str, tuple[float, float]]:
        """Phase → where it begins and ends on the strip."""
        found, x = {}, 0.15
        for phase in self.before:
            found[phase.name] = (x, x + self.slot(phase))
            x += self.slot(phase) + 0.15
        for mark, start in zip(self.marks, self._starts, strict=True):
            x = start + 0.06
            for phase in (p for p in self.after if p.at == mark):
                found[phase.name] = (x, x + self.slot(phase))
                x += self.slot(phase) + 0.06
        return found

    @property
    def width(self) -> float:
        ends = [end for _, end in self.slots.values()] + [*self._starts[-1:]]
        return max(ends) + 0.15

    def place(self, t: float) -> float:
        """Where a time lies; beyond the last mark at the end of the strip."""
        if t in self.marks:
            return float(self._starts[self.marks.index(t)])
        if not self.marks or t > self.marks[-1]:
            return self.width
        k = int(np.searchsorted(self.marks, t)) - 1
        part = (t - self.marks[k]) / (self.marks[k + 1] - self.marks[k])
        return float(self._starts[k + 1] - self._gaps[k] * (1 - part))


def _record(phase: PhaseTime) -> str:
    return time_text(phase.record) if phase.record else ""


def _rows(panels: Sequence[Axes], schedule: Schedule, lanes: int) -> None:
    """Every arm a band of lanes; names and items to the left of the first panel."""
    first, row = panels[0], 0
    names, texts = _columns(schedule)
    inches = first.get_position().width * first.figure.get_size_inches()[0]
    style = {"transform": first.get_yaxis_transform(), "va": "center_baseline", "ha": "left", "color": INK}
    for k, (name, items) in enumerate(schedule.arms.items()):
        n = max(len(items), 1)
        for axes in panels:
            axes.axhspan(row - 0.5, row + n - 0.5, color="#f3f3f1" if k % 2 == 0 else "white", lw=0, zorder=-10)
        first.text((0.12 - names - texts) / inches, row, spaced(name), fontsize=8.5, fontweight="bold", **style)
        for lane, item in enumerate(items):
            first.text(-texts / inches, row + lane, _short(item.text), fontsize=8, **style)
        row += n
    for axes in panels:
        axes.set_ylim(lanes - 0.5, -0.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)


def _strip(axes: Axes, clock: Clock, schedule: Schedule, colors: Mapping[str, str]) -> None:
    axes.set_xlim(0, clock.width)
    for phase in schedule.phases:
        low, high = clock.slots[phase.name]
        axes.axvspan(low, high, color=BAND, lw=0, zorder=-5)
        _above(axes, (low + high) / 2, spaced(phase.name), _record(phase))
    row = 0
    for name, items in schedule.arms.items():
        for lane, item in enumerate(items):
            _item(axes, clock, item, row + lane, colors[name])
        row += max(len(items), 1)
    axes.set_xticks([clock.place(t) for t in clock.marks], [_tick(t) for t in clock.marks])
    scale = "" if clock.is_to_scale or len(clock.marks) < 2 else "; stretches not to scale"
    unit = " or ".join(dict.fromkeys(_tick(t).split()[1] for t in clock.marks if t > 0)) or "s"
    given = any(item.kind in ("dose", "held") for item in _all(schedule))
    axes.set_xlabel(f"time from the {'first dose' if given else 'start'} ({unit}{scale})")


def _above(axes: Axes, x: float, *lines: str) -> None:
    """Words over the strip, the last line nearest to it."""
    across = axes.get_xaxis_transform()
    for k, line in enumerate(reversed([line for line in lines if line])):
        inches = axes.get_position().height * axes.figure.get_size_inches()[1]
        style = {"fontsize": 8, "color": INK if k else "#555555"}
        axes.text(x, 1 + (0.05 + 0.16 * k) / inches, line, ha="center", va="bottom", transform=across, **style)


def _tick(t: float) -> str:
    return time_text(t) if t > 0 else "0"


def _item(axes: Axes, clock: Clock, item: Item, y: float, color: str) -> None:
    """The marks of one item in its lane."""
    if item.kind == "whole":
        axes.plot([0.05, clock.width - 0.05], [y, y], color=color, lw=3, alpha=0.35, solid_capstyle="butt")
    for name in item.phases:
        low, high = clock.slots[name]
        if item.kind == "stimulation":
            axes.plot(np.linspace(low + 0.08, high - 0.08, 5), [y] * 5, "|", color=color, ms=7, mew=1.5)
        else:
            _bar(axes, low, high, y, color)
    for start, end in item.spans[:_MOST_MARKS]:
        _bar(axes, clock.place(start), clock.place(end), y, color)
    if item.times is not None:
        shown = item.times[item.times <= clock.marks[-1]][:_MOST_MARKS]
        axes.plot([clock.place(t) for t in shown], [y] * len(shown), "v", color=color, ms=6, mew=0, clip_on=False)


def _bar(axes: Axes, low: float, high: float, y: float, color: str) -> None:
    axes.barh(y, high - low, left=low, height=0.42, color=color, alpha=0.75, lw=0, zorder=2)


def _recording(axes: Axes, phase: PhaseTime, schedule: Schedule, colors: Mapping[str, str]) -> None:
    """Stimulations within the seconds of one phase's recording."""
    axes.set_xlim(0, phase.record)
    row = 0
    for name, items in schedule.arms.items():
        for lane, item in enumerate(items):
            if item.kind == "stimulation" and phase.name in item.phases:
                _pulses(axes, item, row + lane, colors[name])
        row += max(len(items), 1)
    axes.set_facecolor("#f1f4f6")
    _above(axes, phase.record / 2, f"within {spaced(phase.name)}")
    axes.set_xlabel("time (s)")


def _pulses(axes: Axes, item: Item, y: float, color: str) -> None:
    spans = np.array(item.in_phase)
    if 1 < len(spans) <= _MOST_MARKS:
        axes.vlines(spans[:, 0], y - 0.32, y + 0.32, color=color, lw=0.9)
        return
    axes.barh(y, spans[-1, 1] - spans[0, 0], left=spans[0, 0], height=0.42, color=color, alpha=0.75, lw=0)
    if len(spans) == 1:
        axes.vlines(spans[0, 0], y - 0.32, y + 0.32, color=color, lw=0.9)
