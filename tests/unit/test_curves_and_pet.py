"""Occupancy over dose, and what a scan sees."""

import math

import numpy as np
import pytest

from neurosim import pharmacology, reference
from neurosim.errors import ReferenceDataError, SpecError, UnitError
from neurosim.pharmacology import (
    binding_potential,
    dose_occupancy,
    exposure,
    free_part,
    per_nM,
    pk_parameters,
    transmitter_per_nM,
)
from neurosim.spec import Dose

STEADY = {"at": "12 h", "ii": "24 h", "ss": True}


def test_ten_thousand_doses_are_ten_thousand_single_calls():
    doses = np.geomspace(1e-3, 10, 10_000)
    curve = dose_occupancy("haloperidol", doses, "D2", "human", "oral", transmitter="45 nM", **STEADY)
    for k in (0, 17, 5_000, 9_999):
        one = dose_occupancy("haloperidol", doses[k], "D2", "human", "oral", transmitter=45.0, **STEADY)
        assert np.isclose(curve.occupancy[k], one.occupancy[0], rtol=1e-12)
        assert np.allclose(curve.concentrations[k], one.concentrations[0], rtol=1e-12)


def test_the_curve_is_exposure_and_competition_one_after_the_other():
    dose = Dose(drug="haloperidol", dose="0.05 mg/kg", route="oral", ii="24 h", ss=True)
    c = exposure([dose], "human", 12 * 3600.0)
    curve = dose_occupancy("haloperidol", "0.05 mg/kg", "D2", "human", "oral", transmitter="45 nM", **STEADY)
    assert np.isclose(
        curve.occupancy[0], 1 - free_part("D2", c, {"DA": 45.0}) / free_part("D2", {}, {"DA": 45.0})
    )


@pytest.mark.parametrize(
    ("drug", "target", "level"), [("olanzapine", "D2", 45.0), ("paroxetine", "SERT", 2.8)]
)
def test_the_dose_for_half_is_the_closed_form(drug, target, level):
    """One ligand: x = u · dose / Ki, half at x = 1 + x_T."""
    curve = dose_occupancy(drug, [1.0], target, "human", "oral", transmitter=level, **STEADY)
    assert curve.ligands == (drug,)
    (row,) = (b for b in reference.bindings(drug) if b.target == target)
    x_T = level * transmitter_per_nM(target)[1]
    assert np.isclose(curve.ED50, row.Ki * (1 + x_T) / curve.concentrations[0, 0], rtol=1e-12)
    at_half = dose_occupancy(drug, [curve.ED50], target, "human", "oral", transmitter=level, **STEADY)
    assert np.isclose(at_half.occupancy[0], 0.5, rtol=1e-12)
    per_plasma = pk_parameters(drug, "human").brain_per_plasma
    assert np.isclose(curve.EC50, 1e3 * row.Ki * (1 + x_T) / per_plasma, rtol=1e-12)


def test_a_target_that_the_drug_does_not_bind_is_never_half_full():
    curve = dose_occupancy("haloperidol", [1.0], "VMAT2", "human", "oral")
    assert curve.occupancy[0] == 0 and math.isinf(curve.ED50) and math.isnan(curve.EC50)


def test_a_blocker_lowers_the_binding_potential_by_what_it_holds():
    c = np.array([0.0, 0.3, 3.0, 300.0])
    scan = binding_potential("[11C]DASB", "putamen", {"paroxetine": c})
    held = c / (c + reference.bindings("paroxetine")[0].Ki)
    assert np.allclose(scan.occupancy, held, rtol=1e-12)
    assert np.allclose(scan.BP_ND, scan.baseline * (1 - held), rtol=1e-12)
    assert scan.baseline == 1.5


@pytest.mark.parametrize("tracer", ["[11C]raclopride", "[11C]PHNO", "[11C]DASB", "[11C]PE2I", "[11C]WAY-100635",
                                    "[18F]altanserin", "[11C]AZ10419369", "[11C]SB207145"])  # fmt: skip
def test_loss_of_the_transmitter_raises_the_binding_potential_by_its_x(tracer):
    target = reference.tracer(tracer).acts_at
    x = 37.0 * transmitter_per_nM(target)[1]
    scan = binding_potential(tracer, transmitter=0, transmitter_baseline=37.0)
    assert np.isclose(scan.ratio, 1 + x, rtol=1e-12)
    assert np.isclose(binding_potential(tracer, transmitter=37.0, transmitter_baseline=0).ratio, 1 / (1 + x))


def test_dopamine_at_rest_holds_what_reserpine_uncovers():
    """MODEL §4: 45 nM hold 30 % of D2, so full depletion raises BP by 43 %."""
    assert np.isclose(
        binding_potential("raclopride", transmitter=0, transmitter_baseline="45 nM").change, 42.9, atol=0.1
    )


def test_two_receptors_of_a_region_each_follow_their_own():
    """Pallidal PHNO is 60 % D3: with D3 gone and D2 left it falls by 60 %."""
    c = 1e9
    per = dict(zip(("D2", "D3"), (per_nM(t, ("haloperidol",))[0] for t in ("D2", "D3")), strict=True))
    scan = binding_potential("PHNO", "globus pallidus", {"haloperidol": 1.0})
    assert np.isclose(scan.ratio, 0.4 / (1 + per["D2"]) + 0.6 / (1 + per["D3"]), rtol=1e-12)
    assert binding_potential("PHNO", "globus pallidus", {"haloperidol": c}).ratio < 1e-6


def test_a_blocker_of_the_store_displaces_its_tracer():
    (row,) = (b for b in reference.bindings("tetrabenazine") if b.target == "VMAT2")
    assert np.isclose(binding_potential("DTBZ", "putamen", {"tetrabenazine": row.Ki}).occupancy, 0.5)


def test_an_agonist_measured_against_an_antagonist_label_keeps_its_constant():
    (row,) = (b for b in reference.bindings("aripiprazole") if b.target == "D2")
    assert row.affinity_state == "low" and np.isclose(per_nM("D2", ("aripiprazole",))[0], 1 / row.Ki)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: binding_potential("racloprid"), ReferenceDataError, "did you mean '[11C]raclopride'"),
        (lambda: binding_potential("raclopride", "putamn"), ReferenceDataError, "did you mean 'putamen'"),
        (lambda: binding_potential("FDOPA"), SpecError, "measures synthesis at AADC"),
        (lambda: binding_potential("DTBZ", transmitter=3), SpecError, "none competes at VMAT2"),
        (lambda: binding_potential("DASB", ligands={"paroxetine": -1}), SpecError, "allowed: 0 nM or more"),
        (
            lambda: dose_occupancy("haloperidol", ["1"], "D2", "human", "oral"),
            UnitError,
            "has no unit; needs a dose",
        ),
        (
            lambda: dose_occupancy("haloperidol", [-1.0], "D2", "human", "oral"),
            SpecError,
            "allowed: 0 or more",
        ),
        (
            lambda: dose_occupancy("haloperidol", [1.0], "D22", "human", "oral"),
            ReferenceDataError,
            "did you mean",
        ),
        (
            lambda: dose_occupancy("haloperidol", 1.0, "VMAT2", "human", "oral", transmitter=1),
            SpecError,
            "none competes",
        ),
    ],
)
def test_mistakes_get_one_sentence(call, kind, words):
    with pytest.raises(kind) as error:
        call()
    assert words in str(error.value) and "\n" not in str(error.value)


def test_every_tracer_names_a_target_that_exists():
    assert len(reference.tracer_names()) >= 15
    for name in reference.tracer_names():
        tracer = reference.tracer(name)
        assert reference.target(tracer.acts_at).name == tracer.acts_at
        assert tracer.half_life > 0
        for region in tracer.regions.values():
            assert region.BP_ND > 0 and 0 <= region.also_part <= 1
            assert bool(region.also_at) >= bool(region.also_part)
            assert region.source and region.value_checked in ("yes", "partial", "memory")


def test_a_profile_chooses_the_constant():
    constants = sorted(b.Ki for b in reference.drug("haloperidol").rows if b.target == "D2")
    for profile, K in (("ki_low", constants[0]), ("ki_high", constants[-1])):
        assert np.isclose(per_nM("D2", ("haloperidol",), profile=profile)[0], 1 / K)
        curve = dose_occupancy("haloperidol", 1.0, "D2", "human", "oral", profile=profile)
        assert np.isclose(curve.ED50, K / curve.concentrations[0, 0])
        assert np.isclose(binding_potential("raclopride", ligands={"haloperidol": K}, profile=profile).occupancy, 0.5)


def test_curves_take_the_affinity_of_the_species_at_carriers_too():
    held = {
        s: pharmacology.dose_occupancy("paroxetine", ["1 mg/kg"], "SERT", s, "iv", at="1 h") for s in ("human", "rat")
    }
    for species, Ki in (("human", 0.34), ("rat", 1.1)):
        x = float(held[species].concentrations[0, 0]) / Ki
        assert float(held[species].by_ligand[0, 0]) == pytest.approx(x / (1 + x), rel=1e-9)
