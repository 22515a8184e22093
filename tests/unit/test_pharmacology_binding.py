"""Competition at receptors and block of carriers: the numbers of MODEL §4 and of the tables."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import neurosim
from neurosim import pharmacology, reference
from neurosim.errors import SpecError
from neurosim.pharmacology.binding import drug_constants
from neurosim.pharmacology.targets import is_expressed

AGONISTS = [
    (name, row.target)
    for name in reference.drug_names()
    for row in reference.bindings(name)
    if is_expressed(row) and row.action.kind == "agonist"
]


def terms(receptor, tau, **ligands):
    constants = pharmacology.site_constants(receptor, tau)
    return constants, pharmacology.drug_terms(receptor, ligands, constants, "human")


@pytest.mark.parametrize("receptor", reference.receptor_names())
@pytest.mark.parametrize("tau", [0.5, 10.0])
def test_a_receptor_has_its_half_point_at_EC_50(receptor, tau):
    constants = pharmacology.site_constants(receptor, tau)
    half = pharmacology.activation(constants.EC_50, constants.K, tau)
    assert half == pytest.approx(0.5 * pharmacology.activation_limit(tau))
    stated = reference.receptor(receptor)
    if stated.K_func is None:
        assert pytest.approx(stated.EC_50) == constants.EC_50
    else:
        assert pytest.approx(stated.K_func) == constants.K


def test_the_EC_50_of_a_site_comes_before_the_table():
    assert pytest.approx(77.0) == pharmacology.site_constants("D2", 10.0, EC_50=7.0).K
    assert pharmacology.site_constants("D2", 10.0).K == 105.0


def test_dopamine_at_rest_occupies_a_third_of_D2():
    bound = pharmacology.occupancy({}, receptor="D2", transmitter="45 nM")
    assert bound == {"DA": pytest.approx(0.30, abs=0.005)}  # EC20 and PT42


def test_the_published_example_of_the_interface():
    bound = neurosim.occupancy({"haloperidol": "2 nM"}, receptor="D2", transmitter="40 nM")
    x, y = 40 / 105, 2 / 0.304
    assert bound == {"DA": pytest.approx(x / (1 + x + y)), "haloperidol": pytest.approx(y / (1 + x + y))}
    assert neurosim.occupancy({"Haloperidol": 2.0}, "D2L")["haloperidol"] == pytest.approx(y / (1 + y))
    assert neurosim.occupancy({"escitalopram": 100.0}, "D2") == {"escitalopram": 0.0}


def test_an_antagonist_keeps_its_Ki_and_activates_nothing():
    _, found = terms("5-HT1A", 10.0, **{"WAY-100635": 2.7})
    assert (pytest.approx(2.7 / 1.35), 0.0) == (found.X, found.S)


def test_an_agonist_by_function_has_its_EC_50_at_every_site():
    for tau in (0.5, 3.0, 30.0):
        _, found = terms("5-HT2C", tau, **{"Ro 60-0175": 32.0})
        reached = found.S / (1 + found.X + found.S)
        assert reached == pytest.approx(0.5 * pharmacology.activation_limit(found.tau["Ro 60-0175"]))


def test_an_agonist_by_affinity_is_counted_in_units_of_the_transmitter():
    constants, found = terms("D2", 10.0, quinpirole=1.0)  # high-affinity state
    assert pytest.approx(4.8 * (105 / 2.8) ** 0.9) == 1 / found.X  # of efficacy 0.9
    _, found = terms("D2", 10.0, apomorphine=1.0)  # measured with an antagonist radioligand
    assert pytest.approx(35 * (105 / 474) ** 0.9) == 1 / found.X
    assert constants.K == 105


def test_the_less_an_agonist_does_the_nearer_its_constant_is_to_what_a_label_sees():
    receptor, constants = reference.receptor("5-HT1A"), pharmacology.site_constants("5-HT1A", 10.0)
    row = next(row for row in reference.bindings("vilazodone") if row.target == "5-HT1A")
    e = np.array([0.0, 0.3, 0.6, 0.9])
    K = np.array([drug_constants(dataclasses.replace(row, efficacy=part), receptor, constants)[0] for part in e])
    assert K[0] == row.Ki, "an agonist that does nothing is an antagonist"
    np.testing.assert_allclose(np.log(K / row.Ki), e * np.log(constants.K / receptor.Ki_high))


def test_autoreceptors_are_more_sensitive_to_apomorphine():
    def half_point(tau):
        _, found = terms("D2", tau, apomorphine=1.0)
        return 1 / found.X / (1 + found.tau["apomorphine"])

    assert 4 < half_point(0.5) / half_point(10.0) < 10  # DD33: 6-10 fold


@pytest.mark.parametrize(("drug", "target"), AGONISTS)
def test_an_agonist_reaches_its_efficacy_in_the_assay(drug, target):
    receptor = reference.receptor(target)
    row = next(row for row in reference.bindings(drug) if row.target == target)
    K, tau = drug_constants(row, receptor, pharmacology.site_constants(target, receptor.tau_assay))
    efficacy = row.action.default_efficacy if row.efficacy is None else row.efficacy
    full = pharmacology.activation_limit(receptor.tau_assay)
    assert pharmacology.activation_limit(tau) / full == pytest.approx(efficacy)
    assert K > 0


def test_a_partial_agonist_is_nearly_full_where_there_is_reserve_and_weak_where_not():
    def relative(tau):
        _, found = terms("5-HT1A", tau, buspirone=1.0)
        return pharmacology.activation_limit(found.tau["buspirone"]) / pharmacology.activation_limit(tau)

    assert relative(30.0) > 0.9 > 0.6 > relative(1.0)


def test_what_antagonists_leave_of_the_basal_activity():
    constants, found = terms("5-HT2A", 1.0, pimavanserin=5.0)
    assert pytest.approx(10.0) == found.X and found.S == 0  # a full inverse agonist
    assert pytest.approx(reference.receptor("5-HT2A").constitutive) == constants.tau_0 > 0
    constants, found = terms("5-HT2A", 1.0, fluoxetine=147.0)
    assert pytest.approx(constants.tau_0) == found.S  # a neutral one
    _, found = terms("D3", 1.0, **{"WAY-100635": 370.0})
    assert pytest.approx(1.0) == found.X and found.S == 0


def test_rows_without_action_do_nothing():
    _, found = terms("5-HT1B", 1.0, **{"8-OH-DPAT": 1e6})
    assert found.x == {} and found.X == 0


def test_affinities_are_those_of_the_species():
    """A rodent-selective 5-HT1B agonist: what fills the receptor of the rat leaves that of man nearly free."""
    constants = pharmacology.site_constants("5-HT1B", 10.0)
    X = {s: pharmacology.drug_terms("5-HT1B", {"CP-93129": 100.0}, constants, s).X for s in ("rat", "mouse", "human")}
    assert X["rat"] == X["mouse"] == pytest.approx(X["human"] * 954 / 15)
    assert pytest.approx(
        pharmacology.drug_terms("5-HT1D", {"CP-93129": 100.0}, constants, "human").X
    ) == pharmacology.drug_terms("5-HT1D", {"CP-93129": 100.0}, constants, "rat").X
    free = {
        s: pharmacology.free_fraction("5-HT3", {"vortioxetine": 3.7}, pharmacology.Knowledge(species=s))
        for s in ("human", "rat")
    }
    assert free["human"] == pytest.approx(0.5) and free["rat"] == pytest.approx(1 / (1 + 3.7 / 1.1))


def test_a_receptor_that_a_species_lacks_is_refused():
    constants = pharmacology.site_constants("5-HT1E", 1.0)
    with pytest.raises(SpecError, match="5-HT1E: the rat has none"):
        pharmacology.drug_terms("5-HT1E", {}, constants, "rat")
    assert pharmacology.drug_terms("5-HT1E", {}, constants, "human").X == 0


def test_carrier_block_adds_over_drugs():
    found = pharmacology.carrier_terms("SERT", {"escitalopram": 52.1, "cocaine": 740.0, "haloperidol": 50.0})
    assert found.x == {"escitalopram": pytest.approx(10.0), "cocaine": pytest.approx(1.0)}
    assert pytest.approx(11.0) == found.B
    substrate = pharmacology.carrier_terms("SERT", {"DMT": 4000.0})
    # it competes for uptake but leaves efflux alone
    assert pytest.approx(1.0) == substrate.B
    assert substrate.I == 0


def test_free_fraction_of_a_synapse():
    assert pharmacology.free_fraction("5-HT3", {"ondansetron": 7.5}) == pytest.approx(0.25)
    assert pharmacology.free_fraction("5-HT3", {}) == 1.0


def test_activation_broadcasts():
    c = np.geomspace(1, 1e4, 7)[:, None]
    found = pharmacology.activation(c, 105.0, np.array([0.5, 10.0]), 1.0, np.array([0.0, 0.3]))
    assert found.shape == (7, 2)
    assert found[3, 1] == pytest.approx(pharmacology.activation(c[3, 0], 105.0, 10.0, 1.0, 0.3))


def test_occupancies_of_a_site_match_the_sums():
    constants, found = terms("D2", 0.5, haloperidol=1.0, quinpirole=50.0)
    bound = pharmacology.occupancies(np.array([10.0, 45.0]), constants, found, "DA")
    x = np.array([[10 / 105, 45 / 105], *([v, v] for v in found.x.values())])
    np.testing.assert_allclose(np.array(list(bound.values()))[[0, 1, 2]], pharmacology.equilibrium(x))


def test_what_a_circuit_expresses_of_a_drug():
    report = pharmacology.report_targets("haloperidol", ["D2S", "5-HT1A"], ["DAT"])
    assert report.expressed == ("D2", "5-HT1A")
    assert {"alpha1A", "D4"} <= set(report.absent) and "D2" not in report.absent
    report = pharmacology.report_targets("ketanserin")
    assert report.unmodelled == () and "blocks VMAT2 (Ki 540 nM): vesicles fill less" in report.actions
    report = pharmacology.report_targets("ketanserin", stores=[])
    assert "VMAT2" in report.absent and "VMAT2" not in report.expressed
    report = pharmacology.report_targets("8-OH-DPAT")
    assert report.ignored == ("5-HT1B: no action at this target (reported as >10000)",)
    assert any("efficacy 0.5 assumed" in text for text in report.assumptions)
    assert any("constitutive" in text for text in pharmacology.report_targets("clozapine").assumptions)


def test_the_occupancy_table_is_sorted_by_affinity():
    found = pharmacology.occupancy_table("escitalopram", ["5.21 nM", 521.0])
    assert found.targets[0] == "SERT"
    np.testing.assert_allclose(found.fraction[0], [0.5, 100 / 101])
    assert (np.diff(found.K) > 0).all() and found.fraction.shape == (3, 2)
