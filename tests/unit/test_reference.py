"""The reference tables: everything loads, everything resolves, every number says where it is from."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from importlib.resources import files

import pytest

from neurosim import reference
from neurosim.reference.tables import fold, number

DATA = files("neurosim.reference") / "data"


@pytest.mark.parametrize("name", reference.table_names())
def test_a_table_is_the_one_of_its_manifest(name):
    entry = reference.manifest()[name]
    assert len(reference.table(name)) == entry["rows"]
    assert entry["license"] == "CC-BY-4.0" and entry["source"] and entry["about"]
    assert entry["sha256"] == hashlib.sha256((DATA / name).read_bytes()).hexdigest(), "edit manifest.json too"


def test_every_csv_file_is_in_the_manifest():
    assert sorted(path.name for path in DATA.iterdir() if path.name.endswith(".csv")) == sorted(
        reference.table_names()
    )


def test_all_binding_rows_load():
    rows = [row for name in reference.drug_names() for row in reference.drug(name).rows]
    assert len(rows) == len(reference.table("drugs_binding.csv")) >= 464
    assert len(reference.drug_names()) == 105
    assert {row.kind for row in rows} == {"receptor", "carrier", "release", "store", "enzyme", "other"}


@pytest.mark.parametrize("name", reference.table_names())
def test_every_row_with_a_number_names_its_source(name):
    for row in reference.table(name):
        if "source" in row:
            numbers = [key for key in ("ki_nM", "value", "K_m_nM", "ka_1_per_h", "weight_kg") if row.get(key)]
            assert row["source"] or not numbers, row
        if "basis" in row and row.get("value"):
            assert row["basis"] in ("measured", "fitted", "derived", "assumed"), row


def test_own_pharmacokinetic_rows_are_numbers_with_units():
    units = {
        "V": "L/kg",
        "CL": "L/h/kg",
        "Q_2": "L/h/kg",
        "t_half": "h",
        "fu_plasma": "",
        "molar_mass": "g/mol",
    }
    for row in reference.table("pk_parameters.csv"):
        value = number(row["value"])
        assert value > 0 or (value == 0 and row["parameter"] == "Kpuu"), "0 only for what stays out of the brain"
        assert row["unit"] == units.get(row["parameter"], row["unit"])
        assert reference.species(row["species"]) and reference.drug(row["drug"])


@pytest.mark.parametrize("name", reference.receptor_names())
def test_a_receptor_is_complete(name):
    found = reference.receptor(name)
    assert found.ligand == reference.ligand_of(name)
    assert found.ligand in reference.transmitter_names("modulator")
    assert found.EC_50 > 0 and found.tau_assay > 0 and found.source
    assert 0 < found.onset_s < found.decay_s < 100
    assert reference.target(name).name == found.target


def test_receptor_numbers_are_in_seconds_and_nM():
    found = reference.receptor("D2")
    assert (found.ligand, found.onset_s, found.decay_s) == ("DA", 0.05, 0.5)
    assert (found.K_func, found.EC_50) == (105.0, 10.0)
    assert (reference.receptor("D1").K_func, reference.receptor("D3").K_func) == (384.0, None)


@pytest.mark.parametrize("written", ["D2S", "D2L", "D2", "D2/D3", "d2"])
def test_variants_of_D2_bind_the_same_drugs(written):
    assert reference.target(written).name == "D2"
    assert reference.receptor(written).target == "D2"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("way 100635", "WAY-100635"),
        ("8‑OH‑DPAT", "8-OH-DPAT"),  # non-breaking hyphens, as papers print them
        ("sb242084", "SB-242084"),
        ("RO 60 0175", "Ro 60-0175"),
        ("Haloperidol", "haloperidol"),
        ("M100907", "volinanserin"),
        ("l 745870", "L-745,870"),
    ],
)
def test_drug_names_are_forgiving(given, name):
    assert reference.drug(given).name == name


def test_no_two_drugs_fold_to_one_name():
    names = [fold(name) for name in reference.drug_names()]
    assert len(set(names)) == len(names)


def test_the_first_row_in_file_order_is_the_default():
    drug = reference.drug("venlafaxine")
    assert [row.Ki for row in drug.rows if row.target == "SERT"] == [8.9, 82.0]
    assert {row.target: row.Ki for row in drug.bindings}["SERT"] == 8.9
    haloperidol = {row.target: row.row["target"] for row in reference.bindings("haloperidol")}
    assert haloperidol["D2"] == "D2L"


def test_functional_EC_50_only_where_a_row_states_one():
    for row in reference.table("drugs_binding.csv"):
        if row["EC_50_nM"]:
            assert "EC50" in row["notes"] or "EC_50" in row["notes"], row
    ro = {row.target: row.EC_50 for row in reference.bindings("Ro 60-0175")}
    assert ro == {"5-HT2C": 32.0, "5-HT2B": 0.9, "5-HT2A": 447.0}
    assert {row.target: row.EC_50 for row in reference.bindings("quinpirole")}["D2"] is None


def test_an_EC_50_of_a_later_row_completes_the_default_row():
    row = next(row for row in reference.bindings("clozapine") if row.target == "5-HT1A")
    assert (row.Ki, row.EC_50) == (160.0, 9060.0)


def test_carriers_take_each_others_substrates():
    assert reference.carrier_names() == ("DAT", "NET", "SERT")
    assert reference.cross_K_m("NET", "DA") == 139.0 < reference.cross_K_m("DAT", "DA") == 210.0
    for name in reference.carrier_names():
        own = reference.carrier(name)
        for transmitter in reference.transmitter_names("modulator"):
            assert reference.cross_K_m(name, transmitter) > 0
        assert reference.cross_K_m(name, own.substrate) <= min(own.K_m.values()) or name == "NET"
    basis = {(row["carrier"], row["transmitter"]): row["basis"] for row in reference.table("carriers.csv")}
    assert basis["DAT", "5-HT"] == basis["SERT", "DA"] == "assumed"


def test_target_rows():
    assert len(reference.target_row_ids()) == 219
    assert len(reference.target_row_ids("calibration")) == 39
    row = reference.target_row("EC20")
    assert (row.value, row.unit, row.low, row.high) == ("45", "nM", 20.0, 70.0)
    assert reference.target_row("RM01").core


def test_routes_and_species():
    assert reference.route("p.o.").name == "oral" and reference.route("i.v.").ka is None
    assert reference.species("rat").weight == 0.25
    assert reference.species_names()[0] == "human"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", None),
        ("3.5", 3.5),
        ("1e-3", 1e-3),
        ("about 1", 1.0),
        ("<0.3", 0.3),
        (">1", 1.0),
        ("0.1-0.4", 0.2),
    ],
)
def test_cells_that_say_a_class_are_read(cell, value):
    assert number(cell) == (None if value is None else pytest.approx(value))


def test_the_hash_of_rows_used_is_stable_and_sharp():
    key = reference.rows_used(["haloperidol", "cocaine"], ["D2", "5-HT1A"])
    assert key == reference.rows_used(["Cocaine", "haloperidol", "haloperidol"], ["5-HT1A", "D2"])
    others = [
        reference.rows_used(["haloperidol"], ["D2", "5-HT1A"]),
        reference.rows_used(["haloperidol", "cocaine"], ["D2"]),
        reference.rows_used(["haloperidol", "citalopram"], ["D2", "5-HT1A"]),
        reference.rows_used(["haloperidol", "cocaine"], ["D2", "5-HT1A"], carriers=["DAT"]),
    ]
    assert len({key, *others}) == 5


def test_the_hash_follows_numbers_and_not_citations(monkeypatch):
    from neurosim.reference import keys

    before = reference.rows_used([], ["D2"])

    def with_changed(column):
        found = reference.receptor("D2")
        changed = dataclasses.replace(found, row={**found.row, column: "1234"})
        monkeypatch.setattr(keys, "receptor", lambda name: changed)
        return reference.rows_used([], ["D2"])

    assert with_changed("source") == before
    assert with_changed("K_func_nM") != before


def test_importing_the_room_reads_no_table_and_no_pandas():
    code = (
        "import sys; from neurosim import reference; from neurosim.reference.tables import table; "
        "assert table.cache_info().currsize == 0; assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
