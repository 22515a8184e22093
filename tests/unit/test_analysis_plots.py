"""Figures: legible, labelled, whole. What they look like was judged by eye; what can go wrong unseen is tested here."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from legible import assert_legible, drawn_texts, outside, overlaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from synthetic import FOUR_ARMS, FULL, SMALL, SSRI, Treatment, results_folder

from neurosim.analysis import Axis, open_results, overview_figure, save_figure
from neurosim.analysis.plots.panels import spread
from neurosim.analysis.plots.style import arm_colors, log_ticks

MANY = {f"arm_number_{k:02d}": Treatment({"DRN_HT": 1 - 0.09 * k}, {"5-HT": 1 + k}) for k in range(11)}


def opened(folder, *arguments, **options):
    return open_results(results_folder(folder, *arguments, record=0.5, **options))


@pytest.fixture(
    scope="module", params=["four arms", "eleven arms", "one arm", "one of everything", "failures"]
)
def arms_only(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plots")
    options = {
        "four arms": {"arms": FOUR_ARMS, "subjects": 3},
        "eleven arms": {"arms": MANY, "subjects": 1},
        "one arm": {"arms": {"drug": SSRI}, "subjects": 2},
        "one of everything": {"arms": {"drug": SSRI}, "subjects": 1, "phases": ["only"]},
        "failures": {
            "arms": {"vehicle": Treatment(), "bad": SSRI, "worse": Treatment(lesions={"DRN_HT": 1.0})},
            "outcomes": {("bad", 0): "failed", ("bad", 1): "nan"},
        },
    }[request.param]
    with opened(folder, SMALL, **options) as results:
        yield results


@pytest.fixture(scope="module", params=["dose", "words", "lone"])
def scanned(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    values = ("none", "some", "most") if request.param == "words" else (0.1, 1.0, 10.0)
    axis = Axis("strength", values, "" if request.param == "words" else "mg/kg", "path")
    arms = {"vehicle": Treatment(), "drug": SSRI} if request.param != "lone" else {"vehicle": SSRI}

    def at_point(treatment, point):
        return Treatment(
            {name: factor ** point[0] for name, factor in treatment.rates.items()},
            {name: factor ** point[0] for name, factor in treatment.levels.items()},
            treatment.ligands,
        )

    with opened(folder, SMALL, arms, axes=[axis], at_point=at_point, phases=["p"]) as results:
        yield results


def every_axis_says_its_unit(figure):
    panels = [axes for axes in figure.axes if axes.axison]
    return panels and all(
        any(unit in axes.get_xlabel() for unit in ("(s)", "nM", "Hz", "%", "log2", "mg/kg", "strength"))
        for axes in panels
    )


def test_texts_that_cover_each_other_are_found():
    """The test's own measure."""
    figure = Figure()
    figure.text(0.5, 0.5, "one")
    figure.text(0.51, 0.5, "two")
    figure.text(0.99, 0.9, "beyond")
    assert overlaps(figure) == [("two", "one")]
    assert outside(figure) == ["beyond"]


def test_the_overview_is_legible_and_draws_without_a_warning(arms_only):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = overview_figure(arms_only)
        assert_legible(figure)
    assert every_axis_says_its_unit(figure)


def test_the_overview_of_a_scan_is_legible(scanned):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = overview_figure(scanned)
        assert_legible(figure)
    assert every_axis_says_its_unit(figure)
    assert "strength" in figure.axes[0].get_xlabel()


def test_single_figures_are_legible(arms_only):
    arm, subject = arms_only.reference[0], arms_only.subjects[0]
    plot = arms_only.plot
    for figure in (plot.raster(arm, subject), plot.balance(), plot.concentrations()):
        assert_legible(figure)


@pytest.mark.parametrize("variable", ["firing_rate", "concentration", "activation", "balance"])
def test_dose_response_figures_are_legible(scanned, variable):
    figure = scanned.plot.dose_response(variable)
    assert_legible(figure)
    assert len(figure.axes) == (2 if variable == "concentration" else 1)


def test_the_curve_shows_what_compare_says(tmp_path):
    axis = Axis("dose", (1.0, 2.0), "mg/kg", "path")

    def at_point(treatment, point):
        return Treatment(treatment.rates, {"5-HT": 2.0 + point[0]}, treatment.ligands)

    with opened(tmp_path, SMALL, axes=[axis], at_point=at_point) as results:
        panel = results.plot.dose_response("concentration", transmitter="5-HT").axes[0]
        ratio = results.compare("escitalopram", "vehicle")["pools"]["concentration"].sel(statistic="ratio")
        expected = 100 * ratio.sel(transmitter="5-HT", region="DRN").values
        curves = [line.get_ydata() for line in panel.lines if len(line.get_ydata()) == 2]
    assert any(np.allclose(curve, expected) for curve in curves)


def test_raster_draws_every_spike_of_the_cells_it_shows(arms_only):
    arm, subject = arms_only.reference[0], arms_only.subjects[0]
    figure = arms_only.plot.raster(arm, subject, cells=100)
    # a broken line per population, two ends for each spike
    drawn = sum(int(np.isfinite(line.get_xdata()).sum()) for line in figure.axes[0].lines) // 2
    spikes = arms_only.trial(arm, subject)["spikes"].to_dataset()
    assert drawn == int(spikes.row_size.where(spikes.phase == arms_only.phases[-1], 0).sum())


def test_an_overview_of_more_rows_has_no_more_shapes(tmp_path):
    shapes = []
    for name, world in (("small", SMALL), ("full", FULL)):
        with opened(tmp_path / name, world, FOUR_ARMS, subjects=3) as results:
            figure = overview_figure(results)
        rasters, panels = figure.axes[:2], figure.axes[2:]
        assert [len(axes.lines) for axes in rasters] == [len(results.summary.rates.population)] * 2
        assert all(len(axes.get_yticks()) == 0 for axes in (rasters[1], panels[0]))
        shapes.append([len(axes.get_children()) for axes in panels])
    assert shapes[0] == shapes[1]


def test_an_arm_keeps_its_colour_in_all_figures(tmp_path):
    colors = arm_colors(list(FOUR_ARMS), "vehicle")
    assert colors["vehicle"] == "#000000"
    assert len(set(colors.values())) == len(FOUR_ARMS)
    with opened(tmp_path, SMALL, FOUR_ARMS, subjects=1) as results:
        for figure in (results.plot.overview(), results.plot.balance(arms=["escitalopram_sb"])):
            handles = {a.get_label(): to_hex(a.get_color()).upper() for a in figure.artists}
            assert handles["escitalopram sb"] == colors["escitalopram_sb"]


def test_nothing_but_failures_is_said_in_words(tmp_path):
    folder = results_folder(tmp_path, arms={"a": SSRI}, subjects=1, outcomes={("a", 0): "failed"})
    with open_results(folder) as results:
        assert "no trial has data" in drawn_texts(overview_figure(results))[0][0]


def test_figures_are_written_whole_and_leave_the_settings_alone(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    with opened(tmp_path / "r", SMALL, subjects=1) as results:
        path = save_figure(overview_figure(results), tmp_path / "figures" / "overview.png")
        assert overview_figure(results)._repr_png_().startswith(b"\x89PNG")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in path.parent.iterdir()] == ["overview.png"]
    assert dict(matplotlib.rcParams) == before


@given(st.lists(st.floats(0, 1), max_size=12).map(sorted), st.floats(0.01, 0.2))
def test_labels_are_pushed_apart_and_keep_their_order(places, gap):
    moved = spread(places, gap)
    assert len(moved) == len(places)
    assert all(b - a >= gap * (1 - 1e-9) for a, b in zip(moved, moved[1:], strict=False))
    assert np.mean(moved) == pytest.approx(np.mean(places)) if places else True
    far = all(b - a >= gap for a, b in zip(places, places[1:], strict=False))
    assert not far or moved == pytest.approx(places)


@given(st.floats(-9, 6), st.floats(0.02, 12))
def test_ticks_of_logarithmic_axes_are_few_and_inside(low, span):
    axis = Figure().subplots().xaxis
    low, high = 10.0**low, 10.0 ** (low + span)
    log_ticks(axis, low, high)
    ticks = axis.get_major_locator()()
    assert 0 < len(ticks) <= 5 or span < 0.1
    assert all(low * 0.99 <= t <= high * 1.01 for t in ticks)
