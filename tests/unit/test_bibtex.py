"""The strict reader of references.bib: what it reads, what it prints, and the words of what it refuses."""

import re

import pytest

from neurosim.errors import ReferenceDataError
from neurosim.reference import bibtex
from neurosim.reference.bibtex import parse

ENTRY = """% a remark

@article{guiard2008,
  author = {Guiard, B. P. and {El Mansari}, M. and Merali, Z. and Blier, P.},
  title = {Cross-talk between {5-HT} and dopamine},
  journal = {Int J Neuropsychopharmacol},
  year = {2008},
  volume = {11},
  pages = {625--639},
  doi = {10.1017/S1461145707008383},
}
"""


def test_an_entry_is_read_field_by_field_and_printed_as_it_was():
    entry = parse(ENTRY)["guiard2008"]
    assert (entry.kind, entry.fields["year"], entry.fields["pages"]) == ("article", "2008", "625--639")
    assert ENTRY.endswith(bibtex(entry))
    assert parse(bibtex(entry)) == {"guiard2008": entry}


def test_an_entry_is_one_line_for_a_person():
    assert parse(ENTRY)["guiard2008"].text == (
        "Guiard, B. P. et al. (2008): Cross-talk between 5-HT and dopamine. Int J Neuropsychopharmacol 11:625-639. "
        "https://doi.org/10.1017/S1461145707008383"
    )
    assert parse(ENTRY.replace("Cross-talk", r"R\&D"))["guiard2008"].text.count("R&D between") == 1
    short = "@article{a1990,\n  author = {A and B},\n  journal = {J},\n  year = {1990},\n  pages = {7},\n}\n"
    assert parse(short)["a1990"].text == "A, B (1990) J 7"


REFUSED = {
    "no entry": ("@article{guiard2008,", "guiard2008", r"x\.bib:3: 'guiard2008' begins no entry"),
    "a kind that is none": ("@article", "@artikel", r"x\.bib:3: unknown kind of entry 'artikel'; did you mean 'article'\?"),
    "a key in upper case": ("{guiard2008,", "{Guiard2008,", r"x\.bib:3: .*with a key in lower case"),
    "a field that is none": ("  volume", "  volum", r"x\.bib:8: unknown field 'volum'; did you mean 'volume'\?"),
    "a quoted value": ("{2008},", '"2008",', r"x\.bib:7: .* is no field; allowed: '  name = \{value\},'"),
    "a year that is none": ("{2008}", "{08}", r"x\.bib:7: '08' is not a valid year"),
    "a DOI that is none": ("10.1017/S", "doi:10.1017/S", r"x\.bib:10: 'doi:10.*' is not a valid doi"),
    "pages that are none": ("625--639", "625-639", r"x\.bib:9: '625-639' is not a valid pages"),
    "braces that do not match": ("{5-HT}", "{5-HT", r"x\.bib:5: title = .* its braces do not match"),
    "a bare ampersand": ("Cross-talk", "R&D", r"x\.bib:5: .* holds one of & % \$ # _ bare; write a backslash before it"),
    "an empty value": ("{11}", "{}", r"x\.bib:8: volume = \{\} is empty"),
    "a field twice": ("  volume = {11},", "  volume = {11},\n  volume = {11},", r"x\.bib:9: volume is given twice"),
    "no journal": ("  journal = {Int J Neuropsychopharmacol},\n", "", r"x\.bib:3: the article guiard2008 has no journal"),
    "no end": ("}\n", "", r"x\.bib:3: the entry guiard2008 does not end with a line '\}'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_well_formed_is_refused_with_its_line(case):
    old, new, words = REFUSED[case]
    assert old in ENTRY
    text = ENTRY[: -len(old)] if case == "no end" else ENTRY.replace(old, new, 1)
    with pytest.raises(ReferenceDataError) as refused:
        parse(text, "x.bib")
    assert re.match(words, str(refused.value)), refused.value
    assert "\n" not in str(refused.value)


def test_a_key_stands_once():
    with pytest.raises(ReferenceDataError, match=r"x\.bib:13: the key guiard2008 is given twice"):
        parse(f"{ENTRY}\n{ENTRY[ENTRY.index('@') :]}", "x.bib")
