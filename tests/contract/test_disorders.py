"""What holds for every disorder that ships: each number has a row, each row a use or a reason, each path a place."""

import re
from pathlib import Path

import pytest

from neurosim import reference
from neurosim.build import Trial
from neurosim.build.slow import Clock
from neurosim.errors import SpecError
from neurosim.runner.validate import left_out, validate
from neurosim.spec import (
    NOTICE,
    Experiment,
    Protocol,
    disorder_effects,
    list_disorders,
    load_circuit,
    load_disorder,
    load_experiment,
    resolve,
    scan_points,
)

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.stem for path in (ROOT / "neurosim" / "disorders").glob("*.yaml"))
DOCS = (ROOT / "docs" / "disorders.md").read_text(encoding="utf-8")
ROWS = reference.table("disorders.csv")
PROTOCOL = Protocol(phases=[{"name": "rest", "record": "1 s"}])
#: Disorders of the table that were asked for and do not ship, for not every alteration has a place.
NOT_SHIPPED = ("generalised anxiety disorder", "OCD", "ADHD")


def ill(name, severity, circuit="da_5ht_brain"):
    arms = {"healthy": {}, "ill": {"disorders": [{"disorder": name, "severity": severity}]}}
    return Experiment(name="x", circuit=circuit, protocol=PROTOCOL, arms=arms)


def test_what_is_promised_ships():
    assert {"parkinson", "major_depression", "addiction"} <= set(SHIPPED) <= set(list_disorders())


def test_the_rows_have_ids_sources_and_a_direction():
    assert len({row["id"] for row in ROWS}) == len(ROWS) >= 65
    for row in ROWS:
        assert re.fullmatch(r"[A-Z]+\d\d", row["id"]) and row["disorder"] and row["alteration"] and row["source"], row
        assert row["verified"] in {"yes", "memory", "partial"} and row["direction"], row
        assert reference.disorder_row(row["id"]).source == row["source"]


def test_rows_are_found_by_disorder():
    assert reference.disorder_row_ids("OCD") == ("OCD01", "OCD02", "OCD03", "OCD04")
    assert len(reference.disorder_row_ids()) == len(ROWS)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_alteration_cites_rows_of_its_disorder(name):
    disorder = load_disorder(name)
    for alteration in disorder.alterations.values():
        assert alteration.measured and alteration.note
        for row in alteration.rows:
            assert reference.disorder_row(row).disorder in disorder.table


@pytest.mark.parametrize("name", SHIPPED)
def test_every_row_of_a_disorder_is_used_or_says_why_not(name):
    disorder = load_disorder(name)
    assert disorder.table
    rows = {row for filed in disorder.table for row in reference.disorder_row_ids(filed)}
    assert rows and set(disorder.rows) | set(disorder.not_mapped) == rows
    assert all(len(why) > 20 for why in disorder.not_mapped.values())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_measured_number_has_a_row_with_a_number(name):
    for alteration in load_disorder(name).alterations.values():
        if alteration.basis in ("measured", "derived"):
            assert re.search(r"\d", reference.disorder_row(alteration.rows[0]).value), alteration.rows[0]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_alteration_has_a_place_in_the_whole_circuit_and_changes_it(name):
    experiment = ill(name, load_disorder(name).severity.highest)
    validate(experiment)
    effects = disorder_effects(experiment.arms["ill"], experiment.circuit)
    assert len(effects) == len(load_disorder(name).alterations) and not any(effect.absent for effect in effects)
    found = resolve(experiment, "ill")
    lost = {lesion.population for lesion in found.arm.lesions}
    assert lost == {a.lesion.population for a in load_disorder(name).alterations.values() if a.lesion is not None}
    assert found.circuit != resolve(experiment, "healthy").circuit


@pytest.mark.parametrize(
    ("name", "missing"),
    [("parkinson", ["coerulean_cells"]), ("major_depression", ["MAO_A_in_NE_terminals", "MAO_A_outside_NE"])],
)
def test_the_small_circuit_lacks_noradrenaline_alone(name, missing):
    experiment = ill(name, 0.5, "midbrain_raphe")
    assert [sentence.split()[0] for _, sentence in left_out(experiment)] == missing


def test_addiction_needs_the_cells_of_the_striatum():
    with pytest.raises(SpecError) as error:
        ill("addiction", 1, "midbrain_raphe")
    assert "addiction alters D2_on_striatal_cells, and the circuit midbrain_raphe lacks what is altered" in str(error.value)
    assert "'sites' has no 'D2_NAc_D2'" in str(error.value)


def test_severity_of_parkinsons_disease_is_the_loss_of_nigral_cells():
    for severity in (0.4, 0.8, 0.98):
        lost = {x.population: float(x.fraction) for x in resolve(ill("parkinson", severity), "ill").arm.lesions}
        assert lost["SNc_DA"] == severity and lost["VTA_DA"] == pytest.approx(severity * 0.48 / 0.77, rel=0.01)
    with pytest.raises(SpecError, match="'0.99' is out of range for parkinson; allowed: from 0 to 0.98"):
        ill("parkinson", 0.99)


def test_carriers_go_with_their_cells_and_are_not_altered_twice():
    for alteration in load_disorder("parkinson").alterations.values():
        assert not any("DAT" in path for path in alteration.set)
    pools = load_circuit("da_5ht_brain").pools
    assert "SNc_DA" in pools["DSt"]["DA"].transporters["DAT"]


RISE = float(reference.disorder_row("MDD01").value.removeprefix("+")) / 100


@pytest.mark.parametrize("transmitter", ["DA", "5-HT", "NE"])
def test_faster_loss_outside_follows_from_the_part_of_the_enzyme(transmitter):
    alteration = load_disorder("major_depression").alterations[f"MAO_A_outside_{transmitter.replace('-', '')}"]
    share = reference.enzyme_shares(transmitter, "outside")["MAO-A"]
    assert alteration.set == {f"pools.*.{transmitter}.k_out": f"{1 + RISE * share:.3f}x"}


def remaining(circuit, transmitter, regions):
    """Part of the store that is left in the terminals of a pool's main owner where more of the enzyme breaks it down."""
    trial = Trial(resolve(ill("major_depression", 0, circuit), "healthy"), 0)
    clock = Clock.at_circuit_rest(trial.layout, trial.part_alive, trial.knowledge)
    stores = clock.stores
    found, more = {}, 1 + RISE * reference.enzyme_shares(transmitter, "terminal")["MAO-A"]
    for k, (_, (region, of)) in enumerate(stores.names):
        if of == stores.native[k] == transmitter and region in regions:
            K = stores.k_m[k] * stores.S_0[k]
            L = stores.J_syn[k] - K
            found.setdefault(region, []).append((stores.Q_0[k], (L + K) / (L + more * K)))
    return [max(terminals)[1] for terminals in found.values()]


@pytest.mark.parametrize(
    ("circuit", "transmitter"), [("midbrain_raphe", "5-HT"), ("midbrain_raphe", "DA"), ("da_5ht_brain", "NE")]
)
def test_smaller_stores_follow_from_the_balance_of_a_terminal_at_rest(circuit, transmitter):
    alteration = load_disorder("major_depression").alterations[f"MAO_A_in_{transmitter.replace('-', '')}_terminals"]
    named = {path.split(".")[1] for path in alteration.set}
    regions = load_circuit(circuit).pools if named == {"*"} else named
    parts = remaining(circuit, transmitter, regions)
    assert len(parts) >= len(named) and set(alteration.set.values()) == {f"{sum(parts) / len(parts):.2f}x"}
    assert all(abs(part - sum(parts) / len(parts)) < 0.06 for part in parts)


def test_dopamine_that_other_carriers_take_away_is_left_alone():
    assert all(part > 0.97 for part in remaining("midbrain_raphe", "DA", ("mPFC", "DRN", "MRN")))


def test_the_document_says_what_ships_what_does_not_and_why():
    assert NOTICE in " ".join(DOCS.split())
    for name in SHIPPED:
        disorder = load_disorder(name)
        assert f"`{name}`" in DOCS
        missing = [row for row in (*disorder.rows, *disorder.not_mapped) if not re.search(rf"\b{row}\b", DOCS)]
        assert missing == [], name
    for row in ROWS:
        if row["disorder"].startswith(NOT_SHIPPED):
            assert re.search(rf"\b{row['id']}\b", DOCS), row["id"]


@pytest.mark.parametrize("name", ["parkinson_grades", "major_depression_ssri"])
def test_the_shipped_experiments_start_from_the_healthy_circuit(name):
    experiment = load_experiment(name)
    validate(experiment)
    assert experiment.has_disorders and experiment.reference.arm == "healthy"
    assert experiment.arms["healthy"].disorders == () and NOTICE.split("; ")[1] in " ".join(experiment.description.split())


def test_the_grades_are_those_asked_for():
    experiment = load_experiment("parkinson_grades")
    lost = []
    for point in scan_points(experiment):
        lesions = resolve(experiment, "parkinson_levodopa", point).arm.lesions
        lost.append(sum(float(lesion.fraction) for lesion in lesions if lesion.population == "SNc_DA"))
    assert lost == [0, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98]
