"""Circuits: from files, from code, on top of each other, with the source of every number."""

import pickle
from pathlib import Path

import pytest

from neurosim.errors import SpecError
from neurosim.spec import (
    AdaptiveExponential,
    Circuit,
    Effect,
    Noise,
    Population,
    Sourced,
    digest,
    dump_yaml,
    list_circuits,
    load_circuit,
    locate,
    plain,
    provenance,
    spec_error,
)

DATA = Path(__file__).parents[1] / "data"
TINY = DATA / "tiny.yaml"


@pytest.fixture(scope="module")
def tiny():
    return load_circuit(TINY)


def written(folder, text, name="c.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def test_numbers_are_si_and_nanomolar(tiny):
    population = tiny.populations["VTA_DA"]
    assert population.n == 20
    assert population.parameters.C_m.value == 80e-12
    assert population.parameters.C_m.sd == 6e-12
    assert population.parameters.V_T.value == -0.045
    assert population.drive.basis == "fitted"
    assert population.parameters.tau_b.value == 0.2
    assert tiny.synapses["NMDA"].Mg.value == 1.0
    assert tiny.pools["NAc"]["DA"].transporters["DAT"]["other"].V_max.value == 200.0
    assert tiny.projections["VTA_GABA__VTA_DA"].weight.sd == 0.1e-9
    assert tiny.sites["D2_NAc"].near_field.h.value == 5.0


def test_kind_of_synapse_implies_its_mode(tiny):
    assert {name: kind.mode for name, kind in tiny.synapses.items()} == {
        "AMPA": "fast",
        "NMDA": "fast",
        "GABA_A": "fast",
        "GABA_B": "slow",
    }


def test_effects_are_read_by_kind(tiny):
    girk = tiny.sites["D2_VTA"].effects[0]
    assert (girk.kind, girk.g.value, girk.E_rev, girk.factor) == ("girk", 2e-9, None, None)
    release = tiny.sites["D2_NAc"].effects[0]
    assert (release.kind, release.pool, release.factor.value) == ("release", "NAc.DA", -0.6)
    transmission = tiny.sites["HT1B_VTA"].effects[0]
    assert (transmission.kind, transmission.projection) == ("transmission", "DRN_HT__VTA_DA")
    current, gain = tiny.sites["HT2C_VTA_GABA"].effects
    assert (current.kind, current.current.value) == ("current", 15e-12)
    assert (gain.kind, gain.synapse, gain.factor.value) == ("gain", "AMPA", 0.3)
    conductance, threshold, adaptation = tiny.sites["D2_VTA_GABA"].effects
    assert (conductance.g.value, conductance.E_rev.value) == (0.3e-9, -0.015)
    assert (threshold.kind, threshold.threshold.value) == ("threshold", 0.5e-3)
    assert (adaptation.kind, adaptation.factor.value) == ("adaptation", -0.2)


def test_design_example_of_a_circuit_file(tmp_path, tiny):
    """The shapes of DESIGN §4, filled up with the keys that its numbers leave out."""
    parameters = (
        "E_L: -62 mV, g_L: 2 nS, V_T: -47 mV, Delta_T: 2 mV, V_r: -62 mV, V_peak: 0 mV, t_ref: 3 ms, tau_w: 400 ms, "
        "a: 0 nS, b: 35 pA, C_m: {mean: 90 pF, sd: 10 pF, source: key2008, locator: Table 1, basis: measured}"
    )
    noise = "{sigma: 0 pA, tau: 10 ms}"
    cell = (
        f"model: adex, drive: {{value: 40 pA, basis: fitted}}, noise: {noise}, parameters: {{{parameters}}}"
    )
    text = f"""
schema: neurosim-circuit/1
name: midbrain_raphe
species: rat
synapses: {{AMPA: {{E_rev: 0 mV, tau_decay: 3 ms}}, GABA_B: {{E_rev: -95 mV, tau_decay: 150 ms}}}}
populations:
  DRN_HT: {{n: 150, region: DRN, transmitter: 5-HT, {cell}}}
  VTA_GABA: {{n: 80, region: VTA, transmitter: GABA, {cell}}}
projections:
  DRN_HT__VTA_GABA: {{pre: DRN_HT, post: VTA_GABA, synapse: AMPA, in_degree: 20, weight: 1 nS,
                     delay: 4 ms, source: x, basis: assumed}}
pools:
  DRN:
    5-HT: {{k_out: 0.1 1/s, release: {{DRN_HT: {{quantum: 2 nM, share: 0.1, U: 0.1, tau_rec: 1 s}}}},
           transporters: {{SERT: {{DRN_HT: {{V_max: 1300 nM/s, K_m: 170 nM}}}}}}}}
  mPFC: {{5-HT: {{k_out: 0.1 1/s, release: {{DRN_HT: {{quantum: 2 nM, share: 0.1, U: 0.1, tau_rec: 1 s}}}}}}}}
sites:
  HT1A_DRN: {{receptor: 5-HT1A, on: DRN_HT, compartment: soma, hears: DRN, tau: 10, effects: [{{girk: 3 nS}}]}}
  HT1B_mPFC: {{receptor: 5-HT1B, on: DRN_HT, compartment: terminal, hears: mPFC, tau: 3,
              effects: [{{release: {{pool: mPFC.5-HT, factor: -0.6}}}}]}}
"""
    circuit = load_circuit(written(tmp_path, text))
    assert circuit.populations["DRN_HT"].parameters.C_m.locator == "Table 1"
    assert circuit.pools["mPFC"]["5-HT"].transporters == {}


def test_circuit_from_code_equals_the_one_from_the_file(tiny):
    assert Circuit(**plain(tiny)) == tiny
    population = Population(
        n=10,
        region="VTA",
        transmitter="DA",
        model="adex",
        parameters=AdaptiveExponential(
            C_m="80 pF", g_L="5 nS", E_L="-58 mV", V_T="-45 mV", Delta_T="2 mV", V_r="-55 mV", V_peak="0 mV",
            t_ref="2 ms", tau_w="200 ms", a="0.5 nS", b=Sourced(value="40 pA", sd="5 pA", basis="assumed"),
        ),
        drive=Sourced(value="0.04 nA", source="me"),
        noise=Noise(sigma="0 pA", tau="10 ms"),
    )  # fmt: skip
    circuit = Circuit(name="coded", species="mouse", populations={"VTA_DA": population})
    assert circuit.populations["VTA_DA"].drive.value == 40e-12
    assert circuit.populations["VTA_DA"].drive.value.text == "0.04 nA"
    assert locate(circuit, "populations.VTA_DA.n") == ""


def test_models_cannot_be_changed(tiny):
    with pytest.raises(ValueError, match="frozen"):
        tiny.name = "other"
    with pytest.raises(TypeError, match="cannot be changed"):
        tiny.populations["X"] = tiny.populations["VTA_DA"]
    with pytest.raises(TypeError, match="cannot be changed"):
        tiny.populations.pop("VTA_DA")


def test_pickle_keeps_content_and_lines(tiny):
    twin = pickle.loads(pickle.dumps(tiny))
    assert twin == tiny
    assert locate(twin, "sites.D2_VTA.tau") == locate(tiny, "sites.D2_VTA.tau") != ""


def test_locate_and_spec_error_know_the_line_from_any_part(tiny):
    line = next(k for k, text in enumerate(TINY.read_text().splitlines(), 1) if "HT1A_DRN:" in text)
    assert locate(tiny, "sites.HT1A_DRN.receptor").endswith(f"tiny.yaml:{line}")
    assert locate(tiny.sites["HT1A_DRN"], "receptor").endswith(f"tiny.yaml:{line}")
    error = spec_error(tiny.sites["HT1A_DRN"], "receptor", "5HT1A", ["5-HT1A", "D2"], what="receptor")
    assert isinstance(error, SpecError)
    assert str(error).endswith(
        f"tiny.yaml:{line}: sites.HT1A_DRN.receptor: unknown receptor '5HT1A'; did you mean '5-HT1A'? allowed: 5-HT1A, D2"
    )


def test_provenance_is_inherited_from_the_nearest_block(tiny):
    rows = {row.path: row for row in provenance(tiny)}
    stated = rows["populations.VTA_DA.parameters.C_m"]
    assert (stated.text, stated.basis, stated.source, stated.locator) == (
        "80 pF",
        "measured",
        "grace1989",
        "Table 1",
    )
    inherited = rows["populations.VTA_DA.parameters.g_L"]
    assert (inherited.basis, inherited.source, inherited.locator) == ("assumed", "grace1989", None)
    assert rows["pools.NAc.DA.k_out"].basis == "derived"
    assert rows["sites.D2_VTA.effects.0.girk"].source.startswith("made for tests")
    assert {"populations.VTA_DA.n", "projections.DRN_HT__VTA_DA.in_degree", "pools.VTA.5-HT.band.low"} <= set(
        rows
    )
    assert all(row.basis and row.source for row in rows.values())


BASE = """
schema: neurosim-circuit/1
name: base
species: rat
source: the base
basis: measured
synapses: {GABA_B: {E_rev: -95 mV, tau_decay: 150 ms}}
"""


def test_extends_adds_and_replaces_by_name(tmp_path, tiny):
    written(tmp_path, TINY.read_text(), "tiny.yaml")
    circuit = load_circuit(
        written(
            tmp_path,
            "schema: neurosim-circuit/1\nname: more\nextends: tiny\nsource: mine\nbasis: derived\nspecies: mouse\n"
            "synapses: {5-HT3: {E_rev: 0 mV, tau_decay: 80 ms}}\n"
            "projections:\n"
            "  DRN_HT__VTA_DA: {replace: true, pre: DRN_HT, post: VTA_DA, synapse: AMPA,\n"
            "                   in_degree: 9, weight: 1 nS, delay: 1 ms}\n"
            "  NEW: {pre: DRN_HT, post: VTA_GABA, synapse: 5-HT3, in_degree: 2, weight: 1 nS, delay: 1 ms}\n",
        )
    )
    assert (circuit.name, circuit.species, circuit.description) == ("more", "mouse", None)
    assert circuit.projections["DRN_HT__VTA_DA"].in_degree == 9
    assert circuit.projections["NEW"].synapse == "5-HT3"
    assert {name: p.parameters for name, p in circuit.populations.items()} == {
        name: p.parameters for name, p in tiny.populations.items()
    }
    assert set(circuit.projections) == {*tiny.projections, "NEW"}
    rows = {row.path: row for row in provenance(circuit)}
    assert rows["projections.NEW.weight"].source == "mine"
    assert rows["projections.VTA_GABA__VTA_GABA.weight"].source == tiny.source
    assert rows["projections.VTA_GABA__VTA_GABA.weight"].basis == "assumed"
    assert locate(circuit, "populations.VTA_DA.n").split("/")[-1].startswith("tiny.yaml:")
    assert locate(circuit, "projections.NEW.weight").split("/")[-1].startswith("c.yaml:")
    assert load_circuit(written(tmp_path, dump_yaml(circuit), "d.yaml")) == circuit


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "projections:\n  VTA_GABA__VTA_GABA: {pre: VTA_GABA}\n",
            r"c.yaml:5: projections.VTA_GABA__VTA_GABA: is defined already in .*tiny.yaml:56; "
            "give it another name, or say replace: true or remove: true inside it",
        ),
        (
            "projections:\n  VTA_GABA__VTA_GAB: {replace: true}\n",
            "replaces nothing; did you mean 'VTA_GABA__VTA_GABA'?",
        ),
        ("projections:\n  X: {replace: yes}\n", "projections.X.replace: allowed: true"),
        ("projections:\n  X: {remove: no}\n", "c.yaml:5: projections.X.remove: allowed: true"),
        (
            "projections:\n  VTA_GABA__VTA_GAB: {remove: true}\n",
            "projections.VTA_GABA__VTA_GAB: removes nothing; did you mean 'VTA_GABA__VTA_GABA'?",
        ),
        (
            "projections:\n  VTA_GABA__VTA_GABA: {remove: true, weight: 1 nS}\n",
            "says remove: true and more; what is removed has no other keys",
        ),
    ],
)
def test_extends_refuses_to_redefine_in_silence(tmp_path, body, words):
    written(tmp_path, TINY.read_text(), "tiny.yaml")
    path = written(tmp_path, f"schema: neurosim-circuit/1\nname: more\nextends: tiny\n{body}")
    with pytest.raises(SpecError, match=words):
        load_circuit(path)


def test_extends_adds_a_pool_to_a_region_and_changes_single_numbers(tmp_path, tiny):
    written(tmp_path, TINY.read_text(), "tiny.yaml")
    head = "schema: neurosim-circuit/1\nname: more\nextends: tiny\nsource: mine\nbasis: derived\n"
    path = written(
        tmp_path,
        head + "pools:\n  VTA:\n    NE: {k_out: 0.1 1/s}\n    DA: {replace: true, k_out: 0.3 1/s}\n"
        "changes:\n  populations.DRN_HT.drive: {value: 1 pA, basis: fitted, source: ours}\n",
    )
    circuit = load_circuit(path)
    assert set(circuit.pools["VTA"]) == {*tiny.pools["VTA"], "NE"}
    assert float(circuit.pools["VTA"]["DA"].k_out.value) == 0.3 and not circuit.pools["VTA"]["DA"].release
    for region in set(tiny.pools) - {"VTA"}:
        assert circuit.pools[region].keys() == tiny.pools[region].keys()
        for t, pool in circuit.pools[region].items():
            assert float(pool.k_out.value) == float(tiny.pools[region][t].k_out.value)
    drive = circuit.populations["DRN_HT"].drive
    assert (str(drive.value), drive.basis, drive.source) == ("1 pA", "fitted", "ours")
    assert locate(circuit, "populations.DRN_HT.drive").split("/")[-1].startswith("c.yaml:")
    assert circuit.populations["DRN_HT"].parameters == tiny.populations["DRN_HT"].parameters


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("{populations.DRM_HT.drive: 1 pA}", "c.yaml:4: changes.*matches nothing at 'populations.DRM_HT'; did you mean"),
        ("{populations.DRN_HT.drive: 1 mV}", "c.yaml:4: populations.DRN_HT.drive: .*'1 mV'"),
        ("{name: x}", "changes.name: is no number of synapses, populations, projections, pools, sites"),
        ("3 nS", "c.yaml:4: changes: a mapping of paths to numbers is needed"),
        ("{'a..b': 1}", "is not a path"),
    ],
)
def test_changes_that_change_nothing_are_refused(tmp_path, changes, words):
    written(tmp_path, TINY.read_text(), "tiny.yaml")
    path = written(tmp_path, f"schema: neurosim-circuit/1\nname: more\nextends: tiny\nchanges: {changes}\n")
    with pytest.raises(SpecError, match=words):
        load_circuit(path)


def test_changes_need_a_base(tmp_path):
    path = written(tmp_path, TINY.read_text() + "changes: {populations.DRN_HT.drive: 1 pA}\n")
    with pytest.raises(SpecError, match="changes nothing; allowed in a circuit that extends another"):
        load_circuit(path)


def test_extends_takes_away_what_is_said_to_be_removed(tmp_path, tiny):
    written(tmp_path, TINY.read_text(), "tiny.yaml")
    head = "schema: neurosim-circuit/1\nname: less\nextends: tiny\n"
    body = "projections: {VTA_GABA__VTA_GABA: {remove: true}}\n"
    circuit = load_circuit(written(tmp_path, head + body))
    assert set(circuit.projections) == set(tiny.projections) - {"VTA_GABA__VTA_GABA"}
    assert set(circuit.populations) == set(tiny.populations)
    needed = "populations: {VTA_GABA: {remove: true}}\n"
    with pytest.raises(SpecError, match="unknown population 'VTA_GABA'"):
        load_circuit(written(tmp_path, head + needed))


def test_mistake_in_the_base_keeps_the_base_file_name(tmp_path):
    written(tmp_path, TINY.read_text().replace("share: 0.6", "share: 6"), "tiny.yaml")
    path = written(tmp_path, "schema: neurosim-circuit/1\nname: more\nextends: tiny\n")
    with pytest.raises(
        SpecError, match=r"tiny.yaml:75: pools.NAc.DA.release.VTA_DA.share: '6' is out of range"
    ):
        load_circuit(path)


def test_circles_and_missing_bases_are_named(tmp_path):
    path = written(tmp_path, "schema: neurosim-circuit/1\nname: c\nextends: other\n")
    with pytest.raises(SpecError, match=r"c.yaml:3: extends: unknown circuit 'other'"):
        load_circuit(path)
    written(tmp_path, "schema: neurosim-circuit/1\nname: other\nextends: c\n", "other.yaml")
    with pytest.raises(SpecError, match="circuits extend each other in a circle"):
        load_circuit(path)


def test_local_file_wins_and_names_are_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match="unknown circuit 'tiny'"):
        load_circuit("tiny")
    (tmp_path / "circuits").mkdir()
    written(tmp_path / "circuits", TINY.read_text(), "tiny.yaml")
    written(tmp_path, "schema: neurosim-experiment/1\nname: tiny\n", "tiny.yaml")
    assert load_circuit("tiny").name == "tiny", "an experiment of the same name is not taken for the circuit"
    assert "tiny" in list_circuits()
    written(tmp_path, TINY.read_text().replace("name: tiny", "name: nearer"), "tiny.yaml")
    assert load_circuit("tiny").name == "nearer"


def test_hash_ignores_words_and_sees_numbers(tiny):
    data = plain(tiny)
    data["name"], data["description"], data["source"] = "renamed", "said otherwise", "elsewhere"
    data["populations"]["VTA_DA"]["band"]["low"] = "1 Hz"
    data["populations"]["VTA_DA"]["drive"] = {
        "value": "0.095 nA",
        "sd": "3000 fA",
        "note": "spelled otherwise",
    }
    assert digest(Circuit(**data)) == digest(tiny)
    data["populations"]["VTA_DA"]["drive"]["sd"] = "3001 fA"
    assert digest(Circuit(**data)) != digest(tiny)


def test_unset_optional_blocks_stay_unset():
    effect = Effect(girk="1 nS")
    assert plain(effect) == {"girk": "1 nS"}
