"""The main answer as numbers: what changed most, and what changed clearly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurosim.report.conditions import MOST, Compared, compared
from neurosim.report.drugs import DrugFound, Held
from neurosim.report.figures import Readout
from neurosim.report.numbers import Stated, stated, statistics_of

__all__ = ["Answer", "Change", "answers_of", "changes_of"]

#: A change counts from here on, as a direction in the validation (part of the reference).
_LEAST = 0.1


@dataclass(frozen=True)
class Change:
    """One paired change.

    Attributes
    ----------
    what, name : str
        ``Firing rates`` of ``DRN_HT``.
    label : str
        The condition.
    before, after : Stated
        Means over subjects of reference and condition.
    change : list of Stated
        The change, and the ends of its interval where there is one.
    n : Stated
        Subjects with both.
    size : float
        Distance from no change, on one scale for ratios and shifts (natural logarithm).
    is_clear : bool
        At least 10 %, and the interval excludes no change.
    """

    what: str
    name: str
    label: str
    color: str
    before: Stated
    after: Stated
    change: list[Stated]
    n: Stated
    size: float
    is_clear: bool


@dataclass(frozen=True)
class Answer:
    """What each drug holds most in a condition, and the largest change of each kind."""

    label: str
    color: str
    against: str
    held: tuple[Held, ...]
    changes: tuple[Change, ...]


def changes_of(results, readouts: Sequence[Readout]) -> tuple[Change, ...]:
    """All paired changes in the last phase that are numbers, the largest first."""
    conditions = [c for c in compared(results, results.phases[-1])[:MOST] if c.against]
    found = [change for condition in conditions for readout in readouts for change in _changes(readout, condition)]
    return tuple(sorted(found, key=lambda change: -change.size))


def _changes(readout: Readout, condition: Compared) -> list[Change]:
    paired = readout.change(condition)
    means = [statistics_of(side(readout.values))["mean"] for side in (condition.other, condition.of)]
    middle, low, high = readout.change_statistics
    keys = (middle, low, high, "n")
    arrays = {key: paired[key].values.tolist() for key in keys}
    sides = [mean.values.tolist() for mean in means]
    found = []
    for k, name in enumerate(readout.values[readout.row].values.tolist()):
        values = {key: arrays[key][k] for key in keys}
        if math.isnan(values[middle]):
            continue
        place = {**readout.at, **condition.pair_at, readout.row: name}
        own = {key: v for key, v in place.items() if key != "against"}
        other = {**own, "arm": condition.against[0], "phase": condition.against[1]}
        before, after = (side[k] for side in sides)
        has_interval = math.isfinite(values[low]) and math.isfinite(values[high])
        shown = keys[:3] if has_interval else keys[:1]
        found.append(
            Change(
                readout.title,
                name,
                condition.label,
                condition.color,
                stated(before, readout.variable, "mean", other, readout.level_text(before)),
                stated(after, readout.variable, "mean", own, readout.level_text(after)),
                [stated(values[s], readout.variable, s, place, readout.change_text(values[s])) for s in shown],
                stated(values["n"], readout.variable, "n", place, f"{values['n']:.0f}"),
                _size(readout, values[middle]),
                has_interval and _is_clear(readout, values[middle], values[low], values[high]),
            )
        )
    return found


def _size(readout: Readout, value: float) -> float:
    if readout.is_shift:
        return abs(value) * math.log(2)
    return abs(math.log(value)) if 0 < value < math.inf else math.inf


def _is_clear(readout: Readout, value: float, low: float, high: float) -> bool:
    none = 0.0 if readout.is_shift else 1.0
    return _size(readout, value) >= math.log1p(_LEAST) - 1e-12 and not low <= none <= high


def answers_of(
    results, readouts: Sequence[Readout], changes: Sequence[Change], drugs: Sequence[DrugFound]
) -> tuple[Answer, ...]:
    """Of each condition what drugs hold, and the largest change of each kind, clear ones first."""
    conditions = [c for c in compared(results, results.phases[-1])[:MOST] if c.against]
    answers = []
    for condition in conditions:
        own = [change for change in changes if change.label == condition.label]
        most = []
        for title in dict.fromkeys(readout.title for readout in readouts):
            kind = [change for change in own if change.what == title and np.isfinite(change.size)]
            most += sorted(kind, key=lambda change: (not change.is_clear, -change.size))[:1]
        arm, phase = condition.against
        held = tuple(filter(None, (drug.most_held(condition.label) for drug in drugs)))
        against = arm if len(results.arms) > 1 else phase
        answers.append(Answer(condition.label, condition.color, against, held, tuple(most)))
    return tuple(answers)
