"""Affinities that differ between species."""

from dataclasses import replace

import pytest

from neurosim import reference
from neurosim.errors import ReferenceDataError
from neurosim.reference import binding_in, in_species

ROWS = reference.table("species_affinity.csv")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['drug']} {row['target']} {row['species']}")
def test_a_row_names_what_exists_and_where_it_is_from(row):
    assert binding_in(row["drug"], row["target"], row["species"]).Ki == float(row["Ki_nM"]) > 0
    assert row["basis"] in ("measured", "derived", "assumed") and row["source"]
    assert row["value_checked"] == "memory" or row["url"] or "quoted" in row["source"] or "exhibit" in row["source"]
    where = reference.target(row["target"])
    assert where.kind in ("receptor", "carrier")
    if where.kind == "receptor":
        assert row["species"] not in reference.receptor(row["target"]).absent_in


def test_an_agonist_of_the_rodent_5_HT1B_receptor_is_weak_in_man():
    """Threonine 355 for asparagine (Oksenberg et al. 1992 Nature 360:161)."""
    Ki = {species: binding_in("CP-93129", "5-HT1B", species).Ki for species in reference.species_names()}
    assert Ki["human"] > 30 * Ki["rat"] and Ki["mouse"] == Ki["rat"]


def test_another_row_of_the_drug_stays_as_it_is():
    for species in (None, *reference.species_names()):
        assert binding_in("CP-93129", "5-HT1D", species) == binding_in("CP-93129", "5-HT1D")
    assert binding_in("haloperidol", "5-HT4", "rat") is None


def test_only_the_affinity_changes():
    human, rat = (binding_in("vortioxetine", "5-HT7", species) for species in (None, "rat"))
    assert (rat.action, rat.efficacy, rat.target) == (human.action, human.efficacy, human.target)
    assert (rat.system, human.system) == ("rat", "human") and rat.source != human.source
    assert human in reference.bindings("vortioxetine"), "the row of the table is left alone"


def test_a_functional_EC_50_goes_with_the_affinity():
    row = replace(binding_in("vortioxetine", "5-HT1A"), EC_50=200.0)
    assert pytest.approx(200.0 * 230 / 15) == in_species(row, "rat").EC_50
    assert in_species(row, "mouse") == row


def test_an_unknown_species_is_named():
    with pytest.raises(ReferenceDataError, match="no species 'ratt' in the reference tables; did you mean 'rat'"):
        binding_in("CP-93129", "5-HT1B", "ratt")


def test_a_trial_depends_on_the_rows_of_its_drugs(monkeypatch):
    before = reference.rows_used(["vortioxetine"])
    other = reference.rows_used(["haloperidol"])
    changed = {key: {**row, "Ki_nM": "7"} for key, row in reference.affinity._rows().items()}
    monkeypatch.setattr(reference.affinity, "_rows", lambda: changed)
    assert reference.rows_used(["vortioxetine"]) != before
    assert reference.rows_used(["haloperidol"]) == other
