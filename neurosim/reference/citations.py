"""What the sources in tables and circuits stand for: text as written → entries of ``references.bib``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from neurosim.errors import ReferenceDataError, nearest
from neurosim.reference.bibtex import BibEntry, parse
from neurosim.reference.tables import table, table_names

__all__ = ["SOFTWARE", "Citation", "bibliography", "citation", "source_texts"]

#: Key of the entry of this software.
SOFTWARE = "neurosim"


@dataclass(frozen=True)
class Citation:
    """A source as a table or circuit writes it.

    Attributes
    ----------
    text : str
    entries : tuple of BibEntry
        The publications it names; none for what is no publication, such as a rule or a product label.
    doi_checked : str
        ``yes``: the DOIs were seen beside the publication; ``memory``: at least one is recalled only; ``none``: at least
        one publication stands without a DOI, or there is none to look up; ``no``: nobody has looked.
    note : str
    """

    text: str
    entries: tuple[BibEntry, ...]
    doi_checked: str
    note: str


@cache
def bibliography() -> Mapping[str, BibEntry]:
    """All entries of ``references.bib`` by key.

    Raises
    ------
    ReferenceDataError
        If the file cannot be read or is not well-formed.
    """
    path = files("neurosim.reference") / "data" / "references.bib"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReferenceDataError(f"references.bib: cannot be read ({error})") from error
    return MappingProxyType(parse(text))


@cache
def _citations() -> Mapping[str, Citation]:
    known = bibliography()
    found: dict[str, Citation] = {}
    for row in table("citations.csv"):
        keys = row["key"].split()
        for key in keys:
            if key not in known:
                raise ReferenceDataError(
                    f"reference table citations.csv: {row['text']!r}: no entry {key!r} in references.bib; "
                    f"{nearest(key, known)}"
                )
        if row["text"] in found:
            raise ReferenceDataError(f"reference table citations.csv: two rows for {row['text']!r}")
        entries = tuple(known[key] for key in keys)
        found[row["text"]] = Citation(row["text"], entries, row["doi_checked"], row["note"])
    return MappingProxyType(found)


def citation(text: str) -> Citation | None:
    """What a source stands for, or None for one that ``citations.csv`` does not have (a user's own circuit)."""
    return _citations().get(text.strip())


def _holds_source(column: str) -> bool:
    """Whether a column says where a number is from: ``source``, ``citation``, or ``NAME_source`` of another column."""
    return column in ("source", "citation") or column.endswith("_source")


def source_texts() -> tuple[str, ...]:
    """Every distinct source of every table, in file order."""
    return tuple(
        dict.fromkeys(
            row[column]
            for name in table_names()
            for row in table(name)
            for column in row
            if _holds_source(column) and row[column]
        )
    )
