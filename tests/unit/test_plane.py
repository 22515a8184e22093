"""The plane of two crossed scan axes: where its points lie, where nothing has changed, what it says."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from legible import assert_legible, drawn_texts
from synthetic import SMALL, Treatment, results_folder

from neurosim.analysis import Axis, open_results, overview_figure
from neurosim.analysis.plots.common import axis_label, axis_scale
from neurosim.analysis.plots.plane import plane_axes
from neurosim.errors import ResultSchemaError

DOSE = Axis("dose", (1.0, 3.0, 10.0, 30.0), "mg/kg", "arms.drug.drugs.a.dose")
PART = Axis("part_lost", (0.1, 0.3, 0.5, 0.7, 0.9), "1", "arms.drug.lesions.VTA_DA.fraction")
WORDS = Axis("route", ("ip", "sc"), "", "arms.drug.drugs.a.route")
ARMS = {"vehicle": Treatment(), "drug": Treatment()}


def twofold(treatment, point):
    """One axis doubles dopamine at every step, the other serotonin, and slows the cells that release it."""
    i, j = (*point, 0)[:2]
    return Treatment({"DRN_HT": 0.5**j}, {"DA": 2.0**i, "5-HT": 2.0**j}, {"a": 0.0})


def opened(folder, axes, at_point=twofold, **options):
    made = {"arms": ARMS, "subjects": 2, "record": 0.3, "phases": ["p"]} | options
    return open_results(results_folder(folder, SMALL, axes=axes, at_point=at_point, **made))


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("crossed"), [DOSE, PART]) as results:
        yield results


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title("left") == title)


def line_of_none(axes):
    """Vertices of the thick contour."""
    found = [
        path.vertices
        for drawn in axes.collections
        if hasattr(drawn, "levels") and not getattr(drawn, "filled", True)
        for level, path, width in zip(drawn.levels, drawn.get_paths(), drawn.get_linewidths(), strict=True)
        if level == 0.0 and width == max(drawn.get_linewidths()) > 1.0
    ]
    return np.concatenate(found) if found else np.zeros((0, 2))


def test_the_black_line_is_where_the_balance_is_that_of_the_reference(crossed):
    """The surface is a plane over the steps of both axes, so its zero is a straight line through the corner."""
    balance = crossed.summary["balance"]["balance"].sel(arm="drug", phase="p", region="VTA").mean("subject")
    start, da, ht = (float(balance.isel(dose=i, part_lost=j)) for i, j in ((0, 0), (-1, 0), (0, -1)))
    assert start == pytest.approx(0, abs=1e-6) and da > 1 and ht < -1
    found = line_of_none(panel(crossed.plot.balance_plane(), "VTA"))
    i = np.interp(np.log(found[:, 0]), np.log(DOSE.values), range(4))
    j = np.interp(found[:, 1], PART.values, range(5))
    # on a logarithmic side the line is straight between points in nM, not in steps: looked at where it crosses rows
    on_points = np.isclose(i, np.round(i), atol=1e-9)
    assert on_points.sum() >= 2 and j.max() > 1
    assert np.allclose((da * i / 3 + ht * j / 4)[on_points], 0, atol=0.02)


def test_zero_is_the_pale_middle_of_the_colours_and_has_a_tick(crossed):
    figure = crossed.plot.balance_plane()
    bars = [axes for axes in figure.axes if not axes.get_title("left")]
    assert len(bars) == 2, "one for the balance, one for the rates"
    for bar, words in zip(
        bars, (("log2 units", "+ to DA"), ("change of firing rate", "% of vehicle")), strict=True
    ):
        assert all(word in bar.get_ylabel() for word in words)
        low, high = bar.get_ylim()
        assert low == -high and 0.0 in np.round(bar.get_yticks(), 12)
    surface = next(c for c in panel(figure, "VTA").collections if getattr(c, "filled", False))
    red, _, blue, _ = surface.cmap(surface.norm(0.01))
    assert min(red, blue) > 0.85


def test_every_side_says_what_it_is_in_which_unit(crossed):
    figure = crossed.plot.balance_plane()
    titles = [axes.get_title("left") for axes in figure.axes if axes.get_title("left")]
    assert titles == ["VTA", "NAc", "VTA_DA", "DRN_HT"], "DRN has no dopamine, VTA_GABA releases neither"
    for title in titles:
        assert panel(figure, title).get_xlabel() == "dose (mg/kg)"
    assert panel(figure, "VTA").get_ylabel() == "part lost (fraction)"
    assert panel(figure, "VTA").get_xscale() == "log" and panel(figure, "VTA").get_yscale() == "linear"
    assert_legible(figure)


def test_regions_and_populations_are_chosen_by_name(crossed):
    figure = crossed.plot.balance_plane(regions="NAc", populations=())
    assert [axes.get_title("left") for axes in figure.axes if axes.get_title("left")] == ["NAc"]
    assert_legible(figure)
    with pytest.raises(ResultSchemaError, match="no region with both transmitters 'DRN'.*VTA, NAc"):
        crossed.plot.balance_plane(regions=["DRN"])


def held(by_point):
    """Results of a plane of 3 x 3 points at which each carrier is held as ``by_point`` says, in parts of one."""
    names = ["DAT", "SERT", "NET"]
    values = np.array([[[by_point(i, j)[c] for c in names] for j in range(3)] for i in range(3)], float)
    dims = ("arm", "subject", "one", "two", "phase", "carrier", "ligand")
    array = xr.DataArray(
        values[None, None, :, :, None, :, None],
        dims=dims,
        coords={"arm": ["drug"], "subject": [0], "phase": ["p"], "carrier": names},
    )
    axes = {
        "one": Axis("one", (0.0, 1.0, 100.0), "nM", "arms.drug.drugs.a.concentration"),
        "two": Axis("two", (1.0, 2.0, 3.0), "nM", "arms.drug.drugs.b.concentration"),
    }
    summary = {"receptors": xr.Dataset({"carrier_occupancy": array})}
    return SimpleNamespace(axes=axes, summary=summary, scan_shape=(3, 3))


def test_a_blocker_of_a_carrier_is_drawn_as_the_occupancy_that_came_out():
    results = held(lambda i, j: {"DAT": 0.4 * i, "SERT": 0.3 * j + 0.02 * i, "NET": 0.1 * i})
    x, y = plane_axes(results, "drug", "p")
    assert (x.label, y.label) == ("DAT occupancy (%)", "SERT occupancy (%)")
    assert np.allclose(x.places, [[0, 0, 0], [40, 40, 40], [80, 80, 80]])
    assert np.allclose(y.places[1], [2, 32, 62]), "what the other drug holds of it counts"


@pytest.mark.parametrize(
    "by_point",
    [
        lambda i, j: {"DAT": 0.2 * i + 0.2 * j, "SERT": 0.0, "NET": 0.0},
        lambda i, j: {"DAT": 0.02 * i, "SERT": 0.02 * j, "NET": 0.0},
        lambda i, j: {"DAT": (0.0, 0.5, 0.2)[i], "SERT": (0.5, 0.0, 0.2)[j], "NET": 0.0},
    ],
    ids=["both hold the same carrier", "neither holds much", "not at every step more"],
)
def test_what_spans_no_plane_of_occupancies_is_drawn_by_its_values(by_point):
    x, y = plane_axes(held(by_point), "drug", "p")
    assert (x.label, y.label) == ("one (nM)", "two (nM)")
    assert x.scale == "steps" and np.allclose(x.places[:, 0], [0, 1, 2]), "0, 1, 100 fit no scale"
    assert y.scale == "linear" and np.allclose(y.places[0], [1, 2, 3])


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ((0.1, 1.0, 10.0), "log"),
        ((1.0, 10.0), "log"),
        ((0.01, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98), "linear"),
        ((0.0, 5.0, 10.0, 20.0, 40.0), "linear"),
        ((0.0, 1.0, 10.0, 100.0), "steps"),
        ((2.0,), "linear"),
    ],
)
def test_the_scale_of_an_axis_follows_its_steps(values, scale):
    assert axis_scale(values) == scale


@pytest.mark.parametrize(
    ("unit", "path", "label"),
    [
        ("mg/kg", "arms.a.drugs.b.dose", "lost cells (mg/kg)"),
        ("1", "arms.a.lesions.b.fraction", "lost cells (fraction)"),
        ("x", "circuit.sites.b.tau", "lost cells (multiple)"),
        ("", "arms.a.drugs.b.route", "lost cells"),
    ],
)
def test_the_label_of_an_axis_says_its_unit(unit, path, label):
    assert axis_label(Axis("lost_cells", (1.0,), unit, path)) == label


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ([], "it has 0 scan axes (none); allowed: exactly two, crossed"),
        ([DOSE], "it has 1 scan axes (dose); allowed: exactly two, crossed"),
        ([DOSE, WORDS], "scan axis 'route' has texts; allowed: axes of at least two numbers"),
        (
            [DOSE, Axis("lone", (1.0,), "nM", "p")],
            "scan axis 'lone' has one value; allowed: axes of at least two numbers",
        ),
    ],
)
def test_what_is_no_plane_is_refused_in_one_sentence(tmp_path, axes, words):
    with opened(tmp_path, axes, subjects=1) as results, pytest.raises(ResultSchemaError) as caught:
        results.plot.balance_plane()
    assert str(caught.value) == f"balance plane of made_up: {words}"


def test_an_arm_that_the_axes_do_not_touch_is_refused(crossed):
    with pytest.raises(
        ResultSchemaError, match="arm 'vehicle' is not touched by both dose and part_lost; allowed: drug"
    ):
        crossed.plot.balance_plane(arm="vehicle")


def test_the_overview_of_a_plane_is_the_plane(crossed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = overview_figure(crossed)
        assert_legible(figure)
    assert len(line_of_none(panel(figure, "VTA"))) > 1
    assert "drug against vehicle, mean of 2 subjects, phase p" in [text for text, _ in drawn_texts(figure)]


def test_the_overview_of_a_short_axis_has_a_curve_for_each_of_its_values(tmp_path):
    short = Axis("EC_50", (15.0, 60.0), "nM", "circuit.sites.s.EC_50")
    with opened(tmp_path, [DOSE, short]) as results, warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = overview_figure(results)
        assert_legible(figure)
        shift = results.compare("drug", "vehicle")["balance"]["balance"].sel(
            statistic="difference", region="VTA"
        )
        expected = [shift.isel(EC_50=k).values for k in range(2)]
    axes, words = panel(figure, "VTA"), [text for text, _ in drawn_texts(figure)]
    assert {"EC 50 15 nM", "EC 50 60 nM"} <= set(words)
    curves = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 4]
    assert np.allclose(curves, expected)
    assert axes.get_xlabel() == "dose (mg/kg)" and axes.get_xscale() == "log"
    assert "log2" in axes.get_ylabel() and "% of vehicle" in panel(figure, "VTA_DA").get_ylabel()


def test_curves_over_one_of_several_axes_say_where_the_others_stand(tmp_path):
    with opened(tmp_path, [DOSE, WORDS]) as results:
        assert any("phase p, route ip" in text for text, _ in drawn_texts(overview_figure(results)))


def test_a_plane_with_failed_trials_is_drawn_without_them(tmp_path):
    with opened(tmp_path, [DOSE, PART], outcomes={("drug", 0): "failed"}) as results:
        assert_legible(overview_figure(results))
    with opened(tmp_path / "all", [DOSE, PART], subjects=1, outcomes={("drug", 0): "failed"}) as results:
        overview_figure(results)
        with pytest.raises(ResultSchemaError, match="no trial of arm 'drug' has a balance"):
            results.plot.balance_plane()
