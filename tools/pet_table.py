"""Print docs/validation.csv as the table of docs/pet.md. Run: python tools/pet_table.py [AREA]"""

import csv
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "docs" / "validation.csv"


def lines(area):
    """Markdown rows of one area."""
    yield "| id | what | model | published | band | unit | odds | verdict |"
    yield "|---|---|---|---|---|---|---|---|"
    with SOURCE.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["area"] == area:
                band = f"{row['low']} to {row['high']}" if row["low"] else ""
                cells = ("id", "what", "model", "value", None, "unit", "odds", "verdict")
                yield "| " + " | ".join(band if c is None else row[c] for c in cells) + " |"


if __name__ == "__main__":
    print("\n".join(lines(sys.argv[1] if len(sys.argv) > 1 else "pet")))
