"""Every drug that a row of targets.csv names can be given as that row gives it."""

import math

import pytest

from neurosim import reference
from neurosim.pharmacology.parameters import absorption, pk_parameters

ROWS = reference.table("target_drugs.csv")
TARGETS = {row["id"]: row for row in reference.table("targets.csv")}
LOCAL = "local"  # bath, iontophoresis, reverse microdialysis: a concentration, no pharmacokinetics
GIVEN = [row for row in ROWS if row["species"] in reference.species_names() and row["route"] != LOCAL]


def _named(text):
    """Names of drugs that stand in a text, longer names first so that no part of a name is found."""
    names = [*reference.drug_names(), *(row["alias"] for row in reference.table("drug_aliases.csv"))]
    text, found = f" {_plain(text)} ", set()
    for name in sorted(names, key=len, reverse=True):
        if f" {_plain(name)} " in text:
            text = text.replace(f" {_plain(name)} ", " ")
            found.add(reference.drug(name).name)
    return found


def _plain(text):
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def _label(row):
    return f"{row['id']}-{row['drug']}"


def test_every_drug_named_by_a_used_row_is_listed():
    listed = {(row["id"], row["drug"]) for row in ROWS}
    named = {
        (key, drug)
        for key, row in TARGETS.items()
        if row["use"] in ("calibration", "validation")
        for drug in _named(row["manipulation"])
    }
    assert named - listed == set()


@pytest.mark.parametrize("row", ROWS, ids=_label)
def test_the_list_names_rows_and_drugs_that_exist(row):
    target = TARGETS[row["id"]]
    assert target["use"] in ("calibration", "validation")
    assert row["species"] in target["species"]
    assert reference.drug(row["drug"]).name == row["drug"] and reference.drug(row["drug"]).rows
    assert row["route"] or row["note"], "a route that is not stated needs a note"


@pytest.mark.parametrize("row", GIVEN, ids=_label)
def test_a_listed_drug_can_be_given_by_dose(row):
    found = pk_parameters(row["drug"], row["species"])
    assert found.V > 0 and found.CL > 0 and 0 < found.fu_plasma <= 1 and found.Kpuu >= 0
    # not slower than a month, not faster than a minute: a slip of unit in a table falls outside
    assert 60 < math.log(2) * found.V / found.CL < 30 * 86400
    if row["route"]:
        way = absorption(row["drug"], row["species"], row["route"])
        assert 0 < way.F <= 1 and (way.ka is None or way.ka > 0)
