"""Print docs/validation.csv as the table of a page. Run: python tools/score_table.py AREA, or core for the README."""

import csv
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "docs" / "validation.csv"


def rows():
    """The committed rows."""
    with SOURCE.open(encoding="utf-8") as stream:
        yield from csv.DictReader(stream)


def line(*cells):
    return "| " + " | ".join(cells) + " |"


def area_lines(area):
    """Markdown rows of one area, with odds (docs/pet.md)."""
    yield line("id", "what", "model", "published", "band", "unit", "odds", "verdict")
    yield "|---" * 8 + "|"
    for row in rows():
        if row["area"] == area:
            band = f"{row['low']} to {row['high']}" if row["low"] else ""
            cells = ("id", "what", "model", "value", None, "unit", "odds", "verdict")
            yield line(*(band if c is None else row[c] for c in cells))


def core_lines():
    """Markdown rows of the core rows (README.md)."""
    yield line("row", "what", "published (band)", "model [95 %]", "")
    yield "|---" * 5 + "|"
    for row in rows():
        if row["core"]:
            band = f" ({_number(row['low'])} to {_number(row['high'])})" if row["low"] else ""
            ends = f" [{_number(row['model_low'])}, {_number(row['model_high'])}]" if row["model_low"] else ""
            published = _number(row["value"]) or "a direction"
            cells = (f"{published}{band} {row['unit']}", f"{_number(row['model'])}{ends}", row["verdict"])
            yield line(row["id"], row["what"], *cells)


def _number(text):
    return f"{float(text):.3g}" if text else ""


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else "pet"
    print("\n".join(core_lines() if asked == "core" else area_lines(asked)))
