"""Figures of axes that go together along ``point``: marks over every axis, curves where the axes share an order."""

import warnings

import numpy as np
import pytest
from legible import assert_legible, drawn_texts, outside, overlaps
from matplotlib.collections import PathCollection
from synthetic import SMALL, SSRI, Treatment, results_folder

from neurosim.analysis import Axis, open_results, overview_figure, summary_table
from neurosim.analysis.plots import points
from neurosim.analysis.plots.along import along, places_of
from neurosim.errors import ResultSchemaError

N = 12
RANDOM = np.random.default_rng(3)
DOSE = Axis("dose", tuple(10 ** RANDOM.uniform(-2, 0.5, N)), "mg/kg", "arms.drug.drugs.a.dose")
PART = Axis("part", tuple(RANDOM.uniform(0.1, 0.9, N)), "1", "arms.drug.lesions.0.fraction")
SHUFFLED = (10.0, 0.1, 1.0, 0.3, 3.0)


def at_point(treatment, point):
    """The drug does the more the higher the dose."""
    strength = 0.3 + DOSE.values[point[0] % N]
    return Treatment(
        {name: factor**strength for name, factor in treatment.rates.items()},
        {name: factor**strength for name, factor in treatment.levels.items()},
        {name: level * strength for name, level in treatment.ligands.items()},
    )


def opened(folder, *members, axes=None, **options):
    options = {"arms": {"vehicle": Treatment(), "drug": SSRI}, "at_point": at_point, "phases": ["p"]} | options
    point = Axis.point(members or (DOSE, PART))
    return open_results(results_folder(folder, SMALL, axes=axes or [point], record=0.3, **options))


def by_size(treatment, point):
    return Treatment(treatment.rates, {"5-HT": 1 + SHUFFLED[point[0]]}, treatment.ligands)


@pytest.fixture(scope="module")
def spiking(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("spiking")) as results:
        yield results


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("still"), has_spikes=False, subjects=1) as results:
        yield results


@pytest.fixture(params=["spiking", "still"])
def drawn(request):
    return request.getfixturevalue(request.param)


def clouds(axes):
    return [c for c in axes.collections if isinstance(c, PathCollection)]


def words(figure):
    return [text.get_text() for text in figure.texts]


def test_every_point_is_a_mark_over_every_axis_and_no_line_joins_them(drawn):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = overview_figure(drawn)
        assert_legible(figure)
    assert len(figure.axes) == 2 * (4 if drawn.has_spikes else 3)
    for axes, axis in zip(figure.axes, [DOSE, PART] * 4, strict=False):
        assert all(len(line.get_xdata()) <= 2 for line in axes.lines)
        assert clouds(axes) and all(cloud.get_rasterized() for cloud in clouds(axes))
        for cloud in clouds(axes):
            np.testing.assert_allclose(np.sort(cloud.get_offsets()[:, 0]), np.sort(axis.values))
    assert words(figure)[-1] == f"{N} points"


def test_axes_say_name_and_unit_and_are_logarithmic_where_values_were_drawn_so(drawn):
    figure = overview_figure(drawn)
    assert {axes.get_xlabel() for axes in figure.axes} == {"dose (mg/kg)", "part (fraction)"}
    assert [axes.get_xscale() for axes in figure.axes[:2]] == ["log", "linear"]
    left = figure.axes[::2]
    titles = [axes.get_title(loc="left").split(" (")[0] for axes in left]
    labels = [axes.get_ylabel().replace("\n", " ") for axes in left]
    if drawn.has_spikes:
        assert titles == ["Firing rates", "[DA]", "[5-HT]", "Shift of the balance"]
        assert labels == ["% of vehicle"] * 3 + ["log2 units (− to 5-HT, + to DA)"]
    else:
        assert titles == ["Receptors held by drugs", "Carriers held by drugs", "Receptors active"]
        assert labels == ["% of the receptors", "% of the carriers", "% of the maximum"]


def test_legends_name_what_is_drawn_inside_the_sheet(drawn):
    figure = overview_figure(drawn)
    figure.draw_without_rendering()
    for axes in figure.axes[1::2]:
        legend = axes.get_legend()
        box = legend.get_window_extent()
        assert box.x1 <= figure.bbox.width and box.x0 >= axes.bbox.x1
        assert len(legend.get_texts()) == len(clouds(axes)) <= 6


def test_marks_are_where_compare_says(spiking):
    panel = spiking.plot.dose_response("concentration", axis="part", transmitter="5-HT").axes[0]
    assert panel.get_xlabel() == "part (fraction)"
    ratio = spiking.compare("drug", "vehicle")["pools"]["concentration"].sel(statistic="ratio", transmitter="5-HT")
    names = [text.get_text() for text in panel.get_legend().get_texts()]
    assert names
    for name, cloud in zip(names, clouds(panel), strict=True):
        expected = np.column_stack([PART.values, 100 * ratio.sel(region=name).values])
        np.testing.assert_allclose(cloud.get_offsets(), expected)


def test_of_many_points_two_thousand_are_drawn_and_said(tmp_path):
    n = 2500
    members = [Axis(name, tuple(RANDOM.uniform(0, 30, n)), "nM", name) for name in "ab"]
    with opened(tmp_path, *members, different=3, subjects=1, has_spikes=False) as results:
        figure = overview_figure(results)
        title = results.plot.dose_response("occupancy", axis="b").axes[0].get_title(loc="left")
    assert "2000 of 2500 points" in words(figure)
    assert title == "occupancy (2000 of 2500 points)"
    assert {len(cloud.get_offsets()) for axes in figure.axes for cloud in clouds(axes)} == {2000}
    chosen = points._drawn(10_000)
    assert chosen[0] == 0 and chosen[-1] == 9999 and np.ptp(np.diff(chosen)) <= 1


def test_four_axes_are_drawn_and_the_others_named(tmp_path):
    members = [Axis(name, tuple(RANDOM.permutation(8)), "nM", name) for name in "abcdef"]
    with opened(tmp_path, *members, subjects=1) as results:
        figure = overview_figure(results)
    assert_legible(figure)
    assert len(figure.axes) == 4 * 4
    assert words(figure)[-1] == "8 points, 2 more axes not shown: e, f"


def test_another_axis_is_at_its_first_value_and_no_plane_is_drawn(tmp_path):
    members = [Axis(name, (1.0, 3.0, 2.0), "nM", name) for name in "ab"]
    members[1] = Axis("b", (2.0, 1.0, 4.0), "nM", "b")
    wait = Axis("wait", (5.0, 60.0), "min", "wait")
    with opened(tmp_path, axes=[wait, Axis.point(members)], subjects=1) as results:
        figure = overview_figure(results)
        rates = results.plot.dose_response(axis="a").axes[0]
        with pytest.raises(ResultSchemaError, match="scan axis 'point' holds a and b, which go together"):
            results.plot.balance_plane()
    assert words(figure)[-1] == "3 points, wait 5 min"
    assert sorted(clouds(figure.axes[0])[0].get_offsets()[:, 0]) == [1, 2, 3]
    assert rates.get_xlabel() == "a (nM), wait 5 min"


def test_a_lone_arm_is_compared_with_the_median_of_its_points(tmp_path):
    def alike(treatment, point):
        return at_point(SSRI, point)

    arms = {"unused": Treatment(), "drug": SSRI}
    with opened(tmp_path, arms=arms, at_point=alike, subjects=1) as results:
        results.summary = results.summary.sel(arm=["drug"])
        results.summary.attrs |= {"reference_arm": "drug"}
        results.arms = ("drug",)
        figure = overview_figure(results)
    rates = figure.axes[0]
    assert rates.get_ylabel() == "% of the median"
    assert np.median(np.ma.getdata(clouds(figure.axes[4])[0].get_offsets())[:, 1]) == pytest.approx(100, rel=0.05)
    assert "against" not in words(figure)[1]


@pytest.mark.parametrize("n_members", [1, 2])
def test_axes_in_one_order_are_an_ordinary_curve_over_the_first(tmp_path, n_members):
    falling = tuple(1 / v for v in SHUFFLED)
    members = [Axis("dose", SHUFFLED, "mg/kg", "dose"), Axis("less", falling, "nM", "less")][:n_members]
    with opened(tmp_path, *members, at_point=by_size) as results:
        figure = overview_figure(results)
        named = results.plot.dose_response("concentration", axis="point", transmitter="5-HT").axes[0]
    assert_legible(figure)
    assert named.get_xlabel() == "dose (mg/kg)" + ", with less" * (n_members - 1)
    assert named.get_xscale() == "log" and not clouds(named)
    curves = [line for line in named.lines if len(line.get_xdata()) == 5]
    assert curves
    for line in curves:
        np.testing.assert_allclose(line.get_xdata(), sorted(SHUFFLED), rtol=0.1)
        assert (np.diff(line.get_ydata()) > 0).all()
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert any(title.startswith("Spikes: drug, dose 10 mg/kg") for title in titles)


def test_a_number_of_a_point_is_refused_in_words(spiking):
    with pytest.raises(ResultSchemaError) as caught:
        spiking.plot.dose_response(axis="point")
    assert str(caught.value) == (
        "figure: 'point' of made_up is the number of a point, which nothing can be drawn over; allowed: dose, part, "
        "e.g. axis='dose'"
    )
    with pytest.raises(ResultSchemaError, match="no scan axis 'dosis' in these results: did you mean 'dose'"):
        spiking.plot.dose_response(axis="dosis")


def test_without_a_name_the_first_axis_is_drawn_over(spiking):
    assert spiking.plot.dose_response().axes[0].get_xlabel() == "dose (mg/kg)"


@pytest.mark.parametrize(
    ("values", "scale", "texts"),
    [
        (tuple(RANDOM.uniform(0, 30, 500)), "linear", ()),
        (tuple(10 ** RANDOM.uniform(-3, 2, 500)), "log", ()),
        ((100.0, 0.0, 0.01, 1.0, 0.0), "steps", ("0", "0.01", "1", "100")),
        (("most", "none", "most", "some", "none"), "steps", ("most", "none", "some")),
    ],
)
def test_values_in_any_order_and_repeated_are_spread_well(spiking, monkeypatch, values, scale, texts):
    other = tuple(range(len(values)))
    members = (Axis("a", values, "", "a"), Axis("b", other[::-1][1:] + other[-1:], "1", "b"))
    monkeypatch.setattr(spiking, "axes", {"point": Axis.point(members)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        places = places_of(along(spiking, "a"))
    assert (places.scale, places.texts) == (scale, texts)
    if texts:
        shown = [value if isinstance(value, str) else f"{value:g}" for value in values]
        assert [texts[int(x)] for x in places.x] == shown


def test_slanted_texts_have_their_room(tmp_path):
    words_of = tuple(f"a_long_name_{k}" for k in (0, 1, 2, 3, 4, 2))
    members = (Axis("name", words_of, "", "arms.drug.name"), Axis("b", (3.0, 1.0, 2.0, 5.0, 6.0, 4.0), "nM", "b"))
    with opened(tmp_path, *members, subjects=1, has_spikes=False) as results:
        figure = overview_figure(results)
    assert outside(figure) == []
    # boxes of slanted neighbours meet at their corners
    assert {text for pair in overlaps(figure) for text in pair} <= set(words_of)
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == list(words_of[:5])


def test_the_table_has_the_reference_once_and_four_points_of_the_arm(spiking):
    labels = list(summary_table(spiking)[0].cells)
    assert labels[0] == "vehicle"
    assert len(labels) == 5 and all(label.startswith("drug dose ") for label in labels[1:])


def test_an_arm_without_data_is_said(tmp_path):
    with opened(tmp_path, outcomes={("drug", 0): "failed"}, subjects=1) as results:
        texts = [text for text, _ in drawn_texts(overview_figure(results))]
    assert "no trial has this readout" in texts
