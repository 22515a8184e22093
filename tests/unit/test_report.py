"""The page about a results folder: complete, self-contained, and every number that of the summary."""

import json
import re
import shutil

import pytest
from html_page import outside_requests, read_page
from report_util import Numbers, figures_of, same
from synthetic import FOUR_ARMS, SMALL, SSRI, Treatment, results_folder

from neurosim import load_experiment, run
from neurosim.analysis import Axis, open_results
from neurosim.cli import main
from neurosim.errors import ResultSchemaError
from neurosim.recording.files import open_tree, write_tree
from neurosim.report import REPORT, write_report
from neurosim.report.numbers import plain_text, signed_percent
from neurosim.runner import numbers_used, sources_used
from neurosim.spec import digest
from neurosim.validation import get_readout, judge, read_rows

SECTIONS = (
    *("answer", "asked", "circuit", "figures", "changes", "drugs", "validation", "assumptions", "citations"),
    "provenance",
)
DOSE = Axis("dose", (0.1, 1.0, 10.0), "mg/kg", "arms.escitalopram.drugs.escitalopram.dose")
WORDS = Axis("level", ("none", "some", "most"), "", "p")
ZIPPED = [Axis("a", (0.1, 3.0, 1.0, 0.5), "mg/kg", "p"), Axis("b", (1.0, 2.0, 5.0, 0.3), "nM", "q")]
FACTOR = Axis("factor", (0.0, 1.0, 2.0), "x", "q")
WORSE = {"vehicle": Treatment(), "bad": SSRI, "worse": Treatment(lesions={"DRN_HT": 1.0})}


def at_point(treatment, point):
    k = 0.5 + sum(point) / 2
    return Treatment(
        {name: factor**k for name, factor in treatment.rates.items()},
        {name: factor**k for name, factor in treatment.levels.items()},
        {name: dose * k for name, dose in treatment.ligands.items()},
    )


KINDS = {
    "arms": {"arms": FOUR_ARMS, "subjects": 3},
    "one arm": {"arms": {"drug": SSRI}},
    "one of everything": {"arms": {"drug": SSRI}, "subjects": 1, "phases": ["only"]},
    "failures": {"arms": WORSE, "outcomes": {("bad", 0): "failed", ("bad", 1): "nan"}},
    "nothing but failures": {"outcomes": {(a, s): "failed" for a in ("vehicle", "escitalopram") for s in (0, 1)}},
    "scan": {"axes": [DOSE], "at_point": at_point, "phases": ["p"]},
    "scan of one arm by words": {"arms": {"vehicle": SSRI}, "axes": [WORDS], "at_point": at_point, "phases": ["p"]},
    "plane": {"axes": [DOSE, FACTOR], "at_point": at_point, "phases": ["p"]},
    "points": {"axes": [Axis.point(ZIPPED)], "at_point": at_point, "phases": ["p"]},
    "no spikes": {"arms": FOUR_ARMS, "subjects": 1, "phases": ["p"], "has_spikes": False},
    "scan without spikes": {"axes": [DOSE], "at_point": at_point, "subjects": 1, "phases": ["p"], "has_spikes": False},
}


class Case:
    """A kind of run: its results and its page."""

    def __init__(self, folder, kind):
        options = dict(KINDS[kind])
        self.kind, self.folder = kind, results_folder(folder, SMALL, options.pop("arms", None), record=0.5, **options)
        self.text = write_report(self.folder).read_text(encoding="utf-8")
        self.page = read_page(self.text)
        self.figures = figures_of(self.page)


@pytest.fixture(scope="module", params=KINDS)
def case(request, tmp_path_factory):
    return Case(tmp_path_factory.mktemp("report"), request.param)


def test_nothing_is_asked_of_the_network(case):
    assert outside_requests(case.page) == []
    policy = case.page.one("meta", **{"http-equiv": "Content-Security-Policy"})["content"]
    assert "default-src 'none'" in policy
    assert all(a["href"].startswith(("#", "https://", "http://")) for a in case.page.all("a"))


def test_outside_requests_are_seen():
    bad = (
        '<img src="x.png"><link rel="stylesheet" href="y.css"><script src="https://a.example/b.js"></script>'
        "<style>@import 'z.css'; p { background: url(w.png) }</style><p style='background: url(\"v.png\")'></p>"
    )
    assert len(outside_requests(read_page(bad))) == 6


def test_every_section_is_there_and_reachable(case):
    assert case.page.one("html")["lang"] == "en"
    assert case.page.one("title").text
    assert "width=device-width" in case.page.one("meta", name="viewport")["content"]
    sections = {section["id"]: section for section in case.page.all("section")}
    assert tuple(sections) == SECTIONS
    assert tuple(a["href"].removeprefix("#") for a in case.page.one("nav").all("a")) == SECTIONS
    for name, section in sections.items():
        assert len(section.text) > 40, name
    ids = [element["id"] for element in case.page.all() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_every_figure_has_a_text_alternative_with_numbers(case):
    plotted = case.page.all("figure", **{"class": "plotted"})
    assert [figure["id"] for figure in plotted] == list(case.figures)
    assert bool(plotted) == (case.kind != "nothing but failures")
    for figure in plotted:
        assert figure["role"] == "group"
        words = figure.one("figcaption").text
        assert re.search(r"\d", words), figure["id"]
        assert figure.one("div", role="img")["aria-label"] in words
        titled = case.page.one(id=figure["aria-labelledby"])
        assert titled.tag == "h3"
        if len(case.figures[figure["id"]]) > 1:
            options = [option.text for option in figure.one("select").all("option")]
            assert options == [view["label"] for view in case.figures[figure["id"]]]
            assert figure.one("label")["for"] == figure.one("select")["id"]
    assert all(len(image.get("alt")) > 40 for image in case.page.all("img"))
    assert all(figure["role"] == "group" for figure in case.page.all("figure"))


def test_every_number_is_that_of_the_summary(case):
    stated = case.page.all("data")
    assert len(stated) > 15 or case.kind == "nothing but failures"
    with open_results(case.folder) as results:
        numbers = Numbers(results)
        for number in stated:
            variable, statistic, at = number["data-variable"], number["data-statistic"], json.loads(number["data-at"])
            wanted = numbers.expected(variable, statistic, at)
            assert same(float(number["value"]), wanted), (variable, statistic, at)


def test_a_number_is_shown_rounded_and_never_as_another(case):
    for number in case.page.all("data"):
        value, text = float(number["value"]), number.text.replace("−", "-")
        match = re.match(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", text.lstrip("±>"))
        if not match or text.startswith(">"):
            assert text.startswith(("–", "∞", "-∞", ">")), text
            continue
        shown = float(match[0])
        if number["data-statistic"].startswith("ratio"):
            value = 100.0 * (value - 1.0)
            assert shown == pytest.approx(value, abs=0.51 if abs(value) >= 9.9 else 0.051)
        elif text.endswith("%") and number["data-variable"].startswith("receptors/") and number["data-statistic"] != "held":
            assert shown == pytest.approx(100.0 * value, rel=0.006)
        else:
            assert shown == pytest.approx(value, rel=0.006, abs=0.0051 if text[0] in "+-" else 0.0)


def test_every_trace_draws_the_numbers_of_the_summary(case):
    n = 0
    with open_results(case.folder) as results:
        numbers = Numbers(results)
        for views in case.figures.values():
            for trace in (trace for view in views for trace in view["data"] if "meta" in trace):
                meta = trace["meta"]
                if trace["type"] == "heatmap":
                    drawn = [value for row in trace["z"] for value in row]
                else:
                    drawn = trace["y"] if "along" in meta else trace["x"]
                wanted = numbers.traced(meta)
                assert len(drawn) == len(wanted)
                assert all(map(same, drawn, wanted)), (meta["variable"], meta["at"])
                n += 1
    assert n or case.kind == "nothing but failures"


def test_plotly_knows_every_key(case):
    import plotly.graph_objects as go

    for name, views in case.figures.items():
        for view in views:
            figure = go.Figure(view["data"], view["layout"])
            assert figure.data, name


def test_figures_are_those_that_the_run_can_have(case):
    names = set(case.figures)
    if case.kind in ("arms", "failures"):
        assert {"rates-levels", "rates-changes", "level-0-levels", "level-1-changes", "balance-changes", "traces"} <= names
    if case.kind == "one arm":
        assert {"rates-levels", "rates-changes"} <= names, "a lone arm is compared with its own first phase"
    if case.kind == "one of everything":
        assert not [name for name in names if name.endswith("changes")]
    if case.kind.startswith(("scan", "points", "plane")):
        assert [name for name in names if name.endswith("-scan")]
    if case.kind == "plane":
        assert "plane-1" in names
    if "no spikes" in case.kind or "without spikes" in case.kind:
        assert "activation-levels" in names
        assert not [name for name in names if name.startswith(("rates", "level", "balance", "traces"))]
    if case.kind == "nothing but failures":
        assert "Plotly" not in case.text


def test_failures_are_said(case):
    asked = case.page.one("section", id="asked").text
    assert ("it was made to fail" in asked) == ("failures" in case.kind)
    outcomes = case.page.one("p", **{"class": "outcomes"}).text
    assert re.match(r"\d+ trials?: \d+ ", outcomes)
    assert ("a mean is over the subjects that have data" in outcomes) == (case.kind == "failures")
    said = " ".join(figure.text for figure in case.page.all("figcaption")) + case.page.one("section", id="answer").text
    assert ("up to 2 subjects" in said) == (case.kind == "failures")
    assert not (case.kind == "failures" and re.search(r"(?<!up to )2 subjects", said))
    assert "subject(s)" not in said


def test_what_comes_from_files_is_escaped(tmp_path):
    evil = "</script><script>alert(1)</script>"
    arms = {"vehicle": Treatment(), "<b>bold</b>": SSRI}
    attributes = {
        "name": evil, "notice": f"notice {evil}", "experiment_yaml": f"name: {evil}\n", "circuit_yaml": evil, "cpu": evil,
    }  # fmt: skip
    folder = results_folder(
        tmp_path, SMALL, arms, record=0.3, attributes=attributes, outcomes={("<b>bold</b>", 1): "failed"}
    )
    text = write_report(folder).read_text(encoding="utf-8")
    page = read_page(text)
    assert "alert(1)</script>" not in text
    assert len(page.all("script")) == 3
    assert page.all("b") == []
    assert page.one("h1").text == evil.replace("_", " ")
    assert f"notice {evil}" in page.one("header").text
    labels = {trace["name"] for trace in figures_of(page)["rates-levels"][0]["data"] if "name" in trace}
    assert labels == {"vehicle", "<b>bold</b>"}


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A shipped experiment without spikes, with a value set."""
    folder = tmp_path_factory.mktemp("still") / "d2"
    run("d2_occupancy", set={"seed": 3}, output=folder).close()
    return folder, read_page(write_report(folder).read_text(encoding="utf-8"))


def test_the_command_of_a_shipped_experiment_runs_the_same_experiment_again(still):
    folder, page = still
    words = page.one("pre", **{"class": "command"}).text.split()
    assert words == ["neurosim", "run", "d2_occupancy", "--set", "seed=3"]
    with open_results(folder) as results:
        again = load_experiment(words[2], set=dict(w.split("=", 1) for w in words[4:]))
        assert digest(again) == results.attributes["experiment_digest"]


def test_assumptions_and_citations_are_those_of_the_commands(still):
    _, page = still
    used, sources = numbers_used("d2_occupancy"), sources_used("d2_occupancy")
    section = page.one("section", id="assumptions")
    rows = [row.one("th", scope="row").text for row in section.all("tr") if row.all("th", scope="row")]
    assert sorted(rows) == sorted(" ".join(number.where.split()) for number in used.unmeasured)
    assert f"rests on {len(used.numbers)} numbers" in section.text
    cited = page.one("section", id="citations")
    links = {a["href"] for a in cited.all("a")}
    entries = {entry for own in sources.publications.values() for entry in own}
    assert {entry.address for entry in entries if entry.address} == links
    for entry in entries:
        assert " ".join(entry.words.split()) in cited.text
    assert sources.software.text in cited.text


def test_every_drug_stands_with_its_dose_and_what_it_holds(still):
    folder, page = still
    section = page.one("section", id="drugs")
    assert section.one("h3").text == "haloperidol"
    assert "haloperidol 0.1 mg/kg sc" in section.text
    with open_results(folder) as results:
        held = 100 * results.summary["receptors"].occupancy.sel(phase="late", ligand="haloperidol", arm="haloperidol")
        most = str(held.max(["subject", "dose"]).idxmax("site").values)
    first = [row.one("th", scope="row").text for row in section.all("tr") if row.all("th", scope="row")][:2]
    assert first == ["free in the brain", most]
    shown = {row.one("th", scope="row").text for row in section.one("table").all("tr") if row.all("th", scope="row")}
    below = set(section.all("details")[0].one("p").text.split(", "))
    assert shown - {"free in the brain"} | below == {*held.site.values.tolist(), "DAT", "SERT", "NET"}


def test_rows_of_the_same_drug_say_where_their_number_is_from(still):
    _, page = still
    section = page.one("section", id="validation")
    rows = {row.one("th", scope="row").text: row for row in section.all("tr") if row.all("th", scope="row")}
    assert {"DD02", "DD03"} <= set(rows), "rows of haloperidol"
    for row in rows.values():
        assert "haloperidol" in row.text
        assert [tag.text for tag in row.all("span", **{"class": "tag"})] == ["release"]


def test_a_row_of_this_very_experiment_is_read_from_the_folder(tmp_path):
    rows = read_rows()
    name = next(n for n, r in rows.rows.items() if r.experiment == "pet_bupropion")
    row = rows.rows[name]
    with run(rows.experiment(name), output=tmp_path / "pet") as results:
        reading = get_readout(row.readout_name)(results, row.arguments)
        verdict, _ = judge(reading, row.expected)
    page = read_page(write_report(tmp_path / "pet").read_text(encoding="utf-8"))
    lines = page.one("section", id="validation").one("tbody").all("tr")
    line = next(line for line in lines if line.one("th").text == name)
    assert float(line.all("data")[0]["value"]) == reading.value
    assert [tag.text for tag in line.all("span", **{"class": "tag"})] == ["this run"]
    assert verdict in line.text


def test_an_experiment_of_ones_own_comes_with_its_files(tiny, fake_engine, plain_figure, tmp_path):
    settings = {"subjects": "3", "circuit.populations.*.drive": "1.1x"}
    run("tiny_experiment", set=settings, output="out", workers=1).close()
    page = read_page(write_report("out").read_text(encoding="utf-8"))
    section = page.one("section", id="provenance")
    command = section.one("pre", **{"class": "command"}).text
    assert command == "neurosim run tiny_experiment.yaml --set subjects=3 --set 'circuit.populations.*.drive=1.1x'"
    texts = [block.raw for details in section.all("details") for block in details.all("code")]
    with open_results("out") as results:
        assert texts == [results.experiment_text, results.circuit_text]
    arms = page.one("section", id="asked").text
    assert "escitalopram 5 nM" in arms
    assert "lesion of DRN_HT, 0.9" in arms
    assert "in 3 subjects of the circuit tiny" in page.one("header").text
    assert {image["alt"].split(".")[0] for image in page.all("img")} >= {"Timeline of the protocol"}


@pytest.mark.parametrize(
    ("lost", "is_said"),
    [(("settings",), False), (("settings", "experiment_as_run"), True)],
    ids=["how it was set", "what was set"],
)
def test_values_that_the_folder_does_not_hold_are_said(tiny, fake_engine, plain_figure, lost, is_said):
    run("tiny_experiment", set={"subjects": "3"}, output="out", workers=1).close()
    tree = open_tree(tiny / "out" / "summary.h5").load()
    tree.attrs = {k: v for k, v in tree.attrs.items() if k not in (*lost, "seal", "complete")}
    write_tree(tiny / "out" / "summary.h5", tree)
    page = read_page(write_report("out").read_text(encoding="utf-8"))
    assert ("not exactly what ran" in page.one("header").text) == is_said
    assert "in 3 subjects of the circuit tiny" in page.one("header").text
    assert page.all("pre", **{"class": "command"}) == []


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return results_folder(tmp_path_factory.mktemp("made"), SMALL, {"vehicle": Treatment()}, subjects=1, record=0.3)


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "results")


def test_errors_are_one_sentence(folder, tmp_path, capsys):
    for place, words in ((tmp_path / "nowhere", "is not a folder"), (tmp_path, "holds no summary.h5")):
        with pytest.raises(SystemExit) as left:
            main(["report", str(place)])
        assert left.value.code == 2
        said = capsys.readouterr().err
        assert words in said
        assert len(said.splitlines()) == 1
    summary = folder / "summary.h5"
    summary.write_bytes(summary.read_bytes()[:-100])
    with pytest.raises(ResultSchemaError, match="truncated, damaged or not a result file"):
        write_report(folder)
    assert not (folder / REPORT).exists()


def test_the_page_appears_whole_or_not_at_all(folder):
    (folder / REPORT).mkdir()
    with pytest.raises(ResultSchemaError, match="cannot write .*report.html"):
        write_report(folder)
    assert [path.name for path in folder.iterdir() if path.name.endswith(".tmp")] == []


def test_the_command_says_where_the_page_is(folder, capsys):
    with pytest.raises(SystemExit) as left:
        main(["report", str(folder)])
    assert left.value.code == 0
    assert re.fullmatch(rf"report   {folder}/report.html \(\d\.\d MB, needs no network\)\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1234.5, "1230"), (0.00123, "0.00123"), (-2.5, "−2.5"), (3e-9, "3.00e−09"), (float("nan"), "–")],
)
def test_numbers_are_plain(value, text):
    assert plain_text(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.45, "−55 %"), (1.0, "±0 %"), (1.042, "+4.2 %"), (3.5, "+250 %"), (0.0, "−100 %"), (1e6, ">+9999 %")],
)
def test_ratios_are_read_as_changes(ratio, text):
    assert signed_percent(ratio) == text


def test_a_summary_that_was_sent_alone_is_enough(folder):
    shutil.rmtree(folder / "trials")
    page = read_page(write_report(folder).read_text(encoding="utf-8"))
    assert "rates-levels" in figures_of(page)
    assert "traces" not in figures_of(page)


def test_a_damaged_trial_is_said_and_leaves_no_page(folder):
    (trial,) = (folder / "trials").glob("*.h5")
    trial.write_bytes(trial.read_bytes()[:-50])
    with pytest.raises(ResultSchemaError, match=f"{trial.name} is truncated, damaged or not a result file"):
        write_report(folder)
    assert not (folder / REPORT).exists()
