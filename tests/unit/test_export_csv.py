"""The summary as CSV: what pandas reads back is the summary bit for bit, and every column is described."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from synthetic import SSRI, Treatment, results_folder

from neurosim.analysis import Axis, open_results
from neurosim.errors import ResultSchemaError
from neurosim.export import export_csv
from neurosim.export.grouping import tables_of

DOSE = Axis("dose", (0.1, 1 / 3, 30.0), "mg/kg", "arms.escitalopram.drugs.escitalopram.dose")
ROUTE = Axis("route", ("ip", "oral"), "", "arms.escitalopram.drugs.escitalopram.route")


def read(path):
    """As docs/exchange.md says."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two axes that the reference does not touch, a lesion of all cells, a trial without data, a phase before all drugs."""
    gone = replace(SSRI, lesions={"DRN_HT": 1.0})
    return results_folder(
        tmp_path_factory.mktemp("run"),
        arms={"vehicle": Treatment(), "NA": SSRI, "gone": gone},
        axes=[DOSE, ROUTE],
        at_point=lambda given, point: replace(given, ligands={"escitalopram": 7.0 * (1 + point[0]) / 3}),
        outcomes={("gone", 1): "nan"},
        record=0.5,
    )


@pytest.fixture(scope="module")
def exported(folder):
    with open_results(folder) as results:
        return export_csv(results)


def test_every_number_and_name_of_the_summary_comes_back(folder, exported):
    with open_results(folder) as results:
        n_compared = 0
        for group in results.summary.children:
            dataset = results.summary[group].to_dataset().load()
            for table, names in tables_of(dataset, group).items():
                frame = read(exported.folder / f"{table}.csv")
                compare(results, dataset, names, frame)
                n_compared += len(names)
        assert n_compared == sum(len(node.data_vars) for node in results.summary.children.values())


def compare(results, dataset, names, frame):
    """Each cell of some variables is the row of its labels; an arm that an axis does not touch has one row for all."""
    dims = [str(d) for d in dataset[names[0]].dims]
    labels = [dataset[d].values.tolist() for d in dims]
    inner = {d: [c for c in dataset.coords if dataset[c].dims == (d,) and c != d] for d in dims if d not in results.axes}
    touched = {arm: results.is_scanned(arm) for arm in results.arms}
    rows = {tuple("all" if nothing(row[d]) else row[d] for d in dims): row for row in frame.to_dict("records")}
    assert len(rows) == len(frame)
    values, used = {name: dataset[name].transpose(*dims).values for name in names}, set()
    for index in np.ndindex(*map(len, labels)):
        place = [own[k] for own, k in zip(labels, index, strict=True)]
        # a balance hangs on the reference arm too
        is_scanned = touched[place[dims.index("arm")]] or ("balance" in names and touched[results.reference[0]])
        key = tuple(v if d in inner or is_scanned else "all" for d, v in zip(dims, place, strict=True))
        row = rows[key]
        used.add(key)
        for name in names:
            value = values[name][index]
            if isinstance(value, str):
                assert row[name] == value or (value == "" and nothing(row[name])), (name, key)
            else:
                # equal as floats, or both nothing: no tolerance
                assert row[name] == value or (nothing(row[name]) and np.isnan(value)), (name, key)
        for dim, k in zip(dims, index, strict=True):
            assert all(row[c] == dataset[c].values[k] for c in inner.get(dim, ()))
    assert used == rows.keys(), "rows that are no cell of the summary"


def nothing(value):
    return isinstance(value, float) and np.isnan(value)


def test_there_is_a_table_for_each_group_and_kind_of_observation(exported):
    assert {path.name for path in exported.written} == {
        "rates.csv", "pools.csv", "receptors.csv", "receptors_site_ligand.csv", "receptors_carrier_ligand.csv", "drugs.csv",
        "balance.csv", "trials.csv", "trials_phase.csv", "datapackage.json",
    }  # fmt: skip
    assert {path.name for path in exported.folder.iterdir()} == {path.name for path in exported.written}


def test_every_column_is_described_with_the_unit_of_the_summary(folder, exported):
    package = json.loads((exported.folder / "datapackage.json").read_text(encoding="utf-8"))
    assert "Output of a computer model" in package["description"]
    with open_results(folder) as results:
        for resource in package["resources"]:
            frame = read(exported.folder / resource["path"])
            fields = {field["name"]: field for field in resource["schema"]["fields"]}
            assert list(fields) == list(frame.columns)
            dataset = results.summary[resource["name"].split("_")[0]].to_dataset()
            for name, field in fields.items():
                attributes = dataset[name].attrs
                unit = attributes.get("units", "") if name in dataset.data_vars else attributes.get("unit", "")
                assert field.get("unit", "") == unit, name
                assert field["description"]
                is_number = dataset[name].dtype.kind in "iuf"
                assert (field["type"] != "string") == is_number, name
                if field["type"] == "integer":
                    assert frame[name].dtype.kind == "i", name
        assert fields  # the last one, trials_phase
    units = {f["name"]: f.get("unit") for r in package["resources"] if r["name"] == "pools" for f in r["schema"]["fields"]}
    assert (units["concentration"], units["release"], units["dose"], units["route"]) == ("nM", "nM/s", "mg/kg", None)


def test_infinity_is_written_as_the_standard_says(tmp_path):
    made = results_folder(tmp_path, subjects=1)
    with open_results(made) as results:
        at = results.summary["trials"]["at"].load()
        results.summary["trials"] = results.summary["trials"].to_dataset().assign(at=at.where(at > 0, -np.inf))
        folder = export_csv(results).folder
    assert "vehicle,0,baseline,-INF," in (folder / "trials_phase.csv").read_text(encoding="utf-8")
    assert read(folder / "trials_phase.csv")["at"].tolist() == [-np.inf, 2700.0] * 2


def test_one_arm_of_one_subject_is_a_part_of_all(folder, exported, tmp_path):
    with open_results(folder) as results:
        part = read(export_csv(results, tmp_path, arm="NA", subject=1).folder / "rates.csv")
        every = read(exported.folder / "rates.csv")
        own = every[(every.arm == "NA") & (every.subject == 1)].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, own, check_exact=True)
        with pytest.raises(ResultSchemaError, match="no arm 'vehicel'"):
            export_csv(results, tmp_path, arm="vehicel")


def test_tables_are_grouped_by_their_dimensions():
    pair, three = (("arm", "site"), [[1]]), (("arm", "site", "ligand"), [[[1]]])
    found = tables_of(xr.Dataset({"a": pair, "b": three, "c": pair}), "receptors")
    assert found == {"receptors": ["a", "c"], "receptors_ligand": ["b"]}


def test_a_folder_that_cannot_be_written_is_one_sentence(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    words = r"^cannot write .*rates\.csv: .*file is a file, not a folder$"
    with open_results(folder) as results, pytest.raises(ResultSchemaError, match=words):
        export_csv(results, tmp_path / "file" / "csv")
