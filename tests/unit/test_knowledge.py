"""Profiles, drawn affinities and the table of kinetics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neurosim import pharmacology, reference
from neurosim.errors import ReferenceDataError, SpecError
from neurosim.pharmacology import Knowledge
from neurosim.reference import drugs as drug_table
from neurosim.reference import tables

PAIR = ("venlafaxine", "SERT")


@pytest.mark.parametrize(
    ("profile", "Ki"), [("default", 8.9), ("ki_low", 8.9), ("ki_high", 82.0), ("ki_median", 8.9)]
)
def test_a_profile_picks_among_rows_of_one_pair(profile, Ki):
    assert Knowledge(profile).binding(*PAIR).Ki == Ki
    block = pharmacology.carrier_terms("SERT", {"venlafaxine": 82.0}, Knowledge(profile))
    assert pytest.approx(82.0 / Ki) == block.B


def test_default_is_what_the_tables_say_first():
    for name in reference.drug_names():
        assert Knowledge().bindings(name) == reference.bindings(name)


def test_low_and_high_enclose_every_affinity():
    for name in reference.drug_names():
        for row in reference.bindings(name):
            low, high = (Knowledge(p).binding(name, row.target).Ki for p in ("ki_low", "ki_high"))
            if row.Ki is not None:
                assert low <= row.Ki <= high


def test_profiles_choose_the_kinetics_of_the_transmitter():
    assert pharmacology.koff("D2S", "DA") == 0.4
    assert pharmacology.koff("D2L", "DA") == 0.2
    for receptor in ("D2", "D2S", "D2L"):
        assert pharmacology.koff(receptor, "DA", Knowledge("d2_slow")) == 0.0083
    assert pharmacology.koff("D1", "DA", Knowledge("d2_slow")) == 19.5
    assert pharmacology.koff("D1", "DA", Knowledge("da_slow")) == 0.0083
    assert pharmacology.koff("D4", "DA") is None
    # a drug with one row has it in every profile
    assert pharmacology.koff("D2L", "haloperidol", Knowledge("d2_slow")) == 0.0108


def test_a_ligand_is_slow_if_it_stays_longer_than_the_readout():
    assert pharmacology.readout() == 0.05
    found = pharmacology.slow_ligands("D2", ["haloperidol", "ziprasidone", "cocaine"])
    assert found == ("haloperidol",)
    for row in reference.table("binding_kinetics.csv"):
        if row["ligand"] not in reference.transmitter_names("modulator"):
            assert pharmacology.slow_ligands(row["receptor"], [row["ligand"]]) == (row["ligand"],)


def test_every_row_of_kinetics_names_a_receptor_and_a_ligand():
    for row in reference.table("binding_kinetics.csv"):
        receptor = reference.receptor(row["receptor"])
        if row["ligand"] != receptor.ligand:
            assert reference.drug(row["ligand"]).name == row["ligand"]
            assert Knowledge().binding(row["ligand"], receptor.target) is not None
        assert row["basis"] in ("measured", "fitted", "derived", "assumed") and row["source"]


def test_the_step_is_the_solution_of_the_equation():
    x, koff, fast = np.array([3.0, 0.0, 20.0]), np.array([0.01, 0.3, 0.002]), 1.5
    rho, dt = np.array([0.1, 0.5, 0.0]), 0.01
    y = rho.copy()
    for _ in range(2000):  # Runge-Kutta of order 4
        k1 = pharmacology.bound_rhs(y, x, koff, fast)
        k2 = pharmacology.bound_rhs(y + dt / 2 * k1, x, koff, fast)
        k3 = pharmacology.bound_rhs(y + dt / 2 * k2, x, koff, fast)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + pharmacology.bound_rhs(y + dt * k3, x, koff, fast))
    np.testing.assert_allclose(pharmacology.bound_step(rho, x, koff, fast, 20.0), y, atol=1e-8)


def test_one_ligand_unbinds_with_its_koff():
    held = pharmacology.bound_step([0.8], [0.0], [0.0108], 0.0, 1 / 0.0108)
    assert held[0] == pytest.approx(0.8 / np.e)


def test_a_step_takes_many_points_at_once():
    rng = np.random.default_rng(1)
    rho, x, fast = rng.uniform(0, 0.4, (2, 3, 4)), rng.uniform(0, 5, (2, 3, 4)), rng.uniform(0, 2, (3, 4))
    many = pharmacology.bound_step(rho, x, [0.1, 0.02], fast, 7.0)
    for i in range(3):
        for j in range(4):
            one = pharmacology.bound_step(rho[:, i, j], x[:, i, j], [0.1, 0.02], fast[i, j], 7.0)
            np.testing.assert_allclose(many[:, i, j], one, atol=1e-12)


def test_a_row_may_state_how_much_of_the_basal_activity_is_left():
    row = reference.chosen_binding("pimavanserin", "5-HT2A")
    assert row.basal_left == 0
    assert dataclasses.replace(row, efficacy=-0.25).basal_left == 0.75
    assert reference.chosen_binding("haloperidol", "D2").basal_left == 1


def test_draws_are_the_same_for_one_seed_and_subject_and_no_others():
    pairs = pharmacology.affinity_pairs(["haloperidol", "venlafaxine"])
    one = pharmacology.draw_factors(pairs, 0.3, 7, 0)
    assert one == pharmacology.draw_factors(pairs, 0.3, 7, 0)
    assert one != pharmacology.draw_factors(pairs, 0.3, 7, 1)
    assert one != pharmacology.draw_factors(pairs, 0.3, 8, 0)
    # what else an arm holds does not matter
    assert pharmacology.draw_factors([PAIR], 0.3, 7, 0)[PAIR] == one[PAIR]
    assert set(pharmacology.draw_factors(pairs, 0.0, 7, 0).values()) == {1.0}


def test_draws_are_log_normal_around_the_table():
    logs = [np.log10(pharmacology.draw_factors([PAIR], 0.3, 1, k)[PAIR]) for k in range(2000)]
    assert np.median(logs) == pytest.approx(0, abs=0.03)
    assert np.std(logs) == pytest.approx(0.3, rel=0.06)


def test_a_drawn_affinity_reaches_occupancy():
    knowledge = Knowledge(factors={("haloperidol", "D2"): 2.0})
    ki = reference.chosen_binding("haloperidol", "D2").Ki
    bound = pharmacology.occupancy({"haloperidol": 2 * ki}, "D2", knowledge=knowledge)
    assert bound["haloperidol"] == pytest.approx(0.5)


def test_nonsense_is_refused_in_one_sentence(monkeypatch):
    with pytest.raises(ReferenceDataError, match="no profile 'ki_hihg' in the reference tables; .*ki_high"):
        Knowledge("ki_hihg")
    with pytest.raises(SpecError, match="affinity of haloperidol at D2: factor 0; allowed: a number above 0"):
        Knowledge(factors={("haloperidol", "D2"): 0.0})
    with pytest.raises(SpecError, match="uncertainty of affinity is 1.5; allowed: from 0 to 1"):
        pharmacology.draw_factors([PAIR], 1.5, 0, 0)


@pytest.mark.parametrize(("column", "cell"), [("ki_nM", "0"), ("ki_nM", "-2.5"), ("EC_50_nM", "0")])
def test_an_affinity_of_zero_is_refused(column, cell):
    row = {**reference.drug("haloperidol").rows[0].row, column: cell}
    with pytest.raises(
        ReferenceDataError,
        match=rf"drugs_binding.csv: haloperidol at {row['target']}: {column} is {cell}; allowed: a number above 0",
    ):
        drug_table._binding(row)
    assert tables.positive("", "t", "c") is None


def test_the_hash_of_rows_used_follows_profile_and_kinetics(monkeypatch):
    from neurosim.reference import keys

    before = reference.rows_used(["haloperidol"], ["D2"])
    assert before != reference.rows_used(["haloperidol"], ["D2"], profile="ki_low")
    without = {"drug": reference.rows_used(["cocaine"], []), "receptor": reference.rows_used([], ["D4"])}
    using = {"drug": (["haloperidol"], []), "receptor": ([], ["D2"]), "variant": ([], ["D2L"])}
    with_kinetics = {name: reference.rows_used(*args) for name, args in using.items()}
    plain = keys.table

    def with_faster(name):
        rows = plain(name)
        return tuple({**r, "koff_1_per_s": "1"} for r in rows) if name == "binding_kinetics.csv" else rows

    monkeypatch.setattr(keys, "table", with_faster)
    assert all(keys.rows_used(*args) != with_kinetics[name] for name, args in using.items())
    assert without == {
        "drug": reference.rows_used(["cocaine"], []),
        "receptor": reference.rows_used([], ["D4"]),
    }
