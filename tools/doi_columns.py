#!/usr/bin/env python3
"""Write what is known of the DOIs of the sources into the tables: column ``doi_checked``.

Every table of neurosim/reference/data that has a column ``source`` or ``citation`` gets the ``doi_checked`` of
citations.csv beside it; the manifest follows. With ``--add``, sources of tables and shipped circuits that citations.csv
does not have are appended to it first, without a key and with ``doi_checked`` no. Running it twice changes nothing.

    .venv/bin/python tools/doi_columns.py --add
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "neurosim" / "reference" / "data"
CITATIONS = "citations.csv"
PRIMARY = ("source", "citation")
COLUMN = "doi_checked"


def read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Heading and rows of a CSV file, cells as written."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    return list(reader.fieldnames or ()), rows


def write(path: Path, heading: list[str], rows: list[dict[str, str]]) -> bool:
    """Write a table with Unix line ends; whether that changed the file."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, heading, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    old = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")
    return stream.getvalue() != old


def missing(known: set[str]) -> list[str]:
    """Sources of tables and shipped circuits that are not known."""
    from neurosim.reference import source_texts
    from neurosim.spec import list_circuits, load_circuit, provenance

    texts = list(source_texts())
    for name in list_circuits():
        texts += [entry.source.strip() for entry in provenance(load_circuit(name)) if entry.source]
    return [text for text in dict.fromkeys(texts) if text not in known]


def fill(path: Path, known: dict[str, str]) -> bool:
    """Set the column of one table; whether it changed. Tables without sources are left alone."""
    heading, rows = read(path)
    source = next((column for column in PRIMARY if column in heading), None)
    if source is None or path.name == CITATIONS:
        return False
    if COLUMN not in heading:
        heading.insert(heading.index("url" if "url" in heading else source) + 1, COLUMN)
    for row in rows:
        text = row[source].strip()
        row[COLUMN] = known.get(text, "no") if text else ""
    return write(path, heading, rows)


def update_manifest() -> None:
    """Rows and checksum of every table, as they are now."""
    path = DATA / "manifest.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    for name, entry in entries.items():
        entry["rows"] = len(read(DATA / name)[1])
        entry["sha256"] = hashlib.sha256((DATA / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--add", action="store_true", help="append sources that citations.csv does not have")
    arguments = parser.parse_args()
    heading, rows = read(DATA / CITATIONS)
    new = missing({row["text"] for row in rows})
    if new and not arguments.add:
        print(f"{len(new)} sources are not in {CITATIONS}; --add appends them:", *new, sep="\n  ", file=sys.stderr)
        return 1
    rows += [{"text": text, "key": "", COLUMN: "no", "note": ""} for text in new]
    write(DATA / CITATIONS, heading, rows)
    known = {row["text"]: row[COLUMN] for row in rows}
    changed = [path.name for path in sorted(DATA.glob("*.csv")) if fill(path, known)]
    update_manifest()
    print(f"{len(new)} sources added; tables changed: {', '.join(changed) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
