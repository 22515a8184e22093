"""A small, strict reader of BibTeX: what ``references.bib`` may contain, and nothing else.

A file is a sequence of comment lines that begin with ``%``, empty lines and entries::

    @article{guiard2008,
      author = {Guiard, B. P. and Blier, P.},
      year = {2008},
    }

Values stand in braces, one field on a line; macros, quoted values and characters that LaTeX would not print are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from neurosim.errors import ReferenceDataError, nearest

__all__ = ["BibEntry", "bibtex", "parse"]

#: Kind → fields of which at least one each must be there.
_NEEDS = {
    "article": (("author", "title", "pages", "doi", "url"), ("journal",), ("year",)),
    "book": (("author", "editor"), ("title",), ("year",)),
    "incollection": (("author",), ("booktitle",), ("year",)),
    "misc": (("author", "title"), ("url", "doi", "howpublished", "note")),
    "software": (("author",), ("title",)),
}
_FIELDS = (
    "author", "editor", "title", "journal", "booktitle", "publisher", "year", "volume", "number", "pages",
    "howpublished", "doi", "url", "note", "license", "version",
)  # fmt: skip
_FORMS = {
    "year": r"[12]\d{3}",
    "doi": r"10\.\d{4,9}/\S+",
    "url": r"https?://\S+",
    "pages": r"[A-Za-z]*[\d.]+(--[A-Za-z]*[\d.]+)?",
}
#: Characters that LaTeX would not print as they are; a doi or url is set by its own command.
_SPECIAL = re.compile(r"(?<!\\)[&%$#_]")
_VERBATIM = ("doi", "url")
_HEAD = re.compile(r"@(\w+)\{([a-z][a-z0-9_-]*),")
_FIELD = re.compile(r"  (\w+) = \{(.*)\},")


@dataclass(frozen=True)
class BibEntry:
    """An entry: ``kind`` (``article`` ...), ``key``, and field → text without the braces around it."""

    kind: str
    key: str
    fields: Mapping[str, str] = field(hash=False)

    @property
    def address(self) -> str:
        """Where it is found: that of its DOI, else the one it states; empty if there is none."""
        doi = self.fields.get("doi")
        return f"https://doi.org/{doi}" if doi else self.fields.get("url") or ""

    @property
    def text(self) -> str:
        """The entry as a person reads it: authors (year) title, journal volume:pages, doi or address."""
        return ". ".join(filter(None, (self.words.rstrip("."), self.address)))

    @property
    def words(self) -> str:
        """The entry as a person reads it, without its address."""
        get = self.fields.get
        authors = _people(get("author") or get("editor") or "")
        head = " ".join(filter(None, (authors, f"({get('year')})" if get("year") else "")))
        version = get("version") and f"version {get('version')}"
        venue = version or get("journal") or get("booktitle") or get("howpublished") or get("publisher") or ""
        place = ":".join(filter(None, (get("volume"), (get("pages") or "").replace("--", "-"))))
        parts = (f"{head}:" if get("title") and head else head, get("title") and f"{get('title')}.", venue, place)
        return " ".join(filter(None, parts)).translate({ord(mark): None for mark in "{}\\"})


def _people(names: str) -> str:
    """``A and B and others`` as printed: up to three, then et al."""
    people = [name for name in names.split(" and ") if name]
    if "others" in people or len(people) > 3:
        return f"{people[0]} et al."
    return ", ".join(people)


def bibtex(entry: BibEntry) -> str:
    """An entry as text that :func:`parse` reads back."""
    lines = [f"@{entry.kind}{{{entry.key},", *(f"  {name} = {{{value}}}," for name, value in entry.fields.items())]
    return "\n".join([*lines, "}"]) + "\n"


def parse(text: str, where: str = "references.bib") -> dict[str, BibEntry]:
    """Entries of a BibTeX text by key, in file order.

    Parameters
    ----------
    text : str
    where : str
        Name for messages.

    Raises
    ------
    ReferenceDataError
        With the line: what is not of the form above, a kind or field that is not known, a key or field given twice, braces
        that do not match, a bare special character, a year, DOI, address or pages that are none, an entry that lacks what
        its kind needs.
    """
    found: dict[str, BibEntry] = {}
    open_entry: tuple[str, str, int] | None = None
    fields: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{where}:{number}"
        if open_entry is None:
            if not line.strip() or line.startswith("%"):
                continue
            open_entry, fields = (*_head(line, place, found), number), {}
        elif line == "}":
            kind, key, start = open_entry
            _check_needs(kind, key, fields, f"{where}:{start}")
            found[key] = BibEntry(kind, key, MappingProxyType(fields))
            open_entry = None
        else:
            name, value = _field(line, place)
            if name in fields:
                raise ReferenceDataError(f"{place}: {name} is given twice; give each field once")
            fields[name] = value
    if open_entry is not None:
        raise ReferenceDataError(f"{where}:{open_entry[2]}: the entry {open_entry[1]} does not end with a line '}}'")
    return found


def _head(line: str, place: str, known: Mapping[str, BibEntry]) -> tuple[str, str]:
    match = _HEAD.fullmatch(line)
    if match is None:
        raise ReferenceDataError(f"{place}: {line!r} begins no entry; allowed: '@kind{{key,' with a key in lower case")
    kind, key = match.groups()
    if kind not in _NEEDS:
        raise ReferenceDataError(f"{place}: unknown kind of entry {kind!r}; {nearest(kind, _NEEDS)}")
    if key in known:
        raise ReferenceDataError(f"{place}: the key {key} is given twice; give each entry its own")
    return kind, key


def _field(line: str, place: str) -> tuple[str, str]:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise ReferenceDataError(f"{place}: {line!r} is no field; allowed: '  name = {{value}},' on a line of its own")
    name, value = match.groups()
    if name not in _FIELDS:
        raise ReferenceDataError(f"{place}: unknown field {name!r}; {nearest(name, _FIELDS)}")
    if not value.strip() or not _is_balanced(value):
        raise ReferenceDataError(f"{place}: {name} = {{{value}}} is empty or its braces do not match")
    if name not in _VERBATIM and _SPECIAL.search(value):
        raise ReferenceDataError(f"{place}: {value!r} holds one of & % $ # _ bare; write a backslash before it")
    if name in _FORMS and not re.fullmatch(_FORMS[name], value):
        raise ReferenceDataError(f"{place}: {value!r} is not a valid {name}")
    return name, value


def _is_balanced(value: str) -> bool:
    depth = 0
    for character in value:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0


def _check_needs(kind: str, key: str, fields: Mapping[str, str], place: str) -> None:
    for choice in _NEEDS[kind]:
        if not any(name in fields for name in choice):
            raise ReferenceDataError(f"{place}: the {kind} {key} has no {' or '.join(choice)}; give one")
