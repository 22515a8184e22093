"""The rows that ship, and what a file of rows must name that exists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import as_file, files
from pathlib import Path

from neurosim.errors import SpecError, nearest
from neurosim.spec import Condition, Row, Rows, load_rows, locate
from neurosim.validation.readouts import get_readout

__all__ = ["ROWS_FILE", "check_rows", "chosen", "read_rows"]

ROWS_FILE = "rows.yaml"


def read_rows(path: str | Path | None = None) -> Rows:
    """The rows of a file, by default those that ship, with every readout and argument checked.

    Raises
    ------
    SpecError
        One sentence per mistake, with file:line, path, what is allowed and the nearest match.
    """
    if path is not None:
        rows = load_rows(path)
    else:
        with as_file(files("neurosim.validation") / ROWS_FILE) as place:
            rows = load_rows(place)
    check_rows(rows)
    return rows


def check_rows(rows: Rows) -> None:
    """Refuse rows that name a readout, argument or unit that does not exist.

    Raises
    ------
    SpecError
    """
    problems = [text for name in rows.rows for text in _problems(rows, name)]
    if problems:
        raise SpecError(*problems)


def _problems(rows: Rows, name: str) -> Iterable[str]:
    row = rows.rows[name]
    if row.not_expressible is not None:
        return
    for k, condition in enumerate(row.conditions):
        yield from _condition_problems(rows, (name,) if k == 0 else (name, "also", k - 1), condition)


def _condition_problems(rows: Rows, path: tuple[str | int, ...], condition: Row | Condition) -> Iterable[str]:
    try:
        found = get_readout(condition.readout_name)
    except SpecError as error:
        yield _placed(rows, (*path, "readout"), str(error))
        return
    problem = found.problem(condition.arguments)
    if problem:
        yield _placed(rows, (*path, "readout", condition.readout_name), problem)
    expected = condition.expected
    if expected.is_band and expected.unit != found.unit:
        words = f"'{expected.unit}' is given and readout {found.name} is in {found.unit}"
        yield _placed(rows, (*path, "expected", "unit"), words)
    if not expected.is_band and not found.is_change:
        words = f"readout {found.name} is no change, so it has no direction; give low, high and unit"
        yield _placed(rows, (*path, "expected", "direction"), words)


def _placed(rows: Rows, path: tuple, sentence: str) -> str:
    place = locate(rows, ("rows", *path))
    words = f"rows.{'.'.join(map(str, path))}: {sentence}"
    return f"{place}: {words}" if place else words


def chosen(rows: Rows, only: Sequence[str] | None) -> tuple[str, ...]:
    """Ids to score: all, or those asked for.

    Raises
    ------
    SpecError
        An id that the file does not have.
    """
    if not only:
        return tuple(rows.rows)
    for name in only:
        if name not in rows.rows:
            raise SpecError(f"--only {name}: no such row; {nearest(name, rows.rows)}")
    return tuple(name for name in rows.rows if name in only)
