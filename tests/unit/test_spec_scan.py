"""Scans beyond grids: zipped, drawn and listed axes, and what is wrong with them said before anything runs."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import qmc

from neurosim.errors import SpecError
from neurosim.spec import axis_texts, axis_values, load_experiment, resolve, scan_dimensions, scan_points

DATA = Path(__file__).parents[1] / "data"
DOSE = "path: arms.ssri.drugs.escitalopram.concentration"
PART = "path: arms.raphe_lesion.lesions.0.fraction"


@pytest.fixture
def scanned(tiny):
    """Loads the tiny experiment with what is given below its own keys."""

    def load(*axes, sample=None, **settings):
        lines = "".join(f"  {axis}\n" for axis in axes)
        tail = f"sample: {sample}\n" if sample else ""
        text = (DATA / "tiny_experiment.yaml").read_text(encoding="utf-8")
        (tiny / "e.yaml").write_text(f"{text}scan:\n{lines}{tail}", encoding="utf-8")
        return load_experiment("e.yaml", set=settings or None)

    return load


def numbers(experiment, name):
    return np.array([float(value) for value in axis_values(experiment)[name][0]])


def test_zipped_axes_go_together_and_the_rest_is_crossed(scanned):
    experiment = scanned(
        f"dose: {{{DOSE}, values: [1 nM, 2 nM, 5 nM], zip: true}}",
        "drive: {path: circuit.populations.VTA_DA.drive, values: [1x, 1.1x]}",
        f"part: {{{PART}, linear: [0.2, 0.6, 3], zip: true}}",
    )
    dims = scan_dimensions(experiment)
    assert [(d.name, d.axes, d.size) for d in dims] == [("point", ("dose", "part"), 3), ("drive", ("drive",), 2)]
    points = scan_points(experiment)
    assert len(points) == 6
    assert all(point["dose"] == point["part"] for point in points)
    assert resolve(experiment, "raphe_lesion", points[-1]).arm.lesions[0].fraction == 0.6
    assert float(resolve(experiment, "ssri", points[-1]).arm.drugs[0].concentration) == 5.0


def test_values_may_come_twice_where_axes_go_together(scanned):
    experiment = scanned(
        f"dose: {{{DOSE}, values: [1 nM, 1 nM], zip: true}}", f"part: {{{PART}, values: [0.1, 0.2], zip: true}}"
    )
    assert len(scan_points(experiment)) == 2


@pytest.mark.parametrize("method", ["random", "latin_hypercube", "sobol", "saltelli", "morris"])
def test_drawn_points_lie_between_their_bounds_and_are_the_same_again(scanned, method):
    n = {"saltelli": 16 * 4, "morris": 16 * 3}.get(method, 16)
    axes = (f"dose: {{{DOSE}, log_uniform: [1 nM, 1 uM]}}", f"part: {{{PART}, uniform: [0.2, 0.7]}}")
    one = scanned(*axes, sample=f"{{method: {method}, n: 16, seed: 5}}")
    doses, parts = numbers(one, "dose"), numbers(one, "part")
    assert len(doses) == len(parts) == n
    assert doses.min() >= 1.0 - 1e-9 and doses.max() <= 1000.0 + 1e-9
    assert parts.min() >= 0.2 and parts.max() <= 0.7
    again = scanned(*axes, sample=f"{{method: {method}, n: 16, seed: 5}}")
    other = scanned(*axes, sample=f"{{method: {method}, n: 16, seed: 6}}")
    assert axis_texts(one, "dose") == axis_texts(again, "dose")
    assert axis_texts(one, "dose") != axis_texts(other, "dose")


@pytest.mark.parametrize("method", ["random", "sobol", "saltelli", "morris"])
def test_more_drawn_points_only_add(scanned, method):
    axes = (f"dose: {{{DOSE}, log_uniform: [1 nM, 1 uM]}}", f"part: {{{PART}, uniform: [0.2, 0.7]}}")
    few = scanned(*axes, sample=f"{{method: {method}, n: 16}}")
    many = scanned(*axes, sample=f"{{method: {method}, n: 64}}")
    for name in ("dose", "part"):
        there = axis_texts(few, name)
        assert axis_texts(many, name)[: len(there)] == there
        assert len(axis_texts(many, name)) == 4 * len(there)


def test_a_latin_hypercube_has_one_point_in_each_stratum(scanned):
    experiment = scanned(f"part: {{{PART}, uniform: [0, 1]}}".replace("[0, 1]", "[0.1, 0.9]"),
                         sample="{method: latin_hypercube, n: 20}")
    strata = np.floor((numbers(experiment, "part") - 0.1) / 0.8 * 20)
    assert sorted(strata) == list(range(20))


def test_sobol_points_fill_a_square_better_than_chance(scanned):
    axes = (f"dose: {{{DOSE}, log_uniform: [1 nM, 1 uM]}}", f"part: {{{PART}, uniform: [0.2, 0.7]}}")

    def discrepancy(method):
        experiment = scanned(*axes, sample=f"{{method: {method}, n: 256}}")
        square = np.column_stack([np.log10(numbers(experiment, "dose")) / 3, (numbers(experiment, "part") - 0.2) / 0.5])
        return qmc.discrepancy(np.clip(square, 0, 1))

    assert discrepancy("sobol") < 0.1 * discrepancy("random")


def test_points_of_a_file_are_its_rows_wherever_the_experiment_is(tiny, scanned, monkeypatch):
    (tiny / "points.csv").write_text("dose,lost\n1 nM,0.1\n20 nM,0.3\n", encoding="utf-8")
    axes = (f"dose: {{{DOSE}, csv: points.csv}}", f"part: {{{PART}, csv: points.csv, column: lost}}")
    experiment = scanned(*axes)
    assert axis_texts(experiment, "dose") == ("1 nM", "20 nM")
    assert [d.name for d in scan_dimensions(experiment)] == ["point"]
    (tiny / "elsewhere").mkdir()
    monkeypatch.chdir(tiny / "elsewhere")
    assert axis_texts(load_experiment("../e.yaml"), "part") == ("0.1", "0.3")


def test_bare_numbers_of_a_file_take_the_unit_of_the_axis(tiny, scanned):
    (tiny / "points.csv").write_text("dose\n1\n2.5\n", encoding="utf-8")
    experiment = scanned(f"dose: {{{DOSE}, csv: points.csv, unit: nM}}")
    assert axis_texts(experiment, "dose") == ("1 nM", "2.5 nM")


@pytest.mark.parametrize(
    ("axes", "sample", "words"),
    [
        ([f"d: {{{DOSE}, uniform: [1 nM, 2 nM]}}"], None, "nothing says how points are drawn between them"),
        ([f"d: {{{DOSE}, values: [1 nM]}}"], "{method: sobol, n: 4}", "sample: draws nothing: no axis of the scan"),
        ([f"d: {{{DOSE}, uniform: [1 nM, 2 nM]}}"], "{method: sobl, n: 4}", "unknown value 'sobl'; did you mean 'sobol'"),
        ([f"d: {{{DOSE}, uniform: [1 nM, 2 nM]}}"], "{method: sobol, n: 100}", "'100' is no power of two"),
        ([f"d: {{{DOSE}, uniform: [1 nM, 2 nM]}}"], "{method: morris, n: 1}", "allowed: 2 or more"),
        ([f"d: {{{DOSE}, uniform: [1 nM, 2 mV]}}"], "{method: random, n: 4}", "needs a concentration"),
        ([f"d: {{{DOSE}, log_uniform: [0 nM, 2 nM]}}"], "{method: random, n: 4}", "a log axis needs two values above 0"),
        ([f"d: {{{DOSE}, values: [1 nM, 2 nM], linear: [1 nM, 2 nM, 3]}}"], None, "has values and linear; an axis has"),
        ([f"d: {{{DOSE}, zip: true}}"], None, "has no values; an axis has exactly one of: values, linear"),
        ([f"d: {{{DOSE}, values: [1 nM], column: x}}"], None, "goes with csv"),
        (
            [f"d: {{{DOSE}, values: [1 nM, 2 nM], zip: true}}", f"p: {{{PART}, values: [0.1], zip: true}}"],
            None,
            "scan.p: has 1 points and the axis 'd' has 2; axes that go together have equally many",
        ),
        ([f"d: {{{DOSE}, csv: no.csv}}"], None, "no.csv: No such file or directory"),
        ([f"d: {{{DOSE}, csv: p.csv}}"], None, "p.csv has no column 'd'; did you mean 'dd'?"),
        ([f"dd: {{{DOSE}, csv: p.csv}}"], None, "p.csv:3: column 'dd' is empty; each row is a point"),
        ([f"x: {{{DOSE}, csv: p.csv}}"], None, "'abc' is not a quantity"),
        ([f"point: {{{DOSE}, values: [1 nM]}}"], None, "the name 'point' is already taken"),
        (["n: {path: circuit.populations.VTA_DA.n, uniform: [3, 9]}"], "{method: random, n: 4}", "is not a whole number"),
    ],
)
def test_what_is_wrong_with_a_scan_is_said_before_anything_runs(tiny, scanned, axes, sample, words):
    (tiny / "p.csv").write_text("dd,x\n1 nM,1 nM\n,abc\n", encoding="utf-8")
    with pytest.raises(SpecError) as error:
        scanned(*axes, sample=sample)
    assert words in str(error.value)
    assert "e.yaml" in str(error.value)


def test_a_design_without_its_package_is_refused_in_words(scanned, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "SALib.sample", None)
    with pytest.raises(SpecError, match="needs the package SALib, which is not installed: install neurosim with its extra"):
        scanned(f"d: {{{DOSE}, uniform: [1 nM, 2 nM]}}", sample="{method: saltelli, n: 1024}")
