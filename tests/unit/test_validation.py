"""Rows, readouts and verdicts."""

import csv
import math
import re

import numpy as np
import pytest
from synthetic import SMALL, SSRI, Treatment, results_folder

from neurosim import reference
from neurosim.analysis import open_results
from neurosim.cli import main
from neurosim.errors import SpecError
from neurosim.pharmacology import dose_occupancy
from neurosim.spec import Expected, load_rows
from neurosim.validation import (
    Reading,
    chosen,
    get_readout,
    judge,
    readout,
    readout_names,
    scored_within,
    validate,
)
from neurosim.validation.registry import UNITS
from neurosim.validation.report import COLUMNS, Score, direction_of
from neurosim.validation.rows import read_rows
from neurosim.validation.verdict import odds_ratio

pytestmark = pytest.mark.usefixtures("plain_figure")

BAND = Expected(low="40", high="60", unit="%")
FALL = Expected(low="-35", high="-23", unit="%")
UP, DOWN = Expected(direction="increase"), Expected(direction="decrease")

ROWS = """\
schema: neurosim-rows/1
experiments:
  raclopride_like:
    schema: neurosim-experiment/1
    name: raclopride_like
    circuit: striatum_pet
    engine: none
    levels: {DSt.DA: 45 nM, DSt.5-HT: 2.8 nM}
    protocol: {phases: [{name: scan, at: 1 h}]}
    arms:
      untreated: {}
      blocked: {drugs: [{drug: haloperidol, concentration: 1 nM}]}
rows:
  PT08:
    experiment: raclopride_like
    readout: {occupancy: {target: D2, site: D2_DSt, arm: blocked}}
    expected: {low: 38, high: 87, unit: "%"}
  mine:
    experiment: raclopride_like
    readout: {BP_change: {tracer: raclopride, site: D2_DSt, arm: blocked}}
    expected: {direction: decrease}
    value: -50
    note: my own
  theirs:
    not_expressible: no such thing
"""


@pytest.fixture
def rows_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(old="", new=""):
        assert old in ROWS
        path = tmp_path / "mine.yaml"
        path.write_text(ROWS.replace(old, new, 1) if old else ROWS, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    arms = {"vehicle": Treatment(), "escitalopram": SSRI}
    with open_results(results_folder(tmp_path_factory.mktemp("four"), SMALL, arms, subjects=4)) as opened:
        yield opened


# Verdicts


@pytest.mark.parametrize(
    ("reading", "expected", "verdict"),
    [
        (Reading(50.0), BAND, "pass"),
        (Reading(40.0), BAND, "pass"),
        (Reading(61.0), BAND, "wrong size"),
        (Reading(-5.0), BAND, "wrong sign"),
        (Reading(-30.0), FALL, "pass"),
        (Reading(-50.0), FALL, "wrong size"),
        (Reading(3.0), FALL, "wrong sign"),
        (Reading(0.0), FALL, "wrong size"),
        (Reading(math.nan), BAND, "error"),
        (Reading(math.inf), BAND, "wrong size"),
        (Reading(20.0, 5.0, 35.0), UP, "pass"),
        (Reading(20.0, -1.0, 41.0), UP, "wrong size"),
        (Reading(9.9, 5.0, 15.0), UP, "wrong size"),
        (Reading(-20.0, -30.0, -10.0), UP, "wrong sign"),
        (Reading(20.0), UP, "wrong size"),
        (Reading(-20.0, -30.0, -10.0), DOWN, "pass"),
        (Reading(-20.0, -50.0, 10.0), DOWN, "wrong size"),
        (Reading(20.0, 5.0, 35.0), DOWN, "wrong sign"),
        (Reading.exact(-12.0), DOWN, "pass"),
    ],
)
def test_the_verdict_follows_band_and_direction(reading, expected, verdict):
    found, reason = judge(reading, expected)
    assert found == verdict
    assert bool(reason) == (verdict != "pass")


def test_odds_compare_parts_and_ratios_compare_numbers():
    assert np.isclose(odds_ratio(80, 50, "%"), 4.0)
    assert np.isclose(odds_ratio(50, 80, "%"), 0.25)
    assert np.isclose(odds_ratio(3.0, 1.5, "mg/kg"), 2.0)
    assert odds_ratio(100, 50, "%") == math.inf
    assert np.isclose(odds_ratio(-40, -20, "%"), 2.0)
    assert math.isnan(odds_ratio(40, -20, "%")) and math.isnan(odds_ratio(math.nan, 20, "%"))


def test_shares_count_only_what_can_be_compared():
    def score(verdict, model, value):
        return Score("x", "", "", False, "", Reading(model), value, 0, 1, "nM", verdict, "")

    scores = [score("pass", 1, 1), score("wrong size", 2.9, 1), score("wrong size", 3.1, 1),
              score("error", math.nan, 1), score("not expressible", math.nan, 1)]  # fmt: skip
    assert scored_within(scores) == (2, 1, 3)


# Readouts


@pytest.mark.parametrize("name", readout_names())
def test_every_readout_says_what_it_is_in_which_unit_and_what_it_needs(name):
    found = get_readout(name)
    assert found.unit in UNITS
    assert found.about.endswith(".") and len(found.about) > 20
    assert found.needs and set(found.needs) <= {"rates", "pools", "receptors", "drugs", "balance"}
    assert {"arm", "losses"} & set(found.required)
    assert not found.is_change or found.unit == "%"
    assert found.problem({}) == f"readout {name} lacks the argument '{found.required[0]}'"
    assert f"readout {name} has no argument 'arn'; " in found.problem({"arn": "x"})


def test_the_registry_is_loud():
    with pytest.raises(
        SpecError, match=r"unknown readout 'firing_rate_chnge'; did you mean 'firing_rate_change'\?"
    ):
        get_readout("firing_rate_chnge")
    with pytest.raises(SpecError, match="the name is taken"):

        @readout("%", ("rates",))
        def occupancy(results, arm):
            """Again."""

    with pytest.raises(SpecError, match=r"unknown unit 'percent'"):
        readout("percent", ("rates",))(lambda results, arm: None)


def test_changes_are_those_of_compare(results):
    pair = results.compare("escitalopram", "vehicle", phase=results.phases[-1])
    rates = pair["rates"].firing_rate_active.sel(population="DRN_HT")
    found = get_readout("firing_rate_change")(
        results, {"population": "DRN_HT", "arm": "escitalopram", "against": "vehicle"}
    )
    for value, name in ((found.value, "ratio"), (found.low, "ratio_low"), (found.high, "ratio_high")):
        assert np.isclose(value, 100 * (float(rates.sel(statistic=name)) - 1))
    assert found.low < found.value < found.high < 0
    region, transmitter = next(iter(SMALL.levels))
    levels = pair["pools"].concentration.sel(region=region, transmitter=transmitter, statistic="ratio")
    change = get_readout("concentration_change")(
        results, {"pool": f"{region}.{transmitter}", "arm": "escitalopram", "against": "vehicle"}
    )
    assert np.isclose(change.value, 100 * (float(levels) - 1))


def test_what_a_change_is_measured_against_can_be_an_arm_or_an_arm_and_a_phase(results):
    last, read = results.phases[-1], get_readout("firing_rate_change")
    own = {"population": "DRN_HT", "arm": "escitalopram"}
    by_arm, by_both, by_default = (
        read(results, {**own, **more}).value
        for more in (
            {"against": "vehicle"},
            {"against": ["vehicle", last]},
            {"against": list(results.reference)},
        )
    )
    assert by_arm == by_both
    assert by_default == read(results, own).value
    scan = get_readout("BP_change")
    own = {"tracer": "DASB", "arm": "escitalopram", "site": results.summary["receptors"].site.values[0]}
    with pytest.raises(SpecError, match=r"no arm 'vehcle' in these results; did you mean 'vehicle'\?"):
        scan(results, {**own, "against": "vehcle"})


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("firing_rate_change", {"population": "DRN_HTT", "arm": "escitalopram"}, "did you mean 'DRN_HT'"),
        ("firing_rate_change", {"population": "DRN_HT", "arm": "escitalopam"}, "did you mean 'escitalopram'"),
        (
            "firing_rate_change",
            {"population": "DRN_HT", "arm": "vehicle", "measure": "rate"},
            "no measure 'rate'",
        ),
        ("concentration_change", {"pool": "NAc", "arm": "vehicle"}, "not REGION.TRANSMITTER"),
        ("carrier_occupancy", {"carrier": "SRT", "arm": "vehicle"}, "did you mean 'SERT'"),
        ("receptor_occupancy", {"site": "nowhere", "arm": "vehicle"}, "no site 'nowhere'"),
        ("occupancy", {"target": "D2", "arm": "vehicle"}, "at which site"),
    ],
)
def test_a_readout_answers_what_is_not_there_with_the_nearest(results, name, arguments, words):
    with pytest.raises(SpecError) as error:
        get_readout(name)(results, arguments)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_readout_of_rates_refuses_results_without_spikes(rows_file):
    old = "{BP_change: {tracer: raclopride, site: D2_DSt, arm: blocked}}"
    done = validate(rows=rows_file(old, "{firing_rate_change: {population: DSt_D2, arm: blocked}}"))
    first, mine, _ = done.scores
    assert mine.verdict == "error" and "needs the group 'rates'" in mine.reason
    assert first.verdict == "pass" and done.has_failed, "the others go on, and the exit status tells"


def test_half_occupancy_of_a_scan_is_that_of_the_closed_form(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = validate(only=["PT32", "PT16"])
    (ed50, ec50) = (score.reading.value for score in done.scores)
    oral = dose_occupancy("methylphenidate", 1.0, "DAT", "human", "oral", at="120 min", transmitter="45 nM")
    assert np.isclose(ed50, oral.ED50, rtol=1e-6)
    steady = {"at": "12 h", "ii": "24 h", "ss": True, "transmitter": "45 nM"}
    assert np.isclose(
        ec50, dose_occupancy("olanzapine", 1.0, "D2", "human", "oral", **steady).EC50, rtol=1e-6
    )


# Files of rows


def test_a_file_of_ones_own_is_scored_in_the_same_form(rows_file):
    done = validate(rows=rows_file())
    first, mine, theirs = done.scores
    x = 1.0 / next(b.Ki for b in reference.bindings("haloperidol") if b.target == "D2")
    held = 100 * x / (1 + 45 / reference.receptor("D2").K_func + x)
    assert (first.use, first.area, first.value) == ("validation", "pet", 62.0)
    assert np.isclose(first.reading.value, held, rtol=1e-6)
    assert (mine.use, mine.what, mine.verdict) == ("own", "my own", "pass")
    assert np.isclose(mine.reading.value, -held, rtol=1e-6)
    assert (theirs.verdict, theirs.reason) == ("not expressible", "no such thing")
    with done.table.open(encoding="utf-8") as stream:
        written = list(csv.DictReader(stream))
    assert tuple(written[0]) == COLUMNS
    assert [row["id"] for row in written] == ["PT08", "mine", "theirs"]
    assert float(written[0]["model"]) == pytest.approx(held, rel=1e-3) and written[2]["model"] == ""


def test_rows_of_one_experiment_run_it_once_and_a_second_time_not_at_all(rows_file):
    from neurosim.runner import Listener

    class Heard(Listener):
        starts = ()

        def start(self, total, kept, failed):
            self.starts = (*self.starts, (total, kept))

    for expected in ((2, 0), (2, 2)):
        heard = Heard()
        validate(rows=rows_file(), progress=heard)
        assert heard.starts == (expected,)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "neurosim-rows/1",
            "neurosim-row/1",
            r"mine\.yaml: schema: a file of rows begins with 'schema: neurosim-rows/1'",
        ),
        (
            "expected: {low",
            "expectd: {low",
            r"mine\.yaml:17: rows\.PT08\.expectd: unknown key 'expectd'; did you mean 'expected'\?",
        ),
        (
            "{occupancy: {target",
            "{ocupancy: {target",
            r"mine\.yaml:16: rows\.PT08\.readout: unknown readout 'ocupancy'; did you mean 'occupancy'\?",
        ),
        (
            "arm: blocked}}\n    expected: {low",
            "arn: blocked}}\n    expected: {low",
            r"mine\.yaml:16: rows\.PT08\.readout\.occupancy: readout occupancy has no argument 'arn'; did you mean 'arm'\?",
        ),
        (
            'unit: "%"',
            "unit: nM",
            r"mine\.yaml:17: rows\.PT08\.expected\.unit: 'nM' is given and readout occupancy is in %",
        ),
        ("high: 87", "high: 8", r"rows\.PT08\.expected\.high: '8' lies below low = '38'"),
        ("high: 87, ", "", r"rows\.PT08\.expected: allowed: either low, high and unit, or direction"),
        (
            "decrease",
            "decline",
            r"mine\.yaml:21: rows\.mine\.expected\.direction: unknown value 'decline'; .*allowed: increase, decrease",
        ),
        (
            '{low: 38, high: 87, unit: "%"}',
            "{direction: increase}",
            r"readout occupancy is no change, so it has no direction",
        ),
        (
            "experiment: raclopride_like",
            "experiment: racloprid",
            r"mine\.yaml:15: rows\.PT08\.experiment: unknown experiment 'racloprid'.*did you mean 'raclopride_like'\?",
        ),
        (
            "drug: haloperidol, conc",
            "drug: haloperidl, conc",
            r"mine\.yaml:12: .*unknown drug 'haloperidl'; did you mean 'haloperidol'\?",
        ),
        (
            "    not_expressible",
            "    experiment: x\n    not_expressible",
            r"rows\.theirs: has not_expressible and experiment; allowed: one of them",
        ),
    ],
)
def test_mistakes_in_a_file_of_rows_say_where(rows_file, old, new, words):
    try:
        done = validate(rows=rows_file(old, new))
        text = done.scores[0].reason
        assert done.scores[0].verdict == "error"
    except SpecError as error:
        text = str(error)
    assert re.search(words, text), text


def test_only_names_rows_that_exist(rows_file):
    rows = load_rows(rows_file())
    assert chosen(rows, ["mine"]) == ("mine",)
    with pytest.raises(SpecError, match=r"--only PT8: no such row; did you mean 'PT08'\?"):
        chosen(rows, ["PT8"])


# The command


@pytest.fixture
def command(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["validate", *map(str, arguments)])
        out, err = capsys.readouterr()
        return left.value.code, out, err

    return call


def test_the_command_prints_the_table_and_its_shares(rows_file, command):
    status, out, _ = command("--rows", rows_file())
    assert status == 0
    assert re.search(r"^PT08 +haloperidol .* 69\.\d+ +62 +38 to 87 +% +1\.4\d* +pass", out, re.MULTILINE)
    assert "2 pass, 1 not expressible" in out
    assert "of 2 rows with a number: 2 within threefold (100%), 2 in band (100%)" in out


def test_the_exit_status_is_that_of_run(rows_file, command):
    status, _, err = command("--rows", rows_file(), "--only", "mne")
    assert (status, err.count("\n")) == (2, 1) and "did you mean 'mine'" in err
    status, out, _ = command(
        "--rows", rows_file("arm: blocked}}\n    expected: {low", "arm: bloked}}\n    expected: {low")
    )
    assert status == 1 and "no arm 'bloked' in these results; did you mean 'blocked'?" in out


SPIKING = """\
schema: neurosim-rows/1
rows:
  RM01:
    experiment: tiny_experiment
    set: {subjects: 5}
    readout: {firing_rate_change: {population: DRN_HT, arm: ssri, against: vehicle}}
    expected: {direction: decrease}
"""


def test_rows_with_spikes_take_subjects_and_quick_ones_serve_the_full_run(tiny, fake_engine, command):
    (tiny / "spiking.yaml").write_text(SPIKING, encoding="utf-8")
    status, out, err = command("--rows", "spiking.yaml", "--quick", "--workers", "1")
    assert status == 0, err
    assert re.search(r"^RM01 ", out, re.MULTILINE)
    assert "12 trials, 12 to run" in err, "four arms, three subjects"
    _, _, err = command("--rows", "spiking.yaml", "--workers", "1")
    assert "20 trials, 12 there already, 8 to run" in err


# What ships


def _as_change(of_basal):
    return of_basal - 100.0


def _in_mg(ug):
    return ug / 1000.0


#: How a published number becomes that of a readout: as it is, from % of basal to a change, from ug/kg to mg/kg.
CONVERSIONS = (float, _as_change, _in_mg)


def _published_rows():
    return {name: row for name, row in read_rows().rows.items() if "_" not in name}


def test_the_shipped_rows_expect_what_the_target_table_says():
    for name, row in _published_rows().items():
        target = reference.target_row(name)
        assert target.use == "validation", f"{name}: only validation rows are scored"
        if row.not_expressible is None and row.expected.is_band and target.low is not None:
            band = (float(row.expected.low), float(row.expected.high))
            kinds = [k for k in CONVERSIONS if np.allclose(band, (k(target.low), k(target.high)), atol=1.01)]
            assert kinds, f"{name}: {band} is not {target.low} to {target.high} {target.unit}"
            if row.value is not None:
                assert any(abs(k(float(target.value)) - float(row.value)) <= 1.01 for k in kinds), name


def test_every_validation_row_of_the_target_table_is_there():
    assert set(reference.target_row_ids("validation")) == set(_published_rows())


def test_of_135_rows_at_least_90_can_be_expressed_and_the_others_say_why():
    rows = _published_rows().values()
    assert len(rows) == 135
    assert sum(row.not_expressible is None for row in rows) >= 90
    assert all(len(row.not_expressible) > 30 for row in rows if row.not_expressible is not None)


def test_a_row_where_nothing_may_happen_has_one_where_something_must():
    for name, row in _published_rows().items():
        if row.not_expressible is None and direction_of(row) == 0:
            assert row.positive is not None or row.also, f"{name}: nothing says that the drug acts at all"


def test_every_name_in_the_shipped_rows_is_in_their_experiment():
    rows = read_rows()
    for name, row in rows.rows.items():
        for condition in row.conditions if row.not_expressible is None else ():
            experiment = rows.experiment(name, asked=condition.experiment)
            phases = [p.name for p in experiment.protocol.phases]
            for key, given in condition.arguments.items():
                for what in _flat(given):
                    _check_name(experiment, phases, key, what, name)


def _flat(given):
    return list(given) if isinstance(given, list | tuple | dict) else [given]


def _check_name(experiment, phases, key, what, row):
    circuit = experiment.circuit
    if key in ("arm", "than_arm", "onsets_of", "losses"):
        assert what in experiment.arms, (row, what)
    elif key in ("against", "than_against"):
        assert what in experiment.arms or what in phases, (row, what)
    elif key in ("phase", "phases"):
        assert what in phases, (row, what)
    elif key == "site":
        assert what in circuit.sites, (row, what)
    elif key == "population":
        assert what in circuit.populations, (row, what)
    elif key == "pool" or (key == "than" and "." in what):
        region, _, transmitter = what.partition(".")
        assert transmitter in circuit.pools[region], (row, what)
    elif key == "than":
        assert what in circuit.populations, (row, what)
