"""Every source of every number is known, and every publication is one that some number has."""

import re
from pathlib import Path

import pytest

from neurosim import reference
from neurosim.reference import bibliography, bibtex, citation, source_texts
from neurosim.reference.bibtex import parse
from neurosim.spec import load_circuit, provenance

ROOT = Path(__file__).resolve().parents[2]
CIRCUITS = sorted((ROOT / "circuits").glob("*.yaml"))
ROWS = reference.table("citations.csv")
ADD = "run tools/doi_columns.py --add"


def test_every_source_of_a_table_is_in_citations():
    assert [text for text in source_texts() if citation(text) is None] == [], ADD


@pytest.mark.parametrize("path", CIRCUITS, ids=lambda path: path.stem)
def test_every_source_of_a_circuit_is_in_citations(path):
    texts = {entry.source for entry in provenance(load_circuit(path)) if entry.source}
    assert texts and [text for text in sorted(texts) if citation(text) is None] == [], ADD


def test_every_citation_is_the_source_of_some_number():
    circuits = {entry.source for path in CIRCUITS for entry in provenance(load_circuit(path)) if entry.source}
    assert sorted({row["text"] for row in ROWS} - set(source_texts()) - circuits) == []


def test_the_sources_are_those_of_all_tables():
    texts = set(source_texts())
    columns = {"drugs_binding.csv": "source", "targets.csv": "citation", "receptors.csv": "tau_assay_source"}
    for name, column in columns.items():
        assert {row[column] for row in reference.table(name) if row[column]} <= texts, name


def test_every_key_has_an_entry_and_every_entry_a_use():
    used = {key for row in ROWS for key in row["key"].split()}
    pages = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "model").glob("*.md")))
    equations = {key.strip() for cited in re.findall(r"\{cite\}`([^`]+)`", pages) for key in cited.split(",")}
    assert used | equations | {reference.SOFTWARE} == set(bibliography())


def test_the_bibliography_is_well_formed_sorted_and_read_back():
    entries = bibliography()
    assert list(entries) == sorted(entries)
    assert parse("".join(bibtex(entry) for entry in entries.values())) == dict(entries)


def test_no_doi_belongs_to_two_entries():
    found = [entry.fields["doi"].lower() for entry in bibliography().values() if "doi" in entry.fields]
    assert len(found) == len(set(found)) > 50


@pytest.mark.parametrize("state", ["yes", "memory", "none", "no"])
def test_what_is_said_of_a_doi_is_so(state):
    rows = [row for row in ROWS if row["doi_checked"] == state]
    assert rows or state == "no"
    for row in rows:
        has = ["doi" in entry.fields for entry in citation(row["text"]).entries]
        if state in ("yes", "memory"):
            assert has and all(has), row
        else:
            assert not has or not all(has), row


def test_the_states_are_the_four_and_what_names_no_publication_says_so():
    assert {row["doi_checked"] for row in ROWS} <= {"yes", "memory", "none", "no"}
    assert [row["text"] for row in ROWS if not row["key"] and not row["note"] and row["doi_checked"] != "no"] == []


@pytest.mark.parametrize("name", reference.table_names())
def test_a_column_of_a_table_says_what_citations_says(name):
    for row in reference.table(name):
        text = row.get("source", row.get("citation", ""))
        if name != "citations.csv" and "doi_checked" in row and text:
            assert row["doi_checked"] == citation(text).doi_checked, f"{row}: run tools/doi_columns.py"


def test_the_entry_of_the_software_agrees_with_its_citation_file():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    entry = bibliography()[reference.SOFTWARE]
    assert f'title: "{entry.fields["title"]}"' in text
    assert f'- name: "{entry.fields["author"].strip("{}")}"' in text
    assert f"license: {entry.fields['license']}" in text
