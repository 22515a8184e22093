"""Words and tables on a terminal or in a pipe; lines are never wrapped."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

__all__ = ["error", "note", "plain", "say", "table", "title"]

_GAP = "  "
#: Without a terminal a table may be as wide as it likes.
_ENDLESS = 10_000


def say(text: str = "") -> None:
    """A line on standard output."""
    print(text)


def note(text: str) -> None:
    """A line on standard error that is not an error."""
    print(text, file=sys.stderr, flush=True)


def error(text: str) -> None:
    """Each line of a message on standard error, marked."""
    error.n_said += 1
    for line in text.splitlines() or [""]:
        print(f"error: {line}", file=sys.stderr)


#: Errors said by this process; an exit that nobody explained is explained at the end.
error.n_said = 0


def title(text: str) -> None:
    """A heading."""
    print(f"\n{text}")


def plain(number: float | None) -> str:
    """A number to four digits, without an exponent where it is not huge; empty for None."""
    return "" if number is None else f"{float(f'{number:.4g}'):.8g}"


def table(
    headers: Sequence[str], rows: Sequence[Sequence[object]], indent: str = "  ", fixed: int = 1
) -> None:
    """Aligned columns; numbers to the right.

    Where the terminal is narrower than the table, the columns after the first ``fixed`` continue below.
    """
    texts = [[_text(cell) for cell in row] for row in rows]
    is_number = [all(_is_number(row[k]) for row in texts) for k in range(len(headers))]
    widths = [max([len(headers[k]), *(len(row[k]) for row in texts)]) for k in range(len(headers))]
    for block in _blocks(widths, len(indent), min(fixed, len(headers))):
        for line in [list(headers), *texts]:
            cells = [line[k].rjust(widths[k]) if is_number[k] else line[k].ljust(widths[k]) for k in block]
            print((indent + _GAP.join(cells)).rstrip())


def _blocks(widths: list[int], indent: int, fixed: int) -> list[list[int]]:
    room = (shutil.get_terminal_size().columns if sys.stdout.isatty() else _ENDLESS) - indent
    always = list(range(fixed))
    used = start = sum(widths[k] + len(_GAP) for k in always)
    blocks = [list(always)]
    for k in range(fixed, len(widths)):
        if used + widths[k] > room and len(blocks[-1]) > fixed:
            blocks.append(list(always))
            used = start
        blocks[-1].append(k)
        used += widths[k] + len(_GAP)
    return blocks


def _text(cell: object) -> str:
    return "-" if cell is None or cell == "" else str(cell)


def _is_number(text: str) -> bool:
    """Whether a cell is a number, or one with a unit, or empty."""
    number, _, unit = text.partition(" ")
    try:
        float(number)
    except ValueError:
        return text == "-"
    return " " not in unit
