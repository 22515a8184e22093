"""Paths, values set through them, and the axes of scans."""

from pathlib import Path

import pytest

from neurosim.errors import SpecError
from neurosim.spec import (
    axis_values,
    load_circuit,
    load_experiment,
    locate,
    plain,
    resolve,
    scan_points,
    set_value,
)
from neurosim.spec._paths import parse_path

DATA = Path(__file__).parents[1] / "data"
EXPERIMENT = DATA / "tiny_experiment.yaml"


@pytest.fixture
def document():
    return plain(load_circuit(DATA / "tiny.yaml"))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("subjects", ("subjects",)),
        ("pools.*.5-HT.k_out", ("pools", "*", "5-HT", "k_out")),
        ("arms.a.drugs.0.dose", ("arms", "a", "drugs", "0", "dose")),
        ("arms.a.drugs[0].dose", ("arms", "a", "drugs", 0, "dose")),
        ('arms.a.set["pools.*.k_out"]', ("arms", "a", "set", "pools.*.k_out")),
        ("arms['a.b'].drugs", ("arms", "a.b", "drugs")),
    ],
)
def test_grammar(text, keys):
    assert parse_path(text) == keys


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", 'a["b', 'a["b"]c', "a]b", "a."])
def test_what_is_no_path(text):
    with pytest.raises(SpecError, match="is not a path"):
        parse_path(text)


def test_star_is_exactly_one_segment(document):
    changed = set_value(document, "pools.*.5-HT.k_out", "9 1/s")
    assert {region: pools["5-HT"]["k_out"] for region, pools in changed["pools"].items()} == dict.fromkeys(
        document["pools"], "9 1/s"
    )
    assert changed["pools"]["NAc"]["DA"] == document["pools"]["NAc"]["DA"], (
        "only the named transmitter is touched"
    )
    with pytest.raises(SpecError, match="matches nothing"):
        set_value(document, "pools.*.k_out", "9 1/s")


def test_the_document_itself_stays(document):
    before = plain(load_circuit(DATA / "tiny.yaml"))
    set_value(document, "pools.*.*.k_out", "9 1/s")
    assert document == before


def test_setting_a_sourced_number_keeps_what_is_known_about_it(document):
    assert set_value(document, "populations.VTA_DA.drive", "50 pA")["populations"]["VTA_DA"]["drive"] == {
        "value": "50 pA",
        "sd": "3 pA",
        "basis": "fitted",
    }
    changed = set_value(document, "populations.VTA_DA.drive.sd", "9 pA")
    assert changed["populations"]["VTA_DA"]["drive"]["value"] == "95 pA"
    widened = set_value(document, "populations.VTA_DA.parameters.E_L.sd", "1 mV")
    assert widened["populations"]["VTA_DA"]["parameters"]["E_L"] == {"value": "-58 mV", "sd": "1 mV"}


@pytest.mark.parametrize(
    ("path", "factor", "result"),
    [
        ("pools.DRN.5-HT.transporters.SERT.DRN_HT.V_max", "0.5x", "650 nM/s"),
        ("pools.DRN.5-HT.k_out", "0.1x", "0.02 1/s"),
        ("populations.VTA_DA.n", "1.5x", "30"),
        ("populations.VTA_DA.parameters.E_L", "2 x", "-116 mV"),
        ("sites.D2_NAc.effects.0.release.factor", "1e-3x", "-0.0006"),
        ("pools.NAc.DA.release.VTA_DA.share", "0x", "0"),
    ],
)
def test_multiples(document, path, factor, result):
    node = set_value(document, path, factor)
    for key in parse_path(path):
        node = node[int(key)] if isinstance(node, list) else node[key]
    assert node == result


def test_multiples_need_a_number(document):
    with pytest.raises(SpecError, match="species: 'rat' is not a number and cannot be multiplied"):
        set_value(document, "species", "0.5x")


def test_items_of_lists_by_index_or_name(tmp_path):
    (tmp_path / "tiny.yaml").write_text((DATA / "tiny.yaml").read_text())
    more = "{drug: WAY-100635, concentration: 50 nM}, {drug: twice, concentration: 1 nM}"
    last = "{drug: twice, concentration: 2 nM}"
    text = EXPERIMENT.read_text().replace("concentration: 5 nM}]", f"concentration: 5 nM}}, {more}, {last}]")
    (tmp_path / "e.yaml").write_text(text)

    def drugs(path, value):
        return [
            drug.concentration
            for drug in load_experiment(tmp_path / "e.yaml", set={path: value}).arms["ssri"].drugs
        ]

    assert drugs("arms.ssri.drugs.WAY-100635.concentration", "7 nM") == [5, 7, 1, 2]
    assert drugs("arms.ssri.drugs.1.concentration", "7 nM") == [5, 7, 1, 2]
    assert drugs("arms.ssri.drugs.*.concentration", "2x") == [10, 100, 2, 4]
    with pytest.raises(SpecError, match="has 2 items 'twice'; name one by its index"):
        drugs("arms.ssri.drugs.twice.concentration", "7 nM")
    with pytest.raises(SpecError, match="has 4 items, counted from 0"):
        drugs("arms.ssri.drugs.4.concentration", "7 nM")


def test_set_while_loading():
    experiment = load_experiment(
        EXPERIMENT,
        set={
            "subjects": 8,
            "protocol.phases.drug.at": "2 h",
            "protocol.trace_step": "5 ms",
            "reference.phase": "drug",
            "circuit.populations.DRN_HT.drive": "1.5x",
            "circuit.pools.*.5-HT.k_out": "0.3 1/s",
            'arms.sert_knockdown.set["pools.*.5-HT.transporters.SERT.*.V_max"]': "0.25x",
        },
    )
    assert experiment.subjects == 8
    assert experiment.protocol.phases[1].at == 7200.0
    assert experiment.protocol.trace_step == 0.005
    assert experiment.reference.phase == "drug"
    assert experiment.circuit.populations["DRN_HT"].drive.value == 90e-12
    assert experiment.circuit.pools["DRN"]["5-HT"].k_out.value == 0.3
    knockdown = resolve(experiment, "sert_knockdown").circuit
    assert knockdown.pools["DRN"]["5-HT"].transporters["SERT"]["DRN_HT"].V_max.value == 325.0
    assert locate(experiment, "subjects") == "--set subjects=8"
    assert locate(experiment.circuit, "pools.DRN.5-HT.k_out") == "--set circuit.pools.*.5-HT.k_out=0.3 1/s"


def test_pairs_are_set_in_their_order():
    pairs = [("seed", 3), ("seed", "2x")]
    assert load_experiment(EXPERIMENT, set=pairs).seed == 6


def test_another_circuit_can_be_set(tmp_path):
    (tmp_path / "other.yaml").write_text(
        (DATA / "tiny.yaml").read_text().replace("name: tiny", "name: other")
    )
    experiment = load_experiment(EXPERIMENT, set={"circuit": str(tmp_path / "other.yaml")})
    assert experiment.circuit.name == "other"


def scanned(tmp_path, *axes):
    (tmp_path / "tiny.yaml").write_text((DATA / "tiny.yaml").read_text())
    lines = "".join(f"  {name}: {axis}\n" for name, axis in axes)
    (tmp_path / "e.yaml").write_text(EXPERIMENT.read_text() + f"scan:\n{lines}")
    return load_experiment(tmp_path / "e.yaml")


def test_axes_are_crossed_and_share_the_unit_of_their_first_value(tmp_path):
    experiment = scanned(
        tmp_path,
        ("dose", "{path: arms.ssri.drugs.escitalopram.concentration, values: [500 pM, 1 nM, 0.01 uM]}"),
        ("drive", "{path: circuit.populations.DRN_HT.drive, linear: [0.5x, 1.5x, 3]}"),
        ("h", "{path: circuit.sites.D2_NAc.near_field.h, log: [1 nM/Hz, 100 nM/Hz, 3]}"),
        ("size", "{path: circuit.populations.VTA_DA.n, linear: [10, 30, 3]}"),
    )
    values = axis_values(experiment)
    doses, unit = values["dose"]
    assert unit == "pM"
    assert [dose.to(unit) for dose in doses] == [500.0, 1000.0, 10_000.0]
    assert values["drive"] == ([0.5, 1.0, 1.5], "x")
    assert [h.to("nM/Hz") for h in values["h"][0]] == [1.0, 10.0, 100.0]
    assert values["size"] == ([10.0, 20.0, 30.0], "")
    points = scan_points(experiment)
    assert len(points) == 81
    assert points[1] == {"dose": 0, "drive": 0, "h": 0, "size": 1}, "the last axis is the fastest"
    resolved = resolve(experiment, "ssri", {"dose": 2, "drive": 0, "h": 1, "size": 2})
    assert resolved.arm.drugs[0].concentration == 10.0
    assert resolved.circuit.populations["DRN_HT"].drive.value == 30e-12
    assert resolved.circuit.sites["D2_NAc"].near_field.h.value == 10.0
    assert resolved.circuit.populations["VTA_DA"].n == 30


def test_axis_through_an_arms_own_settings(tmp_path):
    path = "'arms.sert_knockdown.set[\"pools.*.5-HT.transporters.SERT.*.V_max\"]'"
    experiment = scanned(tmp_path, ("left", f"{{path: {path}, values: [1x, 0.1x]}}"))

    def V_max(k):
        pool = resolve(experiment, "sert_knockdown", {"left": k}).circuit.pools["DRN"]["5-HT"]
        return pool.transporters["SERT"]["DRN_HT"].V_max.value

    assert [V_max(0), V_max(1)] == [1300.0, 130.0]


def test_without_a_scan_there_is_one_point():
    assert scan_points(load_experiment(EXPERIMENT)) == [{}]


def test_unknown_arms_axes_and_values_are_named(tmp_path):
    experiment = scanned(tmp_path, ("seeds", "{path: seed, values: [1, 2]}"))
    with pytest.raises(SpecError, match="unknown arm 'vehicel'; did you mean 'vehicle'?"):
        resolve(experiment, "vehicel")
    with pytest.raises(SpecError, match="unknown axis 'seed'; did you mean 'seeds'?"):
        resolve(experiment, "vehicle", {"seed": 0})
    with pytest.raises(SpecError, match="axis 'seeds' has 2 values"):
        resolve(experiment, "vehicle", {"seeds": 2})
