"""Every drug of the binding table runs, and `check` says what becomes of each of its rows."""

import numpy as np
import pytest

from neurosim import pharmacology, reference, runner
from neurosim.build import Trial
from neurosim.spec import Experiment, load_circuit, resolve

DRUGS = reference.drug_names()
CIRCUIT = load_circuit("midbrain_raphe")


def experiment(drug: str) -> Experiment:
    return Experiment(
        name="every",
        circuit=CIRCUIT,
        protocol={"settle": "0 s", "phases": [{"name": "rest", "record": "1 s"}]},
        arms={"a": {"drugs": [{"drug": drug, "concentration": "1 uM"}]}},
    )


@pytest.mark.parametrize("drug", DRUGS)
def test_every_row_of_a_drug_is_accounted_for(drug):
    report = pharmacology.report_targets(drug, stores=("DA", "5-HT"))
    words = " ".join((*report.actions, *report.unmodelled, *report.ignored, *report.absent))
    for row in reference.bindings(drug):
        outside = bool(pharmacology.acts_outside(row))
        named = row.target.removesuffix("_release") in words or row.row["target"] in words or row.action.kind == "precursor"
        assert named, row
        places = (
            row.target in report.expressed,
            row.target in report.absent,
            any(row.row["target"] in text for text in report.unmodelled),
            any(text.startswith(row.target) for text in report.ignored),
            outside,
        )
        assert sum(places) == 1, (row.target, places)
    outside = sum(bool(pharmacology.acts_outside(row)) for row in reference.bindings(drug))
    assert len(report.actions) == len(report.expressed) + outside


def plan_of(drug: str | None):
    arm = {} if drug is None else {"drugs": [{"drug": drug, "concentration": "1 uM"}]}
    changed = experiment("haloperidol").model_copy()
    whole = Experiment(name="every", circuit=CIRCUIT, protocol=changed.protocol, arms={"a": arm})
    return next(Trial(resolve(whole, "a", {}), 0).phases()).plan


@pytest.fixture(scope="module")
def vehicle():
    return plan_of(None)


@pytest.mark.parametrize("drug", DRUGS)
def test_every_drug_becomes_a_plan_of_finite_numbers(drug, vehicle):
    """What an engine is given; a drug that comes and goes with the dose changes at least one number at once."""
    plan = plan_of(drug)
    for name in ("pools", "terminals", "sites"):
        assert all(np.isfinite(values).all() for values in getattr(plan, name).values())
    same = all(
        np.array_equal(values, getattr(vehicle, name)[key])
        for name in ("pools", "terminals", "sites")
        for key, values in getattr(plan, name).items()
    )
    report = pharmacology.report_targets(
        drug, {site.receptor for site in CIRCUIT.sites.values()}, ("DAT", "SERT", "NET"), ("DA", "5-HT")
    )
    at_once = [
        row
        for row in reference.bindings(drug)
        if row.target in report.expressed and row.action.kind != "inactivator" and row.target != "5-HT3"
    ]
    assert same == (not at_once)


def test_check_warns_of_an_inhibitor_that_is_given_no_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = [f.text for f in runner.check(experiment("reserpine")).findings if f.level == "warning"]
    assert any("needs time on the pharmacological clock" in text for text in texts)
    texts = [f.text for f in runner.check(experiment("haloperidol")).findings if f.level == "warning"]
    assert not any("pharmacological clock" in text for text in texts)


def test_check_says_in_words_what_a_drug_does_and_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = [f.text for f in runner.check(experiment("d-amphetamine")).findings if f.path == "drug d-amphetamine"]
    assert "releases through DAT (EC50 24.8 nM)" in texts
    assert "competes for uptake by DAT (Ki 600 nM)" in texts
    assert "blocks VMAT2 (Ki 3300 nM): vesicles fill less" in texts
    texts = [f.text for f in runner.check(experiment("lithium")).findings if f.path == "drug lithium"]
    assert any("does nothing here" in text for text in texts) and any("IMPase" in text for text in texts)
