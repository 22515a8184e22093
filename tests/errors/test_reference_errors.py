"""The words a user reads when a name is unknown or a drug cannot be expressed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from neurosim import pharmacology, reference
from neurosim.errors import ReferenceDataError, SpecError, UnitError
from neurosim.reference import tables


@pytest.mark.parametrize(
    ("look", "given", "words"),
    [
        (
            reference.drug,
            "escitalopran",
            "no drug 'escitalopran' in the reference tables; did you mean 'escitalopram'?",
        ),
        (reference.receptor, "5-HT1Z", "no receptor '5-HT1Z' in the reference tables; did you mean '5-HT1"),
        (reference.carrier, "DATT", "did you mean 'DAT'? allowed: DAT, NET, SERT"),
        (reference.target, "D22", "no target 'D22'"),
        (reference.target_row, "EC99", "no target row 'EC99'"),
        (reference.route, "infuson", "no route 'infuson' in the reference tables; did you mean 'infusion'?"),
        (reference.species, "ratt", "did you mean 'rat'? allowed: human, rat, mouse"),
        (reference.table, "receptor.csv", "no reference table 'receptor.csv'; did you mean 'receptors.csv'?"),
        (reference.ligand_of, "", "no receptor ''"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(look, given, words):
    with pytest.raises(ReferenceDataError) as caught:
        look(given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value) and isinstance(caught.value, LookupError)


def test_an_unknown_transmitter_of_a_carrier():
    with pytest.raises(ReferenceDataError, match="carrier DAT: no K_m for '5HT'; did you mean '5-HT'"):
        reference.cross_K_m("DAT", "5HT")


def dose(drug, route="iv", amount=1.0):
    return SimpleNamespace(drug=drug, dose=amount, route=route, time=0.0)


def test_a_drug_without_pharmacokinetics_is_refused_by_dose():
    with pytest.raises(ReferenceDataError) as caught:
        pharmacology.exposure([dose("eticlopride", "sc")], "rat", 60.0)
    assert str(caught.value) == (
        "drug eticlopride in rat: no table gives a volume of distribution, a clearance or half-life and the "
        "unbound fraction in plasma for any species, so it cannot be given by dose; give a `concentration:` "
        "instead, or add the number to pk_parameters.csv"
    )


def test_only_what_is_missing_is_named():
    with pytest.raises(
        ReferenceDataError, match="lorcaserin in rat: no table gives a volume of distribution for any"
    ):
        pharmacology.pk_parameters("lorcaserin", "rat")
    with pytest.raises(
        ReferenceDataError, match="no table gives the bioavailability of the route oral for any"
    ):
        pharmacology.absorption("WAY-100635", "rat", "oral")


def test_a_route_without_numbers_says_which_have_them():
    with pytest.raises(ReferenceDataError) as caught:
        pharmacology.plasma([dose("WAY-100635", "oral")], "rat", 60.0)
    assert str(caught.value) == (
        "drug WAY-100635 in rat: no table gives the bioavailability of the route oral for any species; allowed: iv, "
        "infusion, ip, sc, im, minipump, or add F_oral to pk_parameters.csv"
    )


def test_a_dose_without_a_unit_is_refused():
    with pytest.raises(UnitError, match=r"^'10' has no unit; needs a dose, e\.g\. '10 mg/kg'$"):
        pharmacology.pk_report("haloperidol", "10", "ip", "rat")


@pytest.mark.parametrize(
    ("drug", "words"),
    [
        (
            "MDMA",
            "drug MDMA: its leading action is releaser at SERT_release, EC50 56.6 nM, which needs release",
        ),
        ("d-amphetamine", "releaser"),
        ("methamphetamine", "releaser"),
        ("fenfluramine", "releaser at SERT_release"),
        ("reserpine", "quasi-irreversible inhibitor at VMAT2, Ki 12 nM, which needs vesicle stores"),
        ("tetrabenazine", "inhibitor at VMAT2"),
        ("moclobemide", "reversible inhibitor at MAO-A"),
        ("phenelzine", "irreversible inhibitor at MAO-A, which needs enzymes and synthesis"),
        ("L-DOPA", "drug levodopa: its leading action is precursor at AADC"),
        ("AMPT", "competitive inhibitor at TH"),
        ("pCPA", "irreversible inhibitor at TPH2"),
        ("tryptophan", "precursor/substrate at TPH2"),
        ("lithium", "drug lithium: it acts at GSK-3beta, IMPase, which is not modelled"),
        ("tianeptine", "it acts at MOR"),
        ("amantadine", "it acts at NMDA"),
        ("prucalopride", "it acts at no target of the binding table"),
    ],
)
def test_what_is_not_modelled_is_refused_in_one_sentence(drug, words):
    with pytest.raises(SpecError) as caught:
        pharmacology.require_expressible(drug)
    assert words in str(caught.value) and "allowed: drugs that" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(SpecError):
        pharmacology.exposure([dose(drug)], "rat", 60.0)


@pytest.mark.parametrize(
    "drug",
    [
        "escitalopram",
        "cocaine",
        "bupropion",
        "ketanserin",
        "DMT",
        "trazodone",
        "risperidone",
        "mirtazapine",
        "quinpirole",
    ],
)
def test_a_drug_that_leads_at_receptors_or_uptake_passes(drug):
    pharmacology.require_expressible(drug)


def test_no_drug_is_named_in_the_code():
    folder = tables.files("neurosim")
    code = "".join(
        path.read_text(encoding="utf-8")
        for room in ("pharmacology", "reference")
        for path in (folder / room).iterdir()
        if path.name.endswith(".py")
    )
    code = "".join(part for k, part in enumerate(code.split('"""')) if k % 2 == 0)  # without docstrings
    assert not [name for name in reference.drug_names() if name in code]


@pytest.mark.parametrize(
    ("ligands", "transmitter", "error", "words"),
    [
        ({"haloperidol": "2 mV"}, None, UnitError, "concentration"),
        ({"haloperidol": "2"}, None, UnitError, "no unit"),
        ({"haloperidol": -1.0}, None, SpecError, "0 or more"),
        ({}, "4 Hz", UnitError, "concentration"),
        ({"halloperidol": 1.0}, None, ReferenceDataError, "did you mean 'haloperidol'"),
    ],
)
def test_occupancy_of_nonsense(ligands, transmitter, error, words):
    with pytest.raises(error, match=words):
        pharmacology.occupancy(ligands, "D2", transmitter)


@pytest.mark.parametrize(("tau", "EC_50"), [(0.0, None), (-1.0, None), (float("nan"), None), (1.0, 0.0)])
def test_a_site_needs_a_reserve_and_an_EC_50_above_zero(tau, EC_50):
    with pytest.raises(SpecError, match="allowed: a number above 0"):
        pharmacology.site_constants("D2", tau, EC_50)


def test_a_damaged_table_says_which_row(tmp_path, monkeypatch):
    (tmp_path / "routes.csv").write_text("route,kind\niv,direct\nip\n", encoding="utf-8")
    monkeypatch.setattr(tables, "_file", lambda name: tmp_path / name)
    with pytest.raises(ReferenceDataError, match="routes.csv: record 3 has not as many cells as the heading"):
        tables.table.__wrapped__("routes.csv")
    with pytest.raises(ReferenceDataError, match="species.csv: cannot be read"):
        tables.table.__wrapped__("species.csv")
    with pytest.raises(ReferenceDataError, match="'abc' is not a number"):
        tables.number("abc")


def test_two_entries_of_one_name_are_refused():
    with pytest.raises(ReferenceDataError, match="two entries are called 'A B'"):
        tables.index({"ab": 1, "A B": 2})
    with pytest.raises(ReferenceDataError, match="alias 'x' of 'missing' is unknown or taken"):
        tables.index({"ab": 1}, [("x", "missing")])
