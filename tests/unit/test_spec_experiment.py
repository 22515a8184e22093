"""Experiments: the DESIGN example, the time rule, doses, stimulations, resolving arms."""

import math
from pathlib import Path

import pytest

from neurosim.errors import SpecError
from neurosim.spec import (
    Arm,
    Circuit,
    Clamp,
    Dose,
    Experiment,
    Phase,
    Protocol,
    Stimulation,
    cut_stimulations,
    digest,
    dump_yaml,
    load_circuit,
    load_experiment,
    locate,
    phase_times,
    plain,
    resolve,
    scan_points,
)

DATA = Path(__file__).parents[1] / "data"

EVERYTHING = """
schema: neurosim-experiment/1
name: everything                 # shows the common keys; no shipped experiment is this large
circuit: midbrain_raphe
species: rat                     # default: the circuit's
subjects: 3
seed: 2026
protocol:
  settle: 5 s
  phases:
    - {name: baseline, record: 10 s}
    - {name: drug, at: 45 min, record: 10 s, settle: 8 s}
reference: {arm: vehicle, phase: baseline}
arms:
  vehicle: {}
  escitalopram:
    drugs: [{drug: escitalopram, dose: 10 mg/kg, route: ip}]
  escitalopram_way:
    drugs:
      - {drug: escitalopram, dose: 10 mg/kg, route: ip}
      - {drug: WAY-100635, concentration: 50 nM}
  raphe_lesion:
    lesions: [{population: DRN_HT, fraction: 0.9}]
  sert_knockdown:
    set: {"pools.*.5-HT.transporters.SERT.*.V_max": 0.5x}
  habenula:
    stimulations: [{population: LHb_Glu, kind: pulses, n: 60, rate: 1 Hz, fraction: 1.0, phase: drug, start: 2 s}]
scan:
  dose: {path: arms.escitalopram.drugs.escitalopram.dose, log: [0.1 mg/kg, 30 mg/kg, 8]}
"""


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """The example of DESIGN §3, word for word, on the tiny circuit with a habenula."""
    folder = tmp_path_factory.mktemp("everything")
    tiny = (DATA / "tiny.yaml").read_text().replace("name: tiny", "name: midbrain_raphe")
    habenula = (
        tiny[tiny.index("  VTA_GABA:\n    n:") : tiny.index("  DRN_HT:\n    n:")]
        .replace("VTA", "LHb")
        .replace("LHb_GABA", "LHb_Glu")
    )
    (folder / "midbrain_raphe.yaml").write_text(
        tiny.replace("  DRN_HT:\n    n:", habenula + "  DRN_HT:\n    n:")
    )
    (folder / "everything.yaml").write_text(EVERYTHING)
    return load_experiment(folder / "everything.yaml")


def test_design_example_loads_with_every_key(everything):
    assert (everything.name, everything.subjects, everything.seed, everything.species) == (
        "everything",
        3,
        2026,
        "rat",
    )
    assert everything.circuit.name == "midbrain_raphe"
    assert list(everything.arms) == [
        "vehicle",
        "escitalopram",
        "escitalopram_way",
        "raphe_lesion",
        "sert_knockdown",
        "habenula",
    ]
    dose, clamp = everything.arms["escitalopram_way"].drugs
    assert isinstance(dose, Dose)
    assert (dose.dose, dose.route, dose.time, dose.ss) == (10.0, "ip", 0.0, False)
    assert isinstance(clamp, Clamp)
    assert (clamp.drug, clamp.concentration, clamp.phases) == ("WAY-100635", 50.0, ())
    stimulation = everything.arms["habenula"].stimulations[0]
    assert (stimulation.n, stimulation.rate, stimulation.start, stimulation.fraction) == (60, 1.0, 2.0, 1.0)
    assert stimulation.amplitude > 0
    assert stimulation.duration > 0
    assert everything.source_text == EVERYTHING
    assert everything.origin.endswith("everything.yaml")


def test_design_example_says_what_its_recording_cuts_off(everything):
    assert cut_stimulations(everything) == [
        ("arms.habenula.stimulations.0", "8 of 60 pulses fall into the recording of phase drug ('10 s')")
    ]


def test_design_example_resolves_for_each_arm_and_point(everything):
    points = scan_points(everything)
    assert points == [{"dose": k} for k in range(8)]
    for arm in everything.arms:
        assert resolve(everything, arm).species == "rat"
    doses = [resolve(everything, "escitalopram", point).arm.drugs[0].dose for point in points]
    assert doses[0] == 0.1
    assert doses[-1] == 30.0
    ratios = [b / a for a, b in zip(doses, doses[1:], strict=False)]
    assert ratios == pytest.approx([300 ** (1 / 7)] * 7, rel=1e-10)
    knockdown = resolve(everything, "sert_knockdown")
    for region, pools in everything.circuit.pools.items():
        if "5-HT" in pools:
            before = pools["5-HT"].transporters["SERT"]["DRN_HT"].V_max.value
            assert (
                knockdown.circuit.pools[region]["5-HT"].transporters["SERT"]["DRN_HT"].V_max.value
                == before / 2
            )
    assert knockdown.arm.set == {}


def test_arm_that_an_axis_does_not_touch_resolves_to_the_same_hash(everything):
    def key(arm, k):
        resolved = resolve(everything, arm, {"dose": k})
        return digest(resolved.circuit, resolved.arm, resolved.protocol, resolved.species, resolved.seed)

    assert len({key("vehicle", k) for k in range(8)}) == 1
    assert len({key("escitalopram", k) for k in range(8)}) == 8


def test_defaults_are_filled_in(tmp_path):
    (tmp_path / "tiny.yaml").write_text((DATA / "tiny.yaml").read_text())
    (tmp_path / "e.yaml").write_text(
        "schema: neurosim-experiment/1\nname: e\ncircuit: tiny\n"
        "protocol: {phases: [{name: one, record: 1 s}, {name: two, record: 1 s}]}\n"
        "arms: {first: {stimulations: [{population: VTA_DA, kind: rate, rate: 20 Hz}]}, second: {}}\n"
    )
    experiment = load_experiment(tmp_path / "e.yaml")
    assert (experiment.subjects, experiment.seed, experiment.species) == (1, 0, "rat")
    assert (experiment.reference.arm, experiment.reference.phase) == ("first", "one")
    assert experiment.arms["first"].stimulations[0].phase == "two"
    assert (experiment.protocol.settle, experiment.protocol.dt, experiment.protocol.trace_step) == (
        5.0,
        1e-4,
        0.01,
    )
    assert experiment.protocol.spikes is True
    assert experiment.protocol.voltages == {}


def test_experiment_from_code_equals_the_one_from_the_file():
    loaded = load_experiment(DATA / "tiny_experiment.yaml")
    built = Experiment(
        name="tiny_experiment",
        circuit=load_circuit(DATA / "tiny.yaml"),
        subjects=2,
        seed=7,
        protocol=Protocol(
            settle="0.5 s",
            phases=[
                Phase(name="baseline", record="1 s"),
                {"name": "drug", "at": "0.5 h", "record": "1000 ms"},
            ],
        ),
        arms={
            "vehicle": Arm(),
            "ssri": Arm(drugs=[Clamp(drug="escitalopram", concentration="0.005 uM")]),
            "raphe_lesion": {"lesions": [{"population": "DRN_HT", "fraction": 0.9}]},
            "sert_knockdown": {"set": {"pools.*.5-HT.transporters.SERT.*.V_max": "0.5x"}},
        },
    )
    assert built == loaded
    assert digest(built) == digest(loaded)
    assert resolve(built, "sert_knockdown") == resolve(loaded, "sert_knockdown")


def test_dumped_experiment_needs_no_other_file(tmp_path, everything):
    path = tmp_path / "dumped.yaml"
    path.write_text(dump_yaml(everything))
    again = load_experiment(path)
    assert again == everything
    assert digest(again) == digest(everything)
    assert locate(again.circuit, "populations.VTA_DA.n").startswith(str(path))


def phases(*rows):
    return phase_times(
        Protocol(
            settle="2 s", phases=[{"name": f"p{k}", "record": "1 s", **row} for k, row in enumerate(rows)]
        )
    )


def test_time_rule():
    """DESIGN §3: before the first `at` lies before all drugs, later ones inherit, without any all are at 0."""
    times = phases({}, {"at": "45 min", "settle": "3 s"}, {}, {"at": "2 h"})
    assert [t.at for t in times] == [-math.inf, 2700.0, 2700.0, 7200.0]
    assert [t.before_drugs for t in times] == [True, False, False, False]
    assert [t.settle for t in times] == [2.0, 3.0, 2.0, 2.0]
    assert [(t.at, t.before_drugs) for t in phases({}, {})] == [(0.0, False), (0.0, False)]
    assert [(t.at, t.before_drugs) for t in phases({"at": "-10 min"}, {"at": "0 s"})] == [
        (-600.0, True),
        (0.0, False),
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"dose": "1 mg/kg", "ii": "24 h", "addl": 13}, None),
        ({"dose": "1 mg/kg", "ii": "24 h", "ss": True}, None),
        ({"rate": "1 mg/kg/h"}, None),
        ({"rate": "1 mg/kg/h", "ss": "true"}, None),
        ({"rate": "1 mg/kg/h", "duration": "7 d"}, None),
        ({"dose": "1 mg/kg", "rate": "1 mg/kg/h"}, None),
        ({"dose": "1 mg/kg", "duration": "30 min"}, None),
        ({}, "has neither dose nor concentration"),
        ({"dose": "1 mg/kg", "rate": "1 mg/kg/h", "duration": "1 h"}, "say one thing too many"),
        ({"dose": "1 mg/kg", "addl": 3}, "additional doses need ii"),
        ({"dose": "1 mg/kg", "ii": "24 h"}, "repeated doses need addl"),
        ({"dose": "1 mg/kg", "ss": True}, "steady state needs ii"),
        ({"dose": "1 mg/kg", "ii": "24 h", "ss": True, "addl": 3}, "no number of additional doses"),
        ({"rate": "1 mg/kg/h", "ii": "24 h", "addl": 3}, "without end cannot be repeated"),
        ({"dose": "-1 mg/kg"}, "'-1 mg/kg' is out of range; allowed: at least 0 mg/kg"),
        ({"dose": "1 mg/kg", "time": "-1 h"}, "'-1 h' is out of range"),
    ],
)
def test_doses_say_exactly_enough(entry, words):
    if words is None:
        assert Dose(drug="fluoxetine", route="ip", **entry).drug == "fluoxetine"
        return
    with pytest.raises(SpecError, match=words):
        Dose(drug="fluoxetine", route="ip", **entry)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"kind": "pulses", "n": 3, "rate": "20 Hz"}, None),
        ({"kind": "rate", "rate": "20 Hz"}, None),
        ({"kind": "current", "amplitude": "-50 pA", "duration": "1 s"}, None),
        ({"kind": "pulses", "n": 3}, "lacks rate"),
        ({"kind": "pulses", "rate": "20 Hz"}, "lacks n"),
        ({"kind": "current"}, "lacks amplitude"),
        ({"kind": "current", "amplitude": "1 pA", "rate": "1 Hz"}, "kind current has no rate"),
        ({"kind": "rate", "rate": "20 Hz", "n": 3}, "kind rate has no n"),
        ({"kind": "rate", "rate": "2 kHz"}, "at most 1000 Hz"),
        ({"kind": "pulses", "n": 3, "rate": "20 Hz", "duration": "60 ms"}, "overlap"),
        ({"kind": "puls"}, "unknown value 'puls'; did you mean 'pulses'?"),
        ({"kind": "rate", "rate": "20 Hz", "fraction": 0}, "'0' is out of range; allowed: above 0 to 1"),
    ],
)
def test_stimulations_say_exactly_enough(entry, words):
    if words is None:
        assert Stimulation(population="VTA_DA", **entry).kind == entry["kind"]
        return
    with pytest.raises(SpecError, match=words):
        Stimulation(population="VTA_DA", **entry)


def test_resolved_circuit_does_not_depend_on_the_order_of_the_file():
    """Equal hashes must mean equal trials, so build sees one order."""
    experiment = load_experiment(DATA / "tiny_experiment.yaml")
    circuit = experiment.circuit
    turned = {name: circuit.populations[name] for name in reversed(circuit.populations)}
    other = experiment.model_copy(update={"circuit": circuit.model_copy(update={"populations": turned})})
    assert list(other.circuit.populations) != list(circuit.populations)
    assert digest(other) == digest(experiment)
    for name in ("populations", "projections", "pools", "sites"):
        first, second = getattr(resolve(experiment, "vehicle").circuit, name), getattr(circuit, name)
        assert list(first) == sorted(second)


def test_names_of_arms_and_descriptions_do_not_enter_the_hash():
    experiment = load_experiment(DATA / "tiny_experiment.yaml")
    renamed = experiment.model_copy(
        update={
            "name": "x",
            "description": "y",
            "arms": {f"{name}_2": arm for name, arm in experiment.arms.items()},
            "reference": experiment.reference.model_copy(update={"arm": "vehicle_2"}),
        }
    )
    assert digest(renamed) == digest(experiment)
    assert digest(experiment, "extra") != digest(experiment)
    assert digest(experiment.model_copy(update={"seed": 8})) != digest(experiment)


@pytest.mark.parametrize(
    "path, values",
    [
        ("arms.ssri.drugs.escitalopram.concentration", ["1 nM", "20 nM", "0.1 uM"]),
        ("arms.raphe_lesion.lesions.DRN_HT.fraction", ["0.1", "0.55", "1"]),
        ("arms.ssri.drugs.0.drug", ["haloperidol", "citalopram"]),
    ],
)
def test_a_point_that_changes_one_arm_is_the_experiment_with_that_arm_changed(tiny, monkeypatch, path, values):
    # the short way validates one arm, the long way everything: same model, same hash, same place in the file
    monkeypatch.setattr("neurosim.spec._experiment_file.check_scan", lambda experiment: None)
    text = (tiny / "tiny_experiment.yaml").read_text(encoding="utf-8")
    scan = "scan:\n  x: {path: " + path + ", values: [" + ", ".join(values) + "]}\n"
    (tiny / "tiny_experiment.yaml").write_text(text + scan, encoding="utf-8")
    arm = path.split(".")[1]

    def points():
        experiment = load_experiment("tiny_experiment")
        return [resolve(experiment, arm, {"x": k}) for k in range(len(values))]

    short = points()
    monkeypatch.setattr("neurosim.spec._resolve._with_arm_changed", lambda experiment, edits: None)
    for quick, thorough in zip(short, points(), strict=True):
        assert quick == thorough
        assert digest(quick.arm) == digest(thorough.arm)
        assert locate(quick.arm) == locate(thorough.arm)


def test_ten_thousand_doses_dump_the_circuit_never(tiny, monkeypatch):
    # counts, not seconds: what a point costs must not grow with the circuit
    text = (tiny / "tiny_experiment.yaml").read_text(encoding="utf-8")
    scan = "scan:\n  x: {path: arms.ssri.drugs.escitalopram.concentration, log: [1 nM, 1 uM, 200]}\n"
    (tiny / "tiny_experiment.yaml").write_text(text + scan, encoding="utf-8")
    experiment = load_experiment("tiny_experiment")
    dumped = []
    monkeypatch.setattr(
        "neurosim.spec._resolve.plain", lambda model, **options: dumped.append(type(model)) or plain(model, **options)
    )
    found = [resolve(experiment, "ssri", {"x": k}) for k in range(200)]
    assert len({str(point.arm.drugs[0].concentration) for point in found}) == 200
    assert Circuit not in dumped and Experiment not in dumped


def test_profile_and_uncertainty_reach_the_resolved_arm():
    experiment = load_experiment(
        DATA / "tiny_experiment.yaml", set={"profile": "ki_low", "uncertainty": {"affinity": "0.3"}}
    )
    resolved = resolve(experiment, "ssri")
    assert resolved.profile == "ki_low" and resolved.uncertainty.affinity == 0.3
    plain_one = resolve(load_experiment(DATA / "tiny_experiment.yaml"), "ssri")
    assert plain_one.profile == "default" and plain_one.uncertainty is None


def test_a_minipump_takes_a_rate_or_a_dose_with_its_duration():
    given = {"drug": "escitalopram", "route": "minipump"}
    assert Dose(**given, rate="10 mg/kg/d").rate == pytest.approx(10 / 86400)
    assert float(Dose(**given, dose="140 mg/kg", duration="14 d").duration) == 14 * 86400
    with pytest.raises(SpecError, match="'minipump' goes on for a time: give a rate, or a dose and its duration"):
        Dose(**given, dose="10 mg/kg")
