"""Citations: ``{cite}`KEY``` becomes the authors and year of an entry of references.bib, linked to the bibliography.

The page with the directive ``bibliography`` lists every entry with its DOI or address.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from neurosim.reference import BibEntry, bibliography

__all__ = ["PAGE", "keys_of", "label", "setup"]

#: The page that lists the entries.
PAGE = "bibliography"
_LOG = logging.getLogger(__name__)
_CITED = re.compile(r"\{cite\}`([^`]+)`|:cite:`([^`]+)`")


def keys_of(text: str) -> list[str]:
    """Keys that a page cites, in order, those of one citation apart."""
    return [key.strip() for found in _CITED.finditer(text) for key in (found[1] or found[2]).split(",")]


def label(entry: BibEntry) -> str:
    """Authors and year: ``Brette and Gerstner (2005)``; the title where nobody is named."""
    people = [name.split(",")[0].strip("{}") for name in (entry.fields.get("author") or "").split(" and ") if name]
    year = entry.fields.get("year")
    if not people:
        return (entry.fields.get("title") or entry.key).translate({ord(c): None for c in "{}\\"})
    is_long = "others" in people or len(people) > 2
    names = f"{people[0]} et al." if is_long else " and ".join(people)
    names = names.translate({ord(c): None for c in "{}\\"})
    return f"{names} ({year})" if year else names


class Cite(SphinxRole):
    """``{cite}`key, key```."""

    def run(self):
        found: list[nodes.Node] = []
        for key in keys_of(f"{{cite}}`{self.text}`"):
            entry = bibliography().get(key)
            if entry is None:
                _LOG.warning("no entry %r in references.bib", key, location=self.get_location())
                continue
            if found:
                found.append(nodes.Text("; "))
            target = nodes.reference("", label(entry), internal=True, refuri=self._address(key), classes=["citation"])
            found.append(target)
        return found, []

    def _address(self, key: str) -> str:
        return f"{self.env.app.builder.get_relative_uri(self.env.docname, PAGE)}#cite-{key}"


class Bibliography(SphinxDirective):
    """All entries in the order of their keys."""

    has_content = False

    def run(self):
        items = nodes.bullet_list(classes=["bibliography"])
        for key, entry in bibliography().items():
            line = nodes.paragraph()
            head, _, address = entry.text.rpartition(". ") if "://" in entry.text else (entry.text, "", "")
            line += nodes.strong("", key)
            line += nodes.Text(f" {head}. ")
            if address:
                line += nodes.reference("", address.removeprefix("https://doi.org/"), refuri=address)
            items += nodes.list_item("", line, ids=[f"cite-{key}"])
        return [items]


def setup(app):
    """Register the role and the directive."""
    app.add_role("cite", Cite())
    app.add_directive("bibliography", Bibliography)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
