"""What a notebook shows of a results folder."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from neurosim.analysis.summary import Axis
from neurosim.recording import OUTCOMES_WITH_DATA

if TYPE_CHECKING:
    from neurosim.analysis.results import Results

__all__ = ["html_of", "outcomes_text", "subjects_text"]

_MOST_VALUES = 8
#: Dimensions that every variable has, which go without saying.
_COMMON = ("arm", "subject", "phase")
_HEAD = 'style="text-align:left;vertical-align:top;padding-right:1em;font-weight:normal;opacity:0.7"'
_CELL = 'style="text-align:left;vertical-align:top;padding-right:1em"'


def html_of(results: Results) -> str:
    """A results folder as HTML: what ran, how it ended, what there is to read, what to do next.

    Self-contained, without scripts and style sheets, in the colours of the notebook.
    """
    rows = [
        ("folder", _code(str(results.folder))),
        ("arms", ", ".join(_named(arm, arm == results.reference[0]) for arm in results.arms)),
        ("subjects", str(len(results.subjects))),
        *((escape(own.name), _axis(own)) for axis in results.axes.values() for own in axis.members or (axis,)),
        ("phases", escape(", ".join(results.phases))),
        ("trials", escape(outcomes_text(results))),
    ]
    notice = f"<p><b>{escape(results.notice)}</b></p>" if results.notice else ""
    return (
        f'<div><p><b>{escape(results.name)}</b> <span style="opacity:0.7">neurosim results</span></p>{notice}'
        f"{_table(rows)}{''.join(_groups(results))}"
        f'<p style="opacity:0.7">Next: {", ".join(_code(step) for step in _next_steps(results))}</p></div>'
    )


def outcomes_text(results: Results) -> str:
    """``"2 failed, 30 ok"``; a trial that a scan axis does not touch counts once."""
    once = np.unique(results.keys.values.ravel(), return_index=True)[1]
    outcomes, counts = np.unique(results.outcomes.values.ravel()[once], return_counts=True)
    return ", ".join(f"{count} {outcome}" for outcome, count in zip(outcomes, counts, strict=True))


def subjects_text(results, most: int | None = None) -> str:
    """``"4 subjects"``; ``"up to 4 subjects"`` where a trial has no data, so that some number is over fewer."""
    n = min(len(results.subjects), most or len(results.subjects))
    is_whole = bool(np.isin(results.outcomes.values, OUTCOMES_WITH_DATA).all())
    return f"{'' if is_whole or n == 1 else 'up to '}{n} subject{'s' * (n != 1)}"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    lines = []
    for head, *cells in rows:
        lines.append(f"<tr><th {_HEAD}>{head}</th>{''.join(f'<td {_CELL}>{cell}</td>' for cell in cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _named(arm: str, is_reference: bool) -> str:
    return f"{escape(arm)} (reference)" if is_reference else escape(arm)


def _axis(axis: Axis) -> str:
    """Values of a scan axis and their unit."""
    texts = [value if isinstance(value, str) else f"{value:.4g}" for value in axis.values]
    if len(texts) > _MOST_VALUES:
        numbers = [v for v in axis.values if not isinstance(v, str)]
        ends = f"{min(numbers):.4g} … {max(numbers):.4g}" if numbers else f"{texts[0]} … {texts[-1]}"
        shown = f"{len(texts)} values, {ends}"
    else:
        shown = ", ".join(texts)
    unit = "" if axis.unit in ("", "1") else f" {axis.unit}"
    return escape(shown + unit)


def _groups(results: Results) -> Iterable[str]:
    common = {*_COMMON, *results.axes}
    for name, node in results.summary.children.items():
        variables = node.to_dataset().data_vars
        rows = []
        for variable, values in variables.items():
            own = " × ".join(f"{d} ({values.sizes[d]})" for d in values.dims if d not in common)
            unit = {"1": "-"}.get(values.attrs.get("units", ""), values.attrs.get("units", ""))
            rows.append((_code(str(variable)), *map(escape, (unit, own, values.attrs.get("long_name", "")))))
        names = f'<span style="opacity:0.7">{escape(", ".join(map(str, variables)))}</span>'
        yield f"<details><summary>{escape(name)}: {names}</summary>{_table(rows)}</details>"


def _next_steps(results: Results) -> list[str]:
    reference = results.reference[0]
    other = next((arm for arm in results.arms if arm != reference), None)
    first = next(iter(results.summary.children))
    variable = next(iter(results.summary[first].data_vars))
    steps = ["results.plot.overview()", f'results.select("{variable}")', f'results.to_dataframe("{variable}")']
    if other:
        steps.append(f'results.compare("{other}", "{reference}")')
    return steps
