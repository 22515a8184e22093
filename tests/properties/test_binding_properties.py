"""What must hold at every site for every mixture of ligands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import pharmacology, reference
from neurosim.pharmacology.targets import is_expressed

concentrations = st.floats(0, 1e6)
reserves = st.floats(0.01, 100)
receptors = st.sampled_from(reference.receptor_names())
drugs = st.sampled_from(reference.drug_names())
mixtures = st.dictionaries(drugs, concentrations, max_size=6)


def site(receptor, tau, mixture):
    constants = pharmacology.site_constants(receptor, tau)
    return constants, pharmacology.drug_terms(receptor, mixture, constants)


@given(receptors, reserves, mixtures, concentrations)
def test_occupancies_are_fractions_of_one_whole(receptor, tau, mixture, c):
    constants, terms = site(receptor, tau, mixture)
    bound = pharmacology.occupancies(c, constants, terms, "transmitter")
    assert all(0 <= fraction < 1 for fraction in bound.values())
    assert sum(bound.values()) <= 1
    free = 1 / (1 + c / constants.K + terms.X)
    assert sum(bound.values()) + free == pytest.approx(1)


@given(receptors, reserves, mixtures, concentrations, st.floats(0, 1e6), drugs)
def test_one_more_ligand_never_raises_the_occupancy_of_another(receptor, tau, mixture, c, more, drug):
    constants, before = site(receptor, tau, {k: v for k, v in mixture.items() if k != drug})
    _, after = site(receptor, tau, {**mixture, drug: more})
    low = pharmacology.occupancies(c, constants, after, "transmitter")
    high = pharmacology.occupancies(c, constants, before, "transmitter")
    # rounding of the sum in the denominator
    assert all(low[name] <= high[name] * (1 + 1e-12) for name in high)


@given(receptors, reserves, mixtures, concentrations)
def test_an_antagonist_never_raises_activation(receptor, tau, mixture, c):
    constants, terms = site(receptor, tau, mixture)
    target = reference.receptor(receptor).target
    antagonists = [
        name
        for name in reference.drug_names()
        for row in reference.bindings(name)
        if row.target == target
        and is_expressed(row)
        and row.action.kind == "antagonist"
        and name not in mixture
    ]
    before = pharmacology.activation(c, constants.K, tau, terms.X, terms.S, constants.tau_0)
    # an agonist weaker than the basal activity, and an inverse agonist, may hold a site below it
    below_basal = any(part < constants.tau_0 for part in terms.tau.values())
    for name in antagonists[:3]:
        _, more = site(receptor, tau, {**mixture, name: 100.0})
        assert pytest.approx(terms.S + more.tau[name] * more.x[name]) == more.S
        assert 0 <= more.tau[name] <= constants.tau_0
        after = pharmacology.activation(c, constants.K, tau, more.X, more.S, constants.tau_0)
        assert below_basal or after <= before * (1 + 1e-12)


@given(receptors, reserves, mixtures, concentrations, st.floats(1.0, 1e3))
def test_activation_rises_with_the_transmitter_unless_a_stronger_agonist_holds_the_site(
    receptor, tau, mixture, c, factor
):
    constants, terms = site(receptor, tau, mixture)
    low, high = (pharmacology.activation(v, constants.K, tau, terms.X, terms.S) for v in (c, c * factor))
    assert 0 <= low < 1 and 0 <= high < 1
    if all(part <= tau for part in terms.tau.values()):
        assert high >= low * (1 - 1e-12)


@given(receptors, reserves)
def test_the_half_point_of_the_transmitter(receptor, tau):
    constants, _ = site(receptor, tau, {})
    half = pharmacology.activation(constants.K / (1 + tau), constants.K, tau)
    assert half == pytest.approx(0.5 * tau / (1 + tau))


@given(st.floats(0.01, 1), reserves, reserves, concentrations)
def test_a_saturating_partial_agonist_brings_every_site_to_its_own_limit(e, tau_assay, tau, c):
    m = e * tau_assay / (1 + tau_assay)
    tau_j = m / (1 - m) * tau / tau_assay
    x = 1e15
    limit = pharmacology.activation(c, 105.0, tau, x, tau_j * x)
    assert limit == pytest.approx(pharmacology.activation_limit(tau_j), rel=1e-6)
    assert tau_j <= tau * (1 + 1e-12)  # never beyond a full agonist
    assert limit <= pharmacology.activation_limit(tau) * (1 + 1e-6)


@given(st.lists(st.lists(st.floats(0, 1e9), min_size=3, max_size=3), min_size=1, max_size=5))
def test_equilibrium_is_the_gaddum_equation(x):
    x = np.array(x)
    bound = pharmacology.equilibrium(x)
    np.testing.assert_allclose(bound * (1 + x.sum(axis=0)), x, rtol=1e-12, atol=1e-300)
    assert (bound.sum(axis=0) <= 1 + 1e-12).all()


@given(st.sampled_from(reference.carrier_names()), mixtures, st.floats(1, 10))
def test_block_of_a_carrier_is_additive_and_linear(carrier, mixture, factor):
    found = pharmacology.carrier_block(carrier, mixture)
    assert pytest.approx(sum(found.x.values())) == found.B
    scaled = pharmacology.carrier_block(carrier, {name: factor * c for name, c in mixture.items()})
    assert pytest.approx(factor * found.B) == scaled.B


@given(
    st.sampled_from(["haloperidol", "olanzapine", "cocaine"]),
    st.floats(0.001, 10),
    st.floats(0, 1e6),
    st.floats(0, 5),
)
def test_exposure_is_linear_in_the_dose(drug, dose, t, factor):
    def given_dose(amount):
        entry = type("Dose", (), {"drug": drug, "dose": amount, "route": "ip", "time": 0.0})
        return pharmacology.exposure([entry], "rat", t)[drug]

    assert given_dose(dose) >= 0
    assert given_dose(factor * dose) == pytest.approx(factor * given_dose(dose), rel=1e-9, abs=1e-300)
