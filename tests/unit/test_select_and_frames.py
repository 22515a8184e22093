"""Results in a notebook: selection by names, tables of pandas, what a notebook shows."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from synthetic import SMALL, SSRI, Treatment, results_folder

from neurosim.analysis import Axis, frame_of_comparison, open_results, select
from neurosim.errors import ResultSchemaError

DOSES = (0.1, 1.0, 10.0)


def scaled(treatment, part):
    return Treatment(
        {name: factor**part for name, factor in treatment.rates.items()},
        {name: factor**part for name, factor in treatment.levels.items()},
        treatment.ligands,
    )


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    """One arm over dose × state, two subjects of which one failed in the drug arm."""
    axes = [Axis("dose", DOSES, "mg/kg", "arms.ssri.drugs.one.dose"), Axis("state", ("calm", "tense"), "", "state")]
    folder = results_folder(
        tmp_path_factory.mktemp("crossed"), SMALL, {"vehicle": Treatment(), "ssri": SSRI}, record=0.3, axes=axes,
        at_point=lambda treatment, point: scaled(treatment, sum(point) / 3), outcomes={("ssri", 1): "failed"},
        attributes={"notice": "made up <in code>"},
    )  # fmt: skip
    with open_results(folder) as results:
        yield results


@pytest.fixture(scope="module")
def pointed(tmp_path_factory):
    """Two axes that go together along points."""
    axis = Axis.point(
        [Axis("ki", (3.0, 30.0, 3.0), "nM", "a.ki"), Axis("share", (0.1, 0.2, 0.3), "1", "a.share")]
    )
    folder = results_folder(
        tmp_path_factory.mktemp("pointed"), SMALL, {"vehicle": Treatment(), "ssri": SSRI}, record=0.3, axes=[axis],
        at_point=lambda treatment, point: scaled(treatment, point[0] / 2), phases=["drug"],
    )  # fmt: skip
    with open_results(folder) as results:
        yield results


def test_a_selection_is_what_xarray_selects_and_is_not_read(crossed):
    found = crossed.select("firing_rate", arm="ssri", phase="drug", population="DRN_HT", dose=1.0, state="tense")
    assert found.dims == ("subject",) and found.attrs["units"] == "Hz"
    assert not found.variable._in_memory
    rates = crossed.summary["rates"].firing_rate
    expected = rates.sel(arm="ssri", phase="drug", population="DRN_HT", dose=1.0, state="tense")
    xr.testing.assert_identical(found.load(), expected.load())
    assert np.isnan(found[1]) and found[0] > 0


@pytest.mark.parametrize("dose", [1.0, 1, np.float64(1.0), "1 mg/kg", "1000 ug/kg", "0.001 g/kg", 1.0 + 1e-9])
def test_a_dose_is_a_number_or_a_text_with_a_unit(crossed, dose):
    found = crossed.select("n_cells", dose=dose)
    assert float(found.dose) == 1.0
    assert "dose" not in found.dims


def test_lists_keep_the_dimension_in_the_order_asked_for(crossed):
    found = crossed.select("firing_rate", population=["VTA_GABA", "VTA_DA"], dose=["10 mg/kg", 0.1])
    assert found.population.values.tolist() == ["VTA_GABA", "VTA_DA"]
    assert found.dose.values.tolist() == [10.0, 0.1]


def test_several_labels_may_come_from_xarray_and_pandas(crossed):
    coordinate = crossed.summary["rates"].population
    names = coordinate.values
    for several in (coordinate, coordinate.to_index(), pd.Series(names), names, iter(names)):
        found = crossed.select("firing_rate", population=several)
        assert found.population.values.tolist() == coordinate.values.tolist()
    one = crossed.select("firing_rate", population=coordinate[1], dose=crossed.summary["rates"].dose[2])
    assert one.dims == crossed.select("firing_rate", population=str(coordinate[1].values), dose=10).dims
    assert float(one.dose) == 10.0


def test_what_is_said_of_entries_keeps_those_of_which_it_is_true(crossed, pointed):
    assert crossed.select("activation", receptor="5-HT2C").site.values.tolist() == ["HT2C_VTA"]
    assert crossed.select("activation", hears=["VTA", "DRN"], site_transmitter="5-HT").sizes["site"] == 2
    assert crossed.select("firing_rate", population_transmitter="GABA").population.values.tolist() == ["VTA_GABA"]
    assert pointed.select("firing_rate", ki="3 nM").point.values.tolist() == [0, 2]
    assert pointed.select("firing_rate", ki="0.03 uM").point.values.tolist() == [1]
    assert pointed.select("firing_rate", share=0.2, point=1).dims[-1] == "population"


@pytest.mark.parametrize(
    ("name", "labels", "words"),
    [
        ("firing_rat", {}, "no variable 'firing_rat' in these results: did you mean 'firing_rate'"),
        ("concentration", {}, "'concentration' is in the groups pools and drugs: write 'pools/concentration' or"),
        ("pool/concentration", {}, "no group 'pool' in these results: did you mean 'pools'"),
        ("firing_rate", {"population": "DRN_5HT"}, "no population 'DRN_5HT' in these results: did you mean 'DRN_HT'"),
        ("firing_rate", {"populatoin": "DRN_HT"}, "firing_rate has no dimension 'populatoin': did you mean 'population'"),
        ("firing_rate", {"arm": "SSRI"}, "no arm 'SSRI' in these results: did you mean 'ssri'"),
        ("firing_rate", {"dose": 3.0}, r"no dose 3.0 \(in mg/kg\) in these results: did you mean 1\? allowed: 0.1, 1, 10"),
        ("firing_rate", {"dose": "1 nM"}, "no dose '1 nM' in these results: '1 nM' is a concentration; needs a dose"),
        ("firing_rate", {"dose": "1"}, "no dose '1' in these results: '1' has no unit; needs a dose, e.g. '10 mg/kg'"),
        ("firing_rate", {"subject": "x"}, "no subject 'x' in these results: 'x' is not a number"),
        ("firing_rate", {"receptor": "D2"}, "firing_rate has no dimension 'receptor'"),
        ("firing_rate", {"region": "DRN"}, "firing_rate has no dimension 'region': did you mean 'population_region'"),
        ("firing", {}, "no variable 'firing' in these results: did you mean 'firing_rate'"),
        ("rates", {}, "'rates' is a group, not a variable: name one of its variables, firing_rate, "),
        ("activation", {"receptor": "D3"}, "no receptor 'D3' in these results: allowed: D2, 5-HT1A, 5-HT2C"),
    ],
)
def test_what_is_not_there_is_answered_with_the_nearest(crossed, name, labels, words):
    with pytest.raises(ResultSchemaError, match=words):
        crossed.select(name, **labels)


def test_a_trial_is_found_by_a_dose_with_a_unit(crossed):
    one = crossed.trial("ssri", 0, dose="10 mg/kg", state="calm")
    assert one.attrs["key"] == crossed.trial("ssri", 0, dose=10, state="calm").attrs["key"]


def test_a_table_has_one_row_per_observation(crossed):
    frame = crossed.to_dataframe("rates")
    columns = ["arm", "subject", "dose", "state", "phase", "population", "population_region", "population_transmitter"]
    assert frame.columns.tolist()[: len(columns)] == columns
    # two vehicle trials that no axis touches, twelve drug trials, two phases, three populations
    assert len(frame) == (2 + 2 * 6) * 2 * 3
    assert not frame.duplicated(columns).any()
    assert frame.attrs["units"]["firing_rate"] == "Hz" and frame.attrs["units"]["dose"] == "mg/kg"
    vehicle = frame[frame.arm == "vehicle"]
    assert vehicle.dose.isna().all() and vehicle.state.isna().all() and frame[frame.arm == "ssri"].dose.notna().all()
    failed = frame[(frame.arm == "ssri") & (frame.subject == 1)]
    assert len(failed) == 36 and failed.firing_rate.isna().all()
    for row in frame.sample(20, random_state=1).itertuples():
        at = {} if row.arm == "vehicle" else {"dose": row.dose, "state": row.state}
        stored = crossed.select("cv_isi", arm=row.arm, subject=row.subject, phase=row.phase, population=row.population, **at)
        assert row.cv_isi == pytest.approx(float(stored.values.ravel()[0]), nan_ok=True)


def test_a_table_means_what_xarray_means(crossed):
    frame = crossed.to_dataframe("pools/concentration", phase="drug", arm="ssri", subject=0)
    means = frame.groupby(["transmitter", "dose"], observed=True).concentration.mean()
    stored = crossed.select("pools/concentration", phase="drug", arm="ssri", subject=0).mean(["region", "state"])
    for (transmitter, dose), value in means.items():
        assert value == pytest.approx(float(stored.sel(transmitter=transmitter, dose=dose)))
    assert frame.phase.unique().tolist() == ["drug"] and len(frame) == 3 * 2 * 2 * 3


def test_names_are_categories_in_the_order_of_the_results(crossed):
    frame = crossed.to_dataframe("firing_rate", arm="ssri")
    populations = crossed.summary["rates"].population.values.tolist()
    assert frame.population.cat.categories.tolist() == populations
    assert frame.groupby("population", observed=True).firing_rate.mean().index.tolist() == populations


def test_axes_along_points_are_columns(pointed):
    frame = pointed.to_dataframe("firing_rate", population="DRN_HT")
    drug = frame[frame.arm == "ssri"]
    assert drug.ki.tolist() == [3.0, 30.0, 3.0] * 2 and frame.attrs["units"]["ki"] == "nM"
    assert frame[frame.arm == "vehicle"][["point", "ki", "share"]].isna().all(axis=None)


def test_a_balance_hangs_on_where_its_reference_ran(tmp_path):
    """The lesion arm ran once, but its balance is against a reference that the axis touches."""
    folder = results_folder(
        tmp_path, SMALL, {"vehicle": Treatment(), "ssri": SSRI}, record=0.3, axes=[Axis("dose", DOSES, "mg/kg", "p")],
        at_point=lambda treatment, point: scaled(treatment, point[0] / 2), phases=["drug"],
    )  # fmt: skip
    with open_results(folder) as results:
        # read the same folder as if the scanned arm were the reference
        results.summary.attrs["reference_arm"] = "ssri"
        assert len(results.to_dataframe("balance", arm="vehicle", region="NAc")) == 2 * 3
        assert len(results.to_dataframe("firing_rate", arm="vehicle", population="DRN_HT")) == 2


def test_how_trials_ended_is_a_table(crossed):
    frame = crossed.to_dataframe(["outcome", "key"])
    assert len(frame) == 2 + 2 * 6
    assert frame.outcome.value_counts().to_dict() == {"ok": 8, "failed": 6}
    assert frame.key.nunique() == len(frame)


def test_variables_of_different_kinds_make_no_table(crossed):
    with pytest.raises(ResultSchemaError, match="different dimensions, so no common rows: activation, heard.* name some of"):
        crossed.to_dataframe("receptors")
    assert {"activation", "heard"} <= set(crossed.to_dataframe(["activation", "heard"]).columns)


def test_a_comparison_as_a_table_says_what_compare_says(crossed):
    compared = crossed.compare("ssri", "vehicle")
    frame = frame_of_comparison(compared, "rates", state="calm")
    statistics = ["difference", "ratio", "low", "high", "ratio_low", "ratio_high", "n"]
    assert frame.columns.tolist()[-len(statistics) :] == statistics
    assert len(frame) == 6 * 3 * 3 and frame.attrs["units"] == {"dose": "mg/kg"}
    assert (frame.attrs["a"], frame.attrs["b"]) == ("ssri, drug", "vehicle, drug")
    row = frame[(frame.variable == "firing_rate") & (frame.population == "DRN_HT") & (frame.dose == 10.0)].iloc[0]
    stored = select(compared, "firing_rate", population="DRN_HT", dose="10 mg/kg", state="calm")
    assert row.units == "Hz"
    for name in statistics:
        assert row[name] == pytest.approx(float(stored.sel(statistic=name)), nan_ok=True)
    with pytest.raises(ResultSchemaError, match=r"needs what results.compare\(a, b\) gives"):
        frame_of_comparison(crossed.summary, "rates")


def test_a_table_survives_csv(crossed, tmp_path):
    frame = crossed.to_dataframe("rates", phase="drug")
    frame.to_csv(tmp_path / "rates.csv", index=False)
    again = pd.read_csv(tmp_path / "rates.csv")
    np.testing.assert_array_equal(again.firing_rate, frame.firing_rate)
    assert again.population.tolist() == frame.population.tolist()


class Words(HTMLParser):
    """Texts of a page, and its tags, which must be closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.tags = [], [], set()
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_notebook_shows_what_there_is(crossed):
    page = Words(crossed._repr_html_())
    text = " ".join(page.texts)
    assert not page.tags & {"script", "style", "link", "img", "iframe"}
    for words in (
        crossed.name, str(crossed.folder), "vehicle (reference)", "ssri", "0.1, 1, 10 mg/kg", "calm, tense",
        "baseline, drug", "6 failed, 8 ok", "made up <in code>", "results.plot.overview()",
    ):  # fmt: skip
        assert words in text, words
    for group, node in crossed.summary.children.items():
        for name, values in node.to_dataset().data_vars.items():
            assert name in text, (group, name)
            assert values.attrs["long_name"] in text, (group, name)
    assert "nM/s" in text and "population (3)" in text and "Hz" in text
    # what it says to do next works
    steps = [t for t in page.texts if t.startswith("results.") and "plot" not in t]
    assert len(steps) == 3
    for step in steps:
        assert eval(step, {"results": crossed}) is not None


def test_the_text_is_one_line(crossed, pointed):
    assert "2 arms × 2 subjects × point (3), phase drug;" in repr(pointed)
    text = repr(crossed)
    assert "\n" not in text and text.startswith("<Results ") and "dose (3) × state (2)" in text
    assert text.endswith("trials: 6 failed, 8 ok>")


def test_results_without_spikes_have_a_view_and_tables(tmp_path):
    with open_results(results_folder(tmp_path, SMALL, record=0.3, has_spikes=False)) as results:
        page = Words(results._repr_html_())
        assert 'results.select("activation")' in page.texts
        assert len(results.to_dataframe("drugs")) == 2 * 2 * 2
        with pytest.raises(ResultSchemaError, match="no variable 'firing_rate' in these results"):
            results.select("firing_rate")
