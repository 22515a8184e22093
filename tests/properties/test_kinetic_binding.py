"""Constitutive activity, slow ligands and drawn affinities, for every mixture of ligands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from neurosim import pharmacology, reference
from neurosim.pharmacology import Knowledge
from neurosim.pharmacology.binding import drug_constants
from neurosim.pharmacology.targets import is_expressed

concentrations = st.floats(0, 1e6)
reserves = st.floats(0.01, 100)
receptors = st.sampled_from(reference.receptor_names())
active = st.sampled_from(
    [name for name in reference.receptor_names() if reference.receptor(name).constitutive > 0]
)
drugs = st.sampled_from(reference.drug_names())
mixtures = st.dictionaries(drugs, concentrations, max_size=6)
profiles = st.sampled_from(reference.profile_names())
levels = st.floats(0, 1e3)
rates = st.floats(1e-4, 10)


def pairs(action):
    return [
        (row.drug, name)
        for name in reference.receptor_names()
        if reference.receptor(name).constitutive > 0
        for drug in reference.drug_names()
        for row in reference.bindings(drug)
        if row.target == name and is_expressed(row) and row.action.name == action
    ]


INVERSE, NEUTRAL = pairs("inverse agonist"), pairs("antagonist")


def activation(receptor, tau, mixture, c=0.0):
    constants = pharmacology.site_constants(receptor, tau)
    terms = pharmacology.drug_terms(receptor, mixture, constants)
    return pharmacology.activation(c, constants.K, tau, terms.X, terms.S, constants.tau_0)


@given(st.sampled_from(INVERSE), reserves, st.floats(0.01, 1e6))
def test_an_inverse_agonist_lowers_an_empty_receptor_below_its_basal_activity(pair, tau, c):
    drug, receptor = pair
    basal = activation(receptor, tau, {})
    assert 0 < activation(receptor, tau, {drug: c}) < basal
    assert activation(receptor, tau, {drug: 1e15}) < 1e-6 * basal


@given(st.sampled_from(NEUTRAL), reserves, concentrations)
def test_a_neutral_antagonist_alone_leaves_basal_activity(pair, tau, c):
    drug, receptor = pair
    assert activation(receptor, tau, {drug: c}) == pytest.approx(activation(receptor, tau, {}), rel=1e-9)


@given(st.sampled_from(NEUTRAL), reserves, concentrations, st.floats(1, 1e6))
def test_a_neutral_antagonist_never_pushes_a_receptor_below_basal(pair, tau, c, transmitter):
    drug, receptor = pair
    reached = activation(receptor, tau, {drug: c}, transmitter)
    assert activation(receptor, tau, {}) * (1 - 1e-9) <= reached
    assert reached <= activation(receptor, tau, {}, transmitter) * (1 + 1e-9)


@given(active, st.floats(0.1, 30))
def test_basal_activity_is_a_small_part_and_moves_the_half_point_as_stated(receptor, tau):
    constants = pharmacology.site_constants(receptor, tau)
    low, high = activation(receptor, tau, {}), tau / (1 + tau)
    assert low < constants.tau_0 < 0.05 * tau
    half = activation(receptor, tau, {}, constants.EC_50 * (1 + constants.tau_0))
    assert half == pytest.approx((low + high) / 2)


@given(mixtures, receptors, reserves, levels, profiles)
def test_slow_ligands_at_equilibrium_are_the_equilibrium_formula(mixture, receptor, tau, c, profile):
    knowledge = Knowledge(profile)
    constants = pharmacology.site_constants(receptor, tau)
    all_terms = pharmacology.drug_terms(receptor, mixture, constants, knowledge=knowledge)
    fast, slow = pharmacology.split_terms(receptor, mixture, constants, knowledge=knowledge)
    assert {**fast.x, **{drug: x for drug, (x, _, _) in slow.items()}} == all_terms.x
    x = c / constants.K
    held = pharmacology.bound_equilibrium([part for part, _, _ in slow.values()], x + fast.X) if slow else []
    rho = dict(zip(slow, held, strict=True))
    B, S_B = pharmacology.slow_terms(receptor, rho, constants, knowledge)
    kinetic = pharmacology.activation(c, constants.K, tau, fast.X, fast.S, constants.tau_0, B, S_B)
    plain = pharmacology.activation(c, constants.K, tau, all_terms.X, all_terms.S, constants.tau_0)
    assert kinetic == pytest.approx(plain, rel=1e-6, abs=1e-9)
    bound = pharmacology.occupancies(c, constants, fast, "transmitter", rho)
    expected = pharmacology.occupancies(c, constants, all_terms, "transmitter")
    assert bound == pytest.approx(expected, rel=1e-6, abs=1e-9)


@st.composite
def slow_mixtures(draw):
    n = draw(st.integers(1, 4))
    x = draw(st.lists(levels, min_size=n, max_size=n))
    koff = draw(st.lists(rates, min_size=n, max_size=n))
    parts = np.array(draw(st.lists(st.floats(0, 1), min_size=n, max_size=n)))
    return parts / max(1.0, parts.sum()), np.array(x), np.array(koff), draw(levels)


@given(slow_mixtures())
def test_a_step_without_end_is_the_equilibrium_and_holds_there(mixture):
    rho, x, koff, fast = mixture
    end = pharmacology.bound_equilibrium(x, fast)
    np.testing.assert_allclose(pharmacology.bound_step(rho, x, koff, fast, np.inf), end, atol=1e-12)
    np.testing.assert_allclose(pharmacology.bound_step(end, x, koff, fast, 1.0), end, atol=1e-12)
    np.testing.assert_allclose(pharmacology.bound_rhs(end, x, koff, fast), 0, atol=1e-10)


@given(slow_mixtures(), st.floats(0, 1e5))
def test_slow_ligands_hold_fractions_of_one_whole_at_all_times(mixture, t):
    rho = pharmacology.bound_step(*mixture, t)
    # the scaling by the root of the smallest rate of association (1e-6) costs a double as many digits, ten times over
    assert (rho >= -1e-8).all() and rho.sum() <= 1 + 1e-8


@given(slow_mixtures(), st.floats(0, 100), st.floats(0, 100))
def test_two_steps_are_one(mixture, first, second):
    rho, *rest = mixture
    once = pharmacology.bound_step(rho, *rest, first + second)
    twice = pharmacology.bound_step(pharmacology.bound_step(rho, *rest, first), *rest, second)
    np.testing.assert_allclose(twice, once, atol=1e-7)


@given(st.sampled_from(reference.drug_names()), st.integers(0, 2**40), st.integers(0, 1000))
def test_a_drawn_affinity_moves_Ki_and_EC_50_by_one_factor(drug, seed, subject):
    factors = pharmacology.draw_factors(pharmacology.affinity_pairs([drug]), 0.3, seed, subject)
    assume(factors)
    knowledge = Knowledge(factors=factors)
    for row in reference.bindings(drug):
        drawn = knowledge.binding(drug, row.target)
        factor = factors.get((drug, row.target), 1.0)
        assert drawn.Ki == (None if row.Ki is None else pytest.approx(row.Ki * factor))
        assert (None if row.EC_50 is None else pytest.approx(row.EC_50 * factor)) == drawn.EC_50
        if row.kind == "receptor" and is_expressed(row):
            receptor = reference.receptor(row.target)
            constants = pharmacology.site_constants(row.target, receptor.tau_assay)
            K, tau = drug_constants(row, receptor, constants)
            K_drawn, tau_drawn = drug_constants(drawn, receptor, constants)
            assert (pytest.approx(K * factor), tau) == (K_drawn, tau_drawn)


AGONISTS = [
    (row.drug, name)
    for name in reference.receptor_names()
    for drug in reference.drug_names()
    for row in reference.bindings(drug)
    if row.target == name and is_expressed(row) and row.action.kind == "agonist"
]


@given(st.sampled_from(AGONISTS), concentrations, profiles)
def test_a_saturating_partial_agonist_reaches_its_efficacy_in_the_reference_assay(pair, c, profile):
    drug, name = pair
    receptor, knowledge = reference.receptor(name), Knowledge(profile)
    constants = pharmacology.site_constants(name, receptor.tau_assay)
    terms = pharmacology.drug_terms(name, {drug: 1e18}, constants, knowledge=knowledge)
    reached = pharmacology.activation(c, constants.K, constants.tau, terms.X, terms.S, constants.tau_0)
    row = knowledge.binding(drug, receptor.target)
    efficacy = row.action.default_efficacy if row.efficacy is None else row.efficacy
    full = receptor.tau_assay / (1 + receptor.tau_assay)
    assert reached == pytest.approx(efficacy * full, rel=1e-5)
    assert reached == pytest.approx(terms.tau[drug] / (1 + terms.tau[drug]), rel=1e-5)


@given(st.sampled_from([pair for pair in AGONISTS if pharmacology.slow_ligands(pair[1], [pair[0]])]), reserves)
def test_a_slow_agonist_that_holds_every_receptor_acts_as_it_does_at_equilibrium(pair, tau):
    drug, receptor = pair
    constants = pharmacology.site_constants(receptor, tau)
    B, S_B = pharmacology.slow_terms(receptor, {drug: 1.0}, constants)
    held = pharmacology.activation(1e3, constants.K, tau, 0, 0, constants.tau_0, B, S_B)
    terms = pharmacology.drug_terms(receptor, {drug: 1e18}, constants)
    limit = pharmacology.activation(1e3, constants.K, tau, terms.X, terms.S, constants.tau_0)
    assert held == pytest.approx(limit, rel=1e-5)
