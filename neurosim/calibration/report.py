"""A calibration as tables: where each row ended, and what the rows said about each gain."""

from __future__ import annotations

import math
from collections.abc import Sequence

from neurosim.calibration.calibrate import Calibrated

__all__ = ["gain_table", "report", "row_table"]

Table = tuple[list[str], list[list[str]]]


def row_table(done: Calibrated) -> Table:
    """Headers and lines: every row with its band and the model."""
    lines = [
        [
            row.row,
            row.readout,
            row.unit,
            _plain(row.low),
            _plain(row.high),
            _plain(row.model),
            f"{_plain(row.lowest)} - {_plain(row.highest)}",
            "inside" if row.is_inside else "OUTSIDE",
        ]
        for row in done.rows
    ]
    return ["row", "readout", "unit", "low", "high", "model", "subjects", "verdict"], lines


def gain_table(done: Calibrated) -> Table:
    """Headers and lines: every gain with its value and how well the rows alone know it."""
    lines = [
        [
            f"{gain.block}.{gain.name}",
            gain.value,
            gain.assumed,
            f"{gain.factor:.2f}",
            _factor(gain.identified.factor),
            ", ".join(f"{name} {r:+.2f}" for name, r in gain.identified.correlations.items()),
            ", ".join(gain.more),
            ", ".join(gain.less),
            gain.identified.verdict,
        ]
        for gain in done.gains
    ]
    headers = ["gain", "value", "assumed", "ratio", "known to", "correlated with", "more", "less", "verdict"]
    return headers, lines


def report(done: Calibrated) -> str:
    """The calibration as Markdown."""
    parts = [
        f"# Calibration of {done.circuit}",
        f"Written by `neurosim calibrate {done.circuit} --report FILE`; {done.n_inside} of {len(done.rows)} rows lie inside "
        "their bands (mean of the subjects inside, each subject inside the band widened 1.5-fold).",
        "## Rows",
        _markdown(*row_table(done)),
    ]
    if done.gains:
        parts += [
            "## What the rows say about each gain",
            "Least squares of the rows (distance from the middle of the band, in half-widths) and a weak prior (a factor of "
            "5 about the assumed value). *Known to*: standard error by the rows alone, as a factor either way, if each row "
            "may be off by half of its band. *More*, *less*: rows that lie at least half a half-width from their middle and "
            "ask for more or less of the gain; where both are named, they pull against each other.",
            _markdown(*gain_table(done)),
            _summary(done),
        ]
    if done.notes:
        parts += ["## Open", "\n".join(f"- {note}" for note in done.notes)]
    return "\n\n".join(parts) + "\n"


def _summary(done: Calibrated) -> str:
    lines = []
    for verdict in ("identified", "held by its prior", "at a bound"):
        names = [f"{g.block}.{g.name}" for g in done.gains if g.identified.verdict == verdict]
        lines.append(f"- {verdict}: {', '.join(names) or 'none'}")
    torn = [f"{g.block}.{g.name}" for g in done.gains if g.more and g.less]
    lines.append(f"- pulled both ways by its rows: {', '.join(torn) or 'none'}")
    return "\n".join(lines)


def _markdown(headers: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [headers, ["---"] * len(headers), *lines])


def _factor(factor: float) -> str:
    return f"x/÷ {factor:.2f}" if factor < 100 else "not at all"


def _plain(number: float) -> str:
    """A number to four digits, without an exponent."""
    return f"{float(f'{number:.4g}'):.8g}" if math.isfinite(number) else "none"
