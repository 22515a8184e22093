"""Tables of enzymes and stores: what the numbers mean holds."""

from collections import defaultdict

import pytest

from neurosim import reference

TRANSMITTERS = {"DA", "5-HT", "NE"}
BASES = {"measured", "fitted", "derived", "assumed"}
TABLES = ("inactivation", "protein_turnover", "stores", "tissue_content", "enzyme_shares", "synthesis")


@pytest.mark.parametrize("name", TABLES)
def test_every_fact_has_source_and_basis(name):
    for row in reference.table(f"{name}.csv"):
        assert row["source"] and row["basis"] in BASES
        assert row["value_checked"] in {"yes", "memory", "no_number"}
        assert row["value_checked"] != "no_number" or row["basis"] == "assumed", row


def test_inactivators_are_irreversible_inhibitors_of_their_target():
    for row in reference.table("inactivation.csv"):
        assert float(row["k_inact_1_per_min"]) > 0 and float(row["K_I_nM"]) > 0
        actions = {at.action.name for at in reference.drug(row["drug"]).rows if at.target == row["target"]}
        assert actions <= {"irreversible inhibitor", "quasi-irreversible inhibitor"} and actions


def test_every_irreversible_inhibitor_has_a_rate_and_its_target_a_renewal():
    rated = {(row["drug"], row["target"]) for row in reference.table("inactivation.csv")}
    renewed = {(row["target"], row["species"]) for row in reference.table("protein_turnover.csv")}
    for name in reference.drug_names():
        for at in reference.drug(name).rows:
            if "irreversible" in at.action.name and at.target != "VMAT1":  # not in neurons of the brain
                assert (name, at.target) in rated
                assert {(at.target, "rat"), (at.target, "human")} <= renewed


def test_shares_of_enzymes():
    total = defaultdict(float)
    for row in reference.table("enzyme_shares.csv"):
        total[row["transmitter"], row["place"]] += float(row["share"])
    assert {place for _, place in total} == {"terminal", "outside"}
    for (transmitter, place), share in total.items():
        assert transmitter in TRANSMITTERS
        # all loss of the cytosol is enzymatic; outside diffusion and blood take a part
        assert share == pytest.approx(1) if place == "terminal" else 0 < share < 1


def test_stores_have_all_parameters_of_every_transmitter():
    found = defaultdict(dict)
    for row in reference.table("stores.csv"):
        found[row["parameter"]][row["transmitter"]] = float(row["value"])
    assert all(set(values) == TRANSMITTERS for values in found.values())
    assert set(found) == {
        "cytosolic_fraction", "leak", "turnover", "extracellular_fraction",
        "efflux_leak", "efflux_capacity", "efflux_K_S", "filling_max", "silent_share",
    }  # fmt: skip
    assert all(0 < value < 1 for name in ("cytosolic_fraction", "efflux_leak") for value in found[name].values())
    assert all(0 <= value < 1 for value in found["silent_share"].values())
    for transmitter in TRANSMITTERS:
        # carriers run outwards at most as fast as inwards; both numbers are rounded
        fastest = found["efflux_capacity"][transmitter] * (1 + found["efflux_K_S"][transmitter])
        assert fastest == pytest.approx(1, rel=0.02), transmitter


def test_tissue_content_orders_regions_as_their_innervation():
    content = {(r["transmitter"], r["region"]): float(r["value"]) for r in reference.table("tissue_content.csv")}
    assert len(content) == len(reference.table("tissue_content.csv")), "one row per region and transmitter"
    assert {transmitter for transmitter, _ in content} == TRANSMITTERS
    assert max(content, key=lambda key: content[key] * (key[0] == "DA")) == ("DA", "DSt")
    assert max(content, key=lambda key: content[key] * (key[0] == "5-HT")) == ("5-HT", "DRN")
