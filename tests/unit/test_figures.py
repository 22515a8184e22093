"""Every kind of figure: laid beside a small picture of it, read for its units, and legible whatever it is drawn of.

What the pictures of ``tests/baselines`` show was judged by eye; ``python tests/baselines.py`` renews them.
"""

import re
import shutil
import warnings

import numpy as np
import pytest
from baselines import FOLDER, drawn_with, save
from colors import lab_of
from figures import ARMS, DRUG, KINDS, PULSES, RECORD, draw, experiment, midbrain, paper, said
from legible import assert_legible, drawn_texts
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.testing.compare import calculate_rms, compare_images
from PIL import Image
from synthetic import FULL, SMALL, SSRI, Treatment, results_folder

from neurosim.analysis import Axis, open_results, save_figure
from neurosim.analysis.plots import Plot, circuit_figure, timeline_figure
from neurosim.analysis.plots.schedule import schedule_of, schedule_of_results
from neurosim.analysis.plots.style import arm_colors, shades
from neurosim.analysis.resolved import time_text
from neurosim.errors import ResultSchemaError
from neurosim.spec import Experiment, load_circuit, load_experiment

METHODS = sorted(name for name in vars(Plot) if not name.startswith("_"))
#: Root mean square of the difference, of 255. The same versions draw the same pixels; numbers that another NumPy or
#: processor rounds otherwise may move a mark across the border of one. What a reader sees is far more (see below).
TOLERANCE = 2.0
DRAWN_WITH = (FOLDER / "drawn_with.txt").read_text().strip()
UNIT = re.compile(r"\((?:[^()]*)\)|%|\bHz\b|\bnM\b|log2")


@pytest.fixture(scope="module")
def shown(figure_folders):
    opened = {make: open_results(folder) for make, folder in figure_folders.items()}
    yield {method: opened[make] for method, (make, _) in KINDS.items()}
    for results in opened.values():
        results.close()


@pytest.fixture(scope="module")
def drawn(shown):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return {method: draw(shown[method], method) for method in KINDS}


def other(folder, arms, world=SMALL, **options):
    """Results that say what was simulated in every arm, but for the treatments: nothing."""
    blank = Experiment(
        name="made_up",
        circuit=midbrain()[0],
        protocol={"phases": [{"name": name, "record": "1 s"} for name in options.get("phases", ("baseline", "drug"))]},
        arms={arm: {} for arm in arms},
    )
    attributes = {"circuit_yaml": midbrain()[1]}
    made = {"record": 0.2, "subjects": 1, "attributes": attributes, "trial_attributes": said(blank)} | options
    return open_results(results_folder(folder, world, arms, **made))


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title("left") == title)


# All kinds


def test_every_method_has_a_figure_that_is_tested():
    assert sorted(KINDS) == METHODS, "tests/figures.py: KINDS shows every method of results.plot"
    assert sorted(path.stem for path in FOLDER.glob("*.png")) == METHODS, "python tests/baselines.py"


@pytest.mark.skipif(drawn_with() != DRAWN_WITH, reason=f"the pictures were drawn with {DRAWN_WITH}, not {drawn_with()}")
@pytest.mark.parametrize("method", METHODS)
def test_it_looks_as_it_did(drawn, method, tmp_path):
    actual = save(drawn[method], tmp_path / f"{method}.png")
    expected = shutil.copy(FOLDER / f"{method}.png", tmp_path / f"{method}_expected.png")
    assert compare_images(str(expected), str(actual), TOLERANCE) is None


@pytest.mark.skipif(drawn_with() != DRAWN_WITH, reason=f"the pictures were drawn with {DRAWN_WITH}, not {drawn_with()}")
@pytest.mark.parametrize("change", ["a colour", "a label", "a line"])
def test_a_difference_that_can_be_seen_is_found(shown, tmp_path, change):
    figure = draw(shown["dose_response"], "dose_response")
    axes = figure.axes[0]
    if change == "a colour":
        axes.set_facecolor("#eef2f5")
    elif change == "a label":
        axes.set_ylabel("")
        axes.set_yticks([])
    else:
        axes.lines[0].remove()
    with Image.open(save(figure, tmp_path / "now.png")) as now, Image.open(FOLDER / "dose_response.png") as then:
        difference = calculate_rms(np.asarray(then.convert("RGB"), float), np.asarray(now.convert("RGB"), float))
    assert difference > TOLERANCE


@pytest.mark.parametrize("method", METHODS)
def test_it_is_legible(drawn, method):
    assert_legible(drawn[method])


@pytest.mark.parametrize("method", METHODS)
def test_every_axis_with_numbers_names_their_unit(drawn, method):
    figure = drawn[method]
    figure.draw_without_rendering()
    for axes in figure.axes:
        if not axes.axison:
            continue
        for side, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if has_numbers(axis):
                assert UNIT.search(words_of(figure, axes, side)), f"{side} axis of {axes.get_title('left')!r}"


def has_numbers(axis):
    texts = [t.get_text() for t in axis.get_ticklabels() if t.get_visible()]
    return any(re.fullmatch(r"[−-]?[\d.]+(?:e[−+-]?\d+)?", text) for text in texts if text)


def words_of(figure, axes, side):
    """The label of an axis, or that of the row or column that shares it, or the heads of its column."""
    place, end = axes.get_position(), "x0" if side == "y" else "x1"
    same = [
        other
        for other in figure.axes
        if np.isclose(getattr(other.get_position(), end), getattr(place, end))
        or np.isclose(other.get_position().y0, place.y0)
    ]
    labels = [getattr(other, f"get_{side}label")() for other in same]
    heads = [text.get_text() for other in same for text in other.texts] if side == "y" else []
    return " ".join([*labels, *heads])


SIZES = {
    "one arm": ({"drug": SSRI}, {"phases": ["only"]}),
    "eleven arms": (
        {f"arm_number_{k:02d}": Treatment({"DRN_HT": 1 - 0.09 * k}, {}, {"escitalopram": 3.0 * k}) for k in range(11)},
        {},
    ),
    "many sites": ({"vehicle": Treatment(), "drug": SSRI}, {"world": FULL}),
}


@pytest.fixture(scope="module", params=SIZES)
def sized(request, tmp_path_factory):
    arms, options = SIZES[request.param]
    with other(tmp_path_factory.mktemp("sized"), arms, **options) as results:
        yield results


@pytest.mark.parametrize("method", ["activation", "arms", "concentrations", "occupancy", "raster"])
def test_it_is_legible_of_one_and_of_many(sized, method):
    options = {"cells": 10, "bin": 0.05} if method == "raster" else {}
    assert_legible(getattr(sized.plot, method)(**options))


# Spikes and rates


def test_the_rate_beside_the_raster_is_that_of_the_summary(shown):
    """Bins that fill the recording: their mean is the firing rate, of all cells that survive a lesion."""
    results = shown["raster"]
    rate = results.plot.raster("habenula", cells=3, bin=RECORD / 10).axes[1]
    summary = results.summary["rates"]["firing_rate"].sel(arm="habenula", subject=0, phase="drug")
    names = summary.population.values.tolist()
    texts = [t.get_text() for t in rate.texts if t.get_text().endswith("Hz")]
    steps = [patch for patch in rate.patches if hasattr(patch, "get_data")][::2]
    assert len(steps) == len(texts) == len(names)
    for row, (name, text, step) in enumerate(zip(names, texts, steps, strict=True)):
        heights = (row + 0.42 - step.get_data().values) / 0.84
        mean = float(text.removesuffix(" Hz")) * heights.mean()
        assert mean == pytest.approx(float(summary.sel(population=name)), rel=6e-3), name


def test_pulses_are_marked_where_they_were_given(shown):
    spikes = shown["raster"].plot.raster("habenula").axes[0]
    lines = [c.get_segments() for c in spikes.collections if hasattr(c, "get_segments")]
    pulses = sorted(segment[0][0] for segments in lines for segment in segments if segment[0][1] < -0.5)
    assert pulses == pytest.approx(0.5 + 0.1 * np.arange(10))
    assert "LHb_Glu stimulated" in [tick.get_text() for tick in spikes.get_yticklabels()]
    untouched = draw(shown["raster"], "raster", arm="vehicle").axes[0]
    assert not [tick for tick in untouched.get_yticklabels() if "stimulated" in tick.get_text()]


# Concentrations


def test_no_line_crosses_what_was_not_simulated(shown):
    figure = shown["concentrations"].plot.concentrations(regions="DRN", arms="escitalopram")
    axes = next(axes for axes in figure.axes if axes.lines)
    starts = [line.get_xdata()[0] for line in axes.lines]
    ends = [line.get_xdata()[-1] for line in axes.lines]
    assert len(starts) == 2
    assert starts[1] - ends[0] > 0.05 * RECORD
    to_data = axes.transData.inverted()
    bands = sorted(patch.get_extents().transformed(to_data).intervalx.tolist() for patch in axes.patches)
    assert np.allclose(bands, [[0, RECORD], [1.1 * RECORD, 2.1 * RECORD]], atol=1e-6)


def test_the_lines_are_the_mean_over_subjects(shown):
    results = shown["concentrations"]
    axes = results.plot.concentrations(regions="NAc", arms="escitalopram", phase="drug").axes[1]
    traces = [results.trial("escitalopram", s)["traces"]["concentration"].sel(phase="drug") for s in results.subjects]
    mean = sum(t.sel(region="NAc", transmitter="5-HT").values for t in traces) / len(traces)
    assert np.allclose(axes.lines[0].get_ydata(), mean, rtol=1e-6)


def test_phases_say_their_clock(shown):
    plot = shown["concentrations"].plot
    words = [text for text, _ in drawn_texts(plot.concentrations(regions="DRN", arms="vehicle"))]
    assert "45 min after the dose" in words and "before the drugs" in words
    alone = [text for text, _ in drawn_texts(plot.concentrations(regions="DRN", arms="vehicle", phase="drug"))]
    assert "baseline" not in alone


# Heat maps


def test_the_cells_of_the_occupancy_are_the_sums_over_drugs(shown):
    results = shown["occupancy"]
    axes = results.plot.occupancy(sites="5-HT1A").axes[0]
    held = 100 * results.summary["receptors"]["occupancy"].sum("ligand").sel(phase="drug", arm="escitalopram_way")
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    column = [tick.get_text() for tick in axes.get_xticklabels()].index("escitalopram way")
    shown_values = np.asarray(axes.images[0].get_array())[:, column]
    assert np.allclose(shown_values, held.sel(site=names).mean("subject"))
    assert all(name.startswith("HT1A") for name in names)


def test_what_no_drug_holds_is_left_out_and_counted(tmp_path):
    """A trace of a drug that holds a carrier and hardly any receptor."""
    arms = {"vehicle": Treatment(), "trace": Treatment({}, {}, {"x": 0.3})}
    with other(tmp_path, arms) as results:
        figure = results.plot.occupancy()
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["SERT"]
    words = " ".join(text for text, _ in drawn_texts(figure)).split()
    assert " ".join(words[: words.index("out") + 1]).endswith("5 of 6 receptors and carriers held below 1 % are left out")


def test_a_receptor_is_the_mean_over_its_sites(shown):
    results = shown["activation"]
    axes = draw(results, "activation").axes[0]
    row = [tick.get_text() for tick in axes.get_yticklabels()].index("5-HT1B")
    values = results.summary["receptors"]["activation"].load()
    own = values.isel(site=np.flatnonzero(values.receptor.values == "5-HT1B")).sel(phase="drug", arm="vehicle").mean()
    assert np.asarray(axes.images[0].get_array())[row, 0] == pytest.approx(100 * float(own))


def test_columns_can_be_drugs_phases_and_the_values_of_an_axis(shown):
    plot = shown["occupancy"].plot
    by_drug = plot.occupancy("ligand", arm="escitalopram_way").axes[0]
    assert [t.get_text() for t in by_drug.get_xticklabels()] == ["WAY-100635", "escitalopram"]
    assert [t.get_text() for t in plot.activation("phase").axes[0].get_xticklabels()] == ["baseline", "drug"]
    by_dose = shown["dose_response"].plot.activation().axes[0]
    assert [t.get_text() for t in by_dose.get_xticklabels()] == ["0.1", "0.3", "1", "3"]
    assert by_dose.get_xlabel() == "dose (mg/kg)"


def test_the_shades_are_even_steps_from_light_to_dark():
    """Neighbours are equally far apart in CIELAB, and lightness only falls, so the map is read without any hue."""
    colors = np.array([lab_of(to_hex(color)) for color in shades(33).colors])
    steps = np.linalg.norm(np.diff(colors, axis=0), axis=1)
    # hexadecimal digits round to 1/255, and the corner of the path shortens one step
    assert steps.min() > 0.8 * steps.mean() and steps.max() < 1.2 * steps.mean()
    assert (np.diff(colors[:, 0]) < 0).all()


# Arms


def test_the_paired_difference_is_that_of_compare(shown):
    results = shown["arms"]
    axes = results.plot.arms("concentration", region="NAc", transmitter="5-HT").axes[1]
    statistics = results.compare("escitalopram", "vehicle")["pools"]["concentration"]
    statistics = statistics.sel(region="NAc", transmitter="5-HT")
    color = arm_colors(list(ARMS), "vehicle")["escitalopram"]
    own = [line for line in axes.lines if to_hex(line.get_color()).upper() == color]
    mean = next(line for line in own if line.get_marker() == "D")
    bar = next(line for line in own if line.get_marker() == "None")
    assert mean.get_ydata()[0] == pytest.approx(float(statistics.sel(statistic="difference")))
    assert np.allclose(bar.get_ydata(), [float(statistics.sel(statistic=s)) for s in ("low", "high")])


def test_one_line_joins_the_arms_of_each_subject(shown):
    results = shown["arms"]
    axes = results.plot.arms("firing_rate", population="DRN_HT").axes[0]
    lines = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == len(ARMS)]
    rates = results.summary["rates"]["firing_rate"].sel(phase="drug", population="DRN_HT").transpose("subject", "arm")
    # three subjects, then the dots of each arm
    assert np.allclose(lines[: len(results.subjects)], rates.values)


# Circuit


def test_every_influence_is_an_arrow_and_every_population_a_box():
    circuit = load_circuit("midbrain_raphe")
    from neurosim.analysis.influence import influences

    figure = circuit_figure(circuit)
    for axes, way in zip(figure.axes, ("synapses", "receptors"), strict=True):
        found = [i for i in influences(circuit) if i.by == way]
        arrows = [p for p in axes.patches if type(p).__name__ == "PathPatch"]
        assert len(arrows) == len(found)
        assert sorted(t.get_text() for t in axes.texts) == sorted(circuit.populations)


@pytest.mark.parametrize("name", ["midbrain_raphe", "da_5ht_brain", "striatum_pet"])
def test_circuits_of_any_size_are_legible(name):
    assert_legible(circuit_figure(load_circuit(name)))


def test_the_circuit_of_results_shows_their_rates(shown):
    """Half of the raphe's cells are gone and the habenula is driven: other widths than at rest."""
    results = shown["circuit"]
    assert results.circuit == midbrain()[0]
    rest, driven = results.plot.circuit(), results.plot.circuit("habenula", "drug")
    widths = [
        sorted(p.get_linewidth() for p in f.axes[0].patches if type(p).__name__ == "PathPatch") for f in (rest, driven)
    ]
    assert not np.allclose(*widths)


# Timeline


@pytest.mark.parametrize("name", ["acute_cocaine", "balance_map", "chronic_citalopram", "parkinson_grades"])
def test_the_protocol_of_a_shipped_experiment_is_legible(name):
    assert_legible(timeline_figure(load_experiment(name)))


@pytest.mark.parametrize("n", [1, 11])
def test_protocols_of_one_and_of_many_arms_are_legible(n):
    held = {"drug": "WAY-100635", "concentration": "50 nM", "phases": ["baseline"]}
    pump = {"drug": "fluoxetine", "rate": "10 mg/kg/day", "route": "minipump", "time": "1 h"}
    lasting = {"lesions": [{"population": "DRN_HT", "fraction": "0.9"}], "set": {"populations.VTA_DA.drive": "1.1x"}}
    full = {"drugs": [DRUG, held, pump], "stimulations": [PULSES, {**PULSES, "kind": "rate", "n": None}], **lasting}
    phases = [{"name": name, "record": "3 s"} for name in ("baseline", "drug", "later")]
    arms = {f"arm_with_a_long_name_{k}": full for k in range(n)}
    protocol = {"phases": [*phases, {**phases[0], "name": "end", "at": "9 d"}]}
    figure = timeline_figure(Experiment(name="full", circuit=midbrain()[0], protocol=protocol, arms=arms))
    assert_legible(figure)
    words = [text for text, _ in drawn_texts(figure)]
    for text in ("fluoxetine 10 mg/kg/day minipump", "DRN_HT: 90 % of the cells lost", "populations.VTA_DA.drive: 1.1x"):
        assert words.count(text) == n
    assert "within end" in words


def test_the_protocol_of_results_is_that_of_their_experiment(figure_folders):
    """From what the summary says was run; of earlier versions from the text of the file, or from what the trials say."""
    asked, found = schedule_of(experiment()), []
    with open_results(figure_folders[paper]) as results:
        for told in (None, "experiment_as_run", "experiment_yaml"):
            results.attributes.pop(told, None)
            found.append(schedule_of_results(results))
    for schedule in found:
        assert [(p.name, p.at) for p in schedule.phases] == [(p.name, p.at) for p in asked.phases]
        for arm, items in asked.arms.items():
            assert [(i.text, i.kind) for i in schedule.arms[arm]] == [(i.text, i.kind) for i in items]


def test_doses_lie_where_the_clock_says(tmp_path):
    repeated = {"drug": "citalopram", "dose": "20 mg/kg", "route": "ip", "ii": "24 h", "addl": 3}
    of = Experiment(
        name="days",
        circuit="midbrain_raphe",
        protocol={"phases": [{"name": "before", "record": "1 s"}, {"name": "day_4", "record": "1 s", "at": "80 h"}]},
        arms={"drug": {"drugs": [repeated]}},
    )
    figure = timeline_figure(of)
    axes = figure.axes[0]
    marks = next(line for line in axes.lines if line.get_marker() == "v").get_xdata()
    steps = np.diff(marks)
    assert len(marks) == 4 and np.allclose(steps, steps[0])
    zero, last = axes.get_xticks()
    assert marks[0] == pytest.approx(zero)
    assert (marks[-1] - zero) / (last - zero) == pytest.approx(72 / 80)


@pytest.mark.parametrize(
    ("seconds", "text"), [(20, "20 s"), (90, "90 s"), (2700, "45 min"), (145 * 3600, "145 h"), (14 * 86400, "14 d")]
)
def test_times_are_told_in_the_unit_that_suits_them(seconds, text):
    assert time_text(seconds) == text


# Dose-response


def test_a_line_joins_the_marks_of_a_curve_that_is_not_fitted(shown):
    axes = draw(shown["dose_response"], "dose_response").axes[0]
    marked = [line for line in axes.lines if line.get_marker() not in ("None", None)]
    assert marked and all(line.get_linestyle() == "-" for line in marked)


# Wrong names


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda plot: plot.raster(phase="drag"), "no phase 'drag' in these results: did you mean 'drug'"),
        (lambda plot: plot.raster(bin=7.0), "a bin of 7.0 s does not fit; allowed: above 0 s"),
        (lambda plot: plot.concentrations(regions="NAcc"), "no region 'NAcc' in these results: did you mean 'NAc'"),
        (lambda plot: plot.occupancy("arms"), "no columns 'arms' in these results: did you mean 'arm'"),
        (lambda plot: plot.occupancy(sites="5-HT1a_"), "no site or receptor '5-HT1a_' in these results: did you mean"),
        (lambda plot: plot.activation(rows="sites"), "no rows 'sites' in these results: did you mean 'site'"),
        (lambda plot: plot.activation("ligand"), "no columns 'ligand' in these results"),
        (lambda plot: plot.occupancy(arm="vehicle", by="phase"), "no drug holds 1 % of any receptor"),
        (lambda plot: plot.arms("firing_rat"), "no variable 'firing_rat' in these results: did you mean 'firing_rate'"),
        (lambda plot: plot.arms(population="DRN_5HT"), "no population 'DRN_5HT' in these results: did you mean 'DRN_HT'"),
        (lambda plot: plot.arms(populations="DRN_HT"), "firing_rate has no dimension 'populations': did you mean"),
        (lambda plot: plot.arms("activation"), "choose some, e.g. site="),
        (lambda plot: plot.circuit("vehicel"), "no arm 'vehicel' in these results: did you mean 'vehicle'"),
        (lambda plot: plot.circuit(dose=3), "no scan axis 'dose' in these results"),
    ],
)
def test_wrong_names_are_answered_with_the_nearest(shown, call, words):
    with pytest.raises(ResultSchemaError) as error:
        call(shown["raster"].plot)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_results_without_a_text_say_that_there_is_no_circuit_and_no_protocol(shown):
    for method, words in (("circuit", "do not hold the text of their circuit"), ("timeline", "do not say what was done")):
        with pytest.raises(ResultSchemaError) as error:
            getattr(shown["dose_response"].plot, method)()
        assert words in str(error.value)


def test_results_without_spikes_have_figures_of_receptors_and_say_what_they_lack(tmp_path):
    with other(tmp_path, {"vehicle": Treatment(), "drug": SSRI}, has_spikes=False) as results:
        for method in ("occupancy", "activation"):
            assert_legible(getattr(results.plot, method)())
        for method in ("raster", "concentrations", "circuit"):
            with pytest.raises(ResultSchemaError, match="run without spikes"):
                getattr(results.plot, method)()


# What somebody tries who has not read everything


def half(treatment, point):
    part = sum(point) / 2
    return Treatment({name: factor**part for name, factor in treatment.rates.items()}, ligands=treatment.ligands)


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    axes = [Axis("dose", (0.3, 3.0), "mg/kg", "arms.drug.drugs.x.dose"), Axis("gain", (0.5, 1.0, 2.0), "x", "circuit.x")]
    arms = {"vehicle": Treatment(), "drug": SSRI}
    with other(tmp_path_factory.mktemp("plane"), arms, axes=axes, at_point=half) as results:
        yield results


@pytest.mark.parametrize("dose", [3, "3 mg/kg", "3000 ug/kg"])
@pytest.mark.parametrize("method", ["arms", "occupancy", "activation", "balance"])
def test_a_point_is_named_as_in_a_selection_and_the_other_axis_stays_at_its_last(plane, method, dose):
    options = {"by": "arm"} if method in ("occupancy", "activation") else {}
    figure_of = getattr(plane.plot, method)
    assert all_pixels(figure_of(dose=dose, **options)) == all_pixels(figure_of(**options))
    first = figure_of(dose=0.3, **options)
    if method != "balance":
        assert "dose 0.3 mg/kg" in all_words(first) and "gain 2 x" in all_words(first)
    with pytest.raises(ResultSchemaError, match="no dose '1 mg/kg'"):
        getattr(plane.plot, method)(dose="1 mg/kg", **options)


def all_pixels(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return bytes(canvas.buffer_rgba())


def all_words(figure):
    return " ".join(text for text, *_ in drawn_texts(figure))


def test_lines_of_a_dose_response_are_chosen_by_name(plane):
    def lines(*args, **options):
        axes = plane.plot.dose_response(*args, **options).axes
        return {text.get_text() for own in axes for text in own.texts}

    assert lines("activation", receptor="5-HT2C") == {"HT2C_VTA"}
    assert lines("activation", site=["HT2C_VTA", "D2_VTA"]) == {"HT2C_VTA", "D2_VTA"}
    assert lines("pools/concentration", region="VTA") == lines("concentration", region="VTA") == {"VTA"}
    with pytest.raises(ResultSchemaError, match="no population 'DRN_5HT' in these results: did you mean 'DRN_HT'"):
        plane.plot.dose_response(population="DRN_5HT")
    assert plane.plot.dose_response().axes[0].get_xlabel() == "dose (mg/kg), gain 0.5x"
    with pytest.raises(ResultSchemaError, match="gain= chooses no line"):
        plane.plot.dose_response(gain=2)


def test_where_trials_failed_no_figure_says_that_all_subjects_are_in_it(tmp_path):
    arms = {"vehicle": Treatment(), "drug": SSRI}
    with other(tmp_path, arms, subjects=3, outcomes={("drug", 1): "failed"}) as results:
        for method in ("overview", "concentrations", "occupancy", "activation", "arms", "circuit"):
            assert "up to 3 subjects" in all_words(getattr(results.plot, method)()), method


def test_where_every_trial_failed_a_figure_is_a_sentence(tmp_path):
    failed = {(arm, subject): "failed" for arm in ("vehicle", "drug") for subject in (0, 1)}
    arms = {"vehicle": Treatment(), "drug": SSRI}
    with other(tmp_path, arms, subjects=2, outcomes=failed) as results:
        for method in ("arms", "occupancy", "activation", "balance"):
            with pytest.raises(ResultSchemaError, match=f"{method} of made_up: no trial has data; 'neurosim status'"):
                getattr(results.plot, method)()


def test_without_spikes_what_is_drawn_by_default_is_what_there_is(tmp_path):
    axes = [Axis("dose", (0.3, 3.0), "mg/kg", "arms.drug.drugs.x.dose")]
    arms = {"vehicle": Treatment(), "drug": SSRI}
    with other(tmp_path, arms, axes=axes, at_point=half, has_spikes=False) as results:
        assert results.plot.dose_response().axes[0].get_title("left") == "occupancy"
        assert len(results.plot.arms().axes) == 2 * len(SMALL.sites)
        with pytest.raises(ResultSchemaError, match="balance of made_up: it was run without spikes"):
            results.plot.balance()


@pytest.mark.parametrize("name", ["figure", "figure.pgn"])
def test_an_ending_that_is_no_format_writes_nothing(shown, tmp_path, name):
    with pytest.raises(ResultSchemaError, match="its ending is no format of a figure; .*png"):
        save_figure(shown["arms"].plot.arms(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
