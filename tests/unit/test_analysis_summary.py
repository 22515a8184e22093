"""Trials → summary → comparison and table."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from synthetic import SMALL, SSRI, Treatment, results_folder, trial

from neurosim.analysis import Axis, assemble_summary, open_results, spike_trains, summary_table, trial_rates
from neurosim.analysis.compare import paired_statistics
from neurosim.errors import ResultSchemaError
from neurosim.recording import read_record, trial_path, write_trial

DOSES = (0.1, 1.0, 10.0)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Three arms, four subjects; one trial failed."""
    folder = tmp_path_factory.mktemp("plain")
    arms = {
        "vehicle": Treatment(),
        "escitalopram": SSRI,
        "lesion": Treatment(ligands={"haloperidol": 2.0}, lesions={"DRN_HT": 0.99}),
    }
    with open_results(
        results_folder(folder, SMALL, arms, subjects=4, outcomes={("lesion", 2): "failed"})
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A scan of one arm over dose."""
    folder = tmp_path_factory.mktemp("scan")

    def at_point(treatment, point):
        part = DOSES[point[0]] / (DOSES[point[0]] + 1.0)
        return Treatment(
            {name: factor**part for name, factor in treatment.rates.items()},
            {name: factor**part for name, factor in treatment.levels.items()},
            dict.fromkeys(treatment.ligands, DOSES[point[0]]),
        )

    axis = Axis("dose", DOSES, "mg/kg", "arms.escitalopram.drugs.escitalopram.dose")
    with open_results(
        results_folder(folder, SMALL, axes=[axis], at_point=at_point, phases=["drug"])
    ) as opened:
        yield opened


def test_numbers_of_a_trial_stand_where_they_belong(results):
    own = results.trial("escitalopram", 3)
    for group in ("rates", "pools"):
        for name, values in own[group].to_dataset().data_vars.items():
            there = results.summary[group][name].sel(arm="escitalopram", subject=3)
            xr.testing.assert_equal(there.drop_vars(["arm", "subject"]), values)


def test_a_drug_that_an_arm_does_not_have_is_zero_and_a_failed_trial_is_nan(results):
    concentration = results.summary["drugs"]["concentration"].sel(phase="drug")
    assert float(concentration.sel(arm="vehicle", subject=0, drug="haloperidol")) == 0.0
    assert float(concentration.sel(arm="lesion", subject=0, drug="haloperidol")) == 2.0
    assert np.isnan(concentration.sel(arm="lesion", subject=2)).all()
    occupancy = results.summary["receptors"]["occupancy"].sel(arm="escitalopram", subject=0, phase="drug")
    assert (occupancy.sel(ligand="haloperidol") == 0).all()
    assert (occupancy.sel(ligand="escitalopram") > 0).all()


def test_nan_only_where_the_contract_allows_it(results):
    done = results.summary["trials"].outcome == "ok"
    rates = results.summary["rates"].to_dataset()
    assert rates.n_cells.where(done, 0).notnull().all()
    assert rates.active_fraction.where(done, 0).notnull().all()
    assert (rates.firing_rate.isnull() == ((rates.n_cells == 0) | ~done)).all()
    concentration = results.summary["pools"]["concentration"]
    # all pools but dopamine in the DRN exist
    is_pool = (concentration.transmitter != "DA") | (concentration.region != "DRN")
    assert (concentration.isnull() == ~(is_pool & done)).all()


def test_outcomes_messages_and_keys(results):
    trials = results.summary["trials"].to_dataset()
    assert str(trials.outcome.sel(arm="lesion", subject=2).values) == "failed"
    assert str(trials.message.sel(arm="lesion", subject=2).values) == "it was made to fail"
    assert np.isnan(trials["at"].sel(arm="lesion", subject=2)).all()
    assert trials["at"].sel(arm="vehicle", subject=0).values.tolist() == [-60.0, 2700.0]
    key = str(results.keys.sel(arm="vehicle", subject=1).values)
    assert trial_path(results.folder, key).exists()


def test_balance_is_the_log_ratio_to_the_subjects_own_reference(results):
    level = results.summary["pools"]["concentration"].load()
    own = level.sel(arm="escitalopram", subject=1, phase="drug", region="NAc")
    reference = level.sel(arm="vehicle", subject=1, phase="baseline", region="NAc")
    ratio = own / reference
    expected = np.log2(ratio.sel(transmitter="DA").item() / ratio.sel(transmitter="5-HT").item())
    balance = results.summary["balance"]["balance"].load()
    assert balance.sel(arm="escitalopram", subject=1, phase="drug", region="NAc").item() == pytest.approx(
        expected
    )
    assert (balance.sel(arm="vehicle", phase="baseline", region=["VTA", "NAc"]) == 0).all()
    assert np.isnan(balance.sel(region="DRN")).all()  # no dopamine pool there


def test_balance_of_activation_takes_the_sites_that_hear_the_region(results):
    activation = results.summary["receptors"]["activation"].load()

    def change(site):
        own = activation.sel(arm="escitalopram", subject=0, phase="drug", site=site)
        return own.item() / activation.sel(arm="vehicle", subject=0, phase="baseline", site=site).item()

    balance = results.summary["balance"]["balance_activation"].load()
    expected = np.log2(change("D2_VTA") / change("HT2C_VTA"))
    at_vta = balance.sel(arm="escitalopram", subject=0, phase="drug", region="VTA")
    assert at_vta.item() == pytest.approx(expected)
    assert np.isnan(balance.sel(region="NAc")).all()


def test_without_one_of_the_two_transmitters_there_is_no_balance(tmp_path):
    from dataclasses import replace

    serotonin = replace(
        SMALL,
        levels={pool: c for pool, c in SMALL.levels.items() if pool[1] == "5-HT"},
        sites={name: site for name, site in SMALL.sites.items() if site[4] == "5-HT"},
    )
    with open_results(results_folder(tmp_path, serotonin, subjects=1)) as opened:
        assert opened.summary["balance"]["balance"].isnull().all()
        assert opened.summary["balance"]["balance_activation"].isnull().all()


# ---- scans -------------------------------------------------------------------------------------------------


def test_an_axis_is_a_dimension_with_its_path_and_unit(scan):
    dose = scan.summary["rates"]["dose"]
    assert dose.values.tolist() == list(DOSES)
    assert dose.attrs["path"] == "arms.escitalopram.drugs.escitalopram.dose"
    assert dose.attrs["unit"] == "mg/kg"
    assert scan.summary["rates"]["firing_rate"].dims == ("arm", "subject", "dose", "phase", "population")


def test_an_arm_that_the_axis_does_not_touch_is_broadcast(scan):
    vehicle = scan.summary["pools"]["concentration"].sel(arm="vehicle").load()
    assert (vehicle.isnull() | (vehicle == vehicle.isel(dose=0))).all()
    assert len(np.unique(scan.keys.sel(arm="vehicle", subject=0))) == 1
    assert len(np.unique(scan.keys.sel(arm="escitalopram", subject=0))) == 3


def test_trials_of_a_scan_are_found_by_value(scan):
    assert float(scan.trial("escitalopram", 1, dose=10)["drugs"]["concentration"].squeeze()) == 10.0
    assert scan.trial("vehicle").attrs["outcome"] == "ok"
    with pytest.raises(ResultSchemaError, match=r"was scanned over dose: say which point, e.g. dose=0.1"):
        scan.trial("escitalopram")
    with pytest.raises(ResultSchemaError, match=r"no dose 3 \(in mg/kg\) in these results: did you mean 1\?"):
        scan.trial("escitalopram", dose=3)
    with pytest.raises(ResultSchemaError, match="no scan axis 'dosis'.*did you mean 'dose'"):
        scan.trial("escitalopram", dosis=3)


def test_comparisons_keep_the_scan_axes(scan):
    ratio = scan.compare("escitalopram", "vehicle")["pools"]["concentration"].sel(statistic="ratio")
    at_NAc = ratio.sel(transmitter="5-HT", region="NAc")
    assert at_NAc.dims == ("dose",)
    assert (np.diff(at_NAc) > 0).all()


@pytest.mark.parametrize("name", ["arm", "time", "firing_rate", "receptor", "statistic"])
def test_an_axis_cannot_take_the_name_of_a_dimension(name):
    axis = Axis(name, (1.0,), "1", "seed")
    with pytest.raises(ResultSchemaError, match=f"scan axis '{name}': results have"):
        assemble_summary({}, {}, arms=["a"], subjects=[0], phases=["p"], axes=[axis], reference=("a", "p"))


def test_axis_values_are_in_the_unit_that_is_written():
    from neurosim.units import parse

    axis = Axis.of("C", [parse("50 nM", "concentration"), parse("0.2 uM", "concentration")], "nM", "path")
    assert axis.values == (50.0, 200.0)
    assert Axis.of("C", [parse("50 nM", "concentration")], "uM", "path").values == (0.05,)
    assert Axis.of("f", [0.5, 1], None, "path") == Axis("f", (0.5, 1), "1", "path")
    assert Axis.of("who", ["a", "b"], None, "path") == Axis("who", ("a", "b"), "", "path")


def test_trials_that_have_not_run_are_missing(tmp_path):
    result = trial("k")
    record = read_record(write_trial(tmp_path, result, trial_rates(result)))
    keys = {("a", 0, ()): "k", ("a", 1, ()): "other"}
    tree = assemble_summary(
        {"k": record},
        keys,
        arms=["a"],
        subjects=[0, 1],
        phases=["baseline", "drug"],
        reference=("a", "baseline"),
    )
    assert tree["trials"]["outcome"].values.tolist() == [["ok", "missing"]]
    assert np.isnan(tree["rates"]["n_cells"].sel(subject=1)).all()


def test_a_summary_without_any_data_still_says_what_happened(tmp_path):
    folder = results_folder(tmp_path, arms={"a": Treatment()}, subjects=1, outcomes={("a", 0): "timeout"})
    with open_results(folder) as opened:
        assert opened.outcomes.values.tolist() == [["timeout"]]
        assert summary_table(opened) == []
        assert "1 timeout" in repr(opened)


# ---- comparison --------------------------------------------------------------------------------------------


def test_intervals_are_those_of_a_paired_t_test(results):
    compared = results.compare("escitalopram", "vehicle", phase="drug")["pools"]["concentration"]
    level = (
        results.summary["pools"]["concentration"].sel(phase="drug", transmitter="5-HT", region="DRN").load()
    )
    a, b = level.sel(arm="escitalopram").values, level.sel(arm="vehicle").values
    own = compared.sel(transmitter="5-HT", region="DRN")
    test = stats.ttest_rel(a, b)
    low, high = test.confidence_interval(0.95)
    assert own.sel(statistic="difference").item() == pytest.approx((a - b).mean())
    assert own.sel(statistic=["low", "high"]).values == pytest.approx([low, high])
    logs = stats.ttest_rel(np.log(a), np.log(b)).confidence_interval(0.95)
    assert own.sel(statistic="ratio").item() == pytest.approx(stats.gmean(a / b))
    assert own.sel(statistic=["ratio_low", "ratio_high"]).values == pytest.approx(
        np.exp([logs.low, logs.high])
    )
    assert own.sel(statistic="n").item() == 4
    assert "p" not in compared.statistic.values


def test_a_against_itself_is_nothing(results):
    for group in results.compare("escitalopram", "escitalopram").children.values():
        for name, values in group.to_dataset().data_vars.items():
            changes = values.sel(statistic=["difference", "low", "high"]).values
            assert (changes[np.isfinite(changes)] == 0).all(), name
            ratios = values.sel(statistic=["ratio", "ratio_low", "ratio_high"]).values
            assert np.allclose(ratios[np.isfinite(ratios)], 1.0), name


def test_turned_around_every_sign_turns(results):
    there = results.compare("escitalopram", "vehicle")["rates"].to_dataset()
    back = results.compare("vehicle", "escitalopram")["rates"].to_dataset()
    for name in there.data_vars:
        one, other = (d[name].sel(statistic=s) for d, s in ((there, "difference"), (back, "difference")))
        assert np.array_equal(one, -other, equal_nan=True)
        one, other = (d[name].sel(statistic=s) for d, s in ((there, "low"), (back, "high")))
        assert np.array_equal(one, -other, equal_nan=True)
        one, other = (d[name].sel(statistic="ratio") for d in (there, back))
        product = (one * other).values
        assert np.allclose(product[np.isfinite(product)], 1.0)


def test_only_subjects_with_both_count(results):
    n = results.compare("lesion", "vehicle")["pools"]["concentration"].sel(statistic="n")
    assert n.sel(transmitter="DA", region="NAc").item() == 3


def test_phases_can_be_compared(results):
    across = results.compare(("escitalopram", "drug"), ("escitalopram", "baseline"))
    assert across.attrs["b"] == "escitalopram, baseline"
    ratio = across["pools"]["concentration"].sel(statistic="ratio", transmitter="5-HT", region="NAc")
    assert ratio.item() > 1.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("escitalopran", "vehicle"), "no arm 'escitalopran' in these results: did you mean 'escitalopram'"),
        (("escitalopram", "vehicle", "drugs"), "no phase 'drugs' in these results: did you mean 'drug'"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(results, arguments, words):
    with pytest.raises(ResultSchemaError, match=words):
        results.compare(*arguments)


def pair(a, b):
    make = [xr.DataArray(np.array(values, float), dims=["subject"]) for values in (a, b)]
    return paired_statistics(*make)


finite = st.floats(0.01, 1e3)


@settings(max_examples=50)
@given(st.lists(st.tuples(finite, finite), min_size=6, max_size=12))
def test_p_agrees_with_scipy_from_six_subjects_on(values):
    a, b = np.array(values).T
    ours = pair(a, b)
    if np.ptp(a - b) > 1e-9 * np.abs(a - b).max():
        assert ours.sel(statistic="p").item() == pytest.approx(
            stats.ttest_rel(a, b).pvalue, rel=1e-6, abs=1e-12
        )
    assert 0 <= ours.sel(statistic="p").item() <= 1


def test_no_p_below_six_subjects_even_where_values_are_missing():
    assert "p" not in pair([1, 2, 3, 4, 5], [2, 3, 4, 5, 7]).statistic.values
    holes = pair([1, 2, 3, 4, 5, np.nan], [2, 3, 4, 5, 7, 1])
    assert np.isnan(holes.sel(statistic="p").item())


def test_ratios_of_negative_numbers_do_not_exist_and_one_subject_has_no_interval():
    assert np.isnan(pair([-1, 2], [1, 1]).sel(statistic="ratio").item())
    assert np.isnan(pair([0, 2], [0, 1]).sel(statistic="ratio").item())
    assert pair([np.nan, 2], [1, 1]).sel(statistic="ratio").item() == pytest.approx(2.0)
    assert pair([0, 0], [1, 2]).sel(statistic="ratio").item() == 0.0
    alone = pair([2.0], [1.0])
    assert alone.sel(statistic="ratio").item() == pytest.approx(2.0)
    assert np.isnan(alone.sel(statistic=["low", "high", "ratio_low"]).values).all()


# ---- table, trials -----------------------------------------------------------------------------------------


def test_the_table_says_what_compare_says(results):
    rows = {(row.section, row.name): row for row in summary_table(results)}
    row = rows["concentrations", "5-HT DRN"]
    assert list(row.cells) == ["vehicle", "escitalopram", "lesion"]
    assert row.unit == "nM"
    own = results.compare("escitalopram", "vehicle")["pools"]["concentration"].sel(
        transmitter="5-HT", region="DRN"
    )
    cell = row.cells["escitalopram"]
    assert cell.change == pytest.approx(own.sel(statistic="ratio").item() - 1)
    assert (cell.low, cell.high) == pytest.approx(
        tuple(own.sel(statistic=["ratio_low", "ratio_high"]).values - 1)
    )
    assert cell.n == 4
    assert np.isnan(row.cells["vehicle"].change)
    assert rows["balance", "NAc"].unit == "log2"
    assert ("concentrations", "DA DRN") not in rows  # there is no such pool


def test_cells_as_text():
    from neurosim.analysis import Cell

    assert Cell(1.2345, 0.31, 0.2, 0.44, 3).text == "1.23 +31 % [20, 44]"
    assert Cell(1.2345).text == "1.23"
    assert Cell(10.0, -0.001, -0.004, 0.004, 3).text == "10 +0 % [0, 0]"
    assert Cell(-1.5, -1.5, -2.0, -1.0, 3, is_relative=False).text == "-1.50 (-1.50) [-2.00, -1.00]"
    assert Cell(0.0, -1.0, np.nan, np.nan, 1).text == "0 -100 %"
    assert Cell(1.0, 0.0, -1.0, 2143.51, 2).text == "1 +0 % [-100, >9999]"
    assert Cell(np.nan).text == "-"


def test_a_scanned_arm_shows_a_few_of_its_points(scan):
    cells = summary_table(scan)[0].cells
    assert list(cells) == [
        "vehicle",
        "escitalopram dose 0.1 mg/kg",
        "escitalopram dose 1 mg/kg",
        "escitalopram dose 10 mg/kg",
    ]


def test_a_lone_arm_is_compared_with_its_reference_phase(tmp_path):
    with open_results(results_folder(tmp_path, arms={"drug_only": SSRI}, subjects=2)) as opened:
        rows = {row.name: row for row in summary_table(opened)}
        assert rows["5-HT DRN"].cells["drug_only"].change > 0.5


def test_spike_trains_of_a_trial(results):
    own = results.trial("vehicle", 0)
    spikes = spike_trains(own, "drug", "VTA_GABA")
    rate = results.summary["rates"]["firing_rate"].sel(
        arm="vehicle", subject=0, phase="drug", population="VTA_GABA"
    )
    assert spikes.n_cells == 4
    assert spikes.step.size / (4 * spikes.duration) == pytest.approx(rate.item())
    assert spike_trains(own, "drug").n_cells == 15
    with pytest.raises(ResultSchemaError, match="no population 'VTA_GABAA'"):
        spike_trains(own, "drug", "VTA_GABAA")


def test_trials_without_data_say_why_at_the_prompt(results):
    with pytest.raises(
        ResultSchemaError, match="subject 2: outcome 'failed' has no data: it was made to fail"
    ):
        results.trial("lesion", 2)
    with pytest.raises(ResultSchemaError, match="no subject 9 in these results: allowed: 0, 1, 2, 3"):
        results.trial("lesion", 9)


def test_a_summary_that_was_replaced_is_read_anew(tmp_path):
    results_folder(tmp_path, subjects=1)
    old = open_results(tmp_path)
    before = old.summary["rates"]["firing_rate"].sel(arm="vehicle")
    results_folder(tmp_path, subjects=3)
    with open_results(tmp_path) as new:
        assert new.subjects == (0, 1, 2)
    assert before.shape == (1, 2, 3)
    assert np.isfinite(before.load()).any()
    old.close()
