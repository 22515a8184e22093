"""The words a person sees after a mistake in a file: file:line, path, what was given, what is allowed, nearest match."""

# ruff: noqa: E501 (tables of sentences: a row is a line)

from pathlib import Path

import pytest

from neurosim.errors import NeurosimError, SpecError, nearest
from neurosim.runner.validate import validate
from neurosim.spec import Circuit, Dose, Experiment, json_schema, load_circuit, load_experiment

DATA = Path(__file__).parents[1] / "data"
TINY = (DATA / "tiny.yaml").read_text()
EXPERIMENT = (DATA / "tiny_experiment.yaml").read_text()


def line_of(text, part):
    """Line of the first occurrence of ``part``."""
    return text[: text.index(part)].count("\n") + 1


def circuit_message(folder, old, new):
    assert old in TINY
    path = folder / "c.yaml"
    path.write_text(TINY.replace(old, new, 1))
    with pytest.raises(SpecError) as error:
        load_circuit(path)
    return str(error.value).replace(f"{path}:", "c.yaml:"), line_of(TINY, old)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    n: 20", "    nn: 20", ["lacks the key 'n'", "populations.VTA_DA.nn: unknown key 'nn'; did you mean 'n'? allowed: n, region,"]),
        ("n: 20", "n: 20.5", ["populations.VTA_DA.n: '20.5' is not a whole number, e.g. 8"]),
        ("n: 20", "n: 0", ["populations.VTA_DA.n: '0' is out of range; allowed: at least 1"]),
        ("n: 20", "n:", ["populations.VTA_DA.n: has no value"]),
        ("n: 20", "n: [20]", ["populations.VTA_DA.n: a list is not a whole number"]),
        ("quantum: 6 nM", "quantum: 6 mV", ["pools.VTA.DA.release.VTA_DA.quantum: '6 mV' is a voltage; needs a concentration, e.g. '50 nM'"]),
        ("quantum: 6 nM", "quantum: 6", ["quantum: '6' has no unit; needs a concentration, e.g. '50 nM'"]),
        ("quantum: 6 nM", "quantum: -6 nM", ["quantum: '-6 nM' is out of range; allowed: at least 0 nM"]),
        ("weight: 0.5 nS", "weight: -0.5 nS", ["weight: '-0.5 nS' is out of range; allowed: at least 0 S"]),
        ("k_out: 0.07 1/s", "k_out: -0.07 1/s", ["pools.VTA.DA.k_out: '-0.07 1/s' is out of range"]),
        ("V_max: 200 nM/s", "V_max: -1 nM/s", ["V_max: '-1 nM/s' is out of range; allowed: at least 0 nM/s"]),
        ("K_m: 210 nM", "K_m: 0 nM", ["K_m: '0 nM' is out of range; allowed: above 0 nM"]),
        ("delay: 4 ms", "delay: 0 ms", ["delay: '0 ms' is out of range; allowed: above 0 s"]),
        ("share: 0.6", "share: 0.96", ["share: the DA shares of VTA_DA add up to 1.01; allowed: at most 1"]),
        ("pre: DRN_HT,", "pre: DRN_5HT,", ["projections.DRN_HT__VTA_DA.pre: unknown population 'DRN_5HT'; did you mean 'DRN_HT'? allowed: VTA_DA, VTA_GABA, DRN_HT"]),
        ("synapse: AMPA", "synapse: AMAP", ["synapse: unknown synapse kind 'AMAP'; did you mean 'AMPA'? allowed: AMPA, NMDA, GABA_A, GABA_B"]),
        ("in_degree: 5", "in_degree: 25", ["in_degree: 25 is more than the 24 cells of DRN_HT that can be sources"]),
        ("in_degree: 4", "in_degree: 20", ["in_degree: 20 is more than the 19 cells of VTA_GABA that can be sources (no cell contacts itself)"]),
        ("on: VTA_DA", "on: VTA_AD", ["sites.D2_VTA.on: unknown population 'VTA_AD'; did you mean 'VTA_DA'?"]),
        ("hears: VTA", "hears: VTB", ["sites.D2_VTA.hears: unknown region with pools 'VTB'; did you mean 'VTA'? allowed: VTA, NAc, DRN"]),
        ("pool: NAc.DA", "pool: NAc.5-HT", ["effects.0.release.pool: VTA_DA releases nothing into NAc.5-HT; allowed: VTA.DA, NAc.DA"]),
        ("pool: NAc.DA", "pool: NAcc.DA", ["effects.0.release.pool: unknown pool 'NAcc.DA'; did you mean 'NAc.DA'?"]),
        ("pool: NAc.DA", "pool: NAc", ["effects.0.release.pool: 'NAc' is not a usable name; allowed: REGION.TRANSMITTER, e.g. NAc.DA"]),
        ("projection: DRN_HT__VTA_DA,", "projection: VTA_GABA__VTA_DA,", ["projection: 'VTA_GABA__VTA_DA' starts from VTA_GABA, but the site sits on DRN_HT"]),
        ("nM/Hz, population: VTA_DA", "nM/Hz, population: DRN_TH", ["near_field.population: unknown population releasing in NAc 'DRN_TH'; did you mean 'DRN_HT'? allowed: VTA_DA, DRN_HT"]),
        ("gain: {synapse: AMPA", "gain: {synapse: 5-HT3", ["effects.1.gain.synapse: unknown synapse kind '5-HT3'"]),
        ("{girk: 2 nS}", "{grik: 2 nS}", ["sites.D2_VTA.effects.0.grik: unknown key 'grik'; did you mean 'girk'?"]),
        ("{girk: 2 nS}", "{girk: 2 nS, current: 1 pA}", ["has girk, current; an effect is exactly one of: girk, conductance,"]),
        ("basis: fitted", "basis: guessed", ["drive.basis: unknown value 'guessed'; allowed: measured, fitted, derived, assumed"]),
        ("species: rat", "species: rta", ["species: unknown value 'rta'; did you mean 'rat'? allowed: rat, mouse, human"]),
        ("DAT: {VTA_DA", "DTA: {VTA_DA", ["transporters.DTA: unknown key 'DTA'; did you mean 'DAT'? allowed: DAT, SERT, NET"]),
        ("V_peak: 0 mV", "V_peak: -60 mV", ["parameters.V_peak: '-60 mV' is not above V_r = '-55 mV'"]),
        ("Mg: 1 mM", "Mg: 1", ["synapses.NMDA.Mg: '1' has no unit; needs an ion concentration, e.g. '1 mM'"]),
        (", Mg: 1 mM", "", ["synapses.NMDA: lacks Mg, the magnesium that blocks NMDA"]),
        ("{mean: 80 pF,", "{mean: 80 pF, value: 80 pF,", ["C_m: has both 'value' and 'mean'; allowed: one of them"]),
        ("sd: 6 pF, basis", "sd: 6 nS, basis", ["C_m.sd: '6 nS' is a conductance; needs a capacitance, e.g. '90 pF'"]),
        ("low: 2 Hz, high: 8 Hz", "low: 9 Hz, high: 8 Hz", ["band.high: '8 Hz' lies below low = '9 Hz'"]),
        ("name: tiny", "name: a/b", ["name: 'a/b' is not a usable name; allowed: letters, digits, _, - and +"]),
        ("  D2_VTA:", "  2D_VTA:", ["sites.2D_VTA: '2D_VTA' is not a usable name; allowed: letters, digits and _, beginning with a letter"]),
        ("schema: neurosim-circuit/1", "schema: neurosim-circuit/9", ["schema: unknown schema 'neurosim-circuit/9'; did you mean 'neurosim-circuit/1'?"]),
        ("schema: neurosim-circuit/1", "schema: neurosim-experiment/1", ["schema: this is an experiment, and a circuit is needed ('neurosim-circuit/1')"]),
    ],
)  # fmt: skip
def test_mistakes_in_a_circuit(tmp_path, old, new, words):
    message, line = circuit_message(tmp_path, old, new)
    for word in words:
        assert word in message
    for sentence in message.splitlines():
        assert sentence.startswith("c.yaml:")
    assert any(
        sentence.startswith((f"c.yaml:{line}:", f"c.yaml:{line - 1}:", f"c.yaml:{line + 1}:"))
        for sentence in message.splitlines()
    )


def test_the_line_is_that_of_the_mistake(tmp_path):
    message, line = circuit_message(tmp_path, "    n: 24", "    n: x")
    assert message == f"c.yaml:{line}: populations.DRN_HT.n: 'x' is not a whole number, e.g. 8"


def test_duplicate_key_names_both_lines(tmp_path):
    message, line = circuit_message(tmp_path, "    n: 20\n", "    n: 20\n    n: 30\n")
    assert message == f"c.yaml:{line + 1}: the key 'n' is given twice, first in line {line}"


def test_all_mistakes_are_told_at_once(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(TINY.replace("    n: 20\n", "    n: 0\n").replace("nM/s", "nM"))
    with pytest.raises(SpecError) as error:
        load_circuit(path)
    assert len(error.value.problems) == str(error.value).count("\n") + 1 == 2 + TINY.count("nM/s")


def experiment_message(folder, old, new, **kwargs):
    assert old in EXPERIMENT
    (folder / "tiny.yaml").write_text(TINY)
    path = folder / "e.yaml"
    path.write_text(EXPERIMENT.replace(old, new, 1))
    with pytest.raises(SpecError) as error:
        load_experiment(path, **kwargs)
    return str(error.value).replace(str(path), "e.yaml")


CLAMP = "concentration: 5 nM"
LESION = "  raphe_lesion:\n"


def stimulated(entry):
    return f"{LESION}    stimulations: [{{population: VTA_DA, {entry}}}]\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (CLAMP, "concentration: 5 mV", "e.yaml:15: arms.ssri.drugs.0.concentration: '5 mV' is a voltage; needs a concentration, e.g. '50 nM'"),
        (CLAMP, "concentration: -5 nM", "e.yaml:15: arms.ssri.drugs.0.concentration: '-5 nM' is out of range; allowed: at least 0 nM"),
        (CLAMP, "dose: -3 mg/kg, route: ip", "e.yaml:15: arms.ssri.drugs.0.dose: '-3 mg/kg' is out of range; allowed: at least 0 mg/kg"),
        (CLAMP, f"{CLAMP}, dose: 3 mg/kg", "e.yaml:15: arms.ssri.drugs.0: has both concentration and dose; allowed: one of them"),
        (f", {CLAMP}", "", "e.yaml:15: arms.ssri.drugs.0: has neither dose nor concentration; allowed: exactly one of them"),
        (CLAMP, "dose: 3 mg/kg", "e.yaml:15: arms.ssri.drugs.0: lacks the key 'route'"),
        (CLAMP, "dose: 3 mg, route: ip", "e.yaml:15: arms.ssri.drugs.0.dose: '3 mg' is in mg; needs a dose, e.g. '10 mg/kg'"),
        (CLAMP, "dose: 3 mg/kg, route: po", "arms.ssri.drugs.0.route: unknown value 'po'; allowed: iv, ip, sc, im, oral"),
        (CLAMP, f"{CLAMP}, phases: [dru]", "arms.ssri.drugs.0.phases.0: unknown phase 'dru'; did you mean 'drug'? allowed: baseline, drug"),
        ("fraction: 0.9", "fraction: 1.1", "e.yaml:17: arms.raphe_lesion.lesions.0.fraction: '1.1' is out of range; allowed: above 0 to 1"),
        ("fraction: 0.9", "fraction: 0", "lesions.0.fraction: '0' is out of range; allowed: above 0 to 1"),
        ("population: DRN_HT", "population: DRN_5HT", "e.yaml:17: arms.raphe_lesion.lesions.0.population: unknown population 'DRN_5HT'; did you mean 'DRN_HT'?"),
        ("fraction: 0.9}]", "fraction: 0.9}, {population: DRN_HT, fraction: 0.1}]", "DRN_HT is lesioned twice in this arm"),
        ("arm: vehicle", "arm: vehicel", "e.yaml:11: reference.arm: unknown arm 'vehicel'; did you mean 'vehicle'?"),
        ("phase: baseline", "phase: base", "e.yaml:11: reference.phase: unknown phase 'base'; did you mean 'baseline'?"),
        ("circuit: tiny", "circuit: tinny", "e.yaml:3: circuit: unknown circuit 'tinny'; did you mean 'tiny'?"),
        ("circuit: tiny", "circuit: ./no.yaml", "e.yaml:3: circuit: no.yaml: no such file"),
        ("circuit: tiny\n", "", "e.yaml:1: lacks the key 'circuit'"),
        ("subjects: 2", "subjets: 2", "e.yaml:4: subjets: unknown key 'subjets'; did you mean 'subjects'?"),
        ("subjects: 2", "subjects: two", "e.yaml:4: subjects: 'two' is not a whole number, e.g. 8"),
        ("seed: 7", "seed: -7", "e.yaml:5: seed: '-7' is out of range; allowed: at least 0"),
        ("record: 1 s", "record: 0 s", "protocol.phases.0.record: '0 s' is out of range; allowed: above 0 s"),
        ("record: 1 s", "record: 1.5 ms", "protocol.phases.0.record: '1.5 ms' is not a multiple of 1 ms"),
        ("name: drug", "name: baseline", "protocol.phases.1.name: the phase 'baseline' exists already; phases need different names"),
        ("record: 1 s}", "record: 1 s, at: 1 h}", "protocol.phases.1.at: '30 min' lies before the phase 'baseline'; phases are in order of time"),
        ("settle: 0.5 s", "settle: -1 s", "protocol.settle: '-1 s' is out of range; allowed: at least 0 s"),
        ("settle: 0.5 s", "dt: 0.3 ms", "protocol.dt: '0.3 ms' does not divide 1 ms"),
        ("settle: 0.5 s", "dt: 2 ms", "protocol.dt: '2 ms' does not divide 1 ms"),
        ("settle: 0.5 s", "dt: 1 ms\n  trace_step: 2.5 ms", "protocol.trace_step: '2.5 ms' is not a multiple of 1 ms"),
        ("settle: 0.5 s", "voltages: {VTA_DA: 21}", "protocol.voltages.VTA_DA: 21 is more than the 20 cells of VTA_DA"),
        ("settle: 0.5 s", "voltages: {VTA: 1}", "protocol.voltages.VTA: unknown population 'VTA'; did you mean 'VTA_DA'?"),
        ("settle: 0.5 s", "spikes: on", "protocol.spikes: 'on' is neither true nor false"),
        (LESION, stimulated("kind: rate, rate: 5 Hz, start: 1 s"), "stimulations.0.start: '1 s' lies after the end of the recording; phase drug records '1 s'"),
        (LESION, stimulated("kind: current, amplitude: 1 pA, start: 0.5 s, duration: 0.6 s"), "stimulations.0.duration: '0.6 s' from '0.5 s' on passes the end of the recording"),
        (LESION, stimulated("kind: rate, rate: 5 Hz, phase: dru"), "stimulations.0.phase: unknown phase 'dru'; did you mean 'drug'?"),
        ("pools.*.5-HT.transporters.SERT", "pools.*.5-HT.transporters.SRET", "e.yaml:19: arms.sert_knockdown.set: the path 'pools.*.5-HT.transporters.SRET.*.V_max' matches nothing: 'pools.VTA.5-HT.transporters' has no 'SRET'; did you mean 'SERT'? allowed: SERT"),
        ("0.5x", "10 mV", "e.yaml:19: arms.sert_knockdown.set: pools.VTA.5-HT.transporters.SERT.DRN_HT.V_max: '10 mV' is a voltage; needs a flux"),
    ],
)  # fmt: skip
def test_mistakes_in_an_experiment(tmp_path, old, new, words):
    assert words in experiment_message(tmp_path, old, new)


def test_delay_shorter_than_the_step(tmp_path):
    text = EXPERIMENT.replace("settle: 0.5 s", "dt: 1 ms")
    (tmp_path / "tiny.yaml").write_text(TINY.replace("delay: 1 ms", "delay: 0.5 ms"))
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(
        SpecError,
        match=r"protocol.dt: '1 ms' is longer than the delay of projection VTA_GABA__VTA_GABA \('0.5 ms'\)",
    ):
        load_experiment(tmp_path / "e.yaml")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("subjects", -1, "--set subjects=-1: subjects: '-1' is out of range; allowed: at least 1"),
        (
            "subject",
            3,
            "--set subject=3: the path 'subject' matches nothing: it has no 'subject'; did you mean 'subjects'?",
        ),
        (
            "arms.ssri.drugs.escitalopram.concentration",
            "3 mV",
            "arms.ssri.drugs.0.concentration: '3 mV' is a voltage",
        ),
        (
            "arms.ssri.drugs.citalopram.concentration",
            "3 nM",
            "'arms.ssri.drugs' has no item 'citalopram'; did you mean 'escitalopram'?",
        ),
        ("arms.ssri.drugs", "3 nM", "'arms.ssri.drugs' is not a single value"),
        ("arms.*.drugs.0.name.x", 3, "'arms.ssri.drugs.0' has no 'name'"),
        ("circuit.populations.DRN_HT.N", 3, "'populations.DRN_HT' has no 'N'; did you mean 'n'?"),
        ("circuit.populations.DRN_HT.n", "0.3x", "populations.DRN_HT.n: '7.2' is not a whole number"),
        ("populations.DRN_HT.n", 3, "(values of the circuit begin with 'circuit.')"),
        ("circuit", "tinny", "--set circuit=tinny: circuit: unknown circuit 'tinny'; did you mean 'tiny'?"),
        ("protocol.dt", "0.5x", "'0.5x' multiplies a value that is not stated; give a value instead"),
        ("a..b", 3, "'a..b' is not a path; allowed: names separated by dots"),
    ],
)
def test_mistakes_in_set(tmp_path, path, value, words):
    assert words in experiment_message(tmp_path, "seed", "seed", set={path: value})


DOSE = "path: arms.ssri.drugs.escitalopram.concentration"


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        (f"{{{DOSE}, log: [0 nM, 1 nM, 3]}}", "a log axis needs two values above 0, given '0 nM' and '1 nM'"),
        (f"{{{DOSE}, values: [1 nM, 2 mV]}}", "'1 nM' (concentration) and '2 mV' (voltage) cannot be on one axis"),
        (f"{{{DOSE}, values: [5 mV, 10 nM]}}", "'5 mV' (voltage) and '10 nM' (concentration) cannot be on one axis"),
        (f"{{{DOSE}, values: [1 nM, 2x]}}", "unknown unit 'x'"),
        (f"{{{DOSE}, linear: [1 nM, 2, 3]}}", "'2' cannot be on one axis with values in 'nM'"),
        (f"{{{DOSE}, linear: [1 mV, 2 mV, 4]}}", "arms.ssri.drugs.0.concentration: '1 mV' is a voltage"),
        (f"{{{DOSE}, linear: [1 nM, 2 nM]}}", "scan.x.linear: has only 2 items"),
        (f"{{{DOSE}, linear: [1 nM, 2 nM, 1]}}", "scan.x.linear.2: '1' is out of range; allowed: at least 2"),
        (f"{{{DOSE}, values: []}}", "scan.x.values: has too few items; allowed: at least 1"),
        (f"{{{DOSE}}}", "has no values; an axis has exactly one of: values, linear, log"),
        (
            f"{{{DOSE}, values: [1 nM], log: [1 nM, 2 nM, 3]}}",
            "has values and log; an axis has exactly one of",
        ),
        (f"{{{DOSE}, values: [fluoxetine]}}", "'fluoxetine' is not a quantity"),
        (
            "{path: subjects, values: [1, 2]}",
            "'subjects' cannot be scanned; allowed: arms, circuit, levels, protocol, seed, uncertainty",
        ),
        ("{path: arms.ssri.drugs.cit.dose, values: [1 nM]}", "'arms.ssri.drugs' has no item 'cit'"),
        (
            "{path: circuit.populations.DRN_HT.n, values: [24, 10, 2]}",
            "in_degree: 5 is more than the 2 cells of DRN_HT",
        ),
    ],
)
def test_mistakes_in_a_scan(tmp_path, axis, words):
    message = experiment_message(tmp_path, "seed: 7", f"seed: 7\nscan:\n  x: {axis}")
    assert words in message
    assert message.startswith(("e.yaml:7:", "e.yaml:15:")) or "tiny.yaml" in message


def test_axis_names_do_not_collide_with_results(tmp_path):
    message = experiment_message(tmp_path, "seed: 7", "seed: 7\nscan:\n  arm: {path: seed, values: [1]}")
    assert "scan.arm: the name 'arm' is already taken in the results; choose another" in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.yaml", "none.yaml: no such file"),
        ("biary.yaml", "biary.yaml: no such file; did you mean binary.yaml?"),
        ("folder.yaml", "folder.yaml: is a folder; a YAML file is needed"),
        ("folder", "folder: is a folder; a YAML file is needed"),
        ("nothing", "unknown experiment 'nothing'; "),
        ("binary.yaml", "binary.yaml: is not a text file in UTF-8"),
        ("zero.yaml", "zero.yaml: holds characters that YAML does not allow; is it a text file?"),
        ("empty.yaml", "empty.yaml: is empty"),
        ("a\0b.yaml", "cannot be read"),
        ("x" * 300 + ".yaml", "cannot be read"),
    ],
)
def test_what_is_no_file(tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary.yaml").write_bytes(bytes(range(128, 256)))
    (tmp_path / "zero.yaml").write_bytes(b"schema: \x00\x00\n")
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(SpecError) as error:
        load_experiment(name)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_mistakes_in_code_are_spec_errors_too():
    with pytest.raises(SpecError, match="Dose: dose: '-1 mg/kg' is out of range"):
        Dose(drug="x", dose="-1 mg/kg", route="ip")
    with pytest.raises(
        SpecError, match="Dose: dose: 10.0 is a number without a unit; write text, e.g. '10 mg/kg'"
    ):
        Dose(drug="x", dose=10.0, route="ip")
    with pytest.raises(SpecError, match="Circuit: populations: is empty"):
        Circuit(name="c", species="rat", populations={})
    with pytest.raises(SpecError, match="unknown circuit 'nowhere'"):
        Experiment(
            name="e", circuit="nowhere", protocol={"phases": [{"name": "a", "record": "1 s"}]}, arms={"a": {}}
        )
    with pytest.raises(SpecError, match="unknown key 'protocl'; did you mean 'protocol'?"):
        Experiment.model_validate({"name": "e", "protocl": {}})
    with pytest.raises(SpecError, match="unknown kind of file 'circiut'; did you mean 'circuit'?"):
        json_schema("circiut")


def test_errors_are_built_ins_too():
    assert issubclass(SpecError, ValueError)
    assert issubclass(SpecError, NeurosimError)


def test_long_lists_show_the_closest_names():
    names = [f"drug{k:03d}" for k in range(100)] + ["escitalopram"]
    assert (
        nearest("escitalopran", names)
        == "did you mean 'escitalopram'? allowed: escitalopram, ... (101 in all)"
    )
    assert nearest("x", []) == "allowed: nothing, none is defined"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("uncertainty: true", "uncertainty: 'true'"),
        ("uncertainty: {affinity: true}", "uncertainty.affinity: 'true'"),
        ("uncertainty: {affinity: 1.5}", "uncertainty.affinity: '1.5' is out of range; allowed: from 0 to 1"),
        ("uncertainty: {affinity: 0.3 nM}", "uncertainty.affinity: '0.3 nM' is a concentration"),
        ("uncertainty: {afinity: 0.3}", "uncertainty.afinity: unknown key 'afinity'; did you mean 'affinity'?"),
        ("profile: [slow]", "profile:"),
    ],
)
def test_what_an_uncertainty_cannot_be(tmp_path, given, words):
    assert words in experiment_message(tmp_path, "seed: 7", f"seed: 7\n{given}")


def test_an_unknown_profile_is_answered_with_the_nearest(tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY)
    path = tmp_path / "e.yaml"
    path.write_text(EXPERIMENT.replace("seed: 7", "seed: 7\nprofile: d2_slwo"))
    with pytest.raises(SpecError, match=r"e.yaml:6: profile: unknown profile 'd2_slwo'; did you mean 'd2_slow'\?"):
        validate(load_experiment(path))
