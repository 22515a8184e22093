"""``validate``: the table of published numbers against the model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from neurosim.cli.console import error, plain, say, table
from neurosim.cli.progress import Progress

__all__ = ["validate"]


def validate(only: Sequence[str] | None, rows: str | None, quick: bool, workers: int | None) -> int:
    """Score rows, print the table, and return the exit status of ``run``."""
    from neurosim.validation import VERDICTS, scored_within, tally
    from neurosim.validation import validate as score

    progress = Progress()
    try:
        with progress:
            done = score(only=only, rows=rows, quick=quick, workers=workers, progress=progress)
    except KeyboardInterrupt:
        error(progress.interrupted)
        return 130
    table(
        ["id", "what", "model", "published", "band", "unit", "odds", "verdict", "reason"],
        [
            [
                s.id,
                _short(s.what),
                _cell(s.reading.value),
                _cell(s.value),
                "" if math.isnan(s.low) else f"{plain(s.low)} to {plain(s.high)}",
                s.unit,
                _cell(s.odds),
                s.verdict,
                s.reason,
            ]
            for s in done.scores
        ],
        indent="",
    )
    counts = Counter(s.verdict for s in done.scores)
    say("\n" + ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]))
    near, inside, n = scored_within(done.scores)
    if n:
        say(
            f"of {n} rows with a number: {near} within threefold ({near / n:.0%}), {inside} in band ({inside / n:.0%})"
        )
    counted = tally(done.scores)
    if counted.signed:
        share = counted.right_sign / counted.signed
        say(f"of {counted.signed} rows with a sign: {counted.right_sign} have it right ({share:.0%})")
    say(f"table    {done.table}")
    say(f"page     {done.page}")
    return 1 if done.has_failed else 0


def _short(text: str, longest: int = 60) -> str:
    return text if len(text) <= longest else text[: longest - 3].rstrip() + "..."


def _cell(value: float) -> str:
    return "" if math.isnan(value) else plain(float(f"{value:.3g}"))
