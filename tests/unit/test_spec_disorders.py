"""Disorders of an arm: exact grades, what they add up to with the rest of an arm, and scans of severity."""

from pathlib import Path

import pytest

from neurosim.runner.numbers import numbers_used
from neurosim.runner.sources import sources_used
from neurosim.runner.trials import expand, trial_key
from neurosim.runner.validate import left_out, validate
from neurosim.spec import (
    Arm,
    Experiment,
    Protocol,
    axis_values,
    canonical_json,
    digest,
    disorder_effects,
    dump_yaml,
    load_circuit,
    load_disorder,
    load_experiment,
    locate,
    resolve,
    scan_points,
)

DATA = Path(__file__).parents[1] / "data"
SERT = "pools.*.5-HT.transporters.SERT.*.V_max"


@pytest.fixture
def load(tiny):
    """Load the tiny experiment with more arms; the disorder lies beside it."""
    (tiny / "sad.yaml").write_text((DATA / "sad.yaml").read_text())
    text = (tiny / "tiny_experiment.yaml").read_text()

    def experiment(arms, rest="", settings=None):
        (tiny / "e.yaml").write_text(text + arms.rstrip() + "\n" + rest)
        return load_experiment(tiny / "e.yaml", set=settings)

    return experiment


def sick(severity, more=""):
    return f"  sick: {{disorders: [{{disorder: sad, severity: {severity}}}]{more}}}"


def V_max(resolved, region="DRN"):
    return float(resolved.circuit.pools[region]["5-HT"].transporters["SERT"]["DRN_HT"].V_max.value)


def lost(resolved):
    return {lesion.population: float(lesion.fraction) for lesion in resolved.arm.lesions}


@pytest.mark.parametrize(("severity", "factor", "part"), [("0.5", 0.65, 0.25), ("0.9", 0.37, 0.45), ("0.1", 0.93, 0.05)])
def test_a_factor_becomes_1_plus_severity_times_its_distance_from_1_and_a_loss_grows_with_severity(
    load, severity, factor, part
):
    found = resolve(load(sick(severity)), "sick")
    assert V_max(found) == 1300 * factor and V_max(found, "NAc") == 350 * factor
    assert lost(found) == {"DRN_HT": part}
    assert float(found.circuit.sites["D2_NAc"].tau.value) == pytest.approx(10 * (1 + float(severity) / 2), rel=1e-12)


def test_the_numbers_are_exact_decimals_as_typed(load):
    found = resolve(load(sick("0.1")), "sick")
    V = found.circuit.pools["VTA"]["5-HT"].transporters["SERT"]["DRN_HT"].V_max.value
    assert V.text == "558 nM/s" and found.arm.lesions[0].fraction.text == "0.05"


@pytest.mark.parametrize("zero", ["0", "0.0", "0e5"])
def test_severity_zero_is_the_healthy_arm_and_shares_its_trials(load, zero):
    experiment = load(sick(zero))
    healthy, ill = resolve(experiment, "vehicle"), resolve(experiment, "sick")
    assert canonical_json(healthy.circuit) == canonical_json(ill.circuit) and healthy.arm == ill.arm
    assert trial_key(healthy, 0, "numpy") == trial_key(ill, 0, "numpy")
    worse = resolve(load(sick("0.2")), "sick")
    assert trial_key(healthy, 0, "numpy") != trial_key(worse, 0, "numpy")


def test_the_key_says_what_is_done_not_how_it_is_called(load):
    """The same lesion and multiples written out are the same trial."""
    by_hand = f"""
  by_hand:
    lesions: [{{population: DRN_HT, fraction: 0.25}}]
    set: {{"{SERT}": 0.65x, sites.D2_NAc.tau: 1.25x}}"""
    experiment = load(sick("0.5") + by_hand)
    keys = {trial_key(resolve(experiment, arm), 0, "numpy") for arm in ("sick", "by_hand")}
    assert len(keys) == 1


def test_drugs_stimulations_and_lesions_elsewhere_stay(load):
    more = """, drugs: [{drug: escitalopram, concentration: 5 nM}], lesions: [{population: VTA_DA, fraction: 0.5}],
         stimulations: [{population: VTA_GABA, kind: rate, rate: 5 Hz}]"""
    found = resolve(load(sick("0.4", more)), "sick")
    assert [drug.drug for drug in found.arm.drugs] == ["escitalopram"]
    assert found.arm.stimulations[0].phase == "drug"
    assert lost(found) == {"VTA_DA": 0.5, "DRN_HT": 0.2}
    assert found.arm.disorders == () and not found.arm.set


def test_losses_of_one_population_multiply_what_survives(load):
    found = resolve(load(sick("0.5", ", lesions: [{population: DRN_HT, fraction: 0.4}]")), "sick")
    assert lost(found) == {"DRN_HT": 0.55}  # 0.75 of the cells, of which 0.6


def test_multiples_on_one_number_multiply(load):
    found = resolve(load(sick("0.5", f', set: {{"{SERT}": 0.5x}}')), "sick")
    assert V_max(found) == 1300 * 0.65 * 0.5


def test_a_value_beside_what_is_altered_is_set(load):
    found = resolve(load(sick("0.5", ", set: {sites.D2_VTA.tau: 3}")), "sick")
    assert float(found.circuit.sites["D2_VTA"].tau.value) == 3


def test_two_disorders_of_an_arm_multiply(load, tiny):
    (tiny / "worse.yaml").write_text((DATA / "sad.yaml").read_text().replace("name: sad", "name: worse"))
    arm = "  sick: {disorders: [{disorder: sad, severity: 0.5}, {disorder: worse, severity: 0.1}]}"
    found = resolve(load(arm), "sick")
    assert V_max(found) == pytest.approx(1300 * 0.65 * 0.93, rel=1e-12)
    assert lost(found) == {"DRN_HT": 0.2875}  # 0.75 of the cells, of which 0.95


def test_a_scan_of_the_circuit_is_altered_too(load):
    scan = f"""scan:
  carriers: {{path: "circuit.{SERT}", values: [100 nM/s, 200 nM/s]}}"""
    experiment = load(sick("0.5"), scan)
    assert [V_max(resolve(experiment, "sick", {"carriers": k})) for k in (0, 1)] == [65, 130]
    assert [V_max(resolve(experiment, "vehicle", {"carriers": k})) for k in (0, 1)] == [100, 200]


@pytest.mark.parametrize("arm", ["sick", "*"])
def test_severity_can_be_scanned_by_the_name_of_the_disorder(load, arm):
    scan = f"""scan:
  grade: {{path: arms.{arm}.disorders.sad.severity, linear: [0, 0.9, 10]}}"""
    experiment = load(sick("0.5"), scan)
    assert axis_values(experiment)["grade"] == (pytest.approx([k / 10 for k in range(10)]), "")
    parts = [lost(resolve(experiment, "sick", point)).get("DRN_HT", 0) for point in scan_points(experiment)]
    assert parts == [k / 20 for k in range(10)]
    keys = expand(experiment, "numpy").keys
    assert len({keys["sick", 0, (k,)] for k in range(10)}) == 10
    assert keys["sick", 0, (0,)] == keys["vehicle", 0, (0,)] == keys["vehicle", 0, (9,)]


def test_severity_can_be_set(load):
    experiment = load(sick("0.5"), settings={"arms.sick.disorders.sad.severity": "0.8"})
    assert lost(resolve(experiment, "sick")) == {"DRN_HT": 0.4}


def test_an_optional_alteration_is_left_out_and_said_to_be(load):
    experiment = load(sick("0.5"))
    ((path, sentence),) = left_out(experiment)
    assert path == "arms.sick.disorders.sad"
    assert sentence.startswith("elsewhere is left out: the circuit lacks what is altered: the path 'pools.*.NE.k_out' ")
    effects = {effect.alteration: effect for effect in disorder_effects(experiment.arms["sick"], experiment.circuit)}
    assert effects["cells"].what == "DRN_HT loses 25 % of its cells"
    assert effects["carriers"].what == f"{SERT} 0.65x, sites.D2_NAc.tau 1.25x"
    assert [effect.absent is None for effect in effects.values()] == [True, True, False]


def test_an_experiment_with_a_disorder_needs_no_other_file_once_it_is_dumped(load, tiny):
    experiment = load(sick("0.5"))
    text = dump_yaml(experiment)
    (tiny / "sad.yaml").unlink()
    (tiny / "dumped.yaml").write_text(text)
    again = load_experiment("dumped.yaml")
    assert again == experiment and digest(again) == digest(experiment)
    assert lost(resolve(again, "sick")) == {"DRN_HT": 0.25}


def test_a_disorder_remembers_its_own_file(load):
    experiment = load(sick("0.5"))
    disorder = experiment.arms["sick"].disorders[0].disorder
    assert locate(disorder, "alterations.carriers.set") == "sad.yaml:14"
    assert locate(experiment, "arms.sick.disorders.0.severity").startswith("e.yaml:")


def test_disorders_in_code(load):
    load(sick("0.5"))
    arms = {"healthy": Arm(), "sick": Arm(disorders=[{"disorder": "sad", "severity": 0.5}])}
    protocol = Protocol(phases=[{"name": "rest", "record": "1 s"}])
    experiment = Experiment(name="x", circuit="tiny", protocol=protocol, arms=arms)
    assert experiment.has_disorders and lost(resolve(experiment, "sick")) == {"DRN_HT": 0.25}
    assert arms["sick"].disorders[0].disorder == load_disorder("sad")
    assert not load_experiment("tiny_experiment").has_disorders


def test_a_file_of_ones_own_wins_over_one_that_ships(load, tiny):
    text = (DATA / "sad.yaml").read_text().replace("name: sad", "name: parkinson")
    (tiny / "parkinson.yaml").write_text(text)
    found = resolve(load(sick("0.5").replace("sad", "parkinson")), "sick")
    assert lost(found) == {"DRN_HT": 0.25}


def test_what_a_disorder_rests_on_is_among_the_numbers_and_the_sources(load):
    experiment = load(sick("0.5"))
    validate(experiment)
    numbers = {n.where: n for n in numbers_used(experiment).numbers if n.topic == "disorder sad"}
    assert set(numbers) == {
        "disorder sad, cells: loss of DRN_HT",
        f"disorder sad, carriers: {SERT}",
        "disorder sad, carriers: sites.D2_NAc.tau",
    }
    carriers = numbers[f"disorder sad, carriers: {SERT}"]
    assert (carriers.text, carriers.basis) == ("0.3x", "derived") and "MDD03, MDD04: g = -0.49" in carriers.why
    cited = {entry.key for entry in sources_used(experiment).publications["disorder sad"]}
    assert cited == {"fearnley1991", "gryglewski2014", "kambeitz2015"}


def test_the_circuit_of_a_healthy_arm_is_untouched(load):
    experiment = load(sick("0.9"))
    assert V_max(resolve(experiment, "vehicle")) == 1300
    assert canonical_json(experiment.circuit) == canonical_json(load_circuit("tiny"))
